package agent

import (
	"context"
	"errors"
	"time"

	"aggregator/lists"
	"aggregator/rawjson"
)

// MaxCommands bounds what is read of a bot's commands, in bytes.
const MaxCommands = 1 << 20

// discordCommands is the operation of asking Discord for a bot's commands.
var discordCommands = lists.Op{Name: "discord_commands", Timeout: 10 * time.Second, MaxAnswer: MaxCommands, MayRepeat: true}

// DiscordCommands asks Discord for a bot's commands, with the bot's Discord token, and
// returns them as an upload holds them. The error says in words why there are none.
func DiscordCommands(ctx context.Context, ask Exchange, out Outbound, bot string, token lists.Token) (lists.ReportValues, error) {
	commands, said := out.commands(ctx, ask, bot, token, time.Now())
	if said.fault != faultNone {
		return nil, errors.New(said.text)
	}
	return commands, nil
}

// commands asks Discord for a bot's commands. The reading has no count.
func (out Outbound) commands(ctx context.Context, ask Exchange, bot string, token lists.Token, now time.Time) (lists.ReportValues, reading) {
	a := ask(ctx, discordCommands, out.askDiscord("/applications/"+bot+"/commands", token))
	if r, is := isDiscordFault(a, now); is {
		return nil, r
	}
	commands, err := ParseCommands(a.Body)
	if err != nil {
		return nil, failed("Discord's answer: " + err.Error())
	}
	return commands, reading{}
}

// ParseCommands returns the commands in a JSON array, as Discord returns them, as an
// upload holds them.
func ParseCommands(body []byte) (lists.ReportValues, error) {
	v, ok := rawjson.Parse(body)
	if !ok || v.Kind() != rawjson.Array {
		return nil, errors.New("no JSON array of commands")
	}
	return lists.Commands.Parse(func(string) rawjson.Value { return v })
}

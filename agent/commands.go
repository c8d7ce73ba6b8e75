package agent

import (
	"context"
	"slices"
	"time"

	"aggregator/aggregate"
	"aggregator/catalog"
	"aggregator/internal/times"
	"aggregator/lists"
	"aggregator/rawjson"
)

// commandsEvery is how often Discord is asked at most for a bot's commands.
const commandsEvery = time.Hour

// commandsRecord is what is remembered of a bot's commands: never what they are.
type commandsRecord struct {
	Of      string            `json:"of,omitempty"`      // keyed hash of the Discord token; another one begins afresh
	AskAt   time.Time         `json:"ask_at,omitzero"`   // when Discord may be asked for them; zero: at once
	Refused int               `json:"refused,omitempty"` // refusals of the token in a row
	Took    map[string]string `json:"took,omitempty"`    // by list id: keyed hash of the commands that it took last
}

// see notes with which token Discord is asked. What was refused of another one is
// over.
func (c *commandsRecord) see(token string) (changed bool) {
	if c.Of == token {
		return false
	}
	c.Of, c.AskAt, c.Refused = token, time.Time{}, 0
	return true
}

// isDue reports whether Discord may be asked.
func (c *commandsRecord) isDue(now time.Time) bool { return !c.AskAt.After(now) }

// asked notes that Discord was asked, and whether it told. A token that is refused
// again and again rests.
func (c *commandsRecord) asked(said reading, now time.Time) {
	if said.fault == faultRefused {
		c.Refused++
	} else {
		c.Refused = 0
	}
	c.AskAt = times.Later(now.Add(max(commandsEvery, aggregate.RestAfter(c.Refused))), said.until)
}

// stale returns the tokens of a bot's lists that take commands, and have taken others
// than those with a hash, or none.
func (c *commandsRecord) stale(b *Bot, known *catalog.Catalog, hash string) (all []aggregate.NamedToken) {
	for _, t := range b.Tokens {
		if l, ok := known.Resolve(t.ID); ok && l.Supports(lists.Commands.Op) && c.Took[t.ID] != hash {
			all = append(all, t)
		}
	}
	return all
}

// took notes which lists have taken the commands with a hash, of those that they were
// uploaded to. Of the others it is not known which they have.
func (c *commandsRecord) took(hash string, sent []aggregate.NamedToken, taken []string) {
	for _, t := range sent {
		delete(c.Took, t.ID)
		if !slices.Contains(taken, t.ID) {
			continue
		}
		if c.Took == nil {
			c.Took = map[string]string{}
		}
		c.Took[t.ID] = hash
	}
}

// syncCommands uploads a bot's commands to the lists that have not taken them as
// Discord has them now. A list that does not take them gets them the next time that
// Discord is asked.
func (a *Agent) syncCommands(ctx context.Context, k *kept) error {
	b := k.bot
	if !b.Commands || !k.Commands.isDue(a.Now()) {
		return nil
	}
	commands, said := a.Outbound.commands(ctx, a.Exchange, b.ID, b.DiscordToken(), a.Now())
	if ctx.Err() != nil && said.fault != faultNone { // not Discord ended, but we do
		return nil
	}
	var hash string
	var sent []aggregate.NamedToken
	var taken []string
	if said.fault == faultNone {
		hash = a.hashOf(commands[0])
		sent = k.Commands.stale(b, a.Catalog.Current(), hash)
		taken = a.report(ctx, b, lists.Commands, commands, sent)
	} else {
		a.Log.Warn("no commands", "bot", b.ID, "from", sourceDiscord, "reason", said.text)
	}
	if len(taken) > 0 {
		a.Log.Info("commands uploaded", "bot", b.ID, "lists", len(taken))
	}
	now := a.Now()
	return a.change(context.WithoutCancel(ctx), k, func(r *record) {
		r.Commands.asked(said, now)
		r.Commands.took(hash, sent, taken)
	})
}

// hashOf returns a keyed hash of commands, whatever their order.
func (a *Agent) hashOf(commands rawjson.Value) string {
	var all []string
	for command := range commands.Items() {
		all = append(all, string(command.Raw()))
	}
	slices.Sort(all)
	return a.fingerprint(all...)
}

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"

	"aggregator/agent"
	"aggregator/aggregate"
	"aggregator/httpapi"
	"aggregator/lists"
)

// pushFlags are the flags of commands push.
type pushFlags struct {
	directFlags
	tokensFlags
	bot        string
	tokenFile  string // with the bot's Discord token
	discordAPI string
	dryRun     bool
	asJSON     bool
}

// discordToken is the name of the environment variable of a bot's Discord token, as
// that of a flag would be. There is no such flag: other users see what is in one.
const discordToken = "discord-token"

// pushCommands uploads a bot's commands to every list that takes them.
func pushCommands(fs *flag.FlagSet) action {
	f := new(pushFlags)
	addBot(fs, &f.bot)
	f.tokensFlags.add(fs)
	f.addBots(fs)
	fs.StringVar(&f.tokenFile, discordToken+fileFlagSuffix, "", "`FILE` with the bot's Discord token, with which Discord is asked where there is no FILE of commands; that of --bots if not given")
	addDiscordAPI(fs, &f.discordAPI)
	fs.BoolVar(&f.dryRun, "dry-run", false, "print what lists would be sent, without the tokens, and send nothing")
	fs.BoolVar(&f.asJSON, "json", false, "print JSON, as PUT /api/bots/:id/commands answers it")
	f.directFlags.add(fs)
	return func(ctx context.Context, env environment, operands []string) error {
		file := ""
		if len(operands) > 0 {
			file = operands[0]
		}
		return f.run(ctx, env, file)
	}
}

// check returns a usageError for flags that do not go together. file is where the
// commands are, "" for Discord.
func (f *pushFlags) check(env environment, file string) error {
	if err := f.checkBot(f.bot); err != nil {
		return err
	}
	if err := checkDiscordAPI(f.discordAPI); err != nil {
		return err
	}
	inputs := 0
	for _, name := range []string{file, f.tokensFlags.tokens, f.tokenFile} {
		if name == "-" {
			inputs++
		}
	}
	if inputs > 1 {
		return usagef("only one of the commands, the tokens and the Discord token can come from standard input")
	}
	return f.choose(env, true)
}

func (f *pushFlags) run(ctx context.Context, env environment, file string) (err error) {
	if err := f.check(env, file); err != nil {
		return err
	}
	c, _, err := f.read()
	if err != nil {
		return err
	}
	request := aggregate.ReportRequest{Report: lists.Commands, DryRun: f.dryRun}
	if request.BotID, request.Tokens, err = f.load(env, c, f.bot); err != nil {
		return err
	}
	var token lists.Token
	if file != "" {
		request.Values, err = commandsOf(env, file)
	} else {
		token, err = f.token(env)
	}
	if err != nil {
		return err
	}
	way, err := f.open(ctx, env, c, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, way.close()) }()
	if file == "" {
		if request.Values, err = agent.DiscordCommands(ctx, way.Client.Exchange, outboundTo(f.discordAPI), request.BotID, token); err != nil {
			return err
		}
	}
	return f.push(ctx, env, way, request)
}

// push uploads the commands, and prints what became of it. The error is errReported
// where a list failed, or none takes commands.
func (f *pushFlags) push(ctx context.Context, env environment, way direct, request aggregate.ReportRequest) error {
	answer, err := way.Aggregator.Report(ctx, request, aggregate.Caller{})
	if err != nil {
		return err
	}
	said := answer.AsCount()
	show := &postScreen{waiting: waiting{screen: env.screen()}}
	switch {
	case f.asJSON:
		err = printAnswer(env.out, func(w io.Writer) error { return httpapi.EncodeReport(w, answer) })
	case f.dryRun:
		show.planned(said, lists.Commands.Op.One)
	default:
		n := 0
		for range request.Values[0].Items() {
			n++
		}
		show.end(said, howMany(n, "command"))
	}
	if err == nil && (postFailed(said) || noneTakes(answer)) {
		return errReported
	}
	return err
}

// noneTakes reports whether no list takes what was to be reported.
func noneTakes(a aggregate.ReportAnswer) bool {
	for _, s := range a.Skipped {
		if s.Why.Reason != lists.SkipNoReport {
			return false
		}
	}
	return len(a.Results)+len(a.Planned) == 0
}

// commandsOf reads commands from a file, or from standard input for "-".
func commandsOf(env environment, file string) (lists.ReportValues, error) {
	body, name, err := readInput(env, file, "commands", agent.MaxCommands)
	if err != nil {
		return nil, err
	}
	commands, err := agent.ParseCommands(body)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return commands, nil
}

// token returns the bot's Discord token: of the flag, the environment, or the file of
// bots.
func (f *pushFlags) token(env environment) (lists.Token, error) {
	secret := ""
	var err error
	if f.tokenFile != "" && env.given[discordToken+fileFlagSuffix] {
		secret, err = (&secretFlag{name: discordToken, file: f.tokenFile}).read(env)
	} else {
		secret, err = secretSetting(variable(discordToken), env.getenv)
	}
	if err != nil {
		return lists.Token{}, err
	}
	if secret == "" {
		if t := f.own.DiscordToken(); !t.IsZero() {
			return t, nil
		}
		return lists.Token{}, usagef("the commands are missing: FILE, - for standard input, or the bot's Discord token with which to ask for them: --%s%s FILE, or %s", discordToken, fileFlagSuffix, variable(discordToken))
	}
	token, bad := lists.CheckToken(secret, "")
	if bad != nil {
		return lists.Token{}, usagef("the Discord token: %s", bad)
	}
	return token, nil
}

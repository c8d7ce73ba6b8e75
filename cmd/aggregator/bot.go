package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"aggregator/aggregate"
	"aggregator/httpapi"
	"aggregator/lists"
)

// botFlags are the flags of bot.
type botFlags struct {
	directFlags
	tokensFlags
	listKeys string
	asJSON   bool
}

// readBot reads a bot from every list.
func readBot(fs *flag.FlagSet) action {
	f := new(botFlags)
	f.tokensFlags.add(fs)
	secretPathVar(fs, &f.listKeys, "list-keys", "`FILE` of list ids and your keys for them, for lists that must be read with a key")
	fs.BoolVar(&f.asJSON, "json", false, "print JSON, as GET /api/bots/:id answers it")
	f.directFlags.add(fs)
	return func(ctx context.Context, env environment, operands []string) error {
		return f.run(ctx, env, operands[0])
	}
}

func (f *botFlags) run(ctx context.Context, env environment, bot string) (err error) {
	if !lists.IsSnowflake(bot) {
		return usagef("ID %q is not a snowflake", bot)
	}
	if err := f.choose(env, false); err != nil {
		return err
	}
	c, _, err := f.read()
	if err != nil {
		return err
	}
	keys, err := readKeys(c, f.listKeys, env.getenv)
	if err != nil {
		return err
	}
	_, tokens, err := f.load(env, c, bot)
	if err != nil {
		return err
	}
	way, err := f.open(ctx, env, c, keys)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, way.close()) }()
	s := env.screen()
	show := waiting{screen: s}
	answer, err := way.Aggregator.Bot(ctx, aggregate.BotRequest{BotID: bot, Tokens: tokens, Progress: &aggregate.Progress{
		Begin: func(asked []string, _ []aggregate.Skipped) { show.begin(asked) },
		Hear:  func(r lists.Reading) { show.heard(r.List) },
	}}, aggregate.Caller{})
	s.status("")
	switch {
	case err != nil:
		return err
	case f.asJSON:
		err = printAnswer(env.out, func(w io.Writer) error { return httpapi.EncodeBot(w, answer) })
	default:
		printReading(s, answer)
	}
	if err == nil && !slices.ContainsFunc(answer.Lists, isAnswer) {
		return errReported
	}
	return err
}

// isAnswer reports whether a list said something about the bot: what it is, or that
// it is not there.
func isAnswer(r lists.Reading) bool { return r.Found || r.Status == http.StatusNotFound }

// printReading prints what the lists say of a bot, merged, then what each says.
func printReading(s *screen, a aggregate.BotAnswer) {
	knew := 0
	var asked []string
	for _, r := range a.Lists {
		asked = append(asked, r.List)
		if r.Found {
			knew++
		}
	}
	width := idWidth(asked, a.Skipped)
	if knew > 0 {
		printMerged(s, &a.Bot)
		s.printf("\n")
	}
	for _, r := range a.Lists {
		result, text := readingInWords(r)
		s.row(width, r.List, result, text)
	}
	for _, skipped := range a.Skipped {
		s.skip(width, skipped)
	}
	s.printf("%s: known to %d of %s asked\n", a.ID, knew, howMany(len(a.Lists), "list"))
}

// printMerged prints the fields of a bot of which something is known.
func printMerged(s *screen, bot *lists.Bot) {
	s.printf("%-13s  %s\n", "id", bot.ID)
	for _, f := range lists.Fields() {
		if value := valueInWords(f.AppendJSON(nil, bot)); value != "" {
			s.printf("%-13s  %s\n", f.Name, shorten(value, maxField))
		}
	}
}

// maxField is how much of a field is shown, in characters.
const maxField = 200

// valueInWords returns a field's JSON as people read it.
func valueInWords(value []byte) string {
	var text string
	var all []string
	switch {
	case json.Unmarshal(value, &text) == nil:
		return text
	case json.Unmarshal(value, &all) == nil:
		return strings.Join(all, ", ")
	}
	return string(value)
}

// readingInWords returns what became of one list, and what it said.
func readingInWords(r lists.Reading) (result, text string) {
	switch {
	case r.Found && r.Counted && r.Votes > 0:
		return resultOK, fmt.Sprintf("%s, %s", howMany(int(r.Count), "server"), howMany(int(r.Votes), "vote"))
	case r.Found && r.Counted:
		return resultOK, howMany(int(r.Count), "server")
	case r.Found && r.Votes > 0:
		return resultOK, howMany(int(r.Votes), "vote")
	case r.Found:
		return resultOK, "no server count"
	case r.Status == http.StatusNotFound:
		return resultUnknown, "the list does not know the bot"
	case r.Page:
		return resultFailed, "the answer is an HTML page: " + said(r.Status, r.Text)
	}
	return resultFailed, said(r.Status, textOf(r))
}

// textOf returns what a list answered, as text.
func textOf(r lists.Reading) string {
	if r.JSON != nil {
		return string(r.JSON)
	}
	return r.Text
}

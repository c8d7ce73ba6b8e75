package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"aggregator/aggregate"
	"aggregator/httpapi"
	"aggregator/lists"
)

// votedFlags are the flags of voted.
type votedFlags struct {
	directFlags
	tokensFlags
	asJSON bool
}

// voted asks the lists that a file has a token for whether a user has voted for a
// bot.
func voted(fs *flag.FlagSet) action {
	f := new(votedFlags)
	f.tokensFlags.add(fs)
	f.addBots(fs)
	fs.BoolVar(&f.asJSON, "json", false, "print JSON, as POST /api/bots/:id/votes/:user answers it")
	f.directFlags.add(fs)
	return func(ctx context.Context, env environment, operands []string) error {
		return f.run(ctx, env, operands[0], operands[1])
	}
}

func (f *votedFlags) run(ctx context.Context, env environment, bot, user string) (err error) {
	switch {
	case !lists.IsSnowflake(bot):
		return usagef("BOT %q is not a snowflake", bot)
	case !lists.IsSnowflake(user):
		return usagef("USER %q is not a snowflake", user)
	}
	if err := f.choose(env, true); err != nil {
		return err
	}
	c, _, err := f.read()
	if err != nil {
		return err
	}
	_, tokens, err := f.load(env, c, bot)
	if err != nil {
		return err
	}
	way, err := f.open(ctx, env, c, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, way.close()) }()
	answer, err := way.Aggregator.Vote(ctx, aggregate.VoteRequest{BotID: bot, UserID: user, Tokens: tokens}, aggregate.Caller{})
	switch {
	case err != nil:
		return err
	case f.asJSON:
		err = printAnswer(env.out, func(w io.Writer) error { return httpapi.EncodeVote(w, answer) })
	default:
		printVote(env.screen(), answer)
	}
	if err == nil && !slices.ContainsFunc(answer.Results, func(r aggregate.VoteResult) bool { return r.OK }) {
		return errReported
	}
	return err
}

// printVote prints in words whether the user has voted, then what each list says.
func printVote(s *screen, a aggregate.VoteAnswer) {
	var asked, yes, no []string
	for _, r := range a.Results {
		asked = append(asked, r.List)
		switch {
		case r.OK && r.Voted:
			yes = append(yes, r.List)
		case r.OK:
			no = append(no, r.List)
		}
	}
	width := idWidth(asked, a.Skipped)
	switch {
	case len(yes) > 0:
		s.printf("yes: %s has voted for %s on %s\n", a.UserID, a.BotID, strings.Join(yes, ", "))
	case len(no) > 0:
		s.printf("no: %s has not voted for %s on %s\n", a.UserID, a.BotID, strings.Join(no, ", "))
	default:
		s.printf("unknown: no list could say whether %s has voted for %s\n", a.UserID, a.BotID)
	}
	for _, r := range a.Results {
		if r.OK {
			s.row(width, r.List, resultOK, voteInWords(r.Vote))
		} else {
			s.row(width, r.List, resultFailed, whyFailed(r.Why, r.Status, r.Text, maxSaid))
		}
	}
	for _, skipped := range a.Skipped {
		s.skip(width, skipped)
	}
}

// voteInWords returns what a list says of a vote, under the names of the API.
func voteInWords(v lists.Vote) string {
	text := fmt.Sprintf("voted %t", v.Voted)
	if !v.At.IsZero() {
		text += ", voted_at " + v.At.UTC().Format(time.RFC3339)
	}
	if !v.Until.IsZero() {
		text += ", until " + v.Until.UTC().Format(time.RFC3339)
	}
	if v.Weight > 0 {
		text += fmt.Sprintf(", weight %d", v.Weight)
	}
	return text
}

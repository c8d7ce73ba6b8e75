package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"aggregator"
	"aggregator/aggregate"
	"aggregator/catalog"
	"aggregator/lists"
)

// tryFlags are the flags of try.
type tryFlags struct {
	directFlags
	reportFlags
	list, bot, user string
	servers         int64
	token           secretFlag
}

// try runs an entry against its list's live API, in the way of every request:
// what a list's limits and answers hold back is held back here too.
func try(fs *flag.FlagSet) action {
	f := tryFlags{token: secretFlag{name: "token"}}
	fs.StringVar(&f.list, "list", "", "`ID` of the list in FILE (required)")
	fs.StringVar(&f.bot, "bot", "", "`ID` of a bot of yours on the list, its Discord snowflake (required)")
	fs.StringVar(&f.user, "user", "", "`ID` of a user, a Discord snowflake, of whom the list is asked whether they have voted for the bot; it is not asked if not given")
	fs.Int64Var(&f.servers, "servers", 0, "true server `COUNT` of that bot; each post leaves it at the list (required, but with --report)")
	f.reportFlags.add(fs)
	f.token.add(fs, "the bot's token for the list, - for standard input; NUMBER:TOKEN where the list numbers bots itself, and the bridge key for a report that goes with that")
	f.addStore(fs)
	return func(ctx context.Context, env environment, operands []string) error {
		return f.try(ctx, env, operands[0])
	}
}

func (f *tryFlags) try(ctx context.Context, env environment, file string) error {
	token, err := f.check(env)
	if err != nil {
		return err
	}
	report, err := f.reportFlags.check(env, f.bot)
	if err != nil {
		return err
	}
	c, list, err := loadTried(file, f.list)
	if err != nil {
		return err
	}
	way, err := f.open(ctx, env, c.Only(list), nil)
	if err != nil {
		return err
	}
	t := trial{
		out: env.out, list: list, bot: f.bot, user: f.user, token: token, servers: f.servers, aggregator: way.Aggregator,
	}
	if report.Report != nil {
		err = t.report(ctx, report)
	} else {
		err = t.run(ctx)
	}
	return errors.Join(err, way.close())
}

// check checks the flags and returns the token.
func (f *tryFlags) check(env environment) (lists.Token, error) {
	switch {
	case f.list == "":
		return lists.Token{}, usagef("--list is missing")
	case f.bot == "":
		return lists.Token{}, usagef("--bot is missing")
	case !lists.IsSnowflake(f.bot):
		return lists.Token{}, usagef("--bot %q is not a snowflake", f.bot)
	case f.user != "" && !lists.IsSnowflake(f.user):
		return lists.Token{}, usagef("--user %q is not a snowflake", f.user)
	}
	checkTried := f.checkCount
	if f.part != "" {
		checkTried = f.checkReport
	}
	if err := checkTried(env); err != nil {
		return lists.Token{}, err
	}
	if err := f.token.check(env); err != nil {
		return lists.Token{}, err
	}
	secret, err := f.token.read(env)
	if err != nil {
		return lists.Token{}, err
	}
	token, skip := lists.CheckToken(secret, "")
	if skip != nil {
		return lists.Token{}, usagef("the token cannot be sent: %s", skip)
	}
	return token, nil
}

// checkCount checks what counts are tried with.
func (f *tryFlags) checkCount(env environment) error {
	switch {
	case !env.given["servers"] && env.getenv(variable("servers")) == "":
		return usagef("--servers is missing: the true server count of the bot")
	case f.servers < 0 || f.servers > lists.MaxNumber:
		return usagef("--servers %d is out of range", f.servers)
	}
	return nil
}

// checkReport checks what stands beside the flags of a report.
func (f *tryFlags) checkReport(environment) error {
	switch {
	case f.user != "":
		return usagef("--report and --user do not go together")
	case f.values == "-" && f.token.file == "-":
		return usagef("only one of the token and the values can come from standard input")
	}
	return nil
}

// loadTried loads the built-in catalog with a file over it, and returns the
// list with an id.
func loadTried(file, id string) (*catalog.Catalog, *lists.List, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, err
	}
	c, _, err := catalog.Load(append(aggregator.BuiltInLists(), catalog.File{Name: file, Data: data}), catalog.File{})
	if err != nil {
		return nil, nil, err
	}
	l, err := findList(c, id)
	return c, l, err
}

// wrongToken is what a token begins with that no list has given out. What
// follows differs from run to run: a token refused again and again is held.
const wrongToken = "bad-token-"

// trial tries one list.
type trial struct {
	out        io.Writer
	list       *lists.List
	bot        string
	user       string // "": the list is not asked for votes
	token      lists.Token
	servers    int64
	aggregator *aggregate.Aggregator
}

// step is one post of a trial.
type step struct {
	what  string
	count lists.Count
	token lists.Token
	wrong bool // the list must refuse it
}

// run tries what the list's limits leave room for, the plain post and the
// reading at least, and the vote check where there is a user. The error is errReported where a step failed.
func (t trial) run(ctx context.Context) error {
	ok := true
	if t.list.TakesCounts() {
		for _, s := range t.steps() {
			ok = t.post(ctx, s) && ok
		}
	} else {
		t.say("posting", resultOK, "not tried: the entry has no way to post", nil)
	}
	ok = t.read(ctx) && ok
	if !t.vote(ctx) || !ok {
		return errReported
	}
	return nil
}

// steps returns the posts to try. Every one carries the true count, so that
// whichever is the last to succeed leaves it at the list.
func (t trial) steps() []step {
	shard, shards := int64(0), int64(1)
	plain := lists.Count{BotID: t.bot, ServerCount: t.servers}
	sharded := plain
	sharded.ShardID, sharded.ShardCount = &shard, &shards
	if len(lists.Shards.Names(&t.list.Entry)) > 0 {
		sharded.Shards = []int64{t.servers} // with it, who takes no array would get no shard id
	}
	all := []step{
		{what: "wrong token", count: plain, token: t.token.WithSecret(wrongToken + rand.Text()), wrong: true},
		{what: "sharded", count: sharded, token: t.token},
		{what: "plain", count: plain, token: t.token},
	}
	if allowed := t.list.PostsAllowed(); allowed < len(all) {
		_, _ = fmt.Fprintf(t.out, "%-12s the list allows %d in its interval, so only the plain one is tried\n", "note", allowed)
		return all[len(all)-1:]
	}
	return all
}

// post makes one post. It reports whether nothing is wrong with the entry.
func (t trial) post(ctx context.Context, s step) bool {
	request := aggregate.CountRequest{Count: s.count, Tokens: []aggregate.NamedToken{{ID: t.list.ID, Token: s.token}}, DryRun: true}
	var sent *lists.Request
	if planned, err := t.aggregator.Count(ctx, request, aggregate.Caller{}); err == nil && len(planned.Planned) > 0 {
		masked := planned.Planned[0].Masked()
		sent = &masked
	}
	request.DryRun = false
	answer, err := t.aggregator.Count(ctx, request, aggregate.Caller{})
	switch {
	case err != nil:
		return t.say(s.what, resultFailed, err.Error(), nil)
	case len(answer.Results) == 0:
		return t.skipped(s.what, answer.Skipped)
	}
	r := answer.Results[0]
	said := fmt.Sprintf("%d %s", r.Status, shorten(r.Text, 200))
	switch {
	case s.wrong && r.OK:
		return t.say(s.what, resultFailed, "it was accepted: "+said, sent)
	case s.wrong && r.Status != lists.NoAnswer:
		return t.say(s.what, resultOK, "it was refused: "+said, sent)
	case !r.OK:
		return t.say(s.what, resultFailed, whyFailed(r.Why, r.Status, r.Text, 200), sent)
	}
	return t.say(s.what, resultOK, said, sent)
}

// read reads the bot. It reports whether nothing is wrong with the entry.
func (t trial) read(ctx context.Context) bool {
	const what = "reading"
	if !t.list.Readable() {
		return t.say(what, resultOK, "not tried: the entry has no way to read", nil)
	}
	answer, err := t.aggregator.Bot(ctx, aggregate.BotRequest{BotID: t.bot, Tokens: []aggregate.NamedToken{{ID: t.list.ID, Token: t.token}}}, aggregate.Caller{})
	switch {
	case err != nil:
		return t.say(what, resultFailed, err.Error(), nil)
	case len(answer.Lists) == 0:
		return t.skipped(what, answer.Skipped)
	}
	var sent *lists.Request
	if call, skip := t.list.PlanRead(t.bot, t.token, userAgent); skip == nil {
		masked := call.Masked()
		sent = &masked
	}
	switch r := answer.Lists[0]; r.Status {
	case http.StatusOK:
	case lists.NoAnswer:
		return t.say(what, resultFailed, whyFailed("", r.Status, textOf(r), 200), sent)
	default:
		return t.say(what, resultFailed, fmt.Sprintf("the status is %d, want 200: %s", r.Status, shorten(string(r.Data()), 200)), sent)
	}
	var found []string
	for _, f := range lists.Fields() {
		found = append(found, f.Name+" "+string(f.AppendJSON(nil, &answer.Bot)))
	}
	return t.say(what, resultOK, strings.Join(found, ", "), sent)
}

// vote asks whether the user has voted, if there is one. It reports whether nothing is wrong with
// the entry.
func (t trial) vote(ctx context.Context) bool {
	const what = "vote check"
	switch {
	case t.user == "":
		return true
	case !t.list.Supports(lists.Votes):
		return t.say(what, resultOK, "not tried: the entry has no way to ask for votes", nil)
	}
	request := aggregate.VoteRequest{BotID: t.bot, UserID: t.user, Tokens: []aggregate.NamedToken{{ID: t.list.ID, Token: t.token}}}
	answer, err := t.aggregator.Vote(ctx, request, aggregate.Caller{})
	switch {
	case err != nil:
		return t.say(what, resultFailed, err.Error(), nil)
	case len(answer.Results) == 0:
		return t.skipped(what, answer.Skipped)
	}
	var sent *lists.Request
	if call, skip := t.list.PlanVote(t.bot, t.user, t.token, userAgent); skip == nil {
		masked := call.Masked()
		sent = &masked
	}
	r := answer.Results[0]
	if !r.OK {
		return t.say(what, resultFailed, whyFailed(r.Why, r.Status, r.Text, 200), sent)
	}
	return t.say(what, resultOK, voteInWords(r.Vote), sent)
}

// skipped tells why the list was not asked.
func (t trial) skipped(what string, skipped []aggregate.Skipped) bool {
	if len(skipped) == 0 {
		return t.say(what, resultFailed, "the list was not asked", nil)
	}
	result := resultFailed
	if skipped[0].Why.IsHeld() {
		result = resultHeld
	}
	return t.say(what, result, skipped[0].Why.String(), nil)
}

// say prints a result, and the request that led to it where there is one. It
// reports whether the result is not a failure.
func (t trial) say(what, result, text string, sent *lists.Request) bool {
	_, _ = fmt.Fprintf(t.out, "%-12s %-7s %s\n", what, result, text)
	if sent != nil {
		printRequest(t.out, *sent)
		_, _ = fmt.Fprintln(t.out)
	}
	return result != resultFailed
}

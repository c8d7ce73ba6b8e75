package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"aggregator/aggregate"
	"aggregator/catalog"
	"aggregator/httpapi"
	"aggregator/lists"
)

// How often post --every may post.
const (
	minPostEvery = time.Minute
	maxPostEvery = 24 * time.Hour
)

// postFlags are the flags of post.
type postFlags struct {
	directFlags
	tokensFlags
	count     lists.Count
	servers   *int64
	countFile string
	every     time.Duration
	dryRun    bool
	asJSON    bool
	quiet     bool

	named []aggregate.NamedToken // the tokens
}

// postCount posts a count to every list that a file has a token for, once or every so
// often.
func postCount(fs *flag.FlagSet) action {
	f := new(postFlags)
	addBot(fs, &f.count.BotID)
	fs.Var(numberFlag{&f.servers}, "count", "`NUMBER` of servers that the bot is on, of all its shards together")
	fs.StringVar(&f.countFile, "count-file", "", "`FILE` with that number alone, in place of --count; it is read for each post, - is standard input")
	addNumbers(fs, &f.count)
	f.tokensFlags.add(fs)
	f.addBots(fs)
	fs.DurationVar(&f.every, "every", 0, "`TIME` after which to post again, 1m to 24h, until SIGTERM; once if not given")
	fs.BoolVar(&f.dryRun, "dry-run", false, "print what lists would be sent, without the tokens, and send nothing")
	fs.BoolVar(&f.asJSON, "json", false, "print JSON, as POST /api/count answers it")
	fs.BoolVar(&f.quiet, "quiet", false, "print only what failed")
	f.directFlags.add(fs)
	return func(ctx context.Context, env environment, _ []string) error { return f.run(ctx, env) }
}

// check returns a usageError for flags that do not go together.
func (f *postFlags) check(env environment) error {
	if err := f.checkBot(f.count.BotID); err != nil {
		return err
	}
	if f.quiet && (f.asJSON || f.dryRun) {
		return usagef("--quiet goes neither with --json nor with --dry-run")
	}
	if err := cmp.Or(f.checkCount(), f.checkEvery()); err != nil {
		return err
	}
	return f.choose(env, true)
}

// checkCount checks the flags that say what the count is.
func (f *postFlags) checkCount() error {
	switch {
	case f.servers == nil && f.countFile == "":
		return usagef("--count is missing: on how many servers the bot is")
	case f.servers != nil && f.countFile != "":
		return usagef("the count is given twice: by --count and by --count-file")
	case f.countFile == "-" && f.tokensFlags.tokens == "-":
		return usagef("the count and the tokens cannot both come from standard input")
	}
	return nil
}

// checkEvery checks the flags that say how often it is posted.
func (f *postFlags) checkEvery() error {
	switch {
	case f.countFile == "-" && f.every > 0:
		return usagef("--every needs a --count-file that can be read again")
	case f.every != 0 && (f.every < minPostEvery || f.every > maxPostEvery):
		return usagef("--every must be from 1m to 24h, is %s", f.every)
	case f.every != 0 && f.dryRun:
		return usagef("--every and --dry-run do not go together")
	}
	return nil
}

func (f *postFlags) run(ctx context.Context, env environment) error {
	if err := f.check(env); err != nil {
		return err
	}
	c, _, err := f.read()
	if err != nil {
		return err
	}
	if f.count.BotID, f.named, err = f.load(env, c, f.count.BotID); err != nil {
		return err
	}
	if f.every == 0 {
		return f.post(ctx, env, c)
	}
	return f.keepPosting(ctx, env, c)
}

// keepPosting posts at once and then every so often, until ctx ends. What fails is
// tried again the next time. The store is closed in between, so that others can use
// it.
func (f *postFlags) keepPosting(ctx context.Context, env environment, c *catalog.Catalog) error {
	after := time.After
	if env.after != nil {
		after = env.after
	}
	for {
		err := f.post(ctx, env, c)
		if wrong := (usageError{}); errors.As(err, &wrong) {
			return err // it would be the same each time
		}
		if err != nil && !errors.Is(err, errReported) && ctx.Err() == nil {
			_, _ = fmt.Fprintf(env.errOut, "aggregator post: %v\n", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-after(f.every):
		}
	}
}

// post posts the count once. The error is errReported where a list failed.
func (f *postFlags) post(ctx context.Context, env environment, c *catalog.Catalog) (err error) {
	request := aggregate.CountRequest{Count: f.count, Tokens: f.named, DryRun: f.dryRun}
	if request.ServerCount, err = f.number(env); err != nil {
		return err
	}
	if why := request.Fault(); why != "" {
		return usagef("%s", inFlags(why))
	}
	way, err := f.open(ctx, env, c, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, way.close()) }()
	show := &postScreen{waiting: waiting{screen: env.screen()}, quiet: f.quiet}
	if !f.asJSON {
		request.Progress = &aggregate.CountProgress{Begin: show.begin, Hear: show.hear}
	}
	if err := ctx.Err(); err != nil { // once it has begun, a post goes on to its end
		return err
	}
	answer, err := way.Aggregator.Count(ctx, request, aggregate.Caller{})
	switch {
	case err != nil:
		return err
	case f.asJSON:
		err = printAnswer(env.out, func(w io.Writer) error { return httpapi.EncodeCount(w, answer) })
	case f.dryRun:
		show.planned(answer, "post")
	default:
		if f.every > 0 && !f.quiet {
			show.printf("%s\n", time.Now().UTC().Format(time.RFC3339))
		}
		show.end(answer, howMany(int(request.ServerCount), "server"))
	}
	if err == nil && postFailed(answer) {
		return errReported
	}
	return err
}

// number returns the server count to post.
func (f *postFlags) number(env environment) (int64, error) {
	if f.countFile == "" {
		return *f.servers, nil
	}
	data, err := readFileOrInput(env, f.countFile)
	if err != nil {
		return 0, err
	}
	n, err := parseNumber(string(data))
	if err != nil {
		return 0, fmt.Errorf("--count-file %s: %w, and nothing else in the file", f.countFile, err)
	}
	return n, nil
}

// postFailed reports whether a list failed, or was not asked for another reason than
// that its time has not come.
func postFailed(a aggregate.CountAnswer) bool {
	for _, r := range a.Results {
		if !r.OK {
			return true
		}
	}
	for _, s := range a.Skipped {
		if !s.Why.IsHeld() && s.Why.Reason != lists.SkipNoReport {
			return true
		}
	}
	return false
}

// printAnswer prints an answer as the API gives it, in a line.
func printAnswer(out io.Writer, encode func(io.Writer) error) error {
	if err := encode(out); err != nil {
		return err
	}
	_, err := fmt.Fprintln(out)
	return err
}

// postScreen shows how a count is posted: on a terminal a line for each list as it
// answers, elsewhere all of them at the end, in the order of the lists.
type postScreen struct {
	waiting
	quiet bool
	width int
	told  map[string]bool // lists that have a line
}

// begin is that of an aggregate.Progress.
func (p *postScreen) begin(asked []string, skipped []aggregate.Skipped) {
	p.measure(asked, skipped)
	if p.live {
		p.waiting.begin(asked)
	}
}

func (p *postScreen) measure(asked []string, skipped []aggregate.Skipped) {
	p.width = max(p.width, idWidth(asked, skipped))
}

// hear is that of an aggregate.Progress.
func (p *postScreen) hear(r aggregate.Result) {
	if p.live {
		p.result(r)
		p.heard(r.List)
	}
}

// result prints a list's line, once.
func (p *postScreen) result(r aggregate.Result) {
	if p.told[r.List] || p.quiet && r.OK {
		return
	}
	if p.told == nil {
		p.told = map[string]bool{}
	}
	p.told[r.List] = true
	p.row(p.width, r.List, resultWord(r.OK), fmt.Sprintf("%s (%s)", saidOf(r), r.Took.Round(time.Millisecond)))
}

// end prints what there is to say of an answer, and a summary.
func (p *postScreen) end(a aggregate.CountAnswer, what string) {
	p.status("")
	var asked []string
	good := 0
	for _, r := range a.Results {
		asked = append(asked, r.List)
		if r.OK {
			good++
		}
	}
	p.measure(asked, a.Skipped)
	for _, r := range a.Results {
		p.result(r)
	}
	held := p.skipped(a.Skipped)
	if p.quiet {
		return
	}
	parts := []string{fmt.Sprintf("accepted by %d of %s", good, howMany(len(a.Results), "list"))}
	if len(a.Results) == 0 {
		parts = []string{"no list was asked"}
	}
	if held > 0 {
		parts = append(parts, fmt.Sprintf("%d held back", held))
	}
	if others := len(a.Skipped) - held; others > 0 {
		parts = append(parts, fmt.Sprintf("%d skipped", others))
	}
	p.printf("%s: %s\n", what, strings.Join(parts, ", "))
}

// skipped prints the lists that were not asked, and returns how many are held back.
func (p *postScreen) skipped(all []aggregate.Skipped) (held int) {
	for _, s := range all {
		if s.Why.IsHeld() {
			held++
		}
		if !p.quiet || !s.Why.IsHeld() {
			p.skip(p.width, s)
		}
	}
	return held
}

// planned prints what lists would be sent.
func (p *postScreen) planned(a aggregate.CountAnswer, one string) {
	p.measure(nil, a.Skipped)
	for _, call := range a.Planned {
		p.printf("%s\n", call.List.ID)
		printRequest(p.out, call.Masked())
		p.printf("\n")
	}
	p.skipped(a.Skipped)
	p.printf("dry run: nothing was sent; %s would be\n", howMany(len(a.Planned), one))
}

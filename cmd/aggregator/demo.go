package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"time"

	"aggregator/aggregate"
	"aggregator/httpapi"
	"aggregator/lists"
	"aggregator/sandbox"
	"aggregator/store"
)

// The bot that the demo posts for.
const (
	demoBot     = "123456789012345678"
	demoServers = 1234
	demoToken   = "demo-token"
)

// demo runs the service with every outbound call led to a sandbox of all
// lists, posts a count to each that takes one, reads the bot back, and has lists
// tell of votes.
func demo(fs *flag.FlagSet) action {
	f := &serviceFlags{
		countRate: rateFlag{countRate}, botsRate: rateFlag{botsRate}, votesRate: rateFlag{votesRate}, networkRate: rateFlag{networkRate}, memory: defaultMemory, shardTTL: defaultShardTTL,
		logFlags: logFlags{format: formatText, level: slog.LevelWarn}, metrics: "off",
	}
	f.catalogFlags.add(fs)
	f.addListen(fs)
	f.botsFlags.add(fs)
	asJSON := fs.Bool("json", false, "print the answers as JSON")
	once := fs.Bool("once", false, "end after printing, instead of serving on")
	return func(ctx context.Context, env environment, _ []string) error {
		if err := f.botsFlags.check(); err != nil {
			return err
		}
		if network, _, err := splitAddress("listen", f.listen); err != nil || network != "tcp" {
			return errors.Join(err, usagef("--listen: the demo serves browsers, at HOST:PORT"))
		}
		if f.bots != "" {
			if *asJSON {
				return usagef("--json and --bots do not go together")
			}
			return f.demoBots(ctx, env, *once)
		}
		return f.demo(ctx, env, *asJSON, *once)
	}
}

func (f *serviceFlags) demo(ctx context.Context, env environment, asJSON, once bool) error {
	log := f.logger(env.errOut)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	f.own = demoBotsFile
	in, err := f.load(env.getenv, log)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	s, err := newService(*f, in, store.NewMemory(store.MemoryOptions{}), sandbox.Transport(env.transport, listener.Addr().String()), log)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	d := newSandboxDemo(s)
	box := &http.Server{Handler: d, ReadHeaderTimeout: time.Minute}
	go func() { _ = box.Serve(listener) }() // ends with Close
	defer func() { _ = box.Close() }()

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	served := make(chan error, 1)
	go func() { served <- s.run(ctx, make(chan os.Signal)) }()

	if err := d.show(ctx, env.out, asJSON); err != nil {
		cancel()
		return errors.Join(err, <-served)
	}
	if once {
		cancel()
	} else if !asJSON {
		d.printTry(env.out, env.program)
		d.endpoint.printTo(env.out)
	}
	return <-served
}

// sandboxDemo is a service that is shown on a sandbox of all lists.
type sandboxDemo struct {
	*service
	box      *sandbox.Sandbox
	endpoint *receiver // of the bot
	votes    chan []byte
}

// newSandboxDemo returns the demo of a service. It serves the lists, and the bot's
// endpoint beside them.
func newSandboxDemo(s *service) *sandboxDemo {
	d := &sandboxDemo{service: s, box: sandbox.New(s.Catalog.Current().Lists()), votes: make(chan []byte, maxDemoVotes)}
	d.endpoint = &receiver{secret: lists.NewToken(demoSigning, ""), now: time.Now, out: io.Discard, taken: func(body []byte) {
		select {
		case d.votes <- body:
		default: // nobody waits for it any more
		}
	}}
	return d
}

// ServeHTTP answers as the bot or the list whose host is asked.
func (d *sandboxDemo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Host == demoHost {
		d.endpoint.ServeHTTP(w, r)
		return
	}
	d.box.ServeHTTP(w, r)
}

// show posts and reads back, lets lists tell of votes, and prints what came of it.
func (d *sandboxDemo) show(ctx context.Context, out io.Writer, asJSON bool) error {
	count, took, err := d.count(ctx)
	if err != nil {
		return err
	}
	bot, err := d.Aggregator.Bot(ctx, aggregate.BotRequest{BotID: demoBot}, demoCaller())
	if err != nil {
		return err
	}
	d.castVotes()
	told, err := d.tellVotes(ctx)
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(out, count, bot, told.bodies)
	}
	printCount(out, count, took)
	printBot(out, bot)
	return told.print(out)
}

// demoCaller returns who asks in the demo: whoever tries the curl lines has windows
// of their own.
func demoCaller() aggregate.Caller { return aggregate.Caller{IP: netip.IPv6Unspecified()} }

// count posts a count to every list that takes one.
func (d *sandboxDemo) count(ctx context.Context) (answer aggregate.CountAnswer, took time.Duration, err error) {
	request := aggregate.CountRequest{Count: lists.Count{BotID: demoBot, ServerCount: demoServers}}
	for _, l := range d.Catalog.Current().Lists() {
		if !l.TakesCounts() {
			continue
		}
		number := ""
		if l.NeedsListBotID() {
			number = "42"
		}
		request.Tokens = append(request.Tokens, aggregate.NamedToken{ID: l.ID, Token: lists.NewToken(demoToken, number)})
	}
	start := time.Now()
	answer, err = d.Aggregator.Count(ctx, request, demoCaller())
	return answer, time.Since(start), err
}

// printJSON prints the answers as the API gives them.
func printJSON(out io.Writer, count aggregate.CountAnswer, bot aggregate.BotAnswer, votes []json.RawMessage) error {
	var counted, read bytes.Buffer
	if err := errors.Join(httpapi.EncodeCount(&counted, count), httpapi.EncodeBot(&read, bot)); err != nil {
		return err
	}
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	return enc.Encode(map[string]any{"count": json.RawMessage(counted.Bytes()), "bot": json.RawMessage(read.Bytes()), "votes": votes})
}

// plainList is a list whose posts are not paced, to try one more.
func (s *service) plainList() string {
	for _, l := range s.Catalog.Current().Lists() {
		if l.TakesCounts() && l.Post == nil {
			return l.ID
		}
	}
	return "list.example"
}

func printCount(out io.Writer, count aggregate.CountAnswer, took time.Duration) {
	good := printResults(out, count.Results, count.Skipped)
	_, _ = fmt.Fprintf(out, "\nOne POST of %d servers reached %d of %d lists in %s.\n", demoServers, good, len(count.Results), took.Round(time.Millisecond))
}

func printBot(out io.Writer, bot aggregate.BotAnswer) {
	knew := 0
	for _, r := range bot.Lists {
		if r.Status == http.StatusOK {
			knew++
		}
	}
	_, _ = fmt.Fprintf(out, "Read back: %q has %d servers, say %d of %d lists asked.\n", bot.Username, bot.ServerCount, knew, len(bot.Lists))
}

// printTry prints what to try next, for the program as it was called.
func (d *sandboxDemo) printTry(out io.Writer, program string) {
	base := localURL(d.listener.Addr())
	_, _ = fmt.Fprintf(out, `
Serving on %s until Ctrl-C; every list is a sandbox. Try:

  curl -d '{"server_count": 99, "bot_id": %q, %q: "any-token"}' %s/api/count
  curl %s/api/bots/%s
  curl '%s/api/lists?filter=true'
`, base, demoBot, d.plainList(), base, base, demoBot, base)
	if id := listWithTests(d.Catalog.Current()); id != "" {
		_, _ = fmt.Fprintf(out, "  AGGREGATOR_SECRET=%s %s hooks send %s --to %s/hooks/%s/%s\n", demoHookSecret, program, id, base, demoBot, id)
	}
	_, _ = fmt.Fprintln(out)
}

// localURL returns where a service is reached from this machine.
func localURL(addr net.Addr) string {
	if a, ok := addr.(*net.TCPAddr); ok {
		return fmt.Sprintf("http://localhost:%d", a.Port)
	}
	return "http://localhost"
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"aggregator/agent"
	"aggregator/sandbox"
	"aggregator/store"
)

// demoClock is a clock that can be moved forward, so that the demo shows hours of
// an agent's work at once.
type demoClock struct{ ahead atomic.Int64 }

// Now returns the time on the clock.
func (c *demoClock) Now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

// advance moves the clock forward to a time.
func (c *demoClock) advance(to time.Time) {
	if d := to.Sub(c.Now()); d > 0 {
		c.ahead.Add(int64(d))
	}
}

// demoSecret stands for an environment variable that is not set, or a file that is
// not there, so that a file of bots can be shown at work without its secrets. It is
// long enough for the key of a bot.
func demoSecret(name string) string {
	if strings.Contains(strings.ToUpper(name), "URL") {
		return "https://discord.com/api/webhooks/1/demo"
	}
	return "demo-secret-in-place-of-" + name
}

// demoBots shows the agent at work for the bots of a file, on a sandbox of all
// lists and of Discord, and then serves on.
func (f *serviceFlags) demoBots(ctx context.Context, env environment, once bool) error {
	clock := new(demoClock)
	f.now = clock.Now
	var madeUp []string
	f.madeUp = func(name string) string {
		secret := demoSecret(name)
		madeUp = append(madeUp, secret)
		return secret
	}
	log := f.logger(env.errOut)
	in, err := f.load(env.getenv, log)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	st := store.NewMemory(store.MemoryOptions{Now: clock.Now})
	s, err := newService(*f, in, st, sandbox.Transport(env.transport, listener.Addr().String()), log)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	lists := sandbox.New(s.Catalog.Current().Lists())
	lists.Now = clock.Now
	d := &botsDemo{service: s, clock: clock, lists: lists, outside: sandbox.NewOutside(lists, demoServers), out: env.out, file: f.bots}
	for _, b := range s.bots.Current().All() {
		if t := b.DiscordToken(); !t.IsZero() {
			d.outside.Bot(t.Reveal(), b.ID)
		}
	}
	box := &http.Server{Handler: d.outside, ReadHeaderTimeout: time.Minute}
	go func() { _ = box.Serve(listener) }() // ends with Close
	defer func() { _ = box.Close() }()
	s.agent.Observe = d.posted
	if err := d.show(ctx); err != nil || once {
		return errors.Join(err, s.listener.Close())
	}
	d.printTry(madeUp)
	return s.run(ctx, make(chan os.Signal))
}

// botsDemo is an agent that is shown at work.
type botsDemo struct {
	*service
	clock    *demoClock
	lists    *sandbox.Sandbox
	outside  *sandbox.Outside
	out      io.Writer
	file     string // of the bots
	tables   bool   // posts were shown as a table once
	messages int    // shown so far
}

// show lets the agent work until a refused token was said, and that it is well
// again.
func (d *botsDemo) show(ctx context.Context) error {
	refused := d.refusedList()
	if refused != "" {
		_, _ = fmt.Fprintf(d.out, "An hour of the agent, played quickly on the sandbox. For a while %s refuses every token, to show a notice.\n\n", refused)
		if err := d.lists.Refuse(refused, true); err != nil {
			return err
		}
	}
	for end := d.clock.Now().Add(36 * time.Hour); d.clock.Now().Before(end); {
		next, err := d.agent.Step(ctx)
		if err != nil {
			return err
		}
		d.showMessages()
		if d.messages > 0 && refused != "" {
			if err := d.lists.Refuse(refused, false); err != nil {
				return err
			}
		}
		if d.messages > 1 || refused == "" || next.IsZero() {
			break
		}
		d.clock.advance(next)
	}
	_, err := fmt.Fprintln(d.out)
	return err
}

// refusedList returns the id of a list for which some bot has a token and
// somebody who hears of it; "" if there is none.
func (d *botsDemo) refusedList() string {
	c := d.Catalog.Current()
	for _, b := range d.bots.Current().All() {
		for _, t := range b.Tokens {
			if l, ok := c.Resolve(t.ID); ok && l.TakesCounts() && b.Posts != nil && b.Notify != nil {
				return t.ID
			}
		}
	}
	return ""
}

// posted prints what became of a bot's count: the first time as a table.
func (d *botsDemo) posted(p agent.Posted) {
	if len(p.Results)+len(p.Skipped) == 0 {
		_, _ = fmt.Fprintf(d.out, "%s  %s: no server count\n", d.time(), p.Bot)
		return
	}
	good := 0
	var failed []string
	for _, r := range p.Results {
		if r.OK {
			good++
		} else {
			failed = append(failed, fmt.Sprintf("%s: %d %s", r.List, r.Status, shorten(r.Text, 60)))
		}
	}
	_, _ = fmt.Fprintf(d.out, "%s  %s: %d servers, accepted by %d of %d lists, %d held back\n", d.time(), p.Bot, p.Servers, good, len(p.Results), len(p.Skipped))
	if !d.tables {
		d.tables = true
		printResults(d.out, p.Results, p.Skipped)
		return
	}
	for _, text := range failed {
		_, _ = fmt.Fprintf(d.out, "       %s\n", text)
	}
}

// showMessages prints the notices that came since it was last called.
func (d *botsDemo) showMessages() {
	all := d.outside.Messages()
	for _, m := range all[min(d.messages, len(all)):] {
		text := string(m.Body)
		var discord struct {
			Content string `json:"content"`
		}
		if json.Unmarshal(m.Body, &discord) == nil && discord.Content != "" {
			text = discord.Content
		}
		_, _ = fmt.Fprintf(d.out, "%s  notice:\n         %s\n", d.time(), strings.ReplaceAll(text, "\n", "\n         "))
	}
	d.messages = len(all)
}

func (d *botsDemo) time() string { return d.clock.Now().Format("15:04") }

// printTry prints what to try next, with the key of a bot if it is one of those
// made up.
func (d *botsDemo) printTry(madeUp []string) {
	base := localURL(d.listener.Addr())
	_, _ = fmt.Fprintf(d.out, "Serving on %s until Ctrl-C; every list, Discord, and whatever else is called, is a sandbox. ", base)
	for _, b := range d.bots.Current().All() {
		if !b.HasKey() {
			continue
		}
		key := "$KEY"
		if i := slices.IndexFunc(madeUp, b.KeyMatches); i >= 0 {
			key = madeUp[i]
		}
		_, _ = fmt.Fprintf(d.out, "With the key of a bot try:\n\n")
		_, _ = fmt.Fprintf(d.out, "  curl -H \"Authorization: Bearer %s\" %s/api/bots/%s/posts\n", key, base, b.ID)
		_, _ = fmt.Fprintf(d.out, "  curl -H \"Authorization: Bearer %s\" -d '{\"bot_id\": %q, \"server_count\": 99}' %s/api/count\n", key, b.ID, base)
		return
	}
	_, _ = fmt.Fprintf(d.out, "With a key in %s, a bot can ask how its posts stand.\n", d.file)
}

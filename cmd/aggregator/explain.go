package main

import (
	"context"
	"flag"
	"fmt"
	"io"

	"aggregator/catalog"
	"aggregator/lists"
)

// What the examples post.
var (
	exampleShardID    = int64(2)
	exampleShardCount = int64(4)
	exampleUsers      = int64(5678)
	exampleVoice      = int64(9)
	exampleCount      = lists.Count{BotID: demoBot, ServerCount: demoServers}
	exampleShardPost  = lists.Count{
		BotID: demoBot, ServerCount: demoServers, ShardID: &exampleShardID, ShardCount: &exampleShardCount,
		Shards: []int64{300, 310, 320, 304}, UserCount: &exampleUsers, VoiceConnections: &exampleVoice,
	}
)

// explain prints what a list is sent, and where its answers are read.
func explain(fs *flag.FlagSet) action {
	var f catalogFlags
	f.add(fs)
	return func(_ context.Context, env environment, id string) error {
		c, _, err := f.read()
		if err != nil {
			return err
		}
		l, err := findList(c, id)
		if err != nil {
			return err
		}
		explainList(env.out, l)
		return nil
	}
}

// findList returns the list with an id. The error is a usageError.
func findList(c *catalog.Catalog, id string) (*lists.List, error) {
	if l, ok := c.List(id); ok {
		return l, nil
	}
	if near := c.Nearest(id); near != "" {
		return nil, usagef("unknown list %q, did you mean %q?", id, near)
	}
	return nil, usagef("unknown list %q", id)
}

func explainList(out io.Writer, l *lists.List) {
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(out, format+"\n", args...) }
	say("%s (%s)", l.ID, l.Name)
	if l.APIDocs != "" {
		say("documentation: %s", l.APIDocs)
	}
	for _, source := range l.Source {
		say("source: %s", source)
	}
	if l.SameAs != "" {
		say("same software as: %s", l.SameAs)
	}
	if l.Checked != "" {
		say("checked: %s", l.Checked)
	}
	token := lists.NewToken("token", "42")
	if _, why := l.PlanPost(exampleCount, token, userAgent); why != nil {
		say("\nposting: %s", why)
	} else {
		for _, example := range []struct {
			what  string
			count lists.Count
		}{
			{"1234 servers", exampleCount},
			{"shard 2 of 4, with 320 of 1234 servers, 5678 users, 9 voice connections", exampleShardPost},
		} {
			call, _ := l.PlanPost(example.count, token, userAgent)
			say("\nposting %s:", example.what)
			printRequest(out, call.Masked())
		}
		if l.NumbersBots() {
			say("\nthe list numbers bots itself: send \"42:token\", or {\"token\": \"token\", \"bot_id\": \"42\"}")
		}
		say("")
		for _, s := range l.PostRules() {
			say("%s", s)
		}
	}
	call, why := l.PlanRead(demoBot, token, userAgent)
	if why != nil {
		say("\nreading: %s", why)
		return
	}
	say("\nreading a bot:")
	printRequest(out, call.Masked())
	switch {
	case l.TakesOperatorKey():
		say("\nneeds a key: --list-keys, %s, or the caller's own in a lookup", keyVariable(l.ID))
	case l.NeedsKey():
		say("\nneeds the caller's own key, in a lookup")
	}
	say("\nread from:")
	for _, s := range l.ReadRules() {
		say("  %s", s)
	}
	if limits := l.ReadLimits(); limits != nil {
		say("")
		for _, s := range limits {
			say("%s", s)
		}
	}
}

func printRequest(out io.Writer, r lists.Request) {
	_, _ = fmt.Fprintf(out, "  %s %s\n", r.Method, r.URL)
	for _, h := range r.Header {
		_, _ = fmt.Fprintf(out, "  %s: %s\n", h.Name, h.Value)
	}
	if len(r.Body) > 0 {
		_, _ = fmt.Fprintf(out, "\n  %s\n", r.Body)
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

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
func explain(_ context.Context, env environment, args []string) error {
	fs := newFlags("explain", env.errOut)
	var f catalogFlags
	f.add(fs)
	id, args := firstArgument(args)
	if err := parse(fs, args, env.getenv); err != nil {
		return err
	}
	if id == "" {
		return errors.New("which list? As in: aggregator explain list.example")
	}
	c, _, err := f.read()
	if err != nil {
		return err
	}
	l, ok := c.List(id)
	if !ok {
		if near := c.Nearest(id); near != "" {
			return fmt.Errorf("%q is no list; did you mean %q?", id, near)
		}
		return fmt.Errorf("%q is no list", id)
	}
	explainList(env.out, l)
	return nil
}

// firstArgument parts a leading argument from the flags behind it.
func firstArgument(args []string) (first string, rest []string) {
	if len(args) == 0 || strings.HasPrefix(args[0], "-") {
		return "", args
	}
	return args[0], args[1:]
}

func explainList(out io.Writer, l *lists.List) {
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(out, format+"\n", args...) }
	say("%s (%s)", l.ID, l.Name)
	if l.APIDocs != "" {
		say("documentation: %s", l.APIDocs)
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

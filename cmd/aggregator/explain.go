package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"time"

	"aggregator/catalog"
	"aggregator/lists"
)

// plainExample is the least that a count holds.
var plainExample = lists.Count{BotID: demoBot, ServerCount: demoServers}

// fullExample returns a count with everything that one can hold, and says in
// words what that is: one shard's own count for a list that stores these and
// takes no array of them, all shards at once for any other.
func fullExample(l *lists.List) (c lists.Count, what string) {
	c = plainExample
	id, of, shards := int64(2), int64(4), []int64{300, 310, 320, 304}
	c.ShardID, c.ShardCount = &id, &of
	takes := func(v lists.Value) bool { return len(v.Names(&l.Entry)) > 0 }
	if takes(lists.ShardID) && !takes(lists.Shards) {
		c.ServerCount = shards[id]
		what = fmt.Sprintf("%d servers of shard %d of %d", c.ServerCount, id, of)
	} else {
		c.Shards = shards
		what = fmt.Sprintf("%d servers of %d shards", c.ServerCount, of)
	}
	for v := range lists.NumValues {
		if n, noun := v.Example(); noun != "" {
			*v.Optional(&c) = &n
			what += fmt.Sprintf(", %d %s", n, noun)
		}
	}
	return c, what
}

// explain prints what a list is sent, and where its answers are read.
func explain(fs *flag.FlagSet) action {
	var f catalogFlags
	f.add(fs)
	tables := catalog.Tables()
	asked := make([]bool, len(tables))
	for i, t := range tables {
		fs.BoolVar(&asked[i], t.Name, false, "print instead of a LIST "+t.About+", as a table in Markdown")
	}
	return func(_ context.Context, env environment, operands []string) error {
		which := slices.Index(asked, true)
		switch {
		case which < 0 && len(operands) == 0:
			return usagef("LIST is missing")
		case which < 0:
		case len(operands) > 0:
			return usagef("unexpected argument %q beside --%s", operands[0], tables[which].Name)
		case slices.Contains(asked[which+1:], true):
			return usagef("--%s goes with no other table", tables[which].Name)
		}
		c, _, err := f.read()
		if err != nil {
			return err
		}
		if which >= 0 {
			_, err := env.out.Write(tables[which].Of(c))
			return err
		}
		l, err := findList(c, operands[0])
		if err != nil {
			return err
		}
		if l.ID != operands[0] {
			_, _ = fmt.Fprintf(env.out, "%s is a former id of %s\n\n", operands[0], l.ID)
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

// explained is where a list is explained.
type explained struct{ out io.Writer }

func (e explained) say(format string, args ...any) { _, _ = fmt.Fprintf(e.out, format+"\n", args...) }

func explainList(out io.Writer, l *lists.List) {
	e := explained{out}
	e.say("%s (%s)", l.ID, l.Name)
	if l.APIDocs != "" {
		e.say("documentation: %s", l.APIDocs)
	}
	for _, source := range l.Source {
		e.say("source: %s", source)
	}
	if l.SameAs != "" {
		e.say("same software as: %s", l.SameAs)
	}
	if l.Checked != "" {
		e.say("checked: %s", l.Checked)
	}
	token := lists.NewToken("token", "42")
	e.posting(l, token)
	e.reading(l, token)
	e.voting(l, token)
	e.telling(l)
	for _, kind := range lists.Reports() {
		e.reporting(l, kind, token)
	}
}

// posting says what the list is sent with a count, and how its answer is judged.
func (e explained) posting(l *lists.List, token lists.Token) {
	if _, why := l.PlanPost(plainExample, token, userAgent); why != nil {
		e.say("\nposting: %s", why)
		return
	}
	full, everything := fullExample(l)
	for _, example := range []struct {
		what  string
		count lists.Count
	}{
		{fmt.Sprintf("%d servers", plainExample.ServerCount), plainExample},
		{everything, full},
	} {
		call, _ := l.PlanPost(example.count, token, userAgent)
		e.say("\nposting %s:", example.what)
		printRequest(e.out, call.Masked())
		if second, ok := call.Otherwise(); ok {
			e.say("\nor, with a token of the other kind:")
			printRequest(e.out, second.Masked())
		}
	}
	if l.NeedsListBotID() {
		e.say("\nthe list numbers bots itself: send \"42:token\", or {\"token\": \"token\", \"bot_id\": \"42\"}")
	}
	e.say("")
	for _, s := range l.PostRules() {
		e.say("%s", s)
	}
}

// reading says how a bot is read from the list, and what is read in its answer.
func (e explained) reading(l *lists.List, token lists.Token) {
	call, why := l.PlanRead(demoBot, token, userAgent)
	if why != nil {
		e.say("\nreading: %s", why)
		return
	}
	e.say("\nreading a bot:")
	printRequest(e.out, call.Masked())
	switch {
	case l.TakesOperatorKey():
		e.say("\nneeds a key: --list-keys, %s, or the caller's own in a lookup", keyVariable(l.ID))
	case l.NeedsKey():
		e.say("\nneeds the caller's own key, in a lookup")
	}
	e.say("\nread from:")
	for _, s := range l.ReadRules() {
		e.say("  %s", s)
	}
	if limits := l.ReadLimits(); limits != nil {
		e.say("")
		for _, s := range limits {
			e.say("%s", s)
		}
	}
}

// demoUser is the user of examples.
const demoUser = "223456789012345678"

// voting says how the list is asked whether a user has voted, and what its
// answer means.
func (e explained) voting(l *lists.List, token lists.Token) {
	call, why := l.PlanVote(demoBot, demoUser, token, userAgent)
	if why != nil {
		e.say("\nasking for votes: %s", why)
		return
	}
	e.say("\nasking whether a user has voted:")
	printRequest(e.out, call.Masked())
	if second, ok := call.Otherwise(); ok {
		e.say("\nor, with a token of the other kind:")
		printRequest(e.out, second.Masked())
	}
	e.say("")
	for _, s := range l.VoteRules() {
		e.say("%s", s)
	}
}

// telling says what the list sends to its webhook's address, and what is read in
// it. Its example is of a fixed moment, so that it is the same each time.
func (e explained) telling(l *lists.List) {
	w := l.Webhook()
	if w == nil {
		return
	}
	secret := lists.NewToken("secret", "")
	e.say("\nwebhook, with the secret %q:", secret.Reveal())
	sample := lists.SampleVote{BotID: demoBot, UserID: demoUser, ID: "1"}
	for i := range w.Forms() {
		if sample.Second = i > 0; sample.Second {
			e.say("\nor, in its other form:")
		}
		printDelivery(e.out, w.Sign(sample, secret, time.Unix(1_795_600_000, 0)))
	}
	e.say("")
	for _, s := range l.WebhookRules() {
		e.say("%s", s)
	}
}

// printDelivery prints a request to a webhook, at an address without a host.
func printDelivery(out io.Writer, d lists.Delivery) {
	r := lists.Request{Method: http.MethodPost, URL: "/hooks/:bot/:list", Body: d.Body}
	if len(d.Query) > 0 {
		r.URL += "?" + d.Query.Encode()
	}
	for _, name := range slices.Sorted(maps.Keys(d.Header)) {
		r.Header = append(r.Header, lists.Header{Name: name, Value: d.Header.Get(name)})
	}
	printRequest(out, r)
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

// reporting says what the list is sent with a report of a kind, if it takes any.
// Its example holds all that a report can.
func (e explained) reporting(l *lists.List, kind *lists.Report, token lists.Token) {
	if !l.Supports(kind.Op) {
		return
	}
	call, why := l.PlanReport(kind, lists.ReportSubject{BotID: demoBot, Name: "someone"}, kind.Samples(), token, userAgent)
	if why != nil {
		e.say("\n%s: %s", kind.Op.Name, why)
		return
	}
	e.say("\n%s:", kind.Op.Name)
	printRequest(e.out, call.Masked())
	e.say("")
	for _, s := range l.ReportRules(kind) {
		e.say("%s", s)
	}
}

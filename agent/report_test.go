package agent

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"aggregator/aggregate"
	"aggregator/lists"
)

// shownReport is a report in words.
func shownReport(r Report) string {
	time := func(t time.Time) string {
		if t.IsZero() {
			return "-"
		}
		return t.Sub(noon).Round(1e9).String()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s", r.Count.From)
	if r.Count.ServerCount != nil {
		fmt.Fprintf(&b, " %d", *r.Count.ServerCount)
	}
	if r.Count.Error != "" {
		fmt.Fprintf(&b, " (%s)", r.Count.Error)
	}
	fmt.Fprintf(&b, " next %s\n", time(r.NextAt))
	for _, l := range r.Lists {
		fmt.Fprintf(&b, "%s %s", l.List, l.State)
		if l.Last != nil {
			fmt.Fprintf(&b, " %d", l.Last.Status)
		}
		if l.ServerCount != nil {
			fmt.Fprintf(&b, " accepted %d at %s", *l.ServerCount, time(l.AcceptedAt))
		}
		fmt.Fprintf(&b, " next %s", time(l.NextAt))
		if l.Why != "" {
			fmt.Fprintf(&b, " %s", l.Why)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func TestReport(t *testing.T) {
	const yaml = `bots: {"123456789012345678": {tokens: {plain.example: a, other.example: b, token.example: c, address.example: d, gone.example: e}, posts: {every: 30m, count: {url: "http://bot/", server_count: n}}}}` + "\n"
	w := newWorld(t, yaml)
	a := w.agent()
	report := func() string {
		t.Helper()
		r, err := a.Report(t.Context(), w.bots.Current().Bot(testBot))
		if err != nil {
			t.Fatal(err)
		}
		return shownReport(r)
	}
	is := func(what, want string) {
		t.Helper()
		if got := report(); got != want {
			t.Errorf("%s:\ngot\n%s\nwant\n%s", what, got, want)
		}
	}
	if _, err := a.Step(t.Context()); err != nil {
		t.Fatal(err)
	}
	is("at first", "url next 52s\naddress.example never next 52s\ngone.example never next 52s\nother.example never next 52s\nplain.example never next 52s\ntoken.example never next 52s\n")
	w.answers["other.example"] = func(string) lists.Answer { return lists.Answer{Status: 500, Body: []byte("oops")} }
	w.run(noon.Add(time.Minute), a)
	is("after the first count", `url 5 next 25m52s
address.example ok 200 accepted 5 at 52s next 25m52s
gone.example skipped next - Defunct
other.example failing 500 next 5m52s
plain.example ok 200 accepted 5 at 52s next 25m52s
token.example ok 200 accepted 5 at 52s next 25m52s
`)
	w.answers["other.example"] = func(string) lists.Answer { return lists.Answer{Status: 401} }
	w.run(noon.Add(26*time.Minute), a)
	is("a list that holds back, and one that refuses", `url 5 next 55m52s
address.example ok 200 accepted 5 at 25m52s next 55m52s
gone.example skipped next - Defunct
other.example refused 401 next 55m52s
plain.example ok 200 accepted 5 at 25m52s next 55m52s
token.example paced 200 accepted 5 at 52s next 6h0m52s Paced: next post at 2026-11-25T18:00:52Z
`)
	w.answers["plain.example"] = func(string) lists.Answer { return lists.Answer{Status: 403} }
	w.source = func(string) lists.Answer {
		if w.now.After(noon.Add(2*time.Hour + 30*time.Minute)) {
			return lists.Answer{Status: 500}
		}
		return lists.Answer{Status: 200, Body: []byte(`{"n": 6}`)}
	}
	w.answers["token.example"] = func(string) lists.Answer { return lists.Answer{Status: 410} }
	w.run(noon.Add(7*time.Hour), a)
	is("tokens that rest, and a source that fails", `url 6 (The count's URL answered 500 Internal Server Error) next 7h26m52s
address.example ok 200 accepted 6 at 2h25m52s next 7h26m52s
gone.example skipped next - Defunct
other.example resting 401 next 8h25m52s Refused: other.example has refused this token three times in a row; it is tried again at 2026-11-25T20:25:52Z
plain.example refused 403 accepted 5 at 25m52s next 7h26m52s
token.example paced 200 accepted 5 at 52s next 7h26m52s Paced: next post at 2026-11-25T19:26:52Z
`)
	w.source = nil
	w.run(noon.Add(8*time.Hour), a)
	if got := report(); !strings.Contains(got, "token.example revoked 410 accepted 5 at 52s next - Revoked: token.example has revoked this token; send a new one\n") {
		t.Errorf("a revoked token:\n%s", got)
	}
}

// Where bots take turns, the report says when the bot's may come.
func TestReportOfABotThatWaits(t *testing.T) {
	w := newWorld(t, `bots:
  "123456789012345678": {tokens: {address.example: a}, posts: {every: 10m, count: {url: "http://bot/", server_count: n}}}
  "123456789012345679": {tokens: {address.example: b}, posts: {every: 10m, count: {url: "http://bot/", server_count: n}}}
`)
	a := w.agent()
	w.run(noon.Add(time.Minute), a)
	waits := "123456789012345679"
	if w.posts[0].bot == waits {
		waits = testBot
	}
	r, err := a.Report(t.Context(), w.bots.Current().Bot(waits))
	if err != nil {
		t.Fatal(err)
	}
	if l := r.Lists[0]; l.State != StatePaced || !l.NextAt.Equal(w.posts[0].at.Add(time.Minute)) || l.Why != "Paced: next post at "+w.posts[0].at.Add(time.Minute).Format(time.RFC3339) {
		t.Errorf("the list is %+v, want paced until a minute after %s", l, w.posts[0].at)
	}
}

// done returns what one run did, in words.
func shownDone(all []Done) string {
	var b strings.Builder
	for _, d := range all {
		fmt.Fprintf(&b, "%s due %t failed %t:", d.BotID, d.Due, d.Failed())
		for _, r := range d.Results {
			fmt.Fprintf(&b, " %s %d", r.List, r.Status)
		}
		for _, s := range d.Skipped {
			fmt.Fprintf(&b, " %s %s", s.ID, s.Why.Reason)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func TestOnce(t *testing.T) {
	w := newWorld(t, `bots:
  "223456789012345678": {tokens: {plain.example: a, token.example: b, address.example: c}, posts: {every: 30m, count: {url: "http://bot/", server_count: n}}}
  "123456789012345678": {tokens: {plain.example: a, address.example: b}, posts: {every: 30m, count: {url: "http://other/", server_count: n}}, notify: "https://me.example/"}
  "323456789012345678": {tokens: {plain.example: a}}
`)
	w.source = func(url string) lists.Answer {
		if url == "http://other/" {
			return lists.Answer{Status: 500}
		}
		return lists.Answer{Status: 200, Body: []byte(`{"n": 5}`)}
	}
	once := func(want string) {
		t.Helper()
		all, err := w.agent().Once(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got := shownDone(all); got != want {
			t.Errorf("at %s: got\n%s\nwant\n%s", w.now.Sub(noon), got, want)
		}
	}
	// A bot that was never asked is due.
	once("223456789012345678 due true failed false: plain.example 200 token.example 200 address.example 200\n123456789012345678 due true failed true:\n323456789012345678 due false failed false:\n")
	once("223456789012345678 due false failed false:\n123456789012345678 due false failed false:\n323456789012345678 due false failed false:\n")
	for range 2 { // each minute, as cron does
		w.now = w.now.Add(2 * time.Minute)
		once("223456789012345678 due false failed false:\n123456789012345678 due true failed true:\n323456789012345678 due false failed false:\n")
	}
	// The third failure in a row is said at once, for nobody waits for more.
	if len(w.letters) != 1 || !w.letters[0].at.Equal(w.now) || !strings.Contains(w.letters[0].body, "source_failing") {
		t.Errorf("letters %+v, want one now", w.letters)
	}
	w.source = nil
	w.now = w.now.Add(5 * time.Minute)
	once("223456789012345678 due false failed false:\n123456789012345678 due true failed false: plain.example 200 address.example 200\n323456789012345678 due false failed false:\n")
	if len(w.letters) != 1 {
		t.Errorf("letters %q in the pause, want none more", w.bodies())
	}
	w.now = w.now.Add(10 * time.Minute) // what the pause held back waited for this run
	w.answers["plain.example"] = func(string) lists.Answer { return lists.Answer{Status: 500} }
	if _, err := w.agent().Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(w.letters) != 2 || !strings.Contains(w.letters[1].body, `"solved":[{"what":"source_failing"`) {
		t.Errorf("letters %q, want one more", w.bodies())
	}
	w.now = w.now.Add(time.Hour)
	all, err := w.agent().Once(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const want = "223456789012345678 due true failed true: plain.example 500 address.example 200 token.example paced\n" +
		"123456789012345678 due true failed true: plain.example 500\n323456789012345678 due false failed false:\n"
	if got := shownDone(all); got != want && got != strings.Replace(strings.Replace(want, "address.example 200 ", "", 1), "500\n323", "500 address.example 200\n323", 1) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestKeyedCounts(t *testing.T) {
	w := newWorld(t, `bots:
  "123456789012345678": {key: a key of twenty characters, tokens: {plain.example: a, other.example: b, token.example: c}, posts: {every: 30m, count: push}}
`)
	b := w.bots.Current().Bot(testBot)
	shown := []aggregate.NamedToken{
		{ID: "plain.example", Token: lists.NewToken("mine", "")},
		{ID: "other.example", Bad: &lists.Skip{Reason: lists.SkipNoToken}},
		{ID: "nowhere.example", Token: lists.NewToken("mine", "")},
	}
	all, own := b.WithTokens(w.live.Current(), shown)
	if got := fmt.Sprint(own); got != "[other.example token.example]" || len(all) != 5 {
		t.Fatalf("the file's tokens are used for %s of %d, want other.example and token.example of 5", got, len(all))
	}
	a := w.agent()
	w.run(noon.Add(time.Minute), a)
	if len(w.posts) != 0 {
		t.Fatalf("posts %+v before anything was pushed", w.posts)
	}
	// The bot posts; what its own token came to does not count for the file's.
	seven := int64(7)
	count := lists.Count{BotID: testBot, ServerCount: 9, ShardID: &seven}
	w.answers["plain.example"] = func(string) lists.Answer { return lists.Answer{Status: 401} }
	answer, err := a.Lists.Count(t.Context(), aggregate.CountRequest{Count: count, Tokens: all}, aggregate.Caller{})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Noted(t.Context(), b, count, answer, own); err != nil {
		t.Fatal(err)
	}
	r, err := a.Report(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	const want = "push (Nothing was pushed with the bot's key yet) next 1m52s\nother.example ok 200 accepted 9 at 1m0s next 1m52s\n" +
		"plain.example never next 1m52s\ntoken.example ok 200 accepted 9 at 1m0s next 1m52s\n"
	if got := shownReport(r); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	// Then the agent posts what was pushed, as a total, to lists when they take it.
	delete(w.answers, "plain.example")
	w.posts = nil
	w.run(noon.Add(10*time.Minute), a)
	if len(w.posts) != 2 || w.posts[0].sent != `{"n":9}` {
		t.Errorf("posts %+v, want the total to both lists that take one", w.posts)
	}
	// A push that is too old is none.
	w.posts = nil
	w.run(noon.Add(3*time.Hour), a)
	if got := w.times("plain.example", ""); len(got) < 1 || len(got) > 3 {
		t.Errorf("posts at %s, want some until an hour after the push", got)
	}
	if r, _ := a.Report(t.Context(), b); r.Count.Error != "Nothing was pushed with the bot's key since 2026-11-25T12:01:00Z" {
		t.Errorf("the source says %q", r.Count.Error)
	}
}

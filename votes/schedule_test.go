package votes

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"aggregator/lists"
	"aggregator/store"
)

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

func TestJudge(t *testing.T) {
	header := func(retryAfter string) map[string][]string { return map[string][]string{"Retry-After": {retryAfter}} }
	for _, row := range []struct {
		name    string
		answer  lists.Answer
		taken   bool
		gone    bool
		reason  string
		status  int
		notTill time.Duration // after the attempt; 0: nothing was said
	}{
		{name: "200", answer: lists.Answer{Status: 200}, taken: true, status: 200},
		{name: "204", answer: lists.Answer{Status: 204}, taken: true, status: 204},
		{name: "a redirect", answer: lists.Answer{Status: 301}, reason: "Redirects (301), which is not followed", status: 301},
		{name: "500", answer: lists.Answer{Status: 500}, reason: "500 Internal Server Error", status: 500},
		{name: "a status without a name", answer: lists.Answer{Status: 599}, reason: "599", status: 599},
		{name: "410", answer: lists.Answer{Status: 410}, gone: true, reason: "410 Gone", status: 410},
		{name: "no answer", answer: lists.Answer{Status: lists.NoAnswer, Reason: "Timeout after 10s"}, reason: "Timeout after 10s"},
		{name: "429", answer: lists.Answer{Status: 429, Header: header("90")}, reason: "429 Too Many Requests", status: 429, notTill: 90 * time.Second},
		{name: "503 with a date", answer: lists.Answer{Status: 503, Header: header(noon.Add(2 * time.Minute).Format(http.TimeFormat))}, reason: "503 Service Unavailable", status: 503, notTill: 2 * time.Minute},
		{name: "502, for longer than is heeded", answer: lists.Answer{Status: 502, Header: header("86400")}, reason: "502 Bad Gateway", status: 502, notTill: time.Hour},
		{name: "504", answer: lists.Answer{Status: 504, Header: header("5")}, reason: "504 Gateway Timeout", status: 504, notTill: 5 * time.Second},
		{name: "500 has no Retry-After", answer: lists.Answer{Status: 500, Header: header("90")}, reason: "500 Internal Server Error", status: 500},
		{name: "nonsense", answer: lists.Answer{Status: 429, Header: header("soon")}, reason: "429 Too Many Requests", status: 429},
	} {
		v := judge(row.answer, noon)
		notTill := time.Duration(0)
		if !v.notTill.IsZero() {
			notTill = v.notTill.Sub(noon)
		}
		if v.taken != row.taken || v.gone != row.gone || v.Reason != row.reason || v.Status != row.status || notTill != row.notTill || !v.At.Equal(noon) {
			t.Errorf("%s: got %+v, want %+v", row.name, v, row)
		}
	}
}

func TestSettle(t *testing.T) {
	failed := verdict{Attempt: store.Attempt{At: noon, Status: 500, Reason: "500"}}
	after := func(attempts int) store.Delivery {
		return store.Delivery{Message: store.Message{ID: "msg_1"}, Attempts: attempts, Next: noon.Add(-time.Second)}
	}
	const state = store.Pending
	for attempts, delay := range []time.Duration{
		5 * time.Second, time.Minute, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour,
	} {
		for random, part := range map[float64]float64{0: 0.8, 0.5: 1, 1: 1.2} {
			s := settle(after(attempts), failed, false, random)
			want := time.Duration(float64(delay) * part)
			if off := (s.Next.Sub(noon) - want).Abs(); s.State != state || !s.Counts || off > time.Millisecond {
				t.Errorf("attempt %d, random %g: %+v, want the next %s after the end of the attempt", attempts+1, random, s, want)
			}
		}
	}
	for _, row := range []struct {
		name     string
		d        store.Delivery
		v        verdict
		isProbe  bool
		state    store.DeliveryState
		counts   bool
		nextFrom time.Duration // after the attempt
	}{
		{"taken", after(3), verdict{Attempt: store.Attempt{At: noon, Status: 200}, taken: true}, false, store.Delivered, true, 0},
		{"a probe that is taken", after(3), verdict{Attempt: store.Attempt{At: noon, Status: 200}, taken: true}, true, store.Delivered, true, 0},
		{"gone", after(0), verdict{Attempt: store.Attempt{At: noon, Status: 410}, gone: true}, false, store.Dead, true, 0},
		{"the last attempt", after(8), failed, false, store.Dead, true, 0},
		{"a probe", after(3), failed, true, store.Pending, false, -time.Second},
		{"a probe with what was never attempted", store.Delivery{}, failed, true, store.Pending, false, 0},
		{"a longer Retry-After", after(0), verdict{Attempt: failed.Attempt, notTill: noon.Add(10 * time.Minute)}, false, store.Pending, true, 10 * time.Minute},
		{"a shorter Retry-After", after(2), verdict{Attempt: failed.Attempt, notTill: noon.Add(time.Second)}, false, store.Pending, true, 5 * time.Minute},
	} {
		s := settle(row.d, row.v, row.isProbe, 0.5)
		next := noon.Add(row.nextFrom)
		if row.state != store.Pending {
			next = time.Time{}
		}
		if s.State != row.state || s.Counts != row.counts || !s.Next.Equal(next) {
			t.Errorf("%s: got %+v, want %s, counted %t, next %s", row.name, s, row.state, row.counts, next)
		}
	}
}

func TestProbes(t *testing.T) {
	var got []time.Duration
	for at := noon; len(got) < 70; {
		at = nextProbe(noon, at)
		got = append(got, at.Sub(noon))
	}
	want := []time.Duration{5 * time.Second, 15 * time.Second, 30 * time.Second}
	for i := range 60 {
		want = append(want, 30*time.Second+time.Duration(i+1)*time.Minute)
	}
	for len(want) < 70 {
		want = append(want, want[len(want)-1]+5*time.Minute)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("probe %d after %s, want %s", i+1, got[i], want[i])
		}
	}
	// A probe that hangs puts none off but itself.
	if at := nextProbe(noon, noon.Add(15*time.Second)); !at.Equal(noon.Add(30 * time.Second)) {
		t.Errorf("after a probe that ended at 15 s the next is at %s, want 30 s", at.Sub(noon))
	}
}

func TestEndpoint(t *testing.T) {
	fail := func(at time.Time) verdict { return verdict{Attempt: store.Attempt{At: at, Reason: "500"}} }
	take := verdict{taken: true}
	var e endpoint
	for i := range 5 {
		if e.rests() {
			t.Fatalf("rests after %d failures, want 5", i)
		}
		e.note(fail(noon.Add(time.Duration(i) * time.Second)))
	}
	if !e.rests() || !e.Since.Equal(noon) || !e.Probe.Equal(noon.Add(9*time.Second)) {
		t.Errorf("after five failures: %+v, want a rest since the fifth, probed 5 s later", e)
	}
	said := fail(noon.Add(10 * time.Second))
	said.notTill = noon.Add(10 * time.Minute)
	e.note(said)
	if !e.Probe.Equal(noon.Add(10 * time.Minute)) {
		t.Errorf("probed at %s, want not before what the endpoint said", e.Probe)
	}
	if e.isToBeSaid(noon.Add(59 * time.Minute)) {
		t.Error("said before an hour")
	}
	if !e.isToBeSaid(noon.Add(time.Hour)) {
		t.Error("not said after an hour")
	}
	if got := decodeEndpoint(e.encode(), ""); got.Failed != 6 || !got.Probe.Equal(e.Probe) {
		t.Errorf("kept as %+v, want %+v", got, e)
	}
	if got := decodeEndpoint(e.encode(), "another"); got.Failed != 0 || got.rests() {
		t.Errorf("another URL begins with %+v, want anew", got)
	}
	if opened := e.note(take); !opened || e.rests() || e.Failed != 0 {
		t.Errorf("the first one taken: opened %t, %+v; want an open way", opened, e)
	}
	if opened := e.note(take); opened {
		t.Error("the second one taken opened the way again")
	}
	for range 4 {
		e.note(fail(noon))
	}
	e.note(take)
	e.note(fail(noon))
	if e.rests() || e.Failed != 1 {
		t.Errorf("failures that are not in a row: %+v, want no rest", e)
	}
}

// show returns starts as "lane:id", in their order.
func show(starts []start) string {
	var all []string
	for _, s := range starts {
		all = append(all, [...]string{"first", "again", "probe", "wanted"}[s.lane]+":"+s.ID)
	}
	return strings.Join(all, " ")
}

func TestPlan(t *testing.T) {
	d := func(id string, seq int64) store.Delivery {
		return store.Delivery{Message: store.Message{ID: id}, Seq: seq}
	}
	all := func(all ...store.Delivery) []store.Delivery { return all }
	rests := endpoint{Failed: 5, Rested: noon.Add(-5 * time.Second), Probe: noon}
	later := rests
	later.Probe = noon.Add(time.Minute)
	oldest, wanted := d("a", 1), d("w", 9)
	two := store.Ready{First: all(d("a", 1), d("b", 2)), Oldest: &oldest}
	many := store.Ready{Again: all(d("a", 1), d("b", 2), d("c", 3), d("d", 4), d("e", 5)), First: all(d("f", 6)), Oldest: &oldest, Next: noon.Add(time.Second)}
	for _, row := range []struct {
		name string
		w    waiting
		e    endpoint
		busy underWay
		want string
		next time.Duration // 0: never
		left int64         // of CatchUp
	}{
		{name: "nothing", want: ""},
		{name: "the first", w: waiting{Ready: two}, want: "first:a"},
		{name: "one at a time", w: waiting{Ready: two}, busy: underWay{"a": laneFirst}, want: ""},
		{name: "what is tried again goes beside", w: waiting{Ready: many}, want: "first:f again:a again:b again:c again:d", next: time.Second},
		{name: "a few at a time", w: waiting{Ready: many}, busy: underWay{"a": laneAgain, "f": laneFirst, "x": laneAgain, "y": laneAgain}, want: "again:b", next: time.Second},
		{name: "a probe of the oldest", w: waiting{Ready: many}, e: rests, want: "probe:a"},
		{name: "one probe", w: waiting{Ready: many}, e: rests, busy: underWay{"a": laneProbe}, want: ""},
		{name: "no probe beside what is under way", w: waiting{Ready: many}, e: rests, busy: underWay{"e": laneAgain}, want: ""},
		{name: "no probe yet", w: waiting{Ready: many}, e: later, want: "", next: time.Minute},
		{name: "nothing to probe with", e: rests, want: ""},
		{name: "in order after a rest", w: waiting{Ready: many}, e: endpoint{CatchUp: 6}, want: "first:a", next: time.Second, left: 6},
		{name: "one by one after a rest", w: waiting{Ready: many}, e: endpoint{CatchUp: 6}, busy: underWay{"a": laneFirst}, want: "", next: time.Second, left: 6},
		{name: "all has gone out", w: waiting{Ready: store.Ready{First: all(d("z", 7))}}, e: endpoint{CatchUp: 6}, want: "first:z"},
		{name: "a test before all others", w: waiting{Ready: two, wanted: &wanted}, busy: underWay{"a": laneFirst}, want: "wanted:w"},
		{name: "a test goes to an endpoint that rests", w: waiting{Ready: two, wanted: &wanted}, e: rests, want: "wanted:w"},
		{name: "a test goes once", w: waiting{Ready: two, wanted: &wanted}, e: rests, busy: underWay{"w": laneWanted}, want: ""},
		{name: "a test that is the first", w: waiting{Ready: store.Ready{First: all(wanted)}, wanted: &wanted}, want: "wanted:w"},
	} {
		if row.busy == nil {
			row.busy = underWay{}
		}
		starts, next, e := plan(row.w, row.e, row.busy, noon)
		wait := time.Duration(0)
		if !next.IsZero() {
			wait = next.Sub(noon)
		}
		if got := show(starts); got != row.want || wait != row.next || e.CatchUp != row.left {
			t.Errorf("%s: got %q, next after %s, catching up to %d; want %q, %s, %d", row.name, got, wait, e.CatchUp, row.want, row.next, row.left)
		}
	}
}

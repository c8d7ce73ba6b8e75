package health_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"aggregator/aggregate"
	"aggregator/health"
	"aggregator/internal/testkit"
	"aggregator/lists"
	"aggregator/store"
)

const list = "list.example"

// fixture is a Recorder on a clock.
type fixture struct {
	*health.Recorder
	*testkit.Clock
	circuits []health.Circuit
}

func newFixture(t testing.TB, outcomes store.Outcomes) *fixture {
	t.Helper()
	f := &fixture{Clock: testkit.NewClock()}
	if outcomes == nil {
		m := store.NewMemory(store.MemoryOptions{Now: f.Now, Elapsed: f.Elapsed})
		t.Cleanup(func() { m.Close() })
		outcomes = m.Outcomes()
	}
	f.Recorder = health.New(health.Config{Store: outcomes, Now: f.Now, Circuits: func() []health.Circuit { return f.circuits }})
	return f
}

// again is another Recorder of the same store, which has read it.
func (f *fixture) again(t *testing.T) *fixture {
	other := &fixture{Clock: f.Clock}
	other.Recorder = health.New(health.Config{Store: f.Store, Now: f.Now})
	other.Write(t.Context())
	return other
}

func answered(status int) aggregate.Outcome {
	return aggregate.Outcome{List: list, Op: lists.Posts, OK: status/100 == 2, Status: status, Took: 70 * time.Millisecond}
}

func failed(f lists.Fault, reason string) aggregate.Outcome {
	return aggregate.Outcome{List: list, Op: lists.Posts, Status: lists.NoAnswer, Fault: f, Reason: reason, Took: 10 * time.Second}
}

var timedOut = failed(lists.FaultTimeout, "Timeout after 10s")

// see has the Recorder observe an outcome n times.
func (f *fixture) see(o aggregate.Outcome, n int) {
	for range n {
		f.Observe(context.Background(), o)
	}
}

// hourly has the Recorder observe an outcome every so often for a while.
func (f *fixture) during(d, every time.Duration, o aggregate.Outcome) {
	for range d / every {
		f.see(o, 1)
		f.Advance(every)
	}
}

func percent(b health.Bar) string {
	part, ok := b.Uptime()
	if !ok {
		return "none"
	}
	return fmt.Sprintf("%.2f%%", 100*part)
}

// TestWhatCounts is the table of what an outcome says of a list.
func TestWhatCounts(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		outcome                   aggregate.Outcome
		calls, answers, successes int64
		fault, reason             string
	}{
		"success":              {answered(200), 1, 1, 1, "", ""},
		"refused 2xx":          {aggregate.Outcome{List: list, Op: lists.Posts, Status: 200}, 1, 1, 0, "", ""},
		"page":                 {aggregate.Outcome{List: list, Op: lists.Posts, Status: 200, Page: true}, 1, 1, 0, "page", "Answered with a page"},
		"bad token":            {answered(401), 1, 1, 0, "", ""},
		"bot not known":        {answered(404), 1, 1, 0, "", ""},
		"challenge":            {aggregate.Outcome{List: list, Op: lists.Posts, Status: 403, Page: true}, 1, 1, 0, "", ""},
		"too many":             {answered(429), 1, 1, 0, "", ""},
		"moved":                {answered(301), 1, 1, 0, "3xx", "Answered 301 Moved Permanently"},
		"broken":               {answered(503), 1, 1, 0, "5xx", "Answered 503 Service Unavailable"},
		"odd status":           {answered(999), 1, 1, 0, "5xx", "Answered 999"},
		"timeout":              {timedOut, 1, 0, 0, "timeout", "Timeout after 10s"},
		"refused connection":   {failed(lists.FaultRefused, "Connection refused"), 1, 0, 0, "refused", "Connection refused"},
		"reset":                {failed(lists.FaultReset, "Connection reset"), 1, 0, 0, "reset", "Connection reset"},
		"cut short":            {failed(lists.FaultCutShort, "Answer cut short"), 1, 0, 0, "cut_short", "Answer cut short"},
		"DNS":                  {failed(lists.FaultDNS, "No such host"), 1, 0, 0, "dns", "No such host"},
		"TLS":                  {failed(lists.FaultTLS, "TLS failed"), 1, 0, 0, "tls", "TLS failed"},
		"too large":            {failed(lists.FaultTooLarge, "Answer larger than 512 KiB"), 1, 0, 0, "too_large", "Answer larger than 512 KiB"},
		"redirect":             {failed(lists.FaultRedirect, "More than 5 redirects"), 1, 0, 0, "redirect", "More than 5 redirects"},
		"not HTTP":             {failed(lists.FaultProtocol, "Answer is not\nHTTP"), 1, 0, 0, "protocol", "Answer is not HTTP"},
		"open circuit":         {failed(lists.FaultCircuit, "Circuit open"), 1, 0, 0, "circuit", "none"},
		"long reason":          {failed(lists.FaultReset, strings.Repeat("ä", 300)), 1, 0, 0, "reset", strings.Repeat("ä", 100)},
		"caller hung up":       {failed(lists.FaultCanceled, "Canceled"), 0, 0, 0, "", ""},
		"no room":              {failed(lists.FaultBusy, "Busy"), 0, 0, 0, "", ""},
		"no memory":            {failed(lists.FaultMemory, "No memory"), 0, 0, 0, "", ""},
		"request not made":     {failed(lists.FaultOther, "bad header"), 0, 0, 0, "", ""},
		"our panic":            {failed(lists.FaultPanic, "panic"), 0, 0, 0, "", ""},
		"held back":            {aggregate.Outcome{List: list, Op: lists.Posts, Kind: "Paced"}, 0, 0, 0, "", ""},
		"id that nobody takes": {aggregate.Outcome{List: "a b", Op: lists.Posts, Status: 200}, 0, 0, 0, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, nil)
			f.see(tt.outcome, 1)
			check := func(what string, l health.List) {
				fault := ""
				if len(l.Faults) == 1 {
					fault = l.Faults[0].Kind
				}
				if l.Calls != tt.calls || l.Answers != tt.answers || l.Successes != tt.successes || fault != tt.fault || l.Day.Calls != tt.calls {
					t.Errorf("%s: %d calls, %d answers, %d successes, fault %q; want %d, %d, %d, %q", what, l.Calls, l.Answers, l.Successes, fault, tt.calls, tt.answers, tt.successes, tt.fault)
				}
				if reason := l.LastFailure.Reason(); tt.reason == "none" != l.LastFailure.At.IsZero() && tt.reason != "" || tt.reason != "none" && reason != tt.reason {
					t.Errorf("%s: failed at %s because %q, want %q", what, l.LastFailure.At, reason, tt.reason)
				}
			}
			check("before it is written", f.List(list))
			f.Write(t.Context())
			check("after", f.List(list))
			check("at another replica", f.again(t).List(list))
			if r := f.Recording(); r.Pending != 0 {
				t.Errorf("%d are pending after the write", r.Pending)
			}
		})
	}
}

func TestUptime(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	f.during(60*24*time.Hour, time.Hour, timedOut) // two months of nothing else
	f.Write(t.Context())
	f.during(3*24*time.Hour, 30*time.Minute, answered(200))
	f.during(6*time.Hour, 30*time.Minute, answered(500))
	f.Advance(-time.Minute)
	f.Write(t.Context())
	for what, l := range map[string]health.List{"known": f.List(list), "read again": f.again(t).List(list)} {
		// 36 of 48 in a day; 144 of 90 + 144 + 12 in a week of 168 hours; 144 of all in 90 days
		if d, w, q := percent(l.Day), percent(l.Week), percent(l.Quarter); d != "75.00%" || w != "58.54%" || q != "9.02%" {
			t.Errorf("%s: %s in 24 hours (%+v), %s in 7 days (%+v), %s in 90 days (%+v)", what, d, l.Day, w, l.Week, q, l.Quarter)
		}
		if len(l.Hours) != 24 || len(l.Days) != 90 || !l.Hours[23].From.Equal(store.Hours.Begin(f.Now())) || !l.Days[89].From.Equal(store.Days.Begin(f.Now())) {
			t.Errorf("%s: %d hours, %d days, want 24 and 90 until now", what, len(l.Hours), len(l.Days))
		}
		if percent(l.Days[0]) != "none" || percent(l.Hours[23]) != "0.00%" || percent(l.Hours[0]) != "100.00%" {
			t.Errorf("%s: first day %s, first hour %s, last hour %s; want none, 100, 0", what, percent(l.Days[0]), percent(l.Hours[0]), percent(l.Hours[23]))
		}
	}
}

func TestOperationsAddUp(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	f.see(answered(200), 3)
	read := answered(502)
	read.Op = lists.Readings
	f.see(read, 1)
	f.see(aggregate.Outcome{List: "other.example", Op: lists.Readings, Status: 200}, 1)
	f.Write(t.Context())
	f.circuits = []health.Circuit{{List: list}, {List: list, Open: true}, {List: "other.example"}}
	all := f.Lists("other.example", list, "unknown.example")
	if l := all[1]; l.ID != list || l.Calls != 4 || l.Successes != 3 || percent(l.Day) != "75.00%" || l.Circuit != health.CircuitOpen {
		t.Errorf("%+v, want 4 calls, 3 successes, an open circuit", l)
	}
	if l := all[0]; l.Calls != 1 || l.Circuit != health.CircuitHalfOpen {
		t.Errorf("%+v, want 1 call, a half-open circuit", l)
	}
	if l := all[2]; l.Calls != 0 || l.Circuit != health.CircuitClosed || percent(l.Quarter) != "none" || len(l.Words()) != 0 {
		t.Errorf("%+v, want nothing", l)
	}
}

func TestLatency(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	for ms := 1; ms <= 1000; ms++ {
		o := answered(200)
		o.Took = time.Duration(ms) * time.Millisecond
		f.see(o, 1)
	}
	f.see(timedOut, 500) // are no answers
	l := f.List(list)
	if l.P50 < 480*time.Millisecond || l.P50 > 520*time.Millisecond || l.P95 < 930*time.Millisecond || l.P95 > 970*time.Millisecond {
		t.Errorf("p50 %s, p95 %s; want about 500 ms and 950 ms", l.P50, l.P95)
	}
	slow := answered(200)
	slow.Took = time.Hour
	f.see(slow, 3000)
	if l := f.List(list); l.P95 != 10*time.Second {
		t.Errorf("p95 %s, want 10 s, where the histogram ends", l.P95)
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		do   func(f *fixture) // from 12:00
		want []string
	}{
		"well": {func(f *fixture) { f.during(2*time.Hour, time.Minute, answered(200)) }, nil},
		"down and back": {func(f *fixture) {
			f.during(2*time.Hour+2*time.Minute, time.Minute, answered(200))
			f.during(98*time.Minute, time.Minute, timedOut)
			f.during(20*time.Minute, time.Minute, answered(200))
		}, []string{"down 14:02 to 15:39, 98 of 100 calls timed out"}},
		"down still": {func(f *fixture) {
			f.during(time.Hour, time.Minute, answered(200))
			f.during(30*time.Minute, time.Minute, failed(lists.FaultRefused, "Connection refused"))
		}, []string{"down since 13:00, 30 of 30 calls found no connection"}},
		"held back while down": {func(f *fixture) {
			f.see(timedOut, 5)
			f.see(failed(lists.FaultCircuit, "Circuit open"), 200)
		}, []string{"down since 12:00, 205 of 205 calls timed out"}},
		"several kinds": {func(f *fixture) {
			f.see(timedOut, 5)
			f.see(answered(500), 4)
			f.see(answered(200), 1)
		}, []string{"down since 12:00, 9 of 10 calls failed, most of them timed out"}},
		"twice": {func(f *fixture) {
			f.during(10*time.Minute, time.Minute, answered(502))
			f.during(time.Hour, time.Minute, answered(200))
			f.during(10*time.Minute, time.Minute, timedOut)
			f.during(time.Hour, time.Minute, answered(200))
		}, []string{"down 12:00 to 12:09, 10 of 10 calls were answered with a server error", "down 13:10 to 13:19, 10 of 10 calls timed out"}},
		"a few faults are no outage": {func(f *fixture) { f.see(timedOut, 2) }, nil},
		"faults here and there":      {func(f *fixture) { f.see(timedOut, 40); f.see(answered(200), 60) }, nil},
		"quiet":                      {func(f *fixture) { f.see(answered(200), 1); f.Advance(3*time.Hour + 59*time.Minute) }, []string{"no traffic for 3 hours"}},
		"quiet for an hour":          {func(f *fixture) { f.see(answered(200), 1); f.Advance(time.Hour) }, []string{"no traffic for 1 hour"}},
		"not quiet yet":              {func(f *fixture) { f.see(answered(200), 1); f.Advance(time.Hour - time.Second) }, nil},
		"quiet for a day":            {func(f *fixture) { f.see(answered(200), 1); f.Advance(24 * time.Hour) }, nil},
		"down, then quiet": {func(f *fixture) {
			f.see(timedOut, 3)
			f.Advance(2 * time.Hour)
		}, []string{"down at 12:00, 3 of 3 calls timed out", "no traffic for 2 hours"}},
		"long ago": {func(f *fixture) { f.see(timedOut, 30); f.Advance(25 * time.Hour); f.see(answered(200), 1) }, nil},
		"probes": {func(f *fixture) {
			f.see(answered(200), 3)
			o := answered(200)
			o.Probe = true
			f.see(o, 2)
		}, []string{"2 of 5 calls in 24 hours were probes"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, nil)
			tt.do(f)
			before := f.List(list).Words()
			f.Write(t.Context())
			for what, got := range map[string][]string{"before the write": before, "after it": f.List(list).Words(), "read again": f.again(t).List(list).Words()} {
				if !slices.Equal(got, tt.want) {
					t.Errorf("%s: %q, want %q", what, got, tt.want)
				}
			}
		})
	}
}

// outage is a store that is away when told, and that can lose its answers.
type outage struct {
	store.Outcomes
	mu         sync.Mutex
	away, mute bool
}

func (o *outage) set(away, mute bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.away, o.mute = away, mute
}

func (o *outage) Add(ctx context.Context, b store.OutcomeBatch) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.away {
		return store.ErrAway
	}
	if err := o.Outcomes.Add(ctx, b); err != nil || !o.mute {
		return err
	}
	return errors.New("the answer is lost")
}

// TestStoreAway wants every outcome to be counted exactly once, whatever becomes
// of the store.
func TestStoreAway(t *testing.T) {
	t.Parallel()
	away := &outage{Outcomes: store.NewMemory(store.MemoryOptions{}).Outcomes()}
	f := newFixture(t, away)
	want := int64(0)
	check := func(what string) {
		t.Helper()
		if l := f.List(list); l.Calls != want {
			t.Errorf("%s: %d calls, want %d", what, l.Calls, want)
		}
	}
	for _, step := range []struct {
		what       string
		away, mute bool
	}{{"well", false, false}, {"away", true, false}, {"away still", true, false}, {"mute", false, true}, {"mute still", false, true}, {"back", false, false}, {"well again", false, false}} {
		away.set(step.away, step.mute)
		f.see(answered(200), 7)
		want += 7
		check(step.what)
		f.Write(t.Context())
		check(step.what + ", after a write")
		f.Advance(10 * time.Second)
	}
	if l := f.again(t).List(list); l.Calls != want {
		t.Errorf("the store has %d calls, want %d", l.Calls, want)
	}
}

// TestBounded wants what waits for a store that is away to be bounded.
func TestBounded(t *testing.T) {
	t.Parallel()
	away := &outage{Outcomes: store.NewMemory(store.MemoryOptions{}).Outcomes(), away: true}
	f := newFixture(t, away)
	for n := range 3 * store.MaxEntries {
		f.see(aggregate.Outcome{List: fmt.Sprintf("list-%d.example", n), Op: lists.Posts, Status: 200}, 1)
		if n%500 == 0 {
			f.Write(t.Context())
		}
	}
	r := f.Recording()
	if r.Pending > 2*store.MaxEntries || int64(r.Pending)+r.Dropped != 3*store.MaxEntries {
		t.Errorf("%d pending, %d dropped; want at most %d pending, and %d in all", r.Pending, r.Dropped, 2*store.MaxEntries, 3*store.MaxEntries)
	}
}

// TestRun wants the last outcomes to be written when the Recorder ends.
func TestRun(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { f.Run(ctx); close(ended) }()
	f.see(answered(200), 3)
	cancel()
	testkit.Receive(t, "the end", ended)
	if l := f.again(t).List(list); l.Calls != 3 {
		t.Errorf("the store has %d calls, want 3", l.Calls)
	}
}

// TestReplicas wants each replica to see what the others saw.
func TestReplicas(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	other := f.again(t)
	var all sync.WaitGroup
	for _, r := range []*fixture{f, other} {
		all.Go(func() {
			for range 20 {
				r.see(answered(200), 50)
				r.Write(t.Context())
			}
		})
	}
	all.Wait()
	for _, r := range []*fixture{f, other} {
		r.Write(t.Context())
		if l := r.List(list); l.Calls != 2000 {
			t.Errorf("%d calls, want 2000", l.Calls)
		}
	}
}

func BenchmarkObserve(b *testing.B) {
	r := health.New(health.Config{Store: store.NewMemory(store.MemoryOptions{}).Outcomes()})
	b.ReportAllocs()
	o := answered(200)
	for b.Loop() {
		r.Observe(b.Context(), o)
	}
}

// BenchmarkLists measures the report of 60 lists that were busy for a week.
func BenchmarkLists(b *testing.B) {
	f := newFixture(b, nil)
	var ids []string
	for n := range 60 {
		ids = append(ids, fmt.Sprintf("list-%d.example", n))
	}
	for range 7 * 24 * 12 {
		for _, id := range ids {
			o := answered(200)
			o.List = id
			f.see(o, 1)
		}
		f.Write(b.Context())
		f.Advance(5 * time.Minute)
	}
	b.ReportAllocs()
	for b.Loop() {
		f.Lists(ids...)
	}
}

// TestState follows a list through its states.
func TestState(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	want := func(when string, want health.State) {
		t.Helper()
		if got := f.List(list).State(); got != want {
			t.Errorf("%s: got state %d, want %d", when, got, want)
		}
	}
	want("before any call", health.StateUnasked)
	f.see(answered(200), 30)
	want("after answers", health.StateWell)
	f.see(timedOut, 1)
	want("one fault of 31", health.StateWell)
	f.see(timedOut, 5)
	want("six faults of 36", health.StateTroubled)
	f.circuits = []health.Circuit{{List: list, Open: true}}
	want("with an open circuit", health.StateDown)
	f.circuits = nil
	f.see(timedOut, 60)
	f.Advance(10 * time.Minute)
	want("while it lasts", health.StateDown)
	f.see(answered(200), 100)
	f.Advance(time.Minute)
	want("once it is over", health.StateTroubled)
	f.Advance(time.Hour)
	want("without a call for an hour", health.StateQuiet)
	f.see(answered(200), 1)
	want("asked again", health.StateWell)
	f.Advance(30 * time.Hour)
	want("a day later", health.StateUnasked)
}

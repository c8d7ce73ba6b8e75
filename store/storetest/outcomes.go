package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"aggregator/internal/testkit"
	"aggregator/store"
)

// outcomeSuite is the outcomes of one empty store, with its clock.
type outcomeSuite struct {
	*testing.T
	*testkit.Clock
	store.Outcomes
	store store.Store
}

// Outcomes runs the suite of [store.Outcomes]. open returns an empty store that
// reads the clock it is given, and closes it when the test ends.
func Outcomes(t *testing.T, open func(t *testing.T, clock *testkit.Clock) store.Store) {
	for name, test := range map[string]func(outcomeSuite){
		"outcomes add up":        outcomesAddUp,
		"lists and operations":   outcomesApart,
		"latest":                 latestOutcomes,
		"batch added twice":      batchTwice,
		"what is asked for":      outcomesAskedFor,
		"what is too old":        outcomesTooOld,
		"added at once":          outcomesAtOnce,
		"large batch":            largeBatch,
		"bounds":                 outcomesBounded,
		"bad arguments":          badOutcomes,
		"context that has ended": outcomesEndedContext,
		"closed":                 outcomesClosed,
	} {
		t.Run(name, func(t *testing.T) {
			clock := testkit.NewClock()
			st := open(t, clock)
			test(outcomeSuite{t, clock, st.Outcomes(), st})
		})
	}
}

// outcome is what became of some calls of posts to a list: all of them answered.
func outcome(list string, at time.Time, calls int64) store.OutcomeEntry {
	e := store.OutcomeEntry{OutcomeID: store.OutcomeID{List: list, Op: "posts"}, Slot: store.Slots.Begin(at)}
	e.Tally[store.FigureCalls], e.Tally[store.FigureAnswers] = calls, calls
	e.Call = at
	return e
}

func (s outcomeSuite) add(entries ...store.OutcomeEntry) {
	s.Helper()
	if err := s.Add(s.Context(), store.OutcomeBatch{ID: store.NewHolder(), Entries: entries}); err != nil {
		s.Fatal(err)
	}
}

func (s outcomeSuite) all() store.OutcomeQuery {
	long := s.Now().Add(-1000 * 24 * time.Hour)
	return store.OutcomeQuery{Slots: long, Hours: long, Days: long, Until: s.Now()}
}

func (s outcomeSuite) load(q store.OutcomeQuery) []store.OutcomeSeries {
	s.Helper()
	all, err := s.Load(s.Context(), q)
	if err != nil {
		s.Fatal(err)
	}
	return all
}

// one returns the one series that there is.
func (s outcomeSuite) one(q store.OutcomeQuery) store.OutcomeSeries {
	s.Helper()
	all := s.load(q)
	if len(all) != 1 {
		s.Fatalf("%d series, want 1", len(all))
	}
	return all[0]
}

// periods are periods as a test reads them: when they begin, and how many calls
// there were.
func periods(all []store.OutcomePeriod) (text string) {
	for _, p := range all {
		text += fmt.Sprintf("%s=%d ", p.From.UTC().Format("02T15:04"), p.Tally[store.FigureCalls])
	}
	return text
}

func (s outcomeSuite) want(what, got, want string) {
	s.Helper()
	if got != want {
		s.Errorf("%s: %q, want %q", what, got, want)
	}
}

func outcomesAddUp(s outcomeSuite) {
	first, second := outcome("list.example", s.Now(), 3), outcome("list.example", s.Now(), 4)
	first.Fault(2, s.Now().Add(time.Minute))
	first.Took(30 * time.Millisecond)
	second.Fault(2, s.Now().Add(3*time.Minute))
	second.Fault(15, s.Now().Add(2*time.Minute))
	second.Took(time.Minute)
	second.Tally[store.FigureSuccesses], second.Tally[store.FigureProbes] = 1<<40, 2
	s.add(first)
	s.add(second)
	s.add(outcome("list.example", s.Now().Add(5*time.Minute), 1), outcome("list.example", s.Now().Add(time.Hour), 10))
	s.Advance(time.Hour)
	got := s.one(s.all())
	s.want("slots", periods(got.Slots), "22T12:00=7 22T12:05=1 22T13:00=10 ")
	s.want("hours", periods(got.Hours), "22T12:00=8 22T13:00=10 ")
	s.want("days", periods(got.Days), "22T00:00=18 ")
	want := first.Tally
	want.Add(&second.Tally)
	if got.Slots[0].Tally != want {
		s.Errorf("slot: %s, want %s", got.Slots[0].Tally, want)
	}
	noon := s.Now().Add(-time.Hour)
	if f, l := want.FirstFault(), want.LastFault(); !f.Equal(noon.Add(time.Minute)) || !l.Equal(noon.Add(3*time.Minute)) {
		s.Errorf("first fault at %s, last at %s; want a minute and three after noon", f, l)
	}
	hour := got.Hours[0].Tally
	if hour.Faults() != 3 || hour[store.FigureSuccesses] != 1<<40 || !hour.FirstFault().IsZero() {
		s.Errorf("hour: %s, want 3 faults, 2^40 successes, and no time of the first fault", hour)
	}
}

func outcomesApart(s outcomeSuite) {
	read := outcome("b.example", s.Now(), 2)
	read.Op = "readings"
	s.add(read, outcome("c.example", s.Now(), 3), outcome("b.example", s.Now(), 1))
	s.add(outcome("a.example", s.Now(), 4), read)
	var text strings.Builder
	for _, o := range s.load(s.all()) {
		text.WriteString(o.List + " " + o.Op + " " + periods(o.Hours))
	}
	s.want("series", text.String(), "a.example posts 22T12:00=4 b.example posts 22T12:00=1 b.example readings 22T12:00=4 c.example posts 22T12:00=3 ")
}

func latestOutcomes(s outcomeSuite) {
	at := func(d time.Duration) time.Time { return s.Now().Add(d).UTC() }
	with := func(call, success time.Duration, f store.Failure) store.OutcomeEntry {
		e := outcome("list.example", s.Now(), 1)
		e.Call = at(call)
		if success != 0 {
			e.Success = at(success)
		}
		e.Failure = f
		return e
	}
	want := func(call, success time.Time, f store.Failure) {
		s.Helper()
		got := s.one(store.OutcomeQuery{Until: s.Now()}).Latest
		if !got.Call.Equal(call) || !got.Success.Equal(success) || !got.Failure.At.Equal(f.At) ||
			got.Failure.Kind != f.Kind || got.Failure.Status != f.Status || got.Failure.Detail != f.Detail {
			s.Errorf("latest: %+v, want call %s, success %s, failure %+v", got, call, success, f)
		}
	}
	s.add(with(time.Millisecond, 0, store.Failure{}))
	want(at(time.Millisecond), time.Time{}, store.Failure{})
	first := store.Failure{At: at(4 * time.Second), Kind: 9, Detail: `Timeout after 10s: "10 of 10 : 3"`}
	s.add(with(5*time.Second, 3*time.Second, first))
	want(at(5*time.Second), at(3*time.Second), first)
	s.add(with(4*time.Second, 2*time.Second, store.Failure{At: at(3 * time.Second), Kind: 1, Status: 502})) // another replica's, late
	want(at(5*time.Second), at(3*time.Second), first)
	last := store.Failure{At: at(6 * time.Second), Kind: 0, Status: 503}
	s.add(with(7*time.Second, 0, last))
	want(at(7*time.Second), at(3*time.Second), last)
}

func batchTwice(s outcomeSuite) {
	b := store.OutcomeBatch{ID: store.NewHolder(), Entries: []store.OutcomeEntry{outcome("list.example", s.Now(), 3)}}
	for range 3 {
		if err := s.Add(s.Context(), b); err != nil {
			s.Fatal(err)
		}
	}
	s.add(outcome("list.example", s.Now(), 1))
	s.want("hours", periods(s.one(s.all()).Hours), "22T12:00=4 ")
}

func outcomesAskedFor(s outcomeSuite) {
	for range 30 {
		s.add(outcome("list.example", s.Now(), 1))
		s.Advance(time.Hour)
	}
	now := s.Now() // the 23rd, 18:00
	got := s.one(store.OutcomeQuery{Hours: now.Add(-150 * time.Minute), Until: now.Add(-time.Hour)})
	s.want("hours", periods(got.Hours), "23T16:00=1 23T17:00=1 ")
	if got.Slots != nil || got.Days != nil || got.Call.IsZero() {
		s.Errorf("%+v, want hours and the latest alone", got)
	}
	got = s.one(store.OutcomeQuery{Days: now.Add(-48 * time.Hour), Slots: now.Add(-time.Hour), Until: now})
	s.want("days", periods(got.Days), "22T00:00=12 23T00:00=18 ")
	s.want("slots", periods(got.Slots), "23T17:00=1 ")
}

func outcomesTooOld(s outcomeSuite) {
	s.add(outcome("list.example", s.Now(), 1))
	for _, after := range []struct {
		time.Duration
		slots, hours, days string
	}{
		{store.Slots.Kept() - time.Minute, "22T12:00=1 ", "22T12:00=1 ", "22T00:00=1 "},
		{time.Minute, "24T12:00=1 ", "22T12:00=1 24T12:00=1 ", "22T00:00=1 24T00:00=1 "},
		{store.Hours.Kept() - store.Slots.Kept(), "06T12:00=1 ", "24T12:00=1 06T12:00=1 ", "22T00:00=1 24T00:00=1 06T00:00=1 "},
		{store.Days.Kept() - store.Hours.Kept(), "27T12:00=1 ", "27T12:00=1 ", "24T00:00=1 06T00:00=1 27T00:00=1 "},
	} {
		s.Advance(after.Duration)
		if s.Now().Minute() == 0 {
			s.add(outcome("list.example", s.Now(), 1))
		}
		got := s.one(s.all())
		s.want("slots", periods(got.Slots), after.slots)
		s.want("hours", periods(got.Hours), after.hours)
		s.want("days", periods(got.Days), after.days)
	}
}

func outcomesAtOnce(s outcomeSuite) {
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 10 {
				s.add(outcome("list.example", s.Now(), 1), outcome("other.example", s.Now(), 2))
			}
		})
	}
	wg.Wait()
	for i, got := range s.load(s.all()) {
		want := fmt.Sprintf("22T12:00=%d ", 80*(i+1))
		s.want("slots", periods(got.Slots), want)
		s.want("hours", periods(got.Hours), want)
	}
}

func largeBatch(s outcomeSuite) {
	var all []store.OutcomeEntry
	for n := range 100 {
		for slot := range 40 {
			all = append(all, outcome(fmt.Sprintf("list-%03d.example", n), s.Now().Add(time.Duration(slot)*5*time.Minute), 1))
		}
	}
	s.add(all...)
	s.Advance(4 * time.Hour)
	found := s.load(s.all())
	if len(found) != 100 {
		s.Fatalf("%d series, want 100", len(found))
	}
	for _, o := range found {
		if len(o.Slots) != 40 || periods(o.Hours) != "22T12:00=12 22T13:00=12 22T14:00=12 22T15:00=4 " {
			s.Fatalf("%s: %d slots, hours %s", o.List, len(o.Slots), periods(o.Hours))
		}
	}
}

func outcomesBounded(s outcomeSuite) {
	for n := range store.MaxSeries + 3 {
		s.add(outcome(fmt.Sprintf("list-%03d.example", n), s.Now(), 1))
		if n == store.MaxSeries-1 { // used again, it stays
			s.Advance(time.Second)
			s.add(outcome("list-001.example", s.Now(), 1))
			s.Advance(time.Second)
		}
	}
	all := s.load(store.OutcomeQuery{Until: s.Now()})
	if len(all) != store.MaxSeries || all[0].List != "list-001.example" || all[1].List != "list-004.example" {
		s.Errorf("%d series, the first two %s and %s; want %d, list-001.example and list-004.example", len(all), all[0].List, all[1].List, store.MaxSeries)
	}
	s.add(outcome("list-000.example", s.Now(), 1)) // as if it had never been
	s.want("hours", periods(s.load(s.all())[0].Hours), "22T12:00=1 ")
}

func badOutcomes(s outcomeSuite) {
	good := outcome("list.example", s.Now(), 1)
	for name, change := range map[string]func(b *store.OutcomeBatch, e *store.OutcomeEntry){
		"no id":           func(b *store.OutcomeBatch, _ *store.OutcomeEntry) { b.ID = store.Key{} },
		"no list":         func(_ *store.OutcomeBatch, e *store.OutcomeEntry) { e.List = "" },
		"a blank":         func(_ *store.OutcomeBatch, e *store.OutcomeEntry) { e.Op = "a b" },
		"in the midst":    func(_ *store.OutcomeBatch, e *store.OutcomeEntry) { e.Slot = e.Slot.Add(time.Minute) },
		"no time":         func(_ *store.OutcomeBatch, e *store.OutcomeEntry) { e.Slot = time.Time{} },
		"negative":        func(_ *store.OutcomeBatch, e *store.OutcomeEntry) { e.Tally[3] = -1 },
		"unknown kind":    func(_ *store.OutcomeBatch, e *store.OutcomeEntry) { e.Failure.Kind = store.MaxFaultKinds },
		"detail of lines": func(_ *store.OutcomeBatch, e *store.OutcomeEntry) { e.Failure.Detail = "a\nb" },
		"detail that is too": func(_ *store.OutcomeBatch, e *store.OutcomeEntry) {
			e.Failure.Detail = string(make([]byte, store.MaxDetail+1))
		},
	} {
		b := store.OutcomeBatch{ID: store.NewHolder(), Entries: []store.OutcomeEntry{good, good}}
		change(&b, &b.Entries[1])
		if err := s.Add(s.Context(), b); err == nil {
			s.Errorf("%s: no error", name)
		}
	}
	if all := s.load(s.all()); len(all) != 0 {
		s.Errorf("%+v, want nothing", all)
	}
}

func (s outcomeSuite) calls(ctx context.Context, want error) {
	s.Helper()
	addErr := s.Add(ctx, store.OutcomeBatch{ID: store.NewHolder(), Entries: []store.OutcomeEntry{outcome("list.example", s.Now(), 1)}})
	_, loadErr := s.Load(ctx, s.all())
	for call, err := range map[string]error{"Add": addErr, "Load": loadErr} {
		if !errors.Is(err, want) {
			s.Errorf("%s: %v, want %v", call, err, want)
		}
	}
}

func outcomesEndedContext(s outcomeSuite) {
	ctx, cancel := context.WithCancel(s.Context())
	cancel()
	s.calls(ctx, context.Canceled)
	if all := s.load(s.all()); len(all) != 0 {
		s.Errorf("%+v, want nothing", all)
	}
}

func outcomesClosed(s outcomeSuite) {
	if err := s.store.Close(); err != nil {
		s.Fatal(err)
	}
	s.calls(s.Context(), store.ErrClosed)
}

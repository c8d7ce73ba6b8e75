package sqlite

import (
	"fmt"
	"os"
	"testing"
	"time"

	"aggregator/internal/testkit"
	"aggregator/store"
	"aggregator/store/storetest"
)

func TestOutcomes(t *testing.T) {
	storetest.Outcomes(t, func(t *testing.T, clock *testkit.Clock) store.Store {
		return reopen(t, file(t), options{now: clock.Now, elapsed: clock.Elapsed})
	})
}

// batch is a batch of one call to each list.
func batch(at time.Time, lists ...string) store.OutcomeBatch {
	b := store.OutcomeBatch{ID: store.NewHolder()}
	for _, list := range lists {
		e := store.OutcomeEntry{OutcomeID: store.OutcomeID{List: list, Op: "posts"}, Slot: store.Slots.Begin(at)}
		e.Tally[store.FigureCalls] = 1
		e.Fault(3, at)
		e.Call, e.Failure = at, store.Failure{At: at, Kind: 3, Detail: "Connection refused"}
		b.Entries = append(b.Entries, e)
	}
	return b
}

// shown is all outcomes of a store, as text.
func shown(t *testing.T, s *Store) (text string) {
	t.Helper()
	long := s.now().Add(-1000 * 24 * time.Hour)
	all, err := s.Outcomes().Load(t.Context(), store.OutcomeQuery{Slots: long, Hours: long, Days: long, Until: s.now()})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range all {
		text += fmt.Sprintf("%+v\n", o)
	}
	return text
}

func rowsOf(t *testing.T, s *Store, table string) (n int) {
	t.Helper()
	if err := s.file.db.QueryRow(`SELECT count(*) FROM ` + table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestReopenKeepsOutcomes(t *testing.T) {
	path, clock := file(t), testkit.NewClock()
	opts := options{now: clock.Now, elapsed: clock.Elapsed}
	s := reopen(t, path, opts)
	for range 5 {
		if err := s.Outcomes().Add(t.Context(), batch(clock.Now(), "a.example", "b.example")); err != nil {
			t.Fatal(err)
		}
		clock.Advance(time.Hour)
	}
	want := shown(t, s)
	s.Close()
	s = reopen(t, path, opts)
	if got := shown(t, s); got != want {
		t.Errorf("after reopening:\n%swant\n%s", got, want)
	}
	// What is added later is added to what was there.
	if err := s.Outcomes().Add(t.Context(), batch(clock.Now().Add(-time.Hour), "a.example")); err != nil {
		t.Fatal(err)
	}
	want = shown(t, s)
	s.Close()
	s = reopen(t, path, opts)
	if got := shown(t, s); got != want {
		t.Errorf("after reopening again:\n%swant\n%s", got, want)
	}
	clock.Advance(store.Hours.Kept())
	s.Close()
	s = reopen(t, path, opts)
	if n := rowsOf(t, s, "outcomes"); n != 2 {
		t.Errorf("%d rows, want one day for each list", n)
	}
}

// TestForgottenOutcomes wants rows to leave the file with what they are of, also
// where that comes again at once.
func TestForgottenOutcomes(t *testing.T) {
	path, clock := file(t), testkit.NewClock()
	opts := options{now: clock.Now, elapsed: clock.Elapsed}
	s := reopen(t, path, opts)
	if err := s.Outcomes().Add(t.Context(), batch(clock.Now(), "first.example")); err != nil {
		t.Fatal(err)
	}
	clock.Advance(2 * time.Hour)
	var names []string
	for n := range store.MaxSeries + 1 {
		names = append(names, fmt.Sprintf("list-%03d.example", n))
	}
	for _, all := range [][]string{names[1:], {names[0]}, {"first.example"}} {
		if err := s.Outcomes().Add(t.Context(), batch(clock.Now(), all...)); err != nil {
			t.Fatal(err)
		}
	}
	want := shown(t, s)
	if n := rowsOf(t, s, "outcomes"); n != 3*store.MaxSeries {
		t.Errorf("%d rows, want 3 for each of %d", n, store.MaxSeries)
	}
	s.Close()
	if got := shown(t, reopen(t, path, opts)); got != want {
		t.Error("after reopening outcomes are others")
	}
}

// TestFileGoneKeepsOutcomes removes the file under a store.
func TestFileGoneKeepsOutcomes(t *testing.T) {
	path, clock := file(t), testkit.NewClock()
	opts := options{now: clock.Now, elapsed: clock.Elapsed}
	s := reopen(t, path, opts)
	for range 2 {
		if err := s.Outcomes().Add(t.Context(), batch(clock.Now(), "a.example")); err != nil {
			t.Fatal(err)
		}
		clock.Advance(time.Hour)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := s.Outcomes().Add(t.Context(), batch(clock.Now(), "b.example")); err != nil {
		t.Fatal(err)
	}
	testkit.Wait(t, "the file is written anew", func() bool { return s.Health().OK() })
	want := shown(t, s)
	s.Close()
	if got := shown(t, reopen(t, path, opts)); got != want {
		t.Errorf("after reopening:\n%swant\n%s", got, want)
	}
}

func BenchmarkOutcomes(b *testing.B) {
	storetest.BenchmarkOutcomes(b, reopen(b, file(b), options{}).Outcomes())
}

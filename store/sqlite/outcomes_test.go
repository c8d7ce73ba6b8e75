package sqlite

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
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

// childAdds has a child add outcomes and counts of bots until it is killed.
const childAdds = "STORE_SQLITE_TEST_ADDS"

// addUntilKilled adds batches of two lists, and a count of two bots with each, and
// says how many.
func addUntilKilled(s *Store) {
	for n := 1; ; n++ {
		at := time.Now()
		hour := store.Hours.Begin(at).Add(time.Duration(n-1000) * time.Hour)
		err := s.Outcomes().Add(context.Background(), batch(at, "a.example", "b.example"))
		for _, bot := range []int{1, 2} {
			if err == nil {
				err = s.History().Put(context.Background(), store.BotCount{Bot: key(bot), CountPoint: store.CountPoint{Hour: hour, Count: int64(n)}})
			}
		}
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(n)
	}
}

// TestKilledWhileAdding kills a process in the midst of adding, again and again.
// What it said is there, and of a batch all or nothing.
func TestKilledWhileAdding(t *testing.T) {
	path, said := file(t), int64(0)
	for range 5 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childEnv+"="+path, childAdds+"=1")
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			if n == 10 {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := strconv.Atoi(lines.Text()); err != nil {
				t.Fatal(lines.Text())
			}
			said++
		}
		_ = cmd.Wait()
	}
	s := reopen(t, path, options{})
	now := time.Now()
	all, err := s.Outcomes().Load(t.Context(), store.OutcomeQuery{
		Slots: now.Add(-time.Hour), Hours: now.Add(-2 * time.Hour), Days: now.Add(-48 * time.Hour), Until: now,
	})
	if err != nil || len(all) != 2 {
		t.Fatalf("%+v, %v; want two lists", all, err)
	}
	var sums []int64
	for _, o := range all {
		for _, periods := range [][]store.OutcomePeriod{o.Slots, o.Hours, o.Days} {
			sum := int64(0)
			for _, p := range periods {
				sum += p.Tally[store.FigureCalls]
			}
			sums = append(sums, sum)
		}
	}
	for _, sum := range sums {
		if sum != sums[0] || sum < said || sum > said+5 { // one more of each child may be written, and not said
			t.Fatalf("calls by list and period are %d, want all alike, from %d to %d", sums, said, said+5)
		}
	}
	for _, bot := range []int{1, 2} {
		if points, err := s.History().Counts(t.Context(), key(bot)); err != nil || len(points) < 10 {
			t.Errorf("bot %d: %d points, %v; want 10 and more", bot, len(points), err)
		}
	}
}

func BenchmarkOutcomes(b *testing.B) {
	storetest.BenchmarkOutcomes(b, reopen(b, file(b), options{}).Outcomes())
}

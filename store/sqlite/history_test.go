package sqlite

import (
	"slices"
	"testing"
	"time"

	"aggregator/internal/testkit"
	"aggregator/store"
	"aggregator/store/storetest"
)

func TestHistory(t *testing.T) {
	storetest.History(t, func(t *testing.T, clock *testkit.Clock) store.Store {
		return reopen(t, file(t), options{now: clock.Now, elapsed: clock.Elapsed, histories: storetest.HistoryBounds.Bots})
	})
}

func TestReopenKeepsHistory(t *testing.T) {
	path, clock := file(t), testkit.NewClock()
	opts := options{now: clock.Now, elapsed: clock.Elapsed}
	s := reopen(t, path, opts)
	var want []store.CountPoint
	for n := range 5 {
		p := store.CountPoint{Hour: store.Hours.Begin(clock.Now()).UTC(), Count: int64(n)}
		want = append(want, p)
		if err := s.History().Put(t.Context(), store.BotCount{Bot: key(1), CountPoint: p}); err != nil {
			t.Fatal(err)
		}
		s.Close()
		clock.Advance(time.Hour)
		s = reopen(t, path, opts)
	}
	if got, err := s.History().Counts(t.Context(), key(1)); err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
	s.Close()
	clock.Advance(store.HistoryTTL)
	if n := rowsOf(t, reopen(t, path, opts), "histories"); n != 0 {
		t.Errorf("%d histories that are over, want none", n)
	}
}

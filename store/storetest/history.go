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

// HistoryBounds are those of the stores that the suite of [History] runs on.
var HistoryBounds = store.HistoryBounds{Bots: 250, Bytes: 1 << 20}

// historySuite is the history of one empty store, with its clock.
type historySuite struct {
	*testing.T
	*testkit.Clock
	store.History
	store store.Store
}

// History runs the suite of [store.History]. open returns an empty store that has
// HistoryBounds and reads the clock it is given, and closes it when the test ends.
func History(t *testing.T, open func(t *testing.T, clock *testkit.Clock) store.Store) {
	for name, test := range map[string]func(historySuite){
		"put and counts":         putAndCounts,
		"bots apart":             historiesApart,
		"what stays the same":    sameCounts,
		"what is old":            oldCounts,
		"at once":                historyAtOnce,
		"many bots":              manyHistories,
		"bad arguments":          badCounts,
		"context that has ended": historyEndedContext,
		"closed":                 historyClosed,
	} {
		t.Run(name, func(t *testing.T) {
			clock := testkit.NewClock()
			st := open(t, clock)
			test(historySuite{t, clock, st.History(), st})
		})
	}
}

// put puts a count of an hour that is so many hours from now.
func (s historySuite) put(bot store.Key, hours int, count int64) {
	s.Helper()
	if err := s.Put(s.Context(), store.BotCount{Bot: bot, CountPoint: s.point(hours, count)}); err != nil {
		s.Fatal(err)
	}
}

func (s historySuite) point(hours int, count int64) store.CountPoint {
	return store.CountPoint{Hour: store.Hours.Begin(s.Now()).Add(time.Duration(hours) * time.Hour), Count: count}
}

func (s historySuite) want(bot store.Key, want string) {
	s.Helper()
	points, err := s.Counts(s.Context(), bot)
	if err != nil {
		s.Fatal(err)
	}
	var got strings.Builder
	for _, p := range points {
		fmt.Fprintf(&got, "%d=%d ", int(p.Hour.Sub(store.Hours.Begin(s.Now()))/time.Hour), p.Count)
	}
	if got.String() != want {
		s.Errorf("history %q, want %q", got.String(), want)
	}
}

func putAndCounts(s historySuite) {
	s.want(alice, "")
	s.put(alice, 0, 5)
	s.put(alice, 2, store.MaxCount)
	s.put(alice, 1, 0) // another replica's, late
	s.want(alice, "0=5 1=0 2=9007199254740991 ")
	s.put(alice, 1, 7) // the later call counts
	s.put(alice, -1, 1)
	s.want(alice, "-1=1 0=5 1=7 2=9007199254740991 ")
}

func historiesApart(s historySuite) {
	counts := []store.BotCount{
		{Bot: alice, CountPoint: s.point(0, 1)}, {Bot: bob, CountPoint: s.point(0, 2)}, {Bot: alice, CountPoint: s.point(1, 3)},
	}
	if err := s.Put(s.Context(), counts...); err != nil {
		s.Fatal(err)
	}
	s.want(alice, "0=1 1=3 ")
	s.want(bob, "0=2 ")
	s.want(store.Key{5}, "")
}

func sameCounts(s historySuite) {
	for hour := range 100 {
		s.put(alice, hour, 5)
	}
	s.want(alice, "0=5 99=5 ")
	s.put(alice, 100, 6)
	s.put(alice, 101, 5)
	s.want(alice, "0=5 99=5 100=6 101=5 ")
}

func oldCounts(s historySuite) {
	var counts []store.BotCount
	for hour := range 91 * 24 {
		counts = append(counts, store.BotCount{Bot: alice, CountPoint: s.point(hour, int64(hour))})
	}
	if err := s.Put(s.Context(), counts...); err != nil {
		s.Fatal(err)
	}
	points, err := s.Counts(s.Context(), alice)
	if err != nil {
		s.Fatal(err)
	}
	if n := len(points); n < 7*24+83*4-2 || n > 7*24+83*4+2 {
		s.Errorf("%d points, want one an hour for a week, and four a day for 83 days", n)
	}
	if span := points[len(points)-1].Hour.Sub(points[0].Hour); span >= store.HistoryTTL || span < store.HistoryTTL-6*time.Hour {
		s.Errorf("points of %s, want 90 days", span)
	}
	for i, p := range points {
		if want := int64(p.Hour.Sub(store.Hours.Begin(s.Now())) / time.Hour); p.Count != want || i > 0 && !p.Hour.After(points[i-1].Hour) {
			s.Fatalf("point %d: %d at %s, want %d", i, p.Count, p.Hour, want)
		}
	}
}

func historyAtOnce(s historySuite) {
	var wg sync.WaitGroup
	for worker := range 6 {
		wg.Go(func() {
			for n := range 10 {
				hour := 6*n + worker
				s.put(alice, hour, int64(hour))
			}
		})
	}
	wg.Wait()
	var want strings.Builder
	for hour := range 60 {
		fmt.Fprintf(&want, "%d=%d ", hour, hour)
	}
	s.want(alice, want.String())
}

func manyHistories(s historySuite) {
	bot := func(n int) store.Key { return store.Key{0: 9, 1: byte(n), 2: byte(n >> 8)} }
	var counts []store.BotCount
	for n := range HistoryBounds.Bots {
		counts = append(counts, store.BotCount{Bot: bot(n), CountPoint: s.point(n/10, int64(n))})
	}
	if err := s.Put(s.Context(), counts...); err != nil {
		s.Fatal(err)
	}
	s.want(bot(0), "0=0 ")
	s.put(bot(0), 100, 1) // counted again, it stays
	for n := range 9 {
		s.put(bot(1000+n), 101, 1)
	}
	s.want(bot(0), "0=0 100=1 ")
	for n := 1; n < 10; n++ {
		s.want(bot(n), "")
	}
	s.want(bot(10), "1=10 ")
	s.want(bot(HistoryBounds.Bots-1), fmt.Sprintf("%d=%d ", (HistoryBounds.Bots-1)/10, HistoryBounds.Bots-1))
	s.want(bot(1008), "101=1 ")
}

func badCounts(s historySuite) {
	good := store.BotCount{Bot: alice, CountPoint: s.point(0, 1)}
	for name, bad := range map[string]store.CountPoint{
		"negative":       s.point(0, -1),
		"too large":      s.point(0, store.MaxCount+1),
		"no time":        {Count: 1},
		"within an hour": {Hour: s.Now().Add(time.Minute), Count: 1},
	} {
		if err := s.Put(s.Context(), good, store.BotCount{Bot: alice, CountPoint: bad}); err == nil {
			s.Errorf("%s: no error", name)
		}
	}
	s.want(alice, "")
}

func (s historySuite) calls(ctx context.Context, want error) {
	s.Helper()
	putErr := s.Put(ctx, store.BotCount{Bot: alice, CountPoint: s.point(0, 1)})
	_, countsErr := s.Counts(ctx, alice)
	for call, err := range map[string]error{"Put": putErr, "Counts": countsErr} {
		if !errors.Is(err, want) {
			s.Errorf("%s: %v, want %v", call, err, want)
		}
	}
}

func historyEndedContext(s historySuite) {
	ctx, cancel := context.WithCancel(s.Context())
	cancel()
	s.calls(ctx, context.Canceled)
	s.want(alice, "")
}

func historyClosed(s historySuite) {
	if err := s.store.Close(); err != nil {
		s.Fatal(err)
	}
	s.calls(s.Context(), store.ErrClosed)
}

package redis

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"aggregator/internal/testkit"
	"aggregator/store"
	"aggregator/store/storetest"
)

func TestHistory(t *testing.T) {
	srv := startServer(t)
	db := 0
	storetest.History(t, func(t *testing.T, clock *testkit.Clock) store.Store {
		db++
		return openURL(t, fmt.Sprintf("redis://%s/%d", srv.addr, db),
			options{now: clock.Now, elapsed: clock.Elapsed, told: steady(clock), histories: storetest.HistoryBounds.Bots})
	})
}

// TestReplicasShareHistory has replicas count one bot at once.
func TestReplicasShareHistory(t *testing.T) {
	srv := startServer(t)
	replicas := []*Store{srv.open(), srv.open(), srv.open()}
	hour := store.Hours.Begin(time.Now())
	var wg sync.WaitGroup
	for i := range 30 {
		wg.Go(func() {
			c := store.BotCount{Bot: key(1), CountPoint: store.CountPoint{Hour: hour.Add(-time.Duration(i) * time.Hour), Count: int64(i)}}
			if err := replicas[i%3].History().Put(t.Context(), c); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, s := range replicas {
		if points, err := s.History().Counts(t.Context(), key(1)); err != nil || len(points) != 30 {
			t.Errorf("%d points, %v; want 30", len(points), err)
		}
	}
}

func TestAwayHistory(t *testing.T) {
	srv := startServer(t)
	s := srv.open()
	srv.kill()
	testkit.Wait(t, "the loss is noticed", func() bool { return !s.Health().OK() })
	putErr := s.History().Put(t.Context(), store.BotCount{Bot: key(1), CountPoint: store.CountPoint{Hour: store.Hours.Begin(time.Now())}})
	_, countsErr := s.History().Counts(t.Context(), key(1))
	for call, err := range map[string]error{"Put": putErr, "Counts": countsErr} {
		if !errors.Is(err, store.ErrAway) {
			t.Errorf("%s: %v, want ErrAway", call, err)
		}
	}
}

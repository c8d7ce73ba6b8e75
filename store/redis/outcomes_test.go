package redis

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"aggregator/internal/testkit"
	"aggregator/store"
	"aggregator/store/storetest"
)

func TestOutcomes(t *testing.T) {
	srv := startServer(t)
	db := 0
	storetest.Outcomes(t, func(t *testing.T, clock *testkit.Clock) store.Store {
		db++
		return openURL(t, fmt.Sprintf("redis://%s/%d", srv.addr, db), options{now: clock.Now, elapsed: clock.Elapsed, told: steady(clock)})
	})
}

// batch is a batch of one call.
func batch(at time.Time) store.OutcomeBatch {
	e := store.OutcomeEntry{OutcomeID: store.OutcomeID{List: "list.example", Op: "posts"}, Slot: store.Slots.Begin(at)}
	e.Tally[store.FigureCalls] = 1
	e.Call = at
	return store.OutcomeBatch{ID: store.NewHolder(), Entries: []store.OutcomeEntry{e}}
}

// TestReplicasAddUp has replicas add to the same at once.
func TestReplicasAddUp(t *testing.T) {
	srv := startServer(t)
	replicas := []*Store{srv.open(), srv.open(), srv.open()}
	now := time.Now()
	var wg sync.WaitGroup
	for i := range 30 {
		wg.Go(func() {
			if err := replicas[i%3].Outcomes().Add(t.Context(), batch(now)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, s := range replicas {
		all, err := s.Outcomes().Load(t.Context(), store.OutcomeQuery{Days: now.Add(-24 * time.Hour), Until: now})
		if err != nil || len(all) != 1 || len(all[0].Days) != 1 || all[0].Days[0].Tally[store.FigureCalls] != 30 {
			t.Errorf("%+v, %v; want 30 calls", all, err)
		}
	}
}

func TestAwayOutcomes(t *testing.T) {
	srv := startServer(t)
	s := srv.open()
	srv.kill()
	testkit.Wait(t, "the loss is noticed", func() bool { return !s.Health().OK() })
	addErr := s.Outcomes().Add(t.Context(), batch(time.Now()))
	_, loadErr := s.Outcomes().Load(t.Context(), store.OutcomeQuery{Until: time.Now()})
	for call, err := range map[string]error{"Add": addErr, "Load": loadErr} {
		if !errors.Is(err, store.ErrAway) {
			t.Errorf("%s: %v, want ErrAway", call, err)
		}
	}
}

// TestOldOutcomesLeave wants rows that are too old to leave Redis, and not only
// answers.
func TestOldOutcomesLeave(t *testing.T) {
	srv, clock := startServer(t), testkit.NewClock()
	s := openURL(t, "redis://"+srv.addr, options{now: clock.Now, elapsed: clock.Elapsed, told: steady(clock)})
	for range 60 {
		if err := s.Outcomes().Add(t.Context(), batch(clock.Now())); err != nil {
			t.Fatal(err)
		}
		clock.Advance(time.Hour)
	}
	slots := 0
	fields, _ := srv.command("HKEYS", prefix+"outcomes:of:list.example posts").([]any)
	for _, field := range fields {
		if name, _ := field.(string); strings.HasPrefix(name, "300 ") {
			slots++
		}
	}
	if len(fields) == 0 || slots != 48 {
		t.Errorf("%d fields, %d of them slots; want 48 slots", len(fields), slots)
	}
}

func BenchmarkOutcomes(b *testing.B) {
	storetest.BenchmarkOutcomes(b, startServer(b).open().Outcomes())
}

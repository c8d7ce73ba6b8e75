package health_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"aggregator/health"
	"aggregator/internal/testkit"
	"aggregator/store"
)

// TestProber lets two replicas probe, of which one has each turn.
func TestProber(t *testing.T) {
	t.Parallel()
	clock := testkit.NewClock()
	st := store.NewMemory(store.MemoryOptions{Now: clock.Now, Elapsed: clock.Elapsed})
	var asked []string
	var err error
	replica := func(name string, every time.Duration) *health.Prober {
		return &health.Prober{
			Ask: func(context.Context) error { asked = append(asked, name); return err }, Every: every,
			State: st.State(), Key: store.Key{1}, Now: clock.Now,
		}
	}
	a, b := replica("a", 10*time.Minute), replica("b", 10*time.Minute)
	want := func(what string, n int) {
		t.Helper()
		if len(asked) != n {
			t.Errorf("%s: %q, want %d turns", what, asked, n)
		}
	}
	if nap := a.Step(t.Context()); nap != time.Minute {
		t.Errorf("after a turn it sleeps for %s, want a minute", nap)
	}
	b.Step(t.Context())
	want("at first", 1)
	clock.Advance(10*time.Minute - 20*time.Second)
	for _, p := range []*health.Prober{a, b} {
		if nap := p.Step(t.Context()); nap != 20*time.Second {
			t.Errorf("before its turn it sleeps for %s, want 20 s", nap)
		}
	}
	want("before the second", 1)
	clock.Advance(20 * time.Second)
	err = errors.New("every list is on fire") // which is no reason to ask again at once
	b.Step(t.Context())
	a.Step(t.Context())
	want("the second", 2)
	clock.Advance(10 * time.Minute)
	a.Step(t.Context())
	want("the third", 3)
	// One that is to probe more often does so at once.
	c := replica("c", time.Minute)
	c.Step(t.Context())
	clock.Advance(time.Minute)
	c.Step(t.Context())
	want("more often", 4)
	// A clock that is set back keeps nobody from probing.
	clock.Set(-24 * time.Hour)
	c.Step(t.Context())
	clock.Advance(time.Minute)
	c.Step(t.Context())
	want("with the clock set back", 5)
	st.Close()
	if nap := c.Step(t.Context()); nap != 5*time.Second {
		t.Errorf("without a store it sleeps for %s, want 5 s", nap)
	}
	want("without a store", 5)
}

// TestProberEnds wants a Prober to end with its context, in the midst of a turn
// too.
func TestProberEnds(t *testing.T) {
	t.Parallel()
	st := store.NewMemory(store.MemoryOptions{})
	asked, ended := make(chan struct{}), make(chan struct{})
	p := &health.Prober{
		Ask:   func(ctx context.Context) error { close(asked); <-ctx.Done(); return ctx.Err() },
		Every: time.Hour, State: st.State(), Key: store.Key{1},
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { p.Run(ctx); close(ended) }()
	testkit.Receive(t, "the turn", asked)
	cancel()
	testkit.Receive(t, "the end", ended)
}

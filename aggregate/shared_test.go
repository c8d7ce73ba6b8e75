package aggregate_test

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"aggregator/aggregate"
	"aggregator/internal/testkit"
	"aggregator/lists"
	"aggregator/ratelimit"
	"aggregator/shares"
	"aggregator/store"
)

// TestSharedReadingsUseWindows reads one bot again and again: the lists are
// asked once, and each caller's own window is used all the same.
func TestSharedReadingsUseWindows(t *testing.T) {
	t.Parallel()
	f := newFixture(t, lists.Answer{Status: 200, Body: []byte(`{"username":"Bot"}`)})
	hash := store.NewHasher(make([]byte, 32))
	var runs atomic.Int64
	config := f.Config
	inner := config.Runner
	config.Runner = counting{inner, &runs}
	config.BotsLimit = ratelimit.New(store.NewMemory(store.MemoryOptions{}).Windows(), ratelimit.Rate{Limit: 1, Period: time.Minute}, hash)
	a := aggregate.New(config)
	clock := testkit.NewClock()
	a.SetReadingsClock(clock.Now)
	from := func(n byte) aggregate.Caller { return aggregate.Caller{IP: netip.AddrFrom4([4]byte{192, 0, 2, n})} }
	first, err := a.Bot(t.Context(), aggregate.BotRequest{BotID: someBot}, from(1))
	if err != nil || first.Window == nil || !first.Window.OK || first.Age != 0 {
		t.Fatalf("%+v, %v", first.Window, err)
	}
	clock.Advance(7 * time.Second)
	second, err := a.Bot(t.Context(), aggregate.BotRequest{BotID: someBot}, from(2))
	d := second.Window
	if err != nil || d == nil || d.Limit != 1 || d.Remaining != 0 || second.Age != 7*time.Second || asJSON(t, second) != asJSON(t, first) {
		t.Errorf("shared: %+v, aged %s, %v", d, second.Age, err)
	}
	for n := byte(1); n <= 2; n++ {
		if _, err := a.Bot(t.Context(), aggregate.BotRequest{BotID: someBot}, from(n)); !isLimited(err) {
			t.Errorf("caller %d read twice in a window: %v", n, err)
		}
	}
	if n := runs.Load(); n != 1 {
		t.Errorf("the lists were asked %d times, want once", n)
	}
	// What a key opens is for its caller alone.
	own := aggregate.BotRequest{BotID: someBot, Tokens: []aggregate.NamedToken{{ID: "keyed.example", Token: lists.NewToken("k", "")}}}
	for n := byte(3); n <= 4; n++ {
		if answer, err := a.Bot(t.Context(), own, from(n)); err != nil || answer.Age != 0 {
			t.Errorf("lookup: aged %s, %v", answer.Age, err)
		}
	}
	if n := runs.Load(); n != 3 {
		t.Errorf("the lists were asked %d times, want once more for each lookup", n)
	}
}

// counting counts runs.
type counting struct {
	aggregate.Runner
	runs *atomic.Int64
}

func (c counting) Run(ctx context.Context, op lists.Op, from netip.Prefix, calls []lists.Call) []lists.Answer {
	c.runs.Add(1)
	return c.Runner.Run(ctx, op, from, calls)
}

// TestCrowdReadsOneBot has more callers ask about one bot than there is room
// for as many fan-outs: one fan-out answers all of them.
func TestCrowdReadsOneBot(t *testing.T) {
	t.Parallel()
	f := newFixture(t, lists.Answer{Status: 200, Body: []byte(`{}`)})
	config := f.Config
	config.BotsLimit = ratelimit.New(store.NewMemory(store.MemoryOptions{}).Windows(), ratelimit.Rate{}, store.NewHasher(make([]byte, 32)))
	release := make(chan struct{})
	config.Runner = slow{config.Runner, release}
	var room atomic.Int64
	config.Admit = func(_ context.Context, from netip.Prefix, calls []lists.Call) (aggregate.Room, error) {
		n := int64(len(calls))
		if room.Add(n) > 20 {
			room.Add(-n)
			return nil, shares.ErrBusy
		}
		return testRoom{config.Runner, from, nil, func() { room.Add(-n) }}, nil
	}
	a := aggregate.New(config)
	var answered, busy atomic.Int64
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			_, err := a.Bot(t.Context(), aggregate.BotRequest{BotID: someBot}, aggregate.Caller{})
			switch {
			case err == nil:
				answered.Add(1)
			case errors.Is(err, aggregate.ErrBusy):
				busy.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	for end := time.Now().Add(10 * time.Second); int64(a.ReadingsWaiting())+busy.Load() < 50; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d wait, %d were turned away; want 50 in all", a.ReadingsWaiting(), busy.Load())
		}
	}
	close(release)
	all.Wait()
	if busy.Load() > 0 {
		t.Errorf("%d were turned away, %d answered: those who wait for a flight take no room", busy.Load(), answered.Load())
	}
}

// slow answers when it is released.
type slow struct {
	aggregate.Runner
	release chan struct{}
}

func (s slow) Run(ctx context.Context, op lists.Op, from netip.Prefix, calls []lists.Call) []lists.Answer {
	<-s.release
	return s.Runner.Run(ctx, op, from, calls)
}

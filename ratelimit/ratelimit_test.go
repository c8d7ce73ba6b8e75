package ratelimit

import (
	"context"
	"errors"
	"net/netip"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ulule/limiter/v3"

	"aggregator/internal/testkit"
	"aggregator/store"
	"aggregator/store/sqlite"
)

var perCount = Rate{Limit: 1, Period: 120 * time.Second}

func scope() Scope {
	return Scope{Name: "count", IP: netip.MustParseAddr("192.0.2.1"), BotID: "10000000000000001"}
}

func memory(t *testing.T, rate Rate) (*Limiter, *store.Memory, *testkit.Clock) {
	t.Helper()
	clock := testkit.NewClock()
	m := store.NewMemory(store.MemoryOptions{Now: clock.Now})
	t.Cleanup(func() { m.Close() })
	return New(m.Windows(), rate, store.NewHasher(m.Secret())), m, clock
}

func want(t *testing.T, l *Limiter, s Scope, want Decision) {
	t.Helper()
	taken, err := l.Take(t.Context(), s)
	if err != nil || taken == nil {
		t.Fatalf("%v, %v; want a decision", taken, err)
	}
	got := *taken
	if !got.Reset.Equal(want.Reset) {
		t.Errorf("window closes at %s, want %s", got.Reset, want.Reset)
	}
	got.Reset, want.Reset = time.Time{}, time.Time{}
	if got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestTake(t *testing.T) {
	l, _, clock := memory(t, Rate{Limit: 3, Period: 30 * time.Second})
	reset := clock.Now().Add(30 * time.Second)
	for _, left := range []int64{2, 1, 0} {
		want(t, l, scope(), Decision{OK: true, Limit: 3, Remaining: left, Period: 30 * time.Second, Reset: reset})
		clock.Advance(time.Second)
	}
	for range 3 { // a refusal extends nothing
		want(t, l, scope(), Decision{Limit: 3, Period: 30 * time.Second, Reset: reset})
		clock.Advance(9 * time.Second)
	}
	want(t, l, scope(), Decision{OK: true, Limit: 3, Remaining: 2, Period: 30 * time.Second, Reset: clock.Now().Add(30 * time.Second)})
}

func TestRelease(t *testing.T) {
	l, _, clock := memory(t, perCount)
	passed := Decision{OK: true, Limit: 1, Period: perCount.Period, Reset: clock.Now().Add(perCount.Period)}
	want(t, l, scope(), passed)
	if err := l.Release(t.Context(), scope()); err != nil {
		t.Fatal(err)
	}
	want(t, l, scope(), passed)
	passed.OK = false
	want(t, l, scope(), passed)
}

func TestRetryAfter(t *testing.T) {
	now := testkit.NewClock().Now()
	for _, test := range []struct {
		left, period time.Duration
		want         int64
	}{
		{119200 * time.Millisecond, 120 * time.Second, 120},
		{120 * time.Second, 120 * time.Second, 120},
		{119 * time.Second, 120 * time.Second, 119},
		{119*time.Second + 1, 120 * time.Second, 120},
		{120*time.Second + time.Millisecond, 120 * time.Second, 120}, // rounded up to a millisecond
		{time.Hour, 30 * time.Second, 30},                            // the other clock is wrong
		{time.Millisecond, 30 * time.Second, 1},
		{0, 30 * time.Second, 1},
		{-time.Hour, 30 * time.Second, 1},
		{10 * time.Millisecond, 50 * time.Millisecond, 1},
		{1400 * time.Millisecond, 1500 * time.Millisecond, 2},
	} {
		d := Decision{Period: test.period, Reset: now.Add(test.left)}
		if got := d.RetryAfter(now); got != test.want {
			t.Errorf("%s of %s left: %d, want %d", test.left, test.period, got, test.want)
		}
	}
}

func TestRetryAfterOfAWindow(t *testing.T) {
	l, _, clock := memory(t, perCount)
	clock.Advance(123456789 * time.Nanosecond)
	for _, step := range []struct {
		after time.Duration
		want  int64
	}{
		{0, 120}, {time.Nanosecond, 120}, {800 * time.Millisecond, 120}, {time.Second, 119},
		{118 * time.Second, 1}, {199 * time.Millisecond, 1},
	} {
		clock.Advance(step.after)
		d, err := l.Take(t.Context(), scope())
		if err != nil {
			t.Fatal(err)
		}
		if got := d.RetryAfter(clock.Now()); got != step.want {
			t.Errorf("%s before it closes: %d, want %d", d.Reset.Sub(clock.Now()), got, step.want)
		}
	}
	// Whoever waits as long as told passes.
	l, _, clock = memory(t, perCount)
	for range 3 {
		clock.Advance(3333333 * time.Nanosecond)
		first, _ := l.Take(t.Context(), scope())
		clock.Advance(7777777 * time.Nanosecond)
		refused, _ := l.Take(t.Context(), scope())
		clock.Advance(time.Duration(refused.RetryAfter(clock.Now())) * time.Second)
		if !first.OK || refused.OK {
			t.Fatalf("first %+v, then %+v", first, refused)
		}
	}
}

func TestScopes(t *testing.T) {
	addr := func(s string) func(*Scope) {
		return func(scope *Scope) { scope.IP = netip.MustParseAddr(s) }
	}
	for name, test := range map[string]struct {
		first, second func(*Scope)
		shared        bool
	}{
		"the same":         {nil, nil, true},
		"other name":       {nil, func(s *Scope) { s.Name = "bots" }, false},
		"other bot":        {nil, func(s *Scope) { s.BotID = "10000000000000002" }, false},
		"of a user":        {nil, func(s *Scope) { s.UserID = "20000000000000001" }, false},
		"the same user":    {func(s *Scope) { s.UserID = "20000000000000001" }, func(s *Scope) { s.UserID = "20000000000000001" }, true},
		"other user":       {func(s *Scope) { s.UserID = "20000000000000001" }, func(s *Scope) { s.UserID = "20000000000000002" }, false},
		"parts run over":   {nil, func(s *Scope) { s.Name, s.BotID = "count"+s.BotID, "" }, false},
		"other IPv4":       {nil, addr("192.0.2.2"), false},
		"mapped IPv4":      {nil, addr("::ffff:192.0.2.1"), true},
		"no address":       {nil, func(s *Scope) { s.IP = netip.Addr{} }, false},
		"same /64":         {addr("2001:db8:1:2::1"), addr("2001:db8:1:2:ffff:ffff:ffff:ffff"), true},
		"other /64":        {addr("2001:db8:1:2::1"), addr("2001:db8:1:3::1"), false},
		"with a zone":      {addr("fe80::1%eth0"), addr("fe80::2%eth1"), true},
		"IPv6 and IPv4":    {addr("::192.0.2.1"), addr("192.0.2.1"), false},
		"two mapped IPv4s": {addr("::ffff:192.0.2.1"), addr("::ffff:192.0.2.2"), false},
	} {
		t.Run(name, func(t *testing.T) {
			l, _, _ := memory(t, perCount)
			first, second := scope(), scope()
			if test.first != nil {
				test.first(&first)
			}
			if test.second != nil {
				test.second(&second)
			}
			if d, err := l.Take(t.Context(), first); !d.OK || err != nil {
				t.Fatalf("first: %+v, %v", d, err)
			}
			if d, err := l.Take(t.Context(), second); d.OK == test.shared || err != nil {
				t.Errorf("second: %+v, %v; want OK %v", d, err, !test.shared)
			}
		})
	}
}

func TestWindowOutlivesRate(t *testing.T) {
	l, m, _ := memory(t, perCount)
	want := func(l *Limiter, ok bool, remaining int64) {
		t.Helper()
		if d, err := l.Take(t.Context(), scope()); d.OK != ok || d.Remaining != remaining || err != nil {
			t.Errorf("%+v, %v; want OK %v with %d left", d, err, ok, remaining)
		}
	}
	want(l, true, 0)
	hash := store.NewHasher(m.Secret())
	want(New(m.Windows(), Rate{Limit: 3, Period: 30 * time.Second}, hash), true, 1)
	want(New(m.Windows(), perCount, hash), false, 0)
}

func TestOff(t *testing.T) {
	for name, l := range map[string]*Limiter{
		"nil":                nil,
		"a rate that is off": New(nil, Rate{}, nil), // would panic if it touched the store
	} {
		for range 3 {
			if d, err := l.Take(t.Context(), scope()); d != nil || err != nil {
				t.Errorf("%s: Take: %+v, %v; want no decision", name, d, err)
			}
		}
		if err := l.Release(t.Context(), scope()); err != nil {
			t.Errorf("%s: Release: %v", name, err)
		}
	}
}

func TestExactlyLimitPass(t *testing.T) {
	for name, open := range map[string]func(t *testing.T) store.Store{
		"memory": func(*testing.T) store.Store { return store.NewMemory(store.MemoryOptions{}) },
		"sqlite": func(t *testing.T) store.Store {
			st, err := sqlite.Open(filepath.Join(t.TempDir(), "store.db"), nil)
			if err != nil {
				t.Fatal(err)
			}
			return st
		},
	} {
		for _, rate := range []Rate{perCount, {Limit: 5, Period: time.Minute}} {
			t.Run(name+" "+rate.String(), func(t *testing.T) {
				st := open(t)
				defer st.Close()
				l := New(st.Windows(), rate, store.NewHasher(st.Secret()))
				var passed atomic.Int64
				var wg sync.WaitGroup
				for range 200 {
					wg.Go(func() {
						d, err := l.Take(t.Context(), scope())
						if err != nil {
							t.Error(err)
						}
						if d.OK {
							passed.Add(1)
						}
					})
				}
				wg.Wait()
				if passed.Load() != rate.Limit {
					t.Errorf("%d of 200 passed, want %d", passed.Load(), rate.Limit)
				}
			})
		}
	}
}

func TestStoreErrors(t *testing.T) {
	m := store.NewMemory(store.MemoryOptions{})
	l := New(m.Windows(), perCount, store.NewHasher(m.Secret()))
	if d, err := l.Take(t.Context(), scope()); !d.OK || err != nil {
		t.Fatal(d, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Take(ctx, scope()); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want context.Canceled", err)
	}
	m.Close()
	if err := l.Release(t.Context(), scope()); !errors.Is(err, store.ErrClosed) {
		t.Errorf("%v, want ErrClosed", err)
	}
}

func TestStoreAdapter(t *testing.T) {
	_, m, clock := memory(t, perCount)
	ctx, a := t.Context(), storeAdapter{m.Windows()}
	rate := limiter.Rate{Limit: 5, Period: time.Minute}
	key := string(make([]byte, len(store.Key{})))
	clock.Advance(time.Nanosecond)
	reset := clock.Now().Truncate(time.Millisecond).Add(time.Minute + time.Millisecond).UnixMilli()

	is := func(got limiter.Context, err error) func(remaining, reset int64, reached bool) {
		return func(remaining, reset int64, reached bool) {
			t.Helper()
			if want := (limiter.Context{Limit: 5, Remaining: remaining, Reset: reset, Reached: reached}); got != want || err != nil {
				t.Errorf("%+v, %v; want %+v", got, err, want)
			}
		}
	}
	is(a.Peek(ctx, key, rate))(5, 0, false)
	is(a.Get(ctx, key, rate))(4, reset, false)
	is(a.Increment(ctx, key, 3, rate))(1, reset, false)
	is(a.Increment(ctx, key, 2, rate))(1, reset, true)
	is(a.Peek(ctx, key, rate))(1, reset, false)
	is(a.Get(ctx, key, rate))(0, reset, false)
	is(a.Peek(ctx, key, rate))(0, reset, true)
	is(a.Get(ctx, key, rate))(0, reset, true)
	is(a.Reset(ctx, key, rate))(5, 0, false)
	is(a.Increment(ctx, key, 5, rate))(0, reset, false)

	for _, count := range []int64{-1, 0, 6} {
		if _, err := a.Increment(ctx, key, count, rate); err == nil {
			t.Errorf("Increment by %d: no error", count)
		}
	}
	if _, err := a.Get(ctx, "short", rate); err == nil {
		t.Error("Get with a short key: no error")
	}
}

func BenchmarkTake(b *testing.B) {
	m := store.NewMemory(store.MemoryOptions{})
	l := New(m.Windows(), perCount, store.NewHasher(m.Secret()))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := l.Take(b.Context(), scope()); err != nil {
			b.Fatal(err)
		}
	}
}

package shares

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// network returns one of many networks.
func network(i int) netip.Prefix { return Network(netip.AddrFrom4([4]byte{192, 0, 2, byte(i)})) }

func mustAcquire(t *testing.T, s *Semaphore, from netip.Prefix, n int64) *Grant {
	t.Helper()
	g, err := s.Acquire(t.Context(), from, n)
	if err != nil {
		t.Fatalf("Acquire(%s, %d): %v", from, n, err)
	}
	return g
}

// line starts acquisitions one after the other, and records which come through.
type line struct {
	s      *Semaphore
	mu     sync.Mutex
	came   []string
	grants map[string]*Grant
	errs   map[string]error
	wait   sync.WaitGroup
}

func newLine(s *Semaphore) *line {
	return &line{s: s, grants: map[string]*Grant{}, errs: map[string]error{}}
}

// join lets one acquisition wait in line.
func (l *line) join(ctx context.Context, name string, from netip.Prefix, n int64) {
	l.wait.Go(func() {
		g, err := l.s.Acquire(ctx, from, n)
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.errs[name] = err; err == nil {
			l.came = append(l.came, name)
			l.grants[name] = g
		}
	})
	synctest.Wait()
}

// check checks who has come through since it was last asked.
func (l *line) check(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	slices.Sort(l.came) // who comes through at one moment has no order
	slices.Sort(want)
	if !slices.Equal(l.came, want) {
		t.Fatalf("came through: got %q, want %q", l.came, want)
	}
	l.came = nil
}

func TestNetwork(t *testing.T) {
	for ip, want := range map[string]string{
		"192.0.2.1":             "192.0.2.1/32",
		"::ffff:192.0.2.1":      "192.0.2.1/32",
		"2001:db8:1:2::1":       "2001:db8:1:2::/64",
		"2001:db8:1:2:ffff::ff": "2001:db8:1:2::/64",
		"fe80::1%eth0":          "fe80::/64",
		"::192.0.2.1":           "::/64",
	} {
		if got := Network(netip.MustParseAddr(ip)).String(); got != want {
			t.Errorf("Network(%s): %s, want %s", ip, got, want)
		}
	}
	if got := Network(netip.Addr{}); got != (netip.Prefix{}) {
		t.Errorf("Network of no address: %s, want the zero Prefix", got)
	}
}

// TestOrder has everyone wait in the order of arrival.
func TestOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLine(New(Options{Capacity: 8, MaxWaiting: 100, MaxWait: time.Minute}))
		var all []*Grant
		for i := range 4 {
			all = append(all, mustAcquire(t, l.s, network(i), 2))
		}
		l.join(t.Context(), "a", network(10), 2)
		l.join(t.Context(), "b", network(11), 1)
		l.join(t.Context(), "c", network(12), 1)
		l.check(t)
		all[0].Return(1)
		l.check(t) // a is first, and needs 2
		all[1].Release()
		l.check(t, "a", "b")
		l.join(t.Context(), "d", network(0), 1) // behind c, though it holds little
		all[2].Release()
		l.check(t, "c", "d")
		if got, want := l.s.Usage(), (Usage{Capacity: 8, Held: 8, Networks: 5}); got != want {
			t.Errorf("usage: got %+v, want %+v", got, want)
		}
		l.wait.Wait()
	})
}

// TestShare has a network at its share make nobody else wait.
func TestShare(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLine(New(Options{Capacity: 16, MaxWaiting: 100, MaxWait: time.Minute}))
		first := mustAcquire(t, l.s, network(1), 4)
		l.join(t.Context(), "greedy", network(1), 1)
		l.join(t.Context(), "greedy too", network(1), 1)
		l.join(t.Context(), "other", network(2), 4)
		l.join(t.Context(), "other at its share", network(2), 1)
		l.join(t.Context(), "third", network(3), 1)
		l.check(t, "other", "third")
		first.Return(1)
		l.check(t, "greedy")
		first.Release()
		l.check(t, "greedy too")
		l.grants["other"].Release()
		l.check(t, "other at its share")
		l.wait.Wait()
	})
}

// TestLarge has what is larger than a share, or than all there is, wait until
// the network, or everyone, holds nothing.
func TestLarge(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLine(New(Options{Capacity: 16, MaxWaiting: 100, MaxWait: time.Minute}))
		small := mustAcquire(t, l.s, network(1), 1)
		other := mustAcquire(t, l.s, network(2), 1)
		l.join(t.Context(), "large", network(1), 10)
		l.check(t)
		small.Release()
		l.check(t, "large")
		l.join(t.Context(), "all", network(3), 20)
		l.join(t.Context(), "behind", network(4), 1)
		l.grants["large"].Release()
		l.check(t)
		other.Release()
		l.check(t, "all")
		l.grants["all"].Release()
		l.check(t, "behind")
		l.wait.Wait()
	})
}

// TestWithoutNetwork has those of no network use all there is.
func TestWithoutNetwork(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLine(New(Options{Capacity: 8, MaxWaiting: 8, MaxWait: time.Minute}))
		var all []*Grant
		for range 8 {
			all = append(all, mustAcquire(t, l.s, netip.Prefix{}, 1))
		}
		for i := range 8 {
			l.join(t.Context(), fmt.Sprint(i), netip.Prefix{}, 1)
		}
		if _, err := l.s.Acquire(t.Context(), netip.Prefix{}, 1); !errors.Is(err, ErrBusy) {
			t.Errorf("beyond the places to wait: got %v, want %v", err, ErrBusy)
		}
		for i, g := range all {
			g.Release()
			l.check(t, fmt.Sprint(i))
		}
		l.wait.Wait()
	})
}

func TestPlacesToWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLine(New(Options{Capacity: 1, MaxWaiting: 8, MaxWait: 5 * time.Second}))
		g := mustAcquire(t, l.s, network(0), 1)
		for i := range 8 {
			l.join(t.Context(), fmt.Sprint(i), network(i/2), 1)
		}
		for name, from := range map[string]netip.Prefix{"of its share": network(1), "of all": network(9)} {
			if _, err := l.s.Acquire(t.Context(), from, 1); !errors.Is(err, ErrBusy) {
				t.Errorf("beyond the places %s: got %v, want %v", name, err, ErrBusy)
			}
		}
		start := time.Now()
		l.wait.Wait()
		if waited := time.Since(start); waited != 5*time.Second {
			t.Errorf("waited %s, want 5s", waited)
		}
		for name, err := range l.errs {
			if !errors.Is(err, ErrBusy) {
				t.Errorf("%s: got %v, want %v", name, err, ErrBusy)
			}
		}
		g.Release()
		if got, want := l.s.Usage(), (Usage{Capacity: 1}); got != want {
			t.Errorf("usage at the end: got %+v, want %+v", got, want)
		}
	})
}

// TestLeave has those who leave hold up nobody behind them.
func TestLeave(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLine(New(Options{Capacity: 8, MaxWaiting: 100, MaxWait: time.Minute}))
		g := mustAcquire(t, l.s, network(0), 7)
		ctx, leave := context.WithCancel(t.Context())
		l.join(ctx, "leaves", network(1), 2)
		l.join(t.Context(), "behind", network(2), 1)
		l.check(t)
		leave()
		l.check(t, "behind")
		if err := l.errs["leaves"]; !errors.Is(err, context.Canceled) {
			t.Errorf("the error of one that left: got %v, want %v", err, context.Canceled)
		}
		// The same within one network: the one behind fits its share.
		l.grants["behind"].Release()
		g.Release()
		own := mustAcquire(t, l.s, network(3), 1)
		ctx, leave = context.WithCancel(t.Context())
		l.join(ctx, "leaves too", network(3), 2)
		l.join(t.Context(), "behind too", network(3), 1)
		l.check(t)
		leave()
		l.check(t, "behind too")
		own.Release()
		l.wait.Wait()
	})
}

func TestGrant(t *testing.T) {
	t.Parallel()
	s := New(Options{Capacity: 16})
	held := func(want int64) {
		t.Helper()
		if got := s.Usage().Held; got != want {
			t.Fatalf("held: got %d, want %d", got, want)
		}
	}
	g := mustAcquire(t, s, network(1), 1)
	if !g.Grow(3) || g.Grow(1) {
		t.Error("a grant must grow up to the share, and no further")
	}
	held(4)
	more := g.Share()
	g.Release()
	g.Release()
	g.Return(1)
	held(4)
	if g.Grow(1) {
		t.Error("a released grant grows")
	}
	more.Return(1)
	held(3)
	more.Release()
	more.Release()
	held(0)
	if g.Share() != nil {
		t.Error("what is given back is shared")
	}

	g = mustAcquire(t, s, network(1), 3)
	g.Return(100)
	held(0)
	mustAcquire(t, s, network(2), 2).Release() // another account at the place of the first must make no difference
	if !g.Grow(4) {
		t.Error("a grant that was given back does not grow again")
	}
	if _, err := s.Acquire(t.Context(), network(1), 1); !errors.Is(err, ErrBusy) {
		t.Errorf("beyond the share: got %v, want %v", err, ErrBusy)
	}
	g.Release()
	held(0)

	var none *Semaphore
	g, err := none.Acquire(t.Context(), network(1), 1<<40)
	if err != nil || !g.Grow(1<<40) || g.Share() != nil || none.Usage() != (Usage{}) {
		t.Errorf("a nil semaphore must give to everyone: %v", err)
	}
	g.Return(1)
	g.Release()
}

func TestHolder(t *testing.T) {
	t.Parallel()
	s := New(Options{Capacity: 16})
	ctx, h := NewHolder(t.Context(), netip.MustParseAddr("2001:db8::7"))
	if HolderOf(ctx) != h || HolderOf(t.Context()) != nil {
		t.Error("a context must lead to its own holder")
	}
	if got := h.Network().String(); got != "2001:db8::/64" {
		t.Errorf("network: got %s, want 2001:db8::/64", got)
	}
	h.Keep(mustAcquire(t, s, h.Network(), 1))
	h.Keep(mustAcquire(t, s, h.Network(), 2))
	if got := s.Usage().Held; got != 3 {
		t.Errorf("held before the end: got %d, want 3", got)
	}
	h.Close()
	h.Close()
	h.Keep(mustAcquire(t, s, h.Network(), 1))
	var none *Holder
	none.Keep(mustAcquire(t, s, none.Network(), 1))
	none.Close()
	if got := s.Usage().Held; got != 0 {
		t.Errorf("held after the end: got %d, want 0", got)
	}
}

// TestPatience has a request wait for one thing and another no longer than for one.
func TestPatience(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := Options{Capacity: 1, MaxWaiting: 8, MaxWait: 5 * time.Second}
		places, memory := New(o), New(o)
		place, bytes := mustAcquire(t, places, network(1), 1), mustAcquire(t, memory, network(1), 1)
		ctx, h := NewHolder(t.Context(), netip.MustParseAddr("192.0.2.2"))
		defer h.Close()
		time.AfterFunc(3*time.Second, place.Release)
		start := time.Now()
		g, err := places.Acquire(ctx, h.Network(), 1)
		if err != nil || time.Since(start) != 3*time.Second {
			t.Fatalf("for a place: got %v after %s, want nil after 3s", err, time.Since(start))
		}
		if _, err := memory.Acquire(ctx, h.Network(), 1); !errors.Is(err, ErrBusy) || time.Since(start) != 5*time.Second {
			t.Errorf("for memory: got %v after %s in all, want %v after 5s", err, time.Since(start), ErrBusy)
		}
		g.Release()
		bytes.Release()
	})
}

// TestProperties lets many acquire at random, and checks that never more is held
// than there is, that no network holds more than its share, that everyone comes
// through in the end, and that nothing is left.
func TestProperties(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, rand.Uint64()))
			capacity := 4 + random.Int64N(40)
			s := New(Options{Capacity: capacity, MaxWaiting: 10_000, MaxWait: time.Hour})
			share := s.share()
			var mu sync.Mutex
			heldBy := map[netip.Prefix]int64{}
			change := func(from netip.Prefix, n int64) {
				mu.Lock()
				defer mu.Unlock()
				heldBy[from] += n
				sum := int64(0)
				for _, n := range heldBy {
					sum += n
				}
				if sum > capacity || heldBy[from] > share {
					t.Errorf("held: %d of %d, by one network %d of %d", sum, capacity, heldBy[from], share)
				}
			}
			var all sync.WaitGroup
			for i := range 300 {
				from, n := network(random.IntN(6)), 1+random.Int64N(share)
				start, stay := time.Duration(random.IntN(3000))*time.Millisecond, time.Duration(random.IntN(500))*time.Millisecond
				patience := time.Hour
				if random.IntN(4) == 0 {
					patience = time.Duration(random.IntN(300)) * time.Millisecond
				}
				all.Go(func() {
					time.Sleep(start) // of the bubble's clock
					ctx, cancel := context.WithTimeout(t.Context(), patience)
					defer cancel()
					g, err := s.Acquire(ctx, from, n)
					if err != nil {
						if patience == time.Hour {
							t.Errorf("acquisition %d of %d: %v", i, n, err)
						}
						return
					}
					change(from, n)
					time.Sleep(stay)
					if n > 1 && i%3 == 0 {
						change(from, -1)
						g.Return(1)
						n--
						time.Sleep(stay)
					}
					if i%5 == 0 && g.Grow(1) {
						change(from, 1)
						n++
						time.Sleep(stay)
					}
					change(from, -n)
					g.Release()
				})
			}
			all.Wait()
			if got, want := s.Usage(), (Usage{Capacity: capacity}); got != want || len(s.next) != 0 {
				t.Errorf("seed %d: usage at the end: got %+v and %d in line, want %+v and none", seed, got, len(s.next), want)
			}
		})
	}
}

// TestRace has goroutines run into each other for real.
func TestRace(t *testing.T) {
	t.Parallel()
	s := New(Options{Capacity: 8, MaxWaiting: 1000, MaxWait: time.Minute})
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			for range 200 {
				g, err := s.Acquire(t.Context(), network(i%5), int64(1+i%2))
				if err != nil {
					t.Error(err)
					return
				}
				other := g.Share()
				g.Grow(1)
				g.Release()
				other.Return(1)
				other.Release()
			}
		})
	}
	all.Wait()
	if got, want := s.Usage(), (Usage{Capacity: 8}); got != want {
		t.Errorf("usage at the end: got %+v, want %+v", got, want)
	}
}

func BenchmarkAcquire(b *testing.B) {
	s := New(Options{Capacity: 1000, MaxWaiting: 100, MaxWait: time.Second})
	b.ReportAllocs()
	for b.Loop() {
		g, err := s.Acquire(b.Context(), network(1), 1)
		if err != nil {
			b.Fatal(err)
		}
		g.Release()
	}
}

// BenchmarkAcquireBeside has 2,000 wait of networks at their share.
func BenchmarkAcquireBeside(b *testing.B) {
	s := New(Options{Capacity: 1000, MaxWaiting: 2048, MaxWait: time.Hour})
	ctx, cancel := context.WithCancel(b.Context())
	var all sync.WaitGroup
	for i := range 4 {
		g, err := s.Acquire(ctx, network(10+i), 240)
		if err != nil {
			b.Fatal(err)
		}
		for range 500 {
			all.Go(func() { _, _ = s.Acquire(ctx, network(10+i), 100) })
		}
		defer g.Release()
	}
	for s.Usage().Waiting < 2000 {
		time.Sleep(time.Millisecond)
	}
	b.ReportAllocs()
	for b.Loop() {
		g, err := s.Acquire(ctx, network(1), 1)
		if err != nil {
			b.Fatal(err)
		}
		g.Release()
	}
	b.StopTimer()
	cancel()
	all.Wait()
}

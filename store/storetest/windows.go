package storetest

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"aggregator/internal/testkit"
	"aggregator/store"
)

const period = 120 * time.Second

// suite is the windows of one empty store, with its clock.
type suite struct {
	*testing.T
	*testkit.Clock
	store.Windows
	store store.Store
}

// Windows runs the suite of [store.Windows]. open returns an empty store that
// reads the clock it is given, and closes it when the test ends.
func Windows(t *testing.T, open func(t *testing.T, clock *testkit.Clock) store.Store) {
	for name, test := range map[string]func(suite){
		"take, full, expiry":        takeFullExpiry,
		"limit of several":          limitOfSeveral,
		"milliseconds rounded up":   milliseconds,
		"all or nothing":            allOrNothing,
		"one key twice in a take":   sameKeyTwice,
		"refusals change nothing":   refusals,
		"exactly limit get through": exactlyLimit,
		"hold":                      hold,
		"hold that is over":         holdThatIsOver,
		"release":                   release,
		"peek in order":             peekInOrder,
		"each group by itself":      eachByItself,
		"only looks":                onlyLooks,
		"slots":                     slotsOneByOne,
		"slots at once":             slotsAtOnce,
		"peek at slots":             peekAtSlots,
		"set":                       set,
		"occupy":                    occupy,
		"several changes":           severalChanges,
		"clock set back":            clockSetBack,
		"clock set forward":         clockSetForward,
		"notes":                     noted,
		"nothing asked":             nothingAsked,
		"bad arguments":             badArguments,
		"context that has ended":    endedContext,
		"secret":                    secret,
		"closed":                    closed,
	} {
		t.Run(name, func(t *testing.T) {
			clock := testkit.NewClock()
			st := open(t, clock)
			test(suite{t, clock, st.Windows(), st})
		})
	}
}

func key(n byte) store.Key { return store.Key{0: n, 15: n} }

func one(n byte) store.Use { return store.UseOf(key(n), 1, period) }

func (s suite) in(d time.Duration) time.Time { return s.Now().Add(d) }

// take wants the answer ok and, where given, the windows.
func (s suite) take(ok bool, uses []store.Use, want ...store.Window) {
	s.Helper()
	got, gotOK, err := store.Take(s.Context(), s.Windows, uses...)
	if err != nil || gotOK != ok {
		s.Fatalf("Take: ok %v, error %v; want ok %v", gotOK, err, ok)
	}
	if len(want) > 0 {
		s.same("Take", got, want)
	}
}

func (s suite) peek(keys []store.Key, want ...store.Window) {
	s.Helper()
	got, err := store.Peek(s.Context(), s.Windows, keys...)
	if err != nil {
		s.Fatalf("Peek: %v", err)
	}
	s.same("Peek", got, want)
}

func (s suite) same(what string, got, want []store.Window) {
	s.Helper()
	if len(got) != len(want) {
		s.Fatalf("%s: %v, want %v", what, got, want)
	}
	for i := range got {
		if got[i].Used != want[i].Used || !got[i].Until.Equal(want[i].Until) {
			s.Fatalf("%s: window %d is %v, want %v", what, i, got[i], want[i])
		}
	}
}

func (s suite) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func takeFullExpiry(s suite) {
	until := s.in(period)
	window := store.Window{Used: 1, Until: until}
	s.take(true, []store.Use{one(1)}, window)
	s.take(false, []store.Use{one(1)}, window)
	s.take(true, []store.Use{one(2)})

	s.Advance(period - time.Nanosecond)
	s.take(false, []store.Use{one(1)}, window)
	s.peek([]store.Key{key(1)}, window)

	s.Advance(time.Nanosecond)
	s.peek([]store.Key{key(1)}, store.Window{})
	s.take(true, []store.Use{one(1)}, store.Window{Used: 1, Until: s.in(period)})
}

func limitOfSeveral(s suite) {
	use := store.UseOf(key(1), 3, period)
	until := s.in(period)
	for used := int64(1); used <= 3; used++ {
		s.take(true, []store.Use{use}, store.Window{Used: used, Until: until})
		s.Advance(time.Second)
	}
	s.take(false, []store.Use{use}, store.Window{Used: 3, Until: until})

	use.Limit = 4 // another limit over the same window
	s.take(true, []store.Use{use}, store.Window{Used: 4, Until: until})
	s.take(false, []store.Use{one(1)}, store.Window{Used: 4, Until: until})
}

func milliseconds(s suite) {
	s.Advance(time.Nanosecond)
	s.take(true, []store.Use{one(1)}, store.Window{Used: 1, Until: s.in(period + time.Millisecond - 1)})
	s.must(store.Hold(s.Context(), s.Windows, key(2), s.in(time.Millisecond)))
	s.peek([]store.Key{key(2)}, store.Window{Used: store.Held, Until: s.in(2*time.Millisecond - 1)})
}

func allOrNothing(s suite) {
	s.take(true, []store.Use{one(2)})
	taken := store.Window{Used: 1, Until: s.in(period)}
	s.Advance(time.Second)

	s.take(false, []store.Use{one(1), one(2), one(3)}, store.Window{}, taken, store.Window{})
	s.peek([]store.Key{key(1), key(2), key(3)}, store.Window{}, taken, store.Window{})

	other := store.Window{Used: 1, Until: s.in(period)}
	s.take(true, []store.Use{one(1), one(3)}, other, other)
}

func sameKeyTwice(s suite) {
	s.take(false, []store.Use{one(1), one(1)}, store.Window{}, store.Window{})
	s.peek([]store.Key{key(1)}, store.Window{})

	two := store.UseOf(key(1), 2, period)
	both := store.Window{Used: 2, Until: s.in(period)}
	s.take(true, []store.Use{two, two}, both, both)
	s.take(false, []store.Use{two})
}

func refusals(s suite) {
	s.take(true, []store.Use{one(1)})
	window := store.Window{Used: 1, Until: s.in(period)}
	for range 10 {
		s.Advance(time.Second)
		s.take(false, []store.Use{one(1)}, window)
	}
	s.peek([]store.Key{key(1)}, window)
	s.must(store.Release(s.Context(), s.Windows, key(1)))
	s.take(true, []store.Use{one(1)})
}

func exactlyLimit(s suite) {
	for _, limit := range []int64{1, 5} {
		use := store.UseOf(key(byte(limit)), limit, period)
		var passed atomic.Int64
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				_, ok, err := store.Take(s.Context(), s.Windows, use)
				if err != nil {
					s.Error(err)
				}
				if ok {
					passed.Add(1)
				}
			})
		}
		wg.Wait()
		if passed.Load() != limit {
			s.Errorf("%d of 100 passed, want %d", passed.Load(), limit)
		}
	}
}

func hold(s suite) {
	ctx := s.Context()
	held := func(until time.Time) store.Window { return store.Window{Used: store.Held, Until: until} }

	until := s.in(time.Hour)
	s.must(store.Hold(ctx, s.Windows, key(1), until))
	s.take(false, []store.Use{one(1)}, held(until))
	s.take(false, []store.Use{store.UseOf(key(1), store.Held-1, period)}, held(until))

	s.must(store.Hold(ctx, s.Windows, key(1), s.in(time.Minute))) // never shorter
	s.peek([]store.Key{key(1)}, held(until))

	until = s.in(2 * time.Hour)
	s.must(store.Hold(ctx, s.Windows, key(1), until))
	s.peek([]store.Key{key(1)}, held(until))

	s.take(true, []store.Use{one(2)}) // a window in use keeps its longer time
	s.must(store.Hold(ctx, s.Windows, key(2), s.in(time.Second)))
	s.peek([]store.Key{key(2)}, held(s.in(period)))

	s.Advance(2 * time.Hour)
	s.take(true, []store.Use{one(1)}, store.Window{Used: 1, Until: s.in(period)})
}

func holdThatIsOver(s suite) {
	s.must(store.Hold(s.Context(), s.Windows, key(1), s.in(-time.Hour)))
	s.must(store.Hold(s.Context(), s.Windows, key(2), time.Time{}))
	s.peek([]store.Key{key(1), key(2)}, store.Window{}, store.Window{})
	s.take(true, []store.Use{one(1), one(2)})
}

func release(s suite) {
	ctx := s.Context()
	s.must(store.Release(ctx, s.Windows, key(1))) // nothing there

	two := store.UseOf(key(1), 2, period)
	until := s.in(period)
	s.take(true, []store.Use{two, two})
	s.must(store.Release(ctx, s.Windows, key(1)))
	s.peek([]store.Key{key(1)}, store.Window{Used: 1, Until: until})
	s.must(store.Release(ctx, s.Windows, key(1), key(2)))
	s.peek([]store.Key{key(1)}, store.Window{})

	s.Advance(time.Second) // the next use opens a window of its own
	s.take(true, []store.Use{two, two}, store.Window{Used: 2, Until: s.in(period)}, store.Window{Used: 2, Until: s.in(period)})
	s.must(store.Release(ctx, s.Windows, key(1), key(1)))
	s.peek([]store.Key{key(1)}, store.Window{})

	until = s.in(time.Hour)
	s.must(store.Hold(ctx, s.Windows, key(1), until))
	s.must(store.Release(ctx, s.Windows, key(1)))
	s.peek([]store.Key{key(1)}, store.Window{Used: store.Held, Until: until})
}

func peekInOrder(s suite) {
	s.take(true, []store.Use{one(1)})
	s.must(store.Hold(s.Context(), s.Windows, key(3), s.in(time.Hour)))
	first := store.Window{Used: 1, Until: s.in(period)}
	third := store.Window{Used: store.Held, Until: s.in(time.Hour)}
	s.peek([]store.Key{key(3), key(2), key(1), key(3)}, third, store.Window{}, first, third)
}

// clockSetBack wants nobody to be locked out for longer than was asked for, and
// times to be told by the clock that callers have.
func clockSetBack(s suite) { s.setClock(-time.Hour) }

// clockSetForward wants nobody to be freed early.
func clockSetForward(s suite) { s.setClock(time.Hour) }

func (s suite) setClock(d time.Duration) {
	s.take(true, []store.Use{one(1)})
	s.must(store.Hold(s.Context(), s.Windows, key(2), s.in(10*time.Minute)))
	s.Advance(time.Second)
	s.Set(d)
	taken, held := store.Window{Used: 1, Until: s.in(period - time.Second)}, store.Window{Used: store.Held, Until: s.in(10*time.Minute - time.Second)}
	s.take(false, []store.Use{one(1), one(2)}, taken, held)
	s.peek([]store.Key{key(1), key(2)}, taken, held)
	s.take(true, []store.Use{one(3)}, store.Window{Used: 1, Until: s.in(period)})
	s.must(store.Hold(s.Context(), s.Windows, key(4), s.in(time.Minute)))
	s.peek([]store.Key{key(4)}, store.Window{Used: store.Held, Until: s.in(time.Minute)})
	s.Set(d) // once more
	s.Advance(time.Minute)
	s.peek([]store.Key{key(4)}, store.Window{})
	s.Advance(period - time.Minute - time.Second)
	s.take(true, []store.Use{one(1)})
	s.take(false, []store.Use{one(3)})
	s.Advance(10*time.Minute - period)
	s.take(true, []store.Use{one(2)})
}

func nothingAsked(s suite) {
	s.take(true, nil)
	s.peek(nil)
	s.must(store.Release(s.Context(), s.Windows))
}

func badArguments(s suite) {
	for _, bad := range []store.Use{
		store.UseOf(key(2), 0, period),
		store.UseOf(key(2), -1, period),
		store.UseOf(key(2), store.Held, period),
		store.UseOf(key(2), 1, 0),
		store.UseOf(key(2), 1, -period),
		store.UseOf(key(2), 1, time.Microsecond),
		store.UseOf(key(2), 1, period+time.Microsecond),
		slots(2, -1),
		slots(2, store.MaxSlots+1),
	} {
		if _, ok, err := store.Take(s.Context(), s.Windows, one(1), bad); ok || err == nil {
			s.Errorf("Take(%v): ok %v, no error", bad, ok)
		}
	}
	s.peek([]store.Key{key(1), key(2)}, store.Window{}, store.Window{})
}

func endedContext(s suite) {
	ctx, cancel := context.WithCancel(s.Context())
	cancel()
	s.take(true, []store.Use{one(2)})
	_, ok, takeErr := store.Take(ctx, s.Windows, one(1))
	_, peekErr := store.Peek(ctx, s.Windows, key(1))
	holdErr := store.Hold(ctx, s.Windows, key(1), s.in(time.Hour))
	releaseErr := store.Release(ctx, s.Windows, key(2))
	_, notedErr := s.Noted(ctx)
	for call, err := range map[string]error{"Take": takeErr, "Peek": peekErr, "Hold": holdErr, "Release": releaseErr, "Noted": notedErr} {
		if ok || !errors.Is(err, context.Canceled) {
			s.Errorf("%s: %v, want context.Canceled", call, err)
		}
	}
	s.peek([]store.Key{key(1), key(2)}, store.Window{}, store.Window{Used: 1, Until: s.in(period)})
}

func secret(s suite) {
	first := s.store.Secret()
	if len(first) != 32 || string(first) == string(make([]byte, 32)) {
		s.Fatalf("Secret: %x, want 32 random bytes", first)
	}
	clear(first) // a caller's copy
	if string(s.store.Secret()) == string(first) {
		s.Error("Secret hands out the store's own bytes")
	}
}

func closed(s suite) {
	s.must(s.store.Close())
	s.must(s.store.Close())
	_, ok, takeErr := store.Take(s.Context(), s.Windows, one(1))
	_, peekErr := store.Peek(s.Context(), s.Windows, key(1))
	holdErr := store.Hold(s.Context(), s.Windows, key(1), s.in(time.Hour))
	releaseErr := store.Release(s.Context(), s.Windows, key(1))
	_, notedErr := s.Noted(s.Context())
	for call, err := range map[string]error{"Take": takeErr, "Peek": peekErr, "Hold": holdErr, "Release": releaseErr, "Noted": notedErr} {
		if ok || !errors.Is(err, store.ErrClosed) {
			s.Errorf("%s: %v, want ErrClosed", call, err)
		}
	}
}

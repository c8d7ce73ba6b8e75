package ratelimit

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/ulule/limiter/v3"

	"aggregator/store"
)

// windows are the windows of one rate. This file alone knows the library.
type windows struct{ limiter *limiter.Limiter }

func newWindows(st store.Windows, rate Rate) windows {
	return windows{limiter.New(storeAdapter{st}, limiter.Rate{Limit: rate.Limit, Period: rate.Period})}
}

// take uses one request of a window, unless none is left.
func (w windows) take(ctx context.Context, key store.Key) (Decision, error) {
	state, err := w.limiter.Get(ctx, string(key[:]))
	return Decision{OK: !state.Reached, Remaining: state.Remaining, Reset: time.UnixMilli(state.Reset)}, err
}

// storeAdapter is a [limiter.Store] over ours. A key is the bytes of a
// [store.Key]. The library's own stores count on beyond the limit; this one
// does not: Reached says that nothing was used because nothing was left.
//
// Context.Reset is in Unix milliseconds, rounded up. The library's own stores
// truncate it to seconds, which tells callers to come back too early.
type storeAdapter struct{ store store.Windows }

var _ limiter.Store = storeAdapter{}

// Get uses one of a window.
func (a storeAdapter) Get(ctx context.Context, key string, rate limiter.Rate) (limiter.Context, error) {
	return a.Increment(ctx, key, 1, rate)
}

// Increment uses count of a window, or none when fewer are left.
func (a storeAdapter) Increment(ctx context.Context, key string, count int64, rate limiter.Rate) (limiter.Context, error) {
	if count < 1 || count > rate.Limit {
		return limiter.Context{}, fmt.Errorf("increment by %d, want 1 to %d", count, rate.Limit)
	}
	k, err := storeKey(key)
	if err != nil {
		return limiter.Context{}, err
	}
	use := store.UseOf(k, rate.Limit, rate.Period)
	windows, ok, err := store.Take(ctx, a.store, slices.Repeat([]store.Use{use}, int(count))...)
	if err != nil {
		return limiter.Context{}, err
	}
	return state(windows[0], rate, !ok), nil
}

// Peek tells how a window is. A free one has no Reset.
func (a storeAdapter) Peek(ctx context.Context, key string, rate limiter.Rate) (limiter.Context, error) {
	k, err := storeKey(key)
	if err != nil {
		return limiter.Context{}, err
	}
	windows, err := store.Peek(ctx, a.store, k)
	if err != nil {
		return limiter.Context{}, err
	}
	return state(windows[0], rate, windows[0].Used >= rate.Limit), nil
}

// Reset gives back all uses of a window, unless it is held.
func (a storeAdapter) Reset(ctx context.Context, key string, rate limiter.Rate) (limiter.Context, error) {
	k, err := storeKey(key)
	if err != nil {
		return limiter.Context{}, err
	}
	windows, err := store.Peek(ctx, a.store, k)
	if err != nil {
		return limiter.Context{}, err
	}
	if used := windows[0].Used; used < store.Held {
		if err := store.Release(ctx, a.store, slices.Repeat([]store.Key{k}, int(used))...); err != nil {
			return limiter.Context{}, err
		}
	}
	return a.Peek(ctx, key, rate)
}

func storeKey(key string) (store.Key, error) {
	if len(key) != len(store.Key{}) {
		return store.Key{}, fmt.Errorf("key of %d bytes, want %d", len(key), len(store.Key{}))
	}
	return store.Key([]byte(key)), nil
}

func state(w store.Window, rate limiter.Rate, reached bool) limiter.Context {
	c := limiter.Context{Limit: rate.Limit, Remaining: max(0, rate.Limit-w.Used), Reached: reached}
	if w.Used > 0 {
		c.Reset = w.Until.UnixMilli() // the store has rounded it up
	}
	return c
}

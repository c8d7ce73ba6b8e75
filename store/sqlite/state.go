package sqlite

import (
	"context"
	"time"

	"aggregator/store"
)

// state is the [store.State] of a Store.
type state struct{ *Store }

// Load implements [store.State].
func (s state) Load(ctx context.Context, keys ...store.Key) ([]store.Item, error) {
	return s.Store.state.Load(ctx, keys...)
}

// Save implements [store.State].
func (s state) Save(ctx context.Context, holder store.Key, items ...store.Item) ([]bool, error) {
	s.mu.Lock()
	saved, err := s.Store.state.Save(ctx, holder, items...)
	s.unlockAndWait(ctx, err == nil)
	return saved, err
}

// Claim implements [store.State]. Claims are in memory alone: nobody else has the
// file open, and they end with the process.
func (s state) Claim(ctx context.Context, holder store.Key, lease time.Duration, keys ...store.Key) ([]store.Claimed, error) {
	return s.Store.state.Claim(ctx, holder, lease, keys...)
}

// Release implements [store.State].
func (s state) Release(ctx context.Context, holder store.Key, keys ...store.Key) error {
	return s.Store.state.Release(ctx, holder, keys...)
}

package sqlite

import (
	"context"
	"time"

	"aggregator/store"
)

// windows is the [store.Windows] of a Store.
type windows struct{ *Store }

// Take implements [store.Windows].
func (s windows) Take(ctx context.Context, uses ...store.Use) ([]store.Window, bool, error) {
	s.mu.Lock()
	windows, ok, err := s.memory.Take(ctx, uses...)
	if err != nil || !ok {
		s.mu.Unlock()
		return windows, ok, err
	}
	for i, u := range uses {
		s.changed(u.Key, windows[i])
	}
	s.unlockAndWait(ctx)
	return windows, true, nil
}

// Peek implements [store.Windows].
func (s windows) Peek(ctx context.Context, keys ...store.Key) ([]store.Window, error) {
	return s.memory.Peek(ctx, keys...)
}

// Hold implements [store.Windows].
func (s windows) Hold(ctx context.Context, key store.Key, until time.Time) error {
	s.mu.Lock()
	if err := s.memory.Hold(ctx, key, until); err != nil {
		s.mu.Unlock()
		return err
	}
	if w := s.peek(key)[0]; w.Used > 0 {
		s.changed(key, w)
	}
	s.unlockAndWait(ctx)
	return nil
}

// Release implements [store.Windows].
func (s windows) Release(ctx context.Context, keys ...store.Key) error {
	s.mu.Lock()
	before := s.peek(keys...)
	if err := s.memory.Release(ctx, keys...); err != nil {
		s.mu.Unlock()
		return err
	}
	for i, after := range s.peek(keys...) {
		if after.Used < before[i].Used {
			s.changed(keys[i], store.Window{Used: after.Used, Until: before[i].Until})
		}
	}
	s.unlockAndWait(ctx)
	return nil
}

// Degraded implements [store.Windows]. Nobody else has the file open.
func (s windows) Degraded() bool { return false }

// peek reads memory whatever the caller's context says.
func (s windows) peek(keys ...store.Key) []store.Window {
	windows, err := s.memory.Peek(context.Background(), keys...)
	if err != nil { // closed: nothing is known any more
		return make([]store.Window, len(keys))
	}
	return windows
}

package sqlite

import (
	"context"
	"time"

	"aggregator/store"
)

// windows is the [store.Windows] of a Store.
type windows struct{ *Store }

// TakeEach implements [store.Windows].
func (s windows) TakeEach(ctx context.Context, groups ...[]store.Use) ([]store.Taken, error) {
	s.mu.Lock()
	taken, err := s.memory.TakeEach(ctx, groups...)
	changed := false
	for i, t := range taken {
		if !t.OK {
			continue
		}
		for j, u := range groups[i] {
			if !u.Look {
				s.changed(t.Keys[j], t.Windows[j])
				changed = true
			}
		}
	}
	s.unlockAndWait(ctx, changed)
	return taken, err
}

// PeekEach implements [store.Windows].
func (s windows) PeekEach(ctx context.Context, places ...store.Place) ([]store.Window, error) {
	return s.memory.PeekEach(ctx, places...)
}

// Change implements [store.Windows].
func (s windows) Change(ctx context.Context, changes ...store.Change) error {
	s.mu.Lock()
	applied, err := s.memory.Apply(ctx, changes...)
	changed := false
	for _, a := range applied {
		if a.After == a.Before {
			continue
		}
		if a.After.Used == 0 {
			a.After.Until = a.Before.Until // until then the file has something to forget
		}
		s.changed(a.Key, a.After)
		changed = true
	}
	s.unlockAndWait(ctx, changed)
	return err
}

// Noted implements [store.Windows].
func (s windows) Noted(ctx context.Context) ([]store.Noted, error) { return s.memory.Noted(ctx) }

// Degraded implements [store.Windows]. Nobody else has the file open.
func (s windows) Degraded() bool { return false }

// Lost implements [store.Windows].
func (s windows) Lost() time.Time { return time.Time{} }

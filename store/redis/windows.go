package redis

import (
	"context"

	"aggregator/store"
)

// windows is the [store.Windows] of a Store.
type windows struct{ *Store }

// TakeEach implements [store.Windows].
func (s windows) TakeEach(ctx context.Context, groups ...[]store.Use) (taken []store.Taken, err error) {
	var keys []store.Key
	var args []any
	for i, uses := range groups {
		for _, u := range uses {
			if err := u.Check(); err != nil {
				return nil, err
			}
			period := u.Period.Milliseconds()
			if u.Look {
				period = 0
			}
			keys = append(keys, u.Key)
			args = append(args, u.Slots, u.Limit, period, i)
		}
	}
	err = s.do(ctx, takeScript, keys, args, func(said []placed) (err error) {
		if said == nil {
			taken, err = s.takeAway(ctx, groups)
			return err
		}
		taken = takenOf(groups, said)
		return s.remember(ctx, groups, taken)
	})
	return taken, err
}

// takenOf is what a script says of groups of uses.
func takenOf(groups [][]store.Use, said []placed) []store.Taken {
	taken := make([]store.Taken, len(groups))
	for i, uses := range groups {
		t := &taken[i]
		t.OK = true
		for _, p := range said[:len(uses)] {
			t.Keys, t.Windows = append(t.Keys, p.key), append(t.Windows, p.window)
			if p.room {
				continue
			}
			t.OK = false
			if p.window.Until.After(t.Until) {
				t.Until = p.window.Until
			}
		}
		said = said[len(uses):]
	}
	return taken
}

// remember has in memory what was taken in Redis.
func (s windows) remember(ctx context.Context, groups [][]store.Use, taken []store.Taken) error {
	var changes []store.Change
	used(groups, taken, func(key store.Key, w store.Window) {
		changes = append(changes, store.Change{Place: store.Place{Key: key}, Kind: store.KindSet, Window: w})
	})
	return s.memory.Change(context.WithoutCancel(ctx), changes...)
}

// takeAway takes in memory while Redis is away, and notes it for Redis.
func (s windows) takeAway(ctx context.Context, groups [][]store.Use) ([]store.Taken, error) {
	taken, err := s.memory.TakeEach(context.WithoutCancel(ctx), groups...)
	used(groups, taken, func(key store.Key, w store.Window) {
		// No more than there are: another window may have closed since.
		s.owe(key, min(s.owed[key]+1, w.Used))
	})
	return taken, err
}

// used calls each for every window that was used.
func used(groups [][]store.Use, taken []store.Taken, each func(store.Key, store.Window)) {
	for i, t := range taken {
		if !t.OK {
			continue
		}
		for j, u := range groups[i] {
			if !u.Look {
				each(t.Keys[j], t.Windows[j])
			}
		}
	}
}

// PeekEach implements [store.Windows].
func (s windows) PeekEach(ctx context.Context, places ...store.Place) (all []store.Window, err error) {
	keys := make([]store.Key, len(places))
	args := make([]any, len(places))
	for i, p := range places {
		if err := p.Check(); err != nil {
			return nil, err
		}
		keys[i], args[i] = p.Key, p.Slots
	}
	err = s.do(ctx, peekScript, keys, args, func(said []placed) (err error) {
		if said == nil {
			all, err = s.memory.PeekEach(context.WithoutCancel(ctx), places...)
			return err
		}
		all = make([]store.Window, len(said))
		for i, p := range said {
			all[i] = p.window
		}
		return nil
	})
	return all, err
}

// Change implements [store.Windows].
func (s windows) Change(ctx context.Context, changes ...store.Change) error {
	keys := make([]store.Key, len(changes))
	args := make([]any, 0, 4*len(changes))
	for i, c := range changes {
		if err := c.Check(); err != nil {
			return err
		}
		keys[i] = c.Key
		args = append(args, int(c.Kind), c.Slots, c.Used, s.toRedis(c.Until))
	}
	return s.do(ctx, changeScript, keys, args, func(said []placed) error {
		if said == nil {
			return s.changeAway(ctx, changes)
		}
		same := make([]store.Change, len(said))
		for i, p := range said {
			same[i] = store.Change{Place: store.Place{Key: p.key}, Kind: store.KindSet, Window: p.window}
		}
		return s.memory.Change(context.WithoutCancel(ctx), same...)
	})
}

// changeAway makes changes in memory while Redis is away, and notes them for
// Redis.
func (s windows) changeAway(ctx context.Context, changes []store.Change) error {
	applied, err := s.memory.Apply(context.WithoutCancel(ctx), changes...)
	for _, a := range applied {
		switch {
		case a.After == a.Before:
		case a.After.Used == store.Held || a.Before.Used == store.Held:
			s.owe(a.Key, s.owed[a.Key]) // how it is says the window
		default:
			s.owe(a.Key, s.owed[a.Key]+a.After.Used-a.Before.Used)
		}
	}
	return err
}

// Degraded implements [store.Windows].
func (s windows) Degraded() bool { return !s.Health().OK() }

package redis

import (
	"context"
	"time"

	"aggregator/store"
)

// windows is the [store.Windows] of a Store.
type windows struct{ *Store }

// Take implements [store.Windows].
func (s windows) Take(ctx context.Context, uses ...store.Use) (windows []store.Window, ok bool, err error) {
	keys := make([]store.Key, len(uses))
	args := make([]any, 0, 2*len(uses))
	for i, u := range uses {
		if err := u.Check(); err != nil {
			return nil, false, err
		}
		keys[i] = u.Key
		args = append(args, u.Limit, u.Period.Milliseconds())
	}
	reply, err := s.do(ctx, takeScript, keys, args, func(reply *reply) (err error) {
		if reply != nil && !reply.ok {
			return nil
		}
		windows, ok, err = s.memory.Take(context.WithoutCancel(ctx), uses...)
		if reply == nil && ok {
			for i, key := range keys {
				// No more than there are: another window may have closed since.
				s.owe(key, min(s.owed[key]+1, windows[i].Used))
			}
		}
		return err
	})
	if err != nil {
		return nil, false, err
	}
	if reply != nil {
		return reply.windows, reply.ok, nil
	}
	return windows, ok, nil
}

// Peek implements [store.Windows].
func (s windows) Peek(ctx context.Context, keys ...store.Key) (windows []store.Window, err error) {
	reply, err := s.do(ctx, peekScript, keys, nil, func(reply *reply) (err error) {
		if reply == nil {
			windows, err = s.memory.Peek(context.WithoutCancel(ctx), keys...)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if reply != nil {
		return reply.windows, nil
	}
	return windows, nil
}

// Hold implements [store.Windows].
func (s windows) Hold(ctx context.Context, key store.Key, until time.Time) error {
	_, err := s.do(ctx, holdScript, []store.Key{key}, []any{s.toRedis(until)}, func(reply *reply) error {
		err := s.memory.Hold(context.WithoutCancel(ctx), key, until)
		if reply == nil && err == nil {
			s.owe(key, s.owed[key]) // that it is held says the window
		}
		return err
	})
	return err
}

// Release implements [store.Windows].
func (s windows) Release(ctx context.Context, keys ...store.Key) error {
	_, err := s.do(ctx, releaseScript, keys, nil, func(reply *reply) error {
		for _, key := range keys {
			before := s.used(key)
			if err := s.memory.Release(context.WithoutCancel(ctx), key); err != nil {
				return err
			}
			if reply == nil && s.used(key) < before {
				s.owe(key, s.owed[key]-1)
			}
		}
		return nil
	})
	return err
}

// Degraded implements [store.Windows].
func (s windows) Degraded() bool { return s.Health() != nil }

package redis

import (
	"context"
	"errors"
	"time"

	"aggregator/store"
)

const (
	// maxOwed bounds the windows that are remembered for Redis while it is away.
	maxOwed = 100_000
	// carried is how many of them go over in one script, which holds up all
	// other calls to Redis for as long.
	carried = 500
)

// away reports whether Redis is away, or cannot be used. Callers hold the mutex.
func (s *Store) away() bool { return s.state != store.OK }

// lose notes that Redis is away, starts to look for it, and returns errAway;
// or the error of a store that has been closed, which made the call fail.
func (s *Store) lose(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return store.ErrClosed
	case s.away():
		return errAway
	}
	s.blame(err)
	close(s.lost)
	s.probes.Go(s.find)
	return errAway
}

// blame notes why Redis cannot be used. Callers hold the mutex.
func (s *Store) blame(err error) {
	state, text := store.Away, "Redis is away; windows hold for this replica alone until it is back"
	switch {
	case errors.Is(err, errSecret):
		state, text = store.Foreign, "Redis has the secret of another store; windows hold for this replica alone until it is restarted"
	case outOfMemory(err):
		state, text = store.NoMemory, "Redis has no memory left; windows hold for this replica alone until it has"
	case says(err, "READONLY"), says(err, "MISCONF"):
		state, text = store.ReadOnly, "Redis takes no writes; windows hold for this replica alone until it does"
	}
	s.monitor.Become(s.state, state, text, "error", explain(err))
	s.state = state
}

// find looks for Redis until it is back, or the store is closed.
func (s *Store) find() {
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-s.ending.Done():
			return
		}
		err := s.rejoin()
		if err == nil {
			return
		}
		s.mu.Lock()
		s.blame(err)
		s.mu.Unlock()
	}
}

// rejoin brings Redis what it missed, and when it has all, goes back to it.
func (s *Store) rejoin() error {
	ctx, cancel := context.WithTimeout(s.ending, s.timeout)
	defer cancel()
	if err := s.greet(ctx); err != nil {
		return err
	}
	for {
		if there, err := s.carry(); there || err != nil {
			return err
		}
	}
}

// carry adds some of what is owed to the windows in Redis, and goes back to
// Redis when nothing is left. Calls wait for it, so that none changes memory
// meanwhile. What was taken in both, because an answer was lost, is counted
// twice: a post too few costs less than one too many.
func (s *Store) carry() (there bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	keys := make([]store.Key, 0, carried)
	for key := range s.owed {
		if keys = append(keys, key); len(keys) == carried {
			break
		}
	}
	windows, err := store.Peek(s.ending, s.memory, keys...)
	if err != nil {
		return false, err
	}
	args := make([]any, 0, 3*len(keys))
	for i, w := range windows {
		args = append(args, s.owed[keys[i]], w.Used, s.toRedis(w.Until))
	}
	if _, err := s.run(s.ending, carryScript, keys, args); err != nil {
		return false, err
	}
	for _, key := range keys {
		delete(s.owed, key)
	}
	if len(s.owed) > 0 {
		return false, nil
	}
	s.monitor.End(s.state, "Redis is back; windows are shared again")
	s.state, s.lost = store.OK, make(chan struct{})
	return true, nil
}

// owe notes that Redis is to hear of uses of a window, or of none but of the
// window itself. Callers hold the mutex.
func (s *Store) owe(key store.Key, uses int64) {
	if _, known := s.owed[key]; known || len(s.owed) < maxOwed {
		s.owed[key] = uses
	}
}

// Package redis is the store in Redis, for several replicas that share their
// windows.
//
// Every call is one script, so one round trip and exact among all replicas, and
// reads Redis's own clock; times are answered in this replica's. All keys begin
// with "aggregator:{w}:", one slot of a cluster. A window's key expires a little
// after the window closes. Redis must not evict keys (maxmemory-policy
// noeviction), and forgets windows at its own restart unless it saves them.
//
// Redis away stops nobody. What a replica has done itself it also has in memory,
// and goes on there, alone, without asking Redis, until a probe finds Redis
// again, every second. Then it adds to Redis what was taken meanwhile, up to
// [maxOwed] windows. See [Store.Health] and [store.Windows].
package redis

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	driver "github.com/redis/go-redis/v9"

	"aggregator/store"
)

const (
	startTimeout = 2 * time.Second        // for all that Open does
	callTimeout  = 250 * time.Millisecond // for one call, a new connection included
	probeEvery   = time.Second            // while Redis is away
	connections  = 32                     // most at once; other calls wait their turn
)

var (
	errAway   = errors.New("store: Redis is away")
	errSecret = errors.New("store: Redis has the secret of another store")
)

// Store is a [store.Store] in Redis.
type Store struct {
	options
	addr    string // host:port; nothing else of the URL may be shown
	clock   *store.Clock
	monitor *store.Monitor
	client  *driver.Client
	secret  []byte
	turns   chan struct{} // holds one for each call under way
	ahead   atomic.Int64  // milliseconds that our clock is ahead of Redis's

	ending context.Context // ends with Close
	end    context.CancelFunc
	probes sync.WaitGroup // of one goroutine at most

	mu     sync.Mutex
	memory *store.MemoryWindows
	owed   map[store.Key]int64 // uses of memory's windows that Redis has not heard of
	state  store.State         // what is wrong with Redis; OK while it is there
	lost   chan struct{}       // closed while it is
	closed bool

	closing  sync.Once
	closeErr error
}

var _ store.Store = (*Store)(nil)

// Open opens the store in the Redis that url names: redis://, or rediss:// for
// TLS, then user:password@host:port/db. A nil log is silent.
func Open(ctx context.Context, url string, log *slog.Logger) (*Store, error) {
	return open(ctx, url, log, options{now: time.Now, timeout: callTimeout})
}

// Windows implements [store.Store].
func (s *Store) Windows() store.Windows { return s.clock.OnWall(windows{s}) }

// Secret implements [store.Store].
func (s *Store) Secret() []byte { return slices.Clone(s.secret) }

// Health implements [store.Store].
func (s *Store) Health() store.Health { return s.monitor.Health() }

// Close implements [store.Store].
func (s *Store) Close() error {
	s.closing.Do(func() {
		s.mu.Lock()
		s.closed = true // from here on no call changes anything, and no probe begins
		s.mu.Unlock()
		s.end()
		s.probes.Wait()
		s.closeErr = s.client.Close()
		s.memory.Close()
		s.mu.Lock()
		defer s.mu.Unlock()
		if len(s.owed) > 0 {
			s.closeErr = errors.Join(s.closeErr, fmt.Errorf("%w: what was taken meanwhile of %d windows is lost", errAway, len(s.owed)))
		}
	})
	return s.closeErr
}

// do runs a script, and then what is the same in memory, so that this replica
// knows it when Redis is lost. While Redis is away local alone counts, and gets
// nil. It runs under the mutex.
func (s *Store) do(ctx context.Context, script *driver.Script, keys []store.Key, args []any, local func([]placed) error) error {
	for {
		said, err := s.ask(ctx, script, keys, args)
		if err != nil && !errors.Is(err, errAway) {
			return err
		}
		s.mu.Lock()
		if said == nil && !s.away() { // Redis has come back in between
			s.mu.Unlock()
			continue
		}
		err = local(said)
		s.mu.Unlock()
		if said != nil {
			return nil // memory may be closed: it is not what counts
		}
		return err
	}
}

// ask runs a script when its turn comes. It answers errAway while Redis is
// away, or when this call found it so.
func (s *Store) ask(ctx context.Context, script *driver.Script, keys []store.Key, args []any) ([]placed, error) {
	s.mu.Lock()
	lost, closed := s.lost, s.closed
	s.mu.Unlock()
	if closed {
		return nil, store.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case s.turns <- struct{}{}:
		defer func() { <-s.turns }()
	case <-lost:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case <-lost: // however long the wait was
		return nil, errAway
	default:
	}

	deadline, impatient := ctx.Deadline()
	impatient = impatient && time.Until(deadline) < s.timeout
	said, err := s.run(ctx, script, keys, args)
	switch {
	case err == nil:
		return said, nil
	case ctx.Err() != nil: // the caller's patience says nothing of Redis
		return nil, ctx.Err()
	case impatient && timedOut(err): // the connection's timer may be a little before the context's
		return nil, context.DeadlineExceeded
	}
	return nil, s.lose(err)
}

// Package redis is the store in Redis, for several replicas that share it.
//
// Every call is one script, so one round trip and exact among all replicas, and
// reads Redis's own clock. All keys begin with "aggregator:{w}:", one slot of a
// cluster. A window's key expires a little after the window closes. Redis must
// not evict keys (maxmemory-policy noeviction).
//
// Redis away stops nobody. How windows are in Redis a replica also knows in
// memory, as far as it has seen them, and goes on there, alone, until a probe
// finds Redis again. Then it adds to Redis what was taken meanwhile, up to
// [maxOwed] windows. A Redis that has lost its data, at its own restart for
// example, is told all that replicas know. See [Store.Health] and
// [store.Windows].
package redis

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"

	"aggregator/store"
)

const (
	startTimeout = 2 * time.Second // for what Open does, but for yielding
	// yieldFor is how long Open waits for replicas that run to put the secret
	// back into a Redis that has none, before it makes a new one.
	yieldFor = 3 * beatEvery

	callTimeout = 2 * time.Second        // for one call, a new connection included
	slowCall    = time.Second            // a call that takes longer is a bad one
	badCalls    = 3                      // in a row, and Redis is given up for a while
	retryPause  = 100 * time.Millisecond // after a call that failed
	graceFor    = 250 * time.Millisecond // how long calls wait for a Redis that was just given up
	beatEvery   = 500 * time.Millisecond // how often a replica looks at Redis by itself
	lostFor     = 2 * time.Second        // how long replicas have to tell a Redis that lost its data what they know
	connections = 32                     // most at once; other calls wait their turn
)

// Store is a [store.Store] in Redis.
type Store struct {
	*link
	windows  *windows
	state    *state
	shards   *shards
	outcomes *outcomes
	history  *history
	outbox   *outbox

	closing  sync.Once
	closeErr error
}

var _ store.Store = (*Store)(nil)

// options are what tests change.
type options struct {
	now          func() time.Time     // this replica's wall clock
	elapsed      func() time.Duration // as for [store.NewClock]
	told         func() time.Time     // scripts are told that time, and do not ask Redis's clock; nil for Redis's
	start        time.Duration        // see startTimeout
	timeout      time.Duration        // of one call
	slow         time.Duration        // see slowCall
	yield        time.Duration        // see yieldFor
	bounds       store.ShardBounds    // of sets of shards
	histories    int                  // bots whose history is kept
	outboxBounds store.OutboxBounds   // of messages
	roots        *x509.CertPool       // whom to trust; the system's when nil
}

// Open opens the store in the Redis that url names: redis://, or rediss:// for
// TLS, then user:password@host:port/db. A nil log is silent.
func Open(ctx context.Context, url string, log *slog.Logger) (*Store, error) {
	return open(ctx, url, log, options{
		now: time.Now, start: startTimeout, timeout: callTimeout, slow: slowCall, yield: yieldFor,
		bounds: store.DefaultShardBounds, histories: store.MaxHistories, outboxBounds: store.DefaultOutboxBounds,
	})
}

func open(ctx context.Context, url string, log *slog.Logger, opts options) (*Store, error) {
	config, err := parse(url, opts)
	if err != nil {
		return nil, err
	}
	s := &Store{link: newLink(config, log, opts)}
	s.windows = newWindows(s.link)
	s.state = newState(s.link)
	s.shards = &shards{s.link}
	s.outcomes = &outcomes{s.link}
	s.history = &history{s.link}
	s.outbox = newOutbox(s.link)
	if err = s.begin(ctx); err == nil {
		return s, nil
	}
	s.end()
	_ = s.client.close() // there is an error already
	if ctx.Err() != nil {
		return nil, fmt.Errorf("store: Redis at %s: %w", s.addr, ctx.Err())
	}
	return nil, fmt.Errorf("store: Redis at %s %s", s.addr, explain(err))
}

// Windows implements [store.Store].
func (s *Store) Windows() store.Windows { return s.clock.OnWall(s.windows) }

// State implements [store.Store].
func (s *Store) State() store.State { return s.state }

// Shards implements [store.Store].
func (s *Store) Shards() store.Shards { return s.shards }

// History implements [store.Store].
func (s *Store) History() store.History { return s.history }

// Outcomes implements [store.Store].
func (s *Store) Outcomes() store.Outcomes { return s.outcomes }

// Outbox implements [store.Store].
func (s *Store) Outbox() store.Outbox { return s.outbox }

// Backup implements [store.Store].
func (s *Store) Backup(context.Context, io.Writer) error {
	return errors.New("the store is in Redis, which has backups of its own: see its BGSAVE and its append-only file")
}

// Secret implements [store.Store].
func (s *Store) Secret() []byte { return slices.Clone(s.secret) }

// Health implements [store.Store].
func (s *Store) Health() store.Health { return s.monitor.Health() }

// Close implements [store.Store].
func (s *Store) Close() error {
	s.closing.Do(func() {
		s.closeErr = s.link.close()
		s.outbox.changes.bells.Close()
		if n := s.windows.close(); n > 0 {
			s.closeErr = errors.Join(s.closeErr, fmt.Errorf("%w: what was taken meanwhile of %d windows is lost", errAway, n))
		}
	})
	return s.closeErr
}

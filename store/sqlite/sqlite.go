// Package sqlite is the store in one SQLite file, for one process.
//
// Decisions are made in memory, on what was read when the file was opened, and
// every change is in the file before the call that made it returns: what was
// taken stays taken when the process is killed. Messages of the outbox are in the
// file alone, for their bodies would fill the memory; its calls are made there,
// all that wait in one transaction. A machine that loses power may lose the last
// changes.
//
// A file that cannot be written stops nobody but the outbox, which is away then:
// the store goes on in memory, says so in [Store.Health], and catches up by
// itself. A file that was removed is written anew.
package sqlite

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"aggregator/store"
)

// retryEvery is how long the store waits after a failed write.
const retryEvery = time.Second

// Store is a [store.Store] in a SQLite file.
type Store struct {
	options
	path    string
	monitor *store.Monitor
	clock   *store.Clock
	secret  []byte
	bells   store.Bells

	mu       sync.Mutex // orders a decision and its row alike
	memory   *store.MemoryWindows
	state    *store.MemoryState
	shards   *store.MemoryShards
	outcomes *store.MemoryOutcomes
	rows     changes       // to write
	steps    []*step       // of the outbox, to do
	saved    chan struct{} // closed when what is in rows has been written, or has failed to be
	failed   error         // why the last write failed; nil when it did not
	closed   bool
	closing  sync.Once
	closeErr error

	file *database // the writer's own, once that runs; nil while there is none

	jobs chan func()   // for the writer to do
	wake chan struct{} // something is in rows
	stop chan struct{} // closed by Close
	done chan struct{} // closed by the writer when it has ended
}

var _ store.Store = (*Store)(nil)

// options are what tests change.
type options struct {
	now       func() time.Time
	elapsed   func() time.Duration // as for [store.NewClock]
	maxKeys   int
	bounds    store.ShardBounds
	histories int // bots whose history is kept
	outbox    store.OutboxBounds
}

// Open opens the store in the file at path, which is made when it is not
// there. It fails when another process has it open. A nil log is silent.
func Open(path string, log *slog.Logger) (*Store, error) {
	return open(path, log, options{now: time.Now, maxKeys: store.DefaultMaxKeys, bounds: store.DefaultShardBounds, outbox: store.DefaultOutboxBounds, histories: store.MaxHistories})
}

func open(path string, log *slog.Logger, opts options) (*Store, error) {
	s := &Store{
		options: opts,
		path:    path,
		monitor: store.NewMonitor(log, opts.now, "file", path),
		rows:    newChanges(),
		saved:   make(chan struct{}),
		jobs:    make(chan func()),
		wake:    make(chan struct{}, 1),
		stop:    make(chan struct{}),
		done:    make(chan struct{}),
	}
	file, err := openDatabase(path, opts.histories)
	if err != nil {
		return nil, s.problem(err)
	}
	if err := s.read(file); err != nil {
		_ = file.db.Close()
		return nil, s.problem(err)
	}
	s.file = file
	go s.write()
	return s, nil
}

// read reads the secret, the clock and the windows that are still open.
func (s *Store) read(file *database) (err error) {
	if s.secret, err = file.secret(store.NewSecret()); err != nil {
		return err
	}
	last, err := file.reading()
	if err != nil {
		return err
	}
	s.clock = store.NewClock(s.now, s.elapsed, last)
	s.memory = store.NewMemoryWindows(s.maxKeys, s.clock.Now, s.madeRoom)
	s.state = store.NewMemoryState(s.clock, s.changedItem)
	if err := file.windows(s.clock.Now(), s.maxKeys, s.memory.Load); err != nil {
		return err
	}
	if err := file.items(s.clock.Now().Add(-store.ItemTTL), s.state.Put); err != nil {
		return err
	}
	s.shards = store.NewMemoryShards(s.clock, s.bounds, s.shardRows())
	if err := file.shards(s.clock.Now(), s.shards.Put); err != nil {
		return err
	}
	s.outcomes = store.NewMemoryOutcomes(s.outcomeRows())
	if err := file.outcomes(s.now(), s.outcomes); err != nil {
		return err
	}
	err = file.forgetHistory(s.now())
	s.rows = newChanges() // what was read is in the file, and what made room is not
	return err
}

// Windows implements [store.Store].
func (s *Store) Windows() store.Windows { return s.clock.OnWall(windows{s}) }

// State implements [store.Store].
func (s *Store) State() store.State { return state{s} }

// Shards implements [store.Store].
func (s *Store) Shards() store.Shards { return shards{s} }

// History implements [store.Store].
func (s *Store) History() store.History { return history{s} }

// Outcomes implements [store.Store].
func (s *Store) Outcomes() store.Outcomes { return outcomes{s} }

// Outbox implements [store.Store].
func (s *Store) Outbox() store.Outbox { return outbox{s} }

// Secret implements [store.Store].
func (s *Store) Secret() []byte { return slices.Clone(s.secret) }

// Health implements [store.Store].
func (s *Store) Health() store.Health {
	if !s.memory.Full() {
		s.monitor.EndFull()
	}
	return s.monitor.Health()
}

// Close implements [store.Store].
func (s *Store) Close() error {
	s.closing.Do(func() {
		s.mu.Lock()
		s.memory.Close() // from here on no call changes anything
		s.state.Close()
		s.shards.Close()
		s.outcomes.Close()
		s.closed = true
		s.mu.Unlock()
		s.bells.Close()
		close(s.stop)
		<-s.done
		var err error
		if s.file != nil {
			err = s.file.close() // moves the write-ahead log into the file
		}
		if s.rows.len() > 0 {
			err = errors.Join(s.failed, err)
		}
		if err != nil {
			s.closeErr = s.problem(err)
		}
	})
	return s.closeErr
}

// problem says what is wrong with the file.
func (s *Store) problem(err error) error {
	if why, ok := errors.AsType[problem](explain(err)); ok {
		return fmt.Errorf("store file %s %w", s.path, why)
	}
	return fmt.Errorf("store file %s cannot be used: %w", s.path, err)
}

// changed notes what is to be written. Callers hold the mutex.
func (s *Store) changed(key store.Key, w store.Window) {
	put(s.rows.windows, key, w, s.maxKeys)
}

// changedItem is changed of an item.
func (s *Store) changedItem(item store.Item) { put(s.rows.items, item.Key, item, s.maxKeys) }

// madeRoom notes a window that had to make room for another. Callers hold the
// mutex.
func (s *Store) madeRoom(key store.Key, w store.Window) {
	s.monitor.BeginFull(s.maxKeys)
	s.changed(key, store.Window{Until: w.Until})
}

// unlockAndWait gives up the mutex and, if something was changed, waits until
// that is in the file, or the context ends. While the file cannot be written it
// does not wait.
func (s *Store) unlockAndWait(ctx context.Context, changed bool) {
	saved, idle := s.saved, !changed || s.rows.len() == 0 || s.failed != nil
	s.mu.Unlock()
	if idle {
		return
	}
	s.wakeWriter()
	select {
	case <-saved:
	case <-ctx.Done():
	}
}

func (s *Store) wakeWriter() {
	select {
	case s.wake <- struct{}{}:
	default: // the writer has been told already
	}
}

// Package sqlite is the store in one SQLite file, for one process.
//
// Decisions are made in memory, on the windows read when the file was opened,
// and every change is in the file before the call that made it returns: what
// was taken stays taken when the process is killed. A file that cannot be
// written stops nobody: the store goes on in memory, says so in [Store.Health],
// and catches up by itself.
package sqlite

import (
	"context"
	"database/sql"
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
	path   string
	log    *slog.Logger
	db     *sql.DB // one connection, used by the writer alone
	upsert *sql.Stmt
	remove *sql.Stmt
	expire *sql.Stmt
	secret []byte
	now    func() time.Time

	mu       sync.Mutex // orders a decision and its row alike
	memory   *store.MemoryWindows
	rows     map[store.Key]store.Window // changes to write; no Used means delete
	maxRows  int
	saved    chan struct{} // closed when what is in rows has been written, or has failed to be
	trouble  error         // why the last write failed; nil when it did not
	closing  sync.Once
	closeErr error

	wake chan struct{} // something is in rows
	stop chan struct{} // closed by Close
	done chan struct{} // closed by the writer when it has ended
}

var _ store.Store = (*Store)(nil)

// Open opens the store in the file at path, which is made when it is not
// there. It fails when another process has it open. A nil log is silent.
func Open(path string, log *slog.Logger) (*Store, error) {
	return open(path, log, time.Now, store.DefaultMaxKeys)
}

func open(path string, log *slog.Logger, now func() time.Time, maxKeys int) (*Store, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &Store{
		path:    path,
		log:     log,
		now:     now,
		memory:  store.NewMemoryWindows(store.MemoryOptions{MaxKeys: maxKeys, Now: now}),
		rows:    make(map[store.Key]store.Window),
		maxRows: maxKeys,
		saved:   make(chan struct{}),
		wake:    make(chan struct{}, 1),
		stop:    make(chan struct{}),
		done:    make(chan struct{}),
	}
	if err := s.openFile(); err != nil {
		if s.db != nil {
			_ = s.db.Close()
		}
		return nil, s.problem(err)
	}
	go s.write()
	return s, nil
}

// Windows implements [store.Store].
func (s *Store) Windows() store.Windows { return windows{s} }

// Secret implements [store.Store].
func (s *Store) Secret() []byte { return slices.Clone(s.secret) }

// Health is nil while every change reaches the file, else why not.
func (s *Store) Health() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.trouble == nil {
		return nil
	}
	why, ok := errors.AsType[problem](explain(s.trouble))
	if !ok {
		why = "cannot be written"
	}
	return fmt.Errorf("store: windows are kept in memory alone: the file %w", why)
}

// Close implements [store.Store].
func (s *Store) Close() error {
	s.closing.Do(func() {
		s.mu.Lock()
		s.memory.Close() // from here on no call changes anything
		s.mu.Unlock()
		close(s.stop)
		<-s.done
		err := s.db.Close() // moves the write-ahead log into the file
		if len(s.rows) > 0 {
			err = errors.Join(s.trouble, err)
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
	// Beyond the bound, which takes a file that cannot be written for long,
	// a change lives in memory alone.
	if _, known := s.rows[key]; known || len(s.rows) < s.maxRows {
		s.rows[key] = w
	}
}

// unlockAndWait gives up the mutex and, if something was changed, waits until
// that is in the file, or the context ends. While the file cannot be written it
// does not wait.
func (s *Store) unlockAndWait(ctx context.Context, changed bool) {
	saved, idle := s.saved, !changed || len(s.rows) == 0 || s.trouble != nil
	s.mu.Unlock()
	if idle {
		return
	}
	select {
	case s.wake <- struct{}{}:
	default: // the writer has been told already
	}
	select {
	case <-saved:
	case <-ctx.Done():
	}
}

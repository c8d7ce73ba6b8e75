package sqlite

import (
	"context"
	"time"

	"aggregator/store"
)

// expireEvery is how many rows are written between two removals of old ones.
const expireEvery = 500

// write is the writer: it alone uses the database, and ends with Close.
func (s *Store) write() {
	defer close(s.done)
	written := 0 // since old rows were removed
	for {
		wake, retry := s.wake, (<-chan time.Time)(nil)
		if s.Health() != nil {
			wake, retry = nil, time.After(retryEvery)
		}
		select {
		case <-wake:
		case <-retry:
		case <-s.stop:
			s.flush()
			return
		}
		written += s.flush()
		if written >= expireEvery {
			// More than were added, so that old rows never pile up. It costs
			// nobody anything when this fails: the next flush tells.
			_, _ = s.expire.Exec(s.now().UnixMilli(), 2*written)
			written = 0
		}
	}
}

// flush writes all changes that wait in one transaction, and answers how many.
func (s *Store) flush() int {
	s.mu.Lock()
	rows, saved := s.rows, s.saved
	if len(rows) == 0 {
		s.mu.Unlock()
		return 0
	}
	s.rows, s.saved = make(map[store.Key]store.Window), make(chan struct{})
	s.mu.Unlock()
	defer close(saved)

	err := s.save(rows)

	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.trouble
	s.trouble = err
	if err != nil {
		s.keep(rows)
		if before == nil {
			s.log.Error("store file cannot be written; windows are kept in memory alone until it can", "file", s.path, "error", err)
		}
		return 0
	}
	if before != nil {
		s.log.Info("store file is written again", "file", s.path, "windows", len(rows))
	}
	return len(rows)
}

// save writes rows in one transaction.
func (s *Store) save(rows map[store.Key]store.Window) error {
	tx, err := s.db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after Commit
	ctx := context.Background()
	upsert, remove := tx.StmtContext(ctx, s.upsert), tx.StmtContext(ctx, s.remove)
	for key, w := range rows {
		if w.Used == 0 {
			_, err = remove.Exec(key[:])
		} else {
			_, err = upsert.Exec(key[:], w.Used, w.Until.UnixMilli())
		}
		if err != nil {
			return err
		}
	}
	return tx.Commit()
}

// keep puts rows back that could not be written, unless they have changed
// since or are over: what is over means nothing in the file either.
func (s *Store) keep(rows map[store.Key]store.Window) {
	now := s.now()
	for key, w := range rows {
		if _, newer := s.rows[key]; !newer && w.Until.After(now) {
			s.changed(key, w)
		}
	}
}

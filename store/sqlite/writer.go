package sqlite

import (
	"errors"
	"io/fs"
	"os"
	"time"

	"aggregator/store"
)

// expireEvery is how many rows are written between two removals of old ones.
const expireEvery = 500

// inMemoryAlone begins what is said of a file that cannot be written.
const inMemoryAlone = "windows are kept in memory alone, and no votes are taken: "

// write is the writer: it alone uses the database, and ends with Close.
func (s *Store) write() {
	defer close(s.done)
	written := 0 // since old rows were removed
	prune := time.NewTicker(pruneEvery)
	defer prune.Stop()
	for {
		wake, retry := s.wake, (<-chan time.Time)(nil)
		if s.isFailing() {
			wake, retry = nil, time.After(retryEvery)
		}
		select {
		case <-wake:
		case <-retry:
		case job := <-s.jobs:
			job()
		case <-prune.C:
			s.pruneOutbox()
		case <-s.stop:
			s.flush()
			return
		}
		written += s.flush()
		if written >= expireEvery {
			// More than were added, so that old rows never pile up.
			s.file.expire(s.clock.Now(), 2*written)
			written = 0
		}
	}
}

func (s *Store) isFailing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed != nil
}

// flush writes all rows that wait in one transaction, and returns how many; then
// it makes the steps that wait in another.
func (s *Store) flush() int {
	err := s.inPlace()
	n, err := s.flushRows(err)
	s.makeSteps(err)
	return n
}

// flushRows writes rows, and returns how many, unless err says why it cannot.
func (s *Store) flushRows(err error) (int, error) {
	s.mu.Lock()
	rows, saved := s.rows, s.saved
	if rows.len() == 0 && s.failed == nil && err == nil {
		s.mu.Unlock()
		return 0, nil
	}
	s.rows, s.saved = newChanges(), make(chan struct{})
	s.mu.Unlock()
	defer close(saved)

	if err == nil {
		err = s.file.save(rows, s.clock.Read())
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed = err
	if err != nil {
		s.rows.keep(rows, s.clock.Now(), s.maxKeys)
		s.unwritten(err)
		return 0, err
	}
	s.monitor.End(store.Unwritten, "store file is written again", "rows", rows.len())
	return rows.len(), nil
}

// unwritten says why nothing is written, unless that is said already.
func (s *Store) unwritten(err error) {
	if s.monitor.Has(store.Gone) || s.monitor.Has(store.Replaced) {
		return
	}
	why, ok := errors.AsType[problem](explain(err))
	if !ok {
		why = "cannot be written"
	}
	s.monitor.Begin(store.Unwritten, inMemoryAlone+"the file "+string(why), "error", err)
}

var (
	errReplaced problem = "was replaced by another one"
	errGone     problem = "was removed"
)

// inPlace makes sure that the file at the store's path is the one that is open.
// One that is gone is written anew, unless another stands there.
func (s *Store) inPlace() error {
	info, err := os.Stat(s.path)
	switch {
	case err == nil && s.file != nil && os.SameFile(info, s.file.info):
		s.monitor.End(store.Replaced, "the store's file is in its place again")
		s.monitor.End(store.Gone, "the store's file is in its place again")
		return nil
	case err == nil:
		s.monitor.Begin(store.Replaced, inMemoryAlone+"another file stands in the place of the store's")
		return errReplaced
	case !errors.Is(err, fs.ErrNotExist):
		return nil // cannot be told; writing will
	}
	s.monitor.End(store.Replaced, "the file in the place of the store's is gone")
	s.monitor.Begin(store.Gone, inMemoryAlone+"the file was removed")
	if err := s.renew(); err != nil {
		return err
	}
	s.monitor.End(store.Gone, "the store's file is written anew")
	return nil
}

// renew makes another file, with what was in the one that was removed, and has
// all windows written to it.
func (s *Store) renew() error {
	s.mu.Lock()
	s.failed = errGone // nobody waits
	s.mu.Unlock()
	if err := s.makeAnew(); err != nil {
		return err
	}
	file, err := openDatabase(s.path, s.histories)
	if err != nil {
		return err
	}
	if _, err := file.secret(s.secret); err != nil {
		_ = file.db.Close()
		return err
	}
	s.file = file
	s.mu.Lock()
	defer s.mu.Unlock()
	s.memory.Each(func(key store.Key, w store.Window) { s.rows.windows[key] = w })
	s.state.Each(func(item store.Item) { s.rows.items[item.Key] = item })
	s.shards.Each(func(id store.ShardSetID, row store.ShardSetRow, counts []store.ShardRow) {
		set := s.rows.set(id)
		set.row = &row
		for _, c := range counts {
			set.counts[c.Shard] = shardCount{ShardRow: c}
		}
	})
	s.outcomes.Each(func(id store.OutcomeRowID, tally string) { s.rows.outcomes[id] = tally },
		func(id store.OutcomeID, l store.Latest) { s.rows.latest[id] = latestChange{latest: &l} })
	return nil
}

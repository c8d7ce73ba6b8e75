package sqlite

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"

	"aggregator/store"
)

// errNoFile is of a backup while there is no file of ours.
var errNoFile problem = "is not in its place: there is nothing to back up"

// Backup implements [store.Store]. The copy is a SQLite file, which is a store
// when it is put in the place of this one.
func (s *Store) Backup(ctx context.Context, w io.Writer) error {
	// The folder is for us alone, and the copy needs as much room as the file.
	folder, err := os.MkdirTemp(filepath.Dir(s.path), ".backup-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	path := filepath.Join(folder, "copy.db")
	copied := make(chan error, 1)
	select {
	case s.jobs <- func() { copied <- s.copyTo(path) }:
	case <-s.stop:
		return store.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := <-copied; err != nil {
		return s.problem(err)
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, file)
	return errors.Join(err, file.Close())
}

// copyTo copies the file, with all that waits to be written, to one that is not
// there yet. The writer alone calls it.
func (s *Store) copyTo(path string) error {
	s.flush()
	if s.file == nil {
		return errNoFile
	}
	s.mu.Lock()
	failed := s.failed
	s.mu.Unlock()
	if failed != nil {
		return failed
	}
	return s.file.copyTo(path)
}

// copyTo copies what is in the file to one that is not there yet.
func (d *database) copyTo(path string) error {
	_, err := d.db.Exec(`VACUUM INTO ?`, path)
	return err
}

// makeAnew makes a file in the place of one that was removed, and closes that:
// until then it can still be read, and the messages in it are nowhere else. If
// that cannot be done, it stays open; only what is damaged is given up.
func (s *Store) makeAnew() error {
	folder, err := os.MkdirTemp(filepath.Dir(s.path), ".renew-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	path := filepath.Join(folder, "copy.db")
	copied := false
	if s.file != nil {
		err := s.file.copyTo(path)
		if err == nil {
			err = os.Chmod(path, 0o600)
		}
		if copied = err == nil; !copied && !errors.Is(explain(err), damaged) {
			return err
		}
		_ = s.file.db.Close() // takes its write-ahead log away
		s.file = nil
	}
	if err := makeFile(s.path); err != nil || !copied {
		return err
	}
	return os.Rename(path, s.path)
}

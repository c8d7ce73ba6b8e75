package sqlite

import (
	"context"
	"errors"
	"io"
	"net/url"
	"os"
	"path/filepath"

	driver "modernc.org/sqlite"

	"aggregator/store"
)

// errNoFile is of a backup while there is no file of ours.
var errNoFile problem = "is not in its place: there is nothing to back up"

// copyAtOnce is how many pages of the file, of 4 KiB, are copied before what
// waits to be written has its turn.
const copyAtOnce = 128

// Backup implements [store.Store]. The copy is a SQLite file, which is a store
// when it is put in the place of this one. Everybody else goes on meanwhile: it
// holds all that was written before it began, and some of what came since.
func (s *Store) Backup(ctx context.Context, w io.Writer) error {
	// The folder is for us alone, and the copy needs as much room as the file.
	folder, err := os.MkdirTemp(filepath.Dir(s.path), ".backup-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	path := filepath.Join(folder, "copy.db")
	if err := s.copyTo(ctx, path); err != nil {
		return err
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, file)
	return errors.Join(err, file.Close())
}

// copyTo copies the file to one that is not there yet, some pages at a time.
func (s *Store) copyTo(ctx context.Context, path string) error {
	var from *database
	var copying *driver.Backup
	err := s.job(ctx, func() (err error) {
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
		from = s.file
		copying, err = from.beginCopy(path)
		return err
	})
	for more := true; more && err == nil; {
		err = s.job(ctx, func() (err error) {
			more, err = from.stepCopy(copying)
			return err
		})
	}
	if err != nil && from != nil {
		_ = s.job(context.WithoutCancel(ctx), func() error { return from.endCopy(copying) })
	}
	return err
}

// job has the writer do something, unless the context ends before.
func (s *Store) job(ctx context.Context, do func() error) error {
	done := make(chan error, 1)
	select {
	case s.jobs <- func() { done <- do() }:
	case <-s.stop:
		return store.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := <-done; err != nil {
		return s.problem(err)
	}
	return nil
}

// beginCopy begins to copy the file to one that is not there yet.
func (d *database) beginCopy(path string) (copying *driver.Backup, err error) {
	path, err = filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	to := fileURL(path, url.Values{"_synchronous": {"OFF"}}) // it is worth nothing before it is whole
	err = d.raw(func(conn any) (err error) {
		copying, err = conn.(interface {
			NewBackup(url string) (*driver.Backup, error)
		}).NewBackup(to)
		return err
	})
	if err == nil {
		d.copies[copying] = true
	}
	return copying, err
}

// stepCopy copies some pages more, and reports whether there are others. What is
// written meanwhile is copied too.
func (d *database) stepCopy(copying *driver.Backup) (more bool, err error) {
	if !d.copies[copying] {
		return false, errNoFile // it was removed
	}
	err = d.raw(func(any) (err error) {
		more, err = copying.Step(copyAtOnce)
		return err
	})
	if err == nil && !more {
		err = d.endCopy(copying)
	}
	return more, err
}

// endCopy ends a copy, whether it is whole or not. Ending it twice is the same as
// ending it once.
func (d *database) endCopy(copying *driver.Backup) error {
	if !d.copies[copying] {
		return nil
	}
	delete(d.copies, copying)
	return d.raw(func(any) error { return copying.Finish() })
}

// raw calls f with the driver's connection.
func (d *database) raw(f func(conn any) error) error {
	conn, err := d.db.Conn(context.Background())
	if err != nil {
		return err
	}
	return errors.Join(conn.Raw(f), conn.Close())
}

// close ends all copies and closes the file.
func (d *database) close() error {
	for copying := range d.copies {
		_ = d.endCopy(copying)
	}
	return d.db.Close()
}

// vacuumInto copies what is in the file to one that is not there yet.
func (d *database) vacuumInto(path string) error {
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
		err := s.file.vacuumInto(path)
		if err == nil {
			err = os.Chmod(path, 0o600)
		}
		if copied = err == nil; !copied && !errors.Is(explain(err), damaged) {
			return err
		}
		_ = s.file.close() // takes its write-ahead log away
		s.file = nil
	}
	if err := makeFile(s.path); err != nil || !copied {
		return err
	}
	return os.Rename(path, s.path)
}

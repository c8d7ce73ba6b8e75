package sqlite

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	driver "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"aggregator/store"
)

// migrations make the schema: the one at i leads from version i to i+1, as
// PRAGMA user_version counts them.
var migrations = []string{
	`CREATE TABLE meta (
		name TEXT NOT NULL PRIMARY KEY,
		value BLOB NOT NULL
	) STRICT, WITHOUT ROWID;
	CREATE TABLE windows (
		key BLOB NOT NULL PRIMARY KEY,
		used INTEGER NOT NULL,
		until_ms INTEGER NOT NULL
	) STRICT, WITHOUT ROWID;
	CREATE INDEX windows_until ON windows (until_ms);`,
}

// openFile opens the database, brings its schema up to date and reads it.
func (s *Store) openFile() error {
	if s.path == "" {
		return problem("has no name")
	}
	// SQLite would make the file readable to all, but it holds the secret.
	// One that is there keeps its mode, and must not be opened here: closing
	// it would drop the locks that this process has on it.
	file, err := os.OpenFile(s.path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		err = file.Close()
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return problem("cannot be made: " + errors.Unwrap(err).Error())
	}

	dsn, err := dataSource(s.path)
	if err != nil {
		return err
	}
	if s.db, err = sql.Open("sqlite", dsn); err != nil {
		return err
	}
	s.db.SetMaxOpenConns(1)
	if err := s.migrate(); err != nil {
		return err
	}
	if err := s.load(); err != nil {
		return err
	}
	for stmt, query := range map[**sql.Stmt]string{
		&s.upsert: `INSERT INTO windows (key, used, until_ms) VALUES (?, ?, ?)
			ON CONFLICT (key) DO UPDATE SET used = excluded.used, until_ms = excluded.until_ms`,
		&s.remove: `DELETE FROM windows WHERE key = ?`,
		&s.expire: `DELETE FROM windows WHERE key IN (
			SELECT key FROM windows WHERE until_ms <= ? ORDER BY until_ms LIMIT ?)`,
	} {
		if *stmt, err = s.db.Prepare(query); err != nil {
			return err
		}
	}
	return nil
}

// dataSource is the driver's name for the file at path.
func dataSource(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") { // C:/…
		path = "/" + path
	}
	params := url.Values{
		// The lock on the file itself keeps other processes out, and the
		// system drops it however this process ends.
		"_pragma":       {"locking_mode(EXCLUSIVE)"},
		"_journal_mode": {"WAL"},
		// Survives a killed process; only a machine that loses power may
		// lose the last changes.
		"_synchronous":  {"NORMAL"},
		"_busy_timeout": {"1000"}, // a predecessor may still be closing
		"_txlock":       {"immediate"},
	}
	return (&url.URL{Scheme: "file", Path: path, RawQuery: params.Encode()}).String(), nil
}

func (s *Store) migrate() error {
	tx, err := s.db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after Commit

	var version, tables int
	if err := tx.QueryRow(`SELECT user_version, (SELECT count(*) FROM sqlite_schema) FROM pragma_user_version`).Scan(&version, &tables); err != nil {
		return err
	}
	switch {
	case version > len(migrations):
		return problem(fmt.Sprintf("has schema version %d, written by a newer aggregator; this one knows up to %d", version, len(migrations)))
	case version == 0 && tables > 0:
		return problem("is a database of another program")
	}
	for ; version < len(migrations); version++ {
		if _, err := tx.Exec(migrations[version]); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(fmt.Sprintf(`PRAGMA user_version = %d`, version)); err != nil {
		return err
	}
	return tx.Commit()
}

// load reads the secret, made on first use, and the windows still open.
func (s *Store) load() error {
	if _, err := s.db.Exec(`INSERT INTO meta (name, value) VALUES ('secret', ?) ON CONFLICT DO NOTHING`, store.NewSecret()); err != nil {
		return err
	}
	if err := s.db.QueryRow(`SELECT value FROM meta WHERE name = 'secret'`).Scan(&s.secret); err != nil {
		return err
	}
	if _, err := s.db.Exec(`DELETE FROM windows WHERE until_ms <= ?`, s.now().UnixMilli()); err != nil {
		return err
	}
	if len(s.secret) != 32 {
		return damaged
	}
	rows, err := s.db.Query(`SELECT key, used, until_ms FROM windows`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var key sql.RawBytes
		var used, until int64
		if err := rows.Scan(&key, &used, &until); err != nil {
			return err
		}
		if len(key) != len(store.Key{}) {
			return damaged
		}
		if err := s.memory.Load(store.Key(key), store.Window{Used: used, Until: time.UnixMilli(until)}); err != nil {
			return err
		}
	}
	return rows.Err()
}

// problem is the rest of a sentence that begins with the file.
type problem string

func (p problem) Error() string { return string(p) }

const damaged problem = "is damaged"

// explain makes an error of this package or of SQLite a problem in plain words
// where it is a known one, else answers it as it is.
func explain(err error) error {
	if p, ok := errors.AsType[problem](err); ok {
		return p
	}
	e, ok := errors.AsType[*driver.Error](err)
	if !ok {
		return err
	}
	switch e.Code() & 0xff { // the rest of the code is detail
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return problem("is in use by another process")
	case sqlite3.SQLITE_NOTADB:
		return problem("is not a SQLite database")
	case sqlite3.SQLITE_CORRUPT:
		return damaged
	case sqlite3.SQLITE_FULL:
		return problem("is on a full disk")
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		return problem("cannot be written: check the permissions of the file and its folder")
	case sqlite3.SQLITE_IOERR:
		return problem("cannot be read or written: the disk fails")
	}
	return err
}

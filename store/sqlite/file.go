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

	`CREATE TABLE items (
		key BLOB NOT NULL PRIMARY KEY,
		version INTEGER NOT NULL,
		due_ms INTEGER, -- NULL for never
		data BLOB NOT NULL,
		saved_ms INTEGER NOT NULL
	) STRICT, WITHOUT ROWID;`,

	`ALTER TABLE windows ADD COLUMN note TEXT NOT NULL DEFAULT '';`,

	`CREATE TABLE shard_sets (
		key BLOB NOT NULL,
		of INTEGER NOT NULL,
		network BLOB NOT NULL,
		used_ms INTEGER NOT NULL,
		ttl_ms INTEGER NOT NULL,
		began_ms INTEGER NOT NULL,
		round INTEGER NOT NULL,
		complete INTEGER NOT NULL,
		finished INTEGER NOT NULL,
		ended_ms INTEGER NOT NULL,
		took_ms INTEGER NOT NULL,
		posted_ms INTEGER NOT NULL,
		claim BLOB NOT NULL,
		claimed_ms INTEGER NOT NULL,
		until_ms INTEGER NOT NULL,
		PRIMARY KEY (key, of)
	) STRICT, WITHOUT ROWID;
	CREATE TABLE shard_counts (
		key BLOB NOT NULL,
		of INTEGER NOT NULL,
		shard INTEGER NOT NULL,
		count INTEGER NOT NULL,
		at_s INTEGER NOT NULL,
		round INTEGER NOT NULL,
		PRIMARY KEY (key, of, shard)
	) STRICT, WITHOUT ROWID;`,

	`CREATE TABLE outcomes (
		list TEXT NOT NULL,
		op TEXT NOT NULL,
		period_s INTEGER NOT NULL,
		from_s INTEGER NOT NULL,
		tally TEXT NOT NULL,
		PRIMARY KEY (list, op, period_s, from_s)
	) STRICT, WITHOUT ROWID;
	CREATE TABLE outcomes_latest (
		list TEXT NOT NULL,
		op TEXT NOT NULL,
		call_ms INTEGER, -- NULL for never
		success_ms INTEGER,
		failure_ms INTEGER,
		failure_kind INTEGER NOT NULL,
		failure_status INTEGER NOT NULL,
		failure_detail TEXT NOT NULL,
		PRIMARY KEY (list, op)
	) STRICT, WITHOUT ROWID;`,

	// Bodies stand apart, so that what is changed and counted stays small.
	`CREATE TABLE outbox (
		seq INTEGER PRIMARY KEY AUTOINCREMENT,
		id TEXT NOT NULL UNIQUE,
		bot TEXT NOT NULL,
		list TEXT NOT NULL,
		user TEXT NOT NULL,
		type TEXT NOT NULL,
		test INTEGER NOT NULL,
		created_ms INTEGER NOT NULL,
		state INTEGER NOT NULL, -- 0 waits, 1 was delivered, 2 is dead
		attempts INTEGER NOT NULL,
		began_ms INTEGER NOT NULL,
		last_ms INTEGER, -- NULL before the first attempt
		last_status INTEGER NOT NULL,
		last_reason TEXT NOT NULL,
		next_ms INTEGER, -- NULL before the first attempt, and once it waits no longer
		forget_ms INTEGER -- NULL while it waits
	) STRICT;
	CREATE INDEX outbox_bot ON outbox (bot);
	CREATE INDEX outbox_state ON outbox (bot, state);
	CREATE INDEX outbox_next ON outbox (bot, next_ms) WHERE state = 0;
	CREATE INDEX outbox_began ON outbox (began_ms) WHERE state = 0;
	CREATE INDEX outbox_forget ON outbox (state, forget_ms) WHERE state > 0;
	CREATE TABLE outbox_bodies (
		seq INTEGER PRIMARY KEY,
		body BLOB NOT NULL
	) STRICT;
	CREATE TABLE outbox_once (
		key BLOB NOT NULL PRIMARY KEY,
		until_ms INTEGER NOT NULL
	) STRICT, WITHOUT ROWID;
	CREATE INDEX outbox_once_until ON outbox_once (until_ms);`,

	`CREATE TABLE histories (
		bot BLOB NOT NULL PRIMARY KEY,
		last_h INTEGER NOT NULL, -- of the last point, in Unix hours
		points BLOB NOT NULL
	) STRICT, WITHOUT ROWID;
	CREATE INDEX histories_last ON histories (last_h);`,
}

// database is the open file.
type database struct {
	db        *sql.DB     // one connection
	info      os.FileInfo // of the file
	histories int         // bots whose history is kept
	clock     *sql.Stmt
	expired   *sql.Stmt

	// Transactions begin and end by statements that are prepared once: those of
	// database/sql cost a parse each, and a goroutine.
	begin, commit, rollback *sql.Stmt

	putWindow, cutWindow   *sql.Stmt
	putItem, cutItem       *sql.Stmt
	putSet, cutSet         *sql.Stmt
	putCount, cutCount     *sql.Stmt
	cutCounts              *sql.Stmt // of a set
	putOutcome, cutOutcome *sql.Stmt
	cutOutcomes            *sql.Stmt // of a list and operation
	putLatest, cutLatest   *sql.Stmt
	getHistory, putHistory *sql.Stmt
	countHistories         *sql.Stmt
	cutHistories           *sql.Stmt // so many of those whose last point is the oldest

	outbox outboxRows
	copies map[*driver.Backup]bool // that are being made
}

// openDatabase opens the file at path, which is made when it is not there, and
// brings its schema up to date. It keeps the history of so many bots.
func openDatabase(path string, histories int) (*database, error) {
	if path == "" {
		return nil, problem("has no name")
	}
	if err := makeFile(path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	dsn, err := dataSource(path)
	if err != nil {
		return nil, err
	}
	d := &database{histories: histories, copies: make(map[*driver.Backup]bool)}
	if d.db, err = sql.Open("sqlite", dsn); err != nil {
		return nil, err
	}
	d.db.SetMaxOpenConns(1)
	if err := d.prepare(path); err != nil {
		_ = d.db.Close()
		return nil, err
	}
	return d, nil
}

// makeFile makes an empty file. SQLite would make it readable to all, but it
// holds the secret. One that is there keeps its mode, and must not be opened
// here: closing it would drop the locks that this process has on it.
func makeFile(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	switch {
	case err == nil:
		return file.Close()
	case errors.Is(err, fs.ErrExist):
		return err
	}
	return problem("cannot be made: " + errors.Unwrap(err).Error())
}

func (d *database) prepare(path string) (err error) {
	if err := d.migrate(); err != nil {
		return err
	}
	if d.info, err = os.Stat(path); err != nil {
		return err
	}
	for stmt, query := range map[**sql.Stmt]string{
		&d.begin:    `BEGIN IMMEDIATE`,
		&d.commit:   `COMMIT`,
		&d.rollback: `ROLLBACK`,
		&d.putWindow: `INSERT INTO windows (key, used, until_ms, note) VALUES (?, ?, ?, ?)
			ON CONFLICT (key) DO UPDATE SET used = excluded.used, until_ms = excluded.until_ms, note = excluded.note`,
		&d.cutWindow: `DELETE FROM windows WHERE key = ?`,
		&d.putItem: `INSERT INTO items (key, version, due_ms, data, saved_ms) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (key) DO UPDATE SET version = excluded.version, due_ms = excluded.due_ms, data = excluded.data, saved_ms = excluded.saved_ms`,
		&d.cutItem: `DELETE FROM items WHERE key = ?`,
		&d.putSet: `INSERT OR REPLACE INTO shard_sets (key, of, network, used_ms, ttl_ms, began_ms, round, complete, finished,
			ended_ms, took_ms, posted_ms, claim, claimed_ms, until_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		&d.cutSet:      `DELETE FROM shard_sets WHERE key = ? AND of = ?`,
		&d.putCount:    `INSERT OR REPLACE INTO shard_counts (key, of, shard, count, at_s, round) VALUES (?, ?, ?, ?, ?, ?)`,
		&d.cutCount:    `DELETE FROM shard_counts WHERE key = ? AND of = ? AND shard = ?`,
		&d.cutCounts:   `DELETE FROM shard_counts WHERE key = ? AND of = ?`,
		&d.putOutcome:  `INSERT OR REPLACE INTO outcomes (list, op, period_s, from_s, tally) VALUES (?, ?, ?, ?, ?)`,
		&d.cutOutcome:  `DELETE FROM outcomes WHERE list = ? AND op = ? AND period_s = ? AND from_s = ?`,
		&d.cutOutcomes: `DELETE FROM outcomes WHERE list = ? AND op = ?`,
		&d.putLatest: `INSERT OR REPLACE INTO outcomes_latest (list, op, call_ms, success_ms, failure_ms, failure_kind, failure_status, failure_detail)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		&d.cutLatest:      `DELETE FROM outcomes_latest WHERE list = ? AND op = ?`,
		&d.getHistory:     `SELECT points FROM histories WHERE bot = ?`,
		&d.putHistory:     `INSERT OR REPLACE INTO histories (bot, last_h, points) VALUES (?, ?, ?)`,
		&d.countHistories: `SELECT count(*) FROM histories`,
		&d.cutHistories:   `DELETE FROM histories WHERE bot IN (SELECT bot FROM histories ORDER BY last_h LIMIT ?)`,
		&d.expired: `DELETE FROM windows WHERE key IN (
			SELECT key FROM windows WHERE until_ms <= ? ORDER BY until_ms LIMIT ?)`,
		&d.clock: `INSERT INTO meta (name, value) VALUES ('clock', ?)
			ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
	} {
		if *stmt, err = d.db.Prepare(query); err != nil {
			return err
		}
	}
	return d.outbox.prepare(d.db)
}

// dataSource is the driver's name for the file at path.
func dataSource(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	params := url.Values{
		// The lock on the file itself keeps other processes out, and the
		// system drops it however this process ends.
		// What is decided on is in memory already; pages are cached for writing
		// alone, of 2 MiB as of a quarter of that.
		"_pragma":       {"locking_mode(EXCLUSIVE)", "cache_size(-512)"},
		"_journal_mode": {"WAL"},
		// Survives a killed process; only a machine that loses power may
		// lose the last changes.
		"_synchronous":  {"NORMAL"},
		"_busy_timeout": {"1000"}, // a predecessor may still be closing
		"_txlock":       {"immediate"},
	}
	return fileURL(path, params), nil
}

// fileURL returns the driver's name for the file at an absolute path.
func fileURL(path string, params url.Values) string {
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") { // C:/…
		path = "/" + path
	}
	return (&url.URL{Scheme: "file", Path: path, RawQuery: params.Encode()}).String()
}

func (d *database) migrate() error {
	tx, err := d.db.Begin()
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

// secret returns the secret in the file, which is made one on first use.
func (d *database) secret(made []byte) (secret []byte, err error) {
	if _, err := d.db.Exec(`INSERT INTO meta (name, value) VALUES ('secret', ?) ON CONFLICT DO NOTHING`, made); err != nil {
		return nil, err
	}
	if err := d.db.QueryRow(`SELECT value FROM meta WHERE name = 'secret'`).Scan(&secret); err != nil {
		return nil, err
	}
	if len(secret) != len(made) {
		return nil, damaged
	}
	return secret, nil
}

// reading returns the last reading of the clock, the zero Reading for none.
func (d *database) reading() (store.Reading, error) {
	var text []byte
	switch err := d.db.QueryRow(`SELECT value FROM meta WHERE name = 'clock'`).Scan(&text); {
	case errors.Is(err, sql.ErrNoRows):
		return store.Reading{}, nil
	case err != nil:
		return store.Reading{}, err
	}
	var clock, wall int64
	if _, err := fmt.Sscanf(string(text), "%d %d", &clock, &wall); err != nil {
		return store.Reading{}, damaged
	}
	return store.Reading{Clock: time.UnixMilli(clock), Wall: time.UnixMilli(wall)}, nil
}

// problem is the rest of a sentence that begins with the file.
type problem string

func (p problem) Error() string { return string(p) }

const damaged problem = "is damaged"

// ErrInUse is wrapped by the error of Open where another process has the file open.
var ErrInUse error = problem("is in use by another process")

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
		return ErrInUse
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

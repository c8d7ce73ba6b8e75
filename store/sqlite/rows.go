package sqlite

import (
	"database/sql"
	"fmt"
	"maps"
	"time"

	"aggregator/store"
)

// changes are rows that wait to be written, by their keys.
type changes struct {
	windows map[store.Key]store.Window // no Used means delete
	items   map[store.Key]store.Item   // of Version 0 means delete
	sets    map[store.ShardSetID]*shardChanges
	waiting *int // counts of sets

	outcomes map[store.OutcomeRowID]string // "" means delete
	latest   map[store.OutcomeID]latestChange
	history  map[store.Key][]store.CountPoint // to add
}

func newChanges() changes {
	return changes{
		windows:  make(map[store.Key]store.Window),
		items:    make(map[store.Key]store.Item),
		sets:     make(map[store.ShardSetID]*shardChanges),
		waiting:  new(int),
		outcomes: make(map[store.OutcomeRowID]string),
		latest:   make(map[store.OutcomeID]latestChange),
		history:  make(map[store.Key][]store.CountPoint),
	}
}

func (c changes) len() int {
	return len(c.windows) + len(c.items) + len(c.sets) + len(c.outcomes) + len(c.latest) + len(c.history)
}

// keep puts rows back that could not be written, unless they have changed since
// or are over by now: what is over means nothing in the file either. Beyond so
// many of a kind, which takes a file that cannot be written for long, a change
// lives in memory alone.
func (c changes) keep(old changes, now time.Time, most int) {
	maps.DeleteFunc(old.windows, func(_ store.Key, w store.Window) bool { return !w.Until.After(now) })
	keep(c.windows, old.windows, most)
	keep(c.items, old.items, most)
	c.keepSets(old.sets, most)
	keep(c.outcomes, old.outcomes, most)
	c.keepLatest(old.latest, most)
	c.keepHistory(old.history, most)
}

func keep[K comparable, V any](rows, old map[K]V, most int) {
	for key, row := range old {
		if _, newer := rows[key]; !newer && len(rows) < most {
			rows[key] = row
		}
	}
}

// put notes a row, unless there are so many that wait already.
func put[K comparable, V any](rows map[K]V, key K, row V, most int) {
	if _, known := rows[key]; known || len(rows) < most {
		rows[key] = row
	}
}

// windows calls put with each window in the file that is still open then, and
// removes those beyond the last most to close.
func (d *database) windows(now time.Time, most int, put func(store.Key, store.Window)) error {
	if _, err := d.db.Exec(`DELETE FROM windows WHERE until_ms <= ?`, now.UnixMilli()); err != nil {
		return err
	}
	rows, err := d.db.Query(`SELECT key, used, until_ms, note FROM windows`)
	if err != nil {
		return err
	}
	defer rows.Close()
	n := 0
	for ; rows.Next(); n++ {
		var key sql.RawBytes
		var used, until int64
		var note string
		if err := rows.Scan(&key, &used, &until, &note); err != nil {
			return err
		}
		if len(key) != len(store.Key{}) {
			return damaged
		}
		put(store.Key(key), store.Window{Used: used, Until: time.UnixMilli(until), Note: note})
	}
	if err := rows.Err(); err != nil || n <= most {
		return err
	}
	_, err = d.db.Exec(`DELETE FROM windows WHERE key IN (SELECT key FROM windows ORDER BY until_ms LIMIT ?)`, n-most)
	return err
}

// items calls put with each item in the file that was saved since.
func (d *database) items(since time.Time, put func(store.Item)) error {
	if _, err := d.db.Exec(`DELETE FROM items WHERE saved_ms < ?`, since.UnixMilli()); err != nil {
		return err
	}
	rows, err := d.db.Query(`SELECT key, version, due_ms, data FROM items`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var key sql.RawBytes
		var due sql.NullInt64
		var item store.Item
		if err := rows.Scan(&key, &item.Version, &due, &item.Data); err != nil {
			return err
		}
		if len(key) != len(store.Key{}) || item.Version < 1 {
			return damaged
		}
		item.Key = store.Key(key)
		if due.Valid {
			item.Due = time.UnixMilli(due.Int64)
		}
		put(item)
	}
	return rows.Err()
}

// save writes rows, and what the clock shows, in one transaction.
func (d *database) save(c changes, r store.Reading) error {
	return d.transact(func() error { return d.write(c, r) })
}

// transact makes what change does one transaction. If that fails, nothing is
// changed.
func (d *database) transact(change func() error) error {
	if _, err := d.begin.Exec(); err != nil {
		return err
	}
	err := change()
	if err == nil {
		_, err = d.commit.Exec()
	}
	if err != nil {
		_, _ = d.rollback.Exec() // unless SQLite has done so itself
	}
	return err
}

func (d *database) write(c changes, r store.Reading) error {
	if err := d.saveWindows(c.windows); err != nil {
		return err
	}
	if err := d.saveItems(c.items, r.Clock); err != nil {
		return err
	}
	if err := d.saveShards(c.sets); err != nil {
		return err
	}
	if err := d.saveOutcomes(c); err != nil {
		return err
	}
	if err := d.saveHistory(c.history); err != nil {
		return err
	}
	return d.saveClock(r)
}

func (d *database) saveClock(r store.Reading) error {
	_, err := d.clock.Exec(fmt.Appendf(nil, "%d %d", r.Clock.UnixMilli(), r.Wall.UnixMilli()))
	return err
}

func (d *database) saveWindows(rows map[store.Key]store.Window) (err error) {
	for key, w := range rows {
		if w.Used == 0 {
			_, err = d.cutWindow.Exec(key[:])
		} else {
			_, err = d.putWindow.Exec(key[:], w.Used, w.Until.UnixMilli(), w.Note)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *database) saveItems(rows map[store.Key]store.Item, now time.Time) (err error) {
	for key, item := range rows {
		if item.Version == 0 {
			_, err = d.cutItem.Exec(key[:])
		} else {
			due := sql.NullInt64{Int64: item.Due.UnixMilli(), Valid: !item.Due.IsZero()}
			_, err = d.putItem.Exec(key[:], item.Version, due, append([]byte{}, item.Data...), now.UnixMilli())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// expire removes up to n windows that have closed. It costs nobody anything
// when this fails: the next save tells.
func (d *database) expire(now time.Time, n int) { _, _ = d.expired.Exec(now.UnixMilli(), n) }

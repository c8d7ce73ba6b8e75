package sqlite

import (
	"context"
	"database/sql"
	"time"

	"aggregator/store"
)

// outcomes is the [store.Outcomes] of a Store.
type outcomes struct{ *Store }

// Add implements [store.Outcomes].
func (s outcomes) Add(ctx context.Context, b store.OutcomeBatch) error {
	s.mu.Lock()
	err := s.Store.outcomes.Add(ctx, b)
	s.unlockAndWait(ctx, err == nil)
	return err
}

// Load implements [store.Outcomes].
func (s outcomes) Load(ctx context.Context, q store.OutcomeQuery) ([]store.OutcomeSeries, error) {
	return s.Store.outcomes.Load(ctx, q)
}

// latestChange is what last became of calls, as it is to be written.
type latestChange struct {
	gone   bool          // what the file has of the list and operation goes first
	latest *store.Latest // nil: it is gone
}

// keepLatest is keep of what last became of calls.
func (c changes) keepLatest(old map[store.OutcomeID]latestChange, most int) {
	keep(c.latest, old, most)
	for id, change := range old {
		if now, ok := c.latest[id]; ok && change.gone {
			now.gone = true
			c.latest[id] = now
		}
	}
}

// outcomeRows note what changes. Callers hold the mutex.
func (s *Store) outcomeRows() store.OutcomeRows {
	return store.OutcomeRows{
		Row: func(id store.OutcomeRowID, tally string) { put(s.rows.outcomes, id, tally, s.maxKeys) },
		Latest: func(id store.OutcomeID, l store.Latest) {
			put(s.rows.latest, id, latestChange{s.rows.latest[id].gone, &l}, s.maxKeys)
		},
		Gone: func(id store.OutcomeID) {
			for row := range s.rows.outcomes {
				if row.OutcomeID == id {
					delete(s.rows.outcomes, row)
				}
			}
			put(s.rows.latest, id, latestChange{gone: true}, s.maxKeys)
		},
	}
}

// saveOutcomes writes rows of outcomes. What is gone goes first: some of it may
// have come again.
func (d *database) saveOutcomes(c changes) error {
	for id, change := range c.latest {
		if change.gone {
			for _, stmt := range []*sql.Stmt{d.cutLatest, d.cutOutcomes} {
				if _, err := stmt.Exec(id.List, id.Op); err != nil {
					return err
				}
			}
		}
		if l := change.latest; l != nil {
			f := l.Failure
			if _, err := d.putLatest.Exec(id.List, id.Op, milli(l.Call), milli(l.Success), milli(f.At), f.Kind, f.Status, f.Detail); err != nil {
				return err
			}
		}
	}
	for id, tally := range c.outcomes {
		err := error(nil)
		if seconds := int64(time.Duration(id.Period) / time.Second); tally == "" {
			_, err = d.cutOutcome.Exec(id.List, id.Op, seconds, id.From)
		} else {
			_, err = d.putOutcome.Exec(id.List, id.Op, seconds, id.From, tally)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// outcomes puts all outcomes in the file into memory that are kept still.
func (d *database) outcomes(now time.Time, to *store.MemoryOutcomes) error {
	for _, p := range store.Periods() {
		if _, err := d.db.Exec(`DELETE FROM outcomes WHERE period_s = ? AND from_s <= ?`,
			int64(time.Duration(p)/time.Second), now.Add(-p.Kept()).Unix()); err != nil {
			return err
		}
	}
	if err := d.latest(to.PutLatest); err != nil {
		return err
	}
	rows, err := d.db.Query(`SELECT list, op, period_s, from_s, tally FROM outcomes`) // in the order of its primary key
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id store.OutcomeRowID
		var seconds int64
		var tally string
		if err := rows.Scan(&id.List, &id.Op, &seconds, &id.From, &tally); err != nil {
			return err
		}
		id.Period = store.Period(time.Duration(seconds) * time.Second)
		to.Put(id, tally)
	}
	return rows.Err()
}

// latest calls put with what last became of calls, those that were longest ago
// first.
func (d *database) latest(put func(store.OutcomeID, store.Latest)) error {
	rows, err := d.db.Query(`SELECT list, op, call_ms, success_ms, failure_ms, failure_kind, failure_status, failure_detail
		FROM outcomes_latest ORDER BY call_ms`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id store.OutcomeID
		var l store.Latest
		var call, success, failure sql.NullInt64
		if err := rows.Scan(&id.List, &id.Op, &call, &success, &failure, &l.Failure.Kind, &l.Failure.Status, &l.Failure.Detail); err != nil {
			return err
		}
		l.Call, l.Success, l.Failure.At = ofMilli(call), ofMilli(success), ofMilli(failure)
		put(id, l)
	}
	return rows.Err()
}

// milli returns a time in Unix milliseconds, NULL for the zero time.
func milli(t time.Time) sql.NullInt64 {
	return sql.NullInt64{Int64: t.UnixMilli(), Valid: !t.IsZero()}
}

// ofMilli returns the time of milli; the zero time for NULL.
func ofMilli(ms sql.NullInt64) time.Time {
	if !ms.Valid {
		return time.Time{}
	}
	return time.UnixMilli(ms.Int64).UTC()
}

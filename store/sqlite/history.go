package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"aggregator/store"
)

// history is the [store.History] of a Store. It is not kept in memory: it is
// large, and a file that was removed takes it along.
type history struct{ *Store }

// Put implements [store.History].
func (s history) Put(ctx context.Context, counts ...store.BotCount) error {
	if err := store.CheckAll(counts); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return store.ErrClosed
	}
	for _, c := range counts {
		put(s.rows.history, c.Bot, append(s.rows.history[c.Bot], c.CountPoint), s.maxKeys)
	}
	s.unlockAndWait(ctx, len(counts) > 0)
	return nil
}

// Counts implements [store.History].
func (s history) Counts(ctx context.Context, bot store.Key) (points []store.CountPoint, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	read := make(chan struct{})
	select {
	case s.jobs <- func() { points, err = s.readHistory(bot); close(read) }:
		<-read
		return points, err
	case <-s.stop:
		return nil, store.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// readHistory returns what the file has of a bot, and what waits to be written.
// The writer alone calls it.
func (s history) readHistory(bot store.Key) ([]store.CountPoint, error) {
	s.mu.Lock()
	waiting := s.rows.history[bot]
	s.mu.Unlock()
	var packed []byte
	if s.file != nil {
		var err error
		if packed, err = s.file.history(bot); err != nil {
			return nil, s.problem(err)
		}
	}
	return store.UnpackHistory(store.MergeHistory(packed, waiting...)), nil
}

// history returns the packed history of a bot, nil if there is none.
func (d *database) history(bot store.Key) (packed []byte, err error) {
	if err = d.getHistory.QueryRow(bot[:]).Scan(&packed); errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return packed, err
}

// saveHistory adds points to what the file has.
func (d *database) saveHistory(rows map[store.Key][]store.CountPoint) error {
	for bot, points := range rows {
		packed, err := d.history(bot)
		if err != nil {
			return err
		}
		packed = store.MergeHistory(packed, points...)
		if _, err := d.putHistory.Exec(bot[:], store.LastHour(packed), packed); err != nil {
			return err
		}
	}
	if len(rows) == 0 {
		return nil
	}
	var bots int
	if err := d.countHistories.QueryRow().Scan(&bots); err != nil || bots <= d.histories {
		return err
	}
	_, err := d.cutHistories.Exec(bots - d.histories)
	return err
}

// forgetHistory removes histories whose last point is too old.
func (d *database) forgetHistory(now time.Time) error {
	_, err := d.db.Exec(`DELETE FROM histories WHERE last_h <= ?`, now.Add(-store.HistoryTTL).Unix()/3600)
	return err
}

// keepHistory is keep of points: those that came later are later.
func (c changes) keepHistory(old map[store.Key][]store.CountPoint, most int) {
	for bot, points := range old {
		if newer, ok := c.history[bot]; ok {
			c.history[bot] = slices.Concat(points, newer)
		} else if len(c.history) < most {
			c.history[bot] = points
		}
	}
}

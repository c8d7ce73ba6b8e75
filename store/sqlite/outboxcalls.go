package sqlite

import (
	"database/sql"
	"errors"
	"math"
	"time"

	"aggregator/store"
)

// put is [store.Outbox.Put]; created is on the store's clock.
func (o *outboxRows) put(m store.Message, created int64, waits bool, once []store.Once) (store.PutResult, error) {
	_, known, err := o.find(m.ID)
	if err == nil && !known {
		known, err = o.knowsAny(once)
	}
	switch {
	case err != nil:
		return 0, err
	case known:
		return store.PutAgain, nil
	case waits && o.room(m.Bot) == 0:
		return store.PutFull, nil
	}
	state, forget := rowPending, sql.NullInt64{}
	if !waits {
		state, forget = rowDelivered, o.forgetAt(rowDelivered)
	}
	done, err := o.insert.Exec(m.ID, m.Bot, m.List, m.User, m.Type, m.Test, created, state, o.now, forget)
	if err != nil {
		return 0, err
	}
	seq, err := done.LastInsertId()
	if err != nil {
		return 0, err
	}
	if _, err := o.insertBody.Exec(seq, m.Body); err != nil {
		return 0, err
	}
	for _, one := range once {
		if err := o.learnOne(one); err != nil {
			return 0, err
		}
	}
	o.changed[m.Bot] = true
	if waits {
		o.counted(m.Bot, 1, 0)
		return store.PutKept, nil
	}
	o.counted(m.Bot, 0, 1)
	return store.PutKept, o.makeRoom(m.Bot)
}

// forgetAt returns when a message is forgotten that is in a state from now on.
func (o *outboxRows) forgetAt(state int) sql.NullInt64 {
	return sql.NullInt64{Int64: o.now + keptFor[state].Milliseconds(), Valid: true}
}

// knowsAny reports whether one of once is known. What it finds over is removed.
func (o *outboxRows) knowsAny(once []store.Once) (bool, error) {
	for _, one := range once {
		var known bool
		err := o.known.QueryRow(o.now, one.Key[:]).Scan(&known)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			continue
		case err == nil && !known:
			err = o.forgetOnce(o.unlearnOne, one.Key[:])
		}
		if err != nil || known {
			return known, err
		}
	}
	return false, nil
}

// learnOne notes something for its time. Of too much, what ends soonest makes
// room.
func (o *outboxRows) learnOne(one store.Once) error {
	if n := o.counts.known - o.bounds.Once + 1; n > 0 {
		if err := o.forgetOnce(o.unlearnAny, n); err != nil {
			return err
		}
	}
	done, err := o.learn.Exec(one.Key[:], o.now+one.TTL.Milliseconds())
	if err != nil {
		return err
	}
	n, err := done.RowsAffected()
	o.counts.known += int(n)
	return err
}

// ready is [store.Outbox.Ready].
func (o *outboxRows) ready(bot string, first, again int) (r store.Ready, err error) {
	if o.waitingFor(bot) == 0 {
		return r, nil
	}
	if r.First, err = o.query(o.first, bot, first); err != nil {
		return r, err
	}
	if r.Again, err = o.query(o.again, bot, o.now, again); err != nil {
		return r, err
	}
	oldest, err := o.query(o.oldest, bot)
	if err != nil || len(oldest) == 0 {
		return r, err
	}
	r.Oldest = &oldest[0]
	var next int64
	switch err := o.nextDue.QueryRow(bot, len(r.Again)).Scan(&next); {
	case err == nil:
		r.Next = time.UnixMilli(next)
	case !errors.Is(err, sql.ErrNoRows):
		return r, err
	}
	return r, nil
}

// settle is [store.Outbox.Settle], its times on the store's clock.
func (o *outboxRows) settle(s store.Settled) error {
	f, ok, err := o.find(s.ID)
	if err != nil || !ok || f.state == rowDelivered || f.state == rowDead && s.State != store.Delivered {
		return err
	}
	state, counts := rowState(s.State), 0
	var next, forget sql.NullInt64
	if s.Counts {
		counts = 1
	}
	if state == rowPending {
		next = sql.NullInt64{Int64: s.Next.UnixMilli(), Valid: true}
	} else {
		forget = o.forgetAt(state)
	}
	a := s.Attempt
	if _, err := o.attempt.Exec(state, counts, a.At.UnixMilli(), a.Status, a.Reason, next, forget, f.seq); err != nil {
		return err
	}
	if f.state == rowPending && state != rowPending {
		o.counted(f.bot, -1, 1)
		return o.makeRoom(f.bot)
	}
	return nil
}

// deliveries is [store.Outbox.Deliveries].
func (o *outboxRows) deliveries(bot string, q store.DeliveryQuery) ([]store.Delivery, error) {
	before := int64(math.MaxInt64)
	if q.After != "" {
		f, ok, err := o.find(q.After)
		if err != nil || !ok || f.bot != bot {
			return nil, err
		}
		before = f.seq
	}
	if q.State == "" {
		return o.query(o.newest, bot, before, o.now, q.Max)
	}
	return o.query(o.newestIn, bot, rowState(q.State), before, o.now, q.Max)
}

// after is [store.Outbox.After].
func (o *outboxRows) after(bot string, seq int64, limit int) ([]store.Delivery, error) {
	return o.query(o.since, bot, seq, o.now-store.StreamTTL.Milliseconds(), o.now, limit)
}

// seqOf is [store.Outbox.Seq].
func (o *outboxRows) seqOf(bot, id string) (seq int64, ok bool, err error) {
	if id == "" {
		err := o.lastSeq.QueryRow().Scan(&seq)
		return seq, err == nil, err
	}
	f, ok, err := o.find(id)
	if err != nil || !ok || f.bot != bot {
		return 0, false, err
	}
	return f.seq, true, nil
}

// backlogs is [store.Outbox.Backlogs], in no order.
func (o *outboxRows) backlogs() ([]store.Backlog, error) {
	var all []store.Backlog
	for bot, count := range o.counts.bots {
		if count.waiting == 0 {
			continue
		}
		var created int64
		if err := o.oldestCreated.QueryRow(bot).Scan(&created); err != nil {
			return nil, err
		}
		all = append(all, store.Backlog{Bot: bot, Waiting: count.waiting, Oldest: time.UnixMilli(created)})
	}
	return all, nil
}

// query returns the deliveries that a query finds.
func (o *outboxRows) query(stmt *sql.Stmt, args ...any) (all []store.Delivery, err error) {
	rows, err := stmt.Query(args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var d store.Delivery
		var state int
		var created, began int64
		var last, next sql.NullInt64
		if err := rows.Scan(&d.Seq, &d.ID, &d.Bot, &d.List, &d.User, &d.Type, &d.Test, &created, &state, &d.Attempts, &began,
			&last, &d.Last.Status, &d.Last.Reason, &next, &d.Body); err != nil {
			return nil, err
		}
		if state < 0 || state >= len(rowStates) {
			return nil, damaged
		}
		d.State, d.Created, d.Began = rowStates[state], time.UnixMilli(created), time.UnixMilli(began)
		d.Last.At, d.Next = ofMilli(last), ofMilli(next)
		all = append(all, d)
	}
	return all, rows.Err()
}

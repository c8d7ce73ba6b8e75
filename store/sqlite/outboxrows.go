package sqlite

import (
	"database/sql"
	"errors"
	"time"

	"aggregator/store"
)

// The states of a delivery in the file. Queries have them as numbers.
const (
	rowPending = iota
	rowDelivered
	rowDead
)

var rowStates = []store.DeliveryState{rowPending: store.Pending, rowDelivered: store.Delivered, rowDead: store.Dead}

func rowState(state store.DeliveryState) int {
	switch state {
	case store.Pending:
		return rowPending
	case store.Delivered:
		return rowDelivered
	}
	return rowDead
}

// keptFor is how long what no longer waits is kept, by its state.
var keptFor = []time.Duration{rowDelivered: store.DeliveredTTL, rowDead: store.DeadTTL}

// outboxRows are the rows of the outbox, within a transaction. The writer alone
// uses them.
type outboxRows struct {
	now     int64 // on the store's clock, in Unix milliseconds
	bounds  store.OutboxBounds
	counts  *outboxCounts   // nil until they are read
	changed map[string]bool // bots for which something has come, or has been made due

	byID, lastSeq                     *sql.Stmt
	insert, insertBody                *sql.Stmt
	attempt, died, revive             *sql.Stmt
	first, again, oldest, nextDue     *sql.Stmt
	oldestCreated                     *sql.Stmt
	newest, newestIn, since           *sql.Stmt
	waitingIn, makeDue                *sql.Stmt
	over, oldestOver, oldestOverOfBot *sql.Stmt
	cut, cutBody                      *sql.Stmt
	known, learn, unlearn, unlearnAny *sql.Stmt
	unlearnOne                        *sql.Stmt
	count, countKnown                 *sql.Stmt
}

// outboxCounts are how many messages there are.
type outboxCounts struct {
	bots  map[string]*boxCount
	all   boxCount
	known int
}

// boxCount is how many messages wait, and how many no longer do.
type boxCount struct{ waiting, over int }

// deliveryColumns are what query reads of a delivery, before its body.
const deliveryColumns = `o.seq, o.id, o.bot, o.list, o.user, o.type, o.test, o.created_ms, o.state, o.attempts, o.began_ms,
	o.last_ms, o.last_status, o.last_reason, o.next_ms, `

// queries returns the query of each statement.
func (o *outboxRows) queries() map[**sql.Stmt]string {
	const bare = `SELECT ` + deliveryColumns + `NULL FROM outbox o `
	const whole = `SELECT ` + deliveryColumns + `b.body FROM outbox o JOIN outbox_bodies b USING (seq) `
	// "state > 0" lets SQLite see that a partial index serves.
	return map[**sql.Stmt]string{
		&o.byID:    `SELECT seq, bot, state, coalesce(forget_ms, 0), next_ms IS NOT NULL FROM outbox WHERE id = ?`,
		&o.lastSeq: `SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'outbox'), 0)`,
		&o.insert: `INSERT INTO outbox (id, bot, list, user, type, test, created_ms, state, attempts, began_ms, last_status, last_reason, forget_ms)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, ?, 0, '', ?)`,
		&o.insertBody: `INSERT INTO outbox_bodies (seq, body) VALUES (?, ?)`,
		&o.attempt: `UPDATE outbox SET state = ?, attempts = attempts + ?, last_ms = ?, last_status = ?, last_reason = ?,
			next_ms = ?, forget_ms = ? WHERE seq = ?`,
		&o.died:   `UPDATE outbox SET state = 2, next_ms = NULL, forget_ms = began_ms + ? WHERE state = 0 AND began_ms <= ? RETURNING bot`,
		&o.revive: `UPDATE outbox SET state = 0, attempts = 0, last_ms = NULL, last_status = 0, last_reason = '', began_ms = ?, forget_ms = NULL WHERE seq = ?`,

		&o.first:         whole + `WHERE o.bot = ? AND o.state = 0 AND o.next_ms IS NULL ORDER BY o.seq LIMIT ?`,
		&o.again:         whole + `WHERE o.bot = ? AND o.state = 0 AND o.next_ms <= ? ORDER BY o.next_ms, o.seq LIMIT ?`,
		&o.oldest:        whole + `WHERE o.bot = ? AND o.state = 0 ORDER BY o.seq LIMIT 1`,
		&o.oldestCreated: `SELECT created_ms FROM outbox WHERE bot = ? AND state = 0 ORDER BY seq LIMIT 1`,
		&o.nextDue:       `SELECT next_ms FROM outbox WHERE bot = ? AND state = 0 AND next_ms IS NOT NULL ORDER BY next_ms LIMIT 1 OFFSET ?`,

		&o.newest: bare + `WHERE o.bot = ? AND o.seq < ? AND (o.forget_ms IS NULL OR o.forget_ms > ?) ORDER BY o.seq DESC LIMIT ?`,
		&o.newestIn: bare + `WHERE o.bot = ? AND o.state = ? AND o.seq < ? AND (o.forget_ms IS NULL OR o.forget_ms > ?)
			ORDER BY o.seq DESC LIMIT ?`,
		&o.since: whole + `WHERE o.bot = ? AND o.seq > ? AND o.created_ms > ? AND (o.forget_ms IS NULL OR o.forget_ms > ?)
			ORDER BY o.seq LIMIT ?`,

		&o.waitingIn: `SELECT seq, next_ms IS NOT NULL FROM outbox
			WHERE bot = ? AND state = ? AND seq > ? AND (forget_ms IS NULL OR forget_ms > ?) ORDER BY seq LIMIT ?`,
		&o.makeDue: `UPDATE outbox SET next_ms = ? WHERE seq = ?`,

		&o.over:            `SELECT seq, bot FROM outbox WHERE state = ? AND state > 0 AND forget_ms <= ? ORDER BY forget_ms LIMIT 1`,
		&o.oldestOver:      `SELECT seq, bot FROM outbox WHERE state = ? AND state > 0 ORDER BY forget_ms LIMIT 1`,
		&o.oldestOverOfBot: `SELECT seq, bot FROM outbox WHERE bot = ? AND state = ? ORDER BY seq LIMIT 1`,
		&o.cut:             `DELETE FROM outbox WHERE seq = ?`,
		&o.cutBody:         `DELETE FROM outbox_bodies WHERE seq = ?`,

		&o.known: `SELECT until_ms > ? FROM outbox_once WHERE key = ?`,
		&o.learn: `INSERT INTO outbox_once (key, until_ms) VALUES (?, ?)
			ON CONFLICT DO NOTHING`,
		&o.unlearnOne: `DELETE FROM outbox_once WHERE key = ?`,
		&o.unlearn:    `DELETE FROM outbox_once WHERE key IN (SELECT key FROM outbox_once WHERE until_ms <= ? ORDER BY until_ms LIMIT ?)`,
		&o.unlearnAny: `DELETE FROM outbox_once WHERE key IN (SELECT key FROM outbox_once ORDER BY until_ms LIMIT ?)`,

		&o.count:      `SELECT bot, state > 0, count(*) FROM outbox GROUP BY bot, state`,
		&o.countKnown: `SELECT count(*) FROM outbox_once`,
	}
}

func (o *outboxRows) prepare(db *sql.DB) (err error) {
	for stmt, query := range o.queries() {
		if *stmt, err = db.Prepare(query); err != nil {
			return err
		}
	}
	return nil
}

// begin begins a transaction at a time: what has waited for too long is dead.
func (o *outboxRows) begin(now int64, bounds store.OutboxBounds) error {
	o.now, o.bounds, o.changed = now, bounds, make(map[string]bool)
	if o.counts == nil {
		if err := o.readCounts(); err != nil {
			return err
		}
	}
	rows, err := o.died.Query((store.WaitTTL + store.DeadTTL).Milliseconds(), now-store.WaitTTL.Milliseconds())
	if err != nil {
		return err
	}
	defer rows.Close()
	died := make(map[string]int)
	for rows.Next() {
		var bot string
		if err := rows.Scan(&bot); err != nil {
			return err
		}
		died[bot]++
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for bot, n := range died {
		o.counted(bot, -n, n)
		if err := o.makeRoom(bot); err != nil {
			return err
		}
	}
	return nil
}

func (o *outboxRows) readCounts() error {
	c := &outboxCounts{bots: make(map[string]*boxCount)}
	rows, err := o.count.Query()
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var bot string
		var over bool
		var n int
		if err := rows.Scan(&bot, &over, &n); err != nil {
			return err
		}
		if over {
			c.add(bot, 0, n)
		} else {
			c.add(bot, n, 0)
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if err := o.countKnown.QueryRow().Scan(&c.known); err != nil {
		return err
	}
	o.counts = c
	return nil
}

func (c *outboxCounts) add(bot string, waiting, over int) {
	own := c.bots[bot]
	if own == nil {
		own = new(boxCount)
		c.bots[bot] = own
	}
	for _, count := range []*boxCount{own, &c.all} {
		count.waiting += waiting
		count.over += over
	}
	if *own == (boxCount{}) {
		delete(c.bots, bot)
	}
}

// counted counts messages more of a bot.
func (o *outboxRows) counted(bot string, waiting, over int) { o.counts.add(bot, waiting, over) }

func (o *outboxRows) waitingFor(bot string) int {
	if own := o.counts.bots[bot]; own != nil {
		return own.waiting
	}
	return 0
}

// room returns how many messages more may wait for a bot.
func (o *outboxRows) room(bot string) int {
	return max(0, min(o.bounds.Waiting-o.waitingFor(bot), o.bounds.WaitingInAll-o.counts.all.waiting))
}

// found is what is known of a message by its id.
type found struct {
	seq     int64
	bot     string
	state   int
	retried bool // it waits for another attempt
}

// find returns a message; ok is false for one that is gone. One that is to be
// forgotten is, at once.
func (o *outboxRows) find(id string) (f found, ok bool, err error) {
	var forget int64
	switch err := o.byID.QueryRow(id).Scan(&f.seq, &f.bot, &f.state, &forget, &f.retried); {
	case errors.Is(err, sql.ErrNoRows):
		return found{}, false, nil
	case err != nil:
		return found{}, false, err
	}
	if forget != 0 && forget <= o.now {
		return found{}, false, o.remove(f.seq, f.bot)
	}
	return f, true, nil
}

// remove removes a message that no longer waits.
func (o *outboxRows) remove(seq int64, bot string) error {
	if _, err := o.cut.Exec(seq); err != nil {
		return err
	}
	if _, err := o.cutBody.Exec(seq); err != nil {
		return err
	}
	o.counted(bot, 0, -1)
	return nil
}

// removeFirst removes the message that a query finds first, and reports whether
// there was one.
func (o *outboxRows) removeFirst(query *sql.Stmt, args ...any) (ok bool, err error) {
	var seq int64
	var bot string
	switch err := query.QueryRow(args...).Scan(&seq, &bot); {
	case errors.Is(err, sql.ErrNoRows):
		return false, nil
	case err != nil:
		return false, err
	}
	return true, o.remove(seq, bot)
}

// makeRoom removes messages of a bot, and then of any, that no longer wait, until
// all bounds hold.
func (o *outboxRows) makeRoom(bot string) error {
	for own := o.counts.bots[bot]; own != nil && own.over > o.bounds.Over; {
		if err := o.removeOldest(o.oldestOverOfBot, bot); err != nil {
			return err
		}
	}
	for o.counts.all.over > o.bounds.OverInAll {
		if err := o.removeOldest(o.oldestOver); err != nil {
			return err
		}
	}
	return nil
}

// removeOldest removes the first message that a query finds among those that
// were taken, or else among the dead.
func (o *outboxRows) removeOldest(query *sql.Stmt, args ...any) error {
	for _, state := range []int{rowDelivered, rowDead} {
		if ok, err := o.removeFirst(query, append(args, state)...); ok || err != nil {
			return err
		}
	}
	return damaged // more were counted than there are
}

// prune removes up to n of each kind that is over.
func (o *outboxRows) prune(n int) error {
	for _, state := range []int{rowDelivered, rowDead} {
		for range n {
			ok, err := o.removeFirst(o.over, state, o.now)
			if err != nil {
				return err
			}
			if !ok {
				break
			}
		}
	}
	return o.forgetOnce(o.unlearn, o.now, n)
}

// forgetOnce removes what is known, as a statement says.
func (o *outboxRows) forgetOnce(stmt *sql.Stmt, args ...any) error {
	done, err := stmt.Exec(args...)
	if err != nil {
		return err
	}
	n, err := done.RowsAffected()
	o.counts.known -= int(n)
	return err
}

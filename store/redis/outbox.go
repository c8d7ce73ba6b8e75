package redis

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"aggregator/store"
)

// outbox is the [store.Outbox] of a Store. Messages are in Redis alone: no
// replica has a copy, and a Redis that loses its data loses them, and what made
// them the only ones, for good. So a message that was kept is as safe as Redis's
// persistence: with appendfsync always it outlives an end of Redis, with the
// usual everysec the last second may be lost, without an append-only file all of
// it. What comes after a loss is kept as ever, what was attempted is let be, and
// places are greater than those of all that is lost, so that who reads by them
// goes on.
//
// A replica that puts or notes something and hears no answer does so again; that
// changes nothing if it was done.
//
// Who attempts what is told apart by claims in the [store.State]. Streams with a
// consumer group would give that too, but not what is asked for beside it: a
// message that comes back at its time, in the order of its arrival or of that
// time, and how each one is.
type outbox struct {
	*link
	bounds  string // as scripts read them
	channel string // on which changes are told
	changes changes
}

func newOutbox(l *link) *outbox {
	b := l.outboxBounds
	var texts []string
	for _, n := range []int64{
		int64(b.Waiting), int64(b.WaitingInAll), b.WaitingBytes, b.WaitingBytesInAll,
		int64(b.Over), int64(b.OverInAll), b.OverBytes, b.OverBytesInAll, int64(b.Once),
	} {
		texts = append(texts, strconv.FormatInt(n, 10))
	}
	return &outbox{
		link:    l,
		bounds:  strings.Join(texts, " "),
		channel: prefix + "outbox:changed:" + strconv.Itoa(l.client.db), // a channel is of all databases
		changes: changes{last: -1},
	}
}

// page is how many messages one script moves, or clears away, at the most.
const page = 200

// call runs a script of an outbox, as often as there is much to clear away
// first, and returns what it says. A Redis that was given up just now is waited
// for a moment.
func (o *outbox) call(ctx context.Context, script *script, args ...any) (*reader, error) {
	args = append([]any{o.bounds, o.channel}, args...)
	for {
		r, err := o.ask(ctx, script, nil, args)
		switch {
		case errors.Is(err, errAway):
			if err := o.awaitBack(ctx); err != nil {
				return nil, err
			}
			o.mu.Lock()
			away := o.away()
			o.mu.Unlock()
			if away {
				return nil, errAway
			}
		case err != nil:
			return nil, err
		case len(r.values) == 0:
			return nil, errReply
		case r.values[0] == int64(1):
			return &reader{outbox: o, values: r.values[1:]}, nil
		}
	}
}

// mark returns a mark of a call, by which a script that runs again knows its
// own.
func mark() string { return rand.Text()[:12] }

// Put implements [store.Outbox].
func (o *outbox) Put(ctx context.Context, m store.Message, waits bool, once ...store.Once) (store.PutResult, error) {
	if err := cmp.Or(m.Check(), store.CheckAll(once)); err != nil {
		return 0, err
	}
	args := []any{m.ID, m.Bot, m.List, m.User, m.Type, flag(m.Test), m.Body, o.due(m.Created), flag(waits), mark()}
	for _, one := range once {
		args = append(args, one.Key[:], one.TTL.Milliseconds())
	}
	said, err := o.call(ctx, putScript, args...)
	if err != nil {
		return 0, err
	}
	result := store.PutResult(said.number())
	return result, said.end()
}

// Ready implements [store.Outbox].
func (o *outbox) Ready(ctx context.Context, bot string, first, again int) (store.Ready, error) {
	said, err := o.call(ctx, readyScript, bot, max(first, 0), max(again, 0))
	if err != nil {
		return store.Ready{}, err
	}
	ready := store.Ready{Next: said.moment(), First: said.deliveries(), Again: said.deliveries()}
	if oldest := said.deliveries(); len(oldest) > 0 {
		ready.Oldest = &oldest[0]
	}
	return ready, said.end()
}

// Settle implements [store.Outbox].
func (o *outbox) Settle(ctx context.Context, s store.Settled) error {
	if err := s.Check(); err != nil {
		return err
	}
	_, err := o.call(ctx, settleDeliveryScript, s.ID, o.due(s.Attempt.At), s.Attempt.Status, store.ClipReason(s.Attempt.Reason),
		flag(s.Counts), mark(), string(s.State), o.due(s.Next))
	return err
}

// Deliveries implements [store.Outbox].
func (o *outbox) Deliveries(ctx context.Context, bot string, q store.DeliveryQuery) ([]store.Delivery, error) {
	if err := q.Check(); err != nil {
		return nil, err
	}
	said, err := o.call(ctx, deliveriesScript, bot, string(q.State), q.After, q.Max)
	if err != nil {
		return nil, err
	}
	found := said.deliveries()
	return found, said.end()
}

// Retry implements [store.Outbox].
func (o *outbox) Retry(ctx context.Context, bot string, ids []string, state store.DeliveryState) (int, error) {
	if err := store.CheckRetry(ids, state); err != nil {
		return 0, err
	}
	if len(ids) > 0 {
		return o.retryIDs(ctx, bot, ids)
	}
	retried := 0
	for from, to := int64(0), ""; ; {
		said, err := o.call(ctx, retryScript, bot, string(state), from, to)
		if err != nil {
			return retried, err
		}
		retried += int(said.number())
		from = said.number()
		to = strconv.FormatInt(said.number(), 10)
		if err := said.end(); err != nil || from == 0 {
			return retried, err
		}
	}
}

// retryIDs is Retry of some, of which one may be named twice.
func (o *outbox) retryIDs(ctx context.Context, bot string, ids []string) (int, error) {
	seen := make(map[string]bool, len(ids))
	args := []any{bot, "", "", ""}
	for _, id := range ids {
		if !seen[id] {
			seen[id] = true
			args = append(args, id)
		}
	}
	said, err := o.call(ctx, retryScript, args...)
	if err != nil {
		return 0, err
	}
	n := int(said.number())
	return n, said.err
}

// After implements [store.Outbox].
func (o *outbox) After(ctx context.Context, bot string, seq int64, limit int) ([]store.Delivery, error) {
	var all []store.Delivery
	for len(all) < limit {
		want := min(page, limit-len(all))
		said, err := o.call(ctx, afterScript, bot, seq, want)
		if err != nil {
			return nil, err
		}
		seen := said.number()
		seq = said.number()
		all = append(all, said.deliveries()...)
		if err := said.end(); err != nil || seen < int64(want) {
			return all, err
		}
	}
	return all, ctx.Err()
}

// Seq implements [store.Outbox].
func (o *outbox) Seq(ctx context.Context, bot, id string) (seq int64, ok bool, err error) {
	said, err := o.call(ctx, seqScript, bot, id)
	if err != nil {
		return 0, false, err
	}
	ok = said.number() == 1
	seq = said.number()
	return seq, ok, said.end()
}

// Backlogs implements [store.Outbox].
func (o *outbox) Backlogs(ctx context.Context) ([]store.Backlog, error) {
	var all []store.Backlog
	for last := ""; ; last = all[len(all)-1].Bot {
		said, err := o.call(ctx, backlogsScript, last)
		if err != nil {
			return nil, err
		}
		n := len(said.values) / 3
		for range n {
			b := store.Backlog{Bot: said.text()}
			b.Waiting = int(said.number())
			b.Oldest = said.moment()
			all = append(all, b)
		}
		if err := said.end(); err != nil || n < page {
			return all, err
		}
	}
}

// reader reads what a script says, from its beginning on.
type reader struct {
	outbox *outbox
	values []any
	err    error // errReply after the first value that is something else
}

// next returns the next value.
func next[T any](r *reader) T {
	var none T
	if len(r.values) == 0 {
		r.err = errReply
		return none
	}
	value, ok := r.values[0].(T)
	if r.values = r.values[1:]; !ok {
		r.err = errReply
	}
	return value
}

func (r *reader) number() int64 { return next[int64](r) }

func (r *reader) text() string { return next[string](r) }

// moment returns the next value, a time on the wall clock.
func (r *reader) moment() time.Time { return r.outbox.onWall(r.number()) }

// end returns an error if not all was read as it should be.
func (r *reader) end() error {
	if r.err == nil && len(r.values) > 0 {
		r.err = fmt.Errorf("%w: %d values more", errReply, len(r.values))
	}
	return r.err
}

// deliveries returns the next deliveries, before which stands how many there are.
func (r *reader) deliveries() []store.Delivery {
	var all []store.Delivery
	for n := r.number(); n > 0 && r.err == nil; n-- {
		all = append(all, r.delivery())
	}
	return all
}

func (r *reader) delivery() store.Delivery {
	d := store.Delivery{Message: store.Message{ID: r.text(), Bot: r.text(), List: r.text(), User: r.text(), Type: r.text()}}
	d.Test = r.number() == 1
	d.Created = r.moment()
	d.Seq = r.number()
	d.State = store.DeliveryState(r.text())
	d.Attempts = int(r.number())
	d.Last = store.Attempt{At: r.moment(), Status: int(r.number()), Reason: r.text()}
	d.Next, d.Began = r.moment(), r.moment()
	if body := r.text(); body != "" {
		d.Body = []byte(body)
	}
	return d
}

package sqlite

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"aggregator/store"
)

// outbox is the [store.Outbox] of a Store. Messages are in the file alone: a
// file that cannot be written takes none.
type outbox struct{ *Store }

// step is a call that the writer makes on the outbox, in one transaction with
// the others that wait.
type step struct {
	ctx    context.Context
	writes bool
	do     func(o *outboxRows) error
	done   chan error // of one
}

// run has the writer do something, and waits until that is in the file. If the
// context ends meanwhile, it may be done or not.
func (s *Store) run(ctx context.Context, writes bool, do func(o *outboxRows) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	one := &step{ctx, writes, do, make(chan error, 1)}
	s.mu.Lock()
	closed, failed := s.closed, s.failed
	if !closed && failed == nil {
		s.steps = append(s.steps, one)
	}
	s.mu.Unlock()
	switch {
	case closed:
		return store.ErrClosed
	case failed != nil:
		return s.away(failed)
	}
	s.wakeWriter()
	select {
	case err := <-one.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// away returns the error of a call that needs a file.
func (s *Store) away(err error) error { return fmt.Errorf("%w: %w", store.ErrAway, s.problem(err)) }

// takeSteps returns the steps that wait.
func (s *Store) takeSteps() []*step {
	s.mu.Lock()
	defer s.mu.Unlock()
	steps := s.steps
	s.steps = nil
	return steps
}

// makeSteps makes the steps that wait in one transaction: if one fails, none is
// made. The writer alone calls it; failed is why it has no file.
func (s *Store) makeSteps(failed error) {
	steps := s.takeSteps()
	if len(steps) == 0 {
		return
	}
	if failed == nil {
		failed = s.file.transact(func() error { return s.file.makeSteps(steps, s.clock.Read(), s.outbox) })
	}
	var err error
	if failed != nil {
		err = s.away(failed)
		s.mu.Lock()
		s.failed = failed
		s.mu.Unlock()
		s.unwritten(failed)
		if s.file != nil {
			s.file.outbox.counts = nil // as it is in the file
		}
	} else {
		for bot := range s.file.outbox.changed { // also for callers who have left
			s.bells.Ring(bot)
		}
	}
	for _, one := range steps {
		select {
		case one.done <- err:
		default: // its context had ended
		}
	}
}

// makeSteps makes steps within a transaction.
func (d *database) makeSteps(steps []*step, r store.Reading, bounds store.OutboxBounds) error {
	o := &d.outbox
	if err := o.begin(r.Clock.UnixMilli(), bounds); err != nil {
		return err
	}
	writes := slices.ContainsFunc(steps, func(one *step) bool { return one.writes })
	if writes {
		if err := o.prune(4 * len(steps)); err != nil { // more than can be added
			return err
		}
	}
	for _, one := range steps {
		if err := one.ctx.Err(); err != nil {
			one.done <- err
			continue
		}
		if err := one.do(o); err != nil {
			return err
		}
	}
	if !writes {
		return nil
	}
	return d.saveClock(r)
}

const (
	pruneEvery  = time.Minute
	pruneAtOnce = 1000 // messages that are removed then, at most
)

// pruneOutbox has the writer remove messages that are over, of an outbox in which
// nothing else happens.
func (s *Store) pruneOutbox() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed == nil {
		s.steps = append(s.steps, &step{context.Background(), true, func(o *outboxRows) error { return o.prune(pruneAtOnce) }, make(chan error, 1)})
	}
}

// Put implements [store.Outbox].
func (s outbox) Put(ctx context.Context, m store.Message, waits bool, once ...store.Once) (result store.PutResult, err error) {
	if err := cmp.Or(m.Check(), store.CheckAll(once)); err != nil {
		return 0, err
	}
	once = slices.Clone(once)
	created := s.clock.FromWallUp(m.Created).UnixMilli()
	var got store.PutResult // a caller who has left does not look at it
	err = s.run(ctx, true, func(o *outboxRows) (err error) {
		got, err = o.put(m, created, waits, once)
		return err
	})
	if err != nil {
		return 0, err
	}
	return got, nil
}

// Ready implements [store.Outbox].
func (s outbox) Ready(ctx context.Context, bot string, first, again int) (store.Ready, error) {
	var got store.Ready
	if err := s.run(ctx, false, func(o *outboxRows) (err error) {
		got, err = o.ready(bot, max(first, 0), max(again, 0))
		return err
	}); err != nil {
		return store.Ready{}, err
	}
	s.toWall(got.First)
	s.toWall(got.Again)
	if got.Oldest != nil {
		*got.Oldest = s.clock.DeliveryToWall(*got.Oldest)
	}
	got.Next = s.clock.ToWall(got.Next)
	return got, nil
}

// Settle implements [store.Outbox].
func (s outbox) Settle(ctx context.Context, done store.Settled) error {
	if err := done.Check(); err != nil {
		return err
	}
	done.Attempt.At = s.clock.FromWallUp(done.Attempt.At)
	done.Attempt.Reason = store.ClipReason(done.Attempt.Reason)
	done.Next = s.clock.FromWallUp(done.Next)
	return s.run(ctx, true, func(o *outboxRows) error { return o.settle(done) })
}

// Deliveries implements [store.Outbox].
func (s outbox) Deliveries(ctx context.Context, bot string, q store.DeliveryQuery) ([]store.Delivery, error) {
	if err := q.Check(); err != nil {
		return nil, err
	}
	return s.list(ctx, func(o *outboxRows) ([]store.Delivery, error) { return o.deliveries(bot, q) })
}

// After implements [store.Outbox].
func (s outbox) After(ctx context.Context, bot string, seq int64, limit int) ([]store.Delivery, error) {
	return s.list(ctx, func(o *outboxRows) ([]store.Delivery, error) { return o.after(bot, seq, max(limit, 0)) })
}

// list returns the deliveries that get finds.
func (s outbox) list(ctx context.Context, get func(o *outboxRows) ([]store.Delivery, error)) ([]store.Delivery, error) {
	var got []store.Delivery
	if err := s.run(ctx, false, func(o *outboxRows) (err error) {
		got, err = get(o)
		return err
	}); err != nil {
		return nil, err
	}
	s.toWall(got)
	return got, nil
}

// toWall moves the times of deliveries to the wall clock.
func (s outbox) toWall(all []store.Delivery) {
	for i := range all {
		all[i] = s.clock.DeliveryToWall(all[i])
	}
}

// retryAtOnce is how many messages are made due in one step. Many at once would
// hold up everybody else.
const retryAtOnce = 1000

// Retry implements [store.Outbox].
func (s outbox) Retry(ctx context.Context, bot string, ids []string, state store.DeliveryState) (int, error) {
	if err := store.CheckRetry(ids, state); err != nil {
		return 0, err
	}
	ids = slices.Clone(ids)
	n := 0
	for after, more := int64(0), true; more; {
		var made int
		if err := s.run(ctx, true, func(o *outboxRows) (err error) {
			made, after, more, err = o.retry(bot, ids, state, after, retryAtOnce)
			return err
		}); err != nil {
			return n, err
		}
		n += made
	}
	return n, nil
}

// Seq implements [store.Outbox].
func (s outbox) Seq(ctx context.Context, bot, id string) (int64, bool, error) {
	var seq int64
	var ok bool
	if err := s.run(ctx, false, func(o *outboxRows) (err error) {
		seq, ok, err = o.seqOf(bot, id)
		return err
	}); err != nil {
		return 0, false, err
	}
	return seq, ok, nil
}

// Backlogs implements [store.Outbox].
func (s outbox) Backlogs(ctx context.Context) ([]store.Backlog, error) {
	var all []store.Backlog
	if err := s.run(ctx, false, func(o *outboxRows) (err error) {
		all, err = o.backlogs()
		return err
	}); err != nil {
		return nil, err
	}
	for i := range all {
		all[i].Oldest = s.clock.ToWall(all[i].Oldest)
	}
	return store.SortBacklogs(all), nil
}

// Changed implements [store.Outbox].
func (s outbox) Changed(bot string) <-chan struct{} { return s.bells.Changed(bot) }

package votes

import (
	"context"
	"time"

	"aggregator/internal/times"
	"aggregator/store"
)

// note notes what became of an attempt, of the delivery and of the endpoint.
func (c *courier) note(ctx context.Context, e ended) {
	delete(c.busy, e.ID)
	if !e.made {
		c.stale = true
		return
	}
	s := settle(e.Delivery, e.verdict, e.lane == laneProbe, c.Random())
	if e.lane == laneWanted && !e.taken { // whoever wanted it hears of it, and needs it no more
		s.State, s.Counts, s.Next = store.Dead, true, time.Time{}
	}
	c.observe(e, s)
	if !c.settled(ctx, s) {
		c.stale = true // it is attempted again
		return
	}
	c.noteEndpoint(ctx, e)
	if !e.taken || len(c.waiting.First) == 0 {
		c.stale = true
	}
}

// observe counts and logs what became of an attempt.
func (c *courier) observe(e ended, s store.Settled) {
	switch s.State {
	case store.Delivered:
		c.Observe(resultTaken)
	case store.Dead:
		c.Observe(resultDead)
		c.Log.Warn("vote not delivered", "bot", c.bot, "list", e.List, "message", e.ID, "attempts", e.Attempts+1, "reason", s.Attempt.Reason)
	default:
		c.Observe(resultFailed)
	}
}

// settled settles an attempt, and reports whether it could. While the store is
// away it tries again, until the courier is to end, and then once more.
func (c *courier) settled(ctx context.Context, s store.Settled) bool {
	for {
		isLast := ctx.Err() != nil
		within, cancel := ctx, context.CancelFunc(func() {})
		if isLast {
			within, cancel = context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
		}
		err := c.Outbox.Settle(within, s)
		cancel()
		if err == nil {
			return true
		}
		if isLast {
			c.Log.Warn("what became of a vote was not noted; it goes out again", "bot", c.bot, "message", s.ID, "error", err)
			return false
		}
		pause(ctx, storeRetryAfter)
	}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// noteEndpoint notes what an attempt says of the endpoint.
func (c *courier) noteEndpoint(ctx context.Context, e ended) {
	ctx = context.WithoutCancel(ctx)
	before := c.endpoint
	opened := c.endpoint.note(e.verdict)
	if e.lane == laneWanted {
		c.endpoint.Wanted, c.waiting.wanted = "", nil
	}
	if opened {
		c.open(ctx)
	}
	c.tell(ctx)
	if c.endpoint == before {
		return
	}
	if c.endpoint.rests() && !before.rests() {
		c.Log.Warn("an endpoint for votes fails; it is only probed now", "bot", c.bot, "failures", c.endpoint.Failed, "reason", c.endpoint.Reason)
	}
	c.save(ctx)
}

// open lets everything out that waits, in the order of arrival.
func (c *courier) open(ctx context.Context) {
	c.Log.Info("an endpoint takes votes again", "bot", c.bot)
	c.stale = true
	newest, _, err := c.Outbox.Seq(ctx, c.bot, "")
	if err == nil {
		c.endpoint.CatchUp = newest
		_, err = c.Outbox.Retry(ctx, c.bot, nil, store.Pending)
	}
	if err != nil { // what was attempted before goes out when it is due
		c.Log.Debug("votes: not all goes out at once", "bot", c.bot, "error", err)
	}
}

// tell has a person told once the endpoint has failed for long, and once it takes
// votes again.
func (c *courier) tell(ctx context.Context) {
	b := c.Bots.Current().Bot(c.bot)
	if c.Notices == nil || b == nil {
		return
	}
	var err error
	switch {
	case c.endpoint.isToBeSaid(c.Now()):
		if err = c.Notices.VotesFailing(ctx, b, c.endpoint.Since, c.endpoint.Reason); err == nil {
			c.endpoint.Said = true
		}
	case c.endpoint.Said && c.endpoint.Failed == 0:
		if err = c.Notices.VotesTaken(ctx, b); err == nil {
			c.endpoint.Said = false
		}
	}
	if err != nil {
		c.Log.Debug("votes: nobody could be told of an endpoint", "bot", c.bot, "error", err)
	}
}

// save saves what is known of the endpoint, and reports whether it could. What
// others have asked for meanwhile stays.
func (c *courier) save(ctx context.Context) bool {
	item, err := store.Update(ctx, c.State, c.key, func(item *store.Item) bool {
		if item.Version != c.item.Version {
			c.endpoint.asked(decodeEndpoint(item.Data, c.endpoint.URL))
			c.stale = true
		}
		item.Data, item.Due = c.endpoint.encode(), c.alwaysDue()
		return true
	})
	if err != nil {
		c.stale = true
		c.Log.Debug("votes: what is known of an endpoint was not saved", "bot", c.bot, "error", err)
		return false
	}
	c.item = item
	return true
}

// asked takes over what somebody has asked for of the endpoint, as it was saved
// since.
func (e *endpoint) asked(saved endpoint) {
	if saved.Wanted != "" {
		e.Wanted = saved.Wanted
	}
	if e.rests() && saved.rests() {
		e.Probe = times.Earlier(e.Probe, saved.Probe)
	}
}

package votes

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"time"

	"aggregator/agent"
	"aggregator/store"
)

const (
	// readAtOnce is how many messages of each kind a courier reads at once.
	readAtOnce = 32
	// linger is how long a courier waits for more when nothing waits.
	linger = 30 * time.Second
	// storeRetryAfter is the time until a courier tries again what the store could
	// not do.
	storeRetryAfter = time.Second
	// settleTimeout is how long what has ended may take to be noted at the end of
	// the process.
	settleTimeout = 2 * time.Second
)

// courier passes on what waits for one bot, as long as its replica has the bot
// claimed.
type courier struct {
	*Relay
	bot   string
	key   store.Key
	lose  context.CancelFunc        // ends the courier
	until atomic.Pointer[time.Time] // the end of the lease, by a clock that nobody sets

	item     store.Item
	endpoint endpoint
	waiting  waiting
	stale    bool // waiting and endpoint are to be read anew
	busy     underWay
	ended    chan ended

	nudged atomic.Bool // something has come that was not read
}

// ended is an attempt that has ended.
type ended struct {
	start
	verdict
	made bool // false: there was no time left for it
}

// extend makes the lease last until a time, which has a monotonic reading.
func (c *courier) extend(until time.Time) { c.until.Store(&until) }

// mayStart reports whether the lease outlasts an attempt that begins now.
func (c *courier) mayStart() bool {
	return time.Until(*c.until.Load()) > deliveries.Timeout
}

// run passes on until nothing has waited for a while, or ctx ends. Attempts under
// way are waited for.
func (c *courier) run(ctx context.Context) {
	defer c.finish(ctx)
	defer c.recovered()
	idle := time.Duration(0)
	for ctx.Err() == nil {
		changed := c.Outbox.Changed(c.bot)
		wait, more := c.step(ctx)
		if !more {
			return
		}
		isIdle := c.waiting.Oldest == nil && len(c.busy) == 0
		if isIdle {
			if wait = linger - idle; wait <= 0 {
				return
			}
		}
		start := time.Now()
		c.wait(ctx, changed, wait)
		if idle += time.Since(start); !isIdle || c.stale {
			idle = 0
		}
	}
}

// wait waits for something to happen, and notes what has ended.
func (c *courier) wait(ctx context.Context, changed <-chan struct{}, most time.Duration) {
	t := time.NewTimer(most)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-changed:
		c.stale = true
	case <-t.C:
	case e := <-c.ended:
		c.note(ctx, e)
	}
}

// step starts what is to be started, and returns how long to wait if nothing
// happens. more is false where the courier has nothing to do any more.
func (c *courier) step(ctx context.Context) (wait time.Duration, more bool) {
	to := c.sendTo(c.bot)
	if to == nil {
		return 0, false
	}
	if err := c.read(ctx, to); err != nil {
		if ctx.Err() == nil {
			c.Log.Debug("votes: nothing is passed on without the store", "bot", c.bot, "error", err)
		}
		return storeRetryAfter, true
	}
	now := c.Now()
	starts, next, planned := plan(c.waiting, c.endpoint, c.busy, now)
	if planned.CatchUp != c.endpoint.CatchUp {
		if c.endpoint = planned; !c.save(ctx) {
			return storeRetryAfter, true
		}
		return 0, true // with what comes after
	}
	if len(starts) > 0 && !c.mayStart() {
		return storeRetryAfter, true // until the lease is renewed
	}
	for _, s := range starts {
		c.start(ctx, s, to)
	}
	if wait = renewEvery; !next.IsZero() {
		wait = min(wait, max(next.Sub(now), 0)) // what the file says may change
	}
	return wait, true
}

// read reads anew what waits, where that may have changed.
func (c *courier) read(ctx context.Context, to *agent.SendTo) error {
	hash := fmt.Sprintf("%x", c.Hash("votes", "url", to.URL.Reveal()))
	if due := c.waiting.Next; c.endpoint.URL != hash || len(c.waiting.First) == 0 || !due.IsZero() && !due.After(c.Now()) {
		c.stale = true
	}
	if !c.stale {
		return nil
	}
	items, err := c.State.Load(ctx, c.key)
	if err != nil {
		return err
	}
	c.nudged.Store(false)
	ready, err := c.Outbox.Ready(ctx, c.bot, readAtOnce, readAtOnce)
	if err != nil {
		return err
	}
	c.item, c.endpoint, c.waiting = items[0], decodeEndpoint(items[0].Data, hash), waiting{Ready: ready}
	for id := range c.busy { // what becomes of it is not known there yet
		c.waiting.First, c.waiting.Again = without(c.waiting.First, id), without(c.waiting.Again, id)
	}
	c.stale = false
	if c.endpoint.Wanted == "" {
		return nil
	}
	wanted, err := c.message(ctx, c.bot, c.endpoint.Wanted)
	if wanted != nil && wanted.State == store.Pending {
		c.waiting.wanted = wanted
	}
	return err
}

// start makes an attempt, beside what goes on. What became of it comes through
// ended.
func (c *courier) start(ctx context.Context, s start, to *agent.SendTo) {
	c.busy[s.ID] = s.lane
	c.waiting.First, c.waiting.Again = without(c.waiting.First, s.ID), without(c.waiting.Again, s.ID)
	go func() {
		e := ended{start: s}
		defer func() { c.ended <- e }()
		defer func() {
			if p := recover(); p != nil {
				c.Log.Error("votes: an attempt panicked", "panic", fmt.Sprintf("a %T", p), "stack", string(debug.Stack()))
				e.made, e.verdict = true, verdict{Attempt: store.Attempt{At: c.Now(), Reason: "Internal error"}}
			}
		}()
		select {
		case c.slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		defer func() { <-c.slots }()
		if ctx.Err() != nil || !c.mayStart() {
			return
		}
		e.made, e.verdict = true, c.attempt(context.WithoutCancel(ctx), s.Message, to)
	}()
}

func without(all []store.Delivery, id string) []store.Delivery {
	for i := range all {
		if all[i].ID == id {
			return append(all[:i:i], all[i+1:]...)
		}
	}
	return all
}

// attempt tells the bot once.
func (r *Relay) attempt(ctx context.Context, m store.Message, to *agent.SendTo) verdict {
	q, err := request(to, m, r.Now(), r.UserAgent)
	if err != nil {
		return verdict{Attempt: store.Attempt{At: r.Now(), Reason: "Cannot be signed: the secret of send_to is no base64"}}
	}
	return judge(r.Exchange(ctx, deliveries, q), r.Now())
}

// finish notes what is still under way, and gives the bot back.
func (c *courier) finish(ctx context.Context) {
	for len(c.busy) > 0 {
		c.note(ctx, <-c.ended)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	if err := c.State.Release(ctx, c.holder, c.key); err != nil {
		c.Log.Debug("votes: a claim was not released; it ends by itself", "bot", c.bot, "error", err)
	}
}

// recovered keeps a panic within the courier. Another one goes on in its place.
func (c *courier) recovered() {
	if p := recover(); p != nil {
		c.Log.Error("votes: a courier panicked", "panic", fmt.Sprintf("a %T", p), "stack", string(debug.Stack()))
	}
}

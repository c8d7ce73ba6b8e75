package redis

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"time"

	"aggregator/store"
)

const (
	// listenFor is how long a replica listens and hears nothing, before it asks
	// whether there was something.
	listenFor = 2 * time.Second
	// maxDeaf is how long a replica that cannot listen asks now and then alone,
	// before it tries again.
	maxDeaf = 30 * time.Second
)

// changes wakes those who wait for something to come for a bot. It is safe for
// concurrent use.
type changes struct {
	bells store.Bells

	mu    sync.Mutex
	last  int64 // number of the last change that is known; -1 at first
	begun bool  // somebody listens to Redis
}

// heard notes a change. Where others were before it that nobody told of, any bot
// may have changed.
func (c *changes) heard(n int64, bot string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n > c.last+1 {
		c.bells.RingAll()
	} else {
		c.bells.Ring(bot)
	}
	c.last = max(c.last, n)
}

// asked notes the number of the last change, and reports whether that is news.
func (c *changes) asked(n int64) (news bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if news = n != c.last; news { // less, in a Redis that has lost its data
		c.bells.RingAll()
	}
	c.last = n
	return news
}

// begin reports whether it is called for the first time.
func (c *changes) begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	begun := c.begun
	c.begun = true
	return !begun
}

// Changed implements [store.Outbox]. Changes are heard from Redis, which numbers
// them; one that was missed shows at the next, or after listenFor.
func (o *outbox) Changed(bot string) <-chan struct{} {
	changed := o.changes.bells.Changed(bot)
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.closed && o.changes.begin() {
		o.others.Go(o.listen)
	}
	return changed
}

// listen hears of changes until the store is closed. While it cannot, it asks
// for them now and then.
func (o *outbox) listen() {
	for deaf := beatEvery; o.ending.Err() == nil; {
		if o.hear() {
			deaf = beatEvery
		}
		for until := time.Now().Add(deaf); time.Now().Before(until) && pause(o.ending, beatEvery); {
			o.askChanges()
		}
		deaf = min(2*deaf, maxDeaf)
	}
}

// hear listens until that fails, and reports whether it could at first.
func (o *outbox) hear() (could bool) {
	o.client.listen(o.ending, o.channel, listenFor, func(message string) bool {
		if message == "" {
			news := o.askChanges()
			first := !could
			could = true
			return first || !news // a connection on which something was missed may be dead
		}
		n, bot, _ := strings.Cut(message, " ")
		if number, err := strconv.ParseInt(n, 10, 64); err == nil { // no other program's
			o.changes.heard(number, bot)
		}
		return true
	})
	return could
}

// askChanges asks whether something has changed that was not heard of, and reports
// so.
func (o *outbox) askChanges() bool {
	ctx, cancel := context.WithTimeout(o.ending, o.timeout)
	defer cancel()
	found, err := o.client.do(ctx, "HGET", prefix+"outbox:sums", "changes")
	if err != nil {
		return false
	}
	text, _ := found.(string)
	n, _ := strconv.ParseInt(text, 10, 64) // 0 before the first
	return o.changes.asked(n)
}

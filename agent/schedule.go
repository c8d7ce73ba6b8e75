package agent

import (
	"hash/fnv"
	"time"

	"aggregator/internal/times"
)

const (
	// firstWithin is how soon after its first sight a bot is asked.
	firstWithin = time.Minute
	// retryAfter is when a list that failed is tried once more.
	retryAfter = 5 * time.Minute
	// zeroAfter is when a source is asked again that says 0 all of a sudden.
	zeroAfter = time.Minute
	// busyAfter is when posts are tried again for which there was no room.
	busyAfter = 10 * time.Second
)

// spread returns a time in [0, within), in whole seconds, that is the same for a
// bot each time.
func spread(bot string, within time.Duration) time.Duration {
	h := fnv.New64a()
	_, _ = h.Write([]byte(bot)) // never fails
	x := h.Sum64()
	x ^= x >> 33 // ids that follow each other must not stand side by side
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	return time.Duration(x % uint64(within)).Truncate(time.Second)
}

// nextTick returns the first time after t that is a bot's own in each interval.
func nextTick(bot string, every time.Duration, t time.Time) time.Time {
	offset := spread(bot, every)
	since := time.Duration(t.UnixNano()) - offset
	return time.Unix(0, int64((since/every+1)*every+offset)).UTC()
}

// tickFrom returns the first tick that is not before t.
func tickFrom(bot string, every time.Duration, t time.Time) time.Time {
	return nextTick(bot, every, t.Add(-1))
}

// see notes that a bot is in the file at a time, and what has changed about it.
// It reports whether that changed the record.
func (r *record) see(b *Bot, source string, now time.Time) (changed bool) {
	if b.Posts == nil {
		return false
	}
	changed = r.bound(now)
	if r.AskedAt.IsZero() && (r.TickAt.IsZero() || r.TickAt.Sub(now) > firstWithin) { // for the first time
		r.TickAt = now.Add(spread(b.ID, firstWithin))
		changed = true
	}
	if r.Source.Of != source {
		r.Source = sourceRecord{Of: source}
		changed = true
	}
	// The earlier of what was due and the next tick: the interval may have
	// become shorter, a rest may have ended, or the clock was set back.
	next := nextTick(b.ID, b.Posts.Every, now)
	if r.Source.NotBefore.After(now) {
		next = tickFrom(b.ID, b.Posts.Every, r.Source.NotBefore)
	}
	if next.Before(r.TickAt) && !r.AskedAt.IsZero() {
		r.TickAt = next
		changed = true
	}
	return changed
}

// maxAhead is more than any time that is kept lies ahead, but ticks and what
// they are counted from.
const maxAhead = maxLimit + time.Hour

// bound brings to now what lies too far ahead, as after the clock was set back,
// and reports whether there was anything.
func (r *record) bound(now time.Time) (changed bool) {
	times := []*time.Time{&r.Source.RetryAt, &r.Source.NotBefore, &r.Commands.AskAt}
	for _, l := range r.Lists {
		times = append(times, &l.NextAt, &l.RestUntil)
	}
	for _, t := range times {
		if t.Sub(now) > maxAhead {
			*t = now
			changed = true
		}
	}
	return changed
}

// asksAt returns when the source is to be asked next. A source that failed is
// asked at its own times, not at ticks.
func (r *record) asksAt() time.Time {
	switch {
	case r.Source.Failed > 0 && !r.Source.RetryAt.IsZero():
		return r.Source.RetryAt
	case !r.Source.RetryAt.IsZero() && r.Source.RetryAt.Before(r.TickAt):
		return r.Source.RetryAt
	}
	return r.TickAt
}

// dueAt returns when something is to be done for the bot; zero for never.
func (r *record) dueAt(b *Bot) time.Time {
	due := r.reviewAt(b)
	if b.Posts == nil {
		return due
	}
	due = times.Earlier(due, r.asksAt())
	if r.Source.Failed > 0 { // nothing is posted meanwhile
		return due
	}
	for _, t := range b.Tokens {
		if l := r.Lists[t.ID]; l != nil && l.isOpen() && !l.NextAt.IsZero() && !l.Turn {
			due = times.Earlier(due, l.NextAt)
		}
	}
	return due
}

// work is what is to be done for a bot at one time.
type work struct {
	ask   bool     // its source is to be asked, and every list gets the count
	lists []string // else: ids of the lists that get the newest count
}

func (w work) isZero() bool { return !w.ask && len(w.lists) == 0 }

// begin returns what is due for a bot and notes that it is taken: should this
// process end, it is done with the next tick.
func (r *record) begin(b *Bot, now time.Time) (w work) {
	if b.Posts == nil {
		return w
	}
	if !r.asksAt().After(now) {
		r.AskedAt = now
		r.TickAt = nextTick(b.ID, b.Posts.Every, now)
		r.Source.RetryAt = time.Time{}
		for _, l := range r.Lists {
			l.wake(now)
		}
		return work{ask: true}
	}
	if r.Source.Failed > 0 {
		return w
	}
	for _, t := range b.Tokens {
		l := r.Lists[t.ID]
		if l == nil || !l.isOpen() || l.Turn || l.NextAt.IsZero() || l.NextAt.After(now) {
			continue
		}
		l.NextAt = time.Time{}
		if r.newest(b, now) != nil {
			w.lists = append(w.lists, t.ID)
		}
	}
	return w
}

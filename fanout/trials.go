package fanout

import (
	"errors"
	"net/netip"
	"sync"
	"time"
)

// maxTrials is how many calls at a time find out whether a list answers again,
// each for another network.
const maxTrials = 3

// trials are the calls that a half open breaker lets through. One answer closes
// it. That a single network's trials fail does not open it again: they may be
// made to fail. That network waits, and others try. The methods are for holders
// of the breaker's mutex.
type trials struct {
	end     func(error) // tells gobreaker what came of them; nil once it has been told
	met     *silence    // the last
	running map[netip.Prefix]bool
	failed  map[netip.Prefix]time.Time // by network, when it may try again
}

func newTrials() *trials {
	return &trials{running: map[netip.Prefix]bool{}, failed: map[netip.Prefix]time.Time{}}
}

// begin makes a call for a network a trial. Otherwise it returns when that may
// try again.
func (t *trials) begin(from netip.Prefix, now time.Time) (next time.Time, ok bool) {
	if wait := t.failed[from]; wait.After(now) {
		return wait, false
	}
	if t.running[from] || len(t.running) >= maxTrials || len(t.failed) > 1 {
		return now, false
	}
	t.running[from] = true
	return time.Time{}, true
}

// finish ends a trial. When nothing is left to find out it returns a function,
// for whoever holds no mutex, that tells gobreaker so.
func (t *trials) finish(from netip.Prefix, err error, next time.Time) (tell func()) {
	delete(t.running, from)
	if met, failed := errors.AsType[*silence](err); failed {
		t.failed[from], t.met = next, met
	}
	end := t.end
	switch {
	case end == nil:
		return nil
	case err == nil:
		t.end = nil
		return func() { end(nil) }
	case len(t.failed) > 1 && len(t.running) == 0:
		t.end = nil
		met := t.met
		return func() { end(met) }
	}
	return nil
}

// heard remembers the two networks that heard from a list last. It is safe
// for concurrent use.
type heard struct {
	mu   sync.RWMutex
	last [2]struct {
		network netip.Prefix
		at      time.Time
	}
}

// noteEvery is how exactly answers are remembered: noting each would cost every
// call a lock.
const noteEvery = 10 * time.Second

// note remembers that a network had an answer.
func (h *heard) note(from netip.Prefix, now time.Time) {
	if h.known(from, now) {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	i := 0
	if h.last[1].network == from || h.last[0].network != from && h.last[1].at.Before(h.last[0].at) {
		i = 1
	}
	h.last[i].network, h.last[i].at = from, now
}

// known reports whether an answer adds nothing: two networks had one just now,
// or this one had.
func (h *heard) known(from netip.Prefix, now time.Time) bool {
	h.mu.RLock()
	defer h.mu.RUnlock()
	fresh := 0
	for _, l := range h.last {
		if now.Sub(l.at) < noteEvery {
			fresh++
			if l.network == from {
				return true
			}
		}
	}
	return fresh == len(h.last)
}

// otherThan returns when a network other than this one had an answer last.
func (h *heard) otherThan(from netip.Prefix) (at time.Time) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for _, l := range h.last {
		if l.network != from && l.at.After(at) {
			at = l.at
		}
	}
	return at
}

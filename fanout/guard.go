package fanout

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"aggregator/lists"
	"aggregator/shares"
)

// guard is what the client knows of one list.
type guard struct {
	list     *lists.List
	slots    *shares.Semaphore   // for calls to the list
	breakers map[string]*breaker // one for each operation that the list supports, by its name
}

func newGuard(l *lists.List, o *options) *guard {
	g := &guard{list: l, slots: o.newSlots(o.maxPerList, o.maxPerList), breakers: map[string]*breaker{}}
	inAny := &heard{}
	for _, op := range lists.Ops() {
		if l.Supports(op) {
			g.breakers[op.Name] = newBreaker(l.ID, op, inAny, breakerOptions{openTimeout: o.openTimeout, now: o.now})
		}
	}
	return g
}

// guards are the guards of all lists that were asked. Reading them takes no
// lock: every call does.
type guards struct {
	options *options
	mu      sync.Mutex // held to change byID
	byID    atomic.Pointer[map[string]*guard]
}

// breakerOptions are what breakers work with.
type breakerOptions struct {
	openTimeout time.Duration // how long an open breaker lets no call through
	now         func() time.Time
}

func (g *guards) known() map[string]*guard {
	if m := g.byID.Load(); m != nil {
		return *m
	}
	return nil
}

// of returns the guard of a list. A known id with another list behind it means that
// the catalog was reloaded: then all guards are dropped and made anew, so that
// those of lists that are gone go too.
func (g *guards) of(l *lists.List) *guard {
	if known := g.known()[l.ID]; known != nil && known.list == l {
		return known
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	all := map[string]*guard{}
	if known := g.known()[l.ID]; known == nil {
		maps.Copy(all, g.known())
	} else if known.list == l {
		return known
	}
	all[l.ID] = newGuard(l, g.options)
	g.byID.Store(&all)
	return all[l.ID]
}

package aggregate

import (
	"context"
	"net/netip"
	"time"

	"aggregator/lists"
)

// How long readings are shared, for tests of the package from outside.
const (
	ReadingFresh       = readingFresh
	FailedReadingFresh = failedReadingFresh
)

// SetReadingsClock sets the clock by which shared readings grow old.
func (a *Aggregator) SetReadingsClock(now func() time.Time) { a.readings.now = now }

// ReadingsWaiting returns how many callers wait for readings under way.
func (a *Aggregator) ReadingsWaiting() int {
	a.readings.mu.Lock()
	defer a.readings.mu.Unlock()
	waiting := 0
	for _, f := range a.readings.byKey {
		waiting += f.waiters
	}
	return waiting
}

// Plan is one call on its way through the holds, for tests of these alone.
type Plan struct{ plan []planned }

// Check looks at the holds of a call.
func (h *Holds) Check(ctx context.Context, call lists.Call) (*Plan, *lists.Skip) {
	p := &Plan{[]planned{{call: call}}}
	return p, h.look(ctx, p.plan, look{})[0]
}

// SetSleep sets how a call waits for a hold to end.
func (h *Holds) SetSleep(sleep func(context.Context, time.Duration) error) { h.sleep = sleep }

// Reserve checks a call, and reserves what it needs.
func (h *Holds) Reserve(ctx context.Context, call lists.Call) (*Plan, *lists.Skip) {
	p, why := h.Check(ctx, call)
	if why == nil {
		why = h.reserve(ctx, p.plan)[0]
	}
	return p, why
}

// Settle learns from the answer to a call.
func (h *Holds) Settle(ctx context.Context, p *Plan, a lists.Answer) {
	h.settle(ctx, p.plan, []lists.Answer{a}, []lists.Verdict{p.plan[0].call.Judge(a)})
}

// Know has a list accept tokens, as it does that of the call.
func (h *Holds) Know(ctx context.Context, call lists.Call) {
	d := h.of(call, netip.Prefix{}, false)
	h.change(ctx, d.know(nil, h.now()))
}

// VotesJoined returns how many requests wait for a vote check that another one
// makes.
func (a *Aggregator) VotesJoined() int {
	a.memory.mu.Lock()
	defer a.memory.mu.Unlock()
	joined := 0
	for _, i := range a.memory.inquiries {
		joined += i.joined
	}
	return joined
}

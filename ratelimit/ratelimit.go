// Package ratelimit decides which requests pass: so many in a window for each
// scope, exactly, however many arrive at once. It knows no HTTP.
package ratelimit

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"aggregator/shares"
	"aggregator/store"
)

// Scope is who asks for what. Requests of one scope share a window.
type Scope struct {
	Name   string     // of what is asked for: requests that share a window give the same name
	IP     netip.Addr // the caller's; all addresses of an IPv6 /64 are one caller
	BotID  string
	UserID string // "" for what is not about a user
}

// Decision says whether a request passes, and how its window is afterwards.
type Decision struct {
	OK        bool
	Limit     int64
	Remaining int64
	Period    time.Duration
	Reset     time.Time // when the window closes
}

// RetryAfter is the number of whole seconds until the window closes, rounded
// up: at least 1, and at most the period, whatever the clocks of others say.
func (d Decision) RetryAfter(now time.Time) int64 {
	return max(1, min(ceilSeconds(d.Reset.Sub(now)), ceilSeconds(d.Period)))
}

func ceilSeconds(d time.Duration) int64 {
	seconds := int64(d / time.Second)
	if d%time.Second > 0 {
		seconds++
	}
	return seconds
}

// Limiter lets requests through at one rate. It is safe for concurrent use. A
// nil Limiter, like one whose rate is off, lets everything through.
type Limiter struct {
	rate    Rate
	store   store.Windows
	hash    func(parts ...string) store.Key
	windows windows
}

// New returns a Limiter that keeps its windows in st, under keys made by hash.
func New(st store.Windows, rate Rate, hash func(parts ...string) store.Key) *Limiter {
	return &Limiter{rate: rate, store: st, hash: hash, windows: newWindows(st, rate)}
}

// AtLeast returns a Limiter of the same windows that lets at least so many
// requests through. One that is off stays off.
func (l *Limiter) AtLeast(limit int64) *Limiter {
	if l.off() || limit <= l.rate.Limit {
		return l
	}
	return New(l.store, Rate{Limit: limit, Period: l.rate.Period}, l.hash)
}

// Spacing returns the time between requests that come evenly, as often as the
// rate lets them; 0 where it is off.
func (l *Limiter) Spacing() time.Duration {
	if l == nil {
		return 0
	}
	return l.rate.Spacing()
}

// Take uses one request of the scope's window, unless none is left. The
// Decision is nil when the limit is off: there is no window then.
func (l *Limiter) Take(ctx context.Context, scope Scope) (*Decision, error) {
	if l.off() {
		return nil, nil
	}
	d, err := l.windows.take(ctx, l.key(scope))
	if err != nil {
		return nil, fmt.Errorf("ratelimit: %w", err)
	}
	d.Limit, d.Period = l.rate.Limit, l.rate.Period
	return &d, nil
}

// Peek returns how the scope's window is, and whether a request would pass, and
// uses none. The Decision is nil when the limit is off.
func (l *Limiter) Peek(ctx context.Context, scope Scope) (*Decision, error) {
	if l.off() {
		return nil, nil
	}
	windows, err := store.Peek(ctx, l.store, l.key(scope))
	if err != nil {
		return nil, fmt.Errorf("ratelimit: %w", err)
	}
	left := max(0, l.rate.Limit-windows[0].Used)
	return &Decision{OK: left > 0, Limit: l.rate.Limit, Remaining: left, Period: l.rate.Period, Reset: windows[0].Until}, nil
}

// Release gives a request back that was taken for nothing.
func (l *Limiter) Release(ctx context.Context, scope Scope) error {
	if l.off() {
		return nil
	}
	if err := store.Release(ctx, l.store, l.key(scope)); err != nil {
		return fmt.Errorf("ratelimit: %w", err)
	}
	return nil
}

func (l *Limiter) off() bool { return l == nil || l.rate.off() }

// key names the scope's window. The rate is not in it, so that windows outlive
// a change of the rate.
func (l *Limiter) key(s Scope) store.Key {
	parts := []string{"ratelimit", s.Name, shares.Network(s.IP).Addr().String(), s.BotID}
	if s.UserID != "" {
		parts = append(parts, s.UserID)
	}
	return l.hash(parts...)
}

package testkit

import (
	"sync/atomic"
	"time"
)

// Clock is a clock that stands still until told. It is safe for concurrent use.
type Clock struct {
	nanos atomic.Int64
	set   atomic.Int64 // how far the wall clock was set forward
}

// NewClock returns a Clock that stands at a whole second.
func NewClock() *Clock {
	c := new(Clock)
	c.nanos.Store(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC).UnixNano())
	return c
}

// Now returns the time on the wall clock.
func (c *Clock) Now() time.Time { return time.Unix(0, c.nanos.Load()+c.set.Load()) }

// Elapsed returns the time since a moment that stays the same, however the wall
// clock is set.
func (c *Clock) Elapsed() time.Duration { return time.Duration(c.nanos.Load()) }

// Set sets the wall clock forward, or back when d is negative. No time passes.
func (c *Clock) Set(d time.Duration) { c.set.Add(int64(d)) }

// Advance lets time pass.
func (c *Clock) Advance(d time.Duration) { c.nanos.Add(int64(d)) }

// Package storetest holds the suites that every store has to pass: one for each
// interface of package store.
package storetest

import (
	"sync/atomic"
	"time"
)

// Clock is a clock that stands still until told. It is safe for concurrent use.
type Clock struct{ nanos atomic.Int64 }

// NewClock makes a Clock that stands at a whole second.
func NewClock() *Clock {
	c := new(Clock)
	c.nanos.Store(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC).UnixNano())
	return c
}

// Now is the clock's time.
func (c *Clock) Now() time.Time { return time.Unix(0, c.nanos.Load()) }

// Advance moves the clock.
func (c *Clock) Advance(d time.Duration) { c.nanos.Add(int64(d)) }

package store

import (
	"context"
	"slices"
	"time"
)

// Clock is the clock by which windows are kept. It starts at the wall clock's
// time and runs on evenly where that is set back or forward: nobody is locked
// out for longer than was asked for, and nobody freed earlier. It is safe for
// concurrent use.
type Clock struct {
	wall    func() time.Time
	elapsed func() time.Duration
	start   time.Time     // on this clock
	since   time.Duration // elapsed then
}

// Reading is what a Clock and the wall clock show at one moment.
type Reading struct{ Clock, Wall time.Time }

// NewClock returns a Clock beside a wall clock. elapsed returns the time since
// any moment, by a clock that cannot be set; nil stands for the monotonic
// readings of wall. last is the last reading of its predecessor, the zero Reading
// if there was none: the Clock goes on from there, and counts the time since then
// unless the wall clock was set back meanwhile.
func NewClock(wall func() time.Time, elapsed func() time.Duration, last Reading) *Clock {
	now := wall()
	if elapsed == nil {
		elapsed = func() time.Duration { return wall().Sub(now) }
	}
	c := &Clock{wall: wall, elapsed: elapsed, start: now.Round(0), since: elapsed()}
	if last != (Reading{}) {
		c.start = last.Clock.Add(max(0, c.start.Sub(last.Wall)))
	}
	return c
}

// Read returns a Reading.
func (c *Clock) Read() Reading { return Reading{c.Now(), c.wall().Round(0)} }

// Now returns the time on the clock.
func (c *Clock) Now() time.Time { return c.start.Add(c.elapsed() - c.since) }

// Ahead returns how far the wall clock is ahead.
func (c *Clock) Ahead() time.Duration {
	ahead := c.wall().Round(0).Sub(c.Now())
	if ahead.Abs() < time.Millisecond { // the time between two looks
		return 0
	}
	return ahead.Round(time.Millisecond)
}

// ToWall returns a time of the Clock on the wall clock; the zero time stays zero.
func (c *Clock) ToWall(t time.Time) time.Time { return shift(t, c.Ahead()) }

// FromWall returns a time of the wall clock on the Clock; the zero time stays
// zero.
func (c *Clock) FromWall(t time.Time) time.Time { return shift(t, -c.Ahead()) }

// FromWallUp is FromWall in whole milliseconds, rounded up.
func (c *Clock) FromWallUp(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return time.UnixMilli(ceilMilli(c.FromWall(t)))
}

// DeliveryToWall returns a delivery with its times of the Clock on the wall clock.
func (c *Clock) DeliveryToWall(d Delivery) Delivery {
	ahead := c.Ahead()
	for _, t := range []*time.Time{&d.Created, &d.Last.At, &d.Next, &d.Began} {
		*t = shift(*t, ahead)
	}
	return d
}

// OnWall returns windows kept by a Clock as callers see them, by the wall clock.
func (c *Clock) OnWall(w Windows) Windows { return wallWindows{w, c} }

// wallWindows moves times between the wall clock and a Clock.
type wallWindows struct {
	Windows
	clock *Clock
}

// TakeEach implements [Windows].
func (w wallWindows) TakeEach(ctx context.Context, groups ...[]Use) ([]Taken, error) {
	taken, err := w.Windows.TakeEach(ctx, groups...)
	if ahead := w.clock.Ahead(); ahead != 0 {
		for i := range taken {
			taken[i].Until = shift(taken[i].Until, ahead)
			for j := range taken[i].Windows {
				taken[i].Windows[j].Until = shift(taken[i].Windows[j].Until, ahead)
			}
		}
	}
	return taken, err
}

// PeekEach implements [Windows].
func (w wallWindows) PeekEach(ctx context.Context, places ...Place) ([]Window, error) {
	windows, err := w.Windows.PeekEach(ctx, places...)
	if ahead := w.clock.Ahead(); ahead != 0 {
		for i := range windows {
			windows[i].Until = shift(windows[i].Until, ahead)
		}
	}
	return windows, err
}

// Change implements [Windows].
func (w wallWindows) Change(ctx context.Context, changes ...Change) error {
	if ahead := w.clock.Ahead(); ahead != 0 {
		changes = slices.Clone(changes)
		for i := range changes {
			changes[i].Until = shift(changes[i].Until, -ahead)
		}
	}
	return w.Windows.Change(ctx, changes...)
}

// Noted implements [Windows].
func (w wallWindows) Noted(ctx context.Context) ([]Noted, error) {
	all, err := w.Windows.Noted(ctx)
	if ahead := w.clock.Ahead(); ahead != 0 {
		for i := range all {
			all[i].Until = shift(all[i].Until, ahead)
		}
	}
	return all, err
}

// Lost implements [Windows].
func (w wallWindows) Lost() time.Time { return w.clock.ToWall(w.Windows.Lost()) }

func shift(t time.Time, d time.Duration) time.Time {
	if t.IsZero() {
		return t
	}
	return t.Add(d)
}

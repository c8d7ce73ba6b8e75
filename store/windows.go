package store

import (
	"context"
	"fmt"
	"time"
)

// Window is what is known of one key. The zero Window is free.
type Window struct {
	Used  int64     // uses since the window opened
	Until time.Time // when it closes and all its uses come back
}

// Held is the Used of a window that Hold has filled.
const Held = 1 << 40

// Use asks for one use of a window.
type Use struct {
	Key    Key
	Limit  int64         // uses that one window has; from 1 to Held-1
	Period time.Duration // length of a window that this use opens; whole milliseconds, at least one
}

// Check returns an error for a use that no store takes.
func (u Use) Check() error {
	switch {
	case u.Limit < 1 || u.Limit >= Held:
		return fmt.Errorf("store: limit of %d, want at least 1 and less than %d", u.Limit, int64(Held))
	case u.Period < time.Millisecond || u.Period%time.Millisecond != 0:
		return fmt.Errorf("store: period of %s, want whole milliseconds, at least one", u.Period)
	}
	return nil
}

// Windows counts uses until they are over, and holds keys back. It is safe for
// concurrent use. Times are exact to the millisecond, rounded up. A context that
// has ended before the call is its error, and nothing changes; one that ends
// later may cut the waiting short, but never undoes a change.
type Windows interface {
	// Take takes one use of each window, or of none when any of them is
	// full: of any number of callers at once exactly Limit get through.
	// It returns the windows as they are afterwards, in the order asked.
	Take(ctx context.Context, uses ...Use) (windows []Window, ok bool, err error)

	// Peek returns the windows as they are, in the order asked.
	Peek(ctx context.Context, keys ...Key) ([]Window, error)

	// Hold fills a window until then, or until it closes if that is later.
	Hold(ctx context.Context, key Key, until time.Time) error

	// Release gives back one use of each window. A window without a use
	// left is free; a held one stays held.
	Release(ctx context.Context, keys ...Key) error

	// Degraded reports whether other replicas may have taken what these
	// windows do not show. It is always false where there are no replicas.
	Degraded() bool
}

// Package store keeps what must outlive a request: how much of a window is
// used up, and until when. One primitive serves rate limits and pacing alike.
package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Key names a window. It is a keyed hash: no token, address or bot id can be
// read back from a store.
type Key [16]byte

// Window is what is known of one key. The zero Window is free.
type Window struct {
	Used  int64     // uses since the window opened
	Until time.Time // when it closes and all its uses come back
}

// Take asks for one use of a window.
type Take struct {
	Key    Key
	Limit  int64         // most uses of one window; at least 1
	Period time.Duration // length of a window that this use opens; whole milliseconds, at least one
}

// Check says what no store takes.
func (t Take) Check() error {
	switch {
	case t.Limit < 1 || t.Limit >= Held:
		return fmt.Errorf("store: limit of %d, want at least 1 and less than %d", t.Limit, int64(Held))
	case t.Period < time.Millisecond || t.Period%time.Millisecond != 0:
		return fmt.Errorf("store: period of %s, want whole milliseconds, at least one", t.Period)
	}
	return nil
}

// Store is safe for concurrent use. Times are exact to the millisecond, rounded
// up. A context that has ended before the call is its error, and nothing
// changes; one that ends later may cut the waiting short, never undo a change.
type Store interface {
	// Take takes one use of each window, or of none when any of them is
	// full: of any number of callers at once exactly Limit get through.
	// It answers the windows as they are afterwards, in the order asked.
	Take(ctx context.Context, takes ...Take) (windows []Window, ok bool, err error)

	// Peek answers the windows as they are, in the order asked.
	Peek(ctx context.Context, keys ...Key) ([]Window, error)

	// Hold fills a window until then, or until it closes if that is later.
	Hold(ctx context.Context, key Key, until time.Time) error

	// Release gives back one use of each window. A window without a use
	// left is free; a held one stays held.
	Release(ctx context.Context, keys ...Key) error

	// Health is nil, or says in plain words what the store cannot do.
	Health() error

	// Secret is 32 random bytes made with the store, for hashing keys.
	Secret() []byte

	// Close writes what is pending and frees the store. Not for use after.
	Close() error
}

// Held is the Used of a window that Hold has filled.
const Held = 1 << 40

// ErrClosed is answered by a store that has been closed.
var ErrClosed = errors.New("store: closed")

// ErrFull is answered by Take and Hold when a store has no room for a new key.
var ErrFull = errors.New("store: no room for another key")

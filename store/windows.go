package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Window is what is known of one key. The zero Window is free.
type Window struct {
	Used  int64     // uses since the window opened
	Until time.Time // when it closes and all its uses come back
	Note  string    // what it is, for operators; no secret, and "" for most. TakeEach and PeekEach may leave it out
}

// MaxNote bounds a note, in bytes.
const MaxNote = 200

// checkNote returns an error for a note that no store takes: it is a line.
func checkNote(note string) error {
	if len(note) > MaxNote || strings.ContainsFunc(note, unicode.IsControl) {
		return fmt.Errorf("store: note %q", note)
	}
	return nil
}

// Noted is an open window that has a note.
type Noted struct {
	Key Key
	Window
}

// Held is the Used of a window that a hold has filled.
const Held = 1 << 40

// MaxSlots is how many windows may stand side by side under one key.
const MaxSlots = 256

// Slot returns the key of one of the windows that stand side by side under k.
// The first of them, of index 0, is that of k itself.
func (k Key) Slot(i int) Key {
	k[len(k)-1] ^= byte(i)
	return k
}

// Place is a window, or several side by side of which one is as good as the
// other. N windows of one use each are a limit of N uses in any period,
// wherever it begins: one window of N uses would let twice as many through at
// its edge.
type Place struct {
	Key   Key
	Slots int // windows, at most MaxSlots; 0 is 1
}

// Check returns an error for a place that no store has.
func (p Place) Check() error {
	if p.Slots < 0 || p.Slots > MaxSlots {
		return fmt.Errorf("store: %d slots, want at most %d", p.Slots, MaxSlots)
	}
	return nil
}

// Use asks for one use of a place.
type Use struct {
	Place
	Limit  int64         // uses that one window has; from 1 to Held-1
	Period time.Duration // length of a window that this use opens; whole milliseconds, at least one
	Look   bool          // the place must have room, and that is all: nothing is used, and there is no Period
	Note   string        // of a window that this use opens
}

// UseOf returns a use of a single window.
func UseOf(key Key, limit int64, period time.Duration) Use {
	return Use{Place: Place{Key: key}, Limit: limit, Period: period}
}

// Check returns an error for a use that no store takes.
func (u Use) Check() error {
	switch {
	case u.Limit < 1 || u.Limit >= Held:
		return fmt.Errorf("store: limit of %d, want at least 1 and less than %d", u.Limit, int64(Held))
	case !u.Look && (u.Period < time.Millisecond || u.Period%time.Millisecond != 0):
		return fmt.Errorf("store: period of %s, want whole milliseconds, at least one", u.Period)
	}
	if err := checkNote(u.Note); err != nil {
		return err
	}
	return u.Place.Check()
}

// Taken is what became of one group of uses.
type Taken struct {
	OK      bool
	Windows []Window  // one for each use, as it is afterwards: the one used, or else the one that closes first
	Keys    []Key     // of these windows
	Until   time.Time // unless OK: when there may be room for all uses of the group
}

// Change is one change of a window.
type Change struct {
	Place // more slots than one for KindOccupy alone
	Kind  ChangeKind
	Window
}

// Check returns an error for a change that no store takes.
func (c Change) Check() error {
	if err := checkNote(c.Note); err != nil {
		return err
	}
	return c.Place.Check()
}

// ChangeKind is what a Change does.
type ChangeKind int

// The kinds of a Change.
const (
	// KindRelease gives back one use. A window without a use left is free; a
	// held one stays held.
	KindRelease ChangeKind = iota
	// KindHold fills the window until Until, or until it closes if that is
	// later. A free window stays free where Until has passed.
	KindHold
	// KindSet makes the window what is given; one without a use, or that is
	// over, is free.
	KindSet
	// KindOccupy makes the first free slot what is given. Where none is free
	// nothing changes.
	KindOccupy
)

// Windows counts uses until they are over, and holds keys back. It is safe for
// concurrent use. Times are exact to the millisecond, rounded up. A context that
// has ended before the call is its error, and nothing changes; one that ends
// later may cut the waiting short, but never undoes a change. Each call is one
// step, and one round trip where windows are kept elsewhere.
type Windows interface {
	// TakeEach takes one use of each place of a group, or of none when any of
	// them is full, and decides each group by itself, in the order given: of
	// any number of callers at once exactly as many get through as there are
	// uses. Of slots it uses the first that has room.
	TakeEach(ctx context.Context, groups ...[]Use) ([]Taken, error)

	// PeekEach returns the windows as they are, in the order asked; of slots
	// the first that is free, or else the one that closes first.
	PeekEach(ctx context.Context, places ...Place) ([]Window, error)

	// Change makes all the changes, in the order given.
	Change(ctx context.Context, changes ...Change) error

	// Noted returns the open windows that have a note, those that close soonest
	// first, and of very many only these. It is for operators: it looks at
	// every window. A note that a lost server held may be lost too.
	Noted(ctx context.Context) ([]Noted, error)

	// Degraded reports whether other replicas may have taken what these
	// windows do not show. It is always false where there are no replicas.
	Degraded() bool

	// Lost returns until when other replicas may still be telling a server that
	// lost its data what they know; zero unless it has.
	Lost() time.Time
}

// Take takes one use of each place, or of none when any of them is full. It
// returns the windows as they are afterwards, in the order asked.
func Take(ctx context.Context, w Windows, uses ...Use) (windows []Window, ok bool, err error) {
	taken, err := w.TakeEach(ctx, uses)
	if err != nil {
		return nil, false, err
	}
	return taken[0].Windows, taken[0].OK, nil
}

// Peek returns the windows of keys as they are, in the order asked.
func Peek(ctx context.Context, w Windows, keys ...Key) ([]Window, error) {
	places := make([]Place, len(keys))
	for i, key := range keys {
		places[i].Key = key
	}
	return w.PeekEach(ctx, places...)
}

// Hold fills the window of a key until a time, or until it closes if that is
// later.
func Hold(ctx context.Context, w Windows, key Key, until time.Time) error {
	return w.Change(ctx, Change{Place{Key: key}, KindHold, Window{Until: until}})
}

// Release gives back one use of each window. A window without a use left is
// free; a held one stays held.
func Release(ctx context.Context, w Windows, keys ...Key) error {
	changes := make([]Change, len(keys))
	for i, key := range keys {
		changes[i] = Change{Place: Place{Key: key}, Kind: KindRelease}
	}
	return w.Change(ctx, changes...)
}

// maxNoted bounds the windows that Noted returns.
const maxNoted = 10_000

// SortNoted returns noted windows as Noted does.
func SortNoted(all []Noted) []Noted {
	slices.SortFunc(all, func(a, b Noted) int {
		return cmp.Or(a.Until.Compare(b.Until), strings.Compare(string(a.Key[:]), string(b.Key[:])))
	})
	return all[:min(len(all), maxNoted)]
}

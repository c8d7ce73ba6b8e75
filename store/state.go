package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// MaxData is how many bytes an Item may hold.
const MaxData = 64 << 10

// ItemTTL is how long an item is kept that nobody saves again.
const ItemTTL = 400 * 24 * time.Hour

// ErrAway is returned by what cannot do without a server that cannot be used
// just now. See [Health].
var ErrAway = errors.New("store: away")

// Item is something that is kept under a key, with a time at which there is
// something to do. It must hold no secret.
type Item struct {
	Key  Key
	Data []byte    // what its owners know; they must not change it in place
	Due  time.Time // when there is something to do; zero for never

	// Version is that of the item as it was loaded, 0 for one that is not
	// there. It grows by one with each save.
	Version int64
}

// Check returns an error for an item that no store takes.
func (i Item) Check() error {
	switch {
	case len(i.Data) > MaxData:
		return fmt.Errorf("store: item of %d bytes, want at most %d", len(i.Data), MaxData)
	case i.Version < 0:
		return fmt.Errorf("store: item of version %d", i.Version)
	}
	return nil
}

// Next returns the item as it is once it is saved; of Version 0 if saving removes
// it.
func (i Item) Next() Item {
	if i.gone() {
		return Item{Key: i.Key}
	}
	i.Version++
	return i
}

// gone reports whether saving the item removes it.
func (i Item) gone() bool { return len(i.Data) == 0 && i.Due.IsZero() }

// Claimed is what became of a claim.
type Claimed struct {
	Item Item // as it is; of Version 0 if it is not there
	OK   bool // the item is the holder's until the claim ends
}

// State keeps items: what is due when, and what must not be forgotten of it. Any
// number of replicas may share them. It is safe for concurrent use. Times are
// exact to the millisecond, rounded up. A context that has ended before the call
// is its error, and nothing changes. While the store is away, every call returns
// ErrAway. An argument that fails its Check is an error, and nothing changes.
type State interface {
	// Load returns the items of keys, in the order asked. One that is not
	// there has Version 0.
	Load(ctx context.Context, keys ...Key) ([]Item, error)

	// Save saves each item that has not been saved by others since it was
	// loaded, and reports which; one without data and time is removed. With
	// a holder that is not zero it saves items that the holder has claimed
	// alone, and ends the claims of those it has saved; without one it heeds
	// no claims.
	Save(ctx context.Context, holder Key, items ...Item) (saved []bool, err error)

	// Claim gives the items of keys that are due to a holder for a while, so
	// that of any number of holders exactly one has each; those that it has
	// already it keeps for that long from now on, whether they are due or
	// not. It returns all of them, in the order asked. A holder, which is
	// not zero, is best made by [NewHolder]. A claim also ends when the
	// process ends that has the store open, where only one can.
	Claim(ctx context.Context, holder Key, lease time.Duration, keys ...Key) ([]Claimed, error)

	// Release ends claims of a holder, and leaves the items as they are.
	Release(ctx context.Context, holder Key, keys ...Key) error
}

// NewHolder returns a random key for one that claims.
func NewHolder() Key { return Key(NewSecret()[:len(Key{})]) }

// Update saves what change makes of an item, and begins anew where others save it
// meanwhile. It returns the item as saved. If change reports false, nothing is
// saved.
func Update(ctx context.Context, s State, key Key, change func(*Item) bool) (Item, error) {
	for {
		items, err := s.Load(ctx, key)
		if err != nil {
			return Item{}, err
		}
		item := items[0]
		if !change(&item) {
			return items[0], nil
		}
		saved, err := s.Save(ctx, Key{}, item)
		if err != nil {
			return Item{}, err
		}
		if saved[0] {
			return item.Next(), nil
		}
	}
}

// CheckClaim returns an error for arguments that no Claim takes.
func CheckClaim(holder Key, lease time.Duration) error {
	if holder == (Key{}) || lease < time.Millisecond {
		return fmt.Errorf("store: a claim for %s by holder %x", lease, holder)
	}
	return nil
}

// CheckAll returns the first error of those that fail their Check.
func CheckAll[T interface{ Check() error }](all []T) error {
	for _, one := range all {
		if err := one.Check(); err != nil {
			return err
		}
	}
	return nil
}

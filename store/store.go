// Package store keeps what must outlive a request, under keyed hashes: windows,
// which serve rate limits and pacing alike, items that are due, counts of shards,
// what became of calls, how many servers bots were on, and messages to bots. It
// says what any store does, and does it in memory.
package store

import (
	"context"
	"errors"
	"io"
)

// Store is an opened store: one database, or one client of a server, that hands
// out what is kept in it. It is safe for concurrent use.
type Store interface {
	// Windows returns the windows kept in the store.
	Windows() Windows

	// State returns the items kept in the store.
	State() State

	// Shards returns the counts of shards kept in the store.
	Shards() Shards

	// Outcomes returns what became of calls to lists, kept in the store.
	Outcomes() Outcomes

	// Outbox returns the messages kept in the store.
	Outbox() Outbox

	// History returns how many servers bots are on, kept in the store.
	History() History

	// Health returns how the store is.
	Health() Health

	// Backup writes a copy of all that is kept to w, from which the store can be
	// restored. It holds the secret. The error says in plain words where that
	// cannot be done.
	Backup(ctx context.Context, w io.Writer) error

	// Secret returns a copy of the 32 random bytes that were made with the
	// store. [NewHasher] makes keys with them.
	Secret() []byte

	// Close writes what is pending and frees the store, which must not be
	// used after that. Closing twice is the same as closing once.
	Close() error
}

// Key names something that is kept. It is a keyed hash: no token, address or
// bot id can be read back from a store.
type Key [16]byte

// ErrClosed is returned by a store that has been closed.
var ErrClosed = errors.New("store: closed")

package redis

import (
	"context"
	"errors"

	"aggregator/store"
)

// errNoOutbox is returned by all calls of an outbox in Redis but Changed.
var errNoOutbox = errors.New("store: messages cannot be kept in Redis by this version: use a SQLite file")

// outbox is the [store.Outbox] of a Store, which keeps nothing.
type outbox struct{}

// Outbox implements [store.Store].
func (s *Store) Outbox() store.Outbox { return outbox{} }

// Put implements [store.Outbox].
func (outbox) Put(context.Context, store.Message, bool, ...store.Once) (store.PutResult, error) {
	return 0, errNoOutbox
}

// Ready implements [store.Outbox].
func (outbox) Ready(context.Context, string, int, int) (store.Ready, error) {
	return store.Ready{}, errNoOutbox
}

// Settle implements [store.Outbox].
func (outbox) Settle(context.Context, store.Settled) error { return errNoOutbox }

// Deliveries implements [store.Outbox].
func (outbox) Deliveries(context.Context, string, store.DeliveryQuery) ([]store.Delivery, error) {
	return nil, errNoOutbox
}

// Retry implements [store.Outbox].
func (outbox) Retry(context.Context, string, []string, store.DeliveryState) (int, error) {
	return 0, errNoOutbox
}

// After implements [store.Outbox].
func (outbox) After(context.Context, string, int64, int) ([]store.Delivery, error) {
	return nil, errNoOutbox
}

// Seq implements [store.Outbox].
func (outbox) Seq(context.Context, string, string) (int64, bool, error) {
	return 0, false, errNoOutbox
}

// Changed implements [store.Outbox].
func (outbox) Changed(string) <-chan struct{} { return make(chan struct{}) }

// Backlogs implements [store.Outbox].
func (outbox) Backlogs(context.Context) ([]store.Backlog, error) { return nil, errNoOutbox }

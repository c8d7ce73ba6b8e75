package fanout

import (
	"context"
	"net/netip"
	"time"

	"aggregator/lists"
	"aggregator/shares"
)

// Bounds that hold unless WithBounds says otherwise. The usual limit of
// descriptors is 20,000: it must hold the calls in flight, half as many idle
// connections, and those of our own callers.
const (
	DefaultMaxInFlight = 6000
	DefaultMaxPerList  = 512
)

const (
	// maxWait is how long a request waits for room, and a call for room at its list.
	maxWait = 5 * time.Second
	// maxWaiting bounds the requests that wait.
	maxWaiting = 2048
	// freeAnswer is how much of an answer costs no memory of the budget: the bound
	// on calls bounds it.
	freeAnswer = 4 << 10
	// answerCost is how many times an answer is held in memory: as bytes, and as the text or the
	// values made of them.
	answerCost = 2
)

const (
	tooMany    = "Too many calls under way"
	noMemory   = "Answer does not fit into the memory that is left"
	busyAtList = "Too many calls to %s under way"
)

// WithBounds bounds the calls in flight, and those to one list, so that a list
// that hangs holds no more sockets than that.
func WithBounds(all, perList int) Option {
	return func(o *options) { o.maxInFlight, o.maxPerList = all, perList }
}

// WithMemory bounds the bytes of what is sent to lists and of their answers. A
// nil budget is no bound.
func WithMemory(budget *shares.Semaphore) Option {
	return func(o *options) { o.memory = budget }
}

// WithOthers refuses redirects to other lists: such a call would count for a
// list that nobody asked. The function reports whether a host, in lower case
// and with its port where the URL names one, is of other lists than the one with
// this id.
func WithOthers(isOfAnother func(id, host string) bool) Option {
	return func(o *options) { o.isOfAnother = isOfAnother }
}

// newSlots returns places for calls, of which some may wait.
func (o *options) newSlots(places, waiting int) *shares.Semaphore {
	return shares.New(shares.Options{Capacity: int64(places), MaxWaiting: waiting, MaxWait: o.maxWait})
}

// Room is room for the calls of one request: for all of them, so that a request
// is turned away whole, before it has used anything up, rather than have some of
// its calls fail.
type Room struct {
	client *Client
	from   netip.Prefix
	calls  *shares.Grant // of those that have not ended
	memory *shares.Grant // of what they send, and of what lists answer
}

// Admit makes room for the calls of a request from a network, and waits for it,
// at most 5 s. The error is shares.ErrBusy or the context's. Whoever has room
// must leave it.
func (c *Client) Admit(ctx context.Context, from netip.Prefix, calls []lists.Call) (*Room, error) {
	places, err := c.slots.Acquire(ctx, from, int64(len(calls)))
	if err != nil {
		return nil, err
	}
	size := 0
	for _, call := range calls {
		size += call.Size()
	}
	memory, err := c.memory.Acquire(ctx, from, int64(size))
	if err != nil {
		places.Release()
		return nil, err
	}
	return &Room{c, from, places, memory}, nil
}

// Memory returns the grant of what the calls send and of what lists answer. Who
// holds an answer for longer than the room must share it.
func (r *Room) Memory() *shares.Grant { return r.memory }

// Leave gives the room back. Calls after the first do nothing.
func (r *Room) Leave() {
	r.calls.Release()
	r.memory.Release()
}

// InFlight returns how many calls have room, most of which are under way.
func (c *Client) InFlight() int { return int(c.slots.Usage().Held) }

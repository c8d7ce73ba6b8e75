package shares

import (
	"context"
	"net/netip"
	"sync"
	"time"
)

// Holder is a request that holds some of what is shared until its end. It goes
// along with the request's context: what works for the request learns from
// it for which network that is, and leaves with it what must outlast the work,
// such as the memory of an answer that is still to be written. It is safe for
// concurrent use. A nil Holder is of no network and keeps nothing.
type Holder struct {
	network netip.Prefix
	mu      sync.Mutex
	kept    []*Grant
	closed  bool
	waits   time.Time // when it first had to wait; zero: it has not
}

type holderKey struct{}

// NewHolder returns a Holder for a request from an address, and the context that
// it goes along with. The request must close it at its end.
func NewHolder(ctx context.Context, ip netip.Addr) (context.Context, *Holder) {
	h := &Holder{network: Network(ip)}
	return context.WithValue(ctx, holderKey{}, h), h
}

// HolderOf returns the Holder of a context; nil if it has none.
func HolderOf(ctx context.Context) *Holder {
	h, _ := ctx.Value(holderKey{}).(*Holder)
	return h
}

// Network returns the network that the request comes from.
func (h *Holder) Network() netip.Prefix {
	if h == nil {
		return netip.Prefix{}
	}
	return h.network
}

// patience returns how much longer the request may wait that may wait for
// maxWait in all.
func (h *Holder) patience(maxWait time.Duration) time.Duration {
	if h == nil {
		return maxWait
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.waits.IsZero() {
		h.waits = time.Now()
	}
	return maxWait - time.Since(h.waits)
}

// Keep takes a grant over and releases it at the end of the request, or at once
// if h is nil or closed.
func (h *Holder) Keep(g *Grant) {
	if h == nil {
		g.Release()
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		g.Release()
		return
	}
	h.kept = append(h.kept, g)
}

// Close releases what was kept. Calls after the first do nothing.
func (h *Holder) Close() {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, g := range h.kept {
		g.Release()
	}
	h.kept, h.closed = nil, true
}

package fanout

import "sync"

// Bounds that hold unless WithBounds says otherwise. The usual limit of
// descriptors is 20,000: it must hold the calls in flight, as many idle
// connections again, and those of our own callers.
const (
	DefaultMaxInFlight = 6000
	DefaultMaxPerList  = 512
)

const tooMany = "Too many calls under way"

// WithBounds bounds the calls in flight, and those to one list: so many
// sockets a list that hangs can hold.
func WithBounds(all, perList int) Option {
	return func(o *options) { o.maxInFlight, o.maxPerList = all, perList }
}

// TryAdmit reserves room for n calls, so that a request can be turned away
// whole rather than have some of its calls fail. Where every Run comes after
// an admission of as many calls, no call of it lacks room. A request larger
// than all the room there is runs when nothing else does. The caller must call
// release when its Run is over, or will not come; once is enough.
func (c *Client) TryAdmit(n int) (release func(), ok bool) {
	if !c.slots.reserve(n) {
		return nil, false
	}
	return sync.OnceFunc(func() { c.slots.release(n) }), true
}

// slots bounds the calls in flight.
//
// A slot is promised by a reservation, and is in use from the beginning of a
// call to its end, whether or not the reservation is released by then: a
// request that waits for one slow list holds one slot, not one for each of its
// calls.
type slots struct {
	mu       sync.Mutex
	most     int
	inUse    int // by calls under way
	promised int // to calls that have not begun
	reserved int // by all reservations that are not released
}

func (s *slots) reserve(n int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if taken := s.inUse + s.promised; n > 0 && taken > 0 && taken+n > s.most {
		return false
	}
	s.promised += n
	s.reserved += n
	return true
}

// release ends a reservation. Which of its calls have begun is not known, but
// no more can be promised than the others have reserved. What this leaves over
// for a moment goes when they end.
func (s *slots) release(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reserved -= n
	s.promised = min(s.promised, s.reserved)
}

// begin takes up to n slots, promised ones first, and answers how many.
func (s *slots) begin(n int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := min(n, s.promised)
	s.promised -= kept
	free := max(0, s.most-s.inUse-s.promised-kept)
	n = min(n, kept+free)
	s.inUse += n
	return n
}

// end gives one slot back.
func (s *slots) end() {
	s.mu.Lock()
	s.inUse--
	s.mu.Unlock()
}

// InFlight is how many calls are under way.
func (c *Client) InFlight() int {
	c.slots.mu.Lock()
	defer c.slots.mu.Unlock()
	return c.slots.inUse
}

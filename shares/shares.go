// Package shares divides what callers share: places for requests, calls under
// way, bytes of memory. What there is goes to those who wait in the order in
// which they came, and no network holds more than a share of it, so that one
// caller who asks for much makes nobody wait but itself.
package shares

import (
	"container/heap"
	"context"
	"errors"
	"net/netip"
	"sync"
	"time"
)

// ErrBusy is returned where there was no room for as long as a caller may wait,
// or no place to wait.
var ErrBusy = errors.New("no room")

// networkShares is how many shares a semaphore is divided into: one network holds
// at most one of them, of the capacity and of the places to wait.
const networkShares = 4

// Network returns what stands for one caller: an IPv4 address, or an IPv6 /64,
// which is the least that one customer gets. It is the zero Prefix for an
// address that is not valid.
func Network(ip netip.Addr) netip.Prefix {
	ip = ip.Unmap().WithZone("")
	bits := ip.BitLen()
	if ip.Is6() {
		bits = 64
	}
	return netip.PrefixFrom(ip, bits).Masked()
}

// Options say how much a Semaphore has to give.
type Options struct {
	Capacity   int64         // in whatever is acquired: calls, bytes
	MaxWaiting int           // how many may wait at a time; 0: nobody waits
	MaxWait    time.Duration // how long one may wait
	OnWait     func()        // hears of each who begins to wait; nil: nobody does
}

// Semaphore is a weighted semaphore whose capacity is shared by networks. It is
// safe for concurrent use. A nil Semaphore gives to everyone.
type Semaphore struct {
	Options
	mu       sync.Mutex
	held     int64
	waiting  int
	arrivals uint64
	accounts map[netip.Prefix]*account
	next     queue // accounts whose first waiter waits for capacity alone
	spare    *account
}

// New returns a Semaphore.
func New(o Options) *Semaphore { return &Semaphore{Options: o, accounts: map[netip.Prefix]*account{}} }

// account is what one network holds and waits for. It lasts for as long as it
// does either.
type account struct {
	network netip.Prefix
	held    int64
	lots    int       // that are not released
	waiters []*waiter // in the order of their arrival
	index   int       // in Semaphore.next; -1: not in it
}

type waiter struct {
	n       int64
	arrival uint64
	grant   *Grant        // nil: waits still
	ready   chan struct{} // closed with the grant
}

// Acquire takes n for a network, and waits until there is so much: in the order
// of arrival, but that nobody waits for a network that is at its share; the request
// of a [Holder] waits MaxWait in all, from its first wait on. The zero
// network has no share: it is bounded by the capacity alone. A request for more
// than the share is granted when the network holds nothing, and one for more than
// the capacity when nobody holds anything. The error is ErrBusy or the context's.
func (s *Semaphore) Acquire(ctx context.Context, network netip.Prefix, n int64) (*Grant, error) {
	if s == nil {
		return nil, nil
	}
	s.mu.Lock()
	a := s.account(network)
	if len(a.waiters) == 0 && len(s.next) == 0 && s.inShare(a, n) && s.inCapacity(n) {
		g := s.take(a, n)
		s.mu.Unlock()
		return g, nil
	}
	if s.waiting >= s.MaxWaiting || network.IsValid() && len(a.waiters) >= max(1, s.MaxWaiting/networkShares) {
		s.forget(a)
		s.mu.Unlock()
		return nil, ErrBusy
	}
	s.arrivals++
	w := &waiter{n: n, arrival: s.arrivals, ready: make(chan struct{})}
	a.waiters = append(a.waiters, w)
	s.waiting++
	s.line(a)
	s.mu.Unlock()
	if s.OnWait != nil {
		s.OnWait()
	}
	return s.wait(ctx, a, w)
}

// wait waits until w has its grant.
func (s *Semaphore) wait(ctx context.Context, a *account, w *waiter) (*Grant, error) {
	timer := time.NewTimer(HolderOf(ctx).patience(s.MaxWait))
	defer timer.Stop()
	err := ErrBusy
	select {
	case <-w.ready:
		return w.grant, nil
	case <-ctx.Done():
		err = ctx.Err()
	case <-timer.C:
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if w.grant != nil { // it came just now
		return w.grant, nil
	}
	for i, other := range a.waiters {
		if other == w {
			a.waiters = append(a.waiters[:i], a.waiters[i+1:]...)
			break
		}
	}
	s.waiting--
	s.line(a)
	s.give()
	s.forget(a)
	return nil, err
}

// account returns a network's account.
func (s *Semaphore) account(network netip.Prefix) *account {
	a := s.accounts[network]
	if a != nil {
		return a
	}
	if a = s.spare; a == nil {
		a = &account{index: -1}
	}
	s.spare = nil
	a.network = network
	s.accounts[network] = a
	return a
}

// forget drops an account that nothing is left of.
func (s *Semaphore) forget(a *account) {
	if a.lots == 0 && len(a.waiters) == 0 {
		delete(s.accounts, a.network)
		s.spare = a
	}
}

// share returns how much one network may hold.
func (s *Semaphore) share() int64 { return max(1, s.Capacity/networkShares) }

func (s *Semaphore) inShare(a *account, n int64) bool {
	return a.held == 0 || a.held+n <= s.share() || !a.network.IsValid()
}

func (s *Semaphore) inCapacity(n int64) bool { return s.held == 0 || s.held+n <= s.Capacity }

func (s *Semaphore) take(a *account, n int64) *Grant {
	s.held += n
	a.held += n
	a.lots++
	return &Grant{lot: &lot{semaphore: s, account: a, n: n, holders: 1}}
}

// line puts an account where it belongs in s.next, after its first waiter or
// what it holds has changed.
func (s *Semaphore) line(a *account) {
	belongs := len(a.waiters) > 0 && s.inShare(a, a.waiters[0].n)
	switch {
	case belongs && a.index < 0:
		heap.Push(&s.next, a)
	case belongs:
		heap.Fix(&s.next, a.index)
	case a.index >= 0:
		heap.Remove(&s.next, a.index)
	}
}

// give gives what is free to those who wait.
func (s *Semaphore) give() {
	for len(s.next) > 0 && s.inCapacity(s.next[0].waiters[0].n) {
		a := s.next[0]
		w := a.waiters[0]
		a.waiters = a.waiters[1:]
		s.waiting--
		w.grant = s.take(a, w.n)
		close(w.ready)
		s.line(a)
	}
}

// giveBack takes n back from an account.
func (s *Semaphore) giveBack(a *account, n int64) {
	s.held -= n
	a.held -= n
	s.line(a)
	s.give()
}

// Usage is how much of a Semaphore is in use.
type Usage struct {
	Capacity int64
	Held     int64
	Waiting  int
	Networks int // that hold something or wait
}

// Usage returns how much is in use.
func (s *Semaphore) Usage() Usage {
	if s == nil {
		return Usage{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return Usage{s.Capacity, s.held, s.waiting, len(s.accounts)}
}

// queue orders accounts by the arrival of their first waiter. It implements
// heap.Interface.
type queue []*account

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].waiters[0].arrival < q[j].waiters[0].arrival }
func (q queue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].index, q[j].index = i, j
}

// Push adds x, an account.
func (q *queue) Push(x any) {
	a, _ := x.(*account)
	a.index = len(*q)
	*q = append(*q, a)
}

// Pop takes the last account off.
func (q *queue) Pop() any {
	last := len(*q) - 1
	a := (*q)[last]
	(*q)[last], a.index = nil, -1
	*q = (*q)[:last]
	return a
}

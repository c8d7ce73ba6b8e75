package aggregate

import (
	"container/heap"
	"net/netip"
	"time"

	"aggregator/store"
)

const (
	// cacheShares is how many shares a cache is divided into: one network's
	// values take at most one of them.
	cacheShares = 4
	// cachedCost is about how many bytes a value takes beside what it says of
	// itself: its entry, its key, and its places in the queues.
	cachedCost = 256
)

// cache keeps values under keys, each until its time, in so many bytes. Where
// there are too many, those that end soonest make room: those of the same
// network where that is at its share, else any. The zero network has no share. A
// cache has no lock of its own.
type cache[V any] struct {
	maxBytes int
	now      func() time.Time

	bytes    int
	byKey    map[store.Key]*cached[V]
	queue    cacheQueue[V] // all of them
	networks map[netip.Prefix]*cacheShare[V]
}

// cached is one value in a cache.
type cached[V any] struct {
	key   store.Key
	value V
	bytes int
	until time.Time
	share *cacheShare[V]
	index [2]int // places in the queues: of all, of the network
}

// cacheShare is what a cache holds for one network.
type cacheShare[V any] struct {
	network netip.Prefix
	bytes   int
	queue   cacheQueue[V]
}

func newCache[V any](maxBytes int, now func() time.Time) *cache[V] {
	return &cache[V]{
		maxBytes: maxBytes, now: now, byKey: map[store.Key]*cached[V]{},
		queue: cacheQueue[V]{of: queueOfAll}, networks: map[netip.Prefix]*cacheShare[V]{},
	}
}

// get returns the value of a key. ok is false where there is none, or its time
// is over.
func (c *cache[V]) get(key store.Key) (value V, ok bool) {
	e := c.byKey[key]
	if e == nil || !e.until.After(c.now()) {
		return value, false
	}
	return e.value, true
}

// put keeps a value of so many bytes until a time, for a network, in place of the
// one that the key has. A value that is larger than a share, or whose time is
// over, is not kept.
func (c *cache[V]) put(key store.Key, value V, bytes int, until time.Time, network netip.Prefix) {
	if old := c.byKey[key]; old != nil {
		c.drop(old)
	}
	now := c.now()
	for len(c.queue.all) > 0 && !c.queue.all[0].until.After(now) {
		c.drop(c.queue.all[0])
	}
	bytes += cachedCost
	most := c.maxBytes / cacheShares
	if bytes > most || !until.After(now) {
		return
	}
	if !network.IsValid() {
		most = c.maxBytes
	}
	s := c.share(network)
	for s.bytes+bytes > most {
		c.drop(s.queue.all[0])
	}
	for c.bytes+bytes > c.maxBytes {
		c.drop(c.queue.all[0])
	}
	e := &cached[V]{key: key, value: value, bytes: bytes, until: until}
	e.share = c.share(network) // its last value may have made room
	c.byKey[key] = e
	c.bytes += bytes
	e.share.bytes += bytes
	heap.Push(&c.queue, e)
	heap.Push(&e.share.queue, e)
}

func (c *cache[V]) share(network netip.Prefix) *cacheShare[V] {
	s := c.networks[network]
	if s == nil {
		s = &cacheShare[V]{network: network, queue: cacheQueue[V]{of: queueOfNetwork}}
		c.networks[network] = s
	}
	return s
}

func (c *cache[V]) drop(e *cached[V]) {
	delete(c.byKey, e.key)
	c.bytes -= e.bytes
	e.share.bytes -= e.bytes
	heap.Remove(&c.queue, e.index[queueOfAll])
	heap.Remove(&e.share.queue, e.index[queueOfNetwork])
	if len(e.share.queue.all) == 0 {
		delete(c.networks, e.share.network)
	}
}

// The queues that a cached value stands in.
const (
	queueOfAll = iota
	queueOfNetwork
)

// cacheQueue orders cached values, the soonest to end first. It implements
// heap.Interface.
type cacheQueue[V any] struct {
	of  int // which of a value's queues it is
	all []*cached[V]
}

func (q *cacheQueue[V]) Len() int           { return len(q.all) }
func (q *cacheQueue[V]) Less(i, j int) bool { return q.all[i].until.Before(q.all[j].until) }
func (q *cacheQueue[V]) Swap(i, j int) {
	q.all[i], q.all[j] = q.all[j], q.all[i]
	q.all[i].index[q.of], q.all[j].index[q.of] = i, j
}

// Push adds x, a *cached.
func (q *cacheQueue[V]) Push(x any) {
	e, _ := x.(*cached[V])
	e.index[q.of] = len(q.all)
	q.all = append(q.all, e)
}

// Pop takes the last value off.
func (q *cacheQueue[V]) Pop() any {
	last := len(q.all) - 1
	e := q.all[last]
	q.all[last] = nil
	q.all = q.all[:last]
	return e
}

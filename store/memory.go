package store

import (
	"container/heap"
	"context"
	"crypto/rand"
	"slices"
	"sync"
	"time"
)

// DefaultMaxKeys is how many windows a Memory keeps at once, unless told.
const DefaultMaxKeys = 1_000_000

// MemoryOptions are the options of a Memory; the zero value is ready to use.
type MemoryOptions struct {
	MaxKeys int              // most windows open at once; DefaultMaxKeys when 0
	Now     func() time.Time // the clock; time.Now when nil
}

// Memory is a Store that forgets everything when the process ends.
type Memory struct {
	maxKeys int
	now     func() time.Time
	secret  []byte

	mu      sync.Mutex
	windows map[Key]*entry
	queue   expiryQueue // the same entries, the soonest to close first
	closed  bool
}

var _ Store = (*Memory)(nil)

// entry is one window. A closed one may stay a while, and counts as free.
type entry struct {
	key   Key
	used  int64
	until int64 // Unix milliseconds
	index int   // place in the queue
}

// NewMemory makes an empty Memory.
func NewMemory(opts MemoryOptions) *Memory {
	if opts.MaxKeys <= 0 {
		opts.MaxKeys = DefaultMaxKeys
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	return &Memory{
		maxKeys: opts.MaxKeys,
		now:     opts.Now,
		secret:  NewSecret(),
		windows: make(map[Key]*entry),
	}
}

// NewSecret makes the 32 random bytes of a new store.
func NewSecret() []byte {
	secret := make([]byte, 32)
	rand.Read(secret) // never fails
	return secret
}

// Take implements [Store].
func (m *Memory) Take(ctx context.Context, takes ...Take) ([]Window, bool, error) {
	for _, t := range takes {
		if err := t.Check(); err != nil {
			return nil, false, err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.usable(ctx); err != nil {
		return nil, false, err
	}

	now := m.now()
	m.evict(now, 2*len(takes)) // more than can be added, so that the closed never pile up
	windows := make([]Window, len(takes))
	ok, err := true, error(nil)
	for i, t := range takes {
		w := m.window(t.Key, now)
		windows[i] = w // as it was, to go back to
		if ok = w.Used < t.Limit; ok {
			if w.Used == 0 {
				w.Until = now.Add(t.Period)
			}
			w.Used++
			err = m.put(t.Key, w, now)
		}
		if !ok || err != nil {
			for j := i - 1; j >= 0; j-- {
				_ = m.put(takes[j].Key, windows[j], now) // has its room already
			}
			break
		}
	}
	if err != nil {
		return nil, false, err
	}
	for i, t := range takes {
		windows[i] = m.window(t.Key, now)
	}
	return windows, ok, nil
}

// Peek implements [Store].
func (m *Memory) Peek(ctx context.Context, keys ...Key) ([]Window, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.usable(ctx); err != nil {
		return nil, err
	}
	now := m.now()
	windows := make([]Window, len(keys))
	for i, key := range keys {
		windows[i] = m.window(key, now)
	}
	return windows, nil
}

// Hold implements [Store].
func (m *Memory) Hold(ctx context.Context, key Key, until time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.usable(ctx); err != nil {
		return err
	}
	now := m.now()
	m.evict(now, 2)
	w := m.window(key, now)
	if until.After(w.Until) {
		w.Until = until
	}
	if !w.Until.After(now) {
		return nil // a hold that is over already
	}
	w.Used = Held
	return m.put(key, w, now)
}

// Release implements [Store].
func (m *Memory) Release(ctx context.Context, keys ...Key) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.usable(ctx); err != nil {
		return err
	}
	now := m.now()
	for _, key := range keys {
		if w := m.window(key, now); w.Used > 0 && w.Used < Held {
			w.Used--
			_ = m.put(key, w, now) // has its room already
		}
	}
	return nil
}

// Load puts a window back as it was saved; a closed one is left out.
func (m *Memory) Load(key Key, w Window) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	if !w.Until.After(now) {
		return nil
	}
	return m.put(key, w, now)
}

// Health implements [Store].
func (m *Memory) Health() error { return nil }

// Secret implements [Store].
func (m *Memory) Secret() []byte { return slices.Clone(m.secret) }

// Close implements [Store].
func (m *Memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	return nil
}

func (m *Memory) usable(ctx context.Context) error {
	if m.closed {
		return ErrClosed
	}
	return ctx.Err()
}

func (m *Memory) window(key Key, now time.Time) Window {
	e := m.windows[key]
	if e == nil || e.closed(now) {
		return Window{}
	}
	return Window{Used: e.used, Until: time.UnixMilli(e.until)}
}

// put sets a window; one without a use is removed.
func (m *Memory) put(key Key, w Window, now time.Time) error {
	e := m.windows[key]
	switch {
	case w.Used == 0 && e == nil:
	case w.Used == 0:
		m.remove(e)
	case e != nil:
		e.used, e.until = w.Used, ceilMilli(w.Until)
		heap.Fix(&m.queue, e.index)
	default:
		if len(m.windows) >= m.maxKeys && m.evict(now, 1) == 0 {
			return ErrFull
		}
		e = &entry{key: key, used: w.Used, until: ceilMilli(w.Until)}
		m.windows[key] = e
		heap.Push(&m.queue, e)
	}
	return nil
}

// evict removes up to n closed windows and answers how many it removed.
func (m *Memory) evict(now time.Time, n int) int {
	for i := range n {
		if len(m.queue) == 0 || !m.queue[0].closed(now) {
			return i
		}
		m.remove(m.queue[0])
	}
	return n
}

func (m *Memory) remove(e *entry) {
	heap.Remove(&m.queue, e.index)
	delete(m.windows, e.key)
}

func (e *entry) closed(now time.Time) bool { return e.until <= now.UnixMilli() }

// ceilMilli is the first whole Unix millisecond not before t.
func ceilMilli(t time.Time) int64 {
	return t.Add(time.Millisecond - 1).UnixMilli()
}

// expiryQueue is a [heap.Interface] of entries by the time they close.
type expiryQueue []*entry

func (q expiryQueue) Len() int           { return len(q) }
func (q expiryQueue) Less(i, j int) bool { return q[i].until < q[j].until }

func (q expiryQueue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].index, q[j].index = i, j
}

func (q *expiryQueue) Push(x any) {
	e := x.(*entry)
	e.index = len(*q)
	*q = append(*q, e)
}

func (q *expiryQueue) Pop() any {
	last := len(*q) - 1
	e := (*q)[last]
	(*q)[last] = nil // or the queue would keep it from the garbage collector
	*q = (*q)[:last]
	return e
}

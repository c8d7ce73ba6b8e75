package store

import (
	"container/heap"
	"context"
	"sync"
	"time"
)

// MemoryWindows is Windows in memory. Stores that keep windows elsewhere too
// decide on one of these.
type MemoryWindows struct {
	maxKeys int
	now     func() time.Time

	mu      sync.Mutex
	windows map[Key]*entry
	queue   expiryQueue // the same entries, the soonest to close first
	closed  bool
}

var _ Windows = (*MemoryWindows)(nil)

// entry is one window. A closed one may stay a while, and counts as free.
type entry struct {
	key   Key
	used  int64
	until int64 // Unix milliseconds
	index int   // place in the queue
}

// NewMemoryWindows returns MemoryWindows without a window.
func NewMemoryWindows(opts MemoryOptions) *MemoryWindows {
	if opts.MaxKeys <= 0 {
		opts.MaxKeys = DefaultMaxKeys
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	return &MemoryWindows{
		maxKeys: opts.MaxKeys,
		now:     opts.Now,
		windows: make(map[Key]*entry),
	}
}

// Take implements [Windows].
func (m *MemoryWindows) Take(ctx context.Context, uses ...Use) ([]Window, bool, error) {
	for _, u := range uses {
		if err := u.Check(); err != nil {
			return nil, false, err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.usable(ctx); err != nil {
		return nil, false, err
	}

	now := m.now()
	m.evict(now, 2*len(uses)) // more than can be added, so that the closed never pile up
	windows := make([]Window, len(uses))
	ok, err := true, error(nil)
	for i, u := range uses {
		w := m.window(u.Key, now)
		windows[i] = w // as it was, to go back to
		if ok = w.Used < u.Limit; ok {
			if w.Used == 0 {
				w.Until = now.Add(u.Period)
			}
			w.Used++
			err = m.put(u.Key, w, now)
		}
		if !ok || err != nil {
			for j := i - 1; j >= 0; j-- {
				_ = m.put(uses[j].Key, windows[j], now) // has its room already
			}
			break
		}
	}
	if err != nil {
		return nil, false, err
	}
	for i, u := range uses {
		windows[i] = m.window(u.Key, now)
	}
	return windows, ok, nil
}

// Peek implements [Windows].
func (m *MemoryWindows) Peek(ctx context.Context, keys ...Key) ([]Window, error) {
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

// Hold implements [Windows].
func (m *MemoryWindows) Hold(ctx context.Context, key Key, until time.Time) error {
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

// Release implements [Windows].
func (m *MemoryWindows) Release(ctx context.Context, keys ...Key) error {
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
func (m *MemoryWindows) Load(key Key, w Window) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	if !w.Until.After(now) {
		return nil
	}
	return m.put(key, w, now)
}

// Degraded implements [Windows].
func (m *MemoryWindows) Degraded() bool { return false }

// Close ends the windows: each call from now on returns ErrClosed.
func (m *MemoryWindows) Close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
}

func (m *MemoryWindows) usable(ctx context.Context) error {
	if m.closed {
		return ErrClosed
	}
	return ctx.Err()
}

func (m *MemoryWindows) window(key Key, now time.Time) Window {
	e := m.windows[key]
	if e == nil || e.closed(now) {
		return Window{}
	}
	return Window{Used: e.used, Until: time.UnixMilli(e.until)}
}

// put sets a window; one without a use is removed.
func (m *MemoryWindows) put(key Key, w Window, now time.Time) error {
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
func (m *MemoryWindows) evict(now time.Time, n int) int {
	for i := range n {
		if len(m.queue) == 0 || !m.queue[0].closed(now) {
			return i
		}
		m.remove(m.queue[0])
	}
	return n
}

func (m *MemoryWindows) remove(e *entry) {
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

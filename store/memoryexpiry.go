package store

import "container/heap"

// enqueue adds to the queue. Once most of that is out of date it is made anew.
func (m *MemoryWindows) enqueue(c closing) {
	heap.Push(&m.queue, c)
	if len(m.queue) <= 2*len(m.windows)+16 {
		return
	}
	m.queue = m.queue[:0]
	for key, w := range m.windows {
		m.queue = append(m.queue, closing{w.until, key})
	}
	heap.Init(&m.queue)
}

// soonest returns which window closes first, and removes what is out of date
// before it in the queue. ok is false when there is no window.
func (m *MemoryWindows) soonest() (first closing, ok bool) {
	for len(m.queue) > 0 {
		first = m.queue[0]
		if w, ok := m.windows[first.key]; ok && w.until == first.until {
			return first, true
		}
		heap.Pop(&m.queue)
	}
	return closing{}, false
}

// closing is when a window closes, or would have: one that closes at another time
// by now, or was removed, leaves it behind.
type closing struct {
	until int64 // Unix milliseconds
	key   Key
}

// expiryQueue is a [heap.Interface] by time.
type expiryQueue []closing

func (q expiryQueue) Len() int           { return len(q) }
func (q expiryQueue) Less(i, j int) bool { return q[i].until < q[j].until }
func (q expiryQueue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *expiryQueue) Push(x any)        { *q = append(*q, x.(closing)) }

func (q *expiryQueue) Pop() any {
	last := len(*q) - 1
	c := (*q)[last]
	*q = (*q)[:last]
	return c
}

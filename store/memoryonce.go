package store

import (
	"container/heap"
	"slices"
)

// knownOnce is until when something is known, in Unix milliseconds, and of whom.
type knownOnce struct {
	until int64
	box   *mailbox
}

// knowsAny reports whether one of once is known.
func (m *memoryOutbox) knowsAny(once []Once, now int64) bool {
	return slices.ContainsFunc(once, func(o Once) bool { return m.known[o.Key].until > now })
}

// learn notes something for its time. Where too much is known, what ends soonest
// of the bot of which most is known makes room.
func (m *memoryOutbox) learn(box *mailbox, o Once, now int64) {
	for len(box.once) > 0 && box.once[0].until <= now {
		m.unlearn(box)
	}
	for m.learned >= m.bounds.Once {
		m.unlearn(m.fullest())
	}
	until := now + o.TTL.Milliseconds()
	if m.known[o.Key].until > now { // twice in one call
		return
	}
	m.known[o.Key] = knownOnce{until, box}
	heap.Push(&box.once, onceEntry{o.Key, until})
	m.learned++
}

// unlearn removes what ends soonest of a bot's.
func (m *memoryOutbox) unlearn(box *mailbox) {
	e := heap.Pop(&box.once).(onceEntry)
	m.learned--
	if m.known[e.key] == (knownOnce{e.until, box}) { // else it was learned again
		delete(m.known, e.key)
	}
	m.tidy(box)
}

// fullest returns the mailbox that knows most.
func (m *memoryOutbox) fullest() (most *mailbox) {
	for _, box := range m.bots {
		if most == nil || len(box.once) > len(most.once) {
			most = box
		}
	}
	return most
}

// onceEntry is something that is known until then.
type onceEntry struct {
	key   Key
	until int64
}

// onceQueue is a [heap.Interface] of what is known, by when it ends.
type onceQueue []onceEntry

func (q onceQueue) Len() int           { return len(q) }
func (q onceQueue) Less(i, j int) bool { return q[i].until < q[j].until }
func (q onceQueue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *onceQueue) Push(x any)        { *q = append(*q, x.(onceEntry)) }

func (q *onceQueue) Pop() any {
	last := len(*q) - 1
	e := (*q)[last]
	*q = (*q)[:last]
	return e
}

package store

import (
	"cmp"
	"container/heap"
	"container/list"
	"context"
	"slices"
	"time"
)

// begin ends what is over, and returns the time in Unix milliseconds.
func (m *MemoryOutbox) begin(ctx context.Context) (now int64, err error) {
	if err := m.usable(ctx); err != nil {
		return 0, err
	}
	now = m.clock.Now().UnixMilli()
	for e := m.all.pending.Front(); e != nil; e = m.all.pending.Front() {
		l := e.Value.(*letter)
		dies := l.Began.Add(WaitTTL).UnixMilli()
		if dies > now {
			break
		}
		m.leave(l)
		m.end(l, Dead, dies)
	}
	for state, ttl := range map[DeliveryState]time.Duration{Delivered: DeliveredTTL, Dead: DeadTTL} {
		queue := m.all.queue(state)
		for e := queue.Front(); e != nil && e.Value.(*letter).ended+ttl.Milliseconds() <= now; e = queue.Front() {
			m.forget(e.Value.(*letter))
		}
	}
	return now, nil
}

// show returns a letter as callers see it.
func (m *MemoryOutbox) show(l *letter) Delivery { return m.clock.DeliveryToWall(l.Delivery) }

func (m *MemoryOutbox) mailbox(bot string) *mailbox {
	box := m.bots[bot]
	if box == nil {
		box = &mailbox{bot: bot}
		m.bots[bot] = box
	}
	return box
}

// await has a letter wait, whose schedule begins now.
func (m *MemoryOutbox) await(l *letter) {
	m.enter(l, Pending)
	insert(&l.box.waits, l, bySeq)
	insert(&l.box.first, l, bySeq)
}

// reschedule has a letter that waits wait until it is due.
func (l *letter) reschedule(due time.Time) {
	l.unschedule()
	l.Next = due
	insert(&l.box.again, l, byNext)
}

func (l *letter) unschedule() {
	if l.Next.IsZero() {
		remove(&l.box.first, l, bySeq)
	} else {
		remove(&l.box.again, l, byNext)
	}
}

// end has a letter wait no longer, since a time. The oldest that are over make
// room for it.
func (m *MemoryOutbox) end(l *letter, state DeliveryState, ended int64) {
	m.enter(l, state)
	l.Next, l.ended = time.Time{}, ended
	for b := m.bounds; l.box.over > b.Over || l.box.overBytes > b.OverBytes; {
		m.forget(l.box.oldestOver())
	}
	for b := m.bounds; m.all.over > b.OverInAll || m.all.overBytes > b.OverBytesInAll; {
		m.forget(m.all.oldestOver())
	}
}

// enter puts a letter that is in no state into one.
func (m *MemoryOutbox) enter(l *letter, state DeliveryState) {
	l.State = state
	l.inAll = m.all.queue(state).PushBack(l)
	l.inState = l.box.queue(state).PushBack(l)
	m.all.add(l, 1)
	l.box.add(l, 1)
}

// leave takes a letter out of its state.
func (m *MemoryOutbox) leave(l *letter) {
	m.all.queue(l.State).Remove(l.inAll)
	l.box.queue(l.State).Remove(l.inState)
	m.all.add(l, -1)
	l.box.add(l, -1)
	if l.State == Pending {
		remove(&l.box.waits, l, bySeq)
		l.unschedule()
	}
}

// forget removes a letter.
func (m *MemoryOutbox) forget(l *letter) {
	m.leave(l)
	l.box.letters.Remove(l.inBox)
	delete(m.byID, l.ID)
	m.tidy(l.box)
}

// tidy removes a mailbox in which nothing is left.
func (m *MemoryOutbox) tidy(box *mailbox) {
	if box.letters.Len() == 0 && len(box.once) == 0 {
		delete(m.bots, box.bot)
	}
}

// pile is letters in each state, and how many there are.
type pile struct {
	// In the order in which they came into their state, which is that in which
	// they leave it by themselves.
	pending, delivered, dead list.List

	over                    int // of delivered and dead
	waitingBytes, overBytes int64
}

func (p *pile) queue(state DeliveryState) *list.List {
	switch state {
	case Pending:
		return &p.pending
	case Delivered:
		return &p.delivered
	}
	return &p.dead
}

// add counts n letters more that are as l is.
func (p *pile) add(l *letter, n int) {
	bytes := int64(n * len(l.Body))
	if l.State == Pending {
		p.waitingBytes += bytes
		return
	}
	p.over += n
	p.overBytes += bytes
}

// oldestOver returns the letter that makes room when there are too many that are
// over.
func (p *pile) oldestOver() *letter {
	if e := p.delivered.Front(); e != nil {
		return e.Value.(*letter)
	}
	return p.dead.Front().Value.(*letter)
}

func bySeq(a, b *letter) int { return cmp.Compare(a.Seq, b.Seq) }

func byNext(a, b *letter) int { return cmp.Or(a.Next.Compare(b.Next), bySeq(a, b)) }

func insert(all *[]*letter, l *letter, order func(a, b *letter) int) {
	i, _ := slices.BinarySearchFunc(*all, l, order)
	*all = slices.Insert(*all, i, l)
}

func remove(all *[]*letter, l *letter, order func(a, b *letter) int) {
	if i, ok := slices.BinarySearchFunc(*all, l, order); ok {
		*all = slices.Delete(*all, i, i+1)
	}
}

// knownOnce is until when something is known, in Unix milliseconds, and of whom.
type knownOnce struct {
	until int64
	box   *mailbox
}

// knowsAny reports whether one of once is known.
func (m *MemoryOutbox) knowsAny(once []Once, now int64) bool {
	return slices.ContainsFunc(once, func(o Once) bool { return m.known[o.Key].until > now })
}

// learn notes something for its time. Where too much is known, what ends soonest
// of the bot of which most is known makes room.
func (m *MemoryOutbox) learn(box *mailbox, o Once, now int64) {
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
func (m *MemoryOutbox) unlearn(box *mailbox) {
	e := heap.Pop(&box.once).(onceEntry)
	m.learned--
	if m.known[e.key] == (knownOnce{e.until, box}) { // else it was learned again
		delete(m.known, e.key)
	}
	m.tidy(box)
}

// fullest returns the mailbox that knows most.
func (m *MemoryOutbox) fullest() (most *mailbox) {
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

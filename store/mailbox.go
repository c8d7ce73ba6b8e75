package store

import (
	"cmp"
	"container/list"
	"context"
	"slices"
	"time"
)

// begin ends what is over, and returns the time in Unix milliseconds.
func (m *memoryOutbox) begin(ctx context.Context) (now int64, err error) {
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
func (m *memoryOutbox) show(l *letter) Delivery { return m.clock.DeliveryToWall(l.Delivery) }

func (m *memoryOutbox) mailbox(bot string) *mailbox {
	box := m.bots[bot]
	if box == nil {
		box = &mailbox{bot: bot}
		m.bots[bot] = box
	}
	return box
}

// await has a letter wait, whose schedule begins now.
func (m *memoryOutbox) await(l *letter) {
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
func (m *memoryOutbox) end(l *letter, state DeliveryState, ended int64) {
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
func (m *memoryOutbox) enter(l *letter, state DeliveryState) {
	l.State = state
	l.inAll = m.all.queue(state).PushBack(l)
	l.inState = l.box.queue(state).PushBack(l)
	m.all.add(l, 1)
	l.box.add(l, 1)
}

// leave takes a letter out of its state.
func (m *memoryOutbox) leave(l *letter) {
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
func (m *memoryOutbox) forget(l *letter) {
	m.leave(l)
	l.box.letters.Remove(l.inBox)
	delete(m.byID, l.ID)
	m.tidy(l.box)
}

// tidy removes a mailbox in which nothing is left.
func (m *memoryOutbox) tidy(box *mailbox) {
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

package store

import (
	"bytes"
	"cmp"
	"container/list"
	"context"
	"slices"
	"time"
)

// memoryOutbox is an Outbox in memory.
type memoryOutbox struct {
	clock  *Clock
	bounds OutboxBounds
	bells  Bells

	guard
	seq     int64 // of the last message
	byID    map[string]*letter
	bots    map[string]*mailbox
	known   map[Key]knownOnce
	all     pile
	learned int // things that are known, of all bots
}

var _ Outbox = (*memoryOutbox)(nil)

// letter is a delivery, its times on the store's clock.
type letter struct {
	Delivery
	ended int64 // Unix milliseconds; since when it no longer waits

	box            *mailbox
	inBox          *list.Element // of box.letters
	inState, inAll *list.Element // of the pile of its bot, and of that of all
}

// mailbox is what is kept for one bot.
type mailbox struct {
	bot     string
	letters list.List // in the order of arrival
	waits   []*letter // in the order of arrival
	first   []*letter // those of waits that were never attempted, in the order of arrival
	again   []*letter // the others, by when they are due
	once    onceQueue
	pile
}

// newMemoryOutbox returns a memoryOutbox without a message, on a clock.
func newMemoryOutbox(clock *Clock, bounds OutboxBounds) *memoryOutbox {
	return &memoryOutbox{
		clock: clock, bounds: bounds,
		byID: make(map[string]*letter), bots: make(map[string]*mailbox),
		known: make(map[Key]knownOnce),
	}
}

// Put implements [Outbox].
func (m *memoryOutbox) Put(ctx context.Context, msg Message, waits bool, once ...Once) (PutResult, error) {
	if err := cmp.Or(msg.Check(), CheckAll(once)); err != nil {
		return 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now, err := m.begin(ctx)
	if err != nil {
		return 0, err
	}
	if m.byID[msg.ID] != nil || m.knowsAny(once, now) {
		return PutAgain, nil
	}
	l := &letter{Delivery: Delivery{Message: msg, State: Pending, Began: time.UnixMilli(now)}}
	if waits && !m.fits(l) {
		return PutFull, nil
	}
	m.seq++
	l.Seq, l.box = m.seq, m.mailbox(msg.Bot)
	l.Body, l.Created = bytes.Clone(msg.Body), m.clock.FromWallUp(msg.Created)
	m.byID[msg.ID] = l
	l.inBox = l.box.letters.PushBack(l)
	for _, o := range once {
		m.learn(l.box, o, now)
	}
	if waits {
		m.await(l)
	} else {
		m.end(l, Delivered, now)
	}
	m.bells.Ring(msg.Bot)
	return PutKept, nil
}

// fits reports whether another letter may wait.
func (m *memoryOutbox) fits(l *letter) bool {
	own, b, size := new(pile), m.bounds, int64(len(l.Body))
	if box := m.bots[l.Bot]; box != nil {
		own = &box.pile
	}
	return own.pending.Len() < b.Waiting && own.waitingBytes+size <= b.WaitingBytes &&
		m.all.pending.Len() < b.WaitingInAll && m.all.waitingBytes+size <= b.WaitingBytesInAll
}

// Ready implements [Outbox].
func (m *memoryOutbox) Ready(ctx context.Context, bot string, first, again int) (Ready, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now, err := m.begin(ctx)
	box := m.bots[bot]
	if err != nil || box == nil || len(box.waits) == 0 {
		return Ready{}, err
	}
	var r Ready
	for _, l := range box.first[:min(max(first, 0), len(box.first))] {
		r.First = append(r.First, m.show(l))
	}
	for _, l := range box.again[:min(max(again, 0), len(box.again))] {
		if l.Next.UnixMilli() > now {
			break
		}
		r.Again = append(r.Again, m.show(l))
	}
	oldest := m.show(box.waits[0])
	r.Oldest = &oldest
	if n := len(r.Again); n < len(box.again) {
		r.Next = m.clock.ToWall(box.again[n].Next)
	}
	return r, nil
}

// Settle implements [Outbox].
func (m *memoryOutbox) Settle(ctx context.Context, s Settled) error {
	if err := s.Check(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now, err := m.begin(ctx)
	if err != nil {
		return err
	}
	l := m.byID[s.ID]
	if l == nil || l.State == Delivered || l.State == Dead && s.State != Delivered {
		return nil
	}
	l.Last = Attempt{m.clock.FromWallUp(s.Attempt.At), s.Attempt.Status, ClipReason(s.Attempt.Reason)}
	if s.Counts {
		l.Attempts++
	}
	if s.State == Pending {
		l.reschedule(m.clock.FromWallUp(s.Next))
	} else {
		m.leave(l)
		m.end(l, s.State, now)
	}
	return nil
}

// Deliveries implements [Outbox].
func (m *memoryOutbox) Deliveries(ctx context.Context, bot string, q DeliveryQuery) ([]Delivery, error) {
	if err := q.Check(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	_, err := m.begin(ctx)
	box := m.bots[bot]
	if err != nil || box == nil {
		return nil, err
	}
	e := box.letters.Back()
	if q.After != "" {
		l := m.byID[q.After]
		if l == nil || l.box != box {
			return nil, nil
		}
		e = l.inBox.Prev()
	}
	var all []Delivery
	for ; e != nil && len(all) < q.Max; e = e.Prev() {
		if l := e.Value.(*letter); q.State == "" || l.State == q.State {
			d := m.show(l)
			d.Body = nil
			all = append(all, d)
		}
	}
	return all, nil
}

// Retry implements [Outbox].
func (m *memoryOutbox) Retry(ctx context.Context, bot string, ids []string, state DeliveryState) (int, error) {
	if err := CheckRetry(ids, state); err != nil {
		return 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now, err := m.begin(ctx)
	box := m.bots[bot]
	if err != nil || box == nil {
		return 0, err
	}
	var chosen []*letter
	for _, id := range ids {
		if l := m.byID[id]; l != nil && l.box == box && l.State != Delivered {
			chosen = append(chosen, l)
		}
	}
	for e := box.letters.Front(); len(ids) == 0 && e != nil; e = e.Next() {
		if l := e.Value.(*letter); l.State == state {
			chosen = append(chosen, l)
		}
	}
	slices.SortFunc(chosen, bySeq)
	n := 0
	for _, l := range slices.Compact(chosen) {
		if m.retry(l, now) {
			n++
		}
	}
	if n > 0 {
		m.bells.Ring(bot)
	}
	return n, nil
}

// retry makes a letter that was not taken due now, and reports whether there
// was room for it.
func (m *memoryOutbox) retry(l *letter, now int64) bool {
	switch {
	case l.State == Dead && !m.fits(l):
		return false
	case l.State == Dead:
		m.leave(l)
		l.Attempts, l.Last, l.Began = 0, Attempt{}, time.UnixMilli(now)
		m.await(l)
	case !l.Next.IsZero():
		l.reschedule(time.UnixMilli(now))
	}
	return true
}

// After implements [Outbox].
func (m *memoryOutbox) After(ctx context.Context, bot string, seq int64, limit int) ([]Delivery, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now, err := m.begin(ctx)
	box := m.bots[bot]
	if err != nil || box == nil {
		return nil, err
	}
	e := box.letters.Back()
	for e != nil && e.Value.(*letter).Seq > seq {
		e = e.Prev()
	}
	if e == nil {
		e = box.letters.Front()
	} else {
		e = e.Next()
	}
	var all []Delivery
	for ; e != nil && len(all) < limit; e = e.Next() {
		if l := e.Value.(*letter); l.Created.Add(StreamTTL).UnixMilli() > now {
			all = append(all, m.show(l))
		}
	}
	return all, nil
}

// Seq implements [Outbox].
func (m *memoryOutbox) Seq(ctx context.Context, bot, id string) (int64, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.begin(ctx); err != nil {
		return 0, false, err
	}
	if id == "" {
		return m.seq, true, nil
	}
	if l := m.byID[id]; l != nil && l.Bot == bot {
		return l.Seq, true, nil
	}
	return 0, false, nil
}

// Backlogs implements [Outbox].
func (m *memoryOutbox) Backlogs(ctx context.Context) ([]Backlog, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.begin(ctx); err != nil {
		return nil, err
	}
	var all []Backlog
	for bot, box := range m.bots {
		if len(box.waits) > 0 {
			all = append(all, Backlog{bot, len(box.waits), m.clock.ToWall(box.waits[0].Created)})
		}
	}
	return SortBacklogs(all), nil
}

// Changed implements [Outbox].
func (m *memoryOutbox) Changed(bot string) <-chan struct{} { return m.bells.Changed(bot) }

// Close ends the outbox: each call from now on returns ErrClosed.
func (m *memoryOutbox) Close() {
	m.guard.Close()
	m.bells.Close()
}

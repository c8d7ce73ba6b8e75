package store

import (
	"container/list"
	"context"
)

// memoryHistory is History in memory.
type memoryHistory struct {
	bounds HistoryBounds

	guard
	bots  map[Key]*list.Element
	order list.List // of *botHistory, the one counted longest ago first
	bytes int
}

var _ History = (*memoryHistory)(nil)

type botHistory struct {
	bot    Key
	packed []byte
}

// historyOverhead is about how many bytes a history takes beside its points.
const historyOverhead = 200

// newMemoryHistory returns a memoryHistory without any.
func newMemoryHistory(bounds HistoryBounds) *memoryHistory {
	return &memoryHistory{bounds: bounds, bots: make(map[Key]*list.Element)}
}

// Put implements [History].
func (m *memoryHistory) Put(ctx context.Context, counts ...BotCount) error {
	if err := CheckAll(counts); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.usable(ctx); err != nil {
		return err
	}
	for _, c := range counts {
		e := m.bots[c.Bot]
		if e == nil {
			e = m.order.PushBack(&botHistory{bot: c.Bot})
			m.bots[c.Bot] = e
			m.bytes += historyOverhead
		}
		m.order.MoveToBack(e)
		h := e.Value.(*botHistory)
		m.bytes -= len(h.packed)
		h.packed = MergeHistory(h.packed, c.CountPoint)
		m.bytes += len(h.packed)
	}
	for len(m.bots) > m.bounds.Bots || m.bytes > m.bounds.Bytes && len(m.bots) > 1 {
		h := m.order.Remove(m.order.Front()).(*botHistory)
		delete(m.bots, h.bot)
		m.bytes -= len(h.packed) + historyOverhead
	}
	return nil
}

// Counts implements [History].
func (m *memoryHistory) Counts(ctx context.Context, bot Key) ([]CountPoint, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.usable(ctx); err != nil {
		return nil, err
	}
	if e := m.bots[bot]; e != nil {
		return UnpackHistory(e.Value.(*botHistory).packed), nil
	}
	return nil, nil
}

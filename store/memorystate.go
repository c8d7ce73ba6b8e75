package store

import (
	"context"
	"time"
)

// MemoryState is State in memory. Stores that keep items elsewhere too decide on
// one of these.
type MemoryState struct {
	clock *Clock
	saved func(Item)

	guard
	items map[Key]*heldItem
}

var _ State = (*MemoryState)(nil)

// heldItem is an item, its Due on the store's clock, and who has it claimed.
type heldItem struct {
	Item
	holder Key
	until  time.Time
}

// NewMemoryState returns a MemoryState without an item, on a clock. saved is
// called, under the lock, with each item that is saved, its Due on that clock;
// nil is for nobody. One that is removed has neither data nor Due.
func NewMemoryState(clock *Clock, saved func(Item)) *MemoryState {
	if saved == nil {
		saved = func(Item) {}
	}
	return &MemoryState{clock: clock, saved: saved, items: make(map[Key]*heldItem)}
}

// Load implements [State].
func (m *MemoryState) Load(ctx context.Context, keys ...Key) ([]Item, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.usable(ctx); err != nil {
		return nil, err
	}
	items := make([]Item, len(keys))
	for i, key := range keys {
		items[i] = m.item(key)
	}
	return items, nil
}

// Save implements [State].
func (m *MemoryState) Save(ctx context.Context, holder Key, items ...Item) ([]bool, error) {
	if err := CheckAll(items); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.usable(ctx); err != nil {
		return nil, err
	}
	saved := make([]bool, len(items))
	for i, item := range items {
		saved[i] = m.save(holder, item)
	}
	return saved, nil
}

func (m *MemoryState) save(holder Key, item Item) bool {
	known := m.items[item.Key]
	if known == nil {
		known = new(heldItem)
	}
	if known.Version != item.Version || holder != (Key{}) && !m.holds(known, holder) {
		return false
	}
	item = item.Next()
	if item.Version == 0 {
		delete(m.items, item.Key)
		m.saved(item)
		return true
	}
	item.Due = m.clock.FromWallUp(item.Due)
	held := &heldItem{Item: item}
	if holder == (Key{}) {
		held.holder, held.until = known.holder, known.until
	}
	m.items[item.Key] = held
	m.saved(item)
	return true
}

// Claim implements [State].
func (m *MemoryState) Claim(ctx context.Context, holder Key, lease time.Duration, keys ...Key) ([]Claimed, error) {
	if err := CheckClaim(holder, lease); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.usable(ctx); err != nil {
		return nil, err
	}
	now := m.clock.Now()
	claimed := make([]Claimed, len(keys))
	for i, key := range keys {
		claimed[i].Item = m.item(key)
		known := m.items[key]
		if known == nil {
			continue
		}
		free := !known.until.After(now) && !known.Due.IsZero() && !known.Due.After(now)
		if free || m.holds(known, holder) {
			known.holder, known.until, claimed[i].OK = holder, now.Add(lease), true
		}
	}
	return claimed, nil
}

// Release implements [State].
func (m *MemoryState) Release(ctx context.Context, holder Key, keys ...Key) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.usable(ctx); err != nil {
		return err
	}
	for _, key := range keys {
		if known := m.items[key]; known != nil && m.holds(known, holder) {
			known.holder, known.until = Key{}, time.Time{}
		}
	}
	return nil
}

// Put puts an item back as it was saved.
func (m *MemoryState) Put(item Item) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.items[item.Key] = &heldItem{Item: item}
}

// Each calls f with every item, its Due on the store's clock, under the lock.
func (m *MemoryState) Each(f func(Item)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, known := range m.items {
		f(known.Item)
	}
}

// item returns an item as callers see it.
func (m *MemoryState) item(key Key) Item {
	known := m.items[key]
	if known == nil {
		return Item{Key: key}
	}
	item := known.Item
	item.Due = m.clock.ToWall(item.Due)
	return item
}

func (m *MemoryState) holds(known *heldItem, holder Key) bool {
	return known.holder == holder && known.until.After(m.clock.Now())
}

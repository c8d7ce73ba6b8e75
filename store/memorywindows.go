package store

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// MemoryWindows is Windows in memory. Stores that keep windows elsewhere too
// decide on one of these.
type MemoryWindows struct {
	maxKeys int
	now     func() time.Time
	removed func(Key, Window)

	guard
	windows map[Key]memoryWindow
	notes   map[Key]string // of the windows that have one
	queue   expiryQueue    // when windows close, the soonest first
	pushed  time.Time      // when a window that was open last made room; zero for never
}

var _ Windows = (*MemoryWindows)(nil)

// memoryWindow is one window. A closed one may stay a while, and counts as free.
// Without a pointer in it the garbage collector passes over all of them.
type memoryWindow struct {
	used  int64
	until int64 // Unix milliseconds
}

// NewMemoryWindows returns MemoryWindows without a window, on a clock. Of more
// than maxKeys, those that close soonest make room, and removed is called with
// each of them, under the lock; nil is for nobody.
func NewMemoryWindows(maxKeys int, now func() time.Time, removed func(Key, Window)) *MemoryWindows {
	if removed == nil {
		removed = func(Key, Window) {}
	}
	return &MemoryWindows{maxKeys: maxKeys, now: now, removed: removed, windows: make(map[Key]memoryWindow), notes: make(map[Key]string)}
}

// TakeEach implements [Windows].
func (m *MemoryWindows) TakeEach(ctx context.Context, groups ...[]Use) ([]Taken, error) {
	n := 0
	for _, uses := range groups {
		n += len(uses)
		for _, u := range uses {
			if err := u.Check(); err != nil {
				return nil, err
			}
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.usable(ctx); err != nil {
		return nil, err
	}
	now := m.now()
	m.evict(now, 2*n) // more than can be added, so that the closed never pile up
	j := journal{m: m, now: now, before: make([]keyed, 0, n)}
	taken := make([]Taken, len(groups))
	windows, keys := make([]Window, n), make([]Key, n)
	for i, uses := range groups {
		t, n := &taken[i], len(uses)
		t.Windows, windows = windows[:n:n], windows[n:]
		t.Keys, keys = keys[:n:n], keys[n:]
		j.take(t, uses)
	}
	return taken, nil
}

// PeekEach implements [Windows].
func (m *MemoryWindows) PeekEach(ctx context.Context, places ...Place) ([]Window, error) {
	for _, p := range places {
		if err := p.Check(); err != nil {
			return nil, err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.usable(ctx); err != nil {
		return nil, err
	}
	now := m.now()
	windows := make([]Window, len(places))
	for i, p := range places {
		_, windows[i] = m.first(p, 1, now)
	}
	return windows, nil
}

// Change implements [Windows].
func (m *MemoryWindows) Change(ctx context.Context, changes ...Change) error {
	_, err := m.Apply(ctx, changes...)
	return err
}

// Applied is the window that a Change was about, before it and after.
type Applied struct {
	Key           Key
	Before, After Window
}

// Apply is Change, and returns what each change did, for a store that keeps the
// windows elsewhere too.
func (m *MemoryWindows) Apply(ctx context.Context, changes ...Change) ([]Applied, error) {
	for _, c := range changes {
		if err := c.Check(); err != nil {
			return nil, err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.usable(ctx); err != nil {
		return nil, err
	}
	now := m.now()
	m.evict(now, 2*len(changes))
	applied := make([]Applied, len(changes))
	for i, c := range changes {
		key, before := c.Key, m.window(c.Key, now)
		if c.Kind == KindOccupy {
			key, before = m.first(c.Place, 1, now)
		}
		after := c.of(before)
		if !after.Until.After(now) {
			after = Window{}
		}
		if after != before {
			m.put(key, after, now)
		}
		applied[i] = Applied{key, before, m.window(key, now)}
	}
	return applied, nil
}

// of returns what the change makes of a window.
func (c Change) of(w Window) Window {
	switch c.Kind {
	case KindHold:
		if c.Until.After(w.Until) {
			w.Until = c.Until
		}
		w.Used, w.Note = Held, cmp.Or(c.Note, w.Note)
	case KindRelease:
		if w.Used > 0 && w.Used < Held {
			w.Used--
		}
	case KindSet:
		return c.Window
	case KindOccupy:
		if w.Used == 0 {
			return c.Window
		}
	}
	return w
}

// keyed is a window and its key.
type keyed struct {
	Key
	Window
}

// journal is what a call has changed, so that it can be undone.
type journal struct {
	m      *MemoryWindows
	now    time.Time
	before []keyed // the windows as they were
}

// take decides one group of uses.
func (j *journal) take(t *Taken, uses []Use) {
	mark := len(j.before)
	t.OK = true
	for i, u := range uses {
		key, w := j.m.first(u.Place, u.Limit, j.now)
		t.Keys[i] = key
		switch {
		case w.Used >= u.Limit:
			t.OK = false
			if w.Until.After(t.Until) {
				t.Until = w.Until
			}
		case t.OK && !u.Look:
			j.before = append(j.before, keyed{key, w})
			if w.Used == 0 {
				w.Until, w.Note = j.now.Add(u.Period), u.Note
			}
			w.Used++
			j.m.put(key, w, j.now)
		}
	}
	if !t.OK {
		j.undo(mark)
	}
	for i, key := range t.Keys {
		t.Windows[i] = j.m.window(key, j.now)
	}
}

// undo goes back to where the journal had so many entries.
func (j *journal) undo(mark int) {
	for _, k := range slices.Backward(j.before[mark:]) {
		j.m.put(k.Key, k.Window, j.now)
	}
	j.before = j.before[:mark]
}

// first returns the first window of a place that has room for another use, or
// else the one that closes first.
func (m *MemoryWindows) first(p Place, limit int64, now time.Time) (key Key, w Window) {
	for i := range max(1, p.Slots) {
		k := p.Key.Slot(i)
		found := m.window(k, now)
		if found.Used < limit {
			return k, found
		}
		if i == 0 || found.Until.Before(w.Until) {
			key, w = k, found
		}
	}
	return key, w
}

// Load puts a window back as it was saved; a closed one is left out.
func (m *MemoryWindows) Load(key Key, w Window) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if now := m.now(); w.Until.After(now) {
		m.put(key, w, now)
	}
}

// Raise makes a window what is given, if that closes later, or at the same time
// and has more uses.
func (m *MemoryWindows) Raise(key Key, w Window) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	known := m.window(key, now)
	if w.Until.After(now) && (w.Until.After(known.Until) || w.Until.Equal(known.Until) && w.Used > known.Used) {
		w.Note = cmp.Or(w.Note, known.Note)
		m.put(key, w, now)
	}
}

// Noted implements [Windows].
func (m *MemoryWindows) Noted(ctx context.Context) ([]Noted, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.usable(ctx); err != nil {
		return nil, err
	}
	var all []Noted
	for key := range m.notes {
		if w := m.window(key, m.now()); w.Used > 0 {
			all = append(all, Noted{key, w})
		}
	}
	return SortNoted(all), nil
}

// Each calls f with every window that is open, under the lock.
func (m *MemoryWindows) Each(f func(Key, Window)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	for key := range m.windows {
		if w := m.window(key, now); w.Used > 0 {
			f(key, w)
		}
	}
}

// fullFor is how long windows count as full after one had to make room.
const fullFor = time.Minute

// Full reports whether open windows had to make room a short while ago.
func (m *MemoryWindows) Full() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return !m.pushed.IsZero() && m.now().Sub(m.pushed) < fullFor
}

// Degraded implements [Windows].
func (m *MemoryWindows) Degraded() bool { return false }

// Lost implements [Windows].
func (m *MemoryWindows) Lost() time.Time { return time.Time{} }

func (m *MemoryWindows) window(key Key, now time.Time) Window {
	w, ok := m.windows[key]
	if !ok || w.until <= now.UnixMilli() {
		return Window{}
	}
	return Window{Used: w.used, Until: time.UnixMilli(w.until), Note: m.notes[key]}
}

// put sets a window; one without a use is removed.
func (m *MemoryWindows) put(key Key, w Window, now time.Time) {
	if w.Used == 0 {
		m.remove(key)
		return
	}
	known, ok := m.windows[key]
	if !ok && len(m.windows) >= m.maxKeys && m.evict(now, 1) == 0 {
		m.makeRoom(now)
	}
	until := ceilMilli(w.Until)
	m.windows[key] = memoryWindow{w.Used, until}
	if w.Note != "" {
		m.notes[key] = w.Note
	} else {
		delete(m.notes, key)
	}
	if !ok || known.until != until {
		m.enqueue(closing{until, key})
	}
}

// makeRoom removes the open window that closes soonest.
func (m *MemoryWindows) makeRoom(now time.Time) {
	soonest, _ := m.soonest()
	w := m.windows[soonest.key]
	m.remove(soonest.key)
	m.pushed = now
	m.removed(soonest.key, Window{Used: w.used, Until: time.UnixMilli(w.until)})
}

// evict removes up to n closed windows and returns how many it removed.
func (m *MemoryWindows) evict(now time.Time, n int) int {
	for i := range n {
		soonest, ok := m.soonest()
		if !ok || soonest.until > now.UnixMilli() {
			return i
		}
		m.remove(soonest.key)
	}
	return n
}

func (m *MemoryWindows) remove(key Key) {
	delete(m.windows, key)
	delete(m.notes, key)
}

// ceilMilli is the first whole Unix millisecond not before t.
func ceilMilli(t time.Time) int64 {
	return t.Add(time.Millisecond - 1).UnixMilli()
}

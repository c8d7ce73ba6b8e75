package store

import (
	"testing"
	"time"
)

// A window that closes at another time each time leaves places in the queue
// behind, but not without end.
func TestMemoryWindowsQueueIsBounded(t *testing.T) {
	now := time.UnixMilli(1_800_000_000_000)
	m := NewMemoryWindows(10, func() time.Time { return now }, nil)
	held, last := Key{1}, now
	for i := range 1000 {
		last = now.Add(time.Duration(i+1) * time.Second)
		if err := Hold(t.Context(), m, held, last); err != nil {
			t.Fatal(err)
		}
		if _, _, err := Take(t.Context(), m, UseOf(Key{2, byte(i), byte(i >> 8)}, 1, time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Millisecond)
		if most := 2*len(m.windows) + 16; len(m.queue) > most {
			t.Fatalf("after %d steps %d windows have %d places in the queue, want at most %d", i+1, len(m.windows), len(m.queue), most)
		}
	}
	windows, err := m.PeekEach(t.Context(), Place{Key: held})
	if err != nil || windows[0].Used != Held || !windows[0].Until.Equal(last) {
		t.Errorf("the held window: %+v, error %v; want it held until %s", windows, err, last)
	}
	now = last
	if n := m.evict(now, 1000); len(m.windows) != 0 || n == 0 {
		t.Errorf("once all are closed, %d are removed and %d left", n, len(m.windows))
	}
}

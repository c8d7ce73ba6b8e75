package store_test

import (
	"testing"
	"time"

	"aggregator/internal/testkit"
	"aggregator/store"
	"aggregator/store/storetest"
)

func TestMemoryHistory(t *testing.T) {
	storetest.History(t, func(t *testing.T, clock *testkit.Clock) store.Store {
		m := store.NewMemory(store.MemoryOptions{History: storetest.HistoryBounds, Now: clock.Now, Elapsed: clock.Elapsed})
		t.Cleanup(func() { m.Close() })
		return m
	})
}

// TestMemoryHistoryBytes wants histories in memory to be bounded in bytes too.
func TestMemoryHistoryBytes(t *testing.T) {
	t.Parallel()
	h := store.NewMemory(store.MemoryOptions{History: store.HistoryBounds{Bots: 1000, Bytes: 20_000}}).History()
	hour := store.Hours.Begin(time.Now())
	for n := range 40 {
		for i := range 100 {
			point := store.CountPoint{Hour: hour.Add(time.Duration(i) * time.Hour), Count: int64(i * 1000)}
			if err := h.Put(t.Context(), store.BotCount{Bot: store.Key{byte(n)}, CountPoint: point}); err != nil {
				t.Fatal(err)
			}
		}
	}
	kept := 0
	for n := range 40 {
		if points, err := h.Counts(t.Context(), store.Key{byte(n)}); err != nil {
			t.Fatal(err)
		} else if len(points) == 100 {
			kept++
		} else if len(points) > 0 {
			t.Errorf("bot %d has %d points, want all or none", n, len(points))
		}
	}
	if kept < 20 || kept == 40 { // 3 bytes a point, and 200 beside them
		t.Errorf("%d of 40 bots are kept, want some of them", kept)
	}
}

func TestUnpackHistory(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"\xff", "\x01", "\x01\xff", "\x01\x01", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00"} {
		if got := store.UnpackHistory([]byte(bad)); got != nil {
			t.Errorf("%q: %v, want nothing", bad, got)
		}
	}
}

func FuzzUnpackHistory(f *testing.F) {
	f.Add([]byte("\xf0\xf0\x1e\x02\x01\x04"))
	f.Fuzz(func(t *testing.T, packed []byte) {
		points := store.UnpackHistory(packed)
		for _, p := range points {
			if p.Count < 0 || p.Count > store.MaxCount {
				t.Fatalf("%q: %d", packed, p.Count)
			}
		}
		store.MergeHistory(packed, store.CountPoint{Hour: time.Unix(1_800_000_000, 0), Count: 1})
	})
}

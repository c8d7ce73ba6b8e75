package store_test

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"aggregator/internal/testkit"
	"aggregator/store"
	"aggregator/store/storetest"
)

func TestMemory(t *testing.T) {
	storetest.Windows(t, func(t *testing.T, clock *testkit.Clock) store.Store {
		m := store.NewMemory(store.MemoryOptions{Now: clock.Now, Elapsed: clock.Elapsed})
		t.Cleanup(func() { m.Close() })
		return m
	})
}

func TestMemoryState(t *testing.T) {
	storetest.State(t, func(t *testing.T, clock *testkit.Clock) store.Store {
		m := store.NewMemory(store.MemoryOptions{Now: clock.Now, Elapsed: clock.Elapsed})
		t.Cleanup(func() { m.Close() })
		return m
	})
}

func TestMemoryShards(t *testing.T) {
	storetest.Shards(t, func(t *testing.T, clock *testkit.Clock) store.Store {
		m := store.NewMemory(store.MemoryOptions{Shards: storetest.ShardBounds, Now: clock.Now, Elapsed: clock.Elapsed})
		t.Cleanup(func() { m.Close() })
		return m
	})
}

func TestMemoryOutbox(t *testing.T) {
	storetest.Outbox(t, func(t *testing.T, clock *testkit.Clock) store.Store {
		m := store.NewMemory(store.MemoryOptions{Outbox: storetest.OutboxBounds, Now: clock.Now, Elapsed: clock.Elapsed})
		t.Cleanup(func() { m.Close() })
		return m
	})
}

func numbered(n int) store.Key {
	var key store.Key
	binary.BigEndian.PutUint64(key[:], uint64(n))
	return key
}

// A full store refuses nothing: what closes soonest makes room.
func TestMemoryIsBounded(t *testing.T) {
	const maxKeys = 100
	clock := testkit.NewClock()
	log := new(testkit.Log)
	m := store.NewMemory(store.MemoryOptions{MaxKeys: maxKeys, Now: clock.Now, Log: log.Logger()})
	take := func(want bool, keys ...int) {
		t.Helper()
		var uses []store.Use
		for _, n := range keys {
			// The later the key, the sooner its window closes.
			uses = append(uses, store.UseOf(numbered(n), 1, time.Duration(1000-n)*time.Second))
		}
		if _, ok, err := store.Take(t.Context(), m.Windows(), uses...); ok != want || err != nil {
			t.Fatalf("Take of %v: ok %v, error %v; want ok %v", keys, ok, err, want)
		}
	}
	hold := func(n int, d time.Duration) {
		t.Helper()
		if err := store.Hold(t.Context(), m.Windows(), numbered(n), clock.Now().Add(d)); err != nil {
			t.Fatalf("Hold of %d: %v", n, err)
		}
	}
	full := "the store is full, with 100 windows; those that end soonest make room"
	want := func(state store.Condition, text string, lines ...string) {
		t.Helper()
		if h := m.Health(); h.Condition != state || h.Text != text || h.OK() != (state == store.OK) || h.Since.IsZero() != h.OK() {
			t.Errorf("Health: %+v, want %s, %q", h, state, text)
		}
		log.Want(t, lines...)
	}
	for n := range maxKeys {
		take(true, n)
	}
	want(store.OK, "")
	take(true, 200, 201) // push out 99, then 200
	want(store.Full, full, "WARN "+full)
	take(false, 98)
	take(true, 99)       // pushes out 201
	take(true, 200)      // pushes out 99
	take(false, 201, 98) // takes nothing, but has pushed out 200
	hold(203, time.Hour)
	take(false, 203)
	hold(1, 2*time.Hour)
	want(store.Full, full, "WARN "+full)

	clock.Advance(time.Minute)
	want(store.OK, "", "WARN "+full, "INFO the store is no longer full")
	clock.Advance(20 * time.Minute) // all but the holds close
	for n := range maxKeys - 2 {
		take(true, 300+n)
	}
	want(store.OK, "", "WARN "+full, "INFO the store is no longer full")
	take(false, 203)
	take(false, 1)
}

func TestHasher(t *testing.T) {
	hash := store.NewHasher([]byte("secret"))
	other := store.NewHasher([]byte("another"))
	seen := map[store.Key]string{}
	for _, parts := range [][]string{
		nil, {""}, {"", ""}, {"ab", "c"}, {"a", "bc"}, {"abc"}, {"abc", ""}, {"\x03abc"}, {"c", "ab"},
	} {
		for name, h := range map[string]func(...string) store.Key{"secret": hash, "another": other} {
			what := fmt.Sprintf("%q under %s", parts, name)
			first, again := h(parts...), h(parts...)
			if first != again {
				t.Errorf("%s: two calls, two keys", what)
			}
			if before, ok := seen[h(parts...)]; ok {
				t.Errorf("%s has the key of %s", what, before)
			}
			seen[h(parts...)] = what
		}
	}
}

func BenchmarkMemoryTake(b *testing.B) {
	m := store.NewMemory(store.MemoryOptions{}).Windows()
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		if _, _, err := store.Take(b.Context(), m, store.UseOf(numbered(n%500_000), 1, time.Second)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMemoryShards(b *testing.B) {
	storetest.BenchmarkShards(b, store.NewMemory(store.MemoryOptions{}).Shards())
}

func BenchmarkMemoryState(b *testing.B) {
	storetest.BenchmarkState(b, store.NewMemory(store.MemoryOptions{}).State())
}

func BenchmarkMemoryOutbox(b *testing.B) {
	storetest.BenchmarkOutbox(b, store.NewMemory(store.MemoryOptions{}).Outbox())
}

package store_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"testing"
	"time"

	"aggregator/store"
	"aggregator/store/storetest"
)

func TestMemory(t *testing.T) {
	storetest.Windows(t, func(t *testing.T, now func() time.Time) store.Store {
		m := store.NewMemory(store.MemoryOptions{Now: now})
		t.Cleanup(func() { m.Close() })
		return m
	})
}

func numbered(n int) store.Key {
	var key store.Key
	binary.BigEndian.PutUint64(key[:], uint64(n))
	return key
}

func TestMemoryIsBounded(t *testing.T) {
	const maxKeys = 100
	clock := storetest.NewClock()
	m := store.NewMemoryWindows(store.MemoryOptions{MaxKeys: maxKeys, Now: clock.Now})
	take := func(keys ...int) error {
		var uses []store.Use
		for _, n := range keys {
			// The later the key, the sooner its window closes.
			uses = append(uses, store.UseOf(numbered(n), 1, time.Duration(1000-n)*time.Second))
		}
		_, _, err := store.Take(t.Context(), m, uses...)
		return err
	}
	for n := range maxKeys - 1 {
		if err := take(n); err != nil {
			t.Fatal(err)
		}
	}
	if err := take(200, 201); !errors.Is(err, store.ErrFull) {
		t.Fatalf("a take of two with room for one: %v, want ErrFull", err)
	}
	if err := take(202); err != nil {
		t.Fatalf("the refused take kept its room: %v", err)
	}
	if err := store.Hold(t.Context(), m, numbered(203), clock.Now().Add(time.Hour)); !errors.Is(err, store.ErrFull) {
		t.Fatalf("Hold when full: %v, want ErrFull", err)
	}
	if err := store.Hold(t.Context(), m, numbered(1), clock.Now().Add(time.Hour)); err != nil {
		t.Fatalf("Hold of a key that has its room: %v", err)
	}
	if err := take(1); err != nil {
		t.Fatalf("Take of a key that has its room: %v", err)
	}

	clock.Advance(798 * time.Second) // closes the window of 202 alone
	if err := take(204); err != nil {
		t.Fatalf("a closed window keeps its room: %v", err)
	}
	if err := take(205); !errors.Is(err, store.ErrFull) {
		t.Fatalf("Take when full again: %v, want ErrFull", err)
	}
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
	m := store.NewMemoryWindows(store.MemoryOptions{})
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		if _, _, err := store.Take(b.Context(), m, store.UseOf(numbered(n%500_000), 1, time.Second)); err != nil {
			b.Fatal(err)
		}
	}
}

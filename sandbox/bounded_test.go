package sandbox

import "testing"

func TestBounded(t *testing.T) {
	b := newBounded[int, string](3)
	for i := range 10 {
		b.set(i, "new")
		b.set(i, "newer")
	}
	if len(b.values) != 3 || len(b.keys) != 3 {
		t.Fatalf("holds %v, want 3 keys", b.values)
	}
	for i := range 10 {
		v, ok := b.get(i)
		if ok != (i >= 7) || ok && v != "newer" {
			t.Errorf("key %d: %q, %v", i, v, ok)
		}
	}
}

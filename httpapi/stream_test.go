package httpapi

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"aggregator/internal/testkit"
	"aggregator/shares"
	"aggregator/store"
)

// A reader that is too far behind for what is new is given up; what is old waits
// for it.
func TestEventQueue(t *testing.T) {
	memory := shares.New(shares.Options{Capacity: 4 << 20})
	grant, err := memory.Acquire(t.Context(), netip.Prefix{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer grant.Release()
	q := newEventQueue(grant)
	kb := []byte(strings.Repeat("x", 1<<10))
	for i := range maxBehind >> 10 {
		if err := q.put(t.Context(), kb, true); err != nil {
			t.Fatalf("after %d KiB: %v", i, err)
		}
	}
	if err := q.put(t.Context(), kb, true); !errors.Is(err, errBehind) {
		t.Errorf("beyond 1 MiB: %v, want errBehind", err)
	}
	if held := memory.Usage().Held; held != maxBehind {
		t.Errorf("%d bytes are held of the budget, want %d", held, maxBehind)
	}
	put := make(chan error, 1)
	go func() { put <- q.put(t.Context(), kb, false) }()
	for range (maxBehind - maxAhead) >> 10 {
		select {
		case err := <-put:
			t.Fatalf("what is old does not wait: %v", err)
		default:
		}
		q.taken()
	}
	q.taken()
	if err := testkit.Receive(t, "room for what is old", put); err != nil {
		t.Error(err)
	}
	for q.first() != nil {
		q.taken()
	}
	if held := memory.Usage().Held; held != 0 {
		t.Errorf("%d bytes are held of an empty queue", held)
	}
	// One that is larger than the bound fits alone.
	if err := q.put(t.Context(), make([]byte, 2<<20), true); err != nil {
		t.Error(err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := q.put(gone, kb, false); !errors.Is(err, context.Canceled) {
		t.Errorf("of a reader that left: %v", err)
	}
	if err := q.put(t.Context(), make([]byte, 8<<20), true); !errors.Is(err, errBehind) {
		t.Errorf("without memory: %v, want errBehind", err)
	}
}

// Line breaks within what a list sent stay within the event.
func TestEvent(t *testing.T) {
	d := store.Delivery{Message: store.Message{ID: "msg_a", Type: "vote.created", Body: []byte("{\"raw\":{\n\"a\":\r\n1,\r\"b\":\n\r2}}")}}
	const want = "id: msg_a\nevent: vote.created\ndata: {\"raw\":{\ndata: \"a\":\ndata: 1,\ndata: \"b\":\ndata: 2}}\n\n"
	if got := string(event(d)); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A body has its own time, and makes progress within it.
func TestBodyLimit(t *testing.T) {
	start := time.Now()
	for _, row := range []struct {
		limit bodyLimit
		bytes int
		want  time.Duration
	}{
		{bodyLimit{bytes: MaxBody}, 0, progressGrace},
		{bodyLimit{bytes: MaxBody}, 10 << 10, progressGrace + 10*time.Second},
		{hookBody, 0, 5 * time.Second},
		{hookBody, 10 << 10, 5 * time.Second},
	} {
		if got := row.limit.deadline(start, row.bytes).Sub(start); got != row.want {
			t.Errorf("%+v, after %d bytes: %s, want %s", row.limit, row.bytes, got, row.want)
		}
	}
}

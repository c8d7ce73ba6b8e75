package redis

import (
	"context"
	"net"
	"testing"
	"time"

	"aggregator/internal/testkit"
)

// TestDeadlineOfSigningIn has a server that takes connections and says nothing
// hold a call no longer than its context lasts, before it is signed in too.
func TestDeadlineOfSigningIn(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := newClient(config{address: l.Addr().String(), password: password, dialTimeout: time.Hour, callTimeout: time.Hour})
	defer func() { _ = c.close() }() // nothing is to be written any more
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		_, err := c.do(ctx, "PING")
		done <- err
	}()
	if err := testkit.Receive(t, "the end of the call", done); !timedOut(err) {
		t.Errorf("got %v, want a timeout", err)
	}
}

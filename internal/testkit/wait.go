package testkit

import (
	"testing"
	"time"
)

// Patience is how long tests wait for what must come: long enough for a busy
// machine under the race detector, for a test that fails here has hung.
const Patience = 20 * time.Second

// Wait waits until holds reports true. The test fails when it has not within
// Patience.
func Wait(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(Patience); !holds(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited %s in vain for %s", Patience, what)
		}
	}
}

// Receive returns what comes through c, or the zero value when c is closed.
// The test fails when neither happens within Patience.
func Receive[T any](t testing.TB, what string, c <-chan T) T {
	t.Helper()
	timer := time.NewTimer(Patience)
	defer timer.Stop()
	select {
	case v := <-c:
		return v
	case <-timer.C:
		t.Fatalf("waited %s in vain for %s", Patience, what)
		panic("unreachable")
	}
}

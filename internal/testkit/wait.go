package testkit

import (
	"fmt"
	"testing"
	"time"
)

// Patience is how long tests wait for what must come: long enough for a busy
// machine under the race detector, for a test that fails here has hung.
const Patience = 20 * time.Second

// Eventually waits until check returns nil. The test fails with its error when
// it has not within Patience.
func Eventually(t testing.TB, check func() error) {
	t.Helper()
	for end := time.Now().Add(Patience); ; time.Sleep(time.Millisecond) {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("after %s still: %v", Patience, err)
		}
	}
}

// Wait waits until holds reports true. The test fails when it has not within
// Patience.
func Wait(t testing.TB, what string, holds func() bool) {
	t.Helper()
	Eventually(t, func() error {
		if !holds() {
			return fmt.Errorf("waiting for %s", what)
		}
		return nil
	})
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
		t.Fatalf("after %s still: waiting for %s", Patience, what)
		panic("unreachable")
	}
}

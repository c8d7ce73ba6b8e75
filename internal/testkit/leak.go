package testkit

import (
	"errors"
	"runtime"
	"testing"
)

// NoLeak fails the test if it leaves goroutines. It must be the first to ask for
// cleaning up, and no other test may run beside it.
func NoLeak(t testing.TB) {
	t.Helper()
	before := runtime.NumGoroutine()
	t.Cleanup(func() {
		Eventually(t, func() error {
			if n := runtime.NumGoroutine(); n > before {
				buf := make([]byte, 1<<20)
				return errors.New("goroutines are left:\n" + string(buf[:runtime.Stack(buf, true)]))
			}
			return nil
		})
	})
}

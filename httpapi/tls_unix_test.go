//go:build unix

package httpapi

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"aggregator/internal/testkit"
)

// TestReloadOfAPipe puts a pipe that nobody writes to in the place of a key: the
// reload does not wait for it, and the next one works.
func TestReloadOfAPipe(t *testing.T) {
	t.Parallel()
	folder, log := t.TempDir(), new(testkit.Log)
	pair := loadPair(t, folder, log)
	key := filepath.Join(folder, "key.pem")
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(key, 0o600); err != nil {
		t.Skip("no pipes here: ", err)
	}
	for _, want := range []string{"one.test", "two.test"} {
		reloaded := make(chan struct{})
		go func() { pair.Reload(); close(reloaded) }()
		testkit.Receive(t, "the reload", reloaded)
		if got, want := pair.String(), want+" until 2100-01-02T03:04:05Z"; got != want {
			t.Errorf("shows %q, want %q", got, want)
		}
		if err := os.Remove(key); err != nil {
			t.Fatal(err)
		}
		testkit.WriteKeyPair(t, folder, "two.test")
	}
}

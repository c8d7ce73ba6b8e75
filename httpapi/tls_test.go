package httpapi

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aggregator/internal/testkit"
)

// loadPair writes a certificate of one.test into a folder, and loads it.
func loadPair(t *testing.T, folder string, log *testkit.Log) *KeyPair {
	t.Helper()
	cert, key := testkit.WriteKeyPair(t, folder, "one.test")
	pair, err := LoadKeyPair(cert, key, log.Logger())
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// TestWatchKeyPair changes the files of a certificate between looks at them.
func TestWatchKeyPair(t *testing.T) {
	t.Parallel()
	folder, log, ticks := t.TempDir(), new(testkit.Log), make(chan time.Time)
	pair := loadPair(t, folder, log)
	look := func() { // it is over when the watch has ended
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { pair.Watch(ctx, ticks); close(ended) }()
		ticks <- time.Time{}
		cancel()
		testkit.Receive(t, "the end of the watch", ended)
	}
	replace := func(from, name string) { // at once
		t.Helper()
		if err := os.Rename(from, filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	shows := func(host string, logged ...string) {
		t.Helper()
		if got, want := pair.String(), host+" until 2100-01-02T03:04:05Z"; got != want {
			t.Errorf("shows %q, want %q", got, want)
		}
		log.Want(t, logged...)
	}
	const kept, reloaded = "WARN the certificate is not reloaded; the old one stays", "INFO certificate reloaded"
	look()
	shows("one.test")

	broken := filepath.Join(t.TempDir(), "key.pem")
	if err := os.WriteFile(broken, []byte("s3cret"), 0o600); err != nil {
		t.Fatal(err)
	}
	replace(broken, "key.pem")
	look()
	shows("one.test", kept) // once, however often it is looked at
	pair.Reload()
	shows("one.test", kept, kept) // and whenever it is asked for

	if err := os.Remove(filepath.Join(folder, "key.pem")); err != nil {
		t.Fatal(err)
	}
	look()
	shows("one.test", kept, kept, kept)

	cert, key := testkit.WriteKeyPair(t, t.TempDir(), "two.test")
	replace(cert, "cert.pem")
	replace(key, "key.pem")
	look()
	shows("two.test", kept, kept, kept, reloaded)
	pair.Reload()
	shows("two.test", kept, kept, kept, reloaded)

	if strings.Contains(log.String(), "s3cret") {
		t.Errorf("the log tells what the key holds: %s", log)
	}
}

// TestSlowHandshakesMakeRoom fills a server with connections that never make a
// handshake: others are served meanwhile, and once there is no room, in place of
// them.
func TestSlowHandshakesMakeRoom(t *testing.T) {
	t.Parallel()
	const most = 40
	for name, text := range map[string]string{
		"nothing":      "",
		"half a hello": "\x16\x03\x01\x02\x00\x01\x00",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := serveFrontWith(t, most, loadPair(t, t.TempDir(), new(testkit.Log)))
			for range most {
				f.dial(t, text)
			}
			for range most {
				conn := tls.Client(f.dial(t, ""), &tls.Config{InsecureSkipVerify: true})
				if _, err := io.WriteString(conn, wholeRequest); err != nil {
					t.Fatal(err)
				}
				if got := answered(t, conn); got != "200" {
					t.Fatalf("answered %s", got)
				}
			}
			if open := f.conns.count(); open > most {
				t.Errorf("%d connections are open, want at most %d", open, most)
			}
		})
	}
}

// TestStopClosesHandshakes stops a server while handshakes are under way, and
// connections are idle.
func TestStopClosesHandshakes(t *testing.T) {
	t.Parallel()
	f := serveFrontWith(t, 40, loadPair(t, t.TempDir(), new(testkit.Log)))
	idle := tls.Client(f.dial(t, ""), &tls.Config{InsecureSkipVerify: true})
	if _, err := io.WriteString(idle, wholeRequest); err != nil {
		t.Fatal(err)
	}
	if got := answered(t, idle); got != "200" {
		t.Fatalf("answered %s", got)
	}
	half := []net.Conn{f.dial(t, ""), f.dial(t, "\x16\x03\x01")}
	testkit.Wait(t, "the connections", func() bool { return f.conns.count() == 3 })
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Patience)
	defer cancel()
	if err := f.Stop(ctx); err != nil {
		t.Error(err)
	}
	for i, conn := range append(half, idle) {
		if !isClosed(t, conn) {
			t.Errorf("connection %d is still open", i)
		}
	}
}

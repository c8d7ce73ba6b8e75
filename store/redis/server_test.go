package redis

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"aggregator/internal/testkit"
	"aggregator/store"
)

// patience is the timeout of most tests: a machine under load is not a Redis
// that is away.
const patience = 10 * time.Second

// server is a real redis-server, a child of the test.
type server struct {
	testing.TB
	*exec.Cmd
	addr string
	args []string
}

// startServer starts a redis-server that ends with the test. Without one
// installed the test fails in CI, and is skipped elsewhere.
func startServer(t testing.TB, args ...string) *server {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip("NOT TESTED: no redis-server (Debian: apt-get install redis-server)")
	}
	for range 5 { // another process may take the port first
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		s := &server{TB: t, addr: l.Addr().String(), args: args}
		l.Close()
		if s.start() {
			t.Cleanup(s.kill)
			return s
		}
	}
	t.Fatal("redis-server does not start")
	return nil
}

func (s *server) start() bool {
	s.Helper()
	_, port, _ := net.SplitHostPort(s.addr)
	var out bytes.Buffer
	s.Cmd = exec.Command("redis-server", append([]string{
		"--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--databases", "100", "--dir", s.TempDir(),
	}, s.args...)...)
	s.Stdout, s.Stderr = &out, &out
	if err := s.Start(); err != nil {
		s.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = s.Wait() // killed, always
		close(ended)
	}()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		if conn, err := net.Dial("tcp", s.addr); err == nil {
			conn.Close()
			return true
		}
		select {
		case <-ended:
			s.Logf("redis-server: %s", out.String())
			return false
		case <-time.After(5 * time.Millisecond):
		}
	}
	s.kill()
	return false
}

// kill is kill -9.
func (s *server) kill() {
	_ = s.Process.Kill() // gone already, maybe
}

// client is another program's connection to a database.
func (s *server) client(db int) *client {
	c := newClient(config{address: s.addr, db: db, dialTimeout: patience, callTimeout: patience})
	s.Cleanup(func() { _ = c.close() })
	return c
}

// commandIn runs one command in a database, on a connection of its own.
func (s *server) commandIn(db int, args ...any) any {
	s.Helper()
	c := s.client(db)
	got, err := c.do(context.Background(), fmt.Sprint(args[0]), args[1:]...)
	if err != nil {
		s.Fatalf("%v: %v", args, err)
	}
	return got
}

// command is commandIn of the first database.
func (s *server) command(args ...any) any {
	s.Helper()
	return s.commandIn(0, args...)
}

// expires returns in how long a key expires; negative for one that does not.
func (s *server) expires(db int, key string) time.Duration {
	s.Helper()
	ms, ok := s.commandIn(db, "PTTL", key).(int64)
	if !ok {
		s.Fatalf("PTTL %s is no number", key)
	}
	return time.Duration(ms) * time.Millisecond
}

func openURL(t testing.TB, url string, opts options) *Store {
	t.Helper()
	if opts.now == nil {
		opts.now = time.Now
	}
	if opts.timeout == 0 {
		opts.timeout = patience
	}
	if opts.bounds == (store.ShardBounds{}) {
		opts.bounds = store.DefaultShardBounds
	}
	if opts.outboxBounds == (store.OutboxBounds{}) {
		opts.outboxBounds = store.DefaultOutboxBounds
	}
	if opts.histories == 0 {
		opts.histories = store.MaxHistories
	}
	if opts.start == 0 {
		opts.start = patience
	}
	if opts.slow == 0 {
		opts.slow = patience
	}
	s, err := open(context.Background(), url, nil, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Log(err)
		}
	})
	return s
}

func (s *server) open() *Store {
	s.Helper()
	return openURL(s.TB, "redis://"+s.addr, options{})
}

// wantLost fails the test unless the log tells so many times that Redis was
// lost, so many times that it is back, and nothing else.
func wantLost(t *testing.T, log *testkit.Log, lost, back int) {
	t.Helper()
	byLevel := map[string]int{}
	for _, line := range log.Lines() {
		level, _, _ := strings.Cut(line, " ")
		byLevel[level]++
	}
	if byLevel["WARN"] != lost || byLevel["INFO"] != back || len(log.Lines()) != lost+back {
		t.Errorf("logged %q, want %d times lost and %d times back", log.Lines(), lost, back)
	}
}

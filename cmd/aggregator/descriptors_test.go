package main

import (
	"io"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"aggregator/internal/testkit"
)

func TestDescriptorsRunLow(t *testing.T) {
	t.Parallel()
	var log testkit.Log
	now, open, calls := time.Unix(1e9, 0), 0, 0
	d := &descriptors{
		log: log.Logger(), now: func() time.Time { return now }, bounds: boundsFor(1000),
		open: func() (int, bool) { return open, true }, calls: func() int { return calls },
	}
	told := func() int { return len(log.Entries(t, "descriptors are running low")) }
	for _, step := range []struct {
		open, calls int
		after       time.Duration
		told        int
	}{
		{899, 269, 0, 0}, {900, 0, 0, 1}, {1000, 300, time.Second, 1}, {1000, 300, time.Minute, 2}, {0, 270, time.Minute, 3}, {0, 0, time.Hour, 3},
	} {
		open, calls, now = step.open, step.calls, now.Add(step.after)
		d.look()
		if got := told(); got != step.told {
			t.Errorf("%d open, %d calls: told %d times, want %d", open, calls, got, step.told)
		}
	}
	if n, ok := openDescriptors(); ok && n < 3 {
		t.Errorf("%d descriptors are open", n)
	}
}

// startWith starts the program with what a shell does first.
func startWith(t *testing.T, first string) *process {
	t.Helper()
	cmd := program(t, nil, "serve", "--listen", anyPort, "--store", "memory:")
	cmd.Args = append([]string{"sh", "-c", first + ` && exec "$0" "$@"`}, cmd.Args...)
	path, err := exec.LookPath("sh")
	if err != nil {
		t.Skipf("NOT TESTED: %v", err)
	}
	cmd.Path = path
	p := testkit.Start(t, cmd)
	return &process{running{p.Service}, p}
}

// TestFullOfConnections opens as many connections as a service takes, again and
// again: it closes those on which nothing moves.
func TestFullOfConnections(t *testing.T) {
	t.Parallel()
	p := startWith(t, "ulimit -n 256")
	fill := func() {
		for range boundsFor(256).connections - 5 {
			conn, err := net.Dial("tcp", strings.TrimPrefix(p.Base, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = conn.Close() })
			_, _ = io.WriteString(conn, "GET /api/lists HTTP/1.1\r\n")
		}
	}
	testkit.Wait(t, "the warning", func() bool {
		fill()
		return strings.Contains(p.Log.String(), `"level":"WARN","msg":"descriptors are running low"`)
	})
	if a := testkit.Send(t, "GET", p.Base+"/api/health", ""); a.Status != 200 {
		t.Errorf("health: %d", a.Status)
	}
}

// TestTooFewDescriptors starts a service with fewer descriptors than it needs.
func TestTooFewDescriptors(t *testing.T) {
	t.Parallel()
	p := startWith(t, "ulimit -n 100")
	if want := `"msg":"too few descriptors: callers and lists may be refused","descriptors":100,"enough":256`; !strings.Contains(p.Log.String(), want) {
		t.Errorf("no %s in the log: %s", want, p.Log)
	}
}

func TestBounds(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 100, 256, 1024, 20_000, 100_000} {
		b := boundsFor(n)
		if used := b.connections + b.calls + b.calls/2; b.descriptors != n || used > max(n, minDescriptors) {
			t.Errorf("with %d descriptors, %d are used: %+v", n, used, b)
		}
		if b.connections < 1 || b.requests < minRequests || b.calls < 1 || b.callsPerList < 1 || b.waiting < 1 || b.waiting >= b.connections {
			t.Errorf("with %d descriptors: %+v", n, b)
		}
	}
}

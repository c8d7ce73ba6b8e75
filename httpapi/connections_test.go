package httpapi

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"aggregator/internal/testkit"
)

// front is a Front on loopback, of a server with one list.
type front struct {
	*Front
	addr   string
	served chan error
}

func serveFront(t *testing.T, maxConnections int, change ...func(*Server)) front {
	t.Helper()
	return serveFrontWith(t, maxConnections, nil, change...)
}

// serveFrontWith serves with TLS unless pair is nil.
func serveFrontWith(t *testing.T, maxConnections int, pair *KeyPair, change ...func(*Server)) front {
	t.Helper()
	s, _ := newTestServer(t, 1)
	for _, f := range change {
		f(s)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := front{NewFront(s, maxConnections, func(string) {}), l.Addr().String(), make(chan error, 1)}
	go func() {
		if pair != nil {
			f.served <- f.ServeTLS(l, pair)
			return
		}
		f.served <- f.Serve(l)
	}()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), testkit.Patience)
		defer cancel()
		if err := f.Stop(ctx); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	return f
}

// dial opens a connection and sends what is given.
func (f front) dial(t *testing.T, text string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", f.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(testkit.Patience))
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	return conn
}

const wholeRequest = "GET /api/health HTTP/1.1\r\nHost: test\r\n\r\n"

// answered reads the status of an answer.
func answered(t *testing.T, conn net.Conn) string {
	t.Helper()
	status := make([]byte, len("HTTP/1.1 200"))
	if _, err := io.ReadFull(conn, status); err != nil {
		t.Fatalf("answer %q, error %v", status, err)
	}
	return string(status[9:])
}

// isClosed waits until a connection is closed by the server.
func isClosed(t *testing.T, conn net.Conn) bool {
	t.Helper()
	_, err := io.Copy(io.Discard, conn)
	var timeout net.Error
	return !errors.As(err, &timeout) || !timeout.Timeout()
}

// TestIdleConnectionsMakeRoom fills a server with idle connections: there is
// room for one more all the same.
func TestIdleConnectionsMakeRoom(t *testing.T) {
	t.Parallel()
	const most = 40
	f := serveFront(t, most)
	for range 3 * most { // idle each, for none is closed by us
		if got := answered(t, f.dial(t, wholeRequest)); got != "200" {
			t.Fatalf("answered %s", got)
		}
	}
	if open := f.conns.count(); open > most {
		t.Errorf("%d connections are open, want at most %d", open, most)
	}
}

// TestSlowConnectionsMakeRoom fills a server with connections that never send a
// whole request: once they have had their time, they make room for others.
func TestSlowConnectionsMakeRoom(t *testing.T) {
	t.Parallel()
	const most = 40
	for name, text := range map[string]string{
		"nothing":       "",
		"half a header": "GET /api/health HTTP/1.1\r\nHost: te",
		"half a body":   "POST /api/count HTTP/1.1\r\nHost: test\r\nContent-Length: 100\r\n\r\n{",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := serveFront(t, most)
			for range most {
				f.dial(t, text)
			}
			for range most {
				if got := answered(t, f.dial(t, wholeRequest)); got != "200" {
					t.Fatalf("answered %s", got)
				}
			}
		})
	}
}

// TestSlowestGoFirst has connections of every kind: those that are of most use
// stay.
func TestSlowestGoFirst(t *testing.T) {
	t.Parallel()
	s := newConnections(100, func(string) {})
	s.epoch = time.Now().Add(-time.Hour)
	add := func(p phase, age time.Duration, moved int64) (c *callerConn, closed func() bool) {
		ours, theirs := net.Pipe()
		t.Cleanup(func() { _, _ = ours.Close(), theirs.Close() })
		c = &callerConn{Conn: ours, owner: s}
		s.add(c)
		c.enter(p)
		c.since.Store(int64(time.Since(s.epoch) - age))
		c.moved.Store(moved)
		return c, func() bool {
			_ = theirs.SetReadDeadline(time.Now().Add(time.Millisecond))
			_, err := theirs.Read(make([]byte, 1))
			return errors.Is(err, io.EOF)
		}
	}
	names := []string{"body, slow", "header, slow", "answer, slow", "idle for long", "idle", "body, quick", "header, new", "work"}
	closed := map[string]func() bool{}
	_, closed["work"] = add(phaseWork, time.Minute, 0)
	_, closed["header, new"] = add(phaseHeader, slowAfter/2, 0)
	_, closed["idle"] = add(phaseIdle, time.Second, 0)
	_, closed["idle for long"] = add(phaseIdle, time.Minute, 0)
	_, closed["body, quick"] = add(phaseBody, 10*time.Second, 10<<20)
	_, closed["answer, slow"] = add(phaseAnswer, 10*time.Second, 20<<10)
	_, closed["header, slow"] = add(phaseHeader, 10*time.Second, 200)
	_, closed["body, slow"] = add(phaseBody, 10*time.Second, 100)
	check := func(n int, gone ...string) {
		t.Helper()
		s.mu.Lock()
		s.close(n, phaseHeader, phaseBody, phaseAnswer, phaseIdle)
		s.mu.Unlock()
		for _, name := range names {
			want := false
			for _, g := range gone {
				want = want || g == name
			}
			if got := closed[name](); got != want {
				t.Errorf("%s: closed %t, want %t", name, got, want)
			}
		}
	}
	check(0)
	check(1, names[:1]...)
	check(2, names[:3]...)
	check(1, "body, slow", "header, slow", "answer, slow", "body, quick") // it is slow beside none
	check(1, "body, slow", "header, slow", "answer, slow", "body, quick", "idle for long")
	check(9, "body, slow", "header, slow", "answer, slow", "body, quick", "idle for long", "idle")
	if n := s.count(); n != 2 {
		t.Errorf("%d are left, want 2", n)
	}
}

// TestStopClosesWhatIsNotUnderWay stops a server with connections on which
// nothing is worked on.
func TestStopClosesWhatIsNotUnderWay(t *testing.T) {
	t.Parallel()
	f := serveFront(t, 100)
	idle := f.dial(t, wholeRequest)
	answered(t, idle)
	conns := []net.Conn{
		idle, f.dial(t, ""), f.dial(t, "GET /api/health HTTP/1.1\r\nHost: te"),
		f.dial(t, "POST /api/count HTTP/1.1\r\nHost: test\r\nContent-Length: 100\r\n\r\n{"),
	}
	testkit.Wait(t, "all to be seen", func() bool { return f.conns.count() == len(conns) })
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Patience)
	defer cancel()
	if err := f.Stop(ctx); err != nil {
		t.Errorf("stop: %v", err)
	}
	if err := testkit.Receive(t, "the end", f.served); !errors.Is(err, http.ErrServerClosed) {
		t.Errorf("served: %v", err)
	}
	for i, conn := range conns {
		if !isClosed(t, conn) {
			t.Errorf("connection %d is still open", i)
		}
	}
}

// TestStopWaitsForAnswers stops a server while it writes an answer.
func TestStopWaitsForAnswers(t *testing.T) {
	t.Parallel()
	begun := make(chan struct{})
	f := serveFront(t, 100, func(s *Server) {
		s.router.GET("/large", func(c echo.Context) error {
			close(begun)
			return answerJSON(c, http.StatusOK, []byte(strings.Repeat("x", 32<<20)))
		})
	})
	conn := f.dial(t, "GET /large HTTP/1.1\r\nHost: test\r\n\r\n")
	testkit.Receive(t, "the answer to begin", begun)
	stopped := make(chan error, 1)
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Patience)
	defer cancel()
	go func() { stopped <- f.Stop(ctx) }()
	n, err := io.Copy(io.Discard, conn)
	if err != nil || n < 32<<20 {
		t.Errorf("%d bytes of the answer, %v", n, err)
	}
	if err := testkit.Receive(t, "the end", stopped); err != nil {
		t.Errorf("stop: %v", err)
	}
}

// count returns how many connections are open.
func (s *connections) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
}

package httpapi

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// TestShedder fills a server with idle connections: there is room for one more
// all the same.
func TestShedder(t *testing.T) {
	t.Parallel()
	const most = 40
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "OK") }))
	shed := newShedder(most)
	shed.attach(server.Config)
	server.Start()
	defer server.Close()
	for range 3 * most { // idle each, for none is closed by us
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: test\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		answer := make([]byte, 12)
		if _, err := io.ReadFull(conn, answer); err != nil || string(answer) != "HTTP/1.1 200" {
			t.Fatalf("answer %q, error %v", answer, err)
		}
	}
	shed.mu.Lock()
	open := shed.conns.Len()
	shed.mu.Unlock()
	if open > most {
		t.Errorf("%d connections are open, want at most %d", open, most)
	}
}

// TestShedderSlowHeaders has connections that never send a whole header: once
// they have had their time, each makes room for another.
func TestShedderSlowHeaders(t *testing.T) {
	t.Parallel()
	s := newShedder(4) // sheds from the fourth on
	slow, other := make([]net.Conn, 3), make([]net.Conn, 3)
	for i := range slow {
		slow[i], other[i] = net.Pipe()
		s.changed(slow[i], http.StateNew)
		s.changed(slow[i], http.StateActive)
		s.at[slow[i]].Value.(*callerConn).since = time.Now().Add(-headerPatience)
	}
	s.set(slow[0], callerConn{Conn: slow[0], serving: true}) // its header came
	fresh, _ := net.Pipe()
	s.changed(fresh, http.StateNew)
	if _, open := s.at[slow[1]]; open || s.conns.Len() != 3 {
		t.Errorf("%d connections, the slowest among them: %t", s.conns.Len(), open)
	}
	_ = other[1].SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := other[1].Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("the slowest is not closed: %v", err)
	}
	for _, c := range []net.Conn{slow[0], fresh} {
		if _, open := s.at[c]; !open {
			t.Error("one of use was closed")
		}
	}
}

package fanout

import (
	"bufio"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"aggregator/internal/testkit"
)

// TestPoolBounds checks that no more connections are kept than there may be, of all
// servers and of each.
func TestPoolBounds(t *testing.T) {
	for _, tt := range []struct{ maxIdle, perKey, servers, atOnce, want int }{
		{100, 100, 2, 5, 10},
		{100, 3, 2, 5, 6},
		{4, 3, 2, 5, 4},
		{0, 3, 1, 2, 0},
		{3, 0, 1, 2, 0},
	} {
		t.Run(fmt.Sprint(tt), func(t *testing.T) {
			transport := newTestTransport(t)
			transport.pool.maxIdle, transport.pool.maxIdlePerKey = tt.maxIdle, tt.perKey
			var asked, all sync.WaitGroup
			asked.Add(tt.servers * tt.atOnce)
			for range tt.servers {
				s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					asked.Done()
					asked.Wait() // all are under way
					_, _ = io.WriteString(w, "{}")
				}))
				defer s.Close()
				for range tt.atOnce {
					all.Go(func() {
						if _, text, err := ask(t.Context(), transport, http.MethodGet, s.URL, ""); text != "{}" {
							t.Errorf("got %q %v", text, err)
						}
					})
				}
			}
			all.Wait()
			if got := transport.pool.n; got != tt.want {
				t.Errorf("got %d idle connections, want %d", got, tt.want)
			}
			for key, some := range transport.pool.idle {
				if len(some) > tt.perKey {
					t.Errorf("got %d idle connections of %s, want at most %d", len(some), key.host, tt.perKey)
				}
			}
			transport.CloseIdleConnections()
		})
	}
}

// TestIdleConnectionsAreClosed checks that idle connections end by themselves.
func TestIdleConnectionsAreClosed(t *testing.T) {
	transport := newTestTransport(t)
	transport.pool.timeout = 20 * time.Millisecond
	gone := make(chan struct{}, 3)
	p := newPeer(t, func(c *conn) { answers(sized("{}"))(c); gone <- struct{}{} })
	for range 3 {
		if _, text, err := ask(t.Context(), transport, http.MethodGet, "http://"+p.Addr, ""); text != "{}" {
			t.Fatalf("got %q %v", text, err)
		}
		testkit.Receive(t, "the end of the connection", gone)
	}
	testkit.Wait(t, "the pool to be empty", func() bool {
		transport.pool.mu.Lock()
		defer transport.pool.mu.Unlock()
		return transport.pool.n == 0 && len(transport.pool.idle) == 0 && transport.pool.timer == nil
	})
}

// TestOldConnectionsAreNotUsed has a request find a connection that has been idle for
// too long, and is open all the same.
func TestOldConnectionsAreNotUsed(t *testing.T) {
	transport := newTestTransport(t)
	p := newPeer(t, answers(sized("{}")))
	for range 2 {
		if _, text, err := ask(t.Context(), transport, http.MethodGet, "http://"+p.Addr, ""); text != "{}" {
			t.Fatalf("got %q %v", text, err)
		}
		for _, some := range transport.pool.idle {
			some[0].since = some[0].since.Add(-transport.pool.timeout)
		}
	}
	if n := p.Conns.Load(); n != 2 {
		t.Errorf("got %d connections, want 2", n)
	}
}

// TestClosedConnectionsAreNotUsed has servers close connections that rest. Another
// one serves the next request, over TLS too.
func TestClosedConnectionsAreNotUsed(t *testing.T) {
	for name, start := range map[string]func(http.Handler) *httptest.Server{"http": httptest.NewServer, "https": httptest.NewTLSServer} {
		t.Run(name, func(t *testing.T) {
			transport := newTestTransport(t)
			asked := 0
			s := start(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked++
				_, _ = io.WriteString(w, r.RemoteAddr)
			}))
			defer s.Close()
			if name == "https" {
				trust(transport, s)
			}
			last := ""
			for range 3 {
				_, text, err := ask(t.Context(), transport, http.MethodPost, s.URL, "{}")
				if err != nil || text == last {
					t.Errorf("got connection %q after %q, %v", text, last, err)
				}
				last = text
				s.CloseClientConnections()
			}
			if asked != 3 {
				t.Errorf("the server saw %d requests, want 3", asked)
			}
			transport.CloseIdleConnections()
		})
	}
}

// TestSpeaksWhileItRestsOverTLS has a server say something over TLS on a connection
// that rests, wholly or in part.
func TestSpeaksWhileItRestsOverTLS(t *testing.T) {
	certificate := httptest.NewUnstartedServer(nil)
	certificate.StartTLS()
	defer certificate.Close()
	for name, speak := range map[string]func(raw *conn, over *tls.Conn){
		"an answer":            func(_ *conn, over *tls.Conn) { _, _ = io.WriteString(over, sized("wrong")) },
		"the start of records": func(raw *conn, _ *tls.Conn) { raw.Say("\x17\x03") },
		"part of a record":     func(raw *conn, _ *tls.Conn) { raw.Say("\x17\x03\x03\x00\x40part") },
		"a farewell":           func(_ *conn, over *tls.Conn) { _ = over.CloseWrite() },
		"no TLS":               func(raw *conn, _ *tls.Conn) { raw.Say(sized("wrong")) },
	} {
		t.Run(name, func(t *testing.T) {
			transport := newTestTransport(t)
			trust(transport, certificate)
			spoken := make(chan struct{})
			p := newPeer(t, func(c *conn) {
				over := tls.Server(c.Conn, certificate.TLS)
				inner := conn{Conn: over, Peer: c.Peer}
				inner.In = bufio.NewReader(over)
				if inner.Request() {
					inner.Say(sized("right"))
					speak(c, over)
					spoken <- struct{}{}
					_, _ = io.Copy(io.Discard, c.Conn)
				}
			})
			for range 3 {
				if _, text, err := ask(t.Context(), transport, http.MethodPost, "https://"+p.Addr, "{}"); text != "right" {
					t.Errorf("got %q %v, want right", text, err)
				}
				<-spoken
			}
			if n := p.Conns.Load(); n != 3 {
				t.Errorf("got %d connections, want 3", n)
			}
			transport.CloseIdleConnections()
		})
	}
}

// TestRecordReader checks that whole records are known from parts, however they are
// read.
func TestRecordReader(t *testing.T) {
	record := func(size int) []byte {
		return append(binary.BigEndian.AppendUint16([]byte{23, 3, 3}, uint16(size)), make([]byte, size)...)
	}
	stream := append(append(record(3), record(0)...), record(300)...)
	ends := map[int]bool{0: true, 8: true, 13: true, len(stream): true}
	for step := 1; step <= len(stream); step++ {
		var r recordReader
		for at := 0; at < len(stream); at += step {
			if got := r.whole(); got != ends[at] {
				t.Errorf("in steps of %d, after %d bytes: whole is %t, want %t", step, at, got, ends[at])
			}
			r.count(stream[at:min(at+step, len(stream))])
		}
		if !r.whole() {
			t.Errorf("in steps of %d: not whole at the end", step)
		}
	}
}

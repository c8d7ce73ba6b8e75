package fanout

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"aggregator/internal/testkit"
)

// closing is a body that knows whether it was closed.
type closing struct {
	io.Reader
	closed atomic.Bool
}

func (c *closing) Close() error {
	c.closed.Store(true)
	return nil
}

// newTestTransport returns a transport whose connections end with the test.
func newTestTransport(t testing.TB) *Transport {
	t.Helper()
	noLeak(t)
	transport := NewTransport()
	transport.pool.timeout = time.Hour // however slow the machine is
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

// trust has a transport trust a server's certificate.
func trust(transport *Transport, s *httptest.Server) {
	transport.TLSClientConfig.RootCAs = s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
}

// ask makes a request and reads the answer whole.
func ask(ctx context.Context, transport http.RoundTripper, method, url, body string) (status int, text string, err error) {
	var from io.Reader
	if body != "" {
		from = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, url, from)
	if err != nil {
		return 0, "", err
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	all, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(all), err
}

// roundTripError makes a request of which only the error matters.
func roundTripError(transport http.RoundTripper, req *http.Request) error {
	resp, err := transport.RoundTrip(req)
	if err == nil {
		_ = resp.Body.Close()
	}
	return err
}

// TestConnectionsAreUsedAgain checks after which answers a connection is.
func TestConnectionsAreUsedAgain(t *testing.T) {
	const large = 100 << 10
	for name, tt := range map[string]struct {
		answer string
		read   int // bytes of the body, -1 is all
		again  bool
	}{
		"a length":                 {sized("{}"), -1, true},
		"a length, read by chance": {sized("{}"), 2, true}, // its end comes with its last byte
		"a length, not read":       {sized("{}"), 0, false},
		"a length, read in part":   {sized(strings.Repeat("x", large)), large - 1, false},
		"no body":                  {sized(""), 0, true},
		"204":                      {"HTTP/1.1 204 No\r\n\r\n", 0, true},
		"304":                      {"HTTP/1.1 304 No\r\nContent-Length: 7\r\n\r\n", 0, true},
		"chunks":                   {ok + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", -1, true},
		"chunks and a trailer":     {ok + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX: y\r\n\r\n", -1, true},
		"chunks, not to the end":   {ok + "Transfer-Encoding: chunked\r\n\r\n5\r\n{...}\r\n0\r\n\r\n", 2, false},
		"a hint":                   {"HTTP/1.1 103 Early\r\n\r\n" + sized("{}"), -1, true},
		"Connection: close":        {ok + "Connection: close\r\nContent-Length: 2\r\n\r\n{}", -1, false},
		"HTTP/1.0":                 {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", -1, false},
		"HTTP/1.0, kept":           {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n{}", -1, true},
		"101":                      {"HTTP/1.1 101 Go\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n", 0, false},
		"more than the length":     {sized("{}") + "x", -1, false},
		"more than no body":        {sized("") + "x", -1, false},
	} {
		t.Run(name, func(t *testing.T) {
			transport := newTestTransport(t)
			p := newPeer(t, answers(tt.answer))
			for range 2 {
				req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+p.Addr, nil)
				if err != nil {
					t.Fatal(err)
				}
				resp, err := transport.RoundTrip(req)
				if err != nil {
					t.Fatal(err)
				}
				if tt.read < 0 {
					_, err = io.Copy(io.Discard, resp.Body)
				} else {
					_, err = io.CopyN(io.Discard, resp.Body, int64(tt.read))
				}
				if err != nil {
					t.Errorf("reading: %v", err)
				}
				_ = resp.Body.Close()
				if n, err := resp.Body.Read(make([]byte, 1)); n > 0 || err == nil {
					t.Errorf("after the end: read %d bytes, %v", n, err)
				}
			}
			if got, want := p.Conns.Load(), map[bool]int64{true: 1, false: 2}[tt.again]; got != want {
				t.Errorf("got %d connections for two requests, want %d", got, want)
			}
		})
	}
}

// breakable is a connection of which writing can be made to fail.
type breakable struct {
	*net.TCPConn
	most *atomic.Int64 // bytes that can be written; below 0: all
}

func (b breakable) Write(p []byte) (int, error) {
	most := b.most.Load()
	if most < 0 {
		return b.TCPConn.Write(p)
	}
	n, _ := b.TCPConn.Write(p[:min(int(most), len(p))])
	return n, syscall.EPIPE
}

// TestUnwrittenRequests has connections break while a request is written. One of
// which nothing was written on a kept connection is written to another; no other is
// sent twice.
func TestUnwrittenRequests(t *testing.T) {
	for name, tt := range map[string]struct {
		kept bool  // the connection has been used
		most int64 // bytes that can be written
		size int   // of the body
		want bool  // an answer
	}{
		"a kept one":                         {true, 0, 0, true},
		"a kept one, with a body":            {true, 0, 20, true},
		"a kept one, with a large body":      {true, 0, 1 << 20, true},
		"a new one":                          {false, 0, 20, false},
		"a new one, with a large body":       {false, 0, 1 << 20, false},
		"a kept one, after a byte":           {true, 1, 20, false},
		"a kept one, after the first part":   {true, 1000, 1 << 20, false},
		"a kept one, without the last bytes": {true, 100, 200, false},
	} {
		t.Run(name, func(t *testing.T) {
			transport := newTestTransport(t)
			p := newPeer(t, answers(sized("{}")))
			var most atomic.Int64
			most.Store(-1)
			var dials atomic.Int64
			transport.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
				c, err := new(net.Dialer).DialContext(ctx, network, addr)
				if err != nil {
					return nil, err
				}
				if dials.Add(1) > 1 && tt.kept {
					most.Store(-1)
				}
				return breakable{c.(*net.TCPConn), &most}, nil
			}
			if tt.kept {
				if _, text, err := ask(t.Context(), transport, http.MethodGet, "http://"+p.Addr, ""); text != "{}" {
					t.Fatalf("got %q %v", text, err)
				}
			}
			most.Store(tt.most)
			_, text, err := ask(t.Context(), transport, http.MethodPost, "http://"+p.Addr, strings.Repeat("x", tt.size))
			if got := text == "{}" && err == nil; got != tt.want {
				t.Errorf("got %q %v, want an answer: %t", text, err, tt.want)
			}
			want := int64(1)
			if tt.kept && tt.want {
				want = 2
			}
			if got := dials.Load(); got != want {
				t.Errorf("got %d connections, want %d", got, want)
			}
			if bodies := p.Bodies(); tt.want && len(bodies[len(bodies)-1]) != tt.size {
				t.Errorf("the second body has %d bytes, want %d", len(bodies[len(bodies)-1]), tt.size)
			}
		})
	}
}

// TestBodiesThatCannotBeWrittenAgain has a request on a connection that broke whose
// body cannot be had again.
func TestBodiesThatCannotBeWrittenAgain(t *testing.T) {
	transport := newTestTransport(t)
	p := newPeer(t, answers(sized("{}")))
	var most atomic.Int64
	most.Store(-1)
	transport.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return breakable{c.(*net.TCPConn), &most}, nil
	}
	if _, _, err := ask(t.Context(), transport, http.MethodGet, "http://"+p.Addr, ""); err != nil {
		t.Fatal(err)
	}
	most.Store(0)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+p.Addr, strings.NewReader("body"))
	if err != nil {
		t.Fatal(err)
	}
	req.GetBody = nil
	if err := roundTripError(transport, req); !errors.Is(err, syscall.EPIPE) || p.Conns.Load() != 1 {
		t.Errorf("got %v over %d connections, want %v over 1", err, p.Conns.Load(), syscall.EPIPE)
	}
}

// TestRefusesALargeBody has a server refuse a body before it has read it, and then
// read nothing more.
func TestRefusesALargeBody(t *testing.T) {
	const refusal = "HTTP/1.1 413 Large\r\nContent-Length: 2\r\n\r\nno"
	hear := func(c *tls.Conn, in net.Conn) { // the header, but for what follows it
		var from io.Reader = in
		if c != nil {
			from = c
		}
		var seen []byte
		for one := make([]byte, 1); !bytes.HasSuffix(seen, []byte("\r\n\r\n")); seen = append(seen, one...) {
			if _, err := io.ReadFull(from, one); err != nil {
				return
			}
		}
	}
	body := strings.Repeat("x", 32<<20) // more than sockets take
	certificate := httptest.NewUnstartedServer(nil)
	certificate.StartTLS()
	defer certificate.Close()
	for scheme, serve := range map[string]func(*conn, chan struct{}){
		"http": func(c *conn, end chan struct{}) {
			hear(nil, c.Conn)
			c.Say(refusal)
			<-end
		},
		"https": func(c *conn, end chan struct{}) {
			over := tls.Server(c.Conn, certificate.TLS)
			hear(over, nil)
			_, _ = io.WriteString(over, refusal)
			<-end
		},
	} {
		t.Run(scheme, func(t *testing.T) {
			transport := newTestTransport(t)
			trust(transport, certificate)
			end := make(chan struct{})
			p := newPeer(t, func(c *conn) { serve(c, end) })
			defer close(end)
			status, text, err := ask(t.Context(), transport, http.MethodPost, scheme+"://"+p.Addr, body)
			if status != 413 || text != "no" || err != nil {
				t.Errorf("got %d %q %v, want 413 no", status, text, err)
			}
		})
	}
}

// TestLargeBodies checks that they arrive, over TLS too.
func TestLargeBodies(t *testing.T) {
	transport := newTestTransport(t)
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		all, _ := io.ReadAll(r.Body)
		_, _ = w.Write(all)
	})
	plain, secure := httptest.NewServer(echo), httptest.NewTLSServer(echo)
	defer plain.Close()
	defer secure.Close()
	defer transport.CloseIdleConnections()
	trust(transport, secure)
	for _, size := range []int{maxAtOnce, maxAtOnce + 1, 1 << 20} {
		body := strings.Repeat("0123456789abcdef", size/16+1)[:size]
		for _, url := range []string{plain.URL, secure.URL} {
			for range 2 {
				if status, text, err := ask(t.Context(), transport, http.MethodPost, url, body); status != 200 || text != body {
					t.Errorf("%d bytes to %s: got %d, %d bytes, %v", size, url, status, len(text), err)
				}
			}
		}
	}
}

// TestCallerLeaves has callers leave at every step of a request: the connection
// closes and nothing is left.
func TestCallerLeaves(t *testing.T) {
	here, left := make(chan struct{}, 1), make(chan struct{}) // the step is reached, the caller has left
	hang := func(c *conn) { here <- struct{}{}; c.Hang() }
	header := ok + "Content-Length: 9\r\n\r\n"
	for name, tt := range map[string]struct {
		scheme, body string
		serve        func(*conn)
	}{
		"in the handshake":         {scheme: "https", serve: func(c *conn) { _, _ = c.In.ReadByte(); hang(c) }},
		"before the answer":        {scheme: "http", serve: then("", hang)},
		"in the answer's header":   {scheme: "http", serve: then(ok+"X: ", hang)},
		"between header and body":  {scheme: "http", serve: then(header, hang)},
		"in the answer's body":     {scheme: "http", serve: then(header+"1234", hang)},
		"between hints":            {scheme: "http", serve: then("HTTP/1.1 103 Early\r\n\r\n", hang)},
		"while a body is written":  {scheme: "http", body: strings.Repeat("x", 32<<20), serve: func(c *conn) { here <- struct{}{}; <-left; c.Hang() }},
		"after an answer, writing": {scheme: "http", body: strings.Repeat("x", 32<<20), serve: func(c *conn) { c.Say(header); here <- struct{}{}; <-left; c.Hang() }},
	} {
		t.Run(name, func(t *testing.T) {
			transport := newTestTransport(t)
			gone := make(chan struct{})
			left = make(chan struct{})
			p := newPeer(t, func(c *conn) { tt.serve(c); close(gone) })
			ctx, leave := context.WithCancel(t.Context())
			defer leave()
			go func(left chan<- struct{}) { <-here; leave(); close(left) }(left)
			if _, _, err := ask(ctx, transport, http.MethodPost, tt.scheme+"://"+p.Addr, tt.body); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want %v", err, context.Canceled)
			}
			testkit.Receive(t, "the connection's end", gone)
		})
	}
}

// TestDeadlines has deadlines pass at the steps where a server may be silent.
func TestDeadlines(t *testing.T) {
	for name, tt := range map[string]struct {
		scheme string
		serve  func(*conn)
	}{
		"handshake": {"https", (*conn).Hang},
		"answer":    {"http", (*conn).Hang},
		"body":      {"http", then(ok+"Content-Length: 9\r\n\r\n1", (*conn).Hang)},
		"drip":      {"http", then(ok+"\r\n", func(c *conn) { c.Drip("x", time.Millisecond) })},
	} {
		t.Run(name, func(t *testing.T) {
			transport := newTestTransport(t)
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			if _, _, err := ask(ctx, transport, http.MethodGet, tt.scheme+"://"+newPeer(t, tt.serve).Addr, ""); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
			}
		})
	}
	t.Run("passed", func(t *testing.T) {
		transport := newTestTransport(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		p := newPeer(t, answers(sized("{}")))
		for want := range int64(2) { // without a kept connection, and with one
			if _, _, err := ask(ctx, transport, http.MethodGet, "http://"+p.Addr, ""); !errors.Is(err, context.Canceled) || p.Requests.Load() != want {
				t.Errorf("got %v after %d requests, want %v after %d", err, p.Requests.Load(), context.Canceled, want)
			}
			if _, _, err := ask(t.Context(), transport, http.MethodGet, "http://"+p.Addr, ""); err != nil {
				t.Error(err)
			}
		}
	})
}

// TestHead checks that the answer to a HEAD has no body.
func TestHead(t *testing.T) {
	transport := newTestTransport(t)
	p := newPeer(t, answers(ok+"Content-Length: 9\r\n\r\n"))
	for range 2 {
		if status, text, err := ask(t.Context(), transport, http.MethodHead, "http://"+p.Addr, ""); status != 200 || text != "" || err != nil {
			t.Errorf("got %d %q %v, want 200", status, text, err)
		}
	}
	if n := p.Conns.Load(); n != 1 {
		t.Errorf("got %d connections, want 1", n)
	}
}

// TestDescriptors checks that no descriptor is left, whatever lists do.
func TestDescriptors(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("descriptors are counted in /proc")
	}
	open := func() int {
		all, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(all)
	}
	rows := faultRows
	all := func(t *testing.T) {
		transport := NewTransport()
		defer transport.CloseIdleConnections()
		for _, row := range rows {
			p := newPeer(t, row.serve)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			_, _, _ = ask(ctx, transport, http.MethodPost, "http://"+p.Addr, "{}")
			_, _, _ = ask(ctx, transport, http.MethodGet, "https://"+p.Addr, "")
			cancel()
		}
	}
	rows = faultRows[:2]
	t.Run("first", all) // the runtime opens some for itself
	before := open()
	rows = faultRows
	t.Run("all", all)
	testkit.Eventually(t, func() error {
		if n := open(); n > before {
			return fmt.Errorf("%d descriptors are open, want %d", n, before)
		}
		return nil
	})
}

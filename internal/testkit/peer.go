package testkit

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A Peer is a server that speaks TCP as a test tells it to.
type Peer struct {
	Addr     string       // host and port
	Requests atomic.Int64 // whose header and body were read whole
	Conns    atomic.Int64 // ever accepted

	mu     sync.Mutex
	bodies []string
}

// NewPeer serves each connection with serve, which must end when the other
// side does. The peer ends with the test.
func NewPeer(t testing.TB, serve func(*Conn)) *Peer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Peer{Addr: l.Addr().String()}
	var all sync.WaitGroup
	var mu sync.Mutex
	open, closed := map[net.Conn]bool{}, false
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			if open[c] = true; closed {
				_ = c.Close()
			}
			mu.Unlock()
			nth := p.Conns.Add(1)
			all.Go(func() {
				defer func() {
					_ = c.Close()
					mu.Lock()
					defer mu.Unlock()
					delete(open, c)
				}()
				serve(&Conn{c, bufio.NewReader(c), p, nth})
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		closed = true
		for c := range open {
			_ = c.Close()
		}
		mu.Unlock()
		all.Wait()
	})
	return p
}

// Bodies returns the bodies of the requests, oldest first.
func (p *Peer) Bodies() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.bodies...)
}

// A Conn is a Peer's end of a connection.
type Conn struct {
	net.Conn
	In   *bufio.Reader // what comes
	Peer *Peer
	Nth  int64 // connection of the peer, from 1
}

// Request reads a request. It reports false at the connection's end.
func (c *Conn) Request() bool {
	r, err := http.ReadRequest(c.In)
	if err != nil {
		return false
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return false
	}
	c.Peer.Requests.Add(1)
	c.Peer.mu.Lock()
	defer c.Peer.mu.Unlock()
	c.Peer.bodies = append(c.Peer.bodies, string(body))
	return true
}

// Say writes text. It reports false when the other side has gone.
func (c *Conn) Say(text ...string) bool {
	_, err := io.WriteString(c, strings.Join(text, ""))
	return err == nil
}

// Reset breaks the connection off with an RST.
func (c *Conn) Reset() {
	_ = c.Conn.(*net.TCPConn).SetLinger(0)
	_ = c.Close()
}

// Hang waits until the other side has gone.
func (c *Conn) Hang() { _, _ = io.Copy(io.Discard, c.In) }

// Drip says one thing again and again until the other side has gone.
func (c *Conn) Drip(text string, every time.Duration) {
	for c.Say(text) {
		time.Sleep(every)
	}
}

// Answers returns a way to serve that says the same to each request.
func Answers(text string) func(*Conn) {
	return func(c *Conn) {
		for c.Request() && c.Say(text) {
		}
	}
}

// Once returns a way to serve that says something to the first request, and
// closes.
func Once(text string) func(*Conn) {
	return func(c *Conn) { _ = c.Request() && c.Say(text) }
}

// Then returns a way to serve that says something to the first request, and
// does more.
func Then(text string, more func(*Conn)) func(*Conn) {
	return func(c *Conn) {
		if c.Request() && c.Say(text) {
			more(c)
		}
	}
}

// Dripping returns what Then can do: saying one thing again and again.
func Dripping(text string, every time.Duration) func(*Conn) {
	return func(c *Conn) { c.Drip(text, every) }
}

// Beginnings of answers in HTTP.
const (
	HTTPOK  = "HTTP/1.1 200 OK\r\n"
	Chunked = HTTPOK + "Transfer-Encoding: chunked\r\n\r\n"
)

// Sized returns a 200 answer with a body and its length.
func Sized(body string) string {
	return HTTPOK + "Content-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body
}

// Whole returns a way to serve that answers each request with a status, a
// Content-Type and a body.
func Whole(status int, kind, body string) func(*Conn) {
	return Answers(fmt.Sprintf("HTTP/1.1 %d It\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", status, kind, len(body), body))
}

// Redirects returns a way to serve that redirects each request.
func Redirects(status int, location string) func(*Conn) {
	return Answers(fmt.Sprintf("HTTP/1.1 %d Go\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n", status, location))
}

// GzipSized returns a 200 answer that says that its body is gzip.
func GzipSized(body string) string {
	return strings.Replace(Sized(body), "\r\n", "\r\nContent-Encoding: gzip\r\n", 1)
}

// Gzip returns text in gzip.
func Gzip(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, text)
	_ = z.Close()
	return b.String()
}

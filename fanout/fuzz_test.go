package fanout

import (
	"context"
	"io"
	"net"
	"net/http"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"aggregator/lists"
)

// canned is a connection to a server that says one thing, whatever it is asked.
type canned struct {
	net.Conn        // nil: what is not here is not needed
	text     []byte // what is left to say
	again    []byte // what follows; nil: nothing
	read     int
	hangs    bool // at the end, until the connection is closed
	close    func()
	closed   <-chan struct{}
}

func (c *canned) Read(p []byte) (int, error) {
	if len(c.text) == 0 {
		c.text = c.again
	}
	if len(c.text) == 0 {
		if c.hangs {
			<-c.closed
		}
		return 0, io.EOF
	}
	n := copy(p, c.text)
	c.text = c.text[n:]
	c.read += n
	return n, nil
}

func (c *canned) Write(p []byte) (int, error)     { return len(p), nil }
func (c *canned) Close() error                    { c.close(); return nil }
func (c *canned) RemoteAddr() net.Addr            { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 80} }
func (c *canned) SetReadDeadline(time.Time) error { return nil }

// FuzzAnswers has servers say anything: once, or again and again, or once and then
// nothing more. There is always an answer, in time, and no more is read or held than
// may be.
func FuzzAnswers(f *testing.F) {
	for _, text := range []string{sized("{}"), gzipSized(zipped("{}")), ok + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", "1\r\n \r\n",
		"HTTP/1.1 302 Go\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 302 Go\r\nLocation: http://192.0.2.1:81/\r\n\r\n",
		"HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 101 Go\r\n\r\n", "HTTP/1.0 200 OK\r\n\r\n", ok + "Content-Length: 99999999999999\r\n\r\n",
		"HTTP/", "HTTP/1.1 200 OK\r\nA: ", "\r\n", "\x00", "", ok + "\r\n" + zipped("")} {
		for mode := range byte(3) {
			f.Add([]byte(text), []byte(nil), mode)
			f.Add([]byte(ok), []byte(text), mode)
		}
	}
	const maxBody = 4 << 10
	f.Fuzz(func(t *testing.T, text, rest []byte, mode byte) {
		var mu sync.Mutex
		var all []*canned
		transport := &Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			c := &canned{text: append(slices.Clip(text), rest...)}
			if mode%3 == 1 {
				c.again = append([]byte(nil), rest...)
			}
			c.hangs = mode%3 == 2
			closed, end := context.WithCancel(context.WithoutCancel(ctx))
			c.close, c.closed = end, closed.Done()
			mu.Lock()
			all = append(all, c)
			mu.Unlock()
			return c, nil
		}}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		op := lists.Op{Timeout: time.Minute, MaxAnswer: maxBody, FollowsRedirects: true, MayRepeat: true}
		if mode%3 == 2 {
			op.Timeout = 10 * time.Millisecond
		}
		a := New(transport, quiet, noPause).Exchange(t.Context(), op, lists.Request{Method: http.MethodGet, URL: "http://192.0.2.1/"})
		runtime.ReadMemStats(&after)
		if took := time.Since(start); took > 30*time.Second {
			t.Errorf("took %s", took)
		}
		if (a.Status == lists.NoAnswer) != (a.Fault != lists.FaultNone) || (a.Fault == lists.FaultNone) != (a.Reason == "") || a.Fault == lists.FaultPanic {
			t.Errorf("got %d %q %q", a.Status, a.Fault, a.Reason)
		}
		if len(a.Body) > maxBody {
			t.Errorf("got a body of %d bytes, want at most %d", len(a.Body), maxBody)
		}
		if most := uint64(32 << 20); after.TotalAlloc-before.TotalAlloc > most {
			t.Errorf("it took %d bytes, want at most %d", after.TotalAlloc-before.TotalAlloc, most)
		}
		for _, c := range all {
			select {
			case <-c.closed:
			default:
				t.Error("a connection is left open")
			}
			// Chunks may have overhead, up to so much.
			if most := maxHeader + 20*maxBody + 64<<10; c.read > most {
				t.Errorf("%d bytes were read, want at most %d", c.read, most)
			}
		}
	})
}

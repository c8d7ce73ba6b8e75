package fanout

import (
	"bufio"
	"errors"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"aggregator/internal/testkit"
	"aggregator/lists"
)

func TestMain(m *testing.M) {
	log.SetOutput(io.Discard) // net/http's words about answers that nobody asked for
	os.Exit(m.Run())
}

var quiet = slog.New(slog.DiscardHandler)

const (
	bot    = "123456789012345678"
	secret = "s3cret-of-the-test"
)

// newList compiles an entry that posts to and reads from url.
func newList(t testing.TB, id, url string, change ...func(*lists.Entry)) *lists.List {
	t.Helper()
	e := lists.Entry{Name: id, URL: "https://" + id, APIPost: url, APIField: "server_count", APIGet: url}
	for _, c := range change {
		c(&e)
	}
	l, problems := lists.New(id, e)
	if len(problems) > 0 {
		t.Fatalf("entry of %s: %v", id, problems)
	}
	return l
}

func limited(e *lists.Entry) {
	e.Post = &lists.PostEntry{Limits: []lists.LimitEntry{{Per: lists.PerAddress, Requests: 1, Seconds: 60}}}
}

func keyed(e *lists.Entry) { e.Get = &lists.GetEntry{Auth: &lists.AuthEntry{}} }

func post(t testing.TB, l *lists.List, bot string) lists.Call {
	t.Helper()
	call, skipped := l.PlanPost(lists.Count{BotID: bot, ServerCount: 12}, lists.NewToken(secret, ""), "test")
	if skipped != nil {
		t.Fatalf("post to %s is skipped: %s", l.ID, skipped)
	}
	return call
}

func read(t testing.TB, l *lists.List, bot string) lists.Call {
	t.Helper()
	call, skipped := l.PlanRead(bot, lists.NewToken(secret, ""), "test")
	if skipped != nil {
		t.Fatalf("reading %s is skipped: %s", l.ID, skipped)
	}
	return call.Call
}

// here is the network of most callers, there and elsewhere those of others.
var (
	here      = netip.MustParsePrefix("192.0.2.1/32")
	there     = netip.MustParsePrefix("198.51.100.1/32")
	elsewhere = netip.MustParsePrefix("2001:db8::/64")
)

// run1 runs one call.
func run1(t testing.TB, c *Client, call lists.Call, timeout time.Duration) lists.Answer {
	t.Helper()
	return c.Run(t.Context(), within(timeout), here, []lists.Call{call})[0]
}

// maxAnswer is how many bytes of an answer are read.
var maxAnswer = lists.Posts.MaxAnswer

// within is an operation of which no call lasts longer.
func within(timeout time.Duration) lists.Op { return lists.Op{Timeout: timeout} }

// trip is a transport made of a function.
type trip func(*http.Request) (*http.Response, error)

func (f trip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// status is a transport's answer of nothing but a status.
func status(code int, headers ...string) (*http.Response, error) {
	resp := &http.Response{StatusCode: code, Header: http.Header{}, Body: http.NoBody}
	for i := 0; i < len(headers); i += 2 {
		resp.Header.Set(headers[i], headers[i+1])
	}
	return resp, nil
}

// peer is a server that speaks TCP as a test tells it to.
type peer struct {
	addr     string
	requests atomic.Int64 // whose header and body were read whole
	conns    atomic.Int64 // ever accepted
	mu       sync.Mutex
	bodies   []string
}

// newPeer serves each connection with serve, which must end when its peer does.
func newPeer(t testing.TB, serve func(*peer, *conn)) *peer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{addr: l.Addr().String()}
	var wg sync.WaitGroup
	var mu sync.Mutex
	open := map[net.Conn]bool{}
	closed := false
	wg.Go(func() {
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
			p.conns.Add(1)
			wg.Go(func() {
				defer func() {
					_ = c.Close()
					mu.Lock()
					defer mu.Unlock()
					delete(open, c)
				}()
				serve(p, &conn{c, bufio.NewReader(c), p})
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
		wg.Wait()
	})
	return p
}

func (p *peer) url() string { return "http://" + p.addr + "/bots/:id" }

// conn is the server's end of a connection.
type conn struct {
	net.Conn
	in   *bufio.Reader
	peer *peer
}

// request reads a request; false at the connection's end.
func (c *conn) request() bool {
	r, err := http.ReadRequest(c.in)
	if err != nil {
		return false
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return false
	}
	c.peer.requests.Add(1)
	c.peer.mu.Lock()
	defer c.peer.mu.Unlock()
	c.peer.bodies = append(c.peer.bodies, string(body))
	return true
}

func (c *conn) say(parts ...string) bool {
	_, err := io.WriteString(c, strings.Join(parts, ""))
	return err == nil
}

// reset breaks the connection off with an RST.
func (c *conn) reset() {
	_ = c.Conn.(*net.TCPConn).SetLinger(0)
	_ = c.Close()
}

// hang waits until the other side has gone.
func (c *conn) hang() { _, _ = io.Copy(io.Discard, c.in) }

// drip says one thing again and again until the other side has gone.
func (c *conn) drip(text string, every time.Duration) {
	for c.say(text) {
		time.Sleep(every)
	}
}

// newClient makes a client with a transport of its own, and sees to it that no
// goroutine is left at the end.
func newClient(t testing.TB, opts ...Option) *Client {
	t.Helper()
	noLeak(t)
	transport := NewTransport(opts...)
	t.Cleanup(transport.CloseIdleConnections)
	return New(transport, quiet, append([]Option{noPause}, opts...)...)
}

func noPause(o *options) { o.pause = func() time.Duration { return 0 } }

func rest(d time.Duration) Option { return func(o *options) { o.openTimeout = d } }

// noLeak fails the test if it leaves goroutines. It must be the first to ask
// for cleaning up, and no other test may run beside it.
func noLeak(t testing.TB) {
	t.Helper()
	before := runtime.NumGoroutine()
	t.Cleanup(func() {
		testkit.Eventually(t, func() error {
			if n := runtime.NumGoroutine(); n > before {
				buf := make([]byte, 1<<20)
				return errors.New("goroutines are left:\n" + string(buf[:runtime.Stack(buf, true)]))
			}
			return nil
		})
	})
}

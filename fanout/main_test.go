package fanout

import (
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"testing"
	"time"

	"aggregator/internal/testkit"
	"aggregator/lists"
)

func TestMain(m *testing.M) {
	log.SetOutput(io.Discard) // the words of net/http's servers about broken connections
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

// Short names for the tables.
type (
	peer = testkit.Peer
	conn = testkit.Conn
)

var (
	newPeer   = testkit.NewPeer
	noLeak    = testkit.NoLeak
	answers   = testkit.Answers
	once      = testkit.Once
	then      = testkit.Then
	redirect  = testkit.Redirects
	sized     = testkit.Sized
	zipped    = testkit.Gzip
	gzipSized = testkit.GzipSized
)

const ok = testkit.HTTPOK

// urlOf returns where a list that a peer plays is asked.
func urlOf(p *peer) string { return "http://" + p.Addr + "/bots/:id" }

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

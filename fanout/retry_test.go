package fanout

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"aggregator/lists"
)

// script is a server that does one thing for each request it sees, and the
// last again and again.
func script(steps ...string) func(*conn) {
	return func(c *conn) {
		for c.Request() {
			switch step := steps[min(int(c.Peer.Requests.Load()), len(steps))-1]; step {
			case "reset":
				c.Reset()
				return
			case "close":
				return
			case "hang":
				c.Hang()
			case "cut":
				c.Say(ok, "Content-Length: 9\r\n\r\nabc")
				return
			case "garbage":
				c.Say("garbage\r\n\r\n")
				return
			default: // a status, and perhaps a header
				if code, header, has := strings.Cut(step, " "); has {
					c.Say("HTTP/1.1 ", code, " It\r\n", header, "\r\nContent-Length: 0\r\n\r\n")
				} else {
					c.Say("HTTP/1.1 ", code, " It\r\nContent-Length: 0\r\n\r\n")
				}
			}
		}
	}
}

func TestRetries(t *testing.T) {
	waits := func(e *lists.Entry) {
		e.Post = &lists.PostEntry{Wait: []lists.WaitEntry{{Header: "X-Wait"}}}
	}
	for _, tt := range []struct {
		name  string
		steps []string
		entry func(*lists.Entry)
		want
		seen  int64
		reads int64 // seen when reading; as seen, where it is zero
	}{
		{name: "all is well", steps: []string{"200"}, want: answered(200, 0), seen: 1},
		{name: "reset", steps: []string{"reset", "200"}, want: answered(200, 0), seen: 2},
		{name: "closed", steps: []string{"close", "200"}, want: answered(200, 0), seen: 2},
		{name: "reset twice", steps: []string{"reset", "reset", "200"}, want: noAnswr, seen: 2},
		{name: "closed twice", steps: []string{"close", "close", "200"}, want: noAnswr, seen: 2},
		{name: "502", steps: []string{"502", "201"}, want: answered(201, 0), seen: 2},
		{name: "503", steps: []string{"503", "201"}, want: answered(201, 0), seen: 2},
		{name: "504", steps: []string{"504", "201"}, want: answered(201, 0), seen: 2},
		{name: "503 and 504", steps: []string{"503", "504", "200"}, want: answered(504, 0), seen: 2},
		{name: "reset and 503", steps: []string{"reset", "503", "200"}, want: answered(503, 0), seen: 2},
		{name: "503 and hanging", steps: []string{"503", "hang"}, want: timeout(), seen: 2},
		{name: "500", steps: []string{"500", "200"}, want: answered(500, 0), seen: 1},
		{name: "501", steps: []string{"501", "200"}, want: answered(501, 0), seen: 1},
		{name: "401", steps: []string{"401", "200"}, want: answered(401, 0), seen: 1},
		{name: "429", steps: []string{"429", "200"}, want: answered(429, 0), seen: 1},
		{name: "hanging", steps: []string{"hang", "200"}, want: timeout(), seen: 1},
		{name: "cut short", steps: []string{"cut", "200"}, want: cutShort, seen: 1},
		{name: "garbage", steps: []string{"garbage", "200"}, want: notHTTP, seen: 1},
		{name: "503 to wait", steps: []string{"503 Retry-After: 1", "200"}, want: answered(503, 0), seen: 1},
		{name: "502 to wait till a date", steps: []string{"502 Retry-After: Wed, 21 Oct 2037 07:28:00 GMT", "200"}, want: answered(502, 0), seen: 1},
		{name: "503 to wait, who knows how long", steps: []string{"503 Retry-After: soon", "200"}, want: answered(503, 0), seen: 1},
		{name: "503 to wait no more", steps: []string{"503 Retry-After: 0", "200"}, want: answered(503, 0), seen: 1},
		{name: "503 to wait in the list's way", steps: []string{"503 X-Wait: 5", "200"}, entry: waits, want: answered(503, 0), seen: 1, reads: 2},
		{name: "503 to wait in both", steps: []string{"503 Retry-After: 5", "200"}, entry: waits, want: answered(503, 0), seen: 1},

		{name: "limits", steps: []string{"200"}, entry: limited, want: answered(200, 0), seen: 1},
		{name: "limits and a reset", steps: []string{"reset", "200"}, entry: limited, want: noAnswr, seen: 1},
		{name: "limits and a close", steps: []string{"close", "200"}, entry: limited, want: noAnswr, seen: 1},
		{name: "limits and 502", steps: []string{"502", "200"}, entry: limited, want: answered(502, 0), seen: 1},
		{name: "limits and 503", steps: []string{"503", "200"}, entry: limited, want: answered(503, 0), seen: 1},
		{name: "limits and 504", steps: []string{"504", "200"}, entry: limited, want: answered(504, 0), seen: 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for op, plan := range map[string]func(testing.TB, *lists.List, string) lists.Call{"posts": post, "readings": read} {
				if tt.entry == nil {
					tt.entry = func(*lists.Entry) {}
				}
				seen, w := tt.seen, tt.want
				if op == "readings" && tt.reads > 0 {
					seen, w = tt.reads, answered(200, 0)
				}
				p := newPeer(t, script(tt.steps...))
				limit := time.Minute
				if w.fault == lists.FaultTimeout {
					limit = 2 * time.Second
				}
				w.check(t, op, run1(t, newClient(t), plan(t, newList(t, "bad.example", urlOf(p), tt.entry), bot), limit))
				if n := p.Requests.Load(); n != seen {
					t.Errorf("%s: the list saw %d requests, want %d", op, n, seen)
				}
				bodies := p.Bodies()
				if op == "posts" && slices.ContainsFunc(bodies, func(b string) bool { return b != bodies[0] || b == "" }) {
					t.Errorf("the bodies were %q", bodies)
				}
			}
		})
	}
}

// A connection that a list closes while it is idle is nobody's fault. But a
// list with limits may have read what was sent on it.
func TestStaleConnections(t *testing.T) {
	closed := func(c *conn) { _ = c.Request() && c.Say(sized("{}")) && c.Request() }
	broken := func(c *conn) { closed(c); c.Reset() }
	for name, tt := range map[string]struct {
		stale func(*conn)
		entry func(*lists.Entry)
		want
		seen int64
	}{
		"no limits, closed": {closed, func(*lists.Entry) {}, answered(200, 2), 3},
		"no limits, reset":  {broken, func(*lists.Entry) {}, answered(200, 2), 3},
		"limits, closed":    {closed, limited, noAnswr, 2},
		"limits, reset":     {broken, limited, noAnswr, 2},
	} {
		t.Run(name, func(t *testing.T) {
			for op, plan := range map[string]func(testing.TB, *lists.List, string) lists.Call{"posts": post, "readings": read} {
				p := newPeer(t, tt.stale)
				c, l := newClient(t), newList(t, "bad.example", urlOf(p), tt.entry)
				c.pause = func() time.Duration { t.Error("a pause"); return 0 }
				answered(200, 2).check(t, op, run1(t, c, plan(t, l, bot), time.Minute))
				tt.check(t, op, run1(t, c, plan(t, l, bot), time.Minute))
				if n := p.Requests.Load(); n != tt.seen {
					t.Errorf("%s: the list saw %d requests, want %d", op, n, tt.seen)
				}
			}
		})
	}
}

// refusing is a transport whose first dials are refused.
func refusing(t *testing.T, times int64) (*Transport, *atomic.Int64) {
	noLeak(t)
	var dials atomic.Int64
	transport := NewTransport()
	dial := transport.DialContext
	transport.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		if dials.Add(1) <= times {
			return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
		}
		return dial(ctx, network, addr)
	}
	t.Cleanup(transport.CloseIdleConnections)
	return transport, &dials
}

// What was refused was not seen, whatever the list counts.
func TestRefusedIsTriedAgain(t *testing.T) {
	for name, entry := range map[string]func(*lists.Entry){"no limits": func(*lists.Entry) {}, "limits": limited} {
		t.Run(name, func(t *testing.T) {
			for _, plan := range []func(testing.TB, *lists.List, string) lists.Call{post, read} {
				p := newPeer(t, answers(sized("{}")))
				l := newList(t, "bad.example", urlOf(p), entry)
				transport, dials := refusing(t, 1)
				answered(200, 2).check(t, "one refusal", run1(t, New(transport, quiet, noPause), plan(t, l, bot), time.Minute))
				if dials.Load() != 2 || p.Requests.Load() != 1 {
					t.Errorf("%d dials, %d requests", dials.Load(), p.Requests.Load())
				}
				transport, dials = refusing(t, 2)
				failed(lists.FaultRefused, "Connection refused").check(t, "two refusals", run1(t, New(transport, quiet, noPause), plan(t, l, bot), time.Minute))
				if dials.Load() != 2 {
					t.Errorf("%d dials", dials.Load())
				}
			}
		})
	}
}

// A list with limits that led elsewhere has seen the reading.
func TestRefusedAfterARedirect(t *testing.T) {
	p := newPeer(t, redirect(302, "http://127.0.0.1:1/"))
	l := newList(t, "bad.example", urlOf(p), limited)
	failed(lists.FaultRedirect, "After a redirect: Connection refused").check(t, "readings", run1(t, newClient(t), read(t, l, bot), time.Minute))
	if n := p.Requests.Load(); n != 1 {
		t.Errorf("the list saw %d requests", n)
	}
}

func TestRetriesKeepTheDeadline(t *testing.T) {
	for _, tt := range []struct {
		pause, timeout time.Duration
		seen           int64
	}{
		{0, 2 * time.Second, 2},
		{500 * time.Millisecond, 2 * time.Second, 2},
		{1750 * time.Millisecond, 2 * time.Second, 1},
		{time.Hour, 2 * time.Second, 1},
		{4 * time.Second, 4900 * time.Millisecond, 1}, // less than a second left
	} {
		var seen atomic.Int64
		c := New(trip(func(*http.Request) (*http.Response, error) { seen.Add(1); return status(503) }), quiet,
			func(o *options) { o.pause = func() time.Duration { return tt.pause } })
		a := run1(t, c, post(t, newList(t, "bad.example", "https://bad.example/:id"), bot), tt.timeout)
		if a.Status != 503 || seen.Load() != tt.seen {
			t.Errorf("%s of %s: %d after %d requests", tt.pause, tt.timeout, a.Status, seen.Load())
		}
		if spent := time.Duration(tt.seen-1) * tt.pause; a.Took < spent || a.Took > tt.timeout {
			t.Errorf("%s of %s: took %s", tt.pause, tt.timeout, a.Took)
		}
	}
}

// A caller that leaves in the pause ends the call.
func TestCanceledInAPause(t *testing.T) {
	noLeak(t)
	ctx, cancel := context.WithCancel(t.Context())
	c := New(trip(func(*http.Request) (*http.Response, error) { cancel(); return status(503) }), quiet,
		func(o *options) { o.pause = func() time.Duration { return time.Minute } })
	start := time.Now()
	a := c.Run(ctx, within(10*time.Minute), here, []lists.Call{read(t, newList(t, "bad.example", "https://bad.example/:id"), bot)})[0]
	if a.Status != 503 || time.Since(start) > 5*time.Second {
		t.Errorf("%+v", a)
	}
}

func TestJitter(t *testing.T) {
	least, most := time.Hour, time.Duration(0)
	for range 1000 {
		p := jitter()
		least, most = min(least, p), max(most, p)
	}
	if least < 50*time.Millisecond || most > 250*time.Millisecond || most-least < 100*time.Millisecond {
		t.Errorf("%s to %s", least, most)
	}
}

// A reading that must not be repeated looks like any other.
func TestLimitedReadingOnTheWire(t *testing.T) {
	noLeak(t)
	var wire []string
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var b strings.Builder
		_ = r.Header.Write(&b)
		wire = append(wire, b.String(), strings.Join(r.TransferEncoding, ","), r.Method)
		if r.ContentLength != 0 {
			t.Errorf("a length of %d", r.ContentLength)
		}
	}))
	defer s.Close()
	transport := NewTransport()
	defer transport.CloseIdleConnections()
	c := New(transport, quiet)
	run1(t, c, read(t, newList(t, "list.example", s.URL+"/:id"), bot), time.Minute)
	run1(t, c, read(t, newList(t, "limited.example", s.URL+"/:id", limited), bot), time.Minute)
	if len(wire) != 6 || !slices.Equal(wire[:3], wire[3:]) || wire[0] != "Accept-Encoding: gzip\r\nUser-Agent: test\r\n" {
		t.Errorf("%q", wire)
	}
}

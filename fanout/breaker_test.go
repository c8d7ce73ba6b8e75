package fanout

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"aggregator/internal/testkit"
	"aggregator/lists"
)

const otherBot = "223456789012345678"

func fails(err error) trip {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

func replies(code int, headers ...string) trip {
	return func(*http.Request) (*http.Response, error) { return status(code, headers...) }
}

func body(r func() io.Reader) trip {
	return func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusOK, ContentLength: -1, Header: http.Header{}, Body: io.NopCloser(r())}, nil
	}
}

func broken(err error) func() io.Reader { return func() io.Reader { return iotest.ErrReader(err) } }

func hang(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// five makes five calls in a row, of two bots.
func five(t *testing.T, c *Client, plan func(testing.TB, *lists.List, string) lists.Call, l *lists.List) {
	t.Helper()
	for i := range 5 {
		run1(t, c, plan(t, l, []string{bot, otherBot}[i%2]), 20*time.Millisecond)
	}
}

func stateOf(c *Client, op string) string {
	for _, s := range c.Breakers() {
		if s.Op.Name == op {
			return s.State
		}
	}
	return "none"
}

// Only what is the list's own fault opens its breaker.
func TestWhatOpensABreaker(t *testing.T) {
	noLeak(t)
	dial := func(err error) error { return &net.OpError{Op: "dial", Err: err} }
	for name, tt := range map[string]struct {
		trip trip
		open bool
	}{
		"timeout":           {hang, true},
		"refused":           {fails(dial(syscall.ECONNREFUSED)), true},
		"unreachable":       {fails(dial(syscall.EHOSTUNREACH)), true},
		"reset":             {fails(syscall.ECONNRESET), true},
		"closed":            {fails(io.EOF), true},
		"no such host":      {fails(&net.DNSError{IsNotFound: true}), true},
		"no TLS":            {fails(errors.New("remote error: tls: handshake failure")), true},
		"garbage":           {fails(errors.New("malformed HTTP response")), true},
		"cut short":         {body(broken(io.ErrUnexpectedEOF)), true},
		"reset in its body": {body(broken(syscall.ECONNRESET)), true},
		"too large":         {body(func() io.Reader { return bytes.NewReader(make([]byte, maxAnswer+1)) }), true},
		"500":               {replies(500), true},
		"502":               {replies(502), true},
		"503 to wait":       {replies(503, "Retry-After", "60"), true},
		"599":               {replies(599), true},

		"200":            {replies(200), false},
		"204":            {replies(204), false},
		"301":            {replies(301, "Location", "/elsewhere"), false},
		"304":            {replies(304), false},
		"400":            {replies(400), false},
		"401":            {replies(401), false},
		"404":            {replies(404), false},
		"408":            {replies(408), false},
		"429":            {replies(429, "Retry-After", "60"), false},
		"panic":          {func(*http.Request) (*http.Response, error) { panic("ours") }, false},
		"nothing at all": {func(*http.Request) (*http.Response, error) { return nil, nil }, false},
		"no descriptors": {fails(dial(syscall.EMFILE)), false},
		"bad header":     {fails(errors.New("net/http: invalid header field value")), false},
	} {
		t.Run(name, func(t *testing.T) {
			for op, plan := range map[string]func(testing.TB, *lists.List, string) lists.Call{"posts": post, "readings": read} {
				c := New(tt.trip, quiet, noPause)
				five(t, c, plan, newList(t, "list.example", "https://list.example/:id"))
				want := "closed"
				if tt.open {
					want = "open"
				}
				if got := stateOf(c, op); got != want {
					t.Errorf("%s are %s, want %s", op, got, want)
				}
				for _, s := range c.Breakers() {
					if s.Op.Name != op && s.State != "closed" {
						t.Errorf("%s opened %s", op, s.Op.Name)
					}
				}
			}
		})
	}
}

func TestACallerThatHangsUpOpensNothing(t *testing.T) {
	noLeak(t)
	l := newList(t, "list.example", "https://list.example/:id")
	c := New(trip(hang), quiet)
	for i := range 20 {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Millisecond, cancel)
		a := c.Run(ctx, within(time.Minute), []lists.Call{read(t, l, fmt.Sprint(bot, i))})[0]
		if a.Fault != lists.FaultCanceled || a.Reason != "Canceled: the caller hung up" {
			t.Fatalf("%q %q", a.Fault, a.Reason)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond) // a caller with a deadline of its own
	defer cancel()
	if a := c.Run(ctx, within(time.Minute), []lists.Call{read(t, l, bot)})[0]; a.Fault != lists.FaultCanceled {
		t.Errorf("%q %q", a.Fault, a.Reason)
	}
	if got := stateOf(c, "readings"); got != "closed" {
		t.Errorf("the breaker is %s", got)
	}
}

// Rows of faults: a digit is a fault of that bot, "." a success, "-" a call
// that says nothing about the list.
func TestRowsOfFaults(t *testing.T) {
	noLeak(t)
	for row, open := range map[string]bool{
		"1212":            false,
		"12121":           true,
		"11112":           true,
		"1112":            false,
		"11111":           false,
		"111111111111":    false,
		"1111111111112":   true,
		"1111.1222":       false,
		"1111.12222":      true,
		"1212-1":          true,
		"12-12":           false,
		"1.2.1.2.1.2.1.2": false,
		"123":             false,
		"12345":           true,
	} {
		t.Run(row, func(t *testing.T) {
			var next byte
			c := New(trip(func(r *http.Request) (*http.Response, error) {
				switch next {
				case '.':
					return status(401)
				case '-':
					panic("ours")
				}
				return status(500)
			}), quiet)
			l := newList(t, "list.example", "https://list.example/:id")
			for i := range len(row) {
				next = row[i]
				run1(t, c, post(t, l, bot[:17]+string('0'+next%10)), time.Second)
			}
			if got := stateOf(c, "posts") == "open"; got != open {
				t.Errorf("open: %t, want %t", got, open)
			}
		})
	}
}

var circuitReason = regexp.MustCompile(`^Circuit open: list\.example has not answered since (\S+Z); next try in (\d+)s$`)

func TestOpenBreaker(t *testing.T) {
	noLeak(t)
	var calls atomic.Int64
	c := New(trip(func(*http.Request) (*http.Response, error) { calls.Add(1); return status(500) }), quiet)
	before := time.Now().Truncate(time.Second)
	l, other := newList(t, "list.example", "https://list.example/:id"), newList(t, "other.example", "https://other.example/:id")
	five(t, c, post, l)
	got := c.Run(t.Context(), within(time.Second), []lists.Call{post(t, other, bot), post(t, l, bot), read(t, l, bot)})
	if got[0].Status != 500 || got[2].Status != 500 || calls.Load() != 7 {
		t.Errorf("the others: %+v, %+v; %d calls", got[0], got[2], calls.Load())
	}
	a, m := got[1], circuitReason.FindStringSubmatch(got[1].Reason)
	if a.Status != lists.NoAnswer || a.Fault != lists.FaultCircuit || a.Took <= 0 || m == nil {
		t.Fatalf("%+v", a)
	}
	if since, err := time.Parse(time.RFC3339, m[1]); err != nil || since.Before(before) || since.After(time.Now()) || m[2] != "30" {
		t.Error(a.Reason, err)
	}
	var want BreakerState
	for _, s := range c.Breakers() {
		if s.List == "list.example" && s.Op == lists.Posts {
			want = s
		} else if s.State != "closed" || !s.Since.IsZero() || !s.NextTry.IsZero() {
			t.Errorf("%+v", s)
		}
	}
	if want.State != "open" || want.Since.Before(before) || time.Until(want.NextTry) > 30*time.Second || time.Until(want.NextTry) < 20*time.Second {
		t.Errorf("%+v", want)
	}
}

// halfOpen waits until a breaker would let a trial through.
func halfOpen(t *testing.T, c *Client) {
	t.Helper()
	testkit.Eventually(t, func() error {
		if s := stateOf(c, "posts"); s != "half-open" {
			return errors.New("the breaker is " + s)
		}
		return nil
	})
}

func TestTrial(t *testing.T) {
	noLeak(t)
	l := newList(t, "list.example", "https://list.example/:id")
	var answer atomic.Value
	answer.Store(replies(500))
	var calls atomic.Int64
	c := New(trip(func(r *http.Request) (*http.Response, error) {
		calls.Add(1)
		return answer.Load().(trip)(r)
	}), quiet, rest(20*time.Millisecond))
	five(t, c, post, l)
	since := c.Breakers()[0].Since

	halfOpen(t, c)
	run1(t, c, post(t, l, bot), time.Second) // the trial fails
	if s := c.Breakers()[0]; s.State != "open" && s.State != "half-open" || !s.Since.Equal(since) {
		t.Errorf("%+v, want it open since %s", s, since)
	}

	halfOpen(t, c) // a trial that is canceled says nothing, and the next call is one
	answer.Store(trip(hang))
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(5*time.Millisecond, cancel)
	if a := c.Run(ctx, within(time.Minute), []lists.Call{post(t, l, bot)})[0]; a.Fault != lists.FaultCanceled {
		t.Fatalf("%+v", a)
	}
	halfOpen(t, c)

	calls.Store(0) // while a trial is on, others are not let through
	begun, end := make(chan bool), make(chan bool)
	answer.Store(trip(func(*http.Request) (*http.Response, error) {
		close(begun)
		<-end
		return status(401) // even a refusal is an answer
	}))
	var trial lists.Answer
	var wg sync.WaitGroup
	wg.Go(func() { trial = run1(t, c, post(t, l, bot), time.Minute) })
	<-begun
	for range 10 {
		if a := run1(t, c, post(t, l, otherBot), time.Minute); a.Fault != lists.FaultCircuit || !strings.HasSuffix(a.Reason, "next try in 1s") {
			t.Errorf("%+v", a)
		}
	}
	close(end)
	wg.Wait()
	if trial.Status != 401 || calls.Load() != 1 {
		t.Errorf("%+v, %d calls", trial, calls.Load())
	}
	if s := c.Breakers()[0]; s.State != "closed" || !s.Since.IsZero() {
		t.Errorf("%+v", s)
	}
	answer.Store(replies(200))
	if a := run1(t, c, post(t, l, bot), time.Second); a.Status != 200 {
		t.Errorf("%+v", a)
	}
}

// One outcome for each call: a try that is made again does not count twice.
func TestRetriesCountOnce(t *testing.T) {
	noLeak(t)
	var calls atomic.Int64
	c := New(trip(func(*http.Request) (*http.Response, error) { calls.Add(1); return status(502) }), quiet, noPause)
	l := newList(t, "list.example", "https://list.example/:id")
	for i := range 4 {
		run1(t, c, post(t, l, []string{bot, otherBot}[i%2]), time.Second)
	}
	if s := stateOf(c, "posts"); s != "closed" || calls.Load() != 8 {
		t.Errorf("%s after %d", s, calls.Load())
	}
}

func TestReload(t *testing.T) {
	noLeak(t)
	c := New(replies(500), quiet)
	gone := newList(t, "the.gone.example", "https://the.gone.example/:id")
	run1(t, c, post(t, gone, bot), time.Second)
	for range 50 {
		l := newList(t, "list.example", "https://list.example/:id")
		five(t, c, post, l)
		if all := c.Breakers(); all[0].State != "open" {
			t.Fatalf("%+v", all)
		}
		again := newList(t, "list.example", "https://list.example/:id")
		if a := run1(t, c, post(t, again, bot), time.Second); a.Status != 500 {
			t.Fatalf("%+v", a)
		}
	}
	if all := c.Breakers(); len(all) != 2 || all[0].List != "list.example" || all[0].State != "closed" {
		t.Errorf("%+v", all)
	}
}

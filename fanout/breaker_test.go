package fanout

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"aggregator/internal/testkit"
	"aggregator/lists"
	"aggregator/rawjson"
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

// silent is a list of which nothing is heard, not even where it is.
var silent = fails(&net.DNSError{IsNotFound: true})

// five makes five calls in a row, of two bots.
func five(t *testing.T, c *Client, plan func(testing.TB, *lists.List, string) lists.Call, l *lists.List) {
	t.Helper()
	for i := range 5 {
		run1(t, c, plan(t, l, []string{bot, otherBot}[i%2]), 20*time.Millisecond)
	}
}

func stateOf(c *Client, op string) string {
	for _, s := range c.Breakers() {
		if s.Direction == op {
			return s.State
		}
	}
	return "none"
}

// Only silence of the list opens its breaker.
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
		"garbage":           {fails(errors.New("malformed HTTP response")), false},
		"cut short":         {body(broken(io.ErrUnexpectedEOF)), true},
		"reset in its body": {body(broken(syscall.ECONNRESET)), true},
		"too large":         {body(func() io.Reader { return bytes.NewReader(make([]byte, maxAnswer+1)) }), false},
		"500":               {replies(500), false},
		"502":               {replies(502), false},
		"503 to wait":       {replies(503, "Retry-After", "60"), false},
		"599":               {replies(599), false},

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
					if s.Direction != op && s.State != "closed" {
						t.Errorf("%s opened %s", op, s.Direction)
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
		a := c.Run(ctx, within(time.Minute), here, []lists.Call{read(t, l, fmt.Sprint(bot, i))})[0]
		if a.Fault != lists.FaultCanceled || a.Reason != "Canceled: the caller hung up" {
			t.Fatalf("%q %q", a.Fault, a.Reason)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond) // a caller with a deadline of its own
	defer cancel()
	if a := c.Run(ctx, within(time.Minute), here, []lists.Call{read(t, l, bot)})[0]; a.Fault != lists.FaultCanceled {
		t.Errorf("%q %q", a.Fault, a.Reason)
	}
	if got := stateOf(c, "readings"); got != "closed" {
		t.Errorf("the breaker is %s", got)
	}
}

// Rows of silence: a digit is silence that a bot met, "." an answer, "5" one of
// status 500, "-" a call that says nothing about the list.
func TestRowsOfSilence(t *testing.T) {
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
		"12346":           true,
		"1212512":         false,
		"5555555555":      false,
	} {
		t.Run(row, func(t *testing.T) {
			var next byte
			c := New(trip(func(r *http.Request) (*http.Response, error) {
				switch next {
				case '.':
					return status(401)
				case '5':
					return status(500)
				case '-':
					panic("ours")
				}
				return silent(r)
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
	c := New(trip(func(*http.Request) (*http.Response, error) { calls.Add(1); return silent(nil) }), quiet)
	before := time.Now().Truncate(time.Second)
	l, other := newList(t, "list.example", "https://list.example/:id"), newList(t, "other.example", "https://other.example/:id")
	five(t, c, post, l)
	got := c.Run(t.Context(), within(time.Second), here, []lists.Call{post(t, other, bot), post(t, l, bot), read(t, l, bot)})
	if got[0].Fault != lists.FaultDNS || got[2].Fault != lists.FaultDNS || calls.Load() != 7 {
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
		if s.List == "list.example" && s.Direction == lists.Posts.Direction {
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

// Rows that several networks meet: a letter is silence that this network met,
// each time for another bot; ".a" an answer that it had; "+" is ten minutes.
func TestRowsOfNetworks(t *testing.T) {
	noLeak(t)
	networks := map[byte]netip.Prefix{'a': here, 'b': there, 'c': elsewhere}
	for row, open := range map[string]bool{
		"aaaaa":         true, // nobody else knows better
		".aaaaaa":       true, // its own answer is no other's
		".baaaaa":       false,
		".baaaaaaaaaa":  false,
		".baaaab":       true,
		".baaaaab":      true,
		".b+aaaaa":      false,
		".b+aaaa+a":     true,
		".b+.aaaaaa":    false,
		".b.c+aaaaa":    false,
		".b.c.a+aaaaaa": false,
		".baaaaaa+aa":   false, // ten minutes are not over
		".baaaaaa++aa":  true,
	} {
		t.Run(row, func(t *testing.T) {
			clock := time.Now()
			answers := false
			c := New(trip(func(r *http.Request) (*http.Response, error) {
				if answers {
					return status(500)
				}
				return silent(r)
			}), quiet, func(o *options) { o.now = func() time.Time { return clock } })
			l := newList(t, "list.example", "https://list.example/:id")
			bots := 0
			for i := range len(row) {
				switch row[i] {
				case '.':
					answers = true
				case '+':
					clock = clock.Add(answerMemory)
				default:
					bots++
					call := post(t, l, fmt.Sprint(bot[:15], 100+bots))
					c.Run(t.Context(), within(time.Second), networks[row[i]], []lists.Call{call})
					answers = false
				}
			}
			if got := stateOf(c, lists.Posts.Name) == "open"; got != open {
				t.Errorf("open: %t, want %t", got, open)
			}
		})
	}
}

// TestReportsOfOneNetwork has one network's uploads meet silence, whatever was in
// them: who has heard from the list in any operation speaks for it.
func TestReportsOfOneNetwork(t *testing.T) {
	noLeak(t)
	for name, tt := range map[string]struct {
		heard []netip.Prefix // who posts before, and has an answer
		from  []netip.Prefix
		open  bool
	}{
		"nobody else":     {nil, []netip.Prefix{here}, true},
		"itself":          {[]netip.Prefix{here}, []netip.Prefix{here}, true},
		"another posted":  {[]netip.Prefix{there}, []netip.Prefix{here}, false},
		"another uploads": {[]netip.Prefix{there}, []netip.Prefix{here, there}, true},
	} {
		t.Run(name, func(t *testing.T) {
			answers := true
			c := New(trip(func(r *http.Request) (*http.Response, error) {
				if answers {
					return status(200)
				}
				return silent(r)
			}), quiet, noPause)
			l := newList(t, "list.example", "https://list.example/:id", func(e *lists.Entry) {
				e.Commands = &lists.ReportEntry{URL: "https://list.example/:id/commands", Whole: "commands"}
			})
			for _, from := range tt.heard {
				c.Run(t.Context(), within(time.Second), from, []lists.Call{post(t, l, bot)})
			}
			answers = false
			commands, _ := rawjson.Parse([]byte(`[]`))
			for i := range 6 {
				call, skip := l.PlanReport(lists.Commands, lists.ReportSubject{BotID: []string{bot, otherBot}[i%2]}, lists.ReportValues{commands}, lists.NewToken(secret, ""), "test")
				if skip != nil {
					t.Fatal(skip)
				}
				c.Run(t.Context(), lists.Commands.Op, tt.from[i%len(tt.from)], []lists.Call{call})
			}
			if got := stateOf(c, "reports") == "open"; got != tt.open {
				t.Errorf("open: %t, want %t", got, tt.open)
			}
		})
	}
}

// lineup is a list whose breaker is half open, and which answers when told.
type lineup struct {
	*testing.T
	client *Client
	list   *lists.List
	ahead  atomic.Int64 // nanoseconds that the breaker's clock has been moved
	mu     sync.Mutex
	asks   []chan trip // one for each call that waits for its answer
}

func newLineup(t *testing.T, openFor time.Duration) *lineup {
	t.Helper()
	noLeak(t)
	l := &lineup{T: t, list: newList(t, "list.example", "https://list.example/:id")}
	opened := false
	l.client = New(trip(func(r *http.Request) (*http.Response, error) {
		if !opened {
			return silent(r)
		}
		how := make(chan trip)
		l.mu.Lock()
		l.asks = append(l.asks, how)
		l.mu.Unlock()
		return (<-how)(r)
	}), quiet, rest(openFor), func(o *options) {
		o.now = func() time.Time { return time.Now().Add(time.Duration(l.ahead.Load())) }
	})
	five(t, l.client, post, l.list)
	opened = true
	halfOpen(t, l.client)
	return l
}

// waiting returns how many calls wait for an answer.
func (l *lineup) waiting() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.asks)
}

// begin has a network make a call that must be let through.
func (l *lineup) begin(from netip.Prefix) <-chan lists.Answer {
	l.Helper()
	before := l.waiting()
	answer := make(chan lists.Answer, 1)
	go func() {
		answer <- l.client.Run(l.Context(), within(time.Minute), from, []lists.Call{post(l.T, l.list, bot)})[0]
	}()
	testkit.Eventually(l.T, func() error {
		select {
		case a := <-answer:
			l.Fatalf("a trial of %s is not let through: %+v", from, a)
		default:
		}
		if l.waiting() == before {
			return fmt.Errorf("the trial of %s has not begun", from)
		}
		return nil
	})
	return answer
}

// answer has the call that waits for longest answered.
func (l *lineup) answer(how trip, answer <-chan lists.Answer) lists.Answer {
	l.Helper()
	l.mu.Lock()
	first := l.asks[0]
	l.asks = l.asks[1:]
	l.mu.Unlock()
	first <- how
	return <-answer
}

// refused has a network make a call that must not be let through.
func (l *lineup) refused(from netip.Prefix, why string) {
	l.Helper()
	a := l.client.Run(l.Context(), within(time.Minute), from, []lists.Call{post(l.T, l.list, otherBot)})[0]
	if a.Fault != lists.FaultCircuit || !circuitReason.MatchString(a.Reason) {
		l.Errorf("%s: %+v, want it refused", why, a)
	}
}

func (l *lineup) is(want string) {
	l.Helper()
	if got := l.client.Breakers()[0]; got.State != want || got.Since.IsZero() != (want == "closed") {
		l.Errorf("the breaker is %+v, want it %s", got, want)
	}
}

const short = 20 * time.Millisecond

func TestTrialsOfSeveralNetworks(t *testing.T) {
	l := newLineup(t, short)
	first := l.begin(here)
	l.refused(here, "a second trial of a network at a time")
	second, third := l.begin(there), l.begin(elsewhere)
	l.refused(netip.MustParsePrefix("203.0.113.1/32"), "a fourth trial at a time")
	if a := l.answer(silent, first); a.Fault != lists.FaultDNS {
		t.Errorf("the first trial: %+v", a)
	}
	l.is("half-open")
	if a := l.answer(replies(500), second); a.Status != 500 { // even a refusal is an answer
		t.Errorf("the second trial: %+v", a)
	}
	l.is("closed")
	l.answer(silent, third) // begun before, it says nothing of what came after
	l.is("closed")
	l.answer(replies(200), l.begin(here))
}

func TestTrialsOfOneNetwork(t *testing.T) {
	l := newLineup(t, time.Second)
	l.answer(silent, l.begin(here))
	l.is("half-open")
	l.refused(here, "a network whose trial has just failed")
	l.answer(replies(200), l.begin(there))
	l.is("closed")
}

func TestTrialsAgainAndAgain(t *testing.T) {
	l := newLineup(t, short)
	for range 3 { // nobody else comes
		l.answer(silent, l.begin(here))
		l.is("half-open")
		l.ahead.Add(int64(short)) // until it may try again
	}
	l.answer(replies(200), l.begin(here))
	l.is("closed")
}

func TestTrialsThatFail(t *testing.T) {
	l := newLineup(t, time.Second)
	since := l.client.Breakers()[0].Since
	first, second := l.begin(here), l.begin(there)
	l.answer(silent, first)
	l.is("half-open")
	l.answer(silent, second)
	l.is("open")
	l.refused(elsewhere, "a call while it is open again")
	if s := l.client.Breakers()[0]; !s.Since.Equal(since) {
		t.Errorf("open since %s, want %s", s.Since, since)
	}
	halfOpen(t, l.client)
	third := l.begin(elsewhere) // one that is canceled says nothing
	l.answer(fails(&net.OpError{Op: "dial", Err: syscall.EMFILE}), third)
	l.is("half-open")
	l.answer(replies(200), l.begin(elsewhere))
	l.is("closed")
}

// A trial that says nothing, after others have failed, ends them all the same.
func TestTrialThatSaysNothingComesLast(t *testing.T) {
	l := newLineup(t, short)
	first, second, third := l.begin(here), l.begin(there), l.begin(elsewhere)
	l.answer(silent, first)
	l.answer(silent, second)
	l.is("half-open")
	l.answer(fails(&net.OpError{Op: "dial", Err: syscall.EMFILE}), third)
	halfOpen(t, l.client) // open, and soon half open again
	l.answer(replies(200), l.begin(here))
	l.is("closed")
}

// One outcome for each call: a try that is made again does not count twice.
func TestRetriesCountOnce(t *testing.T) {
	noLeak(t)
	var calls atomic.Int64
	c := New(trip(func(*http.Request) (*http.Response, error) { calls.Add(1); return nil, io.EOF }), quiet, noPause)
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
	c := New(silent, quiet)
	gone := newList(t, "the.gone.example", "https://the.gone.example/:id")
	run1(t, c, post(t, gone, bot), time.Second)
	for range 50 {
		l := newList(t, "list.example", "https://list.example/:id")
		five(t, c, post, l)
		if all := c.Breakers(); all[0].State != "open" {
			t.Fatalf("%+v", all)
		}
		again := newList(t, "list.example", "https://list.example/:id")
		if a := run1(t, c, post(t, again, bot), time.Second); a.Fault != lists.FaultDNS {
			t.Fatalf("%+v", a)
		}
	}
	if all := c.Breakers(); len(all) != 2 || all[0].List != "list.example" || all[0].State != "closed" {
		t.Errorf("%+v", all)
	}
}

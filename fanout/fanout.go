// Package fanout runs planned calls to lists at once over one shared
// transport: a deadline for all, breakers, one more try where that is safe,
// bounds on calls and answers, and exactly one answer for each call.
package fanout

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"sync"
	"time"

	"aggregator/lists"
)

// Client runs calls. It is safe for concurrent use.
type Client struct {
	options
	transport http.RoundTripper
	log       *slog.Logger
	slots     slots
	guards    guards
}

// New makes a client over a transport; NewTransport makes the one for real use.
func New(transport http.RoundTripper, log *slog.Logger, opts ...Option) *Client {
	c := &Client{options: newOptions(opts), transport: transport, log: log}
	c.slots.most = c.maxInFlight
	c.guards.breakerOptions = breakerOptions{c.openTimeout, c.now}
	return c
}

// Option changes how a Client or a transport works.
type Option func(*options)

type options struct {
	maxInFlight int
	maxPerList  int
	openTimeout time.Duration        // how long an open breaker lets no call through
	now         func() time.Time     // of breakers
	pause       func() time.Duration // before another try
}

func newOptions(opts []Option) options {
	o := options{
		maxInFlight: DefaultMaxInFlight,
		maxPerList:  DefaultMaxPerList,
		openTimeout: openTimeout,
		now:         time.Now,
		pause:       jitter,
	}
	for _, set := range opts {
		set(&o)
	}
	return o
}

// run is what the calls of one Run share.
type run struct {
	*Client
	ctx     context.Context // ends with the timeout or with the caller
	caller  context.Context // ends with the caller alone
	start   time.Time       // of all calls
	timeout time.Duration   // of the operation
	from    netip.Prefix    // the caller's network
}

// Run makes all calls of an operation at once, for a caller of the network from,
// and waits for all of them. It returns one Answer for each call, in the order of the calls, and never an
// error: what went wrong with a call is its answer. No call lasts longer than
// the operation's timeout. Calls that find no room are answered at once: nothing
// is queued.
func (c *Client) Run(ctx context.Context, op lists.Op, from netip.Prefix, calls []lists.Call) []lists.Answer {
	answers := make([]lists.Answer, len(calls))
	n := c.slots.begin(len(calls))
	for i := n; i < len(calls); i++ {
		answers[i] = noAnswer(lists.FaultBusy, tooMany)
	}
	if n == 0 {
		return answers
	}
	r := &run{Client: c, caller: ctx, start: time.Now(), timeout: op.Timeout, from: from}
	var cancel context.CancelFunc
	r.ctx, cancel = context.WithTimeout(ctx, op.Timeout)
	defer cancel()
	var wg sync.WaitGroup
	for i := range n - 1 {
		wg.Go(func() { r.call(&calls[i], &answers[i]) })
	}
	r.call(&calls[n-1], &answers[n-1]) // this goroutine would only wait
	wg.Wait()
	return answers
}

// call makes one call. A panic is an answer too. What comes before and after
// has functions of its own: the stack that a call needs while it waits for its
// list is small then, and is grown once instead of twice.
func (r *run) call(call *lists.Call, a *lists.Answer) {
	t := attempt{call: call, answer: a}
	defer r.end(&t)
	if r.begin(&t) {
		r.ask(call, a)
	}
}

// attempt is a call that is being made.
type attempt struct {
	call   *lists.Call
	answer *lists.Answer
	guard  *guard // nil: nothing is known of the list yet
	asked  bool   // it counts among the calls to the list
	leave  pass   // the zero pass: there is none
}

// begin reports whether the list may be asked. The answer says why not.
func (r *run) begin(t *attempt) bool {
	t.guard = r.guards.of(t.call.List)
	var ok bool
	if t.leave, *t.answer, ok = t.guard.breakers[t.call.Op()].allow(r.from); !ok {
		return false
	}
	t.asked = true
	if t.guard.inFlight.Add(1) > int64(r.maxPerList) {
		*t.answer = noAnswer(lists.FaultBusy, "Too many calls to "+t.call.List.ID+" under way")
		return false
	}
	return true
}

// end is deferred: a panic is made an answer of, and the breaker learns what
// came of the call.
func (r *run) end(t *attempt) {
	if p := recover(); p != nil {
		*t.answer = r.panicked(*t.call, p)
	}
	if t.asked {
		t.guard.inFlight.Add(-1)
		t.leave.learn(*t.answer, *t.call)
	}
	if t.guard != nil {
		t.guard.breakers[t.call.Op()].tell(r.log)
	}
	t.answer.Took = time.Since(r.start)
	r.slots.end()
}

// panicked makes an answer of a panic. The log gets the panic without the
// token.
func (c *Client) panicked(call lists.Call, p any) lists.Answer {
	list := ""
	if call.List != nil {
		list = call.List.ID
	}
	hide := call.Hide
	c.log.Error("a call panicked", "list", list, "panic", hide(fmt.Sprint(p)), "stack", hide(string(debug.Stack())))
	return noAnswer(lists.FaultPanic, "Internal error")
}

func noAnswer(fault lists.Fault, reason string) lists.Answer {
	return lists.Answer{Status: lists.NoAnswer, Fault: fault, Reason: reason}
}

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
	"aggregator/shares"
)

// Client runs calls. It is safe for concurrent use.
type Client struct {
	options
	transport http.RoundTripper
	log       *slog.Logger
	slots     *shares.Semaphore // for calls
	guards    guards
}

// New returns a Client that sends over a transport, usually that of
// NewTransport.
func New(transport http.RoundTripper, log *slog.Logger, opts ...Option) *Client {
	c := &Client{options: newOptions(opts), transport: transport, log: log}
	c.slots = c.newSlots(c.maxInFlight, maxWaiting)
	c.guards.options = &c.options
	return c
}

// Option changes how a Client or a transport works.
type Option func(*options)

type options struct {
	maxInFlight int
	maxPerList  int
	maxWait     time.Duration     // for room
	memory      *shares.Semaphore // in bytes; nil: as much as there is
	isOfAnother func(id, host string) bool
	openTimeout time.Duration        // how long an open breaker lets no call through
	now         func() time.Time     // of breakers
	pause       func() time.Duration // before another try
}

func newOptions(opts []Option) options {
	o := options{
		maxInFlight: DefaultMaxInFlight,
		maxPerList:  DefaultMaxPerList,
		maxWait:     maxWait,
		openTimeout: openTimeout,
		now:         time.Now,
		isOfAnother: func(string, string) bool { return false },
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
	memory  *shares.Grant   // grows with what lists answer
}

// Run admits calls and runs them in their room. Where there is no room, each
// call's answer says so.
func (c *Client) Run(ctx context.Context, op lists.Op, from netip.Prefix, calls []lists.Call) []lists.Answer {
	room, err := c.Admit(ctx, from, calls)
	if err != nil {
		answers := make([]lists.Answer, len(calls))
		for i := range answers {
			answers[i] = noAnswer(lists.FaultBusy, tooMany)
		}
		return answers
	}
	defer room.Leave()
	return room.Run(ctx, op, calls, nil)
}

// Run makes calls of an operation, as many as there is room for, all at once, and
// waits for all of them. It returns one Answer for each call, in the order of the
// calls, and never an error: what went wrong with a call is its answer. No call
// lasts longer than the operation's timeout. The room of a call is given back at
// its end. heard is called with each answer as it comes, from the goroutine of its
// call; nil: nobody listens.
func (r *Room) Run(ctx context.Context, op lists.Op, calls []lists.Call, heard func(int, *lists.Answer)) []lists.Answer {
	answers := make([]lists.Answer, len(calls))
	if len(calls) == 0 {
		return answers
	}
	all := &run{Client: r.client, caller: ctx, start: time.Now(), timeout: op.Timeout, from: r.from, memory: r.memory}
	var cancel context.CancelFunc
	all.ctx, cancel = context.WithTimeout(ctx, op.Timeout)
	defer cancel()
	var wg sync.WaitGroup
	one := func(i int) {
		all.call(&calls[i], &answers[i])
		r.calls.Return(1)
		r.memory.Return(int64(calls[i].Size()))
		if heard != nil {
			heard(i, &answers[i])
		}
	}
	for i := range len(calls) - 1 {
		wg.Go(func() { one(i) })
	}
	one(len(calls) - 1) // this goroutine would only wait
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
	guard  *guard        // nil: nothing is known of the list yet
	place  *shares.Grant // among the calls to the list
	pass   pass          // the zero pass: there is none
	asked  bool          // it has a pass
}

// begin reports whether the list may be asked. The answer says why not.
func (r *run) begin(t *attempt) bool {
	t.guard = r.guards.of(t.call.List)
	var err error
	if t.place, err = t.guard.slots.Acquire(r.ctx, r.from, 1); err != nil {
		*t.answer = r.noRoom(t.call.List.ID)
		return false
	}
	t.pass, *t.answer, t.asked = t.guard.breakers[t.call.Operation().Name].allow(r.from)
	return t.asked
}

// noRoom returns the answer of a call that found no room at its list.
func (r *run) noRoom(list string) lists.Answer {
	if r.caller.Err() != nil {
		return r.classify(r.caller.Err())
	}
	return noAnswer(lists.FaultBusy, fmt.Sprintf(busyAtList, list))
}

// end is deferred: a panic is made an answer of, and the breaker learns what
// came of the call.
func (r *run) end(t *attempt) {
	if p := recover(); p != nil {
		*t.answer = r.panicked(*t.call, p)
	}
	t.place.Release()
	if t.asked {
		t.pass.learn(*t.answer, *t.call)
	}
	if t.guard != nil {
		t.guard.breakers[t.call.Operation().Name].tell(r.log)
	}
	t.answer.Took = time.Since(r.start)
}

// panicked logs a panic, without the token, and returns the answer that stands
// for it.
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

package aggregate

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"aggregator/catalog"
	"aggregator/lists"
	"aggregator/ratelimit"
	"aggregator/shares"
)

// operation is one kind of request as a value: what tells it from the others.
// The way that it goes is the same for all of them, see ask. R is what is
// requested, A is what is answered.
type operation[R, A any] struct {
	op      lists.Op                                                           // of its calls
	window  string                                                             // name of the windows that its requests use
	limit   *ratelimit.Limiter                                                 // of these windows
	botID   func(R) string                                                     // the bot that a request is about
	userID  func(R) string                                                     // the user that it is about; nil: none is
	dryRun  func(R) bool                                                       // whether a request is to be planned and no more; nil: none is
	plan    func(*catalog.Catalog, R, Caller) (plan []planned, skip []Skipped) // the calls, in catalog order, and the lists that are not asked
	memory  *remembered                                                        // what answers calls in place of their lists; nil: nothing does
	merge   func(R, asked) A                                                   // the answer; it does not depend on the order in which lists answered
	toEnd   bool                                                               // calls run to their end even if their caller leaves
	share   func(*catalog.Catalog, R) (key flightKey, ok bool)                 // requests of one key share one run of their calls; nil: none does
	shared  *flights[A]                                                        // by share
	servers func(R, asked, A) (n int64, ok bool)                               // how many servers the bot is on, where that is told; nil: it never is
	listen  func(R) *listener                                                  // who hears how a run goes on; nil: nobody does
	keep    func(R, Caller, A)                                                 // keeps the answer of a run; nil: nothing does
	hasty   bool                                                               // holds are not waited for
	common  bool                                                               // a window is of all callers, and who joins a run uses none
}

// asked is what became of a request: of its calls, and of the lists that it
// did not ask.
type asked struct {
	plan     []planned       // the calls, in catalog order
	answers  []lists.Answer  // one for each call, unless nothing was sent
	verdicts []lists.Verdict // on the answers
	votes    []VoteResult    // of calls that check votes, those included that are answered by what is remembered
	skipped  []Skipped       // in the order of the request, each id once, when the answer is made
}

// result is what a request came to.
type result[A any] struct {
	answer A
	age    time.Duration       // since the lists answered
	window *ratelimit.Decision // nil: no window was used
}

// ask takes a request the one way that there is: plan, recall, holds, room,
// window, reserve, run, settle, observe. What is remembered and holds come before
// the window, so that a request that asks no list uses none, and room comes before
// it too: who is turned away may come again at once. The error is a
// *LimitedError, ErrBusy, ErrClosed, the context's, or an internal one.
func ask[R, A any](ctx context.Context, a *Aggregator, op *operation[R, A], r R, from Caller) (result[A], error) {
	if !a.gate.enter() {
		return result[A]{}, ErrClosed
	}
	defer a.gate.leave()
	f, joined, d, err := board(ctx, a, op, r, from)
	if err != nil {
		return result[A]{}, err
	}
	if f == nil {
		return result[A]{answer: op.merge(r, d)}, nil
	}
	defer f.leave()
	scope, limit := op.scope(r, from), op.limit
	if op.common && joined {
		limit = nil
	}
	window, err := takeWindow(ctx, limit, scope)
	if err != nil {
		return result[A]{}, err
	}
	if op.toEnd {
		ctx = context.WithoutCancel(ctx)
	}
	err = f.fly(ctx, op.listener(r), func(ctx context.Context) (answer A, some bool, err error) {
		return operate(ctx, a, op, r, from, f)
	})
	if err != nil {
		return result[A]{}, err
	}
	if !f.some { // others took what was free
		window, err = nil, limit.Release(context.WithoutCancel(ctx), scope)
	}
	return result[A]{f.answer, f.age(), window}, err
}

// board returns the flight of a request, and whether that is another request's. It
// is nil where no list is to be asked: then the answer is made of d. The error is
// ErrBusy, or the context's.
func board[R, A any](ctx context.Context, a *Aggregator, op *operation[R, A], r R, from Caller) (f *flight[A], joined bool, d asked, err error) {
	c := a.Catalog.Current()
	key, isShared := op.key(c, r)
	if isShared {
		if f = op.shared.join(ctx, key); f != nil {
			return f, true, asked{}, nil
		}
	}
	d, err = prepare(ctx, a, op, c, r, from)
	if err != nil {
		return nil, false, asked{}, err
	}
	if len(d.plan) == 0 || op.isDryRun(r) {
		d.skipped = inOrder(d.skipped)
		return nil, false, d, nil
	}
	room, err := a.room(ctx, from.network(), calls(d.plan))
	if err != nil {
		return nil, false, asked{}, err
	}
	own := newFlight[A](d, room)
	if !isShared {
		keep(ctx, room.Memory())
		return own, false, asked{}, nil
	}
	f = op.shared.board(ctx, key, own)
	return f, f != own, asked{}, nil
}

// operate makes the calls of a flight and merges what came of them; some is false
// if none was made. The error is the context's.
func operate[R, A any](ctx context.Context, a *Aggregator, op *operation[R, A], r R, from Caller, f *flight[A]) (answer A, some bool, err error) {
	d := a.run(ctx, op.op, op.memory, f.asked, f.room, from, f.heard())
	answer, err = op.merge(r, d), ctx.Err()
	if a.Servers != nil && op.servers != nil {
		if n, ok := op.servers(r, d, answer); ok {
			a.Servers(op.botID(r), n, op.op.ProvesOwner)
		}
	}
	if op.keep != nil && err == nil && len(d.plan) > 0 {
		op.keep(r, from, answer)
	}
	return answer, len(d.plan) > 0, err
}

// prepare plans a request, and looks at what is remembered and what holds back. The
// plan that is left is that of the lists that are to be asked. The error is the
// context's.
func prepare[R, A any](ctx context.Context, a *Aggregator, op *operation[R, A], c *catalog.Catalog, r R, from Caller) (asked, error) {
	plan, skipped := op.plan(c, r, from)
	plan, votes, unasked := op.memory.recall(plan)
	dryRun := op.isDryRun(r)
	why, err := a.Holds.check(ctx, plan, look{from: from.network(), ofToken: dryRun, patient: !dryRun && !from.Own && !from.Probe && !op.hasty, own: from.Own})
	if err != nil {
		return asked{}, err
	}
	plan, held := a.heldBack(ctx, plan, why)
	return asked{plan: plan, votes: votes, skipped: append(append(skipped, unasked...), held...)}, nil
}

// run makes the calls that are planned, unless others have made them by now or
// have taken what was free. The plan that it returns is that of the calls made.
// heard hears of each answer as it comes; nil: nobody does.
func (a *Aggregator) run(ctx context.Context, op lists.Op, memory *remembered, d asked, room Room, from Caller, heard func(arrival)) asked {
	plan, known, inquiries := memory.begin(d.plan)
	defer inquiries.end()
	why := a.Holds.reserve(ctx, plan)
	inquiries.held(plan, why)
	plan, held := a.heldBack(ctx, plan, why)
	var arrived func(int, *lists.Answer)
	if heard != nil {
		arrived = func(i int, answer *lists.Answer) { heard(arrival{plan[i].call, plan[i].read, answer}) }
	}
	answers := room.Run(ctx, op, calls(plan), arrived)
	goneOtherwise(plan, answers)
	verdicts := judge(plan, answers)
	a.Holds.settle(context.WithoutCancel(ctx), plan, answers, verdicts) // what was learned is kept, whoever leaves
	a.observe(ctx, from, plan, answers, verdicts)
	votes := inquiries.answered(plan, answers, from.network())
	inquiries.end()
	joined, unasked := inquiries.wait()
	votes = append(append(append(d.votes, known...), votes...), joined...)
	return asked{plan, answers, verdicts, votes, inOrder(append(append(d.skipped, held...), unasked...))}
}

func (op *operation[R, A]) isDryRun(r R) bool { return op.dryRun != nil && op.dryRun(r) }

// scope returns whose window a request uses.
func (op *operation[R, A]) scope(r R, from Caller) ratelimit.Scope {
	s := ratelimit.Scope{Name: op.window, IP: from.IP, BotID: op.botID(r)}
	if op.common {
		s.IP = netip.IPv6Unspecified()
	}
	if op.userID != nil {
		s.UserID = op.userID(r)
	}
	return s
}

func (op *operation[R, A]) listener(r R) *listener {
	if op.listen == nil {
		return nil
	}
	return op.listen(r)
}

func (op *operation[R, A]) key(c *catalog.Catalog, r R) (key flightKey, ok bool) {
	if op.share == nil {
		return flightKey{}, false
	}
	return op.share(c, r)
}

// heldBack splits a plan into the calls that may go out and the lists that are
// not asked, each for the reason that holds gave for its call.
func (a *Aggregator) heldBack(ctx context.Context, plan []planned, why []*lists.Skip) (rest []planned, held []Skipped) {
	rest = plan[:0]
	for i, p := range plan {
		if why[i] == nil {
			rest = append(rest, p)
			continue
		}
		held = append(held, p.skipped(why[i])...)
		a.observeHeld(ctx, p.call, why[i])
	}
	return rest, held
}

// room makes room for calls, or returns ErrBusy.
func (a *Aggregator) room(ctx context.Context, from netip.Prefix, calls []lists.Call) (Room, error) {
	if a.Admit == nil {
		return boundless{a.Runner, from}, nil
	}
	room, err := a.Admit(ctx, from, calls)
	if errors.Is(err, shares.ErrBusy) {
		err = ErrBusy
	}
	return room, err
}

// keep has the request of a context hold memory until its end: its answer is
// still to be written.
func keep(ctx context.Context, memory *shares.Grant) {
	if holder := shares.HolderOf(ctx); holder != nil {
		holder.Keep(memory.Share())
	}
}

// takeWindow uses a window. The Decision is nil where the limit is off; a
// window that is used up is a *LimitedError.
func takeWindow(ctx context.Context, limit *ratelimit.Limiter, scope ratelimit.Scope) (*ratelimit.Decision, error) {
	d, err := limit.Take(ctx, scope)
	switch {
	case err != nil:
		return nil, fmt.Errorf("take a window: %w", err)
	case d != nil && !d.OK:
		return nil, &LimitedError{scope, *d}
	}
	return d, nil
}

// anyOK reports whether a list did what it was asked.
func (d asked) anyOK() bool {
	return slices.ContainsFunc(d.verdicts, func(v lists.Verdict) bool { return v.OK })
}

// judge returns what each answer means.
func judge(plan []planned, answers []lists.Answer) []lists.Verdict {
	verdicts := make([]lists.Verdict, len(plan))
	for i, p := range plan {
		verdicts[i] = p.call.Judge(answers[i])
	}
	return verdicts
}

// Package aggregate is the way of a request: plan, window, fan out, merge. HTTP,
// the command line and Go programs all take it.
package aggregate

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"aggregator/catalog"
	"aggregator/lists"
	"aggregator/ratelimit"
	"aggregator/store"
)

// How long lists have to answer.
const (
	PostTimeout = 10 * time.Second
	ReadTimeout = 2 * time.Second
)

// Canonical routes and policy names of the rate limits.
const (
	CountRoute = "/api/count"
	BotsRoute  = "/api/bots/"

	CountPolicy = "count"
	BotsPolicy  = "bots"
)

// Runner runs calls at once and answers one Answer for each, in their order.
type Runner interface {
	Run(ctx context.Context, calls []lists.Call, timeout time.Duration) []lists.Answer
}

// Config is what an Aggregator works with.
type Config struct {
	Catalog    *catalog.Live
	Runner     Runner
	CountLimit *ratelimit.Limiter
	BotsLimit  *ratelimit.Limiter
	// Admit makes room for n calls, or says that there is none; nil: there
	// always is.
	Admit func(n int) (release func(), ok bool)
	// Observe hears what became of each call; nil: nobody listens.
	Observe   func(Outcome)
	Holds     *Holds                 // nil: lists are not paced
	Keys      map[string]lists.Token // by list id: the operator's, for lists that are read with a key
	UserAgent string                 // sent where the caller has none
}

// Aggregator posts counts to lists and reads bots from them. It is safe for
// concurrent use.
type Aggregator struct {
	Config
	underWay sync.WaitGroup // posts
	readings readings
}

// New makes an Aggregator.
func New(c Config) *Aggregator { return &Aggregator{Config: c} }

// Wait waits for fan-outs that are under way, until ctx ends.
func (a *Aggregator) Wait(ctx context.Context) error {
	done := make(chan struct{})
	go func() { a.underWay.Wait(); a.readings.underWay.Wait(); close(done) }() // ends with the last, whose deadline is near
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("calls are still under way: %w", ctx.Err())
	}
}

// Caller is who asks.
type Caller struct {
	IP        netip.Addr
	UserAgent string
}

func (a *Aggregator) userAgent(c Caller) string {
	if c.UserAgent != "" {
		return c.UserAgent
	}
	return a.UserAgent
}

// Count posts a count to the lists that the request names. Posts run to their
// end even if the caller leaves. The decision is zero where no window was
// used. The error is an *InvalidError, a *LimitedError, ErrBusy, or ours.
func (a *Aggregator) Count(ctx context.Context, r CountRequest, from Caller) (CountAnswer, ratelimit.Decision, error) {
	if !lists.IsSnowflake(r.BotID) {
		return CountAnswer{}, ratelimit.Decision{}, invalid("'bot_id' must be a snowflake")
	}
	plan, skipped := a.planCount(r, a.userAgent(from))
	plan, held := a.heldBack(ctx, plan, r.BotID)
	skipped = append(skipped, held...)
	if r.DryRun {
		return CountAnswer{DryRun: true, Planned: calls(plan), Skipped: inOrder(skipped)}, ratelimit.Decision{}, nil
	}
	if len(plan) == 0 {
		return CountAnswer{Skipped: inOrder(skipped)}, ratelimit.Decision{}, nil
	}
	scope := ratelimit.Scope{Name: CountPolicy, Method: http.MethodPost, Route: CountRoute, IP: from.IP, BotID: r.BotID}
	release, err := a.admit(len(plan))
	if err != nil {
		return CountAnswer{}, ratelimit.Decision{}, err
	}
	defer release()
	decision, err := take(ctx, a.CountLimit, scope)
	if err != nil {
		return CountAnswer{}, decision, err
	}
	a.underWay.Add(1)
	defer a.underWay.Done()
	ctx = context.WithoutCancel(ctx)
	plan, held = a.reserve(ctx, plan, r.BotID)
	answer := CountAnswer{Skipped: inOrder(append(skipped, held...))}
	if len(plan) == 0 { // others took what was free
		return answer, ratelimit.Decision{}, a.CountLimit.Release(ctx, scope)
	}
	answers := a.Runner.Run(ctx, calls(plan), PostTimeout)
	answer.Results = make([]Result, 0, len(plan))
	for i, p := range plan {
		v := p.call.Judge(answers[i])
		a.Holds.Settle(ctx, p.call, r.BotID, answers[i], v.OK, p.reserved)
		a.observe(p.call, answers[i], v.OK)
		answer.Results = append(answer.Results, Result{List: p.call.List.ID, Verdict: v, Sent: p.call.Sent(), Took: answers[i].Took})
	}
	return answer, decision, nil
}

// planned is a call that is planned, and what it came from.
type planned struct {
	call     lists.Call
	named    []orderedToken
	reserved []store.Key
}

func (p planned) skipped(why string) []Skipped {
	all := make([]Skipped, len(p.named))
	for i, t := range p.named {
		all[i] = Skipped{t.ID, why, t.order}
	}
	return all
}

func calls(plan []planned) []lists.Call {
	all := make([]lists.Call, len(plan))
	for i, p := range plan {
		all[i] = p.call
	}
	return all
}

// heldBack parts a plan into what may go out and what is held back.
func (a *Aggregator) heldBack(ctx context.Context, plan []planned, bot string) (rest []planned, held []Skipped) {
	rest = plan[:0]
	for i, why := range a.Holds.Check(ctx, calls(plan), bot) {
		if why != "" {
			held = append(held, plan[i].skipped(why)...)
			a.observeHeld(plan[i].call, why)
			continue
		}
		rest = append(rest, plan[i])
	}
	return rest, held
}

// reserve is heldBack for calls that are about to be sent.
func (a *Aggregator) reserve(ctx context.Context, plan []planned, bot string) (rest []planned, held []Skipped) {
	rest = plan[:0]
	for _, p := range plan {
		reserved, why := a.Holds.Reserve(ctx, p.call, bot)
		if why != "" {
			held = append(held, p.skipped(why)...)
			a.observeHeld(p.call, why)
			continue
		}
		p.reserved = reserved
		rest = append(rest, p)
	}
	return rest, held
}

// admit makes room for n calls before anything is used up.
func (a *Aggregator) admit(n int) (release func(), err error) {
	if a.Admit == nil {
		return func() {}, nil
	}
	release, ok := a.Admit(n)
	if !ok {
		return nil, ErrBusy
	}
	return release, nil
}

// take uses a window, or says why it cannot be used.
func take(ctx context.Context, limit *ratelimit.Limiter, scope ratelimit.Scope) (ratelimit.Decision, error) {
	d, err := limit.Take(ctx, scope)
	switch {
	case errors.Is(err, store.ErrFull):
		return d, ErrBusy
	case err != nil:
		return d, fmt.Errorf("take a window: %w", err)
	case !d.OK:
		return d, &LimitedError{scope, d}
	}
	return d, nil
}

// planCount plans the posts in catalog order, and says why each other list
// that was named is not asked.
func (a *Aggregator) planCount(r CountRequest, userAgent string) ([]planned, []Skipped) {
	named, skipped := resolve(a.Catalog.Current(), r.Tokens)
	plan := make([]planned, 0, len(named))
	for _, n := range named {
		call, why := n.list.PlanPost(r.Count, n.best.Token, userAgent)
		if why == "" || n.best.Bad != "" && n.list.TakesCounts() {
			why = n.best.Bad // what is wrong with the token comes before what it lacks
		}
		p := planned{call: call, named: n.all}
		if why != "" {
			skipped = append(skipped, p.skipped(why)...)
			continue
		}
		plan = append(plan, p)
	}
	return plan, skipped
}

// namedList is a list and the tokens that name it.
type namedList struct {
	list *lists.List
	best orderedToken
	all  []orderedToken
}

type orderedToken struct {
	NamedToken
	order int // place in the request
}

// maxGuesses bounds how many unknown ids of a request are guessed at.
const maxGuesses = 16

// resolve finds the lists that tokens name, in catalog order, and the token
// that counts for each.
func resolve(c *catalog.Catalog, tokens []NamedToken) ([]*namedList, []Skipped) {
	var skipped []Skipped
	byID := make(map[string]*namedList, len(tokens))
	all := make([]*namedList, 0, len(tokens))
	ordered := make([]orderedToken, len(tokens))
	for i, t := range tokens {
		list, ok := c.Resolve(t.ID)
		if !ok {
			why, near := "Unknown list", ""
			if len(skipped) < maxGuesses {
				near = c.Nearest(t.ID)
			}
			if near != "" {
				why += fmt.Sprintf(", did you mean %q?", near)
			}
			skipped = append(skipped, Skipped{t.ID, why, i})
			continue
		}
		n := byID[list.ID]
		if n == nil {
			n = &namedList{list: list}
			byID[list.ID] = n
			all = append(all, n)
		}
		o := orderedToken{t, i}
		if len(n.all) == 0 || o.rank(list.ID) >= n.best.rank(list.ID) {
			n.best = o
		}
		if n.all == nil { // most lists are named once
			n.all = ordered[i : i : i+1]
		}
		n.all = append(n.all, o)
	}
	slices.SortFunc(all, func(x, y *namedList) int { return strings.Compare(x.list.ID, y.list.ID) })
	return all, skipped
}

// rank orders the tokens that name one list: a blank one counts as not given,
// keys at the top win over nested ones, and the current id over legacy ids. Of
// two equals the later counts.
func (t orderedToken) rank(current string) int {
	rank := 0
	if !t.blank() {
		rank += 4
	}
	if !t.Nested {
		rank += 2
	}
	if t.ID == current {
		rank++
	}
	return rank
}

// inOrder sorts what was skipped in the order of the request, each id once.
func inOrder(skipped []Skipped) []Skipped {
	slices.SortStableFunc(skipped, func(x, y Skipped) int { return x.order - y.order })
	seen := make(map[string]bool, len(skipped))
	return slices.DeleteFunc(skipped, func(s Skipped) bool {
		twice := seen[s.ID]
		seen[s.ID] = true
		return twice
	})
}

package aggregate

import (
	"context"
	"net/http"

	"aggregator/lists"
	"aggregator/ratelimit"
)

// BotRequest is a bot to read from the lists.
type BotRequest struct {
	BotID  string
	Tokens []NamedToken // the caller's own keys, for lists that are read with one
}

// Bot asks every list about a bot and merges the answers. A caller that leaves
// ends the readings. The decision is zero where no window was used. The error
// is an *InvalidError, a *LimitedError, ErrBusy, or ours.
func (a *Aggregator) Bot(ctx context.Context, r BotRequest, from Caller) (BotAnswer, ratelimit.Decision, error) {
	if !lists.IsSnowflake(r.BotID) {
		return BotAnswer{}, ratelimit.Decision{}, invalid("'id' must be a snowflake")
	}
	plan, skipped := a.planBot(r, a.userAgent(from))
	plan, held := a.heldBack(ctx, plan, r.BotID)
	skipped = append(skipped, held...)
	var decision ratelimit.Decision
	if len(plan) > 0 {
		scope := ratelimit.Scope{Name: BotsPolicy, Method: http.MethodGet, Route: BotsRoute + r.BotID, IP: from.IP, BotID: r.BotID}
		var err error
		if decision, err = take(ctx, a.BotsLimit, scope); err != nil {
			return BotAnswer{}, decision, err
		}
	}
	plan, held = a.reserve(ctx, plan, r.BotID)
	answer := BotAnswer{Skipped: inOrder(append(skipped, held...))}
	answers := a.Runner.Run(ctx, calls(plan), ReadTimeout)
	for i, p := range plan {
		a.Holds.Settle(ctx, p.call, r.BotID, answers[i], false, p.reserved)
	}
	answer.Bot = lists.Merge(r.BotID, calls(plan), answers)
	return answer, decision, nil
}

// planBot plans the readings of a bot in catalog order.
func (a *Aggregator) planBot(r BotRequest, userAgent string) ([]planned, []Skipped) {
	catalog := a.Catalog.Current()
	named, skipped := resolve(catalog, r.Tokens)
	own := make(map[string]*namedList, len(named))
	for _, n := range named {
		own[n.list.ID] = n
		if why := n.unreadable(); why != "" {
			skipped = append(skipped, planned{named: n.all}.skipped(why)...)
		}
	}
	var plan []planned
	for i, l := range catalog.Lists() {
		if !l.Readable() {
			continue
		}
		key := a.Keys[l.ID]
		p := planned{named: []orderedToken{{NamedToken{ID: l.ID}, len(r.Tokens) + i}}}
		if n := own[l.ID]; n != nil && n.best.Bad == "" {
			key, p.named = n.best.Token, n.all
		}
		var why string
		if p.call, why = l.PlanGet(r.BotID, key, userAgent); why == "" {
			plan = append(plan, p)
		} else if n := own[l.ID]; n == nil || n.best.Bad == "" {
			skipped = append(skipped, p.skipped(why)...)
		}
	}
	return plan, skipped
}

// unreadable says why a list that was named for reading gets no use of its
// token, in the words of the answer.
func (n *namedList) unreadable() string {
	switch {
	case n.list.Defunct:
		return "Defunct"
	case !n.list.Readable():
		return "No get API"
	}
	return n.best.Bad
}

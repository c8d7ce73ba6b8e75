package aggregate

import (
	"context"
	"errors"
	"net/http"

	"aggregator/catalog"
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
	c := a.Catalog.Current()
	key := readingKey{c.Generation(), r.BotID}
	scope := ratelimit.Scope{Name: BotsPolicy, Method: http.MethodGet, Route: BotsRoute + r.BotID, IP: from.IP, BotID: r.BotID}
	shared := len(r.Tokens) == 0 // what a caller's own keys open is for that caller alone
	if shared {
		if answer, ok := a.readings.get(key); ok {
			decision, err := take(ctx, a.BotsLimit, scope)
			if err != nil {
				answer = BotAnswer{}
			}
			return answer, decision, err
		}
	}
	plan, skipped := a.planBot(c, r, a.userAgent(from))
	plan, held := a.heldBack(ctx, plan, r.BotID)
	skipped = append(skipped, held...)
	if len(plan) == 0 {
		return BotAnswer{Bot: lists.Merge(r.BotID, nil, nil), Skipped: inOrder(skipped)}, ratelimit.Decision{}, nil
	}
	decision, err := take(ctx, a.BotsLimit, scope)
	if err != nil {
		return BotAnswer{}, decision, err
	}
	read := func(ctx context.Context) (BotAnswer, error) { return a.read(ctx, r.BotID, plan, skipped) }
	var answer BotAnswer
	if shared {
		answer, err = a.readings.do(ctx, key, read)
	} else {
		answer, err = read(ctx)
	}
	busy := errors.Is(err, ErrBusy)
	if busy || err == nil && len(answer.Lists) == 0 { // no room, or others took what was free
		decision = ratelimit.Decision{}
		err = errors.Join(err, a.BotsLimit.Release(context.WithoutCancel(ctx), scope))
	}
	return answer, decision, err
}

// read asks the lists of a plan, and merges what they say.
func (a *Aggregator) read(ctx context.Context, bot string, plan []planned, skipped []Skipped) (BotAnswer, error) {
	release, err := a.admit(len(plan))
	if err != nil {
		return BotAnswer{}, err
	}
	defer release()
	plan, held := a.reserve(ctx, plan, bot)
	answers := a.Runner.Run(ctx, calls(plan), ReadTimeout)
	settle := context.WithoutCancel(ctx)
	for i, p := range plan {
		a.Holds.Settle(settle, p.call, bot, answers[i], false, p.reserved)
		a.observe(p.call, answers[i], answers[i].Status == http.StatusOK)
	}
	return BotAnswer{Bot: lists.Merge(bot, calls(plan), answers), Skipped: inOrder(append(skipped, held...))}, ctx.Err()
}

// planBot plans the readings of a bot in catalog order. A list that needs a key
// is read with the caller's, or else with the operator's.
func (a *Aggregator) planBot(c *catalog.Catalog, r BotRequest, userAgent string) (plan []planned, skipped []Skipped) {
	named, skipped := resolve(c, r.Tokens)
	own := make(map[string]*namedList, len(named))
	for _, n := range named {
		own[n.list.ID] = n
		if why := n.unreadable(); why != "" {
			skipped = append(skipped, planned{named: n.all}.skipped(why)...)
		}
	}
	for i, l := range c.Lists() {
		if !l.Readable() {
			continue
		}
		key, bad := a.Keys[l.ID], ""
		p := planned{named: []orderedToken{{NamedToken{ID: l.ID}, len(r.Tokens) + i}}}
		if n := own[l.ID]; n != nil {
			if p.named, bad = n.all, n.best.Bad; bad == "" {
				key = n.best.Token
			}
		}
		call, why := l.PlanGet(r.BotID, key, userAgent)
		if why == "" {
			p.call = call
			plan = append(plan, p)
			continue
		}
		if bad != "" {
			why = bad
		}
		skipped = append(skipped, p.skipped(why)...)
	}
	return plan, skipped
}

// unreadable says why a list that was named cannot be read, in the words of
// the answer.
func (n *namedList) unreadable() string {
	switch {
	case n.list.Defunct:
		return "Defunct"
	case !n.list.Readable():
		return "No get API"
	}
	return ""
}

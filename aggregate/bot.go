package aggregate

import (
	"context"
	"errors"

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
	scope := ratelimit.Scope{Name: botsWindow, IP: from.IP, BotID: r.BotID}
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
	userAgent := a.userAgent(from)
	if shared { // what one caller says of itself must not decide what others hear
		userAgent = a.UserAgent
	}
	plan, skipped := a.planBot(c, r, userAgent)
	plan, held := a.heldBack(ctx, plan)
	skipped = append(skipped, held...)
	if len(plan) == 0 {
		return BotAnswer{Bot: lists.Merge(r.BotID, nil), Skipped: inOrder(skipped)}, ratelimit.Decision{}, nil
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
	plan, held := a.reserve(ctx, plan)
	answers := a.Runner.Run(ctx, lists.Readings, calls(plan))
	settle := context.WithoutCancel(ctx)
	readings := make([]lists.Reading, len(plan))
	for i, p := range plan {
		v := p.call.Judge(answers[i])
		a.Holds.Settle(settle, p.call, answers[i], v, p.reserved)
		a.observe(p.call, answers[i], v.OK)
		readings[i] = p.read(answers[i])
	}
	return BotAnswer{Bot: lists.Merge(bot, readings), Skipped: inOrder(append(skipped, held...))}, ctx.Err()
}

package aggregate

import (
	"context"

	"aggregator/lists"
	"aggregator/ratelimit"
)

// Count posts a count to the lists that the request names. Posts run to their
// end even if the caller leaves. The decision is zero where no window was
// used. The error is an *InvalidError, a *LimitedError, ErrBusy, or ours.
func (a *Aggregator) Count(ctx context.Context, r CountRequest, from Caller) (CountAnswer, ratelimit.Decision, error) {
	if !lists.IsSnowflake(r.BotID) {
		return CountAnswer{}, ratelimit.Decision{}, invalid("'bot_id' must be a snowflake")
	}
	plan, skipped := a.planCount(r, a.userAgent(from))
	plan, held := a.heldBack(ctx, plan)
	skipped = append(skipped, held...)
	if r.DryRun {
		return CountAnswer{DryRun: true, Planned: calls(plan), Skipped: inOrder(skipped)}, ratelimit.Decision{}, nil
	}
	if len(plan) == 0 {
		return CountAnswer{Skipped: inOrder(skipped)}, ratelimit.Decision{}, nil
	}
	scope := ratelimit.Scope{Name: countWindow, IP: from.IP, BotID: r.BotID}
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
	plan, held = a.reserve(ctx, plan)
	answer := CountAnswer{Skipped: inOrder(append(skipped, held...))}
	if len(plan) == 0 { // others took what was free
		return answer, ratelimit.Decision{}, a.CountLimit.Release(ctx, scope)
	}
	answers := a.Runner.Run(ctx, lists.Posts, calls(plan))
	answer.Results = make([]Result, 0, len(plan))
	for i, p := range plan {
		v := p.call.Judge(answers[i])
		a.Holds.Settle(ctx, p.call, answers[i], v, p.reserved)
		a.observe(p.call, answers[i], v.OK)
		answer.Results = append(answer.Results, Result{List: p.call.List.ID, Verdict: v, Sent: p.call.Sent(), Took: answers[i].Took})
	}
	return answer, decision, nil
}

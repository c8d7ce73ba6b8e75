package aggregate

import (
	"context"

	"aggregator/catalog"
	"aggregator/lists"
)

// Count posts a count to the lists that the request names. Posts run to their
// end even if the caller leaves. The error is an *InvalidError, a *LimitedError,
// ErrBusy, ErrClosed, or an internal one; before there is room for the posts, the
// context's too.
func (a *Aggregator) Count(ctx context.Context, r CountRequest, from Caller) (CountAnswer, error) {
	if why := r.Fault(); why != "" {
		return CountAnswer{}, invalid(why)
	}
	r.teller = newTeller(r.Progress, func(one Result) string { return one.List })
	result, err := ask(ctx, a, &a.counts, r, from)
	if err != nil {
		return CountAnswer{}, err
	}
	answer := result.answer
	answer.Window = result.window
	if !r.DryRun {
		r.teller.end(answer.Results, answer.Skipped)
	}
	return answer, nil
}

func (a *Aggregator) countOperation() operation[CountRequest, CountAnswer] {
	return operation[CountRequest, CountAnswer]{
		op:      lists.Posts,
		window:  "count",
		limit:   a.CountLimit,
		botID:   func(r CountRequest) string { return r.BotID },
		dryRun:  func(r CountRequest) bool { return r.DryRun },
		plan:    a.planCount,
		merge:   mergeCount,
		servers: countedServers,
		listen:  func(r CountRequest) *listener { return r.teller.listener(arrival.result) },
		toEnd:   true,
	}
}

// planCount plans the posts in catalog order, and says why each other list
// that was named is not asked.
func (a *Aggregator) planCount(c *catalog.Catalog, r CountRequest, from Caller) ([]planned, []Skipped) {
	userAgent := a.userAgent(from)
	return planNamed(c, r.Tokens, func(n namedList) (lists.Call, *lists.Skip) {
		call, why := n.list.PlanPost(r.Count, n.best.Token, userAgent)
		if why == nil || n.best.Bad != nil && n.list.TakesCounts() {
			why = n.best.Bad // what is wrong with the token comes before what it lacks
		}
		return call, why
	})
}

// countedServers returns how many servers the bot is on, unless the count is that
// of one shard, or no list has taken it.
func countedServers(r CountRequest, d asked, _ CountAnswer) (n int64, ok bool) {
	ofShard := r.ShardID != nil && r.ShardCount != nil && *r.ShardCount > 1
	return r.ServerCount, d.anyOK() && !ofShard
}

// mergeCount returns what the lists said, or what they would have been asked.
func mergeCount(r CountRequest, d asked) CountAnswer {
	answer := CountAnswer{Skipped: d.skipped}
	if r.DryRun {
		answer.DryRun, answer.Planned = true, calls(d.plan)
		return answer
	}
	answer.Results = make([]Result, len(d.plan))
	for i, p := range d.plan {
		answer.Results[i] = resultOf(p.call, d.answers[i], d.verdicts[i])
	}
	return answer
}

// resultOf returns what a list said to a call.
func resultOf(call lists.Call, a lists.Answer, v lists.Verdict) Result {
	return Result{List: call.List.ID, Verdict: v, Sent: call.Sent, Took: a.Took}
}

package aggregate

import (
	"context"
	"net/http"

	"aggregator/lists"
	"aggregator/ratelimit"
)

// Bot asks every list about a bot and merges the answers. A caller that leaves
// ends the readings. The decision is zero where no window was used. The error
// is an *InvalidError, a *LimitedError, ErrBusy, or ours.
func (a *Aggregator) Bot(ctx context.Context, botID string, from Caller) (BotAnswer, ratelimit.Decision, error) {
	if !lists.IsSnowflake(botID) {
		return BotAnswer{}, ratelimit.Decision{}, invalid("'id' must be a snowflake")
	}
	calls, skipped := a.planBot(botID, a.userAgent(from))
	answer := BotAnswer{Skipped: skipped}
	var decision ratelimit.Decision
	if len(calls) > 0 {
		scope := ratelimit.Scope{Name: BotsPolicy, Method: http.MethodGet, Route: BotsRoute + botID, IP: from.IP, BotID: botID}
		var err error
		if decision, err = take(ctx, a.BotsLimit, scope); err != nil {
			return BotAnswer{}, decision, err
		}
	}
	answer.Bot = lists.Merge(botID, calls, a.Runner.Run(ctx, calls, ReadTimeout))
	return answer, decision, nil
}

// planBot plans the readings of a bot in catalog order.
func (a *Aggregator) planBot(botID, userAgent string) ([]lists.Call, []Skipped) {
	var calls []lists.Call
	var skipped []Skipped
	for i, l := range a.Catalog.Current().Lists() {
		if !l.Readable() {
			continue
		}
		call, why := l.PlanGet(botID, lists.Token{}, userAgent)
		if why != "" {
			skipped = append(skipped, Skipped{l.ID, why, i})
			continue
		}
		calls = append(calls, call)
	}
	return calls, skipped
}

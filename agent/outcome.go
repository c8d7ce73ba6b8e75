package agent

import (
	"context"
	"net/http"
	"time"

	"aggregator/aggregate"
	"aggregator/internal/times"
	"aggregator/lists"
)

// outcome is what became of a bot's count at one list.
type outcome struct {
	list    string
	servers int64 // of the count
	at      time.Time
	took    time.Duration
	verdict lists.Verdict // of a post that was tried
	skip    *lists.Skip   // why it was not tried; nil: it was
	held    *lists.Skip   // why the next one would be held back, of a post that was answered 429
	busy    bool          // there was no room for it
	turn    bool          // it waits for its turn
}

// note puts the outcome into a bot's record, whose next tick is given.
func (o outcome) note(r *record) {
	l := r.list(o.list)
	switch {
	case o.busy:
		l.busy(o.at)
	case o.turn:
		l.waits()
	case o.skip != nil:
		l.heldBack(*o.skip, o.at)
	default:
		l.posted(o.verdict, o.servers, o.at, r.TickAt)
		if o.held != nil { // the count waits for the hold to end
			l.NextAt, l.Held, l.Retried = times.Later(o.held.Until, o.at.Add(time.Second)), true, false
		}
	}
}

// Posted is what became of a bot's count.
type Posted struct {
	Bot     *Bot
	Servers int64               // of the count
	Results []aggregate.Result  // of the lists that were asked
	Skipped []aggregate.Skipped // of those that were not
}

// observe reports what became of a bot's count at some lists: at none where its
// source told no count. A list where it waits for its turn is told of then.
func (a *Agent) observe(b *Bot, all []outcome) {
	p := Posted{Bot: b}
	ok := 0
	for _, o := range all {
		p.Servers = o.servers
		switch {
		case o.turn:
		case o.busy:
			v := lists.Verdict{Status: lists.NoAnswer, Text: "There was no room for the call"}
			p.Results = append(p.Results, aggregate.Result{List: o.list, Verdict: v})
		case o.skip != nil:
			p.Skipped = append(p.Skipped, aggregate.Skipped{ID: o.list, Why: *o.skip})
		default:
			p.Results = append(p.Results, aggregate.Result{List: o.list, Verdict: o.verdict, Took: o.took})
			if o.verdict.OK {
				ok++
			}
		}
	}
	if len(p.Results)+len(p.Skipped) > 0 {
		a.Log.Info("posted", "bot", b.ID, "servers", p.Servers, "ok", ok, "failed", len(p.Results)-ok, "skipped", len(p.Skipped))
	}
	for _, hear := range []func(Posted){a.Observe, a.once} {
		if hear != nil {
			hear(p)
		}
	}
}

// send posts a count to the lists of some tokens, and returns what became of it
// at each.
func (a *Agent) send(ctx context.Context, count lists.Count, tokens []aggregate.NamedToken) []outcome {
	if len(tokens) == 0 {
		return nil
	}
	request := aggregate.CountRequest{Count: count, Tokens: tokens}
	caller := aggregate.Caller{UserAgent: a.Outbound.UserAgent, Own: true}
	answer, err := a.Lists.Count(context.WithoutCancel(ctx), request, caller)
	now := a.Now()
	if err != nil {
		a.Log.Debug("agent: no room for a post", "bot", count.BotID, "error", err)
		all := make([]outcome, len(tokens))
		for i, t := range tokens {
			all[i] = outcome{list: t.ID, servers: count.ServerCount, at: now, busy: true}
		}
		return all
	}
	var all []outcome
	limited := map[string]int{} // places of those that were answered 429
	request.Tokens, request.DryRun = nil, true
	for _, r := range answer.Results {
		if r.Status == http.StatusTooManyRequests {
			limited[r.List] = len(all)
			for _, t := range tokens {
				if t.ID == r.List {
					request.Tokens = append(request.Tokens, t)
				}
			}
		}
		all = append(all, outcome{list: r.List, servers: count.ServerCount, at: now, took: r.Took, verdict: r.Verdict})
	}
	for _, s := range answer.Skipped {
		all = append(all, outcome{list: s.ID, servers: count.ServerCount, at: now, skip: &s.Why})
	}
	if len(limited) == 0 {
		return all
	}
	// Until when they hold us is known to the holds alone.
	plan, err := a.Lists.Count(ctx, request, caller)
	if err != nil {
		return all
	}
	for _, s := range plan.Skipped {
		if i, ok := limited[s.ID]; ok && s.Why.Reason == lists.SkipPaced {
			all[i].held = &s.Why
		}
	}
	return all
}

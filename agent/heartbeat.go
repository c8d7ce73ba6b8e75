package agent

import (
	"context"

	"aggregator/aggregate"
	"aggregator/catalog"
	"aggregator/lists"
)

// heartbeatTokens returns the tokens of the lists that hear with each count that the
// bot is online: those for which it has a bridge key, unless its count goes the same
// way and says so.
func (b *Bot) heartbeatTokens(c *catalog.Catalog) (all []aggregate.NamedToken) {
	for _, t := range b.Tokens {
		if l, ok := c.Resolve(t.ID); ok && t.Token.HasBridgeKey() && l.Supports(lists.Heartbeat.Op) && !l.PostsByReport(t.Token) {
			all = append(all, t)
		}
	}
	return all
}

// sendHeartbeats tells lists that a bot is online, and its count; nil where that is
// not known.
func (a *Agent) sendHeartbeats(ctx context.Context, b *Bot, count *lists.Count) {
	a.report(ctx, b, lists.Heartbeat, lists.Heartbeat.OnlineValues(count), b.heartbeatTokens(a.Catalog.Current()))
}

// report sends a report of a bot to the lists of some tokens, logs which of them did
// not take it, and returns the ids of those that did.
func (a *Agent) report(ctx context.Context, b *Bot, kind *lists.Report, values lists.ReportValues, tokens []aggregate.NamedToken) (taken []string) {
	if len(tokens) == 0 {
		return nil
	}
	request := aggregate.ReportRequest{Report: kind, BotID: b.ID, Values: values, Tokens: tokens}
	answer, err := a.Lists.Report(context.WithoutCancel(ctx), request, aggregate.Caller{UserAgent: a.Outbound.UserAgent, Own: true})
	if err != nil {
		a.Log.Warn("a report was not sent", "bot", b.ID, "report", kind.Op.Name, "error", err)
		return nil
	}
	for _, r := range answer.Results {
		if r.OK {
			taken = append(taken, r.List)
			continue
		}
		a.Log.Warn("a list did not take a report", "bot", b.ID, "report", kind.Op.Name, "list", r.List, "status", r.Status, "text", cut(r.Text, maxKept))
	}
	for _, s := range answer.Skipped {
		if s.Why.IsHeld() { // it comes again
			a.Log.Debug("a report waits", "bot", b.ID, "report", kind.Op.Name, "list", s.ID, "reason", s.Why.String())
			continue
		}
		a.Log.Warn("a list was not sent a report", "bot", b.ID, "report", kind.Op.Name, "list", s.ID, "reason", s.Why.String())
	}
	return taken
}

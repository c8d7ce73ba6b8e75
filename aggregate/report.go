package aggregate

import (
	"context"

	"aggregator/catalog"
	"aggregator/lists"
	"aggregator/ratelimit"
	"aggregator/store"
)

// ReportRequest is a report and the tokens of the lists that it is for.
type ReportRequest struct {
	Report *lists.Report
	BotID  string // "" where the kind is Named
	Name   string // of a developer, where the kind is Named
	Values lists.ReportValues
	Tokens []NamedToken // in the order sent; a list that needs none is asked whatever stands there
	DryRun bool         // plan, and send nothing
}

// ReportAnswer is what the lists said to a report.
type ReportAnswer struct {
	Report  *lists.Report
	Results []ReportResult      // of the lists asked, in catalog order
	Skipped []Skipped           // of the lists not asked, in the order of the request
	DryRun  bool                // nothing was sent, and Planned is what would have been
	Planned []lists.Call        // in catalog order
	Window  *ratelimit.Decision // nil: no window was used
}

// ReportResult is what one list said to a report.
type ReportResult struct {
	Result
	Totals lists.Totals // where the report Yields totals, and the list has told them
	JSON   []byte       // where it Yields data, what the list said, if that is JSON
}

// AsCount returns what lists said as if they had been posted a count.
func (a ReportAnswer) AsCount() CountAnswer {
	count := CountAnswer{Skipped: a.Skipped, DryRun: a.DryRun, Planned: a.Planned, Results: make([]Result, len(a.Results))}
	for i, r := range a.Results {
		count.Results[i] = r.Result
	}
	return count
}

// Report sends a report to the lists that the request names. One that changes
// something runs to its end even if the caller leaves. The error is an
// *InvalidError, a *LimitedError, ErrBusy, or an internal one.
func (a *Aggregator) Report(ctx context.Context, r ReportRequest, from Caller) (ReportAnswer, error) {
	switch named := r.Report.Named(); {
	case named && !lists.IsDeveloper(r.Name):
		return ReportAnswer{}, invalid("'name' must be 1 to 64 letters, digits, dots, dashes or underscores")
	case !named && !lists.IsSnowflake(r.BotID):
		return ReportAnswer{}, invalid("'bot_id' must be a snowflake")
	}
	r.Values = r.Report.Complete(r.Values, a.Now())
	result, err := ask(ctx, a, a.reports[r.Report], r, from)
	result.answer.Window = result.window
	return result.answer, err
}

// NewReportLimits returns the limits of all kinds of reports, kept in st, under keys
// made by hash.
func NewReportLimits(st store.Windows, hash func(parts ...string) store.Key) map[*lists.Report]*ratelimit.Limiter {
	all := map[*lists.Report]*ratelimit.Limiter{}
	for _, kind := range lists.Reports() {
		all[kind] = ratelimit.New(st, ratelimit.Rate{Limit: kind.Requests, Period: kind.Interval}, hash)
	}
	return all
}

func (a *Aggregator) reportOperations() map[*lists.Report]*operation[ReportRequest, ReportAnswer] {
	all := map[*lists.Report]*operation[ReportRequest, ReportAnswer]{}
	for _, kind := range lists.Reports() {
		all[kind] = &operation[ReportRequest, ReportAnswer]{
			op:      kind.Op,
			window:  kind.Op.Name,
			limit:   a.ReportLimits[kind],
			botID:   func(r ReportRequest) string { return r.BotID },
			userID:  func(r ReportRequest) string { return r.Name },
			dryRun:  func(r ReportRequest) bool { return r.DryRun },
			plan:    a.planReport,
			merge:   mergeReport,
			servers: reportedServers,
			toEnd:   !kind.Reads(),
		}
	}
	return all
}

// planReport plans a report in catalog order, and says why each other list that
// was named is not asked.
func (a *Aggregator) planReport(c *catalog.Catalog, r ReportRequest, from Caller) ([]planned, []Skipped) {
	userAgent := a.userAgent(from)
	of := lists.ReportSubject{BotID: r.BotID, Name: r.Name}
	return planNamed(c, r.Tokens, func(n namedList) (lists.Call, *lists.Skip) {
		call, why := n.list.PlanReport(r.Report, of, r.Values, n.best.Token, userAgent)
		if bad := n.best.Bad; bad != nil && n.list.Supports(r.Report.Op) && (why != nil || call.Keyed()) {
			why = bad // what is wrong with the token comes before what it lacks
		}
		return call, why
	})
}

// reportedServers returns how many servers the bot is on, where the report says so
// and a list has taken it.
func reportedServers(r ReportRequest, d asked, _ ReportAnswer) (n int64, ok bool) {
	n, ok = r.Report.Number(r.Values, lists.ServerCount.String())
	return n, ok && d.anyOK()
}

// mergeReport returns what the lists said, or what they would have been asked.
func mergeReport(r ReportRequest, d asked) ReportAnswer {
	answer := ReportAnswer{Report: r.Report, Skipped: d.skipped}
	if r.DryRun {
		answer.DryRun, answer.Planned = true, calls(d.plan)
		return answer
	}
	answer.Results = make([]ReportResult, len(d.plan))
	for i, p := range d.plan {
		result := ReportResult{Result: Result{List: p.call.List.ID, Verdict: d.verdicts[i], Sent: p.call.Sent, Took: d.answers[i].Took}}
		switch r.Report.Yields {
		case lists.YieldTotals:
			if result.OK {
				result.Totals = p.call.Totals(d.answers[i])
			}
		case lists.YieldData:
			result.JSON, result.Text = p.call.Data(d.answers[i])
		}
		answer.Results[i] = result
	}
	return answer
}

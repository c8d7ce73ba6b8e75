package aggregator

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"aggregator/aggregate"
	"aggregator/lists"
)

// ReportRequest is what a bot tells lists beside its count, or asks them, and the
// lists that it is for.
type ReportRequest struct {
	Kind  string // what it is, one of ReportKinds
	BotID string // the bot's Discord snowflake; "" of "developer"
	Name  string // the developer's, of "developer"

	// Values are what it says, by the names that the API has for them, such as
	// "online" of a heartbeat: each is what encoding/json writes, such as true, or a
	// json.RawMessage of commands as Discord returns them.
	Values map[string]any

	// Tokens are the lists, and the bot's tokens there: for heartbeats and errors its
	// bridge keys, where a list gives out such. "invalidate" makes these very tokens
	// invalid.
	Tokens    Tokens
	UserAgent string // sent to lists; "": that of Options
	DryRun    bool   // plan, send nothing, and use nothing up
}

// ReportAnswer is what the lists said to a report: a result for each that was asked,
// and a Skipped for each that was named and not asked, most often because it takes no
// such report.
type ReportAnswer = aggregate.ReportAnswer

// ReportResult is what one list said to a report: whether it took it, and what it
// told where it was asked.
type ReportResult = aggregate.ReportResult

// ReportKinds returns the kinds of reports: "commands", "heartbeat" and so on, as they
// are called in the entries of lists that take them.
func ReportKinds() []string {
	var all []string
	for _, kind := range lists.Reports() {
		all = append(all, kind.Part)
	}
	return all
}

// Report sends a report to those lists that r.Tokens names and that take such, all at
// once, and returns what each of them said. A list has 10 s to answer, 3 s where it is
// only asked. Reports that change something run to their end even if ctx ends.
//
// The error is an *[InvalidError] for a request that can never be sent, [ErrBusy] or
// [ErrClosed], or that of ctx where it ended before a list was asked. Any other is of
// the store.
func (a *Aggregator) Report(ctx context.Context, r ReportRequest) (ReportAnswer, error) {
	request := aggregate.ReportRequest{BotID: r.BotID, Name: r.Name, Tokens: r.Tokens.named(), DryRun: r.DryRun}
	for _, kind := range lists.Reports() {
		if kind.Part == r.Kind {
			request.Report = kind
		}
	}
	if request.Report == nil {
		return ReportAnswer{}, &InvalidError{Message: fmt.Sprintf("'kind' must be one of %s, is %q", strings.Join(ReportKinds(), ", "), r.Kind)}
	}
	values := []byte("{}")
	if r.Values != nil {
		var err error
		if values, err = json.Marshal(r.Values); err != nil {
			return ReportAnswer{}, &InvalidError{Message: "'values' cannot be written as JSON: " + err.Error()}
		}
	}
	var err error
	if request.Values, err = request.Report.ParseObject(values); err != nil {
		return ReportAnswer{}, &InvalidError{Message: err.Error()}
	}
	return a.engine.Aggregator.Report(ctx, request, aggregate.Caller{UserAgent: r.UserAgent})
}

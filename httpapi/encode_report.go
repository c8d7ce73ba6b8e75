package httpapi

import (
	"io"

	"aggregator/aggregate"
	"aggregator/lists"
	"aggregator/rawjson"
)

// EncodeReport writes the body that answers a report: as that of a count; or
// {"lists": {id: {"total", "period_total", "period"}}, "failure": {id: [status,
// text]}, "skipped": {id: why}} for totals of votes, null for what is not told; or
// {"lists": {id: [data, status]}, "skipped": {id: why}} for what lists say of a
// developer. The error is that of w.
func EncodeReport(w io.Writer, a aggregate.ReportAnswer) error {
	if a.DryRun || a.Report.Yields == lists.YieldVerdicts {
		return EncodeCount(w, a.AsCount())
	}
	e := newEncoder(w)
	e.b = append(e.b, '{')
	e.object("lists")
	for _, r := range a.Results {
		switch {
		case a.Report.Yields == lists.YieldData:
			e.data(r)
		case r.OK:
			e.totals(r)
		}
	}
	e.end()
	if a.Report.Yields == lists.YieldTotals {
		e.failures(a.Results)
	}
	e.skipped(a.Skipped)
	e.end()
	return e.flush()
}

// failures encodes which lists did not say what they were asked.
func (e *encoder) failures(all []aggregate.ReportResult) {
	e.object("failure")
	for _, r := range all {
		if !r.OK {
			e.failure(r.List, r.Status, r.Text)
		}
	}
	e.end()
}

// failure encodes what a list said that did not say what it was asked.
func (e *encoder) failure(list string, status int, text string) {
	e.b = append(rawjson.AppendKey(e.b, list), '[')
	e.b = append(rawjson.AppendInt(e.b, int64(status)), ',')
	e.text(text)
	e.b = append(e.b, ']')
}

// data encodes what a list said, as it said it.
func (e *encoder) data(r aggregate.ReportResult) {
	e.b = append(rawjson.AppendKey(e.b, r.List), '[')
	if r.JSON != nil {
		e.raw(r.JSON)
	} else {
		e.text(r.Text)
	}
	e.b = append(rawjson.AppendInt(append(e.b, ','), int64(r.Status)), ']')
}

// totals encodes how many votes a bot has at a list.
func (e *encoder) totals(r aggregate.ReportResult) {
	e.object(r.List)
	e.number("total", r.Totals.Total)
	e.number("period_total", r.Totals.PeriodTotal)
	e.optional("period", r.Totals.Period)
	e.end()
}

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"

	"aggregator/agent"
	"aggregator/aggregate"
	"aggregator/httpapi"
	"aggregator/internal/near"
	"aggregator/lists"
)

// reportFlags are the flags of try that have a report tried in place of a count.
type reportFlags struct {
	part      string // of an entry, which names the kind; "": no report is tried
	values    string // file with the values
	developer string
}

func (f *reportFlags) add(fs *flag.FlagSet) {
	fs.StringVar(&f.part, "report", "", "`KIND` of report that the list is sent instead of counts, a part of its entry: "+strings.Join(reportParts(), ", "))
	fs.StringVar(&f.values, "values", "", "`FILE` with the values of that report, true ones, as a JSON object; - for standard input")
	fs.StringVar(&f.developer, "developer", "", "`NAME` of a developer, of whom --report developer asks")
}

func reportParts() (all []string) {
	for _, kind := range lists.Reports() {
		all = append(all, kind.Part)
	}
	return all
}

// check returns the report that the flags ask for, without its token; none is asked
// for where its kind is nil. The error is a usageError, or that of the file.
func (f *reportFlags) check(env environment, bot string) (r aggregate.ReportRequest, err error) {
	if f.part == "" {
		if f.values != "" || f.developer != "" {
			err = usagef("--values and --developer go with --report")
		}
		return r, err
	}
	parts := reportParts()
	i := slices.Index(parts, f.part)
	if i < 0 {
		return r, usagef("unknown kind of report %q%s", f.part, near.Suggestion(f.part, parts))
	}
	kind := lists.Reports()[i]
	body, name := []byte("{}"), "--values"
	if f.values != "" {
		if body, name, err = readInput(env, f.values, "values", agent.MaxCommands); err != nil {
			return r, err
		}
	}
	if kind.Named() {
		bot = ""
	}
	r, err = httpapi.ParseReport(kind, bot, body)
	r.Name = f.developer
	var bad *aggregate.InvalidError
	switch {
	case errors.As(err, &bad):
		return r, usagef("%s: %s", name, bad.Error())
	case err != nil:
		return r, err
	case len(r.Tokens) > 0:
		return r, usagef("%s: %q is no value of %s", name, r.Tokens[0].ID, kind.Part)
	case kind.Named() != (f.developer != ""):
		return r, usagef("--developer goes with --report developer, which needs it")
	case kind.Named() && !lists.IsDeveloper(f.developer):
		return r, usagef("--developer must be 1 to 64 letters, digits, dots, dashes or underscores")
	}
	return r, nil
}

// report sends the list a report. The error is errReported where that failed.
func (t trial) report(ctx context.Context, request aggregate.ReportRequest) error {
	what := request.Report.Part
	request.Tokens = []aggregate.NamedToken{{ID: t.list.ID, Token: t.token}}
	request.DryRun = true
	var sent *lists.Request
	if planned, err := t.aggregator.Report(ctx, request, aggregate.Caller{}); err == nil && len(planned.Planned) > 0 {
		masked := planned.Planned[0].Masked()
		sent = &masked
	}
	request.DryRun = false
	answer, err := t.aggregator.Report(ctx, request, aggregate.Caller{})
	ok := false
	switch {
	case err != nil:
		t.say(what, resultFailed, err.Error(), nil)
	case len(answer.Results) == 0:
		ok = t.skipped(what, answer.Skipped)
	case !answer.Results[0].OK:
		r := answer.Results[0]
		t.say(what, resultFailed, fmt.Sprintf("%s: %d %s", r.Why, r.Status, shorten(r.Text+string(r.JSON), 200)), sent)
	default:
		ok = t.say(what, resultOK, reportSaid(answer.Results[0]), sent)
	}
	if !ok {
		return errReported
	}
	return nil
}

// reportSaid returns what a list said to a report that went well.
func reportSaid(r aggregate.ReportResult) string {
	var found []string
	for _, total := range []struct {
		name string
		n    *int64
	}{{"total", r.Totals.Total}, {"period_total", r.Totals.PeriodTotal}} {
		if total.n != nil {
			found = append(found, fmt.Sprintf("%s %d", total.name, *total.n))
		}
	}
	if found != nil {
		return strings.Join(found, ", ")
	}
	return fmt.Sprintf("%d %s", r.Status, shorten(r.Text+string(r.JSON), 200))
}

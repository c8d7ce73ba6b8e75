package lists

import (
	"fmt"

	"aggregator/rawjson"
)

// totalsPaths are where an answer holds how many votes a bot has, compiled.
type totalsPaths struct {
	total, period []step // nil: it does not tell
	name          string // of the period
}

// totals compiles where an answer holds totals of votes.
func (c *checker) totals(part string, r *Report, e *TotalsEntry) (t totalsPaths) {
	switch {
	case r.Yields != YieldTotals && e != nil:
		c.add(part+".read", "says where an answer holds votes, but nothing is read of this report's answers")
	case r.Yields == YieldTotals && (e == nil || e.Total == "" && e.PeriodTotal == ""):
		c.add(part+".read", "must say where the answer holds total or period_total")
	case e != nil:
		if e.Total != "" {
			t.total = c.steps(part+".read.total", e.Total)
		}
		if e.PeriodTotal != "" {
			t.period = c.steps(part+".read.period_total", e.PeriodTotal)
		}
		if t.name = e.Period; (e.Period == "") != (e.PeriodTotal == "") {
			c.add(part+".read.period", "goes with period_total: give both, or neither")
		}
	}
	return t
}

// judge finds an answer to a report good as one to a post is, or as one to a
// reading where nothing is changed.
func (d *reportDialect) judge(c Call, a Answer) Verdict {
	if !d.report.reads {
		v := d.judging.judge(c, a)
		v.Revoked = v.OK && d.report.revokes
		return v
	}
	v := judgeReading(c, a)
	v.Text = c.Hide(a.Reason)
	if a.Status != NoAnswer {
		v.Text = c.Hide(Text(a.Body))
	}
	if v.OK && d.report.Yields == YieldTotals {
		if _, err := d.readTotals(a); err != nil {
			v.OK, v.Why = false, hiding(err, c.Hide)
		}
	}
	return v
}

// Totals is how many votes a bot has at a list.
type Totals struct {
	Total       *int64 // of all time; nil: the list does not tell
	PeriodTotal *int64 // of the current period; nil: the list does not tell
	Period      string // month or quarter; "": there is none
}

// Totals returns what an answer to a call for vote totals says. It is for answers
// that were found good.
func (c Call) Totals(a Answer) Totals {
	t, err := c.plan.(*reportPlan).readTotals(a)
	if err != nil {
		return Totals{}
	}
	return t
}

func (d *reportDialect) readTotals(a Answer) (Totals, error) {
	answer, ok := a.statement()
	if !ok {
		return Totals{}, fmt.Errorf("the answer is not JSON")
	}
	t := Totals{Period: d.totals.name}
	var err error
	if t.Total, err = number("total", answer, d.totals.total); err != nil {
		return Totals{}, err
	}
	if t.PeriodTotal, err = number("period_total", answer, d.totals.period); err != nil {
		return Totals{}, err
	}
	return t, nil
}

// number returns the whole number at a path, which may be written as a string; nil
// where there is no path.
func number(what string, answer rawjson.Value, path []step) (*int64, error) {
	if path == nil {
		return nil, nil
	}
	for _, v := range (&node{value: answer}).walk(path) {
		if text, isText := v.Text(); isText {
			v, _ = rawjson.Parse([]byte(text))
		}
		if n, isWhole, inRange := WholeNumber(v); isWhole && inRange {
			return &n, nil
		}
	}
	return nil, fmt.Errorf("the answer holds no whole number for %s", what)
}

// Data returns what an answer to the call says, as it says it, without secrets:
// JSON where it is that, or else a text.
func (c Call) Data(a Answer) (json []byte, text string) {
	if a.Status == NoAnswer {
		return nil, c.Hide(a.Reason)
	}
	hidden := []byte(c.Hide(string(a.Body)))
	if v, ok := rawjson.Parse(hidden); ok && v.Portable() {
		return v.Raw(), ""
	}
	return nil, Text(hidden)
}

// ReportRules says in sentences how the list's answers to reports of a kind are
// judged, and what holds the next one back; nil where it takes none.
func (l *List) ReportRules(r *Report) []string {
	d := l.reports[r.index()]
	if d == nil {
		return nil
	}
	var rules []string
	if !r.reads {
		rules = d.judging.rules("It")
	}
	return append(append(rules, d.limitsOf(&l.Entry)...), d.endpoint.rules()...)
}

// limitsOf says in sentences how much of each value the list takes, and where its
// answers hold what.
func (d *reportDialect) limitsOf(entry *Entry) (rules []string) {
	for i, most := range d.most {
		v := d.report.Values[i]
		switch {
		case most == 0:
		case v.Kind == ValueText:
			rules = append(rules, fmt.Sprintf("Of %s it takes %d characters; the rest is cut off.", v.Name, most))
		default:
			rules = append(rules, fmt.Sprintf("Of %s it takes at most %d; with more nothing is sent.", v.Name, most))
		}
	}
	if e := d.report.Entry(entry).Read; e != nil && e.Total != "" {
		rules = append(rules, "All votes: "+e.Total)
	}
	if e := d.report.Entry(entry).Read; e != nil && e.PeriodTotal != "" {
		rules = append(rules, "Votes of this "+e.Period+": "+e.PeriodTotal)
	}
	if d.bridge {
		rules = append(rules, "It takes the bot's bridge key, not its token.")
	}
	return rules
}

// ReportNotes says in a few words each what is not as usual where the list takes
// reports of a kind; nil where all is, or it takes none.
func (l *List) ReportNotes(r *Report) (notes []string) {
	d := l.reports[r.index()]
	if d == nil {
		return nil
	}
	if d.bridge {
		notes = append(notes, "with the bridge key")
	}
	var taken []string
	for i, v := range r.Values {
		if d.takes[i] {
			taken = append(taken, v.Name)
		}
		if d.most[i] > 0 && v.Kind != ValueText {
			notes = append(notes, fmt.Sprintf("at most %d", d.most[i]))
		}
	}
	switch {
	case len(taken) == len(r.Values):
	case d.onlyIf > 0 && len(taken) == 0:
		notes = append(notes, "only if "+r.Values[d.onlyIf-1].Name)
	case len(taken) == 0:
		notes = append(notes, "without values")
	default:
		notes = append(notes, "only "+andAll(taken))
	}
	if d.command != nil {
		notes = append(notes, "in its own shape")
	}
	if r.Entry(&l.Entry).Counts {
		notes = append(notes, "which set the count too")
	}
	return notes
}

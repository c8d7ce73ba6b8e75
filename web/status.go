package web

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"aggregator/health"
	"aggregator/lists"
)

// statusBody is the body of the page that says how lists are.
type statusBody struct {
	Line    string
	Trouble []troubleNote
	Rows    []statusRow
	Unasked []*lists.List // that were not asked in 90 days
	Probed  bool          // some of the calls were made by the service itself
}

// troubleNote says when a list was down.
type troubleNote struct {
	*lists.List
	Lasts bool
	Text  string
}

// statusRow is how a list is.
type statusRow struct {
	*lists.List
	*listHealth
}

// listHealth is how a list is, ready to be shown.
type listHealth struct {
	How     health.List
	Mark    stateMark
	Hours   barChart
	Days    barChart
	Calls   string   // in 24 hours, with probes
	Failure string   // why the last call failed that did; "" for none
	Words   []string // sentences beside the Mark
}

// newListHealth makes a listHealth, but for its Days, which take the most room.
func newListHealth(how health.List) *listHealth {
	h := &listHealth{
		How: how, Mark: markOf(how), Hours: drawBars(how.Hours, barHours), Calls: count(how.Calls, "call", "calls"),
	}
	for _, words := range how.Words() {
		if words = strings.ToUpper(words[:1]) + words[1:]; words != h.Mark.Words {
			h.Words = append(h.Words, words+".")
		}
	}
	if how.Probes > 0 {
		h.Calls += ", " + count(how.Probes, "of them a probe", "of them probes")
	}
	if !how.LastFailure.At.IsZero() {
		h.Failure = how.LastFailure.Reason()
	}
	return h
}

// status answers with the page that says how lists are.
func (s *Site) status(w http.ResponseWriter, r *http.Request) error {
	c := s.Catalog.Current()
	all := s.all.of(c)
	v := view{
		Title: "Status", Description: stateLine(all) + ".", Nav: "status", Twin: "/api/status", AsOf: s.Now(),
	}
	if len(all) > 0 {
		v.AsOf = all[0].AsOf
	}
	body := statusBody{Line: stateLine(all)}
	for _, how := range all {
		if l, ok := c.List(how.ID); ok {
			body.add(l, how)
		}
	}
	body.sort()
	v.Body = body
	return s.render(w, r, http.StatusOK, "status", v)
}

// add adds a list to the page.
func (b *statusBody) add(l *lists.List, how health.List) {
	for _, o := range how.Outages {
		b.Trouble = append(b.Trouble, troubleNote{l, o.To.IsZero(), o.String()})
	}
	if how.Quarter.Calls == 0 {
		b.Unasked = append(b.Unasked, l)
		return
	}
	b.Rows = append(b.Rows, statusRow{l, newListHealth(how)})
	b.Probed = b.Probed || how.Probes > 0
}

// sort orders what the page shows: what is worst stands first.
func (b *statusBody) sort() {
	slices.SortFunc(b.Rows, func(x, y statusRow) int {
		return cmp.Or(cmp.Compare(x.How.State(), y.How.State()), byName(x.List, y.List))
	})
	slices.SortStableFunc(b.Trouble, func(x, y troubleNote) int {
		if x.Lasts != y.Lasts {
			if x.Lasts {
				return -1
			}
			return 1
		}
		return strings.Compare(x.ID, y.ID)
	})
	slices.SortFunc(b.Unasked, byName)
}

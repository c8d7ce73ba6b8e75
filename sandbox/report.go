package sandbox

import (
	"cmp"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"aggregator/lists"
)

// report is how a list takes reports of one kind.
type report struct {
	kind   *lists.Report
	spec   *lists.ReportEntry
	fields *fields // what stands in a body or a query; nil: nothing does, or one value is all of it
}

// totalVotes is how many votes every bot has, and periodVotes in the period.
const (
	totalVotes  = 1337
	periodVotes = 42
)

// newReport returns where a list takes reports of a kind; nil if it takes none at a
// place of their own.
func newReport(l *lists.List, kind *lists.Report, state *list) *endpoint {
	spec := kind.Entry(&l.Entry)
	if spec == nil || spec.URL == "" {
		return nil
	}
	e := newEndpoint(spec.URL, spec.Headers, state)
	e.method = http.MethodPost
	if kind.Reads() {
		e.method = http.MethodGet
	}
	e.method = cmp.Or(spec.Method, e.method)
	e.auth = reportAuth(l, kind, spec)
	e.success, e.empty = spec.Success, spec.Answer == "empty"
	if len(spec.Wait) > 0 {
		e.wait = spec.Wait[0]
	}
	e.report = &report{kind: kind, spec: spec}
	if sends := len(spec.Fields)+len(spec.Constants) > 0; sends && spec.Whole == "" {
		e.report.fields = newReportFields(spec, e.auth)
	}
	return e
}

// reportAuth is where a list looks for the credential of a report; nil where anyone
// may ask.
func reportAuth(l *lists.List, kind *lists.Report, spec *lists.ReportEntry) *auth {
	shared := spec.Auth
	switch {
	case shared != nil || spec.Credential == "bridge_key":
	case kind.Reads() && (l.Get == nil || l.Get.Auth == nil):
		return nil
	case kind.Reads():
		shared = l.Get.Auth
	case l.Post != nil:
		shared = l.Post.Auth
	}
	return newAuth(cmp.Or(shared, &lists.AuthEntry{}))
}

func newReportFields(spec *lists.ReportEntry, a *auth) *fields {
	f := &fields{encoding: cmp.Or(spec.Body, "json"), constants: map[string]any{}, known: map[string]bool{}}
	f.addConstants(spec.Constants)
	for _, names := range spec.Fields {
		for _, name := range names {
			f.know(name)
		}
	}
	if a != nil && a.in == "body" {
		f.token = a.name
		f.know(a.name)
	}
	return f
}

// serveReport answers a report and records it.
func (l *list) serveReport(e *endpoint, r *http.Request, body []byte, of ids, query url.Values, now time.Time) answer {
	p := Post{r.Method, e.scheme + "://" + r.Host + r.URL.RequestURI(), r.Header.Clone(), body, 0}
	token, found, err := e.checkReport(r, body, &of, query)

	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.answerReport(e, r, token, found, of, err, now)
	p.Status = a.status
	l.record(p)
	return a
}

// answerReport answers a report that was checked. Callers hold mu.
func (l *list) answerReport(e *endpoint, r *http.Request, token string, found map[string]any, of ids, err error, now time.Time) answer {
	switch {
	case err != nil:
		return e.refused(err)
	case e.auth != nil && (l.refusesAll || l.isGone(token)):
		return e.refused(refuse(http.StatusUnauthorized, "Token is not known"))
	}
	if wait := l.admit(map[string]string{"address": address(r)}, now); wait > 0 {
		return e.tooEarly(wait, now)
	}
	who := map[string]string{"token": token, "bot": of.snowflake, "address": address(r)}
	if wait := l.take(e.report.spec.Limits, e.report.kind.Part, who, now); wait > 0 {
		return e.tooEarly(wait, now)
	}
	switch kind := e.report.kind; {
	case kind.Revokes():
		l.gone.set(token, true)
	case kind.Yields == lists.YieldTotals:
		return answer{http.StatusOK, http.Header{}, showTotals(nil, e.report.spec.Read)}
	case kind.Yields == lists.YieldData:
		return answer{http.StatusOK, http.Header{}, map[string]any{"username": "sandbox", "verified": true}}
	case e.report.spec.Counts:
		if n, ok := e.report.number(found, "server_count"); ok {
			l.store(cmp.Or(l.key(of, ""), token), count{servers: n})
		}
	}
	return e.accepted()
}

// checkReport checks a report, and returns its token and its fields. The token is
// "" unless it passes.
func (e *endpoint) checkReport(r *http.Request, body []byte, of *ids, query url.Values) (token string, found map[string]any, err error) {
	f := e.report.fields
	if e.auth != nil && e.auth.in != "body" {
		if token, err = e.auth.token(r.Header, query); err != nil {
			return "", nil, err
		}
	}
	switch {
	case e.report.spec.Whole != "":
		err = e.report.checkWhole(r.Header, body)
	case f == nil:
		if len(body) > 0 || len(r.Header.Values("Content-Type")) > 0 {
			err = refuse(http.StatusUnsupportedMediaType, "There must be no body")
		}
	default:
		found, err = f.read(r.Header, body, query)
		query = nil
	}
	if err == nil {
		err = nothingIn(query)
	}
	if err != nil {
		return token, nil, err
	}
	if f != nil && f.token != "" {
		text, _ := found[f.token].(string)
		if token, err = e.auth.check([]string{text}); err != nil {
			return "", nil, err
		}
	}
	if err = e.report.check(found, of); err != nil {
		return token, found, err
	}
	return token, found, e.checkHeaders(r.Header, of)
}

// checkWhole checks a body that is one value.
func (p *report) checkWhole(h http.Header, body []byte) error {
	if err := checkContentType(h, "application/json"); err != nil {
		return err
	}
	v, err := decode(body)
	if err != nil {
		return refuse(http.StatusBadRequest, "Body cannot be read: %v", err)
	}
	return p.checkValue("Body", p.spec.Whole, v)
}

// check checks the fields of a report, and notes the ids among them.
func (p *report) check(found map[string]any, of *ids) error {
	if p.fields == nil {
		return nil
	}
	if err := p.fields.checkConstants(found); err != nil {
		return err
	}
	for _, value := range sortedKeys(p.spec.Fields) {
		for _, name := range p.spec.Fields[value] {
			v, given := found[name]
			if !given {
				if p.isRequired(value) {
					return refuse(http.StatusBadRequest, "Field %q is missing", name)
				}
				continue
			}
			if err := p.checkID(value, name, v, of); err != nil {
				return err
			}
			if err := p.checkValue("Field "+name, value, v); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *report) isRequired(value string) bool {
	for _, v := range p.kind.Values {
		if v.Name == value {
			return v.Required
		}
	}
	return true // an id
}

// checkID checks a field that holds an id, and notes it.
func (p *report) checkID(value, name string, v any, of *ids) error {
	text, _ := v.(string)
	if n, ok := v.(json.Number); ok {
		text = n.String()
	}
	ok := true
	switch value {
	case lists.BotID.String():
		ok = snowflake.match(text, of)
	case lists.ListBotID.String():
		ok = listBotID.match(text, of)
	}
	if !ok {
		return refuse(http.StatusBadRequest, "Field %q must be an id of the bot", name)
	}
	return nil
}

// checkValue checks that a value is of its kind, and not more than the list takes.
func (p *report) checkValue(where, value string, v any) error {
	for _, row := range p.kind.Values {
		if row.Name == value && !p.isOf(row.Kind, v, p.spec.Most[value]) {
			return refuse(http.StatusBadRequest, "%s must hold %s as the entry says", where, strings.ReplaceAll(value, "_", " "))
		}
	}
	return nil
}

// isOf reports whether a value that was sent is of a kind. most is how much of it
// the list takes; 0: as much as there is.
func (p *report) isOf(kind lists.ValueKind, v any, most int64) bool {
	text, isText := v.(string)
	if p.fields != nil && p.fields.encoding != "json" {
		return isText
	}
	switch kind {
	case lists.ValueFlag:
		_, ok := v.(bool)
		return ok
	case lists.ValueWhole, lists.ValuePercent:
		_, ok := v.(json.Number)
		return ok
	case lists.ValueTexts, lists.ValueCommands:
		all, ok := v.([]any)
		return ok && (most == 0 || int64(len(all)) <= most) && (p.spec.Command == nil || p.areCommands(all))
	}
	return isText && text != "" && (most == 0 || int64(len(text)) <= 4*most)
}

// areCommands reports whether commands look as the entry says.
func (p *report) areCommands(all []any) bool {
	for _, c := range all {
		object, ok := c.(map[string]any)
		for _, name := range p.spec.Command.Name {
			text, isText := object[name].(string)
			ok = ok && isText && text != ""
		}
		if !ok {
			return false
		}
	}
	return true
}

// number returns a number that a report holds.
func (p *report) number(found map[string]any, value string) (int64, bool) {
	for _, name := range p.spec.Fields[value] {
		if n, ok := found[name].(json.Number); ok {
			i, err := n.Int64()
			return i, err == nil
		}
	}
	return 0, false
}

// showTotals puts how many votes a bot has where an entry looks for it.
func showTotals(shape any, e *lists.TotalsEntry) any {
	if e == nil {
		return shape
	}
	if e.Total != "" {
		shape = place(shape, steps(e.Total), int64(totalVotes))
	}
	if e.PeriodTotal != "" {
		shape = place(shape, steps(e.PeriodTotal), int64(periodVotes))
	}
	return shape
}

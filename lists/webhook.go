package lists

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"aggregator/rawjson"
)

// Webhook is how a list tells of votes, checked and compiled.
type Webhook struct {
	entry  *WebhookEntry
	forms  []*form      // the first, and the second if there is one
	proofs []proof      // of all forms, the strongest first
	token  bool         // the posting token proves a request
	post   *postDialect // says how that token may be written; nil: as it is
}

// Delivery is a request to a webhook's address, as it came.
type Delivery struct {
	Header http.Header // in canonical form
	Query  url.Values
	Body   []byte
	Hides  *Masker // of secrets that nothing which is told of it may show; nil: none
}

// Event is what a webhook tells.
type Event struct {
	Ignored string // why it is no vote, in a word; "" for a vote. Of what is ignored nothing else is told but Raw.

	BotID, UserID string    // snowflakes; of a test the user may be any text
	Test          bool      // for trying out
	Removed       bool      // the vote was taken back
	Weight        int64     // how many votes it counts for; 0 where the list does not tell
	Weekend       *bool     // nil: the list does not say
	At            time.Time // when the user voted; zero where the list does not tell
	AtOfRequest   bool      // At is when the request was signed: sent again, the same vote may have another
	Until         time.Time // until when the vote counts; zero where that is not known
	ID            string    // the list's id of the vote, in what the proof covers; "" for none
	OtherID       string    // an id of the vote or its delivery, which the proof does not cover; "" for none
	Raw           []byte    // what the list sent, as JSON; of a JWT its claims
}

// Bounds on a vote's own time, beyond which it is a captured request.
const (
	maxAge   = 20 * time.Hour
	maxAhead = 5 * time.Minute
)

// ignoredOld is why a vote is ignored whose own time is beyond the bounds.
const ignoredOld = "old"

// Webhook returns how the list tells of votes; nil for a list that does not, or
// that is gone.
func (l *List) Webhook() *Webhook {
	if l.Defunct {
		return nil
	}
	return l.webhook
}

// Forms returns how many forms the list's webhooks have.
func (w *Webhook) Forms() int { return len(w.forms) }

// form is one form of a list's webhooks, compiled.
type form struct {
	entry         *WebhookForm
	proofs        []proof
	kind          *kinds // nil: each is about a vote
	ignored       []condition
	ids           identifying
	test, removed []condition
	weight        weighing
	time, until   timesAt
	timeHeader    string // in canonical form; "": none
	window        validity
}

// webhook compiles how a list tells of votes that takes counts as post says; nil
// if it tells of none.
func (c *checker) webhook(e *Entry, post *postDialect) *Webhook {
	spec := e.Webhook
	if spec == nil {
		return nil
	}
	window := c.window("webhook.window", spec.Window)
	if spec.Window == "" && e.Votes != nil {
		window = (&checker{}).window("", e.Votes.Window) // what is wrong with it is said already
	}
	w := &Webhook{entry: spec, token: spec.Secret == secretToken, post: post}
	add := func(part string, entry *WebhookForm) {
		f := c.form(part, entry)
		f.window = window
		for i := range f.proofs {
			f.proofs[i].form = len(w.forms)
		}
		w.forms = append(w.forms, f)
		w.proofs = append(w.proofs, f.proofs...)
	}
	add("webhook", &spec.WebhookForm)
	if spec.Otherwise != nil {
		if len(spec.Proof) == 0 || len(spec.Otherwise.Proof) == 0 {
			c.add("webhook.otherwise", "is told from the first form by its proof; name one for each")
		}
		add("webhook.otherwise", spec.Otherwise)
	}
	if w.token && post == nil && !c.defunct {
		c.add("webhook.secret", "is token, but no count is posted to the list")
	}
	c.proofOrder(w.proofs)
	c.settings("webhook.settings", spec)
	return w
}

func (c *checker) form(part string, e *WebhookForm) *form {
	f := &form{
		entry:   e,
		proofs:  c.proofs(part+".proof", e.Proof),
		kind:    c.kinds(part+".kind", e.Kind),
		ignored: c.ignored(part+".ignored", e.Ignored),
		ids:     c.identifying(part, e),
		test:    c.flags(part+".test", e.Test),
		removed: c.flags(part+".removed", e.Removed),
		time:    c.hookTimes(part+".time", e.Time),
		until:   c.hookTimes(part+".until", e.Until),
	}
	f.weight = c.weighing(part, e, f.kind)
	if e.TimeHeader != "" {
		f.timeHeader = c.headerName(part+".time_header", e.TimeHeader)
		if !slices.ContainsFunc(f.proofs, func(p proof) bool { return p.timestamp == f.timeHeader }) {
			c.add(part+".time_header", "must be the timestamp of a proof, or anyone could change it")
		}
	}
	return f
}

func (c *checker) hookTimes(field string, entries Times) timesAt {
	for _, e := range entries {
		if e.Unit == timeLeft {
			c.add(field+".unit", "is left, which a webhook cannot say")
		}
	}
	return c.times(field, entries)
}

// Read returns what a delivery about a bot tells, whose proof Verify found, at
// the time now. The error is for the list's people: it says which field is
// wrong.
func (w *Webhook) Read(d Delivery, p Proven, botID string, now time.Time) (Event, error) {
	body, err := bodyOf(d, p)
	if err != nil {
		return Event{}, err
	}
	f := w.forms[p.form]
	e := Event{Raw: body.Raw()}
	kind, err := f.readKind(body, d.Hides, &e)
	switch {
	case err != nil:
		return Event{}, err
	case e.Ignored != "":
		return Event{Ignored: e.Ignored, Raw: e.Raw}, nil
	}
	if err := f.ids.read(body, d.Header, p, botID, &e); err != nil {
		return Event{}, err
	}
	if !IsSnowflake(e.UserID) { // of a test
		e.UserID = d.Hides.Hide(e.UserID)
	}
	if err := f.readTimes(body, d, p, &e); err != nil {
		return Event{}, errors.New(hiding(err, d.Hides.Hide))
	}
	f.weight.read(body, kind, &e)
	if e.isOld(now) {
		return Event{Ignored: ignoredOld, Raw: e.Raw}, nil
	}
	return e, nil
}

// readKind reads what a request is about, whatever else it lacks.
func (f *form) readKind(body rawjson.Value, hides *Masker, e *Event) (kind string, err error) {
	if kind, err = f.kind.read(body, hides, e); err != nil || e.Ignored != "" {
		return kind, err
	}
	for _, c := range f.ignored {
		if c.holds(body) {
			e.Ignored = c.as
			return kind, nil
		}
	}
	e.Test = e.Test || anyHolds(f.test, body)
	e.Removed = e.Removed || anyHolds(f.removed, body)
	return kind, nil
}

// isOld reports whether the event is a vote of another time than now: a request
// that someone captured. Tests are repeated as they please, and a vote that is
// taken back may have the time at which it was made.
func (e *Event) isOld(now time.Time) bool {
	return !e.Test && !e.Removed && !e.At.IsZero() && (now.Sub(e.At) > maxAge || e.At.Sub(now) > maxAhead)
}

// bodyOf returns what was sent as JSON: the claims, where it was a JWT.
func bodyOf(d Delivery, p Proven) (rawjson.Value, error) {
	text := d.Body
	if p.claims != nil {
		text = p.claims
	}
	body, ok := Answer{Body: text}.statement()
	switch {
	case !ok || body.Kind() != rawjson.Object:
		return body, errors.New("body must be a JSON object")
	case !body.Portable():
		return body, errors.New("body is nested too deep, or holds a number with too many digits")
	}
	return body, nil
}

// readTimes reads when the vote was made, and until when it counts. A time that
// is written otherwise than the entry says is understood, where it can be: a
// list that changes how it writes times loses no vote.
func (f *form) readTimes(body rawjson.Value, d Delivery, p Proven, e *Event) (err error) {
	top := &node{value: body}
	if e.At, err = f.time.understood().latest(top, time.Time{}); err != nil {
		return err
	}
	if e.At.IsZero() && f.timeHeader != "" && p.Kind == ProofTimestamped { // which alone covers it
		e.At, e.AtOfRequest = parseUnix(d.Header.Get(f.timeHeader), 1000)
	}
	if e.Until, err = f.until.understood().latest(top, time.Time{}); err != nil {
		return err
	}
	if e.Until.IsZero() {
		e.Until = f.window.end(e.At)
	}
	return nil
}

// WebhookRules says in words what proves a list's webhooks, and what in them is
// read; nil for a list that tells of no votes.
func (l *List) WebhookRules() []string {
	w := l.Webhook()
	if w == nil {
		return nil
	}
	setup := w.Setup()
	var rules []string
	if setup.Where != "" {
		rules = append(rules, "set up: "+setup.Where+", "+setup.Page)
	}
	rules = append(rules, "secret: "+setup.Secret)
	for i, f := range w.forms {
		within := ""
		if i > 0 {
			within = "otherwise, "
		}
		for _, rule := range f.rules() {
			rules = append(rules, within+rule)
		}
	}
	return rules
}

// rules says in words what proves a request of the form, and what in it is read.
func (f *form) rules() (rules []string) {
	for i := range f.proofs {
		rules = append(rules, "proof: "+f.proofs[i].String())
	}
	rules = append(rules, f.kind.rules()...)
	for i := range f.ignored {
		rules = append(rules, fmt.Sprintf("ignored as %s: %s", f.ignored[i].as, f.ignored[i].String()))
	}
	rules = append(rules, f.ids.rules()...)
	rules = append(rules, flagRules("a test", f.test)...)
	rules = append(rules, flagRules("a vote taken back", f.removed)...)
	rules = append(rules, f.weight.rules()...)
	rules = append(rules, f.time.rule("voted at")...)
	if f.timeHeader != "" {
		rules = append(rules, "voted at: header "+f.timeHeader+" (Unix time)")
	}
	rules = append(rules, f.until.rule("until")...)
	if !f.window.isZero() {
		rules = append(rules, "window: "+f.window.String())
	}
	return rules
}

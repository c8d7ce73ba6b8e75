package lists

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"aggregator/rawjson"
)

// Webhook is how a list tells of votes, checked and compiled.
type Webhook struct {
	forms  []*form      // the first, and the second if there is one
	proofs []proof      // of all forms, the strongest first
	token  bool         // the posting token proves a request
	post   *postDialect // says how that token may be written; nil: as it is
}

// Delivery is a request to a webhook's address, as it came.
type Delivery struct {
	Header http.Header
	Query  url.Values
	Body   []byte
}

// Event is what a webhook tells.
type Event struct {
	Ignored string // why it is no vote, in a word; "" for a vote. Then the rest says nothing.

	BotID, UserID string
	Test          bool // for trying out
	Removed       bool // the vote was taken back
	Weight        int64
	Weekend       *bool     // nil: the list does not say
	At            time.Time // when the user voted; zero where the list does not tell
	Until         time.Time // until when the vote counts; zero where that is not known
	ID            string    // the list's id of the vote, which the proof covers; ""
	OtherID       string    // the list's id of the vote or its delivery, which no proof covers; ""
	Raw           []byte    // what the list sent, as JSON
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

// form is one form of a list's webhooks, compiled.
type form struct {
	entry      *WebhookForm
	proofs     []proof
	kind       *kinds // nil: each is about a vote
	ignored    []condition
	user, bot  paths
	test       []condition
	removed    []condition
	weight     paths
	weights    map[string]int64 // by kind, in small letters
	weekend    paths
	time       timesAt
	until      timesAt
	id         paths
	botHeader  string // in canonical form; "": none
	timeHeader string // likewise
	idHeader   string // likewise
	window     validity
}

// paths are the places in which a value may be.
type paths [][]string

// first returns the first value that is there, null aside; zero for none.
func (all paths) first(v rawjson.Value) rawjson.Value {
	for _, path := range all {
		if found := optional(follow(v, path)); !found.IsZero() {
			return found
		}
	}
	return rawjson.Value{}
}

// kinds are what a request may be about, in small letters.
type kinds struct {
	path                  []string
	votes, tests, removed []string
}

// condition is something that may hold of a request.
type condition struct {
	path    []string
	is      rawjson.Value // zero: none is asked for
	not     rawjson.Value // zero: likewise
	present bool
	as      string // of one that makes a request ignored
}

// holds reports whether the condition holds of a body.
func (c *condition) holds(body rawjson.Value) bool {
	found := follow(body, c.path)
	switch {
	case c.present:
		return !optional(found).IsZero()
	case !c.not.IsZero():
		return !sameScalar(found, c.not)
	case !c.is.IsZero():
		return sameScalar(found, c.is)
	}
	return isTrue(found)
}

// isTrue reports whether a flag says yes: true, 1, "true" or "1".
func isTrue(flag rawjson.Value) bool {
	text := scalar(flag)
	is, _ := flag.Bool()
	return is || text == "1" || strings.EqualFold(text, "true")
}

func anyHolds(all []condition, body rawjson.Value) bool {
	return slices.ContainsFunc(all, func(c condition) bool { return c.holds(body) })
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
	w := &Webhook{token: spec.Secret == "token", post: post}
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
		if len(spec.Otherwise.Proof) == 0 {
			c.add("webhook.otherwise.proof", "is required: it tells the forms apart")
		}
		add("webhook.otherwise", spec.Otherwise)
	}
	c.proofOrder(w.proofs)
	return w
}

func (c *checker) form(part string, e *WebhookForm) *form {
	f := &form{entry: e, weights: map[string]int64{}}
	f.proofs = c.proofs(part+".proof", e.Proof)
	f.kind = c.kinds(part+".kind", e.Kind)
	for i, entry := range e.Ignored {
		f.ignored = append(f.ignored, c.ignored(fmt.Sprintf("%s.ignored[%d]", part, i), entry))
	}
	if len(e.User) == 0 {
		c.add(part+".user", "is required")
	}
	f.user, f.bot = c.paths(part+".user", e.User), c.paths(part+".bot", e.Bot)
	f.test, f.removed = c.flags(part+".test", e.Test), c.flags(part+".removed", e.Removed)
	c.weighing(part, e, f)
	f.time, f.until = c.hookTimes(part+".time", e.Time), c.hookTimes(part+".until", e.Until)
	f.id = c.paths(part+".id", e.ID)
	c.hookHeaders(part, e, f)
	return f
}

// hookHeaders compiles the headers in which something stands.
func (c *checker) hookHeaders(part string, e *WebhookForm, f *form) {
	for _, h := range []struct {
		key, name string
		to        *string
	}{
		{"bot_header", e.BotHeader, &f.botHeader}, {"time_header", e.TimeHeader, &f.timeHeader}, {"id_header", e.IDHeader, &f.idHeader},
	} {
		if h.name != "" {
			*h.to = c.headerName(part+"."+h.key, h.name)
		}
	}
	if f.timeHeader != "" && !slices.ContainsFunc(f.proofs, func(p proof) bool { return p.timestamp == f.timeHeader }) {
		c.add(part+".time_header", "must be the timestamp of a proof, or anyone could change it")
	}
}

func (c *checker) paths(field string, names Names) paths {
	var all paths
	for _, name := range names {
		all = append(all, c.path(field, name))
	}
	return all
}

func (c *checker) hookTimes(field string, entries Times) timesAt {
	for _, e := range entries {
		if e.Unit == timeLeft {
			c.add(field+".unit", "is left, which a webhook cannot say")
		}
	}
	return c.times(field, entries)
}

func (c *checker) kinds(field string, e *KindEntry) *kinds {
	if e == nil {
		return nil
	}
	k := &kinds{path: c.path(field+".path", e.Path)}
	seen := map[string]bool{}
	for _, part := range []struct {
		key  string
		from Names
		to   *[]string
	}{{"votes", e.Votes, &k.votes}, {"tests", e.Tests, &k.tests}, {"removed", e.Removed, &k.removed}} {
		for _, name := range part.from {
			name = strings.ToLower(name)
			if seen[name] {
				c.add(field+"."+part.key, "names %q twice", name)
			}
			seen[name] = true
			*part.to = append(*part.to, name)
		}
	}
	if len(k.votes) == 0 {
		c.add(field+".votes", "must name a kind")
	}
	return k
}

func (c *checker) ignored(field string, e IgnoredEntry) condition {
	one := condition{path: c.path(field+".path", e.Path), as: e.As, is: constantOf(e.Is), not: constantOf(e.Not)}
	if one.is.IsZero() == one.not.IsZero() {
		c.add(field, "needs either is or not")
	}
	return one
}

func (c *checker) flags(field string, entries Flags) []condition {
	var all []condition
	for i, e := range entries {
		at := fmt.Sprintf("%s[%d]", field, i)
		if e.Present && e.Is != nil {
			c.add(at, "needs is or present, not both")
		}
		all = append(all, condition{path: c.path(at+".path", e.Path), is: constantOf(e.Is), present: e.Present})
	}
	return all
}

// constantOf returns a constant of an entry as JSON; zero for none.
func constantOf(v any) rawjson.Value {
	if v == nil {
		return rawjson.Value{}
	}
	constant, _ := rawjson.Parse(appendConstant(nil, v))
	return constant
}

// weighing compiles what says how many votes one counts for.
func (c *checker) weighing(part string, e *WebhookForm, f *form) {
	f.weight, f.weekend = c.paths(part+".weight", e.Weight), c.paths(part+".weekend", e.Weekend)
	for _, kind := range slices.Sorted(maps.Keys(e.Weights)) {
		at, name := part+".weights."+kind, strings.ToLower(kind)
		if n := e.Weights[kind]; n < 1 || n > maxWeight {
			c.add(at, "must be 1 to %d, is %d", maxWeight, n)
		}
		if f.kind == nil || !slices.Contains(f.kind.votes, name) && !slices.Contains(f.kind.tests, name) {
			c.add(at, "is the weight of a kind that kind.votes does not name")
		}
		f.weights[name] = e.Weights[kind]
	}
	switch {
	case e.WeekendWeight != 0 && len(e.Weekend) == 0:
		c.add(part+".weekend_weight", "needs weekend, which says whether it is one")
	case e.WeekendWeight < 0 || e.WeekendWeight > maxWeight:
		c.add(part+".weekend_weight", "must be 1 to %d, is %d", maxWeight, e.WeekendWeight)
	}
}

// maxWeight bounds how many votes one vote counts for.
const maxWeight = 1000

// Read returns what a delivery tells about a bot, whose proof Verify found, at
// the time now. The error is for the list's people: it says which field is
// wrong.
func (w *Webhook) Read(d Delivery, p Proven, botID string, now time.Time) (Event, error) {
	f := w.forms[p.form]
	body, err := bodyOf(d, p)
	if err != nil {
		return Event{}, err
	}
	e := Event{Raw: body.Raw(), Weight: 1}
	kind, err := f.readKind(body, &e)
	if err != nil || e.Ignored != "" {
		return e, err
	}
	if err := f.readIDs(body, d.Header, botID, &e); err != nil {
		return e, err
	}
	if err := f.readTimes(body, &e); err != nil {
		return e, err
	}
	if e.At.IsZero() && p.Kind == ProofTimestamped && f.timeHeader != "" { // which no other proof covers
		e.At, _ = parseUnix(d.Header.Get(f.timeHeader), 1000)
		e.Until = cmp.Or(e.Until, f.window.end(e.At))
	}
	f.readWeight(body, kind, &e)
	if !e.Test && !e.Removed && !e.At.IsZero() && (now.Sub(e.At) > maxAge || e.At.Sub(now) > maxAhead) {
		return Event{Ignored: ignoredOld, Raw: e.Raw}, nil
	}
	return e, nil
}

package lists

import (
	"cmp"
	"net/http"

	"aggregator/rawjson"
)

// readDialect is how a bot is read from a list, compiled.
type readDialect struct {
	endpoint
	root    []step
	mapping mapping
}

// read compiles how a bot is read; nil if it is not.
func (c *checker) read(e *Entry) *readDialect {
	spec := cmp.Or(e.Get, &GetEntry{})
	entry := endpointEntry{
		part: "get", plainKey: "api_get", plainURL: e.APIGet, url: spec.URL,
		auth: spec.Auth, bodiless: "reading sends none", headers: spec.Headers, limits: spec.Limits, wait: spec.Wait, placeholders: botPlaceholders,
	}
	d := &readDialect{endpoint: endpoint{op: &Readings, keyed: spec.Auth != nil, judge: judgeReading}}
	field, ok := c.urlOf(&d.endpoint, entry)
	if !ok {
		if e.Get != nil {
			c.add("get", "needs a url, or api_get beside it")
		}
		return nil
	}
	c.endpoint(&d.endpoint, entry)
	switch {
	case !c.defunct && !d.keyed && d.url.isFixed():
		c.add(field, "must hold %s, or every bot would be read as one", placeholderID)
	case d.listBotID && !d.keyed:
		c.add(field, "holds %s, which comes with a key; say under auth where the key goes", placeholderListBotID)
	}
	c.checkPer("get.limits", &d.endpoint)
	if spec.Root != "" {
		d.root = c.steps("get.root", spec.Root)
	}
	d.mapping = c.mapping(spec.Fields)
	return d
}

// ReadCall is a call that reads a bot.
type ReadCall struct {
	Call
	dialect *readDialect
}

// Hiding returns the call with further secrets that its answer must not show;
// nil: none.
func (c ReadCall) Hiding(secrets *Masker) ReadCall {
	c.hides = secrets
	return c
}

// PlanRead plans how a bot is read from the list, with a key where the list
// needs one. It returns a Skip where the list cannot be asked, and nil
// otherwise.
func (l *List) PlanRead(botID string, key Token, userAgent string) (ReadCall, *Skip) {
	d := l.read
	key, skip := l.askedWith(key, Readings, SkipNoGet)
	if skip != nil {
		return ReadCall{}, skip
	}
	plan := &getPlan{&d.endpoint, ids{botID: botID, listBotID: key.listBotID}, userAgent}
	return ReadCall{Call{List: l, endpoint: &d.endpoint, botID: botID, token: key, plan: plan}, d}, nil
}

// Read returns what the list answered, and keeps the facts in it for Merge.
func (c ReadCall) Read(a Answer) Reading {
	r := Reading{List: c.List.ID, Status: a.Status}
	if a.Status == NoAnswer {
		r.Text = c.Hide(a.Reason)
		return r
	}
	v, ok := a.value()
	answer := a.Body
	if !c.token.IsZero() || c.hides != nil { // else no copy is made of a large answer
		text := string(answer)
		if hidden := c.Hide(text); hidden != text {
			answer = []byte(hidden)
			v, ok = rawjson.Parse(answer)
		}
	}
	if !ok || !v.Portable() {
		r.Text = Text(answer)
		r.Page = a.Status == http.StatusOK && isHTML(answer)
		return r
	}
	r.JSON = v.Raw()
	if a.Status == http.StatusOK && c.saysFailure(a) == "" {
		r.facts = c.dialect.facts(v)
		r.Found, r.Counted = r.facts.some, r.facts.count >= 0
		r.Count, r.Votes = max(0, r.facts.count), r.facts.votes
	}
	return r
}

// facts finds what a list's answer says of a bot.
func (d *readDialect) facts(answer rawjson.Value) *facts {
	f := newFacts()
	if d.root != nil {
		found := (&node{value: answer}).walk(d.root)
		if len(found) == 0 {
			return f
		}
		answer = found[0]
	}
	f.read(answer, d.mapping)
	return f
}

// ReadRules says in words where each field of a bot is read; nil where the list
// is not read.
func (l *List) ReadRules() []string {
	if l.read == nil {
		return nil
	}
	spec := cmp.Or(l.Get, &GetEntry{})
	return mappingRules(spec.Fields, spec.Root)
}

// ReadLimits says in sentences what holds the next reading back; nil for nothing.
func (l *List) ReadLimits() []string {
	if l.read == nil {
		return nil
	}
	return l.read.rules()
}

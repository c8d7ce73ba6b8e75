package lists

import (
	"cmp"
	"strconv"
)

// getDialect is how a bot is read from a list, compiled.
type getDialect struct {
	endpoint
	root    []step
	mapping *mapping // nil: the common key names
}

// get compiles how a bot is read; nil if it is not.
func (c *checker) get(e Entry) *getDialect {
	spec := cmp.Or(e.Get, &GetEntry{})
	g, field := &getDialect{endpoint: endpoint{op: &Readings, judge: judgeReading}}, "api_get"
	if e.APIGet != "" {
		g.url = c.apiURL("api_get", e.APIGet, placeholderID)
	}
	if spec.URL != "" {
		field = "get.url"
		g.url = c.apiURL(field, spec.URL, placeholderID, placeholderListBotID)
	}
	if spec.URL == "" && e.APIGet == "" {
		if e.Get != nil {
			c.add("get", "needs a url, or api_get beside it")
		}
		return nil
	}
	if spec.Auth != nil {
		g.keyed = true
		g.auth = c.auth("get.auth", spec.Auth)
		if g.auth.in == inBody {
			c.add("get.auth.in", "is body, but reading sends none; allowed: header, query")
		}
	}
	g.headers = c.headers("get.headers", spec.Headers, g.auth)
	g.numbersBots = g.number()
	c.namesBot(field, g)
	g.limits = c.readLimits(spec.Limits, g.keyed)
	g.wait = c.waits("get.wait", spec.Wait)
	if spec.Root != "" {
		g.root = c.steps("get.root", spec.Root)
	}
	if spec.Fields != nil {
		g.mapping = c.mapping(spec.Fields)
	}
	return g
}

// readLimits are limits on reading, of which those per token need one.
func (c *checker) readLimits(entries []LimitEntry, keyed bool) []Limit {
	limits := c.limits("get.limits", entries)
	for i, l := range limits {
		if l.Per != PerAddress && !keyed {
			c.add("get.limits["+strconv.Itoa(i)+"].per", "is %s, but reading needs no key; allowed: %s", l.Per, PerAddress)
		}
	}
	return limits
}

// namesBot checks that a request says which bot it asks about: in its URL, or
// by a key that tells.
func (c *checker) namesBot(field string, g *getDialect) {
	switch {
	case !c.defunct && !g.keyed && len(g.url.parts) == 1:
		c.add(field, "must hold %s, or every bot would be read as one", placeholderID)
	case g.numbersBots && !g.keyed:
		c.add(field, "holds %s, which comes with a key; say under auth where the key goes", placeholderListBotID)
	}
}

// ReadCall is a call that reads a bot.
type ReadCall struct {
	Call
	dialect *getDialect
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
	g := l.get
	switch {
	case l.Defunct:
		return ReadCall{}, &Skip{Reason: SkipDefunct}
	case g == nil:
		return ReadCall{}, &Skip{Reason: SkipNoGet}
	case !g.keyed:
		key = Token{}
	case key.IsZero():
		return ReadCall{}, &Skip{Reason: SkipNoKey}
	}
	if g.numbersBots {
		var ok bool
		if key, ok = key.numbered(); !ok {
			return ReadCall{}, l.lacksNumber()
		}
	}
	set := valueSet{botID: botID, listID: key.listBotID}
	call := Call{
		List: l, endpoint: &g.endpoint, botID: botID, token: key,
		build: func(token string) Request {
			r := Request{Method: "GET", URL: g.url.fill(set.placeholder)}
			g.auth.apply(&r, token)
			r.Header = appendHeaders(r.Header, g.headers, set.placeholder, userAgent)
			return r
		},
		sent: func() string { return "" },
	}
	return ReadCall{call, g}, nil
}

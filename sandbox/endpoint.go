package sandbox

import (
	"cmp"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"aggregator/lists"
)

// endpoint is one URL of a list and what every request to it must look like.
type endpoint struct {
	list    *list
	method  string
	scheme  string
	host    string
	path    pattern
	query   map[string][]pattern
	headers map[string]pattern
	auth    *auth // nil: anyone may ask

	fields  *fields             // of a post; nil: reads
	success *lists.SuccessEntry // of a post: the flag in its answers; nil: there is none
	empty   bool                // of a post: a success answers nothing
	second  *endpoint           // of a post or a vote check: where tokens go that it does not know; nil: it knows all
	isOther bool                // likewise: it knows the tokens that the first does not
	get     lists.GetEntry      // of a reading
	votes   *lists.VotesEntry   // of a vote check
	report  *report             // of a report; nil: something else
	totals  *lists.TotalsEntry  // of a reading that tells how many votes a bot has; nil: it does not
	wait    lists.WaitEntry     // where its refusals say how long to wait; zero: where all of the list do
}

// newPost returns where a list with an entry takes counts, nil if it takes none.
func newPost(entry lists.Entry, state *list) *endpoint {
	spec := *cmp.Or(entry.Post, &lists.PostEntry{})
	address := cmp.Or(spec.URL, entry.APIPost)
	if address == "" || spec.None != "" {
		return nil
	}
	e := newEndpoint(address, spec.Headers, state)
	e.method = cmp.Or(spec.Method, entry.APIPostMethod, http.MethodPost)
	e.auth = newAuth(cmp.Or(spec.Auth, &lists.AuthEntry{}))
	e.fields = newFields(entry, spec, *e.auth)
	e.success, e.empty = spec.Success, spec.Answer == "empty"
	if o := spec.Otherwise; o != nil {
		entry.APIPost, entry.Post = "", &o.PostEntry
		e.second = newPost(entry, state)
		e.second.isOther = true
	}
	return e
}

// knows reports whether a token is for this way to post.
func (e *endpoint) knows(token string) bool {
	return e.second == nil && !e.isOther || e.isOther == isSecond(token)
}

// newGet is where a list is read, nil if it is not.
func newGet(l *lists.List, state *list) *endpoint {
	var spec lists.GetEntry
	if l.Get != nil {
		spec = *l.Get
	}
	address := cmp.Or(spec.URL, l.APIGet)
	if address == "" {
		return nil
	}
	e := newEndpoint(address, spec.Headers, state)
	e.method = http.MethodGet
	e.get = spec
	if spec.Auth != nil {
		e.auth = newAuth(spec.Auth)
	}
	if t := l.VoteTotals; t != nil && (t.URL == "" || t.URL == address) {
		e.totals = t.Read
	}
	return e
}

func newEndpoint(address string, headers map[string]string, state *list) *endpoint {
	e := &endpoint{list: state, query: map[string][]pattern{}, headers: map[string]pattern{}}
	u, err := url.Parse(address)
	if err != nil { // lists.New refuses such an entry
		return e
	}
	e.scheme, e.host = u.Scheme, strings.ToLower(u.Host)
	e.path = newPattern(cmp.Or(u.Path, "/"))
	for name, values := range u.Query() {
		for _, v := range values {
			e.query[name] = append(e.query[name], newPattern(v))
		}
	}
	for name, text := range headers {
		e.headers[http.CanonicalHeaderKey(name)] = newPattern(text)
	}
	return e
}

// match reports whether a URL is the endpoint's, which ids it holds, and which
// parts of its query the endpoint's own URL does not account for.
func (e *endpoint) match(path string, query url.Values) (of ids, rest url.Values, ok bool) {
	if !e.path.match(path, &of) {
		return of, nil, false
	}
	rest = url.Values{}
	for name, values := range query {
		if e.query[name] == nil {
			rest[name] = values
		}
	}
	for name, patterns := range e.query {
		same := slices.EqualFunc(patterns, query[name], func(p pattern, v string) bool { return p.match(v, &of) })
		if !same {
			return of, nil, false
		}
	}
	return of, rest, true
}

// names is what requests to the endpoint name their bot by; "" if nothing.
func (e *endpoint) names() string {
	all := slices.Clone(e.path.names)
	for _, patterns := range e.query {
		for _, p := range patterns {
			all = append(all, p.names...)
		}
	}
	for _, p := range e.headers {
		all = append(all, p.names...)
	}
	switch {
	case slices.Contains(all, ":list_bot_id") || len(e.fields.names[lists.ListBotID]) > 0:
		return ":list_bot_id"
	case slices.Contains(all, ":id") || len(e.fields.names[lists.BotID]) > 0:
		return ":id"
	}
	return ""
}

// checkHeaders checks the headers that the entry prescribes.
func (e *endpoint) checkHeaders(h http.Header, of *ids) error {
	for _, name := range sortedKeys(e.headers) {
		if v := h.Values(name); len(v) != 1 || !e.headers[name].match(v[0], of) {
			return refuse(http.StatusBadRequest, "Header %s must be %q", name, e.headers[name].text)
		}
	}
	return nil
}

// ids are the names under which a request speaks of its bot, and of a user.
type ids struct{ snowflake, number, user, name string }

// bind notes an id; false when the request said another one before.
func (d *ids) bind(name, value string) bool {
	at := &d.snowflake
	switch name {
	case ":list_bot_id":
		at, value = &d.number, cmp.Or(strings.TrimLeft(value, "0"), "0")
	case ":user":
		at = &d.user
	case ":name":
		at = &d.name
	}
	if *at == "" {
		*at = value
	}
	return *at == value
}

// pattern is a text with placeholders for ids.
type pattern struct {
	text  string
	re    *regexp.Regexp
	names []string // the placeholder of each group
}

var (
	placeholder = regexp.MustCompile(`:(?:list_bot_id|id|user|name)\b`)
	idForms     = map[string]string{":id": `([1-9][0-9]{15,19})`, ":list_bot_id": `([0-9]{1,20})`, ":user": `([1-9][0-9]{15,19})`, ":name": `([A-Za-z0-9._-]{1,64})`}

	snowflake = newPattern(":id")
	listBotID = newPattern(":list_bot_id")
)

func newPattern(text string) pattern {
	p := pattern{text: text}
	var expr strings.Builder
	rest := 0
	for _, at := range placeholder.FindAllStringIndex(text, -1) {
		name := text[at[0]:at[1]]
		expr.WriteString(regexp.QuoteMeta(text[rest:at[0]]) + idForms[name])
		p.names = append(p.names, name)
		rest = at[1]
	}
	expr.WriteString(regexp.QuoteMeta(text[rest:]))
	p.re = regexp.MustCompile(`\A` + expr.String() + `\z`)
	return p
}

// match reports whether text fits, its ids being the ones known before.
func (p pattern) match(text string, of *ids) bool {
	if p.re == nil {
		return false
	}
	found := p.re.FindStringSubmatch(text)
	if found == nil {
		return false
	}
	for i, name := range p.names {
		if !of.bind(name, found[i+1]) {
			return false
		}
	}
	return true
}

// auth is where a list looks for a token.
type auth struct{ in, name, prefix string }

func newAuth(e *lists.AuthEntry) *auth {
	return &auth{cmp.Or(e.In, "header"), cmp.Or(e.Name, "Authorization"), e.Prefix}
}

// token is the token that a header or a query carries. It takes the token out
// of the query, so that only what is unknown stays there.
func (a auth) token(h http.Header, query url.Values) (string, error) {
	carried := h.Values(a.name)
	if a.in == "query" {
		carried = query[a.name]
		delete(query, a.name)
	}
	return a.check(carried)
}

// check reports whether what was carried is one token that passes. White space
// in it is a prefix that the list does not know, or one that is there twice.
func (a auth) check(carried []string) (string, error) {
	if len(carried) == 0 || carried[0] == "" {
		return "", refuse(http.StatusUnauthorized, "Token is missing")
	}
	token, ok := cutPrefixFold(carried[0], a.prefix)
	if !ok {
		return "", refuse(http.StatusUnauthorized, "Token must begin with %q", a.prefix)
	}
	_, twice := cutPrefixFold(token, a.prefix)
	if len(carried) > 1 || token == "" || len(token) > maxToken || isBad(token) ||
		a.prefix != "" && twice || strings.ContainsAny(token, " \t") {
		return "", refuse(http.StatusUnauthorized, "Token is not known")
	}
	return token, nil
}

// isSecond reports whether a token is one that only second ways know.
func isSecond(token string) bool { return token == "second" || strings.HasPrefix(token, "second-") }

// isBad reports whether a token is one that every list refuses.
func isBad(token string) bool { return token == "bad" || strings.HasPrefix(token, "bad-") }

// cutPrefixFold cuts a prefix in any case: schemes of HTTP have none.
func cutPrefixFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

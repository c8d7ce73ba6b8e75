package lists

import (
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"
)

// Encodings of a post's fields.
const (
	encodingJSON  = "json"
	encodingForm  = "form"
	encodingQuery = "query"
)

// What a success must answer.
const (
	answerJSON  = "json"
	answerEmpty = "empty"
	answerAny   = "any"
)

// postDialect is how a list wants its counts, compiled.
type postDialect struct {
	rawURL      string
	url         template
	method      string
	auth        auth
	encoding    string
	takes       [values]bool
	body        object // what goes out, in order
	shardObject *ShardObjectEntry
	strings     bool // numbers go out as strings
	defaults    map[value]int64
	headers     []headerTemplate
	numbersBots bool // needs the list's own number of the bot

	answer  string
	success *successFlag
	revoked []int
	limits  []Limit
	wait    []wait
}

// Limit is one of a list's own rate limits.
type Limit struct {
	Per      string // "token", "bot" or "address"
	Requests int64
	Interval time.Duration
}

type successFlag struct {
	path []string
	is   bool
}

type headerTemplate struct {
	name  string
	value template
}

// auth is where a token goes.
type auth struct {
	in     string // "header", "query" or "body"
	name   string
	path   []string // name, cut at its dots, when in the body
	prefix string
}

const (
	inHeader = "header"
	inQuery  = "query"
	inBody   = "body"
)

// defaultAuth is the plain dialect's: the token in Authorization, as it is.
var defaultAuth = auth{in: inHeader, name: "Authorization"}

// value is the token with its prefix, which it may already carry.
func (a auth) value(token string) string {
	if a.prefix == "" || len(token) > len(a.prefix) && strings.EqualFold(token[:len(a.prefix)], a.prefix) {
		return token
	}
	return a.prefix + token
}

// post compiles how counts are posted; nil if they are not.
func (c *checker) post(e Entry) *postDialect {
	spec, field := e.Post, "post.url"
	if spec == nil {
		spec = &PostEntry{}
	}
	p := &postDialect{rawURL: spec.URL, method: spec.Method, encoding: spec.Body, answer: spec.Answer,
		strings: spec.Numbers == "string", shardObject: spec.ShardObject, revoked: spec.Revoked}
	c.statuses("post.revoked", spec.Revoked)
	if p.rawURL == "" {
		p.rawURL, field = e.APIPost, "api_post"
	}
	if spec.URL != "" && e.APIPost != "" {
		c.apiURL("api_post", e.APIPost, placeholderID)
	}
	if p.method == "" {
		p.method = e.APIPostMethod
	}
	if p.method == "" {
		p.method = http.MethodPost
	}
	if p.encoding == "" {
		p.encoding = encodingJSON
	}
	if spec.None != "" {
		if spec.URL != "" || e.APIPost != "" {
			c.add("post.none", "says that no count can be posted, but there is a URL to post to; leave one out")
		}
		return nil
	}
	if p.rawURL == "" {
		if e.Post != nil {
			c.add("post", "needs a url, or api_post beside it")
		}
		return nil
	}
	if field == "api_post" {
		p.url = c.apiURL(field, p.rawURL, placeholderID)
	} else {
		p.url = c.apiURL(field, p.rawURL, placeholderID, placeholderListBotID)
	}
	p.auth = c.auth("post.auth", spec.Auth)
	if p.auth.in == inBody && p.encoding == encodingQuery {
		c.add("post.auth.in", "is body, but body: query sends an empty body; allowed: header, query")
	}
	p.headers = c.headers("post.headers", spec.Headers)
	c.fields(p, e, spec)
	c.defaults(p, spec.Defaults)
	if spec.ShardObject != nil && !p.takes[shards] {
		c.add("post.shard_object", "says how shards look, but no field takes shards")
	}
	if s := spec.Success; s != nil {
		p.success = &successFlag{path: c.path("post.success.field", s.Field), is: s.Is}
	}
	p.limits = c.limits(spec.Limits)
	p.wait = c.waits(spec.Wait)
	p.numbersBots = p.url.numbers || p.takes[listBotID]
	for _, h := range p.headers {
		p.numbersBots = p.numbersBots || h.value.numbers
	}
	return p
}

func (c *checker) auth(field string, e *AuthEntry) auth {
	if e == nil {
		return defaultAuth
	}
	a := auth{in: e.In, name: e.Name, prefix: e.Prefix}
	if a.in == "" {
		a.in = inHeader
	}
	if a.name == "" {
		a.name = defaultAuth.name
	}
	if a.in == inBody {
		a.path = c.path(field+".name", a.name)
	}
	if a.in == inHeader && !httpguts.ValidHeaderFieldName(a.name) {
		c.add(field+".name", "must be the name of a header, is %q", a.name)
	}
	if !httpguts.ValidHeaderFieldValue(a.prefix) {
		c.add(field+".prefix", "holds a character that no header can carry")
	}
	return a
}

// ownHeaders are set by the way a request is sent; an entry may not.
var ownHeaders = []string{"Host", "Content-Length", "Content-Type", "Transfer-Encoding", "Connection", "Accept-Encoding", "Cookie"}

func (c *checker) headers(field string, entries map[string]string) []headerTemplate {
	var all []headerTemplate
	for _, name := range sortedKeys(entries) {
		at := field + "." + name
		if !httpguts.ValidHeaderFieldName(name) {
			c.add(at, "must be the name of a header")
			continue
		}
		canonical := textproto.CanonicalMIMEHeaderKey(name)
		if slices.Contains(ownHeaders, canonical) {
			c.add(at, "is set by the service itself; leave it out")
			continue
		}
		t, err := newTemplate(entries[name], placeholderID, placeholderListBotID)
		if err != nil {
			c.add(at, "%v", err)
			continue
		}
		if !httpguts.ValidHeaderFieldValue(entries[name]) {
			c.add(at, "holds a character that no header can carry")
			continue
		}
		all = append(all, headerTemplate{canonical, t})
	}
	return all
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// fields compiles which value goes out under which name.
func (c *checker) fields(p *postDialect, e Entry, spec *PostEntry) {
	type named struct {
		value value
		field string
		names Names
	}
	var all []named
	if f := spec.Fields; f != nil {
		all = []named{
			{serverCount, "post.fields.server_count", f.ServerCount}, {shardID, "post.fields.shard_id", f.ShardID},
			{shardCount, "post.fields.shard_count", f.ShardCount}, {shards, "post.fields.shards", f.Shards},
			{userCount, "post.fields.user_count", f.UserCount}, {voiceConnections, "post.fields.voice_connections", f.VoiceConnections},
			{botID, "post.fields.bot_id", f.BotID}, {listBotID, "post.fields.list_bot_id", f.ListBotID},
		}
	}
	// The plain names are checked all the same: plain clients rely on them.
	for _, n := range []struct {
		value       value
		field, name string
	}{
		{serverCount, "api_field", e.APIField}, {shardID, "api_shard_id", e.APIShardID},
		{shardCount, "api_shard_count", e.APIShardCount}, {shards, "api_shards", e.APIShards},
	} {
		if n.name == "" {
			continue
		}
		c.path(n.field, n.name)
		if spec.Fields == nil {
			all = append(all, named{n.value, n.field, Names{n.name}})
		}
	}
	for _, n := range all {
		for _, name := range n.names {
			path := c.path(n.field, name)
			p.takes[n.value] = true
			if problem := p.body.put(path, leaf{value: n.value}); problem != "" {
				c.add(n.field, "%s", problem)
			}
		}
	}
	for _, name := range sortedKeys(spec.Constants) {
		constant := appendJSON(nil, spec.Constants[name])
		if problem := p.body.put(c.path("post.constants", name), leaf{value: values, constant: constant}); problem != "" {
			c.add("post.constants", "%s", problem)
		}
	}
	if p.auth.in == inBody {
		if problem := p.body.put(p.auth.path, leaf{value: values, token: true}); problem != "" {
			c.add("post.auth.name", "%s", problem)
		}
	}
	if p.encoding != encodingJSON {
		for _, m := range p.body {
			if m.nested != nil {
				c.add("post.body", "is %s, which cannot nest the field %q", p.encoding, m.key)
			}
		}
		if p.takes[shards] {
			c.add("post.fields.shards", "cannot go out as %s; allowed with body: json", p.encoding)
		}
	}
}

func (c *checker) defaults(p *postDialect, d *DefaultsEntry) {
	if d == nil {
		return
	}
	p.defaults = map[value]int64{}
	for v, n := range map[value]*int64{shardCount: d.ShardCount, userCount: d.UserCount, voiceConnections: d.VoiceConnections} {
		if n == nil {
			continue
		}
		if *n < 0 || *n > MaxNumber {
			c.add("post.defaults", "must be 0 to %d", int64(MaxNumber))
		}
		p.defaults[v] = *n
	}
}

func (c *checker) limits(entries []LimitEntry) []Limit {
	const longest = 24 * 60 * 60
	var all []Limit
	for i, e := range entries {
		at := "post.limits[" + strconv.Itoa(i) + "]"
		if e.Requests < 1 || e.Requests > 1_000_000 {
			c.add(at+".requests", "must be 1 to 1000000, is %d", e.Requests)
		}
		if e.Seconds < 1 || e.Seconds > longest {
			c.add(at+".seconds", "must be 1 to %d (a day), is %d", longest, e.Seconds)
		}
		all = append(all, Limit{e.Per, e.Requests, time.Duration(e.Seconds) * time.Second})
	}
	return all
}

func (c *checker) statuses(field string, statuses []int) {
	for i, s := range statuses {
		if s < 400 || s > 599 {
			c.add(field+"["+strconv.Itoa(i)+"]", "must be an HTTP status from 400 to 599, is %d", s)
		}
	}
}

// path cuts a name at its dots.
func (c *checker) path(field, name string) []string {
	path := strings.Split(name, ".")
	if slices.Contains(path, "") {
		c.add(field, "must be names joined by dots, is %q", name)
	}
	return path
}

// PlanPost plans the post of a count to the list. It cannot fail: what stands
// in the way is answered as skipped, in the words of the answer.
func (l *List) PlanPost(c Count, t Token, userAgent string) (call Call, skipped string) {
	switch {
	case l.Defunct:
		return Call{}, "Defunct"
	case l.post == nil && l.Post != nil && l.Post.None != "":
		return Call{}, "No post API: " + l.Post.None
	case l.post == nil:
		return Call{}, "No post API"
	}
	p := l.post
	if p.numbersBots {
		var ok bool
		if t, ok = t.numbered(); !ok {
			return Call{}, "Bad token: " + l.ID + ` numbers bots itself; send "NUMBER:token" or {"token": "token", "bot_id": "NUMBER"} with its number of your bot`
		}
	}
	set := p.valuesFor(c, t.listBotID)
	call = Call{List: l, token: t, keyed: true}
	call.build = func(token string) Request { return p.request(&set, token, userAgent) }
	call.sent = func() string { return p.sent(&set) }
	return call, ""
}

func (p *postDialect) request(set *valueSet, token, userAgent string) Request {
	r := Request{Method: p.method, URL: p.url.fill(set.placeholder)}
	switch p.encoding {
	case encodingQuery:
		r.URL = addQuery(r.URL, p.encoded(set, token))
	case encodingForm:
		r.Header = append(r.Header, Header{"Content-Type", "application/x-www-form-urlencoded"})
		r.Body = []byte(p.encoded(set, token))
	default:
		r.Header = append(r.Header, Header{"Content-Type", "application/json"})
		r.Body = p.body.appendTo(nil, p, set, token)
	}
	p.auth.apply(&r, token)
	r.Header = appendHeaders(r.Header, p.headers, set.placeholder, userAgent)
	return r
}

// apply puts the token into the header or the query; in a body it is a field.
func (a auth) apply(r *Request, token string) {
	if token == "" {
		return
	}
	switch a.in {
	case inHeader:
		r.Header = append(r.Header, Header{a.name, a.value(token)})
	case inQuery:
		r.URL = addQuery(r.URL, url.QueryEscape(a.name)+"="+escapeUnlessMask(a.value(token)))
	}
}

// escapeUnlessMask keeps the mask readable.
func escapeUnlessMask(s string) string {
	if s == Mask {
		return s
	}
	return url.QueryEscape(s)
}

// appendHeaders adds an entry's own headers. A User-Agent among them wins over
// the one given.
func appendHeaders(all []Header, own []headerTemplate, fill func(string) string, userAgent string) []Header {
	prescribed := false
	for _, h := range own {
		all = append(all, Header{h.name, h.value.fill(fill)})
		prescribed = prescribed || h.name == "User-Agent"
	}
	if !prescribed {
		all = append(all, Header{"User-Agent", userAgent})
	}
	return all
}

func addQuery(rawURL, query string) string {
	if query == "" {
		return rawURL
	}
	if strings.Contains(rawURL, "?") {
		return rawURL + "&" + query
	}
	return rawURL + "?" + query
}

func (p *postDialect) sent(set *valueSet) string {
	if p.encoding == encodingJSON {
		return string(p.body.appendTo(nil, p, set, Mask))
	}
	return p.encoded(set, Mask)
}

// encoded is the fields as a form or a query.
func (p *postDialect) encoded(set *valueSet, token string) string {
	var b strings.Builder
	for _, m := range p.body {
		text, ok := m.text(p, set, token)
		if !ok {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('&')
		}
		b.WriteString(url.QueryEscape(m.key) + "=" + escapeUnlessMask(text))
	}
	return b.String()
}

func (s *valueSet) placeholder(name string) string {
	if name == placeholderListBotID {
		return s.listID
	}
	return s.botID
}

package lists

import (
	"math"
	"net/url"
	"slices"
	"strings"
	"time"
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
	endpoint
	rawURL      string
	method      string
	encoding    string
	takes       [values]bool
	body        object // what goes out, in order
	shardObject *ShardObjectEntry
	strings     bool // numbers go out as strings
	defaults    map[value]int64

	answer  string
	success *successFlag
}

// Limit is one of a list's own rate limits.
type Limit struct {
	Per      string // PerToken, PerBot or PerAddress
	Requests int64
	Interval time.Duration

	ReadsOnly bool // posts do not count
}

// Whom a limit counts.
const (
	PerToken   = "token"
	PerBot     = "bot"
	PerAddress = "address" // the one this service calls from
)

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

// value returns the token as the list wants it: with its prefix before it, which
// the token may already carry.
func (a auth) value(token string) string {
	if a.carriedBy(token) {
		return token
	}
	return a.prefix + a.bare(token)
}

// bare returns the token without its prefix, and without another scheme where
// the list has one of its own: the same credential, whichever way the caller
// writes it.
func (a auth) bare(token string) string {
	if a.carriedBy(token) {
		return token[len(a.prefix):]
	}
	if strings.HasSuffix(a.prefix, " ") {
		_, token = cutScheme(token)
	}
	return token
}

// carriedBy reports whether the token carries the list's prefix.
func (a auth) carriedBy(token string) bool {
	n := len(a.prefix)
	return n > 0 && len(token) > n && strings.EqualFold(token[:n], a.prefix)
}

// schemes are the words that callers write before a token for lists in general.
var schemes = []string{"Bearer", "Bot", "Token", "Basic", "Digest", "ApiKey", "Api-Key", "JWT", "OAuth"}

// cutScheme cuts a token after the scheme before it, if that is a known one. The
// scheme keeps its blank.
func cutScheme(token string) (scheme, bare string) {
	i := strings.IndexByte(token, ' ')
	known := func(s string) bool { return i > 0 && strings.EqualFold(token[:i], s) }
	if bare = strings.TrimLeft(token[i+1:], " "); bare == "" || !slices.ContainsFunc(schemes, known) {
		return "", token
	}
	return token[:len(token)-len(bare)], bare
}

// PlanPost plans the post of a count to the list. It returns a Skip where the
// list cannot be asked, and nil otherwise.
func (l *List) PlanPost(c Count, t Token, userAgent string) (Call, *Skip) {
	switch {
	case l.Defunct:
		return Call{}, &Skip{Reason: SkipDefunct}
	case l.post == nil && l.Post != nil:
		return Call{}, &Skip{Reason: SkipNoPost, Detail: l.Post.None}
	case l.post == nil:
		return Call{}, &Skip{Reason: SkipNoPost}
	}
	p := l.post
	if p.numbersBots {
		var ok bool
		if t, ok = t.numbered(); !ok {
			return Call{}, l.lacksNumber()
		}
	}
	set := p.valuesFor(c, t.listBotID)
	call := Call{List: l, endpoint: &p.endpoint, botID: c.BotID, token: t}
	// Without a token in it the body is the same, sent or shown.
	var body []byte
	if p.encoding == encodingJSON && p.auth.in != inBody {
		body = p.body.appendTo(make([]byte, 0, 64), p, &set, "")
	}
	call.build = func(token string) Request { return p.request(&set, body, token, userAgent) }
	call.sent = func() string {
		if body != nil {
			return string(body)
		}
		return p.sent(&set, t.masked())
	}
	return call, nil
}

// lacksNumber says what to send to a list that numbers bots itself.
func (l *List) lacksNumber() *Skip {
	return badToken(l.ID + ` numbers bots itself; send "NUMBER:token" or {"token": "token", "bot_id": "NUMBER"} with its number of your bot`)
}

// PostsAllowed is how many posts of one bot the list takes at once.
func (l *List) PostsAllowed() int {
	most := int64(math.MaxInt32)
	for _, limit := range l.postLimits() {
		most = min(most, limit.Requests)
	}
	return int(most)
}

func (p *postDialect) request(set *valueSet, body []byte, token, userAgent string) Request {
	r := Request{Method: p.method, URL: p.url.fill(set.placeholder), Header: make([]Header, 0, 4)}
	switch p.encoding {
	case encodingQuery:
		r.URL = addQuery(r.URL, p.encoded(set, token))
	case encodingForm:
		if r.Body = []byte(p.encoded(set, token)); len(r.Body) > 0 {
			r.Header = append(r.Header, Header{"Content-Type", "application/x-www-form-urlencoded"})
		}
	default:
		r.Header = append(r.Header, Header{"Content-Type", "application/json"})
		if r.Body = body; body == nil {
			r.Body = p.body.appendTo(nil, p, set, token)
		}
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

// escapeUnlessMask escapes a value and keeps a mask in it readable.
func escapeUnlessMask(s string) string {
	return strings.ReplaceAll(url.QueryEscape(s), url.QueryEscape(Mask), Mask)
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

func (p *postDialect) sent(set *valueSet, token string) string {
	if p.encoding == encodingJSON {
		return string(p.body.appendTo(nil, p, set, token))
	}
	return p.encoded(set, token)
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

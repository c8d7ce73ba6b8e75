package lists

import (
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// auth is where a token goes.
type auth struct {
	in     string // inHeader, inQuery or inBody
	name   string
	path   []string // name, cut at its dots, when in the body
	prefix string
}

// Parts of a request that can carry a token.
const (
	inHeader = "header"
	inQuery  = "query"
	inBody   = "body"
)

// plainAuth is the plain dialect's: the token in Authorization, as it is.
var plainAuth = auth{in: inHeader, name: "Authorization"}

func (c *checker) auth(field string, e *AuthEntry) auth {
	if e == nil {
		return plainAuth
	}
	a := auth{in: e.In, name: e.Name, prefix: e.Prefix}
	if a.in == "" {
		a.in = plainAuth.in
	}
	switch {
	case a.name != "":
	case a.in == inHeader:
		a.name = plainAuth.name
	default:
		c.add(field+".name", "is required where the token is in the %s: the name of its parameter or field", a.in)
		a.name = plainAuth.name
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
	if n := len(a.prefix); n > 0 && isLetter(a.prefix[n-1]) {
		c.add(field+".prefix", "must end with what parts it from the token, as in %q, is %q", a.prefix+" ", a.prefix)
	}
	return a
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

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

// apply puts the token into the header or the query. In a body it is a field,
// and there may be none.
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

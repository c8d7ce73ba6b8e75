package lists

import "net/http"

// getPlan is a call that asks for something and sends nothing but its URL, its
// headers and a key.
type getPlan struct {
	of        *endpoint
	ids       ids
	userAgent string
}

// askedWith returns the key with which the list is asked what op asks; the zero
// Token where it needs no key. It returns a Skip where the list cannot be asked,
// with the reason noAPI where the entry has no such part, and nil otherwise.
func (l *List) askedWith(key Token, op Op, noAPI SkipReason) (Token, *Skip) {
	e, key := l.endpoint(op), key.split(l.bridging)
	switch {
	case l.Defunct:
		return Token{}, &Skip{Reason: SkipDefunct}
	case e == nil:
		return Token{}, &Skip{Reason: noAPI}
	case !e.keyed:
		return Token{}, nil
	case key.IsZero():
		return Token{}, &Skip{Reason: SkipNoKey}
	case e.listBotID:
		return l.withListBotID(key)
	}
	return key, nil
}

func (p *getPlan) request(token string) Request {
	r := Request{Method: http.MethodGet, URL: p.of.url.forBot(&p.ids)}
	p.of.auth.apply(&r, token)
	r.Header = appendHeaders(r.Header, p.of.headers, &p.ids, p.userAgent)
	return r
}

func (*getPlan) size() int { return 0 }

func (*getPlan) sent(string) string { return "" }

func (*getPlan) second() (*endpoint, plan) { return nil, nil }

package sandbox

import (
	"net/http"
	"net/url"
	"slices"
	"time"
)

// bot is what a list remembers of a bot: its counts, and nothing else.
type bot struct {
	total  int64
	shards *bounded[int64, int64] // nil: it was not posted per shard
}

func (b *bot) count() int64 {
	if b.shards == nil {
		return b.total
	}
	var total int64
	for _, n := range b.shards.values {
		total = add(total, n)
	}
	return total
}

// take notes a count. A count of all servers replaces those of single shards.
func (b *bot) take(c count) {
	if !c.perShard {
		*b = bot{total: c.servers}
		return
	}
	if b.shards == nil {
		shards := newBounded[int64, int64](maxShards)
		b.shards = &shards
	}
	b.shards.set(c.shard, c.servers)
}

// servePost answers a post and records it.
func (l *list) servePost(e *endpoint, r *http.Request, body []byte, of ids, query url.Values, now time.Time) answer {
	p := Post{r.Method, e.scheme + "://" + r.Host + r.URL.RequestURI(), r.Header.Clone(), body, 0}
	token, c, err := e.check(r.Header, body, &of, query)

	l.mu.Lock()
	defer l.mu.Unlock()
	var a answer
	switch early, _ := l.early.get(token); {
	case token != "" && l.revoked != 0 && early >= patience:
		a = e.refused(refuse(l.revoked, "Token is revoked"))
	case err != nil:
		a = e.refused(err)
	case l.refusesAll, l.isGone(token):
		a = e.refused(refuse(http.StatusUnauthorized, "Token is not known"))
	default:
		key := l.key(of, token)
		wait := l.admit(map[string]string{"token": token, "bot": key, "address": address(r)}, now)
		if wait > 0 {
			l.early.set(token, early+1)
			a = e.tooEarly(wait, now)
			break
		}
		l.store(key, c)
		a = e.accepted()
	}
	p.Status = a.status
	l.record(p)
	return a
}

// record remembers a request. Callers hold mu.
func (l *list) record(p Post) {
	if l.posts = append(l.posts, p); len(l.posts) > maxPosts {
		l.posts = slices.Delete(l.posts, 0, 1)
	}
}

// isGone reports whether a token was made invalid. Callers hold mu.
func (l *list) isGone(token string) bool {
	gone, _ := l.gone.get(token)
	return gone
}

// check checks a post and finds its token, its ids and its count. The token is
// "" unless it passes.
func (e *endpoint) check(h http.Header, body []byte, of *ids, query url.Values) (token string, c count, err error) {
	if e.fields.token == "" {
		if token, err = e.auth.token(h, query); err != nil {
			return "", c, err
		}
	}
	found, err := e.fields.read(h, body, query)
	if err != nil {
		return token, c, err
	}
	if e.fields.token != "" {
		text, _ := found[e.fields.token].(string)
		if token, err = e.auth.check([]string{text}); err != nil {
			return "", c, err
		}
	}
	if !e.knows(token) {
		return "", c, refuse(http.StatusUnauthorized, "Token is not known")
	}
	if c, err = e.fields.check(found, of); err != nil {
		return token, c, err
	}
	return token, c, e.checkHeaders(h, of)
}

// key is what the list knows a bot by, "" where the request does not say it.
func (l *list) key(of ids, token string) string {
	switch l.knownBy {
	case ":list_bot_id":
		return of.number
	case ":id":
		return of.snowflake
	}
	return token
}

// store notes a count, and who posted last.
func (l *list) store(key string, c count) {
	b, known := l.bots.get(key)
	if !known {
		b = &bot{}
		l.bots.set(key, b)
	}
	b.take(c)
	l.last = b
}

// find is the bot that a reader asks for, nil if there is none. A reader who
// names bots otherwise than those who post gets the one that posted last: no
// sandbox can know which token or number is whose.
func (l *list) find(of ids, token string) *bot {
	key := l.key(of, token)
	if key == "" {
		return l.last
	}
	b, known := l.bots.get(key)
	if !known && l.nameless {
		return l.last
	}
	return b
}

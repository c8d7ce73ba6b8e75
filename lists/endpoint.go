package lists

// endpoint is what a list's calls of one operation share, compiled: where they
// go, who they say they are, and what the list does to whoever asks too often.
type endpoint struct {
	op        *Op
	seenAs    *Op    // the operation that its calls are to the list; nil: op
	rawURL    string // with its placeholders
	url       template
	auth      auth
	keyed     bool // its calls carry a secret
	namesBot  bool // its calls hold the bot's snowflake
	listBotID bool // its calls hold the list's own number of the bot
	headers   []headerTemplate
	revokes   bool    // an answer can say that the token is revoked
	revocable bool    // its token can be revoked by a report
	limits    []Limit // the entry's own
	counted   []Limit // all that its calls count for
	wait      []wait
	judge     func(Call, Answer) Verdict

	otherwiseOn []int // statuses of an answer at which the second way is tried; nil: there is none
}

// endpointEntry is what the parts of an entry say of their endpoints.
type endpointEntry struct {
	part     string // "post"
	plainKey string // "api_post"
	plainURL string // what stands there
	url      string // the part's own
	auth     *AuthEntry
	bodiless string // why a token cannot go in the body; "" if it can
	headers  map[string]string
	limits   []LimitEntry
	wait     []WaitEntry

	placeholders []string // that the URL and the headers may hold
}

// botPlaceholders are those of calls that are of one bot.
var botPlaceholders = []string{placeholderID, placeholderListBotID}

// urlOf compiles where calls go. ok is false where the entry has no such place.
func (c *checker) urlOf(e *endpoint, entry endpointEntry) (field string, ok bool) {
	if entry.plainURL != "" {
		field, e.rawURL = entry.plainKey, entry.plainURL
		e.url = c.apiURL(field, e.rawURL, placeholderID)
	}
	if entry.url != "" {
		field, e.rawURL = entry.part+".url", entry.url
		e.url = c.apiURL(field, e.rawURL, entry.placeholders...)
	}
	return field, e.rawURL != ""
}

// endpoint compiles what follows the URL. Whom its limits count is checked
// later: the body may name the bot.
func (c *checker) endpoint(e *endpoint, entry endpointEntry) {
	if e.keyed {
		e.auth = c.auth(entry.part+".auth", entry.auth)
		if e.auth.in == inBody && entry.bodiless != "" {
			c.add(entry.part+".auth.in", "is body, but %s; allowed: header, query", entry.bodiless)
		}
	}
	e.headers = c.headers(entry.part+".headers", entry.headers, e.auth, entry.placeholders)
	e.limits = c.limits(e.op, entry.part+".limits", entry.limits)
	e.wait = c.waits(entry.part+".wait", entry.wait)
	e.namesBot, e.listBotID = e.holds(placeholderID), e.holds(placeholderListBotID)
}

// endpoint returns what is asked by an operation; nil where the list is not.
func (l *List) endpoint(op Op) *endpoint {
	switch {
	case op == Posts && l.post != nil:
		return &l.post.endpoint
	case op == Readings && l.read != nil:
		return &l.read.endpoint
	case op == Votes && l.votes != nil:
		return &l.votes.endpoint
	}
	for i := range reportTable {
		if d := l.reports[i]; d != nil && op == reportTable[i].Op {
			return &d.endpoint
		}
	}
	return nil
}

// holds reports whether a placeholder is in the URL or a header.
func (e *endpoint) holds(placeholder string) bool {
	if e.url.holds(placeholder) {
		return true
	}
	for _, h := range e.headers {
		if h.value.holds(placeholder) {
			return true
		}
	}
	return false
}

// rules says in sentences what holds the next call back.
func (e *endpoint) rules() []string { return append(limitRules(e.limits), waitRules(e.wait)...) }

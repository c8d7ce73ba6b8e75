package lists

import (
	"cmp"
	"net/http"
)

// postDialect is how a list wants its counts, compiled.
type postDialect struct {
	endpoint
	judging
	method    string
	body      bodyDialect
	otherwise *postDialect // the second way; nil: there is none
}

// post compiles how counts are posted; nil if they are not.
func (c *checker) post(e *Entry) *postDialect {
	spec := cmp.Or(e.Post, &PostEntry{})
	entry := endpointEntry{
		part: "post", plainKey: "api_post", plainURL: e.APIPost, url: spec.URL,
		auth: spec.Auth, headers: spec.Headers, limits: spec.Limits, wait: spec.Wait, placeholders: botPlaceholders,
	}
	if spec.Body == encodingQuery {
		entry.bodiless = "body: query sends an empty body"
	}
	p := &postDialect{
		endpoint: endpoint{op: &Posts, keyed: true},
		method:   cmp.Or(spec.Method, e.APIPostMethod, http.MethodPost),
	}
	_, ok := c.urlOf(&p.endpoint, entry)
	if !c.takesPosts(e, spec, ok) {
		return nil
	}
	c.endpoint(&p.endpoint, entry)
	p.body = c.body(e, spec, p.auth)
	if e.Post != nil && len(p.body.shape) == 0 {
		c.add("post", "would send nothing; name a field in api_field or post.fields")
	}
	c.query("post", &p.endpoint, &p.body)
	p.judging = c.judging("post", spec.Answer, spec.Success, spec.Revoked)
	p.revokes = len(p.revoked) > 0
	p.endpoint.judge = p.judging.judge
	p.namesBot = p.namesBot || p.body.takes[BotID]
	p.listBotID = p.listBotID || p.body.takes[ListBotID]
	c.checkPer("post.limits", &p.endpoint)
	p.otherwise = c.otherwise(e, p)
	return p
}

// takesPosts reports whether an entry has a place to post to, which hasURL says,
// and means it.
func (c *checker) takesPosts(e *Entry, spec *PostEntry, hasURL bool) bool {
	switch {
	case spec.None != "" && hasURL:
		c.add("post.none", "says that no count can be posted, but there is a URL to post to; leave one out")
	case e.Post != nil && spec.None == "" && !hasURL:
		c.add("post", "needs a url, or api_post beside it")
	}
	if !hasURL && !e.Defunct && e.APIField != "" {
		c.add("api_field", "names a field, but there is no api_post to send it to")
	}
	return hasURL && spec.None == ""
}

// PlanPost plans the post of a count to the list. It returns a Skip where the
// list cannot be asked, and nil otherwise.
func (l *List) PlanPost(c Count, t Token, userAgent string) (Call, *Skip) {
	p, t := l.post, t.split(l.bridging)
	switch {
	case l.PostsByReport(t):
		return l.planBeat(c, t, userAgent)
	case l.Defunct:
		return Call{}, &Skip{Reason: SkipDefunct}
	case p == nil && l.Post != nil:
		return Call{}, &Skip{Reason: SkipNoPost, Detail: l.Post.None}
	case p == nil:
		return Call{}, &Skip{Reason: SkipNoPost}
	}
	if t.IsZero() && t.HasBridgeKey() {
		return Call{}, &Skip{Reason: SkipNoToken}
	}
	if p.listBotID {
		var skip *Skip
		if t, skip = l.withListBotID(t); skip != nil {
			return Call{}, skip
		}
	}
	plan := newPostPlan(p, ids{botID: c.BotID, listBotID: t.listBotID}, c, userAgent)
	return Call{List: l, endpoint: &p.endpoint, botID: c.BotID, token: t, plan: plan}, nil
}

// postPlan is a post to be made.
type postPlan struct {
	*postDialect
	values    valueSet
	encoded   []byte // what the body or the query carries; nil: it is made when it is needed
	userAgent string
}

// maxKept is how many bytes a post keeps of what it sends, from its planning to
// its being shown. More are made anew each time.
const maxKept = 4 << 10

func (p *postPlan) size() int { return p.body.size(&p.values) }

func newPostPlan(d *postDialect, bot ids, c Count, userAgent string) *postPlan {
	p := &postPlan{postDialect: d, userAgent: userAgent}
	p.values.ids, p.values.count = bot, c
	p.values.fill(&d.body.takes, d.body.defaults)
	if !d.body.holdsToken && p.size() <= maxKept {
		p.encoded = d.body.encode(&p.values, "")
	}
	return p
}

// encode returns what the body or the query carries.
func (p *postPlan) encode(token string) []byte {
	if p.encoded != nil {
		return p.encoded
	}
	return p.body.encode(&p.values, p.auth.value(token))
}

func (p *postPlan) request(token string) Request {
	r := Request{Method: p.method, URL: p.url.forBot(&p.values.ids), Header: make([]Header, 0, 4)}
	p.body.apply(&r, p.encode(token))
	p.auth.apply(&r, token)
	r.Header = appendHeaders(r.Header, p.headers, &p.values.ids, p.userAgent)
	return r
}

func (p *postPlan) second() (*endpoint, plan) {
	way := p.otherwise
	return &way.endpoint, newPostPlan(way, p.values.ids, p.values.count, p.userAgent)
}

func (p *postPlan) sent(mask string) string { return string(p.encode(mask)) }

// PostRules says in sentences how the list's answers to posts are judged, and
// what holds the next post back; nil where no counts are posted.
func (l *List) PostRules() []string {
	if l.post == nil {
		return nil
	}
	rules := append(l.post.judging.rules("A count"), l.post.endpoint.rules()...)
	if way := l.post.otherwise; way != nil {
		rules = append(rules, otherwiseRule(l.post.otherwiseOn, way.method, way.rawURL), "Which of the two a token is for is remembered.")
	}
	return rules
}

package lists

import (
	"cmp"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
)

// post compiles how counts are posted; nil if they are not.
func (c *checker) post(e Entry) *postDialect {
	spec := cmp.Or(e.Post, &PostEntry{})
	p := &postDialect{
		endpoint: endpoint{op: &Posts, keyed: true, revoked: spec.Revoked},
		rawURL:   cmp.Or(spec.URL, e.APIPost),
		method:   cmp.Or(spec.Method, e.APIPostMethod, http.MethodPost),
		encoding: cmp.Or(spec.Body, encodingJSON),
		answer:   spec.Answer,
		strings:  spec.Numbers == "string",
	}
	if e.APIPost != "" {
		p.url = c.apiURL("api_post", e.APIPost, placeholderID)
	}
	if spec.URL != "" {
		p.url = c.apiURL("post.url", spec.URL, placeholderID, placeholderListBotID)
	}
	switch {
	case spec.None != "" && p.rawURL != "":
		c.add("post.none", "says that no count can be posted, but there is a URL to post to; leave one out")
	case e.Post != nil && spec.None == "" && p.rawURL == "":
		c.add("post", "needs a url, or api_post beside it")
	}
	if spec.None != "" || p.rawURL == "" {
		return nil
	}
	p.auth = c.auth("post.auth", spec.Auth)
	if p.auth.in == inBody && p.encoding == encodingQuery {
		c.add("post.auth.in", "is body, but body: query sends an empty body; allowed: header, query")
	}
	p.headers = c.headers("post.headers", spec.Headers, p.auth)
	c.fields(p, e, spec)
	p.shardObject = c.shardObject(p, spec.ShardObject)
	c.defaults(p, spec.Defaults)
	c.query(p)
	p.success = c.success(p, spec.Success)
	c.statuses("post.revoked", spec.Revoked)
	p.limits = c.postLimits(p, spec.Limits)
	p.wait = c.waits("post.wait", spec.Wait)
	p.numbersBots = p.takes[listBotID] || p.number()
	p.judge = p.judgePost
	return p
}

// postLimits are limits on posting. One per bot needs the bot in the request:
// else whoever has a token of their own could hold another's bot back.
func (c *checker) postLimits(p *postDialect, entries []LimitEntry) []Limit {
	limits := c.limits("post.limits", entries)
	named := p.takes[botID] || p.named()
	for i, l := range limits {
		if l.Per == PerBot && !named {
			c.add("post.limits["+strconv.Itoa(i)+"].per", "is %s, but the request does not name the bot (%s); allowed: %s, %s", PerBot, placeholderID, PerToken, PerAddress)
		}
	}
	return limits
}

func (c *checker) shardObject(p *postDialect, o *ShardObjectEntry) *ShardObjectEntry {
	switch {
	case o != nil && !p.takes[shards]:
		c.add("post.shard_object", "says how shards look, but no field takes shards")
	case o != nil && o.ID == o.Count:
		c.add("post.shard_object", "needs two keys, has %q twice", o.ID)
	}
	return o
}

func (c *checker) success(p *postDialect, e *SuccessEntry) *successFlag {
	if e == nil {
		return nil
	}
	if p.answer == answerEmpty {
		c.add("post.success", "is a flag in the answer, but answer: empty says that there is none; leave one out")
	}
	return &successFlag{path: c.path("post.success.field", e.Field), is: e.Is}
}

// namedValue is a value and the names it goes out under.
type namedValue struct {
	value value
	field string // of the entry
	names Names
}

// plainFields are the names in the api_* fields.
func plainFields(e Entry) []namedValue {
	return []namedValue{
		{serverCount, "api_field", Names{e.APIField}}, {shardID, "api_shard_id", Names{e.APIShardID}},
		{shardCount, "api_shard_count", Names{e.APIShardCount}}, {shards, "api_shards", Names{e.APIShards}},
	}
}

func ownFields(f *FieldsEntry) []namedValue {
	return []namedValue{
		{serverCount, "post.fields.server_count", f.ServerCount}, {shardID, "post.fields.shard_id", f.ShardID},
		{shardCount, "post.fields.shard_count", f.ShardCount}, {shards, "post.fields.shards", f.Shards},
		{userCount, "post.fields.user_count", f.UserCount}, {voiceConnections, "post.fields.voice_connections", f.VoiceConnections},
		{botID, "post.fields.bot_id", f.BotID}, {listBotID, "post.fields.list_bot_id", f.ListBotID},
	}
}

// fields compiles which value goes out under which name.
func (c *checker) fields(p *postDialect, e Entry, spec *PostEntry) {
	all := plainFields(e)
	if spec.Fields != nil {
		for _, n := range all { // plain clients rely on these all the same
			if n.names[0] != "" {
				c.path(n.field, n.names[0])
			}
		}
		all = ownFields(spec.Fields)
	}
	for _, n := range all {
		for _, name := range n.names {
			if name == "" && spec.Fields == nil {
				continue // an api_* field that is absent
			}
			p.takes[n.value] = true
			c.put(p, n.field, c.path(n.field, name), leaf{value: n.value})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(spec.Constants)) {
		c.put(p, "post.constants", c.path("post.constants", name), leaf{value: values, constant: appendConstant(nil, spec.Constants[name])})
	}
	if p.auth.in == inBody {
		c.put(p, "post.auth.name", p.auth.path, leaf{value: values, token: true})
	}
	if p.encoding != encodingJSON {
		c.flat(p)
	}
}

func (c *checker) put(p *postDialect, field string, path []string, l leaf) {
	if problem := p.body.put(path, l); problem != "" {
		c.add(field, "%s", problem)
	}
}

// flat checks that a form or a query can hold the fields.
func (c *checker) flat(p *postDialect) {
	for _, m := range p.body {
		if m.nested != nil {
			c.add("post.body", "is %s, which cannot nest the field %q", p.encoding, m.key)
		}
	}
	if p.takes[shards] {
		c.add("post.fields.shards", "cannot go out as %s; allowed with body: json", p.encoding)
	}
}

func (c *checker) defaults(p *postDialect, d *DefaultsEntry) {
	if d == nil {
		return
	}
	p.defaults = map[value]int64{}
	for _, f := range []struct {
		value  value
		number *int64
	}{{shardCount, d.ShardCount}, {userCount, d.UserCount}, {voiceConnections, d.VoiceConnections}} {
		v, n := f.value, f.number
		if n == nil {
			continue
		}
		least := int64(0)
		if v == shardCount {
			least = 1 // 0 would say that the bot is not sharded
		}
		if *n < least || *n > MaxNumber {
			c.add("post.defaults", "must be %d to %d, is %d", least, int64(MaxNumber), *n)
		}
		if !p.takes[v] {
			c.add("post.defaults", "gives a value that no field takes; add the field, or leave the default out")
		}
		p.defaults[v] = *n
	}
}

// query checks that no parameter of the URL is sent twice.
func (c *checker) query(p *postDialect) {
	u, err := url.Parse(p.rawURL)
	if err != nil {
		return // told already
	}
	used := u.Query()
	if p.encoding == encodingQuery {
		for _, m := range p.body {
			if used.Has(m.key) {
				c.add("post.fields", "%q is in the URL's query already", m.key)
			}
			used.Set(m.key, "")
		}
	}
	if p.auth.in == inQuery && used.Has(p.auth.name) {
		c.add("post.auth.name", "%q is in the query already", p.auth.name)
	}
}

package lists

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"aggregator/rawjson"
)

// Encodings of a body.
const (
	encodingJSON  = "json"
	encodingForm  = "form"
	encodingQuery = "query" // the body is empty
	encodingNone  = "none"  // of reports: nothing is sent
)

// bodyDialect is which values a list's posts carry, and how, compiled.
type bodyDialect struct {
	encoding      string
	takes         [NumValues]bool
	shape         shape
	shardObject   *ShardObjectEntry // nil: shards are bare counts
	numbersAsText bool
	holdsToken    bool
	shardPlaces   int // under how many keys shards go out
	defaults      []valueDefault
}

// shape is which value stands under which key, in order.
type shape []member

type member struct {
	key    string
	nested shape  // nil: a leaf
	leaves []leaf // the first that has something to say goes out
}

// leaf is one thing that can stand under a key: a value, or else a value of a
// report, a constant or the token.
type leaf struct {
	value       Value // NumValues: none
	reportValue int   // of a report: the place of its value, from 1; 0: none
	constant    []byte
	token       bool
}

// body compiles what posts carry.
func (c *checker) body(e *Entry, spec *PostEntry, a auth) bodyDialect {
	b := bodyDialect{
		encoding: cmp.Or(spec.Body, encodingJSON), shardObject: spec.ShardObject, numbersAsText: spec.Numbers == "string",
	}
	for v := range NumValues {
		c.names(&b, v, e)
	}
	c.constants("post", &b, spec.Constants, a)
	c.flat("post", &b)
	switch o := b.shardObject; {
	case o != nil && !b.takes[Shards]:
		c.add("post.shard_object", "says how shards look, but no field takes shards")
	case o != nil && o.ID == o.Count:
		c.add("post.shard_object", "needs two keys, has %q twice", o.ID)
	}
	b.defaults = c.defaults(e, &b.takes)
	return b
}

// constants puts what is the same for everyone in its places, and the token where
// the body carries that.
func (c *checker) constants(part string, b *bodyDialect, constants map[string]any, a auth) {
	for _, name := range slices.Sorted(maps.Keys(constants)) {
		c.put(b, part+".constants", c.path(part+".constants", name), leaf{value: NumValues, constant: appendConstant(nil, constants[name])})
	}
	if b.holdsToken = a.in == inBody; b.holdsToken {
		c.put(b, part+".auth.name", a.path, leaf{value: NumValues, token: true})
	}
}

// names puts a value in its places. Where an entry has fields of its own, its
// plain names are checked all the same: plain clients rely on them.
func (c *checker) names(b *bodyDialect, v Value, e *Entry) {
	row := &valueTable[v]
	field := row.plainKey
	if e.Post != nil && e.Post.Fields != nil {
		for _, name := range row.plainNames(e) {
			c.path(field, name)
		}
		field = "post.fields." + row.name
	}
	for _, name := range v.Names(e) {
		b.takes[v] = true
		if v == Shards {
			b.shardPlaces++
		}
		c.put(b, field, c.path(field, name), leaf{value: v})
	}
}

func (c *checker) put(b *bodyDialect, field string, path []string, l leaf) {
	if problem := b.shape.put(path, l); problem != "" {
		c.add(field, "%s", problem)
	}
}

// put places a leaf at a path. Only a count and its shards may share a path,
// for they never go out together. It returns what is wrong, "" for nothing.
func (s *shape) put(path []string, l leaf) (problem string) {
	for i := range *s {
		m := &(*s)[i]
		if m.key != path[0] {
			continue
		}
		switch {
		case len(path) > 1 && m.nested != nil:
			return m.nested.put(path[1:], l)
		case len(path) > 1 || m.nested != nil:
			return fmt.Sprintf("%q is a value and an object at once", m.key)
		case len(m.leaves) == 1 && m.leaves[0].value == ServerCount && l.value == Shards:
			m.leaves = append(m.leaves, l)
			return ""
		default:
			return fmt.Sprintf("%q is used twice", m.key)
		}
	}
	m := member{key: path[0]}
	if len(path) == 1 {
		m.leaves = []leaf{l}
	} else {
		m.nested = shape{}
		m.nested.put(path[1:], l)
	}
	*s = append(*s, m)
	return ""
}

// flat checks that a form or a query can hold the fields.
func (c *checker) flat(part string, b *bodyDialect) {
	if b.encoding == encodingJSON {
		return
	}
	for _, m := range b.shape {
		if m.nested != nil {
			c.add(part+".body", "is %s, which cannot nest the field %q", b.encoding, m.key)
		}
	}
	if b.takes[Shards] {
		c.add(part+".fields.shards", "cannot go out as %s; allowed with body: json", b.encoding)
	}
}

// query checks that no parameter of the URL is sent twice.
func (c *checker) query(part string, e *endpoint, b *bodyDialect) {
	u, err := url.Parse(e.rawURL)
	if err != nil {
		return // reported already
	}
	used := u.Query()
	if b.encoding == encodingQuery {
		for _, m := range b.shape {
			if used.Has(m.key) {
				c.add(part+".fields", "%q is in the URL's query already", m.key)
			}
			used.Set(m.key, "")
		}
	}
	if e.auth.in == inQuery && used.Has(e.auth.name) {
		c.add(part+".auth.name", "%q is in the query already", e.auth.name)
	}
}

// encode returns the values as the list takes them, with the token, as the list
// wants it, where the body carries that.
func (b *bodyDialect) encode(set *valueSet, token string) []byte {
	out := make([]byte, 0, 64)
	if b.encoding == encodingJSON {
		return b.appendJSON(out, b.shape, set, token)
	}
	return b.appendPairs(out, set, token)
}

// size returns about how many bytes encode returns; 0 for few.
func (b *bodyDialect) size(set *valueSet) int {
	if !set.given[Shards] {
		return 0
	}
	const digits = len(`"9007199254740991",`)
	each := digits
	if o := b.shardObject; o != nil {
		each += digits + len(o.ID) + len(o.Count) + len(`{"":,"":}`)
	}
	return b.shardPlaces * each * len(set.count.Shards)
}

// apply puts what encode returned into the body, or into the query.
func (b *bodyDialect) apply(r *Request, encoded []byte) {
	switch b.encoding {
	case encodingQuery:
		r.URL = addQuery(r.URL, string(encoded))
	case encodingForm:
		if r.Body = encoded; len(encoded) > 0 {
			r.Header = append(r.Header, Header{"Content-Type", "application/x-www-form-urlencoded"})
		}
	case encodingNone:
	default:
		r.Body = encoded
		r.Header = append(r.Header, Header{"Content-Type", "application/json"})
	}
}

// appendJSON writes a shape as JSON. What has no value is left out, and so is
// an object that would be empty.
func (b *bodyDialect) appendJSON(out []byte, s shape, set *valueSet, token string) []byte {
	out = append(out, '{')
	for _, m := range s {
		before := len(out)
		out = rawjson.AppendKey(out, m.key)
		valueStart := len(out)
		if m.nested == nil {
			out = b.appendLeaf(out, m.leaves, set, token)
		} else if out = b.appendJSON(out, m.nested, set, token); string(out[valueStart:]) == "{}" {
			out = out[:valueStart]
		}
		if len(out) == valueStart {
			out = out[:before]
		}
	}
	return append(out, '}')
}

// appendLeaf writes the first leaf that has a value, or nothing.
func (b *bodyDialect) appendLeaf(out []byte, leaves []leaf, set *valueSet, token string) []byte {
	for _, l := range leaves {
		switch {
		case l.token:
			return rawjson.AppendString(out, token)
		case l.constant != nil:
			return append(out, l.constant...)
		case l.reportValue > 0:
			return append(out, set.reportValues[l.reportValue-1]...)
		case !set.given[l.value]:
			continue
		case l.value == Shards:
			return b.appendShards(out, set.count.Shards)
		case l.value == BotID:
			return rawjson.AppendString(out, set.botID)
		case l.value == ListBotID && b.numbersAsText:
			return rawjson.AppendString(out, set.listBotID)
		case l.value == ListBotID:
			return append(out, cmp.Or(strings.TrimLeft(set.listBotID, "0"), "0")...)
		}
		return b.appendNumber(out, set.number[l.value])
	}
	return out
}

func (b *bodyDialect) appendNumber(out []byte, n int64) []byte {
	if !b.numbersAsText {
		return rawjson.AppendInt(out, n)
	}
	return append(rawjson.AppendInt(append(out, '"'), n), '"')
}

func (b *bodyDialect) appendShards(out []byte, counts []int64) []byte {
	out = append(out, '[')
	for i, n := range counts {
		if i > 0 {
			out = append(out, ',')
		}
		if b.shardObject == nil {
			out = b.appendNumber(out, n)
			continue
		}
		out = rawjson.AppendKey(append(out, '{'), b.shardObject.ID)
		out = b.appendNumber(out, int64(i))
		out = rawjson.AppendKey(out, b.shardObject.Count)
		out = append(b.appendNumber(out, n), '}')
	}
	return append(out, ']')
}

// appendPairs writes the fields as a form or a query.
func (b *bodyDialect) appendPairs(out []byte, set *valueSet, token string) []byte {
	for _, m := range b.shape {
		text, ok := b.text(m, set, token)
		if !ok {
			continue
		}
		if len(out) > 0 {
			out = append(out, '&')
		}
		out = append(out, url.QueryEscape(m.key)...)
		out = append(append(out, '='), escapeUnlessMask(text)...)
	}
	return out
}

// text returns what a form or a query carries under a key; ok is false for
// nothing.
func (b *bodyDialect) text(m member, set *valueSet, token string) (text string, ok bool) {
	v, ok := rawjson.Parse(b.appendLeaf(nil, m.leaves, set, token))
	if !ok {
		return "", false
	}
	if text, ok := v.Text(); ok {
		return text, true
	}
	return string(v.Raw()), true
}

// appendConstant writes a string, a whole number or a boolean as JSON.
func appendConstant(out []byte, v any) []byte {
	switch v := v.(type) {
	case string:
		return rawjson.AppendString(out, v)
	case int64:
		return rawjson.AppendInt(out, v)
	case int:
		return rawjson.AppendInt(out, int64(v))
	case bool:
		return rawjson.AppendBool(out, v)
	}
	return append(out, "null"...)
}

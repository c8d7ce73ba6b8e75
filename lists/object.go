package lists

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// object is the shape of a body: which value stands under which key.
type object []member

type member struct {
	key    string
	nested object // nil: a leaf
	leaves []leaf // the first that has something to say goes out
}

// leaf is one thing that can stand under a key.
type leaf struct {
	value    value // values: none of them
	constant []byte
	token    bool
}

// put places a leaf at a path. Only a count and its shards may share a path,
// for they never go out together. What is wrong is answered in words.
func (o *object) put(path []string, l leaf) (problem string) {
	for i := range *o {
		m := &(*o)[i]
		if m.key != path[0] {
			continue
		}
		switch {
		case len(path) > 1 && m.nested != nil:
			return m.nested.put(path[1:], l)
		case len(path) > 1 || m.nested != nil:
			return fmt.Sprintf("%q is a value and an object at once", m.key)
		case len(m.leaves) == 1 && m.leaves[0].value == serverCount && l.value == shards:
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
		m.nested = object{}
		m.nested.put(path[1:], l)
	}
	*o = append(*o, m)
	return ""
}

// appendTo writes the object as JSON. What has no value is left out, and so is
// an object that would be empty.
func (o object) appendTo(b []byte, p *postDialect, set *valueSet, token string) []byte {
	b = append(b, '{')
	start := len(b)
	for _, m := range o {
		before := len(b)
		if len(b) > start {
			b = append(b, ',')
		}
		b = appendString(b, m.key)
		b = append(b, ':')
		valueStart := len(b)
		if m.nested != nil {
			b = m.nested.appendTo(b, p, set, token)
			if string(b[valueStart:]) == "{}" {
				b = b[:before]
			}
			continue
		}
		if b = m.appendLeaf(b, p, set, token); len(b) == valueStart {
			b = b[:before]
		}
	}
	return append(b, '}')
}

// appendLeaf writes the first leaf that has a value, or nothing.
func (m member) appendLeaf(b []byte, p *postDialect, set *valueSet, token string) []byte {
	for _, l := range m.leaves {
		switch {
		case l.token:
			return appendString(b, p.auth.value(token))
		case l.constant != nil:
			return append(b, l.constant...)
		case !set.given[l.value]:
			continue
		case l.value == shards:
			return appendShards(b, p, set.shards)
		case l.value == botID:
			return appendString(b, set.botID)
		case l.value == listBotID && !p.strings:
			return append(b, strings.TrimLeft(set.listID[:len(set.listID)-1], "0")+set.listID[len(set.listID)-1:]...)
		case l.value == listBotID:
			return appendString(b, set.listID)
		}
		return appendNumber(b, p, set.number[l.value])
	}
	return b
}

func appendNumber(b []byte, p *postDialect, n int64) []byte {
	if !p.strings {
		return strconv.AppendInt(b, n, 10)
	}
	return append(strconv.AppendInt(append(b, '"'), n, 10), '"')
}

func appendShards(b []byte, p *postDialect, counts []int64) []byte {
	b = append(b, '[')
	for i, n := range counts {
		if i > 0 {
			b = append(b, ',')
		}
		if p.shardObject == nil {
			b = appendNumber(b, p, n)
			continue
		}
		b = append(appendString(append(b, '{'), p.shardObject.ID), ':')
		b = append(appendNumber(b, p, int64(i)), ',')
		b = append(appendString(b, p.shardObject.Count), ':')
		b = append(appendNumber(b, p, n), '}')
	}
	return append(b, ']')
}

// text is a leaf's value as a form or a query carries it.
func (m member) text(p *postDialect, set *valueSet, token string) (string, bool) {
	b := m.appendLeaf(nil, p, set, token)
	if len(b) == 0 {
		return "", false
	}
	var s string
	if b[0] == '"' && json.Unmarshal(b, &s) == nil {
		return s, true
	}
	return string(b), true
}

// appendString writes s as a JSON string.
func appendString(b []byte, s string) []byte { return appendJSON(b, s) }

// appendJSON writes a string, a number or a boolean as JSON.
func appendJSON(b []byte, v any) []byte {
	if s, ok := v.(string); ok && isPlain(s) {
		return append(append(append(b, '"'), s...), '"')
	}
	buf := bytes.NewBuffer(b)
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	if enc.Encode(v) != nil { // no string, number or boolean fails
		return append(b, "null"...)
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
}

// isPlain tells whether a string needs no escapes.
func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] == '"' || s[i] == '\\' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

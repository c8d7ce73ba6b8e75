package lists

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
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
		b = AppendString(b, m.key)
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
			return AppendString(b, p.auth.value(token))
		case l.constant != nil:
			return append(b, l.constant...)
		case !set.given[l.value]:
			continue
		case l.value == shards:
			return appendShards(b, p, set.shards)
		case l.value == botID:
			return AppendString(b, set.botID)
		case l.value == listBotID && !p.strings:
			return append(b, cmp.Or(strings.TrimLeft(set.listID, "0"), "0")...)
		case l.value == listBotID:
			return AppendString(b, set.listID)
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
		b = append(AppendString(append(b, '{'), p.shardObject.ID), ':')
		b = append(appendNumber(b, p, int64(i)), ',')
		b = append(AppendString(b, p.shardObject.Count), ':')
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
	if s, ok := unquote(b); ok {
		return s, true
	}
	return string(b), true
}

// AppendString writes s as a JSON string, with U+FFFD for what is not UTF-8.
func AppendString(b []byte, s string) []byte {
	if !utf8.ValidString(s) {
		s = Text([]byte(s))
	}
	b = append(b, '"')
	from := 0
	for i := range len(s) {
		escape := ""
		switch c := s[i]; {
		case c == '"':
			escape = `\"`
		case c == '\\':
			escape = `\\`
		case c == '\n':
			escape = `\n`
		case c == '\r':
			escape = `\r`
		case c == '\t':
			escape = `\t`
		case c < ' ':
			escape = `\u00` + hexDigits[c>>4:c>>4+1] + hexDigits[c&15:c&15+1]
		case c == 0xe2 && strings.HasPrefix(s[i:], "\u2028"), c == 0xe2 && strings.HasPrefix(s[i:], "\u2029"):
			escape = `\u202` + hexDigits[s[i+2]-0xa0:s[i+2]-0xa0+1] // line breaks in JavaScript
		default:
			continue
		}
		b = append(append(b, s[from:i]...), escape...)
		if from = i + 1; s[i] == 0xe2 {
			from = i + len("\u2028")
		}
	}
	return append(append(b, s[from:]...), '"')
}

const hexDigits = "0123456789abcdef"

// appendConstant writes a string, a number or a boolean as JSON.
func appendConstant(b []byte, v any) []byte {
	if s, ok := v.(string); ok {
		return AppendString(b, s)
	}
	j, err := json.Marshal(v)
	if err != nil { // no number or boolean fails
		return append(b, "null"...)
	}
	return append(b, j...)
}

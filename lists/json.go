package lists

import (
	"bytes"
	"encoding/json"
	"slices"
	"unicode/utf8"
)

// Pair is one member of a JSON object.
type Pair struct {
	Key   string
	Value json.RawMessage
}

// Pairs cuts a JSON object into its members, in the order written. Of a key
// that stands twice the last counts. ok is false when raw is no JSON object.
func Pairs(raw []byte) (all []Pair, ok bool) {
	raw = skipSpace(raw)
	if len(raw) == 0 || raw[0] != '{' || !json.Valid(raw) {
		return nil, false
	}
	rest := skipSpace(raw[1:])
	all = make([]Pair, 0, 16)
	at, twice := make(map[string]int, 16), false
	for rest[0] != '}' {
		n := valueLen(rest)
		key, ok := unquote(rest[:n])
		if !ok {
			return nil, false
		}
		rest = skipSpace(skipSpace(rest[n:])[1:]) // the colon
		n = valueLen(rest)
		if i, seen := at[key]; seen {
			all[i].Value, twice = nil, true
		}
		at[key] = len(all)
		all = append(all, Pair{key, rest[:n:n]})
		if rest = skipSpace(rest[n:]); rest[0] == ',' {
			rest = skipSpace(rest[1:])
		}
	}
	if twice {
		all = slices.DeleteFunc(all, func(p Pair) bool { return p.Value == nil })
	}
	return all, true
}

func skipSpace(raw []byte) []byte { return bytes.TrimLeft(raw, " \t\r\n") }

// valueLen is how long the value is that valid JSON begins with.
func valueLen(raw []byte) int {
	depth := 0
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; c {
		case '"':
			for i++; raw[i] != '"'; i++ {
				if raw[i] == '\\' {
					i++
				}
			}
		case '{', '[':
			depth++
			continue
		case '}', ']':
			if depth == 0 { // of what the value stands in
				return i
			}
			depth--
		case ',', ':', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return i
			}
			continue
		default:
			continue // a number, true, false or null goes on
		}
		if depth == 0 {
			return i + 1
		}
	}
	return len(raw)
}

// unquote is the text of a JSON string.
func unquote(raw []byte) (text string, ok bool) {
	if len(raw) < 2 || raw[0] != '"' {
		return "", false
	}
	inside := raw[1 : len(raw)-1]
	if bytes.IndexByte(inside, '\\') < 0 && utf8.Valid(inside) {
		return string(inside), true
	}
	return text, json.Unmarshal(raw, &text) == nil
}

// items cuts a JSON array into its items.
func items(raw []byte) (all []json.RawMessage, ok bool) {
	raw = bytes.TrimLeft(raw, " \t\r\n")
	if len(raw) == 0 || raw[0] != '[' || json.Unmarshal(raw, &all) != nil {
		return nil, false
	}
	return all, true
}

// follow goes down a path of keys; nil where it ends before.
func follow(raw json.RawMessage, path []string) json.RawMessage {
	for _, key := range path {
		all, ok := Pairs(raw)
		if !ok {
			return nil
		}
		raw = nil
		for _, p := range all {
			if p.Key == key {
				raw = p.Value
			}
		}
	}
	return raw
}

// Bounds on JSON that is passed on: client parsers break on more.
const (
	maxDepth  = 64
	maxDigits = 400
)

// passable tells whether a body is JSON that every client can read: valid,
// in UTF-8, not nested too deep, without giant numbers.
func passable(body []byte) bool {
	if !json.Valid(body) || !utf8.Valid(body) {
		return false
	}
	depth, digits, inString := 0, 0, false
	for i := 0; i < len(body); i++ {
		c := body[i]
		if inString {
			switch c {
			case '\\':
				i++
			case '"':
				inString = false
			}
			continue
		}
		if c >= '0' && c <= '9' {
			if digits++; digits > maxDigits {
				return false
			}
			continue
		}
		switch c {
		case '"':
			inString = true
		case '{', '[':
			if depth++; depth > maxDepth {
				return false
			}
		case '}', ']':
			depth--
		case '.', '+', '-', 'e', 'E':
			continue // the number goes on
		}
		digits = 0
	}
	return true
}

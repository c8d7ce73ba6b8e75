package lists

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// pair is one member of a JSON object, in the order written.
type pair struct {
	key string
	raw json.RawMessage
}

// pairs cuts a JSON object into its members, each key once: the last value, in
// the place of the first. ok is false when raw is no object.
func pairs(raw []byte) (all []pair, ok bool) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, false
	}
	at := map[string]int{}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, false
		}
		var v json.RawMessage
		if dec.Decode(&v) != nil {
			return nil, false
		}
		name, _ := key.(string)
		if i, seen := at[name]; seen {
			all[i].raw = v
			continue
		}
		at[name] = len(all)
		all = append(all, pair{name, v})
	}
	if _, err := dec.Token(); err != nil {
		return nil, false
	}
	return all, true
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
		all, ok := pairs(raw)
		if !ok {
			return nil
		}
		raw = nil
		for _, p := range all {
			if p.key == key {
				raw = p.raw
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

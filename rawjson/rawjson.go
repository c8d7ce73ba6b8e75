// Package rawjson reads and writes JSON without interpreting it: a text is
// checked once, then its members, items and texts are cut out as they were
// written, in their order and with every digit.
//
// What encoding/json accepts is accepted. Two things are repaired, for other
// parsers break on them: bytes that are not UTF-8 inside strings, and escapes
// of half a surrogate pair, are read as U+FFFD.
package rawjson

import (
	"bytes"
	"iter"
	"slices"
)

// Kind is the type of a value.
type Kind byte

// Kinds of values. None is the kind of the zero Value, which stands for a
// value that is absent.
const (
	None Kind = iota
	Null
	Bool
	Number
	String
	Array
	Object
)

// Bounds on JSON that may be passed on: client parsers break on more.
const (
	MaxDepth  = 64  // of arrays and objects within each other
	MaxDigits = 400 // of one number, its exponent's among them
)

// Value is one JSON value that has been checked, or the zero Value, which has
// nothing in it and stands for an absent one. It shares memory with the text
// it was parsed from, which must not change.
type Value struct {
	raw   []byte // without white space around it
	facts facts  // of the whole text, also in values cut out of it
}

// facts are what checking a text found out.
type facts byte

const (
	tooDeep        facts = 1 << iota // nested deeper than MaxDepth
	tooLong                          // a number of more than MaxDigits digits
	badUTF8                          // bytes that are not UTF-8, repaired
	halfSurrogates                   // an escape of half a pair, repaired
)

// Portable reports whether every client can parse the whole text that v was
// cut from: it is nested at most MaxDepth deep and no number has more than
// MaxDigits digits. It is true of the zero Value.
func (v Value) Portable() bool { return v.facts&(tooDeep|tooLong) == 0 }

// UTF8 reports whether the whole text that v was cut from was in UTF-8 before
// it was repaired. It is true of the zero Value.
func (v Value) UTF8() bool { return v.facts&badUTF8 == 0 }

// Raw returns the value as it was written, repaired, without white space
// around it. It is nil for the zero Value.
func (v Value) Raw() []byte { return v.raw }

// IsZero reports whether v is the zero Value.
func (v Value) IsZero() bool { return len(v.raw) == 0 }

// Kind returns the type of v.
func (v Value) Kind() Kind {
	if v.IsZero() {
		return None
	}
	switch v.raw[0] {
	case '{':
		return Object
	case '[':
		return Array
	case '"':
		return String
	case 'n':
		return Null
	case 't', 'f':
		return Bool
	}
	return Number
}

// MarshalJSON returns the value as it was written, and null for the zero Value.
func (v Value) MarshalJSON() ([]byte, error) {
	if v.IsZero() {
		return []byte("null"), nil
	}
	return v.raw, nil
}

// Text returns the text of a string. ok is false for every other kind.
func (v Value) Text() (text string, ok bool) {
	if v.Kind() != String {
		return "", false
	}
	return unquote(v.raw), true
}

// Number returns a number as it was written. ok is false for every other kind.
func (v Value) Number() (digits string, ok bool) {
	if v.Kind() != Number {
		return "", false
	}
	return string(v.raw), true
}

// Bool returns true or false. ok is false for every other kind.
func (v Value) Bool() (is, ok bool) {
	return !v.IsZero() && v.raw[0] == 't', v.Kind() == Bool
}

// Member is one member of an object.
type Member struct {
	Key   string
	Value Value
}

// fewMembers is a number up to which comparing all keys is cheaper than a map.
const fewMembers = 32

// Members returns the members of an object in the order written; of a key that
// stands more than once only the last, in its own place. It is nil for every
// other kind, and empty but not nil for an empty object.
func (v Value) Members() []Member {
	if v.Kind() != Object {
		return nil
	}
	all := make([]Member, 0, fewMembers/2)
	var at map[string]int // where each key stands, once there are many
	repeated := false
	for rawKey, value := range v.members() {
		key := unquote(rawKey)
		before := -1
		if at == nil {
			before = index(all, key)
		} else if i, ok := at[key]; ok {
			before = i
		}
		if before >= 0 {
			all[before].Value, repeated = Value{}, true
		}
		if at != nil {
			at[key] = len(all)
		}
		all = append(all, Member{key, value})
		if at == nil && len(all) > fewMembers {
			at = make(map[string]int, 2*fewMembers)
			for i, m := range all {
				at[m.Key] = i
			}
		}
	}
	if repeated {
		all = slices.DeleteFunc(all, func(m Member) bool { return m.Value.IsZero() })
	}
	return all
}

// index returns where the member with a key stands, -1 for nowhere. Members that
// were repeated have no value.
func index(all []Member, key string) int {
	for i := range all {
		if m := &all[i]; m.Key == key && !m.Value.IsZero() {
			return i
		}
	}
	return -1
}

// Get returns the member of an object under a key, the last where there are
// several; the zero Value where there is none or v is not an object. It reads the
// whole object: where several keys are wanted, Members is cheaper.
func (v Value) Get(key string) (found Value) {
	if v.Kind() != Object {
		return Value{}
	}
	for rawKey, value := range v.members() {
		if isKey(rawKey, key) {
			found = value
		}
	}
	return found
}

// Len returns how many items an array has, or how many members an object, each as
// often as it is written; 0 for every other kind. It makes nothing of them.
func (v Value) Len() (n int) {
	switch v.Kind() {
	case Array:
		for range v.Items() {
			n++
		}
	case Object:
		for range v.members() {
			n++
		}
	}
	return n
}

// Items returns the items of an array; none for every other kind.
func (v Value) Items() iter.Seq[Value] {
	return func(yield func(Value) bool) {
		if v.Kind() != Array {
			return
		}
		rest := skipSpace(v.raw[1:])
		for rest[0] != ']' {
			n := valueLen(rest)
			if !yield(v.cut(rest[:n:n])) {
				return
			}
			rest = afterComma(rest[n:])
		}
	}
}

// members returns the members of an object as they were written, keys in
// quotes.
func (v Value) members() iter.Seq2[[]byte, Value] {
	return func(yield func([]byte, Value) bool) {
		rest := skipSpace(v.raw[1:])
		for rest[0] != '}' {
			n := stringLen(rest)
			key := rest[:n]
			rest = skipSpace(skipSpace(rest[n:])[1:]) // the colon
			n = valueLen(rest)
			if !yield(key, v.cut(rest[:n:n])) {
				return
			}
			rest = afterComma(rest[n:])
		}
	}
}

func (v Value) cut(raw []byte) Value { return Value{raw, v.facts} }

// afterComma returns what follows a value: the next one, or the bracket that
// ends what it stands in.
func afterComma(rest []byte) []byte {
	if rest = skipSpace(rest); rest[0] == ',' {
		rest = skipSpace(rest[1:])
	}
	return rest
}

func skipSpace(raw []byte) []byte {
	for len(raw) > 0 && isSpace(raw[0]) {
		raw = raw[1:]
	}
	return raw
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

// valueLen returns the length of the value that checked JSON begins with.
func valueLen(raw []byte) int {
	switch raw[0] {
	case '"':
		return stringLen(raw)
	case '{', '[':
		return containerLen(raw)
	}
	for i, c := range raw {
		if c == ',' || c == ']' || c == '}' || isSpace(c) {
			return i
		}
	}
	return len(raw)
}

func containerLen(raw []byte) int {
	depth := 0
	for i := 0; ; i++ {
		switch raw[i] {
		case '"':
			i += stringLen(raw[i:]) - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
}

// stringLen returns the length of the string that checked JSON begins with,
// with its quotes.
func stringLen(raw []byte) int {
	for end := 1; ; end++ {
		end += bytes.IndexByte(raw[end:], '"')
		escapes := 0
		for raw[end-1-escapes] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			return end + 1
		}
	}
}

// isKey reports whether a string as it was written is this key.
func isKey(raw []byte, key string) bool {
	inside := raw[1 : len(raw)-1]
	if string(inside) == key {
		return bytes.IndexByte(inside, '\\') < 0
	}
	return bytes.IndexByte(inside, '\\') >= 0 && unquote(raw) == key
}

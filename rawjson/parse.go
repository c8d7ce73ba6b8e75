package rawjson

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// maxNesting is how deep JSON may be nested to be read at all, as in
// encoding/json.
const maxNesting = 10_000

// Parse checks that text is one JSON value, with nothing but white space
// around it. What it takes is what encoding/json takes; ok is false for
// anything else. It never changes text.
func Parse(text []byte) (v Value, ok bool) {
	s := scanner{text: text}
	start := s.space(0)
	end, ok := s.scan(start)
	if !ok {
		return Value{}, false
	}
	raw := text[start:end:end]
	if s.notASCII && !utf8.Valid(raw) {
		s.facts |= badUTF8
		raw = AppendUTF8(make([]byte, 0, len(raw)+len(raw)/8), raw)
	}
	if s.facts&halfSurrogates != 0 {
		raw = joinSurrogates(raw)
	}
	return Value{raw, s.facts}, true
}

// scanner checks a text. It holds the open arrays and objects itself: a
// recursion as deep as a text may be nested would cost megabytes of stack.
type scanner struct {
	text     []byte
	open     []byte // '[' or '{' for each that is open
	facts    facts
	notASCII bool // a string holds something else
}

// scan checks the value that begins at i and returns where it ends. ok is false
// where it is not a value, or anything follows it.
func (s *scanner) scan(i int) (end int, ok bool) {
	var opened bool
	for {
		if i, opened, ok = s.value(i); !ok {
			return 0, false
		}
		for !opened {
			if len(s.open) == 0 {
				return i, s.space(i) == len(s.text)
			}
			if i, opened, ok = s.next(i); !ok {
				return 0, false
			}
		}
	}
}

// value checks the value that begins at i. Where it is an array or an object
// with something in it, opened is true and i is where its first value begins;
// else i is where it ends.
func (s *scanner) value(i int) (_ int, opened, ok bool) {
	switch c := s.at(i); c {
	case '"':
		i, ok = s.str(i)
		return i, false, ok
	case '{', '[':
		return s.container(i, c)
	case 't':
		return s.literal(i, "true")
	case 'f':
		return s.literal(i, "false")
	case 'n':
		return s.literal(i, "null")
	}
	i, ok = s.number(i)
	return i, false, ok
}

func (s *scanner) container(i int, c byte) (_ int, opened, ok bool) {
	if len(s.open) >= MaxDepth {
		s.facts |= tooDeep
		if len(s.open) >= maxNesting {
			return 0, false, false
		}
	}
	if i = s.space(i + 1); s.at(i) == c+2 { // '}' or ']'
		return i + 1, false, true
	}
	s.open = append(s.open, c)
	if c == '{' {
		i, ok = s.key(i)
		return i, true, ok
	}
	return i, true, true
}

// next checks what follows a value within an array or object: a comma, with
// the next value after it, or the bracket that ends it.
func (s *scanner) next(i int) (_ int, opened, ok bool) {
	c := s.open[len(s.open)-1]
	switch i = s.space(i); s.at(i) {
	case ',':
		i = s.space(i + 1)
		if c == '{' {
			i, ok = s.key(i)
			return i, true, ok
		}
		return i, true, true
	case c + 2:
		s.open = s.open[:len(s.open)-1]
		return i + 1, false, true
	}
	return 0, false, false
}

// key checks a member's key and colon and returns where its value begins.
func (s *scanner) key(i int) (_ int, ok bool) {
	if s.at(i) != '"' {
		return 0, false
	}
	if i, ok = s.str(i); !ok {
		return 0, false
	}
	if i = s.space(i); s.at(i) != ':' {
		return 0, false
	}
	return s.space(i + 1), true
}

func (s *scanner) literal(i int, want string) (_ int, opened, ok bool) {
	return i + len(want), false, bytes.HasPrefix(s.text[i:], []byte(want))
}

// str checks a string and returns where it ends.
func (s *scanner) str(i int) (_ int, ok bool) {
	for i++; i < len(s.text); i++ {
		switch c := s.text[i]; class[c] {
		case plain:
		case other:
			s.notASCII = true
		case control:
			return 0, false
		case quote:
			return i + 1, true
		case escape:
			n := s.escape(i)
			if n == 0 {
				return 0, false
			}
			i += n - 1
		}
	}
	return 0, false
}

// escape returns the length of the escape at i, 0 where it is none.
func (s *scanner) escape(i int) int {
	switch s.at(i + 1) {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		unit, ok := hex4(s.text[i:])
		if !ok {
			return 0
		}
		if !utf16.IsSurrogate(unit) {
			return len(`\uXXXX`)
		}
		if isPair(unit, s.text[i+len(`\uXXXX`):]) {
			return 2 * len(`\uXXXX`)
		}
		s.facts |= halfSurrogates
		return len(`\uXXXX`)
	}
	return 0
}

// number checks a number and returns where it ends.
func (s *scanner) number(i int) (_ int, ok bool) {
	if s.at(i) == '-' {
		i++
	}
	start := i
	i = s.digits(i)
	n := i - start
	if n == 0 || n > 1 && s.text[start] == '0' {
		return 0, false
	}
	if s.at(i) == '.' {
		start = i + 1
		if i = s.digits(start); i == start {
			return 0, false
		}
		n += i - start
	}
	if c := s.at(i); c == 'e' || c == 'E' {
		if i++; s.at(i) == '+' || s.at(i) == '-' {
			i++
		}
		start = i
		if i = s.digits(start); i == start {
			return 0, false
		}
		n += i - start
	}
	if n > MaxDigits {
		s.facts |= tooLong
	}
	return i, true
}

func (s *scanner) digits(i int) int {
	for i < len(s.text) && s.text[i] >= '0' && s.text[i] <= '9' {
		i++
	}
	return i
}

func (s *scanner) space(i int) int {
	for i < len(s.text) && isSpace(s.text[i]) {
		i++
	}
	return i
}

// at returns the byte at i, 0 at the end: no JSON outside of strings has one.
func (s *scanner) at(i int) byte {
	if i < len(s.text) {
		return s.text[i]
	}
	return 0
}

// class says what a byte means within a string.
var class = func() (all [256]byte) {
	for c := range all {
		switch {
		case c < ' ':
			all[c] = control
		case c >= utf8.RuneSelf:
			all[c] = other
		}
	}
	all['"'], all['\\'] = quote, escape
	return all
}()

const (
	plain   byte = iota
	other        // not ASCII
	control      // not allowed
	quote
	escape
)

// hex4 reads the escape \uXXXX that text begins with.
func hex4(text []byte) (unit rune, ok bool) {
	if len(text) < len(`\uXXXX`) || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	for _, c := range text[2:6] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		unit = unit<<4 | rune(c)
	}
	return unit, true
}

// isPair reports whether unit and the escape that rest begins with are a
// surrogate pair.
func isPair(unit rune, rest []byte) bool {
	second, ok := hex4(rest)
	return ok && utf16.DecodeRune(unit, second) != utf8.RuneError
}

// joinSurrogates returns a copy of checked JSON in which each escape of half a
// surrogate pair is \ufffd.
func joinSurrogates(raw []byte) []byte {
	raw = bytes.Clone(raw)
	for i := 0; ; {
		next := bytes.IndexByte(raw[i:], '\\') // escapes stand in strings alone
		if next < 0 {
			return raw
		}
		i += next
		unit, isUnit := hex4(raw[i:])
		switch {
		case !isUnit:
			i += 2
		case !utf16.IsSurrogate(unit):
			i += len(`\uXXXX`)
		case isPair(unit, raw[i+len(`\uXXXX`):]):
			i += 2 * len(`\uXXXX`)
		default:
			i += copy(raw[i:], `\ufffd`)
		}
	}
}

// unquote returns the text of a checked string.
func unquote(raw []byte) string {
	inside := raw[1 : len(raw)-1]
	i := bytes.IndexByte(inside, '\\')
	if i < 0 {
		return string(inside)
	}
	text := make([]byte, 0, len(inside))
	for i >= 0 {
		text = append(text, inside[:i]...)
		n := 2
		switch c := inside[i+1]; c {
		case 'u':
			var r rune
			r, n = unescape(inside[i:])
			text = utf8.AppendRune(text, r)
		case 'b':
			text = append(text, '\b')
		case 'f':
			text = append(text, '\f')
		case 'n':
			text = append(text, '\n')
		case 'r':
			text = append(text, '\r')
		case 't':
			text = append(text, '\t')
		default: // a quote, a backslash or a slash
			text = append(text, c)
		}
		inside = inside[i+n:]
		i = bytes.IndexByte(inside, '\\')
	}
	return string(append(text, inside...))
}

// unescape returns the sign that \uXXXX stands for, with the second half of a
// surrogate pair where one follows, and the length of the escape.
func unescape(text []byte) (r rune, n int) {
	r, _ = hex4(text)
	if !utf16.IsSurrogate(r) {
		return r, len(`\uXXXX`)
	}
	second, _ := hex4(text[len(`\uXXXX`):])
	return utf16.DecodeRune(r, second), 2 * len(`\uXXXX`) // no half is left in checked JSON
}

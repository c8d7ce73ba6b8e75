package rawjson

import (
	"strconv"
	"unicode/utf8"
)

// The functions below append JSON to b and return it, as append does. An
// object is written with its brackets by the caller, and a key puts the comma
// before it where one is needed:
//
//	b = append(b, '{')
//	b = rawjson.AppendString(rawjson.AppendKey(b, "name"), name)
//	b = rawjson.AppendInt(rawjson.AppendKey(b, "count"), n)
//	b = append(b, '}')
//
// The items of an array are each preceded by AppendComma.

// AppendKey appends a member's key and its colon, and before them a comma
// unless b ends with the object's bracket.
func AppendKey(b []byte, key string) []byte {
	return append(AppendString(AppendComma(b), key), ':')
}

// AppendComma appends a comma, unless b is empty or ends with a bracket that
// opens, a comma or a colon.
func AppendComma(b []byte) []byte {
	if len(b) == 0 {
		return b
	}
	switch b[len(b)-1] {
	case '{', '[', ',', ':':
		return b
	}
	return append(b, ',')
}

// AppendInt appends an integer.
func AppendInt(b []byte, n int64) []byte { return strconv.AppendInt(b, n, 10) }

// AppendBool appends true or false.
func AppendBool(b []byte, is bool) []byte { return strconv.AppendBool(b, is) }

// AppendValue appends a value as it was written, null for the zero Value.
func AppendValue(b []byte, v Value) []byte {
	if v.IsZero() {
		return append(b, "null"...)
	}
	return append(b, v.raw...)
}

// AppendString appends s as a JSON string, with U+FFFD for what is not UTF-8.
// Line breaks of JavaScript are escaped; <, > and & are not, for what is
// written here is read by programs.
func AppendString(b []byte, s string) []byte {
	if !utf8.ValidString(s) {
		s = string(AppendUTF8(nil, []byte(s)))
	}
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if k := class[c]; k == plain || k == other && !isLineBreak(s[i:]) {
			continue
		}
		b = append(b, s[from:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		case lineBreak[0]:
			i += len(lineBreak) - 1
			b = append(b, `\u202`...)
			b = append(b, '0'+s[i]-0xa0) // U+2028 and U+2029 end in 0xa8 and 0xa9
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		from = i + 1
	}
	return append(append(b, s[from:]...), '"')
}

const hexDigits = "0123456789abcdef"

// lineBreak is one of the two that JavaScript knows beside those of ASCII; the
// other one is \u2029.
const lineBreak = "\u2028"

func isLineBreak(s string) bool {
	return len(s) >= len(lineBreak) && s[:2] == lineBreak[:2] && (s[2] == 0xa8 || s[2] == 0xa9)
}

// AppendUTF8 appends text, with one U+FFFD for each sequence of bytes that is
// the beginning of no UTF-8, or a beginning without an end, as the WHATWG
// Encoding Standard's decoder does.
func AppendUTF8(b, text []byte) []byte {
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		if r == utf8.RuneError && n == 1 {
			b = append(b, "\ufffd"...)
			text = text[brokenLen(text):]
			continue
		}
		b = append(b, text[:n]...)
		text = text[n:]
	}
	return b
}

// brokenLen returns the length of the sequence that text begins with and that
// is not UTF-8: the longest that more bytes could complete, or else one byte.
func brokenLen(text []byte) int {
	n := 1
	for n < len(text) && !utf8.FullRune(text[:n+1]) {
		n++
	}
	return n
}

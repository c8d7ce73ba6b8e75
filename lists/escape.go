package lists

import (
	"html"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// reading is one way to read what stands at a place of a text.
type reading struct {
	width int               // how many bytes of the text it takes
	sign  [utf8.UTFMax]byte // what it says, in UTF-8 …
	size  int               // … and how many bytes of it; 0: nothing
	lost  bool              // U+FFFD: it was a sign of Latin-1, or several
}

const (
	// leadLatin1 and the byte after it begin the signs of Latin-1 beyond ASCII in UTF-8.
	leadLatin1 = 0xc2
	// maxLost is how many bad bytes a reader of UTF-8 may take for one sign.
	maxLost = 3
	// maxNested is how often an escape's first sign is escaped in its turn.
	maxNested = 3
)

// escapes are the signs that begin an escape.
const escapes = `\%&`

// read finds the ways to read what stands at i: as it is; as an escape of a
// URL, of JSON or of HTML, of which the first sign may be escaped again (%25,
// &amp; and a backslash before the backslash); as a blank, which forms write as
// +; as a byte of UTF-8 that a reader took for a sign of Latin-1, or the other
// way round; and as a sign that was lost on such a way.
func (s *scan) read(i int) {
	s.readings = s.readings[:0]
	switch c := s.text[i]; {
	case c >= utf8.RuneSelf:
		s.code(rune(c), 1)
		if r, size := utf8.DecodeRuneInString(s.text[i:]); r != utf8.RuneError || size > 1 {
			s.code(r, size)
		}
	case c == '+':
		s.code('+', 1)
		s.code(' ', 1)
	case c == '\\':
		s.code('\\', 1)
		s.readings = append(s.readings, reading{width: 1}) // it only escapes what comes next
		s.backslash(i)
	case c == '%':
		s.code('%', 1)
		s.percent(i)
	case c == '&':
		s.code('&', 1)
		s.entity(i)
	default:
		s.code(rune(c), 1)
	}
}

// code adds the readings of a number: a code point, or a byte that is one of
// Latin-1 or a part of one in UTF-8.
func (s *scan) code(r rune, width int) {
	p := reading{width: width, lost: r == utf8.RuneError}
	p.size = utf8.EncodeRune(p.sign[:], r)
	if p.lost {
		s.readings = append(s.readings, reading{width: width, sign: p.sign, size: p.size})
		p.size = 0
	}
	s.readings = append(s.readings, p)
	if r >= utf8.RuneSelf && r <= 0xff {
		s.readings = append(s.readings, reading{width: width, sign: [utf8.UTFMax]byte{byte(r)}, size: 1})
	}
}

// backslash reads the escapes of JSON and of programming languages.
func (s *scan) backslash(i int) {
	if i+1 >= len(s.text) {
		return
	}
	switch c := s.text[i+1]; c {
	case '/', '"', '\'', '\\':
		s.code(rune(c), 2)
	case 't':
		s.code('\t', 2)
	case 'x', 'X':
		if r, ok := hexNumber(s.text, i+2, 2); ok {
			s.code(r, 4)
		}
	case 'u', 'U':
		r, ok := hexNumber(s.text, i+2, 4)
		if !ok {
			return
		}
		s.code(r, 6)
		if low, ok := hexNumber(s.text, i+8, 4); ok && utf16.IsSurrogate(r) && strings.EqualFold(s.text[i+6:i+8], `\u`) {
			if both := utf16.DecodeRune(r, low); both != utf8.RuneError {
				s.code(both, 12)
			}
		}
	}
}

// percent reads the escapes of URLs.
func (s *scan) percent(i int) {
	at := i + 1
	for range maxNested + 1 {
		r, ok := hexNumber(s.text, at, 2)
		if !ok {
			return
		}
		at += 2
		s.code(r, at-i)
		if r != '%' {
			return
		}
	}
}

// maxEntity is the length of the longest name of an entity.
const maxEntity = 31

// entity reads the escapes of HTML.
func (s *scan) entity(i int) {
	at := i + 1
	for n := 0; n < maxNested && strings.HasPrefix(s.text[at:], "amp;"); n++ {
		at += len("amp;")
		s.code('&', at-i)
	}
	name := s.text[at:min(len(s.text), at+maxEntity+1)]
	end := strings.IndexByte(name, ';')
	if end < 1 {
		return
	}
	width := at + end + 1 - i
	if name[0] == '#' {
		if r, ok := entityNumber(name[1:end]); ok {
			s.code(r, width)
		}
		return
	}
	plain := html.UnescapeString("&" + name[:end+1])
	if r, size := utf8.DecodeRuneInString(plain); size == len(plain) {
		s.code(r, width)
	}
}

// entityNumber returns the code point of an entity without a name.
func entityNumber(digits string) (r rune, ok bool) {
	base := 10
	if digits != "" && digits[0]|0x20 == 'x' {
		digits, base = digits[1:], 16
	}
	n, err := strconv.ParseUint(digits, base, 32)
	return rune(n), err == nil && n <= utf8.MaxRune
}

// hexNumber returns the number in the n hexadecimal digits at i.
func hexNumber(text string, i, n int) (r rune, ok bool) {
	if i+n > len(text) {
		return 0, false
	}
	for _, c := range []byte(text[i : i+n]) {
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
		r = r<<4 | rune(c)
	}
	return r, true
}

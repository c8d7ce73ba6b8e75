package strictyaml

import (
	"slices"
	"strconv"
	"strings"
)

// Place is where in a file something stands.
type Place struct {
	File  string
	Line  int    // 0 when no line is to blame
	Entry string // the entry it is in, see Decoder.Entries; "" outside of these
	Field string // within the entry, or else within the file, such as "post.limits[0].per"
}

// item is the place of a sequence's item.
func (p Place) item(i, line int) Place {
	p.Line = line
	p.Field += "[" + strconv.Itoa(i) + "]"
	return p
}

// Problem is one thing that is wrong, and where.
type Problem struct {
	Place
	Message string // what is wrong, and what is allowed
}

// String returns the problem as one line for people.
func (p Problem) String() string {
	var b strings.Builder
	if p.File != "" {
		b.WriteString(p.File)
		if p.Line > 0 {
			b.WriteString(":" + strconv.Itoa(p.Line))
		}
		b.WriteString(": ")
	}
	for _, s := range []string{Show(p.Entry), p.Field} {
		if s != "" {
			b.WriteString(s + ": ")
		}
	}
	b.WriteString(p.Message)
	return b.String()
}

// Error holds everything that is wrong with some files, by file and line.
type Error struct {
	Problems []Problem
}

// Error returns the problems, one a line.
func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// byPlace sorts problems in the order of files, then of lines.
func byPlace(problems []Problem, files []string) {
	slices.SortStableFunc(problems, func(a, b Problem) int {
		if d := slices.Index(files, a.File) - slices.Index(files, b.File); d != 0 {
			return d
		}
		return a.Line - b.Line
	})
}

// maxShown bounds how much of a file's text a message repeats, in bytes.
const maxShown = 80

// Show returns a key as messages name it: in quotes where it would mislead bare.
func Show(key string) string {
	if len(key) <= maxShown && !strings.ContainsFunc(key, misleads) {
		return key
	}
	return Quote(key)
}

// ShowKey returns a key as places show it. Where values may be secrets one may stand
// in the place of a key: what does not look like a key is not shown.
func (d *Decoder) ShowKey(key string) string {
	if d.Secrets && !looksLikeKey(key) {
		return "…"
	}
	return Show(key)
}

// looksLikeKey reports whether a text is a short word in small letters, the name of
// a host, or an id of digits.
func looksLikeKey(key string) bool {
	const letters, maxWord, maxHost = "abcdefghijklmnopqrstuvwxyz", 24, 64
	of := func(signs string) bool { return strings.Trim(key, signs) == "" }
	return len(key) <= maxWord && of(letters+"_") || len(key) <= maxHost && strings.Contains(key, ".") && of(letters+"0123456789-.") || isDigits(key)
}

// misleads reports whether a message is harder to read for c in a bare key.
func misleads(c rune) bool { return c <= ' ' || c > '~' || c == '/' || c == '\\' }

// Quote returns a value as messages show it: in quotes, and not all of a long one.
func Quote(s string) string {
	if len(s) > maxShown {
		s = strings.ToValidUTF8(s[:maxShown], "") + "…"
	}
	return strconv.Quote(s)
}

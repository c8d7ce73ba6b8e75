package lists

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Mask stands wherever a secret would.
const Mask = "***"

// A Masker hides secrets in texts that come from elsewhere. A list may echo a
// token in any escape, or in several at once, so a Masker compares signs, in
// every way in which one can be written (see [scan.read]), and not letters.
//
// A Masker is safe for concurrent use. A nil Masker hides nothing.
type Masker struct {
	patterns []pattern   // by their first byte
	from     [257]uint16 // where in patterns those with a given first byte begin
	begins   [256]begins // whether a byte of a text can begin a finding
	shortest int         // no text of fewer bytes holds a pattern
}

// begins says whether a finding can begin with a byte.
type begins uint8

const (
	never   begins = iota
	perhaps        // going by what comes next
	always         // going by more than that
)

// NewMasker returns a Masker of secrets. Those that are zero are left out.
func NewMasker(secrets ...Token) *Masker {
	var all []pattern
	for _, t := range secrets {
		all = appendForms(all, t)
	}
	if len(all) == 0 {
		return nil
	}
	slices.SortFunc(all, func(a, b pattern) int { return strings.Compare(a.text, b.text) })
	m := &Masker{patterns: slices.Compact(all), shortest: len(all[0].text)}
	for _, p := range m.patterns {
		first := p.text[0]
		m.from[int(first)+1]++
		m.shortest = min(m.shortest, utf8.RuneCountInString(p.text[:p.min]))
		m.begins[first] = max(m.begins[first], perhaps)
		if first == ' ' {
			m.begins['+'] = always
		}
		if first >= utf8.RuneSelf {
			for c := utf8.RuneSelf; c < len(m.begins); c++ {
				m.begins[c] = always
			}
		}
	}
	for _, c := range escapes {
		m.begins[c] = always
	}
	for c := range 256 {
		m.from[c+1] += m.from[c]
	}
	return m
}

// Hide returns text with [Mask] in the place of each secret in it. It looks at
// text alone, never at a mask it has put in, in a time that grows with the
// length of text: where telling would take longer, the rest of text is hidden.
// Findings that overlap share a mask.
func (m *Masker) Hide(text string) string { return hide(text, m.find(text)) }

// Hide returns text with [Mask] wherever it holds the token, as [Masker.Hide] does.
func (t Token) Hide(text string) string { return hide(text, t.find(text)) }

// find returns where text holds the token, from left to right.
func (t Token) find(text string) []span {
	for _, part := range t.parts() {
		if utf8.RuneCountInString(part) <= len(text) { // else no form of it fits: most answers are short
			return NewMasker(t).find(text)
		}
	}
	return nil
}

// hide returns text with a mask in the place of each finding.
func hide(text string, found []span) string {
	if len(found) == 0 {
		return text
	}
	var b strings.Builder
	from := 0
	for _, f := range found {
		b.WriteString(text[from:f.start])
		b.WriteString(Mask)
		from = f.end
	}
	b.WriteString(text[from:])
	return b.String()
}

// merged returns the findings of two searches of one text as those of one.
func merged(a, b []span) []span {
	if len(a) == 0 || len(b) == 0 {
		return append(a, b...)
	}
	all := slices.Concat(a, b)
	slices.SortFunc(all, func(a, b span) int { return a.start - b.start })
	found := all[:1]
	for _, f := range all[1:] {
		if last := &found[len(found)-1]; f.start < last.end {
			last.end = max(last.end, f.end)
			continue
		}
		found = append(found, f)
	}
	return found
}

// span is a part of a text.
type span struct{ start, end int }

// find returns where text holds secrets, from left to right.
func (m *Masker) find(text string) []span {
	if m == nil || len(text) < m.shortest {
		return nil
	}
	var space [8]reading
	s := scan{Masker: m, text: text, readings: space[:0], steps: stepsAlways + stepsPerByte*len(text)}
	for i := 0; i < len(text); i++ {
		if s.waiting == 0 {
			if i = s.next(i); i == len(text) {
				break
			}
		}
		s.at(i)
		if s.steps < 0 {
			s.give(i + 1)
			return s.found
		}
	}
	s.arrive(len(text))
	return s.found
}

// Bounds on the work of a scan. An honest text takes less than a step for each
// of its bytes.
const (
	stepsAlways  = 1 << 15
	stepsPerByte = 4
)

// window is more than the bytes in which a sign can be written.
const window = 64

// scan is the search of one text. It follows every way to read the text at
// once: a partial is a way that has spelled the beginning of a pattern.
type scan struct {
	*Masker
	text     string
	ahead    [window][]partial // by the place of the text that they have come to
	waiting  int               // how many there are
	readings []reading         // of the place that is looked at
	found    []span
	steps    int // left
}

// partial is a beginning of a pattern that was found in the text: the pattern's
// index, how many bytes of it are spelled, and where in the text it started, in
// 16, 16 and 32 bits, so that sorting them is cheap.
type partial uint64

func newPartial(pattern, spelled, start int) partial {
	return partial(pattern<<48 | spelled<<32 | start)
}

func (p partial) pattern() int { return int(p >> 48) }
func (p partial) spelled() int { return int(p >> 32 & 0xffff) }
func (p partial) start() int   { return int(p & 0xffffffff) }

// further returns p with so many more bytes spelled.
func (p partial) further(bytes int) partial { return p + partial(bytes)<<32 }

// next returns the next place at which a finding can begin.
func (s *scan) next(i int) int {
	for ; i < len(s.text); i++ {
		switch s.begins[s.text[i]] {
		case always:
			return i
		case perhaps:
			if s.fits(i) {
				return i
			}
		}
	}
	return i
}

// fits reports whether the sign at i can begin a pattern, going by the sign
// after it. It spares most signs the rest.
func (s *scan) fits(i int) bool {
	c, after := s.text[i], byte('\\')
	if i+1 < len(s.text) {
		after = s.text[i+1]
	}
	for n := s.from[c]; n < s.from[int(c)+1]; n++ {
		p := &s.patterns[n]
		if p.min == 1 || after == p.text[1] || after == '+' && p.text[1] == ' ' || after >= utf8.RuneSelf || strings.IndexByte(escapes, after) >= 0 {
			return true
		}
	}
	return false
}

// at goes on from one place of the text.
func (s *scan) at(i int) {
	here := s.arrive(i)
	if len(here) == 0 && s.begins[s.text[i]] == never {
		return
	}
	s.read(i)
	for _, r := range s.readings {
		for _, p := range here {
			s.goOn(p, r, i)
		}
		if r.size > 0 {
			first := int(r.sign[0])
			for n := s.from[first]; n < s.from[first+1]; n++ {
				s.begin(int(n), r, i)
			}
		}
		if r.lost {
			for n := s.from[leadLatin1]; n < s.from[leadLatin1+2]; n++ {
				s.begin(int(n), r, i)
			}
		}
	}
}

// begin starts a partial at i.
func (s *scan) begin(pattern int, r reading, i int) {
	if s.patterns[pattern].alone && i > 0 && (isWord(s.text[i-1]) || s.text[i-1] == '\\') {
		return
	}
	s.goOn(newPartial(pattern, 0, i), r, i)
}

// goOn takes a partial one reading further, if that fits its pattern.
func (s *scan) goOn(p partial, r reading, i int) {
	s.steps--
	whole := &s.patterns[p.pattern()]
	left := whole.text[p.spelled():]
	switch {
	case r.lost:
		for n := 0; n < maxLost && len(left) >= 2 && left[0]&^1 == leadLatin1; n++ {
			p, left = p.further(2), left[2:]
			s.add(p, i+r.width)
		}
	case r.size == 0 && p.spelled() >= whole.min: // a backslash after the secret
	case len(left) >= r.size && left[:r.size] == string(r.sign[:r.size]):
		s.add(p.further(r.size), i+r.width)
	}
}

func (s *scan) add(p partial, i int) {
	s.ahead[i%window] = append(s.ahead[i%window], p)
	s.waiting++
}

// arrive takes the partials that have come to a place, and notes those of them
// that are whole. Of equals it keeps the one that started first.
func (s *scan) arrive(i int) []partial {
	here := s.ahead[i%window]
	s.ahead[i%window] = here[:0] // nothing comes to this slot until here is done with
	s.waiting -= len(here)
	if len(here) > 1 {
		slices.Sort(here)
		here = slices.CompactFunc(here, func(a, b partial) bool { return a>>32 == b>>32 })
	}
	for _, p := range here {
		whole := &s.patterns[p.pattern()]
		if p.spelled() >= whole.min && !(whole.alone && i < len(s.text) && isWord(s.text[i])) {
			s.note(span{p.start(), i})
		}
	}
	return here
}

// note adds a finding, which ends where the last one does or later. It takes
// signs whole: as bytes of Latin-1, a part of one may be a part of a secret.
func (s *scan) note(f span) {
	f.start, _ = s.signAt(f.start)
	_, f.end = s.signAt(f.end)
	for n := len(s.found); n > 0 && s.found[n-1].end > f.start; n-- {
		f.start, f.end = min(f.start, s.found[n-1].start), max(f.end, s.found[n-1].end)
		s.found = s.found[:n-1]
	}
	s.found = append(s.found, f)
}

// signAt returns where the sign begins and ends in the middle of which i is; i
// itself where it is in the middle of none.
func (s *scan) signAt(i int) (start, end int) {
	for start = i; start > 0 && start > i-utf8.UTFMax && start < len(s.text) && !utf8.RuneStart(s.text[start]); start-- {
	}
	if _, size := utf8.DecodeRuneInString(s.text[start:]); start+size > i && start < i {
		return start, start + size
	}
	return i, i
}

// give ends a scan that took too long: all that may still be a secret is.
func (s *scan) give(i int) {
	for _, slot := range s.ahead {
		for _, p := range slot {
			i = min(i, p.start())
		}
	}
	s.note(span{i, len(s.text)})
}

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= utf8.RuneSelf
}

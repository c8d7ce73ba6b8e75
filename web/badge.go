package web

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"aggregator/aggregate"
)

// badgeKinds are what a badge may show. The first is what it shows unless told.
var badgeKinds = []string{"servers", "votes", "lists"}

// BadgeKinds returns what a badge may show; the first is what it shows unless
// told.
func BadgeKinds() []string { return slices.Clone(badgeKinds) }

// BadgeText is what a badge says.
type BadgeText struct {
	Label, Value string
	Colour       string
	Passing      bool // it will soon say something else
}

// Colours of badges, each with a contrast of 4.5 at least to white.
const (
	badgeGood = "#177245"
	badgeGrey = "#5c6370"
	badgeWarn = "#8a5a00"
)

// TextOfBadge returns what a badge of a kind says of an answer; nil: there is
// none.
func TextOfBadge(kind string, a *aggregate.BotAnswer, now time.Time) BadgeText {
	t := BadgeText{Label: kind, Colour: badgeGrey}
	if kind == "lists" {
		t.Label = "bot lists"
	}
	if a == nil {
		t.Value, t.Passing = "not known yet", true
		return t
	}
	counts := tallyOf(findingsOf(*a, now), a.ServerCount)
	switch {
	case counts.Found == 0 && counts.Missing > 0 && counts.Silent < counts.Asked:
		t.Value = "on no list"
		return t
	case counts.Found == 0:
		t.Value, t.Colour, t.Passing = "no list answers", badgeWarn, true
		return t
	}
	counted, votes := false, int64(0)
	for _, r := range a.Lists {
		counted = counted || r.Found && r.Counted
		votes += r.Votes
	}
	t.Colour = badgeGood
	switch {
	case kind == "lists":
		t.Value = strconv.Itoa(counts.Found)
	case kind == "votes":
		t.Value = grouped(votes)
	case counted:
		t.Value = grouped(a.ServerCount)
	default:
		t.Value, t.Colour = "not told", badgeGrey
	}
	return t
}

const (
	badgeHeight  = 20
	badgePadding = 6 // on both sides of a text
)

// Badge draws a badge: a picture in SVG.
func Badge(t BadgeText) []byte {
	left, right := textWidth(t.Label)+2*badgePadding, textWidth(t.Value)+2*badgePadding
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" role="img" aria-label="`, left+right, badgeHeight)
	escape(&b, t.Label+": "+t.Value)
	b.WriteString(`"><title>`)
	escape(&b, t.Label+": "+t.Value)
	fmt.Fprintf(&b, `</title><clipPath id="r"><rect width="%d" height="%d" rx="3"/></clipPath><g clip-path="url(#r)">`, left+right, badgeHeight)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#3b3f47"/><rect x="%d" width="%d" height="%d" fill="%s"/></g>`, left, badgeHeight, left, right, badgeHeight, t.Colour)
	b.WriteString(`<g fill="#fff" font-family="Verdana,DejaVu Sans,Geneva,sans-serif" font-size="11">`)
	for _, part := range []struct {
		text     string
		x, width int
	}{{t.Label, badgePadding, left}, {t.Value, left + badgePadding, right}} {
		fmt.Fprintf(&b, `<text x="%d" y="14" textLength="%d" lengthAdjust="spacingAndGlyphs">`, part.x, part.width-2*badgePadding)
		escape(&b, part.text)
		b.WriteString(`</text>`)
	}
	b.WriteString(`</g></svg>`)
	return b.Bytes()
}

// escape writes a text into XML. A buffer takes everything.
func escape(b *bytes.Buffer, text string) { _ = xml.EscapeText(b, []byte(text)) }

// textWidth returns about how wide a text of a badge is, in pixels: that of
// Verdana at 11 pixels. The text is then drawn as wide as that.
func textWidth(text string) int {
	tenths := 0
	for _, r := range text {
		switch {
		case r == 'i' || r == 'l' || r == 'j':
			tenths += 31
		case r == ' ' || r == ',' || r == '.' || r == 't' || r == 'f' || r == 'r':
			tenths += 42
		case r == 'm' || r == 'w':
			tenths += 98
		default:
			tenths += 69
		}
	}
	return (tenths + 9) / 10
}

// BadgePolicy is the Content-Security-Policy of a badge.
const BadgePolicy = "default-src 'none'; sandbox"

// WriteBadge answers with a badge, or with 304 where the reader has it.
func WriteBadge(w http.ResponseWriter, r *http.Request, t BadgeText) {
	body, h := Badge(t), w.Header()
	fresh := badgeFresh
	if t.Passing {
		fresh = passingBadgeFresh
	}
	h.Set("Content-Security-Policy", BadgePolicy)
	h.Set("Content-Type", "image/svg+xml")
	h.Set("Cache-Control", "max-age="+strconv.Itoa(int(fresh/time.Second)))
	if isUnchanged(h, r, body) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	writePacked(w, r, http.StatusOK, body, nil)
}

const (
	badgeFresh        = 5 * time.Minute
	passingBadgeFresh = time.Minute
)

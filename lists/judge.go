package lists

import (
	"bytes"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/unicode"
)

// Verdict is what a list said to a post, as answers show it.
type Verdict struct {
	OK     bool
	Status int    // the list's HTTP status, or NoAnswer
	Text   string // what it answered, or why there is no answer
}

// Judge tells whether a post to the list succeeded: a 2xx status, and what the
// entry asks for beside it. An HTML page is no success: a parked domain answers
// 200 too.
func (c Call) Judge(a Answer) Verdict {
	if a.Status == NoAnswer {
		return Verdict{Status: NoAnswer, Text: c.token.Hide(a.Reason)}
	}
	v := Verdict{Status: a.Status}
	if location := a.header("Location"); a.Status/100 == 3 && location != "" {
		v.Text = "Redirected to " + c.token.Hide(absolute(c.Masked().URL, c.token.Hide(location)))
		return v
	}
	v.Text = c.token.Hide(Text(a.Body))
	v.OK = a.Status/100 == 2 && c.List.post.accepts(a)
	return v
}

// accepts tells whether a 2xx answer is a success.
func (p *postDialect) accepts(a Answer) bool {
	switch p.answer {
	case answerAny:
	case answerEmpty:
		if len(bytes.TrimSpace(a.Body)) > 0 {
			return false
		}
	case answerJSON:
		if !json.Valid(a.Body) {
			return false
		}
	default:
		if isHTML(a) {
			return false
		}
	}
	if p.success == nil {
		return true
	}
	found := follow(a.Body, p.success.path)
	return string(found) == "true" && p.success.is || string(found) == "false" && !p.success.is
}

func isHTML(a Answer) bool {
	if len(a.Body) == 0 {
		return false
	}
	start := bytes.TrimLeft(a.Body[:min(len(a.Body), 512)], " \t\r\n\ufeff")
	if len(start) == 0 || start[0] != '<' {
		return false
	}
	start = bytes.ToLower(start)
	if bytes.HasPrefix(start, []byte("<!doctype html")) || bytes.HasPrefix(start, []byte("<html")) {
		return true
	}
	kind, _, _ := strings.Cut(a.header("Content-Type"), ";")
	return strings.EqualFold(strings.TrimSpace(kind), "text/html")
}

// absolute is where a Location leads.
func absolute(from, location string) string {
	base, err := url.Parse(from)
	if err != nil {
		return location
	}
	to, err := base.Parse(location)
	if err != nil {
		return location
	}
	to.User = nil
	return to.String()
}

// Text decodes an answer as UTF-8, with U+FFFD for bad bytes.
func Text(body []byte) string {
	if utf8.Valid(body) {
		return string(body)
	}
	b, err := unicode.UTF8.NewDecoder().Bytes(body)
	if err != nil {
		return strings.ToValidUTF8(string(body), "\ufffd")
	}
	return string(b)
}

// Revoked tells whether the list says that the token is revoked for good.
func (c Call) Revoked(a Answer) bool {
	return c.MayBeRevoked() && slices.Contains(c.List.post.revoked, a.Status)
}

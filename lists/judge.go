package lists

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/unicode"
)

// Verdict is what a list's answer to a call means, judged by the operation that
// the call is of.
type Verdict struct {
	OK     bool
	Status int    // the list's HTTP status, or NoAnswer
	Text   string // of a post: what the list answered, or why there is no answer
	Why    string // why it is not good, for whoever writes the entry; "" where it is

	TokenRefused bool // the list does not take the token
	Revoked      bool // the list has revoked the token for good
}

// Judge returns what an answer to the call means.
func (c Call) Judge(a Answer) Verdict { return c.endpoint.judge(c, a) }

// judgePost finds a post good that has a 2xx status and what the entry asks for
// beside it. An HTML page is no success: a parked domain answers 200 too.
func (p *postDialect) judgePost(c Call, a Answer) Verdict {
	if a.Status == NoAnswer {
		reason := c.Hide(a.Reason)
		return Verdict{Status: NoAnswer, Text: reason, Why: "there was no answer"}
	}
	v := Verdict{
		Status:       a.Status,
		TokenRefused: refusesToken(a.Status) || a.Status == http.StatusNotFound,
		Revoked:      slices.Contains(p.revoked, a.Status),
	}
	if location := a.header("Location"); a.Status/100 == 3 && location != "" {
		v.Text = "Redirected to " + c.redirectedTo(location)
		v.Why = wrongStatus(a.Status, "200 to 299")
		return v
	}
	v.Text = c.Hide(Text(a.Body))
	if a.Status/100 != 2 {
		v.Why = wrongStatus(a.Status, "200 to 299")
	} else {
		v.Why = p.objection(c, a)
	}
	v.OK = v.Why == ""
	return v
}

// judgeReading finds a reading good that has status 200. A 404 says that the
// list does not know the bot, and nothing of the key.
func judgeReading(_ Call, a Answer) Verdict {
	v := Verdict{OK: a.Status == http.StatusOK, Status: a.Status, TokenRefused: refusesToken(a.Status)}
	switch {
	case a.Status == NoAnswer:
		v.Why = "there was no answer"
	case !v.OK:
		v.Why = wrongStatus(a.Status, "200")
	}
	return v
}

func wrongStatus(status int, want string) string {
	return fmt.Sprintf("the status is %d, want %s", status, want)
}

func refusesToken(status int) bool {
	return status == http.StatusUnauthorized || status == http.StatusForbidden
}

// objection returns why a 2xx answer to the call is not a success, "" where it
// is one.
func (p *postDialect) objection(c Call, a Answer) string {
	switch p.answer {
	case answerAny:
	case answerEmpty:
		if len(bytes.TrimSpace(a.Body)) > 0 {
			return "the answer has a body, want an empty one"
		}
	case answerJSON:
		if !json.Valid(a.Body) {
			return "the answer is not JSON"
		}
	default:
		if isHTML(a) {
			return "the answer is an HTML page"
		}
	}
	if p.success == nil {
		return ""
	}
	found, want := follow(a.Body, p.success.path), strconv.FormatBool(p.success.is)
	if string(found) == want {
		return ""
	}
	is := "missing"
	if found != nil {
		is = shorten(c.Hide(Text(found)))
	}
	return fmt.Sprintf("the flag %s is %s, want %s", strings.Join(p.success.path, "."), is, want)
}

// shorten returns the beginning of a text, enough of it to recognise it by.
func shorten(s string) string {
	const enough = 60
	if r := []rune(s); len(r) > enough {
		return string(r[:enough]) + "…"
	}
	return s
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

// redirectedTo returns where a Location leads. What is put together of its
// parts may be the token too.
func (c Call) redirectedTo(location string) string {
	if hidden := c.Hide(location); hidden != location {
		return absolute(c.Masked().URL, hidden)
	}
	return c.Hide(absolute(c.Masked().URL, location))
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

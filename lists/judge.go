package lists

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"aggregator/rawjson"
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

// What a success must answer.
const (
	answerJSON  = "json"
	answerEmpty = "empty"
	answerAny   = "any"
)

// judging is how a list's answers to posts are judged, compiled.
type judging struct {
	answer  string
	success *successFlag // nil: there is none
	revoked []int        // statuses that say that the token is revoked
}

// successFlag is a flag in an answer that says whether it went well.
type successFlag struct {
	path []string
	is   bool // for a success
}

func (c *checker) judging(spec *PostEntry) judging {
	j := judging{answer: spec.Answer, revoked: spec.Revoked}
	if e := spec.Success; e != nil {
		if j.answer == answerEmpty {
			c.add("post.success", "is a flag in the answer, but answer: empty says that there is none; leave one out")
		}
		j.success = &successFlag{path: c.path("post.success.field", e.Field), is: e.Is}
	}
	for i, s := range spec.Revoked {
		if s < 400 || s > 599 {
			c.add("post.revoked["+strconv.Itoa(i)+"]", "must be an HTTP status from 400 to 599, is %d", s)
		}
	}
	return j
}

// judge finds a post good that has a 2xx status and what the entry asks for
// beside it.
func (j *judging) judge(c Call, a Answer) Verdict {
	if a.Status == NoAnswer {
		return Verdict{Status: NoAnswer, Text: c.Hide(a.Reason), Why: noAnswer}
	}
	v := Verdict{
		Status:       a.Status,
		TokenRefused: refusesToken(a.Status) || a.Status == http.StatusNotFound,
		Revoked:      slices.Contains(j.revoked, a.Status),
	}
	if a.Status/100 != 2 {
		v.Why = wrongStatus(a.Status, "200 to 299")
	}
	if location := a.header("Location"); a.Status/100 == 3 && location != "" {
		v.Text = "Redirected to " + c.redirectedTo(location)
		return v
	}
	v.Text = c.Hide(Text(a.Body))
	if v.Why == "" {
		v.Why = j.objection(c, a)
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
		v.Why = noAnswer
	case !v.OK:
		v.Why = wrongStatus(a.Status, "200")
	}
	return v
}

const noAnswer = "there was no answer"

func wrongStatus(status int, want string) string {
	return fmt.Sprintf("the status is %d, want %s", status, want)
}

func refusesToken(status int) bool {
	return status == http.StatusUnauthorized || status == http.StatusForbidden
}

// objection returns why a 2xx answer to the call is not a success, "" where it
// is one. An HTML page is none: a parked domain answers 200 too.
func (j *judging) objection(c Call, a Answer) string {
	switch j.answer {
	case answerAny:
	case answerEmpty:
		if len(bytes.TrimSpace(a.Body)) > 0 {
			return "the answer has a body, want an empty one"
		}
	case answerJSON:
		if _, ok := rawjson.Parse(a.Body); !ok {
			return "the answer is not JSON"
		}
	default:
		if isHTML(a) {
			return "the answer is an HTML page"
		}
	}
	if j.success == nil {
		return ""
	}
	answer, _ := rawjson.Parse(a.Body)
	found := follow(answer, j.success.path)
	is, ok := found.Bool()
	if ok && is == j.success.is {
		return ""
	}
	shown := "missing"
	if !found.IsZero() {
		shown = shorten(c.Hide(string(found.Raw())))
	}
	return fmt.Sprintf("the flag %s is %s, want %t", strings.Join(j.success.path, "."), shown, j.success.is)
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

// absolute returns where a Location leads.
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

// Text returns an answer as text, decoded as UTF-8, with U+FFFD for bad bytes.
func Text(answer []byte) string {
	if utf8.Valid(answer) {
		return string(answer)
	}
	return string(rawjson.AppendUTF8(nil, answer))
}

// rules says in words what a success is, and what ends posting.
func (j *judging) rules() []string {
	success := "success: a 2xx status"
	switch j.answer {
	case answerJSON:
		success += " and JSON"
	case answerEmpty:
		success += " and an empty answer"
	case answerAny:
	default:
		success += " and no HTML page"
	}
	if j.success != nil {
		success += fmt.Sprintf(", with %s %t in it", strings.Join(j.success.path, "."), j.success.is)
	}
	rules := []string{success}
	for _, status := range j.revoked {
		rules = append(rules, fmt.Sprintf("revoked: status %d ends posting until the token changes", status))
	}
	return rules
}

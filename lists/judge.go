package lists

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"aggregator/rawjson"
)

// byteOrderMark is what some servers begin a text with. It is not JSON, but what
// follows it may be.
var byteOrderMark = []byte("\ufeff")

// Verdict is what a list's answer to a call means, judged by the operation that
// the call is of.
type Verdict struct {
	OK     bool
	Status int    // the list's HTTP status, or NoAnswer
	Text   string // of a post: what the list answered, or why there is no answer
	Why    string // why it is not good, for whoever writes the entry; "" where it is

	Page          bool // the answer has the status of a success, and is an HTML page
	TokenRefused  bool // the list does not take the token
	ValuesRefused bool // the list does not take what was posted, and has counted nothing
	Revoked       bool // the list has revoked the token for good
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
	is   rawjson.Value // for a success
}

// judging compiles how the answers to the calls of a part of an entry are judged.
func (c *checker) judging(part, answer string, success *SuccessEntry, revoked []int) judging {
	j := judging{answer: answer, revoked: revoked}
	if e := success; e != nil {
		if j.answer == answerEmpty {
			c.add(part+".success", "is a flag in the answer, but answer: empty says that there is none; leave one out")
		}
		if e.Is == nil {
			c.add(part+".success.is", "is required")
		}
		is, _ := rawjson.Parse(appendConstant(nil, e.Is))
		j.success = &successFlag{path: c.path(part+".success.field", e.Field), is: is}
	}
	c.statuses(part+".revoked", revoked)
	return j
}

// judge finds a post good that has a 2xx status and what the entry asks for
// beside it.
func (j *judging) judge(c Call, a Answer) Verdict {
	if a.Status == NoAnswer {
		return Verdict{Status: NoAnswer, Text: c.Hide(a.Reason), Why: noAnswer}
	}
	v := Verdict{
		Status:        a.Status,
		TokenRefused:  refusesToken(a.Status) || a.Status == http.StatusNotFound,
		ValuesRefused: a.Status == http.StatusBadRequest || a.Status == http.StatusUnprocessableEntity,
		Revoked:       slices.Contains(j.revoked, a.Status),
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
	v.Page = !v.OK && a.Status/100 == 2 && j.answer != answerAny && isHTML(a.Body)
	return v
}

// judgeReading finds a reading good that has status 200 and does not say that
// it failed. A 404 says that the list does not know the bot, and nothing of the
// key.
func judgeReading(c Call, a Answer) Verdict {
	v := Verdict{Status: a.Status, TokenRefused: refusesToken(a.Status)}
	switch {
	case a.Status == NoAnswer:
		v.Why = noAnswer
	case a.Status != http.StatusOK:
		v.Why = wrongStatus(a.Status, "200")
	case isHTML(a.Body):
		v.Why, v.Page = isPage, true
	default:
		v.Why = c.saysFailure(a)
	}
	v.OK = v.Why == ""
	return v
}

const (
	noAnswer = "there was no answer"
	isPage   = "the answer is an HTML page"
)

func wrongStatus(status int, want string) string {
	return fmt.Sprintf("the status is %d, want %s", status, want)
}

func refusesToken(status int) bool {
	return status == http.StatusUnauthorized || status == http.StatusForbidden
}

// statement returns the body as JSON, after a byte order mark too.
func (a Answer) statement() (v rawjson.Value, ok bool) {
	if rest, marked := bytes.CutPrefix(a.Body, byteOrderMark); marked {
		return rawjson.Parse(rest)
	}
	return a.value()
}

// objection returns why a 2xx answer to the call is not a success, "" where it
// is one. An HTML page is none: a parked domain answers 200 too.
func (j *judging) objection(c Call, a Answer) string {
	answer, isJSON := a.statement()
	switch {
	case j.answer == answerEmpty && len(bytes.TrimSpace(a.Body)) > 0:
		return "the answer has a body, want an empty one"
	case j.answer != answerAny && isHTML(a.Body):
		return isPage
	case j.answer == answerJSON && !isJSON:
		return "the answer is not JSON"
	case j.success == nil:
		return c.saysFailure(a)
	}
	found := follow(answer, j.success.path)
	if sameScalar(found, j.success.is) {
		return ""
	}
	return fmt.Sprintf("the flag %s is %s, want %s", strings.Join(j.success.path, "."), c.shown(found), j.success.is.Raw())
}

// saysFailure returns how an answer says at its top that the call failed,
// whatever its status; "" where it does not. The fields of except say something
// else there.
func (c Call) saysFailure(a Answer, except ...string) string {
	answer, _ := a.statement()
	if answer.Kind() != rawjson.Object {
		return ""
	}
	for _, key := range []string{"success", "ok"} {
		if flag := answer.Get(key); isFalse(flag) && !slices.Contains(except, key) {
			return fmt.Sprintf("the flag %s is %s", key, c.shown(flag))
		}
	}
	if e := answer.Get("error"); isError(e) && !slices.Contains(except, "error") {
		return "the field error is " + c.shown(e)
	}
	return ""
}

// isFalse reports whether a flag says no: false, 0 or "false".
func isFalse(flag rawjson.Value) bool {
	switch flag.Kind() {
	case rawjson.Bool:
		is, _ := flag.Bool()
		return !is
	case rawjson.Number:
		digits, _ := flag.Number()
		n, err := strconv.ParseFloat(digits, 64)
		return err == nil && n == 0
	}
	text, _ := flag.Text()
	return strings.EqualFold(text, "false")
}

// isError reports whether the value of a field called error says that there is
// one: true, an object or a text.
func isError(v rawjson.Value) bool {
	is, _ := v.Bool()
	text, _ := v.Text()
	return is || text != "" || v.Kind() == rawjson.Object
}

// sameScalar reports whether two scalars are equal as JSON: 1 is 1.0, and not "1".
func sameScalar(a, b rawjson.Value) bool {
	if a.Kind() != b.Kind() {
		return false
	}
	switch a.Kind() {
	case rawjson.String:
		x, _ := a.Text()
		y, _ := b.Text()
		return x == y
	case rawjson.Number:
		x, err := strconv.ParseFloat(string(a.Raw()), 64)
		y, _ := strconv.ParseFloat(string(b.Raw()), 64)
		return err == nil && x == y
	}
	return string(a.Raw()) == string(b.Raw())
}

// shown returns a value of an answer as a reason shows it.
func (c Call) shown(v rawjson.Value) string {
	if v.IsZero() {
		return "missing"
	}
	return shorten(c.Hide(string(v.Raw())))
}

// oddValueError is the error of a value that is not what its place is for.
type oddValueError struct {
	path  string
	value rawjson.Value
	want  string
}

func (e *oddValueError) Error() string { return e.hiding(func(text string) string { return text }) }

func (e *oddValueError) hiding(hide func(string) string) string {
	return fmt.Sprintf("%s is %s, want %s", e.path, shorten(hide(string(e.value.Raw()))), e.want)
}

// hiding returns the text of an error with what hide hides, the rest of a secret
// too of which only the beginning would be shown.
func hiding(err error, hide func(string) string) string {
	if odd, is := errors.AsType[*oddValueError](err); is {
		return odd.hiding(hide)
	}
	return hide(err.Error())
}

// shorten returns the beginning of a text, enough of it to recognise it by.
func shorten(s string) string {
	const enough = 60
	if r := []rune(s); len(r) > enough {
		return string(r[:enough]) + "…"
	}
	return s
}

// isHTML reports whether an answer begins like a page: with "<" after white
// space, in UTF-8 or UTF-16. No API of a list answers with XML.
func isHTML(answer []byte) bool {
	const blank = " \t\r\n\v\f\x00\xef\xbb\xbf\xfe\xff" // with byte order marks, and the other half of a blank in UTF-16
	for _, c := range answer {
		if strings.IndexByte(blank, c) < 0 {
			return c == '<'
		}
	}
	return false
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

// rules says in sentences when what was sent has arrived, and what ends posting.
func (j *judging) rules(what string) []string {
	parts := []string{"has a 2xx status"}
	switch j.answer {
	case answerJSON:
		parts = append(parts, "is JSON")
	case answerEmpty:
		parts = append(parts, "is empty")
	case answerAny:
	default:
		parts = append(parts, "is no HTML page")
	}
	switch {
	case j.success != nil:
		parts = append(parts, fmt.Sprintf("has %s %s in it", strings.Join(j.success.path, "."), j.success.is.Raw()))
	case j.answer != answerEmpty:
		parts = append(parts, "names no failure (an error, or success or ok that is false)")
	}
	rules := []string{what + " has arrived if the answer " + andAll(parts) + "."}
	for _, status := range j.revoked {
		rules = append(rules, fmt.Sprintf("Status %d says that the token is revoked: nothing is posted until it changes.", status))
	}
	return rules
}

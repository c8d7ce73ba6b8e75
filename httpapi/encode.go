package httpapi

import (
	"bytes"
	"io"
	"unicode/utf8"

	"aggregator/aggregate"
	"aggregator/lists"
	"aggregator/rawjson"
)

// noListHint is what a caller reads that has named no list at all.
const noListHint = `No list is named. Name each list by its id, with your token for it: {"LIST": "TOKEN"}. GET /api/lists has the ids.`

// EncodeCount writes the body that answers a count: {"success": {id: [status,
// text, sent]}, "failure": …, "why": {id: why}, "skipped": {id: why}}, the last
// two only with something in them; for a dry run, {"dry_run": true, "requests":
// …, "skipped": …}. Where no list was named there is a "hint" at its end. The
// error is that of w.
func EncodeCount(w io.Writer, a aggregate.CountAnswer) error {
	e := newEncoder(w)
	e.b = append(e.b, '{')
	if a.DryRun {
		e.b = rawjson.AppendBool(rawjson.AppendKey(e.b, "dry_run"), true)
		e.planned(a)
	} else {
		e.posted(a)
		e.skippedIfAny(a.Skipped)
	}
	if len(a.Results)+len(a.Planned)+len(a.Skipped) == 0 { // each list that was named is in one of them
		e.member("hint", noListHint)
	}
	e.end()
	return e.flush()
}

// EncodeBot writes the body that answers a reading: the merged bot, then
// "list_data": {id: [data, status]}, then "skipped": {id: why} when there is
// something in it. The error is that of w.
func EncodeBot(w io.Writer, a aggregate.BotAnswer) error {
	e := newEncoder(w)
	e.b = append(e.b, '{')
	e.member("id", a.ID)
	e.member("username", a.Username)
	e.member("discriminator", a.Discriminator)
	e.b = append(rawjson.AppendKey(e.b, "owners"), '[')
	for _, owner := range a.Owners {
		e.b = rawjson.AppendComma(e.b)
		e.text(owner)
	}
	e.b = append(e.b, ']')
	e.b = rawjson.AppendInt(rawjson.AppendKey(e.b, "server_count"), a.ServerCount)
	e.member("invite", a.Invite)
	e.member("prefix", a.Prefix)
	e.member("website", a.Website)
	e.member("github", a.Github)
	e.member("support", a.Support)
	e.member("library", a.Library)
	e.object("list_data")
	for _, r := range a.Lists {
		e.b = append(rawjson.AppendKey(e.b, r.List), '[')
		if r.JSON != nil {
			e.raw(bytes.TrimSpace(r.JSON))
		} else {
			e.text(r.Text)
		}
		e.b = append(rawjson.AppendInt(append(e.b, ','), int64(r.Status)), ']')
	}
	e.end()
	e.skippedIfAny(a.Skipped)
	e.end()
	return e.flush()
}

const (
	// usualAnswer is about how many bytes an answer has.
	usualAnswer = 4 << 10
	// maxUnwritten bounds what is encoded before it is written, whatever the
	// size of the answer: escapes make six bytes of one.
	maxUnwritten = 32 << 10
	// textPiece is how much of a text is encoded at a time.
	textPiece = maxUnwritten / 8
)

// encoder writes JSON as it is encoded.
type encoder struct {
	w   io.Writer
	b   []byte // encoded, and not written yet
	err error
}

func newEncoder(w io.Writer) *encoder { return &encoder{w: w, b: make([]byte, 0, usualAnswer)} }

// flush writes what is encoded. After an error nothing is written any more.
func (e *encoder) flush() error {
	if e.err == nil && len(e.b) > 0 {
		_, e.err = e.w.Write(e.b)
	}
	e.b = e.b[:0]
	return e.err
}

// keep flushes most of what is encoded if that is much. It keeps the last byte,
// by which rawjson reports whether a comma comes next.
func (e *encoder) keep() {
	if len(e.b) < maxUnwritten {
		return
	}
	last := e.b[len(e.b)-1]
	e.b = e.b[:len(e.b)-1]
	_ = e.flush() // the error stays in e
	e.b = append(e.b, last)
}

func (e *encoder) object(key string) { e.b = append(rawjson.AppendKey(e.b, key), '{') }

func (e *encoder) end() {
	e.b = append(e.b, '}')
	e.keep()
}

// member encodes a member that is a text.
func (e *encoder) member(key, text string) {
	e.b = rawjson.AppendKey(e.b, key)
	e.text(text)
}

// text encodes a string, a piece at a time.
func (e *encoder) text(s string) {
	e.b = append(e.b, '"')
	for len(s) > textPiece {
		n := textPiece
		for n > textPiece-utf8.UTFMax && !utf8.RuneStart(s[n]) {
			n--
		}
		e.b = appendInside(e.b, s[:n])
		e.keep()
		s = s[n:]
	}
	e.b = append(appendInside(e.b, s), '"')
	e.keep()
}

// appendInside appends a string as JSON, without its quotes.
func appendInside(b []byte, s string) []byte {
	start := len(b)
	b = rawjson.AppendString(b, s)
	end := start + copy(b[start:], b[start+1:len(b)-1])
	return b[:end]
}

// raw encodes JSON as it is.
func (e *encoder) raw(json []byte) {
	if len(json) < maxUnwritten {
		e.b = append(e.b, json...)
		e.keep()
		return
	}
	_ = e.flush() // the error stays in e
	if e.err == nil {
		_, e.err = e.w.Write(json[:len(json)-1])
	}
	e.b = append(e.b, json[len(json)-1])
}

// planned encodes what a dry run shows of a count.
func (e *encoder) planned(a aggregate.CountAnswer) {
	e.object("requests")
	for _, call := range a.Planned {
		e.request(call.List.ID, call.Masked())
	}
	e.end()
	e.skipped(a.Skipped)
}

// posted encodes what the lists said to a count.
func (e *encoder) posted(a aggregate.CountAnswer) {
	e.results("success", a.Results, true)
	e.results("failure", a.Results, false)
	e.why(a.Results)
}

// results encodes the results that went well, or those that did not.
func (e *encoder) results(key string, all []aggregate.Result, ok bool) {
	e.object(key)
	for _, r := range all {
		if r.OK != ok {
			continue
		}
		e.b = append(rawjson.AppendKey(e.b, r.List), '[')
		e.b = append(rawjson.AppendInt(e.b, int64(r.Status)), ',')
		e.text(r.Text)
		e.b = append(e.b, ',')
		e.text(r.Sent())
		e.b = append(e.b, ']')
	}
	e.end()
}

// why says of each failure with a status of success why it is one: from what
// the list answered, a page perhaps, people cannot tell.
func (e *encoder) why(all []aggregate.Result) {
	begun := false
	for _, r := range all {
		if r.OK || r.Status/100 != 2 {
			continue
		}
		if !begun {
			e.object("why")
			begun = true
		}
		e.member(r.List, r.Why)
	}
	if begun {
		e.end()
	}
}

func (e *encoder) skipped(all []aggregate.Skipped) {
	e.object("skipped")
	for _, s := range all {
		e.member(s.ID, s.Why.String())
	}
	e.end()
}

func (e *encoder) skippedIfAny(all []aggregate.Skipped) {
	if len(all) > 0 {
		e.skipped(all)
	}
}

// request encodes a planned request as a dry run shows it.
func (e *encoder) request(id string, r lists.Request) {
	e.object(id)
	e.member("method", r.Method)
	e.member("url", r.URL)
	e.object("headers")
	for _, h := range r.Header {
		e.member(h.Name, h.Value)
	}
	e.end()
	e.member("body", string(r.Body))
	e.end()
}

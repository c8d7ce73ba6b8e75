package httpapi

import (
	"io"
	"time"

	"aggregator/agent"
	"aggregator/rawjson"
)

// EncodePosts writes the body that says how a bot's posts stand. All keys always
// stand there, with null where there is nothing. The error is that of w.
func EncodePosts(w io.Writer, r agent.Report) error {
	e := newEncoder(w)
	e.report(r, nil)
	return e.flush()
}

// EncodeRuns writes an array of what EncodePosts says of each bot, with "due":
// whether one run had something to do for it. The error is that of w.
func EncodeRuns(w io.Writer, all []agent.Done) error {
	e := newEncoder(w)
	e.b = append(e.b, '[')
	for _, d := range all {
		e.b = rawjson.AppendComma(e.b)
		e.report(d.Report, &d.Due)
	}
	e.b = append(e.b, ']')
	return e.flush()
}

func (e *encoder) report(r agent.Report, due *bool) {
	e.b = append(e.b, '{')
	e.member("bot_id", r.BotID)
	e.optional("name", r.Name)
	if due != nil {
		e.b = rawjson.AppendBool(rawjson.AppendKey(e.b, "due"), *due)
	}
	e.object("count")
	e.optional("from", r.Count.From)
	e.number("server_count", r.Count.ServerCount)
	e.number("shard_count", r.Count.ShardCount)
	e.time("at", r.Count.At)
	e.optional("error", r.Count.Error)
	e.end()
	e.time("next_at", r.NextAt)
	e.object("lists")
	for _, l := range r.Lists {
		e.object(l.List)
		e.member("state", string(l.State))
		if l.Last == nil {
			e.null("last")
		} else {
			e.object("last")
			e.time("at", l.Last.At)
			e.b = rawjson.AppendInt(rawjson.AppendKey(e.b, "status"), int64(l.Last.Status))
			e.member("text", l.Last.Text)
			e.end()
		}
		e.time("accepted_at", l.AcceptedAt)
		e.number("server_count", l.ServerCount)
		e.time("next_at", l.NextAt)
		e.optional("why", l.Why)
		e.end()
	}
	e.end()
	e.end()
}

func (e *encoder) null(key string) { e.b = append(rawjson.AppendKey(e.b, key), "null"...) }

// optional encodes a text, null for "".
func (e *encoder) optional(key, text string) {
	if text == "" {
		e.null(key)
		return
	}
	e.member(key, text)
}

// number encodes a number, null for nil.
func (e *encoder) number(key string, n *int64) {
	if n == nil {
		e.null(key)
		return
	}
	e.b = rawjson.AppendInt(rawjson.AppendKey(e.b, key), *n)
}

// time encodes a time in UTC, in whole seconds; null for the zero one.
func (e *encoder) time(key string, t time.Time) {
	if t.IsZero() {
		e.null(key)
		return
	}
	e.member(key, t.UTC().Format(time.RFC3339))
}

// Package votes takes in what lists tell of votes, and passes it on to bots: each
// webhook is proven, kept once and then answered, and what is kept goes out signed
// until the bot's own endpoint has taken it.
package votes

import (
	"crypto/rand"
	"time"

	"aggregator/lists"
	"aggregator/rawjson"
	"aggregator/store"
)

// The types of messages.
const (
	typeCreated = "vote.created"
	typeRemoved = "vote.removed"
)

// newID returns the id of a new message.
func newID() string { return "msg_" + rand.Text() }

// newMessage returns the message that tells a bot of an event, which arrived at a
// time. No secret stands in it, whatever the list sent.
func newMessage(bot, list string, e lists.Event, now time.Time, secrets *lists.Masker) store.Message {
	m := store.Message{ID: newID(), Bot: bot, List: list, Type: typeCreated, Test: e.Test, Created: now}
	if lists.IsSnowflake(e.UserID) { // of a test it may be anything
		m.User = e.UserID
	}
	if e.Removed {
		m.Type = typeRemoved
	}
	if m.Body = body(m, e, secrets); len(m.Body) > store.MaxBody {
		e.Raw = nil // control characters grow six-fold; no vote is lost for that
		m.Body = body(m, e, secrets)
	}
	return m
}

// body returns what the bot is sent. All keys always stand in it.
func body(m store.Message, e lists.Event, secrets *lists.Masker) []byte {
	b := make([]byte, 0, 512+len(e.Raw))
	b = append(b, '{')
	b = rawjson.AppendString(rawjson.AppendKey(b, "type"), m.Type)
	b = appendTime(rawjson.AppendKey(b, "timestamp"), m.Created)
	b = append(rawjson.AppendKey(b, "data"), '{')
	b = rawjson.AppendString(rawjson.AppendKey(b, "list"), m.List)
	b = rawjson.AppendString(rawjson.AppendKey(b, "bot_id"), m.Bot)
	b = rawjson.AppendString(rawjson.AppendKey(b, "user_id"), e.UserID)
	b = appendTime(rawjson.AppendKey(b, "voted_at"), e.At)
	b = appendTime(rawjson.AppendKey(b, "until"), e.Until)
	b = rawjson.AppendKey(b, "weekend")
	if e.Weekend == nil {
		b = append(b, "null"...)
	} else {
		b = rawjson.AppendBool(b, *e.Weekend)
	}
	b = rawjson.AppendInt(rawjson.AppendKey(b, "weight"), max(e.Weight, 1))
	b = rawjson.AppendBool(rawjson.AppendKey(b, "test"), m.Test)
	b = appendRaw(rawjson.AppendKey(b, "raw"), e.Raw, secrets)
	return append(b, "}}"...)
}

// appendRaw writes what the list sent: JSON as it came, anything else, or JSON
// that parsers break on, as a text.
func appendRaw(b, raw []byte, secrets *lists.Masker) []byte {
	if raw == nil {
		return append(b, "null"...)
	}
	text := secrets.Hide(string(raw))
	if v, ok := rawjson.Parse([]byte(text)); ok && v.UTF8() && v.Portable() {
		return rawjson.AppendValue(b, v)
	}
	return rawjson.AppendString(b, text)
}

// appendTime writes a time in UTC, in whole seconds; null for the zero one.
func appendTime(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(b, "null"...)
	}
	return rawjson.AppendString(b, t.UTC().Format(time.RFC3339))
}

package httpapi

import (
	"io"
	"time"

	"aggregator/aggregate"
	"aggregator/rawjson"
)

// EncodeShards writes the body that answers a report of shards: {"known", "of",
// "missing", "server_count", "posted", "next_post_at"}, the last and the count
// null where there is none, and beside these what EncodeCount writes of a post, or
// of lists that were not asked; for a dry run, {"dry_run": true, "known", "of",
// "missing", "server_count", "requests", "skipped"}. The error is that of w.
func EncodeShards(w io.Writer, a aggregate.ShardsAnswer) error {
	e := newEncoder(w)
	e.b = append(e.b, '{')
	if a.DryRun {
		e.b = rawjson.AppendBool(rawjson.AppendKey(e.b, "dry_run"), true)
	}
	e.set(a)
	if a.DryRun {
		e.planned(a.CountAnswer)
		e.end()
		return e.flush()
	}
	e.b = rawjson.AppendBool(rawjson.AppendKey(e.b, "posted"), a.Posted)
	e.moment("next_post_at", a.NextPost)
	if a.Posted {
		e.posted(a.CountAnswer)
	}
	e.skippedIfAny(a.Skipped)
	e.end()
	return e.flush()
}

// set encodes how a bot's shards are.
func (e *encoder) set(a aggregate.ShardsAnswer) {
	e.b = rawjson.AppendInt(rawjson.AppendKey(e.b, "known"), int64(a.Known))
	e.b = rawjson.AppendInt(rawjson.AppendKey(e.b, "of"), int64(a.Of))
	e.b = append(rawjson.AppendKey(e.b, "missing"), '[')
	for _, shard := range a.Missing {
		e.b = rawjson.AppendInt(rawjson.AppendComma(e.b), int64(shard))
	}
	e.b = rawjson.AppendKey(append(e.b, ']'), "server_count")
	if a.Complete() {
		e.b = rawjson.AppendInt(e.b, a.Total)
	} else {
		e.b = append(e.b, "null"...)
	}
}

// moment encodes a time in UTC, in whole seconds, rounded up: who comes then is
// not early. It is null for the zero one.
func (e *encoder) moment(key string, t time.Time) {
	e.b = rawjson.AppendKey(e.b, key)
	if t.IsZero() {
		e.b = append(e.b, "null"...)
		return
	}
	e.text(t.Add(time.Second - time.Nanosecond).UTC().Truncate(time.Second).Format(time.RFC3339))
}

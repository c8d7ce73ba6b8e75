package httpapi

import (
	"io"

	"aggregator/aggregate"
	"aggregator/rawjson"
)

// EncodeVote writes the body that says whether a user has voted for a bot:
// {"bot_id", "user_id", "voted", "lists": {id: {"voted", "voted_at", "until",
// "weight", "from"}}, "failure": {id: [status, text]}, "skipped": {id: why}}. All
// keys always stand there, but for those after a list's "voted", which stand
// where they are known. The error is that of w.
func EncodeVote(w io.Writer, a aggregate.VoteAnswer) error {
	e := newEncoder(w)
	e.b = append(e.b, '{')
	e.member("bot_id", a.BotID)
	e.member("user_id", a.UserID)
	e.b = rawjson.AppendBool(rawjson.AppendKey(e.b, "voted"), a.Voted())
	e.object("lists")
	for _, r := range a.Results {
		if r.OK {
			e.vote(r)
		}
	}
	e.end()
	e.object("failure")
	for _, r := range a.Results {
		if !r.OK {
			e.failure(r.List, r.Status, r.Text)
		}
	}
	e.end()
	e.skipped(a.Skipped)
	e.end()
	return e.flush()
}

// vote encodes what one list says of a vote.
func (e *encoder) vote(r aggregate.VoteResult) {
	e.object(r.List)
	e.b = rawjson.AppendBool(rawjson.AppendKey(e.b, "voted"), r.Voted)
	if !r.At.IsZero() {
		e.time("voted_at", r.At)
	}
	if !r.Until.IsZero() {
		e.time("until", r.Until)
	}
	if r.Weight > 0 {
		e.b = rawjson.AppendInt(rawjson.AppendKey(e.b, "weight"), r.Weight)
	}
	if r.FromWebhook {
		e.member("from", "webhook")
	}
	e.end()
}

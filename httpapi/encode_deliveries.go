package httpapi

import (
	"io"

	"aggregator/rawjson"
	"aggregator/votes"
)

// encodeDeliveries writes the body that shows a page of a bot's deliveries. All
// keys always stand there, with null where there is nothing. The error is that of
// w.
func encodeDeliveries(w io.Writer, bot string, page []votes.Delivery, next string) error {
	e := newEncoder(w)
	e.b = append(e.b, '{')
	e.member("bot_id", bot)
	e.b = append(rawjson.AppendKey(e.b, "deliveries"), '[')
	for _, d := range page {
		e.b = rawjson.AppendComma(e.b)
		e.delivery(d)
	}
	e.b = append(e.b, ']')
	e.optional("next", next)
	e.end()
	return e.flush()
}

// encodeDelivery writes one delivery, as encodeDeliveries writes each.
func encodeDelivery(w io.Writer, d votes.Delivery) error {
	e := newEncoder(w)
	e.delivery(d)
	return e.flush()
}

func (e *encoder) delivery(d votes.Delivery) {
	e.b = append(e.b, '{')
	e.member("id", d.ID)
	e.member("list", d.List)
	e.optional("user_id", d.User)
	e.member("type", d.Type)
	e.b = rawjson.AppendBool(rawjson.AppendKey(e.b, "test"), d.Test)
	e.member("state", string(d.State))
	e.b = rawjson.AppendInt(rawjson.AppendKey(e.b, "attempts"), int64(d.Attempts))
	if d.Last.Status == 0 {
		e.null("last_status")
	} else {
		e.b = rawjson.AppendInt(rawjson.AppendKey(e.b, "last_status"), int64(d.Last.Status))
	}
	e.optional("last_reason", d.Last.Reason)
	e.time("last_at", d.Last.At)
	e.time("next_attempt", d.Next)
	e.time("created_at", d.Created)
	e.end()
}

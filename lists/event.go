package lists

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"aggregator/rawjson"
)

// bodyOf returns what was sent as JSON: the claims, where it was a JWT.
func bodyOf(d Delivery, p Proven) (rawjson.Value, error) {
	text := d.Body
	if p.claims != nil {
		text = p.claims
	}
	body, ok := Answer{Body: text}.statement()
	switch {
	case !ok || body.Kind() != rawjson.Object:
		return body, errors.New("the body must be a JSON object")
	case !body.Portable():
		return body, errors.New("the body is nested too deep, or holds a number with too many digits")
	}
	return body, nil
}

// readKind reads what a request is about, in small letters; "" where the form
// has no kinds. What is no vote is marked as ignored.
func (f *form) readKind(body rawjson.Value, e *Event) (kind string, err error) {
	if f.kind != nil {
		text := scalar(follow(body, f.kind.path))
		if text == "" {
			return "", fmt.Errorf("'%s' must say what this is about", strings.Join(f.kind.path, "."))
		}
		kind = strings.ToLower(text)
		switch {
		case slices.Contains(f.kind.votes, kind):
		case slices.Contains(f.kind.tests, kind):
			e.Test = true
		case slices.Contains(f.kind.removed, kind):
			e.Removed = true
		default:
			e.Ignored = shorten(text)
			return kind, nil
		}
	}
	for _, c := range f.ignored {
		if c.holds(body) {
			e.Ignored = c.as
			return kind, nil
		}
	}
	e.Test = e.Test || anyHolds(f.test, body)
	e.Removed = e.Removed || anyHolds(f.removed, body)
	return kind, nil
}

// maxID is how long an id may be, in bytes.
const maxID = 200

// readIDs reads whose vote it is, and for which bot.
func (f *form) readIDs(body rawjson.Value, h http.Header, botID string, e *Event) error {
	e.UserID = scalar(f.user.first(body))
	switch {
	case e.UserID == "":
		return fmt.Errorf("'%s' must be the id of the user", f.entry.User[0])
	case !e.Test && !IsSnowflake(e.UserID):
		return fmt.Errorf("'%s' must be a snowflake", f.entry.User[0])
	}
	e.BotID = botID
	if bot := f.bot.first(body); !bot.IsZero() && scalar(bot) != botID {
		return fmt.Errorf("'%s' must be the bot of this address", f.entry.Bot[0])
	}
	if bot := h.Get(f.botHeader); f.botHeader != "" && bot != "" && bot != botID {
		return fmt.Errorf("header %s must be the bot of this address", f.botHeader)
	}
	e.ID = scalar(f.id.first(body))
	if f.idHeader != "" {
		e.OtherID = h.Get(f.idHeader)
	}
	for _, id := range []string{e.UserID, e.ID, e.OtherID} {
		if len(id) > maxID {
			return fmt.Errorf("an id must have at most %d characters", maxID)
		}
	}
	return nil
}

// readTimes reads when the vote was made, and until when it counts. A time that
// is written otherwise than the entry says is understood, where it can be: a
// list that changes how it writes times loses no vote.
func (f *form) readTimes(body rawjson.Value, e *Event) (err error) {
	top := &node{value: body}
	if e.At, err = f.time.understood().latest(top, time.Time{}); err != nil {
		return err
	}
	if e.Until, err = f.until.understood().latest(top, time.Time{}); err != nil {
		return err
	}
	if e.Until.IsZero() {
		e.Until = f.window.end(e.At)
	}
	return nil
}

// readWeight reads how many votes the vote counts for: what the list says, or
// else what its kind or the weekend make of it. What cannot be read is as good
// as absent: it is no reason to lose a vote.
func (f *form) readWeight(body rawjson.Value, kind string, e *Event) {
	if is, ok := flagOf(f.weekend.first(body)); ok {
		e.Weekend = &is
	}
	told, err := strconv.ParseFloat(scalar(f.weight.first(body)), 64)
	switch weight := f.weights[kind]; {
	case err == nil && told >= 1 && told <= maxWeight:
		e.Weight = int64(told)
	case weight > 0:
		e.Weight = weight
	case f.entry.WeekendWeight > 0 && e.Weekend != nil && *e.Weekend:
		e.Weight = f.entry.WeekendWeight
	}
}

package lists

import (
	"errors"
	"fmt"
	"math"
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

// readIDs reads whose vote it is, and for which bot.
func (f *form) readIDs(body rawjson.Value, h http.Header, botID string, e *Event) error {
	if e.UserID = scalar(f.user.first(body)); e.UserID == "" {
		return fmt.Errorf("'%s' must be the id of the user", f.entry.User[0])
	}
	if !e.Test && !isSnowflake(e.UserID) {
		return fmt.Errorf("'%s' must be a snowflake", f.entry.User[0])
	}
	e.BotID = botID
	if bot := f.bot.first(body); !bot.IsZero() && scalar(bot) != botID {
		return fmt.Errorf("'%s' must be the bot of this address", f.entry.Bot[0])
	}
	if f.entry.BotHeader != "" {
		if bot := h.Get(f.entry.BotHeader); bot != "" && bot != botID {
			return fmt.Errorf("header %s must be the bot of this address", f.entry.BotHeader)
		}
	}
	e.ID = scalar(f.id.first(body))
	if f.entry.IDHeader != "" {
		e.OtherID = h.Get(f.entry.IDHeader)
	}
	return nil
}

// isSnowflake reports whether s can be the id of a user or a bot.
func isSnowflake(s string) bool { return len(s) >= 16 && len(s) <= 20 && isDigits(s) && s[0] != '0' }

// readTimes reads when the vote was made, and until when it counts.
func (f *form) readTimes(body rawjson.Value, h http.Header, e *Event) (err error) {
	top := &node{value: body}
	if e.At, err = f.time.latest(top, time.Time{}); err != nil {
		return err
	}
	if e.At.IsZero() && f.timeHeader != "" {
		e.At, _ = parseUnix(h.Get(f.timeHeader), 1000)
	}
	if e.Until, err = f.until.latest(top, time.Time{}); err != nil {
		return err
	}
	if e.Until.IsZero() {
		e.Until = f.window.end(e.At)
	}
	return nil
}

// readWeight reads how many votes the vote counts for: what the list says, or
// else what its kind or the weekend make of it.
func (f *form) readWeight(body rawjson.Value, kind string, e *Event) error {
	if flag := f.weekend.first(body); !flag.IsZero() {
		is, ok := flagOf(flag)
		if !ok {
			return fmt.Errorf("'%s' must be true or false", f.entry.Weekend[0])
		}
		e.Weekend = &is
	}
	if v := f.weight.first(body); !v.IsZero() {
		n, err := strconv.ParseFloat(scalar(v), 64)
		if err != nil || math.IsNaN(n) || n < 0 || n > math.MaxInt32 {
			return fmt.Errorf("'%s' must be a number", f.entry.Weight[0])
		}
		e.Weight = max(1, int64(n))
		return nil
	}
	switch weight := f.weights[kind]; {
	case weight > 0:
		e.Weight = weight
	case f.entry.WeekendWeight > 0 && e.Weekend != nil && *e.Weekend:
		e.Weight = f.entry.WeekendWeight
	}
	return nil
}

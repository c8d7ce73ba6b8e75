package sandbox

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"aggregator/lists"
)

// maxVotes is how many votes each list remembers.
const maxVotes = 1000

// vote is what a list remembers of a vote.
type vote struct {
	bot, user string
	at        time.Time
}

// Vote makes a list know of a vote for a bot, or forget it where it is taken
// back; a test is no vote. It returns the request with which the list's webhook
// tells of it, signed with a secret; ok is false for a list that has no webhook.
func (s *Sandbox) Vote(listID string, v lists.SampleVote, secret lists.Token) (d lists.Delivery, ok bool) {
	l := s.lists[listID]
	if l == nil {
		return d, false
	}
	now := s.Now()
	if v.At.IsZero() {
		v.At = now
	}
	if !v.Test {
		l.mu.Lock()
		l.votes = slices.DeleteFunc(l.votes, func(old vote) bool { return old.bot == v.BotID && old.user == v.UserID })
		if !v.Removed {
			l.votes = append(l.votes, vote{v.BotID, v.UserID, v.At})
		}
		l.votes = l.votes[max(0, len(l.votes)-maxVotes):]
		l.mu.Unlock()
	}
	if l.webhook == nil {
		return d, false
	}
	return l.webhook.Sign(v, secret, now), true
}

// newVotes is where a list is asked about votes, nil if it is not.
func newVotes(spec *lists.VotesEntry, state *list) *endpoint {
	if spec == nil {
		return nil
	}
	e := newEndpoint(spec.URL, spec.Headers, state)
	e.method, e.votes = http.MethodGet, spec
	if spec.Auth != nil {
		e.auth = newAuth(spec.Auth)
	}
	if o := spec.Otherwise; o != nil {
		e.second = newVotes(&o.VotesEntry, state)
		e.second.isOther = true
	}
	return e
}

// serveVotes answers whether a user has voted, as the entry says the list does.
func (l *list) serveVotes(e *endpoint, r *http.Request, of ids, query url.Values, now time.Time) answer {
	token, err := e.checkAsked(r, &of, query)
	if err != nil {
		return answerTo(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if e.auth != nil && (l.refusesAll || !e.knows(token)) {
		return answerTo(refuse(http.StatusUnauthorized, "Token is not known"))
	}
	if wait := l.admit(map[string]string{"address": address(r)}, now); wait > 0 {
		return e.tooEarly(wait, now)
	}
	var found []vote // the newest first
	for _, v := range slices.Backward(l.votes) {
		// Whoever names the bot otherwise than by its snowflake asks about any.
		isOf := (of.snowflake == "" || of.snowflake == v.bot) && (of.user == "" || of.user == v.user)
		if isOf && now.Before(until(e.votes.Window, v.at)) {
			found = append(found, v)
		}
	}
	return showVotes(e.votes, found, now)
}

// until is when a vote no longer counts; half a day later, where the entry says
// nothing.
func until(window string, at time.Time) time.Time {
	at = at.UTC()
	day := time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, time.UTC)
	switch window {
	case "day":
		return day.AddDate(0, 0, 1)
	case "month":
		return day.AddDate(0, 1, 1-day.Day())
	case "quarter":
		for day = day.AddDate(0, 1, 1-day.Day()); (day.Month()-1)%3 != 0; {
			day = day.AddDate(0, 1, 0)
		}
		return day
	}
	hours, err := strconv.Atoi(strings.TrimSuffix(window, "h"))
	if err != nil {
		hours = 12
	}
	return at.Add(time.Duration(hours) * time.Hour)
}

// showVotes is what a list says of the votes that were found.
func showVotes(e *lists.VotesEntry, found []vote, now time.Time) answer {
	switch {
	case e.Voters != nil:
		return answer{http.StatusOK, http.Header{}, showVoters(e.Voters, found)}
	case len(found) == 0 && len(e.NotVoted) > 0:
		return answerTo(refuse(e.NotVoted[0], "Has not voted"))
	case len(found) == 0:
		return answer{http.StatusOK, http.Header{}, place(nil, steps(e.Voted), false)}
	}
	at := found[0].at
	shape := any(map[string]any{})
	for _, p := range []string{e.Found, e.While} { // a time may stand there
		if p != "" {
			shape = place(shape, steps(p), true)
		}
	}
	if e.Voted != "" {
		shape = place(shape, steps(e.Voted), true)
	}
	shape = placeTime(shape, e.VotedAt, at, now)
	shape = placeTime(shape, e.Until, until(e.Window, at), now)
	if e.Weight != "" {
		shape = place(shape, steps(e.Weight), int64(1))
	}
	return answer{http.StatusOK, http.Header{}, shape}
}

// placeTime puts a time where the first place looks for it, if there is one.
func placeTime(shape any, places lists.Times, at, now time.Time) any {
	if len(places) == 0 {
		return shape
	}
	return place(shape, steps(places[0].Path), written(at, places[0].Unit, now))
}

// written is a time in a unit.
func written(at time.Time, unit string, now time.Time) any {
	switch unit {
	case "unix":
		return at.Unix()
	case "unix_ms":
		return at.UnixMilli()
	case "http":
		return at.UTC().Format(http.TimeFormat)
	case "left":
		left := int64(at.Sub(now).Seconds())
		return map[string]any{"hours": left / 3600, "minutes": left / 60 % 60, "seconds": left % 60}
	}
	return at.UTC().Format(time.RFC3339Nano)
}

// showVoters is the list of those who voted, of which a list shows the newest.
func showVoters(e *lists.VotersEntry, found []vote) any {
	array := []any{}
	for _, v := range found {
		if e.Newest > 0 && int64(len(array)) == e.Newest {
			break
		}
		item := any(v.user)
		if e.User != "" {
			item = place(nil, steps(e.User), v.user)
			if e.Time != nil {
				item = place(item, steps(e.Time.Path), written(v.at, e.Time.Unit, v.at))
			}
		}
		array = append(array, item)
	}
	if e.In == "" {
		return array
	}
	return place(nil, steps(e.In), array)
}

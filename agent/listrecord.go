package agent

import (
	"net/http"
	"time"

	"aggregator/aggregate"
	"aggregator/internal/times"
	"aggregator/lists"
)

// listRecord is what is remembered of a list for one bot.
type listRecord struct {
	Token       string    `json:"token,omitempty"` // keyed hash of the token; another one begins afresh
	Last        *lastPost `json:"last,omitempty"`  // nil: none was tried
	AcceptedAt  time.Time `json:"accepted_at,omitzero"`
	ServerCount int64     `json:"server_count,omitempty"` // that the list accepted last
	TriedSince  time.Time `json:"tried_since,omitzero"`   // first post that was tried since the last accepted
	Tried       int       `json:"tried,omitempty"`        // how many
	Refused     int       `json:"refused,omitempty"`      // refusals of the token in a row
	RestUntil   time.Time `json:"rest_until,omitzero"`    // of a token refused too often
	Revoked     bool      `json:"revoked,omitempty"`      // the token is
	NextAt      time.Time `json:"next_at,omitzero"`       // when the newest count goes out beside the ticks
	Held        bool      `json:"held,omitempty"`         // NextAt is the end of a hold
	Retried     bool      `json:"retried,omitempty"`      // a failure was or will be tried once more
	Turn        bool      `json:"turn,omitempty"`         // a count waits for its turn among all bots
	Skip        *skipped  `json:"skip,omitempty"`         // why the list cannot be asked; nil: it can
}

// lastPost is what a list said to the last post that was tried.
type lastPost struct {
	At     time.Time `json:"at"`
	Status int       `json:"status"`
	Text   string    `json:"text"`
}

// skipped is a lists.Skip as it is kept.
type skipped struct {
	Reason lists.SkipReason `json:"reason"`
	Detail string           `json:"detail,omitempty"`
}

// maxKept bounds what is kept of a list's answer, in bytes.
const maxKept = 200

// see notes with which token the list is posted to. What was refused or revoked
// of another one is over.
func (l *listRecord) see(token string) (changed bool) {
	if l.Token == token {
		return false
	}
	l.Token = token
	l.Refused, l.RestUntil, l.Revoked, l.Retried, l.Skip = 0, time.Time{}, false, false, nil
	return true
}

// isOpen reports whether the list may be posted to: its token does not rest and
// is not revoked.
func (l *listRecord) isOpen() bool { return !l.Revoked && l.RestUntil.IsZero() }

// wake ends a rest that is over at a time.
func (l *listRecord) wake(now time.Time) {
	if !l.RestUntil.After(now) {
		l.RestUntil = time.Time{}
	}
}

// posted notes a post of a count that was tried. tickAt is the next tick.
func (l *listRecord) posted(v lists.Verdict, servers int64, now, tickAt time.Time) {
	l.Last = &lastPost{now, v.Status, cut(v.Text, maxKept)}
	l.NextAt, l.Held, l.Turn, l.Skip = time.Time{}, false, false, nil
	if v.OK {
		l.AcceptedAt, l.ServerCount = now, servers
		l.TriedSince, l.Tried = time.Time{}, 0
		l.Refused, l.RestUntil, l.Revoked, l.Retried = 0, time.Time{}, false, false
		return
	}
	if l.Tried++; l.TriedSince.IsZero() {
		l.TriedSince = now
	}
	switch {
	case v.Revoked:
		l.Revoked = true
	case isRefusal(v.Status):
		l.Refused++
		if rest := aggregate.RestAfter(l.Refused); rest > 0 {
			l.RestUntil = now.Add(rest)
		}
	default:
		if v.Status != lists.NoAnswer && v.Status < 500 && v.Status != http.StatusTooManyRequests {
			l.Refused = 0 // the list looked beyond the token
		}
		if !l.Retried && tickAt.Sub(now) > retryAfter {
			l.NextAt, l.Retried = now.Add(retryAfter), true
		}
	}
}

// isRefusal reports whether a status refuses the token.
func isRefusal(status int) bool {
	return status == http.StatusUnauthorized || status == http.StatusForbidden
}

// heldBack notes that the list was not asked, and why.
func (l *listRecord) heldBack(why lists.Skip, now time.Time) {
	l.NextAt, l.Held, l.Turn, l.Skip = time.Time{}, false, false, nil
	switch why.Reason {
	case lists.SkipPaced:
		l.NextAt, l.Held = times.Later(why.Until, now.Add(time.Second)), true
	case lists.SkipRevoked:
		l.Revoked = true
	case lists.SkipRefused:
		l.RestUntil = why.Until
	default:
		l.Skip = &skipped{why.Reason, why.Detail}
	}
}

// busy notes that there was no room for the post.
func (l *listRecord) busy(now time.Time) { l.NextAt, l.Held, l.Turn = now.Add(busyAfter), true, false }

// waits notes that a count waits for the bot's turn.
func (l *listRecord) waits() { l.NextAt, l.Held, l.Turn = time.Time{}, false, true }

// cut returns at most so many bytes of a text, with … for what is left out.
func cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	end := limit - len("…")
	for end > 0 && text[end]&0xc0 == 0x80 { // within a character
		end--
	}
	return text[:end] + "…"
}

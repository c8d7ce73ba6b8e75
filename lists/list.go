// Package lists knows what a bot list is: which HTTP call asks it what (its
// dialect), and how its answer is judged, read and merged. It is pure: values
// in, values out, without network, clock or files.
package lists

import (
	"net/url"
	"strings"
)

// List is one bot list, checked and compiled.
type List struct {
	ID string
	Entry
	post *postDialect // nil: no way to post
	get  *getDialect  // nil: no way to read
}

// New checks an entry and compiles it. The list is only for use when there
// are no problems.
func New(id string, e Entry) (*List, []Problem) {
	l := &List{ID: id, Entry: e}
	c := &checker{}
	c.page(e)
	l.post = c.post(e)
	l.get = c.get(e)
	l.countLimits()
	return l, c.problems
}

// countLimits finds the limits that each operation's calls count for. A limit
// on our address counts readings too.
func (l *List) countLimits() {
	if l.post != nil {
		l.post.counted = l.post.limits
	}
	if l.get == nil {
		return
	}
	for _, limit := range l.postLimits() {
		if limit.Per == PerAddress {
			l.get.counted = append(l.get.counted, limit)
		}
	}
	for _, limit := range l.get.limits {
		limit.ReadsOnly = true
		l.get.counted = append(l.get.counted, limit)
	}
}

// TakesCounts reports whether counts are posted to the list.
func (l *List) TakesCounts() bool { return l.Supports(Posts) }

// Readable reports whether the list is asked about bots.
func (l *List) Readable() bool { return l.Supports(Readings) }

// NeedsKey tells whether the list answers about bots only to those with a key.
func (l *List) NeedsKey() bool { return l.get != nil && l.get.keyed }

// TakesOperatorKey tells whether an operator's key can read any bot: not where
// a bot is read by the list's own number of it, which only its owner can give.
func (l *List) TakesOperatorKey() bool { return l.NeedsKey() && !l.get.numbersBots }

// NumbersBots tells whether a post to the list needs the list's own number
// of the bot.
func (l *List) NumbersBots() bool { return l.post != nil && l.post.numbersBots }

// PostURL is where counts go, its host in lower case, before its placeholders are filled; "" if
// counts are not posted.
func (l *List) PostURL() string {
	if l.post == nil {
		return ""
	}
	u, err := url.Parse(l.post.rawURL)
	if err != nil {
		return l.post.rawURL
	}
	u.Scheme, u.Host = strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	return u.String()
}

func (l *List) postLimits() []Limit {
	if l.post == nil {
		return nil
	}
	return l.post.limits
}

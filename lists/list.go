// Package lists knows what a bot list is: which HTTP call asks it what (its
// dialect), and how its answer is judged, read and merged. It is pure: values
// in, values out, without network, clock or files.
//
// The format of an entry is entry.go, that of its votes and its webhook
// entry_votes.go. Each mechanism has a file, with its check
// at load, its use and its explanation; post.go, read.go,
// vote.go and webhook.go compose them.
package lists

import (
	"net/url"
	"slices"
	"strings"
)

// List is one bot list, checked and compiled.
type List struct {
	ID string
	Entry
	post *postDialect // nil: no way to post
	read *readDialect // nil: no way to read

	votes   *votesDialect // nil: it cannot be asked about votes
	webhook *Webhook      // nil: it tells of no votes
	widget  *Widget       // nil: it has none

	reports  [numReports]*reportDialect // nil: it takes no such report
	beat     *reportDialect             // posts counts of bots that have given a bridge key alone; nil: nothing does
	bridging string                     // what bridge keys begin with; "": not known, or there are none
}

// New checks an entry and compiles it. The list is only for use when there
// are no problems.
func New(id string, e Entry) (*List, []Problem) {
	l := &List{ID: id, Entry: e}
	c := &checker{}
	c.page(l)
	l.post = c.post(&l.Entry)
	l.read = c.read(&l.Entry)
	l.votes = c.votes(&l.Entry)
	l.webhook = c.webhook(&l.Entry, l.post)
	c.reports(l)
	l.countLimits()
	return l, c.problems
}

// Supports reports whether the list is ever asked what op asks.
func (l *List) Supports(op Op) bool { return !l.Defunct && l.endpoint(op) != nil }

// IsAsked reports whether the list is ever asked anything.
func (l *List) IsAsked() bool { return slices.ContainsFunc(Ops(), l.Supports) }

// TakesReports reports whether reports of some kind are sent to the list.
func (l *List) TakesReports() bool {
	return slices.ContainsFunc(Reports(), func(r *Report) bool { return l.Supports(r.Op) })
}

// TakesCounts reports whether counts are posted to the list.
func (l *List) TakesCounts() bool { return l.Supports(Posts) }

// Readable reports whether the list is asked about bots.
func (l *List) Readable() bool { return l.Supports(Readings) }

// NeedsKey reports whether the list answers about bots only to those with a key.
func (l *List) NeedsKey() bool { return l.read != nil && l.read.keyed }

// TakesOperatorKey reports whether an operator's key can read any bot: not where
// a bot is read by the list's own number of it, which only its owner can give.
func (l *List) TakesOperatorKey() bool { return l.NeedsKey() && !l.read.listBotID }

// NeedsListBotID reports whether a post to the list needs the list's own number
// of the bot.
func (l *List) NeedsListBotID() bool { return l.post != nil && l.post.listBotID }

// withListBotID splits the list's own number of the bot from a token that holds
// it. It returns a Skip for a token that does not, and nil otherwise.
func (l *List) withListBotID(t Token) (Token, *Skip) {
	if t, ok := t.withListBotID(); ok {
		return t, nil
	}
	return Token{}, badToken(l.ID + ` numbers bots itself; send "NUMBER:token" or {"token": "token", "bot_id": "NUMBER"} with its number of your bot`)
}

// PostURLs returns where counts go, the second way to post last, with their
// placeholders and their hosts in lower case; nil if counts are not posted.
func (l *List) PostURLs() []string {
	if l.post == nil {
		return nil
	}
	urls := []string{oneSpelling(l.post.rawURL)}
	if l.post.otherwise != nil {
		urls = append(urls, oneSpelling(l.post.otherwise.rawURL))
	}
	return urls
}

// Hosts returns the hosts that the list's calls go to, in lower case, with their
// ports where the entry names one; nil for a list that is not asked.
func (l *List) Hosts() []string {
	var hosts []string
	add := func(rawURL string) {
		if u, err := url.Parse(rawURL); err == nil && !l.Defunct {
			hosts = append(hosts, strings.ToLower(u.Host))
		}
	}
	for _, rawURL := range l.PostURLs() {
		add(rawURL)
	}
	if l.read != nil {
		add(l.read.rawURL)
	}
	if l.votes != nil {
		add(l.votes.rawURL)
		if way := l.votes.otherwise; way != nil {
			add(way.rawURL)
		}
	}
	for _, d := range l.reports {
		if d != nil {
			add(d.rawURL)
		}
	}
	return hosts
}

// oneSpelling returns a URL with its scheme and host in lower case.
func oneSpelling(rawURL string) string {
	u, err := url.Parse(rawURL)
	if err != nil {
		return rawURL
	}
	u.Scheme, u.Host = strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	return u.String()
}

package agent

import (
	"fmt"
	"slices"
	"time"

	"aggregator/internal/times"
	"aggregator/lists"
)

// What can be wrong with a bot, in the words of notices.
const (
	tokenRefused  = "token_refused"
	tokenRevoked  = "token_revoked"
	notAccepted   = "not_accepted"
	sourceFailing = "source_failing"
	shardsMissing = "shards_missing"
	votesFailing  = "votes_failing"
)

const (
	// together is how long what happens is gathered for one message.
	together = time.Minute
	// acceptWithin is how long a list may accept no post before that is said.
	acceptWithin = 24 * time.Hour
	// triesUntilSaid is how many posts were tried then at least.
	triesUntilSaid = 3
	// refusalsUntilSaid is at which refusal in a row that is said.
	refusalsUntilSaid = 2
	// failuresUntilSaid is at which failure in a row of a source that is said.
	failuresUntilSaid = 3
)

// news is what a person should know of a bot, and what has been said of it.
type news struct {
	Problems []*problem `json:"problems,omitempty"`
	SaidAt   time.Time  `json:"said_at,omitzero"` // when the last message went out
}

// problem is one thing that is wrong, or that is well again and nobody was told.
type problem struct {
	What   string    `json:"what"`
	List   string    `json:"list,omitempty"` // "": of no list
	Since  time.Time `json:"since"`
	Text   string    `json:"text"`
	Said   bool      `json:"said,omitempty"`   // a message told of it
	Solved bool      `json:"solved,omitempty"` // it is well again
	NewAt  time.Time `json:"new_at,omitzero"`  // when what is to be said happened; zero: nothing is
}

func (n *news) find(what, list string) int {
	return slices.IndexFunc(n.Problems, func(p *problem) bool { return p.What == what && p.List == list })
}

// is reports whether something is wrong.
func (n *news) is(what, list string) bool {
	i := n.find(what, list)
	return i >= 0 && !n.Problems[i].Solved
}

// raise notes that something is wrong. It says nothing anew where that was known.
func (n *news) raise(p problem, now time.Time) {
	i := n.find(p.What, p.List)
	switch {
	case i < 0:
		p.NewAt = now
		n.Problems = append(n.Problems, &p)
	case n.Problems[i].Solved: // and it was not said yet that it was well again
		n.Problems[i].Solved, n.Problems[i].NewAt = false, time.Time{}
	case !n.Problems[i].Said:
		n.Problems[i].Text = p.Text
	}
}

// solve notes that something is well again. What was not said is forgotten. text
// says so.
func (n *news) solve(what, list, text string, now time.Time) {
	i := n.find(what, list)
	switch {
	case i < 0:
	case !n.Problems[i].Said:
		n.Problems = slices.Delete(n.Problems, i, i+1)
	case !n.Problems[i].Solved:
		p := n.Problems[i]
		p.Solved, p.NewAt, p.Text = true, now, text
	}
}

// dueAt returns when a message is to be sent: a minute after the first news, and
// never sooner than a pause after the last message. It is zero for never.
func (n *news) dueAt(pause time.Duration) time.Time {
	var first time.Time
	for _, p := range n.Problems {
		first = times.Earlier(first, p.NewAt)
	}
	if first.IsZero() {
		return first
	}
	if first = first.Add(together); !n.SaidAt.IsZero() {
		first = times.Later(first, n.SaidAt.Add(pause))
	}
	return first
}

// maySay reports whether there is something to say at a time that no pause holds
// back.
func (n *news) maySay(pause time.Duration, now time.Time) bool {
	some := slices.ContainsFunc(n.Problems, func(p *problem) bool { return !p.NewAt.IsZero() })
	return some && (n.SaidAt.IsZero() || !n.SaidAt.Add(pause).After(now))
}

// said is what one message says of a bot, with what is needed to take it back.
type said struct {
	bot      *Bot
	problems []problem // as they were
	saidAt   time.Time // as it was
}

// say takes what is to be said of a bot as said. It is noted before a message
// goes out: should this process end meanwhile, nothing is said twice.
func (n *news) say(b *Bot, now time.Time) said {
	s := said{bot: b, saidAt: n.SaidAt}
	n.Problems = slices.DeleteFunc(n.Problems, func(p *problem) bool {
		if p.NewAt.IsZero() {
			return false
		}
		s.problems = append(s.problems, *p)
		p.Said, p.NewAt = true, time.Time{}
		return p.Solved
	})
	n.SaidAt = now
	return s
}

// unsay takes back what no message said after all. What has happened since then
// is as if it had never been said.
func (n *news) unsay(s said) {
	n.SaidAt = s.saidAt
	for _, was := range s.problems {
		switch i := n.find(was.What, was.List); {
		case i < 0 && was.Solved: // it is still to be said that it is well again
			n.Problems = append(n.Problems, &was)
		case i < 0: // it went away
		case was.Solved: // it came back, and nobody was told that it had been away
			*n.Problems[i] = problem{What: was.What, List: was.List, Since: was.Since, Text: n.Problems[i].Text, Said: true}
		case n.Problems[i].Solved: // it went away
			n.Problems = slices.Delete(n.Problems, i, i+1)
		default:
			n.Problems[i].Said, n.Problems[i].NewAt = false, was.NewAt
		}
	}
}

// drop forgets that the news of a message were never said: nothing is said of
// them any more, nor that they are well again.
func (n *news) drop(s said) {
	for _, was := range s.problems {
		if i := n.find(was.What, was.List); i >= 0 && !was.Solved {
			n.Problems[i].Said = false
			if n.Problems[i].Solved {
				n.Problems = slices.Delete(n.Problems, i, i+1)
			}
		}
	}
}

// review looks at what is kept of a bot for what is wrong or well again.
func (r *record) review(b *Bot, now time.Time) {
	known := make(map[string]bool, len(b.Tokens))
	for _, t := range b.Tokens {
		known[t.ID] = true
		if l := r.Lists[t.ID]; l != nil {
			r.reviewList(t.ID, l, now)
		}
	}
	r.reviewSource(b, now)
	r.News.Problems = slices.DeleteFunc(r.News.Problems, func(p *problem) bool {
		if p.What == votesFailing {
			return !b.tellsVotes(p.List)
		}
		return p.List != "" && !known[p.List] || p.What == sourceFailing && b.Posts == nil || p.What == shardsMissing && !b.HasKey()
	})
}

func (r *record) reviewList(id string, l *listRecord, now time.Time) {
	n := &r.News
	raise := func(what, text string) {
		since := l.TriedSince
		if since.IsZero() {
			since = now
		}
		n.raise(problem{What: what, List: id, Since: since, Text: text}, now)
	}
	switch {
	case l.Revoked:
		raise(tokenRevoked, id+" has revoked the token; it needs a new one")
	case l.Last == nil:
	case l.Tried == 0: // the last one was accepted
		for _, what := range []string{tokenRefused, tokenRevoked, notAccepted} {
			n.solve(what, id, id+" accepts posts again", now)
		}
	case l.Refused >= refusalsUntilSaid:
		raise(tokenRefused, id+" refuses the token: "+l.Last.words())
	case l.isUnaccepted(now) && !n.is(tokenRefused, id) && !n.is(tokenRevoked, id):
		raise(notAccepted, fmt.Sprintf("%s has not accepted a post since %s, and %d were tried: %s", id, shownTime(l.since()), l.Tried, l.Last.words()))
	}
}

// since returns when the list accepted a post last, or else when the first was
// tried.
func (l *listRecord) since() time.Time {
	if l.AcceptedAt.IsZero() {
		return l.TriedSince
	}
	return l.AcceptedAt
}

// isUnaccepted reports whether the list has accepted no post for too long.
func (l *listRecord) isUnaccepted(now time.Time) bool {
	return l.Tried >= triesUntilSaid && now.Sub(l.since()) >= acceptWithin
}

// words returns what a list said, in few words.
func (p *lastPost) words() string {
	const enough = 100
	text := oneLine(cut(p.Text, enough))
	if p.Status == lists.NoAnswer {
		return text
	}
	if text != "" {
		text = ", " + text
	}
	return status(p.Status) + text
}

func (r *record) reviewSource(b *Bot, now time.Time) {
	switch {
	case b.Posts == nil:
	case r.Source.Failed >= failuresUntilSaid:
		r.News.raise(problem{What: sourceFailing, Since: r.Source.Since, Text: "The server count cannot be read: " + r.Source.Error}, now)
	case r.Source.Failed == 0:
		r.News.solve(sourceFailing, "", "The server count can be read again", now)
	}
}

// reviewAt returns when something will be wrong that is not now, if nothing
// happens until then; zero for never.
func (r *record) reviewAt(b *Bot) (at time.Time) {
	for _, t := range b.Tokens {
		l := r.Lists[t.ID]
		if l == nil || l.Tried < triesUntilSaid || r.News.is(notAccepted, t.ID) || r.News.is(tokenRefused, t.ID) || r.News.is(tokenRevoked, t.ID) {
			continue
		}
		at = times.Earlier(at, l.since().Add(acceptWithin))
	}
	return at
}

// shownTime returns a time as people read it.
func shownTime(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"aggregator/aggregate"
	"aggregator/internal/times"
	"aggregator/lists"
	"aggregator/store"
)

// Report is what is known of a bot's posts.
type Report struct {
	BotID  string
	Name   string // "" if it has none
	Count  CountReport
	NextAt time.Time    // when the count is looked for next; zero for never
	Lists  []ListReport // of each list of the bot's tokens, in the order of the file
}

// CountReport is a bot's newest count.
type CountReport struct {
	From        string // the source; "": the service does not post by itself
	ServerCount *int64 // nil: there was none yet
	ShardCount  *int64
	At          time.Time
	Error       string // why the source tells none just now; "" if it does
}

// ListReport is how a bot stands with a list.
type ListReport struct {
	List        string
	State       ListState
	Last        *PostReport // nil: no post was tried
	AcceptedAt  time.Time   // zero: none was accepted
	ServerCount *int64      // of the post that was accepted last
	NextAt      time.Time   // when the list is posted to next; zero for never
	Why         string      // of a list that is not asked now: why; else ""
}

// PostReport is what a list said to the last post that was tried.
type PostReport struct {
	At     time.Time
	Status int
	Text   string
}

// ListState is the closed set of states of a list for a bot.
type ListState string

// The states.
const (
	StateOK      ListState = "ok"      // the last post was accepted
	StateFailing ListState = "failing" // it was not
	StateRefused ListState = "refused" // the token was refused
	StateRevoked ListState = "revoked" // the list has revoked the token
	StatePaced   ListState = "paced"   // a count waits until the list takes one again
	StateResting ListState = "resting" // the token was refused too often and is not used for a while
	StateNever   ListState = "never"   // no post was tried yet
	StateSkipped ListState = "skipped" // the list cannot be asked
)

// Report returns what is known of a bot's posts. The error is aggregate.ErrBusy
// while the store is away, or ours.
func (a *Agent) Report(ctx context.Context, b *Bot) (Report, error) {
	k, err := a.load(ctx, b)
	if err != nil {
		return Report{}, busyWhileAway(err)
	}
	turnsAt, err := a.turnsAt(ctx, k)
	if err != nil {
		return Report{}, busyWhileAway(err)
	}
	return k.record.report(b, turnsAt), nil
}

func busyWhileAway(err error) error {
	if errors.Is(err, store.ErrAway) {
		return fmt.Errorf("%w: %w", aggregate.ErrBusy, err)
	}
	return err
}

// turnsAt returns when the next turn is at each list where the bot waits for its
// own.
func (a *Agent) turnsAt(ctx context.Context, k *kept) (map[string]time.Time, error) {
	var ids []string
	var keys []store.Key
	for _, t := range k.bot.Tokens {
		if k.list(t.ID).Turn {
			ids, keys = append(ids, t.ID), append(keys, a.key(job{jobTurns, t.ID}))
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	items, err := a.State.Load(ctx, keys...)
	if err != nil {
		return nil, err
	}
	at := make(map[string]time.Time, len(ids))
	for i, id := range ids {
		at[id] = items[i].Due
	}
	return at, nil
}

func (r *record) report(b *Bot, turnsAt map[string]time.Time) Report {
	p := Report{BotID: b.ID, Name: b.Name}
	if b.Posts != nil {
		p.Count.From = b.Posts.Source.Name()
		p.NextAt = r.asksAt()
		if r.Source.Failed > 0 {
			p.Count.Error = r.Source.Error
		}
		if r.Count != nil {
			servers := r.Count.ServerCount
			p.Count.ServerCount, p.Count.ShardCount, p.Count.At = &servers, r.Count.ShardCount, r.Count.At
		}
	}
	for _, t := range b.Tokens {
		p.Lists = append(p.Lists, r.listReport(b, t.ID, turnsAt[t.ID]))
	}
	slices.SortFunc(p.Lists, func(x, y ListReport) int { return strings.Compare(x.List, y.List) })
	return p
}

func (r *record) listReport(b *Bot, id string, turnAt time.Time) ListReport {
	l := r.list(id)
	o := ListReport{List: id, State: l.state(), AcceptedAt: l.AcceptedAt}
	if l.Last != nil {
		o.Last = &PostReport{l.Last.At, l.Last.Status, l.Last.Text}
	}
	if !l.AcceptedAt.IsZero() {
		servers := l.ServerCount
		o.ServerCount = &servers
	}
	if b.Posts != nil {
		o.NextAt = l.nextAt(r, b, turnAt)
	}
	o.Why = l.why(id, o.NextAt)
	return o
}

func (l *listRecord) state() ListState {
	switch {
	case l.Revoked:
		return StateRevoked
	case l.Skip != nil:
		return StateSkipped
	case !l.RestUntil.IsZero():
		return StateResting
	case l.Turn, l.Held && !l.NextAt.IsZero():
		return StatePaced
	case l.Last == nil:
		return StateNever
	case isRefusal(l.Last.Status) && l.Refused > 0:
		return StateRefused
	case l.Tried > 0:
		return StateFailing
	}
	return StateOK
}

// nextAt returns when a list is posted to next: with a tick, or sooner where it
// is due beside them.
func (l *listRecord) nextAt(r *record, b *Bot, turnAt time.Time) time.Time {
	next := r.asksAt()
	switch {
	case l.Revoked, l.Skip != nil:
		return time.Time{}
	case !l.RestUntil.IsZero():
		return times.Later(next, tickFrom(b.ID, b.Posts.Every, l.RestUntil))
	case l.NextAt.IsZero() && !l.Turn:
		return next
	case r.Source.Failed > 0: // nothing is posted meanwhile
		return times.Later(next, l.NextAt)
	case l.Turn:
		return turnAt
	case l.Held:
		return l.NextAt
	}
	return times.Earlier(next, l.NextAt)
}

// why returns the words of answers for a list that is not asked now.
func (l *listRecord) why(id string, next time.Time) string {
	switch l.state() {
	case StateRevoked:
		return lists.Skip{Reason: lists.SkipRevoked, Detail: id}.String()
	case StateSkipped:
		return lists.Skip{Reason: l.Skip.Reason, Detail: l.Skip.Detail}.String()
	case StateResting:
		return lists.Skip{Reason: lists.SkipRefused, Until: l.RestUntil, Detail: id}.String()
	case StatePaced:
		if next.IsZero() {
			return "Paced: waits for its turn"
		}
		return lists.Skip{Reason: lists.SkipPaced, Until: next}.String()
	}
	return ""
}

package agent

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"aggregator/aggregate"
	"aggregator/internal/times"
	"aggregator/store"
)

// turns is what the store keeps of a list that limits our address: the bots
// whose counts wait there.
type turns struct {
	Waiting []waiting `json:"waiting,omitempty"`
}

// waiting is a bot that waits at a list.
type waiting struct {
	Bot        string    `json:"bot"`
	AcceptedAt time.Time `json:"accepted_at,omitzero"` // when the list accepted its last count; zero: never
	NotBefore  time.Time `json:"not_before,omitzero"`  // when the list takes another post of this bot
}

// first returns the bot whose turn it is: of those that the list does not hold
// back at that time, the one that was accepted longest ago. ok is false if there is
// none.
func (t turns) first(now time.Time) (w waiting, ok bool) {
	for _, other := range t.Waiting {
		if other.NotBefore.After(now) {
			continue
		}
		if c := other.AcceptedAt.Compare(w.AcceptedAt); !ok || c < 0 || c == 0 && other.Bot < w.Bot {
			w, ok = other, true
		}
	}
	return w, ok
}

// dueAt returns when somebody has a turn; zero for never.
func (t turns) dueAt() (at time.Time) {
	for i, w := range t.Waiting {
		if i == 0 || w.NotBefore.Before(at) {
			at = w.NotBefore
		}
	}
	return at
}

// without returns the turns of all other bots.
func (t turns) without(bot string) turns {
	return turns{slices.DeleteFunc(slices.Clone(t.Waiting), func(w waiting) bool { return w.Bot == bot })}
}

// turnsOf reads the turns in an item. What cannot be read is nobody: each bot
// comes again at its next tick.
func turnsOf(item store.Item) (t turns) {
	if json.Unmarshal(item.Data, &t) != nil {
		return turns{}
	}
	return t
}

// into puts the turns into an item that is due at a time, or is gone where nobody
// waits.
func (t turns) into(item *store.Item, due time.Time) {
	if len(t.Waiting) == 0 {
		item.Data, item.Due = nil, time.Time{}
		return
	}
	data, err := json.Marshal(t)
	if err != nil {
		panic(err) // texts and times cannot fail
	}
	item.Data, item.Due = data, due
}

// turnJobs returns the jobs of the lists where bots take turns.
func (a *Agent) turnJobs(bots *Bots) []job {
	c := a.Catalog.Current()
	seen := map[string]bool{}
	var all []job
	for _, b := range bots.All() {
		if b.Posts == nil {
			continue
		}
		for _, t := range b.Tokens {
			if seen[t.ID] {
				continue
			}
			seen[t.ID] = true
			if l, ok := c.Resolve(t.ID); ok && l.LimitsAddress() {
				all = append(all, job{jobTurns, t.ID})
			}
		}
	}
	return all
}

// queue makes a bot wait for its turn at a list.
func (a *Agent) queue(ctx context.Context, list string, w waiting) error {
	j := job{jobTurns, list}
	now := a.Now()
	item, err := store.Update(ctx, a.State, a.key(j), func(item *store.Item) bool {
		t := turnsOf(*item).without(w.Bot)
		t.Waiting = append(t.Waiting, w)
		due := item.Due
		if due.IsZero() || due.Sub(now) > maxAhead {
			due = now
		}
		t.into(item, due)
		return true
	})
	if err == nil {
		a.agenda.hasten(j, item.Due)
	}
	return err
}

// turnLease is how long a replica has the turns of a list to itself. It is
// extended before each post, which takes less.
const turnLease = time.Minute

// runTurns posts for the bots that wait at a list, one after the other, until
// the list holds us back. Of all replicas one does so.
func (a *Agent) runTurns(ctx context.Context, list string) (next time.Time, err error) {
	key := a.key(job{jobTurns, list})
	var heldUntil time.Time // the bot before
	for ctx.Err() == nil {
		claimed, err := a.State.Claim(ctx, a.holder, turnLease, key)
		if err != nil {
			return time.Time{}, err
		}
		if item := claimed[0].Item; !claimed[0].OK {
			if item.Version > 0 && !item.Due.After(a.Now()) { // another replica is at it
				return a.Now().Add(turnLease / 10), nil
			}
			return item.Due, nil
		}
		w, some := turnsOf(claimed[0].Item).first(a.Now())
		if !some {
			return a.endTurns(ctx, key, time.Time{})
		}
		until, err := a.turn(ctx, list, w)
		if err != nil {
			return time.Time{}, err
		}
		if !until.IsZero() && until.Equal(heldUntil) { // two bots: it is our address that the list holds back
			return a.endTurns(ctx, key, until)
		}
		heldUntil = until
		if _, err := store.Update(context.WithoutCancel(ctx), a.State, key, func(item *store.Item) bool {
			t := turnsOf(*item).without(w.Bot)
			if !until.IsZero() {
				w.NotBefore = until
				t.Waiting = append(t.Waiting, w)
			}
			t.into(item, item.Due)
			return true
		}); err != nil {
			return time.Time{}, err
		}
	}
	return a.endTurns(context.WithoutCancel(ctx), key, time.Time{})
}

// endTurns gives the turns of a list back, due again when somebody's turn is,
// not before a time. It returns when that is.
func (a *Agent) endTurns(ctx context.Context, key store.Key, notBefore time.Time) (due time.Time, err error) {
	item, err := store.Update(ctx, a.State, key, func(item *store.Item) bool {
		t := turnsOf(*item)
		t.into(item, times.Later(t.dueAt(), times.Later(notBefore, a.Now())))
		return true
	})
	if err != nil {
		return time.Time{}, err
	}
	return item.Due, a.State.Release(ctx, a.holder, key)
}

// turn posts a bot's newest count to a list. It returns until when the list holds
// it back; zero where it does not.
func (a *Agent) turn(ctx context.Context, list string, w waiting) (until time.Time, err error) {
	b := a.Bots.Current().Bot(w.Bot)
	if b == nil || b.Posts == nil {
		return time.Time{}, nil
	}
	k, err := a.load(ctx, b)
	if err != nil {
		return time.Time{}, err
	}
	l := k.list(list)
	count := k.newest(b, a.Now())
	if !l.Turn || !l.isOpen() || count == nil || k.Source.Failed > 0 {
		return time.Time{}, a.change(ctx, k, func(r *record) { r.list(list).Turn = false })
	}
	i := slices.IndexFunc(b.Tokens, func(t aggregate.NamedToken) bool { return t.ID == list })
	if i < 0 { // the file names the list no more
		return time.Time{}, nil
	}
	o := a.send(ctx, *count, b.Tokens[i:i+1])[0]
	switch {
	case o.busy:
		return o.at.Add(busyAfter), nil
	case o.skip != nil && !o.skip.Until.IsZero():
		return times.Later(o.skip.Until, o.at.Add(time.Second)), nil
	}
	a.observe(b, []outcome{o})
	return time.Time{}, a.noteAll(context.WithoutCancel(ctx), k, []outcome{o}, func(*record) {})
}

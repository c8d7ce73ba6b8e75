package aggregate

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"aggregator/lists"
	"aggregator/store"
)

const (
	// maxHold bounds what one answer of a list can ask for, and maxAnonymousHold
	// what it can ask of all who read without a key.
	maxHold          = 24 * time.Hour
	maxAnonymousHold = time.Hour
	// defaultHold is how long a 429 holds that does not say for how long.
	defaultHold = time.Minute
	// patience is how long a call waits for a hold to end: a bot that posts
	// exactly at a list's interval comes a little early each time, for that is
	// counted from the list's answer.
	patience = 3 * time.Second
	// revokedHold stands for "until the token changes".
	revokedHold = 365 * 24 * time.Hour
)

// Holds keeps calls back that a list would punish: those before the list's own
// interval is over, those before the time that a refusal asked to wait for, and
// those with a token that the list has revoked, or refused again and again. A
// hold is for one list and one token, and for the bot once the list has accepted
// that token; it is for this service's whole address only where the entry says
// that the list limits addresses. Readings without a key are held together, and
// apart from all others. A nil *Holds holds nothing.
type Holds struct {
	store store.Windows
	hash  func(parts ...string) store.Key
	now   func() time.Time
	sleep func(context.Context, time.Duration) error
	log   *slog.Logger
}

// NewHolds returns Holds that are kept in st, under keys made by hash. The
// clock is for tests.
func NewHolds(st store.Windows, hash func(parts ...string) store.Key, now func() time.Time, log *slog.Logger) *Holds {
	return &Holds{st, hash, now, sleep, log}
}

// sleep waits for a time, or until the context ends, whose error it returns.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// look is how holds are looked at.
type look struct {
	from    netip.Prefix // the caller's network
	ofToken bool         // only at what may be told to whoever shows the token
	patient bool         // holds that end soon are waited for
	own     bool         // the operator's own agent asks
}

// check returns for each call why it is held back; nil if it is not. It changes
// nothing in the store, and notes in the plan what each call has there. The
// error is the context's.
func (h *Holds) check(ctx context.Context, plan []planned, l look) ([]*lists.Skip, error) {
	if h == nil {
		return make([]*lists.Skip, len(plan)), nil
	}
	for end := h.now().Add(patience); ; {
		why := h.look(ctx, plan, l)
		until := lastUntil(why, end)
		if !l.patient || until.IsZero() {
			return why, nil
		}
		if err := h.sleep(ctx, max(time.Millisecond, until.Sub(h.now()))); err != nil {
			return nil, err
		}
	}
}

// lastUntil returns when the last of the holds ends that do so by end; zero when
// none does.
func lastUntil(why []*lists.Skip, end time.Time) (until time.Time) {
	for _, w := range why {
		if w != nil && w.Reason == lists.SkipPaced && !w.Until.After(end) && w.Until.After(until) {
			until = w.Until
		}
	}
	return until
}

// look returns for each call why it is held back just now, and puts those into
// their second way whose token is known to go it.
func (h *Holds) look(ctx context.Context, plan []planned, l look) []*lists.Skip {
	why := make([]*lists.Skip, len(plan))
	places := make([]store.Place, 0, usualNeeds*len(plan))
	for i := range plan {
		p := &plan[i]
		if p.hold.needs == nil { // not looked at before
			p.hold = h.of(p.call, l.from, l.own)
		}
		for _, n := range p.hold.needs {
			places = append(places, n.use.Place)
		}
	}
	windows, err := h.store.PeekEach(ctx, places...)
	if err != nil { // without the store nothing is known to be held
		windows = make([]store.Window, len(places))
	}
	for i := range plan {
		p := &plan[i]
		n := len(p.hold.needs)
		p.hold.learn(windows[:n])
		why[i] = h.why(*p, p.hold.read(p.hold.needs, windows[:n], l.ofToken))
		windows = windows[n:]
		if p.hold.facts.otherwise {
			p.goOtherwise()
		}
	}
	return why
}

// why returns why a call is held back, of which the store says s.
func (h *Holds) why(p planned, s state) *lists.Skip {
	switch {
	case s.revoked:
		return &lists.Skip{Reason: lists.SkipRevoked, Detail: p.call.List.ID}
	case p.hold.facts.refusals.rests(h.now()):
		return &lists.Skip{Reason: lists.SkipRefused, Until: p.hold.facts.refusals.until, Detail: p.call.List.ID}
	case s.until.After(h.now()):
		return p.paced(s.until)
	case len(p.hold.paces) > 0 && h.store.Lost().After(h.now()):
		// Other replicas may have posted too, until all have told what they know.
		return p.paced(h.store.Lost())
	case p.call.MayBeRevoked() && h.store.Degraded():
		// Other replicas may have posted; an early post could cost the key.
		return p.paced(h.now().Add(defaultHold))
	}
	return nil
}

// reserve takes one use of each limit of each call's list, or returns why a
// call is held back; nil if it is not. What it took, which it notes in the
// plan, stays taken if the process dies: a post too few costs less than one too
// many.
func (h *Holds) reserve(ctx context.Context, plan []planned) []*lists.Skip {
	why := make([]*lists.Skip, len(plan))
	if h == nil {
		return why
	}
	groups := make([][]store.Use, 0, len(plan))
	needs := make([][]need, 0, len(plan)) // of the groups
	limited := make([]int, 0, len(plan))  // their places in the plan
	for i, p := range plan {
		if len(p.hold.paces) > 0 {
			required := p.hold.required()
			groups, needs, limited = append(groups, uses(required)), append(needs, required), append(limited, i)
		}
	}
	if len(groups) == 0 {
		return why
	}
	taken, err := h.store.TakeEach(ctx, groups...)
	if err != nil && ctx.Err() == nil {
		h.log.Warn("no pacing without the store; lists with limits are not asked", "error", err)
	}
	var back []store.Change
	for n, i := range limited {
		p := &plan[i]
		switch {
		case err != nil:
			why[i] = p.paced(h.now().Add(defaultHold))
		case taken[n].OK:
			p.hold.reserve(needs[n], taken[n].Keys)
			if why[i] = h.why(*p, state{}); why[i] != nil {
				back = p.hold.release(back)
			}
		default:
			if why[i] = h.why(*p, p.hold.read(needs[n], taken[n].Windows, false)); why[i] == nil { // it has just ended
				why[i] = p.paced(h.now())
			}
		}
	}
	h.change(context.WithoutCancel(ctx), back)
	return why
}

// settle learns from the lists' answers and the verdicts on them, now that all
// are there. The context must not end with the caller.
func (h *Holds) settle(ctx context.Context, plan []planned, answers []lists.Answer, verdicts []lists.Verdict) {
	if h == nil {
		return
	}
	now, longest := h.now(), time.Duration(0)
	for _, a := range answers {
		longest = max(longest, a.Took)
	}
	var changes []store.Change
	for i, p := range plan {
		answered := now.Add(answers[i].Took - longest)
		changes = h.learn(changes, p, answers[i], verdicts[i], answered)
	}
	h.change(ctx, changes)
}

func (h *Holds) change(ctx context.Context, changes []store.Change) {
	if len(changes) == 0 {
		return
	}
	if err := h.store.Change(ctx, changes...); err != nil {
		h.log.Warn("holds were not kept", "error", err)
	}
}

// learn appends what a list's answer to a call changes. It came at answered, or a
// little before.
func (h *Holds) learn(changes []store.Change, p planned, a lists.Answer, v lists.Verdict, answered time.Time) []store.Change {
	switch {
	case a.NotSent():
		changes = p.hold.release(changes)
	case a.Status == lists.NoAnswer: // the list may count what is still on its way
		changes = p.hold.settle(changes, answered.Add(p.hold.margin), false)
	default:
		changes = p.hold.settle(changes, answered, v.TokenRefused || v.ValuesRefused)
	}
	switch {
	case v.Revoked:
		h.log.Warn("token revoked", "list", p.call.List.ID, "bot", p.call.BotID())
		changes = append(changes, holdUntil(p.hold.revoked, h.now().Add(revokedHold), noteOf(p.call.List.ID, kindRevoked, 1, p.hold.revoked)))
	case v.OK && p.call.Op().ProvesOwner:
		changes = p.hold.know(p.hold.takeBot(changes, answered), answered)
	}
	changes = p.hold.learnWay(changes, a, v, answered)
	changes = h.countRefusal(changes, p, a)
	if key, until := h.wait(p, a); !until.IsZero() {
		changes = append(changes, holdUntil(key, until, noteOf(p.call.List.ID, kindWait, 1, key)))
	}
	return changes
}

// countRefusal appends what an answer says of the token.
func (h *Holds) countRefusal(changes []store.Change, p planned, a lists.Answer) []store.Change {
	before := p.hold.facts.refusals
	row := before.next(a, h.now())
	if row == before || !p.call.Keyed() {
		return changes
	}
	if row.inRow >= refusalThreshold {
		h.log.Warn("token rests, for the list refuses it", "list", p.call.List.ID, "bot", p.call.BotID(), "in_row", row.inRow, "until", row.until.UTC().Format(time.RFC3339))
	}
	w := row.window()
	w.Note = noteOf(p.call.List.ID, kindRefused, 1, p.hold.refused)
	return append(changes, store.Change{Place: store.Place{Key: p.hold.refused}, Kind: store.KindSet, Window: w})
}

// wait returns what an answer holds, and until when; zero if it holds nothing. A
// 429 holds our address where the list limits it; any other refusal that asks to
// wait is the token's own. Who reads without a key is told from nobody, so there
// only a 429 counts, and not for long.
func (h *Holds) wait(p planned, a lists.Answer) (key store.Key, until time.Time) {
	if a.Status < http.StatusMultipleChoices { // a success, or no answer
		return key, until
	}
	now, limited, anonymous := h.now(), a.Status == http.StatusTooManyRequests, !p.call.Keyed()
	until, said := p.call.WaitUntil(a, now)
	switch {
	case anonymous && !limited || !said && !limited:
		return key, time.Time{}
	case !said:
		until = now.Add(defaultHold)
	}
	longest := maxHold
	if anonymous {
		longest = maxAnonymousHold
	}
	if until.Sub(now) > longest {
		until = now.Add(longest)
	}
	if limited && p.hold.holdsAll {
		return p.hold.waitAll, until
	}
	return p.hold.wait, until
}

// paced returns that the list may get another such call at until.
func (p planned) paced(until time.Time) *lists.Skip {
	return &lists.Skip{Reason: lists.SkipPaced, Until: until, Detail: p.call.Op().One}
}

func holdUntil(key store.Key, until time.Time, note string) store.Change {
	return store.Change{Place: store.Place{Key: key}, Kind: store.KindHold, Window: store.Window{Until: until, Note: note}}
}

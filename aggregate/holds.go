package aggregate

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"aggregator/lists"
	"aggregator/store"
)

// paceMargin is added to a list's interval: a call may reach the list so much
// later than it was reserved.
var paceMargin = lists.Posts.Timeout

const (
	// longestHold bounds what one answer of a list can ask for.
	longestHold = 24 * time.Hour
	// silentHold is how long a 429 holds that does not say for how long.
	silentHold = time.Minute
	// revokedHold stands for "until the token changes".
	revokedHold = 365 * 24 * time.Hour
	// maxSlots bounds the keys that one limit takes in the store.
	maxSlots = 64
)

// Holds keeps calls back that a list would punish: those before a list's own
// interval is over, those a refusal asked to wait with, and those with a token
// that the list has revoked. A hold is for one list and one token, and for the
// bot once the list has accepted that token; for our whole address only where
// the entry says that the list limits addresses. A nil *Holds holds nothing.
type Holds struct {
	store store.Windows
	hash  func(parts ...string) store.Key
	now   func() time.Time
	log   *slog.Logger
}

// NewHolds keeps holds in st, under keys made by hash. The clock is for tests.
func NewHolds(st store.Windows, hash func(parts ...string) store.Key, now func() time.Time, log *slog.Logger) *Holds {
	return &Holds{st, hash, now, log}
}

// pace is one limit of a list as it touches one call. Each of its slots is one
// use in every period, so that no interval, wherever it begins, sees more uses
// than slots. A window that counts would let twice as many through at its edge.
type pace struct {
	per    string
	slots  []store.Key
	bot    []store.Key // of the bot whose token the list has accepted, where the list counts bots
	period time.Duration
}

func (h *Holds) paces(call lists.Call) []pace {
	var paces []pace
	for _, l := range call.Limits() {
		p := pace{per: l.Per, period: l.Interval}
		n := int(l.Requests)
		if n > maxSlots { // fewer slots, each used more often
			p.period = l.Interval / time.Duration(n/maxSlots)
			n = maxSlots
		}
		p.period = p.period.Truncate(time.Millisecond) + paceMargin
		for i := range n {
			slot := fmt.Sprintf("%s#%d,%t", l.Interval, i, l.ReadsOnly)
			switch l.Per {
			case lists.PerAddress:
				p.slots = append(p.slots, h.hash("pace", call.List.ID, l.Per, slot))
			case lists.PerBot:
				p.slots = append(p.slots, h.hash("pace", call.List.ID, l.Per, call.Credential(), call.BotID(), slot))
				p.bot = append(p.bot, h.hash("pace", call.List.ID, "accepted", call.BotID(), slot))
			default:
				p.slots = append(p.slots, h.hash("pace", call.List.ID, l.Per, call.Credential(), slot))
			}
		}
		paces = append(paces, p)
	}
	return paces
}

// waitKey is the key of a wait that the list asked for: everyone's where the
// list limits addresses, else that of the token (and the bot, where the list
// counts bots). ok is false for a call that no such wait touches.
func (h *Holds) waitKey(call lists.Call) (key store.Key, ok bool) {
	perBot := ""
	for _, l := range call.Limits() {
		switch l.Per {
		case lists.PerAddress:
			return h.hash("wait", call.List.ID, l.Per), true
		case lists.PerBot:
			perBot = call.BotID()
		}
	}
	// Without a key it would hold every caller.
	return h.hash("wait", call.List.ID, call.Op().Name, call.Credential(), perBot), call.Keyed()
}

func (h *Holds) revokedKey(call lists.Call) store.Key {
	return h.hash("revoked", call.List.ID, call.Credential())
}

// question is what must be asked of the store for one call.
type question struct {
	revoked, wait bool
	paces         []pace
	keys          []store.Key // revoked, wait, then slots and bot of each pace
}

func (h *Holds) question(call lists.Call) question {
	q := question{revoked: call.MayBeRevoked(), paces: h.paces(call)}
	if q.revoked {
		q.keys = append(q.keys, h.revokedKey(call))
	}
	if key, ok := h.waitKey(call); ok {
		q.wait, q.keys = true, append(q.keys, key)
	}
	for _, p := range q.paces {
		q.keys = append(append(q.keys, p.slots...), p.bot...)
	}
	return q
}

// answer says until when the call is held, and which slot of each pace is the
// next to be free.
func (q question) answer(windows []store.Window) (revoked bool, until time.Time, next []int) {
	take := func(n int) []store.Window {
		first := windows[:n]
		windows = windows[n:]
		return first
	}
	if q.revoked {
		revoked = take(1)[0].Used > 0
	}
	if q.wait {
		until = take(1)[0].Until
	}
	for _, p := range q.paces {
		i, free := firstFree(take(len(p.slots)))
		_, botFree := firstFree(take(len(p.bot)))
		until = later(until, later(free, botFree))
		next = append(next, i)
	}
	return revoked, until, next
}

// Check returns for each call why it is held back; nil if it is not. It changes
// nothing.
func (h *Holds) Check(ctx context.Context, calls []lists.Call) []*lists.Skip {
	why := make([]*lists.Skip, len(calls))
	if h == nil {
		return why
	}
	questions := make([]question, len(calls))
	var keys []store.Key
	for i, call := range calls {
		questions[i] = h.question(call)
		keys = append(keys, questions[i].keys...)
	}
	windows := h.peek(ctx, keys...)
	for i, q := range questions {
		revoked, until, _ := q.answer(windows[:len(q.keys)])
		windows = windows[len(q.keys):]
		why[i] = h.why(calls[i], revoked, until)
	}
	return why
}

func (h *Holds) why(call lists.Call, revoked bool, until time.Time) *lists.Skip {
	switch {
	case revoked:
		return &lists.Skip{Reason: lists.SkipRevoked, Detail: call.List.ID}
	case until.After(h.now()):
		return paced(until)
	case call.MayBeRevoked() && h.store.Degraded():
		// Other replicas may have posted; an early post could cost the key.
		return paced(h.now().Add(silentHold))
	}
	return nil
}

// Reserve takes one use of each limit of the list, or returns why the call is
// held back. What it took stays taken if the process dies: a post too few costs less
// than one too many.
func (h *Holds) Reserve(ctx context.Context, call lists.Call) (reserved []store.Key, why *lists.Skip) {
	if h == nil || len(call.Limits()) == 0 {
		return nil, nil
	}
	q := h.question(call)
	for range len(q.keys) { // each slot that others take meanwhile costs a try
		revoked, until, next := q.answer(h.peek(ctx, q.keys...))
		if why := h.why(call, revoked, until); why != nil {
			return nil, why
		}
		uses := make([]store.Use, len(q.paces))
		reserved = make([]store.Key, len(q.paces))
		for i, p := range q.paces {
			uses[i] = store.UseOf(p.slots[next[i]], 1, p.period)
			reserved[i] = uses[i].Key
		}
		_, ok, err := store.Take(ctx, h.store, uses...)
		if err != nil {
			h.log.Warn("no pacing without the store; the list is not asked", "list", call.List.ID, "error", err)
			break
		}
		if ok {
			return reserved, nil
		}
	}
	return nil, paced(h.now().Add(silentHold))
}

// Settle learns from a list's answer and its verdict. The context must not end with the caller.
func (h *Holds) Settle(ctx context.Context, call lists.Call, a lists.Answer, v lists.Verdict, reserved []store.Key) {
	if h == nil {
		return
	}
	var err error
	switch {
	case v.Revoked:
		err = store.Hold(ctx, h.store, h.revokedKey(call), h.now().Add(revokedHold))
	case v.OK && call.Op().ProvesOwner:
		err = h.takeBot(ctx, call)
	case len(reserved) > 0 && (a.NotSent() || v.TokenRefused):
		err = h.release(ctx, call, a, reserved)
	}
	if until, ok := h.wait(call, a); ok && err == nil {
		if key, touched := h.waitKey(call); touched {
			err = store.Hold(ctx, h.store, key, until)
		}
	}
	if err != nil {
		h.log.Warn("a hold was not kept", "list", call.List.ID, "error", err)
	}
}

// release gives back what was reserved for a post that does not count. Where
// the list saw it, it counts for our address all the same.
func (h *Holds) release(ctx context.Context, call lists.Call, a lists.Answer, reserved []store.Key) error {
	var back []store.Key
	for i, p := range h.paces(call) {
		if p.per != lists.PerAddress || a.NotSent() {
			back = append(back, reserved[i])
		}
	}
	if len(back) == 0 {
		return nil
	}
	return store.Release(ctx, h.store, back...)
}

// takeBot counts an accepted post for the bot, whichever token the next has.
func (h *Holds) takeBot(ctx context.Context, call lists.Call) error {
	for _, p := range h.paces(call) {
		if p.bot == nil {
			continue
		}
		for range len(p.bot) { // as in Reserve
			i, _ := firstFree(h.peek(ctx, p.bot...))
			_, ok, err := store.Take(ctx, h.store, store.UseOf(p.bot[i], 1, p.period))
			if err != nil {
				return err
			}
			if ok {
				break
			}
		}
	}
	return nil
}

// wait is until when a refusal holds the next call.
func (h *Holds) wait(call lists.Call, a lists.Answer) (time.Time, bool) {
	if a.Status < http.StatusMultipleChoices { // a success, or no answer
		return time.Time{}, false
	}
	now := h.now()
	until, said := call.WaitUntil(a, now)
	switch {
	case said && until.Sub(now) > longestHold:
		return now.Add(longestHold), true
	case said:
		return until, true
	case a.Status == http.StatusTooManyRequests:
		return now.Add(silentHold), true
	}
	return time.Time{}, false
}

// peek reads windows; without the store nothing is known to be held.
func (h *Holds) peek(ctx context.Context, keys ...store.Key) []store.Window {
	windows, err := store.Peek(ctx, h.store, keys...)
	if err != nil {
		return make([]store.Window, len(keys))
	}
	return windows
}

// firstFree finds a free slot, or else the first that will be, and when.
func firstFree(slots []store.Window) (i int, until time.Time) {
	for k, w := range slots {
		if w.Used == 0 {
			return k, time.Time{}
		}
		if k == 0 || w.Until.Before(until) {
			i, until = k, w.Until
		}
	}
	return i, until
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func paced(until time.Time) *lists.Skip { return &lists.Skip{Reason: lists.SkipPaced, Until: until} }

package aggregate

import (
	"net/netip"
	"slices"
	"time"

	"aggregator/lists"
	"aggregator/store"
)

// slotRefused is the slot beside a token's wait in which its refusals are kept.
const slotRefused = 1

// hold is what the store knows of one call, and under which keys. They are
// hashed once for a request, and carried from the check to what is learned from
// the answer.
type hold struct {
	revoked   store.Key // held when the list has revoked the token
	refused   store.Key // the row of refusals of the token
	wait      store.Key // held as long as the list asks this token to wait, or all who read without a key
	waitAll   store.Key // held as long as the list asks our address to wait
	holdsAll  bool      // a 429 to the call holds our address
	known     store.Key // used as long as the list is known to accept the token
	budgeted  bool      // it makes a difference whether it is
	otherwise store.Key // used as long as the token is known to go the list's second way
	paces     []pace
	margin    time.Duration // how much later than its reservation the call may reach the list
	needs     []need        // all that is looked at before the call is sent

	facts         facts         // when it was looked at
	wentOtherwise bool          // the call goes the list's second way
	reserved      []reservation // from the reservation on
}

// need is a place in the store that is looked at before a call is sent.
type need struct {
	use   store.Use // of a pace; else only a look
	role  role
	pace  int  // which one, of a use
	spare bool // a token that the list is known to accept does not need it
}

// usualNeeds is how many needs most calls have: whether their token waits, and
// whether it is refused.
const usualNeeds = 2

// role is what a need says when its place is not free.
type role int

const (
	roleRevoked role = iota // the list has revoked the token
	roleWait                // the list asked this token to wait
	roleWaitAll             // the list asked our address to wait
	rolePace                // the token has used up a limit
	roleAddress             // our address has used up a limit
	roleBot                 // the bot has used up a limit, with whichever token

	// What is only known of the token, and need not be free.
	roleRefused   // the list has refused the token, so many times in a row
	roleKnown     // the list has accepted the token
	roleOtherwise // the token is one for the list's second way to post
)

// ofToken reports whether the role is about the token alone, so that whoever
// shows the token learns nothing about others from it.
func (r role) ofToken() bool {
	return r == roleRevoked || r == roleWait || r == rolePace
}

// isFact reports whether the role only states a fact, and its place need not be
// free.
func (r role) isFact() bool { return r >= roleRefused }

// of returns the hold of a call for a caller of a network. Tokens of the
// operator's own bots count as accepted.
func (h *Holds) of(call lists.Call, network netip.Prefix, own bool) hold {
	list, op, credential := call.List.ID, call.SeenAs(), call.Credential()
	token := h.hash("wait", list, op.Name, credential)
	limits := call.Limits()
	d := hold{margin: call.Op().Timeout, wait: token, refused: token.Slot(slotRefused), needs: make([]need, 0, usualNeeds+3*len(limits))}
	if call.CanBeRevoked() {
		d.revoked = h.hash("revoked", list, credential)
		d.look(roleRevoked, d.revoked)
	}
	perAddress := false
	for _, l := range limits {
		d.paces = h.appendPaces(d.paces, call, l, credential, network)
		switch {
		case l.Per == lists.PerBot: // the list counts the bot, and so does it when it asks to wait
			d.wait = h.hash("wait", list, op.Name, credential, call.BotID())
		case isBudget(l):
			perAddress = true
			d.holdsAll = d.holdsAll || l.Op == op
		}
	}
	if own {
		d.paces = slices.DeleteFunc(d.paces, func(p pace) bool { return p.spare })
	}
	d.look(roleWait, d.wait)
	if perAddress {
		d.waitAll = h.hash("wait", list, lists.PerAddress)
		d.look(roleWaitAll, d.waitAll)
		if d.budgeted = op.ProvesOwner; d.budgeted {
			d.known = h.hash("known", list, credential)
			d.look(roleKnown, d.known)
		}
	}
	for i, p := range d.paces {
		r := rolePace
		if p.per == lists.PerAddress {
			r = roleAddress
		}
		d.needs = append(d.needs, need{store.Use{Place: p.place, Limit: 1, Period: p.interval + d.margin, Note: p.note}, r, i, p.spare})
		if p.bot.Slots > 0 {
			d.needs = append(d.needs, need{store.Use{Place: p.bot, Limit: 1, Look: true}, roleBot, i, false})
		}
	}
	if call.Keyed() {
		d.look(roleRefused, d.refused)
	}
	if call.HasOtherwise() {
		d.otherwise = h.hash("otherwise", list, credential)
		d.look(roleOtherwise, d.otherwise)
	}
	return d
}

func (d *hold) look(r role, key store.Key) {
	d.needs = append(d.needs, need{use: store.Use{Place: store.Place{Key: key}, Limit: 1, Look: true}, role: r})
}

// required returns the needs that must be free before the call is sent.
func (d *hold) required() []need {
	all := make([]need, 0, len(d.needs))
	for _, n := range d.needs {
		if !n.role.isFact() && !(n.spare && d.facts.known()) {
			all = append(all, n)
		}
	}
	return all
}

// uses returns what needs ask for. Of all that only the paces are used.
func uses(needs []need) []store.Use {
	all := make([]store.Use, len(needs))
	for i, n := range needs {
		all[i] = n.use
	}
	return all
}

// facts are what is known of a token.
type facts struct {
	refusals   refusals
	knownUntil time.Time // zero: the list is not known to accept it
	otherwise  bool
}

func (f facts) known() bool { return !f.knownUntil.IsZero() }

// learn takes in what the windows of all needs say of the token.
func (d *hold) learn(windows []store.Window) {
	d.facts = facts{}
	for i, w := range windows {
		if w.Used == 0 {
			continue
		}
		switch d.needs[i].role {
		case roleRefused:
			d.facts.refusals = refusalsOf(w)
		case roleKnown:
			d.facts.knownUntil = w.Until
		case roleOtherwise:
			d.facts.otherwise = true
		}
	}
}

// state is how a call stands.
type state struct {
	revoked bool
	until   time.Time // when nothing holds it any longer
}

// read returns how the call stands when these needs have these windows. With
// ofToken it is only what may be told to whoever shows the token.
func (d *hold) read(needs []need, windows []store.Window, ofToken bool) (s state) {
	for i, w := range windows {
		n := needs[i]
		switch {
		case w.Used == 0 || n.role.isFact() || n.spare && d.facts.known() || ofToken && !n.role.ofToken():
		case n.role == roleRevoked:
			s.revoked = true
		case w.Until.After(s.until):
			s.until = w.Until
		}
	}
	return s
}

package aggregate

import (
	"time"

	"aggregator/lists"
	"aggregator/store"
)

// maxSlots bounds the places that one limit takes in the store.
const maxSlots = 64

// slotRefused tells what else is kept of a token from its wait.
const slotRefused = 1

// hold is what the store knows of one call, and under which keys. They are
// hashed once for a request, and carried from the check to what is learned from
// the answer.
type hold struct {
	revoked  store.Key // held when the list has revoked the token
	refused  store.Key // the row of refusals of the token
	wait     store.Key // held as long as the list asks this token to wait, or all who read without a key
	waitAll  store.Key // held as long as the list asks our address to wait
	holdsAll bool      // a 429 to the call holds our address
	paces    []pace
	margin   time.Duration // how much later than its reservation the call may reach the list
	needs    []need        // all that is looked at before the call is sent; first what must be free for that

	refusals refusals    // when it was looked at
	reserved []store.Key // one for each pace, from the reservation on

	otherwise     store.Key // used as long as the token is known to go that way
	wentOtherwise bool      // the call goes that way
}

// pace is one limit of a list as it touches one call. Each of its slots is one
// use in every interval, counted from the list's answer, so that no interval of
// the list's own, wherever it begins, sees more uses than slots.
type pace struct {
	per      string
	place    store.Place
	bot      store.Place // of the bot whose token the list has accepted; without slots where the list counts no bots
	interval time.Duration
}

// need is a place in the store that is looked at before a call is sent.
type need struct {
	use  store.Use // of a pace; else only a look
	role role
}

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
	roleOtherwise // the token is one for the list's second way to post
)

// ofToken reports whether it is said of the token alone, so that it tells who
// shows the token nothing of others.
func (r role) ofToken() bool {
	return r == roleRevoked || r == roleWait || r == rolePace || r >= roleRefused
}

// of returns the hold of a call.
func (h *Holds) of(call lists.Call) hold {
	list, op, credential := call.List.ID, call.Op(), call.Credential()
	token := h.hash("wait", list, op.Name, credential)
	d := hold{margin: op.Timeout, wait: token, refused: token.Slot(slotRefused)}
	if call.MayBeRevoked() {
		d.revoked = h.hash("revoked", list, credential)
		d.look(roleRevoked, store.Place{Key: d.revoked})
	}
	perAddress := false
	for _, l := range call.Limits() {
		d.paces = append(d.paces, h.pace(call, l, credential))
		switch {
		case l.Per == lists.PerBot: // the list counts the bot, and so does it when it asks to wait
			d.wait = h.hash("wait", list, op.Name, credential, call.BotID())
		case l.Per == lists.PerAddress && l.Op.ProvesOwner:
			perAddress = true
			d.holdsAll = l.Op == op
		}
	}
	d.look(roleWait, store.Place{Key: d.wait})
	if perAddress {
		d.waitAll = h.hash("wait", list, lists.PerAddress)
		d.look(roleWaitAll, store.Place{Key: d.waitAll})
	}
	for _, p := range d.paces {
		r := rolePace
		if p.per == lists.PerAddress {
			r = roleAddress
		}
		d.needs = append(d.needs, need{store.Use{Place: p.place, Limit: 1, Period: p.interval + d.margin}, r})
		if p.bot.Slots > 0 {
			d.look(roleBot, p.bot)
		}
	}
	if call.Keyed() {
		d.look(roleRefused, store.Place{Key: d.refused})
	}
	if call.HasOtherwise() {
		d.otherwise = h.hash("otherwise", list, credential)
		d.look(roleOtherwise, store.Place{Key: d.otherwise})
	}
	return d
}

func (d *hold) look(r role, place store.Place) {
	d.needs = append(d.needs, need{store.Use{Place: place, Limit: 1, Look: true}, r})
}

// pace returns a limit as it touches a call. One hash names all its slots.
func (h *Holds) pace(call lists.Call, l lists.Limit, credential string) pace {
	p := pace{per: l.Per, interval: l.Interval}
	slots := int(l.Requests)
	if slots > maxSlots { // fewer slots, each used more often
		p.interval = l.Interval / time.Duration(slots/maxSlots)
		slots = maxSlots
	}
	p.interval = p.interval.Truncate(time.Millisecond)
	name := l.Op.Name + " in " + l.Interval.String()
	p.place.Slots = slots
	switch l.Per {
	case lists.PerAddress:
		p.place.Key = h.hash("pace", call.List.ID, l.Per, name)
	case lists.PerBot:
		p.place.Key = h.hash("pace", call.List.ID, l.Per, credential, call.BotID(), name)
		p.bot = store.Place{Key: h.hash("pace", call.List.ID, "accepted", call.BotID(), name), Slots: slots}
	default:
		p.place.Key = h.hash("pace", call.List.ID, l.Per, credential, name)
	}
	return p
}

// uses returns what must be free before the call is sent. Of all that only the
// paces are used.
func (d *hold) uses() []store.Use {
	uses := make([]store.Use, 0, len(d.needs))
	for _, n := range d.needs {
		if n.role < roleRefused {
			uses = append(uses, n.use)
		}
	}
	return uses
}

// state is how a call stands.
type state struct {
	revoked   bool
	refusals  refusals
	otherwise bool
	until     time.Time // when nothing holds it any longer
}

// read returns how the call stands when what it needs, or the first of that, has
// these windows. With show it is only what may be told to whoever shows the
// token.
func (d *hold) read(windows []store.Window, show bool) (s state) {
	for i, w := range windows {
		r := d.needs[i].role
		switch {
		case w.Used == 0 || show && !r.ofToken():
		case r == roleRevoked:
			s.revoked = true
		case r == roleRefused:
			s.refusals = refusalsOf(w)
		case r == roleOtherwise:
			s.otherwise = true
		case w.Until.After(s.until):
			s.until = w.Until
		}
	}
	return s
}

// reserve notes which keys were used for the paces.
func (d *hold) reserve(keys []store.Key) {
	d.reserved = make([]store.Key, 0, len(d.paces))
	for i, n := range d.needs {
		if !n.use.Look {
			d.reserved = append(d.reserved, keys[i])
		}
	}
}

// release appends what gives back the reservation of a call that the list has
// not seen.
func (d *hold) release(changes []store.Change) []store.Change {
	for _, key := range d.reserved {
		changes = append(changes, store.Change{Place: store.Place{Key: key}, Kind: store.KindRelease})
	}
	return changes
}

// settle appends until when the reservation holds of a call that the list has
// answered. What the list refused counts for our address alone.
func (d *hold) settle(changes []store.Change, answered time.Time, refused bool) []store.Change {
	for i, key := range d.reserved {
		p, c := d.paces[i], store.Change{Place: store.Place{Key: key}, Kind: store.KindRelease}
		if p.per == lists.PerAddress || !refused {
			c.Kind, c.Window = store.KindSet, store.Window{Used: 1, Until: answered.Add(p.interval)}
		}
		changes = append(changes, c)
	}
	return changes
}

// takeBot appends what counts an accepted call for the bot, whichever token the
// next has.
func (d *hold) takeBot(changes []store.Change, answered time.Time) []store.Change {
	for _, p := range d.paces {
		if p.bot.Slots > 0 {
			changes = append(changes, store.Change{Place: p.bot, Kind: store.KindOccupy, Window: store.Window{Used: 1, Until: answered.Add(p.interval)}})
		}
	}
	return changes
}

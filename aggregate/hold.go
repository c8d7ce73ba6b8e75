package aggregate

import (
	"time"

	"aggregator/lists"
	"aggregator/store"
)

// maxSlots bounds the places that one limit takes in the store.
const maxSlots = 64

// hold is what the store knows of one call, and under which keys. They are
// hashed once for a request, and carried from the check to what is learned from
// the answer.
type hold struct {
	revocable bool      // the list may revoke the token
	revoked   store.Key // held when it has
	waits     bool      // a wait that the list asks for touches the call
	wait      store.Key // held as long
	paces     []pace
	margin    time.Duration // how much later than its reservation the call may reach the list

	uses     []store.Use // all that must be free before the call is sent: revoked, wait, then each pace and its bot
	reserved []store.Key // one for each pace, from the reservation on
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

// of returns the hold of a call.
func (h *Holds) of(call lists.Call) hold {
	list, credential := call.List.ID, call.Credential()
	d := hold{revocable: call.MayBeRevoked(), margin: call.Op().Timeout}
	if d.revocable {
		d.revoked = h.hash("revoked", list, credential)
	}
	// A wait is everyone's where the list limits addresses, else the token's,
	// and there the bot's where the list counts bots. Without a key it would
	// hold every caller.
	perAddress, perBot := false, ""
	for _, l := range call.Limits() {
		d.paces = append(d.paces, h.pace(call, l, credential))
		perAddress = perAddress || l.Per == lists.PerAddress
		if l.Per == lists.PerBot {
			perBot = call.BotID()
		}
	}
	d.waits = perAddress || call.Keyed()
	switch {
	case perAddress:
		d.wait = h.hash("wait", list, lists.PerAddress)
	case d.waits:
		d.wait = h.hash("wait", list, call.Op().Name, credential, perBot)
	}
	d.uses = d.needs()
	return d
}

// needs returns what must be free before the call is sent. Of all that only the
// paces are used.
func (d *hold) needs() []store.Use {
	look := func(place store.Place) store.Use { return store.Use{Place: place, Limit: 1, Look: true} }
	uses := make([]store.Use, 0, 2+2*len(d.paces))
	if d.revocable {
		uses = append(uses, look(store.Place{Key: d.revoked}))
	}
	if d.waits {
		uses = append(uses, look(store.Place{Key: d.wait}))
	}
	for _, p := range d.paces {
		uses = append(uses, store.Use{Place: p.place, Limit: 1, Period: p.interval + d.margin})
		if p.bot.Slots > 0 {
			uses = append(uses, look(p.bot))
		}
	}
	return uses
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

// state is how a call stands.
type state struct {
	revoked bool
	until   time.Time // when nothing holds it any longer
}

// read returns how the call stands when what it needs has these windows.
func (d *hold) read(windows []store.Window) (s state) {
	if d.revocable {
		s.revoked, windows = windows[0].Used > 0, windows[1:]
	}
	for _, w := range windows {
		if w.Until.After(s.until) {
			s.until = w.Until
		}
	}
	return s
}

// reserve notes which keys were used for the paces.
func (d *hold) reserve(keys []store.Key) {
	d.reserved = make([]store.Key, 0, len(d.paces))
	for i, u := range d.uses {
		if !u.Look {
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

package aggregate

import (
	"net/netip"
	"time"

	"aggregator/lists"
	"aggregator/store"
)

const (
	// maxSlots bounds the places that one limit takes in the store.
	maxSlots = 64
	// knownFor is how long a token is known after the list has accepted it, and
	// knownAgain how often that is noted anew.
	knownFor   = 90 * 24 * time.Hour
	knownAgain = 24 * time.Hour
)

// What parts of a list's budget for our address others than tokens that it is
// known to accept may take, and one network of these parts; at least one call
// each.
const (
	readingPart = 4
	unknownPart = 2
	networkPart = 4
)

// pace is one limit of a list as it touches one call. Each of its slots is one
// use in every interval, counted from the list's answer, so that no interval of
// the list's own, wherever it begins, sees more uses than slots.
type pace struct {
	per      string
	place    store.Place
	bot      store.Place // of the bot whose token the list has accepted; without slots where the list counts no bots
	interval time.Duration
	spare    bool   // a token that the list is known to accept is not held by it
	note     string // of its windows
}

// isBudget reports whether a limit is a budget that posts and readings share:
// one of our address, named for calls with tokens of bots' owners. One that is
// named for readings alone keeps nothing back for posts.
func isBudget(l lists.Limit) bool { return l.Per == lists.PerAddress && l.Op.ProvesOwner }

// newPace returns a pace of so many calls in an interval, which are held under a
// key. The kind is that of the hold.
func newPace(list, kind, per string, key store.Key, calls int64, interval time.Duration) pace {
	if calls > maxSlots { // fewer slots, each used more often
		interval /= time.Duration(calls / maxSlots)
		calls = maxSlots
	}
	return pace{
		per: per, place: store.Place{Key: key, Slots: int(calls)}, interval: interval.Truncate(time.Millisecond),
		note: noteOf(list, kind, int(calls), key),
	}
}

// appendPaces appends a limit as it touches a call of a network. One hash names
// all slots of a pace.
func (h *Holds) appendPaces(all []pace, call lists.Call, l lists.Limit, credential string, network netip.Prefix) []pace {
	list, name := call.List.ID, l.Op.Name+" in "+l.Interval.String()
	switch l.Per {
	case lists.PerBot:
		p := newPace(list, kindInterval, l.Per, h.hash("pace", list, l.Per, credential, call.BotID(), name), l.Requests, l.Interval)
		p.bot = store.Place{Key: h.hash("pace", list, "accepted", call.BotID(), name), Slots: p.place.Slots}
		p.note = noteOf(list, kindInterval, p.place.Slots, p.bot.Key) // one hold, whichever token it is of
		return append(all, p)
	case lists.PerToken:
		return append(all, newPace(list, kindInterval, l.Per, h.hash("pace", list, l.Per, credential, name), l.Requests, l.Interval))
	}
	budget := newPace(list, kindInterval, l.Per, h.hash("pace", list, l.Per, name), l.Requests, l.Interval)
	all = append(all, budget)
	if isBudget(l) {
		all = h.appendParts(all, budget, call, name, network)
	}
	return all
}

// appendParts appends what keeps the rest of a budget for tokens that the list
// is known to accept. A part is some of the budget's slots, each used as often,
// so that the rest of them is free whenever a part is used up.
func (h *Holds) appendParts(all []pace, budget pace, call lists.Call, name string, network netip.Prefix) []pace {
	list, part, slots, spare := call.List.ID, "readings", max(1, budget.place.Slots/readingPart), false
	if call.Op().ProvesOwner {
		part, slots, spare = "unknown", max(1, budget.place.Slots/unknownPart), true
	}
	of := func(slots int, who ...string) pace {
		key := h.hash(append([]string{"pace", list, budget.per, name, part}, who...)...)
		return pace{
			per: budget.per, place: store.Place{Key: key, Slots: slots}, interval: budget.interval,
			spare: spare, note: noteOf(list, kindShare, slots, key),
		}
	}
	all = append(all, of(slots))
	if network.IsValid() {
		all = append(all, of(max(1, slots/networkPart), network.String()))
	}
	return all
}

// reservation is a slot that a call uses.
type reservation struct {
	key  store.Key
	pace int
}

// reserve notes which keys were used for the paces.
func (d *hold) reserve(needs []need, keys []store.Key) {
	d.reserved = make([]reservation, 0, len(d.paces))
	for i, n := range needs {
		if !n.use.Look {
			d.reserved = append(d.reserved, reservation{keys[i], n.pace})
		}
	}
}

// release appends what gives back the reservation of a call that the list has
// not seen.
func (d *hold) release(changes []store.Change) []store.Change {
	for _, r := range d.reserved {
		changes = append(changes, store.Change{Place: store.Place{Key: r.key}, Kind: store.KindRelease})
	}
	return changes
}

// settle appends until when the reservation holds of a call that the list has
// answered. What the list refused counts for our address alone.
func (d *hold) settle(changes []store.Change, answered time.Time, refused bool) []store.Change {
	for _, r := range d.reserved {
		p, c := d.paces[r.pace], store.Change{Place: store.Place{Key: r.key}, Kind: store.KindRelease}
		if p.per == lists.PerAddress || !refused {
			c.Kind, c.Window = store.KindSet, store.Window{Used: 1, Until: answered.Add(p.interval), Note: p.note}
		}
		changes = append(changes, c)
	}
	return changes
}

// know appends that the list accepts the token, unless that is known.
func (d *hold) know(changes []store.Change, now time.Time) []store.Change {
	if !d.budgeted || d.facts.knownUntil.Sub(now) > knownFor-knownAgain {
		return changes
	}
	return append(changes, store.Change{Place: store.Place{Key: d.known}, Kind: store.KindSet, Window: store.Window{Used: 1, Until: now.Add(knownFor)}})
}

// takeBot appends what counts an accepted call for the bot, whichever token the
// next has.
func (d *hold) takeBot(changes []store.Change, answered time.Time) []store.Change {
	for _, p := range d.paces {
		if p.bot.Slots > 0 {
			changes = append(changes, store.Change{Place: p.bot, Kind: store.KindOccupy, Window: store.Window{Used: 1, Until: answered.Add(p.interval), Note: p.note}})
		}
	}
	return changes
}

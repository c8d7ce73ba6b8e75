package aggregate

import (
	"cmp"
	"context"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"aggregator/store"
)

// Hold is something that is held back from a list, as operators are shown it.
// It names no token and no bot.
type Hold struct {
	ID    string
	List  string
	Kind  string // one of the kinds below
	Until time.Time
}

// Kinds of a Hold.
const (
	kindInterval = "interval" // a documented interval of the list is not over
	kindShare    = "share"    // a part of such an interval is used up that is not for everyone
	kindWait     = "wait"     // the list has asked to wait
	kindRevoked  = "revoked"  // the list has revoked the token
	kindRefused  = "refused"  // the list has refused the token again and again
)

// noteOf returns the note of a window that holds something back: of which list,
// why, how many windows stand side by side, and the id of the hold, which is
// made of a key.
func noteOf(list, kind string, slots int, key store.Key) string {
	var room [store.MaxNote]byte // calls to lists with limits each make some
	b := append(append(room[:0], list...), ' ')
	b = append(append(b, kind...), ' ')
	b = append(strconv.AppendInt(b, int64(slots), 10), ' ')
	return string(hex.AppendEncode(b, key[:6]))
}

// parseNote parses a note made by noteOf. ok is false for any other note.
func parseNote(note string) (h Hold, slots int, ok bool) {
	parts := strings.Split(note, " ")
	if len(parts) != 4 {
		return Hold{}, 0, false
	}
	slots, err := strconv.Atoi(parts[2])
	return Hold{ID: parts[3], List: parts[0], Kind: parts[1]}, slots, err == nil
}

// heldPlace is a place whose windows have notes: several windows side by side,
// or one.
type heldPlace struct {
	hold  Hold // until the first of the windows closes
	slots int
	used  int // of the slots
}

// List returns what is held back, that which ends soonest first. A nil Holds
// holds nothing.
func (h *Holds) List(ctx context.Context) ([]Hold, error) {
	if h == nil {
		return nil, nil
	}
	noted, err := h.store.Noted(ctx)
	if err != nil {
		return nil, err
	}
	type id struct {
		note  string
		place [len(store.Key{}) - 1]byte // what slots share of their keys
	}
	places := map[id]*heldPlace{}
	for _, n := range noted { // that which closes soonest first
		i := id{n.Note, [len(store.Key{}) - 1]byte(n.Key[:])}
		p := places[i]
		if p == nil {
			hold, slots, ok := h.holdOf(n)
			if !ok {
				continue
			}
			p = &heldPlace{hold: hold, slots: slots}
			places[i] = p
		}
		p.used++
	}
	longest := map[string]Hold{} // by id: a bot's hold is kept of it and of its tokens
	for _, p := range places {
		if p.used >= p.slots && p.hold.Until.After(longest[p.hold.ID].Until) {
			longest[p.hold.ID] = p.hold
		}
	}
	return slices.SortedFunc(maps.Values(longest), func(a, b Hold) int {
		return cmp.Or(a.Until.Compare(b.Until), strings.Compare(a.List, b.List), strings.Compare(a.Kind, b.Kind), strings.Compare(a.ID, b.ID))
	}), nil
}

// holdOf returns the hold that a window is of. ok is false for a window that is
// of none.
func (h *Holds) holdOf(n store.Noted) (hold Hold, slots int, ok bool) {
	hold, slots, ok = parseNote(n.Note)
	hold.Until = n.Until
	if hold.Kind == kindRefused {
		row := refusalsOf(n.Window)
		hold.Until, ok = row.until, ok && row.rests(h.now())
	}
	return hold, slots, ok
}

// Lift ends a hold. ok is false where there is none with the id.
func (h *Holds) Lift(ctx context.Context, id string) (lifted Hold, ok bool, err error) {
	all, err := h.List(ctx)
	i := slices.IndexFunc(all, func(hold Hold) bool { return hold.ID == id })
	if err != nil || i < 0 {
		return Hold{}, false, err
	}
	noted, err := h.store.Noted(ctx)
	if err != nil {
		return Hold{}, false, err
	}
	var changes []store.Change
	for _, n := range noted {
		if hold, _, ok := parseNote(n.Note); ok && hold.ID == id {
			changes = append(changes, store.Change{Place: store.Place{Key: n.Key}, Kind: store.KindSet})
		}
	}
	if err := h.store.Change(ctx, changes...); err != nil {
		return Hold{}, false, err
	}
	h.log.Info("hold lifted", "list", all[i].List, "kind", all[i].Kind, "until", all[i].Until.UTC().Format(time.RFC3339))
	return all[i], true, nil
}

package aggregate

import (
	"context"
	"slices"
	"strings"

	"aggregator/catalog"
	"aggregator/lists"
	"aggregator/store"
)

// planCount plans the posts in catalog order, and says why each other list
// that was named is not asked.
func (a *Aggregator) planCount(r CountRequest, userAgent string) ([]planned, []Skipped) {
	named, skipped := resolve(a.Catalog.Current(), r.Tokens)
	plan := make([]planned, 0, len(named))
	for _, n := range named {
		call, why := n.list.PlanPost(r.Count, n.best.Token, userAgent)
		if why == nil || n.best.Bad != nil && n.list.TakesCounts() {
			why = n.best.Bad // what is wrong with the token comes before what it lacks
		}
		p := planned{call: call, named: n.all}
		if why != nil {
			skipped = append(skipped, p.skipped(why)...)
			continue
		}
		plan = append(plan, p)
	}
	return plan, skipped
}

// namedList is a list and the tokens that name it.
type namedList struct {
	list *lists.List
	best orderedToken
	all  []orderedToken
}

type orderedToken struct {
	NamedToken
	order int // place in the request
}

// maxGuesses bounds how many unknown ids of a request are guessed at.
const maxGuesses = 16

// resolve finds the lists that tokens name, in catalog order, and the token
// that counts for each.
func resolve(c *catalog.Catalog, tokens []NamedToken) ([]*namedList, []Skipped) {
	var skipped []Skipped
	byID := make(map[string]*namedList, len(tokens))
	all := make([]*namedList, 0, len(tokens))
	for i, t := range tokens {
		if t.Field {
			skipped = append(skipped, Skipped{t.ID, *t.Bad, i})
			continue
		}
		list, ok := c.Resolve(t.ID)
		if !ok {
			why := lists.Skip{Reason: lists.SkipUnknown}
			if len(skipped) < maxGuesses {
				why.Detail = c.Nearest(t.ID)
			}
			skipped = append(skipped, Skipped{t.ID, why, i})
			continue
		}
		n := byID[list.ID]
		if n == nil {
			n = &namedList{list: list}
			byID[list.ID] = n
			all = append(all, n)
		}
		o := orderedToken{t, i}
		if len(n.all) == 0 || o.rank(list.ID) >= n.best.rank(list.ID) {
			n.best = o
		}
		n.all = append(n.all, o)
	}
	slices.SortFunc(all, func(x, y *namedList) int { return strings.Compare(x.list.ID, y.list.ID) })
	return all, skipped
}

// rank orders the tokens that name one list: a blank one counts as not given,
// keys at the top win over nested ones, and the current id over legacy ids. Of
// two equals the later counts.
func (t orderedToken) rank(current string) int {
	rank := 0
	if !t.blank() {
		rank += 4
	}
	if !t.Nested {
		rank += 2
	}
	if t.ID == current {
		rank++
	}
	return rank
}

// inOrder sorts what was skipped in the order of the request, each id once.
func inOrder(skipped []Skipped) []Skipped {
	slices.SortStableFunc(skipped, func(x, y Skipped) int { return x.order - y.order })
	seen := make(map[string]bool, len(skipped))
	return slices.DeleteFunc(skipped, func(s Skipped) bool {
		twice := seen[s.ID]
		seen[s.ID] = true
		return twice
	})
}

// planBot plans the readings of a bot in catalog order. A list that needs a key
// is read with the caller's, or else with the operator's.
func (a *Aggregator) planBot(c *catalog.Catalog, r BotRequest, userAgent string) (plan []planned, skipped []Skipped) {
	named, skipped := resolve(c, r.Tokens)
	own := make(map[string]*namedList, len(named))
	for _, n := range named {
		own[n.list.ID] = n
		if why := n.unreadable(); why != nil {
			skipped = append(skipped, planned{named: n.all}.skipped(why)...)
		}
	}
	for i, l := range c.Lists() {
		if !l.Readable() {
			continue
		}
		key := a.Keys[l.ID]
		var bad *lists.Skip
		p := planned{named: []orderedToken{{NamedToken{ID: l.ID}, len(r.Tokens) + i}}}
		if n := own[l.ID]; n != nil {
			if p.named, bad = n.all, n.best.Bad; bad == nil {
				key = n.best.Token
			}
		}
		call, why := l.PlanRead(r.BotID, key, userAgent)
		if why == nil {
			call = call.Hiding(a.secrets)
			p.call, p.read = call.Call, call.Read
			plan = append(plan, p)
			continue
		}
		if bad != nil {
			why = bad
		}
		skipped = append(skipped, p.skipped(why)...)
	}
	return plan, skipped
}

// unreadable returns why a list that was named cannot be read; nil if it can.
func (n *namedList) unreadable() *lists.Skip {
	switch {
	case n.list.Defunct:
		return &lists.Skip{Reason: lists.SkipDefunct}
	case !n.list.Readable():
		return &lists.Skip{Reason: lists.SkipNoGet}
	}
	return nil
}

// planned is a call that is planned, and what it came from.
type planned struct {
	call     lists.Call
	read     func(lists.Answer) lists.Reading // of a call that reads a bot
	named    []orderedToken
	reserved []store.Key
}

func (p planned) skipped(why *lists.Skip) []Skipped {
	all := make([]Skipped, len(p.named))
	for i, t := range p.named {
		all[i] = Skipped{t.ID, *why, t.order}
	}
	return all
}

func calls(plan []planned) []lists.Call {
	all := make([]lists.Call, len(plan))
	for i, p := range plan {
		all[i] = p.call
	}
	return all
}

// heldBack parts a plan into what may go out and what is held back.
func (a *Aggregator) heldBack(ctx context.Context, plan []planned) (rest []planned, held []Skipped) {
	rest = plan[:0]
	for i, why := range a.Holds.Check(ctx, calls(plan)) {
		if why != nil {
			held = append(held, plan[i].skipped(why)...)
			a.observeHeld(plan[i].call, why)
			continue
		}
		rest = append(rest, plan[i])
	}
	return rest, held
}

// reserve is heldBack for calls that are about to be sent.
func (a *Aggregator) reserve(ctx context.Context, plan []planned) (rest []planned, held []Skipped) {
	rest = plan[:0]
	for _, p := range plan {
		reserved, why := a.Holds.Reserve(ctx, p.call)
		if why != nil {
			held = append(held, p.skipped(why)...)
			a.observeHeld(p.call, why)
			continue
		}
		p.reserved = reserved
		rest = append(rest, p)
	}
	return rest, held
}

package aggregate

import (
	"slices"
	"strings"

	"aggregator/catalog"
	"aggregator/lists"
)

// namedList is a list and the tokens that name it.
type namedList struct {
	list *lists.List
	best *orderedToken // the one that counts, of all
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
func resolve(c *catalog.Catalog, tokens []NamedToken) (all []namedList, skipped []Skipped) {
	type found struct {
		list *lists.List
		orderedToken
	}
	some := make([]found, 0, len(tokens))
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
		some = append(some, found{list, orderedToken{t, i}})
	}
	slices.SortStableFunc(some, func(x, y found) int { return strings.Compare(x.list.ID, y.list.ID) })
	all = make([]namedList, 0, len(some))
	named := make([]orderedToken, 0, len(some)) // of all lists
	for _, f := range some {
		if last := len(all) - 1; last < 0 || all[last].list != f.list {
			all = append(all, namedList{list: f.list})
		}
		named = append(named, f.orderedToken)
		n := &all[len(all)-1]
		n.all = named[len(named)-len(n.all)-1:]
		if t := &named[len(named)-1]; n.best == nil || t.rank(f.list.ID) >= n.best.rank(f.list.ID) {
			n.best = t
		}
	}
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

// planned is a call that is planned, and what it came from.
type planned struct {
	call  lists.Call
	read  func(lists.Answer) lists.Reading // of a call that reads a bot
	vote  *voteCheck                       // of a call that checks a vote
	named []orderedToken
	hold  hold // what the store knows of it
}

// planNamed plans a call to each list that tokens name, in catalog order, and says
// why each other that they name is not asked. plan returns the call to one list, or
// why there is none.
func planNamed(c *catalog.Catalog, tokens []NamedToken, plan func(namedList) (lists.Call, *lists.Skip)) ([]planned, []Skipped) {
	named, skipped := resolve(c, tokens)
	all := make([]planned, 0, len(named))
	for _, n := range named {
		call, why := plan(n)
		p := planned{call: call, named: n.all}
		if why != nil {
			skipped = append(skipped, p.skipped(why)...)
			continue
		}
		all = append(all, p)
	}
	return all, skipped
}

// skipped returns the names under which the list was given, each with why it is not
// asked.
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

// listsOf returns the ids of the lists that a plan asks.
func listsOf(plan []planned) []string {
	ids := make([]string, len(plan))
	for i, p := range plan {
		ids[i] = p.call.List.ID
	}
	return ids
}

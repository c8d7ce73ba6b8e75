package catalog

import (
	"slices"
	"strings"

	"aggregator/internal/near"
	"aggregator/lists"
	"aggregator/strictyaml"
)

// link is a legacy id and where it leads: a list id, or another legacy id.
type link struct {
	place    strictyaml.Place
	from, to string
}

// legacyLinks reads the file of legacy ids, in its order.
func (r *loader) legacyLinks(f File) []link {
	root, _ := r.Parse(f)
	if root == nil {
		return nil
	}
	if !root.IsMapping() {
		if !root.IsBroken() {
			r.WrongType(root, "a mapping of old ids to new ones")
		}
		return nil
	}
	var links []link
	for _, entry := range root.Fields() {
		l := link{place: entry.Value.Place(), from: entry.Key}
		r.Bind(entry.Value, &l.to)
		if why := badListID(l.from); why != "" {
			r.Add(l.place, "the legacy id %s %s", strictyaml.Quote(l.from), why)
		}
		if why := badID(l.to); l.to != "" && why != "" {
			r.Add(l.place, "leads to %s, which %s", strictyaml.Quote(l.to), why)
		}
		links = append(links, l)
	}
	r.checkCycles(links)
	return links
}

// checkCycles reports each cycle once, where it is first met.
func (r *loader) checkCycles(links []link) {
	next := linkMap(links)
	walk := map[string]int{} // id to the walk that met it first
	for i, start := range links {
		id, ok := start.from, true
		for ok && walk[id] == 0 {
			walk[id] = i + 1
			id, ok = next[id]
		}
		if !ok || walk[id] != i+1 {
			continue
		}
		chain := []string{id}
		for step := next[id]; step != id; step = next[step] {
			chain = append(chain, step)
		}
		at := links[slices.IndexFunc(links, func(l link) bool { return l.from == id })].place
		r.Add(at, "is in a cycle, %s; legacy ids must end at a list", strings.Join(append(chain, id), " -> "))
	}
}

// oddLinks returns warnings about legacy ids that do nothing.
func oddLinks(links []link, all []*lists.List) (warnings []string) {
	next := linkMap(links)
	living, known := map[string]bool{}, []string{}
	for _, l := range all {
		living[l.ID] = !l.Defunct
		known = append(known, l.ID)
	}
	warn := func(l link, message string) {
		warnings = append(warnings, strictyaml.Problem{Place: l.place, Message: message}.String())
	}
	for _, l := range links {
		_, isList := living[l.to]
		if _, isLegacy := next[l.to]; !isList && !isLegacy {
			warn(l, "leads to "+strictyaml.Quote(l.to)+", which is no list"+near.Suggestion(l.to, known))
		}
		if living[l.from] {
			warn(l, "is never followed, for a living list has this id")
		}
	}
	return warnings
}

func linkMap(links []link) map[string]string {
	m := make(map[string]string, len(links))
	for _, l := range links {
		m[l.from] = l.to
	}
	return m
}

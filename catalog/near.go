package catalog

import (
	"slices"
	"strings"

	"aggregator/internal/near"
)

// guesses are the ids that an unknown one may have meant: those of lists, then
// legacy ids.
type guesses struct {
	living []string // of lists that live
	dead   []string
}

// guessable returns every list id and every legacy id that leads to a list.
func (c *Catalog) guessable() (g guesses) {
	add := func(id string, dead bool) {
		if dead {
			g.dead = append(g.dead, id)
		} else {
			g.living = append(g.living, id)
		}
	}
	for _, l := range c.lists {
		add(l.ID, l.Defunct)
	}
	for _, id := range sortedKeys(c.legacy) {
		if l, ok := c.Resolve(id); ok && c.byID[id] == nil {
			add(id, l.Defunct)
		}
	}
	return g
}

// Nearest returns the known id that an unknown one was most likely meant to be,
// "" if none is near: the same as the host of an address, the same without an
// ending, or one that is spelled much like it. Lists that live come before dead
// ones.
func (c *Catalog) Nearest(id string) string {
	id = hostOf(id)
	for _, same := range []func(string) bool{
		func(known string) bool { return strings.ToLower(known) == id },
		func(known string) bool { return strings.HasPrefix(strings.ToLower(known), id+".") },
	} {
		for _, known := range [][]string{c.guesses.living, c.guesses.dead} {
			if i := slices.IndexFunc(known, same); i >= 0 && id != "" {
				return known[i]
			}
		}
	}
	if guess := near.Word(id, c.guesses.living); guess != "" {
		return guess
	}
	return near.Word(id, c.guesses.dead)
}

// hostOf returns what people mean by an address that stands for an id: its host,
// in small letters and without www.
func hostOf(address string) string {
	address = strings.ToLower(strings.TrimSpace(address))
	if _, rest, ok := strings.Cut(address, "://"); ok {
		address = rest
	}
	if end := strings.IndexAny(address, "/?#:"); end >= 0 {
		address = address[:end]
	}
	return strings.Trim(strings.TrimPrefix(address, "www."), ".")
}

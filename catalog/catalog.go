// Package catalog turns YAML files into a checked, immutable catalog of bot
// lists, their features and the ids they once had, and swaps it on reload.
package catalog

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"

	"aggregator/lists"
)

// Catalog is a loaded catalog. Nothing in it changes, and callers must not
// change what it hands out.
type Catalog struct {
	lists      []*lists.List
	byID       map[string]*lists.List
	byHost     map[string][]*lists.List // that are asked there
	features   []Feature
	legacy     map[string]string
	guesses    guesses
	generation uint64

	listsJSON, filteredJSON, legacyJSON []byte
	listJSON                            map[string][]byte
}

// generations counts the catalogs of this process.
var generations atomic.Uint64

// newCatalog makes a catalog of lists sorted by id.
func newCatalog(all []*lists.List, features map[string]Feature, links []link) *Catalog {
	c := &Catalog{
		lists:      all,
		byID:       make(map[string]*lists.List, len(all)),
		byHost:     map[string][]*lists.List{},
		features:   slices.SortedFunc(maps.Values(features), byRank),
		legacy:     linkMap(links),
		generation: generations.Add(1),
	}
	for _, l := range all {
		c.byID[l.ID] = l
		for _, host := range l.Hosts() {
			c.byHost[host] = append(c.byHost[host], l)
		}
	}
	c.guesses = c.guessable()
	c.encode()
	return c
}

// byRank orders features by display, the highest first, then by name.
func byRank(a, b Feature) int {
	return cmp.Or(cmp.Compare(b.Display, a.Display), cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
}

// Lists are all lists, defunct and hidden ones too, sorted by id.
func (c *Catalog) Lists() []*lists.List { return c.lists }

// Features are all features, those of the highest rank first.
func (c *Catalog) Features() []Feature { return c.features }

// List is the list with an id, or else the list that once had it.
func (c *Catalog) List(id string) (*lists.List, bool) {
	if l, ok := c.byID[id]; ok {
		return l, true
	}
	return c.Resolve(id)
}

// LegacyIDs returns the ids that lists once had, and where each leads.
func (c *Catalog) LegacyIDs() map[string]string { return c.legacy }

// IsOfAnother reports whether calls to a host, in lower case and with its port
// where it is not the usual one, count for other lists than the one with this id.
func (c *Catalog) IsOfAnother(id, host string) bool {
	all := c.byHost[host]
	return len(all) > 0 && !slices.ContainsFunc(all, func(l *lists.List) bool { return l.ID == id })
}

// Resolve is the list that a token under an id is for: the living list with
// that id, or else the first living list that the legacy ids lead to, or else
// the defunct list met last.
func (c *Catalog) Resolve(id string) (*lists.List, bool) {
	var defunct *lists.List
	for {
		if l, ok := c.byID[id]; ok {
			if !l.Defunct {
				return l, true
			}
			defunct = l
		}
		next, ok := c.legacy[id] // no cycle: Load saw to that
		if !ok {
			return defunct, defunct != nil
		}
		id = next
	}
}

// Only returns a catalog of one list of c and all features. Which hosts are those
// of other lists it still knows.
func (c *Catalog) Only(l *lists.List) *Catalog {
	features := make(map[string]Feature, len(c.features))
	for _, f := range c.features {
		features[f.ID] = f
	}
	only := newCatalog([]*lists.List{l}, features, nil)
	only.byHost = c.byHost
	return only
}

// Generation tells this catalog from all others loaded by this process.
func (c *Catalog) Generation() uint64 { return c.generation }

// Counts says how much is in a catalog.
type Counts struct {
	Lists      int `json:"lists"`
	Living     int `json:"living"`      // not defunct
	TakeCounts int `json:"take_counts"` // living, and counts can be posted to them
	Readable   int `json:"readable"`    // living, and they can be asked about bots
	Features   int `json:"features"`
	LegacyIDs  int `json:"legacy_ids"`
}

// Counts counts what is in the catalog.
func (c *Catalog) Counts() Counts {
	n := Counts{Lists: len(c.lists), Features: len(c.features), LegacyIDs: len(c.legacy)}
	for _, l := range c.lists {
		if l.Defunct {
			continue
		}
		n.Living++
		if l.TakesCounts() {
			n.TakeCounts++
		}
		if l.Readable() {
			n.Readable++
		}
	}
	return n
}

// String is the counts as a phrase for people.
func (n Counts) String() string {
	return fmt.Sprintf("%s (%d living, %d take counts, %d can be read), %s, %s",
		plural(n.Lists, "list"), n.Living, n.TakeCounts, n.Readable, plural(n.Features, "feature"), plural(n.LegacyIDs, "legacy id"))
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

package catalog

import (
	"maps"
	"reflect"
)

// Changes are the ids by which a catalog differs from another, each sorted.
type Changes struct {
	Added, Removed, Changed []string // of lists
	LegacyIDs               bool     // some legacy id is new, gone, or leads elsewhere
	Features                bool     // some feature is new, gone, or another
}

// ChangesTo returns what is otherwise in next.
func (c *Catalog) ChangesTo(next *Catalog) Changes {
	changes := Changes{
		LegacyIDs: !maps.Equal(c.legacy, next.legacy),
		Features:  !reflect.DeepEqual(c.features, next.features),
	}
	for _, l := range next.lists {
		switch before := c.byID[l.ID]; {
		case before == nil:
			changes.Added = append(changes.Added, l.ID)
		case !reflect.DeepEqual(before.Entry, l.Entry):
			changes.Changed = append(changes.Changed, l.ID)
		}
	}
	for _, l := range c.lists {
		if next.byID[l.ID] == nil {
			changes.Removed = append(changes.Removed, l.ID)
		}
	}
	return changes
}

package agent

import (
	"sync/atomic"

	"aggregator/catalog"
)

// Live is the bots in use, which a reload replaces whole. Its zero value has
// none.
type Live struct{ current atomic.Pointer[Bots] }

// Current returns the bots in use; nil where there are none.
func (l *Live) Current() *Bots {
	if l == nil {
		return nil
	}
	return l.current.Load()
}

// Beside returns a function for catalog.NewLive that reads a catalog and then
// the bots that are checked against it. Both are taken into use, or neither is.
func (l *Live) Beside(
	read func() (*catalog.Catalog, []string, error),
	load func(*catalog.Catalog) (*Bots, []string, error),
) func() (*catalog.Catalog, []string, error) {
	return func() (*catalog.Catalog, []string, error) {
		c, warnings, err := read()
		if err != nil {
			return nil, warnings, err
		}
		bots, more, err := load(c)
		warnings = append(warnings, more...)
		if err != nil {
			return nil, warnings, err
		}
		l.current.Store(bots)
		return c, warnings, nil
	}
}

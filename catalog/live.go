package catalog

import (
	"sync"
	"sync/atomic"
)

// Live is the catalog in use, which a reload replaces whole.
type Live struct {
	read    func() (*Catalog, []string, error)
	reload  sync.Mutex // so that of two reloads the later one wins
	current atomic.Pointer[Catalog]
}

// NewLive loads the first catalog with read, which each reload calls again.
func NewLive(read func() (*Catalog, []string, error)) (*Live, []string, error) {
	l := &Live{read: read}
	warnings, err := l.Reload()
	if err != nil {
		return nil, warnings, err
	}
	return l, warnings, nil
}

// LiveOf returns a Live of a catalog that stays, whatever is reloaded.
func LiveOf(c *Catalog) *Live {
	l := &Live{read: func() (*Catalog, []string, error) { return c, nil, nil }}
	l.current.Store(c)
	return l
}

// Current is the catalog in use. A request should ask once and keep it.
func (l *Live) Current() *Catalog { return l.current.Load() }

// Reload puts a new catalog into use; on an error the old one stays.
func (l *Live) Reload() (warnings []string, err error) {
	l.reload.Lock()
	defer l.reload.Unlock()
	c, warnings, err := l.read()
	if err != nil {
		return warnings, err
	}
	l.current.Store(c)
	return warnings, nil
}

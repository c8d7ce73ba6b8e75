package store

import (
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// Condition is how a store is, in a word for machines.
type Condition string

// The conditions of a store. All but OK are said in the log too.
const (
	OK        Condition = "ok"
	Full      Condition = "full"          // what ends soonest makes room for what is new
	Unwritten Condition = "unwritten"     // the file cannot be written: its disk is full or fails
	Gone      Condition = "gone"          // the file was removed
	Replaced  Condition = "replaced"      // another file stands in the place of the store's
	Away      Condition = "away"          // the server cannot be reached
	Slow      Condition = "slow"          // the server takes seconds to answer
	ReadOnly  Condition = "read-only"     // the server takes no writes
	NoMemory  Condition = "out of memory" // the server has no memory left
	Lost      Condition = "lost"          // the server forgot what it had, and is being told again
	Foreign   Condition = "foreign"       // the server has the data of another store
)

// Health is how a store is.
type Health struct {
	Condition Condition
	Since     time.Time // when it became so; zero for OK
	Text      string    // what that means, in plain words; "" for OK
}

// OK reports whether the store does all it should.
func (h Health) OK() bool { return h.Condition == OK }

// Monitor keeps the health of a store, and logs when it changes. It is safe for
// concurrent use.
type Monitor struct {
	log *slog.Logger
	now func() time.Time

	mu       sync.Mutex
	troubles []Health // the first to come first, one of a state
}

// NewMonitor returns a Monitor of a store that is well. A nil log is silent. The
// attributes, in pairs as slog has them, stand in each of its lines.
func NewMonitor(log *slog.Logger, now func() time.Time, attributes ...any) *Monitor {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Monitor{log: log.With(attributes...), now: now}
}

// Begin notes that a trouble has begun. If it has already, its text is brought
// up to date and nothing is logged.
func (m *Monitor) Begin(c Condition, text string, attributes ...any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range m.troubles {
		if m.troubles[i].Condition == c {
			m.troubles[i].Text = text
			return
		}
	}
	m.troubles = append(m.troubles, Health{c, m.now(), text})
	m.log.Warn(text, append([]any{"state", string(c)}, attributes...)...)
}

// Become is Begin of a trouble that another has turned into. Nothing is logged if
// both are the same; if there is no such other, it is Begin.
func (m *Monitor) Become(before, after Condition, text string, attributes ...any) {
	if before != after {
		m.mu.Lock()
		m.troubles = slices.DeleteFunc(m.troubles, func(h Health) bool { return h.Condition == before })
		m.mu.Unlock()
	}
	m.Begin(after, text, attributes...)
}

// End notes that a trouble is over; text says what that means. If there is no
// such trouble, nothing is logged.
func (m *Monitor) End(c Condition, text string, attributes ...any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, h := range m.troubles {
		if h.Condition == c {
			m.troubles = slices.Delete(m.troubles, i, i+1)
			after := m.now().Sub(h.Since).Round(time.Millisecond)
			m.log.Info(text, append([]any{"state", string(c), "after", after.String()}, attributes...)...)
			return
		}
	}
}

// BeginFull is Begin for a store that has no room beyond so many windows.
func (m *Monitor) BeginFull(keys int) {
	m.Begin(Full, fmt.Sprintf("the store is full, with %d windows; those that end soonest make room", keys))
}

// EndFull is End of BeginFull.
func (m *Monitor) EndFull() { m.End(Full, "the store is no longer full") }

// Has reports whether a trouble has begun and is not over.
func (m *Monitor) Has(c Condition) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, h := range m.troubles {
		if h.Condition == c {
			return true
		}
	}
	return false
}

// Health returns the worst of the troubles: the first to have come, where a
// store that is merely full comes last.
func (m *Monitor) Health() Health {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, h := range m.troubles {
		if h.Condition != Full {
			return h
		}
	}
	if len(m.troubles) > 0 {
		return m.troubles[0]
	}
	return Health{Condition: OK}
}

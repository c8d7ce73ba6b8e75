package fanout

import (
	"log/slog"
	"time"

	"github.com/sony/gobreaker/v2"

	"aggregator/lists"
)

// circuitNews is what an operator is told of one circuit: that it opened, and
// that it closed. It is collected under the breaker's locks and told outside
// them, for a log can be slow.
type circuitNews struct {
	list   string
	op     lists.Op
	reason string    // of the last fault
	since  time.Time // the first fault of those that opened the circuit
	untold []circuitChange
}

type circuitChange struct {
	open   bool
	reason string
	since  time.Time
}

// changed notes a change of state. Tries of an open circuit are no news.
func (n *circuitNews) changed(from, to gobreaker.State, since time.Time) {
	switch {
	case from == gobreaker.StateClosed && to == gobreaker.StateOpen:
		n.since = since
		n.untold = append(n.untold, circuitChange{true, n.reason, since})
	case to == gobreaker.StateClosed:
		n.untold = append(n.untold, circuitChange{false, n.reason, n.since})
	}
}

// tell logs what has changed. A nil breaker has no news.
func (b *breaker) tell(log *slog.Logger) {
	if b == nil {
		return
	}
	b.mu.Lock()
	untold := b.news.untold
	b.news.untold = nil
	b.mu.Unlock()
	for _, c := range untold {
		attrs := []any{"list", b.news.list, "direction", b.news.op.Name, "reason", c.reason, "since", c.since.UTC().Format(time.RFC3339)}
		if c.open {
			log.Warn("circuit opened", attrs...)
		} else {
			log.Info("circuit closed", attrs...)
		}
	}
}

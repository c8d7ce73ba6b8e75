package fanout

import (
	"log/slog"
	"time"
)

// news is what an operator is told of a circuit: that it opened, and that it
// closed. It is collected under the breaker's locks and told outside them, for
// a log can be slow.
type news struct {
	open    bool
	opened  streak // of silence
	nextTry time.Time
}

// tell logs what has changed. A nil breaker has no news.
func (b *breaker) tell(log *slog.Logger) {
	if b == nil {
		return
	}
	b.mu.Lock()
	untold := b.news
	b.news = nil
	b.mu.Unlock()
	for _, n := range untold {
		attrs := []any{"list", b.list, "direction", b.op.Direction, "reason", n.opened.reason, "since", n.opened.since.UTC().Format(time.RFC3339)}
		if n.open {
			log.Warn("circuit opened", append(attrs, "next_try", n.nextTry.UTC().Format(time.RFC3339))...)
		} else {
			log.Info("circuit closed", attrs...)
		}
	}
}

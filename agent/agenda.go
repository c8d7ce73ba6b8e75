package agent

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"aggregator/internal/times"
)

// job is one thing that the agent does when it is due. At any time an agent does
// a job once.
type job struct {
	kind jobKind
	id   string // of a bot, of a list, or of a mailbox
}

type jobKind int

const (
	jobBot    jobKind = iota // ask a bot's source and post to its lists
	jobTurns                 // post for the bots that wait at a list
	jobMail                  // send the notices of a mailbox
	jobShards                // look whether a bot's shards still report
)

// agenda is when which job is due, as far as this process knows. The zero agenda
// is empty. It is safe for concurrent use.
type agenda struct {
	mu      sync.Mutex
	due     map[job]time.Time
	running map[job]bool
	wake    chan struct{} // of one; nil: nobody waits
}

// hasten makes a job due at a time, unless it is due sooner. Where it is just
// being done, it is done again.
func (a *agenda) hasten(j job, at time.Time) {
	if at.IsZero() {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.set(j, times.Earlier(a.due[j], at))
}

func (a *agenda) set(j job, at time.Time) {
	if a.due == nil {
		a.due, a.running = map[job]time.Time{}, map[job]bool{}
	}
	a.due[j] = at
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// take returns up to n jobs that are due, the longest due first, and takes them
// off the agenda until done is called.
func (a *agenda) take(now time.Time, n int) []job {
	a.mu.Lock()
	defer a.mu.Unlock()
	var all []job
	for j, at := range a.due {
		if !at.After(now) && !a.running[j] {
			all = append(all, j)
		}
	}
	slices.SortFunc(all, func(x, y job) int {
		return cmp.Or(a.due[x].Compare(a.due[y]), cmp.Compare(x.kind, y.kind), cmp.Compare(x.id, y.id))
	})
	all = all[:min(n, len(all))]
	for _, j := range all {
		a.running[j] = true
		delete(a.due, j)
	}
	return all
}

// done ends a job, which is due again at a time, or sooner where it was hastened
// meanwhile.
func (a *agenda) done(j job, next time.Time) {
	a.hasten(j, next)
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.running, j)
}

// next returns when the next job is due; zero for never.
func (a *agenda) next() (at time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for j, due := range a.due {
		if !a.running[j] {
			at = times.Earlier(at, due)
		}
	}
	return at
}

// keep takes off the agenda what keep does not want.
func (a *agenda) keep(keep func(job) bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for j := range a.due {
		if !keep(j) {
			delete(a.due, j)
		}
	}
}

// wait waits until something is due or is put on the agenda, at most for a while.
func (a *agenda) wait(ctx context.Context, now time.Time, most time.Duration) {
	wait := most
	if next := a.next(); !next.IsZero() {
		wait = min(wait, max(next.Sub(now), 0))
	}
	a.mu.Lock()
	if a.wake == nil {
		a.wake = make(chan struct{}, 1)
	}
	wake := a.wake
	a.mu.Unlock()
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-wake:
	case <-t.C:
	}
}

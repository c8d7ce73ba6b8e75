package health

import "time"

// State is how a list does, in a word. It is made of traffic alone: a list that
// nobody asks is not said to do well.
type State int

// The states, the worst first.
const (
	StateDown     State = iota // most calls fail just now, or a circuit is open
	StateTroubled              // it had trouble in the last hour
	StateWell                  // it was asked in the last hour, and answered
	StateQuiet                 // it was asked in the last 24 hours, but not in the last one
	StateUnasked               // it was not asked in the last 24 hours
)

const (
	// troubledFor is how long trouble is told.
	troubledFor = time.Hour
	// troubledPart is which part of the calls of this hour and the one before must
	// have met a fault: one in 20.
	troubledPart = 20
)

// State returns how the list does.
func (l List) State() State {
	switch {
	case l.Calls == 0:
		return StateUnasked
	case l.Quiet() > 0:
		return StateQuiet
	case l.Down() || l.Circuit == CircuitOpen:
		return StateDown
	case l.troubled() || l.Circuit == CircuitHalfOpen:
		return StateTroubled
	}
	return StateWell
}

// troubled reports whether the list failed in the last hour, and more than now
// and then.
func (l List) troubled() bool {
	since := l.AsOf.Add(-troubledFor)
	if n := len(l.Outages); n > 0 && l.Outages[n-1].To.After(since) {
		return true
	}
	if !l.LastFailure.At.After(since) {
		return false
	}
	recent := sum(l.Hours[max(0, len(l.Hours)-2):])
	return recent.Faults*troubledPart >= recent.Calls
}

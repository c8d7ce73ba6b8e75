package httpapi

import (
	"aggregator/internal/engine"
)

// StatusOf returns what an engine reports about itself. What else there is to
// report is for others to add.
func StatusOf(e *engine.Engine) Status {
	return Status{
		Breakers: func() []Breaker {
			var open []Breaker
			for _, c := range CircuitsOf(e) {
				open = append(open, c.Breaker)
			}
			return open
		},
		StoreHealth: func() StoreHealth {
			h := e.Store.Health()
			return StoreHealth{OK: h.OK(), State: string(h.Condition), Since: h.Since.UTC(), Trouble: h.Text}
		},
		CallsInFlight: e.Client.InFlight,
		Memory:        e.Memory,
	}
}

// CircuitsOf returns the breakers of an engine that are not closed.
func CircuitsOf(e *engine.Engine) []Circuit {
	var open []Circuit
	for _, b := range e.Client.OpenBreakers() {
		open = append(open, Circuit{Breaker: Breaker{List: b.List, Direction: b.Direction, State: b.State}, Since: b.Since, NextTry: b.NextTry})
	}
	return open
}

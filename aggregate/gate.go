package aggregate

import "sync"

// gate lets requests in until it is closed, and counts those that are inside.
type gate struct {
	mu       sync.RWMutex // held to close it
	closed   bool
	underWay sync.WaitGroup
}

// enter reports whether a request may begin. If it may, it must leave.
func (g *gate) enter() bool {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if !g.closed {
		g.underWay.Add(1)
	}
	return !g.closed
}

func (g *gate) leave() { g.underWay.Done() }

func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
}

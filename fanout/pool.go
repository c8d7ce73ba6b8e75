package fanout

import (
	"sync"
	"time"
)

// idleTimeout is how long a connection is kept that no request uses. Many
// servers close one that was idle for 5 s. A post that meets that is lost, and a
// list with limits must not get it twice.
const idleTimeout = 4 * time.Second

// pool holds the connections that no request uses.
type pool struct {
	maxIdle, maxIdlePerKey int
	timeout                time.Duration

	mu    sync.Mutex
	idle  map[poolKey][]*persistConn // the one used last is last
	n     int                        // of all
	timer *time.Timer                // sweeps; nil: no connection is idle
}

// poolKey is what requests must have in common to use the same connection.
type poolKey struct {
	scheme, host string
	proxy        string // its URL; "": none
}

// take returns a connection on which nothing has come, or nil where there is
// none. It closes those that must not be used.
func (p *pool) take(key poolKey) *persistConn {
	for {
		c := p.pop(key)
		if c == nil || time.Since(c.since) < p.timeout && c.atRest() {
			return c
		}
		_ = c.Close()
	}
}

func (p *pool) pop(key poolKey) *persistConn {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := p.idle[key]
	last := len(all) - 1
	if last < 0 {
		return nil
	}
	c := all[last]
	all[last] = nil
	p.idle[key] = all[:last]
	p.n--
	return c
}

// put keeps a connection, and reports whether there is room for it.
func (p *pool) put(c *persistConn) bool {
	if c.sock.raw == nil { // nobody can tell whether it is at rest
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	all := p.idle[c.route.key]
	if p.n >= p.maxIdle || len(all) >= p.maxIdlePerKey {
		return false
	}
	if p.idle == nil {
		p.idle = map[poolKey][]*persistConn{}
	}
	c.since = time.Now()
	p.idle[c.route.key] = append(all, c)
	p.n++
	if p.timer == nil {
		p.timer = time.AfterFunc(p.timeout, p.sweep)
	}
	return true
}

// sweep closes the connections that have been idle for too long, and comes again
// while there are others.
func (p *pool) sweep() {
	var old []*persistConn
	p.mu.Lock()
	for key, all := range p.idle {
		n := 0
		for n < len(all) && time.Since(all[n].since) >= p.timeout {
			n++
		}
		old = append(old, all[:n]...)
		if n == len(all) {
			delete(p.idle, key)
		} else if n > 0 {
			left := copy(all, all[n:])
			clear(all[left:])
			p.idle[key] = all[:left]
		}
	}
	p.n -= len(old)
	if p.timer != nil { // else closeAll was faster
		if p.n > 0 {
			p.timer.Reset(p.timeout / 8)
		} else {
			p.timer = nil
		}
	}
	p.mu.Unlock()
	for _, c := range old {
		_ = c.Close()
	}
}

// closeAll closes all connections.
func (p *pool) closeAll() {
	p.mu.Lock()
	all := p.idle
	p.idle, p.n = nil, 0
	if p.timer != nil {
		p.timer.Stop()
		p.timer = nil
	}
	p.mu.Unlock()
	for _, some := range all {
		for _, c := range some {
			_ = c.Close()
		}
	}
}

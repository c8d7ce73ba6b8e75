package httpapi

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/netutil"

	"aggregator/internal/errno"
)

const (
	// slowAfter is how long a connection may take to send a request, or to take
	// an answer, while room is needed.
	slowAfter = time.Second / 2
	// sweepEvery is how often connections are looked through while room is needed.
	sweepEvery = 50 * time.Millisecond
)

// phase is how far the exchange on a connection is.
type phase int32

const (
	phaseHeader phase = iota // nothing of a request has come, or not its whole header
	phaseBody                // its body is being read
	phaseWork                // it has come, and is worked on or waits for that
	phaseAnswer              // its answer is being written
	phaseIdle                // it is answered, and the next has not begun
	phaseStream              // it is answered without end, as things come
)

// callerConn is one connection of a caller. It counts what moves on it.
type callerConn struct {
	net.Conn
	owner *connections
	phase atomic.Int32
	since atomic.Int64 // when the phase began, in ns since the owner's epoch
	moved atomic.Int64 // bytes read and written in the phase
}

// Read implements net.Conn.
func (c *callerConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.moved.Add(int64(n))
	return n, err
}

// Write implements net.Conn.
func (c *callerConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.moved.Add(int64(n))
	return n, err
}

// Close implements net.Conn.
func (c *callerConn) Close() error {
	c.owner.forget(c)
	return c.Conn.Close()
}

// enter notes that a phase has begun. A nil connection, of a request that came
// otherwise, has none.
func (c *callerConn) enter(p phase) {
	if c == nil {
		return
	}
	c.phase.Store(int32(p))
	c.since.Store(int64(time.Since(c.owner.epoch)))
	c.moved.Store(0)
	if c.owner.stopping.Load() && isClosable(p) {
		_ = c.Close()
	}
}

// hangUp closes the connection, whatever is being read or written. A nil
// connection is let be.
func (c *callerConn) hangUp() {
	if c != nil {
		_ = c.Close()
	}
}

// isClosable reports whether a connection may be closed in a phase without
// losing work that has been done for its caller.
func isClosable(p phase) bool {
	return p == phaseHeader || p == phaseBody || p == phaseIdle || p == phaseStream
}

// connections are the callers' connections to one server. While many are open
// it closes some: first those on which a request or an answer moves slowest,
// then idle ones. So there is always room for one more, and a server that is
// full can say so.
type connections struct {
	max      int
	warnLow  func(reason string)
	epoch    time.Time
	stopping atomic.Bool

	mu        sync.Mutex
	open      map[*callerConn]struct{}
	sweeping  bool // a sweep is scheduled
	lastSweep time.Time
}

func newConnections(maxOpen int, warnLow func(reason string)) *connections {
	return &connections{max: maxOpen, warnLow: warnLow, epoch: time.Now(), open: map[*callerConn]struct{}{}}
}

// threshold is the number of open connections above which some are closed.
func (s *connections) threshold() int { return s.max * 3 / 4 }

// listen returns l with at most max connections at a time, each of which is
// watched.
func (s *connections) listen(l net.Listener) net.Listener {
	return watchedListener{netutil.LimitListener(l, s.max), s}
}

type watchedListener struct {
	net.Listener
	owner *connections
}

// Accept implements net.Listener.
func (l watchedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		if errno.IsExhausted(err) {
			l.owner.warnLow("no descriptor is left for a caller's connection")
		}
		return nil, err
	}
	conn := &callerConn{Conn: c, owner: l.owner}
	l.owner.add(conn)
	return conn, nil
}

func (s *connections) add(c *callerConn) {
	s.mu.Lock()
	s.open[c] = struct{}{}
	n := len(s.open)
	s.mu.Unlock()
	c.enter(phaseHeader)
	if n > s.max*9/10 {
		s.warnLow(fmt.Sprintf("%d of %d connections of callers are open", n, s.max))
	}
	if n > s.threshold() {
		s.sweep()
	}
}

func (s *connections) forget(c *callerConn) {
	s.mu.Lock()
	delete(s.open, c)
	s.mu.Unlock()
}

// sweep closes connections while many are open, and comes again while there are.
func (s *connections) sweep() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now(); now.Sub(s.lastSweep) >= sweepEvery {
		s.lastSweep = now
		if surplus := len(s.open) - s.threshold(); surplus > 0 {
			s.close(surplus+s.max/64, phaseHeader, phaseBody, phaseAnswer, phaseIdle, phaseStream)
		}
	}
	if len(s.open) > s.threshold() && !s.sweeping {
		s.sweeping = true
		time.AfterFunc(sweepEvery, func() {
			s.mu.Lock()
			s.sweeping = false
			s.mu.Unlock()
			s.sweep()
		})
	}
}

// closeSlow closes the connection on which a body or an answer moves slowest:
// there is no memory left for others.
func (s *connections) closeSlow() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now(); now.Sub(s.lastSweep) >= sweepEvery {
		s.lastSweep = now
		s.close(1+len(s.open)/64, phaseBody, phaseAnswer)
	}
}

// slowness orders connections that may be closed: by the phase, then by how
// much has moved in it for its time, in bytes a second.
type slowness struct {
	conn *callerConn
	idle bool
	rate float64
	age  time.Duration
}

// close closes up to n connections that are in one of some phases. Callers hold
// the mutex.
func (s *connections) close(n int, phases ...phase) {
	now := time.Since(s.epoch)
	var all []slowness
	for c := range s.open {
		p, age := phase(c.phase.Load()), now-time.Duration(c.since.Load())
		isIdle := p == phaseIdle || p == phaseStream
		if slices.Contains(phases, p) && (isIdle || age >= slowAfter) {
			all = append(all, slowness{c, isIdle, float64(c.moved.Load()) / age.Seconds(), age})
		}
	}
	slices.SortFunc(all, func(a, b slowness) int {
		switch {
		case a.idle && b.idle:
			return cmp.Compare(b.age, a.age) // the longest idle first
		case a.idle:
			return 1
		case b.idle:
			return -1
		}
		return cmp.Compare(a.rate, b.rate)
	})
	for _, c := range all[:min(n, len(all))] {
		delete(s.open, c.conn)
		_ = c.conn.Conn.Close()
	}
}

// stop closes all connections on which no work is under way, at once and from
// now on.
func (s *connections) stop() {
	s.stopping.Store(true)
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.open {
		if isClosable(phase(c.phase.Load())) {
			delete(s.open, c)
			_ = c.Conn.Close()
		}
	}
}

// attach has a server tell of its connections, and requests know theirs.
func (s *connections) attach(server *http.Server) {
	server.ConnState = func(c net.Conn, state http.ConnState) {
		switch conn := callerConnOf(c); state {
		case http.StateActive:
			conn.enter(phaseHeader)
		case http.StateIdle:
			conn.enter(phaseIdle)
		}
	}
	server.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		return context.WithValue(ctx, connKey{}, callerConnOf(c))
	}
}

type connKey struct{}

// callerConnOf returns the connection under what a server makes of it; nil if
// it did not come through the listener.
func callerConnOf(c net.Conn) *callerConn {
	switch v := c.(type) {
	case *callerConn:
		return v
	case interface{ NetConn() net.Conn }: // TLS
		return callerConnOf(v.NetConn())
	}
	return nil
}

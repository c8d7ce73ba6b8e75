package httpapi

import (
	"container/list"
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// headerPatience is how long a connection may take to send a header while many
// are open.
const headerPatience = time.Second / 2

// shedder closes connections of callers that do nothing while many are open:
// idle ones, and those whose header does not come. So there is always room for
// one more: a server that is full still answers 503, and health.
type shedder struct {
	threshold int // open connections above which it closes some

	mu       sync.Mutex
	sweeping bool       // sweep is scheduled
	conns    *list.List // of *callerConn, the longest unchanged first
	at       map[net.Conn]*list.Element
}

// callerConn is one connection of a caller.
type callerConn struct {
	net.Conn
	serving bool // a request on it is being answered
	idle    bool // its last request is answered
	since   time.Time
}

// newShedder returns a shedder for a server that takes maxConnections.
func newShedder(maxConnections int) *shedder {
	return &shedder{threshold: maxConnections * 3 / 4, conns: list.New(), at: map[net.Conn]*list.Element{}}
}

// attach hooks the shedder into a server.
func (s *shedder) attach(server *http.Server) {
	server.ConnState = s.changed
	server.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		return context.WithValue(ctx, connKey{}, c)
	}
	next := server.Handler
	server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, ok := r.Context().Value(connKey{}).(net.Conn); ok {
			s.set(c, callerConn{Conn: c, serving: true})
		}
		next.ServeHTTP(w, r)
	})
}

type connKey struct{}

// changed is the server's ConnState hook.
func (s *shedder) changed(c net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew, http.StateActive:
		s.set(c, callerConn{Conn: c})
	case http.StateIdle:
		s.set(c, callerConn{Conn: c, idle: true})
	case http.StateClosed, http.StateHijacked:
		s.mu.Lock()
		defer s.mu.Unlock()
		if at, ok := s.at[c]; ok {
			s.conns.Remove(at)
			delete(s.at, c)
		}
	}
}

// set records what a connection does from now on, and closes another if many
// are open.
func (s *shedder) set(c net.Conn, now callerConn) {
	now.since = time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if at, ok := s.at[c]; ok {
		at.Value = &now
		s.conns.MoveToBack(at)
		return
	}
	s.at[c] = s.conns.PushBack(&now)
	if s.conns.Len() > s.threshold && !s.shed(now.since) && !s.sweeping {
		s.sweeping = true
		time.AfterFunc(headerPatience, s.sweep)
	}
}

// sweep closes what does nothing by now, and comes again while many are open.
func (s *shedder) sweep() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.conns.Len() > s.threshold && s.shed(time.Now()) {
	}
	if s.sweeping = s.conns.Len() > s.threshold; s.sweeping {
		time.AfterFunc(headerPatience/2, s.sweep)
	}
}

// shed closes the connection that has done nothing for longest. It reports
// whether there was one. Callers hold the mutex.
func (s *shedder) shed(now time.Time) bool {
	for at := s.conns.Front(); at != nil; at = at.Next() {
		c, _ := at.Value.(*callerConn)
		if c.serving || !c.idle && now.Sub(c.since) < headerPatience {
			continue
		}
		_ = c.Close()
		s.conns.Remove(at)
		delete(s.at, c.Conn)
		return true
	}
	return false
}

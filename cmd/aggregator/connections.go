package main

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

// shedder closes connections of callers that are of no use while many are open:
// idle ones, and those whose header does not come. So there is always room for
// one more: a server that is full answers 503, and health.
type shedder struct {
	many int // connections from which on it sheds

	mu       sync.Mutex
	sweeping bool       // sweep will come
	conns    *list.List // of *callerConn, the longest unchanged first
	at       map[net.Conn]*list.Element
}

// callerConn is one connection of a caller.
type callerConn struct {
	net.Conn
	serving bool // a request of it is being answered
	idle    bool // its last request is answered
	since   time.Time
}

// newShedder makes a shedder for a server that takes so many connections.
func newShedder(most int) *shedder {
	return &shedder{many: most * 3 / 4, conns: list.New(), at: map[net.Conn]*list.Element{}}
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

// set notes what a connection does from now on, and sheds one if there are many.
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
	if s.conns.Len() > s.many && !s.shed(now.since) && !s.sweeping {
		s.sweeping = true
		time.AfterFunc(headerPatience, s.sweep)
	}
}

// sweep sheds what is of no use by now, and comes again while there are many.
func (s *shedder) sweep() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.conns.Len() > s.many && s.shed(time.Now()) {
	}
	if s.sweeping = s.conns.Len() > s.many; s.sweeping {
		time.AfterFunc(headerPatience/2, s.sweep)
	}
}

// shed closes the connection that has been of no use for longest, if there is
// one. Callers hold the mutex.
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

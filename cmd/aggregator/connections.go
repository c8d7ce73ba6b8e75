package main

import (
	"net"
	"net/http"
	"sync"
)

// shedder closes idle connections of callers while many are open, so that there
// is always room for one more: a server that is full answers 503, and health.
type shedder struct {
	server *http.Server
	most   int // connections that may be open at once

	mu       sync.Mutex
	open     int
	shedding bool
}

// watch is the server's ConnState hook.
func (s *shedder) watch(_ net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch state {
	case http.StateNew:
		s.open++
	case http.StateClosed, http.StateHijacked:
		s.open--
	default:
		return
	}
	if shed := s.open > s.most*3/4; shed {
		s.shedding = true
		s.server.SetKeepAlivesEnabled(false) // and closes those that are idle
	} else if s.shedding && s.open < s.most/2 {
		s.shedding = false
		s.server.SetKeepAlivesEnabled(true)
	}
}

package testkit

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// Lists is a server of fake lists. It keeps every request it is asked, and is
// safe for concurrent use.
type Lists struct {
	Addr string // host and port

	name     func(*http.Request) string
	fallback http.HandlerFunc

	mu      sync.Mutex
	answers map[string]http.HandlerFunc
	log     []Asked
}

// Asked is a request that a fake list was sent.
type Asked struct {
	List   string
	Method string
	Host   string
	URI    string // path and query
	Body   string
	From   string // the peer's address
	Header http.Header
}

// NewLists starts a server of fake lists, which ends with the test. name says
// which list a request is for; nil means the first part of its path. A list
// that On has not been told of answers with fallback.
func NewLists(t testing.TB, name func(*http.Request) string, fallback http.HandlerFunc) *Lists {
	t.Helper()
	if name == nil {
		name = func(r *http.Request) string { return strings.Split(r.URL.Path, "/")[1] }
	}
	l := &Lists{name: name, fallback: fallback, answers: map[string]http.HandlerFunc{}}
	s := httptest.NewServer(l)
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	l.Addr = strings.TrimPrefix(s.URL, "http://")
	return l
}

// ServeHTTP implements http.Handler.
func (l *Lists) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	list := l.name(r)
	l.mu.Lock()
	l.log = append(l.log, Asked{list, r.Method, r.Host, r.URL.RequestURI(), string(body), r.RemoteAddr, r.Header.Clone()})
	answer := l.answers[list]
	l.mu.Unlock()
	if answer == nil {
		answer = l.fallback
	}
	answer(w, r)
}

// On makes a list answer with h; nil means the fallback.
func (l *Lists) On(list string, h http.HandlerFunc) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answers[list] = h
}

// Take returns the requests that the lists were sent, and forgets them.
func (l *Lists) Take() []Asked {
	l.mu.Lock()
	defer l.mu.Unlock()
	log := l.log
	l.log = nil
	return log
}

// Only returns the one request that the lists were sent, and forgets it. Any
// other number of requests fails the test.
func (l *Lists) Only(t testing.TB) Asked {
	t.Helper()
	all := l.Take()
	if len(all) != 1 {
		t.Fatalf("%d requests to lists, want 1: %+v", len(all), all)
	}
	return all[0]
}

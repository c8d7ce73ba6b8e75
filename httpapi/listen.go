package httpapi

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// NewHTTPServer returns a server of h that gives slow callers a deadline. What
// net/http says of callers goes to the log at debug.
func NewHTTPServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		WriteTimeout:      time.Minute, // a Server gives each answer its own
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

// Front is what callers connect to: a Server on HTTP, with their connections
// kept in bounds.
type Front struct {
	server *http.Server
	conns  *connections
}

// NewFront returns a Front of a Server, with at most maxConnections at a time.
// warnLow is told when nine tenths of them are open, or no descriptor is left.
func NewFront(s *Server, maxConnections int, warnLow func(reason string)) *Front {
	f := &Front{server: NewHTTPServer(s, s.Log), conns: newConnections(maxConnections, warnLow)}
	// HTTP/2 would carry many requests on one connection. Connections are kept in
	// bounds by what their one request is at: which is closed when room is needed,
	// or at the end, and by when a body must have come.
	f.server.Protocols = new(http.Protocols)
	f.server.Protocols.SetHTTP1(true)
	f.conns.attach(f.server)
	if s.Memory != nil {
		s.Memory.OnWait = f.conns.closeSlow
	}
	return f
}

// Serve serves on l until Stop is called. The error is never nil; it is
// http.ErrServerClosed after Stop.
func (f *Front) Serve(l net.Listener) error { return f.server.Serve(f.conns.listen(l)) }

// ServeTLS is Serve with TLS, 1.2 or newer. A handshake is made beside others, and
// has as long as a request's header has.
func (f *Front) ServeTLS(l net.Listener, pair *KeyPair) error {
	f.server.TLSConfig = pair.config()
	return f.server.ServeTLS(f.conns.listen(l), "", "")
}

// Stop takes no more connections, closes those on which nothing is under way,
// and waits for the others until ctx ends. Then it closes them too, and the
// error is the context's.
func (f *Front) Stop(ctx context.Context) error {
	stopped := make(chan error, 1)
	go func() { stopped <- f.server.Shutdown(ctx) }() // ends with ctx
	f.conns.stop()
	err := <-stopped
	if err != nil {
		err = errors.Join(err, f.server.Close())
	}
	return err
}

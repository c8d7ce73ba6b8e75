package httpapi

import (
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/net/netutil"
)

// NewHTTPServer returns a server of h that gives slow callers a deadline. What
// net/http says of callers goes to the log at debug.
func NewHTTPServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       20 * time.Second,
		WriteTimeout:      time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

// LimitConnections bounds the connections that a server has at a time, and lets
// it close those that are of no use before the bound is reached. It returns the
// listener to serve on.
func LimitConnections(server *http.Server, listener net.Listener, maxConnections int) net.Listener {
	newShedder(maxConnections).attach(server)
	return netutil.LimitListener(listener, maxConnections)
}

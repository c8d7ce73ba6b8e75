package httpapi

import (
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
)

// requestIDHeader carries a request's id in and out.
const requestIDHeader = "X-Request-Id"

// requestID returns the caller's id for a request if it sent one that may stand
// in a log, else a new one.
func requestID(r *http.Request) string {
	id := r.Header.Get(requestIDHeader)
	if id != "" && len(id) <= 64 && isPlainID(id) {
		return id
	}
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

func isPlainID(id string) bool {
	for _, c := range []byte(id) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return true
}

// watched begins an exchange, and logs and counts it when it is answered. It
// tells nothing of the body, the query or the headers, where tokens are.
func (s *Server) watched(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		start := s.now()
		x := &exchange{id: requestID(c.Request()), ip: s.clientIP(c.Request())}
		c.Set(exchangeKey, x)
		setHeaders(c.Response().Header(), x.id)
		if s.Metrics != nil {
			s.Metrics.inFlight.Inc()
			defer s.Metrics.inFlight.Dec()
		}
		if err := next(c); err != nil {
			c.Error(err)
		}
		s.record(c, s.now().Sub(start))
		return nil
	}
}

// record logs and counts an exchange.
func (s *Server) record(c echo.Context, took time.Duration) {
	x, status, route, method := exchangeOf(c), c.Response().Status, c.Path(), c.Request().Method
	if !c.Response().Committed {
		status = statusGone
	}
	if _, known := s.policies[route]; !known {
		route = "unknown"
	}
	if !knownMethods[method] {
		method = "other"
	}
	if s.Metrics != nil {
		s.Metrics.answered(route, method, status, took)
	}
	level := slog.LevelInfo
	if status == http.StatusInternalServerError {
		level = slog.LevelError
	}
	s.Log.LogAttrs(c.Request().Context(), level, "request",
		slog.String("id", x.id), slog.String("method", method), slog.String("route", route),
		slog.Int("status", status), slog.Duration("took", took), slog.String("ip", x.ip.String()))
}

// statusGone stands for a request whose caller left before its answer.
const statusGone = 499

var knownMethods = map[string]bool{
	http.MethodGet: true, http.MethodHead: true, http.MethodPost: true, http.MethodPut: true,
	http.MethodPatch: true, http.MethodDelete: true, http.MethodOptions: true,
}

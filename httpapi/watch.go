package httpapi

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"aggregator/aggregate"
	"aggregator/lists"
	"aggregator/shares"
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
		x := s.begin(c)
		defer x.holder.Close()
		commonHeaders.set(c.Response().Header())
		c.Response().Header()[requestIDHeader] = []string{x.id}
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

// begin makes the exchange of a request, which goes along with its context.
func (s *Server) begin(c echo.Context) *exchange {
	r := c.Request()
	x := &exchange{id: requestID(r), ip: s.clientIP(r), scheme: s.scheme(r)}
	x.network = s.networkOf(r, x.ip)
	if s.policy(c) != "" {
		s.noteMissingHeader(r)
	}
	ctx := r.Context()
	x.conn, _ = ctx.Value(connKey{}).(*callerConn)
	ctx, x.holder = shares.NewHolder(ctx, x.network.Addr())
	c.SetRequest(r.WithContext(context.WithValue(ctx, exchangeKey{}, x)))
	c.Response().Writer = newAnswerWriter(c.Response().Writer, func() {
		x.place.Release()
		x.conn.enter(phaseAnswer)
	})
	return x
}

// record logs and counts an exchange.
func (s *Server) record(c echo.Context, took time.Duration) {
	x, status, route, method := exchangeOf(c), c.Response().Status, c.Path(), c.Request().Method
	if !c.Response().Committed {
		status = statusGone
	}
	if !s.paths[route] {
		route = "unknown"
	}
	if !knownMethods[method] {
		method = "other"
	}
	if s.Metrics != nil {
		s.Metrics.answered(route, method, status, took)
	}
	ctx, level := c.Request().Context(), logLevel(route, status)
	if !s.Log.Enabled(ctx, level) {
		return
	}
	line := slog.NewRecord(s.now(), level, "request", 0) // Log would look up where in the program this is
	line.AddAttrs(
		slog.String("id", x.id), slog.String("method", method), slog.String("route", route), slog.Int("status", status),
		slog.Float64("took_ms", milliseconds(took)), slog.String("ip", x.ip.String()),
	)
	if x.bot != "" {
		line.AddAttrs(slog.String("bot", x.bot))
	}
	if t := x.totals; t != nil {
		line.AddAttrs(slog.Int("ok", t.ok), slog.Int("failed", t.failed), slog.Int("skipped", t.skipped))
	}
	_ = s.Log.Handler().Handle(ctx, line) // nobody is left to hear that the log is full
}

// logLevel returns the level at which a request is logged: those of machines
// that ask again and again are of no interest unless one fails.
func logLevel(route string, status int) slog.Level {
	switch {
	case status == http.StatusInternalServerError:
		return slog.LevelError
	case route == healthPath, route == metricsPath:
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

// milliseconds returns a duration in ms, to the microsecond.
func milliseconds(d time.Duration) float64 { return float64(d.Round(time.Microsecond)) / 1e6 }

// LogCall logs what became of a call to a list, at debug, under the id of the
// request that ctx belongs to.
func LogCall(ctx context.Context, log *slog.Logger, o aggregate.Outcome) {
	if o.Status == 0 || !log.Enabled(ctx, slog.LevelDebug) { // held back, or of no interest
		return
	}
	id := ""
	if x := exchangeIn(ctx); x != nil {
		id = x.id
	}
	became := slog.Int("status", o.Status)
	if o.Status == lists.NoAnswer {
		became = slog.String("fault", string(o.Fault))
	}
	log.LogAttrs(ctx, slog.LevelDebug, "call", slog.String("id", id), slog.String("list", o.List),
		slog.String("direction", o.Op.Direction), became, slog.Float64("ms", milliseconds(o.Took)))
}

// statusGone stands for a request whose caller left before its answer.
const statusGone = 499

var knownMethods = map[string]bool{
	http.MethodGet: true, http.MethodHead: true, http.MethodPost: true, http.MethodPut: true,
	http.MethodPatch: true, http.MethodDelete: true, http.MethodOptions: true,
}

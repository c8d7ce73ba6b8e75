// Package httpapi takes requests in and gives answers out. It decides nothing
// about lists; aggregate does.
package httpapi

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"

	"aggregator/aggregate"
	"aggregator/catalog"
)

// MaxBody is the most bytes a request body may hold.
const MaxBody = 256 << 10

// Config is what a Server works with.
type Config struct {
	Aggregator     *aggregate.Aggregator
	Catalog        *catalog.Live
	TrustedProxies []netip.Prefix // peers whose client address header counts
	ClientIPHeader string         // the header that trusted proxies set
	Log            *slog.Logger
	Status         Status       // what other rooms say of themselves
	Metrics        *Metrics     // nil: nothing is counted
	MetricsHandler http.Handler // answers /metrics; nil: nothing does
	MaxRequests    int64        // answered at a time, beside /api/health; 0: no bound
}

// Server answers the HTTP API. It is safe for concurrent use.
type Server struct {
	Config
	router   *echo.Echo
	static   staticCache
	known    map[string]bool // paths of the route table
	arriving atomic.Int64    // requests whose body is being read
	busy     atomic.Int64    // requests being answered
	stopping atomic.Bool
	now      func() time.Time
	started  time.Time
}

// New makes a Server.
func New(c Config) *Server {
	s := &Server{Config: c, router: echo.New(), known: map[string]bool{}, now: time.Now, started: time.Now()}
	s.router.IPExtractor = s.clientIP
	s.router.HTTPErrorHandler = s.answerError
	s.router.Use(s.watched)
	for _, r := range s.routes() {
		s.known[r.path] = true
		s.router.Add(r.method, r.path, r.handler)
		if r.method == http.MethodGet {
			s.router.Add(http.MethodHead, r.path, r.handler)
		}
	}
	return s
}

type route struct {
	method, path string
	handler      echo.HandlerFunc
}

// routes is the API. GET routes answer HEAD too.
func (s *Server) routes() []route {
	all := []route{
		{http.MethodPost, "/api/count", s.count},
		{http.MethodGet, "/api/bots/:id", s.bot},
		{http.MethodPost, "/api/bots/:id/lookup", s.lookup},
		{http.MethodGet, "/api/lists", s.lists},
		{http.MethodGet, "/api/lists/:id", s.list},
		{http.MethodGet, "/api/legacy-ids", s.legacyIDs},
		{http.MethodGet, "/api/health", s.health},
		{http.MethodGet, "/api/docs", redirect("/docs")},
		{http.MethodGet, "/api/docs/libs", redirect("/docs/libraries")},
	}
	if s.MetricsHandler != nil {
		all = append(all, route{http.MethodGet, "/metrics", echo.WrapHandler(s.MetricsHandler)})
	}
	return all
}

// routed mends two ways of the router: it answers OPTIONS itself, and lets a
// parameter at the end of a path hold slashes.
func routed(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if c.Request().Method == http.MethodOptions && c.Get(echo.ContextKeyHeaderAllow) != nil {
			return echo.ErrMethodNotAllowed
		}
		for _, value := range c.ParamValues() {
			if strings.Contains(value, "/") {
				return echo.ErrNotFound
			}
		}
		return next(c)
	}
}

// arrivingPerBusy is how many requests may be arriving for each that may be
// answered: these wait for their callers, and cost little.
const arrivingPerBusy = 8

func (s *Server) isFull(now, most int64) bool { return most > 0 && now > most }

// refuse answers a request that does not come to its route.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	c := s.router.NewContext(r, w)
	if errors.Is(err, aggregate.ErrBusy) {
		w.Header().Set("Connection", "close")
	}
	s.answerError(err, c)
	s.watch(c, 0)
}

// StopServing makes the server answer 503 from now on, so that balancers look
// elsewhere while requests in flight are answered.
func (s *Server) StopServing() { s.stopping.Store(true) }

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r = oneSpelling(r)
	setHeaders(w.Header(), r)
	health := r.URL.Path == "/api/health"
	arriving := s.arriving.Add(1)
	if s.isFull(arriving, arrivingPerBusy*s.MaxRequests) && !health {
		s.arriving.Add(-1)
		s.refuse(w, r, aggregate.ErrBusy)
		return
	}
	// The body comes first: until it is read, a caller's hang-up goes unnoticed,
	// and one that comes slowly must not take the place of those that have come.
	r.Body = http.MaxBytesReader(w, r.Body, MaxBody)
	body, err := readBody(r)
	s.arriving.Add(-1)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	busy := s.busy.Add(1)
	defer s.busy.Add(-1)
	if (s.isFull(busy, s.MaxRequests) || s.stopping.Load()) && !health {
		s.refuse(w, r, aggregate.ErrBusy)
		return
	}
	if isPreflight(r) {
		s.answerPreflight(w, r)
		return
	}
	s.router.ServeHTTP(w, r)
}

// setHeaders sets what every answer carries: reading is open to any page.
func setHeaders(h http.Header, r *http.Request) {
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Expose-Headers", exposedHeaders)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set(requestIDHeader, requestID(r))
}

// isPreflight tells whether a browser asks if a page may send a request.
func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != ""
}

func (s *Server) answerPreflight(w http.ResponseWriter, r *http.Request) {
	c := s.router.NewContext(r, w)
	defer s.watch(c, 0)
	h := w.Header()
	h.Set("Access-Control-Allow-Methods", "GET, HEAD")
	if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" {
		h.Set("Access-Control-Allow-Headers", asked)
	}
	h.Set("Access-Control-Max-Age", "86400")
	c.Response().WriteHeader(http.StatusNoContent)
}

// oneSpelling gives each resource one path: without its trailing slash, and
// unescaped, unless an escaped slash would then be read as one that parts.
func oneSpelling(r *http.Request) *http.Request {
	u := *r.URL
	if !strings.Contains(strings.ToLower(u.RawPath), "%2f") {
		u.RawPath = ""
	}
	if len(u.Path) > 1 {
		u.Path = strings.TrimSuffix(u.Path, "/")
		u.RawPath = strings.TrimSuffix(u.RawPath, "/")
	}
	same := *r
	same.URL = &u
	return &same
}

func redirect(to string) echo.HandlerFunc {
	return func(c echo.Context) error { return c.Redirect(http.StatusFound, to) }
}

// answerJSON sends JSON.
func answerJSON(c echo.Context, status int, body []byte) error {
	h := c.Response().Header()
	h.Set("Content-Type", "application/json")
	c.Response().WriteHeader(status)
	_, err := c.Response().Write(body)
	return err
}

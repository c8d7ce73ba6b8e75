// Package httpapi takes requests in and gives answers out: the routes, what
// bodies and answers look like, and how connections of callers are kept in
// bounds. What to ask a list is decided by aggregate.
package httpapi

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"

	"aggregator/agent"
	"aggregator/aggregate"
	"aggregator/catalog"
	"aggregator/health"
	"aggregator/ratelimit"
	"aggregator/shares"
)

// Config is what a Server works with.
type Config struct {
	Aggregator     *aggregate.Aggregator
	Catalog        *catalog.Live
	TrustedProxies []netip.Prefix // peers whose client address header is believed
	ClientIPHeader string         // the header that trusted proxies set
	Log            *slog.Logger
	Build          Build
	Status         Status             // what other packages report about themselves
	Metrics        *Metrics           // nil: nothing is counted
	MetricsHandler http.Handler       // serves /metrics; nil: there is no such route
	Requests       *shares.Semaphore  // places of requests that are worked on; nil: no bound
	Memory         *shares.Semaphore  // bytes that requests hold; nil: no bound
	NetworkLimit   *ratelimit.Limiter // of the requests of one network; nil: off
	Health         *health.Recorder   // how lists are; nil: nothing is recorded, and nothing told
	Agent          *agent.Agent       // of the operator's own bots; nil: there are none
	OpenAPI        OpenAPI            // describes the API; the zero value: nothing does
	Pages          http.Handler       // answers what is outside the API; nil: nothing does
	BasePath       string             // before every path, such as "/botlists"; "" for none
	KeyLimit       *ratelimit.Limiter // of wrong keys for a bot that a network shows, see WrongKeys; nil: off
	BadgeLimit     *ratelimit.Limiter // of badges of bots that were never asked about, see NewBadges; nil: off
	Votes          *Votes             // takes votes in and passes them on; nil: nobody does
}

// Server answers the HTTP API. It is safe for concurrent use.
type Server struct {
	Config
	router   *echo.Echo
	pages    *echo.Echo // nil: there are none
	static   staticCache
	status   statusCache
	paths    map[string]bool      // of the route table
	policies map[string]string    // by method and path of the route table; "" for a route without a limit
	bodies   map[string]bodyLimit // by path, where it is another one than MaxBody
	streams  *streams
	busy     atomic.Int64 // requests being answered
	draining atomic.Bool  // health fails
	stopping atomic.Bool  // everything does
	ignored  ignoredHeaders
	unnamed  sync.Once // an operation came over a socket without ClientIPHeader
	now      func() time.Time
	started  time.Time
}

// New returns a Server.
func New(c Config) *Server {
	s := &Server{
		Config: c, paths: map[string]bool{}, policies: map[string]string{},
		bodies:  map[string]bodyLimit{hookPath: hookBody, commandsPath: commandsBody},
		streams: newStreams(), now: time.Now, started: time.Now(),
	}
	s.router = s.newRouter(routed)
	for _, r := range s.routes() {
		s.paths[r.path], s.policies[r.method+r.path] = true, r.policy
		s.router.Add(r.method, r.path, r.handler)
		if r.method == http.MethodGet {
			s.router.Add(http.MethodHead, r.path, r.handler)
		}
	}
	if c.Pages != nil {
		s.pages = s.newRouter(anyPath)
		s.paths[pagesRoute], s.paths[lookupRoute] = true, true
		s.policies[http.MethodGet+lookupRoute] = botsPolicy
		s.pages.Any(pagesRoute, s.page)
		s.pages.GET(lookupRoute, s.page)
		if faults, ok := c.Pages.(faultPages); ok {
			s.pages.HTTPErrorHandler = func(err error, c echo.Context) { s.answerPageError(faults, err, c) }
		}
	}
	return s
}

// newRouter returns a router without routes. What each request goes through, up
// to the handler of its route, ends with last.
func (s *Server) newRouter(last echo.MiddlewareFunc) *echo.Echo {
	router := echo.New()
	router.IPExtractor = echo.ExtractIPDirect() // clientIP decides; echo's default would believe anyone's header
	router.HTTPErrorHandler = s.answerError
	handled := func(c echo.Context) error { return c.Handler()(c) }
	way := s.watched(guarded(s.counted(s.received(s.hastened(s.admitted(preflight(last(handled))))))))
	router.Use(func(echo.HandlerFunc) echo.HandlerFunc { return way }) // echo would put it together for each request
	return router
}

// FailHealth makes /api/health say 503 from now on, so that balancers look
// elsewhere. All else goes on.
func (s *Server) FailHealth() { s.draining.Store(true) }

// StopServing makes the server answer 503 from now on, while requests in flight
// are answered.
func (s *Server) StopServing() {
	s.FailHealth()
	s.stopping.Store(true)
	s.streams.stop()
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r = oneSpelling(r)
	if !s.belowBase(r) {
		http.NotFound(w, r)
		return
	}
	if s.pages != nil && !isOfAPI(r.URL.Path) {
		s.pages.ServeHTTP(w, r)
		return
	}
	s.router.ServeHTTP(w, r)
}

// exchange is one request, with what the steps of its way find out about it.
type exchange struct {
	id      string
	ip      netip.Addr
	scheme  string       // by which the caller came: "http" or "https"
	network netip.Prefix // whose shares are used
	conn    *callerConn  // nil: it came through no listener of ours
	holder  *shares.Holder
	place   *shares.Grant // nil: none is held
	waited  time.Duration // for memory, while the body came
	body    []byte        // whole, once received
	bot     string        // of an operation: the bot that it is about
	refund  func()        // gives back what the request took of its network's requests; nil: nothing
	totals  *totals
}

// totals are how many lists of an operation came to what.
type totals struct{ ok, failed, skipped int }

// exchangeKey is the key of a request's exchange in its context.
type exchangeKey struct{}

// exchangeIn returns the exchange that a context belongs to; nil if there is none.
func exchangeIn(ctx context.Context) *exchange {
	x, _ := ctx.Value(exchangeKey{}).(*exchange)
	return x
}

// exchangeOf returns the exchange that watched has begun.
func exchangeOf(c echo.Context) *exchange { return exchangeIn(c.Request().Context()) }

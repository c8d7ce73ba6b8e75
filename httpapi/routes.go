package httpapi

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"
)

const (
	healthPath  = "/api/health"
	metricsPath = "/metrics"
)

type route struct {
	method, path string
	policy       string // the name of its rate limit; "" for none
	handler      echo.HandlerFunc
}

// Names of the rate limits and of their windows, as the RateLimit headers tell
// them.
const (
	countPolicy   = "count"
	botsPolicy    = "bots"
	shardsPolicy  = "shards"  // of reports, which count for no other limit
	networkPolicy = "network" // of all requests of one network together
	keysPolicy    = "keys"    // of wrong keys
)

// routes returns the route table of the API. GET routes answer HEAD too.
func (s *Server) routes() []route {
	all := []route{
		{http.MethodPost, "/api/count", countPolicy, s.count},
		{http.MethodPost, "/api/shards", shardsPolicy, s.shards},
		{http.MethodGet, "/api/bots/:id", botsPolicy, s.bot},
		{http.MethodPost, "/api/bots/:id/lookup", botsPolicy, s.lookup},
		{http.MethodGet, "/api/lists", "", s.lists},
		{http.MethodGet, "/api/lists/:id", "", s.list},
		{http.MethodGet, "/api/legacy-ids", "", s.legacyIDs},
		{http.MethodGet, healthPath, "", s.health},
		{http.MethodGet, "/api/docs", "", redirect("/docs")},
		{http.MethodGet, "/api/docs/libs", "", redirect("/docs/libraries")},
	}
	if s.Agent != nil {
		all = append(all, route{http.MethodGet, "/api/bots/:id/posts", "", s.posts})
	}
	if s.MetricsHandler != nil {
		all = append(all, route{http.MethodGet, metricsPath, "", echo.WrapHandler(s.MetricsHandler)})
	}
	return all
}

func redirect(to string) echo.HandlerFunc {
	return func(c echo.Context) error { return c.Redirect(http.StatusFound, to) }
}

// routed corrects two habits of the router: it answers OPTIONS itself, and
// lets a parameter at the end of a path contain slashes.
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

// oneSpelling returns r with the one path that its resource has: without a
// trailing slash, and unescaped, unless an escaped slash would then be read as
// a separator.
func oneSpelling(r *http.Request) *http.Request {
	if r.URL.RawPath == "" && (len(r.URL.Path) <= 1 || !strings.HasSuffix(r.URL.Path, "/")) {
		return r
	}
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

// pathID returns the parameter :id of the path, unescaped.
func pathID(c echo.Context) string {
	v := c.Param("id")
	if c.Request().URL.RawPath == "" {
		return v
	}
	if unescaped, err := url.PathUnescape(v); err == nil {
		return unescaped
	}
	return v
}

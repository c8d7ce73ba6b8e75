package httpapi

import (
	"cmp"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/labstack/echo/v4"
)

const (
	healthPath  = "/api/health"
	metricsPath = "/metrics"
	openAPIPath = "/api/openapi.yaml"
	pagesRoute  = "/*" // of all pages together but:
	lookupRoute = "/bots/:id"
	votesPath   = "/api/bots/:id/votes/:user"
)

// OpenAPI is the description of the API, in both its forms.
type OpenAPI struct{ YAML, JSON []byte }

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
	votesPolicy   = "votes"
	shardsPolicy  = "shards"     // of reports, which count for no other limit
	networkPolicy = "network"    // of all requests of one network together
	keysPolicy    = "keys"       // of wrong keys
	badgesPolicy  = "new_badges" // of badges of bots that were never asked about
)

// routes returns the route table of the API. GET routes answer HEAD too.
func (s *Server) routes() []route {
	all := []route{
		{http.MethodPost, "/api/count", countPolicy, s.count},
		{http.MethodPost, "/api/shards", shardsPolicy, s.shards},
		{http.MethodGet, "/api/bots/:id", botsPolicy, s.bot},
		{http.MethodPost, "/api/bots/:id/lookup", botsPolicy, s.lookup},
		{http.MethodGet, "/api/bots/:id/badge.svg", "", s.badge},
		{http.MethodPost, votesPath, votesPolicy, s.votes},
		{http.MethodGet, "/api/lists", "", s.lists},
		{http.MethodGet, "/api/lists/:id", "", s.list},
		{http.MethodGet, "/api/legacy-ids", "", s.legacyIDs},
		{http.MethodGet, healthPath, "", s.health},
		{http.MethodGet, "/api/docs", "", s.docs("/docs")},
		{http.MethodGet, "/api/docs/libs", "", s.docs("/docs/libraries")},
	}
	for _, r := range reportRoutes {
		all = append(all, route{r.method, r.path, r.kind.Op.Name, s.report(r.kind)})
	}
	if s.OpenAPI.YAML != nil {
		all = append(all,
			route{http.MethodGet, openAPIPath, "", kept("application/yaml", s.OpenAPI.YAML)},
			route{http.MethodGet, "/api/openapi.json", "", kept("application/json", s.OpenAPI.JSON)})
	}
	if s.Health != nil {
		all = append(all, route{http.MethodGet, "/api/status", "", s.listsStatus}, route{http.MethodGet, "/api/lists/:id/health", "", s.listHealth})
	}
	if s.Agent != nil {
		all = append(all, route{http.MethodGet, "/api/bots/:id/posts", "", s.posts}, route{http.MethodGet, votesPath, votesPolicy, s.ownVotes})
	}
	if s.MetricsHandler != nil {
		all = append(all, route{http.MethodGet, metricsPath, "", echo.WrapHandler(s.MetricsHandler)})
	}
	if s.Votes != nil {
		all = append(all, s.voteRoutes()...)
	}
	return all
}

// policy returns the name of the rate limit of a request's route; "" for none.
func (s *Server) policy(c echo.Context) string {
	method := c.Request().Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	return s.policies[method+c.Path()]
}

// docs leads to a page for people, and where there are no pages, to the
// description of the API.
func (s *Server) docs(page string) echo.HandlerFunc {
	if s.Pages == nil {
		page = openAPIPath
	}
	return func(c echo.Context) error { return c.Redirect(http.StatusFound, s.BasePath+page) }
}

// kept answers with a body that never changes. It is compressed when the first
// caller asks for it.
func kept(kind string, body []byte) echo.HandlerFunc {
	all := sync.OnceValue(func() static { return newStaticOf(kind, body) })
	return func(c echo.Context) error { return answerKept(c, all()) }
}

// apiPaths are what the API answers, and pages do not.
var apiPaths = []string{"/api", "/hooks", metricsPath}

// isOfAPI reports whether the API answers a path.
func isOfAPI(path string) bool {
	for _, p := range apiPaths {
		if rest, ok := strings.CutPrefix(path, p); ok && (rest == "" || rest[0] == '/') {
			return true
		}
	}
	return false
}

// belowBase reports whether a request, in one spelling, is for a path below the
// base path, which it cuts off.
func (s *Server) belowBase(r *http.Request) bool {
	if s.BasePath == "" {
		return true
	}
	rest, ok := strings.CutPrefix(r.URL.Path, s.BasePath)
	if !ok || rest != "" && rest[0] != '/' {
		return false
	}
	r.URL.Path = cmp.Or(rest, "/")
	r.URL.RawPath = strings.TrimPrefix(r.URL.RawPath, s.BasePath)
	return true
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

// anyPath is for a router to which every path is the same.
func anyPath(next echo.HandlerFunc) echo.HandlerFunc { return next }

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
func pathID(c echo.Context) string { return pathParam(c, "id") }

// pathParam returns a parameter of the path, unescaped.
func pathParam(c echo.Context, name string) string {
	v := c.Param(name)
	if c.Request().URL.RawPath == "" {
		return v
	}
	if unescaped, err := url.PathUnescape(v); err == nil {
		return unescaped
	}
	return v
}

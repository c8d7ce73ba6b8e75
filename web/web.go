// Package web serves the pages for people: what the lists are, what they are
// sent, how they do. Pages take the same way as requests of the API, through
// package aggregate, and are made from memory: they ask no other host, set no
// cookie, and can be read without JavaScript.
package web

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"aggregator/aggregate"
	"aggregator/catalog"
	"aggregator/health"
	"aggregator/lists"
)

// Config is what a Site works with.
type Config struct {
	Catalog *catalog.Live
	// Aggregator reads bots; nil: none can be looked up.
	Aggregator *aggregate.Aggregator
	// Caller returns who sends a request. It is needed beside an Aggregator.
	Caller func(*http.Request) aggregate.Caller
	// Scheme returns by which a request came, "http" or "https"; nil: by that of
	// its own connection.
	Scheme func(*http.Request) string
	// Counts returns how many servers a bot was on over time, the oldest point
	// first; nil: that is not known.
	Counts    func(ctx context.Context, botID string) ([]CountPoint, error)
	Health    Health // nil: no list was ever asked
	OwnBots   bool   // the service works for bots of its operator
	OpenAPI   []byte // the description of the API, as JSON; nil: its reference is no page
	Guides    fs.FS  // README.md and docs, in Markdown; nil: they are no pages
	BasePath  string // before every path, such as "/botlists"; "" for none
	PublicURL string // where the service is reached from outside, without a slash at its end; "" if that is not known
	Version   string
	UserAgent string // under which icons are fetched
	// Fetch gets a picture, as [fanout.Client.Exchange] does; nil: none is
	// fetched, and each list has its letter.
	Fetch func(context.Context, lists.Op, lists.Request) lists.Answer
	Log   *slog.Logger
	Now   func() time.Time // time.Now when nil
}

// Site serves the pages. It is safe for concurrent use.
type Site struct {
	Config
	build func() // makes what follows, once

	mux       *http.ServeMux
	templates *template.Template
	assets    assets

	packs packs
	icons *icons
	all   *howLists
}

// New returns a Site. Its templates, assets and routes are made when the first
// page is asked for, for a service that is asked for none shall not hold them in
// memory.
func New(c Config) *Site {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Health == nil {
		c.Health = health.New(health.Config{Now: c.Now})
	}
	s := &Site{Config: c, icons: newIcons(c), all: &howLists{health: c.Health, now: c.Now}}
	s.build = sync.OnceFunc(s.prepare)
	return s
}

// prepare makes what pages are made with. It panics where a template is broken,
// which tests see.
func (s *Site) prepare() {
	s.mux, s.assets = http.NewServeMux(), loadAssets(s.BasePath)
	s.templates = s.loadTemplates()
	s.handle("/{$}", s.home)
	s.handle("/lists", s.listIndex(living))
	s.handle("/lists/defunct", s.listIndex(defunct))
	s.handle("/lists/hidden", s.listIndex(hidden))
	s.handle("/lists/{id}", s.list)
	s.handle("/status", s.status)
	s.handle("/icons/{id}", s.icon)
	s.handle("/bots", s.bots)
	s.handle("/bots/{id}", s.bot)
	s.handle("/robots.txt", s.robots)
	s.handle("/own", s.own)
	s.handle("/features", s.features)
	s.handle("/features/{id}", s.feature)
	s.handleDocs()
	s.mux.Handle("GET "+assetsPath+"{name}", s.assets)
}

// handler makes the answer to a request. An error becomes a page that says so.
type handler func(http.ResponseWriter, *http.Request) error

// errNotFound is returned by handlers for what is not there.
var errNotFound = errors.New("not found")

// handle serves GET and HEAD of a path.
func (s *Site) handle(pattern string, h handler) {
	s.mux.HandleFunc("GET "+pattern, func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			s.fail(w, r, err)
		}
	})
}

// policy is the Content-Security-Policy of every page: nothing but what the
// service itself serves.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// ServeHTTP implements http.Handler. Paths come without the base path.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.build()
	secure(w.Header())
	if _, pattern := s.mux.Handler(r); pattern == "" {
		s.unrouted(w, r)
		return
	}
	s.mux.ServeHTTP(w, r)
}

// secure sets the headers of every page.
func secure(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Del("Access-Control-Allow-Origin") // pages are for people, not for other pages
	h.Del("Access-Control-Expose-Headers")
}

// Fault answers a request that did not come as far as a page: too many came, the
// service is busy, or failed.
func (s *Site) Fault(w http.ResponseWriter, r *http.Request, status int) {
	s.build()
	secure(w.Header())
	title, text := "This page could not be made", "The fault is ours, and has been logged."
	switch status {
	case http.StatusTooManyRequests:
		title, text = "Too many requests", "So many pages were asked for from your network that the service takes a rest from it. Reload the page in a minute."
	case http.StatusServiceUnavailable:
		title, text = "The service is busy", "Reload the page in a few seconds."
	}
	s.message(w, r, status, title, text)
}

// unrouted answers what no page is at.
func (s *Site) unrouted(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		get := r.Clone(r.Context())
		get.Method = http.MethodGet
		if _, pattern := s.mux.Handler(get); pattern != "" {
			w.Header().Set("Allow", "GET, HEAD")
			s.message(w, r, http.StatusMethodNotAllowed, "This page can only be read", "It takes no "+r.Method+" requests.")
			return
		}
	}
	s.fail(w, r, errNotFound)
}

// fail answers with a page that says what went wrong.
func (s *Site) fail(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case errors.Is(err, errNotFound):
		s.message(w, r, http.StatusNotFound, "There is no such page", "Nothing is at this address. Perhaps it was mistyped, or the list has another id by now.")
	case r.Context().Err() != nil: // nobody reads it
	default:
		s.Log.Error("page failed", "path", r.URL.Path, "error", err)
		s.message(w, r, http.StatusInternalServerError, "This page could not be made", "The fault is ours, and has been logged.")
	}
}

// messageBody is the body of a page that only says something.
type messageBody struct{ Text string }

func (s *Site) message(w http.ResponseWriter, r *http.Request, status int, title, text string) {
	w.Header().Set("Cache-Control", "no-store")
	if err := s.render(w, r, status, "message", view{Title: title, NoIndex: true, Body: messageBody{text}}); err != nil {
		http.Error(w, title, status)
	}
}

// path returns the address of a page below the base path.
func (s *Site) path(p string) string { return s.BasePath + p }

// redirect leads to another page for good.
func (s *Site) redirect(w http.ResponseWriter, r *http.Request, path string) {
	if r.URL.RawQuery != "" {
		path += "?" + r.URL.RawQuery
	}
	w.Header().Set("Location", s.path(path))
	w.WriteHeader(http.StatusMovedPermanently)
}

// CheckBasePath returns an error for what is no base path.
func CheckBasePath(p string) error {
	if p == "" {
		return nil
	}
	if !strings.HasPrefix(p, "/") || strings.HasSuffix(p, "/") || strings.Contains(p, "//") || strings.ContainsFunc(p, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-._~/", r)
	}) {
		return fmt.Errorf("want a path such as /botlists, of letters, digits, -, ., _ and ~, without a slash at its end")
	}
	return nil
}

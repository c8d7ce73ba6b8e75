package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

//go:embed templates
var templateFiles embed.FS

// view is what a page shows.
type view struct {
	Title       string // before the name of the site; "" for the first page
	Description string // for link previews
	Nav         string // the part of the site that it is in, as in the navigation
	Twin        string // path of the same as JSON; "" if there is none
	AsOf        time.Time
	NoIndex     bool
	Body        any
}

// loadTemplates parses the templates. Each page defines one that begins with
// "page ", which fills the layout.
func (s *Site) loadTemplates() *template.Template {
	return template.Must(template.New("").Funcs(s.funcs()).ParseFS(templateFiles, "templates/*.html"))
}

// funcs are what templates may use.
func (s *Site) funcs() template.FuncMap {
	return template.FuncMap{
		"path":     s.path,
		"asset":    s.assets.url,
		"time":     s.timeTag,
		"clock":    clockTag,
		"percent":  percent,
		"took":     took,
		"calls":    func(n int64) string { return count(n, "call", "calls") },
		"sections": func() []section { return sections },
		"plural":   plural,
		"link":     link,
		"prose":    prose,
		"grouped":  grouped,
		"noun":     verb64,
		"day":      day,
		"version":  func() string { return s.Version },
		"host": func(raw string) string {
			u, err := url.Parse(raw)
			if err != nil {
				return raw
			}
			return strings.TrimPrefix(u.Host, "www.")
		},
	}
}

// section is a part of the site, as the navigation names it.
type section struct{ Key, Label, Path, About string }

var sections = []section{
	{"lists", "Lists", "/lists", "Every bot list: what it takes, what it is sent, how it does."},
	{"features", "Features", "/features", "Which list has which feature."},
	{"bots", "Bots", "/bots", "What the lists say about a bot."},
	{"status", "Status", "/status", "Which lists answer, how fast, and what was down."},
	{"docs", "Docs", "/docs", "The API, client libraries, votes, your own bots, how to add a list."},
}

// link returns a URL that a list or a catalog names, if it is one of the web; ""
// for any other.
func link(raw string) string {
	u, err := url.Parse(strings.TrimSpace(raw))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return ""
	}
	return u.String()
}

// timeTag returns how long ago a time was, with the exact one beside it.
func (s *Site) timeTag(t time.Time) template.HTML {
	if t.IsZero() {
		return "never"
	}
	exact := t.UTC().Format(time.RFC3339)
	return template.HTML(fmt.Sprintf(`<time datetime="%s" title="%s">%s</time>`, exact, t.UTC().Format("2006-01-02 15:04:05 UTC"), ago(s.Now().Sub(t)))) //nolint:gosec // made of a time alone
}

// clockTag returns a time by the clock: a page that says as of when it is true may
// stay open for long.
func clockTag(t time.Time) template.HTML {
	return template.HTML(fmt.Sprintf(`<time datetime="%s">%s</time>`, t.UTC().Format(time.RFC3339), t.UTC().Format("2 January 2006, 15:04:05 UTC"))) //nolint:gosec // made of a time alone
}

// ago returns a time that has passed, or is to come, in words.
func ago(d time.Duration) string {
	switch {
	case d.Abs() < time.Second:
		return "now"
	case d < 0:
		return "in " + span(-d)
	}
	return span(d) + " ago"
}

// span returns a time in words, in the unit that fits best, rounded down.
func span(d time.Duration) string {
	const day = 24 * time.Hour
	unit, words := time.Second, "second"
	switch {
	case d >= 2*365*day:
		unit, words = 365*day, "year"
	case d >= 60*day:
		unit, words = 30*day, "month"
	case d >= 2*day:
		unit, words = day, "day"
	case d >= time.Hour:
		unit, words = time.Hour, "hour"
	case d >= time.Minute:
		unit, words = time.Minute, "minute"
	}
	return count(int64(d/unit), words, words+"s")
}

// layout is what the layout shows around a view.
type layout struct {
	view
	Path      string // of the request, below the base path
	Canonical string // "" if where the service is reached from is not known
	Content   template.HTML
}

// execute makes the HTML of a view.
func (s *Site) execute(r *http.Request, name string, v view) ([]byte, error) {
	l := layout{view: v, Path: r.URL.Path}
	if s.PublicURL != "" && !v.NoIndex {
		l.Canonical = s.PublicURL + s.path(r.URL.Path)
	}
	content, err := s.fill("page "+name, l)
	if err != nil {
		return nil, err
	}
	l.Content = template.HTML(content) //nolint:gosec // what a template of ours has made
	return s.fill("layout.html", l)
}

// fill executes a template.
func (s *Site) fill(name string, value any) ([]byte, error) {
	var b bytes.Buffer
	if err := s.templates.ExecuteTemplate(&b, name, value); err != nil {
		return nil, fmt.Errorf("template %s: %w", name, err)
	}
	return b.Bytes(), nil
}

// render answers with a page.
func (s *Site) render(w http.ResponseWriter, r *http.Request, status int, name string, v view) error {
	body, err := s.execute(r, name, v)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-cache") // ask again, and hear 304
	}
	if status == http.StatusOK && isUnchanged(h, r, body) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	var packed []byte
	switch {
	case !takesGzip(r):
	case status == http.StatusOK && h.Get("Cache-Control") == "no-cache":
		packed = s.packs.get(h.Get("Etag"), body)
	default: // it is for one reader alone
		packed = pack(body)
	}
	writePacked(w, r, status, body, packed)
	return nil
}

// isUnchanged sets the ETag of a body, and reports whether the reader has it
// already.
func isUnchanged(h http.Header, r *http.Request, body []byte) bool {
	sum := sha256.Sum256(body)
	etag := `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
	h.Set("Etag", etag)
	for one := range strings.SplitSeq(r.Header.Get("If-None-Match"), ",") {
		if one = strings.TrimPrefix(strings.TrimSpace(one), "W/"); one == etag || one == "*" { // a proxy that compresses makes it weak
			return true
		}
	}
	return false
}

// writePacked answers with a body, compressed where there is such a form and the
// browser takes it.
func writePacked(w http.ResponseWriter, r *http.Request, status int, body, packed []byte) {
	h := w.Header()
	h.Set("Vary", "Accept-Encoding")
	if packed != nil && takesGzip(r) {
		h.Set("Content-Encoding", "gzip")
		body = packed
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // an error means that the reader has left
	}
}

// takesGzip reports whether a browser takes gzip.
func takesGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		coding, q, _ := strings.Cut(strings.ReplaceAll(part, " ", ""), ";")
		if strings.EqualFold(coding, "gzip") && q != "q=0" {
			return true
		}
	}
	return false
}

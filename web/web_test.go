package web

import (
	"compress/gzip"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	data "aggregator"
	"aggregator/catalog"
	"aggregator/strictyaml"
)

// newSite returns a site of the built-in catalog.
func newSite(t testing.TB, change func(*Config)) *Site {
	t.Helper()
	live, _, err := catalog.NewLive(func() (*catalog.Catalog, []string, error) {
		return catalog.Load(data.BuiltInLists(), data.BuiltInLegacyIDs())
	})
	if err != nil {
		t.Fatal(err)
	}
	openAPI, err := strictyaml.JSON(strictyaml.File{Name: "openapi.yaml", Data: data.OpenAPIYAML})
	if err != nil {
		t.Fatal(err)
	}
	config := Config{OpenAPI: openAPI, Guides: data.Guides, Catalog: live, Version: "v1", Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return time.Unix(1_800_000_000, 0) }}
	if change != nil {
		change(&config)
	}
	return New(config)
}

// get asks a site for a page.
func get(s http.Handler, method, path string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://lists.example"+path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// somePages returns a path of each kind of page.
func somePages(s *Site) []string {
	c := s.Catalog.Current()
	return []string{"/", "/lists", "/lists/defunct", "/lists/hidden", "/lists/" + c.Lists()[0].ID, "/features", "/features/" + c.Features()[0].ID, "/bots", "/status",
		"/docs", "/docs?lang=go", "/docs/libraries", "/docs/clients", "/docs/votes", "/docs/own-bots", "/docs/shards", "/docs/dialect", "/docs/why", "/docs/badge", "/docs/badge?id=123456789012345678"}
}

// TestPages holds what is true of every page.
func TestPages(t *testing.T) {
	s := newSite(t, nil)
	for _, path := range somePages(s) {
		w := get(s, http.MethodGet, path)
		body := w.Body.String()
		if w.Code != http.StatusOK {
			t.Errorf("%s: status %d, want 200", path, w.Code)
			continue
		}
		if got := w.Header().Get("Content-Type"); got != "text/html; charset=utf-8" {
			t.Errorf("%s: Content-Type %q", path, got)
		}
		if got := w.Header().Get("Content-Security-Policy"); got != policy {
			t.Errorf("%s: Content-Security-Policy %q", path, got)
		}
		if n := strings.Count(body, "<h1"); n != 1 {
			t.Errorf("%s: %d first headings, want 1", path, n)
		}
		if strings.Contains(body, ">as JSON</a>") && !strings.Contains(body, "As of <time") {
			t.Errorf("%s does not say as of when it is true", path)
		}
		for _, bad := range []string{" style=", "<style", "onclick=", "javascript:", "ZgotmplZ"} {
			if strings.Contains(body, bad) {
				t.Errorf("%s holds %q", path, bad)
			}
		}
		for _, m := range regexp.MustCompile(`(?:src|href)="([^"]*)"[^>]*>`).FindAllStringSubmatch(body, -1) {
			if strings.HasPrefix(m[0], "src") && !strings.HasPrefix(m[1], "/") {
				t.Errorf("%s loads %s from another host", path, m[1])
			}
			if strings.HasPrefix(m[1], "http") && !strings.Contains(m[0], `rel="nofollow noopener noreferrer"`) {
				t.Errorf("%s links to %s without rel", path, m[1])
			}
		}
		if head := get(s, http.MethodHead, path); head.Code != http.StatusOK || head.Body.Len() > 0 {
			t.Errorf("HEAD %s: status %d and %d bytes, want 200 and none", path, head.Code, head.Body.Len())
		}
		if again := get(s, http.MethodGet, path, "If-None-Match", w.Header().Get("Etag")); again.Code != http.StatusNotModified {
			t.Errorf("%s again: status %d, want 304", path, again.Code)
		}
	}
}

// TestPageSizes holds pages, stylesheet and script to what they may weigh.
func TestPageSizes(t *testing.T) {
	s := newSite(t, nil)
	bound := func(path string) int {
		switch path {
		case "/lists", "/features", "/docs", "/docs?lang=go":
			return 60 << 10
		}
		return 30 << 10
	}
	for _, path := range somePages(s) {
		w := get(s, http.MethodGet, path, "Accept-Encoding", "gzip")
		if got := w.Body.Len(); got > bound(path) {
			t.Errorf("%s weighs %d bytes compressed, want at most %d", path, got, bound(path))
		}
		plain, err := gzip.NewReader(w.Body)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if whole, err := io.ReadAll(plain); err != nil || !strings.HasSuffix(string(whole), "</html>\n") {
			t.Errorf("%s does not end: %v", path, err)
		}
	}
	for name, one := range s.assets.byName {
		if got := len(one.packed); got > 15<<10 {
			t.Errorf("%s weighs %d bytes compressed, want at most %d", name, got, 15<<10)
		}
	}
}

func TestUnknownPages(t *testing.T) {
	s := newSite(t, nil)
	for _, tt := range []struct {
		method, path string
		want         int
	}{
		{http.MethodGet, "/nothing", http.StatusNotFound},
		{http.MethodGet, "/lists/no.such.list", http.StatusNotFound},
		{http.MethodGet, "/features/none", http.StatusNotFound},
		{http.MethodGet, "/assets/site.css", http.StatusNotFound},
		{http.MethodPost, "/lists", http.StatusMethodNotAllowed},
		{http.MethodPost, "/nothing", http.StatusNotFound},
	} {
		if w := get(s, tt.method, tt.path); w.Code != tt.want {
			t.Errorf("%s %s: status %d, want %d", tt.method, tt.path, w.Code, tt.want)
		}
	}
}

// TestLegacyIDRedirects holds that a list is at one address.
func TestLegacyIDRedirects(t *testing.T) {
	s := newSite(t, func(c *Config) { c.BasePath = "/botlists" })
	for from := range s.Catalog.Current().LegacyIDs() {
		to, ok := s.Catalog.Current().List(from)
		if !ok || to.ID == from {
			continue
		}
		w := get(s, http.MethodGet, "/lists/"+from)
		if got, want := w.Header().Get("Location"), "/botlists/lists/"+to.ID; w.Code != http.StatusMovedPermanently || got != want {
			t.Errorf("%s: status %d to %q, want 301 to %q", from, w.Code, got, want)
		}
	}
}

func TestBasePath(t *testing.T) {
	s := newSite(t, func(c *Config) { c.BasePath = "/botlists" })
	for _, path := range somePages(s) {
		body := get(s, http.MethodGet, path).Body.String()
		for _, m := range regexp.MustCompile(`(?:src|href|action)="(/[^"]*)"`).FindAllStringSubmatch(body, -1) {
			if !strings.HasPrefix(m[1], "/botlists/") {
				t.Errorf("%s leads to %s, outside the base path", path, m[1])
			}
		}
	}
	for _, tt := range []struct {
		path string
		ok   bool
	}{{"", true}, {"/a", true}, {"/a/b-1", true}, {"a", false}, {"/a/", false}, {"/", false}, {"//a", false}, {"/a b", false}, {"/ä", false}} {
		if err := CheckBasePath(tt.path); (err == nil) != tt.ok {
			t.Errorf("CheckBasePath(%q) = %v, want ok %v", tt.path, err, tt.ok)
		}
	}
}

func TestAgo(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "now", time.Second: "1 second ago", 59 * time.Second: "59 seconds ago", 3 * time.Minute: "3 minutes ago", 47 * time.Hour: "47 hours ago",
		50 * time.Hour: "2 days ago", 100 * 24 * time.Hour: "3 months ago", 1000 * 24 * time.Hour: "2 years ago", -90 * time.Second: "in 1 minute",
	} {
		if got := ago(d); got != want {
			t.Errorf("ago(%v) = %q, want %q", d, got, want)
		}
	}
}

func BenchmarkPage(b *testing.B) {
	s := newSite(b, nil)
	for _, path := range somePages(s) {
		b.Run(path, func(b *testing.B) {
			for b.Loop() {
				get(s, http.MethodGet, path, "Accept-Encoding", "gzip")
			}
		})
	}
}

// TestFault holds that a page which cannot be made is a page too.
func TestFault(t *testing.T) {
	s := newSite(t, nil)
	for status, want := range map[int]string{429: "Too many requests", 503: "The service is busy", 500: "could not be made"} {
		w := httptest.NewRecorder()
		s.Fault(w, httptest.NewRequest(http.MethodGet, "/lists", nil), status)
		if w.Code != status || !strings.Contains(w.Body.String(), want) || w.Header().Get("Content-Security-Policy") != policy {
			t.Errorf("%d: got %d %v, want %q", status, w.Code, w.Header(), want)
		}
	}
}

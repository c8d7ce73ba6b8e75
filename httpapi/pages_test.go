package httpapi_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"aggregator/httpapi"
	"aggregator/internal/testkit"
	"aggregator/ratelimit"
	"aggregator/store"
)

// TestPagesBesideTheAPI holds which of the two answers what, with a base path and
// without.
func TestPagesBesideTheAPI(t *testing.T) {
	pages := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = fmt.Fprint(w, "page ", r.URL.Path) })
	for _, base := range []string{"", "/bot/lists"} {
		s := serve(t, store.NewMemory(store.MemoryOptions{}), testkit.Thanks, func(c *httpapi.Config) { c.Pages, c.BasePath = pages, base })
		for _, tt := range []struct {
			method, path string
			status       int
			body         string
		}{
			{http.MethodGet, "/", 200, "page /"},
			{http.MethodGet, "/lists/alpha.example", 200, "page /lists/alpha.example"},
			{http.MethodGet, "/lists/", 200, "page /lists"},
			{http.MethodGet, "/apis", 200, "page /apis"},
			{http.MethodGet, "/api/health", 200, "OK"},
			{http.MethodGet, "/api/nothing", 404, `{"error":true,"status":404,"message":"Not found"}`},
			{http.MethodGet, "/hooks/1", 404, `{"error":true,"status":404,"message":"Not found"}`},
			{http.MethodGet, "/api/count", 405, `{"error":true,"status":405,"message":"Method not allowed"}`},
		} {
			w := httptest.NewRecorder()
			s.api.ServeHTTP(w, httptest.NewRequest(tt.method, "http://example"+base+tt.path, nil))
			if body, _ := io.ReadAll(w.Body); w.Code != tt.status || string(body) != tt.body {
				t.Errorf("base %q: %s %s: got %d %s, want %d %s", base, tt.method, tt.path, w.Code, body, tt.status, tt.body)
			}
		}
		if base == "" {
			continue
		}
		for _, path := range []string{"/", "/api/health", base + "s/api/health"} {
			w := httptest.NewRecorder()
			s.api.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://example"+path, nil))
			if w.Code != http.StatusNotFound {
				t.Errorf("%s outside the base path: status %d, want 404", path, w.Code)
			}
		}
		w := httptest.NewRecorder()
		s.api.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://example"+base+"/api/docs", nil))
		if got, want := w.Header().Get("Location"), base+"/docs"; got != want {
			t.Errorf("/api/docs leads to %q, want %q", got, want)
		}
	}
}

// TestPagesKnowTheRequest holds what pages are told: the body, and the scheme,
// which a trusted proxy alone may say.
func TestPagesKnowTheRequest(t *testing.T) {
	pages := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = fmt.Fprintf(w, "%s %s", httpapi.SchemeOf(r), body)
	})
	for _, tt := range []struct {
		trusted bool
		proto   string
		want    string
	}{{false, "", "http x"}, {false, "https", "http x"}, {true, "https", "https x"}, {true, "HTTPS", "https x"}, {true, "gopher", "http x"}} {
		s := serve(t, store.NewMemory(store.MemoryOptions{}), testkit.Thanks, func(c *httpapi.Config) {
			if c.Pages = pages; tt.trusted {
				anyProxy(c)
			}
		})
		a := testkit.Send(t, http.MethodPost, s.base+"/page", "x", "X-Forwarded-Proto", tt.proto)
		if a.Body != tt.want {
			t.Errorf("%+v: got %q", tt, a.Body)
		}
	}
}

// faultingPages say why there is no page.
type faultingPages struct{ http.HandlerFunc }

func (faultingPages) Fault(w http.ResponseWriter, _ *http.Request, status int) {
	w.WriteHeader(status)
	_, _ = fmt.Fprint(w, "fault ", status)
}

// TestPageFaults holds that pages say themselves why there is none, and that
// lookups count for the requests of a network as those of the API do.
func TestPageFaults(t *testing.T) {
	t.Parallel()
	pages := faultingPages{func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/panics" {
			panic("on fire")
		}
		_, _ = fmt.Fprint(w, "page")
	}}
	st := store.NewMemory(store.MemoryOptions{})
	s := serve(t, st, testkit.Thanks, func(c *httpapi.Config) {
		c.Pages = pages
		c.NetworkLimit = ratelimit.New(st.Windows(), ratelimit.Rate{Limit: 2, Period: time.Minute}, store.NewHasher(st.Secret()))
	})
	for _, tt := range []struct {
		method, path, body string
		status             int
	}{
		{"GET", "/bots/" + botA, "page", 200},
		{"GET", "/lists", "page", 200},
		{"HEAD", "/bots/" + botA, "", 200},
		{"GET", "/bots/" + botA, "page", 200},
		{"GET", "/bots/" + botA, "fault 429", 429},
		{"GET", "/lists", "page", 200},
		{"GET", "/panics", "fault 500", 500},
	} {
		a := testkit.Send(t, tt.method, s.base+tt.path, "")
		if a.Status != tt.status || a.Body != tt.body {
			t.Errorf("%s %s: %d %s, want %d %s", tt.method, tt.path, a.Status, a.Body, tt.status, tt.body)
		}
		if after := a.Header.Get("Retry-After"); (after != "") != (a.Status == 429) {
			t.Errorf("%s %s: Retry-After %q", tt.method, tt.path, after)
		}
	}
	s.api.StopServing()
	if a := testkit.Send(t, "GET", s.base+"/lists", ""); a.Status != 503 || a.Body != "fault 503" || a.Header.Get("Retry-After") == "" {
		t.Errorf("at the end: %d %s, %v; want 503", a.Status, a.Body, a.Header)
	}
}

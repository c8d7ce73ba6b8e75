package httpapi_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"aggregator"
	"aggregator/catalog"
	"aggregator/httpapi"
	"aggregator/internal/testkit"
	"aggregator/ratelimit"
	"aggregator/sandbox"
)

// embed serves a sandbox of listsYAML by a handler over an Aggregator.
func embed(t *testing.T, o aggregator.Options, h httpapi.HandlerOptions) (*aggregator.Aggregator, http.Handler) {
	t.Helper()
	o.Lists = []catalog.File{{Name: "lists.yaml", Data: []byte(listsYAML)}}
	var box http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { box.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	base := &http.Transport{}
	t.Cleanup(base.CloseIdleConnections)
	o.Transport = sandbox.Transport(base, strings.TrimPrefix(server.URL, "http://"))
	a, err := aggregator.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	box = sandbox.New(a.Lists())
	return a, httpapi.NewHandler(a, h)
}

// asked is what a handler is asked.
type asked struct{ method, path, body, from, forwarded string }

func (q asked) of(h http.Handler) testkit.Answer {
	r := httptest.NewRequest(q.method, q.path, strings.NewReader(q.body))
	if q.from != "" {
		r.RemoteAddr = q.from + ":1"
	}
	if q.forwarded != "" {
		r.Header.Set("X-Forwarded-For", q.forwarded)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return testkit.Answer{Status: w.Code, Header: w.Header(), Body: w.Body.String()}
}

const aCount = `{"bot_id": "123456789012345678", "server_count": 5, "one.test": "x"}`

// TestNewHandler asks the API of an embedded Aggregator everything that it has.
func TestNewHandler(t *testing.T) {
	testkit.NoLeak(t)
	a, h := embed(t, aggregator.Options{}, httpapi.HandlerOptions{})
	for _, tt := range []struct {
		asked
		status int
		body   string // a part of it
	}{
		{asked{method: "POST", path: "/api/count", body: aCount}, 200, `"success":{"one.test":[200,`},
		{asked{method: "POST", path: "/api/count", body: aCount}, 200, `"success":{"one.test":[200,`}, // no limit of ours
		{asked{method: "POST", path: "/api/count", body: `{}`}, 400, "'bot_id' is required"},
		{asked{method: "POST", path: "/api/count?dry_run", body: aCount}, 200, `"dry_run":true`},
		{asked{method: "GET", path: "/api/bots/123456789012345678"}, 200, `"server_count":5,`},
		{asked{method: "POST", path: "/api/bots/123456789012345678/lookup", body: "{}"}, 200, `"server_count":5,`},
		{asked{method: "POST", path: "/api/bots/123456789012345678/votes/234567890123456789", body: `{"one.test": "x"}`}, 200, `"voted":false`},
		{asked{method: "POST", path: "/api/shards", body: `{"bot_id": "123456789012345678", "shard_count": 2, "shards": {"0": 5}, "one.test": "x"}`}, 200, `"known":1,"of":2`},
		{asked{method: "GET", path: "/api/bots/123456789012345678/badge.svg"}, 200, "<svg"},
		{asked{method: "GET", path: "/api/lists"}, 200, `"one.test":{"id":"one.test"`},
		{asked{method: "GET", path: "/api/lists/one.test"}, 200, `"name":"One"`},
		{asked{method: "GET", path: "/api/legacy-ids"}, 200, `{"`},
		{asked{method: "GET", path: "/api/openapi.yaml"}, 200, "openapi: "},
		{asked{method: "GET", path: "/api/health"}, 200, "OK"},
		{asked{method: "GET", path: "/api/health?verbose"}, 200, `"version":"dev"`},
		{asked{method: "GET", path: "/"}, 404, "Not found"},
		{asked{method: "GET", path: "/metrics"}, 404, "Not found"},
	} {
		got := tt.of(h)
		if got.Status != tt.status || !strings.Contains(got.Body, tt.body) {
			t.Errorf("%s %s: %d %.300s; want %d with %s", tt.method, tt.path, got.Status, got.Body, tt.status, tt.body)
		}
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	for _, q := range []asked{{method: "POST", path: "/api/count", body: aCount}, {method: "GET", path: "/api/lists"}, {method: "GET", path: "/api/health"}} {
		if got := q.of(h); got.Status != 503 {
			t.Errorf("%s %s after Close: %d %s, want 503", q.method, q.path, got.Status, got.Body)
		}
	}
	if got := (asked{method: "GET", path: "/api/health"}).of(httpapi.NewHandler(a, httpapi.HandlerOptions{})); got.Status != 503 {
		t.Errorf("health of a handler of a closed Aggregator: %d %s, want 503", got.Status, got.Body)
	}
}

// TestNewHandlerLimits has callers limited by their addresses, as the options say.
func TestNewHandlerLimits(t *testing.T) {
	hour := ratelimit.Rate{Limit: 1, Period: time.Hour}
	_, h := embed(t, aggregator.Options{Limits: aggregator.Limits{Count: hour}, Bounds: aggregator.Bounds{Memory: 64 << 20}}, httpapi.HandlerOptions{
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, NetworkLimit: ratelimit.Rate{Limit: 3, Period: time.Hour},
		BasePath: "/lists/", MaxRequests: 64, Version: "1.2.3", Log: new(testkit.Log).Logger(),
	})
	count := func(from, forwarded string) asked {
		return asked{"POST", "/lists/api/count", aCount, from, forwarded}
	}
	for i, tt := range []struct {
		asked
		status int
		body   string
	}{
		{count("198.51.100.1", ""), 200, "success"},
		{count("198.51.100.1", "198.51.100.9"), 429, `"ratelimit_ip":"198.51.100.1"`}, // who is no proxy is not believed
		{count("192.0.2.1", "198.51.100.2"), 200, "success"},
		{count("192.0.2.1", "198.51.100.2"), 429, `"ratelimit_ip":"198.51.100.2"`},
		{asked{"POST", "/lists/api/count", "{}", "198.51.100.2", ""}, 400, "bot_id"},
		{asked{"POST", "/lists/api/count", "{}", "198.51.100.2", ""}, 429, "Too many requests"}, // of one network
		{asked{"GET", "/lists/api/health?verbose", "", "198.51.100.2", ""}, 200, `"version":"1.2.3"`},
		{asked{"GET", "/api/health", "", "", ""}, 404, ""},
	} {
		got := tt.of(h)
		if got.Status != tt.status || !strings.Contains(got.Body, tt.body) {
			t.Errorf("%d: %s from %s for %q: %d %.300s; want %d with %s", i, tt.path, tt.from, tt.forwarded, got.Status, got.Body, tt.status, tt.body)
		}
	}
}

// TestNewHandlerBasePath panics for what is no path: a slip of the program.
func TestNewHandlerBasePath(t *testing.T) {
	a, _ := embed(t, aggregator.Options{}, httpapi.HandlerOptions{})
	defer func() {
		if p := recover(); p == nil {
			t.Error("a base path without a slash is taken")
		}
	}()
	httpapi.NewHandler(a, httpapi.HandlerOptions{BasePath: "lists"})
}

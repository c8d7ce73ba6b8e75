package httpapi_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"aggregator/aggregate"
	"aggregator/catalog"
	"aggregator/httpapi"
	"aggregator/lists"
	"aggregator/ratelimit"
	"aggregator/store"
)

const listsYAML = `lists:
  one.test:
    name: "One"
    url: "https://one.test/"
    api_post: "https://one.test/bots/:id"
    api_field: "count"
    api_get: "https://one.test/bots/:id"
`

// runner answers calls in place of lists.
type runner func(lists.Call) lists.Answer

func (r runner) Run(_ context.Context, _ lists.Op, _ netip.Prefix, calls []lists.Call) []lists.Answer {
	answers := make([]lists.Answer, len(calls))
	for i, c := range calls {
		answers[i] = r(c)
	}
	return answers
}

func thanks(lists.Call) lists.Answer { return lists.Answer{Status: 200, Body: []byte("{}")} }

// failing is a store whose windows cannot be taken.
type failing struct{ *store.Memory }

func (f failing) Windows() store.Windows { return failingWindows{f.Memory.Windows()} }

type failingWindows struct{ store.Windows }

var errStore = errors.New("disk on fire")

func (failingWindows) TakeEach(context.Context, ...[]store.Use) ([]store.Taken, error) {
	return nil, errStore
}

// service is an API on loopback.
type service struct {
	api  *httpapi.Server
	base string
	log  *lockedBuffer
}

type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func serve(t *testing.T, st store.Store, run runner, change ...func(*httpapi.Config)) service {
	t.Helper()
	live, _, err := catalog.NewLive(func() (*catalog.Catalog, []string, error) {
		return catalog.Load([]catalog.File{{Name: "lists.yaml", Data: []byte(listsYAML)}}, catalog.File{Name: "legacy_ids.yaml"})
	})
	if err != nil {
		t.Fatal(err)
	}
	log := &lockedBuffer{}
	hash := store.NewHasher(st.Secret())
	rate := ratelimit.Rate{Limit: 1, Period: time.Minute}
	c := httpapi.Config{
		Catalog: live, ClientIPHeader: "X-Forwarded-For", Log: slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Aggregator: aggregate.New(aggregate.Config{
			Catalog: live, Runner: run, CountLimit: ratelimit.New(st.Windows(), rate, hash), BotsLimit: ratelimit.New(st.Windows(), rate, hash),
		}),
	}
	for _, f := range change {
		f(&c)
	}
	api := httpapi.New(c)
	s := httptest.NewServer(api)
	t.Cleanup(s.Close)
	return service{api, s.URL, log}
}

type answer struct {
	status int
	header http.Header
	body   string
}

func send(t *testing.T, method, url, body string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(text)}
}

func wantError(t *testing.T, a answer, status int, body string) {
	t.Helper()
	if a.status != status || a.body != body || a.header.Get("Content-Type") != "application/json" {
		t.Errorf("%d %s %s\nwant %d %s", a.status, a.header.Get("Content-Type"), a.body, status, body)
	}
}

func count(t *testing.T, s service, bot string) answer {
	t.Helper()
	return send(t, "POST", s.base+"/api/count", `{"bot_id":"`+bot+`","server_count":5,"one.test":"secret-token"}`)
}

const (
	botA = "111111111111111111"
	botB = "222222222222222222"

	internal = `{"error":true,"status":500,"message":"Internal error"}`
	busy     = `{"error":true,"status":503,"message":"Service is busy"}`
)

func TestInternalErrors(t *testing.T) {
	t.Parallel()
	memory := store.NewMemory(store.MemoryOptions{})
	for name, s := range map[string]service{
		"panic": serve(t, memory, func(lists.Call) lists.Answer { panic("list on fire") }),
		"store": serve(t, failing{memory}, thanks),
	} {
		t.Run(name, func(t *testing.T) {
			wantError(t, count(t, s, botA), 500, internal)
			wantError(t, send(t, "GET", s.base+"/api/bots/"+botA, ""), 500, internal)
			if a := send(t, "GET", s.base+"/api/lists", ""); a.status != 200 {
				t.Errorf("afterwards: %d %s", a.status, a.body)
			}
			log := s.log.String()
			if !strings.Contains(log, "ERROR") || strings.Contains(log, "secret-token") {
				t.Errorf("log: %s", log)
			}
		})
	}
}

func TestFullStore(t *testing.T) {
	t.Parallel()
	s := serve(t, store.NewMemory(store.MemoryOptions{MaxKeys: 1}), thanks)
	for _, bot := range []string{botA, botB} {
		if a := count(t, s, bot); a.status != 200 {
			t.Errorf("%d %s, want 200", a.status, a.body)
		}
	}
}

func TestStopServing(t *testing.T) {
	t.Parallel()
	s := serve(t, store.NewMemory(store.MemoryOptions{}), thanks)
	if a := send(t, "GET", s.base+"/api/health", ""); a.status != 200 || a.body != "OK" {
		t.Errorf("%d %s", a.status, a.body)
	}
	s.api.FailHealth() // so that balancers look elsewhere, before anything else changes
	if a := send(t, "GET", s.base+"/api/health", ""); a.status != 503 || a.body != "Shutting down" {
		t.Errorf("while it drains: %d %s", a.status, a.body)
	}
	if a := send(t, "GET", s.base+"/api/lists", ""); a.status != 200 {
		t.Errorf("while it drains: %d %s", a.status, a.body)
	}
	s.api.StopServing()
	if a := send(t, "GET", s.base+"/api/health?live", ""); a.status != 200 || a.body != "OK" {
		t.Errorf("while the process lives: %d %s", a.status, a.body)
	}
	for _, method := range []string{"GET", "HEAD"} {
		a := send(t, method, s.base+"/api/health/", "")
		if a.status != 503 || a.header.Get("Cache-Control") != "no-store, no-cache, must-revalidate, proxy-revalidate" {
			t.Errorf("%s: %d, %v", method, a.status, a.header)
		}
	}
	a := count(t, s, botA)
	wantError(t, a, 503, busy)
	if a.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
}

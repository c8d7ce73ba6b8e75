package httpapi_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"aggregator/aggregate"
	"aggregator/catalog"
	"aggregator/httpapi"
	"aggregator/internal/testkit"
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
    votes: {url: "https://one.test/bots/:id/votes/:user", auth: {}, voted: voted}
`

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
	log  *testkit.Log
}

func serve(t *testing.T, st store.Store, run testkit.Runner, change ...func(*httpapi.Config)) service {
	t.Helper()
	live, _, err := catalog.NewLive(func() (*catalog.Catalog, []string, error) {
		return catalog.Load([]catalog.File{{Name: "lists.yaml", Data: []byte(listsYAML)}}, catalog.File{Name: "legacy_ids.yaml"})
	})
	if err != nil {
		t.Fatal(err)
	}
	log := new(testkit.Log)
	hash := store.NewHasher(st.Secret())
	rate := ratelimit.Rate{Limit: 1, Period: time.Minute}
	c := httpapi.Config{
		Catalog: live, ClientIPHeader: "X-Forwarded-For", Log: log.Logger(),
		Aggregator: aggregate.New(aggregate.Config{
			Catalog: live, Runner: run, CountLimit: ratelimit.New(st.Windows(), rate, hash), BotsLimit: ratelimit.New(st.Windows(), rate, hash),
			VotesLimit: ratelimit.New(st.Windows(), rate, hash), ReportLimits: aggregate.NewReportLimits(st.Windows(), hash),
			ShardLimit: ratelimit.New(st.Windows(), aggregate.ShardRate, hash), Shards: st.Shards(), ShardTTL: 24 * time.Hour, Hash: hash,
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

type answer = testkit.Answer

func wantError(t *testing.T, a answer, status int, body string) {
	t.Helper()
	if a.Status != status || a.Body != body || a.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%d %s %s\nwant %d %s", a.Status, a.Header.Get("Content-Type"), a.Body, status, body)
	}
}

func count(t *testing.T, s service, bot string) answer {
	t.Helper()
	return testkit.Send(t, "POST", s.base+"/api/count", `{"bot_id":"`+bot+`","server_count":5,"one.test":"secret-token"}`)
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
		"store": serve(t, failing{memory}, testkit.Thanks),
	} {
		t.Run(name, func(t *testing.T) {
			wantError(t, count(t, s, botA), 500, internal)
			wantError(t, testkit.Send(t, "GET", s.base+"/api/bots/"+botA, ""), 500, internal)
			if a := testkit.Send(t, "GET", s.base+"/api/lists", ""); a.Status != 200 {
				t.Errorf("afterwards: %d %s", a.Status, a.Body)
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
	s := serve(t, store.NewMemory(store.MemoryOptions{MaxKeys: 1}), testkit.Thanks)
	for _, bot := range []string{botA, botB} {
		if a := count(t, s, bot); a.Status != 200 {
			t.Errorf("%d %s, want 200", a.Status, a.Body)
		}
	}
}

func TestStopServing(t *testing.T) {
	t.Parallel()
	s := serve(t, store.NewMemory(store.MemoryOptions{}), testkit.Thanks)
	if a := testkit.Send(t, "GET", s.base+"/api/health", ""); a.Status != 200 || a.Body != "OK" {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	s.api.FailHealth() // so that balancers look elsewhere, before anything else changes
	if a := testkit.Send(t, "GET", s.base+"/api/health", ""); a.Status != 503 || a.Body != "Shutting down" {
		t.Errorf("while it drains: %d %s", a.Status, a.Body)
	}
	if a := testkit.Send(t, "GET", s.base+"/api/lists", ""); a.Status != 200 {
		t.Errorf("while it drains: %d %s", a.Status, a.Body)
	}
	s.api.StopServing()
	if a := testkit.Send(t, "GET", s.base+"/api/health?live", ""); a.Status != 200 || a.Body != "OK" {
		t.Errorf("while the process lives: %d %s", a.Status, a.Body)
	}
	for _, method := range []string{"GET", "HEAD"} {
		a := testkit.Send(t, method, s.base+"/api/health/", "")
		if a.Status != 503 || a.Header.Get("Cache-Control") != "no-store, no-cache, must-revalidate, proxy-revalidate" {
			t.Errorf("%s: %d, %v", method, a.Status, a.Header)
		}
	}
	a := count(t, s, botA)
	wantError(t, a, 503, busy)
	if a.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
}

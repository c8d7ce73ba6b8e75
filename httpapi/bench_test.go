package httpapi

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"aggregator/aggregate"
	"aggregator/catalog"
	"aggregator/health"
	"aggregator/internal/testkit"
	"aggregator/lists"
	"aggregator/ratelimit"
	"aggregator/store"
)

// newTestServer makes a server with n lists, and a body's tail that names them.
func newTestServer(tb testing.TB, n int) (s *Server, tokens string) {
	tb.Helper()
	var yaml, tail strings.Builder
	yaml.WriteString("lists:\n")
	for i := range n {
		fmt.Fprintf(&yaml, "  list%d.test: {name: L, url: \"https://list%d.test\", api_post: \"https://list%d.test/bots/:id/stats\", api_field: server_count}\n", i, i, i)
		fmt.Fprintf(&tail, `,"list%d.test":"token-of-about-forty-characters-%08d"`, i, i)
	}
	live, _, err := catalog.NewLive(func() (*catalog.Catalog, []string, error) {
		return catalog.Load([]catalog.File{{Name: "lists.yaml", Data: []byte(yaml.String())}}, catalog.File{})
	})
	if err != nil {
		tb.Fatal(err)
	}
	st := store.NewMemory(store.MemoryOptions{})
	hash := store.NewHasher(st.Secret())
	log := slog.New(slog.DiscardHandler)
	status := Status{Breakers: func() []Breaker { return nil }, StoreHealth: func() StoreHealth { return StoreHealth{OK: true} }, CallsInFlight: func() int { return 0 }}
	metrics := NewMetrics(status, Build{})
	recorder := health.New(health.Config{Store: st.Outcomes(), History: st.History(), Hash: hash})
	return New(Config{Catalog: live, Log: log, Status: status, Metrics: metrics, Aggregator: aggregate.New(aggregate.Config{
		Catalog: live, Servers: recorder.Count, Observe: func(ctx context.Context, o aggregate.Outcome) {
			metrics.Observe(ctx, o)
			recorder.Observe(ctx, o)
		}, Holds: aggregate.NewHolds(st.Windows(), hash, time.Now, log),
		CountLimit: ratelimit.New(st.Windows(), ratelimit.Rate{Limit: 1, Period: time.Minute}, hash),
		Runner: testkit.Runner(func(c lists.Call) lists.Answer {
			_ = c.Wire()
			return lists.Answer{Status: http.StatusOK, Body: []byte(`{"success":true}`), Took: time.Millisecond}
		}),
	})}), tail.String()
}

// BenchmarkCount measures a count for 23 lists without the network.
func BenchmarkCount(b *testing.B) {
	s, tokens := newTestServer(b, 23)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		body := fmt.Sprintf(`{"server_count":1234,"bot_id":"%018d"%s}`, 100_000_000_000_000_000+i, tokens)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/api/count", strings.NewReader(body)))
		if w.Code != http.StatusOK {
			b.Fatal(w.Code, w.Body)
		}
	}
}

// BenchmarkLists measures GET /api/lists with gzip, with its line of the log.
func BenchmarkLists(b *testing.B) {
	s, _ := newTestServer(b, 23)
	nowhere := io.Discard // lines are to be made, as slog.DiscardHandler makes none
	s.Log = slog.New(slog.NewJSONHandler(nowhere, nil))
	r := httptest.NewRequest(http.MethodGet, "/api/lists", nil)
	r.Header.Set("Accept-Encoding", "gzip")
	w := &discarded{}
	b.ReportAllocs()
	for b.Loop() {
		w.header = http.Header{}
		if s.ServeHTTP(w, r); w.status != http.StatusOK {
			b.Fatal(w.status)
		}
	}
}

// discarded is an answer of which only the status is kept.
type discarded struct {
	header http.Header
	status int
}

func (d *discarded) Header() http.Header              { return d.header }
func (d *discarded) WriteHeader(status int)           { d.status = status }
func (d *discarded) Write(p []byte) (int, error)      { return len(p), nil }
func (d *discarded) SetWriteDeadline(time.Time) error { return nil }
func (d *discarded) SetReadDeadline(time.Time) error  { return nil }

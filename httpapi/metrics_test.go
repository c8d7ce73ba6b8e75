package httpapi_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"aggregator/httpapi"
	"aggregator/internal/testkit"
	"aggregator/lists"
	"aggregator/shares"
	"aggregator/store"
)

// trouble is what the other rooms say of themselves.
type trouble struct {
	store    atomic.Bool
	breakers atomic.Pointer[[]httpapi.Breaker]
}

func (s *trouble) status() httpapi.Status {
	return httpapi.Status{
		Breakers: func() []httpapi.Breaker {
			if all := s.breakers.Load(); all != nil {
				return *all
			}
			return nil
		},
		StoreHealth: func() httpapi.StoreHealth {
			if s.store.Load() {
				return httpapi.StoreHealth{State: "unwritten", Since: time.Unix(1e9, 0).UTC(), Trouble: "the disk is full"}
			}
			return httpapi.StoreHealth{OK: true, State: "ok"}
		},
		CallsInFlight: func() int { return 7 },
		Memory:        shares.New(shares.Options{Capacity: 1 << 20}),
	}
}

// serveMetrics is serve with metrics on the service's own address.
func serveMetrics(t *testing.T, run testkit.Runner, change ...func(*httpapi.Config)) (service, *trouble) {
	t.Helper()
	says := &trouble{}
	return serve(t, store.NewMemory(store.MemoryOptions{}), run, append([]func(*httpapi.Config){func(c *httpapi.Config) {
		c.Status = says.status()
		c.Build = httpapi.Build{Version: "1.2.3", Revision: "abcdef", GoVersion: "go1.26"}
		c.Metrics = httpapi.NewMetrics(c.Status, c.Build)
		c.MetricsHandler = c.Metrics.Handler()
		c.Aggregator.Observe = c.Metrics.Observe
	}}, change...)...), says
}

// samples are the samples of one metric: labels and value.
func samples(t *testing.T, s service, name string) (all []string) {
	t.Helper()
	a := testkit.Send(t, "GET", s.base+"/metrics", "")
	if a.Status != 200 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	lines := bufio.NewScanner(strings.NewReader(a.Body))
	for lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), name); ok && (rest[0] == '{' || rest[0] == ' ') {
			all = append(all, rest)
		}
	}
	return all
}

func wantSamples(t *testing.T, s service, name string, want ...string) {
	t.Helper()
	if got := samples(t, s, name); !slices.Equal(got, want) {
		t.Errorf("%s:\n%s\nwant\n%s", name, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	s, says := serveMetrics(t, func(c lists.Call) lists.Answer {
		if c.Op() == lists.Readings {
			return lists.Answer{Status: lists.NoAnswer, Fault: lists.FaultTimeout, Reason: "Timeout after 2s", Took: 2 * time.Second}
		}
		return lists.Answer{Status: 200, Body: []byte("{}"), Took: time.Millisecond}
	})
	count(t, s, botA) // 200, and then 429
	count(t, s, botA)
	count(t, s, "x")
	testkit.Send(t, "GET", s.base+"/api/bots/"+botA, "")
	testkit.Send(t, "HEAD", s.base+"/api/lists", "")
	testkit.Send(t, "GET", s.base+"/api/lists/nowhere.test", "")
	testkit.Send(t, "GET", s.base+"/api/lists/nowhere-else.test/", "")
	wantSamples(t, s, "aggregator_http_requests_total",
		`{method="GET",route="/api/bots/:id",status="200"} 1`,
		`{method="GET",route="/api/lists/:id",status="404"} 2`,
		`{method="HEAD",route="/api/lists",status="200"} 1`,
		`{method="POST",route="/api/count",status="200"} 1`,
		`{method="POST",route="/api/count",status="400"} 1`,
		`{method="POST",route="/api/count",status="429"} 1`,
	)
	wantSamples(t, s, "aggregator_list_calls_total",
		`{direction="posts",list="one.test",outcome="ok"} 1`,
		`{direction="readings",list="one.test",outcome="timeout"} 1`,
	)
	wantSamples(t, s, "aggregator_list_call_duration_seconds_count",
		`{direction="posts",list="one.test"} 1`, `{direction="readings",list="one.test"} 1`)
	wantSamples(t, s, "aggregator_http_request_duration_seconds_count",
		`{route="/api/bots/:id"} 1`, `{route="/api/count"} 3`, `{route="/api/lists"} 1`, `{route="/api/lists/:id"} 2`, `{route="/metrics"} 3`)
	wantSamples(t, s, "aggregator_list_calls_in_flight", ` 7`)
	wantSamples(t, s, "aggregator_http_requests_in_flight", ` 1`) // this one

	wantSamples(t, s, "aggregator_build_info", `{goversion="go1.26",revision="abcdef",version="1.2.3"} 1`)
	wantSamples(t, s, "aggregator_circuit_state")
	wantSamples(t, s, "aggregator_http_requests_waiting", ` 0`)
	wantSamples(t, s, "aggregator_memory_held_bytes", ` 0`)
	wantSamples(t, s, "aggregator_memory_limit_bytes", ` 1.048576e+06`)
	wantSamples(t, s, "aggregator_store_healthy", ` 1`)
	wantSamples(t, s, "aggregator_store_state", `{state="ok"} 1`)
	says.store.Store(true)
	says.breakers.Store(&[]httpapi.Breaker{{List: "one.test", Direction: "posts", State: "open"}, {List: "one.test", Direction: "readings", State: "half-open"}})
	wantSamples(t, s, "aggregator_circuit_state", `{direction="posts",list="one.test",state="open"} 1`, `{direction="readings",list="one.test",state="half-open"} 1`)
	wantSamples(t, s, "aggregator_store_healthy", ` 0`)
	wantSamples(t, s, "aggregator_store_state", `{state="unwritten"} 1`)
}

func TestMetricsAreInGoodForm(t *testing.T) {
	t.Parallel()
	s, says := serveMetrics(t, testkit.Thanks)
	says.breakers.Store(&[]httpapi.Breaker{{List: "one.test", Direction: "posts", State: "open"}})
	count(t, s, botA)
	testkit.Send(t, "GET", s.base+"/api/bots/"+botA, "")
	a := testkit.Send(t, "GET", s.base+"/metrics", "")
	problems, err := promlint.New(strings.NewReader(a.Body)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	for _, name := range []string{"go_goroutines", "process_open_fds", "process_resident_memory_bytes"} {
		if len(samples(t, s, name)) != 1 {
			t.Errorf("no %s", name)
		}
	}
}

// TestMetricsAreBounded asks for whatever comes to mind: no caller can make
// labels.
func TestMetricsAreBounded(t *testing.T) {
	t.Parallel()
	s, _ := serveMetrics(t, testkit.Thanks)
	for i := range 50 {
		for _, path := range []string{"/nowhere%d", "/api/nowhere/%d", "/api/lists/%d", "/api/bots/%d", "/api/bots/%d/lookup/more", "/metrics/%d", "/%%2F%d"} {
			testkit.Send(t, "GET", s.base+fmt.Sprintf(path, i), "")
		}
		testkit.Send(t, fmt.Sprintf("BREW%d", i), s.base+"/api/lists", "")
		testkit.Send(t, fmt.Sprintf("BREW%d", i), s.base+"/nowhere", "")
	}
	// Known routes, one for all others, and as many methods and statuses.
	if got := samples(t, s, "aggregator_http_requests_total"); len(got) == 0 || len(got) > 10 {
		t.Errorf("%d series:\n%s", len(got), strings.Join(got, "\n"))
	}
	all := strings.Join(samples(t, s, "aggregator_http_requests_total"), "\n")
	for _, want := range []string{`{method="GET",route="unknown",status="404"}`, `{method="other",route=`} {
		if !strings.Contains(all, want) {
			t.Errorf("no %s:\n%s", want, all)
		}
	}
	if strings.Contains(all, "BREW") || strings.Contains(all, "nowhere") {
		t.Errorf("callers' words are labels:\n%s", all)
	}
}

// TestMetricsCountEveryAnswer has answers given before any route is found.
func TestMetricsCountEveryAnswer(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		send func(s service) answer
		want string
	}{
		{"a panic", func(s service) answer { return count(t, s, botA) }, `{method="POST",route="/api/count",status="500"} 1`},
		{"too large a reading's body", func(s service) answer {
			return testkit.Send(t, "GET", s.base+"/api/bots/"+botA, strings.Repeat("x", httpapi.MaxBody+1))
		}, `status="413"} 1`},
	} {
		t.Run(row.name, func(t *testing.T) {
			s, _ := serveMetrics(t, func(lists.Call) lists.Answer { panic("list on fire") })
			row.send(s)
			if all := samples(t, s, "aggregator_http_requests_total"); len(all) != 1 || !strings.HasSuffix(all[0], row.want) {
				t.Errorf("%q, want …%s", all, row.want)
			}
		})
	}
	t.Run("busy", func(t *testing.T) {
		arrived, release := make(chan struct{}), make(chan struct{})
		s, _ := serveMetrics(t, func(c lists.Call) lists.Answer {
			close(arrived)
			<-release
			return testkit.Thanks(c)
		}, places(1, 0))
		first := make(chan answer, 1)
		go func() { first <- count(t, s, botA) }()
		<-arrived
		if a := count(t, s, botB); a.Status != 503 {
			t.Errorf("%d %s", a.Status, a.Body)
		}
		close(release)
		<-first
		if all := strings.Join(samples(t, s, "aggregator_http_requests_total"), "\n"); !strings.Contains(all, `status="503"} 1`) {
			t.Errorf("no 503 among\n%s", all)
		}
	})
}

func TestMetricsAreAbsentUnlessAsked(t *testing.T) {
	t.Parallel()
	s := serve(t, store.NewMemory(store.MemoryOptions{}), testkit.Thanks)
	if a := testkit.Send(t, "GET", s.base+"/metrics", ""); a.Status != 404 {
		t.Errorf("%d %s", a.Status, a.Body)
	}
}

func TestHealthVerbose(t *testing.T) {
	t.Parallel()
	s, says := serveMetrics(t, testkit.Thanks)
	health := func(status int, want string) {
		t.Helper()
		a := testkit.Send(t, "GET", s.base+"/api/health?verbose", "")
		var got map[string]any
		if err := json.Unmarshal([]byte(a.Body), &got); err != nil || a.Status != status || a.Header.Get("Content-Type") != "application/json" ||
			!strings.Contains(a.Header.Get("Cache-Control"), "no-store") {
			t.Fatalf("%d %v %s: %v", a.Status, a.Header, a.Body, err)
		}
		if up, ok := got["uptime_s"].(float64); !ok || up < 0 || up > 60 {
			t.Errorf("uptime_s %v", got["uptime_s"])
		}
		delete(got, "uptime_s")
		delete(got, "catalog")
		if text, _ := json.Marshal(got); string(text) != want {
			t.Errorf("%s\nwant %s", text, want)
		}
	}
	const rest = `"calls_in_flight":7,"requests_in_flight":1,`
	health(200, `{"breakers":[],`+rest+`"status":"ok","store":{"ok":true,"state":"ok"},"version":"1.2.3"}`)
	says.breakers.Store(&[]httpapi.Breaker{{List: "one.test", Direction: "posts", State: "open"}})
	health(200, `{"breakers":[{"direction":"posts","list":"one.test","state":"open"}],`+rest+`"status":"ok","store":{"ok":true,"state":"ok"},"version":"1.2.3"}`)
	says.breakers.Store(nil)
	says.store.Store(true)
	health(200, `{"breakers":[],`+rest+`"status":"degraded","store":{"ok":false,"since":"2001-09-09T01:46:40Z","state":"unwritten","trouble":"the disk is full"},"version":"1.2.3"}`)
	s.api.StopServing()
	health(503, `{"breakers":[],`+rest+`"status":"shutting down","store":{"ok":false,"since":"2001-09-09T01:46:40Z","state":"unwritten","trouble":"the disk is full"},"version":"1.2.3"}`)
	if a := testkit.Send(t, "GET", s.base+"/api/health", ""); a.Status != 503 {
		t.Errorf("plain health: %d", a.Status)
	}
}

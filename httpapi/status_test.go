package httpapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"aggregator/aggregate"
	"aggregator/health"
	"aggregator/httpapi"
	"aggregator/internal/testkit"
	"aggregator/lists"
	"aggregator/store"
)

// serveHealth is serve with outcomes recorded by a clock.
func serveHealth(t *testing.T, run testkit.Runner, circuits ...health.Circuit) (service, *health.Recorder, *testkit.Clock) {
	t.Helper()
	st, clock := store.NewMemory(store.MemoryOptions{}), testkit.NewClock()
	r := health.New(health.Config{Store: st.Outcomes(), Now: clock.Now, Circuits: func() []health.Circuit { return circuits }})
	s := serve(t, st, run, func(c *httpapi.Config) {
		c.Health = r
		c.Status = (&trouble{}).status()
		c.Aggregator.Observe = r.Observe
	})
	return s, r, clock
}

const unused = `{"calls":0,"answers":0,"successes":0,"faults":{},"uptime":{"24h":null,"7d":null,"90d":null},` +
	`"latency_ms":{"p50":null,"p95":null},"last_success":null,"last_failure":null,"circuit":"closed"`

// status returns what /api/status says of each list.
func (s service) status(t *testing.T) map[string]json.RawMessage {
	t.Helper()
	a := testkit.Send(t, "GET", s.base+"/api/status/", "")
	var body struct{ Lists map[string]json.RawMessage }
	if err := json.Unmarshal([]byte(a.Body), &body); err != nil || a.Status != 200 || a.Header.Get("Content-Type") != "application/json" || body.Lists == nil {
		t.Fatalf("%d %s: %v", a.Status, a.Body, err)
	}
	return body.Lists
}

func TestStatusWithoutCalls(t *testing.T) {
	t.Parallel()
	for want, circuits := range map[string][]health.Circuit{
		"closed":    nil,
		"open":      {{List: "one.test", Open: true}, {List: "one.test"}},
		"half-open": {{List: "one.test"}},
	} {
		s, _, _ := serveHealth(t, testkit.Thanks, circuits...)
		want := strings.Replace(unused, "closed", want, 1) + "}"
		if all := s.status(t); len(all) != 1 || string(all["one.test"]) != want {
			t.Errorf("%s\nwant %s for one.test alone", all, want)
		}
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	s, r, clock := serveHealth(t, func(c lists.Call) lists.Answer {
		if c.Op() == lists.Readings {
			return lists.Answer{Status: lists.NoAnswer, Fault: lists.FaultTimeout, Reason: "Timeout after 2s", Took: 2 * time.Second}
		}
		return lists.Answer{Status: 200, Body: []byte("{}"), Took: 20 * time.Millisecond}
	})
	count(t, s, botA)
	count(t, s, botB)
	clock.Advance(time.Minute)
	testkit.Send(t, "GET", s.base+"/api/bots/"+botA, "")
	const want = `{"calls":3,"answers":2,"successes":2,"faults":{"timeout":1},"uptime":{"24h":0.666667,"7d":0.666667,"90d":0.666667},` +
		`"latency_ms":{"p50":13,"p95":24},"last_success":"2026-11-22T12:00:00Z","last_failure":{"at":"2026-11-22T12:01:00Z","reason":"Timeout after 2s"},"circuit":"closed"`
	if got := s.status(t)["one.test"]; string(got) != want+"}" {
		t.Errorf("%s\nwant %s}", got, want)
	}
	r.Write(t.Context())
	a := testkit.Send(t, "GET", s.base+"/api/lists/one.test/health", "")
	a.Want(t, 200)
	if !strings.HasPrefix(a.Body, want+`,"hours":[{"from":"2026-11-21T13:00:00Z","calls":0,"uptime":null},`) ||
		!strings.Contains(a.Body, `{"from":"2026-11-22T12:00:00Z","calls":3,"uptime":0.666667}],"days":[{"from":"2026-08-25T00:00:00Z","calls":0,"uptime":null},`) ||
		!strings.HasSuffix(a.Body, `{"from":"2026-11-22T00:00:00Z","calls":3,"uptime":0.666667}]}`) {
		t.Error(a.Body)
	}
	var bars struct{ Hours, Days []struct{ From time.Time } }
	if err := json.Unmarshal([]byte(a.Body), &bars); err != nil || len(bars.Hours) != 24 || len(bars.Days) != 90 {
		t.Errorf("%d hours, %d days, %v; want 24 and 90", len(bars.Hours), len(bars.Days), err)
	}
	r.Observe(context.Background(), aggregate.Outcome{List: "one.test", Op: lists.Posts, OK: true, Status: 200, Probe: true})
	var verbose struct{ Lists json.RawMessage }
	if err := json.Unmarshal([]byte(testkit.Send(t, "GET", s.base+"/api/health?verbose", "").Body), &verbose); err != nil ||
		string(verbose.Lists) != `{"calls":4,"faults":1,"down":[],"as_of":"2026-11-22T12:01:00Z","unwritten":1,"lost":0}` {
		t.Errorf("%s, %v", verbose.Lists, err)
	}
	for range 4 {
		r.Observe(context.Background(), aggregate.Outcome{List: "one.test", Op: lists.Posts, Status: 502})
	}
	if body := testkit.Send(t, "GET", s.base+"/api/health?verbose", "").Body; !strings.Contains(body, `"down":["one.test"]`) {
		t.Errorf("%s, want one.test to be down", body)
	}
}

func TestStatusAsAResource(t *testing.T) {
	t.Parallel()
	s, _, _ := serveHealth(t, testkit.Thanks)
	for _, path := range []string{"/api/status", "/api/lists/one.test/health"} {
		a := testkit.Send(t, "GET", s.base+path, "", "Origin", "https://x.example")
		etag := a.Header.Get("ETag")
		if a.Status != 200 || etag == "" || a.Header.Get("Access-Control-Allow-Origin") != "*" || a.Header.Get("Cache-Control") != "no-cache" {
			t.Errorf("%s: %d %v", path, a.Status, a.Header)
		}
		testkit.Send(t, "GET", s.base+path, "", "If-None-Match", etag).Want(t, 304)
		if a := testkit.Send(t, "HEAD", s.base+path, ""); a.Status != 200 || a.Body != "" {
			t.Errorf("HEAD %s: %d %q", path, a.Status, a.Body)
		}
		if a := testkit.Send(t, "GET", s.base+path, "", "Accept-Encoding", "gzip"); a.Header.Get("Content-Encoding") != "gzip" {
			t.Errorf("%s: %v, want gzip", path, a.Header)
		}
		wantError(t, testkit.Send(t, "POST", s.base+path, "{}"), 405, `{"error":true,"status":405,"message":"Method not allowed"}`)
	}
	wantError(t, testkit.Send(t, "GET", s.base+"/api/lists/nowhere.test/health", ""), 404, `{"error":true,"status":404,"message":"List not found"}`)
	without := serve(t, store.NewMemory(store.MemoryOptions{}), testkit.Thanks)
	wantError(t, testkit.Send(t, "GET", without.base+"/api/status", ""), 404, `{"error":true,"status":404,"message":"Not found"}`)
}

// TestStatusIsNew wants a call to be in the answer about all lists soon, which is
// kept for a second.
func TestStatusIsNew(t *testing.T) {
	t.Parallel()
	s, _, _ := serveHealth(t, testkit.Thanks)
	before := fmt.Sprint(s.status(t))
	count(t, s, botA)
	testkit.Wait(t, "the call in the answer", func() bool { return fmt.Sprint(s.status(t)) != before })
}

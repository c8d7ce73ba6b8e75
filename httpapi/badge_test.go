package httpapi_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"aggregator/aggregate"
	"aggregator/httpapi"
	"aggregator/internal/testkit"
	"aggregator/lists"
	"aggregator/ratelimit"
	"aggregator/store"
)

// badges serves an API of badges, by a clock that stands still.
func badges(t *testing.T, run testkit.Runner) (s service, clock *testkit.Clock, asked *atomic.Int64) {
	t.Helper()
	clock, asked = testkit.NewClock(), new(atomic.Int64)
	st := store.NewMemory(store.MemoryOptions{Now: clock.Now, Elapsed: clock.Elapsed})
	hash := store.NewHasher(st.Secret())
	s = serve(t, st, run, func(c *httpapi.Config) {
		c.BadgeLimit = ratelimit.New(st.Windows(), httpapi.NewBadges, hash)
		c.Aggregator = aggregate.New(aggregate.Config{
			Catalog: c.Catalog, Now: clock.Now, BadgeLimit: ratelimit.New(st.Windows(), aggregate.BadgeRate, hash),
			Runner: testkit.Runner(func(c lists.Call) lists.Answer { asked.Add(1); return run(c) }),
		})
	})
	return s, clock, asked
}

func TestBadges(t *testing.T) {
	t.Parallel()
	says := lists.Answer{Status: 200, Body: []byte(`{"count":1234,"votes":5}`)}
	s, clock, asked := badges(t, func(c lists.Call) lists.Answer {
		if c.BotID() == botB {
			return lists.Answer{Status: 404}
		}
		return says
	})
	get := func(path string, headers ...string) answer {
		t.Helper()
		return testkit.Send(t, "GET", s.base+"/api/bots/"+path, "", headers...)
	}
	for _, tt := range []struct {
		path    string
		holds   string
		control string
	}{
		{botA + "/badge.svg", "servers: 1,234", "max-age=300"},
		{botA + "/badge.svg?show=servers", "servers: 1,234", "max-age=300"},
		{botA + "/badge.svg?show=votes", "votes: ", "max-age=300"},
		{botA + "/badge.svg?show=lists", "bot lists: ", "max-age=300"},
		{botB + "/badge.svg", "servers: on no list", "max-age=300"},
	} {
		a := get(tt.path)
		if a.Status != 200 || !strings.Contains(a.Body, tt.holds) || a.Header.Get("Content-Type") != "image/svg+xml" || a.Header.Get("Cache-Control") != tt.control {
			t.Errorf("%s: %d %v %s; want %q, %s", tt.path, a.Status, a.Header, a.Body, tt.holds, tt.control)
		}
		if again := get(tt.path, "If-None-Match", a.Header.Get("Etag")); again.Status != 304 {
			t.Errorf("%s again: %d, want 304", tt.path, again.Status)
		}
	}
	each := asked.Load() / 2
	if asked.Load() != 2*each || each == 0 {
		t.Errorf("lists were asked %d times for two bots", asked.Load())
	}
	wantError(t, get(botA+"/badge.svg?show=stars"), 400, `{"error":true,"status":400,"message":"'show' must be servers, votes or lists"}`)
	wantError(t, get(botA+"/badge.svg?show="), 400, `{"error":true,"status":400,"message":"'show' must be servers, votes or lists"}`)
	wantError(t, get("me/badge.svg"), 400, `{"error":true,"status":400,"message":"'id' must be a snowflake"}`)
	clock.Advance(4 * time.Minute)
	get(botA + "/badge.svg")
	if asked.Load() != 2*each {
		t.Error("lists were asked again within five minutes")
	}
	// Later it says what lists say then; where none answers it says so.
	clock.Advance(2 * time.Minute)
	says = lists.Answer{Status: lists.NoAnswer, Reason: "Timeout after 2s"}
	if a := get(botA + "/badge.svg"); !strings.Contains(a.Body, "servers: no list answers") || a.Header.Get("Cache-Control") != "max-age=60" {
		t.Errorf("without an answer: %d %v %s", a.Status, a.Header, a.Body)
	}
	if asked.Load() != 3*each {
		t.Errorf("lists were asked %d times, want %d", asked.Load(), 3*each)
	}
}

// TestNewBadges bounds for how many bots one network may have lists asked.
func TestNewBadges(t *testing.T) {
	t.Parallel()
	s, clock, asked := badges(t, func(lists.Call) lists.Answer { return lists.Answer{Status: 200, Body: []byte(`{"count":5}`)} })
	badge := func(n int) answer {
		t.Helper()
		return testkit.Send(t, "GET", fmt.Sprintf("%s/api/bots/1234567890123456%02d/badge.svg", s.base, n), "")
	}
	for n := range 30 {
		if a := badge(n); !strings.Contains(a.Body, "servers: 5") {
			t.Fatalf("%d: %d %s", n, a.Status, a.Body)
		}
	}
	before := asked.Load()
	if a := badge(30); a.Status != 200 || !strings.Contains(a.Body, "servers: not known yet") || a.Header.Get("Cache-Control") != "max-age=60" || asked.Load() != before {
		t.Errorf("one too many: %d %v %s", a.Status, a.Header, a.Body)
	}
	if a := badge(7); !strings.Contains(a.Body, "servers: 5") {
		t.Errorf("one of before: %d %s", a.Status, a.Body)
	}
	clock.Advance(time.Minute)
	if a := badge(30); !strings.Contains(a.Body, "servers: 5") {
		t.Errorf("a minute later: %d %s", a.Status, a.Body)
	}
}

package httpapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"aggregator/aggregate"
	"aggregator/httpapi"
	"aggregator/internal/testkit"
	"aggregator/lists"
	"aggregator/store"
)

// line is a line of the log.
type line struct {
	Level, Msg, ID, Method, Route, IP string
	Status                            int
	Took                              float64 `json:"took_ms"`
	Bot                               string
	OK, Failed, Skipped               int
}

// logged waits for the log's line of a request.
func (s service) logged(t *testing.T, id string) line {
	t.Helper()
	var l line
	testkit.Eventually(t, func() error {
		for text := range strings.Lines(s.log.String()) {
			l = line{}
			if err := json.Unmarshal([]byte(text), &l); err != nil {
				return fmt.Errorf("%w: %s", err, text)
			}
			if l.ID == id && l.Msg == "request" {
				return nil
			}
		}
		return fmt.Errorf("no request %s in the log:\n%s", id, s.log)
	})
	return l
}

var ownID = regexp.MustCompile(`^[0-9a-f]{16}$`)

func TestRequestID(t *testing.T) {
	t.Parallel()
	s := serve(t, store.NewMemory(store.MemoryOptions{}), testkit.Thanks)
	for name, row := range map[string]struct {
		sent string
		kept bool
	}{
		"none":           {"", false},
		"plain":          {"abc-123_X.y", true},
		"a UUID":         {"1b4e28ba-2fa1-11d2-883f-0016d3cca427", true},
		"64 characters":  {strings.Repeat("x", 64), true},
		"65 characters":  {strings.Repeat("x", 65), false},
		"with a space":   {"a b", false},
		"with a quote":   {`a"b`, false},
		"with a slash":   {"a/b", false},
		"with an umlaut": {"ä", false},
		"markup":         {"<script>", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := testkit.Send(t, "GET", s.base+"/api/lists", "", "X-Request-ID", row.sent)
			got := a.Header.Get("X-Request-ID")
			if row.kept && got != row.sent || !row.kept && !ownID.MatchString(got) {
				t.Errorf("%q became %q", row.sent, got)
			}
			if l := s.logged(t, got); l.Status != 200 {
				t.Errorf("%+v", l)
			}
		})
	}
	t.Run("each its own", func(t *testing.T) {
		t.Parallel()
		seen := map[string]bool{}
		for range 100 {
			seen[testkit.Send(t, "GET", s.base+"/api/health", "").Header.Get("X-Request-ID")] = true
		}
		if len(seen) != 100 {
			t.Errorf("%d ids of 100 requests", len(seen))
		}
	})
}

func TestRequestLog(t *testing.T) {
	t.Parallel()
	s := serve(t, failing{store.NewMemory(store.MemoryOptions{})}, testkit.Thanks)
	for _, row := range []struct {
		id, method, path, body string
		want                   line
	}{
		{"ok", "GET", "/api/lists?token=s3cret", "", line{Level: "INFO", Method: "GET", Route: "/api/lists", Status: 200}},
		{"head", "HEAD", "/api/lists/one.test", "", line{Level: "INFO", Method: "HEAD", Route: "/api/lists/:id", Status: 200}},
		{"bad", "POST", "/api/count", `{"one.test":"s3cret"}`, line{Level: "INFO", Method: "POST", Route: "/api/count", Status: 400}},
		{"absent", "GET", "/api/s3cret", "", line{Level: "INFO", Method: "GET", Route: "unknown", Status: 404}},
		{"method", "S3CRET", "/api/lists", "", line{Level: "INFO", Method: "other", Status: 405}},
		{"ours", "POST", "/api/count", `{"bot_id":"` + botA + `","server_count":5,"one.test":"s3cret"}`, line{Level: "ERROR", Method: "POST", Route: "/api/count", Status: 500, Bot: botA}},
	} {
		t.Run(row.id, func(t *testing.T) {
			testkit.Send(t, row.method, s.base+row.path, row.body, "X-Request-ID", row.id, "Authorization", "s3cret", "Cookie", "s3cret")
			got := s.logged(t, row.id)
			if got.Took <= 0 || got.IP != "127.0.0.1" {
				t.Errorf("%+v", got)
			}
			row.want.ID, row.want.Msg, row.want.IP, row.want.Took = row.id, "request", got.IP, got.Took
			if row.want.Route == "" {
				row.want.Route = got.Route
			}
			if got != row.want {
				t.Errorf("%+v, want %+v", got, row.want)
			}
		})
	}
	log := s.log.String()
	if strings.Contains(strings.ToLower(log), "s3cret") {
		t.Errorf("the log holds what callers said: %s", log)
	}
	// What went wrong stands under the request's id.
	if !strings.Contains(log, `"msg":"request failed","id":"ours"`) || !strings.Contains(log, errStore.Error()) {
		t.Errorf("the log does not say why: %s", log)
	}
}

// TestOperationLog has the bot and the figures of operations on their lines.
func TestOperationLog(t *testing.T) {
	t.Parallel()
	s := serve(t, store.NewMemory(store.MemoryOptions{}), func(c lists.Call) lists.Answer {
		if c.Op() == lists.Readings {
			return lists.Answer{Status: 404}
		}
		return testkit.Thanks(c)
	})
	good := `{"bot_id":"` + botA + `","server_count":5,"one.test":"t","none.test":"t"}`
	for _, row := range []struct {
		id, method, path, body string
		want                   string // the end of the line
	}{
		{"count", "POST", "/api/count", good, `"bot":"` + botA + `","ok":1,"failed":0,"skipped":1}`},
		{"limited", "POST", "/api/count", good, `"bot":"` + botA + `"}`},
		{"invalid", "POST", "/api/count", `{"bot_id":"x"}`, `"ip":"127.0.0.1"}`},
		{"dry-run", "POST", "/api/count?dry_run", good, `"bot":"` + botA + `","ok":0,"failed":0,"skipped":1}`},
		{"reading", "GET", "/api/bots/" + botA, "", `"bot":"` + botA + `","ok":0,"failed":1,"skipped":0}`},
		{"lookup", "POST", "/api/bots/" + botB + "/lookup", "{}", `"bot":"` + botB + `","ok":0,"failed":1,"skipped":0}`},
		{"no-bot", "GET", "/api/bots/<b>", "", `"ip":"127.0.0.1"}`},
	} {
		testkit.Send(t, row.method, s.base+row.path, row.body, "X-Request-ID", row.id)
		s.logged(t, row.id)
		for text := range strings.Lines(s.log.String()) {
			if strings.Contains(text, `"id":"`+row.id+`"`) && !strings.HasSuffix(text, row.want+"\n") {
				t.Errorf("%swant at its end %s", text, row.want)
			}
		}
	}
}

// TestMachinesRequestsAreLoggedAtDebug has requests that come every few seconds.
func TestMachinesRequestsAreLoggedAtDebug(t *testing.T) {
	t.Parallel()
	s, _ := serveMetrics(t, testkit.Thanks)
	for path, want := range map[string]string{"/api/health": "DEBUG", "/api/health/?verbose": "DEBUG", "/metrics": "DEBUG", "/api/lists": "INFO", "/metrics/x": "INFO"} {
		id := strings.ReplaceAll(strings.Trim(path, "/?"), "/", "-")
		id = strings.ReplaceAll(id, "?", "")
		testkit.Send(t, "GET", s.base+path, "", "X-Request-ID", id)
		if l := s.logged(t, id); l.Level != want {
			t.Errorf("%s is logged at %s, want %s", path, l.Level, want)
		}
	}
}

// TestCallLog has a line for each call, under its request's id.
func TestCallLog(t *testing.T) {
	t.Parallel()
	s, _ := serveMetrics(t, func(c lists.Call) lists.Answer {
		if c.Op() == lists.Readings {
			return lists.Answer{Status: lists.NoAnswer, Fault: lists.FaultTimeout, Took: 2 * time.Second}
		}
		return lists.Answer{Status: 201, Took: 1500 * time.Microsecond}
	}, func(c *httpapi.Config) {
		log := c.Log
		c.Aggregator.Observe = func(ctx context.Context, o aggregate.Outcome) { httpapi.LogCall(ctx, log, o) }
	})
	testkit.Send(t, "POST", s.base+"/api/count", `{"bot_id":"`+botA+`","server_count":5,"one.test":"s3cret","none.test":"s3cret"}`, "X-Request-ID", "post")
	testkit.Send(t, "GET", s.base+"/api/bots/"+botA, "", "X-Request-ID", "read")
	var got []string
	for text := range strings.Lines(s.log.String()) {
		if _, rest, ok := strings.Cut(text, `"level":"DEBUG","msg":"call",`); ok {
			got = append(got, strings.TrimSpace(rest))
		}
	}
	want := []string{
		`"id":"post","list":"one.test","direction":"posts","status":201,"ms":1.5}`,
		`"id":"read","list":"one.test","direction":"readings","fault":"timeout","ms":2000}`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s\nwant %s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestIgnoredHeaderIsToldOnce sends the header of a proxy that is not trusted.
func TestIgnoredHeaderIsToldOnce(t *testing.T) {
	t.Parallel()
	s := serve(t, store.NewMemory(store.MemoryOptions{}), testkit.Thanks)
	const want = `"level":"WARN","msg":"X-Forwarded-For from 127.0.0.1 is ignored; see --trusted-proxies"`
	testkit.Send(t, "GET", s.base+"/api/lists", "")
	if log := s.log.String(); strings.Contains(log, "ignored") {
		t.Errorf("without the header: %s", log)
	}
	for range 3 {
		testkit.Send(t, "GET", s.base+"/api/lists", "", "X-Forwarded-For", "192.0.2.1")
	}
	if got := strings.Count(s.log.String(), want); got != 1 {
		t.Errorf("told %d times, want once: %s", got, s.log.String())
	}
}

func TestPanicIsLoggedUnderItsRequest(t *testing.T) {
	t.Parallel()
	s := serve(t, store.NewMemory(store.MemoryOptions{}), func(lists.Call) lists.Answer { panic("s3cret") })
	a := testkit.Send(t, "POST", s.base+"/api/count", `{"bot_id":"`+botA+`","server_count":5,"one.test":"s3cret"}`, "X-Request-ID", "on-fire")
	wantError(t, a, 500, internal)
	if a.Header.Get("X-Request-ID") != "on-fire" {
		t.Errorf("%v", a.Header)
	}
	log := s.log.String()
	if !strings.Contains(log, "panicked") || !strings.Contains(log, `"id":"on-fire"`) || strings.Contains(log, "s3cret") {
		t.Errorf("log: %s", log)
	}
}

func TestLogLevel(t *testing.T) {
	t.Parallel()
	s := serve(t, store.NewMemory(store.MemoryOptions{}), func(lists.Call) lists.Answer { panic("list on fire") }, func(c *httpapi.Config) {
		c.Log = slog.New(filtered{c.Log.Handler(), slog.LevelError})
	})
	testkit.Send(t, "GET", s.base+"/api/lists", "")
	count(t, s, botA)
	for text := range strings.Lines(s.log.String()) {
		if !strings.Contains(text, `"level":"ERROR"`) {
			t.Errorf("logged: %s", text)
		}
	}
	if !strings.Contains(s.log.String(), "panicked") {
		t.Errorf("the panic is not logged: %s", s.log.String())
	}
}

// filtered lets through what is of a level at least.
type filtered struct {
	slog.Handler
	least slog.Level
}

func (f filtered) Enabled(_ context.Context, l slog.Level) bool { return l >= f.least }

// TestHeadersOfEveryAnswer looks at the headers that browsers heed.
func TestHeadersOfEveryAnswer(t *testing.T) {
	t.Parallel()
	panics := func(lists.Call) lists.Answer { panic("list on fire") }
	good, _ := serveMetrics(t, testkit.Thanks)
	bad, _ := serveMetrics(t, panics)
	stopped, _ := serveMetrics(t, testkit.Thanks)
	stopped.api.StopServing()
	okCount := `{"bot_id":"` + botB + `","server_count":5,"one.test":"t"}`
	for _, row := range []struct {
		name, method, url, body string
		status                  int
	}{
		{"lists", "GET", good.base + "/api/lists", "", 200},
		{"HEAD", "HEAD", good.base + "/api/lists", "", 200},
		{"health", "GET", good.base + "/api/health", "", 200},
		{"verbose health", "GET", good.base + "/api/health?verbose", "", 200},
		{"metrics", "GET", good.base + "/metrics", "", 200},
		{"redirect", "GET", good.base + "/api/docs", "", 302},
		{"reading", "GET", good.base + "/api/bots/" + botA, "", 200},
		{"429", "GET", good.base + "/api/bots/" + botA, "", 429},
		{"count", "POST", good.base + "/api/count", okCount, 200},
		{"400", "POST", good.base + "/api/count", "", 400},
		{"404", "GET", good.base + "/", "", 404},
		{"404 of the API", "GET", good.base + "/api/nowhere", "", 404},
		{"404 of a list", "GET", good.base + "/api/lists/nowhere.test", "", 404},
		{"405", "DELETE", good.base + "/api/lists", "", 405},
		{"OPTIONS", "OPTIONS", good.base + "/api/lists", "", 405},
		{"413", "POST", good.base + "/api/count", strings.Repeat(" ", httpapi.MaxBody+1), 413},
		{"413 of a reading", "GET", good.base + "/api/bots/" + botA, strings.Repeat(" ", httpapi.MaxBody+1), 413},
		{"500", "POST", bad.base + "/api/count", okCount, 500},
		{"500 of a reading", "GET", bad.base + "/api/bots/" + botA, "", 500},
		{"503", "GET", stopped.base + "/api/health", "", 503},
		{"503 while it stops", "GET", stopped.base + "/api/lists", "", 503},
	} {
		t.Run(row.name, func(t *testing.T) {
			a := testkit.Send(t, row.method, row.url, row.body)
			if a.Status != row.status {
				t.Errorf("%d %s, want %d", a.Status, a.Body, row.status)
			}
			for h, want := range map[string]string{
				"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Access-Control-Allow-Origin": "*",
				"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
			} {
				if got := a.Header.Get(h); got != want {
					t.Errorf("%s: %q, want %q", h, got, want)
				}
			}
			if got := a.Header.Get("X-Request-ID"); !ownID.MatchString(got) {
				t.Errorf("X-Request-ID: %q", got)
			}
			if a.Status == 503 && row.url == stopped.base+"/api/lists" && a.Header.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
			if strings.Contains(a.Header.Get("Server"), "echo") || a.Header.Get("X-Powered-By") != "" {
				t.Errorf("it says what it is made of: %v", a.Header)
			}
		})
	}
}

package httpapi_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"aggregator/aggregate"
	"aggregator/httpapi"
	"aggregator/internal/testkit"
	"aggregator/lists"
	"aggregator/store"
)

// listens notes what lists are asked, with which credential, and takes everything.
type listens struct {
	mu   sync.Mutex
	sent []string
}

func (l *listens) run(c lists.Call) lists.Answer {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := c.Wire()
	l.sent = append(l.sent, strings.TrimSpace(r.Method+" "+strings.TrimPrefix(r.URL, "https://one.test/")+" "+c.Token().Reveal()+" "+string(r.Body)))
	return lists.Answer{Status: 200, Body: []byte(`{"ok":true}`), Took: time.Millisecond}
}

func (l *listens) heard() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.sent, "; ")
}

// TestReports has what each kind of report becomes, and whose token goes out.
func TestReports(t *testing.T) {
	t.Parallel()
	const (
		right     = "Bearer " + botKey
		commands  = "/api/bots/" + botA + "/commands"
		nothing   = `{"success":{},"failure":{},`
		hint      = `{"success":{},"failure":{},"hint":"No list is named. Name each list by its id, with your token for it: {\"LIST\": \"TOKEN\"}. GET /api/lists has the ids."}`
		tokenGone = `"skipped":{"one.test":"Revoked: one.test has revoked this token; send a new one"}}`
	)
	type step struct{ method, path, body, authorization, want string }
	ok := func(sent string) string {
		return `{"success":{"one.test":[200,"{\"ok\":true}","` + strings.ReplaceAll(sent, `"`, `\"`) + `"]},"failure":{}}`
	}
	for _, tt := range []struct {
		name  string
		steps []step
		sent  string
	}{
		{"commands", []step{{"PUT", commands, `{"commands":[{"name":"a"}],"one.test":"mine"}`, "", ok(`[{"name":"a"}]`)}}, `POST c mine [{"name":"a"}]`},
		{"an error", []step{{"POST", "/api/errors", `{"bot_id":"` + botA + `","message":"m","tokens":{"one.test":"mine"}}`, "", ok(`{"m":"m"}`)}}, `POST e mine {"m":"m"}`},
		{"an edit", []step{{"PATCH", "/api/bots/" + botA, `{"tags":["a"],"one.test":"mine"}`, "", ok(`{"t":["a"]}`)}}, `PATCH l mine {"t":["a"]}`},
		{"an edit of what it does not take", []step{{"PATCH", "/api/bots/" + botA, `{"invite":"https://a.test/","one.test":"mine"}`, "", nothing + `"skipped":{"one.test":"Nothing to send: takes tags"}}`}}, ``},
		{"analytics, without a time", []step{{"POST", "/api/analytics?dry_run", `{"bot_id":"` + botA + `","server_id":"` + voter + `","active_users":1,"timestamp":"2026-11-25T20:00:00Z","one.test":"mine"}`, "",
			`{"dry_run":true,"requests":{"one.test":{"method":"POST","url":"https://one.test/a","headers":{"Content-Type":"application/json","Authorization":"***","User-Agent":"Go-http-client/1.1"},"body":"{\"s\":\"` + voter + `\",\"u\":1,\"t\":\"2026-11-25T20:00:00Z\"}"}},"skipped":{}}`}}, ``},
		{"totals", []step{{"POST", "/api/bots/" + botA + "/votes/total", `{"one.test":"mine"}`, "",
			`{"lists":{},"failure":{"one.test":[200,"{\"ok\":true}"]},"skipped":{}}`}}, `GET ` + botA + `/v mine`},
		{"a developer", []step{{"POST", "/api/developers/some-one", `{"one.test":"mine"}`, "", `{"lists":{"one.test":[{"ok":true},200]},"skipped":{}}`}}, `GET d/some-one mine`},
		{"an unknown list", []step{{"POST", "/api/errors", `{"bot_id":"` + botA + `","message":"m","one.tset":"mine"}`, "", nothing + `"skipped":{"one.tset":"Unknown list, did you mean \"one.test\"?"}}`}}, ``},
		{"a list that takes none", []step{{"POST", "/api/errors", `{"bot_id":"` + botA + `","message":"m","tells.test":"mine"}`, "", nothing + `"skipped":{"tells.test":"No errors API"}}`}}, ``},
		{"a blank token", []step{{"POST", "/api/errors", `{"bot_id":"` + botA + `","message":"m","one.test":null}`, "", nothing + `"skipped":{"one.test":"No token"}}`}}, ``},
		{"no list", []step{{"POST", "/api/errors", `{"bot_id":"` + botA + `","message":"m"}`, "", hint}}, ``},

		{"the key", []step{{"POST", "/api/errors", `{"bot_id":"` + botA + `","message":"m"}`, right, ok(`{"m":"m"}`)}}, `POST e own-token {"m":"m"}`},
		{"the key beside a token", []step{{"POST", "/api/errors", `{"bot_id":"` + botA + `","message":"m","one.test":"mine"}`, right, ok(`{"m":"m"}`)}}, `POST e mine {"m":"m"}`},
		{"a wrong key", []step{{"POST", "/api/errors", `{"bot_id":"` + botA + `","message":"m"}`, "Bearer wrong", unknownKey}}, ``},
		{"what is wrong comes before the key", []step{{"POST", "/api/errors", `{"bot_id":"` + botA + `"}`, "Bearer wrong", `{"error":true,"status":400,"message":"'message' is required"}`}}, ``},
		{"totals with the key and no body", []step{{"POST", "/api/bots/" + botA + "/votes/total", "", right, `{"lists":{},"failure":{"one.test":[200,"{\"ok\":true}"]},"skipped":{}}`}}, `GET ` + botA + `/v own-token`},

		{"a heartbeat with the key, without a bridge key", []step{{"POST", "/api/heartbeat", `{"bot_id":"` + botA + `","online":true}`, right, nothing + `"skipped":{"one.test":"No bridge key"}}`}}, ``},
		{"a heartbeat with the key and a bridge key", []step{{"POST", "/api/heartbeat", `{"bot_id":"222222222222222222","online":true}`, "Bearer another key of twenty", ok(`{"o":true}`)}}, `POST h own-bridge {"o":true}`},
		{"a heartbeat with the key, beside a bridge key", []step{{"POST", "/api/heartbeat", `{"bot_id":"222222222222222222","online":true,"one.test":{"bridge_key":"mine"}}`, "Bearer another key of twenty", ok(`{"o":true}`)}}, `POST h mine {"o":true}`},
		{"an error of a bot with a bridge key", []step{{"POST", "/api/errors", `{"bot_id":"222222222222222222","message":"m"}`, "Bearer another key of twenty", ok(`{"m":"m"}`)}}, `POST e own-token {"m":"m"}`},

		{"an invalidation names its lists", []step{{"POST", "/api/bots/" + botA + "/invalidate", "", right, hint}}, ``},
		{"an invalidation with the file's token", []step{
			{"POST", "/api/bots/" + botA + "/invalidate", `{"one.test":null}`, right, ok(``)},
			{"PUT", commands, `{"commands":[]}`, right, nothing + tokenGone},
			{"POST", "/api/count", `{"bot_id":"` + botA + `","server_count":1}`, right, nothing + tokenGone},
		}, `GET i own-token`},
		{"a dry run of an invalidation", []step{
			{"POST", "/api/bots/" + botA + "/invalidate?dry_run=1", `{"one.test":"mine"}`, "", `{"dry_run":true,"requests":{"one.test":{"method":"GET","url":"https://one.test/i","headers":{"Authorization":"***","User-Agent":"Go-http-client/1.1"},"body":""}},"skipped":{}}`},
			{"PUT", commands, `{"commands":[{"name":"a"}],"one.test":"mine"}`, "", ok(`[{"name":"a"}]`)},
		}, `POST c mine [{"name":"a"}]`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var l listens
			st := store.NewMemory(store.MemoryOptions{})
			s := serveAll(t, st, l.run, func(c *httpapi.Config) {
				c.Aggregator.Holds = aggregate.NewHolds(st.Windows(), store.NewHasher(st.Secret()), time.Now, c.Log)
			})
			for _, at := range tt.steps {
				var headers []string
				if at.authorization != "" {
					headers = []string{"Authorization", at.authorization}
				}
				if a := testkit.Send(t, at.method, s.base+at.path, at.body, headers...); a.Body != at.want {
					t.Errorf("%s %s: got %d\n%s, want\n%s", at.method, at.path, a.Status, a.Body, at.want)
				}
			}
			if got := l.heard(); got != tt.sent {
				t.Errorf("the list got\n%s, want\n%s", got, tt.sent)
			}
		})
	}
}

// TestReportBodiesAreBounded has bodies of which much would be made, and those that
// clients or lists may break on.
func TestReportBodiesAreBounded(t *testing.T) { // not in parallel: it counts allocations
	names := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `,"l%d":1`, i)
		}
		return b.String()
	}
	nested := func(n int) string {
		return `{"commands":[{"name":"a","x":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}]}`
	}
	const (
		tooMany = "Body names more than 1000 lists"
		unread  = "Body must be nested at most 64 deep, and no number in it may have more than 400 digits"
	)
	for name, tt := range map[string]struct{ body, want string }{
		"names":               {`{"commands":[]` + names(1000) + `}`, ""},
		"too many names":      {`{"commands":[]` + names(1001) + `}`, tooMany},
		"tokens":              {`{"commands":[],"tokens":{` + names(1000)[1:] + `}}`, ""},
		"too many tokens":     {`{"commands":[],"tokens":{` + names(1001)[1:] + `}}`, tooMany},
		"far too many tokens": {`{"commands":[],"tokens":{` + names(50_000)[1:] + `}}`, tooMany},
		"both":                {`{"commands":[],"tokens":{` + names(500)[1:] + `}` + names(501) + `}`, tooMany},
		"one key":             {`{"commands":[]` + strings.Repeat(`,"a":1`, 2000) + `}`, tooMany},
		"nested":              {nested(61), ""},
		"nested too deep":     {nested(62), unread},
		"a long number":       {`{"commands":[{"name":"a","x":` + strings.Repeat("1", 401) + `}]}`, unread},
	} {
		request, err := httpapi.ParseReport(lists.Commands, botA, []byte(tt.body))
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
		if len(request.Tokens) > 1000 {
			t.Errorf("%s: %d tokens were made", name, len(request.Tokens))
		}
	}
	body := []byte(`{"commands":[],"tokens":{` + names(50_000)[1:] + `}}`)
	if n := testing.AllocsPerRun(5, func() { _, _ = httpapi.ParseReport(lists.Commands, botA, body) }); n > 100 {
		t.Errorf("a body that is refused costs %.0f allocations", n)
	}
}

// TestReportLimits has that each kind has a window of its own.
func TestReportLimits(t *testing.T) {
	t.Parallel()
	s := serveAll(t, store.NewMemory(store.MemoryOptions{}), testkit.Thanks, func(*httpapi.Config) {})
	send := func(path, body string, status int) testkit.Answer {
		t.Helper()
		a := testkit.Send(t, "POST", s.base+path, body)
		if a.Status != status {
			t.Errorf("%s: got %d %s, want %d", path, a.Status, a.Body, status)
		}
		return a
	}
	failed := `{"bot_id":"` + botA + `","message":"m","one.test":"mine"}`
	for range 6 {
		send("/api/errors", failed, 200)
	}
	a := send("/api/errors", failed, 429)
	if policy := a.Header.Get("RateLimit-Policy"); policy != `"errors";q=6;w=60` {
		t.Errorf("policy is %s", policy)
	}
	send("/api/announcements", `{"bot_id":"`+botA+`","title":"a","text":"b","one.test":"mine"}`, 200)
	send("/api/errors", `{"bot_id":"`+botB+`","message":"m","one.test":"mine"}`, 200)
	send("/api/developers/one", `{"one.test":"mine"}`, 200)
	send("/api/developers/two", `{"one.test":"mine"}`, 200)
	send("/api/developers/one", `{"one.test":"mine"}`, 429)
}

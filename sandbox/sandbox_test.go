package sandbox_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"aggregator/lists"
	"aggregator/sandbox"
)

const bot = "123456789012345678"

// list compiles an entry, which gets the fields that every entry has.
func list(t *testing.T, id string, e lists.Entry) *lists.List {
	t.Helper()
	e.Name, e.URL = "Test", "https://list.example"
	l, problems := lists.New(id, e)
	if len(problems) > 0 {
		t.Fatalf("entry of %s: %v", id, problems)
	}
	return l
}

// request is a request as a test writes it down.
type request struct {
	method string            // POST when empty
	url    string            // the plain entry's when empty
	header map[string]string // beside Content-Type and Authorization
	kind   string            // Content-Type; application/json when empty, none when "-"
	token  string            // Authorization; "token" when empty, none when "-"
	body   string
}

func (r request) build() *http.Request {
	set := func(h http.Header, name, value, otherwise string) {
		if value == "" {
			value = otherwise
		}
		if value != "-" {
			h.Set(name, value)
		}
	}
	if r.method == "" {
		r.method = http.MethodPost
	}
	if r.url == "" {
		r.url = "https://list.example/api/bots/" + bot
	}
	req := httptest.NewRequest(r.method, r.url, strings.NewReader(r.body))
	set(req.Header, "Content-Type", r.kind, "application/json")
	set(req.Header, "Authorization", r.token, "token")
	for name, value := range r.header {
		req.Header.Set(name, value)
	}
	return req
}

func ask(s *sandbox.Sandbox, r request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r.build())
	return w
}

const api = "https://list.example/api/bots/:id"

// Entries with one mechanism each.
var (
	plain   = lists.Entry{APIPost: api, APIField: "server_count", APIGet: api}
	nested  = lists.Entry{APIPost: api, APIField: "bot.count"}
	shards  = lists.Entry{APIPost: api, APIField: "server_count", APIShardID: "shard_id", APIShardCount: "shard_count", APIShards: "shards"}
	shared  = lists.Entry{APIPost: api, APIField: "count", APIShards: "count"}
	objects = lists.Entry{APIPost: api, APIField: "guildCount", APIShards: "shards",
		Post: &lists.PostEntry{ShardObject: &lists.ShardObjectEntry{ID: "shardId", Count: "guildCount"}}}
	twoNames = lists.Entry{APIPost: api, Post: &lists.PostEntry{
		Fields: &lists.FieldsEntry{ServerCount: lists.Names{"server_count", "stats.servers"}, UserCount: lists.Names{"users"}}}}
	asStrings = lists.Entry{APIPost: api, APIField: "count", APIShards: "shards", Post: &lists.PostEntry{Numbers: "string"}}
	constants = lists.Entry{APIPost: api, APIField: "count",
		Post: &lists.PostEntry{Constants: map[string]any{"status": "online", "version": int64(2), "meta.ready": true}}}
	defaults = lists.Entry{APIPost: api, APIField: "count", APIShardCount: "shard_count", Post: &lists.PostEntry{Defaults: &lists.DefaultsEntry{ShardCount: new(int64(1))}}}
	form     = lists.Entry{APIPost: api, APIField: "count",
		Post: &lists.PostEntry{Body: "form", Constants: map[string]any{"active": true}, Auth: &lists.AuthEntry{In: "body", Name: "key"}}}
	query     = lists.Entry{APIPost: api, APIField: "count", Post: &lists.PostEntry{Body: "query"}}
	bearer    = lists.Entry{APIPost: api, APIField: "count", Post: &lists.PostEntry{Auth: &lists.AuthEntry{Prefix: "Bearer "}}}
	headerKey = lists.Entry{APIPost: api, APIField: "count", Post: &lists.PostEntry{Auth: &lists.AuthEntry{Name: "X-API-Key"}}}
	queryKey  = lists.Entry{APIPost: api, APIField: "count", Post: &lists.PostEntry{Auth: &lists.AuthEntry{In: "query", Name: "code"}}}
	bodyKey   = lists.Entry{APIPost: api, APIField: "count", Post: &lists.PostEntry{Auth: &lists.AuthEntry{In: "body", Name: "auth.key", Prefix: "SDC "}}}
	agent     = lists.Entry{APIPost: api, APIField: "count", Post: &lists.PostEntry{Headers: map[string]string{"User-Agent": "svc/1 (go) DBots/:id"}}}
	botInBody = lists.Entry{APIPost: "https://list.example/api/stats", Post: &lists.PostEntry{
		Fields: &lists.FieldsEntry{ServerCount: lists.Names{"count"}, BotID: lists.Names{"bot"}}}}
	numbered = lists.Entry{Post: &lists.PostEntry{URL: "https://list.example/api/bots/:list_bot_id/stats",
		Fields: &lists.FieldsEntry{ServerCount: lists.Names{"count"}, ListBotID: lists.Names{"id"}}}}
	tokenOnly = lists.Entry{APIPost: "https://list.example/api/stats?v=2", APIField: "count"}
	noField   = lists.Entry{APIPost: api}
	patched   = lists.Entry{APIPost: api, APIField: "count", Post: &lists.PostEntry{Method: "PATCH"}}
	flagged   = lists.Entry{APIPost: api, APIField: "count", Post: &lists.PostEntry{Success: &lists.SuccessEntry{Field: "result.error", Is: false}}}
	twoWays   = lists.Entry{APIPost: api, APIField: "count", APIGet: api, Post: &lists.PostEntry{Answer: "empty", Otherwise: &lists.OtherwiseEntry{On: []int{401}, PostEntry: lists.PostEntry{
		URL: "https://list.example/me", Method: "PATCH", Auth: &lists.AuthEntry{Prefix: "Bearer "}, Success: &lists.SuccessEntry{Field: "ok", Is: true}}}}}
	silent = lists.Entry{APIPost: api, APIField: "count", Post: &lists.PostEntry{Answer: "empty"}}
)

func TestChecks(t *testing.T) {
	const home = "https://list.example/api/bots/" + bot
	tests := []struct {
		name    string
		entry   lists.Entry
		request request
		status  int
		answer  string // part of it
	}{
		{"plain", plain, request{body: `{"server_count":5}`}, 200, `{"success":true}`},
		{"zero", plain, request{body: `{"server_count":0}`}, 200, ``},
		{"charset", plain, request{kind: "application/json; charset=UTF-8", body: `{"server_count":5}`}, 200, ``},
		{"host in capitals", plain, request{url: "https://LIST.example/api/bots/" + bot, body: `{"server_count":5}`}, 200, ``},

		{"other host", plain, request{url: "https://other.example/api/bots/" + bot}, 404, `{"message":"Nothing is here"}`},
		{"other path", plain, request{url: home + "/stats"}, 404, ``},
		{"no snowflake", plain, request{url: "https://list.example/api/bots/123"}, 404, ``},
		{"leading zero", plain, request{url: "https://list.example/api/bots/0123456789012345"}, 404, ``},
		{"other method", plain, request{method: "PUT"}, 405, `Method PUT`},
		{"bad query", plain, request{url: home + "?%zz"}, 400, `Query`},
		{"unknown query", plain, request{url: home + "?a=1", body: `{"server_count":5}`}, 400, `Query parameter \"a\"`},
		{"too large", plain, request{body: strings.Repeat(" ", 2<<20) + "{}"}, 413, `2097152`},

		{"no token", plain, request{token: "-", body: `{"server_count":5}`}, 401, `missing`},
		{"bad token", plain, request{token: "bad", body: `{"server_count":5}`}, 401, `not known`},
		{"longer bad token", plain, request{token: "bad-0815", body: `{"server_count":5}`}, 401, `not known`},
		{"a scheme that the list has not", plain, request{token: "Bearer token", body: `{"server_count":5}`}, 401, `not known`},
		{"long token", plain, request{token: strings.Repeat("x", 1025), body: `{"server_count":5}`}, 401, `not known`},
		{"token before body", plain, request{token: "bad", body: `{`}, 401, ``},

		{"first way", twoWays, request{body: `{"count":5}`}, 204, ``},
		{"first way, token of the second", twoWays, request{token: "second-1", body: `{"count":5}`}, 401, `not known`},
		{"second way", twoWays, request{method: "PATCH", url: "https://list.example/me", token: "Bearer second-1", body: `{"count":5}`}, 200, `{"ok":true}`},
		{"second way, token of the first", twoWays, request{method: "PATCH", url: "https://list.example/me", token: "Bearer token", body: `{"count":5}`}, 401, `"ok":false`},
		{"any token where there is one way", plain, request{token: "second-1", body: `{"server_count":5}`}, 200, ``},

		{"form for JSON", plain, request{kind: "application/x-www-form-urlencoded", body: `{"server_count":5}`}, 415, `application/json`},
		{"no type", plain, request{kind: "-", body: `{"server_count":5}`}, 415, ``},
		{"other charset", plain, request{kind: "application/json; charset=latin1", body: `{"server_count":5}`}, 415, ``},
		{"no body", plain, request{}, 400, `cannot be read`},
		{"not JSON", plain, request{body: `{"server_count":5`}, 400, `cannot be read`},
		{"more than JSON", plain, request{body: `{"server_count":5}{}`}, 400, `cannot be read`},
		{"not UTF-8", plain, request{body: "{\"server_count\":\"\xff\"}"}, 400, `cannot be read`},
		{"key twice", plain, request{body: `{"server_count":5,"server_count":5}`}, 400, `twice`},
		{"array", plain, request{body: `[5]`}, 400, `object`},
		{"unknown field", plain, request{body: `{"server_count":5,"shard_id":0}`}, 400, `Field \"shard_id\" is not known`},
		{"no count", plain, request{body: `{}`}, 400, `count is missing`},
		{"null", plain, request{body: `{"server_count":null}`}, 400, `null`},
		{"string", plain, request{body: `{"server_count":"5"}`}, 400, `whole number`},
		{"fraction", plain, request{body: `{"server_count":5.0}`}, 400, `whole number`},
		{"exponent", plain, request{body: `{"server_count":1e3}`}, 400, `whole number`},
		{"negative", plain, request{body: `{"server_count":-5}`}, 400, `whole number`},
		{"too big", plain, request{body: `{"server_count":9007199254740992}`}, 400, `whole number`},
		{"array where none goes", plain, request{body: `{"server_count":[5]}`}, 400, `whole number`},

		{"nested", nested, request{body: `{"bot":{"count":5}}`}, 200, ``},
		{"not nested", nested, request{body: `{"bot.count":5}`}, 400, `not known`},
		{"nested in a number", nested, request{body: `{"bot":5}`}, 400, `must be an object`},
		{"nested unknown", nested, request{body: `{"bot":{"count":5,"x":1}}`}, 400, `\"bot.x\"`},
		{"nested empty", nested, request{body: `{"bot":{}}`}, 400, `missing`},

		{"shard", shards, request{body: `{"server_count":5,"shard_id":0,"shard_count":2}`}, 200, ``},
		{"shard beyond", shards, request{body: `{"server_count":5,"shard_id":2,"shard_count":2}`}, 400, `below`},
		{"null shard", shards, request{body: `{"server_count":5,"shard_id":null}`}, 400, `null`},
		{"no shards at all", shards, request{body: `{"server_count":5,"shard_count":0}`}, 400, `at least 1`},
		{"shards", shards, request{body: `{"shards":[1,2],"shard_count":2}`}, 200, ``},
		{"shards and count", shards, request{body: `{"shards":[1,2],"server_count":3}`}, 400, `not both`},
		{"empty shards", shards, request{body: `{"shards":[]}`}, 400, `not empty`},
		{"shards a number", shards, request{body: `{"shards":1}`}, 400, `not empty`},
		{"null in shards", shards, request{body: `{"shards":[1,null]}`}, 400, `each shard`},
		{"only shards missing", shards, request{body: `{"shard_count":2}`}, 400, `missing`},
		{"one name, a count", shared, request{body: `{"count":5}`}, 200, ``},
		{"one name, shards", shared, request{body: `{"count":[5,6]}`}, 200, ``},
		{"one name, empty shards", shared, request{body: `{"count":[]}`}, 400, `not empty`},
		{"one name, a string", shared, request{body: `{"count":"5"}`}, 400, `whole number`},
		{"shard objects", objects, request{body: `{"shards":[{"shardId":0,"guildCount":1},{"shardId":1,"guildCount":2}]}`}, 200, ``},
		{"bare shards for objects", objects, request{body: `{"shards":[1,2]}`}, 400, `object of its own`},
		{"shard objects with more", objects, request{body: `{"shards":[{"shardId":0,"guildCount":1,"x":1}]}`}, 400, `object of its own`},
		{"shard objects with less", objects, request{body: `{"shards":[{"shardId":0,"x":1}]}`}, 400, `each shard`},
		{"shard objects twice", objects, request{body: `{"shards":[{"shardId":0,"guildCount":1},{"shardId":0,"guildCount":1}]}`}, 400, `object of its own`},

		{"two names", twoNames, request{body: `{"server_count":5,"stats":{"servers":5},"users":7}`}, 200, ``},
		{"first name only", twoNames, request{body: `{"server_count":5}`}, 400, `the same`},
		{"second name only", twoNames, request{body: `{"stats":{"servers":5}}`}, 400, `the same`},
		{"two names, two counts", twoNames, request{body: `{"server_count":5,"stats":{"servers":6}}`}, 400, `the same`},
		{"numbers as strings", asStrings, request{body: `{"count":"5"}`}, 200, ``},
		{"shards as strings", asStrings, request{body: `{"shards":["5","6"]}`}, 200, ``},
		{"numbers where strings go", asStrings, request{body: `{"count":5}`}, 400, `as a string`},
		{"words where numbers go", asStrings, request{body: `{"count":"many"}`}, 400, `as a string`},
		{"zeros before a number", asStrings, request{body: `{"count":"05"}`}, 400, `as a string`},
		{"constants", constants, request{body: `{"count":5,"status":"online","version":2,"meta":{"ready":true}}`}, 200, ``},
		{"constant missing", constants, request{body: `{"count":5,"status":"online","version":2}`}, 400, `\"meta.ready\" must be true`},
		{"constant wrong", constants, request{body: `{"count":5,"status":"online","version":"2","meta":{"ready":true}}`}, 400, `\"version\" must be 2`},
		{"default given", defaults, request{body: `{"count":5,"shard_count":1}`}, 200, ``},
		{"default missing", defaults, request{body: `{"count":5}`}, 400, `\"shard_count\" is missing`},
		{"no field at all", noField, request{body: `{}`}, 200, ``},
		{"no field, but something", noField, request{body: `{"server_count":5}`}, 400, `not known`},

		{"form", form, request{token: "-", kind: "application/x-www-form-urlencoded", body: `count=5&active=true&key=token`}, 200, ``},
		{"form without token", form, request{token: "-", kind: "application/x-www-form-urlencoded", body: `count=5&active=true`}, 401, `missing`},
		{"form with bad token", form, request{token: "-", kind: "application/x-www-form-urlencoded", body: `count=5&active=true&key=bad`}, 401, `not known`},
		{"form unknown field", form, request{token: "-", kind: "application/x-www-form-urlencoded", body: `count=5&active=true&key=token&x=1`}, 400, `not known`},
		{"form field twice", form, request{token: "-", kind: "application/x-www-form-urlencoded", body: `count=5&active=true&key=token&count=5`}, 400, `twice`},
		{"form with escapes gone bad", form, request{token: "-", kind: "application/x-www-form-urlencoded", body: `count=%zz`}, 400, `no form`},
		{"JSON for a form", form, request{token: "-", body: `{"count":5}`}, 415, ``},
		{"query", query, request{url: home + "?count=5", kind: "-"}, 200, ``},
		{"query with a type", query, request{url: home + "?count=5"}, 415, `no body`},
		{"query with a body", query, request{url: home + "?count=5", kind: "-", body: `{}`}, 415, `no body`},
		{"query without", query, request{kind: "-"}, 400, `missing`},
		{"query unknown", query, request{url: home + "?count=5&x=1", kind: "-"}, 400, `not known`},

		{"prefix", bearer, request{token: "Bearer token", body: `{"count":5}`}, 200, ``},
		{"prefix in small letters", bearer, request{token: "bearer token", body: `{"count":5}`}, 200, ``},
		{"prefix missing", bearer, request{body: `{"count":5}`}, 401, `must begin with \"Bearer \"`},
		{"prefix twice", bearer, request{token: "Bearer Bearer token", body: `{"count":5}`}, 401, `not known`},
		{"other prefix", bearer, request{token: "Bot token", body: `{"count":5}`}, 401, `must begin`},
		{"prefix, bad token", bearer, request{token: "Bearer bad", body: `{"count":5}`}, 401, `not known`},
		{"token in a header", headerKey, request{token: "-", header: map[string]string{"X-API-Key": "token"}, body: `{"count":5}`}, 200, ``},
		{"token in another header", headerKey, request{body: `{"count":5}`}, 401, `missing`},
		{"token in the query", queryKey, request{url: home + "?code=token", token: "-", body: `{"count":5}`}, 200, ``},
		{"token twice in the query", queryKey, request{url: home + "?code=token&code=token", token: "-", body: `{"count":5}`}, 401, `not known`},
		{"token not in the query", queryKey, request{body: `{"count":5}`}, 401, `missing`},
		{"bad token in the query", queryKey, request{url: home + "?code=bad", body: `{"count":5}`}, 401, `not known`},
		{"token in the body", bodyKey, request{token: "-", body: `{"count":5,"auth":{"key":"SDC token"}}`}, 200, ``},
		{"token not in the body", bodyKey, request{body: `{"count":5}`}, 401, `missing`},
		{"token a number", bodyKey, request{body: `{"count":5,"auth":{"key":5}}`}, 401, `missing`},
		{"bad token in the body", bodyKey, request{body: `{"count":5,"auth":{"key":"SDC bad"}}`}, 401, `not known`},

		{"header", agent, request{header: map[string]string{"User-Agent": "svc/1 (go) DBots/" + bot}, body: `{"count":5}`}, 200, ``},
		{"header of another bot", agent, request{header: map[string]string{"User-Agent": "svc/1 (go) DBots/223456789012345678"}, body: `{"count":5}`}, 400, `User-Agent`},
		{"header missing", agent, request{body: `{"count":5}`}, 400, `User-Agent`},
		{"bot in the body", botInBody, request{url: "https://list.example/api/stats", body: `{"count":5,"bot":"` + bot + `"}`}, 200, ``},
		{"bot as a number", botInBody, request{url: "https://list.example/api/stats", body: `{"count":5,"bot":` + bot + `}`}, 400, `id as a string`},
		{"bot missing", botInBody, request{url: "https://list.example/api/stats", body: `{"count":5}`}, 400, `\"bot\" is missing`},
		{"list's number", numbered, request{url: "https://list.example/api/bots/042/stats", body: `{"count":5,"id":42}`}, 200, ``},
		{"two numbers", numbered, request{url: "https://list.example/api/bots/42/stats", body: `{"count":5,"id":43}`}, 400, `number of the bot`},
		{"number as a string", numbered, request{url: "https://list.example/api/bots/42/stats", body: `{"count":5,"id":"42"}`}, 400, `number of the bot`},
		{"no number", numbered, request{url: "https://list.example/api/bots/x/stats", body: `{"count":5,"id":42}`}, 404, ``},
		{"query of the URL", tokenOnly, request{url: "https://list.example/api/stats?v=2", body: `{"count":5}`}, 200, ``},
		{"another query", tokenOnly, request{url: "https://list.example/api/stats?v=3", body: `{"count":5}`}, 404, ``},
		{"no query", tokenOnly, request{url: "https://list.example/api/stats", body: `{"count":5}`}, 404, ``},

		{"PATCH", patched, request{method: "PATCH", body: `{"count":5}`}, 200, ``},
		{"not PATCH", patched, request{body: `{"count":5}`}, 405, ``},
		{"flag", flagged, request{body: `{"count":5}`}, 200, `{"result":{"error":false}}`},
		{"flag of a refusal", flagged, request{body: `{}`}, 400, `"result":{"error":true}`},
		{"nothing", silent, request{body: `{"count":5}`}, 204, ``},
		{"defunct", lists.Entry{APIPost: api, Defunct: true}, request{body: `{}`}, 404, ``},
		{"no post", lists.Entry{APIGet: api}, request{body: `{}`}, 405, ``},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := sandbox.New([]*lists.List{list(t, "list", tt.entry)})
			w := ask(s, tt.request)
			if body := w.Body.String(); w.Code != tt.status || !strings.Contains(body, tt.answer) {
				t.Errorf("answered %d %s, want %d %s", w.Code, body, tt.status, tt.answer)
			}
			if w.Code == http.StatusNoContent {
				return
			}
			if kind := w.Header().Get("Content-Type"); kind != "application/json" || !json.Valid(w.Body.Bytes()) {
				t.Errorf("answered %s: %s", kind, w.Body)
			}
			if _, stored := s.Count("list", bot); stored != (w.Code < 300) {
				t.Errorf("stored is %v after a %d", stored, w.Code)
			}
		})
	}
}

func TestAllow(t *testing.T) {
	s := sandbox.New([]*lists.List{list(t, "list", plain)})
	if got := ask(s, request{method: "DELETE"}).Header().Get("Allow"); got != "GET, POST" {
		t.Errorf("Allow is %q", got)
	}
}

func TestShards(t *testing.T) {
	s := sandbox.New([]*lists.List{list(t, "list", shards)})
	for _, step := range []struct {
		body string
		want int64
	}{
		{`{"server_count":100}`, 100},
		{`{"server_count":5,"shard_id":0,"shard_count":2}`, 5},
		{`{"server_count":6,"shard_id":1,"shard_count":2}`, 11},
		{`{"server_count":7,"shard_id":0,"shard_count":2}`, 13},
		{`{"shards":[1,2,3]}`, 6},
		{`{"server_count":0}`, 0},
		{`{"shards":[9007199254740991,9007199254740991]}`, 9007199254740991},
	} {
		if w := ask(s, request{body: step.body}); w.Code != 200 {
			t.Fatalf("%s: %d %s", step.body, w.Code, w.Body)
		}
		if got, _ := s.Count("list", bot); got != step.want {
			t.Errorf("after %s the count is %d, want %d", step.body, got, step.want)
		}
	}
}

func TestPosts(t *testing.T) {
	s := sandbox.New([]*lists.List{list(t, "list", plain)})
	for i := range 150 {
		ask(s, request{body: fmt.Sprintf(`{"server_count":%d}`, i)})
	}
	ask(s, request{token: "bad", body: `{}`})
	posts := s.Posts("list")
	if len(posts) != 100 {
		t.Fatalf("%d posts are recorded, want 100", len(posts))
	}
	last := posts[98]
	if last.Method != "POST" || last.URL != "https://list.example/api/bots/"+bot || last.Header.Get("Authorization") != "token" ||
		string(last.Body) != `{"server_count":149}` || last.Status != 200 {
		t.Errorf("recorded %+v", last)
	}
	if refused := posts[99]; refused.Status != 401 {
		t.Errorf("recorded %+v", refused)
	}
	if s.Posts("other") != nil {
		t.Error("posts to an unknown list")
	}
	if _, ok := s.Count("other", bot); ok {
		t.Error("a count of an unknown list")
	}
}

// clock is a clock that stands still until it is moved.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

func TestLimits(t *testing.T) {
	limited := func(p lists.PostEntry, limits ...lists.LimitEntry) lists.Entry {
		p.Limits = limits
		return lists.Entry{APIPost: api, APIField: "count", APIGet: api, Post: &p}
	}
	const other = "223456789012345678"
	start := time.Unix(1_700_000_000, 500_000_000)
	type step struct {
		after  time.Duration
		token  string
		bot    string
		status int
	}
	tests := []struct {
		name   string
		entry  lists.Entry
		steps  []step
		header string // of the last answer
		value  string
		body   string // part of the last answer
	}{
		{"token", limited(lists.PostEntry{}, lists.LimitEntry{Per: "token", Requests: 2, Seconds: 60}),
			[]step{{0, "a", bot, 200}, {0, "a", other, 200}, {0, "b", bot, 200}, {time.Second, "a", bot, 429}}, "Retry-After", "59", ``},
		{"interval over", limited(lists.PostEntry{}, lists.LimitEntry{Per: "token", Requests: 1, Seconds: 60}),
			[]step{{0, "a", bot, 200}, {59 * time.Second, "a", bot, 429}, {time.Second, "a", bot, 200}, {59 * time.Second, "a", bot, 429}}, "Retry-After", "1", ``},
		{"bot", limited(lists.PostEntry{}, lists.LimitEntry{Per: "bot", Requests: 1, Seconds: 60}),
			[]step{{0, "a", bot, 200}, {0, "a", other, 200}, {0, "b", bot, 429}}, "Retry-After", "60", ``},
		{"address", limited(lists.PostEntry{}, lists.LimitEntry{Per: "address", Requests: 1, Seconds: 60}),
			[]step{{0, "a", bot, 200}, {0, "b", other, 429}}, "Retry-After", "60", ``},
		{"two limits", limited(lists.PostEntry{}, lists.LimitEntry{Per: "token", Requests: 1, Seconds: 10}, lists.LimitEntry{Per: "bot", Requests: 2, Seconds: 60}),
			[]step{{0, "a", bot, 200}, {0, "a", bot, 429}, {10 * time.Second, "a", bot, 200}, {10 * time.Second, "a", bot, 429}}, "Retry-After", "40", ``},
		{"a refusal uses nothing", limited(lists.PostEntry{}, lists.LimitEntry{Per: "bot", Requests: 1, Seconds: 60}),
			[]step{{0, "bad", bot, 401}, {0, "a", bot, 200}}, "", "", `success`},
		{"milliseconds", limited(lists.PostEntry{Wait: []lists.WaitEntry{{Header: "X-Wait", Unit: "ms"}}}, lists.LimitEntry{Per: "bot", Requests: 1, Seconds: 60}),
			[]step{{0, "a", bot, 200}, {0, "a", bot, 429}}, "X-Wait", "60000", ``},
		{"Unix time", limited(lists.PostEntry{Wait: []lists.WaitEntry{{Header: "X-Reset", Unit: "unix"}}}, lists.LimitEntry{Per: "bot", Requests: 1, Seconds: 60}),
			[]step{{0, "a", bot, 200}, {0, "a", bot, 429}}, "X-Reset", "1700000061", ``},
		{"Unix time in ms", limited(lists.PostEntry{Wait: []lists.WaitEntry{{Header: "X-Reset", Unit: "unix_ms"}}}, lists.LimitEntry{Per: "bot", Requests: 1, Seconds: 60}),
			[]step{{0, "a", bot, 200}, {0, "a", bot, 429}}, "X-Reset", "1700000060500", ``},
		{"body", limited(lists.PostEntry{Wait: []lists.WaitEntry{{Body: "error.wait"}}}, lists.LimitEntry{Per: "bot", Requests: 1, Seconds: 60}),
			[]step{{0, "a", bot, 200}, {0, "a", bot, 429}}, "Retry-After", "", `"error":{"wait":60}`},
		{"revoked", limited(lists.PostEntry{Revoked: []int{410, 403}}, lists.LimitEntry{Per: "bot", Requests: 1, Seconds: 60}),
			[]step{{0, "a", bot, 200}, {0, "a", bot, 429}, {0, "a", bot, 429}, {0, "a", bot, 429}, {0, "a", bot, 429}, {0, "a", bot, 429},
				{time.Hour, "b", bot, 200}, {time.Hour, "a", bot, 410}}, "", "", `revoked`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := &clock{start}
			l := list(t, "list", tt.entry)
			s := sandbox.New([]*lists.List{l})
			s.Now = c.Now
			for i, step := range tt.steps {
				c.now = c.now.Add(step.after)
				w := ask(s, request{url: "https://list.example/api/bots/" + step.bot, token: step.token, body: `{"count":5}`})
				if w.Code != step.status {
					t.Fatalf("step %d: answered %d %s, want %d", i, w.Code, w.Body, step.status)
				}
				if w.Code == http.StatusTooManyRequests {
					call, _ := l.PlanPost(lists.Count{BotID: step.bot}, lists.NewToken(step.token, ""), "")
					if _, ok := call.WaitUntil(lists.Answer{Status: w.Code, Header: w.Header(), Body: w.Body.Bytes()}, c.now); !ok {
						t.Errorf("step %d: the wait is not understood: %v %s", i, w.Header(), w.Body)
					}
				}
				if i < len(tt.steps)-1 {
					continue
				}
				if got := w.Header().Get(tt.header); got != tt.value {
					t.Errorf("%s is %q, want %q", tt.header, got, tt.value)
				}
				if !strings.Contains(w.Body.String(), tt.body) {
					t.Errorf("answered %s, want %s", w.Body, tt.body)
				}
			}
		})
	}
}

func TestAddressLimitCountsReadings(t *testing.T) {
	e := plain
	e.Post = &lists.PostEntry{Limits: []lists.LimitEntry{{Per: "address", Requests: 1, Seconds: 60}}}
	s := sandbox.New([]*lists.List{list(t, "list", e)})
	if w := ask(s, request{body: `{"server_count":5}`}); w.Code != 200 {
		t.Fatal(w.Code, w.Body)
	}
	if w := ask(s, request{method: "GET"}); w.Code != 429 || w.Header().Get("Retry-After") == "" {
		t.Error(w.Code, w.Header(), w.Body)
	}
}

func TestReading(t *testing.T) {
	keyed := plain
	keyed.Get = &lists.GetEntry{Auth: &lists.AuthEntry{Prefix: "Bearer "}, Headers: map[string]string{"X-Bot": ":id"}}
	s := sandbox.New([]*lists.List{list(t, "list", keyed)})
	right := map[string]string{"X-Bot": bot}
	check := func(name string, r request, status int, want string) {
		t.Helper()
		r.method = http.MethodGet
		if w := ask(s, r); w.Code != status || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: answered %d %s, want %d %s", name, w.Code, w.Body, status, want)
		}
	}
	check("never posted", request{token: "Bearer token", header: right}, 404, `{"message":"Bot not found"}`)
	ask(s, request{body: `{"server_count":5}`})
	check("no key", request{token: "-", header: right}, 401, `missing`)
	check("raw key", request{header: right}, 401, `Bearer`)
	check("bad key", request{token: "Bearer bad", header: right}, 401, `not known`)
	check("no header", request{token: "Bearer token"}, 400, `X-Bot`)
	check("query", request{token: "Bearer token", url: "https://list.example/api/bots/" + bot + "?a=1"}, 400, `\"a\"`)
	check("right", request{token: "Bearer token", header: right}, 200, `"server_count":5`)
	check("other bot", request{token: "Bearer token", url: "https://list.example/api/bots/223456789012345678",
		header: map[string]string{"X-Bot": "223456789012345678"}}, 404, `not found`)
}

// A second way to post may not say which bot it is of: readers of one that
// nobody named get the latest.
func TestSecondWayThatNamesNoBot(t *testing.T) {
	s := sandbox.New([]*lists.List{list(t, "list", twoWays)})
	for _, r := range []request{{body: `{"count":5}`}, {method: "PATCH", url: "https://list.example/me", token: "Bearer second-1", body: `{"count":7}`}} {
		if w := ask(s, r); w.Code/100 != 2 {
			t.Fatal(w.Code, w.Body)
		}
	}
	for id, want := range map[string]int64{bot: 5, "223456789012345678": 7} {
		if got, ok := s.Count("list", id); !ok || got != want {
			t.Errorf("%s: got %d, %t, want %d", id, got, ok, want)
		}
	}
}

// Lists that only the token tells a bot by show one bot for each token, and the
// latest to readers without one.
func TestTokenTellsTheBot(t *testing.T) {
	const own = "https://list.example/api/@me"
	s := sandbox.New([]*lists.List{
		list(t, "open", lists.Entry{APIPost: "https://open.example/stats", APIField: "count", APIGet: "https://open.example/bots/:id"}),
		list(t, "own", lists.Entry{APIPost: own, APIField: "count", Get: &lists.GetEntry{URL: own, Auth: &lists.AuthEntry{}}}),
	})
	for i, token := range []string{"a", "b"} {
		body := fmt.Sprintf(`{"count":%d}`, i+1)
		for _, url := range []string{"https://open.example/stats", own} {
			if w := ask(s, request{url: url, token: token, body: body}); w.Code != 200 {
				t.Fatal(w.Code, w.Body)
			}
		}
	}
	if w := ask(s, request{method: "GET", url: own, token: "a"}); !strings.Contains(w.Body.String(), `"server_count":1`) {
		t.Error(w.Code, w.Body)
	}
	if w := ask(s, request{method: "GET", url: own, token: "c"}); w.Code != 404 {
		t.Error(w.Code, w.Body)
	}
	if w := ask(s, request{method: "GET", url: "https://open.example/bots/" + bot}); !strings.Contains(w.Body.String(), `"server_count":2`) {
		t.Error(w.Code, w.Body)
	}
}

func TestOneHost(t *testing.T) {
	s := sandbox.New([]*lists.List{
		list(t, "one", lists.Entry{APIPost: "https://host.example/one/:id", APIField: "a"}),
		list(t, "two", lists.Entry{APIPost: "https://host.example/two/:id?bot=:id", APIField: "b"}),
	})
	ask(s, request{url: "https://host.example/one/" + bot, body: `{"a":1}`})
	ask(s, request{url: "https://host.example/two/" + bot + "?bot=" + bot, body: `{"b":2}`})
	if w := ask(s, request{url: "https://host.example/two/" + bot + "?bot=223456789012345678", body: `{"b":3}`}); w.Code != 404 {
		t.Errorf("two ids in one URL: %d %s", w.Code, w.Body)
	}
	one, _ := s.Count("one", bot)
	two, _ := s.Count("two", bot)
	if one != 1 || two != 2 {
		t.Errorf("counts are %d and %d", one, two)
	}
}

func TestConcurrently(t *testing.T) {
	s := sandbox.New([]*lists.List{list(t, "list", shards)})
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			ask(s, request{body: fmt.Sprintf(`{"server_count":2,"shard_id":%d,"shard_count":50}`, i)})
			s.Count("list", bot)
			s.Posts("list")
		})
	}
	wg.Wait()
	if n, _ := s.Count("list", bot); n != 100 {
		t.Errorf("the count is %d, want 100", n)
	}
}

func TestTransport(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/moved" {
			http.Redirect(w, r, "/here", http.StatusFound)
			return
		}
		b, _ := io.ReadAll(r.Body)
		_, _ = fmt.Fprintf(w, "%s %s %s", r.Host, r.URL, b)
	}))
	defer server.Close()
	client := &http.Client{Transport: sandbox.Transport(server.Client().Transport, server.Listener.Addr().String())}

	req, err := http.NewRequest("POST", "https://list.example:8443/api?a=b", strings.NewReader("body"))
	if err != nil {
		t.Fatal(err)
	}
	before, header := *req.URL, maps.Clone(req.Header)
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	got, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if string(got) != "list.example:8443 /api?a=b body" {
		t.Errorf("the server saw %s", got)
	}
	if *req.URL != before || req.Host != "list.example:8443" || !maps.EqualFunc(req.Header, header, slices.Equal) {
		t.Errorf("the request was changed: %v", req)
	}

	resp, err = client.Get("https://list.example/moved")
	if err != nil {
		t.Fatal(err)
	}
	got, _ = io.ReadAll(resp.Body)
	resp.Body.Close()
	if string(got) != "list.example /here " || resp.Request.URL.String() != "https://list.example/here" {
		t.Errorf("the redirect led to %s, %s", resp.Request.URL, got)
	}
}

var quiet = slog.New(slog.DiscardHandler)

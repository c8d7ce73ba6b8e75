package httpapi_test

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aggregator/agent"
	"aggregator/catalog"
	"aggregator/httpapi"
	"aggregator/internal/testkit"
	"aggregator/lists"
	"aggregator/ratelimit"
	"aggregator/store"
)

const (
	botKey  = "a key of twenty characters"
	botYAML = `bots:
  "111111111111111111": {name: Own, key: ` + botKey + `, tokens: {one.test: own-token}, posts: {count: push}}
  "333333333333333333": {tokens: {one.test: other-token}}
`
)

// liveBots loads a catalog and the operator's own bots from YAML.
func liveBots(t *testing.T, listsYAML, botsYAML string) (*agent.Live, *catalog.Live) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bots.yaml")
	if err := os.WriteFile(path, []byte(botsYAML), 0o600); err != nil {
		t.Fatal(err)
	}
	bots := new(agent.Live)
	live, _, err := catalog.NewLive(bots.Beside(
		func() (*catalog.Catalog, []string, error) {
			return catalog.Load([]catalog.File{{Name: "lists.yaml", Data: []byte(listsYAML)}}, catalog.File{Name: "legacy_ids.yaml"})
		},
		func(c *catalog.Catalog) (*agent.Bots, []string, error) {
			return agent.Load(path, c, agent.LoadOptions{})
		}))
	if err != nil {
		t.Fatal(err)
	}
	return bots, live
}

// ownBots serves an API with bots of the operator's own, by a clock that is given.
func ownBots(t *testing.T, now func() time.Time, run testkit.Runner, change ...func(*httpapi.Config)) service {
	t.Helper()
	bots, live := liveBots(t, listsYAML, botYAML)
	st := store.NewMemory(store.MemoryOptions{Now: now})
	hash := store.NewHasher(st.Secret())
	own := func(c *httpapi.Config) {
		c.Catalog = live
		c.Aggregator.Catalog = live
		c.Agent = agent.New(agent.Config{Bots: bots, Catalog: live, Lists: c.Aggregator, State: st.State(), Hash: hash, Now: now, Log: c.Log})
		c.KeyLimit = ratelimit.New(st.Windows(), httpapi.WrongKeys, hash)
		c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
	}
	return serve(t, st, run, append([]func(*httpapi.Config){own}, change...)...)
}

// post posts a count of 5.
func post(t *testing.T, s service, bot, more, authorization string, headers ...string) answer {
	t.Helper()
	if authorization != "" {
		headers = append(headers, "Authorization", authorization)
	}
	return testkit.Send(t, "POST", s.base+"/api/count", `{"bot_id":"`+bot+`","server_count":5`+more+`}`, headers...)
}

const unknownKey = `{"error":true,"status":401,"message":"Unknown key for this bot"}`

func TestKeys(t *testing.T) {
	t.Parallel()
	var tokens []string
	run := func(c lists.Call) lists.Answer {
		tokens = append(tokens, c.Token().Reveal())
		return lists.Answer{Status: 200, Body: []byte("ok")}
	}
	const right, noList = "Bearer " + botKey, `{"success":{},"failure":{},"hint":`
	const posted = `{"success":{"one.test":[200,"ok","{\"count\":5}"]},"failure":{}}`
	for _, tt := range []struct {
		name, bot, more, authorization string
		status                         int
		body                           string // or its beginning
		token                          string // that the list gets
	}{
		{"the right key", botA, "", right, 200, posted, "own-token"},
		{"the scheme in capitals", botA, "", "BEARER  " + botKey + " ", 200, posted, "own-token"},
		{"a token of the request", botA, `,"one.test":"mine"`, right, 200, posted, "mine"},
		{"a nested token of the request", botA, `,"tokens":{"one.test":"mine"}`, right, 200, posted, "mine"},
		{"a blank token of the request", botA, `,"one.test":" "`, right, 200, posted, "own-token"},
		{"an unknown list beside", botA, `,"nowhere.test":"x"`, right, 200, posted[:len(posted)-1] + `,"skipped":{"nowhere.test":"Unknown list"}}`, "own-token"},
		{"a dry run", botA, `,"dry":1`, right, 200, posted[:len(posted)-1], "own-token"},
		{"no key", botA, "", "", 200, noList, ""},
		{"what is no key", botA, "", "no key needed for this", 200, noList, ""},
		{"another scheme", botA, "", "Basic " + botKey, 200, noList, ""},
		{"the key without its scheme", botA, "", botKey, 200, noList, ""},
		{"a wrong key", botA, "", "Bearer wrong", 401, unknownKey, ""},
		{"no more than a scheme", botA, "", "Bearer", 401, unknownKey, ""},
		{"a wrong key beside a token", botA, `,"one.test":"mine"`, "Bearer wrong", 401, unknownKey, ""},
		{"a bad count comes first", botA, `,"user_count":"x"`, "Bearer wrong", 400, `{"error":true,"status":400,"message":"'user_count' must be a number or null"}`, ""},
		{"a bot without a key", "333333333333333333", `,"one.test":"mine"`, right, 200, posted, "mine"},
		{"a stranger's bot", botB, `,"one.test":"mine"`, right, 200, posted, "mine"},
	} {
		tokens = nil
		s := ownBots(t, time.Now, run)
		a := post(t, s, tt.bot, tt.more, tt.authorization)
		if a.Status != tt.status || !strings.HasPrefix(a.Body, tt.body) || strings.Join(tokens, " ") != tt.token {
			t.Errorf("%s: %d %s, the list got %q\nwant %d %s, %q", tt.name, a.Status, a.Body, tokens, tt.status, tt.body, tt.token)
		}
		if got, want := a.Header.Get("WWW-Authenticate"), map[bool]string{true: "Bearer"}[tt.status == 401]; got != want {
			t.Errorf("%s: WWW-Authenticate %q, want %q", tt.name, got, want)
		}
		if log := s.log.String(); strings.Contains(log, botKey) || strings.Contains(log, "own-token") {
			t.Errorf("%s: the log holds a secret: %s", tt.name, log)
		}
	}
}

func TestWrongKeyUsesNoWindow(t *testing.T) {
	t.Parallel()
	s := ownBots(t, time.Now, testkit.Thanks)
	wantError(t, post(t, s, botA, "", "Bearer wrong"), 401, unknownKey)
	if a := post(t, s, botA, "", "Bearer "+botKey); a.Status != 200 {
		t.Errorf("the right key after a wrong one: %d %s", a.Status, a.Body)
	}
	// The window comes after the key.
	wantError(t, post(t, s, botA, "", "Bearer wrong"), 401, unknownKey)
	if a := post(t, s, botA, "", "Bearer "+botKey); a.Status != 429 {
		t.Errorf("the right key in its window: %d %s", a.Status, a.Body)
	}
}

func TestTooManyWrongKeys(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	s := ownBots(t, func() time.Time { return now }, testkit.Thanks)
	const far = "X-Forwarded-For"
	for i := range 20 {
		if i == 10 {
			now = now.Add(9 * time.Minute)
		}
		wantError(t, post(t, s, botA, "", fmt.Sprint("Bearer wrong", i), far, "192.0.2.1"), 401, unknownKey)
	}
	for _, key := range []string{"Bearer wrong", "Bearer " + botKey} {
		a := post(t, s, botA, "", key, far, "192.0.2.1")
		if a.Status != 429 || !strings.Contains(a.Body, `"ratelimit_ip":"192.0.2.1","ratelimit_bot_id":"`+botA+`"`) || a.Header.Get("RateLimit-Policy") != `"keys";q=20;w=600` {
			t.Errorf("%s after 20 wrong keys: %d %s %v", key, a.Status, a.Body, a.Header)
		}
	}
	if a := testkit.Send(t, "GET", s.base+"/api/bots/"+botA+"/posts", "", "Authorization", "Bearer "+botKey, far, "192.0.2.1"); a.Status != 429 {
		t.Errorf("another route: %d %s, want 429 too", a.Status, a.Body)
	}
	for name, a := range map[string]answer{
		"a request without a key": post(t, s, botA, `,"one.test":"mine"`, "", far, "192.0.2.1"),
		"another network":         post(t, s, botA, "", "Bearer "+botKey, far, "192.0.2.2"),
		"another bot":             post(t, s, "333333333333333333", `,"one.test":"mine"`, "Bearer wrong", far, "192.0.2.1"),
	} {
		if a.Status != 200 {
			t.Errorf("%s: %d %s", name, a.Status, a.Body)
		}
	}
	now = now.Add(time.Minute) // ten after the first
	if a := testkit.Send(t, "GET", s.base+"/api/bots/"+botA+"/posts", "", "Authorization", "Bearer "+botKey, far, "192.0.2.1"); a.Status != 200 {
		t.Errorf("ten minutes after the first wrong key: %d %s", a.Status, a.Body)
	}
}

// Requests with a key do not count for their network.
func TestKeyedRequestsAreNotCounted(t *testing.T) {
	t.Parallel()
	memory := store.NewMemory(store.MemoryOptions{})
	s := ownBots(t, time.Now, testkit.Thanks, func(c *httpapi.Config) {
		c.NetworkLimit = ratelimit.New(memory.Windows(), ratelimit.Rate{Limit: 2, Period: time.Minute}, store.NewHasher(memory.Secret()))
	})
	ask := func(bot, authorization string) int { // a dry run uses no other window
		body := `{"bot_id":"` + bot + `","server_count":5,"one.test":"mine"}`
		return testkit.Send(t, "POST", s.base+"/api/count?dry_run", body, "Authorization", authorization, "X-Forwarded-For", "192.0.2.1").Status
	}
	for i := range 5 {
		if got := ask(botA, "Bearer "+botKey); got != 200 {
			t.Errorf("request %d with a key: %d, want 200", i, got)
		}
	}
	for i, want := range []int{200, 200, 429} {
		if got := ask(botB, ""); got != want {
			t.Errorf("request %d without one: %d, want %d", i, got, want)
		}
	}
}

func TestPosts(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	s := ownBots(t, func() time.Time { return now }, testkit.Thanks)
	get := func(bot, authorization string) answer {
		return testkit.Send(t, "GET", s.base+"/api/bots/"+bot+"/posts", "", "Authorization", authorization)
	}
	const needed = `{"error":true,"status":401,"message":"A key is needed"}`
	wantError(t, get("x", ""), 400, `{"error":true,"status":400,"message":"'id' must be a snowflake"}`)
	wantError(t, get(botA, ""), 401, needed)
	wantError(t, get(botB, "Bearer "+botKey), 401, needed)
	wantError(t, get("333333333333333333", "Bearer "+botKey), 401, needed)
	wantError(t, get(botA, "Bearer wrong"), 401, unknownKey)
	a := get(botA, "bearer "+botKey)
	const never = `{"bot_id":"111111111111111111","name":"Own","count":{"from":"push","server_count":null,"shard_count":null,"at":null,"error":null},` +
		`"next_at":"NEXT","lists":{"one.test":{"state":"never","last":null,"accepted_at":null,"server_count":null,"next_at":"NEXT","why":null}}}`
	next := a.Body[strings.Index(a.Body, `"next_at":"`)+11:][:20]
	if want := strings.ReplaceAll(never, "NEXT", next); a.Status != 200 || a.Body != want || a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d %s\n%s\nwant\n%s", a.Status, a.Header.Get("Cache-Control"), a.Body, want)
	}
	if a := post(t, s, botA, "", "Bearer "+botKey); a.Status != 200 {
		t.Fatalf("a count with the key: %d %s", a.Status, a.Body)
	}
	a = get(botA, "Bearer "+botKey)
	const ok = `"one.test":{"state":"ok","last":{"at":"2026-11-25T12:00:00Z","status":200,"text":"{}"},"accepted_at":"2026-11-25T12:00:00Z","server_count":5,`
	if !strings.Contains(a.Body, ok) {
		t.Errorf("after a count: %s\nwant in it %s", a.Body, ok)
	}
	if a := testkit.Send(t, "HEAD", s.base+"/api/bots/"+botA+"/posts", "", "Authorization", "Bearer "+botKey); a.Status != 200 {
		t.Errorf("HEAD: %d", a.Status)
	}
	// Without bots of one's own there is no such route.
	plain := serve(t, store.NewMemory(store.MemoryOptions{}), testkit.Thanks)
	wantError(t, testkit.Send(t, "GET", plain.base+"/api/bots/"+botA+"/posts", ""), 404, `{"error":true,"status":404,"message":"Not found"}`)
	if a := post(t, plain, botA, `,"one.test":"x"`, "Bearer wrong"); a.Status != 200 {
		t.Errorf("a Bearer where there are no bots: %d %s", a.Status, a.Body)
	}
}

func TestEncodeRuns(t *testing.T) {
	servers, shards := int64(5), int64(2)
	at := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	all := []agent.Done{
		{Due: true, Report: agent.Report{BotID: botA, Name: "N", Count: agent.CountReport{From: "url", ServerCount: &servers, ShardCount: &shards, At: at, Error: "e"}, NextAt: at,
			Lists: []agent.ListReport{{List: "one.test", State: agent.StateFailing, Last: &agent.PostReport{At: at, Status: -1, Text: "t"}, AcceptedAt: at, ServerCount: &servers, Why: "w"}}}},
		{Report: agent.Report{BotID: botB}},
	}
	var b strings.Builder
	if err := httpapi.EncodeRuns(&b, all); err != nil {
		t.Fatal(err)
	}
	const want = `[{"bot_id":"111111111111111111","name":"N","due":true,"count":{"from":"url","server_count":5,"shard_count":2,"at":"2026-11-25T12:00:00Z","error":"e"},"next_at":"2026-11-25T12:00:00Z",` +
		`"lists":{"one.test":{"state":"failing","last":{"at":"2026-11-25T12:00:00Z","status":-1,"text":"t"},"accepted_at":"2026-11-25T12:00:00Z","server_count":5,"next_at":null,"why":"w"}}},` +
		`{"bot_id":"222222222222222222","name":null,"due":false,"count":{"from":null,"server_count":null,"shard_count":null,"at":null,"error":null},"next_at":null,"lists":{}}]`
	if b.String() != want {
		t.Errorf("got  %s\nwant %s", b.String(), want)
	}
}

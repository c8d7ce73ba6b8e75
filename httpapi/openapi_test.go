package httpapi_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	data "aggregator"
	"aggregator/agent"
	"aggregator/catalog"
	"aggregator/health"
	"aggregator/httpapi"
	"aggregator/internal/testkit"
	"aggregator/lists"
	"aggregator/ratelimit"
	"aggregator/store"
	"aggregator/strictyaml"
	"aggregator/votes"
)

// apiDocument is openapi.yaml, and which of its answers were seen.
type apiDocument struct {
	*openapi3.T
	seen map[string]bool // "POST /api/count 200"
}

func loadDocument(t *testing.T) apiDocument {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(data.OpenAPIYAML)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return apiDocument{doc, map[string]bool{}}
}

// operation returns an operation by its method and its path in the document.
func (d apiDocument) operation(t *testing.T, method, path string) *openapi3.Operation {
	t.Helper()
	if item := d.Paths.Value(path); item != nil {
		if op := item.GetOperation(method); op != nil {
			return op
		}
	}
	t.Errorf("openapi.yaml has no %s %s", method, path)
	return nil
}

// hold holds an answer against what the document says of it.
func (d apiDocument) hold(t *testing.T, method, path string, a answer) {
	t.Helper()
	where := fmt.Sprintf("%s %s %d", method, path, a.Status)
	op := d.operation(t, method, path)
	if op == nil {
		return
	}
	ref := op.Responses.Value(strconv.Itoa(a.Status))
	if ref == nil {
		t.Errorf("openapi.yaml does not name the status of %s: %s", where, a.Body)
		return
	}
	d.seen[where] = true
	for name, h := range ref.Value.Headers {
		value := a.Header.Get(name)
		if value == "" {
			if h.Value.Required {
				t.Errorf("%s: there is no %s", where, name)
			}
			continue
		}
		var parsed any = value
		if h.Value.Schema.Value.Type.Is("integer") {
			if n, err := strconv.Atoi(value); err == nil {
				parsed = n
			}
		}
		if err := h.Value.Schema.Value.VisitJSON(parsed, openapi3.EnableJSONSchema2020()); err != nil {
			t.Errorf("%s: %s %q: %v", where, name, value, err)
		}
	}
	if len(ref.Value.Content) == 0 {
		if a.Status != http.StatusFound && a.Body != "" {
			t.Errorf("%s has a body: %s", where, a.Body)
		}
		return
	}
	kind, _, err := mime.ParseMediaType(a.Header.Get("Content-Type"))
	media := ref.Value.Content[kind]
	if err != nil || media == nil {
		t.Errorf("%s: openapi.yaml does not name its Content-Type %q", where, a.Header.Get("Content-Type"))
		return
	}
	var body any = a.Body
	if kind == "application/json" {
		if err := json.Unmarshal([]byte(a.Body), &body); err != nil {
			t.Errorf("%s: %v: %s", where, err, a.Body)
			return
		}
	}
	if err := media.Schema.Value.VisitJSON(body, openapi3.EnableJSONSchema2020(), openapi3.MultiErrors()); err != nil {
		t.Errorf("%s: %v\n%s", where, err, a.Body)
	}
}

// holdRequest holds a body that the service took against what the document says
// of it.
func (d apiDocument) holdRequest(t *testing.T, method, path, sent string) {
	t.Helper()
	op := d.operation(t, method, path)
	if op == nil || sent == "" {
		return
	}
	if op.RequestBody == nil {
		t.Errorf("%s %s takes no body, says openapi.yaml", method, path)
		return
	}
	var body any
	if err := json.Unmarshal([]byte(sent), &body); err != nil {
		t.Fatal(err)
	}
	if err := op.RequestBody.Value.Content["application/json"].Schema.Value.VisitJSON(body, openapi3.EnableJSONSchema2020()); err != nil {
		t.Errorf("%s %s: a body that is taken: %v\n%s", method, path, err, sent)
	}
}

var echoParam = regexp.MustCompile(`:(\w+)`)

// documentedRoutes returns the routes that openapi.yaml is to describe, with
// their paths as it writes them.
func documentedRoutes(s *httpapi.Server) (all [][2]string) {
	for _, r := range s.Routes() {
		method, path := r[0], r[1]
		isProbe := strings.HasPrefix(path, "/hooks/") && method != http.MethodPost // only to say that it takes POST alone
		if !isProbe && (strings.HasPrefix(path, "/api/") || strings.HasPrefix(path, "/hooks/")) {
			all = append(all, [2]string{method, echoParam.ReplaceAllString(path, "{$1}")})
		}
	}
	return all
}

const (
	reportsYAML = `    commands: {url: "https://one.test/c", whole: commands}
    heartbeat: {url: "https://one.test/h", credential: bridge_key, fields: {online: o}}
    errors: {url: "https://one.test/e", fields: {message: m}}
    listing: {url: "https://one.test/l", method: PATCH, fields: {tags: t}}
    announcements: {url: "https://one.test/n", fields: {title: a, text: b}}
    analytics: {url: "https://one.test/a", fields: {server_id: s, active_users: u, timestamp: t}}
    invalidate: {url: "https://one.test/i", method: GET}
    vote_totals: {url: "https://one.test/:id/v", auth: {}, read: {total: votes}}
    developer: {url: "https://one.test/d/:name", auth: {}}
`
	tellingLists = listsYAML + reportsYAML + `  tells.test: {name: T, url: 'https://tells.test/', webhook: {proof: {kind: header}, kind: {path: type, votes: upvote, tests: test}, user: user, bot: bot, id: id}}
`
	hookSecret = "secret of the list"
	tellingYML = `bots:
  "111111111111111111": {name: Own, key: ` + botKey + `, tokens: {one.test: own-token}, posts: {count: push}, votes: {secrets: {tells.test: ` + hookSecret + `}}}
  "222222222222222222": {key: another key of twenty, tokens: {one.test: {token: own-token, bridge_key: own-bridge}}, votes: {secrets: {tells.test: ` + hookSecret + `}, send_to: {url: "https://bot.test/votes", secret: secret of the bot's own}}}
`
)

// serveAll serves every route that there is.
func serveAll(t *testing.T, st store.Store, run testkit.Runner, change ...func(*httpapi.Config)) service {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bots.yaml")
	if err := os.WriteFile(path, []byte(tellingYML), 0o600); err != nil {
		t.Fatal(err)
	}
	bots := new(agent.Live)
	live, _, err := catalog.NewLive(bots.Beside(
		func() (*catalog.Catalog, []string, error) {
			return catalog.Load([]catalog.File{{Name: "lists.yaml", Data: []byte(tellingLists)}}, catalog.File{Name: "legacy_ids.yaml"})
		},
		func(c *catalog.Catalog) (*agent.Bots, []string, error) {
			return agent.Load(path, c, agent.LoadOptions{})
		}))
	if err != nil {
		t.Fatal(err)
	}
	asJSON, err := strictyaml.JSON(strictyaml.File{Name: "openapi.yaml", Data: data.OpenAPIYAML})
	if err != nil {
		t.Fatal(err)
	}
	hash := store.NewHasher(st.Secret())
	all := func(c *httpapi.Config) {
		c.Catalog, c.Aggregator.Catalog = live, live
		c.OpenAPI = httpapi.OpenAPI{YAML: data.OpenAPIYAML, JSON: asJSON}
		c.Health = health.New(health.Config{Store: st.Outcomes()})
		c.Aggregator.Observe = c.Health.Observe
		c.Status = (&trouble{}).status()
		c.Agent = agent.New(agent.Config{Bots: bots, Catalog: live, Lists: c.Aggregator, State: st.State(), Hash: hash, Log: c.Log})
		c.KeyLimit = ratelimit.New(st.Windows(), ratelimit.Rate{Limit: 2, Period: time.Minute}, hash)
		c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
		c.Votes = &httpapi.Votes{
			Intake: votes.NewIntake(votes.IntakeConfig{Outbox: st.Outbox(), Hash: hash, Log: c.Log, Wake: func(string) {}}),
			Relay:  votes.NewRelay(votes.RelayConfig{Bots: bots, Outbox: st.Outbox(), State: st.State(), Hash: hash, Log: c.Log}),
		}
	}
	return serve(t, st, run, append([]func(*httpapi.Config){all}, change...)...)
}

// whatLists answers as a list does that has the bot, knows each vote, and takes
// posts of all but one token.
func whatLists(c lists.Call) lists.Answer {
	switch {
	case c.Token().Reveal() == "refused":
		return lists.Answer{Status: 401, Body: []byte("no")}
	case c.Token().Reveal() == "silent":
		return lists.Answer{Fault: lists.FaultTimeout}
	case c.Token().Reveal() == "page":
		return lists.Answer{Status: 200, Body: []byte("<html>")}
	}
	return lists.Answer{Status: 200, Body: []byte(`{"name":"Bot","owners":["333333333333333333"],"voted":true,"votes":3}`), Took: time.Millisecond}
}

// TestAnswersAreAsDescribed holds real answers of every route, good and bad,
// against openapi.yaml. A route that is new needs its operation there and rows
// here, one for each status that it names.
func TestAnswersAreAsDescribed(t *testing.T) {
	t.Parallel()
	doc := loadDocument(t)
	s := serveAll(t, store.NewMemory(store.MemoryOptions{}), whatLists)
	key := []string{"Authorization", "Bearer " + botKey}
	wrong := []string{"Authorization", "Bearer wrong"}
	other := []string{"Authorization", "Bearer another key of twenty"}
	const (
		bot      = "/api/bots/{id}"
		voted    = bot + "/votes/{user}"
		hook     = "/hooks/{bot}/{list}"
		stranger = "555555555555555555"
		small    = `{"one.test":"t"}`
		delivery = bot + "/deliveries"
	)
	tooLarge := `{"a":"` + strings.Repeat("x", httpapi.MaxBody) + `"}`
	full := `{"bot_id":"` + botB + `","server_count":5,"shard_id":0,"shard_count":2,"shards":[2,3],"user_count":9,"voice_connections":1,"one.test":{"token":"t","bot_id":"42"},"tokens":{"two.test":null}}`
	count := func(token string) string {
		return `{"bot_id":"` + stranger + `","server_count":5,"one.test":"` + token + `"}`
	}
	for i, row := range []struct {
		method, path string
		at           string // what the path becomes; "" for the path itself, with the bot's id
		body         string
		headers      []string
		times        int // as often it is asked before, by the same caller
		status       int
	}{
		{"POST", "/api/count", "", full, nil, 0, 200},
		{"POST", "/api/count", "", count("refused"), nil, 0, 200},
		{"POST", "/api/count", "", count("silent"), nil, 0, 200},
		{"POST", "/api/count", "", count("page"), nil, 0, 200},
		{"POST", "/api/count", "", `{"bot_id":"` + botB + `","server_count":5}`, nil, 0, 200},
		{"POST", "/api/count", "", `{"bot_id":"` + botA + `","server_count":5}`, key, 0, 200},
		{"POST", "/api/count", "/api/count?dry_run", full, nil, 0, 200},
		{"POST", "/api/count", "/api/count?dry_run=1", `{"bot_id":"` + botB + `","server_count":5}`, nil, 0, 200},
		{"POST", "/api/count", "", "[]", nil, 0, 400},
		{"POST", "/api/count", "", `{"bot_id":"` + botA + `","server_count":5}`, wrong, 0, 401},
		{"POST", "/api/count", "", tooLarge, nil, 0, 413},
		{"POST", "/api/count", "", count("t"), nil, 1, 429},

		{"POST", "/api/shards", "", `{"bot_id":"` + botB + `","shard_count":4,"shards":{"0":1,"2":3},"one.test":"t"}`, other, 0, 200},
		{"POST", "/api/shards", "", `{"bot_id":"` + stranger + `","shard_count":1,"shards":{"0":1},"user_count":1,"one.test":"t"}`, nil, 0, 200},
		{"POST", "/api/shards", "", `{"bot_id":"` + stranger + `","shard_count":2,"shard_id":1,"server_count":5}`, nil, 0, 200},
		{"POST", "/api/shards", "/api/shards?dry_run", `{"bot_id":"` + stranger + `","shard_count":2,"shards":{"0":1,"1":2},"one.test":"t"}`, nil, 0, 200},
		{"POST", "/api/shards", "", `{"bot_id":"` + stranger + `"}`, nil, 0, 400},
		{"POST", "/api/shards", "", `{"bot_id":"` + botA + `","shard_count":1,"shards":{"0":1}}`, nil, 0, 401},
		{"POST", "/api/shards", "", tooLarge, nil, 0, 413},
		{"POST", "/api/shards", "", `{"bot_id":"` + stranger + `","shard_count":1,"shards":{"0":1},"one.test":"t"}`, nil, 60, 429},

		{"GET", bot, "", "", nil, 0, 200},
		{"GET", bot, "/api/bots/x", "", nil, 0, 400},
		{"GET", bot, "", tooLarge, nil, 0, 413},
		{"GET", bot, "", "", nil, 1, 429},
		{"POST", bot + "/lookup", "", small, nil, 0, 200},
		{"POST", bot + "/lookup", "", `{"tokens":{"one.test":null}}`, nil, 0, 200},
		{"POST", bot + "/lookup", "", "", nil, 0, 400},
		{"POST", bot + "/lookup", "", tooLarge, nil, 0, 413},
		{"POST", bot + "/lookup", "", small, nil, 1, 429},

		{"GET", bot + "/badge.svg", "", "", nil, 0, 200},
		{"GET", bot + "/badge.svg", "/api/bots/" + botA + "/badge.svg?show=lists", "", []string{"If-None-Match", "*"}, 0, 304},
		{"GET", bot + "/badge.svg", "/api/bots/" + botA + "/badge.svg?show=stars", "", nil, 0, 400},

		{"POST", voted, "", small, nil, 0, 200},
		{"POST", voted, "", `{"one.test":"refused","tells.test":null}`, nil, 0, 200},
		{"POST", voted, "", "", key, 0, 200},
		{"POST", voted, "", "", nil, 0, 400},
		{"POST", voted, "", small, wrong, 0, 401},
		{"POST", voted, "", tooLarge, nil, 0, 413},
		{"POST", voted, "", small, wrong, 2, 429},
		{"GET", voted, "", "", key, 0, 200},
		{"GET", voted, "/api/bots/x/votes/y", "", nil, 0, 400},
		{"GET", voted, "", "", nil, 0, 401},
		{"GET", voted, "", "", wrong, 2, 429},

		{"PUT", bot + "/commands", "", `{"commands":[{"name":"a"}],"one.test":"t"}`, nil, 0, 200},
		{"PUT", bot + "/commands", "/api/bots/" + botA + "/commands?dry_run", `{"commands":[],"one.test":"t"}`, key, 0, 200},
		{"PUT", bot + "/commands", "", `{}`, nil, 0, 400},
		{"PUT", bot + "/commands", "", `{"commands":[]}`, wrong, 0, 401},
		{"PUT", bot + "/commands", "", `{"commands":[],"a":"` + strings.Repeat("a", 1<<20) + `"}`, nil, 0, 413},
		{"PUT", bot + "/commands", "", `{"commands":[{"name":"a"}],"one.test":"t"}`, nil, 1, 429},
		{"PATCH", bot, "", `{"tags":["a"],"one.test":"t"}`, nil, 0, 200},
		{"PATCH", bot, "", `{}`, nil, 0, 400},
		{"PATCH", bot, "", `{"tags":["a"]}`, wrong, 0, 401},
		{"PATCH", bot, "", tooLarge, nil, 0, 413},
		{"PATCH", bot, "", `{"tags":["a"],"one.test":"t"}`, nil, 1, 429},
		{"POST", "/api/heartbeat", "", `{"bot_id":"` + botA + `","online":true,"cpu_percent":0.5,"last_crash_at":null,"one.test":{"bridge_key":"t"}}`, nil, 0, 200},
		{"POST", "/api/heartbeat", "", `{"bot_id":"` + botA + `"}`, nil, 0, 400},
		{"POST", "/api/heartbeat", "", `{"bot_id":"` + botA + `","online":true}`, wrong, 0, 401},
		{"POST", "/api/heartbeat", "", tooLarge, nil, 0, 413},
		{"POST", "/api/heartbeat", "", `{"bot_id":"` + botA + `","online":true,"one.test":"t"}`, nil, 1, 429},
		{"POST", "/api/errors", "", `{"bot_id":"` + botA + `","message":"m","one.test":"t"}`, nil, 0, 200},
		{"POST", "/api/errors", "", `{"bot_id":"x"}`, nil, 0, 400},
		{"POST", "/api/errors", "", `{"bot_id":"` + botA + `","message":"m"}`, wrong, 0, 401},
		{"POST", "/api/errors", "", tooLarge, nil, 0, 413},
		{"POST", "/api/errors", "", `{"bot_id":"` + botA + `","message":"m","one.test":"t"}`, nil, 6, 429},
		{"POST", "/api/announcements", "", `{"bot_id":"` + botA + `","title":"a","text":"b","one.test":"t"}`, nil, 0, 200},
		{"POST", "/api/announcements", "", `[]`, nil, 0, 400},
		{"POST", "/api/announcements", "", `{"bot_id":"` + botA + `","title":"a","text":"b"}`, wrong, 0, 401},
		{"POST", "/api/announcements", "", tooLarge, nil, 0, 413},
		{"POST", "/api/announcements", "", `{"bot_id":"` + botA + `","title":"a","text":"b","one.test":"t"}`, nil, 1, 429},
		{"POST", "/api/analytics", "", `{"bot_id":"` + botA + `","server_id":"` + voter + `","active_users":1,"one.test":"t"}`, nil, 0, 200},
		{"POST", "/api/analytics", "", `{"bot_id":"` + botA + `"}`, nil, 0, 400},
		{"POST", "/api/analytics", "", `{"bot_id":"` + botA + `","server_id":"` + voter + `","active_users":1}`, wrong, 0, 401},
		{"POST", "/api/analytics", "", tooLarge, nil, 0, 413},
		{"POST", "/api/analytics", "", `{"bot_id":"` + botA + `","server_id":"` + voter + `","active_users":1,"one.test":"t"}`, nil, 1, 429},
		{"POST", bot + "/invalidate", "", small, nil, 0, 200},
		{"POST", bot + "/invalidate", "", "", nil, 0, 400},
		{"POST", bot + "/invalidate", "", small, wrong, 0, 401},
		{"POST", bot + "/invalidate", "", tooLarge, nil, 0, 413},
		{"POST", bot + "/invalidate", "/api/bots/" + stranger + "/invalidate", small, nil, 1, 429},
		{"POST", bot + "/votes/total", "", small, nil, 0, 200},
		{"POST", bot + "/votes/total", "/api/bots/" + botA + "/votes/total?dry_run=1", "", key, 0, 200},
		{"POST", bot + "/votes/total", "", "", nil, 0, 400},
		{"POST", bot + "/votes/total", "", small, wrong, 0, 401},
		{"POST", bot + "/votes/total", "", tooLarge, nil, 0, 413},
		{"POST", bot + "/votes/total", "", small, nil, 1, 429},
		{"POST", "/api/developers/{name}", "", small, nil, 0, 200},
		{"POST", "/api/developers/{name}", "/api/developers/a%20b", small, nil, 0, 400},
		{"POST", "/api/developers/{name}", "", tooLarge, nil, 0, 413},
		{"POST", "/api/developers/{name}", "", small, nil, 1, 429},

		{"POST", hook, "/hooks/" + botA + "/tells.test", `{"type":"upvote","user":"` + voter + `","id":"a"}`, []string{"Authorization", hookSecret}, 0, 200},
		{"POST", hook, "/hooks/" + botB + "/tells.test", `{"type":"upvote","user":"` + voter + `","id":"b"}`, []string{"Authorization", hookSecret}, 0, 200},
		{"POST", hook, "/hooks/" + botA + "/tells.test", `{"type":"review"}`, []string{"Authorization", hookSecret}, 0, 200},
		{"POST", hook, "/hooks/" + botA + "/tells.test", `{"type":"upvote"}`, []string{"Authorization", hookSecret}, 0, 400},
		{"POST", hook, "/hooks/" + botA + "/tells.test", `{}`, nil, 0, 401},
		{"POST", hook, "/hooks/" + stranger + "/tells.test", `{}`, nil, 0, 404},
		{"POST", hook, "/hooks/" + botA + "/tells.test", tooLarge, nil, 0, 413},

		{"GET", delivery, "", "", key, 0, 200},
		{"GET", delivery, "/api/bots/" + botB + "/deliveries?state=pending", "", other, 0, 200},
		{"GET", delivery, "/api/bots/" + botB + "/deliveries?state=lost", "", other, 0, 400},
		{"GET", delivery, "", "", nil, 0, 401},
		{"GET", delivery, "", "", wrong, 2, 429},
		{"POST", delivery + "/retry", "/api/bots/" + botB + "/deliveries/retry", `{"state":"pending"}`, other, 0, 202},
		{"POST", delivery + "/retry", "", `{"ids":["msg_none"]}`, key, 0, 202},
		{"POST", delivery + "/retry", "", `{}`, key, 0, 400},
		{"POST", delivery + "/retry", "", `{"state":"dead"}`, nil, 0, 401},
		{"POST", delivery + "/retry", "", tooLarge, nil, 0, 413},
		{"POST", delivery + "/retry", "", `{"state":"dead"}`, wrong, 2, 429},
		{"POST", delivery + "/test", "", "", key, 0, 200},
		{"POST", delivery + "/test", "/api/bots/x/deliveries/test", "", key, 0, 400},
		{"POST", delivery + "/test", "", "", nil, 0, 401},
		{"POST", delivery + "/test", "", "", wrong, 2, 429},
		{"GET", bot + "/votes/stream", "/api/bots/x/votes/stream", "", key, 0, 400},
		{"GET", bot + "/votes/stream", "", "", nil, 0, 401},
		{"GET", bot + "/votes/stream", "", "", wrong, 2, 429},

		{"GET", bot + "/posts", "", "", key, 0, 200},
		{"GET", bot + "/posts", "/api/bots/x/posts", "", key, 0, 400},
		{"GET", bot + "/posts", "", "", nil, 0, 401},
		{"GET", bot + "/posts", "", "", wrong, 2, 429},

		{"GET", "/api/lists", "", "", nil, 0, 200},
		{"GET", "/api/lists", "/api/lists?filter=true", "", nil, 0, 200},
		{"GET", "/api/lists", "", "", []string{"If-None-Match", "*"}, 0, 304},
		{"GET", "/api/lists/{id}", "/api/lists/one.test", "", nil, 0, 200},
		{"GET", "/api/lists/{id}", "/api/lists/one.test", "", []string{"If-None-Match", "*"}, 0, 304},
		{"GET", "/api/lists/{id}", "/api/lists/none.test", "", nil, 0, 404},
		{"GET", "/api/lists/{id}/health", "/api/lists/one.test/health", "", nil, 0, 200},
		{"GET", "/api/lists/{id}/health", "/api/lists/one.test/health", "", []string{"If-None-Match", "*"}, 0, 304},
		{"GET", "/api/lists/{id}/health", "/api/lists/none.test/health", "", nil, 0, 404},
		{"GET", "/api/legacy-ids", "", "", nil, 0, 200},
		{"GET", "/api/legacy-ids", "", "", []string{"If-None-Match", "*"}, 0, 304},
		{"GET", "/api/status", "", "", nil, 0, 200},
		{"GET", "/api/status", "", "", []string{"If-None-Match", "*"}, 0, 304},
		{"GET", "/api/health", "", "", nil, 0, 200},
		{"GET", "/api/health", "/api/health?verbose", "", nil, 0, 200},
		{"GET", "/api/docs", "", "", nil, 0, 302},
		{"GET", "/api/docs/libs", "", "", nil, 0, 302},
		{"GET", "/api/openapi.yaml", "", "", nil, 0, 200},
		{"GET", "/api/openapi.yaml", "", "", []string{"If-None-Match", "*"}, 0, 304},
		{"GET", "/api/openapi.json", "", "", nil, 0, 200},
		{"GET", "/api/openapi.json", "", "", []string{"If-None-Match", "*"}, 0, 304},
	} {
		at := row.at
		if at == "" {
			at = strings.NewReplacer("{id}", botA, "{name}", "some-one", "{user}", voter).Replace(row.path)
		}
		headers := append(slices.Clone(row.headers), "X-Forwarded-For", fmt.Sprintf("192.0.2.%d", i+1)) // each row is another caller
		for range row.times {
			ask(t, row.method, s.base+at, row.body, headers...)
		}
		a := ask(t, row.method, s.base+at, row.body, headers...)
		if a.Status != row.status {
			t.Errorf("row %d: %s %s: status %d, want %d: %s", i, row.method, at, a.Status, row.status, a.Body)
		}
		doc.hold(t, row.method, row.path, a)
		if a.Status < 300 {
			doc.holdRequest(t, row.method, row.path, row.body)
		}
	}
	for _, method := range []string{"GET", "PUT", "PATCH", "DELETE", "OPTIONS"} {
		a := ask(t, method, s.base+"/hooks/"+botA+"/tells.test", "")
		if a.Status != http.StatusMethodNotAllowed {
			t.Errorf("%s of a webhook: status %d, want 405", method, a.Status)
		}
		doc.hold(t, "POST", hook, a)
	}
	doc.holdStreams(t, s)
	doc.holdFaults(t)
	doc.holdBusy(t, s)
	doc.holdSeen(t, s)
}

// ask sends a request and follows no redirect.
func ask(t *testing.T, method, url, body string, headers ...string) answer {
	t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	a, err := testkit.Do(t.Context(), client, method, url, body, headers...)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// holdStreams opens streams until one is refused.
func (d apiDocument) holdStreams(t *testing.T, s service) {
	t.Helper()
	const path = "/api/bots/{id}/votes/stream"
	for range 9 {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.base+strings.Replace(path, "{id}", botA, 1), nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+botKey)
		r.Header.Set("X-Forwarded-For", "192.0.2.250")
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = resp.Body.Close() })
		begin := make([]byte, 256)
		n, _ := resp.Body.Read(begin)
		d.hold(t, http.MethodGet, path, answer{Status: resp.StatusCode, Header: resp.Header, Body: string(begin[:n])})
		if resp.StatusCode == http.StatusTooManyRequests {
			return
		}
	}
	t.Error("nine streams are open")
}

// holdFaults asks a service within which everything goes wrong.
func (d apiDocument) holdFaults(t *testing.T) {
	t.Helper()
	s := serveAll(t, failing{store.NewMemory(store.MemoryOptions{})}, func(lists.Call) lists.Answer { panic("list on fire") })
	for _, row := range [][3]string{
		{"POST", "/api/count", `{"bot_id":"555555555555555555","server_count":5,"one.test":"t"}`},
		{"GET", "/api/bots/{id}", ""},
		{"POST", "/api/bots/{id}/lookup", `{"one.test":"t"}`},
		{"POST", "/api/bots/{id}/votes/{user}", `{"one.test":"t"}`},
	} {
		a := ask(t, row[0], s.base+strings.NewReplacer("{id}", botB, "{user}", voter).Replace(row[1]), row[2])
		if a.Status != http.StatusInternalServerError {
			t.Errorf("%s %s: status %d, want 500", row[0], row[1], a.Status)
		}
		d.hold(t, row[0], row[1], a)
	}
}

// holdBusy asks each route of a service that is about to end.
func (d apiDocument) holdBusy(t *testing.T, s service) {
	t.Helper()
	s.api.StopServing()
	for _, r := range documentedRoutes(s.api) {
		path := strings.NewReplacer("{id}", botA, "{name}", "some-one", "{user}", voter, "{bot}", botA, "{list}", "tells.test").Replace(r[1])
		a := ask(t, r[0], s.base+path, "")
		if a.Status != http.StatusServiceUnavailable {
			t.Errorf("%s %s of a service that ends: status %d, want 503", r[0], path, a.Status)
		}
		d.hold(t, r[0], r[1], a)
	}
}

// holdSeen holds that every answer which the document names was seen, but for
// faults of the service, which are one answer wherever they come from.
func (d apiDocument) holdSeen(t *testing.T, s service) {
	t.Helper()
	for _, r := range documentedRoutes(s.api) {
		op := d.operation(t, r[0], r[1])
		if op == nil {
			continue
		}
		for status, answer := range op.Responses.Map() {
			if where := r[0] + " " + r[1] + " " + status; !d.seen[where] && !strings.HasSuffix(answer.Ref, "/Internal") {
				t.Errorf("openapi.yaml names %s, and no row of this test has it: add one", where)
			}
		}
	}
}

// TestRoutesAreDescribed holds that the document has each route, and that each of
// its operations has an id of its own and a tag that is explained.
func TestRoutesAreDescribed(t *testing.T) {
	t.Parallel()
	doc := loadDocument(t)
	s := serveAll(t, store.NewMemory(store.MemoryOptions{}), testkit.Thanks)
	for _, r := range documentedRoutes(s.api) {
		doc.operation(t, r[0], r[1])
	}
	tags, ids := map[string]bool{}, map[string]bool{}
	for _, tag := range doc.Tags {
		tags[tag.Name] = true
	}
	for _, path := range slices.Sorted(maps.Keys(doc.Paths.Map())) {
		for method, op := range doc.Paths.Value(path).Operations() {
			switch {
			case op.OperationID == "" || ids[op.OperationID]:
				t.Errorf("%s %s: the id %q is another's, or none", method, path, op.OperationID)
			case op.Summary == "" || len(op.Tags) == 0 || !tags[op.Tags[0]]:
				t.Errorf("%s %s: summary %q and tags %q, want a summary, and a tag that is explained", method, path, op.Summary, op.Tags)
			}
			ids[op.OperationID] = true
		}
	}
}

// TestDocumentIsServed holds the two forms of the document together, and where
// /api/docs leads.
func TestDocumentIsServed(t *testing.T) {
	t.Parallel()
	s := serveAll(t, store.NewMemory(store.MemoryOptions{}), testkit.Thanks, func(c *httpapi.Config) { c.BasePath = "/bot/lists" })
	base := s.base + "/bot/lists"
	yaml := ask(t, "GET", base+"/api/openapi.yaml", "")
	if yaml.Body != string(data.OpenAPIYAML) || yaml.Header.Get("Content-Type") != "application/yaml" {
		t.Errorf("openapi.yaml is served as %s, %d bytes", yaml.Header.Get("Content-Type"), len(yaml.Body))
	}
	asJSON := ask(t, "GET", base+"/api/openapi.json", "")
	doc, err := openapi3.NewLoader().LoadFromData([]byte(asJSON.Body))
	if err != nil {
		t.Fatal(err)
	}
	want := loadDocument(t)
	got, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	if wanted, err := json.Marshal(want.T); err != nil || string(got) != string(wanted) {
		t.Errorf("openapi.json is not what openapi.yaml is: %v\n%s\n%s", err, got, wanted)
	}
	if head := ask(t, "HEAD", base+"/api/openapi.json", "", "Accept-Encoding", "gzip"); head.Status != 200 || head.Header.Get("Content-Encoding") != "gzip" {
		t.Errorf("HEAD: %d %q", head.Status, head.Header.Get("Content-Encoding"))
	}
	for _, path := range []string{"/api/docs", "/api/docs/libs"} { // there are no pages
		if got, want := ask(t, "GET", base+path, "").Header.Get("Location"), "/bot/lists/api/openapi.yaml"; got != want {
			t.Errorf("%s leads to %q, want %q", path, got, want)
		}
	}
}

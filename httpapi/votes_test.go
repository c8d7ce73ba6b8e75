package httpapi_test

import (
	"strings"
	"testing"
	"time"

	"aggregator/internal/testkit"
	"aggregator/lists"
	"aggregator/store"
)

const (
	voter      = "876543210987654321"
	votesPath  = "/api/bots/" + botA + "/votes/" + voter
	votesBegin = `{"bot_id":"` + botA + `","user_id":"` + voter + `",`
)

// hasVoted is a list that says yes of every user. It notes the tokens that it
// gets.
func hasVoted(tokens *[]string) testkit.Runner {
	return func(c lists.Call) lists.Answer {
		*tokens = append(*tokens, c.Token().Reveal())
		return lists.Answer{Status: 200, Body: []byte(`{"voted":true}`), Took: time.Millisecond}
	}
}

func TestVotes(t *testing.T) {
	t.Parallel()
	const (
		right = "Bearer " + botKey
		yes   = votesBegin + `"voted":true,"lists":{"one.test":{"voted":true}},"failure":{},"skipped":{}}`
		none  = votesBegin + `"voted":false,"lists":{},"failure":{},"skipped":{}}`
	)
	bad := func(status, message string) string {
		return `{"error":true,"status":` + status + `,"message":"` + message + `"}`
	}
	noObject, notAllowed := bad("400", "Body must be JSON object"), bad("405", "Method not allowed")
	for _, tt := range []struct {
		name, method, path, body, authorization string
		status                                  int
		want                                    string
		token                                   string // that the list gets
	}{
		{"a token", "POST", votesPath, `{"one.test":"mine"}`, "", 200, yes, "mine"},
		{"a token in tokens", "POST", votesPath, `{"tokens":{"one.test":"mine"}}`, "", 200, yes, "mine"},
		{"a trailing slash", "POST", votesPath + "/", `{"one.test":"mine"}`, "", 200, yes, "mine"},
		{"no list", "POST", votesPath, `{}`, "", 200, none, ""},
		{"no bot", "POST", "/api/bots/x/votes/y", `[]`, "Bearer wrong", 400, bad("400", "'id' must be a snowflake"), ""},
		{"no user", "POST", "/api/bots/" + botA + "/votes/y", `[]`, "Bearer wrong", 400, bad("400", "'user' must be a snowflake"), ""},
		{"no body", "POST", votesPath, "", "", 400, noObject, ""},
		{"no object", "POST", votesPath, "[]", "", 400, noObject, ""},
		{"no object, with the key", "POST", votesPath, "[]", right, 400, noObject, ""},
		{"no object, with a wrong key", "POST", votesPath, "[]", "Bearer wrong", 400, noObject, ""},

		{"the key", "POST", votesPath, "{}", right, 200, yes, "own-token"},
		{"the key, without a body", "POST", votesPath, "", right, 200, yes, "own-token"},
		{"the key beside a token", "POST", votesPath, `{"one.test":"mine"}`, right, 200, yes, "mine"},
		{"the key beside a blank token", "POST", votesPath, `{"one.test":null}`, right, 200, yes, "own-token"},
		{"a wrong key", "POST", votesPath, "{}", "Bearer wrong", 401, unknownKey, ""},
		{"a wrong key, without a body", "POST", votesPath, "", "Bearer wrong", 401, unknownKey, ""},
		{"what is no key", "POST", votesPath, `{"one.test":"mine"}`, "no key needed for this", 200, yes, "mine"},
		{"the key, by GET", "GET", votesPath, "", right, 200, yes, "own-token"},
		{"a wrong key, by GET", "GET", votesPath, "", "Bearer wrong", 401, unknownKey, ""},
		{"no key, by GET", "GET", votesPath, "", "", 401, keyNeeded, ""},
		{"a bot without a key, by GET", "GET", "/api/bots/" + botB + "/votes/" + voter, "", right, 401, keyNeeded, ""},
		{"no bot, by GET", "GET", "/api/bots/x/votes/y", "", "", 400, bad("400", "'id' must be a snowflake"), ""},
		{"no user, by GET", "GET", "/api/bots/" + botA + "/votes/y", "", "", 400, bad("400", "'user' must be a snowflake"), ""},
		{"another method", "PUT", votesPath, "", "", 405, notAllowed, ""},
	} {
		var tokens []string
		s := ownBots(t, time.Now, hasVoted(&tokens))
		var headers []string
		if tt.authorization != "" {
			headers = []string{"Authorization", tt.authorization}
		}
		a := testkit.Send(t, tt.method, s.base+tt.path, tt.body, headers...)
		if a.Status != tt.status || a.Body != tt.want || strings.Join(tokens, " ") != tt.token {
			t.Errorf("%s: got %d %s, the list got %q\nwant %d %s, %q", tt.name, a.Status, a.Body, tokens, tt.status, tt.want, tt.token)
		}
		if kind := a.Header.Get("Content-Type"); kind != "application/json" {
			t.Errorf("%s: Content-Type %s", tt.name, kind)
		}
		if log := s.log.String(); strings.Contains(log, botKey) || strings.Contains(log, "own-token") || strings.Contains(log, "mine") {
			t.Errorf("%s: the log holds a secret: %s", tt.name, log)
		}
	}
}

// TestVotesLimit has GET and POST use one window, in which what is remembered is
// answered still.
func TestVotesLimit(t *testing.T) {
	t.Parallel()
	var tokens []string
	s := ownBots(t, time.Now, hasVoted(&tokens))
	ask := func(method, user, body string) answer {
		t.Helper()
		return testkit.Send(t, method, s.base+"/api/bots/"+botA+"/votes/"+user, body, "Authorization", "Bearer "+botKey)
	}
	a := ask("GET", voter, "")
	if policy := a.Header.Get("RateLimit-Policy"); a.Status != 200 || policy != `"votes";q=1;w=60` || a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("the first: got %d %s %v", a.Status, a.Body, a.Header)
	}
	if a := ask("POST", voter, ""); a.Status != 200 || a.Header.Get("RateLimit-Policy") != "" {
		t.Errorf("what is remembered: got %d %s, want 200 and no window", a.Status, a.Body)
	}
	a = ask("POST", voter, `{"one.test":"mine"}`)
	const begin = `{"error":true,"status":429,"retry_after":`
	const end = `,"ratelimit_method":"POST","ratelimit_route":"` + votesPath + `","ratelimit_ip":"127.0.0.1","ratelimit_bot_id":"` + botA + `","message":"Too many requests: try again in `
	if a.Status != 429 || !strings.HasPrefix(a.Body, begin) || !strings.Contains(a.Body, end) || a.Header.Get("Retry-After") == "" {
		t.Errorf("another token: got %d %s, want a 429", a.Status, a.Body)
	}
	ask("GET", "876543210987654322", "").Want(t, 200) // another user
	if got := strings.Join(tokens, " "); got != "own-token own-token" {
		t.Errorf("the list got %q, want the token of the file twice", got)
	}
}

// Where there are no bots of the operator's own, there is no key to show.
func TestVotesWithoutBots(t *testing.T) {
	t.Parallel()
	var tokens []string
	s := serve(t, store.NewMemory(store.MemoryOptions{}), hasVoted(&tokens))
	a := testkit.Send(t, "GET", s.base+votesPath, "", "Authorization", "Bearer x")
	if allow := a.Header.Get("Allow"); a.Status != 405 || allow != "POST" {
		t.Errorf("GET: got %d %s, Allow %q; want 405 and POST", a.Status, a.Body, allow)
	}
	testkit.Send(t, "POST", s.base+votesPath, `{"one.test":"mine"}`, "Authorization", "Bearer x").Want(t, 200)
	if got := strings.Join(tokens, " "); got != "mine" {
		t.Errorf("the list got %q, want mine", got)
	}
}

// TestVotesAreLoggedAndCounted has a vote check stand in log and metrics under its
// own word, without its user.
func TestVotesAreLoggedAndCounted(t *testing.T) {
	t.Parallel()
	var tokens []string
	s, _ := serveMetrics(t, hasVoted(&tokens))
	testkit.Send(t, "POST", s.base+votesPath, `{"one.test":"mine","nowhere.test":"x"}`).Want(t, 200)
	wantSamples(t, s, "aggregator_list_calls_total", `{direction="votes",list="one.test",outcome="ok"} 1`)
	log := s.log.String()
	if !strings.Contains(log, `"route":"/api/bots/:id/votes/:user","status":200`) || !strings.Contains(log, `"ok":1,"failed":0,"skipped":1`) || strings.Contains(log, voter) {
		t.Errorf("log: %s", log)
	}
}

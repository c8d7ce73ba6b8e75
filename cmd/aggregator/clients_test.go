package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"aggregator/internal/testkit"
)

// A clientRuntime is what runs a client of clients/.
type clientRuntime struct {
	name     string
	command  []string // to which a file is added
	client   string   // in clients/
	language string   // of blocks in documents
	ending   string   // of its programs
}

var clientRuntimes = []clientRuntime{
	{"node", []string{"node"}, "aggregator.mjs", "js", ".mjs"},
	{"deno", []string{"deno", "run", "--quiet", "--allow-all"}, "aggregator.mjs", "js", ".mjs"},
	{"python3", []string{"python3"}, "aggregator.py", "python", ".py"},
}

// onRuntimes runs a test on each runtime that this machine has.
func onRuntimes(t *testing.T, test func(*testing.T, clientRuntime)) {
	t.Helper()
	for _, r := range clientRuntimes {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath(r.command[0]); err != nil {
				t.Skipf("NOT TESTED: no %s", r.command[0])
			}
			test(t, r)
		})
	}
}

// place puts a program into a new folder, with the client beside it, as those who
// use one do, and returns the command that runs it.
func (r clientRuntime) place(t *testing.T, name, text string) []string {
	t.Helper()
	client, err := os.ReadFile(filepath.Join("../../clients", r.client))
	if err != nil {
		t.Fatal(err)
	}
	file := write(t, name, text)
	if err := os.WriteFile(filepath.Join(filepath.Dir(file), r.client), client, 0o600); err != nil {
		t.Fatal(err)
	}
	return append(slices.Clone(r.command), file)
}

// placed is place for a program of testdata/clients.
func (r clientRuntime) placed(t *testing.T, name string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata/clients", name+r.ending))
	if err != nil {
		t.Fatal(err)
	}
	return r.place(t, name+r.ending, string(text))
}

// bareEnv is the environment of a program in another language.
func bareEnv(t *testing.T, more ...string) []string {
	t.Helper()
	return append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "PYTHONDONTWRITEBYTECODE=1"}, more...)
}

// clientKey is the key of the bot that clients ask for.
const clientKey = "a-key-of-twenty-characters"

// called is what became of a call of a client.
type called struct {
	Answer json.RawMessage
	Error  *struct {
		Status  int
		Message string
		Retry   *float64 `json:"retry_after"`
		Shown   string
	}
	Shown string // of the client itself, in full
}

// calls has clients make calls, each a JSON object, which may say another url and
// timeout than these. No secret may stand in what clients and errors show.
func (r clientRuntime) calls(t *testing.T, url, key string, calls ...string) []called {
	t.Helper()
	command := append(r.placed(t, "call"), url, key, "["+strings.Join(calls, ",")+"]")
	cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
	cmd.Env = bareEnv(t)
	e := testkit.RunToEnd(t, cmd)
	var all []called
	for line := range strings.Lines(e.Out) {
		var c called
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		all = append(all, c)
		shown := c.Shown
		if c.Error != nil {
			shown += c.Error.Shown + c.Error.Message
		}
		if strings.Contains(shown, "s3cret") || strings.Contains(shown, key) {
			t.Errorf("it shows a secret: %s", shown)
		}
	}
	if len(all) != len(calls) || e.Code != 0 || e.ErrOut != "" {
		t.Fatalf("%d of %d calls, exit %d: %s", len(all), len(calls), e.Code, e.ErrOut)
	}
	return all
}

// wantError checks that a call failed with a status and a message.
func (c called) wantError(t *testing.T, what string, status int, message string) {
	t.Helper()
	if c.Error == nil || c.Error.Status != status || !strings.Contains(c.Error.Message, message) {
		t.Errorf("%s: got %s %+v, want an error with %d, %q", what, c.Answer, c.Error, status, message)
	}
}

// TestClients has the clients ask the program everything that they can ask.
func TestClients(t *testing.T) {
	t.Parallel()
	onRuntimes(t, func(t *testing.T, run clientRuntime) {
		r := newRig(t)
		r.On("refuse.test", testkit.Say(403, "text/plain", "not you"))
		r.On("voted.test", testkit.Say(200, kindJSON, `{"voted":true}`))
		r.On("unvoted.test", testkit.Say(200, kindJSON, `{"voted":false}`))
		r.On("read.test", testkit.Say(200, kindJSON, `{"name":"A bot","server_count":7}`))
		more := write(t, "more.yaml", fmt.Sprintf(`lists:
  refuse.test: {name: R, url: "https://refuse.test/", api_post: "http://%[1]s/refuse.test/:id", api_field: n}
  voted.test: {name: V, url: "https://voted.test/", votes: {url: "http://%[1]s/voted.test/:id/:user", auth: {}, voted: voted}}
  unvoted.test: {name: U, url: "https://unvoted.test/", votes: {url: "http://%[1]s/unvoted.test/:id/:user", auth: {}, voted: voted}}
  read.test: {name: B, url: "https://read.test/", get: {url: "http://%[1]s/read.test/:id", auth: {}}}
`, r.Addr))
		bots := write(t, "bots.yaml", fmt.Sprintf("bots: {%q: {key: %q, tokens: {hidden.test: s3cret-3, voted.test: s3cret-4}}}", ownBot, clientKey))
		p := r.start(t, nil, "--lists", more, "--bots", bots, "--store", "memory:", "--limit-votes", "off")
		bot, sharded := newBot(), newBot()
		tokens := `"tokens":{"array.test":"s3cret-1","refuse.test":"s3cret-2","dead.test":"s3cret","nowhere.test":"s3cret","hidden.test":null}`
		answers := run.calls(t, p.Base, clientKey,
			`{"call":"post","bot_id":"`+bot+`","server_count":5,"shard_count":2,`+tokens+`}`,
			`{"call":"post","bot_id":"`+bot+`","server_count":5,`+tokens+`}`,
			`{"call":"post","bot_id":"`+bot+`","server_count":-5,`+tokens+`}`,
			`{"call":"post","bot_id":"`+ownBot+`","server_count":6}`,
			`{"call":"post","bot_id":"`+newBot()+`","server_count":6,"dry_run":true,"tokens":{"array.test":"s3cret-1"}}`,
			`{"call":"shards","bot_id":"`+sharded+`","shard_count":3,"shards":{"0":1,"2":3},"tokens":{"array.test":"s3cret-5"}}`,
			`{"call":"shards","bot_id":"`+sharded+`","shard_count":3,"shards":{"1":2},"tokens":{"array.test":"s3cret-5"}}`,
			`{"call":"shards","bot_id":"`+sharded+`","shard_count":3,"shards":{"3":2}}`,
			`{"call":"voted","bot_id":"`+bot+`","user_id":"`+someVoter+`","tokens":{"voted.test":"s3cret","array.test":"s3cret"}}`,
			`{"call":"voted","bot_id":"`+ownBot+`","user_id":"`+someVoter+`"}`,
			`{"call":"voted","bot_id":"`+bot+`","user_id":"`+otherOwnBot+`","tokens":{"unvoted.test":"s3cret"}}`,
			`{"call":"voted","bot_id":"`+bot+`","user_id":"../x?y"}`,
			`{"call":"bot","bot_id":"`+bot+`"}`,
			`{"call":"bot","bot_id":"`+sharded+`","tokens":{"read.test":"s3cret"}}`,
		)
		for i, want := range []string{
			0:  `{"success":{"array.test":[200,"{\"ok\":true}","{\"server_count\":5,\"shard_count\":2}"]},"failure":{"refuse.test":[403,"not you","{\"n\":5}"]},"skipped":{"dead.test":"Defunct","hidden.test":"No token","nowhere.test":"Unknown list"}}`,
			3:  `{"success":{"hidden.test":[200,"{\"ok\":true}","{\"server_count\":6}"]},"failure":{},"skipped":{"voted.test":"No post API"}}`,
			5:  `{"known":2,"of":3,"missing":[1],"server_count":null,"posted":false,"next_post_at":null}`,
			6:  `{"known":3,"of":3,"missing":[],"server_count":6,"posted":true,"next_post_at":null,"success":{"array.test":[200,"{\"ok\":true}","{\"shard_count\":3,\"shards\":[1,2,3]}"]},"failure":{}}`,
			8:  `{"bot_id":"` + bot + `","user_id":"` + someVoter + `","voted":true,"lists":{"voted.test":{"voted":true}},"failure":{},"skipped":{"array.test":"No votes API"}}`,
			9:  `{"bot_id":"` + ownBot + `","user_id":"` + someVoter + `","voted":true,"lists":{"voted.test":{"voted":true}},"failure":{},"skipped":{"hidden.test":"No votes API"}}`,
			10: `{"bot_id":"` + bot + `","user_id":"` + otherOwnBot + `","voted":false,"lists":{"unvoted.test":{"voted":false}},"failure":{},"skipped":{}}`,
		} {
			if want != "" && !reflect.DeepEqual(tryJSON(string(answers[i].Answer)), parseJSON(t, want)) {
				t.Errorf("call %d: got %s %+v\nwant %s", i+1, answers[i].Answer, answers[i].Error, want)
			}
		}
		limited := answers[1]
		if limited.wantError(t, "within the window", 429, ""); limited.Error != nil && (limited.Error.Retry == nil || *limited.Error.Retry < 1 || *limited.Error.Retry > 120) {
			t.Errorf("a 429 is to be retried after %v, want 1 to 120 s", limited.Error.Retry)
		}
		answers[2].wantError(t, "a negative count", 400, "'server_count' is out of range")
		if dry := string(answers[4].Answer); member(t, dry, "dry_run") != "true" || !strings.Contains(dry, `"***"`) {
			t.Errorf("a dry run is answered with %s", dry)
		}
		answers[7].wantError(t, "a shard that is none", 400, "'shards' names a shard that does not exist")
		answers[11].wantError(t, "a user that is none", 400, "'user' must be a snowflake")
		for i, username := range map[int]string{12: `"Unknown"`, 13: `"A bot"`} {
			if got := member(t, string(answers[i].Answer), "username"); got != username {
				t.Errorf("call %d: the bot is read as %s %+v, want %s", i+1, got, answers[i].Error, username)
			}
		}
		for _, q := range r.Take() {
			if agent := q.Header.Get("User-Agent"); q.Method == http.MethodPost && !strings.HasPrefix(agent, "aggregator-client/1 (") {
				t.Errorf("%s was told of %q", q.List, agent)
			}
		}
		wrong := run.calls(t, p.Base+"/", "another-key-of-twenty-characters", `{"call":"post","bot_id":"`+ownBot+`","server_count":6}`)
		wrong[0].wantError(t, "a wrong key", 401, "Unknown key for this bot")
	})
}

// TestClientsMeetFaults has the clients meet servers that are no service, or that
// have no room. What may have reached a list is sent once.
func TestClientsMeetFaults(t *testing.T) {
	t.Parallel()
	const busy = `{"error":true,"status":503,"message":"Service is busy"}`
	answer := func(status int, header, body string) string {
		return fmt.Sprintf("HTTP/1.1 %d It\r\n%sContent-Length: %d\r\nConnection: close\r\n\r\n%s", status, header, len(body), body)
	}
	hang := func(c *testkit.Conn) { _ = c.Request(); c.Hang() }
	cases := []struct {
		name     string
		serve    func(*testkit.Conn)
		status   int
		message  string // "": the call succeeds
		retry    float64
		requests int64
	}{
		{"busy, then not", func(c *testkit.Conn) {
			text := answer(503, "Retry-After: 0\r\n", busy)
			if c.Nth > 1 {
				text = answer(200, "", `{"success":{},"failure":{}}`)
			}
			testkit.Once(text)(c)
		}, 0, "", 0, 2},
		{"busy twice", testkit.Once(answer(503, "Retry-After: 0\r\n", busy)), 503, "Service is busy", 0, 2},
		{"busy for longer than a call", testkit.Once(answer(503, "Retry-After: 3600\r\n", busy)), 503, "Service is busy", 3600, 1},
		{"busy, without saying for how long", testkit.Once(answer(503, "", busy)), 503, "Service is busy", -1, 1},
		{"limited", testkit.Once(answer(429, "Retry-After: 7\r\n", `{"error":true,"status":429,"message":"Later"}`)), 429, "Later", 7, 1},
		{"no answer", hang, 0, "within 2 s", -1, 1},
		{"an answer without end", testkit.Then(testkit.Chunked, func(c *testkit.Conn) { c.Drip("1\r\n \r\n", 50*time.Millisecond) }), 0, "within 2 s", -1, 1},
		{"a header without end", testkit.Then(testkit.HTTPOK, func(c *testkit.Conn) { c.Drip("A: b\r\n", 50*time.Millisecond) }), 0, "within 2 s", -1, 1},
		{"a connection that breaks", testkit.Then("", (*testkit.Conn).Reset), 0, "No answer from http://127.0.0.1:", -1, 1},
		{"an answer that is cut short", testkit.Once(testkit.HTTPOK + "Content-Length: 50\r\n\r\n{}"), 0, "No answer from http://127.0.0.1:", -1, 1},
		{"a redirect", testkit.Once(answer(307, "Location: http://127.0.0.1:1/login?x=1\r\n", "")), 307, "which leads to http://127.0.0.1:1/login: check the url", -1, 1},
		{"a page", testkit.Once(answer(200, "", "<html>")), 200, "answered 200, and not as the service does: check the url", -1, 1},
		{"a gateway without a service", testkit.Once(answer(502, "", "<html>")), 502, "answered 502, and not as the service does", -1, 1},
		{"JSON that is no object", testkit.Once(answer(200, "", "[]")), 200, "not as the service does", -1, 1},
	}
	onRuntimes(t, func(t *testing.T, run clientRuntime) {
		var peers []*testkit.Peer
		var calls []string
		for _, tt := range cases {
			peer := testkit.NewPeer(t, tt.serve)
			timeout := 30
			if strings.Contains(tt.message, "within 2 s") {
				timeout = 2
			}
			peers = append(peers, peer)
			calls = append(calls, fmt.Sprintf(`{"call":"post","url":"http://%s","timeout":%d,"bot_id":"100000000000000001","server_count":5,"tokens":{"list.example":"s3cret"}}`, peer.Addr, timeout))
		}
		for i, got := range run.calls(t, "", clientKey, calls...) {
			tt := cases[i]
			switch {
			case tt.message == "":
				wantJSON(t, tt.name, string(got.Answer), `{"success":{},"failure":{}}`)
			case got.Error == nil || got.Error.Status != tt.status || !strings.Contains(got.Error.Message, tt.message):
				got.wantError(t, tt.name, tt.status, tt.message)
			case (got.Error.Retry == nil) != (tt.retry < 0) || got.Error.Retry != nil && *got.Error.Retry != tt.retry:
				t.Errorf("%s: to be retried after %v, want %v (-1: nothing is said)", tt.name, got.Error.Retry, tt.retry)
			}
			if n := peers[i].Requests.Load(); n != tt.requests {
				t.Errorf("%s: %d requests, want %d", tt.name, n, tt.requests)
			}
		}
	})
}

// TestClientsRefuse has clients refuse what would go wrong later, without saying the
// secret in it.
func TestClientsRefuse(t *testing.T) {
	t.Parallel()
	onRuntimes(t, func(t *testing.T, run clientRuntime) {
		command := run.placed(t, "refuse")
		cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
		cmd.Env = bareEnv(t)
		e := testkit.RunToEnd(t, cmd)
		said := strings.Split(strings.TrimSpace(e.Out), "\n")
		if len(said) != 13 || slices.Contains(said, "nothing") || strings.Contains(e.Out, "s3cret") || e.ErrOut != "" {
			t.Errorf("it says\n%s%swant 13 lines, none of which is nothing or has a secret", e.Out, e.ErrOut)
		}
	})
}

// TestClientsTakeVotes has a handler of each client hear what it takes and what not,
// and tell what comes again.
func TestClientsTakeVotes(t *testing.T) {
	t.Parallel()
	onRuntimes(t, func(t *testing.T, run clientRuntime) {
		modes := []string{"node", "fetch", "raw"}
		if run.language == "python" {
			modes = []string{"http.server"}
		}
		for _, mode := range modes {
			t.Run(mode, func(t *testing.T) { run.takesVotes(t, mode) })
		}
	})
	t.Run("after express.json", func(t *testing.T) {
		t.Parallel()
		if _, err := exec.LookPath("node"); err != nil {
			t.Skip("NOT TESTED: no node")
		}
		out, url := runVerifier(t, clientRuntimes[0].placed(t, "receive"), "", `SECRETS=["s3cret"]`, "MODE=parsed")
		testkit.Send(t, "POST", url, "{}", signed([]byte("s3cret"), "msg_a", time.Now(), "{}")...).Want(t, 500)
		testkit.Wait(t, "what is wrong", func() bool {
			return strings.Contains(out.String(), "the webhook must come before what parses bodies")
		})
	})
}

func (r clientRuntime) takesVotes(t *testing.T, mode string) {
	t.Helper()
	out, url := runVerifier(t, r.placed(t, "receive"), "", `SECRETS=["s3cret-new","s3cret-old"]`, "MODE="+mode)
	vote := func(user string) string {
		return fmt.Sprintf(`{"type":"vote.created","timestamp":"2026-11-25T10:00:00Z","data":{"user_id":%q,"test":false}}`, user)
	}
	send := func(secret, id, body string) answer {
		return testkit.Send(t, "POST", url, body, signed([]byte(secret), id, time.Now(), body)...)
	}
	for _, tt := range []struct {
		name, secret, id, body string
		status                 int
	}{
		{"the new secret", "s3cret-new", "msg_a", vote("1"), 204},
		{"the old secret", "s3cret-old", "msg_b", vote("1"), 204},
		{"another secret", "s3cret", "msg_c", vote("1"), 401},
		{"the same again", "s3cret-new", "msg_a", vote("1"), 204},
		{"a handler that fails", "s3cret-new", "msg_d", vote("fails once"), 500},
		{"the same, not yet handled", "s3cret-new", "msg_d", vote("fails once"), 204},
		{"the same, handled", "s3cret-new", "msg_d", vote("fails once"), 204},
		{"no JSON", "s3cret-new", "msg_e", "text", 400},
		{"no object", "s3cret-new", "msg_e", "[1]", 400},
		{"as large as is taken", "s3cret-new", "msg_f", vote("1") + strings.Repeat(" ", 1000-len(vote("1"))), 204},
		{"too large", "s3cret-new", "msg_g", vote("1") + strings.Repeat(" ", 1001-len(vote("1"))), 413},
		{"far too large", "s3cret-new", "msg_g", strings.Repeat(" ", 100_000), 413},
	} {
		if a := send(tt.secret, tt.id, tt.body); a.Status != tt.status {
			t.Errorf("%s: got %d %s, want %d", tt.name, a.Status, a.Body, tt.status)
		}
	}
	for _, method := range []string{"GET", "PUT"} {
		if a := testkit.Send(t, method, url, ""); a.Status != 405 || a.Header.Get("Allow") != "POST" {
			t.Errorf("%s: got %d, Allow %q", method, a.Status, a.Header.Get("Allow"))
		}
	}
	// The answer waits for the handler. Another attempt meanwhile comes too early.
	first := make(chan answer)
	go func() {
		defer close(first)
		a, err := testkit.Do(t.Context(), testkit.Client, "POST", url, vote("waits"), signed([]byte("s3cret-new"), "msg_w", time.Now(), vote("waits"))...)
		if err == nil {
			first <- a
		}
	}()
	testkit.Wait(t, "the handler", func() bool { return strings.Contains(out.String(), "msg_w") })
	send("s3cret-new", "msg_w", vote("waits")).Want(t, 503)
	select {
	case a := <-first:
		t.Errorf("answered with %d before the handler returned", a.Status)
	default:
	}
	send("s3cret-new", "msg_x", vote("releases")).Want(t, 204)
	testkit.Receive(t, "the answer", first).Want(t, 204)

	want := []string{"msg_a", "msg_b", "msg_a again", "msg_d", "msg_d", "msg_d again", "msg_f", "msg_w", "msg_x"}
	testkit.Eventually(t, func() error {
		var votes []string
		for line := range strings.Lines(out.String()) {
			if of, ok := strings.CutPrefix(line, "vote.created "); ok {
				votes = append(votes, strings.TrimSpace(of))
			}
		}
		if !slices.Equal(votes, want) {
			return fmt.Errorf("handled %q, want %q", votes, want)
		}
		return nil
	})
	text := out.String()
	if strings.Contains(text, "s3cret") || !strings.Contains(text, "failed as it was told to") {
		t.Errorf("it shows a secret, or not why a handler failed: %s", text)
	}
}

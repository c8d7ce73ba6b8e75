package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aggregator"
	"aggregator/catalog"
	"aggregator/internal/testkit"
	"aggregator/sandbox"
)

const (
	tryBot   = "333333333333333333"
	tryToken = "s3cret-0815"
)

// newSandbox opens a sandbox of the shipped lists, with the lists of a file
// over them, and answers the transport that leads there.
func newSandbox(t *testing.T, over string) (*sandbox.Sandbox, http.RoundTripper) {
	t.Helper()
	files := aggregator.BuiltInLists()
	if over != "" {
		files = append(files, catalog.File{Name: "over.yaml", Data: []byte(over)})
	}
	c, _, err := catalog.Load(files, catalog.File{})
	if err != nil {
		t.Fatal(err)
	}
	box := sandbox.New(c.Lists())
	return box, leadTo(t, box)
}

// leadTo serves h, and answers a transport that leads everything there.
func leadTo(t *testing.T, h http.Handler) http.RoundTripper {
	t.Helper()
	server := httptest.NewServer(h)
	transport := &http.Transport{}
	t.Cleanup(func() { transport.CloseIdleConnections(); server.Close() })
	return sandbox.Transport(transport, strings.TrimPrefix(server.URL, "http://"))
}

// input is what try gets on standard input: a token, as an editor leaves it.
const input = tryToken + "\n"

// tried runs `try`, and returns what it printed and its exit code.
func tried(t *testing.T, transport http.RoundTripper, getenv map[string]string, args ...string) (out, errOut string, code int) {
	t.Helper()
	var o, e bytes.Buffer
	env := environment{in: strings.NewReader(input), out: &o, errOut: &e, transport: transport, environ: []string{"AGGREGATOR_STORE=memory:"}}
	for name, value := range getenv {
		env.environ = append(env.environ, name+"="+value)
	}
	code = env.run(t.Context(), append([]string{"try"}, args...))
	if text := o.String() + e.String(); strings.Contains(text, "s3cret") {
		t.Errorf("the token is printed: %s", text)
	}
	for line := range strings.Lines(e.String()) {
		if !strings.Contains(line, "the store is in memory") { // as these tests want it
			errOut += line
		}
	}
	return o.String(), errOut, code
}

// results are the results that try printed: "plain FAILED".
func results(out string) string {
	var all []string
	for line := range strings.Lines(out) {
		if strings.TrimSpace(line) == "" || line[0] == ' ' { // of a request
			continue
		}
		what, result := strings.TrimSpace(line[:12]), strings.Fields(line[12:])[0]
		if what != "note" {
			all = append(all, what+" "+result)
		}
	}
	return strings.Join(all, ", ")
}

// triedEntry is an entry of some substance. Tests change a line of it.
const triedEntry = `
lists:
  mine.test:
    name: Mine
    url: "https://mine.test/"
    post:
      url: "https://api.mine.test/bots/:id/stats"
      auth: {prefix: "Bearer "}
      fields:
        server_count: "bot.guilds"
        shard_id: shard
        shard_count: shards
      success: {field: ok, is: true}
    get:
      url: "https://api.mine.test/bots/:id"
      auth: {prefix: "Bearer "}
      root: data
      fields:
        username: name
        owners: "owners[].id"
        server_count: "bot.guilds"
`

func TestTry(t *testing.T) {
	t.Parallel()
	change := func(from, to string) string {
		if !strings.Contains(triedEntry, from) {
			t.Fatalf("no %q in the entry", from)
		}
		return strings.Replace(triedEntry, from, to, 1)
	}
	limited := change("      success:", "      limits: [{per: bot, requests: 1, seconds: 21600}]\n      success:")
	numbers := strings.ReplaceAll(triedEntry, "/bots/:id", "/bots/:list_bot_id")
	withoutGet, _, _ := strings.Cut(triedEntry, "    get:")
	const all = "wrong token ok, sharded ok, plain ok, reading ok"
	for _, tt := range []struct {
		name  string
		real  string // what the list is like; triedEntry when empty
		entry string // what its owner wrote; the same when empty
		token string // tryToken when empty
		want  string
		says  string // somewhere in the output
		posts int
	}{
		{name: "a good entry", want: all, says: `owners ["100000000000000001"], server_count 321`, posts: 3},
		{name: "wrong field name", entry: change("bot.guilds\"\n        shard_id", "bot.count\"\n        shard_id"),
			want: "wrong token ok, sharded FAILED, plain FAILED, reading FAILED", says: `Field \"bot.count\" is not known`, posts: 3},
		{name: "wrong field name of the shard alone", entry: change("shard_id: shard\n", "shard_id: shard_id\n"),
			want: "wrong token ok, sharded FAILED, plain ok, reading ok", says: `Field \"shard_id\" is not known`, posts: 3},
		{name: "wrong prefix", entry: change(`"Bearer "`, `"Bot "`),
			want: "wrong token ok, sharded FAILED, plain FAILED, reading FAILED", says: `Token must begin with`, posts: 3},
		{name: "wrong success flag", entry: change("field: ok", "field: success"),
			want: "wrong token ok, sharded FAILED, plain FAILED, reading ok", says: `plain        FAILED  the flag success is missing, want true: 200 {"ok":true}`, posts: 3},
		{name: "wrong method", entry: change("      auth:", "      method: PUT\n      auth:"),
			want: "wrong token ok, sharded FAILED, plain FAILED, reading FAILED", says: "405", posts: 0},
		{name: "wrong prefix for reading", entry: strings.Replace(triedEntry, "/bots/:id\"\n      auth: {prefix: \"Bearer \"}", "/bots/:id\"\n      auth: {}", 1),
			want: "wrong token ok, sharded ok, plain ok, reading FAILED", says: "401", posts: 3},
		{name: "once in six hours: only the post that counts", real: limited,
			want: "plain ok, reading ok", says: "the list allows 1 in its interval, so only the plain one is tried", posts: 1},
		{name: "a list that numbers bots", real: numbers, token: "42:" + tryToken, want: all, posts: 3},
		{name: "a list that numbers bots, without the number", real: numbers,
			want: "wrong token FAILED, sharded FAILED, plain FAILED, reading FAILED", says: "numbers bots itself", posts: 0},
		{name: "nothing to read", real: withoutGet, want: all, says: "not tried: the entry has no way to read", posts: 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.real == "" {
				tt.real = triedEntry
			}
			if tt.entry == "" {
				tt.entry = tt.real
			}
			if tt.token == "" {
				tt.token = tryToken
			}
			box, transport := newSandbox(t, tt.real)
			out, _, code := tried(t, transport, nil, write(t, "mine.yaml", tt.entry), "--list", "mine.test", "--bot", tryBot, "--token", tt.token, "--servers", "321")
			if got := results(out); got != tt.want || !strings.Contains(out, tt.says) {
				t.Errorf("%s\nwant %s, and %q in\n%s", got, tt.want, tt.says, out)
			}
			if want := map[bool]int{false: exitDone, true: exitFailed}[strings.Contains(tt.want, "FAILED")]; code != want {
				t.Errorf("exit %d, want %d", code, want)
			}
			if got := len(box.Posts("mine.test")); got != tt.posts {
				t.Errorf("%d posts, want %d", got, tt.posts)
			}
			if strings.Contains(tt.want, "plain ok") {
				bot := tryBot
				if tt.token != tryToken {
					bot = "42"
				}
				if count, known := box.Count("mine.test", bot); !known || count != 321 {
					t.Errorf("the list is left with %d, %t; want 321", count, known)
				}
			}
		})
	}
}

// TestTryOfShippedLists tries the entry of each list that can be tried with a
// token alone, as its owner would who changes it.
func TestTryOfShippedLists(t *testing.T) {
	t.Parallel()
	box, transport := newSandbox(t, "")
	c, _, err := catalog.Load(aggregator.BuiltInLists(), catalog.File{})
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, l := range c.Lists() {
		if !l.TakesCounts() || !l.Readable() || l.NeedsKey() || l.NeedsListBotID() || l.PostsAllowed() < 10 {
			continue
		}
		file := write(t, l.ID+".yaml", "lists:\n  "+l.ID+":\n    name: \"Another name\"\n")
		out, _, code := tried(t, transport, nil, file, "--list", l.ID, "--bot", tryBot, "--user", someVoter, "--token-file", "-", "--servers", "1")
		if got := results(out); got != "wrong token ok, sharded ok, plain ok, reading ok, vote check ok" || code != exitDone {
			t.Errorf("%s: exit %d\n%s", l.ID, code, out)
		}
		if count, known := box.Count(l.ID, tryBot); !known || count != 1 {
			t.Errorf("%s is left with %d, %t; want 1", l.ID, count, known)
		}
		found = true
	}
	if !found {
		t.Error("no shipped list can be tried with a token alone")
	}
}

func TestTryOfOddLists(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		answer http.HandlerFunc
		want   string
		says   string
	}{
		{"takes the wrong token", testkit.Say(200, "application/json", `{"ok":true,"data":{"name":"x"}}`),
			"wrong token FAILED, sharded ok, plain ok, reading ok", "it was accepted: 200"},
		{"refuses every token", testkit.Say(401, "application/json", `{}`),
			"wrong token ok, sharded FAILED, plain FAILED, reading FAILED", "401"},
		{"answers nothing", hangUp,
			"wrong token FAILED, sharded FAILED, plain FAILED, reading FAILED", "no answer: Connection closed"},
		{"is parked", testkit.Say(200, "text/html", `<html>for sale</html>`),
			"wrong token ok, sharded FAILED, plain FAILED, reading ok", "for sale"},
		{"echoes the token", func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte(`{"ok":true,"data":{"name":"` + r.Header.Get("Authorization") + `"}}`))
		}, "wrong token FAILED, sharded ok, plain ok, reading ok", "***"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			out, _, code := tried(t, leadTo(t, tt.answer), nil, write(t, "mine.yaml", triedEntry), "--list", "mine.test", "--bot", tryBot, "--token-file", "-", "--servers", "7")
			if got := results(out); got != tt.want || !strings.Contains(out, tt.says) || code != exitFailed {
				t.Errorf("exit %d, %s\nwant %s, and %q in\n%s", code, got, tt.want, tt.says, out)
			}
		})
	}
}

func TestTryOfAListThatOnlyReads(t *testing.T) {
	t.Parallel()
	entry := "lists:\n  mine.test: {name: Mine, url: \"https://mine.test/\", api_get: \"https://mine.test/:id\"}\n"
	out, _, code := tried(t, leadTo(t, testkit.Say(200, "application/json", `{"name":"Bot","server_count":7}`)), nil,
		write(t, "mine.yaml", entry), "--list", "mine.test", "--bot", tryBot, "--token-file", "-", "--servers", "7")
	if results(out) != "posting ok, reading ok" || !strings.Contains(out, "server_count 7") || code != exitDone {
		t.Errorf("exit %d\n%s", code, out)
	}
}

// TestTryOfVotes has the vote check that comes with --user.
func TestTryOfVotes(t *testing.T) {
	t.Parallel()
	const (
		reading = `    api_get: "https://mine.test/:id"` + "\n"
		voting  = reading + `    votes: {url: "https://mine.test/:id/:user", auth: {}, voted: voted, voted_at: at, window: 12h, weight: weight}` + "\n"
		begin   = "lists:\n  mine.test:\n    name: Mine\n    url: \"https://mine.test/\"\n"
	)
	for _, tt := range []struct {
		name, entry, answer string
		args                []string
		want, says          string
		code                int
	}{
		{"yes", voting, `{"voted":true,"at":"2100-11-25T10:00:00Z","weight":2}`, []string{"--user", someVoter},
			"posting ok, reading ok, vote check ok", "voted true, voted_at 2100-11-25T10:00:00Z, until 2100-11-25T22:00:00Z, weight 2\n  GET https://mine.test/" + tryBot + "/" + someVoter + "\n", exitDone},
		{"no", voting, `{"voted":false}`, []string{"--user", someVoter}, "posting ok, reading ok, vote check ok", "voted false\n", exitDone},
		{"another answer", voting, `{"hasVoted":false}`, []string{"--user", someVoter}, "posting ok, reading ok, vote check FAILED", `voted is missing: 200 {"hasVoted":false}`, exitFailed},
		{"no way to ask", reading, `{}`, []string{"--user", someVoter}, "posting ok, reading ok, vote check ok", "not tried: the entry has no way to ask for votes", exitDone},
		{"no user", voting, `{}`, nil, "posting ok, reading ok", "", exitDone},
		{"no snowflake", voting, `{}`, []string{"--user", "42"}, "", `--user "42" is not a snowflake`, exitUsage},
	} {
		args := append([]string{write(t, "mine.yaml", begin+tt.entry), "--list", "mine.test", "--bot", tryBot, "--token-file", "-", "--servers", "7"}, tt.args...)
		out, errOut, code := tried(t, leadTo(t, testkit.Say(200, kindJSON, tt.answer)), nil, args...)
		if got := results(out); got != tt.want || !strings.Contains(out+errOut, tt.says) || code != tt.code {
			t.Errorf("%s: exit %d, %s\nwant %d, %s, and %q in\n%s%s", tt.name, code, got, tt.code, tt.want, tt.says, out, errOut)
		}
	}
}

// TestTryIsHeld tries an entry again and again whose list revokes the tokens of
// those that come too early: the list is asked once.
func TestTryIsHeld(t *testing.T) {
	t.Parallel()
	entry := strings.Replace(triedEntry, "      success:", "      limits: [{per: bot, requests: 1, seconds: 21600}]\n      revoked: [401]\n      success:", 1)
	box, transport := newSandbox(t, entry)
	file, store := write(t, "mine.yaml", entry), "sqlite:"+filepath.Join(t.TempDir(), "state.db")
	want := "plain ok, reading ok"
	for range 3 {
		out, errOut, code := tried(t, transport, nil, file, "--list", "mine.test", "--bot", tryBot, "--token-file", "-", "--servers", "7", "--store", store)
		if got := results(out); got != want || code != exitDone {
			t.Errorf("exit %d, %s, want %s\n%s%s", code, got, want, out, errOut)
		}
		want = "plain held, reading ok"
	}
	if got := len(box.Posts("mine.test")); got != 1 {
		t.Errorf("%d posts, want 1", got)
	}
}

// TestTryShowsRequests has the requests of an entry on the screen, without the
// token.
func TestTryShowsRequests(t *testing.T) {
	t.Parallel()
	_, transport := newSandbox(t, triedEntry)
	out, _, _ := tried(t, transport, nil, write(t, "mine.yaml", triedEntry), "--list", "mine.test", "--bot", tryBot, "--token-file", "-", "--servers", "7")
	for _, want := range []string{
		"  POST https://api.mine.test/bots/" + tryBot + "/stats\n",
		"  Authorization: Bearer ***\n",
		"  {\"bot\":{\"guilds\":7},\"shard\":0,\"shards\":1}\n",
		"  GET https://api.mine.test/bots/" + tryBot + "\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

func TestTryKeepsStateInTheUsersFolder(t *testing.T) {
	t.Parallel()
	_, transport := newSandbox(t, triedEntry)
	file, home := write(t, "mine.yaml", triedEntry), t.TempDir()
	args := []string{file, "--list", "mine.test", "--bot", tryBot, "--token-file", "-", "--servers", "7"}
	for env, folder := range map[string]string{"HOME": filepath.Join(home, ".local", "state"), "XDG_STATE_HOME": filepath.Join(home, "xdg")} {
		value := map[string]string{"HOME": home, "XDG_STATE_HOME": folder}[env]
		_, errOut, code := tried(t, transport, map[string]string{"AGGREGATOR_STORE": "", env: value}, args...)
		if code != exitDone || errOut != "" {
			t.Errorf("%s: exit %d: %s", env, code, errOut)
		}
		if _, err := os.Stat(filepath.Join(folder, "aggregator", "state.db")); err != nil {
			t.Errorf("%s: %v", env, err)
		}
	}
	if _, errOut, code := tried(t, transport, map[string]string{"AGGREGATOR_STORE": ""}, args...); code != exitUsage || !strings.Contains(errOut, "--store is missing") {
		t.Errorf("without a home: exit %d: %s", code, errOut)
	}
}

func TestTryArguments(t *testing.T) {
	t.Parallel()
	good := write(t, "mine.yaml", triedEntry)
	bad := write(t, "bad.yaml", "lists:\n  mine.test:\n    naem: Mine\n")
	of := func(args string) string { return args + " --list mine.test --bot " + tryBot + " --servers 7 " }
	for _, tt := range []struct {
		name string
		args string
		env  map[string]string
		code int
		err  string // somewhere in what it says; "" for nothing
	}{
		{"token of standard input", of(good) + "--token-file -", nil, exitDone, ""},
		{"token of a file that others may read", of(good) + "--token-file " + readable(t, write(t, "open.txt", tryToken)), nil, exitDone, "open.txt: holds a secret and may be read by others; chmod 600 it"},
		{"token of a file", of(good) + "--token-file " + write(t, "token.txt", tryToken+"\r\n"), nil, exitDone, ""},
		{"token of the environment", of(good), map[string]string{"AGGREGATOR_TOKEN": tryToken}, exitDone, ""},
		{"token of the command line", of(good) + "--token " + tryToken, nil, exitDone, "warning: other users see --token"},
		{"file last", of("") + "--token-file - " + good, nil, exitDone, ""},
		{"nothing", "", nil, exitUsage, "FILE is missing"},
		{"no file", of("") + "--token-file -", nil, exitUsage, "FILE is missing"},
		{"no list", good + " --bot " + tryBot + " --servers 7 --token-file -", nil, exitUsage, "--list is missing"},
		{"no bot", good + " --list mine.test --servers 7 --token-file -", nil, exitUsage, "--bot is missing"},
		{"bot is no snowflake", good + " --list mine.test --bot 42 --servers 7 --token-file -", nil, exitUsage, `--bot "42" is not a snowflake`},
		{"no count", good + " --list mine.test --bot " + tryBot + " --token-file -", nil, exitUsage, "--servers is missing"},
		{"count below zero", of(good) + "--servers -1 --token-file -", nil, exitUsage, "--servers -1 is out of range"},
		{"no token", of(good), nil, exitUsage, "the token is missing: --token-file FILE, or AGGREGATOR_TOKEN"},
		{"token twice", of(good) + "--token-file -", map[string]string{"AGGREGATOR_TOKEN": tryToken}, exitUsage, "the token is given twice"},
		{"blank token", of(good) + "--token-file " + write(t, "blank.txt", " \n"), nil, exitUsage, "the token cannot be sent: No token"},
		{"no token file", of(good) + "--token-file nowhere.txt", nil, exitFailed, "open nowhere.txt"},
		{"unknown list", good + " --list mine.tset --bot " + tryBot + " --servers 7 --token-file -", nil, exitUsage, `unknown list "mine.tset", did you mean "mine.test"?`},
		{"bad file", of(bad) + "--token-file -", nil, exitFailed, bad + ":2: mine.test: name: is required"},
		{"two files", of(good) + "--token-file - " + bad, nil, exitUsage, "unexpected argument"},
		{"no such file", of("none.yaml") + "--token-file -", nil, exitFailed, "open none.yaml"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			box, transport := newSandbox(t, triedEntry)
			out, errOut, code := tried(t, transport, tt.env, strings.Fields(tt.args)...)
			if code != tt.code || !strings.Contains(errOut, tt.err) || (errOut == "") != (tt.err == "") {
				t.Errorf("exit %d, want %d; said %q, want %q", code, tt.code, errOut, tt.err)
			}
			if sent := len(box.Posts("mine.test")) > 0; sent != (tt.code == exitDone) || sent != (out != "") {
				t.Errorf("sent %t, printed %q", sent, out)
			}
		})
	}
}

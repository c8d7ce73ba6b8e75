package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"aggregator"
	"aggregator/catalog"
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
	files := []catalog.File{{Name: "lists.yaml", Data: aggregator.ListsYAML}}
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

// tried runs `try`, and returns what it printed and whether all went well.
func tried(t *testing.T, transport http.RoundTripper, getenv map[string]string, args ...string) (out, errOut string, err error) {
	t.Helper()
	var o, e bytes.Buffer
	err = try(t.Context(), environment{func(name string) string { return getenv[name] }, &o, &e, transport}, args)
	if text := o.String() + e.String() + fmt.Sprint(err); strings.Contains(text, "s3cret") {
		t.Errorf("the token is printed: %s", text)
	}
	return o.String(), e.String(), err
}

// results are the results that try printed: "zero ok, plain FAILED".
func results(out string) string {
	var all []string
	for line := range strings.Lines(out) {
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
	const all = "wrong token ok, zero ok, sharded ok, plain ok, reading ok"
	for _, tt := range []struct {
		name  string
		real  string // what the list is like; triedEntry when empty
		entry string // what its owner wrote; the same when empty
		token string // tryToken when empty
		want  string
		says  string // somewhere in the output
		posts int
	}{
		{name: "a good entry", want: all, says: `username "Sandbox Bot", owners [100000000000000001], server_count 321`, posts: 4},
		{name: "wrong field name", entry: change("bot.guilds\"\n        shard_id", "bot.count\"\n        shard_id"),
			want: "wrong token ok, zero FAILED, sharded FAILED, plain FAILED, reading FAILED", says: `Field \"bot.count\" is not known`, posts: 4},
		{name: "wrong field name of the shard alone", entry: change("shard_id: shard\n", "shard_id: shard_id\n"),
			want: "wrong token ok, zero ok, sharded FAILED, plain ok, reading ok", says: `Field \"shard_id\" is not known`, posts: 4},
		{name: "wrong prefix", entry: change(`"Bearer "`, `"Bot "`),
			want: "wrong token ok, zero FAILED, sharded FAILED, plain FAILED, reading FAILED", says: `Token must begin with`, posts: 4},
		{name: "wrong success flag", entry: change("field: ok", "field: success"),
			want: "wrong token ok, zero FAILED, sharded FAILED, plain FAILED, reading ok", says: `200 {"ok":true}`, posts: 4},
		{name: "wrong method", entry: change("      auth:", "      method: PUT\n      auth:"),
			want: "wrong token ok, zero FAILED, sharded FAILED, plain FAILED, reading FAILED", says: "405", posts: 0},
		{name: "wrong prefix for reading", entry: strings.Replace(triedEntry, "/bots/:id\"\n      auth: {prefix: \"Bearer \"}", "/bots/:id\"\n      auth: {}", 1),
			want: "wrong token ok, zero ok, sharded ok, plain ok, reading FAILED", says: "401", posts: 4},
		{name: "once in six hours: only the post that counts", real: limited,
			want: "plain ok, reading ok", says: "the list allows 1 in its interval, so the rest is not tried", posts: 1},
		{name: "a list that numbers bots", real: numbers, token: "42:" + tryToken, want: all, posts: 4},
		{name: "a list that numbers bots, without the number", real: numbers,
			want: "wrong token FAILED, zero FAILED, sharded FAILED, plain FAILED, reading FAILED", says: "numbers bots itself", posts: 0},
		{name: "nothing to read", real: withoutGet, want: all, says: "not tried: the entry has no way to read", posts: 4},
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
			out, _, err := tried(t, transport, nil, write(t, "mine.yaml", tt.entry), "--list", "mine.test", "--bot", tryBot, "--token", tt.token, "--servers", "321")
			if got := results(out); got != tt.want || !strings.Contains(out, tt.says) {
				t.Errorf("%s\nwant %s, and %q in\n%s", got, tt.want, tt.says, out)
			}
			if failed := strings.Contains(tt.want, "FAILED"); (err != nil) != failed {
				t.Errorf("error %v, want one: %t", err, failed)
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

func TestTryOfAShippedList(t *testing.T) {
	t.Parallel()
	box, transport := newSandbox(t, "")
	file := write(t, "del.yaml", "lists:\n  discordextremelist.xyz:\n    name: \"Another name\"\n")
	out, _, err := tried(t, transport, nil, file, "--list", "discordextremelist.xyz", "--bot", tryBot, "--token", tryToken)
	if got := results(out); got != "wrong token ok, zero ok, sharded ok, plain ok, reading ok" || err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if count, known := box.Count("discordextremelist.xyz", tryBot); !known || count != 1 {
		t.Errorf("the list is left with %d, %t; want 1", count, known)
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
		{"takes the wrong token", say(200, "application/json", `{"ok":true,"data":{"name":"x"}}`),
			"wrong token FAILED, zero ok, sharded ok, plain ok, reading ok", "ACCEPTED"},
		{"refuses every token", say(401, "application/json", `{}`),
			"wrong token ok, zero FAILED, sharded FAILED, plain FAILED, reading FAILED", "401"},
		{"answers nothing", hangUp,
			"wrong token FAILED, zero FAILED, sharded FAILED, plain FAILED, reading FAILED", "-1"},
		{"is parked", say(200, "text/html", `<html>for sale</html>`),
			"wrong token ok, zero FAILED, sharded FAILED, plain FAILED, reading ok", "for sale"},
		{"echoes the token", func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte(`{"ok":true,"data":{"name":"` + r.Header.Get("Authorization") + `"}}`))
		}, "wrong token FAILED, zero ok, sharded ok, plain ok, reading ok", "***"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			out, _, err := tried(t, leadTo(t, tt.answer), nil, write(t, "mine.yaml", triedEntry), "--list", "mine.test", "--bot", tryBot, "--token", tryToken)
			if got := results(out); got != tt.want || !strings.Contains(out, tt.says) || err == nil {
				t.Errorf("%v, %s\nwant %s, and %q in\n%s", err, got, tt.want, tt.says, out)
			}
		})
	}
}

func TestTryOfAListThatOnlyReads(t *testing.T) {
	t.Parallel()
	entry := "lists:\n  mine.test: {name: Mine, url: \"https://mine.test/\", api_get: \"https://mine.test/:id\"}\n"
	out, _, err := tried(t, leadTo(t, say(200, "application/json", `{"name":"Bot","server_count":7}`)), nil,
		write(t, "mine.yaml", entry), "--list", "mine.test", "--bot", tryBot, "--token", tryToken)
	if results(out) != "posting ok, reading ok" || !strings.Contains(out, "server_count 7") || err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestTryArguments(t *testing.T) {
	t.Parallel()
	good := write(t, "mine.yaml", triedEntry)
	bad := write(t, "bad.yaml", "lists:\n  mine.test:\n    naem: Mine\n")
	const want = "want: aggregator try FILE --list ID --bot SNOWFLAKE --token TOKEN"
	for _, tt := range []struct {
		name string
		args string
		env  map[string]string
		err  string // beginning; "" for none
	}{
		{"all", good + " --list mine.test --bot " + tryBot + " --token " + tryToken, nil, ""},
		{"of the environment", good + " --list mine.test --bot " + tryBot, map[string]string{"AGGREGATOR_TOKEN": tryToken}, ""},
		{"none", "", nil, want},
		{"no file", "--list mine.test --bot " + tryBot + " --token " + tryToken, nil, want},
		{"no list", good + " --bot " + tryBot + " --token " + tryToken, nil, want},
		{"no bot", good + " --list mine.test --token " + tryToken, nil, want},
		{"bot is none", good + " --list mine.test --bot 42 --token " + tryToken, nil, want},
		{"no token", good + " --list mine.test --bot " + tryBot, nil, want},
		{"fewer than no servers", good + " --list mine.test --bot " + tryBot + " --servers -1 --token " + tryToken, nil, want},
		{"unknown list", good + " --list your.test --bot " + tryBot + " --token " + tryToken, nil, good + ` holds no list "your.test"`},
		{"bad file", bad + " --list mine.test --bot " + tryBot + " --token " + tryToken, nil, bad + ":2: mine.test: name: is required"},
		{"two files", good + " --list mine.test --bot " + tryBot + " --token " + tryToken + " " + bad, nil, "unexpected argument"},
		{"no such file", "none.yaml --list mine.test --bot " + tryBot + " --token " + tryToken, nil, "open none.yaml"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			box, transport := newSandbox(t, triedEntry)
			out, _, err := tried(t, transport, tt.env, strings.Fields(tt.args)...)
			said := fmt.Sprint(err)
			if err == nil {
				said = ""
			}
			if (said == "") != (tt.err == "") || !strings.HasPrefix(said, tt.err) {
				t.Errorf("error %q, want %q", said, tt.err)
			}
			if sent := len(box.Posts("mine.test")) > 0; sent != (tt.err == "") || sent != (out != "") {
				t.Errorf("sent %t, printed %q", sent, out)
			}
		})
	}
}

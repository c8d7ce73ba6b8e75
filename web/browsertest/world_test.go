package browsertest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	data "aggregator"
	"aggregator/catalog"
	"aggregator/internal/testkit"
	"aggregator/lists"
	"aggregator/sandbox"
)

// world is a running program, and the sandbox of all lists that it asks.
type world struct {
	*testkit.Program
	catalog *catalog.Catalog
	box     *sandbox.Sandbox
	addr    string // of the sandbox

	mu     sync.Mutex
	faults map[string]http.HandlerFunc // in place of the sandbox, by the host of a list's API
}

// The bot that the program posts for by itself, at its first sight: its share of
// the first minute is none.
const (
	ownBot = "100000000000000052"
	ownKey = "a key of twenty characters"
)

// newWorld starts the program on the built-in lists, whose APIs and icons are
// looked for in a sandbox. It ends with the test.
func newWorld(t *testing.T, args ...string) *world {
	t.Helper()
	needBrowser(t)
	legacy := data.BuiltInLegacyIDs()
	c, _, err := catalog.Load(data.BuiltInLists(), legacy)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{catalog: c, box: sandbox.New(c.Lists()), faults: map[string]http.HandlerFunc{}}
	server := httptest.NewServer(w)
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	w.addr = strings.TrimPrefix(server.URL, "http://")
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, f := range data.BuiltInLists() {
		write(t, dir, f.Name, w.led(f.Data))
	}
	write(t, dir, legacy.Name, legacy.Data)
	tokens := make([]string, 0, 4)
	for _, l := range w.read()[:4] {
		tokens = append(tokens, l.ID+": token")
	}
	write(t, dir, "bots.yaml", fmt.Appendf(nil, "bots:\n  %q: {name: My Bot, key: %q, tokens: {%s}, posts: {discord_token: token}}\n", ownBot, ownKey, strings.Join(tokens, ", ")))
	cmd := exec.CommandContext(t.Context(), path, append([]string{
		"serve", "--listen", "127.0.0.1:0", "--lists", "lists.yaml", "--lists", "lists_defunct.yaml", "--legacy-ids", "legacy_ids.yaml",
		"--limit-network", "off", "--limit-count", "off", "--store", "memory:", "--bots", "bots.yaml", "--discord-api", "http://" + w.addr + "/discord/api/v10",
	}, args...)...)
	cmd.Env = []string{} // none is not the same as ours
	cmd.Dir = dir
	w.Program = testkit.Start(t, cmd)
	return w
}

func write(t *testing.T, dir, name string, text []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// asked matches the URLs of a file of lists that the program asks: those of APIs,
// which stand deeper than a list's own URL, and icons.
var asked = regexp.MustCompile(`(?m)^((?: {6,}url| {4}(?:api_get|api_post|icon)): ")https://`)

// led returns a file of lists whose requests lead to the sandbox.
func (w *world) led(file []byte) []byte {
	return asked.ReplaceAll(file, []byte("${1}http://"+w.addr+"/"))
}

// ServeHTTP answers as the list whose host is the first part of the path.
func (w *world) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	host, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	w.mu.Lock()
	fault := w.faults[host]
	w.mu.Unlock()
	if fault != nil {
		fault(rw, r)
		return
	}
	w.sandbox(rw, r)
}

// sandbox answers as a list without a fault.
func (w *world) sandbox(rw http.ResponseWriter, r *http.Request) {
	host, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if host == "discord" {
		testkit.Say(200, "application/json", `{"id":"`+ownBot+`","approximate_guild_count":1234}`)(rw, r)
		return
	}
	r.Host, r.URL.Path, r.URL.RawPath = host, "/"+path, ""
	w.box.ServeHTTP(rw, r)
}

// read returns lists that take counts and can be read without a key, by name, each
// with a host of its own.
func (w *world) read() []*lists.List {
	var all []*lists.List
	seen := map[string]bool{}
	for _, l := range w.catalog.Lists() {
		hosts := slices.Compact(l.Hosts())
		if !l.Readable() || l.NeedsKey() || !l.TakesCounts() || l.NeedsListBotID() || len(hosts) != 1 || seen[hosts[0]] {
			continue
		}
		seen[hosts[0]] = true
		all = append(all, l)
	}
	slices.SortFunc(all, func(a, b *lists.List) int { return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
	return all
}

// on makes a list answer with h; nil means as in the sandbox.
func (w *world) on(l *lists.List, h http.HandlerFunc) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults[l.Hosts()[0]] = h
}

// post posts a count to some lists, and returns how many took it.
func (w *world) post(t *testing.T, bot string, servers int, to ...*lists.List) int {
	t.Helper()
	body := map[string]any{"bot_id": bot, "server_count": servers}
	for _, l := range to {
		body[l.ID] = "token"
	}
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	a := testkit.Send(t, "POST", w.Base+"/api/count", string(raw))
	a.Want(t, 200)
	var said struct{ Success map[string]any }
	if err := json.Unmarshal([]byte(a.Body), &said); err != nil {
		t.Fatalf("%v: %s", err, a.Body)
	}
	if len(said.Success) < len(to) {
		t.Log(a.Body)
	}
	return len(said.Success)
}

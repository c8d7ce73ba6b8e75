package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"aggregator/internal/testkit"
)

// binaries is where TestMain lets the binary be built.
var binaries string

func TestMain(m *testing.M) {
	if os.Getenv(sandboxVariable) != "" {
		os.Exit(runAsProgram())
	}
	flag.Parse()
	os.Exit(func() int {
		// Most of these tests wait, and two of them for ten seconds.
		if err := flag.Set("test.parallel", "8"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		// Only what is on loopback is asked, whatever proxy this machine has.
		for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"} {
			_ = os.Unsetenv(name)
		}
		dir, err := os.MkdirTemp("", "aggregator")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer func() { _ = os.RemoveAll(dir) }()
		binaries = dir
		return m.Run()
	}())
}

// binary builds the program, once.
var binary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(binaries, "aggregator")
	return path, testkit.Build(path, ".")
})

// program is what is tested, with arguments and an environment, in a folder of
// its own.
func program(t *testing.T, env []string, args ...string) *exec.Cmd {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Env = append([]string{}, env...) // none is not the same as ours
	cmd.Dir = t.TempDir()
	return cmd
}

func runToEnd(t *testing.T, env []string, args ...string) testkit.Ended {
	t.Helper()
	return testkit.RunToEnd(t, program(t, env, args...))
}

// process is a running program.
type process struct {
	running
	exe *testkit.Program
}

func start(t *testing.T, env []string, args ...string) *process {
	t.Helper()
	p := testkit.Start(t, program(t, env, args...))
	return &process{running{p.Service}, p}
}

const anyPort = "127.0.0.1:0"

// absolute makes file names in arguments absolute.
func absolute(t *testing.T, args []string) []string {
	t.Helper()
	for i, arg := range args {
		if strings.HasSuffix(arg, ".yaml") {
			path, err := filepath.Abs(arg)
			if err != nil {
				t.Fatal(err)
			}
			args[i] = path
		}
	}
	return args
}

// start runs the program on the rig's catalog.
func (r *rig) start(t *testing.T, env []string, args ...string) *process {
	t.Helper()
	args = append(append([]string{"serve", "--listen", anyPort, "--limit-network", "off"}, absolute(t, r.files(t))...), args...)
	return start(t, env, args...)
}

func TestKill(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	store := "sqlite:" + filepath.Join(t.TempDir(), "windows.db")
	p := r.start(t, nil, "--store", store)
	counted, read := newBot(), newBot()
	p.count(t, counted).Want(t, 200)
	testkit.Send(t, "GET", p.Base+"/api/bots/"+read, "").Want(t, 200)
	reset := parseLimited(t, p.count(t, counted)).Reset
	paced := countBody(newBot(), `"paced.test":"a"`)
	p.post(t, paced)
	p.exe.Signal(t, syscall.SIGKILL)
	if code := p.exe.Code(t); code == 0 {
		t.Errorf("killed, and ended with %d", code)
	}

	p = r.start(t, nil, "--store", store)
	if again := parseLimited(t, p.count(t, counted)); again.Reset != reset {
		t.Errorf("the window ended at %d, and now at %d", reset, again.Reset)
	}
	testkit.Send(t, "GET", p.Base+"/api/bots/"+read, "").Want(t, 429)
	if c := p.post(t, paced); !strings.HasPrefix(c.Skipped["paced.test"], "Paced: ") {
		t.Errorf("pacing is forgotten: %s", c.raw)
	}
	p.count(t, newBot()).Want(t, 200)
}

func TestDefaultStore(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	p := r.start(t, nil)
	p.count(t, newBot()).Want(t, 200)
	if _, err := os.Stat(filepath.Join(p.exe.Cmd.Dir, "aggregator.db")); err != nil {
		t.Error(err)
	}
	if p := r.start(t, nil, "--store", "memory:"); !strings.Contains(p.Log.String(), "memory") || !strings.Contains(p.Log.String(), "pacing") {
		t.Errorf("no warning that pacing does not survive: %s", p.Log)
	}
}

func TestTerminate(t *testing.T) {
	t.Parallel()
	for _, sig := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			p := r.start(t, nil, "--store", "memory:")
			arrived, release := make(chan struct{}), make(chan struct{})
			var once sync.Once
			r.On("one.test", func(w http.ResponseWriter, q *http.Request) {
				once.Do(func() { close(arrived) })
				select {
				case <-release:
					testkit.Say(200, "text/plain", "at last")(w, q)
				case <-q.Context().Done():
				}
			})
			answered := make(chan counted, 1)
			go func() {
				defer close(answered)
				answered <- p.post(t, countBody(newBot(), `"one.test":"t"`))
			}()
			testkit.Receive(t, "the post", arrived)
			p.exe.Signal(t, sig)
			testkit.Wait(t, "the shutdown", func() bool { return strings.Contains(p.Log.String(), "shutting down") })
			select {
			case <-p.exe.Done:
				t.Fatalf("ended with a post in flight: %s", p.Log)
			case <-time.After(50 * time.Millisecond): // it must not end while the post is in flight
			}
			close(release)
			if c := testkit.Receive(t, "the answer", answered); c.Success["one.test"].text != "at last" {
				t.Errorf("the post in flight was answered with %s", c.raw)
			}
			if code := p.exe.Code(t); code != 0 {
				t.Errorf("ended with %d: %s", code, p.Log)
			}
		})
	}
	t.Run("idle", func(t *testing.T) {
		t.Parallel()
		p := newRig(t).start(t, nil)
		p.exe.Signal(t, syscall.SIGTERM)
		if code := p.exe.Code(t); code != 0 {
			t.Errorf("ended with %d: %s", code, p.Log)
		}
	})
}

// TestTerminateHealth asks for health while a post in flight holds the end up.
func TestTerminateHealth(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	p := r.start(t, nil, "--store", "memory:")
	arrived := make(chan struct{})
	r.On("one.test", func(_ http.ResponseWriter, q *http.Request) {
		close(arrived)
		<-q.Context().Done()
	})
	go func() {
		resp, err := testkit.Client.Post(p.Base+"/api/count", "application/json", strings.NewReader(countBody(newBot(), `"one.test":"t"`)))
		if err == nil {
			resp.Body.Close()
		}
	}()
	testkit.Receive(t, "the post", arrived)
	p.exe.Signal(t, syscall.SIGTERM)
	testkit.Wait(t, "the shutdown", func() bool { return strings.Contains(p.Log.String(), "shutting down") })
	for _, path := range []string{"/api/health", "/api/health/"} {
		resp, err := testkit.Client.Get(p.Base + path)
		if err != nil {
			t.Fatalf("%s while shutting down: %v, want 503", path, err)
		}
		resp.Body.Close()
		if resp.StatusCode != 503 {
			t.Errorf("%s while shutting down: %d, want 503", path, resp.StatusCode)
		}
	}
}

const (
	goodYAML = `lists:
  new.test:
    name: "New"
    url: "https://new.test/"
    api_post: "https://new.test/bots/:id"
    api_field: "count"
`
	brokenYAML = `lists:
  new.test:
    name: "New"
    url: "https://new.test/"
    api_pots: "https://new.test/bots/:id"
    display: 7
`
)

func TestReload(t *testing.T) {
	t.Parallel()
	rewrite := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	lists := write(t, "lists.yaml", strings.ReplaceAll(goodYAML, "new.test", "old.test"))
	legacy := write(t, "legacy_ids.yaml", "was.test: old.test\n")
	p := start(t, nil, "serve", "--listen", anyPort, "--store", "memory:", "--lists", lists, "--legacy-ids", legacy)
	status := func(path string) int { return testkit.Send(t, "GET", p.Base+path, "").Status }
	before := testkit.Send(t, "GET", p.Base+"/api/lists", "")

	for name, broken := range map[string]string{"unknown key": brokenYAML, "no YAML": "lists: [", "empty": ""} {
		reports := strings.Count(p.Log.String(), "not reloaded")
		rewrite(lists, broken)
		p.exe.Signal(t, syscall.SIGHUP)
		testkit.Wait(t, "the report of "+name, func() bool { return strings.Count(p.Log.String(), "not reloaded") > reports })
		if a := testkit.Send(t, "GET", p.Base+"/api/lists", ""); a.Status != 200 || a.Body != before.Body {
			t.Errorf("%s: %d %s", name, a.Status, a.Body)
		}
	}
	if log := p.Log.String(); !strings.Contains(log, "lists.yaml:5") || !strings.Contains(log, "api_pots") {
		t.Errorf("the log does not say what is broken: %s", log)
	}

	rewrite(lists, goodYAML+"  more.test: {name: More, url: \"https://more.test/\"}\n")
	rewrite(legacy, "once.test: new.test\n")
	p.exe.Signal(t, syscall.SIGHUP)
	testkit.Wait(t, "the new list", func() bool { return status("/api/lists/new.test") == 200 })
	for path, want := range map[string]int{"/api/lists/old.test": 404, "/api/lists/was.test": 404, "/api/lists/once.test": 200} {
		if got := status(path); got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
	if a := testkit.Send(t, "GET", p.Base+"/api/lists", "", "If-None-Match", before.Header.Get("ETag")); a.Status != 200 {
		t.Errorf("the new catalog has the old one's ETag: %d", a.Status)
	}
	const told = `"added":["more.test","new.test"],"removed":["old.test"],"changed":[],"legacy_ids_changed":true,"features_changed":false`
	if !strings.Contains(p.Log.String(), told) {
		t.Errorf("the log does not tell what has changed: %s", p.Log)
	}
	c := p.post(t, countBody(newBot(), `"old.test":"t"`))
	if !strings.HasPrefix(c.Skipped["old.test"], "Unknown list") {
		t.Errorf("posts go by the old catalog: %s", c.raw)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	good, broken := write(t, "lists.yaml", goodYAML), write(t, "broken.yaml", brokenYAML)
	none := write(t, "legacy_ids.yaml", "")
	overlay := write(t, "overlay.yaml", "lists:\n  new.test:\n    name: Newer\n  more.test: {name: More, url: \"https://more.test/\"}\n")
	problems := []string{`broken\.yaml:5: .*new\.test: .*api_pots: .*api_post.*`, `broken\.yaml:6: .*new\.test: display: .*7`}
	for _, row := range []struct {
		name string
		args []string
		code int
		out  string   // a regular expression of the only line
		err  []string // regular expressions, each of a line
	}{
		{"built in", []string{"check"}, 0, `^\d+ lists .*\n$`, nil},
		{"good", []string{"check", "--lists", good, "--legacy-ids", none}, 0, `^1 list .*\n$`, nil},
		{"two files", []string{"check", "--lists", good, "--lists", overlay, "--legacy-ids", none}, 0, `^2 lists .*\n$`, nil},
		{"built in, by name", []string{"check", "--lists", "builtin", "--legacy-ids", "builtin"}, 0, `^\d+ lists .*[1-9]\d* legacy ids\n$`, nil},
		{"built in and a file", []string{"check", "--lists", "builtin", "--lists", good, "--lists", overlay}, 0, `^\d\d+ lists .*[1-9]\d* legacy ids\n$`, nil},
		{"not the built-in legacy ids without the lists", []string{"check", "--lists", good}, 0, `^1 list .* 0 legacy ids\n$`, nil},
		{"broken", []string{"check", "--lists", broken, "--legacy-ids", none}, 1, `^$`, problems},
		{"serve broken", []string{"serve", "--store", "memory:", "--listen", anyPort, "--lists", broken, "--legacy-ids", none}, 1, `^$`, problems},
		{"no YAML", []string{"check", "--lists", write(t, "text.yaml", "lists:\n  - [\n")}, 1, `^$`, []string{`text\.yaml:\d+: `}},
		{"no file", []string{"check", "--lists", "nowhere.yaml"}, 1, `^$`, []string{`nowhere\.yaml`}},
		{"cycle", []string{"check", "--lists", good, "--legacy-ids", write(t, "cycle.yaml", "a.test: b.test\nb.test: a.test\n")}, 1, `^$`,
			[]string{`cycle\.yaml:\d+: .*a\.test.*b\.test`}},
		{"legacy id of no list", []string{"check", "--lists", good, "--legacy-ids", write(t, "odd.yaml", "a.test: b.test\n")}, 0, `^1 list .*\n$`,
			[]string{`odd\.yaml:1: .*a\.test.*b\.test`}},
		{"key twice", []string{"check", "--lists", write(t, "twice.yaml", goodYAML+"    name: x\n")}, 1, `^$`, []string{`twice\.yaml:7: .*name`}},
		{"http", []string{"check", "--lists", write(t, "http.yaml", strings.ReplaceAll(goodYAML, `api_post: "https`, `api_post: "http`))}, 1, `^$`,
			[]string{`http\.yaml:5: .*new\.test: api_post: .*https`}},
		{"unknown placeholder", []string{"check", "--lists", write(t, "holder.yaml", strings.ReplaceAll(goodYAML, `/:id`, `/:bot`))}, 1, `^$`,
			[]string{`holder\.yaml:5: .*new\.test: api_post: .*:bot.*:id`}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			e := runToEnd(t, nil, row.args...)
			if e.Code != row.code || !regexp.MustCompile(row.out).MatchString(e.Out) {
				t.Errorf("ended with %d, said %q; want %d, %s", e.Code, e.Out, row.code, row.out)
			}
			for _, want := range row.err {
				if !regexp.MustCompile(want).MatchString(e.ErrOut) {
					t.Errorf("%s\nwant a line like %s", e.ErrOut, want)
				}
			}
			if len(row.err) == 0 && e.ErrOut != "" {
				t.Errorf("said %s", e.ErrOut)
			}
		})
	}
}

func TestCommandLine(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		env  []string
		args []string
		code int
		said string // a regular expression of what it says
	}{
		{"nothing", nil, nil, 0, `usage: `},
		{"help", nil, []string{"help"}, 0, `(?s)demo.*serve.*check`},
		{"help of a command", nil, []string{"serve", "-h"}, 0, `(?s)--listen.*--trusted-proxies.*--client-ip-header.*--store.*--limit-count.*--limit-bots.*--limit-votes`},
		{"unknown command", nil, []string{"server"}, 2, `unknown command "server", did you mean "serve"\?`},
		{"help of an unknown command", nil, []string{"help", "dmeo"}, 2, `unknown command "dmeo", did you mean "demo"\?`},
		{"help for a command", nil, []string{"help", "explain"}, 0, `(?s)^usage: aggregator explain \[LIST\] \[flags\].*--legacy-ids FILE.*--lists FILE.*Example:\n  aggregator explain list.example`},
		{"help of one with arguments", nil, []string{"try", "mine.yaml", "-h"}, 0, `(?s)^usage: aggregator try FILE \[flags\].*--token-file FILE.*\n  AGGREGATOR_BOT\n +stands for --bot`},
		{"help of one without flags", nil, []string{"schema", "--help"}, 0, `^usage: aggregator schema \[flags\]`},
		{"unknown flag", nil, []string{"serve", "--port", "1"}, 2, `unknown flag --port`},
		{"unknown flag that is near", nil, []string{"serve", "--lisetn", ":0"}, 2, `unknown flag --lisetn, did you mean "--listen"\?`},
		{"flag before the command", nil, []string{"--lists", "nowhere.yaml", "check"}, 1, `nowhere\.yaml`},
		{"flag without a value", nil, []string{"serve", "--listen"}, 2, `--listen needs a value`},
		{"flag of another type", nil, []string{"try", "--servers", "many", "x.yaml"}, 2, `--servers "many": `},
		{"level", nil, []string{"serve", "--log-level", "loud"}, 2, `--log-level "loud": `},
		{"after two dashes there are no flags", nil, []string{"explain", "--", "--lists"}, 2, `unknown list "--lists"`},
		{"argument too many", nil, []string{"serve", "now"}, 2, `"now"`},
		{"store", nil, []string{"serve", "--store", "nonsense"}, 2, `--store.*sqlite:.*memory:`},
		{"store without a file", nil, []string{"serve", "--store", "sqlite:"}, 2, `--store`},
		{"store that cannot be", nil, []string{"serve", "--store", "sqlite:/nowhere/at/all.db"}, 1, `/nowhere/at/all\.db`},
		{"rate", nil, []string{"serve", "--limit-count", "often"}, 2, `often.*1/120s.*off`},
		{"proxies", nil, []string{"serve", "--trusted-proxies", "10.0.0.0/99"}, 2, `10\.0\.0\.0/99`},
		{"address", nil, []string{"serve", "--store", "memory:", "--listen", "nowhere:x"}, 1, `--listen`},
		{"rate of the environment", []string{"AGGREGATOR_LIMIT_COUNT=often"}, []string{"serve"}, 2, `AGGREGATOR_LIMIT_COUNT.*often`},
		{"store of the environment", []string{"AGGREGATOR_STORE=nonsense"}, []string{"serve"}, 2, `(--store|AGGREGATOR_STORE).*sqlite:.*memory:`},
		{"lists of the environment", []string{"AGGREGATOR_LISTS=nowhere.yaml"}, []string{"check"}, 1, `nowhere\.yaml`},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			e := runToEnd(t, row.env, row.args...)
			if e.Code != row.code || !regexp.MustCompile(row.said).MatchString(e.Out+e.ErrOut) {
				t.Errorf("ended with %d, said %s%s; want %d, %s", e.Code, e.Out, e.ErrOut, row.code, row.said)
			}
			if row.code != 0 && e.Out != "" {
				t.Errorf("said to the output: %s", e.Out)
			}
		})
	}
}

func TestEnvironment(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	files := absolute(t, r.files(t))
	t.Run("in place of flags", func(t *testing.T) {
		t.Parallel()
		p := start(t, []string{"AGGREGATOR_LISTEN=" + anyPort, "AGGREGATOR_STORE=memory:", "AGGREGATOR_LISTS=" + files[1],
			"AGGREGATOR_LEGACY_IDS=" + files[3], "AGGREGATOR_LIMIT_COUNT=off", "AGGREGATOR_LIMIT_BOTS=1/7s",
			"AGGREGATOR_TRUSTED_PROXIES=127.0.0.1", "AGGREGATOR_CLIENT_IP_HEADER=X-Real-IP"}, "serve")
		bot := newBot()
		p.count(t, bot).Want(t, 200)
		p.count(t, bot).Want(t, 200)
		for _, status := range []int{200, 429} {
			a := testkit.Send(t, "GET", p.Base+"/api/bots/"+bot, "", "X-Real-IP", "192.0.2.1")
			a.Want(t, status)
			if got := a.Header.Get("RateLimit-Policy"); got != `"bots";q=1;w=7` {
				t.Errorf("RateLimit-Policy %q", got)
			}
			if got := a.Header.Get("X-Rate-Limit-IP"); status == 429 && got != "192.0.2.1" {
				t.Errorf("X-Rate-Limit-IP %q", got)
			}
		}
	})
	t.Run("flags win", func(t *testing.T) {
		t.Parallel()
		p := start(t, []string{"AGGREGATOR_LISTEN=nowhere:x", "AGGREGATOR_STORE=nonsense", "AGGREGATOR_LISTS=nowhere.yaml", "AGGREGATOR_LIMIT_COUNT=off"},
			append([]string{"serve", "--listen", anyPort, "--store=memory:", "--limit-count", "1/9s"}, files...)...)
		bot := newBot()
		p.count(t, bot).Want(t, 200)
		l := p.count(t, bot)
		l.Want(t, 429)
		if got := l.Header.Get("RateLimit-Policy"); got != `"count";q=1;w=9` {
			t.Errorf("RateLimit-Policy %q", got)
		}
	})
	t.Run("several lists files", func(t *testing.T) {
		t.Parallel()
		first := write(t, "first.yaml", goodYAML)
		second := write(t, "second.yaml", "lists:\n  new.test: {api_field: servers}\n  more.test: {name: More, url: \"https://more.test/\"}\n")
		p := start(t, nil, "serve", "--listen", anyPort, "--store", "memory:", "--lists", first, "--lists", second)
		list := get(t, p.Base+"/api/lists/new.test")
		wantJSON(t, "replaced field", member(t, list, "api_field"), `"servers"`)
		wantJSON(t, "field left alone", member(t, list, "name"), `"New"`)
		get(t, p.Base+"/api/lists/more.test")
	})
}

// TestProxy has posts go through HTTPS_PROXY.
func TestProxy(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	asked := make(chan string, 10)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			if q, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
				asked <- q.Method + " " + q.RequestURI
			}
			_, _ = io.WriteString(conn, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
			conn.Close()
		}
	}()
	lists := write(t, "lists.yaml", goodYAML)
	env := []string{"HTTPS_PROXY=http://" + l.Addr().String(), "NO_PROXY=other.test"}
	p := start(t, env, "serve", "--listen", anyPort, "--store", "memory:", "--lists", lists)
	c := p.post(t, countBody(newBot(), `"new.test":"secret-token"`))
	if got := testkit.Receive(t, "the proxy", asked); got != "CONNECT new.test:443" {
		t.Errorf("the proxy was asked %s", got)
	}
	if got := c.Failure["new.test"]; got.status != -1 || got.text == "" {
		t.Errorf("%+v", got)
	}
}

func TestDemo(t *testing.T) {
	t.Parallel()
	e := runToEnd(t, nil, "demo", "--once", "--json", "--listen", anyPort)
	var demo struct {
		Count, Bot json.RawMessage
		Votes      []json.RawMessage
	}
	if err := json.Unmarshal([]byte(e.Out), &demo); e.Code != 0 || err != nil {
		t.Fatalf("ended with %d, %v: %s%s", e.Code, err, e.Out, e.ErrOut)
	}
	var count counted
	if err := json.Unmarshal(demo.Count, &count); err != nil {
		t.Fatal(err)
	}
	for list, r := range count.Failure {
		t.Errorf("%s failed: %+v", list, r)
	}
	checked := runToEnd(t, nil, "check").Out
	var lists, living, takers, readable int
	if _, err := fmt.Sscanf(checked, "%d lists (%d living, %d take counts, %d can be read)", &lists, &living, &takers, &readable); err != nil {
		t.Fatalf("%v: %s", err, checked)
	}
	if len(count.Success) != takers || takers == 0 {
		t.Errorf("%d lists succeeded, want %d", len(count.Success), takers)
	}
	if len(count.Skipped) > 0 {
		t.Errorf("skipped %v", count.Skipped)
	}
	var bot botAnswer
	if err := json.Unmarshal(demo.Bot, &bot); err != nil {
		t.Fatal(err)
	}
	wantJSON(t, "server_count", string(bot.Count), "1234")
	if len(bot.List)+len(bot.Skipped) != readable {
		t.Errorf("%d lists were read and %d skipped, want %d", len(bot.List), len(bot.Skipped), readable)
	}
	for list, why := range bot.Skipped {
		if why != "No key" {
			t.Errorf("%s skipped: %s", list, why)
		}
	}
	for list, said := range bot.List {
		_, posted := count.Success[list] // the others know no bot
		if status := string(said[1]); status != "200" && (posted || status != "404") {
			t.Errorf("%s: %s", list, said)
		}
	}
	voted := map[string]bool{}
	for _, vote := range demo.Votes {
		wantKeys(t, "a vote", keys(t, string(vote)), "type", "timestamp", "data")
		data := member(t, string(vote), "data")
		wantKeys(t, "what a vote tells", keys(t, data), "list", "bot_id", "user_id", "voted_at", "until", "weekend", "weight", "test", "raw")
		voted[member(t, data, "list")] = true
	}
	if len(voted) != maxDemoVotes {
		t.Errorf("votes of %d lists, want %d: %s", len(voted), maxDemoVotes, demo.Votes)
	}
}

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"aggregator"
	"aggregator/catalog"
	"aggregator/internal/testkit"
	"aggregator/lists"
	"aggregator/sandbox"
)

// pageCommand is a command of a page, and what the page says that it prints.
type pageCommand struct{ line, want string }

// pageCommands returns the commands of a page: indented lines after "$ ".
func pageCommands(t *testing.T, page string) []pageCommand {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("../../docs", page))
	if err != nil {
		t.Fatal(err)
	}
	var all []pageCommand
	inBlock := false
	for line := range strings.Lines(string(raw)) {
		text, indented := strings.CutPrefix(line, "    ")
		command, is := strings.CutPrefix(text, "$ ")
		switch {
		case indented && is:
			all = append(all, pageCommand{line: strings.TrimSpace(command)})
			inBlock = true
		case inBlock && (indented || line == "\n"):
			all[len(all)-1].want += text
		default:
			inBlock = false
		}
	}
	return all
}

// changing is what differs from one run to the next.
var changing = regexp.MustCompile(`msg_[A-Z2-7]+|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z|\d\d:\d\d:\d\d|\b[0-9a-f]{64}\b|\b\d{10}(\d{9})?\b|(localhost|127\.0\.0\.1):\d+`)

// compare returns an error unless the page shows what was printed: the same, but
// for what changes, and with "…" for any text.
func (c pageCommand) compare(printed *testkit.Log) error {
	mask := func(s string) string { return strings.TrimSpace(changing.ReplaceAllString(s, "*")) }
	pattern := strings.ReplaceAll(regexp.QuoteMeta(mask(c.want)), "…", ".*")
	if !regexp.MustCompile("^(?s:" + pattern + ")$").MatchString(mask(printed.String())) {
		return fmt.Errorf("%s\nprinted\n%s\nthe page shows\n%s", c.line, printed, c.want)
	}
	return nil
}

// pageShell runs commands of a page: with the program on the PATH, the variables
// that the page names, and servers elsewhere than the page says.
type pageShell struct {
	dir      string
	env      []string
	replacer *strings.Replacer
}

func newPageShell(t *testing.T, env []string) *pageShell {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"sh", "curl"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("NOT TESTED: no %s", name)
		}
	}
	return &pageShell{dir: t.TempDir(), env: append([]string{"PATH=" + filepath.Dir(path) + ":" + os.Getenv("PATH")}, env...), replacer: strings.NewReplacer()}
}

// start starts a command, which ends with the test, and returns its output as it
// comes, and what closes at its end.
func (s *pageShell) start(t *testing.T, line string) (out *testkit.Log, done <-chan struct{}) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, "sh", "-c", "exec env "+s.replacer.Replace(line))
	cmd.Dir, cmd.Env, cmd.WaitDelay = s.dir, s.env, time.Second
	out = &testkit.Log{}
	cmd.Stdout = out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() { cancel(); <-ended })
	return out, ended
}

var (
	variableName = regexp.MustCompile(`\$\{(\w+)\}`)
	votesURL     = regexp.MustCompile(`/api/bots/(\d+)/votes/(\d+)`)
)

// pageBots returns bots.yaml of docs/votes.md, and values for its variables.
func pageBots(t *testing.T) (text string, env []string) {
	t.Helper()
	text = snippet(t, "votes.md", "yaml")
	for _, m := range variableName.FindAllStringSubmatch(text, -1) {
		env = append(env, m[1]+"=the-value-of-"+m[1])
	}
	return text, env
}

// pageService runs `aggregator serve` with arguments of a page, on a sandbox of
// the lists of the catalog, in which a user has voted on each. What is on loopback
// is asked as it is.
func pageService(t *testing.T, env, args []string, bot, user string) *testkit.Service {
	t.Helper()
	c, _, err := catalog.Load(aggregator.BuiltInLists(), catalog.File{})
	if err != nil {
		t.Fatal(err)
	}
	box := sandbox.New(c.Lists())
	for _, l := range c.Lists() {
		box.Vote(l.ID, lists.SampleVote{BotID: bot, UserID: user}, lists.NewToken("any", ""))
	}
	server := httptest.NewServer(box)
	direct := &http.Transport{}
	t.Cleanup(func() { direct.CloseIdleConnections(); server.Close() })
	led := sandbox.Transport(direct, strings.TrimPrefix(server.URL, "http://"))
	transport := roundTripper(func(q *http.Request) (*http.Response, error) {
		if host := q.URL.Hostname(); host == "127.0.0.1" || host == "localhost" {
			return direct.RoundTrip(q)
		}
		return led.RoundTrip(q)
	})
	args = append([]string{"serve", "--listen", anyPort, "--store", "memory:", "--limit-votes", "off"}, args...)
	return testkit.Serve(t, func(ctx context.Context, stderr io.Writer) int {
		return environment{environ: env, out: io.Discard, errOut: stderr, transport: transport}.run(ctx, args)
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f roundTripper) RoundTrip(q *http.Request) (*http.Response, error) { return f(q) }

// TestVotesPage runs every command of docs/votes.md, in the order of the page, and
// holds what they print to what the page shows.
func TestVotesPage(t *testing.T) {
	t.Parallel()
	text, env := pageBots(t)
	sh := newPageShell(t, env)
	type running struct {
		pageCommand
		out *testkit.Log
	}
	var going []running
	all := pageCommands(t, "votes.md")
	// Whoever takes the votes comes first: bots.yaml says where that is.
	const listening = "aggregator hooks listen --port 3000"
	endpoint := ""
	for _, c := range all {
		if strings.Contains(c.line, listening) {
			sh.replacer = strings.NewReplacer("--port 3000", "--port 0")
			out, _ := sh.start(t, c.line)
			at := regexp.MustCompile(`^Listening on http://(\S+) until`)
			testkit.Wait(t, "hooks listen", func() bool { return at.MatchString(out.String()) })
			endpoint = at.FindStringSubmatch(out.String())[1]
			going = append(going, running{c, out})
		}
	}
	if endpoint == "" || strings.Count(text, "localhost:3000") != 1 {
		t.Fatalf("the page must have %q, and send_to at localhost:3000", listening)
	}
	bots := filepath.Join(sh.dir, "bots.yaml")
	if err := os.WriteFile(bots, []byte(strings.ReplaceAll(text, "localhost:3000", endpoint)), 0o600); err != nil {
		t.Fatal(err)
	}
	served := 0
	for _, c := range all {
		args, serves := strings.CutPrefix(c.line, "aggregator serve ")
		if !serves {
			continue
		}
		served++
		var bot, user string
		for _, other := range all {
			if m := votesURL.FindStringSubmatch(other.line); m != nil {
				bot, user = m[1], m[2]
			}
		}
		s := pageService(t, env, strings.Fields(strings.ReplaceAll(args, "bots.yaml", bots)), bot, user)
		sh.replacer = strings.NewReplacer("http://localhost:8080", s.Base, "localhost:8080", strings.TrimPrefix(s.Base, "http://"))
	}
	if served != 1 {
		t.Fatalf("the page serves %d times, want once", served)
	}
	for _, c := range all {
		if strings.Contains(c.line, listening) || strings.HasPrefix(c.line, "aggregator serve ") {
			continue
		}
		if strings.Contains(c.line, "curl -N ") { // without end
			out, _ := sh.start(t, c.line)
			going = append(going, running{c, out})
			continue
		}
		run := func() error {
			out, done := sh.start(t, c.line)
			testkit.Receive(t, c.line, done)
			return c.compare(out)
		}
		if strings.HasPrefix(c.line, "curl ") && !strings.Contains(c.line, " -d ") && !strings.Contains(c.line, " -X ") {
			testkit.Eventually(t, run) // what it asks for may be under way
		} else if err := run(); err != nil {
			t.Error(err)
		}
	}
	for _, c := range going {
		testkit.Eventually(t, func() error { return c.compare(c.out) })
	}
}

package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"aggregator"
	"aggregator/catalog"
	"aggregator/internal/testkit"
	"aggregator/lists"
	"aggregator/sandbox"
)

// The tests of the documents. A fenced block of README.md, docs/*.md and the like
// is of one of these kinds, by its info string:
//
//	```console            commands after "$ ", each with its output below it
//	```sh                 commands, one a line, whose output is not shown
//	```yaml file=NAME     a file that later commands of the document use
//	```LANGUAGE held-by=TestName   what another test, or an Example, holds
//
// The commands of a document run in order in a folder of its own, with the
// program on the PATH as `aggregator`, in front of a sandbox of every list. Ports
// of localhost are mapped to free ones. In an output "…" stands for any text, and
// what differs from run to run (times, durations, ids) may differ. A command must exit
// with 0, but for the last one of a block that says `fails`.
// `aggregator serve` and others that go on until Ctrl-C run until the document starts
// another one on the same port, or ends; in a block that says `instead` what still
// runs is stopped first. In a block that says `outside`, what needs more
// than this machine is not run, but its flags are checked as everywhere.

// sandboxVariable tells the program where the sandbox is.
const sandboxVariable = "DOCUMENTS_SANDBOX"

// runAsProgram is what the test binary does where it is called `aggregator`: it is
// the program, but for its calls, which are led to the sandbox.
func runAsProgram() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	log.SetOutput(io.Discard)
	env := environment{
		program: os.Args[0], environ: os.Environ(), in: os.Stdin, out: os.Stdout, errOut: os.Stderr,
		transport: sandboxed(os.Getenv(sandboxVariable)),
	}
	return env.run(ctx, os.Args[1:])
}

// sandboxed returns a transport that leads calls to the sandbox at an address, but
// for those to this machine.
func sandboxed(address string) http.RoundTripper {
	direct := &http.Transport{}
	led := sandbox.Transport(direct, address)
	return roundTripper(func(q *http.Request) (*http.Response, error) {
		if host := q.URL.Hostname(); host == "127.0.0.1" || host == "localhost" {
			return direct.RoundTrip(q)
		}
		return led.RoundTrip(q)
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f roundTripper) RoundTrip(q *http.Request) (*http.Response, error) { return f(q) }

// documents returns the names of all documents with blocks, below the root.
func documents(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"*.md", "docs/*.md", "deploy/*.md", "clients/*.md", "examples/*.md"} {
		names, err := filepath.Glob(filepath.Join("../..", pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			all = append(all, strings.TrimPrefix(filepath.ToSlash(name), "../../"))
		}
	}
	return all
}

func readDocument(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("../..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// TestDocuments runs every document.
func TestDocuments(t *testing.T) {
	t.Parallel()
	for _, name := range documents(t) {
		text := readDocument(t, name)
		blocks, _ := testkit.Blocks(text)
		if !slices.ContainsFunc(blocks, runs) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			newReader(t, name, text).follow(t, blocks)
		})
	}
}

// runs reports whether the commands of a block are run.
func runs(b testkit.Block) bool {
	return (b.Language == "console" || b.Language == "sh") && !b.Word("outside") && b.Value("held-by") == ""
}

// defaultPort is the port of the documents, and of `aggregator serve`.
const defaultPort = "8080"

// A reader does what a document says.
type reader struct {
	name  string
	dir   string
	env   []string
	ports *ports
	lists []catalog.File // of which the sandbox is made
	box   atomic.Pointer[sandbox.Outside]
	votes [][]string // bots and the users who have voted for them
	going []*ongoing
}

// ongoing is a command that goes on until it is stopped.
type ongoing struct {
	testkit.Command
	port string
	out  *testkit.Log
	stop func()
}

var (
	variableName = regexp.MustCompile(`\$\{?([A-Z][A-Z0-9_]{2,})\}?`)
	voteOf       = regexp.MustCompile(`/api/bots/(\d+)/votes/(\d+)|aggregator voted (\d+) (\d+)`)
	secretFile   = regexp.MustCompile(`"@([\w./-]+)"`)
	botInYAML    = regexp.MustCompile(`(?m)^  "(\d{16,20})":`)
	export       = regexp.MustCompile(`^export ([A-Z_]+)=(\S+)$`)
)

// valueOf returns what a variable, or a file, with a secret holds in the tests.
func valueOf(name string) string {
	if strings.HasSuffix(name, "_URL") {
		return "https://discord.com/api/webhooks/1/abc"
	}
	return "the-value-of-" + name
}

func newReader(t *testing.T, name, text string) *reader {
	t.Helper()
	r := &reader{name: name, dir: t.TempDir(), ports: newPorts(), lists: aggregator.BuiltInLists()}
	bin := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(bin, "aggregator")); err != nil {
		t.Fatal(err)
	}
	// On a terminal curl shows no progress.
	if err := os.WriteFile(filepath.Join(r.dir, ".curlrc"), []byte("silent\nshow-error\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) { r.box.Load().ServeHTTP(w, q) }))
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	r.env = []string{
		"PATH=" + bin + ":" + os.Getenv("PATH"), "HOME=" + r.dir, "PYTHONDONTWRITEBYTECODE=1",
		sandboxVariable + "=" + strings.TrimPrefix(server.URL, "http://"),
		variable("listen") + "=127.0.0.1:" + r.ports.of(defaultPort),
		variable("limit-votes") + "=off", // whoever types is slower
	}
	for _, m := range variableName.FindAllStringSubmatch(text, -1) {
		if !slices.Contains([]string{"HOME", "PATH", "PORT", "PWD", "USER"}, m[1]) {
			r.env = append(r.env, m[1]+"="+valueOf(m[1]))
		}
	}
	for _, m := range voteOf.FindAllStringSubmatch(text, -1) {
		r.votes = append(r.votes, []string{m[1] + m[3], m[2] + m[4]})
	}
	r.newSandbox(t)
	return r
}

// newSandbox makes the sandbox of the lists that are known so far.
func (r *reader) newSandbox(t *testing.T) {
	t.Helper()
	c, _, err := catalog.Load(r.lists, catalog.File{})
	if err != nil {
		t.Fatalf("%s: %v", r.name, err)
	}
	box := sandbox.New(c.Lists())
	for _, l := range c.Lists() {
		for _, of := range r.votes {
			box.Vote(l.ID, lists.SampleVote{BotID: of[0], UserID: of[1]}, lists.NewToken("any", ""))
		}
	}
	outside := sandbox.NewOutside(box, 1234)
	outside.Bot(valueOf("DISCORD_TOKEN"), demoBot)
	r.box.Store(outside)
}

// follow writes the files of the blocks and runs their commands, in order.
func (r *reader) follow(t *testing.T, blocks []testkit.Block) {
	t.Helper()
	for _, b := range blocks {
		switch {
		case b.Value("file") != "":
			r.write(t, b)
		case runs(b):
			if b.Word("instead") {
				r.stop()
			}
			all := b.Commands()
			for i, c := range all {
				r.run(t, c, b.Word("fails") && i == len(all)-1)
			}
		}
		if t.Failed() {
			break // what comes after a failure fails too
		}
	}
	r.settle(t)
}

// settle waits until what goes on has printed what the document shows.
func (r *reader) settle(t *testing.T) {
	t.Helper()
	for _, g := range r.going {
		if !t.Failed() && g.Want != "" {
			testkit.Eventually(t, func() error { return r.compare(g.Command, g.out.String()) })
		}
	}
}

// stop stops what goes on.
func (r *reader) stop() {
	for _, g := range r.going {
		g.stop()
	}
}

// write writes the file of a block, and those with secrets that it names.
func (r *reader) write(t *testing.T, b testkit.Block) {
	t.Helper()
	text := r.ports.used(b.Text)
	files := map[string]string{b.Value("file"): text}
	if b.Language == "yaml" {
		for _, m := range secretFile.FindAllStringSubmatch(text, -1) {
			files[m[1]] = valueOf(m[1]) + "\n"
		}
		if strings.Contains(text, "\nlists:") || strings.HasPrefix(text, "lists:") {
			r.lists = append(r.lists, catalog.File{Name: b.Value("file"), Data: []byte(text)})
			r.newSandbox(t)
		}
		for _, m := range botInYAML.FindAllStringSubmatch(text, -1) {
			r.box.Load().Bot(valueOf("DISCORD_TOKEN"), m[1])
		}
	}
	for name, content := range files {
		path := filepath.Join(r.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// run runs a command of a document, which fails if it is to.
func (r *reader) run(t *testing.T, c testkit.Command, fails bool) {
	t.Helper()
	line := strings.ReplaceAll(c.Text, "bin/aggregator", "aggregator")
	if target, ok := strings.CutPrefix(line, "make "); ok {
		out, err := exec.CommandContext(t.Context(), "make", "-C", "../..", "-n", target).CombinedOutput()
		if err != nil {
			t.Errorf("%s:%d: %s: %v: %s", r.name, c.Line, line, err, out)
		}
		if target != "demo" {
			return
		}
		line = "aggregator demo"
	}
	if m := export.FindStringSubmatch(line); m != nil {
		r.env = append(r.env, m[1]+"="+m[2])
		return
	}
	words := withoutVariables(line)
	if _, err := exec.LookPath(words[0]); err != nil && words[0] != "aggregator" && words[0] != "cd" {
		t.Skipf("NOT TESTED from %s:%d on: no %s", r.name, c.Line, words[0])
	}
	if goesOn(words) {
		r.begin(t, c, line)
		return
	}
	check := func() error {
		out, err := r.start(t, r.ports.used(line)).wait(t)
		if failed := err != nil; failed != fails {
			how := fmt.Sprint(err) // <nil> for 0
			return fmt.Errorf("%s:%d: %s\nended with %s, and printed\n%s", r.name, c.Line, c.Text, how, out)
		}
		return r.compare(c, out)
	}
	if words[0] == "curl" && !slices.ContainsFunc(words, func(w string) bool { return w == "-d" || w == "-X" || w == "-T" }) {
		testkit.Eventually(t, check) // what it asks for may be under way
	} else if err := check(); err != nil {
		t.Error(err)
	}
}

// withoutVariables returns the words of a command without the variables that are
// set before it.
func withoutVariables(line string) []string {
	words := strings.Fields(line)
	for len(words) > 1 && regexp.MustCompile(`^[A-Z_]+=`).MatchString(words[0]) {
		words = words[1:]
	}
	return words
}

// goesOn reports whether a command goes on until it is stopped.
func goesOn(words []string) bool {
	has := func(word string) bool { return slices.Contains(words, word) }
	switch {
	case words[0] == "curl":
		return has("-N")
	case words[0] != "aggregator" || len(words) < 2 || has("-h"):
		return false
	}
	switch words[1] {
	case "serve":
		return true
	case "agent", "demo":
		return !has("--once")
	case "hooks":
		return has("listen")
	}
	return has("--every")
}

// begin starts a command that goes on, in place of the one that has its port. One
// that serves is waited for.
func (r *reader) begin(t *testing.T, c testkit.Command, line string) {
	t.Helper()
	serves := regexp.MustCompile(`aggregator (serve|demo)|hooks listen`).MatchString(line)
	port := defaultPort
	if m := givenPort.FindStringSubmatch(line); m != nil {
		port = m[1]
	}
	for _, g := range r.going {
		if serves && g.port == port {
			g.stop()
		}
	}
	s := r.start(t, r.ports.used(line))
	g := &ongoing{c, "", s.out, s.stop}
	r.going = append(r.going, g)
	if !serves {
		return
	}
	g.port = port
	address := net.JoinHostPort("127.0.0.1", r.ports.of(port))
	testkit.Eventually(t, func() error {
		select {
		case <-s.done:
			t.Fatalf("%s:%d: %s\nended, and printed\n%s", r.name, c.Line, c.Text, s.out)
		default:
		}
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
		if err != nil {
			return err
		}
		if strings.Contains(line, "aggregator demo") && !strings.Contains(s.out.String(), "Serving on ") {
			err = fmt.Errorf("%s has printed %s", line, s.out)
		}
		_ = conn.Close()
		return err
	})
}

// started is a command that runs.
type started struct {
	out  *testkit.Log
	done <-chan struct{} // closed at its end
	err  *error          // of its end
	stop func()
}

// start starts a command, which ends with the test.
func (r *reader) start(t *testing.T, line string) started {
	t.Helper()
	if words := withoutVariables(line); goesOn(words) {
		line = "exec env " + line // so that it is the process that is stopped
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, "sh", "-c", line)
	cmd.Dir, cmd.Env, cmd.WaitDelay = r.dir, r.env, time.Second
	out := &testkit.Log{}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done, ended := make(chan struct{}), new(error)
	go func() { *ended = cmd.Wait(); close(done) }()
	stop := func() { cancel(); <-done }
	t.Cleanup(stop)
	return started{out, done, ended, stop}
}

// wait waits for the end.
func (s started) wait(t *testing.T) (out string, err error) {
	t.Helper()
	testkit.Receive(t, "the command's end", s.done)
	return s.out.String(), *s.err
}

// changing is what differs from one run to the next.
var changing = regexp.MustCompile(`msg_[A-Z2-7]+|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?|\b\d\d:\d\d:\d\d\b|\b[0-9a-f]{64}\b|\b[0-9a-f]{12}\b|\b\d{10}(\d{9})?\b|` +
	`\b\d+(\.\d+)?(ms|µs)|\b\d+\.\d+s|"took_ms":\d+|go1\.\d+(\.\d+)?`)

// compare returns an error unless the document shows what was printed: the same,
// but for what changes, and with "…" for any text. A document that shows nothing
// agrees with everything.
func (r *reader) compare(c testkit.Command, printed string) error {
	if strings.TrimSpace(c.Want) == "" {
		return nil
	}
	mask := func(s string) string {
		s = changing.ReplaceAllString(r.ports.shown(s), "*")
		return strings.TrimSpace(regexp.MustCompile(`(?m) +$`).ReplaceAllString(regexp.MustCompile(` {2,}`).ReplaceAllString(s, "  "), ""))
	}
	pattern := strings.ReplaceAll(regexp.QuoteMeta(mask(c.Want)), "…", ".*")
	if !regexp.MustCompile("^(?s:" + pattern + ")$").MatchString(mask(printed)) {
		return fmt.Errorf("%s:%d: %s\nprinted\n%s\nthe document shows\n%s", r.name, c.Line, c.Text, r.ports.shown(printed), c.Want)
	}
	return nil
}

var (
	givenPort  = regexp.MustCompile(`(?:--listen \S*:|--port )(\d{4,5})\b`)
	portOfHost = regexp.MustCompile(`\b(localhost:|127\.0\.0\.1:|PORT=)(\d{4,5})\b`)
	portOfFlag = regexp.MustCompile(`(--listen :|--port )(\d{4,5})\b`)
)

// ports maps the ports of a document to free ones.
type ports struct{ byShown map[string]string }

func newPorts() *ports { return &ports{map[string]string{}} }

// of returns the port that stands for one of the document.
func (p *ports) of(shown string) string {
	for p.byShown[shown] == "" {
		// Not one of those that the system hands out by itself.
		port := fmt.Sprint(10000 + rand.IntN(20000)) //nolint:gosec // no secret
		l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", ":"+port)
		if err == nil {
			_ = l.Close()
			p.byShown[shown] = port
		}
	}
	return p.byShown[shown]
}

// used returns a text of the document with the ports that are used.
func (p *ports) used(text string) string {
	for _, at := range []*regexp.Regexp{portOfHost, portOfFlag} {
		text = at.ReplaceAllStringFunc(text, func(s string) string {
			m := at.FindStringSubmatch(s)
			if m[1] == "--listen :" {
				m[1] = "--listen 127.0.0.1:"
			}
			return m[1] + p.of(m[2])
		})
	}
	return text
}

// shown returns an output with the ports that the document shows.
func (p *ports) shown(text string) string {
	for shown, used := range p.byShown {
		text = regexp.MustCompile(`:`+used+`\b`).ReplaceAllString(text, ":"+shown)
	}
	return text
}

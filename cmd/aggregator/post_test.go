package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"aggregator/fanout"
	"aggregator/internal/testkit"
	"aggregator/store/sqlite"
)

const postToken = "s3cret-0815"

// desk runs commands that ask the lists of a rig, with a store of their own.
type desk struct {
	*rig
	env   environment
	files []string
	store string
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	r := newRig(t)
	transport := fanout.NewTransport()
	t.Cleanup(transport.CloseIdleConnections)
	return &desk{r, environment{in: strings.NewReader(""), transport: transport}, r.files(t), "sqlite:" + filepath.Join(t.TempDir(), "state.db")}
}

// run runs a command to its end. No token may be in what it prints.
func (d *desk) run(t *testing.T, args ...string) (code int, out, errOut string) {
	t.Helper()
	var o, e bytes.Buffer
	d.env.out, d.env.errOut = &o, &e
	code = d.env.run(t.Context(), slices.Concat(args, d.files, []string{"--store", d.store}))
	if all := o.String() + e.String(); strings.Contains(all, "s3cret") {
		t.Errorf("%v: a token is printed: %s", args, all)
	}
	return code, o.String(), e.String()
}

// tokens writes a file of tokens for lists.
func tokens(t *testing.T, all ...string) string {
	t.Helper()
	var b strings.Builder
	for _, list := range all {
		fmt.Fprintf(&b, "%s: %s\n", list, postToken)
	}
	return write(t, "tokens.yaml", b.String())
}

// readable lets others read a file.
func readable(t *testing.T, name string) string {
	t.Helper()
	if err := os.Chmod(name, 0o640); err != nil {
		t.Fatal(err)
	}
	return name
}

// lines returns the beginning of each line: its first two words.
func lines(out string) string {
	var all []string
	for line := range strings.Lines(out) {
		if words := strings.Fields(line); len(words) > 1 {
			all = append(all, words[0]+" "+words[1])
		}
	}
	return strings.Join(all, ", ")
}

func TestPost(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.On("two.test", testkit.Say(500, "text/plain", "no\x1b[31m\n"))
	d.On("flag.test", testkit.Say(200, kindJSON, `{"result":{"ok":false}}`))
	bot := newBot()
	code, out, errOut := d.run(t, "post", "--bot", bot, "--count", "1234", "--tokens", tokens(t, "two.test", "flag.test", "one.test", "paced.test", "dead.test"))
	if want := "flag.test FAILED, one.test ok, paced.test ok, two.test FAILED, dead.test skipped, 1234 servers:"; lines(out) != want || code != exitFailed || errOut != "" {
		t.Errorf("exit %d, %q, want\n%s\n%s", code, errOut, want, out)
	}
	for _, want := range []string{
		"flag.test   FAILED   the flag result.ok is false, want true: 200 {\"result\":{\"ok\":false}} (",
		"one.test    ok       200 {\"ok\":true} (", "two.test    FAILED   500 no [31m (", "dead.test   skipped  Defunct\n",
		"1234 servers: accepted by 2 of 4 lists, 1 skipped\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	for _, a := range d.Take() {
		if a.List == "one.test" && (a.URI != "/one.test/bots/"+bot || a.Body != `{"server_count":1234}` || a.Header.Get("Authorization") != postToken) {
			t.Errorf("one.test was sent %+v", a)
		}
	}
}

// TestPostIsHeld has a cron job run again and again: a list that wants one post in an
// hour is asked once, which is no failure.
func TestPostIsHeld(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	args := []string{"post", "--bot", newBot(), "--count", "5", "--tokens", tokens(t, "paced.test")}
	want := "paced.test ok, 5 servers:"
	for range 3 {
		code, out, errOut := d.run(t, args...)
		if lines(out) != want || code != exitDone || errOut != "" {
			t.Errorf("exit %d, %q, want %d and %s in\n%s", code, errOut, exitDone, want, out)
		}
		want = "paced.test held, 5 servers:"
	}
	if _, out, _ := d.run(t, args...); !strings.Contains(out, "Paced: next post at ") || !strings.Contains(out, "5 servers: no list was asked, 1 held back\n") {
		t.Errorf("printed\n%s", out)
	}
	if code, out, errOut := d.run(t, append(args, "--quiet")...); code != exitDone || out+errOut != "" {
		t.Errorf("--quiet: exit %d, printed %q, %q", code, out, errOut)
	}
	if code, out, _ := d.run(t, append(args, "--json")...); code != exitDone || !strings.HasPrefix(out, `{"success":{},"failure":{},"skipped":{"paced.test":"Paced: next post at `) || !strings.HasSuffix(out, "Z\"}}\n") {
		t.Errorf("--json: exit %d, printed %s", code, out)
	}
	d.Only(t)
}

// TestPostRests has a token refused three times: it rests, which is no failure.
func TestPostRests(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.On("one.test", testkit.Say(401, "text/plain", "who are you"))
	args := []string{"post", "--bot", newBot(), "--count", "5", "--tokens", tokens(t, "one.test")}
	for range 3 {
		if code, out, _ := d.run(t, append(args, "--quiet")...); code != exitFailed || !strings.HasPrefix(out, "one.test  FAILED   401 who are you (") {
			t.Errorf("exit %d, printed %q", code, out)
		}
	}
	if code, out, _ := d.run(t, args...); code != exitDone || !strings.HasPrefix(out, "one.test  held     Refused: one.test has refused this token three times") {
		t.Errorf("exit %d, printed %q", code, out)
	}
}

func TestPostJSON(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	args := []string{"post", "--bot", newBot(), "--count", "5", "--tokens", tokens(t, "one.test", "array.test"), "--shard-count", "2", "--shards", "2,3", "--user-count", "9", "--json"}
	code, out, _ := d.run(t, args...)
	wantJSON(t, "the answer", out, `{"success":{"array.test":[200,"{\"ok\":true}","{\"shard_count\":2,\"shards\":[2,3]}"],"one.test":[200,"{\"ok\":true}","{\"server_count\":5}"]},"failure":{}}`)
	if code != exitDone || strings.Count(out, "\n") != 1 {
		t.Errorf("exit %d, printed %s", code, out)
	}
	d.Take()
	code, out, _ = d.run(t, append(args, "--dry-run")...)
	if !strings.HasPrefix(out, `{"dry_run":true,"requests":{"array.test":{"method":"POST","url":"http://`) || code != exitDone {
		t.Errorf("--dry-run: exit %d, printed %s", code, out)
	}
	if n := len(d.Take()); n != 0 {
		t.Errorf("--dry-run asked %d lists", n)
	}
}

func TestPostDryRun(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	bot := newBot()
	code, out, errOut := d.run(t, "post", "--bot", bot, "--count", "5", "--tokens", tokens(t, "prefix.test", "paced.test"), "--dry-run")
	want := "prefix.test\n  POST http://" + d.Addr + "/prefix.test/bots/" + bot + "\n"
	if !strings.Contains(out, want) || !strings.Contains(out, "  Authorization: Bearer ***\n") || !strings.Contains(out, "\n  {\"server_count\":5}\n") || !strings.HasSuffix(out, "\ndry run: nothing was sent; 2 posts would be\n") {
		t.Errorf("printed\n%s", out)
	}
	if n := len(d.Take()); code != exitDone || errOut != "" || n != 0 {
		t.Errorf("exit %d, %q, %d lists asked", code, errOut, n)
	}
}

func TestPostArguments(t *testing.T) {
	t.Parallel()
	file := tokens(t, "one.test")
	none := write(t, "none.yaml", "# one.test: s3cret\n")
	unknown := write(t, "unknown.yaml", "one.test: s3cret\ntow.test: s3cret\n")
	bots := write(t, "bots.yaml", "bots:\n  \"100000000000000001\": {tokens: {one.test: s3cret}}\n")
	several := write(t, "several.yaml", "bots:\n  \"100000000000000001\": {name: First, tokens: {one.test: s3cret}}\n  \"100000000000000002\": {tokens: {two.test: s3cret}}\n")
	good := func(more string) string { return "--bot 100000000000000001 --count 5 " + more }
	for _, tt := range []struct {
		name, args string
		in         string
		env        string
		code       int
		says       string // somewhere in what it says on standard error; "" for nothing
	}{
		{"a file", good("--tokens " + file), "", "", exitDone, ""},
		{"standard input", good("--tokens -"), `{"one.test": "s3cret"}`, "", exitDone, ""},
		{"the environment", "--tokens " + file, "", "AGGREGATOR_BOT=100000000000000001 AGGREGATOR_COUNT=5", exitDone, ""},
		{"the only bot of a file", "--count 5 --bots " + bots, "", "", exitDone, ""},
		{"one bot of several", good("--bots " + several), "", "", exitDone, ""},
		{"the command line before the environment", good("--tokens " + file), "", "AGGREGATOR_BOTS=nowhere.yaml", exitDone, ""},
		{"a file of the count", "--bot 100000000000000001 --tokens " + file + " --count-file " + write(t, "count", "5\n"), "", "", exitDone, ""},
		{"the count of standard input", "--bot 100000000000000001 --tokens " + file + " --count-file -", " 5\n", "", exitDone, ""},

		{"nothing", "", "", "", exitUsage, "--bot is missing"},
		{"no bot", "--count 5 --tokens " + file, "", "", exitUsage, "--bot is missing"},
		{"a bot that is none", "--bot 42 --count 5 --tokens " + file, "", "", exitUsage, `--bot "42" is not a snowflake`},
		{"no count", "--bot 100000000000000001 --tokens " + file, "", "", exitUsage, "--count is missing"},
		{"an odd count", "--bot 100000000000000001 --count 5.5 --tokens " + file, "", "", exitUsage, `--count "5.5": want a whole number from 0 to 9007199254740991`},
		{"a count that came to nothing", "--bot 100000000000000001 --count= --tokens " + file, "", "", exitUsage, `--count "": want a whole number`},
		{"a count below zero", "--bot 100000000000000001 --count -1 --tokens " + file, "", "", exitUsage, `--count "-1": want a whole number`},
		{"two counts", good("--count-file - --tokens " + file), "", "", exitUsage, "the count is given twice"},
		{"a file without a count", "--bot 100000000000000001 --tokens " + file + " --count-file " + write(t, "words", "many"), "", "", exitFailed, "want a whole number from 0"},
		{"a file of far more", "--bot 100000000000000001 --tokens " + file + " --count-file " + write(t, "huge", strings.Repeat("5", 100_000)), "", "", exitFailed, "is too large; at most 65536 bytes are allowed"},
		{"all of standard input", "--bot 100000000000000001 --tokens - --count-file -", "", "", exitUsage, "cannot both come from standard input"},
		{"shards that contradict", good("--shard-count 2 --shards 1,2,3 --tokens " + file), "", "", exitUsage, "--shards must hold one count for each of --shard-count shards"},
		{"a shard that is not there", good("--shard-count 2 --shard-id 2 --tokens " + file), "", "", exitUsage, "--shard-id must be below --shard-count"},
		{"odd shards", good("--shards 1,x --tokens " + file), "", "", exitUsage, `--shards "1,x": want whole numbers with commas between them`},

		{"no tokens", good(""), "", "", exitUsage, "the tokens are missing: --tokens FILE, or --tokens - for standard input"},
		{"tokens twice", good("--tokens " + file + " --bots " + bots), "", "", exitUsage, "the tokens are given twice"},
		{"the tokens themselves", good(`--tokens {"one.test":"s3cret"}`), "", "", exitUsage, "--tokens wants the name of a file"},
		{"tokens themselves in a variable", good(""), "", "AGGREGATOR_TOKENS=s3cret", exitUsage, "AGGREGATOR_TOKENS wants the name of a file, and there is none"},
		{"no file", good("--tokens nowhere.yaml"), "", "", exitFailed, "nowhere.yaml does not exist"},
		{"a file that names no list", good("--tokens " + none), "", "", exitUsage, none + ":1: names no list"},
		{"an unknown list", good("--tokens " + unknown), "", "", exitUsage, unknown + `:2: tow.test: is no list's id, did you mean "two.test"?`},
		{"a file of bots", good("--tokens " + bots), "", "", exitUsage, bots + ":1: bots: this is a file of bots, and is given with --bots"},
		{"nothing on standard input", good("--tokens -"), "", "", exitUsage, "standard input:1: names no list"},
		{"which bot", "--count 5 --bots " + several, "", "", exitUsage, "--bot is missing: " + several + " has First (100000000000000001), 100000000000000002"},
		{"a bot that is not there", "--bot 100000000000000003 --count 5 --bots " + several, "", "", exitUsage, "the bot 100000000000000003 is not in the file: " + several + " has First"},
		{"too often", good("--every 59s --tokens " + file), "", "", exitUsage, "--every must be from 1m to 24h, is 59s"},
		{"a dry run every minute", good("--every 1m --dry-run --tokens " + file), "", "", exitUsage, "--every and --dry-run do not go together"},
		{"every minute of standard input", "--bot 100000000000000001 --every 1m --count-file - --tokens " + file, "", "", exitUsage, "--every needs a --count-file that can be read again"},
		{"quiet JSON", good("--quiet --json --tokens " + file), "", "", exitUsage, "--quiet goes neither with"},
		{"an odd store", good("--store nothing --tokens " + file), "", "", exitUsage, "--store must be sqlite:FILE"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := newDesk(t)
			d.env.in, d.env.environ = strings.NewReader(tt.in), strings.Fields(tt.env)
			if _, named, ok := strings.Cut(tt.args, "--store "); ok {
				d.store, _, _ = strings.Cut(named, " ")
			}
			code, out, errOut := d.run(t, append([]string{"post"}, strings.Fields(tt.args)...)...)
			if code != tt.code || !strings.Contains(errOut, tt.says) || (errOut == "") != (tt.says == "") {
				t.Errorf("exit %d, want %d; said %q, want %q", code, tt.code, errOut, tt.says)
			}
			if sent := len(d.Take()) > 0; sent != (tt.code == exitDone) || sent != (out != "") {
				t.Errorf("lists were asked: %t; printed %q", sent, out)
			}
		})
	}
}

// TestPostWarnsOfAnOpenFile has a file of tokens that others may read.
func TestPostWarnsOfAnOpenFile(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	file := readable(t, tokens(t, "one.test"))
	code, _, errOut := d.run(t, "post", "--bot", newBot(), "--count", "5", "--tokens", file)
	if want := "warning: " + file + ": holds secrets and may be read by others; chmod 600 it\n"; code != exitDone || errOut != want {
		t.Errorf("exit %d, said %q, want %q", code, errOut, want)
	}
}

// TestPostsTakeTurns has the store open elsewhere: a post waits for it, and not
// forever.
func TestPostsTakeTurns(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	path := strings.TrimPrefix(d.store, "sqlite:")
	other, err := sqlite.Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"post", "--bot", newBot(), "--count", "5", "--tokens", tokens(t, "paced.test")}
	d.env.patience = time.Millisecond
	code, _, errOut := d.run(t, args...)
	if want := "aggregator post: store file " + path + " is in use by another process, and was for 1ms: end that one, or give each a --store of its own\n"; code != exitFailed || errOut != want {
		t.Errorf("exit %d, said %q, want %q", code, errOut, want)
	}
	if n := len(d.Take()); n != 0 {
		t.Errorf("%d lists were asked", n)
	}
	d.env.patience = testkit.Patience
	time.AfterFunc(50*time.Millisecond, func() { _ = other.Close() })
	if code, out, errOut := d.run(t, args...); code != exitDone || errOut != "" {
		t.Errorf("exit %d, said %q, %q", code, out, errOut)
	}
}

// TestPostEvery posts again and again until it is told to end, and closes the store
// in between.
func TestPostEvery(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	count := write(t, "count", "5")
	var o, e testkit.Log
	d.env.out, d.env.errOut = &o, &e
	rounds, waits := make(chan time.Time), make(chan time.Duration)
	d.env.after = func(every time.Duration) <-chan time.Time { waits <- every; return rounds }
	ctx, cancel := context.WithCancel(t.Context())
	code := make(chan int, 1)
	args := slices.Concat([]string{"post", "--bot", newBot(), "--count-file", count, "--tokens", tokens(t, "one.test"), "--every", "30m", "--store", d.store}, d.files)
	go func() { code <- d.env.run(ctx, args) }()
	for _, tt := range []struct{ in, sent string }{{"5", `{"server_count":5}`}, {"nothing", ""}, {"7", `{"server_count":7}`}} {
		if every := testkit.Receive(t, "the end of a post", waits); every != 30*time.Minute {
			t.Errorf("waits for %s", every)
		}
		sent := ""
		for _, a := range d.Take() {
			sent += a.Body
		}
		if sent != tt.sent {
			t.Errorf("with %q in the file the list was sent %s, want %s", tt.in, sent, tt.sent)
		}
		st, err := sqlite.Open(strings.TrimPrefix(d.store, "sqlite:"), nil)
		if err != nil {
			t.Errorf("between two posts: %v", err)
		} else {
			_ = st.Close()
		}
		next := map[string]string{"5": "nothing", "nothing": "7", "7": "8"}[tt.in]
		if err := os.WriteFile(count, []byte(next), 0o600); err != nil {
			t.Fatal(err)
		}
		if tt.in != "7" {
			rounds <- time.Time{}
		}
	}
	cancel()
	if got := testkit.Receive(t, "the end", code); got != exitDone {
		t.Errorf("exit %d, want %d", got, exitDone)
	}
	if text := e.String(); !strings.HasPrefix(text, "aggregator post: --count-file "+count+": want a whole number") || strings.Count(text, "\n") != 1 {
		t.Errorf("said %q", text)
	}
	if n := strings.Count(o.String(), "servers: accepted by 1 of 1 list\n"); n != 2 {
		t.Errorf("printed\n%s", o.String())
	}
}

// TestPostOnATerminal has a line for each list as it answers, and below them those
// that have yet to.
func TestPostOnATerminal(t *testing.T) {
	t.Parallel()
	const (
		status = "\r\x1b[K\x1b[?7lwaiting for %s\x1b[?7h"
		green  = "\x1b[32mok     \x1b[0m"
	)
	for _, tt := range []struct {
		name, env string
		terminal  bool
		first     string // what is printed before the last list answers
	}{
		{"a terminal", "", true, fmt.Sprintf(status, "2 lists: one.test, two.test") + "\r\x1b[Ktwo.test  " + green + `  200 {"ok":true} (T)` + "\n" + fmt.Sprintf(status, "1 list: one.test")},
		{"without colours", "NO_COLOR=1", true, fmt.Sprintf(status, "2 lists: one.test, two.test") + "\r\x1b[K" + `two.test  ok       200 {"ok":true} (T)` + "\n" + fmt.Sprintf(status, "1 list: one.test")},
		{"a dumb one", "TERM=dumb", true, ""},
		{"none", "TERM=xterm", false, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			answer, asked := make(chan struct{}), make(chan struct{})
			d.On("one.test", func(w http.ResponseWriter, r *http.Request) {
				close(asked)
				<-answer
				testkit.Say(200, kindJSON, `{"ok":true}`)(w, r)
			})
			var o testkit.Log
			d.env.out, d.env.errOut, d.env.environ = &o, io.Discard, []string{tt.env}
			d.env.terminal = func(io.Writer) bool { return tt.terminal }
			code := make(chan int, 1)
			args := slices.Concat([]string{"post", "--bot", newBot(), "--count", "5", "--tokens", tokens(t, "one.test", "two.test"), "--store", d.store}, d.files)
			go func() { code <- d.env.run(t.Context(), args) }()
			testkit.Receive(t, "a list to be asked", asked)
			testkit.Eventually(t, func() error {
				if got := withoutTimes(o.String()); got != tt.first {
					return fmt.Errorf("printed %q, want %q", got, tt.first)
				}
				return nil
			})
			close(answer)
			if got := testkit.Receive(t, "the end", code); got != exitDone {
				t.Errorf("exit %d", got)
			}
			rest := strings.TrimPrefix(withoutTimes(o.String()), tt.first)
			if want := "5 servers: accepted by 2 of 2 lists\n"; !strings.HasSuffix(rest, want) || strings.Count(rest, "one.test") != 1 || tt.first == "" != strings.Contains(rest, "two.test") {
				t.Errorf("then printed %q", rest)
			}
		})
	}
}

// withoutTimes returns what was printed with T in place of how long calls took.
func withoutTimes(out string) string {
	return regexp.MustCompile(`\([0-9.]+[µm]?s\)`).ReplaceAllString(out, "(T)")
}

// TestPostKilled has a post killed while its list is being asked: the next one does
// not come to the list too early, for it may have counted the first.
func TestPostKilled(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	asked := make(chan struct{}, 1)
	d.On("paced.test", func(w http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		testkit.Hang(w, r)
	})
	args := slices.Concat([]string{"post", "--bot", newBot(), "--count", "5", "--tokens", tokens(t, "paced.test"), "--store", d.store}, absolute(t, d.files))
	first := program(t, nil, args...)
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	testkit.Receive(t, "the list to be asked", asked)
	if err := first.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = first.Wait()
	e := runToEnd(t, nil, args...)
	if e.Code != exitDone || !strings.HasPrefix(e.Out, "paced.test  held     Paced: next post at ") || e.ErrOut != "" {
		t.Errorf("exit %d, said %q, printed\n%s", e.Code, e.ErrOut, e.Out)
	}
	d.Only(t)
}

// TestPostInterrupted has a post told to end before it has sent anything.
func TestPostInterrupted(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	var e bytes.Buffer
	d.env.out, d.env.errOut = io.Discard, &e
	args := slices.Concat([]string{"post", "--bot", newBot(), "--count", "5", "--tokens", tokens(t, "one.test"), "--store", d.store}, d.files)
	if code := d.env.run(canceled(t), args); code != exitFailed || e.String() != "aggregator post: interrupted\n" {
		t.Errorf("exit %d, said %q", code, e.String())
	}
	if n := len(d.Take()); n != 0 {
		t.Errorf("%d lists were asked", n)
	}
}

package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"aggregator/internal/testkit"
	"aggregator/sandbox"
)

// examples is the folder of the examples.
const examples = "../../examples"

// copyTo copies a file into a folder, as those who take an example do.
func copyTo(t *testing.T, folder string, names ...string) {
	t.Helper()
	for _, name := range names {
		raw, err := os.ReadFile(name)
		if err == nil {
			err = os.WriteFile(filepath.Join(folder, filepath.Base(name)), raw, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// fileIn writes a file into a folder.
func fileIn(t *testing.T, folder, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// outside is a server of all lists and of Discord, and a service that calls nothing
// but that.
type outside struct {
	*running
	url  string
	list string // that takes counts, and for which bots.yaml has a token of demoBot if it is own
	bots *sandbox.Outside
}

// newOutside boots a service in front of a sandbox. If own is set it has a file with
// demoBot, which has a key then.
func newOutside(t *testing.T, own bool) *outside {
	t.Helper()
	var f catalogFlags
	c, _, err := f.read()
	if err != nil {
		t.Fatal(err)
	}
	o := &outside{bots: sandbox.NewOutside(sandbox.New(c.Lists()), 3)}
	o.bots.Bot("d", demoBot)
	server := httptest.NewServer(o.bots)
	t.Cleanup(server.Close)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	o.url = server.URL
	args := []string{"--store", "memory:"}
	for _, l := range c.Lists() {
		if l.TakesCounts() && l.Post == nil {
			o.list = l.ID
		}
	}
	if own {
		file := write(t, "bots.yaml", fmt.Sprintf("bots: {%q: {key: %q, tokens: {%q: token}}}", demoBot, clientKey, o.list))
		args = append(args, "--bots", file)
	}
	o.running = bootOn(t, sandbox.Transport(transport, strings.TrimPrefix(server.URL, "http://")), args...)
	return o
}

// examplesOfBots are the examples that go on until they are stopped: each with how
// it is made ready in a folder, as its first lines say.
var examplesOfBots = []struct {
	name, needs string
	votes       bool // it hears of votes too
	ready       func(t *testing.T, folder string) (command, env []string)
}{
	{"discord.js", "node", true, func(t *testing.T, folder string) ([]string, []string) {
		copyTo(t, folder, filepath.Join(examples, "discord.js/bot.mjs"), "../../clients/aggregator.mjs")
		library := filepath.Join(folder, "node_modules/discord.js")
		if err := os.MkdirAll(library, 0o700); err != nil {
			t.Fatal(err)
		}
		copyTo(t, library, "testdata/standins/js/discord.js/index.js")
		return []string{"node", "bot.mjs"}, []string{"STAND_IN_SHARDS=1"}
	}},
	{"discord.py", "python3", true, func(t *testing.T, folder string) ([]string, []string) {
		copyTo(t, folder, filepath.Join(examples, "discord.py/bot.py"), "../../clients/aggregator.py")
		return []string{"python3", "bot.py"}, []string{"STAND_IN_SHARDS=1", "PYTHONPATH=" + standIns(t, "python")}
	}},
	{"jda", "javac", false, func(t *testing.T, folder string) ([]string, []string) {
		out, err := exec.Command("javac", "-d", folder, "-sourcepath", standIns(t, "java"), filepath.Join(examples, "jda/Bot.java")).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return []string{"java", "-XX:TieredStopAtLevel=1", "-cp", folder, "Bot"}, nil
	}},
	{"go/http", "go", false, func(t *testing.T, folder string) ([]string, []string) {
		program := filepath.Join(folder, "bot")
		if err := testkit.Build(program, "../../examples/go/http"); err != nil {
			t.Fatal(err)
		}
		return []string{program}, nil
	}},
}

// TestExamples runs each example beside what stands for the library of its bot: it
// posts with tokens, posts with the bot's key alone, and hears of votes.
func TestExamples(t *testing.T) {
	t.Parallel()
	for _, tt := range examplesOfBots {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath(tt.needs); err != nil {
				t.Skipf("NOT TESTED: no %s", tt.needs)
			}
			folder := t.TempDir()
			command, env := tt.ready(t, folder)
			for _, withKey := range []bool{true, false} {
				o := newOutside(t, true)
				tokens := `{"list.example":"token"}`
				with := "MYBOT_KEY=" + clientKey
				if !withKey {
					tokens = fmt.Sprintf(`{"list.example":"token",%q:"token"}`, o.list)
					with = "TOPGG_TOKEN=token"
				}
				out := runOn(t, folder, command, bareEnv(t, append(env, with, "BOTLIST_TOKENS="+tokens, "BOTLISTS_URL="+o.Base, "DISCORD_API="+o.url+"/api/v10",
					"PORT=0", "DISCORD_TOKEN=d", "VOTES_SECRET="+sendSecret)...))
				accepted := regexp.MustCompile(`accepted by \S+\n|^200 \{"success":\{"[^"]+":\[200,`)
				if withKey {
					accepted = regexp.MustCompile(`(accepted by |^200 \{"success":\{")` + regexp.QuoteMeta(o.list))
				}
				skipped := regexp.MustCompile(`was not asked: |"skipped":\{"`)
				testkit.Eventually(t, func() error {
					if text := out.String(); !accepted.MatchString(text) || !skipped.MatchString(text) {
						return fmt.Errorf("with %s it says %s", with, text)
					}
					return nil
				})
				if tt.votes {
					hearsOfVotes(t, out)
				}
			}
		})
	}
}

// hearsOfVotes sends votes to an example that says where it listens.
func hearsOfVotes(t *testing.T, out *testkit.Log) {
	t.Helper()
	at := regexp.MustCompile(`(?m)^listening on port (\d+)$`)
	testkit.Wait(t, "the port", func() bool { return at.MatchString(out.String()) })
	url := "http://127.0.0.1:" + at.FindStringSubmatch(out.String())[1] + "/votes"
	body := fmt.Sprintf(`{"type":"vote.created","data":{"list":"list.example","user_id":%q}}`, votingUser)
	for range 2 {
		testkit.Send(t, "POST", url, body, signed([]byte(sendSecret), "msg_a", time.Now(), body)...).Want(t, 204)
	}
	testkit.Send(t, "POST", url, body, signed([]byte("another secret"), "msg_b", time.Now(), body)...).Want(t, 401)
	last := strings.ReplaceAll(body, "list.example", "last.example")
	testkit.Send(t, "POST", url, last, signed([]byte(sendSecret), "msg_c", time.Now(), last)...).Want(t, 204)
	testkit.Wait(t, "the last vote", func() bool { return strings.Contains(out.String(), " voted on last.example, msg_c\n") })
	if want := votingUser + " voted on list.example, msg_a\n"; strings.Count(out.String(), want) != 1 || strings.Contains(out.String(), "msg_b") {
		t.Errorf("it says %swant once %s", out, want)
	}
}

// TestExampleOfCron runs each line of the crontab as cron does, but for where the
// files and the service are.
func TestExampleOfCron(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"sh", "curl"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("NOT TESTED: no %s", name)
		}
	}
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(examples, "cron/crontab"))
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t)
	o := newOutside(t, true)
	files := t.TempDir()
	fileIn(t, files, "servers", "1234\n")
	fileIn(t, files, "key", "Authorization: Bearer "+clientKey+"\n")
	fileIn(t, files, "tokens.yaml", "hidden.test: token\n")
	var variables []string
	set := regexp.MustCompile(`^[A-Z_]+=`)
	ran := 0
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		switch fields := strings.SplitN(line, " ", 6); {
		case line == "" || strings.HasPrefix(line, "#"):
		case set.MatchString(line):
			variables = append(variables, line)
		case len(fields) < 6 || strings.Contains(fields[5], "%"):
			t.Errorf("this is no line of a crontab: %s", line)
		default:
			ran++
			cmd := exec.CommandContext(t.Context(), "sh", "-c", fields[5])
			cmd.Env = append(variables, "HOME="+t.TempDir(), "PATH="+filepath.Dir(path)+":"+os.Getenv("PATH"), "BOT_FILES="+files, "BOTLISTS_URL="+o.Base, "AGGREGATOR_LISTS="+r.files(t)[1])
			if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
				t.Errorf("%s: %v, and it says %s", fields[5], err, out)
			}
		}
	}
	if ran != 2 {
		t.Errorf("%d lines were run, want 2", ran)
	}
	if q := r.Only(t); q.List != "hidden.test" || !strings.Contains(q.Body, "1234") {
		t.Errorf("the list was sent %+v", q)
	}
	if a := testkit.Send(t, "GET", o.Base+"/api/bots/"+demoBot+"/posts", "", "Authorization", "Bearer "+clientKey); !strings.Contains(a.Body, `"server_count":1234`) {
		t.Errorf("the service was sent no count: %s", a.Body)
	}
}

// TestClientPage runs the programs of docs/clients.md, which print what stands there.
func TestClientPage(t *testing.T) {
	t.Parallel()
	seconds := regexp.MustCompile(`\b\d+ s\b`)
	want := seconds.ReplaceAllString(snippets(t, "docs/clients.md", "text")[0], "N s")
	onRuntimes(t, func(t *testing.T, run clientRuntime) {
		o := newOutside(t, false)
		text := snippets(t, "docs/clients.md", run.language)[0]
		const here = "http://localhost:8080"
		if strings.Count(text, here) != 1 {
			t.Fatalf("it is to name %s: %s", here, text)
		}
		command := run.place(t, "page"+run.ending, strings.Replace(text, here, o.Base, 1))
		cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
		cmd.Env = bareEnv(t, "TOPGG_TOKEN=token")
		e := testkit.RunToEnd(t, cmd)
		if got := seconds.ReplaceAllString(e.Out, "N s"); got != want || e.ErrOut != "" {
			t.Errorf("it prints\n%s%swant\n%s", got, e.ErrOut, want)
		}
	})
}

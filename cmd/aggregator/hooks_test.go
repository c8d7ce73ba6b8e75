package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"aggregator"
	"aggregator/catalog"
	"aggregator/internal/testkit"
	"aggregator/lists"
)

// listener is a running `hooks listen`.
type listener struct {
	url  string
	out  *testkit.Log
	stop func() int
}

// listen runs `hooks listen` on a free port. It must end with 0.
func listen(t *testing.T, secret string) *listener {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	l := &listener{out: &testkit.Log{}}
	ended := make(chan int, 1)
	go func() {
		env := environment{environ: []string{"AGGREGATOR_SECRET=" + secret}, out: l.out, errOut: l.out}
		ended <- env.run(ctx, []string{"hooks", "listen", "--port", "0"})
	}()
	l.stop = func() int {
		cancel()
		return testkit.Receive(t, "the end of hooks listen", ended)
	}
	t.Cleanup(cancel)
	first := regexp.MustCompile(`^Listening on (\S+) until Ctrl-C\n`)
	testkit.Wait(t, "hooks listen", func() bool { return first.MatchString(l.out.String()) })
	l.url = first.FindStringSubmatch(l.out.String())[1]
	return l
}

// wants waits for a line that matches an expression.
func (l *listener) wants(t *testing.T, expression string) {
	t.Helper()
	e := regexp.MustCompile("(?m)^[0-9:]{8}  " + expression + "$")
	testkit.Eventually(t, func() error {
		if text := l.out.String(); !e.MatchString(text) {
			return fmt.Errorf("it says\n%swant a line %s", text, expression)
		}
		return nil
	})
}

// hooksSent runs `hooks send`, and returns what it printed and its exit code.
func hooksSent(t *testing.T, secret string, args ...string) (out, errOut string, code int) {
	t.Helper()
	var o, e bytes.Buffer
	env := environment{in: strings.NewReader(secret + "\n"), out: &o, errOut: &e, transport: &http.Transport{DisableKeepAlives: true}}
	code = env.run(t.Context(), append([]string{"hooks", "send", "--secret-file", "-"}, args...))
	if text := o.String() + e.String(); secret != "" && strings.Contains(text, secret) {
		t.Errorf("the secret is printed: %s", text)
	}
	return o.String(), e.String(), code
}

// TestHooks has votes go all the way: from `hooks send` through the service to
// `hooks listen`.
func TestHooks(t *testing.T) {
	t.Parallel()
	l := listen(t, sendSecret)
	r := newRig(t)
	listsFile := write(t, "voting.yaml", votingLists)
	bots := write(t, "bots.yaml", fmt.Sprintf("bots:\n  %q: {votes: {secrets: {votes.test: %q, address.test: %q}, send_to: {url: %q, secret: %q}}}\n", ownBot, hookSecret, hookSecret, l.url, sendSecret))
	s := r.boot(t, "--lists", listsFile, "--bots", bots)
	to := s.Base + "/hooks/" + ownBot + "/"
	for _, tt := range []struct {
		list, secret string
		args         []string
		code         int
		out          string // within what it prints
		line         string // of hooks listen; "": none
	}{
		{"votes.test", hookSecret, nil, 0, "\n\nanswered 200 {\"ok\":true}\n", `vote\.created  votes\.test  user 100000000000000000  bot ` + ownBot + `  weight 1  test  msg_\w+`},
		{"votes.test", hookSecret, []string{"--real", "--user", votingUser}, 0, "\n\nanswered 200 {\"ok\":true}\n", `vote\.created  votes\.test  user ` + votingUser + `  bot ` + ownBot + `  weight 1  msg_\w+`},
		{"address.test", hookSecret, []string{"--real", "--user", votingUser}, 0, "address.test?secret=***\n", `vote\.created  address\.test  user ` + votingUser + `  bot ` + ownBot + `  weight 1  msg_\w+`},
		{"votes.test", "another secret", nil, 1, "\n\nanswered 401 {\"error\":true,\"status\":401,\"message\":\"Bad signature\"}\n", ""},
		{"votes.test", hookSecret, []string{"--bot", otherOwnBot}, 1, "\n\nanswered 400 ", ""},
	} {
		args := append([]string{tt.list, "--to", to + tt.list, "--lists", listsFile}, tt.args...)
		out, errOut, code := hooksSent(t, tt.secret, args...)
		if code != tt.code || !strings.Contains(out, tt.out) || errOut != "" || !strings.HasPrefix(out, "  POST "+to+tt.list) {
			t.Errorf("%v: exit %d, want %d and %q in\n%s%s", args, code, tt.code, tt.out, out, errOut)
		}
		if tt.line != "" {
			l.wants(t, tt.line)
		}
	}
	if code := l.stop(); code != exitDone {
		t.Errorf("hooks listen ended with %d: %s", code, l.out)
	}
	if n := strings.Count(l.out.String(), "vote.created"); n != 3 {
		t.Errorf("%d votes came in, want 3: %s", n, l.out)
	}
}

func TestHooksListenRefuses(t *testing.T) {
	t.Parallel()
	l := listen(t, sendSecret)
	for _, tt := range []struct {
		name, method, body string
		headers            []string
		status             int
		line               string
	}{
		{"another method", "GET", "", nil, 405, "refused with 405: the method is GET, want POST"},
		{"no signature", "POST", "{}", nil, 401, "refused with 401: header webhook-id is missing"},
		{"a wrong signature", "POST", "{}", []string{"webhook-id", "msg_a", "webhook-timestamp", "1795600000", "webhook-signature", "v1,c2lnbmVk"}, 401, "refused with 401: no signature is of this secret and body"},
		{"a large body", "POST", strings.Repeat(" ", maxVoteBody+1), nil, 413, "refused with 413: the body is over 1048576 bytes"},
	} {
		testkit.Send(t, tt.method, l.url, tt.body, tt.headers...).Want(t, tt.status)
		l.wants(t, tt.line)
	}
	if code := l.stop(); code != exitDone {
		t.Errorf("ended with %d: %s", code, l.out)
	}
}

// TestDescribeVote has what lists say of users, who may be anybody in a test,
// leave the terminal alone.
func TestDescribeVote(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ body, want string }{
		{`{"type":"vote.removed","data":{"list":"list.example","bot_id":"1","user_id":"2","weight":2,"test":false}}`, `vote.removed  list.example  user 2  bot 1  weight 2`},
		{`{"type":"vote.created","data":{"list":"list.example","bot_id":"1","user_id":"a\u001b[2J\nb","weight":1,"test":true}}`, `vote.created  list.example  user "a\x1b[2J\nb"  bot 1  weight 1  test`},
		{`{"type":"other"}`, `other  ""  user ""  bot ""  weight 0`},
	} {
		if got, err := describeVote([]byte(tt.body)); got != tt.want || err != nil {
			t.Errorf("%s: got %s, %v, want %s", tt.body, got, err, tt.want)
		}
	}
	if got, err := describeVote([]byte("[]")); err == nil {
		t.Errorf("[] is %q, want an error", got)
	}
}

func TestHooksArguments(t *testing.T) {
	t.Parallel()
	listsFile := write(t, "voting.yaml", votingLists)
	secret := write(t, "secret.txt", hookSecret)
	ours := []string{"--secret-file", secret, "--lists", listsFile}
	const to = "http://127.0.0.1:1/hooks/" + ownBot + "/votes.test"
	for _, tt := range []struct {
		name string
		env  []string
		args []string
		code int
		says string
	}{
		{"no command", nil, nil, exitUsage, "aggregator hooks: a command is missing\n\nusage: aggregator COMMAND [flags]"},
		{"help", nil, []string{"-h"}, exitDone, "  hooks listen     take votes"},
		{"unknown command", nil, []string{"lsten"}, exitUsage, `unknown command "hooks lsten", did you mean "listen"?`},
		{"help of listen", nil, []string{"listen", "-h"}, exitDone, "usage: aggregator hooks listen [flags]"},
		{"no secret", nil, []string{"listen"}, exitUsage, "the secret is missing: --secret-file FILE, or AGGREGATOR_SECRET"},
		{"secret twice", []string{"AGGREGATOR_SECRET=x"}, []string{"listen", "--secret-file", secret}, exitUsage, "the secret is given twice"},
		{"secret that is no base64", []string{"AGGREGATOR_SECRET=whsec_!"}, []string{"listen"}, exitUsage, "--secret: a secret begins with whsec_ and is no base64"},
		{"blank secret", []string{"AGGREGATOR_SECRET=  "}, []string{"listen"}, exitUsage, "the secret is"},
		{"port", []string{"AGGREGATOR_SECRET=x"}, []string{"listen", "--port", "70000"}, exitUsage, "--port 70000 is out of range"},
		{"host", []string{"AGGREGATOR_SECRET=x"}, []string{"listen", "--host", "256.0.0.1", "--port", "0"}, exitFailed, "256.0.0.1"},
		{"no list", nil, []string{"send", "--to", to}, exitUsage, "LIST is missing"},
		{"no URL", nil, append([]string{"send", "votes.test"}, ours...), exitUsage, "--to is missing: the URL of the webhook"},
		{"bad URL", nil, append([]string{"send", "votes.test", "--to", "localhost:8080"}, ours...), exitUsage, "--to must be a URL such as"},
		{"no bot", nil, append([]string{"send", "votes.test", "--to", "http://localhost/votes"}, ours...), exitUsage, "--bot is missing, for the URL names no bot"},
		{"bot is no snowflake", nil, append([]string{"send", "votes.test", "--to", to, "--bot", "42"}, ours...), exitUsage, `--bot "42" is not a snowflake`},
		{"real vote of nobody", nil, append([]string{"send", "votes.test", "--to", to, "--real"}, ours...), exitUsage, "--user is missing: who has voted"},
		{"unknown list", nil, append([]string{"send", "votes.tset", "--to", to}, ours...), exitUsage, `unknown list "votes.tset", did you mean "votes.test"?`},
		{"no test votes", nil, append([]string{"send", "address.test", "--to", to}, ours...), exitUsage, "address.test has no votes for trying out; --real --user ID sends a real one"},
		{"none taken back", nil, append([]string{"send", "votes.test", "--to", to, "--removed"}, ours...), exitUsage, "votes.test does not tell of votes that are taken back"},
		{"no weekends", nil, append([]string{"send", "votes.test", "--to", to, "--weekend"}, ours...), exitUsage, "votes.test does not tell of weekends"},
		{"one form", nil, append([]string{"send", "votes.test", "--to", to, "--second"}, ours...), exitUsage, "have one form alone"},
		{"nobody there", nil, append([]string{"send", "votes.test", "--to", to}, ours...), exitFailed, "no answer: dial tcp 127.0.0.1:1"},
		{"secret on the command line", nil, []string{"send", "votes.test", "--to", to, "--lists", listsFile, "--secret", hookSecret}, exitFailed, "warning: other users see --secret in the list of processes"},
	} {
		var out bytes.Buffer
		env := environment{environ: tt.env, in: strings.NewReader(""), out: &out, errOut: &out}
		if code := env.run(t.Context(), append([]string{"hooks"}, tt.args...)); code != tt.code || !strings.Contains(out.String(), tt.says) {
			t.Errorf("%s: exit %d, want %d and %q in\n%s", tt.name, code, tt.code, tt.says, out.String())
		}
	}
}

// TestHooksSendOfEveryList signs a vote as each list of the catalog does.
func TestHooksSendOfEveryList(t *testing.T) {
	t.Parallel()
	c, _, err := catalog.Load(aggregator.BuiltInLists(), catalog.File{})
	if err != nil {
		t.Fatal(err)
	}
	signed := 0
	for _, l := range c.Lists() {
		if l.Webhook() == nil {
			continue
		}
		for _, second := range []bool{false, true}[:l.Webhook().Forms()] {
			f := hooksSendFlags{bot: ownBot, user: votingUser, real: true, second: second}
			if _, err := f.sign(l, lists.NewToken(hookSecret, ""), time.Now()); err != nil {
				t.Errorf("%s, second form %t: %v", l.ID, second, err)
			}
			signed++
		}
	}
	if signed == 0 {
		t.Error("no list of the catalog tells of votes")
	}
}

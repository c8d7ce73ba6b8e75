package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aggregator/internal/testkit"
)

// secret is in every token that TestSecrets sends, and stays as it is in every
// encoding.
const secret = "S3cr3tMark"

// TestSecrets drives tokens through every way of a request, and looks for them
// where they must not be.
func TestSecrets(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	dir := t.TempDir()
	s := r.bootLimited(t, "--store", "sqlite:"+filepath.Join(dir, "windows.db"))
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, q *http.Request) {
		t.Errorf("another origin was asked: %s %s", q.Method, q.URL.Path)
	}))
	t.Cleanup(other.Close)

	// echo answers all that a request says: it is the list's to know.
	echo := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, q *http.Request) {
			w.Header().Set("X-You-Sent", fmt.Sprint(q.Header))
			testkit.Say(status, "text/plain", fmt.Sprintf("%s %s %v", q.Method, q.URL.RequestURI(), q.Header))(w, q)
		}
	}
	tokens := 0
	token := func() string { tokens++; return fmt.Sprintf("%s-%d/+ü", secret, tokens) }
	named := func(list string) string { return fmt.Sprintf("%q:%s", list, quoted(token())) }
	count := func(list string) func() answer {
		return func() answer { return testkit.Send(t, "POST", s.Base+"/api/count", countBody(newBot(), named(list))) }
	}
	votes := func() string { return "/api/bots/" + newBot() + "/votes/" + someVoter }
	raw := func(path, body string) func() answer {
		return func() answer { return testkit.Send(t, "POST", s.Base+path, body) }
	}
	with := func(list string, says http.HandlerFunc, send func() answer) func() answer {
		return func() answer { r.On(list, says); defer r.On(list, nil); return send() }
	}
	for _, row := range []struct {
		name   string
		send   func() answer
		status int
	}{
		{"success", count("one.test"), 200},
		{"echo in a success", with("one.test", echo(200), count("one.test")), 200},
		{"echo in a failure", with("one.test", echo(401), count("one.test")), 200},
		{"echo of a prefix", with("prefix.test", echo(403), count("prefix.test")), 200},
		{"echo of a query", with("query.test", echo(500), count("query.test")), 200},
		{"echo of a form", with("form.test", func(w http.ResponseWriter, q *http.Request) {
			testkit.Say(400, "text/plain", q.PostFormValue("key"))(w, q)
		}, count("form.test")), 200},
		{"form", count("form.test"), 200},
		{"legacy id", count("old.test"), 200},
		{"redirect", with("one.test", testkit.Redirect(302, other.URL), count("one.test")), 200},
		{"redirect of a query", with("query.test", func(w http.ResponseWriter, q *http.Request) {
			testkit.Redirect(307, other.URL+q.URL.RequestURI())(w, q)
		}, count("query.test")), 200},
		{"refused", count("refused.test"), 200},
		{"TLS", count("tls.test"), 200},
		{"DNS", count("dns.test"), 200},
		{"reset of a query", with("query.test", testkit.Reset, count("query.test")), 200},
		{"cut short", with("query.test", cutShort, count("query.test")), 200},
		{"not HTTP", with("query.test", garbage, count("query.test")), 200},
		{"revoked", with("revoking.test", testkit.Say(403, "text/plain", "no"), count("revoking.test")), 200},
		{"paced", count("paced.test"), 200},
		{"defunct list", count("dead.test"), 200},
		{"unknown list", count("nowhere.test"), 200},
		{"list without an API", count("nothing.test"), 200},
		{"number of the bot missing", count("numbered.test"), 200},
		{"control character", raw("/api/count", countBody(newBot(), `"one.test":"`+secret+`\u0001"`)), 200},
		{"array", raw("/api/count", countBody(newBot(), `"one.test":["`+secret+`"]`)), 200},
		{"object with more in it", raw("/api/count", countBody(newBot(), `"one.test":{"token":5,"key":"`+secret+`"}`)), 200},
		{"object with a bad number", raw("/api/count", countBody(newBot(), `"numbered.test":{"token":"`+secret+`","bot_id":"`+secret+`"}`)), 200},
		{"in tokens", raw("/api/count", countBody(newBot(), `"tokens":{`+named("one.test")+`,`+named("query.test")+`}`)), 200},
		{"dry run", raw("/api/count?dry_run=1", countBody(newBot(), named("one.test")+`,`+named("query.test")+`,`+named("form.test")+`,`+named("prefix.test"))), 200},
		{"400", raw("/api/count", `{"bot_id":"x",`+named("one.test")+`}`), 400},
		{"400 for the token itself", raw("/api/count", `{"bot_id":"`+secret+`","server_count":5}`), 400},
		{"no JSON", raw("/api/count", `{`+named("one.test")), 400},
		{"413", raw("/api/count", countBody(newBot(), named("one.test"))+strings.Repeat(" ", 256<<10)), 413},
		{"429", func() answer {
			bot := newBot()
			testkit.Send(t, "POST", s.Base+"/api/count", countBody(bot, named("one.test")))
			return testkit.Send(t, "POST", s.Base+"/api/count", countBody(bot, named("one.test")))
		}, 429},
		{"405", func() answer {
			return testkit.Send(t, "PUT", s.Base+"/api/count", countBody(newBot(), named("one.test")))
		}, 405},
		{"404", raw("/api/counts", countBody(newBot(), named("one.test"))), 404},
		{"lookup", raw("/api/bots/"+newBot()+"/lookup", `{`+named("keyed.test")+`}`), 200},
		{"lookup, echo", with("keyed.test", echo(200), raw("/api/bots/"+newBot()+"/lookup", `{`+named("keyed.test")+`}`)), 200},
		{"lookup, echo as JSON", with("keyed.test", func(w http.ResponseWriter, q *http.Request) {
			testkit.Say(200, kindJSON, `{"name":`+quoted(q.Header.Get("X-Key"))+`}`)(w, q)
		}, raw("/api/bots/"+newBot()+"/lookup", `{`+named("keyed.test")+`}`)), 200},
		{"lookup, redirect", with("keyed.test", testkit.Redirect(302, other.URL), raw("/api/bots/"+newBot()+"/lookup", `{`+named("keyed.test")+`}`)), 200},
		{"lookup, unknown list", raw("/api/bots/"+newBot()+"/lookup", `{`+named("nowhere.test")+`}`), 200},
		{"vote", with("keyed.test", testkit.Say(200, kindJSON, `{"voted":true}`), raw(votes(), `{`+named("keyed.test")+`}`)), 200},
		{"vote, echo", with("keyed.test", echo(200), raw(votes(), `{`+named("keyed.test")+`}`)), 200},
		{"vote, echo in a refusal", with("keyed.test", echo(401), raw(votes(), `{`+named("keyed.test")+`}`)), 200},
		{"vote, echo as the flag", with("keyed.test", func(w http.ResponseWriter, q *http.Request) {
			testkit.Say(200, kindJSON, `{"voted":`+quoted(q.Header.Get("X-Key"))+`}`)(w, q)
		}, raw(votes(), `{`+named("keyed.test")+`}`)), 200},
		{"vote, redirect", with("keyed.test", testkit.Redirect(302, other.URL), raw(votes(), `{`+named("keyed.test")+`}`)), 200},
		{"vote, unknown list", raw(votes(), `{`+named("nowhere.test")+`}`), 200},
		{"vote, no user", raw(votes()+"x", `{`+named("keyed.test")+`}`), 400},
		{"lookup, 400", raw("/api/bots/x/lookup", `{`+named("keyed.test")+`}`), 400},
		{"token as Authorization", func() answer {
			return testkit.Send(t, "POST", s.Base+"/api/count", countBody(newBot(), ``), "Authorization", secret)
		}, 200},
	} {
		t.Run(row.name, func(t *testing.T) {
			a := row.send()
			if a.Status != row.status {
				t.Errorf("%d %s, want %d", a.Status, a.Body, row.status)
			}
			if told := fmt.Sprint(a.Body, a.Header); strings.Contains(told, secret) {
				t.Errorf("the answer tells: %s", told)
			}
		})
	}
	reached := 0
	for _, seen := range r.Take() {
		if strings.Contains(fmt.Sprint(seen), secret) {
			reached++
		}
	}
	if reached < 15 {
		t.Errorf("tokens reached lists %d times: nothing is shown", reached)
	}

	// What the store writes behind the answers must be in its files.
	noSecrets := func() {
		t.Helper()
		files, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil || len(files) == 0 {
			t.Fatalf("files %q, %v", files, err)
		}
		for _, name := range files {
			bytes, err := os.ReadFile(name)
			if err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
			if strings.Contains(string(bytes), secret) {
				t.Errorf("%s holds a token", name)
			}
		}
	}
	noSecrets()
	if code := s.Stop(); code != 0 {
		t.Errorf("ended with %d: %s", code, s.Log)
	}
	noSecrets()
	if log := s.Log.String(); strings.Contains(log, secret) {
		t.Errorf("the log holds a token: %s", log)
	}
}

// garbage answers what is not HTTP.
func garbage(w http.ResponseWriter, q *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	_, _ = fmt.Fprintf(conn, "%s: what do you want?\r\n\r\n", q.URL.RequestURI())
	_ = conn.Close()
}

package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"aggregator/fanout"
	"aggregator/internal/testkit"
)

// panicking is a transport that panics with all that it has of a request to
// some lists.
type panicking struct {
	http.RoundTripper
	lists string // part of their path
}

func (p panicking) RoundTrip(q *http.Request) (*http.Response, error) {
	if strings.HasPrefix(q.URL.Path, p.lists) {
		panic(fmt.Sprint(q.URL, q.Header))
	}
	return p.RoundTripper.RoundTrip(q)
}

// TestLeaks drives tokens through every fault of a list at the log's most
// talkative level, and then looks for them in all that the service says and
// keeps. TestSecrets has the ways of a request.
func TestLeaks(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	file := filepath.Join(t.TempDir(), "store.db")
	transport := fanout.NewTransport()
	t.Cleanup(transport.CloseIdleConnections)
	s := bootOver(t, panicking{transport, "/users.test/"}, file, append(r.files(t), "--log-level", "debug", "--metrics", "main",
		"--list-keys", write(t, "keys.yaml", "keyed.test: "+secret+"-operator\n"))...)

	echo := func(status int, headers ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, q *http.Request) {
			all := fmt.Sprint(q.URL.RequestURI(), q.Header)
			for _, h := range headers {
				w.Header().Set(h, all)
			}
			w.WriteHeader(status)
			_, _ = io.WriteString(w, all)
		}
	}
	// raw answers what is not quite HTTP, with all that it was sent.
	raw := func(format string) http.HandlerFunc {
		return func(w http.ResponseWriter, q *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				return
			}
			_, _ = fmt.Fprintf(conn, format, strings.ReplaceAll(fmt.Sprint(q.URL.RequestURI(), " ", q.Header), "\n", " "))
			_ = conn.Close()
		}
	}
	faults := []struct {
		name string
		list http.HandlerFunc
	}{
		{"reset", testkit.Reset}, {"hang-up", hangUp}, {"cut short", cutShort}, {"garbage", garbage},
		{"too large", size(512<<10+1, false)},
		{"500", echo(500)}, {"503", echo(503)}, {"401", echo(401)}, {"302", echo(302, "Location")}, {"307", echo(307, "Location")},
		{"200 in gzip's name", echo(200, "Content-Encoding")}, {"lying gzip", func(w http.ResponseWriter, q *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = io.WriteString(w, q.URL.RequestURI())
		}},
		{"a status line of it", raw("HTTP/1.1 %s\r\n\r\n")}, {"a header of it", raw("HTTP/1.1 200 OK\r\n%s\r\n\r\n")},
		{"a length of it", raw("HTTP/1.1 200 OK\r\nContent-Length: %s\r\n\r\n")},
		{"a chunk of it", raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%s\r\n")},
		{"an encoding of it", raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: %s\r\n\r\n")},
		{"something after an answer", raw("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}%s")},
		{"429", echo(429, "Retry-After")},
	}
	takers := []string{"one.test", "query.test", "form.test", "prefix.test", "users.test", "revoking.test"}
	tokens := 0
	token := func() string { tokens++; return fmt.Sprintf("%s-%d/+ü", secret, tokens) }
	told := func(t *testing.T, where, text string) {
		t.Helper()
		if i := strings.Index(text, secret); i >= 0 {
			t.Errorf("%s tells: …%s…", where, text[max(0, i-200):min(len(text), i+200)])
		}
	}
	all := append(takers, "keyed.test")
	// name has all lists answer so, and names them with tokens.
	name := func(list http.HandlerFunc) string {
		var named []string
		for _, id := range all {
			r.On(id, list)
			named = append(named, fmt.Sprintf("%q:%s", id, quoted(token())))
		}
		return strings.Join(named, ",")
	}
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			// An answer in between keeps the breakers closed.
			named := name(testkit.Say(404, kindJSON, "{}"))
			testkit.Send(t, "POST", s.Base+"/api/count", countBody(newBot(), named))
			testkit.Send(t, "POST", s.Base+"/api/bots/"+newBot()+"/lookup", "{"+named+"}")
			named = name(f.list)
			for _, a := range []answer{
				testkit.Send(t, "POST", s.Base+"/api/count", countBody(newBot(), named)),
				testkit.Send(t, "POST", s.Base+"/api/bots/"+newBot()+"/lookup", "{"+named+"}"),
				testkit.Send(t, "GET", s.Base+"/api/bots/"+newBot(), "", "Authorization", secret, "Cookie", secret),
			} {
				if a.Status != 200 {
					t.Errorf("%d %s", a.Status, a.Body)
				}
				told(t, "an answer", fmt.Sprint(a.Body, a.Header))
			}
		})
	}
	for range 6 { // until the breakers open
		named := name(hangUp)
		told(t, "an answer", testkit.Send(t, "POST", s.Base+"/api/count", countBody(newBot(), named)).Body)
		told(t, "an answer", testkit.Send(t, "POST", s.Base+"/api/bots/"+newBot()+"/lookup", "{"+named+"}").Body)
	}
	for _, path := range []string{"/api/count", "/api/bots/" + newBot(), "/api/bots/" + secret, "/api/lists", "/api/lists/" + secret,
		"/api/legacy-ids", "/api/health", "/api/docs", "/nowhere/" + secret} {
		for _, method := range []string{"GET", "POST", "PUT", "OPTIONS", "HEAD", "S3CR3T"} {
			a := testkit.Send(t, method, s.Base+path+"?token="+secret, secret, "Authorization", secret)
			if method != "OPTIONS" || path != "/api/docs" {
				told(t, method+" "+path, fmt.Sprint(a.Header.Get("Location"), a.Body))
			}
		}
	}
	for _, request := range []string{"GET /%zz?" + secret + " HTTP/1.1\r\nHost: x\r\n\r\n", secret + "\r\n\r\n", "GET / HTTP/1.1\r\n" + secret + "\r\n\r\n"} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.Base, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(conn, request)
		_ = conn.(*net.TCPConn).CloseWrite()
		said, _ := io.ReadAll(conn)
		conn.Close()
		told(t, "a 400", string(said))
	}

	// That something is shown.
	reached := 0
	for _, seen := range r.Take() {
		if strings.Contains(fmt.Sprint(seen), secret) {
			reached++
		}
	}
	if least := len(faults) * len(takers); reached < least {
		t.Errorf("tokens reached lists %d times, want %d at least", reached, least)
	}
	metrics := testkit.Send(t, "GET", s.Base+"/metrics", "").Body
	verbose := testkit.Send(t, "GET", s.Base+"/api/health?verbose", "").Body
	if !strings.Contains(metrics, `outcome="circuit"`) || !strings.Contains(metrics, `outcome="panic"`) || !strings.Contains(verbose, `"open"`) {
		t.Errorf("no breaker opened, or nothing panicked: %s", verbose)
	}
	if code := s.Stop(); code != 0 {
		t.Errorf("ended with %d", code)
	}
	log := s.Log.String()
	if !strings.Contains(log, "a call panicked") || !strings.Contains(log, `"msg":"request"`) {
		t.Errorf("log: %s", log)
	}
	told(t, "the log", log)
	told(t, "the metrics", metrics)
	told(t, "health", verbose)
	files, err := filepath.Glob(file + "*")
	if err != nil || len(files) == 0 {
		t.Fatalf("files %q, %v", files, err)
	}
	for _, name := range files {
		bytes, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		told(t, name, string(bytes))
	}
	// Labels are bounded: no bot and no address is one. A figure may look like one.
	labels := regexp.MustCompile(`(?m) \S+$`).ReplaceAllString(metrics, "")
	for _, unbounded := range []string{newBot()[:12], "127.0.0.1", "nowhere", "S3CR3T"} {
		if strings.Contains(labels, unbounded) {
			t.Errorf("the metrics hold %s", unbounded)
		}
	}
}

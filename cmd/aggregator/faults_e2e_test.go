package main

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"aggregator/internal/testkit"
)

// shown is what an answer shows of a list that misbehaves.
type shown struct {
	status int
	text   string // a regular expression of all of it
	ok     bool   // the post is a success
}

func fails(reason string) shown             { return shown{status: -1, text: reason} }
func failsBy(status int, text string) shown { return shown{status: status, text: text} }

var (
	isReset     = fails(`Connection reset`)
	isGone      = fails(`Connection closed without an answer|Connection reset`)
	isCutShort  = fails(`Answer cut short`)
	isTooLarge  = fails(`Answer larger than 512 KiB`)
	isLongHead  = fails(`Header of the answer larger than 64 KiB`)
	isNoHTTP    = fails(`Answer is not HTTP`)
	breaksOff   = fails(`Answer breaks off: not HTTP`)
	isNoGzip    = fails(`Answer says gzip and is not`)
	isSwitched  = fails(`Answer switches to another protocol`)
	isNoWeb     = fails(`Redirected to something that is no web address`)
	challenge   = `<!DOCTYPE html><html lang="en-US"><head><title>Just a moment...</title></head><body>Enable JavaScript and cookies to continue</body></html>`
	isChallenge = regexp.QuoteMeta(challenge)
)

// ledTo is a post's redirect.
func ledTo(status int, location string) shown { return failsBy(status, `Redirected to `+location) }

// matrixRow is one way in which a list misbehaves.
type matrixRow struct {
	name  string
	serve func(*testkit.Conn)
	url   string // in place of the list's own; HOST is its address
	late  bool   // it ends by the deadline
	post  shown  // not of a late one
	read  shown  // as post, where it is zero
	most  int    // bytes of an answer; 0: 8 KiB
}

var matrix = []matrixRow{
	{name: "nothing listens", url: "http://127.0.0.1:1/:id", post: fails(`Connection refused`)},
	{name: "no TLS", url: "https://HOST/:id", serve: func(c *testkit.Conn) { c.Say("HTTP/1.0 400 Bad Request\r\n\r\n") }, post: fails(`TLS failed: the answer is not TLS`)},

	{name: "reset in the body", serve: testkit.Then(testkit.HTTPOK+"Content-Length: 9\r\n\r\nabc", (*testkit.Conn).Reset), post: isReset},
	{name: "closed after the request", serve: testkit.Once(""), post: isGone},

	{name: "hangs after the request", serve: testkit.Then("", (*testkit.Conn).Hang), late: true},
	{name: "hangs in a redirect's body", serve: testkit.Then("HTTP/1.1 302 Go\r\nLocation: /x\r\n\r\n", (*testkit.Conn).Hang), late: true},
	{name: "drips its body", serve: testkit.Then(testkit.HTTPOK+"\r\n", testkit.Dripping(" ", 50*time.Millisecond)), late: true},

	{name: "cut short by length", serve: testkit.Once(testkit.HTTPOK + "Content-Length: 9\r\n\r\nabc"), post: isCutShort},

	{name: "a byte too many", serve: testkit.Whole(200, "text/plain", strings.Repeat("x", 512<<10+1)), post: isTooLarge},
	{name: "not a byte too many", serve: testkit.Whole(200, "text/plain", strings.Repeat("x", 512<<10)), post: shown{200, `x+`, true}, most: 520 << 10},
	{name: "as many NULs", serve: testkit.Whole(200, "text/plain", strings.Repeat("\x00", 512<<10)), post: shown{200, `\x00+`, true}, most: 3100 << 10},
	{name: "a huge header", serve: testkit.Answers(testkit.HTTPOK + "X: " + strings.Repeat("x", 100<<10) + "\r\n\r\n"), post: isLongHead},

	{name: "gzip bomb", serve: testkit.Answers(testkit.GzipSized(testkit.Gzip(strings.Repeat("\x00", 4<<20)))), post: isTooLarge},
	{name: "gzip that is none", serve: testkit.Answers(testkit.GzipSized(`{"not": "gzip"}`)), post: isNoGzip},
	{name: "gzip that was not said to be", serve: testkit.Whole(200, kindJSON, testkit.Gzip("{}")), post: shown{200, `(?s)\x1f\x{fffd}.*`, true}},

	{name: "bad UTF-8", serve: testkit.Whole(200, kindJSON, "{\"a\":\"\xff\xfe\"}"), post: shown{200, `\{"a":"\x{fffd}\x{fffd}"\}`, true}},
	{name: "a lone surrogate", serve: testkit.Whole(200, kindJSON, "\xed\xa0\x80"), post: shown{200, `\x{fffd}{3}`, true}},
	{name: "NULs", serve: testkit.Whole(200, kindJSON, "\x00\x00"), post: shown{200, `\x00\x00`, true}},
	{name: "40 KB of [", serve: testkit.Whole(200, kindJSON, strings.Repeat("[", 40_000)), post: shown{200, `\[+`, true}, most: 50 << 10},
	{name: "40 KB of [ and ]", serve: testkit.Whole(200, kindJSON, strings.Repeat("[", 20_000)+strings.Repeat("]", 20_000)), post: shown{200, `\[+\]+`, true}, most: 50 << 10},
	{name: "a number of 5,000 digits", serve: testkit.Whole(200, kindJSON, `{"server_count":`+strings.Repeat("9", 5000)+`}`), post: shown{200, `\{"server_count":9+\}`, true}, most: 10 << 10},
	{name: "nulls for everything", serve: testkit.Whole(200, kindJSON, `{"name":null,"server_count":null,"owners":[null]}`),
		post: shown{200, `\{"name":null,"server_count":null,"owners":\[null\]\}`, true}},
	{name: "odd types for everything", serve: testkit.Whole(200, kindJSON, `{"name":{},"server_count":"12k","owners":{"id":true}}`),
		post: shown{200, `\{"name":\{\},"server_count":"12k","owners":\{"id":true\}\}`, true}},

	{name: "a challenge page, 403", serve: testkit.Whole(403, "text/html; charset=UTF-8", challenge), post: failsBy(403, isChallenge)},
	{name: "a challenge page, 503", serve: testkit.Whole(503, "text/html; charset=UTF-8", challenge), post: failsBy(503, isChallenge)},
	{name: "a challenge page that says 200", serve: testkit.Whole(200, "text/html", challenge), post: failsBy(200, isChallenge)},
	{name: "a parked domain that says JSON", serve: testkit.Whole(200, kindJSON, challenge), post: failsBy(200, isChallenge)},

	{name: "garbage", serve: testkit.Answers("\x00\xff\x01garbage\r\n\r\n"), post: isNoHTTP},
	{name: "a bad chunk size", serve: testkit.Answers(testkit.Chunked + "xyz\r\n"), post: breaksOff},
	{name: "switches protocols", serve: testkit.Then("HTTP/1.1 101 Go\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", (*testkit.Conn).Hang), post: isSwitched},
	{name: "a status of 999", serve: testkit.Whole(999, "text/plain", "no"), post: failsBy(999, "no")},
	{name: "204 with a body", serve: testkit.Once("HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n{}"), post: shown{204, ``, true}},

	{name: "301 within", serve: testkit.Redirects(301, "/x"), post: ledTo(301, `http://[0-9.:]+/x`), read: fails(`More than 5 redirects`)},
	{name: "303 to nothing that listens", serve: testkit.Redirects(303, "http://127.0.0.1:1/"), post: ledTo(303, `http://127\.0\.0\.1:1/`), read: fails(`After a redirect: Connection refused`)},
	{name: "307 to a file", serve: testkit.Redirects(307, "file:///etc/passwd"), post: ledTo(307, `file:///etc/passwd`), read: isNoWeb},
	{name: "302 to a huge address", serve: testkit.Redirects(302, "/"+strings.Repeat("x", 20<<10)), post: ledTo(302, `http://[0-9.:]+/x+`), read: isNoWeb, most: 30 << 10},
	{name: "301 without a place", serve: testkit.Answers("HTTP/1.1 301 Go\r\nContent-Length: 0\r\n\r\n"), post: failsBy(301, ``)},
	{name: "300", serve: testkit.Whole(300, "text/plain", "choose"), post: failsBy(300, `choose`)},
}

// goodBot is what the good lists of the matrix testkit.Say, merged.
const goodBot = `{"id":%q,"username":"Good Bot","discriminator":"0000","owners":["111111111111111111"],"server_count":42,
	"invite":"","prefix":"","website":"https://good.test/","github":"","support":"","library":""}`

// TestFaultMatrix has one list between two good ones misbehave. Every way in
// which a list can is a row of fanout's tests; here stands one of each kind,
// and what the answer alone shows.
func TestFaultMatrix(t *testing.T) {
	t.Parallel()
	good := newRig(t)
	good.On("a.test", testkit.Say(200, kindJSON, `{"name":"Good Bot","server_count":41,"owners":["111111111111111111"]}`))
	good.On("z.test", testkit.Say(200, kindJSON, `{"name":"Good Bot","server_count":42,"website":"https://good.test/"}`))
	services := make([]*running, len(matrix))
	for i, row := range matrix {
		services[i] = row.boot(t, good.Addr)
	}
	// Those that last wait together; the others take turns, so that none is
	// late for want of a processor.
	posts, reads := make([]timed, len(matrix)), make([]timed, len(matrix))
	turns := make(chan struct{}, 4)
	var all sync.WaitGroup
	run := func(late bool, f func() timed, to *timed) {
		all.Go(func() {
			if !late {
				turns <- struct{}{}
				defer func() { <-turns }()
			}
			*to = f()
		})
	}
	for i, row := range matrix {
		s := services[i]
		run(row.late, func() timed {
			return ask(t.Context(), "POST", s.Base+"/api/count", countBody(someBot, `"bad.test":"t","a.test":"t","z.test":"t"`))
		}, &posts[i])
		run(row.late, func() timed { return ask(t.Context(), "GET", s.Base+"/api/bots/"+someBot, "") }, &reads[i])
	}
	all.Wait()
	for i, row := range matrix {
		t.Run(row.name, func(t *testing.T) {
			row.checkPost(t, posts[i])
			row.checkRead(t, reads[i])
			if a := testkit.Send(t, "GET", services[i].Base+"/api/health", ""); a.Status != 200 {
				t.Errorf("health afterwards: %d %s", a.Status, a.Body)
			}
		})
	}
}

// boot boots a service on a row's list and two good ones.
func (row matrixRow) boot(t *testing.T, good string) *running {
	t.Helper()
	url := row.url
	if url == "" {
		url = "http://HOST/:id"
	}
	if row.serve != nil {
		url = strings.ReplaceAll(url, "HOST", testkit.NewPeer(t, row.serve).Addr)
	}
	var yaml strings.Builder
	yaml.WriteString("lists:\n")
	for id, url := range map[string]string{"a.test": "http://" + good + "/a.test/:id", "bad.test": url, "z.test": "http://" + good + "/z.test/:id"} {
		fmt.Fprintf(&yaml, "  %s: {name: %s, url: \"https://%s/\", api_post: %q, api_field: server_count, api_get: %q}\n", id, id, id, url, url)
	}
	return boot(t, "--lists", write(t, "lists.yaml", yaml.String()), "--legacy-ids", write(t, "legacy_ids.yaml", ""))
}

// timed is an answer, or why there is none, and when it came.
type timed struct {
	answer
	err  error
	took time.Duration
}

// ask is send for goroutines, which must not end the test.
func ask(ctx context.Context, method, url, body string, headers ...string) timed {
	return doAs(ctx, testkit.Client, method, url, body, headers...)
}

// slack is how late an answer may be on a busy machine.
const slack = 4 * time.Second

// checkAnswer checks what is the same of posts and readings: an answer, in
// time, and of a bounded size.
func (row matrixRow) checkAnswer(t *testing.T, a timed, deadline time.Duration) {
	t.Helper()
	if a.err != nil || a.Status != 200 {
		t.Fatalf("%v, %d %s", a.err, a.Status, a.Body)
	}
	if row.late && a.took < deadline || a.took > deadline+slack {
		t.Errorf("answered after %s, the deadline is %s", a.took, deadline)
	}
	most := row.most
	if most == 0 {
		most = 8 << 10
	}
	if len(a.Body) > most {
		t.Errorf("an answer of %d bytes, want at most %d", len(a.Body), most)
	}
}

func (w shown) check(t *testing.T, what string, status int, text string) {
	t.Helper()
	if status != w.status || !regexp.MustCompile(`^(`+w.text+`)$`).MatchString(text) {
		t.Errorf("%s shows %d %.200q, want %d %s", what, status, text, w.status, w.text)
	}
}

func (row matrixRow) checkPost(t *testing.T, a timed) {
	t.Helper()
	row.checkAnswer(t, a, 10*time.Second)
	if row.late {
		row.post = fails(`Timeout after 10s`)
	}
	var c counted
	if err := json.Unmarshal([]byte(a.Body), &c); err != nil {
		t.Fatalf("%v: %s", err, a.Body)
	}
	for _, list := range []string{"a.test", "z.test"} {
		if got := c.Success[list]; got.status != 200 || !strings.Contains(got.text, "Good Bot") || got.sent != `{"server_count":5}` {
			t.Errorf("%s is spoilt: %+v", list, got)
		}
	}
	bad, ok := c.Success["bad.test"]
	if !ok {
		bad = c.Failure["bad.test"]
	}
	if ok != row.post.ok || len(c.Success)+len(c.Failure) != 3 || bad.sent != `{"server_count":5}` {
		t.Errorf("the post's success: %t, want %t: %.500s", ok, row.post.ok, a.Body)
	}
	row.post.check(t, "the post", bad.status, bad.text)
}

func (row matrixRow) checkRead(t *testing.T, a timed) {
	t.Helper()
	row.checkAnswer(t, a, 2*time.Second)
	want := row.read
	switch {
	case row.late:
		want = fails(`Timeout after 2s`)
	case want == shown{}:
		want = row.post
	}
	var bot map[string]json.RawMessage
	if err := json.Unmarshal([]byte(a.Body), &bot); err != nil {
		t.Fatalf("%v: %.500s", err, a.Body)
	}
	var said map[string][2]json.RawMessage
	if err := json.Unmarshal(bot["list_data"], &said); err != nil || len(said) != 3 {
		t.Fatalf("%d lists, %v: %.500s", len(said), err, a.Body)
	}
	delete(bot, "list_data")
	merged, _ := json.Marshal(bot)
	wantJSON(t, "the merged bot", string(merged), fmt.Sprintf(goodBot, someBot))
	wantJSON(t, "a.test", string(said["a.test"][0]), `{"name":"Good Bot","server_count":41,"owners":["111111111111111111"]}`)
	wantJSON(t, "z.test", string(said["z.test"][0]), `{"name":"Good Bot","server_count":42,"website":"https://good.test/"}`)
	var status int
	text := string(said["bad.test"][0])
	if err := json.Unmarshal(said["bad.test"][1], &status); err != nil {
		t.Fatal(err)
	}
	var plain string
	if json.Unmarshal(said["bad.test"][0], &plain) == nil {
		text = plain
	}
	want.check(t, "the reading", status, text)
}

// TestStaleConnection has a list give up the connection that it kept open, just
// as the next request comes. What lists do then, callers need not know; but a
// list with limits must not get a post twice.
func TestStaleConnection(t *testing.T) {
	t.Parallel()
	const good = testkit.HTTPOK + "Content-Type: application/json\r\nContent-Length: 11\r\n\r\n{\"ok\":true}"
	// The first connection answers one request and takes another one with it;
	// the next ones answer all.
	stale := func(end func(*testkit.Conn)) func(*testkit.Conn) {
		return func(c *testkit.Conn) {
			if c.Nth > 1 {
				testkit.Answers(good)(c)
				return
			}
			if c.Request() && c.Say(good) && c.Request() {
				end(c)
			}
		}
	}
	for _, row := range []struct {
		name  string
		serve func(*testkit.Conn)
		more  string // of the list's entry
		reads bool
		seen  int64
		want  string
	}{
		{"closed", stale(func(*testkit.Conn) {}), "", false, 3, `200 {"ok":true}`},
		{"a list with limits", stale(func(*testkit.Conn) {}), ", post: {limits: [{per: token, requests: 1, seconds: 60}]}", false, 2, `-1 Connection closed without an answer`},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			list := testkit.NewPeer(t, row.serve)
			yaml := fmt.Sprintf("lists:\n  stale.test: {name: S, url: \"https://stale.test/\", api_post: %q, api_field: n, api_get: %[1]q%s}\n", "http://"+list.Addr+"/:id", row.more)
			s := boot(t, "--lists", write(t, "lists.yaml", yaml), "--legacy-ids", write(t, "legacy_ids.yaml", ""))
			once := func(token string) string {
				if row.reads {
					d := s.read(t, newBot()).List["stale.test"]
					return string(d[1]) + " " + strings.Trim(string(d[0]), `"`)
				}
				c := s.post(t, countBody(newBot(), `"stale.test":"`+token+`"`))
				for _, all := range []map[string]result{c.Success, c.Failure} {
					if r, ok := all["stale.test"]; ok {
						return fmt.Sprint(r.status, " ", r.text)
					}
				}
				return c.raw
			}
			if got := once("first"); got != `200 {"ok":true}` {
				t.Fatal(got)
			}
			if got := once("second"); got != row.want {
				t.Errorf("%s, want %s", got, row.want)
			}
			if got := list.Requests.Load(); got != row.seen {
				t.Errorf("the list saw %d requests, want %d", got, row.seen)
			}
		})
	}
}

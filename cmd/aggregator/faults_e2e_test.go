package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// rawList is a list that speaks TCP as a test tells it to.
type rawList struct {
	addr     string
	conns    atomic.Int64 // ever accepted
	requests atomic.Int64 // whose header and body were read whole
}

// newRawList serves each connection with serve, which must end when its peer
// does.
func newRawList(t *testing.T, serve func(*rawConn)) *rawList {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	list := &rawList{addr: l.Addr().String()}
	var all sync.WaitGroup
	var open sync.Map
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			open.Store(c, true)
			n := list.conns.Add(1)
			all.Go(func() {
				defer open.Delete(c)
				defer c.Close()
				serve(&rawConn{c, bufio.NewReader(c), list, n})
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		open.Range(func(c, _ any) bool { c.(net.Conn).Close(); return true })
		all.Wait()
	})
	return list
}

// rawConn is a list's end of a connection.
type rawConn struct {
	net.Conn
	in   *bufio.Reader
	list *rawList
	nth  int64 // connection of the list, from 1
}

// request reads a request; false at the connection's end.
func (c *rawConn) request() bool {
	q, err := http.ReadRequest(c.in)
	if err != nil {
		return false
	}
	if _, err := io.Copy(io.Discard, q.Body); err != nil {
		return false
	}
	c.list.requests.Add(1)
	return true
}

func (c *rawConn) say(text string) bool {
	_, err := io.WriteString(c, text)
	return err == nil
}

func (c *rawConn) reset() {
	_ = c.Conn.(*net.TCPConn).SetLinger(0)
	_ = c.Close()
}

// hang waits until the other side has gone.
func (c *rawConn) hang() { _, _ = io.Copy(io.Discard, c.in) }

// drip says one thing again and again until the other side has gone.
func (c *rawConn) drip(text string, every time.Duration) {
	for c.say(text) {
		time.Sleep(every)
	}
}

// replies says the same to each request.
func replies(text string) func(*rawConn) {
	return func(c *rawConn) {
		for c.request() && c.say(text) {
		}
	}
}

// repliesOnce closes after its answer to the first request.
func repliesOnce(text string) func(*rawConn) {
	return func(c *rawConn) { _ = c.request() && c.say(text) }
}

// begins says something to one request and goes on with more.
func begins(text string, more func(*rawConn)) func(*rawConn) {
	return func(c *rawConn) {
		if c.request() && c.say(text) {
			more(c)
		}
	}
}

func dripping(text string, every time.Duration) func(*rawConn) {
	return func(c *rawConn) { c.drip(text, every) }
}

const (
	httpOK  = "HTTP/1.1 200 OK\r\n"
	chunked = httpOK + "Transfer-Encoding: chunked\r\n\r\n"
)

func whole(status int, kind, body string) func(*rawConn) {
	return replies(fmt.Sprintf("HTTP/1.1 %d X\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", status, kind, len(body), body))
}

func gzipped(body string) func(*rawConn) {
	return replies(fmt.Sprintf("%sContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", httpOK, len(body), body))
}

func packed(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, text)
	_ = z.Close()
	return b.String()
}

func leads(status int, location string) func(*rawConn) {
	return replies(fmt.Sprintf("HTTP/1.1 %d Go\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n", status, location))
}

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
	serve func(*rawConn)
	url   string // in place of the list's own; HOST is its address
	late  bool   // it ends by the deadline
	post  shown  // not of a late one
	read  shown  // as post, where it is zero
	most  int    // bytes of an answer; 0: 8 KiB
}

var matrix = []matrixRow{
	{name: "nothing listens", url: "http://127.0.0.1:1/:id", post: fails(`Connection refused`)},
	{name: "no such host", url: "https://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example/:id", post: fails(`No such host|Host name could not be looked up`)},
	{name: "no TLS", url: "https://HOST/:id", serve: func(c *rawConn) { c.say("HTTP/1.0 400 Bad Request\r\n\r\n") }, post: fails(`TLS failed: the answer is not TLS`)},
	{name: "TLS alert", url: "https://HOST/:id", serve: func(c *rawConn) { c.say("\x15\x03\x01\x00\x02\x02\x28"); c.hang() }, post: fails(`TLS failed: the handshake was refused`)},

	{name: "reset at once", serve: (*rawConn).reset, post: isGone},
	{name: "reset after the request", serve: begins("", (*rawConn).reset), post: isGone},
	{name: "reset in the status line", serve: begins("HTTP/1.", (*rawConn).reset), post: isNoHTTP},
	{name: "reset between headers", serve: begins(httpOK, (*rawConn).reset), post: fails(`Answer cut short|Connection reset`)},
	{name: "reset in the body", serve: begins(httpOK+"Content-Length: 9\r\n\r\nabc", (*rawConn).reset), post: isReset},
	{name: "reset in a chunk", serve: begins(chunked+"9\r\nabc", (*rawConn).reset), post: isReset},
	{name: "closed at once", serve: func(*rawConn) {}, post: isGone},
	{name: "closed after the request", serve: repliesOnce(""), post: isGone},

	{name: "reads nothing", serve: (*rawConn).hang, late: true},
	{name: "hangs after the request", serve: begins("", (*rawConn).hang), late: true},
	{name: "hangs in the status line", serve: begins("HTTP/1.1 20", (*rawConn).hang), late: true},
	{name: "hangs after the header", serve: begins(httpOK+"Content-Length: 9\r\n\r\n", (*rawConn).hang), late: true},
	{name: "hangs in the body", serve: begins(httpOK+"Content-Length: 9\r\n\r\nabc", (*rawConn).hang), late: true},
	{name: "hangs without a length", serve: begins(httpOK+"\r\n{}", (*rawConn).hang), late: true},
	{name: "hangs in a redirect's body", serve: begins("HTTP/1.1 302 Go\r\nLocation: /x\r\n\r\n", (*rawConn).hang), late: true},
	{name: "drips its status line", serve: begins("HTTP/1.1 200 ", dripping("O", 50*time.Millisecond)), late: true},
	{name: "drips its headers", serve: begins(httpOK, dripping("X: y\r\n", 50*time.Millisecond)), late: true},
	{name: "drips its body", serve: begins(httpOK+"\r\n", dripping(" ", 50*time.Millisecond)), late: true},
	{name: "drips its chunks", serve: begins(chunked, dripping("1\r\n \r\n", 50*time.Millisecond)), late: true},
	{name: "drips its gzip", serve: begins(httpOK+"Content-Encoding: gzip\r\n\r\n"+packed("x"), dripping(packed(""), 50*time.Millisecond)), late: true},
	{name: "drips early hints", serve: begins("", dripping("HTTP/1.1 103 Early Hints\r\n\r\n", 200*time.Millisecond)), late: true},

	{name: "cut short by length", serve: repliesOnce(httpOK + "Content-Length: 9\r\n\r\nabc"), post: isCutShort},
	{name: "cut short in the headers", serve: repliesOnce(httpOK), post: isCutShort},
	{name: "cut short in a chunk", serve: repliesOnce(chunked + "9\r\nabc"), post: isCutShort},
	{name: "cut short before the last chunk", serve: repliesOnce(chunked + "3\r\nabc\r\n"), post: isCutShort},

	{name: "60 MB", serve: func(c *rawConn) {
		if c.request() && c.say(httpOK+"Content-Length: 62914560\r\n\r\n") {
			c.drip(strings.Repeat("x", 64<<10), 0)
		}
	}, post: isTooLarge},
	{name: "endless body", serve: begins(httpOK+"\r\n", dripping(strings.Repeat("x", 8<<10), 0)), post: isTooLarge},
	{name: "endless chunks", serve: begins(chunked, dripping("1000\r\n"+strings.Repeat("x", 4<<10)+"\r\n", 0)), post: isTooLarge},
	{name: "a byte too many", serve: whole(200, "text/plain", strings.Repeat("x", 512<<10+1)), post: isTooLarge},
	{name: "not a byte too many", serve: whole(200, "text/plain", strings.Repeat("x", 512<<10)), post: shown{200, `x+`, true}, most: 520 << 10},
	{name: "as many NULs", serve: whole(200, "text/plain", strings.Repeat("\x00", 512<<10)), post: shown{200, `\x00+`, true}, most: 3100 << 10},
	{name: "a length beyond memory", serve: begins(httpOK+"Content-Length: 9000000000000000000\r\n\r\n", (*rawConn).hang), post: isTooLarge},
	{name: "a huge header", serve: replies(httpOK + "X: " + strings.Repeat("x", 100<<10) + "\r\n\r\n"), post: isLongHead},
	{name: "endless headers", serve: begins(httpOK, dripping("X: "+strings.Repeat("y", 1000)+"\r\n", 0)), post: isLongHead},
	{name: "an endless status line", serve: begins("HTTP/1.1 200 ", dripping(strings.Repeat("y", 1000), 0)), post: isLongHead},
	{name: "a flood of 100 Continue", serve: begins("", dripping("HTTP/1.1 100 Continue\r\n\r\n", 0)), post: isLongHead},
	{name: "endless trailers", serve: begins(chunked+"0\r\n", dripping("X: "+strings.Repeat("y", 1000)+"\r\n", 0)), post: breaksOff},

	{name: "gzip bomb", serve: gzipped(packed(strings.Repeat("\x00", 4<<20))), post: isTooLarge},
	{name: "gzip of endless nothing", serve: begins(httpOK+"Content-Encoding: gzip\r\n\r\n", dripping(strings.Repeat(packed(""), 100), 0)), post: isTooLarge},
	{name: "gzip that is none", serve: gzipped(`{"not": "gzip"}`), post: isNoGzip},
	{name: "gzip that ends early", serve: gzipped(packed(strings.Repeat("abc", 99))[:20]), post: isCutShort},
	{name: "gzip with a wrong sum", serve: gzipped(packed("abc")[:20] + "\x00\x00\x00\x00\x00\x00\x00\x00"), post: isNoGzip},
	{name: "gzip and garbage after it", serve: gzipped(packed("{}") + "and something else"), post: isNoGzip},
	{name: "gzip that was not said to be", serve: whole(200, kindJSON, packed("{}")), post: shown{200, `(?s)\x1f\x{fffd}.*`, true}},

	{name: "bad UTF-8", serve: whole(200, kindJSON, "{\"a\":\"\xff\xfe\"}"), post: shown{200, `\{"a":"\x{fffd}\x{fffd}"\}`, true}},
	{name: "a lone surrogate", serve: whole(200, kindJSON, "\xed\xa0\x80"), post: shown{200, `\x{fffd}{3}`, true}},
	{name: "NULs", serve: whole(200, kindJSON, "\x00\x00"), post: shown{200, `\x00\x00`, true}},
	{name: "40 KB of [", serve: whole(200, kindJSON, strings.Repeat("[", 40_000)), post: shown{200, `\[+`, true}, most: 50 << 10},
	{name: "40 KB of [ and ]", serve: whole(200, kindJSON, strings.Repeat("[", 20_000)+strings.Repeat("]", 20_000)), post: shown{200, `\[+\]+`, true}, most: 50 << 10},
	{name: "a number of 5,000 digits", serve: whole(200, kindJSON, `{"server_count":`+strings.Repeat("9", 5000)+`}`), post: shown{200, `\{"server_count":9+\}`, true}, most: 10 << 10},
	{name: "nulls for everything", serve: whole(200, kindJSON, `{"name":null,"server_count":null,"owners":[null]}`),
		post: shown{200, `\{"name":null,"server_count":null,"owners":\[null\]\}`, true}},
	{name: "odd types for everything", serve: whole(200, kindJSON, `{"name":{},"server_count":"12k","owners":{"id":true}}`),
		post: shown{200, `\{"name":\{\},"server_count":"12k","owners":\{"id":true\}\}`, true}},

	{name: "a challenge page, 403", serve: whole(403, "text/html; charset=UTF-8", challenge), post: failsBy(403, isChallenge)},
	{name: "a challenge page, 503", serve: whole(503, "text/html; charset=UTF-8", challenge), post: failsBy(503, isChallenge)},
	{name: "a challenge page that says 200", serve: whole(200, "text/html", challenge), post: failsBy(200, isChallenge)},
	{name: "a parked domain that says JSON", serve: whole(200, kindJSON, challenge), post: failsBy(200, isChallenge)},

	{name: "garbage", serve: replies("\x00\xff\x01garbage\r\n\r\n"), post: isNoHTTP},
	{name: "an SSH greeting", serve: func(c *rawConn) { _ = c.request() && c.say("SSH-2.0-OpenSSH_9.7\r\n"); c.hang() }, post: isNoHTTP},
	{name: "HTTP/0.9", serve: repliesOnce("<html>hello</html>\n"), post: isNoHTTP},
	{name: "HTTP/2", serve: repliesOnce("\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x05\x00\x00\x40\x00\r\n\r\n"), post: isNoHTTP},
	{name: "a status in words", serve: replies("HTTP/1.1 OK\r\n\r\n"), post: isNoHTTP},
	{name: "a header without a colon", serve: replies(httpOK + "nonsense\r\n\r\n"), post: isNoHTTP},
	{name: "two lengths", serve: replies(httpOK + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"), post: isNoHTTP},
	{name: "a negative length", serve: replies(httpOK + "Content-Length: -2\r\n\r\n{}"), post: isNoHTTP},
	{name: "a bad chunk size", serve: replies(chunked + "xyz\r\n"), post: breaksOff},
	{name: "switches protocols", serve: begins("HTTP/1.1 101 Go\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", (*rawConn).hang), post: isSwitched},
	{name: "a status of 999", serve: whole(999, "text/plain", "no"), post: failsBy(999, "no")},
	{name: "204 with a body", serve: repliesOnce("HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n{}"), post: shown{204, ``, true}},

	{name: "301 within", serve: leads(301, "/x"), post: ledTo(301, `http://[0-9.:]+/x`), read: fails(`More than 5 redirects`)},
	{name: "302 in a circle", serve: leads(302, "/bots/1"), post: ledTo(302, `http://[0-9.:]+/bots/1`), read: fails(`More than 5 redirects`)},
	{name: "303 to nothing that listens", serve: leads(303, "http://127.0.0.1:1/"), post: ledTo(303, `http://127\.0\.0\.1:1/`), read: fails(`After a redirect: Connection refused`)},
	{name: "307 to a file", serve: leads(307, "file:///etc/passwd"), post: ledTo(307, `file:///etc/passwd`), read: isNoWeb},
	{name: "308 to a script", serve: leads(308, "javascript:alert(1)"), post: ledTo(308, `javascript:alert\(1\)`), read: isNoWeb},
	{name: "302 to no host", serve: leads(302, "http:///x"), post: ledTo(302, `http:///x`), read: isNoWeb},
	{name: "302 to nonsense", serve: leads(302, "http://%zz/"), post: ledTo(302, `http://%zz/`), read: isNoWeb},
	{name: "302 to a huge address", serve: leads(302, "/"+strings.Repeat("x", 20<<10)), post: ledTo(302, `http://[0-9.:]+/x+`), read: isNoWeb, most: 30 << 10},
	{name: "301 without a place", serve: replies("HTTP/1.1 301 Go\r\nContent-Length: 0\r\n\r\n"), post: failsBy(301, ``)},
	{name: "304", serve: replies("HTTP/1.1 304 Not Modified\r\n\r\n"), post: failsBy(304, ``)},
	{name: "300", serve: whole(300, "text/plain", "choose"), post: failsBy(300, `choose`)},
}

// goodBot is what the good lists of the matrix say, merged.
const goodBot = `{"id":%q,"username":"Good Bot","discriminator":"0000","owners":["111111111111111111"],"server_count":42,
	"invite":"","prefix":"","website":"https://good.test/","github":"","support":"","library":""}`

// TestFaultMatrix has one list between two good ones misbehave in every way.
func TestFaultMatrix(t *testing.T) {
	t.Parallel()
	if len(matrix) < 40 {
		t.Fatalf("only %d rows", len(matrix))
	}
	good := newRig(t)
	good.on("a.test", say(200, kindJSON, `{"name":"Good Bot","server_count":41,"owners":["111111111111111111"]}`))
	good.on("z.test", say(200, kindJSON, `{"name":"Good Bot","server_count":42,"website":"https://good.test/"}`))
	services := make([]*running, len(matrix))
	for i, row := range matrix {
		services[i] = row.boot(t, good.addr)
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
			return ask(t.Context(), "POST", s.base+"/api/count", countBody(someBot, `"bad.test":"t","a.test":"t","z.test":"t"`))
		}, &posts[i])
		run(row.late, func() timed { return ask(t.Context(), "GET", s.base+"/api/bots/"+someBot, "") }, &reads[i])
	}
	all.Wait()
	for i, row := range matrix {
		t.Run(row.name, func(t *testing.T) {
			row.checkPost(t, posts[i])
			row.checkRead(t, reads[i])
			if a := send(t, "GET", services[i].base+"/api/health", ""); a.status != 200 {
				t.Errorf("health afterwards: %d %s", a.status, a.body)
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
		url = strings.ReplaceAll(url, "HOST", newRawList(t, row.serve).addr)
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
	return doAs(ctx, client, method, url, body, headers...)
}

// slack is how late an answer may be on a busy machine.
const slack = 4 * time.Second

// checkAnswer checks what is the same of posts and readings: an answer, in
// time, and of a bounded size.
func (row matrixRow) checkAnswer(t *testing.T, a timed, deadline time.Duration) {
	t.Helper()
	if a.err != nil || a.status != 200 {
		t.Fatalf("%v, %d %s", a.err, a.status, a.body)
	}
	if row.late && a.took < deadline || a.took > deadline+slack {
		t.Errorf("answered after %s, the deadline is %s", a.took, deadline)
	}
	most := row.most
	if most == 0 {
		most = 8 << 10
	}
	if len(a.body) > most {
		t.Errorf("an answer of %d bytes, want at most %d", len(a.body), most)
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
	if err := json.Unmarshal([]byte(a.body), &c); err != nil {
		t.Fatalf("%v: %s", err, a.body)
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
		t.Errorf("the post's success: %t, want %t: %.500s", ok, row.post.ok, a.body)
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
	if err := json.Unmarshal([]byte(a.body), &bot); err != nil {
		t.Fatalf("%v: %.500s", err, a.body)
	}
	var said map[string][2]json.RawMessage
	if err := json.Unmarshal(bot["list_data"], &said); err != nil || len(said) != 3 {
		t.Fatalf("%d lists, %v: %.500s", len(said), err, a.body)
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
	const good = httpOK + "Content-Type: application/json\r\nContent-Length: 11\r\n\r\n{\"ok\":true}"
	// The first connection answers one request and takes another one with it;
	// the next ones answer all.
	stale := func(end func(*rawConn)) func(*rawConn) {
		return func(c *rawConn) {
			if c.nth > 1 {
				replies(good)(c)
				return
			}
			if c.request() && c.say(good) && c.request() {
				end(c)
			}
		}
	}
	for _, row := range []struct {
		name  string
		serve func(*rawConn)
		more  string // of the list's entry
		reads bool
		seen  int64
		want  string
	}{
		{"closed", stale(func(*rawConn) {}), "", false, 3, `200 {"ok":true}`},
		{"reset", stale((*rawConn).reset), "", false, 3, `200 {"ok":true}`},
		{"closed on a reading", stale(func(*rawConn) {}), "", true, 3, `200 {"ok":true}`},
		{"reset on a reading", stale((*rawConn).reset), "", true, 3, `200 {"ok":true}`},
		{"a list with limits", stale(func(*rawConn) {}), ", post: {limits: [{per: token, requests: 1, seconds: 60}]}", false, 2, `-1 Connection closed without an answer`},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			list := newRawList(t, row.serve)
			yaml := fmt.Sprintf("lists:\n  stale.test: {name: S, url: \"https://stale.test/\", api_post: %q, api_field: n, api_get: %[1]q%s}\n", "http://"+list.addr+"/:id", row.more)
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
			if got := list.requests.Load(); got != row.seen {
				t.Errorf("the list saw %d requests, want %d", got, row.seen)
			}
		})
	}
}

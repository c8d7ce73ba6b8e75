package fanout

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"aggregator/lists"
)

type want struct {
	status int // 0: NoAnswer
	fault  lists.Fault
	reason string // a pattern
	body   int    // its length
}

func timeout() want { return want{fault: lists.FaultTimeout, reason: "Timeout after .+s"} }
func answered(status, body int) want {
	return want{status: status, body: body}
}
func failed(f lists.Fault, reason string) want { return want{fault: f, reason: reason} }

var (
	reset    = failed(lists.FaultReset, "Connection reset")
	noAnswr  = failed(lists.FaultReset, "Connection closed without an answer|Connection reset")
	cutShort = failed(lists.FaultCutShort, "Answer cut short")
	tooLarge = failed(lists.FaultTooLarge, "Answer larger than 512 KiB")
	header   = failed(lists.FaultTooLarge, "Header of the answer larger than 64 KiB")
	notHTTP  = failed(lists.FaultProtocol, "Answer is not HTTP")
	breaks   = failed(lists.FaultProtocol, "Answer breaks off: not HTTP")
	notGzip  = failed(lists.FaultProtocol, "Answer says gzip and is not")
	switched = failed(lists.FaultProtocol, "Answer switches to another protocol")
	noWeb    = failed(lists.FaultRedirect, "Redirected to something that is no web address")
	loop     = failed(lists.FaultRedirect, "More than 5 redirects")
)

// faultRow is one way in which a list misbehaves, and what becomes of a post
// and of a reading.
type faultRow struct {
	name  string
	serve func(*conn)
	post  want
	read  want // as post, where it is zero
	entry func(*lists.Entry)
}

var faultRows = []faultRow{
	{name: "reset at once", serve: func(c *conn) { c.Reset() }, post: noAnswr},
	{name: "reset after the request", serve: then("", (*conn).Reset), post: noAnswr},
	{name: "reset in the status line", serve: then("HTTP/1.", (*conn).Reset), post: reset},
	{name: "reset in the header", serve: then(ok+"Content-Le", (*conn).Reset), post: reset},
	{name: "reset in the body", serve: then(ok+"Content-Length: 9\r\n\r\nabc", (*conn).Reset), post: reset},
	{name: "reset in a chunk", serve: then(ok+"Transfer-Encoding: chunked\r\n\r\n9\r\nabc", (*conn).Reset), post: reset},
	{name: "closed at once", serve: func(*conn) {}, post: noAnswr},
	{name: "closed after the request", serve: once(""), post: noAnswr},
	{name: "closed in the status line", serve: once("HTTP/1."), post: cutShort},
	{name: "closed in the first word", serve: once("HT"), post: cutShort},
	{name: "closed in a first word that is no HTTP's", serve: once("HTML"), post: notHTTP},
	{name: "reset in a first word that is no HTTP's", serve: then("HTML", (*conn).Reset), post: reset},
	{name: "closed in the header", serve: once(ok + "Content-Le"), post: cutShort},
	{name: "reset between headers", serve: then(ok, (*conn).Reset), post: reset},
	{name: "closed between headers", serve: once(ok), post: cutShort},
	{name: "closed in the body", serve: once(ok + "Content-Length: 9\r\n\r\nabc"), post: cutShort},
	{name: "closed in a chunk", serve: once(ok + "Transfer-Encoding: chunked\r\n\r\n9\r\nabc"), post: cutShort},
	{name: "closed before the last chunk", serve: once(ok + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"), post: cutShort},

	{name: "reads nothing", serve: func(c *conn) { c.Hang() }, post: timeout()},
	{name: "hangs after the request", serve: then("", (*conn).Hang), post: timeout()},
	{name: "hangs in the status line", serve: then("HTTP/1.1 20", (*conn).Hang), post: timeout()},
	{name: "hangs after the header", serve: then(ok+"Content-Length: 9\r\n\r\n", (*conn).Hang), post: timeout()},
	{name: "hangs in the body", serve: then(ok+"Content-Length: 9\r\n\r\nabc", (*conn).Hang), post: timeout()},
	{name: "hangs without a length", serve: then(ok+"\r\n{}", (*conn).Hang), post: timeout()},
	{name: "drips its header", serve: then(ok, func(c *conn) { c.Drip("X: y\r\n", 10*time.Millisecond) }), post: timeout()},
	{name: "drips its body", serve: then(ok+"\r\n", func(c *conn) { c.Drip(" ", 10*time.Millisecond) }), post: timeout()},
	{name: "drips its chunks", serve: then(ok+"Transfer-Encoding: chunked\r\n\r\n", func(c *conn) { c.Drip("1\r\n \r\n", 10*time.Millisecond) }), post: timeout()},
	{name: "drips its gzip", serve: then(ok+"Content-Encoding: gzip\r\n\r\n"+zipped("x"), func(c *conn) { c.Drip(zipped(""), 10*time.Millisecond) }), post: timeout()},
	{name: "drips its status line", serve: then("HTTP/1.1 200 ", func(c *conn) { c.Drip("O", 10*time.Millisecond) }), post: timeout()},
	{name: "drips early hints", serve: then("", func(c *conn) { c.Drip("HTTP/1.1 103 Early Hints\r\n\r\n", 200*time.Millisecond) }), post: timeout()},

	{name: "endless body", serve: then(ok+"\r\n", func(c *conn) { c.Drip(strings.Repeat("x", 8<<10), 0) }), post: tooLarge},
	{name: "endless chunks", serve: then(ok+"Transfer-Encoding: chunked\r\n\r\n", func(c *conn) { c.Drip("1000\r\n"+strings.Repeat("x", 4<<10)+"\r\n", 0) }), post: tooLarge},
	{name: "one byte too many", serve: answers(sized(strings.Repeat("x", maxAnswer+1))), post: tooLarge},
	{name: "just not too many", serve: answers(sized(strings.Repeat("x", maxAnswer))), post: answered(200, maxAnswer)},
	{name: "huge length", serve: then(ok+"Content-Length: 9000000000000000000\r\n\r\n", (*conn).Hang), post: tooLarge},
	{name: "60 MB", serve: then(ok+"Content-Length: 62914560\r\n\r\n", func(c *conn) { c.Drip(strings.Repeat("x", 64<<10), 0) }), post: tooLarge},
	{name: "huge header", serve: answers(ok + "X: " + strings.Repeat("x", 100<<10) + "\r\n\r\n"), post: header},
	{name: "endless header", serve: then(ok, func(c *conn) { c.Drip("X: "+strings.Repeat("y", 1000)+"\r\n", 0) }), post: header},
	{name: "endless header line", serve: then(ok+"X: ", func(c *conn) { c.Drip(strings.Repeat("y", 1000), 0) }), post: header},
	{name: "endless status line", serve: then("HTTP/1.1 200 ", func(c *conn) { c.Drip(strings.Repeat("y", 1000), 0) }), post: header},
	{name: "flood of 100", serve: then("", func(c *conn) { c.Drip("HTTP/1.1 100 Continue\r\n\r\n", 0) }), post: header},
	{name: "flood of 103", serve: then("", func(c *conn) { c.Drip("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", 0) }), post: header},
	{name: "endless trailer", serve: then(ok+"Transfer-Encoding: chunked\r\n\r\n0\r\n", func(c *conn) { c.Drip("X: "+strings.Repeat("y", 1000)+"\r\n", 0) }), post: breaks},
	{name: "a hint, then an answer", serve: answers("HTTP/1.1 103 Early Hints\r\n\r\n" + sized("{}")), post: answered(200, 2)},

	{name: "gzip", serve: answers(gzipSized(zipped("{}"))), post: answered(200, 2)},
	{name: "GZIP without a length", serve: once(ok + "Content-Encoding: GZIP\r\n\r\n" + zipped("{}")), post: answered(200, 2)},
	{name: "gzip of nothing", serve: answers(gzipSized("")), post: answered(200, 0)},
	{name: "gzip of nothing, chunked", serve: answers(ok + "Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), post: answered(200, 0)},
	{name: "gzip bomb", serve: answers(gzipSized(zipped(strings.Repeat("\x00", 4<<20)))), post: tooLarge},
	{name: "gzip of endless nothing", serve: then(ok+"Content-Encoding: gzip\r\n\r\n", func(c *conn) { c.Drip(strings.Repeat(zipped(""), 100), 0) }), post: tooLarge},
	{name: "gzip that is none", serve: answers(gzipSized("{\"ok\": true}")), post: notGzip},
	{name: "gzip that is too short for one", serve: answers(gzipSized("{}")), post: cutShort},
	{name: "cut gzip", serve: answers(gzipSized(zipped(strings.Repeat("abc", 99))[:20])), post: cutShort},
	{name: "gzip with a wrong sum", serve: answers(gzipSized(zipped("abc")[:20] + "\x00\x00\x00\x00\x00\x00\x00\x00")), post: failed(lists.FaultProtocol, notGzip.reason)},
	{name: "gzip of garbage", serve: answers(gzipSized(zipped("")[:10] + "\xff\xff\xff\xff\xff\xff\xff\xff")), post: notGzip},
	{name: "gzip and something after", serve: answers(gzipSized(zipped("{}") + "something else")), post: notGzip},

	{name: "bad UTF-8", serve: answers(sized("{\"a\": \"\xff\xfe\"}")), post: answered(200, 11)},
	{name: "NULs", serve: answers(sized("\x00\x00\x00")), post: answered(200, 3)},
	{name: "as many NULs as are read", serve: answers(sized(strings.Repeat("\x00", maxAnswer))), post: answered(200, maxAnswer)},
	{name: "40 KB of [", serve: answers(sized(strings.Repeat("[", 40_000))), post: answered(200, 40_000)},
	{name: "an HTML page", serve: answers(sized("<!doctype html><html></html>")), post: answered(200, 28)},
	{name: "a status of 503, and no more waiting", serve: answers("HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy"), post: answered(503, 4)},
	{name: "a status of 999", serve: answers("HTTP/1.1 999 No\r\nContent-Length: 0\r\n\r\n"), post: answered(999, 0)},
	{name: "204 and a body", serve: once("HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n{}"), post: answered(204, 0)},
	{name: "304", serve: answers("HTTP/1.1 304 Not Modified\r\n\r\n"), post: answered(304, 0)},
	{name: "300", serve: answers("HTTP/1.1 300 Choose\r\nContent-Length: 6\r\n\r\nchoose"), post: answered(300, 6)},

	{name: "garbage", serve: answers("\x00\xff\x01garbage\r\n\r\n"), post: notHTTP},
	{name: "an SSH greeting", serve: func(c *conn) { _ = c.Request() && c.Say("SSH-2.0-OpenSSH_9.7\r\n"); c.Hang() }, post: notHTTP},
	{name: "TLS in plain HTTP", serve: answers("\x15\x03\x01\x00\x02\x02\x16\r\n\r\n"), post: notHTTP},
	{name: "HTTP/2", serve: once("\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x05\x00\x00\x40\x00\r\n\r\n"), post: notHTTP},
	{name: "HTTP/0.9", serve: once("<html>hello</html>\n"), post: notHTTP},
	{name: "no status", serve: answers("HTTP/1.1\r\n\r\n"), post: notHTTP},
	{name: "a status in words", serve: answers("HTTP/1.1 OK\r\n\r\n"), post: notHTTP},
	{name: "a negative status", serve: answers("HTTP/1.1 -20 OK\r\n\r\n"), post: notHTTP},
	{name: "a header without a colon", serve: answers(ok + "nonsense\r\n\r\n"), post: notHTTP},
	{name: "a header with a NUL", serve: answers(ok + "X: a\x00b\r\nContent-Length: 0\r\n\r\n"), post: notHTTP},
	{name: "a bad chunk size", serve: answers(ok + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n"), post: breaks},
	{name: "a chunk size beyond numbers", serve: answers(ok + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n"), post: breaks},
	{name: "chunks that do not end", serve: answers(ok + "Transfer-Encoding: chunked\r\n\r\n3\r\nabcdefgh\r\n0\r\n\r\n"), post: breaks},
	{name: "chunks of mere extensions", serve: then(ok+"Transfer-Encoding: chunked\r\n\r\n", func(c *conn) { c.Drip("1;"+strings.Repeat("x", 2000)+"\r\n \r\n", 0) }), post: breaks},
	{name: "an unknown transfer encoding", serve: answers(ok + "Transfer-Encoding: snappy\r\n\r\n"), post: notHTTP},
	{name: "two lengths", serve: answers(ok + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"), post: notHTTP},
	{name: "the same length twice", serve: answers(ok + "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}"), post: answered(200, 2)},
	{name: "a length and chunks", serve: once(ok + "Content-Length: 900\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"), post: answered(200, 2)},
	{name: "a negative length", serve: answers(ok + "Content-Length: -2\r\n\r\n{}"), post: notHTTP},
	{name: "a length beyond numbers", serve: answers(ok + "Content-Length: 99999999999999999999\r\n\r\n{}"), post: notHTTP},
	{name: "a length that is too short", serve: answers(ok + "Content-Length: 1\r\n\r\n{}"), post: answered(200, 1)},
	{name: "a length that is too long", serve: once(ok + "Content-Length: 3\r\n\r\n{}"), post: cutShort},
	{name: "HTTP/1.0", serve: once("HTTP/1.0 200 OK\r\n\r\n{}"), post: answered(200, 2)},
	{name: "HTTP/1.0 kept alive", serve: answers("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n{}"), post: answered(200, 2)},
	{name: "switches protocols", serve: then("HTTP/1.1 101 Go\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", (*conn).Hang), post: switched},
	{name: "switches to none", serve: then("HTTP/1.1 101 Go\r\n\r\n", (*conn).Hang), post: switched},
	{name: "answers before the body is read", serve: func(c *conn) {
		for line := "-"; strings.TrimSpace(line) != ""; {
			var err error
			if line, err = c.In.ReadString('\n'); err != nil {
				return
			}
		}
		c.Say("HTTP/1.1 413 Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
		c.Hang()
	}, post: answered(413, 0)},

	{name: "redirects in a circle", serve: redirect(302, "/bots/1"), post: answered(302, 0), read: loop},
	{name: "redirects ever on", serve: redirect(301, "/x"), post: answered(301, 0), read: loop},
	{name: "redirects to itself", serve: redirect(307, ""), post: answered(307, 0), read: answered(307, 0)},
	{name: "redirects nowhere", serve: answers("HTTP/1.1 301 Go\r\nContent-Length: 0\r\n\r\n"), post: answered(301, 0)},
	{name: "redirects to a file", serve: redirect(302, "file:///etc/passwd"), post: answered(302, 0), read: noWeb},
	{name: "redirects to a script", serve: redirect(303, "javascript:alert(1)"), post: answered(303, 0), read: noWeb},
	{name: "redirects to FTP", serve: redirect(308, "ftp://127.0.0.1/"), post: answered(308, 0), read: noWeb},
	{name: "redirects to no host", serve: redirect(302, "http:///x"), post: answered(302, 0), read: noWeb},
	{name: "redirects to a port alone", serve: redirect(302, "http://:80/x"), post: answered(302, 0), read: noWeb},
	{name: "redirects to nonsense", serve: redirect(302, "http://%zz/"), post: answered(302, 0), read: noWeb},
	{name: "redirects to a huge address", serve: redirect(302, "/"+strings.Repeat("x", 20<<10)), post: answered(302, 0), read: noWeb},
	{name: "redirects to where nothing listens", serve: redirect(302, "http://127.0.0.1:1/"), post: answered(302, 0),
		read: failed(lists.FaultRedirect, "After a redirect: Connection refused")},
	{name: "redirects elsewhere with a key", serve: redirect(302, "http://127.0.0.2:1/"), post: answered(302, 0), entry: keyed,
		read: failed(lists.FaultRedirect, "Redirected to another origin, where the key must not go")},
	{name: "redirects to another scheme with a key", serve: func(c *conn) { redirect(302, "https://"+c.Peer.Addr+"/")(c) },
		post: answered(302, 0), entry: keyed, read: failed(lists.FaultRedirect, "Redirected to another origin, where the key must not go")},
	{name: "redirects within, with a body that hangs", serve: then("HTTP/1.1 302 Go\r\nLocation: /x\r\n\r\n", (*conn).Hang), post: timeout()},
}

// Lists that misbehave, in whatever way and all at once, are answers in plain
// words, and the good lists between them are not touched.
func TestFaults(t *testing.T) {
	if n := len(faultRows); n < 40 {
		t.Fatalf("only %d rows", n)
	}
	c := newClient(t)
	good := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte("good" + r.URL.Path)) }))
	defer good.Close()
	var calls []lists.Call // of each row a post and a reading to the bad list, then to a good one
	var silent []int       // those that are not answered
	for i, row := range faultRows {
		entry := row.entry
		if entry == nil {
			entry = func(*lists.Entry) {}
		}
		bad := newList(t, fmt.Sprintf("bad%d.example", i), urlOf(newPeer(t, row.serve)), entry)
		other := newList(t, fmt.Sprintf("good%d.example", i), fmt.Sprint(good.URL, "/", i, "/:id"))
		calls = append(calls, post(t, bad, bot), read(t, bad, bot), post(t, other, bot), read(t, other, bot))
		if row.post == timeout() {
			silent = append(silent, 4*i)
		}
		if row.read == timeout() || row.read == (want{}) && row.post == timeout() {
			silent = append(silent, 4*i+1)
		}
	}
	got := runFaults(t, c, calls, silent)
	for i, row := range faultRows {
		t.Run(row.name, func(t *testing.T) {
			if row.read == (want{}) {
				row.read = row.post
			}
			row.post.check(t, "posts", got[4*i])
			row.read.check(t, "readings", got[4*i+1])
			for _, a := range got[4*i+2 : 4*i+4] {
				if a.Status != http.StatusOK || string(a.Body) != fmt.Sprintf("good/%d/%s", i, bot) {
					t.Errorf("a good list was spoilt: %d %q %s", a.Status, a.Body, a.Reason)
				}
			}
		})
	}
}

// runFaults runs calls at once. Those that are not answered have less time.
func runFaults(t *testing.T, c *Client, calls []lists.Call, silent []int) []lists.Answer {
	t.Helper()
	var answered []int
	for i := range calls {
		if !slices.Contains(silent, i) {
			answered = append(answered, i)
		}
	}
	got := make([]lists.Answer, len(calls))
	var all sync.WaitGroup
	for limit, some := range map[time.Duration][]int{4 * time.Second: silent, 5 * time.Minute: answered} {
		all.Go(func() {
			var these []lists.Call
			for _, i := range some {
				these = append(these, calls[i])
			}
			for i, a := range c.Run(t.Context(), within(limit), here, these) {
				got[some[i]] = a
			}
		})
	}
	all.Wait()
	for _, i := range silent {
		if took := got[i].Took; took < 4*time.Second || took > 30*time.Second {
			t.Errorf("call %d took %s, want 4s", i, took)
		}
	}
	return got
}

func (w want) check(t *testing.T, op string, a lists.Answer) {
	t.Helper()
	if w.status == 0 {
		w.status = lists.NoAnswer
	}
	if a.Status != w.status || a.Fault != w.fault || len(a.Body) != w.body {
		t.Errorf("%s: got %d %q with %d bytes (%s), want %+v", op, a.Status, a.Fault, len(a.Body), a.Reason, w)
	}
	if !regexp.MustCompile("^(" + w.reason + ")$").MatchString(a.Reason) {
		t.Errorf("%s: the reason is %q, want %q", op, a.Reason, w.reason)
	}
	if strings.Contains(a.Reason, "127.0.0.1") || strings.Contains(a.Reason, secret) || strings.Contains(a.Reason, bot) {
		t.Errorf("%s: the reason %q tells too much", op, a.Reason)
	}
	if a.Took <= 0 {
		t.Errorf("%s took %s", op, a.Took)
	}
}

func TestFaultsOfTheWay(t *testing.T) {
	c := newClient(t)
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	defer secure.Close()
	silent := newPeer(t, func(c *conn) { c.Hang() })
	alert := newPeer(t, func(c *conn) { c.Say("\x15\x03\x01\x00\x02\x02\x28") })
	hung := newPeer(t, func(c *conn) { c.Reset() })
	refused := newPeer(t, once(""))
	for name, tt := range map[string]struct {
		url string
		want
	}{
		"nothing listens":          {"http://127.0.0.1:1/:id", failed(lists.FaultRefused, "Connection refused")},
		"no such host":             {"https://" + strings.Repeat("a", 64) + ".example/:id", failed(lists.FaultDNS, "No such host|Host name could not be looked up")},
		"no TLS":                   {strings.Replace(plain.URL, "http", "https", 1) + "/:id", failed(lists.FaultTLS, "TLS failed: the answer is not TLS")},
		"a certificate of its own": {secure.URL + "/:id", failed(lists.FaultTLS, "TLS failed: the certificate is not trusted")},
		"refused handshake":        {"https://" + alert.Addr + "/:id", failed(lists.FaultReset, "TLS failed: the handshake was refused")},
		"reset in the handshake":   {"https://" + hung.Addr + "/:id", failed(lists.FaultReset, "Connection reset|Connection closed without an answer")},
		"closed in the handshake":  {"https://" + refused.Addr + "/:id", failed(lists.FaultReset, "Connection reset|Connection closed without an answer")},
		"no handshake":             {"https://" + silent.Addr + "/:id", timeout()},
	} {
		t.Run(name, func(t *testing.T) {
			l := newList(t, "bad.example", tt.url)
			limit := time.Minute
			if tt.want == timeout() {
				limit = 500 * time.Millisecond
			}
			tt.check(t, "posts", run1(t, c, post(t, l, bot), limit))
			tt.check(t, "readings", run1(t, c, read(t, l, bot), limit))
		})
	}
	t.Run("another host's certificate", func(t *testing.T) {
		transport := NewTransport()
		defer transport.CloseIdleConnections()
		transport.TLSClientConfig = &tls.Config{RootCAs: secure.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs, ServerName: "other.test"}
		w := failed(lists.FaultTLS, "TLS failed: the certificate is for another host")
		w.check(t, "posts", run1(t, New(transport, quiet), post(t, newList(t, "bad.example", secure.URL+"/:id"), bot), time.Minute))
	})
}

func FuzzAnswerBytes(f *testing.F) {
	for _, row := range []string{sized("{}"), gzipSized(zipped("{}")), ok + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
		"HTTP/1.1 302 Go\r\nLocation: /x\r\n\r\n", "HTTP/1.1 101 Go\r\n\r\n", "\x00", ""} {
		f.Add([]byte(row))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		l := newList(t, "bad.example", urlOf(newPeer(t, once(string(raw)))))
		transport := NewTransport()
		defer transport.CloseIdleConnections()
		start := time.Now()
		for _, a := range New(transport, quiet, noPause).Run(t.Context(), within(2*time.Second), here, []lists.Call{post(t, l, bot), read(t, l, bot)}) {
			if (a.Status == lists.NoAnswer) != (a.Fault != lists.FaultNone) || (a.Fault == lists.FaultNone) != (a.Reason == "") || a.Fault == lists.FaultPanic {
				t.Errorf("%d %q %q", a.Status, a.Fault, a.Reason)
			}
			if len(a.Body) > maxAnswer || strings.Contains(a.Reason, l.ID) || strings.Contains(a.Reason, "127.0.0.1") {
				t.Errorf("%d bytes, %q", len(a.Body), a.Reason)
			}
		}
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("took %s", took)
		}
	})
}

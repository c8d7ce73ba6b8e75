package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"aggregator/httpapi"
	"aggregator/internal/testkit"
)

// directive is one of a proxy's configuration.
type directive struct {
	words []string
	block []directive
}

// parseDirectives reads the configuration of nginx, whose directives end with a
// semicolon, or of Caddy, whose directives end with the line.
func parseDirectives(t *testing.T, name string) []directive {
	t.Helper()
	semicolons := strings.HasPrefix(name, "nginx")
	open := []*directive{{}}
	words := []string(nil)
	for line := range strings.Lines(readDeploy(t, name)) {
		for word := range strings.FieldsSeq(line) {
			if strings.HasPrefix(word, "#") {
				break
			}
			ends := semicolons && strings.HasSuffix(word, ";")
			top := open[len(open)-1]
			switch word = strings.TrimSuffix(word, ";"); word {
			case "{":
				top.block = append(top.block, directive{words: words})
				open, words = append(open, &top.block[len(top.block)-1]), nil
			case "}":
				if len(open) == 1 || len(words) > 0 {
					t.Fatalf("%s: a brace closes nothing, or what has not ended: %q", name, line)
				}
				open = open[:len(open)-1]
			default:
				words = append(words, word)
				if ends {
					top.block, words = append(top.block, directive{words: words}), nil
				}
			}
		}
		if !semicolons && len(words) > 0 {
			top := open[len(open)-1]
			top.block, words = append(top.block, directive{words: words}), nil
		}
	}
	if len(open) != 1 || len(words) > 0 {
		t.Fatalf("%s ends within %q", name, open[len(open)-1].words)
	}
	return open[0].block
}

// valuesOf returns the words of every directive of a name, within whatever blocks, each
// without the name.
func valuesOf(in []directive, name string) (found []string) {
	for _, d := range in {
		if len(d.words) > 0 && d.words[0] == name {
			found = append(found, strings.Join(d.words[1:], " "))
		}
		found = append(found, valuesOf(d.block, name)...)
	}
	return found
}

// wantDirectives checks what directives say, each of which stands once.
func wantDirectives(t *testing.T, in []directive, want map[string]string) {
	t.Helper()
	for name, value := range want {
		if got := valuesOf(in, name); !slices.Equal(got, []string{value}) {
			t.Errorf("%s: got %q, want %q", name, got, value)
		}
	}
}

// bytesOf returns a size as proxies write it.
func bytesOf(t *testing.T, text string) int {
	t.Helper()
	var n int
	var unit string
	if _, err := fmt.Sscanf(strings.ToLower(text), "%d%s", &n, &unit); err != nil || strings.TrimSuffix(unit, "b") != "k" {
		t.Fatalf("%q is not a size in KB", text)
	}
	return n * 1000 // KB of Caddy are the smaller ones
}

// longestAnswer is longer than any request takes that is answered at once: it waits
// for room, twice, then its lists have their time.
const longestAnswer = 30 * time.Second

// TestNginxConfig checks the directives that matter.
func TestNginxConfig(t *testing.T) {
	t.Parallel()
	c := parseDirectives(t, "nginx.conf")
	wantDirectives(t, c, map[string]string{
		"proxy_pass":               "http://aggregator",
		"proxy_http_version":       "1.1",
		"proxy_next_upstream":      "http_503 non_idempotent", // and neither error nor timeout
		"proxy_max_temp_file_size": "0",
		"ssl_protocols":            "TLSv1.2 TLSv1.3",
		"return":                   "308 https://$host$request_uri",
	})
	if got := valuesOf(c, "proxy_set_header"); !slices.Equal(got, []string{"Host $host", "X-Forwarded-For $remote_addr", "X-Forwarded-Proto $scheme"}) {
		t.Errorf("headers set: %q", got)
	}
	for _, name := range []string{"proxy_buffering", "proxy_ignore_headers", "proxy_request_buffering", "keepalive", "gzip"} {
		if got := valuesOf(c, name); len(got) > 0 {
			t.Errorf("%s %q: the comments say otherwise", name, got)
		}
	}
	for _, name := range []string{"client_max_body_size", "client_body_buffer_size"} {
		if got := valuesOf(c, name); len(got) != 1 || bytesOf(t, got[0]) <= httpapi.MaxBody {
			t.Errorf("%s %q, want more than the service takes, once", name, got)
		}
	}
	for _, name := range []string{"proxy_read_timeout", "proxy_send_timeout"} {
		if got := valuesOf(c, name); len(got) != 1 || duration(t, got[0]) < longestAnswer {
			t.Errorf("%s %q, want at least %s, once", name, got, longestAnswer)
		}
	}
	set := parsed(t, "serve", []string{"serve"}, nil)
	if got, want := valuesOf(c, "server"), []string{"127.0.0.1" + flagOf(t, set, "listen"), "", ""}; !slices.Equal(got, want) {
		t.Errorf("servers %q, want %q and two blocks", got, want)
	}
}

// TestCaddyConfig checks the directives that matter.
func TestCaddyConfig(t *testing.T) {
	t.Parallel()
	c := parseDirectives(t, "Caddyfile")
	wantDirectives(t, c, map[string]string{"lb_policy": "least_conn", "health_uri": "/api/health", "health_interval": "1s"})
	for _, name := range []string{"flush_interval", "lb_retry_match", "header_up", "encode", "response_buffers"} {
		if got := valuesOf(c, name); len(got) > 0 {
			t.Errorf("%s %q: the comments say otherwise", name, got)
		}
	}
	for _, name := range []string{"max_size", "request_buffers"} {
		if got := valuesOf(c, name); len(got) != 1 || bytesOf(t, got[0]) <= httpapi.MaxBody {
			t.Errorf("%s %q, want more than the service takes, once", name, got)
		}
	}
	if got := valuesOf(c, "response_header_timeout"); len(got) != 1 || duration(t, got[0]) < longestAnswer {
		t.Errorf("response_header_timeout %q, want at least %s", got, longestAnswer)
	}
	idle := httpapi.NewHTTPServer(nil, (&testkit.Log{}).Logger()).IdleTimeout
	if got := valuesOf(c, "keepalive"); len(got) != 1 || duration(t, got[0]) >= idle {
		t.Errorf("keepalive %q, want less than the service's %s", got, idle)
	}
	if got := valuesOf(c, "grace_period"); len(got) != 1 || duration(t, got[0]) < longestAnswer {
		t.Errorf("grace_period %q, want at least %s", got, longestAnswer)
	}
}

// replaceOnce replaces a text that stands in a configuration once.
func replaceOnce(t *testing.T, in, from, to string) string {
	t.Helper()
	if strings.Count(in, from) != 1 {
		t.Fatalf("%q stands there %d times, want once", from, strings.Count(in, from))
	}
	return strings.ReplaceAll(in, from, to)
}

// frontProxy is a proxy that runs, before upstreams.
type frontProxy struct {
	base   string
	client *http.Client
}

// post posts a count.
func (f frontProxy) post(t *testing.T, body string, headers ...string) answer {
	t.Helper()
	a, err := testkit.Do(t.Context(), f.client, "POST", f.base+"/api/count", body, headers...)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// runProxy runs a proxy until the test ends, and waits until it listens at base.
func runProxy(t *testing.T, cmd *exec.Cmd, base string) frontProxy {
	t.Helper()
	var said testkit.Log
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { _ = cmd.Wait(); close(done) }()
	t.Cleanup(func() { _ = cmd.Process.Kill(); <-done })
	_, at, _ := strings.Cut(base, "://")
	testkit.Eventually(t, func() error {
		conn, err := net.Dial("tcp", at)
		if err != nil {
			return fmt.Errorf("%w: %s", err, said.String())
		}
		return conn.Close()
	})
	transport := &http.Transport{DisableCompression: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} // its certificate is made here
	t.Cleanup(transport.CloseIdleConnections)
	return frontProxy{base, &http.Client{Transport: transport, Timeout: time.Minute, CheckRedirect: testkit.Client.CheckRedirect}}
}

// startNginx runs nginx as nginx.conf says.
func startNginx(t *testing.T, upstreams ...string) frontProxy {
	t.Helper()
	nginx := lookFor(t, "nginx", "nginx")
	site := readDeploy(t, "nginx.conf")
	const alone = "\tserver 127.0.0.1:8080;"
	switch {
	case len(upstreams) == 2:
		site = replaceOnce(t, site, alone, "")
		site = strings.NewReplacer("# server 192.0.2.1:8080", "server "+upstreams[0], "# server 192.0.2.2:8080", "server "+upstreams[1]).Replace(site)
	case strings.HasPrefix(upstreams[0], unixPrefix):
		site = replaceOnce(t, site, alone, "")
		site = replaceOnce(t, site, "# server unix:/run/aggregator/aggregator.sock", "server "+upstreams[0])
	default:
		site = replaceOnce(t, site, alone, "server "+upstreams[0]+";")
	}
	folder := t.TempDir()
	cert, key := testkit.WriteKeyPair(t, folder, "lists.example.com")
	secure, plain := "127.0.0.1:"+freePort(t), "127.0.0.1:"+freePort(t)
	for from, to := range map[string]string{
		"listen 80;": "listen " + plain + ";", "listen [::]:80;": "", "listen 443 ssl;": "listen " + secure + " ssl;", "listen [::]:443 ssl;": "",
		"/etc/letsencrypt/live/lists.example.com/fullchain.pem": cert, "/etc/letsencrypt/live/lists.example.com/privkey.pem": key,
	} {
		site = replaceOnce(t, site, from, to)
	}
	user := ""
	if os.Getuid() == 0 {
		user = "user root;"
	}
	main := user + "daemon off; master_process off; pid nginx.pid; error_log stderr; events { worker_connections 256; }\nhttp { access_log off;"
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		main += fmt.Sprintf(" %s_temp_path %s;", kind, filepath.Join(folder, kind))
	}
	conf := filepath.Join(folder, "nginx.conf")
	if err := os.WriteFile(conf, []byte(main+"\n"+site+"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"-p", folder, "-e", "stderr", "-c", conf}
	if out, err := exec.CommandContext(t.Context(), nginx, append(args, "-t")...).CombinedOutput(); err != nil || strings.Contains(string(out), "[warn]") {
		t.Fatalf("nginx -t: %v\n%s", err, out)
	}
	f := runProxy(t, exec.Command(nginx, args...), "https://"+secure)
	if a := testkit.Send(t, "POST", "http://"+plain+"/api/count", "{}"); a.Status != 308 || a.Header.Get("Location") != "https://127.0.0.1/api/count" {
		t.Errorf("without TLS: %d to %s", a.Status, a.Header.Get("Location"))
	}
	return f
}

// startCaddy runs Caddy as the Caddyfile says.
func startCaddy(t *testing.T, upstreams ...string) frontProxy {
	t.Helper()
	for i, u := range upstreams {
		upstreams[i] = strings.Replace(u, "unix:", "unix/", 1)
	}
	return runCaddy(t, replaceOnce(t, readDeploy(t, "Caddyfile"), "reverse_proxy aggregator-1:8080 aggregator-2:8080", "reverse_proxy "+strings.Join(upstreams, " ")))
}

// runCaddy runs Caddy with a Caddyfile, whose site has the address {$SITE_ADDRESS:localhost}.
func runCaddy(t *testing.T, caddyfile string) frontProxy {
	t.Helper()
	caddy := lookFor(t, "caddy", "caddy")
	if version, err := exec.CommandContext(t.Context(), caddy, "version").Output(); err != nil || regexp.MustCompile(`^v?2\.[0-6]\.`).Match(version) {
		t.Skipf("NOT TESTED: Caddy %s (%v) knows no request_buffers, 2.7 does", strings.TrimSpace(string(version)), err)
	}
	folder := t.TempDir()
	conf := filepath.Join(folder, "Caddyfile")
	if err := os.WriteFile(conf, []byte(caddyfile), 0o600); err != nil {
		t.Fatal(err)
	}
	base := "http://127.0.0.1:" + freePort(t)
	cmd := exec.Command(caddy, "run", "--adapter", "caddyfile", "--config", conf)
	cmd.Env = []string{"SITE_ADDRESS=" + base, "CADDY_ADMIN=127.0.0.1:" + freePort(t), "HOME=" + folder}
	return runProxy(t, cmd, base)
}

// upstream is a stand-in for a replica, whose health is good until it is told
// otherwise.
type upstream struct {
	*testkit.Lists
	sick atomic.Bool
}

func newUpstream(t *testing.T) *upstream {
	t.Helper()
	u := &upstream{Lists: testkit.NewLists(t, func(r *http.Request) string { return r.URL.Path }, testkit.Say(200, "application/json", `{"ok":true}`))}
	u.On("/api/health", func(w http.ResponseWriter, _ *http.Request) {
		if u.sick.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	return u
}

// counts returns the counts that came since it was asked last.
func (u *upstream) counts() []asked {
	return slices.DeleteFunc(u.Take(), func(a asked) bool { return a.List != "/api/count" })
}

// startProxy runs a proxy before upstreams: addresses, or sockets as unix:PATH.
type startProxy func(t *testing.T, upstreams ...string) frontProxy

// proxies are those that deploy has a configuration for.
var proxies = map[string]startProxy{"nginx": startNginx, "caddy": startCaddy}

// onProxies runs a test for each proxy.
func onProxies(t *testing.T, test func(t *testing.T, start startProxy)) {
	t.Helper()
	t.Parallel()
	for name, start := range proxies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, start)
		})
	}
}

// TestProxyPassesOn checks what a replica gets of a request.
func TestProxyPassesOn(t *testing.T) {
	onProxies(t, func(t *testing.T, start startProxy) {
		u := newUpstream(t)
		f := start(t, u.Addr)
		// A body that the service refuses by itself gets there.
		for _, body := range []string{`{"server_count":5}`, strings.Repeat("x", httpapi.MaxBody+1)} {
			f.post(t, body, "X-Forwarded-For", "192.0.2.66").Want(t, 200)
			got := u.counts()
			if len(got) != 1 || got[0].Body != body || !slices.Equal(got[0].Header["X-Forwarded-For"], []string{"127.0.0.1"}) {
				t.Fatalf("%d counts came, forwarded for %q", len(got), got[0].Header["X-Forwarded-For"])
			}
		}
		if a, err := testkit.Do(t.Context(), f.client, "POST", f.base+"/api/count", strings.Repeat("x", 600<<10)); err == nil && a.Status < 400 {
			t.Errorf("a body of 600 KiB: %d", a.Status)
		}
	})
}

// TestProxySendsOnce has replicas break off once they have read a post: the other
// one never gets it.
func TestProxySendsOnce(t *testing.T) {
	onProxies(t, func(t *testing.T, start startProxy) {
		one, two := newUpstream(t), newUpstream(t)
		one.On("/api/count", testkit.Reset)
		two.On("/api/count", testkit.Reset)
		f := start(t, one.Addr, two.Addr)
		if a := f.post(t, "{}"); a.Status != 502 {
			t.Errorf("got %d, want 502", a.Status)
		}
		if n := len(one.counts()) + len(two.counts()); n != 1 {
			t.Errorf("it was sent %d times, want once", n)
		}
	})
}

// busy is what a replica says that has no room, and has done nothing.
func busy(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Retry-After", "3")
	testkit.Say(503, "application/json", `{"error":true}`)(w, r)
}

// TestProxyWhenAllAreBusy checks that callers hear when to come again.
func TestProxyWhenAllAreBusy(t *testing.T) {
	onProxies(t, func(t *testing.T, start startProxy) {
		one, two := newUpstream(t), newUpstream(t)
		one.On("/api/count", busy)
		two.On("/api/count", busy)
		f := start(t, one.Addr, two.Addr)
		for i := range 6 {
			if a := f.post(t, "{}"); a.Status != 503 || a.Header.Get("Retry-After") != "3" || a.Body != `{"error":true}` {
				t.Errorf("%d: got %d %q %s", i, a.Status, a.Header.Get("Retry-After"), a.Body)
			}
		}
	})
}

// TestNginxTriesAnother has one replica busy: the other one gets the whole post.
func TestNginxTriesAnother(t *testing.T) {
	t.Parallel()
	one, two := newUpstream(t), newUpstream(t)
	one.On("/api/count", busy)
	f := startNginx(t, one.Addr, two.Addr)
	for range 3 {
		f.post(t, `{"server_count":5}`).Want(t, 200)
		if got := two.counts(); len(got) != 1 || got[0].Body != `{"server_count":5}` {
			t.Errorf("the other one got %+v", got)
		}
	}
	if len(one.counts()) == 0 {
		t.Error("the busy one was never asked")
	}
}

// TestCaddyHeedsHealth has one replica about to stop, then gone: the other one gets
// every post.
func TestCaddyHeedsHealth(t *testing.T) {
	t.Parallel()
	one, two := newUpstream(t), newUpstream(t)
	one.sick.Store(true)
	f := startCaddy(t, one.Addr, two.Addr, "127.0.0.1:"+freePort(t))
	testkit.Eventually(t, func() error {
		for range 6 {
			f.post(t, `{"server_count":5}`).Want(t, 200)
		}
		if n := len(one.counts()); n > 0 {
			return fmt.Errorf("%d of 6 went to the one that is to stop", n)
		}
		return nil
	})
}

// TestProxyStreams has a replica write a part of an answer, and the rest once the
// caller has that.
func TestProxyStreams(t *testing.T) {
	onProxies(t, func(t *testing.T, start startProxy) {
		u := newUpstream(t)
		for _, kind := range []string{"text/event-stream", "text/html; charset=utf-8"} {
			read := make(chan struct{})
			u.On("/bots", func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", kind)
				w.Header().Set("X-Accel-Buffering", "no")
				_, _ = io.WriteString(w, "first")
				w.(http.Flusher).Flush()
				<-read
				_, _ = io.WriteString(w, "second")
			})
			f := start(t, u.Addr)
			ctx, cancel := context.WithTimeout(t.Context(), testkit.Patience)
			defer cancel()
			req, err := http.NewRequestWithContext(ctx, "GET", f.base+"/bots", nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := f.client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			begin := make([]byte, len("first"))
			_, err = io.ReadFull(resp.Body, begin)
			close(read)
			rest, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil || string(begin)+string(rest) != "firstsecond" {
				t.Errorf("%s: got %q, %v, then %q", kind, begin, err, rest)
			}
		}
	})
}

// TestProxyToSocket runs the service at a socket, behind each proxy: the caller's
// own address is what is limited.
func TestProxyToSocket(t *testing.T) {
	onProxies(t, func(t *testing.T, start startProxy) { limitedAtSocket(t, start) })
}

// TestCaddyOfDocs is the same with the whole Caddyfile that docs/operating.md has.
func TestCaddyOfDocs(t *testing.T) {
	t.Parallel()
	text := replaceOnce(t, snippets(t, "docs/operating.md", "caddy")[0], "lists.example.com", "{$SITE_ADDRESS:localhost}")
	limitedAtSocket(t, func(t *testing.T, upstreams ...string) frontProxy {
		return runCaddy(t, replaceOnce(t, text, "unix//run/aggregator/aggregator.sock", strings.Replace(upstreams[0], "unix:", "unix/", 1)))
	})
}

func limitedAtSocket(t *testing.T, start startProxy) {
	t.Helper()
	folder, err := os.MkdirTemp("", "socket") // a socket's path has at most 108 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	socket := "unix:" + filepath.Join(folder, "a.sock")
	newRig(t).start(t, nil, "--listen", socket, "--store", "memory:")
	f := start(t, socket)
	body := countBody(newBot(), `"one.test":"t"`)
	f.post(t, body).Want(t, 200)
	if a := f.post(t, body, "X-Forwarded-For", "192.0.2.66"); a.Status != 429 || !strings.Contains(a.Body, `"ratelimit_ip":"127.0.0.1"`) {
		t.Errorf("got %d %s, want 429 for 127.0.0.1", a.Status, a.Body)
	}
}

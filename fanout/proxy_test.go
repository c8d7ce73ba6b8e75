package fanout

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"aggregator/internal/testkit"
	"aggregator/lists"
)

// relay copies between two connections until one ends.
func relay(a, b net.Conn) {
	var both sync.WaitGroup
	for _, pair := range [][2]net.Conn{{a, b}, {b, a}} {
		both.Go(func() {
			_, _ = io.Copy(pair[0], pair[1])
			_ = a.Close()
			_ = b.Close()
		})
	}
	both.Wait()
}

// tunnels is an HTTP proxy that leads every tunnel to one address, and takes
// requests itself for the same. It knows what it was asked.
type tunnels struct {
	to    string
	mu    sync.Mutex
	asked []string
}

// ServeHTTP implements http.Handler.
func (p *tunnels) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.asked = append(p.asked, strings.TrimSpace(r.Method+" "+r.RequestURI+" "+r.Host+" "+r.Header.Get("Proxy-Authorization")))
	p.mu.Unlock()
	if r.Method != http.MethodConnect {
		_, _ = io.WriteString(w, "by proxy")
		return
	}
	to, err := net.Dial("tcp", p.to)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	from, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		_ = to.Close()
		return
	}
	_, _ = io.WriteString(from, ok+"\r\n")
	relay(from, to)
}

// TestHTTPProxies sends requests by proxies that speak HTTP, with and without TLS.
func TestHTTPProxies(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "tunnel "+r.Host+r.Header.Get("Proxy-Authorization"))
	}))
	defer server.Close()
	for scheme, start := range map[string]func(http.Handler) *httptest.Server{"http": httptest.NewServer, "https": httptest.NewTLSServer} {
		t.Run(scheme, func(t *testing.T) {
			transport := newTestTransport(t)
			trust(transport, server) // their certificates are the same
			at := &tunnels{to: server.Listener.Addr().String()}
			p := start(at)
			defer p.Close()
			u, _ := url.Parse(p.URL)
			u.User = url.UserPassword("user", "pass")
			transport.Proxy = http.ProxyURL(u)
			for range 2 {
				for url, want := range map[string]string{"http://example.com/x?y": "by proxy", "http://a.example.com/": "by proxy", "https://example.com/x": "tunnel example.com"} {
					if _, text, err := ask(t.Context(), transport, http.MethodPost, url, "{}"); text != want || err != nil {
						t.Errorf("%s: got %q %v, want %q", url, text, err, want)
					}
				}
			}
			slices.Sort(at.asked)
			const auth = " Basic dXNlcjpwYXNz"
			want := []string{"CONNECT example.com:443 example.com:443" + auth,
				"POST http://a.example.com/ a.example.com" + auth, "POST http://a.example.com/ a.example.com" + auth,
				"POST http://example.com/x?y example.com" + auth, "POST http://example.com/x?y example.com" + auth}
			if !slices.Equal(at.asked, want) {
				t.Errorf("the proxy was asked %q, want %q", at.asked, want)
			}
			if n := len(transport.pool.idle); n != 2 {
				t.Errorf("got connections for %d routes, want one for HTTP and one for the tunnel", n)
			}
			transport.CloseIdleConnections()
		})
	}
}

// socksServer serves SOCKS5 on a connection as far as it is needed: it asks for a
// user where it has one, and leads to one address.
func socksServer(user, to string, asked chan<- string) func(*conn) {
	return func(c *conn) {
		read := func(n int) []byte {
			b := make([]byte, n)
			_, _ = io.ReadFull(c.In, b)
			return b
		}
		methods := read(int(read(2)[1]))
		method := byte(0)
		if user != "" {
			method = 2
		}
		if !slices.Contains(methods, method) {
			c.Say("\x05\xff")
			return
		}
		c.Say("\x05", string(method))
		if user != "" {
			name := string(read(int(read(2)[1])))
			if name+":"+string(read(int(read(1)[0]))) != user {
				c.Say("\x01\x01")
				return
			}
			c.Say("\x01\x00")
		}
		if kind := read(4)[3]; kind != 3 {
			c.Say("\x05\x08\x00\x01\x00\x00\x00\x00\x00\x00")
			return
		}
		host := string(read(int(read(1)[0])))
		port := read(2)
		asked <- fmt.Sprintf("%s:%d", host, int(port[0])<<8|int(port[1]))
		next, err := net.Dial("tcp", to)
		if err != nil {
			c.Say("\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00")
			return
		}
		c.Say("\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
		relay(c.Conn, next)
	}
}

// TestSOCKSProxies sends requests by SOCKS5 proxies. The proxy looks names up.
func TestSOCKSProxies(t *testing.T) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Host) })
	plain, secure := httptest.NewServer(handler), httptest.NewTLSServer(handler)
	defer plain.Close()
	defer secure.Close()
	for _, tt := range []struct {
		proxy, user, url, to, asked string
		ok                          bool
	}{
		{"socks5://", "", "http://example.com/", plain.Listener.Addr().String(), "example.com:80", true},
		{"socks5h://", "", "https://example.com/", secure.Listener.Addr().String(), "example.com:443", true},
		{"socks5://user:pass@", "user:pass", "http://example.com:81/", plain.Listener.Addr().String(), "example.com:81", true},
		{"socks5://user:wrong@", "user:pass", "http://example.com/", plain.Listener.Addr().String(), "", false},
		{"socks5://", "user:pass", "http://example.com/", plain.Listener.Addr().String(), "", false},
		{"socks5://", "", "http://example.com/", "127.0.0.1:1", "example.com:80", false},
	} {
		t.Run(tt.proxy+tt.url, func(t *testing.T) {
			transport := newTestTransport(t)
			trust(transport, secure)
			asked := make(chan string, 4)
			p := newPeer(t, socksServer(tt.user, tt.to, asked))
			u, err := url.Parse(tt.proxy + p.Addr)
			if err != nil {
				t.Fatal(err)
			}
			transport.Proxy = http.ProxyURL(u)
			for range 2 {
				_, text, err := ask(t.Context(), transport, http.MethodPost, tt.url, "{}")
				if tt.ok && (err != nil || !strings.HasPrefix(text, "example.com")) || !tt.ok && !errors.Is(err, errProxy) {
					t.Errorf("got %q %v, want success %t", text, err, tt.ok)
				}
			}
			if got, want := p.Conns.Load(), map[bool]int64{true: 1, false: 2}[tt.ok]; got != want {
				t.Errorf("got %d connections to the proxy, want %d", got, want)
			}
			if tt.asked != "" {
				if got := testkit.Receive(t, "what the proxy was asked", asked); got != tt.asked {
					t.Errorf("the proxy was asked for %s, want %s", got, tt.asked)
				}
			}
			transport.CloseIdleConnections()
		})
	}
}

// TestProxyFaults has proxies misbehave. The list has not seen any of the calls.
func TestProxyFaults(t *testing.T) {
	refused, away := failed(lists.FaultRefused, "The proxy refused the connection"), failed(lists.FaultRefused, "The proxy cannot be reached")
	scheme := failed(lists.FaultOther, "Request cannot be made: the proxy is neither HTTP nor SOCKS5")
	for name, tt := range map[string]struct {
		scheme string
		serve  func(*conn)
		want
	}{
		"refuses":              {"http", answers("HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"), refused},
		"wants a password":     {"http", answers("HTTP/1.1 407 Who\r\nContent-Length: 0\r\n\r\n"), refused},
		"closes":               {"http", once(""), refused},
		"resets":               {"http", (*conn).Reset, failed(lists.FaultRefused, refused.reason+"|"+away.reason)},
		"is no proxy":          {"http", once("garbage\r\n\r\n"), refused},
		"breaks off":           {"http", once("HTTP/1.1 20"), refused},
		"talks without end":    {"http", then(ok, func(c *conn) { c.Drip("X: y\r\n", 0) }), refused},
		"says more than it is": {"http", once(ok + "\r\nsurplus"), refused},
		"hangs":                {"http", (*conn).Hang, timeout()},
		"hangs in its answer":  {"http", then(ok, (*conn).Hang), timeout()},
		"has no TLS":           {"https", answers("garbage\r\n\r\n"), away},
		"hangs in TLS":         {"https", (*conn).Hang, timeout()},
		"hangs in SOCKS":       {"socks5", (*conn).Hang, timeout()},
		"is no SOCKS":          {"socks5", func(c *conn) { _, _ = c.In.ReadByte(); c.Say("HTTP/1.1 400 What\r\n\r\n") }, refused},
		"closes in SOCKS":      {"socks5", func(*conn) {}, refused},
		"is SOCKS4":            {"socks4", (*conn).Hang, scheme},
		"is a file":            {"file", (*conn).Hang, scheme},
	} {
		t.Run(name, func(t *testing.T) {
			transport := newTestTransport(t)
			transport.Proxy = http.ProxyURL(&url.URL{Scheme: tt.scheme, Host: newPeer(t, tt.serve).Addr, User: url.UserPassword("user", secret)})
			l := newList(t, "list.example", "https://list.example/:id")
			limit := time.Minute
			if tt.want == timeout() {
				limit = 300 * time.Millisecond
			}
			tt.check(t, "posts", run1(t, New(transport, quiet, noPause), post(t, l, bot), limit))
		})
	}
	t.Run("nothing listens", func(t *testing.T) {
		transport := newTestTransport(t)
		transport.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: "127.0.0.1:1"})
		away.check(t, "posts", run1(t, New(transport, quiet), post(t, newList(t, "list.example", "https://list.example/:id"), bot), time.Minute))
	})
	t.Run("bad address", func(t *testing.T) {
		transport := newTestTransport(t)
		transport.Proxy = func(*http.Request) (*url.URL, error) { return nil, errors.New("bad: http://user:" + secret + "@") }
		w := failed(lists.FaultOther, "Request cannot be made: the proxy's address is bad")
		w.check(t, "posts", run1(t, New(transport, quiet), post(t, newList(t, "list.example", "https://list.example/:id"), bot), time.Minute))
	})
}

// TestLeavesAProxy has a caller leave while a proxy makes a tunnel.
func TestLeavesAProxy(t *testing.T) {
	transport := newTestTransport(t)
	ctx, leave := context.WithCancel(t.Context())
	gone := make(chan struct{})
	p := newPeer(t, func(c *conn) { c.Request(); leave(); c.Hang(); close(gone) })
	transport.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: p.Addr})
	if _, _, err := ask(ctx, transport, http.MethodGet, "https://list.example/", ""); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	testkit.Receive(t, "the connection's end", gone)
}

// TestProxyFromEnvironment runs itself with proxies in the environment, of which
// net/http takes notice once.
func TestProxyFromEnvironment(t *testing.T) {
	if os.Getenv("TEST_OF_PROXIES") != "" {
		transport := NewTransport()
		defer transport.CloseIdleConnections()
		_, text, err := ask(t.Context(), transport, http.MethodGet, "http://list.example/", "")
		_, _, direct := ask(t.Context(), transport, http.MethodGet, "http://direct.invalid/", "")
		var lookup *net.DNSError
		fmt.Println("got", text, err, errors.As(direct, &lookup))
		return
	}
	p := httptest.NewServer(&tunnels{})
	defer p.Close()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestProxyFromEnvironment$")
	cmd.Env = append(os.Environ(), "TEST_OF_PROXIES=1", "HTTP_PROXY="+p.URL, "NO_PROXY=direct.invalid")
	out, err := cmd.CombinedOutput()
	if want := "got by proxy <nil> true"; err != nil || !strings.Contains(string(out), want) {
		t.Errorf("got %v %s, want %q", err, out, want)
	}
}

// TestTLSThroughATunnel has a server at the end of a tunnel speak unasked: the tunnel
// is not used again.
func TestTLSThroughATunnel(t *testing.T) {
	certificate := httptest.NewUnstartedServer(nil)
	certificate.StartTLS()
	defer certificate.Close()
	spoken := make(chan struct{})
	server := newPeer(t, func(c *conn) {
		over := tls.Server(c.Conn, certificate.TLS)
		inner := conn{Conn: over, In: bufio.NewReader(over), Peer: c.Peer}
		if inner.Request() {
			inner.Say(sized("right"))
			c.Say("\x17\x03\x03") // within whole records of the proxy's
			spoken <- struct{}{}
			_, _ = io.Copy(io.Discard, c.Conn)
		}
	})
	through := newPeer(t, func(c *conn) {
		over := tls.Server(c.Conn, certificate.TLS)
		if _, err := http.ReadRequest(bufio.NewReader(over)); err != nil {
			return
		}
		_, _ = io.WriteString(over, ok+"\r\n")
		next, err := net.Dial("tcp", server.Addr)
		if err == nil {
			relay(over, next)
		}
	})
	transport := newTestTransport(t)
	trust(transport, certificate)
	transport.Proxy = http.ProxyURL(&url.URL{Scheme: "https", Host: through.Addr})
	for range 2 {
		if _, text, err := ask(t.Context(), transport, http.MethodPost, "https://example.com/", "{}"); text != "right" {
			t.Errorf("got %q %v, want right", text, err)
		}
		<-spoken
		for _, some := range transport.pool.idle { // what was said is on its way through the proxy
			testkit.Wait(t, "it to come", func() bool { return len(some) == 0 || !some[0].atRest() })
		}
	}
	if n := server.Conns.Load(); n != 2 {
		t.Errorf("got %d connections, want 2", n)
	}
}

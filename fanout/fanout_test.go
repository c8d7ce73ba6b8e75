package fanout

import (
	"bytes"
	"compress/flate"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"aggregator/internal/testkit"
	"aggregator/lists"
)

func TestRunKeepsTheOrder(t *testing.T) {
	noLeak(t)
	c := New(trip(func(r *http.Request) (*http.Response, error) {
		time.Sleep(rand.N(5 * time.Millisecond))
		return &http.Response{StatusCode: http.StatusOK, ContentLength: -1, Header: http.Header{"X": {"y"}}, Body: io.NopCloser(strings.NewReader(r.URL.Host))}, nil
	}), quiet)
	var calls []lists.Call
	for i := range 50 {
		id := fmt.Sprintf("list%d.example", i)
		calls = append(calls, post(t, newList(t, id, "https://"+id+"/:id"), bot))
	}
	for i, a := range c.Run(t.Context(), within(time.Minute), here, calls) {
		if string(a.Body) != calls[i].List.ID || a.Took <= 0 || a.Header["X"][0] != "y" {
			t.Errorf("%d: %+v", i, a)
		}
	}
	if got := c.Run(t.Context(), within(time.Minute), here, nil); len(got) != 0 {
		t.Error(got)
	}
	if n := c.InFlight(); n != 0 {
		t.Errorf("%d calls are under way, want none", n)
	}
}

// A panic is an answer, and the log holds no token.
func TestPanics(t *testing.T) {
	noLeak(t)
	var text bytes.Buffer
	l := newList(t, "list.example", "https://list.example/:id")
	for name, tr := range map[string]trip{
		"panic":   func(r *http.Request) (*http.Response, error) { panic("oh, " + r.Header.Get("Authorization")) },
		"nothing": func(*http.Request) (*http.Response, error) { return nil, nil },
		"body":    body(func() io.Reader { panic("oh") }),
	} {
		text.Reset()
		c := New(tr, slog.New(slog.NewTextHandler(&text, nil)))
		a := c.Run(t.Context(), within(time.Minute), here, []lists.Call{post(t, l, bot), {}})
		for _, a := range a {
			if a.Status != lists.NoAnswer || a.Fault != lists.FaultPanic || a.Reason != "Internal error" {
				t.Errorf("%s: %+v", name, a)
			}
		}
		if s := text.String(); strings.Contains(s, secret) || !strings.Contains(s, "list=list.example") || strings.Count(s, "a call panicked") != 2 {
			t.Errorf("%s: the log is %s", name, s)
		}
		if n, held := c.InFlight(), c.guards.of(l).slots.Usage().Held; n != 0 || held != 0 {
			t.Errorf("%s: %d calls are under way, and %d to the list; want none", name, n, held)
		}
	}
}

func TestCanceledCaller(t *testing.T) {
	p := newPeer(t, func(c *conn) { c.Request(); c.Hang() })
	c := newClient(t)
	l := newList(t, "bad.example", urlOf(p))
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		testkit.Eventually(t, func() error {
			if p.Requests.Load() < 2 {
				return errors.New("the list was not asked")
			}
			return nil
		})
		cancel()
	}()
	start := time.Now()
	for _, a := range c.Run(ctx, within(time.Minute), here, []lists.Call{read(t, l, bot), post(t, l, bot)}) {
		failed(lists.FaultCanceled, "Canceled: the caller hung up").check(t, "", a)
	}
	for _, a := range c.Run(ctx, within(time.Minute), here, []lists.Call{read(t, l, bot), post(t, l, bot)}) {
		failed(lists.FaultCanceled, "Canceled: the caller hung up").check(t, "late", a)
	}
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("took %s", took)
	}
}

// Redirects of a reading that lead somewhere.
func TestRedirects(t *testing.T) {
	noLeak(t)
	type request struct{ target, authorization, referer string }
	var seen []request
	mux := http.NewServeMux()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, request{r.RequestURI, r.Header.Get("Authorization"), r.Header.Get("Referer")})
		mux.ServeHTTP(w, r)
	}))
	defer s.Close()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "elsewhere") }))
	defer elsewhere.Close()
	host := strings.TrimPrefix(s.URL, "http://")
	locations := map[string]string{
		"relative": "../end", "rooted": "/end", "whole": s.URL + "/end", "shouted": "HTTP://" + strings.ToUpper(host) + "/end",
		"same-scheme": "//" + host + "/end", "with-user": "http://user:pass@" + host + "/end", "query": "/end?a=b#c",
		"5": "/go/4", "4": "/go/3", "3": "/go/2", "2": "/go/1", "1": "/end", "6": "/go/5", "elsewhere": elsewhere.URL,
	}
	mux.HandleFunc("/go/{where}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", locations[r.PathValue("where")])
		w.WriteHeader([]int{301, 302, 303, 307, 308}[len(seen)%5])
		_, _ = io.WriteString(w, strings.Repeat("x", len(seen)*400))
	})
	mux.HandleFunc("/end", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "end") })
	transport := NewTransport()
	defer transport.CloseIdleConnections()
	c := New(transport, quiet)
	for where := range locations {
		for name, entry := range map[string]func(*lists.Entry){"free": func(*lists.Entry) {}, "keyed": keyed, "limited": limited} {
			seen = nil
			a := run1(t, c, read(t, newList(t, "list.example", s.URL+"/go/"+where+"?id=:id", entry), bot), time.Minute)
			want, fault := "end", lists.FaultNone
			switch {
			case where == "6", where == "elsewhere" && name == "keyed":
				want, fault = "", lists.FaultRedirect
			case where == "elsewhere":
				want = "elsewhere"
			}
			if string(a.Body) != want || a.Fault != fault {
				t.Errorf("%s, %s: %d %q %s", where, name, a.Status, a.Body, a.Reason)
			}
			for _, r := range seen {
				if (r.authorization == secret) != (name == "keyed") || r.referer != "" {
					t.Errorf("%s, %s: %+v", where, name, r)
				}
			}
			if len(seen) > maxRedirects+1 {
				t.Errorf("%s, %s: %d requests", where, name, len(seen))
			}
		}
	}
}

func TestOrigin(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		same bool
	}{
		{"https://a.test/x", "https://A.TEST/y?z", true},
		{"https://a.test", "https://a.test:443", true},
		{"http://a.test:80", "http://a.test", true},
		{"http://[::1]:80", "http://[::1]", true},
		{"https://a.test", "http://a.test", false},
		{"https://a.test:80", "http://a.test:80", false},
		{"https://a.test", "https://a.test:8443", false},
		{"https://a.test", "https://a.test.evil.test", false},
		{"https://a.test", "https://a.test@evil.test", false},
		{"http://a.test:443", "http://a.test", false},
	} {
		a, _ := http.NewRequest(http.MethodGet, tt.a, nil)
		b, _ := http.NewRequest(http.MethodGet, tt.b, nil)
		if got := origin(a.URL) == origin(b.URL); got != tt.same {
			t.Errorf("%s, %s: %t", tt.a, tt.b, got)
		}
	}
}

// What an error is called, for those that no server on loopback can provoke.
func TestExplain(t *testing.T) {
	dial := func(err error) error { return &net.OpError{Op: "dial", Err: err} }
	for _, tt := range []struct {
		err    error
		fault  lists.Fault
		reason string
	}{
		{&net.DNSError{IsNotFound: true, Name: secret}, lists.FaultDNS, "No such host"},
		{dial(&net.DNSError{IsNotFound: true}), lists.FaultDNS, "No such host"},
		{&net.DNSError{IsTimeout: true}, lists.FaultDNS, "Host name could not be looked up"},
		{dial(syscall.ECONNREFUSED), lists.FaultRefused, "Connection refused"},
		{dial(syscall.EHOSTUNREACH), lists.FaultRefused, "Host unreachable"},
		{dial(syscall.ENETUNREACH), lists.FaultRefused, "Host unreachable"},
		{dial(syscall.EMFILE), lists.FaultBusy, "Too many calls under way"},
		{dial(syscall.EADDRNOTAVAIL), lists.FaultBusy, "Too many calls under way"},
		{dial(syscall.ECONNRESET), lists.FaultReset, "Connection reset"},
		{dial(syscall.ETIMEDOUT), lists.FaultRefused, "Timeout while connecting"},
		{dial(errors.New("odd")), lists.FaultRefused, "No connection"},
		{&net.OpError{Op: "proxyconnect", Err: syscall.ECONNREFUSED}, lists.FaultRefused, "The proxy cannot be reached"},
		{errProxy, lists.FaultRefused, "The proxy refused the connection"},
		{&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}, lists.FaultTLS, "TLS failed: the certificate is not trusted"},
		{&tls.CertificateVerificationError{Err: x509.HostnameError{Certificate: &x509.Certificate{}}}, lists.FaultTLS, "TLS failed: the certificate is for another host"},
		{&tls.CertificateVerificationError{Err: x509.CertificateInvalidError{Reason: x509.Expired}}, lists.FaultTLS, "TLS failed: the certificate has expired or is not yet valid"},
		{&tls.CertificateVerificationError{Err: x509.CertificateInvalidError{Reason: x509.NotAuthorizedToSign}}, lists.FaultTLS, "TLS failed: the certificate is not valid"},
		{x509.CertificateInvalidError{Reason: x509.TooManyIntermediates}, lists.FaultTLS, "TLS failed: the certificate is not valid"},
		{tls.RecordHeaderError{}, lists.FaultTLS, "TLS failed: the answer is not TLS"},
		{tls.AlertError(40), lists.FaultReset, "TLS failed: the handshake was refused"},
		{errors.New("remote error: tls: bad certificate"), lists.FaultReset, "TLS failed: the handshake was refused"},
		{lateError{error: errors.New("local error: tls: bad record MAC")}, lists.FaultReset, "TLS failed: the handshake was refused"},
		{lateError{error: flate.CorruptInputError(1)}, lists.FaultProtocol, "Answer says gzip and is not"},
		{lateError{error: errors.New("odd")}, lists.FaultProtocol, "Answer breaks off: not HTTP"},
		{lateError{dial(syscall.ECONNREFUSED), true}, lists.FaultRedirect, "After a redirect: Connection refused"},
		{errHandshakeTimeout, lists.FaultTLS, "TLS failed: timeout"},
		{proxyAway(x509.UnknownAuthorityError{}), lists.FaultRefused, "The proxy cannot be reached"},
		{errBadProxy, lists.FaultOther, "Request cannot be made: the proxy's address is bad"},
		{errProxyScheme, lists.FaultOther, "Request cannot be made: the proxy is neither HTTP nor SOCKS5"},
		{errBadHeader, lists.FaultOther, "Request cannot be made: bad header"},
		{errBody, lists.FaultOther, "Request cannot be made: bad body"},
		{errBadURL, lists.FaultOther, "Request cannot be made: bad URL"},
		{errors.New("anything " + secret), lists.FaultProtocol, "Answer is not HTTP"},
	} {
		a := run1(t, New(fails(tt.err), quiet, noPause), post(t, newList(t, "list.example", "https://list.example/:id"), bot), time.Minute)
		if a.Status != lists.NoAnswer || a.Fault != tt.fault || a.Reason != tt.reason {
			t.Errorf("%v: %q %q", tt.err, a.Fault, a.Reason)
		}
	}
}

// An HTTP proxy that refuses is no list that answers.
func TestProxyRefuses(t *testing.T) {
	noLeak(t)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	defer proxy.Close()
	transport := NewTransport()
	defer transport.CloseIdleConnections()
	at, _ := http.NewRequest(http.MethodGet, proxy.URL, nil)
	transport.Proxy = http.ProxyURL(at.URL)
	l := newList(t, "list.example", "https://list.example/:id")
	failed(lists.FaultRefused, "The proxy refused the connection").check(t, "posts", run1(t, New(transport, quiet), post(t, l, bot), time.Minute))
}

// hanging is a transport whose calls to hang.example wait for end.
func hanging(end <-chan struct{}) trip {
	return func(r *http.Request) (*http.Response, error) {
		if r.URL.Host == "hang.example" {
			select {
			case <-end:
			case <-r.Context().Done():
				return nil, r.Context().Err()
			}
		}
		return status(200)
	}
}

func BenchmarkRun(b *testing.B) {
	const answer = `{"ok":true}`
	c := New(trip(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusOK, ContentLength: int64(len(answer)), Header: http.Header{}, Body: io.NopCloser(strings.NewReader(answer))}, nil
	}), quiet)
	for op, plan := range map[string]func(testing.TB, *lists.List, string) lists.Call{"posts": post, "readings": read} {
		b.Run(op, func(b *testing.B) {
			var calls []lists.Call
			for i := range 23 {
				id := fmt.Sprintf("list%d.example", i)
				calls = append(calls, plan(b, newList(b, id, "https://"+id+"/bots/:id"), bot))
			}
			b.ReportAllocs()
			for b.Loop() {
				c.Run(b.Context(), within(10*time.Second), here, calls)
			}
		})
	}
}

package fanout

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"aggregator/internal/testkit"
)

// recorded is what a transport writes for a request, byte for byte.
func recorded(t *testing.T, send func(dial func(context.Context, string, string) (net.Conn, error)) http.RoundTripper, req *http.Request) string {
	t.Helper()
	wire := make(chan string, 1)
	p := newPeer(t, func(c *conn) {
		var b strings.Builder
		c.In.Reset(io.TeeReader(c.Conn, &b))
		if c.Request() {
			wire <- b.String()
			c.Say(ok, "Connection: close\r\nContent-Length: 0\r\n\r\n")
		}
	})
	transport := send(func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, p.Addr)
	})
	resp, err := transport.RoundTrip(req.WithContext(t.Context()))
	if err != nil {
		t.Fatalf("%s %s: %v", req.Method, req.URL, err)
	}
	_ = resp.Body.Close()
	return testkit.Receive(t, "the request", wire)
}

// TestRequestsOnTheWire checks that requests are, byte for byte, what net/http
// makes of them.
func TestRequestsOnTheWire(t *testing.T) {
	noLeak(t)
	request := func(method, url, body string, header http.Header, change ...func(*http.Request)) func() *http.Request {
		return func() *http.Request {
			var from io.Reader
			if body != "" {
				from = strings.NewReader(body)
			}
			req, err := http.NewRequest(method, url, from)
			if err != nil {
				t.Fatal(err)
			}
			req.Header = header.Clone()
			if req.Header == nil {
				req.Header = http.Header{}
			}
			for _, c := range change {
				c(req)
			}
			return req
		}
	}
	some := http.Header{"Authorization": {"Bearer x"}, "Accept-Encoding": {"gzip"}, "Content-Type": {"application/json"}, "X-B": {" b ", "a"}, "X-A": {""}}
	proxy := func(text string) func(*http.Request) (*url.URL, error) {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return http.ProxyURL(u)
	}
	for name, tt := range map[string]struct {
		request func() *http.Request
		proxy   func(*http.Request) (*url.URL, error)
	}{
		"a reading":               {request: request("GET", "http://list.example/bots/1?a=b%20c&d=é#part", "", some)},
		"no path":                 {request: request("GET", "http://list.example", "", nil)},
		"a port":                  {request: request("GET", "http://list.example:8080/", "", nil)},
		"escapes":                 {request: request("GET", "http://list.example/a%2Fb/%C3%A9/é?", "", nil)},
		"an agent":                {request: request("GET", "http://list.example/", "", http.Header{"User-Agent": {" test/1 "}})},
		"no agent":                {request: request("GET", "http://list.example/", "", http.Header{"User-Agent": {""}})},
		"nil agent":               {request: request("GET", "http://list.example/", "", http.Header{"User-Agent": nil})},
		"a post":                  {request: request("POST", "http://list.example/", `{"a":1}`, some)},
		"a put":                   {request: request("PUT", "http://list.example/", `{"a":1}`, some)},
		"a post of nothing":       {request: request("POST", "http://list.example/", "", some)},
		"a patch of nothing":      {request: request("PATCH", "http://list.example/", "", some)},
		"a delete of nothing":     {request: request("DELETE", "http://list.example/", "", some)},
		"a get with a body":       {request: request("GET", "http://list.example/", "body", nil)},
		"a method of its own":     {request: request("PURGE", "http://list.example/", "", nil)},
		"just at once":            {request: request("POST", "http://list.example/", strings.Repeat("x", maxAtOnce), some)},
		"just not at once":        {request: request("POST", "http://list.example/", strings.Repeat("x", maxAtOnce+1), some)},
		"userinfo":                {request: request("GET", "http://user:pass@list.example/", "", nil)},
		"another host":            {request: request("GET", "http://list.example/", "", nil, func(r *http.Request) { r.Host = "other.example:80" })},
		"a host of another field": {request: request("GET", "http://list.example/", "", http.Header{"Host": {"bad.example"}, "Content-Length": {"7"}, "Transfer-Encoding": {"chunked"}, "Trailer": {"X"}})},
		"an IDN":                  {request: request("GET", "http://bücher.example:80/", "", nil)},
		"an IPv6 zone":            {request: request("GET", "http://[fe80::1%25lo]:80/", "", nil)},
		"IPv6":                    {request: request("GET", "http://[::1]/", "", nil)},
		"to be closed":            {request: request("POST", "http://list.example/", "x", some, func(r *http.Request) { r.Close = true })},
		"opaque":                  {request: request("GET", "http://list.example/", "", nil, func(r *http.Request) { r.URL.Opaque = "//list.example/%2F?x" })},
		"by proxy":                {request: request("POST", "http://list.example/x?y", "x", some), proxy: proxy("http://proxy.example")},
		"by proxy, opaque":        {request: request("GET", "http://list.example/", "", nil, func(r *http.Request) { r.URL.Opaque = "//list.example/%2F?x" }), proxy: proxy("http://proxy.example")},
		"by proxy with a user":    {request: request("GET", "http://list.example/", "", some), proxy: proxy("http://user:pa%3Ass@proxy.example")},
		"by proxy, without a password": {request: request("GET", "http://list.example/", "", some),
			proxy: proxy("http://user@proxy.example")},
	} {
		want := recorded(t, func(dial func(context.Context, string, string) (net.Conn, error)) http.RoundTripper {
			return &http.Transport{DialContext: dial, Proxy: tt.proxy, DisableCompression: true}
		}, tt.request())
		got := recorded(t, func(dial func(context.Context, string, string) (net.Conn, error)) http.RoundTripper {
			transport := NewTransport()
			transport.DialContext, transport.Proxy = dial, tt.proxy
			return transport
		}, tt.request())
		if got != want {
			t.Errorf("%s: got\n%q, want\n%q", name, got, want)
		}
	}
}

// TestRequestsNotMade has requests that must not reach the wire.
func TestRequestsNotMade(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*http.Request)
		want   error
	}{
		"a line break in a value":  {func(r *http.Request) { r.Header.Set("X", "a\r\nY: b") }, errBadHeader},
		"a line feed in a value":   {func(r *http.Request) { r.Header.Set("X", "a\nb") }, errBadHeader},
		"a return in a value":      {func(r *http.Request) { r.Header.Set("X", "a\rb") }, errBadHeader},
		"a NUL in a value":         {func(r *http.Request) { r.Header.Set("X", "a\x00b") }, errBadHeader},
		"a break in a later value": {func(r *http.Request) { r.Header["X"] = []string{"a", "b\n"} }, errBadHeader},
		"a break in the agent":     {func(r *http.Request) { r.Header.Set("User-Agent", "a\nb") }, errBadHeader},
		"a break in a name":        {func(r *http.Request) { r.Header["X\r\nY"] = []string{"a"} }, errBadHeader},
		"a space in a name":        {func(r *http.Request) { r.Header["X Y"] = []string{"a"} }, errBadHeader},
		"a colon in a name":        {func(r *http.Request) { r.Header["X:"] = []string{"a"} }, errBadHeader},
		"no name":                  {func(r *http.Request) { r.Header[""] = []string{"a"} }, errBadHeader},
		"a break in the method":    {func(r *http.Request) { r.Method = "GET / HTTP/1.1\r\nX: " }, errBadHeader},
		"a break in the host":      {func(r *http.Request) { r.Host = "a\r\nX: b" }, errBadURL},
		"a break in the URL's":     {func(r *http.Request) { r.URL.Host = "a\r\nX: b" }, errBadURL},
		"a space in the host":      {func(r *http.Request) { r.Host = "a b" }, errBadURL},
		"a break in the query":     {func(r *http.Request) { r.URL.RawQuery = "a\r\nX: b" }, errBadURL},
		"a break in the opaque":    {func(r *http.Request) { r.URL.Opaque = "//a/\r\nX: b" }, errBadURL},
		"no URL":                   {func(r *http.Request) { r.URL = nil }, errBadURL},
		"no host":                  {func(r *http.Request) { r.URL.Host = "" }, errBadURL},
		"a port alone":             {func(r *http.Request) { r.URL.Host = ":80" }, errBadURL},
		"another scheme":           {func(r *http.Request) { r.URL.Scheme = "ftp" }, errBadURL},
		"an unknown length":        {func(r *http.Request) { r.ContentLength = -1 }, errBody},
		"a body without a length":  {func(r *http.Request) { r.ContentLength = 0 }, errBody},
		"a length without a body":  {func(r *http.Request) { r.Body = nil }, errBody},
	} {
		req, err := http.NewRequest(http.MethodPost, "http://list.example/", strings.NewReader("body"))
		if err != nil {
			t.Fatal(err)
		}
		body := &closing{Reader: req.Body}
		req.Body = body
		tt.change(req)
		transport := NewTransport()
		transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
			t.Errorf("%s: dialled", name)
			return nil, io.EOF
		}
		if err := roundTripError(transport, req); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", name, err, tt.want)
		}
		if req.Body != nil && !body.closed.Load() {
			t.Errorf("%s: the body is not closed", name)
		}
	}
}

// A break that a path could hold is escaped.
func TestPathsAreEscaped(t *testing.T) {
	req := &http.Request{Method: http.MethodGet, URL: &url.URL{Scheme: "http", Host: "list.example", Path: "/a\r\nX: b", RawPath: "/a\r\nX: b"}}
	if err := checkRequest(req); err != nil {
		t.Fatal(err)
	}
	if got, want := string(route{}.appendHeader(nil, req)), "GET /a%0D%0AX:%20b HTTP/1.1\r\n"; !strings.HasPrefix(got, want) {
		t.Errorf("got %q, want %q first", got, want)
	}
}

// TestBodiesOfWrongLength has bodies that are not as long as the request says.
func TestBodiesOfWrongLength(t *testing.T) {
	noLeak(t)
	for _, size := range []int{3, maxAtOnce, maxAtOnce + 10, 1 << 20} {
		for name, from := range map[string]io.Reader{
			"too short": strings.NewReader(strings.Repeat("x", size-1)),
			"empty":     strings.NewReader(""),
			"broken":    io.MultiReader(strings.NewReader("xx"), failing{}),
		} {
			p := newPeer(t, answers(sized("{}")))
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+p.Addr+"/", from)
			if err != nil {
				t.Fatal(err)
			}
			body := &closing{Reader: from}
			req.Body, req.ContentLength = body, int64(size)
			transport := NewTransport()
			if err := roundTripError(transport, req); !errors.Is(err, errBody) {
				t.Errorf("%s of %d: got %v, want %v", name, size, err, errBody)
			}
			testkit.Wait(t, "the body to be closed", body.closed.Load)
			if n := p.Requests.Load(); n != 0 {
				t.Errorf("%s of %d: the server saw %d requests, want none", name, size, n)
			}
			transport.CloseIdleConnections()
		}
	}
}

// failing is a reader that fails.
type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("oh") }

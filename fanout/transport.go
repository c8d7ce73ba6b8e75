package fanout

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"aggregator/lists"
)

const (
	maxHeader    = 64 << 10 // of an answer
	maxRedirects = 5        // that a call follows
	maxLocation  = 4 << 10  // of a redirect that is followed
	maxDrain     = 2 << 10  // of a redirect's body, to use its connection again
)

var (
	errBadURL      = errors.New("bad URL")
	errBadLocation = errors.New("bad redirect")
	errRedirects   = errors.New("too many redirects")
	errOtherOrigin = errors.New("redirect to another origin")
	errOtherList   = errors.New("redirect to another list")
	errSwitched    = errors.New("switched protocols")
	errProxy       = errors.New("refused by the proxy")
)

// lateError is an error after the list had begun to answer.
type lateError struct {
	error
	redirected bool // the answer was a redirect, and following it failed
}

func (e lateError) Unwrap() error { return e.error }

// NewTransport returns the transport that all calls share. Proxy settings and
// the system's CA store apply as in every Go program.
func NewTransport(opts ...Option) *http.Transport {
	o := newOptions(opts)
	protocols := new(http.Protocols)
	// HTTP/1.1 alone: with one connection for each call a stalled connection
	// spoils one call, and it costs less CPU than HTTP/2 streams.
	protocols.SetHTTP1(true)
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		OnProxyConnectResponse: proxyAnswered,
		Protocols:              protocols,
		DialContext:            dialWatched((&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second, ControlContext: dialControl}).DialContext),
		TLSClientConfig:        &tls.Config{ClientSessionCache: tls.NewLRUClientSessionCache(1024)},
		TLSHandshakeTimeout:    5 * time.Second,
		MaxIdleConns:           o.maxInFlight / 2,
		MaxIdleConnsPerHost:    o.maxPerList, // Go's default of 2 makes a new connection for most calls
		// Many servers close a connection that was idle for 5 s. A post that
		// meets that is lost, and a list with limits must not get it twice.
		IdleConnTimeout:        4 * time.Second,
		MaxResponseHeaderBytes: maxHeader,
		WriteBufferSize:        2 << 10,
		ReadBufferSize:         2 << 10,
	}
}

func proxyAnswered(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode != http.StatusOK {
		return errProxy
	}
	return nil
}

// send makes one request of a call and reads its answer into a.
func (r *run) send(call *lists.Call, wire *lists.Request, a *lists.Answer) error {
	v, ctx := newVisit(r.ctx)
	req, err := newRequest(ctx, wire)
	if err != nil {
		return err
	}
	var resp *http.Response
	if req.Method == http.MethodGet && !call.MayRepeat() {
		req.Body = onceBody{}
	}
	op := call.Op()
	if op.FollowsRedirects {
		v.foreign = func(host string) bool { return r.isOfAnother(call.List.ID, host) }
		resp, err = r.follow(v, req, call.Keyed())
	} else {
		resp, err = v.roundTrip(r.transport, req)
	}
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	return r.receive(resp, op.MaxAnswer, a)
}

// gzipOnly is what we ask for and undo ourselves: net/http would undo it too,
// but it reads on for as long as a list sends it nothing, well compressed.
var gzipOnly = []string{"gzip"}

func newRequest(ctx context.Context, r *lists.Request) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, r.Method, r.URL, nil)
	if err != nil {
		return nil, errBadURL // the error would hold the URL, and a token in it
	}
	req.Header = make(http.Header, len(r.Header)+1)
	req.Header["Accept-Encoding"] = gzipOnly
	values := make([]string, len(r.Header))
	for i, h := range r.Header {
		values[i] = h.Value
		req.Header[http.CanonicalHeaderKey(h.Name)] = values[i : i+1 : i+1]
	}
	if body := r.Body; len(body) > 0 {
		req.ContentLength = int64(len(body))
		// net/http sends it again where it wrote nothing of it. It knows this
		// kind of reader, and writes header and body at once.
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
		req.Body, _ = req.GetBody()
	}
	return req, nil
}

// onceBody is an empty body that keeps net/http from repeating a GET of its own
// accord when the connection turns out to be stale: a list with limits counts
// both. It repeats no request whose body it cannot get again.
type onceBody struct{}

func (onceBody) Read([]byte) (int, error) { return 0, io.EOF }
func (onceBody) Close() error             { return nil }

// follow sends a request and follows its redirects: a request that carries a
// key only to its own origin, any other anywhere.
func (c *Client) follow(v *visit, req *http.Request, keyed bool) (*http.Response, error) {
	for n := 0; ; n++ {
		resp, err := v.roundTrip(c.transport, req)
		if err != nil && n > 0 {
			err = lateError{err, true}
		}
		if err != nil {
			return nil, err
		}
		location := resp.Header.Get("Location")
		if location == "" || !isRedirect(resp.StatusCode) {
			return resp, nil
		}
		_, _ = io.CopyN(io.Discard, resp.Body, maxDrain)
		_ = resp.Body.Close()
		if n == maxRedirects {
			return nil, errRedirects
		}
		if req, err = v.redirected(req, location, keyed); err != nil {
			return nil, err
		}
	}
}

// redirected returns the request that follows a redirect. The error says why it
// must not be made.
func (v *visit) redirected(req *http.Request, location string, keyed bool) (*http.Request, error) {
	next, err := target(req.URL, location)
	switch {
	case err != nil:
		return nil, err
	case keyed && origin(next) != origin(req.URL):
		return nil, errOtherOrigin
	case v.foreign != nil && next.Host != req.URL.Host && v.foreign(strings.ToLower(next.Host)):
		return nil, errOtherList
	}
	ctx := req.Context()
	if v.public = false; !isPrivateHost(req.URL) {
		proxied := isProxied(next) // a proxy is dialled wherever it is
		if isPrivateHost(next) || proxied && mayBePrivate(next) {
			return nil, errPrivate
		}
		if v.public = !proxied; v.public {
			ctx = onlyPublic(ctx)
		}
	}
	req = req.WithContext(ctx)
	req.URL, req.Host = next, next.Host
	return req, nil
}

func isRedirect(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// target returns the URL that a Location leads to. The error is errBadLocation
// where that is not one of the web.
func target(from *url.URL, location string) (*url.URL, error) {
	if len(location) > maxLocation {
		return nil, errBadLocation
	}
	to, err := from.Parse(location)
	if err != nil || to.Scheme != "http" && to.Scheme != "https" || to.Hostname() == "" {
		return nil, errBadLocation
	}
	return to, nil
}

// origin returns the scheme, host and port of a URL in one spelling.
func origin(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = u.Scheme
	}
	if port == "80" && u.Scheme == "http" || port == "443" && u.Scheme == "https" {
		port = u.Scheme
	}
	return u.Scheme + "://" + strings.ToLower(u.Hostname()) + ":" + port
}

package fanout

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

// Transport is an http.RoundTripper for many short calls to many servers. Unlike
// http.Transport it has no goroutines of its own: a call writes its request and
// reads its answer itself, and one goroutine more is needed only while a large
// request is written. It speaks HTTP/1.1, of which it keeps connections alive,
// and never repeats a request of which the server may have seen a byte. It is
// safe for concurrent use. Its fields must not change once it is in use.
//
// A response's Body must be read and closed by one goroutine.
type Transport struct {
	// Proxy returns the proxy for a request, and nil where there is none. Its scheme is
	// http, https, socks5 or socks5h.
	Proxy func(*http.Request) (*url.URL, error)
	// DialContext makes connections. Those that are no syscall.Conn are used once.
	DialContext func(ctx context.Context, network, addr string) (net.Conn, error)
	// TLSClientConfig is cloned for each connection.
	TLSClientConfig *tls.Config

	pool pool
}

// NewTransport returns the transport that all calls share. Proxy settings and
// the system's CA store apply as in every Go program.
func NewTransport(opts ...Option) *Transport {
	o := newOptions(opts)
	return &Transport{
		Proxy:           http.ProxyFromEnvironment,
		DialContext:     (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second, ControlContext: dialControl}).DialContext,
		TLSClientConfig: &tls.Config{ClientSessionCache: tls.NewLRUClientSessionCache(1024)},
		pool:            pool{maxIdle: o.maxInFlight / 2, maxIdlePerKey: o.maxPerList, timeout: idleTimeout},
	}
}

// RoundTrip implements http.RoundTripper. The context bounds all of it, and the
// reading of the response's Body. A request that finds a connection broken
// before the first byte of it was written is sent on a new one.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	way, err := t.routeOf(req)
	if err == nil {
		err = checkRequest(req)
	}
	if err == nil {
		err = req.Context().Err()
	}
	if err != nil {
		closeBody(req.Body)
		return nil, err
	}
	body := req.Body
	var c *persistConn
	if !req.Close { // else it wants a connection of its own
		c = t.pool.take(way.key)
	}
	if c != nil {
		resp, err := c.roundTrip(req, body)
		if err == nil || c.sock.written > 0 || req.Context().Err() != nil {
			return resp, err
		}
		if body, err = rewound(req, err); err != nil {
			return nil, err
		}
	}
	c, err = t.dial(req.Context(), way)
	if err != nil {
		closeBody(body)
		return nil, err
	}
	return c.roundTrip(req, body)
}

// CloseIdleConnections closes the connections that no request uses.
func (t *Transport) CloseIdleConnections() { t.pool.closeAll() }

// rewound returns the body of a request anew, after an attempt that failed with an
// error. It returns that error where it cannot.
func rewound(req *http.Request, err error) (io.ReadCloser, error) {
	switch {
	case req.Body == nil || req.Body == http.NoBody:
		return req.Body, nil
	case req.GetBody == nil:
		return nil, err
	}
	return req.GetBody()
}

func closeBody(body io.Closer) {
	if body != nil {
		_ = body.Close()
	}
}

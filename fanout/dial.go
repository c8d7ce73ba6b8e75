package fanout

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/net/idna"
)

// handshakeTimeout bounds TLS handshakes.
const handshakeTimeout = 5 * time.Second

var errHandshakeTimeout = errors.New("TLS handshake timeout")

// route is how a request gets to its server.
type route struct {
	key      poolKey
	target   *url.URL // of the server
	proxy    *url.URL // nil: none
	absolute bool     // the proxy takes the request itself, with a whole URL
}

// routeOf returns the route of a request. The error is errProxyScheme, errBadProxy
// or errBadURL.
func (t *Transport) routeOf(req *http.Request) (route, error) {
	u := req.URL
	if u == nil {
		return route{}, errBadURL
	}
	r := route{target: u, key: poolKey{scheme: u.Scheme, host: u.Host}}
	if t.Proxy == nil {
		return r, nil
	}
	proxy, err := t.Proxy(req)
	if err != nil {
		return r, errBadProxy // the error could hold a password
	}
	if proxy == nil {
		return r, nil
	}
	r.proxy, r.key.proxy = proxy, proxy.String()
	switch proxy.Scheme {
	case "http", "https":
		if r.absolute = u.Scheme == "http"; r.absolute {
			r.key.host = "" // it leads to any
		}
	case "socks5", "socks5h":
	default:
		return r, errProxyScheme
	}
	return r, nil
}

// dial makes a connection for a route: to the server, or to the proxy and through
// it, and TLS.
func (t *Transport) dial(ctx context.Context, r route) (*persistConn, error) {
	first := r.target
	if r.proxy != nil {
		first = r.proxy
	}
	conn, err := t.DialContext(ctx, "tcp", hostPort(first))
	if err == nil {
		c := newPersistConn(conn, r, &t.pool)
		if err = t.setUp(ctx, c); err == nil {
			return c, nil
		}
		_ = c.Close()
	} else if r.proxy != nil {
		err = proxyAway(err)
	}
	return nil, orEnded(ctx, err)
}

// setUp does what a new connection needs before requests go over it.
func (t *Transport) setUp(ctx context.Context, c *persistConn) error {
	if c.route.proxy != nil {
		if err := t.passProxy(ctx, c); err != nil {
			return err
		}
	}
	if c.route.target.Scheme == "https" {
		return t.startTLS(ctx, c, c.route.target)
	}
	return nil
}

// startTLS puts TLS with the server of a URL over what the connection is.
func (t *Transport) startTLS(ctx context.Context, c *persistConn, u *url.URL) error {
	config := &tls.Config{}
	if t.TLSClientConfig != nil {
		config = t.TLSClientConfig.Clone()
	}
	if config.ServerName == "" {
		config.ServerName = asciiHost(u)
	}
	config.NextProtos = []string{"http/1.1"}
	records := &recordReader{Conn: c.Conn}
	secure := tls.Client(records, config)
	c.Conn, c.records = secure, append(c.records, records)
	limited, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	err := secure.HandshakeContext(limited)
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		return errHandshakeTimeout
	}
	return err
}

// hostPort returns the address of the server of a URL.
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		switch u.Scheme {
		case "http":
			port = "80"
		case "https":
			port = "443"
		default:
			port = "1080" // SOCKS
		}
	}
	return net.JoinHostPort(asciiHost(u), port)
}

// asciiHost returns the host of a URL, in ASCII where it can be.
func asciiHost(u *url.URL) string {
	host := u.Hostname()
	for i := range len(host) {
		if host[i] >= 0x80 {
			if ascii, err := idna.Lookup.ToASCII(host); err == nil {
				return ascii
			}
			break
		}
	}
	return host
}

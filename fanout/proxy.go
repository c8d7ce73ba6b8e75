package fanout

import (
	"context"
	"errors"
	"net"
	"net/http"

	"golang.org/x/net/proxy"
)

var (
	errProxy       = errors.New("refused by the proxy")
	errBadProxy    = errors.New("bad address of a proxy")
	errProxyScheme = errors.New("proxy that is neither HTTP nor SOCKS5")
)

// proxyAway returns the error of a proxy that cannot be reached.
func proxyAway(err error) error {
	return &net.OpError{Op: "proxyconnect", Net: "tcp", Err: err}
}

// passProxy makes a new connection to a proxy one to the server behind it, unless
// the proxy takes requests itself.
func (t *Transport) passProxy(ctx context.Context, c *persistConn) error {
	if c.route.proxy.Scheme == "https" {
		if err := t.startTLS(ctx, c, c.route.proxy); err != nil {
			return proxyAway(err)
		}
	}
	if c.route.absolute {
		return nil
	}
	lead := c.socks
	if c.route.proxy.Scheme == "http" || c.route.proxy.Scheme == "https" {
		lead = c.connect
	}
	c.watch(ctx)
	err := lead(hostPort(c.route.target))
	if !c.unwatch() {
		return ctx.Err()
	}
	if err != nil {
		return errProxy // whatever it was, the server has not seen the request
	}
	return nil
}

// connect asks an HTTP proxy for a tunnel to a server, as net/http does.
func (c *persistConn) connect(to string) error {
	b := append([]byte("CONNECT "+to+" HTTP/1.1\r\n"), "Host: "+to+"\r\nUser-Agent: "+defaultUserAgent+"\r\n"...)
	if user := c.route.proxy.User; user != nil {
		b = appendField(b, "Proxy-Authorization", basicAuth(user))
	}
	if _, err := c.Conn.Write(append(b, "\r\n"...)); err != nil {
		return err
	}
	c.left = maxHeader
	resp, err := c.readResponse(&http.Request{Method: http.MethodConnect}) //nolint:bodyclose // the tunnel follows it
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK || c.br.Buffered() > 0 { // the server does not speak first
		return errProxy
	}
	return nil
}

// socks has a SOCKS proxy lead to a server.
func (c *persistConn) socks(to string) error {
	var auth *proxy.Auth
	if user := c.route.proxy.User; user != nil {
		auth = &proxy.Auth{User: user.Username()}
		auth.Password, _ = user.Password()
	}
	d, err := proxy.SOCKS5("tcp", hostPort(c.route.proxy), auth, dialled{c.Conn})
	if err == nil {
		_, err = d.Dial("tcp", to)
	}
	return err
}

// dialled is a proxy.Dialer that has dialled.
type dialled struct{ conn net.Conn }

// Dial implements proxy.Dialer.
func (d dialled) Dial(string, string) (net.Conn, error) { return d.conn, nil }

package fanout

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"regexp"
	"sync"
)

var (
	errUnasked = errors.New("bytes came that nobody asked for")
	// errUnused is of a request that was not sent.
	errUnused = errors.New("connection closed before it was used")
)

// dialWatched dials as dial does. The connections are watched.
func dialWatched(dial func(context.Context, string, string) (net.Conn, error)) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &watchedConn{Conn: c}, nil
	}
}

// watchedConn is a connection to a list. It knows whether bytes came while it
// rested between two calls: net/http, which reads ahead, could take these for the
// answer to the second.
type watchedConn struct {
	net.Conn
	mu      sync.Mutex
	reads   bool // a Read waits: all that has come is read
	rests   bool // it was found at rest, and nothing has been written since
	closed  bool
	end     error         // with which reading ended
	changed chan struct{} // closed when reads or closed become true; nil: nobody waits
}

// Read implements net.Conn.
func (c *watchedConn) Read(p []byte) (int, error) {
	c.set(func() { c.reads = true })
	n, err := c.Conn.Read(p)
	unasked := false
	c.mu.Lock()
	c.reads, unasked = false, c.rests && n > 0
	if c.end == nil && !c.closed {
		c.end = err // after a reset the next one is io.EOF
	}
	c.mu.Unlock()
	if unasked {
		return 0, errUnasked
	}
	return n, err
}

// Write implements net.Conn.
func (c *watchedConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	c.rests = false
	c.mu.Unlock()
	return c.Conn.Write(p)
}

// Close implements net.Conn.
func (c *watchedConn) Close() error {
	c.set(func() { c.closed = true })
	return c.Conn.Close()
}

func (c *watchedConn) set(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
	if c.changed != nil {
		close(c.changed)
		c.changed = nil
	}
}

// atRest reports whether the connection, on which an answer has been read, has
// had nothing more to read. It waits until that is known: net/http has read on by
// then, or closed the connection.
func (c *watchedConn) atRest(ctx context.Context) bool {
	for {
		c.mu.Lock()
		if c.closed || c.reads {
			c.rests = !c.closed
			c.mu.Unlock()
			return c.rests
		}
		if c.changed == nil {
			c.changed = make(chan struct{})
		}
		changed := c.changed
		c.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}

// ended returns the error with which reading ended; nil if it did not, or if the
// connection was closed before.
func (c *watchedConn) ended() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.end
}

// watched returns the watched connection under what net/http makes of it; nil if
// there is none.
func watched(c net.Conn) *watchedConn {
	switch v := c.(type) {
	case *watchedConn:
		return v
	case interface{ NetConn() net.Conn }: // TLS
		return watched(v.NetConn())
	}
	return nil
}

// visit is the way of one request to a connection, which it looks at before
// anything is written there.
type visit struct {
	httptrace.ClientTrace
	ctx     context.Context
	conn    *watchedConn           // nil: there is none
	foreign func(host string) bool // whether a redirect must not lead there; nil: it may lead to any host
	public  bool                   // it must not reach private addresses
	private bool                   // the connection led to one
	unused  bool                   // the connection was closed unused: it had not been at rest
}

// newVisit returns a visit, and the context for its requests.
func newVisit(ctx context.Context) (*visit, context.Context) {
	v := &visit{ctx: ctx}
	v.GotConn = v.gotConn
	return v, httptrace.WithClientTrace(ctx, &v.ClientTrace)
}

// gotConn closes a connection that must not be used. What is written then fails
// before the first byte, and net/http takes another connection, if it can.
func (v *visit) gotConn(info httptrace.GotConnInfo) {
	v.private, v.unused, v.conn = false, false, watched(info.Conn)
	if v.public && !isPublic(info.Conn.RemoteAddr()) {
		v.private = true
	} else if info.Reused && v.conn != nil && !v.conn.atRest(v.ctx) {
		v.unused = true
	}
	if v.private || v.unused {
		_ = info.Conn.Close()
	}
}

// maxUnused bounds how many connections one after the other a request finds that
// must not be used.
const maxUnused = 16

// roundTrip makes a request of the visit.
func (v *visit) roundTrip(t http.RoundTripper, req *http.Request) (resp *http.Response, err error) {
	for range maxUnused {
		resp, err = t.RoundTrip(req)
		switch {
		case err == nil:
			return resp, nil
		case v.private:
			return nil, errPrivate
		case !v.unused || v.ctx.Err() != nil:
			return nil, v.brokenOff(err)
		}
		if req.GetBody != nil { // nothing of it was sent
			req.Body, _ = req.GetBody()
		}
	}
	return nil, errUnused
}

// foreignLine matches what net/http says of a first line that is not one of HTTP, nor
// the beginning of one.
var foreignLine = regexp.MustCompile(`malformed HTTP response "(?:[^H]|H[^T"]|HT[^T"]|HTT[^P"]|HTTP[^/"])`)

// brokenOff returns what an error means that net/http makes of a header which
// ends in the middle of a line: it forgets that the connection had ended there.
func (v *visit) brokenOff(err error) error {
	if v.conn == nil || !says("malformed")(err) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	switch end := v.conn.ended(); {
	case end == nil:
		return err
	case !errors.Is(end, io.EOF):
		return lateError{error: end}
	case foreignLine.MatchString(err.Error()):
		return err
	}
	return lateError{error: io.ErrUnexpectedEOF}
}

func isPublic(a net.Addr) bool {
	to, err := netip.ParseAddrPort(a.String())
	return err == nil && !isPrivate(to.Addr())
}

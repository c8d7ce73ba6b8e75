package fanout

import (
	"bufio"
	"context"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

const (
	maxHeader = 64 << 10 // bytes of an answer's header, with those of informational answers before it
	// readBuffer is the size of each connection's buffer, in bytes: most answers
	// fit into it with their header.
	readBuffer = 2 << 10
)

var (
	errHeader  = errors.New("header of the answer is too large")
	errNotHTTP = errors.New("answer is not HTTP")
)

// persistConn is a connection to a server or to its proxy. It belongs to one
// request at a time, or to the pool.
type persistConn struct {
	net.Conn                 // for requests and answers: TLS, or sock itself
	sock     *socket         // under all of it
	records  []*recordReader // under each layer of TLS
	route    route
	pool     *pool
	br       *bufio.Reader
	one      [1]byte   // what atRest reads
	since    time.Time // when the pool got it

	// Of the request that has the connection:
	stop    func() bool // stops watching its context
	writing chan error  // gets what came of writing it; nil: all is written
	left    int         // how many bytes may still be read
	readErr error       // with which reading ended
}

// newPersistConn returns a connection over one that was just dialled.
func newPersistConn(c net.Conn, r route, p *pool) *persistConn {
	sock := newSocket(c)
	pc := &persistConn{Conn: sock, sock: sock, route: r, pool: p}
	pc.br = bufio.NewReaderSize(pc, readBuffer)
	return pc
}

// Close closes the socket. TLS has no part in it, for its farewell can block.
func (c *persistConn) Close() error { return c.sock.Close() }

// Read implements io.Reader for br. It ends with errHeader where a header is
// larger than it may be.
func (c *persistConn) Read(p []byte) (int, error) {
	switch {
	case c.readErr != nil: // it would not always come again
		return 0, c.readErr
	case c.left <= 0:
		c.readErr = errHeader
		return 0, errHeader
	}
	n, err := c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	if n > 0 { // an error will come again
		return n, nil
	}
	c.readErr = err
	return 0, err
}

// watch closes the connection when a context ends, until unwatch. Reading and
// writing fail then.
func (c *persistConn) watch(ctx context.Context) {
	c.stop = context.AfterFunc(ctx, c.sock.hangUp)
}

// unwatch reports whether the context has not ended.
func (c *persistConn) unwatch() bool { return c.stop() }

// roundTrip sends a request with a body, and reads the answer's header. Whoever
// reads the answer's body to its end gives the connection back to the pool.
func (c *persistConn) roundTrip(req *http.Request, body io.ReadCloser) (*http.Response, error) {
	c.sock.written, c.left, c.readErr = 0, maxHeader, nil
	c.watch(req.Context())
	resp, err := c.exchange(req, body)
	if err != nil {
		c.unwatch()
		if sent := c.abort(); sent != nil && c.left == maxHeader && !errors.Is(sent, net.ErrClosed) {
			err = sent // nothing came, and this is why
		}
		return nil, orEnded(req.Context(), err)
	}
	c.left = math.MaxInt // receivers of bodies have their own bounds
	keep := !resp.Close && !req.Close && resp.StatusCode != http.StatusSwitchingProtocols
	if resp.Body == http.NoBody {
		c.finish(keep)
	} else {
		resp.Body = &responseBody{conn: c, from: resp.Body, ctx: req.Context(), keep: keep}
	}
	return resp, nil
}

// exchange sends a request and reads the answer's header.
func (c *persistConn) exchange(req *http.Request, body io.ReadCloser) (*http.Response, error) {
	if isPublicOnly(req.Context()) && !isPublic(c.RemoteAddr()) {
		closeBody(body)
		return nil, errPrivate
	}
	if err := c.send(req, body); err != nil {
		return nil, err
	}
	return c.readResponse(req)
}

// readResponse reads an answer's header, and passes over informational ones. An
// error after the first byte is a lateError, unless it says that the answer is not
// HTTP or that its header is too large.
func (c *persistConn) readResponse(req *http.Request) (*http.Response, error) {
	if _, err := c.br.Peek(1); err != nil {
		return nil, err
	}
	for {
		resp, err := c.parse(req)
		if err != nil {
			return nil, err
		}
		if resp.StatusCode/100 != 1 || resp.StatusCode == http.StatusSwitchingProtocols {
			return resp, nil
		}
	}
}

// parse reads one header. http.ReadResponse takes what there is of a line for
// the whole where reading ended, so what it says does not count then.
func (c *persistConn) parse(req *http.Request) (*http.Response, error) {
	const proto = "HTTP/"
	var resp *http.Response
	start, err := c.br.Peek(len(proto))
	if err == nil || errors.Is(err, io.EOF) {
		if !strings.HasPrefix(proto, string(start)) {
			return nil, errNotHTTP
		}
		resp, err = http.ReadResponse(c.br, req)
	}
	switch {
	case err == nil:
		return resp, nil
	case c.readErr == nil: // all that was read is there, and is not HTTP
		return nil, err
	case errors.Is(c.readErr, errHeader):
		return nil, errHeader
	case errors.Is(c.readErr, io.EOF):
		return nil, lateError{error: io.ErrUnexpectedEOF}
	}
	return nil, lateError{error: c.readErr}
}

// finish ends a request. The connection goes to the pool, if it may be used
// again, or else is closed.
func (c *persistConn) finish(keep bool) {
	if keep = c.unwatch() && keep && c.br.Buffered() == 0 && c.isSent(); !keep || !c.pool.put(c) {
		_ = c.abort()
	}
}

// isSent reports whether all of the request has been written.
func (c *persistConn) isSent() bool {
	if c.writing == nil {
		return true
	}
	select {
	case err := <-c.writing:
		c.writing = nil
		return err == nil
	default:
		return false
	}
}

// abort closes the connection, and returns what came of writing a large request.
func (c *persistConn) abort() (sent error) {
	_ = c.Close()
	if c.writing != nil {
		sent = <-c.writing // it ends with the connection
		c.writing = nil
	}
	return sent
}

// atRest reports whether the connection is open and has nothing to read: what
// came before a request could be taken for the answer to it. TLS may have
// something for itself.
func (c *persistConn) atRest() bool {
	c.sock.probing = true
	n, err := c.Conn.Read(c.one[:])
	c.sock.probing = false
	if n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		return false
	}
	for _, r := range c.records {
		if !r.whole() {
			return false
		}
	}
	return true
}

// responseBody is the body of an answer. Its end is that of the request.
type responseBody struct {
	conn *persistConn // nil after the end
	from io.Reader
	ctx  context.Context
	keep bool
	err  error // after the end
}

// Read implements io.Reader.
func (b *responseBody) Read(p []byte) (int, error) {
	if b.conn == nil {
		return 0, b.err
	}
	n, err := b.from.Read(p)
	if err != nil {
		err = b.end(err)
	}
	return n, err
}

// Close implements io.Closer. The connection is not used again if there was more
// to read.
func (b *responseBody) Close() error {
	if b.conn != nil {
		_ = b.end(http.ErrBodyReadAfterClose)
	}
	return nil
}

// end ends the request, and returns with which error reading did.
func (b *responseBody) end(err error) error {
	read := errors.Is(err, io.EOF)
	b.conn.finish(read && b.keep)
	if b.conn, b.err = nil, err; !read {
		b.err = orEnded(b.ctx, err)
	}
	return b.err
}

// orEnded returns the error of a context that has ended, or else err.
func orEnded(ctx context.Context, err error) error {
	if ended := ctx.Err(); ended != nil {
		return ended
	}
	return err
}

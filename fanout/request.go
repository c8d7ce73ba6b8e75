package fanout

import (
	"cmp"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http/httpguts"
)

const (
	// maxAtOnce is how large a body may be, in bytes, to be written with its header
	// and before anything is read.
	maxAtOnce = 16 << 10
	// hearTime is how long an answer may take after writing the request has failed.
	hearTime = 200 * time.Millisecond
	// defaultUserAgent is that of net/http.
	defaultUserAgent = "Go-http-client/1.1"
)

var (
	errBadHeader = errors.New("bad header")
	errBody      = errors.New("the request's body cannot be read, or is not as long as it says")
)

// notCopied are header fields that are written by other rules than the rest.
var notCopied = []string{"Content-Length", "Host", "Trailer", "Transfer-Encoding", "User-Agent"}

// checkRequest returns errBadURL, errBadHeader or errBody for a request that cannot
// be written.
func checkRequest(req *http.Request) error {
	if err := checkTarget(req); err != nil {
		return err
	}
	if req.Method != "" && !httpguts.ValidHeaderFieldName(req.Method) { // both are tokens
		return errBadHeader
	}
	for name, values := range req.Header {
		if !httpguts.ValidHeaderFieldName(name) || !all(values, httpguts.ValidHeaderFieldValue) {
			return errBadHeader
		}
	}
	if req.ContentLength < 0 || req.ContentLength == 0 && hasBody(req.Body) || req.ContentLength > 0 && !hasBody(req.Body) {
		return errBody // net/http would send it in chunks, which few lists expect
	}
	return nil
}

// checkTarget returns errBadURL for a request whose URL or host cannot be written.
func checkTarget(req *http.Request) error {
	u := req.URL
	host, err := hostHeader(req)
	switch {
	case u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "", !httpguts.ValidHostHeader(asciiHost(u)):
		return errBadURL
	case err != nil, !httpguts.ValidHostHeader(host):
		return errBadURL
	case strings.ContainsFunc(u.Opaque, isControl), strings.ContainsFunc(u.RawQuery, isControl): // paths are escaped
		return errBadURL
	}
	return nil
}

func all(values []string, fit func(string) bool) bool {
	return !slices.ContainsFunc(values, func(v string) bool { return !fit(v) })
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

func hasBody(body io.Reader) bool { return body != nil && body != http.NoBody }

// hostHeader returns the host that a request names, in ASCII and without an IPv6 zone.
func hostHeader(req *http.Request) (string, error) {
	host, err := httpguts.PunycodeHostPort(cmp.Or(req.Host, req.URL.Host))
	if zone := strings.IndexByte(host, '%'); zone >= 0 && strings.HasPrefix(host, "[") {
		if end := strings.LastIndexByte(host, ']'); end > zone {
			host = host[:zone] + host[end:]
		}
	}
	return host, err
}

// appendHeader appends the header of a request as net/http would write it. The
// request has been checked.
func (r route) appendHeader(b []byte, req *http.Request) []byte {
	host, _ := hostHeader(req)
	method := cmp.Or(req.Method, http.MethodGet)
	b = append(append(b, method...), ' ')
	if r.absolute && req.URL.Opaque == "" {
		b = append(append(append(b, req.URL.Scheme...), "://"...), host...)
	}
	b = append(append(b, req.URL.RequestURI()...), " HTTP/1.1\r\n"...)
	b = appendField(b, "Host", host)
	agent := defaultUserAgent
	if _, has := req.Header["User-Agent"]; has {
		agent = req.Header.Get("User-Agent")
	}
	if agent != "" {
		b = appendField(b, "User-Agent", agent)
	}
	if req.Close {
		b = appendField(b, "Connection", "close")
	}
	if req.ContentLength > 0 || method == http.MethodPost || method == http.MethodPut || method == http.MethodPatch {
		b = append(strconv.AppendInt(append(b, "Content-Length: "...), req.ContentLength, 10), "\r\n"...)
	}
	b = appendFields(b, req.Header)
	if r.absolute && r.proxy.User != nil {
		b = appendField(b, "Proxy-Authorization", basicAuth(r.proxy.User))
	}
	return append(b, "\r\n"...)
}

// appendFields appends a header, but for the fields of notCopied, by name. It
// sorts by itself: this is where a call's stack is deepest, and calling a
// function that sorts would make it grow, which costs more than all the rest.
func appendFields(b []byte, header http.Header) []byte {
	var room [8]string
	names := room[:0]
	for name := range header {
		if slices.Contains(notCopied, name) {
			continue
		}
		names = append(names, name)
		for i := len(names) - 1; i > 0 && names[i] < names[i-1]; i-- {
			names[i], names[i-1] = names[i-1], names[i]
		}
	}
	for _, name := range names {
		for _, value := range header[name] {
			b = appendField(b, name, value)
		}
	}
	return b
}

func appendField(b []byte, name, value string) []byte {
	b = append(append(b, name...), ": "...)
	return append(append(b, textproto.TrimString(value)...), "\r\n"...)
}

func basicAuth(u *url.Userinfo) string {
	password, _ := u.Password()
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(u.Username()+":"+password))
}

// appendBody reads a body of so many bytes to its end, and appends it.
func appendBody(b []byte, body io.Reader, size int) ([]byte, error) {
	b = slices.Grow(b, size+1) // one more, to see the end
	n, err := io.ReadFull(body, b[len(b):len(b)+size+1])
	if n != size || !errors.Is(err, io.ErrUnexpectedEOF) {
		return b, errBody
	}
	return b[:len(b)+n], nil
}

// writeBuffers are for requests that are being written.
var writeBuffers = sync.Pool{New: func() any { b := make([]byte, 0, 1<<10); return &b }}

// send writes a request with a body. A large one is still being written when send
// returns: a server that refuses it early is heard then.
func (c *persistConn) send(req *http.Request, body io.ReadCloser) error {
	if req.ContentLength > maxAtOnce {
		c.writing = make(chan error, 1)
		go c.sendLarge(c.writing, c.route.appendHeader(nil, req), body, req.ContentLength)
		return nil
	}
	defer closeBody(body)
	buf, _ := writeBuffers.Get().(*[]byte)
	defer writeBuffers.Put(buf)
	*buf = c.route.appendHeader((*buf)[:0], req)
	if req.ContentLength > 0 {
		var err error
		if *buf, err = appendBody(*buf, body, int(req.ContentLength)); err != nil {
			return err
		}
	}
	_, err := c.Conn.Write(*buf)
	if err == nil || c.sock.written == 0 {
		return err
	}
	c.writing = make(chan error, 1)
	c.writing <- c.hearOut(err)
	return nil
}

// sendLarge writes a header and a body of so many bytes, and reports what came of
// it. If the body is at fault the connection is closed, for the server would wait
// for the rest.
func (c *persistConn) sendLarge(done chan<- error, header []byte, body io.ReadCloser, size int64) {
	defer closeBody(body)
	_, err := c.Conn.Write(header)
	if err == nil {
		from := &sourceReader{Reader: body}
		if _, err = io.CopyN(c.Conn, from, size); err != nil && from.err != nil {
			c.sock.hangUp()
			done <- errBody
			return
		}
	}
	done <- c.hearOut(err)
}

// hearOut returns err, with which writing ended. If that failed, an answer that
// the server gave before is still read, but not waited for.
func (c *persistConn) hearOut(err error) error {
	if err != nil {
		_ = c.sock.SetReadDeadline(time.Now().Add(hearTime))
	}
	return err
}

// sourceReader remembers the error with which reading ended.
type sourceReader struct {
	io.Reader
	err error
}

// Read implements io.Reader.
func (r *sourceReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err != nil {
		r.err = err
	}
	return n, err
}

// Package fanout runs planned calls to lists at once over one shared client:
// a deadline for all, a cap on each answer, exactly one answer for each call.
package fanout

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"aggregator/lists"
)

// MaxAnswer is how much of a list's answer is read, after decompression.
const MaxAnswer = 512 << 10

// maxRedirects is how many redirects a reading follows.
const maxRedirects = 5

// Client runs calls. It is safe for concurrent use.
type Client struct {
	transport http.RoundTripper // posts take it as it is: their redirects are not followed
	read      *http.Client      // follows redirects anywhere
	readKey   *http.Client      // follows redirects to the same origin: it carries a key
	log       *slog.Logger
}

// New makes a client over a transport; NewTransport makes the one for real use.
func New(transport http.RoundTripper, log *slog.Logger) *Client {
	return &Client{
		transport: transport,
		read:      &http.Client{Transport: transport, CheckRedirect: followFew},
		readKey:   &http.Client{Transport: transport, CheckRedirect: followSameOrigin},
		log:       log,
	}
}

// NewTransport makes the transport that all calls share. Proxy settings and
// the system's CA store apply as in every Go program.
func NewTransport() *http.Transport {
	protocols := new(http.Protocols)
	// HTTP/1.1 alone: with one connection for each call a stalled connection
	// spoils one call, and it costs less CPU than HTTP/2 streams.
	protocols.SetHTTP1(true)
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		Protocols:              protocols,
		DialContext:            (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:    5 * time.Second,
		MaxIdleConns:           4096,
		MaxIdleConnsPerHost:    256, // Go's default of 2 makes a new connection for most calls
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

var (
	errRedirects   = errors.New("too many redirects")
	errOtherOrigin = errors.New("redirect to another origin")
)

func followFew(next *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return errRedirects
	}
	next.Header.Del("Referer") // it would hold the whole URL before
	return nil
}

func followSameOrigin(next *http.Request, via []*http.Request) error {
	if first := via[0].URL; next.URL.Scheme != first.Scheme || next.URL.Host != first.Host {
		return errOtherOrigin
	}
	return followFew(next, via)
}

// Run makes all calls at once and waits for all of them. It answers one Answer
// for each call, in the order of the calls, and never an error: what went wrong
// with a call is its answer. No call lasts longer than timeout.
func (c *Client) Run(ctx context.Context, calls []lists.Call, timeout time.Duration) []lists.Answer {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	answers := make([]lists.Answer, len(calls))
	var wg sync.WaitGroup
	for i := range calls {
		wg.Go(func() { answers[i] = c.call(ctx, calls[i], timeout) })
	}
	wg.Wait()
	return answers
}

func (c *Client) call(ctx context.Context, call lists.Call, timeout time.Duration) (a lists.Answer) {
	start := time.Now()
	defer func() {
		if p := recover(); p != nil {
			c.log.Error("a call panicked", "list", call.List.ID, "panic", call.Token().Hide(fmt.Sprint(p)), "stack", string(debug.Stack()))
			a = lists.Answer{Status: lists.NoAnswer, Fault: lists.FaultPanic, Reason: "Internal error"}
		}
		a.Took = time.Since(start)
	}()
	a, err := c.do(ctx, call)
	if err != nil {
		fault, reason := explain(ctx, err, timeout)
		return lists.Answer{Status: lists.NoAnswer, Fault: fault, Reason: reason}
	}
	return a
}

func (c *Client) do(ctx context.Context, call lists.Call) (lists.Answer, error) {
	req, err := newRequest(ctx, call.Wire())
	if err != nil {
		return lists.Answer{}, err
	}
	send := c.transport.RoundTrip
	if req.Method == http.MethodGet {
		if send = c.read.Do; call.Keyed() {
			send = c.readKey.Do
		}
	}
	resp, err := send(req)
	if err != nil {
		return lists.Answer{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := readAll(resp)
	if err != nil {
		return lists.Answer{}, err
	}
	return lists.Answer{Status: resp.StatusCode, Header: resp.Header, Body: body}, nil
}

func newRequest(ctx context.Context, r lists.Request) (*http.Request, error) {
	u, err := url.Parse(r.URL)
	if err != nil {
		return nil, errors.New("bad URL") // the error would hold the URL, and a token in it
	}
	req := (&http.Request{Method: r.Method, URL: u, Host: u.Host, Header: make(http.Header, len(r.Header)+1),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}).WithContext(ctx)
	for _, h := range r.Header {
		req.Header[http.CanonicalHeaderKey(h.Name)] = []string{h.Value}
	}
	if len(r.Body) > 0 {
		req.ContentLength = int64(len(r.Body))
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(r.Body)), nil }
		req.Body, _ = req.GetBody()
	}
	return req, nil
}

var errTooLarge = errors.New("answer too large")

// readAll reads an answer to its end, so that its connection is used again,
// or to the cap.
func readAll(resp *http.Response) ([]byte, error) {
	size := 512
	if n := resp.ContentLength; n > 0 {
		if n > MaxAnswer {
			return nil, errTooLarge
		}
		size = int(n) + 1 // one more, to see the end without growing
	}
	buf := make([]byte, 0, size)
	for {
		n, err := resp.Body.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case len(buf) > MaxAnswer:
			return nil, errTooLarge
		case errors.Is(err, io.EOF):
			return buf, nil
		case err != nil:
			return nil, bodyError{err}
		case len(buf) == cap(buf):
			buf = slices.Grow(buf, cap(buf))
		}
	}
}

// bodyError is an error after the answer had begun.
type bodyError struct{ error }

func (e bodyError) Unwrap() error { return e.error }

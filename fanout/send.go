package fanout

import (
	"bytes"
	"context"
	"io"
	"net/http"

	"aggregator/lists"
)

// lateError is an error after the list had begun to answer.
type lateError struct {
	error
	redirected bool // the answer was a redirect, and following it failed
}

func (e lateError) Unwrap() error { return e.error }

// send makes one request of a call and reads its answer into a.
func (r *run) send(call *lists.Call, wire *lists.Request, a *lists.Answer) error {
	return r.exchange(call.Operation(), wire, redirects{keyed: call.Keyed(), from: call.List.ID}, a)
}

// exchange makes a request of an operation and reads the answer into a.
func (r *run) exchange(op *lists.Op, wire *lists.Request, may redirects, a *lists.Answer) error {
	req, err := newRequest(r.ctx, wire)
	if err != nil {
		return err
	}
	req.Close = op.NewConnection
	var resp *http.Response
	if op.FollowsRedirects {
		resp, err = r.follow(req, may)
	} else {
		resp, err = r.transport.RoundTrip(req)
	}
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	return r.receive(resp, op.MaxAnswer, a)
}

// gzipOnly is what we ask for and undo ourselves.
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
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
		req.Body, _ = req.GetBody()
	}
	return req, nil
}

package testkit

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Client sends requests as they are: it follows no redirect, asks for no gzip
// and uses no proxy.
var Client = &http.Client{
	Transport:     &http.Transport{DisableCompression: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	Timeout:       time.Minute,
}

// An Answer is an answer, read whole.
type Answer struct {
	Status int
	Header http.Header
	Body   string
}

// Do sends a request with headers (name, value, …) and reads the answer.
func Do(ctx context.Context, c *http.Client, method, url, body string, headers ...string) (Answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return Answer{}, err
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := c.Do(req)
	if err != nil {
		return Answer{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	read, err := io.ReadAll(resp.Body)
	return Answer{resp.StatusCode, resp.Header, string(read)}, err
}

// Send is Do with Client. An error fails the test.
func Send(t testing.TB, method, url, body string, headers ...string) Answer {
	t.Helper()
	a, err := Do(t.Context(), Client, method, url, body, headers...)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// Want fails the test unless the answer has a status.
func (a Answer) Want(t testing.TB, status int) {
	t.Helper()
	if a.Status != status {
		t.Errorf("got %d %s, want %d", a.Status, a.Body, status)
	}
}

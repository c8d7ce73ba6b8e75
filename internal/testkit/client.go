package testkit

import (
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

// Send sends a request with headers (name, value, …) and reads the answer.
func Send(t testing.TB, method, url, body string, headers ...string) Answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := Client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	read, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return Answer{resp.StatusCode, resp.Header, string(read)}
}

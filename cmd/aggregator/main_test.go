package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"aggregator/fanout"
)

// running is a service that a test has booted.
type running struct {
	base string // http://127.0.0.1:PORT
	log  *logBuffer
	stop func() int // ends it and returns its exit code
}

// boot runs `aggregator serve` on a free port of loopback.
func boot(t *testing.T, args ...string) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r, w := io.Pipe()
	log := &logBuffer{}
	address := make(chan string, 1)
	go log.read(r, address)
	code := make(chan int, 1)
	args = append([]string{"serve", "--listen", "127.0.0.1:0", "--store", "memory:", "--limit-network", "off"}, args...)
	go func() {
		code <- environment{out: io.Discard, errOut: w, transport: fanout.NewTransport()}.run(ctx, args)
		_ = w.Close()
	}()
	s := &running{log: log, stop: sync.OnceValue(func() int { client.CloseIdleConnections(); cancel(); return <-code })}
	t.Cleanup(func() { s.stop() })
	select {
	case a := <-address:
		s.base = "http://" + a
	case c := <-code:
		code <- c // for stop
		t.Fatalf("serve ended with %d: %s", c, log)
	case <-time.After(20 * time.Second):
		t.Fatalf("serve did not start: %s", log)
	}
	return s
}

// logBuffer keeps what a service logs.
type logBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logBuffer) read(r io.Reader, address chan<- string) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		l.mu.Lock()
		l.text.WriteString(lines.Text() + "\n")
		l.mu.Unlock()
		var entry struct{ Msg, Address string }
		if json.Unmarshal(lines.Bytes(), &entry) == nil && entry.Msg == "serving" {
			address <- entry.Address
		}
	}
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// client sends requests as they are: no redirects, no gzip of its own.
var client = &http.Client{
	Transport:     &http.Transport{DisableCompression: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	Timeout:       30 * time.Second,
}

// answer is an answer, read whole.
type answer struct {
	status int
	header http.Header
	body   string
}

// send sends a request and reads the answer.
func send(t *testing.T, method, url, body string, headers ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	read, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(read)}
}

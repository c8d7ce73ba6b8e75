package main

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// fleet is the fake lists that the recorded exchanges were made with.
type fleet struct {
	addr  string
	table struct {
		Post, Get map[string]map[string]behaviour
		Exact     map[string]behaviour
	}
	mu  sync.Mutex
	log []seen
}

// behaviour is how a fake list answers one bot.
type behaviour struct {
	Status  int
	Headers map[string]string
	Body    string
	Base64  string          `json:"body_base64"`
	Raw     json.RawMessage `json:"body_repeat"` // [[text, times], …]
	Delay   int             `json:"delay_ms"`
	Mode    string          // "", "hang", "reset", "head_then_hang" or "truncate"
}

// seen is a request that a fake list saw.
type seen struct {
	List, Method, Path, Body              string
	Authorization, ContentType, UserAgent *string
}

func newFleet(t *testing.T, behaviours string) *fleet {
	t.Helper()
	f := &fleet{}
	s := httptest.NewServer(f)
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	f.addr = strings.TrimPrefix(s.URL, "http://")
	raw, err := os.ReadFile(behaviours)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(strings.ReplaceAll(string(raw), "127.0.0.1:7700", f.addr)), &f.table); err != nil {
		t.Fatal(err)
	}
	return f
}

// file copies a recorded file, with this fleet's address in it.
func (f *fleet) file(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), filepath.Base(name))
	if err := os.WriteFile(to, []byte(strings.ReplaceAll(string(raw), "127.0.0.1:7700", f.addr)), 0o600); err != nil {
		t.Fatal(err)
	}
	return to
}

// take returns the requests seen, and forgets them.
func (f *fleet) take() []seen {
	f.mu.Lock()
	defer f.mu.Unlock()
	log := f.log
	f.log = nil
	return log
}

var botInPath = regexp.MustCompile(`/(\d{15,})(?:/|$)`)

func (f *fleet) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	list := strings.Split(r.URL.Path, "/")[1]
	f.record(seen{
		List: list, Method: r.Method, Path: r.URL.RequestURI(), Body: string(body),
		Authorization: header(r, "Authorization"), ContentType: header(r, "Content-Type"), UserAgent: header(r, "User-Agent"),
	})
	b := f.find(r, list)
	select {
	case <-time.After(time.Duration(b.Delay) * time.Millisecond):
	case <-r.Context().Done():
		return
	}
	b.answer(w, r)
}

func (f *fleet) record(s seen) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.log = append(f.log, s)
}

func header(r *http.Request, name string) *string {
	if v, ok := r.Header[name]; ok {
		return &v[0]
	}
	return nil
}

func (f *fleet) find(r *http.Request, list string) behaviour {
	if b, ok := f.table.Exact[r.Method+" "+r.URL.Path]; ok {
		return b
	}
	table := f.table.Post[list]
	if r.Method == http.MethodGet {
		table = f.table.Get[list]
	}
	if m := botInPath.FindStringSubmatch(r.URL.Path); m != nil {
		if b, ok := table[m[1]]; ok {
			return b
		}
	}
	if b, ok := table["*"]; ok {
		return b
	}
	return behaviour{Status: http.StatusNotFound, Headers: map[string]string{"content-type": "text/plain"}, Body: "Bot not found"}
}

func (b behaviour) answer(w http.ResponseWriter, r *http.Request) {
	body := b.bytes()
	for k, v := range b.Headers {
		w.Header().Set(k, v)
	}
	switch b.Mode {
	case "hang":
		<-r.Context().Done()
	case "reset":
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		_ = conn.(*net.TCPConn).SetLinger(0)
		_ = conn.Close()
	case "truncate":
		w.Header().Set("Content-Length", "1000000")
		w.WriteHeader(b.Status)
		_, _ = w.Write(body)
		panic(http.ErrAbortHandler)
	case "head_then_hang":
		w.WriteHeader(b.Status)
		_, _ = w.Write(body)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	default:
		w.WriteHeader(b.Status)
		_, _ = w.Write(body)
	}
}

func (b behaviour) bytes() []byte {
	if b.Base64 != "" {
		raw, _ := base64.StdEncoding.DecodeString(b.Base64)
		return raw
	}
	var repeat [][2]any
	if json.Unmarshal(b.Raw, &repeat) != nil {
		return []byte(b.Body)
	}
	var text strings.Builder
	for _, r := range repeat {
		s, _ := r[0].(string)
		times, _ := r[1].(float64)
		text.WriteString(strings.Repeat(s, int(times)))
	}
	return []byte(text.String())
}

package testkit

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Ways in which a fake list misbehaves, beside what it says.
const (
	ModeHang         = "hang"           // never answers
	ModeReset        = "reset"          // resets the connection
	ModeTruncate     = "truncate"       // breaks off within the body
	ModeHeadThenHang = "head_then_hang" // never ends its body
)

// A Behaviour is how a fake list answers a request, as test data says it.
// The zero Behaviour answers 200 with nothing.
type Behaviour struct {
	Status  int               `json:"status"` // 200 when absent
	Headers map[string]string `json:"headers"`
	// Body is a text, or any other JSON value, which is sent as it is written.
	Body   json.RawMessage `json:"body"`
	Base64 string          `json:"body_base64"` // in place of Body
	// Repeat is [[text, times], …], in place of Body.
	Repeat json.RawMessage `json:"body_repeat"`
	Delay  int             `json:"delay_ms"`
	Mode   string          `json:"mode"` // "", or one of the modes
}

// ServeHTTP answers as b says.
func (b Behaviour) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if b.Delay > 0 && !pause(r, time.Duration(b.Delay)*time.Millisecond) {
		return
	}
	body := b.bytes()
	for name, value := range b.Headers {
		w.Header().Set(name, value)
	}
	status := b.Status
	if status == 0 {
		status = http.StatusOK
	}
	switch b.Mode {
	case ModeHang:
		<-r.Context().Done()
	case ModeReset:
		Reset(w, r)
	case ModeTruncate:
		w.Header().Set("Content-Length", "1000000")
		w.WriteHeader(status)
		_, _ = w.Write(body)
		panic(http.ErrAbortHandler)
	case ModeHeadThenHang:
		w.WriteHeader(status)
		_, _ = w.Write(body)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	default:
		w.WriteHeader(status)
		_, _ = w.Write(body)
	}
}

func (b Behaviour) bytes() []byte {
	if b.Base64 != "" {
		raw, _ := base64.StdEncoding.DecodeString(b.Base64)
		return raw
	}
	var repeat [][2]any
	if len(b.Repeat) > 0 && json.Unmarshal(b.Repeat, &repeat) == nil {
		var text strings.Builder
		for _, r := range repeat {
			s, _ := r[0].(string)
			times, _ := r[1].(float64)
			text.WriteString(strings.Repeat(s, int(times)))
		}
		return []byte(text.String())
	}
	var text string
	if json.Unmarshal(b.Body, &text) == nil {
		return []byte(text)
	}
	return b.Body
}

// pause waits for d. It reports false when the caller left before.
func pause(r *http.Request, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

// Say returns a handler that answers with a status, a Content-Type and a body.
func Say(status int, kind, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// Redirect returns a handler that redirects.
func Redirect(status int, to string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", to)
		w.WriteHeader(status)
	}
}

// Hang is a handler that answers nothing until its caller leaves.
func Hang(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// Reset is a handler that resets the connection.
func Reset(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}

// InTurn returns a handler that answers each request with the next of several
// handlers, and with the last again and again.
func InTurn(all ...http.Handler) http.HandlerFunc {
	var mu sync.Mutex
	next := func() http.Handler {
		mu.Lock()
		defer mu.Unlock()
		h := all[0]
		if len(all) > 1 {
			all = all[1:]
		}
		return h
	}
	return func(w http.ResponseWriter, r *http.Request) { next().ServeHTTP(w, r) }
}

package fanout

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"aggregator/lists"
)

func TestExchange(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch r.URL.Path {
		case "/echo":
			w.WriteHeader(http.StatusTeapot)
			_, _ = w.Write([]byte(r.Method + " " + r.Header.Get("X-Test") + " " + string(body)))
		case "/redirect":
			http.Redirect(w, r, "/echo", http.StatusFound)
		case "/large":
			_, _ = w.Write(make([]byte, 2<<10))
		case "/hang":
			<-r.Context().Done()
		}
	}))
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	c := New(NewTransport(), quiet)
	op := lists.Op{Name: "test", Timeout: 10 * time.Second, MaxAnswer: 1 << 10}
	for _, tt := range []struct {
		path string
		op   lists.Op
		want string // status and body, or the reason
	}{
		{"/echo", op, "418 POST yes body"},
		{"/redirect", op, "302 "},
		{"/large", op, "-1 Answer larger than 1 KiB"},
		{"/hang", lists.Op{Timeout: 50 * time.Millisecond, MaxAnswer: 1}, "-1 Timeout after 50ms"},
	} {
		a := c.Exchange(t.Context(), tt.op, lists.Request{
			Method: http.MethodPost, URL: s.URL + tt.path, Header: []lists.Header{{Name: "X-Test", Value: "yes"}}, Body: []byte("body"),
		})
		if got := shown(a); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.path, got, tt.want)
		}
	}
	if a := c.Exchange(t.Context(), op, lists.Request{Method: http.MethodGet, URL: "http://a b/" + secret}); a.Status != lists.NoAnswer || strings.Contains(a.Reason, secret) {
		t.Errorf("a bad URL: got %+v, want a reason without the URL", a)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if a := c.Exchange(ctx, op, lists.Request{Method: http.MethodGet, URL: s.URL}); a.Fault != lists.FaultCanceled {
		t.Errorf("after the caller left: fault %q, want %q", a.Fault, lists.FaultCanceled)
	}
}

// shown is an answer's status and body, or its reason, on one line.
func shown(a lists.Answer) string {
	text := a.Reason
	if a.Status != lists.NoAnswer {
		text = string(a.Body)
		if a.Status == http.StatusFound {
			text = ""
		}
	}
	return strings.Join([]string{strconv.Itoa(a.Status), text}, " ")
}

func TestExchangeRepeats(t *testing.T) {
	for mayRepeat, want := range map[bool]int64{true: 2, false: 1} {
		var asked atomic.Int64
		c := New(trip(func(*http.Request) (*http.Response, error) {
			if asked.Add(1) == 1 {
				return nil, syscall.ECONNRESET
			}
			return status(http.StatusOK)
		}), quiet)
		c.Exchange(t.Context(), lists.Op{Timeout: time.Minute, MaxAnswer: 1, MayRepeat: mayRepeat}, lists.Request{Method: http.MethodGet, URL: "http://a.test/"})
		if got := asked.Load(); got != want {
			t.Errorf("may repeat %t: asked %d times, want %d", mayRepeat, got, want)
		}
	}
}

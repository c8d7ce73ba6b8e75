package fanout

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"aggregator/lists"
)

// TestAnswersBeforeTheQuestion has a list say more than it was asked: the next
// call must not take that for its answer.
func TestAnswersBeforeTheQuestion(t *testing.T) {
	for name, entry := range map[string]func(*lists.Entry){"no limits": func(*lists.Entry) {}, "limits": limited} {
		t.Run(name, func(t *testing.T) {
			p := newPeer(t, answers(sized("right")+sized("wrong")))
			c := newClient(t)
			l := newList(t, "bad.example", urlOf(p), entry)
			var all sync.WaitGroup
			for range 8 {
				all.Go(func() {
					for i := range 40 {
						plan := []func(testing.TB, *lists.List, string) lists.Call{post, read}[i%2]
						if a := run1(t, c, plan(t, l, bot), time.Minute); a.Status != 200 || string(a.Body) != "right" {
							t.Errorf("%s: got %d %q %q, want 200 right", plan(t, l, bot).Op().Name, a.Status, a.Body, a.Reason)
						}
					}
				})
			}
			all.Wait()
		})
	}
}

// TestSpeaksWhileItRests has a list say something on a connection that rests: it
// is closed, and the next call goes over another one.
func TestSpeaksWhileItRests(t *testing.T) {
	speak, spoken := make(chan struct{}), make(chan struct{})
	p := newPeer(t, func(c *conn) {
		if !c.Request() || !c.Say(sized("right")) {
			return
		}
		<-speak
		c.Say(sized("wrong"))
		spoken <- struct{}{}
		c.Hang() // until it is closed
		spoken <- struct{}{}
	})
	c := newClient(t)
	l := newList(t, "bad.example", urlOf(p))
	for range 3 {
		if a := run1(t, c, post(t, l, bot), time.Minute); string(a.Body) != "right" {
			t.Errorf("got %+v, want right", a)
		}
		speak <- struct{}{}
		<-spoken
		<-spoken // nobody but the transport has closed it
	}
}

// TestRestsOverTLS uses connections again that rest, whatever TLS says on them.
func TestRestsOverTLS(t *testing.T) {
	transport := newTestTransport(t)
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.RemoteAddr) }))
	defer server.Close()
	defer transport.CloseIdleConnections()
	trust(transport, server)
	c := New(transport, quiet)
	l := newList(t, "list.example", server.URL+"/:id")
	first := run1(t, c, post(t, l, bot), time.Minute)
	for range 20 {
		if a := run1(t, c, post(t, l, bot), time.Minute); a.Status != 200 || string(a.Body) != string(first.Body) {
			t.Errorf("got %d %s %s, want the connection %s again", a.Status, a.Body, a.Reason, first.Body)
		}
	}
}

// TestPooledConnectionToPrivateAddress has a request that must stay on the web
// find an open connection to a private address: it is not used.
func TestPooledConnectionToPrivateAddress(t *testing.T) {
	noLeak(t)
	requests := 0
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests++ }))
	defer inside.Close()
	transport := NewTransport()
	defer transport.CloseIdleConnections()
	ask := func(transport *Transport, public bool) error {
		ctx := t.Context()
		if public {
			ctx = onlyPublic(ctx)
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, inside.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := transport.RoundTrip(req)
		if err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
		return err
	}
	if err := ask(transport, false); err != nil {
		t.Fatal(err)
	}
	if err := ask(transport, true); !errors.Is(err, errPrivate) || requests != 1 {
		t.Errorf("got %v after %d requests, want %v after 1", err, requests, errPrivate)
	}
	// A dial that does not look whom it reaches.
	plain := NewTransport()
	plain.DialContext = new(net.Dialer).DialContext
	defer plain.CloseIdleConnections()
	if err := ask(plain, true); !errors.Is(err, errPrivate) || requests != 1 {
		t.Errorf("without a look at the dial: got %v after %d requests, want %v after 1", err, requests, errPrivate)
	}
}

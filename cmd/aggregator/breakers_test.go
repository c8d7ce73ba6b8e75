package main

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"aggregator/internal/testkit"
)

// posted is what the answer to a count says of one list.
func posted(t *testing.T, s *running, bot, list string) result {
	t.Helper()
	c := s.post(t, countBody(bot, `"`+list+`":"t"`))
	if r, ok := c.Success[list]; ok {
		return r
	}
	return c.Failure[list]
}

// healthShown is what /api/health?verbose says.
type healthShown struct {
	Status string
	Store  struct {
		OK             bool
		State, Trouble string
		Since          time.Time
	}
	Breakers []struct {
		List, Direction, State string
	}
}

func (s *running) health(t *testing.T) healthShown {
	t.Helper()
	a := testkit.Send(t, "GET", s.Base+"/api/health?verbose", "")
	var h healthShown
	if err := json.Unmarshal([]byte(a.Body), &h); err != nil || a.Status != 200 {
		t.Fatalf("%d %s: %v", a.Status, a.Body, err)
	}
	return h
}

// openBreaker has a list fault until its breaker for posts is open.
func openBreaker(t *testing.T, r *rig, s *running, list string) {
	t.Helper()
	r.On(list, hangUp)
	for range 5 {
		if got := posted(t, s, newBot(), list); got.status != -1 || strings.HasPrefix(got.text, "Circuit open") {
			t.Fatalf("%+v, want a fault", got)
		}
	}
}

var circuitOpen = regexp.MustCompile(`^Circuit open: one\.test has not answered since (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ); next try in (30|2\d)s$`)

func TestBreakerOpens(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.boot(t, "--metrics", "main")
	before := time.Now().Add(-time.Second)
	openBreaker(t, r, s, "one.test")
	r.On("one.test", nil)
	r.Take()

	c := s.post(t, countBody(newBot(), `"one.test":"t","two.test":"t"`))
	got := c.Failure["one.test"]
	said := circuitOpen.FindStringSubmatch(got.text)
	if got.status != -1 || said == nil || got.sent != `{"server_count":5}` {
		t.Fatalf("%+v, want %s", got, circuitOpen)
	}
	if since, err := time.Parse(time.RFC3339, said[1]); err != nil || since.Before(before.Truncate(time.Second)) || since.After(time.Now()) {
		t.Errorf("has not answered since %s", said[1])
	}
	if got := c.Success["two.test"]; got.status != 200 {
		t.Errorf("another list: %+v", got)
	}
	if asked := r.Only(t); asked.List != "two.test" {
		t.Errorf("%s was asked", asked.List)
	}
	if got := s.read(t, newBot()).said("one.test"); got != `{"ok":true} 200` {
		t.Errorf("readings have a breaker of their own: %s", got)
	}

	h := s.health(t)
	if len(h.Breakers) != 1 || h.Breakers[0].List != "one.test" || h.Breakers[0].Direction != "posts" || h.Breakers[0].State != "open" {
		t.Fatalf("health shows %+v", h.Breakers)
	}
	// When the next try is stands in the failure's text, and not where everyone
	// can look for it.
	if body := testkit.Send(t, "GET", s.Base+"/api/health?verbose", "").Body; strings.Contains(body, "next") {
		t.Errorf("health tells when the next try is: %s", body)
	}
	metrics := testkit.Send(t, "GET", s.Base+"/metrics", "").Body
	for _, want := range []string{
		`aggregator_circuit_state{direction="posts",list="one.test",state="open"} 1`,
		`aggregator_list_calls_total{direction="posts",list="one.test",outcome="circuit"} 1`,
		`aggregator_list_calls_total{direction="posts",list="one.test",outcome="reset"} 5`,
	} {
		if !strings.Contains(metrics, want+"\n") {
			t.Errorf("no %s in the metrics", want)
		}
	}
}

func TestBreakerOfReadingsOpens(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.boot(t)
	r.On("one.test", cutShort)
	for range 5 {
		if got := s.read(t, newBot()).said("one.test"); got != `"Answer cut short" -1` {
			t.Fatal(got)
		}
	}
	start := time.Now()
	b := s.read(t, newBot())
	if got := b.said("one.test"); !strings.HasPrefix(got, `"Circuit open: one.test has not answered since `) || !strings.HasSuffix(got, `" -1`) {
		t.Error(got)
	}
	if got := b.said("two.test"); got != `{"ok":true} 200` || time.Since(start) > time.Second {
		t.Errorf("another list: %s after %s", got, time.Since(start))
	}
	r.On("one.test", nil)
	if got := posted(t, s, newBot(), "one.test"); got.status != 200 {
		t.Errorf("posts have a breaker of their own: %+v", got)
	}
}

// TestBreakerStaysClosed has what is no list's fault, more than often enough.
func TestBreakerStaysClosed(t *testing.T) {
	t.Parallel()
	const times = 8
	for _, row := range []struct {
		name   string
		answer http.HandlerFunc
		status int
	}{
		{"200", testkit.Say(200, kindJSON, `{}`), 200},
		{"an HTML page", testkit.Say(200, "text/html", `<html></html>`), 200},
		{"a redirect", testkit.Redirect(302, "https://elsewhere.test/"), 302},
		{"400", testkit.Say(400, kindJSON, `{}`), 400},
		{"401", testkit.Say(401, kindJSON, `{}`), 401},
		{"403", testkit.Say(403, kindJSON, `{}`), 403},
		{"404", testkit.Say(404, kindJSON, `{}`), 404},
		{"429", testkit.Say(429, kindJSON, `{}`), 429},
		{"500", testkit.Say(500, kindJSON, `{}`), 500},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			s := r.boot(t)
			r.On("one.test", row.answer)
			for i := range times { // with as many tokens: one that is refused rests after three
				c := s.post(t, countBody(newBot(), `"one.test":"token-`+string(rune('a'+i))+`"`))
				got, ok := c.Success["one.test"]
				if !ok {
					got = c.Failure["one.test"]
				}
				if got.status != row.status {
					t.Fatalf("post %d: %+v, want %d", i, got, row.status)
				}
			}
		})
	}
	t.Run("one bot alone", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		s := r.boot(t)
		r.On("one.test", hangUp)
		bot := newBot()
		for range times {
			if got := posted(t, s, bot, "one.test"); strings.HasPrefix(got.text, "Circuit open") {
				t.Fatalf("%+v", got)
			}
		}
		// It is the list after all.
		posted(t, s, newBot(), "one.test")
		if got := posted(t, s, bot, "one.test"); !strings.HasPrefix(got.text, "Circuit open") {
			t.Errorf("faults with two bots: %+v", got)
		}
	})
	t.Run("an answer between faults", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		s := r.boot(t)
		for i := range 3 * times {
			if r.On("one.test", hangUp); i%4 == 3 {
				r.On("one.test", testkit.Say(401, kindJSON, `{}`))
			}
			if got := posted(t, s, newBot(), "one.test"); strings.HasPrefix(got.text, "Circuit open") {
				t.Fatalf("post %d: %+v", i, got)
			}
		}
	})
	t.Run("callers that hang up", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		s := r.boot(t)
		arrived, gone := make(chan struct{}), make(chan struct{})
		r.On("one.test", func(_ http.ResponseWriter, q *http.Request) {
			arrived <- struct{}{}
			<-q.Context().Done()
			gone <- struct{}{}
		})
		for range times {
			ctx, hangUp := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() {
				defer close(done)
				if a := ask(ctx, "GET", s.Base+"/api/bots/"+newBot(), ""); a.err == nil {
					t.Errorf("answered: %d", a.Status)
				}
			}()
			testkit.Receive(t, "the reading", arrived)
			hangUp()
			testkit.Receive(t, "its end", gone)
			<-done
		}
		r.On("one.test", nil)
		if got := s.read(t, newBot()).said("one.test"); got != `{"ok":true} 200` {
			t.Error(got)
		}
	})
}

// TestBreakerAfterReload has a broken list mended in the catalog.
func TestBreakerAfterReload(t *testing.T) {
	t.Parallel()
	r, elsewhere := newRig(t), newRig(t)
	files := r.files(t)
	p := start(t, nil, append([]string{"serve", "--listen", anyPort, "--store", "memory:", "--limit-count", "off"}, absolute(t, files)...)...)
	openBreaker(t, r, &p.running, "one.test")
	if got := posted(t, &p.running, newBot(), "one.test"); !circuitOpen.MatchString(got.text) {
		t.Fatalf("%+v", got)
	}
	raw, err := os.ReadFile(files[1])
	if err != nil {
		t.Fatal(err)
	}
	moved := strings.ReplaceAll(string(raw), r.Addr+"/one.test", elsewhere.Addr+"/one.test")
	if err := os.WriteFile(files[1], []byte(moved), 0o600); err != nil {
		t.Fatal(err)
	}
	p.exe.Signal(t, syscall.SIGHUP)
	testkit.Wait(t, "the reload", func() bool { return strings.Contains(p.Log.String(), `"msg":"reloaded"`) })
	if got := posted(t, &p.running, newBot(), "one.test"); got.status != 200 {
		t.Errorf("after the reload: %+v", got)
	}
	if asked := elsewhere.Only(t); asked.List != "one.test" {
		t.Errorf("%s was asked", asked.List)
	}
	if h := p.health(t); len(h.Breakers) != 0 {
		t.Errorf("health shows %+v", h.Breakers)
	}
}

// TestBreakerAnswersCrowds has many callers find a breaker open, all at once.
func TestBreakerAnswersCrowds(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.boot(t)
	openBreaker(t, r, s, "one.test")
	r.On("one.test", testkit.Hang)
	r.Take()
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			a := ask(t.Context(), "POST", s.Base+"/api/count", countBody(newBot(), `"one.test":"t"`))
			if a.err != nil || a.Status != 200 || !strings.Contains(a.Body, "Circuit open: one.test") || a.took > 5*time.Second {
				t.Errorf("%v, %d %s after %s", a.err, a.Status, a.Body, a.took)
			}
		})
	}
	all.Wait()
	if asked := r.Take(); len(asked) != 0 {
		t.Errorf("the list was asked %d times", len(asked))
	}
}

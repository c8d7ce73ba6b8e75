package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"aggregator/internal/testkit"
)

// redisServer is a real redis-server, a child of the test.
type redisServer struct {
	addr string
	cmd  *exec.Cmd
}

// startRedis starts a redis-server that ends with the test. Without one
// installed the test fails in CI, and is skipped elsewhere.
func startRedis(t *testing.T) *redisServer {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip("NOT TESTED: no redis-server (Debian: apt-get install redis-server)")
	}
	r := &redisServer{}
	t.Cleanup(r.kill)
	for range 5 { // another process may take the port first
		l, err := net.Listen("tcp", anyPort)
		if err != nil {
			t.Fatal(err)
		}
		r.addr = l.Addr().String()
		l.Close()
		if r.start(t) {
			return r
		}
	}
	t.Fatal("redis-server does not start")
	return nil
}

func (r *redisServer) start(t *testing.T) bool {
	t.Helper()
	_, port, _ := net.SplitHostPort(r.addr)
	var out bytes.Buffer
	r.cmd = exec.Command("redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", t.TempDir())
	r.cmd.Stdout, r.cmd.Stderr = &out, &out
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func(cmd *exec.Cmd) {
		_ = cmd.Wait() // killed, always
		close(ended)
	}(r.cmd)
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		if conn, err := net.Dial("tcp", r.addr); err == nil {
			conn.Close()
			return true
		}
		select {
		case <-ended:
			t.Logf("redis-server: %s", out.String())
			return false
		case <-time.After(5 * time.Millisecond):
		}
	}
	return false
}

// kill is kill -9.
func (r *redisServer) kill() {
	if r.cmd != nil {
		_ = r.cmd.Process.Kill() // gone already, maybe
	}
}

// replica starts a replica, whose callers come through a balancer.
func (r *rig) replica(t *testing.T, redis *redisServer, args ...string) *process {
	t.Helper()
	return r.start(t, nil, append([]string{"--store", "redis://" + redis.addr, "--trusted-proxies", "127.0.0.1", "--metrics", "main"}, args...)...)
}

// balancer gives requests to replicas in turn. One that does not answer is
// passed over.
type balancer struct {
	hosts []string
	next  atomic.Uint64
}

func (b *balancer) RoundTrip(q *http.Request) (*http.Response, error) {
	var body []byte
	var err error
	if q.Body != nil {
		if body, err = io.ReadAll(q.Body); err != nil {
			return nil, err
		}
	}
	for range b.hosts {
		hop := q.Clone(q.Context())
		hop.URL.Host = b.hosts[b.next.Add(1)%uint64(len(b.hosts))]
		hop.Body = io.NopCloser(bytes.NewReader(body))
		var resp *http.Response
		if resp, err = testkit.Client.Transport.RoundTrip(hop); err == nil {
			return resp, nil
		}
	}
	return nil, err
}

func balance(t *testing.T, replicas ...*process) string {
	t.Helper()
	b := &balancer{}
	for _, p := range replicas {
		b.hosts = append(b.hosts, strings.TrimPrefix(p.Base, "http://"))
	}
	s := httptest.NewServer(&httputil.ReverseProxy{
		Transport: b,
		Rewrite: func(q *httputil.ProxyRequest) {
			q.SetURL(&url.URL{Scheme: "http", Host: b.hosts[0]})
			q.SetXForwarded()
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	})
	t.Cleanup(s.Close)
	return s.URL
}

// atOnce sends one request many times at once, and counts the statuses.
func atOnce(t *testing.T, n int, method string, url func(i int) string, body string) map[int]int {
	t.Helper()
	answers := make([]timed, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { answers[i] = ask(t.Context(), method, url(i), body) })
	}
	all.Wait()
	statuses := map[int]int{}
	for _, a := range answers {
		if a.err != nil {
			t.Error(a.err)
		}
		statuses[a.Status]++
	}
	return statuses
}

func TestReplicas(t *testing.T) {
	t.Parallel()
	redis := startRedis(t)
	r := newRig(t)
	replicas := []*process{r.replica(t, redis), r.replica(t, redis), r.replica(t, redis)}
	front := balance(t, replicas...)
	s := &running{&testkit.Service{Base: front}}
	const many = 30

	t.Run("exactly one of many passes", func(t *testing.T) {
		for round := range 5 {
			r.Take()
			body := countBody(newBot(), `"one.test":"t"`)
			got := atOnce(t, many, "POST", func(int) string { return front + "/api/count" }, body)
			if got[200] != 1 || got[429] != many-1 {
				t.Errorf("round %d: %v, want one 200 and 429 for the others", round, got)
			}
			if asked := r.Take(); len(asked) != 1 {
				t.Errorf("round %d: the list was asked %d times", round, len(asked))
			}
		}
	})
	t.Run("without the balancer too", func(t *testing.T) {
		body := countBody(newBot(), `"one.test":"t"`)
		got := atOnce(t, many, "POST", func(i int) string { return replicas[i%3].Base + "/api/count" }, body)
		if got[200] != 1 || got[429] != many-1 {
			t.Errorf("%v, want one 200 and 429 for the others", got)
		}
	})
	t.Run("one reading of many passes", func(t *testing.T) {
		bot := newBot()
		got := atOnce(t, many, "GET", func(int) string { return front + "/api/bots/" + bot }, "")
		if got[200] != 1 || got[429] != many-1 {
			t.Errorf("%v, want one 200 and 429 for the others", got)
		}
	})
	t.Run("a hold is everyone's", func(t *testing.T) {
		// Other bots, one token: each request has a window of its own.
		if c := s.post(t, countBody(newBot(), `"paced.test":"shared"`)); c.Success["paced.test"].status != 200 {
			t.Fatal(c.raw)
		}
		for range 3 {
			if c := s.post(t, countBody(newBot(), `"paced.test":"shared"`)); !strings.HasPrefix(c.Skipped["paced.test"], "Paced: ") {
				t.Error(c.raw)
			}
		}
	})
	t.Run("one is killed in a post", func(t *testing.T) {
		bot := newBot()
		arrived, gone := make(chan struct{}, 1), make(chan struct{}, 1)
		r.On("two.test", func(_ http.ResponseWriter, q *http.Request) {
			arrived <- struct{}{}
			<-q.Context().Done()
			gone <- struct{}{}
		})
		victim := replicas[1]
		cut := make(chan timed, 1)
		go func() { cut <- ask(t.Context(), "POST", victim.Base+"/api/count", countBody(bot, `"two.test":"t"`)) }()
		testkit.Receive(t, "the post", arrived)
		victim.exe.Signal(t, syscall.SIGKILL)
		testkit.Receive(t, "the end", victim.exe.Done)
		testkit.Receive(t, "the list to see it go", gone)
		if a := testkit.Receive(t, "the caller's end", cut); a.err == nil {
			t.Errorf("the caller of the one killed got %d %s", a.Status, a.Body)
		}
		r.On("two.test", nil)
		// The others know its window, and serve whoever comes.
		for range 4 {
			testkit.Send(t, "POST", front+"/api/count", countBody(bot, `"two.test":"t"`)).Want(t, 429)
			if c := s.post(t, countBody(newBot(), `"two.test":"t"`)); c.Success["two.test"].status != 200 {
				t.Error(c.raw)
			}
			testkit.Send(t, "GET", front+"/api/bots/"+newBot(), "").Want(t, 200)
			testkit.Send(t, "GET", front+"/api/health", "").Want(t, 200)
		}
	})
}

func TestRedisAwayAtStart(t *testing.T) {
	t.Parallel()
	silent := testkit.NewPeer(t, (*testkit.Conn).Hang)
	other := testkit.NewPeer(t, func(c *testkit.Conn) { c.Say("220 mail.test ESMTP\r\n"); c.Hang() })
	for _, row := range []struct{ name, url, want string }{
		{"refused", "redis://user:" + secret + "@127.0.0.1:1/0", "store: Redis at 127.0.0.1:1 refuses connections: start it, or correct the URL"},
		{"silent", "redis://:" + secret + "@" + silent.Addr, "does not answer in time"},
		{"another service", "redis://:" + secret + "@" + other.Addr, "does not answer as Redis does"},
		{"no URL", "redis://user:" + secret + "@", "not a Redis URL: want redis://user:password@host:port/db"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			begin := time.Now()
			e := runToEnd(t, nil, "serve", "--listen", anyPort, "--store", row.url)
			if e.Code != 1 || !strings.Contains(e.ErrOut, row.want) || strings.Contains(e.ErrOut, "serving") {
				t.Errorf("ended with %d: %s\nwant %s", e.Code, e.ErrOut, row.want)
			}
			if strings.Contains(e.ErrOut, secret) {
				t.Errorf("the password is told: %s", e.ErrOut)
			}
			if took := time.Since(begin); took > time.Minute { // a busy machine takes its time to start a process
				t.Errorf("it took %s", took)
			}
		})
	}
}

// TestRedisLost takes Redis away from two replicas, and gives them another one,
// which knows nothing.
func TestRedisLost(t *testing.T) {
	t.Parallel()
	redis := startRedis(t)
	r := newRig(t)
	one, two := r.replica(t, redis), r.replica(t, redis)
	both := []*process{one, two}
	early, bot := newBot(), newBot()
	one.count(t, early).Want(t, 200)
	two.count(t, early).Want(t, 429)
	for _, p := range both {
		if c := p.post(t, countBody(newBot(), `"revoking.test":"before"`)); c.Failure["revoking.test"].status+c.Success["revoking.test"].status != 200 {
			t.Fatalf("before: %s", c.raw)
		}
	}

	redis.kill()
	t.Run("posts and readings go on", func(t *testing.T) {
		for i, p := range both {
			begin := time.Now()
			p.count(t, bot).Want(t, 200) // each for itself
			if took := time.Since(begin); took > testkit.Patience {
				t.Errorf("replica %d: a post took %s", i, took)
			}
			p.count(t, bot).Want(t, 429)
			testkit.Send(t, "GET", p.Base+"/api/bots/"+newBot(), "").Want(t, 200)
		}
	})
	t.Run("what a replica did itself it knows", func(t *testing.T) { one.count(t, early).Want(t, 429) })
	t.Run("a list that revokes keys is held", func(t *testing.T) {
		r.Take()
		for _, p := range both {
			c := p.post(t, countBody(newBot(), `"revoking.test":"t","one.test":"t"`))
			if !strings.HasPrefix(c.Skipped["revoking.test"], "Paced: next post at ") || c.Success["one.test"].status != 200 {
				t.Error(c.raw)
			}
		}
		for _, asked := range r.Take() {
			if asked.List == "revoking.test" {
				t.Error("it was asked all the same")
			}
		}
	})
	t.Run("it is said", func(t *testing.T) {
		for _, p := range both {
			h := p.health(t)
			if h.Status != "degraded" || h.Store.OK || h.Store.State != "away" || h.Store.Since.IsZero() || !strings.Contains(h.Store.Trouble, "Redis is away") {
				t.Errorf("health: %+v", h)
			}
			if got := p.metric(t, "aggregator_store_healthy"); got != 0 {
				t.Errorf("aggregator_store_healthy %v", got)
			}
			if log := p.Log.String(); strings.Count(log, "Redis is away; windows hold for this replica alone") != 1 || !strings.Contains(log, redis.addr) {
				t.Errorf("log: %s", log)
			}
			testkit.Send(t, "GET", p.Base+"/api/health", "").Want(t, 200) // the replica serves
		}
	})

	if !redis.start(t) {
		t.Fatal("redis-server does not start again")
	}
	t.Run("it recovers by itself", func(t *testing.T) {
		begin := time.Now()
		for _, p := range both {
			testkit.Wait(t, "the replica to find Redis", func() bool { return p.health(t).Status == "ok" })
			testkit.Wait(t, "the log to say so", func() bool { return strings.Contains(p.Log.String(), "Redis is back; windows are shared again") })
			if got := p.metric(t, "aggregator_store_healthy"); got != 1 {
				t.Errorf("aggregator_store_healthy %v", got)
			}
		}
		if took := time.Since(begin); took > 2*testkit.Patience {
			t.Errorf("it took %s", took)
		}
		for _, p := range both {
			p.count(t, bot).Want(t, 429)
			if c := p.post(t, countBody(newBot(), fmt.Sprintf(`"revoking.test":"after-%s"`, p.Base))); len(c.Skipped) > 0 {
				t.Errorf("still held: %s", c.raw)
			}
		}
		fresh := newBot()
		one.count(t, fresh).Want(t, 200)
		two.count(t, fresh).Want(t, 429)
	})
}

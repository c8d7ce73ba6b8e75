package httpapi_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"aggregator/httpapi"
	"aggregator/internal/testkit"
	"aggregator/lists"
	"aggregator/ratelimit"
	"aggregator/shares"
	"aggregator/store"
)

// places are so many of requests, for which as many others may wait.
func places(n, waiting int64) func(*httpapi.Config) {
	return func(c *httpapi.Config) {
		c.Requests = shares.New(shares.Options{Capacity: n, MaxWaiting: int(waiting), MaxWait: testkit.Patience})
	}
}

// anyProxy believes every peer's word about the caller's address.
func anyProxy(c *httpapi.Config) {
	c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
}

// gate is a list that answers when it is told.
type gate struct {
	arrived chan struct{}
	open    chan struct{}
}

func newGate(n int) gate { return gate{make(chan struct{}, n), make(chan struct{})} }

func (g gate) run(c lists.Call) lists.Answer {
	g.arrived <- struct{}{}
	<-g.open
	return testkit.Thanks(c)
}

// from sends a count from an address.
func (s service) from(t *testing.T, ip, bot string) answer {
	t.Helper()
	return testkit.Send(t, "POST", s.base+"/api/count", `{"bot_id":"`+bot+`","server_count":5,"one.test":"t"}`, "X-Forwarded-For", ip)
}

// raw opens a connection to a service.
func (s service) raw(t *testing.T) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(testkit.Patience))
	return conn
}

// TestBusyServer fills a server that works on one request at a time and lets
// nobody wait.
func TestBusyServer(t *testing.T) {
	t.Parallel()
	g := newGate(2)
	s := serve(t, store.NewMemory(store.MemoryOptions{}), g.run, places(1, 0))
	first := make(chan answer, 1)
	go func() { first <- count(t, s, botA) }()
	testkit.Receive(t, "the first", g.arrived)
	seen := map[string]bool{}
	for range 50 {
		a := count(t, s, botB)
		wantError(t, a, 503, busy)
		seen[a.Header.Get("Retry-After")] = true
	}
	for after := range seen {
		if len(after) != 1 || after < "1" || after > "5" {
			t.Errorf("Retry-After: %q, want 1 to 5", after)
		}
	}
	if len(seen) == 1 {
		t.Errorf("all are to come again at once: %v", seen)
	}
	for _, path := range []string{"/api/health", "/api/health/"} {
		if a := testkit.Send(t, "GET", s.base+path, ""); a.Status != 200 {
			t.Errorf("%s: %d %s", path, a.Status, a.Body)
		}
	}
	close(g.open)
	if a := <-first; a.Status != 200 {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	// The 503s used no window.
	if a := count(t, s, botB); a.Status != 200 {
		t.Errorf("afterwards: %d %s", a.Status, a.Body)
	}
}

// TestRequestsWaitForRoom has more requests than there is room for: they are
// answered one after the other.
func TestRequestsWaitForRoom(t *testing.T) {
	t.Parallel()
	const all = 6
	g := newGate(all)
	var requests *shares.Semaphore
	s := serve(t, store.NewMemory(store.MemoryOptions{}), g.run, places(1, all), anyProxy, func(c *httpapi.Config) { requests = c.Requests })
	var group sync.WaitGroup
	for i := range all {
		group.Go(func() {
			if a := s.from(t, fmt.Sprintf("192.0.2.%d", i+1), botA); a.Status != 200 {
				t.Errorf("%d %s", a.Status, a.Body)
			}
		})
	}
	testkit.Wait(t, "all but one to wait", func() bool { return requests.Usage().Waiting == all-1 })
	testkit.Receive(t, "one", g.arrived)
	select {
	case <-g.arrived:
		t.Error("two are worked on at once")
	default:
	}
	close(g.open)
	group.Wait()
}

// TestOneNetworkLeavesRoomForOthers has one network send all it can.
func TestOneNetworkLeavesRoomForOthers(t *testing.T) {
	t.Parallel()
	g := newGate(8)
	var requests *shares.Semaphore
	s := serve(t, store.NewMemory(store.MemoryOptions{}), g.run, places(8, 8), anyProxy, func(c *httpapi.Config) { requests = c.Requests })
	var group sync.WaitGroup
	for i := range 4 { // a quarter of the places, and of the places to wait
		group.Go(func() {
			if a := s.from(t, "2001:db8::1", fmt.Sprint(100_000_000_000_000_000+i)); a.Status != 200 {
				t.Errorf("of the busy network: %d %s", a.Status, a.Body)
			}
		})
	}
	testkit.Wait(t, "two to wait", func() bool { u := requests.Usage(); return u.Held == 2 && u.Waiting == 2 })
	a := s.from(t, "2001:db8::2", botA) // of the same network
	wantError(t, a, 503, busy)
	done := make(chan answer, 1)
	go func() { done <- s.from(t, "192.0.2.1", botA) }()
	for range 3 {
		testkit.Receive(t, "two, and one of another network", g.arrived)
	}
	close(g.open)
	if a := testkit.Receive(t, "the other network's answer", done); a.Status != 200 {
		t.Errorf("of another network: %d %s", a.Status, a.Body)
	}
	group.Wait()
}

// TestSlowBodiesTakeNoPlace has more requests than may be worked on wait for
// their bodies: another is answered all the same.
func TestSlowBodiesTakeNoPlace(t *testing.T) {
	t.Parallel()
	s := serve(t, store.NewMemory(store.MemoryOptions{}), testkit.Thanks, places(1, 0))
	conns := make([]net.Conn, 20)
	for i := range conns {
		conns[i] = s.raw(t)
		if _, err := io.WriteString(conns[i], "POST /api/count HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{"/api/lists", "/api/health"} {
		if a := testkit.Send(t, "GET", s.base+path, ""); a.Status != 200 {
			t.Errorf("%s beside slow ones: %d", path, a.Status)
		}
	}
	for _, conn := range conns {
		_ = conn.(*net.TCPConn).CloseWrite() // it breaks off
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Errorf("one that breaks off: %v", err)
			continue
		}
		if resp.Body.Close(); resp.StatusCode != 400 {
			t.Errorf("one that breaks off: got %d, want 400", resp.StatusCode)
		}
	}
}

// TestUnreadAnswersTakeNoPlace has a caller that does not read its answer, on a
// server that works on one request at a time.
func TestUnreadAnswersTakeNoPlace(t *testing.T) {
	t.Parallel()
	big := lists.Answer{Status: 200, Body: []byte(strings.Repeat("x", 16<<20))}
	s := serve(t, store.NewMemory(store.MemoryOptions{}), func(lists.Call) lists.Answer { return big }, places(1, 4))
	body := `{"bot_id":"` + botA + `","server_count":5,"one.test":"t"}`
	conn := s.raw(t)
	if _, err := fmt.Fprintf(conn, "POST /api/count HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body); err != nil {
		t.Fatal(err)
	}
	status := make([]byte, len("HTTP/1.1 200"))
	if _, err := io.ReadFull(conn, status); err != nil || string(status) != "HTTP/1.1 200" {
		t.Fatalf("%q, %v", status, err)
	}
	if a := testkit.Send(t, "GET", s.base+"/api/lists", ""); a.Status != 200 {
		t.Errorf("beside an answer that nobody reads: %d %s", a.Status, a.Body)
	}
}

// TestMemoryIsShared has bodies that would take more memory than there is.
func TestMemoryIsShared(t *testing.T) {
	t.Parallel()
	var memory *shares.Semaphore
	g := newGate(4)
	s := serve(t, store.NewMemory(store.MemoryOptions{}), g.run, anyProxy, func(c *httpapi.Config) {
		memory = shares.New(shares.Options{Capacity: 6 << 20, MaxWaiting: 1, MaxWait: testkit.Patience})
		c.Memory = memory
	})
	large := func(ip, bot string) answer {
		return testkit.Send(t, "POST", s.base+"/api/count", `{"bot_id":"`+bot+`","server_count":5,"one.test":"t"`+strings.Repeat(" ", 200<<10)+`}`, "X-Forwarded-For", ip)
	}
	first, second := make(chan answer, 1), make(chan answer, 1)
	go func() { first <- large("192.0.2.1", botA) }()
	testkit.Receive(t, "the first", g.arrived)
	go func() { second <- large("192.0.2.2", botB) }()
	testkit.Wait(t, "the second to wait", func() bool { return memory.Usage().Waiting == 1 })
	if a := large("192.0.2.3", botB); a.Status != 503 {
		t.Errorf("one for which there is no place to wait: %d %s", a.Status, a.Body)
	}
	if a := testkit.Send(t, "GET", s.base+"/api/lists", ""); a.Status != 200 {
		t.Errorf("one without a body: %d %s", a.Status, a.Body)
	}
	close(g.open)
	for _, c := range []chan answer{first, second} {
		if a := testkit.Receive(t, "an answer", c); a.Status != 200 {
			t.Errorf("%d %s", a.Status, a.Body)
		}
	}
	testkit.Wait(t, "all memory to be given back", func() bool { return memory.Usage().Held == 0 })
}

// TestNetworkLimit counts the requests of a network, whatever they ask for.
func TestNetworkLimit(t *testing.T) {
	t.Parallel()
	const limit = 4
	limited := func(c *httpapi.Config) {
		st := store.NewMemory(store.MemoryOptions{})
		c.NetworkLimit = ratelimit.New(st.Windows(), ratelimit.Rate{Limit: limit, Period: time.Minute}, store.NewHasher(st.Secret()))
	}
	t.Run("of a network", func(t *testing.T) {
		t.Parallel()
		s := serve(t, store.NewMemory(store.MemoryOptions{}), testkit.Thanks, anyProxy, limited)
		ask := func(method, path, body, ip string) answer {
			return testkit.Send(t, method, s.base+path, body, "X-Forwarded-For", ip)
		}
		for range 3 * limit {
			if a := ask("GET", "/api/lists", "", "2001:db8::1"); a.Status != 200 {
				t.Fatalf("the catalog counts: %d %s", a.Status, a.Body)
			}
		}
		for i, status := range []int{200, 429, 400, 200} { // 400s and 429s count too
			method, path, body := "POST", "/api/count", `{"bot_id":"`+botA+`","server_count":5,"one.test":"t"}`
			switch i {
			case 2:
				body = "{}"
			case 3:
				method, path, body = "GET", "/api/bots/"+botA, ""
			}
			if a := ask(method, path, body, fmt.Sprintf("2001:db8::%d", i/2)); a.Status != status { // another address of the network
				t.Errorf("request %d: %d %s, want %d", i, a.Status, a.Body, status)
			}
		}
		a := ask("POST", "/api/bots/"+botB+"/lookup/", strings.Repeat("x", 1000), "2001:db8::9")
		var l struct {
			Status            int
			Retry             int    `json:"retry_after"`
			Method, Route, IP string `json:"-"`
			Message           string
		}
		if err := json.Unmarshal([]byte(a.Body), &l); err != nil || a.Status != 429 || l.Status != 429 || l.Retry < 1 || l.Retry > 60 || l.Message == "" {
			t.Errorf("%d %s", a.Status, a.Body)
		}
		for name, want := range map[string]string{
			"RateLimit-Policy": `"network";q=4;w=60`, "RateLimit": fmt.Sprintf(`"network";r=0;t=%d`, l.Retry), "Retry-After": fmt.Sprint(l.Retry),
			"X-Rate-Limit-Route": "/api/bots/" + botB + "/lookup", "X-Rate-Limit-IP": "2001:db8::9",
		} {
			if got := a.Header.Get(name); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
		if a := ask("GET", "/api/bots/"+botB, "", "2001:db8:0:1::1"); a.Status != 200 {
			t.Errorf("another network: %d %s", a.Status, a.Body)
		}
	})
	t.Run("not where a proxy's header is ignored", func(t *testing.T) {
		t.Parallel()
		s := serve(t, store.NewMemory(store.MemoryOptions{}), testkit.Thanks, limited)
		for i := range 3 * limit {
			if a := testkit.Send(t, "POST", s.base+"/api/count", "{}", "X-Forwarded-For", fmt.Sprintf("192.0.2.%d", i)); a.Status != 400 {
				t.Errorf("%d %s", a.Status, a.Body)
			}
		}
		for range limit + 1 { // who comes from there directly is one network
			if a := testkit.Send(t, "POST", s.base+"/api/count", "{}"); a.Status == 429 {
				return
			}
		}
		t.Error("without the header there is no limit")
	})
}

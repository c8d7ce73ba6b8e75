package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"aggregator/internal/testkit"
)

// soakTime is for how long `make soak` lets tests run. In other runs such a
// test is skipped.
func soakTime(t *testing.T) time.Duration {
	t.Helper()
	said := os.Getenv("SOAK")
	if said == "" {
		t.Skip("NOT TESTED: takes minutes; make soak runs it")
	}
	minutes, err := strconv.ParseFloat(said, 64)
	if err != nil || minutes <= 0 {
		t.Fatalf("SOAK=%s, want a number of minutes", said)
	}
	return time.Duration(minutes * float64(time.Minute))
}

// soakFaults are what lists do in a soak; every other time they answer.
var soakFaults = []http.HandlerFunc{
	testkit.Reset, hangUp, cutShort, garbage, testkit.Hang, size(600<<10, true), size(600<<10, false), size(200<<10, true),
	zipped(200, strings.Repeat("\x00", 4<<20)), zipped(200, `{"server_count":7}`),
	testkit.Say(200, kindJSON, `{"name":"Bot","server_count":3,"owners":["111111111111111111"]}`),
	testkit.Say(200, "text/html", challenge), testkit.Say(401, kindJSON, `{}`), testkit.Say(429, kindJSON, `{"retry_after":1}`), testkit.Say(500, "text/plain", "no"), testkit.Say(503, "text/plain", "busy"),
	testkit.Say(200, kindJSON, strings.Repeat("[", 40_000)), testkit.Say(200, kindJSON, "\xff\xfe\x00"), testkit.Redirect(302, "/elsewhere/1"), testkit.Redirect(308, "file:///etc/passwd"),
	func(w http.ResponseWriter, q *http.Request) { // a slow drip
		for q.Context().Err() == nil {
			if _, err := w.Write([]byte(" ")); err != nil {
				return
			}
			_ = http.NewResponseController(w).Flush()
			time.Sleep(100 * time.Millisecond)
		}
	},
}

// holding is what a process holds.
type holding struct{ goroutines, descriptors, heap, memory int } // the last two in MB

func (p *process) holds(t *testing.T) holding {
	t.Helper()
	fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.exe.Cmd.Process.Pid))
	if err != nil {
		t.Skipf("NOT TESTED: descriptors can be told on Linux alone: %v", err)
	}
	u := holding{int(p.metric(t, "go_goroutines")), len(fds), int(p.metric(t, "go_memstats_heap_alloc_bytes")) >> 20, p.memory(t, "VmRSS:")}
	if u.goroutines == 0 {
		t.Fatal("no go_goroutines in the metrics")
	}
	return u
}

// TestSoak runs the program for minutes under mixed load, with lists that fail
// in every way and callers that hang up, and then looks for what is left over.
func TestSoak(t *testing.T) {
	d := soakTime(t)
	t.Parallel()
	r := newRig(t)
	lists, tokens := crowdCatalog(t, r.Addr)
	p := start(t, nil, append([]string{"serve", "--listen", anyPort, "--metrics", "main", "--limit-bots", "1/1s", "--limit-network", "off"}, lists...)...)
	c := crowd(t)
	for range 20 { // what is there once and for all
		_ = postBy(t.Context(), c, p.Base+"/api/count", countBody(newBot(), tokens))
		testkit.Send(t, "GET", p.Base+"/api/bots/"+newBot(), "")
	}
	c.CloseIdleConnections()
	time.Sleep(6 * time.Second) // until idle connections to lists are closed
	before := p.holds(t)

	ctx, stop := context.WithTimeout(t.Context(), d)
	defer stop()
	var load sync.WaitGroup
	load.Go(func() { // lists change their ways
		for ctx.Err() == nil {
			list := fmt.Sprintf("list%d.test", rand.IntN(crowdLists))
			if r.On(list, nil); rand.IntN(2) == 0 {
				r.On(list, soakFaults[rand.IntN(len(soakFaults))])
			}
			r.Take()
			time.Sleep(20 * time.Millisecond)
		}
	})
	load.Go(func() { // the catalog is reloaded
		for ctx.Err() == nil {
			p.exe.Signal(t, syscall.SIGHUP)
			time.Sleep(7 * time.Second)
		}
	})
	var statuses [600]atomic.Int64
	var hungUp, slowest atomic.Int64
	peak := before
	load.Go(func() {
		for ctx.Err() == nil {
			u := p.holds(t)
			peak = holding{max(peak.goroutines, u.goroutines), max(peak.descriptors, u.descriptors), max(peak.heap, u.heap), max(peak.memory, u.memory)}
			time.Sleep(500 * time.Millisecond)
		}
	})
	for range 200 {
		load.Go(func() {
			bot := newBot()
			for ctx.Err() == nil {
				if rand.IntN(3) > 0 {
					bot = newBot()
				}
				method, path, body, leaves := "POST", "/api/count", countBody(bot, tokens), false
				switch rand.IntN(12) {
				case 0, 1, 2:
					method, path, body = "GET", "/api/bots/"+bot, ""
				case 3:
					path, body = "/api/bots/"+bot+"/lookup", "{"+tokens+"}"
				case 4:
					method, path, body = "GET", "/api/lists", ""
				case 5:
					body = body[:rand.IntN(len(body))]
				case 6:
					leaves = true
				case 7:
					method, path, body, leaves = "GET", "/api/bots/"+bot, "", true
				case 8:
					method, path = "GET", "/nowhere/"+bot
				}
				asking, leave := context.WithCancel(t.Context())
				if leaves {
					time.AfterFunc(rand.N(200*time.Millisecond), leave)
				}
				a := doAs(asking, c, method, p.Base+path, body)
				leave()
				switch {
				case a.err != nil && leaves:
					hungUp.Add(1)
					continue
				case a.err != nil:
					t.Errorf("%s %s: %v", method, path, a.err)
					return
				}
				statuses[a.Status].Add(1)
				slowest.Store(max(slowest.Load(), int64(a.took)))
				if method == "POST" && path == "/api/count" && (a.Status == 200 || a.Status == 503) {
					if _, err := cleanOrHeld(a); err != nil {
						t.Errorf("a post: %v", err)
						return
					}
				}
				time.Sleep(rand.N(100 * time.Millisecond))
			}
		})
	}
	load.Wait()
	c.CloseIdleConnections()
	for i := range crowdLists {
		r.On(fmt.Sprintf("list%d.test", i), nil)
	}

	// A little goes on, so that what is past its time is thrown away.
	var after holding
	settled := func() bool {
		testkit.Send(t, "GET", p.Base+"/api/bots/"+newBot(), "")
		for range 20 {
			testkit.Send(t, "GET", p.Base+"/metrics", "")
		}
		after = p.holds(t)
		return after.goroutines <= before.goroutines+50 && after.descriptors <= before.descriptors+50 && after.heap <= before.heap+40
	}
	ok := settled()
	for end := time.Now().Add(90 * time.Second); !ok && time.Now().Before(end); ok = settled() {
		time.Sleep(time.Second)
	}
	t.Logf("%s of load; before %+v, at most %+v, after %+v (goroutines, descriptors, MB of heap, MB of memory)", d, before, peak, after)
	for status := range statuses {
		if n := statuses[status].Load(); n > 0 {
			t.Logf("status %d: %d", status, n)
		}
	}
	t.Logf("%d hung up; the slowest answer took %s", hungUp.Load(), time.Duration(slowest.Load()).Round(time.Millisecond))
	if !ok {
		t.Errorf("left over: %+v, before %+v", after, before)
	}
	if peak.memory > 500 {
		t.Errorf("%d MB of memory at most, want 500", peak.memory)
	}
	if took := time.Duration(slowest.Load()); took > 10*time.Second+slack {
		t.Errorf("the slowest answer took %s", took)
	}
	for _, status := range []int{200, 400, 404} {
		if statuses[status].Load() == 0 {
			t.Errorf("nothing was answered with %d", status)
		}
	}
	if n := statuses[500].Load(); n > 0 {
		t.Errorf("%d times 500", n)
	}
	for line := range strings.Lines(p.Log.String()) {
		if strings.Contains(line, `"level":"ERROR"`) || strings.Contains(line, "panic") {
			t.Errorf("the log: %s", line)
			break
		}
	}
	p.exe.Signal(t, syscall.SIGTERM)
	if code := p.exe.Code(t); code != 0 {
		t.Errorf("ended with %d", code)
	}
}

package fanout

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"aggregator/lists"
	"aggregator/shares"
)

// admitted makes room for n posts to a list.
func admitted(t *testing.T, c *Client, from netip.Prefix, l *lists.List, n int) *Room {
	t.Helper()
	room, err := c.Admit(t.Context(), from, posts(t, l, n))
	if err != nil {
		t.Fatalf("room for %d calls: %v", n, err)
	}
	return room
}

func posts(t testing.TB, l *lists.List, n int) []lists.Call {
	t.Helper()
	all := make([]lists.Call, n)
	for i := range all {
		all[i] = post(t, l, bot)
	}
	return all
}

// background runs calls, and waits until they wait.
func background(t *testing.T, c *Client, from netip.Prefix, calls ...lists.Call) <-chan []lists.Answer {
	t.Helper()
	done := make(chan []lists.Answer, 1)
	go func() { done <- c.Run(t.Context(), within(time.Minute), from, calls) }()
	synctest.Wait()
	return done
}

func wantStatus(t *testing.T, what string, answers []lists.Answer, want int) {
	t.Helper()
	for i, a := range answers {
		if a.Status != want {
			t.Errorf("%s: answer %d is %d %s %q, want %d", what, i, a.Status, a.Fault, a.Reason, want)
		}
	}
}

func wantInFlight(t *testing.T, c *Client, want int) {
	t.Helper()
	synctest.Wait()
	if got := c.InFlight(); got != want {
		t.Errorf("calls under way: got %d, want %d", got, want)
	}
}

// TestAListThatHangs has calls to a list that hangs hold up nobody else.
func TestAListThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		end := make(chan struct{})
		c := New(hanging(end), quiet, WithBounds(100, 12))
		hung, good := newList(t, "hang.example", "https://hang.example/:id"), newList(t, "good.example", "https://good.example/:id")
		first := background(t, c, here, post(t, hung, bot), read(t, hung, bot), post(t, hung, otherBot))
		others := background(t, c, there, post(t, hung, bot))

		start := time.Now()
		got := c.Run(t.Context(), within(time.Minute), here, []lists.Call{post(t, good, bot), post(t, hung, otherBot), read(t, good, bot)})
		if a := got[1]; a.Fault != lists.FaultBusy || a.Reason != "Too many calls to hang.example under way" || !a.NotSent() || a.Took != maxWait {
			t.Errorf("one call too many: got %+v, want busy after %s", a, maxWait)
		}
		wantStatus(t, "the good list", []lists.Answer{got[0], got[2]}, 200)
		if got[0].Took != 0 || time.Since(start) != maxWait {
			t.Errorf("the good list took %s, want nothing", got[0].Took)
		}

		waits := background(t, c, here, post(t, hung, bot))
		close(end)
		for _, done := range []<-chan []lists.Answer{first, others, waits} {
			wantStatus(t, "at the end of the hang", <-done, 200)
		}
		for _, s := range c.Breakers() {
			if s.State != "closed" {
				t.Errorf("breaker: got %+v, want closed", s)
			}
		}
		wantInFlight(t, c, 0)
	})
}

// TestLeavesWhileWaiting has a caller hang up while a call waits for its list.
func TestLeavesWhileWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		end := make(chan struct{})
		c := New(hanging(end), quiet, WithBounds(100, 1))
		hung := newList(t, "hang.example", "https://hang.example/:id")
		first := background(t, c, here, post(t, hung, bot))
		ctx, leave := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, leave)
		if a := c.Run(ctx, within(time.Minute), there, []lists.Call{post(t, hung, bot)})[0]; a.Fault != lists.FaultCanceled {
			t.Errorf("got %+v, want %s", a, lists.FaultCanceled)
		}
		if a := c.Run(t.Context(), within(2*time.Second), there, []lists.Call{read(t, hung, bot)})[0]; a.Fault != lists.FaultBusy || a.Took != 2*time.Second {
			t.Errorf("got %+v, want busy when the time of a reading is over", a)
		}
		close(end)
		<-first
	})
}

// TestAdmit makes room for requests as a whole.
func TestAdmit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		end := make(chan struct{})
		c := New(hanging(end), quiet, WithBounds(40, 100))
		hung, good := newList(t, "hang.example", "https://hang.example/:id"), newList(t, "good.example", "https://good.example/:id")
		admitted(t, c, here, good, 0).Leave()
		first, second := admitted(t, c, here, good, 6), admitted(t, c, here, good, 4)

		// One more waits, and hears that there is no room; others do not.
		start := time.Now()
		if _, err := c.Admit(t.Context(), here, posts(t, good, 1)); !errors.Is(err, shares.ErrBusy) || time.Since(start) != maxWait {
			t.Errorf("beyond the share: got %v after %s, want %v after %s", err, time.Since(start), shares.ErrBusy, maxWait)
		}
		for _, a := range c.Run(t.Context(), within(time.Minute), here, posts(t, good, 1)) {
			if a.Fault != lists.FaultBusy || a.Reason != "Too many calls under way" {
				t.Errorf("beyond the share: got %+v, want busy", a)
			}
		}
		wantStatus(t, "another network", c.Run(t.Context(), within(time.Minute), there, posts(t, good, 10)), 200)

		// Who waits comes through as soon as there is room.
		waits := background(t, c, here, posts(t, good, 4)...)
		second.Leave()
		second.Leave() // once is enough, twice is once
		wantStatus(t, "one that waited", <-waits, 200)

		// Who was admitted has room for its calls.
		wantStatus(t, "one that was admitted", first.Run(t.Context(), within(time.Minute), posts(t, good, 6), nil), 200)
		wantInFlight(t, c, 0)
		first.Leave()

		// Of a request that waits for one list, that one call counts.
		calls := append(posts(t, good, 9), post(t, hung, bot))
		room := admitted(t, c, here, good, 10)
		done := make(chan []lists.Answer, 1)
		go func() { done <- room.Run(t.Context(), within(time.Minute), calls, nil) }()
		wantInFlight(t, c, 1)
		second = admitted(t, c, here, good, 9)
		close(end)
		wantStatus(t, "one that waits for one list", <-done, 200)
		room.Leave()
		second.Leave()
		wantInFlight(t, c, 0)

		// What is larger than all there is runs alone.
		large := admitted(t, c, here, good, 41)
		if _, err := c.Admit(t.Context(), there, posts(t, good, 1)); !errors.Is(err, shares.ErrBusy) {
			t.Errorf("beside a large one: got %v, want %v", err, shares.ErrBusy)
		}
		large.Leave()
		wantInFlight(t, c, 0)
	})
}

// TestAdmittedCallsFindRoom lets requests come and go at random: those admitted
// find room, and the bound holds.
func TestAdmittedCallsFindRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const places = 40
		var mu sync.Mutex
		now, highest := 0, 0
		c := New(trip(func(*http.Request) (*http.Response, error) {
			mu.Lock()
			now++
			highest = max(highest, now)
			mu.Unlock()
			time.Sleep(rand.N(time.Second))
			mu.Lock()
			now--
			mu.Unlock()
			return status(200)
		}), quiet, WithBounds(places, places))
		l := newList(t, "list.example", "https://list.example/:id")
		var all sync.WaitGroup
		for i := range 16 {
			from := []netip.Prefix{here, there, elsewhere}[i%3]
			all.Go(func() {
				for range 30 {
					n := 1 + rand.N(10)
					room, err := c.Admit(t.Context(), from, posts(t, l, n))
					if err != nil {
						continue
					}
					if rand.N(4) > 0 { // some come no further: limited; of others some calls are held back
						wantStatus(t, "admitted", room.Run(t.Context(), within(time.Minute), posts(t, l, rand.N(n+1)), nil), 200)
					}
					room.Leave()
				}
			})
		}
		all.Wait()
		if highest > places || highest < 2 {
			t.Errorf("calls at once: got %d, want up to %d", highest, places)
		}
		wantInFlight(t, c, 0)
	})
}

// large is a transport that answers with so many bytes, and so many calls that
// wait for a signal after them.
func large(size int, known bool) trip {
	return func(*http.Request) (*http.Response, error) {
		resp := &http.Response{StatusCode: http.StatusOK, ContentLength: -1, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(make([]byte, size)))}
		if known {
			resp.ContentLength = int64(size)
		}
		return resp, nil
	}
}

// TestMemory has answers that do not fit into the memory fail, and say so.
func TestMemory(t *testing.T) {
	t.Parallel()
	const budgetBytes = 16 << 20
	for _, known := range []bool{true, false} {
		t.Run(fmt.Sprintf("size known: %t", known), func(t *testing.T) {
			t.Parallel()
			budget := shares.New(shares.Options{Capacity: budgetBytes})
			c := New(large(400<<10, known), quiet, WithMemory(budget))
			var all []lists.Call
			for i := range 12 {
				all = append(all, read(t, newList(t, fmt.Sprintf("list%d.example", i), "https://list.example/:id"), bot))
			}
			room, err := c.Admit(t.Context(), here, all)
			if err != nil {
				t.Fatal(err)
			}
			fit := 0
			for _, a := range room.Run(t.Context(), within(time.Minute), all, nil) {
				switch {
				case a.Status == 200 && len(a.Body) == 400<<10:
					fit++
				case a.Fault != lists.FaultMemory || a.Reason != "Answer does not fit into the memory that is left" || a.NotSent():
					t.Errorf("got %d %s %q, want 200 or %s", a.Status, a.Fault, a.Reason, lists.FaultMemory)
				}
			}
			if fit == 0 || fit*400<<10*answerCost > budgetBytes/4 {
				t.Errorf("%d answers fit into a quarter of 16 MiB", fit)
			}
			if held := budget.Usage().Held; held < int64(fit*(400<<10-freeAnswer)*answerCost) || held > budgetBytes/4 {
				t.Errorf("held for %d answers: got %d bytes", fit, held)
			}
			kept := room.Memory().Share()
			room.Leave()
			if budget.Usage().Held == 0 {
				t.Error("an answer that is shared costs no memory")
			}
			kept.Release()
			if held := budget.Usage().Held; held != 0 {
				t.Errorf("held at the end: got %d bytes, want none", held)
			}
			for _, s := range c.Breakers() {
				if s.State != "closed" {
					t.Errorf("breaker: got %+v, want closed", s)
				}
			}
		})
	}
}

// TestMemoryOfPosts has what is sent count for as long as it is sent.
func TestMemoryOfPosts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		end := make(chan struct{})
		budget := shares.New(shares.Options{Capacity: 4 << 20, MaxWaiting: 100, MaxWait: maxWait})
		c := New(hanging(end), quiet, WithMemory(budget))
		l := newList(t, "hang.example", "https://hang.example/:id", func(e *lists.Entry) { e.APIShards = "shards" })
		call, skipped := l.PlanPost(lists.Count{BotID: bot, Shards: make([]int64, 20_000)}, lists.NewToken(secret, ""), "test")
		if skipped != nil {
			t.Fatal(skipped)
		}
		if size := len(call.Wire().Body); call.Size() < size || call.Size() > 20*size {
			t.Fatalf("size of %d bytes: got %d", size, call.Size())
		}
		many := []lists.Call{call, call}
		first := background(t, c, here, many...)
		if held := budget.Usage().Held; held != int64(2*call.Size()) {
			t.Errorf("held: got %d bytes, want %d", held, 2*call.Size())
		}
		if _, err := c.Admit(t.Context(), here, many); !errors.Is(err, shares.ErrBusy) {
			t.Errorf("beyond the share: got %v, want %v", err, shares.ErrBusy)
		}
		others := background(t, c, there, many...)
		close(end)
		wantStatus(t, "sent", <-first, 200)
		wantStatus(t, "sent by others", <-others, 200)
		synctest.Wait()
		if held := budget.Usage().Held; held != 0 || c.InFlight() != 0 {
			t.Errorf("at the end: got %d bytes and %d calls, want none", held, c.InFlight())
		}
	})
}

// TestGzipMembers reads texts of several members, and zeros after them.
func TestGzipMembers(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("some text ", 1000)
	for name, tt := range map[string]struct {
		body, want, reason string
	}{
		"one":                    {zipped(text), text, ""},
		"zeros at the end":       {zipped(text) + strings.Repeat("\x00", 5000), text, ""},
		"two":                    {zipped(text) + zipped("more"), text + "more", ""},
		"zeros between":          {zipped("a") + "\x00\x00" + zipped("b") + "\x00", "ab", ""},
		"garbage at the end":     {zipped(text) + "garbage of some length", "", "Answer says gzip and is not"},
		"a member that is short": {zipped(text) + zipped("more")[:12], "", "Answer cut short"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := New(trip(func(*http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: http.StatusOK, ContentLength: int64(len(tt.body)), Header: http.Header{"Content-Encoding": {"gzip"}}, Body: io.NopCloser(strings.NewReader(tt.body))}, nil
			}), quiet)
			a := run1(t, c, post(t, newList(t, "list.example", "https://list.example/:id"), bot), time.Minute)
			if string(a.Body) != tt.want || a.Reason != tt.reason {
				t.Errorf("got %d bytes and %q, want %d and %q", len(a.Body), a.Reason, len(tt.want), tt.reason)
			}
		})
	}
}

// TestHeard has a run tell of each answer as it comes, before the others have.
func TestHeard(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		end := make(chan struct{})
		c := New(hanging(end), quiet)
		hung, good := newList(t, "hang.example", "https://hang.example/:id"), newList(t, "good.example", "https://good.example/:id")
		calls := []lists.Call{post(t, hung, bot), read(t, good, bot)}
		room, err := c.Admit(t.Context(), here, calls)
		if err != nil {
			t.Fatal(err)
		}
		defer room.Leave()
		heard := make(chan int, len(calls))
		done := make(chan []lists.Answer, 1)
		go func() {
			done <- room.Run(t.Context(), within(time.Minute), calls, func(i int, a *lists.Answer) {
				if a.Status != 200 {
					t.Errorf("answer %d is heard of as %+v, want 200", i, a)
				}
				heard <- i
			})
		}()
		synctest.Wait()
		if n := len(heard); n != 1 || <-heard != 1 {
			t.Errorf("%d answers are heard of, want that of the good list", n)
		}
		close(end)
		wantStatus(t, "at the end", <-done, 200)
		if n := len(heard); n != 1 || <-heard != 0 {
			t.Errorf("%d more answers are heard of, want that of the list that hung", n)
		}
	})
}

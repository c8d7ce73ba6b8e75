package main

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"aggregator/internal/testkit"
)

// limited is the body of a 429.
type limited struct {
	Error   bool
	Status  int
	Retry   int64  `json:"retry_after"`
	Reset   int64  `json:"ratelimit_reset"`
	Method  string `json:"ratelimit_method"`
	Route   string `json:"ratelimit_route"`
	IP      string `json:"ratelimit_ip"`
	BotID   string `json:"ratelimit_bot_id"`
	Message string `json:"message"`
}

func parseLimited(t *testing.T, a answer) limited {
	t.Helper()
	var l limited
	if a.Status != 429 || json.Unmarshal([]byte(a.Body), &l) != nil {
		t.Fatalf("%d %s, want 429", a.Status, a.Body)
	}
	return l
}

func (s *running) count(t *testing.T, bot string, headers ...string) answer {
	t.Helper()
	return testkit.Send(t, "POST", s.Base+"/api/count", countBody(bot, `"one.test":"t"`), headers...)
}

func TestLimitAnswers(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.bootLimited(t)
	bot := newBot()
	for _, row := range []struct {
		name, method, path, body, policy string
		period                           time.Duration
	}{
		{"count", "POST", "/api/count", countBody(bot, `"one.test":"t"`), "count", 120 * time.Second},
		{"bot", "GET", "/api/bots/" + bot, "", "bots", 30 * time.Second},
	} {
		t.Run(row.name, func(t *testing.T) {
			before := time.Now()
			first := testkit.Send(t, row.method, s.Base+row.path, row.body)
			opened := time.Now()
			first.Want(t, 200)
			second := testkit.Send(t, row.method, s.Base+row.path+"/?x=1", row.body)
			after := time.Now()
			l := parseLimited(t, second)

			// The window opened between before and opened, and ends a period later.
			least, most := int64(math.Ceil((row.period - after.Sub(before)).Seconds())), int64(math.Ceil(row.period.Seconds()))
			if l.Retry < least || l.Retry > most {
				t.Errorf("retry_after %d, want %d to %d", l.Retry, least, most)
			}
			const store = time.Millisecond // to which it rounds up
			if reset := time.Unix(l.Reset, 0); reset.Before(before.Add(row.period)) || reset.After(opened.Add(row.period+store+time.Second)) {
				t.Errorf("ratelimit_reset %s, want the second after %s", reset, before.Add(row.period))
			}
			want := limited{true, 429, l.Retry, l.Reset, row.method, row.path, "127.0.0.1", bot, fmt.Sprintf("Too many requests: try again in %d s", l.Retry)}
			if l != want {
				t.Errorf("%+v, want %+v", l, want)
			}
			wantKeys(t, "the answer", keys(t, second.Body), "error", "status", "retry_after", "ratelimit_reset",
				"ratelimit_method", "ratelimit_route", "ratelimit_ip", "ratelimit_bot_id", "message")
			policy := fmt.Sprintf("%q;q=1;w=%d", row.policy, int(row.period.Seconds()))
			for h, want := range map[string]string{
				"Content-Type": "application/json", "Retry-After": fmt.Sprint(l.Retry), "X-Rate-Limit-Reset": fmt.Sprint(l.Reset),
				"X-Rate-Limit-Method": row.method, "X-Rate-Limit-Route": row.path, "X-Rate-Limit-IP": "127.0.0.1", "X-Rate-Limit-Bot-ID": bot,
				"RateLimit-Policy": policy, "RateLimit": fmt.Sprintf("%q;r=0;t=%d", row.policy, l.Retry), "Access-Control-Allow-Origin": "*",
			} {
				if got := second.Header.Get(h); got != want {
					t.Errorf("%s: %q, want %q", h, got, want)
				}
			}
			if got := first.Header.Get("RateLimit-Policy"); got != policy {
				t.Errorf("RateLimit-Policy of the first %q, want %q", got, policy)
			}
			var left int64
			if _, err := fmt.Sscanf(first.Header.Get("RateLimit"), `"`+row.policy+`";r=0;t=%d`, &left); err != nil || left < least || left > most {
				t.Errorf("RateLimit of the first %q", first.Header.Get("RateLimit"))
			}
			if first.Header.Get("Retry-After") != "" || first.Header.Get("X-Rate-Limit-Reset") != "" {
				t.Errorf("the first has headers of a 429: %v", first.Header)
			}
		})
	}
}

func TestLimitScopes(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.bootLimited(t, "--trusted-proxies", "127.0.0.0/8")
	bot := newBot()
	const from = "X-Forwarded-For"
	s.count(t, bot, from, "192.0.2.1").Want(t, 200)
	for _, row := range []struct {
		name   string
		answer answer
		status int
	}{
		{"same bot and address", s.count(t, bot, from, "192.0.2.1"), 429},
		{"other bot", s.count(t, newBot(), from, "192.0.2.1"), 200},
		{"other address", s.count(t, bot, from, "192.0.2.2"), 200},
		{"other route", testkit.Send(t, "GET", s.Base+"/api/bots/"+bot, "", from, "192.0.2.1"), 200},
		{"same address as IPv6", s.count(t, bot, from, "::ffff:192.0.2.1"), 429},
		{"trailing slash", testkit.Send(t, "POST", s.Base+"/api/count/", countBody(bot, `"one.test":"t"`), from, "192.0.2.1"), 429},
		{"query", testkit.Send(t, "POST", s.Base+"/api/count?x=1", countBody(bot, `"one.test":"t"`), from, "192.0.2.1"), 429},
		{"escaped path", testkit.Send(t, "POST", s.Base+"/api/%63ount", countBody(bot, `"one.test":"t"`), from, "192.0.2.1"), 429},
		{"other list and count", testkit.Send(t, "POST", s.Base+"/api/count", `{"bot_id":"`+bot+`","server_count":6,"two.test":"t"}`, from, "192.0.2.1"), 429},
		{"lookup in the GET's window", testkit.Send(t, "POST", s.Base+"/api/bots/"+bot+"/lookup", `{"keyed.test":"k"}`, from, "192.0.2.1"), 429},
		{"GET again", testkit.Send(t, "GET", s.Base+"/api/bots/"+bot+"/?x=1", "", from, "192.0.2.1"), 429},
		{"GET, escaped path", testkit.Send(t, "GET", s.Base+"/api/bots/%3"+bot[:1]+bot[1:], "", from, "192.0.2.1"), 429},
		{"IPv6", s.count(t, bot, from, "2001:db8:0:1::1"), 200},
		{"IPv6, same /64", s.count(t, bot, from, "2001:db8:0:1:ffff:ffff:ffff:ffff"), 429},
		{"IPv6, other /64", s.count(t, bot, from, "2001:db8:0:2::1"), 200},
	} {
		t.Run(row.name, func(t *testing.T) { row.answer.Want(t, row.status) })
	}
	t.Run("GET in the lookup's window", func(t *testing.T) {
		bot := newBot()
		first := testkit.Send(t, "POST", s.Base+"/api/bots/"+bot+"/lookup", `{"keyed.test":"k"}`)
		first.Want(t, 200)
		if got := first.Header.Get("RateLimit-Policy"); got != `"bots";q=1;w=30` {
			t.Errorf("RateLimit-Policy %q", got)
		}
		testkit.Send(t, "GET", s.Base+"/api/bots/"+bot, "").Want(t, 429)
		l := parseLimited(t, testkit.Send(t, "POST", s.Base+"/api/bots/"+bot+"/lookup/", "{}"))
		if l.Route != "/api/bots/"+bot+"/lookup" || l.Method != "POST" || l.BotID != bot {
			t.Errorf("%+v", l)
		}
	})
}

// TestLimitUse looks at which requests use a window, and which are answered
// inside one.
func TestLimitUse(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.bootLimited(t)
	countURL := s.Base + "/api/count"
	free := []struct {
		name, url, body string
		status          int
	}{
		{"400", countURL, countBody("BOT", `"shard_id":"x","one.test":"t"`), 400},
		{"400, no JSON", countURL, `{"bot_id":"BOT"`, 400},
		{"413", countURL, countBody("BOT", `"x":"`+strings.Repeat("x", 256<<10)+`"`), 413},
		{"no list", countURL, countBody("BOT", ``), 200},
		{"all skipped", countURL, countBody("BOT", `"dead.test":"t","nowhere":"t","one.test":null`), 200},
		{"dry run", countURL + "?dry_run=1", countBody("BOT", `"one.test":"t"`), 200},
		{"dry run, 400", countURL + "?dry_run=1", `{"bot_id":"BOT"}`, 400},
	}
	for _, row := range free {
		t.Run(row.name+" uses none", func(t *testing.T) {
			bot := newBot()
			a := testkit.Send(t, "POST", row.url, strings.Replace(row.body, "BOT", bot, 1))
			a.Want(t, row.status)
			if a.Header.Get("RateLimit") != "" {
				t.Errorf("tells of a window: %q", a.Header.Get("RateLimit"))
			}
			s.count(t, bot).Want(t, 200)
		})
		t.Run(row.name+" inside one", func(t *testing.T) {
			bot := newBot()
			s.count(t, bot).Want(t, 200)
			first := parseLimited(t, s.count(t, bot))
			testkit.Send(t, "POST", row.url, strings.Replace(row.body, "BOT", bot, 1)).Want(t, row.status)
			if again := parseLimited(t, s.count(t, bot)); again.Reset != first.Reset {
				t.Errorf("the window's end moved from %d to %d", first.Reset, again.Reset)
			}
		})
	}
	t.Run("all held back inside one", func(t *testing.T) {
		bot := newBot()
		paced := countBody(bot, `"paced.test":"`+bot+`"`)
		testkit.Send(t, "POST", countURL, paced).Want(t, 200)
		a := testkit.Send(t, "POST", countURL, paced)
		a.Want(t, 200)
		if !strings.Contains(a.Body, "Paced: ") {
			t.Error(a.Body)
		}
	})
	t.Run("a bad id of a bot", func(t *testing.T) {
		for range 2 {
			testkit.Send(t, "GET", s.Base+"/api/bots/x", "").Want(t, 400)
		}
	})
	t.Run("a lookup's 400", func(t *testing.T) {
		bot := newBot()
		testkit.Send(t, "POST", s.Base+"/api/bots/"+bot+"/lookup", "[]").Want(t, 400)
		testkit.Send(t, "GET", s.Base+"/api/bots/"+bot, "").Want(t, 200)
		testkit.Send(t, "POST", s.Base+"/api/bots/"+bot+"/lookup", "[]").Want(t, 400)
	})
	t.Run("failing lists use one", func(t *testing.T) {
		for name, list := range map[string]string{"refused": "refused.test", "500": "hidden.test"} {
			r.On("hidden.test", testkit.Say(500, "text/plain", "no"))
			bot := newBot()
			a := testkit.Send(t, "POST", countURL, countBody(bot, `"`+list+`":"t"`))
			if a.Status != 200 || a.Header.Get("RateLimit") == "" {
				t.Errorf("%s: %d %s", name, a.Status, a.Body)
			}
			s.count(t, bot).Want(t, 429)
		}
	})
	t.Run("open circuits use one", func(t *testing.T) {
		post := func(bot string) answer {
			return testkit.Send(t, "POST", countURL, countBody(bot, `"refused.test":"t"`))
		}
		testkit.Wait(t, "the circuit to open", func() bool { return strings.Contains(post(newBot()).Body, "Circuit open") })
		bot := newBot()
		if a := post(bot); a.Status != 200 || !strings.Contains(a.Body, "Circuit open") {
			t.Errorf("%d %s", a.Status, a.Body)
		}
		post(bot).Want(t, 429)
	})
	t.Run("a 429 extends none", func(t *testing.T) {
		bot := newBot()
		s.count(t, bot).Want(t, 200)
		first := parseLimited(t, s.count(t, bot))
		for range 10 {
			if l := parseLimited(t, s.count(t, bot)); l.Reset != first.Reset || l.Retry > first.Retry {
				t.Fatalf("%+v, after %+v", l, first)
			}
		}
	})
}

// TestLimitEnds waits as long as a 429 says.
func TestLimitEnds(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.bootLimited(t, "--limit-count", "2/2s", "--limit-bots", "1/1s")
	bot := newBot()
	s.count(t, bot).Want(t, 200)
	second := s.count(t, bot)
	second.Want(t, 200)
	if got := second.Header.Get("RateLimit-Policy"); got != `"count";q=2;w=2` {
		t.Errorf("RateLimit-Policy %q", got)
	}
	l := parseLimited(t, s.count(t, bot))
	if l.Retry < 1 || l.Retry > 2 {
		t.Errorf("retry_after %d", l.Retry)
	}
	testkit.Send(t, "GET", s.Base+"/api/bots/"+bot, "").Want(t, 200)
	read := parseLimited(t, testkit.Send(t, "GET", s.Base+"/api/bots/"+bot, ""))
	if read.Retry != 1 {
		t.Errorf("retry_after %d, want 1", read.Retry)
	}
	time.Sleep(time.Duration(max(l.Retry, read.Retry)) * time.Second)
	s.count(t, bot).Want(t, 200)
	testkit.Send(t, "GET", s.Base+"/api/bots/"+bot, "").Want(t, 200)
}

// TestLimitIsExact sends many requests of one scope at once.
func TestLimitIsExact(t *testing.T) {
	t.Parallel()
	for _, store := range []string{"memory:", "sqlite:" + filepath.Join(t.TempDir(), "a.db")} {
		name, _, _ := strings.Cut(store, ":")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			s := r.bootLimited(t, "--store", store)
			bot := newBot()
			for what, one := range map[string]func() answer{
				"count": func() answer { return s.count(t, bot) },
				"bot":   func() answer { return testkit.Send(t, "GET", s.Base+"/api/bots/"+bot, "") },
			} {
				r.Take()
				const requests = 64
				answers := make([]answer, requests)
				ready := make(chan struct{})
				var wg sync.WaitGroup
				for i := range requests {
					wg.Go(func() { <-ready; answers[i] = one() })
				}
				close(ready)
				wg.Wait()
				passed, refused := 0, 0
				for _, a := range answers {
					switch a.Status {
					case http.StatusOK:
						passed++
					case http.StatusTooManyRequests:
						refused++
					}
				}
				posts := 0
				for _, seen := range r.Take() {
					if seen.List == "one.test" {
						posts++
					}
				}
				if passed != 1 || refused != requests-1 || posts != 1 {
					t.Errorf("%s: %d passed, %d were refused, one.test was asked %d times", what, passed, refused, posts)
				}
			}
		})
	}
}

// TestCallersAddress tells by the address in a 429 whom the service believes.
func TestCallersAddress(t *testing.T) {
	t.Parallel()
	type row struct {
		name   string
		header []string // the header's lines
		ip     string
	}
	check := func(name, header string, rows []row, args ...string) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			s := r.bootLimited(t, args...)
			for _, row := range rows {
				t.Run(row.name, func(t *testing.T) {
					bot := newBot()
					for _, status := range []int{200, 429} {
						req, err := http.NewRequestWithContext(t.Context(), "POST", s.Base+"/api/count", strings.NewReader(countBody(bot, `"one.test":"t"`)))
						if err != nil {
							t.Fatal(err)
						}
						req.Header[http.CanonicalHeaderKey(header)] = row.header
						resp, err := testkit.Client.Do(req)
						if err != nil {
							t.Fatal(err)
						}
						resp.Body.Close()
						if resp.StatusCode != status {
							t.Fatalf("%d, want %d", resp.StatusCode, status)
						}
						if got := resp.Header.Get("X-Rate-Limit-IP"); status == 429 && got != row.ip {
							t.Errorf("%s, want %s", got, row.ip)
						}
					}
				})
			}
		})
	}
	check("no trusted proxy", "X-Forwarded-For", []row{
		{"none", nil, "127.0.0.1"},
		{"one", []string{"192.0.2.1"}, "127.0.0.1"},
		{"loopback", []string{"127.0.0.9"}, "127.0.0.1"},
	})
	check("other proxies are trusted", "X-Forwarded-For", []row{
		{"one", []string{"192.0.2.1"}, "127.0.0.1"},
	}, "--trusted-proxies", "10.0.0.0/8,2001:db8::/32")
	check("the peer is trusted", "X-Forwarded-For", []row{
		{"none", nil, "127.0.0.1"},
		{"one", []string{"192.0.2.1"}, "192.0.2.1"},
		{"the rightmost", []string{"198.51.100.1, 192.0.2.1"}, "192.0.2.1"},
		{"the rightmost that is not trusted", []string{"198.51.100.1, 192.0.2.1, 10.0.0.7, 127.0.0.1"}, "192.0.2.1"},
		{"in several lines", []string{"198.51.100.1", "192.0.2.1", "10.0.0.7"}, "192.0.2.1"},
		{"what is left of garbage is not believed", []string{"198.51.100.1, unknown, 10.0.0.7"}, "10.0.0.7"},
		{"IPv6", []string{"2001:db8::1"}, "2001:db8::1"},
		{"IPv4 in IPv6", []string{"::ffff:192.0.2.1"}, "192.0.2.1"},
		{"with a port", []string{"192.0.2.1:1234"}, "192.0.2.1"},
	}, "--trusted-proxies", "127.0.0.0/8, 10.0.0.0/8")
	check("CF-Connecting-IP", "CF-Connecting-IP", []row{{"one", []string{"192.0.2.1"}, "192.0.2.1"}},
		"--trusted-proxies", "127.0.0.1", "--client-ip-header", "CF-Connecting-IP")
	check("X-Real-IP", "X-Real-IP", []row{{"one", []string{"2001:db8::1"}, "2001:db8::1"}},
		"--trusted-proxies", "127.0.0.1", "--client-ip-header", "X-Real-IP")
	check("another header than the one named", "X-Forwarded-For", []row{{"one", []string{"192.0.2.1"}, "127.0.0.1"}},
		"--trusted-proxies", "127.0.0.1", "--client-ip-header", "X-Real-IP")
}

func TestLimitsOff(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	bot := newBot()
	t.Run("count", func(t *testing.T) {
		s := r.bootLimited(t, "--limit-count", "off")
		for range 3 {
			s.count(t, bot).Want(t, 200)
		}
		testkit.Send(t, "GET", s.Base+"/api/bots/"+bot, "").Want(t, 200)
		testkit.Send(t, "GET", s.Base+"/api/bots/"+bot, "").Want(t, 429)
	})
	t.Run("bots", func(t *testing.T) {
		s := r.bootLimited(t, "--limit-bots", "off")
		for i := range 3 {
			if b := s.read(t, bot); b.Header.Get("RateLimit") != "" {
				t.Errorf("reading %d tells of a limit", i)
			}
		}
		s.count(t, bot).Want(t, 200)
		s.count(t, bot).Want(t, 429)
	})
}

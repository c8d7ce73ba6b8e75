package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"aggregator/internal/testkit"
)

// attackerIP is the one network that attacks.
const attackerIP = "203.0.113.66"

// attackerToken is what the lists of an attack know an attacker by.
const attackerToken = "attacker-token"

// anAttack is what one network does to the service while others use it.
type anAttack struct {
	name string
	// target is the entry of target.test, to which honest callers post too; ""
	// for none.
	target string
	// answers is what target.test answers an attacker; it takes the counts of
	// others.
	answers http.HandlerFunc
	large   int  // lists of large answers to be read
	limited bool // the limit of networks is on
	attack  func(*attackers)
}

var attacks = []anAttack{
	{name: "a token that is its own mask", attack: func(a *attackers) {
		a.repeat(20, func() { a.post("*", "echo.test") })
	}},
	{name: "a token that is echoed in escapes", attack: func(a *attackers) {
		a.repeat(20, func() { a.post("a+b/c=d%e&f<g>h", "echo.test") })
	}},
	{name: "answers that nobody reads", large: 20, attack: func(a *attackers) {
		a.connect(100, func(net.Conn) {}, "GET /api/bots/"+newBot()+" HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: "+attackerIP+"\r\n\r\n")
	}},
	{name: "bodies that come slowly", attack: func(a *attackers) {
		a.connect(500, func(c net.Conn) {
			for range time.Tick(100 * time.Millisecond) {
				if _, err := io.WriteString(c, " "); err != nil {
					return
				}
			}
		}, slowPost)
	}},
	{name: "bodies that stall", attack: func(a *attackers) { a.connect(500, func(net.Conn) {}, slowPost) }},
	{name: "posts to a list that hangs", attack: func(a *attackers) {
		a.repeat(200, func() { a.post("t", "hang.test") })
	}},
	{name: "dry runs of many shards", attack: func(a *attackers) {
		a.repeat(50, func() { a.dryRun(131_000) })
		a.repeat(50, func() { a.dryRun(20_000) })
	}},
	{name: "readings of large answers", large: 20, attack: func(a *attackers) {
		a.once(100, func() { a.ask("GET", "/api/bots/"+newBot(), "") })
	}},
	{name: "as many bots as there are", limited: true, attack: func(a *attackers) {
		a.repeat(50, func() { a.post("t", "good.test") })
	}},
	{name: "two bots to open a circuit", target: `api_post: "http://ADDR/target.test/:id", api_field: n`, answers: testkit.Reset,
		attack: func(a *attackers) {
			first, second := newBot(), newBot()
			a.repeat(4, func() { a.postFor(first, attackerToken, "target.test") })
			a.repeat(4, func() { a.postFor(second, attackerToken, "target.test") })
		}},
	{name: "readings of a list that limits our address",
		target: `api_post: "http://ADDR/target.test/:id", api_field: n, api_get: "http://ADDR/target.test/:id", post: {limits: [{per: address, requests: 6000, seconds: 60}]}`,
		attack: func(a *attackers) { a.repeat(20, func() { a.ask("GET", "/api/bots/"+newBot(), "") }) }},
	{name: "garbage tokens that are to wait",
		target:  `api_post: "http://ADDR/target.test/:id", api_field: n, post: {limits: [{per: address, requests: 6000, seconds: 60}]}`,
		answers: refuseFor(http.StatusUnauthorized, "3600"),
		attack: func(a *attackers) {
			a.repeat(4, func() { a.postFor(newBot(), attackerToken+newBot(), "target.test") })
		}},
	{name: "one token's own limit", target: `api_post: "http://ADDR/target.test/:id", api_field: n`, answers: refuseFor(http.StatusTooManyRequests, "3600"),
		attack: func(a *attackers) { a.repeat(4, func() { a.postFor(newBot(), attackerToken, "target.test") }) }},
}

// slowPost is the beginning of a post whose body is long.
const slowPost = "POST /api/count HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: " + attackerIP + "\r\nContent-Length: 200000\r\n\r\n{"

func refuseFor(status int, retryAfter string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", retryAfter)
		w.WriteHeader(status)
	}
}

// attackTime returns how long each attack lasts, and how soon an honest caller
// is to be served: in `make attack` as soon as promised, elsewhere, where other
// tests run beside it, at all.
func attackTime(t *testing.T) (lasts, within time.Duration) {
	t.Helper()
	said := os.Getenv("ATTACK")
	if said == "" {
		return 500 * time.Millisecond, time.Minute
	}
	lasts, err := time.ParseDuration(said)
	if err != nil || lasts <= 0 {
		t.Fatalf("ATTACK=%s, want how long each attack lasts, such as 10s", said)
	}
	return lasts, 2 * time.Second
}

// TestAttacks has one network attack while other callers, each of a network of
// its own, post counts: of these at least 95 % are served in time, and memory
// stays bounded.
func TestAttacks(t *testing.T) {
	const maxMemory = 400 // MB
	lasts, within := attackTime(t)
	for _, row := range attacks {
		t.Run(row.name, func(t *testing.T) {
			p := row.start(t)
			honest := &honestCallers{base: p.Base, lists: []string{"good.test"}, within: within}
			if row.target != "" {
				honest.lists = append(honest.lists, "target.test")
			}
			honest.call(t) // and their token is known from now on
			ctx, cancel := context.WithCancel(t.Context())
			a := newAttackers(ctx, p.Base)
			row.attack(a)
			testkit.Wait(t, "the attack to begin", func() bool { return a.begun.Load() > 0 })
			honest.callFor(t, lasts)
			cancel()
			a.all.Wait()

			served, all := honest.served.Load(), honest.all.Load()
			peak := p.peakMemory(t)
			t.Logf("%d of %d honest callers were served, the slowest after %s; the attackers were heard %d times; peak memory %d MB",
				served, all, time.Duration(honest.slowest.Load()).Round(time.Millisecond), a.begun.Load(), peak)
			if served*100 < all*95 {
				t.Errorf("%d of %d honest callers were served within %s, want 95 %%; the last one was told: %v", served, all, within, honest.failed.Load())
			}
			if peak >= maxMemory {
				t.Errorf("peak memory is %d MB, want less than %d", peak, maxMemory)
			}
			testkit.Send(t, "GET", p.Base+"/api/health", "").Want(t, http.StatusOK)
		})
	}
}

// start runs the service on the lists of an attack.
func (row anAttack) start(t *testing.T) *process {
	t.Helper()
	r := newRig(t)
	large := strings.Repeat(`"`, 500<<10) // doubles in JSON
	var yaml strings.Builder
	yaml.WriteString("lists:\n")
	entry := func(id, more string) {
		fmt.Fprintf(&yaml, "  %s: {name: L, url: \"https://%s/\", %s}\n", id, id, strings.ReplaceAll(more, "ADDR", r.Addr))
	}
	for _, id := range []string{"good.test", "hang.test", "echo.test"} {
		entry(id, `api_post: "http://ADDR/`+id+`/:id", api_field: n`)
	}
	for i := range row.large {
		id := fmt.Sprintf("large%d.test", i)
		entry(id, `api_get: "http://ADDR/`+id+`/:id"`)
		r.On(id, testkit.Say(200, "text/plain", large))
	}
	r.On("hang.test", testkit.Hang)
	r.On("echo.test", func(w http.ResponseWriter, q *http.Request) {
		token := q.Header.Get("Authorization")
		for _, echo := range []string{token, escapeEach(token, `%%%02x`), escapeEach(token, `\u%04X`), escapeEach(token, `&#x%x;`), escapeEach(token, `%%25%02X`)} {
			_, _ = io.WriteString(w, strings.Repeat(echo+" ", (90<<10)/len(echo)))
		}
	})
	if row.target != "" {
		entry("target.test", row.target)
		r.On("target.test", func(w http.ResponseWriter, q *http.Request) {
			if row.answers != nil && strings.HasPrefix(q.Header.Get("Authorization"), attackerToken) {
				row.answers(w, q)
				return
			}
			testkit.Say(200, kindJSON, `{"ok":true}`)(w, q)
		})
	}
	limit := "off"
	if row.limited {
		limit = "600/60s"
	}
	return start(t, nil, "serve", "--listen", anyPort, "--store", "memory:", "--trusted-proxies", "127.0.0.0/8", "--limit-network", limit,
		"--lists", write(t, "lists.yaml", yaml.String()), "--legacy-ids", write(t, "legacy_ids.yaml", ""))
}

// escapeEach writes each sign of a text in a format.
func escapeEach(text, format string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		fmt.Fprintf(&b, format, c)
	}
	return b.String()
}

// attackers are the callers of one network, until ctx ends.
type attackers struct {
	ctx    context.Context
	base   string
	client *http.Client
	all    sync.WaitGroup
	begun  atomic.Int64 // requests that were answered, and connections that were opened
}

func newAttackers(ctx context.Context, base string) *attackers {
	transport := &http.Transport{MaxIdleConnsPerHost: 500}
	context.AfterFunc(ctx, transport.CloseIdleConnections)
	return &attackers{ctx: ctx, base: base, client: &http.Client{Transport: transport}}
}

// repeat has n attackers do something again and again. It counts as begun at
// once: some attacks get no answer.
func (a *attackers) repeat(n int, do func()) {
	a.begun.Add(1)
	for range n {
		a.all.Go(func() {
			for a.ctx.Err() == nil {
				do()
			}
		})
	}
}

// once has n attackers do something once, all at once.
func (a *attackers) once(n int, do func()) {
	a.begun.Add(1)
	for range n {
		a.all.Go(do)
	}
}

// connect opens n connections, on each of which something is said and more
// done. They close when the attack ends.
func (a *attackers) connect(n int, more func(net.Conn), said string) {
	for range n {
		a.all.Go(func() {
			c, err := (&net.Dialer{}).DialContext(a.ctx, "tcp", strings.TrimPrefix(a.base, "http://"))
			if err != nil {
				return
			}
			defer c.Close()
			defer context.AfterFunc(a.ctx, func() { _ = c.Close() })()
			_, _ = io.WriteString(c, said)
			a.begun.Add(1)
			more(c)
			<-a.ctx.Done()
		})
	}
}

// ask sends a request and reads its answer, whatever that is. Who is turned away
// comes again a little later: those who hammer on are no stronger for it.
func (a *attackers) ask(method, path, body string) {
	req, err := http.NewRequestWithContext(a.ctx, method, a.base+path, strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	req.Header.Set("X-Forwarded-For", attackerIP)
	resp, err := a.client.Do(req)
	if err != nil {
		return // it is over
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	a.begun.Add(1)
	if resp.StatusCode != http.StatusOK {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-a.ctx.Done():
		}
	}
}

func (a *attackers) post(token, list string) { a.postFor(newBot(), token, list) }

func (a *attackers) postFor(bot, token, list string) {
	a.ask("POST", "/api/count", countBody(bot, fmt.Sprintf("%q:%q", list, token)))
}

func (a *attackers) dryRun(shards int) {
	a.ask("POST", "/api/count?dry_run=1", countBody(newBot(), `"good.test":"t","shards":[`+strings.Repeat("1,", shards-1)+`1]`))
}

// honestCallers post counts, each from a network of its own.
type honestCallers struct {
	base   string
	lists  []string
	within time.Duration

	all, served atomic.Int64
	slowest     atomic.Int64 // nanoseconds
	failed      atomic.Value // what the last one that was not served was told
}

// call has one post a count, which counts as served when all its lists took it
// in time.
func (h *honestCallers) call(t *testing.T) {
	t.Helper()
	named := make([]string, len(h.lists))
	for i, list := range h.lists {
		named[i] = fmt.Sprintf("%q:%q", list, "honest-token")
	}
	a := postBy(t.Context(), testkit.Client, h.base+"/api/count", countBody(newBot(), strings.Join(named, ",")))
	h.all.Add(1)
	if a.took > time.Duration(h.slowest.Load()) {
		h.slowest.Store(int64(a.took))
	}
	var c counted
	if a.err == nil && a.Status == http.StatusOK {
		decode(t, []byte(a.Body), &c)
	}
	if len(c.Success) == len(h.lists) && a.took <= h.within {
		h.served.Add(1)
		return
	}
	h.failed.Store(fmt.Sprintf("%v %d %.300s after %s", a.err, a.Status, a.Body, a.took))
}

// callFor has callers post for some time, twenty a second.
func (h *honestCallers) callFor(t *testing.T, d time.Duration) {
	t.Helper()
	var all sync.WaitGroup
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(d); time.Now().Before(end); <-tick.C {
		all.Go(func() { h.call(t) })
	}
	all.Wait()
}

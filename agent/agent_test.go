package agent

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"aggregator/aggregate"
	"aggregator/catalog"
	"aggregator/internal/testkit"
	"aggregator/internal/times"
	"aggregator/lists"
	"aggregator/store"
)

// world is what an agent lives in, with a clock that moves when told: lists,
// sources, people who read notices, and a store.
type world struct {
	t     testing.TB
	store store.Store
	live  *catalog.Live
	bots  *Live
	log   testkit.Log
	yaml  string // bots.yaml

	mu      sync.Mutex
	now     time.Time
	answers map[string]func(bot string) lists.Answer // of lists, by id; 200 for others
	source  func(url string) lists.Answer            // of URLs that are read
	mail    func(url, body string) lists.Answer      // of URLs that are posted to; 204 when nil
	posts   []posted
	letters []letter
	asked   []time.Time
}

// posted is a post that a list got.
type posted struct {
	at        time.Time
	list, bot string
	sent      string
}

// letter is a notice that somebody got.
type letter struct {
	at        time.Time
	url, body string
}

// worldLists is a catalog with a list for each kind of limit.
const worldLists = `lists:
  plain.example: {name: P, url: "https://plain.example/", api_post: "https://plain.example/:id", api_field: n}
  other.example: {name: O, url: "https://other.example/", api_post: "https://other.example/:id", api_field: n}
  token.example:
    name: T
    url: "https://token.example/"
    post: {url: "https://token.example/:id", fields: {server_count: n}, revoked: [410], limits: [{per: token, requests: 1, seconds: 21600}]}
  address.example:
    name: A
    url: "https://address.example/"
    post: {url: "https://address.example/:id", fields: {server_count: n}, limits: [{per: address, requests: 1, seconds: 60}]}
  ten.example:
    name: X
    url: "https://ten.example/"
    post: {url: "https://ten.example/:id", fields: {server_count: n}, limits: [{per: address, requests: 4, seconds: 3600}]}
  gone.example: {name: G, url: "https://gone.example/", defunct: true}
`

func newWorld(t testing.TB, yaml string) *world { return newWorldOf(t, worldLists, yaml) }

func newWorldOf(t testing.TB, all, yaml string) *world {
	w := &world{t: t, now: noon, yaml: yaml, bots: &Live{}, answers: map[string]func(string) lists.Answer{}}
	w.store = store.NewMemory(store.MemoryOptions{Now: w.Now})
	t.Cleanup(func() { _ = w.store.Close() })
	path := filepath.Join(t.TempDir(), "bots.yaml")
	live, _, err := catalog.NewLive(w.bots.Beside(
		func() (*catalog.Catalog, []string, error) {
			return catalog.Load([]catalog.File{{Name: "lists.yaml", Data: []byte(all)}}, catalog.File{})
		},
		func(c *catalog.Catalog) (*Bots, []string, error) {
			if err := os.WriteFile(path, []byte(w.yaml), 0o600); err != nil {
				t.Fatal(err)
			}
			return Load(path, c, LoadOptions{})
		}))
	if err != nil {
		t.Fatal(err)
	}
	w.live = live
	return w
}

// Now returns the time of the world.
func (w *world) Now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

// reload changes bots.yaml.
func (w *world) reload(yaml string) {
	w.t.Helper()
	w.yaml = yaml
	if _, err := w.live.Reload(); err != nil {
		w.t.Fatal(err)
	}
}

// agent returns an agent that starts now.
func (w *world) agent() *Agent { return w.agentWith(w.store.State()) }

func (w *world) agentWith(state store.State) *Agent {
	hash := store.NewHasher(w.store.Secret())
	counter := aggregate.New(aggregate.Config{
		Catalog: w.live, Runner: w, Holds: aggregate.NewHolds(w.store.Windows(), hash, w.Now, w.log.Logger()), UserAgent: "test",
		Shards: w.store.Shards(), ShardTTL: 24 * time.Hour, Hash: hash,
	})
	return New(Config{
		Bots: w.bots, Catalog: w.live, State: state, Hash: hash, Now: w.Now, Log: w.log.Logger(), NoticePause: DefaultNoticePause,
		Lists: counter, Shards: counter,
		Exchange: w.exchange,
		Outbound: Outbound{DiscordAPI: DefaultDiscordAPI, UserAgent: "test"},
	})
}

// Run implements aggregate.Runner.
func (w *world) Run(_ context.Context, _ lists.Op, _ netip.Prefix, calls []lists.Call) []lists.Answer {
	answers := make([]lists.Answer, len(calls))
	for i, c := range calls {
		w.mu.Lock()
		w.posts = append(w.posts, posted{w.now, c.List.ID, c.BotID(), c.Sent()})
		answer := w.answers[c.List.ID]
		w.mu.Unlock()
		answers[i] = lists.Answer{Status: http.StatusOK}
		if answer != nil {
			answers[i] = answer(c.BotID())
		}
	}
	return answers
}

func (w *world) exchange(_ context.Context, op lists.Op, r lists.Request) lists.Answer {
	w.mu.Lock()
	defer w.mu.Unlock()
	if op.Name == notices.Name {
		if w.mail != nil {
			if a := w.mail(r.URL, string(r.Body)); a.Status/100 != 2 {
				return a
			}
		}
		w.letters = append(w.letters, letter{w.now, r.URL, string(r.Body)})
		return lists.Answer{Status: http.StatusNoContent}
	}
	w.asked = append(w.asked, w.now)
	if w.source == nil {
		return lists.Answer{Status: http.StatusOK, Body: []byte(`{"n": 5}`)}
	}
	return w.source(r.URL)
}

// run lets agents work until a time, each when it says that something is due.
func (w *world) run(until time.Time, agents ...*Agent) {
	w.t.Helper()
	for {
		next := until
		for _, a := range agents {
			at, err := a.Step(w.t.Context())
			if err != nil {
				at = w.Now().Add(awayAfter)
			}
			next = times.Earlier(next, at)
		}
		w.mu.Lock()
		if !next.After(w.now) {
			next = w.now.Add(time.Second)
		}
		w.now = times.Earlier(next, until)
		done := !w.now.Before(until)
		w.mu.Unlock()
		if done {
			return
		}
	}
}

// times returns when a list got posts of a bot, in minutes and seconds after
// noon.
func (w *world) times(list, bot string) []string {
	var all []string
	for _, p := range w.posts {
		if p.list == list && (bot == "" || p.bot == bot) {
			all = append(all, p.at.Sub(noon).Round(time.Second).String())
		}
	}
	return all
}

const urlBot = `bots: {"123456789012345678": {tokens: {plain.example: a, other.example: b}, posts: {every: 30m, count: {url: "http://bot/", server_count: n}}}}` + "\n"

func TestPostsByItself(t *testing.T) {
	w := newWorld(t, urlBot)
	a := w.agent()
	w.run(noon.Add(time.Minute), a)
	if len(w.posts) != 2 || w.posts[0].sent != `{"n":5}` {
		t.Fatalf("posts %+v within the first minute, want one to each list", w.posts)
	}
	// A restart changes nothing.
	a = w.agent()
	tick := nextTick(testBot, 30*time.Minute, noon.Add(time.Minute))
	w.run(tick.Add(-time.Second), a)
	if len(w.posts) != 2 {
		t.Errorf("posts %+v before the tick at %s", w.posts, tick)
	}
	w.run(tick.Add(time.Second), w.agent())
	if got := w.times("plain.example", ""); len(got) != 2 || !w.posts[2].at.Equal(tick) {
		t.Errorf("posts at %s, want another one at the tick %s", got, tick)
	}
	// After three days there is one post, and then the ticks go on.
	later := tick.Add(72 * time.Hour)
	w.now = later
	w.run(later.Add(time.Minute), w.agent())
	if got := w.times("plain.example", ""); len(got) != 3 {
		t.Errorf("posts at %s, want one after the downtime", got)
	}
	w.run(later.Add(31*time.Minute), w.agent())
	if got := w.times("plain.example", ""); len(got) != 4 {
		t.Errorf("posts at %s, want the next one with the next tick", got)
	}
}

func TestHeldListGetsTheNewestCountWhenItsHoldEnds(t *testing.T) {
	w := newWorld(t, `bots: {"123456789012345678": {tokens: {token.example: a}, posts: {every: 50m, count: {url: "http://bot/", server_count: n}}}}`+"\n")
	n := 0
	w.source = func(string) lists.Answer {
		n++
		return lists.Answer{Status: http.StatusOK, Body: fmt.Appendf(nil, `{"n": %d}`, n)}
	}
	w.run(noon.Add(25*time.Hour), w.agent())
	var last time.Time
	for _, p := range w.posts {
		if !last.IsZero() && p.at.Sub(last) != 6*time.Hour {
			t.Errorf("a post %s after the last one, want exactly 6h", p.at.Sub(last))
		}
		last = p.at
	}
	if len(w.posts) != 5 {
		t.Errorf("posts at %s, want five in 25 hours", w.times("token.example", ""))
	}
	if got, want := w.posts[1].sent, `{"n":8}`; got != want {
		t.Errorf("the second post is %s, want the newest count %s", got, want)
	}
}

func TestFailedListIsTriedOnceMore(t *testing.T) {
	w := newWorld(t, urlBot)
	w.answers["plain.example"] = func(string) lists.Answer { return lists.Answer{Status: 500} }
	w.run(noon.Add(2*time.Hour), w.agent())
	first := w.posts[0].at
	tick := nextTick(testBot, 30*time.Minute, first)
	var want []string
	for _, at := range []time.Time{first, first.Add(5 * time.Minute), tick, tick.Add(30 * time.Minute), tick.Add(60 * time.Minute), tick.Add(90 * time.Minute)} {
		if at.Before(noon.Add(2 * time.Hour)) {
			want = append(want, at.Sub(noon).Round(time.Second).String())
		}
	}
	if got := w.times("plain.example", ""); !slices.Equal(got, want) {
		t.Errorf("posts at %s, want %s", got, want)
	}
	if got := w.times("other.example", ""); len(got) != len(want)-1 {
		t.Errorf("posts to the other list at %s, want the ticks alone", got)
	}
}

func TestTooManyRequestsAreHeeded(t *testing.T) {
	w := newWorld(t, urlBot)
	refuse := true
	w.answers["plain.example"] = func(string) lists.Answer {
		if refuse {
			refuse = false
			return lists.Answer{Status: 429, Header: map[string][]string{"Retry-After": {"97"}}}
		}
		return lists.Answer{Status: 200}
	}
	w.run(noon.Add(5*time.Minute), w.agent())
	if len(w.posts) != 3 || w.posts[2].list != "plain.example" || w.posts[2].at.Sub(w.posts[0].at) != 97*time.Second {
		t.Errorf("posts %+v, want the list again 97s after its 429", w.posts)
	}
}

// Where a list limits our address, bots take turns: each gets as much as the
// others, whoever was accepted longest ago first.
func TestTurns(t *testing.T) {
	const bots = 7
	var yaml strings.Builder
	yaml.WriteString("bots:\n")
	for i := range bots {
		fmt.Fprintf(&yaml, "  \"%d\": {tokens: {address.example: \"token-%d\"}, posts: {every: 1m, count: {url: \"http://bot/\", server_count: n}}}\n", 123456789012345678+i, i)
	}
	for _, replicas := range []int{1, 3} {
		w := newWorld(t, yaml.String())
		agents := make([]*Agent, replicas)
		for i := range agents {
			agents[i] = w.agent()
		}
		w.run(noon.Add(2*time.Hour), agents...)
		perBot := map[string]int{}
		for i, p := range w.posts {
			perBot[p.bot]++
			if i > 0 && p.at.Sub(w.posts[i-1].at) < time.Minute {
				t.Fatalf("%d replicas: posts %s apart, and the list takes one a minute", replicas, p.at.Sub(w.posts[i-1].at))
			}
			if i >= bots && p.bot != w.posts[i-bots].bot {
				t.Errorf("%d replicas: post %d is of %s, want %s: it waits longest", replicas, i, p.bot, w.posts[i-bots].bot)
			}
		}
		if len(w.posts) < 115 || len(perBot) != bots {
			t.Errorf("%d replicas: %d posts, %v; want one a minute, of every bot", replicas, len(w.posts), perBot)
		}
	}
}

// What holds back one bot at such a list does not hold back the others.
func TestTurnsOfABotThatIsHeldBack(t *testing.T) {
	w := newWorld(t, `bots:
  "123456789012345678": {tokens: {address.example: a}, posts: {every: 10m, count: {url: "http://bot/", server_count: n}}}
  "123456789012345679": {tokens: {address.example: b}, posts: {every: 10m, count: {url: "http://bot/", server_count: n}}}
`)
	w.answers["address.example"] = func(bot string) lists.Answer {
		if bot == testBot {
			return lists.Answer{Status: http.StatusUnauthorized}
		}
		return lists.Answer{Status: 200}
	}
	w.run(noon.Add(3*time.Hour), w.agent())
	if got := w.times("address.example", "123456789012345679"); len(got) < 18 {
		t.Errorf("posts of the other bot at %s, want one with each tick", got)
	}
	if got := w.times("address.example", testBot); len(got) > 8 {
		t.Errorf("posts of the refused one at %s, want that its token rests", got)
	}
}

func TestReplicas(t *testing.T) {
	w := newWorld(t, urlBot)
	agents := []*Agent{w.agent(), w.agent(), w.agent()}
	for i := range 20 {
		until := noon.Add(time.Duration(i+1) * 30 * time.Minute)
		for w.Now().Before(until) {
			next := until
			var all sync.WaitGroup
			at := make([]time.Time, len(agents))
			for j, a := range agents { // all at once
				all.Go(func() { at[j], _ = a.Step(t.Context()) })
			}
			all.Wait()
			for _, at := range at {
				if at.After(w.now) {
					next = times.Earlier(next, at)
				}
			}
			w.now = next
		}
	}
	if got := w.times("plain.example", ""); len(got) != 20 && len(got) != 21 {
		t.Errorf("posts at %s, want one for each tick of 10 hours", got)
	}
	if twice := len(slices.Compact(w.times("plain.example", ""))); twice != len(w.times("plain.example", "")) {
		t.Errorf("posts at %s: a tick was posted twice", w.times("plain.example", ""))
	}
}

// A replica that ends in the middle of its work leaves the tick undone, and
// another one goes on with the next.
func TestReplicaThatDies(t *testing.T) {
	w := newWorld(t, urlBot)
	dying, other := w.agent(), w.agent()
	dying.Exchange = func(context.Context, lists.Op, lists.Request) lists.Answer { panic(errors.New("killed")) }
	w.run(noon.Add(time.Minute), dying)
	if len(w.posts) != 0 {
		t.Fatalf("posts %+v of a replica that died before", w.posts)
	}
	tick := nextTick(testBot, 30*time.Minute, noon.Add(time.Minute))
	w.run(tick.Add(time.Second), other)
	if got := w.times("plain.example", ""); len(got) != 1 || !w.posts[0].at.Equal(tick) {
		t.Errorf("posts at %s, want one at the next tick", got)
	}
}

// awayState is a State that can be away.
type awayState struct {
	store.State
	away bool
}

func (s *awayState) Load(ctx context.Context, keys ...store.Key) ([]store.Item, error) {
	if s.away {
		return nil, store.ErrAway
	}
	return s.State.Load(ctx, keys...)
}

func (s *awayState) Save(ctx context.Context, holder store.Key, items ...store.Item) ([]bool, error) {
	if s.away {
		return nil, store.ErrAway
	}
	return s.State.Save(ctx, holder, items...)
}

func (s *awayState) Claim(ctx context.Context, holder store.Key, lease time.Duration, keys ...store.Key) ([]store.Claimed, error) {
	if s.away {
		return nil, store.ErrAway
	}
	return s.State.Claim(ctx, holder, lease, keys...)
}

func TestStoreThatIsAway(t *testing.T) {
	w := newWorld(t, urlBot)
	state := &awayState{State: w.store.State()}
	a := w.agentWith(state)
	w.run(noon.Add(time.Minute), a)
	state.away = true
	w.run(noon.Add(5*time.Hour), a)
	if got := w.times("plain.example", ""); len(got) != 1 {
		t.Errorf("posts at %s, want none without the store", got)
	}
	state.away = false
	w.run(noon.Add(5*time.Hour+10*time.Second), a)
	if got := w.times("plain.example", ""); len(got) != 2 {
		t.Errorf("posts at %s, want one as soon as the store is back", got)
	}
	// An agent that starts without the store begins when it is back.
	state.away = true
	a = w.agentWith(state)
	w.run(noon.Add(7*time.Hour), a)
	state.away = false
	w.run(noon.Add(7*time.Hour+10*time.Second), a)
	if got := w.times("plain.example", ""); len(got) != 3 {
		t.Errorf("posts at %s, want another one", got)
	}
}

func TestRevokedToken(t *testing.T) {
	const yaml = `bots: {"123456789012345678": {tokens: {token.example: %s}, posts: {every: 30m, count: {url: "http://bot/", server_count: n}}, notify: "https://me.example/"}}` + "\n"
	w := newWorld(t, fmt.Sprintf(yaml, "old"))
	w.answers["token.example"] = func(string) lists.Answer { return lists.Answer{Status: http.StatusGone} }
	a := w.agent()
	w.run(noon.Add(30*time.Hour), a)
	if got := w.times("token.example", ""); len(got) != 1 {
		t.Errorf("posts at %s, want none after the token was revoked", got)
	}
	if len(w.letters) != 1 || !strings.Contains(w.letters[0].body, `"what":"token_revoked","list":"token.example"`) || w.letters[0].at.Sub(w.posts[0].at) != time.Minute {
		t.Errorf("letters %+v, want one, a minute after", w.letters)
	}
	delete(w.answers, "token.example")
	w.reload(fmt.Sprintf(yaml, "new"))
	w.run(noon.Add(31*time.Hour), a)
	if got := w.times("token.example", ""); len(got) != 2 {
		t.Errorf("posts at %s, want one with the new token at the next tick", got)
	}
	if len(w.letters) != 2 || !strings.Contains(w.letters[1].body, `"problems":[],"solved":[{"what":"token_revoked","list":"token.example"`) {
		t.Errorf("letters %+v, want one that it is well again", w.letters)
	}
}

func TestPanicInAJob(t *testing.T) {
	w := newWorld(t, strings.Replace(urlBot, "bots: {", `bots: {"123456789012345679": {tokens: {other.example: `+secret+`}, posts: {every: 30m, count: {url: "http://panic/", server_count: n}}}, `, 1))
	w.source = func(url string) lists.Answer {
		if url == "http://panic/" {
			panic(secret)
		}
		return lists.Answer{Status: http.StatusOK, Body: []byte(`{"n": 5}`)}
	}
	w.run(noon.Add(time.Hour), w.agent())
	if got := w.times("plain.example", ""); len(got) < 2 {
		t.Errorf("posts of the other bot at %s, want one with each tick", got)
	}
	if log := w.log.String(); !strings.Contains(log, "a job panicked") || strings.Contains(log, secret) {
		t.Errorf("the log tells nothing of the panic, or its value: %s", log)
	}
}

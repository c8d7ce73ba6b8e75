package aggregate_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"aggregator/aggregate"
	"aggregator/catalog"
	"aggregator/httpapi"
	"aggregator/internal/testkit"
	"aggregator/lists"
	"aggregator/ratelimit"
	"aggregator/store"
	"aggregator/store/sqlite"
)

// patience is how long a call waits for its hold to end.
const patience = 3 * time.Second

const (
	firstBot  = "111111111111111111"
	secondBot = "222222222222222222"
)

// pacedLists are lists that pace their callers, each in its way.
const pacedLists = `
lists:
  address.test:
    name: Address
    url: "https://address.test/"
    api_post: "https://address.test/:id"
    api_field: n
    api_get: "https://address.test/:id"
    post: {limits: [{per: address, requests: 2, seconds: 60}]}
  body.test:
    name: Body
    url: "https://body.test/"
    api_post: "https://body.test/:id"
    api_field: n
    post: {wait: [{header: "Retry-After"}, {body: "error.wait", unit: ms}]}
  bot.test:
    name: Bot
    url: "https://bot.test/"
    api_post: "https://bot.test/:id"
    api_field: n
    post:
      success: {field: ok, is: true}
      revoked: [410]
      limits: [{per: bot, requests: 1, seconds: 21600}]
  both.test:
    name: Both
    url: "https://both.test/"
    api_post: "https://both.test/:id"
    api_field: n
    post: {limits: [{per: token, requests: 1, seconds: 60}, {per: address, requests: 2, seconds: 600}]}
  keyed.test:
    name: Keyed
    url: "https://keyed.test/"
    get:
      url: "https://keyed.test/:id"
      auth: {prefix: "Bearer "}
      limits: [{per: token, requests: 1, seconds: 60}]
  ms.test:
    name: Milliseconds
    url: "https://ms.test/"
    api_post: "https://ms.test/:id"
    api_field: n
    post: {wait: [{header: "Retry-After", unit: ms}]}
  open.test:
    name: Open
    url: "https://open.test/"
    api_post: "https://open.test/:id"
    api_field: n
    api_get: "https://open.test/:id"
  pair.test:
    name: Pair
    url: "https://pair.test/"
    api_post: "https://pair.test/:id"
    api_field: n
    post: {limits: [{per: bot, requests: 2, seconds: 240}]}
  reads.test:
    name: Reads
    url: "https://reads.test/"
    api_post: "https://reads.test/:id"
    api_field: n
    api_get: "https://reads.test/:id"
    get: {limits: [{per: address, requests: 1, seconds: 60}]}
  sixty.test:
    name: Sixty
    url: "https://sixty.test/"
    api_post: "https://sixty.test/:id"
    api_field: n
    post: {limits: [{per: address, requests: 60, seconds: 60}]}
  token.test:
    name: Token
    url: "https://token.test/"
    api_post: "https://token.test/:id"
    api_field: n
    post: {limits: [{per: token, requests: 1, seconds: 900}]}
  unix.test:
    name: Unix
    url: "https://unix.test/"
    api_post: "https://unix.test/:id"
    api_field: n
    post: {wait: [{header: "X-RateLimit-Reset", unit: unix}]}
`

const pacedLegacyIDs = "once.test: bot.test\n"

// desk is an Aggregator over these lists. Its clock stands still until told,
// and every list answers 200 unless told.
type desk struct {
	*aggregate.Aggregator
	*testkit.Clock
	answer func(lists.Call) lists.Answer
	lasts  func(lists.Call) time.Duration // until each answer, by the desk's clock; no time when nil

	mu    sync.Mutex
	ran   time.Time     // when calls were sent last
	sent  []string      // list=token of each call, in order
	slept time.Duration // while calls waited for holds
	bots  int           // read by readsAs
}

type deskOptions struct {
	store    store.Store      // in memory when nil
	now      func() time.Time // the desk's clock when nil
	windows  store.Windows    // of the rate limits; store's when nil
	count    string           // rate, off when empty
	bots     string
	votes    string
	keys     map[string]lists.Token
	onListed string       // catalog; pacedLists when empty
	log      *slog.Logger // silent when nil
}

func newDesk(t testing.TB, o deskOptions) *desk {
	t.Helper()
	d := &desk{Clock: testkit.NewClock(), answer: func(lists.Call) lists.Answer { return ok }}
	if o.now == nil {
		o.now = d.Now
	}
	if o.store == nil {
		o.store = store.NewMemory(store.MemoryOptions{Now: o.now})
	}
	if w, is := o.windows.(*hooked); is {
		w.Windows = o.store.Windows()
	}
	if o.windows == nil {
		o.windows = o.store.Windows()
	}
	if o.onListed == "" {
		o.onListed = pacedLists
	}
	live, _, err := catalog.NewLive(func() (*catalog.Catalog, []string, error) {
		return catalog.Load([]catalog.File{{Name: "lists.yaml", Data: []byte(o.onListed)}}, catalog.File{Name: "legacy_ids.yaml", Data: []byte(pacedLegacyIDs)})
	})
	if err != nil {
		t.Fatal(err)
	}
	if o.log == nil {
		o.log = slog.New(slog.DiscardHandler)
	}
	hash := store.NewHasher(o.store.Secret())
	d.Aggregator = aggregate.New(aggregate.Config{
		Catalog: live, Runner: d, Keys: o.keys,
		CountLimit: ratelimit.New(o.windows, rate(t, o.count), hash),
		BotsLimit:  ratelimit.New(o.windows, rate(t, o.bots), hash),
		VotesLimit: ratelimit.New(o.windows, rate(t, o.votes), hash),
		Now:        o.now,
		Holds:      aggregate.NewHolds(o.store.Windows(), hash, o.now, o.log),
	})
	d.Holds.SetSleep(d.sleep)
	return d
}

// know has lists accept tokens, as if they had done so before.
func (d *desk) know(t testing.TB, pairs string) {
	t.Helper()
	for _, n := range named(pairs) {
		d.Holds.Know(t.Context(), d.postTo(t, n.ID, n.Token.Reveal()))
	}
}

// sleep moves the clock instead.
func (d *desk) sleep(_ context.Context, t time.Duration) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.slept += t
	d.Advance(t)
	return nil
}

func rate(t testing.TB, text string) ratelimit.Rate {
	t.Helper()
	if text == "" {
		text = "off"
	}
	r, err := ratelimit.ParseRate(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Run implements [aggregate.Runner].
func (d *desk) Run(_ context.Context, _ lists.Op, _ netip.Prefix, calls []lists.Call) []lists.Answer {
	answers := make([]lists.Answer, len(calls))
	d.mu.Lock()
	d.ran = d.Now()
	d.mu.Unlock()
	longest := time.Duration(0)
	for i, c := range calls {
		d.mu.Lock()
		d.sent = append(d.sent, c.List.ID+"="+c.Token().Reveal())
		d.mu.Unlock()
		answers[i] = d.answer(c)
		if d.lasts != nil {
			answers[i].Took = d.lasts(c)
			longest = max(longest, answers[i].Took)
		}
	}
	d.Advance(longest)
	return answers
}

// took is what was sent since it was last asked.
func (d *desk) took() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	sent := strings.Join(d.sent, " ")
	d.sent = nil
	return sent
}

func (d *desk) says(a lists.Answer) { d.answer = func(lists.Call) lists.Answer { return a } }

// named parses list=token pairs.
func named(pairs string) (all []aggregate.NamedToken) {
	for pair := range strings.FieldsSeq(pairs) {
		id, token, _ := strings.Cut(pair, "=")
		all = append(all, aggregate.NamedToken{ID: id, Token: lists.NewToken(token, "")})
	}
	return all
}

func countOf(bot, pairs string) aggregate.CountRequest {
	return aggregate.CountRequest{Count: lists.Count{BotID: bot, ServerCount: 5}, Tokens: named(pairs)}
}

func caller(n int) aggregate.Caller {
	return aggregate.Caller{IP: netip.AddrFrom4([4]byte{192, 0, 2, byte(n)}), UserAgent: "test/1"}
}

// post posts a count, and answers what became of each list: its status, or why
// it was skipped.
func (d *desk) post(t testing.TB, bot, pairs string) string {
	t.Helper()
	a, err := d.Count(t.Context(), countOf(bot, pairs), caller(1))
	if err != nil {
		t.Fatal(err)
	}
	return outcome(a)
}

func outcome(a aggregate.CountAnswer) string {
	var all []string
	for _, r := range a.Results {
		all = append(all, fmt.Sprint(r.Status))
	}
	for _, s := range a.Skipped {
		all = append(all, s.Why.String())
	}
	return strings.Join(all, ", ")
}

// read reads a bot with keys of the caller, and answers which lists it asked
// and which it skipped.
func (d *desk) read(t testing.TB, bot, pairs string) (asked, skipped string) {
	t.Helper()
	d.took()
	a, err := d.Bot(t.Context(), aggregate.BotRequest{BotID: bot, Tokens: named(pairs)}, caller(1))
	if err != nil {
		t.Fatal(err)
	}
	return d.took(), skips(a.Skipped)
}

func skips(all []aggregate.Skipped) string {
	var texts []string
	for _, s := range all {
		texts = append(texts, s.ID+": "+s.Why.String())
	}
	return strings.Join(texts, ", ")
}

// held are the words of a hold; "" for none.
func held(why *lists.Skip) string {
	if why == nil {
		return ""
	}
	return why.String()
}

// until is the text of a hold that ends at a time of the day.
func until(clock string) string { return "Paced: next post at 2026-11-22T" + clock + "Z" }

// readUntil is until for a reading.
func readUntil(clock string) string { return strings.Replace(until(clock), "post", "reading", 1) }

const revoked = "Revoked: bot.test has revoked this token; send a new one"

var (
	ok      = lists.Answer{Status: 200, Body: []byte(`{"ok":true}`)}
	refused = lists.Answer{Status: 401}
	early   = lists.Answer{Status: 429}
)

func after(status int, value string) lists.Answer {
	return lists.Answer{Status: status, Header: map[string][]string{"Retry-After": {value}}}
}

func broken(f lists.Fault) lists.Answer {
	return lists.Answer{Status: lists.NoAnswer, Fault: f, Reason: "broken"}
}

func TestHolds(t *testing.T) {
	t.Parallel()
	type step struct {
		at     time.Duration // after 12:00:00
		answer lists.Answer  // of the lists, from here on; 200 when zero
		bot    string        // firstBot when empty
		send   string        // list=token
		want   string
		slept  time.Duration
	}
	for _, tt := range []struct {
		name  string
		steps []step
	}{
		{"a list without limits is never held", []step{
			{send: "open.test=a", want: "200"},
			{send: "open.test=a", want: "200"},
		}},
		{"per token: the token waits", []step{
			{send: "token.test=a", want: "200"},
			{send: "token.test=a", want: until("12:15:00")},
			{at: 15*time.Minute - patience - time.Millisecond, send: "token.test=a", want: until("12:15:00")},
			{at: 15 * time.Minute, send: "token.test=a", want: "200"},
			{at: 15 * time.Minute, send: "token.test=a", want: until("12:30:00")},
		}},
		{"a hold that ends soon is waited for", []step{
			{send: "token.test=a", want: "200"},
			{at: 15*time.Minute - patience, send: "token.test=a", want: "200", slept: patience},
			{at: 30*time.Minute - time.Millisecond, send: "token.test=a", want: "200", slept: time.Millisecond},
			{at: 45*time.Minute - patience, send: "token.test=a open.test=b", want: "200, 200", slept: patience},
			{at: time.Hour - patience - time.Millisecond, send: "token.test=a open.test=b", want: "200, " + until("13:00:00")},
		}},
		{"of several the last that ends soon is waited for", []step{
			{send: "token.test=a", want: "200"},
			{at: time.Second, send: "token.test=b", want: "200"},
			{at: time.Second, answer: after(429, "900"), send: "open.test=b", want: "429"},
			{at: 10 * time.Second, answer: after(429, "900"), send: "open.test=c", want: "429"},
			{at: 15*time.Minute - time.Second, send: "token.test=a open.test=b", want: "200, 200", slept: 2 * time.Second},
		}},
		{"a revoked token is not waited for", []step{
			{send: "token.test=a", want: "200"},
			{answer: lists.Answer{Status: 410}, send: "bot.test=a", want: "410"},
			{at: 15*time.Minute - time.Second, send: "bot.test=a", want: revoked},
		}},
		{"per token: whatever the bot", []step{
			{send: "token.test=a", want: "200"},
			{bot: secondBot, send: "token.test=a", want: until("12:15:00")},
		}},
		{"per token: another token of the bot is free", []step{
			{send: "token.test=a", want: "200"},
			{send: "token.test=b", want: "200"},
		}},
		{"per bot: the bot waits", []step{
			{send: "bot.test=a", want: "200"},
			{send: "bot.test=a", want: until("18:00:00")},
			{at: 6 * time.Hour, send: "bot.test=a", want: "200"},
		}},
		{"per bot: another bot is free", []step{
			{send: "bot.test=a", want: "200"},
			{bot: secondBot, send: "bot.test=a", want: "200"},
			{bot: secondBot, send: "bot.test=a", want: until("18:00:00")},
		}},
		{"per bot: a second token of a bot whose first was accepted", []step{
			{send: "bot.test=a", want: "200"},
			{send: "bot.test=b", want: until("18:00:00")},
			{at: 6 * time.Hour, send: "bot.test=b", want: "200"},
			{at: 6 * time.Hour, send: "bot.test=a", want: "Paced: next post at 2026-11-23T00:00:00Z"},
		}},
		{"per bot, two in the interval", []step{
			{send: "pair.test=a", want: "200"},
			{at: time.Minute, send: "pair.test=a", want: "200"},
			{at: 2 * time.Minute, send: "pair.test=a", want: until("12:04:00")},
			{at: 2 * time.Minute, send: "pair.test=b", want: until("12:04:00")},
			{at: 240 * time.Second, send: "pair.test=b", want: "200"},
			{at: 240 * time.Second, send: "pair.test=a", want: until("12:05:00")},
		}},
		{"per address: everyone waits", []step{
			{send: "address.test=a", want: "200"},
			{at: 10 * time.Second, bot: secondBot, send: "address.test=b", want: "200"},
			{at: 20 * time.Second, bot: secondBot, send: "address.test=c", want: until("12:01:00")},
			{at: 60 * time.Second, send: "address.test=a", want: "200"},
			{at: 60 * time.Second, send: "address.test=a", want: until("12:01:10")},
		}},
		{"several limits: all must have room, and a held one takes nothing of the others", []step{
			{send: "both.test=a", want: "200"},
			{send: "both.test=a", want: until("12:01:00")},
			{send: "both.test=b", want: "200"},
			{at: 2 * time.Minute, send: "both.test=a", want: until("12:10:00")},
		}},
		{"another list is free", []step{
			{send: "bot.test=a", want: "200"},
			{send: "token.test=a", want: "200"},
			{send: "bot.test=a token.test=a open.test=a", want: "200, " + until("18:00:00") + ", " + until("12:15:00")},
		}},

		{"401 releases", []step{
			{answer: refused, send: "bot.test=bad", want: "401"},
			{answer: refused, send: "bot.test=bad", want: "401"},
			{send: "bot.test=good", want: "200"},
		}},
		{"403 releases", []step{
			{answer: lists.Answer{Status: 403}, send: "bot.test=bad", want: "403"},
			{answer: lists.Answer{Status: 403}, send: "bot.test=bad", want: "403"},
			{send: "bot.test=good", want: "200"},
		}},
		{"404 releases", []step{
			{answer: lists.Answer{Status: 404}, send: "bot.test=bad", want: "404"},
			{answer: lists.Answer{Status: 404}, send: "bot.test=bad", want: "404"},
			{send: "bot.test=good", want: "200"},
		}},
		{"per token: 401 releases", []step{
			{answer: refused, send: "token.test=a", want: "401"},
			{send: "token.test=a", want: "200"},
			{send: "token.test=a", want: until("12:15:00")},
		}},
		{"per address: 401 counts all the same", []step{
			{answer: refused, send: "address.test=bad", want: "401"},
			{answer: refused, send: "address.test=bad", want: "401"},
			{send: "address.test=good", want: until("12:01:00")},
		}},
		{"several limits: 401 releases the token, not the address", []step{
			{answer: refused, send: "both.test=a", want: "401"},
			{send: "both.test=a", want: "200"},
			{send: "both.test=b", want: until("12:10:00")},
		}},
		{"400 releases", []step{
			{answer: lists.Answer{Status: 400}, send: "bot.test=a", want: "400"},
			{send: "bot.test=a", want: "200"},
			{send: "bot.test=a", want: until("18:00:00")},
		}},
		{"422 releases", []step{
			{answer: lists.Answer{Status: 422}, send: "bot.test=a", want: "422"},
			{send: "bot.test=a", want: "200"},
		}},
		{"per address: 422 counts all the same", []step{
			{answer: lists.Answer{Status: 422}, send: "address.test=a", want: "422"},
			{answer: lists.Answer{Status: 422}, send: "address.test=a", want: "422"},
			{send: "address.test=a", want: until("12:01:00")},
		}},
		{"409 keeps the token, never the bot", []step{
			{answer: lists.Answer{Status: 409}, send: "bot.test=a", want: "409"},
			{send: "bot.test=a", want: until("18:00:00")},
			{send: "bot.test=b", want: "200"},
		}},
		{"500 keeps the token, never the bot", []step{
			{answer: lists.Answer{Status: 500}, send: "bot.test=a", want: "500"},
			{send: "bot.test=a", want: until("18:00:00")},
			{send: "bot.test=b", want: "200"},
		}},
		{"200 without the list's flag is not accepted: never the bot", []step{
			{answer: lists.Answer{Status: 200, Body: []byte(`{"ok":false}`)}, send: "bot.test=a", want: "200"},
			{send: "bot.test=a", want: until("18:00:00")},
			{send: "bot.test=b", want: "200"},
		}},
		{"a refused token after an accepted one frees nothing of the bot", []step{
			{send: "bot.test=a", want: "200"},
			{answer: refused, send: "bot.test=bad", want: until("18:00:00")},
			{send: "bot.test=a", want: until("18:00:00")},
		}},
		{"a refused token of another bot frees nothing of this one", []step{
			{send: "bot.test=a", want: "200"},
			{answer: refused, bot: secondBot, send: "bot.test=a", want: "401"},
			{send: "bot.test=a", want: until("18:00:00")},
		}},

		{"revoked: until the token changes", []step{
			{answer: lists.Answer{Status: 410}, send: "bot.test=a", want: "410"},
			{send: "bot.test=a", want: revoked},
			{bot: secondBot, send: "bot.test=a", want: revoked},
			{at: 7 * time.Hour, send: "bot.test=a", want: revoked},
			{at: 300 * 24 * time.Hour, send: "bot.test=a", want: revoked},
			{at: 300 * 24 * time.Hour, send: "bot.test=b", want: "200"},
		}},
		{"revoked: a new token is free at once", []step{
			{answer: lists.Answer{Status: 410}, send: "bot.test=a", want: "410"},
			{send: "bot.test=b", want: "200"},
		}},
		{"revoked comes before paced", []step{
			{send: "bot.test=a", want: "200"},
			{answer: lists.Answer{Status: 410}, bot: secondBot, send: "bot.test=a", want: "410"},
			{send: "bot.test=a", want: revoked},
			{send: "bot.test=b", want: until("18:00:00")},
		}},
		{"410 means nothing where the entry does not say so", []step{
			{answer: lists.Answer{Status: 410}, send: "open.test=a", want: "410"},
			{send: "open.test=a", want: "200"},
		}},

		{"429 is for the token that got it", []step{
			{answer: early, send: "open.test=a", want: "429"},
			{send: "open.test=a", want: until("12:01:00")},
			{bot: secondBot, send: "open.test=a", want: until("12:01:00")},
			{send: "open.test=b", want: "200"},
			{at: time.Minute, send: "open.test=a", want: "200"},
		}},
		{"429 is for the bot too, where the list counts bots", []step{
			{answer: after(429, "30000"), send: "bot.test=a", want: "429"},
			{send: "bot.test=a", want: until("20:20:00")},
			{send: "bot.test=b", want: "200"},
			{bot: secondBot, send: "bot.test=a", want: "200"},
		}},
		{"429 is for everyone, where the list counts addresses", []step{
			{answer: after(429, "300"), send: "address.test=a", want: "429"},
			{bot: secondBot, send: "address.test=b", want: until("12:05:00")},
			{at: 5 * time.Minute, bot: secondBot, send: "address.test=b", want: "200"},
		}},
		{"429 is for its list alone", []step{
			{answer: after(429, "300"), send: "open.test=a", want: "429"},
			{send: "ms.test=a", want: "200"},
		}},
		{"429 and the interval: the later one", []step{
			{answer: after(429, "60"), send: "token.test=a", want: "429"},
			{at: time.Minute, send: "token.test=a", want: until("12:15:00")},
		}},
		{"a later 429 never shortens", []step{
			{answer: after(429, "3600"), send: "address.test=a", want: "429"},
			{at: time.Hour, answer: after(429, "10"), send: "address.test=a", want: "429"},
			{at: time.Hour, send: "address.test=a", want: until("13:00:10")},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, deskOptions{})
			d.know(t, "address.test=a address.test=b address.test=c address.test=bad address.test=good both.test=a both.test=b")
			start := d.Now()
			for i, s := range tt.steps {
				d.Advance(s.at - d.Now().Sub(start))
				if s.bot == "" {
					s.bot = firstBot
				}
				d.says(ok)
				if s.answer.Status != 0 {
					d.says(s.answer)
				}
				d.slept = 0
				if got := d.post(t, s.bot, s.send); got != s.want || d.slept != s.slept {
					t.Errorf("step %d, %s: %s after waiting %s, want %s after %s", i, s.send, got, d.slept, s.want, s.slept)
				}
			}
		})
	}
}

// A post that got no answer may have reached the list, or may not.
func TestHoldsWithoutAnswer(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		fault lists.Fault
		held  bool
	}{
		{lists.FaultRefused, false}, {lists.FaultDNS, false}, {lists.FaultTLS, false},
		{lists.FaultCircuit, false}, {lists.FaultBusy, false},
		{lists.FaultTimeout, true}, {lists.FaultReset, true}, {lists.FaultCutShort, true}, {lists.FaultTooLarge, true},
		{lists.FaultRedirect, true}, {lists.FaultProtocol, true}, {lists.FaultOther, true}, {lists.FaultPanic, true},
	} {
		t.Run(string(tt.fault), func(t *testing.T) {
			t.Parallel()
			for list, held := range map[string]string{
				"bot.test": until("18:00:10"), "token.test": until("12:15:10"), "address.test": until("12:01:10"),
			} {
				d := newDesk(t, deskOptions{})
				d.know(t, "address.test=a")
				d.says(broken(tt.fault))
				for range 2 {
					d.post(t, firstBot, list+"=a")
				}
				d.says(ok)
				want := "200"
				if tt.held {
					want = held
				}
				if list == "address.test" { // takes two
					d.post(t, firstBot, list+"=a")
				}
				if got := d.post(t, firstBot, list+"=a"); tt.held && got != want || !tt.held && got != "200" {
					t.Errorf("%s: %s, want %s", list, got, want)
				}
				if list == "bot.test" && tt.held {
					if got := d.post(t, firstBot, list+"=b"); got != "200" {
						t.Errorf("another token: %s, want 200; the list accepted none yet", got)
					}
				}
			}
		})
	}
}

func TestWaits(t *testing.T) {
	t.Parallel()
	header := func(status int, name, value string) lists.Answer {
		return lists.Answer{Status: status, Header: map[string][]string{name: {value}}}
	}
	body := func(status int, text string) lists.Answer { return lists.Answer{Status: status, Body: []byte(text)} }
	for _, tt := range []struct {
		name, list string
		answer     lists.Answer
		want       string // "" for none
	}{
		{"429 alone: a minute", "open.test", early, until("12:01:00")},
		{"seconds", "open.test", after(429, "90"), until("12:01:30")},
		{"a fraction, rounded up", "open.test", after(429, "3.2"), until("12:00:04")},
		{"a date", "open.test", after(429, "Sun, 22 Nov 2026 13:00:00 GMT"), until("13:00:00")},
		{"a date in the past: a minute", "open.test", after(429, "Sun, 22 Nov 2026 11:00:00 GMT"), until("12:01:00")},
		{"zero: a minute", "open.test", after(429, "0"), until("12:01:00")},
		{"negative: a minute", "open.test", after(429, "-30"), until("12:01:00")},
		{"words: a minute", "open.test", after(429, "later"), until("12:01:00")},
		{"huge: a minute", "open.test", after(429, "1e300"), until("12:01:00")},
		{"a day", "open.test", after(429, "86400"), "Paced: next post at 2026-11-23T12:00:00Z"},
		{"more than a day: a day", "open.test", after(429, "86401"), "Paced: next post at 2026-11-23T12:00:00Z"},
		{"a year: a day", "open.test", after(429, "31536000"), "Paced: next post at 2026-11-23T12:00:00Z"},
		{"a date far away: a day", "open.test", after(429, "Fri, 31 Dec 9999 23:59:59 GMT"), "Paced: next post at 2026-11-23T12:00:00Z"},
		{"body is not read without a place", "open.test", body(429, `{"retry_after":90}`), until("12:01:00")},

		{"milliseconds", "ms.test", after(429, "90000"), until("12:01:30")},
		{"milliseconds, negative: a minute", "ms.test", after(429, "-90000"), until("12:01:00")},
		{"milliseconds, rounded up", "ms.test", after(429, "90001"), until("12:01:31")},
		{"milliseconds, a date", "ms.test", after(429, "Sun, 22 Nov 2026 13:00:00 GMT"), until("13:00:00")},
		{"milliseconds, huge: a day", "ms.test", after(429, "999999999999"), "Paced: next post at 2026-11-23T12:00:00Z"},

		{"body", "body.test", body(429, `{"error":{"wait":90000}}`), until("12:01:30")},
		{"body, as a string", "body.test", body(429, `{"error":{"wait":"90000"}}`), until("12:01:30")},
		{"body, negative: a minute", "body.test", body(429, `{"error":{"wait":-5}}`), until("12:01:00")},
		{"body, no JSON: a minute", "body.test", body(429, `slow down`), until("12:01:00")},
		{"body and header: the later one", "body.test", lists.Answer{Status: 429, Header: map[string][]string{"Retry-After": {"30"}}, Body: []byte(`{"error":{"wait":90000}}`)}, until("12:01:30")},
		{"header beside the body", "body.test", after(429, "30"), until("12:00:30")},

		{"Unix time", "unix.test", header(429, "X-Ratelimit-Reset", "1795348890"), until("12:01:30")},
		{"Unix time in the past: a minute", "unix.test", header(429, "X-Ratelimit-Reset", "1795348000"), until("12:01:00")},

		{"503 with seconds", "open.test", after(503, "90"), until("12:01:30")},
		{"503 with a date", "open.test", after(503, "Sun, 22 Nov 2026 13:00:00 GMT"), until("13:00:00")},
		{"503 with a year: a day", "open.test", after(503, "31536000"), "Paced: next post at 2026-11-23T12:00:00Z"},
		{"503 in the body", "body.test", body(503, `{"error":{"wait":90000}}`), until("12:01:30")},
		{"403 with seconds", "open.test", after(403, "90"), until("12:01:30")},
		{"503 alone", "open.test", lists.Answer{Status: 503}, ""},
		{"503, negative", "open.test", after(503, "-5"), ""},
		{"500 alone", "open.test", lists.Answer{Status: 500}, ""},
		{"no answer", "open.test", broken(lists.FaultTimeout), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, deskOptions{})
			d.says(tt.answer)
			d.post(t, firstBot, tt.list+"=a")
			d.took()
			d.says(ok)
			got, want := d.post(t, firstBot, tt.list+"=a"), tt.want
			if want == "" {
				want = "200"
			}
			if sent := d.took() != ""; got != want || sent != (tt.want == "") {
				t.Errorf("%s, sent %t; want %s", got, sent, want)
			}
			if other := d.post(t, firstBot, tt.list+"=b"); other != "200" {
				t.Errorf("another caller's token: %s, want 200", other)
			}
		})
	}
}

func TestHoldIsSaidInWholeSecondsUTC(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		wait string // milliseconds
		want string
	}{
		{"21600000", "Paced: next post at 2026-11-22T18:00:00Z"},
		{"21599999", "Paced: next post at 2026-11-22T18:00:00Z"},
		{"21599001", "Paced: next post at 2026-11-22T18:00:00Z"},
		{"21599000", "Paced: next post at 2026-11-22T17:59:59Z"},
		{"43200000", "Paced: next post at 2026-11-23T00:00:00Z"},
	} {
		zone := time.FixedZone("elsewhere", 5*3600+1800)
		clock := testkit.NewClock()
		d := newDesk(t, deskOptions{now: func() time.Time { return clock.Now().In(zone) }})
		d.says(after(429, tt.wait))
		d.post(t, firstBot, "ms.test=a")
		a, err := d.Count(t.Context(), countOf(firstBot, "ms.test=a"), caller(1))
		if err != nil {
			t.Fatal(err)
		}
		var text strings.Builder
		err = httpapi.EncodeCount(&text, a)
		if want := `{"success":{},"failure":{},"skipped":{"ms.test":"` + tt.want + `"}}`; err != nil || text.String() != want {
			t.Errorf("after %s ms: %s, %v; want %s", tt.wait, &text, err, want)
		}
	}
}

func TestHoldIsSaidUnderTheIDSent(t *testing.T) {
	t.Parallel()
	d := newDesk(t, deskOptions{})
	d.post(t, firstBot, "bot.test=a")
	a, err := d.Count(t.Context(), countOf(firstBot, "token.test=t once.test=a"), caller(1))
	if want := "once.test: " + until("18:00:00"); err != nil || skips(a.Skipped) != want {
		t.Errorf("skipped %q, %v; want %q", skips(a.Skipped), err, want)
	}
}

// Answers of readings are shared for a while, so what comes before is of
// another bot.
func TestReadsAreHeld(t *testing.T) {
	t.Parallel()
	at := func(list, clock string) string {
		if list == "keyed.test" && clock == "" {
			return "keyed.test: No key, "
		}
		return list + ": " + readUntil(clock)
	}
	for _, tt := range []struct {
		name           string
		before         func(t *testing.T, d *desk)
		keys           string // of the caller
		asked, skipped string
	}{
		{"nothing before", func(*testing.T, *desk) {}, "", "address.test= open.test= reads.test=", "keyed.test: No key"},
		{"reads count for the address where posts do", func(t *testing.T, d *desk) {
			d.read(t, secondBot, "")
			d.post(t, firstBot, "address.test=a")
		}, "", "open.test=", at("address.test", "12:01:00") + ", keyed.test: No key, " + at("reads.test", "12:01:00")},
		{"posts do not count for a limit on reading", func(t *testing.T, d *desk) {
			d.post(t, firstBot, "reads.test=a")
		}, "", "address.test= open.test= reads.test=", "keyed.test: No key"},
		{"429 to a post holds readings where the list counts addresses", func(t *testing.T, d *desk) {
			d.says(after(429, "300"))
			d.post(t, firstBot, "address.test=a open.test=a")
		}, "", "open.test= reads.test=", at("address.test", "12:05:00") + ", keyed.test: No key"},
		{"429 to a reading without a key holds all that have none, on each list that said so", func(t *testing.T, d *desk) {
			d.answer = func(c lists.Call) lists.Answer {
				if c.List.ID == "open.test" {
					return after(429, "300")
				}
				return ok
			}
			d.read(t, secondBot, "")
		}, "", "", at("address.test", "12:01:00") + ", " + at("keyed.test", "") + at("open.test", "12:05:00") + ", " + at("reads.test", "12:01:00")},
		{"429 to a reading without a key holds for an hour at most", func(t *testing.T, d *desk) {
			d.says(after(429, "86400"))
			d.read(t, secondBot, "")
		}, "", "", at("address.test", "13:00:00") + ", " + at("keyed.test", "") + at("open.test", "13:00:00") + ", " + at("reads.test", "13:00:00")},
		{"503 with a wait to a reading without a key holds nobody", func(t *testing.T, d *desk) {
			d.says(after(503, "300"))
			d.read(t, secondBot, "")
		}, "", "open.test=", at("address.test", "12:01:00") + ", " + at("keyed.test", "") + at("reads.test", "12:01:00")},
		{"403 with a wait to a reading without a key holds nobody", func(t *testing.T, d *desk) {
			d.says(after(403, "300"))
			d.read(t, secondBot, "")
		}, "", "open.test=", at("address.test", "12:01:00") + ", " + at("keyed.test", "") + at("reads.test", "12:01:00")},
		{"429 to a reading holds its key", func(t *testing.T, d *desk) {
			d.answer = func(c lists.Call) lists.Answer {
				if c.Keyed() {
					return after(429, "7200")
				}
				return ok
			}
			d.read(t, secondBot, "keyed.test=mine")
		}, "keyed.test=mine", "open.test=", at("keyed.test", "14:00:00") + ", " + at("address.test", "12:01:00") + ", " + at("reads.test", "12:01:00")},
		{"429 to a reading leaves other keys free", func(t *testing.T, d *desk) {
			d.says(after(429, "300"))
			d.read(t, secondBot, "keyed.test=mine")
		}, "keyed.test=theirs", "keyed.test=theirs", at("address.test", "12:05:00") + ", " + at("open.test", "12:05:00") + ", " + at("reads.test", "12:05:00")},
		{"a limit per token holds the key", func(t *testing.T, d *desk) {
			d.read(t, secondBot, "keyed.test=mine")
		}, "keyed.test=mine", "open.test=", at("keyed.test", "12:01:00") + ", " + at("address.test", "12:01:00") + ", " + at("reads.test", "12:01:00")},
		{"a limit per token leaves other keys free", func(t *testing.T, d *desk) {
			d.read(t, secondBot, "keyed.test=mine")
		}, "keyed.test=theirs", "keyed.test=theirs open.test=", at("address.test", "12:01:00") + ", " + at("reads.test", "12:01:00")},
		{"a refused key is released", func(t *testing.T, d *desk) {
			d.says(refused)
			d.read(t, secondBot, "keyed.test=mine")
		}, "keyed.test=mine", "keyed.test=mine open.test=", at("address.test", "12:01:00") + ", " + at("reads.test", "12:01:00")},
		{"a list that cannot be reached has seen nothing", func(t *testing.T, d *desk) {
			d.says(broken(lists.FaultRefused))
			d.read(t, secondBot, "keyed.test=mine")
		}, "keyed.test=mine", "address.test= keyed.test=mine open.test= reads.test=", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, deskOptions{})
			tt.before(t, d)
			d.says(ok)
			if asked, skipped := d.read(t, firstBot, tt.keys); asked != tt.asked || skipped != tt.skipped {
				t.Errorf("asked %s\nwant  %s\nskipped %s\nwant    %s", asked, tt.asked, skipped, tt.skipped)
			}
		})
	}
}

// TestReadingsCountForPosts has readings take what a list allows our address.
func TestReadingsCountForPosts(t *testing.T) {
	t.Parallel()
	d := newDesk(t, deskOptions{})
	d.know(t, "address.test=a")
	d.read(t, firstBot, "")
	if got := d.post(t, firstBot, "address.test=a"); got != "200" {
		t.Errorf("after a reading of a list that allows two requests: %s", got)
	}
	if got := d.post(t, firstBot, "address.test=a"); got != until("12:01:00") {
		t.Errorf("after a reading and a post: %s", got)
	}
}

// What a list says to a reading holds no post, even where the list limits our
// address.
func TestReadingsThatAreRefusedHoldNoPost(t *testing.T) {
	t.Parallel()
	for _, status := range []int{429, 503, 403} {
		d := newDesk(t, deskOptions{})
		d.says(after(status, "1800"))
		d.read(t, firstBot, "")
		d.says(ok)
		if got := d.post(t, firstBot, "address.test=a open.test=a reads.test=a"); got != "200, 200, 200" {
			t.Errorf("posts after readings that were answered %d: %s", status, got)
		}
	}
}

// A refusal that is no 429 holds the token alone, whatever the entry says of
// addresses.
func TestRefusalsWithAWaitHoldTheirTokenAlone(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 400, 401, 403, 404, 409, 422, 500, 503} {
		d := newDesk(t, deskOptions{})
		d.know(t, "address.test=good")
		d.says(after(status, "1800"))
		d.post(t, firstBot, "address.test=bad")
		d.says(ok)
		if got, want := d.post(t, firstBot, "address.test=bad"), until("12:30:00"); got != want {
			t.Errorf("the token that was answered %d: %s, want %s", status, got, want)
		}
		if got := d.post(t, firstBot, "address.test=good"); got != "200" {
			t.Errorf("another token, after one was answered %d: %s, want 200", status, got)
		}
	}
}

// A dry run tells of holds of the token that is shown, and nothing of others.
func TestDryRunTellsNothingOfOthers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		before func(t *testing.T, d *desk)
		token  string // list=token
		want   string // "" when it would be sent
	}{
		{"the token's interval", func(t *testing.T, d *desk) { d.post(t, firstBot, "token.test=a") }, "token.test=a", until("12:15:00")},
		{"the token's interval for the bot", func(t *testing.T, d *desk) { d.post(t, firstBot, "bot.test=a") }, "bot.test=a", until("18:00:00")},
		{"a wait asked of the token", func(t *testing.T, d *desk) {
			d.says(after(429, "300"))
			d.post(t, firstBot, "open.test=a")
		}, "open.test=a", until("12:05:00")},
		{"a revoked token", func(t *testing.T, d *desk) {
			d.says(lists.Answer{Status: 410})
			d.post(t, firstBot, "bot.test=a")
		}, "bot.test=a", revoked},
		{"another token of the bot", func(t *testing.T, d *desk) { d.post(t, firstBot, "bot.test=a") }, "bot.test=b", ""},
		{"an address that is used up", func(t *testing.T, d *desk) {
			d.post(t, firstBot, "address.test=a")
			d.post(t, firstBot, "address.test=b")
		}, "address.test=a", ""},
		{"a wait asked of the address", func(t *testing.T, d *desk) {
			d.says(after(429, "300"))
			d.post(t, firstBot, "address.test=a")
		}, "address.test=b", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, deskOptions{})
			tt.before(t, d)
			r := countOf(firstBot, tt.token)
			r.DryRun = true
			a, err := d.Count(t.Context(), r, caller(1))
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			for _, s := range a.Skipped {
				got += s.Why.String()
			}
			if got != tt.want || (len(a.Planned) == 1) != (tt.want == "") {
				t.Errorf("skipped %q, %d planned; want %q", got, len(a.Planned), tt.want)
			}
		})
	}
}

func TestDryRunShowsHoldsAndMakesNone(t *testing.T) {
	t.Parallel()
	d := newDesk(t, deskOptions{count: "1/120s"})
	dry := func() string {
		r := countOf(firstBot, "bot.test=a token.test=a")
		r.DryRun = true
		a, err := d.Count(t.Context(), r, caller(1))
		if err != nil {
			t.Fatal(err)
		}
		var planned []string
		for _, c := range a.Planned {
			planned = append(planned, c.List.ID)
		}
		return strings.Join(planned, " ") + "; " + skips(a.Skipped)
	}
	for range 3 {
		if got := dry(); got != "bot.test token.test; " {
			t.Fatalf("planned %s", got)
		}
	}
	if d.took() != "" {
		t.Error("a dry run sent something")
	}
	if got := d.post(t, firstBot, "bot.test=a"); got != "200" {
		t.Errorf("after dry runs: %s", got)
	}
	if got, want := dry(), "token.test; bot.test: "+until("18:00:00"); got != want {
		t.Errorf("inside the window: %s, want %s", got, want)
	}
}

// A request of which nothing can be sent uses no window, and is answered
// inside one.
func TestHeldRequestUsesNoWindow(t *testing.T) {
	t.Parallel()
	d := newDesk(t, deskOptions{count: "1/120s", bots: "1/30s"})
	count := func(from int, pairs string) (string, bool) {
		t.Helper()
		a, err := d.Count(t.Context(), countOf(firstBot, pairs), caller(from))
		if _, ok := errors.AsType[*aggregate.LimitedError](err); ok {
			return "limited", false
		}
		if err != nil {
			t.Fatal(err)
		}
		return outcome(a), a.Window != nil
	}
	for i, s := range []struct {
		from       int
		pairs      string
		want       string
		usesWindow bool
	}{
		{1, "bot.test=a", "200", true},
		{1, "bot.test=a", until("18:00:00"), false},
		{2, "bot.test=a", until("18:00:00"), false},
		{1, "open.test=a", "limited", false},
		{1, "bot.test=a open.test=a", "limited", false},
		{1, "bot.test=a", until("18:00:00"), false},
		{2, "bot.test=a open.test=a", "200, " + until("18:00:00"), true},
		{2, "open.test=a", "limited", false},
	} {
		if got, uses := count(s.from, s.pairs); got != s.want || uses != s.usesWindow {
			t.Errorf("step %d, %s: %s, uses a window %t; want %s, %t", i, s.pairs, got, uses, s.want, s.usesWindow)
		}
	}
}

func TestHeldReadingUsesNoWindow(t *testing.T) {
	t.Parallel()
	d := newDesk(t, deskOptions{bots: "1/30s", onListed: `
lists:
  reads.test:
    name: Reads
    url: "https://reads.test/"
    api_get: "https://reads.test/:id"
    get: {limits: [{per: address, requests: 1, seconds: 3600}]}
`})
	for i, bot := range []string{firstBot, secondBot, secondBot} {
		a, err := d.Bot(t.Context(), aggregate.BotRequest{BotID: bot}, caller(1))
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			if len(a.Lists) != 1 || a.Window == nil {
				t.Errorf("the first reading asked %d lists, window %v", len(a.Lists), a.Window)
			}
			continue
		}
		if want := "reads.test: " + readUntil("13:00:00"); skips(a.Skipped) != want || a.Window != nil {
			t.Errorf("reading %d: skipped %s, window %v; want %s and none", i, skips(a.Skipped), a.Window, want)
		}
	}
}

// hooked are windows with something to do before their next take or change,
// once.
type hooked struct {
	store.Windows
	before       func()
	beforeChange func()
}

// hookedStore is a store whose windows are hooked.
type hookedStore struct {
	store.Store
	hooked
}

func newHookedStore(now func() time.Time) *hookedStore {
	m := store.NewMemory(store.MemoryOptions{Now: now})
	return &hookedStore{m, hooked{Windows: m.Windows()}}
}

func (h *hookedStore) Windows() store.Windows { return &h.hooked }

func (h *hooked) TakeEach(ctx context.Context, groups ...[]store.Use) ([]store.Taken, error) {
	if before := h.before; before != nil {
		h.before = nil
		before()
	}
	return h.Windows.TakeEach(ctx, groups...)
}

func (h *hooked) Change(ctx context.Context, changes ...store.Change) error {
	if before := h.beforeChange; before != nil {
		h.beforeChange = nil
		before()
	}
	return h.Windows.Change(ctx, changes...)
}

// Between the look at the holds and the reservation another request may take
// what was free.
func TestReservationLost(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, pairs, want string
		usesWindow        bool
	}{
		{"of all lists: no window is used", "bot.test=a", until("18:00:00"), false},
		{"of one list: the others are posted to", "bot.test=a open.test=a", "200, " + until("18:00:00"), true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			windows := &hooked{}
			d := newDesk(t, deskOptions{windows: windows, count: "1/120s"})
			windows.before = func() {
				if got, err := d.Count(t.Context(), countOf(firstBot, "bot.test=a"), caller(2)); err != nil || outcome(got) != "200" {
					t.Errorf("the other request: %s, %v", outcome(got), err)
				}
			}
			a, err := d.Count(t.Context(), countOf(firstBot, tt.pairs), caller(1))
			if err != nil || outcome(a) != tt.want || (a.Window != nil) != tt.usesWindow {
				t.Errorf("%s, window %v, %v; want %s", outcome(a), a.Window, err, tt.want)
			}
			_, err = d.Count(t.Context(), countOf(firstBot, "open.test=b"), caller(1))
			var limited *aggregate.LimitedError
			if errors.As(err, &limited) != tt.usesWindow {
				t.Errorf("the next request: %v", err)
			}
		})
	}
}

func TestReadingsReservationLost(t *testing.T) {
	t.Parallel()
	windows := &hooked{}
	d := newDesk(t, deskOptions{windows: windows, bots: "1/30s", onListed: `
lists:
  keyed.test:
    name: Keyed
    url: "https://keyed.test/"
    get:
      url: "https://keyed.test/:id"
      auth: {}
      limits: [{per: token, requests: 1, seconds: 3600}]
`})
	read := func(from int, pairs string) (string, error) {
		a, err := d.Bot(t.Context(), aggregate.BotRequest{BotID: firstBot, Tokens: named(pairs)}, caller(from))
		return skips(a.Skipped), err
	}
	windows.before = func() {
		if got, err := read(2, "keyed.test=a"); err != nil || got != "" {
			t.Errorf("the other request: %s, %v", got, err)
		}
	}
	if got, err := read(1, "keyed.test=a"); err != nil || got != "keyed.test: "+readUntil("13:00:00") {
		t.Errorf("%s, %v", got, err)
	}
	if got, err := read(1, "keyed.test=b"); err != nil || got != "" {
		t.Errorf("a request that asked no list used a window: %s, %v", got, err)
	}
}

// atOnce runs posts at once, and answers how many were sent and what became of
// the others.
func (d *desk) atOnce(t *testing.T, n int, post func(i int) (bot, pairs string)) (sent int64, others map[string]int) {
	t.Helper()
	var count atomic.Int64
	var mu sync.Mutex
	others = map[string]int{}
	var start, done sync.WaitGroup
	start.Add(1)
	for i := range n {
		done.Go(func() {
			start.Wait()
			bot, pairs := post(i)
			a, err := d.Count(t.Context(), countOf(bot, pairs), caller(i))
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			count.Add(int64(len(a.Results)))
			for _, s := range a.Skipped {
				others[s.Why.String()]++
			}
		})
	}
	start.Done()
	done.Wait()
	return count.Load(), others
}

func TestPostsAtOnce(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		posts  int
		post   func(i int) (bot, pairs string)
		want   int64
		others string
	}{
		{"one token, counted by bot", 50, func(int) (string, string) { return firstBot, "bot.test=a" }, 1, until("18:00:00")},
		{"one token, counted by token", 50, func(int) (string, string) { return firstBot, "token.test=a" }, 1, until("12:15:00")},
		{"one token, two in the interval", 50, func(int) (string, string) { return firstBot, "pair.test=a" }, 2, until("12:04:00")},
		{"many tokens, counted by address", 50, func(i int) (string, string) { return firstBot, fmt.Sprintf("address.test=%d", i) }, 2, until("12:01:00")},
		{"many tokens, each its own interval", 50, func(i int) (string, string) { return firstBot, fmt.Sprintf("token.test=%d", i) }, 50, ""},
		{"as many as an address may post", 60, func(i int) (string, string) { return firstBot, fmt.Sprintf("sixty.test=%d", i) }, 60, ""},
		{"more than an address may post", 100, func(i int) (string, string) { return firstBot, fmt.Sprintf("sixty.test=%d", i) }, 60, until("12:01:00")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for range 10 {
				d := newDesk(t, deskOptions{count: "1/120s"})
				for i := range tt.posts {
					_, pairs := tt.post(i)
					d.know(t, pairs)
				}
				sent, others := d.atOnce(t, tt.posts, tt.post)
				// Who comes before the list has answered is told the time for which
				// its place is reserved.
				reserved := strings.Replace(tt.others, ":00Z", ":10Z", 1)
				if sent != tt.want || tt.others != "" && int(sent)+others[tt.others]+others[reserved] != tt.posts {
					t.Fatalf("%d sent, others %v; want %d, and %q or %q", sent, others, tt.want, tt.others, reserved)
				}
			}
		})
	}
}

// postTo plans a post to a list of the desk.
func (d *desk) postTo(t testing.TB, list, token string) lists.Call {
	t.Helper()
	l, known := d.Catalog.Current().List(list)
	if !known {
		t.Fatalf("no list %s", list)
	}
	call, why := l.PlanPost(lists.Count{BotID: firstBot}, lists.NewToken(token, ""), "")
	if why != nil {
		t.Fatal(why)
	}
	return call
}

// Posts with two tokens of one bot that the list accepts at the same time
// count twice for the bot.
func TestAcceptedAtOnceCountEach(t *testing.T) {
	t.Parallel()
	clock := testkit.NewClock()
	st := newHookedStore(clock.Now)
	d := newDesk(t, deskOptions{store: st, now: clock.Now})
	a, b := d.postTo(t, "pair.test", "a"), d.postTo(t, "pair.test", "b")
	reservedA, whyA := d.Holds.Reserve(t.Context(), a)
	reservedB, whyB := d.Holds.Reserve(t.Context(), b)
	if whyA != nil || whyB != nil {
		t.Fatal(whyA, whyB)
	}
	st.beforeChange = func() { d.Holds.Settle(t.Context(), reservedB, ok) }
	d.Holds.Settle(t.Context(), reservedA, ok)
	if _, why := d.Holds.Reserve(t.Context(), a); held(why) != until("12:04:00") {
		t.Errorf("a third post in the interval: %q, want it held", held(why))
	}
}

// Who loses one place to another takes the next: nobody is held while places
// are free.
func TestPlacesLostToOthers(t *testing.T) {
	t.Parallel()
	for _, others := range []int{1, 7, 8, 30, 59, 60} {
		clock := testkit.NewClock()
		st := newHookedStore(clock.Now)
		d := newDesk(t, deskOptions{store: st, now: clock.Now})
		mine, theirs := d.postTo(t, "sixty.test", "mine"), d.postTo(t, "sixty.test", "theirs")
		d.know(t, "sixty.test=mine sixty.test=theirs")
		st.before = func() {
			for range others {
				if _, why := d.Holds.Reserve(t.Context(), theirs); why != nil {
					t.Errorf("another post: %s", why)
				}
			}
		}
		want := ""
		if others == 60 {
			want = until("12:01:10")
		}
		if _, why := d.Holds.Reserve(t.Context(), mine); held(why) != want {
			t.Errorf("overtaken by %d, where 60 are allowed: %q, want %q", others, held(why), want)
		}
	}
}

// answering is a call that is under way.
type answering struct {
	at     time.Time // of its answer
	plan   *aggregate.Plan
	answer lists.Answer
}

// Whatever the times of the posts, and however late they reach the list, no
// interval of the list's own log holds more than its limit.
func TestNoIntervalHoldsMoreThanTheLimit(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for _, per := range []string{"token", "bot", "address"} {
		for _, limit := range []struct {
			n        int
			interval time.Duration
		}{{1, 15 * time.Minute}, {2, 4 * time.Minute}, {10, 10 * time.Minute}, {1000, 12 * time.Hour}} {
			t.Run(fmt.Sprintf("%d in %s per %s", limit.n, limit.interval, per), func(t *testing.T) {
				t.Parallel()
				l, problems := lists.New("list.test", lists.Entry{
					Name: "List", URL: "https://list.test/", APIPost: "https://list.test/:id", APIField: "n", APIGet: "https://list.test/:id",
					Post: &lists.PostEntry{Limits: []lists.LimitEntry{{Per: per, Requests: int64(limit.n), Seconds: int64(limit.interval / time.Second)}}},
				})
				if len(problems) > 0 {
					t.Fatal(problems)
				}
				post := func(token string) lists.Call {
					call, _ := l.PlanPost(lists.Count{BotID: firstBot}, lists.NewToken(token, ""), "")
					return call
				}
				calls := map[string][]lists.Call{"token": {post("a")}, "bot": {post("a"), post("b")}, "address": {post("a"), post("b"), post("c")}}[per]
				if per == "address" {
					call, _ := l.PlanRead(firstBot, lists.Token{}, "")
					calls = append(calls, call.Call)
				}
				random := rand.New(rand.NewPCG(1, uint64(limit.n)))
				clock := testkit.NewClock()
				holds := aggregate.NewHolds(store.NewMemory(store.MemoryOptions{Now: clock.Now}).Windows(), cheapHash, clock.Now, slog.New(slog.DiscardHandler))
				upTo := func(d time.Duration) time.Duration { return time.Duration(random.Int64N(int64(d))) }

				var log []time.Time // when the list got each
				var flying []answering
				advance := func(d time.Duration) {
					for end := clock.Now().Add(d); ; {
						slices.SortFunc(flying, func(a, b answering) int { return a.at.Compare(b.at) })
						if len(flying) == 0 || flying[0].at.After(end) {
							clock.Advance(end.Sub(clock.Now()))
							return
						}
						first := flying[0]
						flying = flying[1:]
						clock.Advance(first.at.Sub(clock.Now()))
						holds.Settle(t.Context(), first.plan, first.answer)
					}
				}
				posts := 0
				for end := clock.Now().Add(day); clock.Now().Before(end); posts++ {
					if random.IntN(2*limit.n) == 0 {
						advance(upTo(limit.interval / 4)) // a lull, so that intervals begin anywhere
					} else {
						advance(upTo(limit.interval / time.Duration(limit.n)))
					}
					if per == lists.PerBot {
						advance(lists.Posts.Timeout)
					}
					plan, why := holds.Reserve(t.Context(), calls[random.IntN(len(calls))])
					if why != nil {
						continue
					}
					took := upTo(lists.Posts.Timeout)
					arrived, answer := upTo(took+1), ok
					switch n := random.IntN(5); {
					case per == lists.PerBot: // it is known from their answers alone which tokens are the bot's
					case n == 0:
						took, answer = lists.Posts.Timeout, broken(lists.FaultTimeout)
						arrived = upTo(took + 1)
					case n == 1:
						answer = lists.Answer{Status: 500}
					}
					log = append(log, clock.Now().Add(arrived))
					flying = append(flying, answering{clock.Now().Add(took), plan, answer})
				}
				slices.SortFunc(log, time.Time.Compare)
				for i := limit.n; i < len(log); i++ {
					if d := log[i].Sub(log[i-limit.n]); d < limit.interval {
						t.Fatalf("%d posts within %s, from %s on", limit.n+1, d, log[i-limit.n])
					}
				}
				if most := int(day/limit.interval) * limit.n; len(log) < most/3 || len(log) == posts {
					t.Errorf("%d of %d posts were sent; the list would take %d in a day", len(log), posts, most)
				}
			})
		}
	}
}

// cheapHash makes keys fast, where no secret is at stake.
func cheapHash(parts ...string) store.Key {
	h := fnv.New128a()
	for _, p := range parts {
		_, _ = h.Write([]byte(p))
		_, _ = h.Write([]byte{0})
	}
	return store.Key(h.Sum(nil))
}

// failing is a store whose windows cannot be taken.
type failing struct{ store.Store }

func (f failing) Windows() store.Windows { return failingWindows{f.Store.Windows()} }

type failingWindows struct{ store.Windows }

func (failingWindows) TakeEach(context.Context, ...[]store.Use) ([]store.Taken, error) {
	return nil, errors.New("no room")
}

// lostStore is a store that has lost its data, and is told again until then.
type lostStore struct {
	store.Store
	until time.Time
}

func (l *lostStore) Windows() store.Windows { return lostWindows{l.Store.Windows(), l} }

type lostWindows struct {
	store.Windows
	of *lostStore
}

func (l lostWindows) Lost() time.Time { return l.of.until }

// While other replicas tell a store that lost its data what they know, lists
// with limits are held.
func TestLostDataHoldsListsWithLimits(t *testing.T) {
	t.Parallel()
	clock := testkit.NewClock()
	lost := &lostStore{store.NewMemory(store.MemoryOptions{Now: clock.Now}), clock.Now().Add(10 * time.Second)}
	d := newDesk(t, deskOptions{store: lost, now: clock.Now})
	if got := d.post(t, firstBot, "bot.test=a open.test=a"); got != "200, "+until("12:00:10") || d.took() != "open.test=a" {
		t.Errorf("%s; want the list with a limit held, the other asked", got)
	}
	clock.Advance(10 * time.Second)
	if got := d.post(t, firstBot, "bot.test=a open.test=a"); got != "200, 200" || d.took() != "bot.test=a open.test=a" {
		t.Errorf("%s; want both asked", got)
	}
}

func TestWithoutTheStoreNoListIsAskedTooEarly(t *testing.T) {
	t.Parallel()
	m := store.NewMemory(store.MemoryOptions{})
	clock := testkit.NewClock()
	d := newDesk(t, deskOptions{store: failing{m}, windows: m.Windows(), now: func() time.Time { return clock.Now().In(time.FixedZone("elsewhere", 3600)) }})
	if got := d.post(t, firstBot, "bot.test=a open.test=a"); got != "200, "+until("12:01:00") || d.took() != "open.test=a" {
		t.Errorf("%s; want the paced list held, the other asked", got)
	}
}

// What lies in the store are keyed hashes: neither tokens nor bots.
func TestStoreHoldsNoToken(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	tokens := map[string]lists.Answer{
		"accepted-token-1": ok, "refused-token-2": refused, "paced-token-3": after(429, "3600"), "revoked-token-4": {Status: 410},
	}
	use := func() map[string]string {
		st, err := sqlite.Open(filepath.Join(folder, "store.db"), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := st.Close(); err != nil {
				t.Error(err)
			}
		}()
		d := newDesk(t, deskOptions{store: st, now: time.Now, count: "1/120s"})
		d.answer = func(c lists.Call) lists.Answer { return tokens[c.Token().Reveal()] }
		got := map[string]string{}
		for i, token := range []string{"refused-token-2", "paced-token-3", "revoked-token-4", "accepted-token-1"} {
			a, err := d.Count(t.Context(), countOf(firstBot, "bot.test="+token), caller(i))
			if err != nil {
				t.Fatal(err)
			}
			got[token], _, _ = strings.Cut(outcome(a), ":")
		}
		return got
	}
	wantOutcomes(t, "first", use(), map[string]string{"accepted-token-1": "200", "refused-token-2": "401", "paced-token-3": "429", "revoked-token-4": "410"})
	files, err := os.ReadDir(folder)
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		data, err := os.ReadFile(filepath.Join(folder, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{"token-1", "token-2", "token-3", "token-4", firstBot, "192.0.2."} {
			if bytes.Contains(data, []byte(secret)) {
				t.Errorf("%s holds %q", f.Name(), secret)
			}
		}
	}
	// And yet all is known after a restart, the refused token being held like its bot.
	wantOutcomes(t, "after a restart", use(), map[string]string{"accepted-token-1": "Paced", "refused-token-2": "Paced", "paced-token-3": "Paced", "revoked-token-4": "Revoked"})
}

func wantOutcomes(t *testing.T, when string, got, want map[string]string) {
	t.Helper()
	g, _ := json.Marshal(got)
	w, _ := json.Marshal(want)
	if string(g) != string(w) {
		t.Errorf("%s: %s, want %s", when, g, w)
	}
}

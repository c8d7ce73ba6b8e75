package aggregate_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
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
	"aggregator/shares"
	"aggregator/store"
)

const someBot = "123456789012345678"

const someLists = `
lists:
  a.test:
    name: A
    url: "https://a.test/"
    display: 1
    api_post: "https://a.test/bots/:id"
    api_field: server_count
    api_get: "https://a.test/bots/:id"
  b.test:
    name: B
    url: "https://b.test/"
    api_post: "https://b.test/bots/:id"
    api_field: "bot.count"
    api_shard_id: shard_id
    api_get: "https://b.test/bots/:id"
  current.example:
    name: Current
    url: "https://current.example/"
    api_post: "https://current.example/:id"
    api_field: n
  gone.example:
    name: Gone
    url: "https://gone.example/"
    defunct: 1
    api_post: "https://gone.example/:id"
    api_field: n
    api_get: "https://gone.example/:id"
  keyed.example:
    name: Keyed
    url: "https://keyed.example/"
    get:
      url: "https://keyed.example/:id"
      auth: {prefix: "Bearer "}
  numbers.example:
    name: Numbers
    url: "https://numbers.example/"
    post:
      url: "https://numbers.example/:list_bot_id/stats"
      fields: {server_count: n}
  query.example:
    name: Query
    url: "https://query.example/"
    post:
      url: "https://query.example/:id"
      body: query
      auth: {in: query, name: key}
      fields: {server_count: n}
      headers: {User-Agent: "svc DBots/:id"}
  silent.example:
    name: Silent
    url: "https://silent.example/"
    post: {none: "its API only reads"}
  words.example:
    name: Words
    url: "https://words.example/"
`

const someLegacyIDs = `
old.example: current.example
older.example: old.example
oldest.example: older.example
was-gone.example: gone.example
b.test: current.example
lost.example: nowhere.example
`

// runner is a Runner made of a function.
type runner struct {
	run func(ctx context.Context, op lists.Op, calls []lists.Call) []lists.Answer
}

func (r runner) Run(ctx context.Context, op lists.Op, _ netip.Prefix, calls []lists.Call) []lists.Answer {
	return r.run(ctx, op, calls)
}

// fixture is an Aggregator over the lists above, with a clock that stands
// still and every request it had sent.
type fixture struct {
	*aggregate.Aggregator
	clock *testkit.Clock
	runs  atomic.Int64

	mu   sync.Mutex
	sent []lists.Request
}

func newFixture(t testing.TB, answer lists.Answer) *fixture {
	t.Helper()
	f := &fixture{clock: testkit.NewClock()}
	live, _, err := catalog.NewLive(func() (*catalog.Catalog, []string, error) {
		return catalog.Load([]catalog.File{{Name: "lists.yaml", Data: []byte(someLists)}}, catalog.File{Name: "legacy_ids.yaml", Data: []byte(someLegacyIDs)})
	})
	if err != nil {
		t.Fatal(err)
	}
	m := store.NewMemory(store.MemoryOptions{Now: f.clock.Now})
	t.Cleanup(func() { _ = m.Close() })
	hash := store.NewHasher(m.Secret())
	f.Aggregator = aggregate.New(aggregate.Config{
		Catalog:    live,
		Runner:     f.runner(answer),
		CountLimit: ratelimit.New(m.Windows(), ratelimit.Rate{Limit: 1, Period: 120 * time.Second}, hash),
		BotsLimit:  ratelimit.New(m.Windows(), ratelimit.Rate{Limit: 1, Period: 30 * time.Second}, hash),
		UserAgent:  "service/1.0",
	})
	f.SetReadingsClock(f.clock.Now)
	return f
}

func (f *fixture) runner(answer lists.Answer) runner {
	return runner{func(_ context.Context, _ lists.Op, calls []lists.Call) []lists.Answer {
		f.runs.Add(1)
		f.mu.Lock()
		defer f.mu.Unlock()
		for _, c := range calls {
			f.sent = append(f.sent, c.Wire())
		}
		return slices.Repeat([]lists.Answer{answer}, len(calls))
	}}
}

var (
	good    = lists.Answer{Status: 200, Body: []byte(`{"ok":true}`)}
	someone = aggregate.Caller{IP: netip.MustParseAddr("192.0.2.1"), UserAgent: "caller/2.0"}
)

// body is a count's body with the given members beside the required ones.
func body(members string) string {
	if members != "" {
		members = "," + members
	}
	return `{"bot_id":"` + someBot + `","server_count":5` + members + `}`
}

// request is a request with the given members in its body.
func request(t testing.TB, members string) aggregate.CountRequest {
	t.Helper()
	r, err := httpapi.ParseCount([]byte(body(members)))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (f *fixture) count(t testing.TB, members string) (aggregate.CountAnswer, error) {
	t.Helper()
	return f.Count(t.Context(), request(t, members), someone)
}

func (f *fixture) mustCount(t testing.TB, members string) aggregate.CountAnswer {
	t.Helper()
	a, err := f.count(t, members)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// asJSON returns an answer as callers get it.
func asJSON(t testing.TB, answer any) string {
	t.Helper()
	var text bytes.Buffer
	var err error
	switch a := answer.(type) {
	case aggregate.CountAnswer:
		err = httpapi.EncodeCount(&text, a)
	case aggregate.ShardsAnswer:
		err = httpapi.EncodeShards(&text, a)
	case aggregate.VoteAnswer:
		err = httpapi.EncodeVote(&text, a)
	case aggregate.BotAnswer:
		err = httpapi.EncodeBot(&text, a)
	}
	if err != nil || !json.Valid(text.Bytes()) {
		t.Fatalf("%v, not JSON: %s", err, &text)
	}
	return text.String()
}

// tokensSent are the lists asked, each with the token it got.
func (f *fixture) tokensSent() string {
	var all []string
	for _, r := range f.sent {
		host := strings.Split(r.URL, "/")[2]
		for _, h := range r.Header {
			if h.Name == "Authorization" {
				all = append(all, host+"="+h.Value)
			}
		}
	}
	return strings.Join(all, " ")
}

// messageOf returns what an error says to the caller.
func messageOf(t testing.TB, err error) string {
	t.Helper()
	var invalid *aggregate.InvalidError
	if !errors.As(err, &invalid) {
		t.Fatalf("error is %T %v, want *InvalidError", err, err)
	}
	return invalid.Message
}

func isLimited(err error) bool {
	var limited *aggregate.LimitedError
	return errors.As(err, &limited)
}

func TestLegacyIDs(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, members string
		sent, skipped string
	}{
		{"current id", `"current.example":"t"`, "current.example=t", ""},
		{"legacy id", `"old.example":"t"`, "current.example=t", ""},
		{"chain of two", `"older.example":"t"`, "current.example=t", ""},
		{"chain of three", `"oldest.example":"t"`, "current.example=t", ""},
		{"both, current first", `"current.example":"new","old.example":"old"`, "current.example=new", ""},
		{"both, legacy first", `"old.example":"old","current.example":"new"`, "current.example=new", ""},
		{"current is null", `"old.example":"old","current.example":null`, "current.example=old", ""},
		{"current is empty", `"current.example":"","old.example":"old"`, "current.example=old", ""},
		{"current is blank", `"current.example":" ","oldest.example":"old"`, "current.example=old", ""},
		{"legacy is blank", `"current.example":"new","old.example":" "`, "current.example=new", ""},
		{"two legacy ids: the later", `"old.example":"one","older.example":"two"`, "current.example=two", ""},
		{"two legacy ids: the later, other way", `"older.example":"two","old.example":"one"`, "current.example=one", ""},
		{"two legacy ids: the later is blank", `"old.example":"one","older.example":null`, "current.example=one", ""},
		{"legacy id twice: the last", `"old.example":"one","old.example":"two"`, "current.example=two", ""},
		{"legacy id twice: the last is later", `"old.example":"one","older.example":"two","old.example":"three"`, "current.example=three", ""},
		{"a living list's own id", `"b.test":"t"`, "b.test=t", ""},
		{"a living list's own id beside another", `"b.test":"tb","current.example":"tc"`, "b.test=tb current.example=tc", ""},
		{"all are blank", `"current.example":null,"old.example":""`, "", `,"skipped":{"current.example":"No token","old.example":"No token"}`},
		{"legacy id of a defunct list", `"was-gone.example":"t"`, "", `,"skipped":{"was-gone.example":"Defunct"}`},
		{"legacy id of no list", `"lost.example":"t"`, "", `,"skipped":{"lost.example":"Unknown list"}`},

		{"tokens object", `"tokens":{"old.example":"t"}`, "current.example=t", ""},
		{"top wins over the tokens object", `"current.example":"top","tokens":{"current.example":"nested"}`, "current.example=top", ""},
		{"top wins over a tokens object that is later", `"tokens":{"current.example":"nested"},"current.example":"top"`, "current.example=top", ""},
		{"tokens object where the top is blank", `"current.example":null,"tokens":{"current.example":"nested"}`, "current.example=nested", ""},
		{"tokens object, current over legacy", `"tokens":{"current.example":"new","old.example":"old"}`, "current.example=new", ""},
		{"tokens object and top, each its list", `"a.test":"ta","tokens":{"b.test":"tb"}`, "a.test=ta b.test=tb", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, good)
			answer := asJSON(t, f.mustCount(t, tt.members))
			if got := f.tokensSent(); got != tt.sent {
				t.Errorf("sent %q, want %q", got, tt.sent)
			}
			_, skipped, found := strings.Cut(answer, `"failure":{}`)
			if !found || skipped != tt.skipped+"}" {
				t.Errorf("answer %s, want at its end %s}", answer, tt.skipped)
			}
		})
	}
}

func TestSkipped(t *testing.T) {
	t.Parallel()
	const numbers = `Bad token: numbers.example numbers bots itself; send \"NUMBER:token\" or {\"token\": \"token\", \"bot_id\": \"NUMBER\"} with its number of your bot`
	for _, tt := range []struct{ name, members, want string }{
		{"nothing named", ``, ``},
		{"unknown", `"nothing-like-it":"t"`, `{"nothing-like-it":"Unknown list"}`},
		{"unknown, near a list", `"curent.example":"t"`, `{"curent.example":"Unknown list, did you mean \"current.example\"?"}`},
		{"unknown, near a legacy id", `"oldst.example":"t"`, `{"oldst.example":"Unknown list, did you mean \"oldest.example\"?"}`},
		{"unknown with a bad token", `"nothing-like-it":5`, `{"nothing-like-it":"Unknown list"}`},
		{"unknown, empty", `"":"t"`, `{"":"Unknown list"}`},
		{"unknown, odd signs", `"<é\"\n>":"t"`, `{"<é\"\n>":"Unknown list"}`},
		{"a field in another case", `"serverCount":5`, `{"serverCount":"Unknown list"}`},
		{"defunct", `"gone.example":"t"`, `{"gone.example":"Defunct"}`},
		{"defunct without a token", `"gone.example":null`, `{"gone.example":"Defunct"}`},
		{"no post API", `"words.example":"t"`, `{"words.example":"No post API"}`},
		{"no post API, and why", `"silent.example":"t"`, `{"silent.example":"No post API: its API only reads"}`},
		{"null", `"a.test":null`, `{"a.test":"No token"}`},
		{"empty", `"a.test":""`, `{"a.test":"No token"}`},
		{"blank", `"a.test":" \t"`, `{"a.test":"No token"}`},
		{"blank in an object", `"a.test":{"token":" "}`, `{"a.test":"No token"}`},
		{"blank, for a list that numbers bots", `"numbers.example":""`, `{"numbers.example":"No token"}`},
		{"null, for a list that numbers bots", `"numbers.example":null`, `{"numbers.example":"No token"}`},
		{"number", `"a.test":5`, `{"a.test":"Bad token: must be a string"}`},
		{"boolean", `"a.test":true`, `{"a.test":"Bad token: must be a string"}`},
		{"array", `"a.test":["t"]`, `{"a.test":"Bad token: must be a string"}`},
		{"number, for a list that numbers bots", `"numbers.example":5`, `{"numbers.example":"Bad token: must be a string"}`},
		{"odd object", `"a.test":{"token":5}`, `{"a.test":"Bad token: an object must be {\"token\": \"…\", \"bot_id\": \"…\"}"}`},
		{"line break", `"a.test":"a\nb"`, `{"a.test":"Bad token: holds a character that no header can carry"}`},
		{"no number", `"numbers.example":"t"`, `{"numbers.example":"` + numbers + `"}`},
		{"no number in an object", `"numbers.example":{"token":"t"}`, `{"numbers.example":"` + numbers + `"}`},
		{"tokens is no object", `"tokens":"t"`, `{"tokens":"Bad token: must be an object of list ids and tokens"}`},
		{"in the order of the request", `"words.example":"t","zzz":"t","a.test":null,"was-gone.example":"t","gone.example":"t"`,
			`{"words.example":"No post API","zzz":"Unknown list","a.test":"No token","was-gone.example":"Defunct","gone.example":"Defunct"}`},
		{"one id twice", `"gone.example":"t","tokens":{"gone.example":"t"}`, `{"gone.example":"Defunct"}`},
		{"one unknown id twice", `"zzz":"t","tokens":{"zzz":"t"}`, `{"zzz":"Unknown list"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, good)
			answer, err := f.count(t, tt.members)
			if err != nil {
				t.Fatal(err)
			}
			want := `{"success":{},"failure":{},"hint":"No list is named. Name each list by its id, with your token for it: {\"LIST\": \"TOKEN\"}. GET /api/lists has the ids."}`
			if tt.want != "" {
				want = `{"success":{},"failure":{},"skipped":` + tt.want + `}`
			}
			if got := asJSON(t, answer); got != want {
				t.Errorf("%s, want %s", got, want)
			}
			if answer.Window != nil || f.runs.Load() != 0 {
				t.Errorf("a request that asks no list has decision %+v and %d runs", answer.Window, f.runs.Load())
			}
		})
	}
}

// TestNothingIsDroppedInSilence names every id there is, and more: each comes
// back, as a result or as skipped.
func TestNothingIsDroppedInSilence(t *testing.T) {
	t.Parallel()
	f := newFixture(t, good)
	var members []string
	for _, l := range f.Catalog.Current().Lists() {
		members = append(members, fmt.Sprintf("%q:%q", l.ID, "t"))
	}
	members = append(members, `"was-gone.example":"t"`, `"lost.example":"t"`, `"zzz":"t"`, `"tokens":{"yyy":5,"xxx":null}`)
	answer := f.mustCount(t, strings.Join(members, ","))
	var got []string
	for _, r := range answer.Results {
		got = append(got, r.List)
	}
	got = append(got, "|")
	for _, s := range answer.Skipped {
		got = append(got, s.ID)
	}
	want := "a.test b.test current.example query.example | gone.example keyed.example numbers.example silent.example words.example was-gone.example lost.example zzz yyy xxx"
	if strings.Join(got, " ") != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestCountAnswers(t *testing.T) {
	t.Parallel()
	const all = `"query.example":"tq","b.test":"tb","zzz":"t","old.example":"tc","a.test":"ta"`
	for _, tt := range []struct {
		name    string
		members string
		run     func(call lists.Call) lists.Answer
		want    string
	}{
		{"success", `"a.test":"ta"`, func(lists.Call) lists.Answer { return good },
			`{"success":{"a.test":[200,"{\"ok\":true}","{\"server_count\":5}"]},"failure":{}}`},
		{"failure", `"a.test":"ta"`, func(lists.Call) lists.Answer { return lists.Answer{Status: 401, Body: []byte("<no>")} },
			`{"success":{},"failure":{"a.test":[401,"<no>","{\"server_count\":5}"]}}`},
		{"no answer", `"a.test":"ta"`, func(lists.Call) lists.Answer {
			return lists.Answer{Status: lists.NoAnswer, Reason: "Timeout after 10s", Fault: lists.FaultTimeout}
		}, `{"success":{},"failure":{"a.test":[-1,"Timeout after 10s","{\"server_count\":5}"]}}`},
		{"bad bytes and control signs", `"a.test":"ta"`, func(lists.Call) lists.Answer { return lists.Answer{Status: 200, Body: []byte("\xff\x00\u2028")} },
			`{"success":{"a.test":[200,"` + "\ufffd" + `\u0000\u2028","{\"server_count\":5}"]},"failure":{}}`},
		{"catalog order, whatever the request's", all, func(call lists.Call) lists.Answer {
			if call.List.ID < "c" {
				return lists.Answer{Status: 200, Body: []byte("ok")}
			}
			return lists.Answer{Status: 500, Body: []byte("oops")}
		}, `{"success":{"a.test":[200,"ok","{\"server_count\":5}"],"b.test":[200,"ok","{\"bot\":{\"count\":5}}"]},` +
			`"failure":{"current.example":[500,"oops","{\"n\":5}"],"query.example":[500,"oops","n=5"]},"skipped":{"zzz":"Unknown list"}}`},
		{"echo of a token", `"a.test":"long secret"`, func(lists.Call) lists.Answer { return lists.Answer{Status: 401, Body: []byte("got long secret")} },
			`{"success":{},"failure":{"a.test":[401,"got ***","{\"server_count\":5}"]}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, good)
			f.Runner = runner{func(_ context.Context, op lists.Op, calls []lists.Call) []lists.Answer {
				if op != lists.Posts {
					t.Errorf("calls are run as %+v, want posts", op)
				}
				answers := make([]lists.Answer, len(calls))
				for i, c := range calls {
					answers[i] = tt.run(c)
				}
				return answers
			}}
			if got := asJSON(t, f.mustCount(t, tt.members)); got != tt.want {
				t.Errorf("%s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestCountPassesOnWhatListsTake(t *testing.T) {
	t.Parallel()
	f := newFixture(t, good)
	f.mustCount(t, `"shard_id":0,"shard_count":2,"shards":[2,3],"b.test":"tb","a.test":"ta","numbers.example":"42:tn"`)
	var got []string
	for _, r := range f.sent {
		got = append(got, r.Method+" "+r.URL+" "+string(r.Body))
	}
	want := []string{
		`POST https://a.test/bots/123456789012345678 {"server_count":5}`,
		`POST https://b.test/bots/123456789012345678 {"bot":{"count":5}}`,
		`POST https://numbers.example/42/stats {"n":5}`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("sent\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestUserAgent(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, caller, want string }{
		{"caller's", "caller/2.0", "caller/2.0"},
		{"ours where the caller has none", "", "service/1.0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, good)
			from := aggregate.Caller{IP: someone.IP, UserAgent: tt.caller}
			if _, err := f.Count(t.Context(), request(t, `"a.test":"ta","query.example":"tq"`), from); err != nil {
				t.Fatal(err)
			}
			if _, err := f.Bot(t.Context(), aggregate.BotRequest{BotID: someBot}, from); err != nil {
				t.Fatal(err)
			}
			for _, r := range f.sent {
				want := tt.want
				if r.Method == http.MethodGet {
					want = "service/1.0" // the answer is shared with other callers
				}
				if strings.Contains(r.URL, "query.example") {
					want = "svc DBots/" + someBot // prescribed
				}
				got := ""
				for _, h := range r.Header {
					if h.Name == "User-Agent" {
						got += h.Value
					}
				}
				if got != want {
					t.Errorf("%s: User-Agent %q, want %q", r.URL, got, want)
				}
			}
			if len(f.sent) != 4 {
				t.Errorf("%d requests, want 2 posts and 2 readings", len(f.sent))
			}
		})
	}
}

func TestCountRefusesABadBotID(t *testing.T) {
	t.Parallel()
	f := newFixture(t, good)
	r := request(t, `"a.test":"t"`)
	r.BotID = "0"
	answer, err := f.Count(t.Context(), r, someone)
	if got := messageOf(t, err); got != "'bot_id' must be a snowflake" || answer.Window != nil || f.runs.Load() != 0 {
		t.Errorf("%q, %+v, %d runs", got, answer.Window, f.runs.Load())
	}
}

func TestCountWindow(t *testing.T) {
	t.Parallel()
	f := newFixture(t, good)
	reset := f.clock.Now().Add(120 * time.Second)
	answer, err := f.count(t, `"a.test":"t"`)
	decision := answer.Window
	if want := (ratelimit.Decision{OK: true, Limit: 1, Period: 120 * time.Second, Reset: reset}); err != nil || !decision.Reset.Equal(reset) || decision.OK != want.OK || decision.Limit != want.Limit || decision.Remaining != 0 || decision.Period != want.Period {
		t.Errorf("%+v, %v; want %+v", decision, err, want)
	}

	f.clock.Advance(time.Second)
	answer, err = f.count(t, `"a.test":"t"`)
	var limited *aggregate.LimitedError
	if !errors.As(err, &limited) {
		t.Fatalf("the second has error %v, want *LimitedError", err)
	}
	wantScope := ratelimit.Scope{Name: "count", IP: someone.IP, BotID: someBot}
	decision = &limited.Decision
	if limited.Scope != wantScope || answer.Window != nil || decision.OK || decision.Limit != 1 || !decision.Reset.Equal(reset) {
		t.Errorf("%+v, %+v", limited, decision)
	}
	if decision.RetryAfter(f.clock.Now()) != 119 {
		t.Errorf("retry after %d s, want 119", decision.RetryAfter(f.clock.Now()))
	}
	if len(answer.Results) != 0 || len(answer.Skipped) != 0 || f.runs.Load() != 1 {
		t.Errorf("a limited request has %+v and made run %d", answer, f.runs.Load())
	}

	f.clock.Advance(118 * time.Second)
	if _, err := f.count(t, `"a.test":"t"`); !isLimited(err) {
		t.Errorf("after 119 s: %v; a refusal must not end the window", err)
	}
	f.clock.Advance(time.Second)
	if _, err := f.count(t, `"a.test":"t"`); err != nil {
		t.Errorf("after 120 s: %v; a refusal must not extend the window", err)
	}
}

// TestCountScopes has what shares a window with a post, and what does not.
func TestCountScopes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, ip, bot string
		limited       bool
	}{
		{"the same", "192.0.2.1", someBot, true},
		{"another address", "192.0.2.2", someBot, false},
		{"another bot", "192.0.2.1", "123456789012345679", false},
		{"the same address in IPv6 form", "::ffff:192.0.2.1", someBot, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, good)
			f.mustCount(t, `"a.test":"t"`)
			r := request(t, `"b.test":"other","user_count":1`)
			r.BotID = tt.bot
			_, err := f.Count(t.Context(), r, aggregate.Caller{IP: netip.MustParseAddr(tt.ip)})
			if isLimited(err) != tt.limited {
				t.Errorf("%v, want limited: %t", err, tt.limited)
			}
		})
	}
	t.Run("a reading of the same bot", func(t *testing.T) {
		f := newFixture(t, good)
		f.mustCount(t, `"a.test":"t"`)
		if _, err := f.Bot(t.Context(), aggregate.BotRequest{BotID: someBot}, someone); err != nil {
			t.Error(err)
		}
	})
}

func TestWhoUsesTheWindow(t *testing.T) {
	t.Parallel()
	fails := func(status int) lists.Answer { return lists.Answer{Status: status} }
	for _, tt := range []struct {
		name    string
		members string
		dryRun  bool
		answer  lists.Answer
		uses    bool
	}{
		{name: "success", members: `"a.test":"t"`, answer: good, uses: true},
		{name: "every list fails", members: `"a.test":"t","b.test":"t"`, answer: fails(401), uses: true},
		{name: "no list answers", members: `"a.test":"t"`, answer: lists.Answer{Status: lists.NoAnswer, Fault: lists.FaultTimeout, Reason: "Timeout after 10s"}, uses: true},
		{name: "open circuits", members: `"a.test":"t"`, answer: lists.Answer{Status: lists.NoAnswer, Fault: lists.FaultCircuit, Reason: "Circuit open"}, uses: true},
		{name: "some are skipped", members: `"a.test":"t","zzz":"t"`, answer: good, uses: true},
		{name: "nothing named", answer: good},
		{name: "all are skipped", members: `"a.test":null,"gone.example":"t","zzz":"t"`, answer: good},
		{name: "dry run", members: `"a.test":"t"`, dryRun: true, answer: good},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, tt.answer)
			r := request(t, tt.members)
			r.DryRun = tt.dryRun
			if answer, err := f.Count(t.Context(), r, someone); err != nil || (answer.Window != nil) != tt.uses {
				t.Errorf("%+v, %v", answer.Window, err)
			}
			f.Runner = f.runner(good)
			if _, err := f.count(t, `"a.test":"t"`); isLimited(err) != tt.uses {
				t.Errorf("the next: %v, want limited: %t", err, tt.uses)
			}
			// Now there is a window in any case: is the request answered inside it?
			answer, err := f.Count(t.Context(), r, someone)
			if isLimited(err) != tt.uses || !tt.uses && (err != nil || answer.Window != nil) {
				t.Errorf("inside a window: %+v, %v; want limited: %t", answer.Window, err, tt.uses)
			}
		})
	}
}

func TestOneOfManyPasses(t *testing.T) {
	t.Parallel()
	f := newFixture(t, good)
	const many = 50
	var passed, limited atomic.Int64
	var group sync.WaitGroup
	start := make(chan struct{})
	for range many {
		r := request(t, `"a.test":"t"`)
		group.Go(func() {
			<-start
			switch _, err := f.Count(t.Context(), r, someone); {
			case err == nil:
				passed.Add(1)
			case isLimited(err):
				limited.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	close(start)
	group.Wait()
	if passed.Load() != 1 || limited.Load() != many-1 || f.runs.Load() != 1 {
		t.Errorf("%d passed, %d were limited, %d runs; want 1, %d, 1", passed.Load(), limited.Load(), f.runs.Load(), many-1)
	}
}

// A full store turns nobody away: what ends soonest makes room.
func TestFullStore(t *testing.T) {
	t.Parallel()
	f := newFixture(t, good)
	m := store.NewMemory(store.MemoryOptions{MaxKeys: 1, Now: f.clock.Now})
	t.Cleanup(func() { _ = m.Close() })
	hash := store.NewHasher(m.Secret())
	config := f.Config
	config.CountLimit = ratelimit.New(m.Windows(), ratelimit.Rate{Limit: 1, Period: 120 * time.Second}, hash)
	config.BotsLimit = ratelimit.New(m.Windows(), ratelimit.Rate{Limit: 1, Period: 30 * time.Second}, hash)
	f.Aggregator = aggregate.New(config)
	f.mustCount(t, `"a.test":"t"`)
	other := request(t, `"a.test":"t"`)
	other.BotID = "123456789012345679"
	if _, err := f.Count(t.Context(), other, someone); err != nil {
		t.Errorf("Count: %v, want no error", err)
	}
	if _, err := f.Count(t.Context(), other, someone); err == nil {
		t.Error("Count again: no error, want it limited")
	}
	if _, err := f.Bot(t.Context(), aggregate.BotRequest{BotID: someBot}, someone); err != nil {
		t.Errorf("Bot: %v, want no error", err)
	}
}

func TestDryRun(t *testing.T) {
	t.Parallel()
	f := newFixture(t, good)
	r := request(t, `"query.example":"long secret","a.test":"a secret","numbers.example":"42:secret of 42","zzz":"t"`)
	r.DryRun = true
	answer, err := f.Count(t.Context(), r, someone)
	if err != nil || answer.Window != nil || f.runs.Load() != 0 {
		t.Fatalf("%+v, %v, %d runs", answer.Window, err, f.runs.Load())
	}
	want := `{"dry_run":true,"requests":{` +
		`"a.test":{"method":"POST","url":"https://a.test/bots/123456789012345678","headers":{"Content-Type":"application/json","Authorization":"***","User-Agent":"caller/2.0"},"body":"{\"server_count\":5}"},` +
		`"numbers.example":{"method":"POST","url":"https://numbers.example/42/stats","headers":{"Content-Type":"application/json","Authorization":"***","User-Agent":"caller/2.0"},"body":"{\"n\":5}"},` +
		`"query.example":{"method":"POST","url":"https://query.example/123456789012345678?n=5&key=***","headers":{"User-Agent":"svc DBots/123456789012345678"},"body":""}},` +
		`"skipped":{"zzz":"Unknown list"}}`
	if got := asJSON(t, answer); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	empty := request(t, ``)
	empty.DryRun = true
	answer, err = f.Count(t.Context(), empty, someone)
	if got := asJSON(t, answer); err != nil || got != `{"dry_run":true,"requests":{},"skipped":{},"hint":"No list is named. Name each list by its id, with your token for it: {\"LIST\": \"TOKEN\"}. GET /api/lists has the ids."}` {
		t.Errorf("%s, %v", got, err)
	}
}

func TestHangUp(t *testing.T) {
	t.Parallel()
	t.Run("posts go on", func(t *testing.T) {
		f := newFixture(t, good)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var before, after error
		f.Runner = runner{func(ctx context.Context, _ lists.Op, calls []lists.Call) []lists.Answer {
			before = ctx.Err()
			cancel()
			after = ctx.Err()
			return slices.Repeat([]lists.Answer{good}, len(calls))
		}}
		answer, err := f.Count(ctx, request(t, `"a.test":"t"`), someone)
		if err != nil || len(answer.Results) != 1 || !answer.Results[0].OK || before != nil || after != nil {
			t.Errorf("%+v, %v; the context of the posts: %v and then %v", answer, err, before, after)
		}
	})
	for name, tokens := range map[string][]aggregate.NamedToken{
		"readings end":          nil,
		"readings end, own key": {{ID: "keyed.example", Token: lists.NewToken("t", "")}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, good)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			ended := make(chan error, 1)
			f.Runner = runner{func(ctx context.Context, _ lists.Op, calls []lists.Call) []lists.Answer {
				cancel()
				<-ctx.Done() // forever, if the caller's hanging up does not end it
				ended <- ctx.Err()
				return slices.Repeat([]lists.Answer{{Status: lists.NoAnswer, Fault: lists.FaultCanceled}}, len(calls))
			}}
			if _, err := f.Bot(ctx, aggregate.BotRequest{BotID: someBot, Tokens: tokens}, someone); !errors.Is(err, context.Canceled) {
				t.Errorf("error %v", err)
			}
			if err := <-ended; !errors.Is(err, context.Canceled) {
				t.Errorf("the readings ended with %v", err)
			}
		})
	}
	t.Run("before the window nothing is sent or used", func(t *testing.T) {
		f := newFixture(t, good)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := f.Count(ctx, request(t, `"a.test":"t"`), someone); !errors.Is(err, context.Canceled) || f.runs.Load() != 0 {
			t.Errorf("%v, %d runs", err, f.runs.Load())
		}
		f.mustCount(t, `"a.test":"t"`)
	})
}

func TestWait(t *testing.T) {
	t.Parallel()
	f := newFixture(t, good)
	if err := f.Wait(t.Context()); err != nil {
		t.Fatalf("nothing is under way: %v", err)
	}
	var ended atomic.Bool
	entered, release := make(chan struct{}), make(chan struct{})
	f.Runner = runner{func(_ context.Context, _ lists.Op, calls []lists.Call) []lists.Answer {
		close(entered)
		<-release
		ended.Store(true)
		return slices.Repeat([]lists.Answer{good}, len(calls))
	}}
	done := make(chan error, 1)
	r := request(t, `"a.test":"t"`)
	go func() {
		_, err := f.Count(context.Background(), r, someone)
		done <- err
	}()
	<-entered
	soon, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := f.Wait(soon); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a post is under way: %v", err)
	}
	waited := make(chan error, 1)
	go func() {
		err := f.Wait(context.Background())
		if !ended.Load() {
			err = errors.New("did not wait for the post")
		}
		waited <- err
	}()
	close(release)
	if err := <-waited; err != nil {
		t.Error(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestBot(t *testing.T) {
	t.Parallel()
	f := newFixture(t, good)
	f.Runner = runner{func(_ context.Context, op lists.Op, calls []lists.Call) []lists.Answer {
		if op != lists.Readings {
			t.Errorf("calls are run as %+v, want readings", op)
		}
		var answers []lists.Answer
		for _, c := range calls {
			switch c.List.ID {
			case "a.test":
				answers = append(answers, lists.Answer{Status: 200, Body: []byte(" {\"name\": \"Some <Bot>\", \"owner\": 100000000000000001, \"count\": \"1,234\", \"big\": 1.000000000000000000001}\n")})
			default:
				answers = append(answers, lists.Answer{Status: lists.NoAnswer, Reason: "Timeout after 2s"})
			}
		}
		return answers
	}}
	answer, err := f.Bot(t.Context(), aggregate.BotRequest{BotID: someBot}, someone)
	if err != nil || answer.Window == nil || !answer.Window.OK || answer.Window.Period != 30*time.Second {
		t.Fatalf("%+v, %v", answer.Window, err)
	}
	want := `{"id":"123456789012345678","username":"Some <Bot>","discriminator":"0000","owners":["100000000000000001"],"server_count":1234,` +
		`"invite":"","prefix":"","website":"","github":"","support":"","library":"",` +
		`"list_data":{"a.test":[{"name": "Some <Bot>", "owner": 100000000000000001, "count": "1,234", "big": 1.000000000000000000001},200],"b.test":["Timeout after 2s",-1]},` +
		`"skipped":{"keyed.example":"No key"}}`
	if got := asJSON(t, answer); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	_, err = f.Bot(t.Context(), aggregate.BotRequest{BotID: someBot}, someone)
	var limited *aggregate.LimitedError
	if !errors.As(err, &limited) {
		t.Fatalf("the second: %v, want *LimitedError", err)
	}
	if want := (ratelimit.Scope{Name: "bots", IP: someone.IP, BotID: someBot}); limited.Scope != want {
		t.Errorf("%+v, want %+v", limited.Scope, want)
	}
	f.clock.Advance(30 * time.Second)
	if _, err = f.Bot(t.Context(), aggregate.BotRequest{BotID: someBot}, someone); err != nil {
		t.Errorf("after 30 s: %v", err)
	}
}

func TestBotRefusesABadID(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"", "5", "0123456789012345678", "12345678901234567x", "123456789012345678901"} {
		f := newFixture(t, good)
		answer, err := f.Bot(t.Context(), aggregate.BotRequest{BotID: id}, someone)
		if got := messageOf(t, err); got != "'id' must be a snowflake" || answer.Window != nil || f.runs.Load() != 0 {
			t.Errorf("%q: %q, %+v, %d runs", id, got, answer.Window, f.runs.Load())
		}
	}
}

// TestBotAnswerWithoutSkipped has nothing under skipped where all are asked.
func TestBotAnswerWithoutSkipped(t *testing.T) {
	t.Parallel()
	answer := aggregate.BotAnswer{Bot: lists.Merge(someBot, nil)}
	want := `{"id":"123456789012345678","username":"Unknown","discriminator":"0000","owners":[],"server_count":0,"invite":"","prefix":"","website":"","github":"","support":"","library":"","list_data":{}}`
	if got := asJSON(t, answer); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestBotWithOwnKeys has the keys a caller may bring for a reading.
func TestBotWithOwnKeys(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, tokens, sent, skipped string }{
		{"none", `{}`, "", `{"keyed.example":"No key"}`},
		{"key", `{"keyed.example":"tk"}`, "keyed.example=Bearer tk", ``},
		{"key in the tokens object", `{"tokens":{"keyed.example":"tk"}}`, "keyed.example=Bearer tk", ``},
		{"blank key", `{"keyed.example":""}`, "", `{"keyed.example":"No token"}`},
		{"bad key", `{"keyed.example":5}`, "", `{"keyed.example":"Bad token: must be a string"}`},
		{"key for a list that needs none", `{"a.test":"ta","keyed.example":"tk"}`, "keyed.example=Bearer tk", ``},
		{"unknown list", `{"zzz":"t","keyed.example":"tk"}`, "keyed.example=Bearer tk", `{"zzz":"Unknown list"}`},
		{"defunct list", `{"gone.example":"t","keyed.example":"tk"}`, "keyed.example=Bearer tk", `{"gone.example":"Defunct"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, good)
			tokens, err := httpapi.ParseTokens([]byte(tt.tokens))
			if err != nil {
				t.Fatal(err)
			}
			answer, err := f.Bot(t.Context(), aggregate.BotRequest{BotID: someBot, Tokens: tokens}, someone)
			if err != nil {
				t.Fatal(err)
			}
			if got := f.tokensSent(); got != tt.sent {
				t.Errorf("sent %q, want %q", got, tt.sent)
			}
			want := "}}"
			if tt.skipped != "" {
				want = `},"skipped":` + tt.skipped + `}`
			}
			if got := asJSON(t, answer); !strings.HasSuffix(got, want) || strings.Count(got, `"skipped"`) != strings.Count(want, `"skipped"`) {
				t.Errorf("%s, want at its end %s", got, want)
			}
			if _, err := f.Bot(t.Context(), aggregate.BotRequest{BotID: someBot}, someone); !isLimited(err) {
				t.Errorf("a reading without keys has a window of its own: %v", err)
			}
		})
	}
}

// TestBotWithOperatorKeys has the keys that the service itself reads with.
func TestBotWithOperatorKeys(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, tokens, sent string }{
		{"the operator's", `{}`, "keyed.example=Bearer ours"},
		{"the caller's wins", `{"keyed.example":"theirs"}`, "keyed.example=Bearer theirs"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, good)
			f.Keys = map[string]lists.Token{"keyed.example": lists.NewToken("ours", ""), "a.test": lists.NewToken("not asked for", "")}
			tokens, err := httpapi.ParseTokens([]byte(tt.tokens))
			if err != nil {
				t.Fatal(err)
			}
			answer, err := f.Bot(t.Context(), aggregate.BotRequest{BotID: someBot, Tokens: tokens}, someone)
			if err != nil || len(answer.Skipped) != 0 || len(answer.Lists) != 3 {
				t.Errorf("%+v, %v; want three readings", answer, err)
			}
			if got := f.tokensSent(); got != tt.sent {
				t.Errorf("sent %q, want %q", got, tt.sent)
			}
		})
	}
}

// TestReadingsAreShared has who gets an answer that was read for another.
func TestReadingsAreShared(t *testing.T) {
	t.Parallel()
	other := aggregate.Caller{IP: netip.MustParseAddr("198.51.100.7")}
	own := []aggregate.NamedToken{{ID: "keyed.example", Token: lists.NewToken("t", "")}}
	for _, tt := range []struct {
		name   string
		then   func(t *testing.T, f *fixture)
		second aggregate.BotRequest
		failed bool // a list gave no answer
		runs   int64
	}{
		{name: "another caller at once", second: aggregate.BotRequest{BotID: someBot}, runs: 1},
		{name: "another caller in time", then: func(_ *testing.T, f *fixture) { f.clock.Advance(aggregate.ReadingFresh - 1) }, second: aggregate.BotRequest{BotID: someBot}, runs: 1},
		{name: "another caller too late", then: func(_ *testing.T, f *fixture) { f.clock.Advance(aggregate.ReadingFresh) }, second: aggregate.BotRequest{BotID: someBot}, runs: 2},
		{name: "another caller soon, after one that failed", failed: true, then: func(_ *testing.T, f *fixture) { f.clock.Advance(aggregate.FailedReadingFresh - 1) }, second: aggregate.BotRequest{BotID: someBot}, runs: 1},
		{name: "another caller, after one that failed", failed: true, then: func(_ *testing.T, f *fixture) { f.clock.Advance(aggregate.FailedReadingFresh) }, second: aggregate.BotRequest{BotID: someBot}, runs: 2},
		{name: "another bot", second: aggregate.BotRequest{BotID: "123456789012345679"}, runs: 2},
		{name: "a caller with keys", second: aggregate.BotRequest{BotID: someBot, Tokens: own}, runs: 2},
		{name: "after a reload", then: func(t *testing.T, f *fixture) {
			if _, err := f.Catalog.Reload(); err != nil {
				t.Fatal(err)
			}
		}, second: aggregate.BotRequest{BotID: someBot}, runs: 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			answer := lists.Answer{Status: 200, Body: []byte(`{"name":"x"}`)}
			if tt.failed {
				answer = lists.Answer{Status: lists.NoAnswer, Fault: lists.FaultTimeout, Reason: "Timeout after 2s"}
			}
			f := newFixture(t, answer)
			first, err := f.Bot(t.Context(), aggregate.BotRequest{BotID: someBot}, someone)
			if err != nil {
				t.Fatal(err)
			}
			if tt.then != nil {
				tt.then(t, f)
			}
			second, err := f.Bot(t.Context(), tt.second, other)
			if err != nil || second.Window == nil || !second.Window.OK || second.Window.Limit != 1 {
				t.Fatalf("%+v, %v", second.Window, err)
			}
			if got := f.runs.Load(); got != tt.runs {
				t.Errorf("%d runs, want %d", got, tt.runs)
			}
			if tt.runs == 1 && asJSON(t, first) != asJSON(t, second) {
				t.Errorf("%s, want %s", asJSON(t, second), asJSON(t, first))
			}
			if _, err := f.Bot(t.Context(), tt.second, other); !isLimited(err) {
				t.Errorf("the other's second has error %v", err)
			}
		})
	}
	t.Run("not with a caller without keys what own keys opened", func(t *testing.T) {
		f := newFixture(t, good)
		if _, err := f.Bot(t.Context(), aggregate.BotRequest{BotID: someBot, Tokens: own}, someone); err != nil {
			t.Fatal(err)
		}
		answer, err := f.Bot(t.Context(), aggregate.BotRequest{BotID: someBot}, other)
		if err != nil || f.runs.Load() != 2 || len(answer.Lists) != 2 {
			t.Errorf("%+v, %v, %d runs", answer, err, f.runs.Load())
		}
	})
}

// testRoom is a Room in which a runner runs calls.
type testRoom struct {
	runner aggregate.Runner
	from   netip.Prefix
	memory *shares.Grant
	leave  func()
}

func (r testRoom) Run(ctx context.Context, op lists.Op, calls []lists.Call, _ func(int, *lists.Answer)) []lists.Answer {
	return r.runner.Run(ctx, op, r.from, calls)
}

func (r testRoom) Memory() *shares.Grant { return r.memory }

func (r testRoom) Leave() { r.leave(); r.memory.Release() }

// TestMemory has requests hold the memory of their answers until their end, also
// of those that they share.
func TestMemory(t *testing.T) {
	t.Parallel()
	f := newFixture(t, good)
	now := time.Unix(1e9, 0)
	budget := shares.New(shares.Options{Capacity: 1000})
	f.Admit = func(ctx context.Context, from netip.Prefix, _ []lists.Call) (aggregate.Room, error) {
		memory, err := budget.Acquire(ctx, from, 1)
		return testRoom{f.Runner, from, memory, func() {}}, err
	}
	f.BotsLimit = nil
	a := aggregate.New(f.Config)
	a.SetReadingsClock(func() time.Time { return now })
	held := func(what string, want int64) {
		t.Helper()
		if got := budget.Usage().Held; got != want {
			t.Errorf("%s: got %d held, want %d", what, got, want)
		}
	}
	read := func(bot string) *shares.Holder {
		t.Helper()
		ctx, holder := shares.NewHolder(t.Context(), someone.IP)
		if _, err := a.Bot(ctx, aggregate.BotRequest{BotID: bot}, someone); err != nil {
			t.Fatal(err)
		}
		return holder
	}
	ctx, posting := shares.NewHolder(t.Context(), someone.IP)
	if _, err := a.Count(ctx, request(t, `"a.test":"t"`), someone); err != nil {
		t.Fatal(err)
	}
	held("a post that is answered", 1)
	posting.Close()
	held("a post at its end", 0)

	first, second := read(someBot), read(someBot)
	first.Close()
	second.Close()
	held("a reading that is kept", 1)
	third := read(someBot)
	now = now.Add(aggregate.ReadingFresh)
	other := read("223456789012345678")
	other.Close()
	held("a reading that is kept no longer, but is still being answered, beside another", 2)
	third.Close()
	held("when that has ended", 1)

	if _, err := a.Count(t.Context(), request(t, `"a.test":"t2"`), aggregate.Caller{IP: netip.MustParseAddr("192.0.2.77")}); err != nil {
		t.Fatal(err)
	}
	held("a post without a holder", 1)
}

func TestAdmit(t *testing.T) {
	t.Parallel()
	f := newFixture(t, good)
	var asked []int
	released, room := 0, false
	f.Admit = func(_ context.Context, _ netip.Prefix, calls []lists.Call) (aggregate.Room, error) {
		asked = append(asked, len(calls))
		if !room {
			return nil, shares.ErrBusy
		}
		return testRoom{runner: f.Runner, leave: func() { released++ }}, nil
	}
	if answer, err := f.count(t, `"a.test":"t","b.test":"t"`); !errors.Is(err, aggregate.ErrBusy) || answer.Window != nil {
		t.Errorf("%+v, %v; want ErrBusy", answer.Window, err)
	}
	if _, err := f.Bot(t.Context(), aggregate.BotRequest{BotID: someBot}, someone); !errors.Is(err, aggregate.ErrBusy) {
		t.Errorf("%v, want ErrBusy", err)
	}
	if f.runs.Load() != 0 || released != 0 {
		t.Errorf("%d runs, %d released", f.runs.Load(), released)
	}
	f.mustCount(t, `"zzz":"t"`) // asks no list, and needs no room
	room = true
	f.mustCount(t, `"a.test":"t","b.test":"t"`) // being busy used no window
	if _, err := f.Bot(t.Context(), aggregate.BotRequest{BotID: someBot}, someone); err != nil {
		t.Error(err)
	}
	if _, err := f.count(t, `"a.test":"t"`); !isLimited(err) {
		t.Errorf("%v, want *LimitedError", err)
	}
	if !slices.Equal(asked, []int{2, 2, 2, 2, 1}) || released != 3 {
		t.Errorf("asked for %d, released %d times; want all room given back", asked, released)
	}
}

func TestObserve(t *testing.T) {
	t.Parallel()
	none := func(f lists.Fault) lists.Answer {
		return lists.Answer{Status: lists.NoAnswer, Fault: f, Reason: "in words"}
	}
	for _, tt := range []struct {
		name        string
		answer      lists.Answer
		post, reads string
	}{
		{"success", good, "ok", "ok"},
		{"204", lists.Answer{Status: 204}, "ok", "refused_2xx"},
		{"page", lists.Answer{Status: 200, Body: []byte("<html>")}, "refused_2xx", "refused_2xx"},
		{"failure", lists.Answer{Status: 200, Body: []byte(`{"success":false}`)}, "refused_2xx", "refused_2xx"},
		{"redirect", lists.Answer{Status: 301}, "3xx", "3xx"},
		{"refused", lists.Answer{Status: 401}, "4xx", "4xx"},
		{"too many", lists.Answer{Status: 429}, "429", "429"},
		{"broken", lists.Answer{Status: 503}, "5xx", "5xx"},
		{"timeout", none(lists.FaultTimeout), "timeout", "timeout"},
		{"open circuit", none(lists.FaultCircuit), "circuit", "circuit"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.answer.Took = time.Second
			f := newFixture(t, tt.answer)
			var got []aggregate.Outcome
			f.Observe = func(_ context.Context, o aggregate.Outcome) { got = append(got, o) }
			f.mustCount(t, `"a.test":"t"`)
			if _, err := f.Bot(t.Context(), aggregate.BotRequest{BotID: someBot}, someone); err != nil {
				t.Fatal(err)
			}
			of := func(list string, op lists.Op, kind string) aggregate.Outcome {
				return aggregate.Outcome{
					List: list, Op: op, Kind: kind, OK: kind == "ok", Page: tt.name == "page",
					Status: tt.answer.Status, Fault: tt.answer.Fault, Reason: tt.answer.Reason, Took: time.Second,
				}
			}
			want := []aggregate.Outcome{of("a.test", lists.Posts, tt.post), of("a.test", lists.Readings, tt.reads), of("b.test", lists.Readings, tt.reads)}
			if !slices.Equal(got, want) {
				t.Errorf("%+v, want %+v", got, want)
			}
		})
	}
}

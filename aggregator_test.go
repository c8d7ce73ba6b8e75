package aggregator_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"aggregator"
	"aggregator/catalog"
	"aggregator/internal/testkit"
	"aggregator/lists"
	"aggregator/ratelimit"
	"aggregator/sandbox"
	"aggregator/store"
)

const (
	someBot  = "123456789012345678"
	someUser = "234567890123456789"
)

// ownLists are lists that the built-in ones do not have.
var ownLists = catalog.File{Name: "mine.yaml", Data: []byte(`
lists:
  one.example:
    name: One
    url: "https://one.example/"
    api_post: "https://one.example/bots/:id"
    api_field: server_count
    api_get: "https://one.example/bots/:id"
  paced.example:
    name: Paced
    url: "https://paced.example/"
    post:
      url: "https://paced.example/bots/:id"
      fields: {server_count: servers}
      limits: [{per: token, requests: 1, seconds: 600}]
  keyed.example:
    name: Keyed
    url: "https://keyed.example/"
    get: {url: "https://keyed.example/bots/:id", auth: {}}
`)}

// newAggregator returns an Aggregator with own lists beside the built-in ones, all of
// which a sandbox plays. Both end with the test.
func newAggregator(t testing.TB, o aggregator.Options) *aggregator.Aggregator {
	t.Helper()
	if o.Catalog == nil {
		o.Lists = append(o.Lists, ownLists)
	}
	var box http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { box.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	base := &http.Transport{}
	t.Cleanup(base.CloseIdleConnections)
	o.Transport = sandbox.Transport(base, strings.TrimPrefix(server.URL, "http://"))
	a, err := aggregator.New(o)
	if err != nil {
		t.Fatal(err)
	}
	box = sandbox.New(a.Lists())
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

// TestZeroOptions makes an Aggregator of nothing at all.
func TestZeroOptions(t *testing.T) {
	testkit.NoLeak(t)
	a, err := aggregator.New(aggregator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(a.Lists()); n < 50 {
		t.Errorf("%d lists, want the built-in ones", n)
	}
	answer, err := a.Count(t.Context(), aggregator.CountRequest{BotID: someBot, ServerCount: 1})
	if err != nil || len(answer.Results)+len(answer.Skipped) != 0 {
		t.Errorf("a count for no list: %+v, %v; want an empty answer", answer, err)
	}
	for range 2 {
		if err := a.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
}

// TestCount posts, is held back by a list, and plans.
func TestCount(t *testing.T) {
	testkit.NoLeak(t)
	a := newAggregator(t, aggregator.Options{})
	request := aggregator.CountRequest{
		BotID: someBot, ServerCount: 1234,
		Tokens: aggregator.Tokens{"one.example": "secret", "paced.example": "secret", "nowhere.example": "secret", "keyed.example": ""},
	}
	const skipped = "keyed.example: No post API, nowhere.example: Unknown list"
	want := func(what, results, skipped string) {
		t.Helper()
		answer, err := a.Count(t.Context(), request)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		var said []string
		for _, r := range answer.Results {
			said = append(said, fmt.Sprint(r.List, " ", r.OK, " ", r.Status))
		}
		for _, c := range answer.Planned {
			said = append(said, fmt.Sprint("plan ", c.List.ID))
		}
		if got := strings.Join(said, ", "); got != results {
			t.Errorf("%s: %q, want %q", what, got, results)
		}
		said = nil
		for _, s := range answer.Skipped {
			why, _, _ := strings.Cut(s.Why.String(), " at ")
			said = append(said, s.ID+": "+why)
		}
		if got := strings.Join(said, ", "); !strings.HasPrefix(got, skipped) {
			t.Errorf("%s skipped %q, want %q", what, got, skipped)
		}
	}
	request.DryRun = true
	want("a dry run", "plan one.example, plan paced.example", skipped)
	request.DryRun = false
	want("the first", "one.example true 200, paced.example true 200", skipped)
	want("the second", "one.example true 200", skipped+", paced.example: Paced: next post")
}

// TestProgress hears of each list as it answers.
func TestProgress(t *testing.T) {
	a := newAggregator(t, aggregator.Options{})
	var asked []string
	heard := map[string]bool{}
	answer, err := a.Count(t.Context(), aggregator.CountRequest{
		BotID: someBot, ServerCount: 1, Tokens: aggregator.Tokens{"one.example": "x", "paced.example": "bad"},
		Progress: &aggregator.CountProgress{
			Begin: func(lists []string, _ []aggregator.Skipped) { asked = lists },
			Hear:  func(r aggregator.Result) { heard[r.List] = r.OK },
		},
	})
	if err != nil || len(answer.Results) != 2 || len(asked) != 2 || !heard["one.example"] || heard["paced.example"] {
		t.Errorf("asked %v, heard %v, answer %+v, %v", asked, heard, answer.Results, err)
	}
}

// TestBot reads what was posted, also with a key.
func TestBot(t *testing.T) {
	testkit.NoLeak(t)
	for name, o := range map[string]struct {
		keys, tokens aggregator.Tokens
	}{
		"no key":            {},
		"a key of one's":    {keys: aggregator.Tokens{"keyed.example": "key"}},
		"a request's token": {tokens: aggregator.Tokens{"keyed.example": "key"}},
	} {
		a := newAggregator(t, aggregator.Options{Keys: o.keys})
		if _, err := a.Count(t.Context(), aggregator.CountRequest{BotID: someBot, ServerCount: 1234, Tokens: aggregator.Tokens{"one.example": "x"}}); err != nil {
			t.Fatal(err)
		}
		answer, err := a.Bot(t.Context(), aggregator.BotRequest{BotID: someBot, Tokens: o.tokens})
		if err != nil || answer.ServerCount != 1234 {
			t.Errorf("%s: %d servers, %v; want 1234", name, answer.ServerCount, err)
		}
		keyed := false
		for _, r := range answer.Lists {
			keyed = keyed || r.List == "keyed.example"
		}
		if want := o.keys != nil || o.tokens != nil; keyed != want {
			t.Errorf("%s: the list with a key was asked: %t, want %t", name, keyed, want)
		}
	}
}

// TestVoted asks a list of the catalog that can be asked for votes.
func TestVoted(t *testing.T) {
	a := newAggregator(t, aggregator.Options{})
	for _, l := range a.Lists() {
		if !l.Supports(lists.Votes) {
			continue
		}
		answer, err := a.Voted(t.Context(), aggregator.VoteRequest{BotID: someBot, UserID: someUser, Tokens: aggregator.Tokens{l.ID: "x"}})
		if err != nil || answer.Voted() || len(answer.Results)+len(answer.Skipped) != 1 {
			t.Errorf("%s: %+v, %v; want one list that says no", l.ID, answer, err)
		}
	}
}

// TestErrors returns each documented error.
func TestErrors(t *testing.T) {
	a := newAggregator(t, aggregator.Options{Limits: aggregator.Limits{Count: ratelimit.Rate{Limit: 1, Period: time.Hour}}})
	tokens := aggregator.Tokens{"one.example": "x"}
	good := aggregator.CountRequest{BotID: someBot, ServerCount: 1, Tokens: tokens}
	for want, spoil := range map[string]func(*aggregator.CountRequest){
		"'bot_id' must be a snowflake":                                  func(r *aggregator.CountRequest) { r.BotID = "" },
		"'server_count' is out of range":                                func(r *aggregator.CountRequest) { r.ServerCount = -1 },
		"'shard_id' is out of range":                                    func(r *aggregator.CountRequest) { r.ShardID = new(int64(-1)) },
		"'user_count' is out of range":                                  func(r *aggregator.CountRequest) { r.UserCount = new(int64(1 << 60)) },
		"'shards' contains incorrect values":                            func(r *aggregator.CountRequest) { r.Shards = []int64{-1} },
		"'shards' holds more than 20000 counts":                         func(r *aggregator.CountRequest) { r.Shards = make([]int64, 20_001) },
		"'shard_id' must be below 'shard_count'":                        func(r *aggregator.CountRequest) { r.ShardID, r.ShardCount = new(int64(2)), new(int64(2)) },
		"'shards' must hold one count for each of 'shard_count' shards": func(r *aggregator.CountRequest) { r.Shards, r.ShardCount = []int64{1}, new(int64(2)) },
	} {
		r := good
		spoil(&r)
		invalid, ok := errors.AsType[*aggregator.InvalidError](second(a.Count(t.Context(), r)))
		if !ok || invalid.Message != want {
			t.Errorf("%v, want %q", invalid, want)
		}
	}
	if _, ok := errors.AsType[*aggregator.InvalidError](second(a.Bot(t.Context(), aggregator.BotRequest{}))); !ok {
		t.Error("a bot without an id: no *InvalidError")
	}
	if _, ok := errors.AsType[*aggregator.InvalidError](second(a.Voted(t.Context(), aggregator.VoteRequest{BotID: someBot}))); !ok {
		t.Error("a vote without a user: no *InvalidError")
	}
	if _, err := a.Count(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	limited, ok := errors.AsType[*aggregator.LimitedError](second(a.Count(t.Context(), good)))
	if !ok || time.Until(limited.Decision.Reset) < time.Minute {
		t.Errorf("a second count: %v, want a *LimitedError", limited)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := a.Bot(ctx, aggregator.BotRequest{BotID: someBot}); !errors.Is(err, context.Canceled) {
		t.Errorf("a reading that was called off: %v", err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{
		"Count": second(a.Count(t.Context(), good)),
		"Bot":   second(a.Bot(t.Context(), aggregator.BotRequest{BotID: someBot})),
		"Voted": second(a.Voted(t.Context(), aggregator.VoteRequest{BotID: someBot, UserID: someUser})),
	} {
		if !errors.Is(err, aggregator.ErrClosed) {
			t.Errorf("%s after Close: %v, want ErrClosed", what, err)
		}
	}
}

// TestReport has what is wrong with a report said, and sends one with masks.
func TestReport(t *testing.T) {
	c, _, err := catalog.Load([]catalog.File{{Name: "lists.yaml", Data: []byte(`lists:
  one.example:
    name: One
    url: "https://one.example/"
    heartbeat: {url: "https://one.example/:id", credential: bridge_key, begins: bk_, auth: {prefix: "Bridge "}, fields: {online: up, server_count: n}}
`)}}, catalog.File{})
	if err != nil {
		t.Fatal(err)
	}
	a, err := aggregator.New(aggregator.Options{Catalog: catalog.LiveOf(c)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Close() }()
	good := aggregator.ReportRequest{Kind: "heartbeat", BotID: someBot, Values: map[string]any{"online": true, "server_count": 5}, Tokens: aggregator.Tokens{"one.example": "bk_secret"}, DryRun: true}
	for want, spoil := range map[string]func(*aggregator.ReportRequest){
		"'kind' must be one of " + strings.Join(aggregator.ReportKinds(), ", ") + `, is "beat"`: func(r *aggregator.ReportRequest) { r.Kind = "beat" },
		"'bot_id' must be a snowflake": func(r *aggregator.ReportRequest) { r.BotID = "1" },
		"'online' is required":         func(r *aggregator.ReportRequest) { r.Values = nil },
		"'online' must be a boolean":   func(r *aggregator.ReportRequest) { r.Values = map[string]any{"online": "yes"} },
		"'onlin' is no value of this report; allowed: online, ping_ms, server_count, shard_count, memory_mb, cpu_percent, uptime_seconds, errors_last_hour, last_crash_at": func(r *aggregator.ReportRequest) { r.Values = map[string]any{"onlin": true} },
		"'values' cannot be written as JSON: json: unsupported type: chan int":                                                                                             func(r *aggregator.ReportRequest) { r.Values = map[string]any{"online": make(chan int)} },
		"Nothing to change": func(r *aggregator.ReportRequest) { r.Kind, r.Values = "listing", nil },
		"'name' must be 1 to 64 letters, digits, dots, dashes or underscores": func(r *aggregator.ReportRequest) { r.Kind, r.Values = "developer", nil },
	} {
		r := good
		spoil(&r)
		invalid, ok := errors.AsType[*aggregator.InvalidError](second(a.Report(t.Context(), r)))
		if !ok || invalid.Message != want {
			t.Errorf("%v, want %q", invalid, want)
		}
	}
	answer, err := a.Report(t.Context(), good)
	if err != nil || len(answer.Planned) != 1 {
		t.Fatalf("%v, %d planned, want 1", err, len(answer.Planned))
	}
	request := answer.Planned[0].Masked()
	if got, want := fmt.Sprintf("%s %s %s", request.Method, request.Header, request.Body), `{"up":true,"n":5}`; !strings.HasSuffix(got, want) || !strings.Contains(got, "Bridge ***") || strings.Contains(got, "bk_secret") {
		t.Errorf("planned %s, want %s with a mask", got, want)
	}
}

func second[T any](_ T, err error) error { return err }

// TestBusy returns ErrBusy where calls find no room for as long as they wait.
func TestBusy(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for 5 s")
	}
	a, list := newHeldList(t, aggregator.Options{Bounds: aggregator.Bounds{Calls: 1}})
	request := aggregator.CountRequest{BotID: someBot, ServerCount: 1, Tokens: aggregator.Tokens{"one.example": "x"}}
	counted := make(chan error, 1)
	go func() { counted <- second(a.Count(context.Background(), request)) }()
	testkit.Receive(t, "the post", list.arrived)
	if _, err := a.Count(t.Context(), request); !errors.Is(err, aggregator.ErrBusy) {
		t.Errorf("a second call where there is room for one: %v, want ErrBusy", err)
	}
	list.answer <- true
	if err := testkit.Receive(t, "the answer", counted); err != nil {
		t.Error(err)
	}
}

// heldList is a list whose answers wait until they are let go.
type heldList struct{ arrived, answer chan bool }

// newHeldList returns an Aggregator whose lists are all played by one heldList.
func newHeldList(t *testing.T, o aggregator.Options) (*aggregator.Aggregator, heldList) {
	t.Helper()
	list := heldList{make(chan bool), make(chan bool)}
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { list.arrived <- true; <-list.answer }))
	t.Cleanup(server.Close)
	base := &http.Transport{}
	t.Cleanup(base.CloseIdleConnections)
	o.Lists, o.Transport = []catalog.File{ownLists}, sandbox.Transport(base, strings.TrimPrefix(server.URL, "http://"))
	a, err := aggregator.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	return a, list
}

// TestBadOptions names what is wrong, and no secret.
func TestBadOptions(t *testing.T) {
	live := catalog.LiveOf(nil)
	for want, o := range map[string]aggregator.Options{
		"Options have both a Catalog and Lists":         {Catalog: live, Lists: []catalog.File{ownLists}},
		"mine.yaml:1":                                   {Lists: []catalog.File{{Name: "mine.yaml", Data: []byte("list: {}")}}},
		`a key for an unknown list, "keyed.example"`:    {Keys: aggregator.Tokens{"keyed.example": "secret"}},
		"the key for keyed.example: Bad token: holds":   {Lists: []catalog.File{ownLists}, Keys: aggregator.Tokens{"keyed.example": "secret\n2"}},
		"a key for one.example, which is not read with": {Lists: []catalog.File{ownLists}, Keys: aggregator.Tokens{"one.example": "secret"}},
	} {
		_, err := aggregator.New(o)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if _, err := aggregator.New(aggregator.Options{Lists: []catalog.File{{Name: "mine.yaml"}}}); err == nil {
		t.Error("an empty file of lists is taken")
	} else if _, ok := errors.AsType[*catalog.Error](err); !ok {
		t.Errorf("%T, want a *catalog.Error", err)
	}
}

// TestTokensAreHidden prints requests in every way that programs print things.
func TestTokensAreHidden(t *testing.T) {
	const secret = "hush-hush"
	tokens := aggregator.Tokens{"one.example": secret, "two.example": "42:" + secret}
	count := aggregator.CountRequest{BotID: someBot, Tokens: tokens}
	var log strings.Builder
	for _, h := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
		slog.New(h).Info("it", "tokens", tokens, "count", count, "options", aggregator.Options{Keys: tokens}.Keys, "at", &count)
	}
	shown := []string{log.String()}
	for _, v := range []any{tokens, &tokens, count, &count, []any{count}, aggregator.BotRequest{Tokens: tokens}, aggregator.VoteRequest{Tokens: tokens}, aggregator.Options{Keys: tokens}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			shown = append(shown, fmt.Sprintf(verb, v))
		}
		if b, err := json.Marshal(v); err == nil {
			shown = append(shown, string(b))
		}
	}
	hex := fmt.Sprintf("%x", secret)
	for _, s := range shown {
		if strings.Contains(s, secret) || strings.Contains(s, hex) {
			t.Errorf("shown: %s", s)
		}
	}
	for got, want := range map[string]string{
		fmt.Sprint(tokens):                          "map[one.example:*** two.example:***]",
		fmt.Sprintf("%#v", tokens):                  `aggregator.Tokens{"one.example":"***", "two.example":"***"}`,
		string(mustMarshal(tokens)):                 `{"one.example":"***","two.example":"***"}`,
		string(mustMarshal(count)):                  `{"BotID":"123456789012345678","ServerCount":0,"ShardID":null,"ShardCount":null,"Shards":null,"UserCount":null,"VoiceConnections":null,"Tokens":{"one.example":"***","two.example":"***"},"UserAgent":"","DryRun":false}`,
		string(mustMarshal(aggregator.Tokens(nil))): "null",
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func mustMarshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

// TestStoreIsTheCallers: what one Aggregator has learned the next one heeds, and the
// store stays open.
func TestStoreIsTheCallers(t *testing.T) {
	kept := store.NewMemory(store.MemoryOptions{})
	request := aggregator.CountRequest{BotID: someBot, ServerCount: 1, Tokens: aggregator.Tokens{"paced.example": "x"}}
	for _, want := range []int{1, 0} {
		a := newAggregator(t, aggregator.Options{Store: kept})
		answer, err := a.Count(t.Context(), request)
		if err != nil || len(answer.Results) != want {
			t.Errorf("%d results, %v; want %d", len(answer.Results), err, want)
		}
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := kept.Windows().Noted(t.Context()); err != nil {
		t.Errorf("the store after Close: %v", err)
	}
	if err := kept.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestConcurrentUse has many ask at once while the Aggregator is closed, twice.
func TestConcurrentUse(t *testing.T) {
	testkit.NoLeak(t)
	a := newAggregator(t, aggregator.Options{})
	var all sync.WaitGroup
	start := make(chan struct{})
	for i := range 16 {
		all.Go(func() {
			<-start
			bot := fmt.Sprint(300_000_000_000_000_000 + i%4)
			for {
				_, err := a.Count(t.Context(), aggregator.CountRequest{BotID: bot, ServerCount: 1, Tokens: aggregator.Tokens{"one.example": "x"}})
				if err == nil {
					_, err = a.Bot(t.Context(), aggregator.BotRequest{BotID: bot})
				}
				if errors.Is(err, aggregator.ErrClosed) {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	close(start)
	if _, err := a.Bot(t.Context(), aggregator.BotRequest{BotID: someBot}); err != nil {
		t.Error(err)
	}
	for range 2 {
		all.Go(func() {
			if err := a.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// TestCloseWaits lets a post that is under way end, and what it answered be learned.
func TestCloseWaits(t *testing.T) {
	testkit.NoLeak(t)
	a, list := newHeldList(t, aggregator.Options{})
	counted, closed := make(chan error, 1), make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		answer, err := a.Count(ctx, aggregator.CountRequest{BotID: someBot, ServerCount: 1, Tokens: aggregator.Tokens{"one.example": "x"}})
		if err == nil && (len(answer.Results) != 1 || !answer.Results[0].OK) {
			err = fmt.Errorf("the answer is %+v", answer.Results)
		}
		counted <- err
	}()
	testkit.Receive(t, "the post", list.arrived)
	cancel() // the caller leaves, the post goes on
	go func() { closed <- a.Close() }()
	testkit.Wait(t, "Close", func() bool {
		return errors.Is(second(a.Count(t.Context(), aggregator.CountRequest{BotID: someBot})), aggregator.ErrClosed) // asks no list
	})
	select {
	case err := <-closed:
		t.Errorf("Close has returned, %v, while a post is under way", err)
	default:
	}
	list.answer <- true
	if err := testkit.Receive(t, "the answer", counted); err != nil {
		t.Error(err)
	}
	if err := testkit.Receive(t, "Close", closed); err != nil {
		t.Error(err)
	}
}

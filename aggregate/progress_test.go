package aggregate_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"aggregator/aggregate"
	"aggregator/catalog"
	"aggregator/internal/testkit"
	"aggregator/lists"
	"aggregator/ratelimit"
	"aggregator/shares"
	"aggregator/store"
)

const threeLists = `
lists:
  a.test: {name: A, url: "https://a.test/", api_get: "https://a.test/:id"}
  b.test: {name: B, url: "https://b.test/", api_get: "https://b.test/:id"}
  c.test: {name: C, url: "https://c.test/", api_get: "https://c.test/:id"}
  key.test: {name: Key, url: "https://key.test/", get: {url: "https://key.test/:id", auth: {}}}
  p.test: {name: P, url: "https://p.test/", api_post: "https://p.test/:id", api_field: n}
  q.test: {name: Q, url: "https://q.test/", post: {url: "https://q.test/:id", auth: {}, fields: {server_count: n}, otherwise: {on: [403], url: "https://q.test/other/:id", fields: {server_count: n}}}}
`

// stage is an Aggregator whose lists answer when they are told to.
type stage struct {
	*aggregate.Aggregator
	clock  *testkit.Clock
	answer map[string]chan lists.Answer
	asked  chan string
}

// room is room in which lists of a stage answer.
type room struct{ *stage }

func (r room) Run(ctx context.Context, _ lists.Op, calls []lists.Call, heard func(int, *lists.Answer)) []lists.Answer {
	answers := make([]lists.Answer, len(calls))
	done := make(chan struct{})
	for i, c := range calls {
		r.asked <- c.List.ID
		go func() {
			select {
			case answers[i] = <-r.answer[c.List.ID]:
			case <-ctx.Done():
				answers[i] = lists.Answer{Status: lists.NoAnswer, Fault: lists.FaultCanceled}
			}
			if heard != nil {
				heard(i, &answers[i])
			}
			done <- struct{}{}
		}()
	}
	for range calls {
		<-done
	}
	return answers
}

func (room) Memory() *shares.Grant { return nil }

func (room) Leave() {}

func newStage(t *testing.T) *stage {
	t.Helper()
	live, _, err := catalog.NewLive(func() (*catalog.Catalog, []string, error) {
		return catalog.Load([]catalog.File{{Name: "lists.yaml", Data: []byte(threeLists)}}, catalog.File{Name: "legacy_ids.yaml", Data: []byte("{}")})
	})
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{clock: testkit.NewClock(), answer: map[string]chan lists.Answer{}, asked: make(chan string, 100)}
	for _, l := range live.Current().Lists() {
		s.answer[l.ID] = make(chan lists.Answer, 100)
	}
	m := store.NewMemory(store.MemoryOptions{Now: s.clock.Now, Elapsed: s.clock.Elapsed})
	t.Cleanup(func() { _ = m.Close() })
	hash := store.NewHasher(m.Secret())
	s.Aggregator = aggregate.New(aggregate.Config{
		Catalog: live, Now: s.clock.Now,
		BotsLimit:  ratelimit.New(m.Windows(), ratelimit.Rate{Limit: 1, Period: 30 * time.Second}, hash),
		BadgeLimit: ratelimit.New(m.Windows(), aggregate.BadgeRate, hash),
		Admit: func(context.Context, netip.Prefix, []lists.Call) (aggregate.Room, error) {
			return room{s}, nil
		},
	})
	s.SetReadingsClock(s.clock.Now)
	return s
}

// all has every list answer.
func (s *stage) all(body string) {
	for _, c := range s.answer {
		c <- lists.NewAnswer(200, nil, []byte(body))
	}
}

// watched is a reading that somebody watches.
type watched struct {
	events chan string
	done   chan error
}

func (s *stage) watch(n int) watched {
	w := watched{make(chan string, 100), make(chan error, 1)}
	go func() {
		_, err := s.Bot(context.Background(), aggregate.BotRequest{BotID: firstBot, Progress: &aggregate.Progress{
			Begin: func(asked []string, skipped []aggregate.Skipped) {
				line := "ask " + strings.Join(asked, " ")
				for _, one := range skipped {
					line += ", skip " + one.ID
				}
				w.events <- line
			},
			Hear: func(r lists.Reading) { w.events <- r.List },
		}}, caller(n))
		close(w.events)
		w.done <- err
	}()
	return w
}

const outlook = "ask a.test b.test c.test, skip key.test"

// TestProgress has several watch one reading: each hears of all lists, in the
// order in which they answer, whether it came before them, between or after.
func TestProgress(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	want := func(w watched, all ...string) {
		t.Helper()
		for _, one := range all {
			if got := testkit.Receive(t, one, w.events); got != one {
				t.Errorf("heard %q, want %q", got, one)
			}
		}
	}
	said := func(list string) { s.answer[list] <- lists.NewAnswer(200, nil, []byte(`{"count":5}`)) }
	first := s.watch(1)
	want(first, outlook)
	said("b.test")
	want(first, "b.test")
	second := s.watch(2)
	want(second, outlook, "b.test")
	said("c.test")
	want(first, "c.test")
	want(second, "c.test")
	said("a.test")
	want(first, "a.test")
	want(second, "a.test")
	ended := func(w watched) {
		t.Helper()
		if more, ok := <-w.events; ok {
			t.Errorf("heard %q at its end", more)
		}
		if err := testkit.Receive(t, "the end", w.done); err != nil {
			t.Error(err)
		}
	}
	ended(first)
	ended(second)
	third := s.watch(3)
	want(third, outlook, "a.test", "b.test", "c.test") // in catalog order: it is kept, now that the others have ended
	ended(third)
	if n := len(s.asked); n != 3 {
		t.Errorf("lists were asked %d times, want each once", n)
	}
	if err := testkit.Receive(t, "the end", s.watch(1).done); !isLimited(err) {
		t.Errorf("again: %v, want a limit", err)
	}
}

// TestProgressOfOnesOwn hears of runs that nobody shares: of a reading with the
// caller's key, and of a count.
func TestProgressOfOnesOwn(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	events := make(chan string, 100)
	begin := func(asked []string, skipped []aggregate.Skipped) {
		events <- fmt.Sprintf("ask %s, skip %d", strings.Join(asked, " "), len(skipped))
	}
	want := func(all ...string) {
		t.Helper()
		for _, one := range all {
			if got := testkit.Receive(t, one, events); got != one {
				t.Errorf("heard %q, want %q", got, one)
			}
		}
	}
	token := func(list string) aggregate.NamedToken {
		return aggregate.NamedToken{ID: list, Token: lists.NewToken("k", "")}
	}
	done := make(chan error, 1)
	go func() {
		_, err := s.Bot(context.Background(), aggregate.BotRequest{BotID: firstBot, Tokens: []aggregate.NamedToken{token("key.test")}, Progress: &aggregate.Progress{
			Begin: begin, Hear: func(r lists.Reading) { events <- fmt.Sprintf("%s has %d", r.List, r.Count) },
		}}, caller(1))
		done <- err
	}()
	want("ask a.test b.test c.test key.test, skip 0")
	for _, list := range []string{"key.test", "b.test", "c.test", "a.test"} {
		s.answer[list] <- lists.NewAnswer(200, nil, []byte(`{"count":5}`))
		want(list + " has 5")
	}
	if err := testkit.Receive(t, "the end", done); err != nil {
		t.Error(err)
	}

	count := aggregate.CountRequest{Count: lists.Count{BotID: firstBot, ServerCount: 5}, Tokens: []aggregate.NamedToken{token("q.test"), token("a.test"), token("p.test")}}
	count.Progress = &aggregate.CountProgress{Begin: begin, Hear: func(r aggregate.Result) { events <- fmt.Sprintf("%s %t %d", r.List, r.OK, r.Status) }}
	go func() {
		answer, err := s.Count(context.Background(), count, caller(1))
		if len(answer.Results) != 2 || len(answer.Skipped) != 1 {
			t.Errorf("%d results, %d skipped; want 2 and 1", len(answer.Results), len(answer.Skipped))
		}
		done <- err
	}()
	want("ask p.test q.test, skip 1")
	second := lists.NewAnswer(200, nil, []byte(`{}`))
	second.Otherwise = true
	s.answer["q.test"] <- second
	want("q.test true 200")
	s.answer["p.test"] <- lists.NewAnswer(500, nil, nil)
	want("p.test false 500")
	if err := testkit.Receive(t, "the end", done); err != nil {
		t.Error(err)
	}
	count.DryRun = true
	if _, err := s.Count(t.Context(), count, caller(1)); err != nil || len(events) > 0 {
		t.Errorf("a dry run: %v, and %d events", err, len(events))
	}
}

// TestLast keeps what was said of a bot, without what the lists sent.
func TestLast(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	if _, ok := s.Last(firstBot); ok {
		t.Error("something is kept at first")
	}
	s.all(`{"username":"Bot","count":7,"owners":["100000000000000001"]}`)
	if _, err := s.Bot(t.Context(), aggregate.BotRequest{BotID: firstBot}, caller(1)); err != nil {
		t.Fatal(err)
	}
	s.clock.Advance(time.Hour)
	last, ok := s.Last(firstBot)
	if !ok || last.Age != time.Hour || last.Username != "Bot" || last.ServerCount != 7 || !slices.Equal(last.Owners, []string{"100000000000000001"}) {
		t.Errorf("got %+v, %t", last, ok)
	}
	if len(last.Lists) != 3 || !last.Lists[0].Found || last.Lists[0].Count != 7 || last.Lists[0].JSON != nil || len(last.Skipped) != 1 {
		t.Errorf("got lists %+v, skipped %+v", last.Lists, last.Skipped)
	}
	s.all(`{"username":"Mine"}`)
	if _, err := s.Bot(t.Context(), aggregate.BotRequest{BotID: firstBot, Tokens: []aggregate.NamedToken{{ID: "key.test", Token: lists.NewToken("k", "")}}}, caller(1)); err != nil {
		t.Fatal(err)
	}
	if last, _ := s.Last(firstBot); last.Username != "Bot" {
		t.Errorf("%q is kept, which a caller's key opened", last.Username)
	}
	s.clock.Advance(24 * time.Hour)
	if _, ok := s.Last(firstBot); ok {
		t.Error("something is kept after a day")
	}
}

// TestBadge has lists asked for badges once in five minutes, whoever shows them,
// and beside the windows of readings.
func TestBadge(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	badge := func(what string, n int, want bool) {
		t.Helper()
		s.all(`{"count":7}`)
		answer, err := s.Badge(t.Context(), firstBot, caller(n))
		if want != (err == nil) || err == nil && answer.ServerCount != 7 || err != nil && !isLimited(err) {
			t.Errorf("%s: %d servers, %v; want an answer: %t", what, answer.ServerCount, err, want)
		}
	}
	badge("at first", 1, true)
	s.clock.Advance(time.Minute)
	badge("by another", 2, false)
	s.clock.Advance(4 * time.Minute)
	badge("later", 3, true)
	if _, err := s.Bot(t.Context(), aggregate.BotRequest{BotID: firstBot}, caller(3)); err != nil {
		t.Errorf("a badge used the window of readings: %v", err)
	}
}

// TestBadgesShareARun has many badges wait for one run.
func TestBadgesShareARun(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	done := make(chan error, 10)
	for n := range 10 {
		go func() {
			_, err := s.Badge(context.Background(), firstBot, caller(n))
			done <- err
		}()
	}
	testkit.Wait(t, "all to wait", func() bool { return s.ReadingsWaiting() == 10 })
	s.all(`{"count":7}`)
	for range 10 {
		if err := testkit.Receive(t, "a badge", done); err != nil {
			t.Error(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s.clock.Advance(10 * time.Minute)
	if _, err := s.Badge(ctx, firstBot, caller(1)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
}

package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"aggregator/internal/testkit"
	"aggregator/store"
)

// OutboxBounds are those of the stores that the suite of [Outbox] runs on.
var OutboxBounds = store.OutboxBounds{
	Waiting: 6, WaitingInAll: 9, WaitingBytes: 6 * store.MaxBody, WaitingBytesInAll: 9 * store.MaxBody,
	Over: 100, OverInAll: 150, OverBytes: 100 * store.MaxBody, OverBytesInAll: 150 * store.MaxBody,
	Once: 20,
}

// outboxSuite is the outbox of one empty store, with its clock.
type outboxSuite struct {
	*testing.T
	*testkit.Clock
	store.Outbox
	store store.Store
}

// Outbox runs the suite of [store.Outbox]. open returns an empty store that has
// OutboxBounds and reads the clock it is given, and closes it when the test ends.
func Outbox(t *testing.T, open func(t *testing.T, clock *testkit.Clock) store.Store) {
	for name, test := range map[string]func(outboxSuite){
		"put":                    put,
		"put again":              putAgain,
		"once":                   putOnce,
		"once ends":              onceEnds,
		"of many the same one":   putSameAtOnce,
		"ready":                  ready,
		"ready is due":           readyIsDue,
		"settle":                 settleOutbox,
		"settle what is over":    settleOver,
		"reasons":                reasons,
		"retry pending":          retryPending,
		"retry dead":             retryDead,
		"retry of ids":           retryIDs,
		"retry as far as fits":   retryFits,
		"deliveries":             deliveries,
		"pages of deliveries":    deliveryPages,
		"after":                  after,
		"seq":                    seq,
		"stream alone":           streamAlone,
		"backlogs":               backlogs,
		"changed":                changed,
		"dead of age":            deadOfAge,
		"forgotten":              forgotten,
		"clock set":              outboxClockSet,
		"milliseconds":           outboxMilliseconds,
		"full for one bot":       fullForOne,
		"full for all":           fullForAll,
		"what is over is bound":  overIsBounded,
		"once is bound":          onceIsBounded,
		"large bodies":           largeBodies,
		"at once":                outboxAtOnce,
		"as memory does":         asMemoryDoes,
		"bad arguments":          badOutbox,
		"context that has ended": outboxEndedContext,
		"closed":                 outboxClosed,
	} {
		t.Run(name, func(t *testing.T) {
			clock := testkit.NewClock()
			st := open(t, clock)
			test(outboxSuite{t, clock, st.Outbox(), st})
		})
	}
}

// The bots of the suite.
const (
	rob = "110000000000000001"
	sue = "110000000000000002"
)

func (s outboxSuite) in(d time.Duration) time.Time { return s.Now().Add(d) }

// message is a message of a bot that arrives now, with its id as its body.
func (s outboxSuite) message(bot, id string) store.Message {
	return store.Message{
		ID: id, Bot: bot, List: "list.example", User: "220000000000000001", Type: "vote.created", Body: []byte("body of " + id), Created: s.Now(),
	}
}

func once(n byte, ttl time.Duration) store.Once {
	return store.Once{Key: store.Key{0: 5, 15: n}, TTL: ttl}
}

// put wants a put to end so.
func (s outboxSuite) put(want store.PutResult, m store.Message, waits bool, once ...store.Once) {
	s.Helper()
	if got, err := s.Put(s.Context(), m, waits, once...); err != nil || got != want {
		s.Fatalf("Put of %s: %d, %v; want %d", m.ID, got, err, want)
	}
}

// wait puts messages of a bot that wait.
func (s outboxSuite) wait(bot string, ids ...string) {
	s.Helper()
	for _, id := range ids {
		s.put(store.PutKept, s.message(bot, id), true)
	}
}

// settle notes an attempt that ends now.
func (s outboxSuite) settle(id string, state store.DeliveryState, next time.Time) {
	s.Helper()
	done := store.Settled{ID: id, Attempt: store.Attempt{At: s.Now(), Status: 500, Reason: "no"}, Counts: true, State: state, Next: next}
	if state == store.Delivered {
		done.Attempt = store.Attempt{At: s.Now(), Status: 200}
	}
	s.must(s.Settle(s.Context(), done))
}

func (s outboxSuite) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func ids(all []store.Delivery) string {
	var names []string
	for _, d := range all {
		names = append(names, d.ID)
	}
	return strings.Join(names, " ")
}

// isReady wants what is ready for a bot, and returns it.
func (s outboxSuite) isReady(bot, first, again string, next time.Time) store.Ready {
	s.Helper()
	r, err := s.Ready(s.Context(), bot, 100, 100)
	if err != nil || ids(r.First) != first || ids(r.Again) != again || !r.Next.Equal(next) {
		s.Fatalf("Ready: first %q, again %q, next %v, error %v; want %q, %q, %v", ids(r.First), ids(r.Again), r.Next, err, first, again, next)
	}
	return r
}

// lists wants the deliveries of a bot in a state, the newest first, and returns
// them.
func (s outboxSuite) lists(bot string, state store.DeliveryState, want string) []store.Delivery {
	s.Helper()
	all, err := s.Deliveries(s.Context(), bot, store.DeliveryQuery{State: state, Max: 100})
	if err != nil || ids(all) != want {
		s.Fatalf("Deliveries that are %q: %q, %v; want %q", state, ids(all), err, want)
	}
	return all
}

// same wants a delivery to be as wanted; its Seq is not looked at.
func (s outboxSuite) same(got, want store.Delivery) {
	s.Helper()
	if show(got) != show(want) {
		s.Errorf("delivery\n%s\nwant\n%s", show(got), show(want))
	}
}

// show returns all of a delivery but its Seq, its times in UTC.
func show(d store.Delivery) string {
	when := func(t time.Time) string {
		if t.IsZero() {
			return "never"
		}
		return t.UTC().Format(time.RFC3339Nano)
	}
	return fmt.Sprintf("%s %s %s %s %s test=%t body=%.40q(%d) %s attempts=%d status=%d reason=%q created %s, began %s, last %s, next %s",
		d.ID, d.Bot, d.List, d.User, d.Type, d.Test, d.Body, len(d.Body), d.State, d.Attempts, d.Last.Status, d.Last.Reason,
		when(d.Created), when(d.Began), when(d.Last.At), when(d.Next))
}

func put(s outboxSuite) {
	m := s.message(rob, "one")
	m.Test, m.User, m.List = true, "", ""
	m.Body = []byte("\x00\xff binary é")
	s.put(store.PutKept, m, true)
	m.Body[0] = 'x' // is the caller's again
	s.wait(sue, "two")
	s.wait(rob, "three")
	m.Body[0] = 0
	want := store.Delivery{Message: m, State: store.Pending, Began: s.Now()}
	r := s.isReady(rob, "one three", "", time.Time{})
	s.same(r.First[0], want)
	if r.Oldest == nil {
		s.Fatal("no oldest")
	}
	s.same(*r.Oldest, want)
	s.isReady(sue, "two", "", time.Time{})
	if r := s.isReady("110000000000000003", "", "", time.Time{}); r.Oldest != nil {
		s.Errorf("the oldest of none: %+v", r.Oldest)
	}
}

func putAgain(s outboxSuite) {
	s.wait(rob, "one")
	s.put(store.PutAgain, s.message(rob, "one"), true)
	s.put(store.PutAgain, s.message(sue, "one"), true, once(1, time.Hour))
	s.settle("one", store.Delivered, time.Time{})
	s.put(store.PutAgain, s.message(rob, "one"), true)
	s.put(store.PutKept, s.message(sue, "two"), true, once(1, time.Hour)) // was not learned
	s.lists(rob, "", "one")
}

func putOnce(s outboxSuite) {
	s.put(store.PutKept, s.message(rob, "one"), true, once(1, time.Hour), once(2, time.Hour))
	s.put(store.PutAgain, s.message(rob, "two"), true, once(1, time.Hour))
	s.put(store.PutAgain, s.message(rob, "three"), true, once(3, time.Hour), once(2, time.Hour))
	s.put(store.PutAgain, s.message(sue, "four"), false, once(2, time.Hour)) // of any bot
	s.put(store.PutKept, s.message(rob, "five"), true, once(3, time.Hour))   // it was not learned
	s.put(store.PutKept, s.message(rob, "six"), true)
	s.isReady(rob, "one five six", "", time.Time{})
	s.lists(sue, "", "")
}

func onceEnds(s outboxSuite) {
	s.put(store.PutKept, s.message(rob, "one"), true, once(1, time.Hour), once(2, 2*time.Hour))
	s.settle("one", store.Delivered, time.Time{})
	s.Advance(time.Hour - time.Millisecond)
	s.put(store.PutAgain, s.message(rob, "two"), true, once(1, time.Hour))
	s.Advance(time.Millisecond)
	s.put(store.PutAgain, s.message(rob, "two"), true, once(1, time.Hour), once(2, time.Hour))
	s.put(store.PutKept, s.message(rob, "two"), true, once(1, time.Hour))
	s.Advance(time.Hour)
	s.put(store.PutKept, s.message(rob, "three"), true, once(1, time.Hour), once(2, time.Hour))
	s.put(store.PutAgain, s.message(rob, "four"), true, once(2, time.Hour))
}

func reasons(s outboxSuite) {
	s.wait(rob, "one")
	long := strings.Repeat("é", store.MaxReason) // cut in the middle of a rune
	s.must(s.Settle(s.Context(), store.Settled{ID: "one", Attempt: store.Attempt{At: s.Now(), Status: -1, Reason: "x" + long}, State: store.Dead}))
	got := s.lists(rob, store.Dead, "one")[0].Last
	if want := "x" + long[:store.MaxReason-2]; got.Reason != want || got.Status != -1 || !got.At.Equal(s.Now()) {
		s.Errorf("%+v, want the beginning of the reason", got)
	}
}

func badOutbox(s outboxSuite) {
	good := s.message(rob, "one")
	for what, spoil := range map[string]func(*store.Message){
		"no id":      func(m *store.Message) { m.ID = "" },
		"no bot":     func(m *store.Message) { m.Bot = "" },
		"no type":    func(m *store.Message) { m.Type = "" },
		"no body":    func(m *store.Message) { m.Body = nil },
		"no time":    func(m *store.Message) { m.Created = time.Time{} },
		"long body":  func(m *store.Message) { m.Body = make([]byte, store.MaxBody+1) },
		"long id":    func(m *store.Message) { m.ID = strings.Repeat("x", 101) },
		"bad user":   func(m *store.Message) { m.User = "two\nlines" },
		"id of none": func(m *store.Message) { m.ID = "é" },
	} {
		bad := good
		spoil(&bad)
		if got, err := s.Put(s.Context(), bad, true, once(1, time.Hour)); err == nil {
			s.Errorf("Put with %s: %d, no error", what, got)
		}
	}
	if _, err := s.Put(s.Context(), good, true, once(1, time.Hour), once(2, time.Microsecond)); err == nil {
		s.Error("Put with what is known for a microsecond: no error")
	}
	s.put(store.PutKept, good, true, once(1, time.Hour))
	attempt := store.Attempt{At: s.Now()}
	for _, bad := range []store.Settled{
		{Attempt: attempt, State: store.Dead},
		{ID: "one", State: store.Dead},
		{ID: "one", Attempt: attempt},
		{ID: "one", Attempt: attempt, State: "lost"},
		{ID: "one", Attempt: attempt, State: store.Pending},
	} {
		if err := s.Settle(s.Context(), bad); err == nil {
			s.Errorf("Settle of %+v: no error", bad)
		}
	}
	for _, bad := range []store.DeliveryQuery{{}, {Max: store.MaxDeliveries + 1}, {Max: 1, State: "lost"}} {
		if _, err := s.Deliveries(s.Context(), rob, bad); err == nil {
			s.Errorf("Deliveries of %+v: no error", bad)
		}
	}
	for _, state := range []store.DeliveryState{"", "lost", store.Delivered} {
		if _, err := s.Retry(s.Context(), rob, nil, state); err == nil {
			s.Errorf("Retry of those that are %q: no error", state)
		}
	}
	if _, err := s.Retry(s.Context(), rob, make([]string, store.MaxDeliveries+1), ""); err == nil {
		s.Error("Retry of too many: no error")
	}
	s.isReady(rob, "one", "", time.Time{})
}

// calls wants each call to fail with an error.
func (s outboxSuite) calls(ctx context.Context, want error) {
	s.Helper()
	_, putErr := s.Put(ctx, s.message(rob, "new"), true, once(9, time.Hour))
	_, readyErr := s.Ready(ctx, rob, 1, 1)
	settleErr := s.Settle(ctx, store.Settled{ID: "one", Attempt: store.Attempt{At: s.Now()}, State: store.Dead})
	_, deliveriesErr := s.Deliveries(ctx, rob, store.DeliveryQuery{Max: 1})
	_, retryErr := s.Retry(ctx, rob, nil, store.Dead)
	_, afterErr := s.After(ctx, rob, 0, 1)
	_, _, seqErr := s.Seq(ctx, rob, "")
	_, backlogsErr := s.Backlogs(ctx)
	for call, err := range map[string]error{
		"Put": putErr, "Ready": readyErr, "Settle": settleErr, "Deliveries": deliveriesErr,
		"Retry": retryErr, "After": afterErr, "Seq": seqErr, "Backlogs": backlogsErr,
	} {
		if !errors.Is(err, want) {
			s.Errorf("%s: %v, want %v", call, err, want)
		}
	}
}

func outboxEndedContext(s outboxSuite) {
	s.wait(rob, "one")
	ctx, cancel := context.WithCancel(s.Context())
	cancel()
	s.calls(ctx, context.Canceled)
	s.isReady(rob, "one", "", time.Time{})
	s.put(store.PutKept, s.message(rob, "new"), true, once(9, time.Hour))
}

func outboxClosed(s outboxSuite) {
	c := s.Changed(rob)
	s.must(s.store.Close())
	testkit.Receive(s.T, "the channel of a store that is closed", c)
	testkit.Receive(s.T, "a channel after that", s.Changed(rob))
	s.calls(s.Context(), store.ErrClosed)
}

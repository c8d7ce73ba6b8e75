package storetest

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"aggregator/internal/testkit"
	"aggregator/store"
)

func putSameAtOnce(s outboxSuite) {
	for round := range 5 {
		var kept atomic.Int64
		var wg sync.WaitGroup
		for n := range 30 {
			wg.Go(func() {
				m := s.message(rob, fmt.Sprintf("%d-%d", round, n))
				got, err := s.Put(s.Context(), m, true, once(byte(round), time.Hour))
				if err != nil {
					s.Error(err)
				}
				if got == store.PutKept {
					kept.Add(1)
				}
			})
		}
		wg.Wait()
		if kept.Load() != 1 {
			s.Fatalf("round %d: %d were kept, want 1", round, kept.Load())
		}
	}
}

func ready(s outboxSuite) {
	s.wait(rob, "one", "two", "three", "four", "five")
	r, err := s.Ready(s.Context(), rob, 2, 0)
	if err != nil || ids(r.First) != "one two" || r.Again != nil || r.Oldest == nil || r.Oldest.ID != "one" || !r.Next.IsZero() {
		s.Errorf("two of five: %+v, %v", r, err)
	}
	s.settle("one", store.Pending, s.in(2*time.Minute))
	s.settle("three", store.Pending, s.in(time.Minute))
	s.settle("four", store.Pending, s.in(3*time.Minute))
	r = s.isReady(rob, "two five", "", s.in(time.Minute))
	if r.Oldest.ID != "one" || len(r.Oldest.Body) == 0 {
		s.Errorf("the oldest is %+v", r.Oldest)
	}
	s.Advance(2 * time.Minute)
	s.isReady(rob, "two five", "three one", s.in(time.Minute))
	r, err = s.Ready(s.Context(), rob, 0, 1)
	if err != nil || r.First != nil || ids(r.Again) != "three" || !r.Next.Equal(s.Now()) || string(r.Again[0].Body) != "body of three" {
		s.Errorf("one of those due: %+v, %v; want three, and the next at %v", r, err, s.Now())
	}
	r, err = s.Ready(s.Context(), rob, 0, 0)
	if err != nil || r.First != nil || r.Again != nil || r.Oldest == nil || !r.Next.Equal(s.in(-time.Minute)) {
		s.Errorf("none: %+v, %v", r, err)
	}
	s.settle("one", store.Delivered, time.Time{})
	if r := s.isReady(rob, "two five", "three", s.in(time.Minute)); r.Oldest.ID != "two" {
		s.Errorf("the oldest is %s, want two", r.Oldest.ID)
	}
}

func readyIsDue(s outboxSuite) {
	s.wait(rob, "one")
	due := s.in(time.Minute)
	s.settle("one", store.Pending, due)
	s.Advance(time.Minute - time.Millisecond)
	s.isReady(rob, "", "", due)
	s.Advance(time.Millisecond)
	s.isReady(rob, "", "one", time.Time{})
}

func settleOutbox(s outboxSuite) {
	m := s.message(rob, "one")
	s.put(store.PutKept, m, true)
	began := s.Now()
	s.Advance(time.Second)
	at := s.Now()
	next := s.in(time.Minute)
	settle := func(status int, counts bool, state store.DeliveryState) {
		s.Helper()
		s.must(s.Settle(s.Context(), store.Settled{ID: "one", Attempt: store.Attempt{At: at, Status: status, Reason: "why"}, Counts: counts, State: state, Next: next}))
	}
	want := store.Delivery{Message: m, State: store.Pending, Attempts: 1, Last: store.Attempt{At: at, Status: 503, Reason: "why"}, Next: next, Began: began}
	settle(503, true, store.Pending)
	s.Advance(time.Minute)
	s.same(s.isReady(rob, "", "one", time.Time{}).Again[0], want)

	next, want.Next, want.Last.Status = s.in(time.Hour), s.in(time.Hour), 0
	settle(0, false, store.Pending)
	want.Body = nil
	s.same(s.lists(rob, store.Pending, "one")[0], want)

	want.State, want.Attempts, want.Next = store.Dead, 2, time.Time{}
	want.Last.Status = 410
	settle(410, true, store.Dead)
	s.same(s.lists(rob, store.Dead, "one")[0], want)
	if r := s.isReady(rob, "", "", time.Time{}); r.Oldest != nil {
		s.Errorf("one that is dead waits: %+v", r.Oldest)
	}
}

func settleOver(s outboxSuite) {
	s.wait(rob, "dead", "taken", "late")
	s.settle("dead", store.Dead, time.Time{})
	s.settle("taken", store.Delivered, time.Time{})
	s.settle("late", store.Dead, time.Time{})
	dead, taken := s.lists(rob, store.Dead, "late dead")[1], s.lists(rob, store.Delivered, "taken")[0]
	s.Advance(time.Hour)
	for _, state := range []store.DeliveryState{store.Pending, store.Dead} {
		s.settle("dead", state, s.in(time.Hour))
		s.settle("taken", state, s.in(time.Hour))
		s.settle("unknown", state, s.in(time.Hour))
	}
	s.settle("taken", store.Delivered, time.Time{})
	s.same(s.lists(rob, store.Dead, "late dead")[1], dead)
	s.same(s.lists(rob, store.Delivered, "taken")[0], taken)

	s.settle("late", store.Delivered, time.Time{}) // was taken after all
	late := s.lists(rob, store.Delivered, "late taken")[0]
	if late.Attempts != 2 || late.Last.Status != 200 || !late.Last.At.Equal(s.Now()) {
		s.Errorf("taken after all: %+v", late)
	}
}

// retries wants so many to be retried.
func (s outboxSuite) retries(want int, bot string, ids []string, state store.DeliveryState) {
	s.Helper()
	if got, err := s.Retry(s.Context(), bot, ids, state); err != nil || got != want {
		s.Fatalf("Retry of %q or those that are %q: %d, %v; want %d", ids, state, got, err, want)
	}
}

func retryPending(s outboxSuite) {
	s.wait(rob, "one", "two", "three", "taken")
	s.wait(sue, "other")
	s.settle("one", store.Pending, s.in(time.Hour))
	s.settle("two", store.Pending, s.in(time.Minute))
	s.settle("other", store.Pending, s.in(time.Minute))
	s.settle("taken", store.Delivered, time.Time{})
	before := s.lists(rob, store.Pending, "three two one")[2]
	s.Advance(time.Second)
	s.retries(3, rob, nil, store.Pending)
	s.isReady(rob, "three", "one two", time.Time{})
	s.isReady(sue, "", "", s.in(time.Minute-time.Second))
	before.Next = s.Now()
	s.same(s.lists(rob, store.Pending, "three two one")[2], before) // counts as before
	s.retries(0, "110000000000000003", nil, store.Pending)
}

func retryDead(s outboxSuite) {
	s.wait(rob, "one", "two", "three")
	s.wait(sue, "other")
	for _, id := range []string{"other", "three", "one"} {
		s.settle(id, store.Pending, s.in(time.Minute))
		s.settle(id, store.Dead, time.Time{})
	}
	s.Advance(47 * time.Hour)
	s.retries(2, rob, nil, store.Dead)
	s.retries(0, rob, nil, store.Dead)
	r := s.isReady(rob, "one two three", "", time.Time{})
	if one := r.First[0]; one.Attempts != 0 || one.Last != (store.Attempt{}) || !one.Began.Equal(s.Now()) || !one.Created.Equal(s.in(-47*time.Hour)) || r.Oldest.ID != "one" {
		s.Errorf("a message that was brought back: %+v", one)
	}
	s.Advance(2 * time.Hour)
	s.isReady(rob, "one three", "", time.Time{}) // has another 48 h
	s.lists(rob, store.Dead, "two")
	s.lists(sue, store.Dead, "other")
	s.Advance(46 * time.Hour)
	s.lists(rob, store.Dead, "three two one")
}

func retryIDs(s outboxSuite) {
	s.wait(rob, "one", "two", "three", "taken")
	s.wait(sue, "other")
	s.settle("other", store.Dead, time.Time{})
	s.settle("two", store.Dead, time.Time{})
	s.settle("three", store.Pending, s.in(time.Hour))
	s.settle("taken", store.Delivered, time.Time{})
	s.retries(3, rob, []string{"three", "other", "two", "unknown", "taken", "", "one", "two"}, "")
	s.isReady(rob, "one two", "three", time.Time{})
	s.lists(sue, store.Dead, "other")
	s.lists(rob, store.Delivered, "taken")
	s.retries(0, sue, []string{"one", "taken"}, "")
}

func retryFits(s outboxSuite) {
	s.wait(rob, "one", "two", "three", "four", "five")
	for _, id := range []string{"five", "three", "two", "one"} {
		s.settle(id, store.Dead, time.Time{})
	}
	s.wait(rob, "six", "seven", "eight")
	s.put(store.PutKept, s.message(rob, "nine"), false)
	s.retries(2, rob, nil, store.Dead)
	s.isReady(rob, "one two four six seven eight", "", time.Time{})
	s.lists(rob, store.Dead, "five three")
	s.put(store.PutFull, s.message(rob, "ten"), true)
	s.retries(1, rob, []string{"five", "four", "three"}, "")
}

// isChanged reports whether a channel is closed.
func isChanged(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func changed(s outboxSuite) {
	of, other := s.Changed(rob), s.Changed(sue)
	s.wait(rob, "one")
	testkit.Receive(s.T, "a message has come", of)
	of = s.Changed(rob)
	s.put(store.PutKept, s.message(rob, "two"), false)
	testkit.Receive(s.T, "a message for the stream has come", of)
	s.settle("one", store.Pending, s.in(time.Hour))
	of = s.Changed(rob)
	s.retries(1, rob, []string{"one"}, "")
	testkit.Receive(s.T, "a message has been made due", of)
	s.wait(sue, "three")
	testkit.Receive(s.T, "a message for the other has come", other)
	s.wait(rob, "four")
	if c := s.Changed(rob); isChanged(c) {
		s.Log("a channel tells what has come before it was asked for") // which it may
	}
}

// outboxAtOnce has several put and settle at once.
func outboxAtOnce(s outboxSuite) {
	var wg sync.WaitGroup
	for worker := range 6 {
		wg.Go(func() {
			for n := range 10 {
				id := fmt.Sprintf("%d-%d", worker, n)
				bot := []string{rob, sue}[worker%2]
				if got, err := s.Put(s.Context(), s.message(bot, id), true); err != nil || got != store.PutKept {
					s.Errorf("Put: %v, %v", got, err)
				}
				if _, err := s.Ready(s.Context(), bot, 2, 2); err != nil {
					s.Error(err)
				}
				s.settle(id, store.Delivered, time.Time{})
			}
		})
	}
	wg.Wait()
	for _, bot := range []string{rob, sue} {
		r := s.isReady(bot, "", "", time.Time{})
		all, err := s.Deliveries(s.Context(), bot, store.DeliveryQuery{State: store.Delivered, Max: 100})
		if err != nil || len(all) == 0 || r.Oldest != nil {
			s.Errorf("%d deliveries, %v", len(all), err)
		}
		for i := 1; i < len(all); i++ {
			if all[i-1].Seq <= all[i].Seq {
				s.Errorf("places %d, %d", all[i-1].Seq, all[i].Seq)
			}
		}
	}
}

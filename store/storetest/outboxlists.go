package storetest

import (
	"slices"
	"strings"
	"time"

	"aggregator/store"
)

func deliveries(s outboxSuite) {
	s.wait(rob, "one", "two")
	s.wait(sue, "other")
	s.wait(rob, "three", "four")
	s.settle("two", store.Delivered, time.Time{})
	s.settle("three", store.Dead, time.Time{})
	s.settle("four", store.Pending, s.in(time.Minute))
	all := s.lists(rob, "", "four three two one")
	s.lists(rob, store.Pending, "four one")
	s.lists(rob, store.Delivered, "two")
	s.lists(rob, store.Dead, "three")
	s.lists(sue, "", "other")
	s.lists("110000000000000003", "", "")
	for i, d := range all {
		if d.Body != nil {
			s.Errorf("%s has a body", d.ID)
		}
		if i > 0 && all[i-1].Seq <= d.Seq {
			s.Errorf("%s at %d after %d", d.ID, d.Seq, all[i-1].Seq)
		}
	}
}

func deliveryPages(s outboxSuite) {
	s.wait(rob, "one", "two", "three", "four", "five")
	s.wait(sue, "other")
	s.settle("two", store.Dead, time.Time{})
	s.settle("four", store.Dead, time.Time{})
	for _, test := range []struct {
		q    store.DeliveryQuery
		want string
	}{
		{store.DeliveryQuery{Max: 2}, "five four"},
		{store.DeliveryQuery{Max: 2, After: "four"}, "three two"},
		{store.DeliveryQuery{Max: 2, After: "two"}, "one"},
		{store.DeliveryQuery{Max: 2, After: "one"}, ""},
		{store.DeliveryQuery{Max: 2, After: "other"}, ""},
		{store.DeliveryQuery{Max: 2, After: "unknown"}, ""},
		{store.DeliveryQuery{Max: 1, State: store.Dead}, "four"},
		{store.DeliveryQuery{Max: 5, State: store.Dead, After: "four"}, "two"},
		{store.DeliveryQuery{Max: 5, State: store.Dead, After: "three"}, "two"}, // itself in another state
		{store.DeliveryQuery{Max: 1, State: store.Pending, After: "five"}, "three"},
		{store.DeliveryQuery{Max: 5, State: store.Delivered}, ""},
	} {
		if got, err := s.Deliveries(s.Context(), rob, test.q); err != nil || ids(got) != test.want {
			s.Errorf("%+v: %q, %v; want %q", test.q, ids(got), err, test.want)
		}
	}
}

// comes wants what came for a bot after a place.
func (s outboxSuite) comes(bot string, seq int64, limit int, want string) []store.Delivery {
	s.Helper()
	all, err := s.After(s.Context(), bot, seq, limit)
	if err != nil || ids(all) != want {
		s.Fatalf("After %d: %q, %v; want %q", seq, ids(all), err, want)
	}
	return all
}

func after(s outboxSuite) {
	s.comes(rob, 0, 10, "")
	m := s.message(rob, "one")
	s.put(store.PutKept, m, true)
	s.wait(rob, "two")
	s.wait(sue, "other")
	s.wait(rob, "three", "four")
	s.settle("two", store.Delivered, time.Time{})
	s.settle("three", store.Dead, time.Time{})
	all := s.comes(rob, 0, 10, "one two three four")
	s.same(all[0], store.Delivery{Message: m, State: store.Pending, Began: s.Now()})
	for i, d := range all {
		if string(d.Body) != "body of "+d.ID || i > 0 && d.Seq <= all[i-1].Seq {
			s.Errorf("%+v", d)
		}
	}
	s.comes(rob, all[1].Seq, 10, "three four")
	s.comes(rob, all[1].Seq, 1, "three")
	s.comes(rob, all[0].Seq-1, 1, "one")
	s.comes(rob, all[3].Seq, 10, "")
	s.comes(rob, 0, 0, "")
	s.comes(sue, all[1].Seq, 10, "other")

	s.Advance(store.StreamTTL - time.Millisecond)
	s.wait(rob, "five")
	s.comes(rob, 0, 10, "one two three four five")
	s.Advance(time.Millisecond)
	s.comes(rob, 0, 10, "five")
	s.comes(rob, all[1].Seq, 10, "five")
}

func seq(s outboxSuite) {
	place := func(bot, id string, want bool) int64 {
		s.Helper()
		seq, ok, err := s.Seq(s.Context(), bot, id)
		if err != nil || ok != want {
			s.Fatalf("Seq of %q: %d, %v, %v; want %v", id, seq, ok, err, want)
		}
		return seq
	}
	if n := place(rob, "", true); n != 0 {
		s.Errorf("the last of none is %d", n)
	}
	s.wait(rob, "one", "two")
	s.wait(sue, "other")
	one, two, other := place(rob, "one", true), place(rob, "two", true), place(sue, "other", true)
	if one >= two || two >= other || place(rob, "", true) != other || place(sue, "", true) != other {
		s.Errorf("places %d, %d, %d, the last %d", one, two, other, place(rob, "", true))
	}
	place(rob, "other", false)
	place(rob, "unknown", false)
	s.settle("two", store.Delivered, time.Time{})
	place(rob, "two", true)
	s.Advance(store.DeliveredTTL)
	place(rob, "two", false)
	if n := place(rob, "", true); n != other {
		s.Errorf("the last is %d, want %d", n, other)
	}
	s.Advance(store.WaitTTL + store.DeadTTL) // nothing is left
	s.lists(rob, "", "")
	s.wait(rob, "three")
	if three := place(rob, "three", true); three <= other {
		s.Errorf("place %d after %d", three, other)
	}
}

// streamAlone has messages that nobody waits for but streams.
func streamAlone(s outboxSuite) {
	m := s.message(rob, "one")
	s.put(store.PutKept, m, false, once(1, time.Hour))
	s.put(store.PutAgain, s.message(rob, "two"), true, once(1, time.Hour))
	s.isReady(rob, "", "", time.Time{})
	s.same(s.comes(rob, 0, 10, "one")[0], store.Delivery{Message: m, State: store.Delivered, Began: s.Now()})
	s.settle("one", store.Pending, s.in(time.Minute))
	s.retries(0, rob, []string{"one"}, "")
	s.isReady(rob, "", "", time.Time{})
	s.wait(rob, "a", "b", "c", "d", "e", "f")
	s.put(store.PutFull, s.message(rob, "g"), true)
	s.put(store.PutKept, s.message(rob, "h"), false)
	s.wait(sue, "i", "j", "k")
	s.put(store.PutFull, s.message(sue, "l"), true)
	s.put(store.PutKept, s.message(sue, "m"), false)
	s.comes(rob, 0, 10, "one a b c d e f h")
}

func backlogs(s outboxSuite) {
	want := func(want ...store.Backlog) {
		s.Helper()
		got, err := s.Backlogs(s.Context())
		if err != nil || !slices.EqualFunc(got, want, func(a, b store.Backlog) bool {
			return a.Bot == b.Bot && a.Waiting == b.Waiting && a.Oldest.Equal(b.Oldest)
		}) {
			s.Fatalf("Backlogs: %+v, %v; want %+v", got, err, want)
		}
	}
	want()
	s.wait(sue, "other")
	first := s.Now()
	s.Advance(time.Minute)
	s.wait(rob, "one", "two", "three")
	s.put(store.PutKept, s.message("110000000000000003", "streamed"), false)
	second := s.Now()
	s.Advance(time.Minute)
	s.wait(rob, "four")
	want(store.Backlog{Bot: rob, Waiting: 4, Oldest: second}, store.Backlog{Bot: sue, Waiting: 1, Oldest: first})
	s.settle("one", store.Pending, s.in(time.Hour))
	s.settle("two", store.Delivered, time.Time{})
	s.settle("other", store.Dead, time.Time{})
	want(store.Backlog{Bot: rob, Waiting: 3, Oldest: second})
	s.settle("one", store.Dead, time.Time{})
	s.settle("three", store.Dead, time.Time{})
	want(store.Backlog{Bot: rob, Waiting: 1, Oldest: s.Now()})
	s.Advance(store.WaitTTL)
	want()
}

func largeBodies(s outboxSuite) {
	m := s.message(rob, "one")
	m.Body = []byte(strings.Repeat("0123456789abcdef", store.MaxBody/16))
	s.put(store.PutKept, m, true)
	if got := s.isReady(rob, "one", "", time.Time{}).First[0]; string(got.Body) != string(m.Body) {
		s.Errorf("a body of %d bytes came back as %d others", len(m.Body), len(got.Body))
	}
}

package storetest

import (
	"fmt"
	"time"

	"aggregator/store"
)

func deadOfAge(s outboxSuite) {
	s.wait(rob, "one", "two", "taken")
	s.settle("two", store.Pending, s.in(store.WaitTTL+time.Hour))
	s.Advance(time.Minute)
	s.wait(rob, "three")
	s.settle("three", store.Pending, s.in(time.Minute))
	s.Advance(store.WaitTTL - time.Minute - time.Millisecond)
	s.isReady(rob, "one taken", "three", s.in(time.Hour+time.Millisecond))
	s.Advance(time.Millisecond)
	s.isReady(rob, "", "three", time.Time{})
	dead := s.lists(rob, store.Dead, "taken two one")
	if two := dead[1]; two.Attempts != 1 || !two.Next.IsZero() || two.Last.Status != 500 || two.State != store.Dead {
		s.Errorf("dead of age: %+v", two)
	}
	s.settle("one", store.Pending, s.in(time.Minute)) // let be
	s.lists(rob, store.Pending, "three")
	s.settle("taken", store.Delivered, time.Time{})
	s.lists(rob, store.Delivered, "taken")
	s.wait(rob, "a", "b", "c", "d", "e") // there is room again
	s.put(store.PutFull, s.message(rob, "f"), true)
}

func forgotten(s outboxSuite) {
	s.wait(rob, "taken", "dead", "old")
	s.Advance(time.Hour)
	s.put(store.PutKept, s.message(rob, "streamed"), false)
	s.settle("taken", store.Delivered, time.Time{})
	s.settle("dead", store.Dead, time.Time{})
	s.Advance(store.DeliveredTTL - time.Millisecond)
	s.lists(rob, "", "streamed old dead taken")
	s.Advance(time.Millisecond)
	s.lists(rob, "", "old dead")
	s.put(store.PutKept, s.message(rob, "taken"), true) // nothing is known of it
	s.settle("taken", store.Delivered, time.Time{})

	s.Advance(store.DeadTTL - store.DeliveredTTL - time.Millisecond)
	s.lists(rob, "", "old dead")
	s.settle("dead", store.Delivered, time.Time{})
	s.lists(rob, store.Delivered, "dead")
	s.Advance(time.Millisecond)
	s.lists(rob, store.Dead, "old") // died 48 h after it arrived
	s.Advance(store.WaitTTL - time.Hour - time.Millisecond)
	s.lists(rob, "", "old")
	s.retries(0, sue, []string{"old"}, "")
	s.Advance(time.Millisecond)
	s.lists(rob, "", "")
	s.retries(0, rob, []string{"old"}, "")
	s.retries(0, rob, nil, store.Dead)
	s.settle("old", store.Delivered, time.Time{})
	s.comes(rob, 0, 10, "")
}

func outboxClockSet(s outboxSuite) {
	for i, set := range []time.Duration{-time.Hour, 3 * time.Hour} {
		id, again := fmt.Sprint("one", i), fmt.Sprint("two", i)
		s.put(store.PutKept, s.message(rob, id), true, once(byte(i), time.Minute))
		s.settle(id, store.Pending, s.in(time.Minute))
		s.Set(set)
		r := s.isReady(rob, "", "", s.in(time.Minute))
		if d := *r.Oldest; !d.Created.Equal(s.Now()) || !d.Began.Equal(s.Now()) || !d.Last.At.Equal(s.Now()) || !d.Next.Equal(s.in(time.Minute)) {
			s.Errorf("after the clock was set by %s: %s\nwant it to have come just now, at %s", set, show(d), s.Now())
		}
		s.Advance(time.Minute - time.Millisecond)
		s.isReady(rob, "", "", s.in(time.Millisecond))
		s.put(store.PutAgain, s.message(rob, again), true, once(byte(i), time.Minute))
		s.Advance(time.Millisecond)
		s.isReady(rob, "", id, time.Time{})
		s.put(store.PutKept, s.message(rob, again), true, once(byte(i), time.Minute))
		s.settle(id, store.Delivered, time.Time{})
		s.settle(again, store.Delivered, time.Time{})
	}
}

func outboxMilliseconds(s outboxSuite) {
	s.wait(rob, "one")
	s.settle("one", store.Pending, s.in(time.Nanosecond))
	s.isReady(rob, "", "", s.in(time.Millisecond))
	s.Advance(time.Millisecond)
	s.isReady(rob, "", "one", time.Time{})
}

func fullForOne(s outboxSuite) {
	s.wait(rob, "one", "two", "three", "four", "five")
	s.put(store.PutKept, s.message(rob, "six"), true, once(1, time.Hour))
	s.put(store.PutFull, s.message(rob, "seven"), true, once(2, time.Hour))
	s.put(store.PutAgain, s.message(rob, "eight"), true, once(1, time.Hour)) // known all the same
	s.wait(sue, "other")
	s.settle("two", store.Pending, s.in(time.Minute)) // waits still
	s.put(store.PutFull, s.message(rob, "seven"), true, once(2, time.Hour))
	s.settle("two", store.Delivered, time.Time{})
	s.put(store.PutKept, s.message(rob, "seven"), true, once(2, time.Hour))
	s.put(store.PutFull, s.message(rob, "nine"), true)
	s.settle("one", store.Dead, time.Time{})
	s.wait(rob, "nine")
	s.isReady(rob, "three four five six seven nine", "", time.Time{})
}

func fullForAll(s outboxSuite) {
	s.wait(rob, "a", "b", "c", "d", "e")
	s.wait(sue, "f", "g", "h", "i")
	for _, bot := range []string{rob, sue, "110000000000000003"} {
		s.put(store.PutFull, s.message(bot, "j"), true)
	}
	s.settle("i", store.Delivered, time.Time{})
	s.wait("110000000000000003", "j")
	s.put(store.PutFull, s.message(sue, "k"), true)
	s.Advance(store.WaitTTL)
	s.wait(sue, "k")
}

func overIsBounded(s outboxSuite) {
	over := func(bot string, state store.DeliveryState, letter string, n int) {
		s.Helper()
		for i := range n {
			id := fmt.Sprint(letter, i)
			s.wait(bot, id)
			s.settle(id, state, time.Time{})
			s.Advance(time.Second)
		}
	}
	// has wants so many of each letter of a bot, and the oldest of each.
	has := func(bot string, want string) {
		s.Helper()
		all, err := s.Deliveries(s.Context(), bot, store.DeliveryQuery{Max: store.MaxDeliveries})
		s.must(err)
		got := ""
		for i, d := range all {
			if i == len(all)-1 || all[i+1].ID[0] != d.ID[0] {
				got += " " + d.ID
			}
		}
		if got = fmt.Sprint(len(all), got); got != want {
			s.Fatalf("kept %s, want %s", got, want)
		}
	}
	over(rob, store.Dead, "a", 2)
	over(rob, store.Delivered, "b", 98)
	has(rob, "100 b0 a0")
	over(rob, store.Delivered, "c", 1)
	has(rob, "100 c0 b1 a0") // those that were taken go first
	s.put(store.PutKept, s.message(rob, "d0"), false)
	has(rob, "100 d0 c0 b2 a0")
	over(rob, store.Dead, "e", 99)
	has(rob, "100 e0 a1")
	over(sue, store.Delivered, "f", 50)
	over(sue, store.Delivered, "g", 2)
	has(sue, "50 g0 f2") // the oldest of all that were taken
	has(rob, "100 e0 a1")
	over(sue, store.Dead, "h", 51)
	has(sue, "51 h0")
	has(rob, "99 e0")
	s.wait(sue, "f0") // nothing is known of it
}

func onceIsBounded(s outboxSuite) {
	put := func(want store.PutResult, n byte, ttl time.Duration) {
		s.Helper()
		s.put(want, s.message(rob, fmt.Sprint("m", n)), false, once(n, ttl))
	}
	for n := range byte(20) {
		put(store.PutKept, n, time.Hour+time.Duration(n)*time.Second)
	}
	put(store.PutKept, 20, 2*time.Hour)
	s.put(store.PutAgain, s.message(rob, "x"), false, once(1, time.Hour))
	s.put(store.PutAgain, s.message(rob, "x"), false, once(20, time.Hour))
	s.put(store.PutKept, s.message(rob, "x"), false, once(0, time.Hour)) // made room
	s.Advance(time.Hour + 10*time.Second)
	for n := range byte(10) {
		put(store.PutKept, 30+n, time.Hour)
	}
	s.put(store.PutAgain, s.message(rob, "y"), false, once(20, time.Hour))
	s.put(store.PutAgain, s.message(rob, "y"), false, once(30, time.Hour))
}

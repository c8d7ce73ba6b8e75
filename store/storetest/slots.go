package storetest

import (
	"sync"
	"sync/atomic"
	"time"

	"aggregator/store"
)

// slots is a use of one of n windows side by side.
func slots(k byte, n int) store.Use {
	return store.Use{Place: store.Place{Key: key(k), Slots: n}, Limit: 1, Period: period}
}

// takeEach wants so many groups answered, and returns them.
func (s suite) takeEach(groups ...[]store.Use) []store.Taken {
	s.Helper()
	taken, err := s.TakeEach(s.Context(), groups...)
	if err != nil || len(taken) != len(groups) {
		s.Fatalf("TakeEach: %d groups, error %v; want %d", len(taken), err, len(groups))
	}
	return taken
}

// isTaken wants a group taken in slots of a key, or refused until then.
func (s suite) isTaken(what string, got store.Taken, k byte, slot int) {
	s.Helper()
	if !got.OK || !got.Until.IsZero() || got.Keys[0] != key(k).Slot(slot) || got.Windows[0].Used != 1 {
		s.Errorf("%s: %+v, want slot %d of %x taken", what, got, slot, key(k))
	}
}

func (s suite) isRefused(what string, got store.Taken, until time.Time) {
	s.Helper()
	if got.OK || !got.Until.Equal(until) {
		s.Errorf("%s: ok %t, until %s; want it refused until %s", what, got.OK, got.Until, until)
	}
}

func eachByItself(s suite) {
	until := s.in(period)
	s.take(true, []store.Use{one(2)})
	s.Advance(time.Second)
	taken := s.takeEach(
		[]store.Use{one(1), one(2)}, // the second is full
		[]store.Use{one(1), one(3)},
		[]store.Use{one(3)}, // taken by the group before
		nil,
		[]store.Use{one(4)},
	)
	s.isRefused("a group with a full window", taken[0], until)
	s.isTaken("the next group", taken[1], 1, 0)
	s.isRefused("a group that asks for what the one before took", taken[2], s.in(period))
	if !taken[3].OK {
		s.Error("an empty group is refused")
	}
	s.isTaken("the last group", taken[4], 4, 0)
	now := store.Window{Used: 1, Until: s.in(period)}
	s.same("the windows of a group", taken[1].Windows, []store.Window{now, now})
	s.same("the windows of a refused group", taken[0].Windows, []store.Window{{}, {Used: 1, Until: until}})
	s.peek([]store.Key{key(1), key(2), key(3), key(4)}, now, store.Window{Used: 1, Until: until}, now, now)
}

// onlyLooks has groups that are taken only while another window is free.
func onlyLooks(s suite) {
	look := func(k byte) store.Use { return store.Use{Place: store.Place{Key: key(k)}, Limit: 1, Look: true} }
	if taken := s.takeEach([]store.Use{look(1), one(2)})[0]; !taken.OK || taken.Windows[0] != (store.Window{}) || taken.Windows[1].Used != 1 {
		s.Errorf("beside a free window: %+v", taken)
	}
	s.peek([]store.Key{key(1)}, store.Window{})
	s.must(store.Hold(s.Context(), s.Windows, key(1), s.in(time.Hour)))
	s.isRefused("beside a held window", s.takeEach([]store.Use{look(1), one(3)})[0], s.in(time.Hour))
	s.peek([]store.Key{key(3)}, store.Window{})
}

func slotsOneByOne(s suite) {
	first := s.in(period)
	for i := range 3 {
		s.isTaken("a free slot", s.takeEach([]store.Use{slots(1, 3)})[0], 1, i)
		s.Advance(time.Second)
	}
	s.isRefused("all slots are taken", s.takeEach([]store.Use{slots(1, 3)})[0], first)
	s.isRefused("beside a free window", s.takeEach([]store.Use{one(2), slots(1, 3)})[0], first)
	s.peek([]store.Key{key(2)}, store.Window{})
	s.isTaken("one slot more", s.takeEach([]store.Use{slots(1, 4)})[0], 1, 3)

	s.must(store.Release(s.Context(), s.Windows, key(1).Slot(1)))
	s.isTaken("a slot that was given back", s.takeEach([]store.Use{slots(1, 3)})[0], 1, 1)

	s.Advance(period - 3*time.Second) // the first closes
	s.isTaken("a slot that is over", s.takeEach([]store.Use{slots(1, 3)})[0], 1, 0)

	taken := s.takeEach([]store.Use{slots(3, 2), slots(3, 2)}, []store.Use{slots(3, 2)})
	if !taken[0].OK || taken[0].Keys[0] == taken[0].Keys[1] {
		s.Errorf("two slots in one group: %+v", taken[0])
	}
	s.isRefused("a third of two", taken[1], s.in(period))

	two := slots(4, 2)
	two.Limit = 2
	for i := range 4 {
		got := s.takeEach([]store.Use{two})[0]
		if !got.OK || got.Keys[0] != key(4).Slot(i/2) || got.Windows[0].Used != int64(1+i%2) {
			s.Errorf("use %d of two slots with two uses each: %+v", i, got)
		}
	}
	s.isRefused("a fifth use", s.takeEach([]store.Use{two})[0], s.in(period))
}

func slotsAtOnce(s suite) {
	const n = 20
	var passed atomic.Int64
	var wg sync.WaitGroup
	for range 5 * n {
		wg.Go(func() {
			taken, err := s.TakeEach(s.Context(), []store.Use{slots(1, n)})
			if err != nil {
				s.Error(err)
				return
			}
			if taken[0].OK {
				passed.Add(1)
			}
		})
	}
	wg.Wait()
	if passed.Load() != n {
		s.Errorf("%d of %d passed, want %d", passed.Load(), 5*n, n)
	}
}

func peekAtSlots(s suite) {
	place := store.Place{Key: key(1), Slots: 2}
	look := func(want ...store.Window) {
		s.Helper()
		got, err := s.PeekEach(s.Context(), place, store.Place{Key: key(2)})
		s.must(err)
		s.same("PeekEach", got, want)
	}
	look(store.Window{}, store.Window{})
	first := store.Window{Used: 1, Until: s.in(period)}
	s.takeEach([]store.Use{slots(1, 2)})
	look(store.Window{}, store.Window{})
	s.Advance(time.Second)
	s.takeEach([]store.Use{slots(1, 2)}, []store.Use{one(2)})
	look(first, store.Window{Used: 1, Until: s.in(period)})
	if _, err := s.PeekEach(s.Context(), store.Place{Key: key(1), Slots: -1}); err == nil {
		s.Error("PeekEach of -1 slots: no error")
	}
}

// change makes changes of single windows.
func (s suite) change(changes ...store.Change) {
	s.Helper()
	s.must(s.Change(s.Context(), changes...))
}

func changeOf(k byte, kind store.ChangeKind, used int64, until time.Time) store.Change {
	return store.Change{Place: store.Place{Key: key(k)}, Kind: kind, Window: store.Window{Used: used, Until: until}}
}

func set(s suite) {
	s.take(true, []store.Use{one(1), one(2), one(3)})
	s.must(store.Hold(s.Context(), s.Windows, key(4), s.in(time.Hour)))
	s.change(
		changeOf(1, store.KindSet, 1, s.in(time.Second)), // shorter
		changeOf(2, store.KindSet, 5, s.in(time.Hour)),   // longer
		changeOf(3, store.KindSet, 0, time.Time{}),       // free
		changeOf(4, store.KindSet, 1, s.in(-time.Second)),
		changeOf(5, store.KindSet, 2, s.in(time.Minute)), // there was none
	)
	s.peek([]store.Key{key(1), key(2), key(3), key(4), key(5)},
		store.Window{Used: 1, Until: s.in(time.Second)}, store.Window{Used: 5, Until: s.in(time.Hour)},
		store.Window{}, store.Window{}, store.Window{Used: 2, Until: s.in(time.Minute)})
	s.Advance(time.Second)
	s.take(true, []store.Use{one(1), one(3), one(4)})
}

func occupy(s suite) {
	occupy := func(d time.Duration) store.Change {
		return store.Change{Place: store.Place{Key: key(1), Slots: 2}, Kind: store.KindOccupy, Window: store.Window{Used: 1, Until: s.in(d)}}
	}
	s.takeEach([]store.Use{slots(1, 2)})
	taken := store.Window{Used: 1, Until: s.in(period)}
	s.change(occupy(time.Hour))
	occupied := store.Window{Used: 1, Until: s.in(time.Hour)}
	s.peek([]store.Key{key(1), key(1).Slot(1)}, taken, occupied)
	s.change(occupy(2 * time.Hour)) // no slot is free
	s.peek([]store.Key{key(1), key(1).Slot(1)}, taken, occupied)
	if err := s.Change(s.Context(), store.Change{Place: store.Place{Slots: store.MaxSlots + 1}}); err == nil {
		s.Error("Change of too many slots: no error")
	}
}

func severalChanges(s suite) {
	s.take(true, []store.Use{one(1)})
	s.change(
		changeOf(1, store.KindRelease, 0, time.Time{}),
		changeOf(2, store.KindHold, 0, s.in(time.Hour)),
		changeOf(3, store.KindSet, 1, s.in(time.Minute)),
		changeOf(3, store.KindRelease, 0, time.Time{}), // after the one before
		changeOf(2, store.KindRelease, 0, time.Time{}), // held all the same
	)
	s.peek([]store.Key{key(1), key(2), key(3)}, store.Window{}, store.Window{Used: store.Held, Until: s.in(time.Hour)}, store.Window{})
}

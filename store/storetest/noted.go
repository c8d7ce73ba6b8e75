package storetest

import (
	"strings"
	"time"

	"aggregator/store"
)

// noted has windows of every kind with notes, and what becomes of these.
func noted(s suite) {
	want := func(want ...store.Noted) {
		s.Helper()
		got, err := s.Noted(s.Context())
		if err != nil || len(got) != len(want) {
			s.Fatalf("Noted: %v, %v, want %v", got, err, want)
		}
		for i, n := range got {
			if n.Key != want[i].Key || n.Note != want[i].Note || n.Used != want[i].Used || !n.Until.Equal(want[i].Until) {
				s.Errorf("Noted: window %d is %v, want %v", i, n, want[i])
			}
		}
	}
	of := func(n byte, used int64, until time.Time, note string) store.Noted {
		return store.Noted{Key: key(n), Window: store.Window{Used: used, Until: until, Note: note}}
	}
	change := func(n byte, kind store.ChangeKind, w store.Window) {
		s.Helper()
		s.must(s.Change(s.Context(), store.Change{Place: store.Place{Key: key(n)}, Kind: kind, Window: w}))
	}
	want()
	s.take(true, []store.Use{one(1)}) // without a note
	two := one(2)
	two.Note, two.Limit = "a list, and why", 2
	taken := s.in(period)
	s.take(true, []store.Use{two})
	hour, minute := s.in(time.Hour), s.in(time.Minute)
	change(3, store.KindHold, store.Window{Until: hour, Note: "held é"})
	change(4, store.KindSet, store.Window{Used: 1, Until: minute, Note: "set"})
	change(5, store.KindOccupy, store.Window{Used: 1, Until: minute, Note: "occupied"})
	want(of(4, 1, minute, "set"), of(5, 1, minute, "occupied"), of(2, 1, taken, "a list, and why"), of(3, store.Held, hour, "held é"))

	two.Note = "another"
	s.take(true, []store.Use{two})                               // the first use has opened the window
	change(1, store.KindHold, store.Window{Until: hour})         // without a note still
	change(2, store.KindRelease, store.Window{})                 // keeps it
	change(3, store.KindHold, store.Window{Until: minute})       // an earlier hold without a note
	change(4, store.KindSet, store.Window{Used: 1, Until: hour}) // takes it away
	change(5, store.KindSet, store.Window{})
	want(of(2, 1, taken, "a list, and why"), of(3, store.Held, hour, "held é"))
	change(3, store.KindHold, store.Window{Until: minute, Note: "again"})
	want(of(2, 1, taken, "a list, and why"), of(3, store.Held, hour, "again"))
	s.Advance(period)
	want(of(3, store.Held, hour, "again"))

	for _, bad := range []string{strings.Repeat("x", store.MaxNote+1), "two\nlines"} {
		use := one(9)
		use.Note = bad
		if _, _, err := store.Take(s.Context(), s.Windows, use); err == nil {
			s.Errorf("Take with the note %q: no error", bad)
		}
		if err := s.Change(s.Context(), store.Change{Place: store.Place{Key: key(9)}, Window: store.Window{Note: bad}}); err == nil {
			s.Errorf("Change with the note %q: no error", bad)
		}
	}
}

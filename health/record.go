package health

import (
	"cmp"
	"slices"
	"time"

	"aggregator/internal/times"
	"aggregator/store"
)

const (
	// slotsWindow is how far back outages are told, to the minute.
	slotsWindow = 24 * time.Hour
	// hourBars and dayBars are how many hours and days a list has a Bar of, and
	// detailedHours are the last hours, of which there is a whole Tally.
	hourBars      = 7 * 24
	dayBars       = 90
	detailedHours = 24
)

// Bar is what became of calls to a list in an hour or a day.
type Bar struct {
	From   time.Time
	Calls  int64
	Faults int64
}

// Uptime returns which part of the calls met no fault of the list, from 0 to 1. ok
// is false without calls.
func (b Bar) Uptime() (part float64, ok bool) {
	if b.Calls == 0 {
		return 0, false
	}
	return 1 - float64(b.Faults)/float64(b.Calls), true
}

// record is what is known of a list, as the store has it: its operations
// together, in order of time.
type record struct {
	slots  []slot
	detail []store.OutcomePeriod // of the last hours
	hours  []Bar
	days   []Bar
	latest store.Latest
}

// slot is a slot of a record. A Tally of each would be large.
type slot struct {
	from        time.Time
	calls       int64
	kinds       [store.MaxFaultKinds]int32
	first, last time.Time // of its faults
}

// faults returns the sum of the faults of a slot.
func (s *slot) faults() (sum int64) {
	for _, n := range s.kinds {
		sum += int64(n)
	}
	return sum
}

// list returns the record of a list, which is made if there is none. Callers
// hold listsMu.
func (r *Recorder) list(id string) *record {
	rec := r.lists[id]
	if rec == nil {
		rec = new(record)
		r.lists[id] = rec
	}
	return rec
}

// take replaces what is known of the periods that were asked for. Callers hold
// listsMu.
func (r *Recorder) take(all []store.OutcomeSeries, q store.OutcomeQuery) {
	for _, rec := range r.lists {
		rec.forget(q)
	}
	for i := range all {
		s := &all[i]
		rec := r.list(s.List)
		rec.latest.Add(s.Latest)
		for j := range s.Slots {
			rec.addSlot(s.Slots[j].From, &s.Slots[j].Tally)
		}
		for j := range s.Hours {
			rec.addHour(s.Hours[j].From, &s.Hours[j].Tally)
		}
		for j := range s.Days {
			addBar(&rec.days, s.Days[j].From, &s.Days[j].Tally)
		}
	}
	for _, rec := range r.lists {
		rec.trim(q.Until)
	}
}

// forget removes the periods that are asked for.
func (rec *record) forget(q store.OutcomeQuery) {
	rec.slots = slices.DeleteFunc(rec.slots, func(s slot) bool { return !s.from.Before(q.Slots) })
	rec.detail = slices.DeleteFunc(rec.detail, func(p store.OutcomePeriod) bool { return !p.From.Before(q.Hours) })
	rec.hours = slices.DeleteFunc(rec.hours, func(b Bar) bool { return !b.From.Before(q.Hours) })
	rec.days = slices.DeleteFunc(rec.days, func(b Bar) bool { return !b.From.Before(q.Days) })
}

// trim removes what is too old at a time.
func (rec *record) trim(now time.Time) {
	hour, day := store.Hours.Begin(now), store.Days.Begin(now)
	rec.slots = slices.DeleteFunc(rec.slots, func(s slot) bool { return s.from.Before(now.Add(-slotsWindow)) })
	rec.detail = slices.DeleteFunc(rec.detail, func(p store.OutcomePeriod) bool {
		return !p.From.After(hour.Add(-detailedHours * time.Duration(store.Hours)))
	})
	rec.hours = slices.DeleteFunc(rec.hours, func(b Bar) bool { return !b.From.After(hour.Add(-hourBars * time.Duration(store.Hours))) })
	rec.days = slices.DeleteFunc(rec.days, func(b Bar) bool { return !b.From.After(day.Add(-dayBars * time.Duration(store.Days))) })
}

// add adds an entry that the store may not have.
func (rec *record) add(e *store.OutcomeEntry) {
	rec.latest.Add(e.Latest)
	rec.addSlot(e.Slot, &e.Tally)
	rec.addHour(store.Hours.Begin(e.Slot), &e.Tally)
	addBar(&rec.days, store.Days.Begin(e.Slot), &e.Tally)
}

func (rec *record) addSlot(from time.Time, t *store.Tally) {
	s := at(&rec.slots, from, func(s *slot) *time.Time { return &s.from })
	s.calls += t[store.FigureCalls]
	for i, n := range t[store.FigureFaults:store.FigureLatency] {
		s.kinds[i] += int32(min(n, 1<<30))
	}
	if first := t.FirstFault(); s.first.IsZero() || !first.IsZero() && first.Before(s.first) {
		s.first = first
	}
	s.last = times.Later(s.last, t.LastFault())
}

func (rec *record) addHour(from time.Time, t *store.Tally) {
	at(&rec.detail, from, func(p *store.OutcomePeriod) *time.Time { return &p.From }).Tally.Add(t)
	addBar(&rec.hours, from, t)
}

func addBar(bars *[]Bar, from time.Time, t *store.Tally) {
	b := at(bars, from, func(b *Bar) *time.Time { return &b.From })
	b.Calls += t[store.FigureCalls]
	b.Faults += t.Faults()
}

// at returns the one of all that begins at a time, which is made if there is
// none.
func at[T any](all *[]T, from time.Time, begin func(*T) *time.Time) *T {
	i, found := slices.BinarySearchFunc(*all, from, func(one T, from time.Time) int { return begin(&one).Compare(from) })
	if !found {
		var one T
		*begin(&one) = from
		*all = slices.Insert(*all, i, one)
	}
	return &(*all)[i]
}

// with returns a copy of the record with entries added.
func (rec *record) with(entries []store.OutcomeEntry) *record {
	if len(entries) == 0 {
		return rec
	}
	sum := &record{slices.Clone(rec.slots), slices.Clone(rec.detail), slices.Clone(rec.hours), slices.Clone(rec.days), rec.latest}
	for i := range entries {
		sum.add(&entries[i])
	}
	return sum
}

// kindCount is how many faults were of a kind.
type kindCount struct {
	kind faultKind
	n    int64
}

// byNumber returns the kinds of which there were faults, those of most faults
// first.
func byNumber(faults []int64) (counts []kindCount) {
	for kind, n := range faults {
		if n > 0 {
			counts = append(counts, kindCount{faultKind(kind), n})
		}
	}
	slices.SortStableFunc(counts, func(a, b kindCount) int { return cmp.Compare(b.n, a.n) })
	return counts
}

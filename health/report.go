package health

import (
	"time"

	"aggregator/internal/times"
	"aggregator/store"
)

// Circuit states of a list.
const (
	CircuitClosed   = "closed"
	CircuitOpen     = "open"
	CircuitHalfOpen = "half-open"
)

// List is how a list is, by the calls that were made to it.
type List struct {
	ID   string
	AsOf time.Time // when it is true

	// Of the last 24 hours, this one among them.
	Calls, Answers, Successes int64
	Probes                    int64 // calls that the service made by itself
	Faults                    []FaultCount
	P50, P95                  time.Duration // how long answers took; 0 without any

	Day, Week, Quarter Bar   // of 24 hours, 7 days and 90 days
	Hours              []Bar // 24, the oldest first
	Days               []Bar // 90, the oldest first

	LastCall    time.Time // zero for never
	LastSuccess time.Time // zero for never
	LastFailure Failure   // the zero Failure for never
	Circuit     string
	Outages     []Outage // of the last 24 hours, the oldest first
}

// FaultCount is how many calls met a kind of fault.
type FaultCount struct {
	Kind string
	N    int64
}

// Failure is how a call failed. The zero Failure is none.
type Failure struct {
	At     time.Time
	Kind   string
	Status int    // of the list's answer; 0 if there was none
	Detail string // why there was none, in words
}

// Outage is a time in which most calls to a list failed.
type Outage struct {
	From   time.Time // of the first fault
	To     time.Time // of the last fault; zero while it lasts
	Calls  int64
	Faults int64
	Kind   string // of most of the faults
	N      int64  // how many were of that kind

	kind faultKind
}

// Lists returns how lists are, in the order asked.
func (r *Recorder) Lists(ids ...string) []List {
	circuits := r.circuits()
	r.listsMu.Lock()
	defer r.listsMu.Unlock()
	now, unwritten := r.Now(), r.unwritten()
	all := make([]List, len(ids))
	for i, id := range ids {
		rec := r.lists[id]
		if rec == nil {
			rec = new(record)
		}
		all[i] = rec.with(unwritten[id]).report(id, now)
		if state, ok := circuits[id]; ok {
			all[i].Circuit = state
		}
	}
	return all
}

// List returns how a list is.
func (r *Recorder) List(id string) List { return r.Lists(id)[0] }

// circuits returns the state of the circuit of each list for which one is not
// closed: open if any is.
func (r *Recorder) circuits() map[string]string {
	states := map[string]string{}
	if r.Circuits == nil {
		return states
	}
	for _, c := range r.Circuits() {
		if c.Open {
			states[c.List] = CircuitOpen
		} else if states[c.List] == "" {
			states[c.List] = CircuitHalfOpen
		}
	}
	return states
}

// report makes a List of a record.
func (rec *record) report(id string, now time.Time) List {
	l := List{
		ID: id, AsOf: now.UTC(), Circuit: CircuitClosed,
		LastCall: rec.latest.Call, LastSuccess: rec.latest.Success,
		Hours: bars(rec.hours, store.Hours, detailedHours, now), Days: bars(rec.days, store.Days, dayBars, now),
	}
	if f := rec.latest.Failure; !f.At.IsZero() {
		l.LastFailure = Failure{f.At, faultKind(f.Kind).String(), f.Status, f.Detail}
	}
	l.Day, l.Quarter = sum(l.Hours), sum(l.Days)
	l.Week = sum(bars(rec.hours, store.Hours, hourBars, now))
	var tally store.Tally
	for _, p := range rec.detail {
		if !p.From.Before(l.Day.From) && !p.From.After(now) {
			tally.Add(&p.Tally)
		}
	}
	l.Calls, l.Answers, l.Successes = tally[store.FigureCalls], tally[store.FigureAnswers], tally[store.FigureSuccesses]
	l.Probes = tally[store.FigureProbes]
	for _, c := range byNumber(tally[store.FigureFaults:store.FigureLatency]) {
		l.Faults = append(l.Faults, FaultCount{c.kind.String(), c.n})
	}
	l.P50, l.P95 = percentile(&tally, .5), percentile(&tally, .95)
	l.Outages = rec.outages(now)
	return l
}

// bars returns the last n bars at a time, those without calls too.
func bars(known []Bar, p store.Period, n int, now time.Time) []Bar {
	all := make([]Bar, n)
	last := p.Begin(now)
	for i := range all {
		all[i].From = last.Add(-time.Duration(n-1-i) * time.Duration(p))
	}
	for _, b := range known {
		if i := int(b.From.Sub(all[0].From) / time.Duration(p)); i >= 0 && i < n && all[i].From.Equal(b.From) {
			all[i] = b
		}
	}
	return all
}

// sum adds bars up, of which there is one at least.
func sum(bars []Bar) Bar {
	all := Bar{From: bars[0].From}
	for _, b := range bars {
		all.Calls += b.Calls
		all.Faults += b.Faults
	}
	return all
}

// percentile returns how long a part of the answers took at most, as well as the
// histogram tells; 0 without answers.
func percentile(t *store.Tally, part float64) time.Duration {
	histogram := t.Latencies()
	all := int64(0)
	for _, n := range histogram {
		all += n
	}
	if all == 0 {
		return 0
	}
	rank, below, lower := part*float64(all), 0.0, time.Duration(0)
	for i, upper := range store.LatencyBounds {
		n := float64(histogram[i])
		if n > 0 && below+n >= rank {
			return lower + time.Duration((rank-below)/n*float64(upper-lower))
		}
		below, lower = below+n, upper
	}
	return lower // it took longer; how much, nobody counted
}

const (
	// outageFaults is how many faults make an outage at the least.
	outageFaults = 3
	// outageGap is how long there may be no calls within an outage.
	outageGap = time.Hour
)

// isDown reports whether at least half of the calls of a slot failed.
func (s *slot) isDown() bool {
	faults := s.faults()
	return faults > 0 && faults*2 >= s.calls
}

// outages returns the times in which at least half of the calls failed.
func (rec *record) outages(now time.Time) (all []Outage) {
	var current Outage // without faults there is none
	var kinds [store.MaxFaultKinds]int64
	end := func() {
		if current.Faults >= outageFaults {
			current.kind, current.N = mainKind(kinds)
			current.Kind = current.kind.String()
			all = append(all, current)
		}
		current, kinds = Outage{}, [store.MaxFaultKinds]int64{}
	}
	for i := range rec.slots {
		s := &rec.slots[i]
		if s.calls == 0 || s.from.Before(now.Add(-slotsWindow)) || s.from.After(now) {
			continue
		}
		if !s.isDown() || s.from.Sub(current.To) > outageGap {
			end()
		}
		if s.isDown() {
			current.add(s)
			for kind, n := range s.kinds {
				kinds[kind] += int64(n)
			}
		}
	}
	lasts := current.Faults >= outageFaults && !rec.latest.Success.After(current.To) && now.Sub(current.To) <= outageGap
	if end(); lasts {
		all[len(all)-1].To = time.Time{}
	}
	return all
}

// add adds a slot to an outage.
func (o *Outage) add(s *slot) {
	if o.Faults == 0 {
		o.From = s.first
	}
	o.To = times.Later(o.To, s.last)
	o.Calls += s.calls
	o.Faults += s.faults()
}

// mainKind returns the kind of most faults. Calls that were not sent are of the
// kind of those that were, if there are any: that is why they were not.
func mainKind(kinds [store.MaxFaultKinds]int64) (kind faultKind, n int64) {
	held := kinds[faultCircuit]
	kinds[faultCircuit] = 0
	ordered := byNumber(kinds[:])
	if len(ordered) == 0 {
		return faultCircuit, held
	}
	return ordered[0].kind, ordered[0].n + held
}

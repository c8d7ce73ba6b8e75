package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"aggregator/internal/times"
)

// Period is a length of time for which outcomes are added up.
type Period time.Duration

// The periods. Each begins at a whole multiple of its length since 1970, UTC.
const (
	Slots Period = Period(5 * time.Minute) // so that what was down can be told to the minute
	Hours Period = Period(time.Hour)
	Days  Period = Period(24 * time.Hour)
)

// Periods returns all periods, the shortest first.
func Periods() []Period { return []Period{Slots, Hours, Days} }

// Kept returns how long what was added up for a period is kept.
func (p Period) Kept() time.Duration {
	switch p {
	case Slots:
		return 48 * time.Hour
	case Hours:
		return 14 * 24 * time.Hour
	}
	return 400 * 24 * time.Hour
}

// Begin returns the begin of the period that t is in.
func (p Period) Begin(t time.Time) time.Time {
	ms := t.UnixMilli()
	return time.UnixMilli(ms - ms%time.Duration(p).Milliseconds()).UTC()
}

// Figure numbers a figure of a Tally. Stores keep the numbers, so each keeps its
// meaning for good.
type Figure int

// The figures of a Tally. All but the last two add up.
const (
	FigureCalls Figure = iota
	FigureAnswers
	FigureSuccesses
	FigureProbes                                    // calls that the service made for no caller
	FigureFaults                                    // MaxFaultKinds figures, by a number of the caller's choice
	FigureLatency    = FigureFaults + MaxFaultKinds // one for each of LatencyBounds, and one for what took longer
	FigureFirstFault = FigureLatency + latencies    // when the first fault was, see Tally.Fault; of Slots alone
	figureLastFault  = FigureFirstFault + 1         // when the last fault was; of Slots alone
	figures          = figureLastFault + 1
	latencies        = Figure(len(LatencyBounds) + 1)
)

// firstFaultFrom is the time, in Unix milliseconds, before which FigureFirstFault
// is: some time in 2109. So the greater of two is the earlier fault, and figures
// are never negative.
const firstFaultFrom = int64(1) << 42

// MaxFaultKinds bounds the kinds of faults.
const MaxFaultKinds = 16

// LatencyBounds are the upper bounds of the buckets of the latency histogram.
var LatencyBounds = [...]time.Duration{
	25 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, 150 * time.Millisecond, 200 * time.Millisecond,
	300 * time.Millisecond, 400 * time.Millisecond, 600 * time.Millisecond, 800 * time.Millisecond, time.Second,
	1500 * time.Millisecond, 2 * time.Second, 3 * time.Second, 5 * time.Second, 10 * time.Second,
}

// Tally is what became of the calls of a period.
type Tally [figures]int64

// Took counts an answer that took d in the latency histogram.
func (t *Tally) Took(d time.Duration) {
	bucket := Figure(0)
	for bucket < Figure(len(LatencyBounds)) && d > LatencyBounds[bucket] {
		bucket++
	}
	t[FigureLatency+bucket]++
}

// Fault counts a fault of a kind, which is less than MaxFaultKinds, at a time.
func (t *Tally) Fault(kind int, at time.Time) {
	t[FigureFaults+Figure(kind)]++
	ms := at.UnixMilli()
	t[FigureFirstFault] = max(t[FigureFirstFault], firstFaultFrom-ms)
	t[figureLastFault] = max(t[figureLastFault], ms)
}

// FirstFault returns when the first fault was; the zero time if there was none.
func (t *Tally) FirstFault() time.Time {
	if t[FigureFirstFault] == 0 {
		return time.Time{}
	}
	return time.UnixMilli(firstFaultFrom - t[FigureFirstFault]).UTC()
}

// LastFault returns when the last fault was; the zero time if there was none.
func (t *Tally) LastFault() time.Time {
	if t[figureLastFault] == 0 {
		return time.Time{}
	}
	return time.UnixMilli(t[figureLastFault]).UTC()
}

// Faults returns the sum of the faults of all kinds.
func (t *Tally) Faults() (sum int64) {
	for _, n := range t[FigureFaults:FigureLatency] {
		sum += n
	}
	return sum
}

// Latencies returns the latency histogram: a figure for each of LatencyBounds, and
// one for what took longer.
func (t *Tally) Latencies() []int64 { return t[FigureLatency:FigureFirstFault] }

// Add adds what became of other calls.
func (t *Tally) Add(other *Tally) {
	for i := range FigureFirstFault {
		t[i] += other[i]
	}
	t[FigureFirstFault] = max(t[FigureFirstFault], other[FigureFirstFault])
	t[figureLastFault] = max(t[figureLastFault], other[figureLastFault])
}

// of returns the tally as it is kept for a period.
func (t Tally) of(p Period) Tally {
	if p != Slots {
		t[FigureFirstFault], t[figureLastFault] = 0, 0
	}
	return t
}

// AppendTo appends the figures that are not 0, as "number:figure" with blanks
// between them: most are 0.
func (t *Tally) AppendTo(b []byte) []byte {
	for i, n := range t {
		if n == 0 {
			continue
		}
		if len(b) > 0 {
			b = append(b, ' ')
		}
		b = append(strconv.AppendInt(b, int64(i), 10), ':')
		b = strconv.AppendInt(b, n, 10)
	}
	return b
}

// String returns the figures as AppendTo writes them.
func (t Tally) String() string { return string(t.AppendTo(make([]byte, 0, 96))) }

// ParseTally parses what AppendTo wrote. A figure that is not known, which a
// newer program may have written, is left out. ok is false for anything else.
func ParseTally(text string) (t Tally, ok bool) {
	for pair := range strings.SplitSeq(text, " ") {
		number, figure, _ := strings.Cut(pair, ":")
		i, err := strconv.Atoi(number)
		if err != nil || i < 0 {
			return Tally{}, false
		}
		n, err := strconv.ParseInt(figure, 10, 64)
		if err != nil || n < 0 {
			return Tally{}, false
		}
		if i < len(t) {
			t[i] = n
		}
	}
	return t, true
}

// OutcomeID names what outcomes are added up for: calls of one operation to one
// list.
type OutcomeID struct{ List, Op string }

// Check returns an error for an id that no store takes.
func (id OutcomeID) Check() error {
	if !isWord(id.List) || !isWord(id.Op) {
		return fmt.Errorf("store: outcomes of %q, %q", id.List, id.Op)
	}
	return nil
}

// Failure is how a call failed. The zero Failure is none.
type Failure struct {
	At     time.Time
	Kind   int    // of the fault, as for FigureFaults
	Status int    // of the list's answer; 0 if there was none
	Detail string // why there was none, in words; "" if there was one
}

// MaxDetail bounds the detail of a Failure, in bytes.
const MaxDetail = 200

// Latest is when what last became of calls.
type Latest struct {
	Call    time.Time // zero for never
	Success time.Time // zero for never
	Failure Failure
}

// Add adds what last became of other calls.
func (l *Latest) Add(other Latest) {
	l.Call, l.Success = times.Later(l.Call, other.Call), times.Later(l.Success, other.Success)
	if other.Failure.At.After(l.Failure.At) {
		l.Failure = other.Failure
	}
}

// OutcomeEntry is what became of calls in one slot.
type OutcomeEntry struct {
	OutcomeID
	Slot time.Time // its begin
	Tally
	Latest
}

// OutcomeBatch is what became of calls in a while.
type OutcomeBatch struct {
	ID      Key // of this batch alone, see [NewHolder]
	Entries []OutcomeEntry
}

const (
	// MaxEntries bounds the entries of a batch.
	MaxEntries = 4_096
	// MaxSeries bounds the ids for which outcomes are kept. A text of each of their
	// rows takes some 100 bytes, and there are at most 1,312 rows.
	MaxSeries = 512
	// batchesKnown is for how many batches after it one is known.
	batchesKnown = 64
)

// Check returns an error for a batch that no store takes.
func (b OutcomeBatch) Check() error {
	if b.ID == (Key{}) || len(b.Entries) > MaxEntries {
		return fmt.Errorf("store: batch %x of %d outcomes, want at most %d", b.ID, len(b.Entries), MaxEntries)
	}
	for _, e := range b.Entries {
		if err := e.OutcomeID.Check(); err != nil {
			return err
		}
		if e.Slot.Unix() <= 0 || !Slots.Begin(e.Slot).Equal(e.Slot) {
			return fmt.Errorf("store: outcomes of a slot that begins at %s", e.Slot)
		}
		for i, n := range e.Tally {
			if n < 0 {
				return fmt.Errorf("store: figure %d is %d", i, n)
			}
		}
		if f := e.Failure; f.Kind < 0 || f.Kind >= MaxFaultKinds || f.Status < 0 || len(f.Detail) > MaxDetail || strings.ContainsFunc(f.Detail, unicode.IsControl) {
			return fmt.Errorf("store: failure of kind %d, status %d, %q", f.Kind, f.Status, f.Detail)
		}
	}
	return nil
}

// OutcomeQuery asks for the periods that begin at these times or later. There is
// nothing of a kind whose time is zero.
type OutcomeQuery struct {
	Slots, Hours, Days time.Time
	Until              time.Time // no period begins later
}

// Since returns from which begin on periods of a kind are asked for.
func (q OutcomeQuery) Since(p Period) time.Time {
	switch p {
	case Slots:
		return q.Slots
	case Hours:
		return q.Hours
	}
	return q.Days
}

// Earliest returns the earliest begin of periods of a kind that are asked for and
// kept; the zero time if none are.
func (q OutcomeQuery) Earliest(p Period) time.Time {
	since := q.Since(p)
	if since.IsZero() {
		return since
	}
	since = times.Later(since, q.Until.Add(time.Millisecond-p.Kept()))
	if begin := p.Begin(since); begin.Before(since) {
		return begin.Add(time.Duration(p))
	}
	return p.Begin(since)
}

// OutcomePeriod is what became of the calls of one period.
type OutcomePeriod struct {
	From time.Time
	Tally
}

// OutcomeSeries is what became of calls. Periods without calls are left out; the
// others are in order of time.
type OutcomeSeries struct {
	OutcomeID
	Slots, Hours, Days []OutcomePeriod
	Latest
}

// Of returns the periods of a kind.
func (s *OutcomeSeries) Of(p Period) *[]OutcomePeriod {
	switch p {
	case Slots:
		return &s.Slots
	case Hours:
		return &s.Hours
	}
	return &s.Days
}

// Outcomes adds up what became of calls, by list, operation and time. Any number
// of replicas may share them. It is safe for concurrent use. Times are by the
// wall clock of whoever adds. A context that has ended before the call is its
// error, and nothing changes. While the store is away, every call returns
// ErrAway. What is older than its period is kept for is forgotten, and beyond
// MaxSeries what was added to longest ago.
type Outcomes interface {
	// Add adds a batch, in one step. One that is among the last few that were
	// added is not added again: a caller that does not know whether a batch was
	// added may try again.
	Add(ctx context.Context, b OutcomeBatch) error

	// Load returns what was added up, ordered by list and operation.
	Load(ctx context.Context, q OutcomeQuery) ([]OutcomeSeries, error)
}

// SortSeries orders series as Load does.
func SortSeries(all []OutcomeSeries) []OutcomeSeries {
	slices.SortFunc(all, func(a, b OutcomeSeries) int { return cmp.Or(cmp.Compare(a.List, b.List), cmp.Compare(a.Op, b.Op)) })
	return all
}

package store

import (
	"cmp"
	"container/list"
	"context"
	"slices"
	"time"
)

// OutcomeRowID names a row of outcomes.
type OutcomeRowID struct {
	OutcomeID
	Period Period
	From   int64 // in Unix seconds
}

// OutcomeRows hears, under the lock, of each row that changes. A nil function is
// for nobody.
type OutcomeRows struct {
	Row    func(id OutcomeRowID, tally string) // "" if it is gone
	Latest func(OutcomeID, Latest)
	Gone   func(OutcomeID) // all rows of one
}

// MemoryOutcomes is Outcomes in memory. Stores that keep rows elsewhere too
// decide on one of these.
type MemoryOutcomes struct {
	rows OutcomeRows

	guard
	series map[OutcomeID]*outcomeSeries
	used   list.List // of *outcomeSeries, the one added to longest ago first
	known  []Key     // batches, the oldest first
}

var _ Outcomes = (*MemoryOutcomes)(nil)

// outcomeSeries is what is kept for an id. A tally is kept as a text: most of its
// figures are 0.
type outcomeSeries struct {
	OutcomeID
	Latest
	periods map[Period][]outcomeRow // in order of time
	element *list.Element
}

type outcomeRow struct {
	from  int64
	tally string
}

// NewMemoryOutcomes returns MemoryOutcomes without any.
func NewMemoryOutcomes(rows OutcomeRows) *MemoryOutcomes {
	if rows.Row == nil {
		rows = OutcomeRows{func(OutcomeRowID, string) {}, func(OutcomeID, Latest) {}, func(OutcomeID) {}}
	}
	return &MemoryOutcomes{rows: rows, series: make(map[OutcomeID]*outcomeSeries)}
}

// Add implements [Outcomes].
func (m *MemoryOutcomes) Add(ctx context.Context, b OutcomeBatch) error {
	if err := b.Check(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.usable(ctx); err != nil {
		return err
	}
	if slices.Contains(m.known, b.ID) {
		return nil
	}
	m.known = append(m.known[max(0, len(m.known)-batchesKnown+1):], b.ID)
	for i := range b.Entries {
		m.add(&b.Entries[i])
	}
	for len(m.series) > MaxSeries {
		m.forget(m.used.Front().Value.(*outcomeSeries))
	}
	return nil
}

func (m *MemoryOutcomes) add(e *OutcomeEntry) {
	s := m.of(e.OutcomeID)
	m.used.MoveToBack(s.element)
	for _, p := range Periods() {
		row := s.row(p, p.Begin(e.Slot).Unix())
		tally, _ := ParseTally(row.tally)
		kept := e.of(p)
		tally.Add(&kept)
		row.tally = tally.String()
		m.rows.Row(OutcomeRowID{e.OutcomeID, p, row.from}, row.tally)
		m.expire(s, p, e.Slot)
	}
	s.Latest.Add(e.Latest)
	m.rows.Latest(e.OutcomeID, s.Latest)
}

// of returns the series of an id, which is made if there is none.
func (m *MemoryOutcomes) of(id OutcomeID) *outcomeSeries {
	s := m.series[id]
	if s == nil {
		s = &outcomeSeries{OutcomeID: id, periods: make(map[Period][]outcomeRow)}
		m.series[id] = s
		s.element = m.used.PushBack(s)
	}
	return s
}

// row returns the row of a period, which is made if there is none.
func (s *outcomeSeries) row(p Period, from int64) *outcomeRow {
	rows := s.periods[p]
	i, found := slices.BinarySearchFunc(rows, from, func(r outcomeRow, from int64) int { return cmp.Compare(r.from, from) })
	if !found {
		rows = slices.Insert(rows, i, outcomeRow{from: from})
		s.periods[p] = rows
	}
	return &rows[i]
}

// expire forgets rows that are too old at a time.
func (m *MemoryOutcomes) expire(s *outcomeSeries, p Period, now time.Time) {
	rows, oldest, n := s.periods[p], now.Add(-p.Kept()).Unix(), 0
	for n < len(rows) && rows[n].from <= oldest {
		m.rows.Row(OutcomeRowID{s.OutcomeID, p, rows[n].from}, "")
		n++
	}
	if n > 0 {
		s.periods[p] = slices.Delete(rows, 0, n)
	}
}

func (m *MemoryOutcomes) forget(s *outcomeSeries) {
	m.used.Remove(s.element)
	delete(m.series, s.OutcomeID)
	m.rows.Gone(s.OutcomeID)
}

// Load implements [Outcomes].
func (m *MemoryOutcomes) Load(ctx context.Context, q OutcomeQuery) ([]OutcomeSeries, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.usable(ctx); err != nil {
		return nil, err
	}
	all := make([]OutcomeSeries, 0, len(m.series))
	for _, s := range m.series {
		found := OutcomeSeries{OutcomeID: s.OutcomeID, Latest: s.Latest}
		for _, p := range Periods() {
			*found.Of(p) = s.since(p, q)
		}
		all = append(all, found)
	}
	return SortSeries(all), nil
}

func (s *outcomeSeries) since(p Period, q OutcomeQuery) (found []OutcomePeriod) {
	earliest := q.Earliest(p)
	if earliest.IsZero() {
		return nil
	}
	for _, row := range s.periods[p] {
		from := time.Unix(row.from, 0).UTC()
		if from.Before(earliest) || from.After(q.Until) {
			continue
		}
		tally, _ := ParseTally(row.tally)
		found = append(found, OutcomePeriod{from, tally})
	}
	return found
}

// Put puts a row back as it was kept. What cannot be read is left out.
func (m *MemoryOutcomes) Put(id OutcomeRowID, tally string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := ParseTally(tally); ok {
		m.of(id.OutcomeID).row(id.Period, id.From).tally = tally
	}
}

// PutLatest puts back what last became of calls.
func (m *MemoryOutcomes) PutLatest(id OutcomeID, l Latest) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.of(id).Latest = l
}

// Each calls row and latest with all that is kept, under the lock.
func (m *MemoryOutcomes) Each(row func(OutcomeRowID, string), latest func(OutcomeID, Latest)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, s := range m.series {
		latest(id, s.Latest)
		for p, rows := range s.periods {
			for _, r := range rows {
				row(OutcomeRowID{id, p, r.from}, r.tally)
			}
		}
	}
}

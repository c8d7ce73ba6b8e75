// Package health records what became of calls to lists, and says how lists are.
//
// Outcomes are counted in memory and written to the store in batches: no request
// waits for that, and a process that is killed loses the last batch alone. What
// replicas share is read back with each batch. All else is made of these figures
// when it is asked for, words last.
package health

import (
	"context"
	"errors"
	"hash/maphash"
	"log/slog"
	"strings"
	"sync"
	"time"
	"unicode"

	"aggregator/aggregate"
	"aggregator/internal/times"
	"aggregator/store"
)

const (
	// writeEvery is how often a batch is written.
	writeEvery = 5 * time.Second
	// writeTimeout is how long one write may take. What was not written is tried
	// again with the next.
	writeTimeout = 4 * time.Second
	// lastTimeout is how long the last write may take: the process is to end.
	lastTimeout = 900 * time.Millisecond
	// readAllEvery is how often all is read from the store, and recent is how far back is
	// read otherwise: what a replica adds late is seen by then.
	readAllEvery = time.Hour
	recent       = time.Hour
)

// Config is what a Recorder works with.
type Config struct {
	Store    store.Outcomes
	History  store.History                   // how many servers bots are on; nil: that is not kept
	Hash     func(parts ...string) store.Key // makes the keys of History
	Circuits func() []Circuit                // those that are not closed; nil: there are none
	Now      func() time.Time                // time.Now when nil
	Log      *slog.Logger                    // nil is silent
}

// Circuit is the circuit of one operation of a list that is not closed.
type Circuit struct {
	List string
	Open bool // else it is half open
}

// Recorder records outcomes, and says how lists are. It is safe for concurrent
// use.
type Recorder struct {
	Config

	counts  counts
	writing sync.Mutex // held by the one that writes
	readAll time.Time  // when all was read last

	listsMu sync.Mutex         // locked before mu
	lists   map[string]*record // as last read, and with what was written since
	asOf    time.Time          // when they were read

	mu      sync.Mutex                       // never held for long: requests wait for it
	pending map[entryKey]*store.OutcomeEntry // not in a batch yet
	batch   store.OutcomeBatch               // being written, or to be tried again; without an ID there is none
	dropped int64                            // outcomes that were lost, since the start
}

// entryKey names an entry that is counted.
type entryKey struct {
	store.OutcomeID
	slot int64 // in Unix seconds
}

// New returns a Recorder. Nothing is written or read before it runs.
func New(c Config) *Recorder {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	r := &Recorder{
		Config: c, pending: map[entryKey]*store.OutcomeEntry{}, lists: map[string]*record{},
		counts: counts{seed: maphash.MakeSeed(), pending: map[string]pendingCount{}},
	}
	r.counts.begin(time.Time{})
	return r
}

// Observe records an outcome. It waits for nothing.
func (r *Recorder) Observe(_ context.Context, o aggregate.Outcome) {
	kind, tells := weigh(o)
	if !tells {
		return
	}
	now := r.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.entry(store.OutcomeID{List: o.List, Op: o.Op.Direction}, now)
	if e == nil {
		r.dropped++
		return
	}
	e.Tally[store.FigureCalls]++
	e.Call = now
	if o.Probe {
		e.Tally[store.FigureProbes]++
	}
	if o.Status > 0 {
		e.Tally[store.FigureAnswers]++
		e.Took(o.Took)
	}
	if o.OK {
		e.Tally[store.FigureSuccesses]++
		e.Success = now
	}
	if kind == noFault {
		return
	}
	e.Fault(int(kind), now)
	if kind != faultCircuit { // the list was not asked
		e.Failure = store.Failure{At: now, Kind: int(kind), Status: max(0, o.Status), Detail: detail(o.Reason)}
	}
}

// detail returns a reason as stores take it: a line that is not too long.
func detail(reason string) string {
	reason = strings.Map(func(c rune) rune {
		if unicode.IsControl(c) {
			return ' '
		}
		return c
	}, reason)
	return strings.ToValidUTF8(reason[:min(len(reason), store.MaxDetail)], "")
}

// entry returns the entry of an id that is counted at a time; nil where there are
// too many, or where no store takes the id. Callers hold the mutex.
func (r *Recorder) entry(id store.OutcomeID, now time.Time) *store.OutcomeEntry {
	slot := now.Unix()
	slot -= slot % int64(time.Duration(store.Slots)/time.Second)
	key := entryKey{id, slot}
	e := r.pending[key]
	if e == nil && len(r.pending) < store.MaxEntries && id.Check() == nil {
		e = &store.OutcomeEntry{OutcomeID: id, Slot: time.Unix(slot, 0).UTC()}
		r.pending[key] = e
	}
	return e
}

// Run writes batches until ctx ends, and then the last.
func (r *Recorder) Run(ctx context.Context) {
	r.Write(ctx)
	ticks := time.NewTicker(writeEvery)
	defer ticks.Stop()
	for {
		select {
		case <-ticks.C:
			r.Write(ctx)
		case <-ctx.Done():
			r.writeLast(context.WithoutCancel(ctx))
			return
		}
	}
}

// Write writes what is pending, and reads what others have written. What cannot
// be written is kept, in bounds, and tried again the next time; the store says what ails it.
func (r *Recorder) Write(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	r.writing.Lock()
	defer r.writing.Unlock()
	err := r.write(ctx)
	if err == nil {
		err = r.read(ctx)
	}
	err = errors.Join(err, r.writeCounts(ctx))
	if err != nil && !errors.Is(err, store.ErrAway) && !errors.Is(err, context.Canceled) {
		r.Log.Debug("outcomes are not written yet", "error", err)
	}
}

// writeLast writes what is pending, for the last time.
func (r *Recorder) writeLast(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, lastTimeout)
	defer cancel()
	r.writing.Lock()
	defer r.writing.Unlock()
	if err := errors.Join(r.write(ctx), r.writeCounts(ctx)); err != nil {
		r.Log.Warn("the last outcomes of calls are not written", "error", err)
	}
}

// write adds what is pending to the store, after what could not be added before.
func (r *Recorder) write(ctx context.Context) error {
	for {
		batch := r.nextBatch()
		if batch.ID == (store.Key{}) {
			return nil
		}
		if err := r.Store.Add(ctx, batch); err != nil {
			return err
		}
		r.written(batch)
	}
}

// written notes that the store has a batch.
func (r *Recorder) written(batch store.OutcomeBatch) {
	r.listsMu.Lock()
	defer r.listsMu.Unlock()
	for i := range batch.Entries { // until they are read
		e := &batch.Entries[i]
		r.list(e.List).add(e)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.batch = store.OutcomeBatch{}
}

// nextBatch returns the batch to be added next, one without an ID if there is
// none. Until it is added it stays the same.
func (r *Recorder) nextBatch() store.OutcomeBatch {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.batch.ID == (store.Key{}) && len(r.pending) > 0 {
		r.batch = store.OutcomeBatch{ID: store.NewHolder(), Entries: make([]store.OutcomeEntry, 0, len(r.pending))}
		for _, e := range r.pending {
			r.batch.Entries = append(r.batch.Entries, *e)
		}
		clear(r.pending)
	}
	return r.batch
}

// read reads what the store has: all of it now and then, else what is recent.
func (r *Recorder) read(ctx context.Context) error {
	now := r.Now()
	since, whole := now.Add(-recent), false
	if age := now.Sub(r.readAll); age >= readAllEvery || age < 0 {
		since, whole = now.Add(-dayBars*time.Duration(store.Days)), true
	}
	q := store.OutcomeQuery{
		Slots: store.Slots.Begin(times.Later(since, now.Add(-slotsWindow))),
		Hours: store.Hours.Begin(times.Later(since, now.Add(-hourBars*time.Duration(store.Hours)))),
		Days:  store.Days.Begin(since.Add(-time.Duration(store.Days))),
		Until: now,
	}
	all, err := r.Store.Load(ctx, q)
	if err != nil {
		return err
	}
	r.listsMu.Lock()
	defer r.listsMu.Unlock()
	if whole {
		r.readAll = now
		clear(r.lists)
	}
	r.take(all, q)
	r.asOf = now
	return nil
}

// Recording is how far recording is.
type Recording struct {
	AsOf    time.Time // when what the store has was read last; zero for never
	Pending int       // entries that are not written yet
	Dropped int64     // outcomes that were lost since the start: the store was away for too long
}

// Recording returns how far recording is.
func (r *Recorder) Recording() Recording {
	r.listsMu.Lock()
	defer r.listsMu.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	return Recording{r.asOf, len(r.pending) + len(r.batch.Entries), r.dropped}
}

// unwritten returns the entries that the store does not have yet, by list.
func (r *Recorder) unwritten() map[string][]store.OutcomeEntry {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := map[string][]store.OutcomeEntry{}
	for _, e := range r.pending {
		all[e.List] = append(all[e.List], *e)
	}
	for _, e := range r.batch.Entries {
		all[e.List] = append(all[e.List], e)
	}
	return all
}

package aggregate

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"aggregator/shares"
)

const (
	// readingFresh is how long the answer of a reading is shared, and
	// failedReadingFresh one in which a list gave no answer.
	readingFresh       = 30 * time.Second
	failedReadingFresh = 5 * time.Second
	// maxReadings and maxReadingBytes bound the answers kept.
	maxReadings     = 1024
	maxReadingBytes = 16 << 20
)

// flightKey names what is asked: of another catalog it would be another.
type flightKey struct {
	generation uint64
	bot        string
}

// flights shares runs of calls among those who ask the same: one flight at a
// time for a key, and its answer for a while.
type flights[A any] struct {
	now   func() time.Time      // time.Now when nil
	size  func(A) int           // about how many bytes an answer holds
	fresh func(A) time.Duration // how long an answer is shared

	underWay sync.WaitGroup // flights in a goroutine of their own

	mu    sync.Mutex
	byKey map[flightKey]*flight[A] // not landed
	kept  map[flightKey]*flight[A] // landed, and most of them fresh
	order []*flight[A]             // kept, the oldest first
	bytes int                      // of kept
}

// flight is one run of calls, on its way or landed, for one request or for all
// that share it.
type flight[A any] struct {
	asked // the calls to make, and what is known before
	room  Room

	of     *flights[A] // nil: it is one request's own
	key    flightKey
	memory *shares.Grant // of an answer that is kept

	// Of a shared flight, under the mutex of flights.
	waiters int
	begun   bool
	cancel  context.CancelFunc

	done   chan struct{} // closed when it has landed; nil for one that nobody but its own request can hear of
	toAsk  []string      // of a shared flight: the lists of its plan, before it began
	toSkip []Skipped     // and those that are not asked
	news   arrivals      // what has come, where there is done
	answer A
	some   bool // a list was asked
	err    error
	at     time.Time // when a shared flight landed
}

// newFlight returns the flight of one request alone.
func newFlight[A any](d asked, room Room) *flight[A] { return &flight[A]{asked: d, room: room} }

func (s *flights[A]) clock() time.Time {
	if s.now != nil {
		return s.now()
	}
	return time.Now()
}

// join returns the flight of a key that is on its way, or has landed and is
// still fresh; nil if there is none. Whoever joins must leave. The request of the
// context holds the answer's memory until its own end.
func (s *flights[A]) join(ctx context.Context, key flightKey) *flight[A] {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.find(ctx, key)
}

func (s *flights[A]) find(ctx context.Context, key flightKey) *flight[A] {
	now := s.clock()
	s.evict(now)
	if f := s.kept[key]; f != nil {
		if f.isFresh(now) {
			keep(ctx, f.memory)
			return f
		}
		s.drop(f)
	}
	f := s.byKey[key]
	if f != nil {
		f.waiters++
		keep(ctx, f.room.Memory())
	}
	return f
}

// board makes a flight the one of its key, or joins the one that was faster.
func (s *flights[A]) board(ctx context.Context, key flightKey, own *flight[A]) *flight[A] {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.find(ctx, key); f != nil {
		own.room.Leave()
		return f
	}
	keep(ctx, own.room.Memory())
	own.of, own.key, own.waiters, own.done = s, key, 1, make(chan struct{})
	own.toAsk, own.toSkip = listsOf(own.plan), slices.Clone(own.skipped) // the run changes what it is given
	if s.byKey == nil {
		s.byKey, s.kept = map[flightKey]*flight[A]{}, map[flightKey]*flight[A]{}
	}
	s.byKey[key] = own
	return own
}

// fly makes the run, and returns when the flight has landed. A shared flight is
// made by the first of those who wait for it, and ends early only when the last
// of them has left. The listener hears of the run in fly's goroutine; nil: nobody
// does.
func (f *flight[A]) fly(ctx context.Context, to *listener, run func(context.Context) (answer A, some bool, err error)) error {
	left := ctx.Done()
	switch {
	case f.of != nil:
		f.of.begin(ctx, f, run)
		if plan, skipped, flies := f.outlook(); flies && to != nil {
			to.begin(plan, skipped)
		}
	case to != nil:
		to.begin(listsOf(f.plan), slices.Clone(f.skipped)) // the run changes what it is given
		f.runApart(ctx, run)
		left = nil // the run ends with the context too, and its room is its request's until then
	default:
		f.answer, f.some, f.err = run(ctx)
		return f.err
	}
	var more <-chan struct{}
	for heard := 0; ; {
		if to != nil {
			var all []arrival
			all, more = f.news.since(heard)
			heard += len(all)
			for _, one := range all {
				to.hear(one)
			}
		}
		select {
		case <-more:
		case <-f.done:
			return f.err
		case <-left:
			return ctx.Err()
		}
	}
}

// runApart makes the run of one request's own flight in a goroutine, so that the
// request can hear of it. The goroutine ends with the run, whose deadline is near.
func (f *flight[A]) runApart(ctx context.Context, run func(context.Context) (answer A, some bool, err error)) {
	f.done = make(chan struct{})
	go func() {
		defer close(f.done)
		f.answer, f.some, f.err = recovered(ctx, run)
	}()
}

// outlook returns what a shared flight is to ask, and what it will not. flies is
// false once it has landed: its answer says all.
func (f *flight[A]) outlook() (plan []string, skipped []Skipped, flies bool) {
	f.of.mu.Lock()
	defer f.of.mu.Unlock()
	if f.of.byKey[f.key] != f {
		return nil, nil, false
	}
	return f.toAsk, f.toSkip, true
}

// heard returns what takes the answers of a flight as they come; nil for one of
// which nobody hears.
func (f *flight[A]) heard() func(arrival) {
	if f.done == nil {
		return nil
	}
	return f.news.add
}

// begin makes the run of a shared flight unless that has begun. Its goroutine
// ends with the run, whose deadline is near, or when the last waiter leaves.
func (s *flights[A]) begin(ctx context.Context, f *flight[A], run func(context.Context) (A, bool, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.begun {
		return
	}
	f.begun = true
	ctx, f.cancel = context.WithCancel(context.WithoutCancel(ctx))
	s.underWay.Go(func() {
		defer f.cancel()
		f.answer, f.some, f.err = recovered(ctx, run)
		s.land(f, ctx.Err() == nil && f.err == nil && f.some)
	})
}

// recovered makes an error of a panic: it has no caller's goroutine to end in.
func recovered[A any](ctx context.Context, run func(context.Context) (A, bool, error)) (answer A, some bool, err error) {
	defer func() {
		if recover() != nil { // what it says may hold what a list sent
			err = fmt.Errorf("a run panicked: %s", debug.Stack())
		}
	}()
	return run(ctx)
}

// leave is the end of a request's part in the flight. One that nobody waits for
// is called off, and whoever comes next makes another.
func (f *flight[A]) leave() {
	if f.of == nil {
		f.room.Leave()
		return
	}
	f.of.mu.Lock()
	defer f.of.mu.Unlock()
	if f.of.byKey[f.key] != f { // it has landed
		return
	}
	if f.waiters--; f.waiters > 0 {
		return
	}
	delete(f.of.byKey, f.key)
	if f.begun {
		f.cancel()
	} else {
		f.room.Leave()
	}
}

// land ends a shared flight, and keeps its answer if that is whole.
func (s *flights[A]) land(f *flight[A], whole bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f.at = s.clock()
	defer close(f.done)
	room := f.room
	defer room.Leave()
	f.asked, f.room, f.cancel = asked{}, nil, nil // the answer may be kept for long
	f.toAsk, f.toSkip = nil, nil
	f.news.end()
	if s.byKey[f.key] != f {
		return // all have left
	}
	delete(s.byKey, f.key)
	if !whole || s.size(f.answer) > maxReadingBytes/8 {
		return
	}
	s.kept[f.key] = f
	f.memory = room.Memory().Share()
	s.order = append(s.order, f)
	s.bytes += s.size(f.answer)
	s.evict(f.at)
}

// evict forgets the oldest that are no longer fresh, and those beyond the bounds.
func (s *flights[A]) evict(now time.Time) {
	for len(s.order) > 0 {
		oldest := s.order[0]
		if oldest.isFresh(now) && len(s.order) <= maxReadings && s.bytes <= maxReadingBytes {
			return
		}
		s.drop(oldest)
	}
}

// drop forgets an answer that is kept.
func (s *flights[A]) drop(f *flight[A]) {
	delete(s.kept, f.key)
	i := slices.Index(s.order, f)
	s.order = slices.Delete(s.order, i, i+1)
	s.bytes -= s.size(f.answer)
	f.memory.Release()
}

func (f *flight[A]) isFresh(now time.Time) bool { return now.Sub(f.at) < f.of.fresh(f.answer) }

// age returns how long ago a shared flight landed.
func (f *flight[A]) age() time.Duration {
	if f.of == nil {
		return 0
	}
	return max(0, f.of.clock().Sub(f.at))
}

package aggregate

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

const (
	// readingFresh is how long the answer of a reading is shared.
	readingFresh = 30 * time.Second
	// maxReadings and maxReadingBytes bound the answers kept.
	maxReadings     = 1024
	maxReadingBytes = 16 << 20
)

// readingKey names a reading: of another catalog it would be another.
type readingKey struct {
	generation uint64
	bot        string
}

// readings shares the answers of readings: one flight at a time for a bot, and
// its answer for a while. The zero value is ready to use.
type readings struct {
	now func() time.Time // time.Now when nil

	underWay sync.WaitGroup // flights

	mu      sync.Mutex
	flights map[readingKey]*flight
	kept    map[readingKey]*flight
	order   []readingKey // of kept, the oldest first
	bytes   int          // of kept
}

// flight is one reading under way, or its answer.
type flight struct {
	done    chan struct{} // closed at its end
	cancel  context.CancelFunc
	waiters int
	answer  BotAnswer
	err     error
	at      time.Time // of its end
}

func (r *readings) clock() time.Time {
	if r.now != nil {
		return r.now()
	}
	return time.Now()
}

// get is an answer that is still fresh.
func (r *readings) get(key readingKey) (BotAnswer, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.clock()
	r.evict(now)
	f, ok := r.kept[key]
	if !ok {
		return BotAnswer{}, false
	}
	return f.aged(now), true
}

// do joins the flight of a key, or makes it. The flight ends early only when
// the last of its waiters has left.
func (r *readings) do(ctx context.Context, key readingKey, read func(context.Context) (BotAnswer, error)) (BotAnswer, error) {
	r.mu.Lock()
	r.evict(r.clock())
	if f, ok := r.kept[key]; ok { // it landed just now
		r.mu.Unlock()
		return f.aged(r.clock()), nil
	}
	f := r.flights[key]
	if f == nil {
		f = r.start(ctx, key, read)
	}
	f.waiters++
	r.mu.Unlock()
	select {
	case <-f.done:
		return f.aged(r.clock()), f.err
	case <-ctx.Done():
		r.leave(key, f)
		return BotAnswer{}, ctx.Err()
	}
}

// start makes a flight. Its goroutine ends with the reading, whose deadline is
// near, or when its last waiter leaves.
func (r *readings) start(ctx context.Context, key readingKey, read func(context.Context) (BotAnswer, error)) *flight {
	f := &flight{done: make(chan struct{})}
	ctx, f.cancel = context.WithCancel(context.WithoutCancel(ctx))
	if r.flights == nil {
		r.flights, r.kept = map[readingKey]*flight{}, map[readingKey]*flight{}
	}
	r.flights[key] = f
	r.underWay.Go(func() {
		defer f.cancel()
		f.answer, f.err = guarded(ctx, read)
		r.land(key, f, ctx.Err() == nil && f.err == nil)
	})
	return f
}

// guarded makes an error of a panic: it has no caller's goroutine to end in.
func guarded(ctx context.Context, read func(context.Context) (BotAnswer, error)) (answer BotAnswer, err error) {
	defer func() {
		if recover() != nil { // what it says may hold what a list sent
			err = fmt.Errorf("reading panicked: %s", debug.Stack())
		}
	}()
	return read(ctx)
}

// leave is a waiter's end. A flight that nobody waits for is called off, and
// whoever comes next makes another.
func (r *readings) leave(key readingKey, f *flight) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if f.waiters--; f.waiters == 0 {
		f.cancel()
		if r.flights[key] == f {
			delete(r.flights, key)
		}
	}
}

// land ends a flight, and keeps its answer if that is whole.
func (r *readings) land(key readingKey, f *flight, whole bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f.at = r.clock()
	close(f.done)
	if r.flights[key] != f {
		return
	}
	delete(r.flights, key)
	if !whole || len(f.answer.Lists) == 0 || f.answer.size() > maxReadingBytes/8 {
		return
	}
	r.kept[key] = f
	r.order = append(r.order, key)
	r.bytes += f.answer.size()
	r.evict(f.at)
}

// evict forgets what is no longer fresh, and the oldest beyond the bounds.
func (r *readings) evict(now time.Time) {
	for len(r.order) > 0 {
		oldest := r.kept[r.order[0]]
		if now.Sub(oldest.at) < readingFresh && len(r.order) <= maxReadings && r.bytes <= maxReadingBytes {
			return
		}
		delete(r.kept, r.order[0])
		r.order = r.order[1:]
		r.bytes -= oldest.answer.size()
	}
}

func (f *flight) aged(now time.Time) BotAnswer {
	a := f.answer
	a.Age = max(0, now.Sub(f.at))
	return a
}

// size is about how many bytes an answer holds.
func (a BotAnswer) size() int {
	n := 1 << 10
	for _, r := range a.Lists {
		n += len(r.Data)
	}
	return n
}

package aggregate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"aggregator/internal/testkit"
	"aggregator/lists"
)

// hands is a clock that a test moves.
type hands struct{ nanos atomic.Int64 }

func (h *hands) now() time.Time          { return time.Unix(1e9, h.nanos.Load()) }
func (h *hands) advance(d time.Duration) { h.nanos.Add(int64(d)) }
func someReading(bot string) flightKey   { return flightKey{1, bot} }
func said(text string) BotAnswer         { return saidSo(text, 0) }

// readings are flights of readings as callers take them.
type readings struct{ flights[BotAnswer] }

func newReadings() (*readings, *hands) {
	h := &hands{}
	return &readings{flights[BotAnswer]{now: h.now, size: BotAnswer.size, fresh: BotAnswer.fresh}}, h
}

// do joins the flight of a key, or makes it.
func (r *readings) do(ctx context.Context, key flightKey, read func(context.Context) (BotAnswer, error)) (BotAnswer, error) {
	f := r.join(ctx, key)
	if f == nil {
		f = r.board(ctx, key, newFlight[BotAnswer](asked{}, boundless{}))
	}
	defer f.leave()
	err := f.fly(ctx, nil, func(ctx context.Context) (BotAnswer, bool, error) {
		a, err := read(ctx)
		return a, len(a.Lists) > 0, err
	})
	if err != nil {
		return BotAnswer{}, err
	}
	a := f.answer
	a.Age = f.age()
	return a, nil
}

// get returns an answer that is still fresh.
func (r *readings) get(key flightKey) (BotAnswer, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.evict(r.clock())
	f := r.kept[key]
	if f == nil || !f.isFresh(r.clock()) {
		return BotAnswer{}, false
	}
	a := f.answer
	a.Age = f.age()
	return a, true
}

func (r *readings) waiters(k flightKey) int {
	return r.flightOf(k, func(f *flight[BotAnswer]) int { return f.waiters })
}

// saidSo is the answer of one list, with so many bytes beside.
func saidSo(text string, bytes int) BotAnswer {
	data := json.RawMessage(`"` + text + strings.Repeat("x", bytes) + `"`)
	return BotAnswer{Bot: lists.Bot{Username: text, Lists: []lists.Reading{{List: "a.test", JSON: data, Status: 200}}}}
}

func answers(a BotAnswer) func(context.Context) (BotAnswer, error) {
	return func(context.Context) (BotAnswer, error) { return a, nil }
}

func (r *readings) flightOf(k flightKey, of func(*flight[BotAnswer]) int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if f := r.byKey[k]; f != nil {
		return of(f)
	}
	return 0
}

// state is what is kept. A flight that has answered its waiters has landed then.
func (r *readings) state() (answers, keys, bytes int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.kept), len(r.order), r.bytes
}

// empty fails the test if something is kept past its time.
func (r *readings) empty(t *testing.T) {
	t.Helper()
	if answers, keys, bytes := r.state(); answers+keys+bytes != 0 {
		t.Errorf("left behind: %d answers, %d keys, %d bytes", answers, keys, bytes)
	}
}

// read reads a bot and must get an answer.
func (r *readings) read(t *testing.T, k flightKey, a BotAnswer) BotAnswer {
	t.Helper()
	got, err := r.do(t.Context(), k, answers(a))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestReadingIsKeptWhileFresh(t *testing.T) {
	t.Parallel()
	r, clock := newReadings()
	r.read(t, someReading("1"), said("first"))
	for _, row := range []struct {
		name string
		at   time.Duration // since the answer
		key  flightKey
		kept bool
	}{
		{"at once", 0, someReading("1"), true},
		{"another bot", 0, someReading("2"), false},
		{"another catalog", 0, flightKey{2, "1"}, false},
		{"just before its end", readingFresh - 1, someReading("1"), true},
		{"at its end", readingFresh, someReading("1"), false},
	} {
		clock.advance(row.at - time.Duration(clock.nanos.Load()))
		a, ok := r.get(row.key)
		if ok != row.kept || ok && (a.Username != "first" || a.Age != row.at) {
			t.Errorf("%s: %v, %q, aged %s", row.name, ok, a.Username, a.Age)
		}
	}
	r.empty(t)
}

// TestReadingIsOneFlight has many ask for one bot while its lists are asked.
func TestReadingIsOneFlight(t *testing.T) {
	t.Parallel()
	const callers = 100
	r, _ := newReadings()
	var reads atomic.Int64
	release := make(chan struct{})
	read := func(context.Context) (BotAnswer, error) {
		reads.Add(1)
		<-release
		return said("shared"), nil
	}
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			if a, err := r.do(t.Context(), someReading("1"), read); err != nil || a.Username != "shared" {
				t.Errorf("%q, %v", a.Username, err)
			}
		})
	}
	testkit.Wait(t, "all to wait", func() bool { return r.waiters(someReading("1")) == callers })
	if a := r.read(t, someReading("2"), said("other")); a.Username != "other" {
		t.Errorf("another bot got %q", a.Username)
	}
	if a := r.read(t, flightKey{2, "1"}, said("reloaded")); a.Username != "reloaded" {
		t.Errorf("another catalog got %q", a.Username)
	}
	close(release)
	all.Wait()
	if n := reads.Load(); n != 1 {
		t.Errorf("%d readings, want 1", n)
	}
}

func TestHangUpEndsAReadingOnlyWithTheLast(t *testing.T) {
	t.Parallel()
	r, _ := newReadings()
	ended := make(chan struct{})
	read := func(ctx context.Context) (BotAnswer, error) {
		<-ctx.Done()
		close(ended)
		return said("half"), nil
	}
	var left [3]chan error
	var leave [3]context.CancelFunc
	for i := range left {
		var ctx context.Context
		ctx, leave[i] = context.WithCancel(t.Context())
		left[i] = make(chan error, 1)
		go func() {
			_, err := r.do(ctx, someReading("1"), read)
			left[i] <- err
		}()
		testkit.Wait(t, "the caller to wait", func() bool { return r.waiters(someReading("1")) == i+1 })
	}
	for i := range left { // the first among them, who made the flight
		select {
		case <-ended:
			t.Fatalf("the reading ended with %d still waiting", len(left)-i)
		default:
		}
		leave[i]()
		if err := <-left[i]; !errors.Is(err, context.Canceled) {
			t.Errorf("who left got %v", err)
		}
	}
	<-ended
	if a := r.read(t, someReading("1"), said("whole")); a.Username != "whole" {
		t.Errorf("the next got %q", a.Username)
	}
}

func TestReadingThatIsNotWholeIsNotKept(t *testing.T) {
	t.Parallel()
	fails := errors.New("fails")
	for name, read := range map[string]func(context.Context) (BotAnswer, error){
		"error":             func(context.Context) (BotAnswer, error) { return said("x"), fails },
		"panic":             func(context.Context) (BotAnswer, error) { panic("secret words of a list") },
		"no list was asked": answers(BotAnswer{}),
		"large answer":      answers(saidSo("x", maxReadingBytes/8)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, _ := newReadings()
			_, err := r.do(t.Context(), someReading("1"), read)
			switch name {
			case "error":
				if !errors.Is(err, fails) {
					t.Error(err)
				}
			case "panic":
				if err == nil || !strings.Contains(err.Error(), "panicked") || strings.Contains(err.Error(), "secret words") {
					t.Error(err)
				}
			default:
				if err != nil {
					t.Error(err)
				}
			}
			if _, ok := r.get(someReading("1")); ok {
				t.Error("it is kept")
			}
			r.empty(t)
			if a := r.read(t, someReading("1"), said("next")); a.Username != "next" {
				t.Errorf("the next got %q", a.Username)
			}
		})
	}
}

func TestReadingsKeptAreBounded(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name         string
		reads, bytes int
	}{
		{"count", maxReadings + 10, 0},
		{"bytes", 40, maxReadingBytes / 16},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			r, clock := newReadings()
			a := saidSo("x", row.bytes)
			for i := range row.reads {
				r.read(t, someReading(fmt.Sprint(i)), a)
			}
			if answers, keys, bytes := r.state(); answers != min(maxReadings, maxReadingBytes/a.size()) || keys != answers || bytes != answers*a.size() {
				t.Errorf("%d answers, %d keys, %d bytes", answers, keys, bytes)
			}
			if _, ok := r.get(someReading("0")); ok {
				t.Error("the oldest is still there")
			}
			if _, ok := r.get(someReading(fmt.Sprint(row.reads - 1))); !ok {
				t.Error("the newest is gone")
			}
			clock.advance(readingFresh)
			_, _ = r.get(someReading("none"))
			r.empty(t)
		})
	}
}

// failed is an answer in which a list gave none.
func failed(text string) BotAnswer {
	a := said(text)
	a.Lists = append(a.Lists, lists.Reading{List: "b.test", Status: lists.NoAnswer})
	return a
}

// TestFailedReadingIsSharedForLess has one beside others that are kept for longer.
func TestFailedReadingIsSharedForLess(t *testing.T) {
	t.Parallel()
	r, clock := newReadings()
	r.read(t, someReading("0"), said("before"))
	r.read(t, someReading("1"), failed("failed"))
	r.read(t, someReading("2"), said("after"))
	clock.advance(failedReadingFresh - 1)
	if a := r.read(t, someReading("1"), said("again")); a.Username != "failed" {
		t.Errorf("in time: %q", a.Username)
	}
	clock.advance(1)
	if a := r.read(t, someReading("1"), failed("again")); a.Username != "again" {
		t.Errorf("after %s: %q", failedReadingFresh, a.Username)
	}
	for _, bot := range []string{"0", "2"} {
		if _, ok := r.get(someReading(bot)); !ok {
			t.Errorf("the reading of %s is gone", bot)
		}
	}
	want := said("before").size() + said("after").size() + failed("again").size()
	if answers, keys, bytes := r.state(); answers != 3 || keys != 3 || bytes != want {
		t.Errorf("%d answers, %d keys, %d bytes; want 3, 3, %d", answers, keys, bytes, want)
	}
	clock.advance(readingFresh)
	_, _ = r.get(someReading("none"))
	r.empty(t)
}

// TestReadingThatComesLate has a caller find nothing kept, and make its flight
// only after another one has landed.
func TestReadingThatComesLate(t *testing.T) {
	t.Parallel()
	r, clock := newReadings()
	if _, ok := r.get(someReading("1")); ok {
		t.Fatal("kept before it was read")
	}
	r.read(t, someReading("1"), said("first"))
	r.read(t, someReading("1"), said("late"))
	if answers, keys, _ := r.state(); keys != answers {
		t.Errorf("%d keys for %d answers", keys, answers)
	}
	clock.advance(readingFresh)
	defer func() {
		if p := recover(); p != nil {
			t.Errorf("forgetting it panics: %v", p)
		}
	}()
	_, _ = r.get(someReading("1"))
	r.empty(t)
}

// TestReadingsRace has callers come, wait, hang up and meet panics, all at once.
func TestReadingsRace(t *testing.T) {
	t.Parallel()
	r, clock := newReadings()
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			for j := range 300 {
				// Each caller has bots of its own to land, and all share some.
				key := someReading(fmt.Sprint("own", i, j))
				ctx, leave := context.WithCancel(t.Context())
				if j%3 == 0 {
					go leave()
				}
				want := fmt.Sprint(i, "/", j)
				a, err := r.do(ctx, key, func(ctx context.Context) (BotAnswer, error) {
					if j%7 == 1 {
						panic("list")
					}
					return said(want), ctx.Err()
				})
				if err == nil && a.Username != want {
					t.Errorf("%q, want %q", a.Username, want)
				}
				if err == nil && j%7 == 1 {
					t.Error("a panic is no error")
				}
				_, _ = r.get(key)
				leave()
				clock.advance(time.Second)
			}
		})
	}
	all.Wait()
	testkit.Wait(t, "the last flight to land", func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return len(r.byKey) == 0
	})
	clock.advance(readingFresh)
	_, _ = r.get(someReading("none"))
	r.empty(t)
}

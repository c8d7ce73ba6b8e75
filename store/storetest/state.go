package storetest

import (
	"bytes"
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"aggregator/internal/testkit"
	"aggregator/store"
)

// stateSuite is the state of one empty store, with its clock.
type stateSuite struct {
	*testing.T
	*testkit.Clock
	store.State
	store store.Store
}

// State runs the suite of [store.State]. open returns an empty store that reads
// the clock it is given, and closes it when the test ends.
func State(t *testing.T, open func(t *testing.T, clock *testkit.Clock) store.Store) {
	for name, test := range map[string]func(stateSuite){
		"load and save":          loadAndSave,
		"versions":               versions,
		"several items":          severalItems,
		"many items":             manyItems,
		"removal":                removal,
		"claim":                  claim,
		"exactly one has a tick": exactlyOneTick,
		"claim that is kept":     keptClaim,
		"claim that is lost":     lostClaim,
		"save beside a claim":    saveBesideClaim,
		"release":                releaseClaim,
		"update":                 update,
		"update at once":         updateAtOnce,
		"clock set":              stateClockSet,
		"due in milliseconds":    dueMilliseconds,
		"bad arguments":          badItems,
		"context that has ended": stateEndedContext,
		"closed":                 stateClosed,
	} {
		t.Run(name, func(t *testing.T) {
			clock := testkit.NewClock()
			st := open(t, clock)
			test(stateSuite{t, clock, st.State(), st})
		})
	}
}

var alice, bob = store.Key{1: 1}, store.Key{1: 2}

func (s stateSuite) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s stateSuite) in(d time.Duration) time.Time { return s.Now().Add(d) }

func (s stateSuite) load(key store.Key) store.Item {
	s.Helper()
	items, err := s.Load(s.Context(), key)
	if err != nil || len(items) != 1 || items[0].Key != key {
		s.Fatalf("Load: %+v, %v", items, err)
	}
	return items[0]
}

// want wants an item to be there, or not to be for version 0.
func (s stateSuite) want(key store.Key, data string, due time.Time, version int64) {
	s.Helper()
	item := s.load(key)
	if string(item.Data) != data || !item.Due.Equal(due) || item.Version != version {
		s.Fatalf("item is %q, due %v, version %d; want %q, %v, %d", item.Data, item.Due, item.Version, data, due, version)
	}
}

// save wants an item to be saved, or not.
func (s stateSuite) save(want bool, holder store.Key, item store.Item) {
	s.Helper()
	saved, err := s.Save(s.Context(), holder, item)
	if err != nil || len(saved) != 1 || saved[0] != want {
		s.Fatalf("Save of version %d: %v, %v; want %v", item.Version, saved, err, want)
	}
}

func (s stateSuite) claim(want bool, holder store.Key, key store.Key) store.Item {
	s.Helper()
	claimed, err := s.Claim(s.Context(), holder, time.Minute, key)
	if err != nil || len(claimed) != 1 || claimed[0].OK != want {
		s.Fatalf("Claim: %+v, %v; want %v", claimed, err, want)
	}
	return claimed[0].Item
}

func item(n int, data string, due time.Time, version int64) store.Item {
	return store.Item{Key: store.Key{0: 9, 15: byte(n)}, Data: []byte(data), Due: due, Version: version}
}

func loadAndSave(s stateSuite) {
	first := item(1, "", time.Time{}, 0).Key
	s.want(first, "", time.Time{}, 0)
	s.save(true, store.Key{}, item(1, "one", s.in(time.Hour), 0))
	s.want(first, "one", s.in(time.Hour), 1)
	s.save(true, store.Key{}, item(1, "\x00\xff two", time.Time{}, 1))
	s.want(first, "\x00\xff two", time.Time{}, 2)
	s.save(true, store.Key{}, item(1, "", s.in(-time.Hour), 2)) // a time alone
	s.want(first, "", s.in(-time.Hour), 3)
	long := bytes.Repeat([]byte("x"), store.MaxData)
	s.save(true, store.Key{}, store.Item{Key: first, Data: long, Version: 3})
	s.want(first, string(long), time.Time{}, 4)
}

func versions(s stateSuite) {
	s.save(false, store.Key{}, item(1, "one", s.Now(), 1)) // is not there yet
	s.save(true, store.Key{}, item(1, "one", s.Now(), 0))
	s.save(false, store.Key{}, item(1, "two", s.Now(), 0))
	s.save(false, store.Key{}, item(1, "two", s.Now(), 2))
	s.want(item(1, "", s.Now(), 0).Key, "one", s.Now(), 1)
}

func severalItems(s stateSuite) {
	s.save(true, store.Key{}, item(2, "two", s.Now(), 0))
	saved, err := s.Save(s.Context(), store.Key{}, item(1, "a", s.Now(), 0), item(2, "b", s.Now(), 7), item(3, "c", s.Now(), 0), item(1, "d", s.Now(), 1))
	if err != nil || len(saved) != 4 || !saved[0] || saved[1] || !saved[2] || !saved[3] {
		s.Fatalf("Save: %v, %v; want all but the second", saved, err)
	}
	items, err := s.Load(s.Context(), item(3, "", s.Now(), 0).Key, item(4, "", s.Now(), 0).Key, item(1, "", s.Now(), 0).Key)
	if err != nil || len(items) != 3 || string(items[0].Data) != "c" || items[1].Version != 0 || string(items[2].Data) != "d" {
		s.Fatalf("Load: %+v, %v", items, err)
	}
}

func manyItems(s stateSuite) {
	var keys []store.Key
	var all []store.Item
	for n := range 1000 {
		i := store.Item{Key: store.Key{0: 1, 1: byte(n), 2: byte(n >> 8)}, Data: []byte(strconv.Itoa(n))}
		all, keys = append(all, i), append(keys, i.Key)
	}
	saved, err := s.Save(s.Context(), store.Key{}, all...)
	if err != nil || len(saved) != len(all) {
		s.Fatal(len(saved), err)
	}
	items, err := s.Load(s.Context(), keys...)
	if err != nil || len(items) != len(all) {
		s.Fatal(len(items), err)
	}
	for n, i := range items {
		if !saved[n] || string(i.Data) != strconv.Itoa(n) {
			s.Fatalf("item %d: saved %v, %+v", n, saved[n], i)
		}
	}
}

func removal(s stateSuite) {
	s.save(true, store.Key{}, item(1, "one", s.Now(), 0))
	s.save(false, store.Key{}, item(1, "", time.Time{}, 2))
	s.save(true, store.Key{}, item(1, "", time.Time{}, 1))
	s.want(item(1, "", s.Now(), 0).Key, "", time.Time{}, 0)
	s.save(true, store.Key{}, item(1, "", time.Time{}, 0)) // nothing to remove
	s.save(true, store.Key{}, item(1, "again", s.Now(), 0))
}

func claim(s stateSuite) {
	due := item(1, "one", s.in(time.Minute), 0)
	s.save(true, store.Key{}, due)
	s.save(true, store.Key{}, item(2, "never due", time.Time{}, 0))
	s.claim(false, alice, due.Key) // not yet
	s.claim(false, alice, item(2, "", s.Now(), 0).Key)
	if got := s.claim(false, alice, item(3, "", s.Now(), 0).Key); got.Version != 0 {
		s.Errorf("%+v, want an item that is not there", got)
	}
	s.Advance(time.Minute)
	got := s.claim(true, alice, due.Key)
	if string(got.Data) != "one" || !got.Due.Equal(s.Now()) || got.Version != 1 {
		s.Errorf("claimed %+v", got)
	}
	if got := s.claim(false, bob, due.Key); got.Version != 1 {
		s.Errorf("%+v, want the item as it is", got)
	}
	got.Due = s.in(time.Hour)
	s.save(true, alice, got)
	s.claim(false, bob, due.Key) // not due
	s.claim(false, alice, due.Key)
	s.Advance(time.Hour)
	s.claim(true, bob, due.Key)
}

func exactlyOneTick(s stateSuite) {
	due := item(1, "one", s.Now(), 0)
	s.save(true, store.Key{}, due)
	for round := range 5 {
		var had atomic.Int64
		var wg sync.WaitGroup
		for range 30 {
			wg.Go(func() {
				holder := store.NewHolder()
				claimed, err := s.Claim(s.Context(), holder, time.Minute, due.Key)
				if err != nil {
					s.Error(err)
					return
				}
				if !claimed[0].OK {
					return
				}
				had.Add(1)
				next := claimed[0].Item
				next.Due = s.in(time.Minute)
				if saved, err := s.Save(s.Context(), holder, next); err != nil || !saved[0] {
					s.Errorf("Save: %v, %v", saved, err)
				}
			})
		}
		wg.Wait()
		if had.Load() != 1 {
			s.Fatalf("round %d: %d had the tick, want 1", round, had.Load())
		}
		s.Advance(time.Minute)
	}
}

func keptClaim(s stateSuite) {
	due := item(1, "one", s.Now(), 0)
	s.save(true, store.Key{}, due)
	for range 5 {
		s.claim(true, alice, due.Key)
		s.claim(false, bob, due.Key)
		s.Advance(time.Minute - time.Millisecond)
	}
	// One that is kept need not be due.
	later := s.load(due.Key)
	later.Due = s.in(time.Hour)
	s.save(true, store.Key{}, later)
	s.claim(true, alice, due.Key)
}

func lostClaim(s stateSuite) {
	due := item(1, "one", s.Now(), 0)
	s.save(true, store.Key{}, due)
	had := s.claim(true, alice, due.Key)
	s.Advance(time.Minute)
	s.save(false, alice, had) // it has ended, whether another has it or not
	now := s.claim(true, bob, due.Key)
	s.save(false, alice, had)
	now.Due = s.in(time.Hour)
	s.save(true, bob, now)
	s.want(due.Key, "one", s.in(time.Hour), 2)
	s.save(false, bob, s.load(due.Key)) // ended with its save
}

func saveBesideClaim(s stateSuite) {
	due := item(1, "one", s.Now(), 0)
	s.save(true, store.Key{}, due)
	had := s.claim(true, alice, due.Key)
	other := s.load(due.Key)
	other.Data = []byte("two")
	s.save(true, store.Key{}, other)
	s.claim(false, bob, due.Key) // the claim is still alice's
	s.save(false, alice, had)    // but the item has changed
	had = s.load(due.Key)
	had.Due = time.Time{}
	s.save(true, alice, had)
	s.want(due.Key, "two", time.Time{}, 3)
}

func releaseClaim(s stateSuite) {
	due := item(1, "one", s.Now(), 0)
	s.save(true, store.Key{}, due)
	s.claim(true, alice, due.Key)
	s.must(s.Release(s.Context(), bob, due.Key, item(2, "", s.Now(), 0).Key))
	s.claim(false, bob, due.Key)
	s.must(s.Release(s.Context(), alice, due.Key))
	s.claim(true, bob, due.Key)
	s.want(due.Key, "one", s.Now(), 1)
}

func update(s stateSuite) {
	key := item(1, "", s.Now(), 0).Key
	add := func(text string) func(*store.Item) bool {
		return func(i *store.Item) bool { i.Data = append(bytes.Clone(i.Data), text...); return text != "" }
	}
	for _, text := range []string{"a", "b", ""} {
		got, err := store.Update(s.Context(), s, key, add(text))
		if now := s.load(key); err != nil || string(got.Data) != string(now.Data) || got.Version != now.Version {
			s.Fatalf("Update: %+v, %v; the item is %+v", got, err, now)
		}
	}
	s.want(key, "ab", time.Time{}, 2)
}

func updateAtOnce(s stateSuite) {
	key := item(1, "", s.Now(), 0).Key
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			for range 5 {
				if _, err := store.Update(s.Context(), s, key, func(i *store.Item) bool {
					n, _ := strconv.Atoi(string(i.Data))
					i.Data = strconv.AppendInt(nil, int64(n+1), 10)
					return true
				}); err != nil {
					s.Error(err)
				}
			}
		})
	}
	wg.Wait()
	s.want(key, "50", time.Time{}, 50)
}

func stateClockSet(s stateSuite) {
	for _, set := range []time.Duration{-time.Hour, 3 * time.Hour} {
		due := s.load(item(1, "", s.Now(), 0).Key)
		due.Due = s.in(time.Minute)
		s.save(true, store.Key{}, due)
		s.Set(set)
		s.want(due.Key, "", s.in(time.Minute), due.Version+1)
		s.Advance(time.Minute - time.Second)
		s.claim(false, alice, due.Key)
		s.Advance(time.Second)
		s.claim(true, alice, due.Key)
		s.must(s.Release(s.Context(), alice, due.Key))
	}
}

func dueMilliseconds(s stateSuite) {
	s.save(true, store.Key{}, item(1, "", s.in(time.Nanosecond), 0))
	s.want(item(1, "", s.Now(), 0).Key, "", s.in(time.Millisecond), 1)
	s.claim(false, alice, item(1, "", s.Now(), 0).Key)
	s.Advance(time.Millisecond)
	s.claim(true, alice, item(1, "", s.Now(), 0).Key)
}

func badItems(s stateSuite) {
	for _, bad := range []store.Item{
		{Key: alice, Data: make([]byte, store.MaxData+1)},
		{Key: alice, Version: -1},
	} {
		if saved, err := s.Save(s.Context(), store.Key{}, item(1, "one", s.Now(), 0), bad); err == nil {
			s.Errorf("Save of %d bytes, version %d: %v, no error", len(bad.Data), bad.Version, saved)
		}
	}
	s.want(item(1, "", s.Now(), 0).Key, "", time.Time{}, 0)
	for _, lease := range []time.Duration{0, -time.Second, time.Microsecond} {
		if _, err := s.Claim(s.Context(), alice, lease, bob); err == nil {
			s.Errorf("Claim for %s: no error", lease)
		}
	}
	if _, err := s.Claim(s.Context(), store.Key{}, time.Minute, bob); err == nil {
		s.Error("Claim without a holder: no error")
	}
}

// calls wants each call to fail with an error.
func (s stateSuite) calls(ctx context.Context, want error) {
	s.Helper()
	_, loadErr := s.Load(ctx, alice)
	_, saveErr := s.Save(ctx, store.Key{}, item(1, "x", s.Now(), 0))
	_, claimErr := s.Claim(ctx, alice, time.Minute, bob)
	releaseErr := s.Release(ctx, alice, bob)
	for call, err := range map[string]error{"Load": loadErr, "Save": saveErr, "Claim": claimErr, "Release": releaseErr} {
		if !errors.Is(err, want) {
			s.Errorf("%s: %v, want %v", call, err, want)
		}
	}
}

func stateEndedContext(s stateSuite) {
	ctx, cancel := context.WithCancel(s.Context())
	cancel()
	s.calls(ctx, context.Canceled)
	s.want(item(1, "", s.Now(), 0).Key, "", time.Time{}, 0)
}

func stateClosed(s stateSuite) {
	s.must(s.store.Close())
	s.calls(s.Context(), store.ErrClosed)
}

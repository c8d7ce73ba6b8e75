package redis

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"aggregator/internal/testkit"
	"aggregator/store"
	"aggregator/store/storetest"
)

// TestStore runs the suite with the clock it brings; the others run with Redis's.
func TestStore(t *testing.T) {
	srv := startServer(t)
	db := 0
	storetest.Windows(t, func(t *testing.T, clock *testkit.Clock) store.Store {
		db++ // each an empty store
		return openURL(t, fmt.Sprintf("redis://%s/%d", srv.addr, db), options{now: clock.Now, elapsed: clock.Elapsed, told: steady(clock)})
	})
}

func TestState(t *testing.T) {
	srv := startServer(t)
	db := 0
	storetest.State(t, func(t *testing.T, clock *testkit.Clock) store.Store {
		db++
		return openURL(t, fmt.Sprintf("redis://%s/%d", srv.addr, db), options{now: clock.Now, elapsed: clock.Elapsed, told: steady(clock)})
	})
}

func TestShards(t *testing.T) {
	srv := startServer(t)
	db := 0
	storetest.Shards(t, func(t *testing.T, clock *testkit.Clock) store.Store {
		db++
		return openURL(t, fmt.Sprintf("redis://%s/%d", srv.addr, db),
			options{now: clock.Now, elapsed: clock.Elapsed, told: steady(clock), bounds: storetest.ShardBounds})
	})
}

func TestOutbox(t *testing.T) {
	srv := startServer(t)
	db := 0
	storetest.Outbox(t, func(t *testing.T, clock *testkit.Clock) store.Store {
		db++
		return openURL(t, fmt.Sprintf("redis://%s/%d", srv.addr, db),
			options{now: clock.Now, elapsed: clock.Elapsed, told: steady(clock), outboxBounds: storetest.OutboxBounds})
	})
}

// TestAwayState wants nothing to be due, and nothing saved or added up, while
// Redis is away.
func TestAwayState(t *testing.T) {
	srv := startServer(t)
	s := srv.open()
	holder, item := store.NewHolder(), store.Item{Key: key(1), Due: time.Now()}
	if saved, err := s.State().Save(t.Context(), store.Key{}, item); err != nil || !saved[0] {
		t.Fatal(saved, err)
	}
	srv.kill()
	testkit.Wait(t, "the loss is noticed", func() bool { return !s.Health().OK() })
	report := store.ShardReport{Set: key(1), Of: 1, Counts: []store.ShardCount{{}}, TTL: time.Hour, Round: time.Hour}
	_, reportErr := s.Shards().Report(t.Context(), report)
	settleErr := s.Shards().Settle(t.Context(), store.ShardClaim{Set: key(1), Of: 1, ID: key(1)}, store.ShardsPosted)
	_, _, silenceErr := s.Shards().Silence(t.Context(), key(1), 10, time.Hour)
	_, loadErr := s.State().Load(t.Context(), key(1))
	_, saveErr := s.State().Save(t.Context(), store.Key{}, item)
	_, claimErr := s.State().Claim(t.Context(), holder, time.Minute, key(1))
	releaseErr := s.State().Release(t.Context(), holder, key(1))
	for call, err := range map[string]error{"Load": loadErr, "Save": saveErr, "Claim": claimErr, "Release": releaseErr,
		"Report": reportErr, "Settle": settleErr, "Silence": silenceErr} {
		if !errors.Is(err, store.ErrAway) {
			t.Errorf("%s: %v, want ErrAway", call, err)
		}
	}
}

// TestReplicasTakeOneTick has replicas claim the same at once, of whom one dies
// with its claim.
func TestReplicasTakeOneTick(t *testing.T) {
	srv := startServer(t)
	replicas := []*Store{srv.open(), srv.open(), srv.open()}
	if saved, err := replicas[0].State().Save(t.Context(), store.Key{}, store.Item{Key: key(1), Due: time.Now()}); err != nil || !saved[0] {
		t.Fatal(saved, err)
	}
	var had atomic.Int64
	var wg sync.WaitGroup
	for i := range 30 {
		wg.Go(func() {
			claimed, err := replicas[i%3].State().Claim(t.Context(), store.NewHolder(), 300*time.Millisecond, key(1))
			if err != nil {
				t.Error(err)
			} else if claimed[0].OK {
				had.Add(1)
			}
		})
	}
	wg.Wait()
	if had.Load() != 1 {
		t.Errorf("%d had the tick, want 1", had.Load())
	}
	testkit.Wait(t, "the claim ends, whose holder says nothing more", func() bool {
		claimed, err := replicas[0].State().Claim(t.Context(), store.NewHolder(), time.Hour, key(1))
		return err == nil && claimed[0].OK
	})
}

// TestAwayStore runs the suite over what is left while Redis is away.
func TestAwayStore(t *testing.T) {
	srv := startServer(t)
	db := 0
	storetest.Windows(t, func(t *testing.T, clock *testkit.Clock) store.Store {
		db++
		s := openURL(t, fmt.Sprintf("redis://%s/%d", srv.addr, db), options{now: clock.Now, elapsed: clock.Elapsed, told: steady(clock)})
		s.end() // no probe
		giveUp(s)
		return s
	})
}

// steady is the time on a clock that is not set when the wall clock is.
func steady(clock *testkit.Clock) func() time.Time {
	return func() time.Time { return time.Unix(0, int64(clock.Elapsed())) }
}

// giveUp has a store take Redis for away.
func giveUp(s *Store) {
	for range badCalls {
		_ = s.blame(errors.New("as if"))
	}
}

func key(n int) store.Key {
	var k store.Key
	binary.BigEndian.PutUint64(k[:], uint64(n))
	return k
}

// ours is how many keys the store has beside the windows.
const ours = 3

func named(n int) string { return name(key(n)) }

func one(n int) store.Use { return store.UseOf(key(n), 1, 120*time.Second) }

func wantTake(t *testing.T, s *Store, n int, want bool) store.Window {
	t.Helper()
	windows, ok, err := store.Take(t.Context(), s.Windows(), one(n))
	if err != nil || ok != want {
		t.Fatalf("Take of key %d: ok %v, error %v; want ok %v", n, ok, err, want)
	}
	return windows[0]
}

func wantHealth(t testing.TB, s *Store, state store.Condition, text string) {
	t.Helper()
	if h := s.Health(); h.Condition != state || h.Text != text {
		t.Errorf("Health: %+v, want %s, %q", h, state, text)
	}
}

func wantOK(t testing.TB, s *Store) {
	t.Helper()
	wantHealth(t, s, store.OK, "")
}

func near(t *testing.T, what string, got, want time.Time) {
	t.Helper()
	if d := got.Sub(want).Abs(); d > 2*time.Second {
		t.Errorf("%s: %s, off by %s", what, got, d)
	}
}

func TestReplicasShare(t *testing.T) {
	srv := startServer(t)
	replicas := []*Store{srv.open(), srv.open()}
	if !bytes.Equal(replicas[0].Secret(), replicas[1].Secret()) {
		t.Error("each replica has a secret of its own")
	}
	for round := range 20 {
		var passed atomic.Int64
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() {
				_, ok, err := store.Take(t.Context(), replicas[i%2].Windows(), one(3*round), one(3*round+1), one(3*round+2))
				if err != nil {
					t.Error(err)
				}
				if ok {
					passed.Add(1)
				}
			})
		}
		wg.Wait()
		if passed.Load() != 1 {
			t.Fatalf("%d of 100 identical takes passed, want 1", passed.Load())
		}
	}
	wantOK(t, replicas[0])
}

func TestReplicasOpenAtOnce(t *testing.T) {
	srv := startServer(t)
	var wg sync.WaitGroup
	secrets := make([]string, 10)
	for i := range secrets {
		wg.Go(func() { secrets[i] = string(srv.open().Secret()) })
	}
	wg.Wait()
	for _, secret := range secrets {
		if secret != secrets[0] {
			t.Fatal("two secrets")
		}
	}
}

func TestClocks(t *testing.T) {
	srv := startServer(t)
	a := srv.open()
	ahead := func() time.Time { return time.Now().Add(time.Hour) }
	b := openURL(t, "redis://"+srv.addr, options{now: ahead})

	mine := wantTake(t, a, 1, true)
	near(t, "a window on the clock of who opened it", mine.Until, time.Now().Add(120*time.Second))
	theirs := wantTake(t, b, 1, false)
	near(t, "a window on a clock that is ahead", theirs.Until, ahead().Add(120*time.Second))

	until := ahead().Add(10 * time.Minute)
	if err := store.Hold(t.Context(), b.Windows(), key(2), until); err != nil {
		t.Fatal(err)
	}
	near(t, "another's hold", wantTake(t, a, 2, false).Until, time.Now().Add(10*time.Minute))
	if again := wantTake(t, b, 2, false).Until; again.Sub(until).Abs() > 10*time.Millisecond {
		t.Errorf("a hold until %s comes back as %s", until, again)
	}
	for range 100 {
		if again := wantTake(t, a, 1, false); !again.Until.Equal(mine.Until) {
			t.Fatalf("the window ends at %s, then at %s", mine.Until, again.Until)
		}
	}
}

func TestCompareClocks(t *testing.T) {
	ms := func(n float64) time.Time { return time.Unix(0, int64(n*1e6)) }
	s := new(link)
	for i, test := range []struct {
		before, after float64
		redis         int64
		want          int64
	}{
		{1000, 1000, 1000, 0},
		{1000.9, 1001.1, 1000, 0}, // may still be the same
		{6000, 6200, 1000, 4999},  // five seconds ahead
		{7000.2, 7000.4, 2000, 5000 - 1},
		{7003, 7003, 2000, 5002},
		{1000, 1250, 2000, -750},
	} {
		s.compareClocks(ms(test.before), ms(test.after), test.redis)
		if got := s.ahead.Load(); got != test.want {
			t.Errorf("%d: ahead by %d, want %d", i, got, test.want)
		}
	}
}

// TestRealClock waits for a window to close by Redis's own clock.
func TestRealClock(t *testing.T) {
	s := startServer(t).open()
	use := store.UseOf(key(1), 1, 100*time.Millisecond)
	start := time.Now()
	if _, ok, err := store.Take(t.Context(), s.Windows(), use); !ok || err != nil {
		t.Fatal(ok, err)
	}
	testkit.Wait(t, "the window closes", func() bool {
		_, ok, err := store.Take(t.Context(), s.Windows(), use)
		if err != nil {
			t.Fatal(err)
		}
		return ok
	})
	if took := time.Since(start); took < use.Period {
		t.Errorf("a window of %s closed after %s", use.Period, took)
	}
}

func TestKeysExpire(t *testing.T) {
	srv := startServer(t)
	s := srv.open()
	wantTTL := func(n int, period time.Duration) {
		t.Helper()
		if ttl := srv.expires(0, named(n)); ttl < period || ttl > period+20*time.Second {
			t.Errorf("key %d expires in %s, want a little more than %s", n, ttl, period)
		}
	}
	wantTake(t, s, 1, true)
	wantTTL(1, 119*time.Second)
	if err := store.Hold(t.Context(), s.Windows(), key(2), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	wantTTL(2, 3595*time.Second)
	two := store.UseOf(key(3), 2, 120*time.Second)
	if _, ok, err := store.Take(t.Context(), s.Windows(), two, two); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if err := store.Release(t.Context(), s.Windows(), key(3)); err != nil {
		t.Fatal(err)
	}
	wantTTL(3, 119*time.Second)
	if err := store.Release(t.Context(), s.Windows(), key(1), key(3)); err != nil {
		t.Fatal(err)
	}
	if n := srv.command("DBSIZE"); n != int64(1+ours) {
		t.Errorf("%v keys, want the hold and %d of the store's", n, ours)
	}
}

func TestRepairsKeys(t *testing.T) {
	srv := startServer(t)
	s := srv.open()
	for n, spoil := range [][]any{
		{"SET", named(0), "1"},      // no time at all
		{"SET", named(1), "1 1000"}, // over for long, and never expires
		{"SET", named(2), "garbage"},
		{"HSET", named(3), "used", "1"},
		{"SET", named(4), ""},
	} {
		srv.command(spoil...)
		windows, err := store.Peek(t.Context(), s.Windows(), key(n))
		if err != nil || windows[0] != (store.Window{}) {
			t.Errorf("%v: %v, error %v; want a free window", spoil, windows, err)
		}
		wantTake(t, s, n, true)
		wantTake(t, s, n, false)
		if ttl := srv.command("PTTL", named(n)); ttl.(int64) <= 0 {
			t.Errorf("%v: expires in %v", spoil, ttl)
		}
	}

	// One that only lost its expiry still closes when it should.
	clock := testkit.NewClock()
	s = openURL(t, "redis://"+srv.addr+"/1", options{now: clock.Now, told: steady(clock)})
	wantTake(t, s, 0, true)
	if srv.commandIn(1, "PERSIST", named(0)) != int64(1) {
		t.Fatal("it had no expiry")
	}
	wantTake(t, s, 0, false)
	clock.Advance(120 * time.Second)
	wantTake(t, s, 0, true)
	if ttl := srv.expires(1, named(0)); ttl <= 0 {
		t.Error("no expiry after its next use")
	}
}

func TestScriptsFlushed(t *testing.T) {
	srv := startServer(t)
	s := srv.open()
	wantTake(t, s, 1, true)
	srv.command("SCRIPT", "FLUSH")
	wantTake(t, s, 1, false)
	wantOK(t, s)
}

const lost = "Redis has lost its data, and is told again what is known; lists with limits wait meanwhile"

// TestDataLost has a Redis that comes back empty: all replicas tell it what they
// know, those too that have nothing else to ask, and of two times the larger
// wins. Until they have had the time, lists with limits are to wait.
func TestDataLost(t *testing.T) {
	srv := startServer(t)
	records := new(testkit.Log)
	s, err := open(t.Context(), "redis://"+srv.addr, records.Logger(), options{now: time.Now, start: patience, timeout: patience, slow: patience})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	idle := srv.open()
	wantTake(t, s, 1, true)
	wantTake(t, idle, 2, true)
	wantTake(t, idle, 1, false) // it has seen that another took it
	hour, day := time.Now().Add(time.Hour), time.Now().Add(24*time.Hour)
	if err := store.Hold(t.Context(), s.Windows(), key(3), hour); err != nil {
		t.Fatal(err)
	}
	if err := store.Hold(t.Context(), idle.Windows(), key(3), day); err != nil {
		t.Fatal(err)
	}
	five := store.UseOf(key(4), 5, time.Hour)
	for range 3 {
		if _, _, err := store.Take(t.Context(), s.Windows(), five); err != nil {
			t.Fatal(err)
		}
	}
	if s.Windows().Degraded() || idle.Windows().Degraded() {
		t.Error("degraded before anything was lost")
	}

	state, item := s.State(), store.Item{Key: key(1), Data: []byte("first"), Due: hour}
	for _, data := range []string{"first", "second"} {
		item.Data = []byte(data)
		if saved, err := state.Save(t.Context(), store.Key{}, item); err != nil || !saved[0] {
			t.Fatal(saved, err)
		}
		if data == "first" {
			if _, err := idle.State().Load(t.Context(), key(1)); err != nil {
				t.Fatal(err)
			}
		}
		item = item.Next()
	}

	start := time.Now()
	srv.command("FLUSHALL")
	wantTake(t, s, 1, false)
	wantHealth(t, s, store.Lost, lost)
	if !s.Windows().Degraded() {
		t.Error("not degraded, though others know what Redis does not")
	}
	if till := s.Windows().Lost(); till.Sub(start) < lostFor-time.Second || till.Sub(start) > lostFor+patience {
		t.Errorf("lost until %s after the loss, want about %s", till.Sub(start), lostFor)
	}
	testkit.Wait(t, "the idle replica sees it", func() bool { return idle.Health().Condition == store.Lost })
	for _, replica := range []*Store{s, idle} {
		testkit.Wait(t, "the loss is over", func() bool { return replica.Health().OK() })
		if replica.Windows().Degraded() || !replica.Windows().Lost().IsZero() {
			t.Error("degraded still")
		}
	}
	if took := time.Since(start); took < lostFor {
		t.Errorf("it was over after %s, want at least %s", took, lostFor)
	}
	records.Want(t, "WARN "+lost, "INFO Redis is back; windows are shared again")

	other := srv.open()
	if !bytes.Equal(other.Secret(), s.Secret()) {
		t.Error("a replica started later has another secret")
	}
	if other.Windows().Degraded() || !other.Windows().Lost().IsZero() {
		t.Error("a replica that knows of no loss is degraded")
	}
	for n := range 3 {
		wantTake(t, other, n+1, false)
	}
	windows, err := store.Peek(t.Context(), other.Windows(), key(3), key(4))
	if err != nil || windows[1].Used != 3 {
		t.Errorf("%+v, %v; want 3 of 5 used", windows, err)
	}
	near(t, "the longer of two holds", windows[0].Until, day)
	items, err := other.State().Load(t.Context(), key(1))
	if err != nil || items[0].Version != 2 || string(items[0].Data) != "second" {
		t.Fatalf("item: %+v, %v; want the later of two versions", items, err)
	}
	near(t, "when it is due", items[0].Due, hour)
}

// Another was first: not to share is better than to share in appearance.
func TestForeign(t *testing.T) {
	srv := startServer(t)
	s := srv.open()
	srv.command("SET", secretKey, strings.Repeat("x", 32))
	srv.command("DEL", epochKey)
	wantTake(t, s, 2, true)
	wantHealth(t, s, store.Foreign, "Redis has the secret of another store; windows hold for this replica alone until it is restarted")
	other := srv.open()
	wantTake(t, other, 2, true)
	wantOK(t, other)
}

// A replica that starts on an empty Redis lets those that run put their secret
// back.
func TestStartYields(t *testing.T) {
	srv := startServer(t)
	s := srv.open()
	wantTake(t, s, 1, true)
	srv.command("FLUSHALL")
	other := openURL(t, "redis://"+srv.addr, options{yield: patience})
	if !bytes.Equal(other.Secret(), s.Secret()) {
		t.Error("it made a secret of its own")
	}
	testkit.Wait(t, "it is told what the other knows", func() bool {
		_, ok, err := store.Take(t.Context(), other.Windows(), store.Use{Place: store.Place{Key: key(1)}, Limit: 1, Look: true})
		return !ok && err == nil
	})
}

// TestStall freezes Redis for a moment while the same is asked of two replicas:
// all wait, and exactly one passes.
func TestStall(t *testing.T) {
	srv := startServer(t)
	replicas := []*Store{srv.open(), srv.open()}
	srv.pause()
	var passed atomic.Int64
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			_, ok, err := store.Take(t.Context(), replicas[i%2].Windows(), one(1))
			if err != nil {
				t.Error(err)
			}
			if ok {
				passed.Add(1)
			}
		})
	}
	time.Sleep(700 * time.Millisecond)
	srv.resume()
	wg.Wait()
	if passed.Load() != 1 {
		t.Errorf("%d of 20 passed, want 1", passed.Load())
	}
	for _, s := range replicas {
		wantOK(t, s)
	}
}

// TestSlow has a Redis that takes too long, but answers: what it says counts, and
// then it is given up until it is faster.
func TestSlow(t *testing.T) {
	const each = 10
	srv := startServer(t)
	replicas := []*Store{srv.open(), srv.open()}
	srv.pause()
	var passed atomic.Int64
	var wg sync.WaitGroup
	for _, s := range replicas {
		for range each {
			wg.Go(func() {
				_, ok, err := store.Take(t.Context(), s.Windows(), one(1))
				if err != nil {
					t.Error(err)
				}
				if ok {
					passed.Add(1)
				}
			})
		}
		testkit.Wait(t, "all calls are under way", func() bool { return len(s.turns) >= each })
		for range badCalls { // as the timers of calls do
			_ = s.blame(errSlow)
		}
		wantHealth(t, s, store.Slow, slow)
		if !s.Windows().Degraded() {
			t.Error("not degraded")
		}
	}
	srv.resume()
	wg.Wait()
	if passed.Load() != 1 {
		t.Errorf("%d of %d passed, want 1", passed.Load(), 2*each)
	}
	for _, s := range replicas {
		testkit.Wait(t, "it is used again", func() bool { return s.Health().OK() })
		wantTake(t, s, 1, false)
	}
}

const slow = "Redis takes more than a second to answer; windows hold for this replica alone until it is faster"

// TestSlowIsFound has nobody ask but the replica itself.
func TestSlowIsFound(t *testing.T) {
	srv := startServer(t)
	s := openURL(t, "redis://"+srv.addr, options{slow: 50 * time.Millisecond})
	srv.pause()
	testkit.Wait(t, "it is found slow", func() bool { return s.Health().Condition == store.Slow })
	srv.resume()
	testkit.Wait(t, "it is used again", func() bool { return s.Health().OK() })
}

// TestReadOnly makes a replica of Redis, as a failover does.
func TestReadOnly(t *testing.T) {
	srv := startServer(t)
	s := srv.open()
	wantTake(t, s, 1, true)
	srv.command("REPLICAOF", "127.0.0.1", "1")
	wantTake(t, s, 2, true)
	wantHealth(t, s, store.ReadOnly, "Redis takes no writes; windows hold for this replica alone until it does")
	wantTake(t, s, 1, false)
	srv.command("REPLICAOF", "NO", "ONE")
	testkit.Wait(t, "Redis is used again", func() bool { return s.Health().OK() })
	other := srv.open()
	wantTake(t, other, 1, false)
	wantTake(t, other, 2, false)
}

// TestRedisClockSet sets the clock of Redis's machine: nobody is freed early, and
// nobody locked out for longer.
func TestRedisClockSet(t *testing.T) {
	for _, set := range []time.Duration{-time.Hour, time.Hour} {
		srv := startServer(t)
		clock, redis := testkit.NewClock(), testkit.NewClock()
		opts := options{now: clock.Now, elapsed: clock.Elapsed, told: redis.Now}
		advance := func(d time.Duration) { clock.Advance(d); redis.Advance(d) }
		s := openURL(t, "redis://"+srv.addr, opts)
		other := openURL(t, "redis://"+srv.addr, opts)
		until := clock.Now().Add(120 * time.Second)
		if w := wantTake(t, s, 1, true); !w.Until.Equal(until) {
			t.Errorf("until %s, want %s", w.Until, until)
		}
		advance(time.Second)
		redis.Set(set)
		for _, replica := range []*Store{s, other, s} {
			if w := wantTake(t, replica, 1, false); w.Until.Sub(until).Abs() > 2*time.Millisecond {
				t.Errorf("clock set by %s: until %s, want %s", set, w.Until, until)
			}
		}
		advance(118 * time.Second)
		wantTake(t, other, 1, false)
		wantTake(t, s, 1, false)
		advance(time.Second + 5*time.Millisecond)
		wantTake(t, other, 1, true)
		wantTake(t, s, 1, false)
	}
}

// Out of memory, Redis takes nothing: each replica goes on alone, as with a Redis
// that is away.
func TestOutOfMemory(t *testing.T) {
	srv := startServer(t)
	s := srv.open()
	wantTake(t, s, 1, true)
	srv.command("CONFIG", "SET", "maxmemory", "1")
	wantTake(t, s, 2, true)
	wantHealth(t, s, store.NoMemory, "Redis has no memory left; windows hold for this replica alone until it has")
	if !s.Windows().Degraded() {
		t.Error("not degraded")
	}
	wantTake(t, s, 1, false)
	wantTake(t, s, 2, false)
	if err := store.Hold(t.Context(), s.Windows(), key(3), time.Now().Add(time.Hour)); err != nil {
		t.Error(err)
	}
	srv.command("CONFIG", "SET", "maxmemory", "0")
	testkit.Wait(t, "Redis is used again", func() bool { return s.Health().OK() })
	other := srv.open()
	for n := range 3 {
		wantTake(t, other, n+1, false) // carried over
	}
	wantTake(t, other, 4, true)
}

func TestCluster(t *testing.T) {
	srv := startServer(t, "--cluster-enabled", "yes")
	srv.command("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
	testkit.Wait(t, "the cluster is up", func() bool {
		return strings.Contains(srv.command("CLUSTER", "INFO").(string), "cluster_state:ok")
	})
	s := srv.open()
	_, ok, err := store.Take(t.Context(), s.Windows(), one(1), one(2), one(3))
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
}

// TestKilled kills Redis under load, and starts it again.
func TestKilled(t *testing.T) {
	srv := startServer(t)
	records := new(testkit.Log)
	s, err := open(t.Context(), "redis://"+srv.addr, records.Logger(), options{now: time.Now, start: patience, timeout: patience, slow: patience})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	wantTake(t, s, 1, true)
	if err := store.Hold(t.Context(), s.Windows(), key(2), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}

	stop := make(chan struct{})
	var wg sync.WaitGroup
	var slowest atomic.Int64
	for worker := range 50 {
		wg.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				start := time.Now()
				if _, ok, err := store.Take(t.Context(), s.Windows(), one(1_000_000*(worker+1)+n)); !ok || err != nil {
					t.Errorf("Take: ok %v, error %v", ok, err)
					return
				}
				for took := int64(time.Since(start)); ; {
					if before := slowest.Load(); took <= before || slowest.CompareAndSwap(before, took) {
						break
					}
				}
			}
		})
	}
	time.Sleep(50 * time.Millisecond)
	killed := time.Now()
	srv.kill()
	testkit.Wait(t, "the loss is noticed", func() bool { return !s.Health().OK() })
	close(stop)
	wg.Wait()
	if took := time.Duration(slowest.Load()); took > patience {
		t.Errorf("a call took %s", took)
	}

	wantHealth(t, s, store.Away, "Redis is away; windows hold for this replica alone until it is back")
	near(t, "Health", s.Health().Since, killed)

	start := time.Now()
	for n := range 1000 {
		wantTake(t, s, 3000+n, true)
	}
	if took := time.Since(start); took > patience { // without the moment that each waits for a Redis just given up
		t.Errorf("1000 calls took %s: do they still ask Redis?", took)
	}
	wantTake(t, s, 1, false) // this replica's own, from before
	wantTake(t, s, 2, false)
	if err := store.Hold(t.Context(), s.Windows(), key(3), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	wantTake(t, s, 4, true)
	if err := store.Release(t.Context(), s.Windows(), key(4)); err != nil {
		t.Fatal(err)
	}
	pair := store.Use{Place: store.Place{Key: key(5), Slots: 2}, Limit: 1, Period: time.Hour}
	set := store.Change{Place: store.Place{Key: key(6)}, Kind: store.KindSet, Window: store.Window{Used: 2, Until: time.Now().Add(time.Hour)}}
	if taken, err := s.Windows().TakeEach(t.Context(), []store.Use{pair}, []store.Use{pair}, []store.Use{pair}); err != nil || !taken[1].OK || taken[2].OK {
		t.Fatalf("three uses of two slots: %+v, %v", taken, err)
	}
	if err := s.Windows().Change(t.Context(), set, store.Change{Place: store.Place{Key: key(5)}, Kind: store.KindSet}); err != nil {
		t.Fatal(err)
	}
	time.Sleep(2 * time.Second) // some probes fail
	wantLost(t, records, 1, 0)

	if !srv.start() {
		t.Fatal("it does not start again")
	}
	testkit.Wait(t, "Redis is found again", func() bool { return s.Health().OK() })
	wantLost(t, records, 2, 1) // it has lost its data, too
	if !s.Health().OK() || len(s.windows.owed) != 0 {
		t.Errorf("degraded %v, owes %d windows", !s.Health().OK(), len(s.windows.owed))
	}
	other := srv.open()
	if !bytes.Equal(other.Secret(), s.Secret()) {
		t.Error("Redis has another secret than before")
	}
	for _, n := range []int{3000, 3500, 3999, 1, 2, 3} {
		wantTake(t, other, n, false) // carried over
	}
	wantTake(t, other, 4, true)
	wantTake(t, s, 4, false)
	windows, err := store.Peek(t.Context(), other.Windows(), key(5), key(5).Slot(1), key(6))
	if err != nil || windows[0].Used != 0 || windows[1].Used != 1 || windows[2].Used != 2 {
		t.Errorf("what was taken in slots, given back and set: %+v, %v", windows, err)
	}

	srv.kill()
	testkit.Wait(t, "the second loss is noticed", func() bool {
		_, err := store.Peek(t.Context(), s.Windows(), key(1))
		return err == nil && !s.Health().OK()
	})
	wantLost(t, records, 3, 1)
	start = time.Now()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if took := time.Since(start); took > patience {
		t.Errorf("Close took %s", took)
	}
}

// TestHangs has a Redis that answers nobody for a while, but keeps what it has.
func TestHangs(t *testing.T) {
	srv := startServer(t)
	s, other := openURL(t, "redis://"+srv.addr, options{timeout: 500 * time.Millisecond, slow: 250 * time.Millisecond}), srv.open()
	three := store.UseOf(key(1), 3, 120*time.Second)
	take := func(s *Store, want int64) {
		t.Helper()
		windows, ok, err := store.Take(t.Context(), s.Windows(), three)
		if !ok || err != nil || windows[0].Used != want {
			t.Fatalf("Take: %v, ok %v, error %v; want %d used", windows, ok, err, want)
		}
	}
	take(s, 1)
	take(other, 2)
	wantTake(t, s, 2, true)
	wantTake(t, s, 3, true)
	srv.pause()

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, _, err := store.Take(ctx, s.Windows(), one(9)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a caller with no patience: %v", err)
	}
	if !s.Health().OK() {
		t.Error("a caller's deadline is taken for Redis's fault")
	}
	var wg sync.WaitGroup
	for n := range 5 * connections {
		wg.Go(func() { wantTake(t, s, 100+n, true) })
	}
	wg.Wait() // while it hangs still
	if s.Health().OK() {
		t.Fatal("not away, though nothing was answered")
	}
	take(s, 2)                                                              // of its own it knows one
	if err := store.Release(t.Context(), s.Windows(), key(2)); err != nil { // taken before
		t.Fatal(err)
	}
	if err := store.Hold(t.Context(), s.Windows(), key(3), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	srv.resume()
	testkit.Wait(t, "Redis answers again", func() bool { return s.Health().OK() })

	windows, err := store.Peek(t.Context(), other.Windows(), key(1), key(2), key(3))
	if err != nil {
		t.Fatal(err)
	}
	for i, used := range []int64{3, 0, store.Held} {
		if windows[i].Used != used {
			t.Errorf("key %d: %d used, want %d", i+1, windows[i].Used, used)
		}
	}
	wantTake(t, other, 100, false)
}

func TestCarriesManyWhileInUse(t *testing.T) {
	srv := startServer(t)
	s := srv.open()
	srv.kill()
	const n = 5*carried + 1
	for i := range n {
		wantTake(t, s, i, true)
	}
	var taken atomic.Int64
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				case <-time.After(time.Millisecond):
				}
				wantTake(t, s, 1_000_000*(worker+1)+i, true)
				taken.Add(1)
			}
		})
	}
	if !srv.start() {
		t.Fatal("it does not start again")
	}
	testkit.Wait(t, "Redis is found again", func() bool { return s.Health().OK() })
	close(stop)
	wg.Wait()
	if got, want := srv.command("DBSIZE"), n+taken.Load()+ours; got != want {
		t.Errorf("%d keys, want all %d", got, want)
	}
}

func TestOwesBounded(t *testing.T) {
	s := startServer(t).open()
	s.end()
	giveUp(s)
	for i := range maxOwed + 10 {
		wantTake(t, s, i, true)
	}
	if len(s.windows.owed) != maxOwed {
		t.Errorf("owes %d windows, want %d", len(s.windows.owed), maxOwed)
	}
	if err := s.Close(); err == nil || !strings.Contains(err.Error(), "of 100000 windows is lost") {
		t.Errorf("Close: %v", err)
	}
}

const password = "s3cr3t/#?@:%p"

var inURL = strings.NewReplacer("/", "%2F", "#", "%23", "?", "%3F", "@", "%40", ":", "%3A", "%", "%25").Replace

// notShown fails when text has a part of the password.
func notShown(t *testing.T, text string) {
	t.Helper()
	for _, part := range []string{password, inURL(password), "s3cr3t"} {
		if strings.Contains(text, part) {
			t.Errorf("shows the password: %s", text)
		}
	}
}

func wantOpen(t *testing.T, url, want string) {
	t.Helper()
	wantOpenIn(t, patience, url, want)
}

func wantOpenIn(t *testing.T, timeout time.Duration, url, want string) {
	t.Helper()
	records := new(testkit.Log)
	start := time.Now()
	s, err := open(t.Context(), url, records.Logger(), options{now: time.Now, start: timeout, timeout: timeout, slow: timeout, yield: time.Millisecond})
	if took := time.Since(start); took > 3*patience {
		t.Errorf("took %s", took)
	}
	if err == nil {
		s.Close()
		t.Errorf("no error, want %s", want)
		return
	}
	if err.Error() != want {
		t.Errorf("%v\nwant %s", err, want)
	}
	notShown(t, fmt.Sprintf("%v %+v %#v %s", err, err, err, records))
}

func TestOpenURLs(t *testing.T) {
	for _, url := range []string{
		"", "redis://", "redis:", "redis:///1", "host:6379", "http://:" + inURL(password) + "@host", "redis://:s3cr3t",
		"redis://user:" + password + "@host:6379", "redis://user:s3cr3t%@host", "redis://user:s3cr3t%zz@host",
		"redis://user:s3cr3t/x@host:6379/0", "redis://user:123/s3cr3t@host:6379/0", "redis://user:123?s3cr3t@host:6379/0",
		"redis://user:123#s3cr3t@host:6379/0", "redis://user:s3cr3t@host:6379/zero", "redis://user:s3cr3t@host:6379/-1",
		"redis://user:s3cr3t@host:6379/1/2", "redis://user:s3cr3t@host:6379?db=1", "redis://user:s3cr3t@host:port",
		"redis://user:s3cr3t@host:6379/99999999999999999999", "redis://user:s3cr3t\x7f@host", "redis://us er:s3cr3t@host",
	} {
		t.Run(url, func(t *testing.T) { wantOpen(t, url, errURL.Error()) })
	}
	for url, want := range map[string][]any{
		"redis://h":       {"h:6379", "", "", 0},
		"redis://h:1/":    {"h:1", "", "", 0},
		"redis://[::1]/3": {"[::1]:6379", "", "", 3},
		"rediss://u:" + inURL(password) + "@h:7000/12": {"h:7000", "u", password, 12},
		"redis://:" + inURL(password) + "@h":           {"h:6379", "", password, 0},
	} {
		got, err := parse(url, options{})
		if err != nil || got.address != want[0] || got.username != want[1] || got.password != want[2] || got.db != want[3] || (got.tls != nil) != strings.HasPrefix(url, "rediss:") {
			t.Errorf("%s: %+v, error %v", url, got, err)
		}
	}
}

func TestOpenErrors(t *testing.T) {
	srv := startServer(t)
	guarded := startServer(t, append([]string{"--requirepass", password}, strings.Fields(
		"--user bot on >"+password+" ~aggregator:* +@connection +@read +@write +eval +evalsha +time "+
			"--user weak on >"+password+" +@connection +eval +evalsha")...)...)
	full := startServer(t)
	full.command("CONFIG", "SET", "maxmemory", "1")
	spoilt := startServer(t)
	spoilt.command("SET", secretKey, "hello")
	replica := startServer(t, "--replicaof", "127.0.0.1", "1", "--replica-serve-stale-data", "yes")
	node := startServer(t, "--cluster-enabled", "yes")
	secret := inURL(password)

	for name, test := range map[string]struct{ credentials, addr, path, want string }{
		"wrong password":  {":wrong-" + secret + "@", guarded.addr, "", "does not accept the user or password in the URL"},
		"wrong user":      {"nobody:" + secret + "@", guarded.addr, "/1", "does not accept the user or password in the URL"},
		"no password":     {"", guarded.addr, "/1", "wants a password: redis://user:password@host:port/db"},
		"may not":         {"weak:" + secret + "@", guarded.addr, "", "forbids this user what is needed: allow ~aggregator:* &aggregator:* +@connection +@read +@write +publish +subscribe +eval +evalsha +time"},
		"wrong db":        {"", srv.addr, "/100", "has no database of the number in the URL"},
		"db of a cluster": {"", node.addr, "/1", "is a cluster, which has database 0 alone: leave the number out of the URL"},
		"cluster down":    {"", node.addr, "", "is a node of a cluster that is down"},
		"full":            {"", full.addr, "", "has no memory left: raise its maxmemory"},
		"spoilt":          {"", spoilt.addr, "", "has something else under aggregator:{w}:secret: it is another program's, or damaged"},
		"replica":         {"", replica.addr, "", "is a replica: give the address of the primary"},
	} {
		t.Run(name, func(t *testing.T) {
			wantOpen(t, "redis://"+test.credentials+test.addr+test.path, "store: Redis at "+test.addr+" "+test.want)
		})
	}
	t.Run("plain", func(t *testing.T) {
		_, err := Open(t.Context(), "rediss://:"+secret+"@"+srv.addr, nil)
		if err == nil || !strings.HasPrefix(err.Error(), "store: Redis at "+srv.addr+" ") {
			t.Error(err)
		}
		notShown(t, fmt.Sprint(err))
	})
	t.Run("away", func(t *testing.T) {
		gone := startServer(t)
		gone.kill()
		testkit.Wait(t, "it is gone", func() bool { _, err := net.Dial("tcp", gone.addr); return err != nil })
		wantOpen(t, "redis://:"+secret+"@"+gone.addr, "store: Redis at "+gone.addr+" refuses connections: start it, or correct the URL")
	})
	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := Open(ctx, "redis://:"+secret+"@"+srv.addr, nil)
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		notShown(t, fmt.Sprint(err))
	})
	t.Run("user and password", func(t *testing.T) {
		for _, user := range []string{"", "bot"} {
			s := openURL(t, "redis://"+user+":"+secret+"@"+guarded.addr+"/2", options{})
			_, ok, err := store.Take(t.Context(), s.Windows(), one(len(user)), one(9+len(user)))
			if !ok || err != nil || !s.Health().OK() {
				t.Error(ok, err, s.Health())
			}
			if err := store.Release(t.Context(), s.Windows(), key(len(user))); err != nil || !s.Health().OK() {
				t.Error(err, s.Health())
			}
		}
	})
}

// pretend serves like some Redis that cannot be had: each command is answered
// with what answer says.
func pretend(t *testing.T, answer func(command string) string) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	t.Cleanup(func() { l.Close(); wg.Wait() })
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer conn.Close()
				for in := bufio.NewReader(conn); ; {
					var words, size int
					if _, err := fmt.Fscanf(in, "*%d\r\n", &words); err != nil {
						return
					}
					var command []string
					for range words {
						if _, err := fmt.Fscanf(in, "$%d\r\n", &size); err != nil {
							return
						}
						word := make([]byte, size+2)
						for n := range word {
							word[n], _ = in.ReadByte()
						}
						command = append(command, string(word[:size]))
					}
					command[0] = strings.ToLower(command[0]) // clients write it either way
					if _, err := conn.Write([]byte(answer(strings.Join(command, " ")))); err != nil {
						return
					}
				}
			})
		}
	})
	return l.Addr().String()
}

func TestOpenStrangers(t *testing.T) {
	echo := func(command string) string {
		return "-ERR unknown command, with args beginning with: " + strings.ReplaceAll(command, "\r\n", " ") + "\r\n"
	}
	scripts := func(says string) func(command string) string {
		return func(command string) string {
			switch {
			case strings.HasPrefix(command, "hello"):
				return echo(command)
			case strings.HasPrefix(command, "eval"):
				return says
			}
			return "+OK\r\n"
		}
	}
	for name, test := range map[string]struct {
		answer func(command string) string
		want   string
	}{
		"knows no command": {echo, "cannot run scripts: use Redis 5 or newer"},
		"knows no scripts": {scripts(echo("evalsha")), "cannot run scripts: use Redis 5 or newer"},
		"has no password": {func(c string) string {
			if strings.HasPrefix(c, "auth") {
				return "-ERR Client sent AUTH, but no password is set\r\n"
			}
			return echo(c)
		}, "has no password set: leave it out of the URL"},
		"old": {
			scripts("-ERR Error running script: @user_script: 2: Write commands not allowed after non deterministic commands.\r\n"),
			"is too old: use Redis 5 or newer",
		},
		"echoes":     {func(c string) string { return "-WAT " + c + "\r\n" }, "answers with an error that is not known here: see its log"},
		"no Redis":   {func(c string) string { return "HTTP/1.1 400 " + c + "\r\n\r\n" }, "does not answer as Redis does: correct the URL; if it speaks TLS, write rediss://"},
		"says wrong": {scripts("+hello\r\n"), "has something else under aggregator:{w}:secret: it is another program's, or damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			addr := pretend(t, test.answer)
			wantOpen(t, "redis://bot:"+inURL(password)+"@"+addr, "store: Redis at "+addr+" "+test.want)
		})
	}
	t.Run("silent", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		addr := l.Addr().String()
		wantOpenIn(t, 200*time.Millisecond, "redis://bot:"+inURL(password)+"@"+addr, "store: Redis at "+addr+" does not answer in time: check that it runs, the address, and firewalls")
	})
}

func TestTLS(t *testing.T) {
	dir := t.TempDir()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"cert": {Type: "CERTIFICATE", Bytes: cert}, "key": {Type: "PRIVATE KEY", Bytes: der}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "cert"), filepath.Join(dir, "key"))
	if err != nil {
		t.Fatal(err)
	}

	// In front of a Redis without TLS, for not each is built with it.
	srv := startServer(t, "--requirepass", password)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	t.Cleanup(func() { l.Close(); wg.Wait() })
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer conn.Close()
				back, err := net.Dial("tcp", srv.addr)
				if err != nil {
					return
				}
				defer back.Close()
				wg.Go(func() { _, _ = bufio.NewReader(back).WriteTo(conn); conn.Close() })
				_, _ = bufio.NewReader(conn).WriteTo(back)
			})
		}
	})
	addr := l.Addr().String()
	rest := ":" + inURL(password) + "@" + addr

	roots := x509.NewCertPool()
	leaf, err := x509.ParseCertificate(cert)
	if err != nil {
		t.Fatal(err)
	}
	roots.AddCert(leaf)
	s := openURL(t, "rediss://"+rest, options{roots: roots})
	wantTake(t, s, 1, true)
	wantOK(t, s)
	s.Close()
	wantOpen(t, "rediss://"+rest, "store: Redis at "+addr+" shows a certificate that is not trusted: x509: certificate signed by unknown authority")
	wantOpen(t, "redis://"+rest, "store: Redis at "+addr+" hangs up: check that it runs; if it speaks TLS, write rediss://")
}

func TestCloseWhileInUse(t *testing.T) {
	s := startServer(t).open()
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for n := 0; ; n++ {
				_, ok, err := store.Take(context.Background(), s.Windows(), one(worker*1_000_000+n))
				if errors.Is(err, store.ErrClosed) {
					return
				}
				if !ok || err != nil {
					t.Errorf("Take: ok %v, error %v", ok, err)
					return
				}
			}
		})
	}
	time.Sleep(50 * time.Millisecond)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	wg.Wait()
}

func BenchmarkTake(b *testing.B) {
	bench := func(b *testing.B, run func(b *testing.B, take func())) {
		s := startServer(b).open()
		var n atomic.Int64
		run(b, func() {
			if _, ok, err := store.Take(context.Background(), s.Windows(), store.UseOf(key(int(n.Add(1))), 1, time.Second)); !ok || err != nil {
				b.Error(ok, err)
			}
		})
		b.StopTimer()
		wantOK(b, s)
	}
	b.Run("serial", func(b *testing.B) {
		bench(b, func(b *testing.B, take func()) {
			for b.Loop() {
				take()
			}
		})
	})
	for _, callers := range []int{1, 100, 2500} {
		b.Run(fmt.Sprintf("parallel%d", callers), func(b *testing.B) {
			bench(b, func(b *testing.B, take func()) {
				b.SetParallelism(callers)
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						take()
					}
				})
			})
		})
	}
}

func BenchmarkPeek1000(b *testing.B) {
	s := startServer(b).open()
	keys := make([]store.Key, 1000)
	for n := range keys {
		keys[n] = key(n)
	}
	for b.Loop() {
		if _, err := store.Peek(b.Context(), s.Windows(), keys...); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkShards(b *testing.B) { storetest.BenchmarkShards(b, startServer(b).open().Shards()) }

func BenchmarkState(b *testing.B) { storetest.BenchmarkState(b, startServer(b).open().State()) }

package sqlite

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"aggregator/internal/testkit"
	"aggregator/store"
	"aggregator/store/storetest"
)

// childEnv names the file that a child process of the tests is to open.
const childEnv = "STORE_SQLITE_TEST_CHILD"

func TestMain(m *testing.M) {
	if path := os.Getenv(childEnv); path != "" {
		child(path)
		return
	}
	if path := os.Getenv(outboxEnv); path != "" {
		outboxChild(path)
		return
	}
	os.Exit(m.Run())
}

// childFrom is the first key of a child that takes windows until it is killed.
const childFrom = "STORE_SQLITE_TEST_FROM"

// child takes a window, holds another, says so and waits to be killed. With
// childFrom it goes on taking windows instead, several at once, and says which.
func child(path string) {
	s, err := Open(path, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	if os.Getenv(childAdds) != "" {
		addUntilKilled(s)
	}
	if from, err := strconv.Atoi(os.Getenv(childFrom)); err == nil {
		for worker := range 4 {
			go func() {
				for n := from + worker; ; n += 4 {
					if _, ok, err := store.Take(context.Background(), s.Windows(), one(n)); ok && err == nil {
						fmt.Println(n)
					}
				}
			}()
		}
		select {}
	}
	_, ok, err := store.Take(context.Background(), s.Windows(), one(1), one(2))
	if err == nil {
		err = store.Hold(context.Background(), s.Windows(), key(3), time.Now().Add(time.Hour))
	}
	if err == nil {
		_, err = s.State().Save(context.Background(), store.Key{}, store.Item{Key: key(1), Data: []byte("kept"), Due: time.Now()})
	}
	if err == nil {
		_, err = s.Shards().Report(context.Background(), shardReport(3, 0, 10, 2, 12))
	}
	fmt.Println(ok, err)
	_, _ = io.Copy(io.Discard, os.Stdin)
}

func TestStore(t *testing.T) {
	storetest.Windows(t, func(t *testing.T, clock *testkit.Clock) store.Store {
		return reopen(t, file(t), options{now: clock.Now, elapsed: clock.Elapsed})
	})
}

func TestState(t *testing.T) {
	storetest.State(t, func(t *testing.T, clock *testkit.Clock) store.Store {
		return reopen(t, file(t), options{now: clock.Now, elapsed: clock.Elapsed})
	})
}

func TestShards(t *testing.T) {
	storetest.Shards(t, func(t *testing.T, clock *testkit.Clock) store.Store {
		return reopen(t, file(t), options{now: clock.Now, elapsed: clock.Elapsed, bounds: storetest.ShardBounds})
	})
}

func file(t testing.TB) string { return filepath.Join(t.TempDir(), "a b?#%20.db") }

func reopen(t testing.TB, path string, opts options) *Store {
	t.Helper()
	if opts.now == nil {
		opts.now = time.Now
	}
	if opts.maxKeys == 0 {
		opts.maxKeys = store.DefaultMaxKeys
	}
	if opts.bounds == (store.ShardBounds{}) {
		opts.bounds = store.DefaultShardBounds
	}
	if opts.outbox == (store.OutboxBounds{}) {
		opts.outbox = store.DefaultOutboxBounds
	}
	if opts.histories == 0 {
		opts.histories = store.MaxHistories
	}
	s, err := open(path, nil, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func key(n int) store.Key {
	var k store.Key
	binary.BigEndian.PutUint64(k[:], uint64(n))
	return k
}

func one(n int) store.Use { return store.UseOf(key(n), 1, 120*time.Second) }

func wantHealth(t *testing.T, s *Store, state store.Condition, text string) {
	t.Helper()
	if h := s.Health(); h.Condition != state || h.Text != text {
		t.Errorf("Health: %+v, want %s, %q", h, state, text)
	}
}

func wantTake(t *testing.T, s *Store, n int, want bool) {
	t.Helper()
	_, ok, err := store.Take(t.Context(), s.Windows(), one(n))
	if err != nil || ok != want {
		t.Fatalf("Take of key %d: ok %v, error %v; want ok %v", n, ok, err, want)
	}
}

func TestReopenKeepsWindows(t *testing.T) {
	path, clock := file(t), testkit.NewClock()
	s := reopen(t, path, options{now: clock.Now})
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, error %v; want 0600", info.Mode().Perm(), err)
	}
	for n := range 3 {
		wantTake(t, s, n, true)
	}
	held := store.Change{Place: store.Place{Key: key(3)}, Kind: store.KindHold, Window: store.Window{Until: clock.Now().Add(time.Hour), Note: "why"}}
	if err := s.Windows().Change(t.Context(), held); err != nil {
		t.Fatal(err)
	}
	if err := store.Release(t.Context(), s.Windows(), key(2)); err != nil {
		t.Fatal(err)
	}
	secret := s.Secret()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*")); len(left) != 1 {
		t.Errorf("files after Close: %q, want the store alone", left)
	}

	clock.Advance(100 * time.Second)
	s = reopen(t, path, options{now: clock.Now})
	if string(s.Secret()) != string(secret) {
		t.Error("another secret after reopening")
	}
	wantTake(t, s, 0, false)
	wantTake(t, s, 1, false)
	wantTake(t, s, 2, true)
	wantTake(t, s, 3, false)
	if all, err := s.Windows().Noted(t.Context()); err != nil || len(all) != 1 || all[0].Note != "why" || all[0].Key != key(3) {
		t.Errorf("windows with notes: %v, %v; want the one of key 3", all, err)
	}
	s.Close()

	clock.Advance(20 * time.Second)
	s = reopen(t, path, options{now: clock.Now})
	if n := count(t, s); n != 2 {
		t.Errorf("%d rows after some expired, want 2", n)
	}
	wantTake(t, s, 0, true)
	wantTake(t, s, 2, false)
	wantTake(t, s, 3, false)
}

func count(t *testing.T, s *Store) (n int) {
	t.Helper()
	if err := s.file.db.QueryRow(`SELECT count(*) FROM windows`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestSurvivesKill(t *testing.T) {
	path := file(t)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+path)
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(out).ReadString('\n')
	_, second := Open(path, nil)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if line != "true <nil>\n" {
		t.Fatalf("child says %q", line)
	}

	if want := "store file " + path + " is in use by another process"; second == nil || second.Error() != want {
		t.Errorf("while the child has it open: %v, want %s", second, want)
	}
	s := reopen(t, path, options{})
	for n := range 3 {
		wantTake(t, s, n+1, false)
	}
	wantTake(t, s, 4, true)
	if items, err := s.State().Load(t.Context(), key(1)); err != nil || string(items[0].Data) != "kept" || items[0].Due.IsZero() {
		t.Errorf("item: %+v, %v", items, err)
	}
	if set, err := s.Shards().Report(t.Context(), shardReport(3, 1, 11)); err != nil || !slices.Equal(set.Counts, []int64{10, 11, 12}) {
		t.Errorf("set: %+v, %v; want all counts", set, err)
	}
}

// shardReport is a report of pairs of shard and count.
func shardReport(of int, counts ...int64) store.ShardReport {
	r := store.ShardReport{Set: key(1), Network: key(2), Of: of, TTL: 24 * time.Hour, Pace: 120 * time.Second, Round: 10 * time.Minute}
	for ; len(counts) > 0; counts = counts[2:] {
		r.Counts = append(r.Counts, store.ShardCount{Shard: int(counts[0]), Count: counts[1]})
	}
	return r
}

// TestReopenKeepsShards closes the store after each step of a round.
func TestReopenKeepsShards(t *testing.T) {
	path, clock := file(t), testkit.NewClock()
	opts := options{now: clock.Now, elapsed: clock.Elapsed}
	s := reopen(t, path, opts)
	again := func() {
		t.Helper()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = reopen(t, path, opts)
	}
	report := func(claim bool, r store.ShardReport) store.ShardSet {
		t.Helper()
		set, err := s.Shards().Report(t.Context(), r)
		if err != nil || (set.Claim != (store.ShardClaim{})) != claim {
			t.Fatalf("Report: %+v, %v; want a claim: %v", set, err, claim)
		}
		return set
	}
	other := shardReport(2, 0, 1)
	other.Set, other.Network = key(9), store.Key{}
	report(false, other)
	report(false, shardReport(2, 0, 1))
	again()
	clock.Advance(time.Minute)
	set := report(true, shardReport(2, 1, 2))
	again()
	report(false, shardReport(2, 0, 3)) // it is being posted
	again()
	if err := s.Shards().Settle(t.Context(), set.Claim, store.ShardsPosted); err != nil {
		t.Fatal(err)
	}
	again()
	if silence, ok, err := s.Shards().Silence(t.Context(), key(1), 10, time.Hour); err != nil || !ok || silence.Round != time.Minute || silence.Known != 2 {
		t.Errorf("%+v, %v, %v; want a round of a minute", silence, ok, err)
	}
	clock.Advance(119 * time.Second)
	if set := report(false, shardReport(2, 1, 4)); !set.NextPost.Equal(clock.Now().Add(time.Second)) {
		t.Errorf("next post at %s, want in a second", set.NextPost)
	}
	again()
	clock.Advance(time.Second)
	if set := report(true, shardReport(2, 1, 5)); !slices.Equal(set.Counts, []int64{3, 5}) {
		t.Errorf("counts %d", set.Counts)
	}
	again()
	report(false, shardReport(3, 0, 1, 1, 1)) // another number of shards
	report(true, shardReport(3, 2, 1))        // the old set is forgotten
	again()
	if set := report(false, shardReport(2, 0, 1)); set.Known != 1 {
		t.Errorf("%+v, want the old set forgotten", set)
	}
	other.Counts[0].Shard = 1
	if set := report(true, other); !slices.Equal(set.Counts, []int64{1, 1}) {
		t.Errorf("the set of a bot with a key: %+v", set)
	}
	clock.Advance(25 * time.Hour)
	again()
	for _, table := range []string{"shard_sets", "shard_counts"} {
		var n int
		if err := s.file.db.QueryRow(`SELECT count(*) FROM ` + table).Scan(&n); err != nil || n != 0 {
			t.Errorf("%s: %d rows that are over, error %v", table, n, err)
		}
	}
}

// TestKilledWhileWriting kills a process again and again in the midst of
// writing. What it was told to be taken is taken, and the file is whole.
func TestKilledWhileWriting(t *testing.T) {
	path := file(t)
	said := map[int]bool{}
	for round := range 8 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childEnv+"="+path, childFrom+"="+strconv.Itoa(round*1_000_000))
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			key, err := strconv.Atoi(lines.Text())
			if err != nil {
				t.Fatalf("child says %q", lines.Text())
			}
			said[key] = true
			if n == 20*(round+1) {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = cmd.Wait()
	}
	s := reopen(t, path, options{})
	var whole string
	if err := s.file.db.QueryRow(`PRAGMA integrity_check`).Scan(&whole); err != nil || whole != "ok" {
		t.Errorf("integrity_check: %s, %v", whole, err)
	}
	if len(said) < 8*20 {
		t.Errorf("only %d taken", len(said))
	}
	for n := range said {
		wantTake(t, s, n, false)
	}
}

// TestReopenKeepsItems wants items to outlive the process, but not its claims,
// and those that nobody saves again to go.
func TestReopenKeepsItems(t *testing.T) {
	path, clock := file(t), testkit.NewClock()
	opts := options{now: clock.Now, elapsed: clock.Elapsed}
	s := reopen(t, path, opts)
	holder := store.NewHolder()
	for _, item := range []store.Item{
		{Key: key(1), Data: []byte("one"), Due: clock.Now()},
		{Key: key(2), Data: []byte("\x00two")},
		{Key: key(3), Due: clock.Now().Add(time.Hour)},
		{Key: key(4), Data: []byte("removed")},
		{Key: key(4), Version: 1},
	} {
		if saved, err := s.State().Save(t.Context(), store.Key{}, item); err != nil || !saved[0] {
			t.Fatal(saved, err)
		}
	}
	if claimed, err := s.State().Claim(t.Context(), holder, time.Hour, key(1)); err != nil || !claimed[0].OK {
		t.Fatalf("%+v, %v", claimed, err)
	}
	s.Close()

	s = reopen(t, path, opts)
	items, err := s.State().Load(t.Context(), key(1), key(2), key(3), key(4))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []store.Item{
		{Key: key(1), Data: []byte("one"), Due: clock.Now(), Version: 1},
		{Key: key(2), Data: []byte("\x00two"), Version: 1},
		{Key: key(3), Due: clock.Now().Add(time.Hour), Version: 1},
		{Key: key(4)},
	} {
		if got := items[i]; string(got.Data) != string(want.Data) || !got.Due.Equal(want.Due) || got.Version != want.Version || got.Key != want.Key {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	if claimed, err := s.State().Claim(t.Context(), store.NewHolder(), time.Hour, key(1)); err != nil || !claimed[0].OK {
		t.Errorf("the claim of a process that has ended holds: %+v, %v", claimed, err)
	}
	clock.Advance(store.ItemTTL - time.Hour)
	items[0].Data = []byte("again")
	if saved, err := s.State().Save(t.Context(), store.Key{}, items[0]); err != nil || !saved[0] {
		t.Fatal(saved, err)
	}
	s.Close()
	clock.Advance(2 * time.Hour)
	s = reopen(t, path, opts)
	if items, err = s.State().Load(t.Context(), key(1), key(2)); err != nil || items[0].Version != 2 || items[1].Version != 0 {
		t.Errorf("%+v, %v; want the first alone", items, err)
	}
}

// TestFileGone removes the file under a store: it is written anew, with all that
// was in it.
func TestFileGone(t *testing.T) {
	path, clock, log := file(t), testkit.NewClock(), new(testkit.Log)
	s, err := open(path, log.Logger(), options{now: clock.Now, maxKeys: store.DefaultMaxKeys})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	secret := s.Secret()
	for n := range 100 {
		wantTake(t, s, n, true)
	}
	if saved, err := s.State().Save(t.Context(), store.Key{}, store.Item{Key: key(1), Data: []byte("kept")}); err != nil || !saved[0] {
		t.Fatal(saved, err)
	}
	if _, err := s.Shards().Report(t.Context(), shardReport(2, 0, 5)); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"", "-wal"} {
		if err := os.Remove(path + suffix); err != nil {
			t.Fatal(err)
		}
	}
	wantTake(t, s, 100, true) // the next flush sees it
	testkit.Wait(t, "the file is written anew", func() bool { return len(log.Lines()) == 2 && s.Health().OK() })
	log.Want(t, "WARN windows are kept in memory alone, and no votes are taken: the file was removed", "INFO the store's file is written anew")
	wantTake(t, s, 101, true)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, error %v; want 0600", info.Mode().Perm(), err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*")); len(left) != 1 {
		t.Errorf("files after Close: %q, want the store alone", left)
	}

	s = reopen(t, path, options{now: clock.Now})
	if string(s.Secret()) != string(secret) {
		t.Error("another secret in the new file")
	}
	for n := range 102 {
		wantTake(t, s, n, false)
	}
	if items, err := s.State().Load(t.Context(), key(1)); err != nil || string(items[0].Data) != "kept" {
		t.Errorf("item: %+v, %v", items, err)
	}
	if set, err := s.Shards().Report(t.Context(), shardReport(2, 1, 6)); err != nil || set.Total != 11 {
		t.Errorf("set: %+v, %v; want a total of 11", set, err)
	}
}

// TestFileReplaced puts another file in the place of a store's. It is left
// alone; when it is taken away the store's is written anew, and when the store's
// own comes back it goes on in that.
func TestFileReplaced(t *testing.T) {
	const replaced = "windows are kept in memory alone, and no votes are taken: another file stands in the place of the store's"
	for name, test := range map[string]struct {
		restore func(path string) error
		said    []string
	}{
		"taken away": {os.Remove, []string{
			"INFO the file in the place of the store's is gone",
			"WARN windows are kept in memory alone, and no votes are taken: the file was removed",
			"INFO the store's file is written anew",
		}},
		"moved back": {
			func(path string) error { return os.Rename(path+".old", path) },
			[]string{"INFO the store's file is in its place again"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			path, log := file(t), new(testkit.Log)
			s, err := open(path, log.Logger(), options{now: time.Now, maxKeys: store.DefaultMaxKeys})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			wantTake(t, s, 0, true)
			if err := os.Rename(path, path+".old"); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte("another program's"), 0o600); err != nil {
				t.Fatal(err)
			}
			wantTake(t, s, 1, true)
			wantHealth(t, s, store.Replaced, replaced)
			for n := range 50 { // nobody waits for the file
				wantTake(t, s, 2+n, true)
			}
			wantTake(t, s, 0, false)
			log.Want(t, "WARN "+replaced)
			if data, err := os.ReadFile(path); string(data) != "another program's" || err != nil {
				t.Errorf("the other file holds %q, error %v", data, err)
			}

			if err := test.restore(path); err != nil {
				t.Fatal(err)
			}
			testkit.Wait(t, "the store is well again", func() bool { return s.Health().OK() })
			log.Want(t, append([]string{"WARN " + replaced}, test.said...)...)
			testkit.Wait(t, "what waited is written", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return s.failed == nil })
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = reopen(t, path, options{})
			for n := range 52 {
				wantTake(t, s, n, false)
			}
		})
	}
}

// TestClockSetWhileStopped sets the wall clock back between two runs: what was
// taken stays taken, for no longer than its period.
func TestClockSetWhileStopped(t *testing.T) {
	for _, set := range []time.Duration{-time.Hour, -10 * 365 * 24 * time.Hour} {
		path, clock := file(t), testkit.NewClock()
		clock.Advance(20 * 365 * 24 * time.Hour)
		s := reopen(t, path, options{now: clock.Now, elapsed: clock.Elapsed})
		wantTake(t, s, 0, true)
		s.Close()
		clock.Set(set)
		s = reopen(t, path, options{now: clock.Now, elapsed: clock.Elapsed})
		wantTake(t, s, 0, false)
		clock.Advance(100 * time.Second)
		wantTake(t, s, 0, false)
		wantTake(t, s, 1, true)
		s.Close()

		clock.Advance(20 * time.Second) // counts, for the wall clock was not set meanwhile
		s = reopen(t, path, options{now: clock.Now, elapsed: clock.Elapsed})
		wantTake(t, s, 0, true)
		wantTake(t, s, 1, false)
		clock.Advance(100 * time.Second)
		wantTake(t, s, 1, true)
		s.Close()
	}
}

// TestFull wants a full store to start, to refuse nothing, and to keep no more
// rows than windows.
func TestFull(t *testing.T) {
	path, log := file(t), new(testkit.Log)
	s := reopen(t, path, options{})
	for n := range 50 {
		if _, _, err := store.Take(t.Context(), s.Windows(), store.UseOf(key(n), 1, time.Duration(1000+n)*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	s.Close()
	s, err := open(path, log.Logger(), options{now: time.Now, maxKeys: 20})
	if err != nil {
		t.Fatalf("a full store does not start: %v", err)
	}
	defer s.Close()
	const full = "the store is full, with 20 windows; those that end soonest make room"
	wantHealth(t, s, store.Full, full)
	log.Want(t, "WARN "+full)
	wantTake(t, s, 49, false)
	wantTake(t, s, 0, true)
	for n := range 100 {
		wantTake(t, s, 100+n, true)
	}
	wantTake(t, s, 49, false) // ends last
	if got := count(t, s); got != 20 {
		t.Errorf("%d rows, want 20", got)
	}
}

func TestOpenTwice(t *testing.T) {
	path := file(t)
	for range 2 { // a file just made, and one that was there
		s := reopen(t, path, options{})
		if _, err := Open(path, nil); err == nil || !strings.HasSuffix(err.Error(), "is in use by another process") {
			t.Errorf("second Open: %v", err)
		}
		wantTake(t, s, 1, true)
		if err := store.Release(t.Context(), s.Windows(), key(1)); err != nil {
			t.Fatal(err)
		}
		s.Close()
	}
}

func TestOpenErrors(t *testing.T) {
	prepare := func(query string) func(string) error {
		return func(path string) error {
			dsn, err := dataSource(path)
			if err != nil {
				return err
			}
			db, err := sql.Open("sqlite", dsn)
			if err != nil {
				return err
			}
			defer db.Close()
			_, err = db.Exec(query)
			return err
		}
	}
	write := func(data string) func(string) error {
		return func(path string) error { return os.WriteFile(path, []byte(data), 0o600) }
	}
	for name, test := range map[string]struct {
		prepare func(path string) error
		want    string
	}{
		"newer schema": {
			prepare(`PRAGMA user_version = 99`),
			fmt.Sprintf("has schema version 99, written by a newer aggregator; this one knows up to %d", len(migrations)),
		},
		"other program": {prepare(`CREATE TABLE songs (name TEXT)`), "is a database of another program"},
		"garbage":       {write(strings.Repeat("no database at all\n", 500)), "is not a SQLite database"},
		"short garbage": {write("hello"), "is not a SQLite database"},
		"folder":        {func(path string) error { return os.Mkdir(path, 0o700) }, "cannot be written: check the permissions of the file and its folder"},
		"damaged": {func(path string) error {
			s, err := Open(path, nil)
			if err != nil {
				return err
			}
			for n := range 200 {
				if _, _, err := store.Take(context.Background(), s.Windows(), one(n)); err != nil {
					return err
				}
			}
			if err := s.Close(); err != nil {
				return err
			}
			f, err := os.OpenFile(path, os.O_RDWR, 0)
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = f.WriteAt(make([]byte, 8192), 8192)
			return err
		}, "is damaged"},
		"bad secret": {func(path string) error {
			s, err := Open(path, nil)
			if err != nil {
				return err
			}
			s.Close()
			return prepare(`UPDATE meta SET value = x'00'`)(path)
		}, "is damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			path := file(t)
			if err := test.prepare(path); err != nil {
				t.Fatal(err)
			}
			_, err := Open(path, nil)
			if want := "store file " + path + " " + test.want; err == nil || err.Error() != want {
				t.Errorf("%v, want %s", err, want)
			}
		})
	}

	t.Run("no folder", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "none", "a.db")
		_, err := Open(path, nil)
		if want := "store file " + path + " cannot be made: no such file or directory"; err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	})
	t.Run("no name", func(t *testing.T) {
		if _, err := Open("", nil); err == nil {
			t.Error("no error")
		}
	})
	t.Run("read-only", func(t *testing.T) {
		if os.Geteuid() == 0 {
			t.Skip("root may write everywhere")
		}
		path := file(t)
		if err := os.Chmod(filepath.Dir(path), 0o500); err != nil {
			t.Fatal(err)
		}
		_, err := Open(path, nil)
		if want := "store file " + path + " cannot be made: permission denied"; err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	})
}

func TestFullDisk(t *testing.T) {
	path, clock := file(t), testkit.NewClock()
	log := new(testkit.Log)
	s, err := open(path, log.Logger(), options{now: clock.Now, maxKeys: store.DefaultMaxKeys})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()

	wantTake(t, s, 0, true)
	if err := store.Hold(t.Context(), s.Windows(), key(1), clock.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	// SQLite fails with the same code when the disk is full.
	pages := func(n int) {
		t.Helper()
		if _, err := s.file.db.Exec(fmt.Sprintf(`PRAGMA max_page_count = %d`, n)); err != nil {
			t.Fatal(err)
		}
	}
	pages(1) // means: as many as there are
	n := 2
	for ; s.Health().OK(); n++ {
		if n > 10_000 {
			t.Fatal("the file never gets full")
		}
		wantTake(t, s, n, true)
	}
	const full = "windows are kept in memory alone, and no votes are taken: the file is on a full disk"
	wantHealth(t, s, store.Unwritten, full)

	// No call fails and none waits, and windows are as exact as before.
	start := time.Now()
	for range 1000 {
		wantTake(t, s, n, true)
		wantTake(t, s, n, false)
		n++
	}
	wantTake(t, s, 0, false)
	if err := store.Release(t.Context(), s.Windows(), key(0), key(2)); err != nil {
		t.Fatal(err)
	}
	wantTake(t, s, 2, true)
	if took := time.Since(start); took > 10*retryEvery {
		t.Errorf("2000 calls took %s", took)
	}
	time.Sleep(2 * retryEvery) // some attempts more, in silence
	log.Want(t, "WARN "+full)

	pages(1_000_000)
	for deadline := time.Now().Add(10 * retryEvery); !s.Health().OK(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no recovery: %v", s.Health())
		}
	}
	log.Want(t, "WARN "+full, "INFO store file is written again")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s = reopen(t, path, options{now: clock.Now})
	if got := count(t, s); got != n-1 {
		t.Errorf("%d rows after recovery, want %d", got, n-1)
	}
	wantTake(t, s, 0, true) // released
	for i := 1; i < n; i++ {
		wantTake(t, s, i, false)
	}
}

func TestCloseOnFullDisk(t *testing.T) {
	path := file(t)
	s, err := Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.file.db.Exec(`PRAGMA max_page_count = 1`); err != nil {
		t.Fatal(err)
	}
	for n := 0; s.Health().OK(); n++ {
		wantTake(t, s, n, true)
	}
	want := "store file " + path + " is on a full disk"
	for range 2 {
		if err := s.Close(); err == nil || err.Error() != want {
			t.Errorf("Close: %v, want %s", err, want)
		}
	}
}

func TestUnwrittenChangesAreBounded(t *testing.T) {
	clock := testkit.NewClock()
	s := &Store{options: options{maxKeys: 3}, rows: newChanges()}
	open := store.Window{Used: 1, Until: clock.Now().Add(time.Second)}
	over := store.Window{Used: 1, Until: clock.Now()}
	newer := store.Window{Used: 2, Until: open.Until}
	s.changed(key(0), newer)
	old := newChanges()
	old.windows = map[store.Key]store.Window{key(0): open, key(1): over, key(2): open}
	old.items = map[store.Key]store.Item{key(0): {Version: 1}}
	s.rows.keep(old, clock.Now(), s.maxKeys)
	if len(s.rows.windows) != 2 || s.rows.windows[key(0)] != newer || s.rows.windows[key(2)] != open || len(s.rows.items) != 1 {
		t.Errorf("kept %v", s.rows)
	}
	for n := range 10 {
		s.changed(key(n), open)
		s.changedItem(store.Item{Key: key(n), Version: 2})
	}
	if len(s.rows.windows) != 3 || s.rows.windows[key(0)] != open || len(s.rows.items) != 3 || s.rows.items[key(0)].Version != 2 {
		t.Errorf("kept %v, want 3 of each with the latest change", s.rows)
	}
}

func TestOldRowsAreRemoved(t *testing.T) {
	clock := testkit.NewClock()
	s := reopen(t, file(t), options{now: clock.Now})
	for round := range 4 {
		for n := range expireEvery {
			wantTake(t, s, round*expireEvery+n, true)
		}
		clock.Advance(time.Hour)
	}
	for n := range expireEvery + 1 {
		wantTake(t, s, -1-n, true)
	}
	if got := count(t, s); got > 2*expireEvery {
		t.Errorf("%d rows, of which %d are open", got, expireEvery+1)
	}
}

func TestContextEndsWhileWaiting(t *testing.T) {
	s := reopen(t, file(t), options{})
	tx, err := s.file.db.Begin() // takes the one connection: the writer has to wait
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, ok, err := store.Take(ctx, s.Windows(), one(1)); !ok || err != nil {
		t.Errorf("Take: ok %v, error %v; want a change that is made", ok, err)
	}
	if err := store.Hold(ctx, s.Windows(), key(2), time.Now().Add(time.Hour)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Hold: %v, want the context's error", err)
	}
	tx.Rollback()
	wantTake(t, s, 1, false)
	wantTake(t, s, 2, true)
}

func TestCloseWhileInUse(t *testing.T) {
	path := file(t)
	s := reopen(t, path, options{})
	var taken atomic.Int64
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
				taken.Add(1)
			}
		})
	}
	time.Sleep(50 * time.Millisecond)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	s = reopen(t, path, options{})
	if got := count(t, s); int64(got) != taken.Load() {
		t.Errorf("%d rows, want %d", got, taken.Load())
	}
}

func BenchmarkTake(b *testing.B) {
	bench := func(b *testing.B, run func(b *testing.B, take func())) {
		s := reopen(b, file(b), options{})
		var n atomic.Int64
		run(b, func() {
			if _, ok, err := store.Take(context.Background(), s.Windows(), store.UseOf(key(int(n.Add(1))), 1, time.Second)); !ok || err != nil {
				b.Error(ok, err)
			}
		})
		b.StopTimer()
	}
	b.Run("serial", func(b *testing.B) {
		bench(b, func(b *testing.B, take func()) {
			for b.Loop() {
				take()
			}
		})
	})
	for _, callers := range []int{1, 100} {
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

func BenchmarkShards(b *testing.B) {
	storetest.BenchmarkShards(b, reopen(b, file(b), options{}).Shards())
}

func BenchmarkState(b *testing.B) {
	storetest.BenchmarkState(b, reopen(b, file(b), options{}).State())
}

func TestBackup(t *testing.T) {
	path, clock := file(t), testkit.NewClock()
	s := reopen(t, path, options{now: clock.Now})
	wantTake(t, s, 1, true)
	var copied bytes.Buffer
	if err := s.Backup(t.Context(), &copied); err != nil {
		t.Fatal(err)
	}
	wantTake(t, s, 2, true) // it goes on, and the copy has nothing of it
	secret := s.Secret()
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*")); len(left) != 0 {
		t.Errorf("left over: %q", left)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Backup(t.Context(), io.Discard); !errors.Is(err, store.ErrClosed) {
		t.Errorf("of a closed store: %v", err)
	}

	other := file(t)
	if err := os.WriteFile(other, copied.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	s = reopen(t, other, options{now: clock.Now})
	if !bytes.Equal(s.Secret(), secret) {
		t.Error("the copy has another secret")
	}
	wantTake(t, s, 1, false)
	wantTake(t, s, 2, true)

	if err := os.Remove(other); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(other, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Backup(t.Context(), io.Discard); err == nil {
		t.Error("of a file that was replaced: no error")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Backup(ctx, io.Discard); err == nil {
		t.Error("of a caller that has left: no error")
	}
}

package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	driver "modernc.org/sqlite"

	"aggregator/internal/testkit"
	"aggregator/store"
	"aggregator/store/storetest"
)

func TestOutbox(t *testing.T) {
	storetest.Outbox(t, func(t *testing.T, clock *testkit.Clock) store.Store {
		return reopen(t, file(t), options{now: clock.Now, elapsed: clock.Elapsed, outbox: storetest.OutboxBounds})
	})
}

func BenchmarkOutbox(b *testing.B) {
	storetest.BenchmarkOutbox(b, reopen(b, file(b), options{}).Outbox())
}

// TestOutboxQueries wants every query to find what it needs through an index,
// in its order, however many messages there are.
func TestOutboxQueries(t *testing.T) {
	s := reopen(t, file(t), options{})
	o := &s.file.outbox
	for stmt, query := range o.queries() {
		if stmt == &o.count || stmt == &o.countKnown || stmt == &o.lastSeq {
			continue // once for each opening; a table of one row
		}
		rows, err := s.file.db.Query(`EXPLAIN QUERY PLAN `+query, make([]any, strings.Count(query, "?"))...)
		if err != nil {
			t.Fatal(query, err)
		}
		for rows.Next() {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				t.Fatal(err)
			}
			if stmt == &o.unlearnAny && detail == "SCAN outbox_once USING COVERING INDEX outbox_once_until" {
				continue // as far as its limit
			}
			if strings.HasPrefix(detail, "SCAN ") || strings.Contains(detail, "TEMP B-TREE") {
				t.Errorf("%s\n%s", query, detail)
			}
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
}

const (
	// outboxEnv names the file whose outbox a child process is to change.
	outboxEnv = "STORE_SQLITE_TEST_OUTBOX"
	// outboxChange is the change of the file at which it kills itself.
	outboxChange = "STORE_SQLITE_TEST_OUTBOX_CHANGE"
)

// outboxChild is a child process that is killed.
func outboxChild(path string) {
	change, _ := strconv.ParseInt(os.Getenv(outboxChange), 10, 64)
	storetest.OutboxChild(func(clock *testkit.Clock) (store.Store, error) {
		s, err := open(path, nil, options{
			now: clock.Now, elapsed: clock.Elapsed, maxKeys: store.DefaultMaxKeys, bounds: store.DefaultShardBounds, outbox: store.DefaultOutboxBounds,
		})
		if err != nil || change == 0 {
			return s, err
		}
		return s, s.killAt(change)
	})
}

// killAt has the process kill itself before that change of a row, or the end of
// a transaction, whichever is the one of so many.
func (s *Store) killAt(change int64) error {
	conn, err := s.file.db.Conn(context.Background())
	if err != nil {
		return err
	}
	defer conn.Close()
	var made atomic.Int64
	count := func() {
		if made.Add(1) == change {
			if self, err := os.FindProcess(os.Getpid()); err == nil {
				_ = self.Kill()
			}
			select {} // it takes a moment
		}
	}
	return conn.Raw(func(c any) error {
		hooks := c.(driver.HookRegisterer)
		hooks.RegisterPreUpdateHook(func(driver.SQLitePreUpdateData) { count() })
		hooks.RegisterCommitHook(func() int32 { count(); return 0 })
		return nil
	})
}

func TestOutboxSurvivesKill(t *testing.T) {
	storetest.OutboxKilled(t, func(t *testing.T) storetest.OutboxProcess {
		path := file(t)
		return storetest.OutboxProcess{
			Command: func(_ *testing.T, change int) *exec.Cmd {
				cmd := exec.Command(os.Args[0])
				cmd.Env = append(os.Environ(), outboxEnv+"="+path, outboxChange+"="+strconv.Itoa(change))
				return cmd
			},
			Open: func(t *testing.T, clock *testkit.Clock) store.Store {
				return reopen(t, path, options{now: clock.Now, elapsed: clock.Elapsed})
			},
		}
	})
}

// putOne puts a message that waits, and returns its error.
func putOne(t *testing.T, s *Store, id string, body int) (store.PutResult, error) {
	t.Helper()
	return s.Outbox().Put(t.Context(), store.Message{
		ID: id, Bot: "110000000000000001", Type: "vote.created", Body: bytes.Repeat([]byte("x"), body), Created: s.now(),
	}, true, store.Once{Key: store.NewHasher([]byte("test"))(id), TTL: store.DeliveredTTL})
}

func wantPut(t *testing.T, s *Store, id string, want store.PutResult) {
	t.Helper()
	if got, err := putOne(t, s, id, 100); err != nil || got != want {
		t.Fatalf("Put of %s: %v, %v; want %v", id, got, err, want)
	}
}

// wantWaiting wants messages of these ids to wait.
func wantWaiting(t *testing.T, s *Store, ids ...string) {
	t.Helper()
	r, err := s.Outbox().Ready(t.Context(), "110000000000000001", 100, 100)
	var got []string
	for _, d := range r.First {
		got = append(got, d.ID)
	}
	if err != nil || !slices.Equal(got, ids) {
		t.Fatalf("waiting: %q, %v; want %q", got, err, ids)
	}
}

func TestBackupHoldsOutbox(t *testing.T) {
	s := reopen(t, file(t), options{})
	wantPut(t, s, "one", store.PutKept)
	var copied bytes.Buffer
	if err := s.Backup(t.Context(), &copied); err != nil {
		t.Fatal(err)
	}
	wantPut(t, s, "two", store.PutKept)
	path := file(t)
	if err := os.WriteFile(path, copied.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	other := reopen(t, path, options{})
	wantWaiting(t, other, "one")
	wantPut(t, other, "one", store.PutAgain)
	wantPut(t, other, "two", store.PutKept)
}

// TestOutboxOfRemovedFile removes the file of a store. The messages that were in
// it alone are in the one that is written anew.
func TestOutboxOfRemovedFile(t *testing.T) {
	path := file(t)
	s := reopen(t, path, options{})
	wantPut(t, s, "one", store.PutKept)
	for _, suffix := range []string{"", "-wal"} {
		if err := os.Remove(path + suffix); err != nil {
			t.Fatal(err)
		}
	}
	testkit.Eventually(t, func() error {
		_, err := putOne(t, s, "two", 100)
		if err != nil && !errors.Is(err, store.ErrAway) {
			t.Fatal(err)
		}
		return err
	})
	wantWaiting(t, s, "one", "two")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*")); len(left) != 1 {
		t.Errorf("files after Close: %q, want the store alone", left)
	}
	s = reopen(t, path, options{})
	wantWaiting(t, s, "one", "two")
	wantPut(t, s, "one", store.PutAgain)
}

// TestOutboxAway has a file that cannot be written take no message, and take
// them again once it can be.
func TestOutboxAway(t *testing.T) {
	for name, test := range map[string]struct{ begin, end func(t *testing.T, s *Store) }{
		"full disk": {pages(1), pages(1_000_000)},
		"replaced": {
			func(t *testing.T, s *Store) {
				if err := errors.Join(os.Rename(s.path, s.path+".old"), os.WriteFile(s.path, []byte("another program's"), 0o600)); err != nil {
					t.Fatal(err)
				}
			},
			func(t *testing.T, s *Store) {
				if err := os.Rename(s.path+".old", s.path); err != nil {
					t.Fatal(err)
				}
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			log := new(testkit.Log)
			s, err := Open(file(t), log.Logger())
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			wantPut(t, s, "one", store.PutKept)
			wantPut(t, s, "two", store.PutKept)
			if err := s.Outbox().Settle(t.Context(), store.Settled{ID: "two", Attempt: store.Attempt{At: s.now()}, State: store.Delivered}); err != nil {
				t.Fatal(err)
			}
			test.begin(t, s)
			kept := []string{"one"}
			for n := 0; err == nil; n++ {
				if n > 1000 {
					t.Fatal("the file takes all messages")
				}
				id := fmt.Sprint("more", n)
				if _, err = putOne(t, s, id, 5000); err == nil {
					kept = append(kept, id)
				}
			}
			if !errors.Is(err, store.ErrAway) || !strings.Contains(err.Error(), s.path) {
				t.Errorf("Put: %v, want it to be away, and what is wrong with the file", err)
			}
			if lines := log.Lines(); len(lines) == 0 || !strings.HasPrefix(lines[0], "WARN windows are kept in memory alone, and no votes are taken: ") {
				t.Errorf("logged %q, want that the file cannot be written", lines)
			}
			wantTake(t, s, 1, true) // windows go on in memory
			test.end(t, s)
			testkit.Eventually(t, func() error {
				_, err := s.Outbox().Backlogs(t.Context())
				return err
			})
			testkit.Wait(t, "the store is well again", func() bool { return s.Health().OK() })
			wantWaiting(t, s, kept...)
			wantPut(t, s, "last", store.PutKept)
		})
	}
}

// pages bounds the file; 1 means as many pages as there are.
func pages(n int) func(t *testing.T, s *Store) {
	return func(t *testing.T, s *Store) {
		t.Helper()
		if _, err := s.file.db.Exec(fmt.Sprintf(`PRAGMA max_page_count = %d`, n)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestOutboxIsInTheFile wants bodies to be in the file, not in memory.
func TestOutboxIsInTheFile(t *testing.T) {
	const n, size = 1500, 64 << 10
	s := reopen(t, file(t), options{})
	before := heap()
	for i := range n {
		if got, err := putOne(t, s, fmt.Sprint(i), size); err != nil || got != store.PutKept {
			t.Fatal(got, err)
		}
	}
	if grown := heap() - before; grown > n*size/10 {
		t.Errorf("%d bodies of %d bytes take %d bytes in memory", n, size, grown)
	}
}

// heap returns how many bytes are in use.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestOutboxPrune wants what is over to leave the file, a few at a time, also
// where nothing else happens.
func TestOutboxPrune(t *testing.T) {
	clock := testkit.NewClock()
	s := reopen(t, file(t), options{now: clock.Now, elapsed: clock.Elapsed})
	for i := range 50 {
		id := fmt.Sprint(i)
		wantPut(t, s, id, store.PutKept)
		if err := s.Outbox().Settle(t.Context(), store.Settled{ID: id, Attempt: store.Attempt{At: clock.Now()}, State: store.Delivered}); err != nil {
			t.Fatal(err)
		}
	}
	left := func() (n int) {
		t.Helper()
		if err := s.file.db.QueryRow(`SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM outbox_bodies) + (SELECT count(*) FROM outbox_once)`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	clock.Advance(store.DeliveredTTL)
	if n := left(); n != 150 {
		t.Fatalf("%d rows, want 150", n)
	}
	wantPut(t, s, "new", store.PutKept)
	if n := left(); n != 153-3*4 {
		t.Errorf("%d rows after one put, want the new one's 3 and %d", n, 150-3*4)
	}
	s.pruneOutbox()
	s.wakeWriter()
	wantWaiting(t, s, "new") // after that
	if n := left(); n != 3 {
		t.Errorf("%d rows are left, want 3", n)
	}
}

// TestBackupMeanwhile has messages come while a large file is copied. The copy is
// whole.
func TestBackupMeanwhile(t *testing.T) {
	s := reopen(t, file(t), options{})
	for i := range 300 {
		if got, err := putOne(t, s, fmt.Sprint("before", i), 64<<10); err != nil || got != store.PutKept {
			t.Fatal(got, err)
		}
	}
	var copied bytes.Buffer
	done := make(chan error, 1)
	go func() { done <- s.Backup(t.Context(), &copied) }()
	for n, ended := 0, false; !ended; n++ {
		wantPut(t, s, fmt.Sprint("during", n), store.PutKept)
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			ended = true
		default:
		}
	}
	path := file(t)
	if err := os.WriteFile(path, copied.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	other := reopen(t, path, options{})
	var whole string
	if err := other.file.db.QueryRow(`PRAGMA integrity_check`).Scan(&whole); err != nil || whole != "ok" {
		t.Errorf("integrity_check: %s, %v", whole, err)
	}
	all, err := other.Outbox().Backlogs(t.Context())
	if err != nil || len(all) != 1 || all[0].Waiting < 300 {
		t.Errorf("in the copy wait %+v, %v; want at least 300", all, err)
	}
}

// TestBackupIsLeft ends copies before they are whole: their caller leaves, the
// store is closed, or the file is removed.
func TestBackupIsLeft(t *testing.T) {
	begin := func(t *testing.T) (*Store, *driver.Backup) {
		s := reopen(t, file(t), options{})
		for i := range 20 {
			if got, err := putOne(t, s, fmt.Sprint(i), 64<<10); err != nil || got != store.PutKept {
				t.Fatal(got, err)
			}
		}
		var copying *driver.Backup
		if err := s.job(t.Context(), func() (err error) {
			copying, err = s.file.beginCopy(filepath.Join(t.TempDir(), "copy.db"))
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if err := s.job(t.Context(), func() error {
			more, err := s.file.stepCopy(copying)
			if err == nil && !more {
				err = errors.New("it is whole already")
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		wantPut(t, s, "meanwhile", store.PutKept)
		return s, copying
	}
	t.Run("caller has left", func(t *testing.T) {
		s, copying := begin(t)
		for range 2 {
			if err := s.job(t.Context(), func() error { return s.file.endCopy(copying) }); err != nil {
				t.Fatal(err)
			}
		}
		wantPut(t, s, "after", store.PutKept)
	})
	t.Run("store is closed", func(t *testing.T) {
		s, _ := begin(t)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if left, _ := filepath.Glob(s.path + "-*"); len(left) != 0 {
			t.Errorf("left over: %q", left)
		}
	})
	t.Run("file is removed", func(t *testing.T) {
		s, copying := begin(t)
		from := s.file
		if err := os.Remove(s.path); err != nil {
			t.Fatal(err)
		}
		testkit.Eventually(t, func() error { _, err := putOne(t, s, "after", 100); return err })
		if err := s.job(t.Context(), func() error { _, err := from.stepCopy(copying); return err }); err == nil {
			t.Error("the copy of a file that is closed goes on")
		}
	})
}

// TestPutOfCallerWhoLeaves has a caller leave while its message is written. Those
// who wait for messages are woken all the same.
func TestPutOfCallerWhoLeaves(t *testing.T) {
	s := reopen(t, file(t), options{})
	m := store.Message{ID: "one", Bot: "110000000000000001", Type: "vote.created", Body: []byte("x"), Created: s.now()}
	come := s.Outbox().Changed(m.Bot)
	ctx, cancel := context.WithCancel(t.Context())
	if err := s.run(ctx, true, func(o *outboxRows) error {
		cancel()
		_, err := o.put(m, s.clock.Now().UnixMilli(), true, nil)
		return err
	}); err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	testkit.Receive(t, "a message has come", come)
	wantWaiting(t, s, "one")
}

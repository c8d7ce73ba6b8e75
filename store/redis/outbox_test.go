package redis

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"aggregator/internal/testkit"
	"aggregator/store"
	"aggregator/store/storetest"
)

const aBot = "123456789012345678"

// message is the nth message for a bot.
func message(n int) store.Message {
	return store.Message{
		ID: fmt.Sprintf("msg_%05d", n), Bot: aBot, List: "list.example", User: "42", Type: "vote.created",
		Body: []byte(`{"type":"vote.created"}`), Created: time.Now(),
	}
}

func put(t testing.TB, s *Store, m store.Message, want store.PutResult, once ...store.Once) {
	t.Helper()
	if got, err := s.Outbox().Put(t.Context(), m, true, once...); err != nil || got != want {
		t.Fatalf("Put of %s: %v, %v; want %v", m.ID, got, err, want)
	}
}

// ids are those of deliveries.
func ids(all []store.Delivery) []string {
	var ids []string
	for _, d := range all {
		ids = append(ids, d.ID)
	}
	return ids
}

// wantFirst wants messages to wait that were never attempted, in this order.
func wantFirst(t testing.TB, s *Store, want ...int) store.Ready {
	t.Helper()
	var all []string
	for _, n := range want {
		all = append(all, message(n).ID)
	}
	ready, err := s.Outbox().Ready(t.Context(), aBot, 1000, 1000)
	if err != nil || !slices.Equal(ids(ready.First), all) {
		t.Fatalf("Ready: %v, %v; want %v", ids(ready.First), err, all)
	}
	return ready
}

func settle(t testing.TB, s *Store, n int, state store.DeliveryState, next time.Time) {
	t.Helper()
	done := store.Settled{ID: message(n).ID, Attempt: store.Attempt{At: time.Now(), Status: 200}, Counts: true, State: state, Next: next}
	if err := s.Outbox().Settle(t.Context(), done); err != nil {
		t.Fatal(err)
	}
}

// TestReplicasShareAnOutbox has two clients at once on one server: what is the
// same is kept once, each sees all, in one order, and wakes the other.
func TestReplicasShareAnOutbox(t *testing.T) {
	srv := startServer(t)
	replicas := []*Store{srv.open(), srv.open()}
	const votes, times = 40, 5
	var kept, again atomic.Int64
	var wg sync.WaitGroup
	for i := range votes * times {
		wg.Go(func() {
			m := message(i)
			got, err := replicas[i%2].Outbox().Put(t.Context(), m, true,
				store.Once{Key: key(i % votes), TTL: time.Hour}, store.Once{Key: key(1000 + i%votes), TTL: time.Minute})
			switch {
			case err != nil:
				t.Error(err)
			case got == store.PutKept:
				kept.Add(1)
			case got == store.PutAgain:
				again.Add(1)
			}
		})
	}
	wg.Wait()
	if kept.Load() != votes || again.Load() != votes*(times-1) {
		t.Errorf("%d kept and %d again, want %d and %d", kept.Load(), again.Load(), votes, votes*(times-1))
	}
	var seen [2][]string
	for i, s := range replicas {
		all, err := s.Outbox().After(t.Context(), aBot, 0, 1000)
		if err != nil || len(all) != votes {
			t.Fatalf("After: %d, %v; want %d", len(all), err, votes)
		}
		seen[i] = ids(all)
		for j := 1; j < len(all); j++ {
			if all[j].Seq <= all[j-1].Seq {
				t.Errorf("places %d, %d: want each greater than the one before", all[j-1].Seq, all[j].Seq)
			}
		}
	}
	if !slices.Equal(seen[0], seen[1]) {
		t.Errorf("one replica sees %v, the other %v", seen[0], seen[1])
	}
	changed := replicas[1].Outbox().Changed(aBot)
	put(t, replicas[0], message(7000), store.PutKept)
	testkit.Receive(t, "the other replica's change", changed)
}

// TestChangedWithoutListening has a connection that is lost, again and again, and
// a server that forbids to listen.
func TestChangedWithoutListening(t *testing.T) {
	wake := func(t *testing.T, a, b *Store, n int) {
		t.Helper()
		changed := b.Outbox().Changed(aBot)
		put(t, a, message(n), store.PutKept)
		testkit.Receive(t, "the change", changed)
	}
	t.Run("lost", func(t *testing.T) {
		srv := startServer(t)
		a, b := srv.open(), srv.open()
		wake(t, a, b, 0)
		for n := range 3 {
			testkit.Wait(t, "it listens", func() bool {
				return srv.command("PUBSUB", "NUMSUB", "aggregator:{w}:outbox:changed:0").([]any)[1] == int64(1)
			})
			srv.command("CLIENT", "KILL", "TYPE", "pubsub")
			wake(t, a, b, n+1)
		}
	})
	t.Run("forbidden", func(t *testing.T) {
		srv := startServer(t, strings.Fields("--user bot on >secret ~aggregator:* resetchannels +@connection +@read +@write +eval +evalsha +time")...)
		a, b := openURL(t, "redis://bot:secret@"+srv.addr, options{}), openURL(t, "redis://bot:secret@"+srv.addr, options{})
		for n := range 3 {
			wake(t, a, b, n)
		}
		wantOK(t, a)
		wantOK(t, b)
	})
}

// TestChanges has a change that is told late, one that is never told, and a Redis
// that counts anew.
func TestChanges(t *testing.T) {
	c := changes{last: -1}
	waiting := make(map[string]<-chan struct{})
	want := func(what string, woken ...string) {
		t.Helper()
		for bot, changed := range waiting {
			select {
			case <-changed:
				if !slices.Contains(woken, bot) {
					t.Errorf("%s: %s is woken", what, bot)
				}
			default:
				if slices.Contains(woken, bot) {
					t.Errorf("%s: %s is not woken", what, bot)
				}
			}
		}
		for _, bot := range []string{"a", "b"} {
			waiting[bot] = c.bells.Changed(bot)
		}
	}
	want("nothing")
	c.asked(7)
	want("the first answer", "a", "b")
	if c.asked(7) {
		t.Error("the same number is news")
	}
	want("the same number")
	c.heard(8, "a")
	want("the next change", "a")
	c.heard(8, "b")
	want("one that was counted", "b")
	c.heard(10, "a")
	want("one that was missed", "a", "b")
	c.heard(1, "b")
	want("a Redis that counts anew", "b")
	if !c.asked(1) {
		t.Error("a smaller number is no news")
	}
	want("a smaller number", "a", "b")
}

// TestOutboxWithoutAnswer has an answer that is lost: the script runs again and
// changes nothing.
func TestOutboxWithoutAnswer(t *testing.T) {
	srv := startServer(t)
	s := srv.open()
	o, known := s.outbox, key(1)
	for _, test := range []struct {
		mark string
		want store.PutResult
	}{{"one", store.PutKept}, {"one", store.PutKept}, {"two", store.PutAgain}} {
		said, err := o.call(t.Context(), putScript, "msg_00001", aBot, "list.example", "42", "vote.created", 0, "{}", 1, 1, test.mark, known[:], 60_000)
		if err != nil || store.PutResult(said.number()) != test.want {
			t.Errorf("put with mark %q: %v, want %v", test.mark, err, test.want)
		}
	}
	for _, mark := range []string{"three", "three", "four"} {
		if _, err := o.call(t.Context(), settleDeliveryScript, "msg_00001", 1, 500, "no", 1, mark, "pending", 1); err != nil {
			t.Fatal(err)
		}
	}
	ready, err := s.Outbox().Ready(t.Context(), aBot, 10, 10)
	if err != nil || len(ready.Again) != 1 || ready.Again[0].Attempts != 2 {
		t.Errorf("%+v, %v; want one message with 2 attempts", ready, err)
	}
}

// TestAwayOutbox has every call fail while Redis is away.
func TestAwayOutbox(t *testing.T) {
	srv := startServer(t)
	s := srv.open()
	o := s.Outbox()
	put(t, s, message(1), store.PutKept)
	srv.kill()
	testkit.Wait(t, "the loss is noticed", func() bool { return !s.Health().OK() })
	_, putErr := o.Put(t.Context(), message(2), true)
	_, readyErr := o.Ready(t.Context(), aBot, 1, 1)
	settleErr := o.Settle(t.Context(), store.Settled{ID: "x", Attempt: store.Attempt{At: time.Now()}, State: store.Delivered})
	_, deliveriesErr := o.Deliveries(t.Context(), aBot, store.DeliveryQuery{Max: 1})
	_, retryErr := o.Retry(t.Context(), aBot, nil, store.Dead)
	_, afterErr := o.After(t.Context(), aBot, 0, 1)
	_, _, seqErr := o.Seq(t.Context(), aBot, "")
	_, backlogsErr := o.Backlogs(t.Context())
	for call, err := range map[string]error{"Put": putErr, "Ready": readyErr, "Settle": settleErr, "Deliveries": deliveriesErr,
		"Retry": retryErr, "After": afterErr, "Seq": seqErr, "Backlogs": backlogsErr} {
		if !errors.Is(err, store.ErrAway) {
			t.Errorf("%s: %v, want ErrAway", call, err)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := o.Put(ended, message(2), true); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that has ended: %v", err)
	}
}

// TestOutboxKilled kills Redis under a stream of messages, several times: what
// was kept is there afterwards, in order, and what was not is not.
func TestOutboxKilled(t *testing.T) {
	srv := startServer(t, "--appendonly", "yes", "--appendfsync", "always", "--dir", t.TempDir())
	s := srv.open()
	var mu sync.Mutex
	var kept []string
	maybe := map[string]bool{}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				m := message(10_000*worker + n)
				got, err := s.Outbox().Put(context.Background(), m, true, store.Once{Key: key(10_000*worker + n), TTL: time.Hour})
				mu.Lock()
				switch {
				case errors.Is(err, store.ErrAway): // kept or not: nobody heard
					maybe[m.ID] = true
				case err != nil || got != store.PutKept && got != store.PutFull:
					t.Errorf("Put: %v, %v", got, err)
				case got == store.PutKept:
					kept = append(kept, m.ID)
				}
				mu.Unlock()
				time.Sleep(time.Millisecond)
			}
		})
	}
	count := func() int { mu.Lock(); defer mu.Unlock(); return len(kept) }
	for range 3 {
		from := count()
		testkit.Wait(t, "messages are kept", func() bool { return count() > from+20 })
		srv.kill()
		testkit.Wait(t, "the loss is noticed", func() bool { return !s.Health().OK() })
		testkit.Wait(t, "it starts again", srv.start)
		testkit.Wait(t, "Redis is used again", func() bool { return s.Health().OK() })
	}
	close(stop)
	wg.Wait()
	all, err := s.Outbox().After(t.Context(), aBot, 0, store.MaxWaiting)
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	for _, d := range all {
		there[d.ID] = true
	}
	for _, id := range kept {
		if !there[id] {
			t.Errorf("%s was kept, and is gone", id)
		}
		delete(there, id)
	}
	for id := range there {
		if !maybe[id] {
			t.Errorf("%s is there, which nobody put", id)
		}
	}
	waiting := len(all)
	backlogs, err := s.Outbox().Backlogs(t.Context())
	if err != nil || len(backlogs) != 1 || backlogs[0].Waiting != waiting {
		t.Errorf("Backlogs: %+v, %v; want %d waiting", backlogs, err, waiting)
	}
}

// TestOutboxLost has a Redis that loses its data: what was kept is gone, what
// comes is kept, and who reads by places goes on.
func TestOutboxLost(t *testing.T) {
	srv := startServer(t)
	s, other := srv.open(), srv.open()
	for n := range 5 {
		put(t, s, message(n), store.PutKept, store.Once{Key: key(n), TTL: time.Hour})
	}
	changed := other.Outbox().Changed(aBot)
	before, _, err := s.Outbox().Seq(t.Context(), aBot, "")
	if err != nil {
		t.Fatal(err)
	}
	srv.command("FLUSHALL")
	testkit.Wait(t, "the loss is told", func() bool {
		_, err := s.Outbox().Ready(t.Context(), aBot, 10, 10)
		return err == nil
	})
	wantFirst(t, s)
	settle(t, s, 1, store.Delivered, time.Time{}) // of one that is gone
	wantFirst(t, s)
	put(t, s, message(1), store.PutKept, store.Once{Key: key(1), TTL: time.Hour})
	testkit.Receive(t, "the change", changed)
	found, err := other.Outbox().After(t.Context(), aBot, before, 10)
	if err != nil || len(found) != 1 || found[0].ID != message(1).ID {
		t.Errorf("after the last place before the loss: %v, %v; want the message that came since", ids(found), err)
	}
}

// TestOutboxDamaged has somebody remove or spoil what is of a message, in parts,
// and take a key: the rest of the store goes on.
func TestOutboxDamaged(t *testing.T) {
	srv := startServer(t)
	s := srv.open()
	for n := range 6 {
		put(t, s, message(n), store.PutKept)
	}
	srv.command("HSET", prefix+"outbox:meta", message(4).ID, "x", message(5).ID, "\x91\x01")
	srv.command("HDEL", prefix+"outbox:meta", message(0).ID, message(2).ID)
	srv.command("HDEL", prefix+"outbox:body", message(1).ID)
	wantFirst(t, s, 1, 3)
	if n, err := s.Outbox().Retry(t.Context(), aBot, nil, store.Pending); err != nil || n != 2 {
		t.Errorf("Retry: %d, %v; want 2", n, err)
	}
	backlogs, err := s.Outbox().Backlogs(t.Context())
	if err != nil || len(backlogs) != 1 || backlogs[0].Waiting != 2 || backlogs[0].Oldest.IsZero() {
		t.Errorf("Backlogs: %+v, %v; want 2 waiting", backlogs, err)
	}
	srv.command("SET", prefix+"outbox:meta", "x")
	for range badCalls {
		if got, err := s.Outbox().Put(t.Context(), message(6), true); !errors.Is(err, errSpoilt) {
			t.Errorf("Put: %v, %v; want %v", got, err, errSpoilt)
		}
	}
	wantTake(t, s, 1, true)
	wantOK(t, s)
}

// TestOutboxOutOfMemory has a Redis that takes nothing: nothing is kept by
// halves.
func TestOutboxOutOfMemory(t *testing.T) {
	srv := startServer(t)
	s := srv.open()
	put(t, s, message(1), store.PutKept)
	srv.command("CONFIG", "SET", "maxmemory", "1")
	if got, err := s.Outbox().Put(t.Context(), message(2), true); !errors.Is(err, store.ErrAway) {
		t.Errorf("Put: %v, %v; want ErrAway", got, err)
	}
	srv.command("CONFIG", "SET", "maxmemory", "0")
	testkit.Wait(t, "Redis is used again", func() bool { return s.Health().OK() })
	wantFirst(t, s, 1)
	put(t, s, message(2), store.PutKept)
	wantFirst(t, s, 1, 2)
}

// TestOutboxKeys has all keys of an outbox expire, stay in one slot of a cluster,
// and be few however many messages there are; and what is over go in steps.
func TestOutboxKeys(t *testing.T) {
	srv := startServer(t)
	clock := testkit.NewClock()
	s := openURL(t, "redis://"+srv.addr, options{now: clock.Now, elapsed: clock.Elapsed, told: steady(clock)})
	const n = 1000
	for i := range n {
		m := message(i)
		m.Created = clock.Now()
		put(t, s, m, store.PutKept, store.Once{Key: key(i), TTL: 24 * time.Hour})
	}
	names, _ := srv.command("KEYS", prefix+"outbox:*").([]any)
	if len(names) > 13 {
		t.Errorf("%d keys: %v", len(names), names)
	}
	for _, name := range names {
		if ttl := srv.expires(0, fmt.Sprint(name)); ttl < 24*time.Hour-time.Minute || ttl > outboxKeep {
			t.Errorf("%s expires in %s", name, ttl)
		}
	}
	clock.Advance(store.WaitTTL)
	wantFirst(t, s)
	dead, err := s.Outbox().Deliveries(t.Context(), aBot, store.DeliveryQuery{State: store.Dead, Max: store.MaxDeliveries})
	if err != nil || len(dead) != n {
		t.Fatalf("%d dead, %v; want %d", len(dead), err, n)
	}
	clock.Advance(store.DeadTTL)
	if backlogs, err := s.Outbox().Backlogs(t.Context()); err != nil || len(backlogs) != 0 {
		t.Errorf("Backlogs: %+v, %v; want none", backlogs, err)
	}
	put(t, s, store.Message{ID: "last", Bot: "1", Type: "x", Body: []byte("x"), Created: clock.Now()}, store.PutKept)
	for _, name := range []string{"all:" + aBot, "wait:" + aBot, "new:" + aBot, "dead:" + aBot, "over:" + aBot, "over"} {
		if srv.command("EXISTS", prefix+"outbox:"+name) != int64(0) {
			t.Errorf("%s is there still", name)
		}
	}
	if got := srv.command("HLEN", prefix+"outbox:meta"); got != int64(1) {
		t.Errorf("%v messages, want 1", got)
	}
	if sums := fieldsOf(srv.command("HGETALL", prefix+"outbox:sums")); sums["wait"] != "1" || sums["over"] != "0" || len(sums) != 4 {
		t.Errorf("sums %v, want 1 byte that waits, none that is over, and nothing of the bot that has no messages", sums)
	}
	testkit.Wait(t, "what was known is cleared away", func() bool {
		put(t, s, store.Message{ID: mark(), Bot: "2", Type: "x", Body: []byte("x"), Created: clock.Now()}, store.PutKept)
		return srv.command("ZCARD", prefix+"outbox:once") == int64(0)
	})
}

// TestOutboxOnACluster has scripts run where all keys must be of one slot.
func TestOutboxOnACluster(t *testing.T) {
	srv := startServer(t, "--cluster-enabled", "yes")
	srv.command("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
	testkit.Wait(t, "the cluster is up", func() bool {
		return strings.Contains(srv.command("CLUSTER", "INFO").(string), "cluster_state:ok")
	})
	s := srv.open()
	changed := s.Outbox().Changed(aBot)
	put(t, s, message(1), store.PutKept)
	testkit.Receive(t, "the change", changed)
	ready := wantFirst(t, s, 1)
	if !bytes.Equal(ready.First[0].Body, message(1).Body) {
		t.Errorf("body %q", ready.First[0].Body)
	}
}

// TestOutboxCloses has nobody wait for a store that is closed.
func TestOutboxCloses(t *testing.T) {
	s := startServer(t).open()
	changed := s.Outbox().Changed(aBot)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	testkit.Receive(t, "the end", changed)
	testkit.Receive(t, "the end, to who comes later", s.Outbox().Changed(aBot))
}

func BenchmarkOutbox(b *testing.B) { storetest.BenchmarkOutbox(b, startServer(b).open().Outbox()) }

// fieldsOf returns the fields of a hash as HGETALL answers them.
func fieldsOf(reply any) map[string]any {
	all, _ := reply.([]any)
	fields := map[string]any{}
	for i := 0; i+1 < len(all); i += 2 {
		fields[fmt.Sprint(all[i])] = all[i+1]
	}
	return fields
}

package votes

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"aggregator/internal/testkit"
	"aggregator/store"
)

// A message is signed by each secret, and with the id that it has at each attempt.
func TestSignature(t *testing.T) {
	r := newRig(t)
	relay, _ := r.run(t, r.config())
	r.put(t, "msg_a")
	relay.Wake(testBot)
	r.endpoint.want(t, "msg_a")
	g := r.endpoint.all()[0]
	if at := g.Header.Get("webhook-timestamp"); at != strconv.FormatInt(r.clock.Now().Unix(), 10) || g.Header.Get("Content-Type") != "application/json" {
		t.Errorf("timestamp %q, type %q", at, g.Header.Get("Content-Type"))
	}
	if all := strings.Fields(g.Header.Get("webhook-signature")); len(all) != 2 || !strings.HasPrefix(all[0], "v1,") || !strings.HasPrefix(all[1], "v1,") {
		t.Errorf("signatures %q, want two", all)
	}
	for _, secret := range []string{ourSecret, base64.StdEncoding.EncodeToString([]byte(ourOther))} {
		wh, err := standardwebhooks.NewWebhook(secret)
		if err != nil {
			t.Fatal(err)
		}
		if err := wh.VerifyIgnoringTimestamp([]byte(g.Body), g.Header); err != nil {
			t.Errorf("by %s: %v", secret, err)
		}
	}
	testkit.Wait(t, "the delivery", func() bool { d := r.states(t)["msg_a"]; return d.State == store.Delivered && d.Attempts == 1 })
}

// What fails is tried again by the schedule, and holds nothing up.
func TestRetries(t *testing.T) {
	r := newRig(t)
	r.endpoint.on(func(w http.ResponseWriter, q *http.Request) {
		if q.Header.Get("webhook-id") == "msg_bad" {
			w.WriteHeader(500)
		}
	})
	relay, _ := r.run(t, r.config())
	ids := []string{"msg_1", "msg_bad", "msg_2", "msg_3"}
	for _, id := range ids {
		r.put(t, id)
	}
	relay.Wake(testBot)
	r.endpoint.want(t, strings.Join(ids, " "))
	want := strings.Join(ids, " ")
	for i, delay := range retryDelays {
		testkit.Wait(t, "the attempt to be noted", func() bool { return r.states(t)["msg_bad"].Attempts == i+1 })
		d := r.states(t)["msg_bad"]
		if !d.Next.Equal(r.clock.Now().Add(delay)) || d.Last.Status != 500 || d.Last.Reason != "500 Internal Server Error" {
			t.Fatalf("after attempt %d: %+v, want the next after %s", i+1, d, delay)
		}
		if d.Began.Add(store.WaitTTL).Before(d.Next) {
			break
		}
		// One vote in between, which takes an endpoint's failures in a row away.
		r.clock.Advance(delay)
		id := fmt.Sprint("msg_more", i)
		r.put(t, id) // which wakes the relay too
		testkit.Wait(t, "both", func() bool { return len(r.endpoint.all()) == 6+2*i })
		want += " " + id
	}
	testkit.Wait(t, "the last attempt", func() bool { return r.states(t)["msg_bad"].State == store.Dead })
	if d := r.states(t)["msg_bad"]; d.Attempts != 9 {
		t.Errorf("dead after %d attempts, want 9", d.Attempts)
	}
	for _, g := range r.endpoint.all() {
		if g.ID == "msg_bad" && g.Body != `{"id":"msg_bad"}` {
			t.Errorf("an attempt sent %s", g.Body)
		}
	}
	if len(r.log.Entries(t, "vote not delivered")) != 1 {
		t.Errorf("the log does not say that a vote was given up: %s", r.log)
	}
}

func TestGone(t *testing.T) {
	r := newRig(t)
	r.endpoint.on(testkit.Say(410, "text/plain", "no more"))
	relay, _ := r.run(t, r.config())
	r.put(t, "msg_a")
	relay.Wake(testBot)
	testkit.Wait(t, "the end", func() bool { return r.states(t)["msg_a"].State == store.Dead })
}

// An endpoint that fails is only probed, with the oldest; the first that it takes
// lets the rest out, in order.
func TestRest(t *testing.T) {
	r := newRig(t)
	r.endpoint.on(testkit.Say(500, "text/plain", "down"))
	relay, _ := r.run(t, r.config())
	var all []string
	for i := range 60 {
		all = append(all, fmt.Sprintf("msg_%02d", i))
		r.put(t, all[i])
	}
	relay.Wake(testBot)
	want := strings.Join(all[:5], " ")
	r.endpoint.want(t, want)
	step := func(d time.Duration) {
		t.Helper()
		n := len(r.endpoint.all())
		testkit.Wait(t, "the rest", func() bool {
			_, err := r.store.State().Load(t.Context(), relay.key(testBot))
			return err == nil && r.saved(t, relay).Failed == n
		})
		if at := r.saved(t, relay).Probe; !at.Equal(r.clock.Now().Add(d)) {
			t.Fatalf("probed after %s, want %s", at.Sub(r.clock.Now()), d)
		}
		r.clock.Advance(d)
		r.ring(t)
	}
	for _, d := range []time.Duration{5 * time.Second, 10 * time.Second, 15 * time.Second} {
		step(d)
		want += " msg_00"
		r.endpoint.want(t, want)
	}
	for range 59 {
		step(time.Minute)
		want += " msg_00"
		r.endpoint.want(t, want)
	}
	if said := r.notices.all(); len(said) != 0 {
		t.Errorf("said %q within the hour", said)
	}
	step(time.Minute)
	want += " msg_00"
	r.endpoint.want(t, want)
	testkit.Wait(t, "the notice", func() bool { return len(r.notices.all()) == 1 })
	if d := r.states(t)["msg_00"]; d.Attempts != 1 {
		t.Errorf("probes count as %d attempts, want 1", d.Attempts)
	}
	r.endpoint.on(nil)
	step(5 * time.Minute)
	want += " " + strings.Join(all, " ")
	r.endpoint.want(t, want)
	testkit.Wait(t, "all to be noted", func() bool { return r.saved(t, relay).CatchUp == 0 })
	testkit.Wait(t, "word that it is well again", func() bool { return len(r.notices.all()) == 2 })
	if said := strings.Join(r.notices.all(), ", "); said != testBot+" failing: 500 Internal Server Error, "+testBot+" taken" {
		t.Errorf("said %s", said)
	}
}

// saved returns what the store keeps of the endpoint.
func (r *rig) saved(t testing.TB, relay *Relay) endpoint {
	t.Helper()
	items, err := r.store.State().Load(t.Context(), relay.key(testBot))
	if err != nil {
		t.Fatal(err)
	}
	return decodeSaved(items[0].Data)
}

// ring makes whoever waits for something for the bot look again: what is due by
// the test's clock is not by the one that timers go by.
func (r *rig) ring(t testing.TB) {
	t.Helper()
	m := store.Message{ID: newID(), Bot: testBot, Type: typeCreated, Body: []byte("{}"), Created: r.clock.Now()}
	if _, err := r.store.Outbox().Put(t.Context(), m, false); err != nil {
		t.Fatal(err)
	}
}

// Of two relays at one store each message is delivered by one, once.
func TestTwoRelays(t *testing.T) {
	r := newRig(t)
	one, stop := r.run(t, r.config())
	two, _ := r.run(t, r.config())
	var want []string
	put := func(n int) {
		for range n {
			id := fmt.Sprintf("msg_%03d", len(want))
			want = append(want, id)
			r.put(t, id)
			one.Wake(testBot)
			two.Wake(testBot)
		}
	}
	put(50)
	r.endpoint.want(t, strings.Join(want, " "))
	testkit.Wait(t, "all to be noted", func() bool { return r.states(t)["msg_049"].State == store.Delivered })
	stop() // which gives the bot back
	put(50)
	r.endpoint.want(t, strings.Join(want, " "))
}

// A relay that has lost its claim starts nothing more.
func TestLostLease(t *testing.T) {
	c := &courier{}
	c.extend(time.Now().Add(deliveries.Timeout + time.Minute))
	if !c.mayStart() {
		t.Error("does not start with a minute left")
	}
	c.extend(time.Now().Add(deliveries.Timeout - time.Second))
	if c.mayStart() {
		t.Error("starts what may outlast its lease")
	}
}

// A reload changes where votes go, and what signs them.
func TestReload(t *testing.T) {
	r := newRig(t)
	relay, _ := r.run(t, r.config())
	r.put(t, "msg_a")
	relay.Wake(testBot)
	r.endpoint.want(t, "msg_a")
	other := newEndpointServer(t)
	r.writeBots(t, other.URL, "another secret of ours")
	if _, err := r.catalogs.Reload(); err != nil {
		t.Fatal(err)
	}
	r.put(t, "msg_b")
	relay.Wake(testBot)
	other.want(t, "msg_b")
	wh, _ := standardwebhooks.NewWebhookRaw([]byte("another secret of ours"))
	if err := wh.VerifyIgnoringTimestamp([]byte(other.all()[0].Body), other.all()[0].Header); err != nil {
		t.Error(err)
	}
}

// The end waits for what is under way.
func TestEndWaits(t *testing.T) {
	r := newRig(t)
	arrived, release := make(chan struct{}), make(chan struct{})
	r.endpoint.on(func(http.ResponseWriter, *http.Request) { close(arrived); <-release })
	relay, stop := r.run(t, r.config())
	r.put(t, "msg_a")
	r.put(t, "msg_b")
	relay.Wake(testBot)
	testkit.Receive(t, "the attempt", arrived)
	ended := make(chan struct{})
	go func() { stop(); close(ended) }()
	select {
	case <-ended:
		t.Fatal("ended with an attempt under way")
	case <-time.After(50 * time.Millisecond): // it must not end
	}
	close(release)
	testkit.Receive(t, "the end", ended)
	if d := r.states(t); d["msg_a"].State != store.Delivered || d["msg_b"].Attempts != 0 {
		t.Errorf("at the end: %+v, want what was under way delivered, and nothing begun", d)
	}
}

func TestRetryAsked(t *testing.T) {
	r := newRig(t)
	r.endpoint.on(testkit.Say(500, "text/plain", "down"))
	relay, _ := r.run(t, r.config())
	for i := range 5 {
		r.put(t, fmt.Sprint("msg_", i))
	}
	relay.Wake(testBot)
	testkit.Wait(t, "the rest", func() bool { return r.saved(t, relay).Failed == 5 })
	r.endpoint.on(nil)
	if n, err := relay.Retry(t.Context(), testBot, []string{"msg_3", "msg_9"}, ""); n != 1 || err != nil {
		t.Fatalf("retried %d, %v; want 1", n, err)
	}
	r.endpoint.want(t, "msg_0 msg_1 msg_2 msg_3 msg_4 msg_0 msg_1 msg_2 msg_3 msg_4")
}

func TestTestVote(t *testing.T) {
	r := newRig(t)
	relay, _ := r.run(t, r.config())
	b := r.bots.Current().Bot(testBot)
	d, err := relay.Test(t.Context(), b)
	if err != nil || d.State != store.Delivered || d.Last.Status != 200 || !d.Test || d.Attempts != 1 {
		t.Errorf("got %+v, %v; want it delivered", d, err)
	}
	// One goes even where others wait for an endpoint that rests.
	r.endpoint.on(testkit.Say(500, "text/plain", "down"))
	for i := range 40 {
		r.put(t, fmt.Sprint("msg_", i))
	}
	testkit.Wait(t, "the rest", func() bool { return r.saved(t, relay).rests() })
	d, err = relay.Test(t.Context(), b)
	if err != nil || d.State != store.Dead || d.Last.Status != 500 || d.Last.Reason != "500 Internal Server Error" {
		t.Errorf("got %+v, %v; want it dead", d, err)
	}
	r.endpoint.on(nil)
	d, err = relay.Test(t.Context(), b)
	if err != nil || d.State != store.Delivered {
		t.Errorf("got %+v, %v; want it delivered", d, err)
	}
	testkit.Wait(t, "the rest to go out", func() bool { return r.states(t)["msg_39"].State == store.Delivered })
	// Many votes may come while the endpoint thinks about it.
	r.endpoint.on(func(w http.ResponseWriter, _ *http.Request) {
		r.endpoint.on(nil)
		for range deliveriesPage + 1 {
			m := store.Message{ID: newID(), Bot: testBot, Type: typeCreated, Body: []byte("{}"), Created: r.clock.Now()}
			if _, err := r.store.Outbox().Put(t.Context(), m, false); err != nil {
				t.Error(err)
			}
		}
		w.WriteHeader(http.StatusNoContent)
	})
	d, err = relay.Test(t.Context(), b)
	if err != nil || d.State != store.Delivered || d.Last.Status != 204 {
		t.Errorf("behind others: got %+v, %v; want it delivered", d, err)
	}
	d, err = relay.Test(t.Context(), r.bots.Current().Bot(keyedBot))
	if err != nil || d.State != store.Delivered || d.Attempts != 0 {
		t.Errorf("to the stream alone: got %+v, %v; want it delivered at once", d, err)
	}
}

package httpapi_test

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"

	"aggregator/agent"
	"aggregator/httpapi"
	"aggregator/internal/testkit"
	"aggregator/shares"
	"aggregator/store"
	"aggregator/votes"
)

// hangingOutbox is an outbox whose disk hangs.
type hangingOutbox struct {
	store.Outbox
	free chan struct{} // closed at the test's end
}

func (h hangingOutbox) Put(context.Context, store.Message, bool, ...store.Once) (store.PutResult, error) {
	<-h.free
	return 0, store.ErrAway
}

// A list hears something within 1.5 s, though the store hangs or there is no room:
// some lists wait for no longer than 2 s.
func TestWebhookIsAnsweredInTime(t *testing.T) {
	t.Parallel()
	const lists = "lists:\n  tells.test: {name: T, url: 'https://tells.test/', webhook: {proof: {kind: header}, user: user}}\n"
	const botsYAML = "bots: {'111111111111111111': {key: a key of twenty characters, votes: {secrets: {tells.test: secret of the list}}}}\n"
	bots, live := liveBots(t, lists, botsYAML)
	outbox := hangingOutbox{free: make(chan struct{})}
	defer close(outbox.free)
	requests := shares.New(shares.Options{Capacity: 8, MaxWaiting: 8, MaxWait: time.Minute})
	memory := shares.New(shares.Options{Capacity: 1 << 20, MaxWaiting: 8, MaxWait: time.Minute})
	st := store.NewMemory(store.MemoryOptions{})
	s := serve(t, st, testkit.Thanks, func(c *httpapi.Config) {
		hash := store.NewHasher(st.Secret())
		c.Catalog, c.Requests, c.Memory = live, requests, memory
		c.Agent = agent.New(agent.Config{Bots: bots, Catalog: live, State: st.State(), Hash: hash, Log: c.Log})
		c.Votes = &httpapi.Votes{Intake: votes.NewIntake(votes.IntakeConfig{Outbox: outbox, Hash: hash, Log: c.Log, Wake: func(string) {}})}
	})
	tell := func() {
		t.Helper()
		start := time.Now()
		a := testkit.Send(t, "POST", s.base+"/hooks/111111111111111111/tells.test", `{"user":"222222222222222222"}`, "Authorization", "secret of the list")
		if a.Status != 503 || !strings.Contains(a.Body, "Service is busy") || a.Header.Get("Retry-After") == "" {
			t.Errorf("got %d %s, want 503", a.Status, a.Body)
		}
		if took := time.Since(start); took > testkit.Patience/2 {
			t.Errorf("answered after %s, want within 1.5 s", took)
		}
	}
	tell() // the store hangs
	network := shares.Network(netip.MustParseAddr("127.0.0.1"))
	place, err := requests.Acquire(t.Context(), network, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer place.Release()
	tell() // and this network's places are taken
	all, err := memory.Acquire(t.Context(), network, 256<<10)
	if err != nil {
		t.Fatal(err)
	}
	defer all.Release()
	tell() // and its memory
}

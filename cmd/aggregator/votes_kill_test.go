package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"aggregator/internal/testkit"
)

// webhookSenders are lists that send votes without end: each vote again and again, until
// it is answered with 200.
type webhookSenders struct {
	base atomic.Pointer[string] // of the service, which moves

	mu       sync.Mutex
	sent     map[string]bool // ids of votes
	accepted map[string]bool // those that were answered with 200
}

func (v *webhookSenders) run(ctx context.Context, n int) {
	for i := 0; ctx.Err() == nil; i++ {
		id := fmt.Sprintf("%d-%d", n, i)
		v.mu.Lock()
		v.sent[id] = true
		v.mu.Unlock()
		for ctx.Err() == nil {
			a, err := testkit.Do(ctx, testkit.Client, "POST", *v.base.Load()+"/hooks/"+ownBot+"/votes.test", voteBody(id), "Authorization", hookSecret)
			if err == nil && a.Status == 200 {
				v.mu.Lock()
				v.accepted[id] = true
				v.mu.Unlock()
				break
			}
			time.Sleep(5 * time.Millisecond) // the service is gone at the moment
		}
	}
}

// arrivals are the votes that an endpoint has got: their webhook-ids by the lists'
// ids of the votes.
type arrivals map[string]string

// add takes in what came, and returns what is wrong with it.
func (a arrivals) add(all []asked) error {
	for _, q := range all {
		if q.List != "endpoint" {
			continue
		}
		var m struct {
			Data struct{ Raw struct{ ID string } }
		}
		if err := json.Unmarshal([]byte(q.Body), &m); err != nil || m.Data.Raw.ID == "" {
			return fmt.Errorf("something else arrived: %s", q.Body)
		}
		id := q.Header.Get("webhook-id")
		if known, is := a[m.Data.Raw.ID]; is && known != id {
			return fmt.Errorf("vote %s arrived as %s and as %s", m.Data.Raw.ID, known, id)
		}
		a[m.Data.Raw.ID] = id
	}
	return nil
}

// TestKillVotes kills the service at random moments under a stream of votes. With
// SOAK it does so 50 times.
func TestKillVotes(t *testing.T) {
	t.Parallel()
	kills := 5
	if os.Getenv("SOAK") != "" {
		kills = 50
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d, %d kills", seed, kills)
	random := rand.New(rand.NewPCG(seed, 0))
	r := newRig(t)
	var answered atomic.Int64
	var seen sync.Map
	r.On("endpoint", func(w http.ResponseWriter, q *http.Request) {
		n := answered.Add(1)
		if _, again := seen.LoadOrStore(q.Header.Get("webhook-id"), true); again {
			return // what fails twice comes again after a minute
		}
		switch {
		case n%17 == 0:
			w.WriteHeader(http.StatusInternalServerError)
		case n%29 == 0:
			testkit.Reset(w, q)
		}
	})
	args := append(r.votingFlags(t), "--store", "sqlite:"+filepath.Join(t.TempDir(), "votes.db"))
	v := &webhookSenders{sent: map[string]bool{}, accepted: map[string]bool{}}
	p := r.start(t, nil, args...)
	v.base.Store(&p.Base)
	ctx, stop := context.WithCancel(t.Context())
	var sending sync.WaitGroup
	for n := range 4 {
		sending.Go(func() { v.run(ctx, n) })
	}
	defer sending.Wait()
	defer stop()
	got := arrivals{}
	for range kills {
		pause := time.Duration(random.IntN(300)) * time.Millisecond
		select {
		case <-p.exe.Done:
			t.Fatalf("the service ended by itself: %s", p.Log)
		case <-time.After(pause): // a random moment
		}
		p.exe.Signal(t, syscall.SIGKILL)
		p.exe.Code(t)
		p = r.start(t, nil, args...)
		v.base.Store(&p.Base)
		if err := got.add(r.Take()); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	sending.Wait()
	testkit.Eventually(t, func() error {
		err := got.add(r.Take())
		missing := 0
		for id := range v.accepted {
			if got[id] == "" {
				missing++
			}
		}
		if err == nil && missing > 0 {
			err = fmt.Errorf("%d of %d votes that were answered 200 have not arrived", missing, len(v.accepted))
		}
		return err
	})
	for id := range got {
		if !v.sent[id] {
			t.Errorf("vote %s arrived, which nobody sent", id)
		}
	}
	if len(v.accepted) < kills {
		t.Error("hardly a vote was taken in")
	}
	t.Logf("%d votes sent, %d answered 200, %d arrived in %d attempts", len(v.sent), len(v.accepted), len(got), answered.Load())
}

package main

import (
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"aggregator/internal/testkit"
)

// Two replicas on one Redis take votes in, one of them delivers each, and a stream
// at either shows what the other took in. When one dies the other delivers what it
// leaves.
func TestVotesOfReplicas(t *testing.T) {
	t.Parallel()
	redis := startRedis(t)
	r := newRig(t)
	flags := r.votingFlags(t)
	replicas := []*process{r.replica(t, redis, flags...), r.replica(t, redis, flags...)}
	got, want := arrivals{}, map[string]bool{}
	attempts := 0
	tell := func(n int, to ...*process) {
		t.Helper()
		for i := range n {
			id := fmt.Sprintf("%d", len(want))
			to[i%len(to)].tell(t, ownBot, voteBody(id)).Want(t, 200)
			want[id] = true
		}
	}
	arrive := func(patience time.Duration) {
		t.Helper()
		for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
			all := r.Take()
			for _, a := range all {
				if a.List == "endpoint" {
					attempts++
				}
			}
			if err := got.add(all); err != nil {
				t.Fatal(err)
			}
			if len(got) == len(want) {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("%d of %d votes arrived within %s: %s", len(got), len(want), patience, replicas[1].Log)
			}
		}
	}
	tell(100, replicas...)
	arrive(testkit.Patience)
	if attempts != 100 {
		t.Errorf("%d attempts for 100 votes of which none failed", attempts)
	}
	// The same vote at another replica is the same vote.
	replicas[1].tell(t, ownBot, voteBody("0")).Want(t, 200)
	all := replicas[0].deliveries(t, ownBot, "").Deliveries
	if len(all) != 100 {
		t.Errorf("%d deliveries, want 100", len(all))
	}

	var streams [2]<-chan string
	for i, p := range replicas {
		streams[i] = streamOf(t, &p.running, otherOwnBot, "0").events
	}
	replicas[0].tell(t, otherOwnBot, voteBody("stream")).Want(t, 200)
	for i, stream := range streams {
		for !strings.Contains(testkit.Receive(t, "an event", stream), `"stream"`) {
		}
		t.Logf("replica %d shows it", i)
	}

	// Whichever delivers is killed in the middle of an attempt.
	arrived := make(chan string, 100)
	r.On("endpoint", func(_ http.ResponseWriter, q *http.Request) {
		arrived <- q.RemoteAddr
		<-q.Context().Done()
	})
	tell(2, replicas...)
	testkit.Receive(t, "the attempt", arrived)
	r.On("endpoint", testkit.Say(200, "text/plain", "ok"))
	r.Take() // what hangs is not taken, and comes again
	dead, left := replicas[0], replicas[1]
	if !delivers(t, dead) {
		dead, left = left, dead
	}
	dead.exe.Signal(t, syscall.SIGKILL)
	dead.exe.Code(t)
	replicas[1] = left
	arrive(40 * time.Second) // 30 s are promised, of a machine that does little else
	tell(20, left)
	arrive(testkit.Patience)
}

// delivers reports whether a replica has delivered votes, as its metrics tell.
func delivers(t *testing.T, p *process) bool {
	t.Helper()
	return strings.Contains(testkit.Send(t, "GET", p.Base+"/metrics", "").Body, `aggregator_vote_deliveries_total{result="taken"}`)
}

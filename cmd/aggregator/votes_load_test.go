package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"aggregator/internal/testkit"
)

// residentKB returns how much memory a process holds.
func residentKB(t *testing.T, pid int) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Skip("NOT TESTED: no /proc")
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(rest), " kB"))
			if err != nil {
				t.Fatal(err)
			}
			return kb
		}
	}
	t.Fatalf("no VmRSS in %s", text)
	return 0
}

// TestManyVotesWait has votes wait for an endpoint that is down: 10,000 of them with
// SOAK. They take little memory, and go out in order once it is back. It logs how
// long a list waits for its answer.
func TestManyVotesWait(t *testing.T) {
	t.Parallel()
	n := 500
	if os.Getenv("SOAK") != "" {
		n = 10_000
	}
	r := newRig(t)
	r.On("endpoint", testkit.Say(500, "text/plain", "down"))
	p := r.start(t, nil, append(r.votingFlags(t), "--store", "sqlite:"+filepath.Join(t.TempDir(), "votes.db"))...)
	before := residentKB(t, p.exe.Cmd.Process.Pid)
	took := make([]time.Duration, n)
	for i := range n {
		start := time.Now()
		p.tell(t, ownBot, voteBody(strconv.Itoa(i))).Want(t, 200)
		took[i] = time.Since(start)
	}
	slices.Sort(took)
	more := residentKB(t, p.exe.Cmd.Process.Pid) - before
	t.Logf("%d votes taken in: median %s, p99 %s; %d MB more", n, took[n/2], took[n*99/100], more>>10)
	r.On("endpoint", testkit.Say(200, "text/plain", "ok"))
	start := time.Now()
	p.keyed(t, "POST", "/deliveries/retry", ownBot, `{"state":"pending"}`).Want(t, 202)
	var got []string // in the order in which each came first: those that failed before were the first too
	seen := map[string]bool{}
	for end := start.Add(time.Minute); len(got) < n; time.Sleep(10 * time.Millisecond) {
		for _, a := range r.Take() {
			_, raw, _ := strings.Cut(a.Body, `"raw":`)
			if !seen[raw] {
				seen[raw] = true
				got = append(got, raw)
			}
		}
		if time.Now().After(end) {
			t.Fatalf("%d of %d votes arrived within a minute", len(got), n)
		}
	}
	after := residentKB(t, p.exe.Cmd.Process.Pid) - before
	t.Logf("all of them arrived within %s; %d MB more", time.Since(start), after>>10)
	for i, raw := range got {
		if want := voteBody(strconv.Itoa(i)); !strings.HasPrefix(raw, want) {
			t.Fatalf("vote %d to arrive was %s, want %s", i, raw, want)
		}
	}
	if most := 100 << 10; max(more, after) > most {
		t.Errorf("%d kB more memory, want at most %d", max(more, after), most)
	}
	testkit.Wait(t, "all to be noted", func() bool { return len(p.deliveries(t, ownBot, "?state=pending").Deliveries) == 0 })
}

// TestVotesOnOneCore has a service on one core take votes from several lists at
// once, and pass them on: 4,000 of them with SOAK, which must come to 200 a second.
func TestVotesOnOneCore(t *testing.T) {
	t.Parallel()
	n, measured := 200, false
	if os.Getenv("SOAK") != "" {
		n, measured = 4000, true
	}
	r := newRig(t)
	args := append(r.votingFlags(t), "--store", "sqlite:"+filepath.Join(t.TempDir(), "votes.db"))
	p := r.start(t, []string{"GOMAXPROCS=1"}, args...)
	var next atomic.Int64
	var senders sync.WaitGroup
	took := make([]time.Duration, n)
	start := time.Now()
	for range 8 {
		senders.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				began := time.Now()
				a, err := testkit.Do(t.Context(), testkit.Client, "POST", p.Base+"/hooks/"+ownBot+"/votes.test", voteBody(strconv.FormatInt(i, 10)), "Authorization", hookSecret)
				if took[i] = time.Since(began); err != nil || a.Status != 200 {
					t.Errorf("vote %d: %d %s, %v", i, a.Status, a.Body, err)
				}
			}
		})
	}
	senders.Wait()
	rate := float64(n) / time.Since(start).Seconds()
	got := arrivals{}
	testkit.Eventually(t, func() error {
		if err := got.add(r.Take()); err != nil || len(got) == n {
			return err
		}
		return fmt.Errorf("%d of %d votes have arrived", len(got), n)
	})
	slices.Sort(took)
	t.Logf("%d votes taken in: %.0f a second, median %s, p99 %s; all had gone out after %s", n, rate, took[n/2], took[n*99/100], time.Since(start))
	if measured && rate < 200 {
		t.Errorf("%.0f votes a second, want 200", rate)
	}
}

// TestManyHangingEndpoints has more endpoints hang than are told at once: counts
// and readings are answered, and webhooks taken in, while all of them do.
func TestManyHangingEndpoints(t *testing.T) {
	t.Parallel()
	const bots, atOnce = 300, 128 // those that fail and wait leave enough others
	r := newRig(t)
	var hanging atomic.Int64
	r.On("endpoint", func(w http.ResponseWriter, q *http.Request) {
		hanging.Add(1)
		defer hanging.Add(-1)
		testkit.Hang(w, q)
	})
	ids := make([]string, bots)
	file := "bots:\n"
	for i := range ids {
		ids[i] = newBot()
		file += fmt.Sprintf("  %q: {votes: {secrets: {votes.test: %q}, send_to: {url: \"http://%s/endpoint/votes\", secret: %q}}}\n", ids[i], hookSecret, r.Addr, sendSecret)
	}
	s := r.boot(t, "--lists", write(t, "voting.yaml", votingLists), "--bots", write(t, "bots.yaml", file))
	for _, bot := range ids {
		s.tell(t, bot, voteBody(bot)).Want(t, 200)
	}
	testkit.Wait(t, "all attempts that there may be to hang", func() bool { return hanging.Load() >= atOnce })
	if c := s.post(t, countBody(newBot(), `"hidden.test":"t"`)); c.Success["hidden.test"].status != 200 {
		t.Errorf("a count beside them: %s", c.raw)
	}
	s.read(t, newBot())
	s.tell(t, ids[0], voteBody("another")).Want(t, 200)
	if n := hanging.Load(); n < atOnce/2 {
		t.Errorf("%d attempts hang after a count, a reading and a webhook, want all %d: these waited for them", n, atOnce)
	}
}

package main

import (
	"fmt"
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

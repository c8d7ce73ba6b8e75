package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
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

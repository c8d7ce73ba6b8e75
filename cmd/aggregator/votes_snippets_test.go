package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"aggregator/internal/testkit"
)

// verifiers returns what runs the programs of docs/votes.md that verify votes: the
// language of each, and what makes a command of its text.
func verifiers() (all []verifier) {
	for _, r := range clientRuntimes {
		all = append(all, verifier{r.name, r.language, r.command[0], func(t *testing.T, text string) []string { return r.place(t, "votes"+r.ending, text) }})
	}
	return append(all, verifier{"go", "go", "go", func(t *testing.T, text string) []string { // built within this module, which has the library
		program := filepath.Join(t.TempDir(), "votes")
		if err := testkit.Build(program, write(t, "votes.go", text)); err != nil {
			t.Fatal(err)
		}
		return []string{program}
	}})
}

type verifier struct {
	name, language, needs string
	command               func(t *testing.T, text string) []string
}

// signed returns the headers of a message, signed as Standard Webhooks says.
func signed(key []byte, id string, at time.Time, body string) []string {
	stamp := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, key)
	_, _ = fmt.Fprintf(mac, "%s.%s.%s", id, stamp, body)
	return []string{"webhook-id", id, "webhook-timestamp", stamp, "webhook-signature", "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))}
}

// runOn runs a program in a folder until the test ends, and returns what it prints.
func runOn(t *testing.T, folder string, command, env []string) *testkit.Log {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.WaitDelay = time.Second
	cmd.Dir, cmd.Env = folder, env
	out := &testkit.Log{}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() { cancel(); <-ended })
	return out
}

// runVerifier runs a program that prints on which port it listens, and returns its
// output and the address where it takes votes.
func runVerifier(t *testing.T, command []string, secret string, env ...string) (out *testkit.Log, url string) {
	t.Helper()
	out = runOn(t, "", command, bareEnv(t, append(env, "PORT=0", "VOTES_SECRET="+secret)...))
	at := regexp.MustCompile(`^listening on port (\d+)\n`)
	testkit.Eventually(t, func() error {
		if !at.MatchString(out.String()) {
			return fmt.Errorf("it says %s", out)
		}
		return nil
	})
	return out, "http://127.0.0.1:" + at.FindStringSubmatch(out.String())[1] + "/votes"
}

// TestVerifiers runs what docs/votes.md says for each language: it takes what the
// service sends, and nothing else.
func TestVerifiers(t *testing.T) {
	t.Parallel()
	key := []byte("0123456789abcdef01234567")
	for _, v := range verifiers() {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			text := snippets(t, "docs/votes.md", v.language)[0]
			if _, err := exec.LookPath(v.needs); err != nil {
				t.Skipf("NOT TESTED: no %s", v.needs)
			}
			made := v.command(t, text)
			for _, secret := range []string{string(key), "whsec_" + base64.StdEncoding.EncodeToString(key)} {
				verifierTakes(t, made, secret)
			}
			verifierRefuses(t, made, key)
		})
	}
}

// verifierTakes has a program take votes of the real service.
func verifierTakes(t *testing.T, command []string, secret string) {
	t.Helper()
	out, url := runVerifier(t, command, secret)
	r := newRig(t)
	bots := write(t, "bots.yaml", fmt.Sprintf("bots:\n  %q: {votes: {secrets: {votes.test: %q}, send_to: {url: %q, secret: [%q, \"another secret that signs\"]}}}\n", ownBot, hookSecret, url, secret))
	s := r.boot(t, "--lists", write(t, "voting.yaml", votingLists), "--bots", bots)
	s.tell(t, ownBot, voteBody("a")).Want(t, 200)
	s.tell(t, ownBot, fmt.Sprintf(`{"type":"test","user":%q}`, votingUser)).Want(t, 200)
	_, lines, _ := strings.Cut(out.String(), "\n")
	want := fmt.Sprintf("vote.created votes.test %s weight 1\nvote.created votes.test %s weight 1 test\n", votingUser, votingUser)
	testkit.Eventually(t, func() error {
		if _, lines, _ = strings.Cut(out.String(), "\n"); lines != want {
			return fmt.Errorf("it printed %q, want %q", lines, want)
		}
		return nil
	})
}

// verifierRefuses sends to a program what no service sends.
func verifierRefuses(t *testing.T, command []string, key []byte) {
	t.Helper()
	out, url := runVerifier(t, command, string(key))
	const body = `{"type":"vote.created","data":{"list":"list.example","user_id":"1","weight":1,"test":false}}`
	now := time.Now()
	without := func(name string) []string {
		all := signed(key, "msg_a", now, body)
		for i := 0; i < len(all); i += 2 {
			if all[i] == name {
				return append(all[:i:i], all[i+2:]...)
			}
		}
		t.Fatalf("no header %s", name)
		return nil
	}
	beside := signed(key, "msg_b", now, body)
	beside[5] = "v1,bm8= v2,x " + beside[5]
	bare := signed(key, "msg_a", now, body)
	bare[5] = strings.TrimPrefix(bare[5], "v1,")
	for _, tt := range []struct {
		name    string
		headers []string
		body    string
		taken   bool
	}{
		{"signed", signed(key, "msg_a", now, body), body, true},
		{"the same again", signed(key, "msg_a", now.Add(time.Second), body), body, true},
		{"beside other signatures", beside, body, true},
		{"another secret", signed([]byte("another secret"), "msg_c", now, body), body, false},
		{"another body", signed(key, "msg_c", now, body), body + " ", false},
		{"old", signed(key, "msg_c", now.Add(-10*time.Minute), body), body, false},
		{"of another day", signed(key, "msg_c", now.Add(24*time.Hour), body), body, false},
		{"no id", without("webhook-id"), body, false},
		{"no timestamp", without("webhook-timestamp"), body, false},
		{"no signature", without("webhook-signature"), body, false},
		{"no version", bare, body, false},
	} {
		if a := testkit.Send(t, "POST", url, tt.body, tt.headers...); a.Status != map[bool]int{true: 204, false: 401}[tt.taken] {
			t.Errorf("%s: got %d, want it taken (204): %t", tt.name, a.Status, tt.taken)
		}
	}
	paid := func() int { return strings.Count(out.String(), "vote.created") }
	testkit.Wait(t, "what it prints", func() bool { return paid() >= 2 })
	if n := paid(); n != 2 {
		t.Errorf("%d votes were paid, want 2 (one came twice): %s", n, out)
	}
}

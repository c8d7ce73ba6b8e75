package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aggregator/internal/testkit"
)

// bootOver runs `aggregator serve` with its calls led by a transport, without
// limits of its own and with its store in a file, unless args say otherwise.
func bootOver(t *testing.T, transport http.RoundTripper, file string, args ...string) *running {
	t.Helper()
	return bootOn(t, transport, append([]string{"--store", "sqlite:" + file, "--limit-count", "off", "--limit-bots", "off", "--limit-network", "off"}, args...)...)
}

// countAt posts a count with one list's token, and answers the list's status,
// or why it was skipped.
func (s *running) countAt(t *testing.T, bot, list, token string) string {
	t.Helper()
	a := testkit.Send(t, "POST", s.Base+"/api/count", fmt.Sprintf(`{"bot_id":%q,"server_count":7,%q:%q}`, bot, list, token))
	var said struct {
		Success, Failure map[string][]any
		Skipped          map[string]string
	}
	if err := json.Unmarshal([]byte(a.Body), &said); err != nil || a.Status != 200 || len(said.Success)+len(said.Failure)+len(said.Skipped) != 1 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	if strings.Contains(a.Body, token) {
		t.Errorf("the answer holds the token: %s", a.Body)
	}
	for _, r := range []map[string][]any{said.Success, said.Failure} {
		if r[list] != nil {
			return fmt.Sprint(r[list][0])
		}
	}
	return said.Skipped[list]
}

// wantPaced wants a hold of about d from now.
func wantPaced(t *testing.T, why string, d time.Duration) {
	t.Helper()
	text, ok := strings.CutPrefix(why, "Paced: next post at ")
	at, err := time.Parse("2006-01-02T15:04:05Z", text)
	if left := time.Until(at); !ok || err != nil || left < d-time.Minute || left > d+time.Minute {
		t.Errorf("%q, want it paced for about %s", why, d)
	}
}

const pacedToken = "s3cret-0815"

// pacedLists limit bots, our address and tokens.
const pacedLists = `
lists:
  paced.test:
    name: Paced
    url: "https://paced.test/"
    post:
      url: "https://api.paced.test/bots/:id/stats"
      method: PATCH
      fields: {server_count: server_count}
      success: {field: success, is: true}
      revoked: [410]
      limits: [{per: bot, requests: 1, seconds: 21600}]
  address.test:
    name: Address
    url: "https://address.test/"
    api_post: "https://address.test/bots/:id/stats"
    api_field: guilds
    api_get: "https://address.test/bots/:id"
    post: {limits: [{per: address, requests: 10, seconds: 60}]}
  token.test:
    name: Token
    url: "https://token.test/"
    api_post: "https://token.test/bots/:id/stats"
    api_field: guilds
    post: {limits: [{per: token, requests: 20, seconds: 5}]}
  two.test:
    name: Two
    url: "https://two.test/"
    api_post: "https://two.test/v0/:id"
    api_field: guilds
    post: {otherwise: {on: [401], url: "https://two.test/v1/me", method: PATCH, auth: {prefix: "Bearer "}}}
`

// bootPaced runs `aggregator serve` with pacedLists.
func bootPaced(t *testing.T, transport http.RoundTripper, file string, args ...string) *running {
	t.Helper()
	return bootOver(t, transport, file, append(args, "--lists", write(t, "lists.yaml", pacedLists))...)
}

func TestSecondPostIsHeldBackAcrossARestart(t *testing.T) {
	t.Parallel()
	box, transport := newSandbox(t, pacedLists)
	file := filepath.Join(t.TempDir(), "store.db")
	s := bootPaced(t, transport, file)
	bot, other := newBot(), newBot()
	if got := s.countAt(t, bot, "paced.test", pacedToken); got != "200" {
		t.Fatalf("the first post: %s", got)
	}
	held := s.countAt(t, bot, "paced.test", pacedToken)
	wantPaced(t, held, 6*time.Hour)
	for range 2 {
		if got := s.countAt(t, bot, "paced.test", pacedToken); got != held {
			t.Errorf("again: %q, want %q", got, held)
		}
		wantPaced(t, s.countAt(t, bot, "paced.test", "second-token"), 6*time.Hour)
		if code := s.Stop(); code != 0 {
			t.Fatalf("exit %d: %s", code, s.Log)
		}
		noToken(t, file)
		s = bootPaced(t, transport, file)
	}
	if got := s.countAt(t, other, "paced.test", pacedToken); got != "200" {
		t.Errorf("another bot: %s", got)
	}
	if got := s.countAt(t, bot, "token.test", pacedToken); got != "200" {
		t.Errorf("another list: %s", got)
	}
	if got := len(box.Posts("paced.test")); got != 2 {
		t.Errorf("%d posts reached the list, want 2", got)
	}
}

// noToken checks that a store's files hold no token.
func noToken(t *testing.T, file string) {
	t.Helper()
	all, err := filepath.Glob(file + "*")
	if err != nil || len(all) == 0 {
		t.Fatal(all, err)
	}
	for _, name := range all {
		data, err := os.ReadFile(name)
		if err != nil || len(data) == 0 || bytes.Contains(data, []byte("0815")) {
			t.Errorf("%s: %d bytes, %v, or a token in it", name, len(data), err)
		}
	}
}

func TestOurAddressIsPacedForEveryone(t *testing.T) {
	t.Parallel()
	const list = "address.test"
	box, transport := newSandbox(t, pacedLists)
	file := filepath.Join(t.TempDir(), "store.db")
	s := bootPaced(t, transport, file)
	for i := range 9 { // with a token that the list is known to accept from the first on: others may not take so many
		if got := s.countAt(t, newBot(), list, "token-of-one"); got != "200" {
			t.Fatalf("post %d: %s", i, got)
		}
	}
	if a := s.read(t, newBot()); !strings.Contains(a.said(list), "404") { // the list knows no such bot; the tenth request
		t.Fatalf("reading: %s", a.said(list))
	}
	wantPaced(t, s.countAt(t, newBot(), list, "token-of-one"), time.Minute)
	wantPaced(t, s.countAt(t, newBot(), list, "token-of-another"), time.Minute)
	if a := testkit.Send(t, "GET", s.Base+"/api/bots/"+newBot(), ""); !strings.Contains(a.Body, `"`+list+`":"Paced: next reading at `) {
		t.Errorf("a reading is not held: %d %s", a.Status, a.Body)
	}
	s.Stop()
	s = bootPaced(t, transport, file)
	wantPaced(t, s.countAt(t, newBot(), list, "token-of-one"), time.Minute)
	if got := len(box.Posts(list)); got != 9 {
		t.Errorf("%d posts reached the list, want 9", got)
	}
}

func TestRevokedTokenIsHeldUntilItChanges(t *testing.T) {
	t.Parallel()
	box, transport := newSandbox(t, pacedLists)
	file := filepath.Join(t.TempDir(), "store.db")
	s := bootPaced(t, transport, file)
	// Someone else posts with the token, too often, until the list revokes it.
	direct := &http.Client{Transport: transport}
	elsewhere := newBot()
	for i := range 7 {
		req, err := http.NewRequestWithContext(t.Context(), "PATCH", "https://api.paced.test/bots/"+elsewhere+"/stats", strings.NewReader(`{"server_count":1}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", pacedToken)
		req.Header.Set("Content-Type", "application/json")
		resp, err := direct.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if last := i == 6; last != (resp.StatusCode == http.StatusGone) {
			t.Fatalf("post %d from elsewhere: %d", i, resp.StatusCode)
		}
	}
	bot := newBot()
	before := len(box.Posts("paced.test"))
	const want = "Revoked: paced.test has revoked this token; send a new one"
	if got := s.countAt(t, bot, "paced.test", pacedToken); got != "410" {
		t.Fatalf("the first post: %s", got)
	}
	if got := s.countAt(t, bot, "paced.test", pacedToken); got != want {
		t.Errorf("the second: %s", got)
	}
	s.Stop()
	noToken(t, file)
	s = bootPaced(t, transport, file)
	if got := s.countAt(t, newBot(), "paced.test", pacedToken); got != want {
		t.Errorf("after a restart, for another bot: %s", got)
	}
	if got := s.countAt(t, bot, "paced.test", "new-token"); got != "200" {
		t.Errorf("a new token: %s", got)
	}
	if got := len(box.Posts("paced.test")) - before; got != 2 {
		t.Errorf("%d posts reached the list, want 2", got)
	}
}

// The list is stricter than its entry says, and tells so.
func TestTooManyRequestsAreHeldAcrossARestart(t *testing.T) {
	t.Parallel()
	box, transport := newSandbox(t, strings.Replace(pacedLists, "requests: 20, seconds: 5", "requests: 1, seconds: 3600", 1))
	file := filepath.Join(t.TempDir(), "store.db")
	s := bootPaced(t, transport, file)
	for i, want := range []string{"200", "429"} {
		if got := s.countAt(t, newBot(), "token.test", pacedToken); got != want {
			t.Fatalf("post %d: %s, want %s", i, got, want)
		}
	}
	wantPaced(t, s.countAt(t, newBot(), "token.test", pacedToken), time.Hour)
	s.Stop()
	noToken(t, file)
	s = bootPaced(t, transport, file)
	wantPaced(t, s.countAt(t, newBot(), "token.test", pacedToken), time.Hour)
	if got := s.countAt(t, newBot(), "token.test", "another-token"); got != "200" {
		t.Errorf("another token: %s", got)
	}
	if got := len(box.Posts("token.test")); got != 3 {
		t.Errorf("%d posts reached the list, want 3", got)
	}
}

func TestSecondWayIsRememberedAcrossARestart(t *testing.T) {
	t.Parallel()
	box, transport := newSandbox(t, pacedLists)
	file := filepath.Join(t.TempDir(), "store.db")
	s := bootPaced(t, transport, file)
	bot := newBot()
	if got := s.countAt(t, bot, "two.test", "second-0815"); got != "200" {
		t.Fatalf("the first post: %s", got)
	}
	s.Stop()
	noToken(t, file)
	s = bootPaced(t, transport, file)
	if got := s.countAt(t, bot, "two.test", "second-0815"); got != "200" {
		t.Errorf("after a restart: %s", got)
	}
	var ways []string
	for _, p := range box.Posts("two.test") {
		ways = append(ways, fmt.Sprint(p.Method, " ", p.Status))
	}
	if got, want := strings.Join(ways, ", "), "POST 401, PATCH 200, PATCH 200"; got != want {
		t.Errorf("the list got %s, want %s", got, want)
	}
}

func TestHeldPostIsAnsweredInsideAWindow(t *testing.T) {
	t.Parallel()
	_, transport := newSandbox(t, pacedLists)
	s := bootPaced(t, transport, filepath.Join(t.TempDir(), "store.db"), "--limit-count", "1/120s")
	bot := newBot()
	if got := s.countAt(t, bot, "paced.test", pacedToken); got != "200" {
		t.Fatalf("the first post: %s", got)
	}
	wantPaced(t, s.countAt(t, bot, "paced.test", pacedToken), 6*time.Hour)
	body := fmt.Sprintf(`{"bot_id":%q,"server_count":7,"paced.test":"t","token.test":"t"}`, bot)
	if a := testkit.Send(t, "POST", s.Base+"/api/count", body); a.Status != http.StatusTooManyRequests {
		t.Errorf("with a list that is free: %d %s", a.Status, a.Body)
	}
}

func TestSchema(t *testing.T) {
	t.Parallel()
	code, out, errOut := runCommand(t, "schema")
	var schema struct {
		Schema     string         `json:"$schema"`
		Properties map[string]any `json:"properties"`
	}
	if err := json.Unmarshal([]byte(out), &schema); err != nil || code != 0 || errOut != "" {
		t.Fatalf("exit %d, %v, %s", code, err, errOut)
	}
	if schema.Schema == "" || schema.Properties["lists"] == nil || schema.Properties["features"] == nil {
		t.Errorf("a schema of something else: %s", out)
	}
	if code, out, _ := runCommand(t, "schema", "lists.yaml"); code != exitUsage || out != "" {
		t.Errorf("with an argument: exit %d, %q", code, out)
	}
}

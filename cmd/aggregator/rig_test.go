package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"aggregator/internal/testkit"
)

// rig is a server of lists: the first part of a path is a list's id. A list
// answers 200 {"ok":true} until a test says otherwise.
type rig struct{ *testkit.Lists }

type asked = testkit.Asked

func newRig(t *testing.T) *rig {
	t.Helper()
	return &rig{testkit.NewLists(t, nil, testkit.Say(200, "application/json", `{"ok":true}`))}
}

// files are the flags that name the rig's catalog.
func (r *rig) files(t *testing.T) []string {
	t.Helper()
	raw, err := os.ReadFile("testdata/rig/lists.yaml")
	if err != nil {
		t.Fatal(err)
	}
	name := write(t, "lists.yaml", strings.ReplaceAll(string(raw), "127.0.0.1:7700", r.Addr))
	return []string{"--lists", name, "--legacy-ids", "testdata/rig/legacy_ids.yaml"}
}

// boot boots a service on the rig's catalog, without limits.
func (r *rig) boot(t *testing.T, args ...string) *running {
	t.Helper()
	return r.bootLimited(t, append([]string{"--limit-count", "off", "--limit-bots", "off"}, args...)...)
}

func (r *rig) bootLimited(t *testing.T, args ...string) *running {
	t.Helper()
	return boot(t, append(r.files(t), args...)...)
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

var bots atomic.Int64

// newBot is a bot that no other test asks about.
func newBot() string { return fmt.Sprintf("1%017d", bots.Add(1)) }

// countBody is the body of a count of 5 servers, and what more it holds.
func countBody(bot, more string) string {
	if more != "" {
		more = "," + more
	}
	return fmt.Sprintf(`{"bot_id":%q,"server_count":5%s}`, bot, more)
}

// counted is the answer to a count.
type counted struct {
	Success, Failure map[string]result
	Skipped          map[string]string
	raw              string
}

type result struct {
	status     int
	text, sent string
}

func (r *result) UnmarshalJSON(raw []byte) error {
	var parts []json.RawMessage
	if err := json.Unmarshal(raw, &parts); err != nil {
		return err
	}
	if len(parts) != 3 {
		return fmt.Errorf("%d parts: %s", len(parts), raw)
	}
	for i, to := range []any{&r.status, &r.text, &r.sent} {
		if err := json.Unmarshal(parts[i], to); err != nil {
			return err
		}
	}
	return nil
}

// post posts a count, which must be answered with 200.
func (s *running) post(t *testing.T, body string, headers ...string) counted {
	t.Helper()
	a := testkit.Send(t, "POST", s.Base+"/api/count", body, headers...)
	if a.Status != 200 {
		t.Fatalf("status %d: %s", a.Status, a.Body)
	}
	c := counted{raw: a.Body}
	if err := json.Unmarshal([]byte(a.Body), &c); err != nil {
		t.Fatalf("%v: %s", err, a.Body)
	}
	if c.Success == nil || c.Failure == nil {
		t.Fatalf("success and failure must be there: %s", a.Body)
	}
	return c
}

// bot is the answer to a reading.
type botAnswer struct {
	answer
	List    map[string][2]json.RawMessage `json:"list_data"`
	Skipped map[string]string
	Owners  []string
	Count   json.RawMessage `json:"server_count"`
}

// read reads a bot, which must be answered with 200.
func (s *running) read(t *testing.T, bot string) botAnswer {
	t.Helper()
	return parseBot(t, testkit.Send(t, "GET", s.Base+"/api/bots/"+bot, ""))
}

func parseBot(t *testing.T, a answer) botAnswer {
	t.Helper()
	if a.Status != 200 {
		t.Fatalf("status %d: %s", a.Status, a.Body)
	}
	b := botAnswer{answer: a}
	if err := json.Unmarshal([]byte(a.Body), &b); err != nil {
		t.Fatalf("%v: %s", err, a.Body)
	}
	return b
}

// field is a field of the answer, as JSON.
func (b botAnswer) field(t *testing.T, name string) string {
	t.Helper()
	return member(t, b.Body, name)
}

// said is what the answer shows of a list.
func (b botAnswer) said(list string) string {
	d, ok := b.List[list]
	if !ok {
		return "nothing"
	}
	return string(d[0]) + " " + string(d[1])
}

// keys are the keys of a JSON object, in the order written.
func keys(t *testing.T, object string) []string {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(object))
	if first, err := dec.Token(); err != nil || first != json.Delim('{') {
		t.Fatalf("no JSON object: %v: %s", err, object)
	}
	var all []string
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			t.Fatal(err)
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			t.Fatal(err)
		}
		all = append(all, key.(string))
	}
	return all
}

// member is a member of a JSON object, as JSON.
func member(t *testing.T, object, key string) string {
	t.Helper()
	var all map[string]json.RawMessage
	if err := json.Unmarshal([]byte(object), &all); err != nil {
		t.Fatalf("%v: %s", err, object)
	}
	return string(all[key])
}

func wantKeys(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("keys of %s: %q, want %q", what, got, want)
	}
}

func wantJSON(t *testing.T, what, got, want string) {
	t.Helper()
	if got == "" || !reflect.DeepEqual(parseJSON(t, got), parseJSON(t, want)) {
		t.Errorf("%s: %s, want %s", what, got, want)
	}
}

// wantError checks an answer in the error shape.
func wantError(t *testing.T, a answer, status int, message string) {
	t.Helper()
	want := fmt.Sprintf(`{"error":true,"status":%d,"message":%s}`, status, quoted(message))
	if a.Status != status || !reflect.DeepEqual(tryJSON(a.Body), parseJSON(t, want)) {
		t.Errorf("%d %s\nwant %d %s", a.Status, a.Body, status, want)
	}
	if kind := a.Header.Get("Content-Type"); !strings.HasPrefix(kind, "application/json") {
		t.Errorf("Content-Type %q", kind)
	}
}

func tryJSON(text string) any {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return nil
	}
	return v
}

func quoted(s string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s)
	return strings.TrimSpace(b.String())
}

func sortedIDs[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

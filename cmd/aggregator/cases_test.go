package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"aggregator"
	"aggregator/catalog"
	"aggregator/fanout"
	"aggregator/internal/testkit"
	"aggregator/sandbox"
)

// caseFile is testdata/cases.json, which says what its parts mean.
type caseFile struct {
	About []string
	Cases []smallCase
}

// smallCase is a small input with its right outcome.
type smallCase struct {
	ID, Kind string
	Catalog  json.RawMessage            // the shipped one where absent, entries, or layers
	Lists    map[string]json.RawMessage // what each fake list does
	Limits   bool                       // the service's own limits are on
	Steps    []caseStep
}

type caseStep struct {
	Post, Lookup map[string]json.RawMessage
	Get          string
	Query        string
	From         string
	Times        int
	Want         map[string]json.RawMessage
}

// TestCases has the service do what each case of testdata/cases.json says.
func TestCases(t *testing.T) {
	t.Parallel()
	var file caseFile
	readJSON(t, "testdata/cases.json", &file)
	for _, c := range file.Cases {
		t.Run(c.ID, func(t *testing.T) {
			t.Parallel()
			if problems := c.run(t); len(problems) > 0 {
				t.Errorf("%s:\n%s", c.Kind, strings.Join(problems, "\n"))
			}
		})
	}
}

func readJSON(t *testing.T, name string, to any) {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, to); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// run runs a case and returns what was wrong.
func (c smallCase) run(t *testing.T) []string {
	t.Helper()
	lists := testkit.NewLists(t, c.listOf(t), testkit.Say(404, "text/plain", "Not found"))
	for id, does := range c.Lists {
		lists.On(id, behaviours(t, does).ServeHTTP)
	}
	s, err := c.serve(t, lists)
	if err != nil {
		return []string{err.Error()}
	}
	bots := strings.NewReplacer("BOT1", newBot(), "BOT2", newBot())
	var problems []string
	for i, step := range c.Steps {
		for range max(1, step.Times) {
			lists.Take()
			answer := step.send(t, s.Base, bots)
			for _, p := range step.check(t, answer, lists.Take()) {
				problems = append(problems, fmt.Sprintf("step %d: %s", i+1, p))
			}
		}
	}
	return problems
}

// listOf returns which list of the case's catalog a request is for. In a
// catalog of the case's own there is but one.
func (c smallCase) listOf(t *testing.T) func(*http.Request) string {
	t.Helper()
	if len(c.Catalog) > 0 && len(c.Lists) > 1 {
		t.Fatal("a catalog of its own, and several fake lists")
	}
	hosts := map[string]string{}
	if len(c.Catalog) == 0 {
		shipped, _, err := catalog.Load(aggregator.BuiltInLists(), catalog.File{})
		if err != nil {
			t.Fatal(err)
		}
		for id := range c.Lists {
			l, ok := shipped.List(id)
			if !ok {
				t.Fatalf("the catalog has no list %q", id)
			}
			addresses := []string{l.APIPost, l.APIGet}
			if l.Post != nil {
				addresses = append(addresses, l.Post.URL)
			}
			if l.Get != nil {
				addresses = append(addresses, l.Get.URL)
			}
			for _, address := range addresses {
				if u, err := url.Parse(address); err == nil && u.Host != "" {
					hosts[u.Host] = id
				}
			}
		}
	}
	return func(r *http.Request) string {
		if len(c.Catalog) == 0 {
			return hosts[r.Host]
		}
		for id := range c.Lists {
			return id
		}
		return ""
	}
}

// behaviours are what a fake list does: one thing, several in turn, or one for
// each HTTP method.
func behaviours(t *testing.T, raw json.RawMessage) http.Handler {
	t.Helper()
	if raw[0] == '[' {
		var all []json.RawMessage
		decode(t, raw, &all)
		var handlers []http.Handler
		for _, one := range all {
			handlers = append(handlers, behaviours(t, one))
		}
		return testkit.InTurn(handlers...)
	}
	var methods map[string]json.RawMessage
	decode(t, raw, &methods)
	if methods[http.MethodGet] == nil && methods[http.MethodPost] == nil {
		var b testkit.Behaviour
		decode(t, raw, &b)
		return b
	}
	handlers := map[string]http.Handler{}
	for method, one := range methods {
		handlers[method] = behaviours(t, one)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handlers[r.Method].ServeHTTP(w, r) })
}

func decode(t *testing.T, raw json.RawMessage, to any) {
	t.Helper()
	if err := json.Unmarshal(raw, to); err != nil {
		t.Fatalf("%v: %s", err, raw)
	}
}

// serve boots the service on the case's catalog.
func (c smallCase) serve(t *testing.T, lists *testkit.Lists) (*testkit.Service, error) {
	t.Helper()
	args := []string{"serve", "--listen", anyPort, "--store", "memory:", "--trusted-proxies", "127.0.0.0/8"}
	if !c.Limits {
		args = append(args, "--limit-count", "off", "--limit-bots", "off")
	}
	direct := fanout.NewTransport()
	t.Cleanup(direct.CloseIdleConnections)
	var transport http.RoundTripper = direct
	if len(c.Catalog) == 0 {
		transport = sandbox.Transport(transport, lists.Addr)
	} else {
		args = append(args, c.catalogFlags(t, lists.Addr)...)
	}
	return testkit.TryServe(t, func(ctx context.Context, stderr io.Writer) int {
		return environment{out: io.Discard, errOut: stderr, transport: transport}.run(ctx, args)
	})
}

// catalogFlags writes the layers of a catalog, and returns the flags that name
// them.
func (c smallCase) catalogFlags(t *testing.T, addr string) []string {
	t.Helper()
	layers := []json.RawMessage{c.Catalog}
	if c.Catalog[0] == '[' {
		decode(t, c.Catalog, &layers)
	}
	flags := []string{"--legacy-ids", write(t, "legacy_ids.yaml", "")}
	for i, layer := range layers {
		var named string
		if json.Unmarshal(layer, &named) == nil {
			flags = append(flags, "--lists", named)
			continue
		}
		// A list of a case says what matters for it alone.
		var entries map[string]map[string]any
		decode(t, layer, &entries)
		for id, entry := range entries {
			for key, value := range map[string]any{"name": id, "url": "https://" + id + "/"} {
				if entry[key] == nil {
					entry[key] = value
				}
			}
		}
		text, err := json.Marshal(map[string]any{"lists": entries}) // JSON is YAML
		if err != nil {
			t.Fatal(err)
		}
		flags = append(flags, "--lists", write(t, fmt.Sprintf("lists%d.yaml", i), strings.ReplaceAll(string(text), "//@/", "//"+addr+"/")))
	}
	return flags
}

// send sends the request of a step.
func (s caseStep) send(t *testing.T, base string, bots *strings.Replacer) testkit.Answer {
	t.Helper()
	method, path, body := http.MethodGet, s.Get, ""
	switch {
	case s.Post != nil:
		method, path, body = http.MethodPost, "/api/count"+s.Query, toJSON(t, s.Post)
	case s.Lookup != nil:
		method, path, body = http.MethodPost, "/api/bots/BOT1/lookup", toJSON(t, s.Lookup)
	}
	fill := func(text string) string { return strings.ReplaceAll(bots.Replace(text), "NEW", newBot()) }
	address := "192.0.2.1"
	if s.From != "" {
		address = fmt.Sprintf("198.51.100.%d", s.From[0])
	}
	return testkit.Send(t, method, base+fill(path), fill(body), "X-Forwarded-For", address)
}

func toJSON(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// check returns what is not as the step wants it.
func (s caseStep) check(t *testing.T, got testkit.Answer, asked []testkit.Asked) (problems []string) {
	t.Helper()
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	status := 200
	if raw := s.Want["status"]; raw != nil {
		decode(t, raw, &status)
	}
	if got.Status != status {
		wrong("status %d, want %d: %.300s", got.Status, status, got.Body)
	}
	for key, want := range s.Want {
		switch key {
		case "status":
		case "calls":
			problems = append(problems, checkCalls(t, want, asked)...)
		case "body":
			if p := differs(t, got.Body, true, want); p != "" {
				wrong("the answer %s", p)
			}
		default: // "message", or a pointer
			value, there := pointed(tryJSON(got.Body), "/"+strings.TrimPrefix(key, "/"))
			if p := differs(t, value, there, want); p != "" {
				wrong("%s %s in %.600s", key, p, got.Body)
			}
		}
	}
	return problems
}

// checkCalls returns how the calls to lists differ from those wanted.
func checkCalls(t *testing.T, raw json.RawMessage, asked []testkit.Asked) (problems []string) {
	t.Helper()
	var byList map[string]json.RawMessage
	decode(t, raw, &byList)
	for list, raw := range byList {
		var got []testkit.Asked
		for _, a := range asked {
			if a.List == list {
				got = append(got, a)
			}
		}
		var n int
		var wants []map[string]json.RawMessage
		if json.Unmarshal(raw, &n) != nil {
			decode(t, raw, &wants)
			n = len(wants)
		}
		if len(got) != n {
			problems = append(problems, fmt.Sprintf("%d calls to %s, want %d: %+v", len(got), list, n, got))
			continue
		}
		for i, want := range wants {
			for key, w := range want {
				if p := checkCall(t, key, w, got[i]); p != "" {
					problems = append(problems, fmt.Sprintf("call to %s: %s", list, p))
				}
			}
		}
	}
	return problems
}

// checkCall returns how a call differs from what is wanted of one part of it.
func checkCall(t *testing.T, key string, want json.RawMessage, got testkit.Asked) string {
	t.Helper()
	switch key {
	case "lacks":
		var texts []string
		decode(t, want, &texts)
		for _, text := range texts {
			if strings.Contains(got.Body, text) {
				return fmt.Sprintf("%q in %s", text, got.Body)
			}
		}
		return ""
	case "body":
		return differs(t, tryJSON(got.Body), true, want)
	}
	_, there := got.Header[http.CanonicalHeaderKey(key)]
	return differs(t, got.Header.Get(key), there, want)
}

// differs returns how a value differs from what is wanted of it: a value, or
// an object that says more.
func differs(t *testing.T, got any, there bool, raw json.RawMessage) string {
	t.Helper()
	var m struct {
		Match, Lacks    *string
		Has             map[string]any
		Present, Absent bool
	}
	if raw[0] != '{' {
		if want := parseJSON(t, string(raw)); !there || !reflect.DeepEqual(got, want) {
			return fmt.Sprintf("is %v, want %v", got, want)
		}
		return ""
	}
	decode(t, raw, &m)
	text, _ := got.(string)
	switch {
	case m.Absent != !there:
		return fmt.Sprintf("is %v (there: %t), want there: %t", got, there, !m.Absent)
	case m.Match != nil && !regexp.MustCompile(*m.Match).MatchString(text):
		return fmt.Sprintf("is %q, want a match of %q", text, *m.Match)
	case m.Lacks != nil && strings.Contains(text, *m.Lacks):
		return fmt.Sprintf("is %q, want no %q in it", text, *m.Lacks)
	}
	object, _ := got.(map[string]any)
	for key, want := range m.Has {
		if value := object[key]; !reflect.DeepEqual(value, parseJSON(t, toJSON(t, want))) {
			return fmt.Sprintf("has %s %v, want %v", key, value, want)
		}
	}
	return ""
}

// pointed returns what a JSON Pointer leads to.
func pointed(v any, pointer string) (any, bool) {
	for part := range strings.SplitSeq(pointer[1:], "/") {
		part = strings.NewReplacer("~1", "/", "~0", "~").Replace(part)
		switch in := v.(type) {
		case map[string]any:
			next, ok := in[part]
			if !ok {
				return nil, false
			}
			v = next
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= len(in) {
				return nil, false
			}
			v = in[i]
		default:
			return nil, false
		}
	}
	return v, true
}

package main

import (
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"io"
	"math"
	"os"
	"reflect"
	"strings"
	"testing"

	"aggregator/internal/testkit"
)

// exchange is one recorded exchange with the reference.
type exchange struct {
	Name    string
	Request struct {
		Method, Path, Body string
		Headers            map[string]string
		Base64             string `json:"body_base64"`
	}
	Response struct {
		Status  int
		Headers map[string]string
		JSON    json.RawMessage
		Text    string
	}
	Upstream []struct {
		List, Method, Path, Body string
		Authorization            *string
		ContentType              *string `json:"content_type"`
		UserAgent                *string `json:"user_agent"`
	}
}

// TestGolden replays what was recorded of the reference against the service.
func TestGolden(t *testing.T) {
	t.Parallel()
	f := newFleet(t, "testdata/golden/behaviours.json")
	s := boot(t, "--lists", f.file(t, "testdata/golden/lists.yaml"), "--legacy-ids", f.file(t, "testdata/golden/legacy_ids.yaml"),
		"--trusted-proxies", "127.0.0.0/8", "--client-ip-header", "CF-Connecting-IP")
	raw, err := os.ReadFile("testdata/golden/exchanges.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []exchange
	if err := json.Unmarshal([]byte(strings.ReplaceAll(string(raw), "127.0.0.1:7700", f.Addr)), &all); err != nil {
		t.Fatal(err)
	}
	if len(all) != 107 {
		t.Fatalf("%d exchanges recorded, want 107", len(all))
	}
	for _, e := range all {
		t.Run(e.Name, func(t *testing.T) {
			f.Take()
			e.checkAnswer(t, e.send(t, s.Base))
			e.checkUpstream(t, f.Take())
		})
	}
}

func (e exchange) send(t *testing.T, base string) answer {
	t.Helper()
	body := e.Request.Body
	if e.Request.Base64 != "" {
		raw, err := base64.StdEncoding.DecodeString(e.Request.Base64)
		if err != nil {
			t.Fatal(err)
		}
		body = string(raw)
	}
	var headers []string
	for k, v := range e.Request.Headers {
		headers = append(headers, k, v)
	}
	return testkit.Send(t, e.Request.Method, base+e.Request.Path, body, headers...)
}

func (e exchange) checkAnswer(t *testing.T, got answer) {
	t.Helper()
	want := e.Response
	if got.Status != want.Status {
		t.Fatalf("status %d, want %d: %s", got.Status, want.Status, got.Body)
	}
	limited := want.Status == 429
	for k, v := range want.Headers {
		g := got.Header.Get(k)
		if limited && (k == "retry-after" || k == "x-rate-limit-reset") {
			if g == "" {
				t.Errorf("no header %s", k)
			}
			continue
		}
		if g != v {
			t.Errorf("header %s: %q, want %q", k, g, v)
		}
	}
	body := got.Body
	if want.Headers["content-encoding"] == "gzip" {
		body = gunzip(t, body)
	}
	if want.JSON == nil {
		if want.Text != "" && body != want.Text {
			t.Errorf("text %q, want %q", body, want.Text)
		}
		return
	}
	g, w := parseJSON(t, body), parseJSON(t, string(want.JSON))
	if limited {
		isNear(t, g, w, "retry_after", 2)
		delete(g.(map[string]any), "ratelimit_reset")
		delete(w.(map[string]any), "ratelimit_reset")
		delete(g.(map[string]any), "message") // the reference has no words
	}
	parseSent(t, g)
	parseSent(t, w)
	if !reflect.DeepEqual(g, w) {
		t.Errorf("answer\n got %s\nwant %s", body, want.JSON)
	}
}

// isNear checks a number that depends on the time, and takes it out.
func isNear(t *testing.T, got, want any, key string, within float64) {
	t.Helper()
	g, w := got.(map[string]any), want.(map[string]any)
	gn, _ := g[key].(json.Number)
	wn, _ := w[key].(json.Number)
	x, err := gn.Float64()
	if err != nil {
		t.Errorf("%s: %v", key, err)
	}
	y, _ := wn.Float64()
	if math.Abs(x-y) > within {
		t.Errorf("%s: %v, want about %v", key, x, y)
	}
	delete(g, key)
	delete(w, key)
}

// parseSent parses what was sent to each list, so that it compares as JSON.
func parseSent(t *testing.T, count any) {
	t.Helper()
	o, _ := count.(map[string]any)
	for _, key := range []string{"success", "failure"} {
		results, _ := o[key].(map[string]any)
		for _, r := range results {
			if r, ok := r.([]any); ok && len(r) == 3 {
				r[2] = parseJSON(t, r[2].(string))
			}
		}
	}
}

func (e exchange) checkUpstream(t *testing.T, got []testkit.Asked) {
	t.Helper()
	if len(got) != len(e.Upstream) {
		t.Fatalf("%d requests to lists, want %d: %+v", len(got), len(e.Upstream), got)
	}
	for _, w := range e.Upstream {
		found := false
		for _, g := range got {
			if g.List != w.List || g.Method != w.Method || g.URI != w.Path {
				continue
			}
			found = true
			same(t, w.List+" authorization", header(g, "Authorization"), w.Authorization)
			if w.Method == "GET" {
				continue
			}
			same(t, w.List+" content-type", header(g, "Content-Type"), w.ContentType)
			same(t, w.List+" user-agent", header(g, "User-Agent"), w.UserAgent)
			if !reflect.DeepEqual(parseJSON(t, g.Body), parseJSON(t, w.Body)) {
				t.Errorf("%s: sent %s, want %s", w.List, g.Body, w.Body)
			}
		}
		if !found {
			t.Errorf("no %s %s to %s", w.Method, w.Path, w.List)
		}
	}
}

// header returns a header of a request, nil where there is none.
func header(a testkit.Asked, name string) *string {
	if v, ok := a.Header[name]; ok {
		return &v[0]
	}
	return nil
}

func same(t *testing.T, what string, got, want *string) {
	t.Helper()
	if want == nil && got == nil {
		return
	}
	if want == nil || got == nil || *got != *want {
		t.Errorf("%s: %v, want %v", what, show(got), show(want))
	}
}

func show(s *string) string {
	if s == nil {
		return "none"
	}
	return *s
}

func parseJSON(t *testing.T, text string) any {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("no JSON: %v: %q", err, text)
	}
	return v
}

func gunzip(t *testing.T, body string) string {
	t.Helper()
	r, err := gzip.NewReader(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

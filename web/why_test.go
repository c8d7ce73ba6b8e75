package web

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"aggregator/catalog"
)

const whyLists = `lists:
  one.test: {name: One, url: "https://one.test/", api_post: "https://one.test/:id", api_field: count}
  flag.test:
    name: Flag
    url: "https://flag.test/"
    post: {url: "https://flag.test/:id", fields: {server_count: count}, success: {field: ok, is: true}, revoked: [418]}
`

func TestExplain(t *testing.T) {
	t.Parallel()
	c, _, err := catalog.Load([]catalog.File{{Name: "lists.yaml", Data: []byte(whyLists)}}, catalog.File{Name: "legacy_ids.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, text, list string
		want             []string // of each explanation: the list, and a part of what it says, a blank between
	}{
		{"a refused token", `{"success":{},"failure":{"one.test":[401,"no","{}"]}}`, "", []string{"one.test did not take the token"}},
		{"an entry alone", `[403,"no","{}"]`, "one.test", []string{"one.test did not take the token"}},
		{"an entry of no list", `[404,"no","{}"],`, "", []string{" does not know the bot"}},
		{"an entry with its list", `"one.test":[429,"slow down","{}"]`, "", []string{"one.test had enough posts"}},
		{"failures alone", `{"one.test":[500,"",""],"two.test":[301,"Redirected to https://two.test/",""]}`, "", []string{"one.test a fault of its own", "two.test at another address"}},
		{"a timeout", `{"failure":{"one.test":[-1,"Timeout after 10s","{}"]}}`, "", []string{"one.test said nothing in time"}},
		{"silence of another kind", `[-1,"Gone with the wind",""]`, "one.test", []string{"one.test There was no answer"}},
		{"values", `[422,"bad",""]`, "one.test", []string{"one.test did not take the values"}},
		{"gone", `[410,"",""]`, "one.test", []string{"one.test no longer where"}},
		{"revoked, as the entry says", `[418,"",""]`, "flag.test", []string{"flag.test revoked the token for good"}},
		{"a status of its own", `[418,"",""]`, "one.test", []string{"one.test does not document"}},
		{"a page", `[200,"<html>",""]`, "one.test", []string{"one.test Here: the answer is an HTML page."}},
		{"a flag that is not as the entry wants it", `[200,"{\"ok\":1}",""]`, "flag.test", []string{"flag.test Here: the flag ok is 1, want true."}},
		{"why, as the service said it", `{"failure":{"one.test":[200,"x",""]},"why":{"one.test":"it is a test"}}`, "", []string{"one.test Here: it is a test."}},
		{"lists that were not asked", `{"success":{},"failure":{},"skipped":{"a":"Unknown list","b":"Paced: next post at 2026-11-22T18:00:00Z","c":"No token","d":"Bad token: must be a string"}}`, "",
			[]string{"a no list with this id", "b before that time", "c not set", "d as it is"}},
		{"a part of skipped", `"a":"Defunct"`, "", []string{"a is gone"}},
		{"nothing failed", `{"success":{"one.test":[200,"",""]},"failure":{}}`, "", nil},
		{"an error", `{"error":true,"status":400,"message":"'bot_id' is required"}`, "", []string{" No list was asked"}},
		{"a limit", `{"error":true,"status":429,"retry_after":3,"message":"Too many requests"}`, "", []string{" has just asked"}},
		{"a wrong key", `{"error":true,"status":401,"message":"Unknown key for this bot"}`, "", []string{" a bot's key"}},
	} {
		pasted, ok := readPasted(tt.text, tt.list)
		all := explain(c, pasted)
		if !ok || len(all) != len(tt.want) {
			t.Errorf("%s: got %d explanations (%t): %+v, want %d", tt.name, len(all), ok, all, len(tt.want))
			continue
		}
		for i, e := range all {
			list, part, _ := strings.Cut(tt.want[i], " ")
			if says := e.Said + " " + e.Means + " " + e.Do; e.ID != list || !strings.Contains(says, part) {
				t.Errorf("%s: got %s %q, want %s and %q", tt.name, e.ID, says, list, part)
			}
			if e.Known != (list == "one.test" || list == "flag.test") {
				t.Errorf("%s: known is %t of %q", tt.name, e.Known, list)
			}
		}
	}
	for _, text := range []string{"", "no", "[]", `["a","b"]`, "{}", "5", "null", `[401]`, `{"a":5}`, strings.Repeat("[", 1000)} {
		if _, ok := readPasted(text, ""); ok {
			t.Errorf("%.20q is read as an answer", text)
		}
	}
}

// TestWhyKeepsNothing holds that what is pasted comes back in the page alone.
func TestWhyKeepsNothing(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	s := newSite(t, func(c *Config) { c.Log = textLog(&log) })
	send := func(text string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodPost, "http://lists.example/docs/why", strings.NewReader(url.Values{"text": {text}}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w
	}
	w := send(`[401,"<script>alert(1)</script>","a-secret"]`)
	if w.Code != 200 || w.Header().Get("Cache-Control") != "no-store" || !strings.Contains(w.Body.String(), "did not take the token") || strings.Contains(w.Body.String(), "<script>alert") {
		t.Errorf("got %d %q: %s", w.Code, w.Header().Get("Cache-Control"), w.Body)
	}
	if w := send(strings.Repeat("x", 100<<10)); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("100 KiB: status %d, want 413", w.Code)
	}
	if log.Len() > 0 {
		t.Errorf("it was logged: %s", &log)
	}
}

package catalog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"aggregator"
	"aggregator/lists"
)

// The rows under testdata/documented are written from what each list documents
// (its page, its server's source, or else its SDK; each row names which) and
// not from the catalog. Where a row and an entry differ, look at the source.
// Wordings in judge.json are examples; their shape is the documented one.

const documentedAgent = "rows/1.0 (+https://rows.example)"

// undocumented lists take counts without a row: all that is known of how they
// want them is the reference's data. A reason for each.
var undocumented = map[string]string{
	"cybralist.com": "the reference's data and a stranger's wrapper name different fields (server_count; serverCount as a string), and its own pages are stored nowhere",
	"vcodes.xyz":    "neither its v1 documentation nor its SDK 4 has a way to post; what older SDKs posted to is gone from both",
}

type postRow struct {
	List, Source, Case string
	Count              struct {
		BotID            string `json:"bot_id"`
		ServerCount      int64  `json:"server_count"`
		ShardID          *int64 `json:"shard_id"`
		ShardCount       *int64 `json:"shard_count"`
		Shards           []int64
		UserCount        *int64 `json:"user_count"`
		VoiceConnections *int64 `json:"voice_connections"`
	}
	Token     string
	ListBotID string `json:"list_bot_id"`
	Want      struct {
		Method, URL string
		Headers     map[string]*string // null: must not be sent
		HeaderMatch map[string]string  `json:"header_match"` // patterns, where the list leaves a choice
		Body        json.RawMessage    // JSON, or a form as a string, or null: none
	}
}

func (r postRow) count() lists.Count {
	return lists.Count{
		BotID: r.Count.BotID, ServerCount: r.Count.ServerCount, ShardID: r.Count.ShardID, ShardCount: r.Count.ShardCount,
		Shards: r.Count.Shards, UserCount: r.Count.UserCount, VoiceConnections: r.Count.VoiceConnections,
	}
}

// plan plans a row's post.
func (r postRow) plan(t *testing.T, c *Catalog) (call lists.Call, ok bool) {
	t.Helper()
	call, skipped := livingList(t, c, r.List).PlanPost(r.count(), lists.NewToken(r.Token, r.ListBotID), documentedAgent)
	if skipped != nil {
		t.Errorf("is not asked: %s", skipped)
		return call, false
	}
	return call, true
}

// shipped is the catalog that is built into the binary.
func shipped(t *testing.T) *Catalog {
	t.Helper()
	c, _, err := Load([]File{{Name: "lists.yaml", Data: aggregator.ListsYAML}}, File{Name: "legacy_ids.yaml", Data: aggregator.LegacyIDsYAML})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func livingList(t *testing.T, c *Catalog, id string) *lists.List {
	t.Helper()
	for _, l := range c.Lists() {
		if l.ID == id {
			if l.Defunct {
				t.Fatalf("%s is defunct", id)
			}
			return l
		}
	}
	t.Fatalf("no list %s", id)
	return nil
}

func documented[Row any](t *testing.T, name string) []Row {
	t.Helper()
	var rows []Row
	dec := json.NewDecoder(bytes.NewReader(testFile(t, "documented/"+name)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&rows); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if len(rows) == 0 {
		t.Fatalf("%s has no rows", name)
	}
	return rows
}

func TestDocumentedPosts(t *testing.T) {
	c := shipped(t)
	for _, r := range documented[postRow](t, "posts.json") {
		t.Run(r.List+"/"+r.Case, func(t *testing.T) {
			call, ok := r.plan(t, c)
			if !ok {
				return
			}
			got, want := call.Wire(), r.Want
			if got.Method != want.Method {
				t.Errorf("method is %s, want %s", got.Method, want.Method)
			}
			if got.URL != want.URL {
				t.Errorf("URL is\n%s, want\n%s", got.URL, want.URL)
			}
			if problem := differs(got.Body, want.Body); problem != "" {
				t.Error(problem)
			}
			checkHeaders(t, r, got.Header)
			if t.Failed() {
				t.Logf("documented in %s", r.Source)
			}
		})
	}
}

// checkHeaders compares the headers that a row names. Authorization is sent
// nowhere else, and the caller's User-Agent wherever none is prescribed.
func checkHeaders(t *testing.T, r postRow, header []lists.Header) {
	t.Helper()
	got := map[string][]string{}
	for _, h := range header {
		got[h.Name] = append(got[h.Name], h.Value)
	}
	want := map[string][]string{"Authorization": nil, "User-Agent": {documentedAgent}}
	for name, value := range r.Want.Headers {
		want[name] = nil
		if value != nil {
			want[name] = []string{*value}
		}
	}
	for name, pattern := range r.Want.HeaderMatch {
		delete(want, name)
		if len(got[name]) != 1 || !regexp.MustCompile(pattern).MatchString(got[name][0]) {
			t.Errorf("%s is %q, want one like %s", name, got[name], pattern)
		}
	}
	for name, values := range want {
		if !slices.Equal(got[name], values) {
			t.Errorf("%s is %q, want %q", name, got[name], values)
		}
	}
	for name, values := range got {
		_, named := r.Want.Headers[name]
		if !named && strings.Contains(strings.Join(values, "\n"), r.Token) {
			t.Errorf("the token stands in %s too", name)
		}
	}
}

// differs says how a body differs from the one documented: as JSON, or as a
// form where the row holds a string.
func differs(got []byte, want json.RawMessage) string {
	var form *string
	switch {
	case len(want) == 0 || string(want) == "null":
		if len(got) > 0 {
			return fmt.Sprintf("body is %s, want none", got)
		}
		return ""
	case json.Unmarshal(want, &form) == nil && form != nil:
		g, err := url.ParseQuery(string(got))
		w, _ := url.ParseQuery(*form)
		if err != nil || !reflect.DeepEqual(g, w) {
			return fmt.Sprintf("body is\n%s, want the form\n%s", got, *form)
		}
		return ""
	}
	var g, w any
	if err := json.Unmarshal(want, &w); err != nil {
		return fmt.Sprintf("the row is broken: %v", err)
	}
	if err := json.Unmarshal(got, &g); err != nil || !reflect.DeepEqual(g, w) {
		return fmt.Sprintf("body is\n%s, want\n%s", got, want)
	}
	return ""
}

func TestDocumentedTokensStayHidden(t *testing.T) {
	c := shipped(t)
	for _, r := range documented[postRow](t, "posts.json") {
		t.Run(r.List+"/"+r.Case, func(t *testing.T) {
			call, ok := r.plan(t, c)
			if !ok {
				return
			}
			_, bare, _ := strings.Cut(r.Token, " ") // without its prefix
			if bare == "" {
				bare = r.Token
			}
			masked := call.Masked()
			shown := fmt.Sprintf("%s %s %q %s\n%s\n%+v %#v %s", masked.Method, masked.URL, masked.Header, masked.Body, call.Sent(), call, call, call.Token())
			for _, form := range []string{bare, url.QueryEscape(bare), url.PathEscape(bare), strings.ReplaceAll(bare, "&", `\u0026`)} {
				if strings.Contains(shown, form) {
					t.Errorf("shows the token as %q:\n%s", form, shown)
				}
			}
		})
	}
}

func TestDocumentedCoverage(t *testing.T) {
	const least = 25
	c, rows := shipped(t), map[string][]string{}
	for _, r := range documented[postRow](t, "posts.json") {
		if r.Source == "" || r.Token == "" {
			t.Errorf("%s, %s: names no source or no token", r.List, r.Case)
		}
		if slices.Contains(rows[r.List], r.Case) {
			t.Errorf("%s has the case %q twice", r.List, r.Case)
		}
		rows[r.List] = append(rows[r.List], r.Case)
	}
	for list, cases := range rows {
		for _, want := range []string{"plain", "sharded", "users"} {
			if !slices.Contains(cases, want) {
				t.Errorf("%s has no case %q", list, want)
			}
		}
		if undocumented[list] != "" {
			t.Errorf("%s has rows and stands among the undocumented", list)
		}
	}
	if len(rows) < least {
		t.Errorf("%d lists have rows, want %d", len(rows), least)
	}
	taking := map[string]bool{}
	for _, l := range c.Lists() {
		taking[l.ID] = l.TakesCounts()
		if l.TakesCounts() && rows[l.ID] == nil && undocumented[l.ID] == "" {
			t.Errorf("%s takes counts and has no row", l.ID)
		}
	}
	for id := range undocumented {
		if !taking[id] {
			t.Errorf("%s stands among the undocumented and takes no counts", id)
		}
	}
}

func TestDocumentedAnswers(t *testing.T) {
	c := shipped(t)
	for _, r := range documented[struct {
		List, Source string
		Status       int
		Headers      map[string]string
		Body         string
		OK           bool
		Revoked      *bool
	}](t, "judge.json") {
		t.Run(fmt.Sprintf("%s/%d %s", r.List, r.Status, r.Body), func(t *testing.T) {
			call, skipped := livingList(t, c, r.List).PlanPost(
				lists.Count{BotID: "123456789012345678", ServerCount: 1234}, lists.NewToken("s3cret-token", "42"), documentedAgent)
			if skipped != nil {
				t.Fatalf("is not asked: %s", skipped)
			}
			a := lists.Answer{Status: r.Status, Header: map[string][]string{}, Body: []byte(r.Body)}
			for name, value := range r.Headers {
				a.Header[name] = []string{value}
			}
			v := call.Judge(a)
			if v.OK != r.OK || v.Status != r.Status || v.Text != r.Body {
				t.Errorf("is %+v, want OK %t; documented in %s", v, r.OK, r.Source)
			}
			if r.Revoked != nil && v.Revoked != *r.Revoked {
				t.Errorf("revoked is %t; documented in %s", !*r.Revoked, r.Source)
			}
		})
	}
}

// TestParkedDomains: an HTML page with 200 is what a list that went away
// answers, and no list documents one as its success.
func TestParkedDomains(t *testing.T) {
	for _, l := range shipped(t).Lists() {
		if !l.TakesCounts() {
			continue
		}
		call, skipped := l.PlanPost(lists.Count{BotID: "123456789012345678", ServerCount: 1234}, lists.NewToken("s3cret-token", "42"), documentedAgent)
		if skipped != nil {
			t.Errorf("%s is not asked: %s", l.ID, skipped)
			continue
		}
		for _, header := range []map[string][]string{nil, {"Content-Type": {"text/html; charset=utf-8"}}} {
			a := lists.Answer{Status: 200, Header: header, Body: []byte("\n<!DOCTYPE html><html><body>This domain is for sale</body></html>")}
			if call.Judge(a).OK {
				t.Errorf("%s: a parked page is a success (headers %v)", l.ID, header)
			}
		}
	}
}

func TestDocumentedBots(t *testing.T) {
	const id, least = "123456789012345678", 0.95
	c := shipped(t)
	var wanted, found int
	for i, r := range documented[struct {
		List, Source  string
		URL           string  // where it is read; "": not documented well
		Authorization *string // what is sent with the key {key}; "": nothing; nil: not documented well
		Sample        json.RawMessage
		Want          map[string]any
	}](t, "bots.json") {
		t.Run(fmt.Sprintf("%s/%d", r.List, i), func(t *testing.T) {
			wanted += len(r.Want)
			const key = "s3cret-key"
			call, skipped := livingList(t, c, r.List).PlanRead(id, lists.NewToken(key, "42"), documentedAgent)
			if skipped != nil {
				t.Logf("misses all of %d fields, is not asked: %s", len(r.Want), skipped)
				return
			}
			request := call.Wire()
			if r.URL != "" && request.URL != r.URL {
				t.Errorf("is read at %s, documented is %s", request.URL, r.URL)
			}
			sent := ""
			for _, h := range request.Header {
				if h.Name == "Authorization" {
					sent = h.Value
				}
			}
			if r.Authorization != nil && sent != strings.ReplaceAll(*r.Authorization, "{key}", key) {
				t.Errorf("Authorization is %q, documented is %q", sent, *r.Authorization)
			}
			a := lists.Answer{Status: 200, Header: map[string][]string{"Content-Type": {"application/json"}}, Body: r.Sample}
			got := fieldsOf(t, lists.Merge(id, []lists.Reading{call.Read(a)}))
			for field, want := range r.Want {
				if _, ok := got[field]; !ok {
					t.Errorf("the row is broken: no field %s", field)
				}
				if reflect.DeepEqual(sorted(got[field]), sorted(want)) {
					found++
				} else {
					t.Logf("misses %s: is %v, want %v; documented in %s", field, got[field], want, r.Source)
				}
			}
			for _, field := range []string{"invite", "website", "github", "support"} {
				if link := got[field].(string); link != "" && !strings.Contains(link, "://") {
					t.Errorf("%s is no URL: %q", field, link)
				}
			}
		})
	}
	if share := float64(found) / float64(wanted); share < least {
		t.Errorf("%d of %d documented fields are found, %.1f%%; want %.0f%%", found, wanted, 100*share, 100*least)
	} else {
		t.Logf("%d of %d documented fields are found", found, wanted)
	}
}

// fieldsOf is a bot's fields as the answer names them.
func fieldsOf(t *testing.T, bot lists.Bot) map[string]any {
	t.Helper()
	b, err := json.Marshal(bot)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(b, &fields); err != nil {
		t.Fatal(err)
	}
	return fields
}

// sorted sorts a list of texts: no order of owners is documented.
func sorted(v any) any {
	all, ok := v.([]any)
	if !ok {
		return v
	}
	texts := make([]string, len(all))
	for i, item := range all {
		texts[i] = fmt.Sprint(item)
	}
	slices.Sort(texts)
	return texts
}

package catalog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"aggregator/internal/testkit"
	"aggregator/lists"
)

// The files under testdata/lists, one for each list, are written from what the
// list documents (its page, its server's source, or else its SDK; each row's
// source says which) and not from the catalog. Where a row and an entry differ,
// look at the source. Wordings of answers are examples; their shape is the
// documented one.

const (
	documentedAgent = "rows/1.0 (+https://rows.example)"
	documentedBot   = "123456789012345678"
)

// howToDocument is what a failure says of a list without a file.
const howToDocument = `add catalog/testdata/lists/%s.json, written from what the list documents, not from its entry:

{
  "source": "https://list.example/docs (where this is documented, and when you looked; a row may name its own)",
  "posts": [
    {
      "case": "plain",
      "count": {"bot_id": "123456789012345678", "server_count": 1234},
      "token": "s3cret+/=&",
      "want": {
        "method": "POST",
        "url": "https://list.example/api/bots/123456789012345678/stats",
        "headers": {"Authorization": "s3cret+/=&", "Content-Type": "application/json"},
        "body": {"server_count": 1234}
      }
    },
    {"case": "sharded", "count": {"bot_id": "…", "server_count": 1234, "shard_id": 2, "shard_count": 4, "shards": [300, 310, 320, 304]}, "…": "…"},
    {"case": "users", "count": {"bot_id": "…", "server_count": 1234, "user_count": 5678, "voice_connections": 9}, "…": "…"}
  ],
  "answers": [
    {"status": 200, "headers": {"Content-Type": "application/json"}, "body": "{}", "ok": true},
    {"status": 401, "headers": {"Content-Type": "application/json"}, "body": "{}", "ok": false}
  ],
  "readings": [
    {
      "url": "https://list.example/api/bots/123456789012345678",
      "authorization": "",
      "sample": {"name": "MyBot", "guilds": 1234},
      "want": {"username": "MyBot", "server_count": 1234}
    }
  ]
}

In a post or an answer, "otherwise": true is of the second way to post. In a post, "list_bot_id" is the list's own number of the bot, a header of null must not be sent, "header_match" holds patterns, and a body
is JSON, a form as a string, or null for none. In a reading, "authorization" is what is sent with the key {key}. Where nothing
documents how counts are posted, the file says why: {"undocumented": "its pages are stored nowhere"}.
`

// expectations are what one list documents.
type expectations struct {
	List         string `json:"-"` // the file's name
	Source       string // of rows that name none
	Undocumented string // why there are no posts
	Posts        []postRow
	Answers      []answerRow
	Readings     []readingRow
	Votes        *votesRows
	Webhook      *webhookRows
	Reports      map[string]reportRows // by the key of the entry's part
}

// postRow is a count, and the request that the list wants for it.
type postRow struct {
	Source, Case string
	Otherwise    bool // in the list's second way
	Count        struct {
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

// answerRow is an answer to a post, and how it is judged.
type answerRow struct {
	Source    string
	Otherwise bool // to a post in the list's second way
	Status    int
	Headers   map[string]string
	Body      string
	OK        bool
	Revoked   *bool // nil: not looked at
}

// readingRow is an answer about a bot, and what is read in it.
type readingRow struct {
	Source        string
	URL           string  // where it is read; "": not documented well
	Authorization *string // what is sent with the key {key}; "": nothing; nil: not documented well
	Sample        json.RawMessage
	Want          map[string]any
}

// plan plans a row's post.
func (r postRow) plan(t *testing.T, l *lists.List) (call lists.Call, ok bool) {
	t.Helper()
	call, skipped := l.PlanPost(r.count(), lists.NewToken(r.Token, r.ListBotID), documentedAgent)
	if skipped != nil {
		t.Errorf("is not asked: %s", skipped)
		return call, false
	}
	return way(t, call, r.Otherwise), true
}

// way returns a call in the way to post that a row is of.
func way(t *testing.T, call lists.Call, otherwise bool) lists.Call {
	t.Helper()
	if !otherwise {
		return call
	}
	second, ok := call.Otherwise()
	if !ok {
		t.Fatalf("%s has no second way to post", call.List.ID)
	}
	return second
}

// name returns the name of a row's test.
func (r postRow) name(list string) string {
	if r.Otherwise {
		return list + "/otherwise/" + r.Case
	}
	return list + "/" + r.Case
}

// shipped is the catalog that is built into the binary.
func shipped(t *testing.T) *Catalog {
	t.Helper()
	c, _, err := loadShipped()
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

// documented returns what each list documents, by the names of the files.
func documented(t *testing.T) []expectations {
	t.Helper()
	files, err := filepath.Glob("testdata/lists/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files under testdata/lists: %v", err)
	}
	all := make([]expectations, len(files))
	for i, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if all[i], err = readExpectations(data); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all[i].List = strings.TrimSuffix(filepath.Base(name), ".json")
	}
	return all
}

// documentedAndExample returns the catalog and what its lists document, both with
// the example of CONTRIBUTING.md.
func documentedAndExample(t *testing.T) (*Catalog, []expectations) {
	t.Helper()
	page, err := os.ReadFile("../CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	example := File{Name: "CONTRIBUTING.md"}
	all := documented(t)
	blocks, _ := testkit.Blocks(string(page))
	for _, b := range blocks {
		switch b.Language {
		case "yaml": // the last one is the whole entry
			example.Data = []byte(b.Text)
		case "json":
			e, err := readExpectations([]byte(b.Text))
			if err != nil {
				t.Fatalf("CONTRIBUTING.md:%d: %v", b.Line, err)
			}
			e.List = "example-list.com"
			all = append(all, e)
		}
	}
	c, _, err := Load(append(slices.Clone(shippedLists), example), File{})
	if err != nil {
		t.Fatal(err)
	}
	return c, all
}

// readExpectations reads a file, and gives each row its source.
func readExpectations(data []byte) (e expectations, err error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&e); err != nil {
		return e, err
	}
	for i := range e.Posts {
		inherit(&e.Posts[i].Source, e.Source)
	}
	for i := range e.Answers {
		inherit(&e.Answers[i].Source, e.Source)
	}
	for i := range e.Readings {
		inherit(&e.Readings[i].Source, e.Source)
	}
	e.inheritVotes()
	return e, nil
}

func inherit(source *string, from string) {
	if *source == "" {
		*source = from
	}
}

func TestDocumentedPosts(t *testing.T) {
	c, all := documentedAndExample(t)
	for _, e := range all {
		for _, r := range e.Posts {
			t.Run(r.name(e.List), func(t *testing.T) {
				call, ok := r.plan(t, livingList(t, c, e.List))
				if !ok {
					return
				}
				got, want := call.Wire(), r.Want
				if got.Method != want.Method {
					t.Errorf("method: got %s, want %s", got.Method, want.Method)
				}
				if got.URL != want.URL {
					t.Errorf("URL: got\n%s, want\n%s", got.URL, want.URL)
				}
				if problem := differs(got.Body, want.Body); problem != "" {
					t.Error(problem)
				}
				checkHeaders(t, headersWant{r.Token, r.Want.Headers, r.Want.HeaderMatch}, got.Header)
				if t.Failed() {
					t.Logf("documented in %s", r.Source)
				}
			})
		}
	}
}

// headersWant are the headers of a request that a row is of.
type headersWant struct {
	token   string
	headers map[string]*string
	match   map[string]string
}

// checkHeaders compares the headers that a row names. Authorization is sent
// nowhere else, and the caller's User-Agent wherever none is prescribed.
func checkHeaders(t *testing.T, r headersWant, header []lists.Header) {
	t.Helper()
	got := map[string][]string{}
	for _, h := range header {
		got[h.Name] = append(got[h.Name], h.Value)
	}
	want := map[string][]string{"Authorization": nil, "User-Agent": {documentedAgent}}
	for name, value := range r.headers {
		want[name] = nil
		if value != nil {
			want[name] = []string{*value}
		}
	}
	for name, pattern := range r.match {
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
		_, named := r.headers[name]
		if !named && strings.Contains(strings.Join(values, "\n"), r.token) {
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
	for _, e := range documented(t) {
		for _, r := range e.Posts {
			t.Run(r.name(e.List), func(t *testing.T) {
				call, ok := r.plan(t, livingList(t, c, e.List))
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
}

// TestDocumentedCoverage checks that every list that is asked has a file of what
// it documents, and that the file is whole.
func TestDocumentedCoverage(t *testing.T) {
	const least = 25
	c, byID, withPosts := shipped(t), map[string]expectations{}, 0
	for _, e := range documented(t) {
		byID[e.List] = e
		if len(e.Posts) > 0 {
			withPosts++
		}
		if problem := e.incomplete(); problem != "" {
			t.Errorf("catalog/testdata/lists/%s.json %s", e.List, problem)
		}
		if l, ok := c.byID[e.List]; !ok || l.Defunct {
			t.Errorf("catalog/testdata/lists/%s.json is of no living list; delete it, or name it after the list", e.List)
		}
	}
	if withPosts < least {
		t.Errorf("%d lists have posts, want at least %d", withPosts, least)
	}
	for _, l := range c.Lists() {
		e, ok := byID[l.ID]
		switch {
		case !l.TakesCounts():
		case !ok:
			t.Errorf("%s takes counts, and nothing holds its entry to what it documents; "+howToDocument, l.ID, l.ID)
		case l.Post != nil && l.Post.Otherwise != nil && !slices.ContainsFunc(e.Posts, func(r postRow) bool { return r.Otherwise }):
			t.Errorf("%s has a second way to post, and catalog/testdata/lists/%s.json has no posts with \"otherwise\": true", l.ID, l.ID)
		case len(e.Posts) == 0 && e.Undocumented == "":
			t.Errorf("%s takes counts, and catalog/testdata/lists/%s.json has no posts; give it some, or say why not under \"undocumented\"", l.ID, l.ID)
		}
	}
}

// incomplete returns what is wrong with a file, "" if nothing.
func (e expectations) incomplete() string {
	var cases []string
	for _, r := range e.Posts {
		switch {
		case r.Source == "" || r.Token == "":
			return fmt.Sprintf("names no source or no token in the post %q", r.Case)
		case slices.Contains(cases, r.name("")):
			return fmt.Sprintf("has the post %q twice", r.Case)
		}
		cases = append(cases, r.name(""))
	}
	for _, way := range []bool{false, true} {
		for _, want := range []string{"plain", "sharded", "users"} {
			ofWay := func(r postRow) bool { return r.Otherwise == way }
			if r := (postRow{Case: want, Otherwise: way}); slices.ContainsFunc(e.Posts, ofWay) && !slices.Contains(cases, r.name("")) {
				return fmt.Sprintf("has no post %q: every way to post has the three plain, sharded and users", want)
			}
		}
	}
	if len(cases) > 0 && e.Undocumented != "" {
		return "has posts, and says that they are undocumented"
	}
	for _, r := range e.Answers {
		if r.Source == "" {
			return fmt.Sprintf("names no source of the answer %d %s", r.Status, r.Body)
		}
	}
	for i, r := range e.Readings {
		if r.Source == "" || len(r.Sample) == 0 || len(r.Want) == 0 {
			return fmt.Sprintf("names no source, sample or wanted fields in reading %d", i+1)
		}
	}
	return ""
}

// TestHowToDocument checks that what a failure tells people to write is read.
func TestHowToDocument(t *testing.T) {
	example := howToDocument[strings.Index(howToDocument, "\n{"):]
	example = example[:strings.Index(example, "\n}")+2]
	e, err := readExpectations([]byte(strings.ReplaceAll(example, `, "…": "…"}`, `, "token": "t"}`)))
	if err != nil {
		t.Fatal(err)
	}
	if problem := e.incomplete(); problem != "" {
		t.Errorf("the example %s", problem)
	}
}

func TestDocumentedAnswers(t *testing.T) {
	c, all := documentedAndExample(t)
	for _, e := range all {
		for _, r := range e.Answers {
			t.Run(fmt.Sprintf("%s/%d %s", e.List, r.Status, r.Body), func(t *testing.T) {
				call, skipped := livingList(t, c, e.List).PlanPost(
					lists.Count{BotID: documentedBot, ServerCount: 1234}, lists.NewToken("s3cret-token", "42"), documentedAgent)
				if skipped != nil {
					t.Fatalf("is not asked: %s", skipped)
				}
				a := lists.Answer{Status: r.Status, Header: map[string][]string{}, Body: []byte(r.Body)}
				for name, value := range r.Headers {
					a.Header[name] = []string{value}
				}
				v := way(t, call, r.Otherwise).Judge(a)
				if v.OK != r.OK || v.Status != r.Status || v.Text != r.Body {
					t.Errorf("got %+v, want OK %t; documented in %s", v, r.OK, r.Source)
				}
				if r.Revoked != nil && v.Revoked != *r.Revoked {
					t.Errorf("revoked: got %t, want %t; documented in %s", v.Revoked, *r.Revoked, r.Source)
				}
			})
		}
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

// TestDocumentedReadings checks that each field that a list documents is found.
func TestDocumentedReadings(t *testing.T) {
	const key = "s3cret-key"
	c, all := documentedAndExample(t)
	for _, e := range all {
		for i, r := range e.Readings {
			t.Run(fmt.Sprintf("%s/%d", e.List, i+1), func(t *testing.T) {
				call, skipped := livingList(t, c, e.List).PlanRead(documentedBot, lists.NewToken(key, "42"), documentedAgent)
				if skipped != nil {
					t.Fatalf("is not asked: %s", skipped)
				}
				request := call.Wire()
				if r.URL != "" && request.URL != r.URL {
					t.Errorf("URL: got %s, want %s", request.URL, r.URL)
				}
				sent := ""
				for _, h := range request.Header {
					if h.Name == "Authorization" {
						sent = h.Value
					}
				}
				if r.Authorization != nil && sent != strings.ReplaceAll(*r.Authorization, "{key}", key) {
					t.Errorf("Authorization: got %q, want %q", sent, *r.Authorization)
				}
				a := lists.Answer{Status: 200, Header: map[string][]string{"Content-Type": {"application/json"}}, Body: r.Sample}
				got := fieldsOf(t, lists.Merge(documentedBot, []lists.Reading{call.Read(a)}))
				for field, want := range r.Want {
					if _, ok := got[field]; !ok {
						t.Errorf("the row is broken: no answer has a field %s", field)
					}
					if !reflect.DeepEqual(sorted(got[field]), sorted(want)) {
						t.Errorf("%s: got %v, want %v", field, got[field], want)
					}
				}
				for _, field := range []string{"invite", "website", "github", "support"} {
					if link := got[field].(string); link != "" && !strings.Contains(link, "://") {
						t.Errorf("%s is no URL: %q", field, link)
					}
				}
				if t.Failed() {
					t.Logf("documented in %s", r.Source)
				}
			})
		}
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

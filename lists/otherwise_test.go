package lists

import (
	"reflect"
	"slices"
	"testing"
	"time"
)

// twoWays is a list that takes tokens of two kinds.
var twoWays = Entry{
	APIPost: "https://list.test/v0/:id", APIField: "count", APIShardID: "shard",
	Post: &PostEntry{
		Auth: &AuthEntry{Prefix: "Bot "}, Success: &SuccessEntry{Field: "ok", Is: true}, Revoked: []int{410},
		Limits: []LimitEntry{{Per: "token", Requests: 2, Seconds: 60}}, Wait: []WaitEntry{{Header: "X-Wait"}},
		Otherwise: &OtherwiseEntry{On: []int{401, 404}, PostEntry: PostEntry{
			URL: "https://list.test/v1/@me", Method: "PATCH", Auth: &AuthEntry{Prefix: "Bearer "}, Answer: "empty",
			Fields: &FieldsEntry{ServerCount: Names{"server_count"}}, Headers: map[string]string{"X-Bot": ":id"},
		}},
	},
}

func TestOtherwise(t *testing.T) {
	l := mustList(t, "list.test", twoWays)
	first, skip := l.PlanPost(Count{BotID: someBot, ServerCount: 5, ShardID: new(int64(1))}, NewToken("s3cret-token", ""), someAgent)
	if skip != nil {
		t.Fatal(skip)
	}
	second, ok := first.Otherwise()
	if !ok {
		t.Fatal("the list has no second way to post, want one")
	}
	for _, tt := range []struct {
		name string
		call Call
		want Request
		sent string
		as   string
	}{
		{"first", first, Request{"POST", "https://list.test/v0/" + someBot, []Header{{"Content-Type", "application/json"}, {"Authorization", "Bot s3cret-token"}, {"User-Agent", someAgent}}, []byte(`{"count":5,"shard":1}`)},
			`{"count":5,"shard":1}`, "Bot ***"},
		{"second", second, Request{"PATCH", "https://list.test/v1/@me", []Header{{"Content-Type", "application/json"}, {"Authorization", "Bearer s3cret-token"}, {"X-Bot", someBot}, {"User-Agent", someAgent}}, []byte(`{"server_count":5}`)},
			`{"server_count":5}`, "Bearer ***"},
	} {
		if got := tt.call.Wire(); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: got %+v, want %+v", tt.name, got, tt.want)
		}
		if got := tt.call.Sent(); got != tt.sent {
			t.Errorf("%s: sent %s, want %s", tt.name, got, tt.sent)
		}
		if got := tt.call.Masked().Header[1].Value; got != tt.as {
			t.Errorf("%s: shows %s, want %s", tt.name, got, tt.as)
		}
		if got, want := tt.call.Limits(), []Limit{{Op: Posts, Per: PerToken, Requests: 2, Interval: time.Minute}}; !slices.Equal(got, want) {
			t.Errorf("%s: limits %+v, want %+v", tt.name, got, want)
		}
		if got := tt.call.Credential(); got != "s3cret-token" {
			t.Errorf("%s: credential %q", tt.name, got)
		}
		if v := tt.call.Judge(Answer{Status: 410}); !v.Revoked || !tt.call.MayBeRevoked() {
			t.Errorf("%s: 410 does not revoke: %+v", tt.name, v)
		}
		now := time.Unix(1795564800, 0)
		if until, ok := tt.call.WaitUntil(Answer{Status: 429, Header: map[string][]string{"X-Wait": {"7"}}}, now); !ok || until.Sub(now) != 7*time.Second {
			t.Errorf("%s: waits until %v, %t", tt.name, until, ok)
		}
	}
	for status, want := range map[int]bool{200: false, 401: true, 404: true, 403: false, 500: false, NoAnswer: false} {
		if got := first.IsOtherwise(Answer{Status: status}); got != want {
			t.Errorf("status %d: otherwise %t, want %t", status, got, want)
		}
		if second.IsOtherwise(Answer{Status: status}) {
			t.Errorf("status %d: the second way has a second way", status)
		}
	}
	if _, ok := second.Otherwise(); ok {
		t.Error("the second way has a second way")
	}
	// Each way judges by its own words.
	for _, tt := range []struct {
		body          string
		first, second bool
	}{{`{"ok":true}`, true, false}, {``, false, true}, {`{"ok":false}`, false, false}} {
		a := Answer{Status: 200, Body: []byte(tt.body)}
		if f, s := first.Judge(a).OK, second.Judge(a).OK; f != tt.first || s != tt.second {
			t.Errorf("%s: got %t and %t, want %t and %t", tt.body, f, s, tt.first, tt.second)
		}
	}
}

func TestNoOtherwise(t *testing.T) {
	l := mustList(t, "list.test", Entry{APIPost: "https://list.test/:id", APIField: "n", APIGet: "https://list.test/:id"})
	post, _ := l.PlanPost(Count{BotID: someBot}, NewToken("t", ""), someAgent)
	read, _ := l.PlanRead(someBot, Token{}, someAgent)
	for _, call := range []Call{post, read.Call} {
		if _, ok := call.Otherwise(); ok || call.IsOtherwise(Answer{Status: 401}) {
			t.Errorf("%s: a second way, want none", call.Op().Name)
		}
	}
}

// A list whose second way alone needs its own number of the bot has it for both:
// nobody can tell beforehand which way a token goes.
func TestOtherwiseNumbersBots(t *testing.T) {
	e := twoWays
	p := *e.Post
	e.Post, p.Otherwise = &p, &OtherwiseEntry{On: []int{401}, PostEntry: PostEntry{URL: "https://list.test/v1/:list_bot_id", Fields: p.Otherwise.Fields}}
	l := mustList(t, "list.test", e)
	if _, skip := l.PlanPost(Count{BotID: someBot}, NewToken("token", ""), someAgent); skip == nil {
		t.Error("a token without a number is taken")
	}
	first, skip := l.PlanPost(Count{BotID: someBot}, NewToken("42:token", ""), someAgent)
	if skip != nil {
		t.Fatal(skip)
	}
	if second, _ := first.Otherwise(); second.Wire().URL != "https://list.test/v1/42" {
		t.Errorf("got %s", second.Wire().URL)
	}
}

func TestOtherwiseProblems(t *testing.T) {
	with := func(o OtherwiseEntry) Entry {
		return Entry{Name: "L", URL: "https://list.test/", APIPost: "https://list.test/:id", APIField: "n", Post: &PostEntry{Otherwise: &o}}
	}
	perBot := with(OtherwiseEntry{On: []int{401}, PostEntry: PostEntry{URL: "https://list.test/me"}})
	perBot.Post.Limits = []LimitEntry{{Per: "bot", Requests: 1, Seconds: 1}}
	for _, tt := range []struct {
		name  string
		entry Entry
		want  []Problem
	}{
		{"plain", with(OtherwiseEntry{On: []int{401}, PostEntry: PostEntry{URL: "https://list.test/v1/:id"}}), nil},
		{"no status", with(OtherwiseEntry{PostEntry: PostEntry{URL: "https://list.test/v1/:id"}}), []Problem{{"post.otherwise.on", "must name a status"}}},
		{"a status of a success", with(OtherwiseEntry{On: []int{401, 200}, PostEntry: PostEntry{URL: "https://list.test/v1/:id"}}), []Problem{{"post.otherwise.on[1]", "must be an HTTP status from 400 to 599, is 200"}}},
		{"no URL", with(OtherwiseEntry{On: []int{401}}), []Problem{{"post.otherwise.url", "is required"}}},
		{"bad URL", with(OtherwiseEntry{On: []int{401}, PostEntry: PostEntry{URL: "http://list.test/:id"}}), []Problem{{"post.otherwise.url", `must begin with https:// (http:// is for loopback hosts and defunct lists), is "http://list.test/:id"`}}},
		{"no auth in a query's body", with(OtherwiseEntry{On: []int{401}, PostEntry: PostEntry{URL: "https://list.test/:id", Body: "query", Auth: &AuthEntry{In: "body", Name: "key"}}}),
			[]Problem{{"post.otherwise.auth.in", "is body, but body: query sends an empty body; allowed: header, query"}}},
		{"a limit per bot, and no bot in the second way", perBot, []Problem{{"post.limits[0].per", "is bot, but the request does not name the bot (:id); allowed: token, address"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, got := New("list.test", tt.entry); !slices.Equal(got, tt.want) {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestCounts(t *testing.T) {
	first := Answer{Status: 401}
	for _, tt := range []struct {
		second Answer
		want   bool // the second counts
	}{
		{Answer{Status: 204}, true}, {Answer{Status: 200}, true}, {Answer{Status: 301}, true}, {Answer{Status: 422}, true},
		{Answer{Status: 429}, true}, {Answer{Status: 408}, true}, {Answer{Status: 500}, true},
		{Answer{Status: NoAnswer, Fault: FaultTimeout}, true}, {Answer{Status: NoAnswer, Fault: FaultRefused}, false},
		{Answer{Status: 400}, false}, {Answer{Status: 401}, false}, {Answer{Status: 403}, false}, {Answer{Status: 404}, false}, {Answer{Status: 410}, false},
	} {
		got, want := Counts(first, tt.second), first
		if tt.want {
			want, want.Otherwise = tt.second, true
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%+v after %+v: got %+v, want %+v", tt.second, first, got, want)
		}
	}
}

func TestOtherwiseRule(t *testing.T) {
	rules := mustList(t, "list.test", twoWays).PostRules()
	if got, want := rules[len(rules)-2], "If the status is 401 or 404, the token may be of another kind: one more call follows, PATCH https://list.test/v1/@me."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

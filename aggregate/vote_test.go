package aggregate_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"aggregator/aggregate"
	"aggregator/httpapi"
	"aggregator/internal/testkit"
	"aggregator/lists"
)

const (
	someUser    = "876543210987654321"
	anotherUser = "876543210987654322"
)

const votedLists = `
lists:
  flag.test:
    name: Flag
    url: "https://flag.test/"
    votes:
      url: "https://flag.test/:id/:user"
      auth: {prefix: "Bearer "}
      voted: voted
      voted_at: at
      until: until
      weight: weight
      window: 12h
    webhook: {user: user, proof: {kind: header}}
  found.test:
    name: Found
    url: "https://found.test/"
    votes:
      url: "https://found.test/:id/:user"
      auth: {}
      found: created
      not_voted: [404]
  free.test:
    name: Free
    url: "https://free.test/"
    votes:
      url: "https://free.test/:id/:user"
      voted: voted
  gone.test:
    name: Gone
    url: "https://gone.test/"
    defunct: 1
    votes:
      url: "https://gone.test/:id/:user"
      voted: voted
  hook.test:
    name: Hook
    url: "https://hook.test/"
    webhook: {user: user, proof: {kind: header}}
  number.test:
    name: Number
    url: "https://number.test/"
    votes:
      url: "https://number.test/:list_bot_id/:user"
      auth: {}
      voted: voted
  page.test:
    name: Page
    url: "https://page.test/"
    votes:
      url: "https://page.test/:id"
      auth: {}
      voters: {in: votes, user: id, time: at, newest: 3}
      window: 12h
    webhook: {user: user, proof: {kind: header}}
  paced.test:
    name: Paced
    url: "https://paced.test/"
    votes:
      url: "https://paced.test/:id/:user"
      auth: {}
      voted: voted
      limits: [{per: token, requests: 1, seconds: 60}]
  post.test:
    name: Post
    url: "https://post.test/"
    api_post: "https://post.test/:id"
    api_field: n
  twice.test:
    name: Twice
    url: "https://twice.test/"
    votes:
      url: "https://twice.test/:id/:user"
      auth: {}
      voted: voted
      otherwise:
        "on": [401]
        url: "https://twice.test/v1/:id"
        auth: {prefix: "Bearer "}
        voters: {in: votes, user: id}
`

// voting is a desk over these lists, each of which answers what a test says.
type voting struct {
	*desk
	answers map[string]string // by list: status and body
}

func newVoting(t testing.TB, answers map[string]string) *voting {
	t.Helper()
	v := &voting{newDesk(t, deskOptions{onListed: votedLists, votes: "1/5s"}), answers}
	v.answer = func(c lists.Call) lists.Answer {
		said, ok := v.answers[c.List.ID]
		if !ok {
			return lists.Answer{Status: lists.NoAnswer, Fault: lists.FaultTimeout, Reason: "Timeout after 3s"}
		}
		status, body, _ := strings.Cut(said, " ")
		n := 0
		if _, err := fmt.Sscan(status, &n); err != nil {
			t.Error(err)
		}
		return lists.NewAnswer(n, nil, []byte(body))
	}
	return v
}

// asks asks whether a user has voted, with the tokens of a body, for a caller.
func (v *voting) asks(t testing.TB, from int, keyed bool, user, tokens string) (aggregate.VoteAnswer, error) {
	t.Helper()
	own, err := httpapi.ParseTokens([]byte(tokens))
	if err != nil {
		t.Fatal(err)
	}
	return v.Vote(t.Context(), aggregate.VoteRequest{BotID: firstBot, UserID: user, Tokens: own, Keyed: keyed}, caller(from))
}

// mustAsk is asks for a request that passes. It returns what was answered, without
// its ids, and which lists were asked.
func (v *voting) mustAsk(t testing.TB, from int, keyed bool, user, tokens string) (answer, asked string) {
	t.Helper()
	v.took()
	a, err := v.asks(t, from, keyed, user, tokens)
	if err != nil {
		t.Fatal(err)
	}
	text := asJSON(t, a)
	begin := `{"bot_id":"` + firstBot + `","user_id":"` + user + `",`
	if !strings.HasPrefix(text, begin) {
		t.Errorf("got %s, want it to begin with %s", text, begin)
	}
	return "{" + strings.TrimPrefix(text, begin), v.took()
}

// said is an answer in which no list is skipped and none has failed.
func said(voted bool, lists string) string {
	return fmt.Sprintf(`{"voted":%t,"lists":{%s},"failure":{},"skipped":{}}`, voted, lists)
}

// TestVote has what is answered to one request. It is 12:00 on 2026-11-22.
func TestVote(t *testing.T) {
	t.Parallel()
	failed := func(list, result string) string {
		return `{"voted":false,"lists":{},"failure":{"` + list + `":` + result + `},"skipped":{}}`
	}
	skipped := func(list, why string) string {
		return `{"voted":false,"lists":{},"failure":{},"skipped":{"` + list + `":` + why + `}}`
	}
	full := func(oldest string) string {
		return `200 {"votes":[{"id":"100000000000000001","at":"2026-11-22T11:00:00Z"},{"id":"100000000000000002","at":"2026-11-22T10:00:00Z"},{"id":"100000000000000003","at":"` + oldest + `"}]}`
	}
	for _, tt := range []struct {
		name    string
		tokens  string
		answers map[string]string
		want    string
		asked   string
	}{
		{"no list", `{}`, nil, said(false, ""), ""},
		{"yes", `{"flag.test":"a"}`, map[string]string{"flag.test": `200 {"voted":true}`}, said(true, `"flag.test":{"voted":true}`), "flag.test=a"},
		{"no", `{"flag.test":"a"}`, map[string]string{"flag.test": `200 {"voted":false}`}, said(false, `"flag.test":{"voted":false}`), "flag.test=a"},
		{"all that can be told", `{"flag.test":"a"}`, map[string]string{"flag.test": `200 {"voted":1,"at":"2026-11-22T10:00:00.25+00:00","until":"2026-11-22T14:00:00Z","weight":2}`},
			said(true, `"flag.test":{"voted":true,"voted_at":"2026-11-22T10:00:00Z","until":"2026-11-22T14:00:00Z","weight":2}`), "flag.test=a"},
		{"until the window's end", `{"flag.test":"a"}`, map[string]string{"flag.test": `200 {"voted":true,"at":"2026-11-22T10:00:00Z"}`},
			said(true, `"flag.test":{"voted":true,"voted_at":"2026-11-22T10:00:00Z","until":"2026-11-22T22:00:00Z"}`), "flag.test=a"},
		{"a vote that is over", `{"flag.test":"a"}`, map[string]string{"flag.test": `200 {"voted":true,"at":"2026-11-21T10:00:00Z"}`},
			said(false, `"flag.test":{"voted":false,"voted_at":"2026-11-21T10:00:00Z","until":"2026-11-21T22:00:00Z"}`), "flag.test=a"},
		{"a status that means no", `{"found.test":"a"}`, map[string]string{"found.test": `404 {"error":"not found"}`}, said(false, `"found.test":{"voted":false}`), "found.test=a"},
		{"several lists, in catalog order", `{"found.test":"a","flag.test":"b"}`, map[string]string{"found.test": `200 {"created":"x"}`, "flag.test": `200 {"voted":false}`},
			said(true, `"flag.test":{"voted":false},"found.test":{"voted":true}`), "flag.test=b found.test=a"},
		{"in a list of voters", `{"page.test":"a"}`, map[string]string{"page.test": `200 {"votes":[{"id":` + someUser + `,"at":"2026-11-22T11:00:00Z"}]}`},
			said(true, `"page.test":{"voted":true,"voted_at":"2026-11-22T11:00:00Z","until":"2026-11-22T23:00:00Z"}`), "page.test=a"},
		{"in none", `{"page.test":"a"}`, map[string]string{"page.test": `200 {"votes":[]}`}, said(false, `"page.test":{"voted":false}`), "page.test=a"},
		{"not on a full page", `{"page.test":"a"}`, map[string]string{"page.test": full("2026-11-21T20:00:00Z")}, said(false, `"page.test":{"voted":false}`), "page.test=a"},
		{"not on a full page that may be too short", `{"page.test":"a"}`, map[string]string{"page.test": full("2026-11-22T01:00:00Z")},
			failed("page.test", `[200,"the list shows its newest 3 voters only, and the oldest of them voted inside the window: the user may have voted before"]`), "page.test=a"},
		{"in the list's second way", `{"twice.test":"a"}`, map[string]string{"twice.test": `200 {"voted":true}`}, said(true, `"twice.test":{"voted":true}`), "twice.test=a"},

		{"a list that needs no token", `{"free.test":null}`, map[string]string{"free.test": `200 {"voted":true}`}, said(true, `"free.test":{"voted":true}`), "free.test="},
		{"and gets none", `{"free.test":"a"}`, map[string]string{"free.test": `200 {"voted":true}`}, said(true, `"free.test":{"voted":true}`), "free.test="},
		{"whatever stands there", `{"tokens":{"free.test":5}}`, map[string]string{"free.test": `200 {"voted":true}`}, said(true, `"free.test":{"voted":true}`), "free.test="},

		{"no answer", `{"flag.test":"a"}`, nil, failed("flag.test", `[-1,"Timeout after 3s"]`), "flag.test=a"},
		{"a refusal that echoes the token", `{"flag.test":"secret-a"}`, map[string]string{"flag.test": `401 {"error":"secret-a"}`}, failed("flag.test", `[401,"{\"error\":\"***\"}"]`), "flag.test=secret-a"},
		{"what is not as documented", `{"flag.test":"a"}`, map[string]string{"flag.test": `200 {"voted":"maybe"}`}, failed("flag.test", `[200,"{\"voted\":\"maybe\"}"]`), "flag.test=a"},
		{"a page", `{"free.test":null}`, map[string]string{"free.test": `200 <html>`}, failed("free.test", `[200,"<html>"]`), "free.test="},

		{"an unknown list", `{"flag.tset":"a"}`, nil, skipped("flag.tset", `"Unknown list, did you mean \"flag.test\"?"`), ""},
		{"a list without votes", `{"post.test":"a"}`, nil, skipped("post.test", `"No votes API"`), ""},
		{"a list without votes, no token", `{"post.test":null}`, nil, skipped("post.test", `"No votes API"`), ""},
		{"a list that only tells by webhooks", `{"hook.test":"a"}`, nil, skipped("hook.test", `"No votes API"`), ""},
		{"a list that is gone", `{"gone.test":"a"}`, nil, skipped("gone.test", `"Defunct"`), ""},
		{"no token", `{"flag.test":null}`, nil, skipped("flag.test", `"No token"`), ""},
		{"no string", `{"flag.test":5}`, nil, skipped("flag.test", `"Bad token: must be a string"`), ""},
		{"tokens that are none", `{"tokens":5}`, nil, skipped("tokens", `"Bad token: must be an object of list ids and tokens"`), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v := newVoting(t, tt.answers)
			if answer, asked := v.mustAsk(t, 1, false, someUser, tt.tokens); answer != tt.want || asked != tt.asked {
				t.Errorf("got  %s, asked %q\nwant %s, %q", answer, asked, tt.want, tt.asked)
			}
		})
	}
}

// TestVoteRefuses has what is wrong with a request.
func TestVoteRefuses(t *testing.T) {
	t.Parallel()
	v := newVoting(t, nil)
	for _, tt := range []struct{ bot, user, want string }{
		{"x", "x", "'id' must be a snowflake"},
		{"0123456789012345678", someUser, "'id' must be a snowflake"},
		{firstBot, "x", "'user' must be a snowflake"},
		{firstBot, "", "'user' must be a snowflake"},
	} {
		_, err := v.Vote(t.Context(), aggregate.VoteRequest{BotID: tt.bot, UserID: tt.user}, caller(1))
		if got := messageOf(t, err); got != tt.want {
			t.Errorf("bot %q, user %q: got %q, want %q", tt.bot, tt.user, got, tt.want)
		}
	}
}

// TestVotesAreRemembered has what is asked again, and when.
func TestVotesAreRemembered(t *testing.T) {
	t.Parallel()
	const yes, no = `200 {"voted":true}`, `200 {"voted":false}`
	page := func(user string) string { return `200 {"votes":[{"id":"` + user + `","at":"2026-11-22T11:00:00Z"}]}` }
	for _, tt := range []struct {
		name          string
		list          string
		first, second string // what the list answers
		after         time.Duration
		user, token   string // of the second request; those of the first when empty
		asked         bool
		voted         bool
	}{
		{"a yes", "flag.test", yes, no, time.Hour - 1, "", "", false, true},
		{"a yes of an hour ago", "flag.test", yes, no, time.Hour, "", "", true, false},
		{"a yes that counts", "flag.test", `200 {"voted":true,"until":"2026-11-22T12:00:30Z"}`, no, 30*time.Second - 1, "", "", false, true},
		{"a yes that is over", "flag.test", `200 {"voted":true,"until":"2026-11-22T12:00:30Z"}`, no, 30 * time.Second, "", "", true, false},
		{"a no", "flag.test", no, yes, 5*time.Second - 1, "", "", false, false},
		{"a no of 5 s ago", "flag.test", no, yes, 5 * time.Second, "", "", true, true},
		{"a failure", "flag.test", "500 x", yes, 0, "", "", true, true},
		{"of another user", "flag.test", yes, no, 0, anotherUser, "", true, false},
		{"of another credential", "flag.test", yes, no, 0, "", "b", true, false},
		{"of the same credential, written otherwise", "flag.test", yes, no, 0, "", "bearer a", false, true},
		{"without a token", "free.test", yes, no, 0, "", "b", false, true},
		{"a user in a list of voters", "page.test", page(someUser), page(anotherUser), time.Hour - 1, "", "", false, true},
		{"a user in a list of voters of an hour ago", "page.test", page(someUser), page(anotherUser), time.Hour, "", "", true, false},
		{"another user in a list of voters", "page.test", page(anotherUser), page(someUser), 10*time.Second - 1, anotherUser, "", false, true},
		{"another user, in none", "page.test", page(someUser), page(anotherUser), 10*time.Second - 1, anotherUser, "", false, false},
		{"another user, when the list is 10 s old", "page.test", page(someUser), page(anotherUser), 10 * time.Second, anotherUser, "", true, true},
		{"the user, when the list is 10 s old", "page.test", page(anotherUser), page(someUser), 10 * time.Second, "", "", true, true},
		{"a list of voters of another credential", "page.test", page(anotherUser), page(someUser), 0, "", "b", true, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v := newVoting(t, map[string]string{tt.list: tt.first})
			if tt.user == "" {
				tt.user = someUser
			}
			if tt.token == "" {
				tt.token = "a"
			}
			if _, asked := v.mustAsk(t, 1, false, someUser, `{"`+tt.list+`":"a"}`); asked == "" {
				t.Error("the list was not asked the first time")
			}
			v.Advance(tt.after)
			v.answers[tt.list] = tt.second
			answer, asked := v.mustAsk(t, 2, false, tt.user, `{"`+tt.list+`":"`+tt.token+`"}`)
			if (asked != "") != tt.asked || strings.HasPrefix(answer, `{"voted":true`) != tt.voted {
				t.Errorf("got %s, asked %q; want voted %t, asked %t", answer, asked, tt.voted, tt.asked)
			}
		})
	}
}

// TestVotesAreForgottenAtAReload has the catalog loaded anew: another entry may
// read the same answer in another way. What webhooks told stays.
func TestVotesAreForgottenAtAReload(t *testing.T) {
	t.Parallel()
	v := newVoting(t, map[string]string{"flag.test": `200 {"voted":true}`, "page.test": `200 {"votes":[]}`})
	const tokens = `{"flag.test":"a","page.test":"a"}`
	v.mustAsk(t, 1, false, someUser, tokens)
	v.HearVote(v.list(t, "hook.test"), lists.Event{BotID: firstBot, UserID: someUser})
	if _, err := v.Catalog.Reload(); err != nil {
		t.Fatal(err)
	}
	answer, asked := v.mustAsk(t, 2, true, someUser, tokens)
	if want := "flag.test=a page.test=a"; asked != want || !strings.Contains(answer, `"hook.test":{"voted":true,"from":"webhook"}`) {
		t.Errorf("got %s, asked %q; want the vote of hook.test, and %q asked", answer, asked, want)
	}
}

// TestWebhooksAreRemembered has what a webhook told take the place of what lists
// said, and answer those who show the bot's key.
func TestWebhooksAreRemembered(t *testing.T) {
	t.Parallel()
	const (
		yes, no = `200 {"voted":true}`, `200 {"voted":false}`
		hooked  = `{"voted":true,"lists":{"flag.test":{"voted":true,"from":"webhook"}},"failure":{},"skipped":{}}`
	)
	at := time.Date(2026, 11, 22, 11, 59, 0, 0, time.UTC)
	event := lists.Event{BotID: firstBot, UserID: someUser}
	with := func(change func(*lists.Event)) lists.Event { e := event; change(&e); return e }
	removed := with(func(e *lists.Event) { e.Removed = true })
	page := func(user string) string { return `200 {"votes":[{"id":"` + user + `","at":"2026-11-22T11:00:00Z"}]}` }
	for _, tt := range []struct {
		name   string
		list   string // flag.test when empty
		before string // what the list says before the webhook; it is not asked when empty
		event  lists.Event
		later  string // what it says then
		after  time.Duration
		keyed  bool
		want   string
		asked  bool
	}{
		{name: "with the key", event: event, later: no, keyed: true, want: hooked},
		{name: "without", event: event, later: no, want: said(false, `"flag.test":{"voted":false}`), asked: true},
		{name: "after a no, with the key", before: no, event: event, later: no, keyed: true, want: hooked},
		{name: "after a no, without", before: no, event: event, later: yes, want: said(true, `"flag.test":{"voted":true}`), asked: true},
		{name: "all it tells", event: with(func(e *lists.Event) { e.At, e.Until, e.Weight = at, at.Add(12*time.Hour), 2 }), keyed: true,
			want: said(true, `"flag.test":{"voted":true,"voted_at":"2026-11-22T11:59:00Z","until":"2026-11-22T23:59:00Z","weight":2,"from":"webhook"}`)},
		{name: "within the hour", event: event, after: time.Hour - 1, keyed: true, want: hooked},
		{name: "an hour later", event: event, later: no, after: time.Hour, keyed: true, want: said(false, `"flag.test":{"voted":false}`), asked: true},
		{name: "when it is over", event: with(func(e *lists.Event) { e.Until = at.Add(2 * time.Minute) }), later: no, after: time.Minute, keyed: true,
			want: said(false, `"flag.test":{"voted":false}`), asked: true},
		{name: "one that is over already", event: with(func(e *lists.Event) { e.At, e.Until = at.Add(-time.Hour), at }), keyed: true,
			want: said(false, `"flag.test":{"voted":false,"from":"webhook"}`)},
		{name: "a removal, with the key", before: yes, event: removed, keyed: true, want: said(false, `"flag.test":{"voted":false,"from":"webhook"}`)},
		{name: "a removal, without", before: yes, event: removed, later: no, want: said(false, `"flag.test":{"voted":false}`), asked: true},
		{name: "a removal of 5 s ago", before: yes, event: removed, later: no, after: 5 * time.Second, keyed: true, want: said(false, `"flag.test":{"voted":false}`), asked: true},
		{name: "a test", before: no, event: with(func(e *lists.Event) { e.Test = true }), later: yes, keyed: true, want: said(false, `"flag.test":{"voted":false}`)},
		{name: "what is ignored", before: no, event: with(func(e *lists.Event) { e.Ignored = "review" }), later: yes, keyed: true, want: said(false, `"flag.test":{"voted":false}`)},
		{name: "of another user", before: no, event: with(func(e *lists.Event) { e.UserID = anotherUser }), later: yes, keyed: true, want: said(false, `"flag.test":{"voted":false}`)},
		{name: "of another bot", before: no, event: with(func(e *lists.Event) { e.BotID = secondBot }), later: yes, keyed: true, want: said(false, `"flag.test":{"voted":false}`)},
		{name: "newer than a list of voters", list: "page.test", before: page(anotherUser), event: event, later: page(someUser),
			want: said(true, `"page.test":{"voted":true,"voted_at":"2026-11-22T11:00:00Z","until":"2026-11-22T23:00:00Z"}`), asked: true},
		{name: "a list that cannot be asked", list: "hook.test", event: event, keyed: true, want: said(true, `"hook.test":{"voted":true,"from":"webhook"}`)},
		{name: "a list that cannot be asked, without the key", list: "hook.test", event: event,
			want: `{"voted":false,"lists":{},"failure":{},"skipped":{"hook.test":"No votes API"}}`},
		{name: "a list that cannot be asked, an hour later", list: "hook.test", event: event, after: time.Hour, keyed: true,
			want: `{"voted":false,"lists":{},"failure":{},"skipped":{"hook.test":"No votes API"}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.list == "" {
				tt.list = "flag.test"
			}
			v := newVoting(t, map[string]string{tt.list: tt.before})
			tokens := `{"` + tt.list + `":"a"}`
			if tt.before != "" {
				v.mustAsk(t, 1, false, someUser, tokens)
			}
			v.HearVote(v.list(t, tt.list), tt.event)
			v.Advance(tt.after)
			v.answers[tt.list] = tt.later
			answer, asked := v.mustAsk(t, 2, tt.keyed, someUser, tokens)
			if answer != tt.want || (asked != "") != tt.asked {
				t.Errorf("got  %s, asked %q\nwant %s, asked %t", answer, asked, tt.want, tt.asked)
			}
		})
	}
}

// TestLateWebhooks has webhooks of one user come in another order than the votes
// were made: a list may have tried one again for hours.
func TestLateWebhooks(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	vote := func(age time.Duration, change func(*lists.Event)) lists.Event {
		e := lists.Event{BotID: firstBot, UserID: someUser, At: noon.Add(-age), Until: noon.Add(12*time.Hour - age)}
		if change != nil {
			change(&e)
		}
		return e
	}
	removed := func(e *lists.Event) { e.Removed = true }
	for _, tt := range []struct {
		name   string
		events []lists.Event
		voted  bool
	}{
		{"a vote that is over", []lists.Event{vote(time.Minute, nil), vote(13*time.Hour, nil)}, true},
		{"an earlier one taken back", []lists.Event{vote(time.Minute, nil), vote(13*time.Hour, removed)}, true},
		{"one that has been taken back since", []lists.Event{vote(time.Minute, removed), vote(2*time.Minute, nil)}, false},
		{"the same taken back", []lists.Event{vote(time.Minute, nil), vote(time.Minute, removed)}, false},
		{"one without a time", []lists.Event{vote(time.Minute, nil), vote(0, func(e *lists.Event) { e.At, e.Removed = time.Time{}, true })}, false},
		{"one of which only the request has a time", []lists.Event{vote(0, nil), vote(time.Minute, func(e *lists.Event) { e.AtOfRequest, e.Removed = true, true })}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v := newVoting(t, nil)
			for _, e := range tt.events {
				v.HearVote(v.list(t, "flag.test"), e)
			}
			if answer, _ := v.mustAsk(t, 1, true, someUser, `{"flag.test":"a"}`); strings.HasPrefix(answer, `{"voted":true`) != tt.voted {
				t.Errorf("got %s, want voted %t", answer, tt.voted)
			}
		})
	}
}

// TestVotesOfListNumbers has one credential ask of two numbers that a list gave
// bots: what is said of one is not said of the other.
func TestVotesOfListNumbers(t *testing.T) {
	t.Parallel()
	v := newVoting(t, map[string]string{"number.test": `200 {"voted":true}`})
	v.mustAsk(t, 1, false, someUser, `{"number.test":{"token":"a","bot_id":"41"}}`)
	v.answers["number.test"] = `200 {"voted":false}`
	if answer, asked := v.mustAsk(t, 2, false, someUser, `{"number.test":{"token":"a","bot_id":"42"}}`); asked == "" || answer != said(false, `"number.test":{"voted":false}`) {
		t.Errorf("of another number: got %s, asked %q; want a no of the list", answer, asked)
	}
	if answer, asked := v.mustAsk(t, 3, false, someUser, `{"number.test":"41:a"}`); asked != "" || answer != said(true, `"number.test":{"voted":true}`) {
		t.Errorf("of the first number: got %s, asked %q; want the yes that is remembered", answer, asked)
	}
}

// list returns a list of the catalog.
func (v *voting) list(t testing.TB, id string) *lists.List {
	t.Helper()
	l, ok := v.Catalog.Current().Resolve(id)
	if !ok {
		t.Fatalf("no list %s", id)
	}
	return l
}

// TestWebhooksOfListsNotNamed has a vote of which a list's webhook told that the
// request does not name: it is answered to those who show the bot's key, and
// nothing is said of the other lists.
func TestWebhooksOfListsNotNamed(t *testing.T) {
	t.Parallel()
	v := newVoting(t, nil)
	v.HearVote(v.list(t, "hook.test"), lists.Event{BotID: firstBot, UserID: someUser})
	if got, _ := v.mustAsk(t, 1, true, someUser, `{}`); got != said(true, `"hook.test":{"voted":true,"from":"webhook"}`) {
		t.Errorf("with the key: got %s", got)
	}
	if got, _ := v.mustAsk(t, 1, false, someUser, `{}`); got != said(false, "") {
		t.Errorf("without: got %s", got)
	}
}

// TestVoteWindows has which requests use a window: those for which some list is
// asked.
func TestVoteWindows(t *testing.T) {
	t.Parallel()
	v := newVoting(t, map[string]string{"flag.test": `200 {"voted":true}`, "found.test": `404 x`, "free.test": `200 {"voted":false}`})
	pass := func(from int, user, tokens string, window bool) {
		t.Helper()
		a, err := v.asks(t, from, false, user, tokens)
		if err != nil {
			t.Fatal(err)
		}
		if used := a.Window != nil; used != window {
			t.Errorf("user %s, %s: used a window %t, want %t", user, tokens, used, window)
		}
	}
	limited := func(from int, user, tokens string) {
		t.Helper()
		_, err := v.asks(t, from, false, user, tokens)
		var e *aggregate.LimitedError
		if !errors.As(err, &e) || e.Scope.Name != "votes" || e.Decision.Period != 5*time.Second {
			t.Errorf("user %s, %s: got %v, want a 429 of votes for 5 s", user, tokens, err)
		}
	}
	pass(1, someUser, `{"post.test":"a"}`, false) // nothing to ask
	pass(1, someUser, `{"flag.test":"a"}`, true)
	pass(1, someUser, `{"flag.test":"a"}`, false) // remembered
	limited(1, someUser, `{"flag.test":"a","found.test":"a"}`)
	limited(1, someUser, `{"flag.test":"b"}`)
	pass(1, anotherUser, `{"flag.test":"a"}`, true)
	pass(2, someUser, `{"flag.test":"b"}`, true)
	v.Advance(5 * time.Second)
	pass(1, someUser, `{"flag.test":"a","found.test":"a"}`, true)
}

// TestVotesArePaced has a list's own limit hold vote checks back, but not what is
// remembered.
func TestVotesArePaced(t *testing.T) {
	t.Parallel()
	v := newVoting(t, map[string]string{"paced.test": `200 {"voted":true}`})
	v.mustAsk(t, 1, false, someUser, `{"paced.test":"a"}`)
	const paced = `{"voted":false,"lists":{},"failure":{},"skipped":{"paced.test":"Paced: next call at 2026-11-22T12:01:00Z"}}`
	if got, asked := v.mustAsk(t, 1, false, anotherUser, `{"paced.test":"a"}`); got != paced || asked != "" {
		t.Errorf("another user: got %s, asked %q; want %s", got, asked, paced)
	}
	if got, _ := v.mustAsk(t, 1, false, someUser, `{"paced.test":"a"}`); got != said(true, `"paced.test":{"voted":true}`) {
		t.Errorf("the user of whom it is known: got %s", got)
	}
	if _, asked := v.mustAsk(t, 1, false, anotherUser, `{"paced.test":"b"}`); asked != "paced.test=b" {
		t.Errorf("another token: asked %q", asked)
	}
}

// TestRefusedVoteChecksRest has three refusals in a row, which hold no post.
func TestRefusedVoteChecksRest(t *testing.T) {
	t.Parallel()
	v := newVoting(t, map[string]string{"flag.test": `401 x`})
	for n := range 3 {
		if got, _ := v.mustAsk(t, n, false, someUser, `{"flag.test":"a"}`); !strings.Contains(got, `"flag.test":[401,"x"]`) {
			t.Errorf("refusal %d: got %s", n+1, got)
		}
	}
	if got, asked := v.mustAsk(t, 9, false, someUser, `{"flag.test":"a"}`); !strings.Contains(got, `"skipped":{"flag.test":"Refused: flag.test `) || asked != "" {
		t.Errorf("got %s, asked %q; want it to rest", got, asked)
	}
}

// TestSecondWayOfVotes has a list whose second way lists voters, where the first
// is asked about one user.
func TestSecondWayOfVotes(t *testing.T) {
	t.Parallel()
	v := newVoting(t, nil)
	v.answer = func(c lists.Call) lists.Answer {
		a := lists.NewAnswer(200, nil, []byte(`{"votes":[{"id":"`+anotherUser+`"}]}`))
		a.Otherwise = c.HasOtherwise() // as fanout does
		return a
	}
	for i, step := range []struct {
		user    string
		after   time.Duration
		voted   bool
		asked   bool
		problem string
	}{
		{someUser, 0, false, true, "the first asks"},
		{anotherUser, 0, true, false, "its list of voters serves the next user"},
		{someUser, 10 * time.Second, false, true, "the token is known to go the second way"},
		{anotherUser, 0, true, false, "and so does this one's"},
	} {
		v.Advance(step.after)
		answer, asked := v.mustAsk(t, i, false, step.user, `{"twice.test":"a"}`)
		if strings.Contains(answer, `"twice.test":{"voted":true}`) != step.voted || (asked != "") != step.asked {
			t.Errorf("%s: got %s, asked %q; want voted %t, asked %t", step.problem, answer, asked, step.voted, step.asked)
		}
	}
}

// TestVotersAreAskedOnce has many users asked about at once: one call fetches the
// list of voters for all of them.
func TestVotersAreAskedOnce(t *testing.T) {
	t.Parallel()
	const users = 20
	v := newVoting(t, nil)
	begun, release := make(chan struct{}, users), make(chan struct{})
	v.answer = func(lists.Call) lists.Answer {
		begun <- struct{}{}
		<-release
		return lists.NewAnswer(200, nil, []byte(`{"votes":[{"id":"800000000000000007","at":"2026-11-22T11:00:00Z"}]}`))
	}
	var voted [users]bool
	var all sync.WaitGroup
	for n := range users {
		all.Go(func() {
			a, err := v.asks(t, n, false, fmt.Sprintf("8000000000000000%02d", n), `{"page.test":"a"}`)
			if err != nil || len(a.Results) != 1 || !a.Results[0].OK {
				t.Errorf("user %d: got %+v, %v", n, a, err)
			}
			voted[n] = a.Voted()
		})
	}
	testkit.Receive(t, "the call", begun)
	testkit.Wait(t, "the others to join it", func() bool { return v.VotesJoined() == users-1 })
	close(release)
	all.Wait()
	for n, is := range voted {
		if is != (n == 7) {
			t.Errorf("user %d: voted %t", n, is)
		}
	}
	if len(begun) > 0 {
		t.Errorf("the list was asked %d times more, want once in all", len(begun))
	}
}

// TestVotesAtOnce has many callers ask for the same votes of several lists in
// whichever mix, while webhooks tell of them: all are answered, and no list is
// asked the same twice at a time.
func TestVotesAtOnce(t *testing.T) {
	t.Parallel()
	v := newVoting(t, nil)
	var mu sync.Mutex
	asking := map[string]bool{}
	v.answer = func(c lists.Call) lists.Answer {
		url := c.Wire().URL
		mu.Lock()
		twice := asking[url]
		asking[url] = true
		mu.Unlock()
		if twice {
			t.Errorf("%s is asked twice at a time", url)
		}
		runtime.Gosched()
		mu.Lock()
		delete(asking, url)
		mu.Unlock()
		return lists.NewAnswer(200, nil, []byte(`{"voted":false,"created":1,"votes":[]}`))
	}
	ids := []string{"flag.test", "found.test", "free.test", "page.test"}
	var all sync.WaitGroup
	for n := range 40 {
		all.Go(func() {
			for i := range 25 {
				var tokens []string
				for j, id := range ids {
					if (n+i)>>j&1 == 1 {
						tokens = append(tokens, `"`+id+`":"a"`)
					}
				}
				user := fmt.Sprintf("80000000000000000%d", i%3)
				a, err := v.asks(t, n*25+i, false, user, "{"+strings.Join(tokens, ",")+"}")
				if err != nil && !isLimited(err) || err == nil && len(a.Results) != len(tokens) {
					t.Errorf("got %+v, %v; want %d results", a, err, len(tokens))
				}
				v.HearVote(v.list(t, "flag.test"), lists.Event{BotID: firstBot, UserID: user})
				v.Advance(time.Second)
			}
		})
	}
	all.Wait()
}

// TestVoteChecksRunToTheirEnd has a caller leave: what the list says is there for
// the next.
func TestVoteChecksRunToTheirEnd(t *testing.T) {
	t.Parallel()
	v := newVoting(t, nil)
	ctx, leave := context.WithCancel(t.Context())
	v.answer = func(lists.Call) lists.Answer {
		leave()
		return lists.NewAnswer(200, nil, []byte(`{"voted":true}`))
	}
	request := aggregate.VoteRequest{BotID: firstBot, UserID: someUser, Tokens: named("flag.test=a")}
	if _, err := v.Vote(ctx, request, caller(1)); err != nil {
		t.Fatal(err)
	}
	if got, asked := v.mustAsk(t, 2, false, someUser, `{"flag.test":"a"}`); got != said(true, `"flag.test":{"voted":true}`) || asked != "" {
		t.Errorf("got %s, asked %q", got, asked)
	}
}

package lists

import (
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// votesURL is where an invented list is asked about a user.
const votesURL = "https://list.test/:id/votes?user=:user"

// mustVote plans a vote check of an entry.
func mustVote(t testing.TB, e VotesEntry, key Token) VoteCall {
	t.Helper()
	if e.URL == "" {
		e.URL = votesURL
	}
	call, skip := mustList(t, "list.test", Entry{Votes: &e}).PlanVote(someBot, someUser, key, someAgent)
	if skip != nil {
		t.Fatalf("skipped: %s", skip)
	}
	return call
}

// TestReadVote has what an answer says of a user.
func TestReadVote(t *testing.T) {
	t.Parallel()
	var (
		flag     = VotesEntry{Voted: "voted", VotedAt: Times{{Path: "at"}}, Window: "12h"}
		success  = VotesEntry{Voted: "success"}
		found    = VotesEntry{Found: "ends", NotVoted: []int{404}, Until: Times{{Path: "ends"}}, Weight: "weight"}
		during   = VotesEntry{Voted: "voted", While: "wait", Until: Times{{Path: "wait", Unit: "left"}}}
		quarter  = VotesEntry{Voted: "liked", VotedAt: Times{{Path: "time", Unit: "http"}}, Window: "quarter"}
		several  = VotesEntry{Voted: "voted", VotedAt: Times{{Path: "votes[].at", Unit: "unix"}}}
		ids      = VotesEntry{Voters: &VotersEntry{In: "votes.today"}, Window: "24h"}
		bare     = VotesEntry{Voters: &VotersEntry{}}
		voters   = VotesEntry{Voters: &VotersEntry{In: "votes", User: "user.id", Time: &TimeAt{Path: "at", Unit: "unix"}, Newest: 2}, Window: "12h"}
		timeless = VotesEntry{Voters: &VotersEntry{In: "votes", User: "id", Newest: 2}, Window: "12h"}
	)
	at := someTime.Add(-time.Hour)
	const iso = `"2026-11-25T09:00:00Z"`
	item := func(user string, age time.Duration) string {
		return fmt.Sprintf(`{"user":{"id":%q},"at":%d}`, user, someTime.Add(-age).Unix())
	}
	const other, third = "900000000000000303", "900000000000000404"
	for _, tt := range []struct {
		name   string
		entry  VotesEntry
		status int
		body   string
		want   Vote
		why    string // why it is not as documented; "" for a vote
	}{
		{"yes", flag, 200, `{"voted":true,"at":` + iso + `}`, Vote{Voted: true, At: at, Until: at.Add(12 * time.Hour)}, ""},
		{"yes, as 1", flag, 200, `{"voted":1}`, Vote{Voted: true}, ""},
		{"no", flag, 200, `{"voted":false,"at":null}`, Vote{}, ""},
		{"no, as 0", flag, 200, `{"voted":0}`, Vote{}, ""},
		{"no, after an earlier vote", flag, 200, `{"voted":false,"at":"2026-11-20T09:00:00Z"}`,
			Vote{At: time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC), Until: time.Date(2026, 11, 20, 21, 0, 0, 0, time.UTC)}, ""},
		{"no, with a time that would count", flag, 200, `{"voted":false,"at":` + iso + `}`, Vote{At: at}, ""},
		{"yes, but it is over", flag, 200, `{"voted":true,"at":"2026-11-24T22:00:00Z"}`,
			Vote{At: time.Date(2026, 11, 24, 22, 0, 0, 0, time.UTC), Until: someTime}, ""},
		{"a flag in a word", flag, 200, `{"voted":"yes"}`, Vote{}, `voted is "yes", want true or false`},
		{"a flag of another number", flag, 200, `{"voted":2}`, Vote{}, `voted is 2, want true or false`},
		{"null for a flag", flag, 200, `{"voted":null}`, Vote{}, `voted is null, want true or false`},
		{"no flag", flag, 200, `{"has_voted":true}`, Vote{}, `voted is missing`},
		{"a time in a word", flag, 200, `{"voted":true,"at":"today"}`, Vote{}, `at is "today", want ISO 8601`},
		{"no JSON", flag, 200, `true!`, Vote{}, `the answer is not JSON`},
		{"a page", flag, 200, `<html>`, Vote{}, `the answer is an HTML page`},
		{"empty", flag, 200, ``, Vote{}, `the answer is not JSON`},
		{"another status of success", flag, 204, ``, Vote{}, `the status is 204, want 200`},
		{"not found", flag, 404, `{"error":"no such bot"}`, Vote{}, `the status is 404, want 200`},
		{"refused", flag, 401, `{"voted":true}`, Vote{}, `the status is 401, want 200`},
		{"it says that it failed", flag, 200, `{"voted":false,"success":false}`, Vote{}, `the flag success is false`},
		{"it says that there is an error", flag, 200, `{"voted":false,"error":"oops"}`, Vote{}, `the field error is "oops"`},
		{"success is the answer no", success, 200, `{"success":false}`, Vote{}, ""},
		{"success is the answer yes", success, 200, `{"success":true}`, Vote{Voted: true}, ""},
		{"success is the answer, with an error", success, 200, `{"success":false,"error":"oops"}`, Vote{}, `the field error is "oops"`},

		{"found", found, 200, `{"ends":"2026-11-25T12:00:00Z","weight":2}`, Vote{Voted: true, Until: someTime.Add(2 * time.Hour), Weight: 2}, ""},
		{"found, without a weight", found, 200, `{"ends":"2026-11-25T12:00:00Z","weight":null}`, Vote{Voted: true, Until: someTime.Add(2 * time.Hour)}, ""},
		{"found, but over", found, 200, `{"ends":"2026-11-25T09:00:00Z","weight":2}`, Vote{Until: at}, ""},
		{"a status that means no", found, 404, `{"title":"Not Found"}`, Vote{}, ""},
		{"a page with a status that means no", found, 404, `<!doctype html>`, Vote{}, `the answer is an HTML page`},
		{"an object without what is found", found, 200, `{}`, Vote{}, `ends is missing`},
		{"found null", found, 200, `{"ends":null}`, Vote{}, `ends is missing`},
		{"a weight in a word", found, 200, `{"ends":"2026-11-25T12:00:00Z","weight":"x"}`, Vote{}, `weight is "x", want a whole number`},

		{"while it counts", during, 200, `{"voted":true,"wait":{"hours":1,"minutes":2,"seconds":3}}`, Vote{Voted: true, Until: someTime.Add(time.Hour + 2*time.Minute + 3*time.Second)}, ""},
		{"ever, but not now", during, 200, `{"voted":true,"wait":null}`, Vote{}, ""},
		{"nothing left", during, 200, `{"voted":true,"wait":{"hours":0,"minutes":0,"seconds":0}}`, Vote{Until: someTime}, ""},
		{"left in a word", during, 200, `{"voted":true,"wait":"soon"}`, Vote{}, `wait is "soon", want hours, minutes and seconds left`},

		{"this quarter", quarter, 200, `{"liked":true,"time":"Wed, 07 Oct 2026 01:19:38 GMT"}`,
			Vote{Voted: true, At: time.Date(2026, 10, 7, 1, 19, 38, 0, time.UTC), Until: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)}, ""},
		{"this quarter, at a time that is not told", quarter, 200, `{"liked":true,"time":null}`, Vote{Voted: true, Until: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)}, ""},
		{"the quarter before", quarter, 200, `{"liked":true,"time":"Wed, 30 Sep 2026 23:59:59 GMT"}`,
			Vote{At: time.Date(2026, 9, 30, 23, 59, 59, 0, time.UTC), Until: time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)}, ""},
		{"not this quarter", quarter, 200, `{"liked":false,"time":null}`, Vote{}, ""},
		{"the latest of several times", several, 200, `{"voted":true,"votes":[{"at":1795500000},{"at":1795590000},{"at":1795400000}]}`, Vote{Voted: true, At: time.Unix(1795590000, 0).UTC()}, ""},
		{"none of several times", several, 200, `{"voted":true,"votes":[]}`, Vote{Voted: true}, ""},

		{"among ids", ids, 200, `{"votes":{"today":["` + other + `","` + someUser + `"]}}`, Vote{Voted: true}, ""},
		{"among ids that are numbers", ids, 200, `{"votes":{"today":[` + someUser + `]}}`, Vote{Voted: true}, ""},
		{"not among ids", ids, 200, `{"votes":{"today":["` + other + `"]}}`, Vote{}, ""},
		{"no ids at all", ids, 200, `{"votes":{"today":[]}}`, Vote{}, ""},
		{"no array", ids, 200, `{"votes":{}}`, Vote{}, `votes.today is not an array`},
		{"an array of something else", ids, 200, `{"votes":{"today":[{"id":"` + someUser + `"}]}}`, Vote{}, `no item of votes.today holds the id of a user`},
		{"the answer is the array", bare, 200, `["` + someUser + `"]`, Vote{Voted: true}, ""},
		{"the answer is no array", bare, 200, `{}`, Vote{}, `the answer is not an array`},

		{"among voters", voters, 200, `{"votes":[` + item(someUser, time.Hour) + `]}`, Vote{Voted: true, At: at, Until: at.Add(12 * time.Hour)}, ""},
		{"among voters, twice", voters, 200, `{"votes":[` + item(someUser, 30*time.Hour) + `,` + item(someUser, time.Hour) + `]}`, Vote{Voted: true, At: at, Until: at.Add(12 * time.Hour)}, ""},
		{"among voters, but over", voters, 200, `{"votes":[` + item(someUser, 13*time.Hour) + `]}`, Vote{At: someTime.Add(-13 * time.Hour), Until: someTime.Add(-time.Hour)}, ""},
		{"not among few voters", voters, 200, `{"votes":[` + item(other, time.Hour) + `]}`, Vote{}, ""},
		{"not on a full page that reaches back", voters, 200, `{"votes":[` + item(other, time.Hour) + `,` + item(third, 12*time.Hour) + `]}`, Vote{}, ""},
		{"not on a full page that does not", voters, 200, `{"votes":[` + item(other, time.Hour) + `,` + item(third, 11*time.Hour) + `]}`, Vote{},
			"the list shows its newest 2 voters only, and the oldest of them voted inside the window: the user may have voted before"},
		{"on a full page", voters, 200, `{"votes":[` + item(someUser, time.Hour) + `,` + item(third, 11*time.Hour) + `]}`, Vote{Voted: true, At: at, Until: at.Add(12 * time.Hour)}, ""},
		{"not on a full page of voters one of whom has no time", voters, 200, `{"votes":[` + item(other, 30*time.Hour) + `,{"user":{"id":"` + third + `"}}]}`, Vote{},
			"the list shows its newest 2 voters only, and the oldest of them voted inside the window: the user may have voted before"},
		{"not on a full page without times", timeless, 200, `{"votes":[{"id":"1"},{"id":"2"}]}`, Vote{},
			"the list shows its newest 2 voters only, and the oldest of them voted inside the window: the user may have voted before"},
		{"a voter without an id", voters, 200, `{"votes":[{"user":null},` + item(someUser, time.Hour) + `]}`, Vote{Voted: true, At: at, Until: at.Add(12 * time.Hour)}, ""},
		{"a voter's time in a word", voters, 200, `{"votes":[{"user":{"id":"1"},"at":"now"}]}`, Vote{}, `at is "now", want Unix time`},
	} {
		got := mustVote(t, tt.entry, Token{}).Read(NewAnswer(tt.status, nil, []byte(tt.body)), someUser, someTime)
		if got.Why != tt.why || got.OK != (tt.why == "") || got.Status != tt.status {
			t.Errorf("%s: status %d, ok %t, why %q; want %q", tt.name, got.Status, got.OK, got.Why, tt.why)
		}
		if got.Verdict = (Verdict{}); got != tt.want {
			t.Errorf("%s: got %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

// TestVoteText has what people read of an answer that is not as documented.
func TestVoteText(t *testing.T) {
	t.Parallel()
	const key = "s3cret-key"
	flag := VotesEntry{Auth: &AuthEntry{}, Voted: "voted"}
	full := VotesEntry{Auth: &AuthEntry{}, URL: "https://list.test/:id", Voters: &VotersEntry{Newest: 1}}
	long := `"` + strings.Repeat("é", maxVoteText) + `"`
	for _, tt := range []struct {
		name   string
		entry  VotesEntry
		answer Answer
		want   string
	}{
		{"the list's words", flag, Answer{Status: 401, Body: []byte("Unauthorized")}, "Unauthorized"},
		{"without the key", flag, Answer{Status: 403, Body: []byte("bad key " + key)}, "bad key ***"},
		{"without the key, of what is no flag", flag, Answer{Status: 200, Body: []byte(`{"voted":"` + key + `"}`)}, `{"voted":"***"}`},
		{"no answer", flag, Answer{Status: NoAnswer, Reason: "no such host"}, "no such host"},
		{"a long answer", flag, Answer{Status: 500, Body: []byte(long)}, long[:maxVoteText-1] + "…"},
		{"a page of the newest", full, Answer{Status: 200, Body: []byte(`["1"]`)},
			"the list shows its newest 1 voters only, and the oldest of them voted inside the window: the user may have voted before"},
	} {
		got := mustVote(t, tt.entry, NewToken(key, "")).Read(tt.answer, someUser, someTime)
		if got.OK || got.Text != tt.want {
			t.Errorf("%s: ok %t, %q; want %q", tt.name, got.OK, got.Text, tt.want)
		}
		if strings.Contains(got.Why, key) {
			t.Errorf("%s: the reason holds the key: %s", tt.name, got.Why)
		}
	}
}

// TestJudgeVotes has that an answer is good whatever it says of the user.
func TestJudgeVotes(t *testing.T) {
	t.Parallel()
	full := VotesEntry{Auth: &AuthEntry{}, URL: "https://list.test/:id", Voters: &VotersEntry{Newest: 1}, NotVoted: []int{403}}
	for _, tt := range []struct {
		status  int
		body    string
		ok      bool
		refused bool
	}{
		{200, `["1"]`, true, false}, {200, `[]`, true, false}, {200, `{}`, false, false}, {403, `{}`, true, false}, {401, `{}`, false, true}, {500, ``, false, false},
	} {
		v := mustVote(t, full, NewToken("key", "")).Judge(Answer{Status: tt.status, Body: []byte(tt.body)})
		if v.OK != tt.ok || v.TokenRefused != tt.refused {
			t.Errorf("%d %s: %+v, want ok %t, refused %t", tt.status, tt.body, v, tt.ok, tt.refused)
		}
	}
}

// TestPlanVote has what a list is sent, and when it is not asked.
func TestPlanVote(t *testing.T) {
	t.Parallel()
	votes := func(e VotesEntry) Entry {
		if e.Voted == "" {
			e.Voted = "voted"
		}
		return Entry{Votes: &e}
	}
	agent := Header{"User-Agent", someAgent}
	const url = "https://list.test/" + someBot + "/votes?user=" + someUser
	for _, tt := range []struct {
		name  string
		entry Entry
		key   Token
		want  Request
		skip  string
	}{
		{"without a key", votes(VotesEntry{URL: votesURL}), Token{}, Request{Method: "GET", URL: url, Header: []Header{agent}}, ""},
		{"a key that it does not need", votes(VotesEntry{URL: votesURL}), NewToken("key", ""), Request{Method: "GET", URL: url, Header: []Header{agent}}, ""},
		{"with a key", votes(VotesEntry{URL: votesURL, Auth: &AuthEntry{Prefix: "Bearer "}}), NewToken("key", ""), Request{Method: "GET", URL: url, Header: []Header{{"Authorization", "Bearer key"}, agent}}, ""},
		{"with a key in the query", votes(VotesEntry{URL: votesURL, Auth: &AuthEntry{In: "query", Name: "k"}}), NewToken("key", ""), Request{Method: "GET", URL: url + "&k=key", Header: []Header{agent}}, ""},
		{"without the key it needs", votes(VotesEntry{URL: votesURL, Auth: &AuthEntry{}}), Token{}, Request{}, "No key"},
		{"with headers", votes(VotesEntry{URL: "https://list.test/:id", Headers: map[string]string{"X-User": ":user", "x-bot": ":id"}}), Token{},
			Request{Method: "GET", URL: "https://list.test/" + someBot, Header: []Header{{"X-User", someUser}, {"X-Bot", someBot}, agent}}, ""},
		{"with the list's number", votes(VotesEntry{URL: "https://list.test/:list_bot_id/:user", Auth: &AuthEntry{}}), NewToken("42:key", ""),
			Request{Method: "GET", URL: "https://list.test/42/" + someUser, Header: []Header{{"Authorization", "key"}, agent}}, ""},
		{"without the list's number", votes(VotesEntry{URL: "https://list.test/:list_bot_id/:user", Auth: &AuthEntry{}}), NewToken("key", ""), Request{},
			`Bad token: list.test numbers bots itself; send "NUMBER:token" or {"token": "token", "bot_id": "NUMBER"} with its number of your bot`},
		{"no part", Entry{}, Token{}, Request{}, "No votes API"},
		{"defunct", Entry{Defunct: true, Votes: &VotesEntry{URL: votesURL, Voted: "voted"}}, Token{}, Request{}, "Defunct"},
	} {
		call, skip := mustList(t, "list.test", tt.entry).PlanVote(someBot, someUser, tt.key, someAgent)
		if skip != nil {
			if skip.String() != tt.skip {
				t.Errorf("%s: skipped: %q, want %q", tt.name, skip, tt.skip)
			}
			continue
		}
		if got := call.Wire(); tt.skip != "" || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: got %+v, want %+v, skip %q", tt.name, got, tt.want, tt.skip)
		}
		if call.Op() != Votes || call.BotID() != someBot || call.Size() != 0 || call.Sent() != "" {
			t.Errorf("%s: of %s, bot %s, size %d, sent %q", tt.name, call.Op().Name, call.BotID(), call.Size(), call.Sent())
		}
	}
}

// TestListsVoters has which answers serve every user.
func TestListsVoters(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		entry VotesEntry
		want  bool
	}{
		{"one user", VotesEntry{Voted: "voted"}, false},
		{"voters", VotesEntry{URL: "https://list.test/:id", Voters: &VotersEntry{}}, true},
		{"voters near a user", VotesEntry{URL: "https://list.test/:id/:user", Voters: &VotersEntry{}}, false},
	} {
		call := mustVote(t, tt.entry, Token{})
		if got := call.ListsVoters(); got != tt.want {
			t.Errorf("%s: %t, want %t", tt.name, got, tt.want)
		}
		if tt.want {
			a := NewAnswer(200, nil, []byte(`["1","900000000000000303"]`))
			if v := call.Read(a, "900000000000000303", someTime); !v.Voted {
				t.Errorf("%s: another user has not voted: %+v", tt.name, v)
			}
		}
	}
}

// TestVotesOtherwise has a list that takes tokens of two kinds.
func TestVotesOtherwise(t *testing.T) {
	t.Parallel()
	limits := []LimitEntry{{Per: "token", Requests: 2, Seconds: 60}}
	first := mustVote(t, VotesEntry{
		URL: "https://list.test/v1/@me/:user", Auth: &AuthEntry{Prefix: "Bearer "}, Found: "ends", NotVoted: []int{404}, Limits: limits,
		Otherwise: &VotesOtherwise{On: []int{401}, VotesEntry: VotesEntry{URL: votesURL, Auth: &AuthEntry{}, Voted: "voted"}},
	}, NewToken("key", ""))
	if !first.HasOtherwise() || !first.IsOtherwise(Answer{Status: 401}) || first.IsOtherwise(Answer{Status: 404}) {
		t.Error("the second way is not for status 401 alone")
	}
	second, ok := first.Otherwise()
	if !ok {
		t.Fatal("there is no second way, want one")
	}
	want := Request{Method: http.MethodGet, URL: "https://list.test/" + someBot + "/votes?user=" + someUser, Header: []Header{{"Authorization", "key"}, {"User-Agent", someAgent}}}
	if got := second.Wire(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if _, ok := second.Otherwise(); ok || second.HasOtherwise() {
		t.Error("there is a third way, want none")
	}
	if !slices.Equal(first.Limits(), second.Limits()) || len(first.Limits()) != 1 {
		t.Errorf("limits %v and %v, want one for both", first.Limits(), second.Limits())
	}
	a := NewAnswer(200, nil, []byte(`{"voted":true}`))
	if v := first.Read(a, someUser, someTime); v.OK {
		t.Errorf("an answer of the second way to the first: %+v", v)
	}
	a.Otherwise = true
	for name, call := range map[string]VoteCall{"first": first, "second": {second}} {
		if v := call.Read(a, someUser, someTime); !v.OK || !v.Voted {
			t.Errorf("an answer in the second way, read by the %s call: %+v", name, v)
		}
	}
}

// TestVotesHiding has that an answer does not show further secrets.
func TestVotesHiding(t *testing.T) {
	t.Parallel()
	call := mustVote(t, VotesEntry{Voted: "voted"}, Token{}).Hiding(NewMasker(NewToken("an0ther-s3cret", "")))
	if v := call.Read(Answer{Status: 500, Body: []byte("an0ther-s3cret")}, someUser, someTime); v.Text != Mask {
		t.Errorf("text %q, want %q", v.Text, Mask)
	}
}

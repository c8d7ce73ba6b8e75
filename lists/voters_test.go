package lists

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// votersCall is a call to a list that lists its voters.
func votersCall(t testing.TB, voters VotersEntry) VoteCall {
	t.Helper()
	l := mustList(t, "list.test", Entry{Votes: &VotesEntry{URL: "https://list.test/:id", Voters: &voters, Window: "12h", NotVoted: []int{404}}})
	call, skip := l.PlanVote(someBot, someUser, Token{}, someAgent)
	if skip != nil || !call.ListsVoters() {
		t.Fatalf("skipped %v, lists voters %t", skip, call.ListsVoters())
	}
	return call
}

// TestReadVoters has a list of voters say the same of each user as the answer
// does that it was read from.
func TestReadVoters(t *testing.T) {
	t.Parallel()
	timed := VotersEntry{In: "votes", User: "id", Time: &TimeAt{Path: "at"}, Newest: 3}
	const (
		first, second, third = "100000000000000001", "18446744073709551615", "99999999999999999999"
		at                   = `"at":"2026-11-25T09:46:40.5Z"`
		later                = `"at":"2026-11-25T10:46:40Z"`
	)
	for _, tt := range []struct {
		name   string
		entry  VotersEntry
		status int
		body   string
		voted  string // those of the users above who have voted
		at     string // when the first of them did
		bytes  int
	}{
		{"none", timed, 200, `{"votes":[]}`, "", "", 0},
		{"a status that means no", timed, 404, `{}`, "", "", 0},
		{"one", timed, 200, `{"votes":[{"id":"` + first + `",` + at + `}]}`, first, "2026-11-25T09:46:40.5Z", 16},
		{"the latest of two", timed, 200, `{"votes":[{"id":"` + first + `",` + at + `},{"id":"` + first + `",` + later + `}]}`, first, "2026-11-25T10:46:40Z", 32},
		{"one that does not say when", timed, 200, `{"votes":[{"id":` + first + `}]}`, first, "", 16},
		{"the largest id there is", timed, 200, `{"votes":[{"id":` + second + `,` + at + `}]}`, second, "2026-11-25T09:46:40.5Z", 16},
		{"what is larger", VotersEntry{}, 200, `["` + third + `"]`, "", "", 0},
		{"ids alone", VotersEntry{}, 200, `["` + second + `",` + first + `,"` + first + `"]`, first + " " + second, "", 48},
		{"what is no id beside one", VotersEntry{}, 200, `["` + first + `",1,"x",null]`, first, "", 16},
		{"through an array", VotersEntry{In: "pages[].votes", User: "user.id"}, 200, `{"pages":[{"votes":[{"user":{"id":"` + first + `"}}]}]}`, first, "", 16},
	} {
		call := votersCall(t, tt.entry)
		for _, a := range []Answer{NewAnswer(tt.status, nil, []byte(tt.body)), {Status: tt.status, Body: []byte(tt.body)}} {
			v := call.ReadVoters(a)
			if !v.OK || v.Size() != tt.bytes {
				t.Errorf("%s: got OK %t (%s), %d bytes; want %d bytes", tt.name, v.OK, v.Why, v.Size(), tt.bytes)
			}
			var voted []string
			for _, user := range []string{first, second, third} {
				got, want := v.Vote(user, someTime), call.Read(a, user, someTime)
				if want.Text = ""; got != want {
					t.Errorf("%s: of %s got %+v, want %+v as the answer says", tt.name, user, got, want)
				}
				if !got.At.IsZero() && got.At.Format(time.RFC3339Nano) != tt.at {
					t.Errorf("%s: %s voted at %s, want %s", tt.name, user, got.At, tt.at)
				}
				if got.Voted {
					voted = append(voted, user)
				}
			}
			if got := strings.Join(voted, " "); got != tt.voted {
				t.Errorf("%s: voted %q, want %q", tt.name, got, tt.voted)
			}
		}
	}
}

// TestReadVotersRefuses has answers that are no list of voters.
func TestReadVotersRefuses(t *testing.T) {
	t.Parallel()
	call := votersCall(t, VotersEntry{In: "votes", User: "id", Time: &TimeAt{Path: "at"}})
	for body, why := range map[string]string{
		`{}`:                               "votes is not an array",
		`{"votes":{}}`:                     "votes is not an array",
		`{"votes":[{"user":1}]}`:           "no item of votes holds the id of a user",
		`{"votes":[{"id":1,"at":"soon"}]}`: `at is "soon", want ISO 8601`,
		`{"error":"x"}`:                    `the field error is "x"`,
		`[`:                                "the answer is not JSON",
	} {
		v := call.ReadVoters(NewAnswer(200, nil, []byte(body)))
		vote := v.Vote(someUser, someTime)
		if v.OK || v.Why != why || vote.OK || vote.Text != body || v.Size() != 0 {
			t.Errorf("%s: got OK %t, %q, a vote of %+v; want %q", body, v.OK, v.Why, vote, why)
		}
	}
}

// TestTokenInALongAnswerIsHidden has a token stand where the text that is shown
// ends.
func TestTokenInALongAnswerIsHidden(t *testing.T) {
	t.Parallel()
	l := mustList(t, "list.test", Entry{Votes: &VotesEntry{URL: votesURL, Auth: &AuthEntry{}, Voted: "voted"}})
	secret := strings.Repeat("s3cret/", 40)
	call, _ := l.PlanVote(someBot, someUser, NewToken(secret, ""), someAgent)
	for before := maxVoteText - 2*len(secret); before < maxVoteText+10; before++ {
		body := strings.Repeat("x", before) + secret + strings.Repeat("y", 100<<10)
		if v := call.Read(NewAnswer(401, nil, []byte(body)), someUser, someTime); strings.Contains(v.Text, "s3cret") || len(v.Text) > maxVoteText+3 {
			t.Fatalf("with %d bytes before it: %d bytes, that end with %s", before, len(v.Text), v.Text[len(v.Text)-300:])
		}
	}
}

// BenchmarkReadVoters reads a list of voters of nearly 4 MiB, and looks for one.
func BenchmarkReadVoters(b *testing.B) {
	call := votersCall(b, VotersEntry{In: "votes", User: "id", Time: &TimeAt{Path: "at"}})
	var body strings.Builder
	body.WriteString(`{"votes":[`)
	for n := range 38_000 {
		fmt.Fprintf(&body, `{"id":"1000000000000%05d","at":"2026-11-22T11:00:00Z","name":"someone else","avatar":"a_0123456789"},`, n)
	}
	body.WriteString(`{"id":"` + someUser + `","at":"2026-11-22T11:00:00Z"}]}`)
	text := []byte(body.String())
	for _, name := range []string{"read", "look"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(text)))
			v := call.ReadVoters(NewAnswer(200, nil, text))
			for b.Loop() {
				if name == "read" {
					v = call.ReadVoters(NewAnswer(200, nil, text))
				}
				if vote := v.Vote(someUser, someTime); !vote.OK {
					b.Fatal(vote.Why)
				}
			}
		})
	}
}

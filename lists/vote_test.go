package lists

import (
	"testing"
	"time"
)

// votesURL is where an invented list is asked about a user.
const votesURL = "https://list.test/:id/votes?user=:user"

// TestReadVote has what an answer says of a user.
func TestReadVote(t *testing.T) {
	t.Parallel()
	voted := VotesEntry{Voted: "voted", VotedAt: Times{{Path: "at"}}, Window: "12h"}
	for _, tt := range []struct {
		name   string
		entry  VotesEntry
		status int
		body   string
		want   Vote
	}{
		{"yes", voted, 200, `{"voted":true}`, Vote{Voted: true}},
		{"1 is a yes", voted, 200, `{"voted":1}`, Vote{Voted: true}},
		{"no", voted, 200, `{"voted":false,"at":null}`, Vote{}},
		{"iso", VotesEntry{Voted: "voted", VotedAt: Times{{Path: "at", Unit: "iso"}}}, 200, `{"voted":true,"at":"2026-11-25T09:46:40.000Z"}`,
			Vote{Voted: true, At: time.Date(2026, 11, 25, 9, 46, 40, 0, time.UTC)}},
		{"http date", VotesEntry{Voted: "voted", VotedAt: Times{{Path: "at", Unit: "http"}}}, 200, `{"voted":true,"at":"Wed, 25 Nov 2026 09:46:40 GMT"}`,
			Vote{Voted: true, At: time.Date(2026, 11, 25, 9, 46, 40, 0, time.UTC)}},
		{"left", VotesEntry{Voted: "voted", Until: Times{{Path: "wait", Unit: "left"}}}, 200, `{"voted":true,"wait":{"hours":1,"minutes":2,"seconds":3}}`,
			Vote{Voted: true, Until: someTime.Add(time.Hour + 2*time.Minute + 3*time.Second)}},
	} {
		tt.entry.URL = votesURL
		l := mustList(t, "list.test", Entry{Votes: &tt.entry})
		call, skip := l.PlanVote(someBot, someUser, Token{}, someAgent)
		if skip != nil {
			t.Fatalf("%s: skipped: %v", tt.name, skip)
		}
		got := call.Read(NewAnswer(tt.status, nil, []byte(tt.body)), someUser, someTime)
		if !got.OK {
			t.Errorf("%s: not as documented: %s", tt.name, got.Why)
		}
		if got.Verdict = (Verdict{}); got != tt.want {
			t.Errorf("%s: got %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

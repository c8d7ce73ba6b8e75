package agent

import (
	"strings"
	"testing"
	"time"
)

const votingBot = `bots: {"123456789012345678": {key: a key of twenty characters, notify: "https://me.example/n", ` +
	`votes: {secrets: {other.example: a secret of the list}, send_to: {url: "https://bot.example/votes", secret: what signs our votes}}}}` + "\n"

// TestVotesThatFail plays an endpoint that fails and votes that are refused, and
// looks at what is said.
func TestVotesThatFail(t *testing.T) {
	w := newWorld(t, votingBot)
	a := w.agent()
	b := w.bots.Current().Bot(testBot)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(a.VotesTaken(t.Context(), b)) // nothing was wrong
	must(a.VotesFailing(t.Context(), b, noon.Add(-time.Hour), "500 Internal Server Error"))
	must(a.VotesFailing(t.Context(), b, noon.Add(-time.Hour), "500 Internal Server Error")) // once is enough
	must(a.VotesRefused(t.Context(), b, "other.example", noon.Add(-time.Minute), "the store was away"))
	w.run(noon.Add(20*time.Minute), a)
	must(a.VotesTaken(t.Context(), b))
	must(a.VotesAccepted(t.Context(), b, "other.example"))
	w.run(noon.Add(40*time.Minute), a)
	want := []string{
		`"problems":[{"what":"votes_failing","list":null,"since":"` + noon.Add(-time.Hour).Format(time.RFC3339) + `","text":"Votes cannot be delivered: 500 Internal Server Error"},` +
			`{"what":"votes_failing","list":"other.example","since":"` + noon.Add(-time.Minute).Format(time.RFC3339) + `","text":"Votes of other.example were not taken in, and may be lost: the store was away"}],"solved":[]`,
		`"problems":[],"solved":[{"what":"votes_failing","list":null,"since":"` + noon.Add(-time.Hour).Format(time.RFC3339) + `","text":"Votes are delivered again"},`,
	}
	if len(w.letters) != len(want) {
		t.Fatalf("%d letters, want %d: %+v", len(w.letters), len(want), w.letters)
	}
	for i, part := range want {
		if !strings.Contains(w.letters[i].body, part) {
			t.Errorf("letter %d is\n%s\nwant in it\n%s", i, w.letters[i].body, part)
		}
	}
	// Where the file has no votes any more there is nothing to say of them.
	must(a.VotesFailing(t.Context(), b, noon, "500"))
	w.reload(strings.Replace(votingBot, "votes: {", "votes: {secrets: {}} } }\n#", 1))
	w.run(noon.Add(80*time.Minute), a)
	k, err := a.load(t.Context(), w.bots.Current().Bot(testBot))
	must(err)
	must(a.change(t.Context(), k, func(*record) {}))
	if k.News.is(votesFailing, "") {
		t.Errorf("votes still fail of a bot without an endpoint: %+v", k.News)
	}
}

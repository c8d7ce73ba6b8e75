package lists

import "testing"

// TestSupports has which operations a list is asked for.
func TestSupports(t *testing.T) {
	t.Parallel()
	const url = "https://list.test/:id"
	for _, tt := range []struct {
		name  string
		entry Entry
		want  map[Op]bool
	}{
		{"nothing", Entry{}, nil},
		{"posts", Entry{APIPost: url}, map[Op]bool{Posts: true}},
		{"readings", Entry{APIGet: url}, map[Op]bool{Readings: true}},
		{"votes", Entry{Votes: &VotesEntry{URL: votesURL, Voted: "voted"}}, map[Op]bool{Votes: true}},
		{"both", Entry{APIPost: url, APIGet: url}, map[Op]bool{Posts: true, Readings: true}},
		{"defunct", Entry{APIPost: url, APIGet: url, Defunct: true}, nil},
	} {
		l := mustList(t, "list.test", tt.entry)
		for _, op := range Ops() {
			if got := l.Supports(op); got != tt.want[op] {
				t.Errorf("%s: supports %s: %t, want %t", tt.name, op.Name, got, tt.want[op])
			}
		}
	}
}

// TestMayRepeat has which calls may be sent twice: a list with limits counts
// both.
func TestMayRepeat(t *testing.T) {
	t.Parallel()
	const url = "https://list.test/:id"
	for _, tt := range []struct {
		name           string
		limits         []LimitEntry
		posts, reading bool
	}{
		{"no limits", nil, true, true},
		{"per token", []LimitEntry{{PerToken, 1, 60}}, false, true},
		{"per address", []LimitEntry{{PerAddress, 1, 60}}, false, false},
	} {
		l := mustList(t, "list.test", Entry{APIGet: url, Post: &PostEntry{URL: url, Limits: tt.limits}})
		post, _ := l.PlanPost(Count{BotID: someBot}, NewToken("tok", ""), someAgent)
		reading, _ := l.PlanRead(someBot, Token{}, someAgent)
		if post.MayRepeat() != tt.posts || reading.MayRepeat() != tt.reading {
			t.Errorf("%s: a post %t, a reading %t; want %t, %t", tt.name, post.MayRepeat(), reading.MayRepeat(), tt.posts, tt.reading)
		}
	}
}

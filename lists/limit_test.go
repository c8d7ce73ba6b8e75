package lists

import (
	"slices"
	"testing"
	"time"
)

// TestLimits has which of a list's own limits a call counts for.
func TestLimits(t *testing.T) {
	t.Parallel()
	const url = "https://list.test/:id"
	post := []LimitEntry{{PerToken, 1, 60}, {PerAddress, 10, 60}, {PerBot, 1, 21600}}
	get := []LimitEntry{{PerAddress, 5, 1}}
	token := Limit{Op: Posts, Per: PerToken, Requests: 1, Interval: time.Minute}
	address := Limit{Op: Posts, Per: PerAddress, Requests: 10, Interval: time.Minute}
	bot := Limit{Op: Posts, Per: PerBot, Requests: 1, Interval: 6 * time.Hour}
	reads := Limit{Op: Readings, Per: PerAddress, Requests: 5, Interval: time.Second}
	for _, tt := range []struct {
		name            string
		entry           Entry
		posts, readings []Limit
	}{
		{"none", Entry{APIPost: url, APIGet: url}, nil, nil},
		{"of posts", Entry{APIGet: url, Post: &PostEntry{URL: url, Limits: post}}, []Limit{token, address, bot}, []Limit{address}},
		{"of readings", Entry{APIPost: url, Get: &GetEntry{URL: url, Limits: get}}, nil, []Limit{reads}},
		{"of both", Entry{Post: &PostEntry{URL: url, Limits: post}, Get: &GetEntry{URL: url, Limits: get}}, []Limit{token, address, bot}, []Limit{address, reads}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := mustList(t, "list.test", tt.entry)
			for range 2 { // asking leaves no trace
				p, _ := l.PlanPost(Count{BotID: someBot}, NewToken("tok", ""), someAgent)
				if got := p.Limits(); !slices.Equal(got, tt.posts) {
					t.Errorf("a post: %+v, want %+v", got, tt.posts)
				}
				g, _ := l.PlanRead(someBot, Token{}, someAgent)
				if got := g.Limits(); !slices.Equal(got, tt.readings) {
					t.Errorf("a reading: %+v, want %+v", got, tt.readings)
				}
			}
		})
	}
	l := mustList(t, "list.test", Entry{APIGet: url})
	if g, _ := l.PlanRead(someBot, Token{}, someAgent); g.Limits() != nil {
		t.Errorf("a list that takes no counts limits readings: %+v", g.Limits())
	}
}

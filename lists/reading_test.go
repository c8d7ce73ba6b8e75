package lists

import "testing"

// TestReadingTells holds what a reading says of one list's answer, beside what
// is merged.
func TestReadingTells(t *testing.T) {
	t.Parallel()
	ok := func(body string) Answer { return Answer{Status: 200, Body: []byte(body)} }
	for _, tt := range []struct {
		name   string
		get    *GetEntry
		answer Answer
		want   Reading
	}{
		{"a count", nil, ok(`{"name":"a","count":5}`), Reading{Found: true, Counted: true, Count: 5}},
		{"no count", nil, ok(`{"name":"a"}`), Reading{Found: true}},
		{"a count of none", nil, ok(`{"servers":0}`), Reading{Found: true, Counted: true}},
		{"something that is not read", nil, ok(`{"approved":true}`), Reading{Found: true}},
		{"votes", nil, ok(`{"votes":42}`), Reading{Found: true, Votes: 42}},
		{"votes of a month and of all times", nil, ok(`{"votes":"42","votes_total":1000}`), Reading{Found: true, Votes: 1000}},
		{"votes that are a list", nil, ok(`{"votes":[1,2]}`), Reading{Found: true}},
		{"an empty object", nil, ok(`{}`), Reading{}},
		{"null", nil, ok(`null`), Reading{}},
		{"an array", nil, ok(`[]`), Reading{}},
		{"words", nil, ok(`not found`), Reading{}},
		{"a page", nil, ok(`<!doctype html>`), Reading{Page: true}},
		{"a page with a status that says enough", nil, Answer{Status: 404, Body: []byte(`<html>`)}, Reading{}},
		{"a failure", nil, ok(`{"error":"no such bot","count":5}`), Reading{}},
		{"another status", nil, Answer{Status: 404, Body: []byte(`{"count":5}`)}, Reading{}},
		{"no answer", nil, Answer{Status: NoAnswer, Body: []byte(`{"count":5}`)}, Reading{}},
		{"below a root", &GetEntry{Root: "bot"}, ok(`{"bot":{"guilds":7,"votes":2}}`), Reading{Found: true, Counted: true, Count: 7, Votes: 2}},
		{"no root", &GetEntry{Root: "bot"}, ok(`{"guilds":7}`), Reading{}},
		{"nothing at the root", &GetEntry{Root: "bot"}, ok(`{"bot":null}`), Reading{}},
	} {
		got := mustRead(t, "list.test", tt.get).Read(tt.answer)
		if got.Found != tt.want.Found || got.Page != tt.want.Page || got.Counted != tt.want.Counted || got.Count != tt.want.Count || got.Votes != tt.want.Votes {
			t.Errorf("%s: got %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

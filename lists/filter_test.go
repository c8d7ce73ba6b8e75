package lists

import (
	"slices"
	"testing"
)

func TestFilter(t *testing.T) {
	t.Parallel()
	l := mustList(t, "list.example", Entry{
		Name: "The List", URL: "https://list.example/", Description: "Bots, sorted by hand.", Language: "English, German/Dutch; French",
		APIPost: "https://list.example/bots/:id", APIField: "count", Features: []string{"has-search", "has-voting"},
	})
	if want, got := []string{"English", "German", "Dutch", "French"}, l.Languages(); !slices.Equal(got, want) {
		t.Errorf("languages %q, want %q", got, want)
	}
	for _, tt := range []struct {
		name   string
		filter Filter
		want   bool
	}{
		{"nothing", Filter{}, true},
		{"words of the id, the name and the description", Filter{Text: "  EXAMPLE the  hand"}, true},
		{"a word that is nowhere", Filter{Text: "the cat"}, false},
		{"a skill", Filter{Can: []string{"counts"}}, true},
		{"a skill that it lacks", Filter{Can: []string{"counts", "reads"}}, false},
		{"no skill", Filter{Can: []string{"fly"}}, true},
		{"features", Filter{Features: []string{"has-voting", "has-search"}}, true},
		{"a feature that it lacks", Filter{Features: []string{"has-voting", "has-widget"}}, false},
		{"a language", Filter{Language: "Dutch"}, true},
		{"another language", Filter{Language: "Greek"}, false},
	} {
		if got := tt.filter.Takes(l); got != tt.want {
			t.Errorf("%s: taken %t, want %t", tt.name, got, tt.want)
		}
	}
}

package near

import (
	"strings"
	"testing"
)

func TestWord(t *testing.T) {
	t.Parallel()
	words := []string{"serve", "demo", "check", "store", "list.example"}
	for _, tt := range []struct{ word, want string }{
		{"", ""},
		{"serve", "serve"},
		{"SERVE", "serve"},
		{"server", "serve"},
		{"sevre", "serve"},
		{"dmeo", "demo"},
		{"chek", "check"},
		{"lst.exmple", "list.example"},
		{"ls.exmle", ""},
		{"d", ""},
		{"de", ""},
		{strings.Repeat("a", 65), ""},
	} {
		if got := Word(tt.word, words); got != tt.want {
			t.Errorf("Word(%q) = %q, want %q", tt.word, got, tt.want)
		}
	}
	if got, want := Suggestion("sever", words), `, did you mean "serve"?`; got != want {
		t.Errorf("Suggestion = %q, want %q", got, want)
	}
	if got := Suggestion("nothing like it", words); got != "" {
		t.Errorf("Suggestion = %q, want none", got)
	}
}

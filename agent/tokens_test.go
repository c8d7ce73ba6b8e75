package agent

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aggregator/aggregate"
)

// shown returns tokens as a test reads them: each list, and what it would be sent.
func shown(all []aggregate.NamedToken) string {
	var b strings.Builder
	for _, t := range all {
		b.WriteString(t.ID + "=" + t.Token.Reveal() + " ")
	}
	return strings.TrimSpace(b.String())
}

func TestParseTokens(t *testing.T) {
	t.Parallel()
	c := testCatalog(t)
	o := LoadOptions{Getenv: func(name string) string { return environment[name] }}
	const secret = "s3cret"
	for _, row := range []struct {
		name, text string
		want       string // the tokens
		wrong      string // a part of what is wrong; "" for nothing
	}{
		{"YAML", "list.example: s3cret\nother.example: \"two\"\n", "list.example=s3cret other.example=two", ""},
		{"JSON", `{"list.example": "s3cret", "other.example": "two"}`, "list.example=s3cret other.example=two", ""},
		{"JSON with tabs", "{\n\t\"list.example\":\t\"s3cret\"\n}\n", "list.example=s3cret", ""},
		{"JSON with escapes", `{"list.example": "s3cret\/\u00fc\"'"}`, `list.example=s3cret/ü"'`, ""},
		{"a number of the list's own", `{"numbers.example": {"token": "s3cret", "bot_id": "42"}}`, "numbers.example=s3cret", ""},
		{"of a variable", "list.example: ${TOKEN}", "list.example=token-from-the-environment", ""},
		{"a former id", "old.example: s3cret", "list.example=s3cret", ""},
		{"a list that is gone", "gone.example: s3cret", "gone.example=s3cret", ""},
		{"nothing", "", "", "tokens:1: names no list; it must hold ids of lists"},
		{"comments alone", "# list.example: s3cret\n", "", "tokens:1: names no list"},
		{"an empty object", "{}", "", "tokens:1: names no list"},
		{"a list of tokens", "- s3cret", "", "tokens:1: must hold ids of lists"},
		{"a text", "s3cret", "", "tokens:1: must hold ids of lists"},
		{"not YAML", "list.example: \"s3cret", "", "tokens:1: not YAML"},
		{"cut JSON", `{"list.example": "s3cret"`, "", "tokens:2: not YAML"},
		{"an unknown list", "list.example: a-token\nlist.exmaple: s3cret", "", `tokens:2: list.exmaple: is no list's id, did you mean "list.example"?`},
		{"one beside a token", "list.example: {token: a, s3cretToken: b}", "", "tokens:1: list.example.…: unknown key; allowed: token, bot_id, bridge_key"},
		{"one twice in the place of an id", "s3cretToken: a\ns3cretToken: b", "", "tokens:1: what stands before the colon is no list's id\ntokens:2: …: is given twice, first in line 1"},
		{"the two swapped", "s3cret: list.example", "", "tokens:1: what stands before the colon is no list's id"},
		{"twice", "list.example: s3cret\nlist.example: other", "", "tokens:2: list.example: is given twice, first in line 1"},
		{"twice by two ids", "list.example: s3cret\nold.example: other", "", "tokens:2: old.example: is the list list.example, which line 1 gives already"},
		{"null", "list.example:\nother.example: s3cret", "", "tokens:1: list.example: must be a string or a mapping, is null"},
		{"blank", `list.example: " "`, "", "tokens:1: list.example: must not be blank"},
		{"a number", "list.example: 123456", "", "tokens:1: list.example: must be a string or a mapping, is a number or a date; put it in quotes"},
		{"no token beside the number", `numbers.example: {bot_id: "42"}`, "", "tokens:1: numbers.example.token: is required"},
		{"an odd number", `numbers.example: {token: s3cret, bot_id: "x"}`, "", "tokens:1: numbers.example.bot_id: must be the list's own number of the bot"},
		{"an unknown key", `numbers.example: {token: s3cret, bot: "42"}`, "", "tokens:1: numbers.example.bot: unknown key"},
		{"undefined", "list.example: undefined", "", "tokens:1: list.example: stands for no token"},
		{"a variable that is not set", "list.example: ${NOWHERE}", "", "tokens:1: list.example: the environment variable NOWHERE is not set"},
		{"a file of bots", "bots:\n  \"111111111111111111\":\n    tokens: {list.example: s3cret}\n", "", "this is a file of bots, and is given with --bots"},
	} {
		all, warnings, err := ParseTokens("tokens", []byte(row.text), c, o)
		switch {
		case len(warnings) > 0:
			t.Errorf("%s: warnings %q", row.name, warnings)
		case row.wrong == "" && (err != nil || shown(all) != row.want):
			t.Errorf("%s: got %s, %v; want %s", row.name, shown(all), err, row.want)
		case row.wrong != "" && (err == nil || !strings.Contains(err.Error(), row.wrong)):
			t.Errorf("%s: got %v, want %q", row.name, err, row.wrong)
		case err != nil && strings.Contains(err.Error(), secret):
			t.Errorf("%s: a secret is repeated: %v", row.name, err)
		}
	}
}

func TestLoadTokens(t *testing.T) {
	t.Parallel()
	dir, c := t.TempDir(), testCatalog(t)
	path := filepath.Join(dir, "tokens.yaml")
	for name, text := range map[string]string{"tokens.yaml": `list.example: "@secret"`, "secret": "from-a-file\n", "open.json": `{"list.example": "literal"}`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	open := filepath.Join(dir, "open.json")
	if err := os.Chmod(open, 0o644); err != nil {
		t.Fatal(err)
	}
	all, warnings, err := LoadTokens(path, c, LoadOptions{})
	if err != nil || len(warnings) > 0 || shown(all) != "list.example=from-a-file" {
		t.Errorf("got %s, %q, %v", shown(all), warnings, err)
	}
	_, warnings, err = LoadTokens(open, c, LoadOptions{})
	if want := open + ": holds secrets and may be read by others; chmod 600 it"; err != nil || len(warnings) != 1 || warnings[0] != want {
		t.Errorf("got warnings %q, %v; want %q", warnings, err, want)
	}
	if _, _, err = LoadTokens(filepath.Join(dir, "nowhere"), c, LoadOptions{}); err == nil || !strings.HasSuffix(err.Error(), "does not exist") {
		t.Errorf("a file that is missing: %v", err)
	}
}

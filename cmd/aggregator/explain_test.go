package main

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"aggregator/catalog"
)

// runCommand runs a command, and returns its exit code and what it printed.
func runCommand(t *testing.T, args ...string) (code int, out, errOut string) {
	t.Helper()
	var o, e bytes.Buffer
	code = environment{out: &o, errOut: &e}.run(t.Context(), args)
	return code, o.String(), e.String()
}

// The files testdata/explain/ID.txt are what people should read: compare them
// with the entries and the documentation of the lists before you let
// `aggregator explain ID` write new ones.
func TestExplain(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/explain/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files under testdata/explain: %v", err)
	}
	for _, name := range files {
		id := strings.TrimSuffix(filepath.Base(name), ".txt")
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			want, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if code, out, errOut := runCommand(t, "explain", id); code != 0 || out != string(want) || errOut != "" {
				t.Errorf("exit %d, %s\n%s\nwant\n%s", code, errOut, out, want)
			}
		})
	}
}

func TestExplainFinds(t *testing.T) {
	t.Parallel()
	const hint = "aggregator explain -h shows its flags\n"
	overlay := write(t, "own.yaml", "lists:\n  own.test:\n    name: Own\n    url: \"https://own.test/\"\n    api_post: \"https://own.test/:id\"\n    api_field: n\n")
	legacy := write(t, "legacy.yaml", "once.test: own.test\n")
	for _, tt := range []struct {
		name   string
		args   []string
		begins string // "" for none
		errOut string
	}{
		{"a legacy id", []string{"once.test", "--lists", overlay, "--legacy-ids", legacy}, "once.test is a former id of own.test\n\nown.test (", ""},
		{"a near miss", []string{"onw.test", "--lists", overlay}, "", "aggregator explain: unknown list \"onw.test\", did you mean \"own.test\"?\n" + hint},
		{"nothing near", []string{"xyzzy"}, "", "aggregator explain: unknown list \"xyzzy\"\n" + hint},
		{"no list", nil, "", "aggregator explain: LIST is missing\n" + hint},
		{"a list beside the table", []string{"own.test", "--webhooks"}, "", "aggregator explain: unexpected argument \"own.test\" beside --webhooks\n" + hint},
		{"the table", []string{"--webhooks", "--lists", overlay}, "| list | where the address goes | which secret | what proves a webhook |\n|---|---|---|---|\n", ""},
		{"two lists", []string{"own.test", "other.test"}, "", "aggregator explain: unexpected argument \"other.test\"\n" + hint},
		{"a list of one's own file", []string{"own.test", "--lists", overlay}, "own.test (Own)\n", ""},
		{"flags before the list", []string{"--lists", overlay, "own.test"}, "own.test (Own)\n", ""},
		{"only one's own file", []string{"xyzzy", "--lists", overlay}, "", "aggregator explain: unknown list \"xyzzy\"\n" + hint},
	} {
		t.Run(tt.name, func(t *testing.T) {
			code, out, errOut := runCommand(t, append([]string{"explain"}, tt.args...)...)
			if failed := tt.begins == ""; code != map[bool]int{false: exitDone, true: exitUsage}[failed] || failed != (out == "") || !strings.HasPrefix(out, tt.begins) || errOut != tt.errOut {
				t.Errorf("exit %d\n%s\n%s", code, out, errOut)
			}
		})
	}
}

// exampleToken is the token of the examples where a request would carry it: as
// the value of a header, of a parameter or of a field.
var exampleToken = regexp.MustCompile(`(?m)^  (\S+: (\S+ )?token$|.*[=:]"?token\b)`)

func TestExplainEveryList(t *testing.T) {
	t.Parallel()
	for _, carried := range []string{"  Authorization: token", "  Authorization: Bearer token", "  POST https://a.test/?key=token", `  {"key":"token"}`} {
		if !exampleToken.MatchString(carried) {
			t.Fatalf("%s: the token is not found", carried)
		}
	}
	c, _, err := (&catalogFlags{}).read()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range c.Lists() {
		t.Run(l.ID, func(t *testing.T) {
			var out bytes.Buffer
			explainList(&out, l)
			text := out.String()
			if !strings.HasPrefix(text, l.ID+" (") || exampleToken.MatchString(text) {
				t.Errorf("%s", text)
			}
			if masked := strings.Contains(text, "***"); masked != (l.TakesCounts() || l.Readable() && l.NeedsKey()) {
				t.Errorf("a mask stands there: %t\n%s", masked, text)
			}
			for says, want := range map[string]bool{
				"\nposting 1234 servers:\n": l.TakesCounts(), "\nposting: ": !l.TakesCounts(), "\nA count has arrived if ": l.TakesCounts(),
				"\nreading a bot:\n": l.Readable(), "\nreading: ": !l.Readable(), "\nread from:\n  ": l.Readable(),
			} {
				if strings.Contains(text, says) != want {
					t.Errorf("says %q: %t\n%s", says, !want, text)
				}
			}
		})
	}
}

func TestKeysOfLists(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		"list.example": "AGGREGATOR_KEY_LIST_EXAMPLE", "bots-list.example": "AGGREGATOR_KEY_BOTS_LIST_EXAMPLE", "Abc123": "AGGREGATOR_KEY_ABC123", "a+b@c": "AGGREGATOR_KEY_A_B_C",
	} {
		if got := keyVariable(id); got != want {
			t.Errorf("the key of %s is %s, want %s", id, got, want)
		}
	}

	c, _, err := catalog.Load([]catalog.File{{Name: "lists.yaml", Data: []byte(`
lists:
  free.test: {name: Free, url: "https://free.test/", api_get: "https://free.test/:id"}
  key.test: {name: Key, url: "https://key.test/", get: {url: "https://key.test/:id", auth: {}}}
  number.test: {name: Number, url: "https://number.test/", get: {url: "https://number.test/:list_bot_id", auth: {}}}
  other.test: {name: Other, url: "https://other.test/", get: {url: "https://other.test/:id", auth: {}}}
`)}}, catalog.File{})
	if err != nil {
		t.Fatal(err)
	}
	file := write(t, "keys.yaml", "key.test: of-the-file\nother.test: of-the-file\n")
	bad := write(t, "bad.yaml", "key.test: s3cret\nzzz.test: s3cret\n")
	for _, tt := range []struct {
		name string
		file string
		env  map[string]string
		want string
		fail string
	}{
		{"none", "", nil, "", ""},
		{"of the file", file, nil, "key.test=of-the-file other.test=of-the-file", ""},
		{"of the environment", "", map[string]string{"AGGREGATOR_KEY_KEY_TEST": "mine"}, "key.test=mine", ""},
		{"white space around it", "", map[string]string{"AGGREGATOR_KEY_KEY_TEST": " mine\n"}, "key.test=mine", ""},
		{"blank", file, map[string]string{"AGGREGATOR_KEY_KEY_TEST": " "}, "key.test=of-the-file other.test=of-the-file", ""},
		{"the environment wins", file, map[string]string{"AGGREGATOR_KEY_KEY_TEST": "mine"}, "key.test=mine other.test=of-the-file", ""},
		{"for lists that need none or number bots", "", map[string]string{"AGGREGATOR_KEY_FREE_TEST": "mine", "AGGREGATOR_KEY_NUMBER_TEST": "42:mine"}, "", ""},
		{"bad file", bad, nil, "", bad + ":2: what stands before the colon is no list's id"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			keys, err := readKeys(c, tt.file, func(name string) string { return tt.env[name] })
			var got []string
			for _, id := range slices.Sorted(maps.Keys(keys)) {
				got = append(got, id+"="+keys[id].Reveal())
			}
			said := ""
			if err != nil {
				said = err.Error()
			}
			if strings.Join(got, " ") != tt.want || said != tt.fail {
				t.Errorf("%q, %q; want %q, %q", got, said, tt.want, tt.fail)
			}
		})
	}
	if _, err := readKeys(c, filepath.Join(t.TempDir(), "none.yaml"), func(string) string { return "" }); err == nil {
		t.Error("a file that is not there: no error")
	}
}

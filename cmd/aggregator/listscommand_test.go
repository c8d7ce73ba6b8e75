package main

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"aggregator/lists"
)

// fewLists is a catalog of lists that differ.
const fewLists = `features:
  has-search: {name: Search}
  has-voting: {name: Voting}
lists:
  counts.test:
    name: Counts
    url: "https://counts.test/"
    display: 1
    language: "English, German"
    api_post: "https://counts.test/:id"
    api_field: n
    features: [has-search, has-voting]
  gone.test:
    name: Gone
    url: "https://gone.test/"
    defunct: 1
    api_post: "https://gone.test/:id"
    api_field: n
    features: [has-search]
  hidden.test:
    name: Hidden & read
    url: "https://hidden.test/"
    language: German
    api_get: "https://hidden.test/:id"
  votes.test:
    name: Votes
    url: "https://votes.test/"
    display: 1
    votes: {url: "https://votes.test/:id/:user", voted: "voted"}
`

func TestListsCommand(t *testing.T) {
	t.Parallel()
	file := write(t, "few.yaml", fewLists)
	for _, tt := range []struct {
		args string
		want string // ids
	}{
		{"", "counts.test gone.test hidden.test votes.test"},
		{"--living", "counts.test hidden.test votes.test"},
		{"--hidden", "hidden.test"},
		{"--living --hidden", "hidden.test"},
		{"--defunct", "gone.test"},
		{"--takes-counts", "counts.test"},
		{"--can-be-read", "hidden.test"},
		{"--has-votes", "votes.test"},
		{"--has-votes --takes-counts", ""},
		{"--sends-votes", ""},
		{"--feature has-search", "counts.test gone.test"},
		{"--feature has-search --feature has-voting", "counts.test"},
		{"--language german", "counts.test hidden.test"},
		{"--search HIDDEN", "hidden.test"},
	} {
		args := append([]string{"lists", "--lists", file}, strings.Fields(tt.args)...)
		code, out, errOut := runWith(t, nil, args...)
		var ids []string
		for i, line := range strings.Split(strings.TrimSpace(out), "\n") {
			if i > 0 {
				ids = append(ids, strings.Fields(line)[0])
			}
		}
		if got := strings.Join(ids, " "); code != exitDone || errOut != "" || got != tt.want {
			t.Errorf("%s: exit %d, %q, lists %q, want %q", tt.args, code, errOut, got, tt.want)
		}
		code, out, errOut = runWith(t, nil, append(args, "--json")...)
		var byID map[string]struct{ ID, Name string }
		if err := json.Unmarshal([]byte(out), &byID); code != exitDone || err != nil || strings.Join(sortedIDs(byID), " ") != tt.want {
			t.Errorf("%s --json: exit %d, %v, %s%s, want %q", tt.args, code, err, out, errOut, tt.want)
		}
		if hidden, ok := byID["hidden.test"]; ok && (hidden.ID != "hidden.test" || hidden.Name != "Hidden & read" || !strings.Contains(out, "Hidden & read")) {
			t.Errorf("%s --json: %s", tt.args, out)
		}
	}
	const table = `LIST         NAME           COUNTS  READS  VOTES  WEBHOOK  COMMANDS  HEARTBEATS  STATE
counts.test  Counts         yes     -      -      -        -         -           living
gone.test    Gone           -       -      -      -        -         -           defunct
hidden.test  Hidden & read  -       yes    -      -        -         -           hidden
votes.test   Votes          -       -      yes    -        -         -           living
`
	if _, out, _ := runWith(t, nil, "lists", "--lists", file); out != table {
		t.Errorf("got\n%s\nwant\n%s", out, table)
	}
}

func TestListsArguments(t *testing.T) {
	t.Parallel()
	file := write(t, "few.yaml", fewLists)
	for args, says := range map[string]string{
		"--feature has-serch":      `unknown feature "has-serch", did you mean "has-search"?`,
		"--language Germn":         `no list is in the language "Germn", did you mean "German"?`,
		"--defunct --living":       "--defunct and --living do not go together",
		"--yaml --takes-counts":    "--yaml writes the built-in file as it is, without --",
		"--takes-count":            `unknown flag --takes-count, did you mean "--takes-counts"?`,
		"--hidden=perhaps":         `--hidden "perhaps": `,
		"counts.test --has-votes":  `unexpected argument "counts.test"`,
		"--language Klingon":       `no list is in the language "Klingon"` + "\n",
		"--yaml --json":            "without --",
		"--defunct --hidden":       "hidden lists live too",
		"--feature xyzzy --living": `unknown feature "xyzzy"` + "\n",
	} {
		code, out, errOut := runWith(t, nil, append([]string{"lists", "--lists", file}, strings.Fields(args)...)...)
		if code != exitUsage || out != "" || !strings.Contains(errOut, says) {
			t.Errorf("%s: exit %d, %q, %q, want %d and %q", args, code, out, errOut, exitUsage, says)
		}
	}
}

// TestListsYAML compares what lists --yaml writes with the files of the sources.
func TestListsYAML(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{"lists.yaml": {"lists", "--yaml"}, "lists_defunct.yaml": {"lists", "--defunct", "--yaml"}} {
		want, err := os.ReadFile("../../" + name)
		if err != nil {
			t.Fatal(err)
		}
		if code, out, errOut := runWith(t, []string{"AGGREGATOR_LISTS=other.yaml"}, args...); code != exitDone || out != string(want) || errOut != "" {
			t.Errorf("%v: exit %d, %q, and not %s, byte for byte", args, code, errOut, name)
		}
	}
}

// TestSkillFlags has one flag for each skill.
func TestSkillFlags(t *testing.T) {
	t.Parallel()
	var want, got []string
	for _, s := range lists.Skills() {
		want = append(want, s.Key)
	}
	for _, f := range skillFlags {
		got = append(got, f.key)
	}
	if !slices.Equal(got, want) {
		t.Errorf("flags for %q, want %q", got, want)
	}
}

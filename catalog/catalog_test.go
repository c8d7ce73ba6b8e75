package catalog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"aggregator/lists"
)

// golden loads the catalog of the reference's recorded exchanges.
func golden(t *testing.T) *Catalog {
	t.Helper()
	return mustLoad(t, string(testFile(t, "golden_legacy_ids.yaml")), string(testFile(t, "golden_lists.yaml")))
}

func testFile(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// resolving is a catalog of living and defunct lists under several ids.
const (
	resolvingLists = `lists:
  live.test: {name: L, url: "https://l.test/"}
  other.test: {name: O, url: "https://o.test/"}
  dead.test: {name: D, url: "https://d.test/", defunct: 1}
  moved.test: {name: M, url: "https://m.test/", defunct: 1}
  buried.test: {name: B, url: "https://b.test/", defunct: 1}
`
	resolvingLegacy = `old: live.test
older: old
oldest: older
other.test: live.test
past-other: other.test
dead-old: dead.test
moved.test: live.test
past-moved: moved.test
buried.test: dead.test
lost: nowhere
loster: lost
`
)

func TestIsOfAnother(t *testing.T) {
	c := mustLoad(t, "", "lists:\n"+
		"  a.test: {name: A, url: \"https://a.test/\", api_post: \"https://API.a.test/:id\", api_field: n, api_get: \"https://shared.test:8443/:id\"}\n"+
		"  b.test: {name: B, url: \"https://b.test/\", api_get: \"https://shared.test:8443/b/:id\"}\n"+
		"  gone.test: {name: G, url: \"https://gone.test/\", defunct: true, api_get: \"https://gone.test/:id\"}\n")
	for _, tt := range []struct {
		id, host string
		want     bool
	}{
		{"a.test", "api.a.test", false},
		{"b.test", "api.a.test", true},
		{"a.test", "shared.test:8443", false},
		{"b.test", "shared.test:8443", false},
		{"gone.test", "shared.test:8443", true},
		{"a.test", "shared.test", false}, // another port, of no list
		{"a.test", "gone.test", false},   // asked by nobody
		{"a.test", "elsewhere.test", false},
	} {
		if got := c.IsOfAnother(tt.id, tt.host); got != tt.want {
			t.Errorf("%s for %s: %t, want %t", tt.host, tt.id, got, tt.want)
		}
	}
}

func TestResolve(t *testing.T) {
	c := mustLoad(t, resolvingLegacy, resolvingLists)
	for _, tt := range []struct{ id, resolved, listed string }{
		{"live.test", "live.test", "live.test"},
		{"old", "live.test", "live.test"},
		{"oldest", "live.test", "live.test"},
		{"other.test", "other.test", "other.test"}, // living, so its legacy id counts for nothing
		{"past-other", "other.test", "other.test"}, // the chain stops at the first living list
		{"dead.test", "dead.test", "dead.test"},
		{"dead-old", "dead.test", "dead.test"},
		{"moved.test", "live.test", "moved.test"}, // shown as itself, but a token is for the living list
		{"past-moved", "live.test", "live.test"},
		{"buried.test", "dead.test", "buried.test"},
		{"lost", "", ""},
		{"loster", "", ""},
		{"LIVE.test", "", ""},
		{"", "", ""},
	} {
		if got := idOf(c.Resolve(tt.id)); got != tt.resolved {
			t.Errorf("Resolve(%q) is %q, want %q", tt.id, got, tt.resolved)
		}
		if got := idOf(c.List(tt.id)); got != tt.listed {
			t.Errorf("List(%q) is %q, want %q", tt.id, got, tt.listed)
		}
		var shown struct{ ID string }
		if b, ok := c.ListJSON(tt.id); ok {
			if err := json.Unmarshal(b, &shown); err != nil {
				t.Fatal(err)
			}
		}
		if shown.ID != tt.listed {
			t.Errorf("ListJSON(%q) shows %q, want %q", tt.id, shown.ID, tt.listed)
		}
	}
}

func idOf(l *lists.List, ok bool) string {
	if !ok {
		return ""
	}
	return l.ID
}

func TestNearest(t *testing.T) {
	c := mustLoad(t, "oldbots.test: pot.ts\ngone.example: missing\n", `lists:
  pot.ts: {name: T, url: "https://pot.ts/"}
  boat.xyz: {name: X, url: "https://boat.xyz/", defunct: 1}
  boat.xyw: {name: W, url: "https://boat.xyw/"}
  ab: {name: A, url: "https://ab.test/"}
`)
	for word, want := range map[string]string{
		"potts":                  "pot.ts",
		"pto.ts":                 "pot.ts",
		"POT.TS":                 "pot.ts",
		"pot.ts":                 "pot.ts",
		"spot.tst":               "pot.ts",
		"oldbot.test":            "oldbots.test",
		"boat.xya":               "boat.xyw", // as near as boat.xyz, but living
		"boat.xyzz":              "boat.xyw", // boat.xyz is nearer, and dead
		"boat.xyz/":              "boat.xyz",
		"https://pot.ts/":        "pot.ts",
		"HTTP://www.Pot.ts:443":  "pot.ts",
		"www.pot.ts":             "pot.ts",
		"pot.ts/bots/42?x=1#top": "pot.ts",
		" pot.ts. ":              "pot.ts",
		"https://www.pto.ts/x":   "pot.ts",
		"pot":                    "pot.ts",
		"boat":                   "boat.xyw",
		"www.oldbots":            "oldbots.test",
		"https://":               "",
		"www.":                   "",
		".":                      "",
		"gone.exampl":            "", // leads nowhere
		"a":                      "",
		"ac":                     "ab",
		"zzz.gg":                 "",
		"":                       "",
		strings.Repeat("x", 500): "",
	} {
		if got := c.Nearest(word); got != want {
			t.Errorf("Nearest(%q) is %q, want %q", word, got, want)
		}
	}
}

func TestCounts(t *testing.T) {
	c := mustLoad(t, "old: a.test\n", head+"    api_post: \"https://a.test/:id\"\n")
	if got, want := c.Counts().String(), "1 list (1 living, 1 take counts, 0 can be read), 0 features, 1 legacy id"; got != want {
		t.Errorf("counts are %q, want %q", got, want)
	}
	if got, want := golden(t).Counts(), (Counts{18, 17, 13, 10, 9, 8}); got != want {
		t.Errorf("golden counts are %+v, want %+v", got, want)
	}
}

func TestGeneration(t *testing.T) {
	a, b := mustLoad(t, "", head), mustLoad(t, "", head)
	if a.Generation() == b.Generation() {
		t.Errorf("both are generation %d", a.Generation())
	}
}

// keysInOrder are the keys of a JSON object as written.
func keysInOrder(t *testing.T, b []byte) []string {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(b))
	if _, err := dec.Token(); err != nil {
		t.Fatal(err)
	}
	var keys []string
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key.(string))
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			t.Fatal(err)
		}
	}
	return keys
}

func TestListJSON(t *testing.T) {
	c := golden(t)
	b, ok := c.ListJSON("bravo.test")
	if !ok {
		t.Fatal("no bravo.test")
	}
	fields := []string{
		"id", "added", "name", "url", "icon", "language", "display", "defunct", "discord_only", "description",
		"api_docs", "api_post", "api_post_method", "api_field", "api_shard_id", "api_shard_count", "api_shards",
		"api_get", "api_all", "view_bot", "bot_widget", "content", "owners", "discord", "features",
	}
	if got := keysInOrder(t, b); !slices.Equal(got, fields) {
		t.Errorf("fields are %q\nwant %q", got, fields)
	}
	var got map[string]any
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]any{
		"id": "bravo.test", "added": 1.6e9, "display": 1.0, "defunct": 0.0, "discord_only": 1.0,
		"description": "Ünïcode — “quotes” <b>&amp;</b> \u2028 \u0007 \\ / 😀",
		"api_docs":    nil, "api_post_method": nil, "api_field": "guildCount",
	} {
		if !reflect.DeepEqual(got[key], want) {
			t.Errorf("%s is %#v, want %#v", key, got[key], want)
		}
	}
	if !bytes.Contains(b, []byte("<b>&amp;</b>")) {
		t.Error("<, > and & are escaped")
	}
	if _, ok := c.ListJSON("missing.test"); ok {
		t.Error("a list that is none")
	}
	if _, ok := c.ListJSON("gone.test"); ok {
		t.Error("a legacy id that leads nowhere shows a list")
	}
}

func TestFeatureOrder(t *testing.T) {
	b, _ := golden(t).ListJSON("alpha.test")
	var list struct {
		Features []struct {
			ID    string
			Value int
		}
	}
	if err := json.Unmarshal(b, &list); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range list.Features {
		got = append(got, fmt.Sprintf("%s=%d", f.ID, f.Value))
	}
	want := []string{
		"server-count-api=1", "has-ads-on-site=1", "has-voting=1",
		"zeta=0", "bot-reviews=0", "a-last-by-name=0", "leading-space=0", "neutral=0", "negative-display=0",
	}
	if !slices.Equal(got, want) {
		t.Errorf("features are %q\nwant %q", got, want)
	}
}

func TestListsJSON(t *testing.T) {
	c := mustLoad(t, "", `lists:
  b.test: {name: B, url: "https://b.test/"}
  d.test: {name: D, url: "https://d.test/", discord_only: 1}
  a.test: {name: A, url: "https://a.test/", api_get: "https://a.test/:id"}
  c.test: {name: C, url: "https://c.test/", discord_only: 1, defunct: 1, api_docs: "https://c.test/"}
`)
	if got, want := keysInOrder(t, c.ListsJSON()), []string{"c.test", "d.test", "a.test", "b.test"}; !slices.Equal(got, want) {
		t.Errorf("lists are %q, want %q", got, want)
	}
	want := `{"a.test":{"api_docs":null,"api_post":null,"api_post_method":null,"api_field":null,"api_shard_id":null,` +
		`"api_shard_count":null,"api_shards":null,"api_get":"https://a.test/:id","api_all":null}}`
	if got := string(c.FilteredJSON()); got != want {
		t.Errorf("filtered are\n%s\nwant\n%s", got, want)
	}
	if got := string(c.LegacyJSON()); got != "{}" {
		t.Errorf("legacy ids are %s", got)
	}
	var ids []string
	for _, l := range c.Lists() {
		ids = append(ids, l.ID)
	}
	if want := []string{"a.test", "b.test", "c.test", "d.test"}; !slices.Equal(ids, want) {
		t.Errorf("Lists are %q, want %q", ids, want)
	}
	if got := string(mustLoad(t, "", head).FilteredJSON()); got != "{}" {
		t.Errorf("no api fields give %s", got)
	}
}

func TestGoldenJSON(t *testing.T) {
	c := golden(t)
	for name, b := range map[string][]byte{"golden_filtered.json": c.FilteredJSON(), "golden_legacy.json": c.LegacyJSON()} {
		var got, want any
		if err := json.Unmarshal(b, &got); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(testFile(t, name), &want); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got\n%s", name, b)
		}
	}
	if keys := keysInOrder(t, c.LegacyJSON()); !slices.IsSorted(keys) {
		t.Errorf("legacy ids are not sorted: %q", keys)
	}
}

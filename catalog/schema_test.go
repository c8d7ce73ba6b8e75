package catalog

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"aggregator/internal/testkit"
	"aggregator/lists"
	"aggregator/rawjson"
	"aggregator/strictyaml"
)

// missing are the places of n's keys that a schema does not know.
func missing(n *strictyaml.Node, s map[string]any) []strictyaml.Place {
	if choices, ok := s["anyOf"].([]any); ok {
		var each [][]strictyaml.Place
		for _, choice := range choices {
			each = append(each, missing(n, choice.(map[string]any)))
		}
		return slices.MinFunc(each, func(a, b []strictyaml.Place) int { return len(a) - len(b) })
	}
	var all []strictyaml.Place
	if items, ok := s["items"].(map[string]any); ok {
		for _, item := range n.Items() {
			all = append(all, missing(item, items)...)
		}
	} else if len(n.Items()) > 0 {
		return []strictyaml.Place{n.Place()}
	}
	properties, _ := s["properties"].(map[string]any)
	for _, f := range n.Fields() {
		p, ok := properties[f.Key].(map[string]any)
		if !ok {
			p, ok = s["additionalProperties"].(map[string]any)
		}
		if !ok {
			all = append(all, f.Value.Place())
			continue
		}
		all = append(all, missing(f.Value, p)...)
	}
	return all
}

func TestSchemaKnowsTheShippedKeys(t *testing.T) {
	var s map[string]any
	if err := json.Unmarshal(Schema(), &s); err != nil {
		t.Fatal(err)
	}
	r := newLoader()
	for _, f := range shippedLists {
		root, ok := r.Parse(f)
		if !ok || root == nil {
			t.Fatal(r.Problems())
		}
		for _, at := range missing(root, s) {
			t.Errorf("%+v is not in the schema", at)
		}
	}
	if unknown, _ := r.Parse(File{Name: "x.yaml", Data: []byte(head + "    post: {fields: {server_count: {a: b}}, x: 1}\n")}); len(missing(unknown, s)) != 2 {
		t.Error("the schema takes keys that there are not")
	}
}

// TestFormatPage checks that the page says what the format is.
func TestFormatPage(t *testing.T) {
	const name = "../docs/lists-format.md"
	got, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, FormatPage()) {
		t.Errorf("docs/lists-format.md is not of this format; run go run ./cmd/aggregator schema --markdown >docs/lists-format.md")
	}
}

// heldBlock returns the block of the page that the test holds.
func heldBlock(t *testing.T) string {
	t.Helper()
	blocks, _ := testkit.Blocks(string(FormatPage()))
	for _, b := range blocks {
		if b.Value("held-by") == t.Name() {
			return b.Text
		}
	}
	t.Fatalf("no block of the page is held by %s", t.Name())
	return ""
}

// TestPathsOnFormatPage follows each path of the page's table through the answer
// above it.
func TestPathsOnFormatPage(t *testing.T) {
	answer, ok := rawjson.Parse([]byte(heldBlock(t)))
	if !ok {
		t.Fatal("the answer is no JSON")
	}
	_, section, _ := strings.Cut(string(FormatPage()), "## Paths\n")
	section, _, _ = strings.Cut(section, "\n## ")
	rows := regexp.MustCompile("(?m)^\\| `([^`]+)` \\| (.*?) \\|").FindAllStringSubmatch(section, -1)
	for _, row := range rows {
		path, err := lists.ParsePath(row[1])
		if err != nil {
			t.Error(err)
			continue
		}
		got := "nothing"
		for i, v := range path.Values(answer) {
			if i == 0 {
				got = ""
			}
			got = strings.TrimSpace(got + " `" + string(v.Raw()) + "`")
		}
		if got != row[2] {
			t.Errorf("%s leads to %s, the page says %s", row[1], got, row[2])
		}
	}
	if len(rows) < 7 {
		t.Errorf("%d paths are on the page, want more", len(rows))
	}
}

func TestSchemaShapes(t *testing.T) {
	var s map[string]any
	if err := json.Unmarshal(Schema(), &s); err != nil {
		t.Fatal(err)
	}
	at := func(path ...string) any {
		v := any(s)
		for _, key := range append([]string{"properties", "lists", "additionalProperties"}, path...) {
			v = v.(map[string]any)[key]
		}
		return v
	}
	for _, tt := range []struct {
		name string
		got  any
		want string
	}{
		{"required", at("required"), `["name","url"]`},
		{"closed", at("additionalProperties"), `false`},
		{"flag", at("properties", "display", "enum"), `[0,1,true,false,null]`},
		{"enum", at("properties", "api_post_method", "enum"), `["POST","PUT","PATCH",null]`},
		{"number", at("properties", "added", "type"), `["integer","null"]`},
		{"name", at("properties", "name"), `{"type":"string","pattern":"\\S","description":"Name people know the list by."}`},
		{"one or many", at("properties", "post", "properties", "fields", "properties", "shards", "anyOf"),
			`[{"type":"string"},{"type":"array","items":{"type":"string"}},{"type":"null"}]`},
		{"free values", at("properties", "post", "properties", "constants", "additionalProperties"), `{"type":["string","integer","boolean"]}`},
		{"required enum", at("properties", "post", "properties", "limits", "items", "properties", "per", "enum"), `["token","bot","address"]`},
		{"short form", at("properties", "get", "properties", "fields", "properties", "owners", "anyOf").([]any)[0].(map[string]any)["anyOf"].([]any)[0],
			`{"type":"string","pattern":"\\S"}`},
	} {
		var want any
		if err := json.Unmarshal([]byte(tt.want), &want); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(tt.got, want) {
			t.Errorf("%s is %v, want %v", tt.name, tt.got, want)
		}
	}
}

// TestSchemaFile holds the schema in docs, which editors can be pointed to,
// against the one that is made of the entries.
func TestSchemaFile(t *testing.T) {
	testkit.Golden(t, "../docs/lists.schema.json", Schema())
}

// TestReportsOnFormatPage loads the example of reports, which takes those that it
// says.
func TestReportsOnFormatPage(t *testing.T) {
	example := heldBlock(t)
	l, ok := mustLoad(t, "{}", example).List("list.example")
	if !ok {
		t.Fatal("no list.example")
	}
	for _, kind := range lists.Reports() {
		if want := strings.Contains(example, "    "+kind.Part+":\n"); l.Supports(kind.Op) != want {
			t.Errorf("%s: taken %t, want %t", kind.Part, !want, want)
		}
	}
}

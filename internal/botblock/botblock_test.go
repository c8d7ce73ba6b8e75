package botblock

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"aggregator"
	"aggregator/catalog"
)

// builtIn returns the built-in files and what they hold.
func builtIn(t *testing.T) ([]File, *catalog.Catalog) {
	t.Helper()
	var files []File
	for _, f := range aggregator.BuiltInLists() {
		files = append(files, File{File: f})
	}
	return files, load(t, files...)
}

func load(t *testing.T, files ...File) *catalog.Catalog {
	t.Helper()
	var all []catalog.File
	for _, f := range files {
		all = append(all, f.File)
	}
	c, _, err := catalog.Load(all, catalog.File{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// dataOf returns a catalog in the form of the open data, changed by change.
func dataOf(t *testing.T, c *catalog.Catalog, change func(list map[string]any)) *Data {
	t.Helper()
	folder := fstest.MapFS{}
	for _, l := range c.Lists() {
		text, _ := c.ListJSON(l.ID)
		var list map[string]any
		dec := json.NewDecoder(bytes.NewReader(text))
		dec.UseNumber()
		if err := dec.Decode(&list); err != nil {
			t.Fatal(err)
		}
		list[featuresField] = l.Features
		change(list)
		if text, _ = json.Marshal(list); list["id"] == l.ID {
			folder["lists/"+l.ID+".json"] = &fstest.MapFile{Data: text}
		}
	}
	for _, f := range c.Features() {
		folder["features/"+f.ID+".json"] = &fstest.MapFile{Data: fmt.Appendf(nil, `{"id":%q,"name":%q,"display":%d,"type":%d}`, f.ID, f.Name, f.Display, f.Type)}
	}
	d, err := Read(folder)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestCompareSame compares the built-in catalog with itself.
func TestCompareSame(t *testing.T) {
	t.Parallel()
	_, c := builtIn(t)
	diff := Compare(c, dataOf(t, c, func(map[string]any) {}), nil)
	if facts, taken, words := diff.Count(); facts+taken+words > 0 || len(diff.Gone) > 0 {
		text, _ := json.MarshalIndent(diff, "", "  ")
		t.Errorf("it differs from itself: %s", text)
	}
}

// TestMergeBuiltIn changes facts of every fourth list, and takes them over: no other line
// changes, and nothing is left to take over.
func TestMergeBuiltIn(t *testing.T) {
	t.Parallel()
	files, c := builtIn(t)
	turn, changed := 0, 0
	data := dataOf(t, c, func(list map[string]any) {
		if turn++; turn%4 > 0 {
			return
		}
		changed++
		list["icon"], list["added"] = "https://new.example/"+list["id"].(string), json.Number("7")
		list["description"], list["owners"] = "Other words.", nil
	})
	diff := Compare(c, data, nil)
	merged, err := Merge(c, files, diff)
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range merged {
		before, after := strings.Split(string(files[i].Data), "\n"), strings.Split(string(f.Data), "\n")
		kept := map[string]int{}
		for _, line := range before {
			kept[line]++
		}
		for _, line := range after {
			if text := strings.TrimSpace(line); kept[line] == 0 && !strings.HasPrefix(text, `icon: "https://new.example/`) && text != "added: 7" {
				t.Errorf("%s has a line that is new: %s", f.Name, line)
			}
			kept[line]--
		}
		for line, n := range kept {
			if text := strings.TrimSpace(line); n > 0 && !strings.HasPrefix(text, "icon: ") && !strings.HasPrefix(text, "added: ") {
				t.Errorf("%s lacks a line that it had: %s", f.Name, line)
			}
		}
	}
	after := load(t, merged...)
	if changes := c.ChangesTo(after); len(changes.Changed) != changed || len(changes.Added)+len(changes.Removed) > 0 || changes.Features {
		t.Errorf("%d lists were changed, want %d; others %v %v, features %t", len(changes.Changed), changed, changes.Added, changes.Removed, changes.Features)
	}
	if facts, taken, words := Compare(after, data, nil).Count(); taken != 0 || facts == 0 || words < changed {
		t.Errorf("then %d facts differ, %d of them to take over, and %d texts; want no fact to take over, for nobody else knows owners", facts, taken, words)
	}
}

const ours = `features:
  has-search: {name: Search}
lists:
  a.test: {name: A, url: "https://a.test/"}
  gone.test: {name: Gone, url: "https://gone.test/", defunct: 1}
`

// TestMergeOverlay has a file that must stay as it is below one that may be written.
func TestMergeOverlay(t *testing.T) {
	t.Parallel()
	fixed := File{catalog.File{Name: "fixed.yaml", Data: []byte(ours)}, true}
	own := File{catalog.File{Name: "own.yaml", Data: []byte("# Mine.\nlists:\n  b.test: {name: B, url: \"https://b.test/\"}\n")}, false}
	c := load(t, fixed, own)
	data := dataOf(t, c, func(list map[string]any) { list["language"] = "Greek" })
	data.lists["c.test"] = record{map[string]any{"name": "C", "url": "https://c.test/"}, []string{"has-cake"}}
	data.features["has-cake"] = record{values: map[string]any{"name": "Cake"}}
	diff := Compare(c, data, nil)
	merged, err := Merge(c, []File{fixed, own}, diff)
	if err != nil {
		t.Fatal(err)
	}
	const want = `features:
  has-cake:
    name: "Cake"
# Mine.
lists:
  a.test:
    language: "Greek"
  b.test: {"language": "Greek", name: B, url: "https://b.test/"}
  c.test:
    name: "C"
    url: "https://c.test/"
    features: [has-cake]
  gone.test:
    language: "Greek"
`
	if string(merged[0].Data) != ours || string(merged[1].Data) != want {
		t.Errorf("got\n%s\nand\n%s\nwant the first as it was, and\n%s", merged[0].Data, merged[1].Data, want)
	}
	if _, taken, _ := Compare(load(t, merged...), data, nil).Count(); taken > 0 {
		t.Errorf("%d facts are still to take over", taken)
	}
	if _, err := Merge(c, []File{fixed}, diff); err == nil {
		t.Error("a file that must stay as it is was written")
	}
}

func TestKept(t *testing.T) {
	t.Parallel()
	const text = `lists:
  plain.test: {name: P, url: "https://p.test/", api_post: "https://p.test/:id", api_field: n, api_get: "https://p.test/:id"}
  checked.test: {name: C, url: "https://c.test/", api_post: "https://c.test/:id", api_field: n, api_get: "https://c.test/:id", checked: 2026-11-25}
  dialect.test: {name: D, url: "https://d.test/", post: {url: "https://d.test/:id", fields: {server_count: n}}, get: {url: "https://d.test/:id", fields: {server_count: n}}}
  flag.test: {name: F, url: "https://f.test/", api_post: "https://f.test/:id", api_field: n, post: {success: {field: ok, is: true}}}
`
	c := load(t, File{File: catalog.File{Name: "f.yaml", Data: []byte(text)}})
	data := dataOf(t, c, func(list map[string]any) {
		list["api_post"], list["api_get"], list["api_field"] = "https://new.test/:id", "https://new.test/:id", "new"
		list["defunct"], list["view_bot"], list["content"] = json.Number("1"), "https://new.test/:id", "Words."
	})
	for _, tt := range []struct {
		id, only string
		taken    string
	}{
		{"plain.test", "", "defunct api_post api_field api_get view_bot"},
		{"checked.test", "", "view_bot"},
		{"checked.test", "checked.test", "defunct api_post api_field api_get view_bot"},
		{"dialect.test", "", "defunct view_bot"},
		{"dialect.test", "dialect.test", "defunct view_bot"},
		{"flag.test", "", "defunct api_post api_field api_get view_bot"},
	} {
		var only []string
		if tt.only != "" {
			only = []string{tt.only}
		}
		for _, e := range Compare(c, data, only).Lists {
			var taken []string
			for _, change := range e.taken() {
				taken = append(taken, change.Field)
			}
			if got := strings.Join(taken, " "); e.ID == tt.id && got != tt.taken {
				t.Errorf("%s, only %q: %q are taken over, want %q", tt.id, tt.only, got, tt.taken)
			}
		}
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	good := file(`{"$schema":"x","id":"a.test","name":"A","new_field":[1],"features":["one","one"]}`)
	for _, tt := range []struct {
		name   string
		folder fstest.MapFS
		want   string // the error; "" for one list
	}{
		{"lists", fstest.MapFS{"lists/a.test.json": good}, ""},
		{"a checkout", fstest.MapFS{"data/lists/a.test.json": good, "data/features/x.json": file(`{"id":"x"}`), "data/legacy.json": file(`{"$schema":"x","b.test":"a.test"}`)}, ""},
		{"nothing", fstest.MapFS{"README.md": good}, "no file lists/ID.json is there, nor data/lists/ID.json"},
		{"no JSON", fstest.MapFS{"lists/a.test.json": file("{")}, "lists/a.test.json: unexpected EOF"},
		{"another id", fstest.MapFS{"lists/b.test.json": good}, `lists/b.test.json: the id is "a.test", want "b.test" as in the file's name`},
		{"a text for a number", fstest.MapFS{"lists/a.json": file(`{"id":"a","display":"1"}`)}, "lists/a.json: display: want a whole number or null"},
		{"a part of a number", fstest.MapFS{"lists/a.json": file(`{"id":"a","added":1.5}`)}, "lists/a.json: added: want a whole number or null"},
		{"a number for a text", fstest.MapFS{"lists/a.json": file(`{"id":"a","name":1}`)}, "lists/a.json: name: want a text or null"},
		{"features that are none", fstest.MapFS{"lists/a.json": file(`{"id":"a","features":"one"}`)}, "lists/a.json: features: want an array"},
		{"a feature that is none", fstest.MapFS{"lists/a.json": file(`{"id":"a","features":[1]}`)}, "lists/a.json: features: want ids"},
		{"legacy ids that are none", fstest.MapFS{"lists/a.test.json": good, "legacy.json": file(`[]`)}, "legacy.json: json: cannot unmarshal array"},
		{"a large file", fstest.MapFS{"lists/a.json": file(strings.Repeat(" ", maxFile+1))}, "lists/a.json: is over 1048576 bytes"},
	} {
		d, err := Read(tt.folder)
		if tt.want != "" {
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
			}
			continue
		}
		if err != nil || len(d.lists) != 1 || len(d.lists["a.test"].features) != 1 || len(d.legacyIDs) > 1 || d.legacyIDs["$schema"] != "" {
			t.Errorf("%s: %v, %+v", tt.name, err, d)
		}
	}
}

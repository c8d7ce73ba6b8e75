package strictyaml_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"aggregator/strictyaml"
)

// fleet is the shape of an invented file with one of everything.
type fleet struct {
	Port  int64 `yaml:"port" doc:"Port to listen on."`
	Ships map[string]any
	Boats map[string]boat `yaml:"boats" doc:"Every boat, by its name."`
}

type boat struct {
	Name   string            `yaml:"name" required:"true" doc:"Name people know the boat by."`
	Kind   string            `yaml:"kind" enum:"sail,motor" doc:"How it moves."`
	Decks  int               `yaml:"decks" enum:"1,2,3" doc:"Number of decks."`
	Afloat bool              `yaml:"afloat" doc:"Whether it floats."`
	Length *int64            `yaml:"length" doc:"Length in metres."`
	Crew   people            `yaml:"crew" doc:"Who sails it."`
	Flags  []string          `yaml:"flags" doc:"Flags it carries."`
	Marks  map[string]string `yaml:"marks" doc:"What is painted where."`
	Free   map[string]any    `yaml:"free" doc:"Anything."`
	Engine *engine           `yaml:"engine" doc:"What drives it."`
	Built  string            `yaml:"built" date:"true" doc:"When it was built."`
	Spare  *spare            `yaml:"spare" doc:"What else drives it."`
}

type people []person

func (people) OneOrMany() {}

type person struct {
	Name string `yaml:"name" required:"true" doc:"Name of the person."`
	Age  int64  `yaml:"age" doc:"Age in years."`
}

func (p *person) SetScalar(name string) { p.Name = name }

type engine struct {
	Power int64 `yaml:"power" required:"true" doc:"Power in kilowatts."`
}

// spare has the keys of another struct beside its own, without one of them.
type spare struct {
	Since string `yaml:"since" doc:"Since when."`
	boat2 `inline:"true" without:"spare,kind"`
}

type boat2 struct {
	Name  string `yaml:"name" required:"true" doc:"Name."`
	Kind  string `yaml:"kind" doc:"Kind."`
	Spare *spare `yaml:"spare" doc:"Not here."`
}

// read reads files a.yaml, b.yaml and so on, each into a fleet of its own.
func read(t *testing.T, files ...string) ([]fleet, string) {
	t.Helper()
	d := strictyaml.Decoder{Entries: "boats"}
	all := make([]fleet, len(files))
	for i, text := range files {
		root, ok := d.Parse(strictyaml.File{Name: string(rune('a'+i)) + ".yaml", Data: []byte(text)})
		if ok && root != nil {
			d.Bind(root, &all[i])
		}
	}
	err := d.Err()
	if err == nil {
		return all, ""
	}
	var e *strictyaml.Error
	if !errors.As(err, &e) || len(e.Problems) == 0 {
		t.Fatalf("the error is a %T (%v), want an *Error with problems", err, err)
	}
	return all, err.Error()
}

func TestBind(t *testing.T) {
	all, problems := read(t, `
port: 0x50
boats:
  anna:
    name: Anna
    kind: sail
    decks: 2
    afloat: 1
    length: 1_2
    crew: [Jo, {name: Kim, age: 30}]
    flags: [a, "1"]
    marks: {bow.left: x}
    free: {a: 1, b: "1", c: true}
    engine: {power: -5}
    built: 2026-11-22
    spare: {since: ever, name: S}
  bert: {name: "1", crew: Jo, afloat: false, kind: null, engine: ~, built: "1999-01-31"}
`)
	if problems != "" {
		t.Fatal(problems)
	}
	length := int64(12)
	want := fleet{Port: 80, Boats: map[string]boat{
		"anna": {
			Name: "Anna", Kind: "sail", Decks: 2, Afloat: true, Length: &length, Crew: people{{Name: "Jo"}, {Name: "Kim", Age: 30}},
			Flags: []string{"a", "1"}, Marks: map[string]string{"bow.left": "x"}, Free: map[string]any{"a": int64(1), "b": "1", "c": true},
			Engine: &engine{Power: -5}, Built: "2026-11-22", Spare: &spare{Since: "ever", boat2: boat2{Name: "S"}},
		},
		"bert": {Name: "1", Crew: people{{Name: "Jo"}}, Built: "1999-01-31"},
	}}
	if !reflect.DeepEqual(all[0], want) {
		t.Errorf("got  %+v\nwant %+v", all[0], want)
	}
}

func TestProblems(t *testing.T) {
	const keys = "name, kind, decks, afloat, length, crew, flags, marks, free, engine, built, spare"
	for _, test := range []struct {
		name  string
		files []string
		want  string
	}{
		{"not YAML", []string{"port: [\n"}, "a.yaml:1: not YAML: did not find expected node content"},
		{"unknown key at the top", []string{"prot: 1\n"}, `a.yaml:1: prot: unknown key, did you mean "port"?; allowed: port, boats`},
		{"a field that no key sets", []string{"Ships: {}\n"}, `a.yaml:1: Ships: unknown key; allowed: port, boats`},
		{"in an entry", []string{"boats:\n  anna:\n    name: 5\n    colour: red\n"},
			"a.yaml:3: anna: name: must be a string, is 5; put it in quotes, \"5\"\na.yaml:4: anna: colour: unknown key; allowed: " + keys},
		{"the entry itself", []string{"boats:\n  anna: x\n"}, `a.yaml:2: anna: must be a mapping, is "x"`},
		{"an odd name", []string{"boats:\n  \"a b\": []\n"}, `a.yaml:2: "a b": must be a mapping, is a list`},
		{"missing", []string{"boats:\n  anna:\n    engine: {}\n"}, "a.yaml:2: anna: name: is required\na.yaml:3: anna: engine.power: is required"},
		{"null", []string{"boats:\n  anna:\n    name: ~\n"}, `a.yaml:3: anna: name: is required, is null`},
		{"blank", []string{"boats: {anna: {name: ' '}}\n"}, `a.yaml:1: anna: name: must not be blank`},
		{"beside keys that are inline", []string{"boats: {anna: {name: A, spare: {kind: x}}}\n"},
			"a.yaml:1: anna: spare.kind: unknown key; allowed: since, name\na.yaml:1: anna: spare.name: is required"},
		{"one of two", []string{"boats: {anna: {name: A, kind: steam}}\n"}, `a.yaml:1: anna: kind: must be sail or motor, is "steam"`},
		{"one of three numbers", []string{"boats: {anna: {name: A, decks: 4}}\n"}, `a.yaml:1: anna: decks: must be 1, 2 or 3, is 4`},
		{"flag", []string{"boats: {anna: {name: A, afloat: yes}}\n"}, `a.yaml:1: anna: afloat: must be true or false (or 1 or 0), is "yes"`},
		{"item", []string{"boats: {anna: {name: A, crew: [{age: 3}, 5]}}\n"},
			"a.yaml:1: anna: crew[0].name: is required\na.yaml:1: anna: crew[1]: must be a string or a mapping, is 5; put it in quotes, \"5\""},
		{"free value", []string{"boats: {anna: {name: A, free: {x: 1.5}}}\n"}, `a.yaml:1: anna: free.x: must be a string, a whole number, true or false, is 1.5`},
		{"no day", []string{"boats:\n  anna: {name: A, built: 2026-11-22 10:00:00}\n  bert: {name: A, built: 2026-02-30}\n  carl: {name: A, built: [1]}\n"},
			"a.yaml:2: anna: built: must be a date such as 2026-11-22, is \"2026-11-22 10:00:00\"\na.yaml:3: bert: built: must be a date such as 2026-11-22, is \"2026-02-30\"\n" +
				"a.yaml:4: carl: built: must be a date such as 2026-11-22, is a list"},
		{"by file, then by line", []string{"port: x\nboats:\n  anna: {}\n", "boats:\n  bert: {}\nport: y\n"},
			"a.yaml:1: port: must be a whole number, is \"x\"\na.yaml:3: anna: name: is required\n" +
				"b.yaml:2: bert: name: is required\nb.yaml:3: port: must be a whole number, is \"y\""},
		{"long value", []string{"port: " + strings.Repeat("é", 60) + "\n"}, `a.yaml:1: port: must be a whole number, is "` + strings.Repeat("é", 40) + `…"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, got := read(t, test.files...); got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

func TestPlacesWithoutEntries(t *testing.T) {
	var d strictyaml.Decoder
	root, _ := d.Parse(strictyaml.File{Name: "a.yaml", Data: []byte("boats:\n  anna:\n    name: 5\n")})
	var f fleet
	d.Bind(root, &f)
	want := "a.yaml:3: boats.anna.name: must be a string, is 5; put it in quotes, \"5\""
	if err := d.Err(); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestFind(t *testing.T) {
	var d strictyaml.Decoder
	root, _ := d.Parse(strictyaml.File{Name: "a.yaml", Data: []byte("a:\n  b.c:\n    - x\n    - y: 1\n  b: z\n")})
	for path, want := range map[string]int{"": 1, "a": 1, "a.b": 5, "a.b.c": 2, "a.b.c[1].y": 4, "a.b.c[7]": 2, "a.b.c[-1]": 2, "a.x.y": 1, "z": 1} {
		if got := root.Find(path).Place().Line; got != want {
			t.Errorf("Find(%q) is in line %d, want %d", path, got, want)
		}
	}
}

func TestOverlay(t *testing.T) {
	d := strictyaml.Decoder{Entries: "boats"}
	type raw struct {
		Boats map[string]*strictyaml.Node `yaml:"boats"`
	}
	base := map[string]*strictyaml.Node{}
	for name, text := range map[string]string{"a.yaml": "boats: {anna: {name: A, kind: sail}, bert: {name: B}}", "b.yaml": "boats:\n  anna: {name: A2, decks: 1}\n  bert: x\n  carl: {name: C}\n"} {
		root, _ := d.Parse(strictyaml.File{Name: name, Data: []byte(text)})
		var r raw
		d.Bind(root, &r)
		if name == "a.yaml" {
			base, r.Boats = r.Boats, base
		}
		d.Overlay(base, r.Boats)
	}
	if err := d.Err(); err == nil || err.Error() != `b.yaml:3: bert: must be a mapping, is "x"` {
		t.Errorf("got %v", err)
	}
	var anna, carl boat
	d.Bind(base["anna"], &anna)
	d.Bind(base["carl"], &carl)
	if want := (boat{Name: "A2", Kind: "sail", Decks: 1}); !reflect.DeepEqual(anna, want) || carl.Name != "C" {
		t.Errorf("got %+v and %+v, want %+v and C", anna, carl, want)
	}
}

func TestInherit(t *testing.T) {
	d := strictyaml.Decoder{Entries: "boats"}
	root, _ := d.Parse(strictyaml.File{Name: "a.yaml", Data: []byte(`
a: {x: {url: u, one: 1, deep: {two: 2, three: 3, url: v}, list: [1]}, y: 5}
b: {x: {deep: {three: 4}, list: [2, 3]}, z: 6}
c: {}
d: 7
e: {x: ~}
`)})
	for key, want := range map[string]string{
		"b": "{x: {deep: {three: 4, two: 2}, list: [2 3], one: 1}, z: 6}",
		"c": "{x: {one: 1, deep: {two: 2, three: 3}, list: [1]}}",
		"d": "7",
		"e": "{x: ~}",
		"a": "{x: {url: u, one: 1, deep: {two: 2, three: 3, url: v}, list: [1]}, y: 5}",
	} {
		n := root.Get(key)
		n.Inherit(root.Get("a"), "x", "url")
		n.Inherit(root.Get("a"), "none")
		if got := written(n); got != want {
			t.Errorf("%s: got %s, want %s", key, got, want)
		}
	}
}

// written is a node in the notation of flow style; scalars are told by their text.
func written(n *strictyaml.Node) string {
	switch {
	case n.IsMapping():
		var all []string
		for _, f := range n.Fields() {
			all = append(all, f.Key+": "+written(f.Value))
		}
		return "{" + strings.Join(all, ", ") + "}"
	case n.Items() != nil:
		var all []string
		for _, item := range n.Items() {
			all = append(all, written(item))
		}
		return "[" + strings.Join(all, " ") + "]"
	}
	var v struct {
		X any `yaml:"x"`
	}
	d := strictyaml.Decoder{}
	d.Bind(n, &v.X)
	if v.X == nil {
		return "~"
	}
	return fmt.Sprint(v.X)
}

func TestSchemaOf(t *testing.T) {
	b, err := json.Marshal(new(strictyaml.Decoder).SchemaOf(reflect.TypeFor[fleet]()))
	if err != nil {
		t.Fatal(err)
	}
	const person = `{"type": "object", "additionalProperties": false, "required": ["name"], "properties": {
		"name": {"type": "string", "pattern": "\\S", "description": "Name of the person."},
		"age": {"type": ["integer", "null"], "description": "Age in years."}}}`
	const crew = `{"anyOf": [{"type": "string", "pattern": "\\S"}, ` + person + `]}`
	var got, want any
	if err := json.Unmarshal([]byte(`{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "additionalProperties": false, "properties": {
			"port": {"type": ["integer", "null"], "description": "Port to listen on."},
			"boats": {"type": ["object", "null"], "description": "Every boat, by its name.", "additionalProperties": {
				"type": "object", "additionalProperties": false, "required": ["name"], "properties": {
					"name": {"type": "string", "pattern": "\\S", "description": "Name people know the boat by."},
					"kind": {"enum": ["sail", "motor", null], "description": "How it moves."},
					"decks": {"enum": [1, 2, 3, null], "description": "Number of decks."},
					"afloat": {"enum": [0, 1, true, false, null], "description": "Whether it floats."},
					"length": {"type": ["integer", "null"], "description": "Length in metres."},
					"crew": {"anyOf": [`+crew+`, {"type": "array", "items": `+crew+`}, {"type": "null"}], "description": "Who sails it."},
					"flags": {"type": ["array", "null"], "items": {"type": "string"}, "description": "Flags it carries."},
					"marks": {"type": ["object", "null"], "additionalProperties": {"type": "string"}, "description": "What is painted where."},
					"free": {"type": ["object", "null"], "additionalProperties": {"type": ["string", "integer", "boolean"]}, "description": "Anything."},
					"engine": {"type": ["object", "null"], "additionalProperties": false, "required": ["power"], "description": "What drives it.", "properties": {
						"power": {"type": "integer", "description": "Power in kilowatts."}}},
					"built": {"type": ["string", "null"], "format": "date", "description": "When it was built."},
					"spare": {"type": ["object", "null"], "additionalProperties": false, "required": ["name"], "description": "What else drives it.", "properties": {
						"since": {"type": ["string", "null"], "description": "Since when."},
						"name": {"type": "string", "pattern": "\\S", "description": "Name."}}}}}}}}`), &want); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s", b)
	}
}

func TestPageOf(t *testing.T) {
	got := string(strictyaml.PageOf(reflect.TypeFor[fleet]()))
	for _, want := range []string{
		"## The file\n\n| key | takes | |\n|---|---|---|\n| `port` | a whole number | Port to listen on. |\n| `boats` | a mapping of names, each to a mapping: [`boats.NAME`](#boatsname) | Every boat, by its name. |\n\n## `boats.NAME`\n",
		"| `name` | a text; **required** | Name people know the boat by. |\n| `kind` | `sail`, `motor` | How it moves. |\n| `decks` | `1`, `2`, `3` | Number of decks. |\n| `afloat` | true or false (or 1 or 0) | Whether it floats. |\n",
		"| `crew` | a text, or a mapping: [`boats.NAME.crew`](#boatsnamecrew); or a list of these | Who sails it. |\n| `flags` | a list, each a text | Flags it carries. |\n",
		"| `marks` | a mapping of names, each to a text | What is painted where. |\n| `free` | a mapping of names, each to a text, a whole number, true or false | Anything. |\n",
		"| `built` | a date such as 2026-11-22 | When it was built. |\n",
		"## `boats.NAME.spare`\n\n| key | takes | |\n|---|---|---|\n| `since` | a text | Since when. |\n| `name` | a text; **required** | Name. |\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("got\n%s\nwant in it\n%s", got, want)
		}
	}
}

// FuzzParse checks that no file makes the decoder panic, and that each problem
// has a place and words.
func FuzzParse(f *testing.F) {
	f.Add([]byte("port: 1\nboats: {anna: {name: A, crew: [x, {name: y}], free: {a: 1}}}\n"))
	f.Add([]byte("boats: &a {anna: *a, <<: {}}\n? [a]\n: !!int x\n---\n"))
	f.Add([]byte("boats:\n\tanna\xff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		d := strictyaml.Decoder{Entries: "boats"}
		root, ok := d.Parse(strictyaml.File{Name: "a.yaml", Data: data})
		if !ok && root != nil {
			t.Fatal("a root of what is not YAML")
		}
		if root != nil {
			var f fleet
			d.Bind(root, &f)
		}
		if !ok && d.Err() == nil {
			t.Error("not YAML, and no problem says so")
		}
		if i := slices.IndexFunc(d.Problems(), func(p strictyaml.Problem) bool { return p.File == "" || p.Line < 1 || p.Message == "" }); i >= 0 {
			t.Errorf("a problem without a place: %+v", d.Problems()[i])
		}
	})
}

// vault is a file that holds secrets.
type vault struct {
	Doors map[string]door `yaml:"doors" required:"true" doc:"Every door, by its number."`
}

type door struct {
	Code   string   `yaml:"code" doc:"Code that opens it."`
	Kind   string   `yaml:"kind" enum:"steel,wood" doc:"What it is made of."`
	Weight int64    `yaml:"weight" doc:"Weight in kilograms."`
	Keys   people   `yaml:"keys" doc:"Who has a key."`
	Marks  []string `yaml:"marks" doc:"What is painted on it."`
}

func TestSecretsAreNotRepeated(t *testing.T) {
	for text, want := range map[string]string{
		"doors: {1: {code: 12345}}\n":      `a.yaml:1: 1: code: must be a string, is a number or a date; put it in quotes`,
		"doors: {1: {code: 2026-01-02}}\n": `a.yaml:1: 1: code: must be a string, is a number or a date; put it in quotes`,
		"doors: {1: {code: true}}\n":       `a.yaml:1: 1: code: must be a string, is true or false; put it in quotes`,
		"doors: {1: {code: [x12345]}}\n":   `a.yaml:1: 1: code: must be a string, is a list`,
		"doors: {1: {code: &x12345 a}}\n":  `a.yaml:1: 1: code: anchors (&…) are not allowed; write the value out where it is needed`,
		"doors: {1: {code: *x12345}}\n":    `a.yaml:1: not YAML: unknown anchor referenced; put a text that begins with * in quotes`,
		"doors: {1: {code: &x12345 a, kind: *x12345}}\n": "a.yaml:1: 1: code: anchors (&…) are not allowed; write the value out where it is needed\n" +
			"a.yaml:1: 1: kind: aliases (*…) are not allowed; write the value out",
		"doors: {1: {code: !x12345 a}}\n": `a.yaml:1: 1: code: tags (…) are not allowed; put text in quotes and leave numbers bare`,
		"doors: {1: {kind: x12345}}\n":    `a.yaml:1: 1: kind: must be steel or wood, is some text`,
		"doors: {1: {weight: x12345}}\n":  `a.yaml:1: 1: weight: must be a whole number, is some text`,
		"doors: {1: {keys: 12345}}\n":     `a.yaml:1: 1: keys: must be a string or a mapping, is a number or a date; put it in quotes`,
		"doors: {1: x12345}\n":            `a.yaml:1: 1: must be a mapping, is some text`,
		"doors: {1: {code: \"x12345\n":    `a.yaml:2: not YAML: found unexpected end of stream`,
		"doors: {1: {code: {{ x12345 }}}}\n": "a.yaml:1: 1: code: a key must be a plain word or a string in quotes\n" +
			"a.yaml:1: 1: code: must be a string, is a mapping",
		"doors: {1: {code: {s3cretToken: a}}}\n": `a.yaml:1: 1: code: must be a string, is a mapping`,
		"doors: {1: {s3cretToken: a}}\n":         `a.yaml:1: 1: …: unknown key; allowed: code, kind, weight, keys, marks`,
		"doors: {1: {kinds: a}}\n":               `a.yaml:1: 1: kinds: unknown key, did you mean "kind"?; allowed: code, kind, weight, keys, marks`,
		"s3cretToken: a\ns3cretToken: b\n":       "a.yaml:1: …: unknown key; allowed: doors\na.yaml:1: doors: is required\na.yaml:2: …: is given twice, first in line 1",
		// Nulls and keys of digits.
		"doors: {1: {code: , marks: ~}}\n":          "a.yaml:1: 1: code: has no value; write one, or leave the key out\na.yaml:1: 1: marks: has no value; write one, or leave the key out",
		"doors: {1: {code: ' ', marks: [a, '']}}\n": "a.yaml:1: 1: code: must not be blank\na.yaml:1: 1: marks[1]: must not be blank",
		"doors:\n":                              `a.yaml:1: doors: has no value; write one, or leave the key out`,
		"doors: {1: {}, \"1\": {}}\n":           `a.yaml:1: 1: is given twice, first in line 1`,
		"doors: {1.5: {}}\n":                    `a.yaml:1: doors: the key 1.5 must be in quotes, "1.5"`,
		"doors: {0123456789012345678901: {}}\n": "",
	} {
		d := strictyaml.Decoder{Entries: "doors", Secrets: true, NoBlanks: true, DigitKeys: true}
		root, ok := d.Parse(strictyaml.File{Name: "a.yaml", Data: []byte(text)})
		if ok {
			var v vault
			d.Bind(root, &v)
		}
		got := ""
		if err := d.Err(); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s\ngot\n%s\nwant\n%s", text, got, want)
		}
	}
}

func TestSchemaWithoutBlanks(t *testing.T) {
	d := strictyaml.Decoder{NoBlanks: true}
	b, err := json.Marshal(d.SchemaOf(reflect.TypeFor[vault]()))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(b), "null") {
		t.Errorf("a schema without nulls allows null: %s", b)
	}
}

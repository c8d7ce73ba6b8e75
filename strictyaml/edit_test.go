package strictyaml

import (
	"errors"
	"os"
	"strings"
	"testing"
)

func TestEdit(t *testing.T) {
	t.Parallel()
	const plain = `# A catalog.
lists:
  # The first.
  a.test:
    name: "A" # as they write it
    url: 'https://a.test/'
    owners: Ann, and # hers
    icon:
    display: 1
    features: [one,
      two] # two of them
    text: |
      first
      second

    post: {url: "https://a.test/é: x", auth: {in: query}} # dialect

  # The last.
  c.test:
    name: C
    features:
      - one
      - two
    # That was C.
`
	order := []string{"added", "name", "url", "display", "owners", "features"}
	for _, tt := range []struct {
		name     string
		text     string // "" for the plain one
		path     string // with slashes
		value    any
		order    []string
		old, new string // what is replaced in the text, once
	}{
		{"a text in quotes", "", "lists/a.test/name", `B "b"`, order, `"A" #`, `"B \"b\"" #`},
		{"one in single quotes", "", "lists/a.test/url", "https://b.test/", order, `'https://a.test/'`, `"https://b.test/"`},
		{"a bare one", "", "lists/a.test/owners", "Bob", order, "Ann, and #", `"Bob" #`},
		{"a number", "", "lists/a.test/display", int64(0), order, "display: 1", "display: 0"},
		{"null", "", "lists/a.test/display", nil, order, "display: 1", "display: null"},
		{"nothing", "", "lists/a.test/icon", "x", order, "icon:\n", "icon: \"x\"\n"},
		{"a sequence in brackets", "", "lists/a.test/features", []string{"three", "no"}, order, "[one,\n      two] #", `[three, "no"] #`},
		{"a sequence on lines", "", "lists/c.test/features", []string{"three"}, order, "\n      - one\n      - two\n", " [three]\n"},
		{"a text on lines", "", "lists/a.test/text", "x", order, "|\n      first\n      second\n", "\"x\"\n"},
		{"a mapping in brackets", "", "lists/a.test/post", nil, order, `{url: "https://a.test/é: x", auth: {in: query}}`, "null"},
		{"within brackets", "", "lists/a.test/post/auth/in", "header", nil, "in: query", `in: "header"`},
		{"behind a character of two bytes", "", "lists/a.test/post/auth", nil, nil, "{in: query}", "null"},
		{"a new key within brackets", "", "lists/a.test/post/auth/name", "k", nil, "{in: query}", `{"name": "k", in: query}`},
		{"a new key in front", "", "lists/a.test/added", int64(5), order, "    name: \"A\"", "    added: 5\n    name: \"A\""},
		{"a new key", "", "lists/c.test/url", "https://c.test/", order, "name: C\n", "name: C\n    url: \"https://c.test/\"\n"},
		{"a new key behind all others", "", "lists/c.test/post", Mapping{{"url", "x"}, {"auth", Mapping{{"in", "query"}}}}, []string{"name", "features", "post"}, "    # That was C.\n",
			"    post:\n      url: \"x\"\n      auth:\n        in: \"query\"\n    # That was C.\n"},
		{"an entry between others", "", "lists/b.test", Mapping{{"name", "B"}, {"features", []string{"one"}}}, nil, "# dialect\n", "# dialect\n\n  b.test:\n    name: \"B\"\n    features: [one]\n"},
		{"an entry in front", "", "lists/0.test", Mapping{{"name", "0"}}, nil, "  # The first.\n", "  \"0.test\":\n    name: \"0\"\n\n  # The first.\n"},
		{"an entry at the end", "", "lists/d.test", Mapping{{"name", "D"}}, nil, "# That was C.\n", "# That was C.\n\n  d.test:\n    name: \"D\"\n"},
		{"a key of its own at the top", "", "features/one/name", "One", nil, "# A catalog.\n", "features:\n  one:\n    name: \"One\"\n# A catalog.\n"},
		{"keys that are not sorted", "b: 1\na: 2\n", "aa", "x", nil, "a: 2\n", "a: 2\naa: \"x\"\n"},
		{"an empty file", "# nothing yet", "lists/a.test/name", "A", nil, "# nothing yet", "# nothing yet\nlists:\n  a.test:\n    name: \"A\"\n"},
		{"a file that does not end a line", "a: 1", "b", int64(2), nil, "a: 1", "a: 1\nb: 2"},
		{"a key without a value at the end", "lists:", "lists/a.test/name", "A", nil, "lists:", "lists:\n  a.test:\n    name: \"A\""},
		{"lines of another system", "a: 1\r\nc: 3\r\n", "b", int64(2), nil, "a: 1\r\n", "a: 1\r\nb: 2\r\n"},
		{"JSON", `{"lists": {"a.test": {"name": "A, \"B\"", "features": []}}}`, "lists/a.test/features", []string{"one"}, nil, "[]", `["one"]`},
		{"a new entry in JSON", `{"lists": {"a.test": {}}}`, "lists/b.test", Mapping{{"name", "B"}}, nil, `{"a.test"`, `{"b.test": {"name": "B"}, "a.test"`},
		{"a long sequence", "a: 1\n", "b", strings.Fields(strings.Repeat("twelve-chars ", 12)), nil, "a: 1\n",
			"a: 1\nb: [\n  " + strings.TrimSuffix(strings.Repeat("twelve-chars, ", 8), " ") + "\n  " + strings.TrimSuffix(strings.Repeat("twelve-chars, ", 4), ", ") + "]\n"},
		{"quotes that are text", "a: [it's, 'x]']\nb: 1\n", "a", []string{"z"}, nil, "[it's, 'x]']", "[z]"},
	} {
		text := tt.text
		if text == "" {
			text = plain
		}
		if strings.Count(text, tt.old) != 1 {
			t.Fatalf("%s: %q stands in the text %d times", tt.name, tt.old, strings.Count(text, tt.old))
		}
		want := strings.Replace(text, tt.old, tt.new, 1)
		got, err := Edit(File{"f.yaml", []byte(text)}, Setting{strings.Split(tt.path, "/"), tt.value, tt.order})
		if err != nil || string(got) != want {
			t.Errorf("%s: %v\ngot\n%s\nwant\n%s", tt.name, err, got, want)
		}
	}
}

// TestEditRefuses has what it cannot edit stay, rather than mean something else.
func TestEditRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, text, path, says string }{
		{"a text over several lines", "a: one\n  two\nb: 1\n", "a", "f.yaml: a: is written in a way that cannot be edited; set it by hand"},
		{"comments within", "a: [one, # why\n  two]\n", "a", "f.yaml: a: holds a comment in line 1 or below"},
		{"comments on lines", "a:\n  - one # why\n  - two\n", "a", "holds a comment in line 2 or below"},
		{"below what is no mapping", "- one\n", "a/b", "f.yaml: a: b: is not in a mapping"},
		{"below a text", "a: x\n", "a/b/c", ""},
		{"no YAML", "a: [\n", "a", "f.yaml:1: not YAML: "},
		{"an anchor", "a: &x 1\n", "a", "f.yaml:1: a: anchors (&x) are not allowed"},
	} {
		text, err := Edit(File{"f.yaml", []byte(tt.text)}, Setting{Path: strings.Split(tt.path, "/"), Value: "new"})
		if tt.says == "" {
			if err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), tt.says) || text != nil {
			t.Errorf("%s: %q, %v, want the error %s", tt.name, text, err, tt.says)
		}
		if wrong := (*Error)(nil); errors.As(err, &wrong) != strings.HasPrefix(tt.says, "f.yaml:1: ") {
			t.Errorf("%s: the error is a %T", tt.name, err)
		}
	}
}

// TestEditCatalog sets a value of each third entry of the built-in files, which must
// change its own lines alone.
func TestEditCatalog(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"lists.yaml", "lists_defunct.yaml"} {
		text, err := os.ReadFile("../" + name)
		if err != nil {
			t.Fatal(err)
		}
		f := File{name, text}
		root, ok := new(Decoder).Parse(f)
		if !ok {
			t.Fatal("no YAML")
		}
		for i, l := range root.Get("lists").Fields() {
			if i%3 > 0 {
				continue // each file is read anew for each
			}
			var fields []Field
			for _, field := range l.Value.Fields() {
				if field.Value.kind == scalar || field.Key == "features" {
					fields = append(fields, field)
				}
			}
			field := fields[i%len(fields)]
			got, err := Edit(f, Setting{Path: []string{"lists", l.Key, field.Key}, Value: "new: value"})
			if err != nil {
				t.Errorf("%s %s: %v", l.Key, field.Key, err)
				continue
			}
			lost, added := changedLines(string(text), string(got))
			if added != "    "+field.Key+": \"new: value\"\n" || field.Key != "features" && strings.Count(lost, "\n") != 1 {
				t.Errorf("%s %s:\n%s\nbecame\n%s", l.Key, field.Key, lost, added)
			}
		}
	}
}

// changedLines returns what is between the lines that two texts begin and end
// with alike.
func changedLines(a, b string) (lost, added string) {
	as, bs := strings.SplitAfter(a, "\n"), strings.SplitAfter(b, "\n")
	for len(as) > 0 && len(bs) > 0 && as[0] == bs[0] {
		as, bs = as[1:], bs[1:]
	}
	for len(as) > 0 && len(bs) > 0 && as[len(as)-1] == bs[len(bs)-1] {
		as, bs = as[:len(as)-1], bs[:len(bs)-1]
	}
	return strings.Join(as, ""), strings.Join(bs, "")
}

func FuzzEdit(f *testing.F) {
	f.Add("lists:\n  a.test: {name: A}\n", "A: \"x\"\n# y")
	f.Add("lists:\n  a.test:\n    name: |\n      A\n", "")
	f.Add("{\"lists\": {}}", "\u2028")
	f.Fuzz(func(_ *testing.T, text, value string) {
		// set compares what it wrote with what was to be written: here nothing must panic.
		_, _ = Edit(File{"f.yaml", []byte(text)}, Setting{Path: []string{"lists", "a.test", "name"}, Value: value}, Setting{Path: []string{"lists", "b.test"}, Value: Mapping{{"name", value}, {"features", []string{value}}}})
	})
}

package catalog

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

const keyedLists = `
lists:
  free.test:
    name: Free
    url: "https://free.test/"
    api_get: "https://free.test/:id"
  gone.test:
    name: Gone
    url: "https://gone.test/"
    defunct: 1
  key.test:
    name: Key
    url: "https://key.test/"
    get: {url: "https://key.test/:id", auth: {}}
  number.test:
    name: Number
    url: "https://number.test/"
    get: {url: "https://number.test/:list_bot_id", auth: {}}
  other.test:
    name: Other
    url: "https://other.test/"
    get: {url: "https://other.test/:id", auth: {in: query, name: key}}
`

func TestLoadKeys(t *testing.T) {
	t.Parallel()
	c := mustLoad(t, "old.test: key.test", keyedLists)
	for _, tt := range []struct {
		name, file string
		want       []string // list=key
	}{
		{"empty", "", nil},
		{"comments alone", "# none yet\n", nil},
		{"one", "key.test: s3cret\n", []string{"key.test=s3cret"}},
		{"several", "other.test: two\nkey.test: one\n", []string{"key.test=one", "other.test=two"}},
		{"quoted number", `key.test: "12345678"`, []string{"key.test=12345678"}},
		{"JSON", `{"key.test": "s3cret"}`, []string{"key.test=s3cret"}},
		{"legacy id", "old.test: s3cret\n", []string{"key.test=s3cret"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			keys, err := c.LoadKeys(File{Name: "keys.yaml", Data: []byte(tt.file)})
			var got []string
			for _, id := range slices.Sorted(maps.Keys(keys)) {
				got = append(got, id+"="+keys[id].Reveal())
			}
			if err != nil || !slices.Equal(got, tt.want) {
				t.Errorf("%q, %v; want %q", got, err, tt.want)
			}
		})
	}
}

func TestBadKeys(t *testing.T) {
	t.Parallel()
	c := mustLoad(t, "", keyedLists)
	const (
		secret    = "8154711" // of digits, so that it can be a number too
		noMapping = "keys.yaml must be YAML that maps list ids to keys, each id once, one a line"
		noString  = "keys.yaml:1: key.test: the key must be a string that a header can carry; put it in quotes"
	)
	for _, tt := range []struct{ name, file, want string }{
		{"no YAML", "key.test: '" + secret, noMapping},
		{"tabs", "key.test:\n\t" + secret, noMapping},
		{"no space behind the colon", "key.test:" + secret, noMapping},
		{"a list", "- key.test: " + secret, noMapping},
		{"a number", "key.test: " + secret, noString},
		{"nothing", "key.test:", noString},
		{"blank", `key.test: " "`, noString},
		{"an object", "key.test: {token: '" + secret + "'}", noString},
		{"an array", "key.test: ['" + secret + "']", noString},
		{"unknown list", "# keys\nzzz.test: '" + secret + "'", "keys.yaml:2: what stands before the colon is no list's id"},
		{"a list that is read without", "free.test: '" + secret + "'", "keys.yaml:1: free.test: needs no key to be read"},
		{"a defunct list", "gone.test: '" + secret + "'", "keys.yaml:1: gone.test: needs no key to be read"},
		{"a list that numbers bots", "number.test: '42:" + secret + "'", "keys.yaml:1: number.test: is read by its own numbers of bots, so only with callers' keys"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			keys, err := c.LoadKeys(File{Name: "keys.yaml", Data: []byte(tt.file)})
			if err == nil || err.Error() != tt.want || keys != nil {
				t.Errorf("%d keys, %v; want %s", len(keys), err, tt.want)
			}
		})
	}
}

// Whatever is wrong with the file, its error goes to a log: no key may.
func TestKeyErrorsHoldNoKey(t *testing.T) {
	t.Parallel()
	c := mustLoad(t, "", keyedLists)
	const secret = "sEcReT-0815"
	for name, file := range map[string]string{
		"the wrong way round":         secret + ": key.test",
		"after a good line":           "key.test: " + secret + "\nzzz.test: " + secret,
		"a key without its list":      "key.test: a\n" + secret,
		"twice":                       "key.test: " + secret + "\nkey.test: " + secret,
		"two documents":               "key.test: a\n---\nother.test: " + secret,
		"an alias":                    "key.test: *" + secret,
		"an anchor":                   "key.test: &" + secret + " a",
		"a tag":                       "key.test: !" + secret + " a",
		"an unfinished quote":         "key.test: \"" + secret + "\nother.test: b",
		"a bad escape":                `key.test: "\` + secret + `"`,
		"a line break in a flow":      "{key.test: " + secret,
		"a block":                     "key.test: |\n  " + secret + "\n  " + secret,
		"bytes that are no UTF-8":     "key.test: " + secret + "\xff",
		"a key that is a whole table": "? {" + secret + ": b}\n: c",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := c.LoadKeys(File{Name: "keys.yaml", Data: []byte(file)}); err != nil && strings.Contains(err.Error(), "sEcReT") {
				t.Errorf("error: %v", err)
			}
		})
	}
}

// What no header can carry is no key.
func TestKeysThatCannotBeSent(t *testing.T) {
	t.Parallel()
	c := mustLoad(t, "", keyedLists)
	for name, file := range map[string]string{
		"a block of two lines": "key.test: |\n  one\n  two\n",
		"an escaped control":   `key.test: "a\x01b"`,
		"given twice":          "key.test: one\nkey.test: two\n",
		"two documents":        "key.test: one\n---\nother.test: two\n",
	} {
		t.Run(name, func(t *testing.T) {
			if keys, err := c.LoadKeys(File{Name: "keys.yaml", Data: []byte(file)}); err == nil {
				t.Errorf("no error, key %q", keys["key.test"].Reveal())
			}
		})
	}
	keys, err := c.LoadKeys(File{Name: "keys.yaml", Data: []byte("key.test: |\n  one\n")})
	if err != nil || keys["key.test"].Reveal() != "one" {
		t.Errorf("a block of one line: %q, %v", keys["key.test"].Reveal(), err)
	}
}

package lists

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"testing"
)

// TestFieldTable holds the rows of fields against the format and the merged
// answer: each key has one, which reads that key and fills that member.
func TestFieldTable(t *testing.T) {
	t.Parallel()
	e := named[ReadEntry](func(key string, f reflect.Value) { f.Set(reflect.ValueOf(Sources{{Path: key}})) })
	var keys, members []string
	for _, f := range Fields() {
		keys = append(keys, f.Name)
		if got := f.Sources(e); len(got) != 1 || got[0].Path != f.Name {
			t.Errorf("sources of %s: got %+v", f.Name, got)
		}
		if (f.text == nil) != (f.Kind == FieldIDs || f.Kind == FieldCount) {
			t.Errorf("%s is of kind %d, and a text: %t", f.Name, f.Kind, f.text != nil)
		}
		said := map[FieldKind]string{FieldText: `"x"`, FieldDigits: `"1"`, FieldIDs: `["123456789012345678"]`, FieldCount: `5`}[f.Kind]
		bot := merge([]ReadCall{mustRead(t, "list.test", &GetEntry{Fields: e})}, said1(f.Name, said))
		if got := string(f.AppendJSON(nil, &bot)); got != said {
			t.Errorf("%s: got %s, want %s", f.Name, got, said)
		}
		var all map[string]json.RawMessage
		text, err := json.Marshal(bot)
		if err == nil {
			err = json.Unmarshal(text, &all)
		}
		if err != nil || string(all[f.Name]) != said {
			t.Errorf("the merged bot has %s under %s, want %s (%v)", all[f.Name], f.Name, said, err)
		}
	}
	for f := range reflect.TypeFor[Bot]().Fields() {
		if name := f.Tag.Get("json"); name != "id" && name != "-" {
			members = append(members, name)
		}
	}
	if !slices.Equal(keys, members) {
		t.Errorf("the table has %q, the merged answer %q", keys, members)
	}
	format := yamlKeys[ReadEntry]()
	slices.Sort(keys)
	slices.Sort(format)
	if !slices.Equal(keys, format) {
		t.Errorf("the table has %q, the format %q", keys, format)
	}
}

// said1 is an answer of one member.
func said1(key, value string) []Answer { return said(fmt.Sprintf(`{%q:%s}`, key, value)) }

// TestCommonKeysAreOfOneField has no key name under two fields.
func TestCommonKeysAreOfOneField(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, f := range Fields() {
		for _, name := range f.common {
			if other, ok := seen[name]; ok {
				t.Errorf("%s is a name of %s and of %s", name, other, f.Name)
			}
			seen[name] = f.Name
		}
	}
	if len(seen) == 0 {
		t.Error("no common key names")
	}
}

package strictyaml

import (
	"reflect"
	"slices"
	"strings"
)

// key is one key of a mapping, as the tags of the struct field that it sets say
// it. The decoder, the schema and a page for people all read keys here.
type key struct {
	name     string
	doc      string // one sentence for people
	required bool
	enum     []string     // all values allowed; nil: any
	date     bool         // a day, as in 2026-11-22
	fit      reflect.Type // what the value must fit
	index    []int        // of the struct's field
}

// keysOf returns the keys that set a struct, in the order of its fields. Those
// of a field with inline:"true" stand beside them, but for the ones that its tag
// without names.
func keysOf(t reflect.Type) []key {
	var all []key
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Tag.Get("inline") == "true" {
			without := strings.Split(f.Tag.Get("without"), ",")
			for _, k := range keysOf(f.Type) {
				if !slices.Contains(without, k.name) {
					k.index = append([]int{i}, k.index...)
					all = append(all, k)
				}
			}
			continue
		}
		name := f.Tag.Get("yaml")
		if name == "" {
			continue
		}
		k := key{name: name, doc: f.Tag.Get("doc"), required: f.Tag.Get("required") == "true", date: f.Tag.Get("date") == "true", fit: f.Type, index: f.Index}
		if enum := f.Tag.Get("enum"); enum != "" {
			k.enum = strings.Split(enum, ",")
		}
		all = append(all, k)
	}
	return all
}

func namesOf(keys []key) []string {
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = k.name
	}
	return names
}

package catalog

import (
	"reflect"
	"testing"
)

func TestChanges(t *testing.T) {
	t.Parallel()
	load := func(lists, legacy string) *Catalog {
		c, _, err := Load([]File{{Name: "lists.yaml", Data: []byte(lists)}}, File{Name: "legacy_ids.yaml", Data: []byte(legacy)})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	const (
		a      = "  a.test: {name: A, url: \"https://a.test/\"}\n"
		b      = "  b.test: {name: B, url: \"https://b.test/\", post: {url: \"https://b.test/:id\", fields: {server_count: n}, limits: [{per: bot, requests: 1, seconds: 60}]}}\n"
		slower = "  b.test: {name: B, url: \"https://b.test/\", post: {url: \"https://b.test/:id\", fields: {server_count: n}, limits: [{per: bot, requests: 1, seconds: 90}]}}\n"
		c      = "  c.test: {name: C, url: \"https://c.test/\"}\n"
	)
	for name, tt := range map[string]struct {
		before, after *Catalog
		want          Changes
	}{
		"none":        {load("lists:\n"+a+b, ""), load("lists:\n"+b+a, ""), Changes{}},
		"a limit":     {load("lists:\n"+a+b, ""), load("lists:\n"+a+slower, ""), Changes{Changed: []string{"b.test"}}},
		"lists":       {load("lists:\n"+a+b, ""), load("lists:\n"+c+slower, ""), Changes{Added: []string{"c.test"}, Removed: []string{"a.test"}, Changed: []string{"b.test"}}},
		"a legacy id": {load("lists:\n"+a, "x.test: a.test\n"), load("lists:\n"+a, "y.test: a.test\n"), Changes{LegacyIDs: true}},
		"a feature": {load("features:\n  f: {name: F, display: 1, type: 1, description: d}\nlists:\n"+a, ""), load("lists:\n"+a, ""),
			Changes{Features: true}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := tt.before.ChangesTo(tt.after); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("%+v, want %+v", got, tt.want)
			}
		})
	}
}

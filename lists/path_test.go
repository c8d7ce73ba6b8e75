package lists

import (
	"strings"
	"testing"

	"aggregator/rawjson"
)

func TestPath(t *testing.T) {
	const answer = `{"a": {"b": 1}, "shards": [{"n": 1, "name": "x"}, {"n": 2, "name": "Y"}], "keys": {"k1": 0, "k2": 0}}`
	v, ok := rawjson.Parse([]byte(answer))
	if !ok {
		t.Fatal("the test's answer is no JSON")
	}
	for path, want := range map[string]string{
		"a.b": "1", "a.c": "", "shards[].n": "1 2", "shards[-1].n": "2", "shards[name=y].n": "2", "keys{}": `"k1" "k2"`, "a.b.c": "", "shards.n": "",
	} {
		p, err := ParsePath(path)
		if err != nil || p.IsZero() {
			t.Errorf("%s: error %v, want a path", path, err)
			continue
		}
		var got []string
		for _, found := range p.Values(v) {
			got = append(got, string(found.Raw()))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s leads to %q, want %q", path, got, want)
		}
	}
	for _, path := range []string{"", "a.", "a[", "a[1]", ".a"} {
		if p, err := ParsePath(path); err == nil || !p.IsZero() || !strings.Contains(err.Error(), "cannot be followed") {
			t.Errorf("%q: error %v, want that it cannot be followed", path, err)
		}
	}
	if got := (Path{}).Values(v); got != nil {
		t.Errorf("the zero Path leads to %d values", len(got))
	}
}

package strictyaml_test

import (
	"strings"
	"testing"

	"aggregator/strictyaml"
)

func TestJSON(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ yaml, want, problem string }{
		{"b: 1\na: [x, true, null, -2, 1.5, ~]\n", `{"b":1,"a":["x",true,null,-2,1.5,null]}`, ""},
		{"\"200\": |\n  two\n  lines\nday: 2026-11-25\n", `{"200":"two\nlines\n","day":"2026-11-25"}`, ""},
		{"a: \"<é & \\\"b\\\">\"\n", `{"a":"<é & \"b\">"}`, ""},
		{"a: {}\nb: []\n", `{"a":{},"b":[]}`, ""},
		{"", "null", ""},
		{"a: 0x10\n", "", "0x10"},
		{"a: .inf\n", "", ".inf"},
		{"a: 1\na: 2\n", "", "twice"},
		{"a: &b 1\n", "", "anchors"},
		{"a: [\n", "", "not YAML"},
		{strings.Repeat("[", 60) + strings.Repeat("]", 60), strings.Repeat("[", 60) + strings.Repeat("]", 60), ""},
		{strings.Repeat("[", 70) + strings.Repeat("]", 70), "", "at most 64 levels"},
	} {
		got, err := strictyaml.JSON(strictyaml.File{Name: "f.yaml", Data: []byte(tt.yaml)})
		if tt.problem != "" {
			if err == nil || !strings.Contains(err.Error(), tt.problem) {
				t.Errorf("%q: %s, %v; want a problem with %q", tt.yaml, got, err, tt.problem)
			}
			continue
		}
		if err != nil || string(got) != tt.want {
			t.Errorf("%q: %s, %v\nwant %s", tt.yaml, got, err, tt.want)
		}
	}
}

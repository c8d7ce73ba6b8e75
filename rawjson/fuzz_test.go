package rawjson_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/encoding/unicode"

	"aggregator/rawjson"
)

// decodeUTF8 decodes text as the WHATWG Encoding Standard says.
func decodeUTF8(t *testing.T, text []byte) string {
	t.Helper()
	b, err := unicode.UTF8.NewDecoder().Bytes(text)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return string(b)
}

// FuzzParse compares with encoding/json: what is taken, and what is read.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		``, ` `, `{}`, `[]`, `null`, `true`, `"x"`, `-1.5e+3`, `01`, `[1,]`, `{"a":1,"a":2}`, `{"a":{"b":[1,"c",{"d":null}]},"\u0061":5}`,
		`"\ud83d\ude00\ud83d\u0041\ude00\"\\"`, "\"\xff\xe2\x82\"", "\ufeff{}", `{"a" : [ 1 , 2 ] } `, `"\u2028\/\b"`, strings.Repeat("[", 70) + strings.Repeat("]", 70),
		`{"a":"\\","b":"\\\""}`, strings.Repeat("9", 401), `[[],{},[{}],"]"]`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		v, ok := rawjson.Parse(text)
		if want := json.Valid(text); ok != want {
			t.Fatalf("Parse(%q): got ok %v, want %v", text, ok, want)
		}
		if !ok {
			return
		}
		if v.UTF8() != utf8.Valid(text) || !utf8.Valid(v.Raw()) || !json.Valid(v.Raw()) {
			t.Errorf("%q: UTF8 %v, raw %q", text, v.UTF8(), v.Raw())
		}
		repaired := []byte(decodeUTF8(t, text))
		if again, ok := rawjson.Parse(v.Raw()); !ok || string(again.Raw()) != string(v.Raw()) {
			t.Errorf("%q is repaired to %q, and again to %q", text, v.Raw(), again.Raw())
		}
		sameAs(t, v, repaired)
	})
}

// sameAs compares v with what encoding/json reads in text.
func sameAs(t *testing.T, v rawjson.Value, text []byte) {
	t.Helper()
	switch v.Kind() {
	case rawjson.String:
		var want string
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if got, _ := v.Text(); got != want {
			t.Errorf("Text of %q: got %q, want %q", text, got, want)
		}
	case rawjson.Array:
		var want []json.RawMessage
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		i := 0
		for item := range v.Items() {
			if i >= len(want) {
				t.Fatalf("%q has more items than %d", text, len(want))
			}
			sameAs(t, item, want[i])
			i++
		}
		if i != len(want) {
			t.Errorf("%q has %d items, want %d", text, i, len(want))
		}
	case rawjson.Object:
		var want map[string]json.RawMessage
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		members := v.Members()
		if len(members) != len(want) {
			t.Errorf("%q has %d members, want %d", text, len(members), len(want))
		}
		for _, m := range members {
			sameAs(t, m.Value, want[m.Key])
			if got := v.Get(m.Key); string(got.Raw()) != string(m.Value.Raw()) {
				t.Errorf("Get(%q) of %q: got %q, want %q", m.Key, text, got.Raw(), m.Value.Raw())
			}
		}
	case rawjson.Number:
		if got, _ := v.Number(); got != strings.TrimSpace(string(text)) {
			t.Errorf("Number of %q: got %q", text, got)
		}
	case rawjson.Bool:
		if got, _ := v.Bool(); got != (strings.TrimSpace(string(text)) == "true") {
			t.Errorf("Bool of %q: got %v", text, got)
		}
	case rawjson.None:
		t.Errorf("%q has no kind", text)
	}
}

package rawjson_test

import (
	"encoding/json"
	"strings"
	"testing"

	"aggregator/rawjson"
)

func mustParse(t testing.TB, text string) rawjson.Value {
	t.Helper()
	v, ok := rawjson.Parse([]byte(text))
	if !ok {
		t.Fatalf("Parse(%q): got no JSON, want a value", text)
	}
	return v
}

func TestParse(t *testing.T) {
	deep := func(n int) string { return strings.Repeat(`[`, n) + strings.Repeat(`]`, n) }
	digits := func(n int) string { return strings.Repeat("7", n) }
	for _, test := range []struct {
		name, text  string
		kind        rawjson.Kind // None: no JSON
		raw         string       // "": as text
		notPortable bool
		notUTF8     bool
	}{
		{name: "empty"},
		{name: "only white space", text: " \n"},
		{name: "byte order mark", text: "\ufeff{}"},
		{name: "null", text: "null", kind: rawjson.Null},
		{name: "true", text: "true", kind: rawjson.Bool},
		{name: "false", text: "false", kind: rawjson.Bool},
		{name: "capitals", text: "True"},
		{name: "cut word", text: "tru"},
		{name: "long word", text: "truex"},
		{name: "white space around", text: " \t\r\n5 \n", kind: rawjson.Number, raw: "5"},
		{name: "other white space", text: "\v5"},
		{name: "two values", text: "1 2"},
		{name: "zero", text: "0", kind: rawjson.Number},
		{name: "minus zero", text: "-0", kind: rawjson.Number},
		{name: "number in full", text: "-12.50e+07", kind: rawjson.Number},
		{name: "leading zero", text: "01"},
		{name: "minus alone", text: "-"},
		{name: "plus", text: "+1"},
		{name: "dot at the end", text: "1."},
		{name: "dot at the start", text: ".5"},
		{name: "exponent without digits", text: "1e+"},
		{name: "hexadecimal", text: "0x10"},
		{name: "not a number", text: "NaN"},
		{name: "longest portable number", text: "-1." + digits(398) + "e7", kind: rawjson.Number},
		{name: "number too long", text: "1." + digits(398) + "e77", kind: rawjson.Number, notPortable: true},
		{name: "number too long within", text: `{"a":[1,` + digits(401) + `]}`, kind: rawjson.Object, notPortable: true},
		{name: "digits in a string", text: `"` + digits(500) + `"`, kind: rawjson.String},
		{name: "many numbers", text: "[" + strings.Repeat("12,", 400) + "1]", kind: rawjson.Array},
		{name: "string", text: `"a\"\\\/\b\f\n\r\t\u00e9é"`, kind: rawjson.String},
		{name: "unknown escape", text: `"\x"`},
		{name: "short unicode escape", text: `"\u00e"`},
		{name: "bad unicode escape", text: `"\u00eg"`},
		{name: "string without an end", text: `"a`},
		{name: "string that ends in an escape", text: `"a\"`},
		{name: "line break in a string", text: "\"a\nb\""},
		{name: "NUL in a string", text: "\"\x00\""},
		{name: "DEL in a string", text: "\"\x7f\"", kind: rawjson.String},
		{name: "empty array", text: "[ ]", kind: rawjson.Array},
		{name: "empty object", text: "{ }", kind: rawjson.Object},
		{name: "array", text: `[1 , "a",[ ],{}]`, kind: rawjson.Array},
		{name: "comma at the end", text: "[1,]"},
		{name: "comma at the start", text: "[,1]"},
		{name: "no comma", text: "[1 2]"},
		{name: "no end", text: "[1"},
		{name: "other end", text: "[1}"},
		{name: "one end too many", text: "[1]]"},
		{name: "object", text: `{ "a" : 1 , "b":{"c":[null]} }`, kind: rawjson.Object},
		{name: "object with a comma at the end", text: `{"a":1,}`},
		{name: "no colon", text: `{"a" 1}`},
		{name: "no value", text: `{"a":}`},
		{name: "key that is no string", text: `{1:2}`},
		{name: "comment", text: `{} // x`},
		{name: "as deep as is portable", text: deep(64), kind: rawjson.Array},
		{name: "too deep", text: deep(65), kind: rawjson.Array, notPortable: true},
		{name: "too deep in the middle", text: "[1," + deep(64) + ",2]", kind: rawjson.Array, notPortable: true},
		{name: "brackets in a string", text: `"` + deep(99) + `"`, kind: rawjson.String},
		{name: "wide is not deep", text: "[" + strings.Repeat("[[]],", 100) + "1]", kind: rawjson.Array},
		{name: "as deep as can be read", text: deep(10_000), kind: rawjson.Array, notPortable: true},
		{name: "deeper than can be read", text: deep(10_001)},
		{name: "bad byte", text: "\"a\xffb\"", kind: rawjson.String, raw: `"a` + "\ufffd" + `b"`, notUTF8: true},
		{name: "bad byte in a key", text: "{\"\xff\":1}", kind: rawjson.Object, raw: `{"` + "\ufffd" + `":1}`, notUTF8: true},
		{name: "bad byte outside", text: "{\xff}"},
		{name: "bad byte before", text: "\xff{}"},
		{name: "cut sign", text: "\"\xe2\x82\"", kind: rawjson.String, raw: `"` + "\ufffd" + `"`, notUTF8: true},
		{name: "escape of a bad byte", text: "\"\\\xff\""},
		{name: "pair of surrogates", text: `"\ud83d\ude00"`, kind: rawjson.String},
		{name: "first half", text: `"\ud83d!"`, kind: rawjson.String, raw: `"\ufffd!"`},
		{name: "second half", text: `"\ude00"`, kind: rawjson.String, raw: `"\ufffd"`},
		{name: "halves the wrong way round", text: `"\ude00\ud83d"`, kind: rawjson.String, raw: `"\ufffd\ufffd"`},
		{name: "half before a pair", text: `"\uD83D\uD83D\uDE00"`, kind: rawjson.String, raw: `"\ufffd\uD83D\uDE00"`},
		{name: "half before another escape", text: `"\ud83d\n\\ud83d"`, kind: rawjson.String, raw: `"\ufffd\n\\ud83d"`},
		{name: "half in a key, and a bad byte", text: "{\"\\ud83d\":\"\xff\"}", kind: rawjson.Object, raw: "{\"\\ufffd\":\"\ufffd\"}", notUTF8: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := strings.Clone(test.text)
			text := []byte(test.text)
			v, ok := rawjson.Parse(text)
			if want := test.kind != rawjson.None; ok != want {
				t.Fatalf("Parse(%.80q): got ok %v, want %v", test.text, ok, want)
			}
			if string(text) != before {
				t.Errorf("Parse changed its text to %q", text)
			}
			if got := json.Valid(text); got != ok {
				t.Errorf("encoding/json takes it: %v, and Parse: %v", got, ok)
			}
			if v.Kind() != test.kind {
				t.Errorf("kind: got %v, want %v", v.Kind(), test.kind)
			}
			want := test.raw
			if want == "" && ok {
				want = test.text
			}
			if got := string(v.Raw()); got != want {
				t.Errorf("raw: got %.80q, want %.80q", got, want)
			}
			if v.Portable() == test.notPortable {
				t.Errorf("portable: got %v, want %v", v.Portable(), !test.notPortable)
			}
			if v.UTF8() == test.notUTF8 {
				t.Errorf("UTF-8: got %v, want %v", v.UTF8(), !test.notUTF8)
			}
		})
	}
}

// membersOf writes the members of v as key=value, one after the other.
func membersOf(v rawjson.Value) string {
	var all []string
	for _, m := range v.Members() {
		all = append(all, m.Key+"="+string(m.Value.Raw()))
	}
	return strings.Join(all, " ")
}

func TestMembers(t *testing.T) {
	var many, wantMany strings.Builder
	for _, c := range "abcdefghijklmnopqrstuvwxyz" {
		many.WriteString(`"` + string(c) + `":1,`)
		if c != 'c' && c != 'x' {
			wantMany.WriteString(string(c) + "=1 ")
		}
	}
	for _, test := range []struct{ name, text, want string }{
		{"none", `{}`, ``},
		{"in the order written", `{"b":1,"a":"x","c":[1, {"d":"}"}]}`, `b=1 a="x" c=[1, {"d":"}"}]`},
		{"white space", " {\n\"a\" :\t1 ,\r\n \"b\" : { } } ", `a=1 b={ }`},
		{"the last of a key counts, in its place", `{"a":1,"b":2,"a":3}`, `b=2 a=3`},
		{"three times", `{"a":1,"a":2,"b":4,"a":3}`, `b=4 a=3`},
		{"a key in escapes", `{"a":1,"\u0061":2,"a\"\\b":3}`, `a=2 a"\b=3`},
		{"many", `{` + many.String() + `"c":2,"x":null}`, wantMany.String() + `c=2 x=null`},
		{"no key is empty", `{"":1," ":2}`, `=1  =2`},
		{"digits", `{"n":12345678901234567890.10e5}`, `n=12345678901234567890.10e5`},
		{"backslashes before a quote", `{"a":"x\\","b":"\\\"","c":"\\\\\\"}`, `a="x\\" b="\\\"" c="\\\\\\"`},
		{"an array", `[1]`, ``},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := mustParse(t, test.text)
			if got := membersOf(v); got != test.want {
				t.Errorf("Members of %s: got %s, want %s", test.text, got, test.want)
			}
			for _, m := range v.Members() {
				if got := v.Get(m.Key); string(got.Raw()) != string(m.Value.Raw()) {
					t.Errorf("Get(%q) of %s: got %s, want %s", m.Key, test.text, got.Raw(), m.Value.Raw())
				}
			}
		})
	}
	if mustParse(t, "{}").Members() == nil || mustParse(t, "5").Members() != nil {
		t.Error("Members: want an empty slice of an empty object, nil of a number")
	}
}

func TestGet(t *testing.T) {
	v := mustParse(t, `{"a":{"b":[1,{"c":"x"}]},"a\"":2,"n":null}`)
	for _, test := range []struct {
		got  rawjson.Value
		want string
	}{
		{v.Get("a").Get("b"), `[1,{"c":"x"}]`},
		{v.Get(`a"`), `2`},
		{v.Get(`a\"`), ``},
		{v.Get("n"), `null`},
		{v.Get("none"), ``},
		{v.Get("n").Get("none").Get("none"), ``},
		{rawjson.Value{}.Get("a"), ``},
	} {
		if got := string(test.got.Raw()); got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
}

func TestItems(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{`[]`, ``},
		{` [ ] `, ``},
		{`[1]`, `1`},
		{`[ 1 , "a,]" ,[ 2, 3],{"b":[]}, null]`, `1|"a,]"|[ 2, 3]|{"b":[]}|null`},
		{`{"a":1}`, ``},
		{`5`, ``},
	} {
		var all []string
		for v := range mustParse(t, test.text).Items() {
			all = append(all, string(v.Raw()))
		}
		if got := strings.Join(all, "|"); got != test.want {
			t.Errorf("Items of %s: got %s, want %s", test.text, got, test.want)
		}
	}
	for v := range mustParse(t, `[1,2]`).Items() {
		if string(v.Raw()) != "1" {
			t.Errorf("got %s after the loop ended", v.Raw())
		}
		break
	}
	for v := range (rawjson.Value{}).Items() {
		t.Errorf("got %s of nothing", v.Raw())
	}
}

func TestScalars(t *testing.T) {
	for _, test := range []struct {
		text         string
		str, num     string
		isStr, isNum bool
		is, isBool   bool
	}{
		{text: `"a\u00e9\n\"\/\\\b\f\r\t\ud83d\ude00"`, str: "aé\n\"/\\\b\f\r\t😀", isStr: true},
		{text: `"\ud83dx"`, str: "\ufffdx", isStr: true},
		{text: `""`, isStr: true},
		{text: `12345678901234567890.10`, num: "12345678901234567890.10", isNum: true},
		{text: `-0`, num: "-0", isNum: true},
		{text: `true`, is: true, isBool: true},
		{text: `false`, isBool: true},
		{text: `null`},
		{text: `["a"]`},
		{text: `{"a":1}`},
	} {
		v := mustParse(t, test.text)
		if got, ok := v.Text(); got != test.str || ok != test.isStr {
			t.Errorf("Text of %s: got %q, %v, want %q, %v", test.text, got, ok, test.str, test.isStr)
		}
		if got, ok := v.Number(); got != test.num || ok != test.isNum {
			t.Errorf("Number of %s: got %q, %v, want %q, %v", test.text, got, ok, test.num, test.isNum)
		}
		if got, ok := v.Bool(); got != test.is || ok != test.isBool {
			t.Errorf("Bool of %s: got %v, %v, want %v, %v", test.text, got, ok, test.is, test.isBool)
		}
	}
	var none rawjson.Value
	if _, ok := none.Text(); ok || none.Kind() != rawjson.None || !none.IsZero() || none.Raw() != nil || !none.Portable() || !none.UTF8() {
		t.Errorf("the zero Value holds something: %+v", none)
	}
}

func TestValueMarshals(t *testing.T) {
	b, err := json.Marshal(struct{ A, B rawjson.Value }{A: mustParse(t, ` {"n":1.50} `)})
	if got, want := string(b), `{"A":{"n":1.50},"B":null}`; err != nil || got != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}

package rawjson_test

import (
	"encoding/json"
	"testing"

	"aggregator/rawjson"
)

func TestAppend(t *testing.T) {
	b := []byte("{")
	b = rawjson.AppendString(rawjson.AppendKey(b, "a"), "{[:,")
	b = rawjson.AppendInt(rawjson.AppendKey(b, `b"`), -9007199254740991)
	b = append(rawjson.AppendKey(b, "c"), '[')
	for i := range int64(3) {
		b = rawjson.AppendInt(rawjson.AppendComma(b), i)
	}
	b = append(b, ']')
	b = append(rawjson.AppendKey(append(rawjson.AppendKey(b, "d"), '{'), "e"), "{}}"...)
	b = rawjson.AppendValue(rawjson.AppendKey(b, "f"), mustParse(t, " [1.0, 2] "))
	b = rawjson.AppendValue(rawjson.AppendKey(b, "g"), rawjson.Value{})
	b = rawjson.AppendBool(rawjson.AppendKey(b, "h"), true)
	b = append(b, '}')
	if got, want := string(b), `{"a":"{[:,","b\"":-9007199254740991,"c":[0,1,2],"d":{"e":{}},"f":[1.0, 2],"g":null,"h":true}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := string(rawjson.AppendComma(nil)); got != "" {
		t.Errorf("a comma before everything: %q", got)
	}
}

func TestAppendString(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"", `""`},
		{"plain é😀 <&>/", `"plain é😀 <&>/"`},
		{"\"\\\n\r\t\b\f\x00\x1f\x7f", `"\"\\\n\r\t\u0008\u000c\u0000\u001f` + "\x7f\""},
		{"a\u2028b\u2029\u2027\u202a", `"a\u2028b\u2029` + "\u2027\u202a\""},
		{"a\xffb\xe2\x82", "\"a\ufffdb\ufffd\""},
		{"\ufffd", "\"\ufffd\""},
	} {
		got := string(rawjson.AppendString(nil, test.text))
		if got != test.want {
			t.Errorf("AppendString(%q): got %s, want %s", test.text, got, test.want)
		}
	}
	if got, want := string(rawjson.AppendString([]byte("x"), "y")), `x"y"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAppendUTF8(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"", ""},
		{"aé€😀", "aé€😀"},
		{"\xff\xfe", "\ufffd\ufffd"},
		{"\x80\xbf", "\ufffd\ufffd"},
		{"\xc0\xaf", "\ufffd\ufffd"},
		{"\xe2\x82", "\ufffd"},
		{"\xe2\x82a", "\ufffda"},
		{"\xf0\x9f\x98a", "\ufffda"},
		{"\xe0\x80\x80", "\ufffd\ufffd\ufffd"},
		{"\xed\xa0\x80", "\ufffd\ufffd\ufffd"},
		{"\xf4\x90\x80\x80", "\ufffd\ufffd\ufffd\ufffd"},
		{"\xf0\x80\x80\x80", "\ufffd\ufffd\ufffd\ufffd"},
		{"\xf5\x80", "\ufffd\ufffd"},
		{"\xe2\xe2\x82\xac", "\ufffd€"},
	} {
		if got := string(rawjson.AppendUTF8(nil, []byte(test.text))); got != test.want {
			t.Errorf("AppendUTF8(%q): got %q, want %q", test.text, got, test.want)
		}
	}
}

func FuzzAppendString(f *testing.F) {
	f.Add([]byte("a\xff\u2028\x00\"\\é"))
	f.Add([]byte("\xf0\x9f\x98\xe2"))
	f.Fuzz(func(t *testing.T, text []byte) {
		written := rawjson.AppendString(nil, string(text))
		var got string
		if err := json.Unmarshal(written, &got); err != nil {
			t.Fatalf("%q is written as %s: %v", text, written, err)
		}
		if want := decodeUTF8(t, text); got != want {
			t.Errorf("%q is read back as %q, want %q", text, got, want)
		}
		if back, ok := mustParse(t, string(written)).Text(); back != got || !ok {
			t.Errorf("%s is read as %q, want %q", written, back, got)
		}
	})
}

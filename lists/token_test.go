package lists

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"aggregator/rawjson"
)

const someSecret = "s3cr3t/tok3n+of=a.bot"

// shows tells whether text holds the secret, in letters or in the numbers of
// its bytes.
func shows(text, secret string) bool {
	numbers := strings.Trim(fmt.Sprint([]byte(secret)), "[]")
	quoted, _ := json.Marshal(secret)
	escaped := string(quoted[1 : len(quoted)-1])
	for _, form := range []string{secret, escaped, hex.EncodeToString([]byte(secret)), numbers} {
		if strings.Contains(strings.ToLower(text), strings.ToLower(form)) {
			return true
		}
	}
	return false
}

type tokenHolder struct {
	Token   Token
	Pointer *Token
	hidden  Token
	nested  struct{ token *Token }
}

// tokenHolders are values with a token somewhere in them.
func tokenHolders(t *testing.T) map[string]any {
	t.Helper()
	token := NewToken(someSecret, "42")
	held := tokenHolder{Token: token, Pointer: &token, hidden: token}
	held.nested.token = &token
	l := mustList(t, "list.test", Entry{APIPost: "https://list.test/:id", APIField: "n"})
	call, _ := l.PlanPost(Count{BotID: someBot}, token, "agent")
	return map[string]any{
		"token":             token,
		"pointer":           &token,
		"pointer pointer":   new(&token),
		"struct":            held,
		"pointer to struct": &held,
		"map":               map[string]Token{"list.test": token},
		"map of structs":    map[string]tokenHolder{"list.test": held},
		"slice":             []Token{token},
		"slice of structs":  []tokenHolder{held},
		"array":             [1]Token{token},
		"any":               []any{token, &token, held},
		"error":             fmt.Errorf("posting with %v: %w", token, errors.New("no")),
		"call":              call,
		"pointer to call":   &call,
		"calls":             []Call{call},
	}
}

func TestTokenNeverShowsInFormats(t *testing.T) {
	t.Parallel()
	for name, v := range tokenHolders(t) {
		t.Run(name, func(t *testing.T) {
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%+s", "%q", "%#q", "%x", "%X", "% x", "%#x", "%d", "%c", "%U", "%o", "%b", "%e", "%t", "%p", "%T", "%9s", "%-9v", "%w"} {
				if got := fmt.Sprintf(verb, v); shows(got, someSecret) {
					t.Errorf("%s shows the secret: %s", verb, got)
				}
			}
			for _, got := range []string{fmt.Sprint(v), fmt.Sprintln(v), fmt.Errorf("%v", v).Error()} {
				if shows(got, someSecret) {
					t.Errorf("shows the secret: %s", got)
				}
			}
		})
	}
}

func TestTokenFormatsAsMask(t *testing.T) {
	t.Parallel()
	token := NewToken(someSecret, "42")
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%9s"} {
		for _, v := range []any{token, &token} {
			if got := fmt.Sprintf(verb, v); got != Mask {
				t.Errorf("%s of a %T is %q, want %q", verb, v, got, Mask)
			}
		}
	}
	if got := token.String(); got != Mask {
		t.Errorf("String() is %q", got)
	}
	if got := token.GoString(); got != Mask {
		t.Errorf("GoString() is %q", got)
	}
}

func TestTokenNeverShowsInJSON(t *testing.T) {
	t.Parallel()
	for name, v := range tokenHolders(t) {
		if name == "error" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			got, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			if shows(string(got), someSecret) {
				t.Errorf("shows the secret: %s", got)
			}
		})
	}
	token := NewToken(someSecret, "")
	for name, tt := range map[string]struct {
		v    any
		want string
	}{
		"token":   {token, `"***"`},
		"struct":  {tokenHolder{Token: token, hidden: token}, `{"Token":"***","Pointer":null}`},
		"pointer": {tokenHolder{Pointer: &token}, `{"Token":"***","Pointer":"***"}`},
		"key":     {map[Token]int{token: 1}, `{"***":1}`},
	} {
		if got, err := json.Marshal(tt.v); string(got) != tt.want || err != nil {
			t.Errorf("%s: %s, %v; want %s", name, got, err, tt.want)
		}
	}
}

func TestTokenNeverShowsInLogs(t *testing.T) {
	t.Parallel()
	for name, v := range tokenHolders(t) {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
				log := slog.New(h)
				log.Info("posting", "value", v)
				log.With("value", v).WithGroup("group").Info("posting", slog.Group("in", "value", v))
				log.Info(fmt.Sprint("posting ", v))
			}
			if out.Len() == 0 || shows(out.String(), someSecret) {
				t.Errorf("shows the secret: %s", &out)
			}
		})
	}
	var out bytes.Buffer
	slog.New(slog.NewJSONHandler(&out, nil)).Info("posting", "token", NewToken(someSecret, ""))
	if !strings.Contains(out.String(), `"token":"***"`) {
		t.Errorf("no mask in the log: %s", &out)
	}
}

func TestTokenReveal(t *testing.T) {
	t.Parallel()
	if got := NewToken(someSecret, "").Reveal(); got != someSecret {
		t.Errorf("Reveal() is %q", got)
	}
	if got := (Token{}).Reveal(); got != "" {
		t.Errorf("Reveal() of no token is %q", got)
	}
	for _, tt := range []struct {
		token Token
		zero  bool
	}{{Token{}, true}, {NewToken("", ""), true}, {NewToken("", "42"), true}, {NewToken("t", ""), false}} {
		if tt.token.IsZero() != tt.zero {
			t.Errorf("IsZero() of %q is %t", tt.token.Reveal(), !tt.zero)
		}
	}
}

// jsonValue is a JSON value; the zero Value where text is none.
func jsonValue(text string) rawjson.Value {
	v, _ := rawjson.Parse([]byte(text))
	return v
}

func TestParseToken(t *testing.T) {
	t.Parallel()
	const (
		notString = "Bad token: must be a string"
		badObject = `Bad token: an object must be {"token": "…", "bot_id": "…"}`
		badSign   = "Bad token: holds a character that no header can carry"
		none      = "No token"
	)
	long := strings.Repeat("x", 8000)
	for _, tt := range []struct {
		name, raw      string
		secret, number string
		skipped        string
	}{
		{name: "string", raw: `"abc"`, secret: "abc"},
		{name: "string with a prefix", raw: `"Bearer abc"`, secret: "Bearer abc"},
		{name: "string with a number", raw: `"42:abc"`, secret: "42:abc"},
		{name: "white space around it", raw: `" \tabc\t "`, secret: "abc"},
		{name: "space and tab within", raw: `"a b\tc"`, secret: "a b\tc"},
		{name: "quotes and backslash", raw: `"a\"b\\c"`, secret: `a"b\c`},
		{name: "emoji", raw: `"a🤖b"`, secret: "a🤖b"},
		{name: "emoji as escapes", raw: `"a\ud83e\udd16b"`, secret: "a🤖b"},
		{name: "8000 characters", raw: `"` + long + `"`, secret: long},

		{name: "null", raw: `null`, skipped: none},
		{name: "empty", raw: `""`, skipped: none},
		{name: "spaces", raw: `"  "`, skipped: none},
		{name: "tab", raw: `"\t"`, skipped: none},
		{name: "line break alone", raw: `"\n"`, skipped: none},
		{name: "no-break space", raw: `"\u00a0"`, skipped: none},

		{name: "number", raw: `5`, skipped: notString},
		{name: "boolean", raw: `true`, skipped: notString},
		{name: "array", raw: `["abc"]`, skipped: notString},
		{name: "empty array", raw: `[]`, skipped: notString},
		{name: "no JSON", raw: `{`, skipped: notString},
		{name: "nothing", raw: ``, skipped: notString},

		{name: "line break", raw: `"a\nb"`, skipped: badSign},
		{name: "line break at the end", raw: `"ab\n"`, secret: "ab"},
		{name: "line breaks at both ends", raw: `"\r\n\tab\r\n"`, secret: "ab"},
		{name: "no-break spaces around it", raw: `"\u00a0ab\u202f\u00a0"`, secret: "ab"},
		{name: "byte order mark before it", raw: `"\ufeffab"`, secret: "ab"},
		{name: "zero width signs around it", raw: `"\u200b\u200dab\u2060\u200e\u00ad"`, secret: "ab"},
		{name: "invisible letter after it", raw: `"ab\u3164"`, secret: "ab"},
		{name: "zero width sign within", raw: `"a\u200bb"`, secret: "a\u200bb"},
		{name: "byte order mark alone", raw: `"\ufeff"`, skipped: none},
		{name: "the text undefined", raw: `"undefined"`, skipped: none},
		{name: "the text null", raw: `" null\n"`, skipped: none},
		{name: "the text undefined in an object", raw: `{"token":"undefined"}`, skipped: none},
		{name: "a word with undefined in it", raw: `"undefined1"`, secret: "undefined1"},
		{name: "carriage return", raw: `"a\rb"`, skipped: badSign},
		{name: "NUL", raw: `"a\u0000b"`, skipped: badSign},
		{name: "escape", raw: `"\u001b[0m"`, skipped: badSign},
		{name: "DEL", raw: `"a\u007fb"`, skipped: badSign},

		{name: "object", raw: `{"token":"abc"}`, secret: "abc"},
		{name: "object with a number as a string", raw: `{"token":"abc","bot_id":"42"}`, secret: "abc", number: "42"},
		{name: "object with a number", raw: `{"bot_id":42,"token":"abc"}`, secret: "abc", number: "42"},
		{name: "object with the longest number", raw: `{"token":"abc","bot_id":"12345678901234567890"}`, secret: "abc", number: "12345678901234567890"},
		{name: "object with a long number keeps digits", raw: `{"token":"abc","bot_id":12345678901234567890}`, secret: "abc", number: "12345678901234567890"},
		{name: "object with number null", raw: `{"token":"abc","bot_id":null}`, secret: "abc"},
		{name: "object with more keys", raw: `{"token":"abc","note":[1]}`, secret: "abc"},
		{name: "object with white space around the token", raw: `{"token":" abc "}`, secret: "abc"},
		{name: "empty object", raw: `{}`, skipped: none},
		{name: "object with token null", raw: `{"token":null,"bot_id":"42"}`, skipped: none},
		{name: "object with blank token", raw: `{"token":" ","bot_id":"42"}`, skipped: none},
		{name: "object with token a number", raw: `{"token":5}`, skipped: badObject},
		{name: "object with token an object", raw: `{"token":{"token":"abc"}}`, skipped: badObject},
		{name: "object with control character", raw: `{"token":"a\nb"}`, skipped: badSign},
		{name: "number: letters", raw: `{"token":"abc","bot_id":"x"}`, skipped: badObject},
		{name: "number: empty", raw: `{"token":"abc","bot_id":""}`, skipped: badObject},
		{name: "number: space", raw: `{"token":"abc","bot_id":"42 "}`, skipped: badObject},
		{name: "number: path", raw: `{"token":"abc","bot_id":"4/2"}`, skipped: badObject},
		{name: "number: 21 digits", raw: `{"token":"abc","bot_id":"123456789012345678901"}`, skipped: badObject},
		{name: "number: negative", raw: `{"token":"abc","bot_id":-42}`, skipped: badObject},
		{name: "number: fraction", raw: `{"token":"abc","bot_id":4.2}`, skipped: badObject},
		{name: "number: exponent", raw: `{"token":"abc","bot_id":1e3}`, skipped: badObject},
		{name: "number: boolean", raw: `{"token":"abc","bot_id":true}`, skipped: badObject},
		{name: "number: array", raw: `{"token":"abc","bot_id":[42]}`, skipped: badObject},
		{name: "number: object", raw: `{"token":"abc","bot_id":{}}`, skipped: badObject},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, skipped := ParseToken(jsonValue(tt.raw))
			if got.Reveal() != tt.secret || got.listBotID != tt.number || words(skipped) != tt.skipped {
				t.Errorf("token %q, number %q, skipped %q; want %q, %q, %q", got.Reveal(), got.listBotID, words(skipped), tt.secret, tt.number, tt.skipped)
			}
		})
	}
}

func TestLongToken(t *testing.T) {
	t.Parallel()
	if _, why := CheckToken(strings.Repeat("x", 8<<10), ""); why != nil {
		t.Errorf("8 KiB: %s", why)
	}
	if _, why := CheckToken(strings.Repeat("x", 8<<10+1), ""); words(why) != "Bad token: longer than 8192 bytes" {
		t.Errorf("more: %q", words(why))
	}
}

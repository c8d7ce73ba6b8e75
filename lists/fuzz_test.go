package lists

import (
	"encoding/json"
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/net/http/httpguts"

	"aggregator/rawjson"
)

// richMapping follows every kind of step.
var richMapping = &GetEntry{Fields: &ReadEntry{
	Username:      Sources{{Path: "name"}, {Path: "user.name"}, {Path: "names{}"}},
	Discriminator: Sources{{Path: "user.discriminator"}, {Path: "discriminator"}},
	Owners:        Sources{{Path: "owners[].id"}, {Path: "owners{}"}, {Path: "owner"}, {Path: "team[].members[].user"}},
	ServerCount:   Sources{{Path: "history[-1].count"}, {Path: "stats.guilds"}, {Path: "shards[]"}, {Path: "count"}},
	Invite:        Sources{{Path: "links[name=invite].value"}, {Path: "code", URL: "https://discord.gg/:value"}},
	Prefix:        Sources{{Path: "prefixes[]"}},
	Website:       Sources{{Path: "links[name=Website].value"}},
	Github:        Sources{{Path: "repo", URL: "https://github.com/:value"}},
	Support:       Sources{{Path: "[-1].support"}, {Path: "support"}},
	Library:       Sources{{Path: "{}"}},
}}

func FuzzAnswer(f *testing.F) {
	for _, body := range []string{
		``, `{}`, `[]`, `null`, `"x"`, `5`, ` {} `, `{"name":`, `<html>`, "\xff", "\ufeff{}",
		`{"name":"a","username":"b","discrim":42,"owners":[null,"100000000000000001",{"id":100000000000000002},{"userId":"3"}],"count":"1,234","stats":{"guilds":1e3},"links":{"invite":"i","support":"s"}}`,
		`{"owners":{"100000000000000001":{},"x":1},"history":[{"count":1},{"count":2}],"links":[{"name":"Website","value":"w"},null],"code":"a b","repo":"u/r","prefixes":["","!"],"names":{"\u00e9":1}}`,
		`{"data":{"bot":{"name":"x","owner":12345678901234567890,"count":9007199254740991}}}`,
		`{"count":-5,"servers":3.7,"guilds":true,"guild_count":{},"server_count":1e400}`,
		`{"name":"key/secret\ud83d","count":9007199254740993}`,
		`[{"support":"s"}]`, "\n[{\"support\":\"s\"}]",
		strings.Repeat(`{"owners":[`, 40), strings.Repeat("[", 65) + strings.Repeat("]", 65), `{"count":` + strings.Repeat("9", 401) + `}`,
	} {
		f.Add([]byte(body), uint16(200))
	}
	f.Add([]byte(`{"error":"none"}`), uint16(404))
	keyed, skipped := mustList(f, "keyed.test", Entry{APIGet: "https://keyed.test/:id", Get: &GetEntry{Auth: &AuthEntry{}}}).PlanRead(someBot, NewToken("key/secret", ""), someAgent)
	if skipped != nil {
		f.Fatal(skipped)
	}
	calls := []ReadCall{
		mustRead(f, "common.test", nil),
		mustRead(f, "rich.test", richMapping),
		mustRead(f, "envelope.test", &GetEntry{Root: "data.bot"}),
		mustRead(f, "items.test", &GetEntry{Root: "[]", Fields: richMapping.Fields}),
		keyed,
	}
	f.Fuzz(func(t *testing.T, body []byte, status uint16) {
		answers := make([]Answer, len(calls))
		for i := range answers {
			answers[i] = Answer{Status: int(status), Body: body}
		}
		bot := merge(calls, answers)
		text, err := json.Marshal(bot)
		if err != nil || !json.Valid(text) {
			t.Errorf("does not marshal: %v: %s", err, text)
		}
		if bot.ServerCount < 0 || bot.ServerCount > MaxNumber {
			t.Errorf("count %d", bot.ServerCount)
		}
		seen := map[string]bool{}
		for _, id := range bot.Owners {
			if len(id) < 16 || len(id) > 20 || !isDigits(id) || seen[id] {
				t.Errorf("owner %q of %q", id, bot.Owners)
			}
			seen[id] = true
		}
		if status != 200 {
			if got := notable(t, bot); got != `{}` {
				t.Errorf("status %d is read: %s", status, got)
			}
		}
		for i, r := range bot.Lists {
			if r.List != calls[i].List.ID || r.Status != int(status) {
				t.Errorf("reading %d is of %s, status %d", i, r.List, r.Status)
			}
			var shown string
			sent := calls[i].Token().Hide(string(body))
			asText := json.Unmarshal(r.Data(), &shown) == nil && shown == Text([]byte(sent))
			repaired, _ := rawjson.Parse([]byte(sent))
			if string(r.Data()) != string(repaired.Raw()) && !asText || !json.Valid(r.Data()) || !utf8.Valid(r.Data()) {
				t.Errorf("%s: data %q of %q", r.List, r.Data(), sent)
			}
		}
		if again := merge(calls, answers); !reflect.DeepEqual(again, bot) {
			t.Errorf("%+v and then %+v", bot, again)
		}
	})
}

func FuzzJudge(f *testing.F) {
	f.Add(200, "", "", []byte(`{"success":true}`), "longsecret")
	f.Add(200, "text/html", "", []byte(`<html>`), "longsecret")
	f.Add(302, "", "/x?key=longsecret", []byte(``), "longsecret")
	f.Add(301, "", "http://[::1/longsecret", []byte(``), "longsecret")
	f.Add(307, "", "//u:p@h:x/%zz", []byte(``), "a/b c\"é&")
	f.Add(401, "", "", []byte("\xff{\"got\":\"a/b c\\\"é\\u0026\"}"), "a/b c\"é&")
	f.Add(204, "", "", []byte("\n"), "t")
	f.Add(-1, "", "", []byte(""), "longsecret")
	var all []*List
	for i, p := range []PostEntry{
		{}, {Answer: "json"}, {Answer: "empty"}, {Answer: "any"},
		{Success: &SuccessEntry{Field: "success", Is: true}}, {Success: &SuccessEntry{Field: "data.error", Is: false}, Answer: "json"},
		{Auth: &AuthEntry{In: "query", Name: "key"}}, {Auth: &AuthEntry{Prefix: "Bot "}, Revoked: []int{401}},
	} {
		all = append(all, mustList(f, fmt.Sprintf("list%d.test", i), onlyPost(p)))
	}
	f.Fuzz(func(t *testing.T, status int, contentType, location string, body []byte, secret string) {
		a := Answer{Status: status, Header: map[string][]string{"Content-Type": {contentType}, "Location": {location}}, Body: body}
		if status == NoAnswer {
			a.Reason = string(body)
		}
		for _, l := range all {
			call, skipped := l.PlanPost(Count{BotID: someBot}, NewToken(secret, ""), someAgent)
			if skipped != nil {
				t.Fatalf("skipped: %s", skipped)
			}
			v := call.Judge(a)
			if v.OK && (status < 200 || status > 299) || v.Status != status {
				t.Errorf("%s: %+v of status %d", l.ID, v, status)
			}
			if status != NoAnswer && utf8.ValidString(location) && !utf8.ValidString(v.Text) {
				t.Errorf("%s: text %q is no UTF-8", l.ID, v.Text)
			}
			if !tellsNothing(secret) && utf8.ValidString(secret) && !strings.Contains(secret, "*") && strings.Contains(strings.TrimPrefix(v.Text, "Redirected to "), secret) {
				t.Errorf("%s: text shows the token: %q", l.ID, v.Text)
			}
			if v.Revoked && status != 401 {
				t.Errorf("%s: status %d says that the token is revoked", l.ID, status)
			}
		}
	})
}

func FuzzToken(f *testing.F) {
	f.Add("longsecret", "a text ")
	f.Add(`a/b+c d"é&<`, `{"got":"`)
	f.Add("abababab", "ab")
	f.Add("%25%25%25%25", "%")
	f.Add("t", "that")
	f.Add("42:secret", "42")
	f.Add("a\nb", "")
	f.Fuzz(func(t *testing.T, secret, text string) {
		token := NewToken(secret, "")
		if !strings.Contains(text, secret) && !strings.Contains(secret, " ") && url.QueryEscape(text) == text && token.Hide(text) != text {
			t.Errorf("%q is not in %q, and yet %q", secret, text, token.Hide(text))
		}
		for _, got := range []string{fmt.Sprintf("%v", token), fmt.Sprintf("%#v", &token), token.String()} {
			if got != Mask {
				t.Errorf("prints as %q", got)
			}
		}

		raw, err := json.Marshal(secret)
		if err != nil {
			t.Skip()
		}
		for _, value := range []string{string(raw), `{"token":` + string(raw) + `,"bot_id":"42"}`, text} {
			parsed, skipped := ParseToken(jsonValue(value))
			switch {
			case skipped == nil && (parsed.IsZero() || !httpguts.ValidHeaderFieldValue(parsed.Reveal())):
				t.Errorf("%s passes as a token", value)
			case skipped == nil && parsed.listBotID != "" && !IsListBotID(parsed.listBotID):
				t.Errorf("%s passes with the number %q", value, parsed.listBotID)
			case skipped != nil && (!parsed.IsZero() || words(skipped) != "No token" && !strings.HasPrefix(words(skipped), "Bad token: ")):
				t.Errorf("%s is skipped as %q", value, skipped)
			}
		}
	})
}

// pathOf writes steps as the path they were cut from.
func pathOf(steps []step) string {
	var b strings.Builder
	for i, s := range steps {
		switch s.kind {
		case stepKey:
			if i > 0 {
				b.WriteByte('.')
			}
			b.WriteString(s.key)
		case stepEach:
			b.WriteString("[]")
		case stepLast:
			b.WriteString("[-1]")
		case stepWhere:
			b.WriteString("[" + s.name + "=" + s.equals + "]")
		case stepKeys:
			b.WriteString("{}")
		}
	}
	return b.String()
}

func FuzzPath(f *testing.F) {
	for _, path := range []string{
		"", "a", "a.b.c", "a[]", "a[].b", "a[-1].b", "a[name=Website].value", "a{}", "a[][]{}", "[-1].a", "[]", "{}",
		".", "a.", ".a", "a..b", "a[", "a[0]", "a[=x]", "a[x=]", "a[]b", "a{b}", "a]", "a.[b=c]", "a[b=c=d]", "é[ü=ß]", "a[{=}]",
	} {
		f.Add(path, []byte(`{"a":[{"b":{"c":1},"name":"website","value":"x"},null,5],"c":[1,{"a":2}],"é":[{"ü":"ß"}]}`))
	}
	f.Fuzz(func(t *testing.T, path string, body []byte) {
		c := &checker{}
		steps := c.steps("get.root", path)
		if len(c.problems) > 0 {
			if steps != nil || c.problems[0].Field != "get.root" || c.problems[0].Message == "" {
				t.Errorf("%q is cut to %+v and has the problems %q", path, steps, c.problems)
			}
			return
		}
		if len(steps) == 0 {
			t.Fatalf("%q is cut to nothing", path)
		}
		again := (&checker{}).steps("get.root", pathOf(steps))
		if !reflect.DeepEqual(again, steps) {
			t.Errorf("%q is cut to %+v, and %q to %+v", path, steps, pathOf(steps), again)
		}
		v, ok := rawjson.Parse(body)
		if !ok {
			return
		}
		for _, found := range (&node{value: v}).walk(steps) {
			if !json.Valid(found.Raw()) {
				t.Errorf("%q leads to %q in %q", path, found.Raw(), body)
			}
		}
	})
}

// FuzzWait reads whatever a list may say of how long to wait.
func FuzzWait(f *testing.F) {
	for _, s := range []string{"30", "-5", "1e400", "NaN", "Inf", "Sun, 22 Nov 2026 18:00:00 GMT", "1795348800", "0x10", "9223372036854775807", "soon", ""} {
		f.Add(s, `{"wait":`+s+`}`)
	}
	now := time.Unix(1795348800, 0)
	units := []string{"s", "ms", "unix", "unix_ms"}
	var calls []Call
	for _, unit := range units {
		l := mustList(f, "list.test", Entry{APIPost: "https://list.test/:id", Post: &PostEntry{
			Wait: []WaitEntry{{Header: "Retry-After", Unit: unit}, {Body: "wait", Unit: unit}},
		}})
		call, _ := l.PlanPost(Count{BotID: "123456789012345678"}, NewToken("token", ""), "")
		calls = append(calls, call)
	}
	f.Fuzz(func(t *testing.T, header, body string) {
		a := Answer{Status: 429, Header: map[string][]string{"Retry-After": {header}}, Body: []byte(body)}
		for i, call := range calls {
			if until, ok := call.WaitUntil(a, now); ok && !until.After(now) {
				t.Errorf("%s: %q %q: until %v, which is over", units[i], header, body, until)
			}
		}
	})
}

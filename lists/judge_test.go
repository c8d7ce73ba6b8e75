package lists

import (
	"strings"
	"testing"
)

// verdict is of a Verdict what answers show.
type verdict struct {
	ok     bool
	status int
	text   string
}

func TestJudge(t *testing.T) {
	t.Parallel()
	const token = "tok+secret/1"
	plain := PostEntry{}
	html := map[string][]string{"Content-Type": {"text/html; charset=utf-8"}}
	to := func(location string) map[string][]string { return map[string][]string{"Location": {location}} }
	flag := PostEntry{Success: &SuccessEntry{Field: "success", Is: true}}
	failed := PostEntry{Success: &SuccessEntry{Field: "error", Is: false}}
	deep := PostEntry{Success: &SuccessEntry{Field: "data.ok", Is: true}}
	answers := func(what string) PostEntry { return PostEntry{Answer: what} }
	for _, tt := range []struct {
		name   string
		post   PostEntry
		answer Answer
		want   verdict
	}{
		{"200", plain, Answer{Status: 200, Body: []byte(`{"ok":1}`)}, verdict{true, 200, `{"ok":1}`}},
		{"201", plain, Answer{Status: 201, Body: []byte(`made`)}, verdict{true, 201, `made`}},
		{"204", plain, Answer{Status: 204}, verdict{true, 204, ""}},
		{"299", plain, Answer{Status: 299}, verdict{true, 299, ""}},
		{"300", plain, Answer{Status: 300, Body: []byte("choose")}, verdict{false, 300, "choose"}},
		{"304", plain, Answer{Status: 304}, verdict{false, 304, ""}},
		{"400", plain, Answer{Status: 400, Body: []byte(`{"message":"bad"}`)}, verdict{false, 400, `{"message":"bad"}`}},
		{"401", plain, Answer{Status: 401}, verdict{false, 401, ""}},
		{"404", plain, Answer{Status: 404, Body: []byte("Not Found")}, verdict{false, 404, "Not Found"}},
		{"429", plain, Answer{Status: 429, Body: []byte(`{"retry_after":5}`)}, verdict{false, 429, `{"retry_after":5}`}},
		{"500", plain, Answer{Status: 500, Body: []byte("oops")}, verdict{false, 500, "oops"}},
		{"199", plain, Answer{Status: 199}, verdict{false, 199, ""}},
		{"600", plain, Answer{Status: 600}, verdict{false, 600, ""}},
		{"white space stays", plain, Answer{Status: 200, Body: []byte(" ok\n")}, verdict{true, 200, " ok\n"}},

		{"redirect", plain, Answer{Status: 301, Header: to("https://new.test/bots"), Body: []byte("moved")}, verdict{false, 301, "Redirected to https://new.test/bots"}},
		{"redirect within the host", plain, Answer{Status: 302, Header: to("/v2/stats?x=1")}, verdict{false, 302, "Redirected to https://list.test/v2/stats?x=1"}},
		{"redirect beside", plain, Answer{Status: 307, Header: to("stats")}, verdict{false, 307, "Redirected to https://list.test/bots/stats"}},
		{"redirect to another scheme's host", plain, Answer{Status: 308, Header: to("//new.test/")}, verdict{false, 308, "Redirected to https://new.test/"}},
		{"redirect with a user", plain, Answer{Status: 303, Header: to("https://user:pass@new.test/")}, verdict{false, 303, "Redirected to https://new.test/"}},
		{"redirect with the token", plain, Answer{Status: 302, Header: to("https://new.test/?key=tok%2Bsecret%2F1")}, verdict{false, 302, "Redirected to https://new.test/?key=***"}},
		{"redirect with the token as it is", plain, Answer{Status: 302, Header: to("/tok+secret/1")}, verdict{false, 302, "Redirected to https://list.test/***"}},
		{"redirect that makes the token", plain, Answer{Status: 302, Header: to("/tok+secret/x/../1")}, verdict{false, 302, "Redirected to https://list.test/***"}},
		{"redirect from a URL with the token", PostEntry{Auth: &AuthEntry{In: "query", Name: "key"}}, Answer{Status: 302, Header: to("#top")}, verdict{false, 302, "Redirected to https://list.test/bots/123456789012345678?key=***#top"}},
		{"redirect to what is no URL", plain, Answer{Status: 302, Header: to("http://[::1/tok+secret/1")}, verdict{false, 302, "Redirected to http://[::1/***"}},
		{"redirect to nowhere", plain, Answer{Status: 302, Body: []byte("moved")}, verdict{false, 302, "moved"}},
		{"location of what was made", plain, Answer{Status: 201, Header: to("/bots/1"), Body: []byte("made")}, verdict{true, 201, "made"}},

		{"page", plain, Answer{Status: 200, Body: []byte("<!DOCTYPE html><title>Buy this domain</title>")}, verdict{false, 200, "<!DOCTYPE html><title>Buy this domain</title>"}},
		{"page without doctype", plain, Answer{Status: 200, Body: []byte("\ufeff \n<HTML lang=en>")}, verdict{false, 200, "\ufeff \n<HTML lang=en>"}},
		{"page by its type", plain, Answer{Status: 200, Header: html, Body: []byte("<div>hello</div>")}, verdict{false, 200, "<div>hello</div>"}},
		{"page by its type, in capitals", plain, Answer{Status: 200, Header: map[string][]string{"Content-Type": {"TEXT/HTML"}}, Body: []byte("<p>")}, verdict{false, 200, "<p>"}},
		{"JSON under a page's type", plain, Answer{Status: 200, Header: html, Body: []byte(`{"ok":true}`)}, verdict{true, 200, `{"ok":true}`}},
		{"words under a page's type", plain, Answer{Status: 200, Header: html, Body: []byte(`Success`)}, verdict{true, 200, `Success`}},
		{"nothing under a page's type", plain, Answer{Status: 200, Header: html}, verdict{true, 200, ""}},
		{"whatever begins with <", plain, Answer{Status: 200, Body: []byte("<ok/>")}, verdict{false, 200, "<ok/>"}},
		{"page after much white space", plain, Answer{Status: 200, Body: []byte(strings.Repeat(" \r\n\t", 300) + "<p>")}, verdict{false, 200, "" + strings.Repeat(" \r\n\t", 300) + "<p>"}},
		{"page in UTF-16", plain, Answer{Status: 200, Body: []byte("\xff\xfe\n\x00<\x00p\x00>\x00")}, verdict{false, 200, "\ufffd\ufffd\n\x00<\x00p\x00>\x00"}},
		{"page in UTF-16, big endian", plain, Answer{Status: 200, Body: []byte("\xfe\xff\x00\n\x00<\x00p")}, verdict{false, 200, "\ufffd\ufffd\x00\n\x00<\x00p"}},
		{"page with the token in it", plain, Answer{Status: 200, Body: []byte("<p>tok+secret/1")}, verdict{false, 200, "<p>***"}},
		{"page that says that it is one", plain, Answer{Status: 404, Body: []byte("<p>")}, verdict{false, 404, "<p>"}},
		{"words about a page", plain, Answer{Status: 200, Body: []byte("no <html> here")}, verdict{true, 200, "no <html> here"}},

		{"json: object", answers("json"), Answer{Status: 200, Body: []byte(` {} `)}, verdict{true, 200, ` {} `}},
		{"json: string", answers("json"), Answer{Status: 200, Body: []byte(`"ok"`)}, verdict{true, 200, `"ok"`}},
		{"json: words", answers("json"), Answer{Status: 200, Body: []byte(`ok`)}, verdict{false, 200, `ok`}},
		{"json: nothing", answers("json"), Answer{Status: 200}, verdict{false, 200, ""}},
		{"json: two values", answers("json"), Answer{Status: 200, Body: []byte(`{}{}`)}, verdict{false, 200, `{}{}`}},
		{"json: page", answers("json"), Answer{Status: 200, Body: []byte(`<html>`)}, verdict{false, 200, `<html>`}},
		{"empty: nothing", answers("empty"), Answer{Status: 204}, verdict{true, 204, ""}},
		{"empty: white space", answers("empty"), Answer{Status: 200, Body: []byte("\r\n")}, verdict{true, 200, "\r\n"}},
		{"empty: something", answers("empty"), Answer{Status: 200, Body: []byte("ok")}, verdict{false, 200, "ok"}},
		{"empty: bad status", answers("empty"), Answer{Status: 401}, verdict{false, 401, ""}},
		{"any: page", answers("any"), Answer{Status: 200, Header: html, Body: []byte("<html>")}, verdict{true, 200, "<html>"}},
		{"any: nothing", answers("any"), Answer{Status: 200}, verdict{true, 200, ""}},
		{"any: bad status", answers("any"), Answer{Status: 500}, verdict{false, 500, ""}},

		{"says success false", plain, Answer{Status: 200, Body: []byte(`{"success":false}`)}, verdict{false, 200, `{"success":false}`}},
		{"says success 0", plain, Answer{Status: 200, Body: []byte(`{"success":0.0}`)}, verdict{false, 200, `{"success":0.0}`}},
		{"says ok \"false\"", plain, Answer{Status: 201, Body: []byte(`{"ok":"false"}`)}, verdict{false, 201, `{"ok":"false"}`}},
		{"says ok false in words", plain, Answer{Status: 200, Body: []byte(`{"ok":"no"}`)}, verdict{true, 200, `{"ok":"no"}`}},
		{"says error true", plain, Answer{Status: 200, Body: []byte(`{"error":true}`)}, verdict{false, 200, `{"error":true}`}},
		{"says an error in words", plain, Answer{Status: 200, Body: []byte(`{"error":"expired"}`)}, verdict{false, 200, `{"error":"expired"}`}},
		{"says an error object", plain, Answer{Status: 200, Body: []byte(`{"error":{}}`)}, verdict{false, 200, `{"error":{}}`}},
		{"says no error", plain, Answer{Status: 200, Body: []byte(`{"error":false,"ok":true}`)}, verdict{true, 200, `{"error":false,"ok":true}`}},
		{"says an empty error", plain, Answer{Status: 200, Body: []byte(`{"error":"","success":1}`)}, verdict{true, 200, `{"error":"","success":1}`}},
		{"says no error by null", plain, Answer{Status: 200, Body: []byte(`{"error":null,"success":null}`)}, verdict{true, 200, `{"error":null,"success":null}`}},
		{"says success false after a byte order mark", plain, Answer{Status: 200, Body: []byte("\ufeff{\"success\":false}")}, verdict{false, 200, "\ufeff{\"success\":false}"}},
		{"says success true after a byte order mark", plain, Answer{Status: 200, Body: []byte("\ufeff{\"success\":true}")}, verdict{true, 200, "\ufeff{\"success\":true}"}},
		{"says false further down", plain, Answer{Status: 200, Body: []byte(`{"bot":{"success":false,"error":"x"}}`)}, verdict{true, 200, `{"bot":{"success":false,"error":"x"}}`}},
		{"says false in an array", plain, Answer{Status: 200, Body: []byte(`[{"success":false}]`)}, verdict{true, 200, `[{"success":false}]`}},
		{"says false beside its own flag", flag, Answer{Status: 200, Body: []byte(`{"success":true,"error":"none"}`)}, verdict{true, 200, `{"success":true,"error":"none"}`}},
		{"says false where JSON is wanted", answers("json"), Answer{Status: 200, Body: []byte(`{"ok":0}`)}, verdict{false, 200, `{"ok":0}`}},
		{"says false where anything is taken", answers("any"), Answer{Status: 200, Body: []byte(`{"ok":0}`)}, verdict{false, 200, `{"ok":0}`}},

		{"flag: holds", flag, Answer{Status: 200, Body: []byte(`{"success":true}`)}, verdict{true, 200, `{"success":true}`}},
		{"flag: does not hold", flag, Answer{Status: 200, Body: []byte(`{"success":false}`)}, verdict{false, 200, `{"success":false}`}},
		{"flag: bad status", flag, Answer{Status: 400, Body: []byte(`{"success":true}`)}, verdict{false, 400, `{"success":true}`}},
		{"flag: missing", flag, Answer{Status: 200, Body: []byte(`{"ok":true}`)}, verdict{false, 200, `{"ok":true}`}},
		{"flag: no object", flag, Answer{Status: 200, Body: []byte(`[true]`)}, verdict{false, 200, `[true]`}},
		{"flag: no JSON", flag, Answer{Status: 200, Body: []byte(`ok`)}, verdict{false, 200, `ok`}},
		{"flag: nothing", flag, Answer{Status: 204}, verdict{false, 204, ""}},
		{"flag: a string", flag, Answer{Status: 200, Body: []byte(`{"success":"true"}`)}, verdict{false, 200, `{"success":"true"}`}},
		{"flag: a number", flag, Answer{Status: 200, Body: []byte(`{"success":1}`)}, verdict{false, 200, `{"success":1}`}},
		{"flag: null", flag, Answer{Status: 200, Body: []byte(`{"success":null}`)}, verdict{false, 200, `{"success":null}`}},
		{"flag: white space around it", flag, Answer{Status: 200, Body: []byte(" {\n\"success\" :\ttrue }\n")}, verdict{true, 200, " {\n\"success\" :\ttrue }\n"}},
		{"flag: twice, the last counts", flag, Answer{Status: 200, Body: []byte(`{"success":true,"success":false}`)}, verdict{false, 200, `{"success":true,"success":false}`}},
		{"flag: error is false", failed, Answer{Status: 200, Body: []byte(`{"error":false}`)}, verdict{true, 200, `{"error":false}`}},
		{"flag: error is true", failed, Answer{Status: 200, Body: []byte(`{"error":true}`)}, verdict{false, 200, `{"error":true}`}},
		{"flag: error is missing", failed, Answer{Status: 200, Body: []byte(`{}`)}, verdict{false, 200, `{}`}},
		{"flag: nested, holds", deep, Answer{Status: 200, Body: []byte(`{"data":{"ok":true}}`)}, verdict{true, 200, `{"data":{"ok":true}}`}},
		{"flag: nested, does not hold", deep, Answer{Status: 200, Body: []byte(`{"data":{"ok":false},"ok":true}`)}, verdict{false, 200, `{"data":{"ok":false},"ok":true}`}},
		{"flag: nested in a value", deep, Answer{Status: 200, Body: []byte(`{"data":true}`)}, verdict{false, 200, `{"data":true}`}},

		{"no answer: timeout", plain, Answer{Status: NoAnswer, Reason: "Timeout after 10s", Fault: FaultTimeout}, verdict{false, -1, "Timeout after 10s"}},
		{"no answer: refused", plain, Answer{Status: NoAnswer, Reason: "Connection refused", Fault: FaultRefused}, verdict{false, -1, "Connection refused"}},
		{"no answer: token in the reason", plain, Answer{Status: NoAnswer, Reason: "bad header tok+secret/1"}, verdict{false, -1, "bad header ***"}},
		{"no answer where anything is a success", answers("any"), Answer{Status: NoAnswer, Reason: "Connection reset"}, verdict{false, -1, "Connection reset"}},

		{"echo", plain, Answer{Status: 401, Body: []byte(`{"message":"no bot for tok+secret/1"}`)}, verdict{false, 401, `{"message":"no bot for ***"}`}},
		{"echo in a success", plain, Answer{Status: 200, Body: []byte(`tok+secret/1`)}, verdict{true, 200, `***`}},
		{"echo in a URL", plain, Answer{Status: 403, Body: []byte(`GET /?key=tok%2Bsecret%2F1`)}, verdict{false, 403, `GET /?key=***`}},
		{"echo beside bad bytes", plain, Answer{Status: 403, Body: []byte("\xfftok+secret/1\xfe")}, verdict{false, 403, "\ufffd***\ufffd"}},

		{"bad bytes", plain, Answer{Status: 200, Body: []byte("a\xffb\xc3")}, verdict{true, 200, "a\ufffdb\ufffd"}},
		{"half a sign", plain, Answer{Status: 200, Body: []byte("\xf0\x9f\x98 x")}, verdict{true, 200, "\ufffd x"}},
		{"good bytes", plain, Answer{Status: 200, Body: []byte("é😀\x00")}, verdict{true, 200, "é😀\x00"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.post.URL = "https://list.test/bots/:id"
			call := mustPost(t, onlyPost(tt.post), Count{ServerCount: 5}, `"`+token+`"`)
			v := call.Judge(tt.answer)
			if got := (verdict{v.OK, v.Status, v.Text}); got != tt.want {
				t.Errorf("%+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestJudgeSaysWhy(t *testing.T) {
	t.Parallel()
	is := func(value any) PostEntry { return PostEntry{Success: &SuccessEntry{Field: "result", Is: value}} }
	flag := PostEntry{Success: &SuccessEntry{Field: "data.ok", Is: true}}
	for _, tt := range []struct {
		name   string
		post   PostEntry
		answer Answer
		want   string
	}{
		{"good", PostEntry{}, Answer{Status: 204}, ""},
		{"status", PostEntry{}, Answer{Status: 401}, "the status is 401, want 200 to 299"},
		{"redirect", PostEntry{}, Answer{Status: 301, Header: map[string][]string{"Location": {"/x"}}}, "the status is 301, want 200 to 299"},
		{"no answer", PostEntry{}, Answer{Status: NoAnswer, Reason: "Connection refused"}, "there was no answer"},
		{"page", PostEntry{}, Answer{Status: 200, Body: []byte("<html>")}, "the answer is an HTML page"},
		{"not JSON", PostEntry{Answer: "json"}, Answer{Status: 200, Body: []byte("ok")}, "the answer is not JSON"},
		{"not empty", PostEntry{Answer: "empty"}, Answer{Status: 200, Body: []byte("ok")}, "the answer has a body, want an empty one"},
		{"flag holds", flag, Answer{Status: 200, Body: []byte(`{"data":{"ok":true}}`)}, ""},
		{"flag is a number", flag, Answer{Status: 200, Body: []byte(`{"data":{"ok":1}}`)}, "the flag data.ok is 1, want true"},
		{"flag is false", flag, Answer{Status: 200, Body: []byte(`{"data":{"ok":false}}`)}, "the flag data.ok is false, want true"},
		{"flag is missing", flag, Answer{Status: 200, Body: []byte(`{"data":{}}`)}, "the flag data.ok is missing, want true"},
		{"flag is the token", flag, Answer{Status: 200, Body: []byte(`{"data":{"ok":"tok+secret/1"}}`)}, `the flag data.ok is "***", want true`},
		{"a word", is("saved"), Answer{Status: 200, Body: []byte(`{"result":"sav\u0065d"}`)}, ""},
		{"another word", is("saved"), Answer{Status: 200, Body: []byte(`{"result":"Saved"}`)}, `the flag result is "Saved", want "saved"`},
		{"a number", is(int64(200)), Answer{Status: 200, Body: []byte(`{"result":2e2}`)}, ""},
		{"a number as a text", is(int64(200)), Answer{Status: 200, Body: []byte(`{"result":"200"}`)}, `the flag result is "200", want 200`},
		{"a text as a number", is("1"), Answer{Status: 200, Body: []byte(`{"result":1}`)}, `the flag result is 1, want "1"`},
		{"one is not true", is(int64(1)), Answer{Status: 200, Body: []byte(`{"result":true}`)}, "the flag result is true, want 1"},
		{"false", is(false), Answer{Status: 200, Body: []byte(`{"result":false}`)}, ""},
		{"null is not false", is(false), Answer{Status: 200, Body: []byte(`{"result":null}`)}, "the flag result is null, want false"},
		{"an array", is("saved"), Answer{Status: 200, Body: []byte(`{"result":["saved"]}`)}, `the flag result is ["saved"], want "saved"`},
		{"flag is long, and the token in it", flag, Answer{Status: 200, Body: []byte(`{"data":{"ok":"` + strings.Repeat("x", 55) + ` tok+secret/1"}}`)},
			`the flag data.ok is "` + strings.Repeat("x", 55) + ` ***…, want true`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.post.URL = "https://list.test/bots/:id"
			v := mustPost(t, onlyPost(tt.post), Count{ServerCount: 5}, `"tok+secret/1"`).Judge(tt.answer)
			if v.Why != tt.want || v.OK != (tt.want == "") {
				t.Errorf("good %t, because %q, want %q", v.OK, v.Why, tt.want)
			}
		})
	}
}

// A list may echo a token without the prefix that its caller wrote before it.
func TestJudgeHidesTokenWithoutItsPrefix(t *testing.T) {
	t.Parallel()
	call := mustPost(t, onlyPost(PostEntry{Auth: &AuthEntry{Prefix: "Bearer "}}), Count{}, `"Bearer longsecret"`)
	for _, body := range []string{"Bearer longsecret is wrong", "longsecret is wrong"} {
		if got := call.Judge(Answer{Status: 401, Body: []byte(body)}).Text; strings.Contains(got, "longsecret") {
			t.Errorf("%q shows the token: %q", body, got)
		}
	}
}

func TestRevoked(t *testing.T) {
	t.Parallel()
	call := mustPost(t, onlyPost(PostEntry{Revoked: []int{401, 410}}), Count{}, `"tok"`)
	for status, want := range map[int]bool{401: true, 410: true, 403: false, 200: false, NoAnswer: false} {
		if got := call.Judge(Answer{Status: status}).Revoked; got != want {
			t.Errorf("status %d: revoked %t, want %t", status, got, want)
		}
	}
	if !call.MayBeRevoked() {
		t.Error("a list that revokes keys is said not to")
	}
	for name, other := range map[string]Call{
		"a list that revokes no keys": mustPost(t, onlyPost(PostEntry{}), Count{}, `"tok"`),
		"a list that is only read":    mustRead(t, "list.test", nil).Call,
	} {
		if other.MayBeRevoked() || other.Judge(Answer{Status: 410}).Revoked {
			t.Errorf("%s did", name)
		}
	}
}

// TestTokenRefused has what says that the list does not take the token. To a
// reading, 404 says that the list does not know the bot.
func TestTokenRefused(t *testing.T) {
	t.Parallel()
	post := mustPost(t, onlyPost(PostEntry{}), Count{}, `"tok"`)
	reading := mustRead(t, "list.test", nil).Call
	for _, tt := range []struct {
		status        int
		post, reading bool
	}{
		{200, false, false}, {400, false, false}, {401, true, true}, {403, true, true}, {404, true, false},
		{410, false, false}, {429, false, false}, {500, false, false}, {NoAnswer, false, false},
	} {
		a := Answer{Status: tt.status}
		if got := post.Judge(a).TokenRefused; got != tt.post {
			t.Errorf("a post with status %d: %t, want %t", tt.status, got, tt.post)
		}
		if got := reading.Judge(a).TokenRefused; got != tt.reading {
			t.Errorf("a reading with status %d: %t, want %t", tt.status, got, tt.reading)
		}
	}
}

package lists

import (
	"strings"
	"testing"
)

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
		want   Verdict
	}{
		{"200", plain, Answer{Status: 200, Body: []byte(`{"ok":1}`)}, Verdict{true, 200, `{"ok":1}`}},
		{"201", plain, Answer{Status: 201, Body: []byte(`made`)}, Verdict{true, 201, `made`}},
		{"204", plain, Answer{Status: 204}, Verdict{true, 204, ""}},
		{"299", plain, Answer{Status: 299}, Verdict{true, 299, ""}},
		{"300", plain, Answer{Status: 300, Body: []byte("choose")}, Verdict{false, 300, "choose"}},
		{"304", plain, Answer{Status: 304}, Verdict{false, 304, ""}},
		{"400", plain, Answer{Status: 400, Body: []byte(`{"message":"bad"}`)}, Verdict{false, 400, `{"message":"bad"}`}},
		{"401", plain, Answer{Status: 401}, Verdict{false, 401, ""}},
		{"404", plain, Answer{Status: 404, Body: []byte("Not Found")}, Verdict{false, 404, "Not Found"}},
		{"429", plain, Answer{Status: 429, Body: []byte(`{"retry_after":5}`)}, Verdict{false, 429, `{"retry_after":5}`}},
		{"500", plain, Answer{Status: 500, Body: []byte("oops")}, Verdict{false, 500, "oops"}},
		{"199", plain, Answer{Status: 199}, Verdict{false, 199, ""}},
		{"600", plain, Answer{Status: 600}, Verdict{false, 600, ""}},
		{"white space stays", plain, Answer{Status: 200, Body: []byte(" ok\n")}, Verdict{true, 200, " ok\n"}},

		{"redirect", plain, Answer{Status: 301, Header: to("https://new.test/bots"), Body: []byte("moved")}, Verdict{false, 301, "Redirected to https://new.test/bots"}},
		{"redirect within the host", plain, Answer{Status: 302, Header: to("/v2/stats?x=1")}, Verdict{false, 302, "Redirected to https://list.test/v2/stats?x=1"}},
		{"redirect beside", plain, Answer{Status: 307, Header: to("stats")}, Verdict{false, 307, "Redirected to https://list.test/bots/stats"}},
		{"redirect to another scheme's host", plain, Answer{Status: 308, Header: to("//new.test/")}, Verdict{false, 308, "Redirected to https://new.test/"}},
		{"redirect with a user", plain, Answer{Status: 303, Header: to("https://user:pass@new.test/")}, Verdict{false, 303, "Redirected to https://new.test/"}},
		{"redirect with the token", plain, Answer{Status: 302, Header: to("https://new.test/?key=tok%2Bsecret%2F1")}, Verdict{false, 302, "Redirected to https://new.test/?key=***"}},
		{"redirect with the token as it is", plain, Answer{Status: 302, Header: to("/tok+secret/1")}, Verdict{false, 302, "Redirected to https://list.test/***"}},
		{"redirect from a URL with the token", PostEntry{Auth: &AuthEntry{In: "query", Name: "key"}}, Answer{Status: 302, Header: to("#top")}, Verdict{false, 302, "Redirected to https://list.test/bots/123456789012345678?key=***#top"}},
		{"redirect to what is no URL", plain, Answer{Status: 302, Header: to("http://[::1/tok+secret/1")}, Verdict{false, 302, "Redirected to http://[::1/***"}},
		{"redirect to nowhere", plain, Answer{Status: 302, Body: []byte("moved")}, Verdict{false, 302, "moved"}},
		{"location of what was made", plain, Answer{Status: 201, Header: to("/bots/1"), Body: []byte("made")}, Verdict{true, 201, "made"}},

		{"page", plain, Answer{Status: 200, Body: []byte("<!DOCTYPE html><title>Buy this domain</title>")}, Verdict{false, 200, "<!DOCTYPE html><title>Buy this domain</title>"}},
		{"page without doctype", plain, Answer{Status: 200, Body: []byte("\ufeff \n<HTML lang=en>")}, Verdict{false, 200, "\ufeff \n<HTML lang=en>"}},
		{"page by its type", plain, Answer{Status: 200, Header: html, Body: []byte("<div>hello</div>")}, Verdict{false, 200, "<div>hello</div>"}},
		{"page by its type, in capitals", plain, Answer{Status: 200, Header: map[string][]string{"Content-Type": {"TEXT/HTML"}}, Body: []byte("<p>")}, Verdict{false, 200, "<p>"}},
		{"JSON under a page's type", plain, Answer{Status: 200, Header: html, Body: []byte(`{"ok":true}`)}, Verdict{true, 200, `{"ok":true}`}},
		{"words under a page's type", plain, Answer{Status: 200, Header: html, Body: []byte(`Success`)}, Verdict{true, 200, `Success`}},
		{"nothing under a page's type", plain, Answer{Status: 200, Header: html}, Verdict{true, 200, ""}},
		{"XML is no page", plain, Answer{Status: 200, Body: []byte("<ok/>")}, Verdict{true, 200, "<ok/>"}},
		{"words about a page", plain, Answer{Status: 200, Body: []byte("no <html> here")}, Verdict{true, 200, "no <html> here"}},

		{"json: object", answers("json"), Answer{Status: 200, Body: []byte(` {} `)}, Verdict{true, 200, ` {} `}},
		{"json: string", answers("json"), Answer{Status: 200, Body: []byte(`"ok"`)}, Verdict{true, 200, `"ok"`}},
		{"json: words", answers("json"), Answer{Status: 200, Body: []byte(`ok`)}, Verdict{false, 200, `ok`}},
		{"json: nothing", answers("json"), Answer{Status: 200}, Verdict{false, 200, ""}},
		{"json: two values", answers("json"), Answer{Status: 200, Body: []byte(`{}{}`)}, Verdict{false, 200, `{}{}`}},
		{"json: page", answers("json"), Answer{Status: 200, Body: []byte(`<html>`)}, Verdict{false, 200, `<html>`}},
		{"empty: nothing", answers("empty"), Answer{Status: 204}, Verdict{true, 204, ""}},
		{"empty: white space", answers("empty"), Answer{Status: 200, Body: []byte("\r\n")}, Verdict{true, 200, "\r\n"}},
		{"empty: something", answers("empty"), Answer{Status: 200, Body: []byte("ok")}, Verdict{false, 200, "ok"}},
		{"empty: bad status", answers("empty"), Answer{Status: 401}, Verdict{false, 401, ""}},
		{"any: page", answers("any"), Answer{Status: 200, Header: html, Body: []byte("<html>")}, Verdict{true, 200, "<html>"}},
		{"any: nothing", answers("any"), Answer{Status: 200}, Verdict{true, 200, ""}},
		{"any: bad status", answers("any"), Answer{Status: 500}, Verdict{false, 500, ""}},

		{"flag: holds", flag, Answer{Status: 200, Body: []byte(`{"success":true}`)}, Verdict{true, 200, `{"success":true}`}},
		{"flag: does not hold", flag, Answer{Status: 200, Body: []byte(`{"success":false}`)}, Verdict{false, 200, `{"success":false}`}},
		{"flag: bad status", flag, Answer{Status: 400, Body: []byte(`{"success":true}`)}, Verdict{false, 400, `{"success":true}`}},
		{"flag: missing", flag, Answer{Status: 200, Body: []byte(`{"ok":true}`)}, Verdict{false, 200, `{"ok":true}`}},
		{"flag: no object", flag, Answer{Status: 200, Body: []byte(`[true]`)}, Verdict{false, 200, `[true]`}},
		{"flag: no JSON", flag, Answer{Status: 200, Body: []byte(`ok`)}, Verdict{false, 200, `ok`}},
		{"flag: nothing", flag, Answer{Status: 204}, Verdict{false, 204, ""}},
		{"flag: a string", flag, Answer{Status: 200, Body: []byte(`{"success":"true"}`)}, Verdict{false, 200, `{"success":"true"}`}},
		{"flag: a number", flag, Answer{Status: 200, Body: []byte(`{"success":1}`)}, Verdict{false, 200, `{"success":1}`}},
		{"flag: null", flag, Answer{Status: 200, Body: []byte(`{"success":null}`)}, Verdict{false, 200, `{"success":null}`}},
		{"flag: white space around it", flag, Answer{Status: 200, Body: []byte(" {\n\"success\" :\ttrue }\n")}, Verdict{true, 200, " {\n\"success\" :\ttrue }\n"}},
		{"flag: twice, the last counts", flag, Answer{Status: 200, Body: []byte(`{"success":true,"success":false}`)}, Verdict{false, 200, `{"success":true,"success":false}`}},
		{"flag: error is false", failed, Answer{Status: 200, Body: []byte(`{"error":false}`)}, Verdict{true, 200, `{"error":false}`}},
		{"flag: error is true", failed, Answer{Status: 200, Body: []byte(`{"error":true}`)}, Verdict{false, 200, `{"error":true}`}},
		{"flag: error is missing", failed, Answer{Status: 200, Body: []byte(`{}`)}, Verdict{false, 200, `{}`}},
		{"flag: nested, holds", deep, Answer{Status: 200, Body: []byte(`{"data":{"ok":true}}`)}, Verdict{true, 200, `{"data":{"ok":true}}`}},
		{"flag: nested, does not hold", deep, Answer{Status: 200, Body: []byte(`{"data":{"ok":false},"ok":true}`)}, Verdict{false, 200, `{"data":{"ok":false},"ok":true}`}},
		{"flag: nested in a value", deep, Answer{Status: 200, Body: []byte(`{"data":true}`)}, Verdict{false, 200, `{"data":true}`}},

		{"no answer: timeout", plain, Answer{Status: NoAnswer, Reason: "Timeout after 10s", Fault: FaultTimeout}, Verdict{false, -1, "Timeout after 10s"}},
		{"no answer: refused", plain, Answer{Status: NoAnswer, Reason: "Connection refused", Fault: FaultRefused}, Verdict{false, -1, "Connection refused"}},
		{"no answer: token in the reason", plain, Answer{Status: NoAnswer, Reason: "bad header tok+secret/1"}, Verdict{false, -1, "bad header ***"}},
		{"no answer where anything is a success", answers("any"), Answer{Status: NoAnswer, Reason: "Connection reset"}, Verdict{false, -1, "Connection reset"}},

		{"echo", plain, Answer{Status: 401, Body: []byte(`{"message":"no bot for tok+secret/1"}`)}, Verdict{false, 401, `{"message":"no bot for ***"}`}},
		{"echo in a success", plain, Answer{Status: 200, Body: []byte(`tok+secret/1`)}, Verdict{true, 200, `***`}},
		{"echo in a URL", plain, Answer{Status: 403, Body: []byte(`GET /?key=tok%2Bsecret%2F1`)}, Verdict{false, 403, `GET /?key=***`}},
		{"echo beside bad bytes", plain, Answer{Status: 403, Body: []byte("\xfftok+secret/1\xfe")}, Verdict{false, 403, "\ufffd***\ufffd"}},

		{"bad bytes", plain, Answer{Status: 200, Body: []byte("a\xffb\xc3")}, Verdict{true, 200, "a\ufffdb\ufffd"}},
		{"half a sign", plain, Answer{Status: 200, Body: []byte("\xf0\x9f\x98 x")}, Verdict{true, 200, "\ufffd x"}},
		{"good bytes", plain, Answer{Status: 200, Body: []byte("é😀\x00")}, Verdict{true, 200, "é😀\x00"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.post.URL = "https://list.test/bots/:id"
			call := mustPost(t, onlyPost(tt.post), Count{ServerCount: 5}, `"`+token+`"`)
			if got := call.Judge(tt.answer); got != tt.want {
				t.Errorf("%+v, want %+v", got, tt.want)
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
		if got := call.Revoked(Answer{Status: status}); got != want {
			t.Errorf("%d: %t", status, got)
		}
	}
	if !call.MayBeRevoked() {
		t.Error("a list that revokes keys is said not to")
	}
	for name, other := range map[string]Call{
		"a list that revokes no keys": mustPost(t, onlyPost(PostEntry{}), Count{}, `"tok"`),
		"a list that is only read":    mustGet(t, "list.test", nil),
	} {
		if other.MayBeRevoked() || other.Revoked(Answer{Status: 410}) {
			t.Errorf("%s did", name)
		}
	}
}

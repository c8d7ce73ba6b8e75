package lists

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// FuzzProof has that no request but a signed one is proven, whatever stands in
// its headers, its address and its body.
func FuzzProof(f *testing.F) {
	secret := NewToken("a-s3cret-that-nobody-guesses", "")
	var hooks []*Webhook
	for _, proofs := range proofEntries {
		w := hookWith(f, proofs...)
		d := w.Sign(SampleVote{BotID: someBot, UserID: someUser}, NewToken("another", ""), someTime)
		f.Add(d.Header.Get("X-List-Signature")+d.Header.Get("X-Signature")+d.Header.Get("Authorization"), d.Header.Get("X-List-Timestamp"), d.Query.Encode(), d.Body)
		hooks = append(hooks, w)
	}
	f.Add("t=1,v1="+strings.Repeat("0", 64), "-1", "secret=&code=", []byte("e30.e30.e30"))
	f.Add("t=,t=,v1,v1=", "1e3", "", []byte(`{"alg":"none"}..`))
	f.Fuzz(func(t *testing.T, header, stamp, query string, body []byte) {
		values, _ := url.ParseQuery(query)
		d := Delivery{Header: http.Header{
			"X-List-Signature": {header}, "X-Signature": {header}, "Authorization": {header}, "X-Secret": {header}, "X-List-Timestamp": {stamp},
		}, Query: values, Body: body}
		for _, w := range hooks {
			proven, fault := w.Verify(d, []Token{secret}, someTime)
			if fault == nil {
				t.Errorf("proven by %s: %q %q %q %q", proven.Kind, header, stamp, query, body)
			}
		}
	})
}

// FuzzJWT has that the claims of a JWT that is proven are those that were signed.
func FuzzJWT(f *testing.F) {
	f.Add(`{"user":1}`, []byte(jwtOf(`{"alg":"HS256"}`, `{"user":1}`)))
	f.Add(`{"exp":1795600000}`, []byte("e30.e30."))
	f.Add(`[]`, []byte("..."))
	f.Fuzz(func(t *testing.T, claims string, body []byte) {
		key := []byte("a-s3cret-that-nobody-guesses")
		if _, reason := checkJWT(body, key, someTime); reason == "" {
			t.Errorf("proven without a secret: %q", body)
		}
		got, reason := checkJWT(jwt([]byte(claims), key), key, someTime)
		if reason == "" && string(got) != claims {
			t.Errorf("signed %q, got %q", claims, got)
		}
		if reason == ReasonWrongSecret {
			t.Errorf("signed %q is of a wrong secret", claims)
		}
	})
}

// FuzzWebhook has that whatever a proven request holds makes an event that can
// be kept and sent on, or a fault.
func FuzzWebhook(f *testing.F) {
	w := mustWebhook(f, WebhookEntry{Window: "12h", WebhookForm: WebhookForm{
		Kind:    &KindEntry{Path: "type", Votes: Names{"vote"}, Tests: Names{"test"}, Removed: Names{"unvote"}},
		Ignored: []IgnoredEntry{{Path: "on", Not: "discord", As: "platform"}},
		User:    Names{"user.id", "user"}, Bot: Names{"bot"}, ID: Names{"id"}, Test: Flags{{Path: "test"}}, Weight: Names{"weight"},
		Weekend: Names{"weekend"}, WeekendWeight: 2, Time: Times{{Path: "at"}, {Path: "time", Unit: "unix"}}, Until: Times{{Path: "ends", Unit: "http"}},
	}})
	for _, body := range []string{
		``, `{}`, `[]`, `{"type":"vote","on":"discord","user":"` + someUser + `"}`,
		`{"type":"VOTE","on":"discord","user":{"id":` + someUser + `},"bot":` + someBot + `,"id":12,"weight":2.5,"weekend":1,"at":"2026-11-25T09:00:00Z","ends":"Wed, 25 Nov 2026 21:00:00 GMT"}`,
		`{"type":"test","on":"discord","user":"\ud83d","test":"TRUE","time":1e400}`, `{"type":"unvote","on":"discord","user":5e17,"time":1795600000}`, `{"type":5}`, "\ufeff{\"type\":\"\xff\"}",
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := w.Read(Delivery{Header: http.Header{}, Body: body}, Proven{Kind: ProofQuery}, someBot, someTime)
		if err != nil {
			if text := err.Error(); text == "" || len(text) > 1000 || !utf8.ValidString(text) {
				t.Errorf("error %q of %q", text, body)
			}
			return
		}
		if !json.Valid(e.Raw) || !utf8.Valid(e.Raw) {
			t.Errorf("raw %q of %q is no JSON", e.Raw, body)
		}
		if e.Ignored != "" {
			if len(e.Ignored) > 300 {
				t.Errorf("ignored as %q", e.Ignored)
			}
			return
		}
		if e.BotID != someBot || e.UserID == "" || !e.Test && !IsSnowflake(e.UserID) || e.Weight < 0 || e.Weight > maxWeight || len(e.UserID) > maxID || len(e.ID) > maxID {
			t.Errorf("got %+v of %q", e, body)
		}
		if !e.Test && !e.Removed && !e.At.IsZero() && (e.At.Before(someTime.Add(-20*time.Hour)) || e.At.After(someTime.Add(5*time.Minute))) {
			t.Errorf("a vote of %s counts at %s", e.At, someTime)
		}
	})
}

// FuzzVote has that whatever a list answers is a vote that holds together, or is
// not as documented.
func FuzzVote(f *testing.F) {
	var calls []VoteCall
	for _, e := range []VotesEntry{
		{Voted: "voted", VotedAt: Times{{Path: "at"}}, Until: Times{{Path: "wait", Unit: "left"}}, Window: "12h"},
		{Voted: "success", While: "wait", VotedAt: Times{{Path: "votes[].at", Unit: "unix"}}, Window: "quarter"},
		{Found: "ends", NotVoted: []int{404}, Until: Times{{Path: "ends", Unit: "unix_ms"}}, Weight: "weight"},
		{Voters: &VotersEntry{In: "votes", User: "user.id", Time: &TimeAt{Path: "at"}, Newest: 2}, Window: "day"},
		{Voters: &VotersEntry{Newest: 1}},
	} {
		calls = append(calls, mustVote(f, e, Token{}))
	}
	for _, body := range []string{
		``, `{}`, `[]`, `["` + someUser + `"]`, `{"voted":true,"at":"2026-11-25T09:00:00Z","wait":{"hours":1e3,"minutes":-0,"seconds":"x"}}`,
		`{"success":false,"wait":null,"votes":[{"at":1795590000},{}],"ends":1795600000000,"weight":"1,000"}`, `<`, "\xff",
		`{"votes":[{"user":{"id":` + someUser + `},"at":"2026-11-25"},{"user":null,"at":0}]}`,
	} {
		f.Add([]byte(body), 200)
	}
	f.Add([]byte(`{}`), 404)
	f.Fuzz(func(t *testing.T, body []byte, status int) {
		a := NewAnswer(status, nil, body)
		for _, call := range calls {
			v := call.Read(a, someUser, someTime)
			if v.OK != (v.Why == "") || len(v.Text) > maxVoteText+len("…") || !utf8.ValidString(v.Text) || !utf8.ValidString(v.Why) {
				t.Errorf("verdict %+v of %q", v.Verdict, body)
			}
			if !v.OK && (v.Voted || !v.At.IsZero() || !v.Until.IsZero() || v.Weight != 0) {
				t.Errorf("a vote of an answer that is not as documented: %+v of %q", v, body)
			}
			if v.Voted && !v.Until.IsZero() && !v.Until.After(someTime) || !v.Voted && (v.Until.After(someTime) || v.Weight != 0) {
				t.Errorf("%+v at %s of %q", v, someTime, body)
			}
		}
	})
}

// FuzzTime has that a time that is read is one that can be written.
func FuzzTime(f *testing.F) {
	for _, text := range []string{`null`, `"2026-11-25T09:46:40.2510149+00:00"`, `1795600000`, `1795600000000`, `"Wed, 25 Nov 2026 09:46:40 GMT"`, `{"hours":1}`, `"9999-12-31T23:59:59-23:59"`, `"0001-01-01"`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		v, ok := Answer{Body: text}.value()
		if !ok {
			return
		}
		for unit := range timeUnits {
			for _, place := range []timeAt{{unit: unit}, {unit: unit, anyUnit: true}} {
				at, ok := place.parse(v, someTime)
				if !ok || at.IsZero() {
					continue
				}
				if year := at.UTC().Year(); year < 1 || year > 9999 {
					t.Errorf("%s reads as the year %d", text, year)
				}
			}
		}
	})
}

package lists

import (
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"
)

const someUser = "900000000000000202"

// someTime is the moment at which tests read webhooks.
var someTime = time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)

// mustWebhook compiles the webhook of an entry without problems.
func mustWebhook(t testing.TB, e WebhookEntry) *Webhook {
	t.Helper()
	return mustList(t, "list.test", Entry{Webhook: &e}).Webhook()
}

// proofEntries are all proofs that a list can have.
var proofEntries = map[string]Proofs{
	"jwt":                    {{Kind: "jwt"}},
	"timestamped":            {{Kind: "timestamped", Name: "x-list-signature"}},
	"timestamped in two":     {{Kind: "timestamped", Name: "x-list-signature", Timestamp: "x-list-timestamp"}},
	"timestamped, a prefix":  {{Kind: "timestamped", Name: "x-list-signature", Timestamp: "x-list-timestamp", Prefix: "v1="}},
	"signature":              {{Kind: "signature", Name: "X-Signature"}},
	"signature with prefix":  {{Kind: "signature", Name: "X-Signature", Prefix: "sha256="}},
	"header":                 {{Kind: "header"}},
	"header with prefix":     {{Kind: "header", Name: "X-Secret", Prefix: "Bearer "}},
	"query":                  {{Kind: "query", Name: "code"}},
	"none, so in the query":  nil,
	"signature, else header": {{Kind: "signature", Name: "X-Signature"}, {Kind: "header"}},
}

// TestSignedIsVerified has that what Sign sends is proven, and told as it was.
func TestSignedIsVerified(t *testing.T) {
	t.Parallel()
	for name, proofs := range proofEntries {
		w := mustWebhook(t, WebhookEntry{WebhookForm: WebhookForm{Proof: proofs, User: Names{"user"}, Bot: Names{"bot"}, Test: Flags{{Path: "test"}}}})
		d := w.Sign(SampleVote{BotID: someBot, UserID: someUser}, NewToken("secret", ""), someTime)
		proven, why := w.Verify(d, []Token{NewToken("another", ""), NewToken("secret", "")}, someTime)
		if why != nil {
			t.Errorf("%s: %v, want a proof", name, why)
			continue
		}
		e, err := w.Read(d, proven, someBot, someTime)
		if err != nil || e.UserID != someUser || e.BotID != someBot || e.Test || e.Weight != 0 {
			t.Errorf("%s: got %+v, %v; want the vote that was sent", name, e, err)
		}
		if _, why := w.Verify(d, []Token{NewToken("another", "")}, someTime); why == nil || why.Reason != ReasonWrongSecret {
			t.Errorf("%s: with another secret %v, want %s", name, why, ReasonWrongSecret)
		}
		if _, why := w.Verify(Delivery{Header: http.Header{}}, []Token{NewToken("secret", "")}, someTime); why == nil || why.Reason != ReasonNoHeader {
			t.Errorf("%s: without a proof %v, want %s", name, why, ReasonNoHeader)
		}
	}
}

// TestSecretIsToken has which secret proves a request.
func TestSecretIsToken(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		entry WebhookEntry
		want  bool
	}{
		{WebhookEntry{}, false},
		{WebhookEntry{Secret: "own"}, false},
		{WebhookEntry{Secret: "token"}, true},
	} {
		tt.entry.User = Names{"user"}
		l := mustList(t, "list.test", Entry{APIPost: "https://list.test/:id", APIField: "n", Webhook: &tt.entry})
		if got := l.Webhook().SecretIsToken(); got != tt.want {
			t.Errorf("secret %q: the token proves it %t, want %t", tt.entry.Secret, got, tt.want)
		}
	}
}

// toldBy returns what a webhook tells of a body, proven by the first proof, about
// someBot.
func toldBy(t *testing.T, w *Webhook, d Delivery) (Event, error) {
	t.Helper()
	return w.Read(d, Proven{Kind: w.proofs[0].kind}, someBot, someTime)
}

// TestReadWebhook has what is read in a webhook's body.
func TestReadWebhook(t *testing.T) {
	t.Parallel()
	var (
		signed = Proofs{{Kind: "signature", Name: "X-Sig"}}
		flat   = WebhookForm{Proof: signed, User: Names{"user"}, Bot: Names{"bot"}, Test: Flags{{Path: "test"}}}
		typed  = WebhookForm{Proof: signed, Kind: &KindEntry{Path: "type", Votes: Names{"upvote", "premium"}, Tests: Names{"Test"}, Removed: Names{"unvote"}}, User: Names{"user"}, Bot: Names{"bot"}}
		deep   = WebhookForm{
			Proof: signed,
			Kind:  &KindEntry{Path: "type", Votes: Names{"vote.create"}, Tests: Names{"webhook.test"}},
			Ignored: []IgnoredEntry{
				{Path: "data.project.platform", Not: "discord", As: "platform"}, {Path: "data.project.type", Not: "bot", As: "project"},
				{Path: "data.downvote", Is: true, As: "downvote"}, {Path: "guild", Present: true, As: "guild"},
			},
			User: Names{"data.user.platform_id"}, Bot: Names{"data.project.platform_id"}, ID: Names{"data.id"},
		}
	)
	with := func(f WebhookForm, change func(*WebhookForm)) WebhookForm { change(&f); return f }
	user := func(e Event) Event { // what every event has here
		e.UserID, e.BotID = someUser, someBot
		return e
	}
	at := someTime.Add(-time.Hour)
	const u = `"user":"` + someUser + `"`
	const project = `"project":{"platform":"discord","type":"bot","platform_id":"` + someBot + `"},"user":{"id":"1","platform_id":"` + someUser + `"}`
	for _, tt := range []struct {
		name  string
		form  WebhookForm
		body  string
		want  Event
		fault string // what is wrong, "" for an event
	}{
		{"user and bot", flat, `{` + u + `,"bot":"` + someBot + `"}`, user(Event{}), ""},
		{"no bot", flat, `{` + u + `}`, user(Event{}), ""},
		{"null for a bot", flat, `{` + u + `,"bot":null}`, user(Event{}), ""},
		{"numbers, with every digit", flat, `{"user":` + someUser + `,"bot":` + someBot + `}`, user(Event{}), ""},
		{"after a byte order mark", flat, "\ufeff{" + u + `}`, user(Event{}), ""},
		{"another bot", flat, `{` + u + `,"bot":"900000000000000303"}`, Event{}, "'bot' must be the bot of this address"},
		{"another bot, as a number", flat, `{` + u + `,"bot":123456789012345680}`, Event{}, "'bot' must be the bot of this address"},
		{"an object for a bot", flat, `{` + u + `,"bot":{}}`, Event{}, "'bot' must be the bot of this address"},
		{"no user", flat, `{"bot":"` + someBot + `"}`, Event{}, "'user' must be the id of the user"},
		{"null for a user", flat, `{"user":null}`, Event{}, "'user' must be the id of the user"},
		{"no user of a test", flat, `{"test":true}`, Event{}, "'user' must be the id of the user"},
		{"a name for a user", flat, `{"user":"someone"}`, Event{}, "'user' must be a snowflake"},
		{"a rounded number for a user", flat, `{"user":9.00000000000000202e17}`, Event{}, "'user' must be a snowflake"},
		{"a name for the user of a test", flat, `{"user":"someone","test":true}`, Event{UserID: "someone", BotID: someBot, Test: true}, ""},
		{"a long id", flat, `{"user":"` + strings.Repeat("1", 201) + `","test":true}`, Event{}, "an id must be at most 200 bytes long"},
		{"no JSON", flat, `user=1`, Event{}, "body must be a JSON object"},
		{"no object", flat, `[]`, Event{}, "body must be a JSON object"},
		{"empty", flat, ``, Event{}, "body must be a JSON object"},
		{"too deep", flat, `{` + u + `,"x":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`, Event{}, "body is nested too deep, or holds a number with too many digits"},

		{"test", flat, `{` + u + `,"test":true}`, user(Event{Test: true}), ""},
		{"test in a word", flat, `{` + u + `,"test":"true"}`, user(Event{Test: true}), ""},
		{"no test", flat, `{` + u + `,"test":false}`, user(Event{}), ""},
		{"test where something stands", with(flat, func(f *WebhookForm) { f.Test = Flags{{Path: "promo", Present: true}} }), `{` + u + `,"promo":{}}`, user(Event{Test: true}), ""},
		{"no test where null stands", with(flat, func(f *WebhookForm) { f.Test = Flags{{Path: "promo", Present: true}} }), `{` + u + `,"promo":null}`, user(Event{}), ""},
		{"test in another spelling", with(flat, func(f *WebhookForm) { f.Test = Flags{{Path: "is_test"}, {Path: "isTest"}} }), `{` + u + `,"isTest":true}`, user(Event{Test: true}), ""},
		{"user in another spelling", with(flat, func(f *WebhookForm) { f.User = Names{"user_id", "userId"} }), `{"userId":"` + someUser + `"}`, user(Event{}), ""},
		{"the first spelling counts", with(flat, func(f *WebhookForm) { f.User = Names{"user_id", "user"} }), `{` + u + `,"user_id":"x"}`, Event{}, "'user_id or user' must be a snowflake"},
		{"removed", with(flat, func(f *WebhookForm) { f.Removed = Flags{{Path: "liked", Is: false}} }), `{` + u + `,"liked":false}`, user(Event{Removed: true}), ""},
		{"not removed", with(flat, func(f *WebhookForm) { f.Removed = Flags{{Path: "liked", Is: false}} }), `{` + u + `,"liked":true}`, user(Event{}), ""},

		{"a kind", typed, `{` + u + `,"type":"upvote"}`, user(Event{}), ""},
		{"a kind in capitals", typed, `{` + u + `,"type":"UPVOTE"}`, user(Event{}), ""},
		{"a kind of tests", typed, `{` + u + `,"type":"test"}`, user(Event{Test: true}), ""},
		{"a kind that takes back", typed, `{` + u + `,"type":"unvote"}`, user(Event{Removed: true}), ""},
		{"another kind, whatever it lacks", typed, `{"type":"Review","bot":5}`, Event{Ignored: "Review"}, ""},
		{"no kind", typed, `{` + u + `}`, Event{}, "'type' must say what this is about"},
		{"nested", deep, `{"type":"vote.create","data":{"id":"7",` + project + `}}`, user(Event{ID: "7"}), ""},
		{"of another platform", deep, `{"type":"vote.create","data":{"project":{"platform":"other","type":"bot"}}}`, Event{Ignored: "platform"}, ""},
		{"of no platform", deep, `{"type":"vote.create","data":{}}`, Event{Ignored: "platform"}, ""},
		{"of a server", deep, `{"type":"vote.create","data":{"project":{"platform":"discord","type":"server"}}}`, Event{Ignored: "project"}, ""},
		{"a downvote", deep, `{"type":"vote.create","data":{"downvote":true,` + project + `}}`, Event{Ignored: "downvote"}, ""},
		{"with a guild", deep, `{"type":"vote.create","guild":"1","data":{` + project + `}}`, Event{Ignored: "guild"}, ""},

		{"weight", with(flat, func(f *WebhookForm) { f.Weight = Names{"votes"} }), `{` + u + `,"votes":3}`, user(Event{Weight: 3}), ""},
		{"weight in a word", with(flat, func(f *WebhookForm) { f.Weight = Names{"votes"} }), `{` + u + `,"votes":"many"}`, user(Event{}), ""},
		{"weight of nothing", with(flat, func(f *WebhookForm) { f.Weight = Names{"votes"} }), `{` + u + `,"votes":0}`, user(Event{}), ""},
		{"weight of a kind", with(typed, func(f *WebhookForm) { f.Weights = map[string]int64{"Premium": 2} }), `{` + u + `,"type":"premium"}`, user(Event{Weight: 2}), ""},
		{"weight of a weekend", with(flat, func(f *WebhookForm) { f.Weekend, f.WeekendWeight = Names{"weekend"}, 2 }), `{` + u + `,"weekend":true}`, user(Event{Weight: 2, Weekend: new(true)}), ""},
		{"no weekend", with(flat, func(f *WebhookForm) { f.Weekend, f.WeekendWeight = Names{"weekend"}, 2 }), `{` + u + `,"weekend":false}`, user(Event{Weekend: new(false)}), ""},
		{"a weekend that counts once", with(flat, func(f *WebhookForm) { f.Weekend = Names{"weekend"} }), `{` + u + `,"weekend":1}`, user(Event{Weekend: new(true)}), ""},
		{"a weekend in a word", with(flat, func(f *WebhookForm) { f.Weekend = Names{"weekend"} }), `{` + u + `,"weekend":"maybe"}`, user(Event{}), ""},

		{"time", with(flat, func(f *WebhookForm) { f.Time = Times{{Path: "at"}} }), `{` + u + `,"at":"2026-11-25T09:00:00.2510149+00:00"}`, user(Event{At: at.Add(251014900)}), ""},
		{"time in Unix time", with(flat, func(f *WebhookForm) { f.Time = Times{{Path: "at", Unit: "unix"}} }), fmt.Sprintf(`{%s,"at":%d}`, u, at.Unix()), user(Event{At: at}), ""},
		{"time in milliseconds, unannounced", with(flat, func(f *WebhookForm) { f.Time = Times{{Path: "at", Unit: "unix"}} }), fmt.Sprintf(`{%s,"at":%d}`, u, at.UnixMilli()), user(Event{At: at}), ""},
		{"time in seconds, unannounced", with(flat, func(f *WebhookForm) { f.Time = Times{{Path: "at", Unit: "unix_ms"}} }), fmt.Sprintf(`{%s,"at":%d}`, u, at.Unix()), user(Event{At: at}), ""},
		{"time null", with(flat, func(f *WebhookForm) { f.Time = Times{{Path: "at"}} }), `{` + u + `,"at":null}`, user(Event{}), ""},
		{"time in a word", with(flat, func(f *WebhookForm) { f.Time = Times{{Path: "at"}} }), `{` + u + `,"at":"today"}`, Event{}, `at is "today", want ISO 8601`},
		{"until", with(flat, func(f *WebhookForm) { f.Until = Times{{Path: "end"}} }), `{` + u + `,"end":"2026-11-25T21:00:00Z"}`, user(Event{Until: at.Add(12 * time.Hour)}), ""},
		{"20 hours old", with(flat, func(f *WebhookForm) { f.Time = Times{{Path: "at"}} }), `{` + u + `,"at":"2026-11-24T14:00:00Z"}`, user(Event{At: someTime.Add(-20 * time.Hour)}), ""},
		{"more than 20 hours old", with(flat, func(f *WebhookForm) { f.Time = Times{{Path: "at"}} }), `{` + u + `,"at":"2026-11-24T13:59:59Z"}`, Event{Ignored: "old"}, ""},
		{"5 minutes ahead", with(flat, func(f *WebhookForm) { f.Time = Times{{Path: "at"}} }), `{` + u + `,"at":"2026-11-25T10:05:00Z"}`, user(Event{At: someTime.Add(5 * time.Minute)}), ""},
		{"more than 5 minutes ahead", with(flat, func(f *WebhookForm) { f.Time = Times{{Path: "at"}} }), `{` + u + `,"at":"2026-11-25T10:05:01Z"}`, Event{Ignored: "old"}, ""},
		{"an old test", with(flat, func(f *WebhookForm) { f.Time = Times{{Path: "at"}} }), `{` + u + `,"test":true,"at":"2020-01-01T00:00:00Z"}`, user(Event{Test: true, At: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)}), ""},
		{"an old vote taken back", with(flat, func(f *WebhookForm) { f.Time, f.Removed = Times{{Path: "at"}}, Flags{{Path: "gone"}} }), `{` + u + `,"gone":true,"at":"2020-01-01T00:00:00Z"}`,
			user(Event{Removed: true, At: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)}), ""},

		{"id that the proof does not cover", with(flat, func(f *WebhookForm) { f.ID, f.Proof = Names{"id"}, Proofs{{Kind: "header"}} }), `{` + u + `,"id":"7"}`, user(Event{OtherID: "7"}), ""},
		{"id as a number", with(flat, func(f *WebhookForm) { f.ID = Names{"id"} }), `{` + u + `,"id":12345678901234567890}`, user(Event{ID: "12345678901234567890"}), ""},
	} {
		e, err := toldBy(t, mustWebhook(t, WebhookEntry{WebhookForm: tt.form}), Delivery{Header: http.Header{}, Body: []byte(tt.body)})
		if fault := fmt.Sprint(err); err != nil && fault != tt.fault || err == nil && tt.fault != "" {
			t.Errorf("%s: error %v, want %q", tt.name, err, tt.fault)
		}
		if err == nil {
			if want := strings.TrimPrefix(tt.body, "\ufeff"); string(e.Raw) != want {
				t.Errorf("%s: raw %s, want %s", tt.name, e.Raw, want)
			}
			e.Raw = nil
		}
		if !reflect.DeepEqual(e, tt.want) {
			t.Errorf("%s: got %+v, want %+v", tt.name, e, tt.want)
		}
	}
}

// TestReadWebhookHeaders has what is read in a webhook's headers.
func TestReadWebhookHeaders(t *testing.T) {
	t.Parallel()
	w := mustWebhook(t, WebhookEntry{Window: "12h", WebhookForm: WebhookForm{
		Proof: Proofs{{Kind: "timestamped", Name: "x-sig", Timestamp: "x-time"}, {Kind: "header"}},
		User:  Names{"user"}, BotHeader: "x-bot-id", IDHeader: "x-delivery", TimeHeader: "x-time",
	}})
	body := []byte(`{"user":"` + someUser + `"}`)
	header := func(bot string) http.Header {
		h := http.Header{}
		h.Set("x-bot-id", bot)
		h.Set("x-delivery", "d1")
		h.Set("x-time", stampOf(-60))
		return h
	}
	at := someTime.Add(-time.Minute)
	for _, tt := range []struct {
		name  string
		proof string
		bot   string
		want  Event
		fault string
	}{
		{"all", ProofTimestamped, someBot, Event{UserID: someUser, BotID: someBot, OtherID: "d1", At: at, AtOfRequest: true, Until: at.Add(12 * time.Hour)}, ""},
		{"a time that the proof does not cover", ProofHeader, someBot, Event{UserID: someUser, BotID: someBot, OtherID: "d1"}, ""},
		{"another bot", ProofTimestamped, "900000000000000303", Event{}, "header X-Bot-Id must be the bot of this address"},
	} {
		e, err := w.Read(Delivery{Header: header(tt.bot), Body: body}, Proven{Kind: tt.proof}, someBot, someTime)
		e.Raw = nil
		if fault := fmt.Sprint(err); err != nil && fault != tt.fault || err == nil && tt.fault != "" || !reflect.DeepEqual(e, tt.want) {
			t.Errorf("%s: got %+v, %v; want %+v, %q", tt.name, e, err, tt.want, tt.fault)
		}
	}
}

// TestForms has that the proof of a request says which form it has.
func TestForms(t *testing.T) {
	t.Parallel()
	w := mustWebhook(t, WebhookEntry{
		WebhookForm: WebhookForm{Proof: Proofs{{Kind: "signature", Name: "X-Sig"}}, Kind: &KindEntry{Path: "type", Votes: Names{"vote"}}, User: Names{"data.user"}},
		Otherwise:   &WebhookForm{Proof: Proofs{{Kind: "header"}}, User: Names{"id"}, Test: Flags{{Path: "isTest"}}},
	})
	secret := NewToken("secret", "")
	if w.Forms() != 2 {
		t.Fatalf("%d forms, want 2", w.Forms())
	}
	for _, tt := range []struct {
		second bool
		proof  string
		body   string
	}{
		{false, ProofSignature, `{"type":"vote","data":{"user":"` + someUser + `"}}`},
		{true, ProofHeader, `{"id":"` + someUser + `","isTest":false}`},
	} {
		d := w.Sign(SampleVote{BotID: someBot, UserID: someUser, Second: tt.second}, secret, someTime)
		if string(d.Body) != tt.body {
			t.Errorf("%s: body %s, want %s", tt.proof, d.Body, tt.body)
		}
		proven, fault := w.Verify(d, []Token{secret}, someTime)
		if fault != nil || proven.Kind != tt.proof {
			t.Errorf("%s: proven by %s, %v", tt.proof, proven.Kind, fault)
			continue
		}
		if e, err := w.Read(d, proven, someBot, someTime); err != nil || e.UserID != someUser {
			t.Errorf("%s: got %+v, %v", tt.proof, e, err)
		}
	}
	// A body of the other form has no user.
	d := w.Sign(SampleVote{BotID: someBot, UserID: someUser}, secret, someTime)
	d.Header = http.Header{"Authorization": {"secret"}}
	proven, _ := w.Verify(d, []Token{secret}, someTime)
	if _, err := w.Read(d, proven, someBot, someTime); err == nil || err.Error() != "'id' must be the id of the user" {
		t.Errorf("the body of the other form: %v", err)
	}
}

// TestWindowOfWebhook has that a webhook has the window of votes where it names
// none of its own.
func TestWindowOfWebhook(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ votes, own, want string }{
		{"12h", "", "12h"}, {"12h", "24h", "24h"}, {"", "quarter", "quarter"},
	} {
		l := mustList(t, "list.test", Entry{
			Votes:   &VotesEntry{URL: votesURL, Voted: "voted", Window: tt.votes},
			Webhook: &WebhookEntry{Window: tt.own, WebhookForm: WebhookForm{User: Names{"user"}}},
		})
		if got := l.Webhook().forms[0].window.String(); got != tt.want {
			t.Errorf("votes %q, webhook %q: window %s, want %s", tt.votes, tt.own, got, tt.want)
		}
	}
}

// TestNoWebhook has which lists have none.
func TestNoWebhook(t *testing.T) {
	t.Parallel()
	for name, e := range map[string]Entry{
		"no part": {}, "defunct": {Defunct: true, Webhook: &WebhookEntry{WebhookForm: WebhookForm{User: Names{"user"}}}},
	} {
		l := mustList(t, "list.test", e)
		if l.Webhook() != nil || l.WebhookRules() != nil {
			t.Errorf("%s: there is a webhook, want none", name)
		}
	}
}

// TestTellsTests has which webhooks can say that a vote is a test.
func TestTellsTests(t *testing.T) {
	t.Parallel()
	user := Names{"user"}
	for _, tt := range []struct {
		name string
		form WebhookForm
		want bool
	}{
		{"a flag", WebhookForm{User: user, Test: Flags{{Path: "test"}}}, true},
		{"a kind", WebhookForm{User: user, Kind: &KindEntry{Path: "type", Votes: Names{"vote"}, Tests: Names{"test"}}}, true},
		{"neither", WebhookForm{User: user, Kind: &KindEntry{Path: "type", Votes: Names{"vote"}}}, false},
	} {
		w := mustWebhook(t, WebhookEntry{WebhookForm: tt.form})
		if got := w.TellsTests(false); got != tt.want {
			t.Errorf("%s: tells tests %t, want %t", tt.name, got, tt.want)
		}
		d := w.Sign(SampleVote{BotID: someBot, UserID: someUser, Test: true}, NewToken("secret", ""), someTime)
		if e, err := w.Read(d, Proven{Kind: ProofQuery}, someBot, someTime); err != nil || e.Test != tt.want {
			t.Errorf("%s: %s reads as a test %t, %v; want %t", tt.name, d.Body, e.Test, err, tt.want)
		}
	}
}

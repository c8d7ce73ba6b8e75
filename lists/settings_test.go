package lists

import (
	"slices"
	"testing"
)

// TestSetup has how a person sets up a webhook, in words.
func TestSetup(t *testing.T) {
	t.Parallel()
	settings := func(s SettingsEntry) *SettingsEntry {
		s.Where, s.Page = "Dashboard, Webhooks", "https://list.test/docs"
		return &s
	}
	for _, tt := range []struct {
		name          string
		entry         WebhookEntry
		secret, proof string
	}{
		{"the owner's", WebhookEntry{Settings: settings(SettingsEntry{Secret: "owner"}), WebhookForm: WebhookForm{Proof: proofEntries["header"]}},
			"one of your own, typed in there too", "the secret in header Authorization"},
		{"the list's", WebhookEntry{Settings: settings(SettingsEntry{Secret: "list"}), WebhookForm: WebhookForm{Proof: proofEntries["timestamped"]}},
			"the list's, shown there", "header X-List-Signature, as t=…,v1=…: HMAC-SHA256 of the timestamp, a dot and the body, in hex"},
		{"not documented", WebhookEntry{Settings: settings(SettingsEntry{}), WebhookForm: WebhookForm{Proof: proofEntries["signature, else header"]}},
			"the one that is shown or typed in there, which is not documented", "header X-Signature: HMAC-SHA256 of the body, in hex; or the secret in header Authorization"},
		{"the token", WebhookEntry{Secret: "token", WebhookForm: WebhookForm{Proof: proofEntries["timestamped, a prefix"]}},
			"the token that counts are posted with", "header X-List-Signature, with the timestamp in X-List-Timestamp: HMAC-SHA256 of the timestamp, a dot and the body, in hex, after \"v1=\""},
		{"in the address", WebhookEntry{}, "one of your own, in the address", "the secret in the address, as ?secret=…"},
		{"a JWT", WebhookEntry{WebhookForm: WebhookForm{Proof: proofEntries["jwt"]}},
			"the one that is shown or typed in there, which is not documented", "the body is a JWT, signed with HS256"},
		{"a second form", WebhookEntry{
			WebhookForm: WebhookForm{Proof: proofEntries["signature with prefix"]},
			Otherwise:   &WebhookForm{Proof: proofEntries["header with prefix"], User: Names{"id"}},
		}, "the one that is shown or typed in there, which is not documented", "header X-Signature: HMAC-SHA256 of the body, in hex, after \"sha256=\"; or the secret in header X-Secret, after \"Bearer \""},
	} {
		tt.entry.User = Names{"user"}
		l := mustList(t, "list.test", Entry{APIPost: "https://list.test/:id", APIField: "n", Webhook: &tt.entry})
		got, want := l.Webhook().Setup(), Setup{Secret: tt.secret, Proof: tt.proof}
		if tt.entry.Settings != nil {
			want.Where, want.Page = "Dashboard, Webhooks", "https://list.test/docs"
		}
		if got != want {
			t.Errorf("%s: got\n%+v, want\n%+v", tt.name, got, want)
		}
	}
}

func TestBadSettings(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		entry WebhookEntry
		want  string // the field with the problem
	}{
		{WebhookEntry{Settings: &SettingsEntry{Where: "there", Page: "list.test/docs"}}, "webhook.settings.page"},
		{WebhookEntry{Secret: "token", Settings: &SettingsEntry{Where: "there", Page: "https://list.test/docs", Secret: "owner"}}, "webhook.settings.secret"},
	} {
		tt.entry.User = Names{"user"}
		_, problems := New("list.test", Entry{Name: "List", URL: "https://list.test/", Webhook: &tt.entry})
		if !slices.ContainsFunc(problems, func(p Problem) bool { return p.Field == tt.want }) {
			t.Errorf("got the problems %v, want one with %s", problems, tt.want)
		}
	}
}

// TestIgnored has what makes a webhook none about a vote for a bot.
func TestIgnored(t *testing.T) {
	t.Parallel()
	w := mustWebhook(t, WebhookEntry{WebhookForm: WebhookForm{
		Proof: proofEntries["header"], User: Names{"user"},
		Ignored: []IgnoredEntry{
			{Path: "guild", Present: true, As: "server"}, {Path: "down", Is: true, As: "downvote"},
			{Path: "votes", Is: int64(0), As: "nothing"}, {Path: "of.type", Not: "bot", As: "no bot"},
		},
	}})
	const vote = `"user":"` + someUser + `","of":{"type":"bot"}`
	for _, tt := range []struct{ body, want string }{
		{`{` + vote + `}`, ""},
		{`{` + vote + `,"guild":null,"down":false,"votes":1}`, ""},
		{`{` + vote + `,"guild":"1"}`, "server"},
		{`{` + vote + `,"guild":false}`, "server"},
		{`{` + vote + `,"down":true}`, "downvote"},
		{`{` + vote + `,"votes":0}`, "nothing"},
		{`{"user":"` + someUser + `","of":{"type":"server"}}`, "no bot"},
		{`{"user":"` + someUser + `"}`, "no bot"},
	} {
		d := w.Sign(SampleVote{BotID: someBot, UserID: someUser}, NewToken("secret", ""), someTime)
		d.Body = []byte(tt.body)
		proven, why := w.Verify(d, []Token{NewToken("secret", "")}, someTime)
		if why != nil {
			t.Fatal(why)
		}
		if e, err := w.Read(d, proven, someBot, someTime); err != nil || e.Ignored != tt.want {
			t.Errorf("%s: ignored as %q (%v), want %q", tt.body, e.Ignored, err, tt.want)
		}
	}
	for _, bad := range []IgnoredEntry{{Path: "guild", As: "server"}, {Path: "guild", Present: true, Is: "x", As: "server"}} {
		_, problems := New("list.test", Entry{Name: "List", URL: "https://list.test/", Webhook: &WebhookEntry{WebhookForm: WebhookForm{User: Names{"user"}, Ignored: []IgnoredEntry{bad}}}})
		if !slices.ContainsFunc(problems, func(p Problem) bool { return p.Field == "webhook.ignored[0]" }) {
			t.Errorf("%+v: got the problems %v, want one with webhook.ignored[0]", bad, problems)
		}
	}
}

package lists

import (
	"net/http"
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
		if err != nil || e.UserID != someUser || e.BotID != someBot || e.Test || e.Weight != 1 {
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

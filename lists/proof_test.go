package lists

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
)

// hookBody is the body of requests whose proof is under test.
const hookBody = `{"user":"` + someUser + `","test":false}`

// hookWith is a webhook with some proofs.
func hookWith(t testing.TB, proofs ...ProofEntry) *Webhook {
	t.Helper()
	return mustWebhook(t, WebhookEntry{WebhookForm: WebhookForm{Proof: proofs, User: Names{"user"}}})
}

// hexOf returns the HMAC-SHA256 of a text with the secret "secret", in hex.
func hexOf(text string) string { return hex.EncodeToString(sign([]byte("secret"), []byte(text))) }

// stampOf returns a moment some seconds from someTime as a Unix time.
func stampOf(seconds int64) string { return strconv.FormatInt(someTime.Unix()+seconds, 10) }

// TestVerify has what proves a request, and why one is refused.
func TestVerify(t *testing.T) {
	t.Parallel()
	var (
		signed   = ProofEntry{Kind: "signature", Name: "X-Sig"}
		prefixed = ProofEntry{Kind: "signature", Name: "X-Sig", Prefix: "sha256="}
		stamped  = ProofEntry{Kind: "timestamped", Name: "X-Sig"}
		apart    = ProofEntry{Kind: "timestamped", Name: "X-Sig", Timestamp: "X-Time"}
		bare     = ProofEntry{Kind: "header"}
		scheme   = ProofEntry{Kind: "header", Prefix: "Bearer "}
		asked    = ProofEntry{Kind: "query", Name: "code"}
	)
	sig := func(values ...string) http.Header { return http.Header{"X-Sig": values} }
	authorization := func(values ...string) http.Header { return http.Header{"Authorization": values} }
	both := func(stamp, signature string) http.Header {
		return http.Header{"X-Time": {stamp}, "X-Sig": {signature}}
	}
	at := func(seconds int64, format string) http.Header {
		stamp := stampOf(seconds)
		good := hexOf(stamp + "." + hookBody)
		return sig(strings.NewReplacer("T", stamp, "GOOD", good, "BAD", hexOf("other")).Replace(format))
	}
	good, wrong := hexOf(hookBody), hexOf("other")
	for _, tt := range []struct {
		name   string
		proofs []ProofEntry
		header http.Header
		query  string
		want   string // what the fault prints as, "" for a proof
	}{
		{"signature", []ProofEntry{signed}, sig(good), "", ""},
		{"signature in capitals", []ProofEntry{signed}, sig(strings.ToUpper(good)), "", ""},
		{"signature of another body", []ProofEntry{signed}, sig(wrong), "", "signature: wrong secret"},
		{"signature, none", []ProofEntry{signed}, nil, "", "signature: no header"},
		{"signature, empty", []ProofEntry{signed}, sig(""), "", "signature: malformed"},
		{"signature, twice", []ProofEntry{signed}, sig(good, good), "", "signature: malformed"},
		{"signature, no hex", []ProofEntry{signed}, sig("zz" + good[2:]), "", "signature: malformed"},
		{"signature, half", []ProofEntry{signed}, sig(good[:32]), "", "signature: malformed"},
		{"signature with a prefix that it has not", []ProofEntry{signed}, sig("sha256=" + good), "", "signature: malformed"},
		{"prefix", []ProofEntry{prefixed}, sig("sha256=" + good), "", ""},
		{"prefix, none", []ProofEntry{prefixed}, sig(good), "", "signature: malformed"},
		{"prefix of another hash", []ProofEntry{prefixed}, sig("sha512=" + good), "", "signature: malformed"},

		{"timestamped", []ProofEntry{stamped}, at(0, "t=T,v1=GOOD"), "", ""},
		{"timestamped, the other way round", []ProofEntry{stamped}, at(0, "v1=GOOD,t=T"), "", ""},
		{"timestamped, with blanks", []ProofEntry{stamped}, at(0, "t=T, v1=GOOD"), "", ""},
		{"timestamped, the first of two", []ProofEntry{stamped}, at(0, "t=T,v1=GOOD,v1=BAD"), "", ""},
		{"timestamped, the last of three", []ProofEntry{stamped}, at(0, "t=T,v1=BAD,v1=zz,v1=GOOD"), "", ""},
		{"timestamped, of a later version too", []ProofEntry{stamped}, at(0, "t=T,v1=GOOD,v2=xyz"), "", ""},
		{"timestamped, wrong", []ProofEntry{stamped}, at(0, "t=T,v1=BAD,v1=BAD"), "", "timestamped: wrong secret"},
		{"timestamped, of another version alone", []ProofEntry{stamped}, at(0, "t=T,v0=GOOD"), "", "timestamped: malformed"},
		{"timestamped, no time", []ProofEntry{stamped}, at(0, "v1=GOOD"), "", "timestamped: malformed"},
		{"timestamped, two times", []ProofEntry{stamped}, at(0, "t=T,t=T,v1=GOOD"), "", "timestamped: malformed"},
		{"timestamped, no number", []ProofEntry{stamped}, at(0, "t=+T,v1=GOOD"), "", "timestamped: malformed"},
		{"timestamped, too large a number", []ProofEntry{stamped}, at(0, "t=99999999999999999999,v1=GOOD"), "", "timestamped: malformed"},
		{"timestamped, another time", []ProofEntry{stamped}, at(0, "t=1T,v1=GOOD"), "", "timestamped: wrong secret"},
		{"timestamped, empty", []ProofEntry{stamped}, sig(""), "", "timestamped: malformed"},
		{"timestamped, none", []ProofEntry{stamped}, nil, "", "timestamped: no header"},
		{"timestamped, just in time", []ProofEntry{stamped}, at(-300, "t=T,v1=GOOD"), "", ""},
		{"timestamped, just ahead", []ProofEntry{stamped}, at(300, "t=T,v1=GOOD"), "", ""},
		{"timestamped, too old", []ProofEntry{stamped}, at(-301, "t=T,v1=GOOD"), "", "timestamped: clock"},
		{"timestamped, too far ahead", []ProofEntry{stamped}, at(301, "t=T,v1=GOOD"), "", "timestamped: clock"},
		{"timestamped, wrong and old", []ProofEntry{stamped}, at(-301, "t=T,v1=BAD"), "", "timestamped: wrong secret"},

		{"in two headers", []ProofEntry{apart}, both(stampOf(0), hexOf(stampOf(0)+"."+hookBody)), "", ""},
		{"in two headers, too old", []ProofEntry{apart}, both(stampOf(-301), hexOf(stampOf(-301)+"."+hookBody)), "", "timestamped: clock"},
		{"in two headers, of the body alone", []ProofEntry{apart}, both(stampOf(0), good), "", "timestamped: wrong secret"},
		{"in two headers, no time", []ProofEntry{apart}, sig(good), "", "timestamped: malformed"},
		{"in two headers, no signature", []ProofEntry{apart}, http.Header{"X-Time": {stampOf(0)}}, "", "timestamped: no header"},
		{"in two headers, the time twice", []ProofEntry{apart}, http.Header{"X-Time": {stampOf(0), stampOf(0)}, "X-Sig": {hexOf(stampOf(0) + "." + hookBody)}}, "", "timestamped: malformed"},

		{"header", []ProofEntry{bare}, authorization("secret"), "", ""},
		{"header, the other secret", []ProofEntry{bare}, authorization("former-secret"), "", ""},
		{"header, wrong", []ProofEntry{bare}, authorization("Secret"), "", "header: wrong secret"},
		{"header, longer", []ProofEntry{bare}, authorization("secret1"), "", "header: wrong secret"},
		{"header, shorter", []ProofEntry{bare}, authorization("secre"), "", "header: wrong secret"},
		{"header, empty", []ProofEntry{bare}, authorization(""), "", "header: wrong secret"},
		{"header, twice", []ProofEntry{bare}, authorization("secret", "secret"), "", "header: malformed"},
		{"header, none", []ProofEntry{bare}, nil, "", "header: no header"},
		{"header, in the address", []ProofEntry{bare}, nil, "secret=secret", "header: no header"},
		{"header with a prefix", []ProofEntry{scheme}, authorization("bearer secret"), "", ""},
		{"header without its prefix", []ProofEntry{scheme}, authorization("secret"), "", "header: wrong secret"},

		{"query", []ProofEntry{asked}, nil, "code=secret", ""},
		{"query, wrong", []ProofEntry{asked}, nil, "code=x", "query: wrong secret"},
		{"query, twice", []ProofEntry{asked}, nil, "code=secret&code=secret", "query: malformed"},
		{"query, none", []ProofEntry{asked}, nil, "", "query: no header"},
		{"query, under another name", []ProofEntry{asked}, nil, "secret=secret", "query: no header"},
		{"no proof, so in the query", nil, nil, "secret=secret", ""},
		{"no proof, and nothing", nil, nil, "", "query: no header"},

		{"two proofs, the weaker alone", []ProofEntry{signed, bare}, authorization("secret"), "", ""},
		{"two proofs, the stronger alone", []ProofEntry{signed, bare}, sig(good), "", ""},
		{"two proofs, the stronger wrong", []ProofEntry{signed, bare}, http.Header{"X-Sig": {wrong}, "Authorization": {"secret"}}, "", "signature: wrong secret"},
		{"two proofs, the stronger empty", []ProofEntry{signed, bare}, http.Header{"X-Sig": {""}, "Authorization": {"secret"}}, "", "signature: malformed"},
		{"two proofs, the weaker wrong", []ProofEntry{signed, bare}, http.Header{"X-Sig": {good}, "Authorization": {"x"}}, "", ""},
		{"two proofs, none", []ProofEntry{signed, bare}, nil, "", "signature: no header"},
	} {
		query, err := url.ParseQuery(tt.query)
		if err != nil {
			t.Fatal(err)
		}
		d := Delivery{Header: tt.header, Query: query, Body: []byte(hookBody)}
		_, fault := hookWith(t, tt.proofs...).Verify(d, []Token{{}, NewToken("former-secret", ""), NewToken("secret", "")}, someTime)
		got := ""
		if fault != nil {
			got = fault.String()
		}
		if got != tt.want {
			t.Errorf("%s: fault %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestVerifyWithoutSecrets has that nothing is proven by nothing.
func TestVerifyWithoutSecrets(t *testing.T) {
	t.Parallel()
	for name, proofs := range proofEntries {
		w := hookWith(t, proofs...)
		d := w.Sign(SampleVote{BotID: someBot, UserID: someUser}, NewToken("", ""), someTime)
		for _, secrets := range [][]Token{nil, {{}}, {NewToken("", "")}} {
			if _, fault := w.Verify(d, secrets, someTime); fault == nil || fault.Reason != ReasonNoSecret {
				t.Errorf("%s, with secrets %v: %v, want %s", name, secrets, fault, ReasonNoSecret)
			}
		}
	}
}

// TestVerifyTokens has how a posting token may be written that proves a request.
func TestVerifyTokens(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		post  PostEntry
		token Token
		sent  string
		want  bool
	}{
		{"as it is", PostEntry{}, NewToken("t0ken", ""), "t0ken", true},
		{"with the list's prefix", PostEntry{Auth: &AuthEntry{Prefix: "Bot "}}, NewToken("Bot t0ken", ""), "t0ken", true},
		{"sent with the list's prefix", PostEntry{Auth: &AuthEntry{Prefix: "Bot "}}, NewToken("Bot t0ken", ""), "Bot t0ken", true},
		{"with the list's number", PostEntry{URL: "https://list.test/:list_bot_id"}, NewToken("42:t0ken", ""), "t0ken", true},
		{"another", PostEntry{}, NewToken("t0ken", ""), "token", false},
	} {
		tt.post.URL = "https://list.test/:id"
		if tt.name == "with the list's number" {
			tt.post.URL = "https://list.test/:list_bot_id"
		}
		l := mustList(t, "list.test", Entry{Post: &tt.post, Webhook: &WebhookEntry{Secret: "token", WebhookForm: WebhookForm{Proof: Proofs{{Kind: "header"}}, User: Names{"user"}}}})
		_, fault := l.Webhook().Verify(Delivery{Header: http.Header{"Authorization": {tt.sent}}}, []Token{tt.token}, someTime)
		if (fault == nil) != tt.want {
			t.Errorf("%s: fault %v, want a proof: %t", tt.name, fault, tt.want)
		}
	}
}

// TestChangedProofFails has that a proof with any bit changed proves nothing,
// and neither does a body with any bit changed where the proof covers it.
func TestChangedProofFails(t *testing.T) {
	t.Parallel()
	for name, proofs := range proofEntries {
		w := hookWith(t, proofs...)
		secrets := []Token{NewToken("s3cret-of-the-list", "")}
		signed := func() Delivery {
			return w.Sign(SampleVote{BotID: someBot, UserID: someUser}, secrets[0], someTime)
		}
		failing := func(what string, d Delivery) {
			if _, fault := w.Verify(d, secrets, someTime); fault == nil {
				t.Errorf("%s: %s is a proof, want none: %v %v %s", name, what, d.Header, d.Query, d.Body)
			}
		}
		for header := range signed().Header {
			if header == "Content-Type" {
				continue
			}
			for i := range signed().Header.Get(header) {
				for bit := range 8 {
					d := signed()
					changed := []byte(d.Header.Get(header))
					changed[i] ^= 1 << bit
					if strings.EqualFold(string(changed), d.Header.Get(header)) && w.proofs[0].kind != ProofHeader || isSamePrefix(string(changed), d.Header.Get(header), w.proofs[0].prefix) {
						continue // hex, and the prefix of a secret, may be in either case
					}
					d.Header[header] = []string{string(changed)}
					failing(fmt.Sprintf("header %s with bit %d of byte %d changed", header, bit, i), d)
				}
			}
		}
		for parameter := range signed().Query {
			for i := range signed().Query.Get(parameter) {
				d := signed()
				changed := []byte(d.Query.Get(parameter))
				changed[i] ^= 1
				d.Query.Set(parameter, string(changed))
				failing(fmt.Sprintf("parameter %s with byte %d changed", parameter, i), d)
			}
		}
		if kind := w.proofs[0].kind; kind == ProofHeader || kind == ProofQuery {
			continue
		}
		for i := range signed().Body {
			for bit := range 8 {
				d := signed()
				d.Body = bytes.Clone(d.Body)
				d.Body[i] ^= 1 << bit
				failing(fmt.Sprintf("a body with bit %d of byte %d changed", bit, i), d)
			}
		}
	}
}

// isSamePrefix reports whether two secrets in a header differ in the case of
// their prefix alone.
func isSamePrefix(a, b, prefix string) bool {
	n := len(prefix)
	return n > 0 && strings.EqualFold(a[:n], b[:n]) && a[n:] == b[n:]
}

// jwtOf returns a JWT of a header and claims with the secret "secret".
func jwtOf(header, claims string) string {
	encode := base64.RawURLEncoding.EncodeToString
	text := encode([]byte(header)) + "." + encode([]byte(claims))
	return text + "." + encode(sign([]byte("secret"), []byte(text)))
}

func TestVerifyJWT(t *testing.T) {
	t.Parallel()
	const head = `{"alg":"HS256","typ":"JWT"}`
	good := jwtOf(head, `{"user":1}`)
	claim := func(format string, at time.Time) string { return jwtOf(head, fmt.Sprintf(format, at.Unix())) }
	for _, tt := range []struct{ name, body, want string }{
		{"plain", good, ""},
		{"no type", jwtOf(`{"alg":"HS256"}`, `{}`), ""},
		{"a line break behind it", good + "\n", ""},
		{"alg none", jwtOf(`{"alg":"none"}`, `{}`), "malformed"},
		{"unsigned", good[:strings.LastIndex(good, ".")+1], "wrong secret"},
		{"alg HS512", jwtOf(`{"alg":"HS512"}`, `{}`), "malformed"},
		{"alg RS256", jwtOf(`{"alg":"RS256"}`, `{}`), "malformed"},
		{"alg in small letters", jwtOf(`{"alg":"hs256"}`, `{}`), "malformed"},
		{"no alg", jwtOf(`{}`, `{}`), "malformed"},
		{"critical extensions", jwtOf(`{"alg":"HS256","crit":["b64"],"b64":false}`, `{}`), "malformed"},
		{"a header that is no JSON", jwtOf(`HS256`, `{}`), "malformed"},
		{"claims that are no object", jwtOf(head, `[]`), "malformed"},
		{"claims that are no JSON", jwtOf(head, `x`), "malformed"},
		{"two parts", "e30.e30", "malformed"},
		{"four parts", good + ".e30", "malformed"},
		{"base64 with padding", good + "=", "malformed"},
		{"a line break within", good[:10] + "\n" + good[10:], "malformed"},
		{"of another secret", strings.Replace(good, ".", ".", 1)[:len(good)-3] + "AAA", "wrong secret"},
		{"expires later", claim(`{"exp":%d}`, someTime.Add(time.Hour)), ""},
		{"has expired", claim(`{"exp":%d}`, someTime.Add(-time.Hour)), "clock"},
		{"has just expired", claim(`{"exp":%d}`, someTime.Add(-59*time.Second)), ""},
		{"expired a minute ago", claim(`{"exp":%d}`, someTime.Add(-60*time.Second)), "clock"},
		{"good from then on", claim(`{"nbf":%d}`, someTime.Add(-time.Hour)), ""},
		{"not yet good", claim(`{"nbf":%d}`, someTime.Add(time.Hour)), "clock"},
		{"good in a moment", claim(`{"nbf":%d}`, someTime.Add(time.Minute)), ""},
		{"expires in a word", jwtOf(head, `{"exp":"never"}`), "malformed"},
		{"expires at null", jwtOf(head, `{"exp":null}`), "malformed"},
		{"expires never", jwtOf(head, `{"exp":1e300}`), "malformed"},
		{"a JSON body", `{"user":1}`, "no header"},
		{"no body", ``, "no header"},
	} {
		_, fault := hookWith(t, ProofEntry{Kind: "jwt"}).Verify(Delivery{Body: []byte(tt.body)}, []Token{NewToken("secret", "")}, someTime)
		got := ""
		if fault != nil {
			got = fault.Reason
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestFaultsTellNothing has that a fault prints without what the request holds.
func TestFaultsTellNothing(t *testing.T) {
	t.Parallel()
	const carried = "carried-secret"
	for name, proofs := range proofEntries {
		w := hookWith(t, proofs...)
		d := w.Sign(SampleVote{BotID: someBot, UserID: someUser}, NewToken(carried, ""), someTime)
		_, fault := w.Verify(d, []Token{NewToken("own-secret", "")}, someTime)
		if text := fmt.Sprintf("%v %+v", fault, *fault); strings.Contains(text, carried) || strings.Contains(text, "own-secret") {
			t.Errorf("%s: the fault prints as %s", name, text)
		}
	}
}

// TestSecretInAddress has where the operator writes the secret.
func TestSecretInAddress(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"none, so in the query": "secret", "query": "code", "header": "", "jwt": ""} {
		if got := hookWith(t, proofEntries[name]...).SecretInAddress(); got != want {
			t.Errorf("%s: parameter %q, want %q", name, got, want)
		}
	}
}

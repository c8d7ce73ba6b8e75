package lists

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net/textproto"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"
)

// Kinds of proofs, the strongest first: what covers the body and the moment,
// what covers the body, and a bare secret, in a header or for all to see in an
// address.
const (
	ProofJWT         = "jwt"
	ProofTimestamped = "timestamped"
	ProofSignature   = "signature"
	ProofHeader      = "header"
	ProofQuery       = "query"
)

var proofStrength = []string{ProofJWT, ProofTimestamped, ProofSignature, ProofHeader, ProofQuery}

// proof is one thing that proves that a request is a list's, compiled.
type proof struct {
	kind      string
	name      string // of the header, in canonical form, or of the parameter
	prefix    string
	timestamp string // name of the header that holds a timestamp; "": it stands beside the signature
	form      int    // of the form that requests with the proof have
}

// tolerance is how far a signature's timestamp may be from now, either way.
const tolerance = 300 * time.Second

// Proven is a proof that Verify found good.
type Proven struct {
	Kind   string // ProofJWT, ProofTimestamped, ProofSignature, ProofHeader or ProofQuery
	form   int
	claims []byte // of a JWT; nil for anything else
}

// coversBody reports whether a body with the proof cannot have been changed on
// its way.
func (p Proven) coversBody() bool { return p.Kind != ProofHeader && p.Kind != ProofQuery }

// ProofFault is why a request is not proven to be a list's. It prints without
// anything of the request.
type ProofFault struct {
	Kind   string // of the proof by which the request was judged
	Reason string // ReasonNoHeader, ReasonMalformed, ReasonWrongSecret, ReasonClock or ReasonNoSecret
}

// Reasons of a ProofFault, in words for logs.
const (
	ReasonNoHeader    = "no header"    // the request carries no proof
	ReasonMalformed   = "malformed"    // the proof cannot be read
	ReasonWrongSecret = "wrong secret" // the proof is of another secret, or of another body
	ReasonClock       = "clock"        // the proof is good, but of another time
	ReasonNoSecret    = "no secret"    // there is no secret to prove it with
)

// String returns the fault in words for logs.
func (f *ProofFault) String() string { return f.Kind + ": " + f.Reason }

// defaultSecretName is the parameter that carries a secret where an entry says
// nothing else.
const defaultSecretName = "secret"

// proofs compiles the proofs of a form. A list that proves nothing gets a secret
// in the address that it is given.
func (c *checker) proofs(field string, entries Proofs) []proof {
	if len(entries) == 0 {
		return []proof{{kind: ProofQuery, name: defaultSecretName}}
	}
	var all []proof
	for i, e := range entries {
		all = append(all, c.proof(fmt.Sprintf("%s[%d]", field, i), e))
	}
	return all
}

func (c *checker) proof(field string, e ProofEntry) proof {
	p := proof{kind: e.Kind, name: e.Name, prefix: e.Prefix}
	if !httpguts.ValidHeaderFieldValue(p.prefix) {
		c.add(field+".prefix", "holds a character that no header can carry")
	}
	switch p.kind {
	case ProofJWT:
		if p.name != "" || p.prefix != "" {
			c.add(field, "is the whole body, which has no name and no prefix")
		}
	case ProofQuery:
		p.name = cmp.Or(p.name, defaultSecretName)
	case ProofHeader:
		p.name = c.headerName(field+".name", cmp.Or(p.name, plainAuth.name))
	default:
		p.name = c.headerName(field+".name", p.name)
	}
	switch {
	case e.Timestamp == "":
		if p.kind == ProofTimestamped && p.prefix != "" {
			c.add(field+".prefix", "is of a signature that is alone in its header; name the header of the timestamp, or leave the prefix out")
		}
	case p.kind != ProofTimestamped:
		c.add(field+".timestamp", "is of kind: timestamped alone")
	default:
		p.timestamp = c.headerName(field+".timestamp", e.Timestamp)
	}
	return p
}

// headerName returns the name of a header in canonical form.
func (c *checker) headerName(field, name string) string {
	if !httpguts.ValidHeaderFieldName(name) {
		c.add(field, "must be the name of a header, is %q", name)
	}
	return textproto.CanonicalMIMEHeaderKey(name)
}

// proofOrder checks that stronger proofs come first: the first that a request
// carries is the one by which it is judged.
func (c *checker) proofOrder(all []proof) {
	for i := range all[:max(0, len(all)-1)] {
		this, next := all[i], all[i+1]
		if slices.Index(proofStrength, this.kind) > slices.Index(proofStrength, next.kind) {
			c.add("webhook.proof", "has %s before %s, which is stronger; the stronger must come first", this.kind, next.kind)
		}
		for _, later := range all[i+1:] {
			if later.kind == this.kind && later.name == this.name {
				c.add("webhook.proof", "has %s twice", strings.TrimSpace(this.kind+" "+this.name))
			}
		}
	}
}

// SecretIsToken reports whether requests are proven by the token that counts are
// posted with, and not by a secret of the webhook's own.
func (w *Webhook) SecretIsToken() bool { return w.token }

// SecretInAddress returns the name of the parameter that carries the secret in
// the address which the list is given; "" where the secret goes elsewhere.
func (w *Webhook) SecretInAddress() string {
	for _, p := range w.proofs {
		if p.kind == ProofQuery {
			return p.name
		}
	}
	return ""
}

// Verify checks that a delivery is the list's, by any of the secrets, at the
// time now. It parses nothing but the proof. A delivery that carries several
// proofs is judged by the strongest alone, and one without any is wrong.
func (w *Webhook) Verify(d Delivery, secrets []Token, now time.Time) (Proven, *ProofFault) {
	for _, p := range w.proofs {
		if !p.carriedBy(d) {
			continue
		}
		proven := Proven{Kind: p.kind, form: p.form}
		reason := ReasonNoSecret
		for _, secret := range secrets {
			for _, key := range w.keys(secret) {
				var claims []byte
				if claims, reason = p.check(d, key, now); reason == "" {
					proven.claims = claims
					return proven, nil
				}
				if reason != ReasonWrongSecret {
					return Proven{}, &ProofFault{p.kind, reason}
				}
			}
		}
		return Proven{}, &ProofFault{p.kind, reason}
	}
	return Proven{}, &ProofFault{w.proofs[0].kind, ReasonNoHeader}
}

// Describe returns in words what a proof is that Verify found good.
func (w *Webhook) Describe(p Proven) string {
	for i := range w.proofs {
		if w.proofs[i].form == p.form && w.proofs[i].kind == p.Kind {
			return w.proofs[i].String()
		}
	}
	return p.Kind
}

// keys returns the keys that a secret may mean: a posting token may be written
// with what the list's posts put before it.
func (w *Webhook) keys(secret Token) [][]byte {
	if secret.IsZero() {
		return nil
	}
	keys := [][]byte{[]byte(secret.Reveal())}
	if bare := w.bare(secret); bare != secret.Reveal() {
		keys = append(keys, []byte(bare))
	}
	return keys
}

// bare returns a secret as the list knows it: of a posting token without the
// list's number of the bot and the prefix with which it may be written.
func (w *Webhook) bare(secret Token) string {
	if !w.token || w.post == nil {
		return secret.Reveal()
	}
	if w.post.listBotID {
		secret, _ = secret.withListBotID()
	}
	return w.post.auth.bare(secret.Reveal())
}

// carriedBy reports whether a delivery carries the proof, right or wrong.
func (p *proof) carriedBy(d Delivery) bool {
	switch p.kind {
	case ProofJWT:
		text := bytes.TrimSpace(d.Body)
		return len(text) > 0 && text[0] != '{'
	case ProofQuery:
		return d.Query.Has(p.name)
	}
	return len(d.Header.Values(p.name)) > 0
}

// check checks the proof that a delivery carries. The reason is "" where it is
// good.
func (p *proof) check(d Delivery, key []byte, now time.Time) (claims []byte, reason string) {
	switch p.kind {
	case ProofJWT:
		return checkJWT(d.Body, key, now)
	case ProofQuery:
		return nil, p.checkSecret(d.Query[p.name], key)
	case ProofHeader:
		return nil, p.checkSecret(d.Header.Values(p.name), key)
	case ProofSignature:
		return nil, p.checkSignature(d, key)
	}
	return nil, p.checkTimestamped(d, key, now)
}

// checkSecret checks a bare secret. It takes as long for any other, whatever
// its length.
func (p *proof) checkSecret(carried []string, key []byte) (reason string) {
	if len(carried) != 1 {
		return ReasonMalformed
	}
	secret, ok := cutPrefixFold(carried[0], p.prefix)
	given, want := sha256.Sum256([]byte(secret)), sha256.Sum256(key)
	if subtle.ConstantTimeCompare(given[:], want[:]) != 1 || !ok {
		return ReasonWrongSecret
	}
	return ""
}

// cutPrefixFold returns s without a prefix, which may be written in any case.
func cutPrefixFold(s, prefix string) (rest string, ok bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

// String says in words what the proof is.
func (p *proof) String() string {
	after := ""
	if p.prefix != "" {
		after = fmt.Sprintf(", after %q", p.prefix)
	}
	switch p.kind {
	case ProofJWT:
		return "the body is a JWT, signed with HS256"
	case ProofQuery:
		return "the secret in the address, as ?" + p.name + "=…"
	case ProofHeader:
		return "the secret in header " + p.name + after
	case ProofSignature:
		return "header " + p.name + ": HMAC-SHA256 of the body, in hex" + after
	}
	what := "HMAC-SHA256 of the timestamp, a dot and the body, in hex" + after
	if p.timestamp == "" {
		return "header " + p.name + ", as t=…,v1=…: " + what
	}
	return "header " + p.name + ", with the timestamp in " + p.timestamp + ": " + what
}

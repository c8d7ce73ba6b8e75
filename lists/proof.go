package lists

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"net/textproto"
	"slices"
	"strconv"
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

// ProofFault is why a request is not proven to be a list's. It prints without
// anything of the request.
type ProofFault struct {
	Kind   string // of the proof by which the request was judged
	Reason string // FaultNoHeader, FaultMalformed, FaultWrongSecret, FaultClock or FaultNoSecret
}

// Reasons of a ProofFault, in words for logs.
const (
	FaultNoHeader    = "no header"    // the request carries no proof
	FaultMalformed   = "malformed"    // the proof cannot be read
	FaultWrongSecret = "wrong secret" // the proof is of another secret, or of another body
	FaultClock       = "clock"        // the proof is good, but of another time
	FaultNoSecret    = "no secret"    // there is no secret to prove it with
)

func (f *ProofFault) Error() string { return f.Kind + ": " + f.Reason }

func (c *checker) proofs(field string, entries Proofs) []proof {
	if len(entries) == 0 {
		return []proof{{kind: ProofQuery, name: "secret"}}
	}
	var all []proof
	for i, e := range entries {
		at := fmt.Sprintf("%s[%d]", field, i)
		p := proof{kind: e.Kind, name: e.Name, prefix: e.Prefix}
		switch {
		case p.kind == ProofHeader && p.name == "":
			p.name = plainAuth.name
		case p.kind == ProofQuery && p.name == "":
			p.name = "secret"
		case p.kind == ProofJWT && (p.name != "" || p.prefix != ""):
			c.add(at, "is the whole body, which has no name and no prefix")
		case p.kind != ProofJWT && p.name == "":
			c.add(at+".name", "is required: the header that holds the signature")
		}
		if p.kind != ProofJWT && p.kind != ProofQuery {
			if !httpguts.ValidHeaderFieldName(p.name) && p.name != "" {
				c.add(at+".name", "must be the name of a header, is %q", p.name)
			}
			p.name = textproto.CanonicalMIMEHeaderKey(p.name)
		}
		if e.Timestamp != "" {
			if p.kind != ProofTimestamped {
				c.add(at+".timestamp", "is there for kind: timestamped alone")
			} else if !httpguts.ValidHeaderFieldName(e.Timestamp) {
				c.add(at+".timestamp", "must be the name of a header, is %q", e.Timestamp)
			}
			p.timestamp = textproto.CanonicalMIMEHeaderKey(e.Timestamp)
		}
		all = append(all, p)
	}
	return all
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
		reason := FaultNoSecret
		for _, secret := range secrets {
			for _, key := range w.keys(secret) {
				var claims []byte
				if claims, reason = p.check(d, key, now); reason == "" {
					proven.claims = claims
					return proven, nil
				}
				if reason != FaultWrongSecret {
					return Proven{}, &ProofFault{p.kind, reason}
				}
			}
		}
		return Proven{}, &ProofFault{p.kind, reason}
	}
	return Proven{}, &ProofFault{w.proofs[0].kind, FaultNoHeader}
}

// keys returns the keys that a secret may mean: a posting token may be written
// with what the list's posts put before it.
func (w *Webhook) keys(secret Token) [][]byte {
	if secret.IsZero() {
		return nil
	}
	keys := [][]byte{[]byte(secret.Reveal())}
	if w.token {
		if bare := w.auth.bare(secret.Reveal()); bare != secret.Reveal() {
			keys = append(keys, []byte(bare))
		}
	}
	return keys
}

// carriedBy reports whether a delivery carries the proof, right or wrong.
func (p *proof) carriedBy(d Delivery) bool {
	switch p.kind {
	case ProofJWT:
		return len(d.Body) > 0
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
		return FaultMalformed
	}
	secret, ok := cutPrefixFold(carried[0], p.prefix)
	given, want := sha256.Sum256([]byte(secret)), sha256.Sum256(key)
	if subtle.ConstantTimeCompare(given[:], want[:]) != 1 || !ok {
		return FaultWrongSecret
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

// checkSignature checks a signature of the body.
func (p *proof) checkSignature(d Delivery, key []byte) (reason string) {
	given := p.signatures(d)
	if len(given) == 0 {
		return FaultMalformed
	}
	if !anySame(given, sign(key, d.Body)) {
		return FaultWrongSecret
	}
	return ""
}

// checkTimestamped checks a signature of a timestamp and the body.
func (p *proof) checkTimestamped(d Delivery, key []byte, now time.Time) (reason string) {
	var stamp string
	var given [][]byte
	if p.timestamp == "" {
		if values := d.Header.Values(p.name); len(values) == 1 {
			stamp, given = parseTimestamped(values[0])
		}
	} else if values := d.Header.Values(p.timestamp); len(values) == 1 {
		stamp, given = values[0], p.signatures(d)
	}
	at, err := strconv.ParseInt(stamp, 10, 64)
	if len(given) == 0 || err != nil || !isDigits(stamp) {
		return FaultMalformed
	}
	if !anySame(given, sign(key, []byte(stamp+"."), d.Body)) {
		return FaultWrongSecret
	}
	if off := now.Unix() - at; off > int64(tolerance/time.Second) || off < -int64(tolerance/time.Second) {
		return FaultClock
	}
	return ""
}

// signatures returns the signature in the proof's header, which is alone in it.
func (p *proof) signatures(d Delivery) [][]byte {
	values := d.Header.Values(p.name)
	if len(values) != 1 {
		return nil
	}
	text, ok := strings.CutPrefix(values[0], p.prefix)
	signature, err := hex.DecodeString(text)
	if !ok || err != nil || len(signature) != sha256.Size {
		return nil
	}
	return [][]byte{signature}
}

// parseTimestamped reads a header such as "t=1795600000,v1=…,v1=…": its
// timestamp, "" where there is not one, and its signatures.
func parseTimestamped(text string) (stamp string, signatures [][]byte) {
	for part := range strings.SplitSeq(text, ",") {
		key, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch key {
		case "t":
			if stamp != "" {
				return "", nil
			}
			stamp = value
		case "v1":
			if signature, err := hex.DecodeString(value); err == nil && len(signature) == sha256.Size {
				signatures = append(signatures, signature)
			}
		}
	}
	return stamp, signatures
}

// sign returns the HMAC-SHA256 of parts that follow each other.
func sign(key []byte, parts ...[]byte) []byte {
	mac := hmac.New(sha256.New, key)
	for _, part := range parts {
		mac.Write(part)
	}
	return mac.Sum(nil)
}

// anySame reports whether one of the signatures is the one that is wanted.
func anySame(signatures [][]byte, want []byte) bool {
	same := false
	for _, signature := range signatures {
		same = hmac.Equal(signature, want) || same
	}
	return same
}

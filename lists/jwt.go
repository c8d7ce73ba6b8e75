package lists

import (
	"bytes"
	"crypto/hmac"
	"encoding/base64"
	"math"
	"strconv"
	"time"

	"aggregator/rawjson"
)

// leeway is how far a list's clock may be off where a JWT says from when or
// until when it is good.
const leeway = time.Minute

// strictBase64 has one spelling for each value.
var strictBase64 = base64.RawURLEncoding.Strict()

// checkJWT checks that a body is a JWT of a key, signed with HMAC-SHA256 and no
// other way, and good at the time now. It returns the claims; the reason is ""
// where all is well.
func checkJWT(body, key []byte, now time.Time) (claims []byte, reason string) {
	parts := bytes.Split(bytes.TrimSpace(body), []byte{'.'})
	if len(parts) != 3 {
		return nil, ReasonMalformed
	}
	head, err1 := decodeBase64(parts[0])
	claims, err2 := decodeBase64(parts[1])
	signature, err3 := decodeBase64(parts[2])
	if err1 != nil || err2 != nil || err3 != nil || !isHS256(head) {
		return nil, ReasonMalformed
	}
	if !hmac.Equal(signature, sign(key, parts[0], []byte{'.'}, parts[1])) {
		return nil, ReasonWrongSecret
	}
	v, ok := rawjson.Parse(claims)
	if !ok || v.Kind() != rawjson.Object {
		return nil, ReasonMalformed
	}
	expires, ok1 := numericDate(v.Get("exp"))
	notBefore, ok2 := numericDate(v.Get("nbf"))
	switch {
	case !ok1 || !ok2:
		return nil, ReasonMalformed
	case !expires.IsZero() && !now.Before(expires.Add(leeway)), !notBefore.IsZero() && now.Before(notBefore.Add(-leeway)):
		return nil, ReasonClock
	}
	return claims, ""
}

func decodeBase64(text []byte) ([]byte, error) {
	if bytes.ContainsAny(text, "\r\n") { // which the decoder skips
		return nil, base64.CorruptInputError(0)
	}
	return strictBase64.AppendDecode(nil, text)
}

// isHS256 reports whether a JWT's header says that it is signed with
// HMAC-SHA256, and asks for nothing that is not understood.
func isHS256(head []byte) bool {
	v, ok := rawjson.Parse(head)
	alg, _ := v.Get("alg").Text()
	return ok && alg == "HS256" && v.Get("crit").IsZero()
}

// numericDate reads a time of a JWT; the zero Time for none.
func numericDate(v rawjson.Value) (at time.Time, ok bool) {
	if v.IsZero() {
		return time.Time{}, true
	}
	digits, ok := v.Number()
	n, err := strconv.ParseFloat(digits, 64)
	if !ok || err != nil || math.Abs(n) > maxUnix {
		return time.Time{}, false
	}
	return time.UnixMilli(int64(n * 1000)), true
}

// jwt returns a JWT of claims, signed with HMAC-SHA256.
func jwt(claims, key []byte) []byte {
	out := base64.RawURLEncoding.AppendEncode(nil, []byte(`{"alg":"HS256","typ":"JWT"}`))
	out = base64.RawURLEncoding.AppendEncode(append(out, '.'), claims)
	signature := sign(key, out)
	return base64.RawURLEncoding.AppendEncode(append(out, '.'), signature)
}

package lists

import (
	"fmt"
	"log/slog"
	"strings"
	"unicode"

	"aggregator/rawjson"
)

// Token is a caller's secret for one list. However it is printed, marshalled
// or logged, it shows as ***; only Reveal and what a list is sent hold it.
type Token struct {
	secret    *string // behind a pointer, so that even a %+v of a struct around it shows nothing
	listBotID string  // the number the list itself gave the bot, where the caller sent one
	bridgeKey *string // the bot's second credential; nil: not known, "": there is none
	beside    *string // of a bridge key that goes out: the token, which does not
}

// NewToken returns a token of a secret, and of the number that a list which
// numbers bots itself gave the bot ("" if there is none).
func NewToken(secret, listBotID string) Token {
	return Token{secret: &secret, listBotID: listBotID}
}

// ParseToken returns the token in the JSON value that a caller sent for a list:
// a string, or {"token": "…", "bot_id": "42", "bridge_key": "…"}. It returns a Skip
// for a value that is not a token, and nil otherwise.
func ParseToken(v rawjson.Value) (Token, *Skip) {
	switch v.Kind() {
	case rawjson.Null:
		return Token{}, &Skip{Reason: SkipNoToken}
	case rawjson.String:
		secret, _ := v.Text()
		return CheckToken(secret, "")
	case rawjson.Object:
		secret, listBotID, ok := tokenObject(v)
		if !ok {
			return Token{}, badToken(`an object must be {"token": "…", "bot_id": "…"}`)
		}
		token, bad := CheckToken(secret, listBotID)
		return withBridgeKey(token, bad, v.Get("bridge_key"), listBotID)
	}
	return Token{}, badToken("must be a string")
}

// withBridgeKey adds the bridge key of an object to its token, which may be bad, or
// missing beside it.
func withBridgeKey(token Token, bad *Skip, given rawjson.Value, listBotID string) (Token, *Skip) {
	if given = optional(given); given.IsZero() || bad != nil && bad.Reason != SkipNoToken {
		return token, bad
	}
	text, isText := given.Text()
	if !isText {
		return Token{}, badToken("bridge_key must be a string")
	}
	key, badKey := CheckToken(text, "")
	switch {
	case badKey != nil && badKey.Reason == SkipNoToken:
		return token, bad
	case badKey != nil:
		return Token{}, badToken("bridge_key: " + badKey.Detail)
	}
	return Token{secret: token.secret, listBotID: listBotID}.WithBridgeKey(key.Reveal()), nil
}

// tokenObject reads an object that holds a token. Null is as good as absent.
func tokenObject(v rawjson.Value) (secret, listBotID string, ok bool) {
	secret, isText := optional(v.Get("token")).Text()
	if !isText && !optional(v.Get("token")).IsZero() {
		return "", "", false
	}
	id := optional(v.Get("bot_id"))
	if id.IsZero() {
		return secret, "", true
	}
	listBotID = scalar(id)
	return secret, listBotID, IsListBotID(listBotID)
}

// optional returns v, or the zero Value where it is null.
func optional(v rawjson.Value) rawjson.Value {
	if v.Kind() == rawjson.Null {
		return rawjson.Value{}
	}
	return v
}

// maxSecret bounds a token, so that a list takes the header it goes in: one that
// did not would look as if it were down.
const maxSecret = 8 << 10

// CheckToken is NewToken for a secret that has not been checked. It returns a
// Skip for one that no list can be sent, and nil otherwise.
func CheckToken(secret, listBotID string) (Token, *Skip) {
	// People copy tokens with what is around them, and programs write for one
	// that is not set what their language writes for nothing.
	secret = strings.TrimFunc(secret, isBlank)
	if secret == "" || secret == "undefined" || secret == "null" {
		return Token{}, &Skip{Reason: SkipNoToken}
	}
	if len(secret) > maxSecret {
		return Token{}, badToken(fmt.Sprintf("longer than %d bytes", maxSecret))
	}
	if strings.ContainsFunc(secret, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
		return Token{}, badToken("holds a character that no header can carry")
	}
	return NewToken(secret, listBotID), nil
}

// isBlank reports whether r shows nothing: it is white space, or takes none.
func isBlank(r rune) bool {
	return unicode.IsSpace(r) || unicode.In(r, unicode.Z, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point)
}

// WithSecret returns a token for the same bot with another secret.
func (t Token) WithSecret(secret string) Token {
	t, _ = t.withListBotID()
	return NewToken(secret, t.listBotID)
}

// IsListBotID reports whether s can be a number that a list gave a bot.
func IsListBotID(s string) bool { return len(s) <= 20 && isDigits(s) }

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// withListBotID splits a token of the form "42:secret", in which callers that can
// only send strings give the list's own number of their bot. ok is false where t
// has no such number.
func (t Token) withListBotID() (_ Token, ok bool) {
	if t.listBotID != "" {
		return t, true
	}
	listBotID, secret, _ := strings.Cut(t.Reveal(), ":")
	if secret == "" || !IsListBotID(listBotID) {
		return t, false
	}
	t.secret, t.listBotID = &secret, listBotID
	return t, true
}

// IsZero reports whether there is no token.
func (t Token) IsZero() bool { return t.secret == nil || *t.secret == "" }

// Reveal returns the secret. It is for requests to the list and for hashing.
func (t Token) Reveal() string {
	if t.secret == nil {
		return ""
	}
	return *t.secret
}

// masked returns what stands for the token where a request is shown.
func (t Token) masked() string {
	scheme, _ := cutScheme(t.Reveal())
	return scheme + Mask
}

// String returns the mask.
func (Token) String() string { return Mask }

// GoString returns the mask.
func (Token) GoString() string { return Mask }

// Format prints the mask, whatever the verb.
func (Token) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(Mask)) }

// MarshalText returns the mask.
func (Token) MarshalText() ([]byte, error) { return []byte(Mask), nil }

// LogValue logs the mask.
func (Token) LogValue() slog.Value { return slog.StringValue(Mask) }

package lists

import (
	"slices"
	"strings"
)

// Credentials of a bot at a list.
const (
	credentialToken  = "token"
	credentialBridge = "bridge_key" // a second one, of some lists
)

// WithBridgeKey returns the token with the bot's bridge key; "" says that there is
// none, and that the token is not one itself.
func (t Token) WithBridgeKey(key string) Token {
	t.bridgeKey = &key
	return t
}

// HasBridgeKey reports whether the token comes with a bridge key.
func (t Token) HasBridgeKey() bool { return t.bridgeKey != nil && *t.bridgeKey != "" }

// TakesBridgeKey reports whether one of the list's calls takes a bot's bridge key.
func (l *List) TakesBridgeKey() bool {
	return slices.ContainsFunc(l.reports[:], func(d *reportDialect) bool { return d != nil && d.bridge })
}

// PostsByReport reports whether the list gets counts with a token by a report that
// sets them: the token is a bridge key, and nothing else.
func (l *List) PostsByReport(t Token) bool {
	t = t.split(l.bridging)
	return !l.Defunct && l.beat != nil && t.IsZero() && t.HasBridgeKey()
}

// Recognize returns a token that was given as a mere string as what it is: the bridge
// key where it begins as those of the list do, or else the token, beside which there
// is none.
func (l *List) Recognize(t Token) Token {
	if t = t.split(l.bridging); t.bridgeKey == nil {
		t = t.WithBridgeKey("")
	}
	return t
}

// Secrets returns what the token holds, for hashing: the token, and the bridge key
// where there is one.
func (t Token) Secrets() []string {
	if !t.HasBridgeKey() {
		return []string{t.Reveal()}
	}
	return []string{t.Reveal(), *t.bridgeKey}
}

// split finds out whether a token that was given as a mere string is the bridge key,
// which begins with begins where that is known.
func (t Token) split(begins string) Token {
	if begins == "" || t.bridgeKey != nil || t.IsZero() {
		return t
	}
	secret := t.Reveal()
	if number, key, ok := strings.Cut(secret, ":"); ok && IsListBotID(number) && strings.HasPrefix(key, begins) {
		t.listBotID, secret = number, key
	}
	if !strings.HasPrefix(secret, begins) {
		return t
	}
	return Token{listBotID: t.listBotID, bridgeKey: &secret}
}

// bridge returns the bridge key in place of the token. A mere string is the one
// where the other is not wanted.
func (t Token) bridge() Token {
	if t.bridgeKey == nil {
		return t
	}
	return Token{secret: t.bridgeKey, listBotID: t.listBotID, beside: t.secret}
}

package lists

import (
	"encoding/base64"
	"slices"
	"strings"
	"unicode/utf8"
)

// pattern is one form of a secret.
type pattern struct {
	text string // in UTF-8
	min  int    // it is found from here on; the rest is padding
	// alone is set where the secret is too plain to be told from other text:
	// then it is hidden only where it stands alone.
	alone bool
}

// Bounds on what tells something of a secret.
const (
	minTelling = 4 // bytes
	minPart    = 6 // signs of a part after a colon
)

// appendForms appends the forms in which a secret is looked for.
func appendForms(all []pattern, secret Token) []pattern {
	for _, s := range secret.parts() {
		alone := tellsNothing(s)
		s = s[:min(len(s), maxSecret)]
		all = append(all, pattern{s, len(s), alone})
		if latin := asLatin1(s); latin != s {
			all = append(all, pattern{latin, len(latin), alone})
		}
		for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
			encoded := enc.EncodeToString([]byte(s))
			all = append(all, pattern{encoded, len(strings.TrimRight(encoded, "=")), alone})
		}
	}
	return all
}

// parts returns what is as secret as the token: its secret, that without the
// scheme before it, and what follows a colon in it; and so of the bot's other
// credential, which the list has given out too and may tell.
func (t Token) parts() []string {
	parts := make([]string, 0, 3)
	for _, secret := range [...]*string{t.secret, t.bridgeKey, t.beside} {
		if secret == nil || *secret == "" {
			continue
		}
		parts = append(parts, *secret)
		if bare := withoutScheme(*secret); bare != *secret {
			parts = append(parts, bare)
		}
		if part := afterColon(*secret); part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}

// withoutScheme returns a secret without the word before its first blank, if
// that can be the name of a scheme, as in "Bearer secret".
func withoutScheme(secret string) string {
	scheme, bare, _ := strings.Cut(secret, " ")
	if bare = strings.TrimLeft(bare, " "); bare == "" {
		return secret
	}
	for i := range len(scheme) {
		if c := scheme[i]; !isWord(c) && c != '-' && c != '.' {
			return secret
		}
	}
	return bare
}

// afterColon returns the shortest part of a secret after one of its colons
// that is long enough to be a secret of its own, or "".
func afterColon(secret string) string {
	signs := 0
	for end := len(secret); end > 0 && strings.IndexByte(secret, ':') >= 0; {
		r, size := utf8.DecodeLastRuneInString(secret[:end])
		if r == ':' && signs >= minPart {
			return secret[end:]
		}
		signs++
		end -= size
	}
	return ""
}

// tellsNothing reports whether a secret is too plain to be told from other text.
func tellsNothing(secret string) bool {
	first, size := utf8.DecodeRuneInString(secret)
	return len(secret) < minTelling || strings.Trim(secret[size:], string(first)) == ""
}

// asLatin1 returns s as a list reads it that takes the bytes of a header for Latin-1.
func asLatin1(s string) string {
	if !slices.ContainsFunc([]byte(s), func(c byte) bool { return c >= utf8.RuneSelf }) {
		return s
	}
	runes := make([]rune, len(s))
	for i := range len(s) {
		runes[i] = rune(s[i])
	}
	return string(runes)
}

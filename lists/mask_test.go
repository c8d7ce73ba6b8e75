package lists

import (
	"encoding/base64"
	"fmt"
	"html"
	"math/rand/v2"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"
)

func TestHide(t *testing.T) {
	t.Parallel()
	const long = `a/b+c d"é&<`
	for _, tt := range []struct{ name, secret, text, want string }{
		{"as it is", "longsecret", "token longsecret is wrong", "token *** is wrong"},
		{"several times", "longsecret", "longsecret, longsecretlongsecret", "***, ******"},
		{"long within a word", "longsecret", "xlongsecretx", "x***x"},
		{"eight letters within a word", "12345678", "x12345678x", "x***x"},
		{"escaped for a query", long, "?key=a%2Fb%2Bc+d%22%C3%A9%26%3C&x=1", "?key=***&x=1"},
		{"escaped for a path", long, "/bots/a%2Fb+c%20d%22%C3%A9&%3C/stats", "/bots/***/stats"},
		{"escaped for JSON", long, `{"got":"a/b+c d\"é\u0026\u003c"}`, `{"got":"***"}`},
		{"escaped for JSON, no more than needed", long, `{"got":"a/b+c d\"é&<"}`, `{"got":"***"}`},
		{"escaped for JSON, slashes too", long, `{"got":"a\/b+c d\"é&<"}`, `{"got":"***"}`},
		{"escaped for JSON in ASCII", long, `{"got":"a/b+c d\"\u00e9&<"}`, `{"got":"***"}`},
		{"all at once", long, long + ` a%2Fb%2Bc+d%22%C3%A9%26%3C`, "*** ***"},
		{"case counts", "longsecret", "LONGSECRET", "LONGSECRET"},
		{"text without it", "longsecret", "Unauthorized", "Unauthorized"},
		{"empty text", "longsecret", "", ""},
		{"no secret", "", "text", "text"},

		{"overlapping, as one", "abcab", "abcabcab", "***"},
		{"small escapes for a query", "a/b+c=d", "a%2fb%2bc%3dd", "***"},
		{"large escapes for JSON", "a/b+c=d", `"a\u002Fb\u002bc\U003Dd"`, `"***"`},
		{"escapes of programs", "a/b+c=d", `a\x2Fb\x2bc\X3dd`, "***"},
		{"escaped for HTML by names", "a/b+c=d&<", "a&sol;b&plus;c&equals;d&amp;&lt;", "***"},
		{"escaped for HTML by numbers", "a/b+c=d", "a&#x2F;b&#43;c&#X003d;d", "***"},
		{"escaped twice for a query", "a/b+c=d", "a%252Fb%252bc%25253Dd", "***"},
		{"escaped twice for HTML", "a/b&c=d", "a&amp;#x2f;b&amp;amp;c&amp;amp;equals;d", "***"},
		{"escaped twice for JSON", `a/b"c\d`, `"{\"got\":\"a\\/b\\\"c\\\\d\"}"`, `"{\"got\":\"***\"}"`},
		{"every sign in another way", "a/b+c=d&<", `%61\/\u0062&#43;%2563\x3d&#x64;&amp;%3c`, "***"},
		{"a token that looks escaped", "a%2541", "a%2541 a%252541 a%41 a%2525%34%31", "*** *** a%41 ***"},
		{"bytes as Latin-1", "abcédefgh", "got abc\u00c3\u00a9defgh", "got ***"},
		{"bytes as Latin-1, escaped", "abcédefgh", `abc\u00c3\u00a9defgh abc%C3%83%C2%A9defgh abc&Atilde;&copy;defgh`, "*** *** ***"},
		{"in Latin-1", "abcédefgh", "abc\xe9defgh abc%E9defgh abc\ufffddefgh abc\\ufffddefgh", "*** *** *** ***"},
		{"in Latin-1, read as UTF-8", "abcé©®defgh", "abc\xe9\xa9\xaedefgh abc\ufffd\ufffddefgh", "*** ***"},
		{"in Latin-1, within a sign", "ab驮é", "xab\u9a6e\xe9 ab%E9%A9%AEé ï¿½", "x*** *** ï¿½"},
		{"signs stay whole", "abcï¿", "abc\ufffd.", "***."},
		{"beyond the first plane", "abc🤖def", `abc\ud83e\udd16def abc&#129302;def abc%F0%9F%A4%96def`, "*** *** ***"},
		{"without its scheme", "Bearer longsecret", "Bearer longsecret, longsecret", "***, ***"},
		{"under another scheme", "Bearer longsecret", "Bot longsecret", "Bot ***"},
		{"after a colon", "42:secret", "42:secret, secret", "***, ***"},
		{"after a colon, too short", "42:secre", "42:secre, secre", "***, secre"},
		{"after one of several colons", "a:b:secret:x", "secret:x b:secret:x a:b:secret:x secret", "*** b:*** *** secret"},
		{"in base64", "xyzwuv-98765-abc", "eHl6d3V2LTk4NzY1LWFiYw== eHl6d3V2LTk4NzY1LWFiYw", "*** ***"},
		{"in base64, escaped", "xyzwuv-98765-abc", "eHl6d3V2LTk4NzY1LWFiYw%3D%3D", "***"},
		{"in base64 for URLs", "\u007f\u007f~~~~", "f39+fn5+ f39-fn5-", "*** ***"},
		{"in base64 without its scheme", "Bearer xyzwuv-98765-abc", "eHl6d3V2LTk4NzY1LWFiYw==", "***"},
		{"between escapes", "longsecret", `{"got":"\"longsecret\"\n"}`, `{"got":"\"***\"\n"}`},
		{"after what looks like an escape", "41longsecret", "%2541longsecret %41longsecret", "%25*** %***"},
		{"before what looks like an escape", "longsecret%", "longsecret%41", "***41"},

		{"four letters within a word", "abcd", "xabcdx", "x***x"},
		{"one sign again and again, within a word", "aaaaaaaa", "baaaaaaaab aaaaaaaaa", "baaaaaaaab aaaaaaaaa"},
		{"one sign again and again, alone", "aaaaaaaa", `"aaaaaaaa" and aaaaaaaa.`, `"***" and ***.`},
		{"one sign again and again, escaped", "////////", `"\/\/\/\/\/\/\/\/"`, `"***"`},
		{"a mask's own sign", "*", "key *-*-* ", "key ***-***-*** "},
		{"short, in base64", "tok", `"dG9r" dG9rs`, `"***" dG9rs`},
		{"short, in an escape", "t", `a\tb "\t"`, `a\tb "\t"`},

		{"short, alone", "tok", "tok", "***"},
		{"short, between spaces", "tok", "a tok b", "a *** b"},
		{"short, in quotes", "tok", `{"got":"tok"}`, `{"got":"***"}`},
		{"short, in a query", "tok", "?key=tok&n=1", "?key=***&n=1"},
		{"short, several", "tok", "tok,tok tok", "***,*** ***"},
		{"short, begins a word", "tok", "token", "token"},
		{"short, ends a word", "tok", "a stok", "a stok"},
		{"short, within a word", "t", "The list says: too late", "The list says: too late"},
		{"short, before an underscore", "tok", "tok_1", "tok_1"},
		{"short, before a letter beyond ASCII", "tok", "tokü ütok", "tokü ütok"},
		{"short, a digit in a number", "5", `{"count":15,"n":5}`, `{"count":15,"n":***}`},
		{"short, within and alone", "tok", "token tok", "token ***"},
		{"short, twice in one word", "e", "free", "free"},
		{"short, a word of itself", "ab", "abab ab", "abab ***"},
		{"short, escaped", "a b", "key=a+b", "key=***"},
		{"three letters are short", "123", "x123 123", "x123 ***"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := NewToken(tt.secret, "").Hide(tt.text); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
	if got := (Token{}).Hide("text"); got != "text" {
		t.Errorf("no token hides %q", got)
	}
}

// names are entities of signs that tokens hold.
var names = map[rune][]string{
	'/': {"sol"}, '+': {"plus"}, '=': {"equals"}, '&': {"amp", "AMP"}, '<': {"lt", "LT"}, '>': {"gt"}, '"': {"quot"}, '\'': {"apos"},
	'%': {"percnt"}, '\\': {"bsol"}, ':': {"colon"}, '_': {"lowbar", "UnderBar"}, '.': {"period"}, '|': {"vert", "verbar", "VerticalLine"},
	'é': {"eacute"}, 'Ã': {"Atilde"}, 'ÿ': {"yuml"}, '€': {"euro"},
}

// writings returns the ways to write a sign, as the contract lists them.
func writings(r rune) []string {
	all := []string{string(r), fmt.Sprintf("&#%d;", r), fmt.Sprintf("&#x%x;", r), fmt.Sprintf("&#X%04X;", r)}
	percent, twice, program, latin := "", "", "", ""
	for _, c := range []byte(string(r)) {
		percent += fmt.Sprintf("%%%02X", c)
		twice += fmt.Sprintf("%%25%02X", c)
		program += fmt.Sprintf(`\x%02x`, c)
		latin += string(rune(c))
	}
	all = append(all, percent, twice, program, latin)
	if r > 0xffff {
		high, low := utf16.EncodeRune(r)
		all = append(all, fmt.Sprintf(`\u%04x\u%04x`, high, low))
	} else {
		all = append(all, fmt.Sprintf(`\u%04x`, r))
	}
	if r >= utf8.RuneSelf && r <= 0xff {
		all = append(all, string([]byte{byte(r)}), "\ufffd", `\ufffd`, fmt.Sprintf("%%%02X", r), fmt.Sprintf(`\x%02x`, r))
	}
	for _, name := range names[r] {
		all = append(all, "&"+name+";")
	}
	switch r {
	case ' ':
		all = append(all, "+")
	case '/', '"', '\\':
		all = append(all, `\`+string(r))
	}
	return all
}

// hasWriting reports whether text begins with a writing. The case of an escape
// makes no difference, that of a letter does.
func hasWriting(text, writing string) bool {
	if len(text) < len(writing) {
		return false
	}
	if len(writing) > 2 && strings.ContainsAny(writing[:1], `%\&`) {
		return strings.EqualFold(text[:len(writing)], writing)
	}
	return text[:len(writing)] == writing
}

// spelled reports whether text holds a secret in some mix of writings, by trying
// each at each place.
func spelled(text, secret string) bool {
	ends := make(map[int]bool, len(text))
	for i := range len(text) + 1 {
		ends[i] = true
	}
	for _, r := range secret {
		next := map[int]bool{}
		for i := range ends {
			for _, w := range writings(r) {
				if hasWriting(text[i:], w) {
					next[i+len(w)] = true
				}
			}
		}
		ends = next
	}
	return len(ends) > 0
}

// mixed writes a secret, each sign in any way.
func mixed(random *rand.Rand, secret string) string {
	var b strings.Builder
	for _, r := range secret {
		all := writings(r)
		w := all[random.IntN(len(all))]
		if len(w) > 2 && strings.ContainsAny(w[:1], `%\`) && random.IntN(2) == 0 {
			w = w[:2] + strings.ToUpper(w[2:])
		}
		b.WriteString(w)
	}
	return b.String()
}

// secretOf makes a secret of signs, some of which are hard to tell from escapes.
func secretOf(random *rand.Rand, signs []rune) string {
	var b strings.Builder
	for range 4 + random.IntN(12) {
		b.WriteRune(signs[random.IntN(len(signs))])
	}
	return b.String()
}

// TestHideAnyMix echoes secrets in any mix of escapes, between letters of which
// escapes are made.
func TestHideAnyMix(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	around := []string{"%", "2", "5", "%25", `\`, "u", "00", "x", "&", "#", ";", "amp;", "a", "é", "\xc3", "\ufffd", " ", `"`, "+", "/"}
	for _, signs := range []string{
		`abcdefXYZ0123456789-_.`, `aB3/+=`, `ab%25 41`, `a\u0041x"/`, `a&#;xmp5`, `aéÃ©ÿ€🤖 `, `a1%\&é+ `, "ab",
	} {
		for range 300 {
			secret := secretOf(random, []rune(signs))
			if tellsNothing(secret) {
				continue
			}
			token := NewToken(secret, "")
			echo := mixed(random, secret)
			if got := token.Hide("[" + echo + "]"); got != "[***]" {
				t.Fatalf("seed %d: %q in [%q]: got %q, want [***]", seed, secret, echo, got)
			}
			text := echo
			for range random.IntN(8) {
				bit := around[random.IntN(len(around))]
				switch random.IntN(4) {
				case 0:
					text = bit + text
				case 1:
					text += bit
				case 2:
					text += mixed(random, secret)
				default:
					text = mixed(random, secret[:random.IntN(len(secret))]) + text
				}
			}
			checkHidden(t, token, text)
		}
	}
}

// checkHidden checks what holds of every text.
func checkHidden(t *testing.T, token Token, text string) {
	t.Helper()
	got := token.Hide(text)
	for _, part := range token.parts() {
		if !tellsNothing(part) && !strings.Contains(part, "*") && spelled(got, part) {
			t.Fatalf("%q in %q: %q shows %q", token.Reveal(), text, got, part)
		}
	}
	if masks := strings.Count(got, Mask); len(got) > len(text)+masks*len(Mask) {
		t.Fatalf("%q in %q: got %d bytes with %d masks, of %d", token.Reveal(), text, len(got), masks, len(text))
	}
	if again := token.Hide(text); again != got {
		t.Fatalf("%q in %q: %q, and then %q", token.Reveal(), text, got, again)
	}
}

// TestMaskerOfSeveral hides what several callers must not see.
func TestMaskerOfSeveral(t *testing.T) {
	t.Parallel()
	m := NewMasker(NewToken("longsecret", ""), Token{}, NewToken("Bot key/one", ""), NewToken("t", ""), NewToken("secretkey", ""))
	for text, want := range map[string]string{
		"longsecret and key%2Fone": "*** and ***",
		"longsecretkey":            "***",
		"longsecretkey/one":        "***",
		"a t, not that":            "a ***, not that",
		"Bot key/one":              "***",
		"nothing":                  "nothing",
	} {
		if got := m.Hide(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	if got := NewMasker(Token{}).Hide("text"); got != "text" {
		t.Errorf("no secret: got %q, want text", got)
	}
}

// hostile are long echoes that are hard to tell from the secret.
func hostile() map[string]struct{ secret, text string } {
	const textBytes = 512 << 10
	fill := func(s string) string { return strings.Repeat(s, textBytes/len(s)) }
	both := rand.New(rand.NewPCG(1, 2))
	var mixed, secret strings.Builder
	for mixed.Len() < textBytes {
		mixed.WriteString([]string{"A", "%41", "%2541", `\u0041`}[both.IntN(4)])
	}
	for secret.Len() < maxSecret-5 {
		secret.WriteString([]string{"A", "%41", "%2541"}[both.IntN(3)])
	}
	return map[string]struct{ secret, text string }{
		"honest":         {strings.Repeat("x", 40) + "yz", fill(`{"name":"some bot","count":12345,"text":"It's \"fun\" & more"},`)},
		"itself":         {strings.Repeat("ab", maxSecret/2), fill("ab")},
		"almost itself":  {strings.Repeat("ab", maxSecret/2-1) + "X", fill("ab")},
		"one sign":       {strings.Repeat("a", maxSecret-1) + "b", fill("a")},
		"percent":        {strings.Repeat("A", maxSecret-1) + "b", fill("%41")},
		"many percent":   {strings.Repeat("%25", maxSecret/3), fill("%25")},
		"both ways":      {secret.String(), mixed.String()},
		"backslashes":    {strings.Repeat(`\`, maxSecret-1) + "b", fill(`\`)},
		"entities":       {strings.Repeat("é", maxSecret/2-1) + "b", fill("&eacute;")},
		"lost signs":     {strings.Repeat("é", maxSecret/2-1) + "b", fill("\ufffd")},
		"ampersands":     {strings.Repeat("&", maxSecret-1) + "b", fill("&amp;")},
		"colons":         {strings.Repeat(":", maxSecret-1) + "b", fill(":")},
		"plain and much": {strings.Repeat("a", maxSecret), fill("a ")},
	}
}

// TestHideHostile has a list echo what takes the longest. What cannot be told
// from the secret in a bounded time is hidden.
func TestHideHostile(t *testing.T) {
	t.Parallel()
	for name, row := range hostile() {
		t.Run(name, func(t *testing.T) {
			m := NewMasker(NewToken(row.secret, ""))
			s := scan{Masker: m, text: row.text}
			if got := m.Hide(row.text); len(got) > len(row.text) || strings.Contains(got, row.secret) {
				t.Errorf("got %d bytes of %d, want no more and not the secret", len(got), len(s.text))
			}
			got := m.Hide(row.text[:1000] + "-" + row.secret + "-" + row.text[:1000])
			if strings.Contains(got, row.secret) || !strings.Contains(got, Mask) {
				t.Errorf("the secret shows in %.100q", got)
			}
		})
	}
}

func FuzzMask(f *testing.F) {
	f.Add("longsecret", "a text ", uint64(1))
	f.Add(`a/b+c d"é&<`, `{"got":"`, uint64(2))
	f.Add("abababab", "ab", uint64(3))
	f.Add("%25%25%25%25", "%", uint64(4))
	f.Add("t", "that", uint64(5))
	f.Add("Bearer 42:secret", "42", uint64(6))
	f.Add("é©®\\u00e9", "\xe9\xa9", uint64(7))
	f.Fuzz(func(t *testing.T, secret, text string, seed uint64) {
		if len(secret) > 40 || len(text) > 200 || !utf8.ValidString(secret) {
			return // what is spelled is looked for without a clue
		}
		token := NewToken(secret, "")
		echo := mixed(rand.New(rand.NewPCG(seed, 0)), secret)
		for _, around := range []string{text, echo, text + echo, echo + text, text + echo + text + echo, echo + echo, url.QueryEscape(echo), html.EscapeString(echo), strconv.Quote(echo)} {
			checkHidden(t, token, around)
		}
		encoded := base64.StdEncoding.EncodeToString([]byte(secret))
		if got := token.Hide(encoded); secret != "" && !strings.Contains(secret, "*") && got != Mask {
			t.Errorf("%q in base64: got %q, want %q", secret, got, Mask)
		}
		plain := url.QueryEscape(text) == text && !strings.Contains(text, "+")
		if plain && len(text) < len(secret) && token.Hide(text) != text && len(token.parts()) == 1 {
			t.Errorf("%q is not in %q, and yet got %q", secret, text, token.Hide(text))
		}
	})
}

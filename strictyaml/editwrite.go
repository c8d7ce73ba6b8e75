package strictyaml

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	// inFlow is in place of an indent where something stands in brackets.
	inFlow = -1
	// editWidth is how many characters a line may have that is written.
	editWidth  = 120
	indentStep = 2
)

// plainWord is text that needs no quotes, in brackets either, if it is none of
// notText.
var (
	plainWord = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)
	notText   = regexp.MustCompile(`(?i)^(true|false|null|yes|no|on|off|y|n)$`)
)

// word returns a text as it is written where words need no quotes.
func word(text string) string {
	if plainWord.MatchString(text) && !notText.MatchString(text) {
		return text
	}
	return quoted(text)
}

// quoted returns a text in quotes. JSON's are YAML's.
func quoted(text string) string { return string(appendJSONText(nil, text)) }

// appended returns the text with a value behind all else.
func (e *editor) appended(path []string, value any) []byte {
	text := e.text
	if len(text) > 0 && text[len(text)-1] != '\n' {
		text = append(slices.Clip(text), e.newline...)
	}
	return append(slices.Clip(text), e.pair(path[0], nested(path[1:], value), 0)+e.newline...)
}

// pair returns a key and its value as they stand in a mapping with an indent.
func (e *editor) pair(key string, value any, indent int) string {
	if indent == inFlow {
		return quoted(key) + ":" + e.afterKey(value, indent)
	}
	return word(key) + ":" + e.afterKey(value, indent)
}

// afterKey returns what stands behind a key's colon, of a key with an indent.
func (e *editor) afterKey(value any, indent int) string {
	switch v := value.(type) {
	case string:
		return " " + quoted(v)
	case int64:
		return fmt.Sprintf(" %d", v)
	case []string:
		return " " + e.sequence(v, indent)
	case Mapping:
		if indent == inFlow || len(v) == 0 {
			all := make([]string, len(v))
			for i, p := range v {
				all[i] = e.pair(p.Key, p.Value, inFlow)
			}
			return " {" + strings.Join(all, ", ") + "}"
		}
		var text strings.Builder
		for _, p := range v {
			text.WriteString(e.newline + strings.Repeat(" ", indent+indentStep) + e.pair(p.Key, p.Value, indent+indentStep))
		}
		return text.String()
	}
	return " null"
}

// sequence returns texts in brackets, on lines of their own where they do not fit
// into one.
func (e *editor) sequence(all []string, indent int) string {
	words := make([]string, len(all))
	for i, text := range all {
		if words[i] = word(text); indent == inFlow {
			words[i] = quoted(text)
		}
	}
	const most = 20 // characters of the key, with some to spare
	line := "[" + strings.Join(words, ", ") + "]"
	if indent == inFlow || indent+most+utf8.RuneCountInString(line) <= editWidth {
		return line
	}
	text, width := "[", editWidth
	for i, w := range words {
		if i < len(words)-1 {
			w += ","
		}
		if n := utf8.RuneCountInString(w) + 1; width+n >= editWidth {
			text += e.newline + strings.Repeat(" ", indent+indentStep) + w
			width = indent + indentStep + n - 1
		} else {
			text += " " + w
			width += n
		}
	}
	return text + "]"
}

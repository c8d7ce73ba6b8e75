package strictyaml

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// editor edits one text. Its lines and columns count from 1, as YAML's do.
type editor struct {
	text    []byte
	newline string
}

// scalarLength returns how many bytes a scalar has that begins at an offset.
func (e *editor) scalarLength(at int, style yaml.Style, value string) int {
	quote := byte('"')
	switch {
	case style&yaml.SingleQuotedStyle != 0:
		quote = '\''
	case style&yaml.DoubleQuotedStyle == 0:
		return len(value) // over one line, or what comes of it is refused
	}
	return quotedLength(e.text[at:], quote)
}

// quotedLength returns how many bytes a text in quotes has, with them.
func quotedLength(text []byte, quote byte) int {
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == '\\' && quote == '"':
			i++
		case text[i] == quote && quote == '\'' && i+1 < len(text) && text[i+1] == quote:
			i++
		case text[i] == quote:
			return i + 1
		}
	}
	return len(text)
}

// flowLength returns how many bytes a sequence or a mapping in brackets has, with
// them.
func flowLength(text []byte) int {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '[', '{':
			depth++
		case ']', '}':
			if depth--; depth == 0 {
				return i + 1
			}
		case '"', '\'':
			if strings.IndexByte(" \t\n[{,:", text[i-1]) >= 0 {
				i += quotedLength(text[i:], text[i]) - 1
			}
		}
	}
	return len(text)
}

// splice returns the text with something else in place of a part.
func (e *editor) splice(from, to int, with string) []byte {
	return slices.Concat(e.text[:from], []byte(with), e.text[to:])
}

// lines returns how many lines there are.
func (e *editor) lines() int {
	n := bytes.Count(e.text, []byte("\n"))
	if len(e.text) > 0 && e.text[len(e.text)-1] != '\n' {
		n++
	}
	return n
}

// lineStart returns where a line begins.
func (e *editor) lineStart(line int) int {
	at := 0
	for ; line > 1; line-- {
		next := bytes.IndexByte(e.text[at:], '\n')
		if next < 0 {
			return len(e.text)
		}
		at += next + 1
	}
	return at
}

// lineEnd returns where a line ends, before its line break.
func (e *editor) lineEnd(line int) int {
	at := e.lineStart(line)
	return at + len(e.line(line))
}

// line returns a line without its line break.
func (e *editor) line(line int) string {
	text := e.text[e.lineStart(line):]
	if end := bytes.IndexByte(text, '\n'); end >= 0 {
		text = text[:end]
	}
	return strings.TrimSuffix(string(text), "\r")
}

// offset returns where a column of a line is, which counts characters.
func (e *editor) offset(line, column int) int {
	at := e.lineStart(line)
	for ; column > 1 && at < len(e.text); column-- {
		_, size := utf8.DecodeRune(e.text[at:])
		at += size
	}
	return at
}

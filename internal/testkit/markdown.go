package testkit

import (
	"slices"
	"strings"
)

// A Block is a fenced block of a Markdown document.
type Block struct {
	Line     int      // of the document, from 1, at which its text begins
	Language string   // first word of the info string
	Info     []string // the other words
	Text     string
}

// Word reports whether a word stands in the info string.
func (b Block) Word(word string) bool { return slices.Contains(b.Info, word) }

// Value returns what the info string says of name, as in file=bots.yaml; "" for
// nothing.
func (b Block) Value(name string) string {
	for _, word := range b.Info {
		if value, ok := strings.CutPrefix(word, name+"="); ok {
			return value
		}
	}
	return ""
}

// A Command is a command of a Block, and the output that is shown below it.
type Command struct {
	Line       int // of the document, from 1
	Text, Want string
}

// Commands returns the commands of a block. In a block of console they are the
// lines that begin with "$ ", in any other every line but empty ones and
// comments. One that ends with a backslash goes on in the next line.
func (b Block) Commands() []Command {
	var all []Command
	goesOn := false
	number := b.Line - 1
	for line := range strings.Lines(b.Text) {
		number++
		text, begins := strings.CutPrefix(line, "$ ")
		if b.Language != "console" {
			text = strings.TrimSpace(line) + "\n"
			begins = text != "\n" && !strings.HasPrefix(text, "#")
		}
		switch {
		case goesOn:
			all[len(all)-1].Text += "\n" + strings.TrimRight(line, "\n")
		case begins:
			all = append(all, Command{Line: number, Text: strings.TrimRight(text, "\n")})
		case b.Language == "console" && len(all) > 0:
			all[len(all)-1].Want += line
			continue
		}
		goesOn = (goesOn || begins) && strings.HasSuffix(strings.TrimSpace(line), `\`)
	}
	return all
}

// Blocks returns the fenced blocks of a Markdown document, and the numbers of the
// lines at which blocks begin that are indented only.
func Blocks(document string) (fenced []Block, indented []int) {
	var open *Block
	var fence, indent string
	number, after := 0, ""
	for line := range strings.Lines(document) {
		number++
		bare := strings.TrimLeft(line, " ")
		switch {
		case open != nil && strings.HasPrefix(bare, fence):
			fenced = append(fenced, *open)
			open = nil
		case open != nil:
			open.Text += strings.TrimPrefix(line, indent)
		case strings.HasPrefix(bare, "```"):
			info := strings.TrimLeft(bare, "`")
			fence, indent = bare[:len(bare)-len(info)], line[:len(line)-len(bare)]
			language, rest, _ := strings.Cut(strings.TrimSpace(info), " ")
			open = &Block{Line: number + 1, Language: language, Info: strings.Fields(rest)}
		case after == "" && strings.HasPrefix(line, "    ") && strings.TrimSpace(line) != "" && !strings.HasPrefix(bare, "- "):
			indented = append(indented, number)
		}
		after = strings.TrimSpace(line)
	}
	return fenced, indented
}

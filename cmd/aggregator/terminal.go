package main

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"unicode"
)

// screen is where a command prints for people.
type screen struct {
	out    io.Writer
	live   bool // a line can be written over: it is a terminal, and not a dumb one
	colour bool
	shown  bool // the last line is a status, and to be written over
}

// screen returns standard output as a screen.
func (env environment) screen() *screen {
	terminal := isTerminal
	if env.terminal != nil {
		terminal = env.terminal
	}
	// An old console of Windows shows control sequences as they are; what sets one
	// of these does not.
	able := runtime.GOOS != "windows" || env.getenv("WT_SESSION")+env.getenv("TERM")+env.getenv("ANSICON") != ""
	live := able && env.getenv("TERM") != "dumb" && terminal(env.out)
	return &screen{out: env.out, live: live, colour: live && env.getenv("NO_COLOR") == ""}
}

// Control sequences of terminals.
const (
	eraseLine = "\r\x1b[K"
	wrapOff   = "\x1b[?7l" // what does not fit into a line is cut
	wrapOn    = "\x1b[?7h"
	colourOff = "\x1b[0m"
)

// colours are those of words for what became of something.
var colours = map[string]string{
	resultOK: "\x1b[32m", resultFailed: "\x1b[31m", resultHeld: "\x1b[33m", resultSkipped: "\x1b[33m",
}

// printf prints, in the place of the status if one is shown.
func (s *screen) printf(format string, args ...any) {
	s.status("")
	_, _ = fmt.Fprintf(s.out, format, args...)
}

// row prints a line about a list, whose id takes so many characters.
func (s *screen) row(width int, list, result, text string) {
	word := fmt.Sprintf("%-7s", result)
	if colour := colours[result]; s.colour && colour != "" {
		word = colour + word + colourOff
	}
	s.printf("%s\n", strings.TrimRight(fmt.Sprintf("%-*s  %s  %s", width, list, word, text), " "))
}

// maxStatus is how many characters of a status are shown.
const maxStatus = 78

// status shows a line below what was printed until the next one, "" for none. It
// does nothing where lines cannot be written over.
func (s *screen) status(text string) {
	if !s.live || text == "" && !s.shown {
		return
	}
	line := eraseLine
	if text != "" {
		line += wrapOff + shorten(text, maxStatus) + wrapOn
	}
	s.shown = text != ""
	_, _ = io.WriteString(s.out, line)
}

// waiting shows as the status which lists have yet to answer.
type waiting struct {
	*screen
	lists []string
}

// begin shows that lists are asked.
func (w *waiting) begin(asked []string) {
	w.lists = slices.Clone(asked)
	w.show()
}

// heard shows that a list has answered.
func (w *waiting) heard(list string) {
	w.lists = slices.DeleteFunc(w.lists, func(l string) bool { return l == list })
	w.show()
}

func (w *waiting) show() {
	if len(w.lists) == 0 {
		w.status("")
		return
	}
	w.status(fmt.Sprintf("waiting for %s: %s", howMany(len(w.lists), "list"), strings.Join(w.lists, ", ")))
}

// howMany returns a number of things in words.
func howMany(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// shorten returns a text as one line of so many characters at most. What could
// change what a terminal shows beside it is left out.
func shorten(s string, most int) string {
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	s = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, s)
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}

package catalog

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Problem is one thing wrong with the files, and where.
type Problem struct {
	File    string
	Line    int    // 0 when no line is to blame
	List    string // the list id, if the place is in a list
	Field   string // such as "post.limits[0].per"
	Message string // what is wrong, and what is allowed
}

// String is the problem as one line for people.
func (p Problem) String() string {
	var b strings.Builder
	if p.File != "" {
		b.WriteString(p.File)
		if p.Line > 0 {
			b.WriteString(":" + strconv.Itoa(p.Line))
		}
		b.WriteString(": ")
	}
	for _, s := range []string{show(p.List), p.Field} {
		if s != "" {
			b.WriteString(s + ": ")
		}
	}
	b.WriteString(p.Message)
	return b.String()
}

// Error holds all that is wrong with a catalog's files, by file and line.
type Error struct {
	Problems []Problem
}

// Error lists the problems, one a line.
func (e *Error) Error() string { return strings.Join(lines(e.Problems), "\n") }

func lines(problems []Problem) []string {
	all := make([]string, len(problems))
	for i, p := range problems {
		all[i] = p.String()
	}
	return all
}

// place is where in a file something stands.
type place struct {
	file  string
	line  int
	list  string // set in a list
	field string // in the list, or else in the file
}

// child is the place of a key's value.
func (p place) child(key string, line int) place {
	p.line = line
	switch {
	case p.list == "" && p.field == "lists":
		p.list, p.field = key, ""
	case p.field == "":
		p.field = show(key)
	default:
		p.field += "." + show(key)
	}
	return p
}

// item is the place of a list's item.
func (p place) item(i, line int) place {
	p.line = line
	p.field += "[" + strconv.Itoa(i) + "]"
	return p
}

// report collects problems.
type report struct {
	problems []Problem
}

func (r *report) add(at place, format string, args ...any) {
	r.problems = append(r.problems, Problem{at.file, at.line, at.list, at.field, fmt.Sprintf(format, args...)})
}

// sorted is the problems in the order of files, then of lines.
func (r *report) sorted(files []string) []Problem {
	slices.SortStableFunc(r.problems, func(a, b Problem) int {
		if d := slices.Index(files, a.File) - slices.Index(files, b.File); d != 0 {
			return d
		}
		return a.Line - b.Line
	})
	return r.problems
}

// maxShown bounds how much of a file's text a message repeats.
const maxShown = 80

// show is a key as messages name it: in quotes where it would mislead bare.
func show(key string) string {
	if key == "" || len(key) <= maxShown && isID(key) {
		return key
	}
	return quote(key)
}

// quote is a value as messages show it.
func quote(s string) string {
	if len(s) > maxShown {
		s = strings.ToValidUTF8(s[:maxShown], "") + "…"
	}
	return strconv.Quote(s)
}

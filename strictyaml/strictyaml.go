// Package strictyaml reads YAML files that people write by hand into structs,
// strictly: an unknown key, a key twice, a wrong type, an anchor or a tag is a
// problem, and all problems come at once, each with its file, its line and what
// is allowed. The struct tags that say what a file may hold also make a JSON
// Schema of it, for editors.
package strictyaml

import (
	"fmt"
	"maps"
	"slices"
)

// File is a YAML file, read.
type File struct {
	Name string // as messages show it
	Data []byte
}

// Decoder reads files that belong together and collects what is wrong with them.
// Its zero value is ready to use; it is not for use by several goroutines.
type Decoder struct {
	// Entries is the key at the top of a file under which its entries stand, such
	// as "lists". A problem within an entry names it, and the field in it; "" if
	// files have no such key.
	Entries string
	// Secrets says that values may be secrets, and keys that do not look like one:
	// no message repeats such a text.
	Secrets bool
	// NoBlanks makes a key without a value or with a blank text a problem, where
	// null otherwise is an absent key.
	NoBlanks bool
	// DigitKeys takes an unquoted key of digits alone as it is written, where
	// any other key that is not a string is a problem.
	DigitKeys bool

	depth    int      // of nesting, at most; 0 stands for defaultDepth
	files    []string // in the order parsed
	problems []Problem
}

// Add reports a problem.
func (d *Decoder) Add(at Place, format string, args ...any) {
	d.problems = append(d.problems, Problem{at, fmt.Sprintf(format, args...)})
}

// Problems returns what was reported so far, in that order.
func (d *Decoder) Problems() []Problem { return d.problems }

// Err returns what was reported as an *Error, in the order of the files as
// parsed, then of lines, each problem once; nil if there is nothing.
func (d *Decoder) Err() error {
	if len(d.problems) == 0 {
		return nil
	}
	all, seen := make([]Problem, 0, len(d.problems)), make(map[Problem]bool, len(d.problems))
	for _, p := range d.problems {
		if !seen[p] {
			seen[p] = true
			all = append(all, p)
		}
	}
	byPlace(all, d.files)
	return &Error{all}
}

// child is the place of a key's value.
func (d *Decoder) child(p Place, key string, line int) Place {
	p.Line = line
	switch {
	case p.Entry == "" && p.Field == d.Entries && d.Entries != "":
		p.Entry, p.Field = key, ""
	case p.Field == "":
		p.Field = d.ShowKey(key)
	default:
		p.Field += "." + d.ShowKey(key)
	}
	return p
}

// Overlay puts entries over those of the same keys in base: the fields of a
// mapping replace those of the one below, and a key that base lacks is added.
func (d *Decoder) Overlay(base, entries map[string]*Node) {
	for _, key := range slices.Sorted(maps.Keys(entries)) {
		under, over := base[key], entries[key]
		switch {
		case under == nil:
			base[key] = over
		case over.kind == broken || under.kind != mapping: // reported in its place
		case over.kind != mapping:
			d.WrongType(over, "a mapping")
		default:
			for _, f := range over.fields {
				under.set(f)
			}
		}
	}
}

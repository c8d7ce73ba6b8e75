package catalog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// node is a piece of YAML reduced to what these files may hold.
type node struct {
	place
	kind   kind
	tag    string // of a scalar, such as "!!str"
	value  string // of a scalar
	items  []*node
	fields []field
}

// field is a key of a mapping and its value, whose line is the key's.
type field struct {
	key   string
	value *node
}

type kind int

const (
	broken kind = iota // reported already: whoever meets it stays silent
	scalar
	sequence
	mapping
)

// Tags of scalars.
const (
	tagString = "!!str"
	tagInt    = "!!int"
	tagBool   = "!!bool"
	tagNull   = "!!null"
	tagMerge  = "!!merge"
)

// maxDepth bounds nesting, well beyond the deepest field there is.
const maxDepth = 16

// parse reads a file's one document. A nil node is an empty file; ok is false
// when the file is not YAML.
func (r *report) parse(f File) (root *node, ok bool) {
	in := &lineReader{rest: f.Data}
	dec := yaml.NewDecoder(in)
	doc, err := decodeNext(dec)
	if errors.Is(err, io.EOF) {
		return nil, true
	}
	if err != nil {
		r.addSyntax(f.Name, err, in.lines)
		return nil, false
	}
	if len(doc.Content) == 1 && !isEmpty(doc.Content[0]) {
		root = r.tree(doc.Content[0], place{file: f.Name, line: doc.Content[0].Line}, 0)
	}
	switch next, err := decodeNext(dec); {
	case errors.Is(err, io.EOF):
	case err != nil:
		r.addSyntax(f.Name, err, in.lines)
		return nil, false
	default:
		r.add(place{file: f.Name, line: next.Line}, "a second document begins here; a file must hold one")
	}
	return root, true
}

// isEmpty tells whether a document holds nothing, as one of comments alone.
func isEmpty(y *yaml.Node) bool {
	return y.Kind == yaml.ScalarNode && y.Tag == tagNull && y.Anchor == ""
}

// decodeNext reads a document. The parser is no longer maintained: should odd
// input make it panic, that is a bad file and not the end of the service.
func decodeNext(dec *yaml.Decoder) (doc *yaml.Node, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("yaml: %v", p)
		}
	}()
	doc = &yaml.Node{}
	return doc, dec.Decode(doc)
}

// lineReader hands out a line at a time, so that lines tells how far the
// parser came.
type lineReader struct {
	rest  []byte
	lines int
}

func (l *lineReader) Read(p []byte) (int, error) {
	if len(l.rest) == 0 {
		return 0, io.EOF
	}
	end := bytes.IndexByte(l.rest, '\n') + 1
	if end == 0 {
		end = len(l.rest)
	}
	n := copy(p, l.rest[:end])
	if n == end {
		l.lines++
	}
	l.rest = l.rest[n:]
	return n, nil
}

var syntaxError = regexp.MustCompile(`^yaml: (?:line (\d+): )?(?s:(.*))$`)

// addSyntax reports that a file is not YAML. The line in the parser's message
// is often where the surrounding block begins, or one less, or missing.
func (r *report) addSyntax(file string, err error, linesRead int) {
	line, message := linesRead, err.Error()
	if m := syntaxError.FindStringSubmatch(message); m != nil {
		message = m[2]
		n, err := strconv.Atoi(m[1])
		switch {
		case err != nil || strings.HasPrefix(message, "did not find expected key"), strings.HasPrefix(message, "did not find expected '-'"):
		case strings.HasPrefix(message, "did not find expected ',' or"):
			line = n + 1
			message += " to what is opened here"
		default:
			line = n
		}
	}
	r.add(place{file: file, line: max(line, 1)}, "not YAML: %s", message)
}

// tree reduces YAML to nodes. What can make one text mean several things, or
// stand in several places, is refused.
func (r *report) tree(y *yaml.Node, at place, depth int) *node {
	n := &node{place: at}
	if y.Anchor != "" {
		r.add(at, "anchors (&%s) are not allowed; write the value out where it is needed", show(y.Anchor))
	}
	switch {
	case y.Kind == yaml.AliasNode:
		r.add(at, "aliases (*%s) are not allowed; write the value out", show(y.Value))
	case depth > maxDepth:
		r.add(at, "is nested too deep; at most %d levels are allowed", maxDepth)
	case y.Style&yaml.TaggedStyle != 0:
		r.add(at, "tags (%s) are not allowed; put text in quotes and leave numbers bare", show(y.Tag))
	case y.Kind == yaml.ScalarNode:
		n.kind, n.tag, n.value = scalar, y.Tag, y.Value
	case y.Kind == yaml.SequenceNode:
		n.kind = sequence
		for i, item := range y.Content {
			n.items = append(n.items, r.tree(item, at.item(i, item.Line), depth+1))
		}
	case y.Kind == yaml.MappingNode:
		n.kind = mapping
		n.fields = r.fields(y.Content, at, depth)
	}
	return n
}

// fields are the keys and values of a mapping, each key once.
func (r *report) fields(content []*yaml.Node, at place, depth int) []field {
	var all []field
	first := map[string]int{}
	for i := 0; i+1 < len(content); i += 2 {
		key, value := content[i], content[i+1]
		keyAt := at
		keyAt.line = key.Line
		switch {
		case key.Anchor != "":
			r.add(keyAt, "anchors (&%s) are not allowed on keys", show(key.Anchor))
			continue
		case key.Kind != yaml.ScalarNode || key.Style&yaml.TaggedStyle != 0:
			r.add(keyAt, "a key must be a plain word or a string in quotes")
			continue
		case key.Tag == tagMerge:
			r.add(keyAt, "merge keys (<<) are not allowed; write the fields out")
			continue
		case key.Tag != tagString:
			r.add(keyAt, "the key %s must be in quotes, %s", key.Value, quote(key.Value))
			continue
		}
		child := at.child(key.Value, key.Line)
		if line, seen := first[key.Value]; seen {
			r.add(child, "is given twice, first in line %d", line)
			continue
		}
		first[key.Value] = key.Line
		all = append(all, field{key.Value, r.tree(value, child, depth+1)})
	}
	return all
}

func (n *node) isNull() bool { return n.kind == scalar && n.tag == tagNull }

// get is the value of a key, nil if there is none.
func (n *node) get(key string) *node {
	for _, f := range n.fields {
		if f.key == key {
			return f.value
		}
	}
	return nil
}

// find is the node at a path such as "post.limits[0].per", or the nearest
// one around it.
func (n *node) find(path string) *node {
	if path == "" {
		return n
	}
	if index, rest, ok := strings.Cut(path, "]"); ok && strings.HasPrefix(index, "[") {
		if i, err := strconv.Atoi(index[1:]); err == nil && i >= 0 && i < len(n.items) {
			return n.items[i].find(strings.TrimPrefix(rest, "."))
		}
		return n
	}
	// The longest key counts: those of headers may hold dots.
	var best *field
	for i, f := range n.fields {
		rest, ok := strings.CutPrefix(path, f.key)
		if ok && (rest == "" || rest[0] == '.' || rest[0] == '[') && (best == nil || len(f.key) > len(best.key)) {
			best = &n.fields[i]
		}
	}
	if best == nil {
		return n
	}
	return best.value.find(strings.TrimPrefix(path[len(best.key):], "."))
}

// set puts a field in the place of the one with its key.
func (n *node) set(f field) {
	for i := range n.fields {
		if n.fields[i].key == f.key {
			n.fields[i] = f
			return
		}
	}
	n.fields = append(n.fields, f)
}

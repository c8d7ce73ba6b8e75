package strictyaml

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// Node is a piece of YAML reduced to what a strict file may hold.
type Node struct {
	place  Place
	kind   kind
	tag    string // of a scalar, such as "!!str"
	value  string // of a scalar
	items  []*Node
	fields []Field
}

// Field is a key of a mapping and its value, whose line is the key's.
type Field struct {
	Key   string
	Value *Node
}

type kind int

const (
	broken kind = iota // reported already: whoever meets it stays silent
	scalar
	sequence
	mapping
)

// Place returns where the node stands.
func (n *Node) Place() Place { return n.place }

// IsMapping reports whether the node is a mapping.
func (n *Node) IsMapping() bool { return n.kind == mapping }

// IsBroken reports whether the node was refused when it was parsed, so that
// nothing more need be said of it.
func (n *Node) IsBroken() bool { return n.kind == broken }

// Text returns the text of a string. ok is false for everything else.
func (n *Node) Text() (text string, ok bool) {
	return n.value, n.kind == scalar && n.tag == tagString
}

// Items returns the items of a sequence; nil for everything else.
func (n *Node) Items() []*Node { return n.items }

// Fields returns the keys and values of a mapping in the order written; nil for
// everything else.
func (n *Node) Fields() []Field { return n.fields }

// Tags of scalars.
const (
	tagString    = "!!str"
	tagInt       = "!!int"
	tagBool      = "!!bool"
	tagNull      = "!!null"
	tagMerge     = "!!merge"
	tagTimestamp = "!!timestamp"
)

// defaultDepth bounds nesting, well beyond the deepest field there is.
const defaultDepth = 16

// Parse reads a file's one document. The root is nil when the file is empty; ok
// is false when it is not YAML.
func (d *Decoder) Parse(f File) (root *Node, ok bool) {
	d.files = append(d.files, f.Name)
	in := &lineReader{rest: f.Data}
	dec := yaml.NewDecoder(in)
	doc, err := decodeNext(dec)
	if errors.Is(err, io.EOF) {
		return nil, true
	}
	if err != nil {
		d.addSyntax(f.Name, err, in.lines)
		return nil, false
	}
	if len(doc.Content) == 1 && !isEmpty(doc.Content[0]) {
		root = d.tree(doc.Content[0], Place{File: f.Name, Line: doc.Content[0].Line}, 0)
	}
	switch next, err := decodeNext(dec); {
	case errors.Is(err, io.EOF):
	case err != nil:
		d.addSyntax(f.Name, err, in.lines)
		return nil, false
	default:
		d.Add(Place{File: f.Name, Line: next.Line}, "a second document begins here; a file must hold one")
	}
	return root, true
}

// isEmpty reports whether a document holds nothing, as one of comments alone.
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

// lineReader hands out a line at a time, so that lines says how far the parser
// came.
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
func (d *Decoder) addSyntax(file string, err error, linesRead int) {
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
	if name, ok := strings.CutPrefix(message, "unknown anchor '"); ok && d.Secrets { // the one message that repeats text
		message = "unknown anchor" + name[strings.LastIndexByte(name, '\'')+1:] + "; put a text that begins with * in quotes"
	}
	d.Add(Place{File: file, Line: max(line, 1)}, "not YAML: %s", message)
}

// tree reduces YAML to nodes. What can make one text mean several things, or
// stand in several places, is refused.
func (d *Decoder) tree(y *yaml.Node, at Place, depth int) *Node {
	n := &Node{place: at}
	if y.Anchor != "" {
		d.Add(at, "anchors (&%s) are not allowed; write the value out where it is needed", d.show(y.Anchor))
	}
	switch {
	case y.Kind == yaml.AliasNode:
		d.Add(at, "aliases (*%s) are not allowed; write the value out", d.show(y.Value))
	case depth > cmp.Or(d.depth, defaultDepth):
		d.Add(at, "is nested too deep; at most %d levels are allowed", cmp.Or(d.depth, defaultDepth))
	case y.Style&yaml.TaggedStyle != 0:
		d.Add(at, "tags (%s) are not allowed; put text in quotes and leave numbers bare", d.show(y.Tag))
	case y.Kind == yaml.ScalarNode:
		n.kind, n.tag, n.value = scalar, y.Tag, y.Value
	case y.Kind == yaml.SequenceNode:
		n.kind = sequence
		for i, item := range y.Content {
			n.items = append(n.items, d.tree(item, at.item(i, item.Line), depth+1))
		}
	case y.Kind == yaml.MappingNode:
		n.kind = mapping
		n.fields = d.fields(y.Content, at, depth)
	}
	return n
}

// fields returns the keys and values of a mapping, each key once.
func (d *Decoder) fields(content []*yaml.Node, at Place, depth int) []Field {
	var all []Field
	first := map[string]int{}
	for i := 0; i+1 < len(content); i += 2 {
		key, value := content[i], content[i+1]
		keyAt := at
		keyAt.Line = key.Line
		switch {
		case key.Anchor != "":
			d.Add(keyAt, "anchors (&%s) are not allowed on keys", d.show(key.Anchor))
			continue
		case key.Kind != yaml.ScalarNode || key.Style&yaml.TaggedStyle != 0:
			d.Add(keyAt, "a key must be a plain word or a string in quotes")
			continue
		case key.Tag == tagMerge:
			d.Add(keyAt, "merge keys (<<) are not allowed; write the fields out")
			continue
		case d.DigitKeys && isDigits(key.Value):
		case key.Tag != tagString:
			d.Add(keyAt, "the key %s must be in quotes, %s", key.Value, Quote(key.Value))
			continue
		}
		child := d.child(at, key.Value, key.Line)
		if line, seen := first[key.Value]; seen {
			d.Add(child, "is given twice, first in line %d", line)
			continue
		}
		first[key.Value] = key.Line
		all = append(all, Field{key.Value, d.tree(value, child, depth+1)})
	}
	return all
}

// isDigits reports whether text is a whole number as people count.
func isDigits(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}

// isNull reports whether null stands there.
func (n *Node) isNull() bool { return n.kind == scalar && n.tag == tagNull }

// Get returns the value of a key of a mapping, nil if there is none.
func (n *Node) Get(key string) *Node {
	for _, f := range n.fields {
		if f.Key == key {
			return f.Value
		}
	}
	return nil
}

// Find returns the node at a path such as "post.limits[0].per", or the nearest
// one around it.
func (n *Node) Find(path string) *Node {
	if path == "" {
		return n
	}
	if index, rest, ok := strings.Cut(path, "]"); ok && strings.HasPrefix(index, "[") {
		if i, err := strconv.Atoi(index[1:]); err == nil && i >= 0 && i < len(n.items) {
			return n.items[i].Find(strings.TrimPrefix(rest, "."))
		}
		return n
	}
	// The longest key counts: those of headers may hold dots.
	var best *Field
	for i, f := range n.fields {
		rest, ok := strings.CutPrefix(path, f.Key)
		if ok && (rest == "" || rest[0] == '.' || rest[0] == '[') && (best == nil || len(f.Key) > len(best.Key)) {
			best = &n.fields[i]
		}
	}
	if best == nil {
		return n
	}
	return best.Value.Find(strings.TrimPrefix(path[len(best.Key):], "."))
}

// set puts a field in the place of the one with its key.
func (n *Node) set(f Field) {
	for i := range n.fields {
		if n.fields[i].Key == f.Key {
			n.fields[i] = f
			return
		}
	}
	n.fields = append(n.fields, f)
}

// Inherit gives a mapping what another has under a key: all of it where it
// lacks the key, and where both have a mapping there, the keys that its own
// lacks, and so on. Except names keys that are not inherited, however deep.
func (n *Node) Inherit(from *Node, key string, except ...string) {
	value := from.Get(key)
	if n.kind != mapping || value == nil || slices.Contains(except, key) {
		return
	}
	own := n.Get(key)
	if own == nil {
		if own = value; value.kind == mapping {
			own = &Node{place: value.place, kind: mapping} // without what is not inherited
		}
		n.fields = append(n.fields, Field{key, own})
	}
	for _, f := range value.fields {
		own.Inherit(value, f.Key, except...)
	}
}

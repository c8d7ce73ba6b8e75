package strictyaml

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Setting is a value that Edit gives a key of a file.
type Setting struct {
	Path []string // the keys that lead to it, from the top; mappings that are missing are added
	// Value is a string, an int64, nil for null, a []string, or a Mapping.
	Value any
	// Order has the keys of the mapping that the last key stands in, in the order in
	// which they are to stand. It says where a new key goes: behind those that come
	// before it. Nil: in the alphabetical order where the others have that, or else
	// at the end.
	Order []string
}

// Mapping is a mapping in the order in which it is to be written.
type Mapping []Pair

// Pair is a key of a Mapping and its value, as in a Setting.
type Pair struct {
	Key   string
	Value any
}

// Edit returns the text of a file with some values set, and every other byte as it
// was: comments, order and layout stay. The file must be strict YAML, or the error
// is an *Error. Another error says which value cannot be set so.
func Edit(f File, settings ...Setting) ([]byte, error) {
	held, err := meaning(f)
	for _, s := range settings {
		if err != nil {
			break
		}
		held = with(held, s.Path, s.Value)
		f.Data, err = set(f, s, held)
	}
	if err != nil {
		return nil, err
	}
	return f.Data, nil
}

// set sets one value. What comes of it is read back and compared with what it is to
// mean, for YAML can be written in more ways than are understood here.
func set(f File, s Setting, want any) (text []byte, err error) {
	e := &editor{text: f.Data, newline: "\n"}
	if bytes.Contains(f.Data, []byte("\r\n")) {
		e.newline = "\r\n"
	}
	switch doc, fault := decodeNext(yaml.NewDecoder(bytes.NewReader(f.Data))); {
	case errors.Is(fault, io.EOF), fault == nil && (len(doc.Content) == 0 || isEmpty(doc.Content[0])):
		text = e.appended(s.Path, s.Value)
	case fault != nil:
		return nil, fault
	default:
		text, err = e.set(block{node: doc.Content[0], end: e.lines() + 1}, s, s.Path)
	}
	if err == nil {
		if got, fault := meaning(File{f.Name, text}); fault != nil || !reflect.DeepEqual(got, want) {
			err = errors.New("is written in a way that cannot be edited")
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w; set it by hand", f.Name, strings.Join(s.Path, ": "), err)
	}
	return text, nil
}

// leaf is a scalar, as it is compared.
type leaf struct{ tag, value string }

// meaning returns what a file holds, without its layout.
func meaning(f File) (any, error) {
	d := &Decoder{depth: maxJSONDepth, DigitKeys: true}
	root, _ := d.Parse(f)
	return meaningOf(root), d.Err()
}

func meaningOf(n *Node) any {
	switch {
	case n == nil || n.isNull():
		return nil
	case n.kind == mapping:
		all := map[string]any{}
		for _, f := range n.fields {
			all[f.Key] = meaningOf(f.Value)
		}
		return all
	case n.kind == sequence:
		all := []any{}
		for _, item := range n.items {
			all = append(all, meaningOf(item))
		}
		return all
	}
	return leaf{n.tag, n.value}
}

// with returns what a file is to hold once a value is set. It changes held.
func with(held any, path []string, value any) any {
	if len(path) > 0 {
		all, _ := held.(map[string]any)
		if all == nil {
			all = map[string]any{}
		}
		all[path[0]] = with(all[path[0]], path[1:], value)
		return all
	}
	switch v := value.(type) {
	case string:
		return leaf{tagString, v}
	case int64:
		return leaf{tagInt, fmt.Sprint(v)}
	case []string:
		all := []any{}
		for _, item := range v {
			all = append(all, leaf{tagString, item})
		}
		return all
	case Mapping:
		all := map[string]any{}
		for _, p := range v {
			all[p.Key] = with(nil, nil, p.Value)
		}
		return all
	}
	return nil
}

// block is a node, and the line on which at the latest something else begins.
type block struct {
	node *yaml.Node
	end  int
}

// set sets a value in a mapping.
func (e *editor) set(in block, s Setting, path []string) ([]byte, error) {
	m := in.node
	if m.Kind != yaml.MappingNode {
		return nil, errors.New("is not in a mapping")
	}
	for i := 0; i+1 < len(m.Content); i += 2 {
		key, value := m.Content[i], m.Content[i+1]
		if key.Value != path[0] {
			continue
		}
		end := in.end
		if i+2 < len(m.Content) {
			end = m.Content[i+2].Line
		}
		if len(path) > 1 && value.Kind == yaml.MappingNode {
			return e.set(block{value, end}, s, path[1:])
		}
		return e.replace(m, key, block{value, end}, nested(path[1:], s.Value))
	}
	var order []string
	if len(path) == 1 {
		order = s.Order
	}
	return e.insert(in, order, path[0], nested(path[1:], s.Value)), nil
}

// nested returns a value below keys.
func nested(path []string, value any) any {
	for _, key := range slices.Backward(path) {
		value = Mapping{{key, value}}
	}
	return value
}

// replace replaces the value of a key.
func (e *editor) replace(m, key *yaml.Node, old block, value any) ([]byte, error) {
	indent := key.Column - 1
	if m.Style&yaml.FlowStyle != 0 {
		indent = inFlow
	}
	if hasComments(old.node) {
		return nil, fmt.Errorf("holds a comment in line %d or below", old.node.Line)
	}
	if old.node.Kind == yaml.ScalarNode && old.node.Tag == tagNull && old.node.Value == "" {
		at := e.offset(key.Line, key.Column)
		at += e.scalarLength(at, key.Style, key.Value)
		at += bytes.IndexByte(e.text[at:], ':') + 1
		return e.splice(at, at, e.afterKey(value, indent)), nil
	}
	from := e.offset(old.node.Line, old.node.Column)
	to := from
	switch {
	case old.node.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0, old.node.Kind != yaml.ScalarNode && old.node.Style&yaml.FlowStyle == 0:
		to = e.lineEnd(e.lastLine(key, old.end))
		if old.node.Line > key.Line { // the value begins below its key
			from = e.lineEnd(key.Line)
			return e.splice(from, to, e.afterKey(value, indent)), nil
		}
	case old.node.Kind == yaml.ScalarNode:
		to += e.scalarLength(from, old.node.Style, old.node.Value)
	default:
		to += flowLength(e.text[from:])
	}
	return e.splice(from, to, strings.TrimPrefix(e.afterKey(value, indent), " ")), nil
}

// hasComments reports whether there are comments within a value, which would be
// lost with it.
func hasComments(n *yaml.Node) bool {
	for _, c := range n.Content {
		if c.HeadComment != "" || c.LineComment != "" || c.FootComment != "" || hasComments(c) {
			return true
		}
	}
	return n.Kind != yaml.ScalarNode && (n.HeadComment != "" || n.FootComment != "")
}

// insert adds a key to a mapping.
func (e *editor) insert(in block, order []string, key string, value any) []byte {
	m := in.node
	if m.Style&yaml.FlowStyle != 0 {
		at := e.offset(m.Line, m.Column) + 1
		text := e.pair(key, value, inFlow)
		if len(m.Content) > 0 {
			text += ", "
		}
		return e.splice(at, at, text)
	}
	indent := m.Content[0].Column - 1
	text := strings.Repeat(" ", indent) + e.pair(key, value, indent) + e.newline
	apart := e.areApart(m)
	before := -1
	for i := 0; i < len(m.Content); i += 2 {
		if goesBefore(m, order, m.Content[i].Value, key) {
			before = i
		}
	}
	if before < 0 {
		at := e.lineStart(e.headLine(m.Content[0]))
		if apart {
			text += e.newline
		}
		return e.splice(at, at, text)
	}
	end := in.end
	if before+2 < len(m.Content) {
		end = m.Content[before+2].Line
	}
	at := e.lineEnd(e.lastLine(m.Content[before], end))
	text = e.newline + strings.TrimSuffix(text, e.newline)
	if apart {
		text = e.newline + text
	}
	return e.splice(at, at, text)
}

// goesBefore reports whether a key of a mapping is to stand before a new one.
func goesBefore(m *yaml.Node, order []string, key, added string) bool {
	if order != nil {
		rank := func(key string) int {
			if i := slices.Index(order, key); i >= 0 {
				return i
			}
			return math.MaxInt
		}
		return rank(key) < rank(added)
	}
	var keys []string
	for i := 0; i < len(m.Content); i += 2 {
		keys = append(keys, m.Content[i].Value)
	}
	return !slices.IsSorted(keys) || key < added
}

// areApart reports whether a blank line stands before each key of a mapping but
// the first.
func (e *editor) areApart(m *yaml.Node) bool {
	for i := 2; i < len(m.Content); i += 2 {
		if strings.TrimSpace(e.line(e.headLine(m.Content[i])-1)) != "" {
			return false
		}
	}
	return len(m.Content) > 2
}

// headLine returns the line of a key, or of the first of the comments right above
// it.
func (e *editor) headLine(key *yaml.Node) int {
	line := key.Line
	for line > 1 && strings.HasPrefix(strings.TrimSpace(e.line(line-1)), "#") {
		line--
	}
	return line
}

// lastLine returns the last line of a key's value, before the line at which
// something else begins. Comments that are further in than the key belong to it.
func (e *editor) lastLine(key *yaml.Node, end int) int {
	for line := end - 1; line > key.Line; line-- {
		text := strings.TrimSpace(e.line(line))
		indent := strings.IndexFunc(e.line(line), func(r rune) bool { return r != ' ' })
		if text != "" && text != "..." && (!strings.HasPrefix(text, "#") || indent >= key.Column) {
			return line
		}
	}
	return key.Line
}

package strictyaml

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// maxJSONDepth bounds nesting of what JSON reads, which need not fit a struct.
const maxJSONDepth = 64

// JSON returns what a file holds as JSON, keys in the order written. The file
// must be strict YAML; the error is an *Error that says all that is wrong.
func JSON(f File) ([]byte, error) {
	d := &Decoder{depth: maxJSONDepth}
	root, _ := d.Parse(f)
	b := d.appendJSON(nil, root)
	if err := d.Err(); err != nil {
		return nil, err
	}
	return b, nil
}

func (d *Decoder) appendJSON(b []byte, n *Node) []byte {
	switch {
	case n == nil || n.isNull() || n.kind == broken:
		return append(b, "null"...)
	case n.kind == mapping:
		b = append(b, '{')
		for i, f := range n.fields {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendJSONText(b, f.Key), ':')
			b = d.appendJSON(b, f.Value)
		}
		return append(b, '}')
	case n.kind == sequence:
		b = append(b, '[')
		for i, item := range n.items {
			if i > 0 {
				b = append(b, ',')
			}
			b = d.appendJSON(b, item)
		}
		return append(b, ']')
	case n.tag == tagBool:
		return strconv.AppendBool(b, n.isTrue())
	case n.tag == tagString, n.tag == tagTimestamp:
		return appendJSONText(b, n.value)
	case json.Valid([]byte(n.value)): // a number
		return append(b, n.value...)
	}
	d.Add(n.place, "%s is not a number that JSON has", Quote(n.value))
	return append(b, "null"...)
}

func appendJSONText(b []byte, text string) []byte {
	var to bytes.Buffer
	e := json.NewEncoder(&to)
	e.SetEscapeHTML(false)
	_ = e.Encode(text) // a text always can be
	return append(b, bytes.TrimSuffix(to.Bytes(), []byte("\n"))...)
}

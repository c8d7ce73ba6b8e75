package strictyaml

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"aggregator/internal/near"
)

// oneOrMany marks slices for which a single item may stand.
type oneOrMany interface{ OneOrMany() }

// scalarSetter is a struct for which a single string may stand.
type scalarSetter interface{ SetScalar(string) }

var (
	nodeType         = reflect.TypeFor[*Node]()
	oneOrManyType    = reflect.TypeFor[oneOrMany]()
	scalarSetterType = reflect.TypeFor[scalarSetter]()
)

// Bind sets what target points to as n says; target must not be nil. What does
// not fit is reported and left as it was.
//
// A mapping sets a struct by the `yaml` tags of its fields, or a map. Further
// tags of a field are `required:"true"`, `enum:"a,b"` with all values allowed,
// `date:"true"` for a string that is a day, and `doc`, which SchemaOf shows. The
// keys of a struct in a field with `inline:"true"` stand beside the others, but
// for those that `without:"a,b"` names. A field of type *Node takes what stands there
// as it is; a slice with a method OneOrMany may be given as its only item, and
// a struct with a method SetScalar(string) as a string.
func (d *Decoder) Bind(n *Node, target any) { d.bind(n, reflect.ValueOf(target).Elem()) }

// bind sets v, which must be addressable, to what n says. What does not fit is
// reported and left as it was.
func (d *Decoder) bind(n *Node, v reflect.Value) {
	if v.Type() == nodeType {
		v.Set(reflect.ValueOf(n))
		return
	}
	if n.kind == broken {
		return
	}
	if s, ok := reflect.TypeAssert[scalarSetter](v.Addr()); ok && n.kind == scalar {
		d.bindSetter(n, s)
		return
	}
	switch t := v.Type(); t.Kind() {
	case reflect.Pointer:
		e := reflect.New(t.Elem())
		d.bind(n, e.Elem())
		v.Set(e)
	case reflect.Struct:
		d.bindStruct(n, v)
	case reflect.Map:
		d.bindMap(n, v)
	case reflect.Slice:
		d.bindSlice(n, v)
	default:
		d.bindScalar(n, v)
	}
}

// stringOrMapping is what may stand for a struct with a SetScalar.
const stringOrMapping = "a string or a mapping"

func (d *Decoder) bindSetter(n *Node, s scalarSetter) {
	switch {
	case n.tag != tagString:
		d.WrongType(n, stringOrMapping)
	case isBlank(n.value):
		d.Add(n.place, "must not be blank")
	default:
		s.SetScalar(n.value)
	}
}

func (d *Decoder) bindStruct(n *Node, v reflect.Value) {
	if n.kind != mapping {
		d.WrongType(n, "a mapping")
		return
	}
	all := keysOf(v.Type())
	names := namesOf(all)
	for _, f := range n.fields {
		if !slices.Contains(names, f.Key) {
			d.Add(f.Value.place, "unknown key%s; allowed: %s", near.Suggestion(f.Key, names), strings.Join(names, ", "))
		}
	}
	for _, k := range all {
		d.bindField(n, k, v.FieldByIndex(k.index))
	}
}

// bindField sets a field of a struct. An explicit null is an absent key, unless
// NoBlanks forbids it.
func (d *Decoder) bindField(parent *Node, k key, v reflect.Value) {
	n := parent.Get(k.name)
	if n == nil || n.isNull() {
		d.checkAbsent(parent, k, n)
		return
	}
	if k.date {
		d.bindDate(n, v)
		return
	}
	before := len(d.problems)
	d.bind(n, v)
	if n.kind != scalar || len(d.problems) > before {
		return
	}
	if k.enum != nil && !slices.Contains(k.enum, fmt.Sprint(v.Interface())) {
		d.Add(n.place, "must be %s, is %s", oneOf(k.enum), d.describe(n))
	} else if k.required && v.Kind() == reflect.String && isBlank(n.value) {
		d.Add(n.place, "must not be blank")
	}
}

// checkAbsent reports a key that may not be absent, or be null: n is then what
// stands there.
func (d *Decoder) checkAbsent(parent *Node, k key, n *Node) {
	switch {
	case n == nil && k.required:
		d.Add(d.child(parent.place, k.name, parent.place.Line), "is required")
	case n != nil && d.NoBlanks:
		d.Add(n.place, "has no value; write one, or leave the key out")
	case n != nil && k.required:
		d.Add(n.place, "is required, is null")
	}
}

// bindDate takes a day as the string it is written as, with or without quotes.
func (d *Decoder) bindDate(n *Node, v reflect.Value) {
	isText := n.kind == scalar && (n.tag == tagString || n.tag == tagTimestamp)
	if _, err := time.Parse(time.DateOnly, n.value); !isText || err != nil {
		if n.kind != broken {
			d.WrongType(n, "a date such as 2026-11-22")
		}
		return
	}
	v.SetString(n.value)
}

func (d *Decoder) bindMap(n *Node, v reflect.Value) {
	if n.kind != mapping {
		d.WrongType(n, "a mapping")
		return
	}
	m := reflect.MakeMapWithSize(v.Type(), len(n.fields))
	for _, f := range n.fields {
		e := reflect.New(v.Type().Elem()).Elem()
		d.bind(f.Value, e)
		m.SetMapIndex(reflect.ValueOf(f.Key), e)
	}
	v.Set(m)
}

func (d *Decoder) bindSlice(n *Node, v reflect.Value) {
	items := n.items
	if n.kind != sequence {
		if !v.Type().Implements(oneOrManyType) {
			d.WrongType(n, "a list")
			return
		}
		items = []*Node{n}
	}
	s := reflect.MakeSlice(v.Type(), len(items), len(items))
	for i, item := range items {
		d.bind(item, s.Index(i))
	}
	v.Set(s)
}

func (d *Decoder) bindScalar(n *Node, v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		if n.kind != scalar || n.tag != tagString {
			d.WrongType(n, "a string")
			return
		}
		if d.NoBlanks && isBlank(n.value) {
			d.Add(n.place, "must not be blank")
			return
		}
		v.SetString(n.value)
	case reflect.Int, reflect.Int64:
		i, ok := n.integer()
		if !ok {
			d.WrongType(n, "a whole number")
			return
		}
		v.SetInt(i)
	case reflect.Bool:
		d.bindFlag(n, v)
	case reflect.Interface:
		d.bindAny(n, v)
	default:
		panic("strictyaml: no YAML stands for a Go " + v.Type().String())
	}
}

// bindFlag takes a boolean, or 1 or 0.
func (d *Decoder) bindFlag(n *Node, v reflect.Value) {
	i, ok := n.integer()
	switch {
	case ok && (i == 0 || i == 1):
		v.SetBool(i == 1)
	case n.kind == scalar && n.tag == tagBool:
		v.SetBool(n.isTrue())
	default:
		d.WrongType(n, "true or false (or 1 or 0)")
	}
}

// bindAny takes a scalar as what it is.
func (d *Decoder) bindAny(n *Node, v reflect.Value) {
	i, ok := n.integer()
	switch {
	case ok:
		v.Set(reflect.ValueOf(i))
	case n.kind == scalar && n.tag == tagBool:
		v.Set(reflect.ValueOf(n.isTrue()))
	case n.kind == scalar && n.tag == tagString:
		v.Set(reflect.ValueOf(n.value))
	default:
		d.WrongType(n, "a string, a whole number, true or false")
	}
}

// integer returns the value of a YAML integer that fits.
func (n *Node) integer() (int64, bool) {
	if n.kind != scalar || n.tag != tagInt {
		return 0, false
	}
	i, err := strconv.ParseInt(n.value, 0, 64)
	return i, err == nil
}

// isTrue returns the value of a YAML boolean.
func (n *Node) isTrue() bool { return strings.EqualFold(n.value, "true") }

func isBlank(s string) bool { return strings.TrimSpace(s) == "" }

// WrongType reports that something else stands at n than what is wanted, such
// as "a mapping".
func (d *Decoder) WrongType(n *Node, wanted string) {
	hint := ""
	if (wanted == "a string" || wanted == stringOrMapping) && n.kind == scalar && n.tag != tagNull && n.tag != tagString {
		hint = "; put it in quotes"
		if !d.Secrets {
			hint += ", " + Quote(n.value)
		}
	}
	d.Add(n.place, "must be %s, is %s%s", wanted, d.describe(n), hint)
}

// describe returns what stands at a node, in words.
func (d *Decoder) describe(n *Node) string {
	switch {
	case n.kind == mapping:
		return "a mapping"
	case n.kind == sequence:
		return "a list"
	case n.tag == tagNull:
		return "null"
	case d.Secrets && n.tag == tagString:
		return "some text"
	case d.Secrets && n.tag == tagBool:
		return "true or false"
	case d.Secrets:
		return "a number or a date"
	case n.tag == tagString:
		return Quote(n.value)
	}
	return Show(n.value)
}

// show returns text from a file as messages repeat it.
func (d *Decoder) show(text string) string {
	if d.Secrets {
		return "…"
	}
	return Show(text)
}

// oneOf returns the values allowed, in words.
func oneOf(all []string) string {
	if len(all) == 1 {
		return all[0]
	}
	return strings.Join(all[:len(all)-1], ", ") + " or " + all[len(all)-1]
}

package catalog

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"aggregator/internal/near"
)

// oneOrMany marks slices for which a single item may stand.
type oneOrMany interface{ OneOrMany() }

// scalarSetter is a struct for which a single string may stand.
type scalarSetter interface{ SetScalar(string) }

var (
	nodeType         = reflect.TypeFor[*node]()
	oneOrManyType    = reflect.TypeFor[oneOrMany]()
	scalarSetterType = reflect.TypeFor[scalarSetter]()
)

// bindTo sets what target points to as n says.
func (r *report) bindTo(n *node, target any) { r.bind(n, reflect.ValueOf(target).Elem()) }

// bind sets v, which must be addressable, to what n says. What does not fit is
// reported and left as it was.
func (r *report) bind(n *node, v reflect.Value) {
	if v.Type() == nodeType {
		v.Set(reflect.ValueOf(n))
		return
	}
	if n.kind == broken {
		return
	}
	if s, ok := v.Addr().Interface().(scalarSetter); ok && n.kind == scalar {
		r.bindSetter(n, s)
		return
	}
	switch t := v.Type(); t.Kind() {
	case reflect.Pointer:
		e := reflect.New(t.Elem())
		r.bind(n, e.Elem())
		v.Set(e)
	case reflect.Struct:
		r.bindStruct(n, v)
	case reflect.Map:
		r.bindMap(n, v)
	case reflect.Slice:
		r.bindSlice(n, v)
	default:
		r.bindScalar(n, v)
	}
}

func (r *report) bindSetter(n *node, s scalarSetter) {
	switch {
	case n.tag != tagString:
		r.wrongType(n, "a string or a mapping")
	case isBlank(n.value):
		r.add(n.place, "must not be blank")
	default:
		s.SetScalar(n.value)
	}
}

func (r *report) bindStruct(n *node, v reflect.Value) {
	if n.kind != mapping {
		r.wrongType(n, "a mapping")
		return
	}
	keys := structKeys(v.Type())
	for _, f := range n.fields {
		if !slices.Contains(keys, f.key) {
			r.add(f.value.place, "unknown key%s; allowed: %s", near.Suggestion(f.key, keys), strings.Join(keys, ", "))
		}
	}
	for i := range v.NumField() {
		if sf := v.Type().Field(i); yamlKey(sf) != "" {
			r.bindField(n, sf, v.Field(i))
		}
	}
}

// bindField sets a field of a struct. An explicit null is an absent key.
func (r *report) bindField(parent *node, sf reflect.StructField, v reflect.Value) {
	key, required := yamlKey(sf), sf.Tag.Get("required") == "true"
	n := parent.get(key)
	if n == nil || n.isNull() {
		if required && n == nil {
			r.add(parent.child(key, parent.line), "is required")
		} else if required {
			r.add(n.place, "is required, is null")
		}
		return
	}
	before := len(r.problems)
	r.bind(n, v)
	if n.kind != scalar || len(r.problems) > before {
		return
	}
	if enum := enumOf(sf); enum != nil && !slices.Contains(enum, fmt.Sprint(v.Interface())) {
		r.add(n.place, "must be %s, is %s", oneOf(enum), describe(n))
	} else if required && v.Kind() == reflect.String && isBlank(n.value) {
		r.add(n.place, "must not be blank")
	}
}

func (r *report) bindMap(n *node, v reflect.Value) {
	if n.kind != mapping {
		r.wrongType(n, "a mapping")
		return
	}
	m := reflect.MakeMapWithSize(v.Type(), len(n.fields))
	for _, f := range n.fields {
		e := reflect.New(v.Type().Elem()).Elem()
		r.bind(f.value, e)
		m.SetMapIndex(reflect.ValueOf(f.key), e)
	}
	v.Set(m)
}

func (r *report) bindSlice(n *node, v reflect.Value) {
	items := n.items
	if n.kind != sequence {
		if !v.Type().Implements(oneOrManyType) {
			r.wrongType(n, "a list")
			return
		}
		items = []*node{n}
	}
	s := reflect.MakeSlice(v.Type(), len(items), len(items))
	for i, item := range items {
		r.bind(item, s.Index(i))
	}
	v.Set(s)
}

func (r *report) bindScalar(n *node, v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		if n.kind != scalar || n.tag != tagString {
			r.wrongType(n, "a string")
			return
		}
		v.SetString(n.value)
	case reflect.Int, reflect.Int64:
		i, ok := n.integer()
		if !ok {
			r.wrongType(n, "a whole number")
			return
		}
		v.SetInt(i)
	case reflect.Bool:
		r.bindFlag(n, v)
	case reflect.Interface:
		r.bindAny(n, v)
	default:
		panic("catalog: no YAML stands for a Go " + v.Type().String())
	}
}

// bindFlag takes a boolean, or 1 or 0.
func (r *report) bindFlag(n *node, v reflect.Value) {
	i, ok := n.integer()
	switch {
	case ok && (i == 0 || i == 1):
		v.SetBool(i == 1)
	case n.kind == scalar && n.tag == tagBool:
		v.SetBool(n.isTrue())
	default:
		r.wrongType(n, "true or false (or 1 or 0)")
	}
}

// bindAny takes a scalar as what it is.
func (r *report) bindAny(n *node, v reflect.Value) {
	i, ok := n.integer()
	switch {
	case ok:
		v.Set(reflect.ValueOf(i))
	case n.kind == scalar && n.tag == tagBool:
		v.Set(reflect.ValueOf(n.isTrue()))
	case n.kind == scalar && n.tag == tagString:
		v.Set(reflect.ValueOf(n.value))
	default:
		r.wrongType(n, "a string, a whole number, true or false")
	}
}

// integer is the value of a YAML integer that fits.
func (n *node) integer() (int64, bool) {
	if n.kind != scalar || n.tag != tagInt {
		return 0, false
	}
	i, err := strconv.ParseInt(n.value, 0, 64)
	return i, err == nil
}

// isTrue is the value of a YAML boolean.
func (n *node) isTrue() bool { return strings.EqualFold(n.value, "true") }

func isBlank(s string) bool { return strings.TrimSpace(s) == "" }

func (r *report) wrongType(n *node, wanted string) {
	hint := ""
	if wanted == "a string" && n.kind == scalar && n.tag != tagNull {
		hint = "; put it in quotes, " + quote(n.value)
	}
	r.add(n.place, "must be %s, is %s%s", wanted, describe(n), hint)
}

// describe is what stands at a node, in words.
func describe(n *node) string {
	switch {
	case n.kind == mapping:
		return "a mapping"
	case n.kind == sequence:
		return "a list"
	case n.tag == tagNull:
		return "null"
	case n.tag == tagString:
		return quote(n.value)
	}
	return show(n.value)
}

// oneOf names the values allowed.
func oneOf(all []string) string {
	if len(all) == 1 {
		return all[0]
	}
	return strings.Join(all[:len(all)-1], ", ") + " or " + all[len(all)-1]
}

// yamlKey is a struct field's key, "" if it has none.
func yamlKey(f reflect.StructField) string { return f.Tag.Get("yaml") }

func structKeys(t reflect.Type) []string {
	var keys []string
	for i := range t.NumField() {
		if key := yamlKey(t.Field(i)); key != "" {
			keys = append(keys, key)
		}
	}
	return keys
}

// enumOf is the values allowed for a struct field, nil if any.
func enumOf(f reflect.StructField) []string {
	if enum := f.Tag.Get("enum"); enum != "" {
		return strings.Split(enum, ",")
	}
	return nil
}

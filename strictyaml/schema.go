package strictyaml

import (
	"reflect"
	"slices"
	"strconv"
)

// Schema is a piece of a JSON Schema.
type Schema map[string]any

// SchemaOf returns a JSON Schema of what Bind accepts for a type, with each
// key's doc as its description.
func (d *Decoder) SchemaOf(t reflect.Type) Schema {
	s := d.schemaOf(t)
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	return s
}

func (d *Decoder) schemaOf(t reflect.Type) Schema {
	switch t.Kind() {
	case reflect.Pointer:
		return d.schemaOf(t.Elem())
	case reflect.Struct:
		s := d.structSchema(t)
		if reflect.PointerTo(t).Implements(scalarSetterType) {
			return Schema{"anyOf": []Schema{{"type": "string", "pattern": `\S`}, s}}
		}
		return s
	case reflect.Map:
		return Schema{"type": "object", "additionalProperties": d.schemaOf(t.Elem())}
	case reflect.Slice:
		item := d.schemaOf(t.Elem())
		s := Schema{"type": "array", "items": item}
		if t.Implements(oneOrManyType) {
			return Schema{"anyOf": []Schema{item, s}}
		}
		return s
	case reflect.String:
		if d.NoBlanks {
			return Schema{"type": "string", "pattern": `\S`}
		}
		return Schema{"type": "string"}
	case reflect.Int, reflect.Int64:
		return Schema{"type": "integer"}
	case reflect.Bool:
		return Schema{"enum": []any{0, 1, true, false}}
	case reflect.Interface:
		return Schema{"type": []string{"string", "integer", "boolean"}}
	}
	panic("strictyaml: no schema for a Go " + t.String())
}

func (d *Decoder) structSchema(t reflect.Type) Schema {
	properties, required := Schema{}, []string{}
	for _, k := range keysOf(t) {
		s := d.schemaOf(k.fit)
		if k.enum != nil {
			s = Schema{"enum": enumSchema(k.fit, k.enum)}
		}
		if k.date {
			s["format"] = "date"
		}
		switch {
		case k.required:
			required = append(required, k.name)
			if s["type"] == "string" {
				s["pattern"] = `\S`
			}
		case !d.NoBlanks:
			s = orNullSchema(s)
		}
		s["description"] = k.doc
		properties[k.name] = s
	}
	s := Schema{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		s["required"] = required
	}
	return s
}

// enumSchema returns the values of an enum in their own type.
func enumSchema(t reflect.Type, enum []string) []any {
	all := make([]any, len(enum))
	for i, s := range enum {
		all[i] = s
		if n, err := strconv.Atoi(s); err == nil && t.Kind() != reflect.String {
			all[i] = n
		}
	}
	return all
}

// orNullSchema lets null stand for an absent value.
func orNullSchema(s Schema) Schema {
	switch {
	case s["enum"] != nil:
		s["enum"] = append(slices.Clone(s["enum"].([]any)), nil)
	case s["anyOf"] != nil:
		s["anyOf"] = append(s["anyOf"].([]Schema), Schema{"type": "null"})
	default:
		if t, ok := s["type"].(string); ok {
			s["type"] = []string{t, "null"}
		}
	}
	return s
}

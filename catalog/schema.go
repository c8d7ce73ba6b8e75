package catalog

import (
	"encoding/json"
	"reflect"
	"slices"
	"strconv"

	"aggregator/lists"
)

// schema is a piece of a JSON Schema.
type schema map[string]any

// Schema is a JSON Schema of a lists file, for editors.
func Schema() []byte {
	root := schemaOf(reflect.TypeFor[document[Feature, lists.Entry]]())
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "Catalog of bot lists"
	properties := root["properties"].(schema)
	properties["features"].(schema)["propertyNames"] = idSchema()
	listIDs := idSchema()
	listIDs["not"] = schema{"enum": reservedIDs}
	properties["lists"].(schema)["propertyNames"] = listIDs
	b, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		panic(err) // maps, slices and strings cannot fail
	}
	return append(b, '\n')
}

func idSchema() schema { return schema{"pattern": `^[!-.0-\[\]-~]+$`, "maxLength": maxID} }

// schemaOf says what bind accepts for a type.
func schemaOf(t reflect.Type) schema {
	switch t.Kind() {
	case reflect.Pointer:
		return schemaOf(t.Elem())
	case reflect.Struct:
		s := structSchema(t)
		if reflect.PointerTo(t).Implements(scalarSetterType) {
			return schema{"anyOf": []schema{{"type": "string", "pattern": `\S`}, s}}
		}
		return s
	case reflect.Map:
		return schema{"type": "object", "additionalProperties": schemaOf(t.Elem())}
	case reflect.Slice:
		item := schemaOf(t.Elem())
		s := schema{"type": "array", "items": item}
		if t.Implements(oneOrManyType) {
			return schema{"anyOf": []schema{item, s}}
		}
		return s
	case reflect.String:
		return schema{"type": "string"}
	case reflect.Int, reflect.Int64:
		return schema{"type": "integer"}
	case reflect.Bool:
		return schema{"enum": []any{0, 1, true, false}}
	case reflect.Interface:
		return schema{"type": []string{"string", "integer", "boolean"}}
	}
	panic("catalog: no schema for a Go " + t.String())
}

func structSchema(t reflect.Type) schema {
	properties, required := schema{}, []string{}
	for i := range t.NumField() {
		f := t.Field(i)
		key := yamlKey(f)
		if key == "" {
			continue
		}
		s := schemaOf(f.Type)
		if enum := enumOf(f); enum != nil {
			s = schema{"enum": enumSchema(f.Type, enum)}
		}
		if f.Tag.Get("required") != "true" {
			s = orNullSchema(s)
		} else {
			required = append(required, key)
			if s["type"] == "string" {
				s["pattern"] = `\S`
			}
		}
		s["description"] = f.Tag.Get("doc")
		properties[key] = s
	}
	s := schema{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		s["required"] = required
	}
	return s
}

// enumSchema is the values of an enum in their own type.
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
func orNullSchema(s schema) schema {
	switch {
	case s["enum"] != nil:
		s["enum"] = append(slices.Clone(s["enum"].([]any)), nil)
	case s["anyOf"] != nil:
		s["anyOf"] = append(s["anyOf"].([]schema), schema{"type": "null"})
	default:
		if t, ok := s["type"].(string); ok {
			s["type"] = []string{t, "null"}
		}
	}
	return s
}

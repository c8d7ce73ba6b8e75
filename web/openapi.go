package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// members are those of a JSON object, in order.
type members []member

type member struct {
	Key   string
	Value json.RawMessage
}

// UnmarshalJSON implements json.Unmarshaler.
func (m *members) UnmarshalJSON(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	if _, err := d.Token(); err != nil {
		return err
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		one := member{Key: fmt.Sprint(key)}
		if err := d.Decode(&one.Value); err != nil {
			return err
		}
		*m = append(*m, one)
	}
	return nil
}

// The parts of an OpenAPI document that are shown.
type (
	apiDocument struct {
		Info  struct{ Description string }
		Tags  []struct{ Name, Description string }
		Paths members
		// Components holds what the rest refers to, by its kind and name.
		Components map[string]members
	}
	rawOperation struct {
		Tags                              []string
		OperationID, Summary, Description string
		Part                              string `json:"x-part"` // an extension of ours
		Security                          *[]map[string][]string
		Parameters                        []json.RawMessage
		RequestBody                       struct{ Content map[string]rawMedia }
		Responses                         members
	}
	rawMedia struct {
		Schema  rawSchema
		Example json.RawMessage
	}
	rawParameter struct {
		Name, In, Description string
		Required              bool
		Schema                rawSchema
	}
	rawResponse struct {
		Description string
		Content     map[string]rawMedia
	}
	rawSchema struct {
		Ref                  string `json:"$ref"`
		Type                 oneOrMore
		Format, Description  string
		Enum                 []any
		Const                any
		Required             []string
		Properties           members
		AdditionalProperties json.RawMessage
		Items                json.RawMessage
		PrefixItems          []json.RawMessage
		OneOf, AnyOf, AllOf  []rawSchema
	}
	plainSchema rawSchema
	oneOrMore   []string
)

// UnmarshalJSON implements json.Unmarshaler: a schema may be true too.
func (s *rawSchema) UnmarshalJSON(b []byte) error {
	if string(b) == "true" || string(b) == "false" {
		return nil
	}
	return json.Unmarshal(b, (*plainSchema)(s))
}

// UnmarshalJSON implements json.Unmarshaler.
func (o *oneOrMore) UnmarshalJSON(b []byte) error {
	if b[0] == '[' {
		return json.Unmarshal(b, (*[]string)(o))
	}
	*o = oneOrMore{""}
	return json.Unmarshal(b, &(*o)[0])
}

// resolved decodes a part of the document, or what it refers to.
func resolved[T any](doc *apiDocument, raw json.RawMessage) (part T, err error) {
	var ref struct {
		Ref string `json:"$ref"`
	}
	if err := json.Unmarshal(raw, &ref); err != nil {
		return part, err
	}
	if ref.Ref != "" {
		if raw, err = doc.find(ref.Ref); err != nil {
			return part, err
		}
	}
	return part, json.Unmarshal(raw, &part)
}

// find returns what a reference leads to.
func (doc *apiDocument) find(ref string) (json.RawMessage, error) {
	kind, name, _ := strings.Cut(strings.TrimPrefix(ref, "#/components/"), "/")
	for _, m := range doc.Components[kind] {
		if m.Key == name {
			return m.Value, nil
		}
	}
	return nil, fmt.Errorf("%s leads nowhere", ref)
}

package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"html/template"
	"regexp"
	"slices"
	"strings"
)

// reference is the description of the API, ready to be shown.
type reference struct {
	Summary string
	Groups  []apiGroup
	Schemas []apiSchema
}

// apiGroup is the operations that have a tag.
type apiGroup struct {
	ID, About  string
	Operations []apiOperation
}

// apiOperation is one method of one path.
type apiOperation struct {
	ID, Method, Path, Summary, Description string
	Part                                   string // of the entries of lists that are asked, where not all are
	Key                                    string // whether the bot's key is shown: "needed", "may be shown" or ""
	Parameters                             apiFields
	Body                                   []apiWord // of what kind it is; nil: there is none
	Answers                                []apiAnswer
	example                                apiExample
}

// apiAnswer is what a status means.
type apiAnswer struct {
	Status, Description string
	Body                []apiWord
}

// apiSchema is an object that requests or answers hold.
type apiSchema struct {
	Name, Description string
	Fields            apiFields
}

// apiFields are those of an object, or the parameters of an operation.
type apiFields struct {
	Label string
	Marks bool // those that are required are marked
	All   []apiField
}

// apiField is a field of an object, or a parameter.
type apiField struct {
	Name, Where, Description string
	Required                 bool
	Kind                     []apiWord
}

// apiWord is a part of what says of what kind a value is.
type apiWord struct {
	Text   string
	Schema string // the schema that it leads to; "" for none
}

// newReference reads an OpenAPI document.
func newReference(document []byte) (*reference, error) {
	var doc apiDocument
	if err := json.Unmarshal(document, &doc); err != nil {
		return nil, err
	}
	r := &reference{Summary: doc.Info.Description}
	for _, tag := range doc.Tags {
		r.Groups = append(r.Groups, apiGroup{ID: tag.Name, About: tag.Description})
	}
	for _, path := range doc.Paths {
		if err := doc.addPath(r, path); err != nil {
			return nil, fmt.Errorf("%s: %w", path.Key, err)
		}
	}
	for _, m := range doc.Components["schemas"] {
		var s rawSchema
		if err := json.Unmarshal(m.Value, &s); err != nil {
			return nil, fmt.Errorf("schema %s: %w", m.Key, err)
		}
		if s.isShown() {
			r.Schemas = append(r.Schemas, apiSchema{m.Key, s.Description, apiFields{m.Key, true, doc.fields(s, "")}})
		}
	}
	return r, nil
}

var methods = []string{"get", "post", "put", "patch", "delete"}

func (doc *apiDocument) addPath(r *reference, path member) error {
	var item members
	if err := json.Unmarshal(path.Value, &item); err != nil {
		return err
	}
	var shared []json.RawMessage
	for _, m := range item {
		if m.Key == "parameters" {
			if err := json.Unmarshal(m.Value, &shared); err != nil {
				return err
			}
		}
		if !slices.Contains(methods, m.Key) {
			continue
		}
		var raw rawOperation
		if err := json.Unmarshal(m.Value, &raw); err != nil {
			return err
		}
		raw.Parameters = append(slices.Clone(shared), raw.Parameters...)
		op, err := doc.operation(raw)
		if err != nil {
			return err
		}
		op.Method, op.Path = strings.ToUpper(m.Key), path.Key
		for i := range r.Groups {
			if len(raw.Tags) > 0 && r.Groups[i].ID == raw.Tags[0] {
				r.Groups[i].Operations = append(r.Groups[i].Operations, op)
			}
		}
	}
	return nil
}

func (doc *apiDocument) operation(raw rawOperation) (apiOperation, error) {
	op := apiOperation{ID: raw.OperationID, Summary: raw.Summary, Description: raw.Description, Part: raw.Part, Parameters: apiFields{Label: "Parameters"}}
	if raw.Security != nil {
		op.Key = "needed"
		for _, way := range *raw.Security {
			if len(way) == 0 {
				op.Key = "may be shown"
			}
		}
	}
	for _, p := range raw.Parameters {
		parameter, err := resolved[rawParameter](doc, p)
		if err != nil {
			return op, err
		}
		op.Parameters.All = append(op.Parameters.All, apiField{parameter.Name, parameter.In, parameter.Description, parameter.Required, doc.kind(parameter.Schema)})
	}
	if media, ok := raw.RequestBody.Content["application/json"]; ok {
		op.Body = doc.kind(media.Schema)
		op.example.body = string(media.Example)
	}
	for _, m := range raw.Responses {
		response, err := resolved[rawResponse](doc, m.Value)
		if err != nil {
			return op, err
		}
		answer := apiAnswer{Status: m.Key, Description: response.Description}
		if media, ok := response.Content["application/json"]; ok {
			answer.Body = doc.kind(media.Schema)
		}
		op.Answers = append(op.Answers, answer)
	}
	return op, nil
}

// isShown reports whether a schema stands for itself, and is not shown where it
// is used.
func (s rawSchema) isShown() bool { return len(s.Properties) > 0 || len(s.AllOf) > 0 }

// kind says of what kind a value is.
func (doc *apiDocument) kind(s rawSchema) []apiWord {
	switch {
	case s.Ref != "":
		target, err := resolved[rawSchema](doc, json.RawMessage(`{"$ref":`+quoteJSON(s.Ref)+`}`))
		if err != nil {
			return word("anything")
		}
		if name := s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]; target.isShown() {
			return []apiWord{{name, name}}
		}
		return doc.kind(target)
	case s.Const != nil:
		return word(fmt.Sprintf("`%v`", s.Const))
	case len(s.Enum) > 0:
		all := make([]string, len(s.Enum))
		for i, v := range s.Enum {
			if v == nil {
				v = "null"
			}
			all[i] = fmt.Sprintf("`%v`", v)
		}
		return word(strings.Join(all, ", "))
	case len(s.OneOf)+len(s.AnyOf) > 0:
		var kinds [][]apiWord
		for _, one := range slices.Concat(s.OneOf, s.AnyOf) {
			kinds = append(kinds, doc.kind(one))
		}
		return joined(kinds, " or ")
	}
	return doc.composed(s)
}

// composed says of what kind the parts of a value are; of one without parts, what
// it is itself.
func (doc *apiDocument) composed(s rawSchema) []apiWord {
	switch {
	case len(s.PrefixItems) > 0:
		var kinds [][]apiWord
		for _, raw := range s.PrefixItems {
			kinds = append(kinds, doc.kindOf(raw))
		}
		return slices.Concat(word("["), joined(kinds, ", "), word("]"))
	case len(s.Items) > 0:
		return append(word("array of "), doc.kindOf(s.Items)...)
	case len(s.Properties) > 0:
		return word("object")
	case s.takesMore():
		return append(word("object of "), doc.kindOf(s.AdditionalProperties)...)
	case len(s.Type) == 0:
		return word("anything")
	}
	kinds := slices.Clone(s.Type)
	for i, k := range kinds {
		switch {
		case k == "string" && s.Format == "date-time":
			kinds[i] = "time"
		case k == "string":
			kinds[i] = "text"
		}
	}
	return word(strings.Join(kinds, " or "))
}

func word(text string) []apiWord { return []apiWord{{Text: text}} }

// joined returns kinds with a text between them.
func joined(kinds [][]apiWord, between string) (all []apiWord) {
	for i, kind := range kinds {
		if i > 0 {
			all = append(all, apiWord{Text: between})
		}
		all = append(all, kind...)
	}
	return all
}

// kindOf is kind for what is not decoded.
func (doc *apiDocument) kindOf(raw json.RawMessage) []apiWord {
	var s rawSchema
	_ = json.Unmarshal(raw, &s) // what cannot be read is anything
	return doc.kind(s)
}

// takesMore reports whether an object has further fields of one kind.
func (s rawSchema) takesMore() bool { return bytes.HasPrefix(s.AdditionalProperties, []byte("{")) }

// fields returns those of an object, each with what its own name follows.
func (doc *apiDocument) fields(s rawSchema, before string) (all []apiField) {
	if s.Ref != "" {
		if target, err := resolved[rawSchema](doc, json.RawMessage(`{"$ref":`+quoteJSON(s.Ref)+`}`)); err == nil {
			return doc.fields(target, before)
		}
	}
	for _, part := range s.AllOf {
		all = append(all, doc.fields(part, before)...)
	}
	for _, p := range s.Properties {
		var field rawSchema
		if json.Unmarshal(p.Value, &field) != nil {
			continue
		}
		name := before + p.Key
		all = append(all, apiField{Name: name, Description: field.Description, Required: slices.Contains(s.Required, p.Key), Kind: doc.kind(field)})
		all = append(all, doc.within(field, name)...)
	}
	if s.takesMore() && len(s.Properties) > 0 {
		all = append(all, apiField{Name: before + "…", Description: "Each other key is the id of a list.", Kind: doc.kindOf(s.AdditionalProperties)})
	}
	return all
}

// within returns the fields of the objects that a field holds, where these have
// no schema of their own.
func (doc *apiDocument) within(field rawSchema, name string) []apiField {
	var inner rawSchema
	switch {
	case field.Ref != "":
		return nil
	case len(field.Properties) > 0:
		return doc.fields(field, name+".")
	case len(field.Items) > 0 && json.Unmarshal(field.Items, &inner) == nil && inner.Ref == "" && len(inner.Properties) > 0:
		return doc.fields(inner, name+"[].")
	case field.takesMore() && json.Unmarshal(field.AdditionalProperties, &inner) == nil && inner.Ref == "" && len(inner.Properties) > 0:
		return doc.fields(inner, name+".ID.")
	}
	return nil
}

func quoteJSON(s string) string {
	b, _ := json.Marshal(s) // a text always can be
	return string(b)
}

var codeWords = regexp.MustCompile("`([^`]*)`")

// prose returns a text with what stands between backticks as code.
func prose(text string) template.HTML {
	return template.HTML(codeWords.ReplaceAllString(html.EscapeString(text), "<code>$1</code>")) //nolint:gosec // it is escaped
}

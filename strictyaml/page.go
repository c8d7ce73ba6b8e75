package strictyaml

import (
	"fmt"
	"reflect"
	"strings"
)

// PageOf returns a page in Markdown about what Bind accepts for a struct, for
// people: a section for each mapping, with its keys, what they take and their
// docs. In the places of a mapping that it names, NAME stands for any key.
func PageOf(t reflect.Type) []byte {
	p := page{places: map[reflect.Type][]string{}}
	p.find(t, "")
	var b strings.Builder
	for _, section := range p.sections {
		fmt.Fprintf(&b, "## %s\n\n", p.title(section))
		if others := p.places[section][1:]; len(others) > 0 {
			fmt.Fprintf(&b, "The same keys stand in `%s`.\n\n", strings.Join(others, "`, `"))
		}
		b.WriteString("| key | takes | |\n|---|---|---|\n")
		for _, k := range keysOf(section) {
			takes := p.takes(k)
			if k.required {
				takes += "; **required**"
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", k.name, takes, strings.ReplaceAll(k.doc, "|", `\|`))
		}
		b.WriteString("\n")
	}
	return []byte(strings.TrimSuffix(b.String(), "\n"))
}

// page is what a page is made of.
type page struct {
	sections []reflect.Type            // in the order found
	places   map[reflect.Type][]string // of each section
}

// find gathers the mappings that stand at a place and below.
func (p *page) find(t reflect.Type, place string) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice:
		p.find(t.Elem(), place)
	case reflect.Map:
		p.find(t.Elem(), place+".NAME")
	case reflect.Struct:
		if p.places[t] == nil {
			p.sections = append(p.sections, t)
		}
		p.places[t] = append(p.places[t], strings.TrimPrefix(place, "."))
		for _, k := range keysOf(t) {
			p.find(k.fit, place+"."+k.name)
		}
	}
}

// title returns the heading of a section: the first place of its mapping.
func (p *page) title(t reflect.Type) string {
	if p.places[t][0] == "" {
		return "The file"
	}
	return "`" + p.places[t][0] + "`"
}

// link returns a link to a section.
func (p *page) link(t reflect.Type) string {
	anchor := strings.ReplaceAll(strings.ToLower(p.places[t][0]), ".", "")
	return "[" + p.title(t) + "](#" + anchor + ")"
}

// takes says in words what a key takes.
func (p *page) takes(k key) string {
	switch {
	case k.date:
		return "a date such as 2026-11-22"
	case k.enum != nil:
		return "`" + strings.Join(k.enum, "`, `") + "`"
	}
	return p.words(k.fit)
}

func (p *page) words(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Pointer:
		return p.words(t.Elem())
	case reflect.Struct:
		mapping := "a mapping: " + p.link(t)
		if reflect.PointerTo(t).Implements(scalarSetterType) {
			return "a text, or " + mapping
		}
		return mapping
	case reflect.Map:
		return "a mapping of names, each to " + p.words(t.Elem())
	case reflect.Slice:
		if t.Implements(oneOrManyType) {
			return p.words(t.Elem()) + "; or a list of these"
		}
		return "a list, each " + p.words(t.Elem())
	case reflect.String:
		return "a text"
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Bool:
		return "true or false (or 1 or 0)"
	}
	return "a text, a whole number, true or false"
}

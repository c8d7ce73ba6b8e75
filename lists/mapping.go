package lists

import (
	"encoding/json"
	"regexp"
	"strings"
)

// mapping says where an answer has what, compiled.
type mapping struct {
	text        [textFields][]source
	owners      []source
	serverCount []source
}

type source struct {
	steps []step
	url   template // for values that are no URL; without parts: none
}

// step is one step of a path into an answer.
type step struct {
	key    string // member of an object
	kind   stepKind
	name   string // of stepWhere: the member that is compared …
	equals string // … and what with, in any case
}

type stepKind int

const (
	stepKey stepKind = iota
	stepEach
	stepLast
	stepWhere
	stepKeys
)

func (c *checker) mapping(e *ReadEntry) *mapping {
	m := &mapping{}
	for f, s := range [...]Sources{
		username: e.Username, discriminator: e.Discriminator, invite: e.Invite, prefix: e.Prefix,
		website: e.Website, github: e.Github, support: e.Support, library: e.Library,
	} {
		m.text[f] = c.sources("get.fields."+textFieldNames[f], s)
	}
	m.owners = c.sources("get.fields.owners", e.Owners)
	m.serverCount = c.sources("get.fields.server_count", e.ServerCount)
	return m
}

func (c *checker) sources(field string, entries Sources) []source {
	var all []source
	for _, e := range entries {
		s := source{steps: c.steps(field, e.Path)}
		if e.URL != "" {
			t, err := newURLTemplate(e.URL, placeholderValue)
			if err != nil {
				c.add(field+".url", "%v", err)
			}
			s.url = t
		}
		all = append(all, s)
	}
	return all
}

// pathPart matches one part of a path: a name, and what may follow it.
var pathPart = regexp.MustCompile(`^([^\[\]{}]*)((?:\[[^\]]*\]|\{\})*)$`)

const cannotFollow = `%q cannot be followed; allowed: names joined by dots, and after a name [] for all items, [-1] for the last, [name=value] for the one, {} for the keys`

// pathStep matches one thing that follows a name.
var pathStep = regexp.MustCompile(`\[[^\]]*\]|\{\}`)

// steps cuts a path such as "links[name=Website].value" or "owners[].id".
func (c *checker) steps(field, path string) []step {
	var all []step
	for part := range strings.SplitSeq(path, ".") {
		m := pathPart.FindStringSubmatch(part)
		if m == nil || m[0] == "" {
			c.add(field, cannotFollow, path)
			return nil
		}
		if m[1] != "" {
			all = append(all, step{key: m[1]})
		}
		for _, text := range pathStep.FindAllString(m[2], -1) {
			s, ok := newStep(text)
			if !ok {
				c.add(field, cannotFollow, path)
				return nil
			}
			all = append(all, s)
		}
	}
	return all
}

// newStep reads what follows a name.
func newStep(text string) (step, bool) {
	switch text {
	case "{}":
		return step{kind: stepKeys}, true
	case "[]":
		return step{kind: stepEach}, true
	case "[-1]":
		return step{kind: stepLast}, true
	}
	name, equals, where := strings.Cut(strings.Trim(text, "[]"), "=")
	return step{kind: stepWhere, name: name, equals: equals}, where && name != "" && equals != ""
}

// walk follows steps through an answer to all the values they lead to.
func walk(raw json.RawMessage, steps []step) []json.RawMessage {
	at := []json.RawMessage{raw}
	for _, s := range steps {
		var next []json.RawMessage
		for _, v := range at {
			next = s.from(v, next)
		}
		at = next
	}
	return at
}

// from appends what one step leads to from v.
func (s step) from(v json.RawMessage, next []json.RawMessage) []json.RawMessage {
	switch s.kind {
	case stepKey:
		if found := follow(v, []string{s.key}); found != nil {
			next = append(next, found)
		}
	case stepKeys:
		all, _ := Pairs(v)
		for _, p := range all {
			next = append(next, AppendString(nil, p.Key))
		}
	default:
		all, _ := items(v)
		switch {
		case s.kind == stepEach:
			next = append(next, all...)
		case s.kind == stepLast && len(all) > 0:
			next = append(next, all[len(all)-1])
		case s.kind == stepWhere:
			for _, item := range all {
				if strings.EqualFold(scalar(follow(item, []string{s.name})), s.equals) {
					return append(next, item)
				}
			}
		}
	}
	return next
}

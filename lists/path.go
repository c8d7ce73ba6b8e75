package lists

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"aggregator/rawjson"
)

// path cuts a name at its dots.
func (c *checker) path(field, name string) []string {
	path := strings.Split(name, ".")
	if slices.Contains(path, "") {
		c.add(field, "must be names joined by dots, is %q", name)
	}
	return path
}

// follow returns what a path of keys leads to; the zero Value where it ends
// before.
func follow(v rawjson.Value, path []string) rawjson.Value {
	for _, key := range path {
		v = v.Get(key)
	}
	return v
}

// scalar returns the text of a string or a number, "" for anything else.
func scalar(v rawjson.Value) string {
	if text, ok := v.Text(); ok {
		return text
	}
	digits, _ := v.Number()
	return digits
}

// step is one step of a path into an answer.
type step struct {
	key    string // of stepKey: the member of an object
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

// node is a value of an answer whose members are cut out once, however many
// paths lead through it.
type node struct {
	value   rawjson.Value
	members []rawjson.Member
	below   map[string]*node // by key; nil: not cut yet
}

// cut returns the members; none of anything but an object.
func (n *node) cut() []rawjson.Member {
	if n.below == nil {
		n.members, n.below = n.value.Members(), map[string]*node{}
	}
	return n.members
}

// get returns the member under a key; its value is zero where there is none.
func (n *node) get(key string) *node {
	members := n.cut()
	if n.below[key] == nil {
		found := &node{}
		for _, m := range members {
			if m.Key == key {
				found.value = m.Value
			}
		}
		n.below[key] = found
	}
	return n.below[key]
}

// walk follows steps through an answer to all the values they lead to.
func (n *node) walk(steps []step) []rawjson.Value {
	for len(steps) > 0 && steps[0].kind == stepKey {
		n, steps = n.get(steps[0].key), steps[1:]
	}
	if n.value.IsZero() {
		return nil
	}
	at := []rawjson.Value{n.value}
	for _, s := range steps {
		var next []rawjson.Value
		for _, v := range at {
			next = s.from(v, next)
		}
		at = next
	}
	return at
}

// keysAlone reports whether all steps are keys.
func keysAlone(steps []step) bool {
	return !slices.ContainsFunc(steps, func(s step) bool { return s.kind != stepKey })
}

// firstAt returns the first value that steps lead to from v; the zero Value where
// they lead nowhere.
func firstAt(v rawjson.Value, steps []step) rawjson.Value {
	if keysAlone(steps) {
		for _, s := range steps {
			v = v.Get(s.key)
		}
		return v
	}
	if found := (&node{value: v}).walk(steps); len(found) > 0 {
		return found[0]
	}
	return rawjson.Value{}
}

// from appends what one step leads to from v.
func (s step) from(v rawjson.Value, next []rawjson.Value) []rawjson.Value {
	switch s.kind {
	case stepKey:
		if found := v.Get(s.key); !found.IsZero() {
			next = append(next, found)
		}
	case stepKeys:
		for _, m := range v.Members() {
			next = append(next, textValue(m.Key))
		}
	case stepEach:
		next = slices.AppendSeq(next, v.Items())
	case stepLast:
		var last rawjson.Value
		for item := range v.Items() {
			last = item
		}
		if !last.IsZero() {
			next = append(next, last)
		}
	case stepWhere:
		for item := range v.Items() {
			if strings.EqualFold(scalar(item.Get(s.name)), s.equals) {
				return append(next, item)
			}
		}
	}
	return next
}

// textValue returns text as a JSON string.
func textValue(text string) rawjson.Value {
	v, _ := rawjson.Parse(rawjson.AppendString(nil, text)) // what AppendString writes is JSON
	return v
}

// Path is a path into a JSON answer, in the form that paths under an entry's
// get.fields have. The zero Path leads nowhere.
type Path struct{ steps []step }

// ParsePath reads a path such as "stats.guilds" or "shards[].servers". The error
// says which paths can be followed.
func ParsePath(text string) (Path, error) {
	var c checker
	p := Path{c.steps("", text)}
	if len(c.problems) > 0 {
		return Path{}, errors.New(c.problems[0].Message)
	}
	return p, nil
}

// IsZero reports whether the path leads nowhere.
func (p Path) IsZero() bool { return len(p.steps) == 0 }

// Values returns the values that the path leads to in v, in their order.
func (p Path) Values(v rawjson.Value) []rawjson.Value {
	if p.IsZero() {
		return nil
	}
	return (&node{value: v}).walk(p.steps)
}

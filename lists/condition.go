package lists

import (
	"fmt"
	"slices"
	"strings"

	"aggregator/rawjson"
)

// condition is something that may hold of a request, compiled.
type condition struct {
	path    []string
	is      rawjson.Value // zero: none is asked for
	not     rawjson.Value // zero: likewise
	present bool
	as      string // of an ignored condition: the word for it
}

func (c *checker) ignored(field string, entries []IgnoredEntry) []condition {
	var all []condition
	for i, e := range entries {
		at := fmt.Sprintf("%s[%d]", field, i)
		if !exactlyOne(e.Is != nil, e.Not != nil, e.Present) {
			c.add(at, "needs one of is, not and present")
		}
		all = append(all, condition{path: c.path(at+".path", e.Path), as: e.As, is: constantOf(e.Is), not: constantOf(e.Not), present: e.Present})
	}
	return all
}

func (c *checker) flags(field string, entries Flags) []condition {
	var all []condition
	for i, e := range entries {
		at := fmt.Sprintf("%s[%d]", field, i)
		if e.Present && e.Is != nil {
			c.add(at, "needs is or present, not both")
		}
		all = append(all, condition{path: c.path(at+".path", e.Path), is: constantOf(e.Is), present: e.Present})
	}
	return all
}

// exactlyOne reports whether one of some ways to say a thing is given, and no
// more.
func exactlyOne(given ...bool) bool {
	n := 0
	for _, is := range given {
		if is {
			n++
		}
	}
	return n == 1
}

// constantOf returns a constant of an entry as JSON; zero for none.
func constantOf(v any) rawjson.Value {
	if v == nil {
		return rawjson.Value{}
	}
	constant, _ := rawjson.Parse(appendConstant(nil, v))
	return constant
}

// holds reports whether the condition holds of a body.
func (c *condition) holds(body rawjson.Value) bool {
	found := follow(body, c.path)
	switch {
	case c.present:
		return !optional(found).IsZero()
	case !c.not.IsZero():
		return !sameScalar(found, c.not)
	case !c.is.IsZero():
		return sameScalar(found, c.is)
	}
	return isTrue(found)
}

// isTrue reports whether a flag says yes: true, 1, "true" or "1".
func isTrue(flag rawjson.Value) bool {
	text := scalar(flag)
	is, _ := flag.Bool()
	return is || text == "1" || strings.EqualFold(text, "true")
}

func anyHolds(all []condition, body rawjson.Value) bool {
	return slices.ContainsFunc(all, func(c condition) bool { return c.holds(body) })
}

// String says in words when the condition holds.
func (c *condition) String() string {
	path := strings.Join(c.path, ".")
	switch {
	case c.present:
		return path + " is there"
	case !c.not.IsZero():
		return path + " is not " + string(c.not.Raw())
	case !c.is.IsZero():
		return path + " is " + string(c.is.Raw())
	}
	return path + " is true or 1"
}

// flagRules says in words when one of some flags holds.
func flagRules(what string, all []condition) (rules []string) {
	for i := range all {
		rules = append(rules, what+": "+all[i].String())
	}
	return rules
}

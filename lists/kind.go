package lists

import (
	"fmt"
	"slices"
	"strings"

	"aggregator/rawjson"
)

// kinds are what a request may be about, in small letters, compiled.
type kinds struct {
	path                  []string
	votes, tests, removed []string
}

func (c *checker) kinds(field string, e *KindEntry) *kinds {
	if e == nil {
		return nil
	}
	k := &kinds{path: c.path(field+".path", e.Path)}
	seen := map[string]bool{}
	for _, part := range []struct {
		key  string
		from Names
		to   *[]string
	}{{"votes", e.Votes, &k.votes}, {"tests", e.Tests, &k.tests}, {"removed", e.Removed, &k.removed}} {
		for _, name := range part.from {
			name = strings.ToLower(name)
			if seen[name] {
				c.add(field+"."+part.key, "names %q twice", name)
			}
			seen[name] = true
			*part.to = append(*part.to, name)
		}
	}
	if len(k.votes) == 0 {
		c.add(field+".votes", "must name a kind")
	}
	return k
}

// read reads what a request is about, in small letters, and marks the event, in
// words that hide secrets. The error is for a request that does not say so.
func (k *kinds) read(body rawjson.Value, hides *Masker, e *Event) (kind string, err error) {
	if k == nil {
		return "", nil
	}
	text := scalar(follow(body, k.path))
	if text == "" {
		return "", fmt.Errorf("'%s' must say what this is about", strings.Join(k.path, "."))
	}
	kind = strings.ToLower(text)
	switch {
	case slices.Contains(k.votes, kind):
	case slices.Contains(k.tests, kind):
		e.Test = true
	case slices.Contains(k.removed, kind):
		e.Removed = true
	default:
		e.Ignored = shorten(hides.Hide(text))
	}
	return kind, nil
}

func (k *kinds) rules() (rules []string) {
	if k == nil {
		return []string{"every request is about a vote"}
	}
	path := strings.Join(k.path, ".")
	for _, part := range []struct {
		what  string
		names []string
	}{{"a vote", k.votes}, {"a test", k.tests}, {"a vote taken back", k.removed}} {
		if len(part.names) > 0 {
			rules = append(rules, part.what+": "+path+" is "+strings.Join(part.names, " or "))
		}
	}
	return append(rules, "ignored: any other "+path)
}

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
		ways := 0
		for _, given := range []bool{e.Is != nil, e.Not != nil, e.Present} {
			if given {
				ways++
			}
		}
		if ways != 1 {
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

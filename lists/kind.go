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

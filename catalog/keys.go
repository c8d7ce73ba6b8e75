package catalog

import (
	"fmt"
	"strings"

	"aggregator/lists"
)

// LoadKeys reads the operator's keys for lists that answer about bots only to
// those with one: a plain mapping of list ids to keys. No error repeats a key.
func (c *Catalog) LoadKeys(f File) (map[string]lists.Token, error) {
	var r report
	root, ok := r.parse(f)
	if ok && root == nil {
		return map[string]lists.Token{}, nil
	}
	if !ok || root.kind != mapping || len(r.problems) > 0 {
		return nil, fmt.Errorf("%s must be YAML that maps list ids to keys, each id once, one a line", f.Name)
	}
	keys := map[string]lists.Token{}
	for _, entry := range root.fields {
		at := fmt.Sprintf("%s:%d", f.Name, entry.value.line)
		list, ok := c.List(entry.key)
		if !ok { // it may be a key, where the two were swapped
			return nil, fmt.Errorf("%s: what stands before the colon is no list's id", at)
		}
		at += ": " + list.ID
		key, bad := lists.CheckToken(strings.TrimSuffix(entry.value.value, "\n"), "")
		switch {
		case entry.value.kind != scalar || entry.value.tag != tagString || bad != nil:
			return nil, fmt.Errorf("%s: the key must be a string that a header can carry; put it in quotes", at)
		case !list.NeedsKey():
			return nil, fmt.Errorf("%s: needs no key to be read", at)
		case !list.TakesOperatorKey():
			return nil, fmt.Errorf("%s: is read by its own numbers of bots, so only with callers' keys", at)
		}
		keys[list.ID] = key
	}
	return keys, nil
}

package catalog

import (
	"fmt"

	"aggregator/lists"
)

// LoadKeys reads the operator's keys for lists that answer about bots only to
// those with one: a plain mapping of list ids to keys. No error repeats a key.
func (c *Catalog) LoadKeys(f File) (map[string]lists.Token, error) {
	var r report
	root, ok := r.parse(f)
	if !ok {
		return nil, fmt.Errorf("%s is not YAML; it must map list ids to keys, one a line", f.Name)
	}
	keys := map[string]lists.Token{}
	if root == nil {
		return keys, nil
	}
	if root.kind != mapping {
		return nil, fmt.Errorf("%s must map list ids to keys, one a line", f.Name)
	}
	for _, entry := range root.fields {
		at := fmt.Sprintf("%s:%d: %s", f.Name, entry.value.line, show(entry.key))
		list, ok := c.List(entry.key)
		switch {
		case entry.value.kind != scalar || entry.value.tag != tagString || isBlank(entry.value.value):
			return nil, fmt.Errorf("%s: the key must be a string; put it in quotes", at)
		case !ok:
			return nil, fmt.Errorf("%s: is no list", at)
		case !list.NeedsKey():
			return nil, fmt.Errorf("%s: needs no key to be read", at)
		case !list.TakesOperatorKey():
			return nil, fmt.Errorf("%s: is read by its own numbers of bots, so only with callers' keys", at)
		}
		keys[list.ID] = lists.NewToken(entry.value.value, "")
	}
	return keys, nil
}

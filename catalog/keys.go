package catalog

import (
	"fmt"
	"strings"

	"aggregator/lists"
	"aggregator/strictyaml"
)

// LoadKeys reads the operator's keys for lists that answer about bots only to
// those with one: a plain mapping of list ids to keys. No error repeats a key.
func (c *Catalog) LoadKeys(f File) (map[string]lists.Token, error) {
	var d strictyaml.Decoder
	root, ok := d.Parse(f)
	if ok && root == nil {
		return map[string]lists.Token{}, nil
	}
	if !ok || !root.IsMapping() || len(d.Problems()) > 0 {
		return nil, fmt.Errorf("%s must be YAML that maps list ids to keys, each id once, one a line", f.Name)
	}
	keys := map[string]lists.Token{}
	for _, entry := range root.Fields() {
		at := fmt.Sprintf("%s:%d", f.Name, entry.Value.Place().Line)
		list, ok := c.List(entry.Key)
		if !ok { // it may be a key, where the two were swapped
			return nil, fmt.Errorf("%s: what stands before the colon is no list's id", at)
		}
		at += ": " + list.ID
		text, isText := entry.Value.Text()
		key, bad := lists.CheckToken(strings.TrimSuffix(text, "\n"), "")
		switch {
		case !isText || bad != nil:
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

package main

import (
	"fmt"
	"os"
	"strings"

	"aggregator/catalog"
	"aggregator/lists"
)

// readKeys gathers the operator's keys from a file ("" for none) and from the
// environment, which wins: AGGREGATOR_KEY_LIST_EXAMPLE is the key of list.example.
func readKeys(c *catalog.Catalog, file string, getenv func(string) string) (map[string]lists.Token, error) {
	keys := map[string]lists.Token{}
	if file != "" {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if keys, err = c.LoadKeys(catalog.File{Name: file, Data: data}); err != nil {
			return nil, err
		}
	}
	for _, l := range c.Lists() {
		name := keyVariable(l.ID)
		value := strings.TrimSpace(getenv(name))
		if value == "" || !l.TakesOperatorKey() {
			continue
		}
		key, bad := lists.CheckToken(value, "")
		if bad != nil {
			return nil, fmt.Errorf("%s: %s", name, bad)
		}
		keys[l.ID] = key
	}
	return keys, nil
}

// keyVariable names the environment variable of a list's key.
func keyVariable(id string) string {
	return "AGGREGATOR_KEY_" + strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, strings.ToUpper(id))
}

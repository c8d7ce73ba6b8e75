package main

import (
	"fmt"
	"os"
	"strings"

	"aggregator/catalog"
	"aggregator/lists"
)

// readKeys returns the operator's keys of a file ("" for none) and of the
// environment, which wins: AGGREGATOR_KEY_LIST_EXAMPLE is the key of list.example,
// AGGREGATOR_KEY_LIST_EXAMPLE_FILE a file with it.
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
		if !l.TakesOperatorKey() {
			continue
		}
		name := keyVariable(l.ID)
		value, err := secretSetting(name, getenv)
		if err != nil {
			return nil, err
		}
		if value == "" {
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

// keyPrefix begins the names of environment variables that hold keys of lists.
const keyPrefix = variablePrefix + "KEY_"

// keyVariables returns the environment variables of all keys that are read.
func keyVariables(c *catalog.Catalog) []string {
	names := []string{}
	for _, l := range c.Lists() {
		if l.TakesOperatorKey() {
			names = append(names, keyVariable(l.ID), keyVariable(l.ID)+fileSuffix)
		}
	}
	return names
}

// keyVariable returns the environment variable of a list's key.
func keyVariable(id string) string {
	return keyPrefix + strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, strings.ToUpper(id))
}

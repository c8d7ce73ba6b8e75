package main

import (
	"flag"
	"slices"
	"strings"

	"aggregator/internal/near"
)

// variablePrefix begins the name of every environment variable of the program.
const variablePrefix = "AGGREGATOR_"

// variable returns the environment variable of a flag: AGGREGATOR_LISTEN for
// listen.
func variable(flagName string) string {
	return variablePrefix + strings.ToUpper(strings.ReplaceAll(flagName, "-", "_"))
}

// unknownVariables returns a warning for each environment variable with the
// program's prefix that no command reads. keys are those that hold keys of
// lists; nil means that they are not known here, and none of them is unknown.
func unknownVariables(environ []string, keys []string) []string {
	known := slices.Clone(keys)
	for _, c := range commands() {
		fs := flag.NewFlagSet(c.name, flag.ContinueOnError)
		c.define(fs)
		fs.VisitAll(func(f *flag.Flag) {
			known = append(known, variable(f.Name))
			if isSecret(f) {
				known = append(known, variable(f.Name)+fileSuffix)
			}
		})
	}
	var warnings []string
	for _, entry := range environ {
		name, _, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, variablePrefix) || slices.Contains(known, name) || keys == nil && strings.HasPrefix(name, keyPrefix) {
			continue
		}
		warnings = append(warnings, name+" is not a setting"+near.Suggestion(name, known))
	}
	return warnings
}

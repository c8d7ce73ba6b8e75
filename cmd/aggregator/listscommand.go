package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"aggregator"
	"aggregator/catalog"
	"aggregator/internal/near"
	"aggregator/lists"
)

// skillFlags are the flags that ask for lists with a skill, by its key.
var skillFlags = []struct{ name, key, usage string }{
	{"takes-counts", "counts", "only lists that take server counts"},
	{"can-be-read", "reads", "only lists that can be asked about a bot"},
	{"has-votes", "votes", "only lists that can be asked who voted"},
	{"sends-votes", "webhook", "only lists that send votes to a webhook"},
	{"takes-commands", "commands", "only lists that a bot's commands can be uploaded to"},
	{"takes-heartbeats", "heartbeats", "only lists that take heartbeats of a bot"},
}

// listsFlags say which lists are shown, and how.
type listsFlags struct {
	catalogFlags
	lists.Filter
	skills                  []bool // as skillFlags
	features                files
	living, hidden, defunct bool
	asJSON, asYAML          bool
}

// showLists shows the catalog, or the part of it that is asked for.
func showLists(fs *flag.FlagSet) action {
	f := listsFlags{skills: make([]bool, len(skillFlags))}
	for i, s := range skillFlags {
		fs.BoolVar(&f.skills[i], s.name, false, s.usage)
	}
	fs.BoolVar(&f.living, "living", false, "only lists that are not gone")
	fs.BoolVar(&f.hidden, "hidden", false, "only lists that live, but are not shown in the index of the pages")
	fs.BoolVar(&f.defunct, "defunct", false, "only lists that are gone")
	fs.Var(&f.features, "feature", "only lists with the feature of this `ID`; may be given again")
	fs.StringVar(&f.Language, "language", "", "only lists in this `LANGUAGE`, such as English")
	fs.StringVar(&f.Text, "search", "", "only lists that have all of these `WORDS` in id, name or description")
	fs.BoolVar(&f.asJSON, "json", false, "print JSON, each list as GET /api/lists has it")
	fs.BoolVar(&f.asYAML, "yaml", false, "write the built-in lists.yaml as it is, to start a catalog of your own from (with --defunct: the one of lists that are gone); a catalog that only adds to it needs no copy: --lists builtin --lists FILE")
	f.catalogFlags.add(fs)
	return func(_ context.Context, env environment, _ []string) error { return f.show(env) }
}

func (f *listsFlags) show(env environment) error {
	if f.asYAML {
		return f.writeYAML(env)
	}
	c, _, err := f.read()
	if err != nil {
		return err
	}
	if err := f.check(c); err != nil {
		return err
	}
	var found []*lists.List
	for _, l := range c.Lists() {
		if f.takes(l) {
			found = append(found, l)
		}
	}
	if f.asJSON {
		return printListsJSON(env.out, c, found)
	}
	return printLists(env.out, found)
}

// writeYAML writes a built-in file, byte for byte.
func (f *listsFlags) writeYAML(env environment) error {
	for name := range env.given {
		if name != "yaml" && name != "defunct" {
			return usagef("--yaml writes the built-in file as it is, without --%s", name)
		}
	}
	file := aggregator.BuiltInLists()[0]
	if f.defunct {
		file = aggregator.BuiltInLists()[1]
	}
	_, err := env.out.Write(file.Data)
	return err
}

// check holds what is asked for against the catalog, and completes the Filter. The
// error is a usageError.
func (f *listsFlags) check(c *catalog.Catalog) error {
	for i, s := range skillFlags {
		if f.skills[i] {
			f.Can = append(f.Can, s.key)
		}
	}
	if f.defunct && (f.living || f.hidden) {
		return usagef("--defunct and --living do not go together; hidden lists live too")
	}
	var features []string
	for _, one := range c.Features() {
		features = append(features, one.ID)
	}
	for _, id := range f.features {
		if !slices.Contains(features, id) {
			return usagef("unknown feature %q%s", id, near.Suggestion(id, features))
		}
	}
	f.Features = f.features
	if f.Language == "" {
		return nil
	}
	var spoken []string
	for _, l := range c.Lists() {
		spoken = append(spoken, l.Languages()...)
	}
	i := slices.IndexFunc(spoken, func(s string) bool { return strings.EqualFold(s, f.Language) })
	if i < 0 {
		return usagef("no list is in the language %q%s", f.Language, near.Suggestion(f.Language, spoken))
	}
	f.Language = spoken[i]
	return nil
}

// takes reports whether a list is asked for.
func (f *listsFlags) takes(l *lists.List) bool {
	switch {
	case f.living && l.Defunct, f.hidden && (l.Defunct || l.Display), f.defunct && !l.Defunct:
		return false
	}
	return f.Takes(l)
}

// printLists prints lists as a table.
func printLists(out io.Writer, all []*lists.List) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprint(w, "LIST\tNAME")
	for _, s := range lists.Skills() {
		_, _ = fmt.Fprint(w, "\t"+strings.ToUpper(s.Key))
	}
	_, _ = fmt.Fprintln(w, "\tSTATE")
	for _, l := range all {
		_, _ = fmt.Fprintf(w, "%s\t%s", l.ID, l.Name)
		for _, s := range lists.Skills() {
			has := "-"
			if s.Has(l) {
				has = "yes"
			}
			_, _ = fmt.Fprint(w, "\t"+has)
		}
		state := "living"
		switch {
		case l.Defunct:
			state = "defunct"
		case !l.Display:
			state = "hidden"
		}
		_, _ = fmt.Fprintln(w, "\t"+state)
	}
	return w.Flush()
}

// printListsJSON prints lists by id, each as the API has it.
func printListsJSON(out io.Writer, c *catalog.Catalog, all []*lists.List) error {
	byID := make(map[string]json.RawMessage, len(all))
	for _, l := range all {
		byID[l.ID], _ = c.ListJSON(l.ID)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(byID); err != nil {
		return err
	}
	_, err := out.Write(b.Bytes())
	return err
}

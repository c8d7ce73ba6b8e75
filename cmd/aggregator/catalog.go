package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"

	"aggregator"
	"aggregator/catalog"
)

// catalogFlags say where the catalog is.
type catalogFlags struct {
	lists     files
	legacyIDs string
}

func (f *catalogFlags) add(fs *flag.FlagSet) {
	fs.Var(&f.lists, "lists", "`FILE` of lists; given again, later files add lists or replace single fields (default: the built-in copy)")
	fs.StringVar(&f.legacyIDs, "legacy-ids", "", "`FILE` of legacy ids (default: the built-in copy)")
}

// read loads the catalog from its files.
func (f *catalogFlags) read() (*catalog.Catalog, []string, error) {
	all := []catalog.File{{Name: "lists.yaml", Data: aggregator.ListsYAML}}
	legacy := catalog.File{Name: "legacy_ids.yaml", Data: aggregator.LegacyIDsYAML}
	if len(f.lists) > 0 {
		all = nil
	}
	for _, name := range f.lists {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, nil, err
		}
		all = append(all, catalog.File{Name: name, Data: data})
	}
	if f.legacyIDs != "" {
		data, err := os.ReadFile(f.legacyIDs)
		if err != nil {
			return nil, nil, err
		}
		legacy = catalog.File{Name: f.legacyIDs, Data: data}
	}
	return catalog.Load(all, legacy)
}

// schema prints the JSON Schema of lists.yaml.
func schema(_ context.Context, env environment, args []string) error {
	if err := parse(newFlags("schema", env.errOut), args, env.getenv); err != nil {
		return err
	}
	_, err := fmt.Fprintf(env.out, "%s\n", catalog.Schema())
	return err
}

// check checks the catalog's files and prints a summary of one line.
func check(_ context.Context, env environment, args []string) error {
	fs := newFlags("check", env.errOut)
	var f catalogFlags
	f.add(fs)
	if err := parse(fs, args, env.getenv); err != nil {
		return err
	}
	c, warnings, err := f.read()
	var wrong *catalog.Error
	if errors.As(err, &wrong) {
		_, _ = fmt.Fprintln(env.errOut, wrong)
		return errSaid
	}
	if err != nil {
		return err
	}
	for _, w := range warnings {
		_, _ = fmt.Fprintln(env.errOut, "warning:", w)
	}
	_, _ = fmt.Fprintln(env.out, c.Counts())
	return nil
}

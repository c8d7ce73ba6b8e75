package main

import (
	"flag"
	"os"
	"slices"

	"aggregator"
	"aggregator/catalog"
)

// builtIn stands for the catalog in the binary where a file's name could.
const builtIn = "builtin"

// catalogFlags say where the catalog is.
type catalogFlags struct {
	lists     files
	legacyIDs string
}

func (f *catalogFlags) add(fs *flag.FlagSet) {
	fs.Var(&f.lists, "lists", "`FILE` of lists, or builtin, which is the default; may be given again: later files add lists or replace single fields of one")
	fs.StringVar(&f.legacyIDs, "legacy-ids", "", "`FILE` of ids that lists once had, or builtin, which is the default where the built-in lists are loaded")
}

// read loads the catalog from its files.
func (f *catalogFlags) read() (*catalog.Catalog, []string, error) {
	all, legacy, err := f.files()
	if err != nil {
		return nil, nil, err
	}
	return catalog.Load(all, legacy)
}

// files returns the files of the catalog. The built-in legacy ids lead to built-in
// lists, and are left out where these are.
func (f *catalogFlags) files() (all []catalog.File, legacy catalog.File, err error) {
	names := f.lists
	if len(names) == 0 {
		names = files{builtIn}
	}
	for _, name := range names {
		if name == builtIn {
			all = append(all, aggregator.BuiltInLists()...)
			continue
		}
		file, err := readCatalogFile(name)
		if err != nil {
			return nil, legacy, err
		}
		all = append(all, file)
	}
	switch {
	case f.legacyIDs == builtIn, f.legacyIDs == "" && slices.Contains(names, builtIn):
		legacy = aggregator.BuiltInLegacyIDs()
	case f.legacyIDs != "":
		legacy, err = readCatalogFile(f.legacyIDs)
	}
	return all, legacy, err
}

func readCatalogFile(name string) (catalog.File, error) {
	data, err := os.ReadFile(name)
	return catalog.File{Name: name, Data: data}, err
}

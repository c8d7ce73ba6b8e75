package main

import (
	"flag"
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
	fs.Var(&f.lists, "lists", "`FILE` of lists, the built-in ones if not given; given again, later files add lists or replace single fields of one")
	fs.StringVar(&f.legacyIDs, "legacy-ids", "", "`FILE` of ids that lists once had, the built-in ones if not given")
}

// builtinLists returns the lists files that are built into the binary.
func builtinLists() []catalog.File {
	return []catalog.File{
		{Name: "lists.yaml", Data: aggregator.ListsYAML},
		{Name: "lists_defunct.yaml", Data: aggregator.DefunctListsYAML},
	}
}

// read loads the catalog from its files.
func (f *catalogFlags) read() (*catalog.Catalog, []string, error) {
	all := builtinLists()
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

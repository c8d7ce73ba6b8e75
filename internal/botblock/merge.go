package botblock

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"aggregator/catalog"
	"aggregator/strictyaml"
)

// File is a lists file that may be written.
type File struct {
	catalog.File
	Fixed bool // it must stay as it is
}

// Merge takes over into files of a catalog, in the order in which they are loaded,
// what is to be of a difference to it. It returns all files. An entry is changed in
// the last file that has it; one that no file which may be written has is laid over
// in the last of these.
func Merge(c *catalog.Catalog, files []File, diff *Difference) ([]File, error) {
	m := &merger{files: files, settings: make([][]strictyaml.Setting, len(files))}
	for i, f := range files {
		held, err := entriesOf(f.File)
		if err != nil {
			return nil, err
		}
		m.held = append(m.held, held)
		if !f.Fixed {
			m.last = i + 1
		}
	}
	if m.last == 0 {
		return nil, errors.New("no file is there to write to")
	}
	m.last--
	for _, e := range diff.NewFeatures {
		m.add("features", e, m.home(func(h held) bool { return len(h.features) > 0 }))
	}
	for _, e := range diff.Features {
		m.change("features", e, featureFields, m.home(func(h held) bool { return slices.Contains(h.features, e.ID) }))
	}
	for _, e := range diff.Lists {
		m.change("lists", e, listFields, m.home(func(h held) bool { return slices.Contains(h.lists, e.ID) }))
	}
	for _, e := range diff.New {
		m.add("lists", e, m.home(func(h held) bool {
			return slices.ContainsFunc(h.lists, func(id string) bool {
				l, ok := c.List(id)
				return ok && l.Defunct == e.Defunct
			})
		}))
	}
	merged := slices.Clone(files)
	for i := range merged {
		var err error
		if merged[i].Data, err = strictyaml.Edit(files[i].File, m.settings[i]...); err != nil {
			return nil, fmt.Errorf("nothing was written: %w", err)
		}
	}
	return merged, nil
}

// held are the ids that a file has.
type held struct{ features, lists []string }

func entriesOf(f catalog.File) (held, error) {
	d := new(strictyaml.Decoder)
	root, _ := d.Parse(f)
	if err := d.Err(); err != nil || root == nil {
		return held{}, err
	}
	ids := func(key string) (all []string) {
		if n := root.Get(key); n != nil {
			for _, f := range n.Fields() {
				all = append(all, f.Key)
			}
		}
		return all
	}
	return held{ids("features"), ids("lists")}, nil
}

// merger collects what is to be set in files.
type merger struct {
	files    []File
	held     []held
	settings [][]strictyaml.Setting // of each file
	last     int                    // file that may be written
}

// home returns the last file that may be written for which holds says so, and else
// the last that may be written.
func (m *merger) home(holds func(held) bool) int {
	for i := m.last; i >= 0; i-- {
		if !m.files[i].Fixed && holds(m.held[i]) {
			return i
		}
	}
	return m.last
}

// add adds an entry to a file.
func (m *merger) add(key string, e Entry, file int) {
	var all strictyaml.Mapping
	for _, c := range e.taken() {
		all = append(all, strictyaml.Pair{Key: c.Field, Value: settable(c.Theirs)})
	}
	m.set(file, strictyaml.Setting{Path: []string{key, e.ID}, Value: all})
}

// change changes fields of an entry in a file.
func (m *merger) change(key string, e Entry, fields []field, file int) {
	order := make([]string, 0, len(fields)+1)
	for _, f := range fields {
		order = append(order, f.name)
	}
	order = append(order, featuresField)
	for _, c := range e.taken() {
		m.set(file, strictyaml.Setting{Path: []string{key, e.ID, c.Field}, Value: settable(c.Theirs), Order: order})
	}
}

func (m *merger) set(file int, s strictyaml.Setting) {
	m.settings[file] = append(m.settings[file], s)
}

// settable returns a value of a record as it is written.
func settable(v any) any {
	if n, ok := v.(json.Number); ok {
		i, _ := n.Int64() // which it was read as
		return i
	}
	return v
}

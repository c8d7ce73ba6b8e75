// Package botblock reads the open data of BotBlock, the service whose interface
// this one has, compares it with a catalog, and takes facts of it over into lists
// files.
package botblock

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
)

// Data is what a checkout of the open data holds.
type Data struct {
	lists     map[string]record
	features  map[string]record
	legacyIDs map[string]string
}

// Counts returns how many lists, features and legacy ids there are.
func (d *Data) Counts() (lists, features, legacyIDs int) {
	return len(d.lists), len(d.features), len(d.legacyIDs)
}

// record is a list or a feature: its fields by name, each a string that is not
// empty, a json.Number, or nil, and of a list the features that it has, sorted.
type record struct {
	values   map[string]any
	features []string
}

// maxFile bounds a file of the data, in bytes.
const maxFile = 1 << 20

// Read reads the data of a folder: a checkout, or its folder data. An error names
// the file.
func Read(folder fs.FS) (*Data, error) {
	if _, err := fs.Stat(folder, "lists"); errors.Is(err, fs.ErrNotExist) {
		if sub, e := fs.Sub(folder, "data"); e == nil {
			if _, e := fs.Stat(sub, "lists"); e == nil {
				folder = sub
			}
		}
	}
	d := &Data{legacyIDs: map[string]string{}}
	var err error
	if d.lists, err = readRecords(folder, "lists", listFields); err != nil {
		return nil, err
	}
	if len(d.lists) == 0 {
		return nil, errors.New("no file lists/ID.json is there, nor data/lists/ID.json")
	}
	if d.features, err = readRecords(folder, "features", featureFields); err != nil {
		return nil, err
	}
	const legacy = "legacy.json"
	text, err := readFile(folder, legacy)
	if errors.Is(err, fs.ErrNotExist) {
		return d, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &d.legacyIDs)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", legacy, err)
	}
	delete(d.legacyIDs, "$schema")
	return d, nil
}

// readRecords reads all files of a folder, by the id in each. A folder that is not
// there has none.
func readRecords(folder fs.FS, name string, fields []field) (map[string]record, error) {
	names, err := fs.Glob(folder, name+"/*.json")
	if err != nil {
		return nil, err
	}
	all := map[string]record{}
	for _, name := range names {
		text, err := readFile(folder, name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		id, r, err := parseRecord(text, fields)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if want := strings.TrimSuffix(path.Base(name), ".json"); id != want {
			return nil, fmt.Errorf("%s: the id is %q, want %q as in the file's name", name, id, want)
		}
		all[id] = r
	}
	return all, nil
}

func readFile(folder fs.FS, name string) ([]byte, error) {
	f, err := folder.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("is over %d bytes", maxFile)
	}
	return text, err
}

// parseRecord reads one list or feature, in the form of the data or of the API.
func parseRecord(text []byte, fields []field) (id string, r record, err error) {
	var raw map[string]any
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&raw); err != nil {
		return "", r, err
	}
	id, _ = raw["id"].(string)
	r.values = map[string]any{}
	for _, f := range fields {
		v, err := f.value(raw[f.name])
		if err != nil {
			return "", r, err
		}
		if v != nil {
			r.values[f.name] = v
		}
	}
	if r.features, err = featureIDs(raw[featuresField]); err != nil {
		return "", r, err
	}
	return id, r, nil
}

// value returns a field's value as a record has it.
func (f field) value(raw any) (any, error) {
	switch v := raw.(type) {
	case nil:
		return nil, nil
	case string:
		if !f.number {
			return orNil(strings.TrimSpace(v)), nil
		}
	case json.Number:
		if _, err := v.Int64(); err == nil && f.number {
			return v, nil
		}
	}
	if f.number {
		return nil, fmt.Errorf("%s: want a whole number or null", f.name)
	}
	return nil, fmt.Errorf("%s: want a text or null", f.name)
}

func orNil(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// featureIDs returns the features of a list: those named, or in the API's form those
// whose value is 1.
func featureIDs(raw any) (ids []string, err error) {
	all, ok := raw.([]any)
	if raw != nil && !ok {
		return nil, fmt.Errorf("%s: want an array", featuresField)
	}
	for _, one := range all {
		switch v := one.(type) {
		case string:
			ids = append(ids, v)
		case map[string]any:
			if id, _ := v["id"].(string); id != "" && isOne(v["value"]) {
				ids = append(ids, id)
			}
		default:
			return nil, fmt.Errorf("%s: want ids", featuresField)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

// Lists returns the ids of all lists, sorted.
func (d *Data) Lists() []string { return slices.Sorted(maps.Keys(d.lists)) }

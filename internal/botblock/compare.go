package botblock

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"aggregator/catalog"
	"aggregator/lists"
)

// field is a field that the data and a catalog both have.
type field struct {
	name   string
	number bool
	words  bool // sentences, which are whoever's wrote them
	role   role
}

// role is what a field decides.
type role int

const (
	shown   role = iota // what people see
	living              // whether the list is asked at all
	posting             // how counts go to it
	reading             // how it is read
	apiMore             // what else is known of its API
)

// featuresField is the field of a list's features.
const featuresField = "features"

// listFields are the fields of a list but its id and its features, in the order of
// lists files.
var listFields = []field{
	{name: "added", number: true},
	{name: "name"},
	{name: "url"},
	{name: "icon"},
	{name: "language"},
	{name: "display", number: true},
	{name: "defunct", number: true, role: living},
	{name: "discord_only", number: true},
	{name: "description", words: true},
	{name: "api_docs", role: apiMore},
	{name: "api_post", role: posting},
	{name: "api_post_method", role: posting},
	{name: "api_field", role: posting},
	{name: "api_shard_id", role: posting},
	{name: "api_shard_count", role: posting},
	{name: "api_shards", role: posting},
	{name: "api_get", role: reading},
	{name: "api_all", role: apiMore},
	{name: "view_bot"},
	{name: "bot_widget"},
	{name: "content", words: true},
	{name: "owners"},
	{name: "discord"},
}

// featureFields are the fields of a feature but its id.
var featureFields = []field{{name: "name"}, {name: "display", number: true}, {name: "type", number: true}, {name: "description", words: true}}

// Change is a field that the data has otherwise than the catalog.
type Change struct {
	Field  string `json:"field"`
	Ours   any    `json:"ours"` // a string, a json.Number or nil; of features a []string
	Theirs any    `json:"theirs"`
	Words  bool   `json:"words,omitempty"` // sentences, not a fact
	Kept   string `json:"kept,omitempty"`  // why it is not taken over; "" for one that is
}

// Entry is a list or a feature, and in what it differs. One that is new differs from
// nothing in all that the data says of it.
type Entry struct {
	ID      string   `json:"id"`
	Name    string   `json:"name"`
	Defunct bool     `json:"defunct,omitempty"` // there
	Changes []Change `json:"changes"`
}

// taken returns the changes that are taken over.
func (e Entry) taken() []Change {
	return slices.DeleteFunc(slices.Clone(e.Changes), func(c Change) bool { return c.Kept != "" })
}

// Difference is in what the data differs from a catalog. All of it is sorted by id.
type Difference struct {
	New         []Entry  `json:"new"`     // lists that the catalog lacks
	Gone        []string `json:"gone"`    // ids of lists that the data lacks
	Defunct     []string `json:"defunct"` // ids of lists that live here, and are gone there
	Living      []string `json:"living"`  // the other way round
	Lists       []Entry  `json:"lists"`   // that both have
	NewFeatures []Entry  `json:"new_features"`
	Features    []Entry  `json:"features"` // that both have
	LegacyIDs   []Change `json:"legacy_ids"`
}

// Compare returns in what the data differs from a catalog. only has the ids of the
// lists that are looked at, and of which what was checked is taken over too; nil
// looks at all lists, features and legacy ids.
func Compare(c *catalog.Catalog, d *Data, only []string) *Difference {
	diff := &Difference{
		New: []Entry{}, Gone: []string{}, Defunct: []string{}, Living: []string{}, Lists: []Entry{},
		NewFeatures: []Entry{}, Features: []Entry{}, LegacyIDs: []Change{},
	}
	if only == nil {
		for _, l := range c.Lists() {
			if _, there := d.lists[l.ID]; !there {
				diff.Gone = append(diff.Gone, l.ID)
			}
		}
	}
	wanted := map[string]bool{} // features of the lists that are looked at
	for _, id := range slices.Sorted(maps.Keys(d.lists)) {
		if only != nil && !slices.Contains(only, id) {
			continue
		}
		diff.compareList(c, id, d.lists[id], only != nil)
		for _, feature := range d.lists[id].features {
			wanted[feature] = true
		}
	}
	diff.compareFeatures(c, d, func(id string) bool { return only == nil || wanted[id] })
	if only == nil && len(c.LegacyIDs()) > 0 { // or else it was loaded without them
		diff.compareLegacyIDs(c, d)
	}
	return diff
}

// compareList compares a list. named says that it was asked for by name.
func (diff *Difference) compareList(c *catalog.Catalog, id string, theirs record, named bool) {
	l, known := c.List(id)
	if !known || l.ID != id { // a former id of another list
		diff.New = append(diff.New, newEntry(id, theirs, listFields))
		return
	}
	e := differenceOf(c, l, theirs, named)
	if len(e.Changes) > 0 {
		diff.Lists = append(diff.Lists, e)
	}
	switch {
	case e.Defunct && !l.Defunct:
		diff.Defunct = append(diff.Defunct, id)
	case !e.Defunct && l.Defunct:
		diff.Living = append(diff.Living, id)
	}
}

func isOne(v any) bool { return v == any(json.Number("1")) }

// newEntry returns what the data says of something that the catalog lacks.
func newEntry(id string, theirs record, fields []field) Entry {
	e := Entry{ID: id, Changes: []Change{}, Defunct: isOne(theirs.values["defunct"])}
	e.Name, _ = theirs.values["name"].(string)
	for _, f := range fields {
		if v := theirs.values[f.name]; v != nil {
			e.Changes = append(e.Changes, Change{Field: f.name, Theirs: v, Words: f.words, Kept: keptWords(f)})
		}
	}
	if len(theirs.features) > 0 {
		e.Changes = append(e.Changes, Change{Field: featuresField, Theirs: theirs.features})
	}
	return e
}

// Why something is not taken over.
const keptNone = "the data has none"

func keptChecked(l *lists.List) string { return "checked on " + l.Checked }

func keptWords(f field) string {
	if f.words {
		return "words of others"
	}
	return ""
}

// differenceOf returns in what a list differs.
func differenceOf(c *catalog.Catalog, l *lists.List, theirs record, named bool) Entry {
	text, _ := c.ListJSON(l.ID)
	_, ours, _ := parseRecord(text, listFields) // the catalog's own JSON has its form
	e := Entry{ID: l.ID, Name: l.Name, Defunct: isOne(theirs.values["defunct"])}
	for _, f := range listFields {
		if a, b := ours.values[f.name], theirs.values[f.name]; f.differs(a, b) {
			e.Changes = append(e.Changes, Change{f.name, a, b, f.words, kept(f, l, b, named)})
		}
	}
	if !slices.Equal(ours.features, theirs.features) {
		change := Change{Field: featuresField, Ours: ours.features, Theirs: theirs.features}
		switch {
		case len(theirs.features) == 0:
			change.Kept = keptNone
		case l.Checked != "" && !named:
			change.Kept = keptChecked(l)
		}
		e.Changes = append(e.Changes, change)
	}
	return e
}

// differs reports whether the data says something else of a field. That it has no
// words says nothing.
func (f field) differs(ours, theirs any) bool {
	switch {
	case f.number && isZero(ours) && isZero(theirs), f.words && theirs == nil:
		return false
	}
	return ours != theirs
}

// isZero reports whether a number is 0, which is what it is where it is not given.
func isZero(v any) bool { return v == nil || v == any(json.Number("0")) }

// kept returns why a field of a list stays as it is, "" where the data's is taken
// over. What the entry was checked for against the list's own words, and its
// dialect, are better known here.
func kept(f field, l *lists.List, theirs any, named bool) string {
	switch {
	case f.words:
		return keptWords(f)
	case theirs == nil:
		return keptNone
	case f.role == posting && l.Post != nil && (l.Post.URL != "" || l.Post.Fields != nil || l.Post.None != ""):
		return "the entry's own post says how"
	case f.role == reading && l.Get != nil && l.Get.URL != "":
		return "the entry's own get says how"
	case f.role != shown && l.Checked != "" && !named:
		return keptChecked(l)
	}
	return ""
}

// compareFeatures compares the features for which of holds.
func (diff *Difference) compareFeatures(c *catalog.Catalog, d *Data, of func(id string) bool) {
	ours := map[string]catalog.Feature{}
	for _, f := range c.Features() {
		ours[f.ID] = f
	}
	for _, id := range slices.Sorted(maps.Keys(d.features)) {
		f, known := ours[id]
		switch {
		case !of(id):
		case !known:
			diff.NewFeatures = append(diff.NewFeatures, newEntry(id, d.features[id], featureFields))
		default:
			if e := compareFeature(f, d.features[id]); len(e.Changes) > 0 {
				diff.Features = append(diff.Features, e)
			}
		}
	}
}

// compareFeature returns in what a feature differs.
func compareFeature(f catalog.Feature, theirs record) Entry {
	ours := map[string]any{"name": orNil(strings.TrimSpace(f.Name)), "display": number(f.Display), "type": number(f.Type), "description": orNil(f.Description)}
	e := Entry{ID: f.ID, Name: f.Name}
	for _, field := range featureFields {
		a, b := ours[field.name], theirs.values[field.name]
		if !field.differs(a, b) {
			continue
		}
		why := keptWords(field)
		if b == nil {
			why = keptNone
		}
		e.Changes = append(e.Changes, Change{field.name, a, b, field.words, why})
	}
	return e
}

func number(n int64) any { return json.Number(strconv.FormatInt(n, 10)) }

// compareLegacyIDs compares where the ids lead that lists once had.
func (diff *Difference) compareLegacyIDs(c *catalog.Catalog, d *Data) {
	ours := c.LegacyIDs()
	for _, id := range slices.Sorted(maps.Keys(d.legacyIDs)) {
		if ours[id] != d.legacyIDs[id] {
			diff.LegacyIDs = append(diff.LegacyIDs, Change{Field: id, Ours: orNil(ours[id]), Theirs: d.legacyIDs[id], Kept: "legacy ids are yours to write"})
		}
	}
}

// Count returns how many facts differ or are new, how many of these are taken over,
// and how many texts differ beside them.
func (diff *Difference) Count() (facts, taken, words int) {
	facts = len(diff.LegacyIDs)
	for _, entries := range [][]Entry{diff.New, diff.Lists, diff.NewFeatures, diff.Features} {
		for _, e := range entries {
			taken += len(e.taken())
			for _, c := range e.Changes {
				if c.Words {
					words++
				} else {
					facts++
				}
			}
		}
	}
	return facts, taken, words
}

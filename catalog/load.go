package catalog

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"aggregator/internal/near"
	"aggregator/lists"
)

// File is a YAML file, read.
type File struct {
	Name string // as messages show it
	Data []byte
}

// Feature is something that a list can have.
type Feature struct {
	ID          string
	Name        string `yaml:"name" required:"true" doc:"Name people know the feature by."`
	Display     int64  `yaml:"display" doc:"Rank of the feature; higher comes first."`
	Type        int64  `yaml:"type" enum:"0,1,2" doc:"0 is good to have, 1 is neutral, 2 is bad to have."`
	Description string `yaml:"description" doc:"One sentence about the feature."`
}

// document is the shape of a lists file.
type document[F, L any] struct {
	Features map[string]F `yaml:"features" doc:"Every feature a list can have, by its id."`
	Lists    map[string]L `yaml:"lists" doc:"Every list, by its id."`
}

// Load makes a catalog of one or more lists files and a file of legacy ids. A
// later lists file adds lists and features, or replaces single fields of
// earlier ones; its nulls clear them. All that is wrong comes at once, as an
// *Error. What is merely odd comes as warnings.
func Load(listFiles []File, legacy File) (*Catalog, []string, error) {
	if len(listFiles) == 0 {
		return nil, nil, &Error{[]Problem{{Message: "no lists file is given; at least one is needed"}}}
	}
	var r report
	names := make([]string, 0, len(listFiles)+1)
	merged, readable := document[*node, *node]{map[string]*node{}, map[string]*node{}}, true
	for _, f := range listFiles {
		names = append(names, f.Name)
		doc, ok := r.document(f)
		readable = readable && ok
		r.overlay(merged.Features, doc.Features)
		r.overlay(merged.Lists, doc.Lists)
	}
	names = append(names, legacy.Name)
	links := r.legacyLinks(legacy)
	if !readable {
		// Without a whole file, features and lists would seem to be missing.
		return nil, nil, &Error{r.sorted(names)}
	}
	if len(r.problems) == 0 && len(merged.Lists) == 0 {
		r.add(place{file: listFiles[0].Name, line: 1}, `holds no list; at least one is needed under "lists:"`)
	}
	features := r.features(merged.Features)
	all := r.lists(merged.Lists, features)
	warnings := oddLinks(links, all)
	if len(r.problems) > 0 {
		return nil, warnings, &Error{r.sorted(names)}
	}
	return newCatalog(all, features, links), warnings, nil
}

// document reads a lists file down to its features and lists.
func (r *report) document(f File) (doc document[*node, *node], ok bool) {
	root, ok := r.parse(f)
	if !ok {
		return doc, false
	}
	if root == nil {
		r.add(place{file: f.Name, line: 1}, `is empty, must hold "features:" and "lists:"`)
		return doc, false
	}
	r.bindTo(root, &doc)
	return doc, true
}

// overlay puts the fields of entries over those of the same ids in base.
func (r *report) overlay(base, entries map[string]*node) {
	for _, id := range sortedKeys(entries) {
		under, over := base[id], entries[id]
		switch {
		case under == nil:
			base[id] = over
		case over.kind == broken || under.kind != mapping: // reported in its place
		case over.kind != mapping:
			r.wrongType(over, "a mapping")
		default:
			for _, f := range over.fields {
				under.set(f)
			}
		}
	}
}

// features checks the features.
func (r *report) features(nodes map[string]*node) map[string]Feature {
	all := map[string]Feature{}
	for _, id := range sortedKeys(nodes) {
		n := nodes[id]
		if why := badID(id); why != "" {
			r.add(n.place, "the feature id %s %s", quote(id), why)
		}
		f := Feature{ID: id}
		r.bindTo(n, &f)
		all[id] = f
	}
	return all
}

// lists checks and compiles the lists, sorted by id.
func (r *report) lists(nodes map[string]*node, features map[string]Feature) []*lists.List {
	all := make([]*lists.List, 0, len(nodes))
	featureIDs := sortedKeys(features)
	posts := map[string]place{} // where lists post to, and which says so
	for _, id := range sortedKeys(nodes) {
		n := nodes[id]
		if why := badListID(id); why != "" {
			r.add(n.place, "the list id %s %s", quote(id), why)
		}
		before := len(r.problems)
		var e lists.Entry
		r.bindTo(n, &e)
		r.checkFeatures(n, e.Features, featureIDs)
		l, problems := lists.New(id, e)
		for _, p := range problems {
			// What is said of a field, or of its items, makes more about it noise.
			if slices.ContainsFunc(r.problems[before:], func(q Problem) bool {
				return q.Field == p.Field || strings.HasPrefix(q.Field, p.Field+"[")
			}) {
				continue
			}
			at := n.find(p.Field).place
			at.field = p.Field
			r.add(at, "%s", p.Message)
		}
		r.checkPostURL(n, l, posts)
		all = append(all, l)
	}
	return all
}

// checkFeatures refuses features that are not in known, which is sorted, and
// those given twice.
func (r *report) checkFeatures(n *node, ids, known []string) {
	first := map[string]int{}
	for i, id := range ids {
		item := n.find(fmt.Sprintf("features[%d]", i))
		if item.tag != tagString {
			continue // reported already
		}
		if _, ok := slices.BinarySearch(known, id); !ok {
			r.add(item.place, "unknown feature %s%s; allowed: the ids under features", quote(id), near.Suggestion(id, known))
		}
		if j, seen := first[id]; seen {
			r.add(item.place, "%s is given twice, first in features[%d]", quote(id), j)
			continue
		}
		first[id] = i
	}
}

// checkPostURL refuses a second living list with one post URL: it would be
// asked twice for each count.
func (r *report) checkPostURL(n *node, l *lists.List, posts map[string]place) {
	if !l.TakesCounts() {
		return
	}
	source := "api_post"
	if l.Post != nil && l.Post.URL != "" {
		source = "post.url"
	}
	at, url := n.find(source).place, l.PostURL()
	if other, taken := posts[url]; taken {
		r.add(at, "is the post URL of %s too (%s:%d); each living list needs its own", show(other.list), other.file, other.line)
		return
	}
	posts[url] = at
}

// reservedIDs are the count body's own keys, which no list can be named by.
var reservedIDs = []string{
	"bot_id", "server_count", "shard_id", "shard_count", "shards", "user_count", "voice_connections", "tokens",
}

// maxID is the length of the longest host name.
const maxID = 253

// isID tells whether s is printable ASCII without spaces and slashes.
func isID(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c > '~' || c == '/' || c == '\\' })
}

// badID is what is wrong with an id, "" if nothing.
func badID(id string) string {
	if len(id) > maxID || !isID(id) {
		return fmt.Sprintf("must be 1 to %d printable ASCII characters without spaces and slashes", maxID)
	}
	return ""
}

func badListID(id string) string {
	if slices.Contains(reservedIDs, id) {
		return "must not be a key of the count body: " + strings.Join(reservedIDs, ", ")
	}
	return badID(id)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

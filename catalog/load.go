package catalog

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"aggregator/internal/near"
	"aggregator/lists"
	"aggregator/strictyaml"
)

// File is a YAML file, read.
type File = strictyaml.File

// Error holds everything that is wrong with a catalog's files, by file and line.
type Error = strictyaml.Error

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

// loader reads the files of a catalog and collects what is wrong with them.
type loader struct{ strictyaml.Decoder }

func newLoader() *loader { return &loader{strictyaml.Decoder{Entries: "lists"}} }

// Load makes a catalog of one or more lists files and a file of legacy ids. A
// later lists file adds lists and features, or replaces single fields of
// earlier ones; its nulls clear them. All that is wrong comes at once, as an
// *Error. What is merely odd comes as warnings.
func Load(listFiles []File, legacy File) (*Catalog, []string, error) {
	r := newLoader()
	if len(listFiles) == 0 {
		r.Add(strictyaml.Place{}, "no lists file is given; at least one is needed")
		return nil, nil, r.Err()
	}
	merged, readable := document[*strictyaml.Node, *strictyaml.Node]{map[string]*strictyaml.Node{}, map[string]*strictyaml.Node{}}, true
	for _, f := range listFiles {
		doc, ok := r.document(f)
		readable = readable && ok
		r.Overlay(merged.Features, doc.Features)
		r.Overlay(merged.Lists, doc.Lists)
	}
	links := r.legacyLinks(legacy)
	if !readable {
		// Without a whole file, features and lists would seem to be missing.
		return nil, nil, r.Err()
	}
	if len(r.Problems()) == 0 && len(merged.Lists) == 0 {
		r.Add(strictyaml.Place{File: listFiles[0].Name, Line: 1}, `holds no list; at least one is needed under "lists:"`)
	}
	features := r.features(merged.Features)
	all := r.lists(merged.Lists, features)
	warnings := oddLinks(links, all)
	if err := r.Err(); err != nil {
		return nil, warnings, err
	}
	return newCatalog(all, features, links), warnings, nil
}

// document reads a lists file down to its features and lists.
func (r *loader) document(f File) (doc document[*strictyaml.Node, *strictyaml.Node], ok bool) {
	root, ok := r.Parse(f)
	if !ok {
		return doc, false
	}
	if root == nil {
		r.Add(strictyaml.Place{File: f.Name, Line: 1}, `is empty, must hold "features:" and "lists:"`)
		return doc, false
	}
	r.Bind(root, &doc)
	return doc, true
}

// features checks the features.
func (r *loader) features(nodes map[string]*strictyaml.Node) map[string]Feature {
	all := map[string]Feature{}
	for _, id := range sortedKeys(nodes) {
		n := nodes[id]
		if why := badID(id); why != "" {
			r.Add(n.Place(), "the feature id %s %s", strictyaml.Quote(id), why)
		}
		f := Feature{ID: id}
		r.Bind(n, &f)
		all[id] = f
	}
	return all
}

// ownURL are the parts of an entry that have no URL but their own.
var ownURL = func() []string {
	parts := []string{"votes"}
	for _, kind := range lists.Reports() {
		parts = append(parts, kind.Part)
	}
	return parts
}()

// inherit gives each entry with same_as what its post, get and webhook leave out,
// and its votes and reports where they stand. URLs are not inherited: a token would go to the
// other list.
func (r *loader) inherit(nodes map[string]*strictyaml.Node) {
	for _, id := range sortedKeys(nodes) {
		n := nodes[id]
		at := n.Get("same_as")
		if at == nil {
			continue
		}
		same, ok := at.Text()
		if !ok {
			continue // null, or reported when it is bound
		}
		other, known := nodes[same]
		switch {
		case !known:
			r.Add(at.Place(), "%s is no list%s", strictyaml.Quote(same), near.Suggestion(same, sortedKeys(nodes)))
		case other.Get("same_as") != nil: // itself too
			r.Add(at.Place(), "%s says same_as too; name a list that does not", strictyaml.Quote(same))
		default:
			for _, part := range []string{"post", "get", "webhook"} {
				n.Inherit(other, part, "url")
			}
			for _, part := range ownURL {
				if n.Get(part) != nil {
					n.Inherit(other, part, "url")
				}
			}
		}
	}
}

// lists checks and compiles the lists, sorted by id.
func (r *loader) lists(nodes map[string]*strictyaml.Node, features map[string]Feature) []*lists.List {
	r.inherit(nodes)
	all := make([]*lists.List, 0, len(nodes))
	featureIDs := sortedKeys(features)
	posts := map[string]strictyaml.Place{} // where lists post to, and which says so
	for _, id := range sortedKeys(nodes) {
		n := nodes[id]
		if why := badListID(id); why != "" {
			r.Add(n.Place(), "the list id %s %s", strictyaml.Quote(id), why)
		} else if id != strings.ToLower(id) {
			r.Add(n.Place(), "the list id %s must be in small letters, as in %s", strictyaml.Quote(id), strictyaml.Quote(strings.ToLower(id)))
		}
		before := len(r.Problems())
		var e lists.Entry
		r.Bind(n, &e)
		r.checkFeatures(n, e.Features, featureIDs)
		l, problems := lists.New(id, e)
		for _, p := range problems {
			// What is said of a field, or of its items, makes more about it noise.
			if slices.ContainsFunc(r.Problems()[before:], func(q strictyaml.Problem) bool {
				return q.Field == p.Field || strings.HasPrefix(q.Field, p.Field+"[")
			}) {
				continue
			}
			at := n.Find(p.Field).Place()
			at.Field = p.Field
			r.Add(at, "%s", p.Message)
		}
		r.checkPostURL(n, l, posts)
		all = append(all, l)
	}
	return all
}

// checkFeatures refuses features that are not in known, which is sorted, and
// those given twice.
func (r *loader) checkFeatures(n *strictyaml.Node, ids, known []string) {
	first := map[string]int{}
	for i, id := range ids {
		item := n.Find(fmt.Sprintf("features[%d]", i))
		if _, isText := item.Text(); !isText {
			continue // reported already
		}
		if _, ok := slices.BinarySearch(known, id); !ok {
			r.Add(item.Place(), "unknown feature %s%s; allowed: the ids under features", strictyaml.Quote(id), near.Suggestion(id, known))
		}
		if j, seen := first[id]; seen {
			r.Add(item.Place(), "%s is given twice, first in features[%d]", strictyaml.Quote(id), j)
			continue
		}
		first[id] = i
	}
}

// checkPostURL refuses a second living list with one post URL: it would be
// asked twice for each count.
func (r *loader) checkPostURL(n *strictyaml.Node, l *lists.List, posts map[string]strictyaml.Place) {
	if !l.TakesCounts() {
		return
	}
	source := "api_post"
	if l.Post != nil && l.Post.URL != "" {
		source = "post.url"
	}
	for i, url := range l.PostURLs() {
		if i > 0 {
			source = "post.otherwise.url"
		}
		at := n.Find(source).Place()
		if other, taken := posts[url]; taken {
			r.Add(at, "is the post URL of %s too (%s:%d); each living list needs its own", strictyaml.Show(other.Entry), other.File, other.Line)
			continue
		}
		posts[url] = at
	}
}

// reservedIDs are the count body's own keys, which no list can be named by.
var reservedIDs = lists.CountKeys()

// maxID is the length of the longest host name.
const maxID = 253

// isID reports whether s is printable ASCII without spaces and slashes.
func isID(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c > '~' || c == '/' || c == '\\' })
}

// badID returns what is wrong with an id, "" if nothing.
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

package web

import (
	"net/http"
	"slices"
	"strconv"

	"aggregator/catalog"
	"aggregator/lists"
)

// matrixRow is a list with what it has of the features that are chosen.
type matrixRow struct {
	card
	Has   []bool // one for each feature, in order
	Count int
}

// featuresBody is the body of the matrix of lists by features.
type featuresBody struct {
	Features []featureCount
	Columns  []catalog.Feature // those that are compared
	Rows     []matrixRow
	Chosen   []choice
}

// featureCount is a feature, and how many living lists have it.
type featureCount struct {
	catalog.Feature
	Count int
	Of    int
}

// maxColumns bounds how many features are compared when none is chosen: those of
// the highest rank.
const maxColumns = 8

// features answers with the matrix of lists by features.
func (s *Site) features(w http.ResponseWriter, r *http.Request) error {
	c, chosen := s.Catalog.Current(), r.URL.Query()["has"]
	var body featuresBody
	shown := livingLists(c)
	for _, f := range c.Features() {
		is := slices.Contains(chosen, f.ID)
		body.Chosen = append(body.Chosen, choice{f.ID, f.Name, is})
		if is || len(chosen) == 0 && len(body.Columns) < maxColumns {
			body.Columns = append(body.Columns, f)
		}
		body.Features = append(body.Features, featureCount{f, countOf(shown, f.ID), len(shown)})
	}
	for _, l := range shown {
		row := matrixRow{card: cardOf(l)}
		for _, f := range body.Columns {
			has := slices.Contains(l.Features, f.ID)
			row.Has = append(row.Has, has)
			if has {
				row.Count++
			}
		}
		if len(chosen) == 0 || row.Count == len(body.Columns) {
			body.Rows = append(body.Rows, row)
		}
	}
	slices.SortStableFunc(body.Rows, func(a, b matrixRow) int { return b.Count - a.Count })
	return s.render(w, r, http.StatusOK, "features", view{
		Title: "Features", Description: "Which Discord bot list has which feature.", Nav: "features", Twin: "/api/lists", AsOf: s.Now(), NoIndex: r.URL.RawQuery != "", Body: body,
	})
}

// livingLists returns the lists of the index, by name.
func livingLists(c *catalog.Catalog) []*lists.List {
	var all []*lists.List
	for _, l := range c.Lists() {
		if living.holds(l) {
			all = append(all, l)
		}
	}
	slices.SortFunc(all, byName)
	return all
}

func countOf(all []*lists.List, feature string) int {
	n := 0
	for _, l := range all {
		if slices.Contains(l.Features, feature) {
			n++
		}
	}
	return n
}

// featureBody is the body of a feature's page.
type featureBody struct {
	catalog.Feature
	Has, Not []card
}

// feature answers with the page of a feature.
func (s *Site) feature(w http.ResponseWriter, r *http.Request) error {
	c, id := s.Catalog.Current(), r.PathValue("id")
	i := slices.IndexFunc(c.Features(), func(f catalog.Feature) bool { return f.ID == id })
	if i < 0 {
		return errNotFound
	}
	body := featureBody{Feature: c.Features()[i]}
	for _, l := range livingLists(c) {
		if slices.Contains(l.Features, id) {
			body.Has = append(body.Has, cardOf(l))
		} else {
			body.Not = append(body.Not, cardOf(l))
		}
	}
	return s.render(w, r, http.StatusOK, "feature", view{
		Title: body.Name, Description: body.Description + " " + strconv.Itoa(len(body.Has)) + " lists have it.", Nav: "features", Twin: "/api/lists", AsOf: s.Now(), Body: body,
	})
}

package web

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"aggregator/catalog"
	"aggregator/health"
	"aggregator/lists"
)

// shelf is a part of the catalog that has a page of its own.
type shelf struct {
	title, lead, path string
	holds             func(*lists.List) bool
}

// The shelves.
var (
	living  = shelf{"Bot lists", "Every Discord bot list that is alive and shown to people.", "/lists", func(l *lists.List) bool { return !l.Defunct && l.Display }}
	defunct = shelf{"Defunct lists", "Lists that are gone. They are never asked, and tokens for them are skipped.", "/lists/defunct", func(l *lists.List) bool { return l.Defunct }}
	hidden  = shelf{"Hidden lists", "Lists that are alive and take part in everything, but are not shown in the index.", "/lists/hidden", func(l *lists.List) bool { return !l.Defunct && !l.Display }}
)

var shelves = []shelf{living, defunct, hidden}

// order is a way to sort lists.
type order struct {
	Key, Label string
	compare    func(a, b card) int
}

var orders = []order{
	{"name", "Name", func(a, b card) int { return byName(a.List, b.List) }},
	{"newest", "Newest first", func(a, b card) int {
		return cmp.Or(cmp.Compare(b.List.Added, a.List.Added), byName(a.List, b.List))
	}},
	{"uptime", "Uptime", func(a, b card) int { return cmp.Or(cmp.Compare(b.uptime(), a.uptime()), byName(a.List, b.List)) }},
}

func byName(a, b *lists.List) int {
	return cmp.Or(strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), strings.Compare(a.ID, b.ID))
}

// filter is what a reader of the index looks for. All of it stands in the URL.
type filter struct {
	lists.Filter
	Sort string
}

// maxSearch bounds what is searched for, in bytes.
const maxSearch = 100

func filterOf(q url.Values) filter {
	f := filter{lists.Filter{Text: strings.TrimSpace(q.Get("q")), Can: q["can"], Features: q["feature"], Language: q.Get("language")}, q.Get("sort")}
	f.Text = f.Text[:min(len(f.Text), maxSearch)]
	f.Features = slices.DeleteFunc(f.Features, func(id string) bool { return id == "" })
	if !slices.ContainsFunc(orders, func(o order) bool { return o.Key == f.Sort }) {
		f.Sort = orders[0].Key
	}
	return f
}

// card is a list as the index shows it.
type card struct {
	*lists.List
	Skills []lists.Skill
	Added  time.Time
	Week   health.Bar // what became of calls in 7 days
}

// uptime returns the uptime in 7 days; of a list that nobody asked less than of
// any other.
func (c card) uptime() float64 {
	part, ok := c.Week.Uptime()
	if !ok {
		return -1
	}
	return part
}

func cardOf(l *lists.List) card {
	c := card{List: l}
	for _, s := range lists.Skills() {
		if s.Has(l) {
			c.Skills = append(c.Skills, s)
		}
	}
	if l.Added > 0 {
		c.Added = time.Unix(l.Added, 0)
	}
	return c
}

// choice is one value of a control that filters.
type choice struct {
	Key, Label string
	Chosen     bool
}

// indexBody is the body of an index of lists.
type indexBody struct {
	Title, Lead, Path string
	Shelves           []choice
	Filter            filter
	Skills            []choice
	Features          []choice
	Languages         []choice
	Orders            []choice
	Cards             []card
	Total             int
}

// listIndex returns the handler of a shelf.
func (s *Site) listIndex(of shelf) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		c, f := s.Catalog.Current(), filterOf(r.URL.Query())
		body := indexBody{Title: of.title, Lead: of.lead, Path: of.path, Filter: f}
		var spoken []string
		how := byID(s.all.of(c))
		for _, l := range c.Lists() {
			if !of.holds(l) {
				continue
			}
			body.Total++
			spoken = append(spoken, l.Languages()...)
			if f.Takes(l) {
				one := cardOf(l)
				one.Week = how[l.ID].Week
				body.Cards = append(body.Cards, one)
			}
		}
		body.choices(c, spoken, of)
		i := slices.IndexFunc(orders, func(o order) bool { return o.Key == f.Sort })
		slices.SortFunc(body.Cards, orders[i].compare)
		return s.render(w, r, http.StatusOK, "lists", view{
			Title: of.title, Description: of.lead, Nav: "lists", Twin: "/api/lists", AsOf: s.Now(), NoIndex: r.URL.RawQuery != "", Body: body,
		})
	}
}

// choices fills in what can be chosen.
func (b *indexBody) choices(c *catalog.Catalog, spoken []string, of shelf) {
	for _, one := range shelves {
		b.Shelves = append(b.Shelves, choice{one.path, one.title, one.path == of.path})
	}
	for _, one := range lists.Skills() {
		b.Skills = append(b.Skills, choice{one.Key, one.Label, slices.Contains(b.Filter.Can, one.Key)})
	}
	for _, one := range c.Features() {
		b.Features = append(b.Features, choice{one.ID, one.Name, slices.Contains(b.Filter.Features, one.ID)})
	}
	slices.Sort(spoken)
	for _, one := range slices.Compact(spoken) {
		b.Languages = append(b.Languages, choice{one, one, one == b.Filter.Language})
	}
	for _, one := range orders {
		b.Orders = append(b.Orders, choice{one.Key, one.Label, one.Key == b.Filter.Sort})
	}
}

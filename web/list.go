package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"aggregator/catalog"
	"aggregator/lists"
)

// fact is one line of what is known of a list.
type fact struct {
	Name, Text string
	URL        string // where it leads; "" for nowhere
}

// listBody is the body of a list's page.
type listBody struct {
	card
	Facts    []fact
	Has, Not []catalog.Feature
	Post     string // the command that posts a count to it through this service; "" if it takes none
	ListKey  bool   // the list numbers bots itself
	Requests []request
	Lacks    []string // what it is not asked, and why
	Webhook  *webhook // nil: it tells of no votes
	Widget   *widget  // nil: it has none
	Reports  bool     // it takes some report
	Health   *listHealth
	Sources  []string
	Legacy   []string // ids that it once had
}

// list answers with the page of a list.
func (s *Site) list(w http.ResponseWriter, r *http.Request) error {
	c, id := s.Catalog.Current(), r.PathValue("id")
	l, ok := c.List(id)
	switch {
	case !ok:
		return errNotFound
	case l.ID != id:
		s.redirect(w, r, "/lists/"+url.PathEscape(l.ID))
		return nil
	}
	body := bodyOf(c, l, s.origin(r))
	body.Widget = widgetOf(l, r)
	if how, ok := s.how(l); ok {
		body.Health = newListHealth(how)
		body.Health.Days = drawBars(how.Days, barDays)
	}
	return s.render(w, r, http.StatusOK, "list", view{
		Title: l.Name + " (" + l.ID + ")", Description: l.Description, Nav: "lists", Twin: "/api/lists/" + url.PathEscape(l.ID), AsOf: s.Now(),
		NoIndex: r.URL.RawQuery != "", Body: body,
	})
}

func bodyOf(c *catalog.Catalog, l *lists.List, origin string) listBody {
	b := listBody{card: cardOf(l), Facts: factsOf(l), ListKey: l.NeedsListBotID(), Sources: l.Source}
	for _, f := range c.Features() {
		if slices.Contains(l.Features, f.ID) {
			b.Has = append(b.Has, f)
		} else {
			b.Not = append(b.Not, f)
		}
	}
	for from := range c.LegacyIDs() {
		if to, ok := c.List(from); ok && to == l {
			b.Legacy = append(b.Legacy, from)
		}
	}
	slices.Sort(b.Legacy)
	if !l.Defunct {
		b.Requests, b.Lacks = requestsOf(l)
		b.Webhook = webhookOf(l, origin)
		b.Reports = l.TakesReports()
	}
	if l.TakesCounts() {
		b.Post = postTo(l, origin)
	}
	return b
}

// factsOf returns the lines of a list that are known.
func factsOf(l *lists.List) []fact {
	all := []fact{
		{"Home", shortURL(l.URL), l.URL},
		{"API documentation", shortURL(l.APIDocs), l.APIDocs},
		{"Discord server", shortURL(l.Discord), l.Discord},
		{"Languages", l.Language, ""},
		{"Owners", l.Owners, ""},
		{"A bot's page", l.ViewBot, ""},
		{"A bot's widget", l.BotWidget, ""},
		{"Last checked", l.Checked, ""},
	}
	if l.Added > 0 {
		all = append(all, fact{"Listed since", time.Unix(l.Added, 0).UTC().Format("2006-01-02"), ""})
	}
	all = slices.DeleteFunc(all, func(f fact) bool { return f.Text == "" })
	for i := range all {
		all[i].URL = link(all[i].URL)
	}
	return all
}

// shortURL returns a URL as people write it.
func shortURL(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return strings.TrimPrefix(u.Host, "www.") + strings.TrimSuffix(u.Path, "/")
}

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

// The count that pages show as an example.
const (
	exampleBot     = "123456789012345678"
	exampleServers = 1234
	exampleAgent   = "MyBot/1.0"
)

// fact is one line of what is known of a list.
type fact struct {
	Name, Text string
	URL        string // where it leads; "" for nowhere
}

// request is a request to a list as an example shows it.
type request struct {
	Title, Curl string
	Rules       []string
	Why         string // there is none, because of this; "" if there is one
}

// listBody is the body of a list's page.
type listBody struct {
	card
	Facts    []fact
	Has, Not []catalog.Feature
	Requests []request
	ListKey  bool // the list numbers bots itself
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
	body := bodyOf(c, l)
	if how, ok := s.how(l); ok {
		body.Health = newListHealth(how)
		body.Health.Days = drawBars(how.Days, barDays)
	}
	return s.render(w, r, http.StatusOK, "list", view{
		Title: l.Name + " (" + l.ID + ")", Description: l.Description, Nav: "lists", Twin: "/api/lists/" + url.PathEscape(l.ID), AsOf: s.Now(), Body: body,
	})
}

func bodyOf(c *catalog.Catalog, l *lists.List) listBody {
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
		b.Requests = requestsOf(l)
	}
	return b
}

// factsOf returns the lines of a list that are known.
func factsOf(l *lists.List) []fact {
	all := []fact{
		{"Home", hostOf(l.URL), l.URL},
		{"API documentation", hostOf(l.APIDocs), l.APIDocs},
		{"Discord server", hostOf(l.Discord), l.Discord},
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

func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return strings.TrimPrefix(u.Host, "www.")
}

// requestsOf returns what the list is sent, as examples.
func requestsOf(l *lists.List) []request {
	token := lists.NewToken("token", "42")
	post := request{Title: "A count", Rules: l.PostRules()}
	if call, why := l.PlanPost(lists.Count{BotID: exampleBot, ServerCount: exampleServers}, token, exampleAgent); why != nil {
		post = request{Title: post.Title, Why: why.String()}
	} else {
		post.Curl = curl(call.Masked())
	}
	read := request{Title: "A reading of a bot", Rules: l.ReadLimits()}
	if call, why := l.PlanRead(exampleBot, token, exampleAgent); why != nil {
		read = request{Title: read.Title, Why: why.String()}
	} else {
		read.Curl = curl(call.Masked())
	}
	return []request{post, read}
}

// curl returns a request as a command for a shell.
func curl(r lists.Request) string {
	var b strings.Builder
	b.WriteString("curl")
	if r.Method != http.MethodGet {
		b.WriteString(" -X " + r.Method)
	}
	b.WriteString(" " + quoted(r.URL))
	for _, h := range r.Header {
		b.WriteString(" \\\n  -H " + quoted(h.Name+": "+h.Value))
	}
	if len(r.Body) > 0 {
		b.WriteString(" \\\n  -d " + quoted(string(r.Body)))
	}
	return b.String()
}

// quoted returns a word that a shell takes as it is.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

package web

import (
	"html/template"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"aggregator/lists"
)

// shown returns the ids of the lists that an index shows, in order.
func shown(s *Site, path string) []string {
	var ids []string
	for _, m := range regexp.MustCompile(`data-find="(\S+) `).FindAllStringSubmatch(get(s, http.MethodGet, path).Body.String(), -1) {
		ids = append(ids, m[1])
	}
	return ids
}

func TestIndex(t *testing.T) {
	s := newSite(t, nil)
	c := s.Catalog.Current()
	want := func(shelf shelf, takes func(*lists.List) bool) []string {
		var all []*lists.List
		for _, l := range c.Lists() {
			if shelf.holds(l) && takes(l) {
				all = append(all, l)
			}
		}
		slices.SortFunc(all, byName)
		var ids []string
		for _, l := range all {
			ids = append(ids, l.ID)
		}
		return ids
	}
	some := livingLists(c)[0]
	feature := c.Features()[3].ID
	for _, tt := range []struct {
		name, path string
		want       []string
	}{
		{"all", "/lists", want(living, func(*lists.List) bool { return true })},
		{"defunct", "/lists/defunct", want(defunct, func(*lists.List) bool { return true })},
		{"hidden", "/lists/hidden", want(hidden, func(*lists.List) bool { return true })},
		{"takes counts", "/lists?can=counts", want(living, (*lists.List).TakesCounts)},
		{"both", "/lists?can=counts&can=reads", want(living, func(l *lists.List) bool { return l.TakesCounts() && l.Readable() })},
		{"tells who voted", "/lists?can=votes", want(living, func(l *lists.List) bool { return l.Supports(lists.Votes) })},
		{"sends votes", "/lists?can=webhook", want(living, func(l *lists.List) bool { return l.Webhook() != nil })},
		{"takes commands", "/lists?can=commands", want(living, func(l *lists.List) bool { return l.Supports(lists.Commands.Op) })},
		{"takes heartbeats", "/lists?can=heartbeats", want(living, func(l *lists.List) bool { return l.Supports(lists.Heartbeat.Op) })},
		{"feature", "/lists?feature=" + feature, want(living, func(l *lists.List) bool { return slices.Contains(l.Features, feature) })},
		{"search by id", "/lists?q=" + url.QueryEscape(" "+strings.ToUpper(some.ID)+" "), []string{some.ID}},
		{"nothing found", "/lists?q=nothing-is-called-so", nil},
		{"an unknown filter", "/lists?can=fly&sort=weight&language=", want(living, func(*lists.List) bool { return true })},
	} {
		if got := shown(s, tt.path); !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
	newest := shown(s, "/lists?sort=newest")
	if !slices.IsSortedFunc(newest, func(a, b string) int {
		x, _ := c.List(a)
		y, _ := c.List(b)
		return int(y.Added - x.Added)
	}) {
		t.Errorf("newest first: got %v", newest)
	}
}

func TestIndexByUptime(t *testing.T) {
	how := fixedHealth{}
	s := newSite(t, func(c *Config) { c.Health = how })
	some := livingLists(s.Catalog.Current())
	some = slices.DeleteFunc(some, func(l *lists.List) bool { return !l.IsAsked() })
	how[some[0].ID], how[some[1].ID], how[some[2].ID] = downList, wellList, troubledList
	if got, want := shown(s, "/lists?sort=uptime")[:3], []string{some[1].ID, some[2].ID, some[0].ID}; !slices.Equal(got, want) {
		t.Errorf("got %v first, want %v", got, want)
	}
	if body := get(s, http.MethodGet, "/lists").Body.String(); !strings.Contains(body, "4.18% in 7 days") || strings.Count(body, "in 7 days") != 3 {
		t.Error("the index shows not the uptime of the three lists that have one alone")
	}
}

// TestIndexEscapes holds that what is searched for stays a text.
func TestIndexEscapes(t *testing.T) {
	s := newSite(t, nil)
	body := get(s, http.MethodGet, "/lists?q="+url.QueryEscape(`"><script>alert(1)</script>`)).Body.String()
	if strings.Contains(body, "<script>alert") {
		t.Error("what was searched for became a script")
	}
	if !strings.Contains(body, "No list is like that") {
		t.Error("nothing says that nothing was found")
	}
}

// TestListPage holds that the page of every list shows what it is sent.
func TestListPage(t *testing.T) {
	s := newSite(t, nil)
	for _, l := range s.Catalog.Current().Lists() {
		w := get(s, http.MethodGet, "/lists/"+l.ID)
		body := w.Body.String()
		if w.Code != http.StatusOK {
			t.Errorf("%s: status %d", l.ID, w.Code)
			continue
		}
		if got := strings.Contains(body, "Gone."); got != l.Defunct {
			t.Errorf("%s: says that it is gone: %v, want %v", l.ID, got, l.Defunct)
		}
		for says, want := range map[string]bool{
			"To post a count": l.TakesCounts(), "Post to it from here": l.TakesCounts(), "&#34;server_count&#34;: 1234": l.TakesCounts(),
			"It takes no counts": !l.TakesCounts() && !l.Defunct, "To read a bot": l.Readable(), "It cannot be asked about a bot": !l.Readable() && !l.Defunct,
			"To ask whether a user has voted": l.Supports(lists.Votes), "How it tells of votes": l.Webhook() != nil,
			"http://lists.example/hooks/" + exampleBot + "/" + l.ID: l.Webhook() != nil, "How it does": l.IsAsked(),
			"It takes no commands, heartbeats or other reports.": !l.TakesReports() && !l.Defunct,
			`href="/docs/reports">in one request`:                l.TakesReports(),
			`id="widget"`:                                        l.Widget() != nil && !l.Defunct, "The list's number of it": l.Widget() != nil && l.Widget().NeedsListBotID(),
		} {
			if strings.Contains(body, says) != want {
				t.Errorf("%s: the page says %q: %t, want %t", l.ID, says, !want, want)
			}
		}
		for _, kind := range lists.Reports() {
			if title := "<h3>To " + template.HTMLEscapeString(kind.Does) + "</h3>"; strings.Contains(body, title) != l.Supports(kind.Op) {
				t.Errorf("%s: the page has %q: %t, want %t", l.ID, title, !l.Supports(kind.Op), l.Supports(kind.Op))
			}
			for _, rule := range l.ReportRules(kind) {
				if !l.Defunct && !strings.Contains(body, "<li>"+template.HTMLEscapeString(rule)+"</li>") {
					t.Errorf("%s: the page does not say of %s: %s", l.ID, kind.Op.Name, rule)
				}
			}
		}
		if l.TakesCounts() && !strings.Contains(body, "***") {
			t.Errorf("%s: the page shows no masked secret", l.ID)
		}
	}
}

func TestCurl(t *testing.T) {
	got := curl(lists.Request{Method: "PUT", URL: "https://list.example/it's?a=1", Header: []lists.Header{{Name: "A", Value: "b"}}, Body: []byte(`{"n":1}`)})
	want := "curl -X PUT 'https://list.example/it'\\''s?a=1' \\\n  -H 'A: b' \\\n  -d '{\"n\":1}'"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

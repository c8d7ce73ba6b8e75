package web

import (
	"cmp"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"

	"aggregator/catalog"
	"aggregator/lists"
)

// docPage is a page of the documentation, as the pages of it name each other.
type docPage struct {
	Path, Label string
	Title       string
	Guide       string // the file that it is made of; "" for one of another kind
}

// dialectPath is the page about adding a list.
const dialectPath = "/docs/dialect"

// clientsPath is the page about clients. What it hands out lies below it.
const clientsPath = "/docs/clients"

var docPages = []docPage{
	{"/docs", "API", "API reference", ""},
	{"/docs/libraries", "Libraries", "Compatibility", "docs/compatibility.md"},
	{clientsPath, "Clients", "Clients", "docs/clients.md"},
	{"/docs/votes", "Votes", "Votes", "docs/votes.md"},
	{"/docs/reports", "Reports", "More than counts", "docs/reports.md"},
	{"/docs/own-bots", "Own bots", "Your own bots", "docs/own-bots.md"},
	{"/docs/shards", "Shards", "Bots whose shards run in many processes", "docs/sharded-bots.md"},
	{dialectPath, "Add a list", "How to add a list", "CONTRIBUTING.md"},
	{"/docs/why", "Failures", "Why did my post fail?", ""},
	{"/docs/badge", "Badge", "A badge for a README", ""},
}

// docs are the pages of the documentation.
type docs struct {
	*Site
	reference *reference

	mu         sync.Mutex
	generation uint64                   // of the catalog that what follows is made of
	guides     map[string]template.HTML // by path
	operations map[string]template.HTML // of the reference, by the language of its examples
}

// handleDocs serves the documentation. It panics where what is built in is
// broken, which tests see.
func (s *Site) handleDocs() {
	d := &docs{Site: s}
	if s.OpenAPI != nil {
		r, err := newReference(s.OpenAPI)
		if err != nil {
			panic(err)
		}
		d.reference = r
		s.handle("/docs", d.api)
	}
	s.handle("/docs/why", s.why)
	s.mux.HandleFunc("POST /docs/why", func(w http.ResponseWriter, r *http.Request) {
		if err := s.why(w, r); err != nil {
			s.fail(w, r, err)
		}
	})
	s.handle("/docs/badge", s.badgeBuilder)
	for _, p := range docPages {
		if p.Guide != "" && s.Guides != nil {
			s.handle(p.Path, d.guide(p))
		}
	}
	if s.Guides != nil {
		s.handle(clientsPath+"/{file}", d.client)
	}
}

// clientTypes are the types of clients that are handed out, by the ends of their
// names.
var clientTypes = map[string]string{".mjs": "text/javascript; charset=utf-8", ".py": "text/x-python; charset=utf-8"}

// client answers with a client, for bots to copy.
func (d *docs) client(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("file")
	kind := clientTypes[path.Ext(name)]
	source, err := fs.ReadFile(d.Guides, "clients/"+name)
	if err != nil || kind == "" {
		return errNotFound
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", "max-age=3600")
	writePacked(w, r, http.StatusOK, source, nil)
	return nil
}

// make renders what is the same for all who read it, unless it is made of the
// current catalog already. The first reader waits for it, and no start does.
func (d *docs) make() (err error) {
	c := d.Catalog.Current()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.guides != nil && d.generation == c.Generation() {
		return nil
	}
	if d.guides, err = d.makeGuides(c); err != nil {
		return err
	}
	d.operations, err = d.makeOperations(c)
	d.generation = c.Generation()
	return err
}

// made returns a page, or the operations, of what make has rendered, for the
// instance that a request has reached.
func (d *docs) made(r *http.Request, of *map[string]template.HTML, key string) (template.HTML, error) {
	if err := d.make(); err != nil {
		return "", err
	}
	d.mu.Lock()
	html := (*of)[key]
	d.mu.Unlock()
	origin := template.HTMLEscapeString(d.origin(r))
	here := strings.NewReplacer("http://localhost:8080", origin, "localhost:8080", origin, "https://YOUR-HOST", origin, "https://aggregator.example", origin)
	return template.HTML(here.Replace(string(html))), nil //nolint:gosec // what is put in is escaped
}

// makeGuides returns the guides as HTML, by their paths.
func (d *docs) makeGuides(c *catalog.Catalog) (map[string]template.HTML, error) {
	all := map[string]template.HTML{}
	if d.Guides == nil {
		return all, nil
	}
	for _, p := range docPages {
		if p.Guide == "" {
			continue
		}
		source, err := fs.ReadFile(d.Guides, p.Guide)
		if err != nil {
			return nil, err
		}
		if p.Path == dialectPath {
			source = slices.Concat([]byte("# "+p.Title+"\n"), markdownSection(source, "A list in five minutes"), demoted(catalog.FormatPage()))
		}
		html, err := renderMarkdown(withTables(source, c), d.guideLink)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.Guide, err)
		}
		all[p.Path] = html
	}
	return all, nil
}

// makeOperations returns the operations of the API as HTML, by the language of
// their examples.
func (d *docs) makeOperations(c *catalog.Catalog) (map[string]template.HTML, error) {
	all := map[string]template.HTML{}
	if d.reference == nil {
		return all, nil
	}
	for _, l := range exampleLanguages {
		html, err := d.fill("operations", operationsBody{d.reference, l, c})
		if err != nil {
			return nil, err
		}
		all[l.Key] = template.HTML(html) //nolint:gosec // of a template
	}
	return all, nil
}

// operationsBody is what is shown of the operations of the API.
type operationsBody struct {
	*reference
	language language
	catalog  *catalog.Catalog
}

// ExampleOf returns the example of an operation.
func (b operationsBody) ExampleOf(op apiOperation) string {
	e, list := op.example, exampleListOf(b.catalog, op.Part)
	e.method, e.url, e.keyed = op.Method, "http://localhost:8080"+examplePath(op.Path, list), op.Key == "needed"
	e.body = exampleBody(e.body, list)
	return b.language.write(e)
}

// withTables returns a guide in which the tables of lists are those of a catalog.
func withTables(source []byte, c *catalog.Catalog) []byte {
	page := string(source)
	for _, t := range catalog.Tables() {
		if before, _, after, ok := t.In(page); ok {
			page = before + string(t.Of(c)) + "\n" + after
		}
	}
	return []byte(page)
}

// guideLink returns where a file that a guide names is; "" if it is no page.
func (d *docs) guideLink(to string) string {
	file, fragment, has := strings.Cut(to, "#")
	if has {
		fragment = "#" + fragment
	}
	name := path.Base(file)
	if _, err := fs.Stat(d.Guides, "clients/"+name); err == nil {
		return d.path(clientsPath + "/" + name)
	}
	switch name {
	case "lists-format.md":
		return d.path(dialectPath) + cmp.Or(fragment, "#the-format-of-lists-files")
	case "api.md":
		return d.path("/docs")
	case "pages.md": // each of its headings is a page
		return d.path("/" + strings.TrimPrefix(fragment, "#"))
	}
	for _, p := range docPages {
		switch {
		case name == "" || strings.TrimPrefix(p.Guide, "docs/") != name:
		case p.Path == dialectPath: // a section of that file
			return d.path(p.Path)
		default:
			return d.path(p.Path) + fragment
		}
	}
	return ""
}

// docBody is the body of a page of the documentation.
type docBody struct {
	Tabs []docTab
	HTML template.HTML
}

// docTab is a page of the documentation in the navigation among them.
type docTab struct {
	docPage
	Chosen bool
}

func docTabs(path string) []docTab {
	all := make([]docTab, len(docPages))
	for i, p := range docPages {
		all[i] = docTab{p, p.Path == path}
	}
	return all
}

// guide answers with a page that is made of a file.
func (d *docs) guide(p docPage) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		html, err := d.made(r, &d.guides, p.Path)
		if err != nil {
			return err
		}
		return d.render(w, r, http.StatusOK, "guide", view{Title: p.Title, Nav: "docs", Body: docBody{docTabs(p.Path), html}})
	}
}

// referenceBody is the body of the reference of the API.
type referenceBody struct {
	docBody
	*reference
	Operations template.HTML
	Languages  []choice
	Origin     string
	Example    string // what the dry run begins with
	Curl       string // does the same
}

// api answers with the reference of the API.
func (d *docs) api(w http.ResponseWriter, r *http.Request) (err error) {
	chosen, list := chosenLanguage(r.URL.Query().Get("lang")), exampleList(d.Catalog.Current())
	body := referenceBody{docBody: docBody{Tabs: docTabs("/docs")}, reference: d.reference, Origin: d.origin(r)}
	for _, l := range exampleLanguages {
		body.Languages = append(body.Languages, choice{l.Key, l.Label, l.Key == chosen.Key})
	}
	body.Example = fmt.Sprintf("{\n  \"bot_id\": %q,\n  \"server_count\": %d,\n  %q: \"your-token-there\"\n}", exampleBot, exampleServers, list)
	body.Curl = "curl " + quoted(body.Origin+"/api/count?dry_run=1") + " -d " + quoted(exampleBody(body.Example, list))
	if body.Operations, err = d.made(r, &d.operations, chosen.Key); err != nil {
		return err
	}
	return d.render(w, r, http.StatusOK, "reference", view{
		Title: "API reference", Description: "Every request that this instance takes, and what it answers.", Nav: "docs", NoIndex: r.URL.RawQuery != "", Body: body,
	})
}

// exampleList returns the id of a list that takes counts.
func exampleList(c *catalog.Catalog) string {
	for _, l := range livingLists(c) {
		if l.TakesCounts() && !l.NeedsListBotID() {
			return l.ID
		}
	}
	return "list.example"
}

// exampleListOf returns the id of a list that takes reports of a part of its entry;
// that of exampleList where there is none.
func exampleListOf(c *catalog.Catalog, part string) string {
	for _, kind := range lists.Reports() {
		takes := func(l *lists.List) bool { return kind.Part == part && l.Supports(kind.Op) }
		all := livingLists(c)
		i := slices.IndexFunc(all, func(l *lists.List) bool { return takes(l) && !l.NeedsListBotID() })
		if i < 0 {
			i = slices.IndexFunc(all, takes)
		}
		if i >= 0 {
			return all[i].ID
		}
	}
	return exampleList(c)
}

// badgeBody is the body of the page that makes badges.
type badgeBody struct {
	docBody
	ID, Show            string
	Shows               []choice
	Wrong               string // what is wrong with the id; "" for nothing
	Picture             string // where it is, below this host; "" before an id is given
	URL, Markdown, HTML string
}

// badgeBuilder answers with the page that makes badges.
func (s *Site) badgeBuilder(w http.ResponseWriter, r *http.Request) error {
	b := badgeBody{docBody: docBody{Tabs: docTabs("/docs/badge")}, ID: strings.TrimSpace(r.FormValue("id")), Show: r.FormValue("show")}
	kinds := BadgeKinds()
	if !slices.Contains(kinds, b.Show) {
		b.Show = kinds[0]
	}
	for _, kind := range kinds {
		b.Shows = append(b.Shows, choice{kind, strings.ToUpper(kind[:1]) + kind[1:], kind == b.Show})
	}
	switch {
	case b.ID == "":
	case !lists.IsSnowflake(b.ID):
		b.Wrong = "The id of a bot is 16 to 20 digits, such as " + exampleBot + "."
	default:
		path := "/api/bots/" + b.ID + "/badge.svg"
		if b.Show != kinds[0] {
			path += "?show=" + b.Show
		}
		page := s.origin(r) + "/bots/" + b.ID
		b.Picture, b.URL = s.path(path), s.origin(r)+path
		b.Markdown = "[![" + b.Show + "](" + b.URL + ")](" + page + ")"
		b.HTML = `<a href="` + page + `"><img src="` + b.URL + `" alt="` + b.Show + `"></a>`
	}
	return s.render(w, r, http.StatusOK, "badge", view{Title: "A badge for a README", Nav: "docs", NoIndex: r.URL.RawQuery != "", Body: b})
}

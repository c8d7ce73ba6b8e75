package web

import (
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	data "aggregator"
	"aggregator/lists"
)

func textLog(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }

func docPaths() (all []string) {
	for _, p := range docPages {
		all = append(all, p.Path)
	}
	return all
}

// TestDocLinks holds that links among pages of the documentation lead somewhere,
// within a page too.
func TestDocLinks(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *Config) { c.BasePath = "/base" })
	ids := map[string][]string{}
	idOf := regexp.MustCompile(` id="([^"]+)"`)
	for _, path := range docPaths() {
		for _, m := range idOf.FindAllStringSubmatch(get(s, http.MethodGet, path).Body.String(), -1) {
			if slices.Contains(ids[path], m[1]) {
				t.Errorf("%s: the id %s is there twice", path, m[1])
			}
			ids[path] = append(ids[path], m[1])
		}
	}
	for _, path := range docPaths() {
		body := get(s, http.MethodGet, path).Body.String()
		for _, m := range regexp.MustCompile(`href="([^"]+)"`).FindAllStringSubmatch(body, -1) {
			to, fragment, _ := strings.Cut(m[1], "#")
			if to == "" || strings.HasPrefix(to, "?lang=") {
				to = "/base" + path
			}
			to, ours := strings.CutPrefix(to, "/base")
			if !ours {
				continue
			}
			if !strings.HasPrefix(to, "/api/") && get(s, http.MethodGet, to).Code != http.StatusOK {
				t.Errorf("%s leads to %s, which is no page", path, m[1])
			}
			if fragment != "" && strings.HasPrefix(to, "/docs") && !slices.Contains(ids[to], fragment) {
				t.Errorf("%s leads to %s, and no such id is there", path, m[1])
			}
		}
	}
}

// TestDocsNameThisInstance holds that examples have the address of the instance
// that shows them.
func TestDocsNameThisInstance(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*Config){
		"http://lists.example/botlists":  func(c *Config) { c.BasePath = "/botlists" },
		"https://lists.example/botlists": func(c *Config) { c.BasePath, c.Scheme = "/botlists", func(*http.Request) string { return "https" } },
		"https://public.example":         func(c *Config) { c.PublicURL = "https://public.example" },
	} {
		s := newSite(t, change)
		for _, path := range []string{"/docs", "/docs/libraries", "/docs/clients", "/docs/votes", "/docs/reports", "/docs/own-bots", "/docs/shards", "/docs/badge?id=123456789012345678"} {
			body := get(s, http.MethodGet, path).Body.String()
			if !strings.Contains(body, want+"/") || strings.Contains(body, "localhost:8080") || strings.Contains(body, "YOUR-HOST") {
				t.Errorf("%s does not name %s alone", path, want)
			}
		}
	}
}

// TestClientsAreHandedOut holds that the page about clients leads to them, as they
// are.
func TestClientsAreHandedOut(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *Config) { c.BasePath = "/base" })
	page := get(s, http.MethodGet, "/docs/clients").Body.String()
	names, err := fs.Glob(data.Guides, "clients/*")
	if err != nil || len(names) < 2 {
		t.Fatalf("%d clients: %v", len(names), err)
	}
	for _, name := range names {
		want, err := fs.ReadFile(data.Guides, name)
		if err != nil {
			t.Fatal(err)
		}
		got := get(s, http.MethodGet, "/docs/"+name)
		if got.Code != http.StatusOK || got.Body.String() != string(want) || !strings.HasPrefix(got.Header().Get("Content-Type"), "text/") {
			t.Errorf("%s: got %d, %s, %d bytes, want its %d bytes", name, got.Code, got.Header().Get("Content-Type"), got.Body.Len(), len(want))
		}
		if !strings.Contains(page, `href="/base/docs/`+name+`"`) {
			t.Errorf("the page does not lead to %s", name)
		}
	}
	for _, name := range []string{"nothing.mjs", "aggregator", "..", "%2e%2e%2fdocs%2fvotes.md"} {
		if got := get(s, http.MethodGet, "/docs/clients/"+name); got.Code == http.StatusOK && !strings.Contains(got.Body.String(), "<html") {
			t.Errorf("%s is handed out", name)
		}
	}
}

// kindOf returns the kind of reports that a part of entries is of; nil if there is
// none.
func kindOf(part string) *lists.Report {
	i := slices.IndexFunc(lists.Reports(), func(kind *lists.Report) bool { return kind.Part == part })
	if i < 0 {
		return nil
	}
	return lists.Reports()[i]
}

// TestReference holds that the reference shows each operation and object, and
// that the language of examples is the one in the URL.
func TestReference(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	r, err := newReference(s.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	body := get(s, http.MethodGet, "/docs").Body.String()
	if want := "<code>month</code>, <code>quarter</code>, <code>null</code>"; !strings.Contains(body, want) {
		t.Errorf("the reference does not say %s", want)
	}
	operations, reports := 0, 0
	for _, g := range r.Groups {
		for _, op := range g.Operations {
			operations++
			if !strings.Contains(body, `<h3 id="`+op.ID+`">`) {
				t.Errorf("%s is not shown", op.ID)
			}
			if kind := kindOf(op.Part); kind != nil {
				reports++
				c := s.Catalog.Current()
				if l, ok := c.List(exampleListOf(c, op.Part)); !ok || !l.Supports(kind.Op) {
					t.Errorf("%s: its example is of a list that takes none", op.ID)
				}
			}
			if strings.Contains(op.example.body, "false") || strings.Contains(op.example.body, "null") {
				t.Errorf("%s: the example %s is not one in every language", op.ID, op.example.body)
			}
			if strings.Contains(op.example.body, " token") || strings.Contains(op.example.body, " key") {
				t.Errorf("%s: the example %s holds a token with a space, which lists refuse", op.ID, op.example.body)
			}
		}
	}
	if reports != len(lists.Reports()) {
		t.Errorf("%d operations have an x-part, want one for each of %d kinds of reports", reports, len(lists.Reports()))
	}
	if operations < 20 || len(r.Schemas) < 10 {
		t.Errorf("%d operations and %d objects, want more", operations, len(r.Schemas))
	}
	for key, part := range map[string]string{"": "curl -d", "curl": "curl -d", "js": "await fetch(", "python": "urllib.request.urlopen(", "go": "http.NewRequest(", "cobol": "curl -d"} {
		body := get(s, http.MethodGet, "/docs?lang="+key).Body.String()
		if !strings.Contains(body, part) {
			t.Errorf("lang=%s: no %s in it", key, part)
		}
		if want := `aria-current="true"`; strings.Count(body, want) != 2 { // of the navigation, and of languages
			t.Errorf("lang=%s: %d are chosen, want 2", key, strings.Count(body, want))
		}
	}
}

// TestExamplesAreCode parses the examples in each language whose tools are there.
func TestExamplesAreCode(t *testing.T) {
	t.Parallel()
	checks := map[string]func(*testing.T, string) error{
		"go": func(_ *testing.T, code string) error {
			_, err := parser.ParseFile(token.NewFileSet(), "x.go", "package x\nfunc f() error {\n"+code+"\n}\n", parser.AllErrors)
			return err
		},
		"js": func(t *testing.T, code string) error {
			return runOn(t, code, "node", "--input-type=module", "--check")
		},
		"python": func(t *testing.T, code string) error {
			return runOn(t, code, "python3", "-c", "import ast, sys; ast.parse(sys.stdin.read())")
		},
		"curl": func(t *testing.T, code string) error { return runOn(t, code, "sh", "-n") },
	}
	examples := []apiExample{
		{"GET", "https://lists.example/api/lists", "", false},
		{"POST", "https://lists.example/api/count", `{"bot_id": "1", "it's": {"0": 5}}`, false},
		{"POST", "https://lists.example/api/x", "", true},
		{"PATCH", "https://lists.example/api/x", `{"a": "b"}`, true},
	}
	for _, l := range exampleLanguages {
		for _, e := range examples {
			code := l.write(e)
			if err := checks[l.Key](t, code); err != nil {
				t.Errorf("%s: %v\n%s", l.Key, err, code)
			}
		}
	}
}

func runOn(t *testing.T, input, name string, args ...string) error {
	t.Helper()
	path, _ := exec.LookPath(name)
	if path == "" {
		t.Logf("NOT TESTED: no %s", name)
		return nil
	}
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Logf("%s", out)
	}
	return err
}

func TestBadgeBuilder(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *Config) { c.BasePath = "/b" })
	for _, tt := range []struct {
		query string
		want  []string
		not   string
	}{
		{"", []string{"Make"}, "badge.svg"},
		{"?id=123456789012345678", []string{"http://lists.example/b/api/bots/123456789012345678/badge.svg<", "[![servers](http://lists.example/b/api/bots/123456789012345678/badge.svg)](http://lists.example/b/bots/123456789012345678)"}, "aria-invalid"},
		{"?id=+123456789012345678+&show=votes", []string{"badge.svg?show=votes"}, "aria-invalid"},
		{"?id=123456789012345678&show=%22%3E", []string{"badge.svg<"}, "show="},
		{"?id=%3Cb%3E", []string{"16 to 20 digits", "&lt;b&gt;", "aria-invalid"}, "badge.svg"},
	} {
		body := get(s, http.MethodGet, "/docs/badge"+tt.query).Body.String()
		for _, want := range tt.want {
			if !strings.Contains(body, want) {
				t.Errorf("%s: no %s in it", tt.query, want)
			}
		}
		if strings.Contains(body, tt.not) {
			t.Errorf("%s: %s is in it", tt.query, tt.not)
		}
	}
}

func TestRenderMarkdown(t *testing.T) {
	t.Parallel()
	html, err := renderMarkdown([]byte("# A `b` c_d\n\n<script>x</script>\n\n[a](docs/a.md#x) [gone](gone.md) [js](javascript:x) [out](https://out.example/)\n\n| a | |\n|---|---|\n| `<` | [x](#a-b-c_d) |\n\n    <code>\n"),
		func(to string) string {
			if file, fragment, _ := strings.Cut(to, "#"); file == "docs/a.md" {
				return "/a#" + fragment
			}
			return ""
		})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`<h1 id="a-b-c_d">`, `<a href="/a#x">a</a> gone js <a href="https://out.example/" rel="nofollow noopener noreferrer">`, `<th scope="col">a</th>`, `<td></td>`, "<code>&lt;</code>", "<pre tabindex=\"0\"><code>&lt;code&gt;"} {
		if !strings.Contains(string(html), want) {
			t.Errorf("no %s in %s", want, html)
		}
	}
	if strings.Contains(string(html), "<script>") || strings.Contains(string(html), "javascript:") {
		t.Errorf("raw HTML is in %s", html)
	}
}

package web

import (
	"bytes"
	"html/template"
	"regexp"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

var (
	markdown     = goldmark.New(goldmark.WithExtensions(extension.Table), goldmark.WithParserOptions(parser.WithAutoHeadingID()))
	htmlComments = regexp.MustCompile(`(?s)<!--.*?-->\n?`)
	// framed is what the pages put around code and tables.
	framed = strings.NewReplacer(
		"<pre><code", `<div class="code"><pre tabindex="0"><code`,
		"</code></pre>", `</code></pre><button type="button" class="copy" hidden>Copy</button></div>`,
		"<table>", `<div class="scroll" tabindex="0" role="region" aria-label="Table"><table>`,
		"</table>", "</table></div>",
		"<th></th>", "<td></td>",
		"<th>", `<th scope="col">`,
	)
)

// renderMarkdown renders a page of the documentation as HTML. Raw HTML in it is
// left out. Links to other pages of the documentation lead to where link says
// that these are, and those for which it says "" become plain text.
func renderMarkdown(source []byte, link func(string) string) (template.HTML, error) {
	source = htmlComments.ReplaceAll(source, nil)
	doc := markdown.Parser().Parse(text.NewReader(source), parser.WithContext(parser.NewContext(parser.WithIDs(headingIDs{}))))
	var unlinked []*ast.Link
	err := ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		l, ok := n.(*ast.Link)
		if !ok || !entering {
			return ast.WalkContinue, nil
		}
		switch to := string(l.Destination); {
		case strings.HasPrefix(to, "#"):
		case strings.HasPrefix(to, "http://"), strings.HasPrefix(to, "https://"):
			l.SetAttributeString("rel", []byte("nofollow noopener noreferrer"))
		case link(to) != "":
			l.Destination = []byte(link(to))
		default:
			unlinked = append(unlinked, l)
		}
		return ast.WalkContinue, nil
	})
	if err != nil {
		return "", err
	}
	for _, l := range unlinked {
		for child := l.FirstChild(); child != nil; child = l.FirstChild() {
			l.Parent().InsertBefore(l.Parent(), l, child)
		}
		l.Parent().RemoveChild(l.Parent(), l)
	}
	var b bytes.Buffer
	if err := markdown.Renderer().Render(&b, source, doc); err != nil {
		return "", err
	}
	return template.HTML(framed.Replace(b.String())), nil //nolint:gosec // of files that are built in; raw HTML is left out
}

// headingIDs makes the ids of headings as GitHub does, so that links of the files
// lead to them here too.
type headingIDs map[string]bool

// Generate implements parser.IDs.
func (h headingIDs) Generate(value []byte, _ ast.NodeKind) []byte {
	var b strings.Builder
	for _, r := range strings.ToLower(string(value)) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '_', r == '-':
			b.WriteRune(r)
		case r == ' ':
			b.WriteByte('-')
		}
	}
	id := b.String()
	for id == "" || h[id] {
		id += "-1"
	}
	h[id] = true
	return []byte(id)
}

// Put implements parser.IDs.
func (h headingIDs) Put(value []byte) { h[util.BytesToReadOnlyString(value)] = true }

// markdownSection returns what stands below a heading of the second level, up to
// the next one.
func markdownSection(source []byte, heading string) []byte {
	_, rest, ok := bytes.Cut(source, []byte("\n## "+heading+"\n"))
	if !ok {
		return nil
	}
	if end := bytes.Index(rest, []byte("\n## ")); end >= 0 {
		rest = rest[:end+1]
	}
	return rest
}

var headings = regexp.MustCompile(`(?m)^#{1,5} `)

// demoted returns a page that stands below a heading of another: each of its own
// is a level lower.
func demoted(source []byte) []byte { return headings.ReplaceAll(source, []byte("#$0")) }

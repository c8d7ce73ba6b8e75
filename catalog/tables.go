package catalog

import "strings"

// A Table is what a catalog says of all its living lists, for people, in Markdown.
type Table struct {
	Name  string // of the flag of explain that prints it
	About string // what it says of each list
	Of    func(*Catalog) []byte
}

// Tables returns all tables.
func Tables() []Table {
	return []Table{
		{"webhooks", "how the webhook of each is set up", (*Catalog).WebhookTable},
		{"reports", "which reports (commands, heartbeats and the like) each takes", (*Catalog).ReportTable},
	}
}

// In returns the parts of a page before the table, and after it; ok is false where
// it has no place there. It stands between two comments.
func (t Table) In(page string) (before, table, after string, ok bool) {
	mark := "<!-- aggregator explain --" + t.Name + " -->\n"
	before, rest, ok := strings.Cut(page, mark)
	if !ok {
		return page, "", "", false
	}
	table, after, ok = strings.Cut(rest, "<!-- end -->\n")
	return before + mark, table, "<!-- end -->\n" + after, ok
}

// tableCell returns a text as a cell of a table in Markdown holds it.
func tableCell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

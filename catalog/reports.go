package catalog

import (
	"bytes"
	"fmt"
	"strings"

	"aggregator/lists"
)

// ReportTable returns a table for people, in Markdown: for each living list that
// takes reports, of which kinds, and how much of them.
func (c *Catalog) ReportTable() []byte {
	var b bytes.Buffer
	b.WriteString("| list | what it takes |\n|---|---|\n")
	for _, l := range c.lists {
		var takes []string
		for _, kind := range lists.Reports() {
			if !l.Supports(kind.Op) {
				continue
			}
			what := strings.ReplaceAll(kind.Op.Name, "_", " ")
			if notes := l.ReportNotes(kind); len(notes) > 0 {
				what += " (" + strings.Join(notes, ", ") + ")"
			}
			takes = append(takes, what)
		}
		if len(takes) > 0 {
			fmt.Fprintf(&b, "| %s | %s |\n", tableCell(l.ID), tableCell(strings.Join(takes, "; ")))
		}
	}
	return b.Bytes()
}

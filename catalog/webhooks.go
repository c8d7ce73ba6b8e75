package catalog

import (
	"bytes"
	"fmt"
)

// WebhookTable returns a table for people, in Markdown: for each living list
// that tells of votes, where the address of its webhook goes, which secret proves
// one, and how.
func (c *Catalog) WebhookTable() []byte {
	var b bytes.Buffer
	b.WriteString("| list | where the address goes | which secret | what proves a webhook |\n|---|---|---|---|\n")
	for _, l := range c.lists {
		w := l.Webhook()
		if w == nil {
			continue
		}
		s := w.Setup()
		where := tableCell(s.Where)
		if s.Page != "" {
			where = "[" + where + "](" + s.Page + ")"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", tableCell(l.ID), where, tableCell(s.Secret), tableCell(s.Proof))
	}
	return b.Bytes()
}

package catalog

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// TestWebhookTable checks that the page about votes has what the catalog says of
// webhooks.
func TestWebhookTable(t *testing.T) {
	page, err := os.ReadFile("../docs/votes.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := bytes.Cut(page, []byte("<!-- aggregator explain --webhooks -->\n"))
	table, _, found := bytes.Cut(rest, []byte("<!-- end -->\n"))
	if !found {
		t.Fatal("docs/votes.md lacks the comments between which the table of webhooks stands")
	}
	if want := shipped(t).WebhookTable(); !bytes.Equal(table, want) {
		t.Errorf("the table in docs/votes.md is not of this catalog; put there what go run ./cmd/aggregator explain --webhooks prints:\n%s", want)
	}
}

// TestWebhooksSayWhere checks that the entry of every list that tells of votes
// says where its webhook is set up.
func TestWebhooksSayWhere(t *testing.T) {
	for _, l := range shipped(t).Lists() {
		if w := l.Webhook(); w != nil && (w.Setup().Where == "" || w.Setup().Page == "") {
			t.Errorf("%s: webhook.settings does not say where the address goes; add where and page", l.ID)
		}
	}
}

// TestWebhookTableCells checks that no text of an entry breaks the table.
func TestWebhookTableCells(t *testing.T) {
	c := mustLoad(t, "{}", `lists:
  list.example:
    name: List
    url: https://list.example/
    webhook:
      settings: {where: "Settings | Votes", page: "https://list.example/docs", secret: list}
      proof: {kind: header}
      user: user
  quiet.example:
    name: Quiet
    url: https://quiet.example/
`)
	rows := strings.Split(strings.TrimSpace(string(c.WebhookTable())), "\n")
	const want = `| list.example | [Settings \| Votes](https://list.example/docs) | the list's, shown there | the secret in header Authorization |`
	if len(rows) != 3 || rows[2] != want {
		t.Errorf("got the rows\n%s\nwant the last one\n%s", strings.Join(rows, "\n"), want)
	}
}

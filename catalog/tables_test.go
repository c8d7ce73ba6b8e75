package catalog

import (
	"os"
	"strings"
	"testing"
)

// TestTables checks that the pages about votes and reports have what the catalog
// says of the lists.
func TestTables(t *testing.T) {
	pages := map[string]string{"webhooks": "docs/votes.md", "reports": "docs/reports.md"}
	for _, table := range Tables() {
		name := pages[table.Name]
		page, err := os.ReadFile("../" + name)
		if err != nil {
			t.Errorf("the table of %s stands in %q: %v", table.Name, name, err)
			continue
		}
		_, got, _, ok := table.In(string(page))
		if want := string(table.Of(shipped(t))); !ok || got != want {
			t.Errorf("the table in %s is not of this catalog; put between <!-- aggregator explain --%s --> and <!-- end --> what that prints:\n%s", name, table.Name, want)
		}
	}
}

func TestReportTable(t *testing.T) {
	c := mustLoad(t, "{}", `lists:
  all.example:
    name: All
    url: https://all.example/
    post: {url: "https://all.example/bots/:id", fields: {server_count: n}}
    commands:
      url: https://all.example/commands
      most: {commands: 7}
      fields: {commands: commands}
      command: {name: name}
    heartbeat:
      url: https://all.example/beat
      credential: bridge_key
      fields: {online: online, server_count: n}
      counts: true
    invalidate: {url: "https://all.example/invalidate", method: DELETE}
  alive.example:
    name: Alive
    url: https://alive.example/
    post: {url: "https://alive.example/bots/:id", fields: {server_count: n}}
    heartbeat: {url: "https://alive.example/up", body: none, only_if: online}
    errors: {url: "https://alive.example/error", fields: {message: text, stack: stack}, most: {message: 7}}
  gone.example:
    name: Gone
    url: https://gone.example/
    defunct: 1
    invalidate: {url: "https://gone.example/invalidate"}
  quiet.example:
    name: Quiet
    url: https://quiet.example/
`)
	want := strings.Join([]string{
		"| list | what it takes |", "|---|---|",
		"| alive.example | heartbeats (only if online); errors |",
		"| all.example | commands (at most 7, in its own shape); heartbeats (with the bridge key, only online and server_count, which set the count too); invalidations |",
		"",
	}, "\n")
	if got := string(c.ReportTable()); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

package agent

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"aggregator"
	"aggregator/catalog"
	"aggregator/internal/testkit"
)

// TestDocumentedExample loads the file that docs/own-bots.md shows.
func TestDocumentedExample(t *testing.T) {
	page, err := os.ReadFile("../docs/own-bots.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks, _ := testkit.Blocks(string(page))
	i := slices.IndexFunc(blocks, func(b testkit.Block) bool { return b.Value("file") == "bots.yaml" })
	if i < 0 {
		t.Fatal("the page shows no file")
	}
	text := blocks[i].Text
	c, _, err := catalog.Load(aggregator.BuiltInLists(), catalog.File{})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "bots.yaml")
	if err := os.Mkdir(filepath.Join(dir, "secrets"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{path: text, filepath.Join(dir, "secrets", "dbgg"): "a-token\n"} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	getenv := func(name string) string {
		if name == "NOTIFY_URL" {
			return "https://discord.com/api/webhooks/1/abc"
		}
		return "a secret of twenty characters"
	}
	bots, warnings, err := Load(path, c, LoadOptions{Getenv: getenv})
	if err != nil || len(warnings) > 0 {
		t.Fatalf("warnings %q, error %v, want none", warnings, err)
	}
	if b := bots.Bot("123456789012345678"); b == nil || len(b.Tokens) != 3 || b.Posts == nil || b.Notify == nil || !b.HasKey() {
		t.Errorf("the example's bot is %+v", b)
	}
}

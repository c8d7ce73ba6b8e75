package catalog

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestGoNamesNoList checks that a list is data: code that knows one by its name
// would be wrong about the next. Tests invent lists, or range over the catalog.
func TestGoNamesNoList(t *testing.T) {
	c := shipped(t)
	var ids []string
	for _, l := range c.Lists() {
		ids = append(ids, regexp.QuoteMeta(l.ID))
	}
	for id := range c.legacy {
		ids = append(ids, regexp.QuoteMeta(id))
	}
	name := regexp.MustCompile(`(?i)(?:^|[^\w.-])(` + strings.Join(ids, "|") + `)(?:[^\w-]|$)`)
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".go" {
			return err
		}
		code, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for i, line := range strings.Split(string(code), "\n") {
			if m := name.FindStringSubmatch(line); m != nil {
				t.Errorf("%s:%d names the list %s; use an invented one such as list.example, or a data file", path, i+1, m[1])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

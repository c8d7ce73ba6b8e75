package aggregator_test

import (
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

// importsOf returns what a package and all that it imports, at any depth, import.
func importsOf(t *testing.T, pkg string) map[string][]string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`, pkg).Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	all := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		all[words[0]] = words[1:]
	}
	return all
}

// wayTo returns the shortest chain of imports from one package to one that is
// forbidden; nil if there is none.
func wayTo(imports map[string][]string, from string, forbidden func(string) bool) []string {
	ways := [][]string{{from}}
	seen := map[string]bool{from: true}
	for len(ways) > 0 {
		way := ways[0]
		ways = ways[1:]
		last := way[len(way)-1]
		if forbidden(last) {
			return way
		}
		for _, next := range imports[last] {
			if !seen[next] {
				seen[next] = true
				ways = append(ways, append(slices.Clone(way), next))
			}
		}
	}
	return nil
}

// TestImports: who imports the library alone gets no web framework, no database and
// no metrics, and nothing else that it does not need.
func TestImports(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("there is no go command")
	}
	imports := importsOf(t, ".")
	if len(imports) < 50 || len(imports["aggregator"]) == 0 {
		t.Fatalf("%d packages, the root imports %q", len(imports), imports["aggregator"])
	}
	for what, forbidden := range map[string][]string{
		"echo":       {"github.com/labstack/*"},
		"SQLite":     {"modernc.org/*", "database/sql"},
		"Redis":      {"github.com/gomodule/*", "github.com/redis/*"},
		"Prometheus": {"github.com/prometheus/*"},
		"templates":  {"html/template", "text/template"},
		"Markdown":   {"github.com/yuin/*"},
		"flags":      {"flag"},
		"tests":      {"testing", "aggregator/internal/testkit"},
		"rooms above it": {
			"aggregator/agent", "aggregator/cmd/*", "aggregator/health", "aggregator/httpapi", "aggregator/sandbox",
			"aggregator/store/*", "aggregator/votes", "aggregator/web",
		},
	} {
		way := wayTo(imports, "aggregator", func(pkg string) bool {
			return slices.ContainsFunc(forbidden, func(pattern string) bool { return matches(pattern, pkg) })
		})
		if way != nil {
			t.Errorf("importing the library pulls in %s: %s", what, strings.Join(way, " -> "))
		}
	}
	// What comes from elsewhere is known by name, so that nothing creeps in.
	known := []string{"github.com/pkg/errors", "github.com/sony/gobreaker/v2", "github.com/ulule/limiter/v3", "gopkg.in/yaml.v3", "golang.org/x/*", "vendor/golang.org/x/*"}
	way := wayTo(imports, "aggregator", func(pkg string) bool {
		first, _, _ := strings.Cut(pkg, "/")
		return (strings.Contains(first, ".") || first == "vendor") && !slices.ContainsFunc(known, func(pattern string) bool { return matches(pattern, pkg) })
	})
	if way != nil {
		t.Errorf("the library imports what this test does not know: %s", strings.Join(way, " -> "))
	}
}

// matches reports whether a package is the one of a pattern, or below it where that
// ends with a star.
func matches(pattern, pkg string) bool {
	if dir, below := strings.CutSuffix(pattern, "/*"); below {
		return strings.HasPrefix(pkg, dir+"/")
	}
	return path.Clean(pattern) == pkg
}

// TestWayTo finds the shortest way, and none where there is none.
func TestWayTo(t *testing.T) {
	imports := map[string][]string{"a": {"b", "c"}, "b": {"d"}, "c": {"x/y"}, "d": {"x/y"}, "x/y": {"a"}}
	if got := strings.Join(wayTo(imports, "a", func(p string) bool { return matches("x/*", p) }), " "); got != "a c x/y" {
		t.Errorf("the way to x/y: %q, want a c x/y", got)
	}
	if got := wayTo(imports, "a", func(p string) bool { return matches("z", p) }); got != nil {
		t.Errorf("the way to z: %q, want none", got)
	}
}

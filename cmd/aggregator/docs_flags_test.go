package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"aggregator/internal/testkit"
)

// flagsTable returns the flags of a command as a table in Markdown.
func flagsTable(define func(*flag.FlagSet) action) []byte {
	set := flag.NewFlagSet("", flag.ContinueOnError)
	define(set)
	var b bytes.Buffer
	b.WriteString("| flag | default | |\n|---|---|---|\n")
	set.VisitAll(func(f *flag.Flag) {
		value, usage := flag.UnquoteUsage(f)
		name := strings.TrimSpace("--" + f.Name + " " + value)
		initial := ""
		if f.DefValue != "" {
			initial = "`" + f.DefValue + "`"
		}
		_, _ = fmt.Fprintf(&b, "| `%s` | %s | %s |\n", name, initial, strings.ReplaceAll(usage, "|", `\|`))
	})
	return b.Bytes()
}

// TestFlagsPage checks that docs/operating.md has the flags of serve. With UPDATE=1
// in the environment it writes them there.
func TestFlagsPage(t *testing.T) {
	t.Parallel()
	const name, begin, end = "../../docs/operating.md", "-run TestFlagsPage -->\n", "<!-- end -->\n"
	page, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(page), begin)
	_, after, ended := strings.Cut(rest, end)
	if !ok || !ended {
		t.Fatalf("%s lacks the comments between which the flags stand", name)
	}
	testkit.Golden(t, name, []byte(before+begin+string(flagsTable(serve))+end+after))
}

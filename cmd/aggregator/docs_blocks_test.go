package main

import (
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"aggregator/internal/testkit"
)

// testNames returns the names of all tests and examples of the module.
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	definition := regexp.MustCompile(`(?m)^func ((?:Test|Example)\w*)\(`)
	err := filepath.WalkDir("../..", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range definition.FindAllStringSubmatch(string(text), -1) {
			names[m[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// TestBlocksAreHeld checks that every block of the documents is run, is a file that
// a command uses, or says which test holds it.
func TestBlocksAreHeld(t *testing.T) {
	t.Parallel()
	names := testNames(t)
	for _, document := range documents(t) {
		blocks, indented := testkit.Blocks(readDocument(t, document))
		for _, line := range indented {
			t.Errorf("%s:%d: this block is only indented; put it between fences, with what it is", document, line)
		}
		for i, b := range blocks {
			holder, file := b.Value("held-by"), b.Value("file")
			used := func(later testkit.Block) bool {
				return runs(later) && strings.Contains(later.Text, filepath.Base(file))
			}
			switch {
			case holder != "" && !names[holder]:
				t.Errorf("%s:%d: there is no %s", document, b.Line, holder)
			case holder != "", b.Language == "text" && b.Word("drawing"):
			case file != "" && !slices.ContainsFunc(blocks[i+1:], used):
				t.Errorf("%s:%d: no command of the document uses %s", document, b.Line, file)
			case file == "" && !runs(b) && !b.Word("outside"):
				t.Errorf("%s:%d: this block of %q is not run: make it console or sh, name its file=, or say held-by=TestName", document, b.Line, b.Language)
			case runs(b) && len(b.Commands()) == 0:
				t.Errorf("%s:%d: there is no command in this block", document, b.Line)
			}
		}
	}
}

var (
	codeSpan    = regexp.MustCompile("`([^`\n]+)`")
	programCall = regexp.MustCompile(`(?:^|[\s/'"(])aggregator ([^|;&#]+)`)
	flagWord    = regexp.MustCompile(`^--([a-z][a-z-]*)`)
)

// TestFlagsOfDocuments checks that every command and flag of the program that
// stands in the documents is there.
func TestFlagsOfDocuments(t *testing.T) {
	t.Parallel()
	known := map[string]map[string]bool{} // flags by command, and of all under ""
	known[""] = map[string]bool{"version": true}
	for _, c := range commands() {
		set := flag.NewFlagSet(c.name, flag.ContinueOnError)
		c.define(set)
		known[c.name] = map[string]bool{}
		set.VisitAll(func(f *flag.Flag) { known[c.name][f.Name], known[""][f.Name] = true, true })
	}
	for _, document := range documents(t) {
		text := readDocument(t, document)
		blocks, _ := testkit.Blocks(text)
		var calls []string
		for _, b := range blocks {
			if b.Language == "console" || b.Language == "sh" {
				for _, c := range b.Commands() {
					calls = append(calls, strings.ReplaceAll(c.Text, "\\\n", " "))
				}
			}
		}
		for _, m := range codeSpan.FindAllStringSubmatch(text, -1) {
			calls = append(calls, m[1])
			if f := flagWord.FindStringSubmatch(m[1]); f != nil && !known[""][f[1]] {
				t.Errorf("%s: no command has the flag %s", document, m[1])
			}
		}
		for _, call := range calls {
			for _, m := range programCall.FindAllStringSubmatch(call, -1) {
				checkInvocation(t, document, known, strings.Fields(m[1]))
			}
		}
	}
}

// checkInvocation checks the words after the name of the program.
func checkInvocation(t *testing.T, document string, known map[string]map[string]bool, words []string) {
	t.Helper()
	name := words[0]
	if len(words) > 1 && known[name+" "+words[1]] != nil {
		name += " " + words[1]
	}
	if name == "COMMAND" || strings.HasPrefix(name, "-") {
		return
	}
	flags, ok := known[name]
	if !ok && len(inGroup(sections(), name)) == 0 {
		t.Errorf("%s: there is no command %q in: aggregator %s", document, name, strings.Join(words, " "))
		return
	}
	for _, word := range words {
		if f := flagWord.FindStringSubmatch(word); f != nil && ok && !flags[f[1]] && f[1] != "help" {
			t.Errorf("%s: aggregator %s has no flag --%s", document, name, f[1])
		}
	}
}

// TestLinksOfDocuments checks that links among the files of the repository, and to
// headings in them, lead somewhere.
func TestLinksOfDocuments(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	for _, document := range documents(t) {
		for _, m := range link.FindAllStringSubmatch(readDocument(t, document), -1) {
			to, heading, _ := strings.Cut(m[1], "#")
			if strings.Contains(to, ":") {
				continue
			}
			path := filepath.Join(filepath.Dir(document), to)
			if to == "" {
				path = document
			}
			if _, err := os.Stat(filepath.Join("../..", path)); err != nil {
				t.Errorf("%s: %s leads nowhere", document, m[1])
			} else if heading != "" && !slices.Contains(headings(readDocument(t, filepath.ToSlash(path))), heading) {
				t.Errorf("%s: %s has no heading #%s", document, path, heading)
			}
		}
	}
}

// headings returns the ids that GitHub gives the headings of a document.
func headings(text string) (all []string) {
	for _, m := range regexp.MustCompile(`(?m)^#{1,6} (.*)$`).FindAllStringSubmatch(text, -1) {
		id := strings.ReplaceAll(strings.ToLower(m[1]), " ", "-")
		all = append(all, regexp.MustCompile(`[^\pL\pN_-]`).ReplaceAllString(id, ""))
	}
	return all
}

// heldBy is where a page names tests, and the file that has them.
var heldBy = regexp.MustCompile(`\[(Test\w+(?:, Test\w+)*)\]\(\.\./([\w/]+_test\.go)\)`)

// TestPromisesAreHeld has each row of docs/what-happens-when.md name tests, all of
// which there are.
func TestPromisesAreHeld(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/what-happens-when.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for line := range strings.Lines(string(page)) {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| … |") {
			continue
		}
		rows++
		all := heldBy.FindAllStringSubmatch(line, -1)
		if len(all) == 0 {
			t.Errorf("no test holds: %s", line)
		}
		for _, m := range all {
			file, err := os.ReadFile(filepath.Join("../..", m[2]))
			if err != nil {
				t.Error(err)
			}
			for name := range strings.SplitSeq(m[1], ", ") {
				if !strings.Contains(string(file), "func "+name+"(") {
					t.Errorf("%s has no %s", m[2], name)
				}
			}
		}
	}
	if rows < 50 {
		t.Errorf("%d rows were found, want all of them", rows)
	}
}

package aggregator_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestLibraryPage follows docs/library.md in a module of its own: it gets the
// library as the page says, and builds and runs the programs there.
func TestLibraryPage(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("NOT TESTED: no go command")
	}
	page, err := os.ReadFile("docs/library.md")
	if err != nil {
		t.Fatal(err)
	}
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "third_party"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(root, filepath.Join(dir, "third_party", "aggregator")); err != nil {
		t.Skipf("NOT TESTED: %v", err)
	}
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(name string, words ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), name, words...)
		cmd.Dir = dir
		// What is needed was fetched when this module was built.
		cmd.Env = append(cmd.Environ(), "GOFLAGS=", "GOWORK=off", "GOPROXY=off", "GOSUMDB=off", "LIST_TOKEN=secret")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %s: %v\n%s", name, strings.Join(words, " "), err, out)
		}
		return string(out)
	}
	programs, commands := blocksOf(string(page), "go"), blocksOf(string(page), "sh")
	if len(programs) != 3 || len(commands) != 1 {
		t.Fatalf("the page has %d programs and %d blocks of commands, want 3 and 1", len(programs), len(commands))
	}
	write("go.mod", "module bot.example/bot\n\ngo 1.26\n")
	write("main.go", programs[0])
	follow := func() {
		for line := range strings.Lines(commands[0]) {
			words := strings.Fields(line)
			run(words[0], words[1:]...)
		}
	}
	follow()
	program := filepath.Join(dir, "bot")
	run("go", "build", "-o", program, ".")
	if got, want := run(program), "list.example skipped: Unknown list\n"; got != want {
		t.Errorf("the program prints %q, want %q", got, want)
	}
	if testing.Short() {
		return
	}
	for i, text := range programs[1:] {
		write([]string{"store.go", "serve.go"}[i], text)
	}
	follow()
	run("go", "vet", ".")
}

// blocksOf returns the fenced blocks of a language in a Markdown document, without
// their indentation.
func blocksOf(document, language string) (all []string) {
	fence := regexp.MustCompile("(?ms)^( *)```" + language + "(?: [^\n]*)?\n(.*?)^ *```$")
	for _, m := range fence.FindAllStringSubmatch(document, -1) {
		all = append(all, strings.TrimPrefix(strings.ReplaceAll("\n"+m[2], "\n"+m[1], "\n"), "\n"))
	}
	return all
}

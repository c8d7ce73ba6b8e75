package aggregator_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"aggregator/internal/testkit"
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
	var programs []string
	var commands []testkit.Command
	blocks, _ := testkit.Blocks(string(page))
	for _, b := range blocks {
		if b.Language == "go" {
			programs = append(programs, b.Text)
		} else {
			commands = append(commands, b.Commands()...)
		}
	}
	if len(programs) != 3 || len(commands) != 2 {
		t.Fatalf("the page has %d programs and %d commands, want 3 and 2", len(programs), len(commands))
	}
	write("go.mod", "module bot.example/bot\n\ngo 1.26\n")
	write("main.go", programs[0])
	follow := func() {
		for _, c := range commands {
			words := strings.Fields(c.Text)
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

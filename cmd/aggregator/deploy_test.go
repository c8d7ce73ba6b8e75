package main

import (
	"encoding/json"
	"flag"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"aggregator/strictyaml"
)

// deployFolder is where the files are that these tests hold.
const deployFolder = "../../deploy"

func readDeploy(t *testing.T, name string) string {
	t.Helper()
	return readText(t, filepath.Join(deployFolder, name))
}

func readText(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// readYAML reads a file of deploy, strictly: every key once, and none that to has
// no field for.
func readYAML(t *testing.T, name string, to any) {
	t.Helper()
	raw, err := strictyaml.JSON(strictyaml.File{Name: name, Data: []byte(readDeploy(t, name))})
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(to); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// lookFor returns the path of a command, and skips the test where there is none.
func lookFor(t *testing.T, name, debian string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("NOT TESTED: no %s (Debian: apt-get install %s)", name, debian)
	}
	return path
}

// parsed returns the flags of a command line of the program, set as the program
// sets them.
func parsed(t *testing.T, where string, args, env []string) *flag.FlagSet {
	t.Helper()
	set := flag.NewFlagSet(where, flag.ContinueOnError)
	set.SetOutput(io.Discard)
	i := slices.IndexFunc(commands(), func(c command) bool { return c.name == args[0] })
	if i < 0 {
		t.Fatalf("%s: the program has no command %s", where, args[0])
	}
	c := commands()[i]
	c.define(set)
	if _, _, err := parseFlags(set, c.operand, args[1:], environment{environ: env}.getenv); err != nil {
		t.Errorf("%s: %q with %q: %v", where, args, env, err)
	}
	for _, w := range unknownVariables(env, nil) {
		t.Errorf("%s: %s", where, w)
	}
	return set
}

func flagOf(t *testing.T, set *flag.FlagSet, name string) string {
	t.Helper()
	f := set.Lookup(name)
	if f == nil {
		t.Fatalf("the program has no --%s", name)
	}
	return f.Value.String()
}

// duration returns a duration, in Go's form or as whole seconds.
func duration(t *testing.T, text string) time.Duration {
	t.Helper()
	if strings.Trim(text, "0123456789") == "" {
		text += "s"
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// enoughToStop reports an error unless there is time for a service to drain, to
// answer what is under way, and to close its store.
func enoughToStop(t *testing.T, where, drain, given string) {
	t.Helper()
	if least := duration(t, drain) + shutdownTimeout + 3*time.Second; duration(t, given) < least {
		t.Errorf("%s: %s to stop with a drain of %s, want at least %s", where, given, drain, least)
	}
}

// wantInHeader checks that what docs/operating.md has of commands, in the blocks
// that the test holds, is what a file of deploy says at its head.
func wantInHeader(t *testing.T, name string) {
	t.Helper()
	text := readDeploy(t, name)
	for _, block := range snippets(t, "docs/operating.md", "sh") {
		for line := range strings.Lines(block) {
			if !strings.Contains(text, "#   "+line) {
				t.Errorf("%s does not say %s", name, line)
			}
		}
	}
}

// TestDeployIsHeld has every file of deploy named by a test, so that none is added
// without one.
func TestDeployIsHeld(t *testing.T) {
	t.Parallel()
	held := []string{
		"Caddyfile", "Dockerfile", "Dockerfile.dockerignore", "aggregator.service", "aggregator.sysusers", "compose.single.yaml", "compose.yaml",
		"grafana.json", "nginx.conf", "prometheus/prometheus.yaml", "prometheus/rules.yaml", "prometheus/rules_test.yaml",
	}
	var got []string
	err := fs.WalkDir(os.DirFS(deployFolder), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name == "secrets": // an operator's, as compose.yaml has them made
			return fs.SkipDir
		case !d.IsDir() && name != "bots.yaml":
			got = append(got, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(got)
	if !slices.Equal(got, held) {
		t.Errorf("got %q\nwant %q", got, held)
	}
}

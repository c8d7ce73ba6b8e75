package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"aggregator/internal/testkit"
)

// snippets returns the blocks of a document that are in a language and held by a
// test.
func snippets(t *testing.T, document, language string) (texts []string) {
	t.Helper()
	blocks, _ := testkit.Blocks(readDocument(t, document))
	for _, b := range blocks {
		if b.Language == language && b.Value("held-by") == t.Name()[:strings.IndexByte(t.Name()+"/", '/')] {
			texts = append(texts, b.Text)
		}
	}
	if len(texts) == 0 {
		t.Fatalf("%s has no block of %s that this test holds", document, language)
	}
	return texts
}

// tokenLine is where a snippet names a list.
var tokenLine = regexp.MustCompile(`"top\.gg"((?:: |, )(?:process\.env|os\.environ|System\.getenv))`)

// TestSnippetsForShards runs what docs/sharded-bots.md says for each library, in
// two processes, beside a stand-in for the library.
func TestSnippetsForShards(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		language string
		needs    string
		command  func(t *testing.T, standIns string, texts []string) *exec.Cmd
	}{
		{"js", "node", func(t *testing.T, standIns string, texts []string) *exec.Cmd {
			return withVariable("NODE_PATH="+standIns, "node", write(t, "bot.js", texts[0]))
		}},
		{"python", "python3", func(t *testing.T, standIns string, texts []string) *exec.Cmd {
			return withVariable("PYTHONPATH="+standIns, "python3", write(t, "bot.py", texts[0]))
		}},
		{"java", "javac", compileJava},
	} {
		t.Run(row.language, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath(row.needs); err != nil {
				t.Skipf("NOT TESTED: no %s", row.needs)
			}
			r := newRig(t)
			s := r.boot(t)
			texts := snippets(t, "docs/sharded-bots.md", row.language)
			const here = "http://localhost:8080"
			if strings.Count(texts[0], here) != 1 || len(tokenLine.FindAllString(texts[0], -1)) != 1 {
				t.Fatalf("it is to name %s and one list: %s", here, texts[0])
			}
			texts[0] = strings.ReplaceAll(tokenLine.ReplaceAllString(texts[0], `"array.test"$1`), here, s.Base)
			cmd := row.command(t, standIns(t, row.language), texts)
			for _, shards := range []string{"0,1", "2,3"} {
				report(t, cmd, shards)
			}
			if asked := r.Only(t); asked.Body != `{"shard_count":4,"shards":[1,2,3,4]}` {
				t.Errorf("the list was sent %s", asked.Body)
			}
		})
	}
}

// standIns returns the folder of what stands for the libraries of a language.
func standIns(t *testing.T, language string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("testdata/standins", language))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// withVariable returns a command with a variable in its environment.
func withVariable(variable string, words ...string) *exec.Cmd {
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Env = []string{variable}
	return cmd
}

// report runs a command until it has printed what the service said to a report of
// shards, and ends it.
func report(t *testing.T, cmd *exec.Cmd, shards string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	process := exec.CommandContext(ctx, cmd.Path, cmd.Args[1:]...)
	process.WaitDelay = time.Second
	process.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "PYTHONDONTWRITEBYTECODE=1", "TOPGG_TOKEN=t", "DISCORD_TOKEN=d", "STAND_IN_SHARDS=" + shards}, cmd.Env...)
	out := &testkit.Log{}
	process.Stdout, process.Stderr = out, out
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = process.Wait(); close(ended) }()
	defer func() { cancel(); <-ended }()
	testkit.Wait(t, "the report", func() bool {
		select {
		case <-ended:
			if !strings.Contains(out.String(), `"of":4`) {
				t.Fatalf("%v: %s", process.Args, out)
			}
		default:
		}
		return strings.Contains(out.String(), `"of":4`)
	})
}

// compileJava compiles the snippet, and the line after it that has it run, with the
// stand-ins for the library.
func compileJava(t *testing.T, standIns string, texts []string) *exec.Cmd {
	t.Helper()
	main, err := os.ReadFile(filepath.Join(standIns, "Main.java"))
	if err != nil {
		t.Fatal(err)
	}
	if len(texts) != 2 || !strings.Contains(texts[1], ", 1, 5, TimeUnit.MINUTES)") {
		t.Fatalf("there are to be a class, and a line that runs it after a minute: %q", texts)
	}
	at := strings.ReplaceAll(texts[1], "1, 5, TimeUnit.MINUTES", "0, 5, TimeUnit.MINUTES")
	sources := []string{write(t, "ShardReport.java", texts[0]), write(t, "Main.java", strings.ReplaceAll(string(main), "// HERE", at))}
	classes := t.TempDir()
	out, err := exec.Command("javac", append([]string{"-d", classes, "-cp", standIns, "-sourcepath", standIns}, sources...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return withVariable("JAVA_TOOL_OPTIONS=", "java", "-XX:TieredStopAtLevel=1", "-cp", classes, "Main")
}

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

// snippet returns the one block of a language in a page of the documentation.
func snippet(t *testing.T, page, language string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("../../docs", page))
	if err != nil {
		t.Fatal(err)
	}
	all := regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(string(raw), -1)
	if len(all) != 1 {
		t.Fatalf("%d blocks of %s in %s, want one", len(all), language, page)
	}
	return all[0][1]
}

// tokenLine is where a snippet names a list.
var tokenLine = regexp.MustCompile(`"[a-z.]+\.[a-z]+": (process\.env|os\.environ)`)

// TestSnippetsForShards runs what the page about sharded bots says for each
// library, in two processes, beside a stand-in for the library.
func TestSnippetsForShards(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		language, runtime, file string
		env                     func(standIns string) string
	}{
		{"js", "node", "bot.js", func(standIns string) string { return "NODE_PATH=" + standIns }},
		{"python", "python3", "bot.py", func(standIns string) string { return "PYTHONPATH=" + standIns }},
	} {
		t.Run(row.language, func(t *testing.T) {
			t.Parallel()
			runtime, err := exec.LookPath(row.runtime)
			if err != nil {
				t.Skipf("NOT TESTED: no %s", row.runtime)
			}
			r := newRig(t)
			s := r.boot(t)
			code := snippet(t, "sharded-bots.md", row.language)
			const here = "http://localhost:8080"
			if strings.Count(code, here) != 1 || len(tokenLine.FindAllString(code, -1)) != 1 {
				t.Fatalf("it is to name %s and one list: %s", here, code)
			}
			code = strings.ReplaceAll(tokenLine.ReplaceAllString(code, `"array.test": $1`), here, s.Base)
			file := write(t, row.file, code)
			standIns, err := filepath.Abs(filepath.Join("testdata/standins", row.language))
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), testkit.Patience)
			defer cancel()
			for _, shards := range []string{"0,1", "2,3"} {
				cmd := exec.CommandContext(ctx, runtime, file)
				cmd.WaitDelay = time.Second
				cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), row.env(standIns), "PYTHONDONTWRITEBYTECODE=1", "TOPGG_TOKEN=t", "DISCORD_TOKEN=d", "STAND_IN_SHARDS=" + shards}
				if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), `"of":4`) {
					t.Fatalf("%v: %s", err, out)
				}
			}
			if asked := r.Only(t); asked.Body != `{"shard_count":4,"shards":[1,2,3,4]}` {
				t.Errorf("the list was sent %s", asked.Body)
			}
		})
	}
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

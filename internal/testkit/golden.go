package testkit

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// Golden fails the test unless the file at path holds got. With UPDATE=1 in the
// environment it writes the file.
func Golden(t testing.TB, path string, got []byte) {
	t.Helper()
	if os.Getenv("UPDATE") == "1" {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; UPDATE=1 writes it", err)
	}
	if bytes.Equal(got, want) {
		return
	}
	g, w := strings.Split(string(got), "\n"), strings.Split(string(want), "\n")
	n := 0
	for n < min(len(g), len(w)) && g[n] == w[n] {
		n++
	}
	line := func(all []string) string {
		if n < len(all) {
			return all[n]
		}
		return "the end"
	}
	t.Errorf("%s is not what is made now; UPDATE=1 writes it. Line %d:\n got %s\nwant %s", path, n+1, line(g), line(w))
}

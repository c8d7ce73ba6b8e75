package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aggregator/internal/testkit"
)

const openData = "testdata/botblock"

// copyLists copies the catalog of the tests, with a mode that nobody else has.
func copyLists(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(openData, "lists.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	file := write(t, "lists.yaml", string(text))
	if err := os.Chmod(file, 0o640); err != nil {
		t.Fatal(err)
	}
	return file
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestImportShows prints in what the data differs, and leaves the file alone.
func TestImportShows(t *testing.T) {
	t.Parallel()
	file := copyLists(t)
	before := read(t, file)
	args := []string{"import", "botblock", openData, "--lists", file, "--legacy-ids", filepath.Join(openData, "legacy_ids.yaml")}
	code, out, errOut := runWith(t, nil, args...)
	if code != exitDone || errOut != "" || read(t, file) != before {
		t.Fatalf("exit %d, %s", code, errOut)
	}
	testkit.Golden(t, filepath.Join(openData, "difference.txt"), []byte(out))

	code, out, errOut = runWith(t, nil, append(args, "--json")...)
	if code != exitDone || errOut != "" {
		t.Fatalf("--json: exit %d, %s", code, errOut)
	}
	testkit.Golden(t, filepath.Join(openData, "difference.json"), []byte(out))

	if _, out, _ = runWith(t, nil, append(args, "--only", "same.example")...); !strings.Contains(out, "\nfeature has-search (Has Search)\n") || strings.Contains(out, "facts.example") {
		t.Errorf("--only same.example shows more than its features, or less: %s", out)
	}
	if _, out, _ = runWith(t, nil, append(args, "--only", "checked.example", "--json")...); !strings.Contains(out, `"id": "checked.example"`) || strings.Contains(out, "facts.example") {
		t.Errorf("--only checked.example: %s", out)
	}
}

// TestImportWrites takes facts over: every other byte of the file stays, and its mode.
func TestImportWrites(t *testing.T) {
	t.Parallel()
	file := copyLists(t)
	link := filepath.Join(t.TempDir(), "link.yaml")
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	args := []string{"import", "botblock", openData, "--write", "--lists", link}
	code, out, errOut := runWith(t, nil, args...)
	if code != exitDone || errOut != "" || !strings.Contains(out, "\nfacts that differ: 34, to take over: 29, written to "+link+"\n") {
		t.Fatalf("exit %d, %s%s", code, out, errOut)
	}
	written := read(t, file)
	testkit.Golden(t, filepath.Join(openData, "written.yaml"), []byte(written))
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("the mode is %v, %v, want 0640", info.Mode(), err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode().Type() != os.ModeSymlink {
		t.Errorf("the link is %v, %v", info.Mode(), err)
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(file), ".*")); err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
	if code, out, errOut := runWith(t, nil, "check", "--lists", file); code != exitDone {
		t.Errorf("check: exit %d, %s%s", code, out, errOut)
	}
	for _, words := range []string{"Their words.", "Says of itself", "It closed.", "There is cake."} {
		if strings.Contains(written, words) {
			t.Errorf("words of others were written: %s", words)
		}
	}
	if code, out, errOut := runWith(t, nil, args...); code != exitDone || errOut != "" || !strings.Contains(out, " to take over: 0, nothing was written\n") || read(t, file) != written {
		t.Errorf("once more: exit %d, %s%s", code, out, errOut)
	}
	code, out, errOut = runWith(t, nil, append(args, "--only", "checked.example", "--json")...)
	var said struct{ Written []string }
	if err := json.Unmarshal([]byte(out), &said); code != exitDone || err != nil || len(said.Written) != 1 || said.Written[0] != link {
		t.Errorf("of a list that was checked: exit %d, %v, %s%s", code, err, out, errOut)
	}
	const want = "    url: \"https://www.checked.example/\"\n    icon: \"https://checked.example/icon.png\"\n    language: \"English\"\n    display: 1\n    defunct: 1\n"
	if text := read(t, file); !strings.Contains(text, want) || !strings.Contains(text, `api_post: "https://checked.example/old/:id"`) {
		t.Errorf("of a list that was checked:\n%s", text)
	}
}

// TestImportRefuses writes nothing that check would refuse.
func TestImportRefuses(t *testing.T) {
	t.Parallel()
	file := copyLists(t)
	before := read(t, file)
	list := func(json string) string {
		folder := t.TempDir()
		if err := os.Mkdir(filepath.Join(folder, "lists"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, "lists", "odd.example.json"), []byte(json), 0o600); err != nil {
			t.Fatal(err)
		}
		return folder
	}
	good := list(`{"id":"odd.example","name":"Odd","url":"https://odd.example/"}`)
	overlay := write(t, "over.yaml", "lists:\n  facts.example: {icon: \"https://facts.example/mine.png\"}\n")
	for _, tt := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"a URL without TLS", []string{list(`{"id":"odd.example","name":"Odd","url":"https://odd.example/","api_post":"http://odd.example/:id","api_field":"n"}`), "--write", "--lists", file}, exitFailed, "odd.example: api_post: "},
		{"another list's post URL", []string{list(`{"id":"odd.example","name":"Odd","url":"https://odd.example/","api_post":"https://same.example/:id","api_field":"n"}`), "--write", "--lists", file}, exitFailed, "is the post URL of"},
		{"a feature that nobody knows", []string{list(`{"id":"odd.example","name":"Odd","url":"https://odd.example/","features":["has-moon"]}`), "--write", "--lists", file}, exitFailed, `unknown feature "has-moon"`},
		{"a text that a terminal would obey", []string{list(`{"id":"odd.example","name":"Odd\u001b[2J","url":"x"}`), "--lists", file, "--json"}, exitDone, `Odd\u001b[2J`},
		{"no list", []string{t.TempDir(), "--lists", file}, exitFailed, "no file lists/ID.json is there"},
		{"no folder", []string{"nowhere", "--lists", file}, exitFailed, "nowhere"},
		{"no JSON", []string{list("{"), "--lists", file}, exitFailed, "lists/odd.example.json: unexpected EOF"},
		{"no file to write to", []string{good, "--write"}, exitUsage, "--write needs --lists FILE"},
		{"the built-in one to write to", []string{good, "--write", "--lists", "builtin"}, exitUsage, "--write needs --lists FILE"},
		{"a list that nobody knows", []string{good, "--lists", file, "--only", "odd.exmple"}, exitUsage, `unknown list "odd.exmple", did you mean "odd.example"?`},
		{"a file over another that is to change", []string{openData, "--write", "--lists", file, "--lists", overlay, "--only", "facts.example"}, exitDone, "written to"},
	} {
		code, out, errOut := runWith(t, nil, append([]string{"import", "botblock"}, tt.args...)...)
		if code != tt.code || !strings.Contains(out+errOut, tt.says) {
			t.Errorf("%s: exit %d, %s%s, want %d and %s", tt.name, code, out, errOut, tt.code, tt.says)
		}
		if code != exitDone && read(t, file) != before {
			t.Fatalf("%s: the file was written", tt.name)
		}
	}
}

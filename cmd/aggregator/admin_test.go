package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestAdmin shows and lifts a hold of a running service, copies its store, and
// starts another on the copy.
func TestAdmin(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	folder := t.TempDir()
	admin := "unix:" + filepath.Join(folder, "admin.sock")
	p := r.start(t, nil, "--store", "sqlite:"+filepath.Join(folder, "store.db"), "--admin", admin)
	info, err := os.Stat(filepath.Join(folder, "admin.sock"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the socket: %v, %v, want mode 0600", info, err)
	}
	ask := func(want string, args ...string) string {
		t.Helper()
		e := runToEnd(t, nil, append(args, "--admin", admin)...)
		if e.Code != exitDone || e.ErrOut != "" || !regexp.MustCompile(want).MatchString(e.Out) {
			t.Fatalf("%v: ended with %d, said %q %q, want %q", args, e.Code, e.Out, e.ErrOut, want)
		}
		return e.Out
	}
	ask(`^ID +LIST +KIND +UNTIL\n$`, "holds")
	paced := func() bool {
		return strings.HasPrefix(p.post(t, countBody(newBot(), `"paced.test":"s3cret"`)).Skipped["paced.test"], "Paced: ")
	}
	if paced() || !paced() {
		t.Error("the second post is not held back")
	}
	out := ask(`(?m)^[0-9a-f]{12}  paced\.test  interval  20\d\d-\S+Z$`, "holds")
	if strings.Contains(out, "s3cret") {
		t.Errorf("it shows a token: %s", out)
	}
	ask(`^ID +LIST +KIND +UNTIL\n$`, "holds", "--list", "one.test")
	if e := runToEnd(t, nil, "holds", "--list", "paced.tset", "--admin", admin); e.Code != exitUsage || !strings.Contains(e.ErrOut, `unknown list "paced.tset", did you mean "paced.test"?`) {
		t.Errorf("of an unknown list: ended with %d: %s", e.Code, e.ErrOut)
	}
	id := regexp.MustCompile(`(?m)^[0-9a-f]{12}`).FindString(out)

	copied := filepath.Join(folder, "copy.db")
	ask(`^$`, "backup", copied)
	if info, err := os.Stat(copied); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the copy: %v, %v, want mode 0600", info, err)
	}
	if e := runToEnd(t, nil, "backup", copied, "--admin", admin); e.Code != exitFailed || !strings.Contains(e.ErrOut, "is there already") {
		t.Errorf("once more: ended with %d: %s", e.Code, e.ErrOut)
	}

	ask(`^lifted: paced\.test interval until 20\d\d-\S+Z\n$`, "holds", "lift", id)
	if paced() {
		t.Error("it is held back after it was lifted")
	}
	if e := runToEnd(t, nil, "holds", "lift", "000000000000", "--admin", admin); e.Code != exitFailed || !strings.Contains(e.ErrOut, "There is no hold 000000000000") {
		t.Errorf("lifting none: ended with %d: %s", e.Code, e.ErrOut)
	}

	q := r.start(t, nil, "--store", "sqlite:"+copied)
	if c := q.post(t, countBody(newBot(), `"paced.test":"s3cret"`)); !strings.HasPrefix(c.Skipped["paced.test"], "Paced: ") {
		t.Errorf("the copy has forgotten: %s", c.raw)
	}
	p.exe.Kill()
	r.start(t, nil, "--store", "memory:", "--admin", admin) // the socket that is left is stale
	if e := runToEnd(t, nil, "backup", filepath.Join(folder, "memory.db"), "--admin", admin); e.Code != exitFailed || !strings.Contains(e.ErrOut, "in memory") {
		t.Errorf("of a store in memory: ended with %d: %s", e.Code, e.ErrOut)
	}
}

func TestAdminArguments(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for _, row := range []struct {
		args string
		code int
		said string
	}{
		{"serve --store memory: --admin 0.0.0.0:0", exitUsage, `--admin "0.0.0.0:0": want unix:PATH, or a loopback address`},
		{"serve --store memory: --listen 127.0.0.1:0 --admin unix:" + folder + "/none/x", exitFailed, "--admin: listen unix"},
		{"holds", exitUsage, "--admin is missing"},
		{"holds lift --admin unix:x", exitUsage, "ID is missing"},
		{"holds lfit 1 --admin unix:x", exitUsage, `unexpected argument "lfit", did you mean "lift"?`},
		{"backup --admin unix:x", exitUsage, "FILE is missing"},
		{"backup b.db --admin unix:" + folder + "/none", exitFailed, "cannot be asked"},
		{"backup b.db --admin http://x", exitUsage, "want unix:PATH"},
	} {
		e := runToEnd(t, nil, strings.Fields(row.args)...)
		if e.Code != row.code || !strings.Contains(e.ErrOut, row.said) {
			t.Errorf("%s: ended with %d, want %d; said %s, want %s", row.args, e.Code, row.code, e.ErrOut, row.said)
		}
	}
}

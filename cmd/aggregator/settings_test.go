package main

import (
	"errors"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aggregator/internal/testkit"
)

// TestSecretsByFile gives secrets in every way, and in more than one.
func TestSecretsByFile(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for name, text := range map[string]string{
		"store": "of the credential\n", "secret": "credential", "keys": "", // credentials
		"lf": "of a file\n", "crlf": "of a file\r\n", "two": "of a file\n\n", "blanks": " of a file ", "empty": "\n", "large": strings.Repeat("x", maxSecret+1),
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	in := func(name string) string { return filepath.Join(folder, name) }
	type settings = map[string]string
	credentials := settings{credentialsVariable: folder}
	with := func(all ...settings) settings {
		sum := settings{}
		for _, s := range all {
			maps.Copy(sum, s)
		}
		return sum
	}
	plain, file := settings{"AGGREGATOR_STORE": "of a variable"}, settings{"AGGREGATOR_STORE_FILE": in("lf")}
	for _, tt := range []struct {
		name  string
		args  []string
		env   settings
		want  string // store, secret, secret-file, keys
		fault string // what the error holds, instead
		usage bool   // it is a usageError
	}{
		{"nothing", nil, nil, "default|||", "", false},
		{"variable", nil, plain, "of a variable|||", "", false},
		{"file", nil, file, "of a file|||", "", false},
		{"file with a line break of Windows", nil, settings{"AGGREGATOR_STORE_FILE": in("crlf")}, "of a file|||", "", false},
		{"file with more line breaks", nil, settings{"AGGREGATOR_STORE_FILE": in("two")}, "of a file\n|||", "", false},
		{"file with blanks", nil, settings{"AGGREGATOR_STORE_FILE": in("blanks")}, " of a file |||", "", false},
		{"credentials", nil, credentials, "of the credential|credential||" + in("keys"), "", false},
		{"command line first", []string{"--store", "given"}, with(file, credentials), "given|credential||" + in("keys"), "", false},
		{"then the variable", nil, with(plain, credentials, settings{"AGGREGATOR_KEYS": "k"}), "of a variable|credential||k", "", false},
		{"then the file", nil, with(file, credentials), "of a file|credential||" + in("keys"), "", false},
		{"flag of a file before the credential", []string{"--secret-file", "f"}, credentials, "of the credential||f|" + in("keys"), "", false},
		{"variable of that flag before the credential", nil, with(credentials, settings{"AGGREGATOR_SECRET_FILE": "-"}), "of the credential||-|" + in("keys"), "", false},
		{"folder of credentials without any", nil, settings{credentialsVariable: in("none")}, "default|||", "", false},
		{"no secret has no file", nil, settings{"AGGREGATOR_OTHER_FILE": in("lf"), "AGGREGATOR_KEYS_FILE": in("lf")}, "default|||", "", false},
		{"both", nil, with(plain, file), "", "AGGREGATOR_STORE and AGGREGATOR_STORE_FILE are both set", true},
		{"both beside the flag", []string{"--store", "given"}, with(plain, file), "", "AGGREGATOR_STORE and AGGREGATOR_STORE_FILE are both set", true},
		{"both of one with a flag of a file", nil, settings{"AGGREGATOR_SECRET": "s", "AGGREGATOR_SECRET_FILE": "f"}, "", "AGGREGATOR_SECRET and AGGREGATOR_SECRET_FILE are both set", true},
		{"no file", nil, settings{"AGGREGATOR_STORE_FILE": in("none")}, "", "AGGREGATOR_STORE_FILE: open " + in("none") + ": ", false},
		{"a folder", nil, settings{"AGGREGATOR_STORE_FILE": folder}, "", "AGGREGATOR_STORE_FILE: read " + folder + ": ", false},
		{"an empty file", nil, settings{"AGGREGATOR_STORE_FILE": in("empty")}, "", "AGGREGATOR_STORE_FILE: " + in("empty") + " is empty", false},
		{"a large file", nil, settings{"AGGREGATOR_STORE_FILE": in("large")}, "", in("large") + " holds more than 65536 bytes", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var store, keys, other string
			secret := secretFlag{name: "secret"}
			fs := flag.NewFlagSet("test", flag.ContinueOnError)
			secretVar(fs, &store, "store", "default", "")
			secretPathVar(fs, &keys, "keys", "")
			fs.StringVar(&other, "other", "", "")
			secret.add(fs, "")
			_, _, err := parseFlags(fs, "", tt.args, func(name string) string { return tt.env[name] })
			var usage usageError
			switch got := strings.Join([]string{store, secret.value, secret.file, keys}, "|"); {
			case tt.fault == "" && (err != nil || got != tt.want):
				t.Errorf("got %q, %v, want %q", got, err, tt.want)
			case tt.fault != "" && (err == nil || !strings.Contains(err.Error(), tt.fault) || errors.As(err, &usage) != tt.usage):
				t.Errorf("got %q, %v, want an error with %q, of usage: %v", got, err, tt.fault, tt.usage)
			case other != "":
				t.Errorf("--other is %q", other)
			}
		})
	}
}

// TestServeWithSecretsOfFiles starts the program with its store and a key in
// files, and nothing of them in its log.
func TestServeWithSecretsOfFiles(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	store := write(t, "store", "sqlite:by-file.db\n")
	key := write(t, "key", "S3cr3tOfTheOperator\n")
	env := []string{"AGGREGATOR_STORE_FILE=" + store, "AGGREGATOR_KEY_KEYED_TEST_FILE=" + key, "AGGREGATOR_STOER_FILE=x"}
	p := r.start(t, env)
	if _, err := os.Stat(filepath.Join(p.exe.Cmd.Dir, "by-file.db")); err != nil {
		t.Error(err)
	}
	if got := len(p.Log.Entries(t, "unknown environment variable")); got != 1 || !strings.Contains(p.Log.String(), `AGGREGATOR_STOER_FILE is not a setting, did you mean \"AGGREGATOR_STORE_FILE\"`) {
		t.Errorf("told of %d unknown variables, want of the misspelled one: %s", got, p.Log)
	}
	testkit.Send(t, "GET", p.Base+"/api/bots/"+newBot(), "").Want(t, 200)
	asked := 0
	for _, q := range r.Take() {
		if q.Header.Get("X-Key") == "S3cr3tOfTheOperator" {
			asked++
		}
	}
	if asked != 1 {
		t.Errorf("the key of the file was sent %d times, want once", asked)
	}
	if strings.Contains(p.Log.String(), "S3cr3tOfTheOperator") {
		t.Errorf("the log holds the key: %s", p.Log)
	}

	e := runToEnd(t, append(env, "AGGREGATOR_KEY_KEYED_TEST=s3cret"), append([]string{"serve", "--listen", anyPort}, absolute(t, r.files(t))...)...)
	if want := "AGGREGATOR_KEY_KEYED_TEST and AGGREGATOR_KEY_KEYED_TEST_FILE are both set"; e.Code != exitUsage || !strings.Contains(e.ErrOut, want) || strings.Contains(e.ErrOut, "s3cret") {
		t.Errorf("a key given twice: ended with %d: %s\nwant %s", e.Code, e.ErrOut, want)
	}
}

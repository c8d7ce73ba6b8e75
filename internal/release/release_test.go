package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestPackages packs files in any order: the bytes are the same, and all of them
// come out again.
func TestPackages(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	all := []file{{"program", bytes.Repeat([]byte("binary"), 1000), 0o755}, {"LICENSE", []byte("yes"), 0o644}, {"README.md", nil, 0o644}}
	other := slices.Clone(all)
	slices.Reverse(other)
	want := []string{"a_1/LICENSE -rw-r--r-- yes", "a_1/README.md -rw-r--r-- ", "a_1/program -rwxr-xr-x " + string(all[0].data)}
	for _, tt := range []struct {
		name   string
		pack   func(string, []file, time.Time) ([]byte, error)
		unpack func(*testing.T, []byte) []string
	}{{"tar.gz", tarred, untar}, {"zip", zipped, unzip}} {
		packed, err := tt.pack("a_1", all, at)
		if err != nil {
			t.Fatal(err)
		}
		again, err := tt.pack("a_1", other, at.In(time.FixedZone("elsewhere", 3600)))
		if err != nil || !bytes.Equal(packed, again) {
			t.Errorf("%s: %v: packed twice, and the bytes differ", tt.name, err)
		}
		if got := tt.unpack(t, packed); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: holds %.200q, want %.200q", tt.name, got, want)
		}
	}
}

func untar(t *testing.T, packed []byte) (all []string) {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprintf("%s %s %s", h.Name, h.FileInfo().Mode(), data))
	}
}

func unzip(t *testing.T, packed []byte) (all []string) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprintf("%s %s %s", f.Name, f.Mode(), data))
	}
	return all
}

func TestStamp(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{"v1.2.3": "1.2.3", "1.2.3-rc.1": "1.2.3-rc.1", "v1.2.3-4-gabcdef": "1.2.3-4-gabcdef", "verbose": "verbose"} {
		if got, _, err := stamp(t.Context(), given); err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", given, got, err, want)
		}
	}
	for _, given := range []string{"1.2 -X main.x=y", "../1", "-1", "1/2"} {
		if got, _, err := stamp(t.Context(), given); err == nil {
			t.Errorf("%q is taken for a version: %q", given, got)
		}
	}
}

// TestLicences has files that are licences, and others.
func TestLicences(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for name, text := range map[string]string{"LICENSE-MIT": "yes\r\n", "NOTICE": "thanks", "license.go": "package x", "README": "no", "patents": "no"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if err := appendLicences(&b, "module v1", folder); err != nil {
		t.Fatal(err)
	}
	if want := "\n\n==== module v1: LICENSE-MIT ====\n\nyes\n\n\n==== module v1: NOTICE ====\n\nthanks"; b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
	if err := appendLicences(&b, "module v2", t.TempDir()); err == nil || !strings.Contains(err.Error(), "module v2 has no licence") {
		t.Errorf("without any: %v", err)
	}
}

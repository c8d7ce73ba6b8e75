package main

import (
	"bytes"
	"context"
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// licenceFile is how files are called that say what may be done with a module.
var licenceFile = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice)([.-].*)?$`)

// licences returns the licences of all that is in a binary beside this module: of
// Go and of each module. Most of them want to go along with it.
func licences(ctx context.Context, binary string) ([]byte, error) {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteString("The program holds parts of Go and of the modules below, under their own licences.\n")
	root, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return nil, err
	}
	if err := appendLicences(&b, "Go, https://go.dev", strings.TrimSpace(string(root))); err != nil {
		return nil, err
	}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		out, err := exec.CommandContext(ctx, "go", "mod", "download", "-json", m.Path+"@"+m.Version).Output()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.Path, err)
		}
		var at struct{ Dir string }
		if err := json.Unmarshal(out, &at); err != nil {
			return nil, err
		}
		if err := appendLicences(&b, m.Path+" "+m.Version, at.Dir); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}

// appendLicences writes the licences in a module's folder. None is an error.
func appendLicences(b *bytes.Buffer, title, folder string) error {
	entries, err := os.ReadDir(folder) // by name
	if err != nil {
		return err
	}
	found := false
	for _, e := range entries {
		if e.IsDir() || !licenceFile.MatchString(e.Name()) || strings.HasSuffix(e.Name(), ".go") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(folder, e.Name()))
		if err != nil {
			return err
		}
		fmt.Fprintf(b, "\n\n==== %s: %s ====\n\n%s", title, e.Name(), bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")))
		found = true
	}
	if !found {
		return fmt.Errorf("%s has no licence in %s", title, folder)
	}
	return nil
}

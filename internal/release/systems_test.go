package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// listed is what go list says of a package.
type listed struct {
	ImportPath, Dir, ForTest string
	GoFiles                  []string
	ImportMap                map[string]string
	Module                   *struct{ Main bool }
}

// TestOtherSystems checks that all of the module, its tests too, fits other systems:
// names that one of them lacks would be found when a release is built only. It checks
// types alone, for compiling all that is imported takes minutes.
func TestOtherSystems(t *testing.T) {
	t.Parallel()
	if testing.Short() || underRace {
		t.Skip("NOT TESTED here: it takes some seconds for each system, and make lint runs it")
	}
	for _, target := range []string{"windows/amd64", "darwin/arm64"} {
		system, processor, _ := strings.Cut(target, "/")
		cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-test", "-json=ImportPath,Dir,ForTest,GoFiles,ImportMap,Module", "./...")
		cmd.Dir = "../.."
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+system, "GOARCH="+processor)
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: go list: %v", target, err)
		}
		c := checker{sizes: types.SizesFor("gc", processor), files: token.NewFileSet(), done: map[string]*types.Package{"unsafe": types.Unsafe}}
		for packages := json.NewDecoder(bytes.NewReader(out)); ; {
			var p listed
			if err := packages.Decode(&p); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			for _, err := range c.check(p) {
				t.Errorf("%s: %v", target, err)
			}
		}
		if len(c.done) < 200 {
			t.Errorf("%s: %d packages were checked, want all", target, len(c.done))
		}
	}
}

// checker checks the types of packages, each after those that it imports.
type checker struct {
	sizes types.Sizes
	files *token.FileSet
	done  map[string]*types.Package
}

// check returns what is wrong with a package of this module.
func (c *checker) check(p listed) (faults []error) {
	if p.ImportPath == "unsafe" || strings.HasSuffix(p.ImportPath, ".test") { // a test's main package is made by go test
		return nil
	}
	ours := p.Module != nil && p.Module.Main
	var parsed []*ast.File
	for _, name := range p.GoFiles {
		if !filepath.IsAbs(name) {
			name = filepath.Join(p.Dir, name)
		}
		f, err := parser.ParseFile(c.files, name, nil, parser.SkipObjectResolution)
		if err != nil {
			return []error{err}
		}
		if !ours {
			withoutBodies(f)
		}
		parsed = append(parsed, f)
	}
	config := types.Config{Sizes: c.sizes, IgnoreFuncBodies: !ours, Importer: importer{c, p.ImportMap}, Error: func(err error) {
		if ours {
			faults = append(faults, err)
		}
	}}
	path, _, _ := strings.Cut(p.ImportPath, " ")
	c.done[p.ImportPath], _ = config.Check(path, c.files, parsed, nil) // faults has the errors
	return faults
}

// withoutBodies forgets what functions do, which takes most of the memory.
func withoutBodies(f *ast.File) {
	for _, d := range f.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok {
			fn.Body = nil
		}
	}
}

// importer finds packages that were checked before, by what one that imports them
// calls them.
type importer struct {
	*checker
	names map[string]string
}

// Import implements types.Importer.
func (i importer) Import(path string) (*types.Package, error) {
	if name, ok := i.names[path]; ok {
		path = name
	}
	if p := i.done[path]; p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("%s was not checked", path)
}

package lists

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

// enumsOf notes the fields that have an enum tag, of a struct and of those in
// it, by the structs' types.
func enumsOf(t reflect.Type, found map[reflect.Type][]reflect.StructField) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if _, seen := found[t]; seen || t.Kind() != reflect.Struct {
		return
	}
	found[t] = nil
	for f := range t.Fields() {
		if f.Tag.Get("enum") != "" {
			found[t] = append(found[t], f)
		}
		enumsOf(f.Type, found)
	}
}

// rows are the values that tests give to fields in composite literals, such as
// Body: "form".
func rows(t *testing.T) map[string]map[string]bool {
	t.Helper()
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]map[string]bool{}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			kv, ok := n.(*ast.KeyValueExpr)
			if !ok {
				return true
			}
			key, isField := kv.Key.(*ast.Ident)
			value, isText := kv.Value.(*ast.BasicLit)
			if !isField || !isText || value.Kind != token.STRING {
				return true
			}
			text, err := strconv.Unquote(value.Value)
			if err != nil {
				t.Fatal(err)
			}
			if all[key.Name] == nil {
				all[key.Name] = map[string]bool{}
			}
			all[key.Name][text] = true
			return true
		})
	}
	return all
}

// TestEveryEnumValueHasARow sees to it that whoever adds a value to the format
// adds a row with it to the tests of its mechanism.
func TestEveryEnumValueHasARow(t *testing.T) {
	tested := rows(t)
	enums := map[reflect.Type][]reflect.StructField{}
	enumsOf(reflect.TypeFor[Entry](), enums)
	n := 0
	for owner, fields := range enums {
		for _, f := range fields {
			for value := range strings.SplitSeq(f.Tag.Get("enum"), ",") {
				n++
				if !tested[f.Name][value] {
					t.Errorf("no test of package lists has an entry with %s.%s %q", owner.Name(), f.Name, value)
				}
			}
		}
	}
	if n == 0 {
		t.Fatal("the format has no enum: the tag has another name now")
	}
}

package catalog

import (
	"errors"
	"slices"
	"sync"
	"testing"
)

func TestLive(t *testing.T) {
	text := "lists: x\n"
	read := func() (*Catalog, []string, error) { return loadText("old: gone\n", text) }
	if l, _, err := NewLive(read); err == nil || l != nil {
		t.Fatal("a broken first catalog is no error")
	}

	text = head
	l, warnings, err := NewLive(read)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{`legacy_ids.yaml:1: old: leads to "gone", which is no list`}; !slices.Equal(warnings, want) {
		t.Errorf("warnings are %q", warnings)
	}
	first := l.Current()

	text = head + "    nme: x\n"
	_, err = l.Reload()
	if e := new(Error); !errors.As(err, &e) || len(e.Problems) != 1 {
		t.Errorf("error is %v", err)
	}
	if l.Current() != first {
		t.Error("a broken file replaced the catalog")
	}

	text = head + "  b.test: {name: B, url: \"https://b.test/\"}\n"
	if _, err := l.Reload(); err != nil {
		t.Fatal(err)
	}
	if c := l.Current(); len(c.Lists()) != 2 || len(first.Lists()) != 1 || c.Generation() == first.Generation() {
		t.Error("the new catalog is not in use, or changed the old one")
	}
}

func TestLiveAtOnce(t *testing.T) {
	l, _, err := NewLive(func() (*Catalog, []string, error) { return loadText("", head) })
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := l.Reload(); err != nil {
				t.Error(err)
			}
			if len(l.Current().Lists()) != 1 {
				t.Error("half a catalog")
			}
		})
	}
	wg.Wait()
}

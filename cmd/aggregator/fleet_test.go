package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"aggregator/internal/testkit"
)

// fleet is the fake lists that the recorded exchanges were made with.
type fleet struct {
	*testkit.Lists
	table struct {
		Post, Get map[string]map[string]testkit.Behaviour // by list and bot
		Exact     map[string]testkit.Behaviour            // by method and path
	}
}

func newFleet(t *testing.T, behaviours string) *fleet {
	t.Helper()
	f := &fleet{}
	f.Lists = testkit.NewLists(t, nil, func(w http.ResponseWriter, r *http.Request) { f.find(r).ServeHTTP(w, r) })
	raw, err := os.ReadFile(behaviours)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(strings.ReplaceAll(string(raw), "127.0.0.1:7700", f.Addr)), &f.table); err != nil {
		t.Fatal(err)
	}
	return f
}

// file copies a recorded file, with this fleet's address in it.
func (f *fleet) file(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return write(t, filepath.Base(name), strings.ReplaceAll(string(raw), "127.0.0.1:7700", f.Addr))
}

var botInPath = regexp.MustCompile(`/(\d{15,})(?:/|$)`)

// find returns how a list answers a request.
func (f *fleet) find(r *http.Request) testkit.Behaviour {
	if b, ok := f.table.Exact[r.Method+" "+r.URL.Path]; ok {
		return b
	}
	list := strings.Split(r.URL.Path, "/")[1]
	table := f.table.Post[list]
	if r.Method == http.MethodGet {
		table = f.table.Get[list]
	}
	if m := botInPath.FindStringSubmatch(r.URL.Path); m != nil {
		if b, ok := table[m[1]]; ok {
			return b
		}
	}
	if b, ok := table["*"]; ok {
		return b
	}
	return testkit.Behaviour{Status: http.StatusNotFound, Headers: map[string]string{"content-type": "text/plain"}, Body: json.RawMessage(`"Bot not found"`)}
}

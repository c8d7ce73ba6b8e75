package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"aggregator"
	"aggregator/sandbox"
)

// TestPost posts to a sandbox of every list, as a bot's own tests can.
func TestPost(t *testing.T) {
	t.Parallel()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	built, err := aggregator.New(aggregator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	box := httptest.NewServer(sandbox.New(built.Lists()))
	defer box.Close()
	if err := built.Close(); err != nil {
		t.Fatal(err)
	}
	lists, err := aggregator.New(aggregator.Options{Transport: sandbox.Transport(transport, box.Listener.Addr().String())})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lists.Close() }()
	id := ""
	for _, l := range lists.Lists() {
		if l.TakesCounts() && l.Post == nil {
			id = l.ID
		}
	}
	for _, tt := range []struct{ id, token, want string }{
		{id, "token", "accepted by " + id + "\n"},
		{id, "bad", id + " said 401 "},
		{id, "", id + " was not asked: No token\n"},
		{"list.example", "token", "list.example was not asked: Unknown list"},
	} {
		var out strings.Builder
		err := post(t.Context(), &out, lists, "123456789012345678", 5, aggregator.Tokens{tt.id: tt.token})
		if err != nil || !strings.HasPrefix(out.String(), tt.want) {
			t.Errorf("with %q for %s: got %s%v, want %s", tt.token, tt.id, out.String(), err, tt.want)
		}
	}
	if err := post(t.Context(), &strings.Builder{}, lists, "no id", 5, nil); err == nil {
		t.Error("a bot's id that is none is taken")
	}
}

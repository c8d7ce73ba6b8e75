package web

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"aggregator/lists"
)

const (
	png = "\x89PNG\r\n\x1a\n…"
	svg = `<?xml version="1.0"?><!-- a --><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`
)

// TestIcons holds that every known list has a picture, and that only pictures
// are passed on.
func TestIcons(t *testing.T) {
	for _, tt := range []struct {
		name   string
		answer lists.Answer
		kind   string
		whole  bool // it is the list's own
	}{
		{"a picture", lists.NewAnswer(200, nil, []byte(png)), "image/png", true},
		{"SVG", lists.NewAnswer(200, nil, []byte(svg)), "image/svg+xml", true},
		{"a page", lists.NewAnswer(200, map[string][]string{"Content-Type": {"image/png"}}, []byte("<!doctype html><p>Hello")), "image/svg+xml", false},
		{"gone", lists.NewAnswer(404, nil, []byte(png)), "image/svg+xml", false},
		{"no answer", lists.Answer{Status: lists.NoAnswer}, "image/svg+xml", false},
	} {
		var asked atomic.Int32
		now := time.Unix(1_800_000_000, 0)
		s := newSite(t, func(c *Config) {
			c.Now = func() time.Time { return now }
			c.Fetch = func(context.Context, lists.Op, lists.Request) lists.Answer {
				asked.Add(1)
				return tt.answer
			}
		})
		l := livingLists(s.Catalog.Current())[0]
		for range 3 {
			w := get(s, http.MethodGet, "/icons/"+l.ID)
			if w.Code != http.StatusOK || w.Header().Get("Content-Type") != tt.kind {
				t.Errorf("%s: status %d of type %q, want 200 of %q", tt.name, w.Code, w.Header().Get("Content-Type"), tt.kind)
			}
			if got := w.Header().Get("Content-Security-Policy"); got != "default-src 'none'; sandbox" {
				t.Errorf("%s: Content-Security-Policy %q", tt.name, got)
			}
			if own := w.Body.String() == string(tt.answer.Body); own != tt.whole {
				t.Errorf("%s: the list's own picture: %v, want %v", tt.name, own, tt.whole)
			}
		}
		if got := asked.Load(); got != 1 {
			t.Errorf("%s: asked %d times, want once", tt.name, got)
		}
		now = now.Add(25 * time.Hour)
		get(s, http.MethodGet, "/icons/"+l.ID)
		if got := asked.Load(); got != 2 {
			t.Errorf("%s: asked %d times after a day, want twice", tt.name, got)
		}
	}
	s := newSite(t, nil)
	if w := get(s, http.MethodGet, "/icons/no.such.list"); w.Code != http.StatusNotFound {
		t.Errorf("an unknown list: status %d, want 404", w.Code)
	}
	for _, l := range s.Catalog.Current().Lists() {
		if w := get(s, http.MethodGet, "/icons/"+l.ID); w.Code != http.StatusOK || !strings.HasPrefix(w.Body.String(), "<svg") {
			t.Errorf("%s has no letter", l.ID)
		}
	}
}

// TestSlowIcon holds that a reader who waits for a picture gets a letter, and the
// next one the picture.
func TestSlowIcon(t *testing.T) {
	release := make(chan struct{})
	s := newSite(t, func(c *Config) {
		c.Fetch = func(context.Context, lists.Op, lists.Request) lists.Answer {
			<-release
			return lists.NewAnswer(200, nil, []byte(png))
		}
	})
	l := livingLists(s.Catalog.Current())[0]
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if one := s.icons.of(ctx, l.Icon); one != nil {
		t.Error("there is a picture before it was fetched")
	}
	close(release)
	if one := s.icons.of(t.Context(), l.Icon); one == nil || string(one.body) != png {
		t.Error("there is no picture after it was fetched")
	}
}

// TestOldIconsGo holds that pictures which no list names any more take no room
// for ever.
func TestOldIconsGo(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	s := newSite(t, func(c *Config) {
		c.Now = func() time.Time { return now }
		c.Fetch = func(context.Context, lists.Op, lists.Request) lists.Answer {
			return lists.NewAnswer(200, nil, []byte(png))
		}
	})
	for _, url := range []string{"https://one.example/icon.png", "https://two.example/icon.png"} {
		if s.icons.of(t.Context(), url) == nil {
			t.Fatalf("%s has no picture", url)
		}
	}
	now = now.Add(iconFresh)
	if s.icons.of(t.Context(), "https://three.example/icon.png") == nil {
		t.Fatal("a third one has no picture")
	}
	if len(s.icons.byURL) != 1 || s.icons.bytes != len(png) {
		t.Errorf("%d pictures of %d bytes are kept, want 1 of %d", len(s.icons.byURL), s.icons.bytes, len(png))
	}
}

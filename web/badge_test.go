package web

import (
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"aggregator/aggregate"
	"aggregator/lists"
)

func TestTextOfBadge(t *testing.T) {
	answer := func(count int64, all ...lists.Reading) *aggregate.BotAnswer {
		return &aggregate.BotAnswer{Bot: lists.Bot{ServerCount: count, Lists: all}}
	}
	found := func(list string, count, votes int64) lists.Reading {
		return lists.Reading{List: list, Status: 200, Found: true, Counted: count >= 0, Count: max(0, count), Votes: votes}
	}
	missing, silent := lists.Reading{List: "m", Status: 404}, lists.Reading{List: "s", Status: lists.NoAnswer}
	for _, tt := range []struct {
		name, kind string
		answer     *aggregate.BotAnswer
		want       string
		passing    bool
	}{
		{"servers", "servers", answer(1234, found("a", 1234, 0), missing), "servers: 1,234", false},
		{"no server", "servers", answer(0, found("a", 0, 0)), "servers: 0", false},
		{"no count", "servers", answer(0, found("a", -1, 0)), "servers: not told", false},
		{"votes", "votes", answer(1, found("a", 1, 1000), found("b", 1, 5)), "votes: 1,005", false},
		{"lists", "lists", answer(1, found("a", 1, 0), found("b", -1, 0), missing, silent), "bot lists: 2", false},
		{"a bot nobody knows", "servers", answer(0, missing, missing), "servers: on no list", false},
		{"a bot nobody knows, and a list that fails", "votes", answer(0, missing, silent), "votes: on no list", false},
		{"no list answers", "servers", answer(0, silent, silent), "servers: no list answers", true},
		{"no list is asked", "lists", answer(0), "bot lists: no list answers", true},
		{"nothing is known", "servers", nil, "servers: not known yet", true},
	} {
		got := TextOfBadge(tt.kind, tt.answer, time.Unix(0, 0))
		if text := got.Label + ": " + got.Value; text != tt.want || got.Passing != tt.passing {
			t.Errorf("%s: got %q, passing %t; want %q, %t", tt.name, text, got.Passing, tt.want, tt.passing)
		}
	}
}

// TestBadge holds that a badge is a picture, whatever it says.
func TestBadge(t *testing.T) {
	for _, value := range []string{"1,234", "", `<script>"&'`, strings.Repeat("w", 100)} {
		d := xml.NewDecoder(strings.NewReader(string(Badge(BadgeText{Label: "servers", Value: value, Colour: badgeGood}))))
		text := ""
		for {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%q: %v", value, err)
			}
			if e, ok := token.(xml.StartElement); ok && e.Name.Local == "script" {
				t.Errorf("%q became an element", value)
			}
			if c, ok := token.(xml.CharData); ok {
				text += string(c)
			}
		}
		if want := "servers: " + value + "servers" + value; text != want {
			t.Errorf("got the texts %q, want %q", text, want)
		}
	}
}

func TestWriteBadge(t *testing.T) {
	send := func(text BadgeText, etag string) *httptest.ResponseRecorder {
		w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("If-None-Match", etag)
		WriteBadge(w, r, text)
		return w
	}
	first := send(BadgeText{Label: "a", Value: "b"}, "")
	if first.Code != 200 || first.Header().Get("Cache-Control") != "max-age=300" || first.Header().Get("Content-Type") != "image/svg+xml" || first.Header().Get("Content-Security-Policy") != BadgePolicy {
		t.Errorf("got %d %v", first.Code, first.Header())
	}
	etag := first.Header().Get("Etag")
	for _, shown := range []string{etag, "W/" + etag, `"other", ` + etag} {
		if again := send(BadgeText{Label: "a", Value: "b"}, shown); again.Code != http.StatusNotModified || again.Body.Len() > 0 {
			t.Errorf("with %s: %d, %d bytes; want 304 and none", shown, again.Code, again.Body.Len())
		}
	}
	if changed := send(BadgeText{Label: "a", Value: "c", Passing: true}, etag); changed.Code != 200 || changed.Header().Get("Cache-Control") != "max-age=60" {
		t.Errorf("another: %d %v, want 200 and max-age=60", changed.Code, changed.Header())
	}
}

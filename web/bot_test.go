package web

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"aggregator/aggregate"
	"aggregator/catalog"
	"aggregator/fanout"
	"aggregator/internal/testkit"
	"aggregator/lists"
	"aggregator/ratelimit"
	"aggregator/store"
)

const lookupLists = `
lists:
  a.test: {name: Alpha, url: "https://a.test/", display: 1, api_get: "https://a.test/:id", view_bot: "https://a.test/bots/:id"}
  b.test: {name: "<b>Beta", url: "https://b.test/", display: 1, api_get: "https://b.test/:id"}
  c.test: {name: Gamma, url: "https://c.test/add", display: 1, api_get: "https://c.test/:id"}
  d.test: {name: Delta, url: "https://d.test/", display: 1, api_get: "https://d.test/:id"}
  key.test: {name: Key, url: "https://key.test/", display: 1, get: {url: "https://key.test/:id", auth: {}}}
`

const lookedUp = "123456789012345678"

// lead leads every call to one server.
type lead string

func (l lead) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Host, r.URL.Scheme, r.URL.Host = r.URL.Host, "http", string(l)
	return http.DefaultTransport.RoundTrip(r)
}

// lookups is a site over lists that answer as they are told to.
type lookups struct {
	*Site
	lists *testkit.Lists
	clock *testkit.Clock
	url   string
}

func newLookups(t *testing.T, change func(*Config)) *lookups {
	t.Helper()
	live, _, err := catalog.NewLive(func() (*catalog.Catalog, []string, error) {
		return catalog.Load([]catalog.File{{Name: "lists.yaml", Data: []byte(lookupLists)}}, catalog.File{Name: "legacy_ids.yaml", Data: []byte("{}")})
	})
	if err != nil {
		t.Fatal(err)
	}
	l := &lookups{clock: testkit.NewClock(), lists: testkit.NewLists(t, func(r *http.Request) string { return r.Host }, testkit.Say(404, "application/json", `{}`))}
	client := fanout.New(lead(l.lists.Addr), slog.New(slog.DiscardHandler))
	m := store.NewMemory(store.MemoryOptions{Now: l.clock.Now, Elapsed: l.clock.Elapsed})
	t.Cleanup(func() { _ = m.Close() })
	a := aggregate.New(aggregate.Config{
		Catalog: live, Now: l.clock.Now,
		BotsLimit: ratelimit.New(m.Windows(), ratelimit.Rate{Limit: 1, Period: 30 * time.Second}, store.NewHasher(m.Secret())),
		Admit: func(ctx context.Context, from netip.Prefix, calls []lists.Call) (aggregate.Room, error) {
			return client.Admit(ctx, from, calls)
		},
	})
	l.Site = newSite(t, func(c *Config) {
		c.Catalog, c.Aggregator, c.Now = live, a, l.clock.Now
		c.Caller = func(*http.Request) aggregate.Caller { return aggregate.Caller{IP: netip.MustParseAddr("192.0.2.1")} }
		if change != nil {
			change(c)
		}
	})
	server := httptest.NewServer(l.Site)
	t.Cleanup(server.Close)
	l.url = server.URL
	return l
}

// TestLookupStreams reads the page of a bot while a list has not answered yet.
func TestLookupStreams(t *testing.T) {
	for _, tt := range []struct{ name, coding string }{{"plain", "identity"}, {"compressed", ""}} {
		t.Run(tt.name, func(t *testing.T) {
			l := newLookups(t, nil)
			release := make(chan struct{})
			l.lists.On("a.test", testkit.Say(200, "application/json", `{"name":"My <i>Bot","servers":1000,"invite":"javascript:alert(1)","website":"https://bot.example/?a=1&b=2"}`))
			l.lists.On("b.test", func(w http.ResponseWriter, r *http.Request) {
				<-release
				testkit.Say(200, "application/json", `{"name":"My <i>Bot","servers":2000}`)(w, r)
			})
			l.lists.On("d.test", testkit.Say(200, "text/html", `<html>`))
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, l.url+"/bots/"+lookedUp, nil)
			if err != nil {
				t.Fatal(err)
			}
			if tt.coding != "" {
				req.Header.Set("Accept-Encoding", tt.coding)
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, page := bufio.NewReader(resp.Body), ""
			readUntil := func(words string) {
				t.Helper()
				for !strings.Contains(page, words) {
					line, err := body.ReadString('\n')
					if page += line; err != nil {
						t.Fatalf("the page ended with %v before %q", err, words)
					}
				}
			}
			for _, id := range []string{"a", "c", "d", "key"} {
				readUntil(`id="list-` + id + `.test"`)
			}
			if strings.Contains(page, `id="list-b.test"`) || strings.Contains(page, `id="tally"`) {
				t.Error("the page says what the list has not answered yet")
			}
			close(release)
			rest, err := io.ReadAll(body)
			if page += string(rest); err != nil || !strings.HasSuffix(page, "</html>\n") {
				t.Errorf("the page does not end: %v", err)
			}
			if resp.StatusCode != http.StatusOK || resp.Header.Get("Cache-Control") != "no-store" || resp.Header.Get("Content-Security-Policy") != policy {
				t.Errorf("status %d, headers %v", resp.StatusCode, resp.Header)
			}
			for _, want := range []string{
				`data-asked="4"`, `<template shadowrootmode="open">`, `<slot name="row-b.test">`,
				`On 2 of 4 lists, stale on 1 of them, not on 1, no answer from 1; 1 more needs a key.`,
				`slot="mark-a.test" title="50 % behind"`, `My &lt;i&gt;Bot`, `<bdi>&lt;b&gt;Beta</bdi>`, `<strong>2,000</strong> servers`,
				`href="https://a.test/bots/` + lookedUp + `" rel="nofollow noopener noreferrer"`, `href="https://c.test/add" rel="nofollow noopener noreferrer"`,
				`href="https://bot.example/?a=1&amp;b=2" rel="nofollow noopener noreferrer"`, `<meta name="robots" content="noindex">`, `4 of 4`,
			} {
				if !strings.Contains(page, want) {
					t.Errorf("the page lacks %q", want)
				}
			}
			for _, bad := range []string{"javascript:", " style=", "<style", "<i>Bot", "ZgotmplZ", "seam"} {
				if strings.Contains(page, bad) {
					t.Errorf("the page holds %q", bad)
				}
			}
			if n := strings.Count(page, "<h1>"); n != 1 {
				t.Errorf("%d first headings, want 1", n)
			}
		})
	}
}

// TestLookupKept holds who is shown what is kept, and that no list is asked for
// them.
func TestLookupKept(t *testing.T) {
	l := newLookups(t, nil)
	l.lists.On("a.test", testkit.Say(200, "application/json", `{"name":"My Bot","servers":1000}`))
	path := "/bots/" + lookedUp
	preview := get(l, http.MethodGet, path, "User-Agent", "Discordbot/2.0")
	if preview.Code != http.StatusOK || !strings.Contains(preview.Body.String(), "Nothing is known of this bot yet") {
		t.Errorf("a preview of an unknown bot: %d %s", preview.Code, preview.Body)
	}
	if head := get(l, http.MethodHead, path); head.Code != http.StatusOK || head.Body.Len() > 0 {
		t.Errorf("HEAD: %d and %d bytes, want 200 and none", head.Code, head.Body.Len())
	}
	if asked := l.lists.Take(); len(asked) > 0 {
		t.Fatalf("%d lists were asked by who only looked", len(asked))
	}
	if first := get(l, http.MethodGet, path); first.Code != http.StatusOK || len(l.lists.Take()) != 4 {
		t.Fatalf("a visit: %d %s", first.Code, first.Body)
	}
	l.clock.Advance(10 * time.Second)
	again := get(l, http.MethodGet, path)
	body := again.Body.String()
	if got := again.Header().Get("Retry-After"); again.Code != http.StatusTooManyRequests || got != "20" {
		t.Errorf("a second visit: %d, Retry-After %q; want 429 and 20", again.Code, got)
	}
	for _, want := range []string{"in 20 seconds", "10 seconds ago", "On 1 of 4 lists, not on 3; 1 more needs a key.", `id="list-a.test"`, "My Bot", "</html>"} {
		if !strings.Contains(body, want) {
			t.Errorf("a second visit lacks %q", want)
		}
	}
	if n := strings.Count(body, "<bdi>My Bot</bdi>"); n != 1 {
		t.Errorf("a second visit names the bot %d times in headings, want once", n)
	}
	preview = get(l, http.MethodGet, path, "User-Agent", "Discordbot/2.0")
	for _, want := range []string{
		"<title>My Bot (" + lookedUp + ") – Bot list aggregator</title>",
		`<meta name="description" content="My Bot: 1,000 servers. On 1 of 4 lists, not on 3; 1 more needs a key.">`,
	} {
		if !strings.Contains(preview.Body.String(), want) {
			t.Errorf("a preview lacks %q", want)
		}
	}
	if asked := l.lists.Take(); len(asked) > 0 {
		t.Errorf("%d lists were asked again", len(asked))
	}
	l.clock.Advance(21 * time.Second)
	if later := get(l, http.MethodGet, path); later.Code != http.StatusOK || len(l.lists.Take()) != 4 {
		t.Errorf("a later visit: %d", later.Code)
	}
}

// TestLookupWithoutAggregator shows a page where nobody can be asked.
func TestLookupWithoutAggregator(t *testing.T) {
	l := newLookups(t, func(c *Config) { c.Aggregator = nil })
	if w := get(l, http.MethodGet, "/bots/"+lookedUp); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "Nothing is known") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestBotForm(t *testing.T) {
	l := newLookups(t, func(c *Config) { c.BasePath = "/botlists" })
	for _, tt := range []struct {
		path, leads, holds string
		want               int
	}{
		{"/bots", "", "5 lists can be read", 200},
		{"/bots?id=", "", "Id of the bot", 200},
		{"/bots?id=+123456789012345678+", "/botlists/bots/123456789012345678", "", 303},
		{"/bots?id=%3C@!123456789012345678%3E", "/botlists/bots/123456789012345678", "", 303},
		{"/bots?id=%22%3E%3Cscript%3E", "", "That is not the id of a bot", 400},
		{"/bots/me", "", "That is not the id of a bot", 400},
		{"/robots.txt", "", "Disallow: /botlists/bots/\n", 200},
	} {
		w := get(l, http.MethodGet, tt.path)
		if w.Code != tt.want || w.Header().Get("Location") != tt.leads || !strings.Contains(w.Body.String(), tt.holds) || strings.Contains(w.Body.String(), `"><script>`) {
			t.Errorf("%s: %d to %q, want %d to %q, and %q", tt.path, w.Code, w.Header().Get("Location"), tt.want, tt.leads, tt.holds)
		}
	}
}

func TestBotChart(t *testing.T) {
	points := []CountPoint{{time.Unix(1_700_000_000, 0), 1000}, {time.Unix(1_700_500_000, 0), 1500}}
	var err error
	l := newLookups(t, func(c *Config) {
		c.Counts = func(context.Context, string) ([]CountPoint, error) { return points, err }
	})
	page := func() string {
		return get(l, http.MethodGet, "/bots/"+lookedUp, "User-Agent", "Discordbot/2.0").Body.String()
	}
	if body := page(); !strings.Contains(body, `<polyline points="0.0,156.0 720.0,4.0"/>`) || !strings.Contains(body, "1,500 servers on 20 November 2023") {
		t.Errorf("no chart in %s", body)
	}
	err = errors.New("the store is away")
	if body := page(); strings.Contains(body, "polyline") || !strings.Contains(body, "</html>") {
		t.Error("a chart is shown of what cannot be read, or no page")
	}
}

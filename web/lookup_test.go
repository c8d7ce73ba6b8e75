package web

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"aggregator/aggregate"
	"aggregator/lists"
)

func TestFindings(t *testing.T) {
	for _, tt := range []struct {
		name    string
		reading lists.Reading
		state   state
		why     string
	}{
		{"found", lists.Reading{Status: 200, Found: true, Counted: true, Count: 5}, stateFound, ""},
		{"404", lists.Reading{Status: 404}, stateMissing, ""},
		{"410", lists.Reading{Status: 410}, stateMissing, ""},
		{"429", lists.Reading{Status: 429}, stateSilent, "The list was asked too often (429)"},
		{"401", lists.Reading{Status: 401}, stateSilent, "The list refuses to answer (401)"},
		{"403", lists.Reading{Status: 403}, stateSilent, "The list refuses to answer (403)"},
		{"500", lists.Reading{Status: 500}, stateSilent, "The list has trouble of its own (500)"},
		{"503", lists.Reading{Status: 503}, stateSilent, "The list has trouble of its own (503)"},
		{"400", lists.Reading{Status: 400}, stateSilent, "The list answered with status 400"},
		{"a redirect", lists.Reading{Status: 302}, stateSilent, "The list answered with status 302"},
		{"a page", lists.Reading{Status: 200, Page: true}, stateSilent, "A web page came in place of an answer"},
		{"nothing of the bot", lists.Reading{Status: 200}, stateSilent, "The answer says nothing of the bot"},
		{"timeout", lists.Reading{Status: lists.NoAnswer, Text: "Timeout after 2s"}, stateSilent, "Timeout after 2s"},
		{"no reason", lists.Reading{Status: lists.NoAnswer}, stateSilent, "There was no answer"},
	} {
		if got := findingOf(tt.reading); got.State != tt.state || got.Why != tt.why {
			t.Errorf("%s: got %s, %q; want %s, %q", tt.name, got.State, got.Why, tt.state, tt.why)
		}
	}
}

func TestSkippedFindings(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	for _, tt := range []struct {
		why   lists.Skip
		state state // "": there is nothing to say
		words string
	}{
		{lists.Skip{Reason: lists.SkipNoKey}, stateKey, "Only those with a key are answered"},
		{lists.Skip{Reason: lists.SkipPaced, Until: now.Add(90 * time.Second)}, stateHeldBack, "It limits how often it may be asked; next time in 1 minute"},
		{lists.Skip{Reason: lists.SkipPaced, Until: now}, stateHeldBack, "It limits how often it may be asked"},
		{lists.Skip{Reason: lists.SkipRefused, Until: now}, stateKey, "The list does not take the key that is set here"},
		{lists.Skip{Reason: lists.SkipRevoked}, stateKey, "The list does not take the key that is set here"},
		{lists.Skip{Reason: lists.SkipDefunct}, "", ""},
		{lists.Skip{Reason: lists.SkipUnknown}, "", ""},
	} {
		got, ok := skippedFinding(aggregate.Skipped{ID: "list.example", Why: tt.why}, now)
		if ok != (tt.state != "") || got.State != tt.state || got.Why != tt.words {
			t.Errorf("%s: got %s, %q, %t; want %s, %q", tt.why.Reason, got.State, got.Why, ok, tt.state, tt.words)
		}
	}
}

func TestIsStale(t *testing.T) {
	for _, tt := range []struct {
		name    string
		finding finding
		largest int64
		want    bool
	}{
		{"the largest", finding{State: stateFound, Counted: true, Count: 100}, 100, false},
		{"5 % behind", finding{State: stateFound, Counted: true, Count: 95}, 100, false},
		{"6 % behind", finding{State: stateFound, Counted: true, Count: 94}, 100, true},
		{"none", finding{State: stateFound, Counted: true}, 100, true},
		{"none anywhere", finding{State: stateFound, Counted: true}, 0, false},
		{"not told", finding{State: stateFound}, 100, false},
		{"not found", finding{State: stateSilent, Counted: true, Count: 5}, 100, false},
	} {
		if got := isStale(tt.finding, tt.largest); got != tt.want {
			t.Errorf("%s: got %t, want %t", tt.name, got, tt.want)
		}
	}
	if got, want := staleWords(60, 100), "40 % behind"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTally(t *testing.T) {
	many := func(n int, f finding) []finding {
		all := make([]finding, n)
		for i := range all {
			all[i] = f
		}
		return all
	}
	join := func(parts ...[]finding) (all []finding) {
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	good, stale := finding{State: stateFound, Counted: true, Count: 100}, finding{State: stateFound, Counted: true, Count: 10}
	missing, silent, key, held := finding{State: stateMissing}, finding{State: stateSilent}, finding{State: stateKey}, finding{State: stateHeldBack}
	for _, tt := range []struct {
		all  []finding
		want string
	}{
		{join(many(4, good), many(3, stale), many(12, missing), many(4, silent), many(7, key)), "On 7 of 23 lists, stale on 3 of them, not on 12, no answer from 4; 7 more need a key."},
		{many(3, good), "On 3 of 3 lists."},
		{join(many(1, missing), many(1, key)), "On 0 of 1 list, not on 1; 1 more needs a key."},
		{join(many(1, good), many(2, held)), "On 1 of 1 list; 2 may not be asked just now."},
		{many(2, key), "No list was asked; 2 more need a key."},
		{nil, "No list was asked."},
	} {
		if got := tallyOf(tt.all, 100).String(); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
	if got, want := summary("A Bot", 1234567, tally{Asked: 2, Found: 1, Missing: 1}), "A Bot: 1,234,567 servers. On 1 of 2 lists, not on 1."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestGrouped(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 7: "7", 999: "999", 1000: "1,000", 123456: "123,456", 9007199254740991: "9,007,199,254,740,991"} {
		if got := grouped(n); got != want {
			t.Errorf("grouped(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestBotIDIn(t *testing.T) {
	for text, want := range map[string]string{
		"123456789012345678": "123456789012345678", " 123456789012345678\n": "123456789012345678",
		"<@123456789012345678>": "123456789012345678", "<@!123456789012345678>": "123456789012345678",
		"": "", "abc": "", "12345": "", "0123456789012345678": "", "https://list.example/123456789012345678": "",
	} {
		if id, ok := botIDIn(text); ok != (want != "") || ok && id != want {
			t.Errorf("botIDIn(%q) = %q, %t; want %q", text, id, ok, want)
		}
	}
}

func TestLooksOnly(t *testing.T) {
	for _, tt := range []struct {
		method, header, value string
		want                  bool
	}{
		{http.MethodGet, "User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36", false},
		{http.MethodGet, "User-Agent", "Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0", false},
		{http.MethodGet, "User-Agent", "curl/8.5.0", false},
		{http.MethodGet, "User-Agent", "", false},
		{http.MethodGet, "User-Agent", "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)", true},
		{http.MethodGet, "User-Agent", "Twitterbot/1.0", true},
		{http.MethodGet, "User-Agent", "facebookexternalhit/1.1", true},
		{http.MethodGet, "User-Agent", "Slackbot-LinkExpanding 1.0", true},
		{http.MethodGet, "User-Agent", "WhatsApp/2.23", true},
		{http.MethodGet, "Sec-Purpose", "prefetch;prerender", true},
		{http.MethodGet, "Purpose", "prefetch", true},
		{http.MethodHead, "User-Agent", "Mozilla/5.0", true},
	} {
		r := httptest.NewRequest(tt.method, "/bots/1", nil)
		r.Header.Set(tt.header, tt.value)
		if got := looksOnly(r); got != tt.want {
			t.Errorf("%s %s %q: got %t, want %t", tt.method, tt.header, tt.value, got, tt.want)
		}
	}
}

func TestChart(t *testing.T) {
	at := func(days, n int64) CountPoint {
		return CountPoint{time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC).Add(time.Duration(days) * 24 * time.Hour), n}
	}
	for _, tt := range []struct {
		name   string
		points []CountPoint
		line   string // "": there is no chart
		words  string
		days   int
	}{
		{"nothing", nil, "", "", 0},
		{"one point", []CountPoint{at(0, 5)}, "", "", 0},
		{"at one time", []CountPoint{at(0, 5), at(0, 6)}, "", "", 0},
		{"up", []CountPoint{at(0, 1000), at(10, 2500)}, "0.0,156.0 720.0,4.0", "2,500 servers on 11 September 2026, 1,500 more than on 1 September 2026. Fewest: 1,000, on 1 September 2026. Most: 2,500, on 11 September 2026.", 2},
		{"down and up", []CountPoint{at(0, 10), at(5, 0), at(10, 9)}, "0.0,4.0 360.0,156.0 720.0,19.2", "9 servers on 11 September 2026, 1 fewer than on 1 September 2026. Fewest: 0, on 6 September 2026. Most: 10, on 1 September 2026.", 3},
		{"level", []CountPoint{at(0, 1), at(4, 1)}, "0.0,80.0 720.0,80.0", "1 server on 5 September 2026, the same as on 1 September 2026.", 2},
	} {
		c := chartOf(tt.points)
		if c == nil {
			if tt.line != "" {
				t.Errorf("%s: no chart", tt.name)
			}
			continue
		}
		if c.Line != tt.line || c.Words() != tt.words || len(c.Days) != tt.days {
			t.Errorf("%s: got %q, %q, %d days; want %q, %q, %d", tt.name, c.Line, c.Words(), len(c.Days), tt.line, tt.words, tt.days)
		}
	}
}

package web

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"aggregator/health"
	"aggregator/lists"
	"aggregator/store"
)

// asOf is the time of the sites of tests.
var asOf = time.Unix(1_800_000_000, 0).UTC()

// fixedHealth says how lists are; those that are not in it were never asked.
type fixedHealth map[string]health.List

func (f fixedHealth) Lists(ids ...string) []health.List {
	all := make([]health.List, len(ids))
	for i, id := range ids {
		one, ok := f[id]
		if !ok {
			one = howWith(nil, nil)
		}
		one.ID = id
		all[i] = one
	}
	return all
}

// calls is what became of calls in an hour or day, so many of them ago.
type calls struct {
	ago           int
	calls, faults int64
}

// howWith returns how a list is of which calls are known.
func howWith(hours, days []calls) health.List {
	bars := func(n int, p store.Period, known []calls) (all []health.Bar, sum health.Bar) {
		for i := range n {
			all = append(all, health.Bar{From: p.Begin(asOf).Add(-time.Duration(n-1-i) * time.Duration(p))})
		}
		sum.From = all[0].From
		for _, k := range known {
			b := &all[n-1-k.ago]
			b.Calls, b.Faults = k.calls, k.faults
			sum.Calls += k.calls
			sum.Faults += k.faults
		}
		return all, sum
	}
	l := health.List{AsOf: asOf, Circuit: health.CircuitClosed}
	l.Hours, l.Day = bars(24, store.Hours, hours)
	l.Days, l.Quarter = bars(90, store.Days, days)
	l.Week = l.Day
	l.Calls = l.Day.Calls
	if l.Calls > 0 {
		l.Answers, l.Successes = l.Calls-l.Day.Faults, l.Calls-l.Day.Faults
		l.P50, l.P95 = 182*time.Millisecond, 1240*time.Millisecond
		l.LastCall = asOf.Add(-time.Minute)
		l.LastSuccess = l.LastCall
	}
	return l
}

// changed returns a list that a function changed.
func changed(l health.List, change func(*health.List)) health.List {
	change(&l)
	return l
}

var (
	wellList = howWith([]calls{{0, 20, 0}, {5, 30, 0}}, []calls{{0, 20, 0}, {1, 30, 0}})
	downList = changed(howWith([]calls{{0, 430, 412}}, []calls{{0, 430, 412}}), func(l *health.List) {
		l.Outages = []health.Outage{{From: asOf.Add(-40 * time.Minute), Calls: 430, Faults: 412, N: 412}}
		l.LastFailure = health.Failure{At: asOf.Add(-time.Minute), Kind: "timeout", Detail: "Timeout after <10s>"}
		l.Circuit = health.CircuitOpen
	})
	troubledList = changed(howWith([]calls{{1, 430, 412}, {0, 10, 0}}, []calls{{0, 440, 412}}), func(l *health.List) {
		l.Outages = []health.Outage{{From: asOf.Add(-90 * time.Minute), To: asOf.Add(-20 * time.Minute), Calls: 430, Faults: 412, N: 412}}
		l.LastFailure = health.Failure{At: asOf.Add(-20 * time.Minute), Kind: "5xx", Status: 503}
	})
	quietList = changed(howWith([]calls{{3, 20, 0}}, []calls{{0, 20, 0}}), func(l *health.List) {
		l.LastCall = asOf.Add(-3*time.Hour - 20*time.Minute)
		l.Probes = 4
	})
)

func TestMark(t *testing.T) {
	for _, tt := range []struct {
		name string
		how  health.List
		want stateMark
	}{
		{"well", wellList, stateMark{"well", "Answers well"}},
		{"down", downList, stateMark{"down", "Down"}},
		{"circuit alone", changed(wellList, func(l *health.List) { l.Circuit = health.CircuitOpen }), stateMark{"down", "Down"}},
		{"over", troubledList, stateMark{"trouble", "Trouble"}},
		{"half open", changed(wellList, func(l *health.List) { l.Circuit = health.CircuitHalfOpen }), stateMark{"trouble", "Trouble"}},
		{"one fault of many", changed(howWith([]calls{{0, 100, 1}}, nil), func(l *health.List) { l.LastFailure.At = asOf.Add(-time.Minute) }), stateMark{"well", "Answers well"}},
		{"one fault of few", changed(howWith([]calls{{0, 3, 1}}, nil), func(l *health.List) { l.LastFailure.At = asOf.Add(-time.Minute) }), stateMark{"trouble", "Trouble"}},
		{"faults of yesterday", changed(howWith([]calls{{0, 3, 0}, {20, 9, 9}}, nil), func(l *health.List) { l.LastFailure.At = asOf.Add(-20 * time.Hour) }), stateMark{"well", "Answers well"}},
		{"quiet", quietList, stateMark{"quiet", "No traffic for 3 hours"}},
		{"quiet with an open circuit", changed(quietList, func(l *health.List) { l.Circuit = health.CircuitOpen }), stateMark{"quiet", "No traffic for 3 hours"}},
		{"of last week", changed(howWith(nil, []calls{{4, 9, 0}}), func(l *health.List) { l.LastCall = asOf.Add(-96 * time.Hour) }), stateMark{"quiet", "No traffic in 24 hours"}},
		{"never", howWith(nil, nil), stateMark{"quiet", "Never asked yet"}},
	} {
		if got := markOf(tt.how); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestStateLine(t *testing.T) {
	never := howWith(nil, nil)
	of := func(well, troubled, down, rest int) []health.List {
		return slices.Concat(slices.Repeat([]health.List{wellList}, well), slices.Repeat([]health.List{troubledList}, troubled),
			slices.Repeat([]health.List{downList}, down), slices.Repeat([]health.List{never}, rest))
	}
	for _, tt := range []struct {
		all  []health.List
		want string
	}{
		{nil, "No list was asked anything in the last hour, so nobody knows how they do"},
		{append(of(0, 0, 0, 3), quietList), "No list was asked anything in the last hour, so nobody knows how they do"},
		{of(1, 0, 0, 0), "The one list that was asked in the last hour answers well"},
		{of(26, 0, 0, 2), "All 26 lists that were asked in the last hour answer well; 2 had no traffic"},
		{of(23, 2, 1, 14), "23 of 26 lists answer well; 2 had trouble in the last hour; 1 is down; 14 had no traffic"},
		{of(1, 0, 2, 0), "1 of 3 lists answers well; 2 are down"},
		{of(0, 0, 1, 0), "One list was asked in the last hour; 1 is down"},
		{of(0, 2, 0, 0), "0 of 2 lists answer well; 2 had trouble in the last hour"},
	} {
		if got := stateLine(tt.all); got != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
}

func TestPercent(t *testing.T) {
	for _, tt := range []struct {
		calls, faults int64
		want          string
	}{
		{0, 0, ""}, {5, 0, "100%"}, {3, 3, "0%"}, {1000, 5, "99.50%"}, {1_000_000, 1, "99.99%"}, {430, 412, "4.18%"}, {1_000_000, 999_999, "under 0.01%"},
	} {
		if got := percent(health.Bar{Calls: tt.calls, Faults: tt.faults}); got != tt.want {
			t.Errorf("%d faults of %d: got %q, want %q", tt.faults, tt.calls, got, tt.want)
		}
	}
}

func TestTook(t *testing.T) {
	for d, want := range map[time.Duration]string{
		100 * time.Microsecond: "under 1 ms", 1500 * time.Microsecond: "2 ms", 182 * time.Millisecond: "182 ms", 1240 * time.Millisecond: "1.2 s", 10 * time.Second: "10.0 s",
	} {
		if got := took(d); got != want {
			t.Errorf("took(%v) = %q, want %q", d, got, want)
		}
	}
}

func TestStatusPage(t *testing.T) {
	var ids []string
	how := fixedHealth{}
	s := newSite(t, func(c *Config) { c.Health = how })
	for _, l := range s.Catalog.Current().Lists() {
		if l.IsAsked() {
			ids = append(ids, l.ID)
		}
	}
	how[ids[0]], how[ids[1]], how[ids[2]], how[ids[3]] = quietList, wellList, troubledList, downList
	body := get(s, http.MethodGet, "/status").Body.String()
	var order []string
	for _, m := range regexp.MustCompile(`<th role="rowheader" scope="row"><a href="/lists/([^"]*)"`).FindAllStringSubmatch(body, -1) {
		order = append(order, m[1])
	}
	if want := []string{ids[3], ids[2], ids[1], ids[0]}; !slices.Equal(order, want) {
		t.Errorf("lists in order %v, want %v: the worst first", order, want)
	}
	for _, want := range []string{
		"1 of 3 lists answers well; 1 had trouble in the last hour; 1 is down; ",
		"down since 07:20, 412 of 430 calls timed out", "down 06:30 to 07:40, 412 of 430 calls timed out",
		"circuit open", "No traffic for 3 hours", "20 calls, 4 of them probes", "182 ms, 1.2 s", "4.18%", "Timeout after &lt;10s&gt;", "Answered 503 Service Unavailable",
		"Not asked in 90 days", "Nothing is known of these lists, for nobody had this service ask anything of them.", `<a href="/api/status">as JSON</a>`, `As of <time datetime="2027-01-15T08:00:00Z">15 January 2027, 08:00:00 UTC</time>`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if n := strings.Count(body, "Answers well"); n != 1 {
		t.Errorf("%d lists are said to answer well, want 1", n)
	}
	if body := get(s, http.MethodGet, "/").Body.String(); !strings.Contains(body, "1 of 3 lists answers well") || !strings.Contains(body, `href="/status"`) {
		t.Error("the first page does not say how lists are")
	}
}

func TestListHealth(t *testing.T) {
	how := fixedHealth{}
	s := newSite(t, func(c *Config) { c.Health = how })
	i := slices.IndexFunc(s.Catalog.Current().Lists(), (*lists.List).IsAsked)
	id := s.Catalog.Current().Lists()[i].ID
	how[id] = downList
	page := func() string { return get(s, http.MethodGet, "/lists/"+id).Body.String() }
	body := page()
	for _, want := range []string{
		"<li>Down since 07:20, 412 of 430 calls timed out.</li>", "circuit open", "median 182 ms, 95% within 1.2 s", "Timeout after &lt;10s&gt;",
		"<title>08:00 to 09:00: 430 calls, 412 failed (uptime 4.18%)</title>", "<title>15 January 2027: 430 calls, 412 failed (uptime 4.18%)</title>",
		`<th scope="row">08:00 to 09:00</th><td class="n">430</td><td class="n">412</td><td class="n">4.18%</td>`,
		"There were no calls in 89 other days.", `href="/api/lists/` + id + `/health"`, "As of <time",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if n := strings.Count(body, "<title>"); n != 1+24+90 {
		t.Errorf("%d titles, want one of the page, 24 of hours and 90 of days", n)
	}
	how[id] = quietList
	if body := page(); strings.Count(body, "No traffic for 3 hours") != 1 || !strings.Contains(body, "<li>4 of 20 calls in 24 hours were probes.</li>") || strings.Contains(body, "Answers well") {
		t.Error("the page of a list without traffic does not say so once, or not what was probed")
	}
	delete(how, id)
	if body := page(); !strings.Contains(body, "so nothing is known") || strings.Contains(body, "<figure") || strings.Contains(body, "Answers well") {
		t.Error("the page says something of a list that nobody asked")
	}
}

func TestStatusWithoutCalls(t *testing.T) {
	body := get(newSite(t, nil), http.MethodGet, "/status").Body.String()
	if strings.Contains(body, "Answers well") || strings.Contains(body, "<table") || !strings.Contains(body, "nobody knows how they do") {
		t.Error("the page says something of lists that nobody asked")
	}
}

func TestPartsOf(t *testing.T) {
	for _, tt := range []struct {
		calls, faults int64
		well, fault   int
	}{
		{9, 0, barHeight, 0}, {9, 9, 0, barHeight}, {1000, 1, barHeight - barGap - minPart, minPart}, {1000, 999, minPart, barHeight - barGap - minPart}, {10, 5, 16, 18},
	} {
		if well, fault := partsOf(health.Bar{Calls: tt.calls, Faults: tt.faults}); well != tt.well || fault != tt.fault {
			t.Errorf("%d faults of %d: heights %d and %d, want %d and %d", tt.faults, tt.calls, well, fault, tt.well, tt.fault)
		}
	}
}

func TestBars(t *testing.T) {
	at := time.Date(2026, 11, 25, 14, 0, 0, 0, time.UTC)
	bars := []health.Bar{{From: at}, {From: at.Add(time.Hour), Calls: 430, Faults: 412}, {From: at.Add(2 * time.Hour), Calls: 1}}
	c := drawBars(bars, barHours)
	for _, tt := range []struct{ what, got, want string }{
		{"what went well", c.Well, "M12 29h9v7h-9zM24 0h9v36h-9z"},
		{"what failed", c.Fault, "M13 1h7v25h-7z"},
		{"no calls", c.Line, "M0 34h9v2h-9z"},
		{"the first bar", c.Bars[0].Words, "14:00 to 15:00: no calls"},
		{"the second bar", c.Bars[1].Words, "15:00 to 16:00: 430 calls, 412 failed (uptime 4.18%)"},
		{"the third bar", c.Bars[2].Words, "16:00 to 17:00: 1 call, none failed"},
		{"the label", c.Label, "Of the last 3 hours, 2 had calls; in 1 some failed, most of all 15:00 to 16:00: 430 calls, 412 failed (uptime 4.18%)"},
		{"the rest", c.Unasked, "There were no calls in 1 other hour."},
		{"nothing", drawBars(bars[:1], barDays).Label, "No calls in the last 1 days"},
		{"all well", drawBars(bars[2:], barHours).Label, "Of the last 1 hours, 1 had calls; none of these calls failed"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.what, tt.got, tt.want)
		}
	}
	if c.Width != 33 || len(c.Rows) != 2 {
		t.Errorf("width %d and %d rows, want 33 and 2", c.Width, len(c.Rows))
	}
}

// BenchmarkStatus makes the pages of lists that were all asked.
func BenchmarkStatus(b *testing.B) {
	how := fixedHealth{}
	s := newSite(b, func(c *Config) { c.Health = how })
	for i, l := range s.Catalog.Current().Lists() {
		how[l.ID] = []health.List{wellList, troubledList, downList, quietList}[i%4]
	}
	for _, path := range []string{"/", "/lists?sort=uptime", "/lists/" + livingLists(s.Catalog.Current())[0].ID, "/status"} {
		b.Run(path, func(b *testing.B) {
			for b.Loop() {
				get(s, http.MethodGet, path, "Accept-Encoding", "gzip")
			}
		})
	}
}

// TestHomeAddsUp checks that the first page says why fewer lists can be asked than
// live.
func TestHomeAddsUp(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	c := s.Catalog.Current()
	silent := c.Counts().Living
	for _, l := range c.Lists() {
		if l.IsAsked() {
			silent--
		}
	}
	want := map[bool]string{true: "The other living list has no API", false: fmt.Sprintf("The other %d living lists have no API", silent)}[silent == 1]
	if body := get(s, http.MethodGet, "/").Body.String(); silent == 0 || !strings.Contains(body, want) {
		t.Errorf("%d living lists have no API; the page does not say %q", silent, want)
	}
}

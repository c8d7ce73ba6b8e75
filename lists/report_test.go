package lists

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"aggregator/rawjson"
)

const reportURL = "https://list.test/bots/:id/report"

// parseReport returns the values of a report that stand in a JSON object.
func parseReport(t *testing.T, kind *Report, body string) ReportValues {
	t.Helper()
	v, ok := rawjson.Parse([]byte(body))
	if !ok {
		t.Fatalf("%s is not JSON", body)
	}
	values, err := kind.Parse(v.Get)
	if err != nil {
		t.Fatalf("%s of %s: %v", kind.Part, body, err)
	}
	return values
}

// TestReportTable has that kinds of reports can be told apart, and every one has a
// way to be sent.
func TestReportTable(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, kind := range Reports() {
		op := kind.Op
		if seen[op.Name] || seen[kind.Part] || op.Direction != "reports" || op.Timeout == 0 || op.MaxAnswer == 0 || op.One == "" || kind.Requests < 1 || kind.Interval <= 0 {
			t.Errorf("%s is not whole, or stands there twice: %+v", op.Name, kind)
		}
		seen[op.Name], seen[kind.Part] = true, true
		if op.MayRepeat && kind.Revokes() {
			t.Errorf("%s may be sent twice, and costs the token", op.Name)
		}
		for _, v := range kind.Values {
			if parsed, err := v.parse(v.Sample()); err != nil || parsed.IsZero() {
				t.Errorf("the sample of %s in %s: %v", v.Name, op.Name, err)
			}
		}
	}
}

func TestReportValues(t *testing.T) {
	t.Parallel()
	commands := func(n int) string { return "[" + strings.Repeat(`{"name":"a"},`, n-1) + `{"name":"a"}]` }
	for _, tt := range []struct {
		kind       *Report
		body, want string // the values, joined; or what is wrong, after "!"
	}{
		{Heartbeat, `{"online":true}`, "true,,,,,,,,"},
		{Heartbeat, `{"online":false,"ping_ms":null,"server_count":1e3,"shard_count":2.0,"cpu_percent":12.5,"last_crash_at":"2026-11-25T20:00:00.123+02:00"}`, `false,,1000,2,,12.5,,,"2026-11-25T20:00:00.123+02:00"`},
		{Heartbeat, `{}`, "!'online' is required"},
		{Heartbeat, `{"online":null}`, "!'online' is required"},
		{Heartbeat, `{"online":"true"}`, "!'online' must be a boolean"},
		{Heartbeat, `{"online":true,"ping_ms":"1"}`, "!'ping_ms' must be a number or null"},
		{Heartbeat, `{"online":true,"ping_ms":1.5}`, "!'ping_ms' must be a number or null"},
		{Heartbeat, `{"online":true,"memory_mb":-1}`, "!'memory_mb' is out of range"},
		{Heartbeat, `{"online":true,"server_count":9007199254740992}`, "!'server_count' is out of range"},
		{Heartbeat, `{"online":true,"cpu_percent":100.1}`, "!'cpu_percent' is out of range"},
		{Heartbeat, `{"online":true,"last_crash_at":"yesterday"}`, "!'last_crash_at' must be a time in ISO 8601, such as 2026-11-25T20:00:00Z, or null"},
		{Errors, `{"message":"m"}`, `"m",`},
		{Errors, `{"message":""}`, "!'message' must not be empty"},
		{Errors, `{"stack":"s"}`, "!'message' is required"},
		{Errors, `{"message":{}}`, "!'message' must be a string"},
		{Edit, `{}`, "!Nothing to change"},
		{Edit, `{"tags":null}`, "!Nothing to change"},
		{Edit, `{"tags":["a","b"]}`, `,["a","b"],`},
		{Edit, `{"tags":["a",1]}`, "!'tags' must be an array of strings or null"},
		{Edit, `{"tags":[""]}`, "!'tags' must be an array of strings or null"},
		{Edit, `{"invite":"https://a.test/?b"}`, `,,"https://a.test/?b"`},
		{Edit, `{"invite":"javascript:alert(1)"}`, "!'invite' must be a URL or null"},
		{Announcement, `{"title":"t"}`, "!'text' is required"},
		{Analytics, `{"server_id":"123","active_users":1}`, "!'server_id' must be a snowflake"},
		{Analytics, `{"server_id":"123456789012345678","active_users":1}`, `"123456789012345678",1,`},
		{Commands, `{"commands":[]}`, "[]"},
		{Commands, `{"commands":{}}`, "!'commands' must be an array of commands, as Discord returns them"},
		{Commands, `{"commands":[{"description":"no name"}]}`, "!'commands' must be an array of commands, as Discord returns them"},
		{Commands, `{"commands":` + commands(1000) + `}`, commands(1000)},
		{Commands, `{"commands":` + commands(1001) + `}`, "!'commands' holds more than 1000 commands"},
		{Invalidate, `{"commands":1}`, ""},
	} {
		v, _ := rawjson.Parse([]byte(tt.body))
		values, err := tt.kind.Parse(v.Get)
		texts := make([]string, len(values))
		for i, v := range values {
			texts[i] = string(v.Raw())
		}
		got := strings.Join(texts, ",")
		if err != nil {
			got = "!" + err.Error()
		}
		if got != tt.want {
			t.Errorf("%s %.100s: got %.100s, want %.100s", tt.kind.Part, tt.body, got, tt.want)
		}
	}
	now := time.Date(2026, 11, 25, 20, 0, 0, 5, time.FixedZone("", 3600))
	values := Analytics.Complete(parseReport(t, Analytics, `{"server_id":"123456789012345678","active_users":1}`), now)
	if got := string(values[2].Raw()); got != `"2026-11-25T19:00:00Z"` {
		t.Errorf("the time of a submission without one: got %s, want that of the request", got)
	}
}

// TestPlanReport has what reports send, for each mechanism of the format.
func TestPlanReport(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 8) + "\U0001F600"
	plain := map[string]Names{"message": {"m"}}
	for _, tt := range []struct {
		name, body string
		kind       *Report
		entry      ReportEntry
		token      Token
		want       string // method, URL, Authorization, Content-Type, body; or why not, after "!"
	}{
		{"fields", `{"message":"a\nb","stack":"s"}`, Errors, ReportEntry{URL: reportURL, Credential: "token", Fields: map[string]Names{"message": {"e.text", "copy"}}}, NewToken("tok", ""),
			`POST https://list.test/bots/123456789012345678/report tok application/json {"e":{"text":"a\nb"},"copy":"a\nb"}`},
		{"in the order of the table", `{"message":"a","stack":"s"}`, Errors, ReportEntry{URL: reportURL, Fields: map[string]Names{"stack": {"a"}, "message": {"z"}, "bot_id": {"id"}}, Constants: map[string]any{"v": int64(1)}}, NewToken("tok", ""),
			`POST https://list.test/bots/123456789012345678/report tok application/json {"id":"123456789012345678","z":"a","a":"s","v":1}`},
		{"what is not given", `{"message":"a"}`, Errors, ReportEntry{URL: reportURL, Fields: map[string]Names{"stack": {"a"}, "message": {"m"}}}, NewToken("tok", ""),
			`POST https://list.test/bots/123456789012345678/report tok application/json {"m":"a"}`},
		{"cut", `{"message":"` + long + `"}`, Errors, ReportEntry{URL: reportURL, Fields: plain, Most: map[string]int64{"message": 9}}, NewToken("tok", ""),
			`POST https://list.test/bots/123456789012345678/report tok application/json {"m":"xxxxxxxx"}`},
		{"not cut", `{"message":"` + long + `"}`, Errors, ReportEntry{URL: reportURL, Fields: plain, Most: map[string]int64{"message": 10}}, NewToken("tok", ""),
			`POST https://list.test/bots/123456789012345678/report tok application/json {"m":"` + long + `"}`},
		{"a form", `{"message":"a&b"}`, Errors, ReportEntry{URL: reportURL, Body: "form", Fields: plain}, NewToken("tok", ""),
			`POST https://list.test/bots/123456789012345678/report tok application/x-www-form-urlencoded m=a%26b`},
		{"a query", `{"message":"a&b"}`, Errors, ReportEntry{URL: reportURL, Body: "query", Fields: plain}, NewToken("tok", ""),
			`POST https://list.test/bots/123456789012345678/report?m=a%26b tok  `},
		{"no body", `{"online":true}`, Heartbeat, ReportEntry{URL: reportURL, Body: "none", OnlyIf: "online"}, NewToken("tok", ""),
			`POST https://list.test/bots/123456789012345678/report tok  `},
		{"only if", `{"online":false}`, Heartbeat, ReportEntry{URL: reportURL, Body: "none", OnlyIf: "online"}, NewToken("tok", ""), "!Nothing to send: takes online: true"},
		{"nothing for it", `{"tags":["a"]}`, Edit, ReportEntry{URL: reportURL, Method: "PATCH", Fields: map[string]Names{"short_description": {"d"}}}, NewToken("tok", ""), "!Nothing to send: takes short_description"},
		{"whole", `{"commands":[ {"name":"a"} ]}`, Commands, ReportEntry{URL: reportURL, Method: "PUT", Whole: "commands"}, NewToken("tok", ""),
			`PUT https://list.test/bots/123456789012345678/report tok application/json [ {"name":"a"} ]`},
		{"too many", `{"commands":[{"name":"a"},{"name":"b"}]}`, Commands, ReportEntry{URL: reportURL, Whole: "commands", Most: map[string]int64{"commands": 1}}, NewToken("tok", ""), "!Too many: takes 1"},
		{"commands of its own", `{"commands":` + sampleCommands + `}`, Commands, ReportEntry{URL: reportURL, Fields: map[string]Names{"commands": {"commands"}}, Command: &CommandEntry{Name: Names{"name"}, Description: Names{"text"}, Usage: Names{"usage"}, Args: Names{"args"}, Constants: map[string]any{"category": "all"}}}, NewToken("tok", ""),
			`POST https://list.test/bots/123456789012345678/report tok application/json {"commands":[{"name":"ban","text":"Bans a user","usage":"/ban <user> [reason]","args":"<user> [reason]","category":"all"}]}`},
		{"commands in groups and menus", `{"commands":[{"name":"set","options":[{"type":1,"name":"on"},{"type":2,"name":"off"}]},{"type":2,"name":"Show"}]}`, Commands, ReportEntry{URL: reportURL, Whole: "commands", Command: &CommandEntry{Name: Names{"n"}, Usage: Names{"u"}}}, NewToken("tok", ""),
			`POST https://list.test/bots/123456789012345678/report tok application/json [{"n":"set","u":"/set <on|off>"},{"n":"Show","u":"Show"}]`},
		{"a method that sends nothing", `{}`, Invalidate, ReportEntry{URL: reportURL, Method: "GET"}, NewToken("tok", ""), `GET https://list.test/bots/123456789012345678/report tok  `},
		{"another", `{}`, Invalidate, ReportEntry{URL: reportURL, Method: "DELETE"}, NewToken("tok", ""), `DELETE https://list.test/bots/123456789012345678/report tok  `},
		{"a reading without a key", `{}`, VoteTotals, ReportEntry{URL: reportURL, Read: &TotalsEntry{Total: "v"}}, Token{}, `GET https://list.test/bots/123456789012345678/report   `},
		{"a reading with a key", `{}`, VoteTotals, ReportEntry{URL: reportURL, Auth: &AuthEntry{Prefix: "Bearer "}, Read: &TotalsEntry{PeriodTotal: "v", Period: "month"}}, NewToken("tok", ""), `GET https://list.test/bots/123456789012345678/report Bearer tok  `},
		{"the list's own number", `{"message":"a"}`, Errors, ReportEntry{URL: "https://list.test/:list_bot_id", Fields: plain}, NewToken("42:tok", ""), `POST https://list.test/42 tok application/json {"m":"a"}`},
		{"without the list's own number", `{"message":"a"}`, Errors, ReportEntry{URL: "https://list.test/:list_bot_id", Fields: plain}, NewToken("tok", ""),
			`!Bad token: list.test numbers bots itself; send "NUMBER:token" or {"token": "token", "bot_id": "NUMBER"} with its number of your bot`},
		{"no token", `{"message":"a"}`, Errors, ReportEntry{URL: reportURL, Fields: plain}, Token{}, "!No token"},
		{"the bridge key alone for the token", `{"message":"a"}`, Errors, ReportEntry{URL: reportURL, Fields: plain}, Token{}.WithBridgeKey("k"), "!No token"},
	} {
		l := mustList(t, "list.test", reportsOf(tt.kind, tt.entry))
		call, skip := l.PlanReport(tt.kind, ReportSubject{BotID: someBot}, parseReport(t, tt.kind, tt.body), tt.token, someAgent)
		if got := reportSent(call, skip); got != tt.want {
			t.Errorf("%s: got\n%s, want\n%s", tt.name, got, tt.want)
		}
	}
	l := mustList(t, "list.test", reportsOf(Developer, ReportEntry{URL: "https://list.test/d/:name", Auth: &AuthEntry{}}))
	if call, skip := l.PlanReport(Developer, ReportSubject{Name: "some-one"}, nil, NewToken("tok", ""), someAgent); skip != nil || call.Wire().URL != "https://list.test/d/some-one" {
		t.Errorf("a developer: %v", skip)
	}
	if _, skip := mustList(t, "list.test", Entry{}).PlanReport(Errors, ReportSubject{BotID: someBot}, nil, Token{}, ""); words(skip) != "No errors API" {
		t.Errorf("a list without the part: %s", words(skip))
	}
	if _, skip := mustList(t, "list.test", func() Entry {
		e := reportsOf(Errors, ReportEntry{URL: reportURL, Fields: plain})
		e.Defunct = true
		return e
	}()).PlanReport(Errors, ReportSubject{BotID: someBot}, nil, Token{}, ""); words(skip) != "Defunct" {
		t.Errorf("a defunct list: %s", words(skip))
	}
}

// reportsOf returns an entry with one part.
func reportsOf(kind *Report, part ReportEntry) (e Entry) {
	*map[*Report]**ReportEntry{
		Commands: &e.Commands, Heartbeat: &e.Heartbeat, Errors: &e.Errors, Edit: &e.Listing, Announcement: &e.Announcements,
		Analytics: &e.Analytics, Invalidate: &e.Invalidate, VoteTotals: &e.VoteTotals, Developer: &e.Developer,
	}[kind] = &part
	return e
}

// reportSent says what a call sends, or after "!" why there is none.
func reportSent(call Call, skip *Skip) string {
	if skip != nil {
		return "!" + skip.String()
	}
	r := call.Wire()
	header := func(name string) string {
		i := slices.IndexFunc(r.Header, func(h Header) bool { return h.Name == name })
		if i < 0 {
			return ""
		}
		return r.Header[i].Value
	}
	return fmt.Sprintf("%s %s %s %s %s", r.Method, r.URL, header("Authorization"), header("Content-Type"), r.Body)
}

// TestBridgeKey has which of a bot's two credentials goes out.
func TestBridgeKey(t *testing.T) {
	t.Parallel()
	l := mustList(t, "list.test", Entry{
		Post: &PostEntry{URL: "https://list.test/:list_bot_id/stats"},
		Get:  &GetEntry{URL: "https://list.test/:list_bot_id", Auth: &AuthEntry{}},
		ReportsEntry: ReportsEntry{Heartbeat: &ReportEntry{
			URL: "https://list.test/beat", Credential: "bridge_key", Begins: "bk_", Auth: &AuthEntry{Prefix: "Bridge "}, Counts: true,
			Fields: map[string]Names{"online": {"up"}, "server_count": {"n"}, "shard_count": {"of"}},
			Limits: []LimitEntry{{PerToken, 1, 60}},
		}},
	})
	four := int64(4)
	token := func(raw string) Token {
		v, _ := rawjson.Parse([]byte(raw))
		parsed, bad := ParseToken(v)
		if bad != nil {
			t.Fatalf("%s: %s", raw, bad)
		}
		return parsed
	}
	const (
		beat  = `POST https://list.test/beat Bridge bk_1 application/json {"up":true,"n":9,"of":4}`
		alive = `POST https://list.test/beat Bridge bk_1 application/json {"up":true}`
		stats = `POST https://list.test/42/stats tok application/json {"n":9}`
	)
	for _, tt := range []struct{ name, token, post, report string }{
		{"its string", `"bk_1"`, beat, alive},
		{"its string, with the number", `"42:bk_1"`, beat, alive},
		{"its string, with the scheme", `{"bridge_key":"Bridge bk_1"}`, beat, alive},
		{"both", `{"token":"tok","bot_id":"42","bridge_key":"bk_1"}`, stats, alive},
		{"the bridge key alone", `{"bridge_key":"bk_1"}`, beat, alive},
		{"the token alone", `"42:tok"`, stats, `POST https://list.test/beat Bridge 42:tok application/json {"up":true}`},
	} {
		given := token(tt.token)
		call, skip := l.PlanPost(Count{BotID: someBot, ServerCount: 9, ShardCount: &four}, given, someAgent)
		if got := reportSent(call, skip); got != tt.post {
			t.Errorf("%s, a post: got\n%s, want\n%s", tt.name, got, tt.post)
		}
		if skip == nil && call.Op() != Posts {
			t.Errorf("%s: the post is one of %s", tt.name, call.Op().Name)
		}
		call, skip = l.PlanReport(Heartbeat, ReportSubject{BotID: someBot}, parseReport(t, Heartbeat, `{"online":true}`), given, someAgent)
		if got := reportSent(call, skip); got != tt.report {
			t.Errorf("%s, a heartbeat: got\n%s, want\n%s", tt.name, got, tt.report)
		}
		if _, skip := l.PlanRead(someBot, given, someAgent); given.split("bk_").IsZero() && words(skip) != "No key" {
			t.Errorf("%s, a reading: %s, want No key", tt.name, words(skip))
		}
		if shown := fmt.Sprintf("%v %+v %#v %s", given, given, struct{ T Token }{given}, call.Masked().Header); strings.Contains(shown, "bk_1") {
			t.Errorf("%s: the bridge key is shown in %s", tt.name, shown)
		}
	}
	known := NewToken("tok", "42").WithBridgeKey("")
	if _, skip := l.PlanReport(Heartbeat, ReportSubject{BotID: someBot}, parseReport(t, Heartbeat, `{"online":true}`), known, someAgent); words(skip) != "No bridge key" {
		t.Errorf("a token that is known to be none: %s, want No bridge key", words(skip))
	}
	post, _ := l.PlanPost(Count{BotID: someBot}, token(`"bk_1"`), someAgent)
	report, _ := l.PlanReport(Heartbeat, ReportSubject{BotID: someBot}, parseReport(t, Heartbeat, `{"online":true}`), token(`"bk_1"`), someAgent)
	if len(post.Limits()) != 1 || len(report.Limits()) != 1 || post.Limits()[0] != report.Limits()[0] {
		t.Errorf("a count by heartbeat counts for %v, a heartbeat for %v", post.Limits(), report.Limits())
	}
	for _, bad := range []string{`{"bridge_key":5}`, `{"token":"t","bridge_key":"a\u0001"}`} {
		v, _ := rawjson.Parse([]byte(bad))
		if _, skip := ParseToken(v); skip == nil || skip.Reason != SkipBadToken {
			t.Errorf("%s: %v, want a bad token", bad, skip)
		}
	}
}

// TestOtherCredentialIsHidden has a list tell the credential of a bot that it was
// not sent.
func TestOtherCredentialIsHidden(t *testing.T) {
	t.Parallel()
	l := mustList(t, "list.test", Entry{
		Post: &PostEntry{URL: "https://list.test/:list_bot_id/stats"},
		Get:  &GetEntry{URL: "https://list.test/:list_bot_id", Auth: &AuthEntry{}},
		ReportsEntry: ReportsEntry{
			Errors:   &ReportEntry{URL: "https://list.test/:list_bot_id/error", Credential: "bridge_key", Auth: &AuthEntry{Prefix: "Bridge "}, Fields: map[string]Names{"message": {"m"}}},
			Commands: &ReportEntry{URL: "https://list.test/commands", Whole: "commands"},
		},
	})
	token := NewToken("first-secret", "42").WithBridgeKey("Bridge second-secret")
	calls := map[string]Call{}
	calls["post"], _ = l.PlanPost(Count{BotID: someBot}, token, someAgent)
	reading, _ := l.PlanRead(someBot, token, someAgent)
	calls["reading"] = reading.Call
	calls["error"], _ = l.PlanReport(Errors, ReportSubject{BotID: someBot}, parseReport(t, Errors, `{"message":"a"}`), token, someAgent)
	calls["commands"], _ = l.PlanReport(Commands, ReportSubject{BotID: someBot}, parseReport(t, Commands, `{"commands":[]}`), token, someAgent)
	for name, call := range calls {
		if call.List == nil {
			t.Fatalf("%s: nothing is planned", name)
		}
		if got, want := call.Hide(`{"token":"first-secret","key":"second%2dsecret"}`), `{"token":"***","key":"***"}`; got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

func TestJudgeReport(t *testing.T) {
	t.Parallel()
	verdict := mustList(t, "list.test", reportsOf(Errors, ReportEntry{URL: reportURL, Fields: map[string]Names{"message": {"m"}}, Success: &SuccessEntry{"ok", true}}))
	total := mustList(t, "list.test", reportsOf(VoteTotals, ReportEntry{URL: reportURL, Read: &TotalsEntry{Total: "a.n", PeriodTotal: "m", Period: "quarter"}}))
	invalidate := mustList(t, "list.test", reportsOf(Invalidate, ReportEntry{URL: reportURL, Method: "GET"}))
	for _, tt := range []struct {
		name   string
		list   *List
		kind   *Report
		answer Answer
		want   string
	}{
		{"taken", verdict, Errors, answer(200, `{"ok":true}`), `true "" false`},
		{"not taken", verdict, Errors, answer(200, `{"ok":false}`), `false "the flag ok is false, want true" false`},
		{"refused", verdict, Errors, answer(401, `{}`), `false "the status is 401, want 200 to 299" false`},
		{"totals", total, VoteTotals, answer(200, `{"a":{"n":"7"},"m":3}`), `true "" false`},
		{"no totals", total, VoteTotals, answer(200, `{"a":{"n":"7"}}`), `false "the answer holds no whole number for period_total" false`},
		{"a text", total, VoteTotals, answer(200, `hello`), `false "the answer is not JSON" false`},
		{"invalidated", invalidate, Invalidate, answer(200, `{"success":true}`), `true "" true`},
		{"not invalidated", invalidate, Invalidate, answer(200, `{"success":false}`), `false "the flag success is false" false`},
		{"silence", invalidate, Invalidate, Answer{Status: NoAnswer}, `false "there was no answer" false`},
	} {
		body := map[*Report]string{Errors: `{"message":"m"}`}[tt.kind]
		if body == "" {
			body = "{}"
		}
		call, skip := tt.list.PlanReport(tt.kind, ReportSubject{BotID: someBot}, parseReport(t, tt.kind, body), NewToken("tok", ""), someAgent)
		if skip != nil {
			t.Fatal(skip)
		}
		v := call.Judge(tt.answer)
		if got := fmt.Sprintf("%t %q %t", v.OK, v.Why, v.Revoked); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
	call, _ := total.PlanReport(VoteTotals, ReportSubject{BotID: someBot}, nil, Token{}, someAgent)
	if got := call.Totals(answer(200, `{"a":{"n":"7"},"m":3}`)); got.Total == nil || *got.Total != 7 || got.PeriodTotal == nil || *got.PeriodTotal != 3 || got.Period != "quarter" {
		t.Errorf("totals are %+v", got)
	}
	if call, _ := invalidate.PlanReport(Invalidate, ReportSubject{BotID: someBot}, nil, NewToken("tok", ""), ""); !call.CanBeRevoked() || call.MayRepeat() || call.Op().NewConnection != true {
		t.Error("an invalidation may be repeated, or leaves the token good")
	}
}

func answer(status int, body string) Answer {
	return NewAnswer(status, map[string][]string{"Content-Type": {"application/json"}}, []byte(body))
}

func TestReportProblems(t *testing.T) {
	t.Parallel()
	message := map[string]Names{"message": {"m"}}
	for _, tt := range []struct {
		name  string
		kind  *Report
		entry ReportEntry
		want  []Problem
	}{
		{"no URL", Errors, ReportEntry{Fields: message}, []Problem{{"errors.url", "is required"}}},
		{"nothing to send", Errors, ReportEntry{URL: reportURL}, []Problem{{"errors", "would send nothing; name a value under fields or whole, or say body: none"}}},
		{"an unknown value", Errors, ReportEntry{URL: reportURL, Fields: map[string]Names{"mesage": {"m"}}}, []Problem{
			{"errors.fields.mesage", `is no value of this report; allowed: message, stack, bot_id, list_bot_id`},
			{"errors", "would send nothing; name a value under fields or whole, or say body: none"}}},
		{"twice", Errors, ReportEntry{URL: reportURL, Fields: map[string]Names{"message": {"m"}, "stack": {"m"}}}, []Problem{{"errors.fields.stack", `"m" is used twice`}}},
		{"whole beside fields", Commands, ReportEntry{URL: reportURL, Whole: "commands", Constants: map[string]any{"a": "b"}}, []Problem{{"commands.whole", "is the whole body, but there are fields, constants or a token beside it; leave them out"}}},
		{"whole of nothing", Commands, ReportEntry{URL: reportURL, Whole: "command"}, []Problem{
			{"commands.whole", `must name a value of this report, is "command"`},
			{"commands", "would send nothing; name a value under fields or whole, or say body: none"}}},
		{"whole as a form", Commands, ReportEntry{URL: reportURL, Whole: "commands", Body: "form"}, []Problem{{"commands.whole", "goes out as JSON, but body is form"}}},
		{"no body with fields", Errors, ReportEntry{URL: reportURL, Body: "none", Fields: message}, []Problem{{"errors.body", "is none, but there are fields to send"}}},
		{"most", Errors, ReportEntry{URL: reportURL, Fields: message, Most: map[string]int64{"message": 0, "x": 1}}, []Problem{
			{"errors.most.message", "must be 1 or more, is 0"}, {"errors.most.x", `must name a value of this report, is "x"`}}},
		{"only if", Errors, ReportEntry{URL: reportURL, Fields: message, OnlyIf: "message"}, []Problem{{"errors.only_if", "must name a flag, message is none"}}},
		{"counts", Errors, ReportEntry{URL: reportURL, Fields: message, Counts: true}, []Problem{{"errors.counts", "says that the report sets the count, but no field takes server_count"}}},
		{"counts, without a post", Heartbeat, ReportEntry{URL: reportURL, Fields: map[string]Names{"server_count": {"n"}}, Counts: true}, []Problem{{"heartbeat.counts", "says that counts may go this way, but the entry has no other way to post them"}}},
		{"begins", Errors, ReportEntry{URL: reportURL, Fields: message, Begins: "bk_"}, []Problem{{"errors.begins", "says what bridge keys begin with, but credential is not bridge_key"}}},
		{"commands elsewhere", Errors, ReportEntry{URL: reportURL, Fields: message, Command: &CommandEntry{Name: Names{"n"}}}, []Problem{{"errors.command", "says how commands look, but there are none in this report"}}},
		{"commands without a name", Commands, ReportEntry{URL: reportURL, Whole: "commands", Command: &CommandEntry{Usage: Names{"n"}}}, []Problem{{"commands.command.name", "is required"}}},
		{"totals elsewhere", Errors, ReportEntry{URL: reportURL, Fields: message, Read: &TotalsEntry{Total: "a"}}, []Problem{{"errors.read", "says where an answer holds votes, but nothing is read of this report's answers"}}},
		{"no totals", VoteTotals, ReportEntry{URL: reportURL}, []Problem{{"vote_totals.read", "must say where the answer holds total or period_total"}}},
		{"a total of no period", VoteTotals, ReportEntry{URL: reportURL, Read: &TotalsEntry{PeriodTotal: "a"}}, []Problem{{"vote_totals.read.period", "goes with period_total: give both, or neither"}}},
		{"the list's number without a key", VoteTotals, ReportEntry{URL: "https://list.test/:list_bot_id", Read: &TotalsEntry{Total: "a"}}, []Problem{{"vote_totals.url", "holds :list_bot_id, which comes with a key; say under auth where the key goes"}}},
		{"a bot of a developer", Developer, ReportEntry{URL: reportURL}, []Problem{{"developer.url", `unknown placeholder ":id"; allowed: :name`}}},
		{"a token in no body", Invalidate, ReportEntry{URL: reportURL, Method: http.MethodGet, Auth: &AuthEntry{In: "body", Name: "t"}}, []Problem{
			{"invalidate.auth.in", "is body, but body: none sends none; allowed: header, query"},
			{"invalidate.body", "is none, but there are fields to send"}}},
	} {
		_, problems := New("list.test", reportsOf(tt.kind, tt.entry))
		checkProblems(t, tt.name, problems, tt.want)
	}
}

func TestIsDeveloper(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"arcdev": true, "Some.One-2_x": true, strings.Repeat("a", 64): true,
		"": false, ".": false, "..": false, "a/b": false, "a b": false, "ü": false, "a?b": false, "%2e": false, strings.Repeat("a", 65): false,
	} {
		if got := IsDeveloper(name); got != want {
			t.Errorf("IsDeveloper(%q) = %t, want %t", name, got, want)
		}
	}
}

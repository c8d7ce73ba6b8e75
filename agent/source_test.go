package agent

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"aggregator/fanout"
	"aggregator/internal/testkit"
	"aggregator/lists"
)

const (
	testBot = "123456789012345678"
	secret  = "s3cret-of-the-test"
)

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// sourceOf loads the source of a bot whose posts are described by a YAML text.
func sourceOf(t *testing.T, posts string) Source {
	t.Helper()
	return mustLoadBots(t, "bots: {\""+testBot+"\": {posts: "+posts+"}}\n").Bot(testBot).Posts.Source
}

// shownReading is a reading in words.
func shownReading(r reading) string {
	number := func(name string, n *int64) string {
		if n == nil {
			return ""
		}
		return fmt.Sprintf(" %s %d", name, *n)
	}
	switch r.fault {
	case faultNone:
		s := fmt.Sprint(r.count.ServerCount) + number("shard_count", r.count.ShardCount) + number("user_count", r.count.UserCount)
		if r.count.Shards != nil {
			s += fmt.Sprint(" shards ", r.count.Shards)
		}
		return s
	case faultRefused:
		return "refused: " + r.text
	case faultLimited:
		return "until " + r.until.Sub(noon).String() + ": " + r.text
	}
	return "failed: " + r.text
}

func TestDiscordAnswers(t *testing.T) {
	s := sourceOf(t, `{count: discord, discord_token: `+secret+`}`)
	me := func(fields string) string { return `{"id": "` + testBot + `", ` + fields + `}` }
	for _, tt := range []struct {
		answer lists.Answer
		want   string
	}{
		{lists.Answer{Status: 200, Body: []byte(me(`"approximate_guild_count": 12`))}, "12"},
		{lists.Answer{Status: 200, Body: []byte(me(`"bot_approximate_guild_count": 34, "approximate_guild_count": 12`))}, "34"},
		{lists.Answer{Status: 200, Body: []byte(me(`"bot_approximate_guild_count": null, "approximate_guild_count": 12`))}, "12"},
		{lists.Answer{Status: 200, Body: []byte(me(`"bot_approximate_guild_count": 0, "approximate_guild_count": 12`))}, "0"},
		{lists.Answer{Status: 200, Body: []byte(me(`"bot_approximate_guild_count": "34"`))}, "failed: Discord's answer holds no server count"},
		{lists.Answer{Status: 200, Body: []byte(me(`"approximate_guild_count": -1`))}, "failed: Discord's answer holds no server count"},
		{lists.Answer{Status: 200, Body: []byte(me(`"approximate_guild_count": 5.5`))}, "failed: Discord's answer holds no server count"},
		{lists.Answer{Status: 200, Body: []byte(me(`"approximate_guild_count": 9007199254740992`))}, "failed: Discord's answer holds no server count"},
		{lists.Answer{Status: 200, Body: []byte(me(`"name": "x"`))}, "failed: Discord's answer holds no server count"},
		// An application made long ago has another id than its bot.
		{lists.Answer{Status: 200, Body: []byte(`{"id": "1", "bot": {"id": "` + testBot + `"}, "approximate_guild_count": 12}`)}, "12"},
		{lists.Answer{Status: 200, Body: []byte(`{"id": "` + testBot + `", "bot": {"id": "223456789012345678"}, "approximate_guild_count": 12}`)},
			"failed: Discord says that the token is another bot's (223456789012345678)"},
		{lists.Answer{Status: 200, Body: []byte(`{"id": 5, "approximate_guild_count": 12}`)}, "failed: Discord says that the token is another bot's"},
		{lists.Answer{Status: 200, Body: []byte(`[]`)}, "failed: Discord's answer is no JSON object"},
		{lists.Answer{Status: 200, Body: []byte(`<html>`)}, "failed: Discord's answer is no JSON object"},
		{lists.Answer{Status: 401, Body: []byte(secret)}, "refused: Discord refuses the token: 401 Unauthorized"},
		{lists.Answer{Status: 403}, "refused: Discord refuses the token: 403 Forbidden"},
		{lists.Answer{Status: 429, Header: map[string][]string{"Retry-After": {"1.5"}}}, "until 1.5s: Discord answered 429 Too Many Requests"},
		{lists.Answer{Status: 429}, "until 1m0s: Discord answered 429 Too Many Requests"},
		{lists.Answer{Status: 429, Header: map[string][]string{"Retry-After": {"-5"}}}, "until 1m0s: Discord answered 429 Too Many Requests"},
		{lists.Answer{Status: 429, Header: map[string][]string{"Retry-After": {"1000000"}}}, "until 24h0m0s: Discord answered 429 Too Many Requests"},
		{lists.Answer{Status: 502}, "failed: Discord answered 502 Bad Gateway"},
		{lists.Answer{Status: 302, Header: map[string][]string{"Location": {"https://" + secret}}}, "failed: Discord redirects (302), which is not followed"},
		{lists.Answer{Status: lists.NoAnswer, Reason: "Timeout after 10s"}, "failed: Discord: Timeout after 10s"},
	} {
		if got := shownReading(s.read(testBot, tt.answer, noon)); got != tt.want {
			t.Errorf("%d %s: got %q, want %q", tt.answer.Status, tt.answer.Body, got, tt.want)
		}
	}
}

func TestURLAnswers(t *testing.T) {
	const url = `url: "http://bot.example/", `
	for _, tt := range []struct{ posts, body, want string }{
		{`server_count: n`, `{"n": 5}`, "5"},
		{`server_count: n`, `{"n": 5.0}`, "5"},
		{`server_count: n`, `{"n": 1e3}`, "1000"},
		{`server_count: n`, `{"n": 9007199254740991}`, "9007199254740991"},
		{`server_count: n`, `{"n": 9007199254740992}`, "failed: What stands at the path of server_count is no whole number from 0 to 9007199254740991"},
		{`server_count: n`, `{"n": "5"}`, "failed: What stands at the path of server_count is no whole number from 0 to 9007199254740991"},
		{`server_count: n`, `{"n": -0}`, "failed: What stands at the path of server_count is no whole number from 0 to 9007199254740991"},
		{`server_count: n`, `{"n": 5.5}`, "failed: What stands at the path of server_count is no whole number from 0 to 9007199254740991"},
		{`server_count: n`, `{"n": null}`, "failed: The count's URL answered no server count where it should be"},
		{`server_count: n`, `{"m": 5}`, "failed: The count's URL answered no server count where it should be"},
		{`server_count: n`, `nope`, "failed: The count's URL answered what is no JSON"},
		{`server_count: "[].n"`, `[{"n": 5}, {"n": 6}]`, "failed: The path of server_count leads to 2 values; it must lead to one"},
		{`server_count: a.n, user_count: a.u, shard_count: s`, `{"a": {"n": 5, "u": 7}, "s": 2}`, "5 shard_count 2 user_count 7"},
		{`server_count: n, user_count: u, shard_count: s`, `{"n": 5, "u": null}`, "5"},
		{`server_count: n, user_count: u`, `{"n": 5, "u": "x"}`, "failed: What stands at the path of user_count is no whole number from 0 to 9007199254740991"},
		{`shards: "[].n"`, `[{"n": 5}, {"n": 6}]`, "11 shard_count 2 shards [5 6]"},
		{`shards: s`, `{"s": [5, 6]}`, "11 shard_count 2 shards [5 6]"},
		{`shards: s`, `{"s": [5, "x"]}`, "failed: The count of shard 1 is no whole number from 0 to 9007199254740991"},
		{`shards: s`, `{"s": null}`, "failed: The count's URL answered no server count where it should be"},
		{`shards: s`, `{"s": []}`, "failed: The count's URL answered no server count where it should be"},
		{`shards: s`, `{"s": [9007199254740991, 1]}`, "failed: The counts of the shards add up to more than a count can be"},
		{`shards: s`, `{"s": [` + strings.Repeat("1,", maxShards) + `1]}`, "failed: The path of shards leads to 20001 counts; at most 20000 are allowed"},
		{`shards: s, shard_count: c`, `{"s": [5, 6], "c": 3}`, "failed: The counts of 2 shards stand beside a shard_count of 3"},
		{`shards: s, server_count: n`, `{"s": [5, 6], "n": 12}`, "12 shard_count 2 shards [5 6]"},
	} {
		s := sourceOf(t, `{count: {`+url+tt.posts+`}}`)
		if got := shownReading(s.read(testBot, lists.Answer{Status: 200, Body: []byte(tt.body)}, noon)); got != tt.want {
			t.Errorf("%s of %.60s: got %q, want %q", tt.posts, tt.body, got, tt.want)
		}
	}
	s := sourceOf(t, `{count: {`+url+`server_count: n}}`)
	for status, want := range map[int]string{
		401: "failed: The count's URL answered 401 Unauthorized", 429: "failed: The count's URL answered 429 Too Many Requests",
		301: "failed: The count's URL redirects (301), which is not followed", 599: "failed: The count's URL answered 599", 201: "5",
	} {
		if got := shownReading(s.read(testBot, lists.Answer{Status: status, Body: []byte(`{"n": 5}`)}, noon)); got != want {
			t.Errorf("%d: got %q, want %q", status, got, want)
		}
	}
}

func TestPushed(t *testing.T) {
	two, users := int64(2), int64(9)
	p := NewPushed(lists.Count{BotID: testBot, ServerCount: 5, ShardID: &two, ShardCount: &two, Shards: []int64{2, 3}, UserCount: &users}, noon)
	for _, tt := range []struct {
		pushed *Pushed
		now    time.Time
		want   string
	}{
		{nil, noon, "failed: Nothing was pushed with the bot's key yet"},
		{&p, noon.Add(2 * time.Hour), "5 shard_count 2 user_count 9 shards [2 3]"},
		{&p, noon.Add(2*time.Hour + 1), "failed: Nothing was pushed with the bot's key since 2026-11-25T12:00:00Z"},
	} {
		r := readPushed(testBot, tt.pushed, time.Hour, tt.now)
		if got := shownReading(r); got != tt.want || r.count.ShardID != nil {
			t.Errorf("at %s: got %q with shard id %v, want %q and none", tt.now, got, r.count.ShardID, tt.want)
		}
	}
}

// What goes out is asked of real servers.
func TestSourcesOnTheWire(t *testing.T) {
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, strings.Join([]string{r.Method, r.URL.Path, r.Header.Get("Authorization"), r.UserAgent()}, " "))
		_, _ = w.Write([]byte(`{"id": "` + testBot + `", "approximate_guild_count": 12}`))
	}))
	defer server.Close()
	out := Outbound{DiscordAPI: server.URL + "/api/v10", DiscordUserAgent: "DiscordBot (https://agent.example, 1)", UserAgent: "test/1"}
	client := fanout.New(fanout.NewTransport(), (&testkit.Log{}).Logger())
	for posts, want := range map[string]string{
		`{discord_token: ` + secret + `}`:       "GET /api/v10/applications/@me Bot " + secret + " DiscordBot (https://agent.example, 1)",
		`{discord_token: "Bot ` + secret + `"}`: "GET /api/v10/applications/@me Bot " + secret + " DiscordBot (https://agent.example, 1)",
		`{count: {url: "` + server.URL + `/health", server_count: approximate_guild_count, token: ` + secret + `}}`: "GET /health Bearer " + secret + " test/1",
		`{count: {url: "` + server.URL + `/health", server_count: approximate_guild_count}}`:                        "GET /health  test/1",
	} {
		asked = nil
		s := sourceOf(t, posts)
		request, ok := s.request(out)
		if !ok {
			t.Fatalf("%s asks nobody", posts)
		}
		r := s.read(testBot, client.Exchange(t.Context(), counts, request), noon)
		if got := strings.Join(asked, "\n"); got != want || shownReading(r) != "12" {
			t.Errorf("asked %q, want %q; it says %q, want 12", got, want, shownReading(r))
		}
	}
	if _, ok := sourceOf(t, `{count: push}`).request(out); ok {
		t.Error("push asks somebody")
	}
}

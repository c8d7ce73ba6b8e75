package agent

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"aggregator/lists"
)

// beatLists are lists that take heartbeats: one that takes counts by them too, one
// that does not, and one that takes them with the bot's token.
const beatLists = worldLists + `
  beats.example:
    name: B
    url: "https://beats.example/"
    post: {url: "https://beats.example/:list_bot_id", fields: {server_count: n}}
    heartbeat: {url: "https://beats.example/beat", credential: bridge_key, begins: "bk_", fields: {online: up, server_count: n}, counts: true}
  hears.example:
    name: H
    url: "https://hears.example/"
    post: {url: "https://hears.example/:id", fields: {server_count: n}}
    heartbeat: {url: "https://hears.example/beat", credential: bridge_key, fields: {online: up, server_count: n, shard_count: of}}
  tokens.example:
    name: K
    url: "https://tokens.example/"
    post: {url: "https://tokens.example/:id", fields: {server_count: n}}
    heartbeat: {url: "https://tokens.example/beat", fields: {online: up}}
`

// got returns what lists were sent within some ticks, in their order.
func (w *world) got() []string {
	var all []string
	for _, p := range w.posts {
		all = append(all, p.list+" "+p.sent)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func TestHeartbeats(t *testing.T) {
	const source = `{count: {url: "http://bot/", server_count: n, shard_count: of}}`
	for _, tt := range []struct{ name, tokens, answer, want string }{
		{"beside the token", `hears.example: {token: a, bridge_key: b}`, `{"n": 5, "of": 2}`, `hears.example {"n":5} hears.example {"up":true,"n":5,"of":2}`},
		{"without a bridge key", `hears.example: a, beats.example: "1:a", tokens.example: a`, `{"n": 5}`, `beats.example {"n":5} hears.example {"n":5} tokens.example {"n":5}`},
		{"of the token alone, as an object", `beats.example: {token: bk_1, bot_id: "1"}`, `{"n": 5}`, `beats.example {"n":5}`},
		{"the count goes the same way", `beats.example: {bridge_key: b}`, `{"n": 5}`, `beats.example {"up":true,"n":5}`},
		{"the count goes the same way, a mere string", `beats.example: bk_1`, `{"n": 5}`, `beats.example {"up":true,"n":5}`},
		{"both credentials", `beats.example: {token: a, bot_id: "1", bridge_key: b}`, `{"n": 5}`, `beats.example {"n":5} beats.example {"up":true,"n":5}`},
		{"a list that takes none", `plain.example: {token: a, bridge_key: b}`, `{"n": 5}`, `plain.example {"n":5}`},
		{"the source fails", `hears.example: {token: a, bridge_key: b}`, ``, ``},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorldOf(t, beatLists, `bots: {"123456789012345678": {tokens: {`+tt.tokens+`}, posts: `+source+`}}`)
			w.source = func(string) lists.Answer { return lists.Answer{Status: http.StatusOK, Body: []byte(tt.answer)} }
			a := w.agent()
			w.run(noon.Add(2*time.Minute), a)
			if got := strings.Join(w.got(), " "); got != tt.want {
				t.Errorf("lists got\n%s, want\n%s", got, tt.want)
			}
			if n, want := len(w.posts), len(w.got()); n != want {
				t.Errorf("%d calls for one tick, want %d", n, want)
			}
		})
	}
}

// A 0 that is not believed is no count; the bot is online nevertheless.
func TestHeartbeatWithoutACount(t *testing.T) {
	w := newWorldOf(t, beatLists, `bots: {"123456789012345678": {tokens: {hears.example: {token: a, bridge_key: b}}, posts: {discord_token: a}}}`)
	told := []int{5, 0, 5}
	w.source = func(string) lists.Answer {
		body := fmt.Sprintf(`{"id": "123456789012345678", "bot_approximate_guild_count": %d}`, told[0])
		told = append(told[1:], 5)
		return lists.Answer{Status: http.StatusOK, Body: []byte(body)}
	}
	w.run(noon.Add(31*time.Minute), w.agent())
	if got, want := strings.Join(w.got(), " "), `hears.example {"n":5} hears.example {"up":true,"n":5} hears.example {"up":true}`; got != want {
		t.Errorf("lists got\n%s, want\n%s", got, want)
	}
}

// Of any number of replicas one sends it, and what fails is in the log.
func TestHeartbeatOfReplicas(t *testing.T) {
	w := newWorldOf(t, beatLists, `bots: {"123456789012345678": {tokens: {hears.example: {token: a, bridge_key: b}}, posts: {count: {url: "http://bot/", server_count: n}, every: 10m}}}`)
	w.answers["hears.example"] = func(string) lists.Answer { return lists.Answer{Status: http.StatusBadGateway, Body: []byte("broken")} }
	w.run(noon.Add(2*time.Minute), w.agent(), w.agent(), w.agent())
	beats := 0
	for _, p := range w.posts {
		if strings.Contains(p.sent, "up") {
			beats++
		}
	}
	if beats != 1 {
		t.Errorf("%d heartbeats within a tick, want 1", beats)
	}
	if got := w.log.String(); !strings.Contains(got, `"report":"heartbeats","list":"hears.example","status":502`) {
		t.Errorf("the log does not say which list failed:\n%s", got)
	}
}

// A bridge key that changes begins afresh, as a token does.
func TestBridgeKeyThatChanges(t *testing.T) {
	file := func(key string) string {
		return `bots: {"123456789012345678": {tokens: {beats.example: {bridge_key: ` + key + `}}, posts: {count: {url: "http://bot/", server_count: n}, every: 10m}}}`
	}
	w := newWorldOf(t, beatLists, file("b"))
	w.answers["beats.example"] = func(string) lists.Answer { return lists.Answer{Status: http.StatusUnauthorized} }
	a := w.agent()
	w.run(noon.Add(45*time.Minute), a)
	before := len(w.posts)
	if before != 4 {
		t.Fatalf("%d posts with a key that is refused, want 4", before)
	}
	w.reload(file("c"))
	w.run(noon.Add(56*time.Minute), a)
	if n := len(w.posts); n == before {
		t.Error("nothing is posted with the new key")
	}
}

package agent

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"aggregator/aggregate"
	"aggregator/catalog"
	"aggregator/lists"
)

// commandLists are lists that take commands, but for one.
const commandLists = worldLists + `
  takes.example:
    name: K
    url: "https://takes.example/"
    commands: {url: "https://takes.example/:id", fields: {commands: c}}
  few.example:
    name: F
    url: "https://few.example/"
    commands: {url: "https://few.example/:id", fields: {commands: c}, most: {commands: 1}, limits: [{per: token, requests: 1, seconds: 7200}]}
`

const syncFile = `bots: {"123456789012345678": {tokens: {takes.example: a, few.example: a, plain.example: a}, commands: sync, posts: {count: push, discord_token: d, every: 10m}}}`

const commandsURL = DefaultDiscordAPI + "/applications/123456789012345678/commands"

// newCommandsWorld is a world in which Discord tells a bot's commands; asked counts
// how often. What is pushed never becomes too old.
func newCommandsWorld(t *testing.T, commands *string) (w *world, asked *int) {
	asked = new(int)
	w = newWorldOf(t, commandLists, strings.Replace(syncFile, "count: push", `count: {url: "http://bot/", server_count: n}`, 1))
	w.source = func(url string) lists.Answer {
		if url == "http://bot/" {
			return lists.Answer{Status: http.StatusOK, Body: []byte(`{"n": 5}`)}
		}
		if url != commandsURL {
			t.Errorf("asked is %s, want %s", url, commandsURL)
		}
		*asked++
		if *commands == "" {
			return lists.Answer{Status: http.StatusUnauthorized}
		}
		return lists.Answer{Status: http.StatusOK, Body: []byte(*commands)}
	}
	return w, asked
}

// uploads returns what a list got, each with its minute.
func (w *world) uploads(list string) string {
	var all []string
	for _, p := range w.posts {
		if p.list == list {
			all = append(all, p.sent)
		}
	}
	return strings.Join(all, " ")
}

func TestCommandsAreUploadedWhenTheyChange(t *testing.T) {
	commands := `[{"name":"a"}]`
	w, asked := newCommandsWorld(t, &commands)
	a := w.agent()
	w.run(noon.Add(5*time.Hour), a)
	if n := *asked; n < 3 || n > 5 {
		t.Errorf("Discord was asked %d times in 5 hours, want once an hour", n)
	}
	if got, want := w.uploads("takes.example"), `{"c":[{"name":"a"}]}`; got != want {
		t.Errorf("uploads %s, want %s once", got, want)
	}
	commands = `[{"name":"b"},{"name":"a"}]`
	w.run(noon.Add(10*time.Hour), a)
	commands = `[{"name":"a"}, {"name":"b"}]` // another order is no change
	w.run(noon.Add(15*time.Hour), w.agent())
	if got, want := w.uploads("takes.example"), `{"c":[{"name":"a"}]} {"c":[{"name":"b"},{"name":"a"}]}`; got != want {
		t.Errorf("uploads %s, want %s", got, want)
	}
	if got, want := w.uploads("few.example"), `{"c":[{"name":"a"}]}`; got != want {
		t.Errorf("a list that takes one: uploads %s, want %s", got, want)
	}
	if got := w.log.String(); !strings.Contains(got, `"list":"few.example","reason":"Too many: takes 1"`) || strings.Contains(got, "plain.example") {
		t.Errorf("the log does not say that there are too many:\n%s", got)
	}
	item, err := w.store.State().Load(t.Context(), a.key(job{jobBot, "123456789012345678"}))
	if err != nil || strings.Contains(string(item[0].Data), `"name"`) {
		t.Errorf("%v: the store has commands: %s", err, item[0].Data)
	}
}

func TestCommandsThatFail(t *testing.T) {
	commands := `[{"name":"a"}]`
	w, _ := newCommandsWorld(t, &commands)
	failing := true
	w.answers["takes.example"] = func(string) lists.Answer {
		if failing {
			return lists.Answer{Status: http.StatusBadGateway}
		}
		return lists.Answer{Status: http.StatusOK}
	}
	a := w.agent()
	w.run(noon.Add(150*time.Minute), a)
	if got := strings.Count(w.uploads("takes.example"), "name"); got < 2 {
		t.Errorf("%d uploads to a list that fails, want one an hour", got)
	}
	failing = false
	w.run(noon.Add(240*time.Minute), a)
	before := len(w.uploads("takes.example"))
	w.run(noon.Add(480*time.Minute), a)
	if len(w.uploads("takes.example")) != before {
		t.Error("commands go out again that the list has taken")
	}
	// A list that holds an upload back gets it later.
	commands = `[{"name":"b"}]`
	w.run(noon.Add(12*time.Hour), a)
	if got, want := w.uploads("few.example"), `{"c":[{"name":"a"}]} {"c":[{"name":"b"}]}`; got != want {
		t.Errorf("a paced list: uploads %s, want %s", got, want)
	}
}

// A Discord token that is refused rests, and another one is tried at once.
func TestCommandsWithoutAToken(t *testing.T) {
	commands := ""
	w, asked := newCommandsWorld(t, &commands)
	a := w.agent()
	w.run(noon.Add(24*time.Hour), a)
	if n := *asked; n < 5 || n > 8 {
		t.Errorf("Discord was asked %d times in 24 hours with a token that it refuses, want 5 to 8", n)
	}
	if got := w.log.String(); !strings.Contains(got, "Discord refuses the token: 401 Unauthorized") {
		t.Errorf("the log does not say so:\n%s", got)
	}
	commands = `[]`
	w.reload(strings.Replace(w.yaml, "discord_token: d", "discord_token: other", 1))
	w.run(w.Now().Add(15*time.Minute), a)
	if got, want := w.uploads("takes.example"), `{"c":[]}`; got != want {
		t.Errorf("with another token: uploads %s, want %s", got, want)
	}
}

func TestCommandsOfReplicas(t *testing.T) {
	commands := `[{"name":"a"}]`
	w, asked := newCommandsWorld(t, &commands)
	w.run(noon.Add(50*time.Minute), w.agent(), w.agent(), w.agent())
	if got, want := w.uploads("takes.example"), `{"c":[{"name":"a"}]}`; got != want || *asked != 1 {
		t.Errorf("Discord was asked %d times, uploads %s; want 1 and %s", *asked, got, want)
	}
}

func TestCommandsRecord(t *testing.T) {
	for _, tt := range []struct {
		name    string
		refused int
		said    reading
		want    time.Duration // until Discord is asked again
	}{
		{"told", 0, reading{}, time.Hour},
		{"failed", 0, failed("x"), time.Hour},
		{"limited", 0, reading{fault: faultLimited, until: noon.Add(3 * time.Hour)}, 3 * time.Hour},
		{"limited for a moment", 0, reading{fault: faultLimited, until: noon.Add(time.Second)}, time.Hour},
		{"refused", 0, reading{fault: faultRefused}, time.Hour},
		{"refused three times", 2, reading{fault: faultRefused}, time.Hour},
		{"refused five times", 4, reading{fault: faultRefused}, aggregate.RestAfter(5)},
		{"told at last", 4, reading{}, time.Hour},
	} {
		c := commandsRecord{Refused: tt.refused}
		c.asked(tt.said, noon)
		if got := c.AskAt.Sub(noon); got != tt.want {
			t.Errorf("%s: asked again after %s, want %s", tt.name, got, tt.want)
		}
		if c.isDue(noon) || !c.isDue(noon.Add(tt.want)) {
			t.Errorf("%s: due at another time than that", tt.name)
		}
	}
	known, _, err := catalog.Load([]catalog.File{{Name: "lists.yaml", Data: []byte(commandLists)}}, catalog.File{})
	if err != nil {
		t.Fatal(err)
	}
	b := &Bot{Tokens: []aggregate.NamedToken{{ID: "plain.example"}, {ID: "takes.example"}, {ID: "few.example"}}}
	c := commandsRecord{Took: map[string]string{"few.example": "1"}}
	ids := func(hash string) (s string) {
		for _, t := range c.stale(b, known, hash) {
			s += t.ID + " "
		}
		return s
	}
	if got, want := ids("1"), "takes.example "; got != want {
		t.Errorf("stale %q, want %q", got, want)
	}
	c.took("2", c.stale(b, known, "2"), []string{"takes.example"})
	if got, want := ids("2"), "few.example "; got != want {
		t.Errorf("stale after a failure %q, want %q", got, want)
	}
	if got, want := ids("1"), "takes.example few.example "; got != want {
		t.Errorf("what a list that failed has is known: stale %q, want %q", got, want)
	}
}

// TestDiscordAnswersCommands has how Discord is asked, and what its answers come to.
func TestDiscordAnswersCommands(t *testing.T) {
	for _, tt := range []struct {
		name   string
		answer lists.Answer
		want   string // what is wrong; "" for nothing
		until  time.Duration
	}{
		{"commands", lists.Answer{Status: 200, Body: []byte(`[{"name":"a"}]`)}, "", 0},
		{"none", lists.Answer{Status: 200, Body: []byte(`[]`)}, "", 0},
		{"another bot's", lists.Answer{Status: 403}, "Discord refuses the token: 403 Forbidden", 0},
		{"too often", lists.Answer{Status: 429, Header: http.Header{"Retry-After": {"120"}}}, "Discord answered 429 Too Many Requests", 2 * time.Minute},
		{"a redirect", lists.Answer{Status: 302}, "Discord redirects (302), which is not followed", 0},
		{"down", lists.Answer{Status: 503}, "Discord answered 503 Service Unavailable", 0},
		{"no answer", lists.Answer{Status: lists.NoAnswer, Reason: "Timeout"}, "Discord: Timeout", 0},
		{"an object", lists.Answer{Status: 200, Body: []byte(`{}`)}, "Discord's answer: no JSON array of commands", 0},
		{"no commands", lists.Answer{Status: 200, Body: []byte(`[{}]`)}, "Discord's answer: 'commands' must be an array of commands, as Discord returns them", 0},
	} {
		var asked lists.Request
		ask := func(_ context.Context, op lists.Op, r lists.Request) lists.Answer {
			if op.Timeout != 10*time.Second || op.MaxAnswer != 1<<20 || op.FollowsRedirects {
				t.Errorf("%s: asked within %+v", tt.name, op)
			}
			asked = r
			return tt.answer
		}
		out := Outbound{DiscordAPI: "https://discord.test/api", DiscordUserAgent: "DiscordBot (x, 1)"}
		commands, said := out.commands(t.Context(), ask, "123456789012345678", lists.NewToken("secret", ""), noon)
		if said.text != tt.want || (said.fault == faultNone) != (tt.want == "") || (commands == nil) != (tt.want != "") {
			t.Errorf("%s: %+v, want %q", tt.name, said, tt.want)
		}
		if tt.until > 0 && !said.until.Equal(noon.Add(tt.until)) {
			t.Errorf("%s: until %s, want %s later", tt.name, said.until, tt.until)
		}
		if want := "https://discord.test/api/applications/123456789012345678/commands"; asked.Method != http.MethodGet || asked.URL != want || asked.Header[0].Value != "Bot secret" || asked.Header[1].Value != "DiscordBot (x, 1)" {
			t.Errorf("%s: asked with %s %s, want %s", tt.name, asked.Method, asked.URL, want)
		}
	}
}

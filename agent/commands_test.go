package agent

import (
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

package main

import (
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"aggregator/internal/testkit"
	"aggregator/sandbox"
)

// pushLists are lists that take commands, but for the last.
const pushLists = `lists:
  raw.test:
    name: Raw
    url: "https://raw.test/"
    commands: {url: "http://ADDRESS/raw.test/:id", method: PUT, whole: commands}
  own.test:
    name: Own
    url: "https://own.test/"
    commands: {url: "http://ADDRESS/own.test/:id", fields: {commands: commands}, most: {commands: 2}, command: {name: n, usage: u}, limits: [{per: token, requests: 1, seconds: 3600}]}
  none.test: {name: None, url: "https://none.test/", api_post: "http://ADDRESS/none.test/:id", api_field: n}
`

const twoCommands = `[{"id":"1","name":"ban","description":"d","options":[{"type":6,"name":"user","required":true}]},{"id":"2","name":"ping","description":"p"}]`

// newPushDesk returns a desk with lists that take commands, and Discord, whose
// address it returns.
func newPushDesk(t *testing.T) (d *desk, bot, discord string) {
	t.Helper()
	d, bot = newDesk(t), newBot()
	d.files = []string{"--lists", write(t, "lists.yaml", strings.ReplaceAll(pushLists, "ADDRESS", d.Addr))}
	outside := sandbox.NewOutside(sandbox.New(nil), 5)
	outside.Bot(postToken+".discord", bot)
	outside.SetCommands(twoCommands)
	server := httptest.NewServer(outside)
	t.Cleanup(server.Close)
	return d, bot, server.URL + "/api/v10"
}

func TestCommandsPush(t *testing.T) {
	t.Parallel()
	d, bot, _ := newPushDesk(t)
	d.On("raw.test", testkit.Say(500, "text/plain", "no"))
	file := write(t, "commands.json", twoCommands)
	args := []string{"commands", "push", file, "--bot", bot, "--tokens", tokens(t, "raw.test", "own.test", "none.test")}
	code, out, errOut := d.run(t, append(args, "--dry-run")...)
	if code != exitDone || errOut != "" || !strings.HasSuffix(out, "dry run: nothing was sent; 2 uploads would be\n") || len(d.Take()) > 0 {
		t.Errorf("--dry-run: exit %d, %q, printed\n%s", code, errOut, out)
	}
	code, out, errOut = d.run(t, args...)
	if want := "own.test ok, raw.test FAILED, none.test skipped, 2 commands:"; lines(out) != want || code != exitFailed || errOut != "" {
		t.Errorf("exit %d, %q, want %s in\n%s", code, errOut, want, out)
	}
	if want := "none.test  skipped  No commands API\n2 commands: accepted by 1 of 2 lists, 1 skipped\n"; !strings.HasSuffix(out, want) {
		t.Errorf("printed\n%s, want at its end\n%s", out, want)
	}
	for _, a := range d.Take() {
		want := map[string]string{"raw.test": "PUT " + twoCommands, "own.test": `POST {"commands":[{"n":"ban","u":"/ban <user>"},{"n":"ping","u":"/ping"}]}`}[a.List]
		if got := a.Method + " " + a.Body; got != want || a.Header.Get("Authorization") != postToken {
			t.Errorf("%s was sent\n%s, want\n%s", a.List, got, want)
		}
	}
	// The store knows that one list wants one upload in an hour, and that is no failure.
	d.On("raw.test", testkit.Say(200, kindJSON, `{"ok":true}`))
	code, out, _ = d.run(t, append(args, "--json")...)
	if want := `{"success":{"raw.test":[200,`; code != exitDone || !strings.HasPrefix(out, want) || !strings.Contains(out, `"own.test":"Paced: next upload at `) {
		t.Errorf("--json: exit %d, printed %s, want %s", code, out, want)
	}
}

// TestCommandsOfDiscord has Discord asked with the bot's token, wherever that stands.
func TestCommandsOfDiscord(t *testing.T) {
	t.Parallel()
	d, bot, discord := newPushDesk(t)
	file := tokens(t, "raw.test")
	secret := write(t, "discord-token", postToken+".discord\n")
	bots := write(t, "bots.yaml", "bots: {\""+bot+"\": {tokens: {raw.test: "+postToken+"}, posts: {discord_token: "+postToken+".discord}}}")
	for _, tt := range []struct {
		name, args, environ string
		code                int
		says                string
	}{
		{"a flag", "--tokens " + file + " --discord-token-file " + secret, "", exitDone, "raw.test ok, 2 commands:"},
		{"a variable", "--tokens " + file, "AGGREGATOR_DISCORD_TOKEN=" + postToken + ".discord", exitDone, "raw.test ok, 2 commands:"},
		{"a variable with a file's name", "--tokens " + file, "AGGREGATOR_DISCORD_TOKEN_FILE=" + secret, exitDone, "raw.test ok, 2 commands:"},
		{"the file of bots", "--bots " + bots, "", exitDone, "raw.test ok, 2 commands:"},
		{"another token", "--tokens " + file, "AGGREGATOR_DISCORD_TOKEN=bad-" + postToken, exitFailed, "Discord refuses the token: 401 Unauthorized"},
		{"nothing", "--tokens " + file, "", exitUsage, "the commands are missing: FILE, - for standard input, or the bot's Discord token"},
		{"no flag takes it", "--tokens " + file + " --discord-token x", "", exitUsage, "unknown flag --discord-token"},
	} {
		e := *d
		e.env.environ = nil
		if tt.environ != "" {
			e.env.environ = []string{tt.environ}
		}
		code, out, errOut := e.run(t, append([]string{"commands", "push", "--bot", bot, "--discord-api", discord}, strings.Fields(tt.args)...)...)
		if code != tt.code || !strings.Contains(lines(out)+errOut, tt.says) {
			t.Errorf("%s: exit %d, want %d and %s; %q, printed\n%s", tt.name, code, tt.code, tt.says, errOut, out)
		}
	}
	for _, a := range d.Take() {
		if a.Body != twoCommands {
			t.Errorf("%s was sent %s, want what Discord said", a.List, a.Body)
		}
	}
}

func TestCommandsPushMistakes(t *testing.T) {
	t.Parallel()
	d, bot, _ := newPushDesk(t)
	raw, none := tokens(t, "raw.test"), tokens(t, "none.test")
	for _, tt := range []struct {
		args, in string
		code     int
		says     string
	}{
		{"--tokens " + raw, "", exitUsage, "--bot is missing"},
		{"- --bot 12 --tokens " + raw, "", exitUsage, `--bot "12" is not a snowflake`},
		{"- --bot " + bot + " --tokens -", "", exitUsage, "only one of the commands, the tokens and the Discord token can come from standard input"},
		{"- --bot " + bot + " --discord-api ftp:x --tokens " + raw, "", exitUsage, "--discord-api must be a URL such as"},
		{"- --bot " + bot, "", exitUsage, "the tokens are missing"},
		{"- --bot " + bot + " --tokens " + raw, `{"name":"x"}`, exitFailed, "standard input: no JSON array of commands"},
		{"- --bot " + bot + " --tokens " + raw, `[{"description":"x"}]`, exitFailed, "standard input: 'commands' must be an array of commands, as Discord returns them"},
		{"- --bot " + bot + " --tokens " + raw, "[" + strings.Repeat(" ", 1<<20) + "]", exitFailed, "standard input holds more than the 1048576 bytes that commands may have"},
		{"nowhere.json --bot " + bot + " --tokens " + raw, "", exitFailed, "nowhere.json"},
		{"- --bot " + bot + " --tokens " + none, `[]`, exitFailed, "0 commands: no list was asked, 1 skipped"},
		{"- --bot " + bot + " --tokens " + raw, `[]`, exitDone, "0 commands: accepted by 1 of 1 list"},
	} {
		d.env.in = strings.NewReader(tt.in)
		code, out, errOut := d.run(t, append([]string{"commands", "push"}, strings.Fields(tt.args)...)...)
		if code != tt.code || !strings.Contains(out+errOut, tt.says) {
			t.Errorf("%s %.30s: exit %d, want %d and %s; %q, printed\n%s", tt.args, tt.in, code, tt.code, tt.says, errOut, out)
		}
	}
	if _, err := os.Stat("nowhere.json"); err == nil {
		t.Error("a file was made")
	}
}

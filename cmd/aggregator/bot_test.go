package main

import (
	"fmt"
	"strings"
	"testing"

	"aggregator/internal/testkit"
)

func TestBot(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.On("one.test", testkit.Say(200, kindJSON, `{"name":"Zoë","owners":["400000000000000001","400000000000000002"],"server_count":1234,"prefix":"!\u001b[2J","website":""}`))
	d.On("two.test", testkit.Say(404, kindJSON, `{"error":"not found"}`))
	d.On("wrapped.test", testkit.Say(503, "text/plain", "down"))
	bot := newBot()
	code, out, errOut := d.run(t, "bot", bot)
	want := "id             " + bot + "\nusername       Zoë\ndiscriminator  0000\nowners         400000000000000001, 400000000000000002\nserver_count   1234\nprefix         ! [2J\n\n" +
		"one.test      ok       1234 servers\ntwo.test      unknown  the list does not know the bot\nwrapped.test  FAILED   503 down\n" +
		"keyed.test    skipped  No key\n" + bot + ": known to 1 of 3 lists asked\n"
	if out != want || code != exitDone || errOut != "" {
		t.Errorf("exit %d, %q, printed\n%s\nwant\n%s", code, errOut, out, want)
	}
	d.On("keyed.test", testkit.Say(200, kindJSON, `{"name":"Zoë"}`))
	code, out, _ = d.run(t, "bot", bot, "--tokens", tokens(t, "keyed.test"))
	if !strings.Contains(out, "keyed.test    ok       no server count\n") || code != exitDone {
		t.Errorf("with a key: exit %d, printed\n%s", code, out)
	}
	code, out, _ = d.run(t, "bot", bot, "--json")
	wantJSON(t, "server_count", member(t, out, "server_count"), "1234")
	wantKeys(t, "list_data", keys(t, member(t, out, "list_data")), "one.test", "two.test", "wrapped.test")
	if code != exitDone {
		t.Errorf("--json: exit %d", code)
	}
}

// TestBotExit has lists that all know nothing of a bot, and lists that say nothing.
func TestBotExit(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]int{404: exitDone, 503: exitFailed} {
		d := newDesk(t)
		for _, list := range []string{"one.test", "two.test", "wrapped.test"} {
			d.On(list, testkit.Say(status, "text/plain", "no"))
		}
		bot := newBot()
		code, out, errOut := d.run(t, "bot", bot)
		if code != want || errOut != "" || !strings.HasPrefix(out, "one.test ") || !strings.HasSuffix(out, bot+": known to 0 of 3 lists asked\n") {
			t.Errorf("%d: exit %d, want %d; %q, printed\n%s", status, code, want, errOut, out)
		}
	}
}

func TestBotArguments(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for _, tt := range []struct {
		args string
		code int
		says string
	}{
		{"bot", exitUsage, "ID is missing"},
		{"bot 42", exitUsage, `ID "42" is not a snowflake`},
		{"bot " + newBot() + " --tokens nowhere.yaml", exitFailed, "nowhere.yaml does not exist"},
		{"voted " + newBot(), exitUsage, "USER is missing"},
		{"voted 42 " + someVoter, exitUsage, `BOT "42" is not a snowflake`},
		{"voted " + newBot() + " 42", exitUsage, `USER "42" is not a snowflake`},
		{"voted " + newBot() + " " + someVoter, exitUsage, "the tokens are missing"},
	} {
		code, out, errOut := d.run(t, strings.Fields(tt.args)...)
		if code != tt.code || out != "" || !strings.Contains(errOut, tt.says) {
			t.Errorf("%s: exit %d, want %d; printed %q, said %q, want %q", tt.args, code, tt.code, out, errOut, tt.says)
		}
	}
	if n := len(d.Take()); n != 0 {
		t.Errorf("%d lists were asked", n)
	}
}

func TestVoted(t *testing.T) {
	t.Parallel()
	const yes, no = `{"voted":true,"at":"2100-11-25T10:00:00Z"}`, `{"voted":false}`
	for _, tt := range []struct {
		name   string
		answer map[string]string // by list; others are not named
		code   int
		first  string // line, with BOT for the bot
		rest   string
		json   string // what JSON says of voted
	}{
		{"yes", map[string]string{"flag.test": yes, "free.test": no}, exitDone, "yes: " + someVoter + " has voted for BOT on flag.test",
			"flag.test  ok       voted true, voted_at 2100-11-25T10:00:00Z, until 2100-11-25T22:00:00Z\nfree.test  ok       voted false\n", "true"},
		{"no", map[string]string{"free.test": no, "refuse.test": "?"}, exitDone, "no: " + someVoter + " has not voted for BOT on free.test",
			"free.test    ok       voted false\nrefuse.test  FAILED   ", "false"},
		{"unknown", map[string]string{"refuse.test": "?"}, exitFailed, "unknown: no list could say whether " + someVoter + " has voted for BOT",
			"refuse.test  FAILED   ", "false"},
		{"no way to ask", map[string]string{"one.test": "?"}, exitFailed, "unknown: no list could say whether " + someVoter + " has voted for BOT",
			"one.test  skipped  No votes API\n", "false"},
	} {
		d := newDesk(t)
		d.files = append(d.files, "--lists", write(t, "votes.yaml", votesYAML(d.Addr)))
		var named []string
		for list, answer := range tt.answer {
			d.On(list, testkit.Say(200, kindJSON, answer))
			named = append(named, list)
		}
		bot := newBot()
		args := []string{"voted", bot, someVoter, "--tokens", tokens(t, named...)}
		code, out, errOut := d.run(t, args...)
		first, rest, _ := strings.Cut(out, "\n")
		if want := strings.Replace(tt.first, "BOT", bot, 1); code != tt.code || errOut != "" || first != want || !strings.HasPrefix(rest, tt.rest) {
			t.Errorf("%s: exit %d, %q, printed\n%s\nwant exit %d and\n%s\n%s", tt.name, code, errOut, out, tt.code, want, tt.rest)
		}
		code, out, _ = d.run(t, append(args, "--json")...)
		if got := member(t, out, "voted"); got != tt.json || code != tt.code {
			t.Errorf("%s as JSON: exit %d, voted %s, want %s", tt.name, code, got, tt.json)
		}
	}
}

// TestVotedWithoutAnswer asks a list that is not there: its line says that once.
func TestVotedWithoutAnswer(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.files = append(d.files, "--lists", write(t, "votes.yaml", votesYAML("127.0.0.1:1")))
	code, out, _ := d.run(t, "voted", newBot(), someVoter, "--tokens", tokens(t, "flag.test"))
	if _, row, _ := strings.Cut(out, "\n"); code != exitFailed || row != "flag.test  FAILED   no answer: Connection refused\n" {
		t.Errorf("exit %d, printed\n%s", code, out)
	}
}

// TestVotedOfOwnBots takes the tokens of a file of bots.
func TestVotedOfOwnBots(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.On("keyed.test", testkit.Say(200, kindJSON, `{"voted":true}`))
	file := write(t, "bots.yaml", fmt.Sprintf("bots:\n  %q: {tokens: {keyed.test: s3cret}}\n", ownBot))
	if code, out, errOut := d.run(t, "voted", ownBot, someVoter, "--bots", file); code != exitDone || !strings.HasPrefix(out, "yes: ") {
		t.Errorf("exit %d, %q, printed %q", code, errOut, out)
	}
	if code, _, errOut := d.run(t, "voted", otherOwnBot, someVoter, "--bots", file); code != exitUsage || !strings.Contains(errOut, "the bot "+otherOwnBot+" is not in the file") {
		t.Errorf("exit %d, said %q", code, errOut)
	}
}

func TestStateFolder(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		system, env, want string
	}{
		{"linux", "HOME=/home/me", "/home/me/.local/state/aggregator"},
		{"linux", "HOME=/home/me XDG_STATE_HOME=/state", "/state/aggregator"},
		{"linux", "HOME=/home/me XDG_STATE_HOME=state", "/home/me/.local/state/aggregator"},
		{"freebsd", "HOME=/home/me", "/home/me/.local/state/aggregator"},
		{"darwin", "HOME=/Users/me", "/Users/me/Library/Application Support/aggregator"},
		{"darwin", "HOME=/Users/me XDG_STATE_HOME=/state", "/state/aggregator"},
		{"windows", "LOCALAPPDATA=/AppData/Local HOME=/home/me", "/AppData/Local/aggregator"},
		{"linux", "", ""},
		{"windows", "HOME=/home/me", ""},
	} {
		got, err := stateFolder(environment{environ: strings.Fields(tt.env)}.getenv, tt.system)
		if got != tt.want || (err != nil) != (tt.want == "") {
			t.Errorf("%s, %s: %q, %v; want %q", tt.system, tt.env, got, err, tt.want)
		}
	}
}

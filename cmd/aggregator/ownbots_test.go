package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"aggregator/internal/testkit"
)

// Bots that are due at their first sight: their share of the first minute is none.
const (
	ownBot      = "100000000000000052"
	otherOwnBot = "100000000000000102"
	thirdOwnBot = "100000000000000191"
)

const ownKey = "a key of twenty characters"

// ownBotsYAML is a file with a bot for each of some ids, of which Discord tells
// the counts.
func ownBotsYAML(ids ...string) string {
	yaml := "bots:\n"
	for _, id := range ids {
		yaml += fmt.Sprintf("  %q: {name: Bot %s, key: %q, tokens: {hidden.test: token-%s, count.test: token-%s}, posts: {discord_token: discord-%s}, notify: \"https://discord.com/api/webhooks/1/hook\"}\n", id, id[15:], ownKey+id, id, id, id)
	}
	return yaml
}

// playDiscord makes the rig answer as Discord, under /discord, and returns the
// flags that lead there.
func (r *rig) playDiscord() []string {
	r.On("discord", func(w http.ResponseWriter, req *http.Request) {
		if req.Method == http.MethodPost {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		id := strings.TrimPrefix(req.Header.Get("Authorization"), "Bot discord-")
		_, _ = fmt.Fprintf(w, `{"id":%q,"approximate_guild_count":7}`, id)
	})
	return []string{"--discord-api", "http://" + r.Addr + "/discord/api/v10"}
}

// postsOf returns how many posts of a bot a list has had, of those in all.
func postsOf(all []asked, list, bot string) (n int) {
	for _, a := range all {
		if a.List == list && strings.Contains(a.URI, bot) {
			n++
		}
	}
	return n
}

func TestServePostsByItself(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	bots := write(t, "bots.yaml", ownBotsYAML(ownBot))
	args := append(r.playDiscord(), "--bots", bots, "--store", "sqlite:"+filepath.Join(t.TempDir(), "state.db"))
	var all []asked
	await := func(bot string) {
		t.Helper()
		testkit.Wait(t, "posts of "+bot, func() bool {
			all = append(all, r.Take()...)
			return postsOf(all, "hidden.test", bot) > 0 && postsOf(all, "count.test", bot) > 0
		})
	}
	p := r.start(t, nil, args...)
	await(ownBot)
	for _, a := range all {
		if a.List == "hidden.test" && (a.Body != `{"server_count":7}` || a.Header.Get("Authorization") != "token-"+ownBot) {
			t.Errorf("posted %s with %q", a.Body, a.Header.Get("Authorization"))
		}
		if a.List == "discord" && (a.URI != "/discord/api/v10/applications/@me" || !strings.HasPrefix(a.Header.Get("User-Agent"), "DiscordBot (https://")) {
			t.Errorf("asked Discord for %s as %q", a.URI, a.Header.Get("User-Agent"))
		}
	}
	report := func() string {
		t.Helper()
		a := testkit.Send(t, "GET", p.Base+"/api/bots/"+ownBot+"/posts", "", "Authorization", "Bearer "+ownKey+ownBot)
		a.Want(t, 200)
		return a.Body
	}
	testkit.Wait(t, "the report", func() bool { return strings.Count(report(), `"state":"ok"`) == 2 })
	before := report()
	p.exe.Signal(t, syscall.SIGKILL)
	p.exe.Code(t)

	// After a restart a bot that is new is posted, and the other one not again.
	if err := os.WriteFile(bots, []byte(ownBotsYAML(ownBot, otherOwnBot)), 0o600); err != nil {
		t.Fatal(err)
	}
	p = r.start(t, nil, args...)
	await(otherOwnBot)
	if got := postsOf(all, "hidden.test", ownBot); got != 1 {
		t.Errorf("%d posts of %s, want the one before the restart", got, ownBot)
	}
	if got := report(); got != before {
		t.Errorf("after a restart the report is\n%s\nwant\n%s", got, before)
	}
	if log := p.Log.String(); strings.Contains(log, "token-") || strings.Contains(log, "discord-1") || strings.Contains(log, ownKey) {
		t.Errorf("the log holds a secret: %s", log)
	}
}

func TestReloadOfOwnBots(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	bots, lists := write(t, "bots.yaml", ownBotsYAML(ownBot)), write(t, "more.yaml", "lists: {}\n")
	p := r.start(t, nil, append(r.playDiscord(), "--lists", lists, "--bots", bots, "--store", "memory:")...)
	known := func(list, bot string) string {
		a := testkit.Send(t, "GET", p.Base+"/api/lists/"+list, "")
		b := testkit.Send(t, "GET", p.Base+"/api/bots/"+bot+"/posts", "", "Authorization", "Bearer "+ownKey+bot)
		return fmt.Sprint(a.Status, " ", b.Status)
	}
	rewrite := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const more = "lists:\n  more.test: {name: M, url: \"https://more.test/\"}\n"
	for i, broken := range []struct{ lists, bots string }{
		{more, strings.Replace(ownBotsYAML(otherOwnBot), "notify", "notfy", 1)},
		{"lists: [", ownBotsYAML(otherOwnBot)},
	} {
		rewrite(lists, broken.lists)
		rewrite(bots, broken.bots)
		p.exe.Signal(t, syscall.SIGHUP)
		testkit.Wait(t, "the report of what is broken", func() bool { return strings.Count(p.Log.String(), `"not reloaded`) == i+1 })
		if got := known("more.test", ownBot); got != "404 200" {
			t.Errorf("after a reload of one bad file: list and bot are %s, want 404 200, as before", got)
		}
	}
	if log := p.Log.String(); !strings.Contains(log, `notfy: unknown key, did you mean \"notify\"?`) {
		t.Errorf("the log does not say what is broken: %s", log)
	}
	rewrite(lists, more)
	rewrite(bots, ownBotsYAML(otherOwnBot))
	p.exe.Signal(t, syscall.SIGHUP)
	testkit.Wait(t, "both new files", func() bool { return known("more.test", otherOwnBot) == "200 200" })
	if got := known("more.test", ownBot); got != "200 401" {
		t.Errorf("the bot that is gone: %s, want 200 401", got)
	}
}

// Of three replicas that share a Redis one posts each bot, and those that are
// left go on when one is killed.
func TestReplicasPostByThemselves(t *testing.T) {
	t.Parallel()
	redis := startRedis(t)
	r := newRig(t)
	bots := write(t, "bots.yaml", ownBotsYAML(ownBot, otherOwnBot))
	args := append(r.playDiscord(), "--bots", bots)
	replicas := []*process{r.replica(t, redis, args...), r.replica(t, redis, args...), r.replica(t, redis, args...)}
	var all []asked
	await := func(bots ...string) {
		t.Helper()
		testkit.Wait(t, "posts", func() bool {
			all = append(all, r.Take()...)
			for _, bot := range bots {
				if postsOf(all, "hidden.test", bot) == 0 || postsOf(all, "count.test", bot) == 0 {
					return false
				}
			}
			return true
		})
	}
	await(ownBot, otherOwnBot)
	replicas[0].exe.Signal(t, syscall.SIGKILL)
	replicas[0].exe.Code(t)
	if err := os.WriteFile(bots, []byte(ownBotsYAML(ownBot, otherOwnBot, thirdOwnBot)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, p := range replicas[1:] {
		p.exe.Signal(t, syscall.SIGHUP)
	}
	await(thirdOwnBot)
	for _, p := range replicas[1:] { // what is under way ends
		if code := p.Stop(); code != 0 {
			t.Errorf("a replica ended with %d: %s", code, p.Log)
		}
	}
	all = append(all, r.Take()...)
	for _, bot := range []string{ownBot, otherOwnBot, thirdOwnBot} {
		if got := postsOf(all, "hidden.test", bot); got != 1 {
			t.Errorf("%d posts of %s, want one", got, bot)
		}
	}
}

func TestAgentOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	lists, discord := absolute(t, r.files(t)), r.playDiscord()
	store := "sqlite:" + filepath.Join(t.TempDir(), "state.db")
	bots := write(t, "bots.yaml", ownBotsYAML(otherOwnBot, ownBot))
	once := func(args ...string) testkit.Ended {
		all := append([]string{"agent", "--once", "--bots", bots, "--store", store}, append(lists, discord...)...)
		return runToEnd(t, nil, append(all, args...)...)
	}
	e := once()
	for _, part := range []string{
		"Bot 102 (" + otherOwnBot + "): 7 servers, from discord; next at 20", "LIST         RESULT  IT SAID", "hidden.test  ok      200 {\"ok\":true}", "\nBot 052 (" + ownBot + "): 7 servers",
	} {
		if !strings.Contains(e.Out, part) {
			t.Errorf("said\n%s\nwant in it %q", e.Out, part)
		}
	}
	if e.Code != 0 || strings.Contains(e.ErrOut, "posted") || strings.Index(e.Out, otherOwnBot) > strings.Index(e.Out, ownBot) {
		t.Errorf("ended with %d, said\n%s%s\nwant the bots in the order of the file", e.Code, e.Out, e.ErrOut)
	}
	if all := r.Take(); postsOf(all, "hidden.test", ownBot) != 1 || postsOf(all, "hidden.test", otherOwnBot) != 1 {
		t.Errorf("asked %+v, want one post of each bot", all)
	}
	// With nothing due it says when something is, and does nothing.
	e = once()
	if want := "Bot 102 (" + otherOwnBot + "): due at 20"; e.Code != 0 || !strings.HasPrefix(e.Out, want) || strings.Count(e.Out, "\n") != 2 || len(r.Take()) != 0 {
		t.Errorf("ended with %d, said\n%s%s\nwant two lines, the first like %q", e.Code, e.Out, e.ErrOut, want)
	}
	e = once("--json")
	var said []struct {
		BotID string `json:"bot_id"`
		Due   *bool
		Lists map[string]struct{ State string }
	}
	if err := json.Unmarshal([]byte(e.Out), &said); err != nil || e.Code != 0 || len(said) != 2 || said[0].BotID != otherOwnBot || *said[0].Due || said[1].Lists["hidden.test"].State != "ok" {
		t.Errorf("ended with %d, %v, said\n%s", e.Code, err, e.Out)
	}
	// A post or a source that fails is exit 1.
	r.On("hidden.test", testkit.Say(500, "text/plain", "oops"))
	store = "sqlite:" + filepath.Join(t.TempDir(), "state.db")
	if e := once(); e.Code != 1 || !strings.Contains(e.Out, "hidden.test  FAILED  500 oops") {
		t.Errorf("a list that fails: ended with %d, said\n%s%s", e.Code, e.Out, e.ErrOut)
	}
	r.On("discord", testkit.Say(401, "application/json", "{}"))
	store = "sqlite:" + filepath.Join(t.TempDir(), "state.db")
	if e := once(); e.Code != 1 || !strings.Contains(e.Out, "no server count from discord: Discord refuses the token: 401 Unauthorized; next try at 20") {
		t.Errorf("a source that fails: ended with %d, said\n%s%s", e.Code, e.Out, e.ErrOut)
	}
}

func TestAgentFails(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	lists := absolute(t, r.files(t))
	good, bad := write(t, "bots.yaml", ownBotsYAML(ownBot)), write(t, "bots.yaml", "bots: {x: {}}\n")
	file := filepath.Join(t.TempDir(), "state.db")
	p := r.start(t, nil, "--store", "sqlite:"+file)
	for _, tt := range []struct {
		args []string
		code int
		err  string
	}{
		{[]string{"agent"}, 2, "--bots is missing"},
		{[]string{"agent", "--bots", good, "--json"}, 2, "--json needs --once"},
		{[]string{"agent", "--bots", good, "--once", "--notice-pause", "59s"}, 2, "--notice-pause must be from 1m to 24h, is 59s"},
		{[]string{"agent", "--bots", good, "--once", "--discord-api", "discord.com"}, 2, "--discord-api must be a URL such as https://discord.com/api/v10"},
		{[]string{"agent", "--bots", bad, "--once"}, 1, bad + ":1: x: must be a snowflake"},
		{[]string{"agent", "--bots", "nowhere.yaml", "--once"}, 1, "nowhere.yaml does not exist"},
		{[]string{"agent", "--bots", good, "--once", "--store", "sqlite:" + file}, 1, file + " is in use by another process"},
		{[]string{"serve", "--bots", bad, "--listen", anyPort}, 1, bad + ":1: x: must be a snowflake"},
	} {
		e := runToEnd(t, nil, append(tt.args, lists...)...)
		if e.Code != tt.code || !strings.Contains(e.ErrOut, tt.err) || e.Out != "" {
			t.Errorf("%v: ended with %d, said %q %q\nwant %d, %q", tt.args, e.Code, e.Out, e.ErrOut, tt.code, tt.err)
		}
	}
	_ = p
}

func TestAgentWithoutHTTP(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	args := append([]string{"agent", "--log-format", "json", "--bots", write(t, "bots.yaml", ownBotsYAML(ownBot)), "--store", "memory:"}, append(absolute(t, r.files(t)), r.playDiscord()...)...)
	cmd := program(t, nil, args...)
	log := new(testkit.Log)
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { _ = cmd.Wait(); close(done) }()
	t.Cleanup(func() { _ = cmd.Process.Kill(); <-done })
	var all []asked
	testkit.Wait(t, "a post", func() bool {
		all = append(all, r.Take()...)
		return postsOf(all, "hidden.test", ownBot) == 1
	})
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	testkit.Receive(t, "the end", done)
	if code := cmd.ProcessState.ExitCode(); code != 0 || !strings.Contains(log.String(), `"msg":"running"`) || !strings.Contains(log.String(), `"msg":"posted","bot":"`+ownBot+`","servers":7,"ok":2,"failed":0,"skipped":0`) {
		t.Errorf("ended with %d, log %s", code, log)
	}
}

func TestCheckOwnBots(t *testing.T) {
	t.Parallel()
	good := write(t, "bots.yaml", "bots: {\""+ownBot+"\": {key: \"${OWN_KEY}\"}}\n")
	bad := write(t, "bots.yaml", "bots: {\""+ownBot+"\": {key: short}}\n")
	set := []string{"OWN_KEY=" + ownKey}
	for _, tt := range []struct {
		args     []string
		env      []string
		code     int
		out, err string // what they hold
	}{
		{[]string{"check", "--bots", good}, set, 0, "\n1 bot (1 with a key, 0 posted by the service)\n", ""},
		{[]string{"check", "--bots", good}, nil, 1, "", good + ":1: " + ownBot + ": key: the environment variable OWN_KEY is not set, or empty"},
		{[]string{"check", "--bots", good, "--no-secrets"}, nil, 0, "\n1 bot ", ""},
		{[]string{"check", "--bots", bad}, nil, 1, "", bad + ":1: " + ownBot + ": key: must have 20 characters or more, has 5"},
		{[]string{"check", "--no-secrets"}, nil, 2, "", "--no-secrets needs --bots"},
		{[]string{"schema", "--bots"}, nil, 0, `"title": "Own bots"`, ""},
		{[]string{"schema"}, []string{"AGGREGATOR_BOTS=" + good}, 0, `"title": "Catalog of bot lists"`, ""},
		{[]string{"schema", "--bots", "--markdown"}, nil, 0, "# The format of bots.yaml", ""},
	} {
		e := runToEnd(t, tt.env, tt.args...)
		if e.Code != tt.code || !strings.Contains(e.Out, tt.out) || !strings.Contains(e.ErrOut, tt.err) || tt.err == "" && e.ErrOut != "" {
			t.Errorf("%v: ended with %d, said %q %q\nwant %d, %q, %q", tt.args, e.Code, e.Out, e.ErrOut, tt.code, tt.out, tt.err)
		}
	}
}

func TestDemoOfOwnBots(t *testing.T) {
	t.Parallel()
	var out, errOut bytes.Buffer
	bots := write(t, "bots.yaml", `bots:
  "123456789012345678":
    name: My Bot
    key: ${MYBOT_KEY}
    tokens: {hidden.test: "${PLAIN}", count.test: "@no/such/file"}
    posts: {discord_token: "${DISCORD_TOKEN}"}
    notify: ${NOTIFY_URL}
`)
	env := environment{out: &out, errOut: &errOut, transport: &http.Transport{}}
	code := env.run(t.Context(), append([]string{"demo", "--once", "--listen", anyPort, "--bots", bots}, newRig(t).files(t)...))
	for _, part := range []string{
		"An hour of the agent, played quickly on the sandbox. For a while hidden.test refuses every token, to show a notice.", "My Bot (123456789012345678): 1234 servers, accepted by 1 of 2 lists, 0 held back", "hidden.test  FAILED  401",
		"notice:\n         My Bot (123456789012345678)\n         - hidden.test refuses the token: 401 Unauthorized", "- Well again: hidden.test accepts posts again",
	} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("said\n%s\nwant in it %q", out.String(), part)
		}
	}
	if n := strings.Count(out.String(), "notice:"); code != 0 || n != 2 {
		t.Errorf("ended with %d and %d notices, said %s", code, n, errOut.String())
	}
}

// TestDemoNamesKey starts the demo with a key that is made up, with one that is
// not, and without any.
func TestDemoNamesKey(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, key, want string }{
		{"made up", "key: ${K}", `"Authorization: Bearer demo-secret-in-place-of-K" `},
		{"in a file that is not there", `key: "@k"`, `"Authorization: Bearer demo-secret-in-place-of-k" `},
		{"its own", "key: a-key-of-its-own-that-is-long", `"Authorization: Bearer $KEY" `},
		{"none", "name: My Bot", "With a key in bots.yaml, a bot can ask how its posts stand.\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			sh := newReader(t, tt.name, "")
			if err := os.WriteFile(filepath.Join(sh.dir, "bots.yaml"), []byte("bots:\n  \"123456789012345678\": {"+strings.Replace(tt.key, "${K}", `"${K}"`, 1)+"}\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			out := sh.start(t, "aggregator demo --bots bots.yaml --listen "+anyPort).out
			testkit.Wait(t, tt.want, func() bool { return strings.Contains(out.String(), tt.want) })
		})
	}
}

// TestServeLeavesNoStore starts the service with a fault in a file: there is no file
// of the store afterwards.
func TestServeLeavesNoStore(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"--bots", write(t, "bots.yaml", "bots: {x: {}}\n")},
		{"--lists", write(t, "lists.yaml", brokenYAML)},
		{"--list-keys", write(t, "keys.yaml", "- no mapping\n")},
	} {
		cmd := program(t, nil, append([]string{"serve", "--listen", anyPort}, args...)...)
		if e := testkit.RunToEnd(t, cmd); e.Code != exitFailed {
			t.Errorf("%v: ended with %d, want %d: %s", args, e.Code, exitFailed, e.ErrOut)
		}
		if left, err := os.ReadDir(cmd.Dir); err != nil || len(left) > 0 {
			t.Errorf("%v: it leaves %v, %v", args, left, err)
		}
	}
}

package agent

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"aggregator/catalog"
	"aggregator/internal/testkit"
)

// testLists is a catalog with one list of each kind that bots.yaml can meet.
const testLists = `lists:
  list.example: {name: L, url: "https://list.example/", api_post: "https://list.example/:id", api_field: servers, webhook: {proof: {kind: header}, user: user}}
  other.example: {name: O, url: "https://other.example/", api_post: "https://other.example/:id", api_field: servers}
  numbers.example:
    name: N
    url: "https://numbers.example/"
    post: {url: "https://numbers.example/:list_bot_id", fields: {server_count: n}}
  beats.example:
    name: B
    url: "https://beats.example/"
    post: {url: "https://beats.example/:list_bot_id", fields: {server_count: n}}
    heartbeat: {url: "https://beats.example/beat", credential: bridge_key, begins: "bk_", fields: {online: up, server_count: n}, counts: true}
  hears.example:
    name: H
    url: "https://hears.example/"
    post: {url: "https://hears.example/:id", fields: {server_count: n}}
    heartbeat: {url: "https://hears.example/beat", credential: bridge_key, fields: {online: up}}
  gone.example: {name: G, url: "https://gone.example/", defunct: true}
  reads.example: {name: R, url: "https://reads.example/", api_get: "https://reads.example/:id"}
`

func testCatalog(t testing.TB) *catalog.Catalog {
	t.Helper()
	c, _, err := catalog.Load(
		[]catalog.File{{Name: "lists.yaml", Data: []byte(testLists)}},
		catalog.File{Name: "legacy_ids.yaml", Data: []byte("old.example: list.example\n")})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// environment is the variables and files that a test's bots.yaml refers to.
var environment = map[string]string{
	"KEY": "a key of twenty characters", "TOKEN": "token-from-the-environment", "EMPTY": "", "TWO_LINES": "a\nb", "SHORT": "short",
	"WEBHOOK": "https://discord.com/api/webhooks/1/abc", "NUMBERED": "42:token", "UNDEFINED": "undefined", "CONTROL": "a\x01b",
}

// loadBots loads a bots.yaml of a text, beside files with secrets.
func loadBots(t testing.TB, text string, o LoadOptions) (*Bots, []string, error) {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"bots.yaml": text, "secret": "token-from-a-file\n", "crlf": "token-from-a-file\r\n", "empty": "\n", "lines": "a\nb\n", "long": strings.Repeat("x", maxSecretFile+1),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "open"), []byte("token-from-a-file"), 0o644); err != nil {
		t.Fatal(err)
	}
	o.Getenv = func(name string) string { return environment[name] }
	b, warnings, err := Load(filepath.Join(dir, "bots.yaml"), testCatalog(t), o)
	for i, w := range warnings {
		warnings[i] = strings.ReplaceAll(w, dir+string(filepath.Separator), "")
	}
	if _, ok := errors.AsType[*Error](err); ok {
		err = errors.New(strings.ReplaceAll(err.Error(), dir+string(filepath.Separator), ""))
	}
	return b, warnings, err
}

func mustLoadBots(t testing.TB, text string) *Bots {
	t.Helper()
	b, _, err := loadBots(t, text, LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const wholeFile = `bots:
  "123456789012345678":
    name: My Bot
    key: ${KEY}
    tokens:
      old.example: ${TOKEN}
      numbers.example: {token: "@secret", bot_id: "42"}
      other.example: "$$literal"
    posts:
      every: 1h30m
      count:
        url: "http://bot:3000/health"
        token: "@@literal"
        server_count: stats.guilds
        shards: shards[].guilds
    votes:
      secrets: {list.example: ["${KEY}", "@crlf"]}
      send_to: {url: "https://bot.example/votes", secret: "${TOKEN}"}
    notify: ${WEBHOOK}
  123456789012345679:
    posts: {discord_token: "${TOKEN}"}
  "123456789012345677":
    posts: {count: push, every: 1m}
  "123456789012345676": {}
`

func TestLoad(t *testing.T) {
	bots, warnings, err := loadBots(t, wholeFile, LoadOptions{})
	if err != nil || len(warnings) > 0 {
		t.Fatalf("warnings %q, error %v, want none", warnings, err)
	}
	var ids []string
	for _, b := range bots.All() {
		ids = append(ids, b.ID)
	}
	if want := []string{"123456789012345678", "123456789012345679", "123456789012345677", "123456789012345676"}; !slices.Equal(ids, want) {
		t.Errorf("bots %q, want %q, as in the file", ids, want)
	}
	b := bots.Bot("123456789012345678")
	if got, want := b.String(), "My Bot (123456789012345678)"; got != want {
		t.Errorf("name %q, want %q", got, want)
	}
	if !b.HasKey() || !b.KeyMatches(environment["KEY"]) || b.KeyMatches("another key of twenty characters") || b.KeyMatches("") {
		t.Error("the key of the file matches not, or another does")
	}
	var tokens []string
	for _, n := range b.Tokens {
		tokens = append(tokens, n.ID+" "+n.Token.Reveal())
	}
	if want := []string{"list.example token-from-the-environment", "numbers.example token-from-a-file", "other.example $literal"}; !slices.Equal(tokens, want) {
		t.Errorf("tokens %q, want %q", tokens, want)
	}
	if s, ok := b.Posts.Source.(urlSource); !ok || b.Posts.Every != 90*time.Minute || s.url.Reveal() != "http://bot:3000/health" || s.token.Reveal() != "@literal" ||
		s.serverCount.IsZero() || s.shards.IsZero() || !s.shardCount.IsZero() || !s.userCount.IsZero() {
		t.Errorf("posts %+v", b.Posts)
	}
	secrets := b.Votes.Secrets["list.example"]
	if len(secrets) != 2 || secrets[0].Reveal() != environment["KEY"] || secrets[1].Reveal() != "token-from-a-file" {
		t.Errorf("secrets of votes %d, want the key and the file's", len(secrets))
	}
	if to := b.Votes.SendTo; to.URL.Reveal() != "https://bot.example/votes" || len(to.Secrets) != 1 || to.Secrets[0].Reveal() != environment["TOKEN"] {
		t.Errorf("send_to %+v", to)
	}
	if b.Notify == nil || b.Notify.webhook.Reveal() != "/webhooks/1/abc" {
		t.Errorf("notify %+v, want a Discord webhook", b.Notify)
	}
	if s, ok := bots.Bot("123456789012345679").Posts.Source.(discordSource); !ok || s.token.Reveal() != environment["TOKEN"] {
		t.Errorf("source %+v, want Discord with its token", bots.Bot("123456789012345679").Posts.Source)
	}
	if p := bots.Bot("123456789012345679").Posts; p.Every != 30*time.Minute {
		t.Errorf("every %s, want 30m when absent", p.Every)
	}
	if p := bots.Bot("123456789012345677").Posts; p.Source != (push{}) || p.Every != time.Minute {
		t.Errorf("posts %+v, want push each minute", p)
	}
	if b := bots.Bot("123456789012345676"); b.HasKey() || b.KeyMatches("") || b.Posts != nil || b.Votes != nil || b.Notify != nil {
		t.Errorf("a bot without anything: %+v", b)
	}
	if bots.Bot("123456789012345675") != nil {
		t.Error("a bot that the file does not name")
	}
	var none *Bots
	if none.Bot("123456789012345678") != nil || none.All() != nil || none.Bot("1").HasKey() {
		t.Error("nil Bots have a bot")
	}
}

func TestFaults(t *testing.T) {
	const id = `  "123456789012345678":` + "\n" // on line 2; what is appended begins on line 3
	const in = "bots.yaml:3: 123456789012345678: "
	const refer = "write ${NAME} for an environment variable, @path for a file"
	tokens := func(s string) string { return "bots:\n" + id + "    tokens: {" + s + "}\n" }
	bot := func(s string) string { return "bots:\n" + id + "    " + s + "\n" }
	for text, want := range map[string]string{
		"":                  `bots.yaml:1: is empty, must hold "bots:"`,
		"a: 1\n":            "bots.yaml:1: a: unknown key; allowed: bots\nbots.yaml:1: bots: is required",
		"bots:\n":           "bots.yaml:1: bots: has no value; write one, or leave the key out",
		"bots: [x]\n":       "bots.yaml:1: bots: must be a mapping, is a list",
		"bots: {}\n":        "",
		bot("naem: x"):      in + `naem: unknown key, did you mean "name"?; allowed: name, key, tokens, posts, commands, votes, notify`,
		bot("name: ''"):     in + "name: must not be blank",
		bot("name: ${KEY}"): in + "name: is taken as it stands and can be no reference; write the name out",
		"bots:\n" + id + "    name: a\n    name: b\n": "bots.yaml:4: 123456789012345678: name: is given twice, first in line 3",
		"bots:\n  \"123\": {}\n  01234567890123456789: {}\n  my bot: {}\n": "bots.yaml:2: 123: must be a snowflake: 16 to 20 digits, the first of them no 0\n" +
			"bots.yaml:3: 01234567890123456789: must be a snowflake: 16 to 20 digits, the first of them no 0\n" +
			"bots.yaml:4: \"my bot\": must be a snowflake: 16 to 20 digits, the first of them no 0",
		"bots:\n  123456789012345678: {}\n" + id + "    name: x\n": "bots.yaml:3: 123456789012345678: is given twice, first in line 2",

		// Keys.
		bot("key: too short"):           in + "key: must have 20 characters or more, has 9",
		bot("key: äöüäöüäöüäöüäöüäöüä"): in + "key: must have 20 characters or more, has 19",
		bot("key:"):                      in + "key: has no value; write one, or leave the key out",
		bot("key: 12345678901234567890"): in + "key: must be a string, is a number or a date; put it in quotes",
		"bots:\n" + id + "    key: ${KEY}\n  \"123456789012345679\":\n    key: a key of twenty characters\n": "bots.yaml:5: 123456789012345679: key: is the key of 123456789012345678 too (line 3); each bot needs its own",

		// References.
		bot("key: ${MISSING}"):                  in + "key: the environment variable MISSING is not set, or empty; set it, or " + refer,
		bot("key: ${EMPTY}"):                    in + "key: the environment variable EMPTY is not set, or empty; set it, or " + refer,
		bot("key: ${TWO_LINES}"):                in + "key: the environment variable TWO_LINES holds a line break within the value; a value is one line",
		bot("key: $KEY"):                        in + "key: begins with $ and is no reference; " + refer + ", $$ for a text that begins with $",
		bot("key: ${KEY"):                       in + "key: begins with $ and is no reference; " + refer + ", $$ for a text that begins with $",
		bot("key: '${A B}'"):                    in + "key: begins with $ and is no reference; " + refer + ", $$ for a text that begins with $",
		bot("key: '${KEY} '"):                   in + "key: begins with $ and is no reference; " + refer + ", $$ for a text that begins with $",
		bot("key: Bearer ${KEY}"):               in + "key: holds ${ within a text, where it stands for nothing; " + refer + " as the whole value (a file may hold any text)",
		bot("key: $${KEY} of a bot and ${KEY}"): in + "key: holds ${ within a text, where it stands for nothing; " + refer + " as the whole value (a file may hold any text)",
		bot("key: $${KEY} of a bot, as it is"):  "",
		bot("key: '@nowhere'"):                  in + "key: the file nowhere does not exist; write @path of a file, or @@ for a text that begins with @",
		bot("key: '@.'"):                        in + "key: the file " + "DIR" + " is no regular file; write @path of a file, or @@ for a text that begins with @",
		bot("key: '@empty'"):                    in + "key: the file empty is empty; it must hold the value",
		bot("key: '@lines'"):                    in + "key: the file lines holds a line break within the value; a value is one line",
		bot("key: '@long'"):                     in + "key: the file long is too large; at most 65536 bytes are allowed; write @path of a file, or @@ for a text that begins with @",
		bot("key: '@'"):                         in + "key: names no file; write @path, or @@ for a text that begins with @",
		bot(`key: "one\ntwo"`):                  in + "key: holds a line break within the value; a value is one line",
		bot("key: ' '"):                         in + "key: must not be blank",
		bot("key: $$"):                          in + "key: must have 20 characters or more, has 1",

		// Tokens.
		tokens("list.exmaple: a"):                                           in + `tokens.list.exmaple: is no list's id, did you mean "list.example"?`,
		tokens("far.test: a"):                                               in + "tokens.far.test: is no list's id",
		tokens("8bc22Gd5ac6ad85aceb8: list.example"):                        in + "tokens: what stands before the colon is no list's id",
		tokens("list.example: a, old.example: b"):                           in + "tokens.old.example: is the list list.example, which line 3 gives already; write each list once, best by its current id",
		tokens("list.example: ''"):                                          in + "tokens.list.example: must not be blank",
		tokens("list.example: "):                                            in + "tokens.list.example: must be a string or a mapping, is null",
		tokens("list.example: 12345"):                                       in + "tokens.list.example: must be a string or a mapping, is a number or a date; put it in quotes",
		tokens("list.example: {bot_id: '1'}"):                               in + "tokens.list.example.token: is required",
		tokens("list.example: {token: a, bot_id: x}"):                       in + "tokens.list.example.bot_id: must be the list's own number of the bot, 1 to 20 digits",
		tokens("list.example: {token: a, bot_id: '123456789012345678901'}"): in + "tokens.list.example.bot_id: must be the list's own number of the bot, 1 to 20 digits",
		tokens("list.example: {token: a, bot_id: 42}"):                      in + "tokens.list.example.bot_id: must be a string, is a number or a date; put it in quotes",
		tokens("list.example: {token: a, key: b}"):                          in + "tokens.list.example.key: unknown key; allowed: token, bot_id, bridge_key",
		tokens("numbers.example: a"):                                        in + `tokens.numbers.example: the list numbers bots itself; write {token: "…", bot_id: "NUMBER"} with its number of the bot`,
		tokens("numbers.example: '42:a'"):                                   "",
		tokens("numbers.example: '${NUMBERED}'"):                            "",
		tokens("list.example: '${UNDEFINED}'"):                              in + "tokens.list.example: stands for no token; nothing, undefined and null are none",
		tokens("list.example: '${CONTROL}'"):                                in + "tokens.list.example: holds a character that no header can carry",

		// Bridge keys.
		tokens("beats.example: {bridge_key: a}"):                          "",
		tokens("beats.example: bk_1"):                                     "",
		tokens("beats.example: {token: bk_1}"):                            in + `tokens.beats.example: the list numbers bots itself; write {token: "…", bot_id: "NUMBER"} with its number of the bot`,
		tokens("beats.example: {token: a, bot_id: '4', bridge_key: b}"):   "",
		tokens("beats.example: {bridge_key: ''}"):                         in + "tokens.beats.example.bridge_key: must not be blank",
		tokens("beats.example: {bridge_key: 42}"):                         in + "tokens.beats.example.bridge_key: must be a string, is a number or a date; put it in quotes",
		tokens("beats.example: {bridge_key: '${UNDEFINED}'}"):             in + "tokens.beats.example.bridge_key: stands for no token; nothing, undefined and null are none",
		tokens("beats.example: {token: '1:a', bridge_key: '${CONTROL}'}"): in + "tokens.beats.example.bridge_key: holds a character that no header can carry",
		tokens("beats.example: {token: '${MISSING}', bridge_key: b}"):     in + "tokens.beats.example.token: the environment variable MISSING is not set, or empty; set it, or " + refer,

		// Posts.
		bot("posts: {discord_token: a, every: 59s}"):   in + "posts.every: must be a time from 1m to 24h in whole seconds, such as 30m or 1h30m",
		bot("posts: {discord_token: a, every: 24h1s}"): in + "posts.every: must be a time from 1m to 24h in whole seconds, such as 30m or 1h30m",
		bot("posts: {discord_token: a, every: 90.5s}"): in + "posts.every: must be a time from 1m to 24h in whole seconds, such as 30m or 1h30m",
		bot("posts: {discord_token: a, every: 1d}"):    in + "posts.every: must be a time from 1m to 24h in whole seconds, such as 30m or 1h30m",
		bot("posts: {discord_token: a, every: 30}"):    in + "posts.every: must be a string, is a number or a date; put it in quotes",
		bot("posts: {discord_token: a, every: 24h}"):   "",
		bot("posts: {}"):                                                                in + "posts.discord_token: is required for count: discord, and is the bot's own Discord token",
		bot("posts: {count: discord}"):                                                  in + "posts.discord_token: is required for count: discord, and is the bot's own Discord token",
		bot("posts: {discord_token: '${MISSING}'}"):                                     in + "posts.discord_token: the environment variable MISSING is not set, or empty; set it, or " + refer,
		bot("posts: {discord_token: ''}"):                                               in + "posts.discord_token: must not be blank",
		bot("posts:"):                                                                   in + "posts: has no value; write one, or leave the key out",
		bot("posts: {count: pusch}"):                                                    in + `posts.count: must be discord, push or a mapping with a url, did you mean "push"?`,
		bot("posts: {count: {server_count: a}}"):                                        in + "posts.count.url: is required",
		bot("posts: {count: {url: 'ftp://a/', server_count: a}}"):                       in + "posts.count.url: must be an http:// or https:// URL with a host",
		bot("posts: {count: {url: 'http://a/'}}"):                                       in + "posts.count: must say where the answer holds the count: server_count, or shards",
		bot("posts: {count: {url: 'http://a/', shards: 'a[1]'}}"):                       in + `posts.count.shards: "a[1]" cannot be followed; allowed: names joined by dots, and after a name [] for all items, [-1] for the last, [name=value] for the one, {} for the keys`,
		bot("posts: {count: {url: '${TOKEN}', server_count: a}}"):                       in + "posts.count.url: must be an http:// or https:// URL with a host",
		bot("posts: {count: {url: 'http://a/', server_count: a, token: '${CONTROL}'}}"): in + "posts.count.token: holds a character that no header can carry",

		// Commands.
		bot("commands: async"): in + "commands: must be sync, or be left out",
		bot("commands: sync"):  in + "commands: Discord is asked for them with each tick, and needs the bot's own token: give posts.discord_token",
		"bots:\n" + id + "    commands: sync\n    posts: {count: push}\n":                                                  in + "commands: Discord is asked for them with each tick, and needs the bot's own token: give posts.discord_token",
		"bots:\n" + id + "    commands: sync\n    posts: {count: push, discord_token: a}\n":                                "",
		"bots:\n" + id + "    commands: sync\n    posts: {discord_token: a}\n":                                             "",
		"bots:\n" + id + "    commands: sync\n    posts: {discord_token: a, count: {url: 'http://a/', server_count: a}}\n": "",
		bot("posts: {count: push, discord_token: '${UNDEFINED}'}"):                                                         in + "posts.discord_token: stands for no token; nothing, undefined and null are none",

		// Votes and notices.
		bot("votes: {secrets: {list.example: long enough secret}}"):                                         in + "votes: votes have no way out; give send_to, or a key with which the bot can fetch them",
		"bots:\n" + id + "    key: ${KEY}\n    votes: {secrets: {list.example: [long enough secret, a]}}\n": "bots.yaml:4: 123456789012345678: votes.secrets.list.example: must have 8 characters or more, has 1",
		"bots:\n" + id + "    key: ${KEY}\n    votes: {secrets: {list.example: []}}\n":                      "bots.yaml:4: 123456789012345678: votes.secrets.list.example: holds no secret; at least one is needed",
		"bots:\n" + id + "    key: ${KEY}\n    votes: {secrets: {list.exampel: long enough secret}}\n":      `bots.yaml:4: 123456789012345678: votes.secrets.list.exampel: is no list's id, did you mean "list.example"?`,
		bot("votes: {send_to: {url: 'https://a/'}}"):                                                        in + "votes.send_to.secret: is required",
		bot("votes: {send_to: {url: a, secret: b}}"):                                                        in + "votes.send_to.url: must be an http:// or https:// URL with a host",
		bot("votes: {send_to: {url: 'https://a/', secret: whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz}}"):        "",
		bot("votes: {send_to: {url: 'https://a/', secret: whsec_c2hvcnQgYXMgaXQgaXM=}}"):                    in + "votes.send_to.secret: begins with whsec_, and must then be base64 of 24 to 64 bytes; any text without that is taken as it stands",
		bot("votes: {send_to: {url: 'https://a/', secret: ['${KEY}', whsec_no base64 at all]}}"):            in + "votes.send_to.secret: begins with whsec_, and must then be base64 of 24 to 64 bytes; any text without that is taken as it stands",
		bot("notify: 'https://'"): in + "notify: must be an http:// or https:// URL with a host",
		bot("notify: '${TOKEN}'"): in + "notify: must be an http:// or https:// URL with a host",
		bot("notify: [a]"):        in + "notify: must be a string, is a list",

		// All at once.
		"bots:\n" + id + "    key: short\n    tokens: {a.test: b}\n    posts: {every: 1s, count: push}\n    notify: x\n": "" +
			"bots.yaml:3: 123456789012345678: key: must have 20 characters or more, has 5\n" +
			"bots.yaml:4: 123456789012345678: tokens.a.test: is no list's id\n" +
			"bots.yaml:5: 123456789012345678: posts.every: must be a time from 1m to 24h in whole seconds, such as 30m or 1h30m\n" +
			"bots.yaml:6: 123456789012345678: notify: must be an http:// or https:// URL with a host",
	} {
		_, _, err := loadBots(t, text, LoadOptions{})
		got := ""
		if err != nil {
			got = err.Error()
		}
		if strings.Contains(want, "DIR") { // the file's own folder
			before, after, _ := strings.Cut(want, "DIR")
			if strings.HasPrefix(got, before) && strings.HasSuffix(got, after) {
				continue
			}
		}
		if got != want {
			t.Errorf("%s\ngot\n%s\nwant\n%s", text, got, want)
		}
	}
}

func TestWarnings(t *testing.T) {
	const head = "bots:\n  \"123456789012345678\":\n    key: ${KEY}\n"
	const in = "bots.yaml:4: 123456789012345678: "
	for text, want := range map[string]string{
		head: "",
		head + "    tokens: {gone.example: '${TOKEN}'}\n":                                   in + "tokens.gone.example: the list is gone; no count is posted to it",
		head + "    tokens: {reads.example: '${TOKEN}'}\n":                                  in + "tokens.reads.example: the list takes no count",
		head + "    tokens: {list.example: {token: '${TOKEN}', bridge_key: '${TOKEN}'}}\n":  in + "tokens.list.example.bridge_key: the list takes no bridge key; it is sent to nobody",
		head + "    tokens: {gone.example: {token: '${TOKEN}', bridge_key: '${TOKEN}'}}\n":  in + "tokens.gone.example: the list is gone; no count is posted to it",
		head + "    tokens: {hears.example: {bridge_key: '${TOKEN}'}}\n":                    in + "tokens.hears.example: has no token, only a bridge key; no count is posted to the list",
		head + "    tokens: {hears.example: {token: '${TOKEN}', bridge_key: '${TOKEN}'}}\n": "",
		head + "    tokens: {beats.example: {bridge_key: '${TOKEN}'}}\n":                    "",
		head + "    tokens: {list.example: '@open'}\n":                                      "open: holds a secret and may be read by others; chmod 600 it",
		head + "    tokens: {list.example: '@secret'}\n":                                    "",
		head + "    votes: {secrets: {list.example: '${SHORT}five'}}\n":                     "",
		head + "    votes: {secrets: {list.example: fifteen letters}}\n":                    in + "votes.secrets.list.example: has 15 characters; 16 or more are hard to guess",
		head + "    votes: {secrets: {other.example: '${KEY}'}}\n":                          in + "votes.secrets.other.example: the list tells of no votes",
		head + "    votes: {secrets: {gone.example: '${KEY}'}}\n":                           in + "votes.secrets.gone.example: the list is gone; it tells of no vote",
		head + "    votes: {send_to: {url: 'http://bot:80/', secret: eight888}}\n":          in + "votes.send_to.secret: has 8 characters; 16 or more are hard to guess",
	} {
		_, warnings, err := loadBots(t, text, LoadOptions{})
		if got := strings.Join(warnings, "\n"); got != want && err == nil {
			t.Errorf("%s\ngot\n%s\nwant\n%s", text, got, want)
		}
	}
}

// Votes in a store that forgets are worth a warning, wherever they go.
func TestWarningOfVotesInMemory(t *testing.T) {
	const text = "bots:\n  \"123456789012345678\":\n    key: ${KEY}\n    votes: {secrets: {list.example: '${KEY}'}}\n"
	_, warnings, err := loadBots(t, text, LoadOptions{Forgets: true})
	const want = "bots.yaml:4: 123456789012345678: votes: the store is in memory; votes that were not delivered are lost when the service ends"
	if got := strings.Join(warnings, "\n"); err != nil || got != want {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
}

func TestFileOfLiteralSecretsThatOthersMayRead(t *testing.T) {
	for bot, want := range map[string]bool{
		`{key: "${KEY}"}`:                                                                             false,
		`{key: a key of twenty characters}`:                                                           true,
		`{key: $$ key of twenty characters}`:                                                          true,
		`{tokens: {list.example: "${TOKEN}"}}`:                                                        false,
		`{tokens: {list.example: "@secret"}}`:                                                         false,
		`{tokens: {list.example: a token}}`:                                                           true,
		`{notify: "${WEBHOOK}"}`:                                                                      false,
		`{notify: "https://notices.example/abc"}`:                                                     true,
		`{name: My Bot, posts: {every: 1h, count: discord, discord_token: "${TOKEN}"}}`:               false,
		`{posts: {count: discord, discord_token: a token}}`:                                           true,
		`{posts: {count: push}}`:                                                                      false,
		`{posts: {count: {url: "http://bot:3000/health", server_count: servers}}}`:                    false,
		`{posts: {count: {url: "http://bot:3000/health", token: "${TOKEN}", server_count: servers}}}`: false,
		`{posts: {count: {url: "http://bot:3000/health", token: a token, server_count: servers}}}`:    true,
		`{votes: {secrets: {list.example: "${KEY}"}, send_to: {url: "https://bot.example/votes", secret: "${KEY}"}}}`:                       false,
		`{votes: {secrets: {list.example: a secret of a list}, send_to: {url: "https://bot.example/votes", secret: "${KEY}"}}}`:             true,
		`{votes: {secrets: {list.example: "${KEY}"}, send_to: {url: "https://bot.example/votes", secret: ["${KEY}", a secret of twenty]}}}`: true,
	} {
		path := filepath.Join(t.TempDir(), "bots.yaml")
		if err := os.WriteFile(path, []byte("bots: {\"123456789012345678\": "+bot+"}\n"), 0o640); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(filepath.Dir(path), "secret"), []byte("a token\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, warnings, err := Load(path, testCatalog(t), LoadOptions{Getenv: func(name string) string { return environment[name] }})
		if err != nil {
			t.Fatalf("%s: %v", bot, err)
		}
		wanted := []string{path + ": holds secrets and may be read by others; chmod 600 it"}
		if !want {
			wanted = nil
		}
		if !slices.Equal(warnings, wanted) {
			t.Errorf("%s: warnings %q, want %q", bot, warnings, wanted)
		}
	}
}

// References are checked for their form alone where their secrets are not there.
func TestNoSecrets(t *testing.T) {
	text := strings.NewReplacer("${KEY}", "${NOT_SET}", "@secret", "@nowhere", "${WEBHOOK}", "${NOT_SET}", "${TOKEN}", "${NOT_SET}").Replace(wholeFile)
	if _, warnings, err := loadBots(t, text, LoadOptions{NoSecrets: true}); err != nil || len(warnings) > 0 {
		t.Errorf("warnings %q, error %v, want none", warnings, err)
	}
	bad := "bots:\n  \"123456789012345678\":\n    key: $KEY\n    tokens: {a.test: \"${NOT_SET}\", numbers.example: \"${NOT_SET}\", list.example: a, old.example: b}\n"
	_, _, err := loadBots(t, bad, LoadOptions{NoSecrets: true})
	const want = "bots.yaml:3: 123456789012345678: key: begins with $ and is no reference; " + howToRefer + ", $$ for a text that begins with $\n" +
		"bots.yaml:4: 123456789012345678: tokens.a.test: is no list's id\n" +
		"bots.yaml:4: 123456789012345678: tokens.old.example: is the list list.example, which line 4 gives already; write each list once, best by its current id"
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

// However bots and their entries are printed, no secret shows.
func TestNoSecretIsPrinted(t *testing.T) {
	const secret = "zq7secretzq7"
	text := strings.NewReplacer("${KEY}", secret+secret, "${TOKEN}", secret, "$$literal", secret, "@@literal", secret, "@secret", secret,
		"@crlf", secret, "${WEBHOOK}", "https://discord.com/api/webhooks/1/"+secret, "http://bot:3000/health", "http://bot:3000/"+secret).Replace(wholeFile)
	bots, warnings, err := loadBots(t, text, LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	b := bots.Bot("123456789012345678")
	e := botEntry{Key: secret, Tokens: map[string]tokenEntry{"a": {Token: secret}}, Votes: &votesEntry{SendTo: &sendToEntry{Secret: texts{secret}}}}
	for _, v := range []any{bots, *bots, b, *b, b.Posts, *b.Posts, b.Posts.Source, b.Votes, *b.Votes, *b.Votes.SendTo, b.Notify, *b.Notify, b.Tokens, e, e.Key, *e.Votes.SendTo, warnings} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
			if got := fmt.Sprintf(verb, v); strings.Contains(got, secret) || strings.Contains(got, fmt.Sprintf("%x", secret)) {
				t.Errorf("%s of a %T shows a secret: %s", verb, v, got)
			}
		}
	}
	// Nor do the faults of a file that holds secrets in every place.
	broken := strings.NewReplacer("every: 1h30m", "every: "+secret, "https://bot.example/votes", secret, "http://bot:3000/", "ftp:", "https://discord.com", "", "\"42\"", secret,
		"stats.guilds", "a[", "[\"", "[\"${"+secret, "old.example", secret).Replace(text)
	if _, _, err = loadBots(t, broken, LoadOptions{}); err == nil || strings.Contains(err.Error(), secret) || strings.Count(err.Error(), "\n") < 5 {
		t.Errorf("want many faults, none with a secret; got\n%v", err)
	}
}

func TestMissingFile(t *testing.T) {
	if _, _, err := Load("nowhere.yaml", testCatalog(t), LoadOptions{}); err == nil || err.Error() != "nowhere.yaml does not exist" {
		t.Errorf("got %v, want that it does not exist", err)
	}
}

func TestLive(t *testing.T) {
	var live Live
	if live.Current() != nil || (*Live)(nil).Current() != nil {
		t.Error("bots before any were loaded")
	}
	c1, c2 := testCatalog(t), testCatalog(t)
	b1, b2 := &Bots{}, &Bots{}
	var catalogErr, botsErr error
	c, b := c1, b1
	read := live.Beside(
		func() (*catalog.Catalog, []string, error) { return c, []string{"odd list"}, catalogErr },
		func(got *catalog.Catalog) (*Bots, []string, error) {
			if got != c {
				t.Error("bots are held against another catalog than the one they come beside")
			}
			return b, []string{"odd bot"}, botsErr
		})
	l, warnings, err := catalog.NewLive(read)
	if err != nil || !slices.Equal(warnings, []string{"odd list", "odd bot"}) || l.Current() != c1 || live.Current() != b1 {
		t.Fatalf("warnings %q, error %v; want both warnings, and both in use", warnings, err)
	}
	c, b = c2, b2
	for _, failing := range []*error{&catalogErr, &botsErr} {
		*failing = errors.New("bad")
		if _, err := l.Reload(); err == nil || l.Current() != c1 || live.Current() != b1 {
			t.Errorf("error %v; want one, and both as they were", err)
		}
		*failing = nil
	}
	if _, err := l.Reload(); err != nil || l.Current() != c2 || live.Current() != b2 {
		t.Errorf("error %v; want both new", err)
	}
}

func TestSchema(t *testing.T) {
	s := string(Schema())
	for _, part := range []string{`"title": "Own bots"`, `"pattern": "^[1-9][0-9]{15,19}$"`, `"discord_token"`, `"The bot's own Discord token, for count: discord and for commands: sync."`} {
		if !strings.Contains(s, part) {
			t.Errorf("the schema lacks %s", part)
		}
	}
	if strings.Contains(s, `"null"`) {
		t.Error("the schema allows null, which is a fault")
	}
}

// TestSchemaFile holds what stands in docs about the format against the format.
func TestSchemaFile(t *testing.T) {
	testkit.Golden(t, "../docs/bots.schema.json", Schema())
	testkit.Golden(t, "../docs/bots-format.md", FormatPage())
}

func TestTarget(t *testing.T) {
	for url, want := range map[string]string{
		"https://discord.com/api/webhooks/1/abc":                 "/webhooks/1/abc",
		"https://discord.com/api/v10/webhooks/1/abc?thread_id=2": "/webhooks/1/abc?thread_id=2",
		"https://ptb.discord.com/api/webhooks/1/abc":             "/webhooks/1/abc",
		"https://canary.discordapp.com/api/v9/webhooks/1/abc/":   "/webhooks/1/abc",
		"https://DISCORD.com/api/webhooks/1/abc":                 "/webhooks/1/abc",
		"https://discord.com.evil.test/api/webhooks/1/abc":       "",
		"https://evildiscord.com/api/webhooks/1/abc":             "",
		"https://discord.com/api/webhooks/1":                     "",
		"https://discord.com/api/webhooks/1/abc/slack":           "",
		"https://bot.example/api/webhooks/1/abc":                 "",
	} {
		target := newTarget(url)
		if target == nil || target.webhook.Reveal() != want {
			t.Errorf("%s: target %+v, want the webhook %q", url, target, want)
		}
	}
	for _, url := range []string{"", "discord.com/api/webhooks/1/abc", "ftp://a/", "http:///a", "https://a b/", "http://a/#x"} {
		if newTarget(url) != nil {
			t.Errorf("%q is taken as a target", url)
		}
	}
}

package lists

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestFieldTable holds the rows of fields against the format and the merged
// answer: each key has one, which reads that key and fills that member.
func TestFieldTable(t *testing.T) {
	t.Parallel()
	e := named[ReadEntry](func(key string, f reflect.Value) { f.Set(reflect.ValueOf(Sources{{Path: key}})) })
	var keys, members []string
	for _, f := range Fields() {
		keys = append(keys, f.Name)
		if got := f.Sources(e); len(got) != 1 || got[0].Path != f.Name {
			t.Errorf("sources of %s: got %+v", f.Name, got)
		}
		if (f.text == nil) != (f.Kind == FieldIDs || f.Kind == FieldCount) {
			t.Errorf("%s is of kind %d, and a text: %t", f.Name, f.Kind, f.text != nil)
		}
		said := map[FieldKind]string{FieldText: `"x"`, FieldDigits: `"1"`, FieldIDs: `["123456789012345678"]`, FieldCount: `5`}[f.Kind]
		bot := merge([]ReadCall{mustRead(t, "list.test", &GetEntry{Fields: e})}, said1(f.Name, said))
		if got := string(f.AppendJSON(nil, &bot)); got != said {
			t.Errorf("%s: got %s, want %s", f.Name, got, said)
		}
		var all map[string]json.RawMessage
		text, err := json.Marshal(bot)
		if err == nil {
			err = json.Unmarshal(text, &all)
		}
		if err != nil || string(all[f.Name]) != said {
			t.Errorf("the merged bot has %s under %s, want %s (%v)", all[f.Name], f.Name, said, err)
		}
	}
	for f := range reflect.TypeFor[Bot]().Fields() {
		if name := f.Tag.Get("json"); name != "id" && name != "-" {
			members = append(members, name)
		}
	}
	if !slices.Equal(keys, members) {
		t.Errorf("the table has %q, the merged answer %q", keys, members)
	}
	format := yamlKeys[ReadEntry]()
	slices.Sort(keys)
	slices.Sort(format)
	if !slices.Equal(keys, format) {
		t.Errorf("the table has %q, the format %q", keys, format)
	}
}

// said1 is an answer of one member.
func said1(key, value string) []Answer { return said(fmt.Sprintf(`{%q:%s}`, key, value)) }

// TestCommonKeysAreOfOneField has no key name under two fields.
func TestCommonKeysAreOfOneField(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, f := range Fields() {
		for _, name := range f.common {
			if other, ok := seen[name]; ok {
				t.Errorf("%s is a name of %s and of %s", name, other, f.Name)
			}
			seen[name] = f.Name
		}
	}
	if len(seen) == 0 {
		t.Error("no common key names")
	}
}

func TestCommonKeys(t *testing.T) {
	t.Parallel()
	for field, keys := range map[string]string{
		"username":      "name username bot_name",
		"discriminator": "discrim discriminator disc",
		"owners":        "owner owners authors bot_owners owner_id coOwners secondaryOwners",
		"server_count":  "count servers server_count servercount serverCount bot_server_count guilds guild_count guildcount guildCount stats.guilds",
		"invite":        "invite bot_invite botInvite bot_invite_link oauth_url inviteURL links.invite",
		"website":       "website bot_website websiteURL",
		"github":        "github bot_github_repo openSource git source_code",
		"support":       "support supportInvite support_server discord server_invite bot_support_discord server supportServer links.support",
		"prefix":        "prefix bot_prefix",
		"library":       "library libraryName bot_library lang",
	} {
		value, want := `"text"`, `{"`+field+`":"text"}`
		switch field {
		case "owners":
			value, want = `"12345678901234567890"`, `{"owners":["12345678901234567890"]}`
		case "server_count":
			value, want = `7`, `{"server_count":7}`
		}
		for key := range strings.FieldsSeq(keys) {
			outer, inner, nested := strings.Cut(key, ".")
			body := `{"` + key + `":` + value + `}`
			if nested {
				body = `{"` + outer + `":{"` + inner + `":` + value + `}}`
			}
			if got := notable(t, readOne(t, nil, body)); got != want {
				t.Errorf("%s: %s, want %s", body, got, want)
			}
			if !nested {
				if got := notable(t, readOne(t, nil, `{"data":`+body+`}`)); got != `{}` {
					t.Errorf("%s in an envelope: %s, want nothing", body, got)
				}
			}
		}
	}
}

func TestReadCommon(t *testing.T) {
	t.Parallel()
	const a, b, c = "100000000000000001", "100000000000000002", "100000000000000003"
	for _, tt := range []struct{ name, body, want string }{
		{"nothing known", `{"id":"1","likes":5}`, `{}`},
		{"empty object", `{}`, `{}`},
		{"case of keys counts", `{"Name":"x","SERVERS":5}`, `{}`},
		{"white space around it", " \r\n{\"name\" : \"x\"}\t", `{"username":"x"}`},
		{"array", `[{"name":"x"}]`, `{}`},
		{"string", `"name"`, `{}`},
		{"null", `null`, `{}`},
		{"nothing", ``, `{}`},
		{"no JSON", `{"name":"x"`, `{}`},
		{"two values", `{"name":"x"}{}`, `{}`},

		{"text: null", `{"name":null,"prefix":null}`, `{}`},
		{"text: empty", `{"name":"","prefix":""}`, `{}`},
		{"text: number", `{"name":5,"prefix":5,"library":1.5}`, `{}`},
		{"text: boolean", `{"name":true,"website":false}`, `{}`},
		{"text: object", `{"name":{"name":"x"},"support":{"url":"x"},"server":{"invite":"x"}}`, `{}`},
		{"text: array", `{"name":["x"],"prefix":["!"]}`, `{}`},
		{"text: escapes", `{"name":"\u00e9\ud83d\ude00\"<"}`, `{"username":"é😀\"\u003c"}`},
		{"text: unknown escape of half a sign", `{"name":"a\ud83d"}`, `{"username":"a�"}`},
		{"discriminator: string", `{"discriminator":"0042"}`, `{"discriminator":"0042"}`},
		{"discriminator: number", `{"discriminator":1234}`, `{"discriminator":"1234"}`},
		{"discriminator: zero", `{"discrim":0}`, `{"discriminator":"0"}`},
		{"discriminator: negative", `{"discrim":-1}`, `{}`},
		{"discriminator: fraction", `{"discrim":1.5}`, `{}`},
		{"discriminator: null", `{"discrim":null}`, `{}`},

		{"most common", `{"name":"a","username":"b","bot_name":"b"}`, `{"username":"b"}`},
		{"tie: the last", `{"bot_name":"a","name":"b"}`, `{"username":"b"}`},
		{"tie: the last as written", `{"name":"b","bot_name":"a"}`, `{"username":"a"}`},
		{"key twice: the last value", `{"name":"a","name":"b"}`, `{"username":"b"}`},
		{"key twice counts once", `{"name":"a","name":"a","username":"b"}`, `{"username":"b"}`},
		{"key twice: the last place", `{"name":"a","username":"b","name":"c"}`, `{"username":"c"}`},
		{"nested keys count too", `{"support":"a","links":{"support":"b","invite":"c"}}`, `{"invite":"c","support":"b"}`},
		{"links is no object", `{"links":["a"],"stats":5}`, `{}`},
		{"stats without guilds", `{"stats":{"users":5}}`, `{}`},

		{"owners: string", `{"owner":"` + a + `"}`, `{"owners":["` + a + `"]}`},
		{"owners: number keeps every digit", `{"owner":` + a + `}`, `{"owners":["` + a + `"]}`},
		{"owners: 20 digits", `{"owner":12345678901234567891}`, `{"owners":["12345678901234567891"]}`},
		{"owners: 16 digits", `{"owner":1000000000000001}`, `{"owners":["1000000000000001"]}`},
		{"owners: object with id", `{"owner":{"id":"` + a + `","name":"x"}}`, `{"owners":["` + a + `"]}`},
		{"owners: object with a number", `{"owner":{"id":` + a + `}}`, `{"owners":["` + a + `"]}`},
		{"owners: object with userId", `{"owner":{"userId":"` + a + `"}}`, `{"owners":["` + a + `"]}`},
		{"owners: object with both", `{"owner":{"userId":"` + b + `","id":"` + a + `"}}`, `{"owners":["` + a + `"]}`},
		{"owners: id is null", `{"owner":{"id":null,"userId":"` + b + `"}}`, `{"owners":["` + b + `"]}`},
		{"owners: array of all", `{"owners":["` + a + `",` + b + `,{"id":` + c + `}]}`, `{"owners":["` + a + `","` + b + `","` + c + `"]}`},
		{"owners: order and duplicates", `{"owners":["` + c + `","` + a + `","` + c + `"],"coOwners":[{"userId":"` + b + `"},"` + a + `"]}`, `{"owners":["` + c + `","` + a + `","` + b + `"]}`},
		{"owners: null", `{"owners":null}`, `{}`},
		{"owners: array of null", `{"owners":[null,"` + a + `",null]}`, `{"owners":["` + a + `"]}`},
		{"owners: empty array", `{"owners":[]}`, `{}`},
		{"owners: empty object", `{"owner":{}}`, `{}`},
		{"owners: array in an array", `{"owners":[["` + a + `"]]}`, `{}`},
		{"owners: names", `{"owners":["someone#0001","@someone"]}`, `{}`},
		{"owners: 15 digits", `{"owner":"100000000000001"}`, `{}`},
		{"owners: 21 digits", `{"owner":"100000000000000000001"}`, `{}`},
		{"owners: exponent", `{"owner":1e17}`, `{}`},
		{"owners: fraction", `{"owner":100000000000000001.0}`, `{}`},
		{"owners: negative", `{"owner":-100000000000000001}`, `{}`},
		{"owners: boolean", `{"owner":true,"owners":[false]}`, `{}`},
		{"owners: mention", `{"owner":"<@100000000000000001>"}`, `{}`},

		{"count: the largest", `{"count":3,"servers":9,"guilds":5}`, `{"server_count":9}`},
		{"count: the largest, nested", `{"count":3,"stats":{"guilds":10}}`, `{"server_count":10}`},
		{"count: string", `{"count":"1234"}`, `{"server_count":1234}`},
		{"count: string with spaces", `{"count":" 12 "}`, `{"server_count":12}`},
		{"count: thousands", `{"count":"1,234"}`, `{"server_count":1234}`},
		{"count: millions", `{"count":"12,345,678"}`, `{"server_count":12345678}`},
		{"count: odd commas", `{"count":"1,23"}`, `{}`},
		{"count: commas alone", `{"count":",234"}`, `{}`},
		{"count: decimal comma after thousands", `{"count":"1234,567"}`, `{}`},
		{"count: k", `{"count":"12k"}`, `{}`},
		{"count: plus", `{"count":"12+"}`, `{}`},
		{"count: negative", `{"count":-5}`, `{}`},
		{"count: negative string", `{"count":"-5"}`, `{}`},
		{"count: fraction", `{"count":3.7}`, `{}`},
		{"count: string with a fraction", `{"count":"3.0"}`, `{}`},
		{"count: whole fraction", `{"count":5.0}`, `{"server_count":5}`},
		{"count: exponent", `{"count":1e3}`, `{"server_count":1000}`},
		{"count: exponent and fraction", `{"count":4.35e2}`, `{"server_count":435}`},
		{"count: exponent in a string", `{"count":"1e3"}`, `{}`},
		{"count: hexadecimal", `{"count":"0x10"}`, `{}`},
		{"count: underscore", `{"count":"1_000"}`, `{}`},
		{"count: infinite", `{"count":"Inf","servers":"NaN"}`, `{}`},
		{"count: beyond doubles", `{"count":1e400}`, `{}`},
		{"count: largest", `{"count":9007199254740991}`, `{"server_count":9007199254740991}`},
		{"count: over the largest", `{"count":9007199254740992,"servers":5}`, `{"server_count":5}`},
		{"count: over the largest as a string", `{"count":"9007199254740992"}`, `{}`},
		{"count: null", `{"count":null}`, `{}`},
		{"count: boolean", `{"count":true}`, `{}`},
		{"count: object", `{"count":{},"servers":{"count":5}}`, `{}`},
		{"count: array", `{"count":[5]}`, `{}`},
		{"count: empty string", `{"count":"","servers":" "}`, `{}`},
		{"count: zero", `{"count":0}`, `{}`},
		{"count: minus zero", `{"count":-0}`, `{}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := notable(t, readOne(t, nil, tt.body)); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

func TestReadMapped(t *testing.T) {
	t.Parallel()
	const a, b, c = "100000000000000001", "100000000000000002", "100000000000000003"
	path := func(paths ...string) Sources {
		var all Sources
		for _, p := range paths {
			all = append(all, Source{Path: p})
		}
		return all
	}
	for _, tt := range []struct {
		name       string
		get        GetEntry
		body, want string
	}{
		{"root, common keys", GetEntry{Root: "data"}, `{"data":{"name":"x","count":5},"name":"y"}`, `{"server_count":5,"username":"x"}`},
		{"root, nested", GetEntry{Root: "data.bot"}, `{"data":{"bot":{"name":"x"}}}`, `{"username":"x"}`},
		{"root is missing", GetEntry{Root: "data"}, `{"name":"y"}`, `{}`},
		{"root is null", GetEntry{Root: "data"}, `{"data":null,"name":"y"}`, `{}`},
		{"root is a string", GetEntry{Root: "data"}, `{"data":"name"}`, `{}`},
		{"root is the last item", GetEntry{Root: "bots[-1]"}, `{"bots":[{"name":"x"},{"name":"y"}]}`, `{"username":"y"}`},
		{"root is one item", GetEntry{Root: "bots[type=main]"}, `{"bots":[{"type":"old","name":"x"},{"type":"Main","name":"y"}]}`, `{"username":"y"}`},
		{"root is the first of all", GetEntry{Root: "bots[]"}, `{"bots":[{"name":"x"},{"name":"y"}]}`, `{"username":"x"}`},
		{"root and paths", GetEntry{Root: "data", Fields: &ReadEntry{Username: path("user.name")}}, `{"data":{"user":{"name":"x"}}}`, `{"username":"x"}`},

		{"other fields under their common names", GetEntry{Fields: &ReadEntry{Username: path("user")}}, `{"user":"x","name":"y","count":5,"stats":{"guilds":7}}`, `{"server_count":7,"username":"x"}`},
		{"other fields under the root", GetEntry{Root: "data", Fields: &ReadEntry{Username: path("user")}}, `{"data":{"user":"x","prefix":"!"},"prefix":"?"}`, `{"prefix":"!","username":"x"}`},
		{"a path that leads nowhere", GetEntry{Fields: &ReadEntry{Username: path("user")}}, `{"name":"y"}`, `{}`},
		{"a field that is not told", GetEntry{Fields: &ReadEntry{Username: Sources{}, ServerCount: path("n")}}, `{"name":"y","n":5}`, `{"server_count":5}`},
		{"every field", GetEntry{Fields: &ReadEntry{Username: path("a"), Discriminator: path("b"), Invite: path("c"), Prefix: path("d"), Website: path("e"), Github: path("f"), Support: path("g"), Library: path("h"), Owners: path("i"), ServerCount: path("j")}},
			`{"a":"1","b":2,"c":"3","d":"4","e":"5","f":"6","g":"7","h":"8","i":["` + a + `"],"j":10}`,
			`{"discriminator":"2","github":"6","invite":"3","library":"8","owners":["` + a + `"],"prefix":"4","server_count":10,"support":"7","username":"1","website":"5"}`},
		{"first that holds a value", GetEntry{Fields: &ReadEntry{Username: path("a", "b", "c")}}, `{"a":"","b":"x","c":"y"}`, `{"username":"x"}`},
		{"first that holds text", GetEntry{Fields: &ReadEntry{Username: path("a", "b", "c")}}, `{"a":5,"b":null,"c":"y"}`, `{"username":"y"}`},
		{"discriminator as a number", GetEntry{Fields: &ReadEntry{Discriminator: path("d")}}, `{"d":1234}`, `{"discriminator":"1234"}`},
		{"dots nest", GetEntry{Fields: &ReadEntry{Username: path("a.b.c")}}, `{"a":{"b":{"c":"x"}}}`, `{"username":"x"}`},
		{"path ends early", GetEntry{Fields: &ReadEntry{Username: path("a.b.c")}}, `{"a":{"b":"c"}}`, `{}`},
		{"path through null", GetEntry{Fields: &ReadEntry{Username: path("a.b")}}, `{"a":null}`, `{}`},
		{"path through an array", GetEntry{Fields: &ReadEntry{Username: path("a.b")}}, `{"a":[{"b":"x"}]}`, `{}`},

		{"[]: first text", GetEntry{Fields: &ReadEntry{Prefix: path("prefixes[]")}}, `{"prefixes":[null,"","!","?"]}`, `{"prefix":"!"}`},
		{"[]: of no array", GetEntry{Fields: &ReadEntry{Prefix: path("prefixes[]")}}, `{"prefixes":"!"}`, `{}`},
		{"[]: owners", GetEntry{Fields: &ReadEntry{Owners: path("owners[].user.id")}}, `{"owners":[{"user":{"id":"` + a + `"}},null,{"user":null},{"user":{"id":` + b + `}}]}`, `{"owners":["` + a + `","` + b + `"]}`},
		{"[][]: arrays in arrays", GetEntry{Fields: &ReadEntry{Owners: path("teams[][].id")}}, `{"teams":[[{"id":"` + a + `"}],[{"id":"` + b + `"}]]}`, `{"owners":["` + a + `","` + b + `"]}`},
		{"owners of all paths", GetEntry{Fields: &ReadEntry{Owners: path("coOwners[]", "owner", "missing")}}, `{"owner":{"id":"` + a + `"},"coOwners":["` + b + `","` + c + `"]}`, `{"owners":["` + b + `","` + c + `","` + a + `"]}`},
		{"owners: whole array", GetEntry{Fields: &ReadEntry{Owners: path("people")}}, `{"people":[` + a + `,{"userId":"` + b + `"}]}`, `{"owners":["` + a + `","` + b + `"]}`},
		{"[-1]: last", GetEntry{Fields: &ReadEntry{ServerCount: path("history[-1].n")}}, `{"history":[{"n":9},{"n":3}]}`, `{"server_count":3}`},
		{"[-1]: of none", GetEntry{Fields: &ReadEntry{ServerCount: path("history[-1].n")}}, `{"history":[]}`, `{}`},
		{"[-1]: of no array", GetEntry{Fields: &ReadEntry{ServerCount: path("history[-1].n")}}, `{"history":{"n":5}}`, `{}`},
		{"[name=x]", GetEntry{Fields: &ReadEntry{Website: path("links[name=Website].value")}}, `{"links":[{"name":"Github","value":"g"},{"name":"Website","value":"w"}]}`, `{"website":"w"}`},
		{"[name=x]: in any case", GetEntry{Fields: &ReadEntry{Website: path("links[name=Website].value")}}, `{"links":[{"name":"WEBSITE","value":"w"}]}`, `{"website":"w"}`},
		{"[name=x]: the first", GetEntry{Fields: &ReadEntry{Website: path("links[name=Website].value")}}, `{"links":[{"name":"website","value":"v"},{"name":"Website","value":"w"}]}`, `{"website":"v"}`},
		{"[name=x]: the first alone", GetEntry{Fields: &ReadEntry{ServerCount: path("stats[of=servers].n")}}, `{"stats":[{"of":"servers","n":3},{"of":"servers","n":9}]}`, `{"server_count":3}`},
		{"[name=x]: a number", GetEntry{Fields: &ReadEntry{Website: path("links[type=3].value")}}, `{"links":[{"type":13,"value":"v"},{"type":3,"value":"w"}]}`, `{"website":"w"}`},
		{"[name=x]: none", GetEntry{Fields: &ReadEntry{Website: path("links[name=Website].value")}}, `{"links":[{"name":"Github","value":"g"},5,null,{}]}`, `{}`},
		{"{}: keys", GetEntry{Fields: &ReadEntry{Owners: path("owners{}")}}, `{"owners":{"` + b + `":{"name":"x"},"` + a + `":null}}`, `{"owners":["` + b + `","` + a + `"]}`},
		{"{}: of no object", GetEntry{Fields: &ReadEntry{Owners: path("owners{}")}}, `{"owners":["` + a + `"]}`, `{}`},
		{"{}: keys that need escapes", GetEntry{Fields: &ReadEntry{Username: path("names{}")}}, `{"names":{"\"x\"\u00e9":1}}`, `{"username":"\"x\"é"}`},
		{"brackets without a name", GetEntry{Root: "data", Fields: &ReadEntry{Username: path("[-1].name")}}, `{"data":[{"name":"x"},{"name":"y"}]}`, `{"username":"y"}`},
		{"brackets without a name, white space before", GetEntry{Fields: &ReadEntry{Username: path("[-1].name")}}, "\n[{\"name\":\"x\"}]", `{"username":"x"}`},

		{"url of a code", GetEntry{Fields: &ReadEntry{Support: Sources{{Path: "server", URL: "https://discord.gg/:value"}}}}, `{"server":"abc"}`, `{"support":"https://discord.gg/abc"}`},
		{"url of a repository", GetEntry{Fields: &ReadEntry{Github: Sources{{Path: "repo", URL: "https://github.com/:value"}}}}, `{"repo":"user/repo"}`, `{"github":"https://github.com/user/repo"}`},
		{"url of a URL", GetEntry{Fields: &ReadEntry{Support: Sources{{Path: "server", URL: "https://discord.gg/:value"}}}}, `{"server":"https://discord.gg/abc"}`, `{"support":"https://discord.gg/abc"}`},
		{"url of what needs escapes", GetEntry{Fields: &ReadEntry{Support: Sources{{Path: "server", URL: "https://discord.gg/:value"}}}}, `{"server":"a b?c#d"}`, `{"support":"https://discord.gg/a%20b%3Fc%23d"}`},
		{"url of nothing", GetEntry{Fields: &ReadEntry{Support: Sources{{Path: "server", URL: "https://discord.gg/:value"}}}}, `{"server":""}`, `{}`},
		{"url of null", GetEntry{Fields: &ReadEntry{Support: Sources{{Path: "server", URL: "https://discord.gg/:value"}}}}, `{"server":null}`, `{}`},
		{"url of a code with white space around it", GetEntry{Fields: &ReadEntry{Support: Sources{{Path: "server", URL: "https://discord.gg/:value"}}}}, `{"server":" abc\u00a0\n"}`, `{"support":"https://discord.gg/abc"}`},
		{"url of a code with its host", GetEntry{Fields: &ReadEntry{Support: Sources{{Path: "server", URL: "https://discord.gg/:value"}}}}, `{"server":"discord.gg/abc"}`, `{"support":"https://discord.gg/abc"}`},
		{"url of a code with another host", GetEntry{Fields: &ReadEntry{Support: Sources{{Path: "server", URL: "https://discord.gg/:value"}}}}, `{"server":"//www.discord.com/invite/abc?x=1"}`, `{"support":"https://www.discord.com/invite/abc?x=1"}`},
		{"url of a code with a dot further on", GetEntry{Fields: &ReadEntry{Github: Sources{{Path: "repo", URL: "https://github.com/:value"}}}}, `{"repo":"some/where.js"}`, `{"github":"https://github.com/some/where.js"}`},
		{"url of a blank, and then one of a code", GetEntry{Fields: &ReadEntry{Support: Sources{{Path: "server", URL: "https://discord.gg/:value"}, {Path: "other", URL: "https://discord.gg/:value"}}}}, `{"server":" / ","other":"abc"}`, `{"support":"https://discord.gg/abc"}`},
		{"url and then none", GetEntry{Fields: &ReadEntry{Support: Sources{{Path: "code", URL: "https://discord.gg/:value"}, {Path: "url"}}}}, `{"code":null,"url":"https://x.test/"}`, `{"support":"https://x.test/"}`},

		{"count: first path with a count", GetEntry{Fields: &ReadEntry{ServerCount: path("a", "b", "c")}}, `{"a":"12k","b":5,"c":9}`, `{"server_count":5}`},
		{"count: largest of a path", GetEntry{Fields: &ReadEntry{ServerCount: path("shards[].n")}}, `{"shards":[{"n":2},{"n":7},{"n":3}]}`, `{"server_count":7}`},
		{"count: zero is a count", GetEntry{Fields: &ReadEntry{ServerCount: path("a", "b")}}, `{"a":0,"b":9}`, `{}`},
		{"odd types everywhere", GetEntry{Root: "d", Fields: &ReadEntry{Username: path("a[].b"), Owners: path("a{}"), ServerCount: path("a[-1].b"), Invite: path("a[x=y]")}}, `{"d":{"a":[[],{},null,5,"x",true]}}`, `{}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := notable(t, readOne(t, &tt.get, tt.body)); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

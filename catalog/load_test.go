package catalog

import (
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"aggregator/lists"
)

// head opens a list without faults; what a test appends is on line 5.
const head = "lists:\n  a.test:\n    name: A\n    url: \"https://a.test/\"\n"

// loadText loads lists files, named lists.yaml, 2.yaml and 3.yaml, and a file of legacy ids.
func loadText(legacy string, texts ...string) (*Catalog, []string, error) {
	var files []File
	for i, text := range texts {
		files = append(files, File{Name: []string{"lists.yaml", "2.yaml", "3.yaml"}[i], Data: []byte(text)})
	}
	return Load(files, File{Name: "legacy_ids.yaml", Data: []byte(legacy)})
}

func mustLoad(t testing.TB, legacy string, texts ...string) *Catalog {
	t.Helper()
	c, _, err := loadText(legacy, texts...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// problemsOf is what an error says, a line each.
func problemsOf(t *testing.T, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*Error](err); !ok {
		t.Fatalf("error is a %T, want *Error", err)
	}
	return strings.Split(err.Error(), "\n")
}

func TestBadFiles(t *testing.T) {
	const keysOfList = "added, name, url, icon, language, display, defunct, discord_only, description, api_docs, api_post, " +
		"api_post_method, api_field, api_shard_id, api_shard_count, api_shards, api_get, api_all, view_bot, bot_widget, content, " +
		"owners, discord, features, source, checked, same_as, post, get, votes, webhook, " +
		"commands, heartbeat, errors, listing, announcements, analytics, invalidate, vote_totals, developer"
	const keysOfPost = "url, method, auth, body, fields, shard_object, numbers, constants, defaults, headers, answer, success, revoked, limits, wait, none, otherwise"
	const reserved = "bot_id, server_count, shard_id, shard_count, shards, user_count, voice_connections, tokens"
	const idRule = "must be 1 to 253 printable ASCII characters without spaces and slashes"
	const post = "    api_post: \"https://a.test/:id\"\n    post:\n      constants: {x: 1}\n"

	for name, tt := range map[string]struct {
		lists, over, legacy string
		want                string // lines, in order
	}{
		// The text as YAML.
		"empty":             {"", "", "", `lists.yaml:1: is empty, must hold "features:" and "lists:"`},
		"comments alone":    {"# nothing\n\n", "", "", `lists.yaml:1: is empty, must hold "features:" and "lists:"`},
		"null document":     {"---\nnull\n", "", "", `lists.yaml:1: is empty, must hold "features:" and "lists:"`},
		"two documents":     {head + "---\nlists: {}\n", "", "", `lists.yaml:5: a second document begins here; a file must hold one`},
		"indentation":       {head + "   icon: x\n  b.test: {}\n", "", "", `lists.yaml:5: not YAML: did not find expected key`},
		"colon in a value":  {head + "    icon: a: b\n", "", "", `lists.yaml:5: not YAML: mapping values are not allowed in this context`},
		"open bracket":      {head + "    features: [a, b\n    icon: x\n", "", "", `lists.yaml:5: not YAML: did not find expected ',' or ']' to what is opened here`},
		"open quote":        {head + "    icon: \"x\n", "", "", `lists.yaml:5: not YAML: found unexpected end of stream`},
		"tab":               {"lists:\n\ta.test: {}\n", "", "", `lists.yaml:2: not YAML: found character that cannot start any token`},
		"control character": {head + "    icon: \x01\n", "", "", `lists.yaml:5: not YAML: control characters are not allowed`},
		"bad UTF-8":         {head + "    icon: \xff\n", "", "", `lists.yaml:5: not YAML: invalid leading UTF-8 octet`},
		"bad second part":   {head + "---\n@\n", "", "", `lists.yaml:6: not YAML: found character that cannot start any token`},
		"anchor and alias": {head + "    icon: &i \"https://a.test/i\"\n    discord: *i\n", "", "",
			"lists.yaml:5: a.test: icon: anchors (&i) are not allowed; write the value out where it is needed\n" +
				"lists.yaml:6: a.test: discord: aliases (*i) are not allowed; write the value out"},
		"anchored key": {head + "    &k icon: \"https://a.test/i\"\n", "", "", `lists.yaml:5: a.test: anchors (&k) are not allowed on keys`},
		"merge key":    {head + "    <<: {icon: x}\n", "", "", `lists.yaml:5: a.test: merge keys (<<) are not allowed; write the fields out`},
		"tag":          {head + "    added: !!int \"5\"\n", "", "", `lists.yaml:5: a.test: added: tags (!!int) are not allowed; put text in quotes and leave numbers bare`},
		"key twice":    {head + "    icon: \"https://a.test/\"\n    name: B\n", "", "", `lists.yaml:6: a.test: name: is given twice, first in line 3`},
		"list twice":   {head + "  a.test: {}\n", "", "", `lists.yaml:5: a.test: is given twice, first in line 2`},
		"number key":   {head + "  404: {}\n", "", "", `lists.yaml:5: lists: the key 404 must be in quotes, "404"`},
		"mapping key":  {head + "    ? {a: b}\n    : c\n", "", "", `lists.yaml:5: a.test: a key must be a plain word or a string in quotes`},
		"too deep": {head + "    post: " + strings.Repeat("[", 20) + strings.Repeat("]", 20) + "\n", "", "",
			"lists.yaml:5: a.test: post" + strings.Repeat("[0]", 14) + ": is nested too deep; at most 16 levels are allowed\n" +
				"lists.yaml:5: a.test: post: must be a mapping, is a list"},

		// Keys and types.
		"not a mapping": {"hello\n", "", "", "lists.yaml:1: must be a mapping, is \"hello\""},
		"unknown top":   {head + "list: {}\n", "", "", `lists.yaml:5: list: unknown key, did you mean "lists"?; allowed: features, lists`},
		"no list":       {"lists: {}\n", "", "", `lists.yaml:1: holds no list; at least one is needed under "lists:"`},
		"lists a list":  {"lists: []\n", "", "", "lists.yaml:1: lists: must be a mapping, is a list"},
		"list null":     {"lists:\n  a.test:\n", "", "", "lists.yaml:2: a.test: must be a mapping, is null"},
		"unknown key":   {head + "    api_pots: x\n", "", "", `lists.yaml:5: a.test: api_pots: unknown key, did you mean "api_post"?; allowed: ` + keysOfList},
		"unknown key in post": {head + post + "      colour: red\n", "", "",
			`lists.yaml:8: a.test: post.colour: unknown key; allowed: ` + keysOfPost},
		"odd key":          {head + "    \"a b\\n\": x\n", "", "", `lists.yaml:5: a.test: "a b\n": unknown key; allowed: ` + keysOfList},
		"number as string": {head + "    owners: 123\n", "", "", `lists.yaml:5: a.test: owners: must be a string, is 123; put it in quotes, "123"`},
		"date as string":   {head + "    owners: 2026-01-01\n", "", "", `lists.yaml:5: a.test: owners: must be a string, is 2026-01-01; put it in quotes, "2026-01-01"`},
		"list as string":   {head + "    owners: [a]\n", "", "", `lists.yaml:5: a.test: owners: must be a string, is a list`},
		"string as number": {head + "    added: \"5\"\n", "", "", `lists.yaml:5: a.test: added: must be a whole number, is "5"`},
		"float":            {head + "    added: 5.0\n", "", "", `lists.yaml:5: a.test: added: must be a whole number, is 5.0`},
		"number too large": {head + "    added: 9223372036854775808\n", "", "", `lists.yaml:5: a.test: added: must be a whole number, is 9223372036854775808`},
		"yes":              {head + "    display: yes\n", "", "", `lists.yaml:5: a.test: display: must be true or false (or 1 or 0), is "yes"`},
		"flag 2":           {head + "    display: 2\n", "", "", `lists.yaml:5: a.test: display: must be true or false (or 1 or 0), is 2`},
		"string as list":   {head + "    features: x\n", "", "", `lists.yaml:5: a.test: features: must be a list, is "x"`},
		"null in a list":   {head + "    features: [~]\n", "", "", `lists.yaml:5: a.test: features[0]: must be a string, is null`},
		"string as part":   {head + "    get: x\n", "", "", `lists.yaml:5: a.test: get: must be a mapping, is "x"`},
		"enum":             {head + "    api_post_method: GET\n", "", "", `lists.yaml:5: a.test: api_post_method: must be POST, PUT or PATCH, is "GET"`},
		"missing":          {"lists:\n  a.test:\n    name: A\n", "", "", `lists.yaml:2: a.test: url: is required`},
		"required null":    {"lists:\n  a.test:\n    name: A\n    url: null\n", "", "", `lists.yaml:4: a.test: url: is required, is null`},
		"blank":            {"lists:\n  a.test:\n    name: \" \"\n    url: \"https://a.test/\"\n", "", "", `lists.yaml:3: a.test: name: must not be blank`},
		"constants": {head + "    api_post: \"https://a.test/:id\"\n    post:\n      constants: {a: 1.5, b: ~, c: []}\n", "", "", "lists.yaml:7: a.test: post.constants.a: must be a string, a whole number, true or false, is 1.5\n" +
			"lists.yaml:7: a.test: post.constants.b: must be a string, a whole number, true or false, is null\n" +
			"lists.yaml:7: a.test: post.constants.c: must be a string, a whole number, true or false, is a list"},
		"header a number":   {head + post + "      headers: {X-A: 1}\n", "", "", `lists.yaml:8: a.test: post.headers.X-A: must be a string, is 1; put it in quotes, "1"`},
		"status a string":   {head + post + "      revoked:\n        - 410\n        - gone\n", "", "", `lists.yaml:10: a.test: post.revoked[1]: must be a whole number, is "gone"`},
		"success":           {head + post + "      success: {field: ok}\n", "", "", `lists.yaml:8: a.test: post.success.is: is required`},
		"success of a list": {head + post + "      success: {field: ok, is: [true]}\n", "", "", `lists.yaml:8: a.test: post.success.is: must be a string, a whole number, true or false, is a list`},
		"limit": {head + post + "      limits:\n        - per: bot\n          seconds: 60\n        - {per: moon, requests: 1, seconds: 1}\n", "", "",
			"lists.yaml:9: a.test: post.limits[0].requests: is required\n" +
				`lists.yaml:11: a.test: post.limits[1].per: must be token, bot or address, is "moon"`},
		"names": {head + post + "      fields: {server_count: [n, 5]}\n", "", "", `lists.yaml:8: a.test: post.fields.server_count[1]: must be a string, is 5; put it in quotes, "5"`},
		"sources": {head + "    get:\n      url: \"https://a.test/:id\"\n      fields:\n        username: 5\n        invite: \" \"\n        owners: [a, {url: \"https://x.test/:value\"}]\n", "", "",
			"lists.yaml:8: a.test: get.fields.username: must be a string or a mapping, is 5; put it in quotes, \"5\"\n" +
				"lists.yaml:9: a.test: get.fields.invite: must not be blank\n" +
				"lists.yaml:10: a.test: get.fields.owners[1].path: is required"},

		// What a list means.
		"scheme":              {head + "    api_post: \"ftp://x\"\n", "", "", `lists.yaml:5: a.test: api_post: must be a URL such as https://list.example/path, is "ftp://x"`},
		"placeholder":         {head + "    view_bot: \"https://a.test/:bot\"\n", "", "", `lists.yaml:5: a.test: view_bot: unknown placeholder ":bot"; allowed: :id`},
		"field of a post":     {head + "    post:\n      constants: {x: 1}\n      url: \"http://a.test/:id\"\n", "", "", `lists.yaml:7: a.test: post.url: must begin with https:// (http:// is for loopback hosts and defunct lists), is "http://a.test/:id"`},
		"post without a URL":  {head + "    post: {method: PUT}\n", "", "", `lists.yaml:5: a.test: post: needs a url, or api_post beside it`},
		"unknown feature":     {"features: {has-voting: {name: V}}\n" + head + "    features:\n      - has-votng\n      - zzz\n", "", "", "lists.yaml:7: a.test: features[0]: unknown feature \"has-votng\", did you mean \"has-voting\"?; allowed: the ids under features\nlists.yaml:8: a.test: features[1]: unknown feature \"zzz\"; allowed: the ids under features"},
		"feature twice":       {"features: {v: {name: V}}\n" + head + "    features: [v, v]\n", "", "", `lists.yaml:6: a.test: features[1]: "v" is given twice, first in features[0]`},
		"feature type":        {"features:\n  v: {name: V, type: 3}\n" + head, "", "", `lists.yaml:2: features.v.type: must be 0, 1 or 2, is 3`},
		"feature name":        {"features:\n  v: {type: 0}\n" + head, "", "", `lists.yaml:2: features.v.name: is required`},
		"feature id":          {"features:\n  \"a b\": {name: V}\n" + head, "", "", `lists.yaml:2: features."a b": the feature id "a b" ` + idRule},
		"list id with slash":  {head + "  a/b: {name: B, url: \"https://b.test/\"}\n", "", "", `lists.yaml:5: "a/b": the list id "a/b" ` + idRule},
		"list id empty":       {head + "  \"\": {name: B, url: \"https://b.test/\"}\n", "", "", `lists.yaml:5: the list id "" ` + idRule},
		"list id not ASCII":   {head + "  é: {name: B, url: \"https://b.test/\"}\n", "", "", `lists.yaml:5: "é": the list id "é" ` + idRule},
		"list id in capitals": {head + "  B.test: {name: B, url: \"https://b.test/\"}\n", "", "", `lists.yaml:5: B.test: the list id "B.test" must be in small letters, as in "b.test"`},
		"second way of two":   {head + "    api_post: \"https://a.test/:id\"\n  b.test:\n    name: B\n    url: \"https://b.test/\"\n    api_field: n\n    post:\n      url: \"https://b.test/:id\"\n      otherwise:\n        on: [401]\n        url: \"https://a.test/:id\"\n        fields: {server_count: n}\n", "", "", `lists.yaml:14: b.test: post.otherwise.url: is the post URL of a.test too (lists.yaml:5); each living list needs its own`},
		"list id reserved":    {head + "  tokens: {name: B, url: \"https://b.test/\"}\n", "", "", `lists.yaml:5: tokens: the list id "tokens" must not be a key of the count body: ` + reserved},
		"one post URL of two": {head + "    api_post: \"https://a.test/:id\"\n  b.test:\n    name: B\n    url: \"https://b.test/\"\n    post: {url: \"https://a.test/:id\", constants: {x: 1}}\n", "", "", `lists.yaml:9: b.test: post.url: is the post URL of a.test too (lists.yaml:5); each living list needs its own`},

		// A second way to post.
		"second way": {head + post + "      otherwise:\n        method: GET\n        limits: []\n        url: 5\n", "", "",
			"lists.yaml:8: a.test: post.otherwise.on: is required\n" +
				`lists.yaml:9: a.test: post.otherwise.method: must be POST, PUT or PATCH, is "GET"` + "\n" +
				"lists.yaml:10: a.test: post.otherwise.limits: unknown key; allowed: on, url, method, auth, body, fields, shard_object, numbers, constants, defaults, headers, answer, success\n" +
				`lists.yaml:11: a.test: post.otherwise.url: must be a string, is 5; put it in quotes, "5"`},
		"second way's fields": {head + post + "      otherwise:\n        on: [200]\n        url: \"https://a.test/me\"\n        fields: {server_count: \"a..b\"}\n", "", "",
			"lists.yaml:9: a.test: post.otherwise.on[0]: must be an HTTP status from 400 to 599, is 200\n" +
				`lists.yaml:11: a.test: post.otherwise.fields.server_count: must be names joined by dots, is "a..b"`},

		// Lists of the same software.
		"same as nobody":   {head + "    same_as: a.tst\n", "", "", `lists.yaml:5: a.test: same_as: "a.tst" is no list, did you mean "a.test"?`},
		"same as itself":   {head + "    same_as: a.test\n", "", "", `lists.yaml:5: a.test: same_as: "a.test" says same_as too; name a list that does not`},
		"same as a number": {head + "    same_as: 5\n", "", "", `lists.yaml:5: a.test: same_as: must be a string, is 5; put it in quotes, "5"`},
		"same as one that is the same": {head + "    same_as: b.test\n  b.test: {name: B, url: \"https://b.test/\", same_as: c.test}\n  c.test: {name: C, url: \"https://c.test/\"}\n", "", "",
			`lists.yaml:5: a.test: same_as: "b.test" says same_as too; name a list that does not`},
		"no URL is inherited": {head + "    same_as: b.test\n    post: {method: PUT}\n  b.test: {name: B, url: \"https://b.test/\", post: {url: \"https://b.test/:id\", auth: {in: query, name: k}, constants: {x: 1}}}\n", "", "",
			`lists.yaml:6: a.test: post: needs a url, or api_post beside it`},
		"a fault is told once": {head + "    same_as: b.test\n    post: {url: \"https://a.test/:id\"}\n  b.test:\n    name: B\n    url: \"https://b.test/\"\n    post: {url: \"https://b.test/:id\", constants: {x: 1}, revoked: [x]}\n", "", "",
			`lists.yaml:10: b.test: post.revoked[0]: must be a whole number, is "x"`},
		"date": {head + "    checked: yesterday\n", "", "", `lists.yaml:5: a.test: checked: must be a date such as 2026-11-22, is "yesterday"`},

		// Several files.
		"fault in an overlay":      {head, "lists:\n  a.test:\n    api_post: 5\n", "", `2.yaml:3: a.test: api_post: must be a string, is 5; put it in quotes, "5"`},
		"fault under an overlay":   {head + "    api_field: \"a..b\"\n", "lists:\n  a.test: {api_post: \"https://a.test/:id\"}\n", "", `lists.yaml:5: a.test: api_field: must be names joined by dots, is "a..b"`},
		"overlay clears a name":    {head, "lists:\n  a.test:\n    name: null\n", "", `2.yaml:3: a.test: name: is required, is null`},
		"overlay is a string":      {head, "lists: {a.test: x}\n", "", `2.yaml:1: a.test: must be a mapping, is "x"`},
		"new list in an overlay":   {head, "lists: {b.test: {name: B}}\n", "", `2.yaml:1: b.test: url: is required`},
		"both files":               {head + "    added: x\n", "lists:\n  a.test:\n    display: x\n", "", "lists.yaml:5: a.test: added: must be a whole number, is \"x\"\n2.yaml:3: a.test: display: must be true or false (or 1 or 0), is \"x\""},
		"no follow-up faults":      {"features:\n  v: {name: V}\n :\n", head + "    features: [v]\n", "", `lists.yaml:3: not YAML: did not find expected key`},
		"post URL of another file": {head + "    api_post: \"https://a.test/:id\"\n", "lists:\n  b.test: {name: B, url: \"https://b.test/\", api_post: \"https://a.test/:id\"}\n", "", `2.yaml:2: b.test: api_post: is the post URL of a.test too (lists.yaml:5); each living list needs its own`},

		// Legacy ids.
		"legacy list":        {head, "", "[a, b]\n", `legacy_ids.yaml:1: must be a mapping of old ids to new ones, is a list`},
		"legacy twice":       {head, "", "x: a.test\nx: a.test\n", `legacy_ids.yaml:2: x: is given twice, first in line 1`},
		"legacy number":      {head, "", "x: 5\n", `legacy_ids.yaml:1: x: must be a string, is 5; put it in quotes, "5"`},
		"legacy null":        {head, "", "x:\n", `legacy_ids.yaml:1: x: must be a string, is null`},
		"legacy reserved":    {head, "", "shards: a.test\n", `legacy_ids.yaml:1: shards: the legacy id "shards" must not be a key of the count body: ` + reserved},
		"legacy to a bad id": {head, "", "x: a b\n", `legacy_ids.yaml:1: x: leads to "a b", which ` + idRule},
		"legacy cycle":       {head, "", "x: a.test\nin: two\none: two\ntwo: three\nthree: one\n", `legacy_ids.yaml:4: two: is in a cycle, two -> three -> one -> two; legacy ids must end at a list`},
		"legacy to itself":   {head, "", "x: x\n", `legacy_ids.yaml:1: x: is in a cycle, x -> x; legacy ids must end at a list`},
		"legacy no YAML":     {head, "", "x: [\n", `legacy_ids.yaml:1: not YAML: did not find expected node content`},
	} {
		t.Run(name, func(t *testing.T) {
			texts := []string{tt.lists}
			if tt.over != "" {
				texts = append(texts, tt.over)
			}
			c, _, err := loadText(tt.legacy, texts...)
			if got := strings.Join(problemsOf(t, err), "\n"); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
			if err != nil && c != nil {
				t.Error("a catalog beside an error")
			}
		})
	}
}

func TestManyFaultsAtOnce(t *testing.T) {
	_, _, err := loadText("x: y\ny: x\n", "features:\n  v: {}\n"+head+"    added: x\n    api_get: \"ftp://x\"\n    nme: x\n  b.test: {}\n")
	var places []string
	for _, line := range problemsOf(t, err) {
		places = append(places, strings.Join(strings.SplitN(line, ": ", 4)[:3], " "))
	}
	want := []string{
		"lists.yaml:2 features.v.name is required",
		"lists.yaml:7 a.test added",
		"lists.yaml:8 a.test api_get",
		"lists.yaml:9 a.test nme",
		"lists.yaml:10 b.test name",
		"lists.yaml:10 b.test url",
		"legacy_ids.yaml:1 x is in a cycle, x -> y -> x; legacy ids must end at a list",
	}
	if !slices.Equal(places, want) {
		t.Errorf("got %q\nwant %q", places, want)
	}
}

func TestNoFiles(t *testing.T) {
	_, _, err := Load(nil, File{})
	if err == nil || err.Error() != "no lists file is given; at least one is needed" {
		t.Errorf("error is %v", err)
	}
}

func TestWarnings(t *testing.T) {
	_, got, err := loadText("old: a.tst\nolder: old\na.test: b\ngone: nowhere\n", head)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`legacy_ids.yaml:1: old: leads to "a.tst", which is no list, did you mean "a.test"?`,
		`legacy_ids.yaml:3: a.test: leads to "b", which is no list`,
		`legacy_ids.yaml:3: a.test: is never followed, for a living list has this id`,
		`legacy_ids.yaml:4: gone: leads to "nowhere", which is no list`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

// TestEntry reads one of everything.
func TestEntry(t *testing.T) {
	c := mustLoad(t, "", `
features:
  voting: {name: Voting, display: -5, type: 2, description: Votes.}
  search: {name: "1"}
lists:
  a.test:
    added: 1_600_000_000
    name: A
    url: "https://a.test/"
    icon: ~
    display: 1
    defunct: false
    discord_only: true
    api_post: "https://a.test/:id"
    api_field: count
    features: [voting, search]
    post:
      method: PATCH
      auth: {prefix: "Bearer "}
      fields:
        server_count: [n, stats.n]
        shard_count: shards
      constants: {s: x, i: -3, b: true}
      defaults: {shard_count: 1}
      headers: {X-A.b: "1"}
      success: {field: error, is: 0}
      revoked: [410]
      limits: [{per: bot, requests: 1, seconds: 0x3c}]
    get:
      url: "https://a.test/:id"
      fields:
        username: name
        owners: [owner.id, {path: "more[].id"}]
`)
	l, ok := c.List("a.test")
	if !ok {
		t.Fatal("no a.test")
	}
	one := int64(1)
	want := lists.Entry{
		Added: 1600000000, Name: "A", URL: "https://a.test/", Display: true, DiscordOnly: true,
		APIPost: "https://a.test/:id", APIField: "count", Features: []string{"voting", "search"},
		Post: &lists.PostEntry{
			Method: "PATCH", Auth: &lists.AuthEntry{Prefix: "Bearer "},
			Fields:    &lists.FieldsEntry{ServerCount: lists.Names{"n", "stats.n"}, ShardCount: lists.Names{"shards"}},
			Constants: map[string]any{"s": "x", "i": int64(-3), "b": true},
			Defaults:  &lists.DefaultsEntry{ShardCount: &one},
			Headers:   map[string]string{"X-A.b": "1"},
			Success:   &lists.SuccessEntry{Field: "error", Is: int64(0)},
			Revoked:   []int{410},
			Limits:    []lists.LimitEntry{{Per: "bot", Requests: 1, Seconds: 60}},
		},
		Get: &lists.GetEntry{
			URL: "https://a.test/:id",
			Fields: &lists.ReadEntry{
				Username: lists.Sources{{Path: "name"}},
				Owners:   lists.Sources{{Path: "owner.id"}, {Path: "more[].id"}},
			},
		},
	}
	if !reflect.DeepEqual(l.Entry, want) {
		t.Errorf("got %+v\nwant %+v", l.Entry, want)
	}
	features := []Feature{{ID: "search", Name: "1"}, {ID: "voting", Name: "Voting", Display: -5, Type: 2, Description: "Votes."}}
	if !slices.Equal(c.Features(), features) {
		t.Errorf("features are %+v", c.Features())
	}
}

// TestSameAs reads an entry that says only what differs from another.
func TestSameAs(t *testing.T) {
	c := mustLoad(t, "", head+`    source: "https://a.test/docs"
    checked: 2026-11-22
    api_field: count
    same_as: b.test
    post:
      url: "https://a.test/:id"
      fields: {shard_count: "n"}
      revoked: ~
      limits: [{per: token, requests: 1, seconds: 1}]
    get: {url: "https://a.test/bots/:id"}
  b.test:
    name: B
    url: "https://b.test/"
    owners: Me
    api_get: "https://b.test/plain/:id"
    source: ["https://b.test/docs", "its server"]
    post:
      url: "https://b.test/:id"
      auth: {prefix: "Bearer "}
      fields: {server_count: guilds, shard_count: shards}
      revoked: [410]
      limits: [{per: bot, requests: 2, seconds: 2}]
    get:
      url: "https://b.test/bots/:id"
      root: bot
`)
	a, _ := c.List("a.test")
	want := lists.Entry{
		Name: "A", URL: "https://a.test/", APIField: "count", Source: lists.Lines{"https://a.test/docs"}, Checked: "2026-11-22", SameAs: "b.test",
		Post: &lists.PostEntry{
			URL: "https://a.test/:id", Auth: &lists.AuthEntry{Prefix: "Bearer "},
			Fields: &lists.FieldsEntry{ServerCount: lists.Names{"guilds"}, ShardCount: lists.Names{"n"}},
			Limits: []lists.LimitEntry{{Per: "token", Requests: 1, Seconds: 1}},
		},
		Get: &lists.GetEntry{URL: "https://a.test/bots/:id", Root: "bot"},
	}
	if !reflect.DeepEqual(a.Entry, want) {
		t.Errorf("got  %+v\nwant %+v", a.Entry, want)
	}
	if b, _ := c.List("b.test"); b.Post.Fields.ShardCount[0] != "shards" || len(b.Source) != 2 {
		t.Errorf("b.test is changed: %+v", b.Entry)
	}
}

// TestSameAsOfVotes has that votes are inherited where they stand, and a webhook
// always: it holds no URL.
func TestSameAsOfVotes(t *testing.T) {
	c := mustLoad(t, "", head+`    same_as: c.test
    votes: {url: "https://a.test/:id/:user"}
  b.test: {name: B, url: "https://b.test/", same_as: c.test, webhook: {bot: bot_id}}
  c.test:
    name: C
    url: "https://c.test/"
    votes: {url: "https://c.test/:id/:user", voted: voted, window: 12h}
    webhook: {proof: {kind: signature, name: X-Sig}, user: user}
`)
	a, _ := c.List("a.test")
	b, _ := c.List("b.test")
	if want := (&lists.VotesEntry{URL: "https://a.test/:id/:user", Voted: "voted", Window: "12h"}); !reflect.DeepEqual(a.Votes, want) {
		t.Errorf("votes of a.test are %+v, want %+v", a.Votes, want)
	}
	if b.Votes != nil {
		t.Errorf("votes of b.test are %+v, want none", b.Votes)
	}
	for id, want := range map[string]lists.Names{"a.test": nil, "b.test": {"bot_id"}} {
		l, _ := c.List(id)
		e := l.Entry.Webhook
		if e == nil || len(e.Proof) != 1 || len(e.User) != 1 || !slices.Equal(e.Bot, want) {
			t.Errorf("webhook of %s is %+v, want that of c.test with the bot in %v", id, e, want)
		}
	}
}

// TestShippedSources checks that every entry that people rely on says where it
// is from.
func TestShippedSources(t *testing.T) {
	for _, l := range shipped(t).Lists() {
		if !l.Defunct && (len(l.Source) == 0 || l.Checked == "") {
			t.Errorf("%s says no source, or not when it was checked; give it source: and checked:", l.ID)
		}
	}
}

func TestOverlays(t *testing.T) {
	base := "features:\n  v: {name: V, display: 1}\n" + head +
		"    icon: \"https://a.test/i\"\n    owners: Me\n    api_field: n\n    post:\n      url: \"https://a.test/:id\"\n      method: PUT\n"
	second := "lists:\n  a.test:\n    name: A2\n    icon: null\n    post: {url: \"https://a.test/new\"}\n  b.test: {name: B, url: \"https://b.test/\", features: [v, w]}\n"
	third := "features:\n  v: {display: 2}\n  w: {name: W}\nlists:\n  a.test: {name: A3, features: [w]}\n"
	c := mustLoad(t, "", base, second, third)

	a, _ := c.List("a.test")
	want := lists.Entry{
		Name: "A3", URL: "https://a.test/", Owners: "Me", APIField: "n", Features: []string{"w"},
		Post: &lists.PostEntry{URL: "https://a.test/new"},
	}
	if !reflect.DeepEqual(a.Entry, want) {
		t.Errorf("a.test is %+v\nwant %+v", a.Entry, want)
	}
	if _, ok := c.List("b.test"); !ok {
		t.Error("no b.test")
	}
	if features := []Feature{{ID: "v", Name: "V", Display: 2}, {ID: "w", Name: "W"}}; !slices.Equal(c.Features(), features) {
		t.Errorf("features are %+v", c.Features())
	}

	// null takes a part away whole.
	c = mustLoad(t, "", base, "lists: {a.test: {post: ~, api_field: ~}}\n")
	if a, _ := c.List("a.test"); a.Post != nil {
		t.Errorf("post is %+v", a.Post)
	}
}

func TestShippedFiles(t *testing.T) {
	c, warnings, err := loadShipped()
	if err != nil {
		t.Fatal(err)
	}
	if len(warnings) > 0 {
		t.Errorf("warnings: %q", warnings)
	}
	if n := c.Counts(); n.Lists < 86 || n.Features != 29 || n.LegacyIDs != 21 {
		t.Errorf("shipped are %v", n)
	}
}

// TestDefunctListsStandApart: what an owner edits is short.
func TestDefunctListsStandApart(t *testing.T) {
	c := shipped(t)
	for _, f := range shippedLists {
		doc, ok := newLoader().document(f)
		if !ok {
			t.Fatalf("%s cannot be read", f.Name)
		}
		for id := range doc.Lists {
			if want := f.Name == "lists_defunct.yaml"; c.byID[id].Defunct != want {
				t.Errorf("%s: %s has defunct %t, want %t: lists that are gone stand in lists_defunct.yaml", f.Name, id, !want, want)
			}
		}
	}
}

var shippedLists = []File{
	shippedFile("lists.yaml"),
	shippedFile("lists_defunct.yaml"),
}

func loadShipped() (*Catalog, []string, error) {
	return Load(shippedLists, shippedFile("legacy_ids.yaml"))
}

// shippedFile reads a file of the built-in catalog.
func shippedFile(name string) File {
	data, err := os.ReadFile("../" + name)
	if err != nil {
		panic(err)
	}
	return File{Name: name, Data: data}
}

// FuzzLoad checks that no file makes Load panic, and that whatever loads can
// be shown.
func FuzzLoad(f *testing.F) {
	f.Add([]byte(head), []byte("x: a.test\ny: x\n"))
	f.Add([]byte(head+"    features: [v]\nfeatures: {v: {name: V}}\n"), []byte("x: y\ny: x\n"))
	f.Add([]byte(head+"    post: &a {fields: {server_count: [a, b]}, constants: {a: 1}}\n    get: *a\n"), []byte("<<: {}\n"))
	f.Add([]byte("? [a]\n: !!int x\n---\n"), []byte("\xff"))
	f.Fuzz(func(t *testing.T, listsFile, legacyFile []byte) {
		c, _, err := Load([]File{{Name: "lists.yaml", Data: listsFile}}, File{Name: "legacy_ids.yaml", Data: legacyFile})
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || len(e.Problems) == 0 {
				t.Fatalf("no *Error with problems: %v", err)
			}
			for _, p := range e.Problems {
				if p.File == "" || p.Line < 1 || p.Message == "" {
					t.Fatalf("problem without a place: %+v", p)
				}
			}
			return
		}
		for _, l := range c.Lists() {
			if b, ok := c.ListJSON(l.ID); !ok || !json.Valid(b) {
				t.Fatalf("%q is shown as %q", l.ID, b)
			}
		}
		for _, b := range [][]byte{c.ListsJSON(), c.FilteredJSON(), c.LegacyJSON()} {
			if !json.Valid(b) {
				t.Fatalf("bad JSON %q", b)
			}
		}
	})
}

func BenchmarkLoad(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := loadShipped(); err != nil {
			b.Fatal(err)
		}
	}
}

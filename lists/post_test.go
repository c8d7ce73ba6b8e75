package lists

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	someBot   = "123456789012345678"
	someAgent = "caller/1.0"
)

func mustList(t testing.TB, id string, e Entry) *List {
	t.Helper()
	l, problems := New(id, e)
	if len(problems) > 0 {
		t.Fatalf("%s: %q", id, problems)
	}
	return l
}

// mustPost plans a post of a token that the list takes.
func mustPost(t testing.TB, e Entry, c Count, token string) Call {
	t.Helper()
	if c.BotID == "" {
		c.BotID = someBot
	}
	parsed, skipped := ParseToken(jsonValue(token))
	if skipped != nil {
		t.Fatalf("token %s: %s", token, skipped)
	}
	call, skipped := mustList(t, "list.test", e).PlanPost(c, parsed, someAgent)
	if skipped != nil {
		t.Fatalf("skipped: %s", skipped)
	}
	return call
}

// onWire is a request as it goes over the wire, its headers in order.
func onWire(r Request) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n", r.Method, r.URL)
	for _, h := range r.Header {
		fmt.Fprintf(&b, "%s: %s\n", h.Name, h.Value)
	}
	if len(r.Body) > 0 {
		fmt.Fprintf(&b, "\n%s", r.Body)
	}
	return b.String()
}

// onlyPost is an entry that is nothing but its post part.
func onlyPost(p PostEntry) Entry {
	if p.URL == "" {
		p.URL = "https://list.test/:id"
	}
	return Entry{Post: &p}
}

func TestIsSnowflake(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]bool{
		"1000000000000000":      true,
		"123456789012345678":    true,
		"99999999999999999999":  true,
		"":                      false,
		"100000000000000":       false,
		"100000000000000000000": false,
		"0123456789012345678":   false,
		"0000000000000000":      false,
		"12345678901234567x":    false,
		" 123456789012345678":   false,
		"+123456789012345678":   false,
		"-123456789012345678":   false,
		"１２３４５６７８９０１２３４５６":     false,
		"123456789012345678\n": false,
	} {
		if IsSnowflake(s) != want {
			t.Errorf("%q: %t", s, !want)
		}
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	const (
		url       = "https://list.test/:id"
		noURL     = `must be a URL such as https://list.example/path, is %q`
		noHTTPS   = `must begin with https:// (http:// is for loopback hosts and defunct lists), is %q`
		noHeader  = "holds a character that no header can carry"
		ownHeader = "is set by the service itself; leave it out"
		badPath   = "%q cannot be followed; allowed: names joined by dots, and after a name [] for all items, [-1] for the last, [name=value] for the one, {} for the keys"
	)
	// post and get make an entry that has a URL and the part under test.
	post := func(p PostEntry) Entry { return Entry{APIPost: url, APIField: "n", Post: &p} }
	get := func(g GetEntry) Entry { return Entry{APIGet: url, Get: &g} }
	for _, tt := range []struct {
		name  string
		entry Entry
		want  []Problem
	}{
		{name: "nothing", entry: Entry{}},
		{name: "plain", entry: Entry{APIPost: url, APIField: "server_count", APIShardID: "shard_id", APIShardCount: "shard_count", APIShards: "shards", APIGet: url}},
		{name: "page fields", entry: Entry{URL: "https://list.test/", Icon: "http://list.test/icon.png", APIDocs: "https://list.test/docs", Discord: "https://discord.gg/x", ViewBot: "https://list.test/:id", BotWidget: "https://list.test/:id.svg", APIAll: "https://list.test/bots?page=1"}},
		{name: "url", entry: Entry{URL: "list.test"}, want: []Problem{{"url", fmt.Sprintf(noURL, "list.test")}}},
		{name: "icon", entry: Entry{Icon: "/icon.png"}, want: []Problem{{"icon", fmt.Sprintf(noURL, "/icon.png")}}},
		{name: "api_docs", entry: Entry{APIDocs: "ftp://list.test"}, want: []Problem{{"api_docs", fmt.Sprintf(noURL, "ftp://list.test")}}},
		{name: "discord", entry: Entry{Discord: "https://"}, want: []Problem{{"discord", fmt.Sprintf(noURL, "https://")}}},
		{name: "view_bot", entry: Entry{ViewBot: "https://list.test/:bot"}, want: []Problem{{"view_bot", `unknown placeholder ":bot"; allowed: :id`}}},
		{name: "bot_widget", entry: Entry{BotWidget: "widget"}, want: []Problem{{"bot_widget", fmt.Sprintf(noURL, "widget")}}},
		{name: "api_all with placeholder", entry: Entry{APIAll: "https://list.test/:id"}, want: []Problem{{"api_all", `unknown placeholder ":id"; allowed: `}}},
		{name: "all at once", entry: Entry{URL: "x", Icon: "y", APIAll: "http://list.test/", APIPost: "z"}, want: []Problem{
			{"url", fmt.Sprintf(noURL, "x")}, {"icon", fmt.Sprintf(noURL, "y")}, {"api_all", fmt.Sprintf(noHTTPS, "http://list.test/")}, {"api_post", fmt.Sprintf(noURL, "z")}}},

		{name: "api_post over http", entry: Entry{APIPost: "http://list.test/:id"}, want: []Problem{{"api_post", fmt.Sprintf(noHTTPS, "http://list.test/:id")}}},
		{name: "http to loopback", entry: Entry{APIPost: "http://127.0.0.1:8080/:id", APIGet: "http://localhost/:id", APIAll: "http://[::1]:1/"}},
		{name: "http to a host named like loopback", entry: Entry{APIGet: "http://127.0.0.1.test/:id"}, want: []Problem{{"api_get", fmt.Sprintf(noHTTPS, "http://127.0.0.1.test/:id")}}},
		{name: "http when defunct", entry: Entry{Defunct: true, APIPost: "http://list.test/:id", APIGet: "http://list.test/:id", APIAll: "http://list.test/"}},
		{name: "user in URL", entry: Entry{APIPost: "https://user@list.test/:id"}, want: []Problem{{"api_post", "must not hold a user name or password"}}},
		{name: "fragment", entry: Entry{APIGet: "https://list.test/#/:id"}, want: []Problem{{"api_get", `must not hold a fragment (#…), is "https://list.test/#/:id"`}}},
		{name: "placeholder in the host", entry: Entry{APIPost: "https://:id.test/"}, want: []Problem{{"api_post", fmt.Sprintf(noURL, "https://:id.test/")}}},
		{name: "unknown placeholder", entry: Entry{APIPost: "https://list.test/:bot_id"}, want: []Problem{{"api_post", `unknown placeholder ":bot_id"; allowed: :id`}}},
		{name: "unknown placeholder in the query", entry: Entry{APIPost: "https://list.test/?id=:ID"}, want: []Problem{{"api_post", `unknown placeholder ":ID"; allowed: :id`}}},
		{name: "list's number in api_post", entry: Entry{APIPost: "https://list.test/:list_bot_id"}, want: []Problem{{"api_post", `unknown placeholder ":list_bot_id"; allowed: :id`}}},
		{name: "list's number in post.url", entry: Entry{Post: &PostEntry{URL: "https://list.test/:list_bot_id"}}},
		{name: "port is no placeholder", entry: Entry{APIPost: "https://list.test:8443/:id"}},
		{name: "api_post beside post.url is checked", entry: Entry{APIPost: "x", Post: &PostEntry{URL: url}}, want: []Problem{{"api_post", fmt.Sprintf(noURL, "x")}}},
		{name: "api_get beside get.url is checked", entry: Entry{APIGet: "x", Get: &GetEntry{URL: url}}, want: []Problem{{"api_get", fmt.Sprintf(noURL, "x")}}},

		{name: "post without a URL", entry: Entry{Post: &PostEntry{}}, want: []Problem{{"post", "needs a url, or api_post beside it"}}},
		{name: "none", entry: Entry{Post: &PostEntry{None: "it has no counts"}}},
		{name: "none with a URL", entry: post(PostEntry{None: "it has no counts"}), want: []Problem{{"post.none", "says that no count can be posted, but there is a URL to post to; leave one out"}}},
		{name: "none with its own URL", entry: Entry{Post: &PostEntry{None: "it has no counts", URL: url}}, want: []Problem{{"post.none", "says that no count can be posted, but there is a URL to post to; leave one out"}}},
		{name: "post.url", entry: post(PostEntry{URL: "http://list.test"}), want: []Problem{{"post.url", fmt.Sprintf(noHTTPS, "http://list.test")}}},

		{name: "auth body in a query", entry: post(PostEntry{Body: "query", Auth: &AuthEntry{In: "body", Name: "token"}}), want: []Problem{{"post.auth.in", "is body, but body: query sends an empty body; allowed: header, query"}}},
		{name: "auth header name", entry: post(PostEntry{Auth: &AuthEntry{Name: "X Key"}}), want: []Problem{{"post.auth.name", `must be the name of a header, is "X Key"`}}},
		{name: "auth prefix", entry: post(PostEntry{Auth: &AuthEntry{Prefix: "Bot\n"}}), want: []Problem{{"post.auth.prefix", noHeader}}},
		{name: "auth body name", entry: post(PostEntry{Auth: &AuthEntry{In: "body", Name: "a..b"}}), want: []Problem{{"post.auth.name", `must be names joined by dots, is "a..b"`}}},
		{name: "auth body name taken", entry: post(PostEntry{Auth: &AuthEntry{In: "body", Name: "n"}}), want: []Problem{{"post.auth.name", `"n" is used twice`}}},
		{name: "get auth in body", entry: get(GetEntry{Auth: &AuthEntry{In: "body", Name: "token"}}), want: []Problem{{"get.auth.in", "is body, but reading sends none; allowed: header, query"}}},
		{name: "get auth header name", entry: get(GetEntry{Auth: &AuthEntry{Name: ":"}}), want: []Problem{{"get.auth.name", `must be the name of a header, is ":"`}}},

		{name: "header name", entry: post(PostEntry{Headers: map[string]string{"X Y": "z"}}), want: []Problem{{"post.headers.X Y", "must be the name of a header"}}},
		{name: "header value", entry: post(PostEntry{Headers: map[string]string{"X-Y": "a\nb"}}), want: []Problem{{"post.headers.X-Y", noHeader}}},
		{name: "header placeholder", entry: post(PostEntry{Headers: map[string]string{"User-Agent": "bot :token"}}), want: []Problem{{"post.headers.User-Agent", `unknown placeholder ":token"; allowed: :id, :list_bot_id`}}},
		{name: "own headers", entry: post(PostEntry{Headers: map[string]string{"accept-encoding": "gzip", "connection": "close", "content-length": "1", "content-type": "x/y", "cookie": "a=b", "host": "x", "transfer-encoding": "chunked"}}), want: []Problem{
			{"post.headers.accept-encoding", ownHeader}, {"post.headers.connection", ownHeader}, {"post.headers.content-length", ownHeader}, {"post.headers.content-type", ownHeader},
			{"post.headers.cookie", ownHeader}, {"post.headers.host", ownHeader}, {"post.headers.transfer-encoding", ownHeader}}},
		{name: "header of the token", entry: post(PostEntry{Headers: map[string]string{"authorization": "x"}}), want: []Problem{{"post.headers.authorization", "is the header that carries the token; leave it out"}}},
		{name: "header of the token by another name", entry: post(PostEntry{Auth: &AuthEntry{Name: "x-key"}, Headers: map[string]string{"X-Key": "x", "Authorization": "y"}}), want: []Problem{{"post.headers.X-Key", "is the header that carries the token; leave it out"}}},
		{name: "header of a token in the query", entry: post(PostEntry{Auth: &AuthEntry{In: "query", Name: "x-key"}, Headers: map[string]string{"X-Key": "x"}})},
		{name: "header twice", entry: post(PostEntry{Headers: map[string]string{"X-A": "1", "x-a": "2"}}), want: []Problem{{"post.headers.x-a", "is named twice: the case of a header's name makes no difference"}}},
		{name: "get header", entry: get(GetEntry{Headers: map[string]string{"Host": "x"}}), want: []Problem{{"get.headers.Host", ownHeader}}},

		{name: "field name", entry: post(PostEntry{Fields: &FieldsEntry{ServerCount: Names{"a."}}}), want: []Problem{{"post.fields.server_count", `must be names joined by dots, is "a."`}}},
		{name: "empty field name", entry: post(PostEntry{Fields: &FieldsEntry{ShardID: Names{""}}}), want: []Problem{{"post.fields.shard_id", `must be names joined by dots, is ""`}}},
		{name: "plain field name", entry: Entry{APIPost: url, APIField: "a..b"}, want: []Problem{{"api_field", `must be names joined by dots, is "a..b"`}}},
		{name: "plain field name beside fields", entry: Entry{APIPost: url, APIShards: ".", Post: &PostEntry{Fields: &FieldsEntry{ServerCount: Names{"n"}}}}, want: []Problem{{"api_shards", `must be names joined by dots, is "."`}}},
		{name: "name twice", entry: Entry{APIPost: url, APIField: "n", APIShardID: "n"}, want: []Problem{{"api_shard_id", `"n" is used twice`}}},
		{name: "name twice for one value", entry: post(PostEntry{Fields: &FieldsEntry{ServerCount: Names{"n", "n"}}}), want: []Problem{{"post.fields.server_count", `"n" is used twice`}}},
		{name: "count and shards under one name", entry: Entry{APIPost: url, APIField: "n", APIShards: "n"}},
		{name: "count, shards and shard id under one name", entry: post(PostEntry{Fields: &FieldsEntry{ServerCount: Names{"n"}, Shards: Names{"n"}, UserCount: Names{"n"}}}), want: []Problem{{"post.fields.user_count", `"n" is used twice`}}},
		{name: "value and object", entry: post(PostEntry{Fields: &FieldsEntry{ServerCount: Names{"bot"}, ShardID: Names{"bot.shard"}}}), want: []Problem{{"post.fields.shard_id", `"bot" is a value and an object at once`}}},
		{name: "object and value", entry: post(PostEntry{Fields: &FieldsEntry{ServerCount: Names{"bot.count", "bot"}}}), want: []Problem{{"post.fields.server_count", `"bot" is a value and an object at once`}}},
		{name: "twice in an object", entry: post(PostEntry{Fields: &FieldsEntry{ServerCount: Names{"bot.count"}, ShardID: Names{"bot.count"}}}), want: []Problem{{"post.fields.shard_id", `"count" is used twice`}}},
		{name: "constant's name", entry: post(PostEntry{Constants: map[string]any{"a..b": 1}}), want: []Problem{{"post.constants", `must be names joined by dots, is "a..b"`}}},
		{name: "constant's name taken", entry: post(PostEntry{Constants: map[string]any{"n": 1}}), want: []Problem{{"post.constants", `"n" is used twice`}}},
		{name: "form cannot nest", entry: post(PostEntry{Body: "form", Fields: &FieldsEntry{ServerCount: Names{"bot.count"}}}), want: []Problem{{"post.body", `is form, which cannot nest the field "bot"`}}},
		{name: "query cannot nest", entry: Entry{APIPost: url, APIField: "bot.count", Post: &PostEntry{Body: "query"}}, want: []Problem{{"post.body", `is query, which cannot nest the field "bot"`}}},
		{name: "form takes no shards", entry: post(PostEntry{Body: "form", Fields: &FieldsEntry{Shards: Names{"shards"}}}), want: []Problem{{"post.fields.shards", "cannot go out as form; allowed with body: json"}}},
		{name: "query takes no shards", entry: post(PostEntry{Body: "query", Fields: &FieldsEntry{Shards: Names{"shards"}}}), want: []Problem{{"post.fields.shards", "cannot go out as query; allowed with body: json"}}},
		{name: "shard objects without shards", entry: post(PostEntry{ShardObject: &ShardObjectEntry{ID: "id", Count: "n"}}), want: []Problem{{"post.shard_object", "says how shards look, but no field takes shards"}}},
		{name: "shard objects with one key", entry: post(PostEntry{Fields: &FieldsEntry{Shards: Names{"all"}}, ShardObject: &ShardObjectEntry{ID: "n", Count: "n"}}), want: []Problem{{"post.shard_object", `needs two keys, has "n" twice`}}},
		{name: "success field", entry: post(PostEntry{Success: &SuccessEntry{Field: ""}}), want: []Problem{{"post.success.field", `must be names joined by dots, is ""`}}},
		{name: "success flag in an empty answer", entry: post(PostEntry{Answer: "empty", Success: &SuccessEntry{Field: "ok"}}), want: []Problem{{"post.success", "is a flag in the answer, but answer: empty says that there is none; leave one out"}}},
		{name: "default too small", entry: post(PostEntry{Fields: &FieldsEntry{UserCount: Names{"users"}}, Defaults: &DefaultsEntry{UserCount: new(int64(-1))}}), want: []Problem{{"post.defaults", "must be 0 to 9007199254740991, is -1"}}},
		{name: "default of no shard", entry: post(PostEntry{Fields: &FieldsEntry{ShardCount: Names{"of"}}, Defaults: &DefaultsEntry{ShardCount: new(int64(0))}}), want: []Problem{{"post.defaults", "must be 1 to 9007199254740991, is 0"}}},
		{name: "default too large", entry: post(PostEntry{Fields: &FieldsEntry{VoiceConnections: Names{"voice"}}, Defaults: &DefaultsEntry{VoiceConnections: new(int64(MaxNumber + 1))}}), want: []Problem{{"post.defaults", "must be 0 to 9007199254740991, is 9007199254740992"}}},
		{name: "default that no field takes", entry: post(PostEntry{Defaults: &DefaultsEntry{UserCount: new(int64(1))}}), want: []Problem{{"post.defaults", "gives a value that no field takes; add the field, or leave the default out"}}},
		{name: "defaults at their ends", entry: post(PostEntry{Fields: &FieldsEntry{UserCount: Names{"users"}, VoiceConnections: Names{"voice"}, ShardCount: Names{"of"}}, Defaults: &DefaultsEntry{UserCount: new(int64(MaxNumber)), VoiceConnections: new(int64(0)), ShardCount: new(int64(1))}})},
		{name: "query parameter that the URL has", entry: Entry{Post: &PostEntry{URL: "https://list.test/:id?n=1", Body: "query", Fields: &FieldsEntry{ServerCount: Names{"n"}}}}, want: []Problem{{"post.fields", `"n" is in the URL's query already`}}},
		{name: "token parameter that the URL has", entry: Entry{Post: &PostEntry{URL: "https://list.test/:id?key=1", Auth: &AuthEntry{In: "query", Name: "key"}}}, want: []Problem{{"post.auth.name", `"key" is in the query already`}}},
		{name: "token parameter that a field has", entry: post(PostEntry{Body: "query", Auth: &AuthEntry{In: "query", Name: "n"}}), want: []Problem{{"post.auth.name", `"n" is in the query already`}}},
		{name: "token parameter beside a body", entry: post(PostEntry{Auth: &AuthEntry{In: "query", Name: "n"}})},
		{name: "revoked", entry: post(PostEntry{Revoked: []int{410, 399, 600, 200}}), want: []Problem{
			{"post.revoked[1]", "must be an HTTP status from 400 to 599, is 399"}, {"post.revoked[2]", "must be an HTTP status from 400 to 599, is 600"}, {"post.revoked[3]", "must be an HTTP status from 400 to 599, is 200"}}},
		{name: "limits", entry: post(PostEntry{Limits: []LimitEntry{{"bot", 1, 86400}, {"bot", 0, 1}, {"token", 1_000_001, 1}, {"address", 1, 0}, {"bot", 1, 86401}}}), want: []Problem{
			{"post.limits[1].requests", "must be 1 to 1000000, is 0"}, {"post.limits[2].requests", "must be 1 to 1000000, is 1000001"},
			{"post.limits[3].seconds", "must be 1 to 86400 (a day), is 0"}, {"post.limits[4].seconds", "must be 1 to 86400 (a day), is 86401"}}},
		{name: "wait without a place", entry: post(PostEntry{Wait: []WaitEntry{{}}}), want: []Problem{{"post.wait[0]", "needs either header or body"}}},
		{name: "wait with two places", entry: post(PostEntry{Wait: []WaitEntry{{Header: "Retry-After"}, {Header: "X", Body: "y"}}}), want: []Problem{{"post.wait[1]", "needs either header or body"}}},
		{name: "wait path", entry: post(PostEntry{Wait: []WaitEntry{{Body: "a..b"}}}), want: []Problem{{"post.wait[0].body", `must be names joined by dots, is "a..b"`}}},

		{name: "get without a URL", entry: Entry{Get: &GetEntry{}}, want: []Problem{{"get", "needs a url, or api_get beside it"}}},
		{name: "get.url", entry: Entry{Get: &GetEntry{URL: "https://list.test/:bot"}}, want: []Problem{{"get.url", `unknown placeholder ":bot"; allowed: :id, :list_bot_id`}}},
		{name: "api_get without the id", entry: Entry{APIGet: "https://list.test/bot"}, want: []Problem{{"api_get", "must hold :id, or every bot would be read as one"}}},
		{name: "api_get without the id, with a get part", entry: Entry{APIGet: "https://list.test/bot", Get: &GetEntry{Root: "bot"}}, want: []Problem{{"api_get", "must hold :id, or every bot would be read as one"}}},
		{name: "get.url without the id", entry: get(GetEntry{URL: "https://list.test/bot"}), want: []Problem{{"get.url", "must hold :id, or every bot would be read as one"}}},
		{name: "get.url without the id, but a key", entry: get(GetEntry{URL: "https://list.test/bot", Auth: &AuthEntry{}})},
		{name: "get.url without the id, defunct", entry: Entry{Defunct: true, APIGet: "https://list.test/bot"}},
		{name: "get limits", entry: get(GetEntry{Limits: []LimitEntry{{"address", 0, 0}, {"bot", 1, 1}, {"token", 1, 1}}}), want: []Problem{
			{"get.limits[0].requests", "must be 1 to 1000000, is 0"}, {"get.limits[0].seconds", "must be 1 to 86400 (a day), is 0"},
			{"get.limits[1].per", "is bot, but reading needs no key; allowed: address"}, {"get.limits[2].per", "is token, but reading needs no key; allowed: address"}}},
		{name: "get limits with a key", entry: get(GetEntry{Auth: &AuthEntry{}, Limits: []LimitEntry{{"address", 1, 1}, {"bot", 1, 1}, {"token", 1, 1}}})},
		{name: "get wait", entry: get(GetEntry{Wait: []WaitEntry{{Header: "X"}, {}}}), want: []Problem{{"get.wait[1]", "needs either header or body"}}},
		{name: "list's number without a key", entry: Entry{Get: &GetEntry{URL: "https://list.test/:list_bot_id"}}, want: []Problem{{"get.url", "holds :list_bot_id, which comes with a key; say under auth where the key goes"}}},
		{name: "list's number with a key", entry: Entry{Get: &GetEntry{URL: "https://list.test/:list_bot_id", Auth: &AuthEntry{}}}},
		{name: "root", entry: get(GetEntry{Root: "a..b"}), want: []Problem{{"get.root", fmt.Sprintf(badPath, "a..b")}}},
		{name: "path", entry: get(GetEntry{Fields: &ReadEntry{Username: Sources{{Path: ""}}}}), want: []Problem{{"get.fields.username", fmt.Sprintf(badPath, "")}}},
		{name: "path with an index", entry: get(GetEntry{Fields: &ReadEntry{Owners: Sources{{Path: "owners[0].id"}}}}), want: []Problem{{"get.fields.owners", fmt.Sprintf(badPath, "owners[0].id")}}},
		{name: "path with an open bracket", entry: get(GetEntry{Fields: &ReadEntry{Invite: Sources{{Path: "a["}}}}), want: []Problem{{"get.fields.invite", fmt.Sprintf(badPath, "a[")}}},
		{name: "path without a dot", entry: get(GetEntry{Fields: &ReadEntry{ServerCount: Sources{{Path: "a[]b"}}}}), want: []Problem{{"get.fields.server_count", fmt.Sprintf(badPath, "a[]b")}}},
		{name: "path with an empty name", entry: get(GetEntry{Fields: &ReadEntry{Website: Sources{{Path: "links[=x]"}}}}), want: []Problem{{"get.fields.website", fmt.Sprintf(badPath, "links[=x]")}}},
		{name: "path with an empty value", entry: get(GetEntry{Fields: &ReadEntry{Website: Sources{{Path: "links[x=]"}}}}), want: []Problem{{"get.fields.website", fmt.Sprintf(badPath, "links[x=]")}}},
		{name: "path with a key of an object", entry: get(GetEntry{Fields: &ReadEntry{Library: Sources{{Path: "a{b}"}}}}), want: []Problem{{"get.fields.library", fmt.Sprintf(badPath, "a{b}")}}},
		{name: "path's URL", entry: get(GetEntry{Fields: &ReadEntry{Support: Sources{{Path: "a", URL: "https://discord.gg/:id"}}}}), want: []Problem{{"get.fields.support.url", `unknown placeholder ":id"; allowed: :value`}}},
		{name: "path's URL without a host", entry: get(GetEntry{Fields: &ReadEntry{Github: Sources{{Path: "a", URL: "/:value"}}}}), want: []Problem{{"get.fields.github.url", fmt.Sprintf(noURL, "/:value")}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, got := New("list.test", tt.entry)
			if !slices.Equal(got, tt.want) {
				t.Errorf("problems:\n%q\nwant:\n%q", got, tt.want)
			}
		})
	}
}

func TestFacts(t *testing.T) {
	t.Parallel()
	post, get := "https://list.test/:id", "https://list.test/get/:id"
	type facts struct {
		takes, readable, needsKey, operatorKey, numbers bool
		url                                             string
	}
	for _, tt := range []struct {
		name  string
		entry Entry
		want  facts
	}{
		{"nothing", Entry{}, facts{}},
		{"plain", Entry{APIPost: post, APIGet: get}, facts{takes: true, readable: true, url: post}},
		{"defunct", Entry{Defunct: true, APIPost: post, APIGet: get}, facts{url: post}},
		{"own post URL", Entry{APIPost: post, Post: &PostEntry{URL: "https://list.test/own"}}, facts{takes: true, url: "https://list.test/own"}},
		{"none", Entry{Post: &PostEntry{None: "no"}}, facts{}},
		{"key", Entry{APIGet: get, Get: &GetEntry{Auth: &AuthEntry{}}}, facts{readable: true, needsKey: true, operatorKey: true}},
		{"key and number", Entry{Get: &GetEntry{URL: "https://list.test/:list_bot_id", Auth: &AuthEntry{}}}, facts{readable: true, needsKey: true}},
		{"number in the URL", Entry{Post: &PostEntry{URL: "https://list.test/:list_bot_id"}}, facts{takes: true, numbers: true, url: "https://list.test/:list_bot_id"}},
		{"number in the body", Entry{Post: &PostEntry{URL: post, Fields: &FieldsEntry{ListBotID: Names{"id"}}}}, facts{takes: true, numbers: true, url: post}},
		{"number in a header", Entry{Post: &PostEntry{URL: post, Headers: map[string]string{"X-Bot": ":list_bot_id"}}}, facts{takes: true, numbers: true, url: post}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := mustList(t, "list.test", tt.entry)
			got := facts{l.TakesCounts(), l.Readable(), l.NeedsKey(), l.TakesOperatorKey(), l.NeedsListBotID(), l.PostURL()}
			if got != tt.want {
				t.Errorf("%+v, want %+v", got, tt.want)
			}
		})
	}
}

// TestWhichCountGoesWhere has the contract's rules for counts and shards.
func TestWhichCountGoesWhere(t *testing.T) {
	t.Parallel()
	const url = "https://list.test/:id"
	total := Entry{APIPost: url, APIField: "n"}
	perShard := Entry{APIPost: url, APIField: "n", APIShardID: "id", APIShardCount: "of"}
	array := Entry{APIPost: url, APIField: "n", APIShardID: "id", APIShardCount: "of", APIShards: "all"}
	onlyArray := Entry{APIPost: url, APIShards: "all"}
	oneName := Entry{APIPost: url, APIField: "n", APIShards: "n", APIShardCount: "of"}
	extras := Entry{APIPost: url, APIField: "n", Post: &PostEntry{Fields: &FieldsEntry{ServerCount: Names{"n"}, UserCount: Names{"users"}, VoiceConnections: Names{"voice"}}}}
	insists := Entry{APIPost: url, Post: &PostEntry{Fields: &FieldsEntry{ServerCount: Names{"n"}, ShardCount: Names{"of"}, UserCount: Names{"users"}, VoiceConnections: Names{"voice"}},
		Defaults: &DefaultsEntry{ShardCount: new(int64(1)), UserCount: new(int64(0)), VoiceConnections: new(int64(2))}}}
	n := func(n int64) *int64 { return &n }

	for _, tt := range []struct {
		name  string
		entry Entry
		count Count
		want  string
	}{
		{"total: count", total, Count{ServerCount: 5}, `{"n":5}`},
		{"total: zero is sent", total, Count{ServerCount: 0}, `{"n":0}`},
		{"total: largest", total, Count{ServerCount: MaxNumber}, `{"n":9007199254740991}`},
		{"total: shard fields are not for it", total, Count{ServerCount: 5, ShardID: n(1), ShardCount: n(2)}, `{"n":5}`},
		{"total: shards given", total, Count{ServerCount: 5, Shards: []int64{2, 3}}, `{"n":5}`},
		{"total: shards and shard id given", total, Count{ServerCount: 5, ShardID: n(1), ShardCount: n(2), Shards: []int64{2, 3}}, `{"n":5}`},
		{"total: user count is not for it", total, Count{ServerCount: 5, UserCount: n(9), VoiceConnections: n(1)}, `{"n":5}`},
		{"no field", Entry{APIPost: url}, Count{ServerCount: 5}, `{}`},

		{"per shard: absent", perShard, Count{ServerCount: 5}, `{"n":5}`},
		{"per shard: shard 0 of 2", perShard, Count{ServerCount: 5, ShardID: n(0), ShardCount: n(2)}, `{"n":5,"id":0,"of":2}`},
		{"per shard: shard 1 of 2", perShard, Count{ServerCount: 5, ShardID: n(1), ShardCount: n(2)}, `{"n":5,"id":1,"of":2}`},
		{"per shard: shard 0 of 1", perShard, Count{ServerCount: 5, ShardID: n(0), ShardCount: n(1)}, `{"n":5,"id":0,"of":1}`},
		{"per shard: shard id alone", perShard, Count{ServerCount: 5, ShardID: n(0)}, `{"n":5,"id":0}`},
		{"per shard: shard count alone", perShard, Count{ServerCount: 5, ShardCount: n(2)}, `{"n":5,"of":2}`},
		{"per shard: 0, 0 and no shards", perShard, Count{ServerCount: 5, ShardID: n(0), ShardCount: n(0)}, `{"n":5}`},
		{"per shard: shard 3 of 0", perShard, Count{ServerCount: 5, ShardID: n(3), ShardCount: n(0)}, `{"n":5}`},
		{"per shard: of 0", perShard, Count{ServerCount: 5, ShardCount: n(0)}, `{"n":5}`},
		{"per shard: shard id beyond the count", perShard, Count{ServerCount: 5, ShardID: n(7), ShardCount: n(2)}, `{"n":5,"id":7,"of":2}`},
		{"per shard: shards, shard 0", perShard, Count{ServerCount: 5, ShardID: n(0), ShardCount: n(2), Shards: []int64{2, 3}}, `{"n":2,"id":0,"of":2}`},
		{"per shard: shards, shard 1", perShard, Count{ServerCount: 5, ShardID: n(1), ShardCount: n(2), Shards: []int64{2, 3}}, `{"n":3,"id":1,"of":2}`},
		{"per shard: shards, a shard of no servers", perShard, Count{ServerCount: 5, ShardID: n(0), ShardCount: n(2), Shards: []int64{0, 5}}, `{"n":0,"id":0,"of":2}`},
		{"per shard: shards, no shard id", perShard, Count{ServerCount: 5, ShardCount: n(2), Shards: []int64{2, 3}}, `{"n":5,"of":2}`},
		{"per shard: shards, shard id is the length", perShard, Count{ServerCount: 5, ShardID: n(2), ShardCount: n(3), Shards: []int64{2, 3}}, `{"n":5,"of":3}`},
		{"per shard: shards, shard id far beyond", perShard, Count{ServerCount: 5, ShardID: n(MaxNumber), ShardCount: n(2), Shards: []int64{2, 3}}, `{"n":5,"of":2}`},
		{"per shard: shards and count 0", perShard, Count{ServerCount: 5, ShardID: n(0), ShardCount: n(0), Shards: []int64{2, 3}}, `{"n":5}`},
		{"per shard: shards and shard id alone", perShard, Count{ServerCount: 5, ShardID: n(1), Shards: []int64{2, 3}}, `{"n":3,"id":1}`},
		{"per shard: empty shards", perShard, Count{ServerCount: 5, ShardID: n(1), ShardCount: n(2), Shards: []int64{}}, `{"n":5,"id":1,"of":2}`},

		{"array: absent", array, Count{ServerCount: 5}, `{"n":5}`},
		{"array: empty", array, Count{ServerCount: 5, Shards: []int64{}}, `{"n":5}`},
		{"array: shards", array, Count{ServerCount: 5, Shards: []int64{2, 3}}, `{"all":[2,3]}`},
		{"array: shards of no servers", array, Count{ServerCount: 5, Shards: []int64{0}}, `{"all":[0]}`},
		{"array: shards, id and count", array, Count{ServerCount: 5, ShardID: n(0), ShardCount: n(2), Shards: []int64{2, 3}}, `{"id":0,"of":2,"all":[2,3]}`},
		{"array: shards, id beyond them", array, Count{ServerCount: 5, ShardID: n(9), ShardCount: n(2), Shards: []int64{2, 3}}, `{"id":9,"of":2,"all":[2,3]}`},
		{"array: shards and count 0", array, Count{ServerCount: 5, ShardID: n(0), ShardCount: n(0), Shards: []int64{2, 3}}, `{"all":[2,3]}`},
		{"array: no shards, per shard", array, Count{ServerCount: 5, ShardID: n(0), ShardCount: n(2)}, `{"n":5,"id":0,"of":2}`},
		{"only array: shards", onlyArray, Count{ServerCount: 5, Shards: []int64{5}}, `{"all":[5]}`},
		{"only array: absent", onlyArray, Count{ServerCount: 5}, `{}`},

		{"one name: count", oneName, Count{ServerCount: 5}, `{"n":5}`},
		{"one name: shards", oneName, Count{ServerCount: 5, ShardCount: n(2), Shards: []int64{2, 3}}, `{"n":[2,3],"of":2}`},

		{"extras", extras, Count{ServerCount: 5, UserCount: n(90), VoiceConnections: n(1)}, `{"n":5,"users":90,"voice":1}`},
		{"extras: zero is sent", extras, Count{ServerCount: 5, UserCount: n(0)}, `{"n":5,"users":0}`},
		{"extras: absent", extras, Count{ServerCount: 5}, `{"n":5}`},

		{"defaults: absent", insists, Count{ServerCount: 5}, `{"n":5,"of":1,"users":0,"voice":2}`},
		{"defaults: given", insists, Count{ServerCount: 5, ShardCount: n(3), UserCount: n(4), VoiceConnections: n(0)}, `{"n":5,"of":3,"users":4,"voice":0}`},
		{"defaults: not sharded", insists, Count{ServerCount: 5, ShardCount: n(0)}, `{"n":5,"of":1,"users":0,"voice":2}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			call := mustPost(t, tt.entry, tt.count, `"some token"`)
			if got := string(call.Wire().Body); got != tt.want {
				t.Errorf("body %s, want %s", got, tt.want)
			}
			if got := call.Sent(); got != tt.want {
				t.Errorf("sent %s, want %s", got, tt.want)
			}
		})
	}
}

// TestPlanPost has one row for each way in which lists differ.
func TestPlanPost(t *testing.T) {
	t.Parallel()
	const url = "https://list.test/:id"
	count := Count{BotID: someBot, ServerCount: 5, ShardID: new(int64(1)), ShardCount: new(int64(2))}
	for _, tt := range []struct {
		name  string
		entry Entry
		count Count
		token string // JSON
		want  string
		sent  string
	}{
		{
			name: "plain", entry: Entry{APIPost: "https://list.test/bots/:id/stats", APIField: "server_count"}, token: `"tok-secret"`,
			want: "POST https://list.test/bots/123456789012345678/stats\nContent-Type: application/json\nAuthorization: tok-secret\nUser-Agent: caller/1.0\n\n" + `{"server_count":5}`,
			sent: `{"server_count":5}`,
		},
		{
			name: "plain with a method", entry: Entry{APIPost: url, APIPostMethod: "PATCH", APIField: "n"}, token: `"tok-secret"`,
			want: "PATCH https://list.test/123456789012345678\nContent-Type: application/json\nAuthorization: tok-secret\nUser-Agent: caller/1.0\n\n" + `{"n":5}`,
			sent: `{"n":5}`,
		},
		{
			name: "plain, numbered token goes out as it is", entry: Entry{APIPost: url, APIField: "n"}, token: `"42:tok-secret"`,
			want: "POST https://list.test/123456789012345678\nContent-Type: application/json\nAuthorization: 42:tok-secret\nUser-Agent: caller/1.0\n\n" + `{"n":5}`,
			sent: `{"n":5}`,
		},
		{
			name: "plain, token as an object", entry: Entry{APIPost: url, APIField: "n"}, token: `{"token":"tok-secret","bot_id":"42"}`,
			want: "POST https://list.test/123456789012345678\nContent-Type: application/json\nAuthorization: tok-secret\nUser-Agent: caller/1.0\n\n" + `{"n":5}`,
			sent: `{"n":5}`,
		},
		{
			name: "no id", entry: Entry{APIPost: "https://list.test/me", APIField: "n"}, token: `"tok-secret"`,
			want: "POST https://list.test/me\nContent-Type: application/json\nAuthorization: tok-secret\nUser-Agent: caller/1.0\n\n" + `{"n":5}`,
			sent: `{"n":5}`,
		},
		{
			name: "the id three times", entry: Entry{APIPost: "https://list.test/:id/:id?bot=:id", APIField: "n"}, token: `"tok-secret"`,
			want: "POST https://list.test/123456789012345678/123456789012345678?bot=123456789012345678\nContent-Type: application/json\nAuthorization: tok-secret\nUser-Agent: caller/1.0\n\n" + `{"n":5}`,
			sent: `{"n":5}`,
		},
		{
			name: "post part wins over plain fields", token: `"tok-secret"`,
			entry: Entry{APIPost: url, APIPostMethod: "POST", APIField: "n", APIShardID: "id", Post: &PostEntry{URL: "https://list.test/own", Method: "PUT", Fields: &FieldsEntry{ServerCount: Names{"own"}}}},
			want:  "PUT https://list.test/own\nContent-Type: application/json\nAuthorization: tok-secret\nUser-Agent: caller/1.0\n\n" + `{"own":5}`,
			sent:  `{"own":5}`,
		},
		{
			name: "post part with plain fields", token: `"tok-secret"`, count: count,
			entry: Entry{APIPost: url, APIPostMethod: "PUT", APIField: "n", APIShardID: "id", APIShardCount: "of", Post: &PostEntry{Auth: &AuthEntry{Prefix: "Bot "}}},
			want:  "PUT https://list.test/123456789012345678\nContent-Type: application/json\nAuthorization: Bot tok-secret\nUser-Agent: caller/1.0\n\n" + `{"n":5,"id":1,"of":2}`,
			sent:  `{"n":5,"id":1,"of":2}`,
		},
		{
			name: "prefix the token carries", entry: onlyPost(PostEntry{Auth: &AuthEntry{Prefix: "Bearer "}, Fields: &FieldsEntry{ServerCount: Names{"n"}}}), token: `"Bearer tok-secret"`,
			want: "POST https://list.test/123456789012345678\nContent-Type: application/json\nAuthorization: Bearer tok-secret\nUser-Agent: caller/1.0\n\n" + `{"n":5}`,
			sent: `{"n":5}`,
		},
		{
			name: "prefix the token carries in another case", entry: onlyPost(PostEntry{Auth: &AuthEntry{Prefix: "Bearer "}, Fields: &FieldsEntry{ServerCount: Names{"n"}}}), token: `"bearer tok-secret"`,
			want: "POST https://list.test/123456789012345678\nContent-Type: application/json\nAuthorization: bearer tok-secret\nUser-Agent: caller/1.0\n\n" + `{"n":5}`,
			sent: `{"n":5}`,
		},
		{
			name: "another scheme", entry: onlyPost(PostEntry{Auth: &AuthEntry{Prefix: "Bot "}, Fields: &FieldsEntry{ServerCount: Names{"n"}}}), token: `"bearer  tok-secret"`,
			want: "POST https://list.test/123456789012345678\nContent-Type: application/json\nAuthorization: Bot tok-secret\nUser-Agent: caller/1.0\n\n" + `{"n":5}`,
			sent: `{"n":5}`,
		},
		{
			name: "another scheme where the prefix is none", entry: onlyPost(PostEntry{Auth: &AuthEntry{Prefix: "key="}, Fields: &FieldsEntry{ServerCount: Names{"n"}}}), token: `"Bearer tok-secret"`,
			want: "POST https://list.test/123456789012345678\nContent-Type: application/json\nAuthorization: key=Bearer tok-secret\nUser-Agent: caller/1.0\n\n" + `{"n":5}`,
			sent: `{"n":5}`,
		},
		{
			name: "a word that is no known scheme", entry: onlyPost(PostEntry{Auth: &AuthEntry{Prefix: "Bot "}, Fields: &FieldsEntry{ServerCount: Names{"n"}}}), token: `"my tok-secret"`,
			want: "POST https://list.test/123456789012345678\nContent-Type: application/json\nAuthorization: Bot my tok-secret\nUser-Agent: caller/1.0\n\n" + `{"n":5}`,
			sent: `{"n":5}`,
		},
		{
			name: "token that only begins like the prefix", entry: onlyPost(PostEntry{Auth: &AuthEntry{Prefix: "Bot "}, Fields: &FieldsEntry{ServerCount: Names{"n"}}}), token: `"Bot-tok-secret"`,
			want: "POST https://list.test/123456789012345678\nContent-Type: application/json\nAuthorization: Bot Bot-tok-secret\nUser-Agent: caller/1.0\n\n" + `{"n":5}`,
			sent: `{"n":5}`,
		},
		{
			name: "another header", entry: onlyPost(PostEntry{Auth: &AuthEntry{Name: "X-API-Key"}, Fields: &FieldsEntry{ServerCount: Names{"n"}}}), token: `"tok-secret"`,
			want: "POST https://list.test/123456789012345678\nContent-Type: application/json\nX-API-Key: tok-secret\nUser-Agent: caller/1.0\n\n" + `{"n":5}`,
			sent: `{"n":5}`,
		},
		{
			name: "token in the query", entry: onlyPost(PostEntry{Auth: &AuthEntry{In: "query", Name: "key"}, Fields: &FieldsEntry{ServerCount: Names{"n"}}}), token: `"tok&secret=1 +"`,
			want: "POST https://list.test/123456789012345678?key=tok%26secret%3D1+%2B\nContent-Type: application/json\nUser-Agent: caller/1.0\n\n" + `{"n":5}`,
			sent: `{"n":5}`,
		},
		{
			name: "token in a query that is there", entry: onlyPost(PostEntry{URL: "https://list.test/?v=2", Auth: &AuthEntry{In: "query", Name: "key"}, Fields: &FieldsEntry{ServerCount: Names{"n"}}}), token: `"tok-secret"`,
			want: "POST https://list.test/?v=2&key=tok-secret\nContent-Type: application/json\nUser-Agent: caller/1.0\n\n" + `{"n":5}`,
			sent: `{"n":5}`,
		},
		{
			name: "token in the body", entry: onlyPost(PostEntry{Auth: &AuthEntry{In: "body", Name: "key"}, Fields: &FieldsEntry{ServerCount: Names{"n"}}}), token: `"tok\"secret\\"`,
			want: "POST https://list.test/123456789012345678\nContent-Type: application/json\nUser-Agent: caller/1.0\n\n" + `{"n":5,"key":"tok\"secret\\"}`,
			sent: `{"n":5,"key":"***"}`,
		},
		{
			name: "token deep in the body, with a prefix", entry: onlyPost(PostEntry{Auth: &AuthEntry{In: "body", Name: "auth.key", Prefix: "Bot "}, Fields: &FieldsEntry{ServerCount: Names{"n"}}}), token: `"tok-secret"`,
			want: "POST https://list.test/123456789012345678\nContent-Type: application/json\nUser-Agent: caller/1.0\n\n" + `{"n":5,"auth":{"key":"Bot tok-secret"}}`,
			sent: `{"n":5,"auth":{"key":"Bot ***"}}`,
		},
		{
			name: "form", entry: onlyPost(PostEntry{Body: "form", Fields: &FieldsEntry{ServerCount: Names{"n"}, ShardID: Names{"shard id"}, BotID: Names{"bot"}}, Constants: map[string]any{"lib": "a&b"}}), token: `"tok-secret"`, count: count,
			want: "POST https://list.test/123456789012345678\nContent-Type: application/x-www-form-urlencoded\nAuthorization: tok-secret\nUser-Agent: caller/1.0\n\nn=5&shard+id=1&bot=123456789012345678&lib=a%26b",
			sent: "n=5&shard+id=1&bot=123456789012345678&lib=a%26b",
		},
		{
			name: "form with the token", entry: onlyPost(PostEntry{Body: "form", Auth: &AuthEntry{In: "body", Name: "key"}, Fields: &FieldsEntry{ServerCount: Names{"n"}}}), token: `"tok&secret"`,
			want: "POST https://list.test/123456789012345678\nContent-Type: application/x-www-form-urlencoded\nUser-Agent: caller/1.0\n\nn=5&key=tok%26secret",
			sent: "n=5&key=***",
		},
		{
			name: "form with the token in the query", entry: onlyPost(PostEntry{Body: "form", Auth: &AuthEntry{In: "query", Name: "key"}, Fields: &FieldsEntry{ServerCount: Names{"n"}}}), token: `"tok-secret"`,
			want: "POST https://list.test/123456789012345678?key=tok-secret\nContent-Type: application/x-www-form-urlencoded\nUser-Agent: caller/1.0\n\nn=5",
			sent: "n=5",
		},
		{
			name: "query", entry: onlyPost(PostEntry{Method: "PUT", Body: "query", Fields: &FieldsEntry{ServerCount: Names{"count"}, ShardID: Names{"shard"}}}), token: `"tok-secret"`, count: count,
			want: "PUT https://list.test/123456789012345678?count=5&shard=1\nAuthorization: tok-secret\nUser-Agent: caller/1.0\n",
			sent: "count=5&shard=1",
		},
		{
			name: "query beside one that is there", entry: onlyPost(PostEntry{URL: "https://list.test/stats?bot=:id", Body: "query", Fields: &FieldsEntry{ServerCount: Names{"count"}}}), token: `"tok-secret"`,
			want: "POST https://list.test/stats?bot=123456789012345678&count=5\nAuthorization: tok-secret\nUser-Agent: caller/1.0\n",
			sent: "count=5",
		},
		{
			name: "query with the token", entry: onlyPost(PostEntry{Body: "query", Auth: &AuthEntry{In: "query", Name: "key"}, Fields: &FieldsEntry{ServerCount: Names{"count"}}}), token: `"tok-secret"`,
			want: "POST https://list.test/123456789012345678?count=5&key=tok-secret\nUser-Agent: caller/1.0\n",
			sent: "count=5",
		},
		{
			name: "dots nest", entry: Entry{APIPost: url, APIField: "bot.count", APIShardID: "bot.shard.id", APIShardCount: "of"}, token: `"tok-secret"`, count: count,
			want: "POST https://list.test/123456789012345678\nContent-Type: application/json\nAuthorization: tok-secret\nUser-Agent: caller/1.0\n\n" + `{"bot":{"count":5,"shard":{"id":1}},"of":2}`,
			sent: `{"bot":{"count":5,"shard":{"id":1}},"of":2}`,
		},
		{
			name: "objects without a value are left out", entry: Entry{APIPost: url, APIField: "n", APIShardID: "bot.shard.id"}, token: `"tok-secret"`,
			want: "POST https://list.test/123456789012345678\nContent-Type: application/json\nAuthorization: tok-secret\nUser-Agent: caller/1.0\n\n" + `{"n":5}`,
			sent: `{"n":5}`,
		},
		{
			name: "object without a value between others", entry: onlyPost(PostEntry{Fields: &FieldsEntry{ServerCount: Names{"n"}, UserCount: Names{"a.b"}, BotID: Names{"bot"}}}), token: `"tok-secret"`,
			want: "POST https://list.test/123456789012345678\nContent-Type: application/json\nAuthorization: tok-secret\nUser-Agent: caller/1.0\n\n" + `{"n":5,"bot":"123456789012345678"}`,
			sent: `{"n":5,"bot":"123456789012345678"}`,
		},
		{
			name: "one value under several names", entry: onlyPost(PostEntry{Fields: &FieldsEntry{ServerCount: Names{"server_count", "servers_count", "stats.n"}}}), token: `"tok-secret"`,
			want: "POST https://list.test/123456789012345678\nContent-Type: application/json\nAuthorization: tok-secret\nUser-Agent: caller/1.0\n\n" + `{"server_count":5,"servers_count":5,"stats":{"n":5}}`,
			sent: `{"server_count":5,"servers_count":5,"stats":{"n":5}}`,
		},
		{
			name: "names that need escapes", entry: onlyPost(PostEntry{Fields: &FieldsEntry{ServerCount: Names{`n"\é`}}}), token: `"tok-secret"`,
			want: "POST https://list.test/123456789012345678\nContent-Type: application/json\nAuthorization: tok-secret\nUser-Agent: caller/1.0\n\n" + `{"n\"\\é":5}`,
			sent: `{"n\"\\é":5}`,
		},
		{
			name: "constants", entry: onlyPost(PostEntry{Fields: &FieldsEntry{ServerCount: Names{"n"}}, Constants: map[string]any{"z": true, "a.b": "x\"y", "m": 7}}), token: `"tok-secret"`,
			want: "POST https://list.test/123456789012345678\nContent-Type: application/json\nAuthorization: tok-secret\nUser-Agent: caller/1.0\n\n" + `{"n":5,"a":{"b":"x\"y"},"m":7,"z":true}`,
			sent: `{"n":5,"a":{"b":"x\"y"},"m":7,"z":true}`,
		},
		{
			name: "numbers as strings", token: `{"token":"tok-secret","bot_id":"007"}`,
			entry: onlyPost(PostEntry{Numbers: "string", Fields: &FieldsEntry{ServerCount: Names{"n"}, ShardID: Names{"id"}, Shards: Names{"all"}, BotID: Names{"bot"}, ListBotID: Names{"own"}}}),
			count: Count{BotID: someBot, ServerCount: 5, ShardID: new(int64(0)), Shards: []int64{2, 3}},
			want:  "POST https://list.test/123456789012345678\nContent-Type: application/json\nAuthorization: tok-secret\nUser-Agent: caller/1.0\n\n" + `{"id":"0","all":["2","3"],"bot":"123456789012345678","own":"007"}`,
			sent:  `{"id":"0","all":["2","3"],"bot":"123456789012345678","own":"007"}`,
		},
		{
			name: "shard objects", token: `"tok-secret"`,
			entry: onlyPost(PostEntry{Fields: &FieldsEntry{ServerCount: Names{"n"}, Shards: Names{"shards"}}, ShardObject: &ShardObjectEntry{ID: "shardId", Count: "guildCount"}}),
			count: Count{BotID: someBot, ServerCount: 5, Shards: []int64{2, 3}},
			want:  "POST https://list.test/123456789012345678\nContent-Type: application/json\nAuthorization: tok-secret\nUser-Agent: caller/1.0\n\n" + `{"shards":[{"shardId":0,"guildCount":2},{"shardId":1,"guildCount":3}]}`,
			sent:  `{"shards":[{"shardId":0,"guildCount":2},{"shardId":1,"guildCount":3}]}`,
		},
		{
			name: "shard objects, numbers as strings", token: `"tok-secret"`,
			entry: onlyPost(PostEntry{Numbers: "string", Fields: &FieldsEntry{Shards: Names{"shards"}}, ShardObject: &ShardObjectEntry{ID: "i", Count: "n"}}),
			count: Count{BotID: someBot, ServerCount: 5, Shards: []int64{5}},
			want:  "POST https://list.test/123456789012345678\nContent-Type: application/json\nAuthorization: tok-secret\nUser-Agent: caller/1.0\n\n" + `{"shards":[{"i":"0","n":"5"}]}`,
			sent:  `{"shards":[{"i":"0","n":"5"}]}`,
		},
		{
			name: "list's number in the URL, from a string", entry: onlyPost(PostEntry{URL: "https://list.test/:list_bot_id/stats", Fields: &FieldsEntry{ServerCount: Names{"n"}}}), token: `"42:tok:secret"`,
			want: "POST https://list.test/42/stats\nContent-Type: application/json\nAuthorization: tok:secret\nUser-Agent: caller/1.0\n\n" + `{"n":5}`,
			sent: `{"n":5}`,
		},
		{
			name: "list's number in the URL, from an object", entry: onlyPost(PostEntry{URL: "https://list.test/:list_bot_id/stats", Fields: &FieldsEntry{ServerCount: Names{"n"}}}), token: `{"token":"42:tok-secret","bot_id":"7"}`,
			want: "POST https://list.test/7/stats\nContent-Type: application/json\nAuthorization: 42:tok-secret\nUser-Agent: caller/1.0\n\n" + `{"n":5}`,
			sent: `{"n":5}`,
		},
		{
			name: "list's number in the body is a number", entry: onlyPost(PostEntry{Fields: &FieldsEntry{ServerCount: Names{"n"}, ListBotID: Names{"bot.id"}}}), token: `"12345678901234567890:tok-secret"`,
			want: "POST https://list.test/123456789012345678\nContent-Type: application/json\nAuthorization: tok-secret\nUser-Agent: caller/1.0\n\n" + `{"n":5,"bot":{"id":12345678901234567890}}`,
			sent: `{"n":5,"bot":{"id":12345678901234567890}}`,
		},
		{
			name: "list's number with zeros before it", entry: onlyPost(PostEntry{Fields: &FieldsEntry{ListBotID: Names{"id"}}}), token: `"007:tok-secret"`,
			want: "POST https://list.test/123456789012345678\nContent-Type: application/json\nAuthorization: tok-secret\nUser-Agent: caller/1.0\n\n" + `{"id":7}`,
			sent: `{"id":7}`,
		},
		{
			name: "list's number is zero", entry: onlyPost(PostEntry{Fields: &FieldsEntry{ListBotID: Names{"id"}}}), token: `"000:tok-secret"`,
			want: "POST https://list.test/123456789012345678\nContent-Type: application/json\nAuthorization: tok-secret\nUser-Agent: caller/1.0\n\n" + `{"id":0}`,
			sent: `{"id":0}`,
		},
		{
			name: "further headers", entry: onlyPost(PostEntry{Fields: &FieldsEntry{ServerCount: Names{"n"}}, Headers: map[string]string{"x-bot": "bot :id", "accept": "application/json"}}), token: `"tok-secret"`,
			want: "POST https://list.test/123456789012345678\nContent-Type: application/json\nAuthorization: tok-secret\nAccept: application/json\nX-Bot: bot 123456789012345678\nUser-Agent: caller/1.0\n\n" + `{"n":5}`,
			sent: `{"n":5}`,
		},
		{
			name: "prescribed User-Agent wins over the caller's", entry: onlyPost(PostEntry{Fields: &FieldsEntry{ServerCount: Names{"n"}}, Headers: map[string]string{"user-agent": "svc/1 (go) DBots/:id"}}), token: `"tok-secret"`,
			want: "POST https://list.test/123456789012345678\nContent-Type: application/json\nAuthorization: tok-secret\nUser-Agent: svc/1 (go) DBots/123456789012345678\n\n" + `{"n":5}`,
			sent: `{"n":5}`,
		},
		{
			name: "header with the list's number", entry: onlyPost(PostEntry{Fields: &FieldsEntry{ServerCount: Names{"n"}}, Headers: map[string]string{"X-Bot": ":list_bot_id/:id"}}), token: `"42:tok-secret"`,
			want: "POST https://list.test/123456789012345678\nContent-Type: application/json\nAuthorization: tok-secret\nX-Bot: 42/123456789012345678\nUser-Agent: caller/1.0\n\n" + `{"n":5}`,
			sent: `{"n":5}`,
		},
		{
			name: "form without a value has no body and no type", entry: onlyPost(PostEntry{Body: "form", Fields: &FieldsEntry{UserCount: Names{"users"}}}), token: `"tok-secret"`,
			want: "POST https://list.test/123456789012345678\nAuthorization: tok-secret\nUser-Agent: caller/1.0\n",
			sent: "",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.count.BotID == "" {
				tt.count = Count{BotID: someBot, ServerCount: 5}
			}
			call := mustPost(t, tt.entry, tt.count, tt.token)
			if got := onWire(call.Wire()); got != tt.want {
				t.Errorf("request:\n%s\nwant:\n%s", got, tt.want)
			}
			if got := call.Sent(); got != tt.sent {
				t.Errorf("sent %s, want %s", got, tt.sent)
			}
			if got := onWire(call.Wire()); got != tt.want {
				t.Errorf("the second time it is:\n%s", got)
			}
			for _, shown := range []string{onWire(call.Masked()), call.Sent()} {
				if hidden := call.Token().Hide(shown); hidden != shown {
					t.Errorf("shows its token: %s", shown)
				}
			}
			if !call.Keyed() || call.Op() != Posts || call.BotID() != someBot {
				t.Errorf("keyed %t, of %s, bot %s", call.Keyed(), call.Op().Name, call.BotID())
			}
		})
	}
}

func TestMasked(t *testing.T) {
	t.Parallel()
	const token, schemed = `"tok+secret/1"`, `"Bearer tok+secret/1"`
	fields := &FieldsEntry{ServerCount: Names{"n"}}
	for _, tt := range []struct {
		name  string
		token string
		post  PostEntry
		want  string
		sent  string
	}{
		{"header", token, PostEntry{Fields: fields}, "POST https://list.test/123456789012345678\nContent-Type: application/json\nAuthorization: ***\nUser-Agent: caller/1.0\n\n" + `{"n":5}`, `{"n":5}`},
		{"header with a prefix", token, PostEntry{Fields: fields, Auth: &AuthEntry{Prefix: "Bearer "}}, "POST https://list.test/123456789012345678\nContent-Type: application/json\nAuthorization: Bearer ***\nUser-Agent: caller/1.0\n\n" + `{"n":5}`, `{"n":5}`},
		{"query", token, PostEntry{Fields: fields, Auth: &AuthEntry{In: "query", Name: "key"}}, "POST https://list.test/123456789012345678?key=***\nContent-Type: application/json\nUser-Agent: caller/1.0\n\n" + `{"n":5}`, `{"n":5}`},
		{"query with a prefix", token, PostEntry{Fields: fields, Auth: &AuthEntry{In: "query", Name: "key", Prefix: "Bot "}}, "POST https://list.test/123456789012345678?key=Bot+***\nContent-Type: application/json\nUser-Agent: caller/1.0\n\n" + `{"n":5}`, `{"n":5}`},
		{"body", token, PostEntry{Fields: fields, Auth: &AuthEntry{In: "body", Name: "key", Prefix: "Bot "}}, "POST https://list.test/123456789012345678\nContent-Type: application/json\nUser-Agent: caller/1.0\n\n" + `{"n":5,"key":"Bot ***"}`, `{"n":5,"key":"Bot ***"}`},
		{"form", token, PostEntry{Fields: fields, Body: "form", Auth: &AuthEntry{In: "body", Name: "key"}}, "POST https://list.test/123456789012345678\nContent-Type: application/x-www-form-urlencoded\nUser-Agent: caller/1.0\n\nn=5&key=***", "n=5&key=***"},
		{"form with a prefix", token, PostEntry{Fields: fields, Body: "form", Auth: &AuthEntry{In: "body", Name: "key", Prefix: "Bot "}}, "POST https://list.test/123456789012345678\nContent-Type: application/x-www-form-urlencoded\nUser-Agent: caller/1.0\n\nn=5&key=Bot+***", "n=5&key=Bot+***"},
		{"header with a scheme", schemed, PostEntry{Fields: fields}, "POST https://list.test/123456789012345678\nContent-Type: application/json\nAuthorization: Bearer ***\nUser-Agent: caller/1.0\n\n" + `{"n":5}`, `{"n":5}`},
		{"header with another scheme", schemed, PostEntry{Fields: fields, Auth: &AuthEntry{Prefix: "Bot "}}, "POST https://list.test/123456789012345678\nContent-Type: application/json\nAuthorization: Bot ***\nUser-Agent: caller/1.0\n\n" + `{"n":5}`, `{"n":5}`},
		{"query with a scheme", schemed, PostEntry{Fields: fields, Auth: &AuthEntry{In: "query", Name: "key"}}, "POST https://list.test/123456789012345678?key=Bearer+***\nContent-Type: application/json\nUser-Agent: caller/1.0\n\n" + `{"n":5}`, `{"n":5}`},
		{"body with a scheme", schemed, PostEntry{Fields: fields, Auth: &AuthEntry{In: "body", Name: "key"}}, "POST https://list.test/123456789012345678\nContent-Type: application/json\nUser-Agent: caller/1.0\n\n" + `{"n":5,"key":"Bearer ***"}`, `{"n":5,"key":"Bearer ***"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			call := mustPost(t, onlyPost(tt.post), Count{ServerCount: 5}, tt.token)
			if got := onWire(call.Masked()); got != tt.want {
				t.Errorf("masked:\n%s\nwant:\n%s", got, tt.want)
			}
			if got := call.Sent(); got != tt.sent {
				t.Errorf("sent %s, want %s", got, tt.sent)
			}
			if wire := onWire(call.Wire()); call.Token().Hide(wire) == wire {
				t.Errorf("the list does not get the token:\n%s", wire)
			}
		})
	}
}

func TestPostSkipped(t *testing.T) {
	t.Parallel()
	const url = "https://list.test/:id"
	const numbers = `Bad token: list.test numbers bots itself; send "NUMBER:token" or {"token": "token", "bot_id": "NUMBER"} with its number of your bot`
	numbering := onlyPost(PostEntry{URL: "https://list.test/:list_bot_id"})
	for _, tt := range []struct {
		name  string
		entry Entry
		token string
		want  string
	}{
		{"defunct", Entry{Defunct: true, APIPost: url}, `"tok"`, "Defunct"},
		{"defunct without a way to post", Entry{Defunct: true}, `"tok"`, "Defunct"},
		{"defunct that numbers bots", Entry{Defunct: true, Post: numbering.Post}, `"tok"`, "Defunct"},
		{"no way to post", Entry{APIGet: url}, `"tok"`, "No post API"},
		{"no way to post, and why", Entry{Post: &PostEntry{None: "its API has no counts"}}, `"tok"`, "No post API: its API has no counts"},
		{"hidden", Entry{Display: false, APIPost: url}, `"tok"`, ""},
		{"no number", numbering, `"tok"`, numbers},
		{"no digits before the colon", numbering, `"x42:tok"`, numbers},
		{"nothing before the colon", numbering, `":tok"`, numbers},
		{"nothing after the colon", numbering, `"42:"`, numbers},
		{"too long a number", numbering, `"123456789012345678901:tok"`, numbers},
		{"object without a number", numbering, `{"token":"tok"}`, numbers},
		{"number", numbering, `"42:tok"`, ""},
		{"object with a number", numbering, `{"token":"tok","bot_id":42}`, ""},
		{"object with the number in the token", numbering, `{"token":"42:tok"}`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			token, skipped := ParseToken(jsonValue(tt.token))
			if skipped != nil {
				t.Fatal(skipped)
			}
			if _, got := mustList(t, "list.test", tt.entry).PlanPost(Count{BotID: someBot, ServerCount: 5}, token, someAgent); words(got) != tt.want {
				t.Errorf("skipped %q, want %q", words(got), tt.want)
			}
		})
	}
}

func TestPlanRead(t *testing.T) {
	t.Parallel()
	const url = "https://list.test/:id"
	const numbers = `Bad token: list.test numbers bots itself; send "NUMBER:token" or {"token": "token", "bot_id": "NUMBER"} with its number of your bot`
	secret := NewToken("tok-secret", "")
	for _, tt := range []struct {
		name    string
		entry   Entry
		key     Token
		want    string
		masked  string // as want, when empty
		skipped string
	}{
		{name: "plain", entry: Entry{APIGet: url}, want: "GET https://list.test/123456789012345678\nUser-Agent: caller/1.0\n"},
		{name: "plain with a key that is not asked for", entry: Entry{APIGet: url}, key: secret, want: "GET https://list.test/123456789012345678\nUser-Agent: caller/1.0\n"},
		{name: "own URL", entry: Entry{APIGet: url, Get: &GetEntry{URL: "https://list.test/v2/:id"}}, want: "GET https://list.test/v2/123456789012345678\nUser-Agent: caller/1.0\n"},
		{name: "headers", entry: Entry{APIGet: url, Get: &GetEntry{Headers: map[string]string{"User-Agent": "svc DBots/:id", "Accept": "text/html"}}}, want: "GET https://list.test/123456789012345678\nAccept: text/html\nUser-Agent: svc DBots/123456789012345678\n"},
		{name: "key", entry: Entry{APIGet: url, Get: &GetEntry{Auth: &AuthEntry{Prefix: "Bearer "}}}, key: secret,
			want: "GET https://list.test/123456789012345678\nAuthorization: Bearer tok-secret\nUser-Agent: caller/1.0\n", masked: "GET https://list.test/123456789012345678\nAuthorization: Bearer ***\nUser-Agent: caller/1.0\n"},
		{name: "key in the query", entry: Entry{APIGet: url, Get: &GetEntry{Auth: &AuthEntry{In: "query", Name: "key"}}}, key: secret,
			want: "GET https://list.test/123456789012345678?key=tok-secret\nUser-Agent: caller/1.0\n", masked: "GET https://list.test/123456789012345678?key=***\nUser-Agent: caller/1.0\n"},
		{name: "list's number", entry: Entry{Get: &GetEntry{URL: "https://list.test/:list_bot_id", Auth: &AuthEntry{}}}, key: NewToken("42:tok-secret", ""),
			want: "GET https://list.test/42\nAuthorization: tok-secret\nUser-Agent: caller/1.0\n", masked: "GET https://list.test/42\nAuthorization: ***\nUser-Agent: caller/1.0\n"},
		{name: "list's number is missing", entry: Entry{Get: &GetEntry{URL: "https://list.test/:list_bot_id", Auth: &AuthEntry{}}}, key: secret, skipped: numbers},
		{name: "no key", entry: Entry{APIGet: url, Get: &GetEntry{Auth: &AuthEntry{}}}, skipped: "No key"},
		{name: "no key for a list that numbers bots", entry: Entry{Get: &GetEntry{URL: "https://list.test/:list_bot_id", Auth: &AuthEntry{}}}, skipped: "No key"},
		{name: "defunct", entry: Entry{Defunct: true, APIGet: url}, skipped: "Defunct"},
		{name: "no way to read", entry: Entry{APIPost: url}, skipped: "No get API"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			call, skipped := mustList(t, "list.test", tt.entry).PlanRead(someBot, tt.key, someAgent)
			if words(skipped) != tt.skipped {
				t.Fatalf("skipped %q, want %q", words(skipped), tt.skipped)
			}
			if skipped != nil {
				return
			}
			masked := tt.masked
			if masked == "" {
				masked = tt.want
			}
			if got := onWire(call.Wire()); got != tt.want {
				t.Errorf("request:\n%s\nwant:\n%s", got, tt.want)
			}
			if got := onWire(call.Masked()); got != masked {
				t.Errorf("masked:\n%s\nwant:\n%s", got, masked)
			}
			if call.Keyed() != (tt.masked != "") || call.Token().IsZero() == call.Keyed() {
				t.Errorf("keyed is %t, with token: %t", call.Keyed(), !call.Token().IsZero())
			}
			if call.Sent() != "" || call.Op() != Readings || call.BotID() != someBot {
				t.Errorf("sent %q, of %s, bot %s", call.Sent(), call.Op().Name, call.BotID())
			}
		})
	}
}

// TestLimits has which of a list's own limits a call counts for.
func TestLimits(t *testing.T) {
	t.Parallel()
	const url = "https://list.test/:id"
	post := []LimitEntry{{PerToken, 1, 60}, {PerAddress, 10, 60}, {PerBot, 1, 21600}}
	get := []LimitEntry{{PerAddress, 5, 1}}
	token := Limit{Op: Posts, Per: PerToken, Requests: 1, Interval: time.Minute}
	address := Limit{Op: Posts, Per: PerAddress, Requests: 10, Interval: time.Minute}
	bot := Limit{Op: Posts, Per: PerBot, Requests: 1, Interval: 6 * time.Hour}
	reads := Limit{Op: Readings, Per: PerAddress, Requests: 5, Interval: time.Second}
	for _, tt := range []struct {
		name            string
		entry           Entry
		posts, readings []Limit
	}{
		{"none", Entry{APIPost: url, APIGet: url}, nil, nil},
		{"of posts", Entry{APIGet: url, Post: &PostEntry{URL: url, Limits: post}}, []Limit{token, address, bot}, []Limit{address}},
		{"of readings", Entry{APIPost: url, Get: &GetEntry{URL: url, Limits: get}}, nil, []Limit{reads}},
		{"of both", Entry{Post: &PostEntry{URL: url, Limits: post}, Get: &GetEntry{URL: url, Limits: get}}, []Limit{token, address, bot}, []Limit{address, reads}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := mustList(t, "list.test", tt.entry)
			for range 2 { // asking leaves no trace
				p, _ := l.PlanPost(Count{BotID: someBot}, NewToken("tok", ""), someAgent)
				if got := p.Limits(); !slices.Equal(got, tt.posts) {
					t.Errorf("a post: %+v, want %+v", got, tt.posts)
				}
				g, _ := l.PlanRead(someBot, Token{}, someAgent)
				if got := g.Limits(); !slices.Equal(got, tt.readings) {
					t.Errorf("a reading: %+v, want %+v", got, tt.readings)
				}
			}
		})
	}
	l := mustList(t, "list.test", Entry{APIGet: url})
	if g, _ := l.PlanRead(someBot, Token{}, someAgent); g.Limits() != nil {
		t.Errorf("a list that takes no counts limits readings: %+v", g.Limits())
	}
}

func TestNotSent(t *testing.T) {
	t.Parallel()
	for fault, want := range map[Fault]bool{
		FaultNone: false, FaultTimeout: false, FaultReset: false, FaultCutShort: false, FaultTooLarge: false, FaultRedirect: false,
		FaultProtocol: false, FaultCanceled: false, FaultOther: false, FaultPanic: false,
		FaultRefused: true, FaultDNS: true, FaultTLS: true, FaultCircuit: true, FaultBusy: true,
	} {
		if got := (Answer{Status: NoAnswer, Fault: fault}).NotSent(); got != want {
			t.Errorf("%q: %t", fault, got)
		}
	}
}

func TestRules(t *testing.T) {
	t.Parallel()
	const url = "https://list.test/:id"
	for _, tt := range []struct {
		name       string
		entry      Entry
		post, read []string
	}{
		{"nothing", Entry{}, nil, nil},
		{"plain", Entry{APIPost: url, APIGet: url}, []string{"success: a 2xx status and no HTML page"}, []string{"the common key names, under the top"}},
		{"everything", Entry{
			Post: &PostEntry{URL: url, Answer: "json", Success: &SuccessEntry{Field: "data.error"}, Revoked: []int{410}, Limits: []LimitEntry{{PerBot, 1, 21600}},
				Wait: []WaitEntry{{Header: "retry-after", Unit: "ms"}, {Body: "error.wait"}}},
			Get: &GetEntry{URL: url, Root: "data", Limits: []LimitEntry{{PerAddress, 10, 60}}, Wait: []WaitEntry{{Header: "reset", Unit: "unix"}, {Header: "reset-ms", Unit: "unix_ms"}},
				Fields: &ReadEntry{Username: Sources{{Path: "a"}, {Path: "b"}}, Support: Sources{{Path: "code", URL: "https://discord.gg/:value"}}}},
		}, []string{
			"success: a 2xx status and JSON, with data.error false in it", "revoked: status 410 ends posting until the token changes",
			"limit: 1 in 6h0m0s per bot", "wait: header Retry-After, in milliseconds", "wait: field error.wait of the answer, in seconds, or a date",
		}, []string{
			"username: data.a, data.b", "support: data.code (as https://discord.gg/:value)",
			"limit: 10 in 1m0s per address", "wait: header Reset, in Unix time", "wait: header Reset-Ms, in Unix time in milliseconds",
		}},
		{"empty answer", Entry{Post: &PostEntry{URL: url, Answer: "empty"}}, []string{"success: a 2xx status and an empty answer"}, nil},
		{"any answer, root", Entry{Post: &PostEntry{URL: url, Answer: "any"}, Get: &GetEntry{URL: url, Root: "data.bot"}}, []string{"success: a 2xx status"}, []string{"the common key names, under data.bot"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := mustList(t, "list.test", tt.entry)
			if got := l.PostRules(); !slices.Equal(got, tt.post) {
				t.Errorf("post: %q, want %q", got, tt.post)
			}
			if got := append(l.ReadRules(), l.ReadLimits()...); !slices.Equal(got, tt.read) {
				t.Errorf("read: %q, want %q", got, tt.read)
			}
		})
	}
}

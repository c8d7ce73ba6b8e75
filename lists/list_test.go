package lists

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

const (
	someBot   = "123456789012345678"
	someAgent = "caller/1.0"
)

// mustList compiles an entry. A post part that names no field gets one: without
// any it would be a fault, and most tests are of something else.
func mustList(t testing.TB, id string, e Entry) *List {
	t.Helper()
	if e.Post != nil && e.Post.Fields == nil && e.Post.None == "" && e.APIField+e.APIShards == "" {
		e.APIField = "n"
	}
	l, problems := New(id, e)
	if len(problems) > 0 {
		t.Fatalf("%s: %q", id, problems)
	}
	return l
}

func TestProblems(t *testing.T) {
	t.Parallel()
	const (
		url       = "https://list.test/:id"
		foreign   = `holds %q, which nothing is filled in for; write one of %s`
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
		{name: "bot_widget by the list's own number", entry: Entry{BotWidget: "https://list.test/:list_bot_id.svg?bot=:id"}},
		{name: "bot_widget by something else", entry: Entry{BotWidget: "https://list.test/:user"}, want: []Problem{{"bot_widget", `unknown placeholder ":user"; allowed: :id, :list_bot_id`}}},
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
		{name: "placeholder in braces", entry: Entry{APIPost: "https://list.test/{id}/stats", APIField: "n"}, want: []Problem{{"api_post", fmt.Sprintf(foreign, "{id}", ":id")}}},
		{name: "placeholder of a shell", entry: Entry{APIGet: "https://list.test/${bot_id}?all=:id"}, want: []Problem{{"api_get", fmt.Sprintf(foreign, "${bot_id}", ":id")}}},
		{name: "placeholder in double braces, in a header", entry: post(PostEntry{Headers: map[string]string{"X-Bot": "{{bot.id}}"}}), want: []Problem{{"post.headers.X-Bot", fmt.Sprintf(foreign, "{{bot.id}}", ":id, :list_bot_id")}}},
		{name: "placeholder in angle brackets", entry: Entry{ViewBot: "https://list.test/<id>"}, want: []Problem{{"view_bot", fmt.Sprintf(foreign, "<id>", ":id")}}},
		{name: "placeholder in percent escapes", entry: get(GetEntry{URL: "https://list.test/%7bid%7D"}), want: []Problem{{"get.url", fmt.Sprintf(foreign, "%7bid%7D", ":id, :list_bot_id")}}},
		{name: "api_field without api_post", entry: Entry{APIField: "n"}, want: []Problem{{"api_field", "names a field, but there is no api_post to send it to"}}},
		{name: "api_field without api_post, defunct", entry: Entry{Defunct: true, APIField: "n"}},
		{name: "post that sends nothing", entry: Entry{APIPost: url, Post: &PostEntry{Method: "PUT"}}, want: []Problem{{"post", "would send nothing; name a field in api_field or post.fields"}}},
		{name: "post that sends a constant", entry: Entry{APIPost: url, Post: &PostEntry{Constants: map[string]any{"online": true}}}},
		{name: "scheme without its blank", entry: post(PostEntry{Auth: &AuthEntry{Prefix: "Bearer"}}), want: []Problem{{"post.auth.prefix", `must end with what parts it from the token, as in "Bearer ", is "Bearer"`}}},
		{name: "prefix that ends with a sign", entry: post(PostEntry{Auth: &AuthEntry{Prefix: "Bearer key-"}})},
		{name: "token in the query without a name", entry: post(PostEntry{Auth: &AuthEntry{In: "query"}}), want: []Problem{{"post.auth.name", "is required where the token is in the query: the name of its parameter or field"}}},
		{name: "token in the body without a name", entry: post(PostEntry{Auth: &AuthEntry{In: "body"}}), want: []Problem{{"post.auth.name", "is required where the token is in the body: the name of its parameter or field"}}},
		{name: "unknown placeholder", entry: Entry{APIPost: "https://list.test/:bot_id"}, want: []Problem{{"api_post", `unknown placeholder ":bot_id"; allowed: :id`}}},
		{name: "unknown placeholder in the query", entry: Entry{APIPost: "https://list.test/?id=:ID"}, want: []Problem{{"api_post", `unknown placeholder ":ID"; allowed: :id`}}},
		{name: "list's number in api_post", entry: Entry{APIPost: "https://list.test/:list_bot_id"}, want: []Problem{{"api_post", `unknown placeholder ":list_bot_id"; allowed: :id`}}},
		{name: "list's number in post.url", entry: Entry{APIField: "n", Post: &PostEntry{URL: "https://list.test/:list_bot_id"}}},
		{name: "port is no placeholder", entry: Entry{APIPost: "https://list.test:8443/:id"}},
		{name: "api_post beside post.url is checked", entry: Entry{APIField: "n", APIPost: "x", Post: &PostEntry{URL: url}}, want: []Problem{{"api_post", fmt.Sprintf(noURL, "x")}}},
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
		{name: "success field", entry: post(PostEntry{Success: &SuccessEntry{Field: "", Is: true}}), want: []Problem{{"post.success.field", `must be names joined by dots, is ""`}}},
		{name: "success without its value", entry: post(PostEntry{Success: &SuccessEntry{Field: "ok"}}), want: []Problem{{"post.success.is", "is required"}}},
		{name: "success flag in an empty answer", entry: post(PostEntry{Answer: "empty", Success: &SuccessEntry{Field: "ok", Is: true}}), want: []Problem{{"post.success", "is a flag in the answer, but answer: empty says that there is none; leave one out"}}},
		{name: "default too small", entry: post(PostEntry{Fields: &FieldsEntry{UserCount: Names{"users"}}, Defaults: &DefaultsEntry{UserCount: new(int64(-1))}}), want: []Problem{{"post.defaults", "must be 0 to 9007199254740991, is -1"}}},
		{name: "default of no shard", entry: post(PostEntry{Fields: &FieldsEntry{ShardCount: Names{"of"}}, Defaults: &DefaultsEntry{ShardCount: new(int64(0))}}), want: []Problem{{"post.defaults", "must be 1 to 9007199254740991, is 0"}}},
		{name: "default too large", entry: post(PostEntry{Fields: &FieldsEntry{VoiceConnections: Names{"voice"}}, Defaults: &DefaultsEntry{VoiceConnections: new(int64(MaxNumber + 1))}}), want: []Problem{{"post.defaults", "must be 0 to 9007199254740991, is 9007199254740992"}}},
		{name: "default that no field takes", entry: post(PostEntry{Defaults: &DefaultsEntry{UserCount: new(int64(1))}}), want: []Problem{{"post.defaults", "gives a value that no field takes; add the field, or leave the default out"}}},
		{name: "defaults at their ends", entry: post(PostEntry{Fields: &FieldsEntry{UserCount: Names{"users"}, VoiceConnections: Names{"voice"}, ShardCount: Names{"of"}}, Defaults: &DefaultsEntry{UserCount: new(int64(MaxNumber)), VoiceConnections: new(int64(0)), ShardCount: new(int64(1))}})},
		{name: "query parameter that the URL has", entry: Entry{Post: &PostEntry{URL: "https://list.test/:id?n=1", Body: "query", Fields: &FieldsEntry{ServerCount: Names{"n"}}}}, want: []Problem{{"post.fields", `"n" is in the URL's query already`}}},
		{name: "token parameter that the URL has", entry: Entry{APIField: "n", Post: &PostEntry{URL: "https://list.test/:id?key=1", Auth: &AuthEntry{In: "query", Name: "key"}}}, want: []Problem{{"post.auth.name", `"key" is in the query already`}}},
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
			{"get.limits[1].per", "is bot, but a reading needs no key; allowed: address"}, {"get.limits[2].per", "is token, but a reading needs no key; allowed: address"}}},
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
			got := facts{l.TakesCounts(), l.Readable(), l.NeedsKey(), l.TakesOperatorKey(), l.NeedsListBotID(), strings.Join(l.PostURLs(), " ")}
			if got != tt.want {
				t.Errorf("%+v, want %+v", got, tt.want)
			}
		})
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
		{"plain", Entry{APIPost: url, APIGet: url}, []string{"A count has arrived if the answer has a 2xx status, is no HTML page, and names no failure (an error, or success or ok that is false)."}, []string{"the common key names, at the top level"}},
		{"everything", Entry{
			Post: &PostEntry{URL: url, Answer: "json", Success: &SuccessEntry{Field: "data.error", Is: false}, Revoked: []int{410}, Limits: []LimitEntry{{PerBot, 1, 21600}},
				Wait: []WaitEntry{{Header: "retry-after", Unit: "ms"}, {Body: "error.wait"}}},
			Get: &GetEntry{URL: url, Root: "data", Limits: []LimitEntry{{PerAddress, 10, 60}}, Wait: []WaitEntry{{Header: "reset", Unit: "unix"}, {Header: "reset-ms", Unit: "unix_ms"}},
				Fields: &ReadEntry{Username: Sources{{Path: "a"}, {Path: "b"}}, Support: Sources{{Path: "code", URL: "https://discord.gg/:value"}}, Library: Sources{}}},
		}, []string{
			"A count has arrived if the answer has a 2xx status, is JSON, and has data.error false in it.", "Status 410 says that the token is revoked: nothing is posted until it changes.",
			"At most 1 post in 6 hours for one bot.", "If it refuses, the header Retry-After says how long to wait, in milliseconds.", "If it refuses, error.wait in the answer says how long to wait, in seconds or as a date.",
		}, []string{
			"username: data.a, data.b", "support: data.code (as https://discord.gg/:value)", "library: not told", "others: the common key names, under data",
			"At most 10 readings in a minute from this service's address.", "If it refuses, the header Reset says until when to wait, as a Unix time.", "If it refuses, the header Reset-Ms says until when to wait, as a Unix time in milliseconds.",
		}},
		{"empty answer", Entry{Post: &PostEntry{URL: url, Answer: "empty"}}, []string{"A count has arrived if the answer has a 2xx status and is empty."}, nil},
		{"any answer, root", Entry{Post: &PostEntry{URL: url, Answer: "any"}, Get: &GetEntry{URL: url, Root: "data.bot"}}, []string{"A count has arrived if the answer has a 2xx status and names no failure (an error, or success or ok that is false)."}, []string{"the common key names, under data.bot"}},
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

func TestBadHosts(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"https://:443/x", "https://list.test:99999/:id", "https://list.test:0/:id"} {
		if _, problems := New("list.test", Entry{Name: "L", URL: url}); len(problems) == 0 {
			t.Errorf("%s passes", url)
		}
	}
	l := mustList(t, "list.test", Entry{APIPost: "https://LIST.test/Bots/:id"})
	if got, want := l.PostURLs(), []string{"https://list.test/Bots/:id"}; !slices.Equal(got, want) {
		t.Errorf("post URLs %q, want %q", got, want)
	}
}

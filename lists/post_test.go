package lists

import (
	"fmt"
	"strings"
	"testing"
)

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
			name: "what goes without saying, said", token: `"tok-secret"`,
			entry: Entry{APIField: "n", Post: &PostEntry{
				URL: url, Method: "POST", Body: "json", Numbers: "number", Auth: &AuthEntry{In: "header", Name: "Authorization"},
				Limits: []LimitEntry{{Per: "address", Requests: 10, Seconds: 60}},
			}},
			want: "POST https://list.test/123456789012345678\nContent-Type: application/json\nAuthorization: tok-secret\nUser-Agent: caller/1.0\n\n" + `{"n":5}`,
			sent: `{"n":5}`,
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

package sandbox_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"aggregator/fanout"
	"aggregator/lists"
	"aggregator/sandbox"
)

// open serves a sandbox of lists and makes a client of the service's own whose
// calls all go there, each two days after the one before: no limit holds.
func open(t *testing.T, all []*lists.List) (*sandbox.Sandbox, *fanout.Client) {
	t.Helper()
	s := sandbox.New(all)
	var days atomic.Int64
	s.Now = func() time.Time { return time.Unix(0, 0).AddDate(0, 0, int(days.Add(2))) }
	server := httptest.NewServer(s)
	transport := http.DefaultTransport.(*http.Transport).Clone()
	t.Cleanup(func() { transport.CloseIdleConnections(); server.Close() })
	return s, fanout.New(sandbox.Transport(transport, server.Listener.Addr().String()), quiet)
}

// token carries a number for the lists that ask for one.
func token(l *lists.List, secret string) lists.Token {
	if l.NeedsListBotID() {
		return lists.NewToken(secret, "042")
	}
	return lists.NewToken(secret, "")
}

// post posts a count to all lists as the service does.
func post(t *testing.T, client *fanout.Client, all []*lists.List, c lists.Count, secret string) map[string]lists.Verdict {
	t.Helper()
	var calls []lists.Call
	for _, l := range all {
		call, skipped := l.PlanPost(c, token(l, secret), "aggregator/test")
		if skipped != nil {
			t.Fatalf("%s is skipped: %s", l.ID, skipped)
		}
		calls = append(calls, call)
	}
	verdicts := map[string]lists.Verdict{}
	for i, a := range client.Run(t.Context(), lists.Posts, netip.Prefix{}, calls) {
		verdicts[calls[i].List.ID] = calls[i].Judge(a)
	}
	return verdicts
}

// read reads the bot back from one list as the service does.
func read(t *testing.T, client *fanout.Client, l *lists.List) lists.Bot {
	t.Helper()
	call, skipped := l.PlanRead(bot, lists.NewToken("token", "042"), "aggregator/test")
	if skipped != nil {
		t.Fatalf("reading is skipped: %s", skipped)
	}
	patient := lists.Readings
	patient.Timeout = 10 * time.Second
	return lists.Merge(bot, []lists.Reading{call.Read(client.Run(t.Context(), patient, netip.Prefix{}, []lists.Call{call.Call})[0])})
}

func TestRoundTripOfPosts(t *testing.T) {
	entries := map[string]lists.Entry{
		"plain": plain, "nested": nested, "shards": shards, "shared": shared, "objects": objects, "twoNames": twoNames,
		"asStrings": asStrings, "constants": constants, "defaults": defaults, "form": form, "query": query, "bearer": bearer,
		"headerKey": headerKey, "queryKey": queryKey, "bodyKey": bodyKey, "agent": agent, "botInBody": botInBody,
		"numbered": numbered, "tokenOnly": tokenOnly, "patched": patched, "flagged": flagged, "silent": silent,
		"put":       {APIPost: api, APIPostMethod: "PUT", APIField: "count"},
		"perShard":  {APIPost: api, APIField: "count", APIShardID: "shard", APIShardCount: "of"},
		"queryOnly": {APIPost: "https://list.example/x?id=:id", APIField: "count", Post: &lists.PostEntry{Body: "query", Auth: &lists.AuthEntry{In: "query", Name: "key"}}},
		"numberedForm": {Post: &lists.PostEntry{URL: "https://list.example/form", Body: "form",
			Fields: &lists.FieldsEntry{ServerCount: lists.Names{"count"}, ListBotID: lists.Names{"id"}}}},
		"numberedText": {Post: &lists.PostEntry{URL: "https://list.example/:list_bot_id", Numbers: "string",
			Fields: &lists.FieldsEntry{ServerCount: lists.Names{"count"}, ListBotID: lists.Names{"id"}}}},
		"json":   {APIPost: api, APIField: "count", Post: &lists.PostEntry{Answer: "json", Success: &lists.SuccessEntry{Field: "ok", Is: true}}},
		"word":   {APIPost: api, APIField: "count", Post: &lists.PostEntry{Success: &lists.SuccessEntry{Field: "data.result", Is: "saved"}}},
		"number": {APIPost: api, APIField: "count", Post: &lists.PostEntry{Success: &lists.SuccessEntry{Field: "code", Is: int64(200)}}},
		"everything": {APIPost: api, Post: &lists.PostEntry{Fields: &lists.FieldsEntry{
			ServerCount: lists.Names{"a.servers", "servers"}, ShardID: lists.Names{"a.shard"}, ShardCount: lists.Names{"a.shards"},
			UserCount: lists.Names{"users"}, VoiceConnections: lists.Names{"voice"}, BotID: lists.Names{"a.bot"}}}},
	}
	counts := map[string]lists.Count{
		"alone":   {BotID: bot, ServerCount: 12},
		"none":    {BotID: bot},
		"shard":   {BotID: bot, ServerCount: 12, ShardID: new(int64(1)), ShardCount: new(int64(3))},
		"shards":  {BotID: bot, ServerCount: 12, Shards: []int64{3, 4, 5}, ShardCount: new(int64(3))},
		"all":     {BotID: bot, ServerCount: 12, Shards: []int64{12, 0}, ShardID: new(int64(0)), ShardCount: new(int64(2)), UserCount: new(int64(7)), VoiceConnections: new(int64(0))},
		"largest": {BotID: bot, ServerCount: lists.MaxNumber, UserCount: new(int64(lists.MaxNumber))},
	}
	for id, entry := range entries {
		t.Run(id, func(t *testing.T) {
			for name, c := range counts {
				all := []*lists.List{list(t, id, entry)}
				s, client := open(t, all)
				if v := post(t, client, all, c, "token")[id]; !v.OK {
					t.Errorf("%s: %+v; sent %s", name, v, s.Posts(id)[0].Body)
				}
				if n, ok := s.Count(id, bot); !ok || n != c.ServerCount {
					t.Errorf("%s: the count is %d, %v, want %d", name, n, ok, c.ServerCount)
				}
				if v := post(t, client, all, c, "bad")[id]; v.OK || v.Status != http.StatusUnauthorized {
					t.Errorf("%s: the bad token got %+v", name, v)
				}
			}
		})
	}
}

func TestRoundTripOfReadings(t *testing.T) {
	const get = "https://list.example/api/bots/:id"
	source := func(paths ...string) (all lists.Sources) {
		for _, p := range paths {
			all = append(all, lists.Source{Path: p})
		}
		return all
	}
	tests := map[string]lists.GetEntry{
		"plain":   {URL: get},
		"root":    {URL: get, Root: "data.bot"},
		"array":   {URL: get, Root: "[]", Auth: &lists.AuthEntry{In: "query", Name: "key"}},
		"numbers": {URL: "https://list.example/api/own/:list_bot_id", Auth: &lists.AuthEntry{}},
		"mapped": {URL: get, Root: "result[-1]", Headers: map[string]string{"X-Bot": ":id"}, Fields: &lists.ReadEntry{
			Username: source("user.name", "name"), Discriminator: source("user.tag"), Owners: source("team[].user.id", "owner"),
			ServerCount: source("history[-1].servers", "servers"), Invite: source("links[name=Invite].value"), Prefix: source("prefixes[]"),
			Website: source("links[name=Website].value"), Github: lists.Sources{{Path: "github", URL: "https://github.com/:value"}},
			Support: lists.Sources{{Path: "guild.code", URL: "https://discord.gg/:value"}}, Library: source("library"),
		}},
		"keys": {URL: get, Fields: &lists.ReadEntry{Owners: source("owners{}"), ServerCount: source("counts[-1]"), Username: source("names[-1]")}},
	}
	for name, e := range tests {
		t.Run(name, func(t *testing.T) {
			l := list(t, "list", lists.Entry{APIPost: api, APIField: "server_count", Get: &e})
			_, client := open(t, []*lists.List{l})
			if v := post(t, client, []*lists.List{l}, lists.Count{BotID: bot, ServerCount: 4321}, "token")["list"]; !v.OK {
				t.Fatalf("%+v", v)
			}
			got := read(t, client, l)
			if got.ServerCount != 4321 || got.Username != "Sandbox Bot" || fmt.Sprint(got.Owners) != "[100000000000000001]" {
				t.Errorf("read %+v of %s", got, got.Lists[0].Data())
			}
			if name == "mapped" && (got.Discriminator != "1234" || got.Prefix != "!" || got.Website != "https://bot.example/" ||
				got.Invite != "https://discord.com/oauth2/authorize?client_id="+bot || got.Library != "sandbox-library" ||
				got.Github != "https://github.com/sandbox" || got.Support != "https://discord.gg/sandbox") {
				t.Errorf("read %+v of %s", got, got.Lists[0].Data())
			}
		})
	}
}

// Every list that ships takes a count, and shows it where it shows counts.
func TestShippedLists(t *testing.T) {
	c := shipped(t)
	var all []*lists.List
	for _, l := range c.Lists() {
		if l.TakesCounts() {
			all = append(all, l)
		}
	}
	s, client := open(t, c.Lists())
	for id, v := range post(t, client, all, lists.Count{BotID: bot, ServerCount: 99}, "bad") {
		if v.OK || v.Status != http.StatusUnauthorized {
			t.Errorf("%s: the bad token got %+v", id, v)
		}
	}
	count := lists.Count{BotID: bot, ServerCount: 4321, Shards: []int64{4321, 0}, ShardID: new(int64(0)), ShardCount: new(int64(2)), UserCount: new(int64(7))}
	for id, v := range post(t, client, all, count, "token") {
		if !v.OK {
			t.Errorf("%s: %+v; sent %s", id, v, s.Posts(id)[1].Body)
		}
	}
	for _, l := range all {
		takes, shows := l.APIField != "" || l.APIShards != "", true
		if l.Post != nil && l.Post.Fields != nil {
			takes = len(l.Post.Fields.ServerCount)+len(l.Post.Fields.Shards) > 0
		}
		if l.Get != nil && l.Get.Fields != nil {
			shows = len(l.Get.Fields.ServerCount) > 0
		}
		if n, ok := s.Count(l.ID, bot); takes && (!ok || n != 4321) {
			t.Errorf("%s: the count is %d, %v", l.ID, n, ok)
		}
		if !l.Readable() {
			continue
		}
		if got := read(t, client, l); got.Lists[0].Status != http.StatusOK || takes && shows && got.ServerCount != 4321 {
			t.Errorf("%s: read back %d of %d %s", l.ID, got.ServerCount, got.Lists[0].Status, got.Lists[0].Data())
		}
	}
}

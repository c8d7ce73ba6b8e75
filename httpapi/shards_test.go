package httpapi_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"aggregator/agent"
	"aggregator/httpapi"
	"aggregator/internal/testkit"
	"aggregator/lists"
	"aggregator/ratelimit"
	"aggregator/store"
)

// report reports two of three shards of a bot, or the third.
func report(t *testing.T, s service, bot, shards, more string, headers ...string) answer {
	t.Helper()
	body := `{"bot_id":"` + bot + `","shard_count":3,"shards":{` + shards + `}` + more + `}`
	return testkit.Send(t, "POST", s.base+"/api/shards", body, headers...)
}

const (
	twoOfThree = `{"known":2,"of":3,"missing":[2],"server_count":null,"posted":false,"next_post_at":null}`
	keyNeeded  = `{"error":true,"status":401,"message":"A key is needed"}`
)

func TestReportShards(t *testing.T) {
	t.Parallel()
	s := serve(t, store.NewMemory(store.MemoryOptions{}), testkit.Thanks)
	a := report(t, s, botA, `"0":1,"1":2`, `,"one.test":"list-token"`)
	if a.Status != 200 || a.Body != twoOfThree || a.Header.Get("Content-Type") != "application/json" || a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d %s %v", a.Status, a.Body, a.Header)
	}
	if policy := a.Header.Get("RateLimit-Policy"); policy != `"shards";q=60;w=60` {
		t.Errorf("RateLimit-Policy %s", policy)
	}
	const posted = `{"known":3,"of":3,"missing":[],"server_count":6,"posted":true,"next_post_at":null,"success":{"one.test":[200,"{}","{\"count\":6}"]},"failure":{}}`
	if a := report(t, s, botA, `"2":3`, `,"one.test":"list-token"`); a.Status != 200 || a.Body != posted {
		t.Errorf("%d %s\nwant %s", a.Status, a.Body, posted)
	}
	wantError(t, count(t, s, botA), 429, strings.Clone(count(t, s, botA).Body)) // the same bucket
	wantError(t, report(t, s, botA, `"3":3`, ""), 400, `{"error":true,"status":400,"message":"'shards' names a shard that does not exist"}`)
	if log := s.log.String(); !strings.Contains(log, `"route":"/api/shards"`) || strings.Contains(log, "list-token") {
		t.Errorf("log: %s", log)
	}
}

func TestReportShardsTooOften(t *testing.T) {
	t.Parallel()
	s := serve(t, store.NewMemory(store.MemoryOptions{}), testkit.Thanks)
	for range 60 {
		report(t, s, botA, `"0":1`, "").Want(t, 200)
		report(t, s, botA, `"3":1`, "").Want(t, 400) // uses nothing
	}
	a := report(t, s, botA, `"0":1`, "")
	if a.Status != 429 || !strings.Contains(a.Body, `"ratelimit_method":"POST","ratelimit_route":"/api/shards","ratelimit_ip":"127.0.0.1","ratelimit_bot_id":"`+botA+`"`) ||
		a.Header.Get("Retry-After") == "" || a.Header.Get("RateLimit-Policy") != `"shards";q=60;w=60` {
		t.Errorf("%d %s %v", a.Status, a.Body, a.Header)
	}
	report(t, s, botB, `"0":1`, "").Want(t, 200)
}

// Reports count for no other limit: neither do they use the network's, nor does a
// network that has used it up hear less.
func TestReportsCountForTheirOwnLimit(t *testing.T) {
	t.Parallel()
	memory := store.NewMemory(store.MemoryOptions{})
	s := serve(t, memory, testkit.Thanks, func(c *httpapi.Config) {
		c.NetworkLimit = ratelimit.New(memory.Windows(), ratelimit.Rate{Limit: 1, Period: time.Minute}, store.NewHasher(memory.Secret()))
	})
	for range 3 {
		report(t, s, botA, `"0":1`, "").Want(t, 200)
	}
	count(t, s, botA).Want(t, 200)
	count(t, s, botB).Want(t, 429)
	report(t, s, botA, `"0":1`, "").Want(t, 200)
}

// awayStore is a store that is away, as far as shards go.
type awayStore struct{ *store.Memory }

func (awayStore) Shards() store.Shards { return awayShards{} }

type awayShards struct{ store.Shards }

func (awayShards) Report(context.Context, store.ShardReport) (store.ShardSet, error) {
	return store.ShardSet{}, store.ErrAway
}

func TestReportShardsWithoutTheStore(t *testing.T) {
	t.Parallel()
	s := serve(t, awayStore{store.NewMemory(store.MemoryOptions{})}, testkit.Thanks)
	a := report(t, s, botA, `"0":1`, "")
	wantError(t, a, 503, busy)
	if a.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
}

func TestReportShardsWithAKey(t *testing.T) {
	t.Parallel()
	var tokens []string
	s := ownBots(t, time.Now, func(c lists.Call) lists.Answer {
		tokens = append(tokens, c.Token().Reveal())
		return lists.Answer{Status: 200, Body: []byte("ok")}
	})
	const right, without = "Bearer " + botKey, "333333333333333333"
	wantError(t, report(t, s, botA, `"3":1`, ""), 400, `{"error":true,"status":400,"message":"'shards' names a shard that does not exist"}`)
	wantError(t, report(t, s, botA, `"0":1`, ""), 401, keyNeeded)
	wantError(t, report(t, s, botA, `"0":1`, `,"one.test":"own-token"`), 401, keyNeeded)
	wantError(t, report(t, s, botA, `"0":1`, "", "Authorization", "no key needed for this"), 401, keyNeeded)
	wantError(t, report(t, s, botA, `"0":1`, "", "Authorization", "Bearer wrong"), 401, unknownKey)
	if a := report(t, s, without, `"0":1,"1":1`, `,"one.test":"x"`, "Authorization", "Bearer wrong"); a.Status != 200 || a.Body != twoOfThree {
		t.Errorf("a bot without a key: %d %s", a.Status, a.Body)
	}
	// The processes of one bot share a set, whatever tokens they send.
	if a := report(t, s, botA, `"0":1,"1":2`, `,"one.test":"another"`, "Authorization", right); a.Status != 200 || a.Body != twoOfThree {
		t.Errorf("two of three: %d %s", a.Status, a.Body)
	}
	const posted = `{"known":3,"of":3,"missing":[],"server_count":6,"posted":true,"next_post_at":null,"success":{"one.test":[200,"ok","{\"count\":6}"]},"failure":{}}`
	if a := report(t, s, botA, `"2":3`, "", "Authorization", right); a.Status != 200 || a.Body != posted {
		t.Errorf("the third: %d %s\nwant %s", a.Status, a.Body, posted)
	}
	if got := strings.Join(tokens, " "); got != "own-token" {
		t.Errorf("the list got %q", got)
	}
}

// What a bot's shards come to is what is posted for it by itself, whichever report
// was the last: the bot of the file is one whose count is pushed.
func TestReportsArePushed(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	var sent []string
	var own *agent.Agent
	s := ownBots(t, func() time.Time { return now }, func(c lists.Call) lists.Answer {
		sent = append(sent, c.Sent())
		return lists.Answer{Status: 200, Body: []byte("{}")}
	}, func(c *httpapi.Config) { own = c.Agent })
	// postsByItself wants what the agent sends, half an hour later.
	postsByItself := func(want ...string) {
		t.Helper()
		sent = nil
		now = now.Add(31 * time.Minute)
		if _, err := own.Once(t.Context()); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(sent, want) {
			t.Errorf("sent %q, want %q", sent, want)
		}
	}
	const right = "Bearer " + botKey
	reports := func(shards string) {
		t.Helper()
		report(t, s, botA, shards, "", "Authorization", right).Want(t, 200)
	}
	reports(`"0":1,"1":2`)
	postsByItself() // a part is no total
	reports(`"2":3`)
	reports(`"0":5`) // which does not post
	postsByItself(`{"count":10}`)
	report(t, s, botA, `"0":50`, "", "Authorization", right).Want(t, 200)
	testkit.Send(t, "POST", s.base+"/api/shards?dry_run", `{"bot_id":"`+botA+`","shard_count":3,"shards":{"0":500}}`, "Authorization", right).Want(t, 200)
	postsByItself(`{"count":55}`)
}

package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"aggregator/internal/testkit"
)

// shardsAnswer is the answer to a report of shards.
type shardsAnswer struct {
	Known, Of   int
	Missing     []int
	ServerCount *int64  `json:"server_count"`
	Posted      bool    `json:"posted"`
	NextPostAt  *string `json:"next_post_at"`
	Success     map[string]result
	raw         string
}

// shardReport is the body of a report of pairs of shards and counts.
func shardReport(bot string, of int, counts ...int) string {
	shards := map[string]int{}
	for pair := range slices.Chunk(counts, 2) {
		shards[fmt.Sprint(pair[0])] = pair[1]
	}
	object, _ := json.Marshal(shards) // numbers marshal
	return fmt.Sprintf(`{"bot_id":%q,"shard_count":%d,"shards":%s,"array.test":"t","one.test":"t"}`, bot, of, object)
}

func parseShards(t *testing.T, a answer) shardsAnswer {
	t.Helper()
	if a.Status != 200 {
		t.Fatalf("status %d: %s", a.Status, a.Body)
	}
	s := shardsAnswer{raw: a.Body}
	if err := json.Unmarshal([]byte(a.Body), &s); err != nil {
		t.Fatalf("%v: %s", err, a.Body)
	}
	return s
}

func (s *running) report(t *testing.T, body string, headers ...string) shardsAnswer {
	t.Helper()
	return parseShards(t, testkit.Send(t, "POST", s.Base+"/api/shards", body, headers...))
}

// reportAtOnce has processes report one shard each, at once, and returns how many
// of them posted.
func reportAtOnce(t *testing.T, bot string, processes int, base func(i int) string) (posts int) {
	t.Helper()
	answers := make([]timed, processes)
	var all sync.WaitGroup
	for i := range processes {
		all.Go(func() {
			answers[i] = ask(t.Context(), "POST", base(i)+"/api/shards", shardReport(bot, processes, i, 100+i), "X-Forwarded-For", fmt.Sprintf("192.0.2.%d", i/2))
		})
	}
	all.Wait()
	for _, a := range answers {
		if a.err != nil {
			t.Fatal(a.err)
		}
		if s := parseShards(t, a.answer); s.Posted {
			posts++
		}
	}
	return posts
}

// wantPosts wants each of two lists to have been told a total once.
func (r *rig) wantPosts(t *testing.T, total, of int) {
	t.Helper()
	var got []string
	for _, asked := range r.Take() {
		got = append(got, asked.List+" "+asked.Body)
	}
	slices.Sort(got)
	want := []string{"array.test ", fmt.Sprintf(`one.test {"server_count":%d}`, total)}
	if len(got) != 2 || !strings.HasPrefix(got[0], want[0]) || !strings.Contains(got[0], fmt.Sprintf(`"shard_count":%d,"shards":[`, of)) || got[1] != want[1] {
		t.Errorf("the lists were sent %q, want the shards, and %q", got, want[1])
	}
}

// TestShardProcesses has ten processes report at once, in each round: one of them
// posts.
func TestShardProcesses(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.boot(t, "--trusted-proxies", "127.0.0.1")
	bot := newBot()
	for round := range 5 {
		if posts := reportAtOnce(t, bot, 10, func(int) string { return s.Base }); posts != 1 {
			t.Errorf("round %d: %d of ten processes posted, want one", round, posts)
		}
		r.wantPosts(t, 1045, 10)
	}
}

// TestShardsArePaced has a set reported again within 120 s of its post, from
// another network too.
func TestShardsArePaced(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.bootLimited(t, "--trusted-proxies", "127.0.0.1")
	bot := newBot()
	if a := s.report(t, shardReport(bot, 2, 0, 5, 1, 6)); !a.Posted || a.NextPostAt != nil {
		t.Errorf("the first: %s", a.raw)
	}
	r.wantPosts(t, 11, 2)
	for i := range 3 {
		a := s.report(t, shardReport(bot, 2, 0, 7, 1, 8), "X-Forwarded-For", fmt.Sprintf("192.0.2.%d", i))
		if a.Posted || a.NextPostAt == nil || a.ServerCount == nil || *a.ServerCount != 15 {
			t.Errorf("again: %s", a.raw)
		}
	}
	if asked := r.Take(); len(asked) > 0 {
		t.Errorf("posts within 120 s: %+v", asked)
	}
}

func TestShardsOnReplicas(t *testing.T) {
	t.Parallel()
	redis := startRedis(t)
	r := newRig(t)
	var replicas []*process
	for range 3 {
		replicas = append(replicas, r.replica(t, redis, "--limit-count", "off"))
	}
	bot := newBot()
	for round := range 3 {
		if posts := reportAtOnce(t, bot, 12, func(i int) string { return replicas[i%3].Base }); posts != 1 {
			t.Errorf("round %d: %d of twelve processes posted, want one", round, posts)
		}
		r.wantPosts(t, 1266, 12)
	}
	// One is killed: the others know what it was told.
	other := newBot()
	if a := replicas[0].report(t, shardReport(other, 3, 0, 5)); a.Known != 1 {
		t.Errorf("the first part: %s", a.raw)
	}
	replicas[0].exe.Signal(t, syscall.SIGKILL)
	testkit.Receive(t, "the end", replicas[0].exe.Done)
	if a := replicas[1].report(t, shardReport(other, 3, 1, 6)); a.Known != 2 || !slices.Equal(a.Missing, []int{2}) {
		t.Errorf("the second part: %s", a.raw)
	}
	if a := replicas[2].report(t, shardReport(other, 3, 2, 7)); !a.Posted || *a.ServerCount != 18 {
		t.Errorf("the third part: %s", a.raw)
	}
	r.wantPosts(t, 18, 3)

	redis.kill()
	testkit.Eventually(t, func() error {
		a := testkit.Send(t, "POST", replicas[1].Base+"/api/shards", shardReport(newBot(), 2, 0, 1))
		if a.Status != 503 || !strings.Contains(a.Body, `"Service is busy"`) || a.Header.Get("Retry-After") == "" {
			return fmt.Errorf("without Redis: %d %s, want 503", a.Status, a.Body)
		}
		return nil
	})
}

// TestShardsSurviveKill ends the service by kill -9 between two halves, and again
// after the post.
func TestShardsSurviveKill(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	store := "sqlite:" + filepath.Join(t.TempDir(), "shards.db")
	bot := newBot()
	kill := func(p *process) {
		p.exe.Signal(t, syscall.SIGKILL)
		testkit.Receive(t, "the end", p.exe.Done)
	}
	p := r.start(t, nil, "--store", store)
	if a := p.report(t, shardReport(bot, 4, 0, 10, 1, 20)); a.Known != 2 {
		t.Errorf("the first half: %s", a.raw)
	}
	kill(p)
	p = r.start(t, nil, "--store", store)
	if a := p.report(t, shardReport(bot, 4, 2, 30, 3, 40)); !a.Posted || *a.ServerCount != 100 {
		t.Errorf("the second half, after a kill: %s", a.raw)
	}
	r.wantPosts(t, 100, 4)
	kill(p)
	p = r.start(t, nil, "--store", store)
	if a := p.report(t, shardReport(bot, 4, 0, 11, 1, 21, 2, 31, 3, 41)); a.Posted || a.NextPostAt == nil || *a.ServerCount != 104 {
		t.Errorf("after a post and a kill: %s", a.raw)
	}
	if asked := r.Take(); len(asked) > 0 {
		t.Errorf("it was posted again: %+v", asked)
	}
}

func TestShardTTLFlag(t *testing.T) {
	t.Parallel()
	for value, ok := range map[string]bool{"5m": true, "168h": true, "4m59s": false, "168h1s": false, "24": false, "": false} {
		f := new(ttlFlag)
		if err := f.Set(value); (err == nil) != ok {
			t.Errorf("%q: %v, want it taken: %v", value, err, ok)
		}
	}
	e := runToEnd(t, nil, "serve", "--listen", anyPort, "--shard-ttl", "1m")
	if e.Code != exitUsage || !strings.Contains(e.ErrOut, `--shard-ttl "1m": want a time from 5m to 168h`) {
		t.Errorf("ended with %d: %s", e.Code, e.ErrOut)
	}
}

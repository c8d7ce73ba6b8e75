package aggregate_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"aggregator/aggregate"
	"aggregator/catalog"
	"aggregator/httpapi"
	"aggregator/internal/testkit"
	"aggregator/lists"
	"aggregator/ratelimit"
	"aggregator/shares"
	"aggregator/store"
	"aggregator/store/sqlite"
)

const shardLists = `
lists:
  array.test:
    name: Array
    url: "https://array.test/"
    api_post: "https://array.test/:id"
    api_field: n
    api_shard_id: shard_id
    api_shard_count: shard_count
    api_shards: shards
  paced.test:
    name: Paced
    url: "https://paced.test/"
    api_post: "https://paced.test/:id"
    api_field: n
    post: {limits: [{per: token, requests: 1, seconds: 3600}]}
  total.test:
    name: Total
    url: "https://total.test/"
    api_post: "https://total.test/:id"
    api_field: n
    api_shard_id: shard_id
    api_shard_count: shard_count
`

// shardFixture is an Aggregator to which shards are reported.
type shardFixture struct {
	*aggregate.Aggregator
	*testing.T
	clock *testkit.Clock
	posts atomic.Int64
	store store.Store
}

func newShardFixture(t *testing.T, change ...func(*aggregate.Config)) *shardFixture {
	t.Helper()
	f := &shardFixture{T: t, clock: testkit.NewClock()}
	live, _, err := catalog.NewLive(func() (*catalog.Catalog, []string, error) {
		return catalog.Load([]catalog.File{{Name: "lists.yaml", Data: []byte(shardLists)}}, catalog.File{Name: "legacy_ids.yaml", Data: []byte("old.test: total.test\n")})
	})
	if err != nil {
		t.Fatal(err)
	}
	f.store = store.NewMemory(store.MemoryOptions{Now: f.clock.Now})
	t.Cleanup(func() { _ = f.store.Close() })
	hash := store.NewHasher(f.store.Secret())
	c := aggregate.Config{
		Catalog: live,
		Runner: testkit.Runner(func(lists.Call) lists.Answer {
			f.posts.Add(1)
			return lists.Answer{Status: 200, Body: []byte("{}")}
		}),
		CountLimit: ratelimit.New(f.store.Windows(), ratelimit.Rate{Limit: 1, Period: 120 * time.Second}, hash),
		ShardLimit: ratelimit.New(f.store.Windows(), aggregate.ShardRate, hash),
		Shards:     f.store.Shards(), ShardTTL: 24 * time.Hour, Hash: hash,
		Holds: aggregate.NewHolds(f.store.Windows(), hash, f.clock.Now, slog.New(slog.DiscardHandler)),
	}
	for _, change := range change {
		change(&c)
	}
	f.Aggregator = aggregate.New(c)
	return f
}

// shardBody is the body of a report of a bot with four shards.
func shardBody(shards, more string) string {
	return `{"bot_id":"` + someBot + `","shard_count":4,"shards":{` + shards + `}` + more + `}`
}

func fromNetwork(n int) aggregate.Caller {
	return aggregate.Caller{IP: netip.AddrFrom4([4]byte{192, 0, 2, byte(n)})}
}

func (f *shardFixture) report(from aggregate.Caller, body string, change ...func(*aggregate.ShardsRequest)) (aggregate.ShardsAnswer, error) {
	f.Helper()
	r, err := httpapi.ParseShards([]byte(body))
	if err != nil {
		f.Fatalf("%s: %v", body, err)
	}
	for _, change := range change {
		change(&r)
	}
	return f.ReportShards(f.Context(), r, from)
}

// says wants a report to be answered so.
func (f *shardFixture) says(from aggregate.Caller, body, want string, change ...func(*aggregate.ShardsRequest)) {
	f.Helper()
	a, err := f.report(from, body, change...)
	if err != nil {
		f.Fatalf("%s: %v", body, err)
	}
	if got := asJSON(f, a); got != want {
		f.Errorf("%s\nsays %s\nwant %s", body, got, want)
	}
}

func keyed(r *aggregate.ShardsRequest)    { r.Keyed = true }
func isDryRun(r *aggregate.ShardsRequest) { r.DryRun = true }

// part is the answer to a report of a part of four shards.
func part(missing string) string {
	known := 4 - len(strings.Split(missing, ","))
	return fmt.Sprintf(`{"known":%d,"of":4,"missing":[%s],"server_count":null,"posted":false,"next_post_at":null}`, known, missing)
}

// waiting is the answer to a report of a complete set that is not posted.
func waiting(total int, next string) string {
	return fmt.Sprintf(`{"known":4,"of":4,"missing":[],"server_count":%d,"posted":false,"next_post_at":"2026-11-22T%sZ"}`, total, next)
}

// posted is the answer to a report that posted to one list.
func posted(total int, list, sent string) string {
	return fmt.Sprintf(`{"known":4,"of":4,"missing":[],"server_count":%d,"posted":true,"next_post_at":null,"success":{"%s":[200,"{}","%s"]},"failure":{}}`,
		total, list, strings.ReplaceAll(sent, `"`, `\"`))
}

const (
	toTotal = `,"total.test":"t"`
	toPaced = `,"paced.test":"p"`
	all     = `"0":1,"1":2,"2":3,"3":4`
)

func TestShards(t *testing.T) {
	t.Parallel()
	one, two := fromNetwork(1), fromNetwork(2)
	total := func(n int) string { return posted(n, "total.test", fmt.Sprintf(`{"n":%d,"shard_count":4}`, n)) }
	for name, test := range map[string]func(*shardFixture){
		"two halves": func(f *shardFixture) {
			f.says(one, shardBody(`"0":1333,"1":1290`, toTotal), part("2,3"))
			f.says(one, shardBody(`"0":1334`, toTotal), part("2,3"))
			f.says(two, shardBody(`"2":10,"3":0`, toTotal), total(2634))
		},
		"one shard at a time": func(f *shardFixture) {
			for i, missing := range []string{"1,2,3", "2,3", "3"} {
				f.says(one, fmt.Sprintf(`{"bot_id":%q,"shard_count":4,"shard_id":%d,"server_count":5%s}`, someBot, i, toTotal), part(missing))
			}
			f.says(one, `{"bot_id":"`+someBot+`","shard_count":4,"shard_id":3,"server_count":5`+toTotal+`}`, total(20))
		},
		"a list that takes the array gets it": func(f *shardFixture) {
			f.says(one, shardBody(all, `,"array.test":"t"`), posted(10, "array.test", `{"shard_count":4,"shards":[1,2,3,4]}`))
		},
		"none has a server": func(f *shardFixture) {
			f.says(one, shardBody(`"0":0,"1":0,"2":0,"3":0`, `,"array.test":"t"`), posted(0, "array.test", `{"shard_count":4,"shards":[0,0,0,0]}`))
		},
		"a round": func(f *shardFixture) {
			f.says(one, shardBody(all, toTotal), total(10))
			f.says(one, shardBody(all, toTotal), waiting(10, "12:02:00"))
			f.clock.Advance(119 * time.Second)
			f.says(two, shardBody(all, toTotal), waiting(10, "12:02:00"))
			f.clock.Advance(time.Second)
			f.says(two, shardBody(`"0":2`, toTotal), total(11)) // all have reported since
			f.clock.Advance(5 * time.Minute)
			f.says(one, shardBody(`"0":1,"1":1,"2":1`, toTotal), waiting(7, "12:07:00"))
			f.says(one, shardBody(`"3":1`, toTotal), total(4))
		},
		"the last post is long ago": func(f *shardFixture) {
			f.says(one, shardBody(all, toTotal), total(10))
			f.clock.Advance(10*time.Minute - time.Second)
			f.says(one, shardBody(`"0":2`, toTotal), waiting(11, "12:09:59"))
			f.clock.Advance(time.Second)
			f.says(one, shardBody(`"1":3`, toTotal), total(12))
		},
		"from wherever": func(f *shardFixture) {
			f.says(one, shardBody(all, toTotal), total(10))
			f.clock.Advance(60 * time.Second)
			f.says(two, shardBody(all, toTotal), waiting(10, "12:02:00"))
		},
		"the window is used by a count": func(f *shardFixture) {
			if _, err := f.Count(f.Context(), request(f, `"total.test":"t"`), one); err != nil {
				f.Fatal(err)
			}
			f.clock.Advance(1500 * time.Millisecond)
			f.says(one, shardBody(all, toTotal), waiting(10, "12:02:00"))
			f.says(two, shardBody(`"0":2`, toTotal), total(11)) // which has one
		},
		"and by a set": func(f *shardFixture) {
			f.says(one, shardBody(all, toTotal), total(10))
			if _, err := f.Count(f.Context(), request(f, `"total.test":"t"`), one); !isLimited(err) {
				f.Errorf("a count in the window of a post: %v", err)
			}
			f.says(one, shardBody(all, toTotal+`,"array.test":"t"`), waiting(10, "12:02:00")) // another set
		},
		"held back": func(f *shardFixture) {
			f.says(one, shardBody(all, toPaced), posted(10, "paced.test", `{"n":10}`))
			f.clock.Advance(10 * time.Minute)
			const over = `{"known":4,"of":4,"missing":[],"server_count":10,"posted":false,"next_post_at":null,"skipped":{"paced.test":"Paced: next post at 2026-11-22T13:00:00Z"}}`
			f.says(one, shardBody(all, toPaced), over)
			f.says(one, shardBody(all[:5], toPaced), waiting(10, "12:10:00")) // the round is over
			if _, err := f.Count(f.Context(), request(f, `"total.test":"t"`), one); err != nil {
				f.Errorf("a window was used: %v", err)
			}
		},
		"skipped": func(f *shardFixture) {
			f.says(one, shardBody(all, toTotal+`,"nowhere.test":"x"`), strings.TrimSuffix(total(10), "}")+`,"skipped":{"nowhere.test":"Unknown list"}}`)
		},
		"sets of other tokens are others": func(f *shardFixture) {
			f.says(one, shardBody(`"0":1,"1":2,"2":3`, toTotal), part("3"))
			f.says(one, shardBody(`"3":9`, `,"total.test":"u"`), part("0,1,2"))
			f.says(one, shardBody(`"3":9`, toTotal+`,"array.test":"t"`), part("0,1,2"))
			f.says(one, shardBody(`"3":9`, toTotal), total(15))
		},
		"what counts for nothing parts no set": func(f *shardFixture) {
			f.says(one, shardBody(`"0":1`, toTotal), part("1,2,3"))
			f.says(one, shardBody(`"1":1`, `,"old.test":"t"`), part("2,3"))
			f.says(one, shardBody(`"2":1`, `,"tokens":{"total.test":"t"},"array.test":" "`), part("3"))
			f.says(one, shardBody(`"3":1`, toTotal+`,"array.test":null,"nowhere.test":"x"`),
				strings.TrimSuffix(total(4), "}")+`,"skipped":{"array.test":"No token","nowhere.test":"Unknown list"}}`)
		},
		"without a token": func(f *shardFixture) {
			f.says(one, shardBody(`"0":1`, ""), part("1,2,3"))
			f.says(one, shardBody(`"1":1`, `,"nowhere.test":"x","total.test":""`), part("0,2,3"))
			f.says(one, shardBody(all, ""), `{"known":4,"of":4,"missing":[],"server_count":10,"posted":false,"next_post_at":null}`)
			f.says(one, shardBody(all, ""), `{"known":4,"of":4,"missing":[],"server_count":10,"posted":false,"next_post_at":null}`)
		},
		"with a key": func(f *shardFixture) {
			f.says(one, shardBody(`"0":1,"1":1`, toTotal), part("2,3"), keyed)
			f.says(two, shardBody(`"2":1`, `,"total.test":"u"`), part("3"), keyed)
			f.says(two, shardBody(`"3":1`, toTotal), part("0,1,2")) // a stranger's
			f.says(one, shardBody(`"3":1`, toTotal), total(4), keyed)
		},
		"with a key and without a token": func(f *shardFixture) {
			f.says(one, shardBody(all, ""), `{"known":4,"of":4,"missing":[],"server_count":10,"posted":false,"next_post_at":null}`, keyed)
			f.says(one, shardBody(`"0":5`, ""), waiting(14, "12:00:00"), keyed)
		},
		"another number of shards": func(f *shardFixture) {
			f.says(one, shardBody(all, toTotal), total(10))
			f.says(one, `{"bot_id":"`+someBot+`","shard_count":2,"shards":{"1":1}`+toTotal+`}`, `{"known":1,"of":2,"missing":[0],"server_count":null,"posted":false,"next_post_at":null}`)
			f.says(one, shardBody(all[:5], toTotal), waiting(10, "12:02:00"))
			f.says(two, `{"bot_id":"`+someBot+`","shard_count":2,"shards":{"0":1}`+toTotal+`}`,
				`{"known":2,"of":2,"missing":[],"server_count":2,"posted":true,"next_post_at":null,"success":{"total.test":[200,"{}","{\"n\":2,\"shard_count\":2}"]},"failure":{}}`)
			f.says(one, shardBody(all[:5], toTotal), part("1,2,3")) // forgotten
		},
		"what is kept for a time": func(f *shardFixture) {
			f.says(one, shardBody(`"0":1,"1":1,"2":1`, toTotal), part("3"))
			f.clock.Advance(24*time.Hour + time.Second)
			f.says(one, shardBody(`"3":1`, toTotal), part("0,1,2"))
		},
		"a dry run": func(f *shardFixture) {
			f.says(one, shardBody(`"0":1,"1":2`, toTotal+`,"nowhere.test":"x"`), `{"dry_run":true,"known":2,"of":4,"missing":[2,3],"server_count":null,"requests":{},"skipped":{"nowhere.test":"Unknown list"}}`, isDryRun)
			f.says(one, shardBody(`"0":1,"1":2`, toTotal), part("2,3"))
			f.says(one, shardBody(`"2":3,"3":4`, toTotal), `{"dry_run":true,"known":4,"of":4,"missing":[],"server_count":10,"requests":{"total.test":{"method":"POST","url":"https://total.test/`+someBot+`","headers":{"Content-Type":"application/json","Authorization":"***","User-Agent":""},"body":"{\"n\":10,\"shard_count\":4}"}},"skipped":{}}`, isDryRun)
			f.says(one, shardBody(`"2":3`, toTotal), part("3"))
			if n := f.posts.Load(); n != 0 {
				f.Errorf("%d posts went out", n)
			}
		},
		"a dry run without a token": func(f *shardFixture) {
			f.says(one, shardBody(all, ""), `{"dry_run":true,"known":4,"of":4,"missing":[],"server_count":10,"requests":{},"skipped":{}}`, isDryRun)
		},
		"a total that is too large": func(f *shardFixture) {
			f.says(one, shardBody(`"0":9007199254740991`, toTotal), part("1,2,3"))
			_, err := f.report(one, shardBody(`"1":0,"2":1`, toTotal))
			if got := messageOf(f, err); got != "'shards' contains incorrect values" {
				f.Errorf("%s", got)
			}
			f.says(one, shardBody(`"3":0`, toTotal), part("1,2")) // nothing of it is kept
		},
	} {
		t.Run(name, func(t *testing.T) { t.Parallel(); test(newShardFixture(t)) })
	}
}

func TestShardsOtherRates(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		rate ratelimit.Rate
		pace time.Duration
	}{
		{"off", ratelimit.Rate{}, 0},
		{"another", ratelimit.Rate{Limit: 2, Period: time.Minute}, 30 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newShardFixture(t, func(c *aggregate.Config) {
				c.CountLimit = ratelimit.New(store.NewMemory(store.MemoryOptions{}).Windows(), tt.rate, c.Hash)
			})
			for i := range 3 {
				if i > 0 && tt.pace > 0 {
					f.clock.Advance(tt.pace - time.Millisecond)
					if a, err := f.report(fromNetwork(i), shardBody(all, toTotal)); err != nil || a.Posted {
						t.Fatalf("a moment too early: %+v, %v", a, err)
					}
					f.clock.Advance(time.Millisecond)
				}
				if a, err := f.report(fromNetwork(i), shardBody(all, toTotal)); err != nil || !a.Posted {
					t.Errorf("post %d: %+v, %v", i, a, err)
				}
			}
		})
	}
}

// Its limit is the report's own: at least 60 a minute, and twice as many as there
// are shards.
func TestShardLimit(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ of, want int }{{1, 60}, {30, 60}, {31, 62}, {150, 300}, {1000, 2000}, {20_000, 2000}} {
		t.Run(fmt.Sprint(tt.of), func(t *testing.T) {
			t.Parallel()
			f := newShardFixture(t)
			body := fmt.Sprintf(`{"bot_id":"%s","shard_count":%d,"shards":{"0":1}}`, someBot, tt.of)
			dry := func(r *aggregate.ShardsRequest) { r.DryRun = tt.of%2 == 0 } // which counts too
			for i := range tt.want {
				a, err := f.report(fromNetwork(1), body, dry)
				if err != nil || a.Window == nil || a.Window.Limit != int64(tt.want) || a.Window.Remaining != int64(tt.want-i-1) {
					t.Fatalf("report %d: %+v, %v", i, a.Window, err)
				}
			}
			_, err := f.report(fromNetwork(1), body, dry)
			limited, ok := errors.AsType[*aggregate.LimitedError](err)
			if !ok || limited.Scope.Name != "shards" || limited.Decision.Period != time.Minute {
				t.Errorf("one more: %v", err)
			}
			if _, err := f.report(fromNetwork(2), body, dry); err != nil {
				t.Errorf("another network: %v", err)
			}
			f.clock.Advance(time.Minute)
			if _, err := f.report(fromNetwork(1), body, dry); err != nil {
				t.Errorf("a minute later: %v", err)
			}
		})
	}
}

// awayShards are those of a store that is away.
type awayShards struct{ store.Shards }

func (awayShards) Report(context.Context, store.ShardReport) (store.ShardSet, error) {
	return store.ShardSet{}, store.ErrAway
}

func TestShardsWithoutTheStore(t *testing.T) {
	t.Parallel()
	f := newShardFixture(t, func(c *aggregate.Config) { c.Shards = awayShards{} })
	for range 100 { // a 503 uses no window
		if _, err := f.report(fromNetwork(1), shardBody(all, toTotal)); !errors.Is(err, aggregate.ErrBusy) {
			t.Fatalf("%v, want ErrBusy", err)
		}
	}
}

// A report for whose posts there is no room is an error, and the next one posts.
func TestShardsWithoutRoom(t *testing.T) {
	t.Parallel()
	var full atomic.Bool
	f := newShardFixture(t)
	config := f.Config
	config.Admit = func(_ context.Context, _ netip.Prefix, _ []lists.Call) (aggregate.Room, error) {
		if full.Load() {
			return nil, shares.ErrBusy
		}
		return openRoom{config.Runner}, nil
	}
	f.Aggregator = aggregate.New(config)
	full.Store(true)
	if _, err := f.report(fromNetwork(1), shardBody(all, toTotal)); !errors.Is(err, aggregate.ErrBusy) {
		t.Errorf("%v, want ErrBusy", err)
	}
	full.Store(false)
	if a, err := f.report(fromNetwork(1), shardBody(all[:5], toTotal)); err != nil || !a.Posted {
		t.Errorf("%+v, %v; want a post", a, err)
	}
}

// openRoom is room that is never short.
type openRoom struct{ aggregate.Runner }

func (r openRoom) Run(ctx context.Context, op lists.Op, calls []lists.Call, _ func(int, *lists.Answer)) []lists.Answer {
	return r.Runner.Run(ctx, op, netip.Prefix{}, calls)
}
func (openRoom) Memory() *shares.Grant { return nil }
func (openRoom) Leave()                {}

// Of many reports at once that complete a set, one posts, whichever networks they
// come from: one whose window is used leaves the round to the others.
func TestOneOfManyReportsPosts(t *testing.T) {
	t.Parallel()
	f := newShardFixture(t)
	if _, err := f.Count(t.Context(), request(t, `"total.test":"t"`), fromNetwork(0)); err != nil {
		t.Fatal(err)
	}
	f.posts.Store(0)
	var posts atomic.Int64
	var reports sync.WaitGroup
	for i := range 30 {
		reports.Go(func() {
			a, err := f.report(fromNetwork(i%3), shardBody(all, toTotal))
			if err != nil {
				t.Error(err)
			}
			if a.Posted {
				posts.Add(1)
			}
		})
	}
	reports.Wait()
	if posts.Load() != 1 || f.posts.Load() != 1 {
		t.Errorf("%d reports posted, %d posts went out; want one", posts.Load(), f.posts.Load())
	}
}

// Where callers seem to come from one proxy, no bot uses the share of another.
func TestShardsOfManyCallers(t *testing.T) {
	t.Parallel()
	f := newShardFixture(t)
	seen := &seenReports{Shards: f.store.Shards()}
	config := f.Config
	config.Shards = seen
	f.Aggregator = aggregate.New(config)
	many := fromNetwork(1)
	many.Many = true
	other := func(r *aggregate.ShardsRequest) { r.BotID = "999999999999999999" }
	for _, report := range []struct {
		from   aggregate.Caller
		change func(*aggregate.ShardsRequest)
	}{{fromNetwork(1), isDryRun}, {fromNetwork(1), other}, {fromNetwork(2), isDryRun}, {many, isDryRun}, {many, other}, {many, keyed}} {
		if _, err := f.report(report.from, shardBody(`"0":1`, toTotal), report.change); err != nil {
			t.Fatal(err)
		}
	}
	n := seen.networks
	if n[0] != n[1] || n[0] == n[2] || n[3] == n[4] || n[3] == n[0] || n[5] != (store.Key{}) || slices.Contains(n[:5], store.Key{}) {
		t.Errorf("networks %x", n)
	}
}

type seenReports struct {
	store.Shards
	networks []store.Key
}

func (s *seenReports) Report(ctx context.Context, r store.ShardReport) (store.ShardSet, error) {
	s.networks = append(s.networks, r.Network)
	return s.Shards.Report(ctx, r)
}

// What lies in the store of sets are keyed hashes: neither tokens nor bots nor
// networks.
func TestShardsInTheStoreHoldNoToken(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	st, err := sqlite.Open(filepath.Join(folder, "store.db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	f := newShardFixture(t, func(c *aggregate.Config) {
		c.Shards, c.Hash = st.Shards(), store.NewHasher(st.Secret())
	})
	for shard := range 3 {
		a, err := f.report(fromNetwork(shard), shardBody(fmt.Sprintf(`"%d":5`, shard), `,"total.test":"a-token"`))
		if err != nil || a.Known != shard+1 {
			t.Fatalf("report %d: %+v, %v", shard, a, err)
		}
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(folder, "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	raw := fromNetwork(0).IP.As4()
	for _, secret := range []string{"a-token", someBot, "192.0.2.", string(raw[:])} {
		if bytes.Contains(data, []byte(secret)) {
			t.Errorf("the store holds %q", secret)
		}
	}
}

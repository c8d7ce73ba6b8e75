package aggregate

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"aggregator/internal/testkit"
	"aggregator/shares"
	"aggregator/store"
)

// keyOf returns the nth key.
func keyOf(n int) store.Key { return store.Key{byte(n), byte(n >> 8), byte(n >> 16)} }

// networkOf returns the nth network; the zero one for 0.
func networkOf(n int) netip.Prefix {
	if n == 0 {
		return netip.Prefix{}
	}
	return shares.Network(netip.AddrFrom4([4]byte{192, 0, 2, byte(n)}))
}

// held returns which of the first n keys a cache holds.
func held(c *cache[int], n int) string {
	text := ""
	for i := range n {
		if v, ok := c.get(keyOf(i)); ok {
			text += fmt.Sprintf("%d=%d ", i, v)
		}
	}
	return text
}

// TestCacheMakesRoom has which values stay where there is no room for all: a
// cache has room for 16 of them here, and one network for 4.
func TestCacheMakesRoom(t *testing.T) {
	t.Parallel()
	type put struct {
		key, network int
		bytes        int
		ttl          time.Duration
	}
	const value = 1 << 10
	fill := func(keys ...int) (all []put) { // 4 values of each network
		for _, k := range keys {
			all = append(all, put{k, 1 + k/4, value, time.Hour + time.Duration(k)*time.Second})
		}
		return all
	}
	sixteen := fill(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
	const all = "0=0 1=1 2=2 3=3 4=4 5=5 6=6 7=7 8=8 9=9 10=10 11=11 12=12 13=13 14=14 15=15 "
	for _, tt := range []struct {
		name string
		puts []put
		want string
	}{
		{"all fit", sixteen, all},
		{"a network at its share makes room in its own", append(fill(4, 5, 6, 7), put{16, 2, value, time.Minute}), "5=1 6=2 7=3 16=4 "},
		{"of another network the soonest to end goes", append(sixteen, put{16, 9, value, time.Minute}), "1=1 2=2 3=3 4=4 5=5 6=6 7=7 8=8 9=9 10=10 11=11 12=12 13=13 14=14 15=15 16=16 "},
		{"no network, no share", []put{{0, 0, value, 5}, {1, 0, value, 5}, {2, 0, value, 5}, {3, 0, value, 5}, {4, 0, value, 5}}, "0=0 1=1 2=2 3=3 4=4 "},
		{"one that is a share", []put{{0, 1, value, time.Hour}, {1, 1, 4*(value+cachedCost) - cachedCost, time.Minute}}, "1=1 "},
		{"one that is larger than a share", []put{{0, 1, value, time.Hour}, {1, 1, 4*(value+cachedCost) - cachedCost + 1, time.Hour}}, "0=0 "},
		{"one that is larger than a share, of no network", []put{{0, 0, 4*(value+cachedCost) - cachedCost + 1, time.Hour}}, ""},
		{"one whose time is over", []put{{0, 1, value, 0}}, ""},
		{"again", []put{{0, 1, value, time.Hour}, {0, 2, value, time.Hour}}, "0=1 "},
	} {
		c := newCache[int](16*(value+cachedCost), testkit.NewClock().Now)
		for i, p := range tt.puts {
			c.put(keyOf(p.key), i, p.bytes, c.now().Add(p.ttl), networkOf(p.network))
		}
		if got := held(c, 20); got != tt.want {
			t.Errorf("%s: holds %s\nwant %s", tt.name, got, tt.want)
		}
	}
}

// TestCacheEnds has values go when their time is over.
func TestCacheEnds(t *testing.T) {
	t.Parallel()
	clock := testkit.NewClock()
	c := newCache[int](1<<20, clock.Now)
	c.put(keyOf(1), 1, 0, clock.Now().Add(time.Second), networkOf(1))
	clock.Advance(time.Second - 1)
	if _, ok := c.get(keyOf(1)); !ok {
		t.Error("gone before its time")
	}
	clock.Advance(1)
	if _, ok := c.get(keyOf(1)); ok {
		t.Error("there after its time")
	}
	c.put(keyOf(2), 2, 0, clock.Now().Add(time.Second), networkOf(2))
	if len(c.byKey) != 1 || c.bytes != cachedCost || len(c.networks) != 1 {
		t.Errorf("%d values of %d bytes, of %d networks; want 1 of %d, 1", len(c.byKey), c.bytes, len(c.networks), cachedCost)
	}
}

// TestCacheAddsUp puts at random and checks what the cache counts.
func TestCacheAddsUp(t *testing.T) {
	t.Parallel()
	clock := testkit.NewClock()
	c := newCache[int](20_000, clock.Now)
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	for i := range 5_000 {
		c.put(keyOf(random.IntN(200)), i, random.IntN(2_000), clock.Now().Add(time.Duration(random.IntN(60))*time.Second), networkOf(random.IntN(8)))
		clock.Advance(time.Duration(random.IntN(500)) * time.Millisecond)
		bytes, of := 0, map[netip.Prefix]int{}
		for _, e := range c.byKey {
			bytes += e.bytes
			of[e.share.network] += e.bytes
		}
		if bytes != c.bytes || bytes > c.maxBytes || len(c.byKey) != len(c.queue.all) || len(of) != len(c.networks) {
			t.Fatalf("seed %d, put %d: counts %d bytes, %d values, %d networks; has %d, %d, %d", seed, i, c.bytes, len(c.queue.all), len(c.networks), bytes, len(c.byKey), len(of))
		}
		for network, n := range of {
			if s := c.networks[network]; s.bytes != n || network.IsValid() && n > c.maxBytes/cacheShares {
				t.Fatalf("seed %d, put %d: %s counts %d bytes, has %d", seed, i, network, s.bytes, n)
			}
		}
	}
}

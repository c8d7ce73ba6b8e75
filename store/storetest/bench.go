package storetest

import (
	"fmt"
	"testing"
	"time"

	"aggregator/store"
)

// BenchmarkShards measures reports of one shard each, of sets that are complete.
func BenchmarkShards(b *testing.B, shards store.Shards) {
	for _, of := range []int{16, 1_000, store.MaxShards} {
		b.Run(fmt.Sprintf("of%d", of), func(b *testing.B) {
			r := store.ShardReport{Set: store.Key{1: byte(of)}, Network: store.Key{1}, Of: of, TTL: time.Hour, Pace: time.Minute, Round: time.Hour}
			for shard := range of {
				r.Counts = append(r.Counts, store.ShardCount{Shard: shard, Count: 1})
			}
			if set, err := shards.Report(b.Context(), r); err != nil || !set.Complete() {
				b.Fatal(set.Known, err)
			}
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				r.Counts = []store.ShardCount{{Shard: n % of, Count: int64(n)}}
				if _, err := shards.Report(b.Context(), r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkState measures claims of a thousand items of which one is due, and
// the save of that one.
func BenchmarkState(b *testing.B, state store.State) {
	now := time.Now()
	var items []store.Item
	var keys []store.Key
	for n := range 1000 {
		item := store.Item{Key: store.Key{0: byte(n), 1: byte(n >> 8)}, Data: make([]byte, 300), Due: now.Add(time.Hour)}
		items, keys = append(items, item), append(keys, item.Key)
	}
	items[7].Due = now.Add(-time.Second)
	if _, err := state.Save(b.Context(), store.Key{}, items...); err != nil {
		b.Fatal(err)
	}
	holder := store.NewHolder()
	b.ReportAllocs()
	for b.Loop() {
		claimed, err := state.Claim(b.Context(), holder, time.Minute, keys...)
		if err != nil || !claimed[7].OK {
			b.Fatal(claimed[7].OK, err)
		}
		if saved, err := state.Save(b.Context(), holder, claimed[7].Item); err != nil || !saved[0] {
			b.Fatal(saved, err)
		}
	}
}

// BenchmarkOutcomes measures batches of 60 lists, of two operations each, on a
// year of days.
func BenchmarkOutcomes(b *testing.B, outcomes store.Outcomes) {
	at, n := time.Now(), 0
	add := func() {
		batch := store.OutcomeBatch{ID: store.NewHolder()}
		for list := range 60 {
			for _, op := range []string{"posts", "readings"} {
				e := store.OutcomeEntry{OutcomeID: store.OutcomeID{List: fmt.Sprintf("list-%d.example", list), Op: op}, Slot: store.Slots.Begin(at)}
				e.Tally[store.FigureCalls], e.Tally[store.FigureAnswers], e.Tally[store.FigureSuccesses] = 100, 99, 98
				e.Took(time.Duration(n) * time.Millisecond)
				e.Call, e.Success = at, at
				batch.Entries = append(batch.Entries, e)
			}
		}
		if err := outcomes.Add(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
	for n = range 365 {
		at = at.Add(24 * time.Hour)
		add()
	}
	b.ReportAllocs()
	for b.Loop() {
		add()
	}
}

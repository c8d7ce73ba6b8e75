package store

import (
	"cmp"
	"container/list"
	"slices"
)

// ShardSetID names a set among those of all bots.
type ShardSetID struct {
	Set Key
	Of  int
}

// ShardSetRow is what is kept of a set beside its counts. Times are in Unix
// milliseconds, 0 for never.
type ShardSetRow struct {
	Network  Key   // that began it; zero for a bot with a key
	Used     int64 // when it last had a report
	TTL      int64 // how long counts are kept, in milliseconds
	Began    int64
	Round    uint16 // number of the round under way
	Complete bool   // it has been complete
	Finished bool   // the round before this one is to be posted still
	Ended    int64  // when the last round was over
	Took     int64  // how long that took
	Posted   int64  // when it was last posted
	Claim    Key    // on the last round
	Claimed  int64  // when
	Until    int64  // until when
}

// ShardRow is the count of one shard of a set.
type ShardRow struct {
	Count int64
	At    uint32 // when it was reported, in Unix seconds, rounded up
	Shard uint16
	Round uint16 // in which
}

// shardSet is one set.
type shardSet struct {
	ShardSetID
	ShardSetRow
	counts []ShardRow // by shard
	total  int64
	fresh  int    // counts of the round under way
	oldest uint32 // no count was reported before, in Unix seconds
	inAll  *list.Element
	inNet  *list.Element
}

func (s *shardSet) find(shard uint16) (int, bool) {
	return slices.BinarySearchFunc(s.counts, shard, func(c ShardRow, shard uint16) int { return cmp.Compare(c.Shard, shard) })
}

// totalWith returns the total with other counts, at most MaxCount+1.
func (s *shardSet) totalWith(counts []ShardCount) int64 {
	total := s.total
	for _, c := range counts {
		if i, ok := s.find(uint16(c.Shard)); ok {
			total -= s.counts[i].Count
		}
	}
	for _, c := range counts {
		total = min(total+c.Count, MaxCount+1)
	}
	return total
}

// with returns a copy of the set with other counts.
func (s *shardSet) with(counts []ShardCount) *shardSet {
	other := &shardSet{ShardSetID: s.ShardSetID, counts: slices.Clone(s.counts), total: s.totalWith(counts)}
	for _, c := range counts {
		row := ShardRow{Count: c.Count, Shard: uint16(c.Shard)}
		if i, ok := other.find(row.Shard); ok {
			other.counts[i] = row
		} else {
			other.counts = slices.Insert(other.counts, i, row)
		}
	}
	return other
}

// show returns how the set is, with the counts of a complete one if wanted.
func (s *shardSet) show(counts bool) ShardSet {
	set := ShardSet{Of: s.Of, Known: len(s.counts), Total: s.total}
	switch {
	case !set.Complete():
		set.Missing = s.without(func(ShardRow) bool { return true })
	case counts:
		set.Counts = s.all()
	}
	return set
}

// without returns the first MaxMissing shards that have no count for which has
// holds.
func (s *shardSet) without(has func(ShardRow) bool) (shards []int) {
	next := 0
	for shard := 0; shard < s.Of && len(shards) < MaxMissing; shard++ {
		if next < len(s.counts) && int(s.counts[next].Shard) == shard {
			next++
			if has(s.counts[next-1]) {
				continue
			}
		}
		shards = append(shards, shard)
	}
	return shards
}

// all returns the counts of a complete set.
func (s *shardSet) all() []int64 {
	counts := make([]int64, len(s.counts))
	for i, c := range s.counts {
		counts[i] = c.Count
	}
	return counts
}

func ceilSeconds(ms int64) uint32 { return uint32((ms + 999) / 1000) }

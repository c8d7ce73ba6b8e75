package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	// MaxShards is how many shards a bot may have.
	MaxShards = 20_000
	// MaxCount is the largest count, of one shard and of a set alike.
	MaxCount = 1<<53 - 1
	// MaxMissing is how many shards are named that are missing or silent.
	MaxMissing = 20
	// ClaimTTL is how long, at the least, a claim on a round lasts whose
	// holder says nothing more.
	ClaimTTL = time.Minute
)

// ErrTotal is returned for a report with which the total of its set would be
// larger than MaxCount.
var ErrTotal = errors.New("store: the counts of the set are too large")

// ShardCount is the count of one shard.
type ShardCount struct {
	Shard int
	Count int64
}

// ShardReport is what a process says of the shards it knows.
type ShardReport struct {
	Set     Key           // of the bot, and of those who share its shards
	Network Key           // of the caller; zero for a bot with a key, whose sets are never pushed out
	Of      int           // shards in all, from 1 to MaxShards; each number of shards has a set of its own
	Counts  []ShardCount  // one or more, of no shard twice
	TTL     time.Duration // how long counts are kept
	Pace    time.Duration // the least time between two posts; 0 for none
	Round   time.Duration // how old the last round is at most, before a complete set is posted whoever has reported since
	Whole   bool          // the counts of a complete set are returned, whoever posts it
	NoClaim bool          // the caller cannot post: a round that is finished is left to another
	DryRun  bool          // nothing is kept or claimed; the set is returned as it would be
}

// Check returns an error for a report that no store takes. One whose counts are
// too large together is ErrTotal.
func (r ShardReport) Check() error {
	switch {
	case r.Of < 1 || r.Of > MaxShards:
		return fmt.Errorf("store: %d shards, want 1 to %d", r.Of, MaxShards)
	case len(r.Counts) == 0 || len(r.Counts) > r.Of:
		return fmt.Errorf("store: %d counts of %d shards", len(r.Counts), r.Of)
	case r.TTL < time.Second || r.Pace < 0 || r.Round < time.Second:
		return fmt.Errorf("store: counts kept for %s, posts every %s, rounds of %s", r.TTL, r.Pace, r.Round)
	}
	seen := make(map[int]bool, len(r.Counts))
	total := int64(0)
	for _, c := range r.Counts {
		if c.Shard < 0 || c.Shard >= r.Of || seen[c.Shard] || c.Count < 0 || c.Count > MaxCount {
			return fmt.Errorf("store: count %d of shard %d of %d", c.Count, c.Shard, r.Of)
		}
		seen[c.Shard] = true
		if total += c.Count; total > MaxCount {
			return ErrTotal
		}
	}
	return nil
}

// ShardSet is how a set is after a report.
type ShardSet struct {
	Of      int
	Known   int   // shards that have a count
	Missing []int // the first MaxMissing of the others
	Total   int64 // sum of the counts there are

	// Counts are those of all shards, in order, of a complete set that is the
	// caller's to post, or that a dry run would post, or that is wanted whole; nil
	// otherwise.
	Counts []int64
	// Claim is not zero if the set is the caller's to post. The caller then
	// calls Settle, whatever becomes of it.
	Claim ShardClaim
	// NextPost is the earliest moment at which a report could post a complete
	// set, if all shards had reported by then; zero for one that is not
	// complete, or that is the caller's to post.
	NextPost time.Time
}

// Complete reports whether every shard has a count.
func (s ShardSet) Complete() bool { return s.Known == s.Of }

// ShardClaim names the claim on a round.
type ShardClaim struct {
	Set Key
	Of  int
	ID  Key
}

// ShardOutcome is what became of a round that was claimed.
type ShardOutcome int

// The outcomes of a round.
const (
	// ShardsReleased: it was not posted, and another report may.
	ShardsReleased ShardOutcome = iota
	// ShardsPosted: it is over, and the next post is due a pace later.
	ShardsPosted
	// ShardsSkipped: it is over, for no list took a post.
	ShardsSkipped
)

// ShardSilence is which shards of a set say nothing any more.
type ShardSilence struct {
	Of     int
	Known  int           // shards that have a count still
	Round  time.Duration // how long the last round took; 0 before the first was over
	Silent []int         // the first MaxMissing that have not reported for so long
}

// Shards adds up what processes say of the shards they know, for bots of which
// no process knows them all. Any number of replicas may share them. It is safe
// for concurrent use. A context that has ended before the call is its error, and
// nothing changes. While the store is away, every call returns ErrAway.
//
// A set is complete when every shard has a count; any other set of the same key
// is forgotten when one is complete for the first time. A complete set has
// rounds: one is finished when every shard has reported since the last was over,
// or when that is long ago. The report that finds it so, a pace or more after the
// last post, gets a claim on it: of any number at once exactly one.
//
// Beyond the bounds, what was unused for longest goes first.
type Shards interface {
	// Report keeps the counts of a report and returns the set. ErrTotal is
	// returned for counts that are too large, and nothing is kept then.
	Report(ctx context.Context, r ShardReport) (ShardSet, error)

	// Settle says what became of a claim. One that has ended meanwhile, or
	// whose set is gone, is let be. A claim whose holder dies ends after the
	// pace, at least ClaimTTL, and counts as a post until then.
	Settle(ctx context.Context, claim ShardClaim, outcome ShardOutcome) error

	// Silence returns which shards of the set of a key that was complete have
	// not reported for so many rounds of the length of its last, at least for
	// so long. ok is false if there is no such set.
	Silence(ctx context.Context, set Key, rounds int, least time.Duration) (s ShardSilence, ok bool, err error)
}

// ShardBounds bound the sets and counts of bots without a key.
type ShardBounds struct {
	NetworkSets, NetworkCounts int // of sets that one network has begun
	Sets, Counts               int // in all
}

// DefaultShardBounds are those of every store, unless told.
var DefaultShardBounds = ShardBounds{NetworkSets: 1_000, NetworkCounts: 500_000, Sets: 100_000, Counts: 5_000_000}

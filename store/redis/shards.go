package redis

import (
	"context"
	"encoding/hex"
	"strconv"
	"time"

	"aggregator/store"
)

// shards is the [store.Shards] of a Store.
type shards struct{ *link }

// setName is the name of a set in Redis.
func setName(set store.Key, of int) string {
	return hex.EncodeToString(set[:]) + ":" + strconv.Itoa(of)
}

// Report implements [store.Shards].
func (s *shards) Report(ctx context.Context, r store.ShardReport) (store.ShardSet, error) {
	if err := r.Check(); err != nil {
		return store.ShardSet{}, err
	}
	network := ""
	if r.Network != (store.Key{}) {
		network = hex.EncodeToString(r.Network[:])
	}
	id := store.NewHolder()
	args := make([]any, 0, 15+2*len(r.Counts))
	args = append(args, setName(r.Set, r.Of), r.Of, network, r.TTL.Milliseconds(), r.Pace.Milliseconds(), r.Round.Milliseconds(),
		store.ClaimTTL.Milliseconds(), flag(r.DryRun), id[:],
		s.bounds.NetworkSets, s.bounds.NetworkCounts, s.bounds.Sets, s.bounds.Counts, flag(r.NoClaim), flag(r.Whole))
	for _, c := range r.Counts {
		args = append(args, c.Shard, c.Count)
	}
	said, err := s.ask(ctx, reportScript, nil, args)
	if err != nil {
		return store.ShardSet{}, err
	}
	numbers, err := said.numbers()
	switch {
	case err != nil:
		return store.ShardSet{}, err
	case len(numbers) == 1 && numbers[0] == 0:
		return store.ShardSet{}, store.ErrTotal
	}
	return s.set(r, id, numbers)
}

// set reads what a script says of a set after a report.
func (s *shards) set(r store.ShardReport, id store.Key, numbers []int64) (store.ShardSet, error) {
	if len(numbers) < 6 || int64(len(numbers)-6) < numbers[5] {
		return store.ShardSet{}, errReply
	}
	set := store.ShardSet{Of: r.Of, Known: int(numbers[1]), Total: numbers[2], NextPost: s.onWall(numbers[3])}
	if numbers[4] == 1 {
		set.Claim = store.ShardClaim{Set: r.Set, Of: r.Of, ID: id}
	}
	missing, counts := numbers[6:6+numbers[5]], numbers[6+numbers[5]:]
	for _, shard := range missing {
		set.Missing = append(set.Missing, int(shard))
	}
	if len(counts) > 0 {
		set.Counts = counts
	}
	if set.Counts != nil && len(set.Counts) != r.Of {
		return store.ShardSet{}, errReply
	}
	return set, nil
}

// Settle implements [store.Shards].
func (s *shards) Settle(ctx context.Context, claim store.ShardClaim, outcome store.ShardOutcome) error {
	if claim.ID == (store.Key{}) {
		return ctx.Err()
	}
	_, err := s.ask(ctx, settleScript, nil, []any{
		setName(claim.Set, claim.Of), claim.ID[:], flag(outcome != store.ShardsReleased), flag(outcome == store.ShardsPosted),
	})
	return err
}

// Silence implements [store.Shards].
func (s *shards) Silence(ctx context.Context, set store.Key, rounds int, least time.Duration) (store.ShardSilence, bool, error) {
	said, err := s.ask(ctx, silenceScript, nil, []any{hex.EncodeToString(set[:]), rounds, least.Milliseconds()})
	if err != nil {
		return store.ShardSilence{}, false, err
	}
	numbers, err := said.numbers()
	switch {
	case err != nil:
		return store.ShardSilence{}, false, err
	case len(numbers) == 1:
		return store.ShardSilence{}, false, nil
	case len(numbers) < 4:
		return store.ShardSilence{}, false, errReply
	}
	silence := store.ShardSilence{Of: int(numbers[1]), Known: int(numbers[2]), Round: time.Duration(numbers[3]) * time.Millisecond}
	for _, shard := range numbers[4:] {
		silence.Silent = append(silence.Silent, int(shard))
	}
	return silence, true, nil
}

// flag is a truth for a script.
func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

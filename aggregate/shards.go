package aggregate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"aggregator/catalog"
	"aggregator/lists"
	"aggregator/ratelimit"
	"aggregator/store"
)

// ShardCount is the count of one shard.
type ShardCount = store.ShardCount

// ShardsRequest is what a process says of the shards it knows, with the tokens
// of the lists that the bot's total is for.
type ShardsRequest struct {
	BotID            string
	Of               int          // shards in all, from 1 to store.MaxShards
	Shards           []ShardCount // one or more, of no shard twice
	UserCount        *int64       // nil: not given
	VoiceConnections *int64       // nil: not given
	Tokens           []NamedToken // in the order sent
	Keyed            bool         // the bot has a key, and it was shown
	Whole            bool         // the answer holds the count of a complete set, whoever posts it
	DryRun           bool         // keep nothing, send nothing, and plan what would be posted
}

// ShardsAnswer is how a bot's shards are after a report, and what the lists said
// if the report was the one to post.
type ShardsAnswer struct {
	Known    int       // shards that have a count
	Of       int       // shards in all
	Missing  []int     // the first store.MaxMissing of the others
	Total    int64     // of the shards that have a count
	NextPost time.Time // see store.ShardSet; zero as well for a report that posted, or ended a round
	Posted   bool
	Count    lists.Count // of a complete set that was posted, or that is wanted whole
	CountAnswer
}

// Complete reports whether every shard has a count.
func (a ShardsAnswer) Complete() bool { return a.Known == a.Of }

const (
	// shardRound is how old the last post is at most before a complete set is
	// posted again, whether or not every shard has reported since.
	shardRound = 10 * time.Minute
	// maxReports bounds the reports of one bot that a network may send in the
	// period of ShardRate.
	maxReports = 2_000
)

// ShardRate is how often one network may report shards of one bot that has few
// of them. One that has many may do so twice as often as it has shards.
var ShardRate = ratelimit.Rate{Limit: 60, Period: time.Minute}

// ReportShards keeps the counts of a report. If every shard has a count then, and
// a round of reports is finished, the report is the one to post the total: of any
// number at once, exactly one is. The error is an *InvalidError, a *LimitedError,
// ErrBusy, ErrClosed, the context's, or an internal one; a report that ends in an
// error uses no window.
func (a *Aggregator) ReportShards(ctx context.Context, r ShardsRequest, from Caller) (ShardsAnswer, error) {
	if !lists.IsSnowflake(r.BotID) {
		return ShardsAnswer{}, invalid("'bot_id' must be a snowflake")
	}
	if !a.gate.enter() {
		return ShardsAnswer{}, ErrClosed
	}
	defer a.gate.leave()
	limit := a.ShardLimit.AtLeast(min(2*int64(r.Of), maxReports))
	scope := ratelimit.Scope{Name: "shards", IP: from.IP, BotID: r.BotID}
	window, err := takeWindow(ctx, limit, scope)
	if err != nil {
		return ShardsAnswer{}, err
	}
	answer, err := a.reportShards(ctx, r, from)
	if err != nil {
		return ShardsAnswer{}, errors.Join(err, limit.Release(context.WithoutCancel(ctx), scope))
	}
	answer.Window = window
	return answer, nil
}

func (a *Aggregator) reportShards(ctx context.Context, r ShardsRequest, from Caller) (ShardsAnswer, error) {
	key, shared := a.shardSet(a.Catalog.Current(), r)
	report := store.ShardReport{
		Set: key, Network: a.shardNetwork(r, from), Of: r.Of, Counts: r.Shards,
		TTL: a.ShardTTL, Pace: a.CountLimit.Spacing(), Round: shardRound,
		Whole: r.Whole, DryRun: r.DryRun || !shared,
	}
	// A caller whose window is used up leaves the round to others.
	window, err := a.CountLimit.Peek(ctx, a.counts.scope(CountRequest{Count: lists.Count{BotID: r.BotID}}, from))
	if err != nil {
		return ShardsAnswer{}, fmt.Errorf("look at a window: %w", err)
	}
	report.NoClaim = window != nil && !window.OK
	set, err := a.Shards.Report(ctx, report)
	switch {
	case errors.Is(err, store.ErrTotal):
		return ShardsAnswer{}, invalid("'shards' contains incorrect values")
	case errors.Is(err, store.ErrAway):
		return ShardsAnswer{}, ErrBusy
	case err != nil:
		return ShardsAnswer{}, fmt.Errorf("report shards: %w", err)
	}
	count := r.count(set)
	answer := ShardsAnswer{Known: set.Known, Of: set.Of, Missing: set.Missing, Total: set.Total, NextPost: set.NextPost}
	if set.Counts != nil {
		answer.Count = count.Count
	}
	if report.NoClaim && set.Complete() && window.Reset.After(answer.NextPost) {
		answer.NextPost = window.Reset
	}
	switch {
	case r.DryRun:
		err = a.planShards(ctx, count, from, &answer)
	case report.DryRun: // nobody can add to what is not kept
		answer.NextPost = time.Time{}
	case set.Claim != store.ShardClaim{}:
		err = a.postShards(ctx, count, set.Claim, from, &answer)
	}
	return answer, err
}

// shardSet returns the set that a report belongs to: that of the bot and of those
// who show its key, or else the same tokens, so that nobody can spoil a
// stranger's. shared is false for a report that shows neither.
func (a *Aggregator) shardSet(c *catalog.Catalog, r ShardsRequest) (key store.Key, shared bool) {
	if r.Keyed {
		return a.keyedSet(r.BotID), true
	}
	parts := []string{"shards by tokens", r.BotID}
	named, _ := resolve(c, r.Tokens)
	for _, n := range named {
		if n.best.Bad == nil {
			parts = append(parts, n.list.ID, n.best.Token.Reveal())
		}
	}
	return a.Hash(parts...), len(parts) > 2
}

// keyedSet returns the set of those who show a bot's key.
func (a *Aggregator) keyedSet(botID string) store.Key { return a.Hash("shards by key", botID) }

// ShardSilence returns which shards of a bot with a key have not reported for so
// many rounds of the length of the last, at least for so long. ok is false if
// the bot has no set that was complete. The error is the store's.
func (a *Aggregator) ShardSilence(ctx context.Context, botID string, rounds int, least time.Duration) (s store.ShardSilence, ok bool, err error) {
	if a.Shards == nil {
		return store.ShardSilence{}, false, nil
	}
	return a.Shards.Silence(ctx, a.keyedSet(botID), rounds, least)
}

// shardNetwork returns the network whose share of the store a new set uses; zero
// for a bot with a key, whose sets are never pushed out. Where many callers seem
// to come from one address, each of their bots has a share.
func (a *Aggregator) shardNetwork(r ShardsRequest, from Caller) store.Key {
	switch network := from.network(); {
	case r.Keyed:
		return store.Key{}
	case network.IsValid():
		return a.Hash("shards of network", network.String())
	}
	return a.Hash("shards of bot", r.BotID)
}

// count returns the count that is posted for a set.
func (r ShardsRequest) count(set store.ShardSet) CountRequest {
	of := int64(r.Of)
	return CountRequest{
		Count: lists.Count{
			BotID: r.BotID, ServerCount: set.Total, ShardCount: &of, Shards: set.Counts,
			UserCount: r.UserCount, VoiceConnections: r.VoiceConnections,
		},
		Tokens: r.Tokens, DryRun: r.DryRun,
	}
}

// postShards posts a set that is the report's to post. A round whose lists are all
// held back or skipped is over too.
func (a *Aggregator) postShards(ctx context.Context, r CountRequest, claim store.ShardClaim, from Caller, answer *ShardsAnswer) error {
	result, err := ask(ctx, a, &a.counts, r, from)
	var limited *LimitedError
	outcome := store.ShardsReleased
	switch {
	case errors.As(err, &limited): // another post has used the window just now
		answer.NextPost, err = limited.Decision.Reset, nil
	case err == nil && len(result.answer.Results) == 0:
		outcome, answer.CountAnswer = store.ShardsSkipped, result.answer
	case err == nil:
		outcome, answer.CountAnswer, answer.Posted = store.ShardsPosted, result.answer, true
	}
	// What cannot be settled ends by itself, after the time between two posts.
	_ = a.Shards.Settle(context.WithoutCancel(ctx), claim, outcome)
	return err
}

// planShards plans what a set would be posted as. For a part only what is wrong
// with the tokens is told.
func (a *Aggregator) planShards(ctx context.Context, r CountRequest, from Caller, answer *ShardsAnswer) error {
	result, err := ask(ctx, a, &a.counts, r, from)
	answer.CountAnswer = result.answer
	if !answer.Complete() {
		answer.Planned = nil
	}
	return err
}

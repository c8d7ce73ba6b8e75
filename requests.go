package aggregator

import (
	"context"

	"aggregator/aggregate"
	"aggregator/lists"
)

// CountRequest is a bot's count, and the lists that it is posted to. Optional
// numbers are pointers, as in new(int64(3)): 0 is a count too.
type CountRequest struct {
	BotID            string  // the bot's Discord snowflake
	ServerCount      int64   // servers of all shards together, or of one where ShardID is given
	ShardID          *int64  // nil: not given
	ShardCount       *int64  // nil: not given; 0: not sharded
	Shards           []int64 // server count of each shard; empty: not given
	UserCount        *int64  // nil: not given; sent to the lists that take it
	VoiceConnections *int64  // nil: not given; sent to the lists that take it

	Tokens    Tokens         // the lists to post to, and the bot's tokens there
	UserAgent string         // sent to lists; "": that of Options
	DryRun    bool           // plan, send nothing, and use nothing up
	Progress  *CountProgress `json:"-"` // hears how the posts go on; nil: nobody does
}

// CountAnswer is what the lists said to a count: a Result for each list that was
// asked, in the order of their ids, and a Skipped for each that was named and not
// asked. That a list failed is a Result, and no error. Of a dry run it holds what
// would have been sent, with masks in the place of tokens.
type CountAnswer = aggregate.CountAnswer

// Result is what one list said to a count, and whether it took it.
type Result = aggregate.Result

// Skipped is a list that was not asked, and why: an unknown id, a list that is gone,
// a token that cannot be sent, or a hold that is not over.
type Skipped = aggregate.Skipped

// CountProgress hears how a count goes on, from the goroutine that calls Count and
// before it returns.
type CountProgress = aggregate.CountProgress

// Count posts a count to the lists that r.Tokens names, each in its own way, all at
// once, and returns what each of them said. A list has 10 s to answer. Posts run to
// their end even if ctx ends: a list must not get half of one, and what it answers
// decides when it may be asked again.
//
// The error is an *[InvalidError] for a request that can never be sent, a
// *[LimitedError] where Options.Limits has no room for it yet, [ErrBusy] or
// [ErrClosed], or that of ctx where it ended before a post was sent. Any other is of
// the store.
func (a *Aggregator) Count(ctx context.Context, r CountRequest) (CountAnswer, error) {
	return a.engine.Aggregator.Count(ctx, aggregate.CountRequest{
		Count: lists.Count{
			BotID: r.BotID, ServerCount: r.ServerCount, ShardID: r.ShardID, ShardCount: r.ShardCount, Shards: r.Shards,
			UserCount: r.UserCount, VoiceConnections: r.VoiceConnections,
		},
		Tokens: r.Tokens.named(), DryRun: r.DryRun, Progress: r.Progress,
	}, aggregate.Caller{UserAgent: r.UserAgent})
}

// BotRequest is a bot to read from the lists.
type BotRequest struct {
	BotID    string       // the bot's Discord snowflake
	Tokens   Tokens       // keys for lists that are read with one, instead of Options.Keys; nil: none
	Progress *BotProgress `json:"-"` // hears how the reading goes on; nil: nobody does
}

// BotAnswer is what the lists say of a bot, merged, with what each of them answered
// and those that were not asked.
type BotAnswer = aggregate.BotAnswer

// Reading is what one list answered about a bot.
type Reading = lists.Reading

// BotProgress hears how a reading goes on, from the goroutine that calls Bot and
// before it returns.
type BotProgress = aggregate.Progress

// Bot asks every list that can be read about a bot, and merges what they say. A list
// has 2 s to answer. Without Tokens of the request's own, the answer is shared for
// 30 s: its Age says how old it is.
//
// The error is an *[InvalidError] for an id that is none, a *[LimitedError] where
// Options.Limits has no room for it yet, [ErrBusy] or [ErrClosed], or that of ctx,
// whose end calls the reading off. Any other is of the store.
func (a *Aggregator) Bot(ctx context.Context, r BotRequest) (BotAnswer, error) {
	return a.engine.Aggregator.Bot(ctx, aggregate.BotRequest{BotID: r.BotID, Tokens: r.Tokens.named(), Progress: r.Progress}, aggregate.Caller{})
}

// VoteRequest asks whether a user has voted for a bot.
type VoteRequest struct {
	BotID  string // the bot's Discord snowflake
	UserID string // the user's
	Tokens Tokens // the lists to ask, and the bot's tokens there; a list that needs none is asked whatever stands there
}

// VoteAnswer is what the lists say of a user's votes: its method Voted reports
// whether one of them, at least, knows of a vote that counts just now.
type VoteAnswer = aggregate.VoteAnswer

// VoteResult is what one list says of a user's vote.
type VoteResult = aggregate.VoteResult

// Voted asks the lists that r.Tokens names whether a user has voted for a bot. A
// list has 3 s to answer. What it says is remembered for a short time, in which it
// is not asked again. Calls run to their end even if ctx ends, for what a list says
// is remembered.
//
// The error is an *[InvalidError] for an id that is none, a *[LimitedError] where
// Options.Limits has no room for it yet, [ErrBusy] or [ErrClosed], or that of ctx
// where it ended before a list was asked. Any other is of the store.
func (a *Aggregator) Voted(ctx context.Context, r VoteRequest) (VoteAnswer, error) {
	return a.engine.Aggregator.Vote(ctx, aggregate.VoteRequest{BotID: r.BotID, UserID: r.UserID, Tokens: r.Tokens.named()}, aggregate.Caller{})
}

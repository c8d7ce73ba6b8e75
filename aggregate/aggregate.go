// Package aggregate posts counts to lists, reads bots from them, asks them for
// votes and sends them reports. Every request goes one way, whether it comes over
// HTTP or from the command line: plan, recall, holds, room, window, reserve, fan
// out, judge, settle, merge.
package aggregate

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"aggregator/catalog"
	"aggregator/lists"
	"aggregator/ratelimit"
	"aggregator/shares"
	"aggregator/store"
)

// Runner runs the calls of an operation at once, for a caller of the network
// from, and returns one Answer for each, in their order.
type Runner interface {
	Run(ctx context.Context, op lists.Op, from netip.Prefix, calls []lists.Call) []lists.Answer
}

// Room is room for the calls of one request.
type Room interface {
	// Run runs calls for which there is room, as a Runner does. heard is called
	// with each answer as it comes, by its place, from any goroutine and before Run
	// returns; nil: nobody listens. What it is given is what Run returns.
	Run(ctx context.Context, op lists.Op, calls []lists.Call, heard func(int, *lists.Answer)) []lists.Answer
	// Memory returns the grant of what was sent and answered; nil if nobody
	// counts that. Whoever keeps an answer after Leave must share it first.
	Memory() *shares.Grant
	// Leave gives the room back. Calls after the first do nothing.
	Leave()
}

// boundless is the Room of a service without bounds. Answers are heard of when
// all have come.
type boundless struct {
	Runner
	from netip.Prefix
}

func (b boundless) Run(ctx context.Context, op lists.Op, calls []lists.Call, _ func(int, *lists.Answer)) []lists.Answer {
	return b.Runner.Run(ctx, op, b.from, calls)
}

func (boundless) Memory() *shares.Grant { return nil }

func (boundless) Leave() {}

// Config is what an Aggregator works with.
type Config struct {
	Catalog    *catalog.Live
	Runner     Runner
	CountLimit *ratelimit.Limiter // nil: off
	BotsLimit  *ratelimit.Limiter // nil: off
	BadgeLimit *ratelimit.Limiter // of readings for badges, see BadgeRate; nil: off
	VotesLimit *ratelimit.Limiter // nil: off
	ShardLimit *ratelimit.Limiter // of reports of shards, see ShardRate; nil: off
	// ReportLimits are of reports by their kind, see NewReportLimits; those that are
	// absent are off.
	ReportLimits map[*lists.Report]*ratelimit.Limiter
	Shards       store.Shards                    // where counts of shards add up; nil: nobody reports any
	ShardTTL     time.Duration                   // how long these are kept
	Hash         func(parts ...string) store.Key // makes the keys of Shards
	// Admit makes room for the calls of a request from a network, and waits for
	// it; the error is shares.ErrBusy where there is none, or the context's. Nil:
	// there always is room, and Runner runs the calls.
	Admit func(ctx context.Context, from netip.Prefix, calls []lists.Call) (Room, error)
	// Observe hears what became of each call, with the context of its request;
	// nil: nobody listens.
	Observe func(context.Context, Outcome)
	// Servers hears how many servers a bot is on, once a list is known to know the
	// bot: as was posted, or else as lists say. It must not wait; nil: nobody
	// listens.
	Servers   func(botID string, n int64, posted bool)
	Holds     *Holds                 // nil: lists are not paced
	Keys      map[string]lists.Token // by list id: the operator's, for lists that are read with a key
	UserAgent string                 // sent where the caller has none
	Now       func() time.Time       // the clock of votes and of what is remembered; nil: time.Now
}

// Aggregator posts counts to lists, reads bots from them and asks them for votes.
// It is safe for concurrent use.
type Aggregator struct {
	Config
	counts   operation[CountRequest, CountAnswer]
	bots     operation[BotRequest, BotAnswer]
	badges   operation[BotRequest, BotAnswer]
	votes    operation[VoteRequest, VoteAnswer]
	reports  map[*lists.Report]*operation[ReportRequest, ReportAnswer]
	readings flights[BotAnswer]
	last     *lastAnswers  // about bots
	memory   *remembered   // of votes
	gate     gate          // of requests
	secrets  *lists.Masker // hides the operator's keys in every reading, whoever asks
}

// New returns an Aggregator.
func New(c Config) *Aggregator {
	a := &Aggregator{
		Config:   c,
		readings: flights[BotAnswer]{now: c.Now, size: BotAnswer.size, fresh: BotAnswer.fresh},
		secrets:  lists.NewMasker(slices.Collect(maps.Values(c.Keys))...),
	}
	if a.Now == nil {
		a.Now = time.Now
	}
	hash := store.NewHasher(store.NewSecret())
	a.memory, a.last = newRemembered(hash, a.Now), newLastAnswers(hash, a.Now)
	a.counts, a.bots, a.badges, a.votes = a.countOperation(), a.botOperation(), a.badgeOperation(), a.voteOperation()
	a.reports = a.reportOperations()
	return a
}

// Close turns requests away from now on, each with ErrClosed. It waits for none of
// those under way: Wait does. Calls after the first do nothing.
func (a *Aggregator) Close() { a.gate.close() }

// Wait waits for requests that are under way, until ctx ends.
func (a *Aggregator) Wait(ctx context.Context) error {
	done := make(chan struct{})
	go func() { a.gate.underWay.Wait(); a.readings.underWay.Wait(); close(done) }() // ends with the last, whose deadline is near
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("calls are still under way: %w", ctx.Err())
	}
}

// Caller is who asks.
type Caller struct {
	IP        netip.Addr
	Many      bool // IP is that of a proxy, and all its callers seem to come from there
	UserAgent string
	// Own says that the operator's own agent asks: it has no network, and does
	// not wait for holds, for it comes again when they end.
	Own bool
	// Probe says that the service asks by itself how lists are.
	Probe bool
}

// network returns the caller's network, which is what shares are given to. It is
// the zero Prefix, which has no share, for many callers at once.
func (c Caller) network() netip.Prefix {
	if c.Many || c.Own || c.Probe {
		return netip.Prefix{}
	}
	return shares.Network(c.IP)
}

// maxUserAgent bounds what a list is sent as one.
const maxUserAgent = 1 << 10

func (a *Aggregator) userAgent(c Caller) string {
	if c.UserAgent != "" && len(c.UserAgent) <= maxUserAgent {
		return c.UserAgent
	}
	return a.UserAgent
}

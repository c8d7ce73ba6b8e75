// Package engine puts together what every way to the lists is made of: the catalog,
// what holds calls back, the client that makes them, and the limits. The service,
// its agent, the commands and the Go library are built on it, so that they all
// take the same way.
package engine

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"

	"aggregator/aggregate"
	"aggregator/catalog"
	"aggregator/fanout"
	"aggregator/lists"
	"aggregator/ratelimit"
	"aggregator/shares"
	"aggregator/store"
)

const (
	// MaxWait is how long a request may wait for room before it is turned away.
	MaxWait = 5 * time.Second
	// DefaultShardTTL is how long the counts of shards are kept.
	DefaultShardTTL = 24 * time.Hour
	// maxLocalKeys bounds the callers of a LocalLimiter that are counted at a time.
	maxLocalKeys = 100_000
	// maxClose is how long Close waits: longer than a request waits for room and
	// holds, and a list has to answer.
	maxClose = 30 * time.Second
)

// Options say what an Engine is made of. What is not said to be optional is
// needed.
type Options struct {
	Catalog   *catalog.Live
	Store     store.Store
	Transport http.RoundTripper // of all calls to lists
	Log       *slog.Logger
	UserAgent string                 // sent to lists where the caller has none
	Keys      map[string]lists.Token // by list id: the operator's, for lists that are read with a key; nil: none
	Limits    Limits                 // the zero value: none
	Bounds    Bounds                 // the zero value: the client's own
	ShardTTL  time.Duration          // how long the counts of shards are kept; 0: DefaultShardTTL
	Now       func() time.Time       // the clock; nil: time.Now

	Observe func(context.Context, aggregate.Outcome)       // as in aggregate.Config; nil: nobody listens
	Servers func(botID string, servers int64, posted bool) // as in aggregate.Config; nil: nobody listens
}

// Limits are the service's own limits on those who ask, each on what one caller
// may ask about one bot. A zero Rate is off.
type Limits struct {
	Count  ratelimit.Rate // of posts
	Bots   ratelimit.Rate // of readings
	Badges ratelimit.Rate // of readings for badges
	Votes  ratelimit.Rate // of vote checks
	Shards ratelimit.Rate // of reports of shards

	Reports bool // whether other reports are limited, each kind as lists.Report says
}

// Bounds are on what goes on at a time. Zero is no bound on memory, and the
// client's own bound on the others.
type Bounds struct {
	Calls        int   // to all lists
	CallsPerList int   // to one of them
	Memory       int64 // bytes that requests and answers take
	Waiting      int   // requests that wait for memory
}

// Engine asks lists. It is safe for concurrent use.
type Engine struct {
	Aggregator *aggregate.Aggregator
	Catalog    *catalog.Live
	Store      store.Store
	Client     *fanout.Client
	Hash       func(parts ...string) store.Key // makes the keys of Store
	Memory     *shares.Semaphore               // nil: no bound
	Log        *slog.Logger
	Now        func() time.Time

	mu      sync.Mutex
	closed  bool
	onClose []func()
}

// New returns an Engine. It starts nothing, and frees nothing of what it was
// given.
func New(o Options) *Engine {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.ShardTTL == 0 {
		o.ShardTTL = DefaultShardTTL
	}
	e := &Engine{Catalog: o.Catalog, Store: o.Store, Hash: store.NewHasher(o.Store.Secret()), Log: o.Log, Now: o.Now}
	if o.Bounds.Memory > 0 {
		e.Memory = shares.New(shares.Options{Capacity: o.Bounds.Memory, MaxWaiting: o.Bounds.Waiting, MaxWait: MaxWait})
	}
	e.Client = fanout.New(o.Transport, o.Log, fanout.WithBounds(o.Bounds.calls()), fanout.WithMemory(e.Memory),
		fanout.WithOthers(func(id, host string) bool { return o.Catalog.Current().IsOfAnother(id, host) }))
	var reports map[*lists.Report]*ratelimit.Limiter
	if o.Limits.Reports {
		reports = aggregate.NewReportLimits(o.Store.Windows(), e.Hash)
	}
	e.Aggregator = aggregate.New(aggregate.Config{
		Catalog:      o.Catalog,
		Runner:       e.Client,
		Admit:        e.admit,
		Observe:      o.Observe,
		Servers:      o.Servers,
		CountLimit:   e.Limiter(o.Limits.Count),
		BotsLimit:    e.Limiter(o.Limits.Bots),
		BadgeLimit:   e.Limiter(o.Limits.Badges),
		VotesLimit:   e.Limiter(o.Limits.Votes),
		ShardLimit:   e.Limiter(o.Limits.Shards),
		ReportLimits: reports,
		Shards:       o.Store.Shards(),
		ShardTTL:     o.ShardTTL,
		Hash:         e.Hash,
		Holds:        aggregate.NewHolds(o.Store.Windows(), e.Hash, o.Now, o.Log),
		Keys:         o.Keys,
		UserAgent:    o.UserAgent,
		Now:          o.Now,
	})
	return e
}

// calls returns the bounds on calls, those of the client where none are given.
func (b Bounds) calls() (all, perList int) {
	all, perList = fanout.DefaultMaxInFlight, fanout.DefaultMaxPerList
	if b.Calls > 0 {
		all = b.Calls
	}
	if b.CallsPerList > 0 {
		perList = b.CallsPerList
	}
	return all, min(all, perList)
}

// admit makes room for calls at the client.
func (e *Engine) admit(ctx context.Context, from netip.Prefix, calls []lists.Call) (aggregate.Room, error) {
	return e.Client.Admit(ctx, from, calls)
}

// Limiter returns a Limiter whose windows are in the store.
func (e *Engine) Limiter(rate ratelimit.Rate) *ratelimit.Limiter {
	return ratelimit.New(e.Store.Windows(), rate, e.Hash)
}

// LocalLimiter returns a Limiter whose windows are in memory, and of this process
// alone.
func (e *Engine) LocalLimiter(rate ratelimit.Rate) *ratelimit.Limiter {
	return ratelimit.New(store.NewMemory(store.MemoryOptions{MaxKeys: maxLocalKeys}).Windows(), rate, e.Hash)
}

// Unlimited returns an Aggregator without a limit on posts and reports, for the
// operator's own bots. What holds calls back from lists is the same.
func (e *Engine) Unlimited() *aggregate.Aggregator {
	config := e.Aggregator.Config
	config.CountLimit, config.ReportLimits = nil, nil
	return aggregate.New(config)
}

// OnClose has f called when the Engine is closed, before that waits for anything.
// It is called at once if the Engine is closed by now.
func (e *Engine) OnClose(f func()) {
	e.mu.Lock()
	closed := e.closed
	if !closed {
		e.onClose = append(e.onClose, f)
	}
	e.mu.Unlock()
	if closed {
		f()
	}
}

// Close turns requests away from now on and waits for those under way, whose
// deadlines are near. The error says that some of them have not ended within 30 s.
// It closes neither the store nor the transport. Calls after the first wait too, and
// do nothing else.
func (e *Engine) Close() error {
	e.mu.Lock()
	e.closed = true
	all := slices.Clone(e.onClose)
	e.onClose = nil
	e.mu.Unlock()
	for _, f := range all {
		f()
	}
	e.Aggregator.Close()
	ctx, cancel := context.WithTimeout(context.Background(), maxClose)
	defer cancel()
	if err := e.Aggregator.Wait(ctx); err != nil {
		return errors.New("calls to lists are still under way")
	}
	return nil
}

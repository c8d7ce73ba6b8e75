package votes

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"aggregator/agent"
	"aggregator/internal/times"
	"aggregator/lists"
	"aggregator/store"
)

// deliveries is the operation of telling a bot. Its endpoint knows a message that
// it sees twice by its id.
var deliveries = lists.Op{Name: "deliveries", One: "delivery", Timeout: 10 * time.Second, MaxAnswer: 512 << 10, MayRepeat: true}

const (
	// lease is for how long a replica has a bot's messages to itself. One that dies
	// leaves them to others after that, and after renewEvery, at most.
	lease = 20 * time.Second
	// renewEvery is how often leases are renewed, and how often it is looked what
	// other replicas have left.
	renewEvery = 5 * time.Second
	// maxAttempts is how many attempts are under way at once, of all bots.
	maxAttempts = 128
	// claimAtOnce is how many bots one call of the store claims.
	claimAtOnce = 100
)

// Results of a delivery, as they are counted.
const (
	resultTaken  = "taken"  // the endpoint took it
	resultFailed = "failed" // it is tried again
	resultDead   = "dead"   // it was given up
)

// Notices tell a person of what only a person can mend. An *agent.Agent does.
type Notices interface {
	// VotesFailing says that a bot's endpoint has taken no vote since a time.
	VotesFailing(ctx context.Context, b *agent.Bot, since time.Time, reason string) error
	// VotesTaken says that it takes them again.
	VotesTaken(ctx context.Context, b *agent.Bot) error
}

// RelayConfig is what a Relay works with.
type RelayConfig struct {
	Bots      *agent.Live
	Outbox    store.Outbox
	State     store.State
	Hash      func(parts ...string) store.Key
	Exchange  agent.Exchange
	Notices   Notices // nil: nobody is told
	UserAgent string
	Log       *slog.Logger
	Now       func() time.Time    // the clock; time.Now when nil
	Random    func() float64      // from 0 to 1, for jitter; rand.Float64 when nil
	Observe   func(result string) // hears what became of each attempt; nil: nobody listens
}

// Relay passes on to bots what waits for them in an outbox, which any number of
// Relays may share: one at a time does so for each bot. It is safe for concurrent
// use.
type Relay struct {
	RelayConfig
	holder store.Key
	slots  chan struct{}  // of attempts under way
	wake   chan struct{}  // of one: somebody is in woken
	all    sync.WaitGroup // of couriers

	mu       sync.Mutex
	couriers map[string]*courier // by bot
	woken    map[string]bool     // bots for which something may wait
	backlog  Backlog
}

// Backlog is how much waits for all bots.
type Backlog struct {
	Waiting int
	Oldest  time.Time // when the oldest of it arrived; zero if there is none
}

// NewRelay returns a Relay. Run makes it work.
func NewRelay(c RelayConfig) *Relay {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Random == nil {
		c.Random = rand.Float64
	}
	if c.Observe == nil {
		c.Observe = func(string) {}
	}
	return &Relay{
		RelayConfig: c, holder: store.NewHolder(), slots: make(chan struct{}, maxAttempts), wake: make(chan struct{}, 1),
		couriers: map[string]*courier{}, woken: map[string]bool{},
	}
}

// Run passes on until ctx ends, and then waits for the attempts under way, whose
// deadline is near.
func (r *Relay) Run(ctx context.Context) {
	defer r.all.Wait()
	scan := time.NewTicker(renewEvery)
	defer scan.Stop()
	whole := true
	for ctx.Err() == nil {
		if err := r.look(ctx, whole); err != nil && ctx.Err() == nil {
			r.Log.Debug("votes: nothing is passed on without the store", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-r.wake:
			whole = false
		case <-scan.C:
			whole = true
		}
	}
}

// Wake tells the relay that something may wait for a bot.
func (r *Relay) Wake(bot string) {
	r.mu.Lock()
	if c := r.couriers[bot]; c != nil {
		c.nudged.Store(true)
	} else {
		r.woken[bot] = true
	}
	r.mu.Unlock()
	r.signal()
}

func (r *Relay) signal() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Backlog returns how much waited for all bots when that was last looked at.
func (r *Relay) Backlog() Backlog {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.backlog
}

// look sends couriers for bots for which something waits: for those that it was
// told of, or, where whole says so, for all. Then it renews leases too.
func (r *Relay) look(ctx context.Context, whole bool) error {
	r.mu.Lock()
	wanted := r.woken
	r.woken = map[string]bool{}
	if whole {
		for bot := range r.couriers {
			wanted[bot] = true
		}
	}
	r.mu.Unlock()
	if whole {
		all, err := r.Outbox.Backlogs(ctx)
		if err != nil {
			return err
		}
		var sum Backlog
		for _, b := range all {
			wanted[b.Bot] = true
			sum.Waiting += b.Waiting
			sum.Oldest = times.Earlier(sum.Oldest, b.Oldest)
		}
		r.mu.Lock()
		r.backlog = sum
		r.mu.Unlock()
	}
	var bots []string
	for bot := range wanted {
		if r.sendTo(bot) != nil {
			bots = append(bots, bot)
		}
	}
	for chunk := range slices.Chunk(bots, claimAtOnce) {
		if err := r.claim(ctx, chunk); err != nil {
			return err
		}
	}
	return nil
}

// sendTo returns where the votes of a bot go; nil if they are not sent anywhere.
func (r *Relay) sendTo(bot string) *agent.SendTo {
	b := r.Bots.Current().Bot(bot)
	if b == nil || b.Votes == nil {
		return nil
	}
	return b.Votes.SendTo
}

// claim claims bots, or keeps those that are claimed, and sends a courier for each
// that has none. The courier of one that another replica has now ends.
func (r *Relay) claim(ctx context.Context, bots []string) error {
	keys := make([]store.Key, len(bots))
	for i, bot := range bots {
		keys[i] = r.key(bot)
	}
	until := time.Now().Add(lease)
	claimed, err := r.State.Claim(ctx, r.holder, lease, keys...)
	if err != nil {
		return err
	}
	var fresh []store.Item
	var freshKeys []store.Key
	for i, c := range claimed {
		if c.Item.Version == 0 {
			fresh = append(fresh, store.Item{Key: keys[i], Data: endpoint{}.encode(), Due: r.alwaysDue()})
			freshKeys = append(freshKeys, keys[i])
		}
	}
	if len(fresh) > 0 {
		if _, err := r.State.Save(ctx, store.Key{}, fresh...); err != nil {
			return err
		}
		more, err := r.State.Claim(ctx, r.holder, lease, freshKeys...)
		if err != nil {
			return err
		}
		for i := range claimed {
			if claimed[i].Item.Version == 0 {
				claimed[i], more = more[0], more[1:]
			}
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, bot := range bots {
		switch c := r.couriers[bot]; {
		case claimed[i].OK && c != nil:
			c.extend(until)
		case claimed[i].OK:
			r.send(ctx, bot, claimed[i].Item, until)
		case c != nil:
			c.lose()
		}
	}
	return nil
}

// key returns the key of what the store keeps of a bot's endpoint, by which the
// bot is claimed.
func (r *Relay) key(bot string) store.Key { return r.Hash("votes", "endpoint", bot) }

// alwaysDue returns a time at which an item is due that may be claimed at any
// time, however much the clocks of replicas differ.
func (r *Relay) alwaysDue() time.Time { return r.Now().Add(-time.Hour) }

// send sends a courier for a bot. Callers hold the mutex.
func (r *Relay) send(ctx context.Context, bot string, item store.Item, until time.Time) {
	ctx, lose := context.WithCancel(ctx)
	c := &courier{Relay: r, bot: bot, key: item.Key, item: item, lose: lose, busy: underWay{}, ended: make(chan ended), stale: true}
	c.extend(until)
	r.couriers[bot] = c
	r.all.Go(func() {
		defer lose()
		c.run(ctx)
		r.mu.Lock()
		delete(r.couriers, bot)
		if c.nudged.Load() { // as it ended
			r.woken[bot] = true
		}
		r.mu.Unlock()
		r.signal()
	})
}

package agent

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"aggregator/aggregate"
	"aggregator/catalog"
	"aggregator/store"
)

// Lists is where counts and reports are sent: an *aggregate.Aggregator.
type Lists interface {
	Count(ctx context.Context, r aggregate.CountRequest, from aggregate.Caller) (aggregate.CountAnswer, error)
	Report(ctx context.Context, r aggregate.ReportRequest, from aggregate.Caller) (aggregate.ReportAnswer, error)
}

// Config is what an Agent works with.
type Config struct {
	Bots     *Live
	Catalog  *catalog.Live
	Lists    Lists        // without windows of ours: the agent keeps its own times
	Shards   ShardWatcher // nil: nobody looks whether shards still report
	State    store.State
	Hash     func(parts ...string) store.Key
	Exchange Exchange
	Outbound Outbound
	Now      func() time.Time // the clock; time.Now when nil
	Log      *slog.Logger

	// Observe hears of each post of a bot's count; nil: nobody listens.
	Observe func(Posted)

	// NoticePause is the shortest time between two messages about one bot.
	NoticePause time.Duration
}

// DefaultNoticePause is the usual Config.NoticePause.
const DefaultNoticePause = 10 * time.Minute

// Agent posts the counts of the operator's own bots by itself, and says when a
// person must act. What it knows is in the store, which any number of Agents may
// share. It is safe for concurrent use.
type Agent struct {
	Config
	holder store.Key // of this agent's claims
	agenda agenda
	told   sync.Map // ids of bots whose source has told a count since the start

	mu     sync.Mutex
	loaded *Bots // whose times are on the agenda

	once func(Posted) // hears what Once does; nil: it is not running
}

// New returns an Agent. Run makes it work.
func New(c Config) *Agent {
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Agent{Config: c, holder: store.NewHolder()}
}

// Bot returns the bot with an id; nil if the file has none.
func (a *Agent) Bot(id string) *Bot { return a.Bots.Current().Bot(id) }

const (
	// maxJobs is how many jobs are done at once.
	maxJobs = 256
	// refreshEvery is how often the agent looks what other replicas changed.
	refreshEvery = time.Minute
	// maxSleep is how long the agent waits at most before it looks around.
	maxSleep = time.Second
	// awayAfter is when it tries again what the store could not do.
	awayAfter = 2 * time.Second
)

// Run posts until ctx ends, and then waits for what is under way: posts run to
// their end, whose deadline is near.
func (a *Agent) Run(ctx context.Context) {
	var underWay sync.WaitGroup
	defer underWay.Wait()
	slots := make(chan struct{}, maxJobs)
	var refreshed time.Time
	for ctx.Err() == nil {
		if now := a.Now(); now.Sub(refreshed).Abs() >= refreshEvery || a.isReloaded() {
			if err := a.refresh(ctx); err == nil {
				refreshed = now
			} else if ctx.Err() == nil {
				a.Log.Debug("agent: nothing is posted without the store", "error", err)
			}
		}
		for _, j := range a.agenda.take(a.Now(), cap(slots)-len(slots)) {
			slots <- struct{}{}
			underWay.Go(func() {
				a.do(ctx, j)
				<-slots
			})
		}
		a.agenda.wait(ctx, a.Now(), maxSleep)
	}
}

// Step does everything that is due at this moment, one thing after the other,
// and returns when something is due next; zero for never. It is Run for whoever
// has a clock of their own.
func (a *Agent) Step(ctx context.Context) (next time.Time, err error) {
	if a.isReloaded() {
		if err := a.refresh(ctx); err != nil {
			return time.Time{}, err
		}
	}
	for {
		jobs := a.agenda.take(a.Now(), maxJobs)
		if len(jobs) == 0 {
			return a.agenda.next(), ctx.Err()
		}
		for _, j := range jobs {
			a.do(ctx, j)
		}
	}
}

// do does a job and notes when it is due again. Whatever happens within it, the
// others go on.
func (a *Agent) do(ctx context.Context, j job) {
	next, err := a.try(ctx, j)
	if err != nil { // the store is away: what is due is done once it is back
		next = a.Now().Add(awayAfter)
		if ctx.Err() == nil {
			a.Log.Debug("agent: not done without the store", "error", err)
		}
	}
	a.agenda.done(j, next)
}

func (a *Agent) try(ctx context.Context, j job) (next time.Time, err error) {
	defer func() {
		if p := recover(); p != nil {
			what := fmt.Sprintf("a %T", p) // anything else may hold a secret
			if e, ok := p.(runtime.Error); ok {
				what = e.Error()
			}
			a.Log.Error("agent: a job panicked", "panic", what, "stack", string(debug.Stack()))
			next, err = a.Now().Add(refreshEvery), nil
		}
	}()
	switch j.kind {
	case jobBot:
		return a.runBot(ctx, j.id)
	case jobTurns:
		return a.runTurns(ctx, j.id)
	case jobShards:
		return a.runShards(ctx, j.id)
	default:
		return a.runMail(ctx, j.id)
	}
}

// isReloaded reports whether there are other bots than those on the agenda.
func (a *Agent) isReloaded() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.loaded != a.Bots.Current() || a.loaded == nil
}

// loadAtOnce is how many items one call of the store loads.
const loadAtOnce = 100

// refresh looks when what is due, as the store has it, and takes bots in that are
// new.
func (a *Agent) refresh(ctx context.Context) error {
	bots := a.Bots.Current()
	isNew := a.isReloaded()
	var jobs []job
	for _, b := range bots.All() {
		jobs = append(jobs, job{jobBot, b.ID})
	}
	jobs = append(jobs, a.turnJobs(bots)...)
	jobs = append(jobs, a.mailJobs(bots)...)
	for chunk := range slices.Chunk(jobs, loadAtOnce) {
		keys := make([]store.Key, len(chunk))
		for i, j := range chunk {
			keys[i] = a.key(j)
		}
		items, err := a.State.Load(ctx, keys...)
		if err != nil {
			return err
		}
		for i, j := range chunk {
			due := items[i].Due
			if j.kind == jobBot && (isNew || items[i].Version == 0) {
				if due, err = a.see(ctx, bots.Bot(j.id), items[i]); err != nil {
					return err
				}
			}
			a.agenda.hasten(j, due)
		}
	}
	shardJobs := a.shardJobs(bots)
	if isNew {
		for _, j := range shardJobs {
			a.agenda.hasten(j, a.Now())
		}
	}
	wanted := make(map[job]bool, len(jobs)+len(shardJobs))
	for _, j := range append(jobs, shardJobs...) {
		wanted[j] = true
	}
	a.agenda.keep(func(j job) bool { return wanted[j] })
	a.mu.Lock()
	defer a.mu.Unlock()
	a.loaded = bots
	return nil
}

// key returns the key of what the store keeps for a job.
func (a *Agent) key(j job) store.Key {
	return a.Hash("agent", [...]string{"bot", "turns", "mail"}[j.kind], j.id)
}

// see takes a bot in, as the file has it now, and returns when it is due.
func (a *Agent) see(ctx context.Context, b *Bot, item store.Item) (due time.Time, err error) {
	r, err := decodeRecord(item.Data)
	if err != nil {
		return due, err
	}
	k := &kept{b, item, r}
	if a.seen(r, b) || item.Version == 0 || !item.Due.Equal(ceilMilli(r.dueAt(b))) {
		_, err = a.save(ctx, k) // or else another replica has seen it too
	}
	if err == nil {
		err = a.post(ctx, k) // should its news have been left lying
	}
	return k.item.Due, err
}

// ceilMilli returns the first whole millisecond that is not before t, as the
// store keeps times.
func ceilMilli(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.Add(time.Millisecond - 1).Truncate(time.Millisecond)
}

// seen notes in a record what the file says of the bot now, and reports whether
// that changed it.
func (a *Agent) seen(r *record, b *Bot) (changed bool) {
	if b.Posts != nil {
		changed = r.see(b, a.fingerprint(b.Posts.Source.identity()...), a.Now())
	}
	if b.Commands && r.Commands.see(a.fingerprint("commands", b.DiscordToken().Reveal())) {
		changed = true
	}
	for _, t := range b.Tokens {
		if r.list(t.ID).see(a.fingerprint(t.Token.Secrets()...)) {
			changed = true
		}
	}
	return changed
}

// fingerprint returns a keyed hash of secrets, by which they are known again.
func (a *Agent) fingerprint(parts ...string) string {
	key := a.Hash(append([]string{"agent", "fingerprint"}, parts...)...)
	return fmt.Sprintf("%x", key[:8])
}

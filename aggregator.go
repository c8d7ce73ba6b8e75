package aggregator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"aggregator/aggregate"
	"aggregator/catalog"
	"aggregator/fanout"
	"aggregator/internal/engine"
	"aggregator/lists"
	"aggregator/ratelimit"
	"aggregator/store"
)

// Options say how an Aggregator works. All of them are optional: the zero value asks
// the built-in lists over a transport of its own, and keeps in memory what holds
// calls back.
type Options struct {
	// Lists are YAML files of lists, put over the built-in ones: each adds lists, or
	// replaces single fields of one. Nil: the built-in lists alone.
	Lists []catalog.File

	// Catalog is used in place of the built-in lists and of Lists, which must be nil
	// then. It may be reloaded while it is in use. See catalog.Load and
	// catalog.LiveOf.
	Catalog *catalog.Live

	// Store keeps what holds calls back: the lists' own intervals, what they asked
	// to wait for, tokens they have refused. Nil: a store in memory, which forgets
	// when the program ends. Packages store/sqlite and store/redis open others. The
	// Aggregator does not close it.
	Store store.Store

	// Transport makes all calls to lists. Nil: one like http.DefaultTransport, which
	// heeds HTTPS_PROXY and the like and is closed with the Aggregator.
	Transport http.RoundTripper

	// Keys are yours for lists that are read with one, by their ids. Nil: none, and
	// such lists are not read but with the keys of a request.
	Keys Tokens

	// UserAgent is sent to lists. "": one that names this module.
	UserAgent string

	// Log hears of circuits that open and close, refused tokens, and the store. No
	// line holds a token. Nil: nobody does.
	Log *slog.Logger

	// Limits bound what one caller may ask about one bot: this program, or those who
	// ask the handler of package httpapi, by their address. The zero value is none.
	// What lists themselves limit is kept in any case.
	Limits Limits

	// Bounds bound what goes on at a time. The zero value is 6,000 calls to lists, of
	// which 512 to one list, and as much memory as there is.
	Bounds Bounds

	// Observe is called with what became of each call to a list, with the context of
	// its request, from any goroutine. It must not wait. Nil: nobody listens.
	Observe func(ctx context.Context, o Outcome)

	// Now is the clock of holds, limits and what is remembered. Nil: time.Now.
	Now func() time.Time
}

// Limits are rates, such as ratelimit.Rate{Limit: 1, Period: 2 * time.Minute}. A
// zero Rate is off.
type Limits struct {
	Count ratelimit.Rate // of posts of one bot
	Bots  ratelimit.Rate // of readings of one bot
	Votes ratelimit.Rate // of vote checks of one user for one bot
}

// Bounds are on what goes on at a time. What finds no room waits for it, at most
// 5 s; then it ends with [ErrBusy]. Zero is the default.
type Bounds struct {
	Calls        int   // to all lists
	CallsPerList int   // to one of them
	Memory       int64 // in bytes: of what is sent to lists and of what they answer
}

// Outcome is what became of one call to a list.
type Outcome = aggregate.Outcome

// InvalidError says what is wrong with a request, in words for whoever made it.
type InvalidError = aggregate.InvalidError

// LimitedError reports that a limit of Options.Limits is reached. Its Decision says
// when there is room again.
type LimitedError = aggregate.LimitedError

// Errors that are returned as they are.
var (
	// ErrBusy reports that there was no room for a request within 5 s.
	ErrBusy = aggregate.ErrBusy
	// ErrClosed reports that the Aggregator is closed.
	ErrClosed = aggregate.ErrClosed
)

// Aggregator posts counts to lists, reads bots from them, and asks them for votes.
// It is safe for concurrent use.
type Aggregator struct {
	engine *engine.Engine
	free   func() error // of what is its own
}

// New returns an Aggregator, which must be closed. The error names what is wrong
// with the options: of Lists it is a *catalog.Error that holds all of it, with files
// and lines.
func New(o Options) (*Aggregator, error) {
	log := o.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	live, err := o.live(log)
	if err != nil {
		return nil, err
	}
	keys, err := o.keys(live.Current())
	if err != nil {
		return nil, err
	}
	var free []func() error
	kept := o.Store
	if kept == nil {
		kept = store.NewMemory(store.MemoryOptions{Log: log, Now: o.Now})
		free = append(free, kept.Close)
	}
	transport := o.Transport
	if transport == nil {
		own := fanout.NewTransport()
		transport = own
		free = append(free, func() error { own.CloseIdleConnections(); return nil })
	}
	userAgent := o.UserAgent
	if userAgent == "" {
		userAgent = "botlist-aggregator (Go library; posts on behalf of its own bots)"
	}
	return &Aggregator{
		engine: engine.New(engine.Options{
			Catalog: live, Store: kept, Transport: transport, Log: log, UserAgent: userAgent, Keys: keys, Now: o.Now, Observe: o.Observe,
			Limits: engine.Limits{Count: o.Limits.Count, Bots: o.Limits.Bots, Votes: o.Limits.Votes},
			Bounds: engine.Bounds{Calls: o.Bounds.Calls, CallsPerList: o.Bounds.CallsPerList, Memory: o.Bounds.Memory, Waiting: maxWaiting},
		}),
		free: sync.OnceValue(func() (err error) {
			for _, f := range free {
				err = errors.Join(err, f())
			}
			return err
		}),
	}, nil
}

// maxWaiting bounds the requests that wait for memory.
const maxWaiting = 2048

// live returns the catalog that the options name.
func (o *Options) live(log *slog.Logger) (*catalog.Live, error) {
	if o.Catalog != nil {
		if o.Lists != nil {
			return nil, errors.New("aggregator: Options have both a Catalog and Lists")
		}
		return o.Catalog, nil
	}
	if len(o.Lists) == 0 {
		c, err := builtIn()
		if err != nil {
			return nil, err
		}
		return catalog.LiveOf(c), nil
	}
	c, warnings, err := catalog.Load(slices.Concat(BuiltInLists(), o.Lists), BuiltInLegacyIDs())
	if err != nil {
		return nil, err
	}
	for _, w := range warnings {
		log.Warn("catalog", "warning", w)
	}
	return catalog.LiveOf(c), nil
}

// builtIn is the built-in catalog, in which nothing changes.
var builtIn = sync.OnceValues(func() (*catalog.Catalog, error) {
	c, _, err := catalog.Load(BuiltInLists(), BuiltInLegacyIDs())
	return c, err
})

// keys returns the operator's keys, by the ids that lists have today.
func (o *Options) keys(c *catalog.Catalog) (map[string]lists.Token, error) {
	all := make(map[string]lists.Token, len(o.Keys))
	for _, id := range slices.Sorted(maps.Keys(o.Keys)) {
		l, ok := c.List(id)
		if !ok {
			return nil, fmt.Errorf("aggregator: a key for an unknown list, %q", id)
		}
		key, bad := lists.CheckToken(o.Keys[id], "")
		switch {
		case bad != nil:
			return nil, fmt.Errorf("aggregator: the key for %s: %s", id, bad)
		case !l.TakesOperatorKey():
			return nil, fmt.Errorf("aggregator: a key for %s, which is not read with one for all bots", id)
		}
		all[l.ID] = key
	}
	return all, nil
}

// List is one list: what is known of it, and what it can be asked. Its methods
// TakesCounts, Readable and Supports say the latter. It must not be changed.
type List = lists.List

// Lists returns the lists of the catalog as it is now, in the order of their ids:
// those that are gone or hidden too.
func (a *Aggregator) Lists() []*List { return slices.Clone(a.engine.Catalog.Current().Lists()) }

// Close turns requests away from now on, with [ErrClosed], waits for those under
// way, 30 s at most, and frees what the Aggregator has made: its store and its
// transport, where Options gave none. Nothing of it runs any more then. The error
// says that calls were still under way after 30 s. Closing twice is the same as
// closing once.
func (a *Aggregator) Close() error { return errors.Join(a.engine.Close(), a.free()) }

// Engine returns what the Aggregator is made of, for other packages of this module.
func (a *Aggregator) Engine() *engine.Engine { return a.engine }

package fanout

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"

	"aggregator/lists"
)

const (
	// breakerRow is how many faults in a row open a breaker, if they are not
	// all of one bot: what one caller sends must not spoil a list for others.
	breakerRow = 5
	// breakerRest is how long an open breaker waits for its next try.
	breakerRest = 30 * time.Second
)

// BreakerState is what a breaker thinks of a list.
type BreakerState struct {
	List    string
	Op      lists.Op
	State   string    // closed, open or half-open
	Since   time.Time // the first of the faults that opened it; zero while closed
	NextTry time.Time // when the next call goes through; zero while closed
}

// Breakers returns the state of every breaker, ordered by list and operation. A
// list that was not asked yet has none.
func (c *Client) Breakers() []BreakerState {
	var all []BreakerState
	for _, g := range c.guards.known() {
		for _, op := range lists.Ops() {
			if g.list.Supports(op) {
				all = append(all, g.breakers[op].state(op))
			}
		}
	}
	slices.SortFunc(all, func(a, b BreakerState) int {
		return cmp.Or(cmp.Compare(a.List, b.List), cmp.Compare(a.Op.Name, b.Op.Name))
	})
	return all
}

// guard is what the client knows of one list.
type guard struct {
	list     *lists.List
	inFlight atomic.Int64
	breakers map[lists.Op]*breaker // one for each operation
}

func newGuard(l *lists.List, rest time.Duration) *guard {
	g := &guard{list: l, breakers: map[lists.Op]*breaker{}}
	for _, op := range lists.Ops() {
		g.breakers[op] = newBreaker(l.ID, op, rest)
	}
	return g
}

// guards are the guards of all lists that were asked. Reading them takes no
// lock: every call does.
type guards struct {
	rest time.Duration
	mu   sync.Mutex // held to change byID
	byID atomic.Pointer[map[string]*guard]
}

func (g *guards) known() map[string]*guard {
	if m := g.byID.Load(); m != nil {
		return *m
	}
	return nil
}

// of is the guard of a list. A known id with another list behind it means that
// the catalog was reloaded: then all guards are dropped and made anew, so that
// those of lists that are gone go too.
func (g *guards) of(l *lists.List) *guard {
	if known := g.known()[l.ID]; known != nil && known.list == l {
		return known
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	all := map[string]*guard{}
	if known := g.known()[l.ID]; known == nil {
		maps.Copy(all, g.known())
	} else if known.list == l {
		return known
	}
	all[l.ID] = newGuard(l, g.rest)
	g.byID.Store(&all)
	return all[l.ID]
}

// breaker stops calls to a list that does not answer.
type breaker struct {
	list    string
	rest    time.Duration
	circuit *gobreaker.TwoStepCircuitBreaker[lists.Answer]

	// gobreaker tells neither when a row of faults began nor when it will try
	// again. Both are written in its callbacks, which run under its lock, and
	// under mu, which is never held while calling it.
	mu      sync.Mutex
	since   time.Time // the first fault of the row; zero: there is none
	bot     string    // whose it was
	several bool      // the row has faults of other bots
	nextTry time.Time
	news    circuitNews
}

func newBreaker(list string, op lists.Op, rest time.Duration) *breaker {
	b := &breaker{list: list, rest: rest, news: circuitNews{list: list, op: op}}
	b.circuit = gobreaker.NewTwoStepCircuitBreaker[lists.Answer](gobreaker.Settings{
		Name:         list,
		Timeout:      rest,
		IsExcluded:   isExcluded,
		IsSuccessful: b.isSuccessful,
		ReadyToTrip: func(n gobreaker.Counts) bool {
			return n.ConsecutiveFailures >= breakerRow && b.several
		},
		OnStateChange: func(_ string, from, to gobreaker.State) {
			b.mu.Lock()
			defer b.mu.Unlock()
			if to == gobreaker.StateOpen {
				b.nextTry = time.Now().Add(rest)
			}
			b.news.changed(from, to, b.since)
		},
	})
	return b
}

// allow tells whether a call may be made. Whoever makes it must let the breaker
// learn what came of it.
func (b *breaker) allow() (learn func(error), ok bool) {
	learn, err := b.circuit.Allow()
	if err != nil {
		return func(error) {}, false
	}
	return learn, true
}

func (b *breaker) open() lists.Answer {
	b.mu.Lock()
	since, wait := b.since, time.Until(b.nextTry)
	b.mu.Unlock()
	if since.IsZero() { // it closed just now
		since = time.Now()
	}
	seconds := max(1, (wait+time.Second-time.Nanosecond)/time.Second)
	return noAnswer(lists.FaultCircuit, fmt.Sprintf("Circuit open: %s has not answered since %s; next try in %ds",
		b.list, since.UTC().Format(time.RFC3339), seconds))
}

func (b *breaker) state(op lists.Op) BreakerState {
	s := BreakerState{List: b.list, Op: op}
	now := b.circuit.State()
	s.State = now.String()
	if now != gobreaker.StateClosed {
		b.mu.Lock()
		s.Since, s.NextTry = b.since, b.nextTry
		b.mu.Unlock()
	}
	return s
}

// listFault is a fault of the list.
type listFault struct {
	bot    string // that the call was for
	reason string // in plain words
}

func (listFault) Error() string { return "the list is at fault" }

var errNotTheList = errors.New("says nothing about the list")

// outcome is what a breaker learns from an answer: nil is a list that answers,
// whatever it thinks of the caller.
func outcome(a lists.Answer, call lists.Call) error {
	switch a.Fault {
	case lists.FaultNone:
		if a.Status < http.StatusInternalServerError {
			return nil
		}
	case lists.FaultRedirect:
		return nil
	case lists.FaultCanceled, lists.FaultBusy, lists.FaultOther, lists.FaultPanic:
		return errNotTheList
	}
	reason := call.Hide(a.Reason)
	if reason == "" {
		reason = fmt.Sprintf("Status %d", a.Status)
	}
	return listFault{call.BotID(), reason}
}

// isExcluded leaves out everything but what outcome says of the list: a panic
// comes here as an error too.
func isExcluded(err error) bool {
	if err == nil {
		return false
	}
	_, fault := errors.AsType[listFault](err)
	return !fault
}

func (b *breaker) isSuccessful(err error) bool {
	if err == nil && b.since.IsZero() { // all its writers hold gobreaker's lock, as we do
		return true
	}
	fault, failed := errors.AsType[listFault](err)
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case !failed:
		b.since, b.bot, b.several = time.Time{}, "", false
	case b.since.IsZero():
		b.since, b.bot = time.Now(), fault.bot
	case b.bot != fault.bot:
		b.several = true
	}
	if failed {
		b.news.reason = fault.reason
	}
	return !failed
}

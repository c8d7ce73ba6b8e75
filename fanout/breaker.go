package fanout

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"

	"aggregator/lists"
)

const (
	// failureThreshold is how many calls in a row must meet silence for a
	// breaker to open, if they are for at least two bots: what one caller sends
	// must not spoil a list for others.
	failureThreshold = 5
	// openTimeout is how long an open breaker waits for its next try.
	openTimeout = 30 * time.Second
	// answerMemory is how long an answer to one network speaks against a streak
	// of silence that another one met alone.
	answerMemory = 10 * time.Minute
)

// BreakerState is the state of the breakers for one direction of a list.
type BreakerState struct {
	List      string
	Direction string
	State     string    // closed, open or half-open
	Since     time.Time // the first silence of the streak that opened it; zero while closed
	NextTry   time.Time // when the next call goes through; zero while closed
}

// Breakers returns the state of every list in each direction, ordered by both: that
// of the breaker that opened last, where several operations share one. A list that
// was not asked yet has none.
func (c *Client) Breakers() []BreakerState {
	var all []BreakerState
	for _, g := range c.guards.known() {
		for _, b := range g.breakers {
			all = append(all, b.state())
		}
	}
	slices.SortFunc(all, func(a, b BreakerState) int {
		return cmp.Or(cmp.Compare(a.List, b.List), cmp.Compare(a.Direction, b.Direction), b.Since.Compare(a.Since))
	})
	return slices.CompactFunc(all, func(a, b BreakerState) bool { return a.List == b.List && a.Direction == b.Direction })
}

// OpenBreakers returns the state of each breaker that is not closed, ordered as by
// Breakers.
func (c *Client) OpenBreakers() []BreakerState {
	return slices.DeleteFunc(c.Breakers(), func(b BreakerState) bool { return b.State == "closed" })
}

// breaker stops calls to a list that keeps silent.
type breaker struct {
	breakerOptions
	list    string
	op      lists.Op
	circuit *gobreaker.TwoStepCircuitBreaker[lists.Answer]
	heard   heard
	inAny   *heard                 // in any operation of the list
	trials  atomic.Pointer[trials] // while half open, else nil

	// What gobreaker does not know. It is written in its callbacks, which run
	// under its lock, and under mu, which is never held while calling it.
	mu      sync.Mutex // for trials too
	current streak
	opened  streak // that opened the breaker
	nextTry time.Time
	news    []news
}

// streak is calls in a row that met silence. The zero streak is none.
type streak struct {
	since    time.Time // of the first
	reason   string    // of the last
	bot      string    // of the first
	bots     bool      // there are others
	network  netip.Prefix
	networks bool // there are others
}

func newBreaker(list string, op lists.Op, inAny *heard, o breakerOptions) *breaker {
	b := &breaker{breakerOptions: o, list: list, op: op, inAny: inAny}
	b.circuit = gobreaker.NewTwoStepCircuitBreaker[lists.Answer](gobreaker.Settings{
		Name:          list,
		Timeout:       o.openTimeout,
		IsExcluded:    isExcluded,
		IsSuccessful:  b.isSuccessful,
		ReadyToTrip:   b.readyToTrip,
		OnStateChange: b.changed,
	})
	return b
}

// pass is the permission to make a call. Whoever has it must call learn with
// what came of the call.
type pass struct {
	b     *breaker
	from  netip.Prefix
	done  func(error) // gobreaker's; nil for a trial
	trial *trials     // nil unless the call is a trial
}

// allow returns the permission to make a call for a network. Where there is none
// ok is false, and refusal says why.
func (b *breaker) allow(from netip.Prefix) (p pass, refusal lists.Answer, ok bool) {
	done, err := b.circuit.Allow()
	t := b.trials.Load()
	if t == nil && err == nil {
		return pass{b: b, from: from, done: done}, lists.Answer{}, true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	next := b.nextTry
	if t != nil {
		if err == nil { // the one call that gobreaker lets through stands for all trials
			t.end = done
		}
		if next, ok = t.begin(from, b.now()); ok {
			return pass{b: b, from: from, trial: t}, lists.Answer{}, true
		}
	}
	return pass{}, b.refusal(next), false
}

// learn takes in what came of a call.
func (p pass) learn(a lists.Answer, call lists.Call) {
	err := outcome(a, call, p.from)
	if err == nil {
		p.b.heard.note(p.from, p.b.now())
		p.b.inAny.note(p.from, p.b.now())
	}
	if p.trial == nil {
		p.done(err)
		return
	}
	p.b.mu.Lock()
	tell := p.trial.finish(p.from, err, p.b.now().Add(p.b.openTimeout))
	p.b.mu.Unlock()
	if tell != nil {
		tell()
	}
}

// refusal returns the answer to a call that is not made. Callers hold mu.
func (b *breaker) refusal(next time.Time) lists.Answer {
	now := b.now()
	seconds := max(1, (next.Sub(now)+time.Second-time.Nanosecond)/time.Second)
	return noAnswer(lists.FaultCircuit, fmt.Sprintf("Circuit open: %s has not answered since %s; next try in %ds",
		b.list, b.opened.since.UTC().Format(time.RFC3339), seconds))
}

func (b *breaker) state() BreakerState {
	s := BreakerState{List: b.list, Direction: b.op.Direction}
	now := b.circuit.State()
	s.State = now.String()
	if now != gobreaker.StateClosed {
		b.mu.Lock()
		s.Since, s.NextTry = b.opened.since, b.nextTry
		b.mu.Unlock()
	}
	return s
}

// silence is the error of a call whose list kept silent.
type silence struct {
	bot     string
	network netip.Prefix
	reason  string
}

func (silence) Error() string { return "the list kept silent" }

var errNotTheList = errors.New("says nothing about the list")

// outcome is what a breaker learns from an answer: nil is a list that answers,
// whatever it says. An answer costs nobody time, and which token got a 500 says
// little of the list.
func outcome(a lists.Answer, call lists.Call, from netip.Prefix) error {
	switch a.Fault {
	case lists.FaultTimeout, lists.FaultRefused, lists.FaultReset, lists.FaultCutShort, lists.FaultDNS, lists.FaultTLS:
		return &silence{call.BotID(), from, call.Hide(a.Reason)}
	case lists.FaultCanceled, lists.FaultBusy, lists.FaultCircuit, lists.FaultOther, lists.FaultPanic:
		return errNotTheList
	}
	return nil
}

// isExcluded leaves out everything but what outcome says of the list.
func isExcluded(err error) bool {
	if err == nil {
		return false
	}
	_, ok := errors.AsType[*silence](err)
	return !ok
}

func (b *breaker) isSuccessful(err error) bool {
	if err == nil && b.current.since.IsZero() { // all its writers hold gobreaker's lock, as we do
		return true
	}
	met, failed := errors.AsType[*silence](err)
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case !failed:
		b.current = streak{}
	case b.current.since.IsZero():
		b.current = streak{since: b.now(), bot: met.bot, network: met.network}
	default:
		b.current.bots = b.current.bots || met.bot != b.current.bot
		b.current.networks = b.current.networks || met.network != b.current.network
	}
	if failed {
		b.current.reason = met.reason
	}
	return !failed
}

// readyToTrip reports whether the streak is long enough and not one caller's own
// doing: several bots met it, and several networks, unless no other one has
// heard from the list lately.
func (b *breaker) readyToTrip(n gobreaker.Counts) bool {
	if n.ConsecutiveFailures < failureThreshold {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.current.bots && (b.current.networks || b.now().Sub(b.lastHeard().otherThan(b.current.network)) > answerMemory)
}

// lastHeard returns which answers speak against a streak that one network met
// alone. Reports are rare, and what is in them may keep a list busy: who has had an
// answer to anything speaks for the list.
func (b *breaker) lastHeard() *heard {
	if b.op.IsReport() {
		return b.inAny
	}
	return &b.heard
}

// changed implements gobreaker's OnStateChange.
func (b *breaker) changed(_ string, from, to gobreaker.State) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.trials.Store(nil)
	switch to {
	case gobreaker.StateOpen:
		b.opened, b.nextTry = b.current, b.now().Add(b.openTimeout)
	case gobreaker.StateHalfOpen:
		b.trials.Store(newTrials())
	}
	if from == gobreaker.StateClosed || to == gobreaker.StateClosed { // trials are not worth telling
		b.news = append(b.news, news{to == gobreaker.StateOpen, b.opened, b.nextTry})
	}
}

package redis

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"aggregator/store"
)

var (
	errAway   = fmt.Errorf("%w: Redis cannot be used", store.ErrAway)
	errSecret = errors.New("store: Redis has the secret of another store")
	errLost   = errors.New("store: Redis has lost its data")
	errSlow   = errors.New("store: Redis is slow")
	errSpoilt = errors.New("store: Redis has something else under a key of ours: it is another program's, or damaged")
	errClock  = errors.New("store: the time in Redis is not what it should be")
)

// link is the way to Redis, and what is known of how Redis is. It is safe for
// concurrent use.
type link struct {
	options
	addr    string // host:port; nothing else of the URL may be shown
	clock   *store.Clock
	monitor *store.Monitor
	client  *client
	secret  []byte
	turns   chan struct{} // holds one for each call under way
	ahead   atomic.Int64  // milliseconds that our clock is ahead of Redis's

	compared atomic.Bool // ahead is known

	// Each of carries brings some of what Redis has to hear of, and reports
	// whether that was all. They are called under the mutex; forgotten says
	// that Redis has lost its data since the last call.
	carries []func(ctx context.Context, forgotten bool) (all bool, err error)

	ending context.Context // ends with close
	end    context.CancelFunc
	others sync.WaitGroup // goroutines that end then

	mu        sync.Mutex
	epoch     string          // of the data in Redis: another one, and it has lost ours
	state     store.Condition // what is wrong with Redis; OK while it is used
	lost      chan struct{}   // closed while it is not
	back      chan struct{}   // closed when it is used again
	grace     context.Context // ends when calls need not wait for that any longer
	bad       int             // calls in a row that failed or were slow
	forgotten bool            // Redis has lost its data, and has not been told all
	lostUntil time.Time       // until when others may know what Redis does not, on our clock
	closed    bool
}

func newLink(c config, log *slog.Logger, opts options) *link {
	l := &link{
		options: opts,
		addr:    c.address,
		clock:   store.NewClock(opts.now, opts.elapsed, store.Reading{}),
		monitor: store.NewMonitor(log, opts.now, "address", c.address),
		client:  newClient(c),
		turns:   make(chan struct{}, connections),
		state:   store.OK,
		lost:    make(chan struct{}),
	}
	l.ending, l.end = context.WithCancel(context.Background())
	return l
}

// begin finds Redis for the first time.
func (l *link) begin(ctx context.Context) error {
	if err := l.yieldTo(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, l.start)
	defer cancel()
	if _, err := l.greet(ctx); err != nil {
		return err
	}
	if _, err := l.run(ctx, nothing, nil, nil); err != nil { // compares the clocks
		return err
	}
	if l.told == nil { // one that is told jumps, and a look under way would seem to be of a clock that was set back
		l.others.Go(l.watch)
	}
	return nil
}

// yieldTo waits until there is a secret in Redis, or the others that may put
// theirs back have had the time.
func (l *link) yieldTo(ctx context.Context) error {
	for end := time.Now().Add(l.yield); time.Now().Before(end); {
		timed, cancel := context.WithTimeout(ctx, l.start)
		there, err := meeting.run(timed, l.client, []string{secretKey})
		cancel()
		if err != nil || there != int64(0) { // greet tells if it is something else
			return err
		}
		if !pause(ctx, beatEvery/10) {
			return ctx.Err()
		}
	}
	return nil
}

func (l *link) close() error {
	l.mu.Lock()
	l.closed = true // from here on no call changes anything, and no probe begins
	l.mu.Unlock()
	l.end()
	l.others.Wait()
	return l.client.close()
}

// away reports whether Redis is away, or cannot be used. Callers hold the mutex.
func (l *link) away() bool { return l.state != store.OK }

// degraded reports whether other replicas may know what we cannot see.
func (l *link) degraded() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.away() || l.clock.Now().Before(l.lostUntil)
}

// lostTill returns until when others may tell a Redis that lost its data what they
// know, zero unless it has.
func (l *link) lostTill() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.Now()
	switch {
	case l.state == store.Lost: // nothing can be said yet
		return now.Add(lostFor)
	case l.lostUntil.After(now):
		return l.lostUntil
	}
	return time.Time{}
}

// ask runs a script when its turn comes. It returns errAway while Redis cannot
// be used.
func (l *link) ask(ctx context.Context, script *script, names []string, args []any) (reply, error) {
	for {
		r, err := l.try(ctx, script, names, args)
		if err == nil || !errors.Is(err, errTryAgain) {
			return r, err
		}
		if !pause(ctx, retryPause) {
			return reply{}, ctx.Err()
		}
	}
}

// awaitBack waits until a Redis that was given up is used again, for a moment
// after it was given up at the most.
func (l *link) awaitBack(ctx context.Context) error {
	l.mu.Lock()
	grace, back := l.grace, l.back
	l.mu.Unlock()
	if grace == nil { // it never was
		return nil
	}
	select {
	case <-back:
	case <-grace.Done():
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// errTryAgain is of a call that failed, in a Redis that is not given up.
var errTryAgain = errors.New("store: try again")

// try is ask, once.
func (l *link) try(ctx context.Context, script *script, names []string, args []any) (reply, error) {
	done, err := l.turn(ctx)
	if err != nil {
		return reply{}, err
	}
	defer done()
	deadline, impatient := ctx.Deadline()
	impatient = impatient && time.Until(deadline) < l.timeout
	slow := time.AfterFunc(l.slow, func() { _ = l.blame(errSlow) })
	r, err := l.run(ctx, script, names, args)
	counted := !slow.Stop()
	switch {
	case err == nil:
		if !counted {
			l.wellDone()
		}
		return r, nil
	case ctx.Err() != nil: // the caller's patience says nothing of Redis
		return reply{}, ctx.Err()
	case impatient && timedOut(err): // the connection's timer may be a little before the context's
		return reply{}, context.DeadlineExceeded
	case says(err, "WRONGTYPE"), says(err, "attempt to"): // nor does what others have made of a key
		return reply{}, errSpoilt
	case errors.Is(err, errClock), counted:
		return reply{}, errTryAgain
	}
	return reply{}, l.blame(err)
}

// turn waits for the turn of a call, which ends with done.
func (l *link) turn(ctx context.Context) (done func(), err error) {
	l.mu.Lock()
	lost, closed := l.lost, l.closed
	l.mu.Unlock()
	if closed {
		return nil, store.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case l.turns <- struct{}{}:
	case <-lost:
		return nil, errAway
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case <-lost: // however long the wait was
		<-l.turns
		return nil, errAway
	default:
		return func() { <-l.turns }, nil
	}
}

// wellDone notes a call that was answered in time.
func (l *link) wellDone() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.away() {
		l.bad = 0
	}
}

// blame notes a bad call, and gives Redis up where it was one too many. It
// returns errAway then, else errTryAgain; or the error of a store that has been
// closed, which made the call fail.
func (l *link) blame(err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return store.ErrClosed
	case l.away():
		return errAway
	}
	if l.bad++; l.bad < badCalls && !definite(err) {
		return errTryAgain
	}
	l.say(err)
	close(l.lost)
	l.back = make(chan struct{})
	var done context.CancelFunc
	l.grace, done = context.WithTimeout(l.ending, graceFor)
	l.others.Go(func() { defer done(); l.find() })
	return errAway
}

// definite reports whether an error tells all, so that no other call is needed.
func definite(err error) bool {
	return answered(err) || errors.Is(err, errLost)
}

// say notes why Redis cannot be used. Callers hold the mutex.
func (l *link) say(err error) {
	state, text := store.Away, "Redis is away; windows hold for this replica alone until it is back"
	switch {
	case errors.Is(err, errLost):
		state, text = store.Lost, "Redis has lost its data, and is told again what is known; lists with limits wait meanwhile"
	case errors.Is(err, errSecret):
		state, text = store.Foreign, "Redis has the secret of another store; windows hold for this replica alone until it is restarted"
	case errors.Is(err, errSlow):
		state, text = store.Slow, "Redis takes more than a second to answer; windows hold for this replica alone until it is faster"
	case outOfMemory(err):
		state, text = store.NoMemory, "Redis has no memory left; windows hold for this replica alone until it has"
	case says(err, "READONLY"), says(err, "MISCONF"):
		state, text = store.ReadOnly, "Redis takes no writes; windows hold for this replica alone until it does"
	}
	l.monitor.Become(l.state, state, text, "error", explain(err))
	l.state = state
}

// find looks for Redis until it is back, or the store is closed.
func (l *link) find() {
	wait := 50 * time.Millisecond
	l.mu.Lock()
	if l.state == store.Lost { // it is there
		wait = 0
	}
	l.mu.Unlock()
	for pause(l.ending, wait) {
		err := l.rejoin()
		if err == nil {
			return
		}
		l.mu.Lock()
		l.say(err)
		l.mu.Unlock()
		wait = min(max(2*wait, 50*time.Millisecond), time.Second)
	}
}

// rejoin brings Redis what it missed, and when it has all, goes back to it.
func (l *link) rejoin() error {
	ctx, cancel := context.WithTimeout(l.ending, l.timeout)
	defer cancel()
	start := time.Now()
	since, err := l.greet(ctx)
	switch {
	case err != nil:
		return err
	case time.Since(start) > l.slow:
		return errSlow
	}
	l.mu.Lock()
	if l.forgotten {
		l.lostUntil = since.Add(lostFor)
		l.say(errLost)
	}
	l.mu.Unlock()
	for {
		if all, err := l.carry(); all || err != nil {
			return err
		}
	}
}

// carry brings Redis some of what it missed, and when that was all, goes back to
// it.
func (l *link) carry() (all bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	all = true
	for _, some := range l.carries {
		done, err := some(l.ending, l.forgotten)
		if err != nil {
			return false, err
		}
		all = all && done
	}
	l.forgotten = false // all have noted it
	if all {
		l.rejoined()
	}
	return all, nil
}

// rejoined goes back to Redis. Callers hold the mutex.
func (l *link) rejoined() {
	if l.state != store.Lost { // that lasts longer
		l.monitor.End(l.state, "Redis is back; windows are shared again")
	}
	l.state, l.bad, l.lost = store.OK, 0, make(chan struct{})
	close(l.back)
}

// watch looks at Redis now and then, so that a loss is seen by replicas that
// have nothing else to ask, and says when a loss of data is over.
func (l *link) watch() {
	for pause(l.ending, beatEvery) {
		l.others.Go(func() {
			ctx, cancel := context.WithTimeout(l.ending, 2*l.timeout)
			defer cancel()
			_, _ = l.ask(ctx, nothing, nil, nil)
		})
		if !l.degraded() {
			l.monitor.End(store.Lost, "Redis is back; windows are shared again")
		}
	}
}

// pause waits, and reports whether the context is still there.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

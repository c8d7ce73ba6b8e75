package redis

import (
	"context"
	"encoding/hex"
	"errors"
	"time"

	"aggregator/store"
)

const (
	// maxOwed bounds the windows that are remembered for Redis while it is away.
	maxOwed = 100_000
	// carried is how many of them go over in one script, which holds up all
	// other calls to Redis for as long.
	carried = 500
)

// windows is the [store.Windows] of a Store.
type windows struct {
	*link

	// Under the mutex of the link.
	memory *store.MemoryWindows // how windows are in Redis, as far as we know, and what we change while it is away
	owed   map[store.Key]int64  // uses of memory's windows that Redis has not heard of
}

func newWindows(l *link) *windows {
	w := &windows{link: l, owed: make(map[store.Key]int64)}
	w.memory = store.NewMemoryWindows(store.DefaultMaxKeys, l.clock.Now, nil)
	l.carries = append(l.carries, w.carryOver)
	return w
}

// close returns how many windows Redis has not heard of.
func (w *windows) close() int {
	w.memory.Close()
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.owed)
}

// placed is what a script says of one key.
type placed struct {
	key    store.Key // of the slot
	room   bool      // for another use
	window store.Window
}

// TakeEach implements [store.Windows].
func (w *windows) TakeEach(ctx context.Context, groups ...[]store.Use) (taken []store.Taken, err error) {
	var keys []store.Key
	var args []any
	for i, uses := range groups {
		for _, u := range uses {
			if err := u.Check(); err != nil {
				return nil, err
			}
			period := u.Period.Milliseconds()
			if u.Look {
				period = 0
			}
			keys = append(keys, u.Key)
			args = append(args, u.Slots, u.Limit, period, i, u.Note)
		}
	}
	err = w.do(ctx, takeScript, keys, args, func(said []placed) error {
		taken = takenOf(groups, said)
		return nil
	}, func() error {
		taken, err = w.takeAway(ctx, groups)
		return err
	})
	return taken, err
}

// takenOf returns what a script says of groups of uses.
func takenOf(groups [][]store.Use, said []placed) []store.Taken {
	taken := make([]store.Taken, len(groups))
	for i, uses := range groups {
		t := &taken[i]
		t.OK = true
		for _, p := range said[:len(uses)] {
			t.Keys, t.Windows = append(t.Keys, p.key), append(t.Windows, p.window)
			if p.room {
				continue
			}
			t.OK = false
			if p.window.Until.After(t.Until) {
				t.Until = p.window.Until
			}
		}
		said = said[len(uses):]
	}
	return taken
}

// takeAway takes in memory while Redis is away, and notes it for Redis.
func (w *windows) takeAway(ctx context.Context, groups [][]store.Use) ([]store.Taken, error) {
	taken, err := w.memory.TakeEach(context.WithoutCancel(ctx), groups...)
	for i, t := range taken {
		if !t.OK {
			continue
		}
		for j, u := range groups[i] {
			if !u.Look {
				// No more than there are: another window may have closed since.
				w.owe(t.Keys[j], min(w.owed[t.Keys[j]]+1, t.Windows[j].Used))
			}
		}
	}
	return taken, err
}

// PeekEach implements [store.Windows].
func (w *windows) PeekEach(ctx context.Context, places ...store.Place) (all []store.Window, err error) {
	keys := make([]store.Key, len(places))
	args := make([]any, len(places))
	for i, p := range places {
		if err := p.Check(); err != nil {
			return nil, err
		}
		keys[i], args[i] = p.Key, p.Slots
	}
	err = w.do(ctx, peekScript, keys, args, func(said []placed) error {
		all = make([]store.Window, len(said))
		for i, p := range said {
			all[i] = p.window
		}
		return nil
	}, func() error {
		all, err = w.memory.PeekEach(context.WithoutCancel(ctx), places...)
		return err
	})
	return all, err
}

// Change implements [store.Windows].
func (w *windows) Change(ctx context.Context, changes ...store.Change) error {
	keys := make([]store.Key, len(changes))
	args := make([]any, 0, 4*len(changes))
	for i, c := range changes {
		if err := c.Check(); err != nil {
			return err
		}
		keys[i] = c.Key
		args = append(args, int(c.Kind), c.Slots, c.Used, w.toRedis(c.Until), c.Note)
	}
	return w.do(ctx, changeScript, keys, args, func(said []placed) error {
		same := make([]store.Change, len(said)) // lower too, as Learn would not
		for i, p := range said {
			same[i] = store.Change{Place: store.Place{Key: p.key}, Kind: store.KindSet, Window: p.window}
		}
		return w.memory.Change(context.WithoutCancel(ctx), same...)
	}, func() error { return w.changeAway(ctx, changes) })
}

// changeAway makes changes in memory while Redis is away, and notes them for
// Redis.
func (w *windows) changeAway(ctx context.Context, changes []store.Change) error {
	applied, err := w.memory.Apply(context.WithoutCancel(ctx), changes...)
	for _, a := range applied {
		switch {
		case a.After == a.Before:
		case a.After.Used == store.Held || a.Before.Used == store.Held:
			w.owe(a.Key, w.owed[a.Key]) // how it is says the window
		default:
			w.owe(a.Key, w.owed[a.Key]+a.After.Used-a.Before.Used)
		}
	}
	return err
}

// Degraded implements [store.Windows].
func (w *windows) Degraded() bool { return w.degraded() }

// Lost implements [store.Windows].
func (w *windows) Lost() time.Time { return w.lostTill() }

// do runs a script, has memory learn how windows are in Redis, and reads what
// the script says. While Redis is away alone runs instead. Both run under the
// mutex. A Redis that was given up just now is waited for a moment.
func (w *windows) do(ctx context.Context, script *script, keys []store.Key, args []any, read func([]placed) error, alone func() error) error {
	names := make([]string, len(keys))
	for i, key := range keys {
		names[i] = name(key)
	}
	for {
		r, err := w.ask(ctx, script, names, args)
		switch {
		case errors.Is(err, errAway):
			if done, err := w.doAlone(ctx, alone); done {
				return err
			}
		case err != nil:
			return err
		default:
			said, err := w.parse(keys, r)
			if err != nil {
				return err
			}
			if w.learn(r.epoch, said) {
				w.mu.Lock()
				defer w.mu.Unlock()
				return read(said)
			}
		}
	}
}

// doAlone runs alone, and reports whether it did so: Redis may be back.
func (w *windows) doAlone(ctx context.Context, alone func() error) (done bool, err error) {
	if err := w.awaitBack(ctx); err != nil {
		return true, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.away() {
		return false, nil
	}
	return true, alone()
}

// learn has memory know how windows are in Redis, so that this replica knows it
// when Redis is lost. It reports false, and learns nothing, of what was so in an
// epoch that is over: that is lost, and the script has to run again.
func (w *windows) learn(epoch string, said []placed) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if epoch != w.epoch {
		return false
	}
	for _, p := range said {
		if p.window.Used > 0 {
			w.memory.Raise(p.key, p.window)
		}
	}
	return true
}

// parse reads what a script says of each key.
func (w *windows) parse(keys []store.Key, r reply) ([]placed, error) {
	values, err := r.numbers()
	if err != nil || len(values) != 4*len(keys) {
		return nil, errReply
	}
	all := make([]placed, 0, len(keys))
	for said := values; len(said) > 0; said = said[4:] {
		p := placed{key: keys[len(all)].Slot(int(said[1])), room: said[0] == 1, window: store.Window{Used: said[2]}}
		if p.window.Used > 0 {
			p.window.Until = time.UnixMilli(said[3] + w.ahead.Load())
		}
		all = append(all, p)
	}
	return all, nil
}

// carryOver adds some of what is owed to the windows in Redis, and reports
// whether nothing is left. If Redis has forgotten all, all that is known is owed.
// Calls wait for it, so that none changes memory meanwhile. What was taken in
// both, because an answer was lost, is counted twice: a post too few costs less
// than one too many.
func (w *windows) carryOver(ctx context.Context, forgotten bool) (all bool, err error) {
	if forgotten {
		w.memory.Each(func(key store.Key, _ store.Window) { w.owed[key] += 0 })
	}
	keys := make([]store.Key, 0, carried)
	names := make([]string, 0, carried)
	for key := range w.owed {
		keys, names = append(keys, key), append(names, name(key))
		if len(keys) == carried {
			break
		}
	}
	known, err := store.Peek(ctx, w.memory, keys...)
	if err != nil {
		return false, err
	}
	args := make([]any, 0, 3*len(keys))
	for i, k := range known {
		args = append(args, w.owed[keys[i]], k.Used, w.toRedis(k.Until))
	}
	if _, err := w.runIn(ctx, w.epoch, carryScript, names, args); err != nil {
		return false, err
	}
	for _, key := range keys {
		delete(w.owed, key)
	}
	return len(w.owed) == 0, nil
}

// owe notes that Redis is to hear of uses of a window, or of none but of the
// window itself. Callers hold the mutex.
func (w *windows) owe(key store.Key, uses int64) {
	if _, known := w.owed[key]; known || len(w.owed) < maxOwed {
		w.owed[key] = uses
	}
}

// name returns the key in Redis of a window.
func name(key store.Key) string { return prefix + hex.EncodeToString(key[:]) }

package redis

import (
	"context"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"aggregator/store"
)

// scanned is how many keys Redis looks at in one step.
const scanned = 1000

// Noted implements [store.Windows]. It looks at every key, a part at a time, and
// not in turn with the calls of requests. While Redis is away it is what this
// replica knows.
func (w *windows) Noted(ctx context.Context) ([]store.Noted, error) {
	w.mu.Lock()
	away, closed := w.away(), w.closed
	w.mu.Unlock()
	switch {
	case closed:
		return nil, store.ErrClosed
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case away:
		return w.memory.Noted(ctx)
	}
	var all []store.Noted
	for cursor := "0"; ; {
		names, next, err := w.scan(ctx, cursor)
		if err != nil {
			return nil, err
		}
		if all, err = w.noted(ctx, all, names); err != nil {
			return nil, err
		}
		if cursor = next; cursor == "0" {
			return store.SortNoted(all), nil
		}
	}
}

// scan returns some of the keys there are, and where to go on; "0" for nowhere.
func (w *windows) scan(ctx context.Context, cursor string) (names []string, next string, err error) {
	found, err := slice(w.client.do(ctx, "SCAN", cursor, "MATCH", prefix+"*", "COUNT", scanned))
	if err != nil {
		return nil, "", err
	}
	if len(found) != 2 {
		return nil, "", errReply
	}
	next, _ = found[0].(string)
	all, _ := found[1].([]any)
	for _, one := range all {
		name, _ := one.(string)
		names = append(names, name)
	}
	if next == "" {
		return nil, "", errReply
	}
	return names, next, nil
}

// noted appends those of some keys that are windows with a note.
func (w *windows) noted(ctx context.Context, all []store.Noted, names []string) ([]store.Noted, error) {
	var keys []store.Key
	var of []any
	for _, name := range names {
		raw, err := hex.DecodeString(strings.TrimPrefix(name, prefix))
		if err == nil && len(raw) == len(store.Key{}) {
			keys, of = append(keys, store.Key(raw)), append(of, name)
		}
	}
	if len(of) == 0 {
		return all, nil
	}
	values, err := slice(w.client.do(ctx, "MGET", of...))
	if err != nil {
		return nil, err
	}
	now := w.clock.Now()
	for i, value := range values {
		text, _ := value.(string)
		n := store.Noted{Key: keys[i], Window: w.parseWindow(text)}
		if n.Note != "" && n.Until.After(now) {
			all = append(all, n)
		}
	}
	return all, nil
}

// parseWindow reads a window as scripts write it; what cannot be read is free.
func (w *windows) parseWindow(text string) store.Window {
	used, rest, _ := strings.Cut(text, " ")
	till, note, _ := strings.Cut(rest, " ")
	n, err := strconv.ParseInt(used, 10, 64)
	if err != nil {
		return store.Window{}
	}
	ms, err := strconv.ParseInt(till, 10, 64)
	if err != nil {
		return store.Window{}
	}
	return store.Window{Used: n, Until: time.UnixMilli(ms + w.ahead.Load()), Note: note}
}

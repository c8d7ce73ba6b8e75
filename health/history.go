package health

import (
	"context"
	"hash/maphash"
	"sync"
	"time"

	"aggregator/store"
)

const (
	// maxUnwritten bounds the counts of bots that wait to be written.
	maxUnwritten = 20_000
	// countsAtOnce is how many are written in one step: few, for windows of requests
	// wait while the store writes them.
	countsAtOnce = 50
)

// counts are the counts of bots that were heard.
type counts struct {
	mu      sync.Mutex // never held for long: requests wait for it
	hour    time.Time  // that is going on
	seed    maphash.Seed
	heard   map[uint64]countHeard       // by the hash of the bot's id, which takes less memory
	pending map[string]store.CountPoint // to be written, by bot
}

// countHeard is what was heard of a bot in this hour.
type countHeard struct{ posted bool }

// Count notes how many servers a bot is on, as it said in a post that a list has
// taken, or as lists say. It waits for nothing. The first of an hour counts, and
// one that was posted before one that was read.
func (r *Recorder) Count(botID string, servers int64, posted bool) {
	if r.History == nil {
		return
	}
	now, c := r.Now(), &r.counts
	c.mu.Lock()
	defer c.mu.Unlock()
	if hour := store.Hours.Begin(now); !hour.Equal(c.hour) {
		c.hour, c.heard = hour, make(map[uint64]countHeard)
	}
	bot := maphash.String(c.seed, botID)
	if known, ok := c.heard[bot]; ok && (known.posted || !posted) {
		return
	}
	if len(c.heard) >= store.MaxHistories || len(c.pending) >= maxUnwritten {
		return
	}
	c.heard[bot] = countHeard{posted}
	c.pending[botID] = store.CountPoint{Hour: c.hour, Count: servers}
}

// Counts returns how many servers a bot was on, over the last 90 days, one point an
// hour at most, the oldest first; nil if nothing is known. The error is the
// store's, or the context's.
func (r *Recorder) Counts(ctx context.Context, botID string) ([]store.CountPoint, error) {
	if r.History == nil {
		return nil, nil
	}
	points, err := r.History.Counts(ctx, r.historyKey(botID))
	if err != nil {
		return nil, err
	}
	r.counts.mu.Lock()
	defer r.counts.mu.Unlock()
	if p, ok := r.counts.pending[botID]; ok {
		points = store.UnpackHistory(store.MergeHistory(store.PackHistory(points), p))
	}
	for len(points) > 0 && r.Now().Sub(points[0].Hour) >= store.HistoryTTL {
		points = points[1:]
	}
	return points, nil
}

func (r *Recorder) historyKey(botID string) store.Key { return r.Hash("history", botID) }

// writeCounts writes what was heard of bots. What cannot be written stays.
func (r *Recorder) writeCounts(ctx context.Context) error {
	if r.History == nil {
		return nil
	}
	for {
		bots, points := r.counts.next()
		if len(bots) == 0 {
			return nil
		}
		all := make([]store.BotCount, len(bots))
		for i, bot := range bots {
			all[i] = store.BotCount{Bot: r.historyKey(bot), CountPoint: points[i]}
		}
		if err := r.History.Put(ctx, all...); err != nil {
			return err
		}
		r.counts.written(bots, points)
	}
}

// next returns some of what is to be written.
func (c *counts) next() (bots []string, points []store.CountPoint) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for bot, p := range c.pending {
		if len(bots) == countsAtOnce {
			break
		}
		bots, points = append(bots, bot), append(points, p)
	}
	return bots, points
}

// written forgets what was written, unless something else was heard meanwhile.
func (c *counts) written(bots []string, points []store.CountPoint) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, bot := range bots {
		if c.pending[bot] == points[i] {
			delete(c.pending, bot)
		}
	}
}

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
	mu           sync.Mutex // never held for long: requests wait for it
	hour         time.Time  // that is going on
	seed         maphash.Seed
	posted, read map[uint64]struct{}     // bots that were heard of in this hour, by the hash of their ids, which takes less memory
	pending      map[string]pendingCount // to be written, by bot
}

// pendingCount is a point that is to be written: small, for there may be many.
type pendingCount struct {
	hour  int64 // its begin, in Unix seconds
	count int64
}

func (p pendingCount) point() store.CountPoint {
	return store.CountPoint{Hour: time.Unix(p.hour, 0).UTC(), Count: p.count}
}

// begin begins an hour.
func (c *counts) begin(hour time.Time) {
	c.hour, c.posted, c.read = hour, make(map[uint64]struct{}), make(map[uint64]struct{})
}

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
		c.begin(hour)
	}
	bot, heard := maphash.String(c.seed, botID), c.posted
	if _, known := c.posted[bot]; known {
		return
	}
	if !posted {
		heard = c.read
		if _, known := c.read[bot]; known {
			return
		}
	}
	if len(heard) >= store.MaxHistories || len(c.pending) >= maxUnwritten {
		return
	}
	heard[bot] = struct{}{}
	c.pending[botID] = pendingCount{c.hour.Unix(), servers}
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
		points = store.UnpackHistory(store.MergeHistory(store.PackHistory(points), p.point()))
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
			all[i] = store.BotCount{Bot: r.historyKey(bot), CountPoint: points[i].point()}
		}
		if err := r.History.Put(ctx, all...); err != nil {
			return err
		}
		r.counts.written(bots, points)
	}
}

// next returns some of what is to be written.
func (c *counts) next() (bots []string, points []pendingCount) {
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
func (c *counts) written(bots []string, points []pendingCount) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, bot := range bots {
		if c.pending[bot] == points[i] {
			delete(c.pending, bot)
		}
	}
}

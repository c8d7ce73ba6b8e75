package agent

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"aggregator/store"
)

// ShardWatcher knows which shards have fallen silent. An *aggregate.Aggregator
// is one.
type ShardWatcher interface {
	// ShardSilence is [store.Shards.Silence] for the set of a bot with a key.
	ShardSilence(ctx context.Context, botID string, rounds int, least time.Duration) (s store.ShardSilence, ok bool, err error)
}

const (
	// lookAtShardsEvery is how often it is looked whether shards still report.
	lookAtShardsEvery = time.Minute
	// silentRounds is for how many rounds shards have not reported when that is
	// said.
	silentRounds = 10
	// minSilence is how long they have not reported then at least.
	minSilence = time.Hour
)

// hearsOfShards reports whether somebody hears of the bot's shards.
func (b *Bot) hearsOfShards() bool { return b.HasKey() && b.Notify != nil }

// shardJobs returns the jobs that look at shards.
func (a *Agent) shardJobs(bots *Bots) []job {
	var all []job
	if a.Shards == nil {
		return nil
	}
	for _, b := range bots.All() {
		if b.hearsOfShards() {
			all = append(all, job{jobShards, b.ID})
		}
	}
	return all
}

// runShards looks whether every shard of a bot still reports, and returns when
// to look again; zero for never.
func (a *Agent) runShards(ctx context.Context, id string) (next time.Time, err error) {
	b := a.Bots.Current().Bot(id)
	if b == nil || !b.hearsOfShards() {
		return time.Time{}, nil
	}
	next = a.Now().Add(lookAtShardsEvery)
	k, err := a.load(ctx, b)
	if err != nil {
		return time.Time{}, err
	}
	isMissing := k.News.is(shardsMissing, "")
	rounds, least := silentRounds, minSilence
	if isMissing { // rounds grow longer while shards are missing, which makes nothing well
		rounds, least = 0, max(k.Silence, minSilence)
	}
	said, ok, err := a.Shards.ShardSilence(ctx, id, rounds, least)
	if err != nil {
		return time.Time{}, err
	}
	if !ok || isMissing == (len(said.Silent) > 0) {
		return next, nil
	}
	now := a.Now()
	return next, a.change(ctx, k, func(r *record) { r.hearOfShards(said, now) })
}

// hearOfShards notes which shards of a set that was complete do not report.
func (r *record) hearOfShards(s store.ShardSilence, now time.Time) {
	if len(s.Silent) == 0 {
		r.Silence = 0
		r.News.solve(shardsMissing, "", fmt.Sprintf("All of %d shards report again", s.Of), now)
		return
	}
	r.Silence = max(silentRounds*s.Round, minSilence)
	r.News.raise(problem{What: shardsMissing, Since: now.Add(-r.Silence), Text: silentWords(s)}, now)
}

// silentWords says which shards do not report. Of very many the first are named.
func silentWords(s store.ShardSilence) string {
	names := make([]string, len(s.Silent))
	for i, shard := range s.Silent {
		names[i] = strconv.Itoa(shard)
	}
	shards := strings.Join(names, ", ")
	if len(s.Silent) == store.MaxMissing {
		return fmt.Sprintf("At least %d of %d shards do not report: %s, …", len(s.Silent), s.Of, shards)
	}
	return fmt.Sprintf("%d of %d shards do not report: %s", len(s.Silent), s.Of, shards)
}

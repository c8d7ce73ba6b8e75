package votes

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"aggregator/agent"
)

const (
	// refusedNoticeAfter is how long after the first vote that was not kept a person
	// is told, whether or not votes are kept again: some lists send none twice.
	refusedNoticeAfter = time.Minute
	// minNoticed is how long a notice that votes are lost stands at least, so that a
	// message goes out.
	minNoticed = 5 * time.Minute
	// refusalsEvery is how often Run looks what a person is to be told.
	refusalsEvery = 5 * time.Second
)

// RefusalNotices tell a person of votes that were lost. An *agent.Agent does.
type RefusalNotices interface {
	// VotesRefused says that votes of a list were not taken in since a time.
	VotesRefused(ctx context.Context, b *agent.Bot, list string, since time.Time, reason string) error
	// VotesAccepted says that they are taken in again.
	VotesAccepted(ctx context.Context, b *agent.Bot, list string) error
}

// Refusals know which lists' votes could not be kept, and have a person told. It
// is safe for concurrent use. A nil Refusals knows of none.
type Refusals struct {
	Bots    *agent.Live
	Notices RefusalNotices
	Log     *slog.Logger
	Now     func() time.Time

	mu  sync.Mutex
	all map[refused]*refusal
}

// refused is whose votes were not kept. There are as many as bots.yaml has
// secrets of lists.
type refused struct{ bot, list string }

// refusal is a time in which votes were not kept.
type refusal struct {
	since, ended time.Time // ended is zero while it lasts
	reason       string
	said         time.Time // zero: nobody was told
}

func (r *Refusals) refused(bot, list, reason string, now time.Time) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	known := r.all[refused{bot, list}]
	if known == nil {
		if r.all == nil {
			r.all = map[refused]*refusal{}
		}
		known = &refusal{since: now}
		r.all[refused{bot, list}] = known
	}
	known.reason, known.ended = reason, time.Time{}
}

func (r *Refusals) kept(bot, list string, now time.Time) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if known := r.all[refused{bot, list}]; known != nil && known.ended.IsZero() {
		known.ended = now
	}
}

// Run has people told until ctx ends.
func (r *Refusals) Run(ctx context.Context) {
	t := time.NewTicker(refusalsEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			r.tell(ctx)
		}
	}
}

// tell tells what is to be said by now. What cannot be said, for the store is
// away, is said later.
func (r *Refusals) tell(ctx context.Context) {
	now := r.Now()
	r.mu.Lock()
	due := map[refused]refusal{}
	for who, what := range r.all {
		switch {
		case what.said.IsZero() && !what.ended.IsZero() && what.ended.Sub(what.since) < refusedNoticeAfter:
			delete(r.all, who)
		case what.said.IsZero() && now.Sub(what.since) >= refusedNoticeAfter,
			!what.said.IsZero() && !what.ended.IsZero() && now.Sub(what.said) >= minNoticed:
			due[who] = *what
		}
	}
	r.mu.Unlock()
	for who, what := range due {
		err := r.say(ctx, who, what)
		if err != nil {
			r.Log.Debug("votes: nobody could be told of votes that were not kept", "bot", who.bot, "error", err)
			continue
		}
		r.mu.Lock()
		switch known := r.all[who]; {
		case known == nil:
		case what.said.IsZero():
			known.said = now
		case !known.ended.IsZero():
			delete(r.all, who)
		default: // it began again as it was said to be over
			known.since, known.said = now, time.Time{}
		}
		r.mu.Unlock()
	}
}

func (r *Refusals) say(ctx context.Context, who refused, what refusal) error {
	b := r.Bots.Current().Bot(who.bot)
	switch {
	case b == nil: // the file has it no more
		return nil
	case !what.said.IsZero():
		return r.Notices.VotesAccepted(ctx, b, who.list)
	case what.reason == resultFull:
		return r.Notices.VotesRefused(ctx, b, who.list, what.since, "too many wait for the bot's endpoint")
	}
	return r.Notices.VotesRefused(ctx, b, who.list, what.since, "the store was away")
}

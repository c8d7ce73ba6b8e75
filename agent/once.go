package agent

import (
	"context"
	"sync"
	"time"

	"aggregator/aggregate"
	"aggregator/store"
)

// Done is what one run did for a bot.
type Done struct {
	Report
	Due     bool               // something was to be done
	Results []aggregate.Result // of the lists that were posted to
	Skipped []aggregate.Skipped
}

// Failed reports whether the bot's source told no count, or a post was tried and
// not accepted.
func (d Done) Failed() bool {
	for _, r := range d.Results {
		if !r.OK {
			return true
		}
	}
	for _, s := range d.Skipped {
		if !s.Why.IsHeld() {
			return true
		}
	}
	return d.Due && d.Count.Error != ""
}

// Once does all that is due, as Run would, sends what there is to say and
// returns what it did for each bot, in the order of the file. A bot that was
// never asked is due. The error is the store's.
func (a *Agent) Once(ctx context.Context) ([]Done, error) {
	bots := a.Bots.Current()
	done := make(map[string]*Done, len(bots.All()))
	for _, b := range bots.All() {
		done[b.ID] = &Done{}
	}
	var mu sync.Mutex
	a.once = func(p Posted) {
		mu.Lock()
		defer mu.Unlock()
		d := done[p.Bot.ID]
		d.Due = true
		d.Results, d.Skipped = append(d.Results, p.Results...), append(d.Skipped, p.Skipped...)
	}
	defer func() { a.once = nil }()
	if err := a.refresh(ctx); err != nil {
		return nil, err
	}
	for _, b := range bots.All() {
		if err := a.hastenFirst(ctx, b); err != nil {
			return nil, err
		}
	}
	if err := a.runDue(ctx); err != nil {
		return nil, err
	}
	if err := a.sayNow(ctx, bots); err != nil {
		return nil, err
	}
	all := make([]Done, 0, len(done))
	for _, b := range bots.All() {
		report, err := a.Report(ctx, b)
		if err != nil {
			return nil, err
		}
		d := done[b.ID]
		d.Report = report
		all = append(all, *d)
	}
	return all, nil
}

// hastenFirst makes a bot due that was never asked.
func (a *Agent) hastenFirst(ctx context.Context, b *Bot) error {
	if b.Posts == nil {
		return nil
	}
	k, err := a.load(ctx, b)
	if err != nil || !k.AskedAt.IsZero() {
		return err
	}
	return a.change(ctx, k, func(r *record) { r.TickAt = a.Now() })
}

// runDue does what is due, and what becomes due by that, several jobs at once.
func (a *Agent) runDue(ctx context.Context) error {
	for ctx.Err() == nil {
		jobs := a.agenda.take(a.Now(), maxJobs)
		if len(jobs) == 0 {
			return nil
		}
		var underWay sync.WaitGroup
		errs := make([]error, len(jobs))
		for i, j := range jobs {
			underWay.Go(func() {
				var next time.Time
				next, errs[i] = a.try(ctx, j)
				a.agenda.done(j, next)
			})
		}
		underWay.Wait()
		for _, err := range errs {
			if err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// sayNow sends what there is to say, but for what a pause holds back.
func (a *Agent) sayNow(ctx context.Context, bots *Bots) error {
	for _, j := range a.mailJobs(bots) {
		now := a.Now()
		if _, err := store.Update(ctx, a.State, a.key(j), func(item *store.Item) bool {
			if item.Version == 0 || !item.Due.After(now) {
				return false
			}
			item.Due = now
			return true
		}); err != nil {
			return err
		}
		if _, err := a.runMail(ctx, j.id); err != nil {
			return err
		}
	}
	return nil
}

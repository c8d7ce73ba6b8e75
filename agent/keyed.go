package agent

import (
	"context"
	"slices"

	"aggregator/aggregate"
	"aggregator/catalog"
	"aggregator/lists"
)

// WithTokens returns the tokens of a request that showed the bot's key: those of
// the file stand beneath those that it holds, of which a blank one counts as not
// given. own are the ids of the lists for which the file's token is used.
func (b *Bot) WithTokens(c *catalog.Catalog, shown []aggregate.NamedToken) (all []aggregate.NamedToken, own []string) {
	given := map[string]bool{}
	all = slices.Clone(shown)
	for _, t := range shown {
		if l, ok := c.Resolve(t.ID); ok && !t.Field && !isBlank(t) {
			given[l.ID] = true
		}
	}
	for _, t := range b.Tokens {
		if given[t.ID] {
			continue
		}
		all = append(all, t)
		own = append(own, t.ID)
	}
	return all, own
}

func isBlank(t aggregate.NamedToken) bool {
	return t.Bad != nil && t.Bad.Reason == lists.SkipNoToken
}

// Noted notes a count that was posted with a bot's key, and what became of it at
// the lists for which the file's token was used. A count that goes to no list
// counts too. The error is the store's.
func (a *Agent) Noted(ctx context.Context, b *Bot, count lists.Count, answer aggregate.CountAnswer, own []string) error {
	k, err := a.load(ctx, b)
	if err != nil {
		return err
	}
	now := a.Now()
	var all []outcome
	for _, r := range answer.Results {
		if slices.Contains(own, r.List) {
			all = append(all, outcome{list: r.List, servers: count.ServerCount, at: now, verdict: r.Verdict})
		}
	}
	for _, s := range answer.Skipped {
		// A paced count is not noted for a bot that the service does not post for:
		// nothing would post it later.
		if comes := b.Posts != nil || s.Why.Reason != lists.SkipPaced; comes && slices.Contains(own, s.ID) {
			all = append(all, outcome{list: s.ID, servers: count.ServerCount, at: now, skip: &s.Why})
		}
	}
	return a.noteAll(ctx, k, all, func(r *record) {
		if b.IsPushed() {
			pushed := NewPushed(count, now)
			r.Pushed = &pushed
		}
	})
}

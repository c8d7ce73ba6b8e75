package agent

import (
	"context"
	"time"
)

// VotesFailing says that a bot's endpoint has taken no vote since a time. The
// error is the store's.
func (a *Agent) VotesFailing(ctx context.Context, b *Bot, since time.Time, reason string) error {
	return a.raiseVotes(ctx, b, problem{Since: since, Text: "Votes cannot be delivered: " + reason})
}

// VotesTaken says that a bot's endpoint takes votes again. The error is the
// store's.
func (a *Agent) VotesTaken(ctx context.Context, b *Bot) error {
	return a.solveVotes(ctx, b, "", "Votes are delivered again")
}

// VotesRefused says that votes of a list for a bot were not taken in since a
// time. The error is the store's.
func (a *Agent) VotesRefused(ctx context.Context, b *Bot, list string, since time.Time, reason string) error {
	text := "Votes of " + list + " were not taken in, and may be lost: " + reason
	return a.raiseVotes(ctx, b, problem{List: list, Since: since, Text: text})
}

// VotesAccepted says that votes of a list for a bot are taken in again. The error
// is the store's.
func (a *Agent) VotesAccepted(ctx context.Context, b *Bot, list string) error {
	return a.solveVotes(ctx, b, list, "Votes of "+list+" are taken in again")
}

func (a *Agent) raiseVotes(ctx context.Context, b *Bot, p problem) error {
	p.What = votesFailing
	return a.changeNews(ctx, b, func(n *news, now time.Time) { n.raise(p, now) })
}

func (a *Agent) solveVotes(ctx context.Context, b *Bot, list, text string) error {
	return a.changeNews(ctx, b, func(n *news, now time.Time) { n.solve(votesFailing, list, text, now) })
}

// changeNews changes what there is to say of a bot.
func (a *Agent) changeNews(ctx context.Context, b *Bot, change func(*news, time.Time)) error {
	k, err := a.load(ctx, b)
	if err != nil {
		return err
	}
	return a.change(ctx, k, func(r *record) { change(&r.News, a.Now()) })
}

// tellsVotes reports whether something can be wrong with the votes that a list
// tells of the bot; of "", with its endpoint.
func (b *Bot) tellsVotes(list string) bool {
	if b.Votes == nil {
		return false
	}
	if list == "" {
		return b.Votes.SendTo != nil
	}
	for _, t := range b.Tokens { // which may prove webhooks too
		if t.ID == list {
			return true
		}
	}
	return len(b.Votes.Secrets[list]) > 0
}

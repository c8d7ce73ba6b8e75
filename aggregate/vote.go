package aggregate

import (
	"context"
	"slices"
	"strings"

	"aggregator/catalog"
	"aggregator/lists"
	"aggregator/ratelimit"
)

// VoteRequest asks whether a user has voted for a bot.
type VoteRequest struct {
	BotID  string
	UserID string
	Tokens []NamedToken // in the order sent; a list that needs none is asked whatever stands there
	Keyed  bool         // the bot has a key, and it was shown: what webhooks told is an answer
}

// VoteAnswer is what is known of a user's votes for a bot.
type VoteAnswer struct {
	BotID   string
	UserID  string
	Results []VoteResult        // in catalog order
	Skipped []Skipped           // of the lists not asked, in the order of the request
	Window  *ratelimit.Decision // nil: no window was used
}

// VoteResult is what one list says. Where it is not OK, the list has not said
// whether the user has voted.
type VoteResult struct {
	List string
	lists.Vote
	FromWebhook bool // the list told it by a webhook, and was not asked
}

// Voted reports whether at least one list says that the user has voted.
func (a VoteAnswer) Voted() bool {
	return slices.ContainsFunc(a.Results, func(r VoteResult) bool { return r.OK && r.Voted })
}

// Vote asks the lists that the request names whether a user has voted for a bot,
// but for those of which that is remembered. The error is an *InvalidError, a
// *LimitedError, ErrBusy, ErrClosed, or an internal one.
func (a *Aggregator) Vote(ctx context.Context, r VoteRequest, from Caller) (VoteAnswer, error) {
	switch {
	case !lists.IsSnowflake(r.BotID):
		return VoteAnswer{}, invalid("'id' must be a snowflake")
	case !lists.IsSnowflake(r.UserID):
		return VoteAnswer{}, invalid("'user' must be a snowflake")
	}
	result, err := ask(ctx, a, &a.votes, r, from)
	result.answer.Window = result.window
	return result.answer, err
}

// HearVote remembers a vote of which a list's webhook told, in place of what was
// remembered of it. A vote that was taken back is a no; one for trying out changes
// nothing. It is an answer to those alone who show the bot's key.
func (a *Aggregator) HearVote(list *lists.List, e lists.Event) {
	if e.Ignored == "" && !e.Test {
		a.memory.hear(list.ID, e)
	}
}

func (a *Aggregator) voteOperation() operation[VoteRequest, VoteAnswer] {
	return operation[VoteRequest, VoteAnswer]{
		op:     lists.Votes,
		window: "votes",
		limit:  a.VotesLimit,
		botID:  func(r VoteRequest) string { return r.BotID },
		userID: func(r VoteRequest) string { return r.UserID },
		plan:   a.planVotes,
		memory: a.memory,
		merge:  mergeVotes,
		toEnd:  true, // what a list says is remembered for whoever asks next
	}
}

// planVotes plans the vote checks in catalog order, and says why each other list
// that was named is not asked. All are asked under the service's own name, for
// what they say is for others too. For whoever shows the bot's key, those that
// are not asked are planned as well: a webhook may have told of the vote.
func (a *Aggregator) planVotes(c *catalog.Catalog, r VoteRequest, _ Caller) (plan []planned, skipped []Skipped) {
	named, skipped := resolve(c, r.Tokens)
	byList := make(map[*lists.List]namedList, len(named))
	for _, n := range named {
		byList[n.list] = n
	}
	for _, l := range c.Lists() {
		n, ok := byList[l]
		if !ok {
			if r.Keyed && l.Webhook() != nil {
				plan = append(plan, planned{vote: &voteCheck{request: &r, list: l, catalog: c, cannot: &lists.Skip{Reason: lists.SkipNoToken}}})
			}
			continue
		}
		call, why := l.PlanVote(r.BotID, r.UserID, n.best.Token, a.UserAgent)
		if why != nil && n.best.Bad != nil && l.Supports(lists.Votes) {
			why = n.best.Bad // what is wrong with the token comes before what it lacks
		}
		p := planned{call: call.Call, vote: &voteCheck{request: &r, list: l, catalog: c, cannot: why}, named: n.all}
		if why != nil && !r.Keyed {
			skipped = append(skipped, p.skipped(why)...)
			continue
		}
		plan = append(plan, p)
	}
	return plan, skipped
}

// mergeVotes returns what is known of the votes.
func mergeVotes(r VoteRequest, d asked) VoteAnswer {
	slices.SortFunc(d.votes, func(x, y VoteResult) int { return strings.Compare(x.List, y.List) })
	return VoteAnswer{BotID: r.BotID, UserID: r.UserID, Results: d.votes, Skipped: d.skipped}
}

package aggregate

import (
	"context"
	"time"

	"aggregator/catalog"
	"aggregator/lists"
	"aggregator/ratelimit"
)

// BotRequest is a bot to read from the lists.
type BotRequest struct {
	BotID    string
	Tokens   []NamedToken // the caller's own keys, for lists that are read with one
	Progress *Progress    // hears how the reading goes on; nil: nobody does

	teller *teller[lists.Reading]
}

// Bot asks every list about a bot and merges the answers. A caller that leaves
// ends the readings. The error is an *InvalidError, a *LimitedError, ErrBusy,
// ErrClosed, the context's, or an internal one.
func (a *Aggregator) Bot(ctx context.Context, r BotRequest, from Caller) (BotAnswer, error) {
	if !lists.IsSnowflake(r.BotID) {
		return BotAnswer{}, invalid("'id' must be a snowflake")
	}
	r.teller = newTeller(r.Progress, func(one lists.Reading) string { return one.List })
	return a.readBot(ctx, &a.bots, r, from)
}

// BadgeRate is how often lists are asked about a bot for its badge, whoever shows
// it.
var BadgeRate = ratelimit.Rate{Limit: 1, Period: 5 * time.Minute}

// Badge is Bot for a picture that many show: it waits for no hold, and lists are
// asked once in the period of BadgeRate, whoever asks.
func (a *Aggregator) Badge(ctx context.Context, botID string, from Caller) (BotAnswer, error) {
	return a.readBot(ctx, &a.badges, BotRequest{BotID: botID}, from)
}

func (a *Aggregator) readBot(ctx context.Context, op *operation[BotRequest, BotAnswer], r BotRequest, from Caller) (BotAnswer, error) {
	result, err := ask(ctx, a, op, r, from)
	if err != nil {
		return BotAnswer{}, err
	}
	answer := result.answer
	answer.Age, answer.Window = result.age, result.window
	r.teller.end(answer.Lists, answer.Skipped)
	return answer, nil
}

// badgeOperation is that of bots, in haste and with windows that all share.
func (a *Aggregator) badgeOperation() operation[BotRequest, BotAnswer] {
	op := a.botOperation()
	op.window, op.limit, op.hasty, op.common = "badges", a.BadgeLimit, true, true
	return op
}

func (a *Aggregator) botOperation() operation[BotRequest, BotAnswer] {
	return operation[BotRequest, BotAnswer]{
		op:      lists.Readings,
		window:  "bots",
		limit:   a.BotsLimit,
		botID:   func(r BotRequest) string { return r.BotID },
		plan:    a.planBot,
		merge:   mergeBot,
		servers: readServers,
		share:   shareBot,
		shared:  &a.readings,
		listen:  func(r BotRequest) *listener { return r.teller.listener(arrival.reading) },
		keep: func(r BotRequest, from Caller, answer BotAnswer) {
			if len(r.Tokens) == 0 { // what keys of the caller open is for that caller alone
				a.last.put(answer, from.network())
			}
		},
	}
}

// shareBot shares what is read without keys of the caller: what these open is
// for that caller alone.
func shareBot(c *catalog.Catalog, r BotRequest) (flightKey, bool) {
	return flightKey{c.Generation(), r.BotID}, len(r.Tokens) == 0
}

// planBot plans the readings of a bot in catalog order. A list that needs a key
// is read with the caller's, or else with the operator's.
func (a *Aggregator) planBot(c *catalog.Catalog, r BotRequest, from Caller) (plan []planned, skipped []Skipped) {
	userAgent := a.userAgent(from)
	if _, shared := shareBot(c, r); shared { // what one caller says of itself must not decide what others hear
		userAgent = a.UserAgent
	}
	named, skipped := resolve(c, r.Tokens)
	own := make(map[string]namedList, len(named))
	for _, n := range named {
		own[n.list.ID] = n
		if why := n.unreadable(); why != nil {
			skipped = append(skipped, planned{named: n.all}.skipped(why)...)
		}
	}
	for i, l := range c.Lists() {
		if !l.Readable() {
			continue
		}
		key := a.Keys[l.ID]
		var bad *lists.Skip
		p := planned{named: []orderedToken{{NamedToken{ID: l.ID}, len(r.Tokens) + i}}}
		if n, ok := own[l.ID]; ok {
			if p.named, bad = n.all, n.best.Bad; bad == nil {
				key = n.best.Token
			}
		}
		call, why := l.PlanRead(r.BotID, key, userAgent)
		if why == nil {
			call = call.Hiding(a.secrets)
			p.call, p.read = call.Call, call.Read
			plan = append(plan, p)
			continue
		}
		if bad != nil {
			why = bad
		}
		skipped = append(skipped, p.skipped(why)...)
	}
	return plan, skipped
}

// unreadable returns why a list that was named cannot be read; nil if it can.
func (n namedList) unreadable() *lists.Skip {
	switch {
	case n.list.Defunct:
		return &lists.Skip{Reason: lists.SkipDefunct}
	case !n.list.Readable():
		return &lists.Skip{Reason: lists.SkipNoGet}
	}
	return nil
}

// readServers returns how many servers the bot is on, as lists say that know it.
func readServers(_ BotRequest, d asked, answer BotAnswer) (n int64, ok bool) {
	return answer.ServerCount, answer.ServerCount > 0 && d.anyOK()
}

// mergeBot merges what the lists say of the bot.
func mergeBot(r BotRequest, d asked) BotAnswer {
	readings := make([]lists.Reading, len(d.plan))
	for i, p := range d.plan {
		readings[i] = p.read(d.answers[i])
	}
	return BotAnswer{Bot: lists.Merge(r.BotID, readings), Skipped: d.skipped}
}

// size returns about how many bytes an answer holds.
func (a BotAnswer) size() int {
	n := 1 << 10
	for _, r := range a.Lists {
		n += len(r.JSON) + len(r.Text)
	}
	return n
}

// fresh returns how long an answer is shared: one in which a list gave no answer
// is not for long.
func (a BotAnswer) fresh() time.Duration {
	for _, r := range a.Lists {
		if r.Status == lists.NoAnswer {
			return failedReadingFresh
		}
	}
	return readingFresh
}

package agent

import (
	"context"
	"slices"
	"time"

	"aggregator/aggregate"
	"aggregator/lists"
	"aggregator/store"
)

// kept is a bot's record together with the item that it is in.
type kept struct {
	bot  *Bot
	item store.Item
	*record
}

// load returns what is kept of a bot.
func (a *Agent) load(ctx context.Context, b *Bot) (*kept, error) {
	items, err := a.State.Load(ctx, a.key(job{jobBot, b.ID}))
	if err != nil {
		return nil, err
	}
	r, err := decodeRecord(items[0].Data)
	if err != nil {
		return nil, err
	}
	a.seen(r, b)
	return &kept{b, items[0], r}, nil
}

// save saves a record, and reports whether it did: not where another replica
// has saved it since it was loaded.
func (a *Agent) save(ctx context.Context, k *kept) (ok bool, err error) {
	k.item.Data, k.item.Due = k.encode(), k.dueAt(k.bot)
	saved, err := a.State.Save(ctx, store.Key{}, k.item)
	if err != nil || !saved[0] {
		return false, err
	}
	k.item.Version++
	return true, nil
}

// change changes what is kept of a bot, and looks what is wrong or well again.
// Where others save it meanwhile, it is what they saved that is changed.
func (a *Agent) change(ctx context.Context, k *kept, change func(*record)) error {
	for {
		change(k.record)
		k.review(k.bot, a.Now())
		ok, err := a.save(ctx, k)
		if err != nil {
			return err
		}
		if ok {
			a.agenda.hasten(job{jobBot, k.bot.ID}, k.item.Due)
			return a.post(ctx, k)
		}
		fresh, err := a.load(ctx, k.bot)
		if err != nil {
			return err
		}
		*k = *fresh
	}
}

// runBot does what is due for a bot, and returns when something is due next.
func (a *Agent) runBot(ctx context.Context, id string) (next time.Time, err error) {
	b := a.Bots.Current().Bot(id)
	if b == nil {
		return time.Time{}, nil
	}
	k, err := a.load(ctx, b)
	if err != nil {
		return time.Time{}, err
	}
	now := a.Now()
	if due := k.dueAt(b); due.IsZero() || due.After(now) {
		return due, nil
	}
	w := k.begin(b, now)
	if w.isZero() {
		err := a.change(ctx, k, func(*record) {})
		return k.item.Due, err
	}
	// What is taken is noted first: so exactly one replica does it, and should
	// that one end meanwhile, another goes on with the next tick.
	if ok, err := a.save(ctx, k); err != nil || !ok {
		return now, err
	}
	if w.ask {
		err = a.tick(ctx, k)
	} else {
		err = a.catchUp(ctx, k, w.lists, now)
	}
	return k.item.Due, err
}

// tick asks the source of a bot and posts the count to every list.
func (a *Agent) tick(ctx context.Context, k *kept) error {
	b := k.bot
	said := a.ask(ctx, k)
	now := a.Now()
	if ctx.Err() != nil && said.fault != faultNone { // not the source ended, but we do
		return a.change(context.WithoutCancel(ctx), k, func(r *record) { r.TickAt = now })
	}
	var all []outcome
	var count *lists.Count // to post
	if r := k.clone(); r.learn(b, said, now) {
		count = &said.count
		all = a.postTo(ctx, said.count, r.open(b))
	} else if said.fault != faultNone {
		a.Log.Info("no server count", "bot", b.ID, "from", b.Posts.Source.Name(), "reason", said.text)
	}
	a.observe(b, all)
	err := a.noteAll(context.WithoutCancel(ctx), k, all, func(r *record) { r.learn(b, said, now) })
	if err != nil || said.fault != faultNone { // of one whose source is silent nobody knows that it is online
		return err
	}
	a.sendHeartbeats(ctx, b, count)
	return a.syncCommands(ctx, k)
}

// open returns the tokens that may be posted with.
func (r *record) open(b *Bot) []aggregate.NamedToken {
	return slices.DeleteFunc(slices.Clone(b.Tokens), func(t aggregate.NamedToken) bool { return !r.list(t.ID).isOpen() })
}

// catchUp posts the newest count to lists that are due beside the ticks.
func (a *Agent) catchUp(ctx context.Context, k *kept, due []string, now time.Time) error {
	count := k.newest(k.bot, now)
	if count == nil {
		return nil
	}
	tokens := slices.DeleteFunc(slices.Clone(k.bot.Tokens), func(t aggregate.NamedToken) bool { return !slices.Contains(due, t.ID) })
	all := a.postTo(ctx, *count, tokens)
	a.observe(k.bot, all)
	return a.noteAll(context.WithoutCancel(ctx), k, all, func(*record) {})
}

// ask asks the source of a bot.
func (a *Agent) ask(ctx context.Context, k *kept) reading {
	said := a.askOnce(ctx, k)
	if _, told := a.told.Load(k.bot.ID); !told && k.isTooLittle(k.bot, said) {
		said = a.askOnce(ctx, k)
	}
	if said.fault == faultNone {
		a.told.Store(k.bot.ID, true)
	}
	return said
}

func (a *Agent) askOnce(ctx context.Context, k *kept) reading {
	b := k.bot
	request, ok := b.Posts.Source.request(a.Outbound)
	if !ok {
		return readPushed(b.ID, k.Pushed, b.Posts.Every, a.Now())
	}
	return b.Posts.Source.read(b.ID, a.Exchange(ctx, counts, request), a.Now())
}

// postTo posts a count, but to lists that limit our address: there it waits for
// its turn.
func (a *Agent) postTo(ctx context.Context, count lists.Count, tokens []aggregate.NamedToken) []outcome {
	c := a.Catalog.Current()
	var all []outcome
	var now []aggregate.NamedToken
	for _, t := range tokens {
		if l, ok := c.Resolve(t.ID); ok && l.LimitsAddress() {
			all = append(all, outcome{list: t.ID, servers: count.ServerCount, at: a.Now(), turn: true})
			continue
		}
		now = append(now, t)
	}
	return append(all, a.send(ctx, count, now)...)
}

// noteAll notes what has happened to a bot, first what before does, then what
// became of its posts.
func (a *Agent) noteAll(ctx context.Context, k *kept, all []outcome, before func(*record)) error {
	if err := a.change(ctx, k, func(r *record) {
		before(r)
		for _, o := range all {
			o.note(r)
		}
	}); err != nil {
		return err
	}
	for _, o := range all {
		if !o.turn {
			continue
		}
		if err := a.queue(ctx, o.list, waiting{Bot: k.bot.ID, AcceptedAt: k.list(o.list).AcceptedAt}); err != nil {
			return err
		}
	}
	return nil
}

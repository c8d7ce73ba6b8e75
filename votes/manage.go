package votes

import (
	"context"
	"errors"
	"time"

	"aggregator/agent"
	"aggregator/lists"
	"aggregator/store"
)

// Delivery is a message on its way to a bot.
type Delivery = store.Delivery

// deliveriesPage is how many deliveries one page has at most.
const deliveriesPage = 100

// IsState reports whether s is a state of deliveries.
func IsState(s string) bool { return store.DeliveryState(s).IsValid() }

// IsRetryable reports whether s is a state of deliveries that can be retried.
func IsRetryable(s string) bool { return IsState(s) && store.DeliveryState(s) != store.Delivered }

// Deliveries returns a page of a bot's deliveries, the newest first: those in a
// state, of all where it is "", that arrived before the one with the id after, or
// the newest where that is "". next is the id after which the next page begins,
// "" on the last.
func (r *Relay) Deliveries(ctx context.Context, bot, state, after string) (page []Delivery, next string, err error) {
	q := store.DeliveryQuery{State: store.DeliveryState(state), After: after, Max: deliveriesPage + 1}
	page, err = r.Outbox.Deliveries(ctx, bot, q)
	if len(page) > deliveriesPage {
		page = page[:deliveriesPage]
		next = page[deliveriesPage-1].ID
	}
	return page, next, err
}

// Retry makes deliveries of a bot due now, as [store.Outbox] does, and returns how
// many. An endpoint that rests is probed at once.
func (r *Relay) Retry(ctx context.Context, bot string, ids []string, state string) (int, error) {
	err := r.updateEndpoint(ctx, bot, func(e *endpoint) bool {
		if !e.rests() {
			return false
		}
		e.Probe = r.Now()
		return true
	})
	if err != nil {
		return 0, err
	}
	// Whoever passes on the bot's messages, at any replica, hears of this, and then
	// sees what was asked for.
	n, err := r.Outbox.Retry(ctx, bot, ids, store.DeliveryState(state))
	r.Wake(bot)
	return n, err
}

// updateEndpoint changes what is known of a bot's endpoint, unless change returns
// false, and has whoever passes on the bot's messages look at it.
func (r *Relay) updateEndpoint(ctx context.Context, bot string, change func(*endpoint) bool) error {
	_, err := store.Update(ctx, r.State, r.key(bot), func(item *store.Item) bool {
		e := decodeSaved(item.Data)
		if !change(&e) {
			return false
		}
		item.Data, item.Due = e.encode(), r.alwaysDue()
		return true
	})
	r.Wake(bot)
	return err
}

const (
	// testTimeout is how long Test waits for what the endpoint says: until it has
	// timed out, and a little more.
	testTimeout = 13 * time.Second
	// testEvery is how often Test looks.
	testEvery = 20 * time.Millisecond
	// testList stands for a list in tests of one's own. It is no list's id.
	testList = "test"
)

// Test sends a test vote through the whole way out, before all that waits, and
// returns it with what the endpoint said; as it is after a while where that said
// nothing. One that is not taken is not tried again. Where votes go to the stream
// alone, it is delivered at once.
func (r *Relay) Test(ctx context.Context, b *agent.Bot) (Delivery, error) {
	now := r.Now()
	m := newMessage(b.ID, testList, lists.Event{UserID: b.ID, Test: true, At: now, Raw: []byte(`{"test":true}`)}, now, nil)
	waits := b.Votes != nil && b.Votes.SendTo != nil
	if waits { // it is known who is wanted before it comes
		if err := r.updateEndpoint(ctx, b.ID, func(e *endpoint) bool { e.Wanted = m.ID; return true }); err != nil {
			return Delivery{}, err
		}
		defer r.unwant(context.WithoutCancel(ctx), b.ID, m.ID)
	}
	kept, err := r.Outbox.Put(ctx, m, waits)
	if err == nil && kept != store.PutKept {
		err = ErrNotKept
	}
	if err != nil {
		return Delivery{}, err
	}
	r.Wake(b.ID)
	return r.await(ctx, m, waits)
}

// message returns a message of a bot of the last 24 h; nil if there is none with
// that id.
func (r *Relay) message(ctx context.Context, bot, id string) (*Delivery, error) {
	seq, ok, err := r.Outbox.Seq(ctx, bot, id)
	if err != nil || !ok {
		return nil, err
	}
	all, err := r.Outbox.After(ctx, bot, seq-1, 1)
	if err != nil || len(all) == 0 || all[0].ID != id {
		return nil, err
	}
	return &all[0], nil
}

func (r *Relay) unwant(ctx context.Context, bot, id string) {
	if err := r.updateEndpoint(ctx, bot, func(e *endpoint) bool {
		is := e.Wanted == id
		if is {
			e.Wanted = ""
		}
		return is
	}); err != nil {
		r.Log.Debug("votes: a test is still wanted", "bot", bot, "error", err)
	}
}

// await returns a message once it was attempted, or after a while.
func (r *Relay) await(ctx context.Context, m store.Message, waits bool) (Delivery, error) {
	within, cancel := context.WithTimeout(ctx, testTimeout)
	defer cancel()
	last := Delivery{Message: m, State: store.Pending}
	for {
		d, err := r.message(ctx, m.Bot, m.ID)
		if err != nil && !errors.Is(err, store.ErrAway) {
			return Delivery{}, err
		}
		if d != nil {
			last = *d
		}
		if !waits || last.Attempts > 0 || last.State != store.Pending || within.Err() != nil {
			return last, ctx.Err()
		}
		pause(within, testEvery)
	}
}

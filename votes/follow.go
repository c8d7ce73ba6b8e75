package votes

import (
	"context"
	"errors"

	"aggregator/store"
)

// followAtOnce is how many messages Follow reads at once.
const followAtOnce = 32

// Follow calls send with each message of a bot in the order of arrival, those too
// that no endpoint takes, until ctx ends or send fails, whose error it returns. It
// begins after the message with the id after, with all that is kept where there is
// none with that id, and with what comes from now on for "". isNew is false for
// those that had come before the call. While the store is away it waits.
func (r *Relay) Follow(ctx context.Context, bot, after string, send func(d Delivery, isNew bool) error) error {
	newest, at := int64(-1), int64(0)
	for ctx.Err() == nil {
		changed := r.Outbox.Changed(bot)
		var err error
		if newest < 0 {
			newest, at, err = r.place(ctx, bot, after)
		}
		var all []Delivery
		if err == nil {
			all, err = r.Outbox.After(ctx, bot, at, followAtOnce)
		}
		if err != nil {
			if !errors.Is(err, store.ErrAway) {
				return err
			}
			pause(ctx, storeRetryAfter)
			continue
		}
		for _, d := range all {
			if err := send(d, d.Seq > newest); err != nil {
				return err
			}
			at = d.Seq
		}
		if len(all) == followAtOnce {
			continue
		}
		select {
		case <-ctx.Done():
		case <-changed:
		}
	}
	return ctx.Err()
}

// place returns the place of the newest message, and that after which a stream
// begins.
func (r *Relay) place(ctx context.Context, bot, after string) (newest, at int64, err error) {
	if newest, _, err = r.Outbox.Seq(ctx, bot, ""); err != nil {
		return -1, 0, err
	}
	if after == "" {
		return newest, newest, nil
	}
	at, ok, err := r.Outbox.Seq(ctx, bot, after)
	if err != nil {
		return -1, 0, err
	}
	if !ok {
		at = 0
	}
	return newest, at, nil
}

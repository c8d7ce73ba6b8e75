package sqlite

import (
	"cmp"
	"slices"

	"aggregator/store"
)

// retry is [store.Outbox.Retry] of up to limit messages that arrived after a
// place, or of those of ids. It returns how many were made due, and, if there may
// be more, the place after which they are.
func (o *outboxRows) retry(bot string, ids []string, state store.DeliveryState, after int64, limit int) (n int, last int64, more bool, err error) {
	var chosen []found
	if len(ids) > 0 {
		chosen, err = o.findAll(bot, ids)
	} else {
		chosen, err = o.findIn(bot, rowState(state), after, limit)
		more = len(chosen) == limit
	}
	if err != nil {
		return 0, 0, false, err
	}
	for _, f := range chosen {
		last = f.seq
		ok, err := o.retryOne(f)
		if err != nil {
			return 0, 0, false, err
		}
		if ok {
			n++
			o.changed[bot] = true
		} else {
			more = false
		}
	}
	return n, last, more, nil
}

// findAll returns the messages of ids that are a bot's and were not taken, in the
// order of arrival.
func (o *outboxRows) findAll(bot string, ids []string) ([]found, error) {
	var all []found
	for _, id := range ids {
		f, ok, err := o.find(id)
		if err != nil {
			return nil, err
		}
		if ok && f.bot == bot && f.state != rowDelivered {
			all = append(all, f)
		}
	}
	slices.SortFunc(all, func(a, b found) int { return cmp.Compare(a.seq, b.seq) })
	return slices.Compact(all), nil
}

// findIn returns messages of a bot in a state, in the order of arrival.
func (o *outboxRows) findIn(bot string, state int, after int64, limit int) ([]found, error) {
	rows, err := o.waitingIn.Query(bot, state, after, o.now, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []found
	for rows.Next() {
		f := found{bot: bot, state: state}
		if err := rows.Scan(&f.seq, &f.retried); err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, rows.Err()
}

// retryOne makes a message that was not taken due now, and reports whether there
// was room for it.
func (o *outboxRows) retryOne(f found) (ok bool, err error) {
	switch {
	case f.state == rowDead && o.room(f.bot) == 0:
		return false, nil
	case f.state == rowDead:
		o.counted(f.bot, 1, -1)
		_, err = o.revive.Exec(o.now, f.seq)
	case f.retried:
		_, err = o.makeDue.Exec(o.now, f.seq)
	}
	return err == nil, err
}

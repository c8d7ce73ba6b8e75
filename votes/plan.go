package votes

import (
	"time"

	"aggregator/store"
)

// maxRetriesAtOnce is how many deliveries are attempted again at once for one bot, beside
// those that are attempted first.
const maxRetriesAtOnce = 4

// lane is the order in which an attempt goes out.
type lane int

const (
	laneFirst  lane = iota // the first attempts: in the order of arrival, one at a time
	laneAgain              // those that follow: beside the first ones, a few at a time
	laneProbe              // alone: the endpoint rests
	laneWanted             // a test that somebody waits for: before all others
)

// start is an attempt that is to be made now.
type start struct {
	store.Delivery
	lane lane
}

// underWay are the attempts that have been started and have not ended, by id.
type underWay map[string]lane

func (u underWay) in(l lane) (n int) {
	for _, lane := range u {
		if lane == l {
			n++
		}
	}
	return n
}

// waiting is what waits for a bot, as far as it was read from the store.
type waiting struct {
	store.Ready
	wanted *store.Delivery // the test that somebody waits for; nil if there is none
}

// plan returns the attempts that are to be made now, and when to look again, if
// nothing happens until then; zero for never. It also returns the endpoint, which
// has caught up where nothing is left of what waited for it.
func plan(w waiting, e endpoint, busy underWay, now time.Time) (starts []start, next time.Time, _ endpoint) {
	if w.wanted != nil {
		if _, is := busy[w.wanted.ID]; !is {
			starts = append(starts, start{*w.wanted, laneWanted})
		}
	}
	switch {
	case e.rests():
		probe, at := planProbe(w, e, len(busy)+len(starts) > 0, now)
		return append(starts, probe...), at, e
	case e.CatchUp > 0:
		d, left := inOrder(w.Ready, e.CatchUp, busy)
		if d != nil {
			starts = append(starts, start{*d, laneFirst})
		}
		if left {
			return starts, w.Next, e
		}
		e.CatchUp = 0
	}
	starts = append(starts, pick(w, w.First, busy, laneFirst, 1)...)
	return append(starts, pick(w, w.Again, busy, laneAgain, maxRetriesAtOnce)...), w.Next, e
}

// planProbe returns the probe of an endpoint that rests, if one is to be made now,
// or else when.
func planProbe(w waiting, e endpoint, isBusy bool, now time.Time) (probe []start, next time.Time) {
	switch {
	case w.Oldest == nil || isBusy:
		return nil, time.Time{}
	case e.Probe.After(now):
		return nil, e.Probe
	}
	return []start{{*w.Oldest, laneProbe}}, time.Time{}
}

// pick returns the first of some deliveries, as many as a lane has room for.
func pick(w waiting, all []store.Delivery, busy underWay, in lane, room int) (starts []start) {
	room -= busy.in(in)
	for _, d := range all {
		_, is := busy[d.ID]
		if isWanted := w.wanted != nil && w.wanted.ID == d.ID; room > 0 && !is && !isWanted {
			starts = append(starts, start{d, in})
			room--
		}
	}
	return starts
}

// inOrder returns that of what waits up to a place which arrived first; nil while
// another is under way. left reports whether there is any.
func inOrder(r store.Ready, upTo int64, busy underWay) (first *store.Delivery, left bool) {
	for _, all := range [...][]store.Delivery{r.First, r.Again} {
		for i := range all {
			d := &all[i]
			if d.Seq > upTo {
				continue
			}
			left = true
			if first == nil || d.Seq < first.Seq {
				first = d
			}
		}
	}
	if busy.in(laneFirst)+busy.in(laneAgain)+busy.in(laneProbe) > 0 {
		return nil, left
	}
	return first, left
}

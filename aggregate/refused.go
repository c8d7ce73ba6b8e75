package aggregate

import (
	"net/http"
	"time"

	"aggregator/lists"
	"aggregator/store"
)

const (
	// refusalThreshold is how many refusals of a token in a row make it rest.
	refusalThreshold = 3
	// refusalMemory is how long a row of refusals is remembered after the last,
	// and after its rest.
	refusalMemory = 7 * 24 * time.Hour
)

// rests are how long a token rests after refusalThreshold refusals in a row, and
// after each one more. The last stands for all further ones.
var rests = [...]time.Duration{10 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour}

// RestAfter returns how long a token rests after so many refusals in a row.
func RestAfter(refusals int) time.Duration {
	if refusals < refusalThreshold {
		return 0
	}
	return rests[min(refusals-refusalThreshold, len(rests)-1)]
}

// refusals are how often in a row a list has refused a token, and until when the
// token rests for it.
type refusals struct {
	inRow int
	until time.Time // when its rest is over
}

// refusalsOf reads a row: how many there were stands in the uses of its window,
// which closes when nothing is remembered of it.
func refusalsOf(w store.Window) refusals {
	if w.Used == 0 {
		return refusals{}
	}
	return refusals{int(w.Used), w.Until.Add(-refusalMemory)}
}

// refusal returns the row with one more refusal at a time.
func (r refusals) refusal(at time.Time) refusals {
	n := r.inRow + 1
	return refusals{n, at.Add(RestAfter(n))}
}

// rests reports whether the token rests.
func (r refusals) rests(now time.Time) bool { return r.inRow >= refusalThreshold && r.until.After(now) }

// window returns the window in which the refusals are kept.
func (r refusals) window() store.Window {
	if r.inRow == 0 {
		return store.Window{}
	}
	return store.Window{Used: int64(r.inRow), Until: r.until.Add(refusalMemory)}
}

// next returns the row after a list's answer to a call with the token.
func (r refusals) next(a lists.Answer, now time.Time) refusals {
	switch {
	case a.Status == http.StatusUnauthorized || a.Status == http.StatusForbidden:
		return r.refusal(now)
	case a.Status == lists.NoAnswer || a.Status == http.StatusTooManyRequests || a.Status >= http.StatusInternalServerError:
		return r // it says nothing of the token
	}
	return refusals{}
}

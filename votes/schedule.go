package votes

import (
	"net/http"
	"strconv"
	"time"

	"aggregator/internal/times"
	"aggregator/lists"
	"aggregator/store"
)

// retryDelays are the times between the end of an attempt that was not taken and
// the next one. The first attempt is made at once.
var retryDelays = [...]time.Duration{
	5 * time.Second, time.Minute, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour,
}

const (
	// jitter is by which part of itself a delay may be longer or shorter.
	jitter = 0.2
	// maxRetryAfter is how long an endpoint's Retry-After is heeded.
	maxRetryAfter = time.Hour
)

// verdict is what an endpoint made of one attempt.
type verdict struct {
	store.Attempt
	taken   bool
	gone    bool      // it wants no more of this: 410
	notTill time.Time // before when it wants no further attempt; zero if it says nothing
}

// judge reads what an endpoint answered to an attempt that ended at a time.
func judge(a lists.Answer, ended time.Time) verdict {
	v := verdict{Attempt: store.Attempt{At: ended, Status: a.Status}}
	switch {
	case a.Status == lists.NoAnswer:
		v.Status, v.Reason = 0, a.Reason
	case a.Status/100 == 2:
		v.taken = true
	case a.Status/100 == 3:
		v.Reason = "Redirects (" + strconv.Itoa(a.Status) + "), which is not followed"
	default:
		v.Reason = statusText(a.Status)
	}
	v.gone = a.Status == http.StatusGone
	switch a.Status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		if until, said := a.RetryAfter(ended); said {
			v.notTill = times.Earlier(until, ended.Add(maxRetryAfter))
		}
	}
	return v
}

func statusText(status int) string {
	if text := http.StatusText(status); text != "" {
		return strconv.Itoa(status) + " " + text
	}
	return strconv.Itoa(status)
}

// settle returns what an attempt makes of a delivery. A probe that is not taken
// is no attempt of the schedule, and changes nothing of when the delivery is due.
// random is from 0 to 1.
func settle(d store.Delivery, v verdict, isProbe bool, random float64) store.Settled {
	s := store.Settled{ID: d.ID, Attempt: v.Attempt, Counts: !isProbe, State: store.Pending, Next: d.Next}
	switch {
	case v.taken:
		s.State, s.Counts, s.Next = store.Delivered, true, time.Time{}
	case v.gone:
		s.State, s.Counts, s.Next = store.Dead, true, time.Time{}
	case isProbe:
		if s.Next.IsZero() { // it was never attempted, and waits for the endpoint alone
			s.Next = v.At
		}
	case d.Attempts >= len(retryDelays): // nothing follows the last attempt
		s.State, s.Next = store.Dead, time.Time{}
	default:
		delay := float64(retryDelays[d.Attempts]) * (1 - jitter + 2*jitter*random)
		s.Next = times.Later(v.At.Add(time.Duration(delay)), v.notTill)
	}
	return s
}

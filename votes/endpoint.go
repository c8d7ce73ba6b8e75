package votes

import (
	"encoding/json"
	"time"

	"aggregator/internal/times"
)

const (
	// failureThreshold is how many failures in a row make an endpoint rest.
	failureThreshold = 5
	// failingNoticeAfter is how long an endpoint fails before a person is told.
	failingNoticeAfter = time.Hour
)

// firstProbes are the times after the last failure before a rest at which an
// endpoint is probed first. Every minute of an hour follows them, and then every
// five minutes.
var firstProbes = [...]time.Duration{5 * time.Second, 15 * time.Second, 30 * time.Second}

const (
	soonProbes  = time.Minute
	soonFor     = time.Hour
	laterProbes = 5 * time.Minute
)

// endpoint is what is known of where a bot takes its votes: what the store keeps,
// and any number of replicas go by. It holds no secret.
type endpoint struct {
	URL     string    `json:"url,omitempty"`      // keyed hash of its URL: another one begins anew
	Failed  int       `json:"failed,omitempty"`   // failures in a row
	Since   time.Time `json:"since,omitzero"`     // when the first of them was
	Reason  string    `json:"reason,omitempty"`   // of the last of them
	Rested  time.Time `json:"rested,omitzero"`    // when it began to rest; zero: it does not
	Probe   time.Time `json:"probe,omitzero"`     // of one that rests: when it is probed next
	NotTill time.Time `json:"not_till,omitzero"`  // before when it wants no probe
	Said    bool      `json:"said,omitempty"`     // a person was told that it fails
	CatchUp int64     `json:"catch_up,omitempty"` // up to this place everything goes out in order, one by one; 0: nothing does
	Wanted  string    `json:"wanted,omitempty"`   // id of a test that somebody waits for, which goes before all others
}

// decodeSaved reads what encode wrote. Nothing, or what cannot be read, is an
// endpoint that never failed.
func decodeSaved(data []byte) endpoint {
	var e endpoint
	if len(data) > 0 && json.Unmarshal(data, &e) != nil {
		e = endpoint{}
	}
	return e
}

// decodeEndpoint is decodeSaved for an endpoint at a URL of which hash is the
// hash: of another one only what was asked for is known.
func decodeEndpoint(data []byte, hash string) endpoint {
	e := decodeSaved(data)
	if e.URL != hash {
		e = endpoint{URL: hash, Said: e.Said, Wanted: e.Wanted, CatchUp: e.CatchUp}
	}
	return e
}

func (e endpoint) encode() []byte {
	data, err := json.Marshal(e)
	if err != nil {
		panic(err) // texts, numbers and times cannot fail
	}
	return data
}

// rests reports whether nothing but a probe may go to the endpoint.
func (e endpoint) rests() bool { return !e.Rested.IsZero() }

// note notes what became of an attempt. opened reports whether it ended a rest.
func (e *endpoint) note(v verdict) (opened bool) {
	if v.taken {
		opened = e.rests()
		*e = endpoint{URL: e.URL, Said: e.Said, CatchUp: e.CatchUp, Wanted: e.Wanted}
		return opened
	}
	if e.Failed++; e.Failed == 1 {
		e.Since = v.At
	}
	e.Reason, e.NotTill = v.Reason, times.Later(e.NotTill, v.notTill)
	if e.Failed >= failureThreshold && !e.rests() {
		e.Rested = v.At
	}
	if e.rests() {
		e.Probe = times.Later(nextProbe(e.Rested, v.At), e.NotTill)
	}
	return false
}

// isToBeSaid reports whether a person is to be told that the endpoint fails.
func (e endpoint) isToBeSaid(now time.Time) bool {
	return !e.Said && e.Failed > 0 && now.Sub(e.Since) >= failingNoticeAfter
}

// nextProbe returns when an endpoint that began to rest at a time is probed first
// after now.
func nextProbe(rested, now time.Time) time.Time {
	for _, after := range firstProbes {
		if at := rested.Add(after); at.After(now) {
			return at
		}
	}
	start := rested.Add(firstProbes[len(firstProbes)-1])
	every := soonProbes
	if now.Sub(start) >= soonFor {
		start, every = start.Add(soonFor), laterProbes
	}
	return start.Add(now.Sub(start).Truncate(every) + every)
}

package agent

import (
	"time"

	"aggregator/aggregate"
	"aggregator/internal/times"
)

// sourceRecord is what is remembered of a source between two questions.
type sourceRecord struct {
	Of        string    `json:"of,omitempty"`        // keyed hash of the source; another one begins afresh
	Failed    int       `json:"failed,omitempty"`    // failures in a row
	Since     time.Time `json:"since,omitzero"`      // when they began
	Error     string    `json:"error,omitempty"`     // of the last one
	Refused   int       `json:"refused,omitempty"`   // of them refusals in a row
	Zeros     int       `json:"zeros,omitempty"`     // in a row, that were not posted
	RetryAt   time.Time `json:"retry_at,omitzero"`   // when it is asked beside the ticks, or in their place while it fails
	NotBefore time.Time `json:"not_before,omitzero"` // when the rest of a token ends
}

// maxZeros is which 0 in a row is believed of a source that estimates.
const maxZeros = 3

// learn notes what the source of a bot said, and reports whether the count is to
// be posted.
func (r *record) learn(b *Bot, said reading, now time.Time) (post bool) {
	s := &r.Source
	s.RetryAt, s.NotBefore = time.Time{}, time.Time{}
	if said.fault != faultNone {
		r.fail(b, said, now)
		return false
	}
	s.Failed, s.Since, s.Error, s.Refused = 0, time.Time{}, "", 0
	if isDoubtful(b.Posts.Source) && said.count.ServerCount == 0 && r.Count != nil && r.Count.ServerCount > 0 {
		if s.Zeros++; s.Zeros < maxZeros {
			s.RetryAt = now.Add(zeroAfter)
			return false
		}
	}
	s.Zeros = 0
	r.Count = &countRecord{NewPushed(said.count, now), b.Posts.Source.Name()}
	if r.Count.From == sourcePush { // that stands in what was pushed
		r.Count.Shards = nil
	}
	return true
}

// fail notes that the source told no count.
func (r *record) fail(b *Bot, said reading, now time.Time) {
	s := &r.Source
	if s.Failed++; s.Failed == 1 {
		s.Since = now
	}
	s.Error = said.text
	if said.fault == faultRefused { // asked again at ticks alone
		s.Refused++
		if rest := aggregate.RestAfter(s.Refused); rest > 0 {
			s.NotBefore = now.Add(rest)
			r.TickAt = times.Later(r.TickAt, tickFrom(b.ID, b.Posts.Every, s.NotBefore))
		}
		return
	}
	s.Refused = 0
	s.RetryAt = times.Later(now.Add(backoff(s.Failed, b.Posts.Every)), said.until)
}

// backoff returns 1, 2, 4 … minutes, at most limit, after so many failures in a
// row.
func backoff(failed int, limit time.Duration) time.Duration {
	const enough = 12 // doublings; beyond them it is more than a day
	return min(time.Minute<<min(failed-1, enough), limit)
}

// isDoubtful reports whether a source estimates: its 0 after a count is not
// believed at once, nor a count after a start that is much smaller.
func isDoubtful(s Source) bool { return s.Name() == sourceDiscord }

// isTooLittle reports whether the first count of a source after a start is to be
// asked for once more.
func (r *record) isTooLittle(b *Bot, said reading) bool {
	return isDoubtful(b.Posts.Source) && said.fault == faultNone && r.Count != nil &&
		said.count.ServerCount > 0 && 2*said.count.ServerCount < r.Count.ServerCount
}

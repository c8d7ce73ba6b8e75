package aggregate

import (
	"time"

	"aggregator/lists"
	"aggregator/store"
)

// otherwiseHold is how long it is remembered that a token goes a list's second
// way, counted from the last post that the list accepted there.
const otherwiseHold = 90 * 24 * time.Hour

// goOtherwise puts the call into its second way, from the start.
func (p *planned) goOtherwise() {
	if second, ok := p.call.Otherwise(); ok {
		p.call, p.hold.wentOtherwise = second, true
	}
}

// goneOtherwise puts the calls into a plan that were made in their second way:
// the answers are to these.
func goneOtherwise(plan []planned, answers []lists.Answer) {
	for i, a := range answers {
		if a.Otherwise {
			plan[i].goOtherwise()
		}
	}
}

// learnWay appends what an answer says of the way that a token goes. A token
// that the second way refuses is tried in the first again.
func (d *hold) learnWay(changes []store.Change, a lists.Answer, v lists.Verdict, now time.Time) []store.Change {
	switch {
	case !d.wentOtherwise:
		return changes
	case v.OK:
		return append(changes, holdUntil(d.otherwise, now.Add(otherwiseHold), ""))
	case a.RefusesOtherwise():
		return append(changes, store.Change{Place: store.Place{Key: d.otherwise}, Kind: store.KindSet})
	}
	return changes
}

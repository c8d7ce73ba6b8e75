package aggregate

import (
	"net/http"
	"time"

	"aggregator/lists"
)

// Outcome is what became of one call, for metrics.
type Outcome struct {
	List string
	Op   lists.Op
	Kind string // one of a closed set, see kind; or the reason of a call that was held back
	Took time.Duration
}

func (a *Aggregator) observe(plan []planned, answers []lists.Answer, verdicts []lists.Verdict) {
	if a.Observe == nil {
		return
	}
	for i, p := range plan {
		a.Observe(Outcome{p.call.List.ID, p.call.Op(), kind(answers[i], verdicts[i].OK), answers[i].Took})
	}
}

// observeHeld tells of a call that was held back.
func (a *Aggregator) observeHeld(c lists.Call, why *lists.Skip) {
	if a.Observe != nil {
		a.Observe(Outcome{List: c.List.ID, Op: c.Op(), Kind: string(why.Reason)})
	}
}

// kind sorts an answer: "ok", a status class, "refused_2xx" for a 2xx that is
// no success, or the fault of a call without an answer.
func kind(a lists.Answer, ok bool) string {
	switch {
	case a.Status == lists.NoAnswer:
		return string(a.Fault)
	case ok:
		return "ok"
	case a.Status < http.StatusMultipleChoices:
		return "refused_2xx"
	case a.Status < http.StatusBadRequest:
		return "3xx"
	case a.Status == http.StatusTooManyRequests:
		return "429"
	case a.Status < http.StatusInternalServerError:
		return "4xx"
	}
	return "5xx"
}

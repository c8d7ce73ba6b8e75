package aggregate

import (
	"context"
	"net/http"
	"time"

	"aggregator/lists"
)

// Outcome is what became of one call, for metrics, health and the log. A call
// that was made again has one, that of the last try.
type Outcome struct {
	List   string
	Op     lists.Op
	Kind   string      // one of a closed set, see kind; or the reason of a call that was held back
	OK     bool        // the list did what it was asked
	Page   bool        // the list answered with an HTML page where it should not
	Status int         // the list's HTTP status, lists.NoAnswer where there was no answer, 0 for a call that was held back
	Fault  lists.Fault // why there was no answer
	Reason string      // the same in plain words, without secrets
	Took   time.Duration
	Probe  bool // no caller asked, see Caller.Probe
}

// observe reports calls that were made. The context is that of the request.
func (a *Aggregator) observe(ctx context.Context, from Caller, plan []planned, answers []lists.Answer, verdicts []lists.Verdict) {
	if a.Observe == nil {
		return
	}
	for i, p := range plan {
		a.Observe(ctx, Outcome{
			List: p.call.List.ID, Op: p.call.Op(), Kind: kind(answers[i], verdicts[i].OK),
			OK: verdicts[i].OK, Page: verdicts[i].Page, Status: answers[i].Status, Fault: answers[i].Fault, Reason: answers[i].Reason,
			Took: answers[i].Took, Probe: from.Probe,
		})
	}
}

// observeHeld reports a call that was held back.
func (a *Aggregator) observeHeld(ctx context.Context, c lists.Call, why *lists.Skip) {
	if a.Observe != nil {
		a.Observe(ctx, Outcome{List: c.List.ID, Op: c.Op(), Kind: string(why.Reason)})
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

package health

import (
	"fmt"
	"net/http"
	"time"

	"aggregator/store"
)

// quietAfter is how long there may be no call before that is said.
const quietAfter = time.Hour

// Words returns what is to be said of a list beside its figures, in sentences
// without a capital or a full stop; times are in UTC.
func (l List) Words() []string {
	var all []string
	for _, o := range l.Outages {
		all = append(all, o.String())
	}
	if quiet := l.Quiet(); quiet > 0 {
		all = append(all, "no traffic for "+hours(quiet))
	}
	if l.Probes > 0 {
		all = append(all, fmt.Sprintf("%d of %s in 24 hours were probes", l.Probes, calls(l.Calls)))
	}
	return all
}

// Quiet returns for how long a list that had calls in 24 hours has had none; 0 if
// that is less than an hour.
func (l List) Quiet() time.Duration {
	if quiet := l.AsOf.Sub(l.LastCall); l.Calls > 0 && quiet >= quietAfter {
		return quiet
	}
	return 0
}

// Down reports whether an outage lasts.
func (l List) Down() bool {
	return len(l.Outages) > 0 && l.Outages[len(l.Outages)-1].To.IsZero()
}

func (o Outage) String() string {
	const clock = "15:04"
	from, to := o.From.UTC().Format(clock), o.To.UTC().Format(clock)
	when := "down " + from + " to " + to
	switch {
	case o.To.IsZero():
		when = "down since " + from
	case from == to && o.To.Sub(o.From) < time.Minute:
		when = "down at " + from
	}
	n, did := o.N, o.does()
	if 10*o.N < 9*o.Faults { // they failed in several ways
		n, did = o.Faults, "failed, most of them "+did
	}
	return fmt.Sprintf("%s, %d of %s %s", when, n, calls(o.Calls), did)
}

// does returns what the calls of the main kind did.
func (o Outage) does() string {
	if o.kind < 0 || int(o.kind) >= len(faultKinds) {
		return "failed"
	}
	return faultKinds[o.kind].calls
}

// Reason says why the call failed.
func (f Failure) Reason() string {
	switch {
	case f.Detail != "":
		return f.Detail
	case f.Kind == faultPage.String():
		return "Answered with a page"
	case f.Status > 0:
		text := http.StatusText(f.Status)
		if text != "" {
			text = " " + text
		}
		return fmt.Sprintf("Answered %d%s", f.Status, text)
	}
	return f.Kind
}

func calls(n int64) string {
	if n == 1 {
		return "1 call"
	}
	return fmt.Sprintf("%d calls", n)
}

func hours(d time.Duration) string {
	if n := int(d / time.Duration(store.Hours)); n != 1 {
		return fmt.Sprintf("%d hours", n)
	}
	return "1 hour"
}

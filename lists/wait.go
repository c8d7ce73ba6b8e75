package lists

import (
	"fmt"
	"math"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
	"time"
)

// wait is one place where a list says how long to wait, compiled.
type wait struct {
	header string   // in canonical form; "": it stands in the body
	path   []string // into the body; nil: it stands in a header
	unit   string
}

// Units of a wait, beside seconds.
const (
	unitMS     = "ms"
	unitUnix   = "unix"
	unitUnixMS = "unix_ms"
)

// retryAfter is where every list may say how long to wait.
var retryAfter = wait{header: "Retry-After"}

func (c *checker) waits(field string, entries []WaitEntry) []wait {
	var all []wait
	for i, e := range entries {
		at := field + "[" + strconv.Itoa(i) + "]"
		if (e.Header == "") == (e.Body == "") {
			c.add(at, "needs either header or body")
			continue
		}
		w := wait{header: textproto.CanonicalMIMEHeaderKey(e.Header), unit: e.Unit}
		if e.Body != "" {
			w.path = c.path(at+".body", e.Body)
		}
		all = append(all, w)
	}
	return all
}

// WaitUntil returns the time before which the list wants no further call, as its
// answer says; ok is false when it says nothing, or nothing sensible. Beside a
// 429 or 503 only Retry-After says so.
func (c Call) WaitUntil(a Answer, now time.Time) (until time.Time, ok bool) {
	places := c.endpoint.wait
	if len(places) == 0 {
		places = []wait{retryAfter}
	}
	refused := a.Status == http.StatusTooManyRequests || a.Status == http.StatusServiceUnavailable
	for _, w := range places {
		if !refused && w.header != retryAfter.header {
			continue // many lists tell their limits with every answer
		}
		if t, said := w.until(a, now); said && t.After(now) && (!ok || t.After(until)) {
			until, ok = t, true
		}
	}
	return until, ok
}

// RetryAfter returns the time before which the header Retry-After asks for no
// further request; ok is false when it says nothing, or nothing sensible.
func (a Answer) RetryAfter(now time.Time) (until time.Time, ok bool) {
	until, ok = retryAfter.until(a, now)
	return until, ok && until.After(now)
}

func (w wait) until(a Answer, now time.Time) (time.Time, bool) {
	text := a.header(w.header)
	if w.path != nil {
		v, _ := a.value()
		text = scalar(follow(v, w.path))
	}
	text = strings.TrimSpace(text)
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		at, err := http.ParseTime(text)
		return at, err == nil
	}
	if math.IsNaN(n) || math.IsInf(n, 0) || math.Abs(n) > 1e15 {
		return time.Time{}, false
	}
	switch w.unit {
	case unitMS:
		return now.Add(milliseconds(n)), n < float64(math.MaxInt64/int64(time.Millisecond))
	case unitUnix:
		return time.UnixMilli(int64(n * 1000)), true
	case unitUnixMS:
		return time.UnixMilli(int64(n)), true
	}
	return now.Add(milliseconds(n * 1000)), n*1000 < float64(math.MaxInt64/int64(time.Millisecond))
}

// milliseconds returns n of them, rounded up, or a year where that is less.
func milliseconds(n float64) time.Duration {
	const longest = float64(365 * 24 * time.Hour / time.Millisecond)
	return time.Duration(math.Ceil(max(-longest, min(n, longest)))) * time.Millisecond
}

// waitRules says in sentences where a list says how long to wait.
func waitRules(waits []wait) (rules []string) {
	for _, w := range waits {
		where := "the header " + w.header
		if w.path != nil {
			where = strings.Join(w.path, ".") + " in the answer"
		}
		what := map[string]string{
			unitMS: "how long to wait, in milliseconds", unitUnix: "until when to wait, as a Unix time", unitUnixMS: "until when to wait, as a Unix time in milliseconds",
		}[w.unit]
		if what == "" {
			what = "how long to wait, in seconds or as a date"
		}
		rules = append(rules, fmt.Sprintf("If it refuses, %s says %s.", where, what))
	}
	return rules
}

package sandbox

import (
	"cmp"
	"net"
	"net/http"
	"strconv"
	"time"

	"aggregator/lists"
)

// patience is how many early posts a list that revokes keys puts up with.
const patience = 5

// windowKey names whom one of a list's limits counts.
type windowKey struct {
	part  string // of the entry
	limit int
	who   string
}

// window is an interval of a limit; it begins with its first request.
type window struct {
	until time.Time
	used  int64
}

// admit takes a request from all limits of posts that count it, see take.
func (l *list) admit(who map[string]string, now time.Time) (wait time.Duration) {
	return l.take(l.limits, "post", who, now)
}

// take takes a request from all limits of a part that count it, or from none: then
// it is too early by the time answered. A refused request extends nothing.
func (l *list) take(limits []lists.LimitEntry, part string, who map[string]string, now time.Time) (wait time.Duration) {
	for i, limit := range limits {
		w, _ := l.windows.get(windowKey{part, i, who[limit.Per]})
		if who[limit.Per] != "" && w.used >= limit.Requests && now.Before(w.until) {
			wait = max(wait, w.until.Sub(now))
		}
	}
	if wait > 0 {
		return wait
	}
	for i, limit := range limits {
		key := windowKey{part, i, who[limit.Per]}
		if key.who == "" {
			continue
		}
		w, _ := l.windows.get(key)
		if !now.Before(w.until) {
			w = window{until: now.Add(time.Duration(limit.Seconds) * time.Second)}
		}
		w.used++
		l.windows.set(key, w)
	}
	return 0
}

// tooEarly tells how long to wait, where and in the unit the list does.
func (e *endpoint) tooEarly(wait time.Duration, now time.Time) answer {
	at := cmp.Or(e.wait, e.list.wait)
	a := e.refused(refuse(http.StatusTooManyRequests, "Too early"))
	until := now.Add(wait)
	n := roundUp(wait, time.Second)
	switch at.Unit {
	case "ms":
		n = roundUp(wait, time.Millisecond)
	case "unix":
		n = roundUp(time.Duration(until.UnixNano()), time.Second)
	case "unix_ms":
		n = roundUp(time.Duration(until.UnixNano()), time.Millisecond)
	}
	if at.Body != "" {
		a.put(at.Body, n)
	} else {
		a.header.Set(at.Header, strconv.FormatInt(n, 10))
	}
	return a
}

func roundUp(d, unit time.Duration) int64 { return int64((d + unit - 1) / unit) }

// address is where a request comes from, without its port.
func address(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

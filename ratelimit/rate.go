package ratelimit

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// What a Rate may be when it is read from text.
const (
	maxLimit  = 1_000_000
	minPeriod = time.Second
	maxPeriod = 24 * time.Hour
)

// Rate is how many requests pass in a window of a given length, which the
// first of them opens. The zero Rate is off.
type Rate struct {
	Limit  int64
	Period time.Duration
}

// ParseRate reads a rate such as "1/120s" or "5/1m", or "off".
func ParseRate(s string) (Rate, error) {
	if s == "off" {
		return Rate{}, nil
	}
	fail := func(why string) (Rate, error) {
		return Rate{}, fmt.Errorf(`rate %q: %s; want a rate such as "1/120s" or "5/1m", or "off"`, s, why)
	}
	count, length, ok := strings.Cut(s, "/")
	if !ok {
		return fail("no slash")
	}
	limit, err := strconv.ParseInt(count, 10, 64)
	if err != nil || limit < 1 || limit > maxLimit {
		return fail(fmt.Sprintf("the number of requests must be an integer from 1 to %d", maxLimit))
	}
	// Clients are told whole seconds.
	period, err := time.ParseDuration(length)
	if err != nil || period < minPeriod || period > maxPeriod || period%time.Second != 0 {
		return fail("the period must be whole seconds from 1s to 24h")
	}
	return Rate{Limit: limit, Period: period}, nil
}

// String is the rate as [ParseRate] reads it.
func (r Rate) String() string {
	switch {
	case r.off():
		return "off"
	case r.Period%time.Second == 0:
		return fmt.Sprintf("%d/%ds", r.Limit, r.Period/time.Second)
	}
	return fmt.Sprintf("%d/%s", r.Limit, r.Period)
}

// Spacing returns the time between requests that come evenly, as often as the
// rate lets them; 0 where it is off.
func (r Rate) Spacing() time.Duration {
	if r.off() {
		return 0
	}
	return r.Period / time.Duration(r.Limit)
}

func (r Rate) off() bool { return r.Limit <= 0 || r.Period <= 0 }

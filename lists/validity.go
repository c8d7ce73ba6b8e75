package lists

import (
	"strconv"
	"strings"
	"time"
)

// validity is how long a vote counts, as a list documents it. The zero validity is
// one that it does not document.
type validity struct {
	length   time.Duration // from the vote on; 0: it is of the calendar
	calendar string        // windowDay, windowMonth or windowQuarter, in UTC; "": there is a length
}

// Windows of the calendar.
const (
	windowDay     = "day"
	windowMonth   = "month"
	windowQuarter = "quarter"
)

func (c *checker) window(field, text string) validity {
	switch text {
	case "":
		return validity{}
	case windowDay, windowMonth, windowQuarter:
		return validity{calendar: text}
	}
	digits, hours := strings.CutSuffix(text, "h")
	n, err := strconv.Atoi(digits)
	const maxHours = 31 * 24
	if !hours || err != nil || !isDigits(digits) || n < 1 || n > maxHours {
		c.add(field, "must be hours from 1h to %dh, day, month or quarter, is %q", maxHours, text)
		return validity{}
	}
	return validity{length: time.Duration(n) * time.Hour}
}

func (w validity) isZero() bool { return w == validity{} }

// end returns when a vote of a time no longer counts; the zero Time where that
// is not known, as it is for one without a time.
func (w validity) end(at time.Time) time.Time {
	if at.IsZero() {
		return time.Time{}
	}
	at = at.UTC()
	year, month, day := at.Date()
	switch w.calendar {
	case windowDay:
		return time.Date(year, month, day+1, 0, 0, 0, 0, time.UTC)
	case windowMonth:
		return time.Date(year, month+1, 1, 0, 0, 0, 0, time.UTC)
	case windowQuarter:
		return time.Date(year, (month-1)/3*3+4, 1, 0, 0, 0, 0, time.UTC)
	}
	if w.length == 0 {
		return time.Time{}
	}
	return at.Add(w.length)
}

// current returns when a vote no longer counts that counts now and has no known
// time: the end of the calendar's window around now; the zero Time where the
// window is none of the calendar.
func (w validity) current(now time.Time) time.Time {
	if w.calendar == "" {
		return time.Time{}
	}
	return w.end(now)
}

// words says how long a vote counts, or until when.
func (w validity) words() string {
	if w.calendar != "" {
		return "until the end of the " + w.calendar + ", in UTC"
	}
	hours := int(w.length / time.Hour)
	if hours == 1 {
		return "for an hour"
	}
	return "for " + strconv.Itoa(hours) + " hours"
}

// String returns the window as the format writes it.
func (w validity) String() string {
	if w.calendar != "" {
		return w.calendar
	}
	return strconv.Itoa(int(w.length/time.Hour)) + "h"
}

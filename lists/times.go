package lists

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"aggregator/rawjson"
)

// Units of a time, beside ISO 8601.
const (
	timeUnix   = "unix"
	timeUnixMS = "unix_ms"
	timeHTTP   = "http"
	timeLeft   = "left"
)

// timeUnits says in words how a time is written.
var timeUnits = map[string]string{
	"": "ISO 8601", timeUnix: "Unix time", timeUnixMS: "Unix time in milliseconds", timeHTTP: "an HTTP date",
	timeLeft: "hours, minutes and seconds left",
}

// timeAt is a place of a time, compiled.
type timeAt struct {
	path  string
	steps []step
	unit  string // "" for ISO 8601

	anyUnit bool // a time in another unit is understood too
}

// timesAt are the places in which a time may be.
type timesAt []timeAt

func (c *checker) times(field string, entries Times) timesAt {
	var all timesAt
	for _, e := range entries {
		all = append(all, c.timeAt(field, e))
	}
	return all
}

func (c *checker) timeAt(field string, e TimeAt) timeAt {
	t := timeAt{path: e.Path, steps: c.steps(field, e.Path), unit: e.Unit}
	if t.unit == "iso" {
		t.unit = ""
	}
	return t
}

// latest returns the latest time that the places hold; the zero Time where they
// hold none. The error says which of them holds what is no time in its unit.
func (all timesAt) latest(n *node, now time.Time) (latest time.Time, err error) {
	for _, t := range all {
		for _, v := range n.walk(t.steps) {
			at, err := t.read(v, now)
			if err != nil {
				return time.Time{}, err
			}
			if at.After(latest) {
				latest = at
			}
		}
	}
	return latest, nil
}

// read reads a time. The zero Value and null are the zero Time. The error says
// where there is what is no time in its unit.
func (t timeAt) read(v rawjson.Value, now time.Time) (time.Time, error) {
	if v.IsZero() {
		return time.Time{}, nil
	}
	at, ok := t.parse(v, now)
	if !ok {
		return time.Time{}, &oddValueError{t.path, v, timeUnits[t.unit]}
	}
	return at, nil
}

// understood returns the places with every unit that a time may be written in,
// for whom it matters more what a time is than how it is written.
func (all timesAt) understood() timesAt {
	lenient := make(timesAt, len(all))
	for i, t := range all {
		t.anyUnit = true
		lenient[i] = t
	}
	return lenient
}

// Bounds on Unix times in seconds, beyond which a number is of another unit, or a
// date is none of a vote: the years 2001 and 5138.
const (
	minUnix = 1e9
	maxUnix = 1e11
)

// isoLayouts are the spellings of ISO 8601 that lists use. What has no zone is
// in UTC.
var isoLayouts = []string{
	time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05", time.DateOnly,
}

// parse reads a time. Null, a blank and 0 are as good as none: the zero Time.
func (t timeAt) parse(v rawjson.Value, now time.Time) (at time.Time, ok bool) {
	at, ok = parseIn(t.unit, v, now)
	if ok || !t.anyUnit {
		return at, ok
	}
	for _, unit := range []string{"", timeHTTP, timeUnix, timeUnixMS} {
		if at, ok = parseIn(unit, v, now); ok {
			return at, true
		}
	}
	return time.Time{}, false
}

// parseIn reads a time in a unit.
func parseIn(unit string, v rawjson.Value, now time.Time) (at time.Time, ok bool) {
	text := strings.TrimSpace(scalar(v))
	switch {
	case v.Kind() == rawjson.Null, v.Kind() == rawjson.String && text == "", text == "0":
		return time.Time{}, true
	case unit == timeLeft:
		return parseLeft(v, now)
	case text == "":
		return time.Time{}, false
	case unit == timeHTTP:
		at, err := http.ParseTime(text)
		return bounded(at, err == nil)
	case unit == timeUnix:
		return parseUnix(text, 1000)
	case unit == timeUnixMS:
		return parseUnix(text, 1)
	}
	return parseISO(text)
}

func parseISO(text string) (at time.Time, ok bool) {
	for _, layout := range isoLayouts {
		if at, err := time.Parse(layout, text); err == nil {
			return bounded(at, true)
		}
	}
	return time.Time{}, false
}

// bounded returns a time that was read within the bounds on times. What some
// languages hold for no date at all, the first moment of the year 1, is the zero
// Time.
func bounded(at time.Time, read bool) (time.Time, bool) {
	ok := read && (at.IsZero() || at.Unix() >= minUnix && at.Unix() < maxUnix)
	return at.UTC(), ok
}

// parseUnix reads a Unix time in units of so many milliseconds.
func parseUnix(text string, unit float64) (at time.Time, ok bool) {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(n) || n*unit < minUnix*1000 || n*unit >= maxUnix*1000 {
		return time.Time{}, false
	}
	return time.UnixMilli(int64(n * unit)).UTC(), true
}

// maxLeft bounds how long a vote counts.
const maxLeft = 366 * 24 * time.Hour

// parseLeft reads the time left from now in an object of hours, minutes and
// seconds.
func parseLeft(v rawjson.Value, now time.Time) (at time.Time, ok bool) {
	var left float64
	found := false
	for _, part := range []struct {
		key     string
		seconds float64
	}{{"hours", 3600}, {"minutes", 60}, {"seconds", 1}} {
		digits := scalar(v.Get(part.key))
		if digits == "" {
			continue
		}
		n, err := strconv.ParseFloat(digits, 64)
		if err != nil || math.IsNaN(n) || n < 0 {
			return time.Time{}, false
		}
		left, found = left+n*part.seconds, true
	}
	if !found || left > maxLeft.Seconds() {
		return time.Time{}, false
	}
	return now.Add(time.Duration(left * float64(time.Second))).UTC(), true
}

// append appends a time as it is written at the place, in JSON.
func (t timeAt) append(to []byte, at, now time.Time) []byte {
	switch t.unit {
	case timeUnix:
		return rawjson.AppendInt(to, at.Unix())
	case timeUnixMS:
		return rawjson.AppendInt(to, at.UnixMilli())
	case timeHTTP:
		return rawjson.AppendString(to, at.UTC().Format(http.TimeFormat))
	case timeLeft:
		left := int64(max(at.Sub(now), 0) / time.Second)
		return fmt.Appendf(to, `{"hours":%d,"minutes":%d,"seconds":%d}`, left/3600, left/60%60, left%60)
	}
	return rawjson.AppendString(to, at.UTC().Format("2006-01-02T15:04:05.000Z07:00"))
}

// rule says in words where a time is.
func (all timesAt) rule(what string) []string {
	if len(all) == 0 {
		return nil
	}
	return []string{what + ": " + strings.Join(all.places(), ", ")}
}

// sentence says in a sentence where a time is.
func (all timesAt) sentence(what string) []string {
	if len(all) == 0 {
		return nil
	}
	return []string{upperFirst(what) + " stands in " + strings.Join(all.places(), " or ") + "."}
}

// places returns the places with how a time is written there.
func (all timesAt) places() []string {
	places := make([]string, len(all))
	for i, t := range all {
		places[i] = t.path + " (" + timeUnits[t.unit] + ")"
	}
	return places
}

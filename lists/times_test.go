package lists

import (
	"testing"
	"time"

	"aggregator/rawjson"
)

// TestTimes has how each unit writes a time, and what else is none in it.
func TestTimes(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 25, 9, 46, 40, 0, time.UTC)
	const bad = "bad"
	for _, tt := range []struct {
		place TimeAt
		text  string
		want  any // a time.Time, or bad
	}{
		{TimeAt{Unit: "iso"}, `"2026-11-25T09:46:40.000Z"`, at},
		{TimeAt{Unit: "iso"}, `"2026-11-25T10:46:40+01:00"`, at},
		{TimeAt{Unit: "iso"}, `"2026-11-25T09:46:40+0000"`, at},
		{TimeAt{Unit: "iso"}, `"2026-11-25T09:46:40"`, at},
		{TimeAt{Unit: "iso"}, `"2026-11-25 09:46:40"`, at},
		{TimeAt{Unit: "iso"}, `" 2026-11-25T09:46:40Z "`, at},
		{TimeAt{Unit: "iso"}, `"2026-11-25T09:46:40.2510149+00:00"`, at.Add(251014900)},
		{TimeAt{Unit: "iso"}, `"2026-11-25"`, time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)},
		{TimeAt{Unit: "iso"}, `"2026-11-31T09:46:40Z"`, bad},
		{TimeAt{Unit: "iso"}, `1795600000`, bad},
		{TimeAt{}, `""`, time.Time{}},
		{TimeAt{}, `null`, time.Time{}},
		{TimeAt{}, `0`, time.Time{}},
		{TimeAt{}, `{}`, bad},
		{TimeAt{}, `true`, bad},
		{TimeAt{}, `"0000-01-01"`, bad},
		{TimeAt{}, `"0001-01-01T00:00:00Z"`, time.Time{}},
		{TimeAt{}, `"1970-01-01T00:00:00Z"`, bad},
		{TimeAt{}, `"9999-12-31T23:59:59-23:59"`, bad},
		{TimeAt{Unit: "unix"}, `1795600000`, at},
		{TimeAt{Unit: "unix"}, `"1795600000"`, at},
		{TimeAt{Unit: "unix"}, `1795600000.5`, at.Add(time.Second / 2)},
		{TimeAt{Unit: "unix"}, `0`, time.Time{}},
		{TimeAt{Unit: "unix"}, `1795600000000`, bad},
		{TimeAt{Unit: "unix"}, `-1795600000`, bad},
		{TimeAt{Unit: "unix"}, `"NaN"`, bad},
		{TimeAt{Unit: "unix"}, `1e400`, bad},
		{TimeAt{Unit: "unix_ms"}, `1795600000000`, at},
		{TimeAt{Unit: "unix_ms"}, `1795600000`, bad},
		{TimeAt{Unit: "http"}, `"Wed, 25 Nov 2026 09:46:40 GMT"`, at},
		{TimeAt{Unit: "http"}, `"2026-11-25T09:46:40Z"`, bad},
		{TimeAt{Unit: "left"}, `{"hours":1,"minutes":2,"seconds":3}`, at.Add(3723 * time.Second)},
		{TimeAt{Unit: "left"}, `{"minutes":"5"}`, at.Add(5 * time.Minute)},
		{TimeAt{Unit: "left"}, `{}`, bad},
		{TimeAt{Unit: "left"}, `{"hours":-1}`, bad},
		{TimeAt{Unit: "left"}, `{"hours":1e9}`, bad},
		{TimeAt{Unit: "left"}, `"1h"`, bad},
	} {
		tt.place.Path = "at"
		c := &checker{}
		place := c.timeAt("", tt.place)
		v, _ := rawjson.Parse([]byte(tt.text))
		got, ok := place.parse(v, at)
		if want, isTime := tt.want.(time.Time); ok != isTime || ok && !got.Equal(want) {
			t.Errorf("%s %s: got %s, %t; want %v", tt.place.Unit, tt.text, got, ok, tt.want)
		}
	}
}

// TestTimesAreWrittenAsRead has that a time is read as it was written.
func TestTimesAreWrittenAsRead(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 25, 9, 46, 40, 0, time.UTC)
	at := now.Add(time.Hour)
	for unit := range timeUnits {
		place := timeAt{unit: unit}
		text := place.append(nil, at, now)
		v, _ := rawjson.Parse(text)
		if got, ok := place.parse(v, now); !ok || !got.Equal(at) {
			t.Errorf("%s: %s reads as %s, %t; want %s", unit, text, got, ok, at)
		}
	}
}

// TestValidity has until when votes count.
func TestValidity(t *testing.T) {
	t.Parallel()
	date := func(year, month, day, hour int) time.Time {
		return time.Date(year, time.Month(month), day, hour, 0, 0, 0, time.UTC)
	}
	zone := time.FixedZone("", 5*3600)
	for _, tt := range []struct {
		window string
		at     time.Time
		want   time.Time
	}{
		{"12h", date(2026, 11, 25, 10), date(2026, 11, 25, 22)},
		{"24h", date(2026, 12, 31, 10), date(2027, 1, 1, 10)},
		{"day", date(2026, 12, 31, 10), date(2027, 1, 1, 0)},
		{"day", date(2026, 12, 31, 22).In(zone), date(2027, 1, 1, 0)},
		{"month", date(2026, 2, 28, 23), date(2026, 3, 1, 0)},
		{"quarter", date(2026, 1, 1, 0), date(2026, 4, 1, 0)},
		{"quarter", date(2026, 6, 30, 23), date(2026, 7, 1, 0)},
		{"quarter", date(2026, 12, 31, 23), date(2027, 1, 1, 0)},
		{"12h", time.Time{}, time.Time{}},
		{"", date(2026, 1, 1, 0), time.Time{}},
	} {
		c := &checker{}
		w := c.window("", tt.window)
		if got := w.end(tt.at); !got.Equal(tt.want) || len(c.problems) > 0 {
			t.Errorf("%s of %s: ends %s, %v; want %s", tt.window, tt.at, got, c.problems, tt.want)
		}
	}
}

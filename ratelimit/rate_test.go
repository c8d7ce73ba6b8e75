package ratelimit

import (
	"strings"
	"testing"
	"time"
)

func TestParseRate(t *testing.T) {
	for in, want := range map[string]struct {
		rate Rate
		text string
	}{
		"off":              {Rate{}, "off"},
		"1/120s":           {Rate{1, 120 * time.Second}, "1/120s"},
		"1/2m":             {Rate{1, 120 * time.Second}, "1/120s"},
		"5/1m30s":          {Rate{5, 90 * time.Second}, "5/90s"},
		"1/1s":             {Rate{1, time.Second}, "1/1s"},
		"1000000/24h":      {Rate{1_000_000, 24 * time.Hour}, "1000000/86400s"},
		"3/2000ms":         {Rate{3, 2 * time.Second}, "3/2s"},
		"007/1s":           {Rate{7, time.Second}, "7/1s"},
		"10/0.5m":          {Rate{10, 30 * time.Second}, "10/30s"},
		"1/1h0m0s":         {Rate{1, time.Hour}, "1/3600s"},
		"20/60000000000ns": {Rate{20, time.Minute}, "20/60s"},
	} {
		got, err := ParseRate(in)
		if err != nil || got != want.rate {
			t.Errorf("ParseRate(%q): %v, %v; want %v", in, got, err, want.rate)
		}
		if got.String() != want.text {
			t.Errorf("ParseRate(%q).String(): %q, want %q", in, got, want.text)
		}
		if again, err := ParseRate(got.String()); err != nil || again != got {
			t.Errorf("ParseRate(%q): %v, %v; want %v", got.String(), again, err, got)
		}
	}
}

func TestParseRateErrors(t *testing.T) {
	const (
		slash  = "no slash"
		number = "the number of requests must be an integer from 1 to 1000000"
		period = "the period must be whole seconds from 1s to 24h"
	)
	for in, why := range map[string]string{
		"": slash, "Off": slash, "1": slash, "120s": slash,
		"/120s": number, "0/120s": number, "-1/120s": number, "1.5/120s": number,
		"x/120s": number, "1000001/120s": number, "99999999999999999999/1s": number, " 1/120s": number,
		"1/": period, "1/120": period, "1/0s": period, "1/-5s": period, "1/999ms": period,
		"1/1500ms": period, "1/24h1s": period, "1/1d": period, "1/1s/1s": period, "1/ 1s": period,
	} {
		_, err := ParseRate(in)
		if err == nil || !strings.Contains(err.Error(), why) || !strings.HasSuffix(err.Error(), `want a rate such as "1/120s" or "5/1m", or "off"`) {
			t.Errorf("ParseRate(%q): %v, want %s", in, err, why)
		}
	}
	_, err := ParseRate("0/1s")
	if want := `rate "0/1s": ` + number + `; want a rate such as "1/120s" or "5/1m", or "off"`; err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestRateString(t *testing.T) {
	for rate, want := range map[Rate]string{
		{}:                           "off",
		{Limit: 1}:                   "off",
		{Period: time.Second}:        "off",
		{1, 50 * time.Millisecond}:   "1/50ms",
		{2, 1500 * time.Millisecond}: "2/1.5s",
	} {
		if rate.String() != want {
			t.Errorf("%q, want %q", rate, want)
		}
	}
}

package store_test

import (
	"testing"
	"time"

	"aggregator/internal/testkit"
	"aggregator/store"
	"aggregator/store/storetest"
)

func TestMemoryOutcomes(t *testing.T) {
	storetest.Outcomes(t, func(t *testing.T, clock *testkit.Clock) store.Store {
		m := store.NewMemory(store.MemoryOptions{Now: clock.Now, Elapsed: clock.Elapsed})
		t.Cleanup(func() { m.Close() })
		return m
	})
}

func TestParseTally(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"0:12 3:1": "0:12 3:1",
		"0:0":      "",
		"0:1 99:7": "0:1", // of a newer program
	} {
		got, ok := store.ParseTally(text)
		if !ok || got.String() != want {
			t.Errorf("%q: %q, %v; want %q", text, got.String(), ok, want)
		}
	}
	for _, text := range []string{"", "x", "0", "0:", "0:x", "-1:1", "0:-1", "0:1  1:1", "0:1 "} {
		if got, ok := store.ParseTally(text); ok {
			t.Errorf("%q: %q, want not ok", text, got.String())
		}
	}
}

func TestLatencyBuckets(t *testing.T) {
	t.Parallel()
	for took, bucket := range map[time.Duration]store.Figure{
		0: 0, 25 * time.Millisecond: 0, 26 * time.Millisecond: 1, time.Second: 9, 10 * time.Second: 14, time.Minute: 15,
	} {
		var tally store.Tally
		tally.Took(took)
		if tally[store.FigureLatency+bucket] != 1 {
			t.Errorf("%s: %s, want it in bucket %d", took, tally, bucket)
		}
	}
}

func TestPeriods(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 22, 13, 59, 59, 999, time.FixedZone("", 5*3600+1800))
	for period, want := range map[store.Period]string{
		store.Slots: "2026-11-22T08:25:00Z", store.Hours: "2026-11-22T08:00:00Z", store.Days: "2026-11-22T00:00:00Z",
	} {
		if got := period.Begin(at).Format(time.RFC3339); got != want {
			t.Errorf("%s: %s, want %s", time.Duration(period), got, want)
		}
	}
}

func BenchmarkMemoryOutcomes(b *testing.B) {
	storetest.BenchmarkOutcomes(b, store.NewMemory(store.MemoryOptions{}).Outcomes())
}

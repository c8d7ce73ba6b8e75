package health_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"aggregator/health"
	"aggregator/internal/testkit"
	"aggregator/store"
)

const someBot = "123456789012345678"

// newHistory is a Recorder of counts on a clock.
func newHistory(t testing.TB, history store.History) *fixture {
	t.Helper()
	f := &fixture{Clock: testkit.NewClock()}
	st := store.NewMemory(store.MemoryOptions{Now: f.Now, Elapsed: f.Elapsed})
	if history == nil {
		history = st.History()
	}
	f.Recorder = health.New(health.Config{Store: st.Outcomes(), History: history, Hash: store.NewHasher(st.Secret()), Now: f.Now})
	return f
}

// counts returns the history of a bot: hours from noon, and counts.
func (f *fixture) counts(t *testing.T, bot string) string {
	t.Helper()
	points, err := f.Counts(t.Context(), bot)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, p := range points {
		all = append(all, fmt.Sprintf("%d=%d", int(p.Hour.Sub(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC))/time.Hour), p.Count))
	}
	return strings.Join(all, " ")
}

func (f *fixture) wantCounts(t *testing.T, what, want string) {
	t.Helper()
	if got := f.counts(t, someBot); got != want {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
	f.Write(t.Context())
	if got := f.counts(t, someBot); got != want {
		t.Errorf("%s, written: %q, want %q", what, got, want)
	}
}

func TestCounts(t *testing.T) {
	t.Parallel()
	f := newHistory(t, nil)
	f.wantCounts(t, "before", "")
	f.Count(someBot, 5, false)
	f.Count("987654321098765432", 1000, true)
	f.wantCounts(t, "read", "0=5")
	f.Count(someBot, 6, false)
	f.wantCounts(t, "read again in the hour", "0=5")
	f.Count(someBot, 7, true)
	f.wantCounts(t, "posted after it was read", "0=7")
	f.Count(someBot, 8, false)
	f.Count(someBot, 8, true)
	f.wantCounts(t, "again in the hour", "0=7")
	f.Advance(2 * time.Hour)
	f.Count(someBot, 0, true)
	f.wantCounts(t, "later", "0=7 2=0")
	f.Advance(store.HistoryTTL - time.Hour)
	f.wantCounts(t, "90 days later", "2=0")
	without := health.New(health.Config{Store: f.Store, Now: f.Now})
	without.Count(someBot, 5, true)
	if points, err := without.Counts(t.Context(), someBot); points != nil || err != nil {
		t.Errorf("without a history: %v, %v", points, err)
	}
}

// awayHistory is a history that is away when told.
type awayHistory struct {
	store.History
	away bool
}

func (h *awayHistory) Put(ctx context.Context, counts ...store.BotCount) error {
	if h.away {
		return store.ErrAway
	}
	return h.History.Put(ctx, counts...)
}

func (h *awayHistory) Counts(ctx context.Context, bot store.Key) ([]store.CountPoint, error) {
	if h.away {
		return nil, store.ErrAway
	}
	return h.History.Counts(ctx, bot)
}

func TestCountsWhileAway(t *testing.T) {
	t.Parallel()
	away := &awayHistory{History: store.NewMemory(store.MemoryOptions{}).History(), away: true}
	f := newHistory(t, away)
	for n := range 30_000 { // more than may wait
		f.Count(fmt.Sprintf("1%017d", n), int64(n), true)
	}
	f.Count(someBot, 5, true)
	f.Write(t.Context())
	if _, err := f.Counts(t.Context(), someBot); !errors.Is(err, store.ErrAway) {
		t.Errorf("%v, want ErrAway", err)
	}
	away.away = false
	f.Write(t.Context())
	f.wantCounts(t, "one that had no room", "")
	f.Count(someBot, 5, true) // in the same hour
	f.wantCounts(t, "now that there is", "0=5")
	known := 0
	for n := range 30_000 {
		if f.counts(t, fmt.Sprintf("1%017d", n)) == fmt.Sprintf("0=%d", n) {
			known++
		}
	}
	if known != 20_000 {
		t.Errorf("%d bots are known, want the first 20,000", known)
	}
}

func BenchmarkCount(b *testing.B) {
	f := newHistory(b, nil)
	b.ReportAllocs()
	for b.Loop() {
		f.Count(someBot, 5, true)
	}
}

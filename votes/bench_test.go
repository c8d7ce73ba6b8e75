package votes

import (
	"fmt"
	"path/filepath"
	"testing"

	"aggregator/store/sqlite"
)

// BenchmarkTake takes webhooks in, from the proof to the row in a SQLite file.
func BenchmarkTake(b *testing.B) {
	r := newRig(b)
	st, err := sqlite.Open(filepath.Join(b.TempDir(), "votes.db"), r.log.Logger())
	if err != nil {
		b.Fatal(err)
	}
	defer st.Close()
	in := NewIntake(IntakeConfig{Outbox: st.Outbox(), Hash: r.hash, Log: r.log.Logger(), Now: r.clock.Now, Wake: func(string) {}})
	l, _ := r.catalog.Resolve("signed.example")
	bot := r.bots.Current().Bot(testBot)
	bot.Votes.SendTo = nil // so that none is turned away, however many there are
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		body := fmt.Sprintf(`{"data":{"user":%q,"id":"%d","at":%d}}`, testUser, i, r.clock.Now().Unix())
		if _, err := in.Take(b.Context(), bot, l, resign(b, l, body, listSecret, r.clock.Now())); err != nil {
			b.Fatal(err)
		}
	}
}

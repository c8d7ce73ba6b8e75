package sqlite

import (
	"strings"
	"testing"

	"aggregator/internal/testkit"
	"aggregator/store"
	"aggregator/store/storetest"
)

func TestOutbox(t *testing.T) {
	storetest.Outbox(t, func(t *testing.T, clock *testkit.Clock) store.Store {
		return reopen(t, file(t), options{now: clock.Now, elapsed: clock.Elapsed, outbox: storetest.OutboxBounds})
	})
}

func BenchmarkOutbox(b *testing.B) {
	storetest.BenchmarkOutbox(b, reopen(b, file(b), options{}).Outbox())
}

// TestOutboxQueries wants every query to find what it needs through an index,
// in its order, however many messages there are.
func TestOutboxQueries(t *testing.T) {
	s := reopen(t, file(t), options{})
	o := &s.file.outbox
	for stmt, query := range o.queries() {
		if stmt == &o.count || stmt == &o.countKnown || stmt == &o.lastSeq {
			continue // once for each opening; a table of one row
		}
		rows, err := s.file.db.Query(`EXPLAIN QUERY PLAN `+query, make([]any, strings.Count(query, "?"))...)
		if err != nil {
			t.Fatal(query, err)
		}
		for rows.Next() {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				t.Fatal(err)
			}
			if stmt == &o.unlearnAny && detail == "SCAN outbox_once USING COVERING INDEX outbox_once_until" {
				continue // as far as its limit
			}
			if strings.HasPrefix(detail, "SCAN ") || strings.Contains(detail, "TEMP B-TREE") {
				t.Errorf("%s\n%s", query, detail)
			}
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
}

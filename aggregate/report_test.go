package aggregate_test

import (
	"testing"
	"time"

	"aggregator/aggregate"
	"aggregator/lists"
	"aggregator/rawjson"
)

// reportedLists are lists whose reports are something else to the list as well.
const reportedLists = `
lists:
  beat.test:
    name: Beat
    url: "https://beat.test/"
    api_post: "https://beat.test/:id"
    api_field: n
    heartbeat:
      url: "https://beat.test/beat"
      credential: bridge_key
      begins: "bk_"
      counts: true
      fields: {online: up, server_count: n}
  reads.test:
    name: Reads
    url: "https://reads.test/"
    get: {url: "https://reads.test/:id", auth: {prefix: "Bearer "}}
    vote_totals: {read: {total: votes}}
`

// reportOf returns a report of a bot whose only list is named with a token.
func reportOf(t *testing.T, kind *lists.Report, body, pairs string) aggregate.ReportRequest {
	t.Helper()
	v, _ := rawjson.Parse([]byte(body))
	values, err := kind.Parse(v.Get)
	if err != nil {
		t.Fatal(err)
	}
	return aggregate.ReportRequest{Report: kind, BotID: firstBot, Values: values, Tokens: named(pairs)}
}

// TestWaitsOfOneEndpoint has a list ask to wait: all calls wait that are one to the
// list, whatever they are to us, and no others do.
func TestWaitsOfOneEndpoint(t *testing.T) {
	t.Parallel()
	beat := func(d *desk, pairs string) string {
		answer, err := d.Report(t.Context(), reportOf(t, lists.Heartbeat, `{"online":true}`, pairs), caller(1))
		if err != nil {
			t.Fatal(err)
		}
		return skips(answer.Skipped)
	}
	totals := func(d *desk, pairs string) string {
		answer, err := d.Report(t.Context(), reportOf(t, lists.VoteTotals, `{}`, pairs), caller(1))
		if err != nil {
			t.Fatal(err)
		}
		return skips(answer.Skipped)
	}
	post := func(d *desk, pairs string) string { return d.post(t, firstBot, pairs) }
	read := func(d *desk, pairs string) string {
		asked, skipped := d.read(t, firstBot, pairs)
		if d.sent = nil; asked != "" {
			d.sent = []string{asked}
		}
		return skipped
	}
	const at = "2026-11-22T12:01:30Z"
	for _, tt := range []struct {
		name          string
		first, second func(*desk, string) string
		pairs, other  string
		want          string
	}{
		{"a heartbeat, then a count by heartbeat", beat, post, "beat.test=bk_a", "beat.test=bk_b", "Paced: next post at " + at},
		{"a count by heartbeat, then a heartbeat", post, beat, "beat.test=bk_a", "beat.test=bk_b", "beat.test: Paced: next heartbeat at " + at},
		{"totals, then a reading", totals, read, "reads.test=a", "reads.test=b", "reads.test: Paced: next reading at " + at},
		{"a count by token, then a heartbeat", post, beat, "beat.test=a", "beat.test=bk_b", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, deskOptions{onListed: reportedLists})
			d.says(after(429, "90"))
			tt.first(d, tt.pairs)
			d.says(ok)
			d.Advance(time.Millisecond)
			if tt.want != "" {
				if got := tt.second(d, tt.pairs); got != tt.want {
					t.Errorf("with the same credential: got %q, want %q", got, tt.want)
				}
			}
			d.took()
			tt.second(d, tt.other)
			if sent := d.took(); sent != tt.other {
				t.Errorf("with another credential: sent %q, want %q", sent, tt.other)
			}
		})
	}
}

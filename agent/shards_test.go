package agent

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"aggregator/aggregate"
	"aggregator/store"
)

const shardedBot = `bots: {"123456789012345678": {key: a key of twenty characters, notify: "https://me.example/n"}}` + "\n"

// report reports shards of a bot with its key.
func (w *world) report(a *Agent, of int, shards ...int) {
	w.t.Helper()
	r := aggregate.ShardsRequest{BotID: testBot, Of: of, Keyed: true}
	for _, s := range shards {
		r.Shards = append(r.Shards, aggregate.ShardCount{Shard: s, Count: 5})
	}
	if _, err := a.Lists.(*aggregate.Aggregator).ReportShards(w.t.Context(), r, aggregate.Caller{Own: true}); err != nil {
		w.t.Fatal(err)
	}
}

// TestShardsThatReportNoMore plays reports of three shards, and looks at what is
// said when.
func TestShardsThatReportNoMore(t *testing.T) {
	for _, tt := range []struct {
		name    string
		yaml    string
		reports string // "FROM-TO/EVERY:SHARDS" in minutes
		want    string // problems and what is well again, with the minutes of their messages
	}{
		{"all report", shardedBot, "0-600/5:012", ""},
		{"a set that was never complete", shardedBot, "0-10/5:01", ""},
		{"one is silent", shardedBot, "0-20/1:012 21-300/1:01", "121:1 of 3 shards do not report: 2"},
		{"all are silent", shardedBot, "0-20/1:012", "81:3 of 3 shards do not report: 0, 1, 2"},
		{"all come back", shardedBot, "0-20/1:012 200-600/1:012", "81:3 of 3 shards do not report: 0, 1, 2 201:well: All of 3 shards report again"},
		{"one comes back after the others", shardedBot, "0-20/1:012 200-300/1:01 301-600/1:012", "81:3 of 3 shards do not report: 0, 1, 2 302:well: All of 3 shards report again"},
		{"rounds of half an hour", shardedBot, "0-120/30:012 150-500/30:01", "421:1 of 3 shards do not report: 2"},
		{"of a bot without a key in the file", strings.Replace(shardedBot, "key: a key of twenty characters, ", "", 1), "0-20/1:012", ""},
		{"of which nobody hears", strings.Replace(shardedBot, `, notify: "https://me.example/n"`, "", 1), "0-20/1:012", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, tt.yaml)
			a := w.agent()
			for minute := range 600 {
				for r := range strings.FieldsSeq(tt.reports) {
					var from, to, every int
					var shards string
					if _, err := fmt.Sscanf(r, "%d-%d/%d:%s", &from, &to, &every, &shards); err != nil {
						t.Fatal(err)
					}
					if minute < from || minute > to || (minute-from)%every != 0 {
						continue
					}
					var all []int
					for _, s := range shards {
						all = append(all, int(s-'0'))
					}
					w.report(a, 3, all...)
				}
				w.run(noon.Add(time.Duration(minute+1)*time.Minute), a)
				if minute == 100 { // a restart changes nothing
					a = w.agent()
				}
			}
			if words := saidWords(t, w); words != tt.want {
				t.Errorf("said %s\nwant %s", words, tt.want)
			}
		})
	}
}

// saidWords returns what the letters of a world say, with their minutes.
func saidWords(t *testing.T, w *world) string {
	var all []string
	for _, l := range w.letters {
		if !strings.Contains(l.body, `"what":"shards_missing","list":null`) {
			t.Errorf("a letter is not of shards: %s", l.body)
		}
		_, text, _ := strings.Cut(l.body, `"text":"`)
		text, _, _ = strings.Cut(text, `"`)
		if strings.Contains(l.body, `"problems":[]`) {
			text = "well: " + text
		}
		all = append(all, fmt.Sprintf("%d:%s", int(l.at.Sub(noon).Minutes()), text))
	}
	return strings.Join(all, " ")
}

func TestSilentWords(t *testing.T) {
	many := make([]int, store.MaxMissing)
	for i := range many {
		many[i] = i
	}
	for want, s := range map[string]store.ShardSilence{
		"2 of 16 shards do not report: 3, 9": {Of: 16, Silent: []int{3, 9}},
		"At least 20 of 150 shards do not report: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, …": {Of: 150, Silent: many},
	} {
		if got := silentWords(s); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// watcher is a ShardWatcher that notes when it is asked.
type watcher struct {
	w   *world
	at  []time.Duration
	err error
}

func (s *watcher) ShardSilence(context.Context, string, int, time.Duration) (store.ShardSilence, bool, error) {
	s.at = append(s.at, s.w.Now().Sub(noon))
	return store.ShardSilence{}, false, s.err
}

func TestShardsAreLookedAtOnceAMinute(t *testing.T) {
	w := newWorld(t, shardedBot)
	a, s := w.agent(), &watcher{w: w}
	a.Shards = s
	w.run(noon.Add(3*time.Minute+time.Second), a)
	if want := []time.Duration{0, time.Minute, 2 * time.Minute, 3 * time.Minute}; !slices.Equal(s.at, want) {
		t.Errorf("asked at %s, want %s", s.at, want)
	}
	s.at, s.err = nil, store.ErrAway
	w.run(noon.Add(4*time.Minute+5*time.Second), a)
	if want := []time.Duration{4 * time.Minute, 4*time.Minute + awayAfter, 4*time.Minute + 2*awayAfter}; !slices.Equal(s.at, want) {
		t.Errorf("asked at %s while the store is away, want %s", s.at, want)
	}
}

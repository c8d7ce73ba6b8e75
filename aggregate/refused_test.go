package aggregate_test

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aggregator/aggregate"
	"aggregator/internal/testkit"
	"aggregator/lists"
	"aggregator/store/sqlite"
)

// rests is the text of a token that rests until a time of the day.
func rests(list, until string) string {
	return "Refused: " + list + " has refused this token three times in a row; it is tried again at " + until
}

// TestRefusedTokensRest posts with one token, and the list answers in turn.
func TestRefusedTokensRest(t *testing.T) {
	t.Parallel()
	const day = "2026-11-22T"
	type step struct {
		at     time.Duration // after 12:00:00
		answer string        // status of the list, or a fault
		want   string        // the status, or until when the token rests
	}
	again := func(n int, s step) (all []step) {
		for range n {
			all = append(all, s)
		}
		return all
	}
	three := again(3, step{answer: "401", want: "401"})
	for _, tt := range []struct {
		name  string
		steps []step
	}{
		{"two refusals", append(again(2, step{answer: "401", want: "401"}), step{answer: "200", want: "200"})},
		{"three refusals", append(three, step{want: day + "12:10:00Z"}, step{at: 10*time.Minute - time.Second, want: day + "12:10:00Z"}, step{at: 10 * time.Minute, answer: "200", want: "200"})},
		{"401 and 403 alike", []step{{answer: "401", want: "401"}, {answer: "403", want: "403"}, {answer: "401", want: "401"}, {want: day + "12:10:00Z"}}},
		{"longer and longer", append(three,
			step{at: 10 * time.Minute, answer: "401", want: "401"},
			step{at: 10 * time.Minute, want: day + "13:10:00Z"},
			step{at: 70 * time.Minute, answer: "403", want: "403"},
			step{at: 71 * time.Minute, want: day + "19:10:00Z"},
			step{at: 430 * time.Minute, answer: "401", want: "401"},
			step{at: 430 * time.Minute, want: "2026-11-23T19:10:00Z"},
			step{at: 1870 * time.Minute, answer: "401", want: "401"},
			step{at: 1870 * time.Minute, want: "2026-11-24T19:10:00Z"},
			step{at: 3310 * time.Minute, answer: "200", want: "200"},
			step{at: 3310 * time.Minute, answer: "401", want: "401"}, // a row of its own
			step{at: 3310 * time.Minute, answer: "401", want: "401"},
			step{at: 3310 * time.Minute, answer: "200", want: "200"})},
		{"an answer that looks beyond the token ends the row", []step{
			{answer: "401", want: "401"}, {answer: "401", want: "401"}, {answer: "422", want: "422"}, {answer: "401", want: "401"}, {answer: "401", want: "401"}, {answer: "200", want: "200"},
		}},
		{"what says nothing of the token does not", []step{
			{answer: "401", want: "401"}, {answer: "500", want: "500"}, {answer: "401", want: "401"}, {answer: "timeout", want: "-1"}, {answer: "401", want: "401"}, {want: day + "12:10:00Z"},
		}},
		{"404 is no refusal of a token", append(again(5, step{answer: "404", want: "404"}), step{answer: "200", want: "200"})},
		{"a row is forgotten after a week", append(again(2, step{answer: "401", want: "401"}),
			step{at: 7 * 24 * time.Hour, answer: "401", want: "401"}, step{at: 7 * 24 * time.Hour, answer: "200", want: "200"})},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, deskOptions{})
			start := d.Now()
			for i, s := range tt.steps {
				d.Advance(s.at - d.Now().Sub(start))
				d.answer = func(lists.Call) lists.Answer {
					var status int
					if _, err := fmt.Sscan(s.answer, &status); err != nil {
						return broken(lists.Fault(s.answer))
					}
					return lists.Answer{Status: status}
				}
				want := s.want
				if strings.HasPrefix(want, "2026") {
					want = rests("open.test", want)
				}
				if got := d.post(t, firstBot, "open.test=bad"); got != want {
					t.Fatalf("step %d, %s after the start: %s, want %s", i, d.Now().Sub(start), got, want)
				}
			}
		})
	}
}

// Whose token rests is nobody else's matter.
func TestRefusedTokensRestAlone(t *testing.T) {
	t.Parallel()
	d := newDesk(t, deskOptions{})
	d.says(refused)
	for range 3 {
		d.post(t, firstBot, "open.test=bad")
		d.read(t, firstBot, "keyed.test=bad")
		d.Advance(time.Minute)
	}
	d.says(ok)
	for _, tt := range []struct{ name, bot, pairs, want string }{
		{"the token", firstBot, "open.test=bad", rests("open.test", "2026-11-22T12:12:00Z")},
		{"the token with another bot", secondBot, "open.test=bad", rests("open.test", "2026-11-22T12:12:00Z")},
		{"another token of the bot", firstBot, "open.test=good", "200"},
		{"the token at another list", firstBot, "body.test=bad", "200"},
	} {
		if got := d.post(t, tt.bot, tt.pairs); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
	if _, skipped := d.read(t, secondBot, "keyed.test=bad"); !strings.Contains(skipped, "keyed.test: Refused: ") || strings.Contains(skipped, "open.test") {
		t.Errorf("a key that was refused three times: skipped %s", skipped)
	}
	r := countOf(firstBot, "open.test=bad")
	r.DryRun = true
	if a, err := d.Count(t.Context(), r, caller(1)); err != nil || len(a.Skipped) != 1 || a.Skipped[0].Why.Reason != lists.SkipRefused {
		t.Errorf("a dry run: %+v, %v; want the rest told", a.Skipped, err)
	}
}

func TestRestsAreKeptAndLogged(t *testing.T) {
	t.Parallel()
	var log testkit.Log
	name := filepath.Join(t.TempDir(), "store.db")
	use := func(posts int) (last string) {
		st, err := sqlite.Open(name, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		d := newDesk(t, deskOptions{store: st, now: time.Now, log: log.Logger()})
		d.says(refused)
		for range posts {
			last, _, _ = strings.Cut(d.post(t, firstBot, "open.test=bad-token"), ":")
		}
		return last
	}
	if got := use(2); got != "401" {
		t.Errorf("the second post: %s, want 401", got)
	}
	if got := use(1); got != "401" {
		t.Errorf("the third, after a restart: %s, want 401", got)
	}
	if got := use(1); got != "Refused" {
		t.Errorf("the fourth, after a restart: %s, want Refused", got)
	}
	all := log.Entries(t, "token rests, for the list refuses it")
	if len(all) != 1 || all[0]["level"] != slog.LevelWarn.String() || all[0]["list"] != "open.test" || all[0]["bot"] != firstBot || strings.Contains(log.String(), "bad-token") {
		t.Errorf("the log says\n%s", log.String())
	}
}

func TestRestAfter(t *testing.T) {
	t.Parallel()
	for refusals, want := range map[int]time.Duration{
		0: 0, 2: 0, 3: 10 * time.Minute, 4: time.Hour, 5: 6 * time.Hour, 6: 24 * time.Hour, 7: 24 * time.Hour, 1000: 24 * time.Hour,
	} {
		if got := aggregate.RestAfter(refusals); got != want {
			t.Errorf("after %d refusals: %s, want %s", refusals, got, want)
		}
	}
}

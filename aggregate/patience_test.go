package aggregate_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"aggregator/aggregate"
	"aggregator/lists"
)

// TestPostsExactlyAtTheInterval has bots that post exactly at a list's documented
// interval. Each post that goes out makes the next hold end later by as much as
// the list takes to answer.
func TestPostsExactlyAtTheInterval(t *testing.T) {
	t.Parallel()
	for list, interval := range map[string]time.Duration{"token.test": 15 * time.Minute, "bot.test": 6 * time.Hour} {
		for _, took := range []time.Duration{time.Millisecond, 90 * time.Millisecond, 300 * time.Millisecond} {
			t.Run(fmt.Sprint(list, " answers within ", took), func(t *testing.T) {
				t.Parallel()
				d := newDesk(t, deskOptions{})
				d.lasts = func(lists.Call) time.Duration { return took }
				const posts = 100
				start, lost := d.Now(), 0
				var last time.Time
				for i := range posts {
					d.Advance(start.Add(time.Duration(i) * interval).Sub(d.Now()))
					if d.post(t, firstBot, list+"=a") != "200" {
						lost++
						continue
					}
					if sent := d.ran; sent.Sub(last) < interval {
						t.Fatalf("post %d reaches the list %s after the one before, want %s at least", i, sent.Sub(last), interval)
					} else {
						last = sent
					}
				}
				if lost > posts/10 {
					t.Errorf("%d of %d posts were lost, want one in ten at most", lost, posts)
				}
			})
		}
	}
}

// A hold is counted from the answer of its own list, however long the others of
// the request take.
func TestHoldIsCountedFromItsListsAnswer(t *testing.T) {
	t.Parallel()
	d := newDesk(t, deskOptions{})
	d.lasts = func(c lists.Call) time.Duration {
		if c.List.ID == "bot.test" {
			return 2 * time.Second
		}
		return 9 * time.Second
	}
	d.answer = func(c lists.Call) lists.Answer {
		if c.List.ID == "pair.test" {
			return broken(lists.FaultTimeout)
		}
		return ok
	}
	d.post(t, firstBot, "bot.test=a token.test=a pair.test=a")
	d.post(t, firstBot, "pair.test=a") // the second of two
	if got, want := d.post(t, firstBot, "bot.test=a token.test=a"), until("18:00:02")+", "+until("12:15:09"); got != want {
		t.Errorf("answered after 2 s and 9 s: %s, want %s", got, want)
	}
	// The list may count what it has not answered when it comes to it.
	if got, want := d.post(t, firstBot, "pair.test=a"), until("12:04:19"); got != want {
		t.Errorf("not answered: %s, want %s", got, want)
	}
}

// Who waits for a hold takes no room and no window meanwhile.
func TestWhoWaitsTakesNothing(t *testing.T) {
	t.Parallel()
	d := newDesk(t, deskOptions{count: "1/120s"})
	d.post(t, firstBot, "token.test=a")
	d.Advance(15*time.Minute - time.Second)
	config := d.Config
	room := 0
	config.Admit = func(_ context.Context, from netip.Prefix, _ []lists.Call) (aggregate.Room, error) {
		room++
		return testRoom{config.Runner, from, nil, func() {}}, nil
	}
	a := aggregate.New(config)
	ctx, leave := context.WithCancel(t.Context())
	config.Holds.SetSleep(func(ctx context.Context, _ time.Duration) error {
		leave()
		return ctx.Err()
	})
	if _, err := a.Count(ctx, countOf(firstBot, "token.test=a"), caller(1)); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller that leaves while it waits: %v", err)
	}
	config.Holds.SetSleep(func(ctx context.Context, t time.Duration) error {
		if room > 0 {
			return errors.New("it has room")
		}
		return d.sleep(ctx, t)
	})
	got, err := a.Count(t.Context(), countOf(firstBot, "token.test=a"), caller(1))
	if err != nil || outcome(got) != "200" || got.Window == nil || room != 1 {
		t.Errorf("the next: %s, window %v, took room %d times, %v", outcome(got), got.Window, room, err)
	}
}

func TestDryRunDoesNotWait(t *testing.T) {
	t.Parallel()
	d := newDesk(t, deskOptions{})
	d.post(t, firstBot, "token.test=a")
	d.Advance(15*time.Minute - time.Second)
	r := countOf(firstBot, "token.test=a")
	r.DryRun = true
	a, err := d.Count(t.Context(), r, caller(1))
	if want := "token.test: " + until("12:15:00"); err != nil || skips(a.Skipped) != want || d.slept != 0 {
		t.Errorf("%s, %v, waited %s; want %s at once", skips(a.Skipped), err, d.slept, want)
	}
}

// What others take while a call waits is held from it like before.
func TestWhoWaitsMayStillBeHeld(t *testing.T) {
	t.Parallel()
	d := newDesk(t, deskOptions{})
	d.post(t, firstBot, "token.test=a")
	d.Advance(15*time.Minute - time.Second)
	d.Holds.SetSleep(func(ctx context.Context, t2 time.Duration) error {
		d.Holds.SetSleep(d.sleep)
		if err := d.sleep(ctx, t2); err != nil {
			return err
		}
		if got := d.post(t, firstBot, "token.test=a"); got != "200" {
			t.Errorf("another post: %s", got)
		}
		return nil
	})
	if got := d.post(t, firstBot, "token.test=a"); got != until("12:30:00") {
		t.Errorf("%s, want it held until 12:30", got)
	}
}

// Readings wait for holds that end soon, too.
func TestReadingsWait(t *testing.T) {
	t.Parallel()
	d := newDesk(t, deskOptions{})
	read := func(bot string) string {
		t.Helper()
		a, err := d.Bot(t.Context(), aggregate.BotRequest{BotID: bot, Tokens: named("keyed.test=k")}, aggregate.Caller{IP: netip.MustParseAddr("192.0.2.9")})
		if err != nil {
			t.Fatal(err)
		}
		return skips(a.Skipped)
	}
	if got := read(firstBot); got != "" {
		t.Fatal(got)
	}
	d.Advance(time.Minute - 2*time.Second)
	if got := read(secondBot); got != "" || d.slept != 2*time.Second {
		t.Errorf("skipped %q after waiting %s, want nothing after 2s", got, d.slept)
	}
}

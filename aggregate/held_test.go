package aggregate_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"aggregator/lists"
)

// held returns the holds, as "list kind until", in their order.
func (d *desk) held(t *testing.T) (all []string, ids []string) {
	t.Helper()
	holds, err := d.Holds.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range holds {
		if !regexp.MustCompile(`^[0-9a-f]{12}$`).MatchString(h.ID) {
			t.Errorf("id %q", h.ID)
		}
		all = append(all, fmt.Sprintf("%s %s %s", h.List, h.Kind, h.Until.UTC().Format("15:04:05")))
		ids = append(ids, h.ID)
	}
	return all, ids
}

func (d *desk) wantHeld(t *testing.T, want ...string) {
	t.Helper()
	if got, _ := d.held(t); strings.Join(got, ", ") != strings.Join(want, ", ") {
		t.Errorf("held: %s\nwant: %s", strings.Join(got, ", "), strings.Join(want, ", "))
	}
}

// TestHoldsAreListed has a hold of each kind. The clock begins at 12:00:00.
func TestHoldsAreListed(t *testing.T) {
	t.Parallel()
	d := newDesk(t, deskOptions{})
	d.wantHeld(t)
	d.post(t, firstBot, "open.test=a") // a list without limits
	d.post(t, firstBot, "address.test=a")
	d.post(t, firstBot, "pair.test=a")                                        // one of two
	const shares = "address.test share 12:01:00, address.test share 12:01:00" // of tokens that it is not known to accept, and of one network's
	d.wantHeld(t, shares)
	d.post(t, firstBot, "token.test=a")
	d.post(t, firstBot, "bot.test=a")
	d.wantHeld(t, shares, "token.test interval 12:15:00", "bot.test interval 18:00:00")
	d.Advance(10 * time.Second)
	d.post(t, firstBot, "pair.test=a")
	d.post(t, secondBot, "address.test=a")
	d.wantHeld(t, "address.test interval 12:01:00", shares, "pair.test interval 12:04:00", "token.test interval 12:15:00", "bot.test interval 18:00:00")
	d.Advance(4 * time.Minute)

	d.says(after(429, "300"))
	d.post(t, firstBot, "open.test=b")
	d.says(lists.Answer{Status: 410})
	d.post(t, secondBot, "bot.test=b")
	for range 3 {
		d.says(lists.Answer{Status: 401})
		d.post(t, secondBot, "open.test=c")
	}
	d.wantHeld(t, "open.test wait 12:09:10", "open.test refused 12:14:10", "token.test interval 12:15:00", "bot.test interval 18:00:00", "bot.test interval 18:04:10", "bot.test revoked 12:04:10")
}

// TestHoldsAreLifted lifts holds: the list is asked again.
func TestHoldsAreLifted(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		list   string
		answer lists.Answer
		times  int
		holds  int
	}{
		{"token.test", ok, 1, 1},
		{"bot.test", ok, 1, 1},
		{"pair.test", ok, 2, 1},
		{"address.test", ok, 2, 3},
		{"open.test", after(429, "300"), 1, 1},
		{"bot.test", lists.Answer{Status: 410}, 1, 2},
		{"open.test", lists.Answer{Status: 403}, 3, 1},
	} {
		t.Run(fmt.Sprint(tt.list, " ", tt.answer.Status), func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, deskOptions{})
			d.says(tt.answer)
			for range tt.times {
				d.post(t, firstBot, tt.list+"=a")
			}
			_, ids := d.held(t)
			if len(ids) != tt.holds {
				t.Fatalf("%d holds, want %d: %v", len(ids), tt.holds, ids)
			}
			before := d.post(t, firstBot, tt.list+"=a")
			for _, id := range ids {
				lifted, found, err := d.Holds.Lift(t.Context(), id)
				if err != nil || !found || lifted.List != tt.list || lifted.ID != id {
					t.Errorf("lifted %+v, %t, %v", lifted, found, err)
				}
			}
			d.wantHeld(t)
			d.says(ok)
			if got := d.post(t, firstBot, tt.list+"=a"); got == before || !strings.Contains(got, "200") {
				t.Errorf("before %q, and after %q", before, got)
			}
		})
	}
	d := newDesk(t, deskOptions{})
	if _, found, err := d.Holds.Lift(t.Context(), "0123456789ab"); found || err != nil {
		t.Errorf("one that is not there: %t, %v", found, err)
	}
}

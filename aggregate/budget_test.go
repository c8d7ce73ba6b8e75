package aggregate_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"aggregator/aggregate"
)

// budgetOf is a catalog of one list that limits our address to so many requests
// in a minute.
func budgetOf(requests int) string {
	return fmt.Sprintf(`
lists:
  address.test:
    name: Address
    url: "https://address.test/"
    api_post: "https://address.test/:id"
    api_field: n
    api_get: "https://address.test/:id"
    post: {limits: [{per: address, requests: %d, seconds: 60}]}
`, requests)
}

// readsAs has a caller read so many bots, and returns how many of them the list
// was asked about.
func (d *desk) readsAs(t *testing.T, n, from int) (asked int) {
	t.Helper()
	for range n {
		d.bots++
		a, err := d.Bot(t.Context(), aggregate.BotRequest{BotID: fmt.Sprint(300000000000000000 + d.bots)}, caller(from))
		if err != nil {
			t.Fatal(err)
		}
		asked += len(a.Lists)
	}
	return asked
}

// postsAs has a caller post with so many new tokens, and returns how many of the
// posts were sent.
func (d *desk) postsAs(t *testing.T, n, from int, prefix string) (sent int) {
	t.Helper()
	for i := range n {
		a, err := d.Count(t.Context(), countOf(firstBot, fmt.Sprintf("address.test=%s%d", prefix, i)), caller(from))
		if err != nil {
			t.Fatal(err)
		}
		sent += len(a.Results)
	}
	return sent
}

// TestAddressBudget has a list's budget for our address shared out. Each row is
// how many calls go through of more than enough.
func TestAddressBudget(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		requests                                             int // in the interval
		oneReads, allRead, oneNew, allNew, knownAfterReading int
	}{
		// Whoever does one thing leaves the rest to tokens that are known.
		{requests: 1, oneReads: 1, allRead: 1, oneNew: 1, allNew: 1, knownAfterReading: 0},
		{requests: 2, oneReads: 1, allRead: 1, oneNew: 1, allNew: 1, knownAfterReading: 1},
		{requests: 12, oneReads: 1, allRead: 3, oneNew: 1, allNew: 6, knownAfterReading: 9},
		{requests: 60, oneReads: 3, allRead: 15, oneNew: 7, allNew: 30, knownAfterReading: 45},
		{requests: 64, oneReads: 4, allRead: 16, oneNew: 8, allNew: 32, knownAfterReading: 48},
	} {
		t.Run(fmt.Sprint(tt.requests, " a minute"), func(t *testing.T) {
			t.Parallel()
			open := func() *desk { return newDesk(t, deskOptions{onListed: budgetOf(tt.requests)}) }
			many := 2*tt.requests + 2
			want := func(what string, got, want int) {
				t.Helper()
				if got != want {
					t.Errorf("%s: %d calls, want %d", what, got, want)
				}
			}
			d := open()
			want("readings of one network", d.readsAs(t, many, 1), tt.oneReads)
			for from := range many {
				d.readsAs(t, 1, 2+from%200)
			}
			want("readings of all networks", d.readsAs(t, many, 250), 0)
			for i := range many {
				d.know(t, fmt.Sprint("address.test=known", i))
			}
			want("posts with known tokens after that", d.postsAs(t, many, 1, "known"), tt.knownAfterReading)

			d = open()
			read := 0
			for from := range many {
				read += d.readsAs(t, 1, from%250)
			}
			want("readings of many networks", read, tt.allRead)

			d = open()
			d.says(refused)
			want("posts of one network with tokens that are not known", d.postsAs(t, many, 1, "a"), tt.oneNew)
			d = open()
			d.says(refused)
			sent := 0
			for from := range many {
				sent += d.postsAs(t, 1, from%250, fmt.Sprint("b", from))
			}
			want("posts of many networks with tokens that are not known", sent, tt.allNew)
			d.says(ok)
			for i := range many {
				d.know(t, fmt.Sprint("address.test=known", i))
			}
			want("posts with known tokens after that", d.postsAs(t, many, 1, "known"), tt.requests-tt.allNew)
		})
	}
}

// A token is known from the list's answer on, for 90 days after the last one.
func TestKnownTokens(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	d := newDesk(t, deskOptions{onListed: budgetOf(12)})
	sent := func(what, token, want string) {
		t.Helper()
		if got, _, _ := strings.Cut(d.post(t, firstBot, "address.test="+token), ":"); got != want {
			t.Errorf("%s: %s, want %s", what, got, want)
		}
	}
	sent("a new token", "a", "200")
	sent("a second new token of the network", "b", "Paced")
	for range 8 {
		sent("a token that was just accepted", "a", "200")
	}
	d.Advance(time.Hour)
	d.says(refused)
	sent("a token that is refused", "b", "401")
	sent("the same", "b", "Paced")
	d.says(ok)
	for range 3 { // nothing but a post within the time keeps it known
		d.Advance(60 * day)
		sent("another token takes the network's part", fmt.Sprint("c", d.Now().Unix()), "200")
		sent("a token that was accepted 60 days ago", "a", "200")
	}
	d.Advance(91 * day)
	sent("another token takes the network's part", "d", "200")
	sent("a token that was accepted 91 days ago", "a", "Paced")
}

// A limit for readings alone keeps nothing back for posts.
func TestLimitsOnReadingAloneAreNoBudget(t *testing.T) {
	t.Parallel()
	d := newDesk(t, deskOptions{onListed: `
lists:
  address.test:
    name: Address
    url: "https://address.test/"
    api_post: "https://address.test/:id"
    api_field: n
    api_get: "https://address.test/:id"
    get: {limits: [{per: address, requests: 8, seconds: 60}]}
`})
	if got := d.readsAs(t, 10, 1); got != 8 {
		t.Errorf("%d readings of one network went through, want all 8", got)
	}
	if got := d.postsAs(t, 10, 1, "a"); got != 10 {
		t.Errorf("%d posts went through, want 10", got)
	}
}

package agent

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"aggregator/aggregate"
	"aggregator/lists"
)

// monthLimits are the limits of the lists in a month, as the lists themselves see
// to them.
var monthLimits = map[string]struct {
	per      string
	interval time.Duration
}{
	"token.example":   {"token", 6 * time.Hour},
	"address.example": {"address", time.Minute},
}

// month is a simulated month of many bots. Lists hold the agent to their limits
// themselves.
type month struct {
	*world
	rand     *rand.Rand
	last     map[string]time.Time // accepted, by list and whom it limits
	accepted map[string]int       // by list and bot
	refusals map[string][]time.Time
	down     map[string]time.Time // lists that do not answer, until then
	refused  map[string]bool      // bots whose token plain.example refuses
	revoked  map[string]int       // bots whose token token.example has revoked: 1, and one for each use since
	zeros    int                  // that Discord will read
}

const monthLong = 30 * 24 * time.Hour

func newMonth(t *testing.T, seed uint64) *month {
	m := &month{
		rand: rand.New(rand.NewPCG(seed, seed)), last: map[string]time.Time{}, accepted: map[string]int{}, refusals: map[string][]time.Time{},
		down: map[string]time.Time{}, refused: map[string]bool{}, revoked: map[string]int{},
	}
	var yaml strings.Builder
	yaml.WriteString("bots:\n")
	for i := range monthBots {
		tokens := fmt.Sprintf("plain.example: p%d, other.example: o%d, token.example: t%d", i, i, i)
		if i%5 == 0 {
			tokens += fmt.Sprintf(", address.example: a%d", i)
		}
		every := "24h"
		switch { // some in a hurry
		case i < 10:
			every = "1h"
		case i%10 == 0:
			every = "12h"
		}
		fmt.Fprintf(&yaml, "  \"%d\": {tokens: {%s}, posts: {every: %s, discord_token: d%d}, notify: \"https://me.example/%d\"}\n", 123456789012345000+i, tokens, every, i, i)
	}
	m.world = newWorld(t, yaml.String())
	for _, id := range []string{"plain.example", "other.example", "token.example", "address.example"} {
		m.answers[id] = func(bot string) lists.Answer { return m.list(id, bot) }
	}
	return m
}

// list answers a post as a list does that has limits, may be down, and refuses or
// revokes some tokens.
func (m *month) list(id, bot string) lists.Answer {
	key, now := id+" "+bot, m.now
	if now.Before(m.down[id]) {
		return lists.Answer{Status: lists.NoAnswer, Fault: lists.FaultTimeout, Reason: "Timeout after 10s"}
	}
	if l, ok := monthLimits[id]; ok {
		whom := key
		if l.per == "address" {
			whom = id
		}
		if last, some := m.last[whom]; some && now.Sub(last) < l.interval {
			m.t.Errorf("%s got a post of %s %s after the last, want at least %s", id, bot, now.Sub(last), l.interval)
		}
		m.last[whom] = now
	}
	switch {
	case id == "token.example" && m.revoked[bot] > 0:
		if m.revoked[bot]++; m.revoked[bot] > 2 {
			m.t.Errorf("the revoked token of %s is used on", bot)
		}
		return lists.Answer{Status: http.StatusGone}
	case id == "plain.example" && m.refused[bot]:
		m.refusals[bot] = append(m.refusals[bot], now)
		return lists.Answer{Status: http.StatusUnauthorized}
	}
	if m.accepted[key]++; id == "plain.example" && len(m.refusals[bot]) < 2 { // not in a row
		delete(m.refusals, bot)
	}
	return lists.Answer{Status: http.StatusOK}
}

// TestMonth lets bots, a thousand where it can, post for a simulated month of restarts, lists
// that go down, tokens that are refused and revoked, and a Discord that reads 0.
func TestMonth(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a while")
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	m := newMonth(t, seed)
	a := m.monthAgent()
	restarts := 0
	for m.Now().Before(noon.Add(monthLong)) {
		m.trouble()
		m.run(m.Now().Add(time.Duration(1+m.rand.IntN(12*60))*time.Minute), a)
		if m.rand.IntN(3) == 0 { // killed: what it knew beside the store is gone
			a = m.monthAgent()
			restarts++
		}
	}
	t.Logf("%d restarts, %d posts, %d notices", restarts, len(m.posts), len(m.letters))
	m.checkPosts()
	m.checkNotices()
}

// monthAgent returns an agent whose Discord knows each bot by its token, and reads
// 0 now and then.
func (m *month) monthAgent() *Agent {
	a := m.agent()
	send := a.Exchange
	a.Exchange = func(ctx context.Context, op lists.Op, r lists.Request) lists.Answer {
		token, ok := strings.CutPrefix(r.Header[0].Value, "Bot d")
		if !ok {
			return send(ctx, op, r)
		}
		n := 100
		if m.zeros > 0 {
			m.zeros--
			n = 0
		}
		body := fmt.Appendf(nil, `{"id": "%d", "approximate_guild_count": %d}`, 123456789012345000+number(token), n)
		return lists.Answer{Status: http.StatusOK, Body: body}
	}
	return a
}

// trouble makes something go wrong, or well again.
func (m *month) trouble() {
	bot := fmt.Sprint(123456789012345000 + m.rand.IntN(monthBots))
	switch m.rand.IntN(5) {
	case 0:
		m.refused[bot] = true
	case 1:
		for b := range m.refused {
			if m.rand.IntN(2) == 0 {
				delete(m.refused, b)
			}
		}
	case 2:
		m.down[[]string{"plain.example", "other.example"}[m.rand.IntN(2)]] = m.now.Add(time.Duration(m.rand.IntN(300)) * time.Minute)
	case 3:
		m.revoked[bot] = max(1, m.revoked[bot])
	case 4:
		if m.now.Sub(noon) > 48*time.Hour { // a first 0 is believed
			m.zeros = m.rand.IntN(2)
		}
	}
}

// checkPosts holds what lists got against what they and the intervals allow.
func (m *month) checkPosts() {
	for _, b := range m.bots.Current().All() {
		for _, list := range []string{"other.example", "address.example"} {
			got, want := m.accepted[list+" "+b.ID], int(monthLong/b.Posts.Every)*8/10
			named := slices.ContainsFunc(b.Tokens, func(t aggregate.NamedToken) bool { return t.ID == list })
			if named && got < want {
				m.t.Errorf("%s accepted %d posts of %s, which posts each %s; want at least %d", list, got, b.ID, b.Posts.Every, want)
			}
		}
		if got, want := m.accepted["token.example "+b.ID], int(monthLong/max(b.Posts.Every, 6*time.Hour))*8/10; m.revoked[b.ID] == 0 && got < want {
			m.t.Errorf("token.example accepted %d posts of %s, which posts each %s; want at least %d", got, b.ID, b.Posts.Every, want)
		}
	}
	for _, p := range m.posts {
		if p.sent == `{"n":0}` {
			m.t.Errorf("%s was posted 0 for %s at %s", p.list, p.bot, p.at)
			return
		}
	}
}

// checkNotices holds what was said against what went wrong.
func (m *month) checkNotices() {
	open := map[string]bool{}
	saidAt := map[string][]time.Time{}
	for _, l := range m.letters {
		bot := l.body[strings.Index(l.body, `"bot_id":"`)+10:][:18]
		problems, solved, _ := strings.Cut(l.body, `"solved":`)
		for _, what := range []string{tokenRefused, tokenRevoked, notAccepted, sourceFailing} {
			for _, list := range []string{`"plain.example"`, `"other.example"`, `"token.example"`, `"address.example"`, "null"} {
				mark := `"what":"` + what + `","list":` + list
				key := bot + what + list
				if strings.Contains(problems, mark) {
					if open[key] {
						m.t.Errorf("%s of %s at %s is said twice", what, bot, list)
					}
					open[key] = true
					saidAt[key] = append(saidAt[key], l.at)
				}
				if strings.Contains(solved, mark) {
					if !open[key] {
						m.t.Errorf("%s of %s at %s is said to be well again, and was never said", what, bot, list)
					}
					open[key] = false
				}
			}
		}
	}
	for bot, times := range m.refusals {
		key := bot + tokenRefused + `"plain.example"`
		switch {
		case len(times) < 2 || times[1].After(noon.Add(monthLong-time.Hour)):
		case len(saidAt[key]) == 0:
			m.t.Errorf("the token of %s was refused at %v, and that was never said", bot, times)
		case saidAt[key][0].Sub(times[1]) > time.Hour:
			m.t.Errorf("the token of %s was refused for the second time at %s, and that was said at %s", bot, times[1], saidAt[key][0])
		}
	}
}

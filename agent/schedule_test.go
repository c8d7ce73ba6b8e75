package agent

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"aggregator/lists"
)

// botOf loads a bot whose settings are described by a YAML text.
func botOf(t testing.TB, fields string) *Bot {
	t.Helper()
	return mustLoadBots(t, "bots: {\""+testBot+"\": "+fields+"}\n").Bot(testBot)
}

const pushing = `{tokens: {list.example: a, other.example: b}, posts: {count: push, every: 30m}}`

func TestTicks(t *testing.T) {
	for _, every := range []time.Duration{time.Minute, 30 * time.Minute, 7 * time.Hour, 24 * time.Hour} {
		first := nextTick(testBot, every, noon)
		if !first.After(noon) || first.Sub(noon) > every {
			t.Errorf("every %s: next tick %s, want within the interval after %s", every, first, noon)
		}
		if got := nextTick(testBot, every, first); got != first.Add(every) {
			t.Errorf("every %s: tick after %s is %s, want %s", every, first, got, first.Add(every))
		}
		if got := tickFrom(testBot, every, first); got != first {
			t.Errorf("every %s: tick from %s is %s, want the same", every, first, got)
		}
		if got := nextTick(testBot, every, noon.Add(-10000*every)); got != first.Add(-10000*every) {
			t.Errorf("every %s: long before it is %s, want the same offset", every, got)
		}
	}
}

// A thousand bots, whose ids follow each other, do not post at once.
func TestTicksAreSpread(t *testing.T) {
	const bots, every = 1000, 30 * time.Minute
	var perMinute [30]int
	for i := range bots {
		tick := nextTick(fmt.Sprint(123456789012345000+i), every, noon)
		perMinute[tick.Sub(noon)/time.Minute%30]++
	}
	if fewest, most := slices.Min(perMinute[:]), slices.Max(perMinute[:]); fewest < bots/30/3 || most > bots/30*3 {
		t.Errorf("ticks in each minute %v, want about %d", perMinute, bots/30)
	}
}

func TestFirstSight(t *testing.T) {
	b := botOf(t, pushing)
	r := &record{}
	if !r.see(b, "source", noon) {
		t.Error("the first sight changed nothing")
	}
	due := r.dueAt(b)
	if due.Before(noon) || due.Sub(noon) >= time.Minute {
		t.Errorf("due at %s, want within a minute of %s", due, noon)
	}
	for _, later := range []time.Duration{time.Second, time.Hour, 40 * 24 * time.Hour} { // restarts change nothing
		if changed := r.see(b, "source", noon.Add(later)); changed || r.dueAt(b) != due {
			t.Errorf("after %s: changed %t, due at %s, want %s", later, changed, r.dueAt(b), due)
		}
	}
	if w := r.begin(b, due.Add(-1)); !w.isZero() {
		t.Errorf("before it is due: %+v, want nothing", w)
	}
	// After forty days one count, and the next at the bot's own offset.
	now := noon.Add(40 * 24 * time.Hour)
	if w := r.begin(b, now); !w.ask {
		t.Errorf("when it is due: %+v, want a question", w)
	}
	if want := nextTick(testBot, 30*time.Minute, now); r.dueAt(b) != want {
		t.Errorf("then due at %s, want the next tick %s", r.dueAt(b), want)
	}
	if w := r.begin(b, now); !w.isZero() {
		t.Errorf("once more at once: %+v, want nothing", w)
	}
}

func TestIntervalThatChanges(t *testing.T) {
	slow, quick := botOf(t, `{posts: {count: push, every: 24h}}`), botOf(t, `{posts: {count: push, every: 5m}}`)
	r := &record{}
	r.see(slow, "s", noon)
	r.begin(slow, noon.Add(time.Minute))
	slowTick := r.dueAt(slow)
	if want := nextTick(testBot, 24*time.Hour, noon.Add(time.Minute)); slowTick != want {
		t.Fatalf("due at %s, want %s", slowTick, want)
	}
	now := noon.Add(2 * time.Minute)
	if changed := r.see(quick, "s", now); !changed || r.dueAt(quick) != nextTick(testBot, 5*time.Minute, now) {
		t.Errorf("a shorter interval: due at %s, want the next tick of it", r.dueAt(quick))
	}
	due := r.dueAt(quick)
	if r.see(slow, "s", now); r.dueAt(slow) != due {
		t.Errorf("a longer interval: due at %s, want what was due before, %s", r.dueAt(slow), due)
	}
	// The clock is set back by a year.
	back := now.Add(-365 * 24 * time.Hour)
	r.list("list.example").NextAt = now
	if r.see(quick, "s", back); r.dueAt(quick).Sub(back) > 5*time.Minute || r.Lists["list.example"].NextAt != back {
		t.Errorf("the clock is set back to %s: due at %s", back, r.dueAt(quick))
	}
}

// told is a source's answers in short: a number, "fail", "refuse" or "429".
func told(s string) reading {
	switch s {
	case "fail":
		return failed("it failed")
	case "refuse":
		return reading{fault: faultRefused, text: "refused"}
	case "429":
		return reading{fault: faultLimited, text: "limited", until: noon.Add(90 * time.Minute)}
	}
	return reading{count: lists.Count{BotID: testBot, ServerCount: int64(number(s))}}
}

// number reads a number that a test writes as text.
func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		panic(err)
	}
	return n
}

// TestSources plays what sources say, and looks at when they are asked again.
func TestSources(t *testing.T) {
	const discord = `{posts: {discord_token: a, every: 30m}}`
	for _, tt := range []struct {
		name, bot string
		says      string // one word for each question, asked at noon and then when due
		want      string // when each was asked, in minutes after noon, "t" for a tick; "!" where the count is posted
	}{
		{"counts", pushing, "5 6 0 0", "0! t! t! t!"},
		{"failures", pushing, "fail fail fail fail fail fail fail 5 6", "0 1 3 7 15 31 61 91! t!"},
		{"failures of a bot that posts each 2 minutes", `{posts: {count: push, every: 2m}}`, "fail fail fail fail 5", "0 1 3 5 7!"},
		{"a failure after success begins anew", pushing, "fail fail 5 fail fail 5", "0 1 3! t t+1 t+3!"},
		{"Discord: a 0 after a count is believed the third time", discord, "5 0 0 0 0", "0! t t+1 t+2! t!"},
		{"Discord: a first 0 is believed", discord, "0 0", "0! t!"},
		{"Discord: a 0 that passes", discord, "5 0 6 0 0 7", "0! t t+1! t t+1 t+2!"},
		{"Discord: a failure between zeros", discord, "5 0 fail 0 0", "0! t t+1 t+2 t+3!"},
		{"a URL's 0 is a 0", `{posts: {count: {url: "http://a/", server_count: a}}}`, "5 0 5", "0! t! t!"},
		{"refusals are asked again at ticks, and rest after three", discord, "refuse refuse refuse refuse refuse 5 6", "0 t t t t+60 t+360! t!"},
		{"429 is heeded", discord, "429 5 6", "0 90! t!"},
		{"429 does not shorten the steps", discord, "fail fail fail fail 429 5", "0 1 3 7 15 90!"},
	} {
		b := botOf(t, tt.bot)
		r := &record{}
		r.see(b, "s", noon.Add(-time.Hour))
		r.TickAt = noon
		var got []string
		lastTick := noon
		for word := range strings.FieldsSeq(tt.says) {
			now := r.asksAt()
			if w := r.begin(b, now); !w.ask {
				t.Fatalf("%s: nothing is asked at %s", tt.name, now)
			}
			tick := tickFrom(testBot, b.Posts.Every, now)
			var at string
			switch minutes := now.Sub(noon) / time.Minute; {
			case now == noon:
				at = "0"
			case tick == now:
				if at = "t"; now.Sub(lastTick) > b.Posts.Every && lastTick != noon {
					at = fmt.Sprintf("t+%d", now.Sub(lastTick)/time.Minute)
				}
				lastTick = now
			case now.Sub(noon)%time.Minute == 0:
				at = fmt.Sprint(int64(minutes))
			default:
				at = fmt.Sprintf("t+%d", now.Sub(lastTick)/time.Minute)
			}
			if r.learn(b, told(word), now) {
				at += "!"
			}
			got = append(got, at)
		}
		if s := strings.Join(got, " "); s != tt.want {
			t.Errorf("%s:\nasked %s\nwant  %s", tt.name, s, tt.want)
		}
	}
}

func TestSourceThatChanges(t *testing.T) {
	b := botOf(t, `{posts: {discord_token: a, every: 30m}}`)
	r := &record{}
	r.see(b, "old", noon)
	for range 5 {
		now := r.asksAt()
		r.begin(b, now)
		r.learn(b, told("refuse"), now)
	}
	now := r.AskedAt.Add(time.Minute)
	if r.dueAt(b).Sub(now) < 4*time.Hour {
		t.Fatalf("due at %s: a token refused five times does not rest", r.dueAt(b))
	}
	if changed := r.see(b, "new", now); !changed || r.Source.Failed != 0 || r.dueAt(b) != nextTick(testBot, 30*time.Minute, now) {
		t.Errorf("another token: changed %t, %d failures, due at %s; want none, and the next tick", changed, r.Source.Failed, r.dueAt(b))
	}
}

func TestTooLittle(t *testing.T) {
	discord, url := botOf(t, `{posts: {discord_token: a}}`), botOf(t, pushing)
	for _, tt := range []struct {
		bot       *Bot
		last, now string
		want      bool
	}{
		{discord, "100", "49", true}, {discord, "100", "50", false}, {discord, "100", "0", false}, {discord, "100", "fail", false},
		{discord, "", "1", false}, {url, "100", "1", false},
	} {
		r := &record{}
		if tt.last != "" {
			r.Count = &countRecord{NewPushed(told(tt.last).count, noon), "x"}
		}
		if got := r.isTooLittle(tt.bot, told(tt.now)); got != tt.want {
			t.Errorf("%s after %s of %s: too little %t, want %t", tt.now, tt.last, tt.bot.Posts.Source.Name(), got, tt.want)
		}
	}
}

// answer is a list's answer in short: a status, "revoked" or "-" for none.
func answer(s string) lists.Verdict {
	switch s {
	case "revoked":
		return lists.Verdict{Status: 410, Revoked: true, Text: "gone"}
	case "-":
		return lists.Verdict{Status: lists.NoAnswer, Text: "Connection refused"}
	}
	v := lists.Verdict{Status: number(s), Text: "said " + s}
	v.OK = v.Status/100 == 2
	return v
}

// TestLists plays what a list says to posts, at ticks each half hour and when it
// is due beside them.
func TestLists(t *testing.T) {
	for _, tt := range []struct {
		name string
		says string // "paced:MINUTES" where it is held back
		want string // when each was said, in minutes after noon
	}{
		{"accepted", "200 200 200", "0 30 60"},
		{"a failure is tried once more", "500 500 500 200 500 200", "0 5 30 60 90 95"},
		{"no answer too", "- 200 200", "0 5 30"},
		{"and a refusal of what was sent", "400 200 200", "0 5 30"},
		{"a refused token is tried at ticks, and rests after three", "401 403 401 401 401 401 401", "0 30 60 90 150 510 1950"},
		{"a failure does not end the row", "401 500 401 401 401", "0 30 35 60 90"},
		{"what looks beyond the token does", "401 401 400 401 401 401", "0 30 60 65 90 120"},
		{"a hold that ends between ticks", "200 paced:42 200 200", "0 30 42 60"},
		{"a hold over several ticks", "200 paced:100 paced:100 paced:100 200 200", "0 30 60 90 100 120"},
		{"revoked", "revoked", "0"},
	} {
		l := &listRecord{}
		var got []string
		tick, says := noon, strings.Fields(tt.says)
		for step := 0; len(says) > 0 && step < 100; step++ {
			now := tick
			if !l.NextAt.IsZero() && l.NextAt.Before(tick) {
				now = l.NextAt
			} else {
				tick = tick.Add(30 * time.Minute)
			}
			if l.wake(now); !l.isOpen() {
				continue
			}
			got = append(got, fmt.Sprint(int(now.Sub(noon)/time.Minute)))
			if minutes, ok := strings.CutPrefix(says[0], "paced:"); ok {
				l.heldBack(lists.Skip{Reason: lists.SkipPaced, Until: noon.Add(time.Duration(number(minutes)) * time.Minute)}, now)
			} else {
				l.posted(answer(says[0]), 5, now, tick)
			}
			says = says[1:]
		}
		if s := strings.Join(got, " "); s != tt.want {
			t.Errorf("%s:\nposted %s\nwant   %s", tt.name, s, tt.want)
		}
	}
}

func TestListsThatAreDue(t *testing.T) {
	b := botOf(t, pushing)
	r := &record{}
	r.see(b, "s", noon)
	r.begin(b, noon.Add(time.Minute))
	r.learn(b, told("5"), noon.Add(time.Minute))
	r.Pushed = &Pushed{ServerCount: 5, At: noon}
	tick := r.dueAt(b)
	l, o := r.list("list.example"), r.list("other.example")
	l.heldBack(lists.Skip{Reason: lists.SkipPaced, Until: noon.Add(2 * time.Minute)}, noon)
	o.heldBack(lists.Skip{Reason: lists.SkipPaced, Until: noon.Add(3 * time.Minute)}, noon)
	if got, want := r.dueAt(b), noon.Add(2*time.Minute); got != want {
		t.Errorf("due at %s, want the end of the first hold, %s", got, want)
	}
	if w := r.begin(b, noon.Add(2*time.Minute)); w.ask || !slices.Equal(w.lists, []string{"list.example"}) {
		t.Errorf("work %+v, want a post to the list whose hold has ended", w)
	}
	if got, want := r.dueAt(b), noon.Add(3*time.Minute); got != want {
		t.Errorf("then due at %s, want the end of the next hold, %s", got, want)
	}
	// While the source fails nothing is posted.
	r.TickAt = noon.Add(3 * time.Minute)
	r.begin(b, r.TickAt)
	r.learn(b, told("fail"), noon.Add(3*time.Minute))
	if got, want := r.dueAt(b), noon.Add(4*time.Minute); got != want {
		t.Errorf("due at %s, want the next question, %s", got, want)
	}
	// A revoked token, one that rests, and one that waits for its turn are not due.
	r.Source.Failed = 0
	r.Source.RetryAt = time.Time{}
	l.Revoked, o.Turn, r.TickAt = true, true, tick
	l.NextAt, o.NextAt = noon, noon
	if got := r.dueAt(b); got != tick {
		t.Errorf("due at %s, want the tick at %s", got, tick)
	}
}

func TestTokenThatChanges(t *testing.T) {
	l := &listRecord{}
	l.see("old")
	for range 3 {
		l.posted(answer("401"), 5, noon, noon.Add(time.Hour))
	}
	if l.isOpen() || l.see("old") || l.isOpen() {
		t.Error("a token refused three times does not rest")
	}
	if !l.see("new") || !l.isOpen() || l.Refused != 0 {
		t.Error("another token rests too")
	}
	l.posted(answer("revoked"), 5, noon, noon.Add(time.Hour))
	if l.isOpen() || l.Last.Status != 410 {
		t.Errorf("a revoked token is used on, or the last post is forgotten: %+v", l)
	}
	if l.see("third"); !l.isOpen() {
		t.Error("another token than a revoked one is not used")
	}
}

// A token that rests for everybody rests for the agent too.
func TestTokenThatRestsElsewhere(t *testing.T) {
	l := &listRecord{}
	l.heldBack(lists.Skip{Reason: lists.SkipRefused, Until: noon.Add(time.Hour)}, noon)
	if l.isOpen() || l.state() != StateResting {
		t.Errorf("state %s, want resting", l.state())
	}
	if l.wake(noon.Add(time.Hour)); !l.isOpen() {
		t.Error("the rest does not end")
	}
}

func TestRecordSurvivesTheStore(t *testing.T) {
	two := int64(2)
	r := &record{
		AskedAt: noon, TickAt: noon.Add(time.Hour), Source: sourceRecord{Of: "x", Failed: 2, Since: noon, Error: "e", Refused: 1, Zeros: 1, RetryAt: noon, NotBefore: noon},
		Count:  &countRecord{Pushed{ServerCount: 5, ShardCount: &two, Shards: []int64{2, 3}, At: noon}, "push"},
		Pushed: &Pushed{ServerCount: 6, UserCount: &two, At: noon},
	}
	r.list("list.example").posted(answer("401"), 5, noon, noon.Add(time.Hour))
	r.list("other.example").heldBack(lists.Skip{Reason: lists.SkipDefunct}, noon)
	r.News.raise(problem{What: tokenRefused, List: "list.example", Since: noon, Text: "t"}, noon)
	got, err := decodeRecord(r.encode())
	if err != nil {
		t.Fatal(err)
	}
	if string(got.encode()) != string(r.encode()) {
		t.Errorf("got  %s\nwant %s", got.encode(), r.encode())
	}
	if empty, err := decodeRecord(nil); err != nil || string(empty.encode()) != "{}" {
		t.Errorf("nothing is read as %s, error %v", empty.encode(), err)
	}
	if _, err := decodeRecord([]byte("{")); err == nil {
		t.Error("garbage is read as a record")
	}
}

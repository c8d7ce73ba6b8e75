package agent

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"aggregator/lists"
)

// TestNews plays what happens to a bot, and looks at what is said when.
func TestNews(t *testing.T) {
	for _, tt := range []struct {
		name   string
		events string // "SECONDS:+a" where a goes wrong, "SECONDS:-a" where it is well again
		want   string // messages with their seconds
	}{
		{"nothing", "", ""},
		{"one problem is said once", "0:+a 70:+a 700:+a", "60:+a"},
		{"and when it is well again", "0:+a 1000:-a", "60:+a 1060:-a"},
		{"what happens within a minute is one message", "0:+a 59:+b 60:+c", "60:+a+b+c"},
		{"later news wait for the pause and merge", "0:+a 100:+b 300:+c 400:-a", "60:+a 660:-a+b+c"},
		{"what is solved before it was said is not said", "0:+a 30:-a", ""},
		{"nor in the pause", "0:+a 100:+b 500:-b", "60:+a"},
		{"what comes back before that it was well again was said", "0:+a 100:-a 500:+a", "60:+a"},
		{"but its next end is said", "0:+a 100:-a 500:+a 2000:-a", "60:+a 2060:-a"},
		{"what comes back after is said again", "0:+a 1000:-a 2000:+a", "60:+a 1060:-a 2060:+a"},
		{"well again that never was wrong", "0:-a", ""},
	} {
		b, n := &Bot{ID: testBot}, &news{}
		var got []string
		events := strings.Fields(tt.events)
		for second := range 4000 {
			now := noon.Add(time.Duration(second) * time.Second)
			for len(events) > 0 && strings.HasPrefix(events[0], fmt.Sprint(second)+":") {
				_, event, _ := strings.Cut(events[0], ":")
				if what := event[1:]; event[0] == '+' {
					n.raise(problem{What: what, Since: now, Text: what}, now)
				} else {
					n.solve(what, "", what, now)
				}
				events = events[1:]
			}
			due := n.dueAt(10 * time.Minute)
			if due.IsZero() || due.After(now) {
				continue
			}
			if !n.maySay(10*time.Minute, now) {
				t.Fatalf("%s: due at %s, and may not be said", tt.name, due)
			}
			message := fmt.Sprint(second) + ":"
			for _, p := range n.say(b, now).problems {
				message += map[bool]string{false: "+", true: "-"}[p.Solved] + p.What
			}
			got = append(got, message)
		}
		if s := strings.Join(got, " "); s != tt.want {
			t.Errorf("%s:\nsaid %q\nwant %q", tt.name, s, tt.want)
		}
	}
}

// A message that did not go out is taken back, whatever has happened meanwhile.
func TestUnsay(t *testing.T) {
	const solved = true
	wrong := func(n *news, at time.Time) { n.raise(problem{What: "a", Since: at, Text: "a"}, at) }
	well := func(n *news, at time.Time) { n.solve("a", "", "a", at) }
	for _, tt := range []struct {
		name           string
		before         []func(*news, time.Time) // until the message, which says the last of it
		said           bool                     // what comes before the last was said
		meanwhile      []func(*news, time.Time)
		want, afterAll string // problems and what is to be said, after taking back; after dropping
	}{
		{"as it was", fns(wrong), false, nil, "wrong, to say", "wrong"},
		{"solved meanwhile", fns(wrong), false, fns(well), "", ""},
		{"solved and back meanwhile", fns(wrong), false, fns(well, wrong), "wrong, to say", "wrong"},
		{"well again", fns(wrong, well), true, nil, "well, to say", ""},
		{"well again, and back meanwhile", fns(wrong, well), true, fns(wrong), "wrong, said", "wrong, to say"},
		{"well again, back and away meanwhile", fns(wrong, well), true, fns(wrong, well), "well, to say", ""},
	} {
		for _, drop := range []bool{false, true} {
			n, now := &news{}, noon
			for i, f := range tt.before {
				if tt.said && i == len(tt.before)-1 {
					n.say(&Bot{}, now)
				}
				now = now.Add(time.Hour)
				f(n, now)
			}
			saidAt := n.SaidAt
			now = now.Add(time.Hour)
			s := n.say(&Bot{}, now)
			for _, f := range tt.meanwhile {
				now = now.Add(time.Second)
				f(n, now)
			}
			want := tt.want
			if drop {
				n.drop(s)
				want = tt.afterAll
			} else {
				n.unsay(s)
				if n.SaidAt != saidAt {
					t.Errorf("%s: said at %s, want as before, %s", tt.name, n.SaidAt, saidAt)
				}
			}
			var got []string
			for _, p := range n.Problems {
				got = append(got, map[bool]string{false: "wrong", solved: "well"}[p.Solved])
				if p.Said && !p.Solved {
					got = append(got, "said")
				}
				if !p.NewAt.IsZero() {
					got = append(got, "to say")
				}
			}
			if s := strings.Join(got, ", "); s != want {
				t.Errorf("%s, dropped %t: got %q, want %q", tt.name, drop, s, want)
			}
		}
	}
}

func fns(f ...func(*news, time.Time)) []func(*news, time.Time) { return f }

// TestReview looks at what counts as wrong, and as well again.
func TestReview(t *testing.T) {
	b := botOf(t, `{tokens: {list.example: a}, posts: {count: push, every: 30m}}`)
	for _, tt := range []struct {
		name  string
		posts string // "MINUTES:STATUS"
		want  string // problems that are raised or solved, with their minutes
	}{
		{"accepted", "0:200 30:200", ""},
		{"one refusal", "0:200 30:401 60:200", ""},
		{"two refusals", "0:200 30:401 60:403 90:401 120:200", "60:token_refused 120:-token_refused"},
		{"a revoked token", "0:200 30:revoked", "30:token_revoked"},
		{"a list that fails for a day", "0:200 30:500 1000:500 1439:500 1441:500 1500:200", "1440:not_accepted 1500:-not_accepted"},
		{"that was tried twice only", "0:200 30:500 2000:500 2010:200", ""},
		{"tried for the third time after a day", "0:200 30:500 2000:500 2010:500", "2010:not_accepted"},
		{"that never accepted one", "0:500 30:500 60:500", "1440:not_accepted"},
		{"of a refused token that is said alone", "0:401 30:401 60:401 2000:401", "30:token_refused"},
	} {
		r := &record{}
		r.see(b, "s", noon)
		r.Source.RetryAt = time.Time{}
		l := r.list("list.example")
		var got []string
		state := map[string]bool{}
		posts := strings.Fields(tt.posts)
		for minute := range 3000 {
			now := noon.Add(time.Duration(minute) * time.Minute)
			reviewed := false
			for len(posts) > 0 && strings.HasPrefix(posts[0], fmt.Sprint(minute)+":") {
				_, status, _ := strings.Cut(posts[0], ":")
				l.posted(answer(status), 5, now, now)
				posts, reviewed = posts[1:], true
			}
			if at := r.reviewAt(b); !reviewed && (at.IsZero() || at.After(now)) {
				continue
			}
			r.review(b, now)
			for _, what := range []string{tokenRefused, tokenRevoked, notAccepted, sourceFailing} {
				is := r.News.is(what, "list.example")
				if is != state[what] {
					got = append(got, fmt.Sprint(minute)+":"+map[bool]string{true: "", false: "-"}[is]+what)
				}
				state[what] = is
			}
			r.News.say(b, now)
			if r.reviewAt(b) == now {
				t.Fatalf("%s: a review asks for another one at once", tt.name)
			}
		}
		if s := strings.Join(got, " "); s != tt.want {
			t.Errorf("%s:\ngot  %s\nwant %s", tt.name, s, tt.want)
		}
	}
}

func TestReviewOfSources(t *testing.T) {
	b := botOf(t, pushing)
	r := &record{}
	r.see(b, "s", noon)
	var got []string
	for i, word := range strings.Fields("fail fail fail fail 5 5") {
		now := noon.Add(time.Duration(i) * time.Minute)
		r.learn(b, told(word), now)
		r.review(b, now)
		for _, p := range r.News.say(b, now).problems {
			got = append(got, fmt.Sprintf("%d: %s", i, p.line()))
		}
	}
	want := []string{"2: The server count cannot be read: it failed (since 2026-11-25 12:00 UTC)", "4: Well again: The server count can be read again"}
	if !slices.Equal(got, want) {
		t.Errorf("said %q, want %q", got, want)
	}
	// What the file no longer names is forgotten.
	r.learn(b, told("fail"), noon)
	r.Source.Failed = 3
	r.list("list.example").posted(answer("revoked"), 5, noon, noon)
	r.review(b, noon)
	if len(r.News.Problems) != 2 {
		t.Fatalf("problems %+v, want two", r.News.Problems)
	}
	if r.review(botOf(t, `{tokens: {other.example: a}}`), noon); len(r.News.Problems) != 0 {
		t.Errorf("problems %+v of what is no longer in the file", r.News.Problems)
	}
}

func saidOf(name, id string, problems ...problem) said {
	return said{bot: &Bot{ID: id, Name: name}, problems: problems}
}

func TestDiscordMessage(t *testing.T) {
	refused := problem{What: tokenRefused, List: "list.example", Since: noon, Text: "list.example refuses the token: 401 Unauthorized,\n\"no\" @everyone"}
	well := problem{What: sourceFailing, Text: "The server count can be read again", Solved: true}
	got := string(discordMessage([]said{saidOf("My\nBot", testBot, refused, well), saidOf("", "123456789012345679", well)}))
	const want = `{"content":"My Bot (123456789012345678)\n- list.example refuses the token: 401 Unauthorized, \"no\" @everyone (since 2026-11-25 12:00 UTC)\n` +
		`- Well again: The server count can be read again\n123456789012345679\n- Well again: The server count can be read again","allowed_mentions":{"parse":[]}}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}

	var many []said
	for i := range 12 {
		many = append(many, saidOf("", fmt.Sprint(123456789012345678+i), well))
	}
	text := content(many)
	if !strings.HasSuffix(text, "\nand 2 other bots") || strings.Count(text, "12345678901234") != 10 {
		t.Errorf("12 bots: got %q, want 10 and the number of the others", text)
	}
	if text := content(many[:11]); !strings.HasSuffix(text, "\nand 1 other bot") {
		t.Errorf("11 bots: got %q, want 10 and the other one", text)
	}
	for _, sign := range []string{"x", "é", "😀"} {
		for i := range many {
			many[i].problems = slices.Repeat([]problem{{Text: strings.Repeat(sign, 60), Since: noon}}, 8)
		}
		text := content(many)
		if n := length(text); n > maxContent || n < maxContent-200 || !strings.HasSuffix(text, "\n…\nand 2 other bots") {
			t.Errorf("long: %d characters, want at most %d, cut at a line: …%q", n, maxContent, text[len(text)-60:])
		}
		for line := range strings.SplitSeq(text, "\n") {
			if strings.Contains(line, sign) && !strings.HasSuffix(line, "UTC)") {
				t.Errorf("a line is cut: %q", line)
			}
		}
	}
	if text := content([]said{saidOf(strings.Repeat("n", 5000), testBot, well)}); !strings.Contains(text, "…") || !strings.Contains(text, "Well again") || length(text) > maxContent {
		t.Errorf("a long name: %q", text)
	}
}

func TestNoticeMessage(t *testing.T) {
	wrong := problem{What: tokenRefused, List: "list.example", Since: noon, Text: "it refuses"}
	well := problem{What: sourceFailing, Since: noon, Text: "well", Solved: true}
	for _, tt := range []struct {
		said said
		want string
	}{
		{saidOf("My Bot", testBot, wrong, well), `{"type":"notice","timestamp":"2026-11-25T13:00:00Z","data":{"bot_id":"123456789012345678","name":"My Bot",` +
			`"problems":[{"what":"token_refused","list":"list.example","since":"2026-11-25T12:00:00Z","text":"it refuses"}],` +
			`"solved":[{"what":"source_failing","list":null,"since":"2026-11-25T12:00:00Z","text":"well"}]}}`},
		{saidOf("", testBot), `{"type":"notice","timestamp":"2026-11-25T13:00:00Z","data":{"bot_id":"123456789012345678","name":null,"problems":[],"solved":[]}}`},
	} {
		got := string(noticeMessage(tt.said, noon.Add(time.Hour)))
		if got != tt.want || !json.Valid([]byte(got)) {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
}

func TestWordsOfAnAnswer(t *testing.T) {
	for _, tt := range []struct {
		last lastPost
		want string
	}{
		{lastPost{Status: 401, Text: "no\r\n  way"}, "401 Unauthorized, no   way"},
		{lastPost{Status: 500}, "500 Internal Server Error"},
		{lastPost{Status: lists.NoAnswer, Text: "Timeout after 10s"}, "Timeout after 10s"},
		{lastPost{Status: 599, Text: strings.Repeat("é", 200)}, "599, " + strings.Repeat("é", 48) + "…"},
	} {
		if got := tt.last.words(); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

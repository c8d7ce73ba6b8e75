package agent

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"aggregator/lists"
)

const discordWebhook = "https://discord.com/api/webhooks/1/" + secret

// refusing returns a world with bots whose tokens a list refuses.
func refusing(t *testing.T, notify ...string) *world {
	yaml := "bots:\n"
	for i, n := range notify {
		yaml += fmt.Sprintf("  \"%d\": {name: Bot %d, tokens: {plain.example: token%d}, posts: {every: 1m, count: {url: \"http://bot/\", server_count: n}}, notify: %q}\n", 123456789012345678+i, i, i, n)
	}
	w := newWorld(t, yaml)
	w.answers["plain.example"] = func(string) lists.Answer { return lists.Answer{Status: http.StatusUnauthorized} }
	return w
}

func (w *world) bodies() []string {
	var all []string
	for _, l := range w.letters {
		all = append(all, l.body)
	}
	return all
}

func TestNoticeToDiscord(t *testing.T) {
	w := refusing(t, discordWebhook+"?thread_id=5")
	a := w.agent()
	w.run(noon.Add(2*time.Hour), a)
	if len(w.letters) != 1 || w.letters[0].url != discordWebhook+"?thread_id=5" {
		t.Fatalf("letters %+v, want one to the webhook", w.letters)
	}
	if got := w.letters[0].body; !strings.HasPrefix(got, `{"content":"Bot 0 (123456789012345678)\n- plain.example refuses the token: 401 Unauthorized (since `) || !strings.HasSuffix(got, `"allowed_mentions":{"parse":[]}}`) {
		t.Errorf("body %s", got)
	}
	if got := w.letters[0].at.Sub(w.posts[1].at); got != time.Minute {
		t.Errorf("it came %s after the second refusal, want 1m", got)
	}
	// After a restart, at another API of Discord.
	delete(w.answers, "plain.example")
	a = w.agent()
	a.Outbound.DiscordAPI = "http://sandbox/api/v10"
	w.run(noon.Add(8*time.Hour), a)
	if len(w.letters) != 2 || w.letters[1].url != "http://sandbox/api/v10/webhooks/1/"+secret+"?thread_id=5" ||
		w.letters[1].body != `{"content":"Bot 0 (123456789012345678)\n- Well again: plain.example accepts posts again","allowed_mentions":{"parse":[]}}` {
		t.Errorf("letters %+v, want one more that it is well again", w.letters)
	}
	if log := w.log.String(); strings.Contains(log, secret) {
		t.Errorf("the log holds a secret: %s", log)
	}
}

func TestNoticesOfBotsWithOneWebhook(t *testing.T) {
	w := refusing(t, slices.Repeat([]string{discordWebhook}, 12)...)
	w.run(noon.Add(3*time.Hour), w.agent(), w.agent())
	if len(w.letters) > 3 { // what happens within a minute is one
		t.Errorf("%d messages of 12 bots that fail within two minutes: %q", len(w.letters), w.bodies())
	}
	for i := range 12 {
		if got := strings.Count(strings.Join(w.bodies(), "\n"), fmt.Sprint(123456789012345678+i)); got > 1 {
			t.Errorf("bot %d is named in %d messages", i, got)
		}
	}
}

func TestNoticesToOneURL(t *testing.T) {
	w := refusing(t, "https://me.example/n", "https://me.example/n")
	w.run(noon.Add(3*time.Hour), w.agent())
	if len(w.letters) != 2 || strings.Contains(w.letters[0].body, "123456789012345678") == strings.Contains(w.letters[1].body, "123456789012345678") {
		t.Errorf("letters %q, want one for each bot", w.bodies())
	}
}

func TestNoticeThatDoesNotGoOut(t *testing.T) {
	for _, tt := range []struct {
		name   string
		answer lists.Answer
		tries  []int // minutes after the first
	}{
		{"a failure is tried for an hour", lists.Answer{Status: 500}, []int{0, 1, 3, 7, 15, 31, 63}},
		{"no answer too", lists.Answer{Status: lists.NoAnswer, Reason: "Connection refused"}, []int{0, 1, 3, 7, 15, 31, 63}},
		{"429 is heeded", lists.Answer{Status: 429, Header: map[string][]string{"Retry-After": {"1500"}}}, []int{0, 25, 50, 75}},
		{"401 ends it", lists.Answer{Status: 401}, []int{0}},
		{"404 ends it", lists.Answer{Status: 404}, []int{0}},
		{"410 ends it", lists.Answer{Status: 410}, []int{0}},
	} {
		w := refusing(t, discordWebhook)
		var tries []int
		var first time.Time
		w.mail = func(string, string) lists.Answer {
			if first.IsZero() {
				first = w.now
			}
			tries = append(tries, int(w.now.Sub(first)/time.Minute))
			return tt.answer
		}
		a := w.agent()
		w.run(noon.Add(5*time.Hour), a)
		if !slices.Equal(tries, tt.tries) {
			t.Errorf("%s: tried after %v minutes, want %v", tt.name, tries, tt.tries)
		}
		if got := w.times("plain.example", ""); len(got) < 5 {
			t.Errorf("%s: posts at %s; a notice blocks them", tt.name, got)
		}
		// What was dropped is not said later, nor that it is well again.
		w.mail = nil
		delete(w.answers, "plain.example")
		w.run(noon.Add(8*time.Hour), a)
		if len(w.letters) != 0 {
			t.Errorf("%s: said %q after it was dropped", tt.name, w.bodies())
		}
	}
}

func TestNoticeIsSentWhenTheWayIsFreeAgain(t *testing.T) {
	w := refusing(t, discordWebhook)
	w.mail = func(string, string) lists.Answer { return lists.Answer{Status: 503} }
	a, b := w.agent(), w.agent()
	w.run(noon.Add(10*time.Minute), a, b)
	w.mail = nil
	w.run(noon.Add(3*time.Hour), b, a)
	if len(w.letters) != 1 {
		t.Errorf("letters %q, want one", w.bodies())
	}
}

// What is solved while its message does not go out is not said.
func TestNoticeThatIsOverBeforeItWentOut(t *testing.T) {
	w := refusing(t, discordWebhook)
	w.mail = func(string, string) lists.Answer { return lists.Answer{Status: 503} }
	a := w.agent()
	w.run(noon.Add(4*time.Minute), a)
	delete(w.answers, "plain.example")
	w.run(noon.Add(30*time.Minute), a)
	w.mail = nil
	w.run(noon.Add(3*time.Hour), a)
	if len(w.letters) != 0 {
		t.Errorf("letters %q, want none", w.bodies())
	}
}

func TestNewsWaitForThePause(t *testing.T) {
	w := newWorld(t, `bots: {"123456789012345678": {tokens: {plain.example: a, other.example: b}, posts: {every: 1m, count: {url: "http://bot/", server_count: n}}, notify: "https://me.example/"}}`+"\n")
	refuse := func(string) lists.Answer { return lists.Answer{Status: http.StatusUnauthorized} }
	w.answers["plain.example"] = refuse
	a := w.agent()
	w.run(noon.Add(4*time.Minute), a)
	w.answers["other.example"] = refuse
	w.run(noon.Add(20*time.Minute), a)
	if len(w.letters) != 2 || w.letters[1].at.Sub(w.letters[0].at) != DefaultNoticePause || !strings.Contains(w.letters[1].body, "other.example") || strings.Contains(w.letters[1].body, "plain.example") {
		t.Errorf("letters %+v, want the second news %s after the first", w.letters, DefaultNoticePause)
	}
}

func TestSourceThatFailsIsSaid(t *testing.T) {
	w := newWorld(t, strings.Replace(urlBot, "posts:", `notify: "https://me.example/", posts:`, 1))
	w.source = func(string) lists.Answer { return lists.Answer{Status: 500, Body: []byte(secret)} }
	a := w.agent()
	w.run(noon.Add(30*time.Minute), a)
	w.source = nil
	w.run(noon.Add(2*time.Hour), a)
	if len(w.letters) != 2 || !strings.Contains(w.letters[0].body, `"problems":[{"what":"source_failing","list":null,"since":"2026-11-25T12:00:52Z","text":"The server count cannot be read: The count's URL answered 500 Internal Server Error"}]`) ||
		!strings.Contains(w.letters[1].body, `"solved":[{"what":"source_failing"`) {
		t.Errorf("letters %q, want one that it fails and one that it is well again", w.bodies())
	}
	if strings.Contains(strings.Join(w.bodies(), "")+w.log.String(), secret) {
		t.Error("a secret is said or logged")
	}
}

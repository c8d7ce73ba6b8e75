package votes

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"aggregator/internal/testkit"
	"aggregator/lists"
	"aggregator/store"
)

// take takes a webhook of a list in for the bot, and returns what came of it.
func (r *rig) take(t testing.TB, in *Intake, list string, d lists.Delivery) string {
	t.Helper()
	l, _ := r.catalog.Resolve(list)
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Patience)
	defer cancel()
	ignored, err := in.Take(ctx, r.bots.Current().Bot(testBot), l, d)
	switch {
	case err != nil:
		return err.Error()
	case ignored != "":
		return "ignored: " + ignored
	}
	return "ok"
}

// kept returns the messages that are kept, oldest first.
func (r *rig) kept(t testing.TB) []store.Delivery {
	t.Helper()
	all, err := r.store.Outbox().After(t.Context(), testBot, 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestTake(t *testing.T) {
	r := newRig(t)
	in := r.intake(func(string) {})
	now := r.clock.Now().UTC()
	at := func(d time.Duration) string { return now.Add(d).Format(time.RFC3339) }
	vote := func(more string) lists.Delivery {
		return listed(fmt.Sprintf(`{"type":"upvote","user":%q%s}`, testUser, more))
	}
	older := vote(`,"at":"` + at(-time.Minute) + `"`)
	older.Header = http.Header{"Authorization": {"an older secret"}}
	wrong := vote("")
	wrong.Header = http.Header{"Authorization": {"no such secret"}}
	none := vote("")
	none.Header = nil
	for _, row := range []struct {
		name string
		d    lists.Delivery
		want string
		kept int // messages, so far
	}{
		{"a vote", vote(`,"at":"` + at(0) + `"`), "ok", 1},
		{"the same again", vote(`,"at":"` + at(0) + `"`), "ok", 1},
		{"the same in other bytes", vote(`, "at": "` + at(0) + `"`), "ok", 1},
		{"the same taken back", listed(`{"type":"unvote","user":"` + testUser + `","at":"` + at(0) + `"}`), "ok", 2},
		{"another time, by the older secret", older, "ok", 3},
		{"without a time", vote(""), "ok", 4},
		{"the same bytes", vote(""), "ok", 4},
		{"a test", listed(`{"type":"test","user":"nobody at all"}`), "ok", 5},
		{"the same test", listed(`{"type":"test","user":"nobody at all"}`), "ok", 6},
		{"a wrong secret", wrong, "votes: bad signature", 6},
		{"no secret", none, "votes: bad signature", 6},
		{"a review", listed(`{"type":"review"}`), "ignored: review", 6},
		{"an old vote", vote(`,"at":"` + at(-21*time.Hour) + `"`), "ignored: old", 6},
		{"a vote of tomorrow", vote(`,"at":"` + at(time.Hour) + `"`), "ignored: old", 6},
	} {
		if got := r.take(t, in, "list.example", row.d); got != row.want {
			t.Errorf("%s: got %q, want %q", row.name, got, row.want)
		}
		if got := len(r.kept(t)); got != row.kept {
			t.Errorf("%s: %d messages are kept, want %d", row.name, got, row.kept)
		}
	}
	for name, body := range map[string]string{
		"another bot": `{"type":"upvote","user":"` + testUser + `","bot":"999999999999999999"}`,
		"no user":     `{"type":"upvote"}`, "no snowflake": `{"type":"upvote","user":"me"}`, "no JSON": `upvote`,
	} {
		l, _ := r.catalog.Resolve("list.example")
		_, err := in.Take(t.Context(), r.bots.Current().Bot(testBot), l, listed(body))
		if _, is := errors.AsType[*InvalidError](err); !is {
			t.Errorf("%s: got %v, want an InvalidError", name, err)
		}
	}
	if strings.Contains(r.log.String(), listSecret) || strings.Contains(r.log.String(), "no such secret") {
		t.Errorf("the log holds a secret: %s", r.log)
	}
	entries := r.log.Entries(t, "webhook with a bad signature")
	if len(entries) != 2 || entries[0]["reason"] != "wrong secret" || entries[1]["reason"] != "no header" || entries[0]["list"] != "list.example" || entries[0]["proof"] != "header" {
		t.Errorf("logged %v, want list, proof and why", entries)
	}
	// After an hour the same bytes are another vote.
	r.clock.Advance(61 * time.Minute)
	if got := r.take(t, in, "list.example", vote("")); got != "ok" || len(r.kept(t)) != 7 {
		t.Errorf("after an hour: %s, %d kept; want another one", got, len(r.kept(t)))
	}
}

// A secret that a list sends where something else belongs is shown nowhere, the
// beginning of one that is cut neither.
func TestSecretsThatListsSend(t *testing.T) {
	r := newRig(t)
	in := r.intake(func(string) {})
	long := strings.Repeat("x", 50) + listSecret
	for _, row := range []struct{ name, body, want string }{
		{"as the kind", `{"type":"` + listSecret + `"}`, "ignored: ***"},
		{"at the end of a kind", `{"type":"` + long + `"}`, "ignored: " + strings.Repeat("x", 50) + "***"},
		{"as the time", `{"type":"upvote","user":"` + testUser + `","at":"` + listSecret + `"}`, `at is "***", want ISO 8601`},
		{"at the end of a time", `{"type":"upvote","user":"` + testUser + `","at":"` + long + `"}`, `at is "` + strings.Repeat("x", 50) + `***", want ISO 8601`},
		{"as the user of a test", `{"type":"test","user":"` + listSecret + `"}`, "ok"},
	} {
		if got := r.take(t, in, "list.example", listed(row.body)); got != row.want {
			t.Errorf("%s: got %q, want %q", row.name, got, row.want)
		}
	}
	if all := r.kept(t); len(all) != 1 || data(t, string(all[0].Body))["user_id"] != "***" {
		t.Errorf("kept %+v, want the test with a mask for the user", all)
	}
	if strings.Contains(r.log.String(), "secret of") {
		t.Errorf("the log holds a secret: %s", r.log)
	}
}

func TestNoHook(t *testing.T) {
	r := newRig(t)
	in := r.intake(func(string) {})
	const unknown, forgotten = "the list is not known to send any", "the bot has no secret of the list"
	for _, row := range []struct{ bot, list, reason string }{ // reason: what the operator hears, "" for nothing
		{testBot, "mute.example", unknown}, {testBot, "nowhere.example", ""}, {keyedBot, "signed.example", forgotten},
		{keyedBot, "token.example", forgotten}, {"999999999999999999", "list.example", ""},
	} {
		before := len(r.log.String())
		l, _ := r.catalog.Resolve(row.list)
		b := r.bots.Current().Bot(row.bot)
		if _, err := in.Take(t.Context(), b, l, listed("{}")); !errors.Is(err, ErrNoHook) || in.Expects(b, l) {
			t.Errorf("%s: got %v, want ErrNoHook", row, err)
		}
		if said := r.log.String()[before:]; (said != "") != (row.reason != "") || !strings.Contains(said, row.reason) {
			t.Errorf("%s: the log says %q, want %q", row, said, row.reason)
		}
	}
}

// A list's id of a vote makes it the only one where the proof covers it, and only
// adds to the other marks where it does not.
func TestOnceByID(t *testing.T) {
	r := newRig(t)
	in := r.intake(func(string) {})
	signed := func(body string) lists.Delivery {
		l, _ := r.catalog.Resolve("signed.example")
		return resign(t, l, body, listSecret, r.clock.Now())
	}
	id := fmt.Sprintf(`{"data":{"user":%q,"id":"one","at":%d}}`, testUser, r.clock.Now().Unix())
	for i, row := range []struct {
		d    lists.Delivery
		want int
	}{
		{signed(id), 1},
		{signed(strings.Replace(id, `"id"`, `"more":1,"id"`, 1)), 1},
		{signed(strings.Replace(id, "one", "two", 1)), 2},
	} {
		if got := r.take(t, in, "signed.example", row.d); got != "ok" || len(r.kept(t)) != row.want {
			t.Errorf("%d: %s, %d kept; want %d", i, got, len(r.kept(t)), row.want)
		}
	}
	// token.example has its id in a header that nothing proves.
	unproven := func(body, id string) lists.Delivery {
		l, _ := r.catalog.Resolve("token.example")
		d := resign(t, l, body, "the token of the list", r.clock.Now())
		d.Header.Set("X-Id", id)
		return d
	}
	body := fmt.Sprintf(`{"user":%q,"votes":3}`, testUser)
	for i, row := range []struct {
		d    lists.Delivery
		want int
	}{
		{unproven(body, "a"), 3},
		{unproven(body, "b"), 3},                               // the same bytes
		{unproven(strings.Replace(body, "3", "4", 1), "a"), 3}, // the same id
		{unproven(strings.Replace(body, "3", "4", 1), "c"), 4},
	} {
		if got := r.take(t, in, "token.example", row.d); got != "ok" || len(r.kept(t)) != row.want {
			t.Errorf("unproven %d: %s, %d kept; want %d", i, got, len(r.kept(t)), row.want)
		}
	}
}

// A request that is signed anew is the same vote, where its only time is that of
// the signature.
func TestOnceByRequest(t *testing.T) {
	r := newRig(t)
	in := r.intake(func(string) {})
	marks := func(at time.Time, ofRequest bool) []store.Once {
		return in.once(testBot, "list.example", lists.Event{UserID: testUser, At: at, AtOfRequest: ofRequest}, []byte("body"))
	}
	now := r.clock.Now()
	if first, again := marks(now, true), marks(now.Add(time.Second), true); !slices.Equal(first, again) {
		t.Errorf("signed anew it is known by %v, first by %v; want the same", again, first)
	}
	if first, another := marks(now, false), marks(now.Add(time.Second), false); slices.Equal(first, another) {
		t.Errorf("a vote of another time is known by %v too, want another mark", another)
	}
}

// flaky is an outbox that may keep nothing.
type flaky struct {
	store.Outbox
	mode atomic.Value // "away", "full", "hangs", or "" for one that keeps
}

func (f *flaky) Put(ctx context.Context, m store.Message, waits bool, once ...store.Once) (store.PutResult, error) {
	switch f.mode.Load() {
	case "hangs":
		<-ctx.Done()
		return 0, ctx.Err()
	case "full":
		return store.PutFull, nil
	case "away":
		return 0, store.ErrAway
	}
	return f.Outbox.Put(ctx, m, waits, once...)
}

func TestNotKept(t *testing.T) {
	r := newRig(t)
	l, _ := r.catalog.Resolve("list.example")
	b := r.bots.Current().Bot(testBot)
	refusals := &Refusals{Bots: r.bots, Notices: &r.notices, Log: r.log.Logger(), Now: r.clock.Now}
	var results []string
	outbox := &flaky{Outbox: r.store.Outbox()}
	in := NewIntake(IntakeConfig{
		Outbox: outbox, Hash: r.hash, Log: r.log.Logger(), Now: r.clock.Now, Wake: func(string) {}, Refusals: refusals,
		Observe: func(list, result string) { results = append(results, list+" "+result) },
	})
	vote := listed(fmt.Sprintf(`{"type":"upvote","user":%q}`, testUser))
	take := func() error {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		_, err := in.Take(ctx, b, l, vote)
		return err
	}
	for _, mode := range []string{"away", "hangs", "full"} {
		outbox.mode.Store(mode)
		if err := take(); !errors.Is(err, ErrNotKept) {
			t.Errorf("%s: got %v, want ErrNotKept", mode, err)
		}
	}
	if got := strings.Join(results, ", "); got != "list.example away, list.example away, list.example full" {
		t.Errorf("counted %s", got)
	}
	said := func(want ...string) {
		t.Helper()
		refusals.tell(t.Context())
		if got := strings.Join(r.notices.all(), ", "); got != strings.Join(want, ", ") {
			t.Errorf("said %q, want %q", got, want)
		}
	}
	refused, accepted := testBot+" refused list.example: too many wait for the bot's endpoint", testBot+" accepted list.example"
	r.clock.Advance(59 * time.Second)
	said()
	r.clock.Advance(time.Second)
	said(refused)
	said(refused)
	outbox.mode.Store("")
	if err := take(); err != nil {
		t.Error(err)
	}
	said(refused)
	r.clock.Advance(minNoticed)
	said(refused, accepted)
	// What is over within a minute is not said.
	outbox.mode.Store("away")
	_ = take()
	r.clock.Advance(10 * time.Second)
	outbox.mode.Store("")
	_ = take()
	r.clock.Advance(time.Hour)
	said(refused, accepted)
}

func TestMessage(t *testing.T) {
	r := newRig(t)
	in := r.intake(func(string) {})
	at := r.clock.Now().UTC()
	for _, row := range []struct{ name, list, body, want string }{
		{
			"all that a list can tell", "list.example",
			`{"type":"upvote","user":222222222222222222,"bot":"123456789012345678", "at":"2026-11-22T11:59:00+00:00","until":"2026-11-23T00:00:00Z","isWeekend":false}`,
			`{"type":"vote.created","timestamp":"2026-11-22T12:00:00Z","data":{"list":"list.example","bot_id":"123456789012345678","user_id":"222222222222222222","voted_at":"2026-11-22T11:59:00Z","until":"2026-11-23T00:00:00Z","weekend":false,"weight":1,"test":false,` +
				`"raw":{"type":"upvote","user":222222222222222222,"bot":"123456789012345678", "at":"2026-11-22T11:59:00+00:00","until":"2026-11-23T00:00:00Z","isWeekend":false}}}`,
		},
		{
			"nothing but the user", "list.example", `{"type":"unvote","user":"222222222222222222"}`,
			`{"type":"vote.removed","timestamp":"2026-11-22T12:00:00Z","data":{"list":"list.example","bot_id":"123456789012345678","user_id":"222222222222222222","voted_at":null,"until":null,"weekend":null,"weight":1,"test":false,` +
				`"raw":{"type":"unvote","user":"222222222222222222"}}}`,
		},
		{
			"a window", "signed.example", fmt.Sprintf(`{"data":{"user":"222222222222222222","id":"x","at":%d}}`, at.Unix()),
			`{"type":"vote.created","timestamp":"2026-11-22T12:00:00Z","data":{"list":"signed.example","bot_id":"123456789012345678","user_id":"222222222222222222","voted_at":"2026-11-22T12:00:00Z","until":"2026-11-23T00:00:00Z","weekend":null,"weight":1,"test":false,` +
				fmt.Sprintf(`"raw":{"data":{"user":"222222222222222222","id":"x","at":%d}}}}`, at.Unix()),
		},
		{
			"a weight, and the secret within", "token.example", `{"user":"222222222222222222","votes":3,"token":"the token of the list"}`,
			`{"type":"vote.created","timestamp":"2026-11-22T12:00:00Z","data":{"list":"token.example","bot_id":"123456789012345678","user_id":"222222222222222222","voted_at":null,"until":null,"weekend":null,"weight":3,"test":false,` +
				`"raw":{"user":"222222222222222222","votes":3,"token":"***"}}}`,
		},
	} {
		l, _ := r.catalog.Resolve(row.list)
		d := listed(row.body)
		if row.list != "list.example" {
			d = resign(t, l, row.body, map[string]string{"signed.example": listSecret, "token.example": "the token of the list"}[row.list], r.clock.Now())
		}
		if got := r.take(t, in, row.list, d); got != "ok" {
			t.Errorf("%s: %s", row.name, got)
			continue
		}
		all := r.kept(t)
		if got := string(all[len(all)-1].Body); got != row.want {
			t.Errorf("%s: got\n%s\nwant\n%s", row.name, got, row.want)
		}
	}
}

// What is too large as a text is left out, and the vote goes on.
func TestLargeRaw(t *testing.T) {
	e := lists.Event{UserID: testUser, Raw: []byte(strings.Repeat("\x01", 60<<10))}
	m := newMessage(testBot, "list.example", e, noon, nil)
	if len(m.Body) > store.MaxBody || data(t, string(m.Body))["raw"] != nil {
		t.Errorf("%d bytes, want raw left out", len(m.Body))
	}
	e.Raw = []byte(strings.Repeat("[", 1000) + strings.Repeat("]", 1000))
	if raw, isText := data(t, string(newMessage(testBot, "list.example", e, noon, nil).Body))["raw"].(string); !isText || raw != string(e.Raw) {
		t.Error("JSON that parsers break on is no text")
	}
	e.UserID = "the\nuser"
	if m := newMessage(testBot, "list.example", e, noon, nil); m.User != "" || m.Check() != nil {
		t.Errorf("the user of a test is %q: %v", m.User, m.Check())
	}
}

func TestFollow(t *testing.T) {
	r := newRig(t)
	relay := NewRelay(r.config())
	in := r.intake(relay.Wake)
	for i := range 3 {
		r.take(t, in, "list.example", listed(fmt.Sprintf(`{"type":"upvote","user":"22222222222222222%d"}`, i)))
	}
	first := r.kept(t)
	for _, row := range []struct {
		after string
		from  int // the first message that is old, and comes first; -1: none
	}{
		{"", -1}, {"0", 0}, {"msg_unknown", 0}, {first[0].ID, 1}, {first[2].ID, 3},
	} {
		var want []string
		if row.from >= 0 {
			for _, d := range r.kept(t)[row.from:] {
				want = append(want, d.ID)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		type sent struct {
			id    string
			isNew bool
		}
		came := make(chan sent, 100)
		done := make(chan error, 1)
		go func() {
			done <- relay.Follow(ctx, testBot, row.after, func(d Delivery, isNew bool) error { came <- sent{d.ID, isNew}; return nil })
		}()
		for _, id := range want {
			if got := testkit.Receive(t, "a message", came); got != (sent{id, false}) {
				t.Errorf("after %q: got %+v, want the old %s", row.after, got, id)
			}
		}
		testkit.Wait(t, "the stream", func() bool { // it may not have begun
			r.ring(t)
			return len(came) > 0
		})
		if got := <-came; !got.isNew {
			t.Errorf("after %q: %+v is old", row.after, got)
		}
		cancel()
		if err := testkit.Receive(t, "the end", done); !errors.Is(err, context.Canceled) {
			t.Errorf("ended with %v", err)
		}
	}
}

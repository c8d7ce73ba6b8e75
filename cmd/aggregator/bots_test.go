package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"aggregator/internal/testkit"
)

const kindJSON = "application/json"

// TestBotMerge has one.test and two.test answer, and looks at a field.
func TestBotMerge(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.boot(t)
	const none = `{}`
	for _, row := range []struct{ name, one, two, field, want string }{
		{"nothing", none, none, "username", `"Unknown"`},
		{"nothing", none, none, "discriminator", `"0000"`},
		{"nothing", none, none, "owners", `[]`},
		{"nothing", none, none, "server_count", `0`},
		{"nothing", none, none, "invite", `""`},
		{"nothing", none, none, "prefix", `""`},
		{"nothing", none, none, "website", `""`},
		{"nothing", none, none, "github", `""`},
		{"nothing", none, none, "support", `""`},
		{"nothing", none, none, "library", `""`},

		{"tie", `{"name":"first"}`, `{"name":"second"}`, "username", `"second"`},
		{"most common", `{"name":"both","username":"both"}`, `{"name":"second"}`, "username", `"both"`},
		{"empty counts not", `{"name":"first"}`, `{"name":""}`, "username", `"first"`},
		{"null counts not", `{"name":"first"}`, `{"name":null}`, "username", `"first"`},
		{"number is no name", `{"name":"first"}`, `{"name":7}`, "username", `"first"`},
		{"object is no name", `{"name":"first"}`, `{"name":{"a":"b"}}`, "username", `"first"`},
		{"array is no prefix", `{"prefix":"!"}`, `{"prefix":["?"]}`, "prefix", `"!"`},
		{"true is no website", `{"website":true}`, none, "website", `""`},
		{"discriminator as a number", `{"discrim":1234}`, none, "discriminator", `"1234"`},
		{"key written twice counts once", `{"name":"a","name":"b","username":"a"}`, none, "username", `"a"`},
		{"links", `{"links":{"invite":"i","support":"s"}}`, none, "support", `"s"`},
		{"in UTF-8", `{"name":"Zoë 👍"}`, none, "username", `"Zoë 👍"`},

		{"owners: null in an array", `{"owners":[null]}`, none, "owners", `[]`},
		{"owners: null among others", `{"owners":[null,"400000000000000001",null]}`, none, "owners", `["400000000000000001"]`},
		{"owners: null", `{"owners":null}`, none, "owners", `[]`},
		{"owners: strings", `{"owners":["400000000000000001","400000000000000002"]}`, none, "owners", `["400000000000000001","400000000000000002"]`},
		{"owners: a number keeps every digit", `{"owner":400000000000000001}`, none, "owners", `["400000000000000001"]`},
		{"owners: numbers keep every digit", `{"owners":[400000000000000001,12345678901234567890]}`, none, "owners", `["400000000000000001","12345678901234567890"]`},
		{"owners: objects", `{"owners":[{"id":"400000000000000001"},{"userId":400000000000000003}]}`, none, "owners", `["400000000000000001","400000000000000003"]`},
		{"owners: an object", `{"owner":{"id":"400000000000000001","name":"Zoë"}}`, none, "owners", `["400000000000000001"]`},
		{"owners: no duplicates", `{"owner":"400000000000000001","owners":["400000000000000001"]}`, `{"owner_id":400000000000000001}`, "owners", `["400000000000000001"]`},
		{"owners: in the order seen", `{"owners":["400000000000000002"]}`, `{"owners":["400000000000000001"]}`, "owners", `["400000000000000002","400000000000000001"]`},
		{"owners: no ids", `{"owners":["Zoë#0001","123","123456789012345678901",1.5e17,true,[],{}]}`, none, "owners", `[]`},

		{"the largest count", `{"server_count":70}`, `{"guilds":7}`, "server_count", `70`},
		{"the largest count in one answer", `{"count":7,"servers":70,"guilds":8}`, none, "server_count", `70`},
		{"count in stats", `{"stats":{"guilds":9}}`, none, "server_count", `9`},
		{"count as a string", `{"server_count":"1234"}`, none, "server_count", `1234`},
		{"count with a comma", `{"server_count":"1,234"}`, none, "server_count", `1234`},
		{"count with two commas", `{"server_count":"1,234,567"}`, none, "server_count", `1234567`},
		{"count with a comma amiss", `{"server_count":"1,2345"}`, `{"count":3}`, "server_count", `3`},
		{"count in thousands", `{"server_count":"12k"}`, `{"count":3}`, "server_count", `3`},
		{"negative count", `{"server_count":-5}`, none, "server_count", `0`},
		{"negative string", `{"server_count":"-5"}`, none, "server_count", `0`},
		{"fraction", `{"server_count":3.7}`, `{"count":2}`, "server_count", `2`},
		{"fraction in a string", `{"server_count":"3.7"}`, `{"count":2}`, "server_count", `2`},
		{"true", `{"server_count":true}`, `{"count":2}`, "server_count", `2`},
		{"object", `{"server_count":{}}`, `{"count":2}`, "server_count", `2`},
		{"array", `{"server_count":[3]}`, `{"count":2}`, "server_count", `2`},
		{"null", `{"server_count":null}`, `{"count":2}`, "server_count", `2`},
		{"endless count", `{"server_count":1e400}`, `{"count":2}`, "server_count", `2`},
		{"NaN in a string", `{"server_count":"NaN"}`, `{"count":2}`, "server_count", `2`},
		{"hexadecimal string", `{"server_count":"0x10"}`, `{"count":2}`, "server_count", `2`},
		{"empty string", `{"server_count":""}`, none, "server_count", `0`},

		{"an array is no bot", `[{"name":"a","count":9}]`, `{"name":"b","count":2}`, "server_count", `2`},
		{"a string is no bot", `"name"`, `{"name":"b"}`, "username", `"b"`},
		{"null is no bot", `null`, `{"name":"b"}`, "username", `"b"`},
		{"garbage is no bot", `{"name":`, `{"name":"b"}`, "username", `"b"`},
	} {
		t.Run(row.name+" "+row.field, func(t *testing.T) {
			r.On("one.test", testkit.Say(200, kindJSON, row.one))
			r.On("two.test", testkit.Say(200, kindJSON, row.two))
			r.On("wrapped.test", testkit.Say(404, "text/plain", ""))
			bot := newBot()
			b := s.read(t, bot)
			wantJSON(t, row.field, b.field(t, row.field), row.want)
			wantJSON(t, "id", b.field(t, "id"), quoted(bot))
			wantKeys(t, "the answer", keys(t, b.Body), "id", "username", "discriminator", "owners", "server_count",
				"invite", "prefix", "website", "github", "support", "library", "list_data", "skipped")
			wantKeys(t, "list_data", keys(t, member(t, b.Body, "list_data")), "one.test", "two.test", "wrapped.test")
		})
	}
	t.Run("known keys", func(t *testing.T) { knownKeys(t, r, s) })
	t.Run("a mapping", func(t *testing.T) {
		r.On("one.test", nil)
		r.On("two.test", nil)
		r.On("wrapped.test", testkit.Say(200, kindJSON, `{"name":"outside","data":{"title":"inside","name":"no","stats":{"guilds":12},"team":[{"discord":400000000000000007},null,{}]}}`))
		b := s.read(t, newBot())
		wantJSON(t, "username", b.field(t, "username"), `"inside"`)
		wantJSON(t, "server_count", b.field(t, "server_count"), `12`)
		wantJSON(t, "owners", b.field(t, "owners"), `["400000000000000007"]`)
	})
	t.Run("other statuses count not", func(t *testing.T) {
		r.On("one.test", testkit.Say(203, kindJSON, `{"name":"a","count":9}`))
		r.On("two.test", testkit.Say(404, kindJSON, `{"name":"b","count":8}`))
		r.On("wrapped.test", nil)
		b := s.read(t, newBot())
		wantJSON(t, "username", b.field(t, "username"), `"Unknown"`)
		wantJSON(t, "server_count", b.field(t, "server_count"), `0`)
		if got := b.said("two.test"); got != `{"name":"b","count":8} 404` {
			t.Error(got)
		}
	})
}

// knownKeys asks for each key that a list without a mapping is read by.
func knownKeys(t *testing.T, r *rig, s *running) {
	r.On("two.test", nil)
	r.On("wrapped.test", nil)
	for field, known := range map[string]string{
		"username":      "name username bot_name",
		"discriminator": "discrim discriminator disc",
		"owners":        "owner owners authors bot_owners owner_id coOwners secondaryOwners",
		"server_count":  "count servers server_count servercount serverCount bot_server_count guilds guild_count guildcount guildCount",
		"invite":        "invite bot_invite botInvite bot_invite_link oauth_url inviteURL",
		"website":       "website bot_website websiteURL",
		"github":        "github bot_github_repo openSource git source_code",
		"support":       "support supportInvite support_server discord server_invite bot_support_discord server supportServer",
		"prefix":        "prefix bot_prefix",
		"library":       "library libraryName bot_library lang",
	} {
		for key := range strings.FieldsSeq(known) {
			given, want := `"x"`, `"x"`
			switch field {
			case "owners":
				given, want = `"400000000000000001"`, `["400000000000000001"]`
			case "server_count":
				given, want = `77`, `77`
			}
			r.On("one.test", testkit.Say(200, kindJSON, fmt.Sprintf(`{%q:%s}`, key, given)))
			wantJSON(t, key, s.read(t, newBot()).field(t, field), want)
		}
	}
}

func TestBotListData(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.boot(t)
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	number := func(n int) string { return `{"n":` + strings.Repeat("7", n) + `}` }
	for _, row := range []struct {
		name   string
		answer http.HandlerFunc
		want   string // as JSON: what the list said, and its status
	}{
		{"numbers keep every digit", testkit.Say(200, kindJSON, `{"big":12345678901234567890,"f":1.0,"e":1E5,"x":0.1000000000000000055}`),
			`{"big":12345678901234567890,"f":1.0,"e":1E5,"x":0.1000000000000000055} 200`},
		{"keys keep their order, and come twice", testkit.Say(200, kindJSON, `{"b":1,"a":2,"b":3}`), `{"b":1,"a":2,"b":3} 200`},
		{"text stays as it is", testkit.Say(200, kindJSON, `{"t":"<b>&amp;\u00e9é</b>\u2028"}`), `{"t":"<b>&amp;\u00e9é</b>\u2028"} 200`},
		{"an array", testkit.Say(200, kindJSON, `[1,null]`), `[1,null] 200`},
		{"JSON that says it is text", testkit.Say(200, "text/plain", `{"a":1}`), `{"a":1} 200`},
		{"JSON of a failure", testkit.Say(404, kindJSON, `{"error":"no"}`), `{"error":"no"} 404`},
		{"text", testkit.Say(404, "text/plain", `Bot "x" not found`), `"Bot \"x\" not found" 404`},
		{"nothing", testkit.Say(204, "text/plain", ``), `"" 204`},
		{"nothing, 200", testkit.Say(200, kindJSON, ``), `"" 200`},
		{"HTML", testkit.Say(200, "text/html", `<html>`), `"<html>" 200`},
		{"broken JSON", testkit.Say(200, kindJSON, `{"a":1`), `"{\"a\":1" 200`},
		{"two values", testkit.Say(200, kindJSON, `{"a":1}{"b":2}`), `"{\"a\":1}{\"b\":2}" 200`},
		{"64 levels", testkit.Say(200, kindJSON, deep(64)), deep(64) + ` 200`},
		{"65 levels", testkit.Say(200, kindJSON, deep(65)), quoted(deep(65)) + ` 200`},
		{"thousands of levels", testkit.Say(200, kindJSON, deep(100000)), quoted(deep(100000)) + ` 200`},
		{"brackets in a string are no levels", testkit.Say(200, kindJSON, quoted(deep(100))), quoted(deep(100)) + ` 200`},
		{"number of 400 digits", testkit.Say(200, kindJSON, number(400)), number(400) + ` 200`},
		{"number of 401 digits", testkit.Say(200, kindJSON, number(401)), quoted(number(401)) + ` 200`},
		{"digits in a string are no number", testkit.Say(200, kindJSON, quoted(number(500))), quoted(number(500)) + ` 200`},
		{"bad UTF-8 in text", testkit.Say(200, "text/plain", "a\xffb"), `"a` + "\ufffd" + `b" 200`},
		{"bad UTF-8 in JSON", testkit.Say(200, kindJSON, "{\"a\":\"\xff\"}"), `{"a":"` + "\ufffd" + `"} 200`},
		{"half a sign in JSON", testkit.Say(200, kindJSON, `{"a":"\ud83d"}`), `{"a":"\ufffd"} 200`},
		{"reset", testkit.Reset, `"Connection reset" -1`},
		{"cut short", cutShort, `"Answer cut short" -1`},
		{"gzip", zipped(200, `{"a":1}`), `{"a":1} 200`},
		{"too large", size(512<<10+1, false), `"Answer larger than 512 KiB" -1`},
		{"too large when unpacked", zipped(200, strings.Repeat("x", 4<<20)), `"Answer larger than 512 KiB" -1`},
	} {
		t.Run(row.name, func(t *testing.T) {
			r.On("one.test", row.answer)
			r.On("two.test", testkit.Say(200, kindJSON, `{"name":"still here","count":3}`))
			b := s.read(t, newBot())
			if got := b.said("one.test"); got != row.want {
				t.Errorf("%.200s\nwant %.200s", got, row.want)
			}
			wantJSON(t, "username", b.field(t, "username"), `"still here"`)
			wantJSON(t, "server_count", b.field(t, "server_count"), `3`)
		})
	}
}

func TestBotBadIDs(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.boot(t)
	for _, id := range []string{"x", "111111111111111", "111111111111111111111", "011111111111111111", "11111111111111111x",
		"-111111111111111111", "1111111111111111%2e1", "%EF%BC%91111111111111111111", "1111111111111111%20"} {
		t.Run(id, func(t *testing.T) {
			wantError(t, testkit.Send(t, "GET", s.Base+"/api/bots/"+id, ""), 400, "'id' must be a snowflake")
			wantError(t, testkit.Send(t, "POST", s.Base+"/api/bots/"+id+"/lookup", "{}"), 400, "'id' must be a snowflake")
		})
	}
	if seen := r.Take(); len(seen) > 0 {
		t.Errorf("lists were asked: %+v", seen)
	}
}

func TestBotTimeout(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.boot(t)
	r.On("one.test", testkit.Hang)
	r.On("two.test", testkit.Say(200, kindJSON, `{"count":3}`))
	start := time.Now()
	b := s.read(t, newBot())
	if took := time.Since(start); took < 2*time.Second || took > 9*time.Second {
		t.Errorf("answered after %s, want 2s", took)
	}
	if got := b.said("one.test"); got != `"Timeout after 2s" -1` {
		t.Error(got)
	}
	wantJSON(t, "server_count", b.field(t, "server_count"), `3`)
}

func TestBotRedirects(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.boot(t)
	var others atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		others.Add(1)
		if q.Header.Get("X-Key") != "" {
			t.Error("a key reached another origin")
		}
		testkit.Say(200, kindJSON, `{"name":"elsewhere"}`)(w, q)
	}))
	t.Cleanup(other.Close)
	// hops redirects so often before it answers, the first time anew for each bot.
	hops := func(n int) http.HandlerFunc {
		return func(w http.ResponseWriter, q *http.Request) {
			at, _ := strconv.Atoi(q.URL.Query().Get("hop"))
			if at == n {
				testkit.Say(200, kindJSON, `{"name":"arrived"}`)(w, q)
				return
			}
			testkit.Redirect([]int{301, 302, 303, 307, 308}[at%5], q.URL.Path+"?hop="+strconv.Itoa(at+1))(w, q)
		}
	}
	for _, row := range []struct {
		name   string
		answer http.HandlerFunc
		want   string
	}{
		{"one", hops(1), `{"name":"arrived"} 200`},
		{"five", hops(5), `{"name":"arrived"} 200`},
		{"six", hops(6), `"More than 5 redirects" -1`},
		{"round and round", testkit.Redirect(302, "/one.test/x"), `"More than 5 redirects" -1`},
		{"to another origin without a key", testkit.Redirect(302, other.URL), `{"name":"elsewhere"} 200`},
	} {
		t.Run(row.name, func(t *testing.T) {
			r.On("one.test", row.answer)
			if got := s.read(t, newBot()).said("one.test"); got != row.want {
				t.Errorf("%s, want %s", got, row.want)
			}
			if n := len(slices.DeleteFunc(r.Take(), func(a asked) bool { return a.List != "one.test" })); n > 6 {
				t.Errorf("asked %d times", n)
			}
		})
	}
	lookup := func(t *testing.T) botAnswer {
		return parseBot(t, testkit.Send(t, "POST", s.Base+"/api/bots/"+newBot()+"/lookup", `{"keyed.test":"secret-key"}`))
	}
	t.Run("with a key to the same origin", func(t *testing.T) {
		r.On("keyed.test", hops(2))
		if got := lookup(t).said("keyed.test"); got != `{"name":"arrived"} 200` {
			t.Error(got)
		}
	})
	t.Run("with a key to another origin", func(t *testing.T) {
		before := others.Load()
		r.On("one.test", nil)
		r.On("keyed.test", testkit.Redirect(302, other.URL))
		b := lookup(t)
		if got := string(b.List["keyed.test"][1]); got != "-1" || others.Load() != before {
			t.Errorf("%s; the other origin was asked %d times", b.said("keyed.test"), others.Load()-before)
		}
	})
}

func TestBotLookup(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.boot(t)
	bot := newBot()
	t.Run("without a key", func(t *testing.T) {
		b := s.read(t, bot)
		if got := b.Skipped["keyed.test"]; got != "No key" || len(b.Skipped) != 1 {
			t.Errorf("skipped %q", b.Skipped)
		}
		for _, seen := range r.Take() {
			if !slices.Contains([]string{"one.test", "two.test", "wrapped.test"}, seen.List) || seen.URI != "/"+seen.List+"/bots/"+bot {
				t.Errorf("asked %s %s", seen.Method, seen.URI)
			}
			if seen.Method != "GET" || seen.Body != "" || seen.Header.Get("Authorization") != "" {
				t.Errorf("asked with %+v", seen)
			}
		}
	})
	t.Run("with a key", func(t *testing.T) {
		r.On("keyed.test", testkit.Say(200, kindJSON, `{"name":"keyed","you":"secret-key"}`))
		b := parseBot(t, testkit.Send(t, "POST", s.Base+"/api/bots/"+bot+"/lookup", `{"keyed.test":"secret-key","one.test":"other-key"}`))
		if got := b.said("keyed.test"); got != `{"name":"keyed","you":"***"} 200` {
			t.Error(got)
		}
		wantJSON(t, "username", b.field(t, "username"), `"keyed"`)
		if _, ok := b.Skipped["keyed.test"]; ok {
			t.Errorf("skipped %q", b.Skipped)
		}
		for _, seen := range r.Take() {
			if got := seen.Header.Get("X-Key"); (got == "secret-key") != (seen.List == "keyed.test") {
				t.Errorf("%s got the key %q", seen.List, got)
			}
			if strings.Contains(fmt.Sprint(seen), "other-key") {
				t.Errorf("%s got a key that it does not need", seen.List)
			}
		}
	})
	for _, row := range []struct{ name, body, id, why string }{
		{"blank key", `{"keyed.test":""}`, "keyed.test", "No"},
		{"bad key", `{"keyed.test":"a\nb"}`, "keyed.test", "Bad token: "},
		{"unknown list", `{"nowhere":"k"}`, "nowhere", "Unknown list"},
		{"defunct list", `{"dead.test":"k"}`, "dead.test", "Defunct"},
	} {
		t.Run(row.name, func(t *testing.T) {
			b := parseBot(t, testkit.Send(t, "POST", s.Base+"/api/bots/"+bot+"/lookup", row.body))
			if got := b.Skipped[row.id]; !strings.HasPrefix(got, row.why) {
				t.Errorf("skipped %q", b.Skipped)
			}
		})
	}
	t.Run("body is no object", func(t *testing.T) {
		wantError(t, testkit.Send(t, "POST", s.Base+"/api/bots/"+bot+"/lookup", `[]`), 400, "Body must be JSON object")
	})
	t.Run("GET with a body", func(t *testing.T) {
		if a := testkit.Send(t, "GET", s.Base+"/api/bots/"+bot, `{"keyed.test":"k"}`); a.Status != 200 {
			t.Errorf("%d %s", a.Status, a.Body)
		}
	})
}

// TestHangUps has callers hang up on a reading and on a post.
func TestHangUps(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.boot(t)
	type request struct{ arrived, gone, release, answered chan struct{} }
	handler := func(status int) (*request, http.HandlerFunc) {
		q := &request{make(chan struct{}), make(chan struct{}), make(chan struct{}), make(chan struct{})}
		return q, func(w http.ResponseWriter, r *http.Request) {
			close(q.arrived)
			select {
			case <-r.Context().Done():
				close(q.gone)
			case <-q.release:
				testkit.Say(status, kindJSON, `{}`)(w, r)
				close(q.answered)
			}
		}
	}
	read, onRead := handler(200)
	post, onPost := handler(403)
	readBody, onReadBody := handler(200)
	r.On("one.test", onRead)
	r.On("revoking.test", onPost)

	// start sends a request, whose caller cancel makes hang up.
	start := func(method, path, body string) (cancel func()) {
		ctx, stop := context.WithCancel(t.Context())
		req, err := http.NewRequestWithContext(ctx, method, s.Base+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			if resp, err := testkit.Client.Do(req); err == nil {
				resp.Body.Close()
				t.Errorf("%s %s was answered", method, path)
			}
		}()
		return func() { stop(); <-done }
	}
	hangUpPost := start("POST", "/api/count", countBody(newBot(), `"revoking.test":"t"`))
	testkit.Receive(t, "the post", post.arrived)
	hangUpRead := start("GET", "/api/bots/"+newBot(), "")
	testkit.Receive(t, "the reading", read.arrived)
	r.On("one.test", onReadBody)
	hangUpReadBody := start("GET", "/api/bots/"+newBot(), "a body")
	testkit.Receive(t, "the reading with a body", readBody.arrived)

	hangUpPost()
	hangUpRead()
	hangUpReadBody()
	before := time.Now()
	testkit.Receive(t, "the reading's end", read.gone)
	testkit.Receive(t, "the end of the reading with a body", readBody.gone)
	if took := time.Since(before); took > 1500*time.Millisecond {
		t.Errorf("readings ended %s after the hang-up: by their timeout", took)
	}
	select {
	case <-post.gone:
		t.Fatal("the post was given up when its caller hung up")
	case <-time.After(100 * time.Millisecond): // as long as the readings had
	}
	close(post.release)
	testkit.Receive(t, "the post's answer", post.answered)

	// That the token is revoked the service knows only from the answer.
	testkit.Wait(t, "the post's answer to count", func() bool {
		a := testkit.Send(t, "POST", s.Base+"/api/count?dry_run=1", countBody(newBot(), `"revoking.test":"t"`))
		return strings.Contains(a.Body, "Revoked: ")
	})
}

package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"aggregator/internal/testkit"
)

const someBot = "111111111111111111"

func TestCountRejects(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.boot(t)
	id := `"bot_id":"` + someBot + `",`
	const (
		object      = "Body must be JSON object"
		isSnowflake = "'bot_id' must be a snowflake"
		shards      = "'shards' contains incorrect values"
	)
	for _, row := range []struct{ name, body, message string }{
		{"nothing", ``, object},
		{"white space", "\n ", object},
		{"no JSON", `bot_id=1`, object},
		{"cut short", `{"bot_id":`, object},
		{"something after the object", `{` + id + `"server_count":5}{}`, object},
		{"comma at the end", `{` + id + `"server_count":5,}`, object},
		{"byte order mark", "\ufeff" + `{` + id + `"server_count":5}`, object},
		{"bad UTF-8", `{` + id + `"server_count":5,"one.test":"` + "\xff" + `"}`, object},
		{"empty array", `[]`, object},
		{"array of an object", `[{` + id + `"server_count":5}]`, object},
		{"string", `"bot_id"`, object},
		{"number", `5`, object},
		{"true", `true`, object},
		{"null", `null`, object},

		{"no bot_id", `{"server_count":5}`, "'bot_id' is required"},
		{"empty object", `{}`, "'bot_id' is required"},
		{"bot_id in other case", `{"Bot_ID":"` + someBot + `","server_count":5}`, "'bot_id' is required"},
		{"bot_id null", `{"bot_id":null,"server_count":5}`, "'bot_id' must be a string"},
		{"bot_id number", `{"bot_id":111111111111111111,"server_count":5}`, "'bot_id' must be a string"},
		{"bot_id array", `{"bot_id":["111111111111111111"],"server_count":5}`, "'bot_id' must be a string"},
		{"bot_id true", `{"bot_id":true,"server_count":5}`, "'bot_id' must be a string"},
		{"bot_id empty", `{"bot_id":"","server_count":5}`, isSnowflake},
		{"bot_id of 15 digits", `{"bot_id":"111111111111111","server_count":5}`, isSnowflake},
		{"bot_id of 21 digits", `{"bot_id":"111111111111111111111","server_count":5}`, isSnowflake},
		{"bot_id with a leading zero", `{"bot_id":"011111111111111111","server_count":5}`, isSnowflake},
		{"bot_id with a letter", `{"bot_id":"11111111111111111x","server_count":5}`, isSnowflake},
		{"bot_id in other digits", `{"bot_id":"１１１１１１１１１１１１１１１１１１","server_count":5}`, isSnowflake},
		{"of two bot_ids the last", `{` + id + `"server_count":5,"bot_id":"x"}`, isSnowflake},

		{"no server_count", `{` + id + `"one.test":"t"}`, "'server_count' is required"},
		{"server_count null", `{` + id + `"server_count":null}`, "'server_count' must be a number"},
		{"server_count string", `{` + id + `"server_count":"5"}`, "'server_count' must be a number"},
		{"server_count array", `{` + id + `"server_count":[5]}`, "'server_count' must be a number"},
		{"server_count fraction", `{` + id + `"server_count":5.5}`, "'server_count' must be a number"},
		{"server_count infinite", `{` + id + `"server_count":1e400}`, "'server_count' must be a number"},
		{"server_count negative", `{` + id + `"server_count":-1}`, "'server_count' is out of range"},
		{"server_count one too large", `{` + id + `"server_count":9007199254740992}`, "'server_count' is out of range"},
		{"server_count far too large", `{` + id + `"server_count":1e300}`, "'server_count' is out of range"},

		{"shard_id string", `{` + id + `"server_count":5,"shard_id":"0"}`, "'shard_id' must be a number or null"},
		{"shard_id fraction", `{` + id + `"server_count":5,"shard_id":0.5}`, "'shard_id' must be a number or null"},
		{"shard_id array", `{` + id + `"server_count":5,"shard_id":[]}`, "'shard_id' must be a number or null"},
		{"shard_id negative", `{` + id + `"server_count":5,"shard_id":-1}`, "'shard_id' is out of range"},
		{"shard_id too large", `{` + id + `"server_count":5,"shard_id":1e16}`, "'shard_id' is out of range"},
		{"shard_count string", `{` + id + `"server_count":5,"shard_count":"1"}`, "'shard_count' must be a number or null"},
		{"shard_count infinite", `{` + id + `"server_count":5,"shard_count":1e999}`, "'shard_count' must be a number or null"},
		{"shard_count negative", `{` + id + `"server_count":5,"shard_count":-2}`, "'shard_count' is out of range"},
		{"shard_count too large", `{` + id + `"server_count":5,"shard_count":9007199254740992}`, "'shard_count' is out of range"},
		{"shards object", `{` + id + `"server_count":5,"shards":{}}`, "'shards' must be an array or null"},
		{"shards number", `{` + id + `"server_count":5,"shards":0}`, "'shards' must be an array or null"},
		{"shards with a string", `{` + id + `"server_count":5,"shards":[1,"2"]}`, shards},
		{"shards with null", `{` + id + `"server_count":5,"shards":[null]}`, shards},
		{"shards with a fraction", `{` + id + `"server_count":5,"shards":[1.5]}`, shards},
		{"shards with an array", `{` + id + `"server_count":5,"shards":[[1]]}`, shards},
		{"shards with a negative one", `{` + id + `"server_count":5,"shards":[-1]}`, shards},
		{"shards with one too large", `{` + id + `"server_count":5,"shards":[9007199254740992]}`, shards},

		{"user_count string", `{` + id + `"server_count":5,"user_count":"7"}`, "'user_count' must be a number or null"},
		{"user_count negative", `{` + id + `"server_count":5,"user_count":-7}`, "'user_count' is out of range"},
		{"voice_connections array", `{` + id + `"server_count":5,"voice_connections":[7]}`, "'voice_connections' must be a number or null"},
		{"voice_connections too large", `{` + id + `"server_count":5,"voice_connections":1e17}`, "'voice_connections' is out of range"},

		{"bot_id comes before server_count", `{"bot_id":"x","server_count":"x"}`, isSnowflake},
		{"server_count comes before shard_id", `{` + id + `"server_count":-1,"shard_id":"x"}`, "'server_count' is out of range"},
		{"shard_id comes before shard_count", `{` + id + `"server_count":5,"shard_count":"x","shard_id":-1}`, "'shard_id' is out of range"},
		{"shard_count comes before shards", `{` + id + `"server_count":5,"shards":5,"shard_count":-1}`, "'shard_count' is out of range"},
		{"shards come before user_count", `{` + id + `"server_count":5,"user_count":-1,"shards":5}`, "'shards' must be an array or null"},
	} {
		t.Run(row.name, func(t *testing.T) {
			wantError(t, testkit.Send(t, "POST", s.Base+"/api/count", row.body), 400, row.message)
			wantError(t, testkit.Send(t, "POST", s.Base+"/api/count?dry_run=1", row.body), 400, row.message)
		})
	}
	if seen := r.Take(); len(seen) > 0 {
		t.Errorf("lists were asked: %+v", seen)
	}
}

func TestCountAcceptsNumbers(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.boot(t)
	for _, row := range []struct{ name, number, sent string }{
		{"plain", `5`, `5`},
		{"zero", `0`, `0`},
		{"with a point", `5.0`, `5`},
		{"with an exponent", `1e3`, `1000`},
		{"point and exponent", `4.35e2`, `435`},
		{"the largest", `9007199254740991`, `9007199254740991`},
		{"of two keys the last", `"x","server_count":7`, `7`},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := s.post(t, `{"bot_id":"`+someBot+`","server_count":`+row.number+`,"one.test":"t"}`)
			wantJSON(t, "sent", r.Only(t).Body, `{"server_count":`+row.sent+`}`)
			wantJSON(t, "sent as answered", c.Success["one.test"].sent, `{"server_count":`+row.sent+`}`)
		})
	}
	for _, id := range []string{"1111111111111111", "11111111111111111111"} {
		t.Run(fmt.Sprintf("a bot_id of %d digits", len(id)), func(t *testing.T) {
			s.post(t, countBody(id, `"one.test":"t"`))
			if got := r.Only(t).URI; got != "/one.test/bots/"+id {
				t.Errorf("asked %s", got)
			}
		})
	}
}

func TestCountBodySize(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.boot(t)
	const most, message = 262144, "Body must be at most 262144 bytes"
	of := func(size int) string {
		b := countBody(someBot, `"one.test":"t"`)
		return b + strings.Repeat(" ", size-len(b))
	}
	// chunked sends a body without saying how long it is.
	chunked := func(t *testing.T, body string) answer {
		req, err := http.NewRequestWithContext(t.Context(), "POST", s.Base+"/api/count", io.MultiReader(strings.NewReader(body)))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := testkit.Client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer{Status: resp.StatusCode, Header: resp.Header, Body: string(text)}
	}
	whole := func(t *testing.T, body string) answer { return testkit.Send(t, "POST", s.Base+"/api/count", body) }
	for _, row := range []struct {
		name string
		send func(*testing.T, string) answer
		size int
		ok   bool
	}{
		{"the most", whole, most, true},
		{"one more", whole, most + 1, false},
		{"twice the most", whole, 2 * most, false},
		{"the most, chunked", chunked, most, true},
		{"one more, chunked", chunked, most + 1, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			a := row.send(t, of(row.size))
			if row.ok && a.Status != 200 {
				t.Errorf("%d %s", a.Status, a.Body)
			}
			if !row.ok {
				wantError(t, a, 413, message)
			}
		})
	}
	t.Run("no JSON either", func(t *testing.T) {
		wantError(t, whole(t, strings.Repeat("x", most+1)), 413, message)
	})
	t.Run("of a lookup", func(t *testing.T) {
		a := testkit.Send(t, "POST", s.Base+"/api/bots/"+someBot+"/lookup", "{"+strings.Repeat(" ", most)+"}")
		wantError(t, a, 413, message)
	})
}

func TestCountLegacyIDs(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.boot(t)
	for _, row := range []struct{ name, tokens, list, token string }{
		{"alone", `"old.test":"legacy"`, "one.test", "legacy"},
		{"through a chain", `"older.test":"chained"`, "one.test", "chained"},
		{"current after legacy", `"old.test":"legacy","one.test":"current"`, "one.test", "current"},
		{"current before legacy", `"one.test":"current","old.test":"legacy"`, "one.test", "current"},
		{"current is empty", `"one.test":"","old.test":"legacy"`, "one.test", "legacy"},
		{"current is null", `"old.test":"legacy","one.test":null`, "one.test", "legacy"},
		{"current is white space", `"old.test":"legacy","one.test":" \t"`, "one.test", "legacy"},
		{"legacy is blank", `"one.test":"current","old.test":""`, "one.test", "current"},
		{"two legacy ids", `"old.test":"first","formerly.test":"second"`, "one.test", "second"},
		{"two legacy ids in other order", `"formerly.test":"first","old.test":"second"`, "one.test", "second"},
		{"two legacy ids, the later blank", `"formerly.test":"first","old.test":""`, "one.test", "first"},
		{"a living list's own id", `"two.test":"own"`, "two.test", "own"},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := s.post(t, countBody(someBot, row.tokens))
			seen := r.Only(t)
			if seen.List != row.list || seen.Header.Get("Authorization") != row.token {
				t.Errorf("asked %s with %q, want %s with %q", seen.List, seen.Header.Get("Authorization"), row.list, row.token)
			}
			if got := sortedIDs(c.Success); !slices.Equal(got, []string{row.list}) || len(c.Failure) > 0 {
				t.Errorf("answer %s, want %s alone", c.raw, row.list)
			}
			wantKeys(t, "the answer", keys(t, c.raw), "success", "failure")
		})
	}
}

func TestCountSkipped(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.boot(t)
	for _, row := range []struct{ name, id, token, why string }{ // why: a regular expression
		{"unknown", "elsewhere.example", `"t"`, `^Unknown list$`},
		{"misspelt", "oen.test", `"t"`, `^Unknown list, did you mean "one\.test"\?$`},
		{"legacy id of no list", "gone.test", `"t"`, `^Unknown list`},
		{"defunct", "dead.test", `"t"`, `^Defunct`},
		{"defunct without a token", "dead.test", `null`, `^Defunct`},
		{"legacy id of a defunct list", "olddead.test", `"t"`, `^Defunct`},
		{"no API", "nothing.test", `"t"`, `^No post API`},
		{"no API for counts", "none.test", `"t"`, `^No post API.*counts are read from Discord`},
		{"null", "one.test", `null`, `^No token$`},
		{"empty", "one.test", `""`, `^No token$`},
		{"white space", "one.test", `" \t "`, `^No token$`},
		{"empty object", "one.test", `{}`, `^(No token|Bad token: )`},
		{"number", "one.test", `5`, `^Bad token: .*string`},
		{"true", "one.test", `true`, `^Bad token: .*string`},
		{"array", "one.test", `["t"]`, `^Bad token: .*string`},
		{"line break", "one.test", `"to\nken"`, `^Bad token: .*header`},
		{"control character", "one.test", `"to\u0001ken"`, `^Bad token: .*header`},
		{"NUL", "one.test", `"to\u0000ken"`, `^Bad token: .*header`},
		{"DEL", "one.test", `"to\u007fken"`, `^Bad token: .*header`},
		{"number of the bot is missing", "numbered.test", `"token"`, `^Bad token: .*NUMBER:token.*bot_id`},
		{"number of the bot is none", "numbered.test", `"x1:token"`, `^Bad token: `},
		{"number without a token", "numbered.test", `"42:"`, `^(No token|Bad token: )`},
		{"object with a bad number", "numbered.test", `{"token":"token","bot_id":"x"}`, `^Bad token: `},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := s.post(t, countBody(someBot, fmt.Sprintf("%q:%s", row.id, row.token)))
			why, ok := c.Skipped[row.id]
			if !ok || len(c.Skipped) != 1 || !regexp.MustCompile(row.why).MatchString(why) {
				t.Errorf("skipped %q, want %s: %s", c.Skipped, row.id, row.why)
			}
			wantKeys(t, "the answer", keys(t, c.raw), "success", "failure", "skipped")
			if len(c.Success)+len(c.Failure) > 0 {
				t.Errorf("answer %s, want no list", c.raw)
			}
		})
	}
	t.Run("each beside those asked", func(t *testing.T) {
		r.Take()
		c := s.post(t, countBody(someBot, `"one.test":"t","dead.test":"t","two.test":null,"old.test":"","nowhere":1`))
		if got := sortedIDs(c.Skipped); !slices.Equal(got, []string{"dead.test", "nowhere", "two.test"}) {
			t.Errorf("skipped %q", c.Skipped)
		}
		if r.Only(t).List != "one.test" {
			t.Error("one.test was not asked")
		}
	})
	t.Run("both ids of a list blank", func(t *testing.T) {
		c := s.post(t, countBody(someBot, `"one.test":"","old.test":null`))
		if got := sortedIDs(c.Skipped); !slices.Equal(got, []string{"old.test", "one.test"}) {
			t.Errorf("skipped %q", c.Skipped)
		}
	})
}

func TestCountHeldBack(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.boot(t)
	until := func(t *testing.T, why string) time.Time {
		t.Helper()
		at, ok := strings.CutPrefix(why, "Paced: next post at ")
		next, err := time.Parse("2006-01-02T15:04:05Z", at)
		if !ok || err != nil {
			t.Fatalf("skipped %q", why)
		}
		return next
	}
	t.Run("a list's interval", func(t *testing.T) {
		bot, before := newBot(), time.Now()
		if c := s.post(t, countBody(bot, `"paced.test":"a"`)); c.Success["paced.test"].status != 200 {
			t.Fatal(c.raw)
		}
		c := s.post(t, countBody(bot, `"paced.test":"a","one.test":"a"`))
		if next := until(t, c.Skipped["paced.test"]); next.Before(before.Add(time.Hour)) || next.After(time.Now().Add(time.Hour+time.Minute)) {
			t.Errorf("next post at %s, posted at %s", next, before)
		}
		if len(c.Success) != 1 || c.Success["one.test"].status != 200 {
			t.Error("one.test must be asked all the same:", c.raw)
		}
		if c := s.post(t, countBody(newBot(), `"paced.test":"b"`)); len(c.Success) != 1 {
			t.Error("another token must pass:", c.raw)
		}
	})
	t.Run("a 429 with Retry-After", func(t *testing.T) {
		r.On("two.test", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "100")
			w.WriteHeader(429)
		})
		defer r.On("two.test", nil)
		bot, before := newBot(), time.Now()
		if c := s.post(t, countBody(bot, `"two.test":"slow"`)); c.Failure["two.test"].status != 429 {
			t.Fatal(c.raw)
		}
		c := s.post(t, countBody(bot, `"two.test":"slow"`))
		if next := until(t, c.Skipped["two.test"]); next.Before(before.Add(99*time.Second)) || next.After(time.Now().Add(102*time.Second)) {
			t.Errorf("next post at %s, refused at %s", next, before)
		}
	})
	t.Run("garbage holds no one else", func(t *testing.T) {
		r.On("paced.test", testkit.Say(401, "text/plain", "who are you?"))
		bot := newBot()
		s.post(t, countBody(bot, `"paced.test":"garbage"`))
		r.On("paced.test", nil)
		if c := s.post(t, countBody(bot, `"paced.test":"mine"`)); len(c.Success) != 1 {
			t.Error(c.raw)
		}
	})
	t.Run("a revoked token", func(t *testing.T) {
		r.On("revoking.test", testkit.Say(403, "text/plain", "revoked"))
		bot := newBot()
		if c := s.post(t, countBody(bot, `"revoking.test":"old"`)); c.Failure["revoking.test"].status != 403 {
			t.Fatal(c.raw)
		}
		r.On("revoking.test", nil)
		r.Take()
		if c := s.post(t, countBody(bot, `"revoking.test":"old"`)); !strings.HasPrefix(c.Skipped["revoking.test"], "Revoked: ") {
			t.Error(c.raw)
		}
		if seen := r.Take(); len(seen) > 0 {
			t.Errorf("asked with a revoked token: %+v", seen)
		}
		if c := s.post(t, countBody(bot, `"revoking.test":"new"`)); len(c.Success) != 1 {
			t.Error(c.raw)
		}
	})
}

func TestCountFields(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.boot(t)
	for _, row := range []struct{ name, list, fields, sent string }{
		{"no shards", "array.test", ``, `{"server_count":5}`},
		{"shard fields null", "array.test", `"shard_id":null,"shard_count":null,"shards":null`, `{"server_count":5}`},
		{"no shard in shards", "array.test", `"shards":[]`, `{"server_count":5}`},
		{"0, 0, null", "array.test", `"shard_id":0,"shard_count":0,"shards":null`, `{"server_count":5}`},
		{"shard_count 0", "array.test", `"shard_id":3,"shard_count":0`, `{"server_count":5}`},
		{"shard_id 0", "array.test", `"shard_id":0,"shard_count":2`, `{"server_count":5,"shard_id":0,"shard_count":2}`},
		{"shard_count alone", "array.test", `"shard_count":2`, `{"server_count":5,"shard_count":2}`},
		{"array list: shards", "array.test", `"shards":[1,4]`, `{"shards":[1,4]}`},
		{"array list: all", "array.test", `"shards":[1,4.0],"shard_id":0,"shard_count":2`, `{"shards":[1,4],"shard_id":0,"shard_count":2}`},
		{"array list: a shard of 0", "array.test", `"shards":[0,5],"shard_id":0,"shard_count":2`, `{"shards":[0,5],"shard_id":0,"shard_count":2}`},
		{"array list: shards below the count", "array.test", `"shards":[0,1],"shard_id":0,"shard_count":2`, `{"server_count":5,"shard_count":2}`},
		{"array list: shards, not sharded", "array.test", `"shards":[5],"shard_id":0,"shard_count":0`, `{"shards":[5]}`},
		{"array under the count's name", "same.test", `"shards":[1,4]`, `{"server_count":[1,4]}`},
		{"count under the array's name", "same.test", `"shards":[]`, `{"server_count":5}`},
		{"per-shard list: no shards", "per.test", `"shard_id":1,"shard_count":2`, `{"guilds":5,"shardId":1,"shardCount":2}`},
		{"per-shard list: the total of all shards", "per.test", `"shards":[1,4],"shard_id":1,"shard_count":2`, `{"guilds":5,"shardCount":2}`},
		{"per-shard list: the first", "per.test", `"shards":[1,4],"shard_id":0,"shard_count":2`, `{"guilds":5,"shardCount":2}`},
		{"per-shard list: no shard_id", "per.test", `"shards":[1,4],"shard_count":2`, `{"guilds":5,"shardCount":2}`},
		{"per-shard list: shard_id beyond", "per.test", `"shards":[1,4],"shard_id":2`, `{"guilds":5}`},
		{"per-shard list: not sharded", "per.test", `"shards":[4],"shard_id":0,"shard_count":0`, `{"guilds":5}`},
		{"total list: shards", "one.test", `"shards":[1,4],"shard_id":1,"shard_count":2`, `{"server_count":5}`},
		{"list of total and shard_count", "count.test", `"shards":[1,4],"shard_id":1,"shard_count":2`, `{"servers":5,"shards":2}`},
		{"dots nest", "nest.test", `"shard_id":1,"shard_count":2`, `{"bot":{"count":5,"shard":{"id":1,"count":2}}}`},
		{"dots nest what there is", "nest.test", ``, `{"bot":{"count":5}}`},
		{"users and voice", "users.test", `"user_count":70,"voice_connections":3`, `{"guilds":5,"users":70,"voice":3}`},
		{"users 0, voice null", "users.test", `"user_count":0,"voice_connections":null`, `{"guilds":5,"users":0}`},
		{"users to a list that takes none", "one.test", `"user_count":70,"voice_connections":3`, `{"server_count":5}`},
		{"hidden list", "hidden.test", ``, `{"server_count":5}`},
	} {
		t.Run(row.name, func(t *testing.T) {
			if row.fields != "" {
				row.fields += ","
			}
			c := s.post(t, countBody(someBot, row.fields+`"`+row.list+`":"t"`))
			seen := r.Only(t)
			wantJSON(t, "sent", seen.Body, row.sent)
			wantJSON(t, "sent as answered", c.Success[row.list].sent, row.sent)
		})
	}
}

func TestCountRequests(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.boot(t)
	for _, row := range []struct{ name, tokens, method, uri, kind, authorization, body, sent string }{
		{"plain", `"one.test":"t"`, "POST", "/one.test/bots/ID", "application/json", "t", `{"server_count":5}`, `{"server_count":5}`},
		{"PATCH", `"nest.test":"t"`, "PATCH", "/nest.test/bots/ID", "application/json", "t", `{"bot":{"count":5}}`, `{"bot":{"count":5}}`},
		{"form with the token in it", `"form.test":"se cret"`, "POST", "/form.test/bots/ID", "application/x-www-form-urlencoded", "", `count=5&key=se+cret`, `count=5&key=***`},
		{"query, and an empty body", `"query.test":"se&cret"`, "POST", "/query.test/bots/ID?v=1&count=5&key=se%26cret", "", "", ``, `count=5`},
		{"prefix", `"prefix.test":"t"`, "POST", "/prefix.test/bots/ID", "application/json", "Bearer t", `{"server_count":5}`, `{"server_count":5}`},
		{"prefix that is there", `"prefix.test":"bearer t"`, "POST", "/prefix.test/bots/ID", "application/json", "bearer t", `{"server_count":5}`, `{"server_count":5}`},
		{"prefix where none is asked for", `"one.test":"Bot t"`, "POST", "/one.test/bots/ID", "application/json", "Bot t", `{"server_count":5}`, `{"server_count":5}`},
		{"emoji", `"one.test":"tok😀"`, "POST", "/one.test/bots/ID", "application/json", "tok😀", `{"server_count":5}`, `{"server_count":5}`},
		{"token as an object", `"one.test":{"token":"t"}`, "POST", "/one.test/bots/ID", "application/json", "t", `{"server_count":5}`, `{"server_count":5}`},
		{"bot number in an object", `"numbered.test":{"token":"t","bot_id":"42"}`, "POST", "/numbered.test/bots/42", "application/json", "t", `{"server_count":5,"id":42}`, `{"server_count":5,"id":42}`},
		{"bot number as a number", `"numbered.test":{"token":"t","bot_id":42}`, "POST", "/numbered.test/bots/42", "application/json", "t", `{"server_count":5,"id":42}`, `{"server_count":5,"id":42}`},
		{"bot number in a string", `"numbered.test":"42:t:u"`, "POST", "/numbered.test/bots/42", "application/json", "t:u", `{"server_count":5,"id":42}`, `{"server_count":5,"id":42}`},
		{"colon where bots have no numbers", `"one.test":"42:t"`, "POST", "/one.test/bots/ID", "application/json", "42:t", `{"server_count":5}`, `{"server_count":5}`},
		{"in tokens", `"tokens":{"one.test":"nested"}`, "POST", "/one.test/bots/ID", "application/json", "nested", `{"server_count":5}`, `{"server_count":5}`},
		{"legacy id in tokens", `"tokens":{"old.test":"nested"}`, "POST", "/one.test/bots/ID", "application/json", "nested", `{"server_count":5}`, `{"server_count":5}`},
		{"top before tokens", `"one.test":"top","tokens":{"one.test":"nested"}`, "POST", "/one.test/bots/ID", "application/json", "top", `{"server_count":5}`, `{"server_count":5}`},
		{"top after tokens", `"tokens":{"one.test":"nested"},"one.test":"top"`, "POST", "/one.test/bots/ID", "application/json", "top", `{"server_count":5}`, `{"server_count":5}`},
	} {
		t.Run(row.name, func(t *testing.T) {
			bot := newBot()
			c := s.post(t, countBody(bot, row.tokens))
			seen := r.Only(t)
			if seen.Method != row.method || seen.URI != strings.ReplaceAll(row.uri, "ID", bot) {
				t.Errorf("asked %s %s, want %s %s", seen.Method, seen.URI, row.method, row.uri)
			}
			if _, has := seen.Header["Content-Type"]; seen.Header.Get("Content-Type") != row.kind || has != (row.kind != "") {
				t.Errorf("Content-Type %q, want %q", seen.Header["Content-Type"], row.kind)
			}
			if got := seen.Header.Get("Authorization"); got != row.authorization {
				t.Errorf("Authorization %q, want %q", got, row.authorization)
			}
			if seen.Body != row.body {
				wantJSON(t, "body", seen.Body, row.body)
			}
			if got := c.Success[seen.List].sent; got != row.sent {
				wantJSON(t, "sent as answered", got, row.sent)
			}
		})
	}
}

func TestCountHeaders(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.boot(t)
	bot := newBot()
	for _, row := range []struct{ name, list, caller, sent string }{ // sent: a regular expression
		{"caller's", "one.test", "MyBot/1.2 (https://bot.example)", `^MyBot/1\.2 \(https://bot\.example\)$`},
		{"our own", "one.test", "", `(?i)^botlist-aggregator/`},
		{"the list's", "ua.test", "MyBot/1.2", "^Bot/" + bot + "$"},
	} {
		t.Run("User-Agent: "+row.name, func(t *testing.T) {
			s.post(t, countBody(bot, `"`+row.list+`":"t"`), "User-Agent", row.caller)
			if got := r.Only(t).Header["User-Agent"]; len(got) != 1 || !regexp.MustCompile(row.sent).MatchString(got[0]) {
				t.Errorf("%q, want %s", got, row.sent)
			}
		})
	}
	t.Run("nothing else of the caller's is passed on", func(t *testing.T) {
		headers := []string{"Authorization", "mine", "Cookie", "a=b", "X-Forwarded-For", "192.0.2.1", "Forwarded", "for=192.0.2.1",
			"X-Real-IP", "192.0.2.1", "Referer", "https://bot.example", "Origin", "https://bot.example", "X-Other", "x", "Accept", "text/html"}
		s.post(t, countBody(bot, `"one.test":"t"`), headers...)
		posted := r.Only(t)
		if got := posted.Header["Authorization"]; !slices.Equal(got, []string{"t"}) {
			t.Errorf("Authorization %q", got)
		}
		testkit.Send(t, "GET", s.Base+"/api/bots/"+bot, "", headers...)
		for _, seen := range append(r.Take(), posted) {
			for name := range seen.Header {
				if !slices.Contains([]string{"Accept-Encoding", "Authorization", "Content-Length", "Content-Type", "User-Agent"}, name) ||
					name == "Authorization" && seen.Method == "GET" {
					t.Errorf("%s %s: got %s: %q", seen.Method, seen.URI, name, seen.Header[name])
				}
			}
		}
	})
}

func TestCountAnswers(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.boot(t)
	const html = "<!DOCTYPE html><html><body>This domain is for sale</body></html>"
	for _, row := range []struct {
		name, list string
		answer     http.HandlerFunc
		ok         bool
		status     int
		text       string
	}{
		{"200", "one.test", testkit.Say(200, "text/plain", "thanks"), true, 200, "thanks"},
		{"204", "one.test", testkit.Redirect(204, ""), true, 204, ""},
		{"299", "one.test", testkit.Say(299, "text/plain", ""), true, 299, ""},
		{"400", "one.test", testkit.Say(400, "application/json", `{"error":"no"}`), false, 400, `{"error":"no"}`},
		{"401", "one.test", testkit.Say(401, "text/plain", "who?"), false, 401, "who?"},
		{"500", "one.test", testkit.Say(500, "text/plain", "oops"), false, 500, "oops"},
		{"JSON stays text", "one.test", testkit.Say(200, "application/json", `{"n":1.0,"big":12345678901234567890}`), true, 200, `{"n":1.0,"big":12345678901234567890}`},
		{"HTML page", "one.test", testkit.Say(200, "text/html; charset=utf-8", html), false, 200, html},
		{"HTML page that says it is JSON", "one.test", testkit.Say(200, "application/json", "\n"+html), false, 200, "\n" + html},
		{"flag true", "flag.test", testkit.Say(200, "application/json", `{"result":{"ok":true}}`), true, 200, `{"result":{"ok":true}}`},
		{"flag false", "flag.test", testkit.Say(200, "application/json", `{"result":{"ok":false}}`), false, 200, `{"result":{"ok":false}}`},
		{"flag missing", "flag.test", testkit.Say(200, "application/json", `{}`), false, 200, `{}`},
		{"flag of another type", "flag.test", testkit.Say(200, "application/json", `{"result":{"ok":"true"}}`), false, 200, `{"result":{"ok":"true"}}`},
		{"flag true and status 400", "flag.test", testkit.Say(400, "application/json", `{"result":{"ok":true}}`), false, 400, `{"result":{"ok":true}}`},
		{"bad UTF-8", "one.test", testkit.Say(200, "text/plain", "a\xffb\xc3"), true, 200, "a\ufffdb\ufffd"},
		{"emoji", "one.test", testkit.Say(200, "text/plain", "👍 <&>\u2028"), true, 200, "👍 <&>\u2028"},
		{"gzip", "one.test", zipped(200, "packed"), true, 200, "packed"},
		{"token", "one.test", testkit.Say(200, "text/plain", "hello secret-token!"), true, 200, "hello ***!"},
		{"token in a failure", "one.test", testkit.Say(401, "application/json", `{"key":"secret-token"}`), false, 401, `{"key":"***"}`},
		{"token of a prefix", "prefix.test", testkit.Say(401, "text/plain", "no such key: secret-token"), false, 401, "no such key: ***"},
	} {
		t.Run(row.name, func(t *testing.T) {
			r.On(row.list, row.answer)
			c := s.post(t, countBody(newBot(), `"`+row.list+`":"secret-token"`))
			got, ok := c.Success[row.list]
			if !ok {
				got = c.Failure[row.list]
			}
			if len(c.Success)+len(c.Failure) != 1 || ok != row.ok || got.status != row.status || got.text != row.text {
				t.Errorf("success %v, %d %q\nwant %v, %d %q", ok, got.status, got.text, row.ok, row.status, row.text)
			}
			wantJSON(t, "sent", got.sent, `{"server_count":5}`)
		})
	}
}

// TestCountHidesEchoes has lists repeat the token in the ways programs do.
func TestCountHidesEchoes(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.boot(t)
	for _, row := range []struct{ name, list, token, echo, text string }{
		{"as it is", "one.test", `se/cr+et="tok"`, `<se/cr+et="tok">`, `<***>`},
		{"twice", "one.test", `secret-token`, `secret-token,secret-token`, `***,***`},
		{"in a query", "one.test", `se/cr+et=tok`, `?key=se%2Fcr%2Bet%3Dtok&x`, `?key=***&x`},
		{"in a path", "one.test", `se cret?tok`, `/se%20cret%3Ftok/`, `/***/`},
		{"as JSON", "one.test", `se"cr\et-tok`, `{"k":"se\"cr\\et-tok"}`, `{"k":"***"}`},
		{"as JSON with slashes escaped", "one.test", `se/cret/tok`, `{"k":"se\/cret\/tok"}`, `{"k":"***"}`},
		{"with its prefix", "one.test", `Bot secret-token`, `bad: Bot secret-token`, `bad: ***`},
		{"without the prefix the caller gave", "prefix.test", `Bearer secret-token`, `bad: secret-token`, `bad: ***`},
		{"with the prefix the caller left out", "prefix.test", `secret-token`, `bad: Bearer secret-token`, `bad: Bearer ***`},
		{"without its number", "numbered.test", `42:secret-token`, `42: bad secret-token`, `42: bad ***`},
		{"short", "one.test", `abc`, `bad key abc, abcd`, `bad key ***, abcd`},
	} {
		t.Run(row.name, func(t *testing.T) {
			r.On(row.list, testkit.Say(401, "text/plain", row.echo))
			c := s.post(t, countBody(newBot(), `"`+row.list+`":`+quoted(row.token)))
			if got := c.Failure[row.list].text; got != row.text {
				t.Errorf("%q, want %q", got, row.text)
			}
		})
	}
}

func TestCountRedirects(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.boot(t)
	var others atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { others.Add(1) }))
	t.Cleanup(other.Close)
	for _, row := range []struct {
		status       int
		location, to string
	}{
		{301, other.URL + "/new", other.URL + "/new"},
		{302, other.URL + "/new", other.URL + "/new"},
		{303, other.URL + "/new", other.URL + "/new"},
		{307, other.URL + "/new", other.URL + "/new"},
		{308, other.URL + "/new", other.URL + "/new"},
		{301, "/one.test/elsewhere", "http://" + r.Addr + "/one.test/elsewhere"},
		{301, "https://list.example/x", "https://list.example/x"},
		{302, "/login?key=secret-token", "http://" + r.Addr + "/login?key=***"},
	} {
		t.Run(fmt.Sprint(row.status, " ", row.to), func(t *testing.T) {
			r.On("one.test", testkit.Redirect(row.status, row.location))
			c := s.post(t, countBody(newBot(), `"one.test":"secret-token"`))
			want := result{row.status, "Redirected to " + row.to, `{"server_count":5}`}
			if got := c.Failure["one.test"]; got != want {
				t.Errorf("%+v, want %+v", got, want)
			}
			r.Only(t)
		})
	}
	if n := others.Load(); n > 0 {
		t.Errorf("the other origin was asked %d times", n)
	}
}

// zipped is a gzipped answer.
func zipped(status int, text string) http.HandlerFunc {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, _ = io.WriteString(w, text)
	_ = w.Close()
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.WriteHeader(status)
		_, _ = w.Write(packed.Bytes())
	}
}

// hangUp closes the connection before an answer.
func hangUp(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// cutShort ends an answer before its announced end.
func cutShort(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	_, _ = io.WriteString(w, "so far")
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// size answers text of a size, with or without saying how long it is.
func size(n int, said bool) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if said {
			w.Header().Set("Content-Length", strconv.Itoa(n))
		}
		_, _ = io.WriteString(w, strings.Repeat("x", n))
	}
}

func TestCountWithoutAnswer(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.boot(t)
	const most = 512 << 10
	r.On("array.test", testkit.Hang)
	r.On("count.test", testkit.Reset)
	r.On("hidden.test", cutShort)
	r.On("nest.test", size(most+1, true))
	r.On("one.test", size(most+1, false))
	r.On("per.test", zipped(200, strings.Repeat("x", 4<<20)))
	r.On("same.test", size(most, true))
	r.On("two.test", zipped(200, strings.Repeat("x", most)))
	r.On("ua.test", hangUp)
	r.On("users.test", func(w http.ResponseWriter, q *http.Request) {
		_, _ = io.WriteString(w, "so far")
		_ = http.NewResponseController(w).Flush()
		testkit.Hang(w, q)
	})
	start := time.Now()
	c := s.post(t, countBody(newBot(), `"array.test":"t","count.test":"t","hidden.test":"t","nest.test":"t","one.test":"t","per.test":"t",
		"same.test":"t","two.test":"t","ua.test":"t","users.test":"t","refused.test":"secret-token","tls.test":"t","dns.test":"t"`))
	if took := time.Since(start); took < 10*time.Second || took > 18*time.Second {
		t.Errorf("answered after %s, want 10s", took)
	}
	for _, row := range []struct{ name, list, text string }{ // text: a regular expression
		{"timeout", "array.test", `^Timeout after 10s$`},
		{"timeout in the answer", "users.test", `^Timeout after 10s$`},
		{"reset", "count.test", `^Connection reset`},
		{"closed", "ua.test", `^Connection (closed|reset)`},
		{"cut short", "hidden.test", `^Answer cut short$`},
		{"too large", "nest.test", `^Answer larger than 512 KiB$`},
		{"too large, chunked", "one.test", `^Answer larger than 512 KiB$`},
		{"too large when unpacked", "per.test", `^Answer larger than 512 KiB$`},
		{"refused", "refused.test", `^Connection refused$`},
		{"TLS", "tls.test", `^TLS failed`},
		{"DNS", "dns.test", `(?i)^(no such host|host name)`},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, ok := c.Failure[row.list]
			if !ok || got.status != -1 || !regexp.MustCompile(row.text).MatchString(got.text) {
				t.Errorf("%+v, want %s", got, row.text)
			}
			if got.sent == "" {
				t.Error("what was sent is missing")
			}
		})
	}
	for _, list := range []string{"same.test", "two.test"} {
		if got := c.Success[list]; got.status != 200 || len(got.text) != most {
			t.Errorf("%s: %d with %d bytes, want 200 with %d", list, got.status, len(got.text), most)
		}
	}
	if strings.Contains(c.raw, "secret-token") {
		t.Error("the answer shows a token")
	}
}

func TestCountOrder(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.boot(t)
	for _, list := range []string{"array.test", "one.test", "users.test"} {
		r.On(list, testkit.Say(500, "text/plain", "no"))
	}
	c := s.post(t, countBody(newBot(), `"users.test":"t","two.test":"t","one.test":"t","older.test":"t","hidden.test":"t","count.test":"t","array.test":"t"`))
	wantKeys(t, "the answer", keys(t, c.raw), "success", "failure")
	wantKeys(t, "success", keys(t, member(t, c.raw, "success")), "count.test", "hidden.test", "two.test")
	wantKeys(t, "failure", keys(t, member(t, c.raw, "failure")), "array.test", "one.test", "users.test")

	for _, empty := range []string{countBody(newBot(), ``), countBody(newBot(), `"tokens":{}`)} {
		c := s.post(t, empty)
		wantKeys(t, "no list", keys(t, c.raw), "success", "failure", "hint")
		if !strings.Contains(c.raw, `"success":{},"failure":{}`) || !strings.Contains(c.raw, "No list is named") {
			t.Errorf("no list: %s, want empty maps and a hint", c.raw)
		}
	}
}

func TestCountDryRun(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.bootLimited(t)
	bot := newBot()
	const tokens = `"one.test":"secret-one","query.test":"secret-two","form.test":"secret-three","prefix.test":"secret-four","dead.test":"secret-five","two.test":null`
	for range 2 { // no window is used
		a := testkit.Send(t, "POST", s.Base+"/api/count?dry_run=1", countBody(bot, tokens), "User-Agent", "MyBot/1")
		if a.Status != 200 {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
		if a.Header.Get("RateLimit") != "" {
			t.Error("tells of a window that was not used")
		}
		if strings.Contains(a.Body, "secret") {
			t.Errorf("shows a token: %s", a.Body)
		}
		wantKeys(t, "the answer", keys(t, a.Body), "dry_run", "requests", "skipped")
		wantJSON(t, "dry_run", member(t, a.Body, "dry_run"), "true")
		requests := member(t, a.Body, "requests")
		wantKeys(t, "requests", keys(t, requests), "form.test", "one.test", "prefix.test", "query.test")
		at := "http://" + r.Addr
		wantJSON(t, "one.test", member(t, requests, "one.test"), `{"method":"POST","url":"`+at+`/one.test/bots/`+bot+`",
			"headers":{"Content-Type":"application/json","Authorization":"***","User-Agent":"MyBot/1"},"body":"{\"server_count\":5}"}`)
		for _, row := range []struct{ list, key, want string }{
			{"query.test", "url", at + "/query.test/bots/" + bot + "?v=1&count=5&key=***"},
			{"query.test", "body", ""},
			{"form.test", "body", "count=5&key=***"},
		} {
			wantJSON(t, row.list+" "+row.key, member(t, member(t, requests, row.list), row.key), quoted(row.want))
		}
		wantJSON(t, "prefix.test", member(t, member(t, member(t, requests, "prefix.test"), "headers"), "Authorization"), `"Bearer ***"`)
		skipped := member(t, a.Body, "skipped")
		if got := keys(t, skipped); len(got) != 2 {
			t.Errorf("skipped %s", skipped)
		}
	}
	if seen := r.Take(); len(seen) > 0 {
		t.Errorf("lists were asked: %+v", seen)
	}
	s.post(t, countBody(bot, `"one.test":"t"`))
	if a := testkit.Send(t, "POST", s.Base+"/api/count?dry_run=1", countBody(bot, tokens)); a.Status != 200 {
		t.Errorf("in a window: %d %s", a.Status, a.Body)
	}
}

func TestCountReusesConnections(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.boot(t)
	for range 20 {
		s.post(t, countBody(newBot(), `"one.test":"t"`))
	}
	from := map[string]int{}
	for _, seen := range r.Take() {
		from[seen.From]++
	}
	if len(from) != 1 {
		t.Errorf("20 posts over %d connections: %v", len(from), from)
	}
}

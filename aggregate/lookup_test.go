package aggregate_test

import (
	"slices"
	"strings"
	"testing"

	"aggregator/aggregate"
	"aggregator/httpapi"
	"aggregator/lists"
)

const readLists = `
lists:
  free.test:
    name: Free
    url: "https://free.test/"
    api_get: "https://free.test/:id"
  gone.test:
    name: Gone
    url: "https://gone.test/"
    defunct: 1
    api_get: "https://gone.test/:id"
  key.test:
    name: Key
    url: "https://key.test/"
    get:
      url: "https://key.test/:id"
      auth: {prefix: "Bearer "}
  number.test:
    name: Number
    url: "https://number.test/"
    get:
      url: "https://number.test/bots/:list_bot_id"
      auth: {}
  post.test:
    name: Post
    url: "https://post.test/"
    api_post: "https://post.test/:id"
    api_field: n
  query.test:
    name: Query
    url: "https://query.test/"
    get:
      url: "https://query.test/:id"
      auth: {in: query, name: key}
`

// lookup reads a bot with the tokens of a body, and answers what was sent, as
// URL and Authorization of each call, and what was skipped.
func lookup(t *testing.T, d *desk, tokens string) (sent []string, answer aggregate.BotAnswer) {
	t.Helper()
	own, err := httpapi.ParseTokens([]byte(tokens))
	if err != nil {
		t.Fatal(err)
	}
	said := d.answer
	d.answer = func(c lists.Call) lists.Answer {
		r := c.Wire()
		line := r.URL
		for _, h := range r.Header {
			if h.Name == "Authorization" {
				line += " " + h.Value
			}
		}
		sent = append(sent, line)
		return said(c)
	}
	answer, err = d.Bot(t.Context(), aggregate.BotRequest{BotID: firstBot, Tokens: own}, caller(1))
	if err != nil {
		t.Fatal(err)
	}
	return sent, answer
}

func TestLookup(t *testing.T) {
	t.Parallel()
	const (
		free     = "https://free.test/" + firstBot
		key      = "https://key.test/" + firstBot
		query    = "https://query.test/" + firstBot
		numbers  = `Bad token: number.test numbers bots itself; send "NUMBER:token" or {"token": "token", "bot_id": "NUMBER"} with its number of your bot`
		noKey    = "key.test: No key, number.test: No key, query.test: No key"
		noOthers = "number.test: No key, query.test: No key"
	)
	operator := map[string]lists.Token{"key.test": lists.NewToken("operators", "")}
	for _, tt := range []struct {
		name     string
		operator map[string]lists.Token
		tokens   string
		sent     []string
		skipped  string
	}{
		{"no keys", nil, `{}`, []string{free}, noKey},
		{"the caller's key", nil, `{"key.test":"mine"}`, []string{free, key + " Bearer mine"}, noOthers},
		{"the caller's key in tokens", nil, `{"tokens":{"key.test":"mine"}}`, []string{free, key + " Bearer mine"}, noOthers},
		{"a key that carries its prefix", nil, `{"key.test":"bearer mine"}`, []string{free, key + " bearer mine"}, noOthers},
		{"a key in the query", nil, `{"query.test":"m&e"}`, []string{free, query + "?key=m%26e"}, "key.test: No key, number.test: No key"},
		{"keys for all", nil, `{"query.test":"c","number.test":"42:b","key.test":"a"}`,
			[]string{free, key + " Bearer a", "https://number.test/bots/42 b", query + "?key=c"}, ""},
		{"the operator's key", operator, `{}`, []string{free, key + " Bearer operators"}, noOthers},
		{"the caller's key before the operator's", operator, `{"key.test":"mine"}`, []string{free, key + " Bearer mine"}, noOthers},

		{"number and token", nil, `{"number.test":"42:mine"}`, []string{free, "https://number.test/bots/42 mine"}, "key.test: No key, query.test: No key"},
		{"number and token as an object", nil, `{"number.test":{"token":"mine","bot_id":42}}`, []string{free, "https://number.test/bots/42 mine"}, "key.test: No key, query.test: No key"},
		{"number missing", nil, `{"number.test":"mine"}`, []string{free}, "number.test: " + numbers + ", key.test: No key, query.test: No key"},
		{"number is none", nil, `{"number.test":"x:mine"}`, []string{free}, "number.test: " + numbers + ", key.test: No key, query.test: No key"},

		{"null", nil, `{"key.test":null}`, []string{free}, "key.test: No token, " + noOthers},
		{"blank", nil, `{"key.test":" "}`, []string{free}, "key.test: No token, " + noOthers},
		{"no string", nil, `{"key.test":5}`, []string{free}, "key.test: Bad token: must be a string, " + noOthers},
		{"a line break in it", nil, `{"key.test":"a\nb"}`, []string{free}, "key.test: Bad token: holds a character that no header can carry, " + noOthers},
		{"unknown list", nil, `{"zzz":"t"}`, []string{free}, "zzz: Unknown list, " + noKey},
		{"misspelled list", nil, `{"kye.test":"t"}`, []string{free}, `kye.test: Unknown list, did you mean "key.test"?, ` + noKey},
		{"defunct list", nil, `{"gone.test":"t"}`, []string{free}, "gone.test: Defunct, " + noKey},
		{"list that is not read", nil, `{"post.test":"t"}`, []string{free}, "post.test: No get API, " + noKey},
		{"list that needs no key gets none", nil, `{"free.test":"t"}`, []string{free}, noKey},
		{"fields of a count are no lists", nil, `{"bot_id":"x","server_count":"y","shards":null}`, []string{free}, noKey},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, deskOptions{onListed: readLists, keys: tt.operator})
			sent, answer := lookup(t, d, tt.tokens)
			if !slices.Equal(sent, tt.sent) || skips(answer.Skipped) != tt.skipped {
				t.Errorf("sent %q\nwant %q\nskipped %s\nwant    %s", sent, tt.sent, skips(answer.Skipped), tt.skipped)
			}
		})
	}
}

// What one caller's key opens is for that caller alone.
func TestLookupIsNotShared(t *testing.T) {
	t.Parallel()
	d := newDesk(t, deskOptions{onListed: readLists})
	lookup(t, d, `{"key.test":"mine"}`)
	if _, answer := lookup(t, d, `{}`); strings.Contains(asJSON(t, answer), `"key.test":[`) {
		t.Errorf("the next reader sees it: %s", asJSON(t, answer))
	}
	sent, _ := lookup(t, d, `{"key.test":"theirs"}`)
	if !slices.Contains(sent, "https://key.test/"+firstBot+" Bearer theirs") {
		t.Errorf("the next key was not tried: %q", sent)
	}
}

func TestKeysAreMaskedWhereListsEchoThem(t *testing.T) {
	t.Parallel()
	const mine, operators = "callers-secret/1", "operators-secret+2"
	for _, tt := range []struct {
		name   string
		answer func(secret string) lists.Answer
	}{
		{"in JSON", func(s string) lists.Answer {
			return lists.Answer{Status: 200, Body: []byte(`{"name":"Bot","key":"` + s + `","deep":[{"` + s + `":1}]}`)}
		}},
		{"in escaped JSON", func(s string) lists.Answer {
			return lists.Answer{Status: 200, Body: []byte(`{"key":"` + strings.ReplaceAll(s, "/", `\/`) + `"}`)}
		}},
		{"in text", func(s string) lists.Answer {
			return lists.Answer{Status: 401, Body: []byte("wrong key: Bearer " + s)}
		}},
		{"as the bot's name", func(s string) lists.Answer {
			return lists.Answer{Status: 200, Body: []byte(`{"name":"` + s + `"}`)}
		}},
		{"in a reason", func(s string) lists.Answer {
			return lists.Answer{Status: lists.NoAnswer, Fault: lists.FaultOther, Reason: "broken by " + s}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, deskOptions{onListed: readLists, keys: map[string]lists.Token{"query.test": lists.NewToken(operators, "")}})
			d.answer = func(c lists.Call) lists.Answer { return tt.answer(c.Token().Reveal()) }
			_, answer := lookup(t, d, `{"key.test":"`+mine+`"}`)
			text := asJSON(t, answer)
			for _, list := range []string{"key.test", "query.test"} {
				if !strings.Contains(text, `"`+list+`":[`) {
					t.Errorf("%s was not read: %s", list, text)
				}
			}
			if strings.Contains(text, "secret") || strings.Count(text, lists.Mask) < 2 {
				t.Errorf("answer: %s", text)
			}
		})
	}
}

// The operator's keys show to nobody, whichever list says them, and with
// whichever key it was asked.
func TestOperatorsKeysAreMaskedInEveryReading(t *testing.T) {
	t.Parallel()
	d := newDesk(t, deskOptions{onListed: readLists, keys: map[string]lists.Token{"query.test": lists.NewToken("operators/secret+2", "")}})
	d.answer = func(lists.Call) lists.Answer {
		return lists.Answer{Status: 200, Body: []byte(`{"name":"operators%2fsecret%2B2","more":"b3BlcmF0b3JzL3NlY3JldCsy"}`)}
	}
	_, answer := lookup(t, d, `{"key.test":"mine","query.test":"my-own-key"}`)
	if got := asJSON(t, answer); strings.Contains(got, "secret") || strings.Contains(got, "b3Blc") || strings.Count(got, lists.Mask) != 7 {
		t.Errorf("got %s, want no key, and a mask for each", got)
	}
}

package httpapi

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"aggregator/aggregate"
	"aggregator/lists"
)

// parsed is a count request as its body says it.
type parsed struct {
	count  lists.Count
	tokens []string // "id=secret", "id (nested)=secret", or "id: why it is none"
}

func parse(body string) (parsed, error) {
	r, err := ParseCount([]byte(body))
	return parsed{r.Count, tokenTexts(r.Tokens)}, err
}

func tokenTexts(tokens []aggregate.NamedToken) []string {
	var all []string
	for _, t := range tokens {
		id := t.ID
		if t.Nested {
			id += " (nested)"
		}
		if t.Bad != nil {
			all = append(all, id+": "+t.Bad.String())
		} else {
			all = append(all, id+"="+t.Token.Reveal())
		}
	}
	return all
}

// messageOf is what an error says to the caller.
func messageOf(t testing.TB, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	var invalid *aggregate.InvalidError
	if !errors.As(err, &invalid) || invalid.Message != err.Error() {
		t.Fatalf("error is %T %q, want *InvalidError", err, err)
	}
	return invalid.Message
}

func TestParseCountRefuses(t *testing.T) {
	t.Parallel()
	// with makes a body of a good bot_id and server_count and the given members.
	with := func(members string) string { return `{"bot_id":"123456789012345678","server_count":5,` + members + `}` }
	id := func(value string) string { return `{"server_count":5,"bot_id":` + value + `}` }
	count := func(value string) string { return `{"bot_id":"123456789012345678","server_count":` + value + `}` }
	const (
		noObject   = "Body must be JSON object"
		idString   = "'bot_id' must be a string"
		idWrong    = "'bot_id' must be a snowflake"
		countWrong = "'server_count' must be a number"
		countRange = "'server_count' is out of range"
		badShards  = "'shards' contains incorrect values"
		noArray    = "'shards' must be an array or null"
	)
	rows := []struct{ name, body, want string }{
		{"empty", ``, noObject},
		{"white space", " \n", noObject},
		{"array", `[]`, noObject},
		{"array of an object", `[{"bot_id":"123456789012345678","server_count":5}]`, noObject},
		{"null", `null`, noObject},
		{"true", `true`, noObject},
		{"number", `5`, noObject},
		{"string", `"{}"`, noObject},
		{"words", `bot_id=123456789012345678&server_count=5`, noObject},
		{"byte order mark", "\ufeff" + count("5"), noObject},
		{"UTF-16", "{\x00}\x00", noObject},
		{"bad bytes", count(`5`)[:1] + "\"a\xff\":\"b\"," + count(`5`)[1:], noObject},
		{"not closed", `{"bot_id":"123456789012345678","server_count":5`, noObject},
		{"closed twice", count("5") + `}`, noObject},
		{"two objects", count("5") + count("5"), noObject},
		{"comma at the end", `{"bot_id":"123456789012345678","server_count":5,}`, noObject},
		{"quotes of the wrong kind", `{'bot_id':'123456789012345678'}`, noObject},
		{"comment", `{/**/}`, noObject},
		{"NaN", count("NaN"), noObject},
		{"infinite", count("Infinity"), noObject},
		{"hexadecimal", count("0x10"), noObject},
		{"zero before a number", count("05"), noObject},
		{"plus before a number", count("+5"), noObject},
		{"deeper than can be read", `{"a":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}`, noObject},

		{"no id", `{"server_count":5}`, "'bot_id' is required"},
		{"empty object", `{}`, "'bot_id' is required"},
		{"id in another case", `{"Bot_ID":"123456789012345678","server_count":5}`, "'bot_id' is required"},
		{"id: null", id(`null`), idString},
		{"id: number", id(`123456789012345678`), idString},
		{"id: boolean", id(`true`), idString},
		{"id: array", id(`["123456789012345678"]`), idString},
		{"id: object", id(`{}`), idString},
		{"id: empty", id(`""`), idWrong},
		{"id: 15 digits", id(`"123456789012345"`), idWrong},
		{"id: 21 digits", id(`"123456789012345678901"`), idWrong},
		{"id: leading zero", id(`"0123456789012345678"`), idWrong},
		{"id: zeros", id(`"00000000000000000000"`), idWrong},
		{"id: letters", id(`"12345678901234567a"`), idWrong},
		{"id: spaces", id(`" 123456789012345678 "`), idWrong},
		{"id: line break", id(`"123456789012345678\n"`), idWrong},
		{"id: sign", id(`"-123456789012345678"`), idWrong},
		{"id: point", id(`"12345678901234567.8"`), idWrong},
		{"id: other digits", id(`"١٢٣٤٥٦٧٨"`), idWrong},
		{"id: mention", id(`"<@123456789012345678>"`), idWrong},
		{"id: twice, the last is wrong", `{"bot_id":"123456789012345678","server_count":5,"bot_id":null}`, idString},

		{"no count", `{"bot_id":"123456789012345678"}`, "'server_count' is required"},
		{"count: null", count(`null`), countWrong},
		{"count: string", count(`"5"`), countWrong},
		{"count: boolean", count(`true`), countWrong},
		{"count: array", count(`[5]`), countWrong},
		{"count: object", count(`{}`), countWrong},
		{"count: fraction", count(`5.5`), countWrong},
		{"count: small fraction", count(`1e-3`), countWrong},
		{"count: negative fraction", count(`-0.5`), countWrong},
		{"count: beyond doubles", count(`1e400`), countWrong},
		{"count: negative beyond doubles", count(`-1e400`), countWrong},
		{"count: negative", count(`-1`), countRange},
		{"count: negative, exponent", count(`-1e3`), countRange},
		{"count: over the largest", count(`9007199254740992`), countRange},
		{"count: rounded over the largest", count(`9007199254740991.5`), countRange},
		{"count: far over the largest", count(`1e300`), countRange},
		{"count: 300 digits", count(strings.Repeat("9", 300)), countRange},
		{"count: twice, the last is wrong", `{"bot_id":"123456789012345678","server_count":5,"server_count":"5"}`, countWrong},
	}
	for _, f := range []string{"shard_id", "shard_count", "user_count", "voice_connections"} {
		wrong, outside := "'"+f+"' must be a number or null", "'"+f+"' is out of range"
		for _, row := range []struct{ value, want string }{
			{`"1"`, wrong}, {`""`, wrong}, {`true`, wrong}, {`[]`, wrong}, {`{}`, wrong}, {`1.5`, wrong}, {`1e400`, wrong},
			{`-1`, outside}, {`9007199254740992`, outside}, {`1e300`, outside},
		} {
			rows = append(rows, struct{ name, body, want string }{f + ": " + row.value, with(`"` + f + `":` + row.value), row.want})
		}
	}
	for _, row := range []struct{ value, want string }{
		{`"[]"`, noArray}, {`5`, noArray}, {`true`, noArray}, {`{}`, noArray}, {`{"0":5}`, noArray}, {`""`, noArray},
		{`[null]`, badShards}, {`["5"]`, badShards}, {`[1,true]`, badShards}, {`[[1]]`, badShards}, {`[{}]`, badShards}, {`[1.5]`, badShards},
		{`[1e400]`, badShards}, {`[1,-1]`, badShards}, {`[9007199254740992]`, badShards},
		{`[` + strings.Repeat(`"x",`, 20_000) + `"x"]`, "'shards' holds more than 20000 counts"}, {`[` + strings.Repeat(`0,`, 19_999) + `"x"]`, badShards},
	} {
		rows = append(rows, struct{ name, body, want string }{"shards: " + row.value[:min(len(row.value), 40)], with(`"shards":` + row.value), row.want})
	}
	const (
		tooFar = "'shard_id' must be below 'shard_count'"
		part   = "'shards' must hold one count for each of 'shard_count' shards"
	)
	for _, row := range []struct{ members, want string }{
		{`"shard_id":2,"shard_count":2`, tooFar}, {`"shard_id":2,"shard_count":2,"shards":[1]`, tooFar},
		{`"shard_id":1,"shard_count":2,"shards":[5]`, part}, {`"shard_count":2,"shards":[1,2,3]`, part},
		{`"shard_count":1,"shards":[1,2],"user_count":"x"`, part},
	} {
		rows = append(rows, struct{ name, body, want string }{row.members, with(row.members), row.want})
	}
	for _, tt := range rows {
		t.Run(tt.name, func(t *testing.T) {
			r, err := ParseCount([]byte(tt.body))
			if got := messageOf(t, err); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
			if !reflect.DeepEqual(r, aggregate.CountRequest{}) {
				t.Errorf("a refused request holds %+v", r)
			}
		})
	}
}

// TestParseCountOrder breaks a rule and all later ones: the first is told.
func TestParseCountOrder(t *testing.T) {
	t.Parallel()
	for _, group := range [][]struct{ member, message string }{
		{
			{``, "'bot_id' is required"},
			{`"server_count":"5"`, "'server_count' must be a number"},
			{`"shard_id":"1"`, "'shard_id' must be a number or null"},
			{`"shard_count":"1"`, "'shard_count' must be a number or null"},
			{`"shards":"1"`, "'shards' must be an array or null"},
			{`"user_count":"1"`, "'user_count' must be a number or null"},
			{`"voice_connections":"1"`, "'voice_connections' must be a number or null"},
		},
		{
			{`"bot_id":5`, "'bot_id' must be a string"},
			{``, "'server_count' is required"},
			{`"shard_id":-1`, "'shard_id' is out of range"},
			{`"shard_count":-1`, "'shard_count' is out of range"},
			{`"shards":[-1]`, "'shards' contains incorrect values"},
			{`"user_count":-1`, "'user_count' is out of range"},
			{`"voice_connections":-1`, "'voice_connections' is out of range"},
		},
		{
			{`"bot_id":"5"`, "'bot_id' must be a snowflake"},
			{`"server_count":-5`, "'server_count' is out of range"},
			{`"shard_id":-1`, "'shard_id' is out of range"},
		},
	} {
		good := []string{`"bot_id":"123456789012345678"`, `"server_count":5`}
		for first := range group {
			var members []string
			for i, row := range group {
				switch {
				case i >= first:
					members = append(members, row.member)
				case i < len(good):
					members = append(members, good[i])
				}
			}
			members = slices.DeleteFunc(members, func(m string) bool { return m == "" })
			slices.Reverse(members) // the order in the body makes no difference
			body := "{" + strings.Join(members, ",") + "}"
			_, err := ParseCount([]byte(body))
			if got := messageOf(t, err); got != group[first].message {
				t.Errorf("%s: %q, want %q", body, got, group[first].message)
			}
		}
	}
}

func TestParseCountReads(t *testing.T) {
	t.Parallel()
	const bot = "123456789012345678"
	with := func(members string) string { return `{"bot_id":"123456789012345678","server_count":5` + members + `}` }
	count := func(value string) string { return `{"bot_id":"123456789012345678","server_count":` + value + `}` }
	n := func(n int64) *int64 { return &n }
	plain := lists.Count{BotID: bot, ServerCount: 5}
	counts := func(n int64) lists.Count { return lists.Count{BotID: bot, ServerCount: n} }
	for _, tt := range []struct {
		name, body string
		want       parsed
	}{
		{"least", with(``), parsed{count: plain}},
		{"white space", " \r\n\t" + with(``) + " \n", parsed{count: plain}},
		{"id of 16 digits", `{"bot_id":"1000000000000000","server_count":5}`, parsed{count: lists.Count{BotID: "1000000000000000", ServerCount: 5}}},
		{"id of 20 digits", `{"bot_id":"99999999999999999999","server_count":5}`, parsed{count: lists.Count{BotID: "99999999999999999999", ServerCount: 5}}},
		{"id in escapes", `{"bot_id":"\u003123456789012345678","server_count":5}`, parsed{count: plain}},
		{"key in escapes", `{"\u0062ot_id":"123456789012345678","server_count":5}`, parsed{count: plain}},

		{"count: zero", count(`0`), parsed{count: counts(0)}},
		{"count: minus zero", count(`-0`), parsed{count: counts(0)}},
		{"count: 5.0", count(`5.0`), parsed{count: counts(5)}},
		{"count: 1e3", count(`1e3`), parsed{count: counts(1000)}},
		{"count: 1E+3", count(`1E+3`), parsed{count: counts(1000)}},
		{"count: 4.35e2", count(`4.35e2`), parsed{count: counts(435)}},
		{"count: 50e-1", count(`50e-1`), parsed{count: counts(5)}},
		{"count: largest", count(`9007199254740991`), parsed{count: counts(9007199254740991)}},
		{"count: 9.007199254740991e15", count(`9.007199254740991e15`), parsed{count: counts(9007199254740991)}},

		{"all fields", with(`,"shard_id":0,"shard_count":2,"shards":[2,3],"user_count":100,"voice_connections":1`), parsed{count: lists.Count{
			BotID: bot, ServerCount: 5, ShardID: n(0), ShardCount: n(2), Shards: []int64{2, 3}, UserCount: n(100), VoiceConnections: n(1)}}},
		{"all fields null", with(`,"shard_id":null,"shard_count":null,"shards":null,"user_count":null,"voice_connections":null`), parsed{count: plain}},
		{"shard numbers as doubles", with(`,"shard_id":1.0,"shard_count":2e0,"shards":[2.0,1e3]`), parsed{count: lists.Count{
			BotID: bot, ServerCount: 5, ShardID: n(1), ShardCount: n(2), Shards: []int64{2, 1000}}}},
		{"contradictions of a bot without shards", with(`,"shard_id":7,"shard_count":0,"shards":[1,2]`), parsed{count: lists.Count{
			BotID: bot, ServerCount: 5, ShardID: n(7), ShardCount: n(0), Shards: []int64{1, 2}}}},
		{"shards without their number", with(`,"shard_id":7,"shards":[1,2]`), parsed{count: lists.Count{BotID: bot, ServerCount: 5, ShardID: n(7), Shards: []int64{1, 2}}}},
		{"no shards, and their number", with(`,"shard_count":2,"shards":[]`), parsed{count: lists.Count{BotID: bot, ServerCount: 5, ShardCount: n(2)}}},
		{"as many shards as can be", with(`,"shard_count":20000,"shards":[` + strings.Repeat("0,", 19_999) + `0]`), parsed{count: lists.Count{
			BotID: bot, ServerCount: 5, ShardCount: n(20_000), Shards: make([]int64, 20_000)}}},
		{"0, 0 and null", with(`,"shard_id":0,"shard_count":0,"shards":null`), parsed{count: lists.Count{BotID: bot, ServerCount: 5, ShardID: n(0), ShardCount: n(0)}}},

		{"twice: the last bot_id", `{"bot_id":5,"server_count":5,"bot_id":"123456789012345678"}`, parsed{count: plain}},
		{"twice: the last server_count", `{"bot_id":"123456789012345678","server_count":"x","server_count":5}`, parsed{count: plain}},
		{"twice: the last is null", with(`,"shard_id":"x","shard_id":null`), parsed{count: plain}},
		{"twice: one in escapes", with(`,"server\u005fcount":6`), parsed{count: counts(6)}},

		{"tokens", with(`,"b.test":"tb","a.test":"ta"`), parsed{count: plain, tokens: []string{"b.test=tb", "a.test=ta"}}},
		{"tokens before the fields", `{"a.test":"ta","server_count":5,"bot_id":"123456789012345678"}`, parsed{count: plain, tokens: []string{"a.test=ta"}}},
		{"token twice: the last, in its place", with(`,"a.test":"one","b.test":"tb","a.test":"two"`), parsed{count: plain, tokens: []string{"b.test=tb", "a.test=two"}}},
		{"tokens of every type", with(`,"a":null,"b":"","c":5,"d":true,"e":[],"f":{},"g":{"token":"tg"},"h":"a\nb"`), parsed{count: plain, tokens: []string{
			"a: No token", "b: No token", "c: Bad token: must be a string", "d: Bad token: must be a string", "e: Bad token: must be a string", "f: No token", "g=tg",
			"h: Bad token: holds a character that no header can carry"}}},
		{"keys that are near a field", with(`,"Server_Count":"x","botid":"y","":"z"`), parsed{count: plain, tokens: []string{"Server_Count=x", "botid=y", "=z"}}},
		{"tokens object", with(`,"tokens":{"a.test":"ta","b.test":{"token":"tb","bot_id":"42"}}`), parsed{count: plain, tokens: []string{"a.test (nested)=ta", "b.test (nested)=tb"}}},
		{"tokens object beside keys", with(`,"a.test":"one","tokens":{"a.test":"two","b.test":"tb"},"c.test":"tc"`), parsed{count: plain, tokens: []string{
			"a.test=one", "a.test (nested)=two", "b.test (nested)=tb", "c.test=tc"}}},
		{"tokens object is empty", with(`,"tokens":{}`), parsed{count: plain}},
		{"tokens object twice: the last", with(`,"tokens":{"a.test":"ta"},"tokens":{"b.test":"tb"}`), parsed{count: plain, tokens: []string{"b.test (nested)=tb"}}},
		{"tokens object with fields in it", with(`,"tokens":{"bot_id":"x","tokens":{"a.test":"ta"}}`), parsed{count: plain, tokens: []string{"bot_id (nested)=x", "tokens (nested): No token"}}},
		{"tokens object with one key twice", with(`,"tokens":{"a.test":"one","a.test":"two"}`), parsed{count: plain, tokens: []string{"a.test (nested)=two"}}},
		{"tokens is a string", with(`,"tokens":"t"`), parsed{count: plain, tokens: []string{"tokens: Bad token: must be an object of list ids and tokens"}}},
		{"tokens is null", with(`,"tokens":null`), parsed{count: plain}},
		{"tokens is an array", with(`,"tokens":["t"]`), parsed{count: plain, tokens: []string{"tokens: Bad token: must be an object of list ids and tokens"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parse(tt.body)
			if err != nil {
				t.Fatal(err)
			}
			if len(got.count.Shards) == 0 {
				got.count.Shards = nil // none and empty mean the same
			}
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("%+v, want %+v", got, tt.want)
			}
		})
	}
}

// TestShardsWithoutAnyAreAbsent has the three ways to give no shards.
func TestShardsWithoutAnyAreAbsent(t *testing.T) {
	t.Parallel()
	for _, members := range []string{``, `,"shards":null`, `,"shards":[]`} {
		r, err := ParseCount([]byte(`{"bot_id":"123456789012345678","server_count":5` + members + `}`))
		if err != nil || len(r.Shards) != 0 {
			t.Errorf("%s: %v, %v", members, r.Shards, err)
		}
	}
}

func TestParseTokens(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, body string
		want       []string
		message    string
	}{
		{name: "none", body: `{}`},
		{name: "some", body: `{"a.test":"ta","tokens":{"b.test":"tb"}}`, want: []string{"a.test=ta", "b.test (nested)=tb"}},
		{name: "fields of a count are no ids", body: `{"bot_id":5,"server_count":"x","a.test":"ta"}`, want: []string{"a.test=ta"}},
		{name: "array", body: `["a.test"]`, message: "Body must be JSON object"},
		{name: "empty", body: ``, message: "Body must be JSON object"},
		{name: "null", body: `null`, message: "Body must be JSON object"},
		{name: "string", body: `"key"`, message: "Body must be JSON object"},
		{name: "not closed", body: `{"a":"b"`, message: "Body must be JSON object"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tokens, err := ParseTokens([]byte(tt.body))
			if got := messageOf(t, err); got != tt.message {
				t.Errorf("%q, want %q", got, tt.message)
			}
			if got := tokenTexts(tokens); !slices.Equal(got, tt.want) {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

func TestIsDryRun(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]bool{
		"":                         false,
		"dry_run=1":                true,
		"dry_run=true":             true,
		"dry_run=please":           true,
		"dry_run=":                 true,
		"dry_run":                  true,
		"dry_run=False":            true,
		"dry_run=00":               true,
		"dry_run=0":                false,
		"dry_run=false":            false,
		"dryRun=yes":               true,
		"dry-run=1":                true,
		"dryRun=0":                 false,
		"dry-run=false&x=1":        false,
		"dry_run=0&dry_run=1":      true,
		"dry_run=0&dry-run=1":      true,
		"dry%5Frun=1":              true,
		"dry_run=%zz":              true,
		"a=1;dry_run=1":            true,
		"DRY_RUN=%":                true,
		"a=%zz":                    false,
		"dryrun=1":                 false,
		"x=dry_run":                false,
		"limit=1&dry_run=on&b=%20": true,
	} {
		if got := isDryRun(query); got != want {
			t.Errorf("%q: %t, want %t", query, got, want)
		}
	}
}

func FuzzParseCount(f *testing.F) {
	for _, body := range []string{
		``, `{}`, `[]`, `null`, "\ufeff{}", "\xff",
		`{"bot_id":"123456789012345678","server_count":5}`,
		`{"bot_id":"123456789012345678","server_count":1e3,"shard_id":0,"shard_count":2.0,"shards":[2,3],"user_count":1,"voice_connections":null}`,
		`{"bot_id":"0123456789012345678","server_count":5}`,
		`{"bot_id":"123456789012345678","server_count":1e400}`,
		`{"bot_id":"123456789012345678","server_count":-1,"server_count":9007199254740992}`,
		`{"bot_id":"123456789012345678","server_count":5,"a.test":"t","a.test":null,"tokens":{"b.test":{"token":"t","bot_id":42},"b.test":[]}}`,
		`{"bot_id":"123456789012345678","server_count":5,"tokens":"x","é\ud800":"\n"}`,
		`{"bot_id":"123456789012345678","server_count":5}{`,
	} {
		f.Add([]byte(body))
	}
	inRange := func(n *int64) bool { return n == nil || *n >= 0 && *n <= lists.MaxNumber }
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := ParseCount(body)
		if err != nil {
			if messageOf(t, err) == "" {
				t.Error("refused without a reason")
			}
			return
		}
		if !lists.IsSnowflake(r.BotID) {
			t.Errorf("bot id %q", r.BotID)
		}
		if !inRange(&r.ServerCount) || !inRange(r.ShardID) || !inRange(r.ShardCount) || !inRange(r.UserCount) || !inRange(r.VoiceConnections) {
			t.Errorf("out of range: %+v", r.Count)
		}
		for _, n := range r.Shards {
			if !inRange(&n) {
				t.Errorf("shards are out of range: %v", r.Shards)
			}
		}
		seen := map[string]bool{}
		for _, token := range r.Tokens {
			if (token.Bad == nil) == token.Token.IsZero() {
				t.Errorf("%q is a token: %t, and bad: %v", token.ID, !token.Token.IsZero(), token.Bad)
			}
			if !token.Nested && countKeys[token.ID] && token.ID != lists.TokensKey {
				t.Errorf("the field %q is taken for a list", token.ID)
			}
			place := fmt.Sprintf("%s, nested: %t", token.ID, token.Nested)
			if seen[place] {
				t.Errorf("%s: stands twice", place)
			}
			seen[place] = true
		}
		if tokens, err := ParseTokens(body); err != nil || !reflect.DeepEqual(tokenTexts(tokens), tokenTexts(r.Tokens)) {
			t.Errorf("tokens alone: %q, %v; want %q", tokenTexts(tokens), err, tokenTexts(r.Tokens))
		}
	})
}

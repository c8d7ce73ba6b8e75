package httpapi

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"aggregator/aggregate"
)

func TestParseShardsRefuses(t *testing.T) {
	t.Parallel()
	with := func(members string) string { return `{"bot_id":"123456789012345678",` + members + `}` }
	of := func(value string) string { return with(`"shards":{"0":1},"shard_count":` + value) }
	shards := func(value string) string { return with(`"shard_count":4,"shards":` + value) }
	one := func(members string) string { return with(`"shard_count":4,` + members) }
	many := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `,"%d":0`, i)
		}
		return with(fmt.Sprintf(`"shard_count":20000,"shards":{%s}`, b.String()[1:]))
	}
	const (
		noCount    = "'shard_count' is required"
		noNumber   = "'shard_count' must be a number"
		outOfRange = "'shard_count' is out of range"
		none       = "'shards' is required"
		noObject   = "'shards' must be an object"
		noShard    = "'shards' names a shard that does not exist"
		incorrect  = "'shards' contains incorrect values"
		largest    = "9007199254740991"
	)
	for _, tt := range []struct{ name, body, want string }{
		{"no object", `[]`, "Body must be JSON object"},
		{"no bot_id", `{}`, "'bot_id' is required"},
		{"bot_id no text", `{"bot_id":5}`, "'bot_id' must be a string"},
		{"bot_id no snowflake", `{"bot_id":"5"}`, "'bot_id' must be a snowflake"},

		{"shard_count absent", with(`"shards":{"0":1}`), noCount},
		{"shard_count null", of(`null`), noCount},
		{"shard_count absent comes before shards", with(`"shards":5`), noCount},
		{"shard_count text", of(`"4"`), noNumber},
		{"shard_count with a part", of(`4.5`), noNumber},
		{"shard_count beyond doubles", of(`1e400`), noNumber},
		{"shard_count true", of(`true`), noNumber},
		{"shard_count zero", of(`0`), outOfRange},
		{"shard_count negative", of(`-1`), outOfRange},
		{"shard_count too large", of(`20001`), outOfRange},
		{"shard_count far too large", of(`1e300`), outOfRange},

		{"shards absent", with(`"shard_count":4`), none},
		{"shards null", shards(`null`), none},
		{"shard_id alone", one(`"shard_id":1`), none},
		{"server_count alone", one(`"server_count":1`), none},
		{"shard_id and null", one(`"shard_id":1,"server_count":null`), none},
		{"shards an array", shards(`[1,2,3,4]`), noObject},
		{"shards empty", shards(`{}`), noObject},
		{"shards empty, beside shard_id", one(`"shards":{},"shard_id":1,"server_count":1`), noObject},
		{"shards text", shards(`"0"`), noObject},
		{"shard too large", shards(`{"4":1}`), noShard},
		{"shard negative", shards(`{"-1":1}`), noShard},
		{"shard with a sign", shards(`{"+1":1}`), noShard},
		{"shard minus zero", shards(`{"-0":1}`), noShard},
		{"shard with a zero before", shards(`{"01":1}`), noShard},
		{"shard with a blank", shards(`{" 1":1}`), noShard},
		{"shard with a part", shards(`{"1.0":1}`), noShard},
		{"shard with an exponent", shards(`{"1e0":1}`), noShard},
		{"shard with an underscore", shards(`{"1_0":1}`), noShard},
		{"shard hexadecimal", shards(`{"0x1":1}`), noShard},
		{"shard empty", shards(`{"":1}`), noShard},
		{"shard of other digits", shards(`{"١":1}`), noShard},
		{"shard beyond 64 bits", shards(`{"18446744073709551617":1}`), noShard},
		{"shard after a bad value", shards(`{"0":"x","4":1}`), noShard},
		{"shard_id too large", one(`"shard_id":4,"server_count":1`), noShard},
		{"shard_id negative", one(`"shard_id":-1,"server_count":1`), noShard},
		{"shard_id with a part", one(`"shard_id":1.5,"server_count":1`), noShard},
		{"shard_id true", one(`"shard_id":true,"server_count":1`), noShard},

		{"count text", shards(`{"0":"1"}`), incorrect},
		{"count null", shards(`{"0":null}`), incorrect},
		{"count with a part", shards(`{"0":1.5}`), incorrect},
		{"count negative", shards(`{"0":-1}`), incorrect},
		{"count too large", shards(`{"0":9007199254740992}`), incorrect},
		{"count an object", shards(`{"0":{}}`), incorrect},
		{"sum too large", shards(`{"0":` + largest + `,"1":1}`), incorrect},
		{"server_count text", one(`"shard_id":1,"server_count":"1"`), incorrect},

		{"user_count text", one(`"shards":{"0":1},"user_count":"1"`), "'user_count' must be a number or null"},
		{"user_count negative", one(`"shards":{"0":1},"user_count":-1`), "'user_count' is out of range"},
		{"voice_connections text", one(`"shards":{"0":1},"voice_connections":"1"`), "'voice_connections' must be a number or null"},

		{"good", shards(`{"0":1}`), ""},
		{"good, largest", shards(`{"0":` + largest + `}`), ""},
		{"good, all of many", many(20_000), ""},
		{"good, beside what is ignored", one(`"shards":{"0":1},"shard_id":"x","server_count":-5`), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if _, err := ParseShards([]byte(tt.body)); messageOf(t, err) != tt.want {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}

func TestParseShards(t *testing.T) {
	t.Parallel()
	five := int64(5)
	for _, tt := range []struct {
		name, members string
		want          aggregate.ShardsRequest
	}{
		{"an object", `"shards":{"0":1333,"7":1290}`, aggregate.ShardsRequest{Shards: []aggregate.ShardCount{{Shard: 0, Count: 1333}, {Shard: 7, Count: 1290}}}},
		{"a key twice: the last", `"shards":{"1":1,"1":2}`, aggregate.ShardsRequest{Shards: []aggregate.ShardCount{{Shard: 1, Count: 2}}}},
		{"doubles", `"shards":{"1":1e3,"2":5.0}`, aggregate.ShardsRequest{Shards: []aggregate.ShardCount{{Shard: 1, Count: 1000}, {Shard: 2, Count: 5}}}},
		{"one shard", `"shard_id":7,"server_count":1290`, aggregate.ShardsRequest{Shards: []aggregate.ShardCount{{Shard: 7, Count: 1290}}}},
		{"one shard, shards null", `"shard_id":0,"server_count":0,"shards":null`, aggregate.ShardsRequest{Shards: []aggregate.ShardCount{{}}}},
		{"one shard, its id a double", `"shard_id":1.0,"server_count":2`, aggregate.ShardsRequest{Shards: []aggregate.ShardCount{{Shard: 1, Count: 2}}}},
		{"one shard, its id a text, as a key is", `"shard_id":"1","server_count":2`, aggregate.ShardsRequest{Shards: []aggregate.ShardCount{{Shard: 1, Count: 2}}}},
		{"shards win", `"shard_id":0,"server_count":9,"shards":{"1":2}`, aggregate.ShardsRequest{Shards: []aggregate.ShardCount{{Shard: 1, Count: 2}}}},
		{"extensions", `"shards":{"1":2},"user_count":5,"voice_connections":null`, aggregate.ShardsRequest{Shards: []aggregate.ShardCount{{Shard: 1, Count: 2}}, UserCount: &five}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := ParseShards([]byte(`{"bot_id":"123456789012345678","shard_count":8,"one.test":"t",` + tt.members + `}`))
			if err != nil {
				t.Fatal(err)
			}
			if tokens := tokenTexts(got.Tokens); !reflect.DeepEqual(tokens, []string{"one.test=t"}) {
				t.Errorf("tokens %q", tokens)
			}
			tt.want.BotID, tt.want.Of, got.Tokens = "123456789012345678", 8, nil
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("%+v, want %+v", got, tt.want)
			}
		})
	}
}

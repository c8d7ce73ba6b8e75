package lists

import (
	"reflect"
	"slices"
	"testing"
)

// TestValueTable holds the rows of values against the format: each key has one,
// which reads that key and no other.
func TestValueTable(t *testing.T) {
	t.Parallel()
	fields := named[FieldsEntry](func(key string, f reflect.Value) { f.Set(reflect.ValueOf(Names{key})) })
	presets := named[DefaultsEntry](func(key string, f reflect.Value) {
		f.Set(reflect.ValueOf(new(int64(slices.Index(yamlKeys[DefaultsEntry](), key)))))
	})
	e := &Entry{Post: &PostEntry{Fields: fields, Defaults: presets}}
	plain := &Entry{APIField: "api_field", APIShardID: "api_shard_id", APIShardCount: "api_shard_count", APIShards: "api_shards"}
	var keys, preset []string
	for v := range NumValues {
		keys = append(keys, v.String())
		if got := v.Names(e); !slices.Equal(got, Names{v.String()}) {
			t.Errorf("names of %s: got %q", v, got)
		}
		if key := valueTable[v].plainKey; key != "" && !slices.Equal(v.Names(plain), Names{key}) || key == "" && v.Names(plain) != nil {
			t.Errorf("plain names of %s: got %q, want %q", v, v.Names(plain), key)
		}
		if n := v.Default(e); n != nil {
			preset = append(preset, v.String())
			if want := yamlKeys[DefaultsEntry]()[*n]; v.String() != want {
				t.Errorf("the default of %s is that of %s", v, want)
			}
		}
		if v.Default(plain) != nil {
			t.Errorf("%s has a default where the entry has none", v)
		}
	}
	if want := yamlKeys[FieldsEntry](); !slices.Equal(keys, want) {
		t.Errorf("the table has %q, the format %q", keys, want)
	}
	if want := yamlKeys[DefaultsEntry](); !slices.Equal(preset, want) {
		t.Errorf("the table has defaults of %q, the format of %q", preset, want)
	}
}

// yamlKeys are the keys of a part of the format.
func yamlKeys[T any]() []string {
	var keys []string
	for f := range reflect.TypeFor[T]().Fields() {
		keys = append(keys, f.Tag.Get("yaml"))
	}
	return keys
}

// named returns a T whose every field is as set says.
func named[T any](set func(key string, field reflect.Value)) *T {
	v := reflect.New(reflect.TypeFor[T]())
	for i := range v.Elem().NumField() {
		set(v.Elem().Type().Field(i).Tag.Get("yaml"), v.Elem().Field(i))
	}
	return v.Interface().(*T)
}

// TestOptional writes each optional number of a count, and finds it in its own
// place.
func TestOptional(t *testing.T) {
	t.Parallel()
	var c Count
	want := Count{ShardID: new(int64(ShardID)), ShardCount: new(int64(ShardCount)), UserCount: new(int64(UserCount)), VoiceConnections: new(int64(VoiceConnections))}
	for v := range NumValues {
		if to := v.Optional(&c); to != nil {
			*to = new(int64(v))
		}
	}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got %+v, want %+v", c, want)
	}
}

func TestCountKeys(t *testing.T) {
	t.Parallel()
	want := []string{"bot_id", "server_count", "shard_id", "shard_count", "shards", "user_count", "voice_connections", "tokens"}
	if got := CountKeys(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestWhichCountGoesWhere has the contract's rules for counts and shards.
func TestWhichCountGoesWhere(t *testing.T) {
	t.Parallel()
	const url = "https://list.test/:id"
	total := Entry{APIPost: url, APIField: "n"}
	perShard := Entry{APIPost: url, APIField: "n", APIShardID: "id", APIShardCount: "of"}
	array := Entry{APIPost: url, APIField: "n", APIShardID: "id", APIShardCount: "of", APIShards: "all"}
	onlyArray := Entry{APIPost: url, APIShards: "all"}
	oneName := Entry{APIPost: url, APIField: "n", APIShards: "n", APIShardCount: "of"}
	extras := Entry{APIPost: url, APIField: "n", Post: &PostEntry{Fields: &FieldsEntry{ServerCount: Names{"n"}, UserCount: Names{"users"}, VoiceConnections: Names{"voice"}}}}
	insists := Entry{APIPost: url, Post: &PostEntry{Fields: &FieldsEntry{ServerCount: Names{"n"}, ShardCount: Names{"of"}, UserCount: Names{"users"}, VoiceConnections: Names{"voice"}},
		Defaults: &DefaultsEntry{ShardCount: new(int64(1)), UserCount: new(int64(0)), VoiceConnections: new(int64(2))}}}
	n := func(n int64) *int64 { return &n }

	for _, tt := range []struct {
		name  string
		entry Entry
		count Count
		want  string
	}{
		{"total: count", total, Count{ServerCount: 5}, `{"n":5}`},
		{"total: zero is sent", total, Count{ServerCount: 0}, `{"n":0}`},
		{"total: largest", total, Count{ServerCount: MaxNumber}, `{"n":9007199254740991}`},
		{"total: shard fields are not for it", total, Count{ServerCount: 5, ShardID: n(1), ShardCount: n(2)}, `{"n":5}`},
		{"total: shards given", total, Count{ServerCount: 5, Shards: []int64{2, 3}}, `{"n":5}`},
		{"total: shards and shard id given", total, Count{ServerCount: 5, ShardID: n(1), ShardCount: n(2), Shards: []int64{2, 3}}, `{"n":5}`},
		{"total: user count is not for it", total, Count{ServerCount: 5, UserCount: n(9), VoiceConnections: n(1)}, `{"n":5}`},
		{"no field", Entry{APIPost: url}, Count{ServerCount: 5}, `{}`},

		{"per shard: absent", perShard, Count{ServerCount: 5}, `{"n":5}`},
		{"per shard: shard 0 of 2", perShard, Count{ServerCount: 5, ShardID: n(0), ShardCount: n(2)}, `{"n":5,"id":0,"of":2}`},
		{"per shard: shard 1 of 2", perShard, Count{ServerCount: 5, ShardID: n(1), ShardCount: n(2)}, `{"n":5,"id":1,"of":2}`},
		{"per shard: shard 0 of 1", perShard, Count{ServerCount: 5, ShardID: n(0), ShardCount: n(1)}, `{"n":5,"id":0,"of":1}`},
		{"per shard: shard id alone", perShard, Count{ServerCount: 5, ShardID: n(0)}, `{"n":5,"id":0}`},
		{"per shard: shard count alone", perShard, Count{ServerCount: 5, ShardCount: n(2)}, `{"n":5,"of":2}`},
		{"per shard: 0, 0 and no shards", perShard, Count{ServerCount: 5, ShardID: n(0), ShardCount: n(0)}, `{"n":5}`},
		{"per shard: shard 3 of 0", perShard, Count{ServerCount: 5, ShardID: n(3), ShardCount: n(0)}, `{"n":5}`},
		{"per shard: of 0", perShard, Count{ServerCount: 5, ShardCount: n(0)}, `{"n":5}`},
		{"per shard: shard id beyond the count", perShard, Count{ServerCount: 5, ShardID: n(7), ShardCount: n(2)}, `{"n":5,"id":7,"of":2}`},
		{"per shard: shards, shard 0", perShard, Count{ServerCount: 5, ShardID: n(0), ShardCount: n(2), Shards: []int64{2, 3}}, `{"n":5,"of":2}`},
		{"per shard: shards, shard 1", perShard, Count{ServerCount: 5, ShardID: n(1), ShardCount: n(2), Shards: []int64{2, 3}}, `{"n":5,"of":2}`},
		{"per shard: shards, a shard of no servers", perShard, Count{ServerCount: 5, ShardID: n(0), ShardCount: n(2), Shards: []int64{0, 5}}, `{"n":5,"of":2}`},
		{"per shard: shards, no shard id", perShard, Count{ServerCount: 5, ShardCount: n(2), Shards: []int64{2, 3}}, `{"n":5,"of":2}`},
		{"per shard: shards, shard id is the length", perShard, Count{ServerCount: 5, ShardID: n(2), ShardCount: n(3), Shards: []int64{2, 3}}, `{"n":5,"of":3}`},
		{"per shard: shards, shard id far beyond", perShard, Count{ServerCount: 5, ShardID: n(MaxNumber), ShardCount: n(2), Shards: []int64{2, 3}}, `{"n":5,"of":2}`},
		{"per shard: shards and count 0", perShard, Count{ServerCount: 5, ShardID: n(0), ShardCount: n(0), Shards: []int64{2, 3}}, `{"n":5}`},
		{"per shard: shards and shard id alone", perShard, Count{ServerCount: 5, ShardID: n(1), Shards: []int64{2, 3}}, `{"n":5}`},
		{"per shard: empty shards", perShard, Count{ServerCount: 5, ShardID: n(1), ShardCount: n(2), Shards: []int64{}}, `{"n":5,"id":1,"of":2}`},

		{"array: absent", array, Count{ServerCount: 5}, `{"n":5}`},
		{"array: empty", array, Count{ServerCount: 5, Shards: []int64{}}, `{"n":5}`},
		{"array: shards", array, Count{ServerCount: 5, Shards: []int64{2, 3}}, `{"all":[2,3]}`},
		{"array: shards of no servers", array, Count{ServerCount: 0, Shards: []int64{0, 0}}, `{"all":[0,0]}`},
		{"array: shards below the total", array, Count{ServerCount: 5, ShardID: n(0), ShardCount: n(2), Shards: []int64{0, 1}}, `{"n":5,"of":2}`},
		{"array: shards above the total", array, Count{ServerCount: 4, ShardCount: n(2), Shards: []int64{2, 3}}, `{"of":2,"all":[2,3]}`},
		{"array: shards beyond all numbers", array, Count{ServerCount: MaxNumber, Shards: []int64{MaxNumber, MaxNumber, MaxNumber}}, `{"all":[9007199254740991,9007199254740991,9007199254740991]}`},
		{"per shard: shards below the total", perShard, Count{ServerCount: 5, ShardID: n(0), ShardCount: n(2), Shards: []int64{0, 1}}, `{"n":5,"of":2}`},
		{"one name: shards below the total", oneName, Count{ServerCount: 5, ShardCount: n(2), Shards: []int64{0, 1}}, `{"n":5,"of":2}`},
		{"array: shards, id and count", array, Count{ServerCount: 5, ShardID: n(0), ShardCount: n(2), Shards: []int64{2, 3}}, `{"id":0,"of":2,"all":[2,3]}`},
		{"array: shards, id beyond them", array, Count{ServerCount: 5, ShardID: n(9), ShardCount: n(2), Shards: []int64{2, 3}}, `{"id":9,"of":2,"all":[2,3]}`},
		{"array: shards and count 0", array, Count{ServerCount: 5, ShardID: n(0), ShardCount: n(0), Shards: []int64{2, 3}}, `{"all":[2,3]}`},
		{"array: no shards, per shard", array, Count{ServerCount: 5, ShardID: n(0), ShardCount: n(2)}, `{"n":5,"id":0,"of":2}`},
		{"only array: shards", onlyArray, Count{ServerCount: 5, Shards: []int64{5}}, `{"all":[5]}`},
		{"only array: absent", onlyArray, Count{ServerCount: 5}, `{}`},

		{"one name: count", oneName, Count{ServerCount: 5}, `{"n":5}`},
		{"one name: shards", oneName, Count{ServerCount: 5, ShardCount: n(2), Shards: []int64{2, 3}}, `{"n":[2,3],"of":2}`},

		{"extras", extras, Count{ServerCount: 5, UserCount: n(90), VoiceConnections: n(1)}, `{"n":5,"users":90,"voice":1}`},
		{"extras: zero is sent", extras, Count{ServerCount: 5, UserCount: n(0)}, `{"n":5,"users":0}`},
		{"extras: absent", extras, Count{ServerCount: 5}, `{"n":5}`},

		{"defaults: absent", insists, Count{ServerCount: 5}, `{"n":5,"of":1,"users":0,"voice":2}`},
		{"defaults: given", insists, Count{ServerCount: 5, ShardCount: n(3), UserCount: n(4), VoiceConnections: n(0)}, `{"n":5,"of":3,"users":4,"voice":0}`},
		{"defaults: not sharded", insists, Count{ServerCount: 5, ShardCount: n(0)}, `{"n":5,"of":1,"users":0,"voice":2}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			call := mustPost(t, tt.entry, tt.count, `"some token"`)
			if got := string(call.Wire().Body); got != tt.want {
				t.Errorf("body %s, want %s", got, tt.want)
			}
			if got := call.Sent(); got != tt.want {
				t.Errorf("sent %s, want %s", got, tt.want)
			}
		})
	}
}

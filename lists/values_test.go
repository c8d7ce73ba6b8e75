package lists

import (
	"reflect"
	"slices"
	"testing"
)

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

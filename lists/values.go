package lists

// Value is one thing that a post can carry. A new one is a constant and a row
// of valueTable, beside its field in Count and its keys in the format.
type Value int

// The values, in the order in which they stand in a body.
const (
	ServerCount Value = iota
	ShardID
	ShardCount
	Shards
	UserCount
	VoiceConnections
	BotID
	ListBotID
	NumValues // how many there are
)

// valueRow is what is known of a value. What a row leaves out, its value does
// not have.
type valueRow struct {
	name     string                      // in a count, and under an entry's fields and defaults
	names    func(*FieldsEntry) Names    // under which a list takes it
	plainKey string                      // the entry's key of the name under which plain clients post it
	plain    func(*Entry) string         // that name
	optional func(*Count) **int64        // where a count holds it
	preset   func(*DefaultsEntry) *int64 // what goes out where a count does not hold it
	minimum  int64                       // of a preset
	example  int64                       // for explanations
	noun     string                      // of the example
}

var valueTable = [NumValues]valueRow{
	ServerCount: {
		name: "server_count", names: func(f *FieldsEntry) Names { return f.ServerCount },
		plainKey: "api_field", plain: func(e *Entry) string { return e.APIField },
	},
	ShardID: {
		name: "shard_id", names: func(f *FieldsEntry) Names { return f.ShardID },
		plainKey: "api_shard_id", plain: func(e *Entry) string { return e.APIShardID },
		optional: func(c *Count) **int64 { return &c.ShardID },
	},
	ShardCount: {
		name: "shard_count", names: func(f *FieldsEntry) Names { return f.ShardCount },
		plainKey: "api_shard_count", plain: func(e *Entry) string { return e.APIShardCount },
		optional: func(c *Count) **int64 { return &c.ShardCount },
		preset:   func(d *DefaultsEntry) *int64 { return d.ShardCount }, minimum: 1,
	},
	Shards: {
		name: "shards", names: func(f *FieldsEntry) Names { return f.Shards },
		plainKey: "api_shards", plain: func(e *Entry) string { return e.APIShards },
	},
	UserCount: {
		name: "user_count", names: func(f *FieldsEntry) Names { return f.UserCount },
		optional: func(c *Count) **int64 { return &c.UserCount },
		preset:   func(d *DefaultsEntry) *int64 { return d.UserCount },
		example:  5678, noun: "users",
	},
	VoiceConnections: {
		name: "voice_connections", names: func(f *FieldsEntry) Names { return f.VoiceConnections },
		optional: func(c *Count) **int64 { return &c.VoiceConnections },
		preset:   func(d *DefaultsEntry) *int64 { return d.VoiceConnections },
		example:  9, noun: "voice connections",
	},
	BotID:     {name: "bot_id", names: func(f *FieldsEntry) Names { return f.BotID }},
	ListBotID: {name: "list_bot_id", names: func(f *FieldsEntry) Names { return f.ListBotID }},
}

// String returns the value's key in a count, and under an entry's fields and
// defaults.
func (v Value) String() string { return valueTable[v].name }

// Optional returns where c holds the value. It is nil for a value that is no
// optional number of a count.
func (v Value) Optional(c *Count) **int64 {
	if valueTable[v].optional == nil {
		return nil
	}
	return valueTable[v].optional(c)
}

// Names returns the names under which a list with the entry takes the value.
func (v Value) Names(e *Entry) Names {
	row := &valueTable[v]
	if e.Post != nil && e.Post.Fields != nil {
		return row.names(e.Post.Fields)
	}
	return row.plainNames(e)
}

func (r *valueRow) plainNames(e *Entry) Names {
	if r.plain == nil || r.plain(e) == "" {
		return nil
	}
	return Names{r.plain(e)}
}

// Default returns what a list with the entry is sent where a count does not
// hold the value; nil for nothing.
func (v Value) Default(e *Entry) *int64 {
	if e.Post == nil || e.Post.Defaults == nil || valueTable[v].preset == nil {
		return nil
	}
	return valueTable[v].preset(e.Post.Defaults)
}

// Example returns a number for explanations and what it counts; 0 and "" for
// values without one.
func (v Value) Example() (n int64, noun string) { return valueTable[v].example, valueTable[v].noun }

// CountKeys returns the keys of a count's body that are not ids of lists.
func CountKeys() []string {
	keys := []string{BotID.String()}
	for v := range BotID { // those before it; a ListBotID comes with a token
		keys = append(keys, v.String())
	}
	return append(keys, TokensKey)
}

// TokensKey is the key of a count's body under which tokens may stand.
const TokensKey = "tokens"

// valueDefault is a value's number for counts that do not hold it.
type valueDefault struct {
	value  Value
	number int64
}

// defaults checks the numbers that go out for what a count does not hold.
func (c *checker) defaults(e *Entry, takes *[NumValues]bool) []valueDefault {
	var all []valueDefault
	for v := range NumValues {
		n := v.Default(e)
		if n == nil {
			continue
		}
		if minimum := valueTable[v].minimum; *n < minimum || *n > MaxNumber {
			c.add("post.defaults", "must be %d to %d, is %d", minimum, int64(MaxNumber), *n)
		}
		if !takes[v] {
			c.add("post.defaults", "gives a value that no field takes; add the field, or leave the default out")
		}
		all = append(all, valueDefault{v, *n})
	}
	return all
}

// valueSet holds what goes out to one list.
type valueSet struct {
	ids
	count  Count
	number [NumValues]int64
	given  [NumValues]bool

	reportValues [][]byte // of a report: its values as JSON, in the order of its table; nil: not given
}

func (s *valueSet) set(v Value, n int64) { s.number[v], s.given[v] = n, true }

// fill picks the right numbers of the count for a list. Where the shards are
// given, a list that takes the array gets the array, and every other list the
// total, without a shard id, even if it stores counts per shard: callers post the
// whole array from one shard alone.
func (s *valueSet) fill(takes *[NumValues]bool, defaults []valueDefault) {
	s.given[BotID], s.given[ListBotID] = true, s.listBotID != ""
	s.fillGiven()
	switch {
	case len(s.count.Shards) == 0:
	case takes[Shards] && s.count.believable():
		s.given[Shards], s.given[ServerCount] = true, false
	default:
		s.given[ShardID] = false
	}
	for _, d := range defaults {
		if !s.given[d.value] {
			s.set(d.value, d.number)
		}
	}
}

// fillGiven takes the numbers of the count as they are. A shard count of 0 says
// that the bot is not sharded.
func (s *valueSet) fillGiven() {
	s.set(ServerCount, s.count.ServerCount)
	for v := range NumValues {
		if n := v.Optional(&s.count); n != nil && *n != nil {
			s.set(v, **n)
		}
	}
	if s.given[ShardCount] && s.number[ShardCount] == 0 {
		s.given[ShardCount], s.given[ShardID] = false, false
	}
}
